// SPDX-License-Identifier: Apache-2.0
#include "contract/words_int.h"

#include <stdio.h>

#include "base/number.h"

#define NEAR_BYTES_MAX 64 // longer names are not compared for suggestions

plumb_error *pl_contract__mistake(const pl_reading *reading, const pl_yaml *node, size_t offset,
                                  const char *fmt, ...)
{
    char message[sizeof((plumb_error *)0)->message];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    uint32_t line = node->line, column = node->column;
    if (node->kind == PL_YAML_SCALAR) pl_yaml_place(node, offset, &line, &column);
    return pl_problem(reading->problems, reading->file, line, column, "%s", message);
}

void pl_contract__warn(const pl_reading *reading, const pl_yaml *node, const char *fmt, ...)
{
    if (!reading->warnings) return;
    char message[sizeof((plumb_error *)0)->message];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (node->key) node = node->key;
    pl_problem(reading->warnings, reading->file, node->line, node->column, "%s", message);
}

// Edit distance (insert, delete, replace, swap of neighbours), given up above `limit`.
static uint32_t distance(pl_span a, pl_span b, uint32_t limit)
{
    uint32_t rows[3][NEAR_BYTES_MAX + 1];
    if (a.bytes > NEAR_BYTES_MAX || b.bytes > NEAR_BYTES_MAX) return limit + 1;
    for (uint32_t j = 0; j <= b.bytes; j++) rows[0][j] = j;
    for (uint32_t i = 1; i <= a.bytes; i++) {
        uint32_t *now = rows[i % 3], *up = rows[(i + 2) % 3], *above = rows[(i + 1) % 3];
        now[0] = i;
        for (uint32_t j = 1; j <= b.bytes; j++) {
            uint32_t cost = a.data[i - 1] != b.data[j - 1];
            uint32_t best = PL_MIN(up[j] + 1, now[j - 1] + 1);
            best = PL_MIN(best, up[j - 1] + cost);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                best = PL_MIN(best, above[j - 2] + 1);
            now[j] = best;
        }
    }
    return rows[a.bytes % 3][b.bytes];
}

void pl_contract__choices(plumb_error *err, pl_span got, const pl_span *names, uint32_t count)
{
    if (count == 0) return;
    uint32_t limit = got.bytes < 4 ? 1 : (uint32_t)PL_MIN(got.bytes / 3, 3), best = limit + 1;
    const pl_span *nearest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t d = distance(got, names[i], limit);
        if (d < best && d < got.bytes) best = d, nearest = &names[i];
    }
    char text[sizeof err->hint];
    size_t used = 0;
    if (nearest)
        used += (size_t)snprintf(text, sizeof text, "Did you mean '%.*s'? ", PL_FMT(*nearest));
    used +=
        (size_t)snprintf(text + used, sizeof text - used, "Valid %s ", count == 1 ? "is" : "are");
    for (uint32_t i = 0; i < count; i++) {
        const char *glue = i == 0 ? "" : i + 1 == count ? " and " : ", ";
        if (used + names[i].bytes + 40 > sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, " and %u more", count - i);
            break;
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", glue, PL_FMT(names[i]));
    }
    pl_hint(err, "%s.", text);
}

void pl_contract__words(plumb_error *err, pl_span got, const char *const *words)
{
    pl_span names[64];
    uint32_t count = 0;
    while (words[count] && count < PL_COUNT(names)) {
        names[count] = pl_span_of(words[count]);
        count++;
    }
    pl_contract__choices(err, got, names, count);
}

int pl_contract__word(pl_span got, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (pl_span_is(got, words[i])) return i;
    return -1;
}

void pl_contract__check_keys(const pl_reading *reading, const pl_yaml *map,
                             const char *const *words)
{
    for (const pl_yaml *item = map->first; item; item = item->next)
        if (pl_contract__word(item->key->text, words) < 0)
            pl_contract__words(pl_contract__mistake(reading, item->key, 0, "unknown key '%.*s'",
                                                    PL_FMT(item->key->text)),
                               item->key->text, words);
}

const pl_yaml *pl_contract__want(const pl_reading *reading, const pl_yaml *node, pl_yaml_kind kind,
                                 const char *what)
{
    static const char *const kinds[] = {"plain text", "a list", "a map"};
    if (!node || node->kind == kind) return node;
    pl_contract__mistake(reading, node, 0, "%s must be %s, not %s", what, kinds[kind],
                         kinds[node->kind]);
    return NULL;
}

bool pl_contract__share_of(const pl_reading *reading, const pl_yaml *node, size_t offset,
                           pl_span text, double *ret_share)
{
    pl_span digits = text;
    bool percent = text.bytes && text.data[text.bytes - 1] == '%';
    digits.bytes -= percent;
    pl_number number;
    double value;
    if (pl_number_parse(digits, &number) != PL_NUMBER_OK ||
        pl_number_double(&number, percent ? -2 : 0, &value) != PL_NUMBER_OK || value < 0 ||
        value > 1) {
        pl_hint(pl_contract__mistake(reading, node, offset, "'%.*s' is not a share", PL_FMT(text)),
                "Write 2%% or 0.02.");
        return false;
    }
    *ret_share = value;
    return true;
}

bool pl_contract__share(const pl_reading *reading, const pl_yaml *node, double *ret_share)
{
    return pl_contract__share_of(reading, node, 0, node->text, ret_share);
}

size_t pl_contract__string_end(pl_span text, size_t at)
{
    for (size_t i = at + 1; i < text.bytes; i++) {
        if (text.data[i] == '\\')
            i++;
        else if (text.data[i] == '"')
            return i + 1;
    }
    return SIZE_MAX;
}

size_t pl_contract__close(pl_span text, size_t at)
{
    char open[64];
    size_t depth = 0;
    for (size_t i = at; i < text.bytes; i++) {
        char c = text.data[i];
        if (c == '"') {
            i = pl_contract__string_end(text, i);
            if (i == SIZE_MAX) return SIZE_MAX;
            i--;
        } else if (c == '(' || c == '[') {
            if (depth == sizeof open) return SIZE_MAX;
            open[depth++] = c == '(' ? ')' : ']';
        } else if (c == ')' || c == ']') {
            if (open[depth - 1] != c) return SIZE_MAX;
            if (--depth == 0) return i;
        }
    }
    return SIZE_MAX;
}

pl_span pl_contract__cut(pl_span text, size_t *from, size_t to)
{
    while (*from < to && (text.data[*from] == ' ' || text.data[*from] == '\t')) ++*from;
    while (to > *from && (text.data[to - 1] == ' ' || text.data[to - 1] == '\t')) to--;
    return pl_span_make(text.data + *from, to - *from);
}
