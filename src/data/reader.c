/* SPDX-License-Identifier: BSD-3-Clause */
/* reader.c - which reader a file needs, and what all readers share. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

enum { HEAD_SIZE = 4096 };

/* `label index:value`, optionally with a comment or qid: no other format looks so. */
static bool looks_like_svmlight(const char *head, size_t n)
{
    size_t line = 0;
    while (line < n && (head[line] == '#' || head[line] == '\n')) {
        while (line < n && head[line] != '\n') line++;
        line += line < n;
    }
    char text[HEAD_SIZE + 1];
    const char *stop = memchr(head + line, '\n', n - line);
    const size_t length = stop == NULL ? n - line : (size_t)(stop - head) - line;
    memcpy(text, head + line, length);
    text[length] = '\0';
    double label;
    unsigned long index;
    int used = 0;
    char word[64];
    if (sscanf(text, "%63s %n", word, &used) < 1 || used == 0) return false;
    if (!fr_span_number((fr_span){word, strlen(word)}, &label)) return false;
    if (strncmp(text + used, "qid:", 4) == 0) return true;
    return isdigit((unsigned char)text[used]) &&
           sscanf(text + used, "%lu:%63s", &index, word) == 2;
}

/* {"name": ..., behind a mark of the byte order or not. */
static bool looks_like_json(const char *head, size_t n)
{
    size_t at = n >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (at == n || head[at] != '{') return false;
    for (at++; at < n && strchr(" \t", head[at]) != NULL;) at++;
    return at < n && head[at] == '"';
}

static fr_format by_name(const char *path)
{
    static const struct {
        const char *ending;
        fr_format format;
    } endings[] = {{".h5", FR_FORMAT_HDF5},         {".hdf5", FR_FORMAT_HDF5},
                   {".npy", FR_FORMAT_NPY},         {".idx", FR_FORMAT_IDX},
                   {"-ubyte", FR_FORMAT_IDX},       {".svm", FR_FORMAT_SVMLIGHT},
                   {".libsvm", FR_FORMAT_SVMLIGHT}, {".svmlight", FR_FORMAT_SVMLIGHT},
                   {".jsonl", FR_FORMAT_JSONL},     {".ndjson", FR_FORMAT_JSONL},
                   {".json", FR_FORMAT_JSONL}};
    size_t n = strlen(path);
    if (n > 3 && strcasecmp(path + n - 3, ".gz") == 0) n -= 3;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t m = strlen(endings[i].ending);
        if (n > m && strncasecmp(path + n - m, endings[i].ending, m) == 0)
            return endings[i].format;
    }
    return FR_FORMAT_CSV;
}

/* Magic numbers first: they cannot lie. HDF5 may start behind a user block of 512, 1024, ...
 * bytes, which its name must tell. */
static fr_format by_content(const char *head, size_t n)
{
    static const char idx_types[] = "\x08\x09\x0B\x0C\x0D\x0E";
    if (n >= 8 && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0) return FR_FORMAT_HDF5;
    if (n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0) return FR_FORMAT_NPY;
    if (n >= 4 && head[0] == 0 && head[1] == 0 && strchr(idx_types, head[2]) != NULL &&
        head[2] != 0 && head[3] > 0)
        return FR_FORMAT_IDX;
    if (looks_like_json(head, n)) return FR_FORMAT_JSONL;
    return looks_like_svmlight(head, n) ? FR_FORMAT_SVMLIGHT : FR_FORMAT_AUTO;
}

static fr_status detect(const char *path, fr_format *format)
{
    fr_stream stream;
    FR_TRY(fr_media_detect(path, format));
    if (*format != FR_FORMAT_AUTO) return FR_OK;
    FR_TRY(fr_stream_open(path, &stream));
    fr_status st = fr_stream_more(&stream);
    if (st == FR_OK) {
        *format = by_content(stream.buffer, stream.end < HEAD_SIZE ? stream.end : HEAD_SIZE);
        if (*format == FR_FORMAT_AUTO) *format = by_name(path);
    }
    fr_stream_close(&stream);
    return st;
}

fr_status fr_reader_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    *out = NULL;
    fr_format format = (fr_format)options->format;
    if (options->text.column != NULL) return fr_text_open(options, path, out);
    if (format == FR_FORMAT_AUTO) FR_TRY(detect(path, &format));
    switch (format) {
    case FR_FORMAT_HDF5:
        return fr_hdf5_open(options, path, out);
    case FR_FORMAT_IDX:
        return fr_idx_open(options, path, out);
    case FR_FORMAT_NPY:
        return fr_npy_open(options, path, out);
    case FR_FORMAT_SVMLIGHT:
        return fr_svmlight_open(options, path, out);
    case FR_FORMAT_JSONL:
        return fr_jsonl_open(options, path, out);
    case FR_FORMAT_SOUND:
        return fr_sound_open(options, path, out);
    case FR_FORMAT_IMAGE:
        return fr_image_open(options, path, out);
    default:
        return fr_csv_open(options, path, out);
    }
}

void fr_names_free(char **names, size_t n)
{
    for (size_t i = 0; names != NULL && i < n; i++) free(names[i]);
    free(names);
}

void fr_reader_close(fr_reader **reader)
{
    fr_reader *r = *reader;
    if (r == NULL) return;
    r->ops->close(r);
    for (size_t c = 0; r->levels != NULL && c < r->cols; c++)
        fr_names_free(r->levels[c].levels, r->levels[c].n_levels);
    free(r->levels);
    fr_names_free(r->names, r->cols);
    fr_names_free(r->classes, r->n_classes);
    free(r->wanted);
    free(r->contents);
    free(r->path);
    free(r);
    *reader = NULL;
}

fr_status fr_reader_number_columns(fr_reader *reader)
{
    reader->wanted = fr_alloc(reader->cols, sizeof *reader->wanted);
    reader->names = fr_alloc(reader->cols, sizeof *reader->names);
    if (reader->names == NULL || reader->wanted == NULL) return FR_ERR_MEMORY;
    for (size_t c = 0; c < reader->cols; c++) {
        char name[64];
        snprintf(name, sizeof name, "c%zu", c);
        reader->names[c] = fr_strdup(name);
        if (reader->names[c] == NULL) return FR_ERR_MEMORY;
    }
    return FR_OK;
}

size_t fr_reader_features(const fr_reader *reader)
{
    return reader->cols - (reader->target >= 0) - reader->n_side;
}

const char *fr_reader_place(const fr_reader *reader, uint64_t where, char *out)
{
    if (reader->row_names != NULL)
        snprintf(out, FR_PLACE_SIZE, "%s", reader->row_names[where]);
    else
        snprintf(out, FR_PLACE_SIZE, reader->typed ? "%s: row %llu" : "%s:%llu", reader->path,
                 (unsigned long long)where);
    return out;
}
