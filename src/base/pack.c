/* SPDX-License-Identifier: BSD-3-Clause */
/* pack.c - little-endian bytes. */
#include "foldrank/pack.h"

#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"

void fr_pack_bytes(fr_pack *pack, const void *bytes, size_t n)
{
    if (pack->failed || n == 0) return;
    void *block = pack->data;
    pack->failed = fr_grow(&block, &pack->capacity, pack->size + n, 1) != FR_OK;
    pack->data = block;
    if (pack->failed) return;
    memcpy(pack->data + pack->size, bytes, n);
    pack->size += n;
}

void fr_pack_u8(fr_pack *pack, uint8_t value)
{
    fr_pack_bytes(pack, &value, 1);
}

static void put_word(fr_pack *pack, uint64_t value, size_t bytes)
{
    unsigned char word[8];
    for (size_t i = 0; i < bytes; i++) word[i] = (unsigned char)(value >> (8 * i));
    fr_pack_bytes(pack, word, bytes);
}

void fr_pack_u32(fr_pack *pack, uint32_t value)
{
    put_word(pack, value, 4);
}

void fr_pack_u64(fr_pack *pack, uint64_t value)
{
    put_word(pack, value, 8);
}

void fr_pack_double(fr_pack *pack, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_word(pack, bits, 8);
}

void fr_pack_doubles(fr_pack *pack, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) fr_pack_double(pack, values[i]);
}

void fr_pack_string(fr_pack *pack, const char *text)
{
    const size_t n = text == NULL ? 0 : strlen(text);
    fr_pack_u32(pack, (uint32_t)n);
    fr_pack_bytes(pack, text, n);
}

void fr_pack_reset(fr_pack *pack)
{
    pack->size = 0;
}

void fr_pack_clear(fr_pack *pack)
{
    free(pack->data);
    *pack = (fr_pack){0};
}

fr_unpack fr_unpack_make(const void *data, size_t size)
{
    return (fr_unpack){.data = data, .size = size};
}

const void *fr_unpack_bytes(fr_unpack *in, size_t n)
{
    if (in->failed || n > in->size - in->at) {
        in->failed = true;
        return NULL;
    }
    const void *here = in->data + in->at;
    in->at += n;
    return here;
}

static uint64_t get_word(fr_unpack *in, size_t bytes)
{
    const unsigned char *word = fr_unpack_bytes(in, bytes);
    uint64_t value = 0;
    for (size_t i = 0; word != NULL && i < bytes; i++) value |= (uint64_t)word[i] << (8 * i);
    return value;
}

uint8_t fr_unpack_u8(fr_unpack *in)
{
    return (uint8_t)get_word(in, 1);
}

uint32_t fr_unpack_u32(fr_unpack *in)
{
    return (uint32_t)get_word(in, 4);
}

uint64_t fr_unpack_u64(fr_unpack *in)
{
    return get_word(in, 8);
}

double fr_unpack_double(fr_unpack *in)
{
    const uint64_t bits = get_word(in, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void fr_unpack_doubles(fr_unpack *in, double *out, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = fr_unpack_double(in);
}

char *fr_unpack_string(fr_unpack *in)
{
    const uint32_t n = fr_unpack_u32(in);
    const char *bytes = fr_unpack_bytes(in, n);
    if (bytes == NULL) return NULL;
    char *text = malloc((size_t)n + 1);
    if (text == NULL) {
        in->failed = true;
        return NULL;
    }
    memcpy(text, bytes, n);
    text[n] = '\0';
    return text;
}

size_t fr_unpack_left(const fr_unpack *in)
{
    return in->failed ? 0 : in->size - in->at;
}
