/* SPDX-License-Identifier: BSD-3-Clause */
/* array.c - the reader of files that are one array of numbers behind a header: IDX, NPY. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { BATCH_VALUES = 1 << 16 };

typedef struct {
    fr_reader base;
    fr_stream stream;
    fr_array array;
    size_t row, batch;    /* next row; rows in a batch */
    unsigned char *bytes; /* of a batch; by_columns: of the whole array */
    double *values;       /* (batch, cols) */
} array_reader;

static void reverse(unsigned char *bytes, int n)
{
    for (int i = 0; i < n / 2; i++) {
        const unsigned char swap = bytes[i];
        bytes[i] = bytes[n - 1 - i];
        bytes[n - 1 - i] = swap;
    }
}

/* IEEE 754 binary16. */
static double decode_half(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent == 0 ? fraction * 0x1p-24 : (1024 + fraction) * 0x1p-25;
    for (int e = 1; e <= exponent; e++) value *= exponent == 0 ? 1 : 2;
    if (exponent == 31) value = fraction == 0 ? 1.0 / 0.0 : 0.0 / 0.0;
    return bits >> 15 ? -value : value;
}

static double decode_one(fr_element element, const unsigned char *bytes)
{
    union {
        unsigned char raw[8];
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        uint64_t u64;
        int64_t i64;
        float f32;
        double f64;
    } v;
    memcpy(v.raw, bytes, (size_t)element.bytes);
    if (element.swap) reverse(v.raw, element.bytes);
    switch (element.kind << 4 | element.bytes) {
    case 'u' << 4 | 2:
        return v.u16;
    case 'u' << 4 | 4:
        return v.u32;
    case 'u' << 4 | 8:
        return (double)v.u64;
    case 'i' << 4 | 1:
        return v.i8;
    case 'i' << 4 | 2:
        return v.i16;
    case 'i' << 4 | 4:
        return v.i32;
    case 'i' << 4 | 8:
        return (double)v.i64;
    case 'f' << 4 | 2:
        return decode_half(v.u16);
    case 'f' << 4 | 4:
        return v.f32;
    default:
        return v.f64;
    }
}

static void decode(fr_element element, const unsigned char *in, size_t n, double *out)
{
    if (element.kind == 'u' && element.bytes == 1)
        for (size_t i = 0; i < n; i++) out[i] = in[i];
    else
        for (size_t i = 0; i < n; i++)
            out[i] = decode_one(element, in + i * (size_t)element.bytes);
}

static fr_cell cell_of(fr_element element)
{
    if (element.kind == 'u' && element.bytes == 1) return FR_CELL_U8;
    return element.kind == 'i' && element.bytes <= 2 ? FR_CELL_I16 : FR_CELL_F32;
}

static fr_status array_rewind(fr_reader *reader)
{
    array_reader *a = (array_reader *)reader;
    unsigned char skipped[256];
    a->row = 0;
    FR_TRY(fr_stream_rewind(&a->stream));
    for (size_t left = a->array.start; left > 0;) {
        const size_t now = left < sizeof skipped ? left : sizeof skipped;
        FR_TRY(fr_stream_read(&a->stream, skipped, now));
        left -= now;
    }
    if (!a->array.by_columns) return FR_OK;
    return fr_stream_read(&a->stream, a->bytes,
                          a->array.rows * a->array.cols * (size_t)a->array.element.bytes);
}

static fr_status array_next(fr_reader *reader, fr_rows *rows)
{
    array_reader *a = (array_reader *)reader;
    const size_t left = a->array.rows - a->row, cols = a->array.cols,
                 size = (size_t)a->array.element.bytes, n = left < a->batch ? left : a->batch;
    *rows = (fr_rows){.n = n, .values = a->values, .where = a->row};
    if (a->array.by_columns) {
        for (size_t c = 0; c < cols; c++)
            for (size_t r = 0; r < n; r++)
                decode(a->array.element, a->bytes + (c * a->array.rows + a->row + r) * size, 1,
                       &a->values[r * cols + c]);
    } else if (n > 0) {
        FR_TRY(fr_stream_read(&a->stream, a->bytes, n * cols * size));
        decode(a->array.element, a->bytes, n * cols, a->values);
    }
    a->row += n;
    return FR_OK;
}

static void array_close(fr_reader *reader)
{
    array_reader *a = (array_reader *)reader;
    fr_stream_close(&a->stream);
    free(a->bytes);
    free(a->values);
}

/* A damaged header must not make us ask for memory that nothing will fill. */
static fr_status check_shape(const array_reader *a)
{
    const size_t rows = a->array.rows, cols = a->array.cols;
    const double bytes = (double)rows * (double)cols * a->array.element.bytes;
    if (cols == 0 || cols > FR_COLUMNS_MAX)
        return FR_FAIL(FR_ERR_DATA, "%s: has %zu columns; 1 to %d can be used", a->base.path,
                       cols, FR_COLUMNS_MAX);
    if (bytes + (double)a->array.start > (double)a->stream.most)
        return FR_FAIL(FR_ERR_DATA, "%s: is too short for %zu rows x %zu columns of %d bytes",
                       a->base.path, rows, cols, a->array.element.bytes);
    return FR_OK;
}

static fr_status get_buffers(array_reader *a)
{
    const fr_array *array = &a->array;
    const size_t per_batch = BATCH_VALUES / array->cols;
    a->batch = per_batch > 0 ? per_batch : 1;
    const size_t rows = array->by_columns ? array->rows : a->batch;
    a->bytes = malloc(rows * array->cols * (size_t)array->element.bytes + 1);
    a->values = fr_alloc(a->batch * array->cols, sizeof *a->values);
    if (a->bytes == NULL || a->values == NULL)
        return FR_FAIL(FR_ERR_MEMORY, "%s: no memory for %zu x %zu numbers", a->base.path, rows,
                       array->cols);
    return fr_reader_number_columns(&a->base);
}

/* Takes the stream over, also on failure. */
static fr_status open_stream(fr_stream *stream, const fr_array *array, fr_reader **out)
{
    static const fr_reader_ops ops = {array_rewind, array_next, NULL, NULL, array_close};
    *out = NULL;
    array_reader *a = fr_alloc(1, sizeof *a);
    if (a == NULL) {
        fr_stream_close(stream);
        return FR_ERR_MEMORY;
    }
    a->base = (fr_reader){.ops = &ops,
                          .path = fr_strdup(stream->path),
                          .typed = true,
                          .cell = cell_of(array->element),
                          .rows = array->rows,
                          .target = -1};
    a->stream = *stream;
    a->array = *array;
    *stream = (fr_stream){0};
    fr_reader *reader = &a->base;
    fr_status st = a->base.path == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = check_shape(a);
    a->base.cols = st == FR_OK ? array->cols : 0;
    if (st == FR_OK) st = get_buffers(a);
    if (st != FR_OK) fr_reader_close(&reader);
    *out = reader;
    return st;
}

fr_status fr_array_open(const char *path, fr_array_header *read_header, fr_reader **out)
{
    fr_stream stream;
    fr_array array = {0};
    FR_TRY(fr_stream_open(path, &stream));
    fr_status st = read_header(&stream, &array);
    if (st == FR_OK) return open_stream(&stream, &array, out);
    fr_stream_close(&stream);
    return st;
}
