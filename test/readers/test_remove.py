# SPDX-License-Identifier: Apache-2.0
"""Commits that remove files, read by PyIceberg and DuckDB and looked at by our lint."""
import importlib.util
import json
import pathlib
import shutil
import subprocess
import time

import duckdb
import pytest
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import StaticTable

import lake
from conftest import program

CONTRACT = ("table: posts\nkey: [id]\npartition: [p]\ncolumns:\n  p: string\n  id: long!\n"
            "  rate: double\n  price: decimal(9,2)\n")
SOURCE = "source: shop\ninto: posts\nmap:\n  p: p\n  id: id\n  rate: rate\n  price: price\n"


def ask(code=0, **request):
    """One request to iceberg_make; the answer as a dict."""
    done = subprocess.run([program("iceberg_make")], input=json.dumps(request), text=True,
                          capture_output=True)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


class Table:
    """A table plumb made, taken further by commits of our own that no registry knows."""

    def __init__(self, plumb):
        self.store = str(plumb.dir / "lake")
        self.location = lake.table(plumb, "posts").metadata_location
        self.seed = 100

    def files(self):
        return ask(do="files", store=self.store, location=self.location)["files"]

    def commit(self, add=(), remove=(), **more):
        self.seed += 1
        request = {"files": list(add), "removed": [f["path"] for f in remove], **more}
        self.location = ask(do="append", store=self.store, location=self.location, seed=self.seed,
                            now=int(time.time() * 1000) + self.seed, **request)["location"]
        ask(do="hint", store=self.store, location=self.location)
        return StaticTable.from_metadata(self.location)

    def copy(self, file):
        path = pathlib.Path(file["path"].removeprefix("file://"))
        other = path.with_name(f"copy-{self.seed}-{path.name}")
        shutil.copy(path, other)
        file = json.loads(json.dumps(file)) | {"path": f"file://{other}"}
        file["partition"] = [None if p == "null" else p for p in file["partition"]]
        return file

    def check(self, ids):
        assert ask(do="lint", store=self.store, location=self.location)["findings"] == []
        rows = StaticTable.from_metadata(self.location).scan().to_arrow()
        assert sorted(rows["id"].to_pylist()) == sorted(ids)
        assert self.duckdb() == [(len(ids), sum(ids) if ids else None)]

    def duckdb(self):
        db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        for name in ("avro", "iceberg"):
            spec = importlib.util.find_spec(f"duckdb_extension_{name}")
            if not spec:
                pytest.skip(f"duckdb-extension-{name} is not installed")
            for path in pathlib.Path(spec.origin).parent.glob("extensions/*/*.duckdb_extension"):
                db.load_extension(str(path))
        scan = f"iceberg_scan('{self.store}/tables/posts')"
        return db.sql(f"SELECT count(*), sum(id) FROM {scan}").fetchall()


@pytest.fixture
def table(plumb):
    """Ids 0 to 17 in three commits of one file for each of three partitions."""
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    for first in (0, 6, 12):
        (plumb.dir / "in.json").write_text("\n".join(json.dumps(
            {"p": [None, "a", "ü" * 20][i % 3], "id": i, "rate": i / 7, "price": f"{i}.25"})
            for i in range(first, first + 6)))
        plumb("ingest", "shop", "in.json")
        plumb("run")
    return Table(plumb)


def test_files_are_removed_and_replaced(table):
    files = table.files()
    assert len(files) == 9
    gone = [f for f in files if f["partition"] == ["a"]]
    before = StaticTable.from_metadata(table.location).current_snapshot()
    after = table.commit(remove=gone)
    left = [i for i in range(18) if i % 3 != 1]
    table.check(left)
    head = after.current_snapshot()
    assert head.summary.operation.value == "delete" and head.summary["deleted-records"] == "6"
    assert head.summary["total-records"] == "12"
    assert after.scan(snapshot_id=before.snapshot_id).to_arrow().num_rows == 18

    old = [f for f in table.files() if f["partition"] == ["null"]][:2]
    after = table.commit(add=[table.copy(f) for f in old], remove=old, operation="replace")
    table.check(left)
    summary = after.current_snapshot().summary
    assert summary.operation.value == "replace" and summary["changed-partition-count"] == "1"

    some = table.files()[-1]
    after = table.commit(add=[table.copy(some)], remove=[some])
    table.check(left)
    assert after.current_snapshot().summary.operation.value == "overwrite"
    for manifest in after.current_snapshot().manifests(PyArrowFileIO()):
        for entry in manifest.fetch_manifest_entry(PyArrowFileIO(), discard_deleted=False):
            assert (entry.snapshot_id == manifest.added_snapshot_id
                    or entry.status.name == "EXISTING")


def test_everything_is_removed_and_comes_again(table):
    files = table.files()
    table.commit(remove=files)
    table.check([])
    table.commit(add=[table.copy(files[0])])
    table.check([i for i in range(12, 18) if [f"{v}" for v in files[0]["partition"]]
                 == [["null", "a", "ü" * 20][i % 3]]])


def test_what_is_gone_cannot_go_again(table):
    files = table.files()
    table.commit(remove=files[:1])
    answer = ask(1, do="append", store=table.store, location=table.location, seed=200,
                 now=int(time.time() * 1000), removed=[files[0]["path"]])
    assert answer["error"] == (f"cannot remove files of table 'posts': '{files[0]['path']}' "
                               "is not in it any more")
