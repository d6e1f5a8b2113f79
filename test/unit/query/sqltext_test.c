// SPDX-License-Identifier: Apache-2.0
#include "query/sqltext.h"

#include "base/buf.h"
#include "query/query.h"
#include "unit.h"

static void tokens(const char *sql, const char *want)
{
    static const char letters[] = "wqsnb";
    pl_buf out = {0};
    pl_sql_token token;
    for (size_t at = 0; pl_sql_next(pl_span_of(sql), &at, &token);)
        pl_buf_printf(&out, "%c<%.*s>", letters[token.kind], PL_FMT(token.text));
    CHECK_SPAN(want, pl_buf_view(&out));
    pl_buf_done(&out);
}

TEST(tokens_are_words_literals_numbers_and_bytes)
{
    tokens("SELECT a_1,\t\"b\"\"c\" FROM t", "w<SELECT>w<a_1>b<,>q<\"b\"\"c\">w<FROM>w<t>");
    tokens("x='it''s' AND y=E'a\\'b'", "w<x>b<=>s<'it''s'>w<AND>w<y>b<=>s<E'a\\'b'>");
    tokens("'a\\' b", "s<'a\\'>w<b>");
    tokens("1.5e3+x1", "n<1>b<.>n<5e3>b<+>w<x1>");
    tokens("größe", "w<größe>");
    tokens("", "");
}

TEST(tokens_skip_comments)
{
    tokens("a -- b 'c\nd", "w<a>w<d>");
    tokens("a /* b /* c */ 'd */ e", "w<a>w<e>");
    tokens("a - - b / * c", "w<a>b<->b<->w<b>b</>b<*>w<c>");
    tokens("-- only", "");
}

TEST(tokens_know_dollar_quotes)
{
    tokens("$$a'b$$ c", "s<$$a'b$$>w<c>");
    tokens("$x$ $$ $y$ $x$ c", "s<$x$ $$ $y$ $x$>w<c>");
    tokens("$1 + $2", "b<$>n<1>b<+>b<$>n<2>");
    tokens("a$b$c", "w<a$b$c>");
}

TEST(tokens_end_with_an_unfinished_text)
{
    tokens("a 'b", "w<a>s<'b>");
    tokens("a \"b", "w<a>q<\"b>");
    tokens("a E'b\\", "w<a>s<E'b\\>");
    tokens("a $$b", "w<a>s<$$b>");
    tokens("a /* b", "w<a>");
    tokens("a $", "w<a>b<$>");
    tokens("\"", "q<\">");
}

static bool names(const char *sql)
{
    return pl_sql_names(pl_span_of(sql), PL_SPAN("_rest"));
}

TEST(names_finds_identifiers_only)
{
    CHECK(names("SELECT _rest FROM t"));
    CHECK(names("SELECT t._REST FROM t"));
    CHECK(names("SELECT \"_Rest\"->>'a' FROM t"));
    CHECK(!names("SELECT * FROM t"));
    CHECK(!names("SELECT '_rest' FROM t"));
    CHECK(!names("SELECT 1 -- _rest"));
    CHECK(!names("SELECT /* _rest */ $$_rest$$"));
    CHECK(!names("SELECT _rest_, x_rest, \"_rest \" FROM t"));
    CHECK(!names(""));
}

TEST(mentions_is_generous)
{
    CHECK(pl_query_mentions(PL_SPAN("FROM query_table('Posts')"), PL_SPAN("posts")));
    CHECK(pl_query_mentions(PL_SPAN("FROM my_posts_2"), PL_SPAN("posts")));
    CHECK(!pl_query_mentions(PL_SPAN("FROM post"), PL_SPAN("posts")));
    CHECK(!pl_query_mentions(PL_SPAN(""), PL_SPAN("posts")));
}

int main(void)
{
    return RUN_TESTS("query/sqltext", T(tokens_are_words_literals_numbers_and_bytes),
                     T(tokens_skip_comments), T(tokens_know_dollar_quotes),
                     T(tokens_end_with_an_unfinished_text), T(names_finds_identifiers_only),
                     T(mentions_is_generous));
}
