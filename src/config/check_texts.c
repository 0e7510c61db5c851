/* SPDX-License-Identifier: BSD-3-Clause */
/* check_texts.c - whether the n-grams that a study trains on are among those that it counts. */
#include "internal.h"

static bool has(const fr_ints *list, int64_t n)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->value[i] == n) return true;
    return false;
}

static void check_lengths(fr_draft *draft, const fr_setting *s, const fr_ints *wanted,
                          const fr_ints *counted)
{
    const fr_text_settings *text = &draft->study->data.text;
    const char *key = s->row->name;
    if (wanted->n == 1 && wanted->value[0] == 0) return;
    if (text->column == NULL || text->buckets > 0) {
        fr_faults_add(draft->faults, s->given, "preprocess.%s has no effect %s", key,
                      text->column == NULL
                          ? "without data.text"
                          : "with data.text_buckets, which n-grams of all lengths share");
        return;
    }
    for (size_t i = 0; i < wanted->n; i++) {
        const long long n = (long long)wanted->value[i];
        if (n == 0)
            fr_faults_add(draft->faults, s->given,
                          "preprocess.%s: [0] alone means all lengths that data.%s has", key,
                          key);
        else if (!has(counted, n))
            fr_faults_add(draft->faults, s->given,
                          "preprocess.%s: n-grams of length %lld are not counted; add %lld to "
                          "data.%s",
                          key, n, n, key);
    }
}

static void check_values(fr_draft *draft, const char *key, const fr_ints *counted)
{
    const fr_setting *s = fr_draft_find(draft, ALL_FAMILIES, key);
    if (s == NULL || s->broken) return;
    const fr_param *p = s->fixed != NULL ? NULL : &draft->study->space.params[s->index];
    for (size_t k = 0; k < (p == NULL ? 1 : p->n_choices); k++) {
        fr_preprocess_options options = {0};
        const char *value = p == NULL ? s->fixed : p->choices[k];
        if (fr_option_set(s->row, value, &options) != FR_OK) continue; /* noted */
        const char *field = (const char *)&options + s->row->offset;
        check_lengths(draft, s, (const fr_ints *)(const void *)field, counted);
    }
}

void fr_draft_text_checks(fr_draft *draft)
{
    const fr_text_settings *text = &draft->study->data.text;
    check_values(draft, "text_words", &text->words);
    check_values(draft, "text_chars", &text->chars);
}
