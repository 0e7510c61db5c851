/* SPDX-License-Identifier: BSD-3-Clause */
/* text_table.h - a delimited text file (CSV and its kin, plain or gzip) as it stands: names and
 * cells as texts, row after row, for tables that are not data sets. All Local. */
#ifndef FR_TEXT_TABLE_H
#define FR_TEXT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

typedef struct fr_text_table fr_text_table;

/* The file's first line must name its columns. Errors: FR_ERR_DATA with file and line,
 * FR_ERR_MEMORY. Release with fr_text_table_close. */
FR_CHECKED fr_status fr_text_table_open(const char *path, fr_text_table **out);
void fr_text_table_close(fr_text_table **table);

/* Names of the columns, (*n); borrowed. */
char *const *fr_text_table_names(const fr_text_table *table, size_t *n);

/* The cells of the next row, one per column, valid until the next call; *cells is NULL at the
 * end. A row that is short has empty cells at its end: replicates that were not made. *line is
 * the row's line in the file. Errors: FR_ERR_DATA, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_text_table_next(fr_text_table *table, char ***cells, uint64_t *line);

#endif
