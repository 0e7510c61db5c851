/* SPDX-License-Identifier: BSD-3-Clause */
/* mel.c - mel bands and cepstral coefficients of a sound; the definitions are in media.h.
 * FFTW transforms a frame, everything behind it is summed in double, in one order. */
#include "mel.h"

#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"

static const double FLOOR = 1e-10, PI = 3.14159265358979323846;

struct fr_mel {
    fr_sound_options options;
    size_t window, hop, length; /* samples; of the transform */
    size_t bins;                /* length / 2 + 1 */
    double *hann;               /* (window) */
    double *bank;               /* (mels, bins) */
    size_t *first, *last;       /* (mels) bins of a band that are not 0: first .. last - 1 */
    double *cosine;             /* (coefficients, mels) */
    float *frame;               /* (length) */
    fftwf_complex *spectrum;    /* (bins) */
    fftwf_plan plan;
    double *power, *band; /* (bins), (mels) */
    double *matrix;       /* (frames, width) of the sound at hand */
    size_t capacity;      /* of matrix, in numbers */
};

static double to_mel(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

static double to_hertz(double mel)
{
    return 700 * (pow(10, mel / 2595) - 1);
}

static fr_status check_settings(const fr_sound_options *o, double high)
{
    if (o->features == FR_SOUND_MFCC && o->coefficients > o->mels)
        return FR_FAIL(FR_ERR_DATA,
                       "data.sound.coefficients is %lld; of %lld mel bands there are at "
                       "most as many",
                       (long long)o->coefficients, (long long)o->mels);
    if (high > (double)o->rate / 2)
        return FR_FAIL(FR_ERR_DATA,
                       "data.sound.high is %g Hz; at %lld samples a second there is "
                       "nothing above %g Hz",
                       high, (long long)o->rate, (double)o->rate / 2);
    if (o->low >= high)
        return FR_FAIL(FR_ERR_DATA, "data.sound.low is %g Hz, not below data.sound.high, %g Hz",
                       o->low, high);
    return FR_OK;
}

static fr_status make_bank(fr_mel *mel, double high)
{
    const fr_sound_options *o = &mel->options;
    const double from = to_mel(o->low), step = (to_mel(high) - from) / (double)(o->mels + 1);
    for (size_t m = 0; m < (size_t)o->mels; m++) {
        const double left = to_hertz(from + step * (double)m),
                     top = to_hertz(from + step * (double)(m + 1)),
                     right = to_hertz(from + step * (double)(m + 2));
        mel->first[m] = mel->bins;
        for (size_t k = 0; k < mel->bins; k++) {
            const double f = (double)k * (double)o->rate / (double)mel->length;
            const double weight = fmin((f - left) / (top - left), (right - f) / (right - top));
            if (weight <= 0) continue;
            mel->bank[m * mel->bins + k] = weight;
            if (mel->first[m] == mel->bins) mel->first[m] = k;
            mel->last[m] = k + 1;
        }
        if (mel->last[m] == 0)
            return FR_FAIL(FR_ERR_DATA,
                           "data.sound: band %zu of %lld (%.4g to %.4g Hz) has no frequency of "
                           "a window of %g ms; take fewer mels or a longer window",
                           m, (long long)o->mels, left, right, o->window);
    }
    return FR_OK;
}

static void make_tables(fr_mel *mel)
{
    const double mels = (double)mel->options.mels;
    for (size_t i = 0; i < mel->window; i++)
        mel->hann[i] = 0.5 - 0.5 * cos(2 * PI * (double)i / (double)mel->window);
    for (size_t k = 0; k < (size_t)mel->options.coefficients; k++)
        for (size_t m = 0; m < (size_t)mel->options.mels; m++)
            mel->cosine[k * (size_t)mel->options.mels + m] =
                sqrt((k == 0 ? 1 : 2) / mels) * cos(PI * (double)k * ((double)m + 0.5) / mels);
}

static fr_status get_memory(fr_mel *mel)
{
    const size_t mels = (size_t)mel->options.mels;
    mel->hann = fr_alloc(mel->window, sizeof *mel->hann);
    mel->bank = fr_alloc(mels * mel->bins, sizeof *mel->bank);
    mel->first = fr_alloc(mels, sizeof *mel->first);
    mel->last = fr_alloc(mels, sizeof *mel->last);
    mel->cosine = fr_alloc((size_t)mel->options.coefficients * mels, sizeof *mel->cosine);
    mel->frame = fr_alloc(mel->length, sizeof *mel->frame);
    mel->spectrum = fr_alloc(mel->bins, sizeof *mel->spectrum);
    mel->power = fr_alloc(mel->bins, sizeof *mel->power);
    mel->band = fr_alloc(mels, sizeof *mel->band);
    const bool good = mel->hann != NULL && mel->bank != NULL && mel->first != NULL &&
                      mel->last != NULL && mel->cosine != NULL && mel->frame != NULL &&
                      mel->spectrum != NULL && mel->power != NULL && mel->band != NULL;
    if (!good) return FR_ERR_MEMORY;
    mel->plan =
        fftwf_plan_dft_r2c_1d((int)mel->length, mel->frame, mel->spectrum, FFTW_ESTIMATE);
    return mel->plan != NULL
               ? FR_OK
               : FR_FAIL(FR_ERR_MEMORY, "FFTW has no plan for %zu samples", mel->length);
}

fr_status fr_mel_create(const fr_sound_options *options, fr_mel **out)
{
    const double high = options->high > 0 ? options->high : (double)options->rate / 2;
    *out = NULL;
    FR_TRY(check_settings(options, high));
    fr_mel *mel = fr_alloc(1, sizeof *mel);
    if (mel == NULL) return FR_ERR_MEMORY;
    mel->options = *options;
    mel->window = (size_t)fmax(2, round(options->window * (double)options->rate / 1000));
    mel->hop = (size_t)fmax(1, round(options->hop * (double)options->rate / 1000));
    for (mel->length = 2; mel->length < mel->window;) mel->length *= 2;
    mel->bins = mel->length / 2 + 1;
    fr_status st = get_memory(mel);
    if (st == FR_OK) make_tables(mel);
    if (st == FR_OK) st = make_bank(mel, high);
    if (st != FR_OK) fr_mel_destroy(&mel);
    *out = mel;
    return st;
}

void fr_mel_destroy(fr_mel **mel)
{
    fr_mel *m = *mel;
    if (m == NULL) return;
    if (m->plan != NULL) fftwf_destroy_plan(m->plan);
    free(m->hann);
    free(m->bank);
    free(m->first);
    free(m->last);
    free(m->cosine);
    free(m->frame);
    free(m->spectrum);
    free(m->power);
    free(m->band);
    free(m->matrix);
    free(m);
    *mel = NULL;
}

size_t fr_mel_width(const fr_mel *mel)
{
    const fr_sound_options *o = &mel->options;
    return (size_t)(o->features == FR_SOUND_MFCC ? o->coefficients : o->mels);
}

size_t fr_mel_row_size(const fr_mel *mel)
{
    const size_t frames = mel->options.length == FR_LENGTH_STATISTICS
                              ? 2 /* mean, deviation */
                              : (size_t)mel->options.frames;
    return frames * fr_mel_width(mel);
}

/* One frame of n <= window samples into out (width). */
static void transform(fr_mel *mel, const float *samples, size_t n, double *out)
{
    const size_t mels = (size_t)mel->options.mels;
    memset(mel->frame, 0, mel->length * sizeof *mel->frame);
    for (size_t i = 0; i < n; i++) mel->frame[i] = (float)(samples[i] * mel->hann[i]);
    fftwf_execute(mel->plan);
    for (size_t k = 0; k < mel->bins; k++) {
        const double re = mel->spectrum[k][0], im = mel->spectrum[k][1];
        mel->power[k] = re * re + im * im;
    }
    for (size_t m = 0; m < mels; m++) {
        double sum = 0;
        for (size_t k = mel->first[m]; k < mel->last[m]; k++)
            sum += mel->bank[m * mel->bins + k] * mel->power[k];
        mel->band[m] = log(fmax(sum, FLOOR));
    }
    if (mel->options.features == FR_SOUND_LOG_MEL) {
        memcpy(out, mel->band, mels * sizeof *out);
        return;
    }
    for (size_t k = 0; k < (size_t)mel->options.coefficients; k++) {
        double sum = 0;
        for (size_t m = 0; m < mels; m++) sum += mel->cosine[k * mels + m] * mel->band[m];
        out[k] = sum;
    }
}

/* Mean and deviation of a coefficient over frames [from, to). */
static void describe(const fr_mel *mel, size_t c, size_t from, size_t to, double moments[2])
{
    const size_t width = fr_mel_width(mel);
    const double n = (double)(to - from);
    double sum = 0, squares = 0;
    for (size_t t = from; t < to; t++) sum += mel->matrix[t * width + c];
    moments[0] = sum / n;
    for (size_t t = from; t < to; t++) {
        const double d = mel->matrix[t * width + c] - moments[0];
        squares += d * d;
    }
    moments[1] = sqrt(squares / n);
}

static void normalize(fr_mel *mel, size_t frames)
{
    const size_t width = fr_mel_width(mel);
    for (size_t c = 0; c < width && mel->options.normalize != FR_NORMALIZE_NONE; c++) {
        double moments[2];
        describe(mel, c, 0, frames, moments);
        const bool divide =
            mel->options.normalize == FR_NORMALIZE_STANDARD && moments[1] > 1e-9;
        const double scale = divide ? 1 / moments[1] : 1;
        for (size_t t = 0; t < frames; t++)
            mel->matrix[t * width + c] = (mel->matrix[t * width + c] - moments[0]) * scale;
    }
}

/* Frames as many as there are to as many as a row has. */
static void fit_length(const fr_mel *mel, size_t frames, float *row)
{
    const size_t width = fr_mel_width(mel), wanted = (size_t)mel->options.frames;
    double moments[2];
    for (size_t c = 0; c < width && mel->options.length == FR_LENGTH_STATISTICS; c++) {
        describe(mel, c, 0, frames, moments);
        row[c] = (float)moments[0];
        row[width + c] = (float)moments[1];
    }
    if (mel->options.length == FR_LENGTH_STATISTICS) return;
    for (size_t s = 0; s < wanted; s++) {
        size_t from = s < frames ? s : frames - 1, to = from + 1;
        if (mel->options.length == FR_LENGTH_SEGMENTS) {
            from = s * frames / wanted;
            to = (s + 1) * frames / wanted;
            if (to <= from) to = from + 1;
        }
        for (size_t c = 0; c < width; c++) {
            describe(mel, c, from, to, moments);
            row[s * width + c] = (float)moments[0];
        }
    }
}

fr_status fr_mel_row(fr_mel *mel, const float *samples, size_t n, float *row)
{
    const size_t width = fr_mel_width(mel);
    const size_t frames = n < mel->window ? 1 : 1 + (n - mel->window) / mel->hop;
    void *matrix = mel->matrix;
    const fr_status st = fr_grow(&matrix, &mel->capacity, frames * width, sizeof *mel->matrix);
    mel->matrix = matrix;
    FR_TRY(st);
    for (size_t t = 0; t < frames; t++) {
        const size_t at = t * mel->hop, left = n - at;
        transform(mel, samples + at, left < mel->window ? left : mel->window,
                  mel->matrix + t * width);
    }
    normalize(mel, frames);
    fit_length(mel, frames, row);
    return FR_OK;
}
