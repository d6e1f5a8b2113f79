// SPDX-License-Identifier: Apache-2.0
#include "flow/accept.h"

#include <stdio.h>

#include "flow/run_int.h"
#include "os/os.h"
#include "json/writer.h"

typedef struct accept_state {
    const pl_accepting *what;
    pl_accepted *out;
    char last[PL_ID_TEXT]; // object that is staged
} accept_state;

static bool find_staged(void *context, const pl_object_row *row, pl_object_state state)
{
    accept_state *accept = context;
    if (state == PL_STATE_STAGED) snprintf(accept->last, sizeof accept->last, "%s", row->id);
    return true;
}

static void write_event(pl_buf *out, const pl_accepting *what, const pl_hold_row *hold)
{
    pl_json_writer w = pl_json_writer_on(out, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "source"), pl_json_cstr(&w, what->source);
    pl_json_key(&w, "failed"), pl_json_cstr(&w, hold->why);
    pl_json_key(&w, "objects"), pl_json_int(&w, hold->objects);
    pl_json_key(&w, "records"), pl_json_int(&w, hold->records);
    pl_json_key(&w, "first_object"), pl_json_cstr(&w, hold->first_object);
    pl_json_key(&w, "why"), pl_json_cstr(&w, what->why);
    pl_json_end(&w, '}');
}

static plumb_status put(pl_registry *registry, const accept_state *accept, pl_hold_row *hold,
                        plumb_error *err)
{
    const pl_accepting *what = accept->what;
    pl_buf text = {0};
    write_event(&text, what, hold);
    pl_event_row event = {.at_us = pl_clock_micros(),
                          .kind = "check.accepted",
                          .who = what->who,
                          .table = what->table,
                          .text = pl_buf_cstr(&text)};
    hold->released = accept->last;
    hold->accepted = true;
    plumb_status st = pl_registry_begin(registry, err);
    if (st == PLUMB_OK) {
        st = *accept->last ? pl_registry_hold_put(registry, hold, err)
                           : pl_registry_hold_remove(registry, what->source, what->table, err);
        if (st == PLUMB_OK) st = pl_registry_event_add(registry, &event, err);
        if (st == PLUMB_OK)
            st = pl_registry_commit(registry, err);
        else
            pl_registry_rollback(registry);
    }
    pl_buf_done(&text);
    return st;
}

static plumb_status accept_locked(const pl_run_options *options, pl_arena *arena, void *context,
                                  plumb_error *err)
{
    accept_state *accept = context;
    const pl_accepting *what = accept->what;
    pl_registry *registry = options->registry;
    pl_hold_row hold;
    bool found;
    PL_TRY(pl_registry_hold(registry, what->source, what->table, arena, &hold, &found, err));
    if (!found) {
        pl_fail(err, PLUMB_E_NOT_FOUND,
                "cannot accept source '%s': nothing of it waits before '%s'", what->source,
                what->table);
        pl_hint(err, "'plumb status' lists what waits.");
        return PLUMB_E_NOT_FOUND;
    }
    if (!hold.checks) {
        pl_fail(err, PLUMB_E_CONFLICT, "cannot accept source '%s': it waits before '%s' for drift",
                what->source, what->table);
        pl_hint(err, "'plumb drift ls --source %s' says what was found.", what->source);
        return PLUMB_E_CONFLICT;
    }
    *accept->out = (pl_accepted){hold.objects, hold.records, hold.why};
    PL_TRY(pl_registry_objects_pending(registry, what->source, what->table, "", find_staged, accept,
                                       err));
    return put(registry, accept, &hold, err);
}

plumb_status pl_accept(const pl_run_options *options, const pl_accepting *accepting,
                       pl_arena *arena, pl_accepted *ret_accepted, plumb_error *err)
{
    accept_state accept = {.what = accepting, .out = ret_accepted, .last = ""};
    return pl_run__with_lock(options, "accept", accept_locked, arena, &accept, err);
}
