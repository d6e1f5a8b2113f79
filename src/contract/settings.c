// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "base/time.h"
#include "contract/mapping_int.h"
#include "contract/project.h"

typedef struct unit {
    const char *name;
    int64_t scale;
} unit;

static const unit SIZES[] = {
    {"", 1},           {"B", 1},           {"k", 1000},          {"K", 1000},
    {"kB", 1000},      {"KB", 1000},       {"M", 1000000},       {"MB", 1000000},
    {"G", 1000000000}, {"GB", 1000000000}, {"T", 1000000000000}, {"TB", 1000000000000},
    {"KiB", 1 << 10},  {"MiB", 1 << 20},   {"GiB", 1 << 30},     {"TiB", INT64_C(1) << 40},
};

static const unit DURATIONS[] = {
    {"us", 1},
    {"ms", 1000},
    {"s", PL_MICROS_PER_SECOND},
    {"m", 60 * PL_MICROS_PER_SECOND},
    {"h", PL_MICROS_PER_HOUR},
    {"d", PL_MICROS_PER_DAY},
    {"w", 7 * PL_MICROS_PER_DAY},
};

// "1.5GiB" at *at: one number and its unit, exact. Moves *at.
static bool take_quantity(pl_span text, size_t *at, const unit *units, size_t count,
                          int64_t *ret_value)
{
    size_t from = *at, i = from;
    if (i == text.bytes) return false;
    while (i < text.bytes && ((text.data[i] >= '0' && text.data[i] <= '9') || text.data[i] == '.'))
        i++;
    pl_span digits = pl_span_make(text.data + from, i - from);
    size_t word = i;
    while (i < text.bytes && ((text.data[i] >= 'a' && text.data[i] <= 'z') ||
                              (text.data[i] >= 'A' && text.data[i] <= 'Z')))
        i++;
    pl_span name = pl_span_make(text.data + word, i - word);
    const unit *found = NULL;
    for (size_t u = 0; u < count; u++)
        if (pl_span_is(name, units[u].name)) found = &units[u];
    pl_number number;
    pl_i128 micro; // the number in millionths
    if (!found || pl_number_parse(digits, &number) != PL_NUMBER_OK ||
        pl_number_decimal(&number, 0, 24, 6, &micro) != PL_NUMBER_OK)
        return false;
    pl_i128 limit = (pl_i128)INT64_MAX * 1000000 / found->scale;
    if (micro > limit || micro * found->scale % 1000000 != 0) return false;
    *ret_value = (int64_t)(micro * found->scale / 1000000);
    *at = i;
    return true;
}

bool pl_size_parse(pl_span text, uint64_t *ret_bytes)
{
    size_t at = 0;
    int64_t value;
    if (!take_quantity(text, &at, SIZES, PL_COUNT(SIZES), &value) || at != text.bytes) return false;
    *ret_bytes = (uint64_t)value;
    return true;
}

bool pl_duration_parse(pl_span text, int64_t *ret_us)
{
    size_t at = 0;
    int64_t sum = 0, value;
    do {
        if (!take_quantity(text, &at, DURATIONS, PL_COUNT(DURATIONS), &value)) return false;
        if (__builtin_add_overflow(sum, value, &sum)) return false;
    } while (at < text.bytes);
    *ret_us = sum;
    return true;
}

// The scalar under `key`, or NULL.
static const pl_yaml *scalar(const pl_reading *reading, const pl_yaml *map, const char *key)
{
    return pl_contract__want(reading, pl_yaml_get(map, key), PL_YAML_SCALAR, key);
}

static void read_size(const pl_reading *reading, const pl_yaml *map, const char *key,
                      uint64_t bytes_min, uint64_t *ret_bytes)
{
    const pl_yaml *node = scalar(reading, map, key);
    uint64_t bytes;
    if (!node) return;
    if (!pl_size_parse(node->text, &bytes))
        pl_hint(pl_contract__mistake(reading, node, 0, "%s '%.*s' is not a size", key,
                                     PL_FMT(node->text)),
                "Write it as in 512MiB or 10GB.");
    else if (bytes < bytes_min)
        pl_contract__mistake(reading, node, 0, "%s '%.*s' is below the least, %lluMiB", key,
                             PL_FMT(node->text), (unsigned long long)(bytes_min >> 20));
    else
        *ret_bytes = bytes;
}

static void read_count(const pl_reading *reading, const pl_yaml *map, const char *key, int64_t max,
                       uint32_t *ret_count)
{
    const pl_yaml *node = scalar(reading, map, key);
    pl_number number;
    int64_t value;
    if (!node) return;
    if (pl_number_parse(node->text, &number) != PL_NUMBER_OK ||
        pl_number_long(&number, 0, &value) != PL_NUMBER_OK || value < 0 || value > max)
        pl_contract__mistake(reading, node, 0, "%s '%.*s' is not a number from 0 to %lld", key,
                             PL_FMT(node->text), (long long)max);
    else
        *ret_count = (uint32_t)value;
}

// The map under `key` with its keys checked, or NULL.
static const pl_yaml *section(const pl_reading *reading, const pl_yaml *root, const char *key,
                              const char *const *keys)
{
    const pl_yaml *node = pl_contract__want(reading, pl_yaml_get(root, key), PL_YAML_MAP, key);
    if (node) pl_contract__check_keys(reading, node, keys);
    return node;
}

static void read_query(const pl_reading *reading, const pl_yaml *root, pl_settings *settings)
{
    static const char *const keys[] = {"memory", "timeout", NULL};
    const pl_yaml *query = section(reading, root, "query", keys);
    read_size(reading, query, "memory", 64u << 20, &settings->query_memory_bytes);
    const pl_yaml *timeout = scalar(reading, query, "timeout");
    if (timeout && (!pl_duration_parse(timeout->text, &settings->query_timeout_us) ||
                    settings->query_timeout_us <= 0))
        pl_hint(pl_contract__mistake(reading, timeout, 0, "timeout '%.*s' is not a duration",
                                     PL_FMT(timeout->text)),
                "Write it as in 60s or 5m.");
}

static void read_guard(const pl_reading *reading, const pl_yaml *root, pl_settings *settings)
{
    static const char *const keys[] = {"price_per_tb", "max_bytes", NULL};
    const pl_yaml *guard = section(reading, root, "guard", keys);
    if (!guard) return;
    settings->has_guard = true;
    read_size(reading, guard, "max_bytes", 0, &settings->guard_bytes_max);
    const pl_yaml *price = scalar(reading, guard, "price_per_tb");
    pl_number number;
    if (price && (pl_number_parse(price->text, &number) != PL_NUMBER_OK || number.negative ||
                  pl_number_double(&number, 0, &settings->guard_price_per_tb) != PL_NUMBER_OK))
        pl_contract__mistake(reading, price, 0, "price_per_tb '%.*s' is not a price",
                             PL_FMT(price->text));
    pl_contract__warn(reading, guard, "guard is not applied by this version");
}

static void read_place(const pl_reading *reading, const pl_yaml *root, const char *key,
                       pl_span *ret_place)
{
    const pl_yaml *node = scalar(reading, root, key);
    if (!node) return;
    if (node->text.bytes == 0)
        pl_contract__mistake(reading, node, 0, "%s is empty", key);
    else if (memmem(node->text.data, node->text.bytes, "://", 3))
        pl_contract__mistake(reading, node, 0,
                             "%s '%.*s': only local paths are supported by this version", key,
                             PL_FMT(node->text));
    *ret_place = node->text;
}

bool pl_settings_parse(const char *file, pl_span text, pl_arena *arena, pl_settings *ret_settings,
                       pl_problems *problems, pl_problems *warnings)
{
    static const char *const keys[] = {"lake",  "state",  "threads", "memory", "query",
                                       "guard", "policy", "raw",     "drift",  NULL};
    static const char *const raw_keys[] = {"level", NULL};
    pl_reading reading = {file, arena, problems, warnings};
    uint32_t before = problems->count + problems->dropped;
    pl_settings settings = {
        .lake = PL_SPAN("./lake"),
        .state = PL_SPAN(""),
        .memory_bytes = UINT64_C(512) << 20,
        .query_memory_bytes = UINT64_C(1) << 30,
        .query_timeout_us = 60 * PL_MICROS_PER_SECOND,
        .raw_level = 1,
    };
    const pl_yaml *root = pl_yaml_compose(file, text, arena, problems);
    if (root) root = pl_contract__want(&reading, root, PL_YAML_MAP, "plumb.yaml");
    if (root) {
        pl_contract__check_keys(&reading, root, keys);
        read_place(&reading, root, "lake", &settings.lake);
        read_place(&reading, root, "state", &settings.state);
        read_count(&reading, root, "threads", 1024, &settings.threads);
        read_size(&reading, root, "memory", UINT64_C(128) << 20, &settings.memory_bytes);
        read_query(&reading, root, &settings);
        read_guard(&reading, root, &settings);
        pl_contract__drift(&reading, root, &settings.drift, NULL);
        read_count(&reading, section(&reading, root, "raw", raw_keys), "level", 3,
                   &settings.raw_level);
    }
    if (problems->count + problems->dropped != before) return false;
    *ret_settings = settings;
    return true;
}
