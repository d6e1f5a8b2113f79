// SPDX-License-Identifier: Apache-2.0
#include "contract/drift.h"

#include <stddef.h>

#include "base/number.h"
#include "base/time.h"
#include "contract/mapping_int.h"
#include "contract/project.h"

typedef enum key_kind {
    KEY_POLICY,
    KEY_DURATION,
    KEY_COUNT,
    KEY_SHARE,
    KEY_SIZE,
    KEY_ADDED,
    KEY_FLAG
} key_kind;

// Where a key may stand: every place takes those of the narrower ones.
typedef enum key_place { IN_COLUMN, IN_SOURCE, IN_PROJECT } key_place;

static const struct {
    const char *name;
    size_t offset;
    key_kind kind;
    key_place place;
} KEYS[] = {
    {"policy", offsetof(pl_drift_policy, strict), KEY_POLICY, IN_COLUMN},
    {"retyped_share", offsetof(pl_drift_policy, retyped_share), KEY_SHARE, IN_COLUMN},
    {"lost_share", offsetof(pl_drift_policy, lost_share), KEY_SHARE, IN_COLUMN},
    {"conflict_share", offsetof(pl_drift_policy, conflict_share), KEY_SHARE, IN_COLUMN},
    {"lost_share_critical", offsetof(pl_drift_policy, lost_share_critical), KEY_SHARE, IN_SOURCE},
    {"limit", offsetof(pl_drift_policy, limit_us), KEY_DURATION, IN_SOURCE},
    {"added", offsetof(pl_drift_policy, added), KEY_ADDED, IN_SOURCE},
    {"added_per_day", offsetof(pl_drift_policy, added_per_day), KEY_COUNT, IN_SOURCE},
    {"removed_after", offsetof(pl_drift_policy, removed_after_us), KEY_DURATION, IN_SOURCE},
    {"auto_promote", offsetof(pl_drift_policy, auto_promote), KEY_FLAG, IN_SOURCE},
    {"auto_replay", offsetof(pl_drift_policy, auto_replay_bytes), KEY_SIZE, IN_PROJECT},
};

pl_drift_policy pl_drift_policy_default(void)
{
    return (pl_drift_policy){
        .limit_us = 90 * 60 * PL_MICROS_PER_SECOND,
        .added_per_day = 20,
        .removed_after_us = PL_MICROS_PER_HOUR,
        .retyped_share = 0.01,
        .lost_share = 0.05,
        .lost_share_critical = 0.005,
        .conflict_share = 0.001,
        .auto_replay_bytes = UINT64_C(1) << 30,
    };
}

static size_t bytes_of(key_kind kind)
{
    switch (kind) {
    case KEY_POLICY:
    case KEY_FLAG:
        return sizeof(bool);
    case KEY_COUNT:
        return sizeof(uint32_t);
    case KEY_ADDED:
        return sizeof(pl_added_action);
    case KEY_DURATION:
    case KEY_SHARE:
    case KEY_SIZE:
        break;
    }
    return 8;
}

void pl_drift_policy_apply(pl_drift_policy *policy, const pl_drift_given *given)
{
    for (size_t i = 0; i < PL_COUNT(KEYS); i++)
        if (given->given & 1u << i)
            memcpy((char *)policy + KEYS[i].offset, (const char *)&given->values + KEYS[i].offset,
                   bytes_of(KEYS[i].kind));
}

// Which of the words it is; -1, and a mistake, if none.
static int read_word(const pl_reading *reading, const pl_yaml *node, const char *key,
                     const char *const *words)
{
    int which = pl_contract__word(node->text, words);
    if (which < 0)
        pl_contract__words(
            pl_contract__mistake(reading, node, 0, "unknown %s '%.*s'", key, PL_FMT(node->text)),
            node->text, words);
    return which;
}

static bool read_strict(const pl_reading *reading, const pl_yaml *node, bool *ret_strict)
{
    static const char *const policies[] = {"guarded", "strict", NULL};
    int which = read_word(reading, node, "policy", policies);
    *ret_strict = which == 1;
    return which >= 0;
}

static bool read_added(const pl_reading *reading, const pl_yaml *node, pl_added_action *ret_action)
{
    static const char *const actions[] = {"auto", "hold", "ignore", NULL};
    int which = read_word(reading, node, "added", actions);
    if (which >= 0) *ret_action = (pl_added_action)which;
    return which >= 0;
}

static bool read_flag(const pl_reading *reading, const pl_yaml *node, const char *key,
                      bool *ret_flag)
{
    *ret_flag = pl_span_is(node->text, "true");
    if (*ret_flag || pl_span_is(node->text, "false")) return true;
    pl_contract__mistake(reading, node, 0, "%s '%.*s' is neither true nor false", key,
                         PL_FMT(node->text));
    return false;
}

static bool read_count(const pl_reading *reading, const pl_yaml *node, const char *key,
                       uint32_t *ret_count)
{
    pl_number number;
    int64_t value;
    if (pl_number_parse(node->text, &number) != PL_NUMBER_OK ||
        pl_number_long(&number, 0, &value) != PL_NUMBER_OK || value < 0 || value > PL_COLUMNS_MAX) {
        pl_contract__mistake(reading, node, 0, "%s '%.*s' is not a number from 0 to %d", key,
                             PL_FMT(node->text), PL_COLUMNS_MAX);
        return false;
    }
    *ret_count = (uint32_t)value;
    return true;
}

static bool read_duration(const pl_reading *reading, const pl_yaml *node, const char *key,
                          int64_t *ret_us)
{
    if (pl_duration_parse(node->text, ret_us)) return true;
    pl_hint(pl_contract__mistake(reading, node, 0, "%s '%.*s' is not a duration", key,
                                 PL_FMT(node->text)),
            "Write it as in 90m, 24h or 2d.");
    return false;
}

static bool read_size(const pl_reading *reading, const pl_yaml *node, const char *key,
                      uint64_t *ret_bytes)
{
    if (pl_size_parse(node->text, ret_bytes)) return true;
    pl_hint(
        pl_contract__mistake(reading, node, 0, "%s '%.*s' is not a size", key, PL_FMT(node->text)),
        "Write it as in 512MiB or 10GB.");
    return false;
}

static void read_key(const pl_reading *reading, const pl_yaml *map, size_t key,
                     pl_drift_given *given)
{
    const char *name = KEYS[key].name;
    const pl_yaml *node = pl_contract__want(reading, pl_yaml_get(map, name), PL_YAML_SCALAR, name);
    void *value = (char *)&given->values + KEYS[key].offset;
    bool good = false;
    if (!node) return;
    switch (KEYS[key].kind) {
    case KEY_POLICY:
        good = read_strict(reading, node, value);
        break;
    case KEY_FLAG:
        good = read_flag(reading, node, name, value);
        break;
    case KEY_DURATION:
        good = read_duration(reading, node, name, value);
        break;
    case KEY_COUNT:
        good = read_count(reading, node, name, value);
        break;
    case KEY_SHARE:
        good = pl_contract__share(reading, node, value);
        break;
    case KEY_ADDED:
        good = read_added(reading, node, value);
        break;
    case KEY_SIZE:
        good = read_size(reading, node, name, value);
        break;
    }
    if (good) given->given |= 1u << key;
}

// The keys of one place; `policy` stands beside `drift`, and in it only for a column.
static void read_keys(const pl_reading *reading, const pl_yaml *map, key_place place,
                      pl_drift_given *given)
{
    const char *names[PL_COUNT(KEYS) + 2];
    size_t count = 0;
    for (size_t i = 0; i < PL_COUNT(KEYS); i++) {
        if (place < KEYS[i].place) continue;
        if (KEYS[i].kind == KEY_POLICY && place != IN_COLUMN) continue;
        names[count++] = KEYS[i].name;
        read_key(reading, map, i, given);
    }
    if (place == IN_SOURCE) names[count++] = "columns";
    names[count] = NULL;
    pl_contract__check_keys(reading, map, names);
}

static void read_columns(const pl_reading *reading, const pl_yaml *drift, pl_mapping *mapping)
{
    const pl_yaml *columns = pl_yaml_get(drift, "columns");
    if (!columns || !pl_contract__want(reading, columns, PL_YAML_MAP, "columns")) return;
    mapping->drift_columns = PL_TAKE(reading->arena, pl_drift_column, columns->count);
    for (const pl_yaml *node = columns->first; node; node = node->next) {
        pl_drift_column column = {0};
        int index = mapping->contract ? pl_contract_find(mapping->contract, node->key->text) : 0;
        if (index < 0) pl_contract__no_column(reading, node->key, mapping->contract);
        if (pl_contract__want(reading, node, PL_YAML_MAP, "a column's drift"))
            read_keys(reading, node, IN_COLUMN, &column.given);
        if (index < 0) continue;
        column.column = (uint32_t)index;
        mapping->drift_columns[mapping->drift_column_count++] = column;
    }
}

void pl_contract__drift(const pl_reading *reading, const pl_yaml *root, pl_drift_given *ret_given,
                        pl_mapping *mapping)
{
    *ret_given = (pl_drift_given){0};
    read_key(reading, root, 0, ret_given);
    const pl_yaml *drift =
        pl_contract__want(reading, pl_yaml_get(root, "drift"), PL_YAML_MAP, "drift");
    if (!drift) return;
    read_keys(reading, drift, mapping ? IN_SOURCE : IN_PROJECT, ret_given);
    if (mapping) read_columns(reading, drift, mapping);
}

pl_drift_policy pl_project_drift(const pl_project *project, const pl_mapping *mapping)
{
    pl_drift_policy policy = pl_drift_policy_default();
    pl_drift_policy_apply(&policy, &project->settings.drift);
    pl_drift_policy_apply(&policy, &mapping->drift);
    return policy;
}

pl_drift_policy pl_project_drift_column(const pl_project *project, const pl_mapping *mapping,
                                        uint32_t column)
{
    pl_drift_policy policy = pl_project_drift(project, mapping);
    if (mapping->contract->columns[column].critical) policy.lost_share = policy.lost_share_critical;
    for (uint32_t i = 0; i < mapping->drift_column_count; i++)
        if (mapping->drift_columns[i].column == column)
            pl_drift_policy_apply(&policy, &mapping->drift_columns[i].given);
    return policy;
}
