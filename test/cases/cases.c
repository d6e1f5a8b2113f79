// cases.c -- runs text case files: rules of the mapping, stated so that a reader can learn them.
//
//     cases FILE...        checks; prints what differs and "N passed, N failed"
//     cases --show FILE    prints what really happens, in the form of the file
//
// A case file is blocks: a line at the margin names the block, indented lines are its text.
//
//     given contract / given mapping     the two files (the contract is called contract.yml, ...)
//     when ndjson | array | document | concatenated
//                                        the content of a raw object, received 2026-11-22T03:00Z
//     then rows                          one JSON object per row; absent: NULL
//     then rejected                      one line per record that cannot be a row
//     then filtered                      one line per record that `where` does not keep
//     then mistakes                      what is wrong with the files, with hints
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "casefile.h"
#include "map/mapper.h"
#include "json/writer.h"

#define RECEIVED INT64_C(1795316400000000) // 2026-11-22T03:00:00Z

typedef struct block {
    pl_span name;
    pl_buf text;
} block;

typedef struct case_file {
    const char *path;
    char *bytes;
    block blocks[CASE_BLOCKS];
    int count;
    pl_arena arena;
    pl_buf rows, rejected, filtered, mistakes;
} case_file;

static void parse(case_file *file)
{
    pl_span bytes = pl_span_of(file->bytes);
    case_text all;
    while (case_next(&bytes, &all)) file->count = all.count;
    for (int i = 0; i < file->count; i++) {
        pl_span text = all.blocks[i].text;
        file->blocks[i].name = all.blocks[i].head;
        while (text.bytes) {
            pl_span line = case_line(&text);
            size_t indent = PL_MIN(line.bytes, (size_t)2);
            if (!line.bytes || line.data[0] == '#') continue;
            pl_buf_append(&file->blocks[i].text, line.data + indent, line.bytes - indent);
            pl_buf_char(&file->blocks[i].text, '\n');
        }
    }
}

static block *find(case_file *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (pl_span_is(file->blocks[i].name, name)) return &file->blocks[i];
    return NULL;
}

static void write_value(pl_json_writer *w, const pl_value *value, const pl_type *type)
{
    pl_buf text = {0};
    pl_value_text(&text, value, type);
    bool plain = value->is_null || value->kind == PL_BOOLEAN || value->kind == PL_INT ||
                 value->kind == PL_LONG || value->kind == PL_DOUBLE || value->kind == PL_FLOAT ||
                 value->kind == PL_DECIMAL;
    if (plain)
        pl_json_raw(w, pl_buf_view(&text));
    else
        pl_json_text(w, pl_buf_view(&text));
    pl_buf_done(&text);
}

static void write_item(pl_json_writer *w, const pl_column *column, uint32_t row)
{
    if (!column->child || !column->valid[row]) {
        pl_value value = pl_column_value(column, row);
        write_value(w, &value, &column->type);
        return;
    }
    pl_json_begin(w, '[');
    for (uint32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++)
        write_item(w, column->child, i);
    pl_json_end(w, ']');
}

static void write_row(case_file *file, const pl_schema *schema, const pl_column *columns,
                      uint32_t row)
{
    pl_json_writer w = pl_json_writer_on(&file->rows, 0);
    pl_json_begin(&w, '{');
    for (uint32_t i = 0; i < schema->count; i++) {
        const pl_field *field = &schema->fields[i];
        bool always_there = pl_span_is(field->name, "_object") ||
                            pl_span_is(field->name, "_record") ||
                            pl_span_is(field->name, "_mapping");
        if (!columns[i].valid[row] || always_there) continue;
        pl_json_key_span(&w, field->name);
        write_item(&w, &columns[i], row);
    }
    pl_json_end(&w, '}');
    pl_buf_char(&file->rows, '\n');
}

static void write_reject(case_file *file, const pl_frame *frame, const pl_reject *reject)
{
    pl_buf_printf(&file->rejected, "record %llu at byte %llu: ", (unsigned long long)frame->index,
                  (unsigned long long)reject->error_at);
    if (reject->column.bytes)
        pl_buf_printf(&file->rejected, "column '%.*s': ", PL_FMT(reject->column));
    pl_buf_text(&file->rejected, reject->reason);
    if (reject->sample[0]) pl_buf_printf(&file->rejected, " (%s)", reject->sample);
    pl_buf_char(&file->rejected, '\n');
}

static plumb_status read_text(void *context, char *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *err)
{
    pl_span *left = context;
    (void)err;
    *ret_got = PL_MIN(bytes, left->bytes);
    memcpy(buffer, left->data, *ret_got);
    left->data += *ret_got;
    left->bytes -= *ret_got;
    return PLUMB_OK;
}

static void map_content(case_file *file, const pl_mapping *mapping, pl_format format,
                        pl_span content)
{
    plumb_error err;
    pl_map_plan *plan;
    pl_schema schema = pl_map_schema(mapping->contract, &file->arena);
    if (pl_map_compile(mapping, &schema, 1, &file->arena, &plan, &err) != PLUMB_OK) {
        pl_buf_printf(&file->mistakes, "%s\n", err.message);
        return;
    }
    pl_framer_options options;
    pl_map_framing(plan, format, &options);
    pl_framer *framer = pl_framer_new(&options, read_text, &content);
    pl_mapper *mapper = pl_mapper_new(plan);
    pl_mapper_object(mapper, PL_SPAN("01JDAAAAAAAAAAAAAAAAAAAAAA"), RECEIVED);
    pl_frame frame;
    bool more;
    while (pl_framer_next(framer, &frame, &more, &err) == PLUMB_OK && more) {
        pl_reject reject;
        pl_mapped what = pl_mapper_record(mapper, &frame, &reject);
        if (what == PL_MAPPED_ROW) {
            uint32_t rows = pl_mapper_keep(mapper);
            write_row(file, &schema, pl_mapper_batch(mapper), rows - 1);
        } else if (what == PL_MAPPED_REJECT)
            write_reject(file, &frame, &reject);
        else
            pl_buf_printf(&file->filtered, "record %llu\n", (unsigned long long)frame.index);
    }
    pl_mapper_free(mapper);
    pl_framer_free(framer);
}

static void write_mistakes(case_file *file, const pl_problems *problems)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        const plumb_error *item = &problems->items[i];
        pl_buf_printf(&file->mistakes, "%s:%u:%u: %s\n", item->file, item->line, item->column,
                      item->message);
        if (item->hint[0]) pl_buf_printf(&file->mistakes, "hint: %s\n", item->hint);
    }
}

static void play(case_file *file)
{
    pl_problems problems = {0}, warnings = {0};
    block *contract_block = find(file, "given contract"),
          *mapping_block = find(file, "given mapping");
    pl_contract *contract = NULL;
    pl_mapping *mapping = NULL;
    if (contract_block)
        contract = pl_contract_parse("contract.yml", pl_buf_view(&contract_block->text),
                                     &file->arena, &problems, &warnings);
    if (mapping_block)
        mapping = pl_mapping_parse("mapping.yml", pl_buf_view(&mapping_block->text), &contract,
                                   contract != NULL, &file->arena, &problems, &warnings);
    write_mistakes(file, &problems);
    for (int format = PL_FORMAT_NDJSON; mapping && format < PL_FORMATS; format++) {
        char name[32];
        snprintf(name, sizeof name, "when %s", pl_format_name((pl_format)format));
        block *content = find(file, name);
        if (content) map_content(file, mapping, (pl_format)format, pl_buf_view(&content->text));
    }
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
}

// A `then` block that is not there says: nothing of that kind happens.
static bool same(case_file *file, const char *name, const pl_buf *got)
{
    block *want = find(file, name);
    pl_span wanted = want ? pl_buf_view(&want->text) : (pl_span){0};
    if (pl_span_equal(wanted, pl_buf_view(got))) return true;
    printf("%s: %s\n--- expected\n%.*s--- found\n%.*s", file->path, name, PL_FMT(wanted),
           PL_FMT(pl_buf_view(got)));
    return false;
}

static void show(const char *name, const pl_buf *got)
{
    if (!got->count) return;
    printf("\n%s\n", name);
    for (size_t i = 0; i < got->count; i++) {
        if (i == 0 || got->data[i - 1] == '\n') fputs("  ", stdout);
        putchar(got->data[i]);
    }
}

static bool run(const char *path, bool only_show)
{
    case_file file = {.path = path, .bytes = case_read(path)};
    parse(&file);
    play(&file);
    bool passed = true;
    if (only_show) {
        show("then rows", &file.rows);
        show("then rejected", &file.rejected);
        show("then filtered", &file.filtered);
        show("then mistakes", &file.mistakes);
    } else {
        bool rows = same(&file, "then rows", &file.rows);
        bool rejected = same(&file, "then rejected", &file.rejected);
        bool filtered = same(&file, "then filtered", &file.filtered);
        bool mistakes = same(&file, "then mistakes", &file.mistakes);
        passed = rows && rejected && filtered && mistakes;
    }
    for (int i = 0; i < file.count; i++) pl_buf_done(&file.blocks[i].text);
    pl_buf_done(&file.rows);
    pl_buf_done(&file.rejected);
    pl_buf_done(&file.filtered);
    pl_buf_done(&file.mistakes);
    pl_arena_done(&file.arena);
    free(file.bytes);
    return passed;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    bool only_show = argc > 1 && strcmp(argv[1], "--show") == 0;
    for (int i = 1 + only_show; i < argc; i++)
        if (run(argv[i], only_show))
            passed++;
        else
            failed++;
    if (!only_show) printf("%d passed, %d failed\n", passed, failed);
    return failed || passed + failed == 0;
}
