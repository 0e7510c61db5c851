/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the forms of an exported model have in common. All Local. */
#ifndef FR_EXPORT_INTERNAL_H
#define FR_EXPORT_INTERNAL_H

#include <stdbool.h>

#include "foldrank/export.h"
#include "foldrank/network.h"
#include "foldrank/option.h"
#include "terms.h"

/* FR_ERR_STATE when there is no model to export. */
FR_CHECKED fr_status fr_export_check(const fr_results_file *results);

/* The same, and when it has nothing to write in a form, or what that cannot hold (such as
 * "ONNX"). */
FR_CHECKED fr_status fr_export_check_form(const fr_results_file *results,
                                          const fr_ensemble *together, const char *form);

/* Where the model comes from and what it scored, as pairs of words: the metadata of an ONNX
 * model, the head of the C source, a table of the card. */
typedef struct {
    fr_strings keys, values;
} fr_facts;

FR_CHECKED fr_status fr_facts_collect(const fr_results_file *results,
                                      const fr_ensemble *together, fr_facts *out);
void fr_facts_clear(fr_facts *facts);

/* The metric of the study; "score" where nothing was trained. */
const char *fr_export_metric(const fr_study *study);
const char *fr_export_rule(const fr_study *study);

/* The card's part on scores. */
FR_CHECKED fr_status fr_card_scores(const fr_results_file *results, fr_text *out);
/* Its part on the calibration; nothing without one. */
void fr_card_calibration(const fr_results_file *results, fr_text *out);

/* A word of somebody else's in Markdown, also in the cell of a table; a score, "-" for NaN. */
void fr_card_word(fr_text *out, const char *text);
const char *fr_card_score(double score, char text[FR_NUMBER_SIZE]);

/* A text without what ends or opens a comment, and without line breaks. */
void fr_c_comment(const char *text, fr_text *out);
/* A float constant of C; a static array of n of them called `name`. */
void fr_c_float(fr_text *out, float value);
void fr_c_floats(fr_text *out, const char *name, const float *values, size_t n);
/* The function `name`_kernel(a, b) of a kernel model, from inputs a to scores b. */
void fr_c_kernel(const fr_model *model, const char *name, fr_text *out);
/* The function `name`_trees(a, b) of trees, likewise. */
void fr_c_trees(const fr_model *model, const char *name, fr_text *out);
/* Of a chain of layers: the functions that it needs, all beginning with `name`; its constants,
 * which are declared in the function that predicts; and what turns preprocessed inputs there,
 * in a, into scores. The function has arrays a and b of fr_c_network_widest floats, float v,
 * int i and, when fr_c_network_pairs, int f. */
void fr_c_network_functions(const fr_network *network, const char *name, fr_text *out);
void fr_c_network_constants(const fr_network *network, const fr_model *model, const char *name,
                            fr_text *out);
/* Returns the array with the scores, 'a' or 'b'. */
char fr_c_network_run(const fr_network *network, const fr_model *model, const char *name,
                      fr_text *out);
size_t fr_c_network_widest(const fr_network *network);
bool fr_c_network_pairs(const fr_network *network);
/* The projection of a model, if it has one: its constants, and from a to a through b, with `i`
 * and `j` to count by. */
void fr_c_projection_constants(const fr_projection *projection, fr_text *out);
void fr_c_projection(const fr_projection *projection, fr_text *out);
/* The function `name`_calibrate(s) of a calibrated model, from scores to probabilities. */
void fr_c_calibration(const fr_model *model, const char *name, fr_text *out);
/* a[0 .. n) gets length 1, unless it has none; `i` counts. */
void fr_c_unit_row(size_t n, fr_text *out);
/* From the columns x to a, but for what tfidf does to a whole row: its constants, and the
 * statements, with `i` to count by and a float `v`. */
void fr_c_columns_constants(const fr_transform *transform, fr_text *out);
void fr_c_columns(const fr_transform *transform, fr_text *out);
/* Of a model that counts n-grams: the functions, which begin with `name`, that count them; the
 * constants of the function that predicts, and what brings `text` there into a, weighed but for
 * the row's length; `i` counts and `v` is a float. */
void fr_c_words_functions(const fr_text_settings *settings, const fr_terms *terms,
                          const char *name, fr_text *out);
void fr_c_words_constants(const fr_model *model, const fr_terms *terms, fr_text *out);
void fr_c_words(const fr_model *model, const char *name, fr_text *out);
/* A text as a C string literal, quotes included. */
void fr_c_quote(const char *text, fr_text *out);

#endif
