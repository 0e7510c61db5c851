/* SPDX-License-Identifier: BSD-3-Clause */
/* optuna.c - a study as a file that Optuna's JournalStorage opens (JournalFileBackend): one
 * JSON object a line, each an operation that it replays. A study is made, gets its attributes,
 * and each trial comes whole in one line.
 *
 * A choice is stored as the index of its value, and a distribution as JSON in a string.
 * Optuna's choices are null, boolean, number or text: a list goes as its YAML text. Scores that
 * are not finite are left out, which JSON could not say. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "foldrank/memory.h"
#include "foldrank/plain.h"
#include "internal.h"

/* Optuna's numbers: of JournalOperation, StudyDirection and TrialState. */
enum { CREATE_STUDY = 0, SET_USER_ATTRIBUTE = 2, SET_SYSTEM_ATTRIBUTE = 3, CREATE_TRIAL = 4 };
enum { MINIMIZE = 1, MAXIMIZE = 2 };
enum { RUNNING = 0, COMPLETE = 1, PRUNED = 2, FAIL = 3 };

typedef struct {
    const fr_results_file *results;
    fr_strings distributions; /* of each parameter, as a JSON string */
    double created;           /* of the study's first run: seconds since 1970 [s] */
    FILE *out;
} writer;

/* ---- distributions ---- */

static void put_flag(const char *before, const char *key, bool value, FILE *out)
{
    fr_json_key(before, key, out);
    fputs(value ? "true" : "false", out);
}

static void put_choices(const fr_param *param, FILE *out)
{
    fr_json_key("{", "choices", out);
    fputc('[', out);
    for (size_t i = 0; i < param->n_choices; i++) {
        if (i > 0) fputs(", ", out);
        if (param->choices[i][0] == '[')
            fr_json_text(param->choices[i], out);
        else
            fr_json_scalar(param->choices[i], out);
    }
    fputs("]}", out);
}

static void put_distribution(const fr_param *param, FILE *out)
{
    const bool integer = param->kind == FR_PARAM_INT || param->kind == FR_PARAM_INT_LOG;
    const bool log = param->kind == FR_PARAM_LOG || param->kind == FR_PARAM_INT_LOG;
    fr_json_key("{", "name", out);
    fr_json_text(param->kind == FR_PARAM_CHOICE ? "CategoricalDistribution"
                 : integer                      ? "IntDistribution"
                                                : "FloatDistribution",
                 out);
    fr_json_key(", ", "attributes", out);
    if (param->kind == FR_PARAM_CHOICE) {
        put_choices(param, out);
    } else {
        /* With log, Optuna knows no step but 1. */
        const double step = log || !(param->step > 0) ? (integer ? 1 : NAN) : param->step;
        put_flag("{", "log", log, out);
        const fr_json_field fields[] = {
            {"step", step}, {"low", param->low}, {"high", param->high}};
        fr_json_fields(fields, sizeof fields / sizeof *fields, out);
        fputc('}', out);
    }
    fputc('}', out);
}

static fr_status add_distribution(const fr_param *param, fr_strings *out)
{
    char *json = NULL;
    size_t n = 0;
    FILE *stream = open_memstream(&json, &n);
    if (stream == NULL) return FR_ERR_MEMORY;
    put_distribution(param, stream);
    fr_status st = fclose(stream) == 0 ? FR_OK : FR_ERR_MEMORY;
    fr_text quoted = {0};
    if (st == FR_OK) fr_json_quote(json, &quoted);
    if (quoted.failed) st = FR_ERR_MEMORY;
    if (st == FR_OK) st = fr_strings_add(out, fr_text_get(&quoted));
    fr_text_clear(&quoted);
    free(json);
    return st;
}

/* ---- study ---- */

static void put_operation(const writer *w, int operation)
{
    fprintf(w->out, "{\"op_code\": %d, \"worker_id\": \"foldrank\"", operation);
}

static void put_study(const writer *w)
{
    const fr_study *study = w->results->study;
    put_operation(w, CREATE_STUDY);
    fr_json_key(", ", "study_name", w->out);
    fr_json_text(study->name, w->out);
    fr_json_key(", ", "directions", w->out);
    for (size_t k = 0; k < study->n_goals; k++)
        fprintf(w->out, "%s%d", k == 0 ? "[" : ", ",
                study->goals[k].maximize ? MAXIMIZE : MINIMIZE);
    fputs("]}\n", w->out);
}

/* The line up to the attribute's value. */
static void open_attribute(const writer *w, int operation, const char *key)
{
    put_operation(w, operation);
    fputs(", \"study_id\": 0", w->out);
    fr_json_key(", ", operation == SET_USER_ATTRIBUTE ? "user_attr" : "system_attr", w->out);
    fr_json_key("{", key, w->out);
}

static void put_text_attribute(const writer *w, const char *key, const char *value)
{
    open_attribute(w, SET_USER_ATTRIBUTE, key);
    fr_json_text(value, w->out);
    fputs("}}\n", w->out);
}

static void put_number_attribute(const writer *w, const char *key, double value)
{
    if (isnan(value)) return;
    open_attribute(w, SET_USER_ATTRIBUTE, key);
    fr_json_number(value, w->out);
    fputs("}}\n", w->out);
}

static void put_study_attributes(const writer *w)
{
    const fr_results_file *results = w->results;
    open_attribute(w, SET_SYSTEM_ATTRIBUTE, "study:metric_names");
    for (size_t k = 0; k < results->study->n_goals; k++) {
        fputs(k == 0 ? "[" : ", ", w->out);
        fr_json_text(results->study->goals[k].name, w->out);
    }
    fputs("]}}\n", w->out);
    put_text_attribute(w, "foldrank", results->version);
    put_text_attribute(w, "foldrank_study", results->study->text);
    if (!results->has_selection) return;
    put_number_attribute(w, "chosen", (double)results->selection.chosen);
    put_number_attribute(w, "test_score", results->test_score);
}

/* ---- trials ---- */

/* What its folds say of a trial as a whole. */
typedef struct {
    double seconds, start_s, end_s; /* the last two NaN while not known */
    const char *message;
    size_t n_epochs; /* of its longest curve */
} trial_folds;

static trial_folds look_at_folds(const fr_history *history, size_t t)
{
    trial_folds sum = {.start_s = NAN, .end_s = NAN, .message = ""};
    for (uint32_t f = 0; f < history->n_folds; f++) {
        const fr_fold_result *fold = history->trials[t].folds[f];
        if (fold == NULL) continue;
        sum.seconds += fold->seconds;
        if (sum.message[0] == '\0' && fold->message != NULL) sum.message = fold->message;
        if (fold->n_curve > sum.n_epochs) sum.n_epochs = fold->n_curve;
        if (isnan(fold->end_s)) continue;
        sum.start_s = fmin(sum.start_s, fold->start_s);
        sum.end_s = fmax(sum.end_s, fold->end_s);
    }
    return sum;
}

/* Of a float with its decimal point: without, Python would have an integer. */
static void put_value(const fr_param *param, double value, FILE *out)
{
    char number[FR_NUMBER_SIZE];
    const bool real = param->kind == FR_PARAM_FLOAT || param->kind == FR_PARAM_LOG;
    fputs(fr_format_double(value, number), out);
    if (real && strpbrk(number, ".e") == NULL) fputs(".0", out);
}

static void put_params(const writer *w, const double *point)
{
    const fr_space *space = w->results->history->space;
    for (int pass = 0; pass < 2; pass++) {
        fr_json_key(", ", pass == 0 ? "distributions" : "params", w->out);
        const char *before = "";
        fputc('{', w->out);
        for (size_t p = 0; p < space->n; p++) {
            if (isnan(point[p])) continue;
            fr_json_key(before, space->params[p].name, w->out);
            if (pass == 0)
                fputs(w->distributions.item[p], w->out);
            else
                put_value(&space->params[p], point[p], w->out);
            before = ", ";
        }
        fputc('}', w->out);
    }
}

/* Mean score over the folds after each epoch. */
static void put_curve(const fr_history *history, size_t t, size_t n_epochs, FILE *out)
{
    const char *before = "";
    fr_json_key(", ", "intermediate_values", out);
    fputc('{', out);
    for (size_t e = 0; e < n_epochs; e++) {
        double sum = 0;
        uint32_t n = 0;
        for (uint32_t f = 0; f < history->n_folds; f++) {
            const fr_fold_result *fold = history->trials[t].folds[f];
            if (fold == NULL || e >= fold->n_curve || isnan(fold->curve[2 * e + 1])) continue;
            sum += fold->curve[2 * e + 1];
            n++;
        }
        if (n == 0 || !isfinite(sum)) continue;
        fprintf(out, "%s\"%zu\": ", before, e + 1);
        fr_json_number(sum / n, out);
        before = ", ";
    }
    fputc('}', out);
}

static void put_attributes(const fr_history *history, size_t t, const trial_folds *sum,
                           FILE *out)
{
    const fr_trial *trial = &history->trials[t];
    fr_json_key(", ", "user_attrs", out);
    fr_json_key("{", "foldrank_state", out);
    fr_json_text(fr_trial_state_word(trial->state), out);
    const fr_json_field fields[] = {
        {"score_se", trial->score_se},
        {"epochs", (double)fr_history_trial_work(history, t).epochs},
        {"seconds", sum->seconds}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    fr_json_key(", ", "fold_scores", out);
    const char *before = "";
    fputc('[', out);
    for (uint32_t f = 0; f < history->n_folds; f++) {
        if (trial->folds[f] == NULL) continue;
        fputs(before, out);
        fr_json_number(trial->folds[f]->score, out);
        before = ", ";
    }
    fr_json_key("], ", "message", out);
    fr_json_text(sum->message, out);
    fputc('}', out);
}

/* Optuna's state and values: a complete trial without a score failed, a pruned one keeps its
 * value where there is one objective. */
static void put_state(const fr_history *history, const fr_trial *trial, FILE *out)
{
    bool scored = true;
    for (size_t k = 0; k < history->n_goals; k++)
        scored = scored && isfinite(fr_trial_mean(trial, k));
    int state = trial->state == FR_TRIAL_PENDING ? RUNNING : FAIL;
    if (trial->state == FR_TRIAL_COMPLETE && scored) state = COMPLETE;
    if (trial->state == FR_TRIAL_PRUNED) state = PRUNED;
    fprintf(out, ", \"state\": %d", state);

    const bool several = history->n_goals > 1;
    scored = scored && (state == COMPLETE || (state == PRUNED && !several));
    const fr_json_field value = {"value", scored && !several ? fr_trial_mean(trial, 0) : NAN};
    fr_json_fields(&value, 1, out);
    fr_json_key(", ", "values", out);
    if (!scored || !several) {
        fputs("null", out);
        return;
    }
    for (size_t k = 0; k < history->n_goals; k++) {
        fputs(k == 0 ? "[" : ", ", out);
        fr_json_number(fr_trial_mean(trial, k), out);
    }
    fputc(']', out);
}

/* `, "key": "2026-11-23T15:15:15.250000+00:00"`; of a damaged file's times: 1970. */
static void put_time(const char *key, double when, FILE *out)
{
    const double year_9000 = 2.2e11;
    if (!(when >= 0 && when < year_9000)) when = 0;
    const double whole = floor(when);
    const time_t seconds = (time_t)whole;
    struct tm utc;
    char text[32] = "";
    if (gmtime_r(&seconds, &utc) != NULL)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    fr_json_key(", ", key, out);
    fprintf(out, "\"%s.%06d+00:00\"", text, (int)((when - whole) * 1e6));
}

static void put_trial(const writer *w, size_t t)
{
    const fr_history *history = w->results->history;
    const fr_trial *trial = &history->trials[t];
    const trial_folds sum = look_at_folds(history, t);
    put_operation(w, CREATE_TRIAL);
    fputs(", \"study_id\": 0", w->out);
    put_time("datetime_start", w->created + (isnan(sum.end_s) ? 0 : sum.start_s), w->out);
    if (trial->state != FR_TRIAL_PENDING)
        put_time("datetime_complete", w->created + (isnan(sum.end_s) ? 0 : sum.end_s), w->out);
    put_state(history, trial, w->out);
    put_params(w, trial->point);
    put_attributes(history, t, &sum, w->out);
    fputs(", \"system_attrs\": {}", w->out);
    put_curve(history, t, history->n_goals > 1 ? 0 : sum.n_epochs, w->out);
    fputs("}\n", w->out);
}

/* Seconds since 1970 of a time as the results file has it; 0 of any other text. */
static double parse_time(const char *text)
{
    struct tm utc = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return end != NULL && *end == '\0' ? (double)timegm(&utc) : 0;
}

fr_status fr_export_optuna(const fr_results_file *results, FILE *out)
{
    const fr_space *space = results->history->space;
    writer w = {.results = results, .created = parse_time(results->created), .out = out};
    fr_status st = FR_OK;
    for (size_t p = 0; st == FR_OK && p < space->n; p++)
        st = add_distribution(&space->params[p], &w.distributions);
    if (st == FR_OK) {
        put_study(&w);
        put_study_attributes(&w);
        for (size_t t = 0; t < results->history->n; t++) put_trial(&w, t);
    }
    fr_strings_clear(&w.distributions);
    return st;
}
