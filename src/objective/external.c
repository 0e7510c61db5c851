/* SPDX-License-Identifier: BSD-3-Clause */
/* external.c - what tasks of commands and plug-ins have in common. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/directory.h"
#include "foldrank/memory.h"
#include "internal.h"

static fr_status join(const fr_strings *list, fr_text *out)
{
    for (size_t i = 0; i < list->n; i++)
        fr_text_add(out, "%s%s", i > 0 ? "," : "", list->item[i]);
    return out->failed ? FR_ERR_MEMORY : FR_OK;
}

/* Programs may change their directory. */
static fr_status make_absolute(const char *path, char **out)
{
    fr_text text = {0};
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    if (*path != '/' && here == NULL)
        return FR_FAIL(FR_ERR_IO, "cannot tell the working directory: %s", strerror(errno));
    fr_text_add(&text, "%s%s%s", here == NULL ? "" : here, here == NULL ? "" : "/", path);
    free(here);
    *out = text.data;
    return text.failed ? FR_ERR_MEMORY : FR_OK;
}

static fr_status fill(fr_external *x)
{
    const fr_study *study = x->study;
    fr_strings gpus = {0};
    fr_status st = fr_gpus_choose(&x->place, study->resources.gpus, &gpus);
    if (st == FR_OK) st = join(&gpus, &x->gpus);
    fr_strings_clear(&gpus);
    FR_TRY(st);
    FR_TRY(make_absolute(study->output, &x->output));
    if (study->objective.type != FR_OBJECTIVE_COMMAND) return fr_plugin_open(x, &x->plugin);
    return fr_command_parse(study->objective.run, study->objective.shell, &x->command);
}

fr_status fr_external_create(const fr_study *study, const fr_objective_place *place,
                             fr_external **out)
{
    *out = NULL;
    fr_external *x = fr_alloc(1, sizeof *x);
    if (x == NULL) return FR_ERR_MEMORY;
    *x = (fr_external){.study = study, .place = *place};
    const fr_status st = fill(x);
    if (st == FR_OK)
        *out = x;
    else
        fr_external_destroy(&x);
    return st;
}

void fr_external_destroy(fr_external **external)
{
    fr_external *x = *external;
    if (x == NULL) return;
    fr_plugin_close(&x->plugin);
    fr_command_clear(&x->command);
    fr_text_clear(&x->gpus);
    free(x->output);
    free(x);
    *external = NULL;
}

uint32_t fr_external_seed(const fr_external *x, const fr_task *task)
{
    fr_rng rng =
        fr_rng_make((uint64_t)x->study->search.seed, FR_RNG_TASK, task->trial, task->fold, 0);
    return fr_rng_u32(&rng) >> 1;
}

fr_status fr_external_directory(const fr_external *x, const fr_task *task, fr_text *out)
{
    fr_text_add(out, "%s/trials/%06llu/fold%u", x->output, (unsigned long long)task->trial,
                (unsigned)task->fold);
    return out->failed ? FR_ERR_MEMORY : fr_make_dir(fr_text_get(out));
}
