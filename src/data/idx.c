/* SPDX-License-Identifier: BSD-3-Clause */
/* idx.c - header of the MNIST family's format: 0 0 type dimensions, sizes big-endian; an image
 * is one row. */
#include "internal.h"

static bool element_of(unsigned char code, fr_element *element)
{
    switch (code) {
    case 0x08:
        *element = (fr_element){'u', 1, false};
        return true;
    case 0x09:
        *element = (fr_element){'i', 1, false};
        return true;
    case 0x0B:
        *element = (fr_element){'i', 2, true};
        return true;
    case 0x0C:
        *element = (fr_element){'i', 4, true};
        return true;
    case 0x0D:
        *element = (fr_element){'f', 4, true};
        return true;
    case 0x0E:
        *element = (fr_element){'f', 8, true};
        return true;
    default:
        return false;
    }
}

static fr_status read_header(fr_stream *stream, fr_array *array)
{
    unsigned char head[4], size[4];
    FR_TRY(fr_stream_read(stream, head, sizeof head));
    if (head[0] != 0 || head[1] != 0 || head[3] == 0 || !element_of(head[2], &array->element))
        return FR_FAIL(FR_ERR_DATA,
                       "%s: is not an IDX file: it starts with %02x %02x %02x %02x",
                       stream->path, head[0], head[1], head[2], head[3]);
    array->start = 4 + 4 * (size_t)head[3];
    array->cols = 1;
    for (int d = 0; d < head[3]; d++) {
        FR_TRY(fr_stream_read(stream, size, sizeof size));
        const size_t n =
            (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
        if (d == 0)
            array->rows = n;
        else if (n == 0 || array->cols > (UINT32_MAX - 1) / n)
            return FR_FAIL(FR_ERR_DATA, "%s: dimension %d of %zu is not usable", stream->path,
                           d + 1, n);
        else
            array->cols *= n;
    }
    return FR_OK;
}

fr_status fr_idx_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    (void)options;
    return fr_array_open(path, read_header, out);
}
