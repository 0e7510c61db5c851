/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ranking.c - ranking metrics of each user against scikit-learn's numbers, and at the
 * edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "foldrank/metric.h"
#include "reference.h"

static const char FILE_NAME[] = "sklearn_ranking.txt";

enum { ROWS_MAX = 64, USERS = 7 };

/* The reference's rows, whose users are groups. */
typedef struct {
    float y[ROWS_MAX], output[ROWS_MAX];
    int32_t user[ROWS_MAX];
    fr_dataset dataset;
    fr_metric_rows all;
} ratings;

static void load(ratings *out)
{
    const reference user = reference_find(FILE_NAME, "user");
    const reference y = reference_find(FILE_NAME, "y");
    const reference output = reference_find(FILE_NAME, "output");
    for (size_t i = 0; i < y.n; i++) {
        out->user[i] = (int32_t)user.value[i];
        out->y[i] = (float)y.value[i];
        out->output[i] = (float)output.value[i];
    }
    out->dataset =
        (fr_dataset){.schema = {.learn = FR_LEARN_REGRESSION, .relevant = 4, .rows = y.n},
                     .group = out->user};
    out->all = (fr_metric_rows){
        .y = out->y, .output = out->output, .n = y.n, .n_outputs = 1, .dataset = &out->dataset};
}

static double score(fr_metric metric, const fr_metric_rows *rows)
{
    double out;
    assert_int_equal(fr_metric_score_rows(metric, rows, &out), FR_OK);
    return out;
}

/* The rows of one user alone, by a list of rows. */
static double score_user(fr_metric metric, const ratings *r, int32_t user)
{
    float y[ROWS_MAX], output[ROWS_MAX];
    uint32_t row[ROWS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < r->all.n; i++) {
        if (r->user[i] != user) continue;
        y[n] = r->y[i];
        output[n] = r->output[i];
        row[n++] = i;
    }
    fr_metric_rows own = r->all;
    own.y = y;
    own.output = output;
    own.row = row;
    own.n = n;
    return score(metric, &own);
}

static void expect(const char *head, int user, double found, double wanted)
{
    if (isnan(found) != isnan(wanted) || fabs(found - wanted) > 1e-12)
        fail_msg("%s of user %d: %.17g, reference %.17g", head, user, found, wanted);
}

static void test_each_user_and_the_mean(void **unused)
{
    (void)unused;
    static const char *const names[] = {"ndcg", "recall", "precision", "map"};
    static const int ks[] = {1, 2, 3, 5, 20};
    ratings r;
    load(&r);
    for (size_t m = 0; m < sizeof names / sizeof *names; m++)
        for (size_t k = 0; k < sizeof ks / sizeof *ks; k++) {
            char head[32];
            fr_metric metric = 0;
            snprintf(head, sizeof head, "%s@%d", names[m], ks[k]);
            assert_true(fr_metric_parse(head, &metric));
            const reference wanted = reference_find(FILE_NAME, head);
            assert_int_equal(wanted.n, USERS + 1);
            for (int u = 0; u < USERS; u++)
                expect(head, u, score_user(metric, &r, u), wanted.value[u]);
            expect(head, -1, score(metric, &r.all), wanted.value[USERS]);
        }
}

/* Rows in another order are the same rows, though many are tied. */
static void test_order_of_rows_does_not_count(void **unused)
{
    (void)unused;
    ratings r, turned;
    load(&r);
    turned = r;
    const size_t n = r.all.n;
    for (size_t i = 0; i < n; i++) {
        turned.y[i] = r.y[n - 1 - i];
        turned.output[i] = r.output[n - 1 - i];
        turned.user[i] = r.user[n - 1 - i];
    }
    turned.dataset.group = turned.user;
    turned.all.y = turned.y;
    turned.all.output = turned.output;
    turned.all.dataset = &turned.dataset;
    for (fr_metric kind = FR_METRIC_NDCG; kind <= FR_METRIC_MAP; kind++)
        expect("turned", -1, score(fr_metric_at(kind, 3), &turned.all),
               score(fr_metric_at(kind, 3), &r.all));
}

/* Two classes, and users in a column of the features: level 0 is a user, a missing one none. */
static void test_users_in_a_column_of_two_classes(void **unused)
{
    (void)unused;
    const float x[] = {7, 0, 7, 0, 7, 1, 7, 1, 7, NAN};
    const float y[] = {0, 1, 1, 0, 1};
    const float output[] = {0.25F, 0.75F, 0.5F, 0.5F, 0.25F, 0.75F, 0.125F, 0.875F, 1, 0};
    const fr_dataset dataset = {.schema = {.learn = FR_LEARN_CLASSIFICATION,
                                           .rows = 5,
                                           .cols = 2,
                                           .cell = FR_CELL_F32,
                                           .has_user = true,
                                           .user = 1},
                                .x = x};
    const fr_metric_rows rows = {
        .y = y, .output = output, .n = 5, .n_outputs = 2, .dataset = &dataset};
    assert_true(fr_dataset_has_users(&dataset));
    assert_int_equal(fr_dataset_user(&dataset, 0), 0);
    assert_int_equal(fr_dataset_user(&dataset, 2), 1);
    assert_int_equal(fr_dataset_user(&dataset, 4), -1);
    /* Both users have the wanted row second of two. */
    expect("recall@1", -1, score(fr_metric_at(FR_METRIC_RECALL, 1), &rows), 0);
    expect("map@2", -1, score(fr_metric_at(FR_METRIC_MAP, 2), &rows), 0.5);
    expect("ndcg@2", -1, score(fr_metric_at(FR_METRIC_NDCG, 2), &rows), 1 / log2(3));
}

static void test_what_is_not_defined(void **unused)
{
    (void)unused;
    const fr_metric ndcg = fr_metric_at(FR_METRIC_NDCG, 3);
    const fr_metric recall = fr_metric_at(FR_METRIC_RECALL, 3);
    ratings r;
    load(&r);
    r.y[3] = -1;
    assert_true(isnan(score(ndcg, &r.all)));
    assert_true(isfinite(score(recall, &r.all)));
    r.dataset.schema.relevant = 100;
    assert_true(isnan(score(recall, &r.all)));
    load(&r);
    r.output[2] = INFINITY;
    assert_true(isnan(score(ndcg, &r.all)));
    load(&r);
    r.dataset.group = NULL;
    assert_false(fr_dataset_has_users(&r.dataset));
    assert_true(isnan(score(ndcg, &r.all)));
    double alone = 0;
    assert_int_equal(fr_metric_score(ndcg, r.y, r.output, r.all.n, 1, &alone), FR_OK);
    assert_true(isnan(alone));
}

static void test_names(void **unused)
{
    (void)unused;
    char name[FR_METRIC_NAME_SIZE];
    fr_metric metric = 0;
    static const char *const bad[] = {
        "ndcg",   "ndcg@",      "ndcg@0", "ndcg@-1",         "ndcg@1.5",
        "ndcg@x", "accuracy@5", "@10",    "recall@10000000", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(fr_metric_parse(bad[i], &metric));
    assert_true(fr_metric_parse("rmse", &metric));
    assert_int_equal(metric, FR_METRIC_RMSE);
    assert_false(fr_metric_ranks(metric));
    assert_true(fr_metric_parse("recall@25", &metric));
    assert_int_equal(fr_metric_kind(metric), FR_METRIC_RECALL);
    assert_int_equal(fr_metric_k(metric), 25);
    assert_string_equal(fr_metric_name(metric, name), "recall@25");
    assert_true(fr_metric_maximizes(metric));
    assert_true(fr_metric_scores(metric, FR_LEARN_REGRESSION));
    assert_true(fr_metric_scores(metric, FR_LEARN_CLASSIFICATION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_user_and_the_mean),
        cmocka_unit_test(test_order_of_rows_does_not_count),
        cmocka_unit_test(test_users_in_a_column_of_two_classes),
        cmocka_unit_test(test_what_is_not_defined),
        cmocka_unit_test(test_names),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
