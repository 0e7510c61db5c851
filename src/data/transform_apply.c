/* SPDX-License-Identifier: BSD-3-Clause */
/* transform_apply.c - gather rows into a batch and transform them on the way.
 *
 * Runs once for every mini-batch, so its inner loops go over neighbouring cells with flat
 * constants; they are compiled for several instruction sets, of which one is chosen when the
 * program starts. All give the same bits: an output is one subtraction and one product. */
#include <assert.h>
#include <string.h>

#include "transform.h"

/* Sanitizers start after the choice is made and trip over it. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FOR_SEVERAL_CPUS                                                                       \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_SEVERAL_CPUS
#endif

enum {
    AHEAD = 6,           /* rows fetched early: their order is random */
    LINE = 64,           /* bytes fetched at a time */
    TABLE_FLOATS = 4096, /* of a table on the stack that stays in the nearest cache */
    COPY = 4             /* floats copied at a time */
};

/* Columns [from, from + n) of some rows, all of them numbers, into out (rows, stride). */
typedef struct {
    const struct fr_transform_plan *plan;
    const void *x;
    size_t cols;
    const uint32_t *rows;
    size_t n_rows;
    size_t from, n;
    float *out;
    size_t stride;
} strip;

static inline void prefetch(const void *cells, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += LINE) __builtin_prefetch((const char *)cells + i);
}

FOR_SEVERAL_CPUS
static void scale_u8(const strip *s)
{
    const float *restrict shift = s->plan->shift + s->from, *restrict factor =
                                                                s->plan->factor + s->from;
    const uint8_t *cells = (const uint8_t *)s->x + s->from;
    for (size_t r = 0; r < s->n_rows; r++) {
        const uint8_t *restrict x = cells + s->rows[r] * s->cols;
        float *restrict out = s->out + r * s->stride;
        if (r + AHEAD < s->n_rows)
            prefetch(cells + s->rows[r + AHEAD] * s->cols, s->n * sizeof *x);
        for (size_t j = 0; j < s->n; j++) out[j] = ((float)x[j] - shift[j]) * factor[j];
    }
}

FOR_SEVERAL_CPUS
static void scale_i16(const strip *s)
{
    const float *restrict shift = s->plan->shift + s->from, *restrict factor =
                                                                s->plan->factor + s->from;
    const int16_t *cells = (const int16_t *)s->x + s->from;
    for (size_t r = 0; r < s->n_rows; r++) {
        const int16_t *restrict x = cells + s->rows[r] * s->cols;
        float *restrict out = s->out + r * s->stride;
        if (r + AHEAD < s->n_rows)
            prefetch(cells + s->rows[r + AHEAD] * s->cols, s->n * sizeof *x);
        for (size_t j = 0; j < s->n; j++) out[j] = ((float)x[j] - shift[j]) * factor[j];
    }
}

FOR_SEVERAL_CPUS
static void scale_f32(const strip *s)
{
    const float *restrict shift = s->plan->shift + s->from,
                          *restrict factor = s->plan->factor + s->from,
                          *restrict fill = s->plan->fill + s->from;
    const float *cells = (const float *)s->x + s->from;
    for (size_t r = 0; r < s->n_rows; r++) {
        const float *restrict x = cells + s->rows[r] * s->cols;
        float *restrict out = s->out + r * s->stride;
        if (r + AHEAD < s->n_rows)
            prefetch(cells + s->rows[r + AHEAD] * s->cols, s->n * sizeof *x);
        for (size_t j = 0; j < s->n; j++) {
            const float value = x[j] == x[j] ? x[j] : fill[j];
            out[j] = (value - shift[j]) * factor[j];
        }
    }
}

static void scale(fr_cell cell, const strip *s)
{
    if (cell == FR_CELL_U8)
        scale_u8(s);
    else if (cell == FR_CELL_I16)
        scale_i16(s);
    else
        scale_f32(s);
}

/* The last block begins early enough to end with the run: what two blocks share is copied
 * twice, which costs less than the rest one by one. */
static inline void copy_run(float *restrict to, const float *restrict from, size_t n)
{
    size_t i = 0;
    for (; i + COPY <= n; i += COPY) memcpy(to + i, from + i, COPY * sizeof *to);
    if (i == n) return;
    if (n >= COPY)
        memcpy(to + n - COPY, from + n - COPY, COPY * sizeof *to);
    else
        for (; i < n; i++) to[i] = from[i];
}

/* Columns [first, end) through a table: all are computed, then the runs among them copied. Many
 * short runs, as between columns that are constant, cost little more than one long one. */
static void scale_runs(const strip *all, fr_cell cell, size_t first, size_t end)
{
    float table[TABLE_FLOATS];
    const struct fr_transform_plan *plan = all->plan;
    const size_t n = end - first, rows_at_a_time = TABLE_FLOATS / n;
    for (size_t r0 = 0; r0 < all->n_rows; r0 += rows_at_a_time) {
        const size_t left = all->n_rows - r0;
        strip s = *all;
        s.rows = all->rows + r0;
        s.n_rows = left < rows_at_a_time ? left : rows_at_a_time;
        s.from = first;
        s.n = n;
        s.out = table;
        s.stride = n;
        scale(cell, &s);
        for (size_t i = 0; i < plan->n_runs; i++) {
            const fr_run run = plan->runs[i];
            const size_t from = run.from > first ? run.from : first,
                         stop = run.from + run.n < end ? run.from + run.n : end;
            if (from >= stop) continue;
            for (size_t r = 0; r < s.n_rows; r++)
                copy_run(all->out + (r0 + r) * all->stride + run.to + (from - run.from),
                         table + r * n + (from - first), stop - from);
        }
    }
}

/* Level of a categorical cell; -1 for missing. */
static ptrdiff_t level_at(const strip *s, fr_cell cell, size_t i)
{
    if (cell == FR_CELL_U8) return ((const uint8_t *)s->x)[i];
    if (cell == FR_CELL_I16) return ((const int16_t *)s->x)[i];
    const float value = ((const float *)s->x)[i];
    return value >= 0 && value < 0x1p24f ? (ptrdiff_t)value : -1;
}

static void put_onehot(const strip *s, fr_cell cell, const fr_feature *feature, size_t column)
{
    const ptrdiff_t fill = (ptrdiff_t)feature->fill, n_place = (ptrdiff_t)feature->n_place;
    for (size_t r = 0; r < s->n_rows; r++) {
        float *out = s->out + r * s->stride + feature->first;
        ptrdiff_t level = level_at(s, cell, s->rows[r] * s->cols + column);
        if (level < 0) level = fill;
        memset(out, 0, feature->width * sizeof *out);
        const int32_t place = level >= 0 && level < n_place ? feature->place[level] : -1;
        if (place >= 0) out[place] = 1;
    }
}

void fr_transform_numbers(const fr_transform *transform, const fr_dataset *dataset,
                          const uint32_t *rows, size_t n_rows, const fr_run *columns,
                          float *out)
{
    const strip s = {.plan = transform->plan,
                     .x = dataset->x,
                     .cols = transform->cols,
                     .rows = rows,
                     .n_rows = n_rows,
                     .from = columns->from,
                     .n = columns->n,
                     .out = out,
                     .stride = columns->n};
    scale(dataset->schema.cell, &s);
}

void fr_transform_apply(const fr_transform *transform, const fr_dataset *dataset,
                        const uint32_t *rows, size_t n, float *out, size_t stride)
{
    assert(transform->cols == dataset->schema.cols && stride >= transform->width);
    const struct fr_transform_plan *plan = transform->plan;
    const fr_cell cell = dataset->schema.cell;
    if (transform->projection != NULL) {
        fr_transform_project(transform, dataset, rows, n, out, stride);
        return;
    }
    if (cell == FR_CELL_SPARSE) {
        fr_transform_expand(transform, dataset, rows, n, out, stride);
        return;
    }
    if (transform->tfidf) {
        fr_transform_apply_tfidf(transform, dataset, rows, n, out, stride);
        return;
    }
    strip s = {.plan = plan,
               .x = dataset->x,
               .cols = transform->cols,
               .rows = rows,
               .n_rows = n,
               .out = out,
               .stride = stride};
    if (plan->n_runs == 1) {
        strip one = s;
        one.from = plan->runs[0].from;
        one.n = plan->runs[0].n;
        one.out = out + plan->runs[0].to;
        scale(cell, &one);
    } else if (plan->n_runs > 1) {
        const fr_run last = plan->runs[plan->n_runs - 1];
        const size_t end = last.from + last.n;
        for (size_t c = plan->runs[0].from; c < end; c += TABLE_FLOATS / 4)
            scale_runs(&s, cell, c, c + TABLE_FLOATS / 4 < end ? c + TABLE_FLOATS / 4 : end);
    }
    for (size_t i = 0; i < plan->n_onehot; i++)
        put_onehot(&s, cell, &transform->features[plan->onehot[i]], plan->onehot[i]);
    if (stride == transform->width) return;
    for (size_t r = 0; r < n; r++)
        memset(out + r * stride + transform->width, 0,
               (stride - transform->width) * sizeof *out);
}
