// SPDX-License-Identifier: Apache-2.0
#include "shape/finding_doc.h"

#include <stdio.h>

#include "shapes.h"

// Records of one side; '$' in `before` or `after` is the number of the record.
static void fill(pl_shape *shape, const char *format, int count)
{
    pl_shape_init(shape);
    pl_shape_object(shape, 5);
    for (int i = 1; i <= count; i++) {
        char entity[16];
        pl_buf record = {0};
        snprintf(entity, sizeof entity, "%d", i);
        for (const char *c = format; *c; c++)
            if (*c == '$')
                pl_buf_printf(&record, "%d", 1000 + i * i);
            else
                pl_buf_char(&record, *c);
        observe(shape, pl_buf_cstr(&record), entity);
        pl_buf_done(&record);
    }
    pl_shape_settle(shape);
}

typedef struct both {
    pl_shape before, after;
    pl_arena arena;
    pl_finding_doc first; // finding
} both;

static void find_in(both *b, const char *before, const char *after, int count)
{
    pl_drift_options options = pl_drift_as_given();
    pl_finding *findings;
    uint32_t found;
    b->arena = (pl_arena){0};
    fill(&b->before, before, count);
    fill(&b->after, after, count);
    pl_drift_findings(&b->before, &b->after, &options, &b->arena, &findings, &found);
    CHECK(found > 0);
    b->first = pl_finding_doc_of(&findings[0], &b->before, &b->after, &b->arena);
}

static void done(both *b)
{
    pl_shape_done(&b->before);
    pl_shape_done(&b->after);
    pl_arena_done(&b->arena);
}

static void check_fingerprint(const char *want, const char *before, const char *after)
{
    both b;
    find_in(&b, before, after, 30);
    CHECK_STR(want, b.first.fingerprint);
    done(&b);
}

TEST(finding_doc_is_named_by_what_it_is_about)
{
    check_fingerprint("renamed $.likes $.like_count", "{\"a\":1,\"likes\":$}",
                      "{\"a\":1,\"like_count\":$}");
    check_fingerprint("removed $.stats.likes", "{\"stats\":{\"a\":1,\"likes\":true}}",
                      "{\"stats\":{\"a\":1}}");
    check_fingerprint("added $[\"a.b\"]", "{\"a\":1}", "{\"a\":1,\"a.b\":true}");
    check_fingerprint("rescaled $.d 1000", "{\"a\":1,\"d\":$}", "{\"a\":1,\"d\":$000}");
    check_fingerprint("retyped $.d int string", "{\"a\":1,\"d\":$}", "{\"a\":1,\"d\":\"$\"}");
    check_fingerprint("retyped $.d time epoch s", "{\"a\":\"x\",\"d\":\"2025-11-22T10:00:00Z\"}",
                      "{\"a\":\"x\",\"d\":\"176380$\"}");
    check_fingerprint("widened $.d", "{\"a\":1,\"d\":$}", "{\"a\":1,\"d\":$.5}");
}

static char *text_of(const pl_finding_doc *finding)
{
    pl_buf out = {0};
    pl_json_writer writer = pl_json_writer_on(&out, 0);
    pl_finding_write(&writer, finding);
    pl_buf_cstr(&out);
    return out.data;
}

TEST(finding_doc_is_written_and_read_back)
{
    both b;
    find_in(&b, "{\"a\":1,\"likes\":$}", "{\"a\":1,\"like_count\":\"$\"}", 4);
    b.first.confidence = 0.75;
    b.first.bits = 43.5;
    char *text = text_of(&b.first);
    CHECK_STR("{\"fingerprint\":\"renamed $.likes $.like_count\",\"class\":\"renamed\","
              "\"strength\":\"strong\",\"before\":\"$.likes\",\"after\":\"$.like_count\","
              "\"from\":\"int\",\"to\":\"string\",\"root\":true,\"beneath\":0,"
              "\"confidence\":0.75,\"retype\":\"lossless\",\"factor\":1.0,"
              "\"inverted\":false,\"bits\":43.5,\"shared\":4,\"agreed\":4,"
              "\"missing\":0,\"rising\":false,\"likeness\":0.0,\"rival\":null,"
              "\"rival_before\":false,\"rival_bits\":0.0,"
              "\"why\":\"$.likes is now $.like_count: 4 of 4 entities seen before and after "
              "continue, 44 bits of evidence; also integer before, text now\",\"against\":\"\","
              "\"before_values\":\"1009, 1004, 1001, 1016\","
              "\"after_values\":\"\\\"1001\\\", \\\"1004\\\", \\\"1009\\\", \\\"1016\\\"\","
              "\"proposal\":\"like_count | likes\",\"type\":\"\"}",
              text);
    pl_json *document;
    plumb_error err;
    pl_finding_doc back;
    CHECK_OK(pl_json_parse(pl_span_of(text), &b.arena, &document, &err), err);
    CHECK_OK(pl_finding_read(document, &b.arena, &back, &err), err);
    char *again = text_of(&back);
    CHECK_STR(text, again);
    free(text);
    free(again);
    done(&b);
}

static plumb_status read_doc(const char *text, pl_finding_doc *ret_finding, plumb_error *err)
{
    static pl_arena arena;
    pl_json *document;
    pl_arena_reset(&arena);
    CHECK_OK(pl_json_parse(pl_span_of(text), &arena, &document, err), *err);
    plumb_status st = pl_finding_read(document, &arena, ret_finding, err);
    if (st == PLUMB_OK) CHECK(ret_finding->why && ret_finding->proposal);
    return st;
}

TEST(finding_doc_that_is_short_says_nothing_more)
{
    pl_finding_doc finding;
    plumb_error err;
    CHECK_OK(read_doc("{\"class\":\"map\"}", &finding, &err), err);
    CHECK_INT(PL_DRIFT_MAP, finding.class);
    CHECK(!finding.before && !finding.rival && finding.factor == 1);
}

TEST(finding_doc_that_is_damaged_names_the_member)
{
    static const char *const damaged[][2] = {
        {"{}", "class"},
        {"[]", "class"},
        {"{\"class\":\"moved\"}", "class"},
        {"{\"class\":\"map\",\"why\":3}", "why"},
        {"{\"class\":\"map\",\"bits\":\"3\"}", "bits"},
        {"{\"class\":\"map\",\"bits\":1e999}", "bits"},
        {"{\"class\":\"map\",\"shared\":-1}", "shared"},
        {"{\"class\":\"map\",\"shared\":1.5}", "shared"},
        {"{\"class\":\"map\",\"root\":1}", "root"},
        {"{\"class\":\"map\",\"retype\":\"some\"}", "retype"},
    };
    for (size_t i = 0; i < PL_COUNT(damaged); i++) {
        pl_finding_doc finding;
        plumb_error err;
        char want[96];
        snprintf(want, sizeof want, "cannot read finding: \"%s\" is damaged", damaged[i][1]);
        CHECK_INT(PLUMB_E_MALFORMED, read_doc(damaged[i][0], &finding, &err));
        CHECK_STR(want, err.message);
    }
}

// ---- what happens by itself ---------------------------------------------------------------------

typedef struct rule {
    const char *change;
    pl_drift_class class;
    pl_drift_strength strength, retype;
    double factor;
    const char *unmapped, *mapped, *critical, *strict;
} rule;

static void check_action(const rule *r, const char *want, bool mapped, bool critical, bool strict)
{
    pl_finding_doc finding = {
        .class = r->class, .strength = r->strength, .retype = r->retype, .factor = r->factor};
    char text[128], got[128];
    pl_drift_action action = pl_drift_action_of(&finding, mapped, critical, strict);
    snprintf(text, sizeof text, "%s: %s", r->change, want);
    snprintf(got, sizeof got, "%s: %s", r->change, pl_drift_action_name(action));
    CHECK_STR(text, got);
}

TEST(finding_doc_knows_what_happens_by_itself)
{
    static const char note[] = "note", done[] = "auto", some[] = "provisional", held[] = "held";
    static const rule rules[] = {
        {"added", PL_DRIFT_ADDED, PL_DRIFT_CERTAIN, PL_DRIFT_CERTAIN, 1, done, done, done, done},
        {"widened", PL_DRIFT_WIDENED, PL_DRIFT_CERTAIN, PL_DRIFT_CERTAIN, 1, note, done, done,
         done},
        {"removed", PL_DRIFT_REMOVED, PL_DRIFT_CERTAIN, PL_DRIFT_CERTAIN, 1, note, held, held,
         held},
        {"text for numbers", PL_DRIFT_RETYPED, PL_DRIFT_LOSSLESS, PL_DRIFT_LOSSLESS, 1, note, some,
         some, held},
        {"words for numbers", PL_DRIFT_RETYPED, PL_DRIFT_LOSSY, PL_DRIFT_LOSSY, 1, note, held, held,
         held},
        {"rescaled", PL_DRIFT_RESCALED, PL_DRIFT_STRONG, PL_DRIFT_CERTAIN, 1000, note, held, held,
         held},
        {"percent sign", PL_DRIFT_RESCALED, PL_DRIFT_STRONG, PL_DRIFT_LOSSLESS, 1, note, held, held,
         held},
        {"renamed", PL_DRIFT_RENAMED, PL_DRIFT_STRONG, PL_DRIFT_CERTAIN, 1, note, some, held, held},
        {"and as text", PL_DRIFT_RENAMED, PL_DRIFT_STRONG, PL_DRIFT_LOSSLESS, 1, note, some, held,
         held},
        {"and as words", PL_DRIFT_RENAMED, PL_DRIFT_STRONG, PL_DRIFT_LOSSY, 1, note, held, held,
         held},
        {"and rescaled", PL_DRIFT_RENAMED, PL_DRIFT_STRONG, PL_DRIFT_CERTAIN, 60, note, held, held,
         held},
        {"maybe renamed", PL_DRIFT_RENAMED, PL_DRIFT_MEDIUM, PL_DRIFT_CERTAIN, 1, note, held, held,
         held},
        {"meaning", PL_DRIFT_MEANING, PL_DRIFT_STRONG, PL_DRIFT_CERTAIN, 1, note, held, held, held},
        {"map", PL_DRIFT_MAP, PL_DRIFT_CERTAIN, PL_DRIFT_CERTAIN, 1, held, held, held, held},
    };
    for (size_t i = 0; i < PL_COUNT(rules); i++) {
        check_action(&rules[i], rules[i].unmapped, false, false, false);
        check_action(&rules[i], rules[i].unmapped, false, false, true);
        check_action(&rules[i], rules[i].mapped, true, false, false);
        check_action(&rules[i], rules[i].critical, true, true, false);
        check_action(&rules[i], rules[i].strict, true, false, true);
        check_action(&rules[i], rules[i].strict, true, true, true);
    }
}

int main(void)
{
    return RUN_TESTS("shape/finding_doc", T(finding_doc_is_named_by_what_it_is_about),
                     T(finding_doc_is_written_and_read_back),
                     T(finding_doc_that_is_short_says_nothing_more),
                     T(finding_doc_that_is_damaged_names_the_member),
                     T(finding_doc_knows_what_happens_by_itself));
}
