/* SPDX-License-Identifier: BSD-3-Clause */
/* kernel_fit.c - the closed form of a kernel model: one factorisation for each ridge value, by
 * whoever the solver is; the formulas are in kernel_ridge.h.
 *
 * Every ridge value gets its own Cholesky factor, though one eigendecomposition would serve
 * them all: LAPACK's dsyevd of 1,000 and 2,000 rows took as long as 6 to 7 factors with their
 * leave-one-out errors, and wants three times the memory, which is what is short with many
 * rows. And a trial computes what it would compute alone, to the last bit.
 *
 * A fit to more than model.distribute_from rows asks request->solvers for a solver of all
 * ranks, and gives it back before it predicts. Of a group only process 0 does that; the others
 * wait for what it finds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/kernel_ridge.h"
#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    const fr_fit_request *request;
    const fr_prepared *prepared;
    size_t n, d, m;   /* training rows, inputs, outputs */
    double *x;        /* (n, d + 1) inputs, and the root of the row's weight */
    double *y;        /* (n, m) targets: values, or 1 for the class and -1 for the others */
    double *solved;   /* (n, m + 1) u, v */
    double *weights;  /* (n, m) */
    double *best;     /* (n, m) of the best ridge so far */
    double *diagonal; /* (n) of the inverse, where several values are tried */
    double theta[FR_KERNEL_RIDGE_THETA];
    fr_gram gram;
    fr_gram_solver solver;
    bool spread;   /* the matrix lies on all ranks */
    double *bias;  /* (m), (m) of the best, and the two below: what a group shares */
    double *ridge; /* the best, */
    double *error; /* and its leave-one-out error; INFINITY: none yet; NaN: stopped */
} closed_form;

static fr_status allocate(closed_form *c)
{
    const size_t n = c->n, m = c->m;
    c->x = fr_alloc(n * (c->d + 1), sizeof *c->x);
    c->y = fr_alloc(n * m, sizeof *c->y);
    c->solved = fr_alloc(n * (m + 1), sizeof *c->solved);
    c->weights = fr_alloc(n * m, sizeof *c->weights);
    c->best = fr_alloc(n * m, sizeof *c->best);
    c->diagonal = fr_alloc(n, sizeof *c->diagonal);
    c->bias = fr_alloc(2 * m + 2, sizeof *c->bias);
    const bool good = c->x != NULL && c->y != NULL && c->solved != NULL && c->weights != NULL &&
                      c->best != NULL && c->diagonal != NULL && c->bias != NULL;
    if (!good) return FR_ERR_MEMORY;
    c->ridge = c->bias + 2 * m;
    c->error = c->ridge + 1;
    *c->error = INFINITY;
    return FR_OK;
}

static void release_solver(closed_form *c)
{
    if (c->solver.destroy != NULL) c->solver.destroy(c->solver.context);
    c->solver = (fr_gram_solver){0};
}

static void clear(closed_form *c)
{
    free(c->x);
    free(c->y);
    free(c->solved);
    free(c->weights);
    free(c->best);
    free(c->diagonal);
    free(c->bias);
    release_solver(c);
}

/* The inputs as they are predicted from: in float32. */
static fr_status gather_inputs(closed_form *c)
{
    const fr_fit_request *r = c->request;
    const fr_prepared *p = c->prepared;
    float *x = p->train_x;
    if (x == NULL) {
        x = fr_alloc(c->n * p->stride, sizeof *x);
        if (x == NULL) return FR_ERR_MEMORY;
        fr_transform_apply(&p->transform, r->dataset, r->train, c->n, x, p->stride);
    }
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = 0; j < c->d; j++)
            c->x[i * (c->d + 1) + j] = (double)x[i * p->stride + j];
    if (x != p->train_x) free(x);
    return FR_OK;
}

static fr_status gather_targets(closed_form *c)
{
    const fr_fit_request *r = c->request;
    const bool classes = r->dataset->schema.learn == FR_LEARN_CLASSIFICATION;
    float *class_weight = NULL, *row_weight = NULL;
    const fr_status st = fr_weigh_rows(r, &class_weight, &row_weight);
    for (size_t i = 0; st == FR_OK && i < c->n; i++) {
        const double weight = row_weight == NULL ? 1.0 : (double)row_weight[i];
        const double y = (double)c->prepared->train_y[i];
        c->x[i * (c->d + 1) + c->d] = sqrt(weight);
        for (size_t k = 0; k < c->m; k++)
            c->y[i * c->m + k] = !classes ? y : (size_t)y == k ? 1.0 : -1.0;
    }
    free(class_weight);
    free(row_weight);
    return st;
}

static double root_weight(const closed_form *c, size_t i)
{
    return c->x[i * (c->d + 1) + c->d];
}

/* bias (m), and u - bias v in the place of u. */
static void take_bias(closed_form *c)
{
    const size_t n = c->n, m = c->m;
    double sv = 0;
    for (size_t i = 0; i < n; i++) sv += root_weight(c, i) * c->solved[i * (m + 1) + m];
    for (size_t k = 0; k < m; k++) {
        double su = 0;
        for (size_t i = 0; i < n; i++) su += root_weight(c, i) * c->solved[i * (m + 1) + k];
        c->bias[k] = c->request->recipe->model.intercept && sv > 0 ? su / sv : 0;
        for (size_t i = 0; i < n; i++)
            c->solved[i * (m + 1) + k] -= c->bias[k] * c->solved[i * (m + 1) + m];
    }
}

/* Sum of the squared leave-one-out errors, weighted; the factor is used up. */
static fr_status leave_one_out(closed_form *c, double *error)
{
    const size_t n = c->n, m = c->m;
    const bool intercept = c->request->recipe->model.intercept;
    double sv = 0;
    FR_TRY(c->solver.inverse_diagonal(c->solver.context, c->diagonal));
    for (size_t i = 0; i < n; i++) sv += root_weight(c, i) * c->solved[i * (m + 1) + m];
    *error = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = c->solved[i * (m + 1) + m];
        const double inverse = c->diagonal[i] - (intercept ? v * v / sv : 0);
        for (size_t k = 0; k < m; k++) {
            const double e = c->solved[i * (m + 1) + k] / inverse;
            *error += e * e;
        }
    }
    return FR_OK;
}

/* Weights and bias for one ridge value, kept if they are the best so far. */
static fr_status try_ridge(closed_form *c, double ridge, bool compare)
{
    const size_t n = c->n, m = c->m;
    double logdet, error = 0;
    c->theta[FR_KERNEL_RIDGE_THETA - 1] = ridge;
    FR_TRY(c->solver.factor(c->solver.context, &c->gram, &logdet));
    for (size_t i = 0; i < n; i++) {
        const double s = root_weight(c, i);
        for (size_t k = 0; k < m; k++) c->solved[i * (m + 1) + k] = s * c->y[i * m + k];
        c->solved[i * (m + 1) + m] = s;
    }
    const fr_matrix b = {c->solved, n, m + 1, m + 1};
    FR_TRY(c->solver.solve(c->solver.context, &b));
    take_bias(c);
    if (compare) FR_TRY(leave_one_out(c, &error));
    if (isnan(error) || error >= *c->error) return FR_OK;
    *c->error = error;
    *c->ridge = ridge;
    memcpy(c->bias + m, c->bias, m * sizeof *c->bias);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            c->best[i * m + k] = root_weight(c, i) * c->solved[i * (m + 1) + k];
    return FR_OK;
}

static fr_status note_singular(const closed_form *c, fr_fold_result *result)
{
    const fr_model_options *o = &c->request->recipe->model;
    char ridge[FR_NUMBER_SIZE];
    fr_text text = {0};
    const bool single = c->spread && o->precision == FR_PRECISION_SINGLE;
    fr_text_add(&text,
                "the kernel matrix of %zu rows with ridge %s cannot be factored%s: to rounding "
                "it is not positive definite; try a larger ridge%s",
                c->n, fr_format_double(o->ridge, ridge), single ? " in single precision" : "",
                single ? " or precision double" : "");
    const fr_status st = fr_fit_note(result, FR_TRIAL_FAILED, &text);
    fr_text_clear(&text);
    return st;
}

/* All ridge values; those too small for the matrix are passed over while another one is left.
 */
static fr_status try_ridges(closed_form *c)
{
    const fr_model_options *o = &c->request->recipe->model;
    double ridge = o->ridge;
    for (int64_t step = 0; step < o->ridge_steps; step++, ridge *= 10) {
        const fr_status st = try_ridge(c, ridge, o->ridge_steps > 1);
        if (st != FR_OK && st != FR_ERR_NUMERIC) return st;
    }
    return FR_OK;
}

/* By all ranks. A stop is a finding, too: the whole group ends then. */
static fr_status try_together(closed_form *c)
{
    const fr_gram_source *source = c->request->solvers;
    fr_status st = source->open(source->context, &c->solver);
    if (st == FR_OK) st = try_ridges(c);
    release_solver(c);
    if (st != FR_STOPPED) return st;
    *c->error = NAN;
    return FR_OK;
}

static void share_from_first(const fr_fit_group *group, double *values, size_t n)
{
    size_t bounds[FR_GROUP_MAX + 1] = {0};
    for (size_t k = 1; k <= group->size; k++) bounds[k] = n * sizeof *values;
    group->share(group->context, values, bounds);
}

static fr_status solve(closed_form *c)
{
    const fr_fit_group *group = c->request->group;
    fr_status st = FR_OK;
    if (!c->spread) {
        FR_TRY(fr_gram_solver_local(&c->solver));
        st = try_ridges(c);
        release_solver(c);
        return st;
    }
    if (group == NULL || group->index == 0) st = try_together(c);
    FR_TRY(fr_fit_agree(group, st));
    if (group == NULL) return FR_OK;
    share_from_first(group, c->bias, 2 * c->m + 2);
    share_from_first(group, c->best, c->n * c->m);
    return FR_OK;
}

/* The matrix, where it is not shared out, and the inputs, which are dense here even where the
 * data set is sparse. */
static fr_status check_memory(const closed_form *c)
{
    const double cols = (double)(c->spread ? 0 : c->n) + (double)(c->d + 1);
    const double bytes = (double)c->n * cols * (double)sizeof(double);
    char needed[FR_NUMBER_SIZE], limit[FR_NUMBER_SIZE];
    if (bytes <= fr_memory_limit()) return FR_OK;
    return FR_FAIL(FR_ERR_MEMORY,
                   "%s %zu training rows%s %zu inputs take %s, there are %s: take fewer rows, "
                   "or another family%s",
                   c->spread ? "the" : "the kernel matrix of", c->n,
                   c->spread ? " of" : " and their", c->d, fr_format_bytes(bytes, needed),
                   fr_format_bytes(fr_memory_limit(), limit),
                   c->spread ? "" : ", or let all ranks share the matrix (distribute_from)");
}

static fr_status prepare(closed_form *c)
{
    FR_TRY(check_memory(c));
    FR_TRY(allocate(c));
    FR_TRY(gather_inputs(c));
    FR_TRY(gather_targets(c));
    const fr_kernel_function kernel = fr_kernel_function_make(&c->request->recipe->model, c->d);
    c->theta[0] = kernel.kind;
    c->theta[1] = kernel.gamma;
    c->theta[2] = kernel.degree;
    c->theta[3] = kernel.coef0;
    c->gram = (fr_gram){.kernel = &fr_kernel_ridge,
                        .x = c->x,
                        .theta = c->theta,
                        .n = c->n,
                        .d = c->d + 1,
                        .n_theta = FR_KERNEL_RIDGE_THETA,
                        .precision = (fr_precision)c->request->recipe->model.precision};
    return FR_OK;
}

/* The model keeps the ridge that was chosen. */
static fr_status make_model(const closed_form *c, fr_model *model)
{
    const fr_kernel_layout layout = fr_kernel_layout_make(c->n, c->d, c->m);
    FR_TRY(fr_fit_make_model(c->request, &c->prepared->transform, layout.n_params, model));
    model->n_rows = c->n;
    model->options.ridge = *c->ridge;
    model->options.ridge_steps = 1;
    float *params = model->params;
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = 0; j < c->d; j++)
            params[i * c->d + j] = (float)c->x[i * (c->d + 1) + j];
    for (size_t i = 0; i < c->n * c->m; i++) params[layout.weights + i] = (float)c->best[i];
    for (size_t k = 0; k < c->m; k++) params[layout.bias + k] = (float)c->bias[c->m + k];
    return FR_OK;
}

/* Mean over rows of the squared errors in the training target's unit, summed over outputs. */
static double mean_loss(const fr_model *model, const float *y, const float *outputs, size_t n)
{
    const fr_transform *t = &model->transform;
    const bool classes = model->schema.learn == FR_LEARN_CLASSIFICATION;
    const size_t m = model->n_outputs;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++) {
            const double wanted = !classes ? (double)y[i] : (size_t)y[i] == k ? 1.0 : -1.0;
            const double e = ((double)outputs[i * m + k] - wanted) * t->target_factor;
            sum += e * e;
        }
    return sum / (double)n;
}

/* Rows through the model: their targets, outputs and mean loss. */
typedef struct {
    float *y, *outputs;
    double loss;
} scored;

static fr_status score_rows(const closed_form *c, const fr_model *model, const uint32_t *rows,
                            size_t n, scored *out)
{
    const fr_dataset *dataset = c->request->dataset;
    out->y = fr_alloc(n, sizeof *out->y);
    out->outputs = fr_alloc(n * c->m, sizeof *out->outputs);
    if (out->y == NULL || out->outputs == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) out->y[i] = dataset->y[rows[i]];
    FR_TRY(fr_model_predict(model, dataset, rows, n, out->outputs));
    out->loss = mean_loss(model, out->y, out->outputs, n);
    return FR_OK;
}

static fr_status score_by(const closed_form *c, fr_metric metric, const scored *s,
                          const uint32_t *rows, size_t n, double *score)
{
    const fr_metric_rows all = {.y = s->y,
                                .output = s->outputs,
                                .n = n,
                                .n_outputs = c->m,
                                .dataset = c->request->dataset,
                                .row = rows};
    return fr_metric_score_rows(metric, &all, score);
}

static fr_status score_valid(const closed_form *c, const scored *s, fr_fold_result *result)
{
    const fr_fit_request *r = c->request;
    FR_TRY(score_by(c, r->metric, s, r->valid, r->n_valid, &result->score));
    if (isnan(result->score)) return fr_fit_note_undefined(r, r->metric, result);
    result->n_more = r->n_more;
    for (uint32_t k = 0; k < r->n_more; k++) {
        FR_TRY(score_by(c, r->more[k], s, r->valid, r->n_valid, &result->more[k]));
        if (isnan(result->more[k])) return fr_fit_note_undefined(r, r->more[k], result);
    }
    return FR_OK;
}

/* Scores and the curve's one point. */
static fr_status score(const closed_form *c, const fr_model *model, fr_fold_result *result)
{
    const fr_fit_request *r = c->request;
    scored train = {0}, valid = {.loss = NAN};
    fr_status st = score_rows(c, model, r->train, c->n, &train);
    if (st == FR_OK && r->want_train_score)
        st = score_by(c, r->metric, &train, r->train, c->n, &result->train_score);
    if (st == FR_OK && r->n_valid > 0) {
        st = score_rows(c, model, r->valid, r->n_valid, &valid);
        if (st == FR_OK) st = score_valid(c, &valid, result);
    }
    result->loss = valid.loss;
    result->epochs = result->best_epoch = 1;
    result->curve[0] = train.loss;
    result->curve[1] = result->score;
    result->n_curve = 1;
    free(train.y);
    free(train.outputs);
    free(valid.y);
    free(valid.outputs);
    return st;
}

static fr_status run(closed_form *c, fr_fold_result *result, fr_model *model)
{
    const double start = fr_clock_now();
    const int64_t steps = c->request->recipe->model.ridge_steps;
    result->score = result->loss = result->train_score = NAN;
    result->curve = fr_alloc(1, 2 * sizeof *result->curve);
    if (result->curve == NULL) return FR_ERR_MEMORY;
    FR_TRY(fr_fit_agree(c->request->group, prepare(c)));
    FR_TRY(solve(c));
    if (isinf(*c->error)) return note_singular(c, result);
    if (isnan(*c->error)) {
        result->state = FR_TRIAL_INTERRUPTED;
        return FR_OK;
    }
    const double fitted_s = fr_clock_now() - start;
    FR_TRY(make_model(c, model));
    FR_TRY(score(c, model, result));
    result->samples_per_second = fitted_s > 0 ? (double)c->n / fitted_s : 0;
    result->flops =
        fr_kernel_flops_fit(c->n, c->d, (size_t)steps) +
        (double)(c->n + c->request->n_valid) * fr_kernel_flops_predict(c->n, c->d, c->m);
    return FR_OK;
}

static bool is_spread(const fr_fit_request *request)
{
    const int64_t from = request->recipe->model.distribute_from;
    return request->solvers != NULL && from > 0 && (int64_t)request->n_train > from;
}

static bool is_stopped(const fr_fit_request *request)
{
    return fr_group_any(request->group, request->stop != NULL && atomic_load(request->stop));
}

fr_status fr_kernel_fit(const fr_fit_request *request, const fr_prepared *prepared,
                        fr_fold_result *result, fr_model *model)
{
    const fr_schema *schema = &request->dataset->schema;
    const double start = fr_clock_now();
    fr_model own = {0};
    closed_form c = {.request = request,
                     .prepared = prepared,
                     .n = request->n_train,
                     .d = prepared->transform.width,
                     .m = schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1,
                     .spread = is_spread(request)};
    if (is_stopped(request)) {
        result->state = FR_TRIAL_INTERRUPTED;
        result->score = result->loss = result->train_score = NAN;
        return FR_OK;
    }
    fr_status st = fr_fit_agree(request->group, run(&c, result, &own));
    result->seconds = fr_clock_now() - start;
    if (st == FR_OK && model != NULL) {
        *model = own;
        own = (fr_model){0};
    }
    fr_model_clear(&own);
    clear(&c);
    return st;
}
