/* SPDX-License-Identifier: BSD-3-Clause */
/* fold_cache.c - folds that were prepared before: the fit of a transform reads every training
 * row (a median even sorts), which for a short training costs as much as an epoch. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

enum { ENTRIES = 64, MOST_BYTES = 32 << 20 };

typedef struct {
    const fr_folds *folds;
    uint32_t fold;
    char *options;      /* preprocessing, as text; NULL: the entry is empty */
    uint64_t last_used; /* by the cache's own count */
    size_t bytes;
    fr_fold_rows rows;
} cache_entry;

struct fr_fold_cache {
    const fr_dataset *dataset;
    cache_entry entries[ENTRIES];
    uint64_t uses;
    size_t bytes;
};

fr_status fr_fold_cache_create(const fr_dataset *dataset, fr_fold_cache **out)
{
    *out = fr_alloc(1, sizeof **out);
    if (*out == NULL) return FR_ERR_MEMORY;
    (*out)->dataset = dataset;
    return FR_OK;
}

static void drop_entry(fr_fold_cache *cache, cache_entry *entry)
{
    cache->bytes -= entry->bytes;
    free(entry->options);
    free(entry->rows.train);
    free(entry->rows.valid);
    fr_prepared_clear(&entry->rows.prepared);
    *entry = (cache_entry){0};
}

void fr_fold_cache_destroy(fr_fold_cache **cache)
{
    if (*cache == NULL) return;
    for (size_t i = 0; i < ENTRIES; i++) drop_entry(*cache, &(*cache)->entries[i]);
    free(*cache);
    *cache = NULL;
}

static cache_entry *find_entry(fr_fold_cache *cache, const fr_folds *folds, uint32_t fold,
                               const char *options)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        cache_entry *e = &cache->entries[i];
        if (e->options != NULL && e->folds == folds && e->fold == fold &&
            strcmp(e->options, options) == 0)
            return e;
    }
    return NULL;
}

/* The entry that was not used for the longest time; an empty one was never used. */
static cache_entry *oldest_entry(fr_fold_cache *cache)
{
    cache_entry *oldest = &cache->entries[0];
    for (size_t i = 1; i < ENTRIES; i++)
        if (cache->entries[i].last_used < oldest->last_used) oldest = &cache->entries[i];
    return oldest;
}

/* Make room so that all entries but the newest fit into MOST_BYTES with it. */
static void make_room(fr_fold_cache *cache, const cache_entry *newest)
{
    while (cache->bytes > MOST_BYTES) {
        cache_entry *oldest = NULL;
        for (size_t i = 0; i < ENTRIES; i++) {
            cache_entry *e = &cache->entries[i];
            if (e != newest && e->options != NULL &&
                (oldest == NULL || e->last_used < oldest->last_used))
                oldest = e;
        }
        if (oldest == NULL) return;
        drop_entry(cache, oldest);
    }
}

static fr_status fill_entry(fr_fold_cache *cache, cache_entry *e, const fr_folds *folds,
                            uint32_t fold, const fr_preprocess_options *options,
                            const fr_gram_source *solvers)
{
    fr_fold_rows *r = &e->rows;
    FR_TRY(fr_folds_get(folds, fold, &r->train, &r->n_train, &r->valid, &r->n_valid));
    const uint32_t *const rows[2] = {r->train, r->valid};
    const size_t n[2] = {r->n_train, r->n_valid};
    FR_TRY(fr_prepare(options, cache->dataset, rows, n, solvers, &r->prepared));
    e->folds = folds;
    e->fold = fold;
    e->bytes = r->prepared.bytes + (r->n_train + r->n_valid) * sizeof(uint32_t);
    cache->bytes += e->bytes;
    return FR_OK;
}

fr_status fr_fold_cache_get(fr_fold_cache *cache, const fr_folds *folds, uint32_t fold,
                            const fr_preprocess_options *options, const fr_gram_source *solvers,
                            const fr_fold_rows **out)
{
    fr_text key = {0};
    fr_status st = FR_OK;
    for (size_t i = 0; i < fr_preprocess_option_count; i++) {
        fr_option_format(&fr_preprocess_option_table[i], options, &key);
        fr_text_add(&key, " ");
    }
    if (key.failed) {
        st = FR_FAIL(FR_ERR_MEMORY, "out of memory");
        goto out;
    }
    cache_entry *e = find_entry(cache, folds, fold, fr_text_get(&key));
    if (e == NULL) {
        e = oldest_entry(cache);
        drop_entry(cache, e);
        st = fill_entry(cache, e, folds, fold, options, solvers);
        if (st == FR_OK && (e->options = fr_strdup(fr_text_get(&key))) == NULL)
            st = FR_ERR_MEMORY;
        if (st != FR_OK) {
            drop_entry(cache, e);
            goto out;
        }
        make_room(cache, e);
    }
    e->last_used = ++cache->uses;
    *out = &e->rows;
out:
    fr_text_clear(&key);
    return st;
}
