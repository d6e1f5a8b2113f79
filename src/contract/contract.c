// SPDX-License-Identifier: Apache-2.0
#include "contract/contract.h"

#include "base/number.h"
#include "contract/contract_int.h"
#include "contract/project.h"

static const char *const CONTRACT_KEYS[] = {
    "table", "doc",        "key",  "partition",   "columns",   "critical", "checks",
    "rest",  "duplicates", "sort", "compression", "encodings", NULL};
static const char *const TRANSFORMS[] = {"bucket", "truncate", "year", "month",
                                         "day",    "hour",     NULL};

const char *pl_name_check(pl_span name)
{
    if (name.bytes == 0) return "is empty";
    if (name.bytes > PL_NAME_BYTES_MAX) return "is longer than 128 bytes";
    if (name.data[0] == '_') return "begins with '_', which is kept for plumb's own columns";
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];
        bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '_') return "may hold only a-z, 0-9 and _";
        if (i == 0 && !letter) return "must begin with a letter";
    }
    return NULL;
}

// Every `was` names no column that is still there, and no former name is claimed twice.
static void check_was(const pl_contract_reading *self)
{
    const pl_contract *contract = self->contract;
    pl_map claimed = {0};
    for (uint32_t i = 0; i < contract->column_count; i++) {
        const pl_contract_column *column = &contract->columns[i];
        if (column->was.bytes == 0) continue;
        const char *why = NULL;
        if (pl_map_get(&self->names, column->was) != PL_MAP_NONE)
            why = "is still a column of this table";
        else if (pl_map_add(&claimed, column->was, i) != i)
            why = "is the former name of two columns";
        if (why)
            pl_problem(self->base.problems, self->base.file, column->line, column->column,
                       "column '%.*s' was '%.*s', which %s", PL_FMT(column->field.name),
                       PL_FMT(column->was), why);
    }
    pl_map_done(&claimed);
}

int pl_contract__find(const pl_contract_reading *self, const pl_yaml *node, size_t offset,
                      pl_span name)
{
    uint32_t index = pl_map_get(&self->names, name);
    if (index != PL_MAP_NONE) return (int)index;
    pl_contract__choices(
        pl_contract__mistake(&self->base, node, offset, "unknown column '%.*s'", PL_FMT(name)),
        name, self->spans, self->contract->column_count);
    return -1;
}

const pl_yaml *pl_contract__items(const pl_contract_reading *self, const pl_yaml *node,
                                  const char *what, bool *ret_single)
{
    *ret_single = node && node->kind == PL_YAML_SCALAR;
    if (!node || *ret_single) return node;
    node = pl_contract__want(&self->base, node, PL_YAML_LIST, what);
    return node ? node->first : NULL;
}

static void read_keys(pl_contract_reading *self, const pl_yaml *root)
{
    pl_contract *contract = self->contract;
    const pl_yaml *node = pl_yaml_get(root, "key");
    if (node) self->contract->key_line = node->line, self->contract->key_at = node->column;
    bool single;
    const pl_yaml *item = pl_contract__items(self, node, "key", &single);
    contract->keys = PL_TAKE(self->base.arena, uint32_t, node ? node->count + 1 : 1);
    for (; item; item = single ? NULL : item->next) {
        if (!pl_contract__want(&self->base, item, PL_YAML_SCALAR, "a key column")) continue;
        int index = pl_contract__find(self, item, 0, item->text);
        if (index < 0) continue;
        pl_kind kind = contract->columns[index].field.type.kind;
        if (kind == PL_LIST || kind == PL_JSON)
            pl_contract__mistake(&self->base, item, 0, "column '%.*s' cannot be a key: it is %s",
                                 PL_FMT(item->text), kind == PL_LIST ? "a list" : "json");
        for (uint32_t i = 0; i < contract->key_count; i++)
            if (contract->keys[i] == (uint32_t)index)
                pl_contract__mistake(&self->base, item, 0, "key names column '%.*s' twice",
                                     PL_FMT(item->text));
        contract->keys[contract->key_count++] = (uint32_t)index;
    }
}

static void read_critical(pl_contract_reading *self, const pl_yaml *root)
{
    bool single;
    const pl_yaml *item =
        pl_contract__items(self, pl_yaml_get(root, "critical"), "critical", &single);
    for (; item; item = single ? NULL : item->next) {
        if (!pl_contract__want(&self->base, item, PL_YAML_SCALAR, "a critical column")) continue;
        int index = pl_contract__find(self, item, 0, item->text);
        if (index >= 0) self->contract->columns[index].critical = true;
    }
}

// The number in "16, user_id": bucket and truncate. Moves *from behind the comma.
static bool read_width(const pl_contract_reading *self, const pl_yaml *node, size_t *from,
                       size_t to, int32_t *ret_width)
{
    const char *comma = memchr(node->text.data + *from, ',', to - *from);
    pl_number number;
    int64_t width = 0;
    if (comma) {
        size_t end = (size_t)(comma - node->text.data), at = *from;
        pl_span text = pl_contract__cut(node->text, &at, end);
        if (pl_number_parse(text, &number) == PL_NUMBER_OK &&
            pl_number_long(&number, 0, &width) == PL_NUMBER_OK && width >= 1 &&
            width <= INT32_MAX) {
            *from = end + 1;
            *ret_width = (int32_t)width;
            return true;
        }
    }
    plumb_error *err = pl_contract__mistake(
        &self->base, node, 0, "'%.*s' needs a number and a column", PL_FMT(node->text));
    pl_hint(err, "Write it as in \"bucket(16, user_id)\" or \"truncate(10, name)\".");
    return false;
}

// One entry of `partition`: a column, or transform(column). false after a mistake.
static bool read_transform(const pl_contract_reading *self, const pl_yaml *node,
                           pl_transform *ret_transform, pl_span *ret_column, size_t *ret_offset)
{
    static const pl_transform_kind kinds[] = {PL_BUCKET, PL_TRUNCATE, PL_YEAR,
                                              PL_MONTH,  PL_DAY,      PL_HOUR};
    pl_span text = node->text;
    const char *bracket = memchr(text.data, '(', text.bytes);
    *ret_transform = (pl_transform){PL_IDENTITY, 0};
    *ret_column = text;
    *ret_offset = 0;
    if (!bracket && !memchr(text.data, ')', text.bytes)) return true;
    size_t open = bracket ? (size_t)(bracket - text.data) : 0;
    if (!bracket || pl_contract__close(text, open) != text.bytes - 1) {
        pl_hint(pl_contract__mistake(&self->base, node, 0, "unbalanced bracket in '%.*s'",
                                     PL_FMT(text)),
                "Inside a flow list an item with a comma needs quotes, as in "
                "[platform, \"bucket(16, user_id)\"].");
        return false;
    }
    pl_span word = pl_span_make(text.data, open);
    int which = pl_contract__word(word, TRANSFORMS);
    if (which < 0) {
        pl_contract__words(
            pl_contract__mistake(&self->base, node, 0, "unknown transform '%.*s'", PL_FMT(word)),
            word, TRANSFORMS);
        return false;
    }
    ret_transform->kind = kinds[which];
    *ret_offset = open + 1;
    if (which < 2 && !read_width(self, node, ret_offset, text.bytes - 1, &ret_transform->parameter))
        return false;
    *ret_column = pl_contract__cut(text, ret_offset, text.bytes - 1);
    return true;
}

static bool is_time(pl_transform_kind kind)
{
    return kind == PL_YEAR || kind == PL_MONTH || kind == PL_DAY || kind == PL_HOUR;
}

static void add_partition(pl_contract_reading *self, const pl_yaml *node, pl_partition_spec *spec)
{
    static const char *const suffixes[] = {"",       "_bucket", "_trunc", "_year",
                                           "_month", "_day",    "_hour"};
    pl_transform transform;
    pl_span column;
    size_t offset;
    if (!read_transform(self, node, &transform, &column, &offset)) return;
    int index = pl_contract__find(self, node, offset, column);
    if (index < 0) return;
    const pl_type *type = &self->contract->columns[index].field.type;
    pl_kind result;
    if (!pl_transform_result(&transform, type, &result)) {
        pl_buf text = {0};
        pl_type_text(&text, type);
        pl_contract__mistake(&self->base, node, 0, "cannot partition by '%.*s': '%.*s' is %.*s",
                             PL_FMT(node->text), PL_FMT(column), PL_FMT(pl_buf_view(&text)));
        pl_buf_done(&text);
        return;
    }
    pl_span name = pl_span_of(
        pl_arena_printf(self->base.arena, "%.*s%s", PL_FMT(column), suffixes[transform.kind]));
    if (transform.kind != PL_IDENTITY && pl_map_get(&self->names, name) != PL_MAP_NONE)
        pl_contract__mistake(&self->base, node, 0,
                             "partition '%.*s' makes the field '%.*s', which is also a column",
                             PL_FMT(node->text), PL_FMT(name));
    for (uint32_t i = 0; i < spec->count; i++) {
        const pl_partition_field *other = &spec->fields[i];
        bool both_time = is_time(other->transform.kind) && is_time(transform.kind);
        if (pl_span_equal(other->source, column) &&
            (both_time || other->transform.kind == transform.kind))
            pl_contract__mistake(&self->base, node, 0, "column '%.*s' is partitioned twice",
                                 PL_FMT(column));
    }
    spec->fields[spec->count++] =
        (pl_partition_field){.source = column, .name = name, .transform = transform};
}

static void read_partition(pl_contract_reading *self, const pl_yaml *root)
{
    pl_partition_spec *spec = &self->contract->partition;
    const pl_yaml *node = pl_yaml_get(root, "partition");
    if (node) {
        self->contract->partition_line = node->line;
        self->contract->partition_at = node->column;
    }
    bool single;
    const pl_yaml *item = pl_contract__items(self, node, "partition", &single);
    if (node && node->count > PL_PARTITION_FIELDS_MAX) {
        pl_contract__mistake(&self->base, node, 0, "%u partition fields, more than the %d allowed",
                             node->count, PL_PARTITION_FIELDS_MAX);
        return;
    }
    spec->fields = PL_TAKE(self->base.arena, pl_partition_field, PL_PARTITION_FIELDS_MAX);
    for (; item; item = single ? NULL : item->next)
        if (pl_contract__want(&self->base, item, PL_YAML_SCALAR, "a partition field"))
            add_partition(self, item, spec);
}

static void read_choices(pl_contract_reading *self, const pl_yaml *root)
{
    static const char *const rests[] = {"keep", "drop", NULL};
    static const char *const duplicates[] = {"count", "first", "last", NULL};
    const pl_yaml *node = pl_yaml_get(root, "rest");
    if (node && pl_contract__want(&self->base, node, PL_YAML_SCALAR, "rest")) {
        int which = pl_contract__word(node->text, rests);
        if (which < 0)
            pl_contract__words(pl_contract__mistake(&self->base, node, 0, "unknown rest '%.*s'",
                                                    PL_FMT(node->text)),
                               node->text, rests);
        self->contract->drop_rest = which == 1;
    }
    node = pl_yaml_get(root, "duplicates");
    if (node && pl_contract__want(&self->base, node, PL_YAML_SCALAR, "duplicates")) {
        int which = pl_contract__word(node->text, duplicates);
        if (which < 0)
            pl_contract__words(pl_contract__mistake(&self->base, node, 0,
                                                    "unknown duplicates '%.*s'",
                                                    PL_FMT(node->text)),
                               node->text, duplicates);
        if (which > 0)
            pl_hint(pl_contract__mistake(&self->base, node, 0,
                                         "duplicates: %s is not done by this version: rows with "
                                         "one key are counted, and all kept",
                                         duplicates[which]),
                    "Leave it out, or write count. 'checks: {unique: key}' tells of rows that "
                    "repeat a key, and 'unique: key critical' keeps them from being published.");
    }
}

static void read_names(pl_contract_reading *self, const pl_yaml *root)
{
    const pl_yaml *table = pl_yaml_get(root, "table");
    if (!table) {
        pl_contract__mistake(&self->base, root, 0, "the contract names no table");
    } else if (pl_contract__want(&self->base, table, PL_YAML_SCALAR, "table")) {
        const char *reason = pl_name_check(table->text);
        if (reason)
            pl_contract__mistake(&self->base, table, 0, "table name '%.*s' %s", PL_FMT(table->text),
                                 reason);
        self->contract->table = table->text;
    }
    const pl_yaml *doc = pl_yaml_get(root, "doc");
    if (doc && pl_contract__want(&self->base, doc, PL_YAML_SCALAR, "doc"))
        self->contract->doc = doc->text;
}

pl_contract *pl_contract__parse(const char *file, pl_span text, pl_arena *arena,
                                pl_problems *problems, pl_problems *warnings, bool *ret_good)
{
    bool columns_read = false;
    uint32_t before = problems->count + problems->dropped;
    pl_contract *contract = PL_TAKE(arena, pl_contract, 1);
    *contract = (pl_contract){.file = file, .text = text, .table = PL_SPAN(""), .doc = PL_SPAN("")};
    pl_contract_reading self = {.base = {file, arena, problems, warnings}, .contract = contract};
    const pl_yaml *root = pl_yaml_compose(file, text, arena, problems);
    if (root) root = pl_contract__want(&self.base, root, PL_YAML_MAP, "a contract");
    if (root) {
        pl_contract__check_keys(&self.base, root, CONTRACT_KEYS);
        read_names(&self, root);
        pl_contract__columns(&self, root);
        columns_read = problems->count + problems->dropped == before;
        check_was(&self);
        read_keys(&self, root);
        read_critical(&self, root);
        // What could not be read is not judged a second time by its partition.
        if (problems->count + problems->dropped == before) read_partition(&self, root);
        pl_contract__checks(&self, root);
        read_choices(&self, root);
        if (columns_read) pl_contract__layout(&self, root);
    }
    pl_map_done(&self.names);
    *ret_good = problems->count + problems->dropped == before;
    if (!columns_read) return NULL;
    contract->schema.count = contract->column_count;
    contract->schema.fields = PL_TAKE(arena, pl_field, contract->column_count);
    for (uint32_t i = 0; i < contract->column_count; i++)
        contract->schema.fields[i] = contract->columns[i].field;
    return contract;
}

pl_contract *pl_contract_parse(const char *file, pl_span text, pl_arena *arena,
                               pl_problems *problems, pl_problems *warnings)
{
    bool good;
    pl_contract *contract = pl_contract__parse(file, text, arena, problems, warnings, &good);
    return good ? contract : NULL;
}

int pl_contract_find(const pl_contract *contract, pl_span column)
{
    return pl_schema_find(&contract->schema, column);
}
