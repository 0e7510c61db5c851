/* SPDX-License-Identifier: BSD-3-Clause */
/* checksum.c - CRC-32C by nibbles, FNV-1a over 8-byte words, and MurmurHash3.
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

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static uint32_t murmur_word(uint32_t word)
{
    return rotate(word * UINT32_C(0xcc9e2d51), 15) * UINT32_C(0x1b873593);
}

uint32_t fr_murmur3(uint32_t seed, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    uint32_t hash = seed, word = 0;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        word = (uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8 | (uint32_t)bytes[i + 2] << 16 |
               (uint32_t)bytes[i + 3] << 24;
        hash = rotate(hash ^ murmur_word(word), 13) * 5 + UINT32_C(0xe6546b64);
    }
    word = 0;
    for (size_t k = n - i; k > 0; k--) word = word << 8 | bytes[i + k - 1];
    hash ^= murmur_word(word) ^ (uint32_t)n;
    hash = (hash ^ hash >> 16) * UINT32_C(0x85ebca6b);
    hash = (hash ^ hash >> 13) * UINT32_C(0xc2b2ae35);
    return hash ^ hash >> 16;
}
