// SPDX-License-Identifier: Apache-2.0
#include "query/format.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "query/width_int.h"
#include "json/writer.h"

#define SAMPLE_ROWS  100        // rows the widths of a table are taken from
#define SAMPLE_BYTES (1u << 20) // or as many as fit here
#define WIDTH_MAX    60         // a longer value does not widen its column
#define FLUSH_BYTES  (64u * 1024)

typedef struct column {
    pl_span name; // shown: unique in json and ndjson
    pl_span key;  // json: its quoted name and a colon
    pl_class kind;
    size_t width; // table
} column;

struct pl_query_format {
    pl_query_format_options options;
    pl_arena arena; // columns and their names
    column *columns;
    pl_cell *cells; // one row
    uint32_t column_count;
    bool started; // columns came
    bool cut;     // by rows_max
    bool plan;    // table: what EXPLAIN gives, a drawing and not a table
    uint64_t rows_written;
    pl_buf out;

    // table: the first rows, escaped, cell after cell, until the widths are fixed
    bool widths_fixed;
    pl_buf sample;       // text of the cells held back
    size_t *sample_ends; // end of each of them in `sample`
    uint32_t sample_count, sample_capacity;
};

bool pl_query_format_parse(pl_span word, pl_query_format_kind *ret_kind)
{
    static const char *const words[] = {"table", "csv", "json", "ndjson"};
    for (size_t i = 0; i < PL_COUNT(words); i++) {
        if (!pl_span_is(word, words[i])) continue;
        *ret_kind = (pl_query_format_kind)i;
        return true;
    }
    return false;
}

static plumb_status flush(pl_query_format *format, size_t above, plumb_error *err)
{
    if (format->out.count <= above) return PLUMB_OK;
    plumb_status st =
        format->options.write(format->options.context, pl_buf_view(&format->out), err);
    pl_buf_reset(&format->out);
    return st;
}

// ---- csv ---------------------------------------------------------------------------------------

static void csv_field(pl_buf *out, pl_span text)
{
    bool quoted = text.bytes == 0;
    for (size_t i = 0; i < text.bytes && !quoted; i++)
        quoted = text.data[i] == '"' || text.data[i] == ',' || text.data[i] == '\n' ||
                 text.data[i] == '\r';
    if (!quoted) {
        pl_buf_span(out, text);
        return;
    }
    pl_buf_char(out, '"');
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"') pl_buf_char(out, '"');
        pl_buf_char(out, text.data[i]);
    }
    pl_buf_char(out, '"');
}

static void csv_header(pl_query_format *format)
{
    for (uint32_t i = 0; i < format->column_count; i++) {
        if (i) pl_buf_char(&format->out, ',');
        csv_field(&format->out, format->columns[i].name);
    }
    pl_buf_char(&format->out, '\n');
}

static void csv_row(pl_query_format *format)
{
    for (uint32_t i = 0; i < format->column_count; i++) {
        if (i) pl_buf_char(&format->out, ',');
        if (!format->cells[i].is_null) csv_field(&format->out, format->cells[i].text);
    }
    pl_buf_char(&format->out, '\n');
}

// ---- json --------------------------------------------------------------------------------------

static void json_cell(pl_buf *out, pl_class kind, const pl_cell *cell)
{
    if (cell->is_null) {
        pl_buf_text(out, "null");
        return;
    }
    bool bare = kind == PL_CLASS_BOOLEAN || kind == PL_CLASS_NUMBER || kind == PL_CLASS_NESTED;
    if (kind == PL_CLASS_DOUBLE) // NaN, Infinity and -Infinity are no JSON numbers
        bare = !memchr(cell->text.data, 'N', cell->text.bytes) &&
               !memchr(cell->text.data, 'I', cell->text.bytes);
    if (bare)
        pl_buf_span(out, cell->text);
    else
        pl_json_quote(out, cell->text);
}

static void json_row(pl_query_format *format)
{
    pl_buf *out = &format->out;
    if (format->options.kind == PL_QUERY_FORMAT_JSON)
        pl_buf_text(out, format->rows_written ? ",\n " : "\n ");
    pl_buf_char(out, '{');
    for (uint32_t i = 0; i < format->column_count; i++) {
        if (i) pl_buf_text(out, ", ");
        pl_buf_span(out, format->columns[i].key);
        json_cell(out, format->columns[i].kind, &format->cells[i]);
    }
    pl_buf_char(out, '}');
    if (format->options.kind == PL_QUERY_FORMAT_NDJSON) pl_buf_char(out, '\n');
}

// Keys of an object are unique: a second `likes` becomes likes_2, or the next number that is free.
static void unique_names(pl_query_format *format)
{
    pl_map seen = {0};
    for (uint32_t i = 0; i < format->column_count; i++)
        pl_map_add(&seen, format->columns[i].name, i);
    for (uint32_t i = 0; i < format->column_count; i++) {
        column *c = &format->columns[i];
        pl_span name = c->name;
        for (uint32_t n = 2; pl_map_add(&seen, name, i) != i; n++)
            name = pl_span_of(pl_arena_printf(&format->arena, "%.*s_%u", PL_FMT(c->name), n));
        c->name = name;
        pl_buf key = {0};
        pl_json_quote(&key, name);
        pl_buf_text(&key, ": ");
        c->key = pl_arena_copy(&format->arena, pl_buf_view(&key));
        pl_buf_done(&key);
    }
    pl_map_done(&seen);
}

// ---- table -------------------------------------------------------------------------------------

static void escape(pl_buf *out, pl_span text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool c1 = c == 0xc2 && i + 1 < text.bytes && (unsigned char)text.data[i + 1] < 0xa0;
        if (c == '\n')
            pl_buf_text(out, "\\n");
        else if (c == '\t')
            pl_buf_text(out, "\\t");
        else if (c == '\r')
            pl_buf_text(out, "\\r");
        else if (c < 32 || c == 127)
            pl_buf_printf(out, "\\x%02x", c);
        else if (c1) // U+0080 to U+009F drive some terminals as ESC sequences do
            pl_buf_printf(out, "\\x%02x", (unsigned char)text.data[++i]);
        else
            pl_buf_char(out, (char)c);
    }
}

static bool flush_right(pl_class kind)
{
    return kind == PL_CLASS_NUMBER || kind == PL_CLASS_DOUBLE;
}

static void pad(pl_buf *out, size_t count)
{
    while (count-- > 0) pl_buf_char(out, ' ');
}

// One escaped cell, two spaces before all but the first; nothing is padded at a line's end.
static void table_cell(pl_query_format *format, uint32_t i, pl_span text)
{
    const column *c = &format->columns[i];
    size_t width = pl_query__width(text);
    size_t fill = width < c->width ? c->width - width : 0;
    bool last = i + 1 == format->column_count;
    if (i) pl_buf_text(&format->out, "  ");
    if (flush_right(c->kind)) pad(&format->out, fill);
    pl_buf_span(&format->out, text);
    if (!flush_right(c->kind) && !last) pad(&format->out, fill);
    if (last) pl_buf_char(&format->out, '\n');
}

static void fix_widths(pl_query_format *format)
{
    pl_buf name = {0};
    size_t begin = 0;
    format->widths_fixed = true;
    for (uint32_t i = 0; i < format->column_count; i++) {
        pl_buf_reset(&name);
        escape(&name, format->columns[i].name);
        format->columns[i].name = pl_arena_copy(&format->arena, pl_buf_view(&name));
        format->columns[i].width = pl_query__width(pl_buf_view(&name));
    }
    pl_buf_done(&name);
    for (uint32_t i = 0; i < format->sample_count; i++) {
        column *c = &format->columns[i % format->column_count];
        size_t end = format->sample_ends[i];
        size_t width = pl_query__width(pl_span_make(format->sample.data + begin, end - begin));
        c->width = PL_MAX(c->width, PL_MIN(width, WIDTH_MAX));
        begin = end;
    }
    for (uint32_t i = 0; i < format->column_count; i++)
        table_cell(format, i, format->columns[i].name);
    for (uint32_t i = 0; i < format->column_count; i++) {
        if (i) pl_buf_text(&format->out, "  ");
        for (size_t k = 0; k < format->columns[i].width; k++) pl_buf_char(&format->out, '-');
    }
    pl_buf_char(&format->out, '\n');
    begin = 0;
    for (uint32_t i = 0; i < format->sample_count; i++) {
        size_t end = format->sample_ends[i];
        table_cell(format, i % format->column_count,
                   pl_span_make(format->sample.data + begin, end - begin));
        begin = end;
    }
    pl_buf_done(&format->sample);
}

static bool is_plan(const pl_query_format *format)
{
    return format->options.kind == PL_QUERY_FORMAT_TABLE && format->column_count == 2 &&
           pl_span_is(format->columns[0].name, "explain_key") &&
           pl_span_is(format->columns[1].name, "explain_value");
}

// The drawing as it is, line by line.
static void plan_row(pl_query_format *format)
{
    pl_span text = format->cells[1].text;
    while (text.bytes) {
        const char *newline = memchr(text.data, '\n', text.bytes);
        size_t bytes = newline ? (size_t)(newline - text.data) : text.bytes;
        escape(&format->out, pl_span_make(text.data, bytes));
        pl_buf_char(&format->out, '\n');
        bytes += newline != NULL;
        text.data += bytes;
        text.bytes -= bytes;
    }
}

static void table_row(pl_query_format *format)
{
    pl_buf text = {0};
    if (format->plan) {
        plan_row(format);
        return;
    }
    for (uint32_t i = 0; i < format->column_count; i++) {
        const pl_cell *cell = &format->cells[i];
        pl_span shown = cell->is_null ? PL_SPAN("NULL") : cell->text;
        if (format->widths_fixed) {
            pl_buf_reset(&text);
            escape(&text, shown);
            table_cell(format, i, pl_buf_view(&text));
            continue;
        }
        escape(&format->sample, shown);
        PL_GROW(format->sample_ends, format->sample_count, format->sample_capacity);
        format->sample_ends[format->sample_count++] = format->sample.count;
    }
    pl_buf_done(&text);
    if (!format->widths_fixed && (format->sample_count >= SAMPLE_ROWS * format->column_count ||
                                  format->sample.count >= SAMPLE_BYTES))
        fix_widths(format);
}

// ---- the sink ----------------------------------------------------------------------------------

static plumb_status take_columns(void *context, const pl_result_column *columns, uint32_t count,
                                 plumb_error *err)
{
    pl_query_format *format = context;
    format->columns = PL_TAKE(&format->arena, column, count);
    format->cells = PL_TAKE(&format->arena, pl_cell, count);
    format->column_count = count;
    format->started = true;
    for (uint32_t i = 0; i < count; i++)
        format->columns[i] = (column){.name = pl_arena_copy(&format->arena, columns[i].name),
                                      .kind = columns[i].kind};
    switch (format->options.kind) {
    case PL_QUERY_FORMAT_CSV:
        csv_header(format);
        break;
    case PL_QUERY_FORMAT_JSON:
    case PL_QUERY_FORMAT_NDJSON:
        unique_names(format);
        if (format->options.kind == PL_QUERY_FORMAT_JSON) pl_buf_char(&format->out, '[');
        break;
    case PL_QUERY_FORMAT_TABLE:
        format->plan = is_plan(format);
        break;
    }
    return flush(format, FLUSH_BYTES, err);
}

static plumb_status take_rows(void *context, pl_rows *rows, plumb_error *err)
{
    pl_query_format *format = context;
    for (;;) {
        bool found;
        PL_TRY(pl_rows_next(rows, format->cells, &found, err));
        if (!found) return PLUMB_OK;
        if (format->options.rows_max && format->rows_written >= format->options.rows_max) {
            format->cut = true;
            return pl_fail(err, PLUMB_E_LIMIT, "cannot return more than %" PRIu64 " rows",
                           format->options.rows_max);
        }
        if (format->options.kind == PL_QUERY_FORMAT_TABLE)
            table_row(format);
        else if (format->options.kind == PL_QUERY_FORMAT_CSV)
            csv_row(format);
        else
            json_row(format);
        format->rows_written++;
        PL_TRY(flush(format, FLUSH_BYTES, err));
    }
}

pl_query_format *pl_query_format_open(const pl_query_format_options *options)
{
    pl_query_format *format = pl_zalloc(1, sizeof *format);
    format->options = *options;
    return format;
}

pl_query_sink pl_query_format_sink(pl_query_format *format)
{
    return (pl_query_sink){.context = format, .columns = take_columns, .rows = take_rows};
}

plumb_status pl_query_format_finish(pl_query_format *format, plumb_error *err)
{
    bool table = format->options.kind == PL_QUERY_FORMAT_TABLE && !format->plan;
    if (format->started && table && !format->widths_fixed) fix_widths(format);
    if (format->started && format->options.kind == PL_QUERY_FORMAT_JSON)
        pl_buf_text(&format->out, format->rows_written ? "\n]\n" : "]\n");
    return flush(format, 0, err);
}

bool pl_query_format_cut(const pl_query_format *format)
{
    return format->cut;
}

uint64_t pl_query_format_rows(const pl_query_format *format)
{
    return format->rows_written;
}

void pl_query_format_close(pl_query_format *format)
{
    if (!format) return;
    pl_arena_done(&format->arena);
    pl_buf_done(&format->out);
    pl_buf_done(&format->sample);
    free(format->sample_ends);
    free(format);
}
