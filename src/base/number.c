/* SPDX-License-Identifier: BSD-3-Clause */
/* number.c - numbers to text and back, the same in every locale. */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/text.h"

static bool is_special(const char *text)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    if (*text == '+' || *text == '-') text++;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t i = 0;
        while (words[w][i] != '\0' && tolower((unsigned char)text[i]) == words[w][i]) i++;
        if (words[w][i] == '\0' && text[i] == '\0') return true;
    }
    return false;
}

/* strtod follows LC_NUMERIC and reads hexadecimal; the program never calls setlocale, a host
 * program of the library may, so a decimal comma is caught by the character check below. */
bool fr_parse_double(const char *text, double *out)
{
    const bool special = is_special(text);
    if (!special && (*text == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)))
        return false;
    char *end = NULL;
    errno = 0;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0') return false;
    if (errno == ERANGE && fabs(value) > 1.0) return false; /* overflow; underflow is fine */
    *out = value;
    return true;
}

bool fr_parse_int(const char *text, int64_t *out)
{
    const char *digits = *text == '+' || *text == '-' ? text + 1 : text;
    if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits)) return false;
    errno = 0;
    const long long value = strtoll(text, NULL, 10);
    if (errno == ERANGE) return false;
    *out = value;
    return true;
}

/* minutes:seconds, hours:minutes:seconds, days-hours[:minutes[:seconds]]: as Slurm has it. */
static bool parse_clock(const char *text, double *seconds)
{
    double total = 0;
    bool days = false;
    for (int parts = 1;; parts++) {
        const size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 9 || parts > 3 + days) return false;
        const bool ends_days = text[digits] == '-' && parts == 1;
        total = total * (days && parts == 2 ? 24 : 60) + (double)atol(text);
        text += digits;
        if (*text == '\0') {
            for (; days && parts < 4; parts++) total *= 60;
            *seconds = total;
            return parts > 1;
        }
        if (*text++ != ':' && !ends_days) return false;
        days = days || ends_days;
    }
}

bool fr_parse_duration(const char *text, double *seconds)
{
    if (strpbrk(text, ":-") != NULL) return parse_clock(text, seconds);
    double total = 0;
    if (*text == '\0') return false;
    while (*text != '\0') {
        const size_t digits = strspn(text, "0123456789.");
        char number[FR_NUMBER_SIZE];
        double value;
        if (digits == 0 || digits >= sizeof number) return false;
        memcpy(number, text, digits);
        number[digits] = '\0';
        if (!fr_parse_double(number, &value)) return false;
        text += digits;
        switch (*text) {
        case 'd':
            total += 86400 * value;
            break;
        case 'h':
            total += 3600 * value;
            break;
        case 'm':
            total += 60 * value;
            break;
        case 's':
        case '\0':
            total += value;
            break;
        default:
            return false;
        }
        if (*text != '\0') text++;
    }
    *seconds = total;
    return true;
}

const char *fr_format_double(double value, char out[FR_NUMBER_SIZE])
{
    if (isnan(value)) return strcpy(out, "nan");
    if (isinf(value)) return strcpy(out, value > 0 ? "inf" : "-inf");
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(out, FR_NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    if (value == rint(value) && fabs(value) < 1e15)
        snprintf(out, FR_NUMBER_SIZE, "%.0f", value);
    return out;
}

const char *fr_format_float(float value, char out[FR_NUMBER_SIZE])
{
    if (!isfinite(value)) return fr_format_double((double)value, out);
    for (int digits = FLT_DIG + 1; digits <= FLT_DECIMAL_DIG; digits++) {
        snprintf(out, FR_NUMBER_SIZE, "%.*g", digits, (double)value);
        if (strtof(out, NULL) == value) break;
    }
    return out;
}

const char *fr_format_bytes(double bytes, char out[FR_NUMBER_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t u = 0;
    while (bytes >= 1024 && u + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        u++;
    }
    snprintf(out, FR_NUMBER_SIZE, u == 0 ? "%.0f %s" : "%.1f %s", bytes, units[u]);
    return out;
}

const char *fr_format_duration(double seconds, char out[FR_NUMBER_SIZE])
{
    const long long s = seconds > 0 && seconds < 1e15 ? (long long)(seconds + 0.5) : 0;
    if (seconds < 9.95)
        snprintf(out, FR_NUMBER_SIZE, "%.1fs", seconds > 0 ? seconds : 0.0);
    else if (s < 60)
        snprintf(out, FR_NUMBER_SIZE, "%llds", s);
    else if (s < 3600)
        snprintf(out, FR_NUMBER_SIZE, "%lldm%02llds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, FR_NUMBER_SIZE, "%lldh%02lldm", s / 3600, s / 60 % 60);
    else
        snprintf(out, FR_NUMBER_SIZE, "%lldd%02lldh", s / 86400, s / 3600 % 24);
    return out;
}
