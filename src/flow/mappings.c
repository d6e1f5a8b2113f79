// SPDX-License-Identifier: Apache-2.0
#include "flow/mappings.h"

#include "contract/edit.h"

// ---- which one ----------------------------------------------------------------------------------
static bool is_declared(const void *context, pl_span name)
{
    return pl_contract_find(context, name) >= 0;
}

plumb_status pl_mapping_use_get(pl_registry *registry, const pl_mapping *file, pl_arena *arena,
                                pl_mapping_use *ret_use, plumb_error *err)
{
    const char *source = pl_arena_cstr(arena, file->source);
    const char *table = pl_arena_cstr(arena, file->table);
    PL_TRY(pl_registry_mapping_use(registry, source, table, arena, ret_use, err));
    if (!ret_use->overlay.bytes) return PLUMB_OK;
    return pl_edit_overlay_of(file->file, ret_use->overlay, is_declared, file->contract, arena,
                              &ret_use->overlay, err);
}

// ---- does it fit --------------------------------------------------------------------------------
static plumb_status parse(const pl_project *project, const char *file, pl_span text,
                          pl_arena *arena, pl_mapping **ret_mapping, plumb_error *err)
{
    pl_problems problems = {0}, warnings = {0};
    *ret_mapping = pl_mapping_parse(file, text, project->contracts, project->contract_count, arena,
                                    &problems, &warnings);
    plumb_status st = PLUMB_OK;
    if (!*ret_mapping)
        st = pl_fail(err, PLUMB_E_CONFIG, "cannot use mapping '%s': line %u: %s", file,
                     problems.items[0].line, problems.items[0].message);
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    return st;
}

static const char *version_name(const pl_mapping *file, int64_t version, pl_arena *arena)
{
    return pl_arena_printf(arena, "%s (version %lld)", file->file, (long long)version);
}

plumb_status pl_mapping_fits(const pl_project *project, const pl_mapping *file, int64_t version,
                             pl_span text, pl_arena *arena, plumb_error *err)
{
    pl_mapping *ignored;
    return parse(project, version_name(file, version, arena), text, arena, &ignored, err);
}

// A text that takes the place of the file's.
static plumb_status use_text(const pl_project *project, pl_mapping_now *now, const char *name,
                             bool pinned, pl_span text, pl_arena *arena, plumb_error *err)
{
    plumb_status st = parse(project, name, text, arena, &now->mapping, err);
    if (st == PLUMB_E_CONFIG && pinned)
        pl_hint(err, "Change %s back, or take the file: plumb mapping %s --table %s --use file",
                now->file->contract->file, now->source, now->table);
    else if (st == PLUMB_E_CONFIG)
        pl_hint(err,
                "A rule lies over %s that does not go with it any more: change the file back, or "
                "take the rule away: 'plumb drift' names the finding.",
                now->file->file);
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
    PL_TRY(pl_mapping_use_get(registry, file, arena, &use, err));
    plumb_status overlaid = PLUMB_OK;
    if (use.overlay.bytes) overlaid = pl_edit_overlay(name, text, use.overlay, arena, &text, err);
    if (use.pinned) { // then nothing is to be laid over the file
        otherwise = text;
        PL_TRY(pl_registry_mapping_text(registry, now->source, now->table, use.pinned, arena, &text,
                                        err));
        if (overlaid || !pl_span_equal(text, otherwise)) now->pinned = use.pinned;
        name = version_name(file, use.pinned, arena);
    } else if (overlaid) {
        if (err) err->status = PLUMB_E_CONFIG; // whatever it was, it is of the file
        return PLUMB_E_CONFIG;
    }
    if (!pl_span_equal(text, file->text))
        PL_TRY(use_text(project, now, name, use.pinned != 0, text, arena, err));
    PL_TRY(pl_registry_mapping_number(registry, now->source, now->table, text, &now->version, err));
    return pl_registry_mapping_others(registry, now->source, now->table, now->version, &now->rows,
                                      &now->objects, err);
}

const plumb_error *pl_mapping_unfit(const pl_project *project, pl_span source, pl_span table)
{
    for (uint32_t i = 0; i < project->unfit_count; i++)
        if (pl_span_equal(project->unfit[i].file->source, source) &&
            pl_span_equal(project->unfit[i].file->table, table))
            return &project->unfit[i].why;
    return NULL;
}

plumb_status pl_mappings_in_use(const pl_project *project, pl_registry *registry, pl_arena *arena,
                                pl_project **ret_project, plumb_error *err)
{
    pl_project *made = PL_TAKE(arena, pl_project, 1);
    *made = *project;
    made->mappings = PL_TAKE(arena, pl_mapping *, project->mapping_count);
    made->unfit = PL_TAKE(arena, pl_unfit, project->mapping_count);
    made->mapping_count = 0;
    for (uint32_t i = 0; i < project->mapping_count; i++) {
        pl_mapping_now now;
        plumb_error why;
        plumb_status st = pl_mapping_now_get(project, i, registry, arena, &now, &why);
        if (st == PLUMB_OK) {
            made->mappings[made->mapping_count++] = now.mapping;
        } else if (st == PLUMB_E_CONFIG) {
            made->unfit[made->unfit_count++] = (pl_unfit){project->mappings[i], why};
        } else {
            if (err) *err = why;
            return st;
        }
    }
    *ret_project = made;
    return PLUMB_OK;
}
