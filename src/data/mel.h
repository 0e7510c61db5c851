/* SPDX-License-Identifier: BSD-3-Clause */
/* mel.h - samples to frames of mel bands or cepstral coefficients, as media.h defines them.
 *
 * The transform is planned without measuring, so the same build on the same kind of processor
 * gives the same bits. Not for several threads at once. All Local. */
#ifndef FR_DATA_MEL_H
#define FR_DATA_MEL_H

#include <stddef.h>

#include "foldrank/media.h"
#include "foldrank/status.h"

typedef struct fr_mel fr_mel;

/* FR_ERR_DATA where the settings contradict each other: more coefficients than bands, bands
 * above half the rate, bands so narrow that no frequency of the transform lies in one. */
FR_CHECKED fr_status fr_mel_create(const fr_sound_options *options, fr_mel **out);
void fr_mel_destroy(fr_mel **mel);

/* Numbers in a frame, and in the row of a sound. */
size_t fr_mel_width(const fr_mel *mel);
size_t fr_mel_row_size(const fr_mel *mel);

/* The row (row_size) of a sound of n >= 1 samples. FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_mel_row(fr_mel *mel, const float *samples, size_t n, float *row);

#endif
