// SPDX-License-Identifier: Apache-2.0
#include "schema/schema.h"

#include "unit.h"

static pl_type type_of(pl_arena *arena, const char *text)
{
    pl_type type = {0};
    const char *reason;
    if (!pl_type_parse(pl_span_of(text), arena, &type, &reason)) fail_msg("%s: %s", text, reason);
    return type;
}

TEST(types_are_read_and_written_as_contracts_spell_them)
{
    static const char *const cases[][2] = {
        {"boolean", "boolean"},
        {"int", "int"},
        {"long", "long"},
        {"float", "float"},
        {"double", "double"},
        {"date", "date"},
        {"timestamp", "timestamp"},
        {" string ", "string"},
        {"json", "json"},
        {"decimal(9,2)", "decimal(9, 2)"},
        {"decimal ( 38 , 38 )", "decimal(38, 38)"},
        {"decimal(1,0)", "decimal(1, 0)"},
        {"list(string)", "list(string)"},
        {"list( decimal(3,1) )", "list(decimal(3, 1))"},
        {"list(list(list(long)))", "list(list(list(long)))"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_arena arena = {0};
        pl_buf out = {0};
        pl_type type = type_of(&arena, cases[i][0]);
        pl_type_text(&out, &type);
        CHECK_SPAN(cases[i][1], pl_buf_view(&out));
        pl_buf_done(&out);
        pl_arena_done(&arena);
    }
}

TEST(types_that_are_none_say_why)
{
    static const char pair[] = "decimal needs a precision and a scale, as in decimal(10, 2)";
    static const char *const cases[][2] = {
        {"", "unknown type"},
        {"String", "unknown type"},
        {"integer", "unknown type"},
        {"int4", "unknown type"},
        {"(string)", "unknown type"},
        {"string(", "a closing ) is missing"},
        {"string()", "this type takes no arguments"},
        {"timestamp(6)", "this type takes no arguments"},
        {"decimal", pair},
        {"decimal()", pair},
        {"decimal(9)", pair},
        {"decimal(9,)", pair},
        {"decimal(,2)", pair},
        {"decimal(9,2,1)", pair},
        {"decimal(9;2)", pair},
        {"decimal(9,-2)", pair},
        {"decimal(9.5,2)", pair},
        {"decimal(1 0,2)", pair},
        {"decimal(9999999999,2)", pair},
        {"decimal(9,2", "a closing ) is missing"},
        {"decimal(9,2) x", "a closing ) is missing"},
        {"decimal(0,0)", "decimal precision is 1 to 38"},
        {"decimal(39,0)", "decimal precision is 1 to 38"},
        {"decimal(2,3)", "decimal scale is 0 to its precision"},
        {"list", "list needs an element type, as in list(string)"},
        {"list()", "unknown type"},
        {"list(what)", "unknown type"},
        {"list(decimal(2,3))", "decimal scale is 0 to its precision"},
        {"list(string", "a closing ) is missing"},
        {"list(list(list(list(list(list(list(list(list(int)))))))))", "lists nest at most 8 deep"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_arena arena = {0};
        pl_type type;
        const char *reason = "";
        if (pl_type_parse(pl_span_of(cases[i][0]), &arena, &type, &reason))
            fail_msg("accepted '%s'", cases[i][0]);
        CHECK_STR(cases[i][1], reason);
        pl_arena_done(&arena);
    }
}

TEST(types_are_equal_by_everything_but_element_ids)
{
    static const char *const texts[] = {"int",          "long",         "decimal(9,2)",
                                        "decimal(9,3)", "decimal(8,2)", "list(string)",
                                        "list(long)",   "string",       "json"};
    pl_arena arena = {0};
    for (size_t a = 0; a < PL_COUNT(texts); a++)
        for (size_t b = 0; b < PL_COUNT(texts); b++) {
            pl_type one = type_of(&arena, texts[a]), other = type_of(&arena, texts[b]);
            other.element_id = 7;
            CHECK_INT(a == b, pl_type_equal(&one, &other));
        }
    pl_arena_done(&arena);
}

TEST(types_promote_only_where_no_data_is_rewritten)
{
    static const struct {
        const char *from, *to;
        bool may;
    } cases[] = {
        {"int", "long", true},
        {"long", "int", false},
        {"int", "double", false},
        {"int", "decimal(10,0)", false},
        {"float", "double", true},
        {"double", "float", false},
        {"decimal(9,2)", "decimal(10,2)", true},
        {"decimal(9,2)", "decimal(8,2)", false},
        {"decimal(9,2)", "decimal(10,3)", false},
        {"string", "json", true},
        {"json", "string", true},
        {"date", "timestamp", false},
        {"string", "long", false},
        {"boolean", "boolean", true},
        {"list(int)", "list(long)", true},
        {"list(long)", "list(int)", false},
        {"list(int)", "int", false},
        {"list(list(float))", "list(list(double))", true},
    };
    pl_arena arena = {0};
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_type from = type_of(&arena, cases[i].from), to = type_of(&arena, cases[i].to);
        if (pl_type_promotes(&from, &to) != cases[i].may)
            fail_msg("%s to %s", cases[i].from, cases[i].to);
    }
    pl_arena_done(&arena);
}

TEST(schema_finds_fields_by_name_and_id)
{
    pl_field fields[] = {{.id = 3, .name = PL_SPAN("a")}, {.id = 1, .name = PL_SPAN("b")}};
    pl_schema schema = {.count = 2, .fields = fields};
    CHECK_INT(1, pl_schema_find(&schema, PL_SPAN("b")));
    CHECK_INT(-1, pl_schema_find(&schema, PL_SPAN("B")));
    CHECK_INT(-1, pl_schema_find(&schema, PL_SPAN("")));
    CHECK_INT(0, pl_schema_find_id(&schema, 3));
    CHECK_INT(-1, pl_schema_find_id(&schema, 2));
    CHECK_INT(-1, pl_schema_find(&(pl_schema){0}, PL_SPAN("a")));
}

TEST(schema_copy_shares_nothing)
{
    pl_arena first = {0}, second = {0};
    char name[] = "tags", doc[] = "what it is about";
    pl_type text = {.kind = PL_STRING};
    pl_type inner = {.kind = PL_LIST, .element = &text, .element_id = 9};
    pl_field field = {.id = 4,
                      .name = pl_span_of(name),
                      .type = {.kind = PL_LIST, .element = &inner, .element_id = 8},
                      .required = true,
                      .doc = pl_span_of(doc)};
    pl_schema schema = {.id = 5, .count = 1, .fields = &field};
    pl_schema copy = pl_schema_copy(&second, &schema);
    memset(name, 'x', 4);
    memset(doc, 'x', 4);
    text.kind = PL_INT;
    inner.kind = PL_INT;
    field.id = 0;
    CHECK_INT(5, copy.id);
    CHECK_INT(4, copy.fields[0].id);
    CHECK(copy.fields[0].required);
    CHECK_SPAN("tags", copy.fields[0].name);
    CHECK_SPAN("what it is about", copy.fields[0].doc);
    CHECK_INT(8, copy.fields[0].type.element_id);
    CHECK_INT(9, copy.fields[0].type.element->element_id);
    pl_buf out = {0};
    pl_type_text(&out, &copy.fields[0].type);
    CHECK_SPAN("list(list(string))", pl_buf_view(&out));
    pl_buf_done(&out);
    pl_arena_done(&first);
    pl_arena_done(&second);
}

TEST(kinds_have_the_names_of_contracts)
{
    CHECK_STR("boolean", pl_kind_name(PL_BOOLEAN));
    CHECK_STR("timestamp", pl_kind_name(PL_TIMESTAMP));
    CHECK_STR("list", pl_kind_name(PL_LIST));
    for (int kind = 0; kind < PL_KINDS; kind++) CHECK(pl_kind_name((pl_kind)kind) != NULL);
}

int main(void)
{
    return RUN_TESTS(
        "schema/schema", T(types_are_read_and_written_as_contracts_spell_them),
        T(types_that_are_none_say_why), T(types_are_equal_by_everything_but_element_ids),
        T(types_promote_only_where_no_data_is_rewritten), T(schema_finds_fields_by_name_and_id),
        T(schema_copy_shares_nothing), T(kinds_have_the_names_of_contracts));
}
