/* SPDX-License-Identifier: BSD-3-Clause */
/* ensemble.c - /ensemble: models that predict together, each stored as /model is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { MEMBER_PATH = 40, MEMBERS_MAX = 100000 };

static const struct {
    const char *path, *about;
    size_t offset;
} scores[] = {
    {"/ensemble/score", "on the folds by which the members were chosen: flatters",
     offsetof(fr_ensemble, score)},
    {"/ensemble/honest_score",
     "members chosen without a fold and scored on it, mean over folds",
     offsetof(fr_ensemble, honest_score)},
    {"/ensemble/honest_single", "the best single trial, chosen and scored in the same way",
     offsetof(fr_ensemble, honest_single)},
    {"/ensemble/test_score", "of the members, trained on all search rows",
     offsetof(fr_ensemble, test_score)},
};
enum { N_SCORES = sizeof scores / sizeof *scores };

static const char *member_path(size_t m, char out[MEMBER_PATH])
{
    snprintf(out, MEMBER_PATH, "/ensemble/members/%zu", m);
    return out;
}

/* With several objectives: the test score in each that scores predictions. */
static void put_test_scores(fr_h5_out *out, const fr_study *study, const fr_ensemble *ensemble)
{
    if (study->n_goals < 2) return;
    fr_h5_put_group(out, "/ensemble/test_scores");
    for (size_t k = 0; k < study->n_goals; k++) {
        fr_text path = {0};
        if (study->goals[k].kind != FR_GOAL_METRIC) continue;
        fr_text_add(&path, "/ensemble/test_scores/%s", study->goals[k].name);
        fr_h5_put_scalar(out, fr_text_get(&path), FR_H5_F64,
                         k == 0 ? &ensemble->test_score : &ensemble->test_more[k - 1]);
        out->failed = out->failed || path.failed;
        fr_text_clear(&path);
    }
}

void fr_ensemble_put(fr_h5_out *out, const fr_study *study, const fr_ensemble *ensemble)
{
    const fr_ensemble_member *first = ensemble->member;
    char path[MEMBER_PATH];
    fr_h5_put_group(out, "/ensemble");
    const fr_h5_column columns[] = {
        {.path = "/ensemble/trial",
         .type = FR_H5_U64,
         .n = ensemble->n,
         .data = &first->trial,
         .stride = sizeof *first},
        {.path = "/ensemble/weight",
         .type = FR_H5_F64,
         .n = ensemble->n,
         .data = &first->weight,
         .stride = sizeof *first,
         .about = "their sum is 1"},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fr_h5_put_column(out, &columns[i]);
    for (size_t i = 0; i < N_SCORES; i++) {
        fr_h5_put_scalar(out, scores[i].path, FR_H5_F64,
                         (const char *)ensemble + scores[i].offset);
        fr_h5_put_text_attribute(out, scores[i].path, "about", scores[i].about);
    }
    put_test_scores(out, study, ensemble);
    fr_scored_put(out, "/ensemble/test", &ensemble->test, first->model.n_outputs);
    fr_h5_put_group(out, "/ensemble/members");
    for (size_t m = 0; m < ensemble->n; m++) {
        fr_h5_put_enter(out, member_path(m, path));
        fr_model_put(out, &ensemble->member[m].model);
        fr_h5_put_leave(out);
    }
}

/* ---- reading ---- */

static fr_status unsound(const fr_h5_in *in, const char *what)
{
    return FR_FAIL(FR_ERR_FORMAT, "%s: /ensemble: %s; the file is damaged", in->path, what);
}

static fr_status get_members(const fr_h5_in *in, fr_ensemble *out)
{
    uint64_t *trial = NULL;
    size_t n = 0;
    double sum = 0.0;
    FR_TRY(fr_h5_get_all(in, "/ensemble/trial", FR_H5_U64, &trial, &n));
    double *weight = fr_alloc(n, sizeof *weight);
    fr_status st = weight == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK && (n == 0 || n > MEMBERS_MAX)) st = unsound(in, "it has no members");
    if (st == FR_OK) st = fr_h5_get_column(in, "/ensemble/weight", FR_H5_F64, n, weight);
    if (st == FR_OK && (out->member = fr_alloc(n, sizeof *out->member)) == NULL)
        st = FR_ERR_MEMORY;
    for (size_t m = 0; st == FR_OK && m < n; m++) {
        if (!(weight[m] > 0 && weight[m] <= 1.0 + 1e-9)) st = unsound(in, "a weight is none");
        out->member[m].trial = trial[m];
        out->member[m].weight = weight[m];
        out->n = m + 1;
        sum += weight[m];
    }
    if (st == FR_OK && !(fabs(sum - 1.0) < 1e-6)) st = unsound(in, "the weights do not add up");
    free(trial);
    free(weight);
    return st;
}

static fr_status get_test_scores(const fr_h5_in *in, const fr_study *study, fr_ensemble *out)
{
    for (size_t k = 0; k < FR_GOALS_MAX - 1; k++) out->test_more[k] = NAN;
    for (size_t k = 1; k < study->n_goals; k++) {
        fr_text path = {0};
        if (study->goals[k].kind != FR_GOAL_METRIC) continue;
        fr_text_add(&path, "/ensemble/test_scores/%s", study->goals[k].name);
        const fr_status st =
            path.failed ? FR_ERR_MEMORY
                        : fr_h5_get_column(in, path.data, FR_H5_F64, 1, &out->test_more[k - 1]);
        fr_text_clear(&path);
        FR_TRY(st);
    }
    return FR_OK;
}

/* Whether the member reads the same rows and puts out the same as the single model: a data set
 * is opened for that one. */
static fr_status check_kind(const fr_h5_in *in, const fr_model *member, const fr_model *single)
{
    fr_pack own = {0}, other = {0};
    fr_schema_pack(&member->schema, &own);
    fr_schema_pack(&single->schema, &other);
    const bool classifies = single->schema.learn == FR_LEARN_CLASSIFICATION;
    fr_status st = own.failed || other.failed ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK && (own.size != other.size || memcmp(own.data, other.data, own.size) != 0 ||
                        member->n_outputs != single->n_outputs ||
                        (classifies && !fr_model_has_probabilities(member))))
        st = unsound(in, "a member does not fit /model");
    fr_pack_clear(&own);
    fr_pack_clear(&other);
    return st;
}

static fr_status get_model(const fr_h5_in *in, size_t m, const fr_model *single, fr_model *out)
{
    char path[MEMBER_PATH];
    fr_h5_in group;
    fr_text name = {0};
    member_path(m, path);
    fr_text_add(&name, "%s: %s", in->path, path);
    fr_status st = name.failed ? FR_ERR_MEMORY : fr_h5_in_enter(in, path, name.data, &group);
    if (st == FR_OK) {
        st = fr_model_get(&group, out);
        fr_h5_in_leave(&group);
    }
    if (st == FR_OK) st = check_kind(in, out, single);
    fr_text_clear(&name);
    return st;
}

fr_status fr_ensemble_get(const fr_h5_in *in, const fr_study *study, const fr_model *single,
                          fr_ensemble *out)
{
    *out = (fr_ensemble){0};
    FR_TRY(get_members(in, out));
    for (size_t i = 0; i < N_SCORES; i++)
        FR_TRY(
            fr_h5_get_column(in, scores[i].path, FR_H5_F64, 1, (char *)out + scores[i].offset));
    FR_TRY(get_test_scores(in, study, out));
    if (single == NULL) return FR_OK;
    for (size_t m = 0; m < out->n; m++) FR_TRY(get_model(in, m, single, &out->member[m].model));
    return fr_scored_get(in, "/ensemble/test", single, &out->test);
}
