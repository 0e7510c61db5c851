/* SPDX-License-Identifier: BSD-3-Clause */
/* test_optimizer.c - optimisers and schedules against the numbers of PyTorch, 20 steps each. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/train/internal.h"
#include "reference.h"

enum { N = 12, STEPS = 20 };

static fr_train_options options_of(const reference *r)
{
    static const char *const words[] = {"gd", "sgd", "adam", "adamw", "rmsprop", "adagrad"};
    const double initial = reference_number(r, "initial_accumulator_value", 0);
    fr_train_options o = {.learning_rate = reference_number(r, "lr", 0),
                          .momentum = reference_number(r, "momentum", 0),
                          .dampening = reference_number(r, "dampening", 0),
                          .nesterov = reference_number(r, "nesterov", 0) != 0,
                          .weight_decay = reference_number(r, "weight_decay", 0),
                          .beta1 = reference_number(r, "beta1", 0.9),
                          .beta2 = reference_number(r, "beta2", 0.999),
                          .epsilon = reference_number(r, "eps", 0),
                          .alpha = reference_number(r, "alpha", 0.99),
                          .centered = reference_number(r, "centered", 0) != 0,
                          .lr_decay = reference_number(r, "lr_decay", 0),
                          .initial_accumulator = initial};
    const char *name = reference_key(r, "optimizer");
    for (int k = 0; k < 6; k++)
        if (strncmp(name, words[k], strlen(words[k])) == 0 && name[strlen(words[k])] == ' ')
            o.optimizer = k;
    return o;
}

/* Our float32 steps and PyTorch's float64 ones. An error of 1e-6 of the value, or three
 * roundings of the largest value so far: a parameter that crosses 0 keeps the roundings of its
 * past. */
static void check_case(FILE *file, const reference *head, double gradient[STEPS][N])
{
    const reference start = reference_find("torch_optimizers.txt", "start");
    fr_train_options o = options_of(head);
    float w[N], g[N], state[FR_STATE_MAX][N] = {{0}};
    double largest[N];
    for (size_t i = 0; i < N; i++) {
        w[i] = (float)start.value[i];
        largest[i] = fabs(start.value[i]);
        state[0][i] = fr_optimizer_start(&o);
    }
    for (uint64_t t = 1; t <= STEPS; t++) {
        reference exact;
        const fr_update update = fr_update_make(&o, o.learning_rate, t);
        for (size_t i = 0; i < N; i++) g[i] = (float)gradient[t - 1][i];
        fr_update_run(&update, &(fr_slice){w, {state[0], state[1], state[2]}, g, N});
        assert_true(reference_next(file, &exact));
        assert_int_equal(exact.n, N);
        for (size_t i = 0; i < N; i++) {
            const double off = fabs((double)w[i] - exact.value[i]);
            largest[i] = fmax(largest[i], fabs(exact.value[i]));
            if (off > fmax(1e-6 * fabs(exact.value[i]), 3 * 0x1p-23 * largest[i]))
                fail_msg("%s, step %d, parameter %zu: %.9g, PyTorch %.9g", head->head, (int)t,
                         i, (double)w[i], exact.value[i]);
        }
        assert_true(reference_next(file, &exact)); /* PyTorch in float32 */
    }
}

static void test_steps_equal_pytorch(void **unused)
{
    (void)unused;
    double gradient[STEPS][N];
    reference record;
    size_t cases = 0;
    FILE *file = reference_open("torch_optimizers.txt");
    while (reference_next(file, &record)) {
        if (strncmp(record.head, "grad ", 5) == 0) {
            const size_t t = (size_t)reference_number(&record, "step", 0) - 1;
            memcpy(gradient[t], record.value, sizeof gradient[t]);
        } else if (strncmp(record.head, "case ", 5) == 0) {
            check_case(file, &record, gradient);
            cases++;
        }
    }
    fclose(file);
    assert_true(cases >= 17);
}

/* Hand-made: rmsprop centered with momentum, in double, and adam beside its formula. */
static void test_centered_rmsprop(void **unused)
{
    (void)unused;
    const fr_train_options o = {.optimizer = FR_OPT_RMSPROP,
                                .learning_rate = 0.01,
                                .momentum = 0.5,
                                .alpha = 0.9,
                                .epsilon = 1e-8,
                                .centered = true};
    float w = 1, state[3] = {0};
    double exact = 1, v = 0, mean = 0, momentum = 0;
    assert_int_equal(fr_optimizer_states(&o), 3);
    for (uint64_t t = 1; t <= STEPS; t++) {
        const float g = sinf((float)t);
        const fr_update u = fr_update_make(&o, 0.01, t);
        fr_update_run(&u, &(fr_slice){&w, {&state[0], &state[1], &state[2]}, &g, 1});
        v = 0.9 * v + 0.1 * (double)g * (double)g;
        mean = 0.9 * mean + 0.1 * (double)g;
        momentum = 0.5 * momentum + (double)g / (sqrt(v - mean * mean) + 1e-8);
        exact -= 0.01 * momentum;
        assert_true(fabs((double)w - exact) < 2e-6);
    }
}

static void test_defaults_are_pytorchs(void **unused)
{
    (void)unused;
    static const struct {
        int kind;
        double rate, epsilon, decay;
    } expected[] = {{FR_OPT_SGD, 1e-3, 1e-8, 0},
                    {FR_OPT_ADAM, 1e-3, 1e-8, 0},
                    {FR_OPT_ADAMW, 1e-3, 1e-8, 1e-2},
                    {FR_OPT_RMSPROP, 1e-2, 1e-8, 0},
                    {FR_OPT_ADAGRAD, 1e-2, 1e-10, 0}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        fr_train_options o;
        memset(&o, 0, sizeof o);
        assert_int_equal(fr_option_defaults(fr_train_option_table, fr_train_option_count, &o),
                         FR_OK);
        o.optimizer = expected[i].kind;
        fr_train_options_settle(&o);
        assert_true(o.learning_rate == expected[i].rate);
        assert_true(o.epsilon == expected[i].epsilon);
        assert_true(o.weight_decay == expected[i].decay);
    }
}

/* Schedules at one step per epoch, so that epochs and steps are the same. */
static void check_schedule(const reference *r)
{
    const char *kind = reference_key(r, "kind");
    fr_train_options o = {.learning_rate = reference_number(r, "base_lr", 0),
                          .epochs = (int64_t)r->n,
                          .gamma = reference_number(r, "gamma", 1),
                          .step_epochs = (int64_t)reference_number(r, "step_size", 1)};
    if (strncmp(kind, "step", 4) == 0) o.schedule = FR_LR_STEP;
    if (strncmp(kind, "exponential", 11) == 0) o.schedule = FR_LR_EXPONENTIAL;
    if (strncmp(kind, "one_cycle", 9) == 0) o.schedule = FR_LR_ONE_CYCLE;
    if (strncmp(kind, "cosine", 6) == 0) {
        o.schedule = FR_LR_COSINE;
        o.epochs = (int64_t)reference_number(r, "T_max", 0);
        o.final_factor = reference_number(r, "eta_min", 0) / o.learning_rate;
    }
    if (strncmp(kind, "warmup", 6) == 0) return; /* ours starts from 0: tested below */
    for (size_t k = 0; k < r->n; k++)
        if (fabs(fr_learning_rate(&o, k, 1) - r->value[k]) > 1e-12)
            fail_msg("%s, step %zu: %.17g, PyTorch %.17g", r->head, k,
                     fr_learning_rate(&o, k, 1), r->value[k]);
}

static void test_schedules_equal_pytorch(void **unused)
{
    (void)unused;
    reference record;
    size_t found = 0;
    FILE *file = reference_open("torch_losses.txt");
    while (reference_next(file, &record)) {
        if (strncmp(record.head, "schedule ", 9) != 0) continue;
        check_schedule(&record);
        found++;
    }
    fclose(file);
    assert_true(found >= 8);
}

static void test_warmup_comes_first(void **unused)
{
    (void)unused;
    const fr_train_options o = {.learning_rate = 1,
                                .epochs = 12,
                                .schedule = FR_LR_EXPONENTIAL,
                                .gamma = 0.5,
                                .warmup_epochs = 2};
    for (uint64_t k = 0; k < 20; k++) /* 10 steps an epoch */
        assert_true(fabs(fr_learning_rate(&o, k, 10) - (double)(k + 1) / 20) < 1e-15);
    assert_true(fr_learning_rate(&o, 20, 10) == 1.0);
    assert_true(fr_learning_rate(&o, 29, 10) == 1.0);
    assert_true(fr_learning_rate(&o, 30, 10) == 0.5);
}

static void test_soft_threshold(void **unused)
{
    (void)unused;
    float w[5] = {1.0f, -1.0f, 0.25f, -0.1f, 0.0f};
    const float expected[5] = {0.75f, -0.75f, 0.0f, 0.0f, 0.0f};
    fr_soft_threshold(w, 5, 0.25f);
    for (size_t i = 0; i < 5; i++) assert_true(w[i] == expected[i]);
    w[0] = NAN; /* a diverged weight must stay visible */
    fr_soft_threshold(w, 1, 0.25f);
    assert_true(isnan(w[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_equal_pytorch),
        cmocka_unit_test(test_centered_rmsprop),
        cmocka_unit_test(test_defaults_are_pytorchs),
        cmocka_unit_test(test_schedules_equal_pytorch),
        cmocka_unit_test(test_warmup_comes_first),
        cmocka_unit_test(test_soft_threshold),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
