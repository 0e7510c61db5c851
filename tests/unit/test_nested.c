/* SPDX-License-Identifier: BSD-3-Clause */
/* test_nested.c - nested cross-validation in its parts: folds of the rows without an outer
 * fold, sums over the outer folds, their records in the journal and their part of the results.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "foldrank/folds.h"
#include "foldrank/nested.h"
#include "foldrank/store.h"
#include "store_fixture.h"

/* ---- folds ---- */

enum { ROWS = 60, GROUPS = 12 };

static float y[ROWS];
static int32_t group[ROWS], fold_of[ROWS];
static char *classes[2] = {"a", "b"};

static fr_dataset make_rows(void)
{
    fr_dataset set = {.y = y, .group = group, .fold = fold_of};
    set.schema.rows = ROWS;
    set.schema.learn = FR_LEARN_CLASSIFICATION;
    set.schema.n_classes = 2;
    set.schema.classes = classes;
    for (size_t r = 0; r < ROWS; r++) {
        y[r] = (float)(r % 3 == 0);
        group[r] = (int32_t)(r % GROUPS);
        fold_of[r] = (int32_t)(r % 4);
    }
    return set;
}

static fr_validation_options scheme_of(int scheme)
{
    fr_validation_options o = {0};
    assert_int_equal(
        fr_option_defaults(fr_validation_option_table, fr_validation_option_count, &o), FR_OK);
    o.scheme = scheme;
    o.folds = 3;
    return o;
}

/* 'o' outer fold, 't' training or 'v' validation of inner fold `inner`, '-' neither. */
static void mark_rows(const fr_folds *folds, uint32_t inner, char mark[ROWS])
{
    uint32_t *train = NULL, *valid = NULL;
    size_t n_train = 0, n_valid = 0, n_test = 0;
    const uint32_t *test = fr_folds_test_rows(folds, &n_test);
    memset(mark, '-', ROWS);
    for (size_t i = 0; i < n_test; i++) mark[test[i]] = 'o';
    assert_int_equal(fr_folds_get(folds, inner, &train, &n_train, &valid, &n_valid), FR_OK);
    for (size_t i = 0; i < n_train; i++) {
        assert_int_equal(mark[train[i]], '-');
        mark[train[i]] = 't';
    }
    for (size_t i = 0; i < n_valid; i++) {
        assert_int_equal(mark[valid[i]], '-');
        mark[valid[i]] = 'v';
    }
    free(train);
    free(valid);
}

static void inner_folds_never_have_rows_of_the_outer_one(void **state)
{
    (void)state;
    const fr_dataset set = make_rows();
    const fr_test_options none = {0};
    for (int scheme = FR_SCHEME_KFOLD; scheme <= FR_SCHEME_HOLDOUT; scheme++) {
        const fr_validation_options options = scheme_of(scheme);
        const fr_nested_options nested = {.outer_folds = 4, .seed = 2};
        size_t times[ROWS] = {0};
        fr_folds *folds = NULL;
        assert_int_equal(fr_folds_create(&set, &none, &options, &folds), FR_OK);
        for (uint32_t k = 0; k < 4; k++) {
            fr_folds *without = NULL;
            assert_int_equal(fr_folds_create_outer(folds, &set, &nested, k, &without), FR_OK);
            for (uint32_t f = 0; f < fr_folds_count(without); f++) {
                char mark[ROWS];
                mark_rows(without, f, mark);
                for (size_t r = 0; r < ROWS; r++) {
                    if (mark[r] == 'o' && f == 0) times[r]++;
                    for (size_t q = r; scheme == FR_SCHEME_GROUP_KFOLD && q < ROWS; q += GROUPS)
                        assert_int_equal(mark[q], mark[r]);
                    if (scheme == FR_SCHEME_COLUMN)
                        assert_int_equal(mark[r] == 'o', (uint32_t)fold_of[r] == k);
                    if (scheme == FR_SCHEME_TIME_SERIES && r > 0 && mark[r] == 't')
                        assert_int_equal(mark[r - 1], 't');
                }
            }
            fr_folds_destroy(&without);
        }
        fr_folds_destroy(&folds);
        const bool drawn = scheme == FR_SCHEME_SHUFFLE_SPLIT || scheme == FR_SCHEME_HOLDOUT;
        for (size_t r = 0; r < ROWS && !drawn && scheme != FR_SCHEME_TIME_SERIES; r++)
            assert_int_equal(times[r], 1); /* each row is judged on once */
    }
}

static void what_is_too_few_names_the_outer_fold(void **state)
{
    (void)state;
    const fr_dataset set = make_rows();
    const fr_test_options none = {0};
    fr_validation_options options = scheme_of(FR_SCHEME_STRATIFIED_KFOLD);
    options.folds = 20; /* as many as the smaller class has rows */
    fr_folds *folds = NULL, *without = NULL;
    assert_int_equal(fr_folds_create(&set, &none, &options, &folds), FR_OK);
    const fr_nested_options nested = {.outer_folds = 2};
    assert_int_equal(fr_folds_create_outer(folds, &set, &nested, 1, &without), FR_ERR_DATA);
    assert_null(without);
    assert_non_null(
        strstr(fr_status_message(), "nested.outer_folds 2: without outer fold 1: class"));
    fr_folds_destroy(&folds);
}

/* ---- sums ---- */

static fr_nested make_nested(const fr_space *space, const double *scores, size_t n)
{
    fr_nested nested;
    assert_int_equal(fr_nested_create(n, &nested), FR_OK);
    for (size_t k = 0; k < n; k++) {
        fr_outer_fold *fold = &nested.folds[k];
        if (isnan(scores[k])) continue;
        fr_rng rng = fr_rng_make(k, FR_RNG_SUGGEST, 3, 0, 0);
        *fold = (fr_outer_fold){.state = FR_TRIAL_COMPLETE,
                                .score = scores[k],
                                .more = {NAN, NAN, NAN},
                                .search_score = scores[k] + 0.25,
                                .chosen = 10 + k,
                                .trials = 20,
                                .fits = 61,
                                .train_rows = 40,
                                .test_rows = 20,
                                .seconds = 1.5,
                                .point = fr_alloc(space->n, sizeof(double))};
        fr_space_draw(space, &rng, fold->point);
    }
    return nested;
}

static void sums_are_of_the_complete_folds(void **state)
{
    (void)state;
    fr_study *study = fixture_study(NULL);
    const double scores[] = {0.5, 0.75, NAN, 1.0};
    fr_nested nested = make_nested(&study->space, scores, 4);
    const fr_nested_summary s = fr_nested_summarize(&nested, 0);
    assert_int_equal(s.n_complete, 3);
    assert_int_equal(s.n_pending, 1);
    assert_true(s.mean == 0.75 && s.low == 0.5 && s.high == 1.0 && s.search_score == 1.0);
    assert_true(fabs(s.sd - 0.25) < 1e-15 && fabs(s.se - 0.25 / sqrt(3)) < 1e-15);
    fr_nested_clear(&nested);
    fr_study_destroy(&study);
}

static void agreement_counts_values_and_measures_ranges(void **state)
{
    (void)state;
    fr_study *study = fixture_study(NULL);
    const fr_space *space = &study->space;
    const double scores[] = {0.5, 0.5, 0.5, 0.5};
    fr_nested nested = make_nested(space, scores, 4);
    const size_t optimizer = fr_space_find(space, "optimizer");
    const size_t rate = fr_space_find(space, "learning_rate");
    static const double rates[] = {1e-4, 1e-3, 1e-2, 1e-2};
    for (size_t k = 0; k < 4; k++) {
        nested.folds[k].point[optimizer] = k == 2 ? 0 : 1;
        nested.folds[k].point[rate] = rates[k];
    }
    const fr_nested_setting which = fr_nested_agreement(&nested, space, optimizer);
    assert_int_equal(which.n_folds, 4);
    assert_int_equal(which.n_most, 3);
    assert_true(which.most == 1 && isnan(which.span));
    const fr_nested_setting where = fr_nested_agreement(&nested, space, rate);
    assert_true(where.low == 1e-4 && where.high == 1e-2 && where.n_most == 2);
    assert_true(fabs(where.span - 2.0 / 3.0) < 1e-12); /* two of three decades */
    fr_nested_clear(&nested);
    fr_study_destroy(&study);
}

/* ---- journal ---- */

typedef struct {
    fr_study *study;
    fr_history *own, *outer[2];
    fr_outer_log log;
    fr_journal *journal;
    double elapsed_s;
} session;

static void session_open(session *s, uint64_t plan)
{
    *s = (session){.study = fixture_study(NULL), .log = {.plan = plan, .n = 2}};
    fr_history **all[] = {&s->own, &s->outer[0], &s->outer[1]};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fr_history_create(&s->study->space, FIXTURE_FOLDS, true, all[i]),
                         FR_OK);
    s->log.histories = s->outer;
    assert_int_equal(fr_journal_open_nested(fixture_dir, s->study, 7, s->own,
                                            plan == 0 ? NULL : &s->log, &s->elapsed_s,
                                            &s->journal),
                     FR_OK);
}

static void session_close(session *s)
{
    assert_int_equal(fr_journal_close(&s->journal), FR_OK);
    fr_outer_log_clear(&s->log);
    fr_history_destroy(&s->own);
    fr_history_destroy(&s->outer[0]);
    fr_history_destroy(&s->outer[1]);
    fr_study_destroy(&s->study);
}

/* One trial with one fold in each of the searches, and what came of a last task. */
static void write_records(session *s)
{
    fr_rng rng = fr_rng_make(1, FR_RNG_SUGGEST, 0, 0, 0);
    double point[64];
    for (uint32_t search = 0; search < 3; search++) {
        fr_space_draw(&s->study->space, &rng, point);
        assert_int_equal(fr_journal_trial(s->journal, search, 0, point, s->study->space.n),
                         FR_OK);
        fr_fold_result result = {.search = search,
                                 .fold = search,
                                 .state = FR_TRIAL_COMPLETE,
                                 .score = 0.25 * search,
                                 .end_s = 1.0 + search};
        assert_int_equal(fr_journal_fold(s->journal, &result), FR_OK);
    }
    fr_fold_result last = {.search = 2,
                           .fold = FR_FOLD_OUTER,
                           .state = FR_TRIAL_FAILED,
                           .score = NAN,
                           .end_s = 9.0,
                           .message = "too large"};
    assert_int_equal(fr_journal_fold(s->journal, &last), FR_OK);
}

static void records_come_back_to_their_search(void **state)
{
    (void)state;
    session s;
    session_open(&s, 5);
    write_records(&s);
    session_close(&s);
    session_open(&s, 5);
    assert_int_equal(s.own->n, 1);
    assert_true(s.own->trials[0].folds[0] != NULL && s.own->trials[0].folds[1] == NULL);
    assert_true(s.outer[0]->trials[0].folds[1]->score == 0.25);
    assert_true(s.outer[1]->trials[0].folds[2]->score == 0.5);
    assert_true(s.elapsed_s == 9.0);
    const fr_fold_result *last = fr_outer_log_find(&s.log, 2, 0);
    assert_non_null(last);
    assert_int_equal(last->state, FR_TRIAL_FAILED);
    assert_string_equal(last->message, "too large");
    assert_null(fr_outer_log_find(&s.log, 1, 0));
    session_close(&s);
    /* Another plan, and nobody to ask for them: passed over, and kept. */
    for (uint64_t plan = 0; plan <= 6; plan += 6) {
        session_open(&s, plan);
        assert_int_equal(s.own->n, 1);
        assert_int_equal(s.outer[0]->n + s.outer[1]->n + s.log.n_judged, 0);
        session_close(&s);
    }
    session_open(&s, 5);
    assert_int_equal(s.outer[1]->n, 1);
    session_close(&s);
}

/* ---- results ---- */

static void results_bring_everything_back(void **state)
{
    (void)state;
    fr_study *study = fixture_study(NULL);
    fr_history *history = NULL;
    fr_results_file *file = NULL;
    const double scores[] = {0.5, NAN, 0.1 + 0.2};
    assert_int_equal(fr_history_create(&study->space, FIXTURE_FOLDS, true, &history), FR_OK);
    fr_nested nested = make_nested(&study->space, scores, 3);
    nested.folds[1].state = FR_TRIAL_FAILED;
    nested.folds[1].message = fr_strdup("no trial is complete");
    const fr_results results = {
        .study = study, .history = history, .nested = &nested, .test_score = NAN};
    assert_int_equal(fr_results_write(fixture_dir, &results), FR_OK);
    assert_int_equal(fr_results_open(fixture_dir, false, &file), FR_OK);
    assert_int_equal(file->nested.n, 3);
    for (size_t k = 0; k < 3; k++) {
        const fr_outer_fold *a = &nested.folds[k], *b = &file->nested.folds[k];
        assert_int_equal(a->state, b->state);
        assert_true(a->score == b->score || (isnan(a->score) && isnan(b->score)));
        assert_true(a->chosen == b->chosen && a->fits == b->fits && a->trials == b->trials);
        assert_true(a->train_rows == b->train_rows && a->test_rows == b->test_rows);
        assert_true((a->point == NULL) == (b->point == NULL));
        if (a->point != NULL) assert_true(fr_space_equal(&study->space, a->point, b->point));
    }
    assert_string_equal(file->nested.folds[1].message, "no trial is complete");
    fr_results_close(&file);
    fr_nested_clear(&nested);
    fr_history_destroy(&history);
    fr_study_destroy(&study);
}

/* HDF5 1.10 itself loses memory. */
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_folds_never_have_rows_of_the_outer_one),
        cmocka_unit_test(what_is_too_few_names_the_outer_fold),
        cmocka_unit_test(sums_are_of_the_complete_folds),
        cmocka_unit_test(agreement_counts_values_and_measures_ranges),
        cmocka_unit_test_setup_teardown(records_come_back_to_their_search, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(results_bring_everything_back, fixture_setup,
                                        fixture_teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
