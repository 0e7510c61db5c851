/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - a study that is evaluated by a program's own function, and the groups of ranks
 * that evaluate a trial together. */
#ifndef FR_EMBED_INTERNAL_H
#define FR_EMBED_INTERNAL_H

#include "foldrank/objective.h"
#include "foldrank/schedule.h"
#include "foldrank/tune.h"

/* ---- group.c: ranks that evaluate a trial together ----
 *
 * Rank 0 of a group, its leader, takes part in the run and gets tasks; the others, its members,
 * wait for them. A leader's evaluating thread and the members' main threads talk on a
 * communicator of their own. */

/* What evaluates: one of the two. */
typedef struct {
    fr_tune_function *c;
    fr_tune_function_f *fortran;
    void *context;
} fr_embed_function;

typedef struct {
    MPI_Comm comm;    /* for the function */
    MPI_Comm channel; /* for us */
    int rank, size;
    fr_embed_function function;
    const fr_study *study; /* borrowed */
    double *point;         /* (study->space.n) of the task under way; owned */
} fr_embed_group;

/* Groups of `ranks` consecutive ranks; *in is false on a rank that is left over. Collective. */
FR_CHECKED fr_status fr_embed_group_create(MPI_Comm comm, int ranks, fr_embed_group *group,
                                           bool *in);
void fr_embed_group_clear(fr_embed_group *group); /* Collective over the group. */

/* The leader's side: the function as a plug-in whose state is the group. */
extern const fr_plugin fr_embed_plugin;

/* The members' side: evaluate until the leader says that it is over. */
FR_CHECKED fr_status fr_embed_serve(fr_embed_group *group);
FR_CHECKED fr_status fr_embed_dismiss(fr_embed_group *group); /* by the leader */

/* ---- trial.c: what the function sees ---- */

struct fr_tune_trial {
    const fr_embed_group *group;
    const fr_plugin_task *task; /* on a member its numbers and values only */
    bool *reported;             /* something was, in this trial */
};

/* Number of values[0..n) called `name`, its text; NaN and NULL when there is none. */
double fr_embed_number(const fr_plugin_value *values, size_t n, const char *name);
const char *fr_embed_text(const fr_plugin_value *values, size_t n, const char *name);

/* MPI_Bcast from rank 0 of the channel; `patient`: sleep while it takes long. */
FR_CHECKED fr_status fr_embed_broadcast(const fr_embed_group *group, void *bytes, size_t n,
                                        bool patient);

#endif
