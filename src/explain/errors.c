/* SPDX-License-Identifier: BSD-3-Clause */
/* errors.c - where a model errs: what the out-of-fold predictions say. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static size_t outputs_of(const fr_dataset *dataset)
{
    return dataset->schema.learn == FR_LEARN_CLASSIFICATION ? dataset->schema.n_classes : 1;
}

/* ---- confusion ---- */

static int by_classes(const void *a, const void *b)
{
    const fr_confusion_cell *x = a, *y = b;
    if (x->truth != y->truth) return x->truth < y->truth ? -1 : 1;
    return (x->said > y->said) - (x->said < y->said);
}

/* Sorted, with runs of equal cells made one. */
static size_t merge_cells(fr_confusion_cell *cells, size_t n)
{
    size_t kept = 0;
    qsort(cells, n, sizeof *cells, by_classes);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && by_classes(&cells[kept - 1], &cells[i]) == 0)
            cells[kept - 1].rows += cells[i].rows;
        else
            cells[kept++] = cells[i];
    }
    return kept;
}

static fr_status find_confusion(const fr_dataset *dataset, fr_explanation *out)
{
    const fr_scored *scored = &out->out_of_fold;
    const size_t width = outputs_of(dataset);
    size_t n = 0;
    out->confusion = fr_alloc(scored->n, sizeof *out->confusion);
    if (out->confusion == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < scored->n; i++) {
        const size_t said = fr_predicted_class(scored->output + i * width, width);
        if (said < width)
            out->confusion[n++] =
                (fr_confusion_cell){(uint32_t)scored->target[i], (uint32_t)said, 1};
    }
    out->n_confusion = merge_cells(out->confusion, n);
    return FR_OK;
}

/* ---- calibration ---- */

static fr_status find_calibration(const fr_dataset *dataset, size_t bins, fr_explanation *out)
{
    const fr_scored *scored = &out->out_of_fold;
    const fr_unseen rows = {scored->target, scored->output, scored->n, outputs_of(dataset),
                            true};
    out->calibration = fr_alloc(bins, sizeof *out->calibration);
    if (out->calibration == NULL) return FR_ERR_MEMORY;
    return fr_calibration_curve_of(&rows, bins, out->calibration, &out->n_calibration,
                                   &out->calibration_error);
}

/* ---- groups ---- */

typedef struct {
    int32_t group;
    size_t at; /* in the list of predictions */
} member;

static int by_group(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Predictions of the rows of one group, one after the other. */
typedef struct {
    const fr_dataset *dataset;
    size_t width;
    float *y, *output;
    uint32_t *row;
} gathered;

/* Score the members of one group, gathered in `room`. */
static fr_status score_group(const fr_scored *scored, const member *members, size_t n,
                             fr_metric metric, gathered *room, fr_group_score *out)
{
    const size_t width = room->width;
    for (size_t i = 0; i < n; i++) {
        room->y[i] = scored->target[members[i].at];
        room->row[i] = scored->row[members[i].at];
        memcpy(room->output + i * width, scored->output + members[i].at * width,
               width * sizeof *room->output);
    }
    *out = (fr_group_score){
        .group = members->group, .first_row = scored->row[members->at], .rows = n};
    const fr_metric_rows all = {.y = room->y,
                                .output = room->output,
                                .n = n,
                                .n_outputs = width,
                                .dataset = room->dataset,
                                .row = room->row};
    return fr_metric_score_rows(metric, &all, &out->score);
}

static fr_status find_groups(const fr_dataset *dataset, fr_metric metric, fr_explanation *out)
{
    const fr_scored *scored = &out->out_of_fold;
    const size_t width = outputs_of(dataset), n = scored->n;
    member *members = fr_alloc(n, sizeof *members);
    gathered room = {.dataset = dataset,
                     .width = width,
                     .y = fr_alloc(n, sizeof *room.y),
                     .output = fr_alloc(n, width * sizeof *room.output),
                     .row = fr_alloc(n, sizeof *room.row)};
    out->groups = fr_alloc(n, sizeof *out->groups);
    fr_status st = members == NULL || room.y == NULL || room.output == NULL ||
                           room.row == NULL || out->groups == NULL
                       ? FR_ERR_MEMORY
                       : FR_OK;
    for (size_t i = 0; st == FR_OK && i < n; i++)
        members[i] = (member){dataset->group[scored->row[i]], i};
    if (st == FR_OK) qsort(members, n, sizeof *members, by_group);
    for (size_t first = 0, end; st == FR_OK && first < n; first = end) {
        for (end = first + 1; end < n && members[end].group == members[first].group;) end++;
        st = score_group(scored, members + first, end - first, metric, &room,
                         &out->groups[out->n_groups++]);
    }
    free(members);
    free(room.y);
    free(room.output);
    free(room.row);
    return st;
}

/* ---- hardest rows ---- */

static double loss_of(const fr_dataset *dataset, bool has_probabilities, float target,
                      const float *output)
{
    if (dataset->schema.learn == FR_LEARN_REGRESSION)
        return fabs((double)output[0] - (double)target);
    const size_t width = dataset->schema.n_classes, truth = (size_t)target;
    if (has_probabilities) return -log(fmax((double)output[truth], (double)FLT_MIN));
    double other = -INFINITY;
    for (size_t k = 0; k < width; k++)
        if (k != truth && (double)output[k] > other) other = (double)output[k];
    return other - (double)output[truth];
}

/* The largest first; NaN, which nothing can be said of, last. */
static int by_loss(const void *a, const void *b)
{
    const fr_hard_row *x = a, *y = b;
    if (isnan(x->loss) || isnan(y->loss)) return (isnan(x->loss) != 0) - (isnan(y->loss) != 0);
    if (x->loss != y->loss) return x->loss > y->loss ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static fr_status find_hardest(const fr_dataset *dataset, bool has_probabilities, size_t most,
                              fr_explanation *out)
{
    const fr_scored *scored = &out->out_of_fold;
    const size_t width = outputs_of(dataset);
    out->hardest = fr_alloc(scored->n, sizeof *out->hardest);
    if (out->hardest == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < scored->n; i++)
        out->hardest[i] =
            (fr_hard_row){.row = scored->row[i],
                          .loss = loss_of(dataset, has_probabilities, scored->target[i],
                                          scored->output + i * width)};
    qsort(out->hardest, scored->n, sizeof *out->hardest, by_loss);
    out->n_hardest = scored->n < most ? scored->n : most;
    return FR_OK;
}

fr_status fr_explain_errors(const fr_explain_options *options, const fr_dataset *dataset,
                            fr_metric metric, bool has_probabilities, fr_explanation *out)
{
    out->calibration_error = NAN;
    if (out->out_of_fold.n == 0) return FR_OK;
    const bool classes = dataset->schema.learn == FR_LEARN_CLASSIFICATION;
    has_probabilities = has_probabilities && classes; /* a family's, but no regression's */
    if (classes) FR_TRY(find_confusion(dataset, out));
    if (has_probabilities) FR_TRY(find_calibration(dataset, (size_t)options->bins, out));
    if (dataset->group != NULL) FR_TRY(find_groups(dataset, metric, out));
    return find_hardest(dataset, has_probabilities, (size_t)options->hardest, out);
}
