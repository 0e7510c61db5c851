/* SPDX-License-Identifier: BSD-3-Clause */
/* media_list.c - the files that are the rows of a data set: a folder's, or a list's. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "foldrank/text_table.h"
#include "media.h"

/* Without a pattern, the folder that a file lies in is its class. */
static const char *const FOLDERS_ARE_LABELS = "{label}/*";

void fr_media_list_clear(fr_media_list *list)
{
    fr_names_free(list->path, list->n);
    fr_names_free(list->value, list->n * list->column.n);
    fr_strings_clear(&list->column);
    *list = (fr_media_list){0};
}

bool fr_media_ends_with(const char *path, const char *const *endings)
{
    const size_t n = strlen(path);
    for (; *endings != NULL; endings++) {
        const size_t m = strlen(*endings);
        if (n > m && strcasecmp(path + n - m, *endings) == 0) return true;
    }
    return false;
}

/* Room for one more file; its path is taken over and freed on failure. */
static fr_status add_file(fr_media_list *list, char *path)
{
    void *paths = list->path, *values = list->value;
    fr_status st = path == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK)
        st = fr_grow(&paths, &list->path_capacity, list->n + 1, sizeof *list->path);
    if (st == FR_OK)
        st = fr_grow(&values, &list->value_capacity, (list->n + 1) * list->column.n,
                     sizeof *list->value);
    list->path = paths;
    list->value = values;
    if (st != FR_OK) {
        free(path);
        return st;
    }
    list->path[list->n++] = path;
    return FR_OK;
}

/* ---- a folder ---- */

/* Call `visit` for every file below the folder until it says stop. */
static fr_status walk(const char *folder, bool (*visit)(void *context, const char *path),
                      void *context)
{
    char *root = fr_strdup(folder);
    if (root == NULL) return FR_ERR_MEMORY;
    for (size_t n = strlen(root); n > 1 && root[n - 1] == '/';) root[--n] = '\0';
    char *const roots[] = {root, NULL};
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    fr_status st =
        tree != NULL ? FR_OK
                     : FR_FAIL(FR_ERR_DATA, "%s: cannot be read: %s", folder, strerror(errno));
    for (FTSENT *entry; st == FR_OK && (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
            fts_set(tree, entry, FTS_SKIP);
        } else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
                   entry->fts_info == FTS_NS) {
            st = FR_FAIL(FR_ERR_DATA, "%s: cannot be read: %s", entry->fts_path,
                         strerror(entry->fts_errno));
        } else if (entry->fts_info == FTS_F && !visit(context, entry->fts_path)) {
            break;
        }
    }
    if (tree != NULL) fts_close(tree);
    free(root);
    return st;
}

typedef struct {
    const char *const *endings;
    fr_media_list *list;
    char *first;
    fr_status st;
} search;

static bool take_first(void *context, const char *path)
{
    search *s = context;
    if (fr_media_ends_with(path, s->endings)) s->first = fr_strdup(path);
    return s->first == NULL;
}

char *fr_media_first(const char *folder, const char *const *endings)
{
    search s = {.endings = endings};
    return walk(folder, take_first, &s) == FR_OK ? s.first : NULL;
}

static bool take_all(void *context, const char *path)
{
    search *s = context;
    if (fr_media_ends_with(path, s->endings)) s->st = add_file(s->list, fr_strdup(path));
    return s->st == FR_OK;
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static fr_status no_files(const char *folder, const char *const *endings)
{
    fr_text list = {0};
    for (size_t i = 0; endings[i] != NULL; i++)
        fr_text_add(&list, "%s%s", i > 0 ? ", " : "", endings[i]);
    const fr_status st = FR_FAIL(FR_ERR_DATA, "%s: holds no file with a name that ends with %s",
                                 folder, fr_text_get(&list));
    fr_text_clear(&list);
    return st;
}

static fr_status list_folder(const char *folder, const char *const *endings, fr_media_list *out)
{
    search s = {.endings = endings, .list = out};
    FR_TRY(walk(folder, take_all, &s));
    FR_TRY(s.st);
    if (out->n == 0) return no_files(folder, endings);
    qsort(out->path, out->n, sizeof *out->path, compare_paths);
    return FR_OK;
}

static char *copy_span(fr_span span)
{
    char *copy = fr_alloc(span.length + 1, 1);
    if (copy != NULL) memcpy(copy, span.text, span.length);
    return copy;
}

/* Puts `label` first. Returns where it was. */
static size_t move_label(fr_strings *names)
{
    size_t at = 0;
    while (at < names->n && strcmp(names->item[at], "label") != 0) at++;
    if (at >= names->n) return 0;
    char *label = names->item[at];
    memmove(names->item + 1, names->item, at * sizeof *names->item);
    names->item[0] = label;
    return at;
}

/* Place of the pattern's i-th name when the label, which was at `label`, is first. */
static size_t moved(size_t i, size_t label)
{
    return i == label ? 0 : i < label ? i + 1 : i;
}

/* What the pattern finds in the paths, of which the first `skip` bytes are not looked at. */
static fr_status read_names(const char *pattern, size_t label, size_t skip, fr_media_list *list)
{
    const size_t cols = list->column.n;
    fr_span *span = fr_alloc(cols, sizeof *span);
    fr_status st = span == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; i < list->n && st == FR_OK; i++) {
        if (!fr_pattern_match(pattern, list->path[i] + skip, span)) continue;
        for (size_t c = 0; c < cols && st == FR_OK; c++) {
            char **value = &list->value[i * cols + moved(c, label)];
            *value = copy_span(span[c]);
            if (*value == NULL) st = FR_ERR_MEMORY;
        }
    }
    free(span);
    return st;
}

static fr_status find_by_name(const fr_data_options *options, const char *path, bool folder,
                              const char *const *endings, fr_media_list *out)
{
    const char *pattern = options->pattern != NULL ? options->pattern : FOLDERS_ARE_LABELS;
    FR_TRY(fr_pattern_names(pattern, &out->column));
    const size_t label = move_label(&out->column);
    FR_TRY(folder ? list_folder(path, endings, out) : add_file(out, fr_strdup(path)));
    size_t skip = folder ? strlen(path) : 0;
    while (folder && skip > 1 && path[skip - 1] == '/') skip--;
    return read_names(pattern, label, skip + folder, out);
}

/* ---- a list ---- */

/* Relative paths begin at the list's own folder. */
static char *path_beside(const char *list, const char *name)
{
    fr_text path = {0};
    const char *slash = strrchr(list, '/');
    if (name[0] != '/' && slash != NULL)
        fr_text_append(&path, list, (size_t)(slash - list) + 1);
    fr_text_append(&path, name, strlen(name));
    return path.data;
}

static fr_status add_row(const char *list, uint64_t line, char *const *cells, size_t file,
                         size_t label, fr_media_list *out)
{
    const size_t cols = out->column.n;
    struct stat about;
    char *path = path_beside(list, cells[file]);
    FR_TRY(add_file(out, path));
    const char *fault = cells[file][0] == '\0'    ? "it has no name"
                        : stat(path, &about) != 0 ? strerror(errno)
                        : !S_ISREG(about.st_mode) ? "it is no file"
                                                  : NULL;
    if (fault != NULL)
        return FR_FAIL(FR_ERR_DATA, "%s:%llu: file `%s` cannot be read: %s", list,
                       (unsigned long long)line, cells[file], fault);
    for (size_t c = 0; c <= cols; c++) {
        if (c == file || cells[c][0] == '\0') continue;
        char **value = &out->value[(out->n - 1) * cols + moved(c - (c > file), label)];
        if ((*value = fr_strdup(cells[c])) == NULL) return FR_ERR_MEMORY;
    }
    return FR_OK;
}

/* The column called `file`, and all others as side columns. */
static fr_status list_columns(const char *path, const fr_text_table *table, size_t *file,
                              size_t *label, fr_media_list *out)
{
    size_t n;
    char *const *names = fr_text_table_names(table, &n);
    for (*file = 0; *file < n && strcmp(names[*file], "file") != 0; ++*file) continue;
    if (*file == n)
        return FR_FAIL(FR_ERR_DATA,
                       "%s:1: a list of sounds or images needs a column `file`, and for what "
                       "is known of them others, such as `label`; the first of its %zu is `%s`",
                       path, n, names[0]);
    for (size_t c = 0; c < n; c++)
        if (c != *file) FR_TRY(fr_strings_add(&out->column, names[c]));
    *label = move_label(&out->column);
    return FR_OK;
}

static fr_status read_list(const char *path, fr_text_table *table, fr_media_list *out)
{
    size_t file = 0, label = 0;
    char **cells;
    uint64_t line;
    FR_TRY(list_columns(path, table, &file, &label, out));
    for (;;) {
        FR_TRY(fr_text_table_next(table, &cells, &line));
        if (cells == NULL) break;
        FR_TRY(add_row(path, line, cells, file, label, out));
    }
    return out->n > 0 ? FR_OK : FR_FAIL(FR_ERR_DATA, "%s: names no files", path);
}

fr_status fr_media_find(const fr_data_options *options, const char *path,
                        const char *const *endings, fr_media_list *out)
{
    struct stat about;
    *out = (fr_media_list){0};
    if (stat(path, &about) != 0)
        return FR_FAIL(FR_ERR_DATA, "%s: cannot be read: %s", path, strerror(errno));
    const bool folder = S_ISDIR(about.st_mode);
    if (folder || fr_media_ends_with(path, endings))
        return find_by_name(options, path, folder, endings, out);
    fr_text_table *table = NULL;
    FR_TRY(fr_text_table_open(path, &table));
    const fr_status st = read_list(path, table, out);
    fr_text_table_close(&table);
    return st;
}
