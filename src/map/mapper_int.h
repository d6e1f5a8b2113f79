// mapper_int.h -- shared inside map/: the compiled plan, a mapper's state, the rows it writes.
//
//     compile.c   contract + mapping + schema -> the plan
//     mapper.c    one record: scan, rules, rest, system columns
//     rows.c      values into columns; the row that is being written, and those that are kept
//     bounds.c    values outside of a column's min and max
//
// A row is written in place behind the rows that are kept, each column on its own: a record that
// turns out bad leaves nothing, since the next one writes over it. So counts of rows and NULLs are
// right only once pl_mapper_batch has set them.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_MAP_MAPPER_INT_H
#define PL_MAP_MAPPER_INT_H

#include "map/mapper.h"

typedef enum system_column {
    SYSTEM_OBJECT,
    SYSTEM_RECORD,
    SYSTEM_MAPPING,
    SYSTEM_FLAGS,
    SYSTEM_REST,
} system_column;

// A path bound to a slot; `behind` are the steps after the slot's value.
typedef struct pl_bound_path {
    pl_root root;
    uint32_t slot; // of $parent and $doc paths: which of the plan's outer values
    const pl_step *behind;
    uint32_t behind_count;
} pl_bound_path;

typedef enum flag_kind { FLAG_LOST, FLAG_COERCED, FLAG_CONFLICT, FLAGS } flag_kind;

// How a value mostly gets into its column, when the rule is one whole path of the record.
typedef enum pl_fill {
    PL_FILL_RULE, // otherwise: the rule is applied in full
    PL_FILL_TEXT,
    PL_FILL_LONG,
    PL_FILL_DOUBLE,
    PL_FILL_BOOLEAN,
    PL_FILL_PERCENT,   // double
    PL_FILL_TIME,      // timestamp from ISO text
    PL_FILL_TEXTS,     // list(string)
    PL_FILL_CONVERTED, // by pl_convert
} pl_fill;

// The bounds of a column, as its values are stored.
typedef struct pl_map_bounds {
    const char *reason; // "is not between 0 and 1"; NULL: the column has none
    bool rejects;       // a value outside does not fit
    pl_kind kind;
    pl_i128 low, high; // int, long and, in its units, decimal
    int64_t long_low, long_high;
    double double_low, double_high; // float, double
} pl_map_bounds;

// One term of a rule; `path` if it is one.
typedef struct bound_term {
    const pl_term *term;
    pl_bound_path path;
} bound_term;

typedef struct bound_rule {
    const pl_contract_column *column;
    const pl_type *type; // what its values are read as
    uint32_t field;      // index in the schema
    pl_fill fill;
    uint32_t slot; // to fill from
    bool required;
    pl_map_bounds bounds;
    uint32_t term_count;
    bound_term *terms;
    pl_cell flags[FLAGS]; // "column:lost", ...
} bound_rule;

// Two terms of a rule that hold different values, in the record that is being mapped.
typedef struct met_conflict {
    const bound_rule *rule;
    const bound_term *won_term, *other_term; // won_term NULL: a literal or a built-in
    pl_slot won, other;
} met_conflict;

struct pl_map_plan {
    const pl_mapping *mapping;
    const pl_schema *schema;
    int32_t version;
    int32_t system[PL_SYSTEM_COLUMNS]; // index in the schema
    uint32_t rule_count;
    bound_rule *rules;
    pl_bound_path *tests;   // [mapping->where_tests]
    uint32_t rule_slots;    // slots below are of rules, the others of tests only
    pl_framer_keys *arrays; // of the records path; [1 + mapping->inner_count]
    pl_framer_want *wants;
    uint32_t want_count;
    const pl_path **outer; // paths that start at $parent or $doc
    uint32_t outer_count;
    pl_watch_key *keys; // by column
    uint32_t key_count;
    char *records_text;
};

// What fills a rule's column, all that is needed of it in one place: the rules themselves are wide
// and lie far apart.
typedef struct column_fill {
    pl_column *column;
    const bound_rule *rule;
    uint32_t slot;
    uint8_t width; // of the column's values
    bool required;
    pl_fill kind;
} column_fill;

struct pl_mapper {
    const pl_map_plan *plan;
    pl_paths paths;
    pl_scanner scanner;
    pl_arena scratch;     // this record
    pl_column *columns;   // [schema->count]
    column_fill *fills;   // [plan->rule_count]
    uint32_t rows;        // kept; the row behind them is this record's
    uint32_t room;        // for rows, in all columns
    size_t kept_bytes;    // of text, of the rows kept
    size_t text_bytes;    // and of this one
    const char *text_end; // of this record
    pl_slot *outer;       // [plan->outer_count] values around the record, as of `envelope`
    uint64_t envelope;    // 0: none yet
    pl_arena around;      // of those values
    bool *taken;          // per slot: a column holds its value
    pl_cell *flags;
    uint32_t flag_count, flag_capacity;
    met_conflict *met; // of this record
    uint32_t met_count, met_capacity;
    pl_buf rest;
    pl_span object;
    int64_t received_us;
    pl_map_counts counts;
    // Since they were taken: by column of the contract; what is of rows, of those before `tallied`.
    uint64_t *lost, *filled, *outside;
    pl_map_conflict *conflicts;
    bool conflicted; // one of them is not zero
    uint64_t tallied_rows, tallied_flawed;
    uint8_t *flaws;   // [room] the row has lost a value, or has one that is outside
    bool flawed;      // this one
    uint32_t tallied; // of the rows kept
    pl_watch *watch;  // NULL: nobody observes; owned
};

// Whether the path takes all of its slot's value.
static inline bool pl_map__is_whole(const pl_bound_path *path)
{
    return path->root == PL_ROOT_RECORD && !path->behind_count;
}

void pl_map__want_paths(const pl_mapping *mapping, pl_paths *paths, pl_map_plan *plan);

// Whether the condition holds; values[i] is what the path of its test i found.
bool pl_map__where(const pl_where *where, const pl_slot *values, pl_arena *scratch);

// What fills each rule's column.
column_fill *pl_map__fills(pl_mapper *m);
// Begin the row behind those that are kept; `text` is its record.
void pl_map__row(pl_mapper *m, pl_span text);
// Fill columns by the rules from `from` on, up to the first that has to be applied in full; returns
// that, or how many there are.
uint32_t pl_map__fill(pl_mapper *m, uint32_t from);
void pl_map__put(pl_mapper *m, uint32_t field, const pl_cell *cell);
// The system columns. The object's name, and what is put into the rest, is as in the mapper.
void pl_map__system(pl_mapper *m, uint64_t record);
// The bounds of a rule's column; their reason is in the arena.
pl_map_bounds pl_map__bounds(const pl_contract_column *column, const pl_type *type,
                             pl_arena *arena);
bool pl_map__is_outside(const pl_map_bounds *bounds, const pl_value *value);
// How many rows in from..to have a value outside; flaws of them are set.
uint64_t pl_map__count_outside(const pl_map_bounds *bounds, const pl_column *column, uint32_t from,
                               uint32_t to, uint8_t *flaws);
// Count on what the rows that are kept have filled. The validity of a column is a byte a row, so
// eight rows cost an addition.
void pl_map__tally(pl_mapper *m);

#endif
