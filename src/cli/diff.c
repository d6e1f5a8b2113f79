// SPDX-License-Identifier: Apache-2.0
#include "cli/diff.h"

#include <stdlib.h>

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

static pl_span bare(pl_span line)
{
    while (line.bytes && strchr("\r\n", line.data[line.bytes - 1])) line.bytes--;
    return line;
}

static void print_line(void *context, bool came, uint32_t line, pl_span text)
{
    pl_cli *cli = context;
    pl_cli_print(cli, "  %s%c %3u  ", pl_cli_color(cli, came ? PL_COLOR_GREEN : PL_COLOR_RED),
                 came ? '+' : '-', line);
    pl_cli_escape(&cli->out, bare(text));
    pl_cli_print(cli, "%s\n", pl_cli_color(cli, PL_COLOR_OFF));
}

void pl_diff_print(pl_cli *cli, pl_span from, pl_span to)
{
    pl_diff(from, to, print_line, cli);
}

static void json_line(void *context, bool came, uint32_t line, pl_span text)
{
    pl_json_writer *json = context;
    pl_json_begin(json, '{');
    pl_json_key(json, "op"), pl_json_cstr(json, came ? "+" : "-");
    pl_json_key(json, "line"), pl_json_int(json, line);
    pl_json_key(json, "text"), pl_json_text(json, bare(text));
    pl_json_end(json, '}');
}

void pl_diff_json(pl_json_writer *json, pl_span from, pl_span to)
{
    pl_json_begin(json, '[');
    pl_diff(from, to, json_line, json);
    pl_json_end(json, ']');
}
