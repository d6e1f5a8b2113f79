// SPDX-License-Identifier: Apache-2.0
#include "drill/names.h"

#include <ctype.h>

#include "base/buf.h"

uint64_t pl_chance_next(pl_chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t pl_chance_below(pl_chance *chance, uint32_t limit)
{
    return limit ? (uint32_t)(pl_chance_next(chance) % limit) : 0;
}

// ---- words of a name ---------------------------------------------------------------------------
enum { WORDS_MAX = 12 };

typedef struct name {
    const char *words[WORDS_MAX]; // lower case
    uint32_t count;
    bool camel;
    char between; // '_' or '-', if it is not camelCase
} name;

static name take_apart(pl_span key, pl_arena *arena)
{
    name n = {.between = '_'};
    pl_buf word = {0};
    for (size_t i = 0; i <= key.bytes; i++) {
        char c = i < key.bytes ? key.data[i] : '_';
        bool upper = c >= 'A' && c <= 'Z', between = c == '_' || c == '-' || c == ' ';
        bool begins = upper && i && !(key.data[i - 1] >= 'A' && key.data[i - 1] <= 'Z');
        if (i < key.bytes && c == '-') n.between = '-';
        n.camel = n.camel || (begins && islower((unsigned char)key.data[i - 1]));
        if ((between || begins) && word.count && n.count < WORDS_MAX) {
            n.words[n.count++] = pl_arena_cstr(arena, pl_buf_view(&word));
            pl_buf_reset(&word);
        }
        if (!between) pl_buf_char(&word, upper ? (char)(c + 32) : c);
    }
    pl_buf_done(&word);
    return n;
}

static pl_span put_together(const name *n, pl_arena *arena)
{
    pl_buf text = {0};
    for (uint32_t i = 0; i < n->count; i++) {
        if (i && !n->camel) pl_buf_char(&text, n->between);
        size_t at = text.count;
        pl_buf_text(&text, n->words[i]);
        if (i && n->camel && text.data[at] >= 'a' && text.data[at] <= 'z') text.data[at] -= 32;
    }
    pl_span made = pl_arena_copy(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return made;
}

static void add_word(name *n, const char *word)
{
    if (n->count < WORDS_MAX) n->words[n->count++] = word;
}

static void add_first(name *n, const char *word)
{
    if (n->count == WORDS_MAX) return;
    memmove(n->words + 1, n->words, n->count * sizeof *n->words);
    n->words[0] = word;
    n->count++;
}

// ---- how names change --------------------------------------------------------------------------
static const char *const synonyms[][2] = {
    {"like", "favorite"},
    {"likes", "reactions"},
    {"digg", "like"},
    {"view", "play"},
    {"views", "impressions"},
    {"play", "view"},
    {"impression", "view"},
    {"share", "repost"},
    {"shares", "reposts"},
    {"retweet", "repost"},
    {"comment", "reply"},
    {"comments", "replies"},
    {"reply", "comment"},
    {"follower", "subscriber"},
    {"followers", "subscribers"},
    {"author", "creator"},
    {"user", "account"},
    {"owner", "author"},
    {"text", "body"},
    {"desc", "caption"},
    {"caption", "description"},
    {"description", "summary"},
    {"title", "headline"},
    {"name", "label"},
    {"created", "creation"},
    {"published", "publish"},
    {"at", "time"},
    {"time", "at"},
    {"timestamp", "time"},
    {"url", "link"},
    {"lang", "language"},
    {"language", "locale"},
    {"tags", "labels"},
    {"hashtags", "tags"},
    {"type", "kind"},
    {"kind", "category"},
    {"status", "state"},
    {"price", "amount"},
    {"amount", "total"},
    {"total", "amount"},
    {"qty", "quantity"},
    {"quantity", "qty"},
    {"email", "mail"},
    {"rate", "ratio"},
    {"stats", "statistics"},
    {"statistics", "metrics"},
    {"metrics", "stats"},
    {"data", "result"},
    {"items", "entries"},
    {"list", "items"},
    {"results", "items"},
    {"country", "region"},
    {"session", "visit"},
    {"event", "action"},
};

static bool use_synonym(name *n)
{
    for (uint32_t w = n->count; w--;)
        for (size_t i = 0; i < PL_COUNT(synonyms); i++)
            if (strcmp(n->words[w], synonyms[i][0]) == 0) {
                n->words[w] = synonyms[i][1];
                return true;
            }
    return false;
}

static const char *plural(const char *word, pl_arena *arena)
{
    size_t bytes = strlen(word);
    if (bytes > 1 && word[bytes - 1] == 'y' && !strchr("aeou", word[bytes - 2]))
        return pl_arena_printf(arena, "%.*sies", (int)(bytes - 1), word);
    return pl_arena_printf(arena, "%ss", word);
}

// The word without its plural's ending, or NULL if it has none.
static const char *singular(const char *word, pl_arena *arena)
{
    static const char *const long_ends[] = {"ches", "shes", "xes", "sses"};
    size_t bytes = strlen(word), cut = 1;
    if (bytes < 4 || word[bytes - 1] != 's' || word[bytes - 2] == 's' || word[bytes - 2] == 'u')
        return NULL;
    if (strcmp(word + bytes - 3, "ies") == 0)
        return pl_arena_printf(arena, "%.*sy", (int)(bytes - 3), word);
    for (size_t i = 0; i < PL_COUNT(long_ends); i++)
        if (strcmp(word + bytes - strlen(long_ends[i]), long_ends[i]) == 0) cut = 2;
    return pl_arena_cstr(arena, pl_span_make(word, bytes - cut));
}

// likes <-> like_count
static bool count_or_plural(name *n, pl_arena *arena)
{
    const char **last = &n->words[n->count - 1];
    if (n->count > 1 && strcmp(*last, "count") == 0) {
        n->count--;
        last[-1] = plural(last[-1], arena);
        return true;
    }
    const char *one = singular(*last, arena);
    if (!one) return false;
    *last = one;
    add_word(n, "count");
    return true;
}

static void add_something(name *n, bool object, pl_chance *chance)
{
    static const char *const behind[] = {"value", "v2", "raw"};
    static const char *const before[] = {"total", "current", "public"};
    static const char *const around[] = {"info", "data", "details"};
    uint32_t which = pl_chance_below(chance, 3);
    if (object)
        add_word(n, around[which]);
    else if (pl_chance_below(chance, 2))
        add_first(n, before[which]);
    else
        add_word(n, behind[which]);
}

pl_span pl_names_other(pl_span key, bool object, pl_chance *chance, pl_arena *arena)
{
    name n = take_apart(key, arena);
    bool done = false;
    if (!n.count) add_word(&n, "value");
    if (n.count == 1 && strcmp(n.words[0], "id") == 0) {
        add_first(&n, pl_chance_below(chance, 2) ? "item" : "object");
        done = true;
    }
    uint32_t way = pl_chance_below(chance, 4);
    if (way == 0) done = done || (!object && count_or_plural(&n, arena)) || use_synonym(&n);
    if (way > 1) done = done || use_synonym(&n) || (!object && count_or_plural(&n, arena));
    if (!done) add_something(&n, object, chance);
    return put_together(&n, arena);
}

pl_span pl_names_beside(pl_span key, pl_chance *chance, pl_arena *arena)
{
    static const char *const behind[] = {"today", "rank", "estimate", "previous", "legacy"};
    name n = take_apart(key, arena);
    if (!n.count) add_word(&n, "value");
    add_word(&n, behind[pl_chance_below(chance, PL_COUNT(behind))]);
    return put_together(&n, arena);
}
