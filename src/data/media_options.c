/* SPDX-License-Identifier: BSD-3-Clause */
/* media_options.c - the settings of sounds and images. */
#include <stddef.h>

#include "foldrank/media.h"

static const char *const feature_words[] = {"mfcc", "log_mel", NULL};
static const char *const normalize_words[] = {"none", "mean", "standard", NULL};
static const char *const length_words[] = {"segments", "pad", "statistics", NULL};
static const char *const color_words[] = {"gray", "rgb", NULL};

#define AT(field) .offset = offsetof(fr_sound_options, field)
const fr_option fr_sound_option_table[FR_SOUND_OPTIONS] = {
    {"rate", FR_OPTION_INT, AT(rate), "16000", .low = 1000, .high = 768000,
     .help = "samples per second of every file [Hz]"},
    {"features", FR_OPTION_WORD, AT(features), "mfcc", .words = feature_words,
     .help = "mfcc: cepstral coefficients; log_mel: logarithms of mel bands"},
    {"window", FR_OPTION_DOUBLE, AT(window), "25", .low = 1, .high = 1000,
     .help = "length of a frame [ms]"},
    {"hop", FR_OPTION_DOUBLE, AT(hop), "10", .low = 0.5, .high = 1000,
     .help = "from one frame's begin to the next one's [ms]"},
    {"mels", FR_OPTION_INT, AT(mels), "40", .low = 2, .high = 1024, .help = "mel bands"},
    {"coefficients", FR_OPTION_INT, AT(coefficients), "13", .low = 1, .high = 1024,
     .help = "mfcc: coefficients of a frame, at most as many as mels"},
    {"low", FR_OPTION_DOUBLE, AT(low), "0", .high = 384000,
     .help = "where the lowest band begins [Hz]"},
    {"high", FR_OPTION_DOUBLE, AT(high), "0", .high = 384000,
     .help = "where the highest band ends [Hz]; 0: half the rate"},
    {"normalize", FR_OPTION_WORD, AT(normalize), "none", .words = normalize_words,
     .help = "each coefficient over a sound's frames: mean 0; standard: and deviation 1"},
    {"length", FR_OPTION_WORD, AT(length), "segments", .words = length_words,
     .help = "rows of one length: means of segments, the first frames padded, or mean and "
             "deviation"},
    {"frames", FR_OPTION_INT, AT(frames), "20", .low = 1, .high = 100000,
     .help = "segments, pad: how many in a row"},
};
#undef AT

#define AT(field) .offset = offsetof(fr_image_options, field)
const fr_option fr_image_option_table[FR_IMAGE_OPTIONS] = {
    {"color", FR_OPTION_WORD, AT(color), "gray", .words = color_words,
     .help = "one value for a pixel, or red, green and blue"},
    {"size", FR_OPTION_INTS, AT(size), "[]", .low = 1, .high = 4096,
     .help = "[height, width] that every image is resized to; []: all have one size already"},
};
