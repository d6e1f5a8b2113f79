# SPDX-License-Identifier: Apache-2.0
"""The SQL door alone: exact values, evolved files, what the sandbox refuses, time and memory.

Files are written by pyarrow with field ids, as any Iceberg writer does; queries go through
query-tool, which is pl_query_run and nothing else.
"""
import datetime
import decimal
import json
import math
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PLUMB_BUILD", ROOT / "build")).resolve()
TOOL = BUILD / "test" / "query" / "query-tool"
UTC = datetime.timezone.utc
GIB = 1 << 30


def field(name, kind, number):
    return pa.field(name, kind, metadata={"PARQUET:field_id": str(number)})


def write(path, fields, rows):
    columns = [pa.array([row[i] for row in rows], type=f.type) for i, f in enumerate(fields)]
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), path)
    return str(path)


def columns(*triples):
    return [{"id": i, "name": n, "type": t} for i, n, t in triples]


class Failed(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.__dict__.update(json.loads(text))


def ask(sql, tables=(), format="json", code=0, **options):
    spec = {"sql": sql, "tables": list(tables), "format": format, "threads": 2, **options}
    done = subprocess.run([TOOL], input=json.dumps(spec), capture_output=True, text=True,
                          timeout=120)
    if done.returncode != 0:
        raise Failed(done.stderr)
    return done.stdout


def rows(sql, tables=(), **options):
    return json.loads(ask(sql, tables, **options), parse_float=decimal.Decimal)


def failure(sql, tables=(), **options):
    with pytest.raises(Failed) as caught:
        ask(sql, tables, **options)
    return caught.value


VALUES = [
    (1, 2**63 - 1, decimal.Decimal("1234567890123456789012345678.0123456789"), 0.1, True,
     datetime.date(2026, 11, 22), datetime.datetime(2026, 11, 22, 3, 4, 5, 123456, UTC),
     'quote " back \\ 🎉 Größe', ["a", None, ""], '{"a": 1}'),
    (2, -2**63, decimal.Decimal("-0.0000000001"), 1e300, False,
     datetime.date(1969, 12, 31), datetime.datetime(1, 1, 1, tzinfo=UTC), "", [], "null"),
    (3, None, None, None, None, None, None, None, None, None),
    (4, 0, decimal.Decimal(0), math.nan, None, None,
     datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), "line\nbreak\ttab\x1b", None, None),
]


@pytest.fixture(scope="session")
def values(tmp_path_factory):
    """One table with every type plumb has."""
    fields = [field("id", pa.int32(), 1), field("big", pa.int64(), 2),
              field("exact", pa.decimal128(38, 10), 3), field("ratio", pa.float64(), 4),
              field("flag", pa.bool_(), 5), field("day", pa.date32(), 6),
              field("at", pa.timestamp("us", tz="UTC"), 7), field("text", pa.string(), 8),
              field("tags", pa.list_(field("element", pa.string(), 11)), 9),
              field("doc", pa.string(), 10), field("_object", pa.string(), 12)]
    path = write(tmp_path_factory.mktemp("values") / "v.parquet", fields,
                 [row + ("obj",) for row in VALUES])
    return {"name": "v", "files": [path], "columns": columns(
        (1, "id", "int"), (2, "big", "long"), (3, "exact", "decimal(38, 10)"),
        (4, "ratio", "double"), (5, "flag", "boolean"), (6, "day", "date"),
        (7, "at", "timestamp"), (8, "text", "string"), (9, "tags", "list(string)"),
        (10, "doc", "json"), (12, "_object", "string"))}


# ---- values ------------------------------------------------------------------------------------

def test_every_type_arrives_exactly(values):
    assert rows("SELECT * FROM v ORDER BY id", [values]) == [
        {"id": 1, "big": 2**63 - 1,
         "exact": decimal.Decimal("1234567890123456789012345678.0123456789"),
         "ratio": decimal.Decimal("0.1"), "flag": True, "day": "2026-11-22",
         "at": "2026-11-22T03:04:05.123456Z", "text": 'quote " back \\ 🎉 Größe',
         "tags": ["a", None, ""], "doc": '{"a": 1}'},
        {"id": 2, "big": -2**63, "exact": decimal.Decimal("-0.0000000001"),
         "ratio": decimal.Decimal("1e300"), "flag": False, "day": "1969-12-31",
         "at": "0001-01-01T00:00:00Z", "text": "", "tags": [], "doc": "null"},
        {"id": 3, "big": None, "exact": None, "ratio": None, "flag": None, "day": None,
         "at": None, "text": None, "tags": None, "doc": None},
        {"id": 4, "big": 0, "exact": 0, "ratio": "NaN", "flag": None, "day": None,
         "at": "9999-12-31T23:59:59.999999Z", "text": "line\nbreak\ttab\x1b", "tags": None,
         "doc": None},
    ]


@pytest.mark.parametrize("expression, text", [
    ("sum(9223372036854775807::BIGINT) FROM range(3)", "27670116110564327421"),
    ("170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727"),
    ("(-170141183460469231731687303715884105728)::HUGEINT",
     "-170141183460469231731687303715884105728"),
    ("340282366920938463463374607431768211455::UHUGEINT",
     "340282366920938463463374607431768211455"),
    ("18446744073709551615::UBIGINT", "18446744073709551615"),
    ("(-128)::TINYINT", "-128"),
    ("99999999999999999999999999999999999999::DECIMAL(38,0)",
     "99999999999999999999999999999999999999"),
    ("0.5::DECIMAL(3,2)", "0.50"),
    ("0.1::DOUBLE + 0.2::DOUBLE", "0.30000000000000004"),
    ("1.7976931348623157e308::DOUBLE", "1.7976931348623157e+308"),
    ("3.3::FLOAT", "3.3"),
    ("'-inf'::DOUBLE", '"-Infinity"'),
    ("true", "true"),
    ("TIMESTAMPTZ '2026-01-02 03:04:05.5+02'", '"2026-01-02T01:04:05.5Z"'),
    ("TIMESTAMP '2026-01-02 03:04:05'", '"2026-01-02T03:04:05"'),
    ("TIMESTAMP_NS '2026-01-02 03:04:05.123456789'", '"2026-01-02T03:04:05.123456789"'),
    ("TIMESTAMP_MS '1969-12-31 23:59:59.999'", '"1969-12-31T23:59:59.999"'),
    ("TIMESTAMP_S '1969-12-31 23:59:59'", '"1969-12-31T23:59:59"'),
    ("'infinity'::TIMESTAMPTZ", '"infinity"'),
    ("'-infinity'::DATE", '"-infinity"'),
    ("DATE '12345-06-07'", '"+12345-06-07"'),
    ("TIME '24:00:00'", '"24:00:00"'),
    ("TIMETZ '01:02:03.25-05:30'", '"01:02:03.25-05:30"'),
    ("INTERVAL '1 year 2 months -3 days 4 hours 5.5 seconds'", '"P1Y2M-3DT4H5.5S"'),
    ("INTERVAL '-1.5 seconds'", '"PT-1.5S"'),
    ("INTERVAL '0 days'", '"PT0S"'),
    ("UUID '12345678-1234-5678-9abc-def012345678'", '"12345678-1234-5678-9abc-def012345678"'),
    ("'\\x00\\xffA'::BLOB", '"\\\\x00ff41"'),
    ("'10101'::BIT", '"10101"'),
    ("'b'::ENUM('a', 'b')", '"b"'),
    ("[1, NULL, 3]", "[1,null,3]"),
    ("[]", "[]"),
    ("{'a': 1, 'b\"': [1.5, 'nan'::DOUBLE], 'c': NULL}", '{"a":1,"b\\"":[1.5,"NaN"],"c":null}'),
    ("MAP {'k': DATE '2026-01-01', 'j': NULL}", '{"k":"2026-01-01","j":null}'),
    ("MAP {1: [true]}", '{"1":[true]}'),
    ("array_value([1], [2])", "[[1],[2]]"),
    ("NULL", "null"),
])
def test_every_value_has_one_exact_text(expression, text):
    head, _, tail = expression.partition(" FROM ")
    assert ask(f"SELECT {head} AS x" + (f" FROM {tail}" if tail else "")) == \
        f'[\n {{"x": {text}}}\n]\n'


def test_a_type_without_text_is_refused_by_name():
    failed = failure("SELECT union_value(a := 1) AS u")
    assert failed.message == "cannot return column 'u': its type (number 28) has no text form"
    assert failed.hint == "Cast it in the query: CAST(u AS VARCHAR)."


def test_formats(values):
    sql = "SELECT id, big, text FROM v WHERE id IN (2, 3) ORDER BY id"
    assert ask(sql, [values], format="csv") == 'id,big,text\n2,-9223372036854775808,""\n3,,\n'
    assert ask(sql, [values], format="ndjson") == \
        '{"id": 2, "big": -9223372036854775808, "text": ""}\n{"id": 3, "big": null, "text": null}\n'
    assert ask(sql, [values], format="table") == (
        "id                   big  text\n"
        "--  --------------------  ----\n"
        " 2  -9223372036854775808  \n"
        " 3                  NULL  NULL\n")


# ---- tables ------------------------------------------------------------------------------------

def test_evolved_files_read_as_the_schema_says(tmp_path):
    old = write(tmp_path / "old.parquet",
                [field("likes", pa.int32(), 1), field("title", pa.string(), 2),
                 field("score", pa.float32(), 4), field("price", pa.decimal128(5, 2), 5)],
                [(7, "old", 1.5, decimal.Decimal("1.25"))])
    new = write(tmp_path / "new.parquet",
                [field("price", pa.decimal128(18, 2), 5), field("name", pa.string(), 2),
                 field("likes", pa.int64(), 1), field("views", pa.int64(), 3),
                 field("score", pa.float64(), 4)],
                [(decimal.Decimal("12345678901.25"), "new", 2**40, 9, 2.5)])
    table = {"name": "posts", "files": [old, new], "columns": columns(
        (1, "likes", "long"), (2, "name", "string"), (3, "views", "long"), (4, "score", "double"),
        (5, "price", "decimal(18, 2)"), (6, "later", "list(long)"))}
    assert rows("SELECT * FROM posts ORDER BY likes", [table]) == [
        {"likes": 7, "name": "old", "views": None, "score": decimal.Decimal("1.5"),
         "price": decimal.Decimal("1.25"), "later": None},
        {"likes": 2**40, "name": "new", "views": 9, "score": decimal.Decimal("2.5"),
         "price": decimal.Decimal("12345678901.25"), "later": None}]


def test_system_columns_appear_when_named(values):
    assert "_object" not in rows("SELECT * FROM v LIMIT 1", [values])[0]
    assert "_object" not in rows("SELECT *, '_object' AS x /* _object */ FROM v", [values])[0]
    assert rows("SELECT _object FROM v LIMIT 1", [values]) == [{"_object": "obj"}]
    assert rows('SELECT "_OBJECT" AS o FROM v LIMIT 1', [values]) == [{"o": "obj"}]


@pytest.mark.parametrize("name", ["v", "V", "public.v", "memory.public.v", '"public"."v"'])
def test_a_table_has_these_names(values, name):
    assert rows(f"SELECT count(*) AS n FROM {name};", [values]) == [{"n": 4}]


def test_tables_describe_themselves(values):
    empty = {"name": "empty", "files": [], "columns": columns((1, "x", "timestamp"))}
    assert ask("SHOW TABLES", [values, empty], format="csv") == "name\nempty\nv\n"
    assert rows("DESCRIBE empty", [values, empty])[0]["column_type"] == "TIMESTAMP WITH TIME ZONE"
    assert rows("SELECT * FROM empty", [values, empty]) == []
    assert ask("SELECT * FROM empty", [values, empty], format="csv") == "x\n"
    assert rows("SELECT count(*) AS n FROM empty", [values, empty]) == [{"n": 0}]


def test_a_table_that_was_not_looked_up_is_never_silently_empty(values):
    table = {**values, "columns_only": True}
    assert rows("DESCRIBE v", [table])[0]["column_name"] == "id"
    for sql in ("SELECT count(*) FROM v", "SELECT * FROM v", "SELECT 1 FROM v LIMIT 1"):
        assert failure(sql, [table]).message == \
            "cannot run query: table 'v' is not spelled out in the query's text"


def test_awkward_names_are_only_names(tmp_path):
    path = tmp_path / "it's [a] *dir* {b,c} 100%41?"
    path.mkdir()
    file = write(path / "f'1.parquet", [field("x", pa.int64(), 1)], [(1,)])
    table = {"name": 'odd"name', "files": [file], "columns": columns((1, "it's", "long"))}
    assert rows('SELECT "it\'s" AS x FROM "odd""name"', [table]) == [{"x": 1}]


# ---- mistakes ----------------------------------------------------------------------------------

@pytest.mark.parametrize("sql, message, hint, offset", [
    ("SELECT * FORM v", "syntax error at or near \"v\"", "", 14),
    ("SELECT *\nFROM vv", "no table 'vv'", "Did you mean v? Tables: v.", 14),
    ("SELECT 'é', bigg FROM v", "no column 'bigg'", "Did you mean big, ", 13),
    ("SELECT getenv('HOME')", "no function 'getenv'", "", 7),
    ("SELECT error('boom')", "boom", "", -1),
    ("SELECT 1; SELECT 2", "expected one statement, found 2", "", -1),
    ("  -- nothing", "its text is empty", "", -1),
    ("SELECT ?", "it has parameters without values", "", -1),
    ("SELECT 'a'::INT", "could not convert string 'a' to INT32", "", 10),
])
def test_mistakes_say_what_and_where(values, sql, message, hint, offset):
    failed = failure(sql, [values])
    assert failed.message == f"cannot run query: {message}"
    assert failed.offset == offset
    assert failed.hint.startswith(hint)


def test_an_error_among_the_rows_leaves_no_whole_document(values):
    sql = "SELECT CASE WHEN range = 99999 THEN error('late') END AS x FROM range(100000)"
    spec = json.dumps({"sql": sql, "tables": [], "format": "json"})
    done = subprocess.run([TOOL], input=spec, capture_output=True, text=True)
    assert done.returncode == 1 and json.loads(done.stderr)["message"].endswith("late")
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.stdout)


def test_a_file_that_is_gone_or_broken_is_named(tmp_path, values):
    gone = {**values, "files": [str(tmp_path / "gone.parquet")]}
    assert "gone.parquet" in failure("SELECT * FROM v", [gone], roots=[str(tmp_path)]).message
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing PAR1")
    bad = {**values, "files": [str(tmp_path / "bad.parquet")]}
    assert "bad.parquet" in failure("SELECT * FROM v", [bad]).message


# ---- what a query may not do -------------------------------------------------------------------

CHANGES = ["COPY v TO '{dir}/x.csv'", "CREATE TABLE x (a INT)", "INSERT INTO v VALUES (1)",
           "ATTACH '{dir}/x.db'", "INSTALL httpfs", "LOAD httpfs", "SET threads = 4",
           "EXPORT DATABASE '{dir}/x'", "CALL enable_logging()", "DROP VIEW v", "BEGIN",
           "USE memory.main", "PRAGMA threads = 4", "RESET ALL"]
READS = ["FROM read_csv('/etc/passwd')", "FROM '/etc/passwd'", "FROM read_text('/etc/hostname')",
         "FROM read_text('/proc/self/environ')", "FROM glob('/etc/*')", "FROM glob('{dir}/*')",
         "FROM read_parquet('{dir}/other.parquet')", "FROM '{dir}/other.parquet'",
         "FROM read_parquet('{dir}/../*/*.parquet')", "FROM read_blob('{worker}')",
         "FROM read_csv('https://localhost/x.csv')", "FROM sniff_csv('/etc/passwd')",
         "SELECT getenv('PATH')", "FROM read_json('/etc/os-release')"]


@pytest.fixture
def other(tmp_path):
    """A file that is no table's, in the folder of one that is."""
    fields = [field("x", pa.int64(), 1)]
    write(tmp_path / "other.parquet", fields, [(13,)])
    file = write(tmp_path / "mine.parquet", fields, [(1,)])
    return {"name": "v", "files": [file], "columns": columns((1, "x", "long"))}


@pytest.mark.parametrize("sql", CHANGES + READS)
@pytest.mark.parametrize("rooted", [False, True])
def test_refused(other, tmp_path, sql, rooted):
    sql = sql.format(dir=tmp_path, worker=BUILD / "src" / "sqlworker" / "plumb-sql")
    before = sorted(p.name for p in tmp_path.iterdir())
    failed = failure(sql, [other], **({"roots": [str(tmp_path)]} if rooted else {}))
    assert failed.message.startswith("cannot run query: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert rows("SELECT * FROM v", [other]) == [{"x": 1}]


def test_changes_are_refused_as_what_they_are(other):
    failed = failure("copy v TO '/tmp/x.csv'", [other])
    assert failed.message == "cannot run query: 'copy' is not a query"
    assert failed.offset == 0 and failed.hint.startswith("Only SELECT, ")
    assert failure("WITH a AS (SELECT 1) INSERT INTO v FROM a", [other]).message


def test_without_landlock_the_engine_still_refuses(other, tmp_path):
    assert rows("SELECT * FROM v", [other], no_sandbox=True) == [{"x": 1}]
    for sql in READS + CHANGES:
        failure(sql.format(dir=tmp_path, worker=TOOL), [other], no_sandbox=True)


def test_logging_to_a_file_writes_nothing(tmp_path, other):
    try:
        ask(f"FROM enable_logging('FileSystem', storage = 'file', storage_path = '{tmp_path}/l')",
            [other], roots=[str(tmp_path)])
    except Failed:
        pass  # whether the engine minds is its business
    assert not (tmp_path / "l").exists()


# ---- the kernel's wall, without the engine's ---------------------------------------------------

def test_the_worker_is_sandboxed_before_it_reads_anything(other):
    """While a query runs, every thread of the worker is bound and has no way to more rights."""
    spec = json.dumps({"sql": "SELECT count(*) FROM range(100000000000)", "tables": [other]})
    tool = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, text=True)
    tool.stdin.write(spec)
    tool.stdin.close()
    try:
        worker = worker_of(tool.pid)
        deadline = time.monotonic() + 20
        while len(list(pathlib.Path(f"/proc/{worker}/task").iterdir())) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for task in pathlib.Path(f"/proc/{worker}/task").iterdir():
            assert "NoNewPrivs:\t1" in (task / "status").read_text()
        limits = pathlib.Path(f"/proc/{worker}/limits").read_text()
        assert [l.split()[3:5] for l in limits.splitlines() if l.startswith("Max file size")] == \
            [["0", "0"]]
        opened = {os.readlink(f) for f in pathlib.Path(f"/proc/{worker}/fd").iterdir()}
        assert not any(str(ROOT) in name for name in opened)
    finally:
        tool.kill()
        tool.wait()


def worker_of(pid):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "plumb-sql":
                return int(child)
        time.sleep(0.02)
    pytest.fail("no worker was started")


# ---- time and memory ---------------------------------------------------------------------------

def test_time_is_up(other):
    begun = time.monotonic()
    failed = failure("SELECT count(*) FROM range(100000000000)", [other], timeout_ms=700)
    assert failed.message == "cannot run query: not done after 0.7 s"
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("sql", [
    "SELECT repeat('x', 2000000000)",
    "SELECT len(range(0, 3000000000))",
    "SELECT list_transform(range(500000000), lambda x: x + 1)",
    "SELECT list(range) FROM range(1000000000)",
    "SELECT count(DISTINCT range::VARCHAR) FROM range(1000000000)",
])
def test_a_memory_bomb_is_a_clean_error(other, sql):
    failed = failure(sql, [other], memory_bytes=256 << 20, timeout_ms=60000)
    assert failed.message.startswith("cannot run query: out of memory"), failed.message
    assert "--memory" in failed.hint


def test_a_row_larger_than_a_frame_is_refused(other):
    failed = failure("SELECT repeat('x', 70000000) AS x", [other])
    assert failed.message == "cannot return row 1: more than 64 MiB"
    assert len(rows("SELECT repeat('x', 20000000) AS x", [other])[0]["x"]) == 20000000


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_within_a_second(other, signum):
    spec = json.dumps({"sql": "SELECT count(*) FROM range(100000000000)", "tables": [other]})
    tool = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    tool.stdin.write(spec)
    tool.stdin.close()
    worker = worker_of(tool.pid)
    time.sleep(0.3)
    begun = time.monotonic()
    tool.send_signal(signum)
    assert tool.wait(timeout=60) == 130
    assert time.monotonic() - begun < 1
    assert json.loads(tool.stderr.read())["message"] == "cannot run query: interrupted"
    assert not pathlib.Path(f"/proc/{worker}").exists()


def test_a_killed_parent_leaves_no_worker(other):
    spec = json.dumps({"sql": "SELECT count(*) FROM range(100000000000)", "tables": [other]})
    tool = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    tool.stdin.write(spec)
    tool.stdin.close()
    worker = worker_of(tool.pid)
    tool.kill()
    tool.wait()
    deadline = time.monotonic() + 5
    while pathlib.Path(f"/proc/{worker}").exists():
        state = pathlib.Path(f"/proc/{worker}/stat").read_text().split()[2]
        if state == "Z":
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_worker_is_an_error_that_says_so(other):
    spec = json.dumps({"sql": "SELECT count(*) FROM range(100000000000)", "tables": [other]})
    tool = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)
    tool.stdin.write(spec)
    tool.stdin.close()
    os.kill(worker_of(tool.pid), signal.SIGABRT)  # SIGQUIT may be ignored, by who began us
    assert tool.wait(timeout=60) == 1
    assert json.loads(tool.stderr.read())["message"] == \
        "cannot run query: the SQL worker ended by signal 6"


def test_a_million_rows_stream_in_bounded_memory():
    spec = json.dumps({"sql": "SELECT range AS i, repeat('x', 200) AS x FROM range(1000000)",
                       "format": "csv", "tables": [], "memory_bytes": GIB})
    tool = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    tool.stdin.write(spec)
    tool.stdin.close()
    peak, count, last = 0, 0, ""
    worker = worker_of(tool.pid)
    for last in tool.stdout:
        count += 1
        if count % 100000 == 0:
            for pid in (tool.pid, worker):
                status = pathlib.Path(f"/proc/{pid}/status")
                if status.exists():
                    found = [l for l in status.read_text().splitlines() if l.startswith("VmHWM")]
                    peak = max([peak] + [int(l.split()[1]) for l in found])
    assert tool.wait() == 0
    assert count == 1000001 and last.startswith("999999,xxx")
    assert peak < 300 * 1024  # KiB; the whole result is 200 MB of text
