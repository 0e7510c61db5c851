/* SPDX-License-Identifier: BSD-3-Clause */
/* test_layer.c - activations and losses against PyTorch's numbers; whole networks against a
 * naive twin in double, whose finite differences check every gradient. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/model/internal.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "reference.h"

static const char FILE_NAME[] = "torch_losses.txt";

static void check_activation(const char *keys, int activation, double tolerance)
{
    char head[96];
    snprintf(head, sizeof head, "value kind=%s", keys);
    const reference value = reference_find(FILE_NAME, head);
    snprintf(head, sizeof head, "derivative kind=%s", keys);
    const reference slope = reference_find(FILE_NAME, head);
    const reference x = reference_find(FILE_NAME, "x");
    const fr_network net = {.activation = activation, .negative_slope = 0.01f};
    float a[REFERENCE_MAX], d[REFERENCE_MAX], stored[REFERENCE_MAX];
    float bias[REFERENCE_MAX];
    for (size_t i = 0; i < x.n; i++) {
        a[i] = 0.5f * (float)x.value[i]; /* the rest comes from the bias */
        bias[i] = 0.5f * (float)x.value[i];
        d[i] = 1.0f;
    }
    fr_pass pass = {.a = a, .slope = stored, .bias = bias, .rows = 1, .cols = x.n, .stride = 1};
    fr_activation_forward(&net, &pass);
    if (activation != FR_ACT_GELU) pass.slope = NULL;
    fr_activation_backward(&net, &pass, d);
    for (size_t i = 0; i < x.n; i++) {
        if (fabs((double)a[i] - value.value[i]) > tolerance * fmax(1.0, fabs(value.value[i])))
            fail_msg("%s at %g: %.9g, PyTorch %.9g", keys, x.value[i], (double)a[i],
                     value.value[i]);
        if (fabs((double)d[i] - slope.value[i]) > tolerance)
            fail_msg("%s' at %g: %.9g, PyTorch %.9g", keys, x.value[i], (double)d[i],
                     slope.value[i]);
        if (fabs((double)stored[i] - slope.value[i]) > tolerance)
            fail_msg("stored %s' at %g: %.9g", keys, x.value[i], (double)stored[i]);
    }
}

static void test_activations_equal_pytorch(void **unused)
{
    (void)unused;
    check_activation("relu", FR_ACT_RELU, 1e-7);
    check_activation("leaky_relu slope=0.01", FR_ACT_LEAKY_RELU, 1e-7);
    check_activation("tanh", FR_ACT_TANH, 2e-7);
    check_activation("sigmoid", FR_ACT_SIGMOID, 1e-7);
    check_activation("gelu", FR_ACT_GELU, 4e-7);
}

/* Relative errors over the whole range, where absolute ones would hide small values. */
static void test_elementary_functions(void **unused)
{
    (void)unused;
    enum { POINTS = 100003 };
    float *z = fr_alloc(POINTS, sizeof *z), *bias = fr_alloc(POINTS, sizeof *bias);
    assert_non_null(z);
    assert_non_null(bias);
    const fr_network tangent = {.activation = FR_ACT_TANH};
    const fr_network sigmoid = {.activation = FR_ACT_SIGMOID};
    const fr_pass pass = {.a = z, .bias = bias, .rows = 1, .cols = POINTS, .stride = POINTS};
    for (size_t i = 0; i < POINTS; i++) z[i] = -12.0f + 24.0f * (float)i / POINTS;
    fr_activation_forward(&tangent, &pass);
    for (size_t i = 0; i < POINTS; i++) {
        const double exact = tanh((double)(-12.0f + 24.0f * (float)i / POINTS));
        assert_true(fabs((double)z[i] - exact) <= 4e-7 * fabs(exact));
    }
    for (size_t i = 0; i < POINTS; i++) z[i] = -80.0f + 90.0f * (float)i / POINTS;
    fr_activation_forward(&sigmoid, &pass);
    for (size_t i = 0; i < POINTS; i++) {
        const double exact = 1.0 / (1.0 + exp(-(double)(-80.0f + 90.0f * (float)i / POINTS)));
        assert_true(fabs((double)z[i] - exact) <= 4e-7 * exact);
    }
    free(z);
    free(bias);
}

/* Both ways through the code, narrow and wide, against double; rows that do not fill a block.
 */
static void test_softmax_values(void **unused)
{
    (void)unused;
    static const size_t widths[] = {2, 3, 10, 16, 64, 65, 100, 333};
    enum { ROWS_MAX = 19, STRIDE_MAX = 352 };
    static float z[ROWS_MAX * STRIDE_MAX], p[ROWS_MAX * STRIDE_MAX];
    float log_sum[ROWS_MAX];
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++)
        for (size_t rows = 1; rows <= ROWS_MAX; rows += 6) {
            const size_t width = widths[k], stride = fr_network_stride(width);
            for (size_t i = 0; i < rows * stride; i++)
                z[i] = i % stride < width ? 9.0f * (float)fr_rng_normal(&rng) : FR_SCORE_PAD;
            fr_softmax(z, rows, (const size_t[2]){width, stride}, p, log_sum);
            for (size_t r = 0; r < rows; r++) {
                double sum = 0;
                for (size_t c = 0; c < width; c++) sum += exp((double)z[r * stride + c]);
                assert_true(fabs((double)log_sum[r] - log(sum)) < 4e-6);
                for (size_t c = 0; c < width; c++) {
                    const double exact = exp((double)z[r * stride + c]) / sum;
                    assert_true(fabs((double)p[r * stride + c] - exact) < 1e-5 * exact + 1e-30);
                }
            }
        }
}

static void test_softmax_edges(void **unused)
{
    (void)unused;
    float z[80], p[80], log_sum;
    for (size_t width = 3; width <= 80; width += 77) { /* narrow, then wide */
        const size_t shape[2] = {width, width == 3 ? 16 : 80};
        for (size_t j = 0; j < shape[1]; j++) z[j] = j < 3 ? 1000.0f * (float)j : FR_SCORE_PAD;
        fr_softmax(z, 1, shape, p, &log_sum);
        assert_true(p[2] == 1.0f && p[1] < 1e-30f);
        assert_true(log_sum == 2000.0f);
        z[1] = NAN;
        fr_softmax(z, 1, shape, p, &log_sum);
        assert_true(isnan(log_sum)); /* a diverged network must not look well */
    }
}

typedef struct {
    fr_network net;
    fr_batch batch;
} headed;

static headed make_head(fr_head head, size_t rows, size_t outputs)
{
    headed h = {.net = {.n_layers = 1, .head = head, .huber_delta = 1.0f}};
    h.net.width[0] = 1;
    h.net.width[1] = outputs;
    h.net.stride[0] = 1;
    h.net.stride[1] = fr_network_stride(outputs);
    assert_int_equal(fr_batch_create(&h.net, rows, true, &h.batch), FR_OK);
    h.batch.rows = rows;
    for (size_t i = 0; i < rows; i++) h.batch.weight[i] = 1.0f;
    h.batch.total_weight = (double)rows;
    return h;
}

static void set_scores(headed *h, const double *z)
{
    const size_t k = h->net.width[1], stride = h->net.stride[1];
    for (size_t r = 0; r < h->batch.rows; r++)
        for (size_t c = 0; c < stride; c++)
            h->batch.level[1][r * stride + c] = c < k ? (float)z[r * k + c] : FR_SCORE_PAD;
}

static void check_head(headed *h, const char *keys)
{
    char head[128];
    snprintf(head, sizeof head, "loss %s", keys);
    const reference loss = reference_find(FILE_NAME, head);
    snprintf(head, sizeof head, "grad rows=5 cols=4 %s", keys);
    const reference grad = reference_find(FILE_NAME, head);
    double sum = 0;
    h->batch.network = &h->net; /* the struct has moved since it was made */
    fr_head_run(&h->batch, 0, h->batch.rows, NULL);
    for (size_t r = 0; r < h->batch.rows; r++) sum += (double)h->batch.loss[r];
    sum /= h->batch.total_weight;
    if (fabs(sum - loss.value[0]) > 2e-6 * loss.value[0])
        fail_msg("%s: %.9g, PyTorch %.9g", keys, sum, loss.value[0]);
    for (size_t r = 0; r < h->batch.rows; r++)
        for (size_t c = 0; c < h->net.width[1]; c++) {
            const double ours = (double)h->batch.delta[1][r * h->net.stride[1] + c];
            const double exact = grad.value[r * h->net.width[1] + c];
            if (fabs(ours - exact) > 1e-7 + 1e-6 * fabs(exact))
                fail_msg("%s, row %zu, class %zu: %.9g, PyTorch %.9g", keys, r, c, ours, exact);
        }
}

static void test_classification_losses(void **unused)
{
    (void)unused;
    const reference logits = reference_find(FILE_NAME, "logits rows=5 cols=4");
    const reference labels = reference_find(FILE_NAME, "labels");
    const reference weights = reference_find(FILE_NAME, "class_weights");
    float class_weight[4];
    for (size_t c = 0; c < 4; c++) class_weight[c] = (float)weights.value[c];
    for (int weighted = 0; weighted < 2; weighted++)
        for (int smooth = 0; smooth < 2; smooth++) {
            char keys[96];
            headed h = make_head(FR_HEAD_CROSS_ENTROPY, 5, 4);
            set_scores(&h, logits.value);
            h.net.label_smoothing = smooth ? 0.1f : 0.0f;
            if (weighted) h.batch.total_weight = 0;
            h.batch.class_weight = weighted ? class_weight : NULL;
            for (size_t r = 0; r < 5; r++) {
                h.batch.y[r] = (float)labels.value[r];
                if (!weighted) continue;
                h.batch.weight[r] = class_weight[(size_t)labels.value[r]];
                h.batch.total_weight += (double)h.batch.weight[r];
            }
            snprintf(keys, sizeof keys, "kind=cross_entropy label_smoothing=%s weighted=%d",
                     smooth ? "0.1" : "0.0", weighted);
            check_head(&h, keys);
            fr_batch_clear(&h.batch);
        }
    for (int squared = 0; squared < 2; squared++) {
        headed h = make_head(squared ? FR_HEAD_SQUARED_HINGE : FR_HEAD_HINGE, 5, 4);
        set_scores(&h, logits.value);
        for (size_t r = 0; r < 5; r++) h.batch.y[r] = (float)labels.value[r];
        check_head(&h, squared ? "kind=one_vs_rest_squared_hinge" : "kind=one_vs_rest_hinge");
        fr_batch_clear(&h.batch);
    }
}

static void check_regression(fr_head head, float huber_delta, const char *keys)
{
    char name[96];
    const reference outputs = reference_find(FILE_NAME, "outputs rows=5 cols=2");
    const reference targets = reference_find(FILE_NAME, "targets rows=5 cols=2");
    snprintf(name, sizeof name, "grad rows=5 cols=2 %s", keys);
    const reference grad = reference_find(FILE_NAME, name);
    snprintf(name, sizeof name, "each rows=5 cols=2 %s", keys);
    const reference each = reference_find(FILE_NAME, name);
    headed h = make_head(head, 10, 1); /* all ten residuals as rows of one output */
    h.net.huber_delta = huber_delta;
    h.batch.network = &h.net;
    for (size_t i = 0; i < 10; i++) {
        h.batch.level[1][i] = (float)outputs.value[i];
        h.batch.y[i] = (float)targets.value[i];
    }
    fr_head_run(&h.batch, 0, 10, NULL);
    for (size_t i = 0; i < 10; i++) {
        assert_true(fabs((double)h.batch.delta[1][i] - grad.value[i]) < 1e-7);
        assert_true(fabs((double)h.batch.loss[i] - each.value[i]) < 1e-6);
    }
    fr_batch_clear(&h.batch);
}

static void test_regression_losses(void **unused)
{
    (void)unused;
    check_regression(FR_HEAD_SQUARED, 1, "kind=squared_error");
    check_regression(FR_HEAD_ABSOLUTE, 1, "kind=absolute_error");
    check_regression(FR_HEAD_HUBER, 1.0f, "kind=huber delta=1.0");
    check_regression(FR_HEAD_HUBER, 1.5f, "kind=huber delta=1.5");
}

enum { ROWS = 9, MOST = 64 };

static double act(const fr_network *net, double z)
{
    switch (net->activation) {
    case FR_ACT_TANH:
        return tanh(z);
    case FR_ACT_SIGMOID:
        return 1.0 / (1.0 + exp(-z));
    case FR_ACT_GELU:
        return 0.5 * z * erfc(-z / sqrt(2.0));
    case FR_ACT_LEAKY_RELU:
        return z > 0 ? z : (double)net->negative_slope * z;
    default:
        return z > 0 ? z : 0;
    }
}

static double row_loss(const fr_network *net, const double *z, size_t k, double y)
{
    double sum = 0, loss = 0, top = z[0];
    if (net->head == FR_HEAD_SQUARED) return (z[0] - y) * (z[0] - y);
    if (net->head == FR_HEAD_ABSOLUTE) return fabs(z[0] - y);
    if (net->head == FR_HEAD_HUBER) {
        const double e = fabs(z[0] - y), d = (double)net->huber_delta;
        return e <= d ? 0.5 * e * e : d * (e - 0.5 * d);
    }
    if (net->head != FR_HEAD_CROSS_ENTROPY) {
        for (size_t c = 0; c < k; c++) {
            const double gap = fmax(0, 1 - (c == (size_t)y ? z[c] : -z[c]));
            loss += net->head == FR_HEAD_HINGE ? gap : gap * gap;
        }
        return loss;
    }
    for (size_t c = 0; c < k; c++) top = fmax(top, z[c]);
    for (size_t c = 0; c < k; c++) sum += exp(z[c] - top);
    for (size_t c = 0; c < k; c++) {
        const double s = (double)net->label_smoothing;
        const double target = (c == (size_t)y ? 1 - s : 0) + s / (double)k;
        loss += target * (top + log(sum) - z[c]);
    }
    return loss;
}

/* Mean loss of the batch for parameters w. kept[l] (ROWS, width), when not NULL, is multiplied
 * onto level l: a dropout mask. */
static double twin_loss(const fr_batch *b, const double *w, const double *const kept[])
{
    const fr_network *net = b->network;
    double sum = 0;
    for (size_t r = 0; r < b->rows; r++) {
        double a[MOST], z[MOST];
        for (size_t j = 0; j < net->width[0]; j++)
            a[j] = (double)b->level[0][r * net->stride[0] + j];
        for (size_t l = 1; l <= net->n_layers; l++) {
            for (size_t j = 0; j < net->width[l]; j++) {
                z[j] = w[net->bias[l] + j];
                for (size_t i = 0; i < net->width[l - 1]; i++)
                    z[j] += a[i] * w[net->weights[l] + i * net->width[l] + j];
            }
            for (size_t j = 0; j < net->width[l] && l < net->n_layers; j++)
                a[j] = act(net, z[j]) * (kept == NULL ? 1 : kept[l][r * net->width[l] + j]);
        }
        sum +=
            (double)b->weight[r] * row_loss(net, z, net->width[net->n_layers], (double)b->y[r]);
    }
    return sum / b->total_weight;
}

static void run_network(fr_batch *b, const float *params, bool training)
{
    const fr_network *net = b->network;
    for (size_t l = 1; l <= net->n_layers; l++)
        for (size_t i = 0, n = fr_tile_count(b->rows, net->width[l], net->width[l - 1]); i < n;
             i++) {
            const fr_tile t = fr_tile_at(b->rows, net->width[l], net->width[l - 1], i);
            fr_layer_forward(b, params, l, &t, training);
        }
    fr_head_run(b, 0, b->rows, NULL);
    for (size_t l = net->n_layers; l > 1; l--)
        for (size_t i = 0, n = fr_tile_count(b->rows, net->width[l - 1], net->width[l]); i < n;
             i++) {
            const fr_tile t = fr_tile_at(b->rows, net->width[l - 1], net->width[l], i);
            fr_layer_backward(b, params, l, &t);
        }
}

static void gradient(const fr_batch *b, float *g)
{
    const fr_network *net = b->network;
    for (size_t l = 1; l <= net->n_layers; l++) {
        const fr_tile all = {0, net->width[l - 1], 0, net->width[l]};
        fr_layer_gradient(b, l, &all, 0, b->rows, g + net->weights[l]);
        fr_layer_bias_gradient(b, l, 0, b->rows, g + net->bias[l]);
    }
}

static void fill_batch(fr_batch *b, size_t classes)
{
    fr_rng rng = fr_rng_make(5, FR_RNG_NOISE, 0, 0, 0);
    b->rows = ROWS;
    b->total_weight = 0;
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t j = 0; j < b->network->width[0]; j++)
            b->level[0][r * b->network->stride[0] + j] = (float)fr_rng_normal(&rng);
        b->y[r] = classes > 1 ? (float)fr_rng_below(&rng, classes) : (float)fr_rng_normal(&rng);
        b->weight[r] = r % 3 == 0 ? 2.0f : 1.0f;
        b->total_weight += (double)b->weight[r];
    }
}

static void draw_params(const fr_network *net, float *params)
{
    fr_rng rng = fr_rng_make(6, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < net->n_params; i++) params[i] = 0.4f * (float)fr_rng_normal(&rng);
}

/* Every gradient against central differences of the twin, in double: their own error is of the
 * order h^2 = 1e-10, ours a few float32 roundings of sums of about ten terms. */
static void check_gradients(const fr_batch *b, const float *params, const char *name,
                            const double *const kept[])
{
    const size_t n = b->network->n_params;
    double *w = fr_alloc(n, sizeof *w);
    float *g = fr_alloc(n, sizeof *g);
    assert_non_null(w);
    assert_non_null(g);
    gradient(b, g);
    for (size_t i = 0; i < n; i++) w[i] = (double)params[i];
    const double here = twin_loss(b, w, kept);
    double ours = 0;
    for (size_t r = 0; r < b->rows; r++) ours += (double)b->loss[r];
    if (fabs(ours / b->total_weight - here) > 2e-6 * (1 + fabs(here)))
        fail_msg("%s: loss %.9g, twin %.9g", name, ours / b->total_weight, here);
    for (size_t i = 0; i < n; i++) {
        const double h = 1e-5, at = w[i];
        w[i] = at + h;
        const double above = twin_loss(b, w, kept);
        w[i] = at - h;
        const double below = twin_loss(b, w, kept);
        w[i] = at;
        const double slope = (above - below) / (2 * h);
        if (fabs((double)g[i] - slope) > 3e-6 + 3e-6 * fabs(slope))
            fail_msg("%s: gradient %zu is %.9g, finite difference %.9g", name, i, (double)g[i],
                     slope);
    }
    free(w);
    free(g);
}

static void check_network(fr_head head, int activation, size_t hidden, float smoothing)
{
    char name[64];
    static const size_t widths[] = {6, 11, 7, 5};
    const bool classes = head < FR_HEAD_SQUARED;
    fr_model_options o = {.family = FR_FAMILY_MLP,
                          .activation = activation,
                          .negative_slope = 0.1,
                          .huber_delta = 0.7,
                          .label_smoothing = (double)smoothing};
    fr_network net;
    fr_batch b;
    o.hidden.n = hidden;
    for (size_t l = 0; l < hidden; l++) o.hidden.value[l] = (int64_t)widths[l + 1];
    fr_network_make(&o, FR_LEARN_CLASSIFICATION, widths[0], classes ? 3 : 1, &net);
    net.head = head;
    float *params = fr_alloc(net.n_params, sizeof *params);
    assert_non_null(params);
    assert_int_equal(fr_batch_create(&net, ROWS, true, &b), FR_OK);
    draw_params(&net, params);
    fill_batch(&b, classes ? 3 : 1);
    run_network(&b, params, true);
    snprintf(name, sizeof name, "head %d, activation %d, %zu hidden", (int)head, activation,
             hidden);
    check_gradients(&b, params, name, NULL);
    fr_batch_clear(&b);
    free(params);
}

static void test_gradients_of_all_networks(void **unused)
{
    (void)unused;
    for (int head = FR_HEAD_CROSS_ENTROPY; head <= FR_HEAD_HUBER; head++)
        for (int activation = FR_ACT_RELU; activation <= FR_ACT_GELU; activation++)
            for (size_t hidden = 0; hidden <= 3; hidden++)
                check_network((fr_head)head, activation, hidden,
                              activation == FR_ACT_TANH ? 0.2f : 0.0f);
}

/* The mask is read off the levels: a sigmoid is never 0. */
static void test_dropout(void **unused)
{
    (void)unused;
    enum { WIDE = 40 };
    const fr_model_options o = {.family = FR_FAMILY_MLP,
                                .activation = FR_ACT_SIGMOID,
                                .dropout = 0.25,
                                .hidden = {{WIDE, WIDE}, 2}};
    fr_network net;
    fr_batch b;
    fr_network_make(&o, FR_LEARN_CLASSIFICATION, 6, 3, &net);
    float *params = fr_alloc(net.n_params, sizeof *params);
    assert_non_null(params);
    assert_int_equal(fr_batch_create(&net, ROWS, true, &b), FR_OK);
    draw_params(&net, params);
    fill_batch(&b, 3);
    b.dropout_key = 99;
    run_network(&b, params, true);

    double mask[3][ROWS * WIDE], dropped = 0;
    bool differ = false;
    for (size_t l = 1; l <= 2; l++)
        for (size_t r = 0; r < ROWS; r++)
            for (size_t j = 0; j < WIDE; j++) {
                const bool kept = b.level[l][r * net.stride[l] + j] != 0.0f;
                mask[l][r * WIDE + j] = kept ? 1.0 / 0.75 : 0.0;
                dropped += !kept;
                differ = differ || mask[l][r * WIDE + j] != mask[1][j];
            }
    const double share = dropped / (2 * ROWS * WIDE); /* 720 draws: deviation 0.016 */
    assert_true(share > 0.20 && share < 0.30);
    assert_true(differ);
    const double *const kept[3] = {NULL, mask[1], mask[2]};
    check_gradients(&b, params, "dropout", kept);

    /* Row 4 alone, as row 0 of a batch that starts there, drops the same units. */
    float before[WIDE];
    memcpy(before, b.level[1] + 4 * net.stride[1], sizeof before);
    memcpy(b.level[0], b.level[0] + 4 * net.stride[0], net.width[0] * sizeof(float));
    b.rows = 1;
    b.first_row = 4;
    run_network(&b, params, true);
    assert_memory_equal(before, b.level[1], sizeof before);
    run_network(&b, params, false);
    for (size_t j = 0; j < WIDE; j++) assert_true(b.level[1][j] != 0.0f);
    fr_batch_clear(&b);
    free(params);
}

static void test_tiles_cover(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {1, 2, 127, 128, 129, 200, 513};
    enum { COUNT = sizeof sizes / sizeof sizes[0], MOST_COLS = 513 };
    static unsigned char seen[513 * MOST_COLS];
    for (size_t a = 0; a < COUNT; a++)
        for (size_t c = 0; c < COUNT; c++)
            for (size_t depth = 1; depth < 200000; depth *= 37) {
                const size_t rows = sizes[a], cols = sizes[c];
                memset(seen, 0, sizeof seen);
                for (size_t i = 0, n = fr_tile_count(rows, cols, depth); i < n; i++) {
                    const fr_tile t = fr_tile_at(rows, cols, depth, i);
                    for (size_t r = t.row; r < t.row + t.rows; r++)
                        for (size_t j = t.col; j < t.col + t.cols; j++)
                            seen[r * MOST_COLS + j]++;
                }
                for (size_t r = 0; r < rows; r++)
                    for (size_t j = 0; j < cols; j++)
                        assert_int_equal(seen[r * MOST_COLS + j], 1);
            }
}

static void test_counts(void **unused)
{
    (void)unused;
    const fr_model_options mlp = {.family = FR_FAMILY_MLP, .hidden = {{128}, 1}};
    const fr_model_options softmax = {.family = FR_FAMILY_SOFTMAX, .hidden = {{128}, 1}};
    assert_int_equal(fr_model_count_params(&mlp, 64, 10), 64 * 128 + 128 + 128 * 10 + 10);
    assert_int_equal(fr_model_count_params(&softmax, 64, 10), 64 * 10 + 10);
    assert_true(fr_model_flops_predict(&mlp, 64, 10) == 2.0 * (64 * 128 + 128 * 10));
    assert_true(fr_model_flops_training(&mlp, 64, 10) == 2.0 * (2 * 64 * 128 + 3 * 128 * 10));
    for (size_t w = 1; w < 2000; w++) assert_true(fr_network_stride(w) >= w);
    assert_int_equal(fr_network_stride(1), 1);
    assert_int_equal(fr_network_stride(10), 16);
    assert_int_equal(fr_network_stride(512), 528);
}

static void test_initial_weights(void **unused)
{
    (void)unused;
    const fr_model_options o = {.family = FR_FAMILY_MLP, .hidden = {{300}, 1}};
    fr_network net;
    fr_network_make(&o, FR_LEARN_CLASSIFICATION, 200, 10, &net);
    float *w = fr_alloc(net.n_params, sizeof *w);
    assert_non_null(w);
    fr_network_draw(&net, FR_INIT_AUTO, 1, 2, 3, w);
    double square = 0, top = 0;
    for (size_t i = 0; i < 200 * 300; i++) {
        square += (double)w[i] * (double)w[i];
        top = fmax(top, fabs((double)w[i]));
    }
    assert_true(fabs(square / (200 * 300) - 2.0 / 200) < 2e-4); /* He: 2 / inputs */
    assert_true(top <= sqrt(6.0 / 200) && top > 0.999 * sqrt(6.0 / 200));
    for (size_t j = 0; j < 300; j++) assert_true(w[net.bias[1] + j] == 0.0f);
    for (size_t i = 0; i < 3000; i++)
        assert_true(fabsf(w[net.weights[2] + i]) <= (float)sqrt(6.0 / 310));
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations_equal_pytorch),
        cmocka_unit_test(test_elementary_functions),
        cmocka_unit_test(test_softmax_values),
        cmocka_unit_test(test_softmax_edges),
        cmocka_unit_test(test_classification_losses),
        cmocka_unit_test(test_regression_losses),
        cmocka_unit_test(test_gradients_of_all_networks),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_tiles_cover),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_initial_weights),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
