/* SPDX-License-Identifier: BSD-3-Clause */
/* media.h - what the files of sounds and images share: the list of them, and the two kinds.
 *
 * A row is a file of a folder, or of a list; what its name or the list says of it (label,
 * speaker, index) are side columns. All functions are Local. */
#ifndef FR_DATA_MEDIA_H
#define FR_DATA_MEDIA_H

#include "internal.h"

typedef struct {
    fr_strings column; /* names of the side columns; `label`, if there is one, comes first */
    char **path;       /* (n) */
    char **value;      /* (n, column.n) texts; NULL = the name does not say */
    size_t n, path_capacity, value_capacity;
} fr_media_list;

/* Files whose names end with one of `endings` (NULL-terminated) below the folder `path`,
 * sorted; or those that the list `path`, a CSV file, names; or `path` itself. FR_ERR_DATA. */
FR_CHECKED fr_status fr_media_find(const fr_data_options *options, const char *path,
                                   const char *const *endings, fr_media_list *out);
void fr_media_list_clear(fr_media_list *list);
bool fr_media_ends_with(const char *path, const char *const *endings);
/* A path below the folder whose name ends so, any one; NULL when there is none. */
char *fr_media_first(const char *folder, const char *const *endings);

/* ---- media_pattern.c: what a file's name says ---- */

/* Names between braces, in order. FR_ERR_DATA: what the braces hold is no list of names. */
FR_CHECKED fr_status fr_pattern_names(const char *pattern, fr_strings *names);
/* Match the end of `path`, below the folder that was given, that has as many folders as the
 * pattern; value[i] is the span of name i. */
bool fr_pattern_match(const char *pattern, const char *path, fr_span *value);

/* ---- media_side.c: side columns as numbers ---- */

/* values (n, column.n): the number, or, in a column with a text, the index of its level in
 * levels (column.n), which is then filled; NaN where nothing is known. */
FR_CHECKED fr_status fr_media_side(const fr_media_list *list, const fr_strings *missing,
                                   double *values, fr_column *levels);

/* ---- the kinds: sound.c, image.c ---- */

typedef struct {
    const char *const *endings; /* of file names, NULL-terminated */
    /* Look at the head of every file. *state is the kind's own, *features the numbers in a row.
     */
    fr_status (*open)(const fr_data_options *options, const fr_media_list *list, void **state,
                      size_t *features, fr_cell *cell);
    fr_status (*read)(void *state, const char *path, float *row);
    void (*name)(const void *state, size_t feature, char out[64]);
    void (*close)(void *state);
} fr_media_kind;

extern const fr_media_kind fr_media_sound, fr_media_image;

#endif
