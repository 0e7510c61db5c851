/* SPDX-License-Identifier: BSD-3-Clause */
/* plugin.c - an example of a plug-in: gradient descent with momentum on a narrow valley.
 *
 *   cc -shared -fPIC -I include -o valley.so tests/examples/plugin.c -lm
 *
 *   objective:
 *     type: plugin
 *     path: valley.so
 *     options: "100"      # how narrow
 *     steps: 50
 *     parameters:
 *       rate: {log: [1.0e-4, 0.1]}
 *       momentum: {float: [0, 0.99], when: {method: heavy ball}}
 *       method: {choice: [plain, heavy ball]}
 */
#include <foldrank/plugin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double curvature; /* of the steep direction; the other has 1 */
} valley;

static int init(const fr_plugin_setup *setup, void **state)
{
    valley *v = malloc(sizeof *v);
    *state = v;
    if (v == NULL) {
        setup->fail(setup, "out of memory");
        return FR_PLUGIN_FAILED;
    }
    v->curvature = setup->options == NULL ? 10 : atof(setup->options);
    if (v->curvature > 0) return FR_PLUGIN_DONE;
    setup->fail(setup, "options: the curvature must be above 0");
    free(v);
    return FR_PLUGIN_FAILED;
}

/* The number of a parameter; `otherwise` while it is inactive. */
static double number(const fr_plugin_task *task, const char *name, double otherwise)
{
    for (size_t j = 0; j < task->n_values; j++)
        if (strcmp(task->values[j].name, name) == 0)
            return task->values[j].text == NULL ? otherwise : task->values[j].number;
    return otherwise;
}

static int evaluate(void *state, const fr_plugin_task *task, double *value)
{
    const valley *v = state;
    const double rate = number(task, "rate", 0.01), momentum = number(task, "momentum", 0);
    /* Folds begin at different places, as rows of different folds would make it. */
    double x = 3 + task->fold, y = 1 + 1e-9 * task->seed, vx = 0, vy = 0;
    for (uint32_t step = 1; step <= task->steps; step++) {
        vx = momentum * vx - rate * x;
        vy = momentum * vy - rate * v->curvature * y;
        x += vx;
        y += vy;
        const double height = 0.5 * (x * x + v->curvature * y * y);
        if (task->report(task, step, log10(height), height)) break;
    }
    *value = NAN;
    return FR_PLUGIN_REPORTED;
}

static void finalize(void *state)
{
    free(state);
}

const fr_plugin *foldrank_plugin(void)
{
    static const fr_plugin plugin = {
        .abi = FR_PLUGIN_ABI, .init = init, .evaluate = evaluate, .finalize = finalize};
    return &plugin;
}
