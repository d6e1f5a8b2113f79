// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table.h"
#include "unit.h"

#include "temp.h"

typedef struct fixture {
    char *dir;
    pl_store *store;
    pl_arena arena;
    plumb_error err;
    pl_ice_table *table;
} fixture;

static pl_span was[20]; // of the last schema_of

// "n int; s string! < old; l list(int) = a doc": a schema as text, and the former names.
static pl_schema schema_of(pl_arena *arena, const char *text)
{
    pl_schema schema = {.fields = PL_TAKE(arena, pl_field, 20)};
    pl_span rest = pl_span_of(text);
    while (rest.bytes) {
        const char *comma = memchr(rest.data, ';', rest.bytes);
        pl_span part = {rest.data, comma ? (size_t)(comma - rest.data) : rest.bytes};
        rest = comma ? (pl_span){comma + 1, rest.bytes - part.bytes - 1} : PL_SPAN("");
        pl_field *field = &schema.fields[schema.count++];
        const char *doc = memchr(part.data, '=', part.bytes), *reason;
        field->doc = PL_SPAN("");
        if (doc) {
            field->doc =
                pl_span_trim((pl_span){doc + 1, part.bytes - (size_t)(doc + 1 - part.data)});
            part.bytes = (size_t)(doc - part.data);
        }
        const char *former = memchr(part.data, '<', part.bytes);
        was[schema.count - 1] = PL_SPAN("");
        if (former) {
            was[schema.count - 1] =
                pl_span_trim((pl_span){former + 1, part.bytes - (size_t)(former + 1 - part.data)});
            part.bytes = (size_t)(former - part.data);
        }
        part = pl_span_trim(part);
        field->required = part.data[part.bytes - 1] == '!';
        if (field->required) part.bytes--;
        const char *space = memchr(part.data, ' ', part.bytes);
        field->name = (pl_span){part.data, (size_t)(space - part.data)};
        pl_span type = {space + 1, part.bytes - field->name.bytes - 1};
        if (!pl_type_parse(type, arena, &field->type, &reason)) fail_msg("%s", reason);
    }
    return schema;
}

static void setup(fixture *f, const char *schema_text, bool with_rows)
{
    *f = (fixture){.dir = temp_make()};
    CHECK_OK(pl_store_open_local(f->dir, false, &f->store, &f->err), f->err);
    pl_schema schema = schema_of(&f->arena, schema_text);
    pl_ice_new options = {.key = "tables/t", .schema = &schema, .now_ms = 1};
    CHECK_OK(pl_ice_create(f->store, &options, &f->arena, &f->table, &f->err), f->err);
    if (!with_rows) return;
    pl_ice_commit commit = {.snapshot_id = 1, .now_ms = 2};
    pl_ice_data_file file = {.path = PL_SPAN("file:///x")};
    char *location;
    CHECK_OK(pl_ice_append(f->table, &file, 1, &commit, &location, &f->err), f->err);
    CHECK_OK(pl_ice_load(f->store, location, &f->arena, &f->table, &f->err), f->err);
}

static void teardown(fixture *f)
{
    pl_store_close(f->store);
    pl_arena_done(&f->arena);
    temp_remove(f->dir);
}

// The current schema as "1 n int; 2 s string!; 3 l list(int) 4".
static const char *current(fixture *f)
{
    const pl_schema *schema = pl_ice_current_schema(f->table);
    pl_buf text = {0};
    for (uint32_t i = 0; i < schema->count; i++) {
        const pl_field *field = &schema->fields[i];
        pl_buf_printf(&text, "%s%d %.*s ", i ? "; " : "", field->id, PL_FMT(field->name));
        pl_type_text(&text, &field->type);
        if (field->type.kind == PL_LIST) pl_buf_printf(&text, " %d", field->type.element_id);
        if (field->required) pl_buf_char(&text, '!');
        if (field->doc.bytes) pl_buf_printf(&text, " = %.*s", PL_FMT(field->doc));
    }
    const char *copy = pl_arena_cstr(&f->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

static bool evolve(fixture *f, const char *wanted)
{
    pl_schema schema = schema_of(&f->arena, wanted);
    bool changed = false;
    CHECK_OK(pl_ice_evolve(f->table, &schema, was, &changed, &f->err), f->err);
    return changed;
}

static void check_refused(fixture *f, const char *wanted, const char *message, const char *hint)
{
    const char *before = current(f);
    pl_schema schema = schema_of(&f->arena, wanted);
    bool changed;
    CHECK_INT(PLUMB_E_CONFIG, pl_ice_evolve(f->table, &schema, was, &changed, &f->err));
    CHECK_STR(message, f->err.message);
    CHECK_STR(hint, f->err.hint);
    CHECK_STR(before, current(f));
}

TEST(new_tables_number_columns_then_elements)
{
    fixture f;
    setup(&f, "a list(list(int)); b long!; c list(string)", false);
    CHECK_STR("1 a list(list(int)) 4; 2 b long!; 3 c list(string) 6", current(&f));
    CHECK_INT(5, pl_ice_current_schema(f.table)->fields[0].type.element->element_id);
    CHECK_INT(6, f.table->metadata->last_column_id);
    teardown(&f);
}

TEST(the_same_schema_is_no_change)
{
    fixture f;
    setup(&f, "a list(int); b long! = how many; c json", true);
    CHECK(!evolve(&f, "a list(int); b long! = how many; c json"));
    CHECK(!evolve(&f, "a list(int); b long! = how many; c string")); // one type to Iceberg
    CHECK_INT(1, f.table->metadata->schema_count);
    teardown(&f);
}

TEST(columns_are_added_with_ids_never_used_before)
{
    fixture f;
    setup(&f, "a int; l list(int)", true);
    CHECK(evolve(&f, "a int; new list(string) = fresh; l list(int); more double"));
    CHECK_STR("1 a int; 4 new list(string) 6 = fresh; 2 l list(int) 3; 5 more double", current(&f));
    CHECK_INT(1, f.table->metadata->current_schema_id);
    CHECK_INT(6, f.table->metadata->last_column_id);
    teardown(&f);
}

TEST(types_grow_where_iceberg_allows_it)
{
    fixture f;
    setup(&f, "i int; f float; d decimal(9, 2); l list(int)", true);
    CHECK(evolve(&f, "i long; f double; d decimal(12, 2); l list(long)"));
    CHECK_STR("1 i long; 2 f double; 3 d decimal(12, 2); 4 l list(long) 5", current(&f));
    teardown(&f);
}

TEST(columns_nobody_wants_stay_and_become_optional)
{
    fixture f;
    setup(&f, "gone string! = old; a int", true);
    CHECK(evolve(&f, "a int"));
    CHECK(evolve(&f, "a int; b int"));
    CHECK_STR("2 a int; 3 b int; 1 gone string = old", current(&f));
    CHECK(!evolve(&f, "a int; b int"));
    teardown(&f);
}

TEST(a_renamed_column_keeps_its_id)
{
    fixture f;
    setup(&f, "n int; s string", true);
    CHECK(evolve(&f, "count long < n; s string"));
    CHECK_STR("1 count long; 2 s string", current(&f));
    CHECK(!evolve(&f, "count long < n; s string")); // was() may stay
    CHECK(evolve(&f, "total long < count; s string; more int"));
    CHECK_STR("1 total long; 2 s string; 3 more int", current(&f));
    CHECK(evolve(&f, "total long; s string; more int; x int < never")); // a column like any other
    check_refused(&f, "total long < s; more int",
                  "cannot rename column 's' of table 't' to 'total': it has both columns, each "
                  "with rows of its own",
                  "Leave out was(s), and read both columns in queries.");
    check_refused(&f, "total long; t int < s; more int",
                  "cannot change column 's' of table 't' from string to int: rows already written "
                  "could not be read",
                  "Only int to long, float to double and more decimal digits are possible: keep "
                  "string, or give the new type a new column name.");
    teardown(&f);
}

TEST(a_rename_is_not_guessed)
{
    fixture f;
    setup(&f, "n int; s string; last int", true);
    check_refused(&f, "number int; s string; last int",
                  "cannot change table 't': column 'n' is gone and 'number' is new, which may be "
                  "one column renamed or two changes",
                  "If it is the same column, write was(n) behind the type of 'number'; if not, "
                  "remove 'n' first, run, and then add 'number'.");
    CHECK_INT(1, f.err.line);
    CHECK(evolve(&f, "s string; last int"));
    CHECK(evolve(&f, "number int; s string; last int"));
    CHECK_STR("4 number int; 2 s string; 3 last int; 1 n int", current(&f));
    teardown(&f);
    setup(&f, "n int; s string", false); // nothing is lost where nothing is
    CHECK(evolve(&f, "number int; s string"));
    teardown(&f);
}

TEST(going_back_finds_the_old_schema)
{
    fixture f;
    setup(&f, "a int = one", true);
    CHECK(evolve(&f, "a int = two"));
    CHECK_STR("1 a int = two", current(&f));
    CHECK(evolve(&f, "a int = one"));
    CHECK_INT(0, f.table->metadata->current_schema_id);
    CHECK_INT(2, f.table->metadata->schema_count);
    CHECK(evolve(&f, "a int = three"));
    CHECK_INT(2, f.table->metadata->current_schema_id);
    teardown(&f);
}

TEST(required_becomes_optional_and_back_only_without_rows)
{
    fixture f;
    setup(&f, "a int!", true);
    CHECK(evolve(&f, "a int"));
    check_refused(&f, "a int!",
                  "cannot make column 'a' of table 't' required: rows already written may have no "
                  "value",
                  "Leave out the '!' after its type.");
    check_refused(&f, "a int; b string!",
                  "cannot add required column 'b' to table 't': rows already written have no value",
                  "Leave out the '!' after its type.");
    teardown(&f);
    setup(&f, "a int", false);
    CHECK(evolve(&f, "a int!; b string!"));
    CHECK_STR("1 a int!; 2 b string!", current(&f));
    teardown(&f);
}

TEST(other_types_are_refused_with_what_to_do)
{
    fixture f;
    setup(&f, "n long; d decimal(9, 2); s string", true);
    check_refused(&f, "n int",
                  "cannot change column 'n' of table 't' from long to int: rows already written "
                  "could not be read",
                  "Only int to long, float to double and more decimal digits are possible: keep "
                  "long, or give the new type a new column name.");
    check_refused(
        &f, "d decimal(12, 3)",
        "cannot change column 'd' of table 't' from decimal(9, 2) to decimal(12, 3): rows "
        "already written could not be read",
        "Only int to long, float to double and more decimal digits are possible: keep "
        "decimal(9, 2), or give the new type a new column name.");
    teardown(&f);
}

int main(void)
{
    return RUN_TESTS(
        "iceberg/evolve", T(new_tables_number_columns_then_elements),
        T(the_same_schema_is_no_change), T(columns_are_added_with_ids_never_used_before),
        T(types_grow_where_iceberg_allows_it), T(columns_nobody_wants_stay_and_become_optional),
        T(a_renamed_column_keeps_its_id), T(a_rename_is_not_guessed),
        T(going_back_finds_the_old_schema), T(required_becomes_optional_and_back_only_without_rows),
        T(other_types_are_refused_with_what_to_do));
}
