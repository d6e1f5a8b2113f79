// wire_int.h -- little-endian numbers of the frames.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PIPE_WIRE_INT_H
#define PL_PIPE_WIRE_INT_H

#include "base/base.h"

static inline void pl_wire_put_u32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (char)(unsigned char)(value >> (8 * i));
}

static inline uint32_t pl_wire_get_u32(const char *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value |= (uint32_t)(unsigned char)at[i] << (8 * i);
    return value;
}

#endif
