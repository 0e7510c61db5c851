/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_goals.c - several objectives: study keys and their faults, scores in the history, as
 * bytes, in the journal and in results.h5; functions and tables with several scores; what a
 * fold is scored by. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "foldrank/objective.h"
#include "foldrank/store.h"
#include "store_fixture.h"

#define START                                                                                  \
    "data: {path: d.csv, target: y, task: classification}\nmodels: {softmax: {}, mlp: {}}\n"
#define METRICS                                                                                \
    "accuracy, balanced_accuracy, f1_macro, f1_weighted, log_loss, roc_auc, mcc, rmse, mae, "  \
    "r2, explained_variance, ndcg@10, recall@10, precision@10, map@10"
#define FUNCTION                                                                               \
    "objective: {type: function, function: zdt1, parameters: {x: {float: [0, 1]}, y: {float: " \
    "[0, 1]}}"

static fr_study *parse(const char *text)
{
    fr_study *study = NULL;
    const fr_status st = fr_study_parse(text, "study.yaml", NULL, 0, &study);
    if (st != FR_OK) fail_msg("%s\n%s", text, fr_status_message());
    return study;
}

static void a_list_of_objectives_is_read(void **state)
{
    (void)state;
    fr_study *s =
        parse(START "metric: [log_loss, {maximize: accuracy}, {minimize: parameters}, "
                    "training_flops]\n");
    static const char *const names[] = {"log_loss", "accuracy", "parameters", "training_flops"};
    const fr_goal_kind kinds[] = {FR_GOAL_METRIC, FR_GOAL_METRIC, FR_GOAL_PARAMETERS,
                                  FR_GOAL_TRAINING_FLOPS};
    assert_int_equal(s->n_goals, 4);
    for (size_t k = 0; k < 4; k++) {
        assert_string_equal(s->goals[k].name, names[k]);
        assert_int_equal(s->goals[k].kind, kinds[k]);
        assert_int_equal(s->goals[k].maximize, k == 1);
    }
    assert_int_equal(s->metric, FR_METRIC_LOG_LOSS);
    assert_false(s->maximize);
    assert_int_equal(s->select.rule, FR_RULE_KNEE);
    assert_non_null(strstr(s->text, "\nmetric: [log_loss, accuracy, parameters, "
                                    "training_flops]\n"));
    fr_study *again = parse(s->text);
    assert_string_equal(s->text, again->text);
    assert_true(s->fingerprint == again->fingerprint);
    fr_study_destroy(&again);
    fr_study_destroy(&s);
}

/* However it is written, one objective is the same study. */
static void one_objective_is_a_word(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "metric: accuracy\n", "metric: [accuracy]\n",
                                        "metric: {maximize: accuracy}\n"};
    fr_study *plain = parse(START);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s%s", START, texts[i]);
        fr_study *s = parse(text);
        assert_string_equal(s->text, plain->text);
        assert_int_equal(s->n_goals, 1);
        assert_int_equal(s->select.rule, FR_RULE_BEST);
        fr_study_destroy(&s);
    }
    fr_study_destroy(&plain);
}

/* Trials can be chosen from anew: the rule is no difference between two studies; the
 * objectives are. */
static void selection_is_no_other_study(void **state)
{
    (void)state;
    fr_text words = {0};
    fr_study *a = parse(START "metric: [accuracy, parameters]\n");
    fr_study *b = parse(START "metric: [accuracy, parameters]\nselect: {rule: best, "
                              "constraints: [parameters <= 500, accuracy > 0.9]}\n");
    fr_study *c = parse(START "metric: [accuracy, flops]\n");
    assert_true(a->fingerprint == b->fingerprint);
    assert_false(fr_study_difference(a, b, &words));
    assert_true(a->fingerprint != c->fingerprint);
    assert_true(fr_study_difference(a, c, &words));
    assert_string_equal(fr_text_get(&words),
                        "metric: [accuracy, parameters] there, [accuracy, flops] here");
    fr_text_clear(&words);
    assert_int_equal(b->n_constraints, 2);
    assert_int_equal(b->constraints[0].which, 1);
    assert_true(b->constraints[0].at_most && !b->constraints[0].strictly);
    assert_true(b->constraints[0].bound == 500);
    assert_int_equal(b->constraints[1].which, 0);
    assert_true(!b->constraints[1].at_most && b->constraints[1].strictly);
    fr_study_destroy(&a);
    fr_study_destroy(&b);
    fr_study_destroy(&c);
}

static const struct {
    const char *text, *message;
} faults[] = {
    {START "metric: [accuracy, acuracy]\n",
     "study.yaml:3: metric: `acuracy` is not known; allowed: " METRICS
     ", parameters, flops, training_flops (did you mean accuracy?)"},
    {START "metric: parameters\n",
     "study.yaml:3: metric: `parameters` is no score of predictions, which the first objective "
     "must be: early stopping and curves go by it; such as [accuracy, parameters]"},
    {START "metric: [accuracy, seconds]\n",
     "study.yaml:3: metric: `seconds` is not reproducible; allowed instead: training_flops, "
     "the arithmetic of the training, or flops, that of one prediction"},
    {START "metric:\n  - accuracy\n  - {maximize: log_loss}\n",
     "study.yaml:5: metric: less of log_loss is better; write {minimize: log_loss}"},
    {START "metric:\n  - accuracy\n  - {minimise: parameters}\n",
     "study.yaml:5: unknown key minimise in metric; allowed: minimize, maximize; did you mean "
     "minimize?"},
    {START "metric: [accuracy, [log_loss]]\n",
     "study.yaml:3: metric: an objective is a name, {minimize: name} or {maximize: name}"},
    {START "metric: [accuracy, flops, accuracy]\n",
     "study.yaml:3: metric: accuracy is there twice"},
    {START "metric: []\n", "study.yaml:3: metric: 0 objectives; allowed: 1 to 4"},
    {START "metric: [accuracy, mcc, log_loss, flops, parameters]\n",
     "study.yaml:3: metric: 5 objectives; allowed: 1 to 4"},
    {START "metric: [accuracy, rmse]\n",
     "study.yaml:3: metric: rmse is not for classification; allowed: accuracy, "
     "balanced_accuracy, f1_macro, f1_weighted, log_loss, roc_auc, mcc, ndcg@10, recall@10, "
     "precision@10, map@10"},
    {"data: {path: d.csv, target: y, task: classification}\nmodels: {svm: {}}\n"
     "metric: [accuracy, log_loss]\n",
     "study.yaml:2: models.svm gives no probabilities, which metric log_loss needs"},
    {START "metric: [accuracy, flops]\npruning: [patience, racing]\n",
     "study.yaml:4: pruning.method: median, percentile, asha, hyperband and racing compare "
     "trials by one score, and who is worse in it may be better in another objective; allowed "
     "with several: threshold, patience"},
    {START "metric: [accuracy, mcc, flops]\nsearch: {method: gp}\n",
     "study.yaml:4: search.method gp cannot follow 3 objectives; allowed: grid, random, sobol, "
     "tpe, auto, nsga2"},
    {START "search: {method: tpe, population: 30}\n",
     "study.yaml:3: search.population has no effect without method nsga2, or auto with several "
     "objectives"},
    {START "select: {rule: knee}\n",
     "study.yaml:3: select.rule knee needs several objectives, such as metric: [accuracy, "
     "parameters]"},
    {START "select: {reference: [0]}\n",
     "study.yaml:3: select.reference has no effect with one objective"},
    {START "metric: [accuracy, flops]\nselect: {reference: [0]}\n",
     "study.yaml:4: select.reference: 1 numbers for 2 objectives; allowed: one for each"},
    {START "metric: [accuracy, flops]\nselect: {reference: [0, much]}\n",
     "study.yaml:4: select.reference: `much` is not a finite number"},
    {START "select: {constraints: [parameter <= 10]}\n",
     "study.yaml:3: select.constraints: `parameter` can be no constraint; allowed: accuracy, "
     "flops, parameters (did you mean parameters?)"},
    {START "select: {constraints: parameters = 10}\n",
     "study.yaml:3: select.constraints: `parameters = 10` is not a constraint; write a name, "
     "one of < <= > >= and a number, such as parameters <= 10000"},
    {START "select: {constraints: [parameters <= 10k]}\n",
     "study.yaml:3: select.constraints: `parameters <= 10k` is not a constraint; write a name, "
     "one of < <= > >= and a number, such as parameters <= 10000"},
    {FUNCTION ", scores: [a, a]}\n", "study.yaml:1: objective.scores: a is there twice"},
    {FUNCTION ", scores: [f/1, f2]}\n",
     "study.yaml:1: objective.scores: `f/1` is not a name; allowed: up to 60 characters "
     "without / < > =, not a dot first"},
    {FUNCTION ", scores: [a, b, c, d, e]}\n",
     "study.yaml:1: objective.scores: 5 scores; allowed: 1 to 4"},
    {FUNCTION ", scores: [a, b], direction: [minimize, maximise]}\n",
     "study.yaml:1: objective.direction: `maximise` is not known; allowed: minimize, maximize "
     "(did you mean maximize?)"},
    {FUNCTION ", scores: [a, b, c], direction: [minimize, maximize]}\n",
     "study.yaml:1: objective.direction: 2 directions for 3 scores; allowed: one for all, or "
     "one for each"},
    {"objective: {type: table, path: t.csv, scores: [a, b], values: [a], parameters: {x: {int: "
     "[0, 1]}}}\n",
     "study.yaml:1: objective.values: 1 entries for 2 scores; allowed: a column, or a list of "
     "columns, for each"},
    {"objective: {type: table, path: t.csv, values: [[a, b], c], parameters: {x: {int: [0, "
     "1]}}}\n",
     "study.yaml:1: objective.values: lists of columns need names: give objective.scores, such "
     "as [error, size]"},
    {FUNCTION ", scores: [a, b]}\nselect: {constraints: [parameters <= 10]}\n",
     "study.yaml:2: select.constraints: `parameters` can be no constraint; allowed: a, b"},
};

static void every_fault_has_its_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        fr_study *study = NULL;
        const fr_status st = fr_study_parse(faults[i].text, "study.yaml", NULL, 0, &study);
        if (st != FR_ERR_USAGE) fail_msg("accepted (%d): %s", (int)st, faults[i].text);
        assert_string_equal(fr_status_message(), faults[i].message);
    }
}

/* ---- scores in a history ---- */

static fr_space one_float(void)
{
    fr_space space = {0};
    const fr_param x = {
        .name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0.0, .high = 1.0};
    assert_int_equal(fr_space_add(&space, x), FR_OK);
    return space;
}

static void means_and_errors_of_every_objective(void **state)
{
    (void)state;
    fr_space space = one_float();
    fr_history *h = NULL;
    const bool maximizes[3] = {true, false, false};
    const double x = 0.5;
    fr_costs costs;
    assert_int_equal(fr_history_create(&space, 3, true, &h), FR_OK);
    assert_int_equal(h->n_goals, 1);
    fr_history_set_goals(h, maximizes, 3);
    assert_int_equal(fr_history_add_trial(h, &x), FR_OK);
    fr_fold_result few = {.state = FR_TRIAL_COMPLETE, .n_more = 1};
    assert_int_equal(fr_history_add_fold(h, &few), FR_ERR_ARG);
    assert_non_null(strstr(fr_status_message(), "2 scores; the study has 3 objectives"));
    for (uint32_t f = 0; f < 3; f++) {
        assert_false(fr_history_costs(h, 0, &costs));
        fr_fold_result r = {.fold = 2 - f,
                            .state = FR_TRIAL_COMPLETE,
                            .score = 0.5 + 0.1 * f,
                            .more = {1.0 + f, 7.0},
                            .n_more = 2};
        assert_int_equal(fr_history_add_fold(h, &r), FR_OK);
    }
    const fr_trial *t = &h->trials[0];
    assert_true(fabs(fr_trial_mean(t, 0) - 0.6) < 1e-15);
    assert_true(fr_trial_mean(t, 1) == 2.0 && fr_trial_mean(t, 2) == 7.0);
    assert_true(fabs(fr_trial_se(t, 1) - 1 / sqrt(3)) < 1e-15 && fr_trial_se(t, 2) == 0.0);
    assert_true(fr_history_costs(h, 0, &costs));
    assert_true(costs.v[0] == -fr_trial_mean(t, 0) && costs.v[1] == 2.0 && costs.v[2] == 7.0);
    assert_true(costs.v[3] == 0.0);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void results_as_bytes(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < FR_GOALS_MAX; n++) {
        fr_fold_result out, in = {.trial = 3,
                                  .fold = 1,
                                  .state = FR_TRIAL_CANCELLED,
                                  .score = 0.25,
                                  .more = {1.5, NAN, -0.0},
                                  .n_more = n};
        fr_pack bytes = {0};
        fr_fold_result_pack(&in, &bytes);
        fr_unpack left = fr_unpack_make(bytes.data, bytes.size);
        assert_int_equal(fr_fold_result_unpack(&left, &out), FR_OK);
        assert_int_equal(fr_unpack_left(&left), 0);
        assert_int_equal(out.state, FR_TRIAL_CANCELLED);
        assert_int_equal(out.n_more, n);
        assert_memory_equal(out.more, in.more, n * sizeof(double));
        fr_fold_result_clear(&out);
        left = fr_unpack_make(bytes.data, bytes.size - 1);
        assert_int_equal(fr_fold_result_unpack(&left, &out), FR_ERR_FORMAT);
        fr_fold_result_clear(&out);
        /* The byte behind trial and fold: one objective leaves it as it always was. */
        assert_int_equal(bytes.data[12], 16 * n + 7);
        bytes.data[12] = 0x42;
        left = fr_unpack_make(bytes.data, bytes.size);
        assert_int_equal(fr_fold_result_unpack(&left, &out), FR_ERR_FORMAT);
        fr_fold_result_clear(&out);
        fr_pack_clear(&bytes);
    }
}

/* ---- in files ---- */

static void assert_same_scores(const fr_history *a, const fr_history *b)
{
    assert_same_history(a, b);
    assert_int_equal(a->n_goals, b->n_goals);
    for (size_t t = 0; t < a->n; t++) {
        for (size_t k = 0; k < a->n_goals; k++) {
            assert_same_bits(fr_trial_mean(&a->trials[t], k), fr_trial_mean(&b->trials[t], k));
            assert_same_bits(fr_trial_se(&a->trials[t], k), fr_trial_se(&b->trials[t], k));
            for (uint32_t f = 0; f < a->n_folds; f++)
                if (a->trials[t].folds[f] != NULL)
                    assert_same_bits(fr_fold_score(a->trials[t].folds[f], k),
                                     fr_fold_score(b->trials[t].folds[f], k));
        }
    }
}

static void a_journal_keeps_all_scores(void **state)
{
    (void)state;
    for (int several = 0; several < 2; several++) {
        fr_study *study =
            fixture_study(several ? "metric=[accuracy, log_loss, parameters]" : NULL);
        fr_history *h = fixture_history(study, 40), *again = NULL;
        fr_journal *journal = NULL;
        fr_history *empty = NULL;
        double elapsed;
        assert_int_equal(fr_study_history(study, FIXTURE_FOLDS, &empty), FR_OK);
        assert_int_equal(fr_journal_open(fixture_dir, study, 7, empty, &elapsed, &journal),
                         FR_OK);
        for (size_t t = 0; t < h->n; t++) {
            assert_int_equal(fr_journal_trial(journal, 0, t, h->trials[t].point, h->space->n),
                             FR_OK);
            for (uint32_t f = 0; f < h->n_folds; f++)
                if (h->trials[t].folds[f] != NULL &&
                    h->trials[t].folds[f]->state != FR_TRIAL_CANCELLED)
                    assert_int_equal(fr_journal_fold(journal, h->trials[t].folds[f]), FR_OK);
        }
        assert_int_equal(fr_journal_close(&journal), FR_OK);
        assert_int_equal(fr_study_history(study, FIXTURE_FOLDS, &again), FR_OK);
        assert_int_equal(fr_journal_open(fixture_dir, study, 7, again, &elapsed, &journal),
                         FR_OK);
        assert_int_equal(fr_journal_close(&journal), FR_OK);
        assert_same_scores(h, again);
        assert_int_equal(unlink(fixture_path("journal.bin")), 0);
        fr_history_destroy(&h);
        fr_history_destroy(&empty);
        fr_history_destroy(&again);
        fr_study_destroy(&study);
    }
}

static void results_keep_scores_and_fronts(void **state)
{
    (void)state;
    fr_study *study = fixture_study("metric=[accuracy, log_loss, parameters]");
    fr_history *h = fixture_history(study, 60);
    const fr_select_facts facts = {.train_rows = 1, .valid_rows = 1};
    fr_selection s;
    fr_results_file *file = NULL;
    assert_int_equal(fr_select_run(h, &study->select, &facts, &s), FR_OK);
    assert_true(s.fronts.n_front > 1);
    const fr_results results = {.study = study,
                                .history = h,
                                .selection = &s,
                                .test_score = 0.75,
                                .test_more = {0.5, NAN, NAN},
                                .command = "",
                                .created = 1.7e9};
    assert_int_equal(fr_results_write(fixture_dir, &results), FR_OK);
    const fr_status st = fr_results_open(fixture_dir, false, &file);
    if (st != FR_OK) fail_msg("%s", fr_status_message());
    assert_same_scores(h, file->history);
    const fr_fronts *a = &s.fronts, *b = &file->selection.fronts;
    assert_int_equal(file->selection.rule, FR_RULE_KNEE);
    assert_int_equal(file->selection.chosen, s.chosen);
    assert_int_equal(a->n_front, b->n_front);
    assert_memory_equal(a->front, b->front, a->n_front * sizeof *a->front);
    assert_int_equal(b->n_trials, 60);
    assert_memory_equal(a->rank, b->rank, 60 * sizeof *a->rank);
    assert_memory_equal(a->hypervolume, b->hypervolume, 60 * sizeof(double));
    assert_memory_equal(a->reference, b->reference, 3 * sizeof(double));
    assert_true(file->test_score == 0.75 && file->test_more[0] == 0.5);
    assert_true(isnan(file->test_more[1]));
    fr_results_close(&file);
    fr_selection_clear(&s);
    fr_history_destroy(&h);
    fr_study_destroy(&study);
}

/* ---- objectives that train nothing ---- */

static fr_fold_result evaluate(const fr_study *study, const double *point)
{
    fr_objective *objective = NULL;
    fr_fold_result r;
    const fr_objective_place place = {.threads = 1};
    const fr_status st = fr_objective_create(study, NULL, NULL, &place, &objective);
    if (st != FR_OK) fail_msg("%s", fr_status_message());
    const fr_task task = {.point = point};
    assert_int_equal(fr_objective_evaluate(objective, &task, NULL, &r), FR_OK);
    fr_objective_destroy(&objective);
    return r;
}

static fr_study *function_study(const char *name, const char *scores, size_t dims)
{
    char text[1024], params[512] = "";
    for (size_t j = 0; j < dims; j++)
        snprintf(params + strlen(params), sizeof params - strlen(params),
                 "%sx%zu: {float: [0, 1]}", j == 0 ? "" : ", ", j);
    snprintf(text, sizeof text,
             "objective: {type: function, function: %s, scores: %s, parameters: {%s}}\n", name,
             scores, params);
    return parse(text);
}

/* Points on the fronts, and one off them by hand. */
static void functions_have_their_fronts(void **state)
{
    (void)state;
    const double on[3] = {0.36, 0, 0}, off[3] = {0.25, 0.5, 1.0};
    const struct {
        const char *name;
        double on, off;
    } known[] = {
        /* g off the front: 1 + 9 * 0.75 = 7.75 */
        {"zdt1", 1 - 0.6, 7.75 * (1 - sqrt(0.25 / 7.75))},
        {"zdt2", 1 - 0.36 * 0.36, 7.75 * (1 - 0.25 * 0.25 / 7.75 / 7.75)},
        {"zdt3", 1 - 0.6 - 0.36 * sin(3.6 * 3.14159265358979323846),
         7.75 * (1 - sqrt(0.25 / 7.75) - 0.25 / 7.75)},
    };
    for (size_t i = 0; i < 3; i++) {
        fr_study *s = function_study(known[i].name, "[f1, f2]", 3);
        fr_fold_result r = evaluate(s, on);
        assert_int_equal(r.n_more, 1);
        assert_true(r.score == 0.36 && fabs(r.more[0] - known[i].on) < 1e-12);
        r = evaluate(s, off);
        assert_true(r.score == 0.25 && fabs(r.more[0] - known[i].off) < 1e-12);
        fr_study_destroy(&s);
    }
    const double sphere[5] = {0.3, 0.7, 0.5, 0.5, 0.5}, x[5] = {0.3, 0.7, 0.5, 0.5, 0.6};
    fr_study *s = function_study("dtlz2", "[a, b, c]", 5);
    fr_fold_result r = evaluate(s, sphere);
    assert_true(fabs(r.score * r.score + r.more[0] * r.more[0] + r.more[1] * r.more[1] - 1.0) <
                1e-12);
    const double half = 3.14159265358979323846 / 2;
    r = evaluate(s, x);
    assert_true(fabs(r.score - 1.01 * cos(0.3 * half) * cos(0.7 * half)) < 1e-12);
    assert_true(fabs(r.more[0] - 1.01 * cos(0.3 * half) * sin(0.7 * half)) < 1e-12);
    assert_true(fabs(r.more[1] - 1.01 * sin(0.3 * half)) < 1e-12);
    fr_study_destroy(&s);
}

static void expect_refusal(fr_study *study, fr_status status, const char *words)
{
    fr_objective *objective = NULL;
    const fr_objective_place place = {.threads = 1};
    assert_int_equal(fr_objective_create(study, NULL, NULL, &place, &objective), status);
    if (strstr(fr_status_message(), words) == NULL)
        fail_msg("%s\n%s", words, fr_status_message());
    fr_study_destroy(&study);
}

static void scores_must_fit_the_function(void **state)
{
    (void)state;
    expect_refusal(function_study("sphere", "[a, b]", 3), FR_ERR_USAGE,
                   "sphere has one score; allowed with several: zdt1");
    expect_refusal(function_study("zdt1", "[]", 3), FR_ERR_USAGE,
                   "zdt1 has 2 scores, which need names, such as scores: [f1, f2]");
    expect_refusal(function_study("zdt2", "[a, b, c]", 3), FR_ERR_USAGE, "zdt2 has 2 scores");
    expect_refusal(function_study("dtlz2", "[a]", 5), FR_ERR_USAGE, "dtlz2 has 2 to 4 scores");
}

static fr_study *table_study(const char *keys)
{
    char text[1024];
    static const char table[] = "x,e1,e2,size\n0,1,3,100\n1,2,,50\n0,5,3,100\n2,1,1,\n";
    fixture_write("t.csv", table, sizeof table - 1);
    snprintf(text, sizeof text,
             "objective: {type: table, path: \"%s\", %s, parameters: {x: {int: [0, 3]}}}\n",
             fixture_path("t.csv"), keys);
    return parse(text);
}

static void tables_have_several_scores(void **state)
{
    (void)state;
    const double zero = 0, one = 1, two = 2;
    fr_study *s = table_study("scores: [error, size], values: [[e1, e2], size], direction: "
                              "[maximize, minimize]");
    assert_true(s->goals[0].maximize && !s->goals[1].maximize && s->maximize);
    fr_fold_result r = evaluate(s, &zero); /* two rows, two columns */
    assert_true(r.score == 3.0 && r.more[0] == 100.0);
    r = evaluate(s, &one); /* an empty cell is no replicate */
    assert_true(r.score == 2.0 && r.more[0] == 50.0);
    r = evaluate(s, &two); /* no size */
    assert_int_equal(r.state, FR_TRIAL_FAILED);
    assert_int_equal(r.n_more, 1);
    assert_true(isnan(r.score) && isnan(r.more[0]));
    fr_fold_result_clear(&r);
    fr_study_destroy(&s);
    s = table_study("scores: [e1, x]"); /* a parameter may be a cost, too */
    r = evaluate(s, &one);
    assert_true(r.score == 2.0 && r.more[0] == 1.0);
    fr_study_destroy(&s);
    expect_refusal(table_study("scores: [e1, sise]"), FR_ERR_DATA,
                   "no column for value `sise`; its columns: x, e1, e2, size");
    expect_refusal(table_study("scores: [a, b], values: [[e1, e2], e2]"), FR_ERR_DATA,
                   "column `e2` cannot be two scores");
    expect_refusal(table_study("scores: [a, b], values: [e1, []]"), FR_ERR_USAGE,
                   "objective.values: no column for b");
    s = table_study("scores: [e1, size], run_time: size, speed: 1000000");
    r = evaluate(s, &zero); /* a run time may be a cost, too */
    assert_true(r.score == 3.0 && r.more[0] == 100.0);
    fr_study_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_objectives_is_read),
        cmocka_unit_test(one_objective_is_a_word),
        cmocka_unit_test(selection_is_no_other_study),
        cmocka_unit_test(every_fault_has_its_message),
        cmocka_unit_test(means_and_errors_of_every_objective),
        cmocka_unit_test(results_as_bytes),
        cmocka_unit_test(a_journal_keeps_all_scores),
        cmocka_unit_test(results_keep_scores_and_fronts),
        cmocka_unit_test(functions_have_their_fronts),
        cmocka_unit_test(scores_must_fit_the_function),
        cmocka_unit_test(tables_have_several_scores),
    };
    return cmocka_run_group_tests_name("goals", tests, fixture_setup, fixture_teardown);
}
