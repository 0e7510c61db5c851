/* SPDX-License-Identifier: BSD-3-Clause */
/* pack.h - values to bytes and back, for messages and journal records.
 *
 * Little-endian, no padding. A reader never goes beyond its bytes: reading past the end sets
 * `failed` and gives zeros, so that a whole record is read first and checked once. All Local.
 */
#ifndef FR_PACK_H
#define FR_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

/* Start with {0}; release with fr_pack_clear. `failed` is set when memory runs out. */
typedef struct {
    unsigned char *data;
    size_t size;
    size_t capacity;
    bool failed;
} fr_pack;

void fr_pack_u8(fr_pack *pack, uint8_t value);
void fr_pack_u32(fr_pack *pack, uint32_t value);
void fr_pack_u64(fr_pack *pack, uint64_t value);
void fr_pack_double(fr_pack *pack, double value);
void fr_pack_doubles(fr_pack *pack, const double *values, size_t n); /* without the count */
void fr_pack_string(fr_pack *pack, const char *text);           /* length, bytes; NULL = "" */
void fr_pack_bytes(fr_pack *pack, const void *bytes, size_t n); /* without the count */
void fr_pack_reset(fr_pack *pack);                              /* empty, keeping the memory */
void fr_pack_clear(fr_pack *pack);

/* Borrows `data` while in use. */
typedef struct {
    const unsigned char *data;
    size_t size;
    size_t at;
    bool failed;
} fr_unpack;

fr_unpack fr_unpack_make(const void *data, size_t size);
uint8_t fr_unpack_u8(fr_unpack *in);
uint32_t fr_unpack_u32(fr_unpack *in);
uint64_t fr_unpack_u64(fr_unpack *in);
double fr_unpack_double(fr_unpack *in);
void fr_unpack_doubles(fr_unpack *in, double *out, size_t n);
char *fr_unpack_string(fr_unpack *in); /* owned by the caller (free); NULL on failure */
const void *fr_unpack_bytes(fr_unpack *in, size_t n); /* inside data; NULL on failure */
size_t fr_unpack_left(const fr_unpack *in);

#endif
