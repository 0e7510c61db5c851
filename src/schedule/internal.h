/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - the parts of a run: compute thread, messages, the two sides of the protocol.
 *
 * Protocol, on a communicator of its own; every message is packed bytes:
 *   TASKS    root -> rank   work, to be done in order
 *   RESULTS  rank -> root   finished folds; tells root that the rank wants more
 *   NOTICE   rank -> root   a signal came or something failed: status, sentence
 *   CALL     rank -> root   its fit wants a kernel matrix of all ranks
 *   SERVE    root -> rank   take part in a computation of all ranks: whose, service.c
 *   EXPLAIN  root -> rank   explain a fold of the chosen trial, explaining.c
 *   EXPLAINED rank -> root  what came of it
 *   STOP     root -> rank   the end: status, sentence. Not FR_OK: give up what is running
 *   DONE     rank -> root   the answer to STOP: last folds, the rank's record
 * After DONE a rank sends nothing more, and root ends after the last DONE. */
#ifndef FR_SCHEDULE_INTERNAL_H
#define FR_SCHEDULE_INTERNAL_H

#include "foldrank/coordinator.h"
#include "foldrank/objective.h"
#include "foldrank/pack.h"
#include "foldrank/schedule.h"
#include "group.h"

enum { FR_TASKS_MAX = 1024 }; /* in one message */

typedef enum {
    FR_TAG_TASKS = 1,
    FR_TAG_RESULTS,
    FR_TAG_NOTICE,
    FR_TAG_STOP,
    FR_TAG_DONE,
    FR_TAG_SERVE,
    FR_TAG_EXPLAIN,
    FR_TAG_EXPLAINED,
    FR_TAG_CALL,
    FR_TAG_MEMBER,
    FR_TAG_MEMBER_DONE,
} fr_tag;

/* ---- parcel.c: work on its way ---- */

typedef struct fr_parcel fr_parcel;
struct fr_parcel {
    fr_parcel *next;
    size_t n, n_params;
    fr_assignment *tasks; /* (n) */
    double *points;       /* (n, n_params) */
    fr_rung **rungs;      /* (n) cutoffs of each task, owned; NULL where there are none */
    size_t *n_rungs;      /* (n) */
};

/* Zeroed; NULL when memory is short. Local. */
fr_parcel *fr_parcel_create(size_t n, size_t n_params);
void fr_parcel_destroy(fr_parcel **parcel);

/* A point travels once for all consecutive folds of its trial. Local. */
void fr_parcel_pack(const fr_parcel *parcel, fr_pack *out);
FR_CHECKED fr_status fr_parcel_unpack(fr_unpack *in, size_t n_params, fr_parcel **out);

typedef struct {
    fr_fold_result *items;
    size_t n, capacity;
} fr_results_list;

FR_CHECKED fr_status fr_results_list_add(fr_results_list *list, fr_fold_result *result);
void fr_results_list_clear(fr_results_list *list);
void fr_results_list_pack(const fr_results_list *list, fr_pack *out);
FR_CHECKED fr_status fr_results_list_unpack(fr_unpack *in, fr_results_list *out);

void fr_rank_record_pack(const fr_rank_record *record, fr_pack *out);
void fr_rank_record_unpack(fr_unpack *in, fr_rank_record *out);

/* ---- mail.c: messages that never block the sender ---- */

typedef struct {
    MPI_Comm comm; /* borrowed */
    struct {
        MPI_Request request;
        unsigned char *bytes;
    } * sent; /* still on their way */
    size_t n_sent, capacity;
} fr_mail;

/* Takes over the pack's bytes, also on failure. Local. */
FR_CHECKED fr_status fr_mail_send(fr_mail *mail, int rank, fr_tag tag, fr_pack *pack);

/* Release what has arrived; with `all`, wait until everything has. Local. */
FR_CHECKED fr_status fr_mail_settle(fr_mail *mail, bool all);

/* The next message that is there, if any: *tag = 0 when none is. *bytes is the caller's (free).
 * Local. */
FR_CHECKED fr_status fr_mail_take(fr_mail *mail, int *rank, int *tag, unsigned char **bytes,
                                  size_t *size);

/* ---- desk.c: kernel matrices for the compute thread ---- */

typedef struct fr_desk fr_desk;
typedef struct fr_run_state fr_run_state;

FR_CHECKED fr_status fr_desk_create(fr_desk **out);
void fr_desk_destroy(fr_desk **desk);

/* What a fit gets; NULL of NULL. Its functions are for the compute thread. */
const fr_gram_source *fr_desk_source(const fr_desk *desk);

/* Main thread: whether the compute thread wants the ranks, once. */
bool fr_desk_calls(fr_desk *desk);

/* Main thread: do by `solver` what the compute thread orders until it needs no more; nothing
 * when it waits no longer. After a stop its orders come back as FR_STOPPED. Errors: FR_ERR_MPI;
 * those of the orders are the compute thread's. */
FR_CHECKED fr_status fr_desk_serve(fr_desk *desk, const fr_run_state *run,
                                   const fr_gram_solver *solver);

/* From now on nobody waits for ranks. By the main thread; NULL is a no-op. */
void fr_desk_close(fr_desk *desk);

/* ---- keeper.c: the files of a rank's fits ---- */

typedef struct fr_keeper fr_keeper;

typedef struct {
    const char *dir;      /* output directory; borrowed */
    uint64_t fingerprint; /* of study and data */
    uint64_t plan;        /* of the outer searches */
    size_t n_params;
    bool has_files; /* an earlier run has left some */
    double every_s; /* between two saves of a fit that goes on; 0: only when it is stopped */
} fr_keeper_options;

FR_CHECKED fr_status fr_keeper_create(const fr_keeper_options *options, fr_keeper **out);
void fr_keeper_destroy(fr_keeper **keeper);

/* A fit begins: what it is to be kept with, until the next call. NULL without a keeper. By the
 * thread that fits. */
const fr_fit_keeper *fr_keeper_begin(fr_keeper *keeper, const fr_task *task);

/* What a finished piece of work gave, kept in a fit's file until the study is done: after a
 * stop it need not be done again. fetch: *bytes is the caller's (free); false: nothing. NULL
 * has and keeps nothing. By the main thread. */
void fr_keeper_put(fr_keeper *keeper, uint64_t trial, uint32_t fold, const double *point,
                   const fr_fit_part *found);
bool fr_keeper_fetch(const fr_keeper *keeper, uint64_t trial, uint32_t fold,
                     const double *point, fr_fit_part *found);

/* From now on nothing is saved: what is stopped is not needed. */
void fr_keeper_close(fr_keeper *keeper);

/* ---- worker.c: the compute thread of a rank ---- */

typedef struct fr_worker fr_worker;

typedef struct {
    fr_objective *objective;    /* borrowed; used by the thread alone while it has work */
    fr_objective *const *outer; /* (n_outer) likewise, those of searches 1 .. n_outer */
    uint32_t n_outer;
    fr_keeper *keeper; /* borrowed; NULL: fits are not saved */
    fr_group *group;   /* borrowed; that trains together, NULL: each rank alone */
    fr_desk *desk;     /* borrowed; NULL: kernel matrices are computed by this thread */
    size_t n_params;
    uint32_t rank;
    double clock_offset_s; /* study time = fr_clock_now() + offset */
    double deadline; /* fr_clock_now(): without a keeper no task is begun that, by the mean
                        of those before, takes longer; it comes back as interrupted */
} fr_worker_options;

static inline fr_objective *fr_worker_objective(const fr_worker_options *o, const fr_task *task)
{
    return task->search == 0 ? o->objective : o->outer[task->search - 1];
}

FR_CHECKED fr_status fr_worker_create(const fr_worker_options *options, fr_worker **out);

/* Queue work; the batch becomes the worker's. Local, as all below, main thread only. */
void fr_worker_push(fr_worker *worker, fr_parcel *parcel);

/* Queue the refit of a trial; fr_worker_refit_result gives it, once, when it is there. For its
 * file it counts as fold number n_folds. */
void fr_worker_push_refit(fr_worker *worker, const fr_trial *trial, uint64_t trial_id,
                          uint32_t n_folds);
bool fr_worker_refit_result(fr_worker *worker, fr_refit *out);

/* Which part of which fold is to be explained. */
typedef struct {
    uint64_t trial;
    uint32_t fold, file_fold; /* its number, and the one that its file has */
    fr_explain_part part;
    double *point; /* (n_params); owned by who has the order */
} fr_explain_order;

/* Queue an explanation, when there is none under way; the order becomes the worker's.
 * fr_worker_explanation gives what came of it, once: `parts` is 0 when it could not be had,
 * which is logged and no failure. */
void fr_worker_push_explain(fr_worker *worker, const fr_explain_order *order);
bool fr_worker_explanation(fr_worker *worker, fr_fold_explanation *out);

/* Work of any other kind. */
typedef struct fr_errand fr_errand;
struct fr_errand {
    /* By the worker's thread. What goes wrong is the errand's own to keep, but for FR_STOPPED:
     * then it is destroyed. */
    fr_status (*run)(fr_errand *errand, const fr_worker_options *worker,
                     const atomic_bool *stop);
    void (*destroy)(fr_errand *errand);
};

/* Queue an errand, when there is none under way; it becomes the worker's. fr_worker_errand
 * gives it back, once, when it is done; before, NULL. */
void fr_worker_push_errand(fr_worker *worker, fr_errand *errand);
fr_errand *fr_worker_errand(fr_worker *worker);

/* Take the finished folds, if they make a message's worth or the worker runs dry; or `all`.
 * `out` is empty before. The status is the first failure of the thread, with its message. */
FR_CHECKED fr_status fr_worker_collect(fr_worker *worker, bool all, fr_results_list *out);

/* Sleep for so long [s], or less: until there is something to collect. */
void fr_worker_wait(fr_worker *worker, double seconds);

/* End the thread: after what is queued, or at once (the running fit ends after its epoch, the
 * rest is dropped). Results can be collected afterwards. */
void fr_worker_stop(fr_worker *worker, bool at_once);
void fr_worker_get_record(const fr_worker *worker, fr_rank_record *out); /* after stop */
void fr_worker_destroy(fr_worker **worker);

/* ---- progress.c ---- */

typedef struct {
    const fr_coordinator *coordinator; /* borrowed, as all pointers here */
    const fr_history *history;
    double started, every_s; /* fr_clock_now() of the loop's start; between log lines [s] */
    double next_live, next_line;
    uint64_t done_before; /* tasks that an earlier run had finished */
    uint64_t failed;
    int n_workers;
    double busy_s;    /* time in finished tasks, all workers, this run */
    double *last_end; /* (n_workers) when each one's last known task ended, fr_clock_now() */
} fr_progress;

/* Show how far the run is, when it is time to. Local. */
void fr_progress_show(fr_progress *progress, double now);
void fr_progress_end(void);

/* ---- threads.c ---- */

typedef struct {
    int n_hosts;
    int local_rank, local_ranks; /* on this node */
    int own_cores;               /* that this process may run on */
    int threads;                 /* to train with */
} fr_run_place_info;

/* Where this rank runs. `wanted` threads: the study's, 0 = not said; then OMP_NUM_THREADS, then
 * an even share of the node's cores. Collective. */
FR_CHECKED fr_status fr_run_place(MPI_Comm comm, int64_t wanted, fr_run_place_info *out);

/* ---- run.c, root.c, follower.c, conclude.c: a run ---- */

typedef struct fr_root fr_root;
typedef struct fr_explaining fr_explaining;
typedef struct fr_ensembling fr_ensembling;

typedef struct fr_outer fr_outer; /* nested.h */

struct fr_run_state {
    MPI_Comm comm; /* own duplicate */
    int rank, size;
    fr_run_place_info place;
    const fr_study *study;
    const fr_run_options *options;
    fr_shared_data *data; /* NULL for an objective without data */
    fr_folds *folds;
    fr_objective *objective;
    fr_keeper *keeper; /* NULL: nothing is trained, or by another rank of the group */
    fr_group *group;   /* of resources.ranks_per_trial; NULL with 1, and for idle ranks */
    fr_desk *desk;
    fr_worker *worker;
    fr_mail mail;
    double loop_started; /* fr_clock_now() */
    double deadline;     /* when the run has to stop, fr_clock_now(); INFINITY = never */

    /* root only */
    int n_workers;  /* ranks that get tasks: leaders of groups, or all */
    int *leader_of; /* (n_workers) their ranks */
    int *worker_of; /* (size) the worker that a rank is; < 0: none */
    fr_source *source;
    fr_lock *lock;
    fr_journal *journal;
    fr_history *history;
    fr_search *search;
    fr_coordinator *coordinator;
    fr_budget budget;
    fr_usage before;      /* what earlier runs have cost */
    uint64_t fits_before; /* and given */
    int cores;            /* threads of all ranks */
    fr_root *root;
    fr_results_file *earlier; /* results.h5 as it was; NULL when there was none */
    double elapsed_s;         /* of earlier runs */
    uint64_t n_saved;         /* fits that these were at */
    double valid_share;       /* validation rows / training rows of a fold */
    fr_race race;             /* what the history asks, with pruning method racing */
    fr_refit refit;
    bool has_selection, has_model;
    bool reuses_model; /* the chosen trial is that of `earlier`, which has its model */
    fr_explanation explanation;
    fr_explaining *explaining;         /* under way */
    bool explains;                     /* its folds are to be trained again in this run ... */
    bool permutes;                     /* ... to be explained, */
    bool calibrates;                   /* the model is to be calibrated */
    fr_calibration_report calibration; /* of this run's model */
    bool has_explanation;
    fr_ensembling *ensembling; /* under way */
    fr_ensemble ensemble;
    bool ensembles; /* an ensemble is to be made in this run */
    bool has_ensemble;
    bool reuses_ensemble;    /* that of `earlier` is the one */
    bool reuses_explanation; /* that of `earlier` is the one */
    bool unchanged;          /* results.h5 holds exactly this already */
    bool served;             /* all ranks have computed a kernel matrix of the search */
    bool *calls;             /* (size) ranks whose fit waits for all */
    int next_call;           /* who comes first among them */
    bool answered;           /* all ranks have computed one of a fit */
    fr_run_report *report;

    /* nested cross-validation, on every rank; n_outer is 0 without */
    fr_outer *outer;
    uint32_t n_outer;
    fr_objective **outer_objectives; /* (n_outer) */
    fr_history **histories;          /* root: (1 + n_outer) by number of the search; borrowed */
    fr_outer_log outer_log;          /* root */
};

/* The two loops: until the study is done or something ends it. The status is this rank's view,
 * fr_run agrees on it; FR_ERR_MPI when the ranks can no longer reach each other. */
FR_CHECKED fr_status fr_root_create(fr_run_state *run, fr_root **out);
FR_CHECKED fr_status fr_root_run(fr_root *root);
void fr_root_destroy(fr_root **root);
FR_CHECKED fr_status fr_follower_run(fr_run_state *run);

/* Choose the trial; *refit when its model has to be trained; sets run->explains, permutes,
 * calibrates and ensembles. Root. */
FR_CHECKED fr_status fr_conclude_select(fr_run_state *run, bool *refit);

/* Write results.h5 with what is known; an earlier choice and its model stay in it until there
 * is a new one with its model. Root. */
FR_CHECKED fr_status fr_conclude_write(fr_run_state *run);

/* Choose among the trials of a search. Errors: FR_ERR_STATE when there is none to be chosen. */
FR_CHECKED fr_status fr_conclude_choose(const fr_study *study, fr_objective *objective,
                                        const fr_history *history, double valid_share,
                                        fr_selection *out);

/* Validation rows / training rows of the first fold, for corrected tests; of an external
 * objective's folds (NULL) that of k-fold, 1 with one fold. */
FR_CHECKED fr_status fr_conclude_valid_share(const fr_study *study, const fr_folds *folds,
                                             double *share);

/* ---- explaining.c: the chosen trial explained by all workers ---- */

/* Whether the study wants the chosen trial explained. Root. */
FR_CHECKED fr_status fr_explaining_wanted(const fr_run_state *run, bool *wanted);

/* Cut the work into tasks. Root. */
FR_CHECKED fr_status fr_explaining_begin(fr_run_state *run);

/* Take what root's own worker has, and give idle workers work; root's own only when its model
 * is trained. *done when nothing is left to do. Root. */
FR_CHECKED fr_status fr_explaining_advance(fr_run_state *run, bool *done);

/* What another rank has found. Root. */
FR_CHECKED fr_status fr_explaining_take(fr_run_state *run, int worker, fr_unpack *in);

/* With the model there: calibrate it if that is wanted, and put everything together. What goes
 * wrong with explanations is logged. Errors: those of fr_calibrate_model. Root. */
FR_CHECKED fr_status fr_explaining_conclude(fr_run_state *run);
void fr_explaining_destroy(fr_explaining **explaining);

/* The other side: queue what root asks for; send what is finished. */
FR_CHECKED fr_status fr_explaining_accept(fr_run_state *run, fr_unpack *in);
FR_CHECKED fr_status fr_explaining_send(fr_run_state *run);

/* ---- ensembling.c: members of an ensemble chosen and trained by all workers ---- */

/* Whether the ensemble of `earlier` is what the study asks for now. Root. */
bool fr_ensembling_is_there(const fr_run_state *run);

/* Whether it may stay beside the model of `earlier` until there is another. Root. */
bool fr_ensembling_may_stay(const fr_run_state *run);

/* Choose the candidates, and take up what an earlier run has found of them. Root. */
FR_CHECKED fr_status fr_ensembling_begin(fr_run_state *run);

/* As fr_explaining_advance. Errors: FR_STOPPED while members are chosen. Root. */
FR_CHECKED fr_status fr_ensembling_advance(fr_run_state *run, bool *done);
FR_CHECKED fr_status fr_ensembling_take(fr_run_state *run, int worker, fr_unpack *in);

/* With the single model there: the ensemble, and what it scores. What goes wrong is logged.
 * Root. */
void fr_ensembling_conclude(fr_run_state *run);
void fr_ensembling_destroy(fr_ensembling **ensembling);

/* The other side: queue what root asks for; send what is finished. */
FR_CHECKED fr_status fr_ensembling_accept(fr_run_state *run, fr_unpack *in);
FR_CHECKED fr_status fr_ensembling_send(fr_run_state *run);

/* ---- errand.c: what one worker does for an ensemble ---- */

/* A fold of a trial to be trained again for what it says out of fold; or, with fold = n_folds,
 * the trial on all rows for its model. */
typedef struct {
    uint64_t trial;
    uint32_t fold, n_folds;
    double *point;  /* (n_params); owned, as `kept` */
    uint32_t *kept; /* (n_folds) epochs that the folds kept, 0: none */
} fr_member_order;

void fr_member_order_clear(fr_member_order *order);
/* FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_member_order_make(const fr_history *history, uint64_t trial,
                                          uint32_t fold, fr_member_order *out);
void fr_member_order_pack(const fr_member_order *order, size_t n_params, fr_pack *out);
/* FR_ERR_MPI; the caller clears *out. */
FR_CHECKED fr_status fr_member_order_unpack(fr_unpack *in, size_t n_params,
                                            fr_member_order *out);

/* The errand takes over the order. What it finds are bytes: trial, fold, whether it could be
 * done, then the fr_scored or the fr_model. */
FR_CHECKED fr_status fr_member_errand_create(fr_member_order *order, fr_errand **out);
const fr_pack *fr_member_errand_found(const fr_errand *errand);

/* Files of fits: that of the one at work, and that of what it found. */
uint32_t fr_member_file_of(uint32_t fold, uint32_t n_folds, bool found);

/* ---- service.c ---- */

/* For fr_search_set_solver on root; `run` is a fr_run_state. Collective with fr_service_join on
 * the others, which root tells to; so are the solver's methods and its destroy. */
FR_CHECKED fr_status fr_service_open(void *run, fr_gram_solver *out);

/* The fit of one rank, if any waits, gets the ranks; *answered then. Root, not within a
 * solver's life. Collective with fr_service_join on the others. */
FR_CHECKED fr_status fr_service_answer(fr_run_state *run, bool *answered);

/* What root's SERVE message tells the others. */
FR_CHECKED fr_status fr_service_join(fr_run_state *run, fr_unpack *in);

/* ---- budget.c ---- */

/* The study's budgets for one search; the study is borrowed. */
fr_budget fr_run_make_budget(const fr_study *study);

/* Let the coordinator go by the study's budgets; says so when more is there than they allow.
 * After the journal is replayed. Root. */
void fr_run_start_budget(fr_run_state *run);

/* What the study has cost until `now`, fr_clock_now(). Root. */
fr_usage fr_run_usage(const fr_run_state *run, double now);

/* Tell the coordinator how long it has by the clock's budgets. Root. */
void fr_run_watch_clock(fr_run_state *run, double now);

/* ---- groups.c ---- */

/* Groups of resources.ranks_per_trial, within nodes; tells how many ranks are left over.
 * Errors: FR_ERR_USAGE when there is no group, FR_ERR_MEMORY. Collective. */
FR_CHECKED fr_status fr_run_form_groups(fr_run_state *run);

/* ---- deadline.c ---- */

/* Set run->deadline. The end of a batch job counts a minute early, or a tenth of what it had
 * left: for the epochs that run, and for saving. Collective. */
FR_CHECKED fr_status fr_run_set_deadline(fr_run_state *run);

/* FR_STOPPED and why, when a signal came or the time is over. Root. */
FR_CHECKED fr_status fr_run_check_stop(const fr_run_state *run);

/* Whether what `worker` would be given now is worth beginning: going by what tasks took so far,
 * its shortest piece that can be kept, an epoch or a whole task behind those that the worker
 * has, ends in time. Root. */
bool fr_run_may_begin(const fr_run_state *run, int worker, double now);

/* ---- pruning.c ---- */

/* Cutoffs for a task: *rungs is the caller's (free), NULL when *n is 0. Root. */
FR_CHECKED fr_status fr_run_rungs(const fr_run_state *run, fr_assignment task, fr_rung **rungs,
                                  size_t *n);

/* Let a search's history race trials over folds if the study says so; `race` is borrowed by it.
 * Before the journal is replayed. */
void fr_run_start_race(const fr_study *study, double valid_share, fr_race *race,
                       fr_history *history);

#endif
