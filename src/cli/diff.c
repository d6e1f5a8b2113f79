// SPDX-License-Identifier: Apache-2.0
#include "cli/diff.h"

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
