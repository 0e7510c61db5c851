/* SPDX-License-Identifier: BSD-3-Clause */
/* cli.c - from main's arguments to an exit code. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/linalg.h"
#include "foldrank/log.h"
#include "foldrank/schedule.h"
#include "foldrank/text.h"
#include "foldrank/version.h"

/* Rank and size as launchers tell them before, or without, MPI_Init: so that one process of
 * several prints. */
static int launched(const char *const names[], int fallback)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        const char *text = getenv(names[i]);
        int64_t value = 0;
        if (text != NULL && fr_parse_int(text, &value) && value >= 0 && value < 1 << 30)
            return (int)value;
    }
    return fallback;
}

static int launched_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                        "SLURM_PROCID", NULL};
    return launched(names, 0);
}

static int launched_size(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS",
                                        NULL};
    return launched(names, 1);
}

/* Words of the command's name that argv, up to a NULL, begins with; 0 when not all of them. */
static int words_of(const fr_cli_command *command, char *const argv[])
{
    const char *name = command->name;
    int words = 0;
    while (argv[words] != NULL) {
        const size_t length = strcspn(name, " ");
        if (strlen(argv[words]) != length || strncmp(argv[words], name, length) != 0) return 0;
        words++;
        if (name[length] == '\0') return words;
        name += length + 1;
    }
    return 0;
}

/* The command whose name has most words of argv. */
static const fr_cli_command *find_command(const fr_cli_command *const commands[],
                                          char *const argv[], int *words)
{
    const fr_cli_command *found = NULL;
    *words = 0;
    for (size_t i = 0; commands[i] != NULL; i++) {
        const int n = words_of(commands[i], argv);
        if (n <= *words) continue;
        found = commands[i];
        *words = n;
    }
    return found;
}

static fr_status fail_unknown_command(const fr_cli_command *const commands[], const char *name)
{
    enum { MAX_NAMES = 32 };
    const char *names[MAX_NAMES];
    size_t n = 0;
    while (n < MAX_NAMES && commands[n] != NULL) {
        names[n] = commands[n]->name;
        n++;
    }
    if (name[0] == '\0') return FR_FAIL(FR_ERR_USAGE, "which command? See: foldrank --help");
    const char *nearest = fr_nearest(name, names, n);
    if (nearest != NULL)
        return FR_FAIL(FR_ERR_USAGE, "there is no command '%s'; did you mean '%s'?", name,
                       nearest);
    return FR_FAIL(FR_ERR_USAGE, "there is no command '%s'; see: foldrank --help", name);
}

/* Print a page on root, and end well. */
static int print_page(fr_text *page)
{
    const bool good = !page->failed;
    if (good && launched_rank() == 0) fputs(fr_text_get(page), stdout);
    fr_text_clear(page);
    return good && fflush(stdout) == 0 ? 0 : 1;
}

static int print_version(void)
{
    fr_text page = {0};
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    if (MPI_Get_library_version(mpi, &length) != MPI_SUCCESS) length = 0;
    mpi[length] = '\0';
    mpi[strcspn(mpi, ",\n")] = '\0';
    const char *trees = fr_boost_library();
    fr_text_add(&page, "foldrank %s\n%s\nOpenBLAS kernels %s, own kernels %s\n%s\n", FR_VERSION,
                mpi, fr_linalg_kernel_name(), fr_gemm_kernel_name(),
                trees != NULL ? trees : "without XGBoost: no models.xgboost");
    return print_page(&page);
}

/* Say on root why the program ends. Messages about files start with file:line, so that editors
 * can jump there; all others with the program's name. */
static void report(fr_status status, int rank)
{
    if (status == FR_OK || status == FR_STOPPED || rank != 0) return;
    const bool about_files = status == FR_ERR_DATA || strchr(fr_status_message(), '\n') != NULL;
    fprintf(stderr, "%s%s\n", about_files ? "" : "foldrank: ", fr_status_message());
    fr_log(FR_LOG_DEBUG, "cli failed status=%s place=%s", fr_status_word(status),
           fr_status_place());
}

static fr_status start_mpi(fr_cli *cli)
{
    int provided = MPI_THREAD_SINGLE;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return FR_FAIL(FR_ERR_MPI, "MPI does not start");
    cli->comm = MPI_COMM_WORLD;
    FR_MPI(MPI_Comm_set_errhandler(cli->comm, MPI_ERRORS_RETURN));
    FR_MPI(MPI_Comm_rank(cli->comm, &cli->rank));
    FR_MPI(MPI_Comm_size(cli->comm, &cli->size));
    if (provided < MPI_THREAD_FUNNELED)
        return FR_FAIL(FR_ERR_MPI, "this MPI library allows no second thread in a rank "
                                   "(MPI_THREAD_FUNNELED); use one that does");
    return FR_OK;
}

/* Results that could not be written are no success. */
static fr_status flush_output(const fr_cli *cli)
{
    if (fflush(cli->out) == 0 && !ferror(cli->out)) return FR_OK;
    return FR_FAIL(FR_ERR_IO, "cannot write to standard output: %s", strerror(errno));
}

static int run_parallel(const fr_cli_command *command, fr_cli *cli, fr_cli_arguments *arguments)
{
    if (command->stops) fr_signals_install();
    fr_status st = start_mpi(cli);
    fr_log_setup(cli->rank, (fr_log_level)arguments->common.log_level);
    if (st == FR_OK) st = command->run(cli, arguments->values);
    if (st == FR_OK && cli->rank == 0) st = flush_output(cli);
    report(st, st == FR_ERR_MPI ? 0 : cli->rank);
    fflush(cli->out);
    /* After an error of MPI itself nothing says that the other ranks still answer. */
    if (st == FR_ERR_MPI) MPI_Abort(MPI_COMM_WORLD, fr_status_exit_code(st));
    MPI_Finalize();
    return fr_status_exit_code(st);
}

static int run_serial(const fr_cli_command *command, fr_cli *cli, fr_cli_arguments *arguments)
{
    if (cli->rank != 0) return 0;
    fr_log_setup(0, (fr_log_level)arguments->common.log_level);
    fr_status st = command->run(cli, arguments->values);
    if (st == FR_OK) st = flush_output(cli);
    report(st, 0);
    fflush(cli->out);
    return fr_status_exit_code(st);
}

static int run_command(const fr_cli_command *command, fr_cli *cli, int argc, char **argv)
{
    fr_cli_arguments arguments = {0};
    int code = 0;
    fr_status st = fr_cli_parse(command, argc, argv, &arguments);
    cli->operands = arguments.operands;
    cli->n_operands = arguments.n_operands;
    if (st != FR_OK) {
        report(st, cli->rank);
        code = fr_status_exit_code(st);
    } else if (arguments.common.help) {
        fr_text page = {0};
        fr_cli_help(command, &page);
        code = print_page(&page);
    } else {
        fr_linalg_init();
        code = command->parallel ? run_parallel(command, cli, &arguments)
                                 : run_serial(command, cli, &arguments);
    }
    fr_cli_arguments_clear(command, &arguments);
    return code;
}

int fr_cli_main(const fr_cli_command *const commands[], int argc, char **argv)
{
    fr_cli cli = {.comm = MPI_COMM_NULL,
                  .rank = launched_rank(),
                  .size = launched_size(),
                  .started = fr_clock_now(),
                  .out = stdout};
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--version") == 0) return print_version();
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        fr_text page = {0};
        fr_cli_overview(commands, &page);
        return print_page(&page);
    }
    int words = 0;
    const fr_cli_command *command = find_command(commands, argv + 1, &words);
    if (command == NULL) {
        fr_status st = fail_unknown_command(commands, word);
        report(st, cli.rank);
        return fr_status_exit_code(st);
    }
    fr_text typed = {0};
    for (int i = 0; i < argc; i++) fr_text_add(&typed, "%s%s", i > 0 ? " " : "", argv[i]);
    cli.typed = fr_text_get(&typed);
    const int code = run_command(command, &cli, argc - 1 - words, argv + 1 + words);
    fr_text_clear(&typed);
    return code;
}
