/* SPDX-License-Identifier: BSD-3-Clause */
/* media.c - the reader of sounds and images: a row is what one file becomes.
 *
 * Columns: the features, then the label if the names tell it, then the other side columns. The
 * heads of all files are looked at when the reader is opened, their content when cells are
 * asked for; ranks may share that work. */
#include "media.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"

enum { BATCH_ROWS = 64 };

typedef struct {
    fr_reader base;
    const fr_media_kind *kind;
    void *state;
    fr_media_list list;
    size_t features, row;
    double *side;   /* (rows, side columns) */
    float *cells;   /* (features) of one file */
    double *values; /* (BATCH_ROWS, cols) */
} media_reader;

static fr_status media_rewind(fr_reader *reader)
{
    ((media_reader *)reader)->row = 0;
    return FR_OK;
}

static fr_status media_next(fr_reader *reader, fr_rows *rows)
{
    media_reader *m = (media_reader *)reader;
    const size_t left = reader->rows - m->row, n = left < BATCH_ROWS ? left : BATCH_ROWS,
                 n_side = m->list.column.n;
    bool wanted = false;
    for (size_t c = 0; c < m->features; c++) wanted |= reader->wanted[c];
    for (size_t r = 0; r < n; r++) {
        double *out = m->values + r * reader->cols;
        if (wanted) FR_TRY(m->kind->read(m->state, m->list.path[m->row + r], m->cells));
        for (size_t c = 0; c < m->features && wanted; c++) out[c] = m->cells[c];
        for (size_t c = 0; c < n_side; c++)
            out[m->features + c] = m->side[(m->row + r) * n_side + c];
    }
    *rows = (fr_rows){.n = n, .values = m->values, .where = m->row};
    m->row += n;
    return FR_OK;
}

static fr_status media_cells(fr_reader *reader, fr_cell cell, size_t first, size_t n, void *x)
{
    media_reader *m = (media_reader *)reader;
    for (size_t r = 0; r < n; r++) {
        const size_t at = r * m->features;
        FR_TRY(m->kind->read(m->state, m->list.path[first + r], m->cells));
        if (cell == FR_CELL_F32)
            memcpy((float *)x + at, m->cells, m->features * sizeof *m->cells);
        for (size_t c = 0; c < m->features && cell == FR_CELL_U8; c++)
            ((uint8_t *)x)[at + c] = (uint8_t)m->cells[c];
        for (size_t c = 0; c < m->features && cell == FR_CELL_I16; c++)
            ((int16_t *)x)[at + c] = (int16_t)m->cells[c];
    }
    return FR_OK;
}

static size_t media_together(const fr_reader *reader)
{
    (void)reader;
    return 1;
}

static void media_close(fr_reader *reader)
{
    media_reader *m = (media_reader *)reader;
    if (m->state != NULL) m->kind->close(m->state);
    fr_media_list_clear(&m->list);
    free(m->side);
    free(m->cells);
    free(m->values);
}

static fr_status name_columns(media_reader *m)
{
    FR_TRY(fr_reader_number_columns(&m->base));
    m->base.named = true;
    for (size_t c = 0; c < m->base.cols; c++) {
        char name[64];
        if (c < m->features) m->kind->name(m->state, c, name);
        char *copy = fr_strdup(c < m->features ? name : m->list.column.item[c - m->features]);
        if (copy == NULL) return FR_ERR_MEMORY;
        free(m->base.names[c]);
        m->base.names[c] = copy;
    }
    return FR_OK;
}

/* For the message that lists columns: the first ones are all alike. */
static fr_status describe_side(media_reader *m)
{
    fr_text text = {0};
    fr_text_add(&text, "names of files give");
    for (size_t c = 0; c < m->list.column.n; c++)
        fr_text_add(&text, "%s `%s`", c > 0 ? "," : "", m->list.column.item[c]);
    m->base.contents = text.data;
    return text.failed ? FR_ERR_MEMORY : FR_OK;
}

static fr_status make_columns(media_reader *m, const fr_data_options *options)
{
    const size_t n_side = m->list.column.n;
    if (m->features == 0 || m->features > FR_COLUMNS_MAX)
        return FR_FAIL(FR_ERR_DATA, "%s: a file becomes %zu numbers; 1 to %d can be used",
                       m->base.path, m->features, FR_COLUMNS_MAX);
    const bool label = n_side > 0 && strcmp(m->list.column.item[0], "label") == 0;
    m->base.cols = m->features + n_side;
    m->base.rows = m->list.n;
    m->base.row_names = m->list.path;
    m->base.target = label ? (ptrdiff_t)m->features : -1;
    m->base.n_side = n_side - label;
    m->base.levels = fr_alloc(m->base.cols, sizeof *m->base.levels);
    m->side = fr_alloc(m->list.n * n_side, sizeof *m->side);
    m->cells = fr_alloc(m->features, sizeof *m->cells);
    m->values = fr_alloc(BATCH_ROWS * m->base.cols, sizeof *m->values);
    if (m->base.levels == NULL || m->side == NULL || m->cells == NULL || m->values == NULL)
        return FR_ERR_MEMORY;
    FR_TRY(name_columns(m));
    FR_TRY(describe_side(m));
    return fr_media_side(&m->list, &options->missing, m->side, m->base.levels + m->features);
}

static fr_status open_kind(const fr_media_kind *kind, const fr_data_options *options,
                           const char *path, fr_reader **out)
{
    static const fr_reader_ops ops = {media_rewind, media_next, media_cells, media_together,
                                      media_close};
    *out = NULL;
    media_reader *m = fr_alloc(1, sizeof *m);
    if (m == NULL) return FR_ERR_MEMORY;
    m->base = (fr_reader){.ops = &ops, .path = fr_strdup(path), .typed = true, .target = -1};
    m->kind = kind;
    fr_reader *reader = &m->base;
    fr_status st = m->base.path == NULL ? FR_ERR_MEMORY
                                        : fr_media_find(options, path, kind->endings, &m->list);
    if (st == FR_OK) st = kind->open(options, &m->list, &m->state, &m->features, &m->base.cell);
    if (st == FR_OK) st = make_columns(m, options);
    if (st != FR_OK) fr_reader_close(&reader);
    *out = reader;
    return st;
}

fr_status fr_sound_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    return open_kind(&fr_media_sound, options, path, out);
}

fr_status fr_image_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    return open_kind(&fr_media_image, options, path, out);
}

fr_status fr_media_detect(const char *path, fr_format *format)
{
    struct stat about;
    const bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    char *sound = folder ? fr_media_first(path, fr_media_sound.endings) : NULL;
    char *image = folder ? fr_media_first(path, fr_media_image.endings) : NULL;
    const bool is_sound =
                   folder ? sound != NULL : fr_media_ends_with(path, fr_media_sound.endings),
               is_image =
                   folder ? image != NULL : fr_media_ends_with(path, fr_media_image.endings);
    fr_status st = FR_OK;
    *format = is_sound ? FR_FORMAT_SOUND : is_image ? FR_FORMAT_IMAGE : FR_FORMAT_AUTO;
    if (is_sound && is_image)
        st = FR_FAIL(FR_ERR_DATA,
                     "%s: holds sounds (%s) and images (%s); say which with data.format: sound "
                     "or image",
                     path, sound, image);
    else if (folder && *format == FR_FORMAT_AUTO)
        st = FR_FAIL(FR_ERR_DATA, "%s: is a folder without sounds (.wav ...) or images (.png)",
                     path);
    free(sound);
    free(image);
    return st;
}
