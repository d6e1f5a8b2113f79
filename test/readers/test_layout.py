# SPDX-License-Identifier: Apache-2.0
"""How a contract lays out a table's files: `sort`, `compression`, bloom filters of the key."""
import json
import random

import duckdb
import pyarrow.parquet as pq
import pytest

import lake

CONTRACT = """\
table: posts
key: [id, number]
{more}
columns:
  id: string!
  number: long
  rate: double
  title: string
  day: date
  flag: boolean
  tags: list(string)
  rest: json
"""
SOURCE = """\
source: shop
into: posts
map: {id: id, number: number, rate: rate, title: title, day: day, flag: flag, tags: tags,
      rest: rest}
"""


def posts(count, seed=1):
    pick = random.Random(seed)
    return [{"id": f"post-{pick.randrange(10 ** 9):09}", "number": pick.randrange(10 ** 6),
             "rate": pick.choice([None, -0.0, 0.0, 1.5, -2.25]),
             "title": pick.choice([None, "", "a", "é", "ab", "zz" * 20]),
             "day": f"2026-11-{pick.randrange(1, 29):02}", "flag": pick.choice([True, False, None]),
             "tags": [str(n) for n in range(i % 4)] if i % 5 else None, "rest": {"i": i}}
            for i in range(count)]


def land(plumb, rows):
    (plumb.dir / "in.json").write_text("\n".join(map(json.dumps, rows)))
    plumb("ingest", "shop", "in.json")
    plumb("run")


def declare(plumb, more):
    lake.project(plumb, {"posts": CONTRACT.format(more=more)}, {"shop": SOURCE})


def data_files(plumb):
    return lake.table(plumb, "posts").inspect.files().to_pylist()


def footer(file):
    return pq.ParquetFile(file["file_path"].removeprefix("file://")).metadata


def in_order(rows, *fields):
    """Are the rows in this order? A field is (name, descending); NULL is below every value."""
    def key(value, descending):
        at = (value is not None, value if value is not None else 0)
        return Reversed(at) if descending else at
    keys = [[key(row[name], down) for name, down in fields] for row in rows]
    return all(a <= b for a, b in zip(keys, keys[1:]))


class Reversed:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value

    def __lt__(self, other):
        return other.value < self.value

    def __le__(self, other):
        return other.value <= self.value


def test_rows_are_sorted_and_every_level_says_so(plumb):
    declare(plumb, "sort: [title desc, day, number desc]")
    rows = posts(3000)
    land(plumb, rows)
    table = lake.table(plumb, "posts")
    order = table.sort_order()
    names = {f.field_id: f.name for f in table.schema().fields}
    assert order.order_id == 1
    assert [(names[f.source_id], str(f.direction), str(f.null_order)) for f in order.fields] == [
        ("title", "DESC", "NULLS LAST"), ("day", "ASC", "NULLS FIRST"),
        ("number", "DESC", "NULLS LAST")]
    [file] = data_files(plumb)
    assert file["sort_order_id"] == 1
    said = footer(file).row_group(0).sorting_columns
    index = {name: i for i, name in enumerate(table.schema().column_names)}
    assert said == (pq.SortingColumn(index["title"], descending=True, nulls_first=False),
                    pq.SortingColumn(index["day"], nulls_first=True),
                    pq.SortingColumn(index["number"], descending=True, nulls_first=False))
    got = lake.read(plumb, "posts").to_pylist()
    utf8 = [{**r, "title": None if r["title"] is None else r["title"].encode()} for r in got]
    assert in_order(utf8, ("title", True), ("day", False), ("number", True))
    def plain(rows):
        return sorted(((r["id"], r["number"], r["rate"], r["title"], str(r["day"]), r["flag"],
                        r["tags"]) for r in rows), key=repr)
    assert plain(got) == plain(rows)
    assert plumb.json("verify")["sound"]


def test_an_order_may_change_and_go(plumb):
    declare(plumb, "sort: number")
    land(plumb, posts(50, 1))
    declare(plumb, "sort: [day desc]")
    land(plumb, posts(50, 2))
    declare(plumb, "")
    land(plumb, posts(50, 3))
    table = lake.table(plumb, "posts")
    assert [o.order_id for o in table.metadata.sort_orders] == [0, 1, 2]
    assert table.metadata.default_sort_order_id == 0
    assert sorted(f["sort_order_id"] or 0 for f in data_files(plumb)) == [0, 1, 2]
    declare(plumb, "sort: number")
    land(plumb, posts(50, 4))
    table = lake.table(plumb, "posts")
    assert len(table.metadata.sort_orders) == 3 and table.sort_order().order_id == 1
    assert lake.read(plumb, "posts").num_rows == 200
    assert plumb.json("verify")["sound"]


def test_a_file_of_several_groups_is_called_sorted_only_if_it_is(plumb):
    declare(plumb, "sort: number\nrest: drop")
    count = 270000
    for start, step in (0, 1), (count, -1):
        with (plumb.dir / "in.json").open("w") as out:
            for i in range(count):
                out.write('{"id":"%d","number":%d}\n' % (i % 7, start + step * i))
        plumb("ingest", "shop", "in.json")
        plumb("run", "--threads", "1")
    found = {}
    for file in data_files(plumb):
        meta = footer(file)
        assert meta.num_row_groups == 2
        ends = [[meta.row_group(g).column(1).statistics.min,
                 meta.row_group(g).column(1).statistics.max] for g in range(2)]
        assert all(meta.row_group(g).sorting_columns for g in range(2))
        found[ends[0][1] <= ends[1][0]] = file["sort_order_id"]
    assert found == {True: 1, False: None}
    assert plumb.json("verify")["sound"]


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
def test_pages_are_packed_as_declared(plumb, codec):
    declare(plumb, f"compression: {codec}")
    land(plumb, posts(500))
    [file] = data_files(plumb)
    meta = footer(file)
    assert {meta.row_group(0).column(c).compression for c in range(meta.num_columns)} == {
        codec.upper()}
    said = lake.table(plumb, "posts").properties.get("write.parquet.compression-codec")
    assert said == ("zstd" if codec == "zstd" else None)
    assert lake.read(plumb, "posts").num_rows == 500
    path = file["file_path"].removeprefix("file://")
    assert duckdb.sql(f"SELECT count(DISTINCT id) FROM '{path}'").fetchall()[0][0] > 490
    declare(plumb, "")
    land(plumb, posts(10, 5))
    said = lake.table(plumb, "posts").properties.get("write.parquet.compression-codec")
    assert said == ("snappy" if codec == "zstd" else None)
    assert plumb.json("verify")["sound"]


def test_encodings_are_those_declared_when_a_file_is_written(plumb):
    """Compact, safe, compact: one table, whose rows are those of a table that always was safe."""
    rows = posts(3000)
    for part, encodings in enumerate(["compact", "safe", "compact"]):
        declare(plumb, f"encodings: {encodings}")
        land(plumb, rows[part * 1000:(part + 1) * 1000])
    kinds = set()
    for file in data_files(plumb):
        group = footer(file).row_group(0)
        found = {e for c in range(group.num_columns) for e in group.column(c).encodings}
        kinds.add(frozenset(e for e in found if e.startswith("DELTA")))
    assert kinds == {frozenset(), frozenset(["DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY"])}
    assert plumb.json("verify")["sound"]
    whole = lake.read(plumb, "posts").sort_by([("number", "ascending"), ("id", "ascending")])
    paths = [f["file_path"].removeprefix("file://") for f in data_files(plumb)]
    want = sorted((r["number"], r["id"]) for r in rows)
    assert [*zip(whole["number"].to_pylist(), whole["id"].to_pylist())] == want
    assert duckdb.execute("SELECT number, id FROM read_parquet(?) ORDER BY ALL",
                          [paths]).fetchall() == want
    assert plumb("query", "--format", "csv", "SELECT count(*) n, sum(number) s FROM posts").stdout \
        == f"n,s\n3000,{sum(r['number'] for r in rows)}\n"


def test_spark_reads_compact_files(spark, plumb):
    declare(plumb, "encodings: compact")
    rows = posts(4000)
    land(plumb, rows)
    # Iceberg reads delta encodings row by row; batch by batch only from 1.11 on.
    _, [total] = spark(
        lake.table(plumb, "posts").metadata_location,
        "SET spark.sql.iceberg.vectorization.enabled=false",
        "SELECT count(*) n, count(DISTINCT id) ids, sum(number) numbers FROM t")
    assert total == {"n": 4000, "ids": len({r["id"] for r in rows}),
                     "numbers": sum(r["number"] for r in rows)}


def test_a_point_query_on_the_key_skips_row_groups(plumb):
    declare(plumb, "sort: day")
    rows = posts(6000)
    half = len(rows) // 2
    land(plumb, rows[:half])
    land(plumb, rows[half:])
    paths = [f["file_path"].removeprefix("file://") for f in data_files(plumb)]
    db = duckdb.connect()

    def excluded(column, value):
        return [e for path in paths for *_, e in db.execute(
            "FROM parquet_bloom_probe(?, ?, ?)", [path, column, value]).fetchall()]
    for row in rows[::500]:
        assert sorted(excluded("id", row["id"])) in ([False, True], [False, False])
    skipped = sum(excluded("id", row["id"]).count(True) for row in rows[::20])
    assert skipped >= 0.95 * len(rows[::20])  # one of the two groups, but for false positives
    assert all(excluded("id", "post-of-nobody")) and excluded("number", 1) is not None
    for row in rows[::700]:
        assert db.execute("SELECT count(*) FROM read_parquet(?) WHERE id = ? AND number = ?",
                          [paths, row["id"], row["number"]]).fetchone()[0] >= 1
    # The first sort column has minimum and maximum for that, other columns were not asked for.
    with_filter = {r[0] for path in paths for r in db.execute(
        "SELECT path_in_schema FROM parquet_metadata(?) WHERE bloom_filter_offset IS NOT NULL",
        [path]).fetchall()}
    assert with_filter == {"id", "number"}


def test_spark_reads_sorted_zstd_files_with_bloom_filters(spark, plumb):
    declare(plumb, "sort: [day, number desc]\ncompression: zstd")
    rows = posts(4000)
    land(plumb, rows)
    table = lake.table(plumb, "posts")
    one = rows[1234]
    [found], [gone], [total] = spark(
        table.metadata_location,
        f"SELECT count(*) n FROM t WHERE id = '{one['id']}' AND number = {one['number']}",
        "SELECT count(*) n FROM t WHERE id = 'post-of-nobody'",
        "SELECT count(*) n, count(DISTINCT id) ids, sum(number) numbers FROM t")
    assert found["n"] == 1 and gone["n"] == 0
    assert total == {"n": 4000, "ids": len({r["id"] for r in rows}),
                     "numbers": sum(r["number"] for r in rows)}
