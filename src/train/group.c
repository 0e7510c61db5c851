/* SPDX-License-Identifier: BSD-3-Clause */
/* group.c - what a process has to do when several train one model.
 *
 * The shards of a pass are dealt out in stretches of a power of two: each is a whole branch of
 * the tree in which the gradients of all shards are added (gradient.c), and the processes add
 * the branches in the same tree. So the sum has the same bits however many they are. */
#include <string.h>

#include "internal.h"

fr_part_of_pass fr_own_part(const fr_trainer *t, size_t rows)
{
    const fr_fit_group *group = t->request->group;
    const size_t shards = fr_shard_count(rows);
    if (group == NULL) return (fr_part_of_pass){.end = shards, .to = rows};
    const size_t active = group->size < shards ? group->size : shards;
    if (group->index >= active) return (fr_part_of_pass){0};
    const size_t first = shards * group->index / active,
                 end = shards * (group->index + 1) / active;
    return (fr_part_of_pass){first, end, rows * first / shards, rows * end / shards};
}

void fr_group_sum(fr_trainer *t, float *gradient, size_t n)
{
    const fr_fit_group *group = t->request->group;
    const size_t rows = t->batch.rows;
    const size_t shards = fr_shard_count(rows);
    const fr_part_of_pass own = fr_own_part(t, rows);
    float *loss = gradient + n;
    memset(loss, 0, rows * sizeof *loss);
    memcpy(loss + own.from, t->batch.loss + own.from, (own.to - own.from) * sizeof *loss);
    group->sum(group->context, gradient, n + rows, group->size < shards ? group->size : shards);
    for (size_t i = 0; i < rows; i++) t->loss_sum += (double)loss[i];
}

bool fr_group_any(const fr_fit_group *group, bool mine)
{
    float count = mine ? 1.0f : 0.0f;
    if (group != NULL) group->sum(group->context, &count, 1, group->size);
    return count > 0.0f;
}

fr_status fr_fit_agree(const fr_fit_group *group, fr_status mine)
{
    if (!fr_group_any(group, mine != FR_OK)) return FR_OK;
    if (mine != FR_OK) return mine;
    return FR_FAIL(FR_ERR_MEMORY, "another process that trains this model has failed");
}

void fr_group_bounds(const fr_fit_group *group, size_t n, size_t size,
                     size_t bounds[FR_GROUP_MAX + 1])
{
    for (size_t k = 0; k <= group->size; k++) bounds[k] = n * k / group->size * size;
}
