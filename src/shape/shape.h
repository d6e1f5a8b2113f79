// shape.h -- what the records of a source look like: every path, how often, with which values.
//
// A shape is a tree of paths as they stand in the JSON, before any mapping:
//
//     $ object --"stats"--> $.stats object --"likes"--> $.stats.likes   int 1,204  null 3
//              --"tags"--> $.tags array --items--> $.tags[*]            string 4,810
//
// It has two halves, and both can be merged: two windows of one source, two tasks of one run.
//
//   counts   of every record: how often a path was there and with which kind of value. A path's
//            presence is its count over that of its parent's objects. A key repeated in one object
//            counts once, with its last value. 5 and 5.0 are an int and a float.
//   values   of sampled records only: classes of text, range, quantiles, distinct values, and the
//            pairs (entity -> value) by which two windows are joined. Text that is a number, a
//            percentage, a truth value or an instant is compared as what it says.
//
// Which records are sampled follows from the hash of their entity alone (pl_shape_samples), so two
// windows sample the same entities and can be joined on them. The entity of a record is what its
// contract's key, time columns aside, says it is about; inside an array it is that and the position
// of the element. Of the sampled ones the PL_SHAPE_PAIRS with the smallest hashes keep their values
// (bottom-k, which is what makes two of them mergeable: Cohen and Kaplan, PODC 2007). An entity
// that comes more than once keeps its greatest number, of texts that with the greatest hash: the
// same whatever the order.
//
// Sketches
//   quantiles  buckets of equal ratio (Masson, Rim and Lee, "DDSketch", VLDB 2019): each quantile
//              is within PL_QUANTILE_ERROR of a value of that rank. Merging adds buckets: exact.
//              Of PL_QUANTILE_BUCKETS the least takes what is smaller: 10^-22 of the largest.
//   distinct   up to PL_DISTINCT_EXACT hashes as they are, then HyperLogLog with 2^PL_DISTINCT_BITS
//              registers (Flajolet et al. 2007): standard error 1.04 / sqrt(2^bits) = 3.3 %.
//
// Limits: PL_SHAPE_PATHS_MAX paths, PL_SHAPE_KEY_BYTES_MAX of keys, PL_SHAPE_CHILDREN_MAX keys of
// an object; later ones are counted
// in `overflow` and not looked into (so many keys are data: a map). With more pairs in all than
// PL_SHAPE_PAIRS_ALL only entities below `entity_max` keep theirs. Pure. Threads: one per shape.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SHAPE_SHAPE_H
#define PL_SHAPE_SHAPE_H

#include "base/arena.h"
#include "base/hash.h"
#include "json/tree.h"
#include "json/writer.h"

#define PL_SHAPE_PATHS_MAX     20000u
#define PL_SHAPE_CHILDREN_MAX  2000u
#define PL_SHAPE_KEY_BYTES_MAX (2u * 1024 * 1024)
#define PL_SHAPE_PAIRS         2048u
#define PL_SHAPE_PAIRS_ALL     (1024u * 1024)
#define PL_SHAPE_TEXT_MAX      48u
#define PL_SHAPE_SAMPLES       4u    // of the values of a path
#define PL_SHAPE_SAMPLE_SHARE  64u   // one entity of so many is sampled
#define PL_SHAPE_KEYS_MAX      8u    // columns of a key
#define PL_SHAPE_SAMPLE_ALL    4096u // every record of a task that has fewer
#define PL_QUANTILE_ERROR      0.01
#define PL_QUANTILE_BUCKETS    2560u
#define PL_DISTINCT_EXACT      256u
#define PL_DISTINCT_BITS       10u

typedef enum __attribute__((packed)) pl_shape_kind {
    PL_SHAPE_NULL,
    PL_SHAPE_BOOL,
    PL_SHAPE_INT, // no fraction, no exponent
    PL_SHAPE_FLOAT,
    PL_SHAPE_STRING,
    PL_SHAPE_ARRAY,
    PL_SHAPE_OBJECT,
    PL_SHAPE_KINDS
} pl_shape_kind;

// What a value says, whatever it is written as: each sampled scalar has exactly one.
typedef enum __attribute__((packed)) pl_value_class {
    PL_CLASS_BOOL,    // true, and the texts "true" and "false"
    PL_CLASS_NUMBER,  // 4, 4.7, "4", "-4.70"
    PL_CLASS_PERCENT, // "4.7%"
    PL_CLASS_EPOCH_S, // an integer, or its text, that is an instant of the years 2001 to 2100
    PL_CLASS_EPOCH_MS,
    PL_CLASS_EPOCH_US,
    PL_CLASS_TIME, // "2026-11-22T10:00:00Z" and what else names an instant or a day
    PL_CLASS_UUID,
    PL_CLASS_URL,   // "https://..."
    PL_CLASS_WORD,  // letters, digits, _ and -, at most 32 of them: likely of an enumeration
    PL_CLASS_TEXT,  // anything else
    PL_CLASS_EMPTY, // ""
    PL_CLASSES
} pl_value_class;

// A value after coercion, small enough to be kept. Two values are the same iff `hash` is: 5, 5.0
// and "5"; true and 1; "4.7%" and 0.047; 1763805600 and "2025-11-22T10:00:00Z". The hash of an
// integer or of any other text is the entity it would name, so a path can be tried as the key.
// `number` is meaningful where the class says so: seconds for instants (so milliseconds agree with
// seconds by their number), 0 or 1 for truth values, percent as the fraction. NaN elsewhere, and of
// a number that no double holds (1e400). Never -0.
typedef struct pl_shape_scalar {
    pl_value_class class;
    pl_shape_kind kind; // as written
    bool derived;       // the hash is known to follow from the number and its class
    uint64_t hash;
    double number;
} pl_shape_scalar;

// Buckets of |x|, ascending; zero has its own.
typedef struct pl_quantiles {
    struct pl_bucket {
        int32_t index; // ceil(log_gamma |x|)
        uint64_t positive, negative;
    } * buckets; // owned
    uint32_t count, capacity;
    uint64_t zero;
} pl_quantiles;

typedef struct pl_distinct {
    uint64_t *hashes; // sorted, while there are at most PL_DISTINCT_EXACT; owned
    uint32_t count;
    uint8_t *registers; // [1 << PL_DISTINCT_BITS] afterwards; owned
} pl_distinct;

typedef struct pl_pair {
    uint64_t entity;
    pl_shape_scalar value;
} pl_pair;

// Values of the sampled records.
typedef struct pl_shape_values {
    uint64_t count; // scalars that are not null
    uint64_t classes[PL_CLASSES];
    double min, max;             // of `number`; NaN: none has one
    uint32_t text_min, text_max; // bytes of texts; text_min is the larger: there are none
    uint64_t fractions;          // of class number, and no integer
    pl_quantiles quantiles;
    pl_distinct distinct;
    pl_pair *pairs; // ascending by entity, one of each, at most PL_SHAPE_PAIRS; owned
    uint32_t pair_count, pair_capacity;
    uint32_t pair_fresh; // behind those: not in order yet
    // Values as JSON, cut at a code point: a text cut has no quote at its end. Those with the
    // smallest hashes, so that order does not matter.
    char samples[PL_SHAPE_SAMPLES][PL_SHAPE_TEXT_MAX + 1];
    uint64_t sample_hashes[PL_SHAPE_SAMPLES]; // ascending
    uint32_t sample_count;
} pl_shape_values;

// How a path goes on from the one above it.
typedef enum pl_shape_step {
    PL_SHAPE_KEY,    // a member of its objects
    PL_SHAPE_ITEMS,  // the elements of its arrays; `key` is ""
    PL_SHAPE_AROUND, // from the record out: the document it stands in; `key` is ""
} pl_shape_step;

typedef struct pl_shape_path {
    uint32_t parent; // PL_SHAPE_NONE: the record itself
    pl_shape_step step;
    pl_span key; // unescaped
    uint32_t depth;
    uint64_t kinds[PL_SHAPE_KINDS]; // of every record
    uint32_t *by_key;               // paths below, in order of their keys; owned
    uint32_t children;              // how many
    uint32_t elements;              // path of the elements of arrays here; PL_SHAPE_NONE: none yet
    uint64_t overflow;              // times a key of objects here had no path
    uint64_t objects;               // raw objects in which it was there
    int64_t first_us, last_us;      // when the first and the last of those were received; 0: never
    pl_shape_values *values;        // NULL: none sampled; owned
    // While observing.
    uint64_t object, instance; // the last raw object and the last JSON object that had it
    const pl_json *winner;     // of the latter's members with this key the last one
    uint32_t next;             // the member that came after it then
} pl_shape_path;

#define PL_SHAPE_ROOT 0u
#define PL_SHAPE_NONE UINT32_MAX

#define PL_SHAPE_NOBODY UINT64_C(0) // entity of a record whose source has no key: no pairs

typedef struct pl_shape {
    pl_shape_path *paths; // dense; a parent stands before its children; [0] is the record
    uint32_t count, capacity;
    uint32_t around; // path of the documents around the records; PL_SHAPE_NONE: none yet
    pl_arena arena;  // of keys
    uint64_t records, sampled;
    uint64_t entity_max;       // pairs are kept of entities up to this
    uint64_t pair_total;       // over all paths, fresh ones included
    uint64_t objects;          // raw objects
    int64_t first_us, last_us; // received
    // While observing.
    int64_t received_us; // of the current raw object
    uint64_t object;     // counts raw objects, to note each path once in each
    uint64_t instance;   // counts JSON objects, to note each key once in each
    uint32_t *visit;     // paths in the objects being walked; owned
    uint32_t visit_count, visit_capacity;
} pl_shape;

void pl_shape_init(pl_shape *shape);
void pl_shape_done(pl_shape *shape);

// ---- observing ---------------------------------------------------------------------------------

// The records that follow come from another raw object, received at that time.
void pl_shape_object(pl_shape *shape, int64_t received_us);

// The path below `parent` by key, or its elements; made if new. PL_SHAPE_NONE: no room.
uint32_t pl_shape_child(pl_shape *shape, uint32_t parent, pl_span key);
uint32_t pl_shape_items(pl_shape *shape, uint32_t parent);
// `$doc`, the documents around the records: below the root, made if new.
uint32_t pl_shape_around(pl_shape *shape);
// Any of these without making it.
uint32_t pl_shape_find(const pl_shape *shape, uint32_t parent, pl_span key, pl_shape_step step);

// `times` more values of a kind at a path, in the current object.
// Those of the root are the records.
void pl_shape_count(pl_shape *shape, uint32_t path, pl_shape_kind kind, uint64_t times);
// `times` a key of objects at `parent` had no room.
void pl_shape_overflow(pl_shape *shape, uint32_t parent, uint64_t times);
// One value of a sampled record. `raw` is the scalar as JSON; `entity` as pl_shape_entity made it.
// Null, arrays and objects are no values.
void pl_shape_value(pl_shape *shape, uint32_t path, uint64_t entity, pl_span raw);

// One record of all: its counts, each repeated key once, with its last value. The mapping's pass
// does the same by pl_shape_count, from what the scanner has learned.
void pl_shape_record(pl_shape *shape, const pl_json *record);
// A document around records, without those, or the object that holds an array of them inside of
// one: `path` is pl_shape_around or below. What its arrays hold is not looked into: those may be
// records of another table. `sampled`: take its values; they are of no entity.
void pl_shape_document(pl_shape *shape, uint32_t path, const pl_json *document, bool sampled);
// One sampled record: the values of all its scalars. Counts nothing but itself.
void pl_shape_sample(pl_shape *shape, const pl_json *record, uint64_t entity);

// Whether records of this entity are sampled, however many there are: a matter of its hash. The
// smallest are, so that a small task, which keeps every entity, and a large one prefer the same
// when pairs become too many.
static inline bool pl_shape_samples(uint64_t entity)
{
    return entity < UINT64_MAX / PL_SHAPE_SAMPLE_SHARE;
}

// The entity that scalars name, each as it stands in JSON (a text with or without its quotes, so
// that 17 and "17" are one): a hash that is the same in every version of plumb, cheap enough for
// every record. Of an element of an array: that of the array's owner and its position.
uint64_t pl_shape_entity(const pl_span *scalars, uint32_t count);
// Of one text, unescaped, without its quotes.
static inline uint64_t pl_shape_entity_of_text(pl_span text)
{
    uint64_t hash = pl_hash(text);
    return hash == PL_SHAPE_NOBODY ? 1 : hash;
}
uint64_t pl_shape_element(uint64_t entity, uint32_t position);

// What a scalar in JSON says. Null has a hash of its own, and class EMPTY.
pl_shape_scalar pl_shape_scalar_of(pl_span raw);

// Forget all that was observed but the paths: another window begins.
void pl_shape_forget(pl_shape *shape);

// Bytes of memory it takes, about.
size_t pl_shape_bytes(const pl_shape *shape);

// Put in order what was observed: before looking at pairs, merging or writing.
void pl_shape_settle(pl_shape *shape);

// ---- looking -----------------------------------------------------------------------------------

// Times the path was there, whatever its kind.
uint64_t pl_shape_seen(const pl_shape_path *path);
// Times it could have been: objects of its parent; for elements, the record itself and what is
// around it, what is seen.
uint64_t pl_shape_chances(const pl_shape *shape, uint32_t path);
// "$.stats.likes", "$.tags[*]", "$["a.b"]", "$doc.page.next".
void pl_shape_path_write(pl_buf *out, const pl_shape *shape, uint32_t path);
// The path written so; PL_SHAPE_NONE: there is none.
uint32_t pl_shape_named(const pl_shape *shape, const char *path);

// The least type of a contract that takes every value seen at a path: "long", "list(string)"; json
// where several kinds meet. Nothing for a path that was never more than null.
void pl_shape_least_type(pl_buf *out, const pl_shape *shape, uint32_t path);

const char *pl_shape_kind_name(pl_shape_kind kind);    // "int"
const char *pl_value_class_name(pl_value_class class); // "epoch ms"

// The value of rank q * (n - 1), q in [0, 1], within PL_QUANTILE_ERROR; NaN of nothing.
double pl_quantiles_at(const pl_quantiles *quantiles, double q);
// About how many different values.
double pl_distinct_count(const pl_distinct *distinct);

// ---- merging, keeping --------------------------------------------------------------------------

// `from` is of other raw objects of the same source. Both are settled. Paths of `from` that were
// never there are not taken.
void pl_shape_merge(pl_shape *into, const pl_shape *from);
// The same, and values of paths that had none in `into` are moved there: a window is mostly of one
// object, and they are most of a shape.
void pl_shape_take(pl_shape *into, pl_shape *from);
// `from` is of other records of the one raw object that `into` is of.
void pl_shape_join(pl_shape *into, const pl_shape *from);

// As one JSON document, and back; what is written is settled. Reading fails with
// PLUMB_E_MALFORMED, of another version with PLUMB_E_CONFLICT: start a new one.
void pl_shape_write(pl_json_writer *writer, const pl_shape *shape);
PL_MUST_USE plumb_status pl_shape_read(const pl_json *document, pl_shape *ret_shape,
                                       plumb_error *err);

#endif
