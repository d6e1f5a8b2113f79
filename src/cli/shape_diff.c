// shape_diff.c -- what changed between two shapes, for people and as JSON.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/look.h"
#include "cli/shapes.h"
#include "shape/finding_doc.h"

typedef struct diff {
    pl_cli *cli;
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

static void print_json(const diff *d)
{
    static const char *const sides[] = {"before", "after"};
    const pl_shape *shapes[] = {d->before, d->after};
    pl_json_writer json = pl_cli_json(d->cli);
    pl_json_begin(&json, '{');
    for (int i = 0; i < 2; i++) {
        pl_json_key(&json, sides[i]);
        pl_json_begin(&json, '{');
        pl_look_text(&json, "file", d->cli->args[i]);
        pl_look_int(&json, "records", (int64_t)shapes[i]->records);
        pl_look_int(&json, "paths", shapes[i]->count);
        pl_json_end(&json, '}');
    }
    pl_json_key(&json, "findings");
    pl_json_begin(&json, '[');
    for (uint32_t i = 0; i < d->count; i++) finding_json(d, &json, &d->findings[i]);
    pl_json_end(&json, ']');
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

static void print_text(const diff *d)
{
    uint32_t roots = 0;
    pl_human before, after;
    for (uint32_t i = 0; i < d->count; i++) roots += d->findings[i].root;
    pl_cli_print(d->cli,
                 "%s %s before, %s after: ", pl_human_count(before, (int64_t)d->before->records),
                 pl_plural((int64_t)d->before->records, "record", "records"),
                 pl_human_count(after, (int64_t)d->after->records));
    if (!roots)
        pl_cli_print(d->cli, "nothing changed.\n");
    else
        pl_cli_print(d->cli, "%u %s.\n", roots, pl_plural(roots, "change", "changes"));
    for (uint32_t i = 0; i < d->count; i++) {
        if (!d->findings[i].root) continue;
        pl_cli_print(d->cli, "\n");
        print_finding(d, &d->findings[i]);
    }
}

void pl_shapes_diff(pl_cli *cli, const pl_shape *before, const pl_shape *after)
{
    diff d = {.cli = cli, .before = before, .after = after};
    pl_drift_options options = pl_drift_as_given();
    pl_drift_findings(before, after, &options, &cli->arena, &d.findings, &d.count);
    if (cli->json)
        print_json(&d);
    else
        print_text(&d);
}
