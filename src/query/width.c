// SPDX-License-Identifier: Apache-2.0
#include "query/width_int.h"

typedef struct range {
    uint32_t first, last;
} range;

// The blocks that matter, not Unicode's whole tables: a wrong guess costs alignment, no data.
static const range ZERO[] = {
    {0x0300, 0x036f},   {0x0483, 0x0489},   {0x0591, 0x05bd},   {0x064b, 0x065f}, {0x200b, 0x200f},
    {0x202a, 0x202e},   {0x2060, 0x2064},   {0x20d0, 0x20f0},   {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    {0x1f3fb, 0x1f3ff}, {0xe0020, 0xe007f}, {0xe0100, 0xe01ef},
};
static const range WIDE[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2614, 0x2615},
    {0x26a1, 0x26a1},   {0x2705, 0x2705},   {0x2728, 0x2728},   {0x274c, 0x274c},
    {0x2b50, 0x2b50},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static bool is_in(const range *ranges, size_t count, uint32_t point)
{
    for (size_t i = 0; i < count; i++)
        if (point >= ranges[i].first && point <= ranges[i].last) return true;
    return false;
}

static size_t width_of(uint32_t point)
{
    if (is_in(ZERO, PL_COUNT(ZERO), point)) return 0;
    return is_in(WIDE, PL_COUNT(WIDE), point) ? 2 : 1;
}

size_t pl_query__width(pl_span text)
{
    size_t width = 0;
    for (size_t at = 0; at < text.bytes;) {
        unsigned char c = (unsigned char)text.data[at++];
        int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
        uint32_t point = more == 3 ? c & 7u : more == 2 ? c & 15u : more ? c & 31u : c;
        while (more-- > 0 && at < text.bytes && ((unsigned char)text.data[at] & 0xc0) == 0x80)
            point = point << 6 | ((unsigned char)text.data[at++] & 63u);
        width += point < 0x300 ? 1 : width_of(point);
    }
    return width;
}
