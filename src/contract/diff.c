// SPDX-License-Identifier: Apache-2.0
#include "contract/diff.h"

#include <stdlib.h>

#include "base/arena.h"

#define PAIRS_MAX 4000000u

typedef struct lines {
    pl_span *items; // with their line ends
    uint32_t count;
} lines;

static lines split(pl_span text, pl_arena *arena)
{
    lines all = {0};
    uint32_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) count += text.data[i] == '\n';
    all.items = PL_TAKE(arena, pl_span, count + 1);
    for (size_t at = 0; at < text.bytes;) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.bytes - at);
        size_t bytes = end ? (size_t)(end - line) + 1 : text.bytes - at;
        all.items[all.count++] = pl_span_make(line, bytes);
        at += bytes;
    }
    return all;
}

// Of the parts that differ: the longest common subsequence, from the end so that the walk is
// forwards. common[i * (m + 1) + j] is its length for a[i..] and b[j..].
static void walk(lines a, lines b, uint32_t skipped, pl_diff_visit visit, void *context)
{
    size_t n = a.count, m = b.count, width = m + 1;
    bool whole = n * m > PAIRS_MAX;
    uint32_t *common = pl_zalloc(whole ? 1 : (n + 1) * width, sizeof *common);
    for (size_t i = n; !whole && i-- > 0;)
        for (size_t j = m; j-- > 0;)
            common[i * width + j] =
                pl_span_equal(a.items[i], b.items[j])
                    ? common[(i + 1) * width + j + 1] + 1
                    : PL_MAX(common[(i + 1) * width + j], common[i * width + j + 1]);
    for (size_t i = 0, j = 0; i < n || j < m;) {
        if (!whole && i < n && j < m && pl_span_equal(a.items[i], b.items[j])) {
            i++, j++;
        } else if (j == m ||
                   (i < n && (whole || common[(i + 1) * width + j] >= common[i * width + j + 1]))) {
            visit(context, false, skipped + (uint32_t)i + 1, a.items[i]);
            i++;
        } else {
            visit(context, true, skipped + (uint32_t)j + 1, b.items[j]);
            j++;
        }
    }
    free(common);
}

void pl_diff(pl_span from, pl_span to, pl_diff_visit visit, void *context)
{
    pl_arena arena = {0};
    lines a = split(from, &arena), b = split(to, &arena);
    uint32_t same = 0;
    while (same < a.count && same < b.count && pl_span_equal(a.items[same], b.items[same])) same++;
    a = (lines){a.items + same, a.count - same};
    b = (lines){b.items + same, b.count - same};
    while (a.count && b.count && pl_span_equal(a.items[a.count - 1], b.items[b.count - 1]))
        a.count--, b.count--;
    walk(a, b, same, visit, context);
    pl_arena_done(&arena);
}

// ---- unified ------------------------------------------------------------------------------------

typedef struct part {
    bool came;
    uint32_t line;
    pl_span text;
} part;

typedef struct unified {
    pl_buf *out;
    pl_buf parts; // part[]
} unified;

static void keep(void *context, bool came, uint32_t line, pl_span text)
{
    unified *self = context;
    part one = {came, line, text};
    pl_buf_append(&self->parts, &one, sizeof one);
}

static void put_lines(pl_buf *out, const part *parts, uint32_t count, bool came)
{
    for (uint32_t i = 0; i < count; i++) {
        pl_span text = parts[i].text;
        if (parts[i].came != came) continue;
        pl_buf_char(out, came ? '+' : '-');
        pl_buf_span(out, text);
        if (text.data[text.bytes - 1] != '\n') pl_buf_text(out, "\n\\ No newline at end of file\n");
    }
}

static void put_range(pl_buf *out, char sign, uint32_t from, uint32_t count)
{
    pl_buf_printf(out, " %c%u", sign, count ? from : from - 1);
    if (count != 1) pl_buf_printf(out, ",%u", count);
}

// The hunk that begins with parts[0]: lines that follow one another on both sides. `skew` is by how
// much lines of `to` are ahead of those of `from` before it. Returns how many parts it has.
static uint32_t put_hunk(pl_buf *out, const part *parts, uint32_t count, int64_t *skew)
{
    uint32_t gone = 0, came = 0, taken = 0;
    uint32_t from = parts[0].came ? (uint32_t)(parts[0].line - *skew) : parts[0].line;
    uint32_t to = (uint32_t)(from + *skew);
    for (; taken < count; taken++) {
        const part *next = &parts[taken];
        if (next->line != (next->came ? to + came : from + gone)) break;
        came += next->came;
        gone += !next->came;
    }
    pl_buf_text(out, "@@");
    put_range(out, '-', from, gone);
    put_range(out, '+', to, came);
    pl_buf_text(out, " @@\n");
    put_lines(out, parts, taken, false);
    put_lines(out, parts, taken, true);
    *skew += (int64_t)came - gone;
    return taken;
}

void pl_diff_unified(pl_buf *out, const char *file, pl_span from, pl_span to)
{
    unified self = {.out = out};
    pl_diff(from, to, keep, &self);
    const part *parts = (const part *)(const void *)self.parts.data;
    uint32_t count = (uint32_t)(self.parts.count / sizeof *parts);
    if (count) pl_buf_printf(out, "--- %s\n+++ %s\n", file, file);
    int64_t skew = 0;
    for (uint32_t at = 0; at < count;) at += put_hunk(out, parts + at, count - at, &skew);
    pl_buf_done(&self.parts);
}
