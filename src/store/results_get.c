/* SPDX-License-Identifier: BSD-3-Clause */
/* results_get.c - reading results.h5; everything in it is checked, nothing is executed. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "foldrank/memory.h"
#include "internal.h"

/* A directory stands for the results file in it. */
static fr_status find_file(const char *path, char **out)
{
    struct stat info;
    *out = NULL;
    if (stat(path, &info) != 0)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: %s; give a results file, or the directory that `foldrank run` "
                       "wrote to",
                       path, strerror(errno));
    if (!S_ISDIR(info.st_mode)) {
        *out = fr_strdup(path);
        return *out == NULL ? FR_ERR_MEMORY : FR_OK;
    }
    if ((*out = fr_store_path(path, "results.h5")) == NULL) return FR_ERR_MEMORY;
    if (stat(*out, &info) == 0) return FR_OK;
    if (errno == ENOENT && fr_journal_exists(path))
        return FR_FAIL(FR_ERR_DATA,
                       "%s is not there yet, but the study has begun, and what is finished is "
                       "in its journal: a run writes the file after seconds, then every minute "
                       "(--snapshot-every), and at its end; after a crash, run it again",
                       *out);
    return FR_FAIL(FR_ERR_DATA, "%s: %s; no study was run in this directory", *out,
                   strerror(errno));
}

/* What only tells where the file comes from may be missing. */
static fr_status get_provenance(const fr_h5_in *in, fr_results_file *results)
{
    const struct {
        const char *name;
        char **text;
    } texts[] = {
        {"git", &results->git}, {"hosts", &results->hosts}, {"hdf5", &results->hdf5},
        {"mpi", &results->mpi}, {"blas", &results->blas},   {"kernels", &results->kernels},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (fr_h5_has_attribute(in, "/", texts[i].name))
            FR_TRY(fr_h5_get_text_attribute(in, "/", texts[i].name, texts[i].text));
        else if ((*texts[i].text = fr_strdup("")) == NULL)
            return FR_ERR_MEMORY;
    }
    return FR_OK;
}

static fr_status get_root(const fr_h5_in *in, fr_results_file *results)
{
    char *content = NULL;
    uint32_t format = 0;
    const bool ours = fr_h5_get_text_attribute(in, "/", "content", &content) == FR_OK &&
                      strcmp(content, FR_RESULTS_CONTENT) == 0;
    free(content);
    if (!ours)
        return FR_FAIL(FR_ERR_DATA, "%s: this HDF5 file was not written by foldrank run",
                       in->path);
    FR_TRY(fr_h5_get_attribute(in, "/", "format", FR_H5_U32, &format));
    if (format == 0 || format > FR_RESULTS_FORMAT)
        return FR_FAIL(FR_ERR_FORMAT,
                       "%s has results format %u; this foldrank reads up to format %d: use a "
                       "newer one",
                       in->path, format, FR_RESULTS_FORMAT);
    FR_TRY(fr_h5_get_text_attribute(in, "/", "created", &results->created));
    FR_TRY(fr_h5_get_text_attribute(in, "/", "version", &results->version));
    FR_TRY(fr_h5_get_text_attribute(in, "/", "command", &results->command));
    return get_provenance(in, results);
}

/* The space comes from the study's text; the columns beside it must tell the same. */
static fr_status check_space(const fr_h5_in *in, const fr_space *space)
{
    fr_h5_block names;
    FR_TRY(fr_h5_get_texts(in, "/study/space/name", &names));
    bool same = names.n == space->n;
    for (size_t p = 0; same && p < space->n; p++)
        same = strcmp(fr_h5_text(&names, p), space->params[p].name) == 0;
    free(names.data);
    if (same) return FR_OK;
    return FR_FAIL(FR_ERR_FORMAT, "%s: /study/space does not fit /study/config", in->path);
}

/* What ended the study and what it cost; files of before do not say it. */
static fr_status get_end(const fr_h5_in *in, fr_results_file *results)
{
    char *word = NULL;
    if (!fr_h5_has_attribute(in, "/study", "ended_by")) return FR_OK;
    FR_TRY(fr_h5_get_attribute(in, "/", "wall_s", FR_H5_F64, &results->usage.wall_s));
    FR_TRY(fr_h5_get_attribute(in, "/", "core_s", FR_H5_F64, &results->usage.core_s));
    FR_TRY(fr_h5_get_text_attribute(in, "/study", "ended_by", &word));
    for (int end = 0; end < FR_END_COUNT; end++)
        if (strcmp(fr_end_words[end], word) == 0) results->end = (fr_end)end;
    free(word);
    return FR_OK;
}

/* Of the data set, in files that have it. */
static fr_status get_data_facts(const fr_h5_in *in, fr_results_file *results)
{
    const struct {
        const char *name;
        uint64_t *value;
    } counts[] = {{"data_fingerprint", &results->data_fingerprint},
                  {"rows", &results->rows},
                  {"test_rows", &results->test_rows}};
    results->valid_share = NAN;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (fr_h5_has_attribute(in, "/study", counts[i].name))
            FR_TRY(
                fr_h5_get_attribute(in, "/study", counts[i].name, FR_H5_U64, counts[i].value));
    if (!fr_h5_has_attribute(in, "/study", "valid_share")) return FR_OK;
    return fr_h5_get_attribute(in, "/study", "valid_share", FR_H5_F64, &results->valid_share);
}

static fr_status get_study(const fr_h5_in *in, fr_results_file *results, uint32_t *n_folds)
{
    char *text = NULL;
    FR_TRY(fr_h5_get_attribute(in, "/study", "folds", FR_H5_U32, n_folds));
    if (*n_folds == 0)
        return FR_FAIL(FR_ERR_FORMAT, "%s: attribute folds of /study is 0", in->path);
    FR_TRY(get_data_facts(in, results));
    FR_TRY(fr_h5_get_scalar_text(in, "/study/config", &text));
    fr_status st = fr_study_parse(text, "study", NULL, 0, &results->study);
    free(text);
    if (st != FR_OK && st != FR_ERR_MEMORY)
        return FR_FAIL(FR_ERR_FORMAT, "%s: the study inside cannot be read: %s", in->path,
                       fr_status_message());
    FR_TRY(st);
    FR_TRY(get_end(in, results));
    return check_space(in, &results->study->space);
}

static fr_status get_optional(const fr_h5_in *in, const char *path, fr_h5_type type, size_t n,
                              void *out)
{
    if (!fr_h5_has(in, path)) return FR_OK;
    void *values = fr_alloc(n, fr_h5_type_size(type));
    if (values == NULL) return FR_ERR_MEMORY;
    const fr_status st = fr_h5_get_column(in, path, type, n, values);
    if (st == FR_OK)
        memcpy(out, &values, sizeof values);
    else
        free(values);
    return st;
}

static fr_status get_selection_columns(const fr_h5_in *in, fr_selection *s)
{
    size_t n = 0;
    FR_TRY(fr_h5_get_all(in, "/selection/ranking", FR_H5_U64, &s->ranking, &s->n_ranking));
    FR_TRY(get_optional(in, "/selection/p_value", FR_H5_F64, s->n_ranking, &s->p_value));
    FR_TRY(get_optional(in, "/selection/difference", FR_H5_F64, s->n_ranking, &s->difference));
    FR_TRY(get_optional(in, "/selection/win_share", FR_H5_F64, s->n_ranking, &s->win_share));
    if (fr_h5_has(in, "/selection/round_winner")) {
        FR_TRY(fr_h5_get_all(in, "/selection/round_winner", FR_H5_U64, &s->round_winner, &n));
        s->n_rounds = n;
    }
    if (fr_h5_has(in, "/selection/expected"))
        FR_TRY(
            fr_h5_get_all(in, "/selection/expected", FR_H5_F64, &s->expected, &s->n_expected));
    return FR_OK;
}

/* The choice may be by another rule than the study's: it is an earlier run's, then. */
static fr_status get_rule(const fr_h5_in *in, fr_selection *s)
{
    char *word = NULL;
    const fr_option *row =
        fr_option_find(fr_select_option_table, fr_select_option_count, "rule");
    FR_TRY(fr_h5_get_scalar_text(in, "/selection/rule", &word));
    while (row->words[s->rule] != NULL && strcmp(row->words[s->rule], word) != 0) s->rule++;
    const fr_status st =
        row->words[s->rule] != NULL
            ? FR_OK
            : FR_FAIL(FR_ERR_FORMAT, "%s: /selection/rule is unknown: '%.60s'", in->path, word);
    free(word);
    return st;
}

static fr_status get_selection(const fr_h5_in *in, fr_results_file *results)
{
    fr_selection *s = &results->selection;
    const size_t n = results->history->n;
    uint64_t chosen = 0;
    results->test_score = NAN;
    for (size_t k = 0; k < FR_GOALS_MAX - 1; k++) results->test_more[k] = NAN;
    if (!fr_h5_has(in, "/selection")) return FR_OK;
    results->has_selection = true;
    FR_TRY(fr_h5_get_column(in, "/selection/chosen", FR_H5_U64, 1, &chosen));
    FR_TRY(fr_h5_get_column(in, "/selection/test_score", FR_H5_F64, 1, &results->test_score));
    FR_TRY(get_rule(in, s));
    FR_TRY(get_selection_columns(in, s));
    FR_TRY(fr_fronts_get(in, results));
    s->chosen = (size_t)chosen;
    bool good = chosen < n && s->n_ranking <= n;
    for (size_t i = 0; good && i < s->n_ranking; i++) good = s->ranking[i] < n;
    for (size_t i = 0; good && i < s->n_rounds; i++) good = s->round_winner[i] < n;
    if (good) return FR_OK;
    return FR_FAIL(FR_ERR_FORMAT, "%s: /selection names trials that are not there", in->path);
}

static fr_status get_ranks(const fr_h5_in *in, fr_results_file *results)
{
    enum { RANKS_MAX = 1 << 24 };
    size_t n = 0;
    fr_h5_block hosts;
    if (!fr_h5_has(in, "/ranks")) return FR_OK;
    FR_TRY(fr_table_count(in, "/ranks/threads", &n));
    if (n > RANKS_MAX) return FR_FAIL(FR_ERR_FORMAT, "%s: %zu ranks", in->path, n);
    results->ranks = fr_alloc(n, sizeof *results->ranks);
    if (results->ranks == NULL) return FR_ERR_MEMORY;
    results->n_ranks = (int)n;
    FR_TRY(fr_table_get(in, &fr_rank_table, results->ranks, n));
    FR_TRY(fr_h5_get_texts(in, "/ranks/host", &hosts));
    fr_status st = hosts.n == n ? FR_OK
                                : FR_FAIL(FR_ERR_FORMAT,
                                          "%s: columns of /ranks differ in length", in->path);
    for (size_t i = 0; st == FR_OK && i < n; i++)
        snprintf(results->ranks[i].host, sizeof results->ranks[i].host, "%s",
                 fr_h5_text(&hosts, i));
    free(hosts.data);
    return st;
}

static fr_status get_model(const fr_h5_in *in, fr_results_file *results)
{
    results->has_model = true;
    FR_TRY(fr_model_get(in, &results->model));
    FR_TRY(fr_scored_get(in, "/test", &results->model, &results->test));
    if (!fr_h5_has(in, "/explain")) return FR_OK;
    results->has_explanation = true;
    return fr_explanation_get(in, &results->model, &results->explanation);
}

static fr_status get_ensemble(const fr_h5_in *in, fr_results_file *results)
{
    const fr_model *single = results->has_model ? &results->model : NULL;
    if (!fr_h5_has(in, "/ensemble")) return FR_OK;
    results->has_ensemble = true;
    FR_TRY(fr_ensemble_get(in, results->study, single, &results->ensemble));
    for (size_t m = 0; m < results->ensemble.n; m++)
        if (results->ensemble.member[m].trial >= results->history->n)
            return FR_FAIL(FR_ERR_FORMAT, "%s: /ensemble names trials that are not there",
                           in->path);
    return FR_OK;
}

static fr_status get_all(const fr_h5_in *in, bool want_model, fr_results_file *results)
{
    uint32_t n_folds = 0;
    FR_TRY(get_root(in, results));
    FR_TRY(get_study(in, results, &n_folds));
    FR_TRY(fr_study_history(results->study, n_folds, &results->history));
    FR_TRY(fr_history_get(in, results->study, results->history));
    FR_TRY(get_selection(in, results));
    FR_TRY(fr_nested_get(in, results->study, &results->nested));
    FR_TRY(get_ranks(in, results));
    FR_TRY(fr_calibration_report_get(in, &results->calibration));
    if (!fr_h5_has(in, "/model")) return FR_OK;
    if (want_model) FR_TRY(get_model(in, results));
    FR_TRY(get_ensemble(in, results));
    /* What the study knows of the columns and the model does not need. */
    results->model.schema.relevant = results->study->data.relevant;
    if (want_model) fr_schema_find_user(&results->model.schema, results->study->data.user);
    return FR_OK;
}

/* HDF5 1.10 loses memory when a header's checksum is wrong, and reports that at exit as
 * "infinite loop closing library". */
void fr_results_quiet_exit(void)
{
    H5dont_atexit();
}

fr_status fr_results_open(const char *path, bool want_model, fr_results_file **out)
{
    fr_h5_in in;
    *out = NULL;
    fr_results_file *results = fr_alloc(1, sizeof *results);
    if (results == NULL) return FR_ERR_MEMORY;
    fr_status st = find_file(path, &results->path);
    if (st == FR_OK && (st = fr_h5_in_open(results->path, &in)) == FR_OK) {
        st = get_all(&in, want_model, results);
        fr_h5_in_close(&in);
    }
    if (st == FR_OK)
        *out = results;
    else
        fr_results_close(&results);
    return st;
}

bool fr_results_prefer_ensemble(const fr_results_file *results)
{
    const fr_ensemble *e = &results->ensemble;
    if (!results->has_ensemble || !results->has_selection) return false;
    if (!isnan(e->honest_score))
        return fr_history_better(results->history, e->honest_score, e->honest_single);
    return fr_history_better(results->history, e->score,
                             results->history->trials[results->selection.chosen].score_mean);
}

void fr_results_close(fr_results_file **results)
{
    fr_results_file *r = *results;
    if (r == NULL) return;
    fr_selection_clear(&r->selection);
    fr_history_destroy(&r->history);
    fr_model_clear(&r->model);
    fr_scored_clear(&r->test);
    fr_explanation_clear(&r->explanation);
    fr_ensemble_clear(&r->ensemble);
    fr_nested_clear(&r->nested);
    fr_study_destroy(&r->study);
    free(r->ranks);
    free(r->path);
    free(r->created);
    free(r->version);
    free(r->command);
    free(r->git);
    free(r->hosts);
    free(r->hdf5);
    free(r->mpi);
    free(r->blas);
    free(r->kernels);
    free(r);
    *results = NULL;
}
