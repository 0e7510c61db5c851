/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: the gradient of each kind of layer of a cnn, parameter by parameter, against finite
 * differences of the loss. A net has the layer in question, one convolution below it where the
 * way back through it matters, and smooth activations; rows make several tiles. */
#include "fit_fixture.h"
#include "foldrank/network.h"

enum { ROWS = 12, CLASSES = 3 };

typedef struct {
    fr_network network;
    fr_batch batch;
    float *params, *gradient;
} bench;

static fr_model_options smooth(fr_ints shape, fr_ints filters, int kernel, fr_ints pool)
{
    fr_model_options o = make_recipe(FR_FAMILY_CNN).model;
    o.hidden.n = 0;
    o.activation = FR_ACT_TANH;
    o.shape = shape;
    o.filters = filters;
    o.kernel_side = kernel / 2;
    o.pool = pool;
    o.pooling = FR_POOL_AVERAGE;
    return o;
}

static void fill(fr_batch *b, fr_rng *rng)
{
    const fr_network *net = b->network;
    b->rows = ROWS;
    b->total_weight = b->step_rows = ROWS;
    b->dropout_key = 42; /* the same units drop out in each pass */
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t j = 0; j < net->inputs; j++)
            b->x[r * net->input_stride + j] = (float)fr_rng_normal(rng);
        b->y[r] = (float)(r % CLASSES);
        b->weight[r] = 1.0f;
    }
}

static bench make_bench(const fr_model_options *o, size_t inputs)
{
    bench t = {0};
    fr_rng rng = fr_rng_make(7, FR_RNG_NOISE, inputs, 0, 0);
    fr_network_make(o, FR_LEARN_CLASSIFICATION, inputs, CLASSES, &t.network);
    assert_int_equal(t.network.stem.n, o->filters.n);
    t.params = fr_alloc(t.network.n_params, sizeof *t.params);
    t.gradient = fr_alloc(t.network.n_params, sizeof *t.gradient);
    for (size_t i = 0; i < t.network.n_params; i++)
        t.params[i] = (float)(0.4 * fr_rng_normal(&rng));
    return t;
}

static void clear_bench(bench *t)
{
    fr_batch_clear(&t->batch);
    free(t->params);
    free(t->gradient);
}

static void run_stem(fr_batch *b, const float *params,
                     void (*run)(fr_batch *, const float *, size_t, size_t))
{
    const size_t shards = fr_shard_count(b->rows);
    for (size_t phase = 0; phase < fr_stem_phases(&b->network->stem); phase++)
        for (size_t i = 0; i < shards * fr_stem_tiles(b->rows, shards); i++)
            run(b, params, phase, i);
}

static fr_tile whole_level(const fr_network *net, size_t level, size_t depth)
{
    assert_int_equal(fr_tile_count(ROWS, net->width[level], depth), 1);
    return fr_tile_at(ROWS, net->width[level], depth, 0);
}

/* The mean loss of a training pass. */
static double forward(bench *t)
{
    fr_batch *b = &t->batch;
    const fr_network *net = &t->network;
    double sum = 0;
    run_stem(b, t->params, fr_stem_forward);
    for (size_t l = 1; l <= net->n_layers; l++) {
        const fr_tile all = whole_level(net, l, net->width[l - 1]);
        fr_layer_forward(b, t->params, l, &all, true);
    }
    fr_head_run(b, 0, ROWS, NULL);
    for (size_t r = 0; r < ROWS; r++) sum += (double)b->loss[r];
    return sum / b->total_weight;
}

static void backward(bench *t)
{
    fr_batch *b = &t->batch;
    const fr_network *net = &t->network;
    for (size_t l = net->n_layers; l > 0; l--) {
        const fr_tile below = whole_level(net, l - 1, net->width[l]);
        const fr_tile weights = {0, net->width[l - 1], 0, net->width[l]};
        fr_layer_gradient(b, l, &weights, 0, ROWS, t->gradient + net->weights[l]);
        fr_layer_bias_gradient(b, l, 0, ROWS, t->gradient + net->bias[l]);
        fr_layer_backward(b, t->params, l, &below);
    }
    run_stem(b, t->params, fr_stem_backward);
    fr_stem_gradient(b, 0, net->stem.n_params, 0, t->gradient);
}

/* Running statistics stand among the parameters and have no gradient. */
static bool is_statistic(const fr_stem *s, size_t i)
{
    for (size_t l = 0; s->batch_norm && l < s->n; l++)
        if (i >= s->conv[l].mean && i < s->conv[l].variance + s->conv[l].out) return true;
    return false;
}

static double slope_along(bench *t, size_t i, double h)
{
    const float before = t->params[i];
    double loss[2], at[2];
    for (int side = 0; side < 2; side++) {
        t->params[i] = before + (float)(side == 0 ? -h : h);
        at[side] = (double)t->params[i];
        loss[side] = forward(t);
    }
    t->params[i] = before;
    return (loss[1] - loss[0]) / (at[1] - at[0]);
}

static bool has_kinks(const fr_model_options *o)
{
    return (o->pooling == FR_POOL_MAX && o->pool.value[0] > 1) ||
           o->global_pool == FR_GLOBAL_MAX;
}

/* Losses are float32 of about 1, so a difference over 2 h is good to about 1e-7 / h. Where a
 * largest value passes to another pixel within h, the loss has a kink: with pooling of this
 * kind h is small, and an eighth of the parameters may have met one. */
static void check_layer(const char *what, const fr_model_options *o, size_t inputs)
{
    const double h = has_kinks(o) ? 0x1p-11 : 0x1p-7;
    bench t = make_bench(o, inputs);
    fr_rng rng = fr_rng_make(8, FR_RNG_NOISE, inputs, 0, 0);
    size_t seen = 0, kinks = has_kinks(o) ? t.network.n_params / 8 : 0;
    assert_int_equal(fr_batch_create(&t.network, ROWS, true, &t.batch), FR_OK);
    fill(&t.batch, &rng);
    forward(&t);
    backward(&t);
    for (size_t i = 0; i < t.network.n_params; i++) {
        if (is_statistic(&t.network.stem, i)) continue;
        const double slope = slope_along(&t, i, h), ours = (double)t.gradient[i];
        if (!(fabs(slope - ours) <= 5e-7 / h + 5e-3 * fabs(slope)) && kinks-- == 0)
            fail_msg("%s: parameter %zu: gradient %.6g, by differences %.6g", what, i, ours,
                     slope);
        seen += fabs(ours) > 1e-3;
    }
    assert_true(seen > t.network.n_params / 3); /* 0 would equal 0 */
    clear_bench(&t);
}

static const fr_ints one = {{1}, 1}, two = {{2}, 1}, square = {{5, 4, 2}, 3},
                     sequence = {{9, 2}, 2};

static void test_convolution_of_images(void **unused)
{
    (void)unused;
    fr_model_options o = smooth(square, (fr_ints){{3}, 1}, 3, one);
    check_layer("conv 3 x 3", &o, 40);
    o.kernel_side = 2; /* wider than what lies on one side of a pixel: mostly zeros */
    check_layer("conv 5 x 5", &o, 40);
    o.kernel_side = 0;
    check_layer("conv 1 x 1", &o, 40);
}

static void test_convolution_of_sequences(void **unused)
{
    (void)unused;
    fr_model_options o = smooth(sequence, (fr_ints){{4}, 1}, 3, one);
    check_layer("conv 3", &o, 18);
    o.kernel_side = 2;
    check_layer("conv 5", &o, 18);
}

/* Through a convolution to the one below it. */
static void test_convolution_above_another(void **unused)
{
    (void)unused;
    fr_model_options o = smooth(square, (fr_ints){{3, 4}, 2}, 3, one);
    check_layer("two of 3 x 3", &o, 40);
    o = smooth(sequence, (fr_ints){{3, 4}, 2}, 5, one);
    check_layer("two of 5", &o, 18);
}

static void test_pooling(void **unused)
{
    (void)unused;
    for (int kind = FR_POOL_MAX; kind <= FR_POOL_AVERAGE; kind++) {
        fr_model_options o = smooth(square, (fr_ints){{3, 3}, 2}, 3, (fr_ints){{2, 1}, 2});
        o.pooling = kind;
        check_layer(kind == FR_POOL_MAX ? "largest of 2 x 2" : "mean of 2 x 2", &o, 40);
        o = smooth(sequence, (fr_ints){{3}, 1}, 3, two);
        o.pooling = kind;
        check_layer(kind == FR_POOL_MAX ? "largest of 2" : "mean of 2", &o, 18);
    }
}

static void test_global_pooling(void **unused)
{
    (void)unused;
    for (int kind = FR_GLOBAL_MAX; kind <= FR_GLOBAL_AVERAGE; kind++) {
        fr_model_options o = smooth(square, (fr_ints){{3, 4}, 2}, 3, one);
        o.global_pool = kind;
        check_layer(kind == FR_GLOBAL_MAX ? "largest of all" : "mean of all", &o, 40);
    }
}

static void test_batch_norm(void **unused)
{
    (void)unused;
    fr_model_options o = smooth(square, (fr_ints){{3}, 1}, 3, two);
    o.batch_norm = true;
    check_layer("batch norm", &o, 40);
    o.filters = (fr_ints){{3, 4}, 2};
    o.pool = (fr_ints){{2, 1}, 2};
    check_layer("batch norm above another", &o, 40);
    o.shape = sequence;
    check_layer("batch norm of sequences", &o, 18);
}

static void test_residual(void **unused)
{
    (void)unused;
    fr_model_options o = smooth(square, (fr_ints){{3, 3}, 2}, 3, one);
    o.residual = true;
    check_layer("residual", &o, 40);
    o.batch_norm = true;
    check_layer("residual with batch norm", &o, 40);
}

static void test_activations(void **unused)
{
    (void)unused;
    fr_model_options o = smooth(square, (fr_ints){{3, 3}, 2}, 3, one);
    o.activation = FR_ACT_GELU;
    check_layer("gelu", &o, 40);
    o.activation = FR_ACT_SIGMOID;
    o.batch_norm = true;
    check_layer("sigmoid", &o, 40);
}

static void test_dropout(void **unused)
{
    (void)unused;
    fr_model_options o = smooth(square, (fr_ints){{3}, 1}, 3, two);
    o.hidden = (fr_ints){{9, 8}, 2};
    o.dropout = 0.3;
    check_layer("dropout", &o, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolution_of_images),
        cmocka_unit_test(test_convolution_of_sequences),
        cmocka_unit_test(test_convolution_above_another),
        cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_global_pooling),
        cmocka_unit_test(test_batch_norm),
        cmocka_unit_test(test_residual),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_dropout),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
