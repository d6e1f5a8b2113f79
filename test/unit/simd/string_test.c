// Every special byte on each of 64 places, in text that ends where readable memory ends: the wide
// forms find what the scalar form finds, and read nothing behind the end.
//
// SPDX-License-Identifier: Apache-2.0
#include "simd/string.h"

#include "guard.h"

enum { PLACES = 64 };

TEST(a_string_stops_where_the_scalar_form_stops)
{
    for (size_t bytes = 0; bytes <= PLACES; bytes++)
        for (size_t place = 0; place < bytes; place++)
            for (int byte = 0; byte < 256; byte++) {
                char *text = guarded(0, bytes);
                memset(text, 'a', bytes);
                text[place] = (char)byte;
                for (size_t at = 0; at <= place; at += 1 + place / 3) {
                    pl_span span = {text, bytes};
                    CHECK_INT(pl_scalar_string_plain(span, at), pl_simd_string_plain(span, at));
                }
            }
}

TEST(a_literal_is_there_only_if_every_byte_is)
{
    enum { LITERAL = 48 };
    char literal[LITERAL];
    for (int i = 0; i < LITERAL; i++) literal[i] = (char)('A' + i);
    for (size_t bytes = 1; bytes <= LITERAL; bytes++)
        for (size_t more = 0; more <= PLACES; more++) { // of the text, behind the literal
            char *text = guarded(0, bytes + more);
            memset(text, 'a', bytes + more);
            memcpy(text, literal, bytes);
            CHECK(pl_simd_begins(text, bytes + more, literal, bytes));
            if (!more) CHECK(!pl_simd_begins(text, bytes - 1, literal, bytes));
            for (size_t place = 0; place < bytes; place++) {
                text[place] ^= 0x40;
                CHECK(!pl_simd_begins(text, bytes + more, literal, bytes));
                text[place] ^= 0x40;
            }
        }
}

int main(void)
{
    return RUN_TESTS("simd/string", T(a_string_stops_where_the_scalar_form_stops),
                     T(a_literal_is_there_only_if_every_byte_is));
}
