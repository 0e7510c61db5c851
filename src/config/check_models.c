/* SPDX-License-Identifier: BSD-3-Clause */
/* check_models.c - whether the families, their settings and the metric go with the task and
 * with each other. */
#include <string.h>

#include "internal.h"

static const char *const learn_words[] = {"classification", "regression"};

static void check_probabilities(fr_draft *draft)
{
    for (int f = 0; f < FR_FAMILY_COUNT; f++)
        if (draft->study->families[f] && !fr_family_has_probabilities((fr_family)f) &&
            fr_family_learns((fr_family)f, FR_LEARN_CLASSIFICATION))
            fr_faults_add(draft->faults, fr_draft_at(draft, "models", fr_family_words[f]),
                          "models.%s gives no probabilities, which metric log_loss needs",
                          fr_family_words[f]);
}

/* What `calibrate` needs. How many classes there are only the data tell. */
static void check_calibrate(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const fr_calibrate_options *o = &study->calibrate;
    const fr_metric metric = fr_calibrate_metric(o, study->metric);
    const fr_node *block = fr_node_find(draft->root, "calibrate");
    const fr_node *given = fr_draft_at(draft, "calibrate", "threshold");
    float threshold = 0;
    bool tunes = false;
    const fr_status st = fr_calibrate_threshold(o, &threshold, &tunes);
    fr_faults_check(draft->faults, given, "calibrate.threshold", st);
    const bool decides = tunes || threshold > 0;
    char name[FR_METRIC_NAME_SIZE];
    if (study->data.task == FR_LEARN_REGRESSION &&
        (decides || o->method != FR_CALIBRATE_NONE)) {
        fr_faults_add(draft->faults, block,
                      "calibrate is for classification: a regression has no probabilities");
        return;
    }
    if (o->metric != 0 && st == FR_OK && !tunes)
        fr_faults_add(draft->faults, fr_draft_at(draft, "calibrate", "metric"),
                      "calibrate.metric has no effect without threshold: tune");
    if (tunes && fr_metric_scores(metric, FR_LEARN_CLASSIFICATION) &&
        !fr_metric_is_of_classes(metric))
        fr_faults_add(draft->faults, given,
                      "calibrate.threshold: tune does not move %s, which looks at no predicted "
                      "class; set calibrate.metric, to f1_macro or balanced_accuracy",
                      fr_metric_name(metric, name));
    for (int f = 0; f < FR_FAMILY_COUNT && decides && o->method == FR_CALIBRATE_NONE; f++)
        if (study->families[f] && !fr_family_has_probabilities((fr_family)f))
            fr_faults_add(draft->faults, given,
                          "calibrate.threshold is a probability, and models.%s gives none; "
                          "calibrate.method platt makes them",
                          fr_family_words[f]);
}

static void check_families(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const fr_node *cnn = fr_node_find(fr_node_find(draft->root, "models"), "cnn");
    const fr_node *shape = fr_node_find(cnn, "shape");
    if (cnn != NULL) draft->study->cnn_line = shape != NULL ? shape->line : cnn->line;
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        const fr_node *block =
            fr_node_find(fr_node_find(draft->root, "models"), fr_family_words[f]);
        if (block != NULL) draft->study->family_line[f] = block->line;
        if (study->families[f] && !fr_family_learns((fr_family)f, (fr_learn)study->data.task))
            fr_faults_add(draft->faults, fr_draft_at(draft, "models", fr_family_words[f]),
                          "models.%s is not for %s", fr_family_words[f],
                          learn_words[study->data.task]);
    }
    for (size_t k = 0; k < study->n_goals; k++)
        if (study->goals[k].kind == FR_GOAL_METRIC &&
            study->goals[k].metric == FR_METRIC_LOG_LOSS)
            check_probabilities(draft);
}

/* Of data.relevant, which only some metrics look at. */
static void check_relevant(fr_draft *draft)
{
    const fr_study *study = draft->study;
    bool used = false;
    for (size_t k = 0; k < study->n_goals; k++)
        used = used || (study->goals[k].kind == FR_GOAL_METRIC &&
                        fr_metric_ranks(study->goals[k].metric) &&
                        fr_metric_kind(study->goals[k].metric) != FR_METRIC_NDCG);
    if (study->data.relevant == 0 || (used && study->data.task == FR_LEARN_REGRESSION)) return;
    fr_faults_add(draft->faults, fr_draft_at(draft, "data", "relevant"),
                  "data.relevant has no effect %s",
                  used ? "in classification: the second class is the relevant one"
                       : "without metric recall@10, precision@10 or map@10");
}

static void check_ranking(fr_draft *draft, fr_metric metric)
{
    const fr_data_options *data = &draft->study->data;
    char name[FR_METRIC_NAME_SIZE];
    if (data->user != NULL || data->group != NULL) return;
    fr_faults_add(draft->faults, fr_node_find(draft->root, "metric"),
                  "metric: %s ranks the rows of each user: name their column in data.user (a "
                  "feature) or data.group (none)",
                  fr_metric_name(metric, name));
}

static void check_metric(fr_draft *draft, fr_metric metric)
{
    const fr_study *study = draft->study;
    const fr_learn learn = (fr_learn)study->data.task;
    if (fr_metric_ranks(metric)) check_ranking(draft, metric);
    if (fr_metric_scores(metric, learn)) return;
    fr_text allowed = {0};
    for (fr_metric m = 0; m < FR_METRIC_COUNT; m++)
        if (fr_metric_scores(m, learn))
            fr_text_add(&allowed, "%s%s", allowed.length == 0 ? "" : ", ", fr_metric_words[m]);
    fr_faults_add(draft->faults, fr_node_find(draft->root, "metric"),
                  "metric: %s is not for %s; allowed: %s", fr_metric_words[metric],
                  learn_words[learn], fr_text_get(&allowed));
    fr_text_clear(&allowed);
}

const fr_setting *fr_draft_effective(const fr_draft *draft, int f, const char *key)
{
    const fr_setting *own = fr_draft_find(draft, f, key);
    return own != NULL ? own : fr_draft_find(draft, ALL_FAMILIES, key);
}

static bool is_fixed_at(const fr_setting *s, const char *text)
{
    return s != NULL && s->fixed != NULL && strcmp(s->fixed, text) == 0;
}

/* The setting is not what it is when nobody mentions it. */
static bool is_changed(const fr_setting *s)
{
    if (s == NULL || s->broken) return false;
    if (s->fixed == NULL) return true;
    fr_text standard = {0};
    const fr_status st = fr_setting_canonical(s, s->row->fallback, &standard);
    const bool changed = st == FR_OK && strcmp(fr_text_get(&standard), s->fixed) != 0;
    fr_text_clear(&standard);
    return changed;
}

static void say_useless(fr_draft *draft, const fr_setting *s, const char *why)
{
    fr_text place = {0};
    fr_setting_place(s, &place);
    fr_faults_add(draft->faults, s->given, "%s has no effect %s", fr_text_get(&place), why);
    fr_text_clear(&place);
}

/* PyTorch's rule for SGD: "Nesterov momentum requires a momentum and zero dampening". */
static void check_nesterov(fr_draft *draft, int f)
{
    const fr_setting *nesterov = fr_draft_effective(draft, f, "nesterov");
    const fr_setting *optimizer = fr_draft_effective(draft, f, "optimizer");
    const bool is_sgd = is_fixed_at(optimizer, "sgd") || is_fixed_at(optimizer, "gd");
    if (!is_fixed_at(nesterov, "true") || !is_sgd) return;
    if (is_fixed_at(fr_draft_effective(draft, f, "momentum"), "0"))
        fr_faults_add(draft->faults, nesterov->given, "nesterov needs a momentum above 0");
    const fr_setting *dampening = fr_draft_effective(draft, f, "dampening");
    if (dampening != NULL && !is_fixed_at(dampening, "0"))
        fr_faults_add(draft->faults, dampening->given, "nesterov needs dampening 0");
}

/* Settings that the family's only kernel does not look at. */
static void check_kernel(fr_draft *draft)
{
    const fr_setting *kernel = fr_draft_find(draft, FR_FAMILY_KERNEL, "kernel");
    const bool fixed = kernel != NULL && kernel->fixed != NULL;
    static const char *const polynomial[] = {"degree", "coef0"};
    for (size_t k = 0; k < 2 && fixed && !is_fixed_at(kernel, "polynomial"); k++) {
        const fr_setting *s = fr_draft_find(draft, FR_FAMILY_KERNEL, polynomial[k]);
        if (is_changed(s)) say_useless(draft, s, "without kernel polynomial");
    }
    const fr_setting *gamma = fr_draft_find(draft, FR_FAMILY_KERNEL, "gamma");
    if (is_fixed_at(kernel, "linear") && is_changed(gamma))
        say_useless(draft, gamma, "with kernel linear");
}

static void check_selection(fr_draft *draft)
{
    const fr_setting *how = fr_draft_find(draft, ALL_FAMILIES, "select_features");
    const fr_setting *keep = fr_draft_find(draft, ALL_FAMILIES, "keep_features");
    if (how != NULL && how->given != NULL) draft->study->selection_line = how->given->line;
    if (is_fixed_at(how, "none") && is_changed(keep))
        say_useless(draft, keep, "without select_features");
    if (is_fixed_at(how, "chi2") && draft->study->data.task == FR_LEARN_REGRESSION)
        fr_faults_add(draft->faults, how->given,
                      "preprocess.select_features: chi2 is for classification; allowed for "
                      "regression: none, variance, f_test, mutual_information");
}

/* Settings of a projection that there is not. */
static void check_projection(fr_draft *draft)
{
    static const char *const of_fourier[] = {"fourier_gamma", "fourier_orthogonal",
                                             "fourier_seed"};
    const fr_setting *whiten = fr_draft_find(draft, ALL_FAMILIES, "whiten");
    if (is_fixed_at(fr_draft_find(draft, ALL_FAMILIES, "pca"), "0") && is_changed(whiten))
        say_useless(draft, whiten, "without pca");
    if (!is_fixed_at(fr_draft_find(draft, ALL_FAMILIES, "fourier"), "0")) return;
    for (size_t k = 0; k < sizeof of_fourier / sizeof *of_fourier; k++) {
        const fr_setting *s = fr_draft_find(draft, ALL_FAMILIES, of_fourier[k]);
        if (is_changed(s)) say_useless(draft, s, "without fourier");
    }
}

/* Convolutions want every cell where it is. */
static void check_pixels(fr_draft *draft)
{
    static const char *const moves[] = {"select_features", "pca", "fourier"};
    for (size_t k = 0; k < sizeof moves / sizeof *moves; k++) {
        const fr_setting *s = fr_draft_find(draft, ALL_FAMILIES, moves[k]);
        if (s == NULL || s->fixed == NULL || !is_changed(s)) continue;
        fr_faults_add(draft->faults, s->given,
                      "preprocess.%s leaves model cnn without its picture; give it to other "
                      "families alone: a choice with `when: {model: ...}`",
                      moves[k]);
    }
}

static bool applies_to_any(const fr_draft *draft, const fr_option *row)
{
    for (int f = 0; f < FR_FAMILY_COUNT; f++)
        if (draft->study->families[f] && fr_train_option_applies(row, (fr_family)f))
            return true;
    return false;
}

/* What of `train` none of the families looks at. */
static void check_train(fr_draft *draft)
{
    const bool trees = draft->study->families[FR_FAMILY_XGBOOST];
    for (size_t i = 0; i < fr_train_option_count; i++) {
        const fr_option *row = &fr_train_option_table[i];
        const fr_setting *s = fr_draft_find(draft, ALL_FAMILIES, row->name);
        if (applies_to_any(draft, row) || !is_changed(s)) continue;
        say_useless(draft, s,
                    !trees ? "on model kernel, which has a closed form"
                    : strcmp(row->name, "epochs") == 0
                        ? "on model xgboost: set models.xgboost.rounds"
                    : strcmp(row->name, "learning_rate") == 0
                        ? "on model xgboost: set models.xgboost.learning_rate"
                        : "on model xgboost, which trains by rounds of trees");
    }
}

/* Settings that no value of tree_method looks at. */
static void check_trees(fr_draft *draft)
{
    static const char *const of_bins[] = {"max_bin", "grow_policy", "max_leaves"};
    if (!is_fixed_at(fr_draft_find(draft, FR_FAMILY_XGBOOST, "tree_method"), "exact")) return;
    for (size_t k = 0; k < sizeof of_bins / sizeof *of_bins; k++) {
        const fr_setting *s = fr_draft_find(draft, FR_FAMILY_XGBOOST, of_bins[k]);
        if (is_changed(s)) say_useless(draft, s, "with tree_method exact");
    }
}

static void check_family_settings(fr_draft *draft, int f)
{
    static const char *const of_task[2][3] = {
        [FR_LEARN_CLASSIFICATION] = {"loss", "huber_delta", NULL},
        [FR_LEARN_REGRESSION] = {"label_smoothing", "class_weight", NULL},
    };
    const fr_setting *batch = fr_draft_effective(draft, f, "batch_size");
    const bool iterates = fr_family_iterates((fr_family)f) && f != FR_FAMILY_XGBOOST;
    if (iterates && is_fixed_at(fr_draft_effective(draft, f, "optimizer"), "gd") &&
        is_changed(batch))
        say_useless(draft, batch, "with optimizer gd, which takes all rows at once");
    if (iterates) check_nesterov(draft, f);
    if (f == FR_FAMILY_KERNEL) check_kernel(draft);
    if (f == FR_FAMILY_XGBOOST) check_trees(draft);
    if (f != FR_FAMILY_MLP && f != FR_FAMILY_CNN && f != FR_FAMILY_FM &&
        f != FR_FAMILY_KERNEL && f != FR_FAMILY_XGBOOST)
        return;
    const int task = draft->study->data.task;
    for (size_t k = 0; of_task[task][k] != NULL; k++) {
        const fr_setting *s = fr_draft_find(draft, f, of_task[task][k]);
        if (is_changed(s))
            say_useless(draft, s,
                        task == FR_LEARN_CLASSIFICATION ? "in classification"
                                                        : "in regression");
    }
}

void fr_draft_model_checks(fr_draft *draft)
{
    const fr_study *study = draft->study;
    check_families(draft);
    for (size_t k = 0; k < study->n_goals; k++)
        if (study->goals[k].kind == FR_GOAL_METRIC) check_metric(draft, study->goals[k].metric);
    check_relevant(draft);
    for (int f = 0; f < FR_FAMILY_COUNT; f++)
        if (study->families[f]) check_family_settings(draft, f);
    check_train(draft);
    check_selection(draft);
    fr_draft_text_checks(draft);
    check_projection(draft);
    if (study->families[FR_FAMILY_CNN]) check_pixels(draft);
    check_calibrate(draft);
}
