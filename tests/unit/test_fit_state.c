/* SPDX-License-Identifier: BSD-3-Clause */
/* test_fit_state.c - fits that are stopped and go on: the same bits as undisturbed ones,
 * whatever the optimizer and wherever the stop; and states that are not the fit's own. */
#include "fit_fixture.h"
#include "foldrank/log.h"

enum { EPOCHS = 6, ROWS = 330, TRAINED = 250 };

/* A keeper that has its file in memory, and stops the fit after so many epochs. */
typedef struct {
    unsigned char *bytes;
    size_t size;
    uint32_t epochs_left; /* until the stop */
    bool saves_on;        /* asks for a save after every epoch */
    size_t n_saves, n_loads;
    atomic_bool stop;
    fr_fit_keeper hooks;
} memory_keeper;

static bool load(void *context, void **bytes, size_t *size)
{
    memory_keeper *k = context;
    k->n_loads++;
    if (k->bytes == NULL) return false;
    *bytes = fr_alloc(k->size, 1);
    assert_non_null(*bytes);
    memcpy(*bytes, k->bytes, k->size);
    *size = k->size;
    return true;
}

/* Called when an epoch has ended and the fit goes on: the next one will be the last. */
static bool due(void *context)
{
    memory_keeper *k = context;
    if (--k->epochs_left <= 1) atomic_store(&k->stop, true);
    return k->saves_on;
}

static void save(void *context, const fr_fit_part *parts, size_t n)
{
    memory_keeper *k = context;
    k->n_saves++;
    k->size = 0;
    for (size_t i = 0; i < n; i++) k->size += parts[i].size;
    free(k->bytes);
    k->bytes = fr_alloc(k->size, 1);
    assert_non_null(k->bytes);
    size_t at = 0;
    for (size_t i = 0; i < n; at += parts[i++].size)
        memcpy(k->bytes + at, parts[i].data, parts[i].size);
}

/* Stops after `epochs`, at least one; 0: never. */
static void arm(memory_keeper *k, uint32_t epochs)
{
    k->hooks = (fr_fit_keeper){k, load, due, save};
    k->epochs_left = epochs > 0 ? epochs : UINT32_MAX;
    atomic_store(&k->stop, epochs == 1);
}

/* What a fit came to. */
typedef struct {
    fr_fold_result result;
    float *params;
    size_t n_params;
} outcome;

static outcome fit(const fr_fit_request *request)
{
    fr_model model;
    outcome o;
    assert_int_equal(fr_fit(request, &o.result, &model), FR_OK);
    o.n_params = model.n_params;
    o.params = model.params;
    model.params = NULL;
    fr_model_clear(&model);
    return o;
}

static void free_outcome(outcome *o)
{
    free_result(&o->result);
    free(o->params);
}

static bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void assert_same(const outcome *a, const outcome *b)
{
    assert_int_equal(a->n_params, b->n_params);
    assert_memory_equal(a->params, b->params, a->n_params * sizeof(float));
    const fr_fold_result *r = &a->result, *s = &b->result;
    assert_int_equal(r->state, s->state);
    assert_int_equal(r->epochs, s->epochs);
    assert_int_equal(r->best_epoch, s->best_epoch);
    assert_true(same_double(r->score, s->score));
    assert_true(same_double(r->loss, s->loss));
    assert_true(same_double(r->train_score, s->train_score));
    assert_true(same_double(r->flops, s->flops));
    assert_int_equal(r->n_curve, s->n_curve);
    assert_memory_equal(r->curve, s->curve, 2 * r->n_curve * sizeof(double));
}

/* Stopped after `epochs` and started again, over and over. Returns the number of starts. */
static size_t fit_in_pieces(fr_fit_request request, uint32_t epochs, outcome *out)
{
    memory_keeper keeper = {0};
    request.keeper = &keeper.hooks;
    request.stop = &keeper.stop;
    for (size_t starts = 1;; starts++) {
        arm(&keeper, epochs);
        *out = fit(&request);
        assert_int_equal(keeper.n_loads, starts);
        if (out->result.state != FR_TRIAL_INTERRUPTED) {
            free(keeper.bytes);
            return starts;
        }
        assert_int_equal(keeper.n_saves, starts);
        assert_int_equal(out->result.epochs, starts * epochs);
        free_outcome(out);
        request.threads = 1 + (int)(starts % 3);
    }
}

/* Stopped once, after every epoch that there is, and stopped after each. */
static void check_interruptions(const fr_fit_request *request)
{
    outcome whole = fit(request), broken;
    const uint32_t epochs = whole.result.epochs;
    assert_true(epochs >= 3);
    for (uint32_t k = 1; k <= epochs; k++) {
        /* The last epoch ends the fit before anybody looks at the stop. */
        const size_t starts = fit_in_pieces(*request, k, &broken);
        assert_int_equal(starts, (epochs + k - 1) / k);
        assert_same(&whole, &broken);
        assert_true(broken.result.seconds > 0 && broken.result.samples_per_second > 0);
        free_outcome(&broken);
    }
    free_outcome(&whole);
}

static void every_optimizer_goes_on(void **unused)
{
    (void)unused;
    made d = make_data(ROWS, 6, 4);
    for (int optimizer = FR_OPT_GD; optimizer <= FR_OPT_ADAGRAD; optimizer++) {
        fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
        recipe.model.dropout = 0.2;
        recipe.preprocess.scale = FR_SCALE_STANDARD;
        recipe.train.optimizer = optimizer;
        recipe.train.momentum =
            optimizer == FR_OPT_SGD || optimizer == FR_OPT_RMSPROP ? 0.9 : 0;
        recipe.train.dampening = optimizer == FR_OPT_SGD ? 0.1 : 0;
        recipe.train.centered = optimizer == FR_OPT_RMSPROP;
        recipe.train.schedule = FR_LR_ONE_CYCLE;
        recipe.train.clip_norm = optimizer == FR_OPT_ADAMW ? 0.5 : 0;
        recipe.train.learning_rate = 0.02;
        recipe.train.epochs = EPOCHS;
        fr_fit_request request = request_for(&d, &recipe, TRAINED, FR_METRIC_ROC_AUC);
        request.want_train_score = true;
        check_interruptions(&request);
    }
    free_data(&d);
}

/* The best epoch lies before the stop, and the patience began there, too. */
static void early_stopping_goes_on(void **unused)
{
    (void)unused;
    made d = make_data(ROWS, 6, 4);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.train.learning_rate = 0.05;
    recipe.train.epochs = 60;
    recipe.train.patience = 3;
    fr_fit_request request = request_for(&d, &recipe, TRAINED, FR_METRIC_LOG_LOSS);
    outcome whole = fit(&request);
    assert_true(whole.result.epochs < 60 && whole.result.best_epoch < whole.result.epochs);
    free_outcome(&whole);
    check_interruptions(&request);
    /* The same as a pruning rule, whose best weights are kept elsewhere. */
    recipe.train.patience = 0;
    request.give_up_after = 4;
    request.give_up_from = 2;
    check_interruptions(&request);
    free_data(&d);
}

static void a_rung_is_reached_after_the_stop(void **unused)
{
    (void)unused;
    made d = make_data(ROWS, 6, 4);
    fr_recipe recipe = make_recipe(FR_FAMILY_SOFTMAX);
    recipe.train.epochs = 30;
    const fr_rung rungs[] = {{2, 0.0}, {4, 0.01}, {9, 0.9999}, {20, 0.99999}};
    fr_fit_request request = request_for(&d, &recipe, TRAINED, FR_METRIC_ACCURACY);
    request.rungs = rungs;
    request.n_rungs = 4;
    outcome whole = fit(&request);
    assert_int_equal(whole.result.state, FR_TRIAL_PRUNED);
    assert_int_equal(whole.result.epochs, 9);
    free_outcome(&whole);
    check_interruptions(&request);
    free_data(&d);
}

/* A refit: nothing validates it, and it ends before its schedule does. */
static void a_refit_goes_on(void **unused)
{
    (void)unused;
    made d = make_data(ROWS, 6, 0);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.train.epochs = 20;
    recipe.train.schedule = FR_LR_COSINE;
    fr_fit_request request = request_for(&d, &recipe, ROWS, FR_METRIC_RMSE);
    request.stop_after = 7;
    request.want_train_score = true;
    check_interruptions(&request);
    /* Few epochs are scored, and the arithmetic counts only these. */
    recipe.train.score_every = 3;
    request = request_for(&d, &recipe, TRAINED, FR_METRIC_RMSE);
    check_interruptions(&request);
    free_data(&d);
}

/* A crash: what was saved on the way is older than what is lost. */
static void saves_on_the_way_are_good(void **unused)
{
    (void)unused;
    made d = make_data(ROWS, 6, 4);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.train.epochs = EPOCHS;
    fr_fit_request request = request_for(&d, &recipe, TRAINED, FR_METRIC_ACCURACY);
    outcome whole = fit(&request), second;
    memory_keeper keeper = {.saves_on = true};
    arm(&keeper, 0);
    request.keeper = &keeper.hooks;
    second = fit(&request);
    assert_int_equal(keeper.n_saves, EPOCHS - 1); /* none at the end */
    free_outcome(&second);
    second = fit(&request);
    assert_same(&whole, &second);
    free_outcome(&second);
    free_outcome(&whole);
    free(keeper.bytes);
    free_data(&d);
}

/* Cut off, longer, of another version, of another network, of other rows or epochs: the fit
 * starts anew and is none the worse. A state whose epoch is damaged counts as another's. */
static void strange_states_are_ignored(void **unused)
{
    (void)unused;
    made d = make_data(ROWS, 6, 4);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP), other;
    recipe.train.epochs = EPOCHS;
    fr_fit_request request = request_for(&d, &recipe, TRAINED, FR_METRIC_ACCURACY);
    outcome whole = fit(&request), again;
    memory_keeper keeper = {0};
    arm(&keeper, 3);
    request.keeper = &keeper.hooks;
    request.stop = &keeper.stop;
    again = fit(&request);
    free_outcome(&again);
    const size_t size = keeper.size;
    static const size_t cuts[] = {0, 1, 4, 36, 40, 60, 200};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        keeper.size = i == 0 ? size - 4 : cuts[i];
        arm(&keeper, 0);
        again = fit(&request);
        assert_same(&whole, &again);
        free_outcome(&again);
    }
    keeper.size = size;
    static const size_t places[] = {0, 4, 12, 20, 28, 36, 40};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        keeper.bytes[places[i]] ^= 0x55;
        arm(&keeper, 0);
        again = fit(&request);
        assert_same(&whole, &again);
        free_outcome(&again);
        keeper.bytes[places[i]] ^= 0x55;
    }
    other = recipe;
    other.train.optimizer = FR_OPT_RMSPROP;
    request.recipe = &other;
    outcome undisturbed;
    arm(&keeper, 0);
    again = fit(&request);
    request.keeper = NULL;
    undisturbed = fit(&request);
    assert_same(&undisturbed, &again);
    free_outcome(&again);
    free_outcome(&undisturbed);
    free_outcome(&whole);
    free(keeper.bytes);
    free_data(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_goes_on),
        cmocka_unit_test(early_stopping_goes_on),
        cmocka_unit_test(a_rung_is_reached_after_the_stop),
        cmocka_unit_test(a_refit_goes_on),
        cmocka_unit_test(saves_on_the_way_are_good),
        cmocka_unit_test(strange_states_are_ignored),
    };
    fr_log_setup(0, FR_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
