/* SPDX-License-Identifier: BSD-3-Clause */
/* fold_result.c - one fold's result as bytes. The layout is part of the journal's format; what
 * is read back is untrusted.
 *
 * The byte of the state holds the number of further scores in its upper half: a study with one
 * objective has the same bytes as before there were several. */
#include <stdlib.h>

#include "foldrank/history.h"
#include "foldrank/memory.h"

enum { CURVE_COLUMNS = 2, STATE_BITS = 4, STATE_MASK = (1 << STATE_BITS) - 1 };

void fr_fold_result_clear(fr_fold_result *result)
{
    free(result->curve);
    free(result->message);
    *result = (fr_fold_result){0};
}

void fr_fold_result_pack(const fr_fold_result *result, fr_pack *out)
{
    fr_pack_u64(out, result->trial);
    fr_pack_u32(out, result->fold);
    fr_pack_u8(out, (uint8_t)(result->n_more << STATE_BITS | (uint32_t)result->state));
    fr_pack_double(out, result->score);
    fr_pack_double(out, result->train_score);
    fr_pack_double(out, result->loss);
    fr_pack_u32(out, result->epochs);
    fr_pack_u32(out, result->best_epoch);
    fr_pack_double(out, result->seconds);
    fr_pack_double(out, result->samples_per_second);
    fr_pack_double(out, result->flops);
    fr_pack_u32(out, result->rank);
    fr_pack_double(out, result->start_s);
    fr_pack_double(out, result->end_s);
    fr_pack_u64(out, result->n_curve);
    fr_pack_doubles(out, result->curve, CURVE_COLUMNS * result->n_curve);
    fr_pack_string(out, result->message);
    fr_pack_doubles(out, result->more, result->n_more);
}

static void unpack_numbers(fr_unpack *in, fr_fold_result *out)
{
    out->trial = fr_unpack_u64(in);
    out->fold = fr_unpack_u32(in);
    const uint32_t state = fr_unpack_u8(in);
    out->state = (fr_trial_state)(state & STATE_MASK);
    out->n_more = state >> STATE_BITS;
    out->score = fr_unpack_double(in);
    out->train_score = fr_unpack_double(in);
    out->loss = fr_unpack_double(in);
    out->epochs = fr_unpack_u32(in);
    out->best_epoch = fr_unpack_u32(in);
    out->seconds = fr_unpack_double(in);
    out->samples_per_second = fr_unpack_double(in);
    out->flops = fr_unpack_double(in);
    out->rank = fr_unpack_u32(in);
    out->start_s = fr_unpack_double(in);
    out->end_s = fr_unpack_double(in);
}

fr_status fr_fold_result_unpack(fr_unpack *in, fr_fold_result *out)
{
    *out = (fr_fold_result){0};
    unpack_numbers(in, out);
    const uint64_t n_curve = fr_unpack_u64(in);

    /* The count is checked against the bytes that are there before anything is allocated. */
    if (n_curve > fr_unpack_left(in) / (CURVE_COLUMNS * sizeof(double)))
        return FR_FAIL(FR_ERR_FORMAT, "a fold result names %llu curve points but has %zu bytes",
                       (unsigned long long)n_curve, fr_unpack_left(in));
    if (n_curve > 0) {
        out->curve = fr_alloc((size_t)n_curve, CURVE_COLUMNS * sizeof(double));
        if (out->curve == NULL) return FR_ERR_MEMORY;
        out->n_curve = (size_t)n_curve;
        fr_unpack_doubles(in, out->curve, CURVE_COLUMNS * out->n_curve);
    }
    out->message = fr_unpack_string(in);
    if (out->n_more > FR_GOALS_MAX - 1)
        return FR_FAIL(FR_ERR_FORMAT, "a fold result has %u scores; at most %d",
                       (unsigned)out->n_more + 1, FR_GOALS_MAX);
    fr_unpack_doubles(in, out->more, out->n_more);
    if (in->failed) return FR_FAIL(FR_ERR_FORMAT, "a fold result ends too early");
    if (out->message[0] == '\0') {
        free(out->message);
        out->message = NULL;
    }
    if (out->state <= FR_TRIAL_PENDING || out->state > FR_TRIAL_CANCELLED)
        return FR_FAIL(FR_ERR_FORMAT, "a fold result has state %d; known are %d to %d",
                       (int)out->state, FR_TRIAL_PENDING + 1, FR_TRIAL_CANCELLED);
    return FR_OK;
}
