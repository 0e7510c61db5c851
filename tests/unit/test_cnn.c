/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: convolutions, pooling, batch normalisation and residuals against PyTorch and finite
 * differences; shapes that do not fit; augmentation; the same bits for any number of threads.
 */
#include "fit_fixture.h"
#include "foldrank/network.h"
#include "reference.h"

#define FILE_NAME "torch_cnn.txt"

enum { ROWS = 5, CLASSES = 3 };

static fr_model_options options_of(fr_ints shape, fr_ints filters, int kernel, fr_ints pool)
{
    fr_model_options o = make_recipe(FR_FAMILY_CNN).model;
    o.hidden.n = 0;
    o.shape = shape;
    o.filters = filters;
    o.kernel_side = kernel / 2;
    o.pool = pool;
    return o;
}

/* The networks of torch_cnn.py. */
static fr_model_options network_called(const char *name)
{
    if (strcmp(name, "plain") == 0)
        return options_of((fr_ints){{6, 5, 2}, 3}, (fr_ints){{3, 4}, 2}, 3,
                          (fr_ints){{2, 1}, 2});
    if (strcmp(name, "wide") == 0)
        return options_of((fr_ints){{4, 4, 1}, 3}, (fr_ints){{17}, 1}, 5, (fr_ints){{4}, 1});
    if (strcmp(name, "point") == 0)
        return options_of((fr_ints){{3, 3, 2}, 3}, (fr_ints){{4}, 1}, 1, (fr_ints){{1}, 1});
    if (strcmp(name, "norm") == 0) {
        fr_model_options o = network_called("plain");
        o.batch_norm = true;
        return o;
    }
    if (strcmp(name, "average") == 0) {
        fr_model_options o =
            options_of((fr_ints){{5, 6, 1}, 3}, (fr_ints){{4, 3}, 2}, 3, (fr_ints){{2}, 1});
        o.pooling = FR_POOL_AVERAGE;
        o.activation = FR_ACT_GELU;
        return o;
    }
    if (strcmp(name, "global") == 0) {
        fr_model_options o =
            options_of((fr_ints){{5, 4, 2}, 3}, (fr_ints){{3, 4}, 2}, 3, (fr_ints){{1}, 1});
        o.global_pool = FR_GLOBAL_AVERAGE;
        o.activation = FR_ACT_TANH;
        return o;
    }
    if (strcmp(name, "global_max") == 0) {
        fr_model_options o =
            options_of((fr_ints){{4, 4, 1}, 3}, (fr_ints){{4}, 1}, 3, (fr_ints){{1}, 1});
        o.global_pool = FR_GLOBAL_MAX;
        return o;
    }
    if (strcmp(name, "residual") == 0) {
        fr_model_options o = options_of((fr_ints){{4, 4, 1}, 3}, (fr_ints){{3, 3, 3}, 3}, 3,
                                        (fr_ints){{1, 2, 1}, 3});
        o.residual = true;
        return o;
    }
    if (strcmp(name, "norm_residual") == 0) {
        fr_model_options o =
            options_of((fr_ints){{4, 5, 3}, 3}, (fr_ints){{3, 3}, 2}, 3, (fr_ints){{1, 2}, 2});
        o.residual = o.batch_norm = true;
        o.activation = FR_ACT_GELU;
        return o;
    }
    if (strcmp(name, "sequence") == 0) {
        fr_model_options o =
            options_of((fr_ints){{9, 2}, 2}, (fr_ints){{3, 4}, 2}, 5, (fr_ints){{2}, 1});
        o.activation = FR_ACT_LEAKY_RELU;
        o.negative_slope = 0.1;
        return o;
    }
    assert_string_equal(name, "sequence_norm");
    fr_model_options o =
        options_of((fr_ints){{8, 1}, 2}, (fr_ints){{4, 4}, 2}, 3, (fr_ints){{2}, 1});
    o.residual = o.batch_norm = true;
    return o;
}

static reference record(const char *what, const char *name)
{
    char head[128];
    snprintf(head, sizeof head, "%s network=%s", what, name);
    return reference_find(FILE_NAME, head);
}

static void assert_near(const char *name, const char *what, const float *ours,
                        const reference *theirs, size_t n)
{
    assert_int_equal(theirs->n, n);
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)ours[i] - theirs->value[i]) <= 3e-6 + 3e-6 * fabs(theirs->value[i])))
            fail_msg("%s: %s %zu is %.9g, PyTorch has %.9g", name, what, i, (double)ours[i],
                     theirs->value[i]);
}

static void run_stem(fr_batch *b, const float *params,
                     void (*run)(fr_batch *, const float *, size_t, size_t))
{
    const size_t shards = fr_shard_count(b->rows);
    for (size_t phase = 0; phase < fr_stem_phases(&b->network->stem); phase++)
        for (size_t i = 0; i < shards * fr_stem_tiles(b->rows, shards); i++)
            run(b, params, phase, i);
}

/* The networks here have one dense layer, of one tile. Returns the mean loss. */
static double forward(fr_batch *b, const float *params)
{
    const fr_network *net = b->network;
    const fr_tile all = fr_tile_at(b->rows, net->width[1], net->width[0], 0);
    double sum = 0;
    run_stem(b, params, fr_stem_forward);
    fr_layer_forward(b, params, 1, &all, true);
    fr_head_run(b, 0, b->rows, NULL);
    for (size_t r = 0; r < b->rows; r++) sum += (double)b->loss[r];
    return sum / b->total_weight;
}

static void backward(fr_batch *b, const float *params, float *gradient)
{
    const fr_network *net = b->network;
    const fr_tile below = fr_tile_at(b->rows, net->width[0], net->width[1], 0);
    const fr_tile weights = {0, net->width[0], 0, net->width[1]};
    assert_int_equal(fr_tile_count(b->rows, net->width[0], net->width[1]), 1);
    fr_layer_backward(b, params, 1, &below);
    run_stem(b, params, fr_stem_backward);
    fr_stem_gradient(b, 0, net->stem.n_params, 0, gradient);
    fr_layer_gradient(b, 1, &weights, 0, b->rows, gradient + net->weights[1]);
    fr_layer_bias_gradient(b, 1, 0, b->rows, gradient + net->bias[1]);
}

static void fill_batch(fr_batch *b, const char *name)
{
    const reference input = record("input", name);
    const size_t inputs = b->network->inputs;
    assert_int_equal(input.n, ROWS * inputs);
    b->rows = ROWS;
    b->total_weight = b->step_rows = ROWS;
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t j = 0; j < inputs; j++)
            b->x[r * b->network->input_stride + j] = (float)input.value[r * inputs + j];
        b->y[r] = (float)(r % CLASSES);
        b->weight[r] = 1.0f;
    }
}

static void dense_scores(const fr_batch *b, float *out)
{
    const fr_network *net = b->network;
    for (size_t r = 0; r < ROWS; r++)
        memcpy(out + r * CLASSES, b->level[1] + r * net->stride[1], CLASSES * sizeof *out);
}

/* Along the gradient the loss changes by its squared norm; statistics are no gradient. */
static void check_slope(fr_batch *b, const float *params, const float *gradient,
                        const char *name)
{
    const fr_network *net = b->network;
    const double h = 2e-3;
    double square = 0, loss[2];
    float *moved = fr_alloc(net->n_params, sizeof *moved);
    float *step = fr_alloc(net->n_params, sizeof *step);
    memcpy(step, gradient, net->n_params * sizeof *step);
    for (size_t l = 0; net->stem.batch_norm && l < net->stem.n; l++)
        memset(step + net->stem.conv[l].mean, 0, 2 * net->stem.conv[l].out * sizeof *step);
    for (size_t i = 0; i < net->n_params; i++) square += (double)step[i] * (double)step[i];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < net->n_params; i++)
            moved[i] = params[i] + (float)((side == 0 ? -h : h) / sqrt(square)) * step[i];
        loss[side] = forward(b, moved);
    }
    const double slope = (loss[1] - loss[0]) / (2 * h);
    if (!(fabs(slope - sqrt(square)) < 2e-3 * sqrt(square)))
        fail_msg("%s: slope %.9g, norm of the gradient %.9g", name, slope, sqrt(square));
    free(moved);
    free(step);
}

static void check_network(const char *name)
{
    const fr_model_options o = network_called(name);
    const reference parameters = record("parameters", name), input = record("input", name);
    const reference loss = record("loss", name), scores = record("scores", name);
    const reference slopes = record("gradient", name), predicted = record("predicted", name);
    float ours[ROWS * CLASSES], *params, *gradient;
    fr_network net;
    fr_batch b;
    fr_network_make(&o, FR_LEARN_CLASSIFICATION, input.n / ROWS, CLASSES, &net);
    assert_int_equal(net.stem.n, o.filters.n);
    assert_int_equal(net.n_params, parameters.n);
    params = fr_alloc(net.n_params, sizeof *params);
    gradient = fr_alloc(net.n_params, sizeof *gradient);
    for (size_t i = 0; i < net.n_params; i++) params[i] = (float)parameters.value[i];

    assert_int_equal(fr_batch_create(&net, ROWS, true, &b), FR_OK);
    fill_batch(&b, name);
    for (int again = 0; again < 2; again++) { /* what a pass leaves behind does no harm */
        const float now = (float)forward(&b, params);
        assert_near(name, "loss", &now, &loss, 1);
        dense_scores(&b, ours);
        assert_near(name, "score", ours, &scores, ROWS * CLASSES);
        backward(&b, params, gradient);
        assert_near(name, "gradient", gradient, &slopes, net.n_params);
    }
    check_slope(&b, params, gradient, name);
    fr_batch_clear(&b);

    assert_int_equal(fr_batch_create(&net, ROWS, false, &b), FR_OK);
    fill_batch(&b, name);
    fr_batch_forward(&b, params);
    dense_scores(&b, ours);
    assert_near(name, "predicted score", ours, &predicted, ROWS * CLASSES);
    fr_batch_clear(&b);
    free(params);
    free(gradient);
}

static void test_networks_equal_pytorch(void **unused)
{
    (void)unused;
    static const char *const names[] = {
        "plain",    "wide", "point",         "average",  "global",       "global_max",
        "residual", "norm", "norm_residual", "sequence", "sequence_norm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) check_network(names[i]);
}

static void refused(fr_model_options o, size_t inputs, const char *why)
{
    assert_int_equal(fr_model_check_inputs(&o, inputs), FR_ERR_DATA);
    if (strstr(fr_status_message(), why) == NULL)
        fail_msg("`%s` does not say `%s`", fr_status_message(), why);
}

static void test_shapes(void **unused)
{
    (void)unused;
    const fr_ints one = {{1}, 1}, none = {.n = 0};
    fr_model_options o = options_of(none, (fr_ints){{4, 8}, 2}, 3, (fr_ints){{2}, 1});
    assert_int_equal(fr_model_check_inputs(&o, 64), FR_OK);
    refused(o, 65, "65 inputs are no square");
    refused(o, 9, "leaves nothing of its 1 x 1 pixels");
    /* 3 x 3 x (1 x 4 + 4 x 8) + 4 + 8, then 2 x 2 x 8 x 10 + 10. */
    assert_int_equal(fr_model_count_params(&o, 64, 10), 324 + 12 + 330);
    o.batch_norm = true; /* a gain for each channel; running statistics are not trained */
    assert_int_equal(fr_model_count_params(&o, 64, 10), 324 + 24 + 330);
    assert_true(fr_model_flops_predict(&o, 64, 10) == 2.0 * (64 * 36 + 16 * 288 + 320));
    assert_true(fr_model_flops_training(&o, 64, 10) ==
                6.0 * (64 * 36 + 16 * 288 + 320) - 2.0 * 64 * 36);
    refused(options_of((fr_ints){{8, 8, 3}, 3}, one, 3, one), 64, "8 x 8 x 3 are 192 numbers");
    refused(options_of((fr_ints){{64}, 1}, one, 3, one), 64, "shape has 1 number;");
    refused(options_of(none, none, 3, one), 64, "at least one convolution");
    refused(options_of(none, one, 3, (fr_ints){{1, 1}, 2}), 64, "2 numbers for 1 convolution;");
    o.family = FR_FAMILY_MLP;
    assert_int_equal(fr_model_check_inputs(&o, 65), FR_OK);
}

/* A convolution of side 1 that hands its input through shows what augmentation makes of it. */
static void test_augmentation(void **unused)
{
    (void)unused;
    enum { SIDE = 5, MANY = 200 };
    const fr_ints one = {{1}, 1};
    fr_model_options o = options_of((fr_ints){.n = 0}, one, 1, one);
    fr_network net;
    fr_batch b;
    size_t places[3][3] = {{0}}, turned = 0;
    double sum = 0, square = 0;
    o.shift = 1;
    o.flip = FR_FLIP_HORIZONTAL;
    fr_network_make(&o, FR_LEARN_CLASSIFICATION, SIDE * SIDE, 2, &net);
    float params[64] = {0};
    params[net.stem.conv[0].weights] = 1.0f;
    assert_int_equal(fr_batch_create(&net, MANY, true, &b), FR_OK);
    b.rows = MANY;
    b.augment_key = 42;
    for (size_t r = 0; r < MANY; r++) { /* two pixels side by side in the middle row */
        b.x[r * net.input_stride + 2 * SIDE + 2] = 1.0f;
        b.x[r * net.input_stride + 2 * SIDE + 3] = 2.0f;
    }
    run_stem(&b, params, fr_stem_forward);
    for (size_t r = 0; r < MANY; r++) {
        const float *a = b.level[0] + r * net.stride[0];
        for (size_t i = 0; i < SIDE * SIDE; i++) {
            if (a[i] != 1.0f) continue;
            const bool turn = i % SIDE > 0 && a[i - 1] == 2.0f;
            assert_true(turn || (i % SIDE + 1 < SIDE && a[i + 1] == 2.0f));
            turned += turn;
            assert_true(i / SIDE >= 1 && i / SIDE <= 3);
            assert_true(i % SIDE >= 1 && i % SIDE <= 3);
            places[i / SIDE - 1][i % SIDE - 1]++;
        }
    }
    for (size_t y = 0; y < 3; y++)
        for (size_t x = 0; x < 3; x++) assert_in_range(places[y][x], 8, 40);
    assert_in_range(turned, 75, 125);

    net.stem.shift = 0;
    net.stem.flip = FR_FLIP_NONE;
    net.stem.noise = 0.5f;
    params[net.stem.conv[0].bias] = 10.0f; /* above what the relu cuts off */
    run_stem(&b, params, fr_stem_forward);
    for (size_t r = 0; r < MANY; r++) {
        const double noise = (double)b.level[0][r * net.stride[0]] - 10;
        sum += noise;
        square += noise * noise;
    }
    assert_true(fabs(sum / MANY) < 0.15 && fabs(square / MANY - 0.25) < 0.1);
    fr_batch_clear(&b);
}

static fr_recipe small_recipe(void)
{
    fr_recipe recipe = make_recipe(FR_FAMILY_CNN);
    recipe.model.filters = (fr_ints){{8, 8}, 2};
    recipe.model.pool = (fr_ints){{1, 2}, 2};
    recipe.model.hidden = (fr_ints){{12}, 1};
    recipe.model.batch_norm = recipe.model.residual = true;
    recipe.model.dropout = 0.1;
    recipe.model.shift = 1;
    recipe.model.noise = 0.05;
    recipe.train.optimizer = FR_OPT_ADAM;
    recipe.train.epochs = 2;
    return recipe;
}

static void test_threads_give_the_same_bits(void **unused)
{
    (void)unused;
    static const int64_t sizes[] = {300, 2500};
    made d = make_data(3000, 16, 4);
    fr_recipe recipe = small_recipe();
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        recipe.train.batch_size = sizes[i / 2];
        recipe.model.batch_norm = i % 2 == 0;
        recipe.train.clip_norm = i % 2 == 0 ? 0 : 1;
        fr_fit_request request = request_for(&d, &recipe, 2800, FR_METRIC_LOG_LOSS);
        fr_network net;
        fr_network_make(&recipe.model, FR_LEARN_CLASSIFICATION, 16, 4, &net);
        float *alone = fit_params(&request, NULL);
        request.threads = 3;
        float *together = fit_params(&request, NULL);
        assert_memory_equal(alone, together, net.n_params * sizeof *alone);
        free(together);
        free(alone);
    }
    free_data(&d);
}

/* Corners of a cube are no picture, but a net with all of them in its window tells them. */
static void test_it_learns(void **unused)
{
    (void)unused;
    made d = make_data(1500, 16, 4);
    fr_recipe recipe = small_recipe();
    recipe.train.learning_rate = 0.01;
    recipe.train.epochs = 6;
    recipe.model.shift = 0;
    for (int norm = 0; norm < 2; norm++) {
        recipe.model.batch_norm = norm == 1;
        fr_fit_request request = request_for(&d, &recipe, 1200, FR_METRIC_ACCURACY);
        fr_fold_result result;
        free(fit_params(&request, &result));
        assert_int_equal(result.state, FR_TRIAL_COMPLETE);
        assert_true(result.score > 0.9);
        free_result(&result);
    }
    recipe.model.shape = (fr_ints){{4, 5}, 2};
    fr_fit_request request = request_for(&d, &recipe, 1200, FR_METRIC_ACCURACY);
    fr_fold_result result;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "1 x 4 x 5 are 20 numbers, but a row has 16"));
    free_data(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_equal_pytorch),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_augmentation),
        cmocka_unit_test(test_threads_give_the_same_bits),
        cmocka_unit_test(test_it_learns),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
