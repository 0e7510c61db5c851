/* SPDX-License-Identifier: BSD-3-Clause */
/* csv_split.c - records and cells (RFC 4180, and what people write besides: any line end,
 * blanks around cells, a byte order mark, blank lines).
 *
 * Cells point into the stream's buffer. A record that the buffer cuts off is split again from
 * its start after more was read; so nothing in the buffer changes before it is complete. */
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static bool is_blank(char c, char delimiter)
{
    return c == ' ' || (c == '\t' && delimiter != '\t');
}

/* Reads on; text has no NUL bytes, so one means another kind of file. */
static fr_status more_text(fr_splitter *s)
{
    const size_t unread = s->stream.end - s->stream.at;
    FR_TRY(fr_stream_more(&s->stream));
    const char *fresh = s->stream.buffer + s->stream.at + unread;
    const size_t n = s->stream.end - s->stream.at - unread;
    if (n > 0 && memchr(fresh, '\0', n) != NULL)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: has a NUL byte behind line %llu: not a text file (if it is UTF-16, "
                       "save it as UTF-8)",
                       s->stream.path, (unsigned long long)s->next_line);
    return FR_OK;
}

static fr_status add_cell(fr_splitter *s, const char *text, size_t length, bool doubled)
{
    if (doubled) {
        void *block = s->doubled;
        fr_status st =
            fr_grow(&block, &s->doubled_capacity, s->n_doubled + 1, sizeof *s->doubled);
        s->doubled = block;
        FR_TRY(st);
        s->doubled[s->n_doubled++] = s->n;
    }
    if (s->n == s->capacity) {
        void *block = s->cell;
        fr_status st = fr_grow(&block, &s->capacity, s->n + 1, sizeof *s->cell);
        s->cell = block;
        FR_TRY(st);
    }
    s->cell[s->n++] = (fr_span){text, length};
    return FR_OK;
}

/* `*at` is behind the opening quote; afterwards behind the closing one, or at `end`. */
static fr_status take_quoted(fr_splitter *s, const char **at, const char *end, uint64_t *lines)
{
    const char *start = *at, *p = start;
    bool doubled = false;
    for (;; p++) {
        while (p < end && *p != '"') *lines += *p++ == '\n';
        if (p == end) break;
        if (p + 1 == end || p[1] != '"') break;
        doubled = true;
        p++;
    }
    if (p == end && s->stream.ended)
        return FR_FAIL(FR_ERR_DATA, "%s:%llu: the quote that opens cell %zu is never closed",
                       s->stream.path, (unsigned long long)s->line, s->n + 1);
    FR_TRY(add_cell(s, start, (size_t)(p - start), doubled));
    *at = p < end ? p + 1 : end;
    while (*at < end && is_blank(**at, s->delimiter)) ++*at;
    const bool closed = *at == end || **at == s->delimiter || **at == '\n' || **at == '\r' ||
                        (s->delimiter == ' ' && *at > p + 1);
    if (!closed)
        return FR_FAIL(FR_ERR_DATA,
                       "%s:%llu: text after the closing quote of cell %zu; a quote inside a "
                       "quoted cell is written twice",
                       s->stream.path, (unsigned long long)s->line, s->n);
    return FR_OK;
}

static fr_status take_plain(fr_splitter *s, const char **at)
{
    const char *start = *at, *p = start, delimiter = s->delimiter;
    if (delimiter == ' ')
        while (*p != ' ' && *p != '\t' && *p != '\n' && *p != '\r') p++;
    else
        while (*p != delimiter && *p != '\n' && *p != '\r') p++;
    const char *stop = p;
    while (stop > start && is_blank(stop[-1], delimiter)) stop--;
    *at = p;
    return add_cell(s, start, (size_t)(stop - start), false);
}

/* Split from stream.at. *cut: the buffer ended first; nothing was consumed. */
static fr_status split_record(fr_splitter *s, bool *cut)
{
    const char *p = s->stream.buffer + s->stream.at, *end = s->stream.buffer + s->stream.end;
    uint64_t lines = 1;
    s->n = s->n_doubled = 0;
    s->line = s->next_line;
    *cut = p == end && !s->stream.ended;
    if (p == end) return FR_OK;
    for (;;) {
        while (p < end && is_blank(*p, s->delimiter)) p++;
        if (s->delimiter == ' ' && s->n > 0 && (p == end || *p == '\n' || *p == '\r')) break;
        if (p < end && *p == '"') {
            p++;
            FR_TRY(take_quoted(s, &p, end, &lines));
        } else {
            FR_TRY(take_plain(s, &p));
        }
        if (p == end || *p == '\n' || *p == '\r') break;
        p += s->delimiter != ' ';
    }
    /* A carriage return at the very end may be half of a line end. */
    *cut = !s->stream.ended && (p == end || (*p == '\r' && p + 1 == end));
    if (*cut) return FR_OK;
    if (p < end && *p == '\r') p++;
    if (p < end && *p == '\n') p++;
    s->stream.at = (size_t)(p - s->stream.buffer);
    s->next_line += lines;
    return FR_OK;
}

static void join_doubled_quotes(fr_span *cell)
{
    char *text = (char *)(uintptr_t)cell->text;
    size_t to = 0;
    for (size_t from = 0; from < cell->length; from++, to++) {
        text[to] = text[from];
        from += text[from] == '"';
    }
    cell->length = to;
}

fr_status fr_splitter_next(fr_splitter *s)
{
    for (;;) {
        bool cut;
        FR_TRY(split_record(s, &cut));
        const bool blank = s->n == 1 && s->cell[0].length == 0;
        if (cut) {
            FR_TRY(more_text(s));
        } else if (!blank) {
            for (size_t i = 0; i < s->n_doubled; i++)
                join_doubled_quotes(&s->cell[s->doubled[i]]);
            return FR_OK;
        }
    }
}

fr_status fr_splitter_pad(fr_splitter *s, size_t n)
{
    while (s->n < n) FR_TRY(add_cell(s, "", 0, false));
    return FR_OK;
}

fr_status fr_splitter_rewind(fr_splitter *s)
{
    FR_TRY(fr_stream_rewind(&s->stream));
    s->next_line = 1;
    FR_TRY(more_text(s));
    if (s->stream.end >= 3 && memcmp(s->stream.buffer, "\xEF\xBB\xBF", 3) == 0)
        s->stream.at = 3;
    return FR_OK;
}
