/* SPDX-License-Identifier: BSD-3-Clause */
/* version.h - of the program; goes into every file it writes. */
#ifndef FR_VERSION_H
#define FR_VERSION_H

#define FR_VERSION "0.1.0"
enum { FR_VERSION_MAJOR = 0, FR_VERSION_MINOR = 1, FR_VERSION_PATCH = 0 };

#endif
