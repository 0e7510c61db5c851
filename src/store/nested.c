/* SPDX-License-Identifier: BSD-3-Clause */
/* nested.c - /nested of a results file: one row for each outer fold, and how far the settings
 * agree that they chose. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/nested.h"
#include "internal.h"

enum { FOLDS_MAX = 1000 }; /* as a study may say */

#define AT(field) offsetof(fr_outer_fold, field)
static const fr_table_column columns[] = {
    {"/nested/score", FR_H5_F64, AT(score), NULL, "metric on the rows of the outer fold"},
    {"/nested/search_score", FR_H5_F64, AT(search_score), NULL,
     "what the search thought: mean score of the trial that it chose"},
    {"/nested/chosen", FR_H5_U64, AT(chosen), NULL, "number of that trial in its own search"},
    {"/nested/trials", FR_H5_U64, AT(trials), NULL, "of the search without the outer fold"},
    {"/nested/fits", FR_H5_U64, AT(fits), NULL, "of that search, the last one included"},
    {"/nested/train_rows", FR_H5_U64, AT(train_rows), NULL, "rows that the search saw"},
    {"/nested/test_rows", FR_H5_U64, AT(test_rows), NULL, "rows of the outer fold"},
    {"/nested/seconds", FR_H5_F64, AT(seconds), "s", "wall time of its fits, added up"},
};
#undef AT
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static const fr_table nested_table = {.path = "/nested",
                                      .columns = columns,
                                      .n_columns = N_COLUMNS,
                                      .n_always = N_COLUMNS,
                                      .row_size = sizeof(fr_outer_fold)};

static const char *state_text(void *folds, size_t i)
{
    return fr_trial_state_word(((const fr_outer_fold *)folds)[i].state);
}

static const char *message_text(void *folds, size_t i)
{
    return ((const fr_outer_fold *)folds)[i].message;
}

/* The sums, beside the rows that they are of. */
static void put_summary(fr_h5_out *out, const fr_nested *nested)
{
    const fr_nested_summary s = fr_nested_summarize(nested, 0);
    const uint32_t n = (uint32_t)nested->n, n_complete = (uint32_t)s.n_complete;
    fr_h5_put_attribute(out, "/nested", "outer_folds", FR_H5_U32, &n);
    fr_h5_put_attribute(out, "/nested", "complete", FR_H5_U32, &n_complete);
    fr_h5_put_attribute(out, "/nested", "mean", FR_H5_F64, &s.mean);
    fr_h5_put_attribute(out, "/nested", "sd", FR_H5_F64, &s.sd);
    fr_h5_put_attribute(out, "/nested", "se", FR_H5_F64, &s.se);
}

static void put_further_scores(fr_h5_out *out, const fr_study *study, const fr_nested *nested)
{
    if (study->n_goals == 1) return;
    fr_h5_put_group(out, "/nested/scores");
    for (size_t k = 1; k < study->n_goals; k++) {
        fr_text path = {0};
        fr_text_add(&path, "/nested/scores/%s", study->goals[k].name);
        if (path.failed) out->failed = true;
        fr_h5_put_column(out, &(fr_h5_column){.path = fr_text_get(&path),
                                              .type = FR_H5_F64,
                                              .n = nested->n,
                                              .data = &nested->folds[0].more[k - 1],
                                              .stride = sizeof(fr_outer_fold)});
        fr_text_clear(&path);
    }
}

static const char *param_name(void *space, size_t i)
{
    return ((const fr_space *)space)->params[i].name;
}

/* One row for each parameter. */
static void put_agreement(fr_h5_out *out, const fr_space *space, const fr_nested *nested)
{
    double *share = fr_alloc(space->n, 2 * sizeof *share);
    if (share == NULL) {
        out->failed = true;
        return;
    }
    double *span = share + space->n;
    for (size_t p = 0; p < space->n; p++) {
        const fr_nested_setting s = fr_nested_agreement(nested, space, p);
        share[p] = s.n_folds > 0 ? (double)s.n_most / (double)s.n_folds : NAN;
        span[p] = s.span;
    }
    const struct {
        const char *path, *about;
        const double *data;
    } numbers[] = {
        {"/nested/agreement/share",
         "share of the outer folds whose setting is the most frequent one", share},
        {"/nested/agreement/span",
         "of numbers: share of the searched range between the least and the greatest", span},
    };
    fr_h5_put_group(out, "/nested/agreement");
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/nested/agreement/name",
                                        .n = space->n,
                                        .text = param_name,
                                        .context = (void *)(uintptr_t)space});
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fr_h5_put_column(out, &(fr_h5_column){.path = numbers[i].path,
                                              .type = FR_H5_F64,
                                              .n = space->n,
                                              .data = numbers[i].data,
                                              .about = numbers[i].about});
    free(share);
}

void fr_nested_put(fr_h5_out *out, const fr_study *study, const fr_nested *nested)
{
    const fr_outer_fold **rows = fr_alloc(nested->n, sizeof *rows);
    const double **points = fr_alloc(nested->n, sizeof *points);
    if (rows == NULL || points == NULL) {
        out->failed = true;
        goto out;
    }
    for (size_t k = 0; k < nested->n; k++) {
        rows[k] = &nested->folds[k];
        points[k] = nested->folds[k].point;
    }
    fr_h5_put_group(out, "/nested");
    put_summary(out, nested);
    fr_table_put(out, &nested_table, (const void *const *)rows, nested->n);
    fr_h5_put_texts(out,
                    &(fr_h5_texts){.path = "/nested/state",
                                   .n = nested->n,
                                   .text = state_text,
                                   .context = nested->folds,
                                   .about = "complete, pending, or why there is no score"});
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/nested/message",
                                        .n = nested->n,
                                        .text = message_text,
                                        .context = nested->folds,
                                        .limit = FR_STORE_MESSAGE_MAX,
                                        .about = "why it failed"});
    put_further_scores(out, study, nested);
    fr_points_put(out, "/nested/params", &study->space, points, nested->n);
    put_agreement(out, &study->space, nested);
out:
    free(rows);
    free(points);
}

static fr_status damaged(const fr_h5_in *in, const char *what, size_t row)
{
    return FR_FAIL(FR_ERR_FORMAT, "%s: /nested: %s (row %zu); the file is damaged", in->path,
                   what, row);
}

static fr_status get_texts(const fr_h5_in *in, fr_nested *out)
{
    fr_h5_block states = {0}, messages = {0};
    fr_status st = fr_h5_get_texts(in, "/nested/state", &states);
    if (st == FR_OK) st = fr_h5_get_texts(in, "/nested/message", &messages);
    if (st == FR_OK && (states.n != out->n || messages.n != out->n))
        st = damaged(in, "its columns differ in length", out->n);
    for (size_t k = 0; st == FR_OK && k < out->n; k++) {
        const char *message = fr_h5_text(&messages, k);
        if (!fr_trial_state_find(fr_h5_text(&states, k), &out->folds[k].state))
            st = damaged(in, "an unknown state", k);
        else if (message[0] != '\0' && (out->folds[k].message = fr_strdup(message)) == NULL)
            st = FR_ERR_MEMORY;
    }
    free(states.data);
    free(messages.data);
    return st;
}

static fr_status get_further_scores(const fr_h5_in *in, const fr_study *study, fr_nested *out)
{
    double *values = fr_alloc(out->n, sizeof *values);
    fr_status st = values == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t g = 1; st == FR_OK && g < study->n_goals; g++) {
        fr_text path = {0};
        fr_text_add(&path, "/nested/scores/%s", study->goals[g].name);
        st = path.failed ? FR_ERR_MEMORY
                         : fr_h5_get_column(in, path.data, FR_H5_F64, out->n, values);
        for (size_t k = 0; st == FR_OK && k < out->n; k++)
            out->folds[k].more[g - 1] = values[k];
        fr_text_clear(&path);
    }
    free(values);
    return st;
}

/* Where nothing was chosen there is no point. */
static fr_status get_points(const fr_h5_in *in, const fr_space *space, fr_nested *out)
{
    double *points = fr_alloc(out->n, space->n * sizeof *points);
    if (points == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_points_get(in, "/nested/params", space, out->n, points);
    for (size_t k = 0; st == FR_OK && k < out->n; k++) {
        fr_outer_fold *fold = &out->folds[k];
        const double *point = points + k * space->n;
        if (isnan(fold->search_score)) continue;
        if (fr_space_check(space, point) != FR_OK)
            st = damaged(in, fr_status_message(), k);
        else if ((fold->point = fr_alloc(space->n, sizeof *point)) == NULL)
            st = FR_ERR_MEMORY;
        else if (space->n > 0)
            memcpy(fold->point, point, space->n * sizeof *point);
    }
    free(points);
    return st;
}

fr_status fr_nested_get(const fr_h5_in *in, const fr_study *study, fr_nested *out)
{
    size_t n = 0;
    *out = (fr_nested){0};
    if (!fr_h5_has(in, "/nested")) return FR_OK;
    FR_TRY(fr_h5_get_count(in, "/nested/score", &n));
    if (n == 0 || n > FOLDS_MAX)
        return FR_FAIL(FR_ERR_FORMAT, "%s: /nested has %zu rows; at most %d", in->path, n,
                       FOLDS_MAX);
    FR_TRY(fr_nested_create(n, out));
    FR_TRY(fr_table_get(in, &nested_table, out->folds, n));
    FR_TRY(get_texts(in, out));
    FR_TRY(get_further_scores(in, study, out));
    return get_points(in, &study->space, out);
}
