// lint_metrics.c -- the rules of a data file's column metrics: counts, bounds, and the partition.
//
// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "iceberg/lint_int.h"
#include "json/text.h"

typedef enum metric { SIZES, VALUES, NULLS, NANS, LOWER, UPPER, METRICS } metric;

static const struct {
    const char *name;
    int32_t id, key_id;
} maps[METRICS] = {
    [SIZES] = {"column_sizes", 108, 117},      [VALUES] = {"value_counts", 109, 119},
    [NULLS] = {"null_value_counts", 110, 121}, [NANS] = {"nan_value_counts", 137, 138},
    [LOWER] = {"lower_bounds", 125, 126},      [UPPER] = {"upper_bounds", 128, 129},
};

typedef struct metrics {
    lint *l;
    const char *place;
    pl_span path;
    int64_t rows, bytes;
    const pl_avro_value *maps[METRICS]; // arrays, or NULL
} metrics;

static bool item_of(const metrics *m, metric which, uint32_t i, int64_t *ret_id,
                    const pl_avro_value **ret_value)
{
    const pl_avro_value *item = &m->maps[which]->items[i];
    *ret_value = pl_avro_field_of(item, maps[which].key_id + 1, "value");
    return pl_avro_long(pl_avro_field_of(item, maps[which].key_id, "key"), ret_id);
}

static const pl_avro_value *metric_of(const metrics *m, metric which, int64_t id)
{
    int64_t found;
    const pl_avro_value *value;
    for (uint32_t i = 0; m->maps[which] && i < m->maps[which]->count; i++)
        if (item_of(m, which, i, &found, &value) && found == id) return value;
    return NULL;
}

static bool count_of(const metrics *m, metric which, int64_t id, int64_t *ret)
{
    return pl_avro_long(metric_of(m, which, id), ret);
}

// Keys are columns of the table, once each; numbers are not negative.
static void lint_keys(const metrics *m, metric which)
{
    int64_t id = 0, other, number, sum = 0;
    const pl_avro_value *value, *unused;
    for (uint32_t i = 0; m->maps[which] && i < m->maps[which]->count; i++) {
        bool twice = false;
        if (!item_of(m, which, i, &id, &value) || id < 0 || id > INT32_MAX ||
            !pl_iceberg__column(m->l, (int32_t)id)) {
            pl_iceberg__say(m->l, "metric-column", m->place,
                            "'%.*s': '%s' name the column id %lld, which is in no schema",
                            PL_FMT(m->path), maps[which].name, (long long)id);
            continue;
        }
        for (uint32_t k = 0; k < i && !twice; k++)
            twice = item_of(m, which, k, &other, &unused) && other == id;
        if (twice)
            pl_iceberg__say(m->l, "metric-once", m->place,
                            "'%.*s': '%s' have the column id %lld twice", PL_FMT(m->path),
                            maps[which].name, (long long)id);
        if (which >= LOWER) continue;
        if (!pl_avro_long(value, &number) || number < 0)
            pl_iceberg__say(m->l, "metric-negative", m->place,
                            "'%.*s': '%s' of column id %lld is no count", PL_FMT(m->path),
                            maps[which].name, (long long)id);
        else if (which == SIZES && __builtin_add_overflow(sum, number, &sum))
            sum = INT64_MAX;
    }
    if (sum > m->bytes)
        pl_iceberg__say(m->l, "column-sizes", m->place,
                        "'%.*s': its columns have %lld bytes, and it has %lld", PL_FMT(m->path),
                        (long long)sum, (long long)m->bytes);
}

static void lint_counts(const metrics *m, const lint_column *c)
{
    int64_t values = 0, nulls = 0, nans = 0;
    bool has_values = count_of(m, VALUES, c->id, &values);
    bool has_nulls = count_of(m, NULLS, c->id, &nulls);
    if (has_values && c->top && c->scalar && values != m->rows)
        pl_iceberg__say(m->l, "value-count", m->place,
                        "'%.*s': column '%.*s' has %lld values, and the file %lld rows",
                        PL_FMT(m->path), PL_FMT(c->name), (long long)values, (long long)m->rows);
    if (has_values && !has_nulls && c->scalar && !c->repeated)
        pl_iceberg__say(m->l, "null-count-missing", m->place,
                        "'%.*s': column '%.*s' has a count of values and none of nulls",
                        PL_FMT(m->path), PL_FMT(c->name));
    if (has_values && has_nulls && nulls > values)
        pl_iceberg__say(m->l, "null-count", m->place,
                        "'%.*s': column '%.*s' has %lld nulls among %lld values", PL_FMT(m->path),
                        PL_FMT(c->name), (long long)nulls, (long long)values);
    const lint_schema *schema = pl_iceberg__schema(m->l, m->l->current_schema_id);
    bool current = schema && c >= schema->columns && c < schema->columns + schema->count;
    if (current && c->top && c->required && has_nulls && nulls > 0)
        pl_iceberg__say(m->l, "null-in-required", m->place,
                        "'%.*s': column '%.*s' is required and has %lld nulls", PL_FMT(m->path),
                        PL_FMT(c->name), (long long)nulls);
    if (!count_of(m, NANS, c->id, &nans)) return;
    bool floating = c->type.kind == PL_FLOAT || c->type.kind == PL_DOUBLE;
    if (!c->scalar || !floating)
        pl_iceberg__say(m->l, "nan-count", m->place,
                        "'%.*s': column '%.*s' has a NaN count and is no float", PL_FMT(m->path),
                        PL_FMT(c->name));
    else if (has_values && has_nulls && nans > values - nulls)
        pl_iceberg__say(m->l, "nan-count", m->place,
                        "'%.*s': column '%.*s' has %lld NaN among %lld values that are not null",
                        PL_FMT(m->path), PL_FMT(c->name), (long long)nans,
                        (long long)(values - nulls));
}

static bool is_nan(const pl_value *v)
{
    return (v->kind == PL_FLOAT && isnan(v->f32)) || (v->kind == PL_DOUBLE && isnan(v->f64));
}

// One bound, decoded; false when there is none, or none that can be used.
static bool read_bound(const metrics *m, const lint_column *c, metric which, pl_value *ret)
{
    pl_span bytes;
    const char *name = which == LOWER ? "lower" : "upper";
    const pl_avro_value *value = metric_of(m, which, c->id);
    if (!value) return false;
    if (!pl_avro_bytes(value, &bytes) || !pl_iceberg__bound(bytes, c, ret)) {
        pl_iceberg__say(m->l, "bound-bytes", m->place,
                        "'%.*s': the %s bound of column '%.*s' is no %.*s", PL_FMT(m->path), name,
                        PL_FMT(c->name), PL_FMT(c->word));
        return false;
    }
    if (is_nan(ret)) {
        pl_iceberg__say(m->l, "bound-nan", m->place, "'%.*s': the %s bound of column '%.*s' is NaN",
                        PL_FMT(m->path), name, PL_FMT(c->name));
        return false;
    }
    if (c->text && pl_utf8_check(bytes) != SIZE_MAX) {
        pl_iceberg__say(m->l, "bound-utf8", m->place,
                        "'%.*s': the %s bound of column '%.*s' is not UTF-8", PL_FMT(m->path), name,
                        PL_FMT(c->name));
        return false;
    }
    return true;
}

// The column in the schema that has the widest type for it: after a rollback the current one may be
// older than files that only other snapshots have.
static const lint_column *widest(const lint *l, const lint_column *c)
{
    for (uint32_t i = 0; i < l->schema_count; i++)
        for (uint32_t k = 0; k < l->schemas[i].count; k++) {
            const lint_column *other = &l->schemas[i].columns[k];
            if (other->id == c->id && other->scalar && c->scalar &&
                pl_type_promotes(&c->type, &other->type))
                c = other;
        }
    return c;
}

static void lint_bounds(const metrics *m, const lint_column *c)
{
    int64_t values, nulls;
    pl_value lower, upper;
    bool any = metric_of(m, LOWER, c->id) || metric_of(m, UPPER, c->id);
    if (!any) return;
    if (!c->scalar) {
        pl_iceberg__say(m->l, "bound-nested", m->place,
                        "'%.*s': column '%.*s' has bounds and is a struct, list or map",
                        PL_FMT(m->path), PL_FMT(c->name));
        return;
    }
    bool has_lower = read_bound(m, c, LOWER, &lower), has_upper = read_bound(m, c, UPPER, &upper);
    if (has_lower && has_upper && pl_value_compare(&lower, &upper) > 0)
        pl_iceberg__say(m->l, "bound-order", m->place,
                        "'%.*s': the lower bound of column '%.*s' is above its upper bound",
                        PL_FMT(m->path), PL_FMT(c->name));
    if (count_of(m, VALUES, c->id, &values) && count_of(m, NULLS, c->id, &nulls) && values == nulls)
        pl_iceberg__say(m->l, "bound-of-nulls", m->place,
                        "'%.*s': column '%.*s' has bounds and only nulls", PL_FMT(m->path),
                        PL_FMT(c->name));
}

// All rows have the partition's value, so bounds of its source lead to that very value.
static bool agrees(const metrics *m, const lint_part *part, const pl_value *value)
{
    const lint_column *c = part->source;
    pl_transform_kind kind = part->transform.kind;
    pl_value lower, upper;
    pl_span low, high;
    bool numeric = c->type.kind != PL_STRING;
    if (kind == PL_VOID || kind == PL_BUCKET || (kind == PL_TRUNCATE && !numeric)) return true;
    if (!pl_avro_bytes(metric_of(m, LOWER, c->id), &low) ||
        !pl_avro_bytes(metric_of(m, UPPER, c->id), &high) || !pl_iceberg__bound(low, c, &lower) ||
        !pl_iceberg__bound(high, c, &upper))
        return true;
    if (value->is_null) return false; // bounds are of values
    pl_value first = pl_transform_apply(&part->transform, &c->type, &lower);
    pl_value last = pl_transform_apply(&part->transform, &c->type, &upper);
    if (first.is_null || last.is_null || is_nan(value)) return true;
    return pl_value_compare(&first, value) <= 0 && pl_value_compare(&last, value) >= 0 &&
           (!numeric || (pl_value_equal(&first, value) && pl_value_equal(&last, value)));
}

void pl_iceberg__lint_metrics(lint *l, const char *place, const pl_avro_value *file,
                              const lint_spec *spec, const pl_value *partition)
{
    metrics m = {.l = l, .place = place};
    const lint_schema *schema = pl_iceberg__schema(l, l->current_schema_id);
    pl_avro_bytes(pl_avro_field_of(file, 100, "file_path"), &m.path);
    if (!pl_avro_long(pl_avro_field_of(file, 103, "record_count"), &m.rows) ||
        !pl_avro_long(pl_avro_field_of(file, 104, "file_size_in_bytes"), &m.bytes))
        return;
    for (metric which = SIZES; which < METRICS; which++) {
        const pl_avro_value *map = pl_avro_field_of(file, maps[which].id, maps[which].name);
        if (map && map->type->kind == PL_AVRO_ARRAY) m.maps[which] = map;
        lint_keys(&m, which);
    }
    for (uint32_t i = 0; schema && i < schema->count; i++) {
        lint_counts(&m, &schema->columns[i]);
        lint_bounds(&m, widest(l, &schema->columns[i]));
    }
    for (uint32_t i = 0; partition && i < spec->count; i++)
        if (!agrees(&m, &spec->parts[i], &partition[i]))
            pl_iceberg__say(l, "partition-bounds", place,
                            "'%.*s': its partition '%.*s' is not that of the values within",
                            PL_FMT(m.path), PL_FMT(spec->parts[i].name));
}
