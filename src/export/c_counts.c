/* SPDX-License-Identifier: BSD-3-Clause */
/* c_counts.c - how counts are weighed, as statements of C: to the bits of transform_sparse.c,
 * as a tree may split at a value that rows have. */
#include "internal.h"

void fr_c_unit_row(size_t n, fr_text *out)
{
    fr_text_add(out,
                "    {\n        double square = 0.0, factor;\n"
                "        for (i = 0; i < %zu; i++) square += (double)a[i] * (double)a[i];\n"
                "        factor = square > 0.0 ? 1.0 / sqrt(square) : 1.0;\n"
                "        for (i = 0; i < %zu; i++) a[i] = (float)((double)a[i] * factor);\n"
                "    }\n",
                n, n);
}
