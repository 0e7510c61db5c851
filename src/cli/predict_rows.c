/* SPDX-License-Identifier: BSD-3-Clause */
/* predict_rows.c - rows through a model on all ranks, and out again in their order.
 *
 * Rows are cut into slabs of a size that follows from the model alone; slab s belongs to rank s
 * mod size. In every round each rank predicts one slab and puts it into words, which costs more
 * than predicting, and root collects them in order. So each rank holds one slab, whatever the
 * number of rows. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/schedule.h"
#include "foldrank/store.h"
#include "foldrank/text.h"
#include "predict.h"

enum { TAG_TEXT = 1, TAG_OUTPUTS };

/* Whole batches of the prediction, so that the slabs' edges cannot be seen in the results. */
enum { BATCH_ROWS = 128, SLAB_OUTPUTS = 1 << 18, SLAB_ROWS_MAX = 8192 };

static size_t slab_rows(size_t n_outputs)
{
    size_t rows = SLAB_OUTPUTS / n_outputs / BATCH_ROWS * BATCH_ROWS;
    if (rows > SLAB_ROWS_MAX) rows = SLAB_ROWS_MAX;
    return rows > 0 ? rows : BATCH_ROWS;
}

/* One slab at work. */
typedef struct {
    size_t first, n; /* rows */
    uint32_t *rows;
    float *outputs;
    fr_text text;
} slab;

/* Nothing for NaN. */
static void add_number(fr_text *text, float value)
{
    char number[FR_NUMBER_SIZE];
    if (!isnan(value)) fr_text_add(text, "%s", fr_format_float(value, number));
}

static void add_header(const fr_model *model, fr_text *text)
{
    const char *prefix = fr_model_has_probabilities(model) ? "prob_" : "decision_";
    fr_text_add(text, "row,prediction");
    for (size_t c = 0; c < model->schema.n_classes; c++) {
        fr_text name = {0};
        fr_text_add(&name, "%s%s", prefix, model->schema.classes[c]);
        fr_text_append(text, ",", 1);
        fr_csv_quote(fr_text_get(&name), text);
        text->failed = text->failed || name.failed;
        fr_text_clear(&name);
    }
    fr_text_append(text, "\n", 1);
}

static void add_row(const fr_model *model, size_t row, const float *outputs, fr_text *text)
{
    fr_text_add(text, "%zu,", row);
    if (model->schema.learn == FR_LEARN_REGRESSION) {
        add_number(text, outputs[0]);
    } else {
        const size_t chosen =
            fr_calibration_class(&model->calibration, outputs, model->n_outputs);
        if (chosen < model->n_outputs) fr_csv_quote(model->schema.classes[chosen], text);
        for (size_t c = 0; c < model->n_outputs; c++) {
            fr_text_append(text, ",", 1);
            add_number(text, outputs[c]);
        }
    }
    fr_text_append(text, "\n", 1);
}

/* Predict the slab and put it into words. */
static fr_status do_slab(const fr_predict_job *job, slab *s)
{
    const size_t n_outputs = job->model->n_outputs;
    s->text.length = 0;
    for (size_t i = 0; i < s->n; i++) s->rows[i] = (uint32_t)(s->first + i);
    FR_TRY(fr_ensemble_predict(job->ensemble, job->dataset, s->rows, s->n, s->outputs));
    for (size_t i = 0; job->want_csv && i < s->n; i++)
        add_row(job->model, s->first + i, s->outputs + i * n_outputs, &s->text);
    if (s->text.failed || s->text.length > INT_MAX)
        return FR_FAIL(FR_ERR_MEMORY, "out of memory for the predictions as text");
    return FR_OK;
}

/* Without CSV there is no text, and `out` may be NULL. */
static void put_text(const char *text, size_t n, FILE *out)
{
    if (n > 0) fwrite(text, 1, n, out);
}

/* To root: text, then outputs. */
static fr_status send_slab(const fr_predict_job *job, const slab *s)
{
    const int n_floats = (int)(s->n * job->model->n_outputs);
    FR_MPI(MPI_Send(s->text.data, (int)s->text.length, MPI_CHAR, 0, TAG_TEXT, job->comm));
    if (job->want_outputs)
        FR_MPI(MPI_Send(s->outputs, n_floats, MPI_FLOAT, 0, TAG_OUTPUTS, job->comm));
    return FR_OK;
}

/* On root: the slab of rank `from` that starts at row `first`, to `out` and `outputs`. */
static fr_status receive_slab(const fr_predict_job *job, int from, slab *s, FILE *out,
                              float *outputs)
{
    const size_t n_outputs = job->model->n_outputs;
    const int room = s->text.capacity < INT_MAX ? (int)s->text.capacity : INT_MAX;
    int length = 0;
    MPI_Status status;
    FR_MPI(MPI_Recv(s->text.data, room, MPI_CHAR, from, TAG_TEXT, job->comm, &status));
    FR_MPI(MPI_Get_count(&status, MPI_CHAR, &length));
    put_text(s->text.data, (size_t)length, out);
    if (job->want_outputs)
        FR_MPI(MPI_Recv(outputs + s->first * n_outputs, (int)(s->n * n_outputs), MPI_FLOAT,
                        from, TAG_OUTPUTS, job->comm, MPI_STATUS_IGNORE));
    return FR_OK;
}

/* Room on root for the longest text of this round. Collective. */
static fr_status make_room(const fr_predict_job *job, slab *s)
{
    const uint64_t mine = s->text.length;
    uint64_t longest = 0;
    fr_status st = FR_OK;
    FR_MPI(MPI_Reduce(&mine, &longest, 1, MPI_UINT64_T, MPI_MAX, 0, job->comm));
    if (job->rank == 0) {
        void *block = s->text.data;
        st = fr_grow(&block, &s->text.capacity, longest, 1);
        s->text.data = block;
    }
    return fr_agree(job->comm, st);
}

static void place_slab(const fr_predict_job *job, size_t index, slab *s)
{
    const size_t step = slab_rows(job->model->n_outputs), rows = job->dataset->schema.rows;
    s->first = index * step < rows ? index * step : rows;
    s->n = rows - s->first < step ? rows - s->first : step;
}

/* One slab of every rank. All that may fail on one rank alone is agreed before anything is
 * sent: nobody waits for a rank that gave up. Collective. */
static fr_status do_round(const fr_predict_job *job, size_t round, slab *s, FILE *out,
                          float *outputs)
{
    const size_t first_slab = round * (size_t)job->size, n_outputs = job->model->n_outputs;
    place_slab(job, first_slab + (size_t)job->rank, s);
    FR_TRY(fr_agree(job->comm, do_slab(job, s)));
    FR_TRY(make_room(job, s));
    if (job->rank != 0) return s->n > 0 ? send_slab(job, s) : FR_OK;

    put_text(s->text.data, s->text.length, out);
    if (job->want_outputs)
        memcpy(outputs + s->first * n_outputs, s->outputs, s->n * n_outputs * sizeof *outputs);
    for (int from = 1; from < job->size; from++) {
        place_slab(job, first_slab + (size_t)from, s);
        if (s->n > 0) FR_TRY(receive_slab(job, from, s, out, outputs));
    }
    return FR_OK;
}

static fr_status start(const fr_predict_job *job, slab *s, FILE *out, float **outputs)
{
    const size_t step = slab_rows(job->model->n_outputs), n_outputs = job->model->n_outputs;
    if (job->dataset->schema.rows > UINT32_MAX)
        return FR_FAIL(FR_ERR_DATA, "%zu rows are too many for one call; at most %u",
                       job->dataset->schema.rows, UINT32_MAX);
    s->rows = fr_alloc(step, sizeof *s->rows);
    s->outputs = fr_alloc(step * n_outputs, sizeof *s->outputs);
    if (s->rows == NULL || s->outputs == NULL) return FR_ERR_MEMORY;
    if (job->rank != 0) return FR_OK;
    if (job->want_outputs) {
        *outputs = fr_alloc(job->dataset->schema.rows, n_outputs * sizeof **outputs);
        if (*outputs == NULL) return FR_ERR_MEMORY;
    }
    if (!job->want_csv) return FR_OK;
    add_header(job->model, &s->text);
    fwrite(fr_text_get(&s->text), 1, s->text.length, out);
    return s->text.failed ? FR_ERR_MEMORY : FR_OK;
}

fr_status fr_predict_rows(const fr_predict_job *job, FILE *out, float **outputs)
{
    slab s = {0};
    const size_t step = slab_rows(job->model->n_outputs);
    const size_t n_slabs = (job->dataset->schema.rows + step - 1) / step;
    const size_t size = (size_t)job->size, n_rounds = (n_slabs + size - 1) / size;
    *outputs = NULL;
    fr_status st = fr_agree(job->comm, start(job, &s, out, outputs));
    for (size_t round = 0; st == FR_OK && round < n_rounds; round++)
        st = do_round(job, round, &s, out, *outputs);
    free(s.rows);
    free(s.outputs);
    fr_text_clear(&s.text);
    if (st != FR_OK) {
        free(*outputs);
        *outputs = NULL;
    }
    return st;
}
