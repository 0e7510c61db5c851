/* SPDX-License-Identifier: BSD-3-Clause */
/* stream.c - the bytes of a file, plain or gzip: zlib tells them apart by content. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "foldrank/memory.h"
#include "internal.h"

/* No gzip stream shrinks its content by more (deflate: 1032). */
enum { BEST_RATIO = 1100 };
enum { START_SIZE = 1 << 18, READ_LIMIT = 1 << 30, SPARE = 1 };

fr_status fr_stream_open(const char *path, fr_stream *out)
{
    *out = (fr_stream){0};
    struct stat about;
    if (stat(path, &about) != 0)
        return FR_FAIL(FR_ERR_DATA, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return FR_FAIL(FR_ERR_DATA,
                       "%s: is not a file; data are read twice, so a pipe must be "
                       "saved to a file first",
                       path);
    out->file = gzopen(path, "rb");
    if (out->file == NULL)
        return FR_FAIL(FR_ERR_DATA, "%s: cannot be read: %s", path, strerror(errno));
    gzbuffer(out->file, START_SIZE);
    out->path = fr_strdup(path);
    out->buffer = malloc(START_SIZE + SPARE);
    if (out->path == NULL || out->buffer == NULL) {
        fr_stream_close(out);
        return FR_FAIL(FR_ERR_MEMORY, "%s: out of memory", path);
    }
    out->most = (uint64_t)about.st_size * (gzdirect(out->file) ? 1 : BEST_RATIO);
    out->capacity = START_SIZE;
    out->buffer[0] = '\n';
    return FR_OK;
}

void fr_stream_close(fr_stream *stream)
{
    if (stream->file != NULL) gzclose_r(stream->file);
    free(stream->path);
    free(stream->buffer);
    *stream = (fr_stream){0};
}

fr_status fr_stream_rewind(fr_stream *stream)
{
    stream->at = stream->end = 0;
    stream->ended = false;
    stream->buffer[0] = '\n';
    if (gzrewind(stream->file) != 0)
        return FR_FAIL(FR_ERR_DATA, "%s: cannot be read a second time", stream->path);
    return FR_OK;
}

static fr_status read_failure(fr_stream *stream)
{
    int code = Z_OK;
    const char *words = gzerror(stream->file, &code);
    if (code == Z_BUF_ERROR)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: the gzip file is cut off after %lld bytes of data; "
                       "fetch it again",
                       stream->path, (long long)gztell(stream->file));
    if (code == Z_ERRNO)
        return FR_FAIL(FR_ERR_DATA, "%s: cannot be read: %s", stream->path, strerror(errno));
    return FR_FAIL(FR_ERR_DATA, "%s: the gzip file is damaged: %s", stream->path, words);
}

/* Up to n bytes; fewer only at the end of the file. */
static fr_status read_some(fr_stream *stream, char *out, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        const size_t want = n - *got < READ_LIMIT ? n - *got : READ_LIMIT;
        const int now = gzread(stream->file, out + *got, (unsigned)want);
        int code = Z_OK;
        (void)gzerror(stream->file, &code);
        if (now < 0 || code == Z_BUF_ERROR) return read_failure(stream);
        if (now == 0) break;
        *got += (size_t)now;
    }
    return FR_OK;
}

static fr_status make_room(fr_stream *stream)
{
    if (stream->at > 0) {
        stream->end -= stream->at;
        memmove(stream->buffer, stream->buffer + stream->at, stream->end);
        stream->at = 0;
    }
    if (stream->end < stream->capacity) return FR_OK;
    const size_t wanted = stream->capacity * 2;
    char *grown = realloc(stream->buffer, wanted + SPARE);
    if (grown == NULL)
        return FR_FAIL(FR_ERR_MEMORY, "%s: no memory for a line of more than %zu bytes",
                       stream->path, stream->capacity);
    stream->buffer = grown;
    stream->capacity = wanted;
    return FR_OK;
}

fr_status fr_stream_more(fr_stream *stream)
{
    FR_TRY(make_room(stream));
    size_t got = 0;
    const size_t room = stream->capacity - stream->end;
    FR_TRY(read_some(stream, stream->buffer + stream->end, room, &got));
    stream->end += got;
    stream->ended = got < room;
    stream->buffer[stream->end] = '\n';
    return FR_OK;
}

fr_status fr_stream_read(fr_stream *stream, void *out, size_t n)
{
    size_t ready = stream->end - stream->at, got = 0;
    if (ready > n) ready = n;
    if (ready > 0) memcpy(out, stream->buffer + stream->at, ready);
    stream->at += ready;
    FR_TRY(read_some(stream, (char *)out + ready, n - ready, &got));
    if (ready + got < n)
        return FR_FAIL(FR_ERR_DATA, "%s: the file ends %zu bytes too early", stream->path,
                       n - ready - got);
    return FR_OK;
}

fr_status fr_stream_line(fr_stream *stream, fr_span *line, bool *more)
{
    char *stop;
    for (size_t looked = 0;;) {
        const size_t unread = stream->end - stream->at;
        stop = memchr(stream->buffer + stream->at + looked, '\n', unread - looked);
        if (stop != NULL || stream->ended) break;
        looked = unread;
        FR_TRY(fr_stream_more(stream));
    }
    const char *start = stream->buffer + stream->at;
    const char *end = stop != NULL ? stop : stream->buffer + stream->end;
    *more = start < stream->buffer + stream->end;
    *line = (fr_span){start, (size_t)(end - start)};
    if (*more) stream->at = (size_t)(end - stream->buffer) + (stop != NULL);
    return FR_OK;
}
