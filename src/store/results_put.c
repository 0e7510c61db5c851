/* SPDX-License-Identifier: BSD-3-Clause */
/* results_put.c - a snapshot of everything as results.h5; format in data/FORMAT.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "foldrank/version.h"
#include "internal.h"

/* Names of the hosts, each once, in the order of the ranks. */
static void list_hosts(const fr_results *results, fr_text *out)
{
    for (int r = 0; results->ranks != NULL && r < results->n_ranks; r++) {
        bool known = false;
        for (int before = r - 1; before >= 0 && !known; before--)
            known = strcmp(results->ranks[before].host, results->ranks[r].host) == 0;
        if (!known) fr_text_add(out, out->length > 0 ? " %s" : "%s", results->ranks[r].host);
    }
}

static void put_root(fr_h5_out *out, const fr_results *results)
{
    const uint32_t format = FR_RESULTS_FORMAT;
    const uint32_t n_ranks = (uint32_t)results->n_ranks;
    const bool known = results->ranks != NULL && results->n_ranks > 0;
    const uint32_t threads = known ? (uint32_t)results->ranks[0].threads : 0;
    const uint64_t seed = (uint64_t)results->study->search.seed;
    char created[32], hdf5[32];
    unsigned major = 0, minor = 0, release = 0;
    fr_text hosts = {0};
    H5get_libversion(&major, &minor, &release);
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, release);
    list_hosts(results, &hosts);
    const struct {
        const char *name, *text;
    } texts[] = {
        {"content", FR_RESULTS_CONTENT},
        {"version", FR_VERSION},
        {"git", FR_GIT},
        {"created", fr_store_iso_time(results->created, created)},
        {"command", results->command == NULL ? "" : results->command},
        {"hosts", fr_text_get(&hosts)},
        {"hdf5", hdf5},
        {"mpi", results->mpi_version == NULL ? "" : results->mpi_version},
        {"blas", fr_linalg_kernel_name()},
        {"kernels", fr_gemm_kernel_name()},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        fr_h5_put_text_attribute(out, "/", texts[i].name, texts[i].text);
    fr_h5_put_attribute(out, "/", "format", FR_H5_U32, &format);
    fr_h5_put_attribute(out, "/", "seed", FR_H5_U64, &seed);
    fr_h5_put_attribute(out, "/", "ranks", FR_H5_U32, &n_ranks);
    fr_h5_put_attribute(out, "/", "threads", FR_H5_U32, &threads);
    fr_h5_put_attribute(out, "/", "wall_s", FR_H5_F64, &results->usage.wall_s);
    fr_h5_put_attribute(out, "/", "core_s", FR_H5_F64, &results->usage.core_s);
    fr_text_clear(&hosts);
}

static const char *param_name(void *space, size_t i)
{
    return ((const fr_space *)space)->params[i].name;
}

static const char *param_kind(void *space, size_t i)
{
    return fr_param_kind_words[((const fr_space *)space)->params[i].kind];
}

/* What is only known as text: `[relu, tanh]`, `optimizer = sgd`. */
static bool describe_params(const fr_space *space, fr_strings *choices, fr_strings *conditions)
{
    bool good = true;
    for (size_t p = 0; good && p < space->n; p++) {
        const fr_param *param = &space->params[p];
        fr_text choice = {0}, condition = {0};
        fr_param_describe_choices(param, &choice);
        fr_param_describe_conditions(space, param, &condition);
        good = !choice.failed && !condition.failed &&
               fr_strings_add(choices, fr_text_get(&choice)) == FR_OK &&
               fr_strings_add(conditions, fr_text_get(&condition)) == FR_OK;
        fr_text_clear(&choice);
        fr_text_clear(&condition);
    }
    return good;
}

static void put_space(fr_h5_out *out, const fr_space *space)
{
    fr_strings choices = {0}, conditions = {0};
    if (!describe_params(space, &choices, &conditions)) out->failed = true;
    fr_h5_put_group(out, "/study/space");
    const fr_h5_texts texts[] = {
        {.path = "/study/space/name", .text = param_name, .context = (void *)space},
        {.path = "/study/space/kind", .text = param_kind, .context = (void *)space},
        {.path = "/study/space/choices", .text = fr_h5_text_of_array, .context = choices.item},
        {.path = "/study/space/condition",
         .text = fr_h5_text_of_array,
         .context = conditions.item},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fr_h5_texts column = texts[i];
        column.n = space->n;
        fr_h5_put_texts(out, &column);
    }
    const struct {
        const char *path;
        size_t offset;
    } numbers[] = {
        {"/study/space/low", offsetof(fr_param, low)},
        {"/study/space/high", offsetof(fr_param, high)},
        {"/study/space/step", offsetof(fr_param, step)},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fr_h5_put_column(
            out, &(fr_h5_column){.path = numbers[i].path,
                                 .type = FR_H5_F64,
                                 .n = space->n,
                                 .data = space->n == 0
                                             ? NULL
                                             : (const char *)space->params + numbers[i].offset,
                                 .stride = sizeof(fr_param)});
    fr_strings_clear(&choices);
    fr_strings_clear(&conditions);
}

static void put_study(fr_h5_out *out, const fr_results *results)
{
    const fr_study *study = results->study;
    const uint32_t folds = results->history->n_folds;
    fr_h5_put_group(out, "/study");
    fr_h5_put_scalar_text(out, "/study/config", study->text);
    fr_h5_put_text_attribute(out, "/study", "name", study->name);
    fr_h5_put_text_attribute(out, "/study", "metric", study->goals[0].name);
    fr_h5_put_text_attribute(out, "/study", "direction",
                             study->maximize ? "maximize" : "minimize");
    fr_h5_put_text_attribute(out, "/study", "ended_by", fr_end_words[results->end]);
    fr_h5_put_attribute(out, "/study", "folds", FR_H5_U32, &folds);
    fr_h5_put_attribute(out, "/study", "past_trials", FR_H5_U64, &results->n_past);
    fr_h5_put_attribute(out, "/study", "fingerprint", FR_H5_U64, &study->fingerprint);
    fr_h5_put_attribute(out, "/study", "data_fingerprint", FR_H5_U64,
                        &results->data_fingerprint);
    fr_h5_put_attribute(out, "/study", "rows", FR_H5_U64, &results->rows);
    fr_h5_put_attribute(out, "/study", "test_rows", FR_H5_U64, &results->test_rows);
    fr_h5_put_attribute(out, "/study", "valid_share", FR_H5_F64, &results->valid_share);
    fr_goals_put(out, study);
    put_space(out, &study->space);
}

static void put_selection(fr_h5_out *out, const fr_results *results)
{
    const fr_selection *s = results->selection;
    const uint64_t chosen = s->chosen;
    const int rule = s->rule;
    size_t n_rules = 0;
    const fr_option *row =
        fr_option_find(fr_select_option_table, fr_select_option_count, "rule");
    while (row != NULL && row->words[n_rules] != NULL) n_rules++;
    fr_h5_put_group(out, "/selection");
    fr_h5_put_scalar_text(out, "/selection/rule",
                          (size_t)rule < n_rules ? row->words[rule] : "");
    fr_h5_put_scalar(out, "/selection/chosen", FR_H5_U64, &chosen);
    fr_h5_put_scalar(out, "/selection/test_score", FR_H5_F64, &results->test_score);
    const fr_h5_column columns[] = {
        {.path = "/selection/ranking",
         .type = FR_H5_U64,
         .n = s->n_ranking,
         .data = s->ranking},
        {.path = "/selection/p_value",
         .type = FR_H5_F64,
         .n = s->n_ranking,
         .data = s->p_value},
        {.path = "/selection/difference",
         .type = FR_H5_F64,
         .n = s->n_ranking,
         .data = s->difference},
        {.path = "/selection/win_share",
         .type = FR_H5_F64,
         .n = s->n_ranking,
         .data = s->win_share},
        {.path = "/selection/round_winner",
         .type = FR_H5_U64,
         .n = s->n_rounds,
         .data = s->round_winner},
        {.path = "/selection/expected",
         .type = FR_H5_F64,
         .n = s->n_expected,
         .data = s->expected},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (columns[i].data != NULL) fr_h5_put_column(out, &columns[i]);
    fr_fronts_put(out, results);
}

static const char *rank_host(void *rows, size_t i)
{
    return ((const fr_rank_record *const *)rows)[i]->host;
}

static void put_ranks(fr_h5_out *out, const fr_results *results)
{
    const size_t n = (size_t)results->n_ranks;
    const fr_rank_record **list = fr_alloc(n, sizeof *list);
    if (list == NULL) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) list[i] = &results->ranks[i];
    fr_h5_put_group(out, "/ranks");
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/ranks/host",
                                        .n = n,
                                        .text = rank_host,
                                        .context = list,
                                        .about = "row i is rank i"});
    fr_table_put(out, &fr_rank_table, (const void *const *)list, n);
    free(list);
}

fr_status fr_results_write(const char *dir, const fr_results *results)
{
    fr_h5_out out;
    void *bytes = NULL;
    size_t n = 0;
    FR_TRY(fr_h5_out_open(&out));
    put_root(&out, results);
    put_study(&out, results);
    fr_history_put(&out, results->history);
    fr_scores_put(&out, results);
    if (results->selection != NULL) put_selection(&out, results);
    if (results->nested != NULL) fr_nested_put(&out, results->study, results->nested);
    if (results->ranks != NULL) put_ranks(&out, results);
    if (results->model != NULL) {
        fr_model_put(&out, results->model);
        if (results->test != NULL)
            fr_scored_put(&out, "/test", results->test, results->model->n_outputs);
        if (results->calibration != NULL) fr_calibration_report_put(&out, results->calibration);
        if (results->explanation != NULL)
            fr_explanation_put(&out, results->explanation, results->model);
        if (results->ensemble != NULL) fr_ensemble_put(&out, results->study, results->ensemble);
    }
    FR_TRY(fr_h5_out_close(&out, &bytes, &n));
    fr_status st = fr_store_replace(dir, "results.h5", bytes, n);
    free(bytes);
    return st;
}
