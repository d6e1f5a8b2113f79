// text.c -- a grammar: a sentence is a pattern whose %x are filled from the list called x, and
// those may hold further %y. Frequent words are frequent because their lists are drawn by Zipf.
//
// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <string.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const adjectives[] = {
    "new",     "small",  "quiet",  "golden",   "honest", "slow",     "bright",  "wild",   "simple",
    "strange", "warm",   "tiny",   "perfect",  "late",   "early",    "rainy",   "sunny",  "crisp",
    "salty",   "velvet", "brave",  "curious",  "hidden", "electric", "humble",  "gentle", "loud",
    "frozen",  "spicy",  "hollow", "restless", "faded",  "modern",   "ancient", NULL};
static const char *const nouns[] = {
    "morning",     "coffee",       "recipe",    "sunset",      "workout",      "garden",
    "playlist",    "road trip",    "sketch",    "camera",      "kitchen",      "puppy",
    "market",      "river",        "studio",    "jacket",      "notebook",     "bicycle",
    "window",      "harbor",       "train",     "festival",    "bookshop",     "mountain",
    "noodle soup", "tomato plant", "sourdough", "skateboard",  "night market", "lighthouse",
    "prototype",   "spreadsheet",  "balcony",   "synthesizer", "campfire",     "cinnamon roll",
    NULL};
static const char *const verbs[] = {
    "found",  "tried",    "finished", "painted", "baked",   "fixed",  "visited", "recorded",
    "missed", "shared",   "planted",  "edited",  "learned", "packed", "rebuilt", "tasted",
    "filmed", "launched", "sketched", "carried", "tested",  "hummed", NULL};
static const char *const places[] = {"in Lisbon",
                                     "by the sea",
                                     "at home",
                                     "in the office",
                                     "on the roof",
                                     "in Osaka",
                                     "near the park",
                                     "down the street",
                                     "in Recife",
                                     "at the station",
                                     "in Z\xc3\xbcrich",
                                     "on the way back",
                                     "in the mountains",
                                     "at grandma's",
                                     "in Krak\xc3\xb3w",
                                     "under the bridge",
                                     "in S\xc3\xa3o Paulo",
                                     "behind the bakery",
                                     NULL};
static const char *const times[] = {
    "today",        "this week",   "again",          "last night",
    "at 6am",       "before work", "after the rain", "for the first time",
    "on a Tuesday", "all weekend", "in one take",    NULL};
static const char *const english[] = {"I %v the %a %n %p.",
                                      "Who else %v a %n %t?",
                                      "The %a %n is back %t.",
                                      "Nobody told me a %n could be this %a.",
                                      "We %v it %p, and it was %a.",
                                      "Part two of the %a %n %t.",
                                      "A %n, a %n and a very %a %n.",
                                      "POV: you %v the last %n %p",
                                      "Three things I learned since I %v that %n:",
                                      "Honestly? The %n was better %t.",
                                      "%p, %t: one more %a %n.",
                                      "\"%a\" is not the word I would use for this %n.",
                                      "Save this for your next %n.",
                                      "My %n and I %v the %n %p.",
                                      "Is it just me or is every %n %a %t?",
                                      "Link in bio for the %a %n.",
                                      NULL};
static const char *const german[] = {"Heute fr\xc3\xbch am Fluss gewesen.",
                                     "Wer kennt das auch?",
                                     "Endlich ist der Ofen repariert!",
                                     "Kaffee, Regen und ein gutes Buch.",
                                     "Das gr\xc3\xb6\xc3\x9fte Fr\xc3\xbchst\xc3\xbc"
                                     "ck der Stadt.",
                                     "So sch\xc3\xb6n kann ein Montag sein.",
                                     "Drei Stunden gewandert, zwei verlaufen.",
                                     NULL};
static const char *const spanish[] = {"Hoy toca cocinar en casa.",
                                      "\xc2\xbfQui\xc3\xa9n se apunta ma\xc3\xb1"
                                      "ana?",
                                      "El mercado huele a naranjas.",
                                      "Un paseo corto y un caf\xc3\xa9 largo.",
                                      "No hay lunes malo con m\xc3\xbasica.",
                                      "\xc2\xa1Por fin lleg\xc3\xb3 el oto\xc3\xb1o!",
                                      NULL};
static const char *const portuguese[] = {
    "Domingo de chuva e p\xc3\xa3o quente.",       "Quem mais acordou cedo hoje?",
    "A praia estava vazia, s\xc3\xb3 n\xc3\xb3s.", "Receita da av\xc3\xb3, sem segredo.",
    "M\xc3\xbasica alta e janela aberta.",         NULL};
static const char *const japanese[] = {
    "\xe4\xbb\x8a\xe6\x97\xa5\xe3\x81\xaf\xe6\x9c\x9d\xe3\x81\x8b\xe3\x82\x89\xe6\x95\xa3\xe6\xad"
    "\xa9\xe3\x80\x82",
    "\xe6\x96\xb0\xe3\x81\x97\xe3\x81\x84\xe3\x83\xac\xe3\x82\xb7\xe3\x83\x94\xe3\x82\x92\xe8\xa9"
    "\xa6\xe3\x81\x97\xe3\x81\xbe\xe3\x81\x97\xe3\x81\x9f\xe3\x80\x82",
    "\xe5\xa4\x95\xe7\x84\xbc\xe3\x81\x91\xe3\x81\x8c\xe3\x81\x8d\xe3\x82\x8c\xe3\x81\x84\xe3\x80"
    "\x82",
    "\xe7\x8c\xab\xe3\x81\x8c\xe7\xaa\x93\xe3\x81\xa7\xe5\xaf\x9d\xe3\x81\xa6\xe3\x81\x84\xe3\x82"
    "\x8b\xe3\x80\x82",
    NULL};
static const char *const emoji[] = {"\xf0\x9f\x98\x82",
                                    "\xe2\x9d\xa4\xef\xb8\x8f",
                                    "\xf0\x9f\x94\xa5",
                                    "\xe2\x9c\xa8",
                                    "\xf0\x9f\x98\x8d",
                                    "\xf0\x9f\x8c\x85",
                                    "\xf0\x9f\x8d\x9c",
                                    "\xf0\x9f\x90\xb6",
                                    "\xf0\x9f\x9a\xb2",
                                    "\xf0\x9f\x91\x8f\xf0\x9f\x8f\xbd",
                                    "\xf0\x9f\x8e\xa7",
                                    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8d\xb3",
                                    "\xf0\x9f\x87\xb5\xf0\x9f\x87\xb9",
                                    NULL};
static const char *const hashtags[] = {"fyp",
                                       "love",
                                       "photography",
                                       "foodie",
                                       "travel",
                                       "morning",
                                       "diy",
                                       "recipes",
                                       "workout",
                                       "bookclub",
                                       "smallbusiness",
                                       "sunset",
                                       "coffee",
                                       "catlife",
                                       "buildinpublic",
                                       "analog",
                                       "vintage",
                                       "garden",
                                       "cycling",
                                       "sourdough",
                                       "minimal",
                                       "roadtrip",
                                       "filmcamera",
                                       "nightmarket",
                                       "caf\xc3\xa9",
                                       "\xe6\x97\xa5\xe5\xb8\xb8",
                                       "m\xc3\xbasica",
                                       "stra\xc3\x9f"
                                       "enfotografie",
                                       NULL};
static const char *const first_names[] = {
    "Ada",   "Bruno", "Chiyo", "Dario", "Elif", "Femi",  "Greta", "Hana",  "Ines",  "Jonas",
    "Keiko", "Lucia", "Malik", "Noor",  "Olga", "Pavel", "Rosa",  "Soren", "Tariq", NULL};
static const char *const last_names[] = {"Almeida",
                                         "Berg",
                                         "Castillo",
                                         "Duarte",
                                         "Eriksen",
                                         "Fontaine",
                                         "Garc\xc3\xad"
                                         "a",
                                         "Haddad",
                                         "Ito",
                                         "Jansen",
                                         "Kowalski",
                                         "Lindqvist",
                                         "M\xc3\xbcller",
                                         "Nakamura",
                                         "Okafor",
                                         "Petrov",
                                         NULL};

static uint32_t count_of(const char *const *list)
{
    uint32_t n = 0;
    while (list[n]) n++;
    return n;
}

// By Zipf: the first words of a list are the frequent ones.
static const char *pick(rng *r, const char *const *list)
{
    return list[rng_zipf(r, count_of(list)) - 1];
}

static const char *const *list_of(char slot)
{
    switch (slot) {
    case 'a':
        return adjectives;
    case 'n':
        return nouns;
    case 'v':
        return verbs;
    case 'p':
        return places;
    default:
        return times;
    }
}

// Append `text` at *used unless it would not fit.
static void append(char *to, size_t *used, const char *text)
{
    size_t bytes = strlen(text);
    if (*used + bytes + 1 > TEXT_MAX) return;
    memcpy(to + *used, text, bytes + 1);
    *used += bytes;
}

static void expand(rng *r, const char *pattern, char *to, size_t *used)
{
    char one[2] = "";
    for (; *pattern; pattern++) {
        if (*pattern == '%') {
            append(to, used, pick(r, list_of(*++pattern)));
        } else {
            one[0] = *pattern;
            append(to, used, one);
        }
    }
}

const char *text_language(rng *r)
{
    static const char *const languages[] = {"en", "es", "pt", "de", "ja", NULL};
    return rng_chance(r, 0.6) ? "en" : languages[rng_below(r, 5)];
}

void text_caption(rng *r, const char *language, int sentences, char to[TEXT_MAX])
{
    const char *const *list = english;
    size_t used = 0;

    if (!strcmp(language, "de")) list = german;
    if (!strcmp(language, "es")) list = spanish;
    if (!strcmp(language, "pt")) list = portuguese;
    if (!strcmp(language, "ja")) list = japanese;
    to[0] = 0;
    uint32_t count = count_of(list), which = rng_below(r, count);
    for (int i = 0; i < sentences; i++) {
        if (i > 0) append(to, &used, rng_chance(r, 0.1) ? "\n" : " ");
        expand(r, list[which], to, &used);
        which = (which + 1 + rng_below(r, count - 1)) % count; // never the same one twice in a row
        if (rng_chance(r, 0.2)) {
            append(to, &used, " ");
            append(to, &used, pick(r, emoji));
        }
    }
}

void text_noise(rng *r, size_t bytes, char to[TEXT_MAX])
{
    static const char symbols[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (bytes >= TEXT_MAX) bytes = TEXT_MAX - 1;
    uint64_t bits = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (i % 10 == 0) bits = rng_next(r);
        to[i] = symbols[bits & 63];
        bits >>= 6;
    }
    to[bytes] = 0;
}

const char *text_hashtag(rng *r)
{
    return pick(r, hashtags);
}

void text_account(rng *r, char to[TEXT_MAX])
{
    static const char *const joins[] = {"_", ".", "", NULL};
    size_t used = 0;
    char number[3] = {(char)('1' + rng_below(r, 9)), (char)('0' + rng_below(r, 10)), 0};

    append(to, &used, adjectives[rng_below(r, count_of(adjectives))]);
    append(to, &used, joins[rng_below(r, 3)]);
    append(to, &used, nouns[rng_below(r, count_of(nouns))]);
    if (rng_chance(r, 0.6)) append(to, &used, number);
    for (size_t i = 0; i < used; i++)
        if (to[i] == ' ') to[i] = '_';
}

void text_full_name(rng *r, char to[TEXT_MAX])
{
    size_t used = 0;
    append(to, &used, first_names[rng_below(r, count_of(first_names))]);
    append(to, &used, " ");
    append(to, &used, last_names[rng_below(r, count_of(last_names))]);
}

void text_song(rng *r, char to[TEXT_MAX])
{
    size_t used = 0;
    expand(r, rng_chance(r, 0.5) ? "%a %n" : "%n %t", to, &used);
}
