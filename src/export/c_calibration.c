/* SPDX-License-Identifier: BSD-3-Clause */
/* c_calibration.c - a model's calibration as one C function, from scores to probabilities. */
#include "internal.h"

/* Of two classes. */
static void write_line(const fr_calibration *c, fr_text *out)
{
    char slope[FR_NUMBER_SIZE], intercept[FR_NUMBER_SIZE];
    fr_text_add(out,
                "    const double x = %s * ((double)s[1] - (double)s[0]) + (%s);\n"
                "    s[0] = (float)(1.0 / (1.0 + exp(x)));\n"
                "    s[1] = (float)(1.0 / (1.0 + exp(-x)));\n",
                fr_format_double(c->sigmoid[0], slope),
                fr_format_double(c->sigmoid[1], intercept));
}

static void write_constants(const fr_calibration *c, fr_text *out)
{
    char slope[FR_NUMBER_SIZE], intercept[FR_NUMBER_SIZE];
    fr_text_add(out, "    static const double line[%zu][2] = {\n", c->n);
    for (size_t k = 0; k < c->n; k++)
        fr_text_add(out, "        {%s, %s}%s\n", fr_format_double(c->sigmoid[2 * k], slope),
                    fr_format_double(c->sigmoid[2 * k + 1], intercept),
                    k + 1 < c->n ? "," : "");
    fr_text_add(out, "    };\n");
}

/* Each class against the rest. */
static void write_lines(const fr_calibration *c, fr_text *out)
{
    write_constants(c, out);
    if (c->log_scores)
        fr_text_add(out,
                    "    double p[%zu], most, rest = 0.0, sum = 0.0;\n    int k, top = 0;\n"
                    "    for (k = 1; k < %zu; k++)\n        if (s[k] > s[top]) top = k;\n"
                    "    most = (double)s[top];\n"
                    "    for (k = 0; k < %zu; k++)\n"
                    "        if (k != top) rest += exp((double)s[k] - most);\n",
                    c->n, c->n, c->n);
    else
        fr_text_add(out, "    double p[%zu], sum = 0.0;\n    int k;\n", c->n);
    fr_text_add(out, "    for (k = 0; k < %zu; k++) {\n", c->n);
    if (c->log_scores)
        fr_text_add(out,
                    "        const double own = (double)s[k] - most;\n"
                    "        const double others = k == top ? rest : 1.0 + rest - exp(own);\n"
                    "        const double x = own - log(others + 1e-12);\n");
    else
        fr_text_add(out, "        const double x = (double)s[k];\n");
    fr_text_add(out,
                "        p[k] = 1.0 / (1.0 + exp(-(line[k][0] * x + line[k][1])));\n"
                "        sum += p[k];\n    }\n"
                "    for (k = 0; k < %zu; k++) s[k] = (float)(sum > 0.0 ? p[k] / sum : 1.0 / "
                "%zu);\n",
                c->n, c->n);
}

static void write_temperature(const fr_calibration *c, size_t n_classes, fr_text *out)
{
    char t[FR_NUMBER_SIZE];
    fr_format_double(c->temperature, t);
    fr_text_add(out,
                "    double most = (double)s[0], sum = 0.0;\n    int k;\n"
                "    for (k = 1; k < %zu; k++)\n"
                "        if ((double)s[k] > most) most = (double)s[k];\n"
                "    for (k = 0; k < %zu; k++) sum += exp(((double)s[k] - most) / %s);\n"
                "    for (k = 0; k < %zu; k++)\n"
                "        s[k] = (float)(exp(((double)s[k] - most) / %s) / sum);\n",
                n_classes, n_classes, t, n_classes, t);
}

void fr_c_calibration(const fr_model *model, const char *name, fr_text *out)
{
    const fr_calibration *c = &model->calibration;
    fr_text_add(out,
                "\n/* Scores become probabilities. */\n"
                "static inline void %s_calibrate(float *s)\n{\n",
                name);
    if (c->method == FR_CALIBRATE_TEMPERATURE)
        write_temperature(c, model->n_outputs, out);
    else if (c->n == 1)
        write_line(c, out);
    else
        write_lines(c, out);
    fr_text_add(out, "}\n");
}
