/* SPDX-License-Identifier: BSD-3-Clause */
/* fit_state.c - a fit between two epochs as bytes, and back.
 *
 * In them is all that the next epoch depends on and that does not follow from the request:
 * what the learner has learned (parameters and the optimizer's arrays, or trees), the best
 * epoch's weights, the course so far. Random numbers and the order of rows follow from the
 * epoch's number. Arrays are handed over as they lie, without a copy. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"

enum { STATE_VERSION = 2 };

/* What a state must have in common with the fit that goes on from it. */
static void pack_shape(const fr_fit_course *c, fr_pack *out)
{
    fr_pack_u32(out, STATE_VERSION);
    fr_pack_u32(out, (uint32_t)c->request->recipe->model.family);
    fr_pack_u64(out, c->request->n_train);
    fr_pack_u64(out, c->request->n_valid);
    fr_pack_u32(out, c->epochs);
}

static void pack_course(const fr_fit_course *c, fr_pack *out)
{
    const double values[] = {c->score,
                             c->loss,
                             c->best,
                             c->best_loss,
                             c->to_beat,
                             c->training_seconds,
                             c->earlier_seconds + fr_clock_now() - c->started};
    fr_pack_u32(out, c->done);
    fr_pack_u32(out, c->best_epoch);
    fr_pack_u32(out, c->counted_epoch);
    fr_pack_u32(out, c->scored);
    fr_pack_doubles(out, values, sizeof values / sizeof *values);
    fr_pack_doubles(out, c->result->curve, 2 * c->result->n_curve);
}

void fr_course_save(const fr_fit_course *c, const fr_learner *learner)
{
    const fr_fit_keeper *keeper = c->request->keeper;
    if (keeper == NULL) return;
    fr_fit_part parts[1 + FR_PARTS_MAX];
    fr_pack head = {0};
    pack_shape(c, &head);
    pack_course(c, &head);
    const size_t n = learner->save(learner->self, &head, parts + 1);
    parts[0] = (fr_fit_part){head.data, head.size};
    if (!head.failed) keeper->save(keeper->context, parts, 1 + n);
    fr_pack_clear(&head);
}

static bool same_shape(const fr_fit_course *c, fr_unpack *in)
{
    fr_pack mine = {0};
    pack_shape(c, &mine);
    const void *theirs = fr_unpack_bytes(in, mine.size);
    const bool same =
        !mine.failed && theirs != NULL && memcmp(mine.data, theirs, mine.size) == 0;
    fr_pack_clear(&mine);
    return same;
}

/* Into *c, whose arrays stay as they are: false when it is not the course of such a fit. */
static bool unpack_course(fr_fit_course *c, fr_unpack *in)
{
    double *const values[] = {&c->score,          &c->loss,    &c->best,
                              &c->best_loss,      &c->to_beat, &c->training_seconds,
                              &c->earlier_seconds};
    c->done = fr_unpack_u32(in);
    c->best_epoch = fr_unpack_u32(in);
    c->counted_epoch = fr_unpack_u32(in);
    c->scored = fr_unpack_u32(in);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        *values[i] = fr_unpack_double(in);
    return !in->failed && c->done > 0 && c->done < c->epochs && c->best_epoch <= c->done &&
           c->counted_epoch <= c->done && c->scored <= c->done && c->earlier_seconds >= 0;
}

/* All or nothing: false leaves the fit at its beginning. */
static bool restore(fr_fit_course *c, const fr_learner *learner, const void *bytes, size_t size)
{
    fr_fit_course then = *c;
    fr_unpack in = fr_unpack_make(bytes, size);
    if (!same_shape(c, &in) || !unpack_course(&then, &in)) return false;
    if (fr_unpack_left(&in) / sizeof(double) < 2 * (size_t)then.done) return false;
    fr_unpack_doubles(&in, c->result->curve, 2 * (size_t)then.done);
    if (!learner->restore(learner->self, &in, then.done)) return false;
    *c = then;
    c->result->n_curve = c->done;
    return true;
}

/* Process 0 has the state, if there is one: now all have it. */
static fr_status share_state(const fr_fit_group *group, void **bytes, size_t *size)
{
    size_t bounds[FR_GROUP_MAX + 1] = {0};
    uint64_t length = *size;
    for (size_t k = 1; k <= group->size; k++) bounds[k] = sizeof length;
    group->share(group->context, &length, bounds);
    if (length == 0) return FR_OK;
    if (group->index > 0) *bytes = fr_alloc(length, 1);
    FR_TRY(fr_fit_agree(group, *bytes == NULL ? FR_ERR_MEMORY : FR_OK));
    for (size_t k = 1; k <= group->size; k++) bounds[k] = length;
    group->share(group->context, *bytes, bounds);
    *size = length;
    return FR_OK;
}

fr_status fr_course_resume(fr_fit_course *c, const fr_learner *learner)
{
    const fr_fit_request *r = c->request;
    void *bytes = NULL;
    size_t size = 0;
    fr_status st = FR_OK;
    if (r->keeper != NULL && !r->keeper->load(r->keeper->context, &bytes, &size)) size = 0;
    if (r->group != NULL) st = share_state(r->group, &bytes, &size);
    if (st == FR_OK && size > 0) {
        const bool fits = restore(c, learner, bytes, size);
        if (fits)
            fr_log_all(FR_LOG_DEBUG, "train resumed trial=%llu fold=%u epoch=%u",
                       (unsigned long long)r->trial, r->fold, c->done);
        else if (r->keeper != NULL)
            fr_log_all(FR_LOG_WARN,
                       "train saved_state=ignored trial=%llu fold=%u: it is not of this fit, "
                       "which starts anew",
                       (unsigned long long)r->trial, r->fold);
    }
    free(bytes);
    return st;
}
