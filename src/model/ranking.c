/* SPDX-License-Identifier: BSD-3-Clause */
/* ranking.c - how well the rows of each user are ordered: NDCG, recall, precision and average
 * precision of the k rows with the greatest outputs, as a mean over the users.
 *
 * Rows with equal outputs have no order: each of their possible orders counts the same, so a
 * model that says the same of all rows has the score of a random order, and no score depends on
 * the order of the file. Of NDCG that is McSherry and Najork's mean (2008), which is
 * scikit-learn's, too; a user without a row that could count for something tells nothing about
 * the order and is left out (scikit-learn counts 0). */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "foldrank/metric.h"

/* A row of a user. */
typedef struct {
    int64_t user;
    uint32_t at; /* in the list of predictions */
    float output;
    bool relevant;
    double gain;
} item;

/* By user; the greatest output first. */
static int by_output(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->user != y->user) return x->user < y->user ? -1 : 1;
    if (x->output != y->output) return x->output > y->output ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int by_gain(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Of place 0, 1, ... */
static double discount(size_t place)
{
    return 1.0 / log2((double)place + 2.0);
}

/* One past the last item whose output is that of item `first`. */
static size_t end_of_tie(const item *list, size_t n, size_t first)
{
    size_t end = first + 1;
    while (end < n && list[end].output == list[first].output) end++;
    return end;
}

/* Tied rows share the discounts of their places. `gains` (n) is scratch. */
static double ndcg(const item *list, size_t n, size_t k, double *gains)
{
    double reached = 0, ideal = 0;
    for (size_t i = 0, end; i < n && i < k; i = end) {
        double gain = 0, places = 0;
        end = end_of_tie(list, n, i);
        for (size_t j = i; j < end; j++) gain += list[j].gain;
        for (size_t j = i; j < end && j < k; j++) places += discount(j);
        reached += gain / (double)(end - i) * places;
    }
    for (size_t i = 0; i < n; i++) gains[i] = list[i].gain;
    qsort(gains, n, sizeof *gains, by_gain);
    for (size_t i = 0; i < n && i < k; i++) ideal += gains[i] * discount(i);
    return reached / ideal;
}

static size_t count_relevant(const item *list, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += list[i].relevant;
    return count;
}

/* Relevant rows among the first k. */
static double hits(const item *list, size_t n, size_t k)
{
    double sum = 0;
    for (size_t i = 0, end; i < n && i < k; i = end) {
        end = end_of_tie(list, n, i);
        const size_t places = (end < k ? end : k) - i;
        sum += (double)(count_relevant(list + i, end - i) * places) / (double)(end - i);
    }
    return sum;
}

/* Sum over the relevant rows among the first k of the precision down to them. In a tie of m
 * rows, r of them relevant, place j has a relevant one with probability r / m, and then each
 * place before it with (r - 1) / (m - 1). */
static double precisions(const item *list, size_t n, size_t k)
{
    double sum = 0, before = 0;
    for (size_t i = 0, end; i < n && i < k; i = end) {
        end = end_of_tie(list, n, i);
        const double m = (double)(end - i), r = (double)count_relevant(list + i, end - i);
        const double others = m > 1 ? (r - 1) / (m - 1) : 0;
        for (size_t j = i; j < end && j < k && r > 0; j++)
            sum += r / m * (before + 1 + (double)(j - i) * others) / (double)(j + 1);
        before += r;
    }
    return sum;
}

/* Score of one user's rows; NaN when none of them counts. */
static double score_user(fr_metric metric, const item *list, size_t n, double *gains)
{
    const size_t k = fr_metric_k(metric), relevant = count_relevant(list, n);
    if (fr_metric_kind(metric) == FR_METRIC_NDCG) return ndcg(list, n, k, gains);
    if (relevant == 0) return NAN;
    switch (fr_metric_kind(metric)) {
    case FR_METRIC_RECALL:
        return hits(list, n, k) / (double)relevant;
    case FR_METRIC_PRECISION:
        return hits(list, n, k) / (double)k;
    default:
        return precisions(list, n, k) / (double)(relevant < k ? relevant : k);
    }
}

/* The rows of known users; false when a gain is below 0, of which NDCG is not defined. */
static bool take_items(const fr_metric_rows *p, item *list, size_t *n)
{
    const fr_dataset *dataset = p->dataset;
    const size_t column = p->n_outputs - 1; /* of two classes the second */
    bool good = true;
    *n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const int64_t user = fr_dataset_user(dataset, p->row == NULL ? i : p->row[i]);
        const double y = (double)p->y[i];
        good = good && y >= 0;
        if (user >= 0)
            list[(*n)++] = (item){.user = user,
                                  .at = (uint32_t)i,
                                  .output = p->output[i * p->n_outputs + column],
                                  .relevant = fr_schema_relevant(&dataset->schema, y),
                                  .gain = y};
    }
    return good;
}

fr_status fr_ranking_score(fr_metric metric, const fr_metric_rows *p, double *score)
{
    *score = NAN;
    if (p->n_outputs > 2) return FR_OK;
    item *list = fr_alloc(p->n, sizeof *list);
    double *gains = fr_alloc(p->n, sizeof *gains), sum = 0, users = 0;
    size_t n = 0;
    const fr_status st = list == NULL || gains == NULL ? FR_ERR_MEMORY : FR_OK;
    const bool good = st == FR_OK && take_items(p, list, &n);
    if (good || (st == FR_OK && fr_metric_kind(metric) != FR_METRIC_NDCG)) {
        qsort(list, n, sizeof *list, by_output);
        for (size_t first = 0, end; first < n; first = end) {
            for (end = first + 1; end < n && list[end].user == list[first].user;) end++;
            const double of_user = score_user(metric, list + first, end - first, gains);
            if (isnan(of_user)) continue;
            sum += of_user;
            users++;
        }
        *score = sum / users;
    }
    free(list);
    free(gains);
    return st;
}
