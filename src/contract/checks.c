// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "contract/contract_int.h"
#include "contract/project.h"

// What a check may say of itself, in one scalar of several words or in a map.
typedef enum check_words {
    TAKES_SHARE = 1,    // 2%
    TAKES_DURATION = 2, // 90m
    TAKES_OUTSIDE = 4,  // reject, keep
    TAKES_KEY = 8,      // key
} check_words;

typedef struct check_said {
    bool limited, keyed, rejects, good;
    double share;
    int64_t duration_us;
    pl_severity severity;
} check_said;

static const char *const SEVERITIES[] = {"warn", "critical", NULL};
static const char *const OUTSIDES[] = {"keep", "reject", NULL};

// ---- one check ---------------------------------------------------------------------------------
static void read_limit(const pl_reading *reading, const pl_yaml *node, size_t offset, pl_span text,
                       unsigned takes, check_said *said)
{
    if (said->limited) {
        pl_contract__mistake(reading, node, offset, "a check has one limit, not '%.*s' too",
                             PL_FMT(text));
        said->good = false;
    } else if (takes & TAKES_DURATION) {
        said->limited = pl_duration_parse(text, &said->duration_us) && said->duration_us > 0;
        if (!said->limited)
            pl_hint(pl_contract__mistake(reading, node, offset, "'%.*s' is not a duration",
                                         PL_FMT(text)),
                    "Write it as in 90m, 24h or 2d.");
        said->good &= said->limited;
    } else {
        said->limited = pl_contract__share_of(reading, node, offset, text, &said->share);
        said->good &= said->limited;
    }
}

static void unknown_word(const pl_reading *reading, const pl_yaml *node, size_t offset,
                         pl_span word, unsigned takes)
{
    const char *words[8];
    uint32_t count = 0;
    words[count++] = takes & TAKES_DURATION ? "a duration as 90m" : "a share as 2%";
    if (takes & TAKES_KEY) words[count++] = "key";
    if (takes & TAKES_OUTSIDE) words[count++] = OUTSIDES[0], words[count++] = OUTSIDES[1];
    words[count++] = SEVERITIES[0], words[count++] = SEVERITIES[1];
    words[count] = NULL;
    pl_contract__words(
        pl_contract__mistake(reading, node, offset, "unknown word '%.*s' in a check", PL_FMT(word)),
        word, words);
}

static void read_word(const pl_reading *reading, const pl_yaml *node, size_t offset, pl_span word,
                      unsigned takes, check_said *said)
{
    int which = pl_contract__word(word, SEVERITIES);
    if (which >= 0) {
        said->severity = (pl_severity)which;
    } else if ((takes & TAKES_OUTSIDE) && (which = pl_contract__word(word, OUTSIDES)) >= 0) {
        said->rejects = which == 1;
    } else if ((takes & TAKES_KEY) && pl_span_is(word, "key")) {
        said->keyed = true;
    } else if ((word.data[0] >= '0' && word.data[0] <= '9') || word.data[0] == '-' ||
               word.data[0] == '.') {
        read_limit(reading, node, offset, word, takes, said);
    } else {
        unknown_word(reading, node, offset, word, takes);
        said->good = false;
    }
}

// {max: 2%, severity: critical, outside: reject}
static void read_map(const pl_reading *reading, const pl_yaml *node, unsigned takes,
                     check_said *said)
{
    static const char *const keys[] = {"max", "severity", "outside", NULL};
    static const char *const fewer[] = {"max", "severity", NULL};
    pl_contract__check_keys(reading, node, takes & TAKES_OUTSIDE ? keys : fewer);
    for (const pl_yaml *item = node->first; item; item = item->next) {
        int which = pl_contract__word(item->key->text, keys);
        if (which < 0 || !pl_contract__want(reading, item, PL_YAML_SCALAR, keys[which])) {
            said->good = false;
        } else if (which == 0) {
            read_limit(reading, item, 0, item->text, takes, said);
        } else if (which == 1 || takes & TAKES_OUTSIDE) {
            const char *const *words = which == 1 ? SEVERITIES : OUTSIDES;
            int word = pl_contract__word(item->text, words);
            if (word < 0)
                pl_contract__words(pl_contract__mistake(reading, item, 0, "unknown %s '%.*s'",
                                                        keys[which], PL_FMT(item->text)),
                                   item->text, words);
            else if (which == 1)
                said->severity = (pl_severity)word;
            else
                said->rejects = word == 1;
            said->good &= word >= 0;
        } else {
            said->good = false; // an unknown key
        }
    }
}

// *said holds what is so if nothing is said. False after a mistake.
static bool read_check(const pl_reading *reading, const pl_yaml *node, unsigned takes,
                       check_said *said)
{
    said->good = true;
    if (node->kind == PL_YAML_MAP) {
        read_map(reading, node, takes, said);
        return said->good;
    }
    if (!pl_contract__want(reading, node, PL_YAML_SCALAR, "a check")) return false;
    for (size_t at = 0; at < node->text.bytes;) {
        size_t end = at;
        while (end < node->text.bytes && node->text.data[end] != ' ') end++;
        if (end > at)
            read_word(reading, node, at, pl_span_make(node->text.data + at, end - at), takes, said);
        at = end + 1;
    }
    return said->good;
}

static bool no_limit(const pl_reading *reading, const pl_yaml *node, const char *what,
                     const char *hint)
{
    pl_hint(pl_contract__mistake(reading, node, 0, "%s needs a limit", what), "%s", hint);
    return false;
}

// ---- of columns --------------------------------------------------------------------------------
static void read_nulls(pl_contract_reading *self, const pl_yaml *node, pl_contract_column *column)
{
    check_said said = {.severity = column->critical ? PL_SEVERITY_CRITICAL : PL_SEVERITY_WARN};
    if (!read_check(&self->base, node, TAKES_SHARE, &said)) return;
    if (!said.limited && !no_limit(&self->base, node, "a check of nulls", "Write it as in 2%."))
        return;
    column->nulls = (pl_share_check){true, said.share, said.severity};
}

static void read_range(pl_contract_reading *self, const pl_yaml *node, pl_contract_column *column)
{
    check_said said = {.severity = column->range.severity};
    if (!column->range.asked) {
        pl_hint(pl_contract__mistake(&self->base, node->key, 0, "column '%.*s' has no bounds",
                                     PL_FMT(column->field.name)),
                "Give it some in columns:, as in long min(0) or double range(0, 1).");
        return;
    }
    if (!read_check(&self->base, node, TAKES_SHARE | TAKES_OUTSIDE, &said)) return;
    column->range = (pl_share_check){true, said.share, said.severity};
    column->rejects = said.rejects;
}

static void read_columns(pl_contract_reading *self, const pl_yaml *checks, const char *key,
                         void (*read)(pl_contract_reading *, const pl_yaml *, pl_contract_column *))
{
    const pl_yaml *map = pl_contract__want(&self->base, pl_yaml_get(checks, key), PL_YAML_MAP, key);
    for (const pl_yaml *item = map ? map->first : NULL; item; item = item->next) {
        pl_contract_column none = {.range.asked = true};
        int index = pl_contract__find(self, item->key, 0, item->key->text);
        read(self, item, index < 0 ? &none : &self->contract->columns[index]);
    }
}

// ---- of the table ------------------------------------------------------------------------------
static void read_freshness(pl_contract_reading *self, const pl_yaml *node)
{
    check_said said = {.severity = PL_SEVERITY_WARN};
    if (!node || !read_check(&self->base, node, TAKES_DURATION, &said)) return;
    if (!said.limited && !no_limit(&self->base, node, "freshness", "Write it as in 90m.")) return;
    self->contract->checks.freshness_us = said.duration_us;
    self->contract->checks.freshness = said.severity;
}

static void read_unique(pl_contract_reading *self, const pl_yaml *node)
{
    check_said said = {.severity = PL_SEVERITY_WARN};
    if (!node || !read_check(&self->base, node, TAKES_SHARE | TAKES_KEY, &said)) return;
    if (node->kind == PL_YAML_SCALAR && !said.keyed)
        pl_hint(pl_contract__mistake(&self->base, node, 0, "unique says not of what"),
                "Write key, as in 'unique: key' or 'unique: key 0.1%% critical'.");
    else if (!self->contract->key_count)
        pl_contract__mistake(&self->base, node, 0, "unique: the contract has no key");
    else
        self->contract->checks.unique = (pl_share_check){true, said.share, said.severity};
}

static bool read_count(const pl_reading *reading, const pl_yaml *node, int64_t *ret_value)
{
    pl_number number;
    int64_t value;
    if (pl_number_parse(node->text, &number) == PL_NUMBER_OK &&
        pl_number_long(&number, 0, &value) == PL_NUMBER_OK && value >= 0) {
        *ret_value = value;
        return true;
    }
    pl_contract__mistake(reading, node, 0, "'%.*s' is not a number of rows", PL_FMT(node->text));
    return false;
}

// "50%", "3" (three times as much): a part of the usual, above 0.
static void read_change(const pl_reading *reading, const pl_yaml *node, double *ret_change)
{
    pl_span text = node->text;
    bool percent = text.bytes && text.data[text.bytes - 1] == '%';
    pl_number number;
    double value;
    text.bytes -= percent;
    if (pl_number_parse(text, &number) == PL_NUMBER_OK &&
        pl_number_double(&number, percent ? -2 : 0, &value) == PL_NUMBER_OK && value > 0)
        *ret_change = value;
    else
        pl_hint(
            pl_contract__mistake(reading, node, 0, "'%.*s' is not a change", PL_FMT(node->text)),
            "Write 50%% or 0.5.");
}

static void read_rows(pl_contract_reading *self, const pl_yaml *node)
{
    static const char *const keys[] = {"min", "max", "change", "severity", NULL};
    pl_table_checks *checks = &self->contract->checks;
    if (!pl_contract__want(&self->base, node, PL_YAML_MAP, "rows")) return;
    pl_contract__check_keys(&self->base, node, keys);
    for (const pl_yaml *item = node->first; item; item = item->next) {
        int which = pl_contract__word(item->key->text, keys);
        if (which < 0 || !pl_contract__want(&self->base, item, PL_YAML_SCALAR, keys[which]))
            continue;
        int severity = which == 3 ? pl_contract__word(item->text, SEVERITIES) : 0;
        if (which < 2)
            read_count(&self->base, item, which ? &checks->rows_max : &checks->rows_min);
        else if (which == 2)
            read_change(&self->base, item, &checks->rows_change);
        else if (severity >= 0)
            checks->rows = (pl_severity)severity;
        else
            pl_contract__words(pl_contract__mistake(&self->base, item, 0, "unknown severity '%.*s'",
                                                    PL_FMT(item->text)),
                               item->text, SEVERITIES);
    }
    if (checks->rows_max >= 0 && checks->rows_min > checks->rows_max)
        pl_contract__mistake(&self->base, node, 0, "rows: min %lld is above max %lld",
                             (long long)checks->rows_min, (long long)checks->rows_max);
}

void pl_contract__checks(pl_contract_reading *self, const pl_yaml *root)
{
    static const char *const keys[] = {"nulls", "ranges", "unique", "rows", "freshness", NULL};
    pl_contract *contract = self->contract;
    const pl_yaml *checks =
        pl_contract__want(&self->base, pl_yaml_get(root, "checks"), PL_YAML_MAP, "checks");
    contract->checks = (pl_table_checks){.rows_min = -1, .rows_max = -1};
    for (uint32_t i = 0; i < contract->column_count; i++) {
        pl_contract_column *column = &contract->columns[i];
        if (column->has_min || column->has_max)
            column->range = (pl_share_check){
                true, 0, column->critical ? PL_SEVERITY_CRITICAL : PL_SEVERITY_WARN};
    }
    if (!checks) return;
    pl_contract__check_keys(&self->base, checks, keys);
    read_freshness(self, pl_yaml_get(checks, "freshness"));
    read_columns(self, checks, "nulls", read_nulls);
    read_columns(self, checks, "ranges", read_range);
    read_unique(self, pl_yaml_get(checks, "unique"));
    const pl_yaml *rows = pl_yaml_get(checks, "rows");
    if (rows) read_rows(self, rows);
}
