// registry.h -- plumb.db: what is in the lake, what was done with it, and which table is current.
//
// One SQLite file holds the Iceberg catalog and our own books, so that a snapshot, the states of
// the raw objects in it, the ledger and the findings change in one transaction or not at all:
//
//     objects ──┬─ states (object, table): new, staged, published, withdrawn; run, snapshot
//     intents   ├─ ledger (object, table, run): records = curated + quarantined + filtered
//               └─ quarantine (object, table, run): ranges of records that could not be rows
//     runs ── tasks        snapshots ── files (and the objects in each)
//     mappings, contracts (every version's text)      mapping_uses (pins, overlays)
//     heads (table), lineage (table, snapshot): which publications count: lineage.h
//     shapes, holds, findings (source, table): drift.h      checks: checks.h      events (audit)
//     source_tallies, tallies (source, table, state): sums of the above, kept by triggers
//     iceberg_tables, iceberg_namespace_properties    catalog `plumb`, namespace `default`
//
// The catalog tables have the standard SQL catalog layout, so PyIceberg and others open plumb.db
// directly. No SQL leaves this folder: everything is a typed call here.
//
// Invariants
//   - Opened by SQLite alone, in WAL mode with synchronous=FULL; never on a network file system.
//   - Every write happens between begin and commit (asserted). BEGIN is IMMEDIATE: a second writer
//     waits up to 30 s, then gets PLUMB_E_UNAVAILABLE.
//   - A failed commit is PLUMB_E_UNKNOWN: reopen and look before undoing anything.
//   - An (object, table) pair without a row in states is new. The ledger and quarantine rows that
//     count for a pair are those whose run is its state's run; rows of other runs are history. So
//     a replay or a rollback that moves the state moves them too.
//   - The database itself refuses a ledger row that does not balance (invariant I2).
//
// Rows given to a visitor are borrowed until it returns; a visitor may write, but not to what it is
// iterating over, and must not begin, commit or roll back.
//
// Statuses beside PLUMB_OK: PLUMB_E_UNAVAILABLE (locked, disk full), PLUMB_E_MALFORMED (not ours,
// damaged, or made by a newer plumb), PLUMB_E_FAILED. Others are named at the function. Messages
// name the database file and what was being done.
//
// Threads: flow; one connection is used by one thread at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_REGISTRY_REGISTRY_H
#define PL_REGISTRY_REGISTRY_H

#include "base/arena.h"
#include "base/error.h"
#include "iceberg/catalog.h"
#include "json/tree.h"
#include "json/writer.h"

#define PL_CATALOG_NAME      "plumb"
#define PL_CATALOG_NAMESPACE "default"
#define PL_ID_TEXT           27 // a ULID and its NUL

typedef struct pl_registry pl_registry; // opaque

typedef enum pl_registry_mode {
    PL_REGISTRY_READ,   // look only; PLUMB_E_NOT_FOUND if there is no file; works without write
                        // permission on file and folder
    PL_REGISTRY_WRITE,  // PLUMB_E_NOT_FOUND if there is no file
    PL_REGISTRY_CREATE, // made if missing, with its folder
} pl_registry_mode;

PL_MUST_USE plumb_status pl_registry_open(const char *path, pl_registry_mode mode,
                                          pl_registry **ret_registry, plumb_error *err);
// Close the connection and make it anew, as after a commit whose outcome is unknown.
PL_MUST_USE plumb_status pl_registry_reopen(pl_registry *registry, plumb_error *err);
void pl_registry_close(pl_registry *registry); // rolls back what is open; NULL is a no-op
const char *pl_registry_path(const pl_registry *registry);

PL_MUST_USE plumb_status pl_registry_begin(pl_registry *registry, plumb_error *err);
// The same, but its commit is not fsynced: a power loss before the next commit that is may undo it.
// For what is then done once more, and not with the same bytes (pl_registry_intent_remove).
PL_MUST_USE plumb_status pl_registry_begin_unsynced(pl_registry *registry, plumb_error *err);
PL_MUST_USE plumb_status pl_registry_commit(pl_registry *registry, plumb_error *err);
void pl_registry_rollback(pl_registry *registry); // no-op when no transaction is open
// Does the file hold together? PLUMB_E_MALFORMED says where not. Reads all of it.
PL_MUST_USE plumb_status pl_registry_check(pl_registry *registry, plumb_error *err);

// A consistent copy of the whole registry in one new file, durable; commits go on meanwhile. It is
// made as "<path>.part" and renamed once it is whole. PLUMB_E_CONFLICT if `path` exists.
PL_MUST_USE plumb_status pl_registry_backup(pl_registry *registry, const char *path,
                                            plumb_error *err);
const char *pl_registry_sqlite(void); // version of the library: "3.40.1"

// ---- the Iceberg catalog -----------------------------------------------------------------------
// load and swap on this connection; swap needs an open transaction. Borrows `registry`.
pl_catalog pl_registry_catalog(pl_registry *registry);

typedef struct pl_table_row {
    const char *name;
    const char *metadata_location;
    const char *previous_metadata_location; // NULL after creation
} pl_table_row;
typedef bool (*pl_table_visit)(void *context, const pl_table_row *row);
// Tables of our namespace, by name.
PL_MUST_USE plumb_status pl_registry_tables(pl_registry *registry, pl_table_visit visit,
                                            void *context, plumb_error *err);

// ---- raw objects -------------------------------------------------------------------------------
typedef struct pl_object_row {
    const char *id; // ULID; landing order
    const char *source;
    const char *key;    // store key
    const char *format; // "ndjson", "json", ...
    const char *name;   // what the input was called, "" if it had no name
    const char *sha256; // of the content, 64 hex digits; of the stored bytes when broken
    int64_t received_us;
    int64_t landed_us;
    int64_t stored_bytes;  // the file's size
    int64_t content_bytes; // inflated; -1 when broken
    bool broken;           // the payload did not inflate to its end
    int64_t again;         // 0, or n for content landed again on request
} pl_object_row;

typedef enum pl_object_state {
    PL_STATE_NEW,    // no row yet
    PL_STATE_STAGED, // held back: it waits, and has no rows
    PL_STATE_PUBLISHED,
    PL_STATE_WITHDRAWN, // un-published by a rollback
} pl_object_state;
const char *pl_object_state_name(pl_object_state state); // "new", "staged", ...

// What is about to become an object, for recovery: written before the first byte.
PL_MUST_USE plumb_status pl_registry_intent_add(pl_registry *registry, const char *id,
                                                const char *key, int64_t at_us, plumb_error *err);
PL_MUST_USE plumb_status pl_registry_intent_remove(pl_registry *registry, const char *id,
                                                   plumb_error *err);
typedef bool (*pl_intent_visit)(void *context, const char *id, const char *key, int64_t at_us);
PL_MUST_USE plumb_status pl_registry_intents(pl_registry *registry, pl_intent_visit visit,
                                             void *context, plumb_error *err);

// Add a landed object. With `again` the row's again is ignored and the next free number is taken;
// without it PLUMB_E_CONFLICT if the source already has this content: ret_winner (PL_ID_TEXT
// bytes, may be NULL) is then the object that has it.
PL_MUST_USE plumb_status pl_registry_object_add(pl_registry *registry, const pl_object_row *row,
                                                bool again, char *ret_winner, plumb_error *err);
// The first object of `source` with this content: its id, or "" if there is none.
PL_MUST_USE plumb_status pl_registry_object_by_sha(pl_registry *registry, const char *source,
                                                   const char *sha256, char ret_id[PL_ID_TEXT],
                                                   plumb_error *err);
// One object into arena. PLUMB_E_NOT_FOUND.
PL_MUST_USE plumb_status pl_registry_object(pl_registry *registry, const char *id, pl_arena *arena,
                                            pl_object_row *ret_row, plumb_error *err);

typedef bool (*pl_object_visit)(void *context, const pl_object_row *row, pl_object_state state);
// Objects of `source` that are new or staged for `table`, in landing order; those after the id
// `after`, "" for all.
PL_MUST_USE plumb_status pl_registry_objects_pending(pl_registry *registry, const char *source,
                                                     const char *table, const char *after,
                                                     pl_object_visit visit, void *context,
                                                     plumb_error *err);
// Every object (source NULL: of every source), in landing order; state is that for `table`, new if
// `table` is NULL.
PL_MUST_USE plumb_status pl_registry_objects(pl_registry *registry, const char *source,
                                             const char *table, pl_object_visit visit,
                                             void *context, plumb_error *err);

typedef struct pl_state_row {
    const char *object;
    const char *table;
    pl_object_state state; // the state to move to; never PL_STATE_NEW
    const char *run;       // NULL: keep the one there, so that its ledger rows go on counting
    int64_t snapshot;      // 0 unless published
    int64_t mapping;       // mapping version that made the rows
    bool appends;          // to the rows of a published object: its state keeps their version
} pl_state_row;
#define PL_FROM(state)  (1u << (state))
#define PL_FROM_PENDING (PL_FROM(PL_STATE_NEW) | PL_FROM(PL_STATE_STAGED))
// Move one (object, table); PLUMB_E_CONFLICT if its state is not one of `from` (a set of PL_FROM).
// Moving to published also appends to the publication history.
PL_MUST_USE plumb_status pl_registry_state_move(pl_registry *registry, const pl_state_row *row,
                                                unsigned from, plumb_error *err);
// The state of one pair in arena; state PL_STATE_NEW with run NULL if it has no row.
PL_MUST_USE plumb_status pl_registry_state(pl_registry *registry, const char *object,
                                           const char *table, pl_arena *arena,
                                           pl_state_row *ret_row, plumb_error *err);

// ---- runs and tasks ----------------------------------------------------------------------------
typedef struct pl_run_row {
    const char *id;    // ULID
    const char *state; // "working", then "done", "held" or "failed"
    int64_t started_us;
    int64_t finished_us; // 0 while working
    int64_t pid;
    const char *command; // "run", "replay", ...
    const char
        *counts; // JSON: {"raw", "curated", "quarantined", "filtered"}; "" if it published nothing
} pl_run_row;

PL_MUST_USE plumb_status pl_registry_run_start(pl_registry *registry, const pl_run_row *row,
                                               plumb_error *err);
// working -> state. PLUMB_E_CONFLICT if the run is no longer working: the fence of a publish.
PL_MUST_USE plumb_status pl_registry_run_finish(pl_registry *registry, const char *id,
                                                const char *state, int64_t finished_us,
                                                const char *counts, plumb_error *err);
typedef bool (*pl_run_visit)(void *context, const pl_run_row *row);
// One run; its texts in arena.
PL_MUST_USE plumb_status pl_registry_run(pl_registry *registry, const char *id, pl_arena *arena,
                                         pl_run_row *ret_row, bool *ret_found, plumb_error *err);
// Newest first; state NULL: every state; limit 0: all.
PL_MUST_USE plumb_status pl_registry_runs(pl_registry *registry, const char *state, int64_t limit,
                                          pl_run_visit visit, void *context, plumb_error *err);

PL_MUST_USE plumb_status pl_registry_task_add(pl_registry *registry, const char *run,
                                              const char *task, plumb_error *err);
// Take the result of a task; PLUMB_E_CONFLICT if one was taken before.
PL_MUST_USE plumb_status pl_registry_task_done(pl_registry *registry, const char *run,
                                               const char *task, const char *result,
                                               plumb_error *err);
typedef bool (*pl_task_visit)(void *context, const char *task, const char *result); // NULL: open
PL_MUST_USE plumb_status pl_registry_tasks(pl_registry *registry, const char *run,
                                           pl_task_visit visit, void *context, plumb_error *err);

// ---- ledger and quarantine ---------------------------------------------------------------------
typedef struct pl_ledger_row {
    const char *object;
    const char *source; // read only: filled by iteration
    const char *table;
    const char *run;
    int64_t records; // = curated + quarantined + filtered
    int64_t curated; // rows
    int64_t quarantined;
    int64_t filtered;
    int64_t duplicates; // of the key, among the curated
    int64_t lost;       // values that became NULL, kept in _rest
    int64_t coerced;
    int64_t conflicts;
    pl_object_state state; // read only
} pl_ledger_row;

PL_MUST_USE plumb_status pl_registry_ledger_add(pl_registry *registry, const pl_ledger_row *row,
                                                plumb_error *err);
typedef bool (*pl_ledger_visit)(void *context, const pl_ledger_row *row);
// The rows that count, newest object first; object, table NULL: all. `object` may be a prefix.
PL_MUST_USE plumb_status pl_registry_ledger(pl_registry *registry, const char *object,
                                            const char *table, int64_t limit, pl_ledger_visit visit,
                                            void *context, plumb_error *err);

typedef struct pl_quarantine_row {
    int64_t id; // given by the registry, stable; ignored by add
    const char *object;
    const char *source; // read only
    const char *table;
    const char *run;
    int64_t record_first; // index in the object; -1 when not a record (the object as a whole)
    int64_t record_count;
    int64_t byte_first; // range in the object's content
    int64_t byte_count;
    const char *column; // "" when not about one column
    const char *reason; // "expected a number, found text", ...
    int64_t byte;       // where it went wrong, in the content; -1 unknown
    const char *sample; // the offending text, cut; "" if none
} pl_quarantine_row;

PL_MUST_USE plumb_status pl_registry_quarantine_add(pl_registry *registry,
                                                    const pl_quarantine_row *row, plumb_error *err);
typedef struct pl_quarantine_filter {
    const char *table;  // NULL: any
    const char *source; // NULL: any
    const char *object; // NULL: any; may be a prefix
    int64_t id;         // 0: any
    int64_t limit;      // 0: all
} pl_quarantine_filter;
typedef bool (*pl_quarantine_visit)(void *context, const pl_quarantine_row *row);
// The rows that count, by id.
PL_MUST_USE plumb_status pl_registry_quarantine(pl_registry *registry,
                                                const pl_quarantine_filter *filter,
                                                pl_quarantine_visit visit, void *context,
                                                plumb_error *err);

// ---- versions ----------------------------------------------------------------------------------
// The number of this mapping text for (source, table): that of the same text before, else the next
// one (from 1), which is stored. Needs an open transaction.
PL_MUST_USE plumb_status pl_registry_mapping_version(pl_registry *registry, const char *source,
                                                     const char *table, pl_span text, int64_t at_us,
                                                     int64_t *ret_version, plumb_error *err);
// The same number without storing anything: 0 if no run has used this text.
PL_MUST_USE plumb_status pl_registry_mapping_number(pl_registry *registry, const char *source,
                                                    const char *table, pl_span text,
                                                    int64_t *ret_version, plumb_error *err);
// The text of one version, in arena. PLUMB_E_NOT_FOUND.
PL_MUST_USE plumb_status pl_registry_mapping_text(pl_registry *registry, const char *source,
                                                  const char *table, int64_t version,
                                                  pl_arena *arena, pl_span *ret_text,
                                                  plumb_error *err);
// This version maps objects before this one as the version before it does. Needs an open
// transaction.
PL_MUST_USE plumb_status pl_registry_mapping_since(pl_registry *registry, const char *source,
                                                   const char *table, int64_t version,
                                                   const char *object, plumb_error *err);
// Rows that are published now and were made by another version, and of how many objects; without
// those that this one would make the same.
PL_MUST_USE plumb_status pl_registry_mapping_others(pl_registry *registry, const char *source,
                                                    const char *table, int64_t version,
                                                    int64_t *ret_rows, int64_t *ret_objects,
                                                    plumb_error *err);

// What runs take for (source, table): the file, the file under an overlay, or a version.
typedef struct pl_mapping_use {
    int64_t pinned;  // this version, whatever the file says; 0: the file
    pl_span overlay; // entries of `map:` that replace the file's or join them; "" if none
} pl_mapping_use;
// Zero if nothing was ever set. The overlay is in arena.
PL_MUST_USE plumb_status pl_registry_mapping_use(pl_registry *registry, const char *source,
                                                 const char *table, pl_arena *arena,
                                                 pl_mapping_use *ret_use, plumb_error *err);
// Needs an open transaction. PLUMB_E_NOT_FOUND: no such version.
PL_MUST_USE plumb_status pl_registry_mapping_use_set(pl_registry *registry, const char *source,
                                                     const char *table, const pl_mapping_use *use,
                                                     int64_t at_us, plumb_error *err);
PL_MUST_USE plumb_status pl_registry_contract_version(pl_registry *registry, const char *table,
                                                      pl_span text, int64_t at_us,
                                                      int64_t *ret_version, plumb_error *err);
typedef struct pl_version_row {
    const char *source; // "" for a contract
    const char *table;
    int64_t version;
    pl_span text;
    int64_t created_us;
    int64_t objects; // published objects whose rows this mapping version made; 0 for contracts
} pl_version_row;
typedef bool (*pl_version_visit)(void *context, const pl_version_row *row);
// Versions of one source's mappings (table NULL: of every table), oldest first.
PL_MUST_USE plumb_status pl_registry_mappings(pl_registry *registry, const char *source,
                                              const char *table, pl_version_visit visit,
                                              void *context, plumb_error *err);
PL_MUST_USE plumb_status pl_registry_contracts(pl_registry *registry, const char *table,
                                               pl_version_visit visit, void *context,
                                               plumb_error *err);

// ---- snapshots, data files, events -------------------------------------------------------------
typedef struct pl_snapshot_row {
    const char *table;
    int64_t snapshot_id;
    int64_t parent; // 0 if none
    const char *run;
    const char *metadata_location;
    int64_t rows, files; // added by it
    int64_t created_us;
} pl_snapshot_row;
PL_MUST_USE plumb_status pl_registry_snapshot_add(pl_registry *registry, const pl_snapshot_row *row,
                                                  plumb_error *err);
typedef bool (*pl_snapshot_visit)(void *context, const pl_snapshot_row *row);
// Newest first; table NULL: of every table; limit 0: all.
PL_MUST_USE plumb_status pl_registry_snapshots(pl_registry *registry, const char *table,
                                               int64_t limit, pl_snapshot_visit visit,
                                               void *context, plumb_error *err);

typedef struct pl_file_row {
    const char *table;
    const char *path; // URI, as in the manifest
    int64_t snapshot; // that added it
    const char *run;
    int64_t rows, bytes;
    const char *objects; // JSON: [["first ULID", "last ULID"], ...], capped
} pl_file_row;
PL_MUST_USE plumb_status pl_registry_file_add(pl_registry *registry, const pl_file_row *row,
                                              plumb_error *err);
typedef bool (*pl_file_visit)(void *context, const pl_file_row *row);
// By path; table NULL: of every table.
PL_MUST_USE plumb_status pl_registry_files(pl_registry *registry, const char *table,
                                           pl_file_visit visit, void *context, plumb_error *err);

// Data files and metadata named below `source` ("file:///old/lake/") are below `target` from now
// on; heads of tables are the catalog's business. Needs an open transaction.
PL_MUST_USE plumb_status pl_registry_relocate(pl_registry *registry, const char *source,
                                              const char *target, plumb_error *err);

typedef struct pl_event_row {
    int64_t id; // given by the registry
    int64_t at_us;
    const char *kind; // "ingest", "publish", "approve", ...
    const char *who;
    const char *table; // "" if about no table
    const char *text;  // JSON
} pl_event_row;
PL_MUST_USE plumb_status pl_registry_event_add(pl_registry *registry, const pl_event_row *row,
                                               plumb_error *err);
typedef bool (*pl_event_visit)(void *context, const pl_event_row *row);
PL_MUST_USE plumb_status pl_registry_events(pl_registry *registry, int64_t limit,
                                            pl_event_visit visit, void *context,
                                            plumb_error *err); // newest first

// ---- counts ------------------------------------------------------------------------------------
typedef struct pl_counts {
    int64_t objects, fresh, staged, published, withdrawn; // fresh: state new
    int64_t pending_bytes;                                // stored bytes of the new and staged ones
    int64_t records, curated, quarantined, filtered, duplicates, lost, coerced, conflicts;
    int64_t newest_received_us; // of the published ones; 0 if none
    int64_t newest_landed_us;   // of all; 0 if none
} pl_counts;
// For one source and table; source NULL: every source that has a state for the table. Objects
// without a state count as new only when `source` is given.
PL_MUST_USE plumb_status pl_registry_counts(pl_registry *registry, const char *source,
                                            const char *table, pl_counts *ret_counts,
                                            plumb_error *err);
typedef struct pl_source_row {
    const char *source;
    int64_t objects, stored_bytes, content_bytes, broken;
    int64_t newest_received_us, newest_landed_us;
} pl_source_row;
typedef bool (*pl_source_visit)(void *context, const pl_source_row *row);
// One row per source that has landed something, by name.
PL_MUST_USE plumb_status pl_registry_sources(pl_registry *registry, pl_source_visit visit,
                                             void *context, plumb_error *err);

// ---- the books of one run, for the lake's log --------------------------------------------------
// Every row a run made, as members of a JSON object, what was found and decided since the run
// before (drift.h, events), and the heads of all tables as "heads". Texts of mappings and contracts
// and the bytes of shapes are not among them: `name` stores one and gives the name it is found by.
// `shape` is NULL, or "<source>/<table>" whose shape it is.
#define PL_REGISTRY_TEXT_NAME 80
typedef plumb_status (*pl_registry_text_name)(void *context, pl_span text, const char *shape,
                                              char ret_name[PL_REGISTRY_TEXT_NAME],
                                              plumb_error *err);
PL_MUST_USE plumb_status pl_registry_dump(pl_registry *registry, const char *run,
                                          pl_json_writer *json, pl_registry_text_name name,
                                          void *context, plumb_error *err);
// The same rows again, but for the heads; rows that are there stay, states and findings are the
// newer ones. What was staged is in no log: it is new. A shape that `get` does not find is left
// out: it was thinned. Needs an open transaction. PLUMB_E_MALFORMED says which member is not as
// dump writes it.
typedef plumb_status (*pl_registry_text_get)(void *context, pl_span name, pl_span *ret_text,
                                             plumb_error *err);
PL_MUST_USE plumb_status pl_registry_restore(pl_registry *registry, const pl_json *document,
                                             pl_registry_text_get get, void *context,
                                             plumb_error *err);

#endif
