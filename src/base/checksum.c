/* SPDX-License-Identifier: BSD-3-Clause */
/* checksum.c - CRC-32C by nibbles, and FNV-1a over 8-byte words.
 *
 * Journal records are short, so a 16-entry table is fast enough; zlib has only the other CRC.
 * Data sets are fingerprinted whole, hence the words. */
#include "foldrank/checksum.h"

#include <string.h>

uint32_t fr_crc32c(uint32_t crc, const void *data, size_t n)
{
    static const uint32_t table[16] = {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1,
                                       0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
                                       0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                       0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
    const unsigned char *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        crc = table[crc & 15] ^ (crc >> 4);
        crc = table[crc & 15] ^ (crc >> 4);
    }
    return ~crc;
}

uint64_t fr_fingerprint(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    const uint64_t prime = UINT64_C(0x100000001b3);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        hash = (hash ^ word) * prime;
        hash ^= hash >> 32; /* FNV moves bits upward only; words need the way down too */
    }
    for (; i < n; i++) hash = (hash ^ bytes[i]) * prime;
    return hash;
}
