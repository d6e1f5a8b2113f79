// SPDX-License-Identifier: Apache-2.0
#include "registry/registry_int.h"

plumb_status pl_registry_ledger_add(pl_registry *registry, const pl_ledger_row *row,
                                    plumb_error *err)
{
    static const char sql[] =
        "INSERT INTO ledger(object, tbl, run, records, curated, quarantined, filtered, duplicates,"
        " lost, coerced, conflicts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    if (row->records != row->curated + row->quarantined + row->filtered)
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot record ledger of object '%s' for table '%s': %lld records are not "
                       "%lld curated + %lld quarantined + %lld filtered",
                       row->object, row->table, (long long)row->records, (long long)row->curated,
                       (long long)row->quarantined, (long long)row->filtered);
    return pl_registry__write(registry, PL_DOING("record ledger of object", row->object), sql, NULL,
                              err, "tttiiiiiiii", row->object, row->table, row->run, row->records,
                              row->curated, row->quarantined, row->filtered, row->duplicates,
                              row->lost, row->coerced, row->conflicts);
}

typedef struct ledger_walk {
    pl_ledger_visit visit;
    void *context;
} ledger_walk;

static bool ledger_row(void *context, sqlite3_stmt *stmt)
{
    ledger_walk *walk = context;
    pl_ledger_row row = {
        .object = pl_registry__text(stmt, 0),
        .source = pl_registry__text(stmt, 1),
        .table = pl_registry__text(stmt, 2),
        .run = pl_registry__text(stmt, 3),
        .records = pl_registry__int(stmt, 4),
        .curated = pl_registry__int(stmt, 5),
        .quarantined = pl_registry__int(stmt, 6),
        .filtered = pl_registry__int(stmt, 7),
        .duplicates = pl_registry__int(stmt, 8),
        .lost = pl_registry__int(stmt, 9),
        .coerced = pl_registry__int(stmt, 10),
        .conflicts = pl_registry__int(stmt, 11),
        .state = pl_registry__state_of(pl_registry__text(stmt, 12)),
    };
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_ledger(pl_registry *registry, const char *object, const char *table,
                                int64_t limit, pl_ledger_visit visit, void *context,
                                plumb_error *err)
{
    // '~' sorts after every character of a ULID, so the range is a prefix. The pluses keep SQLite
    // from looking rows up by run, which may have all of them: 10,000 objects took 44 s.
    static const char sql[] =
        "SELECT l.object, o.source, l.tbl, l.run, l.records, l.curated, l.quarantined, l.filtered,"
        " l.duplicates, l.lost, l.coerced, l.conflicts, s.state FROM states s"
        " JOIN ledger l ON l.tbl = s.tbl AND l.object = s.object AND +l.run = +s.run"
        " JOIN objects o ON o.id = s.object"
        " WHERE s.object >= ?1 AND s.object < ?1 || '~' AND (?2 IS NULL OR s.tbl = ?2)"
        " ORDER BY s.object DESC, s.tbl LIMIT ?3";
    pl_doing doing = PL_DOING("read the ledger of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "tti", object ? object : "", table,
                              pl_registry__limit(limit)));
    ledger_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, ledger_row, &walk, err);
}

plumb_status pl_registry_quarantine_add(pl_registry *registry, const pl_quarantine_row *row,
                                        plumb_error *err)
{
    static const char sql[] =
        "INSERT INTO quarantine(object, tbl, run, record_first, record_count, byte_first,"
        " byte_count, col, reason, byte, sample) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    return pl_registry__write(registry, PL_DOING("quarantine records of object", row->object), sql,
                              NULL, err, "tttiiiittit", row->object, row->table, row->run,
                              row->record_first, row->record_count, row->byte_first,
                              row->byte_count, row->column, row->reason, row->byte, row->sample);
}

typedef struct quarantine_walk {
    pl_quarantine_visit visit;
    void *context;
} quarantine_walk;

static bool quarantine_row(void *context, sqlite3_stmt *stmt)
{
    quarantine_walk *walk = context;
    pl_quarantine_row row = {
        .id = pl_registry__int(stmt, 0),
        .object = pl_registry__text(stmt, 1),
        .source = pl_registry__text(stmt, 2),
        .table = pl_registry__text(stmt, 3),
        .run = pl_registry__text(stmt, 4),
        .record_first = pl_registry__int(stmt, 5),
        .record_count = pl_registry__int(stmt, 6),
        .byte_first = pl_registry__int(stmt, 7),
        .byte_count = pl_registry__int(stmt, 8),
        .column = pl_registry__text(stmt, 9),
        .reason = pl_registry__text(stmt, 10),
        .byte = pl_registry__int(stmt, 11),
        .sample = pl_registry__text(stmt, 12),
    };
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_quarantine(pl_registry *registry, const pl_quarantine_filter *filter,
                                    pl_quarantine_visit visit, void *context, plumb_error *err)
{
    static const char sql[] =
        "SELECT q.id, q.object, o.source, q.tbl, q.run, q.record_first, q.record_count,"
        " q.byte_first, q.byte_count, q.col, q.reason, q.byte, q.sample FROM quarantine q"
        " JOIN states s ON s.tbl = q.tbl AND s.object = q.object AND +s.run = +q.run"
        " JOIN objects o ON o.id = q.object"
        " WHERE (?1 IS NULL OR q.tbl = ?1) AND (?2 IS NULL OR o.source = ?2)"
        " AND q.object >= ?3 AND q.object < ?3 || '~' AND (?4 = 0 OR q.id = ?4)"
        " ORDER BY q.id LIMIT ?5";
    pl_doing doing = PL_DOING("read the quarantine of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, "tttii", filter->table,
                              filter->source, filter->object ? filter->object : "", filter->id,
                              pl_registry__limit(filter->limit)));
    quarantine_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, quarantine_row, &walk, err);
}

typedef struct counting {
    pl_counts counts;
    int64_t bytes; // of the objects that have a state
} counting;

// Of a source and state.
static bool count_state(void *context, sqlite3_stmt *stmt)
{
    counting *at = context;
    pl_counts *counts = &at->counts;
    int64_t objects = pl_registry__int(stmt, 1), bytes = pl_registry__int(stmt, 2);
    pl_object_state state = pl_registry__state_of(pl_registry__text(stmt, 0));
    switch (state) {
    case PL_STATE_STAGED:
        counts->staged += objects;
        counts->pending_bytes += bytes;
        break;
    case PL_STATE_PUBLISHED:
        counts->published += objects;
        counts->newest_received_us = PL_MAX(counts->newest_received_us, pl_registry__int(stmt, 3));
        break;
    default:
        counts->withdrawn += objects;
    }
    counts->objects += objects;
    at->bytes += bytes;
    if (state == PL_STATE_WITHDRAWN) return true; // its records are in no table
    int64_t *const into[] = {&counts->records,  &counts->curated,    &counts->quarantined,
                             &counts->filtered, &counts->duplicates, &counts->lost,
                             &counts->coerced,  &counts->conflicts};
    for (int i = 0; i < (int)PL_COUNT(into); i++) *into[i] += pl_registry__int(stmt, i + 5);
    counts->newest_landed_us = PL_MAX(counts->newest_landed_us, pl_registry__int(stmt, 4));
    return true;
}

// What a source has beyond that is new.
static bool count_source(void *context, sqlite3_stmt *stmt)
{
    counting *at = context;
    int64_t objects = pl_registry__int(stmt, 0);
    at->counts.fresh = objects - at->counts.objects;
    at->counts.objects = objects;
    at->counts.pending_bytes += pl_registry__int(stmt, 1) - at->bytes;
    at->counts.newest_landed_us = pl_registry__int(stmt, 2);
    return true;
}

plumb_status pl_registry_counts(pl_registry *registry, const char *source, const char *table,
                                pl_counts *ret_counts, plumb_error *err)
{
    static const char states[] =
        "SELECT t.state, t.objects, t.stored_bytes, CASE t.state WHEN 'published' THEN"
        " coalesce(t.newest_received_us, (SELECT max(o.received_us) FROM states s JOIN objects o"
        "  ON o.id = s.object WHERE s.tbl = t.tbl AND o.source = t.source AND s.state = t.state))"
        " END, a.newest_landed_us, t.records, t.curated, t.quarantined, t.filtered, t.duplicates,"
        " t.lost, t.coerced, t.conflicts FROM tallies t JOIN source_tallies a"
        " ON a.source = t.source WHERE t.tbl = ?1 AND (?2 IS NULL OR t.source = ?2)";
    static const char all[] =
        "SELECT objects, stored_bytes, newest_landed_us FROM source_tallies WHERE source = ?";
    pl_doing doing = PL_DOING("count objects of", NULL);
    counting at = {0};
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, states, &stmt, err, "tt", table, source));
    PL_TRY(pl_registry__each(registry, doing, stmt, count_state, &at, err));
    if (source) {
        PL_TRY(pl_registry__start(registry, doing, all, &stmt, err, "t", source));
        PL_TRY(pl_registry__each(registry, doing, stmt, count_source, &at, err));
    }
    *ret_counts = at.counts;
    return PLUMB_OK;
}

typedef struct source_walk {
    pl_source_visit visit;
    void *context;
} source_walk;

static bool source_row(void *context, sqlite3_stmt *stmt)
{
    source_walk *walk = context;
    pl_source_row row = {
        .source = pl_registry__text(stmt, 0),
        .objects = pl_registry__int(stmt, 1),
        .stored_bytes = pl_registry__int(stmt, 2),
        .content_bytes = pl_registry__int(stmt, 3),
        .broken = pl_registry__int(stmt, 4),
        .newest_received_us = pl_registry__int(stmt, 5),
        .newest_landed_us = pl_registry__int(stmt, 6),
    };
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_sources(pl_registry *registry, pl_source_visit visit, void *context,
                                 plumb_error *err)
{
    static const char sql[] =
        "SELECT source, objects, stored_bytes, content_bytes, broken, newest_received_us,"
        " newest_landed_us FROM source_tallies ORDER BY source";
    pl_doing doing = PL_DOING("list sources of", NULL);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, ""));
    source_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, source_row, &walk, err);
}
