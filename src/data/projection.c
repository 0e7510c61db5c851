/* SPDX-License-Identifier: BSD-3-Clause */
/* projection.c - the matrix that may follow the features: its memory and its bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "transform.h"

void fr_projection_destroy(fr_projection **projection)
{
    if (*projection == NULL) return;
    free((*projection)->weights);
    free((*projection)->bias);
    free(*projection);
    *projection = NULL;
}

fr_status fr_projection_create(size_t in, size_t out, fr_projection **projection)
{
    fr_projection *p = fr_alloc(1, sizeof *p);
    *projection = p;
    if (p == NULL) return FR_ERR_MEMORY;
    p->in = in;
    p->out = out;
    p->weights = in > SIZE_MAX / out ? NULL : fr_alloc(in * out, sizeof *p->weights);
    p->bias = fr_alloc(out, sizeof *p->bias);
    if (p->weights != NULL && p->bias != NULL) return FR_OK;
    fr_projection_destroy(projection);
    return FR_ERR_MEMORY;
}

void fr_projection_pack(const fr_projection *p, fr_pack *out)
{
    fr_pack_u8(out, p != NULL);
    if (p == NULL) return;
    fr_pack_u64(out, p->in);
    fr_pack_u64(out, p->out);
    fr_pack_double(out, p->amplitude);
    fr_pack_bytes(out, p->weights, p->in * p->out * sizeof *p->weights);
    fr_pack_bytes(out, p->bias, p->out * sizeof *p->bias);
}

static bool take_floats(fr_unpack *in, float *to, size_t n)
{
    const void *from = fr_unpack_bytes(in, n * sizeof *to);
    if (from == NULL) return false;
    memcpy(to, from, n * sizeof *to);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(to[i])) return false;
    return true;
}

fr_status fr_projection_unpack(fr_unpack *in, size_t width, fr_projection **out)
{
    *out = NULL;
    if (fr_unpack_u8(in) == 0) return FR_OK;
    const uint64_t inputs = fr_unpack_u64(in), outputs = fr_unpack_u64(in);
    const double amplitude = fr_unpack_double(in);
    const uint64_t most = fr_unpack_left(in) / sizeof(float);
    const bool good = !in->failed && inputs == width && inputs > 0 && outputs > 0 &&
                      outputs <= most / inputs && amplitude >= 0 && isfinite(amplitude);
    if (good) {
        FR_TRY(fr_projection_create(width, (size_t)outputs, out));
        (*out)->amplitude = (float)amplitude;
        if (take_floats(in, (*out)->weights, width * (size_t)outputs) &&
            take_floats(in, (*out)->bias, (size_t)outputs))
            return FR_OK;
    }
    fr_projection_destroy(out);
    return FR_FAIL(FR_ERR_FORMAT, "the projection of the preprocessing is damaged");
}
