// mapping.h -- contract + mapping + content in, rows and rejects out as text, for map's tests.
//
// One line per record: "column=value ..." of what is not NULL, or "! column@byte: reason <sample>".
// Everything is done twice, with the schema as declared and as a table gives it back (where JSON is
// text), and every row goes through columns.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_MAPPING_H
#define PL_TEST_MAPPING_H

#include <stdio.h>

#include "map/mapper.h"
#include "unit.h"

#define RECEIVED_US INT64_C(1700000000123456)
#define OBJECT_ID   "01HF7YAT000000000000000000"

typedef struct mapped {
    pl_arena arena;
    pl_contract *contract;
    pl_mapping *mapping;
    pl_schema schema;
    pl_map_plan *plan;
    pl_mapper *mapper;
    pl_buf text;
} mapped;

typedef struct test_content {
    pl_span left;
    size_t chunk;
} test_content;

static inline plumb_status test_read(void *context, char *buffer, size_t bytes, size_t *ret_got,
                                     plumb_error *err)
{
    (void)err;
    test_content *content = context;
    size_t got = PL_MIN(PL_MIN(bytes, content->left.bytes), content->chunk);
    if (got) memcpy(buffer, content->left.data, got);
    content->left.data += got;
    content->left.bytes -= got;
    *ret_got = got;
    return PLUMB_OK;
}

static inline void test_problems(const pl_problems *problems)
{
    for (uint32_t i = 0; i < problems->count; i++)
        print_error("%s:%u:%u %s\n", problems->items[i].file, problems->items[i].line,
                    problems->items[i].column, problems->items[i].message);
    CHECK_INT(0, problems->count);
}

// What iceberg gives back: JSON is text there.
static inline void stored_type(pl_arena *arena, pl_type *type)
{
    if (type->kind == PL_JSON) type->kind = PL_STRING;
    if (type->kind != PL_LIST) return;
    pl_type *element = PL_TAKE(arena, pl_type, 1);
    *element = *type->element;
    stored_type(arena, element);
    type->element = element;
}

static inline void mapped_open(mapped *self, const char *contract, const char *mapping, bool stored)
{
    *self = (mapped){0};
    pl_problems problems = {0};
    plumb_error err;
    self->contract =
        pl_contract_parse("c.yml", pl_span_of(contract), &self->arena, &problems, NULL);
    test_problems(&problems);
    self->mapping = pl_mapping_parse("s.yml", pl_span_of(mapping), &self->contract, 1, &self->arena,
                                     &problems, NULL);
    test_problems(&problems);
    self->schema = pl_map_schema(self->contract, &self->arena);
    for (uint32_t i = 0; i < self->schema.count; i++) {
        self->schema.fields[i].id = (int32_t)i + 1;
        if (stored) stored_type(&self->arena, &self->schema.fields[i].type);
    }
    CHECK_OK(pl_map_compile(self->mapping, &self->schema, 4, &self->arena, &self->plan, &err), err);
    self->mapper = pl_mapper_new(self->plan);
    pl_mapper_object(self->mapper, PL_SPAN(OBJECT_ID), RECEIVED_US);
}

static inline void mapped_close(mapped *self)
{
    pl_mapper_free(self->mapper);
    pl_buf_done(&self->text);
    pl_arena_done(&self->arena);
}

static inline void print_item(mapped *self, const pl_column *column, uint32_t row)
{
    if (!column->child || !column->valid[row]) {
        pl_value value = pl_column_value(column, row);
        pl_value_text(&self->text, &value, &column->type);
        return;
    }
    pl_buf_char(&self->text, '[');
    for (uint32_t e = column->offsets[row]; e < column->offsets[row + 1]; e++) {
        if (e > column->offsets[row]) pl_buf_char(&self->text, ',');
        print_item(self, column->child, e);
    }
    pl_buf_char(&self->text, ']');
}

static inline void print_row(mapped *self, const pl_column *columns, uint32_t row)
{
    for (uint32_t i = 0; i < self->schema.count; i++) {
        bool fixed = i >= self->contract->column_count && i < self->contract->column_count + 3;
        if (!columns[i].valid[row] || fixed) continue;
        if (self->text.count && self->text.data[self->text.count - 1] != '\n')
            pl_buf_char(&self->text, ' ');
        pl_buf_printf(&self->text, "%.*s=", PL_FMT(self->schema.fields[i].name));
        print_item(self, &columns[i], row);
    }
    pl_buf_char(&self->text, '\n');
}

static inline void mapped_run(mapped *self, pl_format format, pl_span content, size_t chunk)
{
    pl_framer_options options;
    test_content source = {content, chunk};
    plumb_error err;
    pl_frame frame;
    pl_reject reject;
    bool more = true;
    pl_map_framing(self->plan, format, &options);
    pl_framer *framer = pl_framer_new(&options, test_read, &source);
    for (;;) {
        CHECK_OK(pl_framer_next(framer, &frame, &more, &err), err);
        if (!more) break;
        pl_mapped what = pl_mapper_record(self->mapper, &frame, &reject);
        if (what == PL_MAPPED_FILTERED) {
            pl_buf_text(&self->text, "filtered\n");
        } else if (what == PL_MAPPED_ROW) {
            uint32_t rows = pl_mapper_keep(self->mapper);
            print_row(self, pl_mapper_batch(self->mapper), rows - 1);
        } else {
            CHECK(reject.error_at >= frame.offset && reject.error_at <= frame.offset + frame.bytes);
            pl_buf_printf(&self->text, "! %.*s@%llu: %s", PL_FMT(reject.column),
                          (unsigned long long)reject.error_at, reject.reason);
            if (reject.sample[0]) pl_buf_printf(&self->text, " <%s>", reject.sample);
            pl_buf_char(&self->text, '\n');
        }
    }
    pl_framer_free(framer);
}

static inline void check_mapped(const char *contract, const char *mapping, const char *content,
                                const char *want, const char *file, int line)
{
    for (int stored = 0; stored < 2; stored++) {
        mapped self;
        mapped_open(&self, contract, mapping, stored);
        mapped_run(&self, PL_FORMAT_NDJSON, pl_span_of(content), SIZE_MAX);
        const char *got = pl_buf_cstr(&self.text);
        if (strcmp(want, got) != 0) {
            fprintf(stderr, "want:\n%sgot%s:\n%s", want, stored ? " (as stored)" : "", got);
            _fail(file, line);
        }
        mapped_close(&self);
    }
}
#define CHECK_MAPPED(contract, mapping, content, want)                                             \
    check_mapped(contract, mapping, content, want, __FILE__, __LINE__)

#endif
