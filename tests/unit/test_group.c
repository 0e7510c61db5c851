/* SPDX-License-Identifier: BSD-3-Clause */
/* test_group.c - one model trained by 2, 4, 8 or 16 processes: the bits of a single one, for
 * batches of every size, with all that a step may do. The processes are threads here, and what
 * connects them is as simple as can be. */
#include "fit_fixture.h"

#include <pthread.h>

#include "foldrank/log.h"

/* What the threads of a group share. */
typedef struct {
    pthread_barrier_t barrier;
    float *values[FR_GROUP_MAX];
    void *bytes[FR_GROUP_MAX];
    size_t calls; /* of sum */
} meeting;

typedef struct {
    meeting *meeting;
    fr_fit_group group;
    fr_fit_request request;
    fr_fold_result result;
    float *params;
    size_t n_params;
    fr_status status;
} process;

static double tree(float *const *values, size_t i, size_t first, size_t n)
{
    if (n == 1) return (double)values[first][i];
    const float left = (float)tree(values, i, first, n / 2),
                right = (float)tree(values, i, first + n / 2, n / 2);
    return (double)(left + right);
}

static void sum(void *context, float *values, size_t n, size_t active)
{
    process *p = context;
    meeting *m = p->meeting;
    float *total = fr_alloc(n, sizeof *total);
    assert_non_null(total);
    m->values[p->group.index] = values;
    pthread_barrier_wait(&m->barrier);
    for (size_t i = 0; i < n; i++) total[i] = (float)tree(m->values, i, 0, active);
    pthread_barrier_wait(&m->barrier);
    memcpy(values, total, n * sizeof *total);
    if (p->group.index == 0) m->calls++;
    pthread_barrier_wait(&m->barrier);
    free(total);
}

static void share(void *context, void *bytes, const size_t *bounds)
{
    process *p = context;
    meeting *m = p->meeting;
    m->bytes[p->group.index] = bytes;
    pthread_barrier_wait(&m->barrier);
    for (size_t k = 0; k < p->group.size; k++)
        if (k != p->group.index && bounds[k + 1] > bounds[k])
            memcpy((char *)bytes + bounds[k], (char *)m->bytes[k] + bounds[k],
                   bounds[k + 1] - bounds[k]);
    pthread_barrier_wait(&m->barrier);
}

static void *run(void *argument)
{
    process *p = argument;
    fr_model model = {0};
    p->status = fr_fit(&p->request, &p->result, &model);
    p->params = model.params;
    p->n_params = model.n_params;
    model.params = NULL;
    fr_model_clear(&model);
    return NULL;
}

/* Fit as `size` processes with 1, 2, 3, 1, ... threads each; process k in p[k]. */
static size_t fit_as_group(const fr_fit_request *request, size_t size, process *p)
{
    meeting m = {.calls = 0};
    pthread_t threads[FR_GROUP_MAX];
    pthread_barrier_init(&m.barrier, NULL, (unsigned)size);
    for (size_t k = 0; k < size; k++) {
        p[k] = (process){.meeting = &m, .request = *request};
        p[k].group = (fr_fit_group){&p[k], k, size, sum, share};
        p[k].request.group = &p[k].group;
        p[k].request.threads = 1 + (int)(k % 3);
        if (k > 0) p[k].request.keeper = NULL;
        if (k + 1 < size) p[k].request.stop = NULL; /* only one is told */
        assert_int_equal(pthread_create(&threads[k], NULL, run, &p[k]), 0);
    }
    for (size_t k = 0; k < size; k++) pthread_join(threads[k], NULL);
    pthread_barrier_destroy(&m.barrier);
    return m.calls;
}

static bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void assert_same(const process *a, const process *b)
{
    assert_int_equal(b->status, FR_OK);
    assert_int_equal(a->n_params, b->n_params);
    assert_memory_equal(a->params, b->params, a->n_params * sizeof(float));
    assert_int_equal(a->result.state, b->result.state);
    assert_int_equal(a->result.epochs, b->result.epochs);
    assert_int_equal(a->result.best_epoch, b->result.best_epoch);
    assert_true(same_double(a->result.score, b->result.score));
    assert_true(same_double(a->result.loss, b->result.loss));
    assert_true(same_double(a->result.train_score, b->result.train_score));
    assert_int_equal(a->result.n_curve, b->result.n_curve);
    assert_memory_equal(a->result.curve, b->result.curve,
                        2 * a->result.n_curve * sizeof(double));
}

static void free_process(process *p)
{
    free_result(&p->result);
    free(p->params);
}

static void check_sizes(const fr_fit_request *request, size_t most)
{
    process alone = {.request = *request}, p[FR_GROUP_MAX];
    run(&alone);
    assert_int_equal(alone.status, FR_OK);
    for (size_t size = 2; size <= most; size *= 2) {
        assert_true(fit_as_group(request, size, p) > 0);
        for (size_t k = 0; k < size; k++) {
            assert_same(&alone, &p[k]);
            free_process(&p[k]);
        }
    }
    free_process(&alone);
}

/* Less than a shard for each, shards that do not end where tiles do, several passes. */
static void batches_of_any_size(void **state)
{
    (void)state;
    static const int64_t sizes[] = {32, 128, 200, 256, 300, 512, 777, 1024, 1500, 2048, 2500};
    made d = make_data(5200, 9, 4);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.train.epochs = 2;
    recipe.model.hidden = (fr_ints){.value = {33, 17}, .n = 2};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        recipe.train.batch_size = sizes[i];
        fr_fit_request request = request_for(&d, &recipe, 5000, FR_METRIC_LOG_LOSS);
        request.want_train_score = true;
        check_sizes(&request, sizes[i] == 2048 ? 16 : 4);
    }
    free_data(&d);
}

/* Statistics of batch normalisation and tiles of convolutions follow from the shards. */
static void convolutions(void **state)
{
    (void)state;
    static const int64_t sizes[] = {300, 777, 2500};
    made d = make_data(2700, 9, 4);
    fr_recipe recipe = make_recipe(FR_FAMILY_CNN);
    recipe.train.epochs = 2;
    recipe.model.filters = (fr_ints){.value = {5, 5}, .n = 2};
    recipe.model.pool = (fr_ints){.value = {1, 2}, .n = 2};
    recipe.model.hidden = (fr_ints){.value = {7}, .n = 1};
    recipe.model.residual = true;
    recipe.model.shift = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        recipe.train.batch_size = sizes[i];
        recipe.model.batch_norm = i != 1;
        fr_fit_request request = request_for(&d, &recipe, 2600, FR_METRIC_LOG_LOSS);
        check_sizes(&request, i == 2 ? 8 : 4);
    }
    free_data(&d);
}

static void every_optimizer(void **state)
{
    (void)state;
    made d = make_data(1300, 6, 4), r = make_data(1300, 6, 0);
    for (int optimizer = FR_OPT_GD; optimizer <= FR_OPT_ADAGRAD; optimizer++) {
        fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
        recipe.model.dropout = 0.3;
        recipe.model.l1 = optimizer % 2 == 0 ? 1e-3 : 0;
        recipe.model.l2 = 1e-2;
        recipe.model.class_weight = FR_CLASS_WEIGHT_BALANCED;
        recipe.preprocess.scale = FR_SCALE_STANDARD;
        recipe.train.optimizer = optimizer;
        recipe.train.momentum = optimizer == FR_OPT_SGD ? 0.9 : 0;
        recipe.train.weight_decay = optimizer == FR_OPT_ADAM ? 1e-3 : 0;
        recipe.train.clip_norm = optimizer == FR_OPT_RMSPROP ? 0.1 : 0;
        recipe.train.batch_size = 600;
        recipe.train.epochs = 3;
        fr_fit_request request = request_for(&d, &recipe, 1100, FR_METRIC_ROC_AUC);
        check_sizes(&request, 4);
        request = request_for(&r, &recipe, 1100, FR_METRIC_RMSE);
        check_sizes(&request, 4);
    }
    free_data(&d);
    free_data(&r);
}

static void factorisation_machines(void **state)
{
    (void)state;
    static const int64_t sizes[] = {100, 256, 777, 2500};
    made r = make_ratings(2700, 61, 43, false), c = make_ratings(2700, 61, 43, true);
    for (int optimizer = FR_OPT_GD; optimizer <= FR_OPT_ADAGRAD; optimizer++) {
        fr_recipe recipe = make_recipe(FR_FAMILY_FM);
        recipe.model.factors = 5;
        recipe.model.l2_factors = 0.1;
        recipe.train.optimizer = optimizer;
        recipe.train.momentum = optimizer == FR_OPT_SGD ? 0.9 : 0;
        recipe.train.clip_norm = optimizer == FR_OPT_RMSPROP ? 0.1 : 0;
        recipe.train.batch_size = sizes[optimizer % 4];
        recipe.train.epochs = 3;
        fr_fit_request request = request_for(&r, &recipe, 2600, FR_METRIC_RMSE);
        check_sizes(&request, optimizer == FR_OPT_ADAM ? 16 : 4);
        request = request_for(&c, &recipe, 2600, FR_METRIC_ROC_AUC);
        check_sizes(&request, 4);
    }
    free_data(&r);
    free_data(&c);
}

static void early_ends(void **state)
{
    (void)state;
    made d = make_data(1300, 6, 4);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.train.learning_rate = 0.05;
    recipe.train.epochs = 60;
    recipe.train.patience = 3;
    recipe.train.batch_size = 512;
    fr_fit_request request = request_for(&d, &recipe, 1100, FR_METRIC_LOG_LOSS);
    check_sizes(&request, 4);
    recipe.train.learning_rate = 1e30; /* diverges */
    process p[2];
    fit_as_group(&request, 2, p);
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(p[k].result.state, FR_TRIAL_DIVERGED);
        free_process(&p[k]);
    }
    free_data(&d);
}

/* ---- stops: only one process is told, all end; what one saves, any number goes on with ----
 */

typedef struct {
    unsigned char *bytes;
    size_t size;
} memory_file;

static bool load(void *context, void **bytes, size_t *size)
{
    memory_file *f = context;
    if (f->bytes == NULL) return false;
    *bytes = fr_alloc(f->size, 1);
    assert_non_null(*bytes);
    memcpy(*bytes, f->bytes, f->size);
    *size = f->size;
    return true;
}

static bool due(void *context)
{
    (void)context;
    return false;
}

static void save(void *context, const fr_fit_part *parts, size_t n)
{
    memory_file *f = context;
    f->size = 0;
    for (size_t i = 0; i < n; i++) f->size += parts[i].size;
    free(f->bytes);
    f->bytes = fr_alloc(f->size, 1);
    assert_non_null(f->bytes);
    size_t at = 0;
    for (size_t i = 0; i < n; at += parts[i++].size)
        memcpy(f->bytes + at, parts[i].data, parts[i].size);
}

static void stopped_and_resumed(void **state)
{
    (void)state;
    made d = make_data(1300, 6, 4);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.train.epochs = 6;
    recipe.train.batch_size = 512;
    recipe.train.patience = 6;
    fr_fit_request request = request_for(&d, &recipe, 1100, FR_METRIC_ACCURACY);
    process alone = {.request = request}, p[FR_GROUP_MAX];
    run(&alone);
    memory_file file = {0};
    const fr_fit_keeper keeper = {&file, load, due, save};
    static const size_t sizes[] = {4, 1, 2, 8, 2, 1};
    atomic_bool stop = true;
    request.stop = &stop;
    request.keeper = &keeper;
    for (size_t i = 0; i < 6; i++) {
        fit_as_group(&request, sizes[i], p);
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(p[k].result.epochs, i + 1);
            assert_int_equal(p[k].result.state,
                             i < 5 ? FR_TRIAL_INTERRUPTED : FR_TRIAL_COMPLETE);
            if (i == 5) assert_same(&alone, &p[k]);
            free_process(&p[k]);
        }
    }
    free_process(&alone);
    free(file.bytes);
    free_data(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_any_size),    cmocka_unit_test(convolutions),
        cmocka_unit_test(every_optimizer),        cmocka_unit_test(early_ends),
        cmocka_unit_test(factorisation_machines), cmocka_unit_test(stopped_and_resumed),
    };
    fr_log_setup(0, FR_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
