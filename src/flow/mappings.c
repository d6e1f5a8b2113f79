// SPDX-License-Identifier: Apache-2.0
#include "flow/mappings.h"

#include "contract/edit.h"

// Parse a text that takes the place of the file's. It was checked when it was new; the contract may
// have changed since.
static plumb_status parse(const pl_project *project, pl_mapping_now *now, const char *file,
                          pl_span text, pl_arena *arena, plumb_error *err)
{
    pl_problems problems = {0}, warnings = {0};
    now->mapping = pl_mapping_parse(file, text, project->contracts, project->contract_count, arena,
                                    &problems, &warnings);
    plumb_status st = PLUMB_OK;
    if (!now->mapping) {
        const plumb_error *first = &problems.items[0];
        st = pl_fail(err, PLUMB_E_CONFIG, "cannot use mapping '%s': line %u: %s", file, first->line,
                     first->message);
        pl_hint(err, "Change the contract back, or take the file: plumb mapping %s --use file",
                now->source);
    }
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return st;
}

plumb_status pl_mapping_now_get(const pl_project *project, uint32_t index, pl_registry *registry,
                                pl_arena *arena, pl_mapping_now *ret_now, plumb_error *err)
{
    pl_mapping *file = project->mappings[index];
    pl_mapping_now *now = ret_now;
    *now = (pl_mapping_now){.file = file,
                            .mapping = file,
                            .source = pl_arena_cstr(arena, file->source),
                            .table = pl_arena_cstr(arena, file->table)};
    pl_mapping_use use;
    pl_span text = file->text, otherwise;
    const char *name = file->file;
    PL_TRY(pl_registry_mapping_use(registry, now->source, now->table, arena, &use, err));
    plumb_status overlaid = PLUMB_OK;
    if (use.overlay.bytes) overlaid = pl_edit_overlay(name, text, use.overlay, arena, &text, err);
    if (use.pinned) { // then nothing is to be laid over the file
        otherwise = text;
        PL_TRY(pl_registry_mapping_text(registry, now->source, now->table, use.pinned, arena, &text,
                                        err));
        if (overlaid || !pl_span_equal(text, otherwise)) now->pinned = use.pinned;
        name = pl_arena_printf(arena, "%s (version %lld)", name, (long long)use.pinned);
    } else if (overlaid) {
        return overlaid;
    }
    if (!pl_span_equal(text, file->text)) PL_TRY(parse(project, now, name, text, arena, err));
    PL_TRY(pl_registry_mapping_number(registry, now->source, now->table, text, &now->version, err));
    return pl_registry_mapping_others(registry, now->source, now->table, now->version, &now->rows,
                                      &now->objects, err);
}

plumb_status pl_mappings_in_use(const pl_project *project, pl_registry *registry, pl_arena *arena,
                                pl_project **ret_project, plumb_error *err)
{
    pl_project *made = PL_TAKE(arena, pl_project, 1);
    *made = *project;
    made->mappings = PL_TAKE(arena, pl_mapping *, project->mapping_count);
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        pl_mapping_now now;
        PL_TRY(pl_mapping_now_get(project, i, registry, arena, &now, err));
        made->mappings[i] = now.mapping;
    }
    *ret_project = made;
    return PLUMB_OK;
}
