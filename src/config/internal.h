/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - how a study file becomes structs.
 *
 *   text -> tree of nodes (yaml.c, overrides.c)
 *        -> plain blocks through their tables (block.c), settings that may be hyperparameters
 *           (setting.c, distribution.c), their conditions (condition.c), the space (build.c)
 *        -> cross checks (check.c), the filled-in text (filled.c), fingerprint (difference.c)
 *
 * Nothing stops at the first fault: functions note it and go on with what they have, so they
 * return nothing; fr_faults_report tells in the end. Memory that runs out is a fault, too. */
#ifndef FR_CONFIG_INTERNAL_H
#define FR_CONFIG_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "foldrank/model.h"
#include "foldrank/option.h"
#include "foldrank/study.h"

typedef struct {
    long rank; /* lines in order, then the --set values */
    char *text;
} fr_fault;

/* Start with {.path = ...}; release with fr_faults_clear. */
typedef struct {
    const char *path;
    fr_fault *list;
    size_t n, capacity;
    size_t n_more; /* not kept */
    bool out_of_memory;
} fr_faults;

typedef struct fr_node fr_node;

/* Note a fault at the line of `where` (NULL: of the file as a whole). */
void fr_faults_add(fr_faults *faults, const fr_node *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* If `status` is a failure: note its message, "key: message". True when it was FR_OK. */
bool fr_faults_check(fr_faults *faults, const fr_node *where, const char *key,
                     fr_status status);

/* "unknown key `word` in `home`; allowed: ...; did you mean ...?" */
void fr_faults_unknown(fr_faults *faults, const fr_node *where, const char *home,
                       const char *const names[], size_t n);

/* FR_OK without faults; else FR_ERR_USAGE, all of them by line, or FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_faults_report(fr_faults *faults);
void fr_faults_clear(fr_faults *faults);

typedef enum { NODE_SCALAR, NODE_LIST, NODE_MAP } fr_node_kind;

struct fr_node {
    fr_node_kind kind;
    bool quoted;        /* scalar in quotes */
    bool flow;          /* list or map written with brackets */
    long line;          /* from 1; of the key when it has one */
    const char *origin; /* the key=value of --set, borrowed; NULL: the file */
    char *key;          /* when its parent is a map */
    char *text;         /* scalar */
    fr_node *child, *last, *next;
    size_t n; /* children */
};

enum { NODE_MAX_DEPTH = 32, NODE_MAX_COUNT = 20000, STUDY_MAX_BYTES = 1 << 20 };

/* Parse one document. Faults are noted and NULL returned. `origin` as in fr_node. */
fr_node *fr_node_parse(const char *text, const char *origin, fr_faults *faults);

/* Put the values of `key=value` texts into the tree. */
void fr_node_override(fr_node *root, const char *const overrides[], size_t n,
                      fr_faults *faults);
fr_node *fr_node_create(fr_node_kind kind, const fr_node *like);
void fr_node_append(fr_node *parent, fr_node *child);
void fr_node_destroy(fr_node *node);

/* The entry of a map, NULL when there is none (or `map` is NULL or no map). */
fr_node *fr_node_find(const fr_node *map, const char *key);

/* Nothing, null or ~. */
bool fr_node_is_null(const fr_node *node);

/* As flow text, which reads back to the same node. */
void fr_node_format(const fr_node *node, fr_text *out);

enum { ALL_FAMILIES = -1 };

/* Which settings of which families a parameter feeds. */
struct fr_binding {
    size_t param;
    int family; /* fr_family, or ALL_FAMILIES */
    const fr_option *row;
    size_t block;       /* offset of the row's struct in fr_recipe */
    fr_recipe *choices; /* choice: recipe i holds value i in its field; else NULL */
};

typedef enum { VISIT_NOT_YET, VISIT_RUNNING, VISIT_DONE } fr_visit;

/* One setting of preprocess, train or a family, or a free parameter of an objective. */
typedef struct {
    const fr_option *row; /* NULL: free parameter, or the choice of the family */
    size_t block;         /* offset of the row's struct in fr_recipe */
    int family;           /* the block's family, or ALL_FAMILIES */
    char *name;           /* of the parameter, "mlp.hidden" */
    const fr_node *given; /* NULL: not in the file */
    const fr_node *when;  /* NULL: none */
    char *fixed;          /* value as text; NULL: a hyperparameter */
    bool broken;          /* a fault is noted: do not look at it further */
    fr_param param;       /* until it is in the space */
    fr_visit visit;
    size_t index; /* in the space */
} fr_setting;

typedef struct {
    fr_faults *faults;
    const fr_node *root;
    fr_study *study;
    fr_setting *settings;
    size_t n, capacity;
    /* The families that `models` names; an objective without models counts as one family. */
    bool families[FR_FAMILY_COUNT];
    size_t n_families;
} fr_draft;

/* A block of plain settings. */
typedef struct {
    const char *home; /* "data.test" */
    const fr_option *table;
    size_t n;
    const char *const *extra; /* further keys, which the caller reads */
    size_t n_extra;
} fr_block;

/* Read a block into `values`; the defaults where `node` is NULL or lacks a key. */
void fr_draft_block(fr_draft *draft, const fr_node *node, const fr_block *block, void *values);

/* One plain setting; its default when `node` is NULL. */
void fr_draft_value(fr_draft *draft, const fr_node *node, const char *home,
                    const fr_option *row, void *values);

/* Collect the settings of preprocess, models and train, or of objective.parameters. */
void fr_draft_settings(fr_draft *draft);
void fr_draft_free_parameters(fr_draft *draft, const fr_node *parameters);
fr_setting *fr_draft_find(const fr_draft *draft, int family, const char *key);

/* The named family's own setting of a key of train, NULL when it has none. */
fr_setting *fr_draft_override(const fr_draft *draft, int family, const fr_setting *general);

/* Note "train.momentum: <message of status>" and give the setting up. */
void fr_setting_refuse(fr_draft *draft, fr_setting *setting, const fr_node *where,
                       fr_status status);

/* Read setting->given: a value, or a distribution. */
void fr_draft_distribution(fr_draft *draft, fr_setting *setting);
bool fr_is_distribution(const fr_node *node);

/* Where it stands in the file, "train.momentum". */
void fr_setting_place(const fr_setting *setting, fr_text *out);

/* `text` in the form that its row would print; as it is without row. */
FR_CHECKED fr_status fr_setting_canonical(const fr_setting *setting, const char *text,
                                          fr_text *out);

/* Resolve conditions and fill study->space, base and bindings. */
void fr_draft_build(fr_draft *draft);

/* Put `setting` into the space, what it depends on first. */
void fr_draft_place(fr_draft *draft, fr_setting *setting);

/* Turn setting->when into conditions of setting->param, whose parents are in the space then. A
 * setting that can never be active becomes fixed at its default. */
void fr_draft_conditions(fr_draft *draft, fr_setting *setting);

/* Read the objectives into study->goals: of `metric`, which may be NULL (then the task must be
 * known); of objective.scores. */
void fr_draft_metric(fr_draft *draft, const fr_node *metric);
void fr_draft_standard_metric(fr_draft *draft);
void fr_draft_scores(fr_draft *draft, const fr_node *objective);

/* With the objectives known: the selection rule and its constraints, and what does not go with
 * so many. */
void fr_draft_choice(fr_draft *draft);

/* Read search.enqueue into study->enqueued. */
void fr_draft_enqueue(fr_draft *draft, const fr_node *list);

/* Note what does not go together, and files that are not there. */
void fr_draft_checks(fr_draft *draft, bool look_for_files);

/* The part of fr_draft_checks for models, their training and metrics. */
void fr_draft_model_checks(fr_draft *draft);

/* The part of fr_draft_checks for lengths of n-grams. */
void fr_draft_text_checks(fr_draft *draft);

/* What family f uses: its own setting or that of train. */
const fr_setting *fr_draft_effective(const fr_draft *draft, int f, const char *key);

/* Write study->text. */
void fr_draft_fill(fr_draft *draft);

/* Read the key `objective`, and the folds of an external one. */
void fr_draft_objective(fr_draft *draft, const fr_node *node);

/* The fr_objective_kind that the node names; training when it names none. */
int fr_objective_type_of(const fr_node *objective);

/* fr_draft_checks for what belongs to an objective. */
void fr_draft_objective_checks(fr_draft *draft, bool look_for_files);

/* The entry root.block.key, or the block, for the line of a message. */
const fr_node *fr_draft_at(const fr_draft *draft, const char *block, const char *key);

/* Note a file that is not there or cannot be read. NULL is no file. */
void fr_draft_look_for(fr_draft *draft, const fr_node *where, const char *key, const char *path,
                       bool or_folder);

/* Of all that decides the results, from a filled-in text. */
uint64_t fr_study_text_fingerprint(const char *text, fr_faults *faults);

extern const fr_option fr_study_option_table[]; /* study, metric, output */
extern const fr_option fr_objective_option_table[];
extern const size_t fr_objective_option_count;

/* Whether the table's row means something to an objective of this type (fr_objective_kind). */
bool fr_objective_uses(int type, size_t row);

extern const fr_option fr_objective_fold_table[]; /* validation of an external objective */
extern const size_t fr_objective_fold_count;
extern const fr_option fr_resource_option_table[];
extern const size_t fr_resource_option_count;
extern const char *const fr_objective_words[]; /* of kind k: entry k - 1; NULL-terminated */
extern const char *const fr_direction_words[]; /* minimize, maximize */

#endif
