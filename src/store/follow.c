/* SPDX-License-Identifier: BSD-3-Clause */
/* follow.c - a reader beside a writer that does not know of it.
 *
 * The journal only grows, so what was replayed once stays true and each look reads what is new.
 * Through a network file system a reader may see a write in pieces and out of order; what looks
 * damaged is therefore read anew a few times before it is called so. Everything else is
 * replaced whole, by a rename. */
#include "foldrank/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "foldrank/select.h"
#include "internal.h"

enum { FAILURES_MAX = 5 };              /* looks at a journal that seems damaged */
static const double ask_owner_s = 30.0; /* between two questions to Slurm */

/* Tells a file from the one that replaced it. */
typedef struct {
    ino_t inode;
    off_t size;
    struct timespec changed;
} stamp;

struct fr_follow {
    char *dir, *journal_path, *results_path, *study_path, *lock_path;
    fr_study *study;
    uint64_t trials; /* that its search will make; 0 = open */
    fr_history *history;
    fr_race race;
    fr_outer_log outer; /* n 0: the study has no outer folds */
    double elapsed_s;
    ino_t journal_inode;
    uint32_t journal_version;
    off_t journal_at; /* offset of the first byte that was not replayed */
    int failures;
    stamp study_stamp, results_stamp;
    /* of the snapshot */
    uint32_t n_folds;   /* 0 = not known */
    double valid_share; /* NaN = not known */
    bool has_selection;
    size_t n_ranking;
    /* of the lock */
    char owner_text[1024];
    fr_text owner;
    double owner_asked;
    bool at_work;
};

/* Whether `path` is another file than at the last look; *now is what it is. */
static bool is_new(const char *path, const stamp *before, stamp *now)
{
    struct stat info;
    *now = (stamp){0};
    if (stat(path, &info) != 0) return false;
    *now = (stamp){.inode = info.st_ino, .size = info.st_size, .changed = info.st_mtim};
    return now->inode != before->inode || now->size != before->size ||
           now->changed.tv_sec != before->changed.tv_sec ||
           now->changed.tv_nsec != before->changed.tv_nsec;
}

static void drop_history(fr_follow *follow)
{
    fr_history_destroy(&follow->history);
    fr_outer_log_clear(&follow->outer);
    follow->journal_at = 0;
    follow->elapsed_s = 0;
}

/* What the snapshot alone knows. */
static fr_status read_snapshot(const fr_h5_in *in, fr_follow *follow)
{
    FR_TRY(fr_h5_get_attribute(in, "/study", "folds", FR_H5_U32, &follow->n_folds));
    if (fr_h5_has_attribute(in, "/study", "valid_share"))
        FR_TRY(
            fr_h5_get_attribute(in, "/study", "valid_share", FR_H5_F64, &follow->valid_share));
    follow->has_selection = fr_h5_has(in, "/selection");
    if (!follow->has_selection) return FR_OK;
    return fr_h5_get_count(in, "/selection/ranking", &follow->n_ranking);
}

/* A file that cannot be read just now is looked at again. */
static void look_at_snapshot(fr_follow *follow)
{
    fr_h5_in in;
    stamp now;
    if (!is_new(follow->results_path, &follow->results_stamp, &now)) return;
    if (fr_h5_in_open(follow->results_path, &in) != FR_OK) return;
    if (read_snapshot(&in, follow) == FR_OK) follow->results_stamp = now;
    fr_h5_in_close(&in);
}

/* Folds of a trial where the study alone says how many; else 0. */
static uint32_t planned_folds(const fr_study *study)
{
    const fr_validation_options *o = &study->validation;
    if (study->objective.type != FR_OBJECTIVE_TRAINING) return (uint32_t)study->objective.folds;
    if (o->scheme == FR_SCHEME_HOLDOUT || o->scheme == FR_SCHEME_LEAVE_LAST_OUT) return 1;
    if (o->scheme == FR_SCHEME_LEAVE_ONE_OUT || o->scheme == FR_SCHEME_COLUMN) return 0;
    return (uint32_t)(o->folds * o->repeats);
}

/* As the run counts them; what it refuses has no number. */
static uint64_t count_trials(const fr_study *study)
{
    fr_search *search = NULL;
    uint64_t n = 0;
    if (fr_search_create(&study->space, &study->search, study->enqueued, study->n_enqueued,
                         &search) == FR_OK)
        n = fr_search_trials(search);
    fr_search_destroy(&search);
    return n < FR_TRIALS_OPEN ? n : 0;
}

static fr_status look_at_study(fr_follow *follow)
{
    stamp now;
    unsigned char *text = NULL;
    size_t size = 0;
    if (!is_new(follow->study_path, &follow->study_stamp, &now)) return FR_OK;
    const int fd = open(follow->study_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return FR_OK; /* replaced in this moment */
    fr_status st = fr_store_read_from(fd, follow->study_path, 0, &text, &size);
    close(fd);
    FR_TRY(st);
    fr_text copy = {0};
    fr_text_append(&copy, (const char *)text, size);
    free(text);
    drop_history(follow); /* it borrows the space of the study */
    fr_study_destroy(&follow->study);
    st = copy.failed
             ? FR_ERR_MEMORY
             : fr_study_parse(fr_text_get(&copy), follow->study_path, NULL, 0, &follow->study);
    fr_text_clear(&copy);
    if (st != FR_OK) return st;
    follow->study_stamp = now;
    follow->trials = count_trials(follow->study);
    return FR_OK;
}

static fr_status start_history(fr_follow *follow, uint32_t n_folds)
{
    const fr_study *study = follow->study;
    FR_TRY(fr_history_create(&study->space, n_folds, study->maximize, &follow->history));
    follow->outer = (fr_outer_log){.plan = fr_outer_log_plan(&study->nested),
                                   .n = (uint32_t)study->nested.outer_folds};
    if ((study->prune_methods & FR_PRUNE_RACING) == 0 || isnan(follow->valid_share))
        return FR_OK;
    follow->race = (fr_race){.first_fold = (uint32_t)study->pruning.first_fold,
                             .concurrency = (uint64_t)study->search.concurrency,
                             .alpha = study->pruning.alpha,
                             .valid_share = follow->valid_share};
    follow->history->race = fr_race_ask;
    follow->history->race_context = &follow->race;
    return FR_OK;
}

/* The bytes from journal_at on into the history. */
static fr_status replay(fr_follow *follow, const unsigned char *bytes, size_t size)
{
    fr_journal_state state = {.version = follow->journal_version};
    fr_status st = FR_OK;
    if (follow->journal_at == 0)
        st = fr_journal_read_header(bytes, size, follow->journal_path, &state);
    state.outer = follow->outer.n > 0 ? &follow->outer : NULL;
    if (st == FR_OK)
        st = fr_journal_replay(bytes, size, follow->journal_path, follow->history, &state,
                               &follow->elapsed_s);
    if (st == FR_OK) {
        follow->journal_at += (off_t)state.end;
        follow->journal_version = state.version;
    }
    fr_journal_state_clear(&state);
    return st;
}

static fr_status read_journal(fr_follow *follow, int fd, uint32_t n_folds)
{
    struct stat info;
    unsigned char *bytes = NULL;
    size_t size = 0;
    if (fstat(fd, &info) != 0)
        return FR_FAIL(FR_ERR_IO, "cannot look at %s: %s", follow->journal_path,
                       strerror(errno));
    const bool learns_to_race = follow->history != NULL && follow->history->race == NULL &&
                                (follow->study->prune_methods & FR_PRUNE_RACING) != 0 &&
                                !isnan(follow->valid_share);
    if (info.st_ino != follow->journal_inode || info.st_size < follow->journal_at ||
        learns_to_race)
        drop_history(follow);
    follow->journal_inode = info.st_ino;
    if (follow->history == NULL) FR_TRY(start_history(follow, n_folds));
    FR_TRY(fr_store_read_from(fd, follow->journal_path, follow->journal_at, &bytes, &size));
    const fr_status st = replay(follow, bytes, size);
    free(bytes);
    if (st == FR_OK) {
        follow->failures = 0;
        return FR_OK;
    }
    drop_history(follow);
    return st == FR_ERR_FORMAT && ++follow->failures < FAILURES_MAX ? FR_OK : st;
}

static fr_status look_at_journal(fr_follow *follow)
{
    if (follow->study == NULL) return FR_OK;
    const uint32_t planned = planned_folds(follow->study);
    const uint32_t n_folds = planned > 0 ? planned : follow->n_folds;
    if (n_folds == 0) return FR_OK; /* the first snapshot will tell */
    const int fd = open(follow->journal_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return FR_OK;
    if (fd < 0)
        return FR_FAIL(FR_ERR_IO, "cannot open %s: %s", follow->journal_path, strerror(errno));
    const fr_status st = read_journal(follow, fd, n_folds);
    close(fd);
    return st;
}

/* Who is at work. Slurm is not asked at every look. */
static void look_at_owner(fr_follow *follow)
{
    char text[sizeof follow->owner_text] = "";
    const int fd = open(follow->lock_path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? 0 : pread(fd, text, sizeof text - 1, 0);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    fr_owner owner;
    if (!fr_owner_parse(text, &owner)) {
        follow->at_work = false;
        follow->owner_text[0] = '\0';
        fr_text_clear(&follow->owner);
        return;
    }
    const fr_owner self = fr_owner_self();
    const bool here = strcmp(owner.host, self.host) == 0;
    const double now = fr_clock_now();
    if (here || strcmp(text, follow->owner_text) != 0 ||
        now - follow->owner_asked >= ask_owner_s) {
        follow->at_work = !fr_owner_is_gone(&owner, &self);
        follow->owner_asked = now;
    }
    memcpy(follow->owner_text, text, sizeof text);
    fr_text_clear(&follow->owner);
    if (!follow->at_work) return;
    fr_text_add(&follow->owner, "%s, process %lld%s%s", owner.host, (long long)owner.pid,
                owner.job[0] != '\0' ? ", job " : "", owner.job);
}

/* The selection is the last thing that a run writes. One that goes on with more trials keeps
 * the earlier selection meanwhile: it ranks fewer trials than are complete. */
static bool is_finished(const fr_follow *follow)
{
    const fr_history *history = follow->history;
    size_t complete = 0;
    if (history == NULL || follow->at_work || !follow->has_selection) return false;
    for (size_t t = 0; t < history->n; t++)
        complete += history->trials[t].state == FR_TRIAL_COMPLETE &&
                    !isnan(history->trials[t].score_mean);
    return complete == follow->n_ranking && history->settled == history->n;
}

fr_status fr_follow_look(fr_follow *follow, fr_follow_view *view)
{
    /* The lock first: a run that has let go of it has written everything before. */
    look_at_owner(follow);
    look_at_snapshot(follow);
    FR_TRY(look_at_study(follow));
    FR_TRY(look_at_journal(follow));
    *view = (fr_follow_view){.study = follow->study,
                             .history = follow->history,
                             .outer = follow->outer.n > 0 ? &follow->outer : NULL,
                             .trials = follow->trials,
                             .elapsed_s = follow->elapsed_s,
                             .at_work = follow->at_work,
                             .owner = fr_text_get(&follow->owner),
                             .finished = is_finished(follow)};
    return FR_OK;
}

static fr_status find_directory(const char *path, char **dir)
{
    struct stat info;
    *dir = fr_strdup(path);
    if (*dir == NULL) return FR_ERR_MEMORY;
    if (stat(path, &info) != 0)
        return FR_FAIL(FR_ERR_DATA, "%s: %s; give the directory that `foldrank run` writes to",
                       path, strerror(errno));
    if (S_ISDIR(info.st_mode)) return FR_OK;
    char *parent = fr_strdup(dirname(*dir));
    free(*dir);
    *dir = parent;
    return parent == NULL ? FR_ERR_MEMORY : FR_OK;
}

fr_status fr_follow_open(const char *path, fr_follow **out)
{
    *out = NULL;
    fr_follow *follow = fr_alloc(1, sizeof *follow);
    if (follow == NULL) return FR_ERR_MEMORY;
    follow->valid_share = NAN;
    fr_status st = find_directory(path, &follow->dir);
    if (st == FR_OK) {
        follow->journal_path = fr_store_path(follow->dir, "journal.bin");
        follow->results_path = fr_store_path(follow->dir, "results.h5");
        follow->study_path = fr_store_path(follow->dir, "study.yaml");
        follow->lock_path = fr_store_path(follow->dir, "lock");
        if (follow->journal_path == NULL || follow->results_path == NULL ||
            follow->study_path == NULL || follow->lock_path == NULL)
            st = FR_ERR_MEMORY;
    }
    if (st == FR_OK && access(follow->results_path, F_OK) == 0 &&
        access(follow->journal_path, F_OK) != 0)
        st = FR_FAIL(FR_ERR_DATA,
                     "%s: there is no journal beside it, so nothing goes on here; look at it "
                     "with foldrank show",
                     follow->results_path);
    if (st == FR_OK)
        *out = follow;
    else
        fr_follow_close(&follow);
    return st;
}

void fr_follow_close(fr_follow **follow)
{
    fr_follow *f = *follow;
    if (f == NULL) return;
    fr_history_destroy(&f->history);
    fr_outer_log_clear(&f->outer);
    fr_study_destroy(&f->study);
    fr_text_clear(&f->owner);
    free(f->dir);
    free(f->journal_path);
    free(f->results_path);
    free(f->study_path);
    free(f->lock_path);
    free(f);
    *follow = NULL;
}
