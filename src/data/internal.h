/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the files of this room share.
 *
 * A reader gives the rows of one file, as texts or as numbers, twice: once to be looked at
 * (scan.c), once to be stored (fill.c). A source maps the columns of its files to fields, and a
 * field knows what its cells become in the block. All functions are Local. */
#ifndef FR_DATA_INTERNAL_H
#define FR_DATA_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "foldrank/data.h"
#include "foldrank/status.h"

/* A stretch of bytes. */
typedef struct {
    const char *text; /* not NUL-terminated */
    size_t length;
} fr_span;

/* ---- stream.c: the bytes of a file, plain or gzip ---- */

/* Unread bytes are buffer[at .. end); buffer[end] is a line end that stops scanning loops. */
typedef struct {
    gzFile file;
    char *path;
    char *buffer;
    size_t capacity, at, end;
    bool ended;    /* the file has no more than what is in the buffer */
    uint64_t most; /* bytes that a file of this size can hold: what a header promises beyond
                    * is a lie */
} fr_stream;

FR_CHECKED fr_status fr_stream_open(const char *path, fr_stream *out);
FR_CHECKED fr_status fr_stream_rewind(fr_stream *stream);
/* Read on behind buffer[end), moving or growing the buffer: pointers into it die. */
FR_CHECKED fr_status fr_stream_more(fr_stream *stream);
/* Exactly n bytes into `out`; FR_ERR_DATA when the file is shorter. */
FR_CHECKED fr_status fr_stream_read(fr_stream *stream, void *out, size_t n);
/* The next line without its end, valid until more is read. *more = false: there is none. */
FR_CHECKED fr_status fr_stream_line(fr_stream *stream, fr_span *line, bool *more);
void fr_stream_close(fr_stream *stream);

/* ---- cell.c: what a text means ---- */

bool fr_span_is(fr_span span, const char *word, bool any_case);
/* A decimal number, whole span; inf counts, nan does not. */
bool fr_span_number(fr_span span, double *out);
/* Empty, NA, N/A, NaN, null, ? or one of `more`. */
bool fr_span_missing(fr_span span, const fr_strings *more);
/* 1: 1, true, yes, test; 0: 0, false, no, train; -1: neither. */
int fr_span_mark(fr_span span);
/* For messages: at most 40 bytes, unprintable ones as '?'. */
enum { FR_SHOWN_SIZE = 48 };
const char *fr_span_show(fr_span span, char out[FR_SHOWN_SIZE]);

/* ---- dict.c: the different values of a column ---- */

/* Equal numbers are one value however they are written. */
typedef struct {
    bool is_number;
    double number;
    fr_span text; /* the spelling; empty where a format has none */
} fr_key;

typedef struct {
    fr_key *entry; /* text owned, NUL-terminated */
    size_t n, capacity;
    uint32_t *slot; /* open addressing; entry number + 1, 0 = free */
    size_t n_slots;
    uint32_t *rank; /* after fr_dict_order: place of an entry in sorted order */
} fr_dict;

fr_key fr_key_of_text(fr_span text);
fr_key fr_key_of_number(double number);
/* Of a value in the column of test marks: 1 test, 0 not, -1 neither. Among `marks`, or, without
 * any, as fr_span_mark. */
int fr_test_mark(const fr_strings *marks, fr_key key);
FR_CHECKED fr_status fr_dict_add(fr_dict *dict, fr_key key, uint32_t *index);
bool fr_dict_find(const fr_dict *dict, fr_key key, uint32_t *index);
/* Fill `rank`: numbers by value, then texts by byte. */
FR_CHECKED fr_status fr_dict_order(fr_dict *dict);
/* Names in sorted order, as a new array of new strings. */
FR_CHECKED fr_status fr_dict_names(const fr_dict *dict, char ***names);
void fr_dict_clear(fr_dict *dict);

/* ---- readers ---- */

/* The next rows: one row of texts, or n rows of numbers. n = 0: the end. */
typedef struct {
    size_t n;
    const fr_span *texts; /* (cols) or NULL */
    const double *values; /* (n, cols) row-major, NaN = missing, or NULL */
    const size_t *start;  /* sparse: row i has values[start[i]] to values[start[i + 1]] ... */
    const size_t *column; /* ... in these columns, ascending */
    uint64_t where;       /* line from 1 (texts), row from 0 (numbers) of the first */
} fr_rows;

typedef struct fr_reader fr_reader;
typedef struct {
    fr_status (*rewind)(fr_reader *reader);
    fr_status (*next)(fr_reader *reader, fr_rows *rows);
    /* All feature columns (the first ones) of rows [first, first + n) straight into cells of
     * the block; NULL where a format cannot. */
    fr_status (*cells)(fr_reader *reader, fr_cell cell, size_t first, size_t n, void *x);
    /* Rows that lie together in the file: a stretch that is read at once had better not end in
     * their middle. Where there is `cells`. */
    size_t (*together)(const fr_reader *reader);
    void (*close)(fr_reader *reader);
} fr_reader_ops;

struct fr_reader {
    const fr_reader_ops *ops;
    char *path;
    size_t cols;
    char **names;     /* (cols) */
    bool named;       /* the names come from the file */
    bool sparse;      /* columns that the file lacks are zeros */
    bool from_one;    /* sparse: index 0 never occurs */
    size_t n_plain;   /* sparse: first columns that come as texts beside the others */
    bool typed;       /* the file's element type decides the cell type */
    bool *wanted;     /* (cols) columns that the caller looks at in the rows; its to set */
    fr_cell cell;     /* if typed */
    size_t rows;      /* if typed */
    ptrdiff_t target; /* column that the format keeps apart as the target, or -1 */
    bool pads;        /* csv, set by the caller: short rows end in empty cells */
    char *const *row_names; /* (rows) for messages, or NULL; borrowed from the reader itself */
    size_t n_side;          /* last columns: kept beside the features, used only when named */
    char **classes;         /* names of target values 0, 1, ..., or NULL */
    size_t n_classes;
    fr_column *levels; /* (cols) levels of columns as stored, or NULL */
    char *contents;    /* what else the file holds, for messages, or NULL */
};

FR_CHECKED fr_status fr_reader_open(const fr_data_options *options, const char *path,
                                    fr_reader **out);
void fr_reader_close(fr_reader **reader);
/* Once cols is known: `wanted`, and the names c0, c1, ... */
FR_CHECKED fr_status fr_reader_number_columns(fr_reader *reader);
/* Columns that hold features: all but a target that the format keeps apart, and the side. */
size_t fr_reader_features(const fr_reader *reader);
/* "file:12" or "file: row 12". `out` has FR_PLACE_SIZE bytes. */
enum { FR_PLACE_SIZE = 512 };
const char *fr_reader_place(const fr_reader *reader, uint64_t where, char *out);
void fr_names_free(char **names, size_t n);

FR_CHECKED fr_status fr_csv_open(const fr_data_options *options, const char *path,
                                 fr_reader **out);
FR_CHECKED fr_status fr_hdf5_open(const fr_data_options *options, const char *path,
                                  fr_reader **out);
FR_CHECKED fr_status fr_idx_open(const fr_data_options *options, const char *path,
                                 fr_reader **out);
FR_CHECKED fr_status fr_npy_open(const fr_data_options *options, const char *path,
                                 fr_reader **out);
FR_CHECKED fr_status fr_svmlight_open(const fr_data_options *options, const char *path,
                                      fr_reader **out);
FR_CHECKED fr_status fr_jsonl_open(const fr_data_options *options, const char *path,
                                   fr_reader **out);
FR_CHECKED fr_status fr_sound_open(const fr_data_options *options, const char *path,
                                   fr_reader **out);
FR_CHECKED fr_status fr_image_open(const fr_data_options *options, const char *path,
                                   fr_reader **out);
/* Sound or image, by names; FR_FORMAT_AUTO where it is a file that is neither. FR_ERR_DATA for
 * a folder of neither, or of both. */
FR_CHECKED fr_status fr_media_detect(const char *path, fr_format *format);
/* Two files of one data set have the larger number of columns. */
FR_CHECKED fr_status fr_svmlight_align(fr_reader *a, fr_reader *b);

/* A table with options->text, see text_column.c. */
FR_CHECKED fr_status fr_text_open(const fr_data_options *options, const char *path,
                                  fr_reader **out);

/* ---- csv_split.c, csv_sniff.c ---- */

/* Splits records into cells, in place. */
typedef struct {
    fr_stream stream;
    char delimiter; /* ' ' means runs of blanks and tabs */
    fr_span *cell;
    size_t n, capacity;
    size_t *doubled; /* cells with doubled quotes inside */
    size_t n_doubled, doubled_capacity;
    uint64_t line;      /* of the record's first character */
    uint64_t next_line; /* of the next record */
} fr_splitter;

/* The next record that is not blank; n = 0 at the end of the file. */
FR_CHECKED fr_status fr_splitter_next(fr_splitter *splitter);
/* Empty cells behind the last one, up to n. */
FR_CHECKED fr_status fr_splitter_pad(fr_splitter *splitter, size_t n);
FR_CHECKED fr_status fr_splitter_rewind(fr_splitter *splitter);
/* Settle delimiter and header from the first records; leaves the splitter at the start. */
FR_CHECKED fr_status fr_csv_sniff(fr_splitter *splitter, const fr_data_options *options,
                                  bool *header);

/* ---- arrays of numbers in a file ---- */

typedef struct {
    char kind; /* 'u', 'i', 'f' */
    int bytes;
    bool swap; /* other byte order than ours */
} fr_element;

/* A file that is one array after a header. */
typedef struct {
    fr_element element;
    size_t rows, cols;
    bool by_columns; /* column-major (Fortran order) */
    size_t start;    /* offset of the first element */
} fr_array;

/* Reads the header that stands at the beginning of the stream. */
typedef fr_status fr_array_header(fr_stream *stream, fr_array *array);
FR_CHECKED fr_status fr_array_open(const char *path, fr_array_header *read_header,
                                   fr_reader **out);

/* ---- fields.c, scan.c, fill.c ---- */

typedef enum {
    FR_ROLE_FEATURE,
    FR_ROLE_TARGET,
    FR_ROLE_GROUP,
    FR_ROLE_FOLD,
    FR_ROLE_TIME,
    FR_ROLE_WEIGHT,
    FR_ROLE_TEST,
    FR_ROLE_DROP
} fr_role;

typedef struct {
    char *name;
    fr_role role;
    size_t feature;  /* its place among the features */
    bool coded;      /* cells are looked up in dict, not read as numbers */
    bool fixed;      /* dict is complete: other values are missing */
    bool overflowed; /* more values than FR_VALUES_MAX: dict is not complete */
    bool whole;      /* all numbers are integers */
    double low, high;
    uint64_t n_numbers, n_texts, n_missing;
    uint64_t numbers_before; /* n_numbers when the first text came */
    char *first_text;        /* message part: place and cell of the first text */
    fr_dict dict;
} fr_field;

/* Above this a table is not one that can be used dense. */
enum { FR_COLUMNS_MAX = 1 << 22 };

/* Above this a column of categories is an identifier. Index and level then also fit int16 or
 * are exact in float32. */
enum { FR_VALUES_MAX = 65536 };

/* One file of features, and the file of its targets if that is another one. */
typedef struct {
    fr_reader *reader, *labels;
    ptrdiff_t *field, *labels_field; /* (cols) number of the field, -1 = ignored */
    size_t rows;
} fr_part;

struct fr_source {
    fr_schema schema;
    fr_strings missing;
    fr_strings marks; /* values that make a test row; none: 1, true, test */
    bool like;        /* opened for prediction: a missing target is no error */
    fr_storage storage;
    size_t stored;   /* cells of sparse files that are not 0 */
    fr_part part[2]; /* rows for the search, rows of a separate test file */
    size_t n_parts;
    fr_field *field;
    size_t n_fields;
};

/* Make a field of every column of part 0 and give it the role that the options say. */
FR_CHECKED fr_status fr_fields_assign(fr_source *source, const fr_data_options *options,
                                      const fr_test_options *test);
/* Connect the columns of a part to the fields that are there, by name or position. */
FR_CHECKED fr_status fr_fields_connect(fr_source *source, fr_part *part);
/* Fields for what a model was trained on. */
FR_CHECKED fr_status fr_fields_from_schema(fr_source *source, const fr_schema *schema);
void fr_field_clear(fr_field *field);
/* Column called `column`, which the user gave as `key`. FR_ERR_DATA: there is none. */
FR_CHECKED fr_status fr_reader_find_column(const fr_reader *reader, const char *key,
                                           const char *column, size_t *out);

/* Names of the values of a column as the file keeps them, or NULL. */
char *const *fr_reader_levels(const fr_reader *reader, size_t column, size_t *n);
/* What a number in that column stands for. FR_ERR_DATA: not a number of its names. */
FR_CHECKED fr_status fr_reader_key(const fr_reader *reader, size_t column, double value,
                                   uint64_t where, fr_key *key);

/* Where the parts of a block are; NULL for those that the schema does not have. */
typedef struct {
    void *x; /* cells; sparse: those that are not 0, with `column` and `start` */
    uint32_t *column;
    uint64_t *start;
    float *y;
    int32_t *group, *fold, *time;
    float *weight;
    int32_t *test_mark;
} fr_layout;
/* Returns the bytes of the whole block. */
size_t fr_schema_layout(const fr_schema *schema, void *block, fr_layout *out);
size_t fr_cell_size(fr_cell cell);

/* Read all rows and learn of each field what it holds; sets the rows of the parts. */
FR_CHECKED fr_status fr_scan(fr_source *source);

#endif
