/* SPDX-License-Identifier: BSD-3-Clause */
/* transform.c - a fitted transform: its layout for applying it, names, bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "transform.h"

static const char damaged[] = "the description of the preprocessing is damaged";

static void free_plan(struct fr_transform_plan *plan)
{
    if (plan == NULL) return;
    free(plan->fill);
    free(plan->shift);
    free(plan->factor);
    free(plan->to);
    free(plan->runs);
    free(plan->onehot);
    free(plan);
}

void fr_transform_clear(fr_transform *transform)
{
    for (size_t c = 0; c < transform->cols; c++) free(transform->features[c].place);
    free(transform->features);
    free_plan(transform->plan);
    fr_projection_destroy(&transform->projection);
    *transform = (fr_transform){0};
}

static void lay_out(const fr_transform *transform, struct fr_transform_plan *plan)
{
    for (size_t c = 0; c < transform->cols; c++) {
        const fr_feature *feature = &transform->features[c];
        plan->fill[c] = feature->fill;
        plan->shift[c] = feature->shift;
        plan->factor[c] = feature->factor;
        plan->to[c] = -1;
        if (feature->kind == FR_FEATURE_ONEHOT) plan->onehot[plan->n_onehot++] = c;
        if (feature->kind != FR_FEATURE_NUMERIC && feature->kind != FR_FEATURE_ORDINAL)
            continue;
        plan->to[c] = (int32_t)feature->first;
        fr_run *last = plan->n_runs > 0 ? &plan->runs[plan->n_runs - 1] : NULL;
        if (last != NULL && last->from + last->n == c && last->to + last->n == feature->first)
            last->n++;
        else
            plan->runs[plan->n_runs++] = (fr_run){c, feature->first, 1};
    }
}

fr_status fr_transform_make_plan(fr_transform *transform)
{
    const size_t cols = transform->cols;
    struct fr_transform_plan *plan = fr_alloc(1, sizeof *plan);
    if (plan == NULL) return FR_ERR_MEMORY;
    plan->fill = fr_alloc(cols, sizeof *plan->fill);
    plan->shift = fr_alloc(cols, sizeof *plan->shift);
    plan->factor = fr_alloc(cols, sizeof *plan->factor);
    plan->to = fr_alloc(cols, sizeof *plan->to);
    plan->runs = fr_alloc(cols, sizeof *plan->runs);
    plan->onehot = fr_alloc(cols, sizeof *plan->onehot);
    if (plan->fill == NULL || plan->shift == NULL || plan->factor == NULL || plan->to == NULL ||
        plan->runs == NULL || plan->onehot == NULL) {
        free_plan(plan);
        return FR_ERR_MEMORY;
    }
    lay_out(transform, plan);
    free_plan(transform->plan);
    transform->plan = plan;
    return FR_OK;
}

void fr_transform_as_is(fr_transform *transform)
{
    if (transform->tfidf || transform->projection != NULL) return;
    for (size_t c = 0; c < transform->cols; c++) {
        fr_feature *feature = &transform->features[c];
        if (feature->kind == FR_FEATURE_DROP) continue;
        feature->fill = feature->kind == FR_FEATURE_ONEHOT ? -1 : NAN;
        feature->shift = 0;
        feature->factor = 1;
        transform->plan->fill[c] = feature->fill;
        transform->plan->shift[c] = feature->shift;
        transform->plan->factor[c] = feature->factor;
    }
}

/* The feature that output j is of; their first outputs ascend, those of dropped ones too. */
static size_t feature_of(const fr_transform *transform, size_t j)
{
    size_t low = 0, high = transform->cols;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (transform->features[middle].first <= j)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

void fr_transform_name(const fr_transform *transform, const fr_schema *schema, size_t j,
                       fr_text *out)
{
    if (transform->projection != NULL) {
        const bool fourier = transform->projection->amplitude > 0;
        fr_text_add(out, "%s_%zu", fourier ? "fourier" : "component", j + 1);
        return;
    }
    if (j >= transform->width) return;
    const size_t c = feature_of(transform, j);
    if (c >= schema->cols) return;
    const fr_feature *feature = &transform->features[c];
    fr_text_add(out, "%s", schema->columns[c].name);
    for (size_t level = 0; level < feature->n_place && level < schema->columns[c].n_levels;
         level++)
        if (feature->place[level] == (int32_t)(j - feature->first))
            fr_text_add(out, "=%s", schema->columns[c].levels[level]);
}

size_t fr_transform_features(const fr_transform *transform)
{
    return transform->projection != NULL ? transform->projection->in : transform->width;
}

void fr_transform_pack(const fr_transform *transform, fr_pack *out)
{
    fr_pack_u64(out, transform->cols);
    fr_pack_u64(out, transform->width);
    fr_pack_u8(out, transform->tfidf);
    fr_pack_u8(out, transform->sublinear);
    fr_pack_double(out, transform->target_shift);
    fr_pack_double(out, transform->target_factor);
    for (size_t c = 0; c < transform->cols; c++) {
        const fr_feature *feature = &transform->features[c];
        fr_pack_u8(out, (uint8_t)feature->kind);
        fr_pack_u64(out, feature->width);
        fr_pack_double(out, feature->fill);
        fr_pack_double(out, feature->shift);
        fr_pack_double(out, feature->factor);
        fr_pack_u64(out, feature->n_place);
        for (size_t i = 0; i < feature->n_place; i++)
            fr_pack_u32(out, (uint32_t)feature->place[i]);
    }
    fr_projection_pack(transform->projection, out);
}

/* Every level has a place of its own inside the width, or none. */
static bool unpack_places(fr_unpack *in, fr_feature *feature)
{
    const uint64_t n = fr_unpack_u64(in);
    if (n > fr_unpack_left(in) / sizeof(uint32_t)) return false;
    if (feature->kind != FR_FEATURE_ONEHOT) return n == 0;
    if (n == 0 || feature->width > n) return false;
    feature->place = fr_alloc((size_t)n, sizeof *feature->place);
    if (feature->place == NULL) return false;
    feature->n_place = (size_t)n;
    for (size_t i = 0; i < feature->n_place; i++) {
        const int64_t place = (int32_t)fr_unpack_u32(in);
        if (place < -1 || place >= (int64_t)feature->width) return false;
        feature->place[i] = (int32_t)place;
    }
    return true;
}

static bool unpack_feature(fr_unpack *in, fr_feature *feature)
{
    feature->kind = fr_unpack_u8(in);
    const uint64_t width = fr_unpack_u64(in);
    feature->fill = (float)fr_unpack_double(in);
    feature->shift = (float)fr_unpack_double(in);
    feature->factor = (float)fr_unpack_double(in);
    const bool one = feature->kind == FR_FEATURE_NUMERIC || feature->kind == FR_FEATURE_ORDINAL;
    if (feature->kind < 0 || feature->kind > FR_FEATURE_ORDINAL || width > INT32_MAX)
        return false;
    if (feature->kind == FR_FEATURE_DROP && width != 0) return false;
    if (one && width != 1) return false;
    if (isinf(feature->fill) || !isfinite(feature->shift) || !isfinite(feature->factor))
        return false;
    feature->width = (size_t)width;
    return unpack_places(in, feature) && !in->failed;
}

fr_status fr_transform_unpack(fr_unpack *in, fr_transform *out)
{
    enum { FEATURE_BYTES = 1 + 8 + 3 * 8 + 8 };
    *out = (fr_transform){0};
    const uint64_t cols = fr_unpack_u64(in), width = fr_unpack_u64(in);
    out->tfidf = fr_unpack_u8(in) != 0;
    out->sublinear = fr_unpack_u8(in) != 0;
    out->target_shift = fr_unpack_double(in);
    out->target_factor = fr_unpack_double(in);
    bool good = cols <= fr_unpack_left(in) / FEATURE_BYTES && isfinite(out->target_shift) &&
                isfinite(out->target_factor) && out->target_factor != 0;
    if (good && (out->features = fr_alloc((size_t)cols, sizeof *out->features)) == NULL)
        return FR_ERR_MEMORY;
    if (good) out->cols = (size_t)cols;
    for (size_t c = 0; c < out->cols && good; c++) {
        good = unpack_feature(in, &out->features[c]);
        out->features[c].first = out->width;
        out->width += out->features[c].width;
    }
    fr_status st = good && !in->failed ? fr_projection_unpack(in, out->width, &out->projection)
                                       : FR_FAIL(FR_ERR_FORMAT, "%s", damaged);
    if (out->projection != NULL) out->width = out->projection->out;
    if (st == FR_OK && (in->failed || out->width != width))
        st = FR_FAIL(FR_ERR_FORMAT, "%s", damaged);
    if (st == FR_OK) st = fr_transform_make_plan(out);
    if (st != FR_OK) fr_transform_clear(out);
    return st;
}

fr_status fr_transform_copy(const fr_transform *from, fr_transform *to)
{
    fr_pack bytes = {0};
    fr_status st = FR_ERR_MEMORY;
    fr_transform_pack(from, &bytes);
    if (!bytes.failed) {
        fr_unpack in = fr_unpack_make(bytes.data, bytes.size);
        st = fr_transform_unpack(&in, to);
    }
    fr_pack_clear(&bytes);
    return st;
}
