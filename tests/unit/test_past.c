/* SPDX-License-Identifier: BSD-3-Clause */
/* test_past.c - learning from earlier studies: what their configurations are in today's space,
 * which scores compare, what a sampler sees, and what the journal keeps of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/search/internal.h"
#include "../../src/store/internal.h"
#include "foldrank/directory.h"
#include "foldrank/search.h"
#include "store_fixture.h"

static fr_study *parse(const char *text)
{
    fr_study *study = NULL;
    if (fr_study_parse(text, "study.yaml", NULL, 0, &study) != FR_OK)
        fail_msg("%s\n%s", fr_status_message(), text);
    return study;
}

/* ---- configurations ---- */

#define HEAD "data: {path: d.csv, target: y, task: classification}\n"

/* The point there, given as numbers, is this text here; NULL: outside. */
static void assert_translated(const char *there_text, const double *from, const char *here_text,
                              const char *expected)
{
    fr_study *there = parse(there_text), *here = parse(here_text);
    double to[16];
    fr_text text = {0};
    assert_true(here->space.n <= 16);
    assert_int_equal(fr_space_check(&there->space, from), FR_OK);
    const fr_rng rng = fr_rng_make(1, FR_RNG_PAST, 0, 0, 0);
    const bool inside = fr_study_translate(there, from, rng, here, to);
    assert_int_equal(inside, expected != NULL);
    if (inside) {
        assert_int_equal(fr_space_check(&here->space, to), FR_OK);
        fr_space_format(&here->space, to, &text);
        assert_string_equal(fr_text_get(&text), expected);
    }
    fr_text_clear(&text);
    fr_study_destroy(&there);
    fr_study_destroy(&here);
}

#define SOFTMAX HEAD "models: {softmax: {}}\n"

static void ranges_and_grids_decide(void **state)
{
    (void)state;
    const char *there =
        SOFTMAX "train: {learning_rate: {log: [1e-4, 1]}, epochs: {int: [1, 50]}}\n";
    const double from[] = {0.01, 20};
    assert_translated(there, from, there, "learning_rate=0.01 epochs=20");
    assert_translated(there, from, SOFTMAX "train: {learning_rate: {log: [1e-3, 0.01]}}\n",
                      "learning_rate=0.01");
    assert_translated(there, from, SOFTMAX "train: {learning_rate: {log: [0.02, 1]}}\n", NULL);
    assert_translated(there, from, SOFTMAX "train: {epochs: {int: [10, 50], step: 10}}\n",
                      "epochs=20");
    assert_translated(there, from, SOFTMAX "train: {epochs: {int: [1, 51], step: 10}}\n", NULL);
    assert_translated(there, from, SOFTMAX "train: {epochs: {choice: [10, 20]}}\n",
                      "epochs=20");
    assert_translated(there, from, SOFTMAX "train: {learning_rate: {choice: [1e-2, 0.1]}}\n",
                      "learning_rate=0.01");
}

static void fixed_settings_have_their_value(void **state)
{
    (void)state;
    const char *there = SOFTMAX "train: {learning_rate: {log: [1e-4, 1]}, epochs: 30}\n";
    const double from[] = {0.5};
    /* Fixed there and searched here: the value that it had, also when it was the default. */
    assert_translated(there, from,
                      SOFTMAX "train: {epochs: {int: [10, 40]}, momentum: {float: [0, 0.9]}}\n",
                      "momentum=0 epochs=30");
    assert_translated(there, from, SOFTMAX "train: {epochs: {int: [40, 90]}}\n", NULL);
    /* Fixed here: whatever it was there. */
    assert_translated(there, from,
                      SOFTMAX "train: {learning_rate: 0.1, batch_size: {choice: [32, 64]}}\n",
                      "batch_size=32");
}

static void families_are_kept_apart(void **state)
{
    (void)state;
    const char *both = HEAD "models: {softmax: {l2: {log: [1e-6, 1]}}, mlp: {hidden: {choice: "
                            "[[16], [64, 32]]}}}\n";
    const double softmax[] = {0, 0.5, NAN}, mlp[] = {1, NAN, 1};
    assert_translated(both, softmax, both, "model=softmax softmax.l2=0.5");
    assert_translated(both, mlp, both, "model=mlp mlp.hidden=[64, 32]");
    const char *only = HEAD "models: {mlp: {hidden: {choice: [[8], [64, 32]]}}}\n";
    assert_translated(both, mlp, only, "mlp.hidden=[64, 32]");
    assert_translated(both, softmax, only, NULL);
    assert_translated(both, softmax, HEAD "models: {mlp: {dropout: {float: [0, 0.5]}}}\n",
                      NULL);
    const double eight[] = {0}, large[] = {1};
    assert_translated(only, large, both, "model=mlp mlp.hidden=[64, 32]");
    assert_translated(only, eight, both, NULL); /* no choice of today */
    /* A family's own setting here has what that family used there. */
    const double rate[] = {0.25};
    assert_translated(HEAD "models: {mlp: {}}\ntrain: {learning_rate: {float: [0.1, 1]}}\n",
                      rate,
                      HEAD "models: {mlp: {learning_rate: {float: [0, 1]}}, softmax: {}}\n",
                      "model=mlp mlp.learning_rate=0.25");
}

#define FUNCTION "objective: {type: function, function: sphere, parameters: {"

static void an_objective_knows_its_parameters_only(void **state)
{
    (void)state;
    const char *there = FUNCTION "x: {float: [-1, 1]}, kind: {choice: [a, b c]}}}\n";
    const double from[] = {0.25, 1};
    assert_translated(there, from, FUNCTION "kind: {choice: [b c, d]}, x: {float: [0, 1]}}}\n",
                      "kind=\"b c\" x=0.25");
    assert_translated(there, from, FUNCTION "x: {float: [0.5, 1]}}}\n", NULL);
    assert_translated(there, from, FUNCTION "kind: {choice: [d, e]}, x: {float: [0, 1]}}}\n",
                      NULL);
    /* What it did not know is drawn, here from one value. */
    assert_translated(there, from, FUNCTION "x: {float: [0, 1]}, new: {choice: [seven]}}}\n",
                      "x=0.25 new=seven");
}

static void unknown_parameters_are_spread(void **state)
{
    (void)state;
    fr_study *there = parse(FUNCTION "x: {float: [-1, 1]}}}\n");
    fr_study *here = parse(FUNCTION "x: {float: [-1, 1]}, new: {float: [0, 1]}}}\n");
    enum { N = 400 };
    double sum = 0, squares = 0;
    for (uint64_t t = 0; t < N; t++) {
        const double from[] = {0.5};
        double to[2];
        assert_true(
            fr_study_translate(there, from, fr_rng_make(1, FR_RNG_PAST, t, 0, 0), here, to));
        assert_true(to[0] == 0.5);
        sum += to[1];
        squares += to[1] * to[1];
    }
    assert_true(fabs(sum / N - 0.5) < 4 * sqrt(1.0 / 12 / N));
    assert_true(fabs(squares / N - 1.0 / 3) < 0.06);
    fr_study_destroy(&there);
    fr_study_destroy(&here);
}

/* ---- files ---- */

/* Write dir/NAME/results.h5: the trials of fixture_history over the fixture's study. */
static void write_earlier(const char *name, const char *override, uint64_t data, size_t n)
{
    fr_study *study = fixture_study(override);
    fr_history *history = fixture_history(study, n);
    const fr_results results = {
        .study = study, .history = history, .test_score = NAN, .data_fingerprint = data};
    char dir[256];
    snprintf(dir, sizeof dir, "%s", fixture_path(name));
    assert_int_equal(fr_make_dir(dir), FR_OK);
    assert_int_equal(fr_results_write(dir, &results), FR_OK);
    fr_history_destroy(&history);
    fr_study_destroy(&study);
}

/* The fixture's study with search.warm_start of n names and perhaps one override more. */
static fr_study *study_after(const char *const names[], size_t n, const char *more)
{
    fr_study *study = NULL;
    fr_text list = {0};
    fr_text_add(&list, "search.warm_start=[");
    for (size_t i = 0; i < n; i++)
        fr_text_add(&list, "%s%s", i > 0 ? ", " : "", fixture_path(names[i]));
    fr_text_add(&list, "]");
    const char *const overrides[] = {list.data, "search.method=tpe", more};
    if (fr_study_parse(STUDY_TEXT, "fixture.yaml", overrides, more == NULL ? 2 : 3, &study) !=
        FR_OK)
        fail_msg("%s", fr_status_message());
    fr_text_clear(&list);
    return study;
}

static void trials_become_observations(void **state)
{
    (void)state;
    enum { N = 30 };
    static const char *const names[] = {"old"};
    write_earlier("old", NULL, 7, N);
    fr_study *study = study_after(names, 1, NULL);
    fr_history *history = fixture_history(study, N);
    fr_past past;
    assert_int_equal(fr_past_read(study, 7, &past), FR_OK);
    size_t n = 0;
    for (size_t t = 0; t < N; t++) {
        const fr_trial *trial = &history->trials[t];
        const bool scored = trial->state == FR_TRIAL_COMPLETE;
        if (!scored && trial->state != FR_TRIAL_PRUNED && trial->state != FR_TRIAL_DIVERGED)
            continue;
        assert_true(n < past.n);
        assert_true(
            fr_space_equal(&study->space, past.points + n * past.n_params, trial->point));
        assert_same_bits(past.scores[n], scored ? trial->score_mean : (double)NAN);
        assert_int_equal(past.groups[n], 0);
        n++;
    }
    assert_int_equal(past.n, n);
    assert_true(n > N / 2);
    fr_past_clear(&past);
    fr_history_destroy(&history);
    fr_study_destroy(&study);
}

static void trials_outside_are_left_out(void **state)
{
    (void)state;
    static const char *const names[] = {"old"};
    write_earlier("old", NULL, 7, 60);
    fr_study *all = study_after(names, 1, NULL);
    fr_study *some = study_after(names, 1, "train.optimizer=adam");
    fr_study *half = study_after(names, 1, "train.epochs={int: [2, 20]}");
    fr_past past, few;
    assert_int_equal(fr_past_read(all, 7, &past), FR_OK);
    assert_int_equal(fr_past_read(half, 7, &few), FR_OK);
    const size_t epochs = fr_space_find(&all->space, "epochs");
    size_t expected = 0;
    for (size_t i = 0; i < past.n; i++)
        expected += past.points[i * past.n_params + epochs] <= 20;
    assert_int_equal(few.n, expected);
    assert_true(few.n > 0 && few.n < past.n);
    fr_past_clear(&few);
    assert_int_equal(fr_past_read(some, 7, &few), FR_OK);
    assert_int_equal(few.n, past.n); /* fixed today: not looked at */
    fr_past_clear(&few);
    fr_past_clear(&past);
    fr_study_destroy(&all);
    fr_study_destroy(&some);
    fr_study_destroy(&half);
}

static void other_data_are_another_group(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "a", "c", "a"};
    static const uint32_t groups[] = {1, 0, 1, 0};
    write_earlier("a", NULL, 7, 3);
    write_earlier("b", NULL, 8, 3);
    write_earlier("c", "search.seed=3", 8, 3);
    fr_study *study = study_after(names, 4, NULL);
    fr_past past;
    assert_int_equal(fr_past_read(study, 7, &past), FR_OK);
    assert_int_equal(past.n, 12);
    assert_int_equal(past.n_groups, 2);
    for (size_t i = 0; i < past.n; i++) assert_int_equal(past.groups[i], groups[i / 3]);
    fr_past_clear(&past);
    fr_study_destroy(&study);
}

static void files_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"loss", "nowhere"};
    fr_past past;
    write_earlier("loss", "metric=log_loss", 7, 3);
    fr_study *study = study_after(names, 1, NULL);
    assert_int_equal(fr_past_read(study, 7, &past), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "metric log_loss (less is better)"));
    assert_non_null(strstr(fr_status_message(), "this study has accuracy (more is better)"));
    fr_past_clear(&past);
    fr_study_destroy(&study);
    study = study_after(names + 1, 1, NULL);
    assert_int_equal(fr_past_read(study, 7, &past), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "nowhere"));
    fr_past_clear(&past);
    fr_study_destroy(&study);
    fixture_write("nowhere", "this is no HDF5 file", 20);
    study = study_after(names + 1, 1, NULL);
    assert_int_equal(fr_past_read(study, 7, &past), FR_ERR_DATA);
    fr_past_clear(&past);
    fr_study_destroy(&study);
}

/* Objectives are matched by name and direction, whatever their order and whatever more there is
 * over there. */
static void several_objectives_are_matched(void **state)
{
    (void)state;
    const char *there_text = "objective: {type: function, function: dtlz2, scores: [a, b, c], "
                             "parameters: {x: {float: [0, 1]}, y: {float: [0, 1]}, z: {float: "
                             "[0, 1]}}}\n";
    fr_study *there = parse(there_text);
    fr_history *history = NULL;
    assert_int_equal(fr_history_create(&there->space, 1, false, &history), FR_OK);
    fr_history_set_goals(history, (bool[]){false, false, false}, 3);
    for (uint64_t t = 0; t < 4; t++) {
        const double point[] = {0.1 * (double)t, 0.5, 0.5};
        fr_fold_result r = {.trial = t,
                            .state = t == 2 ? FR_TRIAL_DIVERGED : FR_TRIAL_COMPLETE,
                            .score = 1,
                            .n_more = 2,
                            .more = {2, 30 + (double)t}};
        assert_int_equal(fr_history_add_trial(history, point), FR_OK);
        assert_int_equal(fr_history_add_fold(history, &r), FR_OK);
    }
    char dir[256], text[512];
    snprintf(dir, sizeof dir, "%s", fixture_path("front"));
    assert_int_equal(fr_make_dir(dir), FR_OK);
    const fr_results results = {.study = there, .history = history, .test_score = NAN};
    assert_int_equal(fr_results_write(dir, &results), FR_OK);
    static const char *const scores[] = {"[c, a]", "[c, d]"};
    for (int i = 0; i < 2; i++) {
        fr_past past;
        snprintf(text, sizeof text,
                 "objective: {type: function, function: zdt1, scores: %s, parameters: {x: "
                 "{float: [0, 1]}, y: {float: [0, 1]}, z: {float: [0, 1]}}}\n"
                 "search: {method: tpe, warm_start: [%s]}\n",
                 scores[i], dir);
        fr_study *here = parse(text);
        assert_int_equal(fr_past_read(here, 0, &past), i == 0 ? FR_OK : FR_ERR_USAGE);
        if (i == 1) assert_non_null(strstr(fr_status_message(), "d (less is better)"));
        for (size_t t = 0; i == 0 && t < 4; t++) {
            const double *got = past.scores + 2 * t;
            assert_same_bits(got[0], t == 2 ? (double)NAN : 30 + (double)t);
            assert_same_bits(got[1], t == 2 ? (double)NAN : 1);
        }
        assert_int_equal(past.n, i == 0 ? 4 : 0);
        if (i == 0) assert_int_equal(past.groups[0], 1); /* another function */
        fr_past_clear(&past);
        fr_study_destroy(&here);
    }
    fr_history_destroy(&history);
    fr_study_destroy(&there);
}

/* ---- the journal ---- */

static void open_journal(const fr_study *study, fr_history **history, fr_journal **journal)
{
    double elapsed_s;
    assert_int_equal(fr_history_create(&study->space, FIXTURE_FOLDS, study->maximize, history),
                     FR_OK);
    if (fr_journal_open(fixture_dir, study, 7, *history, &elapsed_s, journal) != FR_OK)
        fail_msg("%s", fr_status_message());
}

static void the_journal_keeps_what_was_there(void **state)
{
    (void)state;
    static const char *const names[] = {"old"};
    write_earlier("old", NULL, 7, 20);
    fr_study *study = study_after(names, 1, NULL);
    fr_history *history = NULL;
    fr_journal *journal = NULL;
    fr_past past;
    assert_int_equal(fr_past_read(study, 7, &past), FR_OK);
    assert_false(fr_journal_exists(fixture_dir));
    for (int run = 0; run < 3; run++) {
        open_journal(study, &history, &journal);
        assert_true(fr_journal_exists(fixture_dir));
        const fr_past *kept = fr_journal_past(journal);
        assert_int_equal(kept->n, past.n);
        assert_int_equal(kept->n_groups, 1);
        assert_memory_equal(kept->scores, past.scores, past.n * sizeof *past.scores);
        assert_memory_equal(kept->points, past.points,
                            past.n * past.n_params * sizeof *past.points);
        assert_int_equal(fr_journal_close(&journal), FR_OK);
        fr_history_destroy(&history);
        /* Then another file is there, then none. */
        if (run == 0) write_earlier("old", NULL, 7, 5);
        if (run == 1) assert_int_equal(unlink(fixture_path("old/results.h5")), 0);
    }
    fr_past_clear(&past);
    fr_study_destroy(&study);
}

static void damage_of_what_was_learned_from_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"old"};
    size_t size;
    uint32_t length;
    write_earlier("old", NULL, 7, 2);
    fr_study *study = study_after(names, 1, NULL);
    fr_history *history = NULL;
    fr_journal *journal = NULL;
    open_journal(study, &history, &journal);
    assert_int_equal(fr_journal_close(&journal), FR_OK);
    fr_history_destroy(&history);
    unsigned char *bytes = fixture_read("journal.bin", &size);
    memcpy(&length, bytes + 12, 4);
    for (size_t at = 20 + (size_t)length; at < size - 25; at++) {
        double elapsed_s;
        bytes[at] ^= 0x55;
        fixture_write("journal.bin", bytes, size);
        bytes[at] ^= 0x55;
        assert_int_equal(
            fr_history_create(&study->space, FIXTURE_FOLDS, study->maximize, &history), FR_OK);
        assert_int_equal(fr_journal_open(fixture_dir, study, 7, history, &elapsed_s, &journal),
                         FR_ERR_FORMAT);
        fr_history_destroy(&history);
    }
    free(bytes);
    fr_study_destroy(&study);
}

static void broken_bytes_do_no_harm(void **state)
{
    (void)state;
    fr_study *study = parse(FUNCTION "x: {float: [-1, 1]}, kind: {choice: [a, b]}}}\n");
    fr_past past = {.n_params = 2, .n_goals = 1}, back;
    fr_pack pack = {0};
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(fr_past_add(&past, (double[]){0.5, i % 2},
                                     &(double){i == 1 ? (double)NAN : 2.0}, i),
                         FR_OK);
    assert_int_equal(past.n_groups, 3);
    fr_past_pack(&past, &pack);
    for (size_t n = 0; n <= pack.size; n++) {
        unsigned char *copy = malloc(n + 1);
        memcpy(copy, pack.data, n);
        fr_unpack in = fr_unpack_make(copy, n);
        assert_int_equal(fr_past_unpack(&in, &study->space, 1, &back),
                         n == pack.size ? FR_OK : FR_ERR_FORMAT);
        fr_past_clear(&back);
        free(copy);
    }
    for (size_t i = 0; i < pack.size; i++) {
        pack.data[i] ^= 0xFF;
        fr_unpack in = fr_unpack_make(pack.data, pack.size);
        const fr_status st = fr_past_unpack(&in, &study->space, 1, &back);
        assert_true(st == FR_OK || st == FR_ERR_FORMAT);
        fr_past_clear(&back);
        pack.data[i] ^= 0xFF;
    }
    fr_pack_clear(&pack);
    fr_past_clear(&past);
    fr_study_destroy(&study);
}

/* ---- what a sampler sees ---- */

#define SPHERE FUNCTION "x: {float: [-1, 1]}, y: {float: [-1, 1]}, z: {float: [-1, 1]}}}\n"

static double sphere(const double *x, double shift)
{
    double sum = 0;
    for (int j = 0; j < 3; j++) sum += (x[j] - 0.3) * (x[j] - 0.3);
    return sum + shift;
}

static void file_trial(fr_history *history, const double *point, double score)
{
    fr_fold_result r = {.trial = history->n, .state = FR_TRIAL_COMPLETE, .score = score};
    assert_int_equal(fr_history_add_trial(history, point), FR_OK);
    assert_int_equal(fr_history_add_fold(history, &r), FR_OK);
}

/* Best score of the first `n` trials; the points of all are in *history. */
static double best_of(const fr_study *study, const fr_past *past, size_t n,
                      fr_history **history)
{
    fr_search *search = NULL;
    fr_search_options options = study->search;
    options.trials = (int64_t)n;
    double best = INFINITY, point[3];
    assert_int_equal(fr_history_create(&study->space, 1, false, history), FR_OK);
    assert_int_equal(fr_search_create(&study->space, &options, NULL, 0, &search), FR_OK);
    if (past != NULL) fr_search_set_past(search, past);
    for (size_t t = 0; t < n; t++) {
        bool found = false;
        assert_int_equal(fr_search_suggest(search, *history, point, &found), FR_OK);
        assert_true(found);
        file_trial(*history, point, sphere(point, 0));
        best = fmin(best, sphere(point, 0));
    }
    fr_search_destroy(&search);
    return best;
}

/* n random points of the space with their scores times `scale` plus `shift`. */
static fr_past make_past(const fr_study *study, size_t n, double scale, double shift,
                         uint32_t group)
{
    fr_past past = {.n_params = 3, .n_goals = 1};
    for (size_t i = 0; i < n; i++) {
        double point[3];
        fr_rng rng = fr_rng_make(77, FR_RNG_NOISE, i, 0, 0);
        fr_space_draw(&study->space, &rng, point);
        assert_int_equal(
            fr_past_add(&past, point, &(double){scale * sphere(point, 0) + shift}, group),
            FR_OK);
    }
    return past;
}

static bool same_points(const fr_history *a, const fr_history *b)
{
    bool same = a->n == b->n;
    for (size_t t = 0; t < a->n && same; t++)
        same = fr_space_equal(a->space, a->trials[t].point, b->trials[t].point);
    return same;
}

static void set_method(fr_study *study, const char *word)
{
    const fr_option *row =
        fr_option_find(fr_search_option_table, fr_search_option_count, "method");
    assert_int_equal(fr_option_set(row, word, &study->search), FR_OK);
}

/* Twelve trials after eighty earlier ones are better than twelve from nothing, also when
 * the earlier ones are of other data with other units. */
static void samplers_learn_from_it(void **state)
{
    (void)state;
    static const char *const methods[] = {"tpe", "gp", "auto"};
    fr_study *study = parse(SPHERE);
    study->search.concurrency = 1;
    for (size_t m = 0; m < 3; m++) {
        set_method(study, methods[m]);
        double cold = 0, warm = 0, foreign = 0;
        for (int64_t seed = 0; seed < 3; seed++) {
            fr_history *a, *b, *c;
            fr_past same = make_past(study, 80, 1, 0, 0),
                    other = make_past(study, 80, 50, -900, 1);
            study->search.seed = seed;
            cold += log(best_of(study, NULL, 12, &a)) / 3;
            warm += log(best_of(study, &same, 12, &b)) / 3;
            foreign += log(best_of(study, &other, 12, &c)) / 3;
            assert_false(same_points(a, b));
            fr_history_destroy(&a);
            fr_history_destroy(&b);
            fr_history_destroy(&c);
            fr_past_clear(&same);
            fr_past_clear(&other);
        }
        if (warm > cold - 1 || foreign > cold - 1)
            fail_msg("%s: mean log best %.2f, warm %.2f, from other data %.2f", methods[m],
                     cold, warm, foreign);
    }
    fr_study_destroy(&study);
}

/* Nothing to learn from, and methods that do not learn: the same suggestions as ever. */
static void without_it_nothing_changes(void **state)
{
    (void)state;
    fr_study *study = parse(SPHERE);
    for (int m = 0; fr_search_methods[m] != NULL; m++) {
        if (strcmp(fr_search_methods[m], "grid") == 0) continue;
        fr_history *a, *b;
        fr_past none = {.n_params = 3, .n_goals = 1}, some = make_past(study, 50, 1, 0, 0);
        study->search.method = m;
        best_of(study, NULL, 25, &a);
        best_of(study, fr_search_method_learns(m) ? &none : &some, 25, &b);
        assert_true(same_points(a, b));
        fr_history_destroy(&a);
        fr_history_destroy(&b);
        fr_past_clear(&some);
    }
    fr_study_destroy(&study);
}

/* A linear change of the units of another data set's scores changes no suggestion; of the own
 * group's it does. To rounding, which the numbers here do not show. */
static void groups_compare_in_standard_deviations(void **state)
{
    (void)state;
    fr_study *study = parse(SPHERE);
    set_method(study, "tpe");
    for (uint32_t group = 0; group < 2; group++) {
        fr_history *a, *b;
        fr_past one = make_past(study, 60, 1, 0, group),
                scaled = make_past(study, 60, 4, 64, group);
        best_of(study, &one, 30, &a);
        best_of(study, &scaled, 30, &b);
        assert_int_equal(same_points(a, b), group == 1);
        fr_history_destroy(&a);
        fr_history_destroy(&b);
        fr_past_clear(&one);
        fr_past_clear(&scaled);
    }
    fr_study_destroy(&study);
}

/* The view against the definition, and that results beyond the visible ones do not matter. */
static void the_view_standardises_what_is_visible(void **state)
{
    (void)state;
    fr_study *study = parse(SPHERE);
    fr_history *own = NULL;
    fr_past past = {.n_params = 3, .n_goals = 1};
    const double p[] = {0, 0, 0};
    const double own_scores[] = {10, 14, 12, 500}, other[] = {1, 2, 6};
    assert_int_equal(fr_past_add(&past, p, &(double){8}, 0), FR_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(fr_past_add(&past, p, &other[i], 1), FR_OK);
    assert_int_equal(fr_past_add(&past, p, &(double){NAN}, 1), FR_OK);
    assert_int_equal(fr_history_create(&study->space, 1, false, &own), FR_OK);
    for (int i = 0; i < 4; i++) file_trial(own, p, own_scores[i]);
    fr_view view = {.past = &past};
    assert_int_equal(fr_view_update(&view, own, 3), FR_OK);
    assert_int_equal(view.history.n, 9);
    assert_int_equal(view.history.settled, 9);
    /* group 0: 8, 10, 14, 12: mean 11, sd sqrt(20/3); group 1: 1, 2, 6: mean 3, sd sqrt(7) */
    const double expected[] = {
        -3 / sqrt(20.0 / 3), -2 / sqrt(7.0),     -1 / sqrt(7.0),    3 / sqrt(7.0), NAN,
        -1 / sqrt(20.0 / 3), 3 / sqrt(20.0 / 3), 1 / sqrt(20.0 / 3)};
    for (int i = 0; i < 8; i++) {
        const double got = view.history.trials[i].score_mean;
        assert_true(isnan(expected[i]) ? isnan(got) : fabs(got - expected[i]) < 1e-14);
    }
    assert_int_equal(view.history.trials[4].state, FR_TRIAL_PRUNED);
    assert_true(own->trials[0].score_mean == 10);
    fr_view_clear(&view);
    fr_past_clear(&past);
    fr_history_destroy(&own);
    fr_study_destroy(&study);
}

static void it_must_be_of_use(void **state)
{
    (void)state;
    fr_study *study = NULL;
    const char *text = SPHERE "search: {method: sobol, warm_start: [old]}\n";
    assert_int_equal(fr_study_parse(text, "s.yaml", NULL, 0, &study), FR_ERR_USAGE);
    assert_string_equal(fr_status_message(),
                        "s.yaml:2: search.warm_start has no effect with method sobol, which "
                        "learns nothing from earlier studies");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_and_grids_decide),
        cmocka_unit_test(fixed_settings_have_their_value),
        cmocka_unit_test(families_are_kept_apart),
        cmocka_unit_test(an_objective_knows_its_parameters_only),
        cmocka_unit_test(unknown_parameters_are_spread),
        T(trials_become_observations),
        T(trials_outside_are_left_out),
        T(other_data_are_another_group),
        T(files_that_do_not_fit_are_refused),
        T(several_objectives_are_matched),
        T(the_journal_keeps_what_was_there),
        T(damage_of_what_was_learned_from_is_an_error),
        cmocka_unit_test(broken_bytes_do_no_harm),
        cmocka_unit_test(samplers_learn_from_it),
        cmocka_unit_test(without_it_nothing_changes),
        cmocka_unit_test(groups_compare_in_standard_deviations),
        cmocka_unit_test(the_view_standardises_what_is_visible),
        cmocka_unit_test(it_must_be_of_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
