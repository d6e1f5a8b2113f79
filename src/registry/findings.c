// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "registry/drift.h"
#include "registry/registry_int.h"

static const char *const state_names[PL_FINDING_STATES] = {
    "seen",     "open",     "auto",     "provisional", "held",    "accepted", "rejected",
    "reverted", "parallel", "promoted", "deprecated",  "retired", "resolved", "flapping"};

const char *pl_finding_state_name(pl_finding_state state)
{
    return state_names[state];
}

bool pl_finding_state_parse(pl_span name, pl_finding_state *ret_state)
{
    for (int i = 0; i < PL_FINDING_STATES; i++) {
        if (!pl_span_is(name, state_names[i])) continue;
        *ret_state = (pl_finding_state)i;
        return true;
    }
    return false;
}

bool pl_finding_waits(const pl_finding_row *row, const pl_hold_row *hold)
{
    return row->state == PL_FINDING_HELD ||
           (row->state == PL_FINDING_FLAPPING && strcmp(row->run, hold->run) == 0);
}

#define FINDING_COLUMNS                                                                            \
    "id, source, tbl, fingerprint, class, strength, before, after, col, critical, state,"          \
    " first_us, opened_us, changed_us, first_object, run, records, flips, document,"               \
    " muted_until_us, muted_records"

static pl_finding_row row_of(sqlite3_stmt *stmt)
{
    pl_finding_row row = {.id = pl_registry__int(stmt, 0),
                          .source = pl_registry__text(stmt, 1),
                          .table = pl_registry__text(stmt, 2),
                          .fingerprint = pl_registry__text(stmt, 3),
                          .class = pl_registry__text(stmt, 4),
                          .strength = pl_registry__text(stmt, 5),
                          .before = pl_registry__text(stmt, 6),
                          .after = pl_registry__text(stmt, 7),
                          .column = pl_registry__text(stmt, 8),
                          .critical = pl_registry__int(stmt, 9) != 0,
                          .first_us = pl_registry__int(stmt, 11),
                          .opened_us = pl_registry__int(stmt, 12),
                          .changed_us = pl_registry__int(stmt, 13),
                          .first_object = pl_registry__text(stmt, 14),
                          .run = pl_registry__text(stmt, 15),
                          .records = pl_registry__int(stmt, 16),
                          .flips = pl_registry__int(stmt, 17),
                          .document = pl_registry__text(stmt, 18),
                          .muted_until_us = pl_registry__int(stmt, 19),
                          .muted_records = pl_registry__int(stmt, 20)};
    pl_finding_state_parse(pl_span_of(pl_registry__text(stmt, 10)), &row.state);
    return row;
}

// The statement's only row, in arena.
static plumb_status one(pl_registry *registry, pl_doing doing, sqlite3_stmt *stmt, pl_arena *arena,
                        pl_finding_row *ret_row, bool *ret_found, plumb_error *err)
{
    plumb_status st = pl_registry__step(registry, doing, stmt, ret_found, err);
    if (st == PLUMB_OK && *ret_found) {
        pl_finding_row row = row_of(stmt);
        const char **texts[] = {&row.source,       &row.table,  &row.fingerprint, &row.class,
                                &row.strength,     &row.before, &row.after,       &row.column,
                                &row.first_object, &row.run,    &row.document};
        for (size_t i = 0; i < PL_COUNT(texts); i++)
            *texts[i] = pl_arena_cstr(arena, pl_span_of(*texts[i]));
        *ret_row = row;
    }
    pl_registry__end(registry, stmt);
    return st;
}

plumb_status pl_registry_finding(pl_registry *registry, int64_t id, pl_arena *arena,
                                 pl_finding_row *ret_row, plumb_error *err)
{
    pl_doing doing = PL_DOING("look up a finding in", NULL);
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT " FINDING_COLUMNS " FROM findings WHERE id = ?", &stmt, err,
                              "i", id));
    PL_TRY(one(registry, doing, stmt, arena, ret_row, &found, err));
    if (found) return PLUMB_OK;
    pl_fail(err, PLUMB_E_NOT_FOUND, "cannot find finding '%lld' in registry '%s': no such finding",
            (long long)id, registry->path);
    pl_hint(err, "'plumb drift ls' lists the findings there are.");
    return PLUMB_E_NOT_FOUND;
}

plumb_status pl_registry_finding_by(pl_registry *registry, const char *source, const char *table,
                                    const char *fingerprint, pl_arena *arena,
                                    pl_finding_row *ret_row, bool *ret_found, plumb_error *err)
{
    pl_doing doing = PL_DOING("look up finding", fingerprint);
    sqlite3_stmt *stmt = NULL;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT " FINDING_COLUMNS " FROM findings WHERE source = ?"
                              " AND tbl = ? AND fingerprint = ?",
                              &stmt, err, "ttt", source, table, fingerprint));
    return one(registry, doing, stmt, arena, ret_row, ret_found, err);
}

plumb_status pl_registry_finding_returns(pl_registry *registry, int64_t id, int64_t since_us,
                                         int64_t *ret_count, plumb_error *err)
{
    pl_doing doing = PL_DOING("count events of", NULL);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    *ret_count = 0;
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT count(*) FROM events WHERE kind >= 'drift.' AND"
                              " kind < 'drift/' AND kind <> 'drift.resolved' AND at_us > ?"
                              " AND json_valid(text) AND json_extract(text, '$.finding') = ?"
                              " AND json_extract(text, '$.from') = 'resolved'",
                              &stmt, err, "ii", since_us, id));
    plumb_status st = pl_registry__step(registry, doing, stmt, &row, err);
    if (st == PLUMB_OK && row) *ret_count = pl_registry__int(stmt, 0);
    pl_registry__end(registry, stmt);
    return st;
}

typedef struct finding_walk {
    pl_finding_visit visit;
    void *context;
} finding_walk;

static bool finding_row(void *context, sqlite3_stmt *stmt)
{
    finding_walk *walk = context;
    pl_finding_row row = row_of(stmt);
    return walk->visit(walk->context, &row);
}

plumb_status pl_registry_findings(pl_registry *registry, const pl_finding_filter *filter,
                                  pl_finding_visit visit, void *context, plumb_error *err)
{
    pl_doing doing = PL_DOING("list findings of", NULL);
    sqlite3_stmt *stmt = NULL;
    char states[PL_FINDING_STATES * 16] = " "; // names between spaces
    size_t used = 1;
    for (int i = 0; i < PL_FINDING_STATES; i++)
        if (filter->states & PL_FINDING_IN(i))
            used += (size_t)snprintf(states + used, sizeof states - used, "%s ", state_names[i]);
    PL_TRY(pl_registry__start(registry, doing,
                              "SELECT " FINDING_COLUMNS " FROM findings"
                              " WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR tbl = ?2)"
                              " AND (?3 IS NULL OR instr(?3, ' ' || state || ' '))"
                              " ORDER BY changed_us DESC, id DESC LIMIT ?4",
                              &stmt, err, "ttti", filter->source, filter->table,
                              filter->states ? states : NULL, pl_registry__limit(filter->limit)));
    finding_walk walk = {visit, context};
    return pl_registry__each(registry, doing, stmt, finding_row, &walk, err);
}

// ---- writing -----------------------------------------------------------------------------------
static plumb_status put_row(pl_registry *registry, const pl_finding_row *row, plumb_error *err)
{
    static const char sql[] =
        "INSERT INTO findings(source, tbl, fingerprint, class, strength, before, after, col,"
        " critical, state, first_us, opened_us, changed_us, first_object, run, records, flips,"
        " document, muted_until_us, muted_records, logged)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')"
        " ON CONFLICT(source, tbl, fingerprint) DO UPDATE SET class = excluded.class,"
        " strength = excluded.strength, before = excluded.before, after = excluded.after,"
        " col = excluded.col, critical = excluded.critical, state = excluded.state,"
        " opened_us = iif(opened_us, opened_us, excluded.opened_us),"
        " changed_us = iif(state = excluded.state, changed_us, excluded.changed_us),"
        " run = excluded.run, records = excluded.records, flips = excluded.flips,"
        " muted_records = iif(excluded.muted_until_us, excluded.muted_records, muted_records),"
        " muted_until_us = iif(excluded.muted_until_us, excluded.muted_until_us, muted_until_us),"
        " document = excluded.document, logged = excluded.logged";
    return pl_registry__write(
        registry, PL_DOING("record finding", row->fingerprint), sql, NULL, err,
        "ttttttttitiiittiitii", row->source, row->table, row->fingerprint, row->class,
        row->strength, row->before, row->after, row->column, (int64_t)row->critical,
        state_names[row->state], row->first_us, row->opened_us, row->changed_us, row->first_object,
        row->run, row->records, row->flips, row->document, row->muted_until_us, row->muted_records);
}

static void put_text(pl_json_writer *json, const char *key, const char *text)
{
    pl_json_key(json, key);
    if (text)
        pl_json_cstr(json, text);
    else
        pl_json_null(json);
}

static void put_version(pl_json_writer *json, const char *key, int64_t version)
{
    pl_json_key(json, key);
    if (version)
        pl_json_int(json, version);
    else
        pl_json_null(json);
}

static void put_decision(pl_json_writer *json, const pl_finding_decision *decision)
{
    put_text(json, "decision", decision->word);
    pl_json_key(json, "mapping"), pl_json_begin(json, '{');
    put_version(json, "before", decision->before);
    put_version(json, "after", decision->after);
    pl_json_end(json, '}');
    pl_json_key(json, "diff");
    if (decision->diff.bytes)
        pl_json_text(json, decision->diff);
    else
        pl_json_null(json);
}

// `from` NULL: it is new. `decision` NULL: nobody decided.
static plumb_status put_event(pl_registry *registry, const pl_finding_row *row, int64_t id,
                              const char *from, const char *who, const char *note,
                              const pl_finding_decision *decision, plumb_error *err)
{
    pl_buf text = {0};
    pl_json_writer json = pl_json_writer_on(&text, 0);
    pl_json_begin(&json, '{');
    pl_json_key(&json, "finding"), pl_json_int(&json, id);
    put_text(&json, "source", row->source);
    put_text(&json, "class", row->class);
    put_text(&json, "before", row->before);
    put_text(&json, "after", row->after);
    put_text(&json, "column", row->column);
    put_text(&json, "from", from);
    put_text(&json, "to", state_names[row->state]);
    put_text(&json, "note", note);
    if (decision) put_decision(&json, decision);
    pl_json_end(&json, '}');
    char kind[32];
    snprintf(kind, sizeof kind, "drift.%s", state_names[row->state]);
    plumb_status st = pl_registry__write(
        registry, PL_DOING("record event", kind),
        "INSERT INTO events(at_us, kind, who, tbl, text) VALUES (?, ?, ?, ?, ?)", NULL, err,
        "ittts", row->changed_us, kind, who, row->table, pl_buf_view(&text));
    pl_buf_done(&text);
    return st;
}

plumb_status pl_registry_finding_put(pl_registry *registry, const pl_finding_row *row,
                                     const char *who, const char *note, int64_t *ret_id,
                                     plumb_error *err)
{
    pl_arena scratch = {0};
    pl_finding_row old;
    bool known = false;
    plumb_status st = pl_registry_finding_by(registry, row->source, row->table, row->fingerprint,
                                             &scratch, &old, &known, err);
    if (st == PLUMB_OK) st = put_row(registry, row, err);
    if (st == PLUMB_OK) {
        *ret_id = known ? old.id : sqlite3_last_insert_rowid(registry->db);
        if (!known || old.state != row->state)
            st = put_event(registry, row, *ret_id, known ? state_names[old.state] : NULL, who, note,
                           NULL, err);
    }
    pl_arena_done(&scratch);
    return st;
}

plumb_status pl_registry_finding_decide(pl_registry *registry, const pl_finding_row *row,
                                        const pl_finding_decision *decision, plumb_error *err)
{
    pl_arena scratch = {0};
    pl_finding_row old;
    const char *why = decision->why && *decision->why ? decision->why : NULL;
    plumb_status st = pl_registry_finding(registry, row->id, &scratch, &old, err);
    if (st == PLUMB_OK) st = put_row(registry, row, err);
    if (st == PLUMB_OK)
        st = put_event(registry, row, row->id, state_names[old.state], decision->who, why, decision,
                       err);
    pl_arena_done(&scratch);
    return st;
}

plumb_status pl_registry_finding_move(pl_registry *registry, int64_t id, pl_finding_state to,
                                      int64_t at_us, const char *who, const char *note,
                                      plumb_error *err)
{
    pl_arena scratch = {0};
    pl_finding_row row;
    plumb_status st = pl_registry_finding(registry, id, &scratch, &row, err);
    const char *from = st == PLUMB_OK ? state_names[row.state] : NULL;
    if (st == PLUMB_OK)
        st = pl_registry__write(registry, PL_DOING("record finding", row.fingerprint),
                                "UPDATE findings SET state = ?, changed_us = ?, muted_until_us = 0,"
                                " muted_records = 0, logged = '' WHERE id = ?",
                                NULL, err, "tii", state_names[to], at_us, id);
    row.state = to;
    row.changed_us = at_us;
    if (st == PLUMB_OK) st = put_event(registry, &row, id, from, who, note, NULL, err);
    pl_arena_done(&scratch);
    return st;
}

plumb_status pl_registry__log_found(pl_registry *registry, plumb_error *err)
{
    static const char *const sql[] = {"UPDATE shapes SET logged = ? WHERE logged = ''",
                                      "UPDATE findings SET logged = ? WHERE logged = ''",
                                      "UPDATE events SET logged = ? WHERE logged = ''",
                                      "UPDATE checks SET logged = ? WHERE logged = ''"};
    const char *run = registry->done;
    for (size_t i = 0; i < PL_COUNT(sql) && *run; i++)
        PL_TRY(
            pl_registry__write(registry, PL_DOING("finish run", run), sql[i], NULL, err, "t", run));
    return PLUMB_OK;
}
