/* SPDX-License-Identifier: BSD-3-Clause */
/* csv_sniff.c - which delimiter a text file has, and whether its first line holds names. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { SAMPLE_RECORDS = 100 };

/* Cells of the first record, and whether the next ones have as many. A delimiter that makes the
 * quotes nonsense is not the one. */
static fr_status count_cells(fr_splitter *s, char delimiter, size_t *first, bool *regular)
{
    s->delimiter = delimiter;
    *regular = true;
    *first = 0;
    FR_TRY(fr_splitter_rewind(s));
    for (int i = 0; i < SAMPLE_RECORDS && *regular; i++) {
        if (fr_splitter_next(s) != FR_OK) {
            *regular = false;
            return FR_OK;
        }
        if (s->n == 0) break;
        if (i == 0) *first = s->n;
        *regular = s->n == *first;
    }
    return FR_OK;
}

/* The regular delimiter that makes most cells; blanks only when no other is regular, because
 * texts have blanks inside. With none regular, the one that cuts the first line most: the
 * ragged record is then reported for what it is. */
static fr_status sniff_delimiter(fr_splitter *s, char *delimiter)
{
    static const char candidates[] = {',', '\t', ';', ' '};
    size_t best = 1, best_ragged = 1;
    char ragged = ',', found = '\0';
    for (size_t i = 0; i < sizeof candidates; i++) {
        size_t cells;
        bool regular;
        FR_TRY(count_cells(s, candidates[i], &cells, &regular));
        const bool last_resort = candidates[i] == ' ' && (found != '\0' || best_ragged > 1);
        if (regular && cells > best && !last_resort) {
            best = cells;
            found = candidates[i];
        } else if (!regular && cells > best_ragged && candidates[i] != ' ') {
            best_ragged = cells;
            ragged = candidates[i];
        }
    }
    *delimiter = found != '\0' ? found : ragged;
    return FR_OK;
}

/* What a column's first cell and the sampled ones below say. */
typedef struct {
    char *first;
    size_t length;
    bool first_is_text, numbers, texts, repeated;
} column_hint;

static fr_status note_record(fr_splitter *s, column_hint *hint, size_t cols, bool first)
{
    const fr_strings none = {0};
    for (size_t c = 0; c < cols && c < s->n; c++) {
        const fr_span cell = s->cell[c];
        double value;
        const bool missing = fr_span_missing(cell, &none),
                   number = !missing && fr_span_number(cell, &value);
        if (first) {
            hint[c].first_is_text = !missing && !number;
            hint[c].first = malloc(cell.length + 1);
            if (hint[c].first == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory");
            memcpy(hint[c].first, cell.text, cell.length);
            hint[c].length = cell.length;
        } else if (number) {
            hint[c].numbers = true;
        } else if (!missing) {
            hint[c].texts = true;
            hint[c].repeated |= cell.length == hint[c].length &&
                                memcmp(cell.text, hint[c].first, cell.length) == 0;
        }
    }
    return FR_OK;
}

/* Names stand over numbers; where all is text, names do not come back below. A lone column of
 * texts is a list of labels. */
static bool looks_like_header(const column_hint *hint, size_t cols, const char *target)
{
    bool all_text = true, repeated = false;
    for (size_t c = 0; c < cols; c++) {
        const fr_span name = {hint[c].first, hint[c].length};
        if (target != NULL && hint[c].first_is_text && fr_span_is(name, target, false))
            return true;
        if (hint[c].first_is_text && hint[c].numbers && !hint[c].texts) return true;
        all_text &= hint[c].first_is_text;
        repeated |= hint[c].repeated;
    }
    return all_text && !repeated && cols > 1;
}

static fr_status sniff_header(fr_splitter *s, const char *target, bool *header)
{
    fr_status st = FR_OK;
    column_hint *hint = NULL;
    size_t cols = 0;
    FR_TRY(fr_splitter_rewind(s));
    for (int i = 0; i <= SAMPLE_RECORDS; i++) {
        if ((st = fr_splitter_next(s)) != FR_OK || s->n == 0) break;
        if (i == 0) {
            cols = s->n;
            hint = fr_alloc(cols, sizeof *hint);
            if (hint == NULL) return FR_ERR_MEMORY;
        }
        if ((st = note_record(s, hint, cols, i == 0)) != FR_OK) break;
    }
    *header = hint != NULL && looks_like_header(hint, cols, target);
    for (size_t c = 0; c < cols; c++) free(hint[c].first);
    free(hint);
    return st;
}

fr_status fr_csv_sniff(fr_splitter *s, const fr_data_options *options, bool *header)
{
    static const char delimiters[] = {[FR_DELIMITER_COMMA] = ',',
                                      [FR_DELIMITER_TAB] = '\t',
                                      [FR_DELIMITER_SEMICOLON] = ';',
                                      [FR_DELIMITER_SPACE] = ' '};
    char delimiter = delimiters[options->delimiter];
    if (options->delimiter == FR_DELIMITER_AUTO) FR_TRY(sniff_delimiter(s, &delimiter));
    s->delimiter = delimiter;
    *header = options->header == FR_HEADER_YES;
    if (options->header == FR_HEADER_AUTO) FR_TRY(sniff_header(s, options->target, header));
    return fr_splitter_rewind(s);
}
