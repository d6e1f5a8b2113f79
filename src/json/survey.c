// SPDX-License-Identifier: Apache-2.0
#include "json/survey_int.h"

// A token cut by the end of the text can be reported this many bytes before it: the longest is an
// escaped surrogate pair.
enum { TOKEN_BYTES_MAX = 12 };

pl_survey_skipped pl_survey__skip(pl_span text, int depth, bool all, size_t limit, size_t *ret_end,
                                  pl_json_error *ret_error)
{
    *ret_error = (pl_json_error){0};
    size_t end = *ret_end = pl_json_skip(text, 0, depth, ret_error);
    bool broken = end == SIZE_MAX;
    size_t reached = broken ? ret_error->offset : end;
    bool cut = !all && (broken ? reached + TOKEN_BYTES_MAX >= text.bytes : end == text.bytes);
    if (reached > limit + (broken && cut ? TOKEN_BYTES_MAX : 0)) return PL_SURVEY_LARGE;
    return cut ? PL_SURVEY_MORE : PL_SURVEY_DONE;
}

typedef struct feeding {
    pl_survey *survey;
    pl_span text;
    size_t at;
    bool ended;
} feeding;

void pl_survey__begin(pl_survey *survey, const pl_framer_options *options, bool with_tail,
                      uint32_t depth, uint64_t at)
{
    *survey = (pl_survey){.options = options,
                          .with_tail = with_tail,
                          .depth = depth,
                          .at = at,
                          .hit = true,
                          .array = PL_SURVEY_NOWHERE,
                          .first_array = PL_SURVEY_NOWHERE};
}

void pl_survey__done(pl_survey *survey)
{
    pl_buf_done(&survey->key);
    pl_buf_done(&survey->kept);
}

static bool fail(feeding *f, size_t at, const char *reason)
{
    pl_survey *s = f->survey;
    s->reason = reason;
    s->error_at = s->at + at;
    s->array = s->first_array;
    s->done = true;
    return false;
}

static bool in_object(const pl_survey *s)
{
    return s->closers[s->open - 1] == '}';
}

// Copy what is kept of the envelope; it stays below the limit of a record.
static void keep(pl_survey *s, pl_span bytes)
{
    pl_buf_span(&s->kept, bytes);
}

// A value was used up.
static void value_ended(pl_survey *s)
{
    if (s->keep && s->open < s->keep) s->keep = 0;
    s->expect = s->open ? PL_SURVEY_COMMA : PL_SURVEY_TAIL;
    if (!s->open && !s->with_tail) s->done = true;
}

static void container_opened(pl_survey *s, uint64_t offset, char bracket)
{
    const pl_framer_options *o = s->options;
    bool hit = s->hit, keep_it = s->keep_value && o->want_count;
    s->hit = s->keep_value = false;
    s->closers[s->open++] = bracket == '{' ? '}' : ']';
    s->expect = bracket == '{' ? PL_SURVEY_FIRST_KEY : PL_SURVEY_FIRST_ITEM;
    if (hit && bracket == '[' && s->chain == o->key_count) {
        s->array = offset;
        if (s->first_array == PL_SURVEY_NOWHERE) s->first_array = offset;
        if (o->want_count) keep(s, PL_SPAN("[]"));
    } else if (hit && bracket == '{' && s->chain < o->key_count) {
        s->chain++;
        s->comma = false;
        if (o->want_count) keep(s, PL_SPAN("{"));
    } else if (keep_it || s->keep) {
        if (!s->keep) s->keep = s->open;
        keep(s, pl_span_make(&bracket, 1));
    }
}

static void container_closed(pl_survey *s)
{
    s->open--;
    if (s->chain > s->open) {
        s->chain = s->open;
        s->comma = true;
        if (s->options->want_count) keep(s, PL_SPAN("}"));
    }
    value_ended(s);
}

static bool is_wanted(const pl_survey *s, pl_span key)
{
    for (uint32_t i = 0; i < s->options->want_count; i++)
        if (s->options->wants[i].level + 1 == s->open &&
            pl_span_equal(s->options->wants[i].key, key))
            return true;
    return false;
}

// The key of a member; `raw` with its quotes.
static void key_read(pl_survey *s, pl_span raw)
{
    const pl_framer_options *o = s->options;
    s->expect = PL_SURVEY_COLON;
    if (s->chain != s->open) return;
    pl_buf_reset(&s->key);
    pl_json_unescape(&s->key, pl_span_make(raw.data + 1, raw.bytes - 2));
    s->hit = pl_span_equal(pl_buf_view(&s->key), o->keys[s->open - 1]);
    if (s->hit) s->array = PL_SURVEY_NOWHERE; // of repeated keys the last counts
    s->keep_value = o->want_count && (s->hit || is_wanted(s, pl_buf_view(&s->key)));
    if (!s->keep_value) return;
    if (s->comma) keep(s, PL_SPAN(","));
    s->comma = true;
    keep(s, raw);
    keep(s, PL_SPAN(":"));
}

// A scalar or a key at f->at; false: cut or wrong.
static bool token(feeding *f, pl_span *ret_token)
{
    pl_json_error error;
    size_t end;
    pl_span rest = pl_span_make(f->text.data + f->at, f->text.bytes - f->at);
    // One that is merely in a record that is too large is passed with it.
    size_t limit = 2 * f->survey->options->record_bytes;
    switch (pl_survey__skip(rest, 0, f->ended, limit, &end, &error)) {
    case PL_SURVEY_MORE:
        return false;
    case PL_SURVEY_LARGE:
        return fail(f, f->at, "a text is larger than 16 MiB");
    case PL_SURVEY_DONE:
        break;
    }
    if (end == SIZE_MAX) return fail(f, f->at + error.offset, error.reason);
    *ret_token = pl_span_make(rest.data, end);
    f->at += end;
    return true;
}

static bool take_value(feeding *f, char c)
{
    pl_survey *s = f->survey;
    s->begun = true;
    if (c == '{' || c == '[') {
        if (s->depth + s->open >= PL_DEPTH_MAX) return fail(f, f->at, "values are nested too deep");
        container_opened(s, s->at + f->at, c);
        f->at++;
        return true;
    }
    pl_span scalar;
    if (!token(f, &scalar)) return false;
    if (s->keep || (s->keep_value && s->options->want_count)) keep(s, scalar);
    s->hit = s->keep_value = false;
    value_ended(s);
    return true;
}

static bool take_key(feeding *f, char c)
{
    pl_survey *s = f->survey;
    pl_span key;
    if (c != '"') return fail(f, f->at, "a key in quotes is expected here");
    size_t start = f->at;
    if (!token(f, &key)) return false;
    if (key.bytes > PL_KEY_BYTES_MAX) return fail(f, start, "a key is too long");
    if (s->keep) keep(s, key);
    key_read(s, key);
    return true;
}

static bool take_separator(feeding *f, char c)
{
    pl_survey *s = f->survey;
    bool object = in_object(s);
    if (c != ',' && c != s->closers[s->open - 1])
        return fail(f, f->at,
                    object ? "a comma or } is expected here" : "a comma or ] is expected here");
    f->at++;
    if (s->keep) keep(s, pl_span_make(&c, 1));
    if (c == ',')
        s->expect = object ? PL_SURVEY_KEY : PL_SURVEY_VALUE;
    else
        container_closed(s);
    return true;
}

// One token, white space skipped; false: no more can be used.
static bool take(feeding *f, char c)
{
    pl_survey *s = f->survey;
    switch (s->expect) {
    case PL_SURVEY_FIRST_ITEM:
        if (c == ']') return take_separator(f, c);
        return take_value(f, c);
    case PL_SURVEY_VALUE:
        return take_value(f, c);
    case PL_SURVEY_FIRST_KEY:
        if (c == '}') return take_separator(f, c);
        return take_key(f, c);
    case PL_SURVEY_KEY:
        return take_key(f, c);
    case PL_SURVEY_COLON:
        if (c != ':') return fail(f, f->at, "a colon is expected here");
        if (s->keep) keep(s, PL_SPAN(":"));
        s->expect = PL_SURVEY_VALUE;
        f->at++;
        return true;
    case PL_SURVEY_COMMA:
        return take_separator(f, c);
    case PL_SURVEY_TAIL:
        return fail(f, f->at, "text follows the value");
    }
    return false;
}

// The text ends although something is expected.
static void ended(feeding *f)
{
    pl_survey *s = f->survey;
    switch (s->expect) {
    case PL_SURVEY_TAIL:
        s->done = true;
        break;
    case PL_SURVEY_VALUE:
    case PL_SURVEY_FIRST_ITEM:
        fail(f, f->at, "the text ends where a value is expected");
        break;
    case PL_SURVEY_COMMA:
        fail(f, f->at,
             in_object(s) ? "the text ends inside an object" : "the text ends inside an array");
        break;
    default:
        fail(f, f->at, "the text ends inside an object");
    }
}

size_t pl_survey__feed(pl_survey *survey, pl_span text, bool text_ended)
{
    feeding f = {survey, text, 0, text_ended};
    bool on = true;
    while (on && !survey->done) {
        f.at = pl_json_space(text, f.at);
        if (f.at == text.bytes) {
            if (text_ended) ended(&f);
            break;
        }
        on = take(&f, text.data[f.at]);
        if (survey->kept.count > survey->options->record_bytes)
            on = fail(&f, f.at, "what the mapping reads around its records is larger than 16 MiB");
    }
    survey->at += f.at;
    return f.at;
}
