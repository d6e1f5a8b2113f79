// SPDX-License-Identifier: Apache-2.0
#include "records.h"

#include <stdio.h>
#include <stdlib.h>

#include "casefile.h"

static uint64_t number_at(pl_span line, size_t *at)
{
    uint64_t number = 0;
    for (; *at < line.bytes && line.data[*at] >= '0' && line.data[*at] <= '9'; ++*at)
        number = number * 10 + (uint64_t)(line.data[*at] - '0');
    return number;
}

// The same in every version: an own mix (Steele, Lea and Flood, "SplitMix", OOPSLA 2014), not the
// hash of tables.
static uint64_t chance_of(char name, uint32_t n)
{
    uint64_t z = ((uint64_t)(uint8_t)name << 32 | n) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) >> 16;
}

// A number, or one behind a '$'.
static uint64_t operand_at(pl_span line, size_t *at, uint32_t n)
{
    if (*at >= line.bytes || line.data[*at] != '$') return number_at(line, at);
    char name = line.data[*at + 1];
    *at += 2;
    uint64_t limit = number_at(line, at);
    return name == 'n' ? n : chance_of(name, n) % PL_MAX(limit, 1u);
}

// What '$' at `at` and the signs behind it stand for; moves on behind them.
static void substitute(pl_buf *out, pl_span line, size_t *at, uint32_t n)
{
    if (*at + 2 < line.bytes && line.data[*at + 2] == '{') {
        const char *from = line.data + *at + 3, *end = strchr(from, '}');
        uint64_t count = 1;
        for (const char *c = from; c < end; c++) count += *c == '|';
        for (uint64_t skip = chance_of(line.data[*at + 1], n) % count; skip; from++)
            skip -= *from == '|';
        pl_buf_append(out, from, strcspn(from, "|}"));
        *at = (size_t)(end + 1 - line.data);
        return;
    }
    uint64_t value = operand_at(line, at, n);
    while (*at < line.bytes && strchr("*/+", line.data[*at])) {
        char sign = line.data[(*at)++];
        uint64_t operand = operand_at(line, at, n);
        if (sign == '*') value *= operand;
        if (sign == '/') value /= PL_MAX(operand, 1u);
        if (sign == '+') value += operand;
    }
    pl_buf_printf(out, "%llu", (unsigned long long)value);
}

static void observe(pl_shape *shape, pl_span text, pl_span by, const char *position,
                    const case_visitor *visitor)
{
    pl_arena arena = {0};
    pl_json *root;
    plumb_error err;
    if (pl_json_parse(text, &arena, &root, &err) != PLUMB_OK) {
        fprintf(stderr, "%.*s: %s\n", PL_FMT(text), err.message);
        exit(2);
    }
    pl_span entity = pl_span_of(position);
    char *key = by.bytes ? pl_arena_cstr(&arena, by) : NULL;
    const pl_json *value = key ? pl_json_get(root, key) : NULL;
    if (value) entity = value->raw;
    pl_shape_record(shape, root);
    pl_shape_sample(shape, root, pl_shape_entity(&entity, 1));
    if (visitor && visitor->record) visitor->record(visitor->context, root);
    pl_arena_done(&arena);
}

void case_shape(const case_records *records, int64_t received_us, const case_visitor *visitor,
                pl_shape *shape)
{
    pl_shape_init(shape);
    pl_shape_object(shape, received_us);
    pl_buf record = {0};
    pl_span text = records->text;
    uint32_t position = 0;
    while (text.bytes) {
        pl_span line = pl_span_trim(case_line(&text));
        if (pl_span_is(line, "---")) {
            if (visitor && visitor->object) visitor->object(visitor->context);
            pl_shape_object(shape, ++received_us);
            continue;
        }
        uint32_t copies = line.bytes && memchr(line.data, '$', line.bytes) ? records->times : 0;
        for (uint32_t n = 1; line.bytes && n <= PL_MAX(copies, 1u); n++) {
            pl_buf_reset(&record);
            for (size_t at = 0; at < line.bytes;)
                if (copies && line.data[at] == '$')
                    substitute(&record, line, &at, n);
                else
                    pl_buf_char(&record, line.data[at++]);
            char name[32];
            snprintf(name, sizeof name, "%s:%u", records->side, position++);
            observe(shape, pl_buf_view(&record), records->by, name, visitor);
        }
    }
    if (visitor && visitor->object) visitor->object(visitor->context);
    pl_buf_done(&record);
    pl_shape_settle(shape);
}
