// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "cli/frame.h"
#include "contract/project.h"

static const pl_option *find(const pl_option *options, const char *name, size_t bytes)
{
    for (; options && options->name; options++)
        if (strlen(options->name) == bytes && memcmp(options->name, name, bytes) == 0)
            return options;
    return NULL;
}

static const pl_cli_given *given_at(const pl_cli *cli, const char *name, int index)
{
    assert(find(cli->command->options, name, strlen(name))); // asked for, but not declared
    for (int i = 0; i < cli->given_count; i++)
        if (strcmp(cli->given[i].option->name, name) == 0 && index-- == 0) return &cli->given[i];
    return NULL;
}

bool pl_cli_flag(const pl_cli *cli, const char *name)
{
    return given_at(cli, name, 0) != NULL;
}

const char *pl_cli_value_at(const pl_cli *cli, const char *name, int index)
{
    const pl_cli_given *given = given_at(cli, name, index);
    return given ? given->value : NULL;
}

const char *pl_cli_value(const pl_cli *cli, const char *name)
{
    const char *value = NULL, *next;
    for (int i = 0; (next = pl_cli_value_at(cli, name, i)); i++) value = next;
    return value;
}

bool pl_cli_integer(pl_cli *cli, const char *name, int64_t min, int64_t max, int64_t *ret_value)
{
    const char *text = pl_cli_value(cli, name);
    if (!text) return true;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && value >= min && value <= max) {
        *ret_value = value;
        return true;
    }
    if (max == INT64_MAX)
        pl_cli_usage(cli, "--%s takes a whole number from %lld up, not '%s'", name, (long long)min,
                     text);
    else
        pl_cli_usage(cli, "--%s takes a whole number from %lld to %lld, not '%s'", name,
                     (long long)min, (long long)max, text);
    return false;
}

bool pl_cli_bytes(pl_cli *cli, const char *name, int64_t *ret_value)
{
    const char *text = pl_cli_value(cli, name);
    uint64_t bytes;
    if (!text) return true;
    if (pl_size_parse(pl_span_of(text), &bytes) && bytes <= INT64_MAX) {
        *ret_value = (int64_t)bytes;
        return true;
    }
    pl_cli_usage(cli, "--%s takes a size such as 512MiB or 10GB, not '%s'", name, text);
    return false;
}

bool pl_cli_duration(pl_cli *cli, const char *name, int64_t *ret_value)
{
    const char *text = pl_cli_value(cli, name);
    if (!text || pl_duration_parse(pl_span_of(text), ret_value)) return true;
    pl_cli_usage(cli, "--%s takes a time such as 90s, 5m or 30d, not '%s'", name, text);
    return false;
}

bool pl_cli_time(pl_cli *cli, const char *name, int64_t *ret_value)
{
    const char *text = pl_cli_value(cli, name);
    int32_t days;
    if (!text || !pl_time_parse_iso(pl_span_of(text), ret_value)) return true;
    if (strcmp(text, "now") == 0) {
        *ret_value = cli->now_us;
        return true;
    }
    if (!pl_date_parse(pl_span_of(text), &days)) {
        *ret_value = days * PL_MICROS_PER_DAY;
        return true;
    }
    pl_cli_usage(cli, "--%s takes a time such as 2026-11-22T03:04:05Z or 2026-11-22, not '%s'",
                 name, text);
    return false;
}

int pl_cli_usage(pl_cli *cli, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    pl_buf safe = {0};
    pl_cli_escape(&safe, pl_span_of(text));
    fprintf(stderr, "plumb %s: %s\n", cli->command->name, pl_buf_cstr(&safe));
    fprintf(stderr, "  hint: 'plumb %s --help' shows how it is used.\n", cli->command->name);
    pl_buf_done(&safe);
    return PL_EXIT_USAGE;
}

// Typing mistakes: letters added, lost, changed or swapped (optimal string alignment).
static int distance(const char *a, const char *b)
{
    enum { MAX = 40 };
    int rows[3][MAX + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > MAX || m > MAX) return MAX;
    for (int j = 0; j <= m; j++) rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = up[j - 1] + (a[i - 1] != b[j - 1]);
            best = PL_MIN(best, PL_MIN(up[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = PL_MIN(best, up2[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *pl_cli_nearest(const char *wrong, const char *(*next)(void *context, int index),
                           void *context)
{
    const char *nearest = NULL, *name;
    int least = (int)strlen(wrong) / 3 + 1; // one mistake in a short word, more in a long one
    for (int i = 0; (name = next(context, i)); i++) {
        int d = distance(wrong, name);
        if (d > least || (nearest && d == least)) continue;
        nearest = name;
        least = d;
    }
    return nearest;
}

int pl_cli_unknown_verb(pl_cli *cli, const char *word,
                        const char *(*next)(void *context, int index))
{
    pl_buf all = {0};
    const char *verb, *nearest = pl_cli_nearest(word, next, NULL);
    for (int i = 0; (verb = next(NULL, i)); i++) pl_buf_printf(&all, "%s%s", i ? ", " : "", verb);
    int code = pl_cli_usage(cli, "'%s' is not one of %s%s%s%s", word, pl_buf_cstr(&all),
                            nearest ? "; did you mean '" : "", nearest ? nearest : "",
                            nearest ? "'?" : "");
    pl_buf_done(&all);
    return code;
}

static const char *option_name(void *context, int index)
{
    const pl_command *command = context;
    static const char *const common[] = {"help", "json"};
    int count = 0;
    while (command->options && command->options[count].name) count++;
    if (index < count) return command->options[index].name;
    index -= count;
    return index < (command->json ? 2 : 1) ? common[index] : NULL;
}

static int unknown_option(pl_cli *cli, const char *word)
{
    char name[64];
    size_t bytes = strcspn(word + 2, "=");
    snprintf(name, sizeof name, "%.*s", (int)PL_MIN(bytes, sizeof name - 1), word + 2);
    const char *nearest = pl_cli_nearest(name, option_name, pl_cli_unconst(cli->command));
    if (!nearest) return pl_cli_usage(cli, "unknown option '--%s'", name);
    fprintf(stderr, "plumb %s: unknown option '--%s'\n  hint: Did you mean '--%s'?\n",
            cli->command->name, name, nearest);
    return PL_EXIT_USAGE;
}

static int take_long(pl_cli *cli, int *at, int argc, char **argv)
{
    const char *word = argv[*at] + 2, *value = strchr(word, '=');
    size_t bytes = value ? (size_t)(value - word) : strlen(word);
    pl_span name = {word, bytes};
    const pl_option *option = find(cli->command->options, word, bytes);
    if (!option) {
        if (pl_span_is(name, "help") && !value) return cli->help = true, -1;
        if (pl_span_is(name, "json") && !value && cli->command->json) return cli->json = true, -1;
        return unknown_option(cli, argv[*at]);
    }
    if (!option->value && value) return pl_cli_usage(cli, "--%s takes no value", option->name);
    if (option->value && !value && ++*at == argc)
        return pl_cli_usage(cli, "--%s needs a value: %s", option->name, option->value);
    if (option->value) value = value ? value + 1 : argv[*at];
    if (!option->repeats && given_at(cli, option->name, 0))
        return pl_cli_usage(cli, "--%s is given twice", option->name);
    cli->given[cli->given_count++] = (pl_cli_given){option, value};
    return -1;
}

int pl_cli_take_directory(pl_cli *cli, int *at, int argc, char **argv)
{
    const char *value = argv[*at] + 2;
    if (!*value && ++*at == argc) {
        fprintf(stderr, "plumb: -C needs a value: the project's folder\n");
        return PL_EXIT_USAGE;
    }
    cli->directory = *value ? value : argv[*at];
    return -1;
}

static int check_count(pl_cli *cli)
{
    const pl_command *command = cli->command;
    if (cli->arg_count < command->args_min)
        return pl_cli_usage(cli, "too few arguments: plumb %s %s", command->name, command->usage);
    if (command->args_max >= 0 && cli->arg_count > command->args_max)
        return pl_cli_usage(cli, "unexpected argument '%s'", cli->args[command->args_max]);
    return -1;
}

int pl_cli_parse(pl_cli *cli, int argc, char **argv)
{
    cli->args = PL_TAKE(&cli->arena, const char *, argc + 1);
    cli->given = PL_TAKE(&cli->arena, pl_cli_given, argc + 1);
    bool plain = false; // after "--"
    for (int at = 0; at < argc; at++) {
        int code = -1;
        const char *word = argv[at];
        if (plain || word[0] != '-' || word[1] == '\0')
            cli->args[cli->arg_count++] = word;
        else if (strcmp(word, "--") == 0)
            plain = true;
        else if (word[1] == '-')
            code = take_long(cli, &at, argc, argv);
        else if (word[1] == 'C')
            code = pl_cli_take_directory(cli, &at, argc, argv);
        else if (strcmp(word, "-h") == 0)
            cli->help = true;
        else
            code = pl_cli_usage(cli, "unknown option '%s'", word);
        if (code >= 0) return code;
    }
    return cli->help ? -1 : check_count(cli);
}
