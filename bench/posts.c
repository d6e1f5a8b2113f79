// plumb-posts -- the data set of `make bench`: one JSON post a line, nested, 21 values each.
//
// A post is named by its number, so files made apart, of any ranges, never hold the same one.
// Platform, day and account are drawn for each post alone: every file holds all partitions, in no
// order, which is the hard case for whoever writes a file per partition.
//
//   words     captions of letters by chance: hardly anything for Snappy to find
//   text      captions as people write them: words by Zipf, emoji, line breaks, quotes
//   shuffle   the same, the keys of every object in an order of chance
//   sparse    8 % of members missing, 8 % null, 2 % of another type, unknown members here and there
//   escaped   the same as text, all beyond ASCII as \uXXXX
//   spaced    the same as text, a space after every colon and comma
//
// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

#define CAPTION_MAX 1024
#define WORDS       20000
#define WORD_MAX    24
#define ACCOUNTS    20000
#define FIRST_DAY   20758 // 2026-11-01

static const char usage[] =
    "usage: plumb-posts [--posts N] [--first N] [--days D] [--platforms P] [--accounts N]\n"
    "                   [--variant words|text|shuffle|sparse|escaped|spaced] > FILE\n";

static const char *const platforms[] = {"tiktok", "instagram", "youtube", "linkedin"};
static const char *const types[] = {"video", "image", "carousel", "text"};
static const char *const languages[] = {"en", "es", "pt", "de", "ja", "fr", "id", "tr"};
static const char *const cities[] = {"Lisbon",
                                     "Berlin",
                                     "S\xc3\xa3o Paulo",
                                     "Tokyo",
                                     "Jakarta",
                                     "Lagos",
                                     "M\xc3\xa9xico",
                                     "Porto",
                                     "Austin",
                                     "Gda\xc5\x84sk",
                                     "\xe5\xa4\xa7\xe9\x98\xaa",
                                     "Leeds"};
static const char *const emoji[] = {
    "\xf0\x9f\x98\x82", "\xe2\x9d\xa4\xef\xb8\x8f",         "\xf0\x9f\x94\xa5",
    "\xe2\x9c\xa8",     "\xf0\x9f\x91\x8f\xf0\x9f\x8f\xbd", "\xf0\x9f\x8c\x85"};
static const char *const syllables[] = {"ka",        "lo",  "mi",  "ren", "sta",       "to", "vel",
                                        "an",        "dri", "pe",  "shu", "ob",        "na", "tur",
                                        "is",        "gra", "wel", "do",  "fen",       "ri", "ma",
                                        "\xc3\xa9l", "su",  "ki",  "nor", "\xc3\xb1o", "be", "ly"};
#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof(list)[0]))

typedef struct options {
    uint64_t posts, first;
    uint32_t days, platforms, accounts;
    bool words, sparse;
    out_style style;
} options;

static char vocabulary[WORDS][WORD_MAX];

static size_t add(char *to, size_t used, const char *text)
{
    size_t bytes = strlen(text);
    memcpy(to + used, text, bytes + 1);
    return used + bytes;
}

// Frequent words are short, as in any language.
static void make_vocabulary(void)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        rng r = rng_for(9, i, 0, 0);
        uint32_t parts = 1 + (i > 40) + (i > 900) + rng_below(&r, 2);
        size_t used = 0;
        for (uint32_t k = 0; k < parts; k++)
            used = add(vocabulary[i], used, syllables[rng_below(&r, COUNT(syllables))]);
    }
}

static void caption(rng *r, bool by_chance, char to[CAPTION_MAX])
{
    size_t used = 0, bytes = 50 + rng_below(r, 230);

    while (used < bytes) {
        if (by_chance) {
            uint64_t bits = rng_next(r);
            for (uint32_t k = 3 + (uint32_t)(bits >> 58) % 7; k > 0; k--, bits /= 26)
                to[used++] = (char)('a' + bits % 26);
        } else {
            used = add(to, used, vocabulary[rng_zipf(r, WORDS) - 1]);
        }
        uint32_t what = rng_below(r, 100);
        if (by_chance || what < 84) {
            to[used++] = ' ';
        } else if (what < 90) {
            used = add(to, used, ", ");
        } else if (what < 94) {
            used = add(to, used, ".\n");
        } else if (what < 96) {
            used = add(to, used, " \"ok\" ");
        } else {
            to[used++] = ' ';
            used = add(to, used, emoji[rng_zipf(r, COUNT(emoji)) - 1]);
        }
    }
    to[used] = 0;
}

// 2026-11-22T05:04:03.123Z, from days by the era of 400 years they fall in.
static void time_text(uint32_t day, uint32_t ms, char to[64])
{
    uint32_t days = day + 719468, doe = days % 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint32_t month = mp < 10 ? mp + 3 : mp - 9, year = days / 146097 * 400 + yoe + (month <= 2);
    snprintf(to, 64, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month,
             doy - (153 * mp + 2) / 5 + 1, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
             ms % 1000);
}

// --- Members. In the sparse variant one may be missing, null or of another type: a number that is
// text, a text that is a number, or "n/a", which no number is.

typedef enum member { IS_MISSING, IS_NULL, IS_DRIFTED, IS_THERE } member;

static member draw(rng *r, const options *o, out *to, const char *key)
{
    uint32_t chance = o->sparse ? rng_below(r, 100) : 99;
    member is = chance < 8    ? IS_MISSING
                : chance < 16 ? IS_NULL
                : chance < 18 ? IS_DRIFTED
                              : IS_THERE;
    if (is == IS_MISSING) return is;
    out_key(to, key);
    if (is == IS_NULL) out_null(to);
    return is;
}

static void text_member(rng *r, const options *o, out *to, const char *key, const char *value)
{
    member is = draw(r, o, to, key);
    if (is == IS_THERE) out_text(to, value);
    if (is == IS_DRIFTED) out_int(to, rng_below(r, 1000000));
}

static void int_member(rng *r, const options *o, out *to, const char *key, int64_t value)
{
    char text[32];
    member is = draw(r, o, to, key);
    snprintf(text, sizeof text, "%lld", (long long)value);
    if (is == IS_THERE) out_int(to, value);
    if (is == IS_DRIFTED) out_text(to, rng_chance(r, 0.5) ? text : "n/a");
}

static void percent_member(rng *r, const options *o, out *to, const char *key)
{
    char text[32];
    uint32_t value = (uint32_t)rng_lognormal(r, 400, 0.8) % 10000;
    member is = draw(r, o, to, key);
    snprintf(text, sizeof text, "%u.%02u%%", value / 100, value % 100);
    if (is == IS_THERE) out_text(to, text);
    if (is == IS_DRIFTED) out_text(to, "n/a");
}

static void unknown_members(rng *r, const options *o, out *to)
{
    char key[32];
    if (!o->sparse || !rng_chance(r, 0.2)) return;
    snprintf(key, sizeof key, "x_%u", rng_below(r, 50));
    out_key(to, key);
    out_object(to);
    out_key(to, "likes");
    out_int(to, rng_below(r, 100));
    out_key(to, "notes");
    out_array(to);
    out_text(to, "as {\"they\": [come");
    out_null(to);
    out_end(to);
    out_end(to);
}

static void author(rng *r, const options *o, out *to)
{
    char text[64];
    uint32_t who = rng_below(r, o->accounts);
    rng own = rng_for(5, who, 0, 0); // what the account is, whatever it posts
    out_key(to, "author");
    out_object(to);
    snprintf(text, sizeof text, "%llu", 100000000000ull + rng_next(&own) % 900000000000ull);
    text_member(r, o, to, "id", text);
    snprintf(text, sizeof text, "%s_%s%u", vocabulary[rng_below(&own, WORDS)],
             vocabulary[rng_below(&own, WORDS)], who);
    text_member(r, o, to, "username", text);
    int_member(r, o, to, "followers", (int64_t)rng_lognormal(&own, 5000, 2) + rng_below(r, 100));
    if (draw(r, o, to, "verified") >= IS_DRIFTED) out_bool(to, rng_chance(&own, 0.1));
    out_end(to);
}

static void content(rng *r, const options *o, out *to, const char *platform)
{
    char text[CAPTION_MAX];
    out_key(to, "content");
    out_object(to);
    caption(r, o->words, text);
    text_member(r, o, to, "caption", text);
    size_t used = (size_t)snprintf(text, 64, "https://www.%s.example/p/", platform);
    for (uint64_t bits = rng_next(r), k = 0; k < 11; k++, bits >>= 5)
        text[used++] = "abcdefghijkmnpqrstuvwxyz23456789"[bits & 31];
    memcpy(text + used, "/", 2);
    text_member(r, o, to, "permalink", text);
    text_member(r, o, to, "type", types[rng_zipf(r, COUNT(types)) - 1]);
    text_member(r, o, to, "lang", languages[rng_zipf(r, COUNT(languages)) - 1]);
    if (draw(r, o, to, "hashtags") >= IS_DRIFTED) {
        out_array(to);
        for (uint32_t n = rng_below(r, 9); n > 0; n--)
            out_text(to, vocabulary[200 + rng_zipf(r, 3000)]);
        out_end(to);
    }
    unknown_members(r, o, to);
    out_end(to);
}

static void metrics(rng *r, const options *o, out *to)
{
    double likes = rng_lognormal(r, 300, 1.8);
    out_key(to, "metrics");
    out_object(to);
    int_member(r, o, to, "likes", (int64_t)likes);
    int_member(r, o, to, "comments", (int64_t)(likes * rng_unit(r) / 10));
    int_member(r, o, to, "shares", (int64_t)(likes * rng_unit(r) / 20));
    int_member(r, o, to, "views", (int64_t)(likes * (5 + 50 * rng_unit(r))));
    int_member(r, o, to, "saves", (int64_t)(likes * rng_unit(r) / 8));
    percent_member(r, o, to, "engagement_rate");
    out_end(to);
}

static void degrees(rng *r, const options *o, out *to, const char *key, int64_t most)
{
    if (draw(r, o, to, key) >= IS_DRIFTED)
        out_fixed(to, (int64_t)(rng_next(r) % (uint64_t)(2 * most)) - most, 6);
}

static void post(const options *o, out *to, uint64_t number)
{
    char text[64];
    rng r = rng_for(1, number, 0, 0);
    const char *platform = platforms[rng_below(&r, o->platforms)];

    out_object(to);
    out_key(to, "id");
    snprintf(text, sizeof text, "%llu", 7400000000000000000ull + number * 65536 + (number & 4095));
    out_text(to, text);
    out_key(to, "platform");
    out_text(to, platform);
    out_key(to, "created_at");
    uint32_t day = FIRST_DAY + rng_below(&r, o->days);
    time_text(day, rng_below(&r, 86400000), text);
    out_text(to, text);
    author(&r, o, to);
    content(&r, o, to, platform);
    metrics(&r, o, to);
    if (rng_chance(&r, 0.3)) {
        out_key(to, "location");
        out_object(to);
        text_member(&r, o, to, "name", cities[rng_zipf(&r, COUNT(cities)) - 1]);
        degrees(&r, o, to, "lat", 90000000);
        degrees(&r, o, to, "lng", 180000000);
        out_end(to);
    }
    unknown_members(&r, o, to);
    out_end(to);
    out_line(to);
}

static void stop(void)
{
    fputs(usage, stderr);
    exit(2);
}

static uint64_t number_of(const char *text, uint64_t most)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value > most) stop();
    return value;
}

static void set_variant(options *o, const char *name)
{
    static const char *const names[] = {"words", "text", "shuffle", "sparse", "escaped", "spaced"};
    static const out_style styles[] = {OUT_PLAIN, OUT_PLAIN,   OUT_SHUFFLE,
                                       OUT_PLAIN, OUT_ESCAPED, OUT_SPACED};
    uint32_t i = 0;
    while (i < COUNT(names) && strcmp(names[i], name) != 0) i++;
    if (i == COUNT(names)) stop();
    o->style = styles[i];
    o->words = i == 0;
    o->sparse = i == 3;
}

static options read_options(int argc, char **argv)
{
    static const struct option names[] = {{"posts", 1, 0, 'n'},
                                          {"first", 1, 0, 'f'},
                                          {"days", 1, 0, 'd'},
                                          {"platforms", 1, 0, 'p'},
                                          {"accounts", 1, 0, 'a'},
                                          {"variant", 1, 0, 'v'},
                                          {0, 0, 0, 0}};
    options o = {.posts = 1000, .days = 5, .platforms = 4, .accounts = ACCOUNTS};

    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 'n')
            o.posts = number_of(optarg, 1ull << 40);
        else if (c == 'f')
            o.first = number_of(optarg, 1ull << 40);
        else if (c == 'd')
            o.days = (uint32_t)number_of(optarg, 10000);
        else if (c == 'p')
            o.platforms = (uint32_t)number_of(optarg, COUNT(platforms));
        else if (c == 'a')
            o.accounts = (uint32_t)number_of(optarg, 1u << 30);
        else if (c == 'v')
            set_variant(&o, optarg);
        else
            stop();
    }
    if (optind < argc || !o.days || !o.platforms || !o.accounts) stop();
    return o;
}

int main(int argc, char **argv)
{
    options o = read_options(argc, argv);
    out to;

    make_vocabulary();
    out_init(&to, stdout, o.style, o.first + 1);
    for (uint64_t i = 0; i < o.posts; i++) post(&o, &to, o.first + i);
    if (out_finish(&to)) return 0;
    fputs("plumb-posts: cannot write\n", stderr);
    return 1;
}
