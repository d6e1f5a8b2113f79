// infer_int.h -- the draft that a sample leaves behind, and what is guessed from it.
//
// infer.c grows the draft, guess.c decides records, columns, key and partition from it, and
// infer_text.c writes the two files.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_INFER_INT_H
#define PL_CONTRACT_INFER_INT_H

#include "base/arena.h"
#include "base/map.h"
#include "base/time.h"
#include "contract/infer.h"
#include "contract/mapping.h"

#define PL_DRAFT_DEPTH_MAX    16    // deeper values are one json column
#define PL_DRAFT_CHILDREN_MAX 1000  // different keys of one object; more make it a map
#define PL_DRAFT_NODES_MAX    50000 // of one sample
#define PL_DRAFT_SAMPLES      4     // short values kept to show them

// What all text values of a path had in common so far; a bit is lost with the first exception.
typedef enum pl_text_class {
    PL_TEXT_ISO,          // instant with an offset
    PL_TEXT_DATE,         // 2026-11-22
    PL_TEXT_FORMATS,      // the first of pl_time_forms
    PL_TEXT_INTEGER = 16, // digits without leading zeros
    PL_TEXT_DECIMAL,      // the same with a fraction
    PL_TEXT_PERCENT,
    PL_TEXT_BOOL,
    PL_TEXT_EPOCH, // digits that are an instant of our time
    PL_TEXT_CLASSES,
} pl_text_class;

// Distinct values, by hash.
typedef struct pl_seen {
    uint64_t *slots; // owned
    uint32_t capacity, count;
    bool repeats; // some value came twice
    bool full;    // too many to count: count is a lower bound
} pl_seen;

typedef enum pl_draft_kind {
    PL_DRAFT_NULL,
    PL_DRAFT_BOOL,
    PL_DRAFT_INT,
    PL_DRAFT_FLOAT,
    PL_DRAFT_STRING,
    PL_DRAFT_ARRAY,
    PL_DRAFT_OBJECT,
    PL_DRAFT_KINDS
} pl_draft_kind;

// One path of the documents.
typedef struct pl_draft {
    pl_span key;   // "" for documents and items
    pl_span snake; // the key as a column name would have it
    struct pl_draft *parent;
    struct pl_draft **children; // in order of appearance; owned
    uint32_t child_count, child_capacity;
    pl_map index;           // key -> child
    struct pl_draft *items; // of the arrays here
    uint32_t depth;         // steps below the documents
    bool below_array;       // an array is among the parents
    bool wide;              // more keys than PL_DRAFT_CHILDREN_MAX
    uint64_t instance;      // the last object that had this key
    uint64_t seen[PL_DRAFT_KINDS];
    uint64_t array_bytes; // of the arrays here, as written
    bool long_fits, double_fits, epoch_fits;
    double number_min, number_max;
    pl_span min_text, max_text; // the numbers as written
    uint32_t classes;           // bits of pl_text_class
    uint32_t text_max;          // bytes
    uint32_t digits_max, scale_max;
    int64_t time_min, time_max; // of values that may be instants
    pl_seen days;               // distinct days of those
    pl_seen values;             // distinct scalars
    pl_span samples[PL_DRAFT_SAMPLES];
    uint32_t sample_count;
} pl_draft;

struct pl_infer {
    pl_arena arena;
    pl_span table, source;
    pl_draft *root; // the documents
    uint32_t nodes;
    uint64_t documents, bytes, instances;
};

// A path that becomes a column, or a comment.
typedef struct pl_guess {
    const pl_draft *draft; // NULL: received_at
    pl_span name;
    pl_type type;
    pl_path path;       // from the record
    const char *parser; // "epoch", NULL if none
    const char *note;   // what the type rests on; NULL if nothing need be said
    bool required, is_time, kept, only_null;
    uint32_t depth;
} pl_guess;

typedef struct pl_guesses {
    pl_guess *items;
    uint32_t count, capacity;
    const pl_draft *records; // the draft of a record
    uint64_t record_count;
    pl_span records_path;
    int key, time; // indexes, -1 if none
    bool key_distinct;
    bool by_month;
} pl_guesses;

// The words of a key, joined by `_` in lower case: "createdAt" -> "created_at".
pl_span pl_contract__snake(pl_arena *arena, pl_span key);
bool pl_contract__reserved(pl_span name); // a word of SQL, which every query would have to quote
bool pl_contract__has_token(pl_span snake, const char *const *words);  // any word
bool pl_contract__ends_token(pl_span snake, const char *const *words); // the last word
bool pl_contract__names_id(pl_span snake);
bool pl_contract__names_time(pl_span snake);

// Decide everything. False: the sample holds no object.
bool pl_contract__guess(pl_infer *infer, pl_guesses *ret_guesses);

void pl_contract__write_contract(pl_infer *infer, const pl_guesses *guesses, pl_buf *out);
void pl_contract__write_mapping(pl_infer *infer, const pl_guesses *guesses, pl_buf *out);

#endif
