/* SPDX-License-Identifier: BSD-3-Clause */
/* sound.c - files of sound by libsndfile: WAV and what else it reads, as one channel.
 *
 * The library reads a WAV file that was cut off as a shorter one; here that is an error. */
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "media.h"
#include "mel.h"

enum { BLOCK_FRAMES = 1 << 14, CHANNELS_MAX = 64 };

typedef struct {
    fr_sound_options options;
    fr_mel *mel;
    float *samples; /* of the file at hand, one channel */
    size_t capacity;
    float *block; /* (BLOCK_FRAMES, channels) */
    size_t block_capacity;
} sound_state;

static uint32_t little_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* Bytes of sound that the head of a RIFF file promises, and those that are there; equal where
 * it promises nothing. A size of all ones is what a pipe leaves. */
static void promised_bytes(const char *path, uint64_t *promised, uint64_t *there)
{
    unsigned char head[12];
    FILE *file = fopen(path, "rb");
    *promised = *there = 0;
    if (file == NULL) return;
    const bool riff = fread(head, 1, sizeof head, file) == sizeof head &&
                      memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WAVE", 4) == 0;
    while (riff && fread(head, 1, 8, file) == 8) {
        const uint32_t size = little_endian(head + 4);
        if (memcmp(head, "data", 4) != 0) {
            if (fseek(file, (long)size + (size & 1), SEEK_CUR) != 0) break;
            continue;
        }
        const long at = ftell(file);
        if (size == UINT32_MAX || fseek(file, 0, SEEK_END) != 0) break;
        *promised = size;
        *there = (uint64_t)(ftell(file) - at);
        break;
    }
    fclose(file);
}

static fr_status check_info(const char *path, const SF_INFO *info, int64_t rate)
{
    uint64_t promised, there;
    promised_bytes(path, &promised, &there);
    if (there < promised)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: is cut off: %llu of the %llu bytes of sound that its head promises "
                       "are there",
                       path, (unsigned long long)there, (unsigned long long)promised);
    if (info->frames <= 0) return FR_FAIL(FR_ERR_DATA, "%s: has no samples", path);
    if (info->samplerate != rate)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: has %d samples a second, but data.sound.rate is %lld; set that, or "
                       "resample the file",
                       path, info->samplerate, (long long)rate);
    if (info->channels > CHANNELS_MAX)
        return FR_FAIL(FR_ERR_DATA, "%s: has %d channels; up to %d can be used", path,
                       info->channels, CHANNELS_MAX);
    return FR_OK;
}

static fr_status open_file(const char *path, int64_t rate, SF_INFO *info, SNDFILE **out)
{
    *info = (SF_INFO){0};
    *out = sf_open(path, SFM_READ, info);
    if (*out == NULL)
        return FR_FAIL(FR_ERR_DATA, "%s: is no sound that can be read: %s", path,
                       sf_strerror(NULL));
    const fr_status st = check_info(path, info, rate);
    if (st != FR_OK) {
        sf_close(*out);
        *out = NULL;
    }
    return st;
}

/* Mean of the channels of n frames behind the samples that are there. */
static fr_status mix_down(sound_state *s, const char *path, size_t at, size_t n,
                          size_t channels)
{
    void *samples = s->samples;
    const fr_status st = fr_grow(&samples, &s->capacity, at + n, sizeof *s->samples);
    s->samples = samples;
    FR_TRY(st);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t c = 0; c < channels; c++) sum += s->block[i * channels + c];
        if (!isfinite(sum))
            return FR_FAIL(FR_ERR_DATA, "%s: sample %zu is not a finite number", path, at + i);
        s->samples[at + i] = (float)(sum / (double)channels);
    }
    return FR_OK;
}

static fr_status read_samples(sound_state *s, const char *path, SNDFILE *file,
                              const SF_INFO *info, size_t *n)
{
    const size_t channels = (size_t)info->channels;
    void *block = s->block;
    const fr_status st =
        fr_grow(&block, &s->block_capacity, BLOCK_FRAMES * channels, sizeof *s->block);
    s->block = block;
    FR_TRY(st);
    for (*n = 0;;) {
        const sf_count_t now = sf_readf_float(file, s->block, BLOCK_FRAMES);
        if (now <= 0) break;
        FR_TRY(mix_down(s, path, *n, (size_t)now, channels));
        *n += (size_t)now;
    }
    if (sf_error(file) != SF_ERR_NO_ERROR)
        return FR_FAIL(FR_ERR_DATA, "%s: is damaged behind sample %zu: %s", path, *n,
                       sf_strerror(file));
    if (info->frames < SF_COUNT_MAX && (sf_count_t)*n < info->frames)
        return FR_FAIL(FR_ERR_DATA, "%s: is cut off: %zu of %lld samples are there", path, *n,
                       (long long)info->frames);
    return FR_OK;
}

static fr_status sound_read(void *state, const char *path, float *row)
{
    sound_state *s = state;
    SF_INFO info;
    SNDFILE *file;
    size_t n = 0;
    FR_TRY(open_file(path, s->options.rate, &info, &file));
    const fr_status st = read_samples(s, path, file, &info, &n);
    sf_close(file);
    FR_TRY(st);
    return fr_mel_row(s->mel, s->samples, n, row);
}

static void sound_close(void *state)
{
    sound_state *s = state;
    fr_mel_destroy(&s->mel);
    free(s->samples);
    free(s->block);
    free(s);
}

static fr_status sound_open(const fr_data_options *options, const fr_media_list *list,
                            void **state, size_t *features, fr_cell *cell)
{
    fr_mel *mel;
    FR_TRY(fr_mel_create(&options->sound, &mel));
    fr_status st = FR_OK;
    for (size_t i = 0; i < list->n && st == FR_OK; i++) {
        SF_INFO info;
        SNDFILE *file;
        st = open_file(list->path[i], options->sound.rate, &info, &file);
        if (st == FR_OK) sf_close(file);
    }
    sound_state *s = st == FR_OK ? fr_alloc(1, sizeof *s) : NULL;
    if (s == NULL) {
        fr_mel_destroy(&mel);
        return st == FR_OK ? FR_ERR_MEMORY : st;
    }
    s->options = options->sound;
    s->mel = mel;
    *state = s;
    *features = fr_mel_row_size(mel);
    *cell = FR_CELL_F32;
    return FR_OK;
}

/* mfcc3_t0, mel7_t12; mfcc3_mean, mfcc3_sd */
static void sound_name(const void *state, size_t feature, char out[64])
{
    const sound_state *s = state;
    const size_t width = fr_mel_width(s->mel), t = feature / width, c = feature % width;
    const char *what = s->options.features == FR_SOUND_MFCC ? "mfcc" : "mel";
    if (s->options.length == FR_LENGTH_STATISTICS)
        snprintf(out, 64, "%s%zu_%s", what, c, t == 0 ? "mean" : "sd");
    else
        snprintf(out, 64, "%s%zu_t%zu", what, c, t);
}

static const char *const endings[] = {".wav", ".flac", ".ogg", ".oga", ".opus",
                                      ".aif", ".aiff", ".au",  ".caf", NULL};
const fr_media_kind fr_media_sound = {endings, sound_open, sound_read, sound_name, sound_close};
