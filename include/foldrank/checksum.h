/* SPDX-License-Identifier: BSD-3-Clause */
/* checksum.h - CRC32C for torn records, a 64-bit fingerprint that tells studies and data apart,
 * and the hash of features. None is a protection against intent. Local. */
#ifndef FR_CHECKSUM_H
#define FR_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli, reflected 0x82F63B78). Start with crc = 0; feed pieces in order. */
uint32_t fr_crc32c(uint32_t crc, const void *data, size_t n);

/* FNV-1a with a final mix. Start with FR_FINGERPRINT_START; feed pieces in order. */
#define FR_FINGERPRINT_START UINT64_C(0xcbf29ce484222325)
uint64_t fr_fingerprint(uint64_t hash, const void *data, size_t n);

/* MurmurHash3_x86_32 (Appleby), with which scikit-learn hashes features. */
uint32_t fr_murmur3(uint32_t seed, const void *data, size_t n);

#endif
