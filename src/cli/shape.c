// shape.c -- plumb shape: what records look like, of files or of a source, and what changed.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <unistd.h>

#include "cli/look.h"
#include "cli/shapes.h"
#include "contract/mapping.h"
#include "flow/sample.h"
#include "os/file.h"
#include "os/os.h"

// Files on their way into a shape.
typedef struct intake {
    pl_cli *cli;
    pl_shape *shape;
    pl_framer_options framing;
    pl_path keys[PL_SHAPE_KEYS_MAX]; // --key
    uint32_t key_count;
    int side; // records without a key are nobody else's: named by side and position
    uint64_t position;
    uint64_t named; // records that have the key
} intake;

const char *pl_shapes_path(pl_cli *cli, const pl_shape *shape, uint32_t path)
{
    pl_buf text = {0};
    pl_shape_path_write(&text, shape, path);
    const char *copy = pl_arena_cstr(&cli->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

int pl_shapes_width(void)
{
    int width = pl_cli_width();
    return width ? width : 140;
}

const char *pl_shapes_kinds(pl_cli *cli, const pl_shape_path *path)
{
    bool told[PL_SHAPE_KINDS] = {[PL_SHAPE_NULL] = true};
    pl_buf text = {0};
    for (;;) {
        int most = PL_SHAPE_KINDS;
        for (int k = 0; k < PL_SHAPE_KINDS; k++)
            if (!told[k] && path->kinds[k] &&
                (most == PL_SHAPE_KINDS || path->kinds[k] > path->kinds[most]))
                most = k;
        if (most == PL_SHAPE_KINDS) break;
        told[most] = true;
        pl_buf_printf(&text, "%s%s", text.count ? "|" : "",
                      pl_shape_kind_name((pl_shape_kind)most));
    }
    if (!text.count && path->kinds[PL_SHAPE_NULL]) pl_buf_text(&text, "null");
    const char *copy = pl_arena_cstr(&cli->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

void pl_shapes_kinds_json(pl_json_writer *json, const pl_shape_path *path)
{
    pl_json_begin(json, '{');
    for (int k = 0; k < PL_SHAPE_KINDS; k++)
        if (path->kinds[k])
            pl_look_int(json, pl_shape_kind_name((pl_shape_kind)k), (int64_t)path->kinds[k]);
    pl_json_end(json, '}');
}

void pl_shapes_samples_json(pl_json_writer *json, const pl_shape_path *path)
{
    pl_json_begin(json, '[');
    for (uint32_t i = 0; path->values && i < path->values->sample_count; i++)
        pl_json_cstr(json, path->values->samples[i]);
    pl_json_end(json, ']');
}

// ---- reading files ------------------------------------------------------------------------------

// The last member with this key, as JSON has it; unlike pl_json_get, of any bytes.
static const pl_json *member(const pl_json *object, pl_span key)
{
    const pl_json *found = NULL;
    for (const pl_json *m = object ? object->first : NULL; m; m = m->next)
        if (object->kind == PL_JSON_OBJECT && pl_span_equal(m->key, key)) found = m;
    return found;
}

static uint64_t entity_of(intake *in, const pl_json *record)
{
    pl_span scalars[PL_SHAPE_KEYS_MAX];
    uint32_t count = 0;
    for (; count < in->key_count; count++) {
        const pl_json *value = record;
        for (uint32_t i = 0; value && i < in->keys[count].count; i++)
            value = member(value, in->keys[count].steps[i].key);
        if (!value || value->kind == PL_JSON_NULL) break;
        scalars[count] = value->raw;
    }
    if (count && count == in->key_count) {
        in->named++;
        return pl_shape_entity(scalars, count);
    }
    char name[64];
    pl_span span = {name, (size_t)snprintf(name, sizeof name, "%d:%llu", in->side,
                                           (unsigned long long)in->position)};
    return pl_shape_entity(&span, 1);
}

static bool take(void *context, const pl_json *record)
{
    intake *in = context;
    pl_shape_record(in->shape, record);
    pl_shape_sample(in->shape, record, entity_of(in, record));
    in->position++;
    return !atomic_load(&pl_cancelled);
}

static plumb_status read_file(intake *in, const char *path, plumb_error *err)
{
    pl_sample sample = {0};
    pl_shape_object(in->shape, in->cli->now_us);
    PL_TRY(pl_sample_each(path, &in->framing, take, in, &sample, err));
    if (atomic_load(&pl_cancelled)) return pl_fail(err, PLUMB_E_CANCELLED, "cancelled");
    if (!sample.documents) {
        pl_fail(err, PLUMB_E_MALFORMED, "cannot find records in file '%s': %s", path,
                sample.broken ? sample.reason : "it is empty");
        pl_hint(err, "It takes objects as NDJSON, in an array or in one document; --records says "
                     "where in it they stand.");
        return PLUMB_E_MALFORMED;
    }
    pl_human count;
    if (sample.broken)
        pl_cli_warn("%s %s of '%s' left out: %s", pl_human_count(count, (int64_t)sample.broken),
                    pl_plural((int64_t)sample.broken, "record", "records"), path, sample.reason);
    return PLUMB_OK;
}

// ---- options ------------------------------------------------------------------------------------

static const pl_span *keys_of(pl_cli *cli, const pl_path *path)
{
    pl_span *keys = PL_TAKE(&cli->arena, pl_span, path->count + 1);
    for (uint32_t i = 0; i < path->count; i++) keys[i] = path->steps[i].key;
    return keys;
}

static plumb_status read_records(intake *in, plumb_error *err)
{
    const char *text = pl_cli_value(in->cli, "records");
    pl_arena *arena = &in->cli->arena;
    pl_mapping mapping = {0};
    if (!text) return PLUMB_OK;
    plumb_status st = pl_records_parse(pl_span_of(text), arena, &mapping, err);
    if (st != PLUMB_OK) {
        pl_context(err, "cannot read option '--records'");
        if (err) err->column = 0; // of no file
        return st;
    }
    pl_framer_keys *inner = PL_TAKE(arena, pl_framer_keys, mapping.inner_count + 1);
    for (uint32_t i = 0; i < mapping.inner_count; i++)
        inner[i] = (pl_framer_keys){keys_of(in->cli, &mapping.inner[i]), mapping.inner[i].count};
    in->framing = (pl_framer_options){.has_records = true,
                                      .records_top = mapping.records_top,
                                      .keys = keys_of(in->cli, &mapping.records),
                                      .key_count = mapping.records.count,
                                      .inner = inner,
                                      .inner_count = mapping.inner_count,
                                      .records_text = text};
    return PLUMB_OK;
}

// Paths with commas between them; a comma inside a quoted key is none.
static plumb_status read_keys(intake *in, plumb_error *err)
{
    const char *text = pl_cli_value(in->cli, "key");
    while (text && *text) {
        bool quoted = false;
        size_t bytes = 0;
        for (; text[bytes] && (quoted || text[bytes] != ','); bytes++) {
            if (quoted && text[bytes] == '\\' && text[bytes + 1])
                bytes++;
            else if (text[bytes] == '"')
                quoted = !quoted;
        }
        if (in->key_count == PL_SHAPE_KEYS_MAX)
            return pl_fail(err, PLUMB_E_CONFIG, "cannot use option '--key': more than %u paths",
                           PL_SHAPE_KEYS_MAX);
        pl_path *path = &in->keys[in->key_count++];
        plumb_status st = pl_path_parse(pl_span_make(text, bytes), &in->cli->arena, path, err);
        for (uint32_t i = 0; st == PLUMB_OK && i < path->count; i++)
            if (path->steps[i].kind != PL_STEP_KEY || path->root != PL_ROOT_RECORD)
                st = pl_fail(err, PLUMB_E_CONFIG, "a path of keys only names an entity");
        if (st != PLUMB_OK) {
            pl_context(err, "cannot use option '--key'");
            if (err) err->column = 0;
            return st;
        }
        text += bytes + (text[bytes] == ',');
    }
    return PLUMB_OK;
}

// ---- envelopes ----------------------------------------------------------------------------------

enum { ENVELOPE_ITEMS = 2 }; // objects in an array, for each document, from which it is asked about

// The array, outside of others, that holds most objects; PL_SHAPE_NONE: none holds so many.
static uint32_t most_objects(const pl_shape *shape)
{
    uint32_t best = PL_SHAPE_NONE;
    uint64_t most = shape->records * ENVELOPE_ITEMS;
    for (uint32_t i = 1; i < shape->count; i++) {
        uint32_t arrays = 0;
        for (uint32_t p = i; p != PL_SHAPE_ROOT; p = shape->paths[p].parent)
            arrays += shape->paths[p].step == PL_SHAPE_ITEMS;
        uint64_t objects = shape->paths[i].kinds[PL_SHAPE_OBJECT];
        if (shape->paths[i].step != PL_SHAPE_ITEMS || arrays > 1 || objects < most) continue;
        most = objects + 1;
        best = shape->paths[i].parent;
    }
    return best;
}

// Whoever looks at pages of records may want to look at the records.
static void ask_for_records(const intake *in, const pl_shape *shape)
{
    uint32_t array = most_objects(shape);
    if (in->cli->json || pl_cli_value(in->cli, "records") || array == PL_SHAPE_NONE) return;
    const char *path = pl_shapes_path(in->cli, shape, array);
    pl_human count;
    pl_cli_print(
        in->cli,
        "\nIf these are envelopes: --records '%s[]' takes the %s objects in them instead.\n",
        strncmp(path, "$.", 2) == 0 ? path + 2 : path,
        pl_human_count(count,
                       (int64_t)shape->paths[shape->paths[array].elements].kinds[PL_SHAPE_OBJECT]));
}

// ---- the command --------------------------------------------------------------------------------

static int run_diff(intake *in)
{
    plumb_error err;
    pl_shape before, after;
    pl_shape_init(&before);
    pl_shape_init(&after);
    in->shape = &before;
    plumb_status st = read_file(in, in->cli->args[0], &err);
    if (st == PLUMB_OK && in->key_count && !in->named)
        st = pl_fail(&err, PLUMB_E_CONFIG, "cannot use option '--key': no record of '%s' has it",
                     in->cli->args[0]);
    in->shape = &after;
    in->side = 1;
    in->position = in->named = 0;
    if (st == PLUMB_OK) st = read_file(in, in->cli->args[1], &err);
    if (st == PLUMB_OK && in->key_count && !in->named)
        pl_cli_warn("no record of '%s' has the key: it may have another name now",
                    in->cli->args[1]);
    pl_shape_settle(&before);
    pl_shape_settle(&after);
    pl_shapes_side sides[] = {{&before, in->cli->args[0], 0, false},
                              {&after, in->cli->args[1], 0, false}};
    if (st == PLUMB_OK) pl_shapes_diff(in->cli, &sides[0], &sides[1], false);
    if (st == PLUMB_OK) ask_for_records(in, &before);
    pl_shape_done(&before);
    pl_shape_done(&after);
    return st == PLUMB_OK ? pl_cli_finish(in->cli) : pl_cli_fail(in->cli, &err);
}

static int run_one(intake *in)
{
    plumb_error err;
    pl_shape shape;
    plumb_status st = PLUMB_OK;
    pl_shape_init(&shape);
    in->shape = &shape;
    for (int i = 0; i < in->cli->arg_count && st == PLUMB_OK; i++)
        st = read_file(in, in->cli->args[i], &err);
    pl_shape_settle(&shape);
    if (st == PLUMB_OK && in->cli->json) {
        pl_json_writer json = pl_cli_json(in->cli);
        pl_json_begin(&json, '{');
        pl_shapes_json(&json, in->cli, &shape);
        pl_json_end(&json, '}');
    } else if (st == PLUMB_OK) {
        pl_shapes_tree(in->cli, &shape, pl_cli_flag(in->cli, "all"));
        ask_for_records(in, &shape);
    }
    pl_shape_done(&shape);
    return st == PLUMB_OK ? pl_cli_finish(in->cli) : pl_cli_fail(in->cli, &err);
}

// The source that is meant, NULL if files are: by an option that is for sources only, by the two
// versions behind it, or because no file is called so. *ret_code is not 0 where it may be either.
static const char *source_meant(pl_cli *cli, int *ret_code)
{
    static const char *const of_sources[] = {"table", "version", "versions"};
    const char *first = cli->arg_count ? cli->args[0] : NULL;
    *ret_code = PL_EXIT_DONE;
    if (pl_cli_value(cli, "source")) return pl_cli_value(cli, "source");
    for (size_t i = 0; i < PL_COUNT(of_sources); i++)
        if (pl_cli_flag(cli, of_sources[i])) return first;
    if (pl_cli_flag(cli, "diff")) return cli->arg_count == 3 ? first : NULL;
    if (cli->arg_count != 1 || !pl_shapes_names_source(cli, first)) return NULL;
    if (!pl_path_exists(first)) return first;
    *ret_code = pl_cli_usage(cli,
                             "'%s' is a file here and a source: './%s' is the file, "
                             "'--source %s' the source",
                             first, first, first);
    return NULL;
}

static int run_source(pl_cli *cli, const char *source)
{
    static const char *const of_files[] = {"key", "records"};
    bool diff = pl_cli_flag(cli, "diff");
    int named = pl_cli_value(cli, "source") == NULL; // the first argument
    for (size_t i = 0; i < PL_COUNT(of_files); i++)
        if (pl_cli_flag(cli, of_files[i]))
            return pl_cli_usage(cli, "--%s is for files", of_files[i]);
    if (cli->arg_count != named + (diff ? 2 : 0))
        return pl_cli_usage(cli, diff ? "--diff compares two versions of a source"
                                      : "one source at a time, and no files with it");
    return pl_shapes_stored(cli, source, diff ? cli->args + named : NULL);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    intake in = {.cli = cli};
    int code;
    bool diff = pl_cli_flag(cli, "diff");
    if (diff && pl_cli_flag(cli, "all")) return pl_cli_usage(cli, "--all goes without --diff");
    const char *source = source_meant(cli, &code);
    if (code != PL_EXIT_DONE) return code;
    if (source) return run_source(cli, source);
    if (!cli->arg_count) return pl_cli_usage(cli, "it needs files, or the name of a source");
    if (diff && cli->arg_count != 2) return pl_cli_usage(cli, "--diff compares two files");
    if (!diff && pl_cli_value(cli, "key")) return pl_cli_usage(cli, "--key goes with --diff");
    if (read_records(&in, &err) || read_keys(&in, &err)) return pl_cli_fail(cli, &err);
    return diff ? run_diff(&in) : run_one(&in);
}

static const pl_option options[] = {
    {.name = "diff", .help = "what changed from the first file, or version, to the second"},
    {.name = "key", .value = "PATH[,PATH]", .help = "what records are about (found out)"},
    {.name = "records", .value = "PATH", .help = "where the records are, as in a mapping"},
    {.name = "all", .help = "every key of objects with very many"},
    {.name = "source", .value = "S", .help = "this source, though a file is called so, too"},
    {.name = "table", .value = "T", .help = "source: as the mapping into this table sees it"},
    {.name = "version", .value = "N", .help = "source: as it was then (newest)"},
    {.name = "versions", .help = "source: what versions there are, and how long they are kept"},
    {0},
};

const pl_command pl_command_shape = {
    .name = "shape",
    .group = PL_GROUP_LOOK,
    .usage = "FILE... | --diff BEFORE AFTER\n"
             "       plumb shape SOURCE [--table T] [--version N | --versions | --diff A B]",
    .summary = "what records look like, of files or of a source, and what changed",
    .help =
        "Reads files of JSON (NDJSON, an array, one document or many, plain, gzip or zstd) and\n"
        "shows every path of their records: in how many of its objects it is there, with which\n"
        "kinds of value, how often null, what the values say (numbers, times, ids ...), their\n"
        "range, about how many different ones there are, and some of them.\n"
        "\n"
        "With --diff, what changed from one file to another: paths that came or went, were\n"
        "renamed, hold another kind of value or another unit, with how sure that is and why.\n"
        "Renames are proven by records that are in both files; --key says what identifies one\n"
        "when it cannot be found out.\n"
        "\n"
        "Of a source: what runs have seen of its records, all that are published. Every run\n"
        "leaves a version. The newest 8 stay, of older ones one an hour; after 2 days the last\n"
        "one of each day, after 90 days the last one of each month, and always one that a\n"
        "finding was compared with. Each holds what the one before it held, unless the table was\n"
        "rolled back: so --diff A B compares what there was up to version A with what came from\n"
        "there to B, and lists the paths that came more or less often. Below the paths stands in\n"
        "how many rows each column was filled. $doc are the documents around records that are\n"
        "items of an array, without those.\n"
        "\n"
        "JSON: {\"records\", \"sampled\", \"paths\": [{\"path\", \"seen\", \"chances\", "
        "\"kinds\",\n"
        "\"classes\", \"min\", \"max\", \"quantiles\", \"distinct\", \"samples\", ...}]}; of a "
        "source\n"
        "also \"source\", \"table\", \"version\", \"since\", \"until\", \"run\", \"objects\",\n"
        "\"columns\": {name: {\"rows\", \"filled\", \"lost\"}}. --diff: {\"before\", \"after\",\n"
        "\"findings\": [...], of versions \"presence\": [{\"path\", \"before\", \"after\"}]}.\n"
        "\n"
        "Example:\n"
        "  plumb shape posts.ndjson.gz\n"
        "  plumb shape --records 'data.list[]' page1.json page2.json\n"
        "  plumb shape --diff monday.json tuesday.json --key post_id\n"
        "  plumb shape tiktok\n"
        "  plumb shape tiktok --versions\n"
        "  plumb shape tiktok --diff 1 3\n",
    .options = options,
    .args_max = -1,
    .json = true,
    .run = run,
};
