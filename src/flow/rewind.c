// SPDX-License-Identifier: Apache-2.0
#include "flow/rewind.h"

#include "flow/baseline.h"
#include "registry/drift.h"

// Of one mapping of the project that fills the table.
typedef struct state {
    const char *source;
    bool concerned;  // by what is undone, or comes back
    bool learned;    // its baseline from the run that is looked at
    const char *run; // the newest one of the target that published records of it; NULL: none
} state;

typedef struct walk {
    pl_rewinding *r;
    state *states;
    uint32_t count;
    const char *run; // of the snapshot that is looked at
    bool target;
} walk;

static bool made(void *context, const char *source, int64_t mapping)
{
    walk *w = context;
    (void)mapping;
    for (uint32_t i = 0; i < w->count; i++) {
        if (!w->states[i].learned || strcmp(w->states[i].source, source) != 0) continue;
        if (!w->target)
            w->states[i].concerned = true;
        else if (!w->states[i].run)
            w->states[i].run = w->run;
    }
    return true;
}

typedef struct version_search {
    const char *run;
    bool found;
} version_search;

static bool find_version(void *context, const pl_shape_row *row)
{
    version_search *search = context;
    search->found = strcmp(row->run, search->run) == 0;
    return !search->found;
}

// The run that made a snapshot, if it is one that baselines learn from; else NULL. A replay is one
// if it left a version.
static plumb_status run_of(pl_rewinding *r, int64_t snapshot, const char **ret_run,
                           bool *ret_replay, plumb_error *err)
{
    const pl_ice_snapshot *s = pl_ice_snapshot_by_id(r->metadata, snapshot);
    pl_span id;
    pl_run_row row;
    bool found;
    *ret_run = NULL;
    if (!s || !pl_ice_pair_find(s->summary, s->summary_count, "plumb.run", &id)) return PLUMB_OK;
    const char *run = pl_arena_cstr(r->arena, id);
    PL_TRY(pl_registry_run(r->registry, run, r->arena, &row, &found, err));
    *ret_replay = found && strcmp(row.command, "replay") == 0;
    if (*ret_replay ||
        (found && (strcmp(row.command, "run") == 0 || strcmp(row.command, "plan") == 0)))
        *ret_run = run;
    return PLUMB_OK;
}

static plumb_status visit(walk *w, int64_t snapshot, plumb_error *err)
{
    bool replay = false;
    PL_TRY(run_of(w->r, snapshot, &w->run, &replay, err));
    if (!w->run) return PLUMB_OK;
    for (uint32_t i = 0; i < w->count; i++) {
        version_search search = {.run = w->run, .found = !replay};
        if (replay)
            PL_TRY(pl_registry_shapes(w->r->registry, w->states[i].source, w->r->table,
                                      find_version, &search, err));
        w->states[i].learned = search.found;
    }
    return pl_registry_made_by(w->r->registry, w->r->table, snapshot, made, w, err);
}

// The snapshots of one way that are not in the other.
static plumb_status find_concerned(walk *w, const pl_ancestry *of, const pl_ancestry *without,
                                   plumb_error *err)
{
    for (uint32_t i = 0; i < of->count && !pl_ancestry_has(without, of->ids[i]); i++)
        PL_TRY(visit(w, of->ids[i], err));
    return PLUMB_OK;
}

static bool all_known(const walk *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->states[i].concerned && !w->states[i].run) return false;
    return true;
}

static plumb_status find_runs(walk *w, plumb_error *err)
{
    const pl_ancestry *target = w->r->target;
    w->target = true;
    for (uint32_t i = 0; i < target->count && !all_known(w); i++)
        PL_TRY(visit(w, target->ids[i], err));
    return PLUMB_OK;
}

// Is every ancestor there, so that what none of them has was not in the table?
static bool is_whole(const pl_rewinding *r)
{
    for (uint32_t i = 0; i < r->target->count; i++)
        if (!pl_ice_snapshot_by_id(r->metadata, r->target->ids[i])) return false;
    return r->target->whole;
}

typedef struct shape_search {
    const char *run; // NULL: by time
    int64_t until_us;
    pl_rewound *out;
} shape_search;

// Newest first. Ids of runs are in the order of their times.
static bool find_shape(void *context, const pl_shape_row *row)
{
    shape_search *search = context;
    pl_rewound *out = search->out;
    bool exact = search->run && strcmp(row->run, search->run) == 0;
    bool before =
        search->run ? strcmp(row->run, search->run) < 0 : row->until_us <= search->until_us;
    if (exact || (before && !out->version)) {
        out->version = row->version;
        out->at_us = row->until_us;
        out->exact = exact;
    }
    return !exact;
}

static plumb_status choose(pl_rewinding *r, const state *s, int64_t to_us, plumb_error *err)
{
    pl_rewound *out = &r->sources[r->count++];
    shape_search search = {.run = s->run, .until_us = to_us, .out = out};
    *out = (pl_rewound){.source = s->source, .exact = !s->run && is_whole(r)};
    if (out->exact) return PLUMB_OK;
    return pl_registry_shapes(r->registry, s->source, r->table, find_shape, &search, err);
}

plumb_status pl_rewind_look(pl_rewinding *rewinding, plumb_error *err)
{
    pl_rewinding *r = rewinding;
    const pl_project *project = r->project;
    walk w = {.r = r, .states = PL_TAKE(r->arena, state, project->mapping_count)};
    for (uint32_t i = 0; i < project->mapping_count; i++)
        if (pl_span_is(project->mappings[i]->table, r->table))
            w.states[w.count++] =
                (state){.source = pl_arena_cstr(r->arena, project->mappings[i]->source)};
    r->sources = PL_TAKE(r->arena, pl_rewound, w.count);
    r->count = 0;
    PL_TRY(find_concerned(&w, r->from, r->target, err));
    PL_TRY(find_concerned(&w, r->target, r->from, err));
    PL_TRY(find_runs(&w, err));
    int64_t to_ms = pl_ice_snapshot_by_id(r->metadata, r->target->ids[0])->timestamp_ms;
    for (uint32_t i = 0; i < w.count; i++)
        if (w.states[i].concerned) PL_TRY(choose(r, &w.states[i], (to_ms + 1) * 1000, err));
    return PLUMB_OK;
}

plumb_status pl_rewind_record(const pl_rewinding *rewinding, const char *run, int64_t now_us,
                              plumb_error *err)
{
    const pl_rewinding *r = rewinding;
    for (uint32_t i = 0; i < r->count; i++) {
        const pl_rewound *to = &r->sources[i];
        pl_shape_row row = {.source = to->source, .table = r->table};
        pl_buf none = {0};
        int64_t version;
        if (!to->version && !to->exact) continue;
        if (to->version) {
            PL_TRY(pl_registry_shape(r->registry, to->source, r->table, to->version, r->arena, &row,
                                     err));
        } else {
            pl_baseline empty;
            pl_baseline_init(&empty);
            pl_baseline_write(&empty, &none);
            pl_baseline_done(&empty);
            row.document = pl_buf_view(&none);
        }
        row.run = run;
        row.until_us = now_us;
        row.kept = true;
        plumb_status st = pl_registry_shape_put(r->registry, &row, &version, err);
        pl_buf_done(&none);
        PL_TRY(st);
    }
    return PLUMB_OK;
}
