/* SPDX-License-Identifier: BSD-3-Clause */
/* test_shared_data.c - one data set on all ranks: HDF5 files of several layouts, read by many,
 * give the bytes that one reader gets. Prints "ok NAME" or "not ok NAME" on rank 0. */
#include <hdf5.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "foldrank/schedule.h"

static int rank, failures;

static void report(const char *name, bool good)
{
    const int mine = good;
    int all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!good) printf("rank %d: %s: %s\n", rank, name, fr_status_message());
    if (rank == 0) printf("%s %s\n", all ? "ok" : "not ok", name);
    failures += !all;
}

typedef struct {
    const char *name;
    hsize_t rows, cols;
    hsize_t chunk; /* rows; 0 = contiguous */
    hid_t type;
} layout;

/* X and y, and one more column that stands beside them. */
static void write_file(const char *path, const layout *l)
{
    const hsize_t dims[2] = {l->rows, l->cols}, chunk[2] = {l->chunk, l->cols};
    short *x = malloc(l->rows * l->cols * sizeof *x);
    int *y = malloc(l->rows * sizeof *y);
    fr_rng rng = fr_rng_make(5, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < l->rows * l->cols; i++) x[i] = (short)fr_rng_below(&rng, 250);
    for (size_t i = 0; i < l->rows; i++) y[i] = (int)(i % 3);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), table = H5Screate_simple(2, dims, NULL),
          column = H5Screate_simple(1, dims, NULL);
    if (l->chunk > 0) {
        H5Pset_chunk(list, 2, chunk);
        H5Pset_deflate(list, 1);
    }
    hid_t sets[3] = {
        H5Dcreate2(file, "X", l->type, table, H5P_DEFAULT, list, H5P_DEFAULT),
        H5Dcreate2(file, "y", H5T_STD_I32LE, column, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Dcreate2(file, "w", H5T_STD_I32LE, column, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)};
    H5Dwrite(sets[0], H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    H5Dwrite(sets[1], H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, y);
    H5Dwrite(sets[2], H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, y);
    for (int i = 0; i < 3; i++) H5Dclose(sets[i]);
    H5Sclose(table);
    H5Sclose(column);
    H5Pclose(list);
    H5Fclose(file);
    free(x);
    free(y);
}

/* The whole block and the fingerprint, against those of one reader. */
static bool same_as_alone(const fr_data_options *options, const fr_dataset *shared)
{
    static const fr_test_options none = {0};
    fr_dataset alone = {0};
    void *block = NULL;
    bool same = fr_dataset_read(options, &none, &block, &alone) == FR_OK;
    const fr_schema *a = &alone.schema, *b = &shared->schema;
    same = same && a->rows == b->rows && a->cols == b->cols && a->cell == b->cell &&
           a->fingerprint == b->fingerprint && a->fingerprint != 0 &&
           memcmp(alone.x, shared->x, fr_schema_row_bytes(a) * a->rows) == 0 &&
           memcmp(alone.y, shared->y, a->rows * sizeof *alone.y) == 0 &&
           (a->has_weight == b->has_weight) &&
           (!a->has_weight ||
            memcmp(alone.weight, shared->weight, a->rows * sizeof *alone.weight) == 0);
    fr_dataset_clear(&alone);
    free(block);
    return same;
}

/* `elsewhere`: all ranks but root look for the file at a wrong place. */
static void check(const char *name, const char *path, char *weight, bool elsewhere)
{
    static const fr_test_options none = {0};
    fr_data_options options = {0}, mine;
    fr_source *source = NULL;
    fr_shared_data *data = NULL;
    bool good = fr_data_options_defaults(&options) == FR_OK;
    options.path = (char *)(uintptr_t)path;
    options.weight = weight;
    mine = options;
    if (elsewhere && rank > 0) mine.path = (char *)(uintptr_t) "/nowhere/at/all.h5";
    if (rank == 0) good = good && fr_source_open(&options, &none, &source) == FR_OK;
    good = good && fr_shared_data_create(MPI_COMM_WORLD, source, &mine, &data) == FR_OK;
    good = good && same_as_alone(&options, fr_shared_data_get(data));
    report(name, good);
    fr_shared_data_destroy(&data);
    fr_source_close(&source);
}

/* This process's share of the memory of all, in bytes; 0 when the kernel does not say. */
static double proportional_bytes(void)
{
    char line[256];
    double kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Pss: %lf", &kib) == 1) break;
    if (file != NULL) fclose(file);
    return kib * 1024;
}

static double sum_over_ranks(double mine)
{
    double sum = 0;
    MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return sum;
}

/* All ranks read all of it, and together they hold it once. */
static void check_memory(const char *path)
{
    static const fr_test_options none = {0};
    const layout large = {"large", 300000, 200, 0, H5T_STD_U8LE};
    const double bytes = (double)(large.rows * large.cols);
    fr_data_options options = {0};
    fr_source *source = NULL;
    fr_shared_data *data = NULL;
    unsigned sum = 0;
    bool good = fr_data_options_defaults(&options) == FR_OK;
    options.path = (char *)(uintptr_t)path;
    if (rank == 0) {
        write_file(path, &large);
        good = good && fr_source_open(&options, &none, &source) == FR_OK;
    }
    MPI_Barrier(MPI_COMM_WORLD);
    const double before = sum_over_ranks(proportional_bytes());
    good = good && fr_shared_data_create(MPI_COMM_WORLD, source, &options, &data) == FR_OK;
    const unsigned char *x = good ? fr_shared_data_get(data)->x : NULL;
    for (size_t i = 0; good && i < large.rows * large.cols; i++) sum += x[i];
    MPI_Barrier(MPI_COMM_WORLD);
    const double grown = sum_over_ranks(proportional_bytes()) - before;
    MPI_Barrier(MPI_COMM_WORLD);
    good = good && sum > 0 && (before <= 0 || grown < 1.3 * bytes);
    if (rank == 0)
        printf("# %.1f MiB of data take %.1f MiB\n", bytes / 1048576, grown / 1048576);
    report("held once", good);
    fr_shared_data_destroy(&data);
    fr_source_close(&source);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    fr_log_setup(rank, argc > 2 ? FR_LOG_DEBUG : FR_LOG_ERROR);
    const layout layouts[] = {
        {"bytes in a row", 70001, 20, 0, H5T_STD_U8LE},
        {"compressed chunks", 70001, 20, 1000, H5T_STD_U8LE},
        {"big-endian shorts, one chunk", 30000, 20, 30000, H5T_STD_I16BE},
        {"doubles, chunks of odd size", 20011, 31, 777, H5T_IEEE_F64LE},
        {"too few to share", 100, 20, 10, H5T_STD_U8LE},
        {"fewer chunks than readers", 3, 400000, 2, H5T_STD_U8LE},
    };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        if (rank == 0) write_file(argv[1], &layouts[i]);
        MPI_Barrier(MPI_COMM_WORLD);
        check(layouts[i].name, argv[1], NULL, false);
        if (i == 1) check("with a column beside the features", argv[1], (char[]){"w"}, false);
        if (i == 1) check("only root has the file", argv[1], NULL, true);
    }
    check_memory(argv[1]);
    MPI_Finalize();
    return failures > 0;
}
