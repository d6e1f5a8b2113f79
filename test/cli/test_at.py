# SPDX-License-Identifier: Apache-2.0
"""--at: tables as they were at a snapshot or a time; PyIceberg says what they were."""
import datetime
import json
import time

import pytest

import lake

CONTRACT = "table: posts\nkey: [id]\npartition: []\ncolumns:\n  id: long!\n  n: int\n"
SOURCE = "source: shop\ninto: posts\nmap:\n  id: id\n  n: n\n"


def land(plumb, *records):
    (plumb.dir / "in.json").write_text("\n".join(map(json.dumps, records)))
    plumb("ingest", "shop", "in.json")
    plumb("run")
    time.sleep(0.02)  # snapshots are told apart by their milliseconds


@pytest.fixture
def shop(plumb):
    """Three snapshots; before the last a column came and another was widened."""
    lake.project(plumb, {"posts": CONTRACT, "other": CONTRACT.replace("posts", "other")},
                 {"shop": SOURCE})
    land(plumb, {"id": 1, "n": 1}, {"id": 2, "n": 2})
    land(plumb, {"id": 3})
    lake.write(plumb.dir / "contracts/posts.yml", CONTRACT.replace("int", "long") + "  v: string\n")
    lake.write(plumb.dir / "sources/shop.yml", SOURCE + "  v: v\n")
    land(plumb, {"id": 4, "n": 2 ** 40, "v": "new"})
    return plumb


def stamp(milliseconds):
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc).isoformat()


def test_a_query_reads_a_snapshot_with_the_columns_it_had(shop):
    table = lake.table(shop, "posts")
    snapshots = table.snapshots()
    assert len(snapshots) == 3
    for snapshot in snapshots:
        want = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().sort_by("id")
        names = [c for c in want.column_names if not c.startswith("_")]
        got = shop.json("query", "SELECT * FROM posts ORDER BY id", "--at", snapshot.snapshot_id)
        assert got == want.select(names).to_pylist()
    first = snapshots[0].snapshot_id
    assert "no column 'v'" in shop("query", "SELECT v FROM posts", "--at", first, code=2).stderr
    rows = shop.json("query", "DESCRIBE posts", "--at", first)
    assert {r["column_name"]: r["column_type"] for r in rows if r["column_name"] == "n"} == {
        "n": "INTEGER"}


def test_a_time_means_the_snapshot_that_was_current_then(shop):
    log = lake.table(shop, "posts").history()
    for i, entry in enumerate(log):
        for later in 0, 5:
            got = shop.json("query", "SELECT count(*) AS n FROM posts", "--at",
                            stamp(entry.timestamp_ms + later))
            assert got == [{"n": [2, 3, 4][i]}]
    assert shop.json("query", "SELECT count(*) AS n FROM posts", "--at", "now") == [{"n": 4}]


def test_what_cannot_be_read_is_said(shop):
    first = lake.table(shop, "posts").history()[0].timestamp_ms
    hint = "\n  hint: 'plumb history posts' lists what can be read.\n"
    done = shop("query", "SELECT 1 FROM posts", "--at", "12345", code=1)
    assert done.stderr == "plumb: cannot read table 'posts': it has no snapshot 12345" + hint
    id = lake.table(shop, "posts").snapshots()[0].snapshot_id
    rounded = int(float(id)) if int(float(id)) != id else id + 1  # as jq 1.6 reads it
    assert shop("query", "SELECT 1 FROM posts", "--at", rounded, code=1).stderr.endswith(
        f"\n  hint: Did you mean {id}? What read it from JSON has rounded it to a double.\n")
    done = shop("query", "SELECT 1 FROM posts", "--at", "2001-02-03", code=1)
    assert done.stderr == ("plumb: cannot read table 'posts': nothing was published in it by "
                           "2001-02-03T00:00:00Z" + hint)
    assert shop("query", "SELECT 1 FROM posts", "--at", stamp(first - 1), code=1)
    done = shop("query", "SELECT 1 FROM other", "--at", "now", code=1)
    assert done.stderr == ("plumb: cannot read table 'other': nothing is published in it yet\n")
    done = shop("query", "SELECT 1 FROM posts", "--at", "9" * 30, code=2)
    assert "'999999999999999999999999999999' is no snapshot" in done.stderr
    assert shop("query", "SELECT 1 FROM posts", "--at", "yesterday", code=2)
    # A table the query does not read need not have been there.
    assert shop.json("query", "SELECT count(*) AS n FROM posts", "--at", stamp(first)) == [{"n": 2}]


def test_describe_and_history_as_of_then(shop):
    ids = [s.snapshot_id for s in lake.table(shop, "posts").snapshots()]
    names = [[c["name"] for c in shop.json("describe", "posts", "--at", i)["columns"]
              if not c["name"].startswith("_")] for i in ids]
    assert names == [["id", "n"], ["id", "n"], ["id", "n", "v"]]
    history = shop.json("history", "posts", "--at", ids[1])
    assert [h["snapshot"] for h in history] == [ids[1], ids[0]]
    assert [h["snapshot"] for h in shop.json("history", "posts", "--at", ids[1], "--limit", 1)] == [
        ids[1]]
    assert shop("describe", "posts", "--at", 5, code=1).stderr.startswith(
        "plumb: cannot read table 'posts': it has no snapshot 5\n")
