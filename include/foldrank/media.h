/* SPDX-License-Identifier: BSD-3-Clause */
/* media.h - what becomes of sounds and images when they are read: one file is one row.
 *
 * Sounds (what libsndfile reads; channels are averaged, samples lie in -1 to 1):
 *
 * - frames: `window` ms every `hop` ms from the first sample on, none beyond the last one; a
 *   sound shorter than a window is followed by zeros.
 * - power: |FFT|^2 of a frame times a periodic Hann window, zeros up to a power of two.
 * - log_mel: ln(max(1e-10, sum)) over each of `mels` triangles of height 1, whose corners are
 *   evenly spaced between `low` and `high` on HTK's scale 2595 log10(1 + f / 700): librosa's
 *   mel(htk=True, norm=None) with center=False.
 * - mfcc: the first `coefficients` of the orthonormal DCT-II of log_mel.
 * - normalize: takes from each coefficient its mean over the sound's frames (and divides by its
 *   deviation): what a room or a microphone adds goes away.
 *
 * A row has the same length whatever the sound's:
 *
 * - segments: `frames` equal stretches of frames, the mean of each; time-major, (frames,
 * width).
 * - pad: the first `frames` frames; behind the last one it is repeated; (frames, width).
 * - statistics: mean and deviation over all frames, (2, width).
 *
 * Images (PNG): pixels as bytes, (height, width) gray or (height, width, 3), with alpha on
 * black. `size` resizes by areas: a new pixel is the mean of what it covers of the old ones. */
#ifndef FR_MEDIA_H
#define FR_MEDIA_H

#include "foldrank/option.h"

typedef enum { FR_SOUND_MFCC, FR_SOUND_LOG_MEL } fr_sound_feature;
typedef enum { FR_NORMALIZE_NONE, FR_NORMALIZE_MEAN, FR_NORMALIZE_STANDARD } fr_sound_normalize;
typedef enum { FR_LENGTH_SEGMENTS, FR_LENGTH_PAD, FR_LENGTH_STATISTICS } fr_sound_length;

/* Study key `data.sound`. */
typedef struct {
    int64_t rate;               /* samples per second of every file [Hz] */
    int features;               /* fr_sound_feature */
    double window, hop;         /* [ms] */
    int64_t mels, coefficients; /* triangles; of the cosine transform */
    double low, high;           /* [Hz]; high 0: half the rate */
    int normalize;              /* fr_sound_normalize */
    int length;                 /* fr_sound_length */
    int64_t frames;             /* segments, pad: in a row */
} fr_sound_options;

typedef enum { FR_COLOR_GRAY, FR_COLOR_RGB } fr_image_color;

/* Study key `data.image`. */
typedef struct {
    int color;    /* fr_image_color */
    fr_ints size; /* height, width; none: that of the files */
} fr_image_options;

enum { FR_SOUND_OPTIONS = 11, FR_IMAGE_OPTIONS = 2 };
extern const fr_option fr_sound_option_table[FR_SOUND_OPTIONS];
extern const fr_option fr_image_option_table[FR_IMAGE_OPTIONS];

#endif
