/* SPDX-License-Identifier: BSD-3-Clause */
/* image.c - PNG by libpng: pixels as bytes, resized by areas where that is asked for. */
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "media.h"

enum { SIDE_MAX = 1 << 14 }; /* pixels */

typedef struct {
    size_t channels;
    size_t height, width; /* of a row */
    bool resize;
    unsigned char *pixels; /* of the image at hand */
    size_t capacity;
    double *narrow; /* (height of the image, width of a row, channels) */
    size_t narrow_capacity;
    double *resized; /* (height, width, channels) of a row, if resize */
} image_state;

static fr_status read_head(const char *path, png_image *image)
{
    *image = (png_image){.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(image, path)) {
        const fr_status st = FR_FAIL(FR_ERR_DATA, "%s: is no PNG image that can be read: %s",
                                     path, image->message);
        png_image_free(image);
        return st;
    }
    if (image->width <= SIDE_MAX && image->height <= SIDE_MAX) return FR_OK;
    const fr_status st =
        FR_FAIL(FR_ERR_DATA, "%s: has %u x %u pixels; up to %d x %d can be used", path,
                image->height, image->width, SIDE_MAX, SIDE_MAX);
    png_image_free(image);
    return st;
}

/* All images have the size of the first one, or are brought to the size that is wanted. */
static fr_status check_sizes(image_state *s, const fr_media_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        png_image image;
        FR_TRY(read_head(list->path[i], &image));
        const size_t height = image.height, width = image.width;
        png_image_free(&image);
        if (s->resize) continue;
        if (i == 0) {
            s->height = height;
            s->width = width;
        }
        if (height != s->height || width != s->width)
            return FR_FAIL(FR_ERR_DATA,
                           "%s: has %zu x %zu pixels, %s has %zu x %zu; set data.image.size: "
                           "[%zu, %zu] to resize all",
                           list->path[i], height, width, list->path[0], s->height, s->width,
                           s->height, s->width);
    }
    return FR_OK;
}

static void image_close(void *state)
{
    image_state *s = state;
    free(s->pixels);
    free(s->narrow);
    free(s->resized);
    free(s);
}

static fr_status image_open(const fr_data_options *options, const fr_media_list *list,
                            void **state, size_t *features, fr_cell *cell)
{
    const fr_ints *size = &options->image.size;
    if (size->n != 0 && size->n != 2)
        return FR_FAIL(FR_ERR_DATA, "data.image.size has %zu numbers; it is [height, width]",
                       size->n);
    image_state *s = fr_alloc(1, sizeof *s);
    if (s == NULL) return FR_ERR_MEMORY;
    s->channels = options->image.color == FR_COLOR_RGB ? 3 : 1;
    s->resize = size->n == 2;
    if (s->resize) {
        s->height = (size_t)size->value[0];
        s->width = (size_t)size->value[1];
    }
    fr_status st = check_sizes(s, list);
    if (st == FR_OK && s->resize) {
        s->resized = fr_alloc(s->height * s->width * s->channels, sizeof *s->resized);
        if (s->resized == NULL) st = FR_ERR_MEMORY;
    }
    if (st != FR_OK) {
        image_close(s);
        return st;
    }
    *state = s;
    *features = s->height * s->width * s->channels;
    *cell = FR_CELL_U8;
    return FR_OK;
}

/* One line of `from` pixels to `to` ones; pixels of a line are `step` numbers apart. `in` or
 * `bytes` is the line. */
static void resize_line(const double *in, const unsigned char *bytes, size_t from, size_t to,
                        size_t step, double *out)
{
    const double ratio = (double)from / (double)to;
    for (size_t i = 0; i < to; i++) {
        const double begin = (double)i * ratio, end = (double)(i + 1) * ratio;
        double sum = 0;
        for (size_t k = (size_t)begin; k < from && (double)k < end; k++) {
            const double covered = fmin(end, (double)k + 1) - fmax(begin, (double)k);
            sum += covered * (in != NULL ? in[k * step] : bytes[k * step]);
        }
        out[i * step] = sum / ratio;
    }
}

/* Lines first, then columns. */
static fr_status resize(image_state *s, size_t height, size_t width, float *row)
{
    const size_t n = s->channels, line = s->width * n;
    void *narrow = s->narrow;
    const fr_status st =
        fr_grow(&narrow, &s->narrow_capacity, height * line, sizeof *s->narrow);
    s->narrow = narrow;
    FR_TRY(st);
    for (size_t y = 0; y < height; y++)
        for (size_t c = 0; c < n; c++)
            resize_line(NULL, s->pixels + y * width * n + c, width, s->width, n,
                        s->narrow + y * line + c);
    for (size_t x = 0; x < line; x++)
        resize_line(s->narrow + x, NULL, height, s->height, line, s->resized + x);
    for (size_t i = 0; i < s->height * line; i++) row[i] = (float)floor(s->resized[i] + 0.5);
    return FR_OK;
}

static fr_status image_read(void *state, const char *path, float *row)
{
    image_state *s = state;
    png_image image;
    FR_TRY(read_head(path, &image));
    image.format = s->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    const size_t height = image.height, width = image.width, n = height * width * s->channels;
    const png_color black = {0, 0, 0};
    void *pixels = s->pixels;
    fr_status st = fr_grow(&pixels, &s->capacity, n, 1);
    s->pixels = pixels;
    if (st == FR_OK && !s->resize && (height != s->height || width != s->width))
        st = FR_FAIL(FR_ERR_DATA, "%s: changed while it was read; run again", path);
    if (st == FR_OK && !png_image_finish_read(&image, &black, s->pixels, 0, NULL))
        st = FR_FAIL(FR_ERR_DATA, "%s: is cut off or damaged: %s", path, image.message);
    png_image_free(&image);
    FR_TRY(st);
    if (s->resize) return resize(s, height, width, row);
    for (size_t i = 0; i < n; i++) row[i] = s->pixels[i];
    return FR_OK;
}

/* px_ROW_COLUMN, in colour with _r, _g, _b */
static void image_name(const void *state, size_t feature, char out[64])
{
    const image_state *s = state;
    const size_t pixel = feature / s->channels;
    snprintf(out, 64, "px_%zu_%zu", pixel / s->width, pixel % s->width);
    if (s->channels == 3) {
        const char channel[] = {'_', "rgb"[feature % 3], '\0'};
        strcat(out, channel);
    }
}

static const char *const endings[] = {".png", NULL};
const fr_media_kind fr_media_image = {endings, image_open, image_read, image_name, image_close};
