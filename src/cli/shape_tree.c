// shape_tree.c -- one shape, as a tree that fits the terminal, and as JSON.
//
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/time.h"
#include "cli/look.h"
#include "cli/shapes.h"

#define KEYS_SHOWN 20 // of an object with more than twice as many
#define KEY_WIDTH  36

typedef struct tree {
    pl_cli *cli;
    const pl_shape *shape;
    uint32_t *first, *next; // children, in order of appearance; PL_SHAPE_NONE: none
    bool all;
    pl_grid grid;
} tree;

static bool is_instant(int class)
{
    return class >= PL_CLASS_EPOCH_S && class <= PL_CLASS_TIME;
}

// All values are of classes for which `holds`.
static bool all_are(const pl_shape_values *values, bool (*holds)(int class))
{
    for (int c = 0; c < PL_CLASSES; c++)
        if (values->classes[c] && !holds(c)) return false;
    return values->count > 0;
}

static bool is_percent(int class)
{
    return class == PL_CLASS_PERCENT;
}

// Of classes with a unit of their own, numbers of mixed ones make no range.
static bool has_units(const pl_shape_values *values)
{
    return values->classes[PL_CLASS_EPOCH_MS] || values->classes[PL_CLASS_EPOCH_US];
}

static bool is_truth(int class)
{
    return class == PL_CLASS_BOOL;
}

// ---- cells --------------------------------------------------------------------------------------

static const char *percent_text(pl_human out, double share)
{
    double percent = share * 100;
    if (percent > 0 && percent < 0.1)
        snprintf(out, sizeof(pl_human), "<0.1 %%");
    else if (percent < 100 && percent > 99.9)
        snprintf(out, sizeof(pl_human), ">99.9 %%");
    else
        snprintf(out, sizeof(pl_human), percent == trunc(percent) ? "%.0f %%" : "%.1f %%", percent);
    return out;
}

static const char *presence_text(tree *t, uint32_t id, pl_human out)
{
    const pl_shape_path *path = &t->shape->paths[id];
    uint64_t seen = pl_shape_seen(path), chances = pl_shape_chances(t->shape, id);
    if (id == PL_SHAPE_ROOT) return "";
    if (path->step == PL_SHAPE_AROUND) {
        pl_human count;
        snprintf(out, sizeof(pl_human), "%s %s", pl_human_count(count, (int64_t)seen),
                 pl_plural((int64_t)seen, "document", "documents"));
        return out;
    }
    if (path->step == PL_SHAPE_KEY)
        return percent_text(out, chances ? (double)seen / (double)chances : 0);
    uint64_t arrays = t->shape->paths[path->parent].kinds[PL_SHAPE_ARRAY];
    snprintf(out, sizeof(pl_human), "%.1f each", arrays ? (double)seen / (double)arrays : 0);
    return out;
}

static const char *null_text(const pl_shape_path *path, pl_human out)
{
    uint64_t seen = pl_shape_seen(path);
    if (!path->kinds[PL_SHAPE_NULL]) return "";
    return percent_text(out, (double)path->kinds[PL_SHAPE_NULL] / (double)seen);
}

// What the values say, where that is more than their kind; the two most frequent.
static const char *says_text(tree *t, const pl_shape_path *path)
{
    const pl_shape_values *values = path->values;
    int best = -1, second = -1;
    for (int c = 0; values && c < PL_CLASSES; c++) {
        if (!values->classes[c]) continue;
        if (best < 0 || values->classes[c] > values->classes[best])
            second = best, best = c;
        else if (second < 0 || values->classes[c] > values->classes[second])
            second = c;
    }
    bool texts = path->kinds[PL_SHAPE_STRING] > 0;
    if (best < 0) return "";
    if (second < 0 && !texts && (best == PL_CLASS_NUMBER || best == PL_CLASS_BOOL)) return "";
    if (second < 0) return pl_value_class_name((pl_value_class)best);
    return pl_arena_printf(&t->cli->arena, "%s|%s", pl_value_class_name((pl_value_class)best),
                           pl_value_class_name((pl_value_class)second));
}

static void number_text(double value, char *out, size_t bytes)
{
    if (fabs(value) < 1e15 && value == trunc(value))
        snprintf(out, bytes, "%.0f", value);
    else
        snprintf(out, bytes, "%.6g", value);
}

static const char *range_text(tree *t, const pl_shape_values *values)
{
    char low[64], high[64];
    const char *unit = "", *join = " .. ";
    if (!values || all_are(values, is_truth)) return "";
    if (!isnan(values->min) && all_are(values, is_instant)) {
        bool days = values->max - values->min > 86400;
        pl_time_text(llround(values->min * 1e6), low);
        pl_time_text(llround(values->max * 1e6), high);
        if (days) low[10] = high[10] = '\0'; // to the day
    } else if (!isnan(values->min) && !has_units(values)) {
        bool percent = all_are(values, is_percent);
        number_text(values->min * (percent ? 100 : 1), low, sizeof low);
        number_text(values->max * (percent ? 100 : 1), high, sizeof high);
        if (percent) unit = " %";
    } else if (values->text_min <= values->text_max) {
        snprintf(low, sizeof low, "%u", values->text_min);
        snprintf(high, sizeof high, "%u", values->text_max);
        unit = values->text_max == 1 ? " byte" : " bytes";
        join = "-";
    } else {
        return "";
    }
    if (strcmp(low, high) == 0) return pl_arena_printf(&t->cli->arena, "%s%s", low, unit);
    return pl_arena_printf(&t->cli->arena, "%s%s%s%s", low, join, high, unit);
}

static const char *distinct_text(tree *t, const pl_shape_values *values)
{
    pl_human count;
    if (!values) return "";
    double distinct = fmin(pl_distinct_count(&values->distinct), (double)values->count);
    return pl_arena_printf(&t->cli->arena, "%s%s", values->distinct.registers ? "~" : "",
                           pl_human_count(count, llround(distinct)));
}

static const char *samples_text(tree *t, const pl_shape_values *values)
{
    pl_buf text = {0};
    for (uint32_t i = 0; values && i < values->sample_count; i++) {
        pl_span sample = pl_span_of(values->samples[i]);
        bool cut =
            sample.bytes > 1 && sample.data[0] == '"' && sample.data[sample.bytes - 1] != '"';
        if (i) pl_buf_text(&text, "  ");
        pl_buf_span(&text, sample);
        if (cut) pl_buf_text(&text, "...");
    }
    const char *copy = pl_arena_cstr(&t->cli->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

// At most `width` characters of a text, "..." where something is left out.
static void add_cut(pl_grid *grid, pl_span text, int width)
{
    pl_buf safe = {0};
    int used = 0;
    pl_cli_escape(&safe, text);
    size_t at = 0, cut = 0;
    for (; at < safe.count; at++) {
        if (((uint8_t)safe.data[at] & 0xC0) == 0x80) continue;
        if (used == PL_MAX(width - 3, 0)) cut = at;
        if (used++ == width) break;
    }
    bool whole = at == safe.count;
    pl_buf_char(&safe, '\0');
    if (whole)
        pl_grid_printf(grid, "%s", safe.data);
    else
        pl_grid_printf(grid, "%.*s%s", (int)cut, safe.data, width > 3 ? "..." : "");
    pl_buf_done(&safe);
}

// ---- the tree -----------------------------------------------------------------------------------

static void add_line(tree *t, uint32_t id)
{
    const pl_shape_path *path = &t->shape->paths[id];
    pl_buf key = {0};
    pl_human present, nulls;
    for (uint32_t i = 1; i < PL_MIN(path->depth, 12u); i++) pl_buf_text(&key, "  ");
    if (id == PL_SHAPE_ROOT)
        pl_buf_char(&key, '$');
    else if (path->step == PL_SHAPE_ITEMS)
        pl_buf_text(&key, "[*]");
    else if (path->step == PL_SHAPE_AROUND)
        pl_buf_text(&key, "$doc");
    else if (!path->key.bytes)
        pl_buf_text(&key, "\"\"");
    else
        pl_buf_span(&key, path->key);
    add_cut(&t->grid, pl_buf_view(&key), KEY_WIDTH);
    pl_buf_done(&key);
    pl_grid_text(&t->grid, presence_text(t, id, present));
    pl_grid_text(&t->grid, pl_shapes_kinds(t->cli, path));
    pl_grid_text(&t->grid, null_text(path, nulls));
    pl_grid_text(&t->grid, says_text(t, path));
    pl_grid_text(&t->grid, range_text(t, path->values));
    pl_grid_text(&t->grid, distinct_text(t, path->values));
    pl_grid_text(&t->grid, samples_text(t, path->values));
}

static void add_more(tree *t, uint32_t id, uint64_t keys)
{
    const pl_shape_path *path = &t->shape->paths[id];
    pl_human count;
    pl_grid_printf(&t->grid, "%*s... %s more %s", (int)PL_MIN(path->depth, 12u) * 2, "",
                   pl_human_count(count, (int64_t)keys), pl_plural((int64_t)keys, "key", "keys"));
    for (int i = 1; i < t->grid.columns; i++) pl_grid_text(&t->grid, "");
}

static void add_tree(tree *t, uint32_t id)
{
    const pl_shape_path *path = &t->shape->paths[id];
    bool few = t->all || path->children <= 2 * KEYS_SHOWN;
    uint32_t shown = 0;
    add_line(t, id);
    for (uint32_t child = t->first[id]; child != PL_SHAPE_NONE; child = t->next[child])
        if (few || shown < KEYS_SHOWN || t->shape->paths[child].step != PL_SHAPE_KEY) {
            shown += t->shape->paths[child].step == PL_SHAPE_KEY;
            add_tree(t, child);
        }
    if (path->children > shown) add_more(t, id, path->children - shown);
}

static void link_children(tree *t)
{
    uint32_t count = t->shape->count, *last = PL_TAKE(&t->cli->arena, uint32_t, count);
    t->first = PL_TAKE(&t->cli->arena, uint32_t, count);
    t->next = PL_TAKE(&t->cli->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) t->first[i] = t->next[i] = PL_SHAPE_NONE;
    for (uint32_t i = 1; i < count; i++) {
        uint32_t parent = t->shape->paths[i].parent;
        *(t->first[parent] == PL_SHAPE_NONE ? &t->first[parent] : &t->next[last[parent]]) = i;
        last[parent] = i;
    }
}

void pl_shapes_tree(pl_cli *cli, const pl_shape *shape, bool all)
{
    tree t = {.cli = cli, .shape = shape, .all = all};
    pl_human count;
    link_children(&t);
    t.grid = pl_grid_make("path|there>|kind|null>|says|range|different>|such as");
    pl_cli_print(cli, "%s %s\n\n", pl_human_count(count, (int64_t)shape->records),
                 pl_plural((int64_t)shape->records, "record", "records"));
    add_tree(&t, PL_SHAPE_ROOT);
    size_t start = cli->out.count;
    pl_grid_print(cli, &t.grid);
    pl_cli_fit(cli, start, pl_shapes_width());
}

// ---- JSON ---------------------------------------------------------------------------------------

static void write_double(pl_json_writer *json, const char *key, double value)
{
    pl_json_key(json, key);
    pl_json_double(json, value);
}

static void values_json(pl_json_writer *json, const pl_shape_values *values)
{
    static const double ranks[] = {0, 0.01, 0.25, 0.5, 0.75, 0.99, 1};
    pl_json_key(json, "classes");
    pl_json_begin(json, '{');
    for (int c = 0; c < PL_CLASSES; c++)
        if (values->classes[c])
            pl_look_int(json, pl_value_class_name((pl_value_class)c), (int64_t)values->classes[c]);
    pl_json_end(json, '}');
    if (!isnan(values->min)) {
        write_double(json, "min", values->min);
        write_double(json, "max", values->max);
        pl_json_key(json, "quantiles");
        pl_json_begin(json, '{');
        for (size_t i = 0; i < PL_COUNT(ranks); i++) {
            char name[16];
            snprintf(name, sizeof name, "%g", ranks[i]);
            write_double(json, name, pl_quantiles_at(&values->quantiles, ranks[i]));
        }
        pl_json_end(json, '}');
    }
    if (values->text_min <= values->text_max) {
        pl_look_int(json, "text_min", values->text_min);
        pl_look_int(json, "text_max", values->text_max);
    }
    pl_look_int(json, "fractions", (int64_t)values->fractions);
    write_double(json, "distinct", pl_distinct_count(&values->distinct));
    pl_json_key(json, "distinct_exact");
    pl_json_bool(json, !values->distinct.registers);
}

void pl_shapes_json(pl_json_writer *json, pl_cli *cli, const pl_shape *shape)
{
    pl_look_int(json, "records", (int64_t)shape->records);
    pl_look_int(json, "sampled", (int64_t)shape->sampled);
    pl_json_key(json, "paths");
    pl_json_begin(json, '[');
    for (uint32_t i = 0; i < shape->count; i++) {
        const pl_shape_path *path = &shape->paths[i];
        pl_json_begin(json, '{');
        pl_look_text(json, "path", pl_shapes_path(cli, shape, i));
        pl_look_int(json, "seen", (int64_t)pl_shape_seen(path));
        pl_look_int(json, "chances", (int64_t)pl_shape_chances(shape, i));
        pl_json_key(json, "kinds");
        pl_shapes_kinds_json(json, path);
        if (path->overflow) pl_look_int(json, "overflow", (int64_t)path->overflow);
        if (path->values) values_json(json, path->values);
        pl_json_key(json, "samples");
        pl_shapes_samples_json(json, path);
        pl_json_end(json, '}');
    }
    pl_json_end(json, ']');
}
