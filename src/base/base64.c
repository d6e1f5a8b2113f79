// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { GROUPS = 4 }; // of three bytes, which are four letters
typedef uint32_t groups __attribute__((vector_size(4 * GROUPS)));
typedef uint8_t letters __attribute__((vector_size(4 * GROUPS)));

// Without a table, and a third of the instructions. Reads a byte more.
static inline void write_groups(char *to, const char *from)
{
    uint32_t each[GROUPS];
    for (int i = 0; i < GROUPS; i++) memcpy(&each[i], from + 3 * i, sizeof each[i]);
    groups x; // in each the first byte is lowest, and so is the first letter
    memcpy(&x, each, sizeof x);
    x = (x >> 2 & 0x3F) | (x << 12 & 0x3000) | (x >> 4 & 0x0F00) | (x << 10 & 0x3C0000) |
        (x >> 6 & 0x030000) | (x << 8 & 0x3F000000);
    letters value = (letters)x, at = value + 'A';
    at += (letters)(value > 25) & (uint8_t)('a' - 'Z' - 1);
    at += (letters)(value > 51) & (uint8_t)('0' - 'z' - 1);
    at += (letters)(value > 61) & (uint8_t)('+' - '9' - 1);
    at += (letters)(value > 62) & (uint8_t)('/' - '+' - 1);
    memcpy(to, &at, sizeof at);
}

void pl_base64_write(pl_buf *out, pl_span bytes)
{
    pl_buf_reserve(out, bytes.bytes / 3 * 4 + 4);
    size_t whole = bytes.bytes - bytes.bytes % 3, at = 0;
    char *to = out->data + out->count;
    for (; bytes.bytes - at > 3 * GROUPS; at += 3 * GROUPS, to += 4 * GROUPS)
        write_groups(to, bytes.data + at);
    for (; at < whole; at += 3, to += 4) {
        const uint8_t *from = (const uint8_t *)bytes.data + at;
        uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        to[0] = LETTERS[group >> 18];
        to[1] = LETTERS[group >> 12 & 63];
        to[2] = LETTERS[group >> 6 & 63];
        to[3] = LETTERS[group & 63];
    }
    out->count += whole / 3 * 4;
    for (size_t i = whole; i < bytes.bytes; i += 3) {
        size_t left = PL_MIN(bytes.bytes - i, (size_t)3);
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (j < left ? (uint8_t)bytes.data[i + j] : 0u);
        for (size_t j = 0; j <= left; j++) pl_buf_char(out, LETTERS[group >> (18 - 6 * j) & 63]);
    }
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool pl_base64_read(pl_buf *out, pl_span text)
{
    uint32_t group = 0, bits = 0;
    if (text.bytes % 4 == 1) return false;
    pl_buf_reserve(out, text.bytes / 4 * 3 + 3);
    for (size_t i = 0; i < text.bytes; i++) {
        int value = value_of(text.data[i]);
        if (value < 0) return false;
        group = group << 6 | (uint32_t)value;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        pl_buf_char(out, (char)(uint8_t)(group >> bits));
        group &= (1u << bits) - 1;
    }
    return group == 0; // bits behind the last byte
}
