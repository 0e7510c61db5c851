/* SPDX-License-Identifier: BSD-3-Clause */
/* weights.c - what each training row weighs: its own weight times that of its class. */
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

/* Weight of each class: rows / (classes x rows of the class), as sklearn's "balanced". */
static fr_status weigh_classes(const fr_fit_request *r, float **out)
{
    const size_t k = r->dataset->schema.n_classes;
    if (r->recipe->model.class_weight != FR_CLASS_WEIGHT_BALANCED ||
        r->dataset->schema.learn != FR_LEARN_CLASSIFICATION)
        return FR_OK;
    float *weight = *out = fr_alloc(k, sizeof *weight);
    size_t *counts = fr_alloc(k, sizeof *counts);
    if (counts == NULL || weight == NULL) {
        free(counts);
        return FR_ERR_MEMORY;
    }
    for (size_t i = 0; i < r->n_train; i++) counts[(size_t)r->dataset->y[r->train[i]]]++;
    for (size_t c = 0; c < k; c++)
        weight[c] = counts[c] == 0
                        ? 1.0f
                        : (float)((double)r->n_train / ((double)k * (double)counts[c]));
    free(counts);
    return FR_OK;
}

fr_status fr_weigh_rows(const fr_fit_request *r, float **class_weight, float **row_weight)
{
    FR_TRY(weigh_classes(r, class_weight));
    if (*class_weight == NULL && r->dataset->weight == NULL) return FR_OK;
    float *weight = *row_weight = fr_alloc(r->n_train, sizeof *weight);
    if (weight == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < r->n_train; i++) {
        const uint32_t row = r->train[i];
        weight[i] = r->dataset->weight == NULL ? 1.0f : r->dataset->weight[row];
        if (*class_weight != NULL) weight[i] *= (*class_weight)[(size_t)r->dataset->y[row]];
    }
    return FR_OK;
}
