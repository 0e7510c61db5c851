/* SPDX-License-Identifier: BSD-3-Clause */
/* test_results.c - results.h5: everything comes back exactly, the same history gives the same
 * bytes, and no file, however broken or hostile, does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../../src/store/internal.h"
#include "foldrank/clock.h"
#include "foldrank/export.h"
#include "store_fixture.h"

enum { N_COLS = 5, N_CLASSES = 3, N_ROWS = 7 };

static fr_study *study;

/* HDF5 1.10 itself loses memory when a header's checksum is wrong. */
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

static char **copy_texts(const char *const *texts, size_t n)
{
    char **copy = fr_alloc(n, sizeof *copy);
    for (size_t i = 0; i < n; i++) copy[i] = fr_strdup(texts[i]);
    return copy;
}

/* A numeric, a one-hot, an ordinal, a dropped and an empty column into an MLP 5-5-3. */
static fr_model make_model(void)
{
    static const char *const names[N_COLS] = {"age", "colour", "size", "id,\"x\"", "empty"};
    static const char *const colours[] = {"blue", "gr\xc3\xbcn", "red"};
    static const char *const sizes[] = {"l", "m"};
    static const char *const classes[] = {"no", "perhaps", "yes"};
    fr_model m = {.options = {.family = FR_FAMILY_MLP}, .n_outputs = N_CLASSES};
    size_t n_options = 0;
    const fr_option *table = fr_model_option_table(FR_FAMILY_MLP, &n_options);
    assert_int_equal(fr_option_defaults(table, n_options, &m.options), FR_OK);
    m.options.hidden = (fr_ints){.value = {5, 3}, .n = 2};
    m.options.activation = FR_ACT_TANH;
    m.options.dropout = 0.1 + 0.2;
    m.schema = (fr_schema){.cols = N_COLS,
                           .columns = fr_alloc(N_COLS, sizeof *m.schema.columns),
                           .learn = FR_LEARN_CLASSIFICATION,
                           .target_name = fr_strdup("answer"),
                           .classes = copy_texts(classes, N_CLASSES),
                           .n_classes = N_CLASSES,
                           .has_target = true};
    for (size_t c = 0; c < N_COLS; c++) m.schema.columns[c].name = fr_strdup(names[c]);
    m.schema.columns[1].kind = m.schema.columns[2].kind = FR_COLUMN_CATEGORICAL;
    m.schema.columns[4].kind = FR_COLUMN_CATEGORICAL;
    m.schema.columns[1].levels = copy_texts(colours, 3);
    m.schema.columns[1].n_levels = 3;
    m.schema.columns[2].levels = copy_texts(sizes, 2);
    m.schema.columns[2].n_levels = 2;
    fr_feature *f = fr_alloc(N_COLS, sizeof *f);
    f[0] = (fr_feature){.kind = FR_FEATURE_NUMERIC,
                        .first = 0,
                        .width = 1,
                        .fill = 30.5f,
                        .shift = 31.25f,
                        .factor = 1.0f / 3};
    f[1] = (fr_feature){.kind = FR_FEATURE_ONEHOT,
                        .first = 1,
                        .width = 2,
                        .n_place = 3,
                        .place = fr_alloc(3, sizeof(int32_t))};
    f[1].fill = 2;
    f[1].place[0] = 0;
    f[1].place[1] = -1;
    f[1].place[2] = 1;
    f[2] = (fr_feature){.kind = FR_FEATURE_ORDINAL, .first = 3, .width = 1, .factor = 2};
    f[3] = (fr_feature){.kind = FR_FEATURE_DROP, .first = 4};
    f[4] = (fr_feature){.kind = FR_FEATURE_DROP, .first = 4};
    m.transform = (fr_transform){.features = f, .cols = N_COLS, .width = 4, .target_factor = 1};
    fr_pack bytes = {0};
    fr_transform_pack(&m.transform, &bytes);
    fr_transform_clear(&m.transform);
    fr_unpack in = fr_unpack_make(bytes.data, bytes.size);
    assert_int_equal(fr_transform_unpack(&in, &m.transform), FR_OK);
    fr_pack_clear(&bytes);
    m.n_params = fr_model_count_params(&m.options, 4, N_CLASSES);
    m.params = fr_alloc(m.n_params, sizeof *m.params);
    fr_rng rng = fr_rng_make(5, FR_RNG_INIT, 0, 0, 0);
    for (size_t i = 0; i < m.n_params; i++) m.params[i] = (float)fr_rng_normal(&rng);
    return m;
}

static void assert_same_model(const fr_model *a, const fr_model *b)
{
    size_t n = 0;
    const fr_option *table = fr_model_option_table((fr_family)a->options.family, &n);
    assert_int_equal(a->options.family, b->options.family);
    for (size_t i = 0; i < n; i++) {
        fr_text x = {0}, y = {0};
        fr_option_format(&table[i], &a->options, &x);
        fr_option_format(&table[i], &b->options, &y);
        assert_string_equal(x.data, y.data);
        fr_text_clear(&x);
        fr_text_clear(&y);
    }
    assert_int_equal(a->n_outputs, b->n_outputs);
    assert_int_equal(a->n_params, b->n_params);
    assert_memory_equal(a->params, b->params, a->n_params * sizeof *a->params);
    assert_int_equal(a->schema.learn, b->schema.learn);
    assert_string_equal(a->schema.target_name, b->schema.target_name);
    assert_int_equal(a->schema.n_classes, b->schema.n_classes);
    for (size_t c = 0; c < a->schema.n_classes; c++)
        assert_string_equal(a->schema.classes[c], b->schema.classes[c]);
    assert_int_equal(a->schema.cols, b->schema.cols);
    assert_int_equal(a->transform.cols, b->transform.cols);
    assert_int_equal(a->transform.width, b->transform.width);
    assert_same_bits(a->transform.target_shift, b->transform.target_shift);
    assert_same_bits(a->transform.target_factor, b->transform.target_factor);
    for (size_t c = 0; c < a->schema.cols; c++) {
        const fr_column *x = &a->schema.columns[c], *y = &b->schema.columns[c];
        const fr_feature *f = &a->transform.features[c], *g = &b->transform.features[c];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->n_levels, y->n_levels);
        for (size_t l = 0; l < x->n_levels; l++)
            assert_string_equal(x->levels[l], y->levels[l]);
        assert_int_equal(f->kind, g->kind);
        assert_int_equal(f->width, g->width);
        assert_int_equal(f->n_place, g->n_place);
        assert_memory_equal(&f->fill, &g->fill, 3 * sizeof f->fill);
        for (size_t l = 0; l < f->n_place; l++) assert_int_equal(f->place[l], g->place[l]);
    }
}

/* Both models say the same, to the bit, on rows with missing cells. */
static void assert_same_predictions(const fr_model *a, const fr_model *b)
{
    float x[N_ROWS * N_COLS], out[2][N_ROWS * N_CLASSES];
    uint32_t rows[N_ROWS];
    for (size_t i = 0; i < N_ROWS; i++) {
        rows[i] = (uint32_t)i;
        x[i * N_COLS] = i == 3 ? NAN : 20.0f + (float)i;
        x[i * N_COLS + 1] = i == 4 ? NAN : (float)(i % 3);
        x[i * N_COLS + 2] = (float)(i % 2);
        x[i * N_COLS + 3] = 7;
        x[i * N_COLS + 4] = NAN;
    }
    const fr_model *models[] = {a, b};
    for (int m = 0; m < 2; m++) {
        fr_dataset data = {.schema = models[m]->schema, .x = x};
        data.schema.rows = N_ROWS;
        data.schema.cell = FR_CELL_F32;
        assert_int_equal(fr_model_predict(models[m], &data, rows, N_ROWS, out[m]), FR_OK);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
}

static const uint64_t ranking[] = {6, 0, 1};
static const double p_values[] = {1.0, 0.25, NAN};

static fr_results make_results(const fr_history *history)
{
    return (fr_results){.study = study,
                        .history = history,
                        .test_score = NAN,
                        .command = "foldrank run fixture.yaml",
                        .created = 1.7e9};
}

static void write_results(const fr_results *results)
{
    const fr_status st = fr_results_write(fixture_dir, results);
    if (st != FR_OK) fail_msg("%s", fr_status_message());
}

static fr_results_file *open_results(void)
{
    fr_results_file *file = NULL;
    const fr_status st = fr_results_open(fixture_dir, true, &file);
    if (st != FR_OK) fail_msg("%s", fr_status_message());
    return file;
}

static void test_everything_comes_back(void **state)
{
    (void)state;
    fr_history *history = fixture_history(study, 57);
    fr_model model = make_model();
    const fr_rank_record ranks[] = {{"node1", 4, 10.5, 0.25, 90, 1e12},
                                    {"node2", 4, 9.5, 1.25, 81, 9e11},
                                    {"node1", 4, 9.0, 1.75, 81, 9e11}};
    fr_selection selection = {.chosen = 6,
                              .n_ranking = 3,
                              .ranking = (uint64_t *)(uintptr_t)ranking,
                              .p_value = (double *)(uintptr_t)p_values};
    fr_results results = make_results(history);
    results.selection = &selection;
    results.model = &model;
    results.test_score = 0.1 + 0.2;
    results.ranks = ranks;
    results.n_ranks = 3;
    uint32_t test_row[] = {3, 70};
    float test_target[] = {1, 2}, test_output[] = {0.25f, 0.5f, 0.25f, 0.125f, 0, 0.875f};
    const fr_scored test = {2, test_row, test_target, test_output};
    results.test = &test;
    results.data_fingerprint = UINT64_C(0x123456789abcdef0);
    results.rows = 90;
    results.test_rows = 2;
    results.valid_share = 0.5;
    write_results(&results);

    fr_results_file *file = open_results();
    assert_same_history(history, file->history);
    assert_int_equal(file->test.n, 2);
    assert_memory_equal(file->test.row, test_row, sizeof test_row);
    assert_memory_equal(file->test.target, test_target, sizeof test_target);
    assert_memory_equal(file->test.output, test_output, sizeof test_output);
    assert_true(file->data_fingerprint == results.data_fingerprint && file->rows == 90);
    assert_true(file->test_rows == 2 && file->valid_share == 0.5);
    assert_true(file->git[0] != '\0' && file->hdf5[0] != '\0' && file->kernels[0] != '\0');
    assert_string_equal(file->hosts, "node1 node2");
    assert_int_equal(file->study->fingerprint, study->fingerprint);
    assert_string_equal(file->study->text, study->text);
    assert_string_equal(file->command, results.command);
    assert_string_equal(file->created, "2023-11-14T22:13:20Z");
    assert_true(file->has_selection && file->has_model);
    assert_int_equal(file->selection.chosen, 6);
    assert_int_equal(file->selection.n_ranking, 3);
    assert_memory_equal(file->selection.ranking, ranking, sizeof ranking);
    assert_memory_equal(file->selection.p_value, p_values, sizeof p_values);
    assert_null(file->selection.win_share);
    assert_same_bits(file->test_score, 0.1 + 0.2);
    assert_int_equal(file->n_ranks, 3);
    assert_memory_equal(file->ranks, ranks, sizeof ranks);
    assert_same_model(&model, &file->model);
    assert_same_predictions(&model, &file->model);
    fr_results_close(&file);
    assert_null(file);
    fr_model_clear(&model);
    fr_history_destroy(&history);
}

static void test_empty_and_small(void **state)
{
    (void)state;
    for (size_t n = 0; n < 4; n++) {
        fr_history *history = fixture_history(study, n);
        fr_results results = make_results(history);
        results.n_ranks = 2; /* a snapshot while running: their number, but no records */
        write_results(&results);
        fr_results_file *file = open_results();
        assert_same_history(history, file->history);
        assert_true(!file->has_selection && !file->has_model && file->n_ranks == 0);
        assert_true(isnan(file->test_score));
        fr_results_close(&file);
        fr_history_destroy(&history);
    }
}

/* Order of arrival must not show. */
static void test_same_history_same_bytes(void **state)
{
    (void)state;
    size_t size[2];
    unsigned char *bytes[2];
    for (int i = 0; i < 2; i++) {
        fr_history *history = NULL;
        assert_int_equal(fr_history_create(&study->space, FIXTURE_FOLDS, true, &history),
                         FR_OK);
        for (size_t t = 0; t < 40; t++) fixture_add_trial(history);
        for (uint64_t k = 0; k < 40 * FIXTURE_FOLDS; k++) {
            const uint64_t slot = i == 0 ? k : 40 * FIXTURE_FOLDS - 1 - k;
            fr_fold_result r =
                fixture_fold(slot / FIXTURE_FOLDS, (uint32_t)(slot % FIXTURE_FOLDS));
            assert_int_equal(fr_history_add_fold(history, &r), FR_OK);
        }
        fr_results results = make_results(history);
        write_results(&results);
        bytes[i] = fixture_read("results.h5", &size[i]);
        fr_history_destroy(&history);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void test_long_messages_are_cut_between_characters(void **state)
{
    (void)state;
    fr_history *history = fixture_history(study, 1);
    fixture_add_trial(history);
    fr_fold_result r = {.trial = 1, .state = FR_TRIAL_FAILED, .message = fr_alloc(3000, 1)};
    for (size_t i = 0; i < 2998; i += 2) memcpy(r.message + 1 + i, "\xc3\xa4", 2);
    r.message[0] = 'x';
    assert_int_equal(fr_history_add_fold(history, &r), FR_OK);
    fr_results results = make_results(history);
    write_results(&results);
    fr_results_file *file = open_results();
    const char *message = file->history->trials[1].folds[0]->message;
    assert_int_equal(strlen(message), FR_STORE_MESSAGE_MAX - 1);
    assert_memory_equal(message + strlen(message) - 2, "\xc3\xa4", 2);
    fr_results_close(&file);
    fr_history_destroy(&history);
}

static void test_100000_trials(void **state)
{
    (void)state;
    fr_history *history = fixture_history(study, 100000);
    fr_results results = make_results(history);
    struct stat info;
    double start = fr_clock_now();
    write_results(&results);
    const double written = fr_clock_now() - start;
    start = fr_clock_now();
    fr_results_file *file = open_results();
    const double read = fr_clock_now() - start;
    assert_int_equal(stat(fixture_path("results.h5"), &info), 0);
    print_message("100000 trials, 3 folds: write %.2f s, read %.2f s, %.1f MB\n", written, read,
                  1e-6 * (double)info.st_size);
    assert_true(written < 60); /* a few seconds; the rest for sanitizers and busy machines */
    assert_same_history(history, file->history);
    fr_results_close(&file);
    fr_history_destroy(&history);
}

static void write_full_file(void)
{
    fr_history *history = fixture_history(study, 12);
    fr_model model = make_model();
    const fr_rank_record rank = {"node1", 4, 10.5, 0.25, 90, 1e12};
    fr_selection selection = {.chosen = 6,
                              .n_ranking = 3,
                              .ranking = (uint64_t *)(uintptr_t)ranking,
                              .p_value = (double *)(uintptr_t)p_values};
    fr_results results = make_results(history);
    results.selection = &selection;
    results.model = &model;
    results.ranks = &rank;
    results.n_ranks = 1;
    uint32_t test_row[] = {3, 70, 71};
    float test_target[] = {1, 2, 0};
    float test_output[] = {0.25f, 0.5f, 0.25f, 0.125f, 0, 0.875f, 0.25f, 0.5f, 0.25f};
    results.test = &(fr_scored){3, test_row, test_target, test_output};
    if (study->n_goals > 1)
        assert_int_equal(fr_fronts_find(history, NULL, NULL, 0, &selection.fronts), FR_OK);
    write_results(&results);
    fr_fronts_clear(&selection.fronts);
    fr_model_clear(&model);
    fr_history_destroy(&history);
}

static void test_failed_write_keeps_the_old_file(void **state)
{
    (void)state;
    struct rlimit limit;
    size_t before, after;
    write_full_file();
    unsigned char *old = fixture_read("results.h5", &before);
    fr_history *history = fixture_history(study, 20);
    fr_results results = make_results(history);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t unlimited = limit.rlim_cur;
    limit.rlim_cur = 5000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(fr_results_write(fixture_dir, &results), FR_ERR_IO);
    limit.rlim_cur = unlimited;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_non_null(strstr(fr_status_message(), "results.h5"));
    assert_int_equal(access(fixture_path("results.h5.tmp"), F_OK), -1);
    unsigned char *now = fixture_read("results.h5", &after);
    assert_int_equal(before, after);
    assert_memory_equal(old, now, after);
    assert_int_equal(fr_results_write(fixture_path("nowhere"), &results), FR_ERR_IO);
    free(old);
    free(now);
    fr_history_destroy(&history);
}

/* Opens or refuses; both without harm. What opens has been checked. */
/* Whatever opens can be exported, or is refused with a sentence. */
static void export_all(const fr_results_file *file)
{
    void *bytes = NULL;
    size_t n = 0;
    fr_text source = {0}, card = {0};
    const fr_status st[] = {fr_export_onnx(file, NULL, FR_INPUTS_AUTO, &bytes, &n),
                            fr_export_c(file, NULL, &source),
                            fr_export_card(file, NULL, &card)};
    for (size_t i = 0; i < sizeof st / sizeof *st; i++)
        assert_true(st[i] == FR_OK || st[i] == FR_ERR_FORMAT || st[i] == FR_ERR_STATE);
    assert_int_equal(st[0] == FR_OK, bytes != NULL);
    free(bytes);
    fr_text_clear(&source);
    fr_text_clear(&card);
}

static fr_status try_open(void)
{
    fr_results_file *file = NULL;
    const fr_status st = fr_results_open(fixture_dir, true, &file);
    assert_int_equal(st == FR_OK, file != NULL);
    if (st != FR_OK) assert_true(fr_status_message()[0] != '\0');
    if (st == FR_OK && file->has_model) {
        fr_model model = make_model();
        assert_same_predictions(&file->model, &file->model);
        fr_model_clear(&model);
        export_all(file);
    }
    fr_results_close(&file);
    return st;
}

static void test_not_ours(void **state)
{
    (void)state;
    fr_results_file *file = NULL;
    assert_int_equal(fr_results_open(fixture_path("nothing"), false, &file), FR_ERR_DATA);
    assert_int_equal(try_open(), FR_ERR_DATA); /* a directory without results.h5 */
    fixture_write("results.h5", "trial,score\n1,2\n", 16);
    assert_int_equal(try_open(), FR_ERR_DATA);
    fixture_write("results.h5", "", 0);
    assert_int_equal(try_open(), FR_ERR_DATA);
    const hid_t other =
        H5Fcreate(fixture_path("results.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(other);
    assert_int_equal(try_open(), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "not written by foldrank"));
}

static hid_t open_to_change(void)
{
    const hid_t file = H5Fopen(fixture_path("results.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static void test_newer_format(void **state)
{
    (void)state;
    write_full_file();
    const hid_t file = open_to_change();
    const hid_t attribute = H5Aopen(file, "format", H5P_DEFAULT);
    const uint32_t two = 2;
    assert_true(H5Awrite(attribute, H5T_NATIVE_UINT32, &two) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    assert_int_equal(try_open(), FR_ERR_FORMAT);
    assert_non_null(strstr(fr_status_message(), "format 2"));
}

/* Paths of all data sets of the file. */
typedef struct {
    char path[128][128];
    size_t n;
} set_list;

static herr_t add_set(hid_t object, const char *name, const H5O_info_t *info, void *context)
{
    set_list *list = context;
    (void)object;
    if (info->type != H5O_TYPE_DATASET) return 0;
    assert_true(list->n < 128);
    snprintf(list->path[list->n++], sizeof list->path[0], "/%s", name);
    return 0;
}

/* What the reader can do without. */
static bool is_optional(const char *path)
{
    static const char *const paths[] = {"/study/space/kind",
                                        "/study/space/low",
                                        "/study/space/high",
                                        "/study/space/step",
                                        "/study/space/choices",
                                        "/study/space/condition",
                                        "/trials/message",
                                        "/selection/p_value",
                                        "/model/inputs",
                                        "/selection/rule",
                                        "/trials/folds_cancelled",
                                        "/study/objectives/name",
                                        "/study/objectives/direction"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(path, paths[i]) == 0) return true;
    return false;
}

static bool is_of_goals(const char *path)
{
    static const char *const places[] = {"/scores",
                                         "/test_scores/",
                                         "/selection/front",
                                         "/selection/pareto_rank",
                                         "/selection/hypervolume",
                                         "/selection/reference"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strstr(path, places[i]) != NULL) return true;
    return false;
}

/* Ways to spoil a data set. */
enum {
    REMOVE,
    SOFT_LINK,
    EXTERNAL_LINK,
    LONGER,
    HUGE,
    OTHER_TYPE,
    OTHER_GROUP,
    VARIABLE,
    N_WAYS
};

static void put_set(hid_t file, const char *path, hid_t type, int rank, const hsize_t *extent,
                    bool chunked)
{
    const hsize_t chunk[2] = {1000, 1};
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space =
        rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, extent, NULL);
    if (chunked) {
        H5Pset_chunk(create, rank, chunk);
        H5Pset_deflate(create, 9);
    }
    const hid_t set = H5Dcreate2(file, path, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(create);
}

static void spoil(const char *path, int way)
{
    const hid_t file = open_to_change();
    const hid_t set = H5Dopen2(file, path, H5P_DEFAULT);
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    hsize_t extent[2] = {1, 1};
    const int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    const hid_t variable = H5Tcopy(H5T_C_S1);
    H5Tset_size(variable, H5T_VARIABLE);
    H5Sclose(space);
    H5Dclose(set);
    if (way == SOFT_LINK) {
        H5Lmove(file, path, file, "/moved", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_soft("/moved", file, path, H5P_DEFAULT, H5P_DEFAULT);
    } else {
        assert_true(H5Ldelete(file, path, H5P_DEFAULT) >= 0);
    }
    if (way == EXTERNAL_LINK)
        H5Lcreate_external("/dev/zero", path, file, path, H5P_DEFAULT, H5P_DEFAULT);
    if (way == LONGER || way == HUGE) {
        extent[0] = way == HUGE ? (hsize_t)4000000000 : extent[0] + 1;
        put_set(file, path, type, rank > 0 ? rank : 1, extent, way == HUGE);
    }
    if (way == OTHER_TYPE)
        put_set(file, path, H5Tget_class(type) == H5T_FLOAT ? H5T_STD_I64LE : H5T_IEEE_F64LE,
                rank, extent, false);
    if (way == OTHER_GROUP)
        H5Gclose(H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    if (way == VARIABLE) put_set(file, path, variable, rank, extent, false);
    H5Tclose(variable);
    H5Tclose(type);
    H5Fclose(file);
}

/* All data sets, or only those that plain studies do not have. */
static void spoil_every_set(bool goals_only)
{
    size_t size, tried = 0;
    set_list list = {.n = 0};
    write_full_file();
    unsigned char *good = fixture_read("results.h5", &size);
    const hid_t file = open_to_change();
    assert_true(H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, add_set, &list) >= 0);
    H5Fclose(file);
    assert_true(list.n > 60);
    for (size_t i = 0; i < list.n; i++) {
        const char *path = list.path[i];
        if (goals_only && !is_of_goals(path)) continue;
        tried++;
        for (int way = REMOVE; way < N_WAYS; way++) {
            fixture_write("results.h5", good, size);
            spoil(path, way);
            const fr_status st = try_open();
            if (is_optional(path)) continue;
            if (st != FR_ERR_FORMAT)
                fail_msg("%s spoiled in way %d: %s", path, way, fr_status_word(st));
        }
    }
    assert_true(tried > 10);
    free(good);
}

static void test_every_set_missing_or_spoiled(void **state)
{
    (void)state;
    spoil_every_set(false);
    fr_study *plain = study;
    study = fixture_study("metric=[accuracy, log_loss, parameters]");
    spoil_every_set(true);
    fr_study_destroy(&study);
    study = plain;
    struct rusage usage; /* sets that claim 4e9 rows have cost nothing */
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_true(usage.ru_maxrss < 1 << 20); /* [KiB] */
}

/* One value of a column replaced by another that has the right type. */
static fr_status change_value(const char *path, hid_t type, size_t row, const void *value)
{
    const hid_t file = open_to_change();
    const hid_t set = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(set);
    const hsize_t start = row, one = 1;
    const hid_t single = H5Screate_simple(1, &one, NULL);
    if (H5Sget_simple_extent_ndims(space) == 1)
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &one, NULL);
    assert_true(H5Dwrite(set, type, single, space, H5P_DEFAULT, value) >= 0);
    H5Sclose(single);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(file);
    return try_open();
}

static void test_values_that_do_not_fit(void **state)
{
    (void)state;
    size_t size;
    const uint32_t large = 4000000000u, zero = 0, two = 2;
    const uint64_t far = UINT64_MAX;
    const int32_t minus = -2;
    const double nan = NAN, half = 0.5, large_class = N_CLASSES;
    const struct {
        const char *path;
        hid_t type;
        const void *value;
    } cases[] = {
        {"/trials/id", H5T_NATIVE_UINT64, &far},
        {"/trials/score_mean", H5T_NATIVE_DOUBLE, &half},
        {"/trials/folds_done", H5T_NATIVE_UINT32, &zero},
        {"/trials/params/learning_rate", H5T_NATIVE_DOUBLE, &nan},
        {"/trials/params/epochs", H5T_NATIVE_DOUBLE, &half},
        {"/folds/trial", H5T_NATIVE_UINT64, &far},
        {"/folds/fold", H5T_NATIVE_UINT32, &large},
        {"/folds/fold", H5T_NATIVE_UINT32, &two},
        {"/curves/trial", H5T_NATIVE_UINT64, &far},
        {"/curves/epoch", H5T_NATIVE_UINT32, &large},
        {"/selection/chosen", H5T_NATIVE_UINT64, &far},
        {"/selection/ranking", H5T_NATIVE_UINT64, &far},
        {"/model/outputs", H5T_NATIVE_UINT32, &large},
        {"/model/outputs", H5T_NATIVE_UINT32, &zero},
        {"/model/features/levels", H5T_NATIVE_UINT32, &large},
        {"/model/features/levels", H5T_NATIVE_UINT32, &two},
        {"/model/levels/feature", H5T_NATIVE_UINT32, &large},
        {"/model/preprocessing/first", H5T_NATIVE_UINT32, &large},
        {"/model/preprocessing/width", H5T_NATIVE_UINT32, &large},
        {"/model/preprocessing/width", H5T_NATIVE_UINT32, &zero},
        {"/model/preprocessing/places", H5T_NATIVE_UINT32, &large},
        {"/model/preprocessing/place", H5T_NATIVE_INT32, &minus},
        {"/model/preprocessing/target_factor", H5T_NATIVE_DOUBLE, &nan},
        {"/test/target", H5T_NATIVE_DOUBLE, &half},
        {"/test/target", H5T_NATIVE_DOUBLE, &large_class},
        {"/test/target", H5T_NATIVE_DOUBLE, &nan},
    };
    write_full_file();
    unsigned char *good = fixture_read("results.h5", &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_write("results.h5", good, size);
        const hid_t file = open_to_change();
        const bool there = H5Lexists(file, cases[i].path, H5P_DEFAULT) > 0;
        H5Fclose(file);
        if (!there) fail_msg("%s is not in the file", cases[i].path);
        const fr_status st = change_value(cases[i].path, cases[i].type, 0, cases[i].value);
        if (st != FR_ERR_FORMAT)
            fail_msg("case %zu, %s: %s", i, cases[i].path, fr_status_word(st));
    }
    free(good);
}

/* Everything but raw data is under HDF5's own checksums; in between is noise of all kinds. */
static void test_flips_and_cuts(void **state)
{
    (void)state;
    size_t size;
    write_full_file();
    unsigned char *bytes = fixture_read("results.h5", &size);
    const size_t step = getenv("FR_FUZZ") != NULL ? 1 : 97;
    size_t refused = 0, tried = 0;
    for (size_t at = 0; at < size; at += step) {
        const unsigned char was = bytes[at];
        bytes[at] = (unsigned char)(at / step % 2 == 0 ? was ^ 0xff : was ^ (1u << at % 8));
        fixture_write("results.h5", bytes, size);
        bytes[at] = was;
        refused += try_open() != FR_OK;
        tried++;
    }
    assert_true(refused > tried / 10);
    for (size_t cut = 0; cut < size; cut += step * 7) {
        fixture_write("results.h5", bytes, cut);
        assert_int_not_equal(try_open(), FR_OK);
    }
    free(bytes);
}

static void test_hdf5_prints_nothing(void **state)
{
    (void)state;
    H5E_auto2_t before, after;
    void *context;
    fflush(stderr);
    const int kept = dup(STDERR_FILENO);
    const int capture = open(fixture_path("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(kept >= 0 && capture >= 0);
    H5Eget_auto2(H5E_DEFAULT, &before, &context);
    dup2(capture, STDERR_FILENO);
    fixture_write("results.h5", "\x89HDF\r\n\x1a\n and then nothing", 25);
    const fr_status st = try_open();
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_int_equal(st, FR_ERR_DATA);
    assert_int_equal(lseek(capture, 0, SEEK_END), 0);
    close(capture);
    H5Eget_auto2(H5E_DEFAULT, &after, &context);
    assert_true(before == after);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_every_set_missing_or_spoiled), /* first: it looks at the process's memory */
        T(test_everything_comes_back),
        T(test_empty_and_small),
        T(test_same_history_same_bytes),
        T(test_long_messages_are_cut_between_characters),
        T(test_100000_trials),
        T(test_failed_write_keeps_the_old_file),
        T(test_not_ours),
        T(test_newer_format),
        T(test_values_that_do_not_fit),
        T(test_flips_and_cuts),
        T(test_hdf5_prints_nothing),
    };
#undef T
    fr_results_quiet_exit();
    study = fixture_study(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fr_study_destroy(&study);
    return failed;
}
