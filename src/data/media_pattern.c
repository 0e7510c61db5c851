/* SPDX-License-Identifier: BSD-3-Clause */
/* media_pattern.c - `{label}_{speaker}_{index}.wav`: names of columns inside the names of
 * files. A name in braces stands for one character or more, but no slash, as few as will do;
 * `*` for any number of characters; everything else for itself. */
#include <stdlib.h>
#include <string.h>

#include "media.h"

enum { NAMES_MAX = 16 };

fr_status fr_pattern_names(const char *pattern, fr_strings *names)
{
    for (const char *at = strchr(pattern, '{'); at != NULL; at = strchr(at, '{')) {
        char name[64];
        const char *end = strchr(++at, '}');
        const size_t length = end == NULL ? 0 : (size_t)(end - at);
        if (length == 0 || length >= sizeof name || memchr(at, '{', length) != NULL)
            return FR_FAIL(FR_ERR_DATA,
                           "data.pattern: `%s`: a brace has to enclose the name of a column, "
                           "as in {label}_{speaker}_{index}.wav",
                           pattern);
        memcpy(name, at, length);
        name[length] = '\0';
        for (size_t i = 0; i < names->n; i++)
            if (strcmp(names->item[i], name) == 0)
                return FR_FAIL(FR_ERR_DATA, "data.pattern: `%s` has {%s} twice", pattern, name);
        FR_TRY(fr_strings_add(names, name));
        at = end;
    }
    if (names->n == 0 || names->n > NAMES_MAX)
        return FR_FAIL(FR_ERR_DATA,
                       "data.pattern: `%s` names %zu columns; 1 to %d can be used, as in "
                       "{label}_{speaker}_{index}.wav",
                       pattern, names->n, NAMES_MAX);
    return FR_OK;
}

static bool match(const char *pattern, const char *text, fr_span *value)
{
    for (; *pattern != '{' && *pattern != '*'; pattern++, text++) {
        if (*pattern != *text) return false;
        if (*pattern == '\0') return true;
    }
    if (*pattern == '*') {
        for (;; text++) {
            if (match(pattern + 1, text, value)) return true;
            if (*text == '\0') return false;
        }
    }
    const char *rest = strchr(pattern, '}') + 1;
    for (size_t n = 1; text[n - 1] != '\0' && text[n - 1] != '/'; n++) {
        *value = (fr_span){text, n};
        if (match(rest, text + n, value + 1)) return true;
    }
    return false;
}

bool fr_pattern_match(const char *pattern, const char *path, fr_span *value)
{
    size_t slashes = 0;
    for (const char *at = pattern; *at != '\0'; at++) slashes += *at == '/';
    const char *from = path + strlen(path);
    for (; from > path; from--)
        if (from[-1] == '/' && slashes-- == 0) break;
    return match(pattern, from, value);
}
