# SPDX-License-Identifier: Apache-2.0
"""`plumb query` as a person meets it: formats, mistakes, exit codes. No lake is needed: a table
that is declared and not published yet is empty."""
import signal
import subprocess
import time

import pytest

CONTRACT = """table: posts
key: [id]
columns:
  id: string!
  likes: long
  price: decimal(10, 2)
"""


@pytest.fixture
def project(plumb):
    (plumb.dir / "plumb.yaml").write_text("query: {memory: 256MiB, timeout: 30s}\n")
    (plumb.dir / "contracts").mkdir()
    (plumb.dir / "contracts" / "posts.yml").write_text(CONTRACT)
    return plumb


def test_formats(project):
    sql = "SELECT 1 AS a, 'x,y' AS b, NULL AS c"
    assert project("query", sql).stdout == "a  b       c\n-  ---  ----\n1  x,y  NULL\n"
    assert project("query", sql, "--format", "csv").stdout == 'a,b,c\n1,"x,y",\n'
    assert project("query", sql, "--format", "ndjson").stdout == '{"a": 1, "b": "x,y", "c": null}\n'
    assert project.json("query", sql) == [{"a": 1, "b": "x,y", "c": None}]
    assert project("query", sql, "--format", "json").stdout == \
        project("query", sql, "--json").stdout


def test_a_declared_table_is_empty_and_describes_itself(project):
    assert project("query", "SELECT * FROM posts").stdout == \
        "id  likes  price\n--  -----  -----\n"
    assert project.json("query", "SELECT count(*) AS n FROM posts") == [{"n": 0}]
    assert [(c["column_name"], c["column_type"]) for c in project.json("query", "DESCRIBE posts")] \
        == [("id", "VARCHAR"), ("likes", "BIGINT"), ("price", "DECIMAL(10,2)")]
    assert project.json("query", "SHOW TABLES") == [{"name": "posts"}]


def test_a_plan_is_drawn(project):
    lines = project("query", "EXPLAIN SELECT 1").stdout.splitlines()
    assert lines[0].startswith("┌──") and lines[-1].startswith("└──")
    assert "DUMMY_SCAN" in project.json("query", "EXPLAIN SELECT 1")[0]["explain_value"]


def test_sql_from_standard_input(project):
    assert project("query", "-", "--format", "csv", input="SELECT 42 AS n;\n").stdout == "n\n42\n"


@pytest.mark.parametrize("sql, said", [
    ("SELECT likez FROM posts", "plumb: sql:1:8: cannot run query: no column 'likez'\n"
     "  hint: Did you mean likes, price, id?\n"
     "  SELECT likez FROM posts\n"
     "         ^\n"),
    ("SELECT 'é',\n  nope FROM\nposts", "plumb: sql:2:3: cannot run query: no column 'nope'\n"),
    ("SELECT * FROM post", "plumb: sql:1:15: cannot run query: no table 'post'\n"
     "  hint: Did you mean posts? Tables: posts.\n"
     "  SELECT * FROM post\n"
     "                ^\n"),
    ("DROP TABLE posts", "plumb: sql:1:1: cannot run query: 'DROP' is not a query\n"
     "  hint: Only SELECT, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE and EXPLAIN are run; nothing "
     "here changes data.\n"
     "  DROP TABLE posts\n"
     "  ^\n"),
    ("", "plumb: cannot run query: its text is empty\n"),
])
def test_mistakes_are_wrong_usage(project, sql, said):
    done = project("query", sql, code=2)
    assert done.stderr.startswith(said) and done.stdout == ""


def test_options_are_checked(project):
    assert "it is table, csv, json or ndjson" in \
        project("query", "SELECT 1", "--format", "xml", code=2).stderr
    assert "contradict" in project("query", "SELECT 1", "--json", "--format", "csv", code=2).stderr


def test_limits(project):
    done = project("query", "FROM range(1000000)", "--max-rows", "2", "--format", "csv")
    assert done.stdout == "range\n0\n1\n"
    assert done.stderr == "plumb: warning: only the first 2 rows were written (--max-rows)\n"
    assert project("query", "FROM range(2)", "--max-rows", "2").stderr == ""
    assert project("query", "SELECT count(*) FROM range(100000000000)", "--timeout", "300ms",
                   code=1).stderr.startswith("plumb: cannot run query: not done after 0.3 s\n")
    assert project("query", "SELECT len(range(0, 3000000000))", code=1).stderr.startswith(
        "plumb: cannot run query: out of memory at 256 MiB\n")


def test_a_reader_that_goes_away_is_no_failure(project):
    done = subprocess.run(["sh", "-c", f"{project.exe} query 'FROM range(100000000)' --format csv "
                           "| head -2; exec 2>&1"], cwd=project.dir, capture_output=True,
                          text=True, timeout=60)
    assert done.stdout == "range\n0\n" and done.stderr == ""


def test_an_interrupt_ends_it_with_130(project):
    child = subprocess.Popen([project.exe, "query", "SELECT count(*) FROM range(100000000000)"],
                             cwd=project.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
    time.sleep(0.7)
    begun = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, said = child.communicate(timeout=10)
    assert child.returncode == 130 and time.monotonic() - begun < 1
    assert out == "" and said == "plumb: cannot run query: interrupted\n"


# ---- with a lake -------------------------------------------------------------------------------

SOURCE = """source: shop
into: posts
map:
  id: id
  likes: likes
  price: price
"""
RECORDS = ('{"id": "a", "likes": 9223372036854775807, "price": 12345678.90}\n'
           '{"id": "b 🎉", "likes": -9223372036854775808, "price": 0.01, "more": [1]}\n'
           '{"id": "c", "likes": null}\n')


@pytest.fixture
def lake(project):
    (project.dir / "sources").mkdir()
    (project.dir / "sources" / "shop.yml").write_text(SOURCE)
    project("ingest", "shop", "-", input=RECORDS)
    project("run")
    return project


def test_what_was_published_comes_back_exactly(lake):
    assert lake("query", "SELECT * FROM posts ORDER BY id", "--format", "ndjson").stdout == (
        '{"id": "a", "likes": 9223372036854775807, "price": 12345678.90}\n'
        '{"id": "b 🎉", "likes": -9223372036854775808, "price": 0.01}\n'
        '{"id": "c", "likes": null, "price": null}\n')
    assert lake.json("query", "SELECT sum(likes) AS s, sum(price) AS p FROM public.posts",
                     ) == [{"s": -1, "p": 12345678.91}]


def test_system_columns_are_there_when_named(lake):
    assert lake.json("query", "SELECT _record, _rest FROM posts ORDER BY _record") == [
        {"_record": 0, "_rest": None}, {"_record": 1, "_rest": '{"more":[1]}'},
        {"_record": 2, "_rest": None}]


def test_the_next_publication_is_the_next_answer(lake):
    lake("ingest", "shop", "-", input='{"id": "d", "likes": 1}\n')
    assert lake.json("query", "SELECT count(*) AS n FROM posts") == [{"n": 3}]
    lake("run")
    assert lake.json("query", "SELECT count(*) AS n FROM posts") == [{"n": 4}]


def test_nothing_of_the_lake_but_the_tables_is_readable(lake):
    for path in ("plumb.db", "raw/**/*.gz", "tables/posts/metadata/*.avro",
                 "tables/posts/metadata/version-hint.text"):
        for function in ("read_blob", "read_text", "glob"):
            done = lake("query", f"FROM {function}('{lake.dir}/lake/{path}')", code=None)
            assert done.returncode in (1, 2) and done.stdout == ""


def test_a_table_named_only_in_pieces_is_an_error_not_empty(lake):
    said = lake("query", "FROM query_table('po' || 'sts')", code=1).stderr
    assert "table 'posts' is not spelled out in the query's text" in said
