/* SPDX-License-Identifier: BSD-3-Clause */
/* npy.c - header of NumPy's .npy files, versions 1 to 3 (numpy.lib.format): magic, version,
 * length, and a Python dictionary with descr, fortran_order and shape. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { HEADER_LIMIT = 1 << 16 };

static fr_status bad_header(const fr_stream *stream, const char *what)
{
    return FR_FAIL(FR_ERR_DATA, "%s: %s", stream->path, what);
}

/* Text behind `'key':`, blanks skipped, or NULL. */
static const char *value_of(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL) return NULL;
    at += strlen(key);
    while (*at == ' ' || *at == ':') at++;
    return at;
}

static bool parse_descr(const char *text, fr_element *element)
{
    if (text == NULL || *text != '\'' || text[1] == '\0' || text[2] == '\0') return false;
    const char order = text[1], kind = text[2] == 'b' ? 'u' : text[2];
    char *end;
    const long bytes = strtol(text + 3, &end, 10);
    if (*end != '\'' || strchr("<>|=", order) == NULL) return false;
    const bool whole = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    if (!whole || (kind == 'f' && bytes == 1)) return false;
    if (kind != 'u' && kind != 'i' && kind != 'f') return false;
    *element = (fr_element){kind, (int)bytes, order == '>'};
    return true;
}

/* (rows,) or (rows, a, b, ...): cols is the product of the rest. *dimensions: how many. */
static bool parse_shape(const char *text, fr_array *array, int *dimensions)
{
    *dimensions = 0;
    array->cols = 1;
    if (text == NULL || *text++ != '(') return false;
    for (; *text != ')'; ++*dimensions) {
        char *end;
        if (!isdigit((unsigned char)*text)) return false;
        const unsigned long long n = strtoull(text, &end, 10);
        if (n > SIZE_MAX / 16) return false;
        if (*dimensions == 0)
            array->rows = (size_t)n;
        else if (n == 0 || array->cols > UINT32_MAX / n)
            return false;
        else
            array->cols *= (size_t)n;
        text = end;
        while (*text == ' ' || *text == ',') text++;
    }
    return *dimensions > 0;
}

static fr_status parse_header(const fr_stream *stream, const char *header, fr_array *array)
{
    int dimensions;
    if (!parse_descr(value_of(header, "'descr'"), &array->element))
        return bad_header(stream, "elements must be integers, floats or bools");
    if (!parse_shape(value_of(header, "'shape'"), array, &dimensions))
        return bad_header(stream,
                          "the shape is not that of a table: (rows,) or (rows, columns)");
    const char *order = value_of(header, "'fortran_order'");
    array->by_columns = order != NULL && strncmp(order, "True", 4) == 0 && dimensions > 1;
    if (array->by_columns && dimensions > 2)
        return bad_header(stream, "more than two dimensions in Fortran order; save it with "
                                  "numpy.ascontiguousarray");
    return FR_OK;
}

static fr_status read_header(fr_stream *stream, fr_array *array)
{
    unsigned char head[8], length[4] = {0};
    FR_TRY(fr_stream_read(stream, head, sizeof head));
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        return bad_header(stream, "is not an .npy file: its first bytes are others");
    if (head[6] < 1 || head[6] > 3)
        return FR_FAIL(FR_ERR_DATA, "%s: is .npy version %d; 1 to 3 can be read", stream->path,
                       head[6]);
    const size_t width = head[6] == 1 ? 2 : 4;
    FR_TRY(fr_stream_read(stream, length, width));
    const size_t n = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 |
                     (size_t)length[3] << 24;
    if (n > HEADER_LIMIT) return bad_header(stream, "the header is damaged: it is too long");
    char *header = malloc(n + 1);
    if (header == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory");
    fr_status st = fr_stream_read(stream, header, n);
    header[st == FR_OK ? n : 0] = '\0';
    array->start = sizeof head + width + n;
    if (st == FR_OK) st = parse_header(stream, header, array);
    free(header);
    return st;
}

fr_status fr_npy_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    (void)options;
    return fr_array_open(path, read_header, out);
}
