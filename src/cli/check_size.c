/* SPDX-License-Identifier: BSD-3-Clause */
/* check_size.c - memory of the largest fit, reckoned from what the training engine allocates.
 */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "foldrank/kernel_ridge.h"
#include "foldrank/memory.h"
#include "foldrank/network.h"

enum {
    DRAWS = 4096,
    PASS_ROWS = 2048,       /* larger batches go through the network in pieces */
    CACHE_BYTES = 32 << 20, /* prepared folds that a rank keeps */
    OUTER_ROW_BYTES = 8 /* of a row in the lists of one outer fold: number, class or group */
};

/* Every category its own feature, as onehot encoding has it. */
static size_t count_inputs(const fr_schema *schema)
{
    size_t inputs = 0;
    for (size_t c = 0; c < schema->cols; c++)
        inputs +=
            schema->columns[c].kind == FR_COLUMN_NUMERIC ? 1 : schema->columns[c].n_levels;
    return inputs;
}

static fr_trees_bound bound_of_trees(const fr_check *check, const fr_recipe *recipe,
                                     size_t outputs)
{
    const fr_boost_options *o = &recipe->model.boost;
    size_t rows;
    fr_folds_search_rows(check->folds, &rows);
    return fr_trees_at_most(o->rounds, o->max_depth, o->max_leaves,
                            fr_trees_scores(check->dataset.schema.learn, outputs), rows);
}

static double params_of(const fr_check *check, const fr_recipe *recipe, size_t inputs,
                        size_t outputs)
{
    size_t rows;
    fr_folds_search_rows(check->folds, &rows);
    if (recipe->model.family == FR_FAMILY_XGBOOST)
        return bound_of_trees(check, recipe, outputs).nodes;
    if (recipe->model.family != FR_FAMILY_KERNEL)
        return (double)fr_model_count_params(&recipe->model, inputs, outputs);
    return (double)fr_kernel_layout_make(rows, inputs, outputs).n_params;
}

/* A closed form and trees take all rows at once, as gd does. */
static double rows_of_batch(const fr_check *check, const fr_recipe *recipe)
{
    if (!fr_family_iterates((fr_family)recipe->model.family) ||
        recipe->model.family == FR_FAMILY_XGBOOST)
        return (double)check->dataset.schema.rows;
    return recipe->train.optimizer == FR_OPT_GD ? (double)check->dataset.schema.rows
                                                : (double)recipe->train.batch_size;
}

/* Whether all ranks share the kernel matrix of so many rows. */
static bool is_spread(const fr_model_options *options, size_t rows)
{
    return options->distribute_from > 0 && (int64_t)rows > options->distribute_from;
}

/* The kernel matrix of so many rows. */
static double bytes_of_matrix(const fr_model_options *options, size_t rows)
{
    const bool single = is_spread(options, rows) && options->precision == FR_PRECISION_SINGLE;
    return (double)rows * (double)rows * (double)(single ? sizeof(float) : sizeof(double));
}

/* The kernel matrix or this rank's share of it, the rows in float64 and float32, five columns
 * for each output. */
static double bytes_of_kernel(const fr_check *check, const fr_model_options *options,
                              size_t inputs, size_t outputs)
{
    size_t rows;
    fr_folds_search_rows(check->folds, &rows);
    const double n = (double)rows, share = is_spread(options, rows) ? (double)check->ranks : 1;
    return bytes_of_matrix(options, rows) / share + n * (double)inputs * (8 + 4) +
           n * (double)(outputs + 1) * 5 * 8;
}

/* The largest matrix that all ranks share. */
static void note_spread(const fr_check *check, const fr_recipe *recipe, fr_check_size *out)
{
    const fr_model_options *options = &recipe->model;
    size_t rows;
    fr_folds_search_rows(check->folds, &rows);
    if (options->family != FR_FAMILY_KERNEL || !is_spread(options, rows)) return;
    out->spread_bytes = fmax(out->spread_bytes, bytes_of_matrix(options, rows));
    out->spread_rows = rows;
}

/* The inputs as they are, those that XGBoost keeps with their columns and by quantiles; of
 * every row and score three numbers and the output; the trees. */
static double bytes_of_trees(const fr_check *check, const fr_recipe *recipe, size_t inputs,
                             size_t outputs)
{
    const fr_schema *schema = &check->dataset.schema;
    const double rows = (double)schema->rows;
    const double cells =
        schema->cell == FR_CELL_SPARSE ? (double)schema->stored : rows * (double)inputs;
    return cells * (4 + 8 + 4) + rows * (8 + 4.0 * 4 * (double)outputs) +
           bound_of_trees(check, recipe, outputs).nodes * (double)sizeof(fr_tree_node);
}

static double bytes_of_fit(const fr_check *check, const fr_recipe *recipe, size_t inputs)
{
    const fr_schema *schema = &check->dataset.schema;
    const size_t outputs = schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1;
    const double rows = (double)schema->rows;
    fr_network network;
    if (recipe->model.family == FR_FAMILY_KERNEL)
        return bytes_of_kernel(check, &recipe->model, inputs, outputs);
    if (recipe->model.family == FR_FAMILY_XGBOOST)
        return bytes_of_trees(check, recipe, inputs, outputs);
    fr_network_make(&recipe->model, schema->learn, inputs, outputs, &network);
    const bool projected = recipe->preprocess.pca > 0 || recipe->preprocess.fourier > 0;
    network.sparse = schema->cell == FR_CELL_SPARSE && !network.factorises && !projected;
    size_t batch =
        recipe->train.optimizer == FR_OPT_GD ? PASS_ROWS : (size_t)recipe->train.batch_size;
    if (batch > PASS_ROWS) batch = PASS_ROWS;
    if (network.factorises) {
        network.row_values =
            schema->cell == FR_CELL_SPARSE ? schema->stored / schema->rows + 1 : schema->cols;
        batch = (size_t)rows_of_batch(check, recipe);
    }
    /* Weights, gradient, two moments, the best epoch's weights; of the rows: order, targets in
     * both units, numbers, pairs that a ranking metric sorts, outputs of those being scored and
     * of the validation rows. */
    const double floats = 5.0 * (double)network.n_params +
                          2.0 * (double)fr_batch_floats(&network, batch, true) +
                          rows * (10.0 + 2.0 * (double)outputs);
    const double fold = network.sparse
                            ? (double)fr_sparse_bytes(schema->rows, schema->stored)
                            : rows * (double)network.input_stride * (double)sizeof(float);
    const double kept = fold > FR_PREPARED_MAX
                            ? 0
                            : fold * fr_folds_count(check->folds) * fr_check_searches(check);
    return floats * (double)sizeof(float) + fmin(kept, CACHE_BYTES);
}

/* The smaller of covariance and Gram matrix, in float64, and what decomposing it takes; of all
 * ranks a share of it, and the features of all rows. */
static double bytes_of_components(const fr_check *check, const fr_recipe *recipe,
                                  size_t features)
{
    const double kept = (double)fr_preprocess_kept(&recipe->preprocess, features);
    const double rows = (double)check->dataset.schema.rows, m = fmin(rows, kept);
    if (recipe->preprocess.pca <= 0) return 0;
    if (check->study->resources.ranks_per_trial <= 1 &&
        fr_components_are_shared(&recipe->preprocess, check->dataset.schema.rows, (size_t)kept))
        return m * m * 4 * 8 / (double)check->ranks + rows * kept * 8;
    return m * m * 3 * 8;
}

fr_status fr_check_largest(const fr_check *check, fr_check_size *out)
{
    const fr_study *study = check->study;
    double *point = fr_alloc(study->space.n, sizeof *point);
    if (point == NULL) return FR_ERR_MEMORY;
    *out = (fr_check_size){.least_batch = (double)check->dataset.schema.rows};
    const size_t features = count_inputs(&check->dataset.schema);
    fr_rng rng = fr_rng_make(0, FR_RNG_SUGGEST, 0, 0, 0);
    for (int i = 0; i < DRAWS; i++) {
        fr_recipe recipe;
        fr_space_draw(&study->space, &rng, point);
        fr_study_resolve(study, point, &recipe);
        const fr_schema *schema = &check->dataset.schema;
        const size_t outputs = schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1;
        const size_t inputs = fr_preprocess_width(&recipe.preprocess, features);
        if (inputs > out->inputs) out->inputs = inputs;
        if (fr_model_check_inputs(&recipe.model, inputs) == FR_ERR_DATA)
            continue; /* a combination whose trial will fail */
        const double params = params_of(check, &recipe, inputs, outputs);
        out->params = fmax(out->params, params);
        out->least_batch = fmin(out->least_batch, rows_of_batch(check, &recipe));
        out->fit_bytes =
            fmax(out->fit_bytes, bytes_of_fit(check, &recipe, inputs) +
                                     bytes_of_components(check, &recipe, features));
        note_spread(check, &recipe, out);
        if (study->space.n == 0) break;
    }
    out->fit_bytes += (double)study->nested.outer_folds * (double)check->dataset.schema.rows *
                      OUTER_ROW_BYTES;
    free(point);
    return FR_OK;
}
