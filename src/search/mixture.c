/* SPDX-License-Identifier: BSD-3-Clause */
/* mixture.c - fit, draw and evaluate kernel mixtures.
 *
 * Workload: one fit, then some hundred evaluations of some hundred kernels. So kernels lie in
 * columns, one array a parameter; everything is added up as logarithms in float; what depends
 * on few cells is read from a table; and one exponential a kernel is left, written so that the
 * compiler can vectorise it. */
#include "mixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"

enum {
    TABLE_CELLS = 64, /* parameters with at most so many values are looked up in a table */
    Z_STEPS = 32,     /* normalisations are interpolated between so many centres */
};

/* Measured on recorded grids of trainings and on test functions, where half and twice of each
 * differ by less than the noise: no value is tuned to a digit. */
static const double LEAST_SIGMA = 0.03;  /* of the range (Watanabe, arXiv 2304.11127) */
static const double CHOICE_SPREAD = 0.3; /* share of a choice's mass that is spread evenly */

typedef struct {
    const fr_param *param;
    size_t cells;  /* of a table; 0: the density is evaluated */
    double *edges; /* (cells + 1), unit coordinates; NULL for a choice */
    double floor;  /* least bandwidth */
} axis;

struct fr_axes {
    const fr_space *space;
    axis *axis; /* (space->n) */
};

/* One parameter of a fitted mixture. */
typedef struct {
    double sigma;         /* bandwidth; a choice: share of the mass that is spread evenly */
    float *table;         /* (cells, cells + 1): log density at cell r of a kernel at c;
                           * column `cells` stands for an inactive kernel */
    float z[Z_STEPS + 2]; /* log of the normalisation of a kernel at i / Z_STEPS */
} shape;

struct fr_mixture {
    const fr_axes *axes;
    shape *shape; /* (space->n) */
    size_t n;     /* kernels without the uniform one */
    size_t capacity;
    float *centre;     /* (space->n, capacity): coordinate; NaN where inactive */
    float *constant;   /* (space->n, capacity): smooth: log normalisation; inactive: 0 */
    float *place;      /* (space->n, capacity): centre; inactive: 0 */
    float *scale;      /* (space->n, capacity): 1 / (sqrt(2) sigma); inactive: 0 */
    uint16_t *cell;    /* (space->n, capacity): table column */
    float *log_weight; /* (capacity) */
    float *weight;     /* (capacity), sum with the uniform one is 1 */
    double uniform;    /* weight of the uniform kernel */
    float *work;       /* (capacity) */
};

static fr_status make_axis(const fr_param *param, axis *out)
{
    const double values = fr_space_cardinality(param);
    *out = (axis){.param = param};
    if (param->kind == FR_PARAM_CHOICE) {
        out->cells = param->n_choices;
        return FR_OK;
    }
    if (!(values <= TABLE_CELLS)) {
        out->floor = fmax(LEAST_SIGMA, isfinite(values) ? 0.5 / values : 0.0);
        return FR_OK;
    }
    out->cells = (size_t)values;
    out->floor = fmax(LEAST_SIGMA, 0.5 / values);
    out->edges = fr_alloc(out->cells + 1, sizeof *out->edges);
    if (out->edges == NULL) return FR_ERR_MEMORY;
    const double step = param->step > 0 ? param->step : 1.0;
    for (size_t c = 0; c < out->cells; c++) {
        const double value = fr_param_round(param, param->low + step * (double)c);
        out->edges[c + 1] = 2.0 * fr_param_to_unit(param, value) - out->edges[c];
    }
    return FR_OK;
}

fr_status fr_axes_create(const fr_space *space, fr_axes **out)
{
    *out = NULL;
    fr_axes *axes = fr_alloc(1, sizeof *axes);
    if (axes == NULL) return FR_ERR_MEMORY;
    axes->space = space;
    axes->axis = fr_alloc(space->n, sizeof *axes->axis);
    fr_status st = axes->axis == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t j = 0; j < space->n && st == FR_OK; j++)
        st = make_axis(&space->params[j], &axes->axis[j]);
    if (st != FR_OK)
        fr_axes_destroy(&axes);
    else
        *out = axes;
    return st;
}

void fr_axes_destroy(fr_axes **axes)
{
    fr_axes *a = *axes;
    if (a == NULL) return;
    for (size_t j = 0; a->axis != NULL && j < a->space->n; j++) free(a->axis[j].edges);
    free(a->axis);
    free(a);
    *axes = NULL;
}

static size_t cell_of(const axis *a, double value)
{
    if (a->param->kind == FR_PARAM_CHOICE) return (size_t)value;
    const double step = a->param->step > 0 ? a->param->step : 1.0;
    const double cell = rint((value - a->param->low) / step);
    return cell < (double)a->cells ? (size_t)cell : a->cells - 1;
}

static double value_of(const axis *a, size_t cell)
{
    if (a->param->kind == FR_PARAM_CHOICE) return (double)cell;
    const double step = a->param->step > 0 ? a->param->step : 1.0;
    return fr_param_round(a->param, a->param->low + step * (double)cell);
}

void fr_axes_coordinates(const fr_axes *axes, const double *point, float *out)
{
    for (size_t j = 0; j < axes->space->n; j++) {
        const axis *a = &axes->axis[j];
        if (isnan(point[j]))
            out[j] = NAN;
        else if (a->cells > 0)
            out[j] = (float)cell_of(a, point[j]);
        else
            out[j] = (float)fr_param_to_unit(a->param, point[j]);
    }
}

fr_status fr_mixture_create(const fr_axes *axes, fr_mixture **out)
{
    *out = NULL;
    fr_mixture *m = fr_alloc(1, sizeof *m);
    if (m == NULL) return FR_ERR_MEMORY;
    m->axes = axes;
    m->shape = fr_alloc(axes->space->n, sizeof *m->shape);
    fr_status st = m->shape == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t j = 0; j < axes->space->n && st == FR_OK; j++) {
        const size_t cells = axes->axis[j].cells;
        m->shape[j].table = fr_alloc(cells * (cells + 1), sizeof(float));
        if (m->shape[j].table == NULL) st = FR_ERR_MEMORY;
    }
    if (st != FR_OK)
        fr_mixture_destroy(&m);
    else
        *out = m;
    return st;
}

static void free_kernels(fr_mixture *m)
{
    free(m->centre);
    free(m->constant);
    free(m->place);
    free(m->scale);
    free(m->cell);
    free(m->log_weight);
    free(m->weight);
    free(m->work);
}

void fr_mixture_destroy(fr_mixture **mixture)
{
    fr_mixture *m = *mixture;
    if (m == NULL) return;
    for (size_t j = 0; m->shape != NULL && j < m->axes->space->n; j++) free(m->shape[j].table);
    free_kernels(m);
    free(m->shape);
    free(m);
    *mixture = NULL;
}

static fr_status reserve(fr_mixture *m, size_t n)
{
    if (n <= m->capacity) return FR_OK;
    /* A multiple of the lanes that sums are made in. */
    const size_t d = m->axes->space->n, capacity = (n + n / 2 + 64) / 64 * 64;
    free_kernels(m);
    m->capacity = 0;
    m->centre = fr_alloc(d * capacity, sizeof(float));
    m->constant = fr_alloc(d * capacity, sizeof(float));
    m->place = fr_alloc(d * capacity, sizeof(float));
    m->scale = fr_alloc(d * capacity, sizeof(float));
    m->cell = fr_alloc(d * capacity, sizeof(uint16_t));
    m->log_weight = fr_alloc(capacity, sizeof(float));
    m->weight = fr_alloc(capacity, sizeof(float));
    m->work = fr_alloc(capacity, sizeof(float));
    if (m->centre == NULL || m->constant == NULL || m->place == NULL || m->scale == NULL ||
        m->cell == NULL || m->log_weight == NULL || m->weight == NULL || m->work == NULL)
        return FR_ERR_MEMORY;
    m->capacity = capacity;
    return FR_OK;
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752);
}

/* Mass of a normal kernel between two places. */
static double mass(double centre, double sigma, double from, double to)
{
    return normal_cdf((to - centre) / sigma) - normal_cdf((from - centre) / sigma);
}

static double position(const axis *a, float coordinate)
{
    if (a->edges == NULL) return coordinate;
    const size_t c = (size_t)coordinate;
    return 0.5 * (a->edges[c] + a->edges[c + 1]);
}

/* Scott's rule in `dims` dimensions ("Multivariate Density Estimation", 1992, eq. 6.44), with
 * one uniform observation more, so that few centres, or equal ones, do not make a spike. A
 * parameter that does not matter keeps a spread of the whole range, one that does a narrow
 * one. Never below half a cell: neighbours on a grid must know of each other. */
static double bandwidth(const fr_mixture *m, size_t j, double dims)
{
    const axis *a = &m->axes->axis[j];
    const float *centre = m->centre + j * m->capacity;
    double sum = 0.0, squares = 0.0, n = 0.0;
    for (size_t i = 0; i < m->n; i++) {
        if (isnan(centre[i])) continue;
        const double x = position(a, centre[i]);
        sum += x;
        squares += x * x;
        n += 1.0;
    }
    const double around_mean = n > 0.0 ? fmax(squares - sum * sum / n, 0.0) : 0.0;
    const double variance = (around_mean + 1.0 / 12.0) / fmax(n, 1.0);
    const double sigma = sqrt(variance) * pow(n + 1.0, -1.0 / (dims + 4.0));
    return fmin(1.0, fmax(sigma, a->floor));
}

static void fill_choice(const axis *a, shape *s)
{
    const double n = (double)a->cells;
    for (size_t r = 0; r < a->cells; r++) {
        float *row = s->table + r * (a->cells + 1);
        for (size_t c = 0; c < a->cells; c++)
            row[c] = (float)log(r == c ? n * (1.0 - s->sigma) + s->sigma : s->sigma);
        row[a->cells] = 0.0f;
    }
}

static void fill_ordered(const axis *a, shape *s)
{
    const double sigma = s->sigma;
    for (size_t c = 0; c < a->cells; c++) {
        const double centre = position(a, (float)c), all = mass(centre, sigma, 0.0, 1.0);
        for (size_t r = 0; r < a->cells; r++) {
            const double here = mass(centre, sigma, a->edges[r], a->edges[r + 1]);
            const double width = a->edges[r + 1] - a->edges[r];
            s->table[r * (a->cells + 1) + c] = (float)log(fmax(here / all / width, 1e-30));
        }
    }
    for (size_t r = 0; r < a->cells; r++) s->table[r * (a->cells + 1) + a->cells] = 0.0f;
}

static void fill_smooth(shape *s)
{
    for (int i = 0; i <= Z_STEPS / 2; i++) {
        const double all = mass((double)i / Z_STEPS, s->sigma, 0.0, 1.0);
        s->z[i] = s->z[Z_STEPS - i] = (float)-log(all * s->sigma * 2.5066282746310002);
    }
    s->z[Z_STEPS + 1] = s->z[Z_STEPS];
}

/* What the evaluation reads for each kernel: its column of the table, or the constant term of
 * its log density. */
static void prepare_kernels(fr_mixture *m, size_t j)
{
    const axis *a = &m->axes->axis[j];
    const shape *s = &m->shape[j];
    const size_t first = j * m->capacity;
    for (size_t i = first; i < first + m->n; i++) {
        const float centre = m->centre[i];
        const bool active = !isnan(centre);
        if (a->cells > 0) {
            m->cell[i] = (uint16_t)(active ? centre : (float)a->cells);
            continue;
        }
        const float at = active ? centre * Z_STEPS : 0.0f;
        const int k = (int)at;
        const float constant = s->z[k] + (at - (float)k) * (s->z[k + 1] - s->z[k]);
        m->constant[i] = active ? constant : 0.0f;
        m->place[i] = active ? centre : 0.0f;
        m->scale[i] = active ? (float)(0.70710678118654752 / s->sigma) : 0.0f;
    }
}

static void fit_axis(fr_mixture *m, size_t j, double dims)
{
    const axis *a = &m->axes->axis[j];
    shape *s = &m->shape[j];
    if (a->param->kind == FR_PARAM_CHOICE) {
        s->sigma = CHOICE_SPREAD;
        fill_choice(a, s);
    } else {
        s->sigma = bandwidth(m, j, dims);
        if (a->cells > 0)
            fill_ordered(a, s);
        else
            fill_smooth(s);
    }
    prepare_kernels(m, j);
}

fr_status fr_mixture_fit(fr_mixture *m, const float *coordinates, const size_t *rows,
                         const float *weight, size_t n)
{
    const size_t d = m->axes->space->n;
    FR_TRY(reserve(m, n));
    double total = 1.0, active = 0.0;
    m->n = n;
    for (size_t i = 0; i < n; i++) {
        const float *row = coordinates + rows[i] * d;
        for (size_t j = 0; j < d; j++) {
            m->centre[j * m->capacity + i] = row[j];
            active += isnan(row[j]) ? 0.0 : 1.0;
        }
        total += weight == NULL ? 1.0 : (double)weight[i];
    }
    m->uniform = 1.0 / total;
    for (size_t i = 0; i < n; i++) {
        m->weight[i] = (float)((weight == NULL ? 1.0 : (double)weight[i]) / total);
        m->log_weight[i] = logf(m->weight[i]);
    }
    const double dims = n > 0 ? active / (double)n : (double)d;
    for (size_t j = 0; j < d; j++) fit_axis(m, j, dims);
    return FR_OK;
}

static double draw_smooth(const axis *a, double centre, double sigma, fr_rng *rng)
{
    double x;
    do {
        x = centre + sigma * fr_rng_normal(rng);
    } while (x < 0.0 || x >= 1.0);
    return fr_param_from_unit(a->param, x);
}

/* A value of parameter j from kernel i; from the uniform one for i = n. */
static double draw_value(const fr_mixture *m, size_t j, size_t i, fr_rng *rng)
{
    const axis *a = &m->axes->axis[j];
    const double sigma = m->shape[j].sigma;
    const float centre = i < m->n ? m->centre[j * m->capacity + i] : NAN;
    if (isnan(centre)) return fr_param_from_unit(a->param, fr_rng_uniform(rng));
    if (a->cells == 0) return draw_smooth(a, centre, sigma, rng);
    if (a->edges != NULL) return draw_smooth(a, position(a, centre), sigma, rng);
    if (fr_rng_uniform(rng) < sigma) return value_of(a, (size_t)fr_rng_below(rng, a->cells));
    return value_of(a, (size_t)centre);
}

void fr_mixture_draw(const fr_mixture *m, fr_rng *rng, double *point)
{
    double u = fr_rng_uniform(rng);
    size_t i = 0;
    for (; i < m->n && u >= m->weight[i]; i++) u -= m->weight[i];
    for (size_t j = 0; j < m->axes->space->n; j++)
        point[j] = fr_space_active(m->axes->space, j, point) ? draw_value(m, j, i, rng) : NAN;
}

/* e^x for x <= 0 and finite, relative error below 1e-5; below x = -86 what stands for nothing,
 * 4e-38. Cephes' polynomial on [-ln 2 / 2, ln 2 / 2] and the exponent by integer arithmetic: no
 * branch (even a comparison would be one to the compiler) and no call, so that a loop of it is
 * vectorised. */
static inline float exp_negative(float x)
{
    const float above = x + 86.0f;
    const float clamped = 0.5f * (above + fabsf(above)) - 86.0f;
    const int32_t k = (int32_t)(clamped * 1.44269504f - 0.5f);
    const float r = clamped - (float)k * 0.693359375f - (float)k * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const union {
        int32_t i;
        float f;
    } scale = {.i = (k + 127) * (1 << 23)};
    return (p * r * r + r + 1.0f) * scale.f;
}

/* Add the log densities of parameter j at x: a product of two in a branch that a kernel is not
 * in is its density elsewhere, times one. */
static void add_axis(const fr_mixture *m, size_t j, float x, float *restrict work)
{
    const axis *a = &m->axes->axis[j];
    const size_t n = m->n, first = j * m->capacity;
    if (a->cells > 0) {
        const float *restrict row = m->shape[j].table + (size_t)x * (a->cells + 1);
        const uint16_t *restrict cell = m->cell + first;
        for (size_t i = 0; i < n; i++) work[i] += row[cell[i]];
        return;
    }
    const float *restrict place = m->place + first, *restrict scale = m->scale + first;
    const float *restrict constant = m->constant + first;
    for (size_t i = 0; i < n; i++) {
        const float z = (x - place[i]) * scale[i];
        work[i] += constant[i] - z * z;
    }
}

/* Maximum and sum in lanes of a fixed number: the same bits on every machine, and loops that
 * can be vectorised without leave to reorder. `work` is padded to whole lanes. */
enum { LANES = 8 };

static float largest(const float *work, size_t n, float at_least)
{
    float lane[LANES];
    for (size_t k = 0; k < LANES; k++) lane[k] = at_least;
    for (size_t i = 0; i < n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] = work[i + k] > lane[k] ? work[i + k] : lane[k];
    for (size_t k = 1; k < LANES; k++) lane[0] = lane[k] > lane[0] ? lane[k] : lane[0];
    return lane[0];
}

static double sum_of_exponentials(float *work, size_t n, float top)
{
    float lane[LANES] = {0};
    for (size_t i = 0; i < n; i++) work[i] = exp_negative(work[i] - top);
    for (size_t i = 0; i < n; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += work[i + k];
    double sum = 0.0;
    for (size_t k = 0; k < LANES; k++) sum += (double)lane[k];
    return sum;
}

double fr_mixture_log_density(fr_mixture *m, const float *coordinates)
{
    const size_t padded = (m->n + LANES - 1) / LANES * LANES;
    float *work = m->work;
    for (size_t i = 0; i < m->n; i++) work[i] = m->log_weight[i];
    for (size_t i = m->n; i < padded; i++) work[i] = -1e30f;
    for (size_t j = 0; j < m->axes->space->n; j++)
        if (!isnan(coordinates[j])) add_axis(m, j, coordinates[j], work);
    const float top = largest(work, padded, (float)log(m->uniform));
    const double sum = sum_of_exponentials(work, padded, top);
    return (double)top + log(sum + m->uniform * exp(-(double)top));
}
