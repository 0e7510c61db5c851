/* SPDX-License-Identifier: BSD-3-Clause */
/* test_boost.c - family xgboost against that library's own losses and loop, the fits' bits
 * under all circumstances, and trees that come from a file. */
#include "fit_fixture.h"
#include "reference.h"

static const char *const FILE_NAME = "xgboost_trees.txt";

enum { N = 80, TRAIN = 60, COLS = 4, ROUNDS = 6 };

/* Rows of the reference: `classes` 0 (a regression), 2 or 3. */
static made reference_rows(size_t classes)
{
    made d = make_data(N, COLS, classes);
    const reference x = reference_find(FILE_NAME, "x rows=80 cols=4"),
                    y = reference_find(FILE_NAME, classes > 0 ? "class" : "y"),
                    w = reference_find(FILE_NAME, "weight");
    assert_int_equal(x.n, N * COLS);
    for (size_t i = 0; i < N * COLS; i++) d.x[i] = (float)x.value[i];
    for (size_t i = 0; i < N; i++) {
        d.y[i] = (float)(classes == 2 ? fmin(y.value[i], 1) : y.value[i]);
        d.weight[i] = (float)w.value[i];
    }
    return d;
}

static fr_recipe boost_recipe(const char *name)
{
    fr_recipe r = make_recipe(FR_FAMILY_XGBOOST);
    fr_boost_options *o = &r.model.boost;
    o->rounds = ROUNDS;
    o->max_depth = 3;
    if (strcmp(name, "exact") == 0) {
        o->tree_method = FR_TREE_EXACT;
        o->max_depth = 4;
        o->min_child_weight = 2;
    } else if (strcmp(name, "bins") == 0) {
        o->max_bin = 8;
    } else if (strcmp(name, "penalties") == 0) {
        o->lambda = 0.5;
        o->alpha = 0.3;
        o->gamma = 0.2;
        o->max_delta_step = 0.8;
    } else if (strcmp(name, "leaves") == 0) {
        o->max_depth = 6;
        o->grow_policy = FR_GROW_LOSSGUIDE;
        o->max_leaves = 4;
    }
    return r;
}

static fr_metric metric_of(const made *d)
{
    return d->dataset.schema.n_classes > 0 ? FR_METRIC_LOG_LOSS : FR_METRIC_RMSE;
}

/* Largest difference between what the library predicts of the last rows and what we do. */
static double distance(const char *objective, const char *name)
{
    const size_t classes = objective[0] == 'b' ? 2 : strcmp(objective, "softmax") == 0 ? 3 : 0;
    made d = reference_rows(classes);
    char record[96];
    snprintf(record, sizeof record, "prediction%s objective=%s case=%s",
             classes == 3 ? " rows=20 cols=3" : "", objective, name);
    const reference wanted = reference_find(FILE_NAME, record);
    if (strcmp(name, "weighted") == 0) d.dataset.weight = d.weight;
    fr_recipe recipe = boost_recipe(name);
    if (strcmp(objective, "absolute") == 0) {
        recipe.model.loss = FR_LOSS_ABSOLUTE;
        recipe.model.boost.learning_rate = 1;
    }
    fr_fit_request request = request_for(&d, &recipe, TRAIN, metric_of(&d));
    fr_fold_result result;
    fr_model model;
    float outputs[(N - TRAIN) * 3];
    double worst = 0;
    assert_int_equal(fr_fit(&request, &result, &model), FR_OK);
    assert_int_equal(result.epochs, ROUNDS);
    assert_int_equal(model.trees.n_trees, ROUNDS * (classes == 3 ? 3 : 1));
    assert_int_equal(fr_model_predict(&model, &d.dataset, d.rows + TRAIN, N - TRAIN, outputs),
                     FR_OK);
    for (size_t i = 0; i < wanted.n; i++) {
        const float ours = classes == 2 ? outputs[2 * i + 1] : outputs[i];
        worst = fmax(worst, fabs((double)ours - wanted.value[i]));
    }
    fr_model_clear(&model);
    free_result(&result);
    free_data(&d);
    return worst;
}

static void test_predictions_are_xgboosts(void **state)
{
    (void)state;
    static const char *const objectives[] = {"squared", "absolute", "binary", "softmax"};
    static const char *const cases[] = {"plain", "weighted",  "exact",
                                        "bins",  "penalties", "leaves"};
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < 6; i++) {
            if (k == 1 && strcmp(cases[i], "exact") == 0) continue; /* not the library's */
            const double far = distance(objectives[k], cases[i]);
            if (far > 2e-6) fail_msg("%s, %s: off by %g", objectives[k], cases[i], far);
        }
}

/* ---- the same bits ---- */

typedef struct {
    fr_fold_result result;
    fr_model model;
} outcome;

static outcome fit(const fr_fit_request *request)
{
    outcome o;
    assert_int_equal(fr_fit(request, &o.result, &o.model), FR_OK);
    return o;
}

static void free_outcome(outcome *o)
{
    free_result(&o->result);
    fr_model_clear(&o->model);
}

static void assert_same(const outcome *a, const outcome *b)
{
    const fr_trees *s = &a->model.trees, *t = &b->model.trees;
    assert_int_equal(s->n_trees, t->n_trees);
    assert_int_equal(s->n_nodes, t->n_nodes);
    assert_memory_equal(s->node, t->node, s->n_nodes * sizeof *s->node);
    assert_memory_equal(s->base, t->base, s->n_scores * sizeof *s->base);
    assert_memory_equal(&a->result.score, &b->result.score, sizeof a->result.score);
    assert_int_equal(a->result.n_curve, b->result.n_curve);
    assert_memory_equal(a->result.curve, b->result.curve,
                        2 * a->result.n_curve * sizeof(double));
}

/* Rows and columns are drawn in every round. */
static fr_recipe drawing_recipe(void)
{
    fr_recipe r = boost_recipe("plain");
    r.model.boost.rounds = 12;
    r.model.boost.subsample = 0.7;
    r.model.boost.colsample_bytree = 0.8;
    r.model.boost.colsample_bynode = 0.6;
    return r;
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    made d = make_data(3000, 6, 3);
    const fr_recipe recipe = drawing_recipe();
    fr_fit_request request = request_for(&d, &recipe, 2200, FR_METRIC_LOG_LOSS);
    outcome one = fit(&request);
    for (int threads = 2; threads <= 3; threads++) {
        request.threads = threads;
        outcome many = fit(&request);
        assert_same(&one, &many);
        free_outcome(&many);
    }
    free_outcome(&one);
    free_data(&d);
}

/* Each is a fit of its own: of another trial, fold or seed, the draws are others, of rows and
 * of columns. */
static void test_draws_follow_from_the_request(void **state)
{
    (void)state;
    made d = make_data(300, 6, 0);
    for (int rows = 0; rows < 2; rows++) {
        fr_recipe recipe = drawing_recipe();
        fr_boost_options *o = &recipe.model.boost;
        if (rows)
            o->colsample_bytree = o->colsample_bynode = 1;
        else
            o->subsample = 1;
        const fr_fit_request request = request_for(&d, &recipe, 200, FR_METRIC_RMSE);
        outcome first = fit(&request);
        for (int k = 0; k < 4; k++) {
            fr_fit_request other = request;
            other.trial += k == 1;
            other.fold += k == 2;
            other.seed += k == 3;
            outcome second = fit(&other);
            assert_int_equal(first.result.score == second.result.score, k == 0);
            free_outcome(&second);
        }
        free_outcome(&first);
    }
    free_data(&d);
}

/* A keeper that has its file in memory, and stops the fit after every round. */
typedef struct {
    unsigned char *bytes;
    size_t size, n_saves;
} memory_keeper;

static bool load(void *context, void **bytes, size_t *size)
{
    memory_keeper *k = context;
    if (k->bytes == NULL) return false;
    *bytes = fr_alloc(k->size, 1);
    memcpy(*bytes, k->bytes, k->size);
    *size = k->size;
    return true;
}

static bool due(void *context)
{
    (void)context;
    return false;
}

static void save(void *context, const fr_fit_part *parts, size_t n)
{
    memory_keeper *k = context;
    k->n_saves++;
    k->size = 0;
    for (size_t i = 0; i < n; i++) k->size += parts[i].size;
    free(k->bytes);
    k->bytes = fr_alloc(k->size, 1);
    size_t at = 0;
    for (size_t i = 0; i < n; at += parts[i++].size)
        memcpy(k->bytes + at, parts[i].data, parts[i].size);
}

static void test_a_fit_in_pieces_has_the_same_bits(void **state)
{
    (void)state;
    made d = make_data(300, 6, 3);
    fr_recipe recipe = drawing_recipe();
    recipe.train.keep_best = true;
    recipe.model.boost.learning_rate = 1;
    fr_fit_request request = request_for(&d, &recipe, 200, FR_METRIC_LOG_LOSS);
    outcome whole = fit(&request), piece;
    assert_true(whole.result.best_epoch < whole.result.epochs - 1);
    memory_keeper memory = {0};
    const fr_fit_keeper keeper = {&memory, load, due, save};
    atomic_bool stop = true;
    request.keeper = &keeper;
    request.stop = &stop;
    for (;;) {
        piece = fit(&request);
        if (piece.result.state != FR_TRIAL_INTERRUPTED) break;
        free_outcome(&piece);
    }
    assert_int_equal(memory.n_saves, recipe.model.boost.rounds - 1);
    assert_same(&whole, &piece);
    free_outcome(&piece);
    request.trial++; /* what is kept has the shape of this fit, too, but is damaged now */
    memory.bytes[memory.size - sizeof(fr_tree_node)] ^= 0xff;
    piece = fit(&request);
    assert_int_equal(piece.result.state, FR_TRIAL_INTERRUPTED);
    assert_int_equal(piece.result.epochs, 1);
    free_outcome(&piece);
    free_outcome(&whole);
    free(memory.bytes);
    free_data(&d);
}

/* ---- rounds ---- */

static void test_the_best_round_is_kept(void **state)
{
    (void)state;
    made d = make_data(120, 4, 2);
    fr_recipe recipe = boost_recipe("plain");
    recipe.model.boost.rounds = 200;
    recipe.model.boost.learning_rate = 1;
    recipe.train.patience = 5;
    fr_fit_request request = request_for(&d, &recipe, 60, FR_METRIC_LOG_LOSS);
    const fr_metric more[] = {FR_METRIC_ACCURACY};
    float outputs[60 * 2];
    double score;
    request.more = more;
    request.n_more = 1;
    outcome o = fit(&request);
    assert_true(o.result.epochs < 200);
    assert_int_equal(o.result.epochs, o.result.best_epoch + 5);
    assert_int_equal(o.model.trees.n_trees, o.result.best_epoch);
    assert_int_equal(fr_model_predict(&o.model, &d.dataset, d.rows + 60, 60, outputs), FR_OK);
    assert_int_equal(fr_metric_score(FR_METRIC_LOG_LOSS, d.y + 60, outputs, 60, 2, &score),
                     FR_OK);
    assert_true(score == o.result.score);
    assert_int_equal(fr_metric_score(FR_METRIC_ACCURACY, d.y + 60, outputs, 60, 2, &score),
                     FR_OK);
    assert_true(score == o.result.more[0]);
    free_outcome(&o);

    /* A beaten fit ends at the rung. */
    const fr_rung rung = {.epoch = 3, .cutoff = 0};
    recipe.train.patience = 0;
    request.rungs = &rung;
    request.n_rungs = 1;
    o = fit(&request);
    assert_int_equal(o.result.state, FR_TRIAL_PRUNED);
    assert_int_equal(o.result.epochs, 3);
    free_outcome(&o);
    free_data(&d);
}

/* Rows that weigh twice are rows that are there twice, as far as splits go between values. */
static void test_weights_are_copies_of_rows(void **state)
{
    (void)state;
    enum { ROWS = 60, COPIED = 40 };
    made d = make_data(ROWS, 3, 2);
    fr_recipe recipe = boost_recipe("plain");
    recipe.model.boost.tree_method = FR_TREE_EXACT;
    fr_fit_request request = request_for(&d, &recipe, COPIED, FR_METRIC_LOG_LOSS);
    for (size_t i = 0; i < ROWS; i++) d.weight[i] = i % 2 == 0 ? 2 : 1;
    d.dataset.weight = d.weight;
    outcome weighted = fit(&request);
    uint32_t rows[2 * COPIED];
    size_t n = 0;
    for (uint32_t i = 0; i < COPIED; i++) {
        rows[n++] = i;
        if (i % 2 == 0) rows[n++] = i;
    }
    request.train = rows;
    request.n_train = n;
    d.dataset.weight = NULL;
    outcome copied = fit(&request);
    assert_true(fabs(weighted.result.score - copied.result.score) < 1e-6);
    d.dataset.weight = d.weight;
    request.train = d.rows;
    request.n_train = COPIED;
    for (size_t i = 0; i < ROWS; i++) d.weight[i] = 1;
    outcome plain = fit(&request);
    assert_true(fabs(plain.result.score - copied.result.score) > 1e-3);
    free_outcome(&weighted);
    free_outcome(&copied);
    free_outcome(&plain);
    free_data(&d);
}

/* ---- cells ---- */

/* 0 as missing: a dense table and the sparse one with the same cells give the same trees, and
 * each predicts what the other one holds. */
static void test_sparse_rows_are_rows_with_missing_zeros(void **state)
{
    (void)state;
    enum { ROWS = 90, WIDE = 5 };
    made d = make_data(ROWS, WIDE, 3);
    uint64_t start[ROWS + 1] = {0};
    uint32_t column[ROWS * WIDE];
    float value[ROWS * WIDE], outputs[2][ROWS * 3];
    size_t n = 0;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < WIDE; j++) {
            if ((i * 7 + j * 3) % 5 < 2) d.x[i * WIDE + j] = 0;
            if (d.x[i * WIDE + j] == 0) continue;
            column[n] = (uint32_t)j;
            value[n++] = d.x[i * WIDE + j];
        }
        start[i + 1] = n;
    }
    made s = make_data(ROWS, WIDE, 3);
    s.dataset.schema.cell = FR_CELL_SPARSE;
    s.dataset.schema.stored = n;
    s.dataset.x = NULL;
    s.dataset.sparse = (fr_sparse_rows){ROWS, start, column, value};
    fr_recipe recipe = boost_recipe("plain");
    fr_fit_request request = request_for(&s, &recipe, 60, FR_METRIC_LOG_LOSS);
    outcome sparse = fit(&request);
    assert_int_equal(sparse.model.options.boost.missing, FR_MISSING_ZERO);
    recipe.model.boost.missing = FR_MISSING_ZERO;
    request = request_for(&d, &recipe, 60, FR_METRIC_LOG_LOSS);
    outcome dense = fit(&request);
    assert_same(&sparse, &dense);
    const fr_dataset *const sets[] = {&d.dataset, &s.dataset};
    for (int k = 0; k < 2; k++)
        assert_int_equal(fr_model_predict(&sparse.model, sets[k], d.rows, ROWS, outputs[k]),
                         FR_OK);
    assert_memory_equal(outputs[0], outputs[1], sizeof outputs[0]);
    free_outcome(&dense);

    /* 0 as a number: another model, which also predicts the same from both. */
    recipe.model.boost.missing = FR_MISSING_NAN;
    outcome numbers = fit(&request);
    assert_true(numbers.result.score != sparse.result.score);
    for (int k = 0; k < 2; k++)
        assert_int_equal(fr_model_predict(&numbers.model, sets[k], d.rows, ROWS, outputs[k]),
                         FR_OK);
    assert_memory_equal(outputs[0], outputs[1], sizeof outputs[0]);
    free_outcome(&numbers);
    free_outcome(&sparse);
    free_data(&d);
    free_data(&s);
}

/* A missing cell is told apart from every number, whatever preprocess would fill in. */
static void test_missing_cells_are_looked_at(void **state)
{
    (void)state;
    made d = make_data(200, 2, 0);
    for (size_t i = 0; i < 200; i++) {
        d.y[i] = i % 3 == 0 ? 5.0f : 0.0f;
        if (i % 3 == 0) d.x[2 * i] = NAN;
    }
    fr_recipe recipe = boost_recipe("plain");
    recipe.model.boost.rounds = 40;
    fr_fit_request request = request_for(&d, &recipe, 150, FR_METRIC_RMSE);
    outcome o = fit(&request);
    assert_true(o.result.score < 0.01);
    free_outcome(&o);
    free_data(&d);
}

/* ---- trees from elsewhere ---- */

static void test_unsound_trees_are_told(void **state)
{
    (void)state;
    const fr_tree_node good[] = {
        {0, 1.5f, 1, 2}, {-1, 1.0f, 0, 0}, {1, 0.0f, 3, 3}, {-1, 2.0f, 0, 0}, {-1, 3.0f, 0, 0}};
    enum { NODES = sizeof good / sizeof *good };
    const struct {
        size_t node;
        fr_tree_node is;
    } bad[] = {
        {0, {2, 1.5f, 1, 2}},          /* no such input */
        {0, {-2, 1.5f, 1, 2}},         /* neither input nor leaf */
        {2, {1, 0.0f, 2, 2}},          /* leads to itself */
        {2, {1, 0.0f, 4, 4}},          /* its second child is outside */
        {2, {1, 0.0f, 3, 1}},          /* missing leads back */
        {2, {1, 0.0f, UINT32_MAX, 3}}, /* far outside */
        {1, {-1, NAN, 0, 0}},          /* no number */
    };
    fr_trees trees;
    assert_int_equal(fr_trees_create(1, &trees), FR_OK);
    assert_true(fr_trees_are_sound(&trees, 2));
    assert_int_equal(fr_trees_append(&trees, good, NODES), FR_OK);
    assert_int_equal(fr_trees_append(&trees, good, NODES), FR_OK);
    assert_true(fr_trees_are_sound(&trees, 2));
    assert_false(fr_trees_are_sound(&trees, 1));
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const fr_tree_node before = trees.node[bad[k].node];
        trees.node[bad[k].node] = bad[k].is;
        assert_false(fr_trees_are_sound(&trees, 2));
        trees.node[bad[k].node] = before;
    }
    trees.root[1] = 4; /* the first tree's last leaf is another's */
    assert_false(fr_trees_are_sound(&trees, 2));
    trees.root[1] = NODES;
    trees.base[0] = INFINITY;
    assert_false(fr_trees_are_sound(&trees, 2));
    fr_trees_clear(&trees);
}

int main(void)
{
    if (fr_boost_library() == NULL) {
        printf("TAP version 13\n1..1\nok 1 - trees of XGBoost # SKIP built without it\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predictions_are_xgboosts),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_draws_follow_from_the_request),
        cmocka_unit_test(test_a_fit_in_pieces_has_the_same_bits),
        cmocka_unit_test(test_the_best_round_is_kept),
        cmocka_unit_test(test_weights_are_copies_of_rows),
        cmocka_unit_test(test_sparse_rows_are_rows_with_missing_zeros),
        cmocka_unit_test(test_missing_cells_are_looked_at),
        cmocka_unit_test(test_unsound_trees_are_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
