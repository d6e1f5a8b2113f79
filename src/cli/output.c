// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/os.h"
#include "json/text.h"

int pl_cli_exit(plumb_status status)
{
    switch (status) {
    case PLUMB_OK:
        return PL_EXIT_DONE;
    case PLUMB_E_CONFIG:
        return PL_EXIT_USAGE;
    case PLUMB_E_CANCELLED:
        return PL_EXIT_CANCELLED;
    default:
        return PL_EXIT_FAILED;
    }
}

static void print_error(const plumb_error *err)
{
    pl_buf text = {0};
    pl_buf_text(&text, "plumb: ");
    if (err->file[0]) pl_cli_escape(&text, pl_span_of(err->file));
    if (err->file[0] && err->line) pl_buf_printf(&text, ":%u", err->line);
    if (err->file[0] && err->line && err->column) pl_buf_printf(&text, ":%u", err->column);
    if (err->file[0]) pl_buf_text(&text, ": ");
    pl_cli_escape(&text, pl_span_of(err->message));
    if (err->hint[0]) {
        pl_buf_text(&text, "\n  hint: ");
        pl_cli_escape(&text, pl_span_of(err->hint));
    }
    fprintf(stderr, "%s\n", pl_buf_cstr(&text));
    pl_buf_done(&text);
}

int pl_cli_fail(pl_cli *cli, const plumb_error *err)
{
    pl_cli_flush(cli); // what was said so far comes first
    if (err->message[0]) print_error(err);
    return pl_cli_exit(err->status);
}

void pl_cli_warn(const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    pl_buf safe = {0};
    pl_cli_escape(&safe, pl_span_of(text));
    fprintf(stderr, "plumb: warning: %s\n", pl_buf_cstr(&safe));
    pl_buf_done(&safe);
}

bool pl_cli_flush(pl_cli *cli)
{
    size_t at = 0;
    while (at < cli->out.count && !cli->closed) {
        ssize_t n = write(STDOUT_FILENO, cli->out.data + at, cli->out.count - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EPIPE) { // `| head` has seen enough
            cli->closed = true;
        } else if (n < 0) {
            if (!cli->failed) fprintf(stderr, "plumb: cannot write output: %s\n", strerror(errno));
            cli->failed = cli->closed = true;
        } else {
            at += (size_t)n;
        }
    }
    pl_buf_reset(&cli->out);
    return !cli->failed;
}

int pl_cli_finish_with(pl_cli *cli, int code)
{
    // A JSON document is one line or ends one.
    if (cli->json && cli->out.count && cli->out.data[cli->out.count - 1] != '\n')
        pl_buf_char(&cli->out, '\n');
    return pl_cli_flush(cli) ? code : PL_EXIT_FAILED;
}

int pl_cli_finish(pl_cli *cli)
{
    return pl_cli_finish_with(cli, PL_EXIT_DONE);
}

void pl_cli_print(pl_cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pl_buf_vprintf(&cli->out, fmt, args);
    va_end(args);
}

pl_json_writer pl_cli_json(pl_cli *cli)
{
    return pl_json_writer_on(&cli->out, pl_is_terminal(STDOUT_FILENO) ? 2 : 0);
}

const char *pl_cli_color(const pl_cli *cli, pl_color color)
{
    static const char *const codes[] = {"\x1b[1m",  "\x1b[2m",  "\x1b[31m",
                                        "\x1b[33m", "\x1b[32m", "\x1b[0m"};
    return cli->color ? codes[color] : "";
}

static int width_of(pl_span text)
{
    int width = 0; // one place per character: wide ones (CJK, emoji) may shift a line, never break
    for (size_t i = 0; i < text.bytes; i++) width += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return width;
}

int pl_cli_width(void)
{
    return PL_MAX(pl_terminal_width(STDOUT_FILENO), 0);
}

void pl_cli_fit(pl_cli *cli, size_t start, int width)
{
    int used = 0;
    size_t to = start;
    for (size_t at = start; width && at < cli->out.count; at++) {
        char c = cli->out.data[at];
        if (c == '\x1b') { // colour takes no room
            while (cli->out.data[at] != 'm') cli->out.data[to++] = cli->out.data[at++];
            cli->out.data[to++] = 'm';
            continue;
        }
        bool starts = ((uint8_t)c & 0xC0) != 0x80;
        if (c == '\n') {
            while (to > start && cli->out.data[to - 1] == ' ') to--;
            used = -1;
        }
        used += starts;
        if (used <= width) cli->out.data[to++] = c;
    }
    if (width) cli->out.count = to;
}

void pl_cli_fold(pl_cli *cli, const char *head, int width, const char *text)
{
    pl_buf safe = {0};
    int terminal = pl_cli_width(), indent = width_of(pl_span_of(head)), used = indent;
    if (terminal) width = PL_MIN(width, terminal);
    pl_cli_escape(&cli->out, pl_span_of(head));
    pl_cli_escape(&safe, pl_span_of(text));
    for (const char *at = pl_buf_cstr(&safe); *at;) {
        size_t bytes = strcspn(at, " ");
        int columns = width_of(pl_span_make(at, bytes));
        if (used > indent && used + 1 + columns > width) {
            pl_cli_print(cli, "\n%*s", indent, "");
            used = indent;
        } else if (used > indent) {
            pl_cli_print(cli, " ");
            used++;
        }
        pl_buf_append(&cli->out, at, bytes);
        used += columns;
        at += bytes;
        while (*at == ' ') at++;
    }
    pl_cli_print(cli, "\n");
    pl_buf_done(&safe);
}

pl_grid pl_grid_make(const char *header)
{
    pl_grid grid = {.header = header, .columns = 1};
    for (const char *p = header; *p; p++) grid.columns += *p == '|';
    return grid;
}

void pl_grid_text(pl_grid *grid, const char *text)
{
    pl_buf cell = {0};
    pl_cli_escape(&cell, pl_span_of(text));
    pl_buf_char(&cell, '\0');
    PL_GROW(grid->cells, grid->count, grid->capacity);
    grid->cells[grid->count++] = cell.data; // owned by the grid now
}

void pl_grid_count(pl_grid *grid, int64_t value)
{
    pl_human text;
    pl_grid_text(grid, pl_human_count(text, value));
}

void pl_grid_bytes(pl_grid *grid, int64_t value)
{
    pl_human text;
    pl_grid_text(grid, pl_human_bytes(text, value));
}

void pl_grid_time(pl_grid *grid, int64_t micros)
{
    pl_human text;
    pl_grid_text(grid, pl_human_time(text, micros));
}

void pl_grid_printf(pl_grid *grid, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    pl_grid_text(grid, text);
}

// The header's next name: "rows>" is rows, flush right.
static pl_span header_name(const char **at, bool *ret_right)
{
    size_t bytes = strcspn(*at, "|");
    pl_span name = {*at, bytes};
    *at += bytes + ((*at)[bytes] == '|');
    *ret_right = bytes && name.data[bytes - 1] == '>';
    if (*ret_right) name.bytes--;
    return name;
}

static void print_cell(pl_buf *out, pl_span text, int width, bool right, bool last)
{
    int pad = width - width_of(text);
    for (int i = 0; right && i < pad; i++) pl_buf_char(out, ' ');
    pl_buf_span(out, text);
    for (int i = 0; !right && !last && i < pad; i++) pl_buf_char(out, ' ');
    if (!last) {
        pl_buf_text(out, "  ");
        return;
    }
    while (out->count && out->data[out->count - 1] == ' ') out->count--;
    pl_buf_char(out, '\n');
}

void pl_grid_print(pl_cli *cli, pl_grid *grid)
{
    int columns = grid->columns, *widths = pl_zalloc((size_t)columns, sizeof(int));
    bool *right = pl_zalloc((size_t)columns, sizeof(bool));
    pl_span *names = pl_zalloc((size_t)columns, sizeof(pl_span));
    const char *at = grid->header;
    for (int i = 0; i < columns; i++) {
        names[i] = header_name(&at, &right[i]);
        widths[i] = width_of(names[i]);
    }
    for (int i = 0; i < grid->count; i++)
        widths[i % columns] = PL_MAX(widths[i % columns], width_of(pl_span_of(grid->cells[i])));

    pl_buf_text(&cli->out, pl_cli_color(cli, PL_COLOR_BOLD));
    for (int i = 0; i < columns; i++)
        print_cell(&cli->out, names[i], widths[i], right[i], i == columns - 1);
    pl_buf_text(&cli->out, pl_cli_color(cli, PL_COLOR_OFF));
    for (int i = 0; i < grid->count; i++) {
        int c = i % columns;
        print_cell(&cli->out, pl_span_of(grid->cells[i]), widths[c], right[c], c == columns - 1);
        free(grid->cells[i]);
    }
    free(grid->cells);
    free(widths);
    free(right);
    free(names);
    *grid = (pl_grid){0};
}
