// Every level against the scalar form, in text that ends where readable memory ends; and the
// scalar form against what the standards say, told a second time and as plainly as possible.
//
// SPDX-License-Identifier: Apache-2.0
#include "simd/text.h"

#include "guard.h"

enum { PLACES = 64 };

static const pl_simd *level(size_t index)
{
#ifdef __x86_64__
    if (index == 1) return __builtin_cpu_supports("sse4.2") ? &pl_simd_sse42 : NULL;
    if (index == 2) return __builtin_cpu_supports("avx2") ? &pl_simd_avx2 : NULL;
#endif
    return index == 0 ? &pl_simd_scalar : NULL;
}

static void show(const char *what, const pl_simd *simd, pl_span text, size_t at)
{
    print_error("%s, %s, from %zu:", what, simd->name, at);
    for (size_t i = 0; i < text.bytes; i++) print_error(" %02X", (uint8_t)text.data[i]);
    print_error("\n");
}

// All levels find in `text`, from `at` on, what the scalar one finds; it is copied to a page's end.
static void same_string(pl_span text, size_t at)
{
    pl_span end = {guarded(0, text.bytes), text.bytes};
    memcpy(guarded(0, text.bytes), text.data, text.bytes);
    pl_simd_string want, found;
    size_t stop = pl_simd_scalar.string(end, at, &want);
    for (size_t i = 1; level(i); i++) {
        memset(&found, 0xFF, sizeof found); // what is not written shows
        if (level(i)->string(end, at, &found) == stop && found.escaped == want.escaped &&
            found.broken == want.broken)
            continue;
        show("string", level(i), end, at);
        fail();
    }
}

// All levels write what the scalar one writes, and touch nothing else: neither behind both texts
// nor before them.
static void same_unescaped(pl_span text)
{
    char want[2 * GUARD_PAGE];
    size_t bytes = (size_t)(pl_simd_scalar.unescape(want, text) - want);
    for (size_t i = 1; level(i); i++)
        for (int first = 0; first < 2; first++) {
            char *copy = first ? guarded_page(0) : guarded(0, text.bytes);
            char *out = first ? guarded_page(1) : guarded(1, text.bytes);
            memcpy(copy, text.data, text.bytes);
            memset(out, 'x', text.bytes);
            if (level(i)->unescape(out, (pl_span){copy, text.bytes}) == out + bytes &&
                memcmp(want, out, bytes) == 0)
                continue;
            show("unescape", level(i), text, 0);
            fail();
        }
}

TEST(every_byte_on_every_place_is_found_by_all_levels)
{
    char text[PLACES + 1];
    for (size_t bytes = 0; bytes <= PLACES + 1; bytes++)
        for (size_t place = 0; place < bytes; place++)
            for (int byte = 0; byte < 256; byte++) {
                memset(text, 'a', bytes);
                text[place] = (char)byte;
                same_string((pl_span){text, bytes}, 0);
                if (place) same_string((pl_span){text, bytes}, place / 2 + 1);
            }
    same_string(PL_SPAN(""), 0);
}

TEST(every_escape_on_every_place_is_found_by_all_levels)
{
    char text[PLACES + 12];
    for (size_t place = 0; place < PLACES; place++)
        for (int byte = 0; byte < 256; byte++) {
            memset(text, 'a', sizeof text);
            text[place] = '\\';
            text[place + 1] = (char)byte;
            same_string((pl_span){text, sizeof text}, place / 3);
            same_string((pl_span){text, place + 2}, 0);
            same_string((pl_span){text, place + 1}, 0);
            text[place + 2] = '"'; // ends it, or not
            same_string((pl_span){text, sizeof text}, 0);
            if (!pl_simd_letters[byte]) continue;
            same_unescaped((pl_span){text, sizeof text});
            same_unescaped((pl_span){text, place + 2});
        }
    for (size_t place = 0; place < PLACES; place++)
        for (size_t slashes = 1; slashes <= 10; slashes++) {
            memset(text, 'a', sizeof text);
            memset(text + place, '\\', slashes);
            text[place + slashes] = '"';
            same_string((pl_span){text, sizeof text}, 0);
            same_string((pl_span){text, place + slashes + 1}, 0);
            if (slashes % 2) text[place + slashes] = 'n';
            same_unescaped((pl_span){text, sizeof text});
        }
}

TEST(every_unicode_escape_on_every_place_is_found_by_all_levels)
{
    static const char *const escapes[] = {"\\u0000",        "\\u00e9",        "\\uFFFF",
                                          "\\ud800\\udc00", "\\uDBFF\\uDFFF", "\\uD7FF\\uE000"};
    char text[PLACES + 32];
    for (size_t place = 0; place < PLACES; place++)
        for (size_t i = 0; i < PL_COUNT(escapes); i++) {
            size_t bytes = strlen(escapes[i]);
            memset(text, 'a', sizeof text);
            memcpy(text + place, escapes[i], bytes);
            same_string((pl_span){text, sizeof text}, 0);
            same_unescaped((pl_span){text, sizeof text});
            same_unescaped((pl_span){text, place + bytes});
            text[place + bytes] = '"';
            same_string((pl_span){text, sizeof text}, place / 2);
            for (size_t cut = 1; cut <= bytes; cut++) same_string((pl_span){text, place + cut}, 0);
            for (size_t at = 0; at < bytes; at++) { // one byte of it wrong
                text[place + at] ^= 0x58;
                same_string((pl_span){text, sizeof text}, 0);
                text[place + at] ^= 0x58;
            }
        }
}

TEST(plain_text_of_every_length_is_copied)
{
    char text[3 * PLACES];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i % 90 + 1 + (i % 90 >= '\\' - 1));
    for (size_t bytes = 0; bytes <= sizeof text; bytes++) same_unescaped((pl_span){text, bytes});
}

// The bytes at which UTF-8's rules change, and those that end a string.
static const uint8_t edges[] = {'a',  '"',  '\\', 0x1F, 0x7F, 0x80, 0x8F, 0x90, 0x9F,
                                0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
                                0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFC, 0xFF};

TEST(four_bytes_across_the_blocks_are_judged_alike_by_all_levels)
{
    static const size_t places[] = {0, 13, 29};
    char text[48];
    for (size_t p = 0; p < PL_COUNT(places); p++) {
        memset(text, 'a', sizeof text);
        for (size_t n = 0; n < 26 * 26 * 26 * 26; n++) {
            uint8_t *at = (uint8_t *)text + places[p];
            for (size_t i = 0, rest = n; i < 4; i++, rest /= 26) at[i] = edges[rest % 26];
            same_string((pl_span){text, places[p] + 4 + n % 3}, 0);
        }
    }
}

// Whether the bytes are one character: decoded, and encoded again by the definition.
static bool is_character(const uint8_t *p, size_t bytes)
{
    static const uint32_t first[] = {0, 0, 0x80, 0x800, 0x10000, 0x110000};
    uint32_t code = bytes == 1 ? p[0] : p[0] & (0x7Fu >> bytes);
    if (bytes == 1) return code < 0x80;
    if (p[0] >> (7 - bytes) != (2 << bytes) - 2) return false;
    for (size_t i = 1; i < bytes; i++) {
        if (p[i] >> 6 != 2) return false;
        code = code << 6 | (p[i] & 0x3F);
    }
    return code >= first[bytes] && code < first[bytes + 1] && code >> 11 != 0xD800 >> 11;
}

static size_t first_that_is_none(const uint8_t *p, size_t bytes)
{
    for (size_t at = 0, n; at < bytes; at += n) {
        for (n = 1; n <= 4 && at + n <= bytes && !is_character(p + at, n);) n++;
        if (n > 4 || at + n > bytes) return at;
    }
    return SIZE_MAX;
}

TEST(the_scalar_form_knows_utf_8)
{
    uint8_t *text = (uint8_t *)guarded(0, 4);
    for (size_t n = 0; n < 26 * 26 * 26 * 26; n++) {
        for (size_t i = 0, rest = n; i < 4; i++, rest /= 26) text[i] = edges[rest % 26];
        CHECK_INT(first_that_is_none(text, 4), pl_simd_utf8(pl_span_make(text, 4)));
    }
    CHECK_INT(SIZE_MAX, pl_simd_utf8((pl_span){0}));
    CHECK_INT(10, pl_simd_utf8(PL_SPAN("plainly \xC3\xA9\xA9")));
}

TEST(the_scalar_form_knows_strings)
{
    static const struct {
        const char *text;
        size_t stop;
        pl_simd_string found;
    } cases[] = {
        {"", 0, {false, false}},
        {"plain", 5, {false, false}},
        {"a\"b", 1, {false, false}},
        {"a\x1F", 1, {false, false}},
        {"a\x7F ", 3, {false, false}},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 16, {true, false}},
        {"a\\u0aF9 ", 8, {true, false}},
        {"a\\u00g0", 1, {false, false}},
        {"a\\u004", 1, {false, false}},
        {"\\ud83D\\uDe00\"", 12, {true, false}},
        {"\\ud83D\\uDe0", 0, {false, false}},
        {"\\ud83D\\ude-0", 0, {false, false}},
        {"\\ud83D\\ud83D", 0, {false, false}},
        {"\\ud83D\\uE000", 0, {false, false}},
        {"\\ud83D-ude00", 0, {false, false}},
        {"\\ud83D\\nde00", 0, {false, false}},
        {"\\ude00\\ud83D", 0, {false, false}},
        {"\\uDC00\\uDC00", 0, {false, false}},
        {"\\uD7FF\\uE000", 12, {true, false}},
        {"\\uD800\\uDC00", 12, {true, false}},
        {"\\uDBFF\\uDFFF", 12, {true, false}},
        {"\\uD800-", 0, {false, false}},
        {"\\uDFFF-", 0, {false, false}},
        {"\\uD800\\uDBFF", 0, {false, false}},
        {"a\\x", 1, {false, false}},
        {"\\na\\", 3, {true, false}},
        {"\xC3\xA9\"", 2, {false, false}},
        {"\xC3\"", 1, {false, true}},
        {"\xA9\\n\"", 3, {true, true}},
        {"a\"\xA9", 1, {false, false}},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_simd_string found;
        CHECK_INT(cases[i].stop, pl_simd_scalar.string(pl_span_of(cases[i].text), 0, &found));
        CHECK_INT(cases[i].found.escaped, found.escaped);
        CHECK_INT(cases[i].found.broken, found.broken);
    }
    char out[64];
    pl_span inside = PL_SPAN("\\\"\\\\\\/\\b\\f\\n\\r\\t-\\u0041\\u007f\\u0080\\u07ff\\u0800\\uFFFF"
                             "\\uD800\\udc00\\udbff\\uDFFF.");
    pl_span got = {out, (size_t)(pl_simd_scalar.unescape(out, inside) - out)};
    CHECK_SPAN("\"\\/\b\f\n\r\t-A\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"
               "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF.",
               got);
    for (int c = 0; c < 256; c++) {
        static const char all[] = "0123456789ABCDEFabcdef";
        const char *found = c ? strchr(all, c) : NULL;
        int value = found ? (int)(found - all) - (found - all > 15 ? 6 : 0) : 0;
        for (int place = 0; place < 4; place++) {
            char digits[] = "F00F";
            int others = 0xF00F & ~(15 << (3 - place) * 4);
            digits[place] = (char)c;
            CHECK_INT(found ? others | value << (3 - place) * 4 : -1, pl_simd_hex4(digits));
        }
    }
}

// What real strings are like, and worse: characters of all lengths, escapes, sometimes a fault.
static pl_span made_up(char *text, size_t room, uint64_t *seed)
{
    static const char *const pieces[] = {
        "a",   "fen",  "shumo ", "e",       "\xC3\xA9",       "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "\\n", "\\\"", "\\\\",   "\\u00e9", "\\uD83D\\uDE00", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"};
    size_t bytes = 0, want = *seed >> 33 & 127;
    while (bytes < want && bytes + 12 < room) {
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        const char *piece = pieces[(*seed >> 40) % PL_COUNT(pieces)];
        memcpy(text + bytes, piece, strlen(piece));
        bytes += strlen(piece);
    }
    return (pl_span){text, bytes};
}

TEST(made_up_strings_are_judged_alike_by_all_levels)
{
    uint64_t seed = 4711;
    char text[256];
    for (int round = 0; round < 100000; round++) {
        pl_span span = made_up(text, sizeof text, &seed);
        same_string(span, 0);
        same_unescaped(span);
        if (!span.bytes) continue;
        text[(seed >> 20) % span.bytes] = (char)edges[(seed >> 50) % sizeof edges];
        same_string(span, 0);
    }
}

TEST(the_level_used_is_the_highest_there_is)
{
    size_t highest = 0;
    while (level(highest + 1)) highest++;
    CHECK_STR(level(highest)->name, pl_simd_best()->name);
}

int main(void)
{
    return RUN_TESTS("simd/text", T(every_byte_on_every_place_is_found_by_all_levels),
                     T(every_escape_on_every_place_is_found_by_all_levels),
                     T(every_unicode_escape_on_every_place_is_found_by_all_levels),
                     T(plain_text_of_every_length_is_copied),
                     T(four_bytes_across_the_blocks_are_judged_alike_by_all_levels),
                     T(the_scalar_form_knows_utf_8), T(the_scalar_form_knows_strings),
                     T(made_up_strings_are_judged_alike_by_all_levels),
                     T(the_level_used_is_the_highest_there_is));
}
