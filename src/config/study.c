/* SPDX-License-Identifier: BSD-3-Clause */
/* study.c - from a file or text to a study: the order of the steps. */
#include "foldrank/study.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static const char *const training_keys[] = {
    "study",     "data",      "preprocess", "validation", "nested",    "metric",
    "models",    "train",     "search",     "pruning",    "stop",      "select",
    "calibrate", "objective", "explain",    "ensemble",   "resources", "output"};
enum { N_TRAINING_KEYS = sizeof training_keys / sizeof *training_keys };

/* Keys that say what is trained; an objective takes their place. */
static bool is_about_training(const char *key)
{
    static const char *const keys[] = {"data",     "preprocess", "validation", "metric",
                                       "models",   "train",      "calibrate",  "explain",
                                       "ensemble", "nested"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (strcmp(keys[k], key) == 0) return true;
    return false;
}

static void check_top(fr_draft *draft)
{
    const fr_node *objective = fr_node_find(draft->root, "objective");
    const fr_objective_options typed = {.type = fr_objective_type_of(objective)};
    for (const fr_node *child = draft->root->child; child != NULL; child = child->next) {
        bool known = false;
        for (size_t k = 0; k < N_TRAINING_KEYS; k++)
            known = known || strcmp(training_keys[k], child->key) == 0;
        if (!known)
            fr_faults_unknown(draft->faults, child, "", training_keys, N_TRAINING_KEYS);
        else if (objective != NULL && is_about_training(child->key) &&
                 !(fr_objective_has_folds(&typed) && strcmp(child->key, "validation") == 0))
            fr_faults_add(draft->faults, child,
                          "%s does not go with objective, which takes its place", child->key);
    }
}

/* The task: as given; else that of the metric; else that of the families. */
static void choose_task(fr_draft *draft, const fr_node *data, const fr_node *metric)
{
    fr_study *study = draft->study;
    bool can[2] = {true, true};
    if (fr_node_find(data, "task") != NULL) return;
    if (metric != NULL && !fr_metric_ranks(study->metric)) {
        study->data.task = fr_metric_scores(study->metric, FR_LEARN_REGRESSION)
                               ? FR_LEARN_REGRESSION
                               : FR_LEARN_CLASSIFICATION;
        return;
    }
    for (int f = 0; f < FR_FAMILY_COUNT; f++)
        for (int task = 0; task < 2 && study->families[f]; task++)
            can[task] = can[task] && fr_family_learns((fr_family)f, (fr_learn)task);
    if (can[0] == can[1])
        fr_faults_add(draft->faults, data,
                      "data.task is missing; allowed: classification, regression");
    else
        study->data.task =
            can[FR_LEARN_REGRESSION] ? FR_LEARN_REGRESSION : FR_LEARN_CLASSIFICATION;
}

static int natural_scheme(const fr_study *study)
{
    if (study->data.fold != NULL) return FR_SCHEME_COLUMN;
    if (study->data.group != NULL) return FR_SCHEME_GROUP_KFOLD;
    if (study->data.time != NULL) return FR_SCHEME_TIME_SERIES;
    return study->data.task == FR_LEARN_CLASSIFICATION ? FR_SCHEME_STRATIFIED_KFOLD
                                                       : FR_SCHEME_KFOLD;
}

static void read_data(fr_draft *draft, const fr_node *data)
{
    const char *inner[1 + FR_DATA_BLOCKS] = {"test"};
    for (size_t i = 0; i < FR_DATA_BLOCKS; i++) inner[1 + i] = fr_data_blocks[i].name;
    const fr_block block = {.home = "data",
                            .table = fr_data_option_table,
                            .n = fr_data_option_count,
                            .extra = inner,
                            .n_extra = 1 + FR_DATA_BLOCKS};
    const fr_block test = {
        .home = "data.test", .table = fr_test_option_table, .n = fr_test_option_count};
    fr_draft_block(draft, data, &block, &draft->study->data);
    fr_draft_block(draft, fr_node_find(data, "test"), &test, &draft->study->test);
    for (size_t i = 0; i < FR_DATA_BLOCKS; i++) {
        const fr_data_block *own = &fr_data_blocks[i];
        char home[64];
        snprintf(home, sizeof home, "data.%s", own->name);
        const fr_block about = {.home = home, .table = own->table, .n = own->n};
        fr_draft_block(draft, fr_node_find(data, own->name), &about,
                       (char *)&draft->study->data + own->offset);
    }
}

static void read_training(fr_draft *draft)
{
    const fr_block folds = {.home = "validation",
                            .table = fr_validation_option_table,
                            .n = fr_validation_option_count};
    fr_study *study = draft->study;
    const fr_node *data = fr_node_find(draft->root, "data");
    const fr_node *metric = fr_node_find(draft->root, "metric");
    const fr_node *validation = fr_node_find(draft->root, "validation");
    read_data(draft, data);
    fr_draft_block(draft, validation, &folds, &study->validation);
    if (metric != NULL) fr_draft_metric(draft, metric);
    fr_draft_settings(draft);
    choose_task(draft, data, metric);
    if (metric == NULL) fr_draft_standard_metric(draft);
    if (fr_node_find(validation, "scheme") == NULL)
        study->validation.scheme = natural_scheme(study);
}

/* `concurrency: free` is how people write what the table calls 0. */
static void replace_free(fr_draft *draft, const fr_node *search)
{
    fr_node *node = fr_node_find(search, "concurrency");
    if (node == NULL || node->kind != NODE_SCALAR || strcmp(node->text, "free") != 0) return;
    free(node->text);
    node->text = fr_strdup("0");
    if (node->text == NULL) draft->faults->out_of_memory = true;
}

/* A mapping, or in short only the methods. */
static void read_pruning(fr_draft *draft)
{
    const fr_block block = {
        .home = "pruning", .table = fr_prune_option_table, .n = fr_prune_option_count};
    fr_prune_options *pruning = &draft->study->pruning;
    const fr_node *node = fr_node_find(draft->root, "pruning");
    const bool is_short = node != NULL && node->kind != NODE_MAP && !fr_node_is_null(node);
    fr_draft_block(draft, is_short ? NULL : node, &block, pruning);
    if (is_short)
        fr_draft_value(draft, node, "pruning", fr_option_find(block.table, block.n, "method"),
                       pruning);
    fr_faults_check(draft->faults, node, "pruning",
                    fr_prune_methods(pruning, &draft->study->prune_methods));
}

/* Budgets. `stop.trials` is what people try who look for search.trials here. */
static void read_stop(fr_draft *draft)
{
    static const char *const extra[] = {"trials"};
    const fr_block block = {"stop", fr_stop_option_table, fr_stop_option_count, extra, 1};
    const fr_node *node = fr_node_find(draft->root, "stop");
    fr_study *study = draft->study;
    double target;
    fr_draft_block(draft, node, &block, &study->stop);
    if (fr_node_find(node, "trials") != NULL)
        fr_faults_add(draft->faults, fr_node_find(node, "trials"),
                      "stop.trials: the number of trials is search.trials");
    const fr_node *score = fr_node_find(node, "score");
    fr_faults_check(draft->faults, score, "stop", fr_stop_target(&study->stop, &target));
    study->search.open = fr_stop_is_budget(&study->stop);
}

/* Also short: a method. */
static void read_calibrate(fr_draft *draft)
{
    const fr_block block = {.home = "calibrate",
                            .table = fr_calibrate_option_table,
                            .n = fr_calibrate_option_count};
    fr_calibrate_options *calibrate = &draft->study->calibrate;
    const fr_node *node = fr_node_find(draft->root, "calibrate");
    const bool is_short = node != NULL && node->kind != NODE_MAP && !fr_node_is_null(node);
    fr_draft_block(draft, is_short ? NULL : node, &block, calibrate);
    if (is_short)
        fr_draft_value(draft, node, "calibrate", fr_option_find(block.table, block.n, "method"),
                       calibrate);
}

static void read_search(fr_draft *draft)
{
    static const char *const enqueue_key[] = {"enqueue"};
    const fr_block blocks[] = {
        {"search", fr_search_option_table, fr_search_option_count, enqueue_key, 1},
        {"select", fr_select_option_table, fr_select_option_count, NULL, 0},
        {"resources", fr_resource_option_table, fr_resource_option_count, NULL, 0},
        {"explain", fr_explain_option_table, fr_explain_option_count, NULL, 0},
        {"ensemble", fr_ensemble_option_table, fr_ensemble_option_count, NULL, 0},
        {"nested", fr_nested_option_table, fr_nested_option_count, NULL, 0},
    };
    fr_study *study = draft->study;
    const fr_node *search = fr_node_find(draft->root, "search");
    replace_free(draft, search);
    if (draft->faults->out_of_memory) return;
    fr_draft_block(draft, search, &blocks[0], &study->search);
    read_pruning(draft);
    read_stop(draft);
    fr_draft_block(draft, fr_node_find(draft->root, "select"), &blocks[1], &study->select);
    fr_draft_block(draft, fr_node_find(draft->root, "resources"), &blocks[2],
                   &study->resources);
    fr_draft_block(draft, fr_node_find(draft->root, "explain"), &blocks[3], &study->explain);
    fr_draft_block(draft, fr_node_find(draft->root, "ensemble"), &blocks[4], &study->ensemble);
    fr_draft_block(draft, fr_node_find(draft->root, "nested"), &blocks[5], &study->nested);
    read_calibrate(draft);
}

/* study and output; by default from the file's name. */
static void read_names(fr_draft *draft)
{
    fr_study *study = draft->study;
    const char *slash = strrchr(study->path, '/');
    const char *base = slash == NULL ? study->path : slash + 1;
    fr_text text = {0};
    fr_draft_value(draft, fr_node_find(draft->root, "study"), "", &fr_study_option_table[0],
                   study);
    fr_draft_value(draft, fr_node_find(draft->root, "output"), "", &fr_study_option_table[2],
                   study);
    if (study->name == NULL) {
        const size_t length = strcspn(base, ".");
        fr_text_append(&text, length > 0 ? base : "study", length > 0 ? length : 5);
        study->name = text.data;
        text = (fr_text){0};
    } else if (*study->name == '\0' || strchr(study->name, '/') != NULL) {
        fr_faults_add(draft->faults, fr_node_find(draft->root, "study"),
                      "study: `%.60s` is not a name; allowed: characters without /",
                      study->name);
    }
    if (study->output == NULL && study->name != NULL) {
        fr_text_add(&text, "results/%s", study->name);
        study->output = text.data;
    }
    if (study->name == NULL || study->output == NULL) draft->faults->out_of_memory = true;
}

static void read_all(fr_draft *draft, bool look_for_files)
{
    const fr_node *objective = fr_node_find(draft->root, "objective");
    const fr_node *search = fr_node_find(draft->root, "search");
    check_top(draft);
    read_names(draft);
    read_search(draft);
    const size_t before = draft->faults->n;
    if (objective != NULL)
        fr_draft_objective(draft, objective);
    else
        read_training(draft);
    if (draft->faults->out_of_memory) return;
    fr_draft_choice(draft);
    fr_draft_build(draft);
    /* Without a sound space its points and axes cannot be judged. */
    if (draft->faults->n == before) fr_draft_enqueue(draft, fr_node_find(search, "enqueue"));
    fr_draft_checks(draft, look_for_files);
    if (draft->faults->n > 0 || draft->faults->out_of_memory) return;
    fr_draft_fill(draft);
    if (draft->study->text != NULL)
        draft->study->fingerprint =
            fr_study_text_fingerprint(draft->study->text, draft->faults);
}

static void clear_draft(fr_draft *draft)
{
    for (size_t i = 0; i < draft->n; i++) {
        fr_setting *s = &draft->settings[i];
        for (size_t c = 0; c < s->param.n_choices; c++) free(s->param.choices[c]);
        for (size_t c = 0; c < s->param.n_conditions; c++) free(s->param.conditions[c].values);
        free(s->param.choices);
        free(s->param.conditions);
        free(s->name);
        free(s->fixed);
    }
    free(draft->settings);
}

static fr_status parse(const char *text, const char *path, const char *const overrides[],
                       size_t n_overrides, bool look_for_files, fr_study **out)
{
    fr_faults faults = {.path = path};
    fr_draft draft = {.faults = &faults, .study = fr_alloc(1, sizeof *draft.study)};
    fr_node *root = fr_node_parse(text, NULL, &faults);
    *out = NULL;
    if (draft.study == NULL || (draft.study->path = fr_strdup(path)) == NULL)
        faults.out_of_memory = true;
    if (root != NULL && !faults.out_of_memory)
        fr_node_override(root, overrides, n_overrides, &faults);
    draft.root = root;
    if (root != NULL && root->kind != NODE_MAP)
        fr_faults_add(&faults, root,
                      "a study is a mapping of keys such as data, models, train");
    else if (root != NULL && !faults.out_of_memory)
        read_all(&draft, look_for_files);
    fr_status st = fr_faults_report(&faults);
    clear_draft(&draft);
    fr_node_destroy(root);
    fr_faults_clear(&faults);
    if (st == FR_OK)
        *out = draft.study;
    else
        fr_study_destroy(&draft.study);
    return st;
}

fr_status fr_study_parse(const char *text, const char *path, const char *const overrides[],
                         size_t n_overrides, fr_study **out)
{
    return parse(text, path, overrides, n_overrides, false, out);
}

/* The whole file as text. */
static fr_status read_file(const char *path, char **out)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    fr_status st = FR_OK;
    if (file == NULL && (errno == ENOENT || errno == ENOTDIR))
        return FR_FAIL(FR_ERR_USAGE, "there is no study file %s", path);
    if (file == NULL)
        return FR_FAIL(FR_ERR_USAGE, "cannot open the study file %s: %s", path,
                       strerror(errno));
    text = fr_alloc(STUDY_MAX_BYTES + 2, 1);
    if (text == NULL) {
        st = FR_ERR_MEMORY;
        goto out;
    }
    const size_t n = fread(text, 1, STUDY_MAX_BYTES + 1, file);
    if (ferror(file) && errno == EISDIR)
        st = FR_FAIL(FR_ERR_USAGE, "%s is a directory, not a study file", path);
    else if (ferror(file))
        st = FR_FAIL(FR_ERR_IO, "cannot read %s: %s", path, strerror(errno));
    else if (n > STUDY_MAX_BYTES)
        st = FR_FAIL(FR_ERR_USAGE, "%s: too large for a study: more than %d bytes", path,
                     STUDY_MAX_BYTES);
    else if (memchr(text, '\0', n) != NULL)
        st = FR_FAIL(FR_ERR_USAGE, "%s: not a text file: it contains the NUL character", path);
out:
    fclose(file);
    if (st == FR_OK)
        *out = text;
    else
        free(text);
    return st;
}

fr_status fr_study_load(const char *path, const char *const overrides[], size_t n_overrides,
                        fr_study **out)
{
    char *text = NULL;
    *out = NULL;
    FR_TRY(read_file(path, &text));
    const fr_status st = parse(text, path, overrides, n_overrides, true, out);
    free(text);
    return st;
}

void fr_study_destroy(fr_study **study)
{
    if (study == NULL || *study == NULL) return;
    fr_study *s = *study;
    for (size_t i = 0; i < s->n_bindings; i++) free(s->bindings[i].choices);
    free(s->bindings);
    for (size_t k = 0; k < s->n_goals; k++) free(s->goals[k].name);
    free(s->constraints);
    free(s->enqueued);
    free(s->name);
    free(s->path);
    free(s->output);
    free(s->text);
    fr_data_options_clear(&s->data);
    fr_option_clear(fr_test_option_table, fr_test_option_count, &s->test);
    fr_option_clear(fr_search_option_table, fr_search_option_count, &s->search);
    fr_option_clear(fr_prune_option_table, fr_prune_option_count, &s->pruning);
    fr_option_clear(fr_stop_option_table, fr_stop_option_count, &s->stop);
    fr_option_clear(fr_select_option_table, fr_select_option_count, &s->select);
    fr_option_clear(fr_calibrate_option_table, fr_calibrate_option_count, &s->calibrate);
    fr_option_clear(fr_objective_option_table, fr_objective_option_count, &s->objective);
    fr_space_clear(&s->space);
    free(s);
    *study = NULL;
}
