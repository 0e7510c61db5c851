/* SPDX-License-Identifier: BSD-3-Clause */
/* memory_limit.c - how much memory there is for us: what the machine has, or what a limit of
 * the process, a container or a batch job (control groups, version 1 and 2) leaves of it. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "foldrank/memory.h"

/* A number in a file; INFINITY when there is none ("max"). */
static double read_number(const char *path)
{
    double value = INFINITY;
    FILE *file = fopen(path, "re");
    if (file == NULL) return INFINITY;
    if (fscanf(file, "%lf", &value) != 1) value = INFINITY;
    fclose(file);
    return value;
}

/* The tightest limit of a group and those above it. `group` is shortened on the way. */
static double limit_of_group(const char *root, char *group, const char *name)
{
    double least = INFINITY;
    for (;;) {
        char path[1024];
        if (snprintf(path, sizeof path, "%s%s/%s", root, group, name) < (int)sizeof path)
            least = fmin(least, read_number(path));
        char *slash = strrchr(group, '/');
        if (slash == NULL) return least;
        *slash = '\0';
    }
}

/* Lines are number:controllers:path; version 2 has none of the controllers. */
static double limit_of_groups(void)
{
    char line[1024];
    double least = INFINITY;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (group == NULL) continue;
        *group++ = '\0';
        if (strcmp(controllers, ":memory") == 0)
            least = fmin(
                least, limit_of_group("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
        else if (strcmp(controllers, ":") == 0)
            least = fmin(least, limit_of_group("/sys/fs/cgroup", group, "memory.max"));
    }
    if (file != NULL) fclose(file);
    return least;
}

double fr_memory_limit(void)
{
    struct rlimit own;
    double least = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (getrlimit(RLIMIT_AS, &own) == 0 && own.rlim_cur != RLIM_INFINITY)
        least = fmin(least, (double)own.rlim_cur);
    return fmin(least, limit_of_groups());
}
