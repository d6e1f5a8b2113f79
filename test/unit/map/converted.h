// converted.h -- one JSON value through pl_convert, as text: "value", "value (coerced)" or the
// reason behind "! ".
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_CONVERTED_H
#define PL_TEST_CONVERTED_H

#include "map/convert.h"
#include "unit.h"

static inline void cell_text(pl_buf *out, const pl_cell *cell, const pl_type *type)
{
    if (type->kind != PL_LIST || cell->value.is_null) {
        pl_value_text(out, &cell->value, type);
        return;
    }
    for (uint32_t i = 0; i < cell->count; i++) {
        pl_buf_text(out, i ? "," : "[");
        cell_text(out, &cell->elements[i], type->element);
    }
    pl_buf_text(out, cell->count ? "]" : "[]");
}

static inline void check_convert(const char *type_text, const char *parser_text, const char *json,
                                 const char *want, const char *file, int line)
{
    pl_arena arena = {0};
    pl_buf got = {0};
    pl_type type;
    pl_parser parser = {0};
    pl_cell cell;
    plumb_error err;
    const char *reason;
    bool coerced;
    if (!pl_type_parse(pl_span_of(type_text), &arena, &type, &reason)) fail_msg("%s", reason);
    if (parser_text[0])
        CHECK_OK(pl_parser_parse(pl_span_of(parser_text), &arena, &parser, &err), err);
    CHECK(!pl_json_check(pl_span_of(json)).reason);
    pl_slot slot = pl_slot_of(pl_span_of(json));
    const char *why = pl_convert(&slot, &type, &parser, &arena, &cell, &coerced);
    if (why) {
        pl_buf_printf(&got, "! %s", why);
    } else {
        CHECK_INT(type.kind, cell.value.kind);
        cell_text(&got, &cell, &type);
    }
    if (!why && coerced) pl_buf_text(&got, " (coerced)");
    if (strcmp(want, pl_buf_cstr(&got)) != 0) {
        print_error("%s as %s by '%s'\nwant: %s\n got: %s\n", json, type_text, parser_text, want,
                    got.data);
        _fail(file, line);
    }
    pl_buf_done(&got);
    pl_arena_done(&arena);
}
#define CHECK_CONVERT(type, parser, json, want)                                                    \
    check_convert(type, parser, json, want, __FILE__, __LINE__)

#endif
