/* SPDX-License-Identifier: BSD-3-Clause */
/* check_page.c - the page of `foldrank check`. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "foldrank/memory.h"
#include "foldrank/metric.h"

enum { LABEL = 16, SHOWN_FOLDS = 3 };

static void label(FILE *out, const char *name)
{
    fprintf(out, "%-*s", LABEL, name);
}

static void print_columns(const fr_schema *schema, FILE *out)
{
    static const char *const cells[] = {"8-bit", "16-bit", "32-bit float", "sparse"};
    size_t categorical = 0;
    for (size_t c = 0; c < schema->cols; c++)
        categorical += schema->columns[c].kind == FR_COLUMN_CATEGORICAL;
    fprintf(out, "%zu rows, %zu feature%s", schema->rows, schema->cols,
            schema->cols == 1 ? "" : "s");
    if (categorical > 0) fprintf(out, " (%zu categorical)", categorical);
    if (schema->learn == FR_LEARN_CLASSIFICATION)
        fprintf(out, ", %zu classes", schema->n_classes);
    if (schema->cell == FR_CELL_SPARSE)
        fprintf(out, ", %zu values that are not 0 (%.3g a row)", schema->stored,
                (double)schema->stored / (double)schema->rows);
    fprintf(out, ", %s cells\n", cells[schema->cell]);
}

static fr_status print_folds(const fr_check *check, FILE *out)
{
    const uint32_t n = fr_folds_count(check->folds);
    for (uint32_t f = 0; f < n && f < SHOWN_FOLDS; f++) {
        uint32_t *train = NULL, *valid = NULL;
        size_t n_train = 0, n_valid = 0;
        FR_TRY(fr_folds_get(check->folds, f, &train, &n_train, &valid, &n_valid));
        free(train);
        free(valid);
        label(out, "");
        fprintf(out, "fold %" PRIu32 ": %zu training rows, %zu validation rows\n", f, n_train,
                n_valid);
    }
    if (n > SHOWN_FOLDS) {
        label(out, "");
        fprintf(out, "and %" PRIu32 " more\n", n - SHOWN_FOLDS);
    }
    return FR_OK;
}

static void print_goals(const fr_study *study, FILE *out)
{
    for (size_t k = 0; k < study->n_goals; k++) {
        label(out, k > 0 ? "" : study->n_goals > 1 ? "objectives" : "metric");
        fprintf(out, "%s, %s is better\n", study->goals[k].name,
                study->goals[k].maximize ? "more" : "less");
    }
}

static fr_status print_data(const fr_check *check, FILE *out)
{
    const fr_study *study = check->study;
    size_t n_test = 0, n_search = 0;
    fr_folds_test_rows(check->folds, &n_test);
    fr_folds_search_rows(check->folds, &n_search);
    label(out, "data");
    fprintf(out, "%s\n", study->data.path);
    label(out, "");
    print_columns(&check->dataset.schema, out);
    label(out, "test");
    if (n_test > 0)
        fprintf(out, "%zu rows that the search never sees, %zu for the search\n", n_test,
                n_search);
    else
        fprintf(out, "none: add data.test to learn what the selected model is worth\n");
    print_goals(study, out);
    label(out, "validation");
    fprintf(out, "%s, %" PRIu32 " fold%s\n", fr_scheme_words[study->validation.scheme],
            fr_folds_count(check->folds), fr_folds_count(check->folds) == 1 ? "" : "s");
    return print_folds(check, out);
}

static int longest(int a, size_t b)
{
    return b > (size_t)a && b < 200 ? (int)b : a;
}

static void print_space(const fr_space *space, FILE *out)
{
    int name_width = 9, kind_width = 12; /* of the titles */
    fr_text kind = {0}, condition = {0};
    for (size_t j = 0; j < space->n; j++) {
        fr_param_describe(&space->params[j], &kind);
        name_width = longest(name_width, strlen(space->params[j].name));
        kind_width = longest(kind_width, strlen(fr_text_get(&kind)));
        fr_text_clear(&kind);
    }
    if (space->n > 0)
        fprintf(out, "\n%-*s  %-*s  %s\n", name_width, "parameter", kind_width, "distribution",
                "condition");
    for (size_t j = 0; j < space->n; j++) {
        const fr_param *p = &space->params[j];
        fr_param_describe(p, &kind);
        fr_param_describe_conditions(space, p, &condition);
        const bool last = p->n_conditions == 0;
        fprintf(out, "%-*s  %-*s%s%s\n", name_width, p->name, last ? 0 : kind_width,
                fr_text_get(&kind), last ? "" : "  ", fr_text_get(&condition));
        fr_text_clear(&kind);
        fr_text_clear(&condition);
    }
    if (space->n > 0) fprintf(out, "\n");
}

/* Those that the budget in fits allows, when that is the lower bound. */
static double trials_of(const fr_check *check)
{
    const double trials = (double)fr_search_trials(check->search);
    const int64_t fits = check->study->stop.fits;
    return fits > 0 ? fmin(trials, floor((double)fits / fr_check_folds(check))) : trials;
}

/* search.concurrency counts where a trial waits for earlier ones, to be suggested or to be
 * compared with. */
double fr_check_tasks_at_once(const fr_check *check)
{
    const double trials = trials_of(check), folds = fr_check_folds(check);
    const int64_t concurrency = check->study->search.concurrency;
    const fr_stop_options *stop = &check->study->stop;
    const bool waits = fr_search_adaptive(check->search) || stop->score != NULL ||
                       (check->study->prune_methods & FR_PRUNE_COMPARING) != 0;
    const double at_once =
        waits && concurrency > 0 ? fmin((double)concurrency, trials) : trials;
    return at_once * folds * fr_check_searches(check);
}

/* Ranks that train together are of one node; ranks are spread evenly. */
static size_t groups_of(const fr_check *check)
{
    const size_t per_trial = (size_t)check->study->resources.ranks_per_trial;
    const size_t each = check->ranks / check->nodes, fuller = check->ranks % check->nodes;
    return fuller * ((each + 1) / per_trial) + (check->nodes - fuller) * (each / per_trial);
}

size_t fr_check_idle_ranks(const fr_check *check)
{
    const size_t per_trial = (size_t)check->study->resources.ranks_per_trial;
    const double busy = fmin((double)groups_of(check), fr_check_tasks_at_once(check));
    return check->ranks - (size_t)busy * per_trial;
}

static void print_groups(const fr_check *check, FILE *out)
{
    const size_t per_trial = (size_t)check->study->resources.ranks_per_trial;
    const size_t groups = groups_of(check);
    if (per_trial == 1) return;
    fprintf(out, ", in %zu group%s of %zu", groups, groups == 1 ? "" : "s", per_trial);
}

static void print_ranks(const fr_check *check, FILE *out)
{
    const double at_once = fr_check_tasks_at_once(check);
    const size_t idle = fr_check_idle_ranks(check);
    label(out, "ranks");
    fprintf(out, "%zu on %zu node%s", check->ranks, check->nodes, check->nodes == 1 ? "" : "s");
    print_groups(check, out);
    fprintf(out, ", %zu of them idle", idle);
    if (idle > 0 && at_once >= (double)groups_of(check))
        fprintf(out, ": no multiple of ranks_per_trial on every node");
    else if (idle > 0 &&
             at_once < trials_of(check) * fr_check_folds(check) * fr_check_searches(check))
        fprintf(out, ": %.0f fits run at once; raise search.concurrency", at_once);
    else if (idle > 0)
        fprintf(out, ": there are %.0f fits in all", at_once);
    fprintf(out, "\n");
}

static void print_warm_start(const fr_check *check, FILE *out)
{
    const size_t n_files = check->study->search.warm_start.n;
    if (n_files == 0) return;
    label(out, "warm start");
    if (check->goes_on)
        fprintf(out, "goes on with what %s/journal.bin has kept\n", check->study->output);
    else
        fprintf(out, "%zu trials of %zu earlier stud%s to learn from\n", check->past.n, n_files,
                n_files == 1 ? "y" : "ies");
}

/* Budgets besides the number of trials; nothing when there are none. */
static void print_stop(const fr_study *study, FILE *out)
{
    const fr_stop_options *stop = &study->stop;
    char wall[FR_NUMBER_SIZE];
    fr_text text = {0};
    if (stop->score != NULL) fr_text_add(&text, ", %s %s", study->goals[0].name, stop->score);
    if (stop->fits > 0) fr_text_add(&text, ", %lld fits", (long long)stop->fits);
    if (stop->epochs > 0) fr_text_add(&text, ", %lld epochs", (long long)stop->epochs);
    if (stop->core_hours > 0) fr_text_add(&text, ", %.6g core-hours", stop->core_hours);
    if (stop->wall_s > 0)
        fr_text_add(&text, ", %s of wall time", fr_format_duration(stop->wall_s, wall));
    if (text.length > 0) {
        label(out, "stop");
        fprintf(out, "at %s, whatever comes first\n", text.data + strlen(", "));
    }
    if (stop->core_hours > 0 || stop->wall_s > 0) {
        label(out, "");
        fprintf(out, "where the clock ends a study cannot be reproduced\n");
    }
    fr_text_clear(&text);
}

/* Where the search's model becomes the work of all ranks. */
static void print_model(const fr_check *check, double trials, FILE *out)
{
    const fr_search_options *search = &check->study->search;
    char part[FR_NUMBER_SIZE];
    double rows = trials;
    if (strcmp(fr_search_methods[search->method], "gp") != 0) return;
    if (search->observations > 0) rows = fmin(rows, (double)search->observations);
    if (search->distribute_from == 0 || rows <= (double)search->distribute_from) return;
    label(out, "model of gp");
    if (rows < (double)FR_TRIALS_OPEN)
        fprintf(
            out, "%s on each rank: ",
            fr_format_bytes(rows * rows * (double)sizeof(double) / (double)check->ranks, part));
    fprintf(out, "beyond %" PRId64 " results all compute it together, every\n",
            search->distribute_from);
    label(out, "");
    fprintf(out,
            "%" PRId64 " trials; then what is tried depends, to rounding, on the number of "
            "ranks\n",
            search->generation);
}

/* What nested cross-validation adds. Inner folds may be a few less: of a column, of
 * leave-one-out.
 */
static void print_nested(const fr_check *check, double trials, FILE *out)
{
    const double outer = (double)check->study->nested.outer_folds;
    const double fits = trials * fr_check_folds(check);
    if (outer == 0) return;
    label(out, "nested");
    if (trials >= (double)FR_TRIALS_OPEN)
        fprintf(out, "%.0f outer folds: as many fits again for each, and one of its model\n",
                outer);
    else
        fprintf(out,
                "%.0f more = %.0f outer folds x (%.0f fits + one of its model); in all %.0f\n",
                outer * (fits + 1), outer, fits, outer * (fits + 1) + fits + 1);
}

static void print_work(const fr_check *check, FILE *out)
{
    const fr_study *study = check->study;
    const double size = fr_space_size(&study->space);
    const double trials = trials_of(check), folds = fr_check_folds(check);
    const bool open = trials >= (double)FR_TRIALS_OPEN;
    label(out, "configurations");
    if (isinf(size))
        fprintf(out, "infinitely many\n");
    else
        fprintf(out, "%.15g\n", size);
    label(out, "trials");
    if (open)
        fprintf(out, "as many as the budget allows");
    else
        fprintf(out, "%.0f", trials);
    fprintf(out, " by %s search", fr_search_methods[study->search.method]);
    if (study->n_enqueued > 0) fprintf(out, ", the first %zu enqueued", study->n_enqueued);
    fprintf(out, "\n");
    print_model(check, trials, out);
    print_warm_start(check, out);
    print_stop(study, out);
    label(out, "fits");
    if (open)
        fprintf(out, "%.0f for each trial%s\n", folds,
                check->folds != NULL ? ", then one of the selected model" : "");
    else if (check->folds != NULL)
        fprintf(out, "%.0f = %.0f trials x %.0f fold%s, then one of the selected model\n",
                trials * folds, trials, folds, folds > 1 ? "s" : "");
    else
        fprintf(out, "%.0f evaluations of the objective: %.0f trials x %.0f fold%s\n",
                trials * folds, trials, folds, folds > 1 ? "s" : "");
    print_nested(check, trials, out);
    print_ranks(check, out);
}

/* What the predictions that members are chosen by take, on root; folds are about equal. */
static fr_status print_ensemble(const fr_check *check, FILE *out)
{
    const fr_ensemble_options *o = &check->study->ensemble;
    const fr_schema *schema = &check->dataset.schema;
    if (o->size == 0) return FR_OK;
    const double candidates = fmin((double)o->candidates, trials_of(check));
    const double members = fmin((double)(o->size * o->bags), candidates);
    const double folds = fr_check_folds(check);
    const double outputs =
        schema->learn == FR_LEARN_CLASSIFICATION ? (double)schema->n_classes : 1;
    char size[FR_NUMBER_SIZE];
    uint32_t *train = NULL, *valid = NULL;
    size_t n_train = 0, n_valid = 0;
    FR_TRY(fr_folds_get(check->folds, 0, &train, &n_train, &valid, &n_valid));
    free(train);
    free(valid);
    label(out, "ensemble");
    fprintf(out,
            "%.0f fits for what the best trials say out of fold: %.0f trials x %.0f fold%s\n",
            candidates * folds, candidates, folds, folds > 1 ? "s" : "");
    label(out, "");
    fprintf(out, "then at most %.0f of its members; %s of predictions on root\n", members,
            fr_format_bytes(candidates * folds * (double)n_valid * (outputs + 2) *
                                (double)sizeof(float),
                            size));
    return FR_OK;
}

/* Families to which `train` says nothing. */
static void print_closed_forms(const fr_study *study, FILE *out)
{
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        if (!study->families[f]) continue;
        if (f == FR_FAMILY_XGBOOST) {
            label(out, "training");
            fprintf(out,
                    "model xgboost grows trees by %s: a round is an epoch; of train only "
                    "what stops it\n",
                    fr_boost_library());
        }
        if (f == FR_FAMILY_XGBOOST && study->resources.ranks_per_trial > 1) {
            label(out, "");
            fprintf(out,
                    "the ranks of a trial share the trees of a round, of which there is one "
                    "for each class; one for two, and for a regression\n");
        }
        if (fr_family_iterates((fr_family)f)) continue;
        label(out, "training");
        fprintf(out, "model %s has a closed form: one step, no epochs, nothing of train\n",
                fr_family_words[f]);
    }
}

/* A kernel matrix that all ranks share. */
static void print_spread(const fr_check *check, const fr_check_size *largest, FILE *out)
{
    char whole[FR_NUMBER_SIZE], share[FR_NUMBER_SIZE];
    if (largest->spread_bytes <= 0) return;
    label(out, "kernel matrix");
    fprintf(out, "%s for %zu rows, %s on each rank: beyond distribute_from rows all\n",
            fr_format_bytes(largest->spread_bytes, whole), largest->spread_rows,
            fr_format_bytes(largest->spread_bytes / (double)check->ranks, share));
    label(out, "");
    fprintf(out, "compute it together, and what comes of it depends, to rounding, on their "
                 "number\n");
}

/* The data lie once per node; every rank adds its fit. */
static fr_status print_memory(const fr_check *check, FILE *out)
{
    fr_check_size largest;
    char data[FR_NUMBER_SIZE], fit[FR_NUMBER_SIZE], node[FR_NUMBER_SIZE];
    FR_TRY(fr_check_largest(check, &largest));
    const double bytes = (double)fr_schema_bytes(&check->dataset.schema);
    const size_t per_node = (check->ranks + check->nodes - 1) / check->nodes;
    const double on_node = bytes + (double)per_node * largest.fit_bytes;
    label(out, "largest model");
    fprintf(out, "%.0f parameters, %zu inputs\n", largest.params, largest.inputs);
    print_spread(check, &largest, out);
    label(out, "memory");
    fprintf(out, "%s for a fit on each rank, %s of data once per node\n",
            fr_format_bytes(largest.fit_bytes, fit), fr_format_bytes(bytes, data));
    label(out, "");
    fprintf(out, "%s on a node with %zu rank%s, besides the program and its libraries\n",
            fr_format_bytes(on_node, node), per_node, per_node == 1 ? "" : "s");
    const double share = (double)(check->study->resources.ranks_per_trial * FR_GROUP_ROWS);
    if (check->study->resources.ranks_per_trial > 1 && largest.least_batch < share) {
        label(out, "");
        fprintf(out, "batches of %.0f rows leave ranks waiting: each takes %d or more\n",
                largest.least_batch, FR_GROUP_ROWS);
    }
    if (on_node > fr_memory_limit()) {
        label(out, "");
        fprintf(out, "more than the %s here: take %s\n",
                fr_format_bytes(fr_memory_limit(), fit),
                largest.spread_bytes > 0 ? "more nodes, nodes with more, or fewer rows"
                                         : "nodes with more, or fewer ranks on each");
    }
    return FR_OK;
}

/* Only what is not the usual way. */
static void print_choice(const fr_study *study, FILE *out)
{
    const fr_select_options *o = &study->select;
    const fr_option *row =
        fr_option_find(fr_select_option_table, fr_select_option_count, "rule");
    if (study->n_goals == 1 && o->constraints.n == 0) return;
    label(out, "selection");
    fprintf(out, "%s", row->words[o->rule]);
    for (size_t c = 0; c < o->constraints.n; c++)
        fprintf(out, "%s %s", c == 0 ? " of those with" : ",", o->constraints.item[c]);
    fputc('\n', out);
}

fr_status fr_check_print(const fr_check *check, FILE *out)
{
    const fr_study *study = check->study;
    label(out, "study");
    fprintf(out, "%s (%s), results in %s\n", study->name, study->path, study->output);
    if (check->folds != NULL) FR_TRY(print_data(check, out));
    if (check->folds == NULL && study->n_goals > 1) print_goals(study, out);
    print_choice(study, out);
    print_space(&study->space, out);
    print_work(check, out);
    if (check->folds != NULL) print_closed_forms(study, out);
    if (check->folds != NULL) FR_TRY(print_ensemble(check, out));
    return check->folds == NULL ? FR_OK : print_memory(check, out);
}
