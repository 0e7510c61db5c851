/* SPDX-License-Identifier: BSD-3-Clause */
/* dict.c - the different values of a column, numbered in the order they come.
 *
 * Looked up once for every cell of a categorical column, target or group: open addressing with
 * linear probing at most half full. */
#include "foldrank/checksum.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

fr_key fr_key_of_text(fr_span text)
{
    fr_key key = {.text = text};
    key.is_number = fr_span_number(text, &key.number);
    if (key.is_number) key.number += 0.0; /* -0 and 0 are one value */
    return key;
}

fr_key fr_key_of_number(double number)
{
    return (fr_key){.is_number = true, .number = number + 0.0};
}

/* Numbers are alike whatever their spelling. */
static bool is_same(fr_key a, fr_key b)
{
    if (a.is_number || b.is_number) return a.is_number && b.is_number && a.number == b.number;
    return a.text.length == b.text.length &&
           memcmp(a.text.text, b.text.text, a.text.length) == 0;
}

int fr_test_mark(const fr_strings *marks, fr_key key)
{
    for (size_t i = 0; i < marks->n; i++)
        if (is_same(key, fr_key_of_text((fr_span){marks->item[i], strlen(marks->item[i])})))
            return 1;
    if (marks->n > 0) return 0;
    if (key.is_number) return key.number == 1 ? 1 : key.number == 0 ? 0 : -1;
    return fr_span_mark(key.text);
}

static uint64_t hash_key(const fr_key *key)
{
    uint64_t hash =
        key->is_number
            ? fr_fingerprint(FR_FINGERPRINT_START, &key->number, sizeof(double))
            : fr_fingerprint(~FR_FINGERPRINT_START, key->text.text, key->text.length);
    return hash ^ hash >> 29;
}

static bool same_key(const fr_key *a, const fr_key *b)
{
    if (a->is_number != b->is_number) return false;
    if (a->is_number) return a->number == b->number;
    return a->text.length == b->text.length &&
           memcmp(a->text.text, b->text.text, a->text.length) == 0;
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t find_slot(const fr_dict *dict, const fr_key *key)
{
    size_t at = (size_t)hash_key(key) & (dict->n_slots - 1);
    while (dict->slot[at] != 0 && !same_key(&dict->entry[dict->slot[at] - 1], key))
        at = (at + 1) & (dict->n_slots - 1);
    return at;
}

bool fr_dict_find(const fr_dict *dict, fr_key key, uint32_t *index)
{
    if (dict->n_slots == 0) return false;
    const size_t at = find_slot(dict, &key);
    if (dict->slot[at] == 0) return false;
    *index = dict->slot[at] - 1;
    return true;
}

static fr_status grow_slots(fr_dict *dict)
{
    const size_t n_slots = dict->n_slots == 0 ? FIRST_SLOTS : dict->n_slots * 2;
    uint32_t *slot = fr_alloc(n_slots, sizeof *slot);
    if (slot == NULL) return FR_ERR_MEMORY;
    free(dict->slot);
    dict->slot = slot;
    dict->n_slots = n_slots;
    for (size_t i = 0; i < dict->n; i++)
        slot[find_slot(dict, &dict->entry[i])] = (uint32_t)i + 1;
    return FR_OK;
}

fr_status fr_dict_add(fr_dict *dict, fr_key key, uint32_t *index)
{
    if (fr_dict_find(dict, key, index)) return FR_OK;
    if (dict->n >= UINT32_MAX - 1)
        return FR_FAIL(FR_ERR_DATA, "more than %zu different values in a column", dict->n);
    if (2 * (dict->n + 1) > dict->n_slots) FR_TRY(grow_slots(dict));
    void *block = dict->entry;
    fr_status st = fr_grow(&block, &dict->capacity, dict->n + 1, sizeof *dict->entry);
    dict->entry = block;
    FR_TRY(st);
    char *text = malloc(key.text.length + 1);
    if (text == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory for the values of a column");
    if (key.text.length > 0) memcpy(text, key.text.text, key.text.length);
    text[key.text.length] = '\0';
    const size_t at = find_slot(dict, &key);
    key.text.text = text;
    dict->entry[dict->n] = key;
    dict->slot[at] = (uint32_t)++dict->n;
    *index = (uint32_t)dict->n - 1;
    return FR_OK;
}

static int compare_entries(const void *left, const void *right)
{
    const fr_key *a = *(const fr_key *const *)left, *b = *(const fr_key *const *)right;
    if (a->is_number != b->is_number) return a->is_number ? -1 : 1;
    if (a->is_number) return (a->number > b->number) - (a->number < b->number);
    return strcmp(a->text.text, b->text.text);
}

fr_status fr_dict_order(fr_dict *dict)
{
    const fr_key **order = fr_alloc(dict->n, sizeof *order);
    free(dict->rank);
    dict->rank = fr_alloc(dict->n, sizeof *dict->rank);
    if (order == NULL || dict->rank == NULL) {
        free(order);
        return FR_ERR_MEMORY;
    }
    for (size_t i = 0; i < dict->n; i++) order[i] = &dict->entry[i];
    qsort(order, dict->n, sizeof *order, compare_entries);
    for (size_t i = 0; i < dict->n; i++) dict->rank[order[i] - dict->entry] = (uint32_t)i;
    free(order);
    return FR_OK;
}

fr_status fr_dict_names(const fr_dict *dict, char ***names)
{
    *names = fr_alloc(dict->n, sizeof **names);
    if (*names == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < dict->n; i++) {
        const fr_key *key = &dict->entry[i];
        char number[FR_NUMBER_SIZE];
        const bool spelled = key->text.length > 0 || !key->is_number;
        char *name =
            fr_strdup(spelled ? key->text.text : fr_format_double(key->number, number));
        if (name == NULL) {
            fr_names_free(*names, dict->n);
            *names = NULL;
            return FR_ERR_MEMORY;
        }
        (*names)[dict->rank[i]] = name;
    }
    return FR_OK;
}

void fr_dict_clear(fr_dict *dict)
{
    for (size_t i = 0; i < dict->n; i++) free((char *)(uintptr_t)dict->entry[i].text.text);
    free(dict->entry);
    free(dict->slot);
    free(dict->rank);
    *dict = (fr_dict){0};
}
