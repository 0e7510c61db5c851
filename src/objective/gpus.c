/* SPDX-License-Identifier: BSD-3-Clause */
/* gpus.c - GPUs of a node dealt out to its ranks. The list is what a scheduler or a user has
 * put into CUDA_VISIBLE_DEVICES (or AMD's variables), else NVIDIA's device files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/text.h"
#include "internal.h"

static fr_status split_list(const char *list, fr_strings *out)
{
    for (const char *at = list; *at != '\0';) {
        const size_t length = strcspn(at, ",");
        char name[128];
        if (length > 0 && length < sizeof name) {
            snprintf(name, sizeof name, "%.*s", (int)length, at);
            FR_TRY(fr_strings_add(out, name));
        }
        at += length + (at[length] == ',');
    }
    return FR_OK;
}

static fr_status count_devices(fr_strings *out)
{
    size_t n = 0;
    DIR *dir = opendir("/dev");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        int64_t number;
        n += strncmp(entry->d_name, "nvidia", 6) == 0 &&
             fr_parse_int(entry->d_name + 6, &number);
    }
    if (dir != NULL) closedir(dir);
    for (size_t i = 0; i < n; i++) {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        FR_TRY(fr_strings_add(out, name));
    }
    return FR_OK;
}

static fr_status list_all(fr_strings *out)
{
    static const char *const variables[] = {"CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
                                            "ROCR_VISIBLE_DEVICES"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *list = getenv(variables[i]);
        if (list != NULL) return split_list(list, out);
    }
    return count_devices(out);
}

/* With --gpus-per-task each rank's list holds its own GPUs only. */
static bool are_own(void)
{
    return getenv("SLURM_GPUS_PER_TASK") != NULL;
}

fr_status fr_gpus_choose(const fr_objective_place *place, int64_t wanted, fr_strings *out)
{
    fr_strings all = {0};
    if (wanted == 0 || place->local_ranks == 0) return FR_OK;
    fr_status st = list_all(&all);
    const size_t n = (size_t)wanted, ranks = are_own() ? 1 : (size_t)place->local_ranks;
    const size_t first = are_own() ? 0 : n * (size_t)place->local_rank;
    if (st == FR_OK && all.n < n * ranks)
        st = FR_FAIL(FR_ERR_USAGE,
                     "resources.gpus: %zu for each of %zu rank%s on a node make %zu, and there "
                     "%s %zu (CUDA_VISIBLE_DEVICES, or /dev/nvidia*); start fewer ranks on a "
                     "node, or ask the scheduler for more GPUs",
                     n, ranks, ranks == 1 ? "" : "s", n * ranks, all.n == 1 ? "is" : "are",
                     all.n);
    for (size_t i = first; st == FR_OK && i < first + n; i++)
        st = fr_strings_add(out, all.item[i]);
    fr_strings_clear(&all);
    return st;
}
