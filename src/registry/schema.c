// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "registry/registry_int.h"

#define SCHEMA_VERSION 5
#define APPLICATION_ID 0x706c6d62 // "plmb": file(1) and we know the file by it

// The catalog tables exactly as the Java, Python, Go and Rust SQL catalogs make them: the V0 table,
// then V1's column.
static const char catalog_sql[] =
    "CREATE TABLE iceberg_tables(catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) "
    "NOT NULL, table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), "
    "previous_metadata_location VARCHAR(1000), PRIMARY KEY (catalog_name, table_namespace, "
    "table_name));"
    "ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5);"
    "CREATE TABLE iceberg_namespace_properties(catalog_name VARCHAR(255) NOT NULL, namespace "
    "VARCHAR(255) NOT NULL, property_key VARCHAR(255), property_value VARCHAR(1000), PRIMARY KEY "
    "(catalog_name, namespace, property_key));"
    "INSERT INTO iceberg_namespace_properties VALUES('" PL_CATALOG_NAME "', '" PL_CATALOG_NAMESPACE
    "', 'exists', 'true');";

// Columns of a primary key stand first and in its order: integrity_check of SQLite 3.40 sees NULLs
// that are not there when a WITHOUT ROWID table has them elsewhere.
static const char raw_sql[] =
    "CREATE TABLE objects("
    " id TEXT PRIMARY KEY, source TEXT NOT NULL, key TEXT NOT NULL UNIQUE, format TEXT NOT NULL,"
    " name TEXT NOT NULL, sha256 TEXT NOT NULL, received_us INTEGER NOT NULL,"
    " landed_us INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, content_bytes INTEGER NOT NULL,"
    " broken INTEGER NOT NULL CHECK(broken IN (0, 1)), again INTEGER NOT NULL,"
    " UNIQUE(source, sha256, again)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX objects_by_source ON objects(source, id);"
    "CREATE TABLE intents(id TEXT PRIMARY KEY, key TEXT NOT NULL, at_us INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE states("
    " tbl TEXT NOT NULL, object TEXT NOT NULL REFERENCES objects(id),"
    " state TEXT NOT NULL CHECK(state IN ('staged', 'published', 'withdrawn')),"
    " run TEXT NOT NULL, snapshot INTEGER NOT NULL, mapping INTEGER NOT NULL,"
    " PRIMARY KEY(tbl, object)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE publications("
    " tbl TEXT NOT NULL, object TEXT NOT NULL REFERENCES objects(id), run TEXT NOT NULL,"
    " snapshot INTEGER NOT NULL, mapping INTEGER NOT NULL,"
    " PRIMARY KEY(tbl, object, run)) STRICT, WITHOUT ROWID;";

static const char books_sql[] =
    "CREATE TABLE runs("
    " id TEXT PRIMARY KEY, state TEXT NOT NULL CHECK(state IN ('working', 'done', 'held',"
    " 'failed')), started_us INTEGER NOT NULL, finished_us INTEGER NOT NULL, pid INTEGER NOT NULL,"
    " command TEXT NOT NULL, counts TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX runs_by_state ON runs(state, id);"
    "CREATE TABLE tasks("
    " run TEXT NOT NULL REFERENCES runs(id), task TEXT NOT NULL, result TEXT,"
    " PRIMARY KEY(run, task)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE ledger("
    " tbl TEXT NOT NULL, object TEXT NOT NULL REFERENCES objects(id), run TEXT NOT NULL,"
    " records INTEGER NOT NULL, curated INTEGER NOT NULL, quarantined INTEGER NOT NULL,"
    " filtered INTEGER NOT NULL, duplicates INTEGER NOT NULL, lost INTEGER NOT NULL,"
    " coerced INTEGER NOT NULL, conflicts INTEGER NOT NULL, PRIMARY KEY(tbl, object, run),"
    " CHECK(min(records, curated, quarantined, filtered) >= 0),"
    " CONSTRAINT balance CHECK(records = curated + quarantined + filtered))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE quarantine("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL REFERENCES objects(id),"
    " tbl TEXT NOT NULL, run TEXT NOT NULL, record_first INTEGER NOT NULL,"
    " record_count INTEGER NOT NULL, byte_first INTEGER NOT NULL, byte_count INTEGER NOT NULL,"
    " col TEXT NOT NULL, reason TEXT NOT NULL, byte INTEGER NOT NULL, sample TEXT NOT NULL) STRICT;"
    "CREATE INDEX quarantine_by_object ON quarantine(object, tbl, run);"
    "CREATE TABLE mappings("
    " source TEXT NOT NULL, tbl TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL,"
    " created_us INTEGER NOT NULL, PRIMARY KEY(source, tbl, version)) STRICT;"
    "CREATE TABLE contracts("
    " tbl TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL,"
    " created_us INTEGER NOT NULL, PRIMARY KEY(tbl, version)) STRICT;"
    "CREATE TABLE snapshots("
    " tbl TEXT NOT NULL, snapshot_id INTEGER NOT NULL, parent INTEGER NOT NULL, run TEXT NOT NULL,"
    " metadata_location TEXT NOT NULL, rows INTEGER NOT NULL, files INTEGER NOT NULL,"
    " created_us INTEGER NOT NULL, PRIMARY KEY(tbl, snapshot_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE files("
    " tbl TEXT NOT NULL, path TEXT NOT NULL, snapshot INTEGER NOT NULL, run TEXT NOT NULL,"
    " rows INTEGER NOT NULL, bytes INTEGER NOT NULL, objects TEXT NOT NULL,"
    " PRIMARY KEY(tbl, path)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE events("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT NULL, kind TEXT NOT NULL,"
    " who TEXT NOT NULL, tbl TEXT NOT NULL, text TEXT NOT NULL) STRICT;";

static const char uses_sql[] =
    "CREATE TABLE mapping_uses("
    " source TEXT NOT NULL, tbl TEXT NOT NULL, pinned INTEGER NOT NULL, overlay TEXT NOT NULL,"
    " set_us INTEGER NOT NULL, PRIMARY KEY(source, tbl)) STRICT, WITHOUT ROWID;";

// Sums over objects, so that nobody reads a million rows to know how many there are. Triggers keep
// them, in the transaction that changes what is summed. newest_received_us is NULL when the newest
// one has left the state: then it is looked for.
static const char tallies_sql[] =
    "CREATE TABLE source_tallies("
    " source TEXT PRIMARY KEY, objects INTEGER NOT NULL, stored_bytes INTEGER NOT NULL,"
    " content_bytes INTEGER NOT NULL, broken INTEGER NOT NULL, newest_received_us INTEGER NOT NULL,"
    " newest_landed_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE tallies("
    " tbl TEXT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, objects INTEGER NOT NULL,"
    " stored_bytes INTEGER NOT NULL, newest_received_us INTEGER, records INTEGER NOT NULL,"
    " curated INTEGER NOT NULL, quarantined INTEGER NOT NULL, filtered INTEGER NOT NULL,"
    " duplicates INTEGER NOT NULL, lost INTEGER NOT NULL, coerced INTEGER NOT NULL,"
    " conflicts INTEGER NOT NULL, PRIMARY KEY(tbl, source, state)) STRICT, WITHOUT ROWID;"
    "CREATE VIEW summands AS SELECT s.tbl, s.object, o.source, s.state, 1 AS objects,"
    " o.stored_bytes, o.received_us, coalesce(l.records, 0) AS records,"
    " coalesce(l.curated, 0) AS curated, coalesce(l.quarantined, 0) AS quarantined,"
    " coalesce(l.filtered, 0) AS filtered, coalesce(l.duplicates, 0) AS duplicates,"
    " coalesce(l.lost, 0) AS lost, coalesce(l.coerced, 0) AS coerced,"
    " coalesce(l.conflicts, 0) AS conflicts FROM states s JOIN objects o ON o.id = s.object"
    " LEFT JOIN ledger l ON l.tbl = s.tbl AND l.object = s.object AND l.run = s.run;"
    "INSERT INTO source_tallies SELECT source, count(*), sum(stored_bytes),"
    " sum(max(content_bytes, 0)), sum(broken), max(received_us), max(landed_us) FROM objects"
    " GROUP BY source;"
    "INSERT INTO tallies SELECT tbl, source, state, sum(objects), sum(stored_bytes),"
    " max(received_us), sum(records), sum(curated), sum(quarantined), sum(filtered),"
    " sum(duplicates), sum(lost), sum(coerced), sum(conflicts) FROM summands"
    " GROUP BY tbl, source, state;"
    "CREATE TRIGGER tally_object AFTER INSERT ON objects BEGIN"
    " INSERT INTO source_tallies VALUES (new.source, 1, new.stored_bytes,"
    " max(new.content_bytes, 0), new.broken, new.received_us, new.landed_us) ON CONFLICT(source) "
    "DO UPDATE SET"
    " objects = objects + 1, stored_bytes = stored_bytes + excluded.stored_bytes,"
    " content_bytes = content_bytes + excluded.content_bytes, broken = broken + excluded.broken,"
    " newest_received_us = max(newest_received_us, excluded.newest_received_us),"
    " newest_landed_us = max(newest_landed_us, excluded.newest_landed_us); END;";

#define TALLY(sign)                                                                                \
    " UPDATE tallies SET objects = tallies.objects" sign "1, newest_received_us ="                 \
    " CASE WHEN tallies.objects" sign "1 = 0 THEN 0 WHEN '" sign "' = ' - ' THEN"                  \
    " iif(newest_received_us > received_us, newest_received_us, NULL)"                             \
    " WHEN tallies.objects = 0 THEN received_us ELSE max(newest_received_us, received_us) END,"    \
    " stored_bytes = tallies.stored_bytes" sign "m.stored_bytes,"                                  \
    " records = tallies.records" sign "m.records, curated = tallies.curated" sign "m.curated,"     \
    " quarantined = tallies.quarantined" sign "m.quarantined,"                                     \
    " filtered = tallies.filtered" sign "m.filtered,"                                              \
    " duplicates = tallies.duplicates" sign "m.duplicates, lost = tallies.lost" sign "m.lost,"     \
    " coerced = tallies.coerced" sign "m.coerced, conflicts = tallies.conflicts" sign              \
    "m.conflicts FROM summands m WHERE m.tbl = new.tbl AND m.object = new.object"                  \
    " AND tallies.tbl = m.tbl AND tallies.source = m.source AND tallies.state = m.state;"

#define TALLY_ENTER                                                                                \
    " INSERT INTO tallies SELECT tbl, source, state, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM"         \
    " summands WHERE tbl = new.tbl AND object = new.object ON CONFLICT DO NOTHING;" TALLY(" + ")
#define TALLY_LEAVE TALLY(" - ")

// The pair's part of the sums comes when its state is made or was changed, and its part before that
// goes; a ledger row of the run that the state names is added when it is written.
static const char triggers_sql[] =
    "CREATE TRIGGER tally_state AFTER INSERT ON states BEGIN" TALLY_ENTER " END;"
    "CREATE TRIGGER tally_leave BEFORE UPDATE ON states BEGIN" TALLY_LEAVE " END;"
    "CREATE TRIGGER tally_enter AFTER UPDATE ON states BEGIN" TALLY_ENTER " END;"
    "CREATE TRIGGER tally_ledger AFTER INSERT ON ledger BEGIN UPDATE tallies SET"
    " records = records + new.records, curated = curated + new.curated,"
    " quarantined = quarantined + new.quarantined, filtered = filtered + new.filtered,"
    " duplicates = duplicates + new.duplicates, lost = lost + new.lost,"
    " coerced = coerced + new.coerced, conflicts = conflicts + new.conflicts"
    " WHERE tbl = new.tbl AND source = (SELECT source FROM objects WHERE id = new.object)"
    " AND state = (SELECT state FROM states"
    "  WHERE tbl = new.tbl AND object = new.object AND run = new.run); END;";

// For the lake's log: a publish costs what it publishes, not what was published before.
static const char by_run_sql[] = "CREATE INDEX states_by_run ON states(run);"
                                 "CREATE INDEX publications_by_run ON publications(run);"
                                 "CREATE INDEX ledger_by_run ON ledger(run);"
                                 "CREATE INDEX quarantine_by_run ON quarantine(run);"
                                 "CREATE INDEX files_by_run ON files(run);"
                                 "CREATE INDEX snapshots_by_run ON snapshots(run);";

// `logged` is the run whose entry in the lake's log has the row, '' before there is one. Documents
// stand last: whoever reads the rest does not read them.
static const char drift_sql[] =
    "CREATE TABLE shapes("
    " id INTEGER PRIMARY KEY, source TEXT NOT NULL, tbl TEXT NOT NULL, version INTEGER NOT NULL,"
    " run TEXT NOT NULL, since_us INTEGER NOT NULL, until_us INTEGER NOT NULL,"
    " records INTEGER NOT NULL, logged TEXT NOT NULL, document BLOB NOT NULL,"
    " UNIQUE(source, tbl, version)) STRICT;"
    "CREATE INDEX shapes_by_log ON shapes(logged);"
    "CREATE TABLE holds("
    " id INTEGER PRIMARY KEY, source TEXT NOT NULL, tbl TEXT NOT NULL, first_object TEXT NOT NULL"
    " REFERENCES objects(id), since_us INTEGER NOT NULL, alerted_us INTEGER NOT NULL,"
    " run TEXT NOT NULL, objects INTEGER NOT NULL, records INTEGER NOT NULL,"
    " critical INTEGER NOT NULL CHECK(critical IN (0, 1)), released TEXT NOT NULL,"
    " why TEXT NOT NULL, document BLOB NOT NULL, UNIQUE(source, tbl)) STRICT;"
    "CREATE TABLE findings("
    " id INTEGER PRIMARY KEY, source TEXT NOT NULL, tbl TEXT NOT NULL, fingerprint TEXT NOT NULL,"
    " class TEXT NOT NULL, strength TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,"
    " col TEXT NOT NULL, critical INTEGER NOT NULL CHECK(critical IN (0, 1)), state TEXT NOT NULL,"
    " first_us INTEGER NOT NULL, opened_us INTEGER NOT NULL, changed_us INTEGER NOT NULL,"
    " first_object TEXT NOT NULL, run TEXT NOT NULL, records INTEGER NOT NULL,"
    " flips INTEGER NOT NULL, logged TEXT NOT NULL, document TEXT NOT NULL,"
    " UNIQUE(source, tbl, fingerprint)) STRICT;"
    "CREATE INDEX findings_by_log ON findings(logged);"
    "CREATE INDEX findings_by_change ON findings(changed_us);"
    "ALTER TABLE events ADD COLUMN logged TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX events_by_kind ON events(kind);"
    "CREATE INDEX events_by_log ON events(logged) WHERE kind >= 'drift.' AND kind < 'drift/';";

static const char checks_sql[] =
    "CREATE TABLE checks("
    " id INTEGER PRIMARY KEY, run TEXT NOT NULL, tbl TEXT NOT NULL, source TEXT NOT NULL,"
    " name TEXT NOT NULL, col TEXT NOT NULL, critical INTEGER NOT NULL CHECK(critical IN (0, 1)),"
    " outcome TEXT NOT NULL CHECK(outcome IN ('passed', 'failed', 'accepted', 'skipped')),"
    " measured INTEGER NOT NULL, total INTEGER NOT NULL, allowed TEXT NOT NULL,"
    " at_us INTEGER NOT NULL, logged TEXT NOT NULL) STRICT;"
    "CREATE INDEX checks_by_name ON checks(tbl, source, name, col, at_us);"
    "CREATE INDEX checks_by_log ON checks(logged);"
    "ALTER TABLE holds ADD COLUMN checks INTEGER NOT NULL DEFAULT 0 CHECK(checks IN (0, 1));"
    "ALTER TABLE holds ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0 CHECK(accepted IN (0, 1));";

// Which objects are published follows from the head of main: heads has the one that states were
// made to follow, lineage the parents of snapshots that no run of ours made (snapshots has the
// others), for expired ones, too.
static const char lineage_sql[] =
    "CREATE TABLE heads("
    " tbl TEXT PRIMARY KEY, snapshot INTEGER NOT NULL, metadata_location TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE lineage("
    " tbl TEXT NOT NULL, snapshot INTEGER NOT NULL, parent INTEGER NOT NULL,"
    " PRIMARY KEY(tbl, snapshot)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE doomed(" // files that no snapshot leads to any more, and since when
    " tbl TEXT NOT NULL, path TEXT NOT NULL, since_us INTEGER NOT NULL, PRIMARY KEY(tbl, path))"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX publications_by_snapshot ON publications(tbl, snapshot, object);"
    "CREATE TABLE attempts(" // what makes one removal of an intent unlike another
    " id INTEGER PRIMARY KEY CHECK(id = 1), mark INTEGER NOT NULL) STRICT;"
    "DROP INDEX IF EXISTS events_by_log;" // was of drift alone
    "CREATE INDEX events_by_log ON events(logged);";

static const char muted_sql[] =
    "ALTER TABLE findings ADD COLUMN muted_until_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE findings ADD COLUMN muted_records INTEGER NOT NULL DEFAULT 0;";

// What a version maps otherwise than the one before it, it does from this object on; '': nobody
// knows.
static const char since_sql[] = "ALTER TABLE mappings ADD COLUMN since TEXT NOT NULL DEFAULT '';";

// What makes version N of the schema out of version N - 1. A version that was ever used by anybody
// is only added to.
static const char *const upgrades[SCHEMA_VERSION + 1][4] = {
    [2] = {uses_sql},
    [3] = {tallies_sql, triggers_sql, by_run_sql},
    [4] = {drift_sql},
    [5] = {checks_sql, muted_sql, lineage_sql, since_sql},
};

static plumb_status number(pl_registry *registry, const char *sql, int64_t *ret_value,
                           plumb_error *err)
{
    pl_doing doing = PL_DOING("open", NULL);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    PL_TRY(pl_registry__start(registry, doing, sql, &stmt, err, ""));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK) *ret_value = row ? pl_registry__int(stmt, 0) : 0;
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry__version(pl_registry *registry, int64_t *ret_version, plumb_error *err)
{
    int64_t version = 0, application = 0, tables = 0;
    PL_TRY(number(registry, "PRAGMA user_version", &version, err));
    PL_TRY(number(registry, "PRAGMA application_id", &application, err));
    PL_TRY(number(registry, "SELECT count(*) FROM sqlite_schema", &tables, err));
    if (application != APPLICATION_ID && (application || version || tables)) {
        pl_fail(err, PLUMB_E_MALFORMED,
                "cannot open registry '%s': it is a database of another program", registry->path);
        pl_hint(err, "Name another file with 'state:' in plumb.yaml.");
        return PLUMB_E_MALFORMED;
    }
    if (version > SCHEMA_VERSION) {
        pl_fail(
            err, PLUMB_E_MALFORMED,
            "cannot open registry '%s': a newer plumb wrote it (schema %lld, this one knows %d)",
            registry->path, (long long)version, SCHEMA_VERSION);
        pl_hint(err, "Use the newer plumb, or name another file with 'state:' in plumb.yaml.");
        return PLUMB_E_MALFORMED;
    }
    *ret_version = version;
    return PLUMB_OK;
}

static plumb_status create(pl_registry *registry, plumb_error *err)
{
    pl_doing doing = PL_DOING("create", NULL);
    PL_TRY(pl_registry__exec(registry, doing, catalog_sql, err));
    PL_TRY(pl_registry__exec(registry, doing, raw_sql, err));
    return pl_registry__exec(registry, doing, books_sql, err);
}

static plumb_status bring_up(pl_registry *registry, int64_t version, plumb_error *err)
{
    if (version == 0) PL_TRY(create(registry, err));
    for (version = PL_MAX(version, 1) + 1; version <= SCHEMA_VERSION; version++)
        for (size_t i = 0; i < PL_COUNT(upgrades[0]) && upgrades[version][i]; i++)
            PL_TRY(
                pl_registry__exec(registry, PL_DOING("upgrade", NULL), upgrades[version][i], err));
    char sql[128];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             APPLICATION_ID, SCHEMA_VERSION);
    return pl_registry__exec(registry, PL_DOING("upgrade", NULL), sql, err);
}

plumb_status pl_registry__current(pl_registry *registry, int64_t version, plumb_error *err)
{
    if (version == 0)
        return pl_fail(err, PLUMB_E_NOT_FOUND, "cannot open registry '%s': it is empty",
                       registry->path);
    if (version == SCHEMA_VERSION) return PLUMB_OK;
    pl_fail(err, PLUMB_E_FAILED,
            "cannot open registry '%s': an older plumb wrote it (schema %lld, this one needs %d)",
            registry->path, (long long)version, SCHEMA_VERSION);
    pl_hint(err, "Run 'plumb run' once; whatever writes brings the registry up to date.");
    return PLUMB_E_FAILED;
}

plumb_status pl_registry__schema(pl_registry *registry, plumb_error *err)
{
    int64_t version = 0;
    PL_TRY(pl_registry__version(registry, &version, err));
    if (version == SCHEMA_VERSION) return PLUMB_OK;

    PL_TRY(pl_registry_begin_unsynced(registry, err));
    plumb_status st = pl_registry__version(registry, &version, err); // another may have been first
    if (st == PLUMB_OK && version < SCHEMA_VERSION) st = bring_up(registry, version, err);
    if (st != PLUMB_OK) {
        pl_registry_rollback(registry);
        return st;
    }
    return pl_registry_commit(registry, err);
}
