// SPDX-License-Identifier: Apache-2.0
#include "flow/accept.h"

#include <stdio.h>

#include "flow/judge.h"
#include "os/os.h"

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

static plumb_status put(pl_registry *registry, const accept_state *accept, pl_hold_row *hold,
                        plumb_error *err)
{
    const pl_accepting *what = accept->what;
    hold->released = accept->last;
    hold->accepted = true;
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = *accept->last
                          ? pl_registry_hold_put(registry, hold, err)
                          : pl_registry_hold_remove(registry, what->source, what->table, err);
    if (st == PLUMB_OK)
        st = pl_check_event(registry, "check.accepted", what->who, hold, what->why,
                            pl_clock_micros(), err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
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
