/* SPDX-License-Identifier: BSD-3-Clause */
/* data.h - data sets: readers, and the one block of memory that the ranks of a node share.
 *
 * Reading has three steps, so that a node holds the data once and this room needs no MPI:
 *   root:  fr_source_open -> fr_source_schema           (looks at the file, knows all shapes)
 *   all:   fr_schema_pack / unpack; a block of fr_schema_bytes() from wherever the caller likes
 *   root:  fr_source_fill(block); the block goes to the other nodes. Of an HDF5 file all may
 *          read: fr_slab_read, then root: fr_source_fill_rest
 *   all:   fr_dataset_attach(schema, block)
 * Features keep the narrowest of three cell types that holds the file's values exactly (or
 * float32 where the file has more digits); preprocessing is fitted and applied later, per fold,
 * while rows are gathered into a batch (preprocess.h). Test rows live in the same block, at the
 * end. Missing cells are NaN (then the cell type is float32). A categorical cell is the index
 * of its level. Features that are mostly 0 may be stored sparse: then the block holds the
 * others alone (sparse.h); counts of a text's n-grams always are. All functions are Local. */
#ifndef FR_DATA_H
#define FR_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/media.h"
#include "foldrank/option.h"
#include "foldrank/pack.h"
#include "foldrank/sparse.h"
#include "foldrank/status.h"

typedef enum { FR_LEARN_CLASSIFICATION, FR_LEARN_REGRESSION } fr_learn;
typedef enum {
    FR_CELL_U8,
    FR_CELL_I16,
    FR_CELL_F32,
    FR_CELL_SPARSE /* float32, those that are not 0 */
} fr_cell;
typedef enum { FR_COLUMN_NUMERIC, FR_COLUMN_CATEGORICAL } fr_column_kind;
typedef enum {
    FR_FORMAT_AUTO,
    FR_FORMAT_CSV,
    FR_FORMAT_HDF5,
    FR_FORMAT_IDX,
    FR_FORMAT_NPY,
    FR_FORMAT_SVMLIGHT,
    FR_FORMAT_SOUND, /* a file is a row: see media.h */
    FR_FORMAT_IMAGE,
    FR_FORMAT_JSONL /* an object a line */
} fr_format;
extern const char *const fr_format_words[]; /* "auto", "csv", ...; NULL-terminated */
typedef enum {
    FR_DELIMITER_AUTO,
    FR_DELIMITER_COMMA,
    FR_DELIMITER_TAB,
    FR_DELIMITER_SEMICOLON,
    FR_DELIMITER_SPACE /* runs of blanks and tabs */
} fr_delimiter;
typedef enum { FR_STORAGE_AUTO, FR_STORAGE_DENSE, FR_STORAGE_SPARSE } fr_storage;
typedef enum { FR_HEADER_AUTO, FR_HEADER_YES, FR_HEADER_NO } fr_header;

enum { FR_TEXT_BUCKETS_MAX = 1 << 20 };

/* A column of text becomes sparse counts of its n-grams. */
typedef struct {
    char *column;         /* NULL: there is none */
    fr_ints words, chars; /* lengths of the n-grams, in words and in letters of a word */
    bool lower;           /* A and a are one letter */
    bool across;          /* letters' n-grams go on over the ends of words */
    int64_t buckets;      /* columns that n-grams share by their hash; 0: each has its own */
    bool alternate;       /* buckets: half of the n-grams count as -1 */
} fr_text_settings;

/* Study key `data`; every field is a row of fr_data_option_table. Paths are as given by the
 * user, relative to the current directory. */
typedef struct {
    char *path;
    int format;   /* fr_format */
    char *target; /* column name; a number counts columns from 0, negative from the end */
    char *labels; /* file with the targets alone, one column in any format */
    int task;     /* fr_learn */
    char *features_dataset, *target_dataset; /* hdf5: names of the data sets; X and y */
    int delimiter;                           /* csv: fr_delimiter */
    int header;                              /* csv: fr_header */
    int storage;                             /* svmlight: fr_storage */
    fr_strings missing; /* csv: texts that mean "no value" besides the empty cell */
    fr_strings
        categorical; /* columns to be taken as categories though their cells are numbers */
    fr_strings drop; /* columns that are not features */
    char *group;     /* column of the group, for group folds; not a feature */
    char *fold;      /* column that names the fold, for scheme column; not a feature */
    char *user;      /* column of the user, for ranking metrics and splits; a category, and a
                      * feature; NULL: the group */
    char *time; /* column of the time, for splits: numbers, or dates such as 2024-05-31; not
                 * a feature */
    double relevant;        /* regression: a target from this on is relevant; 0: one above 0 */
    fr_text_settings text;  /* of a table whose other columns are not features */
    char *weight;           /* column of sample weights; not a feature */
    char *pattern;          /* sound, image: what files' names say, {label}_{speaker}.wav; NULL:
                             * the folder that a file lies in is its label */
    fr_sound_options sound; /* study key data.sound: a table of its own */
    fr_image_options image; /* study key data.image */
} fr_data_options;

/* Blocks of settings inside `data`; the test part has a struct of its own. */
typedef struct {
    const char *name;
    const fr_option *table;
    size_t n, offset; /* rows; of the struct in fr_data_options */
} fr_data_block;
extern const fr_data_block fr_data_blocks[];
enum { FR_DATA_BLOCKS = 2 };

/* Defaults of everything, blocks included; what fr_data_options_clear releases. */
FR_CHECKED fr_status fr_data_options_defaults(fr_data_options *options);
void fr_data_options_clear(fr_data_options *options);

/* What decides which rows are test rows. */
typedef enum {
    FR_TEST_BY_AUTO,   /* as validation.scheme: time, user (also with `last`), else chance */
    FR_TEST_BY_CHANCE, /* whole groups where there are groups, else by class */
    FR_TEST_BY_TIME,
    FR_TEST_BY_USER
} fr_test_by;

/* Study key `data.test`: rows that the search never sees. */
typedef struct {
    double fraction; /* of all rows, stratified for classification; 0 = none */
    int by;          /* fr_test_by: of a fraction, or of the last rows */
    int64_t last;    /* by user: rows of each; 0: a fraction of them */
    int64_t seed;
    char *path; /* a separate file, same format and columns */
    char *labels;
    char *column;      /* a column that is 1 or true for test rows; not a feature */
    fr_strings values; /* of that column, for test rows, instead of 1 or true */
} fr_test_options;

extern const fr_option fr_data_option_table[];
extern const size_t fr_data_option_count;
extern const fr_option fr_test_option_table[];
extern const size_t fr_test_option_count;

typedef struct {
    char *name;
    fr_column_kind kind;
    char **levels; /* categorical: text of level 0, 1, ...; sorted */
    size_t n_levels;
} fr_column;

/* Everything about a data set but its cells. */
typedef struct {
    size_t rows;      /* all rows */
    size_t test_rows; /* the last ones, when they come from a separate file; else 0 */
    size_t cols;      /* features */
    fr_cell cell;
    size_t stored;      /* sparse: cells that are not 0 */
    fr_column *columns; /* (cols) */
    fr_learn learn;
    char *target_name;
    char **classes; /* classification: names, sorted (numbers as numbers) */
    size_t n_classes;
    bool has_target, has_group, has_fold, has_weight, has_test_mark;
    bool has_time;
    bool has_user;         /* column `user` is the user's; else the group is, if there is one */
    size_t user;           /* number of a categorical feature */
    double relevant;       /* data.relevant */
    fr_text_settings text; /* how the features were counted, if in a text; owned */
    uint64_t fingerprint;  /* of all cells and names; 0 until the block is filled */
} fr_schema;

typedef struct {
    fr_schema schema;         /* owned */
    const void *x;            /* (rows, cols) row-major cells; borrowed, as all arrays below;
                               * NULL when they are sparse */
    fr_sparse_rows sparse;    /* (rows, cols) or nothing */
    const float *y;           /* (rows) target value or class index; NULL without target */
    const int32_t *group;     /* (rows) group number, or NULL */
    const int32_t *fold;      /* (rows) fold number from 0, or NULL */
    const int32_t *time;      /* (rows) 0, 1, ... for the times that occur, in order; or NULL */
    const float *weight;      /* (rows), or NULL */
    const int32_t *test_mark; /* (rows) 1 = test row, or NULL */
} fr_dataset;

/* Whether it is known whose the rows are. */
bool fr_dataset_has_users(const fr_dataset *dataset);

/* Number of the user of a row: the level in his column, or the group; -1: not known. */
int64_t fr_dataset_user(const fr_dataset *dataset, size_t row);

/* Take the categorical feature called `name` for the user's; false: there is none. */
bool fr_schema_find_user(fr_schema *schema, const char *name);

/* Whether a row with target y is one that its user wanted: the second of two classes, or a
 * number from schema->relevant on (above 0 when that is 0). */
bool fr_schema_relevant(const fr_schema *schema, double y);

typedef struct fr_source fr_source;

/* Look at the file(s) and learn the schema. Text is read once here to learn the kinds of its
 * columns, and again in fr_source_fill; of the other formats only the target is read here.
 *
 * A text column is categorical when one of its cells is no number; with more than 95 % numbers
 * that cell is taken for a mistake, and an error. Levels of a separate test file count too; a
 * class that only the test file has is an error, as nothing could learn it. Numbers are levels
 * and classes by their value ("1" and "1.0" are one), named as first written.
 * Missing targets, groups, folds, weights and infinite numbers are errors.
 * Errors: FR_ERR_DATA with file, line, column and cell; FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_source_open(const fr_data_options *options, const fr_test_options *test,
                                    fr_source **out);

/* The same for new data that a model is to predict: columns are matched by name to `schema` (by
 * position for formats without names), its levels and classes are kept (a new level is
 * missing), columns it does not know are ignored, a column it needs and does not find is
 * FR_ERR_DATA that lists the missing and the present ones. The target may be absent; where it
 * is missing or no class of the model, y is NaN. */
FR_CHECKED fr_status fr_source_open_like(const fr_data_options *options,
                                         const fr_schema *schema, fr_source **out);
void fr_source_close(fr_source **source);

const fr_schema *fr_source_schema(const fr_source *source);

/* Bytes of the block; each part starts on a 64-byte boundary. */
size_t fr_schema_bytes(const fr_schema *schema);

/* Read all cells into `block` of fr_schema_bytes() and set the fingerprint in the schema. */
FR_CHECKED fr_status fr_source_fill(fr_source *source, void *block);

/* Cells of the first file that several processes may read, each a stretch of rows. */
typedef struct {
    size_t rows;     /* 0: the file cannot be read so */
    size_t together; /* rows that are stored as one */
} fr_slabs;

/* Of an HDF5 file whose columns go into the block as they are. */
fr_slabs fr_source_slabs(const fr_source *source);

/* Rows of part `index` of `parts`; the parts cover all rows, some may be empty. */
void fr_slabs_share(const fr_slabs *slabs, size_t index, size_t parts, size_t *first,
                    size_t *n);

/* Of a row's features, which come first in the block: row i begins at i times this. */
size_t fr_schema_row_bytes(const fr_schema *schema);

/* Read the cells of rows [first, first + n), without a source. FR_ERR_DATA, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_slab_read(const fr_data_options *options, const fr_schema *schema,
                                  size_t first, size_t n, void *block);

/* fr_source_fill but for what the slabs have brought: afterwards the block is the same. */
FR_CHECKED fr_status fr_source_fill_rest(fr_source *source, void *block);

void fr_schema_pack(const fr_schema *schema, fr_pack *out);
FR_CHECKED fr_status fr_schema_unpack(fr_unpack *in, fr_schema *out);
FR_CHECKED fr_status fr_schema_copy(const fr_schema *from, fr_schema *to);
void fr_schema_clear(fr_schema *schema);
FR_CHECKED fr_status fr_text_settings_copy(const fr_text_settings *from, fr_text_settings *to);

/* A data set over a filled block. Takes over *schema (zeroed). The block is borrowed. */
void fr_dataset_attach(fr_schema *schema, const void *block, fr_dataset *out);
void fr_dataset_clear(fr_dataset *dataset);

/* Read a whole data set into a block of its own: for tests and single-process commands. *block
 * is the caller's (free), after fr_dataset_clear. */
FR_CHECKED fr_status fr_dataset_read(const fr_data_options *options,
                                     const fr_test_options *test, void **block,
                                     fr_dataset *out);

/* Write a data set as HDF5, under a temporary name first: X, y, names, classes, levels/<column
 * number>, group, fold, time, weight, test. Reading the file gives the same data set back.
 * Errors: FR_ERR_IO; FR_ERR_DATA when it is sparse. */
FR_CHECKED fr_status fr_dataset_write_hdf5(const fr_dataset *dataset, const char *path);

#endif
