/* SPDX-License-Identifier: BSD-3-Clause */
/* members.c - trained models that predict together. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/ensemble.h"
#include "foldrank/memory.h"

void fr_ensemble_clear(fr_ensemble *ensemble)
{
    for (size_t i = 0; ensemble->member != NULL && i < ensemble->n; i++)
        fr_model_clear(&ensemble->member[i].model);
    free(ensemble->member);
    fr_scored_clear(&ensemble->test);
    *ensemble = (fr_ensemble){0};
}

/* sum += weight output, member after member. */
static fr_status add_members(const fr_ensemble *ensemble, const fr_dataset *dataset,
                             const uint32_t *rows, size_t n, double *sum, float *output)
{
    const size_t numbers = n * ensemble->member[0].model.n_outputs;
    for (size_t m = 0; m < ensemble->n; m++) {
        const double weight = ensemble->member[m].weight;
        FR_TRY(fr_model_predict(&ensemble->member[m].model, dataset, rows, n, output));
        for (size_t i = 0; i < numbers; i++) sum[i] += weight * (double)output[i];
    }
    return FR_OK;
}

fr_status fr_ensemble_predict(const fr_ensemble *ensemble, const fr_dataset *dataset,
                              const uint32_t *rows, size_t n, float *output)
{
    const fr_model *first = &ensemble->member[0].model;
    const size_t numbers = n * first->n_outputs;
    if (ensemble->n == 1) return fr_model_predict(first, dataset, rows, n, output);
    double *sum = fr_alloc(numbers, sizeof *sum);
    if (sum == NULL) return FR_ERR_MEMORY;
    const fr_status st = add_members(ensemble, dataset, rows, n, sum, output);
    for (size_t i = 0; i < numbers; i++) output[i] = (float)sum[i];
    free(sum);
    return st;
}

void fr_ensemble_pack(const fr_ensemble *ensemble, fr_pack *out)
{
    fr_pack_u64(out, ensemble->n);
    for (size_t m = 0; m < ensemble->n; m++) {
        fr_pack_u64(out, ensemble->member[m].trial);
        fr_pack_double(out, ensemble->member[m].weight);
        fr_model_pack(&ensemble->member[m].model, out);
    }
}

fr_status fr_ensemble_unpack(fr_unpack *in, fr_ensemble *out)
{
    const uint64_t n = fr_unpack_u64(in);
    *out = (fr_ensemble){0};
    if (in->failed || n == 0 || n > fr_unpack_left(in))
        return FR_FAIL(FR_ERR_FORMAT, "the members of an ensemble arrived incomplete");
    out->member = fr_alloc(n, sizeof *out->member);
    if (out->member == NULL) return FR_ERR_MEMORY;
    for (; out->n < n; out->n++) {
        fr_ensemble_member *member = &out->member[out->n];
        member->trial = fr_unpack_u64(in);
        member->weight = fr_unpack_double(in);
        const fr_status st = fr_model_unpack(in, &member->model);
        if (st == FR_OK) continue;
        fr_model_clear(&member->model);
        return st;
    }
    return FR_OK;
}
