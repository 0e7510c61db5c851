/* SPDX-License-Identifier: BSD-3-Clause */
/* text_table.c - the reader of text tables, for callers that want the cells as texts. */
#include "foldrank/text_table.h"

#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

struct fr_text_table {
    fr_reader *reader;
    char **cells; /* (cols), into `text` */
    char *text;   /* the present row, each cell with its NUL */
    size_t capacity;
};

fr_status fr_text_table_open(const char *path, fr_text_table **out)
{
    fr_data_options options = {0};
    fr_text_table *table = fr_alloc(1, sizeof *table);
    *out = NULL;
    if (table == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_data_options_defaults(&options);
    if (st == FR_OK) st = fr_csv_open(&options, path, &table->reader);
    if (st == FR_OK && !table->reader->named)
        st = FR_FAIL(FR_ERR_DATA, "%s:1: the first line has to name the columns", path);
    if (st == FR_OK) {
        table->cells = fr_alloc(table->reader->cols, sizeof *table->cells);
        if (table->cells == NULL) st = FR_ERR_MEMORY;
    }
    if (st == FR_OK) {
        table->reader->pads = true;
        st = table->reader->ops->rewind(table->reader);
    }
    fr_data_options_clear(&options);
    if (st == FR_OK)
        *out = table;
    else
        fr_text_table_close(&table);
    return st;
}

void fr_text_table_close(fr_text_table **table)
{
    fr_text_table *t = *table;
    if (t == NULL) return;
    if (t->reader != NULL) fr_reader_close(&t->reader);
    free(t->cells);
    free(t->text);
    free(t);
    *table = NULL;
}

char *const *fr_text_table_names(const fr_text_table *table, size_t *n)
{
    *n = table->reader->cols;
    return table->reader->names;
}

fr_status fr_text_table_next(fr_text_table *table, char ***cells, uint64_t *line)
{
    const size_t cols = table->reader->cols;
    fr_rows rows = {0};
    size_t bytes = 0, at = 0;
    *cells = NULL;
    FR_TRY(table->reader->ops->next(table->reader, &rows));
    *line = rows.where;
    if (rows.n == 0) return FR_OK;
    for (size_t c = 0; c < cols; c++) bytes += rows.texts[c].length + 1;
    void *block = table->text;
    const fr_status st = fr_grow(&block, &table->capacity, bytes, 1);
    table->text = block;
    FR_TRY(st);
    for (size_t c = 0; c < cols; c++) {
        const fr_span cell = rows.texts[c];
        table->cells[c] = table->text + at;
        memcpy(table->text + at, cell.text, cell.length);
        table->text[at + cell.length] = '\0';
        at += cell.length + 1;
    }
    *cells = table->cells;
    return FR_OK;
}
