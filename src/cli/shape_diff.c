// shape_diff.c -- what changed between two shapes, for people and as JSON.
//
// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "cli/look.h"
#include "cli/shapes.h"
#include "shape/finding_doc.h"

typedef struct diff {
    pl_cli *cli;
    const pl_shapes_side *sides[2];
    const pl_shape *before, *after;
    pl_finding *findings;
    uint32_t count;
} diff;

static const char *path_text(const diff *d, const pl_shape *shape, uint32_t path)
{
    return path == PL_SHAPE_NONE ? NULL : pl_shapes_path(d->cli, shape, path);
}

// ---- JSON ---------------------------------------------------------------------------------------

static void side_json(pl_json_writer *json, const pl_shape *shape, uint32_t path, const char *kinds,
                      const char *samples)
{
    if (path == PL_SHAPE_NONE) return;
    pl_json_key(json, kinds);
    pl_shapes_kinds_json(json, &shape->paths[path]);
    pl_json_key(json, samples);
    pl_shapes_samples_json(json, &shape->paths[path]);
}

static void finding_json(const diff *d, pl_json_writer *json, const pl_finding *f)
{
    pl_finding_doc doc = pl_finding_doc_of(f, d->before, d->after, &d->cli->arena);
    pl_json_begin(json, '{');
    pl_finding_write_members(json, &doc);
    side_json(json, d->before, f->before, "before_kinds", "before_samples");
    side_json(json, d->after, f->after, "after_kinds", "after_samples");
    pl_json_end(json, '}');
}

// How often a path came, of how often it could have: two sides of it.
typedef struct came {
    uint32_t before, after; // paths; PL_SHAPE_NONE: not there
    double was, is;
} came;

static double share(const pl_shape *shape, uint32_t path)
{
    if (path == PL_SHAPE_NONE || shape->paths[path].step != PL_SHAPE_KEY) return 0;
    uint64_t chances = pl_shape_chances(shape, path);
    return chances ? (double)pl_shape_seen(&shape->paths[path]) / (double)chances : 0;
}

// Paths that came more or less often by so much are told of.
#define PRESENCE_MOVED 0.05

static bool moved(const came *p)
{
    return fabs(p->was - p->is) >= PRESENCE_MOVED || ((p->was > 0) != (p->is > 0));
}

// In cli->arena; paths of `before` first, then those that are new.
static came *presences(const diff *d, uint32_t *ret_count)
{
    const pl_shape *a = d->before, *b = d->after;
    came *list = PL_TAKE(&d->cli->arena, came, a->count + b->count);
    uint32_t *there = PL_TAKE(&d->cli->arena, uint32_t, a->count), count = 0;
    bool *known = PL_TAKE(&d->cli->arena, bool, b->count);
    there[PL_SHAPE_ROOT] = PL_SHAPE_ROOT;
    for (uint32_t i = 1; i < a->count; i++) {
        const pl_shape_path *path = &a->paths[i];
        uint32_t up = there[path->parent];
        there[i] = up == PL_SHAPE_NONE ? up : pl_shape_find(b, up, path->key, path->step);
        if (there[i] != PL_SHAPE_NONE) known[there[i]] = true;
        list[count] = (came){i, there[i], share(a, i), share(b, there[i])};
        count += moved(&list[count]);
    }
    for (uint32_t i = 1; i < b->count; i++) {
        if (known[i]) continue;
        list[count] = (came){PL_SHAPE_NONE, i, 0, share(b, i)};
        count += moved(&list[count]);
    }
    *ret_count = count;
    return list;
}

static const char *presence_path(const diff *d, const came *p)
{
    return p->before == PL_SHAPE_NONE ? path_text(d, d->after, p->after)
                                      : path_text(d, d->before, p->before);
}

static void presence_json(const diff *d, pl_json_writer *json)
{
    uint32_t count;
    const came *list = presences(d, &count);
    pl_json_key(json, "presence");
    pl_json_begin(json, '[');
    for (uint32_t i = 0; i < count; i++) {
        pl_json_begin(json, '{');
        pl_look_text(json, "path", presence_path(d, &list[i]));
        pl_json_key(json, "before");
        pl_json_double(json, list[i].was);
        pl_json_key(json, "after");
        pl_json_double(json, list[i].is);
        pl_json_end(json, '}');
    }
    pl_json_end(json, ']');
}

static void print_json(const diff *d, bool presence)
{
    static const char *const names[] = {"before", "after"};
    pl_json_writer json = pl_cli_json(d->cli);
    pl_json_begin(&json, '{');
    for (int i = 0; i < 2; i++) {
        const pl_shapes_side *side = d->sides[i];
        pl_json_key(&json, names[i]);
        pl_json_begin(&json, '{');
        if (side->file)
            pl_look_text(&json, "file", side->file);
        else
            pl_look_int(&json, "version", side->version);
        pl_look_int(&json, "records", (int64_t)side->shape->records);
        pl_look_int(&json, "paths", side->shape->count);
        pl_json_end(&json, '}');
    }
    pl_json_key(&json, "findings");
    pl_json_begin(&json, '[');
    for (uint32_t i = 0; i < d->count; i++) finding_json(d, &json, &d->findings[i]);
    pl_json_end(&json, ']');
    if (presence) presence_json(d, &json);
    pl_json_end(&json, '}');
}

// ---- for people ---------------------------------------------------------------------------------

static void print_folded(pl_cli *cli, const char *head, const char *text)
{
    pl_buf line = {0};
    pl_buf_printf(&line, "%10s%-*s", "", *head ? 9 : 0, head);
    if (*text) pl_cli_fold(cli, pl_buf_cstr(&line), pl_shapes_width(), text);
    pl_buf_done(&line);
}

static void print_finding(const diff *d, const pl_finding *f)
{
    const char *before = path_text(d, d->before, f->before);
    const char *after = path_text(d, d->after, f->after);
    bool moved = before && after && strcmp(before, after) != 0;
    pl_buf line = {0};
    pl_cli_escape(&line, pl_span_of(before ? before : after));
    if (moved) {
        pl_buf_text(&line, " -> ");
        pl_cli_escape(&line, pl_span_of(after));
    }
    if (f->beneath)
        pl_buf_printf(&line, " and %u %s beneath", f->beneath,
                      pl_plural(f->beneath, "path", "paths"));
    pl_cli_print(d->cli, "%s%-9s%s %s", pl_cli_color(d->cli, PL_COLOR_BOLD),
                 pl_drift_class_name(f->class), pl_cli_color(d->cli, PL_COLOR_OFF),
                 pl_buf_cstr(&line));
    if (f->strength != PL_DRIFT_CERTAIN)
        pl_cli_print(d->cli, "  (%s, %.0f %%)", pl_drift_strength_name(f->strength),
                     f->confidence * 100);
    pl_cli_print(d->cli, "\n");
    pl_buf_done(&line);
    print_folded(d->cli, "", f->why);
    print_folded(d->cli, "", f->against);
    print_folded(d->cli, "before:", f->before_values);
    print_folded(d->cli, "after:", f->after_values);
    print_folded(d->cli, "mapping:", f->proposal);
}

static void print_presence(const diff *d)
{
    uint32_t count;
    const came *list = presences(d, &count);
    if (!count) return;
    pl_grid grid = pl_grid_make("there|before>|after>");
    for (uint32_t i = 0; i < count; i++) {
        pl_grid_text(&grid, presence_path(d, &list[i]));
        pl_grid_printf(&grid, "%.4g %%", list[i].was * 100);
        pl_grid_printf(&grid, "%.4g %%", list[i].is * 100);
    }
    pl_cli_print(d->cli, "\n");
    pl_grid_print(d->cli, &grid);
}

static void print_head(const diff *d)
{
    pl_human before, after;
    const pl_shapes_side *a = d->sides[0], *b = d->sides[1];
    pl_human_count(before, (int64_t)d->before->records);
    pl_human_count(after, (int64_t)d->after->records);
    const char *unit = pl_plural((int64_t)d->before->records, "record", "records");
    if (!a->version)
        pl_cli_print(d->cli, "%s %s before, %s after: ", before, unit, after);
    else if (b->since)
        pl_cli_print(d->cli, "%s %s up to version %lld, %s from there to version %lld: ", before,
                     unit, (long long)a->version, after, (long long)b->version);
    else
        pl_cli_print(d->cli, "%s %s in version %lld, %s in version %lld: ", before, unit,
                     (long long)a->version, after, (long long)b->version);
}

static void print_text(const diff *d, bool presence)
{
    uint32_t roots = 0;
    for (uint32_t i = 0; i < d->count; i++) roots += d->findings[i].root;
    print_head(d);
    if (!roots)
        pl_cli_print(d->cli, "nothing changed.\n");
    else
        pl_cli_print(d->cli, "%u %s.\n", roots, pl_plural(roots, "change", "changes"));
    for (uint32_t i = 0; i < d->count; i++) {
        if (!d->findings[i].root) continue;
        pl_cli_print(d->cli, "\n");
        print_finding(d, &d->findings[i]);
    }
    if (presence) print_presence(d);
}

void pl_shapes_diff(pl_cli *cli, const pl_shapes_side *before, const pl_shapes_side *after,
                    bool presence)
{
    diff d = {.cli = cli, .sides = {before, after}, .before = before->shape, .after = after->shape};
    pl_drift_options options = pl_drift_as_given();
    pl_drift_findings(d.before, d.after, &options, &cli->arena, &d.findings, &d.count);
    if (cli->json)
        print_json(&d, presence);
    else
        print_text(&d, presence);
}
