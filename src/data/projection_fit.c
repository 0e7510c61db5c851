/* SPDX-License-Identifier: BSD-3-Clause */
/* projection_fit.c - principal components of the training rows, and random Fourier features.
 *
 * Principal components: with X (n, d) the features around their means, X'X = V L V' for d <= n,
 * else XX' = U L U' and V = X' U L^-1/2: the smaller matrix is decomposed, in float64. A
 * component's sign makes its largest loading positive, as scikit-learn's PCA has it, so that
 * components are comparable. Matrices are summed block after block of rows: the same bits
 * whoever computes them. One of more than pca_distribute_from rows is filled and decomposed by
 * all ranks, if there is a solver of theirs.
 *
 * Random Fourier features (Rahimi and Recht, "Random features for large-scale kernel machines",
 * 2007): z(x) = sqrt(2 / D) cos(x W + b), W normal with variance 2 gamma, b uniform in [0, 2
 * pi): then z(x) . z(y) is exp(-gamma |x - y|^2) on average. Orthogonal ones (Yu et al.,
 * "Orthogonal random features", 2016) err less: cosine and sine of the same direction, and
 * directions that are orthogonal, as many at a time as there are inputs, with the lengths of
 * normal vectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "foldrank/text.h"
#include "transform.h"

enum { ROWS = 128 };

/* What is done to the features, in float64: out = features weights + bias. */
typedef struct {
    size_t in, out;
    double *weights; /* (in, out) */
    double *bias;    /* (out) */
} map;

typedef struct {
    const fr_preprocess_options *options;
    const fr_dataset *dataset;
    const uint32_t *rows;
    size_t n;
    fr_transform *transform;
    size_t d;
    const fr_gram_source *solvers; /* NULL: LAPACK, here */
    float *block;                  /* (ROWS, d) */
    double *centred;               /* (ROWS, d) */
    double *mean;                  /* (d) */
    double *matrix;                /* (m, m), m = min(n, d); of all ranks: the vectors alone */
    double *values;                /* (m) eigenvalues, ascending */
    const double *top;             /* (k, m) vectors of the k largest, the largest last */
} analysis;

static fr_status map_create(map *m, size_t in, size_t out)
{
    *m = (map){in, out, fr_alloc(in * out, sizeof(double)), fr_alloc(out, sizeof(double))};
    return m->weights != NULL && m->bias != NULL ? FR_OK : FR_ERR_MEMORY;
}

static void map_clear(map *m)
{
    free(m->weights);
    free(m->bias);
    *m = (map){0};
}

bool fr_components_are_shared(const fr_preprocess_options *options, size_t rows,
                              size_t features)
{
    const size_t m = rows < features ? rows : features;
    const int64_t from = options->pca_distribute_from;
    return options->pca > 0 && from > 0 && m > (size_t)from;
}

static bool is_shared(const analysis *a)
{
    return a->solvers != NULL && fr_components_are_shared(a->options, a->n, a->d);
}

static fr_status check_memory(const analysis *a, size_t m)
{
    const bool wide = a->d > a->n;
    const double n = (double)a->n, d = (double)a->d, square = (double)m * (double)m;
    const double bytes = is_shared(a) ? n * d * 8 : square * 3 * 8 + (wide ? n * d * 4 : 0);
    char needed[FR_NUMBER_SIZE], limit[FR_NUMBER_SIZE];
    if (bytes <= fr_memory_limit()) return FR_OK;
    return FR_FAIL(FR_ERR_MEMORY,
                   "the principal components of %zu training rows and their %zu features take "
                   "%s, there are %s: let select_features keep fewer, or take fewer rows",
                   a->n, a->d, fr_format_bytes(bytes, needed),
                   fr_format_bytes(fr_memory_limit(), limit));
}

static fr_status analysis_create(analysis *a)
{
    const size_t m = a->n < a->d ? a->n : a->d;
    FR_TRY(check_memory(a, m));
    a->block = fr_alloc(ROWS * a->d, sizeof *a->block);
    a->centred = fr_alloc(ROWS * a->d, sizeof *a->centred);
    a->mean = fr_alloc(a->d, sizeof *a->mean);
    if (!is_shared(a)) a->matrix = fr_alloc(m * m, sizeof *a->matrix);
    a->values = fr_alloc(m, sizeof *a->values);
    const bool good = a->block != NULL && a->centred != NULL && a->mean != NULL &&
                      (is_shared(a) || a->matrix != NULL) && a->values != NULL;
    return good ? FR_OK : FR_ERR_MEMORY;
}

static void analysis_clear(analysis *a)
{
    free(a->block);
    free(a->centred);
    free(a->mean);
    free(a->matrix);
    free(a->values);
}

/* Features of rows [first, ...) around the mean, into `out` (ROWS, d); returns how many rows.
 */
static size_t next_rows(const analysis *a, size_t first, double *out)
{
    const size_t n = a->n - first < ROWS ? a->n - first : ROWS;
    fr_transform_apply(a->transform, a->dataset, a->rows + first, n, a->block, a->d);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < a->d; j++)
            out[i * a->d + j] = (double)a->block[i * a->d + j] - a->mean[j];
    return n;
}

static void find_means(analysis *a)
{
    for (size_t first = 0, n; first < a->n; first += n) {
        n = a->n - first < ROWS ? a->n - first : ROWS;
        fr_transform_apply(a->transform, a->dataset, a->rows + first, n, a->block, a->d);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < a->d; j++) a->mean[j] += (double)a->block[i * a->d + j];
    }
    for (size_t j = 0; j < a->d; j++) a->mean[j] /= (double)a->n;
}

/* X'X (d, d). */
static void sum_features(const analysis *a)
{
    for (size_t first = 0, n; first < a->n; first += n) {
        n = next_rows(a, first, a->centred);
        const fr_gemm_shape shape = {.m = a->d,
                                     .n = a->d,
                                     .k = n,
                                     .lda = a->d,
                                     .ldb = a->d,
                                     .ldc = a->d,
                                     .transpose_a = true,
                                     .accumulate = true};
        fr_gemm_double(&shape, a->centred, a->centred, a->matrix);
    }
}

/* XX' (n, n), from pairs of blocks. */
static fr_status sum_rows(const analysis *a)
{
    double *other = fr_alloc(ROWS * a->d, sizeof *other);
    if (other == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < a->n; i += ROWS) {
        const size_t m = next_rows(a, i, a->centred);
        for (size_t j = 0; j <= i; j += ROWS) {
            const fr_gemm_shape shape = {.m = m,
                                         .n = next_rows(a, j, other),
                                         .k = a->d,
                                         .lda = a->d,
                                         .ldb = a->d,
                                         .ldc = a->n,
                                         .transpose_b = true};
            fr_gemm_double(&shape, a->centred, other, a->matrix + i * a->n + j);
        }
    }
    free(other);
    return FR_OK;
}

/* How many components are wanted of those whose variance is not 0 to rounding. */
static size_t count_components(const analysis *a, size_t m)
{
    const double wanted = a->options->pca, most = fmax(a->values[m - 1], 0);
    const size_t larger = a->n > a->d ? a->n : a->d;
    double sum = 0, so_far = 0;
    size_t rank = 0, enough = 0;
    while (rank < m && a->values[m - 1 - rank] > most * (double)larger * 0x1p-52) rank++;
    if (wanted >= 1) return wanted < (double)rank ? (size_t)wanted : rank;
    for (size_t k = 0; k < m; k++) sum += fmax(a->values[k], 0);
    while (enough < rank && so_far <= wanted * sum) so_far += a->values[m - 1 - enough++];
    return enough;
}

static void reverse(double *x, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        const double kept = x[i];
        x[i] = x[n - 1 - i];
        x[n - 1 - i] = kept;
    }
}

/* The unit vector of component k, (d), into column k of the map: row k from the end of the
 * eigenvectors, or X' times it. */
static void take_vectors(analysis *a, size_t m, map *out)
{
    const size_t d = a->d, k = out->out;
    const double *top = a->top;
    if (d <= a->n) {
        for (size_t c = 0; c < k; c++)
            for (size_t j = 0; j < d; j++) out->weights[j * k + c] = top[(k - 1 - c) * m + j];
        return;
    }
    for (size_t first = 0, n; first < a->n; first += n) {
        n = next_rows(a, first, a->centred);
        const fr_gemm_shape shape = {.m = d,
                                     .n = k,
                                     .k = n,
                                     .lda = d,
                                     .ldb = m,
                                     .ldc = k,
                                     .transpose_a = true,
                                     .transpose_b = true,
                                     .accumulate = true};
        fr_gemm_double(&shape, a->centred, top + first, out->weights);
    }
    for (size_t j = 0; j < d; j++) reverse(out->weights + j * k, k);
    for (size_t i = 0; i < d * k; i++) out->weights[i] /= sqrt(a->values[m - 1 - i % k]);
}

/* Signs and lengths of the components, and the bias that takes the means away. */
static void settle_components(const analysis *a, size_t m, map *out)
{
    const size_t k = out->out;
    for (size_t c = 0; c < k; c++) {
        double factor = 1, bias = 0;
        size_t largest = 0;
        for (size_t j = 0; j < a->d; j++)
            if (fabs(out->weights[j * k + c]) > fabs(out->weights[largest * k + c]))
                largest = j;
        if (out->weights[largest * k + c] < 0) factor = -1;
        if (a->options->whiten) factor /= sqrt(a->values[m - 1 - c] / ((double)a->n - 1));
        for (size_t j = 0; j < a->d; j++) {
            out->weights[j * k + c] *= factor;
            bias -= a->mean[j] * out->weights[j * k + c];
        }
        out->bias[c] = bias;
    }
}

static fr_status no_variance(size_t n)
{
    return FR_FAIL(FR_ERR_DATA,
                   "preprocess.pca finds no component: the features of all %zu training rows "
                   "are equal",
                   n);
}

/* With the means in the features' shifts, as far as float32 goes, small differences of large
 * numbers are taken before they are multiplied. What is left of `mean` goes into the bias. */
static void centre_features(const analysis *a)
{
    fr_transform *t = a->transform;
    if (t->tfidf || a->dataset->schema.cell == FR_CELL_SPARSE) return;
    for (size_t c = 0; c < t->cols; c++) {
        fr_feature *f = &t->features[c];
        if (f->kind != FR_FEATURE_NUMERIC && f->kind != FR_FEATURE_ORDINAL) continue;
        const double before = (double)f->shift, factor = (double)f->factor;
        const float shift = (float)(before + a->mean[f->first] / factor);
        if (!isfinite(shift)) continue;
        f->shift = shift;
        a->mean[f->first] -= ((double)shift - before) * factor;
    }
}

static fr_status decompose_here(analysis *a, size_t m, size_t *k)
{
    const fr_matrix matrix = {a->matrix, m, m, m};
    if (a->d <= a->n)
        sum_features(a);
    else
        FR_TRY(sum_rows(a));
    FR_TRY(fr_symmetric_eigen(&matrix, a->values));
    *k = count_components(a, m);
    a->top = a->matrix + (m - *k) * m;
    return FR_OK;
}

/* Values and the vectors wanted of the matrix of products of some rows. */
static fr_status decompose_by(const fr_gram_solver *s, const fr_gram *gram, analysis *a,
                              size_t *k)
{
    FR_TRY(s->decompose(s->context, gram, a->values));
    *k = count_components(a, gram->n);
    a->top = a->matrix = fr_alloc(*k, gram->n * sizeof *a->matrix);
    if (a->matrix == NULL) return FR_ERR_MEMORY;
    const fr_matrix top = {a->matrix, *k, gram->n, gram->n};
    return s->eigenvectors(s->context, gram->n - *k, &top);
}

/* By all ranks: of the rows, or of the features laid in rows, whichever are fewer. */
static fr_status decompose_together(analysis *a, size_t m, size_t *k)
{
    const bool wide = a->d > a->n;
    double *x = fr_alloc(a->n, a->d * sizeof *x);
    fr_gram_solver solver;
    if (x == NULL) return FR_ERR_MEMORY;
    for (size_t first = 0, n; first < a->n; first += n) {
        n = next_rows(a, first, a->centred);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < a->d; j++)
                x[wide ? (first + i) * a->d + j : j * a->n + first + i] =
                    a->centred[i * a->d + j];
    }
    const fr_gram gram = {
        .kernel = &fr_kernel_product, .x = x, .n = m, .d = wide ? a->d : a->n};
    fr_status st = a->solvers->open(a->solvers->context, &solver);
    if (st == FR_OK) {
        st = decompose_by(&solver, &gram, a, k);
        solver.destroy(solver.context);
    }
    free(x);
    return st;
}

static fr_status find_components(analysis *a, map *out)
{
    const size_t m = a->n < a->d ? a->n : a->d;
    size_t k = 0;
    find_means(a);
    FR_TRY(is_shared(a) ? decompose_together(a, m, &k) : decompose_here(a, m, &k));
    if (k == 0) return no_variance(a->n);
    FR_TRY(map_create(out, a->d, k));
    take_vectors(a, m, out);
    centre_features(a);
    settle_components(a, m, out);
    return fr_transform_make_plan(a->transform);
}

static fr_status fit_components(analysis *a, map *out)
{
    fr_status st = analysis_create(a);
    if (st == FR_OK) st = find_components(a, out);
    analysis_clear(a);
    return st;
}

/* Take from column c of w (d, n) what it has of every second column from `first` on, twice: the
 * second time what rounding has left; then its length is what it was. */
static void make_orthogonal(double *w, size_t d, size_t n, size_t first, size_t c)
{
    double before = 0, after = 0;
    for (size_t j = 0; j < d; j++) before += w[j * n + c] * w[j * n + c];
    for (int pass = 0; pass < 2; pass++)
        for (size_t b = first; b < c; b += 2) {
            double product = 0, square = 0;
            for (size_t j = 0; j < d; j++) {
                product += w[j * n + b] * w[j * n + c];
                square += w[j * n + b] * w[j * n + b];
            }
            for (size_t j = 0; j < d; j++) w[j * n + c] -= product / square * w[j * n + b];
        }
    for (size_t j = 0; j < d; j++) after += w[j * n + c] * w[j * n + c];
    for (size_t j = 0; j < d; j++) w[j * n + c] *= sqrt(before / after);
}

/* Column c of w (d, n): direction number `which`. Its numbers follow from the seed and this. */
static void draw_direction(const fr_preprocess_options *o, size_t which, size_t d, size_t c,
                           map *out)
{
    const size_t n = out->out;
    fr_rng rng = fr_rng_make((uint64_t)o->fourier_seed, FR_RNG_FOURIER, which, 0, 0);
    for (size_t j = 0; j < d; j++) out->weights[j * n + c] = fr_rng_normal(&rng);
    out->bias[c] = 2 * M_PI * fr_rng_uniform(&rng);
}

/* A direction with its cosine, and its sine where there is room for it. */
static void draw_pair(const fr_preprocess_options *o, size_t d, size_t c, map *out)
{
    const size_t n = out->out, which = c / 2;
    draw_direction(o, which, d, c, out);
    make_orthogonal(out->weights, d, n, 2 * (which - which % d), c);
    out->bias[c] = 0;
    if (c + 1 == n) return;
    for (size_t j = 0; j < d; j++) out->weights[j * n + c + 1] = out->weights[j * n + c];
    out->bias[c + 1] = -M_PI / 2;
}

static fr_status draw_features(const fr_preprocess_options *o, size_t d, map *out)
{
    const size_t n = (size_t)o->fourier;
    const double gamma = o->fourier_gamma > 0 ? o->fourier_gamma : 1.0 / (double)d;
    FR_TRY(map_create(out, d, n));
    for (size_t c = 0; c < n; c += o->fourier_orthogonal ? 2 : 1) {
        if (o->fourier_orthogonal)
            draw_pair(o, d, c, out);
        else
            draw_direction(o, c, d, c, out);
    }
    for (size_t i = 0; i < d * n; i++) out->weights[i] *= sqrt(2 * gamma);
    return FR_OK;
}

/* One map for both, the first first. */
static fr_status chain(const map *first, const map *second, map *out)
{
    FR_TRY(map_create(out, first->in, second->out));
    fr_gemm_shape shape = {.m = first->in,
                           .n = second->out,
                           .k = first->out,
                           .lda = first->out,
                           .ldb = second->out,
                           .ldc = second->out};
    fr_gemm_double(&shape, first->weights, second->weights, out->weights);
    memcpy(out->bias, second->bias, second->out * sizeof *out->bias);
    shape.m = 1;
    shape.accumulate = true;
    fr_gemm_double(&shape, first->bias, second->weights, out->bias);
    return FR_OK;
}

static fr_status take_map(const map *m, float amplitude, fr_transform *transform)
{
    fr_projection *p;
    FR_TRY(fr_projection_create(m->in, m->out, &p));
    for (size_t i = 0; i < m->in * m->out; i++) p->weights[i] = (float)m->weights[i];
    for (size_t j = 0; j < m->out; j++) p->bias[j] = (float)m->bias[j];
    p->amplitude = amplitude;
    transform->projection = p;
    transform->width = m->out;
    return FR_OK;
}

fr_status fr_projection_fit(const fr_preprocess_options *options, const fr_dataset *dataset,
                            const uint32_t *rows, size_t n, const fr_gram_source *solvers,
                            fr_transform *transform)
{
    const bool pca = options->pca > 0, fourier = options->fourier > 0;
    analysis a = {.options = options,
                  .dataset = dataset,
                  .rows = rows,
                  .n = n,
                  .transform = transform,
                  .d = transform->width,
                  .solvers = solvers};
    map components = {0}, features = {0}, both = {0};
    fr_status st = FR_OK;
    if (a.d == 0 || (!pca && !fourier)) return FR_OK;
    if (pca) st = fit_components(&a, &components);
    if (st == FR_OK && fourier)
        st = draw_features(options, pca ? components.out : a.d, &features);
    if (st == FR_OK && pca && fourier) st = chain(&components, &features, &both);
    if (st == FR_OK)
        st = take_map(pca && fourier ? &both
                      : pca          ? &components
                                     : &features,
                      fourier ? (float)sqrt(2.0 / (double)options->fourier) : 0, transform);
    map_clear(&components);
    map_clear(&features);
    map_clear(&both);
    return st;
}
