/* SPDX-License-Identifier: BSD-3-Clause */
/* boost.c - gradient boosting: a round adds a tree to every score, grown from the derivatives
 * of the loss by the scores before (Friedman 2001; second order: Chen and Guestrin, KDD 2016).
 *
 * The losses are XGBoost's reg:squarederror, reg:absoluteerror, binary:logistic and
 * multi:softprob. Scores start from what is best without any tree: the mean, the median, the
 * log odds, the logarithms of the shares. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "grow.h"
#include "internal.h"

const char fr_boost_how_to_get[] =
    "this foldrank was built without XGBoost's library: install it (Debian: libxgboost-dev; "
    "Spack: xgboost; conda: libxgboost), or name its folder (make XGBOOST=DIR), and build "
    "again";

enum { CHUNK = 1024 }; /* rows whose losses are summed together, on any number of threads */

typedef struct {
    fr_fit_course course;
    const fr_fit_request *request;
    const fr_prepared *prepared;
    fr_train_options options;
    fr_transform transform; /* numbers as they are */
    fr_tree_inputs train, valid;
    fr_grower *grower;
    fr_trees trees;
    size_t n_outputs, n_scores, best_trees;
    float *class_weight, *weight;  /* (n_train), or NULL: all 1 */
    float *train_score;            /* (n_train, n_scores) of the first `trained` trees */
    float *valid_score;            /* (n_valid, n_scores) of the first `validated` trees */
    float *gradient, *hessian;     /* (n_scores, n_train) */
    float *valid_y, *valid_output; /* (n_valid), (n_valid, n_outputs) */
    double *chunk_loss;            /* (chunks of training rows) */
    size_t trained, validated;
    double total_weight;
} boost_fit;

static bool classifies(const boost_fit *f)
{
    return f->request->dataset->schema.learn == FR_LEARN_CLASSIFICATION;
}

/* ---- losses ---- */

static double row_weight(const boost_fit *f, size_t i)
{
    return f->weight == NULL ? 1.0 : (double)f->weight[i];
}

static void put(boost_fit *f, size_t i, size_t k, double gradient, double hessian)
{
    const double w = row_weight(f, i);
    f->gradient[k * f->request->n_train + i] = (float)(w * gradient);
    f->hessian[k * f->request->n_train + i] = (float)(w * hessian);
}

static bool is_absolute(const boost_fit *f)
{
    return !classifies(f) && f->request->recipe->model.loss == FR_LOSS_ABSOLUTE;
}

/* Derivatives of row i's loss; returns the loss. */
static double distance(boost_fit *f, size_t i)
{
    const double e = (double)f->train_score[i] - (double)f->prepared->train_y[i];
    if (!is_absolute(f)) {
        put(f, i, 0, e, 1);
        return e * e;
    }
    put(f, i, 0, (e > 0) - (e < 0), 1);
    return fabs(e);
}

static double logistic(boost_fit *f, size_t i)
{
    const double s = (double)f->train_score[i], y = (double)f->prepared->train_y[i];
    const double p = 1 / (1 + exp(-s));
    put(f, i, 0, p - y, fmax(p * (1 - p), 1e-16));
    return fmax(s, 0) - s * y + log1p(exp(-fabs(s)));
}

static double softmax(boost_fit *f, size_t i)
{
    const float *s = f->train_score + i * f->n_scores;
    const size_t y = (size_t)f->prepared->train_y[i];
    double top = (double)s[0], sum = 0;
    for (size_t k = 1; k < f->n_scores; k++) top = fmax(top, (double)s[k]);
    for (size_t k = 0; k < f->n_scores; k++) sum += exp((double)s[k] - top);
    for (size_t k = 0; k < f->n_scores; k++) {
        const double p = exp((double)s[k] - top) / sum;
        put(f, i, k, p - (k == y), fmax(2 * p * (1 - p), 1e-16));
    }
    return log(sum) + top - (double)s[y];
}

static double row_loss(boost_fit *f, size_t i)
{
    if (!classifies(f)) return distance(f, i);
    return f->n_scores == 1 ? logistic(f, i) : softmax(f, i);
}

/* Gradients of all rows; returns their mean loss. */
static double differentiate(boost_fit *f)
{
    const size_t n = f->request->n_train, chunks = (n + CHUNK - 1) / CHUNK;
    const int team = f->request->threads > 1 && chunks > 1 ? f->request->threads : 1;
    double loss = 0;
#pragma omp parallel for num_threads(team) if (team > 1) default(none) schedule(static)        \
    firstprivate(f, n, chunks)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * CHUNK < n ? (c + 1) * CHUNK : n;
        double sum = 0;
        for (size_t i = c * CHUNK; i < end; i++) sum += row_weight(f, i) * row_loss(f, i);
        f->chunk_loss[c] = sum;
    }
    for (size_t c = 0; c < chunks; c++) loss += f->chunk_loss[c];
    return loss / f->total_weight;
}

/* Rows that are not drawn have no derivatives in this round. */
static void draw_rows(boost_fit *f, uint32_t round)
{
    const fr_fit_request *r = f->request;
    const double share = r->recipe->model.boost.subsample;
    if (share >= 1) return;
    fr_rng rng = fr_rng_make(r->seed, FR_RNG_SUBSAMPLE, r->trial, r->fold, round);
    for (size_t i = 0; i < r->n_train; i++) {
        if (fr_rng_uniform(&rng) < share) continue;
        for (size_t k = 0; k < f->n_scores; k++)
            f->gradient[k * r->n_train + i] = f->hessian[k * r->n_train + i] = 0;
    }
}

/* ---- a round ---- */

static fr_status catch_up(boost_fit *f, const fr_tree_inputs *inputs, float *score,
                          size_t *known)
{
    if (*known == 0) fr_trees_begin(&f->trees, inputs->n, score);
    FR_TRY(
        fr_trees_add(&f->trees, *known, f->trees.n_trees, inputs, f->request->threads, score));
    *known = f->trees.n_trees;
    return FR_OK;
}

/* Trees of scores [first, end) of a round. */
static fr_status grow_scores(boost_fit *f, uint32_t round, size_t first, size_t end,
                             fr_trees *trees)
{
    const fr_fit_request *r = f->request;
    fr_rng seeds = fr_rng_make(r->seed, FR_RNG_COLUMNS, r->trial, r->fold, round);
    for (size_t k = 0; k < end; k++) {
        const uint32_t seed = fr_rng_u32(&seeds);
        if (k < first) continue;
        FR_TRY(fr_grower_grow(f->grower, seed, f->gradient + k * r->n_train,
                              f->hessian + k * r->n_train, trees));
    }
    return FR_OK;
}

/* Each process of a group grows some of the round's trees. */
static fr_status grow_together(boost_fit *f, uint32_t round)
{
    const fr_fit_group *group = f->request->group;
    size_t scores[FR_GROUP_MAX + 1];
    fr_trees mine;
    fr_group_bounds(group, f->n_scores, 1, scores);
    fr_status st = fr_trees_create(1, &mine);
    if (st == FR_OK)
        st = grow_scores(f, round, scores[group->index], scores[group->index + 1], &mine);
    st = fr_fit_agree(group, st);
    if (st == FR_OK) st = fr_boost_share(group, &mine, &f->trees);
    fr_trees_clear(&mine);
    return st;
}

static bool grown_is_finite(const fr_trees *trees, size_t first)
{
    for (size_t i = first; i < trees->n_nodes; i++)
        if (!isfinite(trees->node[i].value)) return false;
    return true;
}

static fr_boost_rows training_rows(const boost_fit *f, const float *score)
{
    return (fr_boost_rows){&f->train, f->prepared->train_y, score, f->weight, f->hessian};
}

static fr_status try_step(boost_fit *f, uint32_t round, double *loss, bool *finite)
{
    const fr_fit_request *r = f->request;
    const size_t nodes = f->trees.n_nodes;
    FR_TRY(
        fr_fit_agree(f->request->group, catch_up(f, &f->train, f->train_score, &f->trained)));
    *loss = differentiate(f);
    *finite = isfinite(*loss);
    if (!*finite) return FR_OK;
    draw_rows(f, round);
    FR_TRY(f->request->group != NULL ? grow_together(f, round)
                                     : grow_scores(f, round, 0, f->n_scores, &f->trees));
    if (is_absolute(f)) {
        const fr_boost_rows rows = training_rows(f, f->train_score);
        FR_TRY(fr_boost_leaves(&rows, r->recipe->model.boost.learning_rate, &f->trees));
    }
    *finite = grown_is_finite(&f->trees, nodes);
    return FR_OK;
}

static fr_status step(void *self, uint32_t round, double *loss, bool *finite)
{
    boost_fit *f = self;
    return fr_fit_agree(f->request->group, try_step(f, round, loss, finite));
}

/* ---- scores ---- */

static void output_row(const boost_fit *f, const float *score, float *output)
{
    const fr_transform *t = &f->transform;
    fr_trees_output(score, f->n_scores, f->n_outputs, output);
    if (!classifies(f))
        output[0] = (float)((double)output[0] / t->target_factor + t->target_shift);
}

/* Of a row's outputs; of a regression in the training target's unit. */
static double output_loss(const boost_fit *f, const float *output, float y)
{
    if (classifies(f)) return -log(fmax((double)output[(size_t)y], 1e-30));
    const double e = ((double)output[0] - (double)y) * f->transform.target_factor;
    return is_absolute(f) ? fabs(e) : e * e;
}

static fr_status try_score(boost_fit *f, double *out, double *loss)
{
    const fr_fit_request *r = f->request;
    double sum = 0;
    FR_TRY(catch_up(f, &f->valid, f->valid_score, &f->validated));
    for (size_t i = 0; i < r->n_valid; i++) {
        float *output = f->valid_output + i * f->n_outputs;
        output_row(f, f->valid_score + i * f->n_scores, output);
        sum += output_loss(f, output, f->valid_y[i]);
    }
    *loss = sum / (double)r->n_valid;
    const fr_metric_rows all = {.y = f->valid_y,
                                .output = f->valid_output,
                                .n = r->n_valid,
                                .n_outputs = f->n_outputs,
                                .dataset = r->dataset,
                                .row = r->valid};
    return fr_metric_score_rows(r->metric, &all, out);
}

static fr_status score(void *self, double *out, double *loss)
{
    boost_fit *f = self;
    return fr_fit_agree(f->request->group, try_score(f, out, loss));
}

static fr_status try_training(boost_fit *f, double *out)
{
    const fr_fit_request *r = f->request;
    float *y = fr_alloc(r->n_train, sizeof *y);
    float *output = fr_alloc(r->n_train * f->n_outputs, sizeof *output);
    fr_status st = y == NULL || output == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = catch_up(f, &f->train, f->train_score, &f->trained);
    for (size_t i = 0; st == FR_OK && i < r->n_train; i++) {
        y[i] = r->dataset->y[r->train[i]];
        output_row(f, f->train_score + i * f->n_scores, output + i * f->n_outputs);
    }
    const fr_metric_rows all = {.y = y,
                                .output = output,
                                .n = r->n_train,
                                .n_outputs = f->n_outputs,
                                .dataset = r->dataset,
                                .row = r->train};
    if (st == FR_OK) st = fr_metric_score_rows(r->metric, &all, out);
    free(y);
    free(output);
    return st;
}

static fr_status score_training(void *self, double *out)
{
    boost_fit *f = self;
    return fr_fit_agree(f->request->group, try_training(f, out));
}

static void outputs(void *self, const float **y, const float **out, size_t *n_outputs)
{
    const boost_fit *f = self;
    *y = f->valid_y;
    *out = f->valid_output;
    *n_outputs = f->n_outputs;
}

/* ---- the best, and a saved fit ---- */

static void keep(void *self)
{
    boost_fit *f = self;
    f->best_trees = f->trees.n_trees;
}

static void take_best(void *self)
{
    boost_fit *f = self;
    if (f->best_trees == f->trees.n_trees) return;
    fr_trees_truncate(&f->trees, f->best_trees);
    f->trained = f->validated = 0;
}

static size_t save(void *self, fr_pack *head, fr_fit_part *parts)
{
    const boost_fit *f = self;
    (void)parts;
    fr_pack_u64(head, f->best_trees);
    fr_trees_pack(&f->trees, head);
    return 0;
}

static bool restore(void *self, fr_unpack *in, uint32_t done)
{
    boost_fit *f = self;
    fr_trees trees;
    const uint64_t best = fr_unpack_u64(in);
    const bool good = fr_trees_unpack(in, f->transform.width, &trees) == FR_OK &&
                      fr_unpack_left(in) == 0 && trees.n_scores == f->n_scores &&
                      trees.n_trees == done * f->n_scores && best <= trees.n_trees;
    if (!good) {
        fr_trees_clear(&trees);
        return false;
    }
    fr_trees_clear(&f->trees);
    f->trees = trees;
    f->best_trees = (size_t)best;
    return true;
}

/* ---- beginning and end ---- */

static fr_status set_base(boost_fit *f)
{
    const fr_fit_request *r = f->request;
    const float *y = f->prepared->train_y;
    double sum = 0;
    double *of_class = fr_alloc(f->n_outputs, sizeof *of_class);
    if (of_class == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < r->n_train; i++) {
        const double w = row_weight(f, i);
        f->total_weight += w;
        sum += w * (double)y[i];
        if (classifies(f)) of_class[(size_t)y[i]] += w;
    }
    for (size_t k = 0; k < f->n_outputs; k++)
        of_class[k] = log(fmax(of_class[k] / f->total_weight, 1e-7));
    for (size_t k = 0; k < f->n_scores; k++)
        f->trees.base[k] = (float)(!classifies(f)     ? sum / f->total_weight
                                   : f->n_scores == 1 ? of_class[1] - of_class[0]
                                                      : of_class[k]);
    free(of_class);
    if (!is_absolute(f)) return FR_OK;
    for (size_t i = 0; i < r->n_train; i++) f->hessian[i] = 1;
    const fr_boost_rows rows = training_rows(f, NULL);
    return fr_boost_median(&rows, f->trees.base);
}

static fr_status allocate(boost_fit *f)
{
    const fr_fit_request *r = f->request;
    const size_t n = r->n_train, m = r->n_valid;
    f->train_score = fr_alloc(n * f->n_scores, sizeof(float));
    f->valid_score = fr_alloc(m * f->n_scores, sizeof(float));
    f->gradient = fr_alloc(n * f->n_scores, sizeof(float));
    f->hessian = fr_alloc(n * f->n_scores, sizeof(float));
    f->valid_y = fr_alloc(m, sizeof(float));
    f->valid_output = fr_alloc(m * f->n_outputs, sizeof(float));
    f->chunk_loss = fr_alloc((n + CHUNK - 1) / CHUNK, sizeof(double));
    if (f->train_score == NULL || f->valid_score == NULL || f->gradient == NULL ||
        f->hessian == NULL || f->valid_y == NULL || f->valid_output == NULL ||
        f->chunk_loss == NULL)
        return FR_ERR_MEMORY;
    for (size_t i = 0; i < m; i++) f->valid_y[i] = r->dataset->y[r->valid[i]];
    return FR_OK;
}

static bool zero_is_missing(const boost_fit *f)
{
    return f->prepared->sparse || f->request->recipe->model.boost.missing == FR_MISSING_ZERO;
}

static fr_status create(boost_fit *f, fr_fold_result *result)
{
    const fr_fit_request *r = f->request;
    const bool zero = zero_is_missing(f);
    FR_TRY(fr_transform_copy(&f->prepared->transform, &f->transform));
    fr_transform_as_is(&f->transform);
    FR_TRY(
        fr_tree_inputs_make(&f->transform, r->dataset, r->train, r->n_train, zero, &f->train));
    FR_TRY(
        fr_tree_inputs_make(&f->transform, r->dataset, r->valid, r->n_valid, zero, &f->valid));
    FR_TRY(fr_weigh_rows(r, &f->class_weight, &f->weight));
    FR_TRY(allocate(f));
    FR_TRY(fr_trees_create(f->n_scores, &f->trees));
    FR_TRY(set_base(f));
    FR_TRY(fr_grower_create(&r->recipe->model.boost, &f->train, f->weight, &f->grower));
    f->options = r->recipe->train;
    f->options.epochs = r->recipe->model.boost.rounds;
    FR_TRY(fr_course_begin(r, &f->options, result, &f->course));
    f->course.learning_rate = r->recipe->model.boost.learning_rate;
    f->course.keep_best =
        r->n_valid > 0 && (f->options.keep_best || f->options.patience > 0 || r->give_up_after);
    return FR_OK;
}

static void clear(boost_fit *f)
{
    fr_transform_clear(&f->transform);
    fr_tree_inputs_clear(&f->train);
    fr_tree_inputs_clear(&f->valid);
    fr_grower_destroy(&f->grower);
    fr_trees_clear(&f->trees);
    free(f->class_weight);
    free(f->weight);
    free(f->train_score);
    free(f->valid_score);
    free(f->gradient);
    free(f->hessian);
    free(f->valid_y);
    free(f->valid_output);
    free(f->chunk_loss);
}

/* Takes the trees over. */
static fr_status make_model(boost_fit *f, fr_model *model)
{
    FR_TRY(fr_fit_make_model(f->request, &f->transform, 0, model));
    if (zero_is_missing(f)) model->options.boost.missing = FR_MISSING_ZERO;
    model->n_params = f->trees.n_nodes;
    model->trees = f->trees;
    f->trees = (fr_trees){0};
    return FR_OK;
}

static fr_status run(boost_fit *f, fr_fold_result *result, fr_model *model)
{
    const fr_learner learner = {f,    step,      score, score_training, outputs,
                                keep, take_best, save,  restore};
    FR_TRY(fr_fit_agree(f->request->group, create(f, result)));
    FR_TRY(fr_course_run(&f->course, &learner));
    return model == NULL ? FR_OK : make_model(f, model);
}

/* A level of a tree adds up two derivatives of every row for every input that it has. */
static void measure(const boost_fit *f, double seconds)
{
    const fr_fit_request *r = f->request;
    const fr_fit_course *c = &f->course;
    const double trained = (double)r->n_train * c->done,
                 inputs = (double)fr_row_inputs(f->prepared, r->dataset),
                 depth = (double)r->recipe->model.boost.max_depth;
    c->result->seconds = c->earlier_seconds + seconds;
    c->result->samples_per_second = c->training_seconds > 0 ? trained / c->training_seconds : 0;
    c->result->flops = trained * (double)f->n_scores * depth * (2 * inputs + 1);
}

fr_status fr_boost_fit(const fr_fit_request *request, const fr_prepared *prepared,
                       fr_fold_result *result, fr_model *model)
{
    const fr_schema *schema = &request->dataset->schema;
    const double start = fr_clock_now();
    boost_fit f = {.request = request, .prepared = prepared};
    f.n_outputs = schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1;
    f.n_scores = fr_trees_scores(schema->learn, f.n_outputs);
    const fr_status st = run(&f, result, model);
    if (st == FR_OK) measure(&f, fr_clock_now() - start);
    clear(&f);
    return st;
}
