/* SPDX-License-Identifier: BSD-3-Clause */
/* setting.c - the list of all settings that may be hyperparameters, in one fixed order, so that
 * the order of keys in the file changes nothing: the family, preprocess, the families' own
 * blocks, train. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static fr_setting *add_setting(fr_draft *draft, const char *prefix, const char *key)
{
    fr_text name = {0};
    fr_text_add(&name, "%s%s%s", prefix, *prefix == '\0' ? "" : ".", key);
    void *block = draft->settings;
    if (name.failed ||
        fr_grow(&block, &draft->capacity, draft->n + 1, sizeof *draft->settings) != FR_OK) {
        fr_text_clear(&name);
        draft->faults->out_of_memory = true;
        return NULL;
    }
    draft->settings = block;
    fr_setting *setting = &draft->settings[draft->n++];
    *setting = (fr_setting){.family = ALL_FAMILIES, .name = name.data};
    return setting;
}

typedef struct {
    const fr_option *table;
    size_t n;
    size_t block; /* offset in fr_recipe */
    int family;
    bool given_only; /* leave out what the file does not mention */
} source;

/* Whether the row is one of the source's: of `train` a family has those that apply to it. */
static bool is_of(const source *from, size_t i)
{
    return from->family < 0 || from->table != fr_train_option_table ||
           fr_train_option_applies(&from->table[i], (fr_family)from->family);
}

static void add_table(fr_draft *draft, const fr_node *node, const source *from)
{
    const char *prefix = from->family < 0 ? "" : fr_family_words[from->family];
    for (size_t i = 0; i < from->n; i++) {
        if (!is_of(from, i)) continue;
        const fr_node *given = fr_node_find(node, from->table[i].name);
        if (given == NULL && from->given_only) continue;
        fr_setting *setting = add_setting(draft, prefix, from->table[i].name);
        if (setting == NULL) return;
        setting->row = &from->table[i];
        setting->block = from->block;
        setting->family = from->family;
        setting->given = given;
        fr_draft_distribution(draft, setting);
    }
}

/* A block must be a mapping whose keys are all in one of two tables. */
static void check_keys(fr_draft *draft, const fr_node *node, const char *home,
                       const source *first, const source *second)
{
    if (fr_node_is_null(node)) return;
    if (node->kind != NODE_MAP) {
        fr_faults_add(draft->faults, node, "%s must be a mapping of settings", home);
        return;
    }
    const size_t n = first->n + (second == NULL ? 0 : second->n);
    const char **names = fr_alloc(n, sizeof *names);
    if (names == NULL) {
        draft->faults->out_of_memory = true;
        return;
    }
    size_t known = 0;
    for (size_t i = 0; i < first->n; i++) names[known++] = first->table[i].name;
    for (size_t i = 0; second != NULL && i < second->n; i++)
        if (is_of(second, i)) names[known++] = second->table[i].name;
    for (const fr_node *child = node->child; child != NULL; child = child->next) {
        size_t i = 0;
        while (i < known && strcmp(names[i], child->key) != 0) i++;
        if (i == known) fr_faults_unknown(draft->faults, child, home, names, known);
    }
    free(names);
}

static source preprocess_source(void)
{
    return (source){.table = fr_preprocess_option_table,
                    .n = fr_preprocess_option_count,
                    .block = offsetof(fr_recipe, preprocess),
                    .family = ALL_FAMILIES};
}

static source train_source(void)
{
    return (source){.table = fr_train_option_table,
                    .n = fr_train_option_count,
                    .block = offsetof(fr_recipe, train),
                    .family = ALL_FAMILIES};
}

static void add_family(fr_draft *draft, const fr_node *models, int family)
{
    const fr_node *node = fr_node_find(models, fr_family_words[family]);
    source own = {.block = offsetof(fr_recipe, model), .family = family};
    own.table = fr_model_option_table((fr_family)family, &own.n);
    source overrides = train_source();
    overrides.family = family;
    overrides.given_only = true;
    fr_text home = {0};
    fr_text_add(&home, "models.%s", fr_family_words[family]);
    check_keys(draft, node, fr_text_get(&home), &own, &overrides);
    fr_text_clear(&home);
    add_table(draft, node, &own);
    add_table(draft, node, &overrides);
}

/* With several families the family is a hyperparameter called `model`. */
static void add_model_choice(fr_draft *draft)
{
    fr_setting *setting = add_setting(draft, "", "model");
    if (setting == NULL) return;
    fr_param *p = &setting->param;
    p->kind = FR_PARAM_CHOICE;
    p->choices = fr_alloc(draft->n_families, sizeof *p->choices);
    for (int f = 0; f < FR_FAMILY_COUNT && p->choices != NULL; f++) {
        if (!draft->study->families[f]) continue;
        p->choices[p->n_choices] = fr_strdup(fr_family_words[f]);
        if (p->choices[p->n_choices] == NULL) break;
        p->n_choices++;
    }
    if (p->n_choices != draft->n_families) draft->faults->out_of_memory = true;
}

static void read_families(fr_draft *draft, const fr_node *models)
{
    if (fr_node_is_null(models) || (models->kind == NODE_MAP && models->n == 0)) {
        fr_faults_add(draft->faults, models,
                      "models is missing: name at least one of linear, softmax, svm, mlp, cnn, "
                      "fm, kernel, xgboost");
        return;
    }
    if (models->kind != NODE_MAP) {
        fr_faults_add(draft->faults, models,
                      "models must be a mapping of families, such as {mlp: {hidden: [64]}}");
        return;
    }
    for (const fr_node *child = models->child; child != NULL; child = child->next) {
        int family = 0;
        while (family < FR_FAMILY_COUNT && strcmp(fr_family_words[family], child->key) != 0)
            family++;
        if (family == FR_FAMILY_COUNT) {
            fr_faults_unknown(draft->faults, child, "models", fr_family_words, FR_FAMILY_COUNT);
            continue;
        }
        draft->study->families[family] = draft->families[family] = true;
        draft->n_families++;
    }
}

void fr_draft_settings(fr_draft *draft)
{
    const fr_node *models = fr_node_find(draft->root, "models");
    const fr_node *preprocess = fr_node_find(draft->root, "preprocess");
    const fr_node *train = fr_node_find(draft->root, "train");
    const source general = preprocess_source(), training = train_source();
    read_families(draft, models);
    if (draft->n_families > 1) add_model_choice(draft);
    check_keys(draft, preprocess, "preprocess", &general, NULL);
    add_table(draft, preprocess, &general);
    for (int f = 0; f < FR_FAMILY_COUNT; f++)
        if (draft->study->families[f]) add_family(draft, models, f);
    check_keys(draft, train, "train", &training, NULL);
    add_table(draft, train, &training);
}

static bool is_name(const char *name)
{
    if (*name == '\0' || strlen(name) > 100) return false;
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == '/') return false;
    return true;
}

enum { MAX_FREE_PARAMETERS = 1000 };

void fr_draft_free_parameters(fr_draft *draft, const fr_node *parameters)
{
    if (fr_node_is_null(parameters) || parameters->kind != NODE_MAP || parameters->n == 0) {
        fr_faults_add(
            draft->faults,
            parameters != NULL ? parameters : fr_node_find(draft->root, "objective"),
            "objective.parameters must name parameters, such as {x: {float: [0, 1]}}");
        return;
    }
    if (parameters->n > MAX_FREE_PARAMETERS) {
        fr_faults_add(draft->faults, parameters,
                      "objective.parameters: %zu are too many; "
                      "allowed: up to %d",
                      parameters->n, MAX_FREE_PARAMETERS);
        return;
    }
    for (const fr_node *child = parameters->child; child != NULL; child = child->next) {
        if (!is_name(child->key)) {
            fr_faults_add(draft->faults, child,
                          "objective.parameters: `%.60s` is not a name; allowed: up to 100 "
                          "characters without /",
                          child->key);
            continue;
        }
        fr_setting *setting = add_setting(draft, "", child->key);
        if (setting == NULL) return;
        setting->given = child;
        fr_draft_distribution(draft, setting);
    }
}

fr_setting *fr_draft_find(const fr_draft *draft, int family, const char *key)
{
    for (size_t i = 0; i < draft->n; i++) {
        fr_setting *s = &draft->settings[i];
        const char *own = s->row == NULL ? s->name : s->row->name;
        if (s->family == family && strcmp(own, key) == 0) return s;
    }
    return NULL;
}

fr_setting *fr_draft_override(const fr_draft *draft, int family, const fr_setting *general)
{
    for (size_t i = 0; i < draft->n; i++)
        if (draft->settings[i].family == family && general->row != NULL &&
            draft->settings[i].row == general->row)
            return &draft->settings[i];
    return NULL;
}
