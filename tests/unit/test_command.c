/* SPDX-License-Identifier: BSD-3-Clause */
/* test_command.c - command lines cut into words, values as arguments, environment and JSON, and
 * what reports of steps decide. Processes are tested where there is a guard: tests/mpi. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/objective/internal.h"
#include "../../src/objective/task_log.h"

static fr_study *parse(const char *text)
{
    fr_study *study = NULL;
    if (fr_study_parse(text, "test.yaml", NULL, 0, &study) != FR_OK)
        fail_msg("%s", fr_status_message());
    return study;
}

/* "[text|<place>]" for every word. */
static void assert_words(const char *text, bool shell, const char *expected)
{
    fr_command command;
    fr_text got = {0};
    if (fr_command_parse(text, shell, &command) != FR_OK) fail_msg("%s", fr_status_message());
    for (size_t w = 0; w < command.n; w++) {
        fr_text_add(&got, "[");
        for (size_t i = 0; i < command.words[w].n; i++) {
            const fr_command_piece *p = &command.words[w].pieces[i];
            fr_text_add(&got, p->is_place ? (p->quoted ? "<\"%s\">" : "<%s>") : "%s", p->text);
        }
        fr_text_add(&got, "]");
    }
    assert_string_equal(fr_text_get(&got), expected);
    fr_text_clear(&got);
    fr_command_clear(&command);
}

static void words_are_cut_before_values_come(void **state)
{
    (void)state;
    assert_words("a  b\tc\n", false, "[a][b][c]");
    assert_words("p --lr={lr} {x}{y}z", false, "[p][--lr=<lr>][<x><y>z]");
    assert_words("p 'a b' \"c 'd\" e\\ f '' g\"h i\"j", false, "[p][a b][c 'd][e f][][gh ij]");
    assert_words("p \"a\\\"b\\\\c\\d\" 'x\\y'", false, "[p][a\"b\\c\\d][x\\y]");
    assert_words("p '{lr}' \"{lr}\"", false, "[p][<lr>][<\"lr\">]");
    assert_words("p {{lr}} {} {a b} {1} {\"k\":{\"l\":1}} ${lr}", false,
                 "[p][{lr}][{}][{a][b}][{1}][{k:{l:1}}][$<lr>]");
    assert_words("p {mlp.hidden} {a-b}", false, "[p][<mlp.hidden>][<a-b>]");
    assert_words("p '|' x|y \">\"", false, "[p][|][x|y][>]");
    assert_words("a | b > {directory}/\"{x}\" '{}' ${HOME} ${a:-${b}}", true,
                 "[a | b > <directory>/\"<\"x\">\" '{}' ${HOME} ${a:-${b}}]");
    assert_words("echo \\\"{x}\\\" it\\'s {y}", true, "[echo \\\"<x>\\\" it\\'s <y>]");
}

#define STUDY                                                                                  \
    "objective:\n  type: command\n  run: %s\n  shell: %s\n  steps: 9\n  parameters:\n"         \
    "    lr: {log: [0.001, 1]}\n    n: {int: [1, 100000000]}\n"                                \
    "    kind: {choice: [relu, 'a \"b', [1, x y, [2.50, true]], 'true', 7]}\n"                 \
    "    momentum: {float: [0, 1], when: {kind: relu}}\n"                                      \
    "search: {seed: 5}\nvalidation: {folds: 3}\noutput: /tmp/o\n"

/* Arguments, one a line, of a point. */
static void assert_arguments(const char *run, const char *shell, const double *point,
                             const char *expected)
{
    char text[2048];
    snprintf(text, sizeof text, STUDY, run, shell);
    fr_study *study = parse(text);
    const fr_objective_place place = {.threads = 3, .rank = 2, .local_rank = 1};
    fr_external *external = NULL;
    assert_int_equal(fr_external_create(study, &place, &external), FR_OK);
    const fr_task task = {.trial = 7, .fold = 2, .point = point};
    const fr_command_call call = {external, &task, "/d", "/d/p.json"};
    fr_strings arguments = {0};
    fr_text got = {0};
    assert_int_equal(fr_command_arguments(&call, &arguments), FR_OK);
    for (size_t i = 0; i < arguments.n; i++) fr_text_add(&got, "%s\n", arguments.item[i]);
    assert_string_equal(fr_text_get(&got), expected);
    fr_text_clear(&got);
    fr_strings_clear(&arguments);
    fr_external_destroy(&external);
    fr_study_destroy(&study);
}

/* In the order of the space: kind comes before momentum, which depends on it. */
static const double relu[] = {0.01, 3, 0, 0.5}, text_choice[] = {1, 1e8, 1, NAN},
                    list_choice[] = {1e-3, 4, 2, NAN};

static void values_become_arguments(void **state)
{
    (void)state;
    assert_arguments("p --lr {lr} -n {n} --kind={kind} {trial} {fold}/{folds} {steps} {rank} "
                     "{local_rank} {directory} {parameters} {gpus}",
                     "no", relu,
                     "p\n--lr\n0.01\n-n\n3\n--kind=relu\n7\n2/3\n9\n2\n1\n/d\n/d/p.json\n\n");
    assert_arguments("p {n} {kind}", "no", text_choice, "p\n100000000\na \"b\n");
    assert_arguments("p {kind}", "no", list_choice, "p\n[1, \"x y\", [2.5, true]]\n");
    /* Without a value the argument goes, and the option before it. */
    assert_arguments("p --lr {lr} --momentum {momentum} x", "no", text_choice,
                     "p\n--lr\n1\nx\n");
    assert_arguments("p --momentum={momentum} a{momentum} {lr}", "no", text_choice, "p\n1\n");
    assert_arguments("p -v=1 {momentum} x {momentum}", "no", text_choice, "p\n-v=1\nx\n");
    assert_arguments("\"p {kind} | \\\"{kind}\\\" {trial}\"", "yes", text_choice,
                     "/bin/sh\n-c\np \"${FOLDRANK_PARAM_kind}\" | \"${FOLDRANK_PARAM_kind}\" "
                     "\"${FOLDRANK_TRIAL}\"\n");
}

static bool has(const fr_strings *list, const char *entry)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->item[i], entry) == 0) return true;
    return false;
}

static size_t count_prefix(const fr_strings *list, const char *prefix)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        n += strncmp(list->item[i], prefix, strlen(prefix)) == 0;
    return n;
}

static void values_become_variables(void **state)
{
    (void)state;
    char text[2048];
    snprintf(text, sizeof text, STUDY, "p", "no");
    fr_study *study = parse(text);
    study->resources.gpus = 2;
    setenv("CUDA_VISIBLE_DEVICES", "4,5,GPU-6,7", 1);
    setenv("OMPI_COMM_WORLD_RANK", "3", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("FOLDRANK_PARAM_old", "1", 1);
    fr_objective_place place = {.threads = 3, .local_rank = 1, .local_ranks = 2};
    fr_external *external = NULL;
    assert_int_equal(fr_external_create(study, &place, &external), FR_OK);
    const fr_task task = {.trial = 7, .fold = 2, .point = text_choice};
    const fr_command_call call = {external, &task, "/d", "/d/p.json"};
    fr_strings all = {0};
    assert_int_equal(fr_command_environment(&call, &all), FR_OK);
    assert_true(has(&all, "FOLDRANK_PARAM_kind=a \"b"));
    assert_true(has(&all, "FOLDRANK_PARAM_lr=1"));
    assert_int_equal(count_prefix(&all, "FOLDRANK_PARAM_"), 3);
    assert_true(has(&all, "FOLDRANK_TRIAL=7"));
    assert_true(has(&all, "FOLDRANK_PARAMETERS=/d/p.json"));
    assert_true(has(&all, "FOLDRANK_GPUS=GPU-6,7"));
    assert_true(has(&all, "CUDA_VISIBLE_DEVICES=GPU-6,7"));
    assert_int_equal(count_prefix(&all, "CUDA_VISIBLE_DEVICES="), 1);
    assert_true(has(&all, "OMP_NUM_THREADS=3"));
    assert_int_equal(count_prefix(&all, "OMPI_COMM"), 0);
    assert_int_equal(count_prefix(&all, "OMPI_ALLOW_RUN_AS_ROOT="), 1);
    assert_int_equal(count_prefix(&all, "PATH="), 1);
    fr_strings_clear(&all);
    fr_external_destroy(&external);
    place.local_ranks = 3;
    assert_int_equal(fr_external_create(study, &place, &external), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "2 for each of 3 ranks on a node make 6"));
    fr_study_destroy(&study);
}

static void values_become_json(void **state)
{
    (void)state;
    char text[2048];
    snprintf(text, sizeof text, STUDY, "p", "no");
    fr_study *study = parse(text);
    const struct {
        double point[4];
        const char *expected;
    } cases[] = {
        {{0.01, 3, 0, 0.5},
         "{\"lr\": 0.01, \"n\": 3, \"kind\": \"relu\", \"momentum\": 0.5}\n"},
        {{0.01, 3, 1, NAN}, "{\"lr\": 0.01, \"n\": 3, \"kind\": \"a \\\"b\"}\n"},
        {{0.01, 3, 2, NAN}, "{\"lr\": 0.01, \"n\": 3, \"kind\": [1, \"x y\", [2.5, true]]}\n"},
        {{0.01, 3, 3, NAN}, "{\"lr\": 0.01, \"n\": 3, \"kind\": true}\n"},
        {{0.01, 3, 4, NAN}, "{\"lr\": 0.01, \"n\": 3, \"kind\": 7}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fr_text got = {0};
        fr_point_json(&study->space, cases[i].point, &got);
        assert_string_equal(fr_text_get(&got), cases[i].expected);
        fr_text_clear(&got);
    }
    fr_study_destroy(&study);
}

static void seeds_depend_on_the_task_alone(void **state)
{
    (void)state;
    char text[2048];
    snprintf(text, sizeof text, STUDY, "p", "no");
    fr_study *study = parse(text);
    fr_external *external = NULL;
    assert_int_equal(fr_external_create(study, &(fr_objective_place){0}, &external), FR_OK);
    const uint32_t a = fr_external_seed(external, &(fr_task){.trial = 1, .fold = 0});
    external->place.rank = 5;
    assert_int_equal(a, fr_external_seed(external, &(fr_task){.trial = 1, .fold = 0}));
    assert_int_not_equal(a, fr_external_seed(external, &(fr_task){.trial = 1, .fold = 1}));
    assert_int_not_equal(a, fr_external_seed(external, &(fr_task){.trial = 2, .fold = 0}));
    assert_true(a < 1u << 31);
    fr_external_destroy(&external);
    fr_study_destroy(&study);
}

/* ---- reports ---- */

typedef struct {
    fr_reports reports;
    fr_fold_result result;
    fr_task task;
    fr_study study;
} listener;

static void listen(listener *l, const fr_rung *rungs, size_t n)
{
    l->task = (fr_task){.rungs = rungs, .n_rungs = n};
    l->result = (fr_fold_result){.state = FR_TRIAL_COMPLETE, .score = NAN, .loss = NAN};
    fr_reports_init(&l->reports, &l->study, &l->task, &l->result);
}

static void say(listener *l, const char *line)
{
    bool understood;
    assert_int_equal(fr_reports_read(&l->reports, line, "acc", &understood), FR_OK);
}

static void assert_outcome(listener *l, fr_trial_state state, double score, uint32_t epochs,
                           uint32_t best)
{
    const bool settled = fr_reports_settle(&l->reports);
    assert_true(settled);
    assert_int_equal(l->result.state, state);
    assert_true(isnan(score) ? isnan(l->result.score) : l->result.score == score);
    assert_int_equal(l->result.epochs, epochs);
    assert_int_equal(l->result.best_epoch, best);
    fr_fold_result_clear(&l->result);
}

static void reports_make_a_curve(void **state)
{
    (void)state;
    listener l = {.study = {.maximize = true}};
    listen(&l, NULL, 0);
    say(&l, "no report: foldrank step=1 value=9");
    say(&l, "foldrank step=1 value=0.5 loss=2 time=3s");
    say(&l, "foldrank acc=0.75\tstep=4");
    say(&l, "foldrank acc=0.1 step=4"); /* another process of the same program */
    assert_int_equal(l.result.n_curve, 4);
    assert_true(l.result.curve[0] == 2 && l.result.curve[1] == 0.5);
    assert_true(isnan(l.result.curve[3]) && isnan(l.result.curve[5]));
    assert_true(isnan(l.result.curve[6]) && l.result.curve[7] == 0.75);
    assert_outcome(&l, FR_TRIAL_COMPLETE, 0.75, 4, 4);

    listen(&l, NULL, 0);
    for (int e = 0; e < 3; e++) {
        char line[64];
        snprintf(line, sizeof line, "foldrank step=%d value=%d", e, e + 5);
        say(&l, line);
    }
    say(&l, "foldrank value=4.5");
    assert_outcome(&l, FR_TRIAL_COMPLETE, 4.5, 3, 3);

    listen(&l, NULL, 0);
    say(&l, "foldrank loss=3");
    assert_false(fr_reports_settle(&l.reports));
    fr_fold_result_clear(&l.result);
}

static void assert_refused(const char *first, const char *second, fr_trial_state state,
                           const char *message)
{
    listener l = {.study = {.maximize = true}};
    listen(&l, NULL, 0);
    say(&l, first);
    if (second != NULL) say(&l, second);
    assert_int_equal(l.reports.verdict, FR_REPORT_REFUSED);
    assert_int_equal(l.result.state, state);
    assert_string_equal(l.result.message, message);
    fr_fold_result_clear(&l.result);
}

static void bad_reports_end_the_task(void **state)
{
    (void)state;
    assert_refused("foldrank step=1 value=nan", NULL, FR_TRIAL_DIVERGED,
                   "the value is nan at step 1");
    assert_refused("foldrank step=2 value=-nan", NULL, FR_TRIAL_DIVERGED,
                   "the value is nan at step 2");
    assert_refused("foldrank value=inf", NULL, FR_TRIAL_DIVERGED, "the value is inf");
    assert_refused("foldrank value=0.9,", NULL, FR_TRIAL_FAILED,
                   "the line `foldrank value=0.9,` has a number that cannot be read");
    assert_refused("foldrank step=1.5 value=1", NULL, FR_TRIAL_FAILED,
                   "the line `foldrank step=1.5 value=1` has a number that cannot be read");
    assert_refused("foldrank step=5 value=1", "foldrank step=3 value=1", FR_TRIAL_FAILED,
                   "step=3 comes after step=5");
    assert_refused("foldrank step=200000 value=1", NULL, FR_TRIAL_FAILED,
                   "step=200000 is not from 0 to 100000: count epochs, or every so many "
                   "batches");
    assert_refused("foldrank step=-1 value=1", NULL, FR_TRIAL_FAILED,
                   "step=-1 is not from 0 to 100000: count epochs, or every so many batches");
}

/* The value at a rung is the best one up to it, as in training; what is said after the decision
 * is not heard. */
static void rungs_prune(void **state)
{
    (void)state;
    const fr_rung rungs[] = {{1, 0.2}, {3, 0.6}, {9, 0.8}};
    listener l = {.study = {.maximize = true}};
    listen(&l, rungs, 3);
    say(&l, "foldrank step=1 value=0.2"); /* equal: not worse */
    say(&l, "foldrank step=2 value=0.7");
    say(&l, "foldrank step=3 value=0.1"); /* 0.7 so far */
    assert_int_equal(l.reports.verdict, FR_REPORT_GO_ON);
    say(&l, "foldrank step=10 value=0.9"); /* 0.7 at step 9 */
    assert_int_equal(l.reports.verdict, FR_REPORT_PRUNED);
    say(&l, "foldrank step=11 value=1");
    say(&l, "foldrank value=1");
    assert_outcome(&l, FR_TRIAL_PRUNED, 0.9, 10, 10);

    listen(&l, rungs, 3); /* nothing to judge by before step 5 */
    say(&l, "foldrank step=5 value=0.1");
    assert_int_equal(l.reports.verdict, FR_REPORT_GO_ON);
    fr_fold_result_clear(&l.result);

    l.study.objective.steps = 3; /* it is done: nothing is saved by ending it */
    listen(&l, rungs, 3);
    say(&l, "foldrank step=3 value=0.1");
    assert_outcome(&l, FR_TRIAL_COMPLETE, 0.1, 3, 3);

    l.study = (fr_study){.maximize = false};
    listen(&l, rungs, 3);
    say(&l, "foldrank step=1 value=0.3");
    assert_outcome(&l, FR_TRIAL_PRUNED, 0.3, 1, 1);
}

static void patience_keeps_the_best(void **state)
{
    (void)state;
    listener l = {.study = {.maximize = true,
                            .prune_methods = FR_PRUNE_PATIENCE,
                            .pruning = {.patience = 2, .first_epoch = 4}}};
    listen(&l, NULL, 0);
    const double values[] = {0.5, 0.4, 0.3, 0.2};
    for (int e = 0; e < 4; e++) {
        char line[64];
        snprintf(line, sizeof line, "foldrank step=%d value=%g", e + 1, values[e]);
        assert_int_equal(l.reports.verdict, FR_REPORT_GO_ON);
        say(&l, line);
    }
    assert_int_equal(l.reports.verdict, FR_REPORT_ENOUGH);
    assert_outcome(&l, FR_TRIAL_COMPLETE, 0.5, 4, 1);
}

/* ---- the log ---- */

static void logs_are_bounded(void **state)
{
    (void)state;
    char path[] = "/tmp/fr_log_XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    fr_task_log log;
    assert_int_equal(fr_task_log_open(path, &log), FR_OK);
    char line[32];
    const size_t lines = 400000;
    for (size_t i = 0; i < lines; i++) {
        const int n = snprintf(line, sizeof line, "%09zu\n", i);
        fr_task_log_add(&log, line, (size_t)n);
    }
    fr_task_log_close(&log, "the end\n");
    FILE *file = fopen(path, "r");
    char *all = calloc(1, 2 << 20);
    const size_t n = fread(all, 1, 2 << 20, file);
    fclose(file);
    unlink(path);
    const char *gap = strstr(all, "\n[foldrank: ");
    assert_non_null(gap);
    assert_int_equal(gap - all, FR_TASK_LOG_HEAD);
    char expected[64];
    snprintf(expected, sizeof expected, "\n[foldrank: %d bytes left out]\n",
             (int)lines * 10 - FR_TASK_LOG_HEAD - FR_TASK_LOG_TAIL);
    assert_int_equal(strncmp(gap, expected, strlen(expected)), 0);
    assert_int_equal(n, FR_TASK_LOG_HEAD + strlen(expected) + FR_TASK_LOG_TAIL + 8);
    assert_string_equal(all + n - 18, "000399999\nthe end\n");
    assert_int_equal(strncmp(gap + strlen(expected) + 5, "\n000393447\n", 11), 0);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_before_values_come),
        cmocka_unit_test(values_become_arguments),
        cmocka_unit_test(values_become_variables),
        cmocka_unit_test(values_become_json),
        cmocka_unit_test(seeds_depend_on_the_task_alone),
        cmocka_unit_test(reports_make_a_curve),
        cmocka_unit_test(bad_reports_end_the_task),
        cmocka_unit_test(rungs_prune),
        cmocka_unit_test(patience_keeps_the_best),
        cmocka_unit_test(logs_are_bounded),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
