# SPDX-License-Identifier: Apache-2.0
"""Manifests merged on append and old metadata removed, with PyIceberg and DuckDB as readers."""
import json
import pathlib
import time

import duckdb
import pytest
from pyiceberg.io.pyarrow import PyArrowFileIO

import lake
from conftest import Plumb
from lake import figures

COMMITS = 1000  # of 10 files each

CONTRACT = ("table: posts\nkey: [id]\npartition: [p]\ncolumns:\n  p: string\n  id: long!\n"
            "  rate: double\n  price: decimal(9,2)\n")
SOURCE = ("source: shop\ninto: posts\nmap:\n  p: p\n  id: id\n  rate: rate\n"
          "  price: price\n")


def land(plumb, first, count=6):
    (plumb.dir / "in.json").write_text("\n".join(json.dumps(
        {"p": [None, "a", "ü" * 20][i % 3], "id": i, "rate": i / 7, "price": f"{i}.25"})
        for i in range(first, first + count)))
    plumb("ingest", "shop", "in.json")
    plumb("run")


def manifests(plumb):
    return lake.table(plumb, "posts").current_snapshot().manifests(PyArrowFileIO())


@pytest.fixture
def shop(plumb):
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    land(plumb, 0)
    with lake.table(plumb, "posts").transaction() as change:
        change.set_properties({"commit.manifest.min-count-to-merge": "5",
                               "write.metadata.previous-versions-max": "3"})
    return plumb


def test_small_manifests_are_merged_and_no_reader_notices(shop):
    counts = []
    for commit in range(1, 12):
        land(shop, commit * 6)
        counts.append(len(manifests(shop)))
        rows = lake.read(shop, "posts")
        assert sorted(rows["id"].to_pylist()) == list(range(commit * 6 + 6))
    assert counts == [2, 3, 4, 2, 3, 4, 2, 3, 4, 2, 3]
    table = lake.table(shop, "posts")
    assert shop.json("verify")["sound"]
    assert table.current_snapshot().summary["total-records"] == "72"
    merged = [m for m in manifests(shop) if m.existing_files_count]
    [manifest] = merged
    first = {s.sequence_number: s.snapshot_id for s in table.snapshots()}
    for entry in manifest.fetch_manifest_entry(PyArrowFileIO()):
        assert entry.status.name == "EXISTING"
        assert entry.snapshot_id == first[entry.sequence_number]
        assert entry.sequence_number < manifest.sequence_number
    assert manifest.min_sequence_number == 1
    # Every snapshot still reads as it did, and filters still prune.
    for i, snapshot in enumerate(table.snapshots()):
        assert table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows == 6 * (i + 1)
    assert table.scan("p is null").to_arrow().num_rows == 24
    assert len(list(table.scan("id >= 66").plan_files())) == 3
    paths = [f.file.file_path.removeprefix("file://") for f in table.scan().plan_files()]
    assert duckdb.sql(f"SELECT count(*), sum(id) FROM read_parquet({paths})").fetchall() == [
        (72, sum(range(72)))]


def test_merged_manifests_forget_what_was_deleted(shop):
    table = lake.table(shop, "posts")
    for commit in range(1, 4):
        land(shop, commit * 6)
    lake.table(shop, "posts").delete("p == 'a'")  # whole files
    land(shop, 24)
    land(shop, 30)
    table = lake.table(shop, "posts")
    assert table.scan("p == 'a'").to_arrow().num_rows == 4
    assert len(manifests(shop)) < 5
    assert all(not m.deleted_files_count for m in manifests(shop))
    assert shop.json("verify")["sound"]


def test_old_metadata_goes_and_every_snapshot_stays(shop):
    folder = shop.dir / "lake/tables/posts/metadata"
    for commit in range(1, 8):
        land(shop, commit * 6)
        table = lake.table(shop, "posts")
        there = {p.name for p in folder.glob("*.metadata.json")}
        known = {pathlib.Path(e.metadata_file).name for e in table.metadata.metadata_log}
        assert there == known | {pathlib.Path(table.metadata_location).name}
        assert len(known) <= 3
    assert len(lake.table(shop, "posts").snapshots()) == 8
    assert len(there) == 4 and shop.json("verify")["sound"]


def test_metadata_stays_when_the_table_says_so(shop):
    with lake.table(shop, "posts").transaction() as change:
        change.set_properties({"write.metadata.delete-after-commit.enabled": "false"})
    folder = shop.dir / "lake/tables/posts/metadata"
    for commit in range(1, 6):
        land(shop, commit * 6)
    assert len(list(folder.glob("*.metadata.json"))) == 8


def cost_of_a_run(plumb, first, count=30):
    (plumb.dir / "in.json").write_text("\n".join(json.dumps(
        {"p": f"p{i % 10}", "id": first + i, "rate": 1, "price": "1"}) for i in range(count)))
    plumb("ingest", "shop", "in.json")
    begun = time.monotonic()
    plumb("run")
    return time.monotonic() - begun


@pytest.mark.skipif(not lake.FULL, reason="the long form (PLUMB_FULL)")
@pytest.mark.plain_build
@pytest.mark.timeout(3600)
def test_the_cost_of_publishing_into_a_long_table(plumb, tmp_path_factory):
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    took = [cost_of_a_run(plumb, commit * 100) for commit in range(COMMITS)]
    table = lake.table(plumb, "posts")
    files = table.current_snapshot().summary["total-data-files"]
    counts = f"{files} files, {len(table.snapshots())} snapshots, {len(manifests(plumb))} manifests"
    empty, full = [], []
    for turn in range(15):  # by turns, so that what else the machine does counts for both
        other = Plumb(tmp_path_factory.mktemp("empty"))
        lake.project(other, {"posts": CONTRACT}, {"shop": SOURCE})
        empty.append(cost_of_a_run(other, 0))
        full.append(cost_of_a_run(plumb, (COMMITS + turn) * 100))
    empty, full = sorted(empty)[7], sorted(full)[7]
    begun = time.monotonic()
    assert plumb.json("verify", "posts")["sound"]
    figures("publishing into a long table",
            f"run into an empty table: median {empty * 1000:.0f} ms",
            f"run into {counts}: median {full * 1000:.0f} ms, {full / empty:.2f} times as long",
            f"worst of all (a merge): {max(took) * 1000:.0f} ms;"
            f" verify of it all: {time.monotonic() - begun:.1f} s")
    assert int(files) == 10 * COMMITS and full < 4 * empty  # meant: 2
