/* SPDX-License-Identifier: BSD-3-Clause */
/* predictions.c - what a model says of new rows, as HDF5. */
#include <libgen.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "foldrank/version.h"
#include "internal.h"

enum { PREDICTIONS_FORMAT = 1 };

static const char *class_text(void *context, size_t i)
{
    const fr_predictions *p = context;
    const size_t n = p->model->n_outputs;
    const size_t chosen = fr_calibration_class(&p->model->calibration, p->outputs + i * n, n);
    return chosen < n ? p->model->schema.classes[chosen] : "";
}

static void next_values(void *context, size_t first, size_t n, void *out)
{
    const fr_predictions *p = context;
    for (size_t i = 0; i < n; i++) ((double *)out)[i] = (double)p->outputs[first + i];
}

static void put_all(fr_h5_out *out, const fr_predictions *p)
{
    const uint32_t format = PREDICTIONS_FORMAT;
    const fr_schema *schema = &p->model->schema;
    const bool classifies = schema->learn == FR_LEARN_CLASSIFICATION;
    fr_h5_put_text_attribute(out, "/", "content", "foldrank predictions");
    fr_h5_put_text_attribute(out, "/", "version", FR_VERSION);
    fr_h5_put_attribute(out, "/", "format", FR_H5_U32, &format);
    fr_h5_put_scalar_text(out, "/target",
                          schema->target_name == NULL ? "" : schema->target_name);
    fr_h5_put_matrix(out, "/outputs", p->outputs, p->rows, p->model->n_outputs);
    fr_h5_put_text_attribute(out, "/outputs", "kind",
                             !classifies                            ? "value"
                             : fr_model_has_probabilities(p->model) ? "probability"
                                                                    : "decision value");
    if (!classifies) {
        fr_h5_put_column(out, &(fr_h5_column){.path = "/prediction",
                                              .type = FR_H5_F64,
                                              .n = p->rows,
                                              .next = next_values,
                                              .context = (void *)p});
        return;
    }
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/prediction",
                                        .n = p->rows,
                                        .text = class_text,
                                        .context = (void *)p});
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/classes",
                                        .n = schema->n_classes,
                                        .text = fr_h5_text_of_array,
                                        .context = schema->classes});
}

fr_status fr_predictions_write(const char *path, const fr_predictions *predictions)
{
    fr_h5_out out;
    void *bytes = NULL;
    size_t n = 0;
    FR_TRY(fr_h5_out_open(&out));
    put_all(&out, predictions);
    FR_TRY(fr_h5_out_close(&out, &bytes, &n));
    /* Both may change their argument, and point into it. */
    char *for_dir = fr_strdup(path), *for_name = fr_strdup(path);
    fr_status st = for_dir == NULL || for_name == NULL
                       ? FR_ERR_MEMORY
                       : fr_store_replace(dirname(for_dir), basename(for_name), bytes, n);
    free(for_dir);
    free(for_name);
    free(bytes);
    return st;
}
