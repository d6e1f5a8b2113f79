// text_tmpl.h -- the kernels of text.h, written once, included per level by text.c.
//
// The including file defines
//   K(x)           names this instance: x##_avx2
//   TARGET         enables the instructions for these functions only, so that one binary runs on
//                  every x86-64
//   vec, VEC       a vector, and its size in bytes (16 or 32)
//   LOAD STORE SPLAT TABLE    TABLE: sixteen bytes, repeated
//   EQ OR AND XOR MIN LESS    on bytes without sign; LESS subtracts down to 0
//   LOOKUP HIGH MASK          HIGH: the upper half of each byte; MASK: the top bit of each byte
//   BEFORE(v, earlier, n)     the bytes n places before those of v; `earlier` stands before v
//
// SPDX-License-Identifier: Apache-2.0

// Not zero where a byte of `block` makes what stands before and with it no UTF-8.
TARGET static inline vec K(faults)(vec block, vec earlier)
{
    vec before = BEFORE(block, earlier, 1);
    vec pairs = AND(AND(LOOKUP(TABLE(first_high), HIGH(before)),
                        LOOKUP(TABLE(first_low), AND(before, SPLAT(0x0F)))),
                    LOOKUP(TABLE(second_high), HIGH(block)));
    // 0x80 and more where the byte is the third or fourth of a sequence.
    vec third = LESS(BEFORE(block, earlier, 2), SPLAT(0xE0 - 0x80));
    vec fourth = LESS(BEFORE(block, earlier, 3), SPLAT(0xF0 - 0x80));
    return XOR(pairs, AND(OR(third, fourth), SPLAT(0x80)));
}

TARGET static size_t K(string)(pl_span text, size_t at, pl_simd_string *ret_found)
{
    char last[VEC];
    vec earlier = SPLAT(0);
    size_t plain = at; // bytes before it are known not to end the string
    *ret_found = (pl_simd_string){0};
    for (;; at += VEC) {
        const char *data = text.data + at;
        if (PL_UNLIKELY(text.bytes - at < VEC)) { // a zero behind the text stops, too
            memset(last, 0, sizeof last);
            if (text.bytes > at) memcpy(last, data, text.bytes - at);
            data = last;
        }
        vec block = LOAD(data);
        uint32_t stops = MASK(OR(OR(EQ(block, SPLAT('"')), EQ(block, SPLAT('\\'))),
                                 EQ(MIN(block, SPLAT(0x1F)), block)));
        uint32_t right = MASK(EQ(K(faults)(block, earlier), SPLAT(0)));
        earlier = block;
        if (plain > at) stops &= ~UINT32_C(0) << (plain - at); // an escape is shorter than a block
        for (; stops; stops = plain - at < VEC ? stops & ~UINT32_C(0) << (plain - at) : 0) {
            size_t stop = at + (size_t)__builtin_ctz(stops), escape = 0;
            if (stop < text.bytes && text.data[stop] == '\\') escape = escape_bytes(text, stop);
            if (!escape) {
                ret_found->broken |= (~right & ((UINT32_C(2) << (stop - at)) - 1)) != 0;
                return stop;
            }
            ret_found->escaped = true;
            plain = stop + escape;
        }
        ret_found->broken |= right != (uint32_t)((UINT64_C(1) << VEC) - 1);
    }
}

TARGET static char *K(unescape)(char *out, pl_span inside)
{
    const char *from = inside.data, *end = from + inside.bytes;
    while (end - from >= VEC) {
        vec block = LOAD(from);
        uint32_t stops = MASK(EQ(block, SPLAT('\\')));
        STORE(out, block); // what is too much of it is written over
        if (!stops) {
            out += VEC;
            from += VEC;
            continue;
        }
        out += __builtin_ctz(stops);
        from += __builtin_ctz(stops);
        do out = put_escape(out, &from);
        while (from < end && *from == '\\'); // they come in swarms
    }
    size_t left = (size_t)(end - from);
    if (left && left < VEC && inside.bytes >= VEC) { // a block that ends there shows what is left
        uint32_t stops = MASK(EQ(LOAD(end - VEC), SPLAT('\\')));
        if (!(stops >> (VEC - left))) {
            pl_copy(out, from, left);
            return out + left;
        }
    }
    return unescape_scalar(out, (pl_span){from, left});
}

#undef K
#undef TARGET
#undef VEC
#undef vec
#undef LOAD
#undef STORE
#undef SPLAT
#undef TABLE
#undef EQ
#undef OR
#undef AND
#undef XOR
#undef MIN
#undef LESS
#undef LOOKUP
#undef HIGH
#undef BEFORE
#undef MASK
