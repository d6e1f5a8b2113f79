# SPDX-License-Identifier: Apache-2.0
"""Our Iceberg metadata against PyIceberg, fastavro and DuckDB, in both directions.

test/tools/iceberg_make.c is the iceberg folder behind one JSON request. Data files are real
Parquet, written by pyarrow, so that readers can scan what the manifests name.
"""
import datetime
import decimal
import importlib.util
import json
import os
import pathlib
import sqlite3
import struct
import subprocess

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import from_bytes
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFile, ManifestEntry, ManifestEntryStatus, write_manifest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import (DecimalType, DoubleType, IntegerType, ListType, MapType, NestedField,
                             StringType, TimestamptzType)

from conftest import program
from lake import DATA

UTC = datetime.timezone.utc
DAY = datetime.date(1970, 1, 1)
COLUMNS = [
    {"name": "platform", "type": "string", "required": True, "doc": "where it was posted"},
    {"name": "at", "type": "timestamp"},
    {"name": "n", "type": "int"},
    {"name": "tags", "type": "list(string)"},
    {"name": "price", "type": "decimal(9, 2)"},
    {"name": "rate", "type": "double"},
]
PARTITION = [
    {"name": "platform", "source": "platform", "transform": "identity"},
    {"name": "at_day", "source": "at", "transform": "day"},
    {"name": "price", "source": "price", "transform": "identity"},
]


def ask(code=0, **request):
    """One request to iceberg_make; the answer as a dict."""
    request["store"] = str(request.get("store", ""))
    done = subprocess.run([program("iceberg_make")], input=json.dumps(request), text=True,
                          capture_output=True)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def path_of(uri):
    return uri.removeprefix("file://")


class Lake:
    """A store with one table of ours, and what was put into it."""

    def __init__(self, folder):
        self.store = folder
        self.rows = []      # what the table holds, as pyarrow gives it back
        self.locations = []
        self.seed = 0
        self.columns = COLUMNS

    def commit(self, do, **request):
        self.seed += 1
        answer = ask(do=do, store=self.store, seed=self.seed, now=1_700_000_000_000 + self.seed,
                     **request)
        self.locations.append(answer["location"])
        return answer

    def create(self, partition=()):
        self.commit("create", key="tables/posts", schema=self.columns, partition=list(partition))

    def append(self, files, **request):
        return self.commit("append", location=self.locations[-1], files=files, **request)

    def parquet(self, ids, types, rows, partition):
        """Write rows as Parquet with these field ids; gives the file as append wants it."""
        fields = []
        for name, kind in types.items():
            meta = {"PARQUET:field_id": str(ids[name])}
            if name == "tags":
                kind = pa.list_(pa.field("element", kind, metadata={
                    "PARQUET:field_id": str(ids["tags.element"])}))
            fields.append(pa.field(name, kind, metadata=meta, nullable=name != "platform"))
        table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
        path = self.store / "tables/posts/data" / f"{len(self.rows)}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        self.rows += rows
        numbers = [r["n"] for r in rows if r["n"] is not None]
        leaves = [{"id": ids["n"], "size": 9, "values": len(rows),
                   "nulls": len(rows) - len(numbers)}]
        if numbers:
            width = "<i" if types["n"] == pa.int32() else "<q"
            leaves[0]["lower"] = struct.pack(width, min(numbers)).hex()
            leaves[0]["upper"] = struct.pack(width, max(numbers)).hex()
        leaves.append({"id": ids["rate"], "size": 8, "values": len(rows), "nulls": 0, "nans": 1})
        return {"path": f"file://{path}", "rows": len(rows), "bytes": path.stat().st_size,
                "partition": partition, "leaves": leaves, "splits": [4]}


TYPES = {"platform": pa.string(), "at": pa.timestamp("us", "UTC"), "n": pa.int32(),
         "tags": pa.string(), "price": pa.decimal128(9, 2), "rate": pa.float64()}
IDS = {"platform": 1, "at": 2, "n": 3, "tags": 4, "tags.element": 7, "price": 5, "rate": 6}


def row(platform, at, n, tags=None, price="1.00", **more):
    return {"platform": platform, "at": at, "n": n, "tags": tags,
            "price": price and decimal.Decimal(price), "rate": 0.5, **more}


@pytest.fixture
def lake(tmp_path):
    """Created, appended to twice, a column added, another promoted, appended to again."""
    lake = Lake(tmp_path / "lake")
    lake.create(PARTITION)
    day = datetime.datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
    old = datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    first = lake.parquet(IDS, TYPES, [row("tiktok", day, 7, ["a", None]), row("tiktok", day, None)],
                         ["tiktok", (day.date() - DAY).days, "1.00"])
    second = lake.parquet(IDS, TYPES, [row("", old, -3, [], "-99.50")], ["", -1, "-99.50"])
    lake.append([first, second], summary={"plumb.run": "01JTEST"})
    lake.append([lake.parquet(IDS, TYPES, [row("/%=:\U0001f600", None, 2, None, None)],
                              ["/%=:\U0001f600", None, None])])
    lake.columns = [c | {"type": "long"} if c["name"] == "n" else c for c in COLUMNS]
    lake.columns.append({"name": "lang", "type": "string", "doc": "new"})
    assert lake.append([], schema=lake.columns)["changed"]
    types = TYPES | {"n": pa.int64(), "lang": pa.string()}
    third = lake.parquet(IDS | {"lang": 8}, types, [row("x", day, 2 ** 40, ["z"], lang="de")],
                         ["x", (day.date() - DAY).days, "1.00"])
    assert not lake.append([third], schema=lake.columns)["changed"]
    ask(do="hint", store=lake.store, location=lake.locations[-1])
    return lake


def by_platform(rows):
    return sorted(rows, key=lambda r: (r["platform"], r["n"] is None))


def test_pyiceberg_reads_every_row_as_it_was_written(lake):
    table = StaticTable.from_metadata(lake.locations[-1])
    want = [{"lang": None} | r for r in lake.rows]
    assert by_platform(table.scan().to_arrow().to_pylist()) == by_platform(want)
    fields = table.schema().fields
    assert [f"{f.field_id} {f.name} {f.field_type} {f.required}" for f in fields] == [
        "1 platform string True", "2 at timestamptz False", "3 n long False",
        "4 tags list<string> False", "5 price decimal(9, 2) False", "6 rate double False",
        "8 lang string False"]
    assert table.schema().find_field("platform").doc == "where it was posted"
    assert len(table.schemas()) == 2 and len(table.snapshots()) == 3


def test_filters_and_time_travel_find_the_right_rows(lake):
    table = StaticTable.from_metadata(lake.locations[-1])
    assert table.scan("platform == 'tiktok'").to_arrow().num_rows == 2
    assert table.scan("at < '1970-01-01T00:00:00+00:00'").to_arrow()["n"].to_pylist() == [-3]
    assert table.scan("n >= 1000000").to_arrow()["lang"].to_pylist() == ["de"]
    assert table.scan("price is null").to_arrow().num_rows == 1
    assert len(list(table.scan("n > 100").plan_files())) == 1  # bounds of both widths prune
    counts = [table.scan(snapshot_id=s.snapshot_id).to_arrow().num_rows for s in table.snapshots()]
    assert counts == [3, 4, 5]


def test_the_hint_leads_to_the_current_metadata(lake):
    table = StaticTable.from_metadata(str(lake.store / "tables/posts"))
    assert path_of(table.metadata_location) == path_of(lake.locations[-1])


def test_the_summary_counts_everything(lake):
    first, second, third = StaticTable.from_metadata(lake.locations[-1]).snapshots()
    sizes = sorted(p.stat().st_size for p in (lake.store / "tables/posts/data").iterdir())
    assert first.summary["plumb.run"] == "01JTEST"
    assert third.summary.operation.value == "append"
    assert (third.summary["total-records"], third.summary["total-data-files"]) == ("5", "4")
    assert third.summary["total-files-size"] == str(sum(sizes))
    assert (first.summary["changed-partition-count"], first.summary["added-records"]) == ("2", "3")
    assert second.parent_snapshot_id == first.snapshot_id and third.schema_id == 1


def test_pyiceberg_and_we_list_the_same_files(lake):
    theirs = StaticTable.from_metadata(lake.locations[-1]).inspect.files().to_pylist()
    ours = ask(do="files", store=lake.store, location=lake.locations[-1])["files"]
    assert len(ours) == 4
    for a, b in zip(ours, theirs, strict=True):
        assert (a["path"], a["rows"], a["bytes"]) == (b["file_path"], b["record_count"],
                                                      b["file_size_in_bytes"])
        assert a["partition"] == ["null" if v is None else str(v) for v in b["partition"].values()]
        leaves = {leaf["id"]: leaf for leaf in a["leaves"]}
        assert {i: leaf["values"] for i, leaf in leaves.items()} == dict(b["value_counts"])
        assert {i: leaf["nulls"] for i, leaf in leaves.items()} == dict(b["null_value_counts"])
        assert {i: leaf["size"] for i, leaf in leaves.items()} == dict(b["column_sizes"])
        assert {6: leaves[6]["nans"]} == dict(b["nan_value_counts"])
        assert {i: leaf["lower"] for i, leaf in leaves.items() if "lower" in leaf} == {
            i: v.hex() for i, v in b["lower_bounds"]}
        assert a["splits"] == b["split_offsets"]


def test_duckdb_reads_the_table_by_its_hint(lake):
    extensions = []
    for name in ("avro", "iceberg"):
        spec = importlib.util.find_spec(f"duckdb_extension_{name}")
        if not spec:
            pytest.skip(f"duckdb-extension-{name} is not installed")
        extensions += pathlib.Path(spec.origin).parent.glob("extensions/*/*.duckdb_extension")
    db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for path in extensions:
        db.load_extension(str(path))
    scan = f"iceberg_scan('{lake.store}/tables/posts')"
    got = db.sql(f"SELECT platform, n, tags, price, lang FROM {scan} ORDER BY ALL").fetchall()
    want = [(r["platform"], r["n"], r["tags"], r["price"], r.get("lang")) for r in lake.rows]
    assert sorted(got, key=str) == sorted(want, key=str)
    # DuckDB prunes by a day, by bounds of a promoted column, by a NULL and an empty partition.
    for where, count in [("posted.at >= TIMESTAMPTZ '2026-11-22 00:00:00+00'", 3), ("n > 100", 1),
                         ("price IS NULL", 1), ("platform = ''", 1)]:
        assert db.sql(f"SELECT count(*) FROM {scan} posted WHERE {where}").fetchall() == [(count,)]


# --- the Avro files themselves -----------------------------------------------------------------

def avro(path):
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        return dict(reader.metadata), list(reader)


def shape(schema, at=""):
    """Every field of an Avro schema: path -> (field-id, type, logical type, ...)."""
    if isinstance(schema, list):
        inner = [s for s in schema if s != "null"]
        assert len(inner) == 1 and schema[0] == "null"
        return shape(inner[0], at)
    if isinstance(schema, str):
        return {at: schema}
    kind = schema["type"]
    extras = tuple((k, schema[k]) for k in ("logicalType", "element-id", "size", "precision",
                                            "scale", "adjust-to-utc") if k in schema)
    found = {at: (kind, *extras)}
    if kind == "record":
        found[at] += (schema["name"],)
        for field in schema["fields"]:
            path = f"{at}/{field['name']}"
            found |= shape(field["type"], path)
            found[path] = (field["field-id"], found[path])
    elif kind == "array":
        found |= shape(schema["items"], at + "[]")
    return found


def pyiceberg_manifest(table, file, path):
    """The manifest PyIceberg writes for the one file `file` of `table`."""
    bounds = file["leaves"][0]
    data_file = DataFile.from_args(
        _table_format_version=2, content=0, file_path=file["path"], file_format="PARQUET",
        partition=Record("tiktok", file["partition"][1], decimal.Decimal("1.00")),
        record_count=file["rows"], file_size_in_bytes=file["bytes"],
        column_sizes={3: 9, 6: 8}, value_counts={3: 2, 6: 2}, null_value_counts={3: 1, 6: 0},
        nan_value_counts={6: 1}, lower_bounds={3: bytes.fromhex(bounds["lower"])},
        upper_bounds={3: bytes.fromhex(bounds["upper"])}, split_offsets=[4], equality_ids=None,
        sort_order_id=None, key_metadata=None)
    data_file.spec_id = 0
    with write_manifest(2, table.spec(), table.schema(), PyArrowFileIO().new_output(str(path)),
                        1_000_000_000_000_000_002, "deflate") as writer:
        writer.add_entry(ManifestEntry.from_args(
            status=ManifestEntryStatus.ADDED, snapshot_id=1_000_000_000_000_000_002,
            sequence_number=None, file_sequence_number=None, data_file=data_file))


def test_a_manifest_is_the_one_pyiceberg_writes(tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.create(PARTITION)
    day = datetime.datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
    file = lake.parquet(IDS, TYPES, [row("tiktok", day, 7), row("tiktok", day, None)],
                        ["tiktok", (day.date() - DAY).days, "1.00"])
    lake.append([file])
    table = StaticTable.from_metadata(lake.locations[-1])
    pyiceberg_manifest(table, file, tmp_path / "theirs.avro")
    [manifest] = table.current_snapshot().manifests(PyArrowFileIO())
    our_head, our_rows = avro(path_of(manifest.manifest_path))
    their_head, their_rows = avro(tmp_path / "theirs.avro")
    for record in our_rows:
        # A field of newer writers that PyIceberg's version leaves out.
        assert record["data_file"].pop("referenced_data_file") is None
    assert our_rows == their_rows
    ours = shape(json.loads(our_head.pop("avro.schema")))
    theirs = shape(json.loads(their_head.pop("avro.schema")))
    assert ours.pop("/data_file/referenced_data_file") == (143, "string")
    assert ours.pop("/data_file/equality_ids[]") == "int"  # as the specification says
    assert theirs.pop("/data_file/equality_ids[]") == "long"
    assert ours == theirs
    assert our_head.pop("schema-id") == "0"  # the specification lists it
    assert Schema.model_validate_json(our_head.pop("schema")) == Schema.model_validate_json(
        their_head.pop("schema"))
    our_spec, their_spec = (json.loads(h.pop("partition-spec")) for h in (our_head, their_head))
    assert our_spec == their_spec and our_head == their_head


def test_a_list_is_the_one_pyiceberg_writes(lake, tmp_path):
    catalog = SqlCatalog("p", uri="sqlite://", warehouse=f"file://{tmp_path}/wh")
    catalog.create_namespace("default")
    theirs = catalog.create_table("default.t", Schema(NestedField(1, "a", StringType())))
    theirs.append(pa.table({"a": ["x"]}))
    their_head, [their_row] = avro(path_of(theirs.current_snapshot().manifest_list))
    snapshot = StaticTable.from_metadata(lake.locations[-1]).current_snapshot()
    our_head, our_rows = avro(path_of(snapshot.manifest_list))
    ours, theirs = (shape(json.loads(head["avro.schema"])) for head in (our_head, their_head))
    assert ours == theirs
    assert list(our_rows[0]) == list(their_row)
    assert our_head.keys() == their_head.keys()
    assert [r["sequence_number"] for r in our_rows] == [3, 2, 1]
    assert our_head["sequence-number"] == "3" and our_head["snapshot-id"] == str(
        snapshot.snapshot_id)
    for record in our_rows:
        assert record["manifest_length"] == os.path.getsize(path_of(record["manifest_path"]))
    platform, day, price = our_rows[2]["partitions"]  # of the first commit: two files
    assert platform == {"contains_null": False, "contains_nan": False, "lower_bound": b"",
                        "upper_bound": b"tiktok"}
    assert from_bytes(IntegerType(), day["lower_bound"]) == -1
    assert from_bytes(DecimalType(9, 2), price["lower_bound"]) == decimal.Decimal("-99.50")
    assert our_rows[1]["partitions"][1] == {"contains_null": True, "contains_nan": False,
                                            "lower_bound": None, "upper_bound": None}


# --- sharing a table with PyIceberg ------------------------------------------------------------

def catalog_of(folder):
    folder.mkdir()
    catalog = SqlCatalog("p", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    catalog.create_namespace("default")
    return catalog


def move(folder, table, location):
    """What the catalog's swap does."""
    with sqlite3.connect(folder / "catalog.db") as db:
        changed = db.execute("UPDATE iceberg_tables SET metadata_location=? WHERE"
                             " metadata_location=?", (location, table.metadata_location))
        assert changed.rowcount == 1


def test_we_append_to_a_table_pyiceberg_made(tmp_path):
    catalog = catalog_of(tmp_path / "wh")
    schema = Schema(NestedField(1, "platform", StringType(), required=True),
                    NestedField(2, "at", TimestamptzType()), NestedField(3, "n", IntegerType()),
                    NestedField(4, "tags", ListType(7, StringType(), element_required=False)),
                    NestedField(5, "price", DecimalType(9, 2)),
                    NestedField(6, "rate", DoubleType()), identifier_field_ids=[1])
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "platform"),
                         PartitionField(5, 1001, IdentityTransform(), "price"))
    table = catalog.create_table("default.t", schema, partition_spec=spec,
                                 properties={"owner": "someone"})
    day = datetime.datetime(2026, 11, 22, tzinfo=UTC)
    rows = [row("x", day, 1, ["t"]), row("y", None, None, None, "-0.01")]
    table.append(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()))
    files = ask(do="files", store=tmp_path / "wh", location=table.metadata_location)["files"]
    assert sorted(f["partition"] for f in files) == [["x", "1.00"], ["y", "-0.01"]]
    lake = Lake(tmp_path / "wh")
    file = lake.parquet(IDS, TYPES, [row("x", day, 5, [])], ["x", "1.00"])
    answer = ask(do="append", store=tmp_path / "wh", location=table.metadata_location, seed=9,
                 now=0, files=[file])
    move(tmp_path / "wh", table, answer["location"])
    table = catalog.load_table("default.t")
    assert table.scan().to_arrow().num_rows == 3
    assert table.properties["owner"] == "someone"
    assert table.schema().identifier_field_ids == [1]
    assert table.current_snapshot().summary["total-records"] == "3"
    assert [e.metadata_file for e in table.metadata.metadata_log][-1] != table.metadata_location
    table.append(pa.Table.from_pylist([row("z", day, 6)], schema=table.schema().as_arrow()))
    assert sorted(table.scan().to_arrow()["n"].to_pylist(), key=str) == [1, 5, 6, None]


def test_pyiceberg_appends_to_our_table_and_we_read_on(tmp_path):
    lake = Lake(tmp_path / "wh")
    catalog = catalog_of(tmp_path / "wh")
    lake.create(PARTITION[:1])
    day = datetime.datetime(2026, 11, 22, tzinfo=UTC)
    lake.append([lake.parquet(IDS, TYPES, [row("x", day, 1)], ["x"])])
    table = catalog.register_table("default.t", lake.locations[-1])
    table.append(pa.Table.from_pylist([row("y", day, 2)], schema=table.schema().as_arrow()))
    with table.update_schema() as update:
        update.add_column("extra", StringType())
    files = ask(do="files", store=lake.store, location=table.metadata_location)["files"]
    assert [f["partition"] for f in files] == [["y"], ["x"]]
    answer = ask(do="append", store=lake.store, location=table.metadata_location, seed=8, now=0,
                 files=[], schema=COLUMNS + [{"name": "extra", "type": "string"},
                                             {"name": "more", "type": "list(int)"}])
    assert answer["changed"]
    move(lake.store, table, answer["location"])
    table = catalog.load_table("default.t")
    assert [(f.field_id, f.name) for f in table.schema().fields][-2:] == [(8, "extra"), (9, "more")]
    table.delete("platform == 'x'")
    files = ask(do="files", store=lake.store, location=table.metadata_location)["files"]
    assert [f["partition"] for f in files] == [["y"]]  # the deleted entry is not live


def test_what_plumb_has_no_type_for_is_refused_and_left_alone(tmp_path):
    catalog = catalog_of(tmp_path / "wh")
    schema = Schema(NestedField(1, "a", IntegerType()),
                    NestedField(2, "m", MapType(3, StringType(), 4, StringType())))
    location = catalog.create_table("default.t", schema).metadata_location
    answer = ask(code=1, do="append", store=tmp_path / "wh", location=location, files=[],
                 schema=[{"name": "a", "type": "int"}], seed=1)
    assert answer["error"] == ("cannot change table 't': column 'm' has type map, which plumb does "
                               "not write")
    answer = ask(code=1, do="append", store=tmp_path / "wh", location=location, seed=1, files=[])
    assert answer["error"] == ("cannot append to table 't': column 'm' has type map, which plumb "
                               "does not write")


def test_what_pyiceberg_wrote_is_written_back_with_the_same_meaning(tmp_path):
    catalog = catalog_of(tmp_path / "wh")
    schema = Schema(NestedField(1, "a", IntegerType(), doc="a \"quoted\" doc"))
    table = catalog.create_table("default.t", schema, properties={"k": "v/w"})
    table.append(pa.table({"a": pa.array([1], pa.int32())}))
    path = path_of(table.metadata_location)
    before = json.loads(pathlib.Path(path).read_text())
    after = json.loads(ask(do="parse", path=path)["text"])
    assert after == before


def peers():
    return sorted((DATA / "peers/iceberg-metadata").glob("TableMetadata*.json"))


@pytest.mark.skipif(not peers(), reason=f"needs {DATA} (PLUMB_SHARED says where)")
@pytest.mark.parametrize("path", peers(), ids=lambda p: p.stem)
def test_the_java_librarys_examples_are_judged_as_it_does(path):
    truth = json.loads((path.parent / "truth.json").read_text())["expected"][path.name]
    document = json.loads(path.read_text())
    version = document.get("format-version")
    if truth == "accept" and version == 2:
        text = ask(do="parse", path=str(path))["text"]
        assert {key: json.loads(text)[key] for key in document} == document
        return
    error = ask(code=1, do="parse", path=str(path))["error"]
    assert error.startswith(f"cannot read table metadata '{path.name}': ")
    if version != 2:
        assert error.endswith(f"it has format version {version}, and plumb knows version 2")
