# SPDX-License-Identifier: Apache-2.0
"""`plumb verify` against tables broken on purpose, one rule each, and tables that are sound.

The base is made by plumb; each case changes one thing in a copy of it with json or fastavro, so
what is broken does not come from the code that has to notice it. Sound tables come from plumb,
PyIceberg and Spark; metadata files with known verdicts from the real data, where it is.
"""
import copy
import decimal
import json
import pathlib
import re
import shutil
import sqlite3
import struct
import subprocess

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (BinaryType, DecimalType, DoubleType, FixedType, FloatType,
                             IntegerType, ListType, LongType, MapType, NestedField, StringType,
                             StructType, TimestampType, TimestamptzType, TimeType, UUIDType)

import lake
from conftest import ROOT, Plumb

CONTRACT = """
    table: posts
    key: [id]
    partition: [platform, day(at)]
    columns:
      platform: string!
      id: long!
      at: timestamp!
      rate: double
      price: decimal(9,2)
      tags: list(string)
      note: string
"""
SOURCE = """
    source: shop
    into: posts
    map:
      platform: p
      id: id
      at: at
      rate: rate
      price: price
      tags: tags
      note: note
"""


def records(day):
    for i in range(40):
        yield {"p": "tiktok" if i % 2 else "x", "id": day * 100 + i,
               "at": f"2026-11-{day + 1 + i % 2:02d}T0{i % 10}:00:00Z", "rate": i / 7,
               "price": f"{i}.50", "tags": ["a", "b"][:i % 3], "note": None if i % 5 else "n" * i}


def make_base(folder, contract=CONTRACT):
    """A project with one table of three snapshots."""
    plumb = Plumb(folder)
    lake.project(plumb, {"posts": contract}, {"shop": SOURCE})
    for day in range(3):
        (folder / "in.json").write_text("\n".join(map(json.dumps, records(day))))
        plumb("ingest", "shop", "in.json")
        plumb("run")
    return plumb


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "project"
    folder.mkdir()
    make_base(folder)
    return folder


@pytest.fixture(scope="session")
def mixed(tmp_path_factory):
    """The base after PyIceberg deleted some rows and some files of it."""
    folder = tmp_path_factory.mktemp("mixed") / "project"
    folder.mkdir()
    plumb = make_base(folder, CONTRACT.replace(", day(at)", ""))
    table = lake.table(plumb, "posts")
    table.delete("id == 7")
    table.delete("platform == 'x' and id >= 100 and id < 200")
    return folder


class Broken:
    """One table whose files can be changed, and put back."""

    def __init__(self, folder):
        self.dir = folder
        self.saved = {}
        self.undo = []

    def point(self, path):
        with sqlite3.connect(self.dir / "lake/plumb.db") as db:
            db.execute("UPDATE iceberg_tables SET metadata_location = ?", (f"file://{path}",))

    def keep(self, path):
        self.saved.setdefault(path, path.read_bytes() if path.exists() else None)
        return path

    def restore(self):
        for step in self.undo:
            step()
        self.undo = []
        for path, content in self.saved.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        self.saved = {}

    @property
    def metadata(self):
        with sqlite3.connect(self.dir / "lake/plumb.db") as db:
            [(location,)] = db.execute("SELECT metadata_location FROM iceberg_tables")
        return pathlib.Path(location.removeprefix("file://"))

    def meta(self, change):
        path = self.keep(self.metadata)
        document = json.loads(path.read_text())
        path.write_text(json.dumps(change(document) or document))

    def snapshot(self, document=None):
        document = document or json.loads(self.metadata.read_text())
        return next(s for s in document["snapshots"]
                    if s["snapshot-id"] == document["current-snapshot-id"])

    def list_path(self):
        return pathlib.Path(self.snapshot()["manifest-list"].removeprefix("file://"))

    def avro(self, path, change):
        """change(rows, schema, header) of one Avro file."""
        with open(self.keep(path), "rb") as file:
            reader = fastavro.reader(file)
            header = {k: v for k, v in reader.metadata.items() if not k.startswith("avro.")}
            schema, rows = copy.deepcopy(reader.writer_schema), list(reader)
        change(rows, schema, header)
        with open(path, "wb") as file:
            fastavro.writer(file, schema, rows, codec="deflate", metadata=header)

    def list(self, change):
        self.avro(self.list_path(), change)

    def manifest(self, change, which=0):
        """Change a manifest of the current snapshot; lists get its new length."""
        with open(self.list_path(), "rb") as file:
            rows = list(fastavro.reader(file))
        path = pathlib.Path(rows[which]["manifest_path"].removeprefix("file://"))
        self.avro(path, change)
        self.fit(path)

    def fit(self, path):
        def length(rows, schema, header):
            for row in rows:
                if row["manifest_path"] == f"file://{path}":
                    row["manifest_length"] = path.stat().st_size
        for snapshot in json.loads(self.metadata.read_text())["snapshots"]:
            self.avro(pathlib.Path(snapshot["manifest-list"].removeprefix("file://")), length)

    def data_file(self):
        return sorted((self.dir / "lake/tables/posts/data").rglob("*.parquet"))[0]

    def rules(self):
        answer = Plumb(self.dir).json("verify", "posts", code=None)
        assert answer["sound"] == (not answer["findings"])
        return {f["rule"]: f["what"] for f in answer["findings"]}


# ---- one thing broken -------------------------------------------------------------------------

def meta(path, value):
    """Set a member of metadata.json: meta("schemas/0/fields/1/id", 7); None removes it."""
    def change(document):
        at = document
        *parents, last = [int(p) if p.lstrip("-").isdigit() else p for p in path.split("/")]
        for part in parents:
            at = at[part]
        old = at[last] if isinstance(at, list) or last in at else None
        new = value(old) if callable(value) else value
        if new is None:
            del at[last]
        else:
            at[last] = new
    return lambda table: table.meta(change)


def row(name, value):
    """Set a field of a row of the manifest list."""
    def change(rows, schema, header):
        rows[0][name] = value(rows[0][name]) if callable(value) else value
    return lambda table: table.list(change)


def entry(path, value, which=0):
    """Set a field of an entry of the first manifest."""
    def change(rows, schema, header):
        at = rows[0]
        *parents, last = path.split("/")
        for part in parents:
            at = at[part]
        at[last] = value(at[last]) if callable(value) else value
    return lambda table: table.manifest(change, which)


def metric(name, column, value):
    """Set a metric of a column in the first entry; None removes it."""
    def change(rows, schema, header):
        items = rows[0]["data_file"][name] = rows[0]["data_file"][name] or []
        kept = [i for i in items if i["key"] != column]
        if value is not None:
            old = next((i["value"] for i in items if i["key"] == column), None)
            kept.append({"key": column, "value": value(old) if callable(value) else value})
        rows[0]["data_file"][name] = kept
    return lambda table: table.manifest(change)


def summary(index, **values):
    def change(rows, schema, header):
        rows[0]["partitions"][index] |= values
    return lambda table: table.list(change)


def header(key, value, of="manifest"):
    def change(rows, schema, head):
        if value is None:
            del head[key]
        else:
            head[key] = value
    return lambda table: getattr(table, of)(change)


def field(name, change, of="manifest"):
    """Change a field of the Avro schema, wherever it is in it."""
    def visit(node):
        if isinstance(node, dict):
            if node.get("name") == name and "type" in node and "fields" not in node:
                change(node)
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)
    return lambda table: getattr(table, of)(lambda rows, schema, head: visit(schema))


def snapshot(key, value):
    def change(document):
        s = document["snapshots"][-1]
        s[key] = value(s[key]) if callable(value) else value
        if s[key] is None:
            del s[key]
    return lambda table: table.meta(change)


def total(key, value):
    def change(document):
        s = document["snapshots"][-1]["summary"]
        if value is None:
            del s[key]
        else:
            s[key] = value
    return lambda table: table.meta(change)


def raw(path, change):
    def do(table):
        target = path(table)
        table.keep(target)
        change(target)
    return do


def bytes_of(path, change):
    return raw(path, lambda target: target.write_bytes(change(target.read_bytes())))


def first_file(table):
    with open(first_manifest(table), "rb") as file:
        return pathlib.Path(next(fastavro.reader(file))["data_file"]["file_path"]
                            .removeprefix("file://"))


def rewritten(field_of, **how):
    """The first data file written again by pyarrow, its fields changed, its entry fitted."""
    def do(table):
        path = table.keep(first_file(table))
        rows = pq.ParquetFile(path).read()
        schema = pa.schema([field_of(field) for field in rows.schema])
        path.chmod(0o644)
        pq.write_table(rows.cast(schema), path, **how)
        group = pq.ParquetFile(path).metadata.row_group(0).column(0)
        entry("data_file/file_size_in_bytes", path.stat().st_size)(table)
        entry("data_file/column_sizes", None)(table)
        entry("data_file/split_offsets",
              [group.dictionary_page_offset or group.data_page_offset])(table)
    return do


def sorted_by(direction, said):
    """An entry in a sort order by column 2, and what its file says of that."""
    def do(table):
        meta("sort-orders", lambda orders: orders + [{"order-id": 1, "fields": [
            {"transform": "identity", "source-id": 2, "direction": direction,
             "null-order": "nulls-first"}]}])(table)
        if said:
            rewritten(lambda field: field, sorting_columns=[said])(table)
        entry("data_file/sort_order_id", 1)(table)
    return do


def hint(table):
    return table.metadata.with_name("version-hint.text")


def first_manifest(table):
    with open(table.list_path(), "rb") as file:
        return pathlib.Path(next(fastavro.reader(file))["manifest_path"].removeprefix("file://"))


def named(new):
    """The metadata file under another name."""
    def do(table):
        old = table.metadata
        path = table.keep(old.with_name(new))
        shutil.copy(old, path)
        table.point(path)
        table.undo.append(lambda: table.point(old))
    return do


def twice(rows, schema, header):
    rows.append(rows[0])


def drop_field(name):
    """Without a field, in schema and rows."""
    def change(rows, schema, header):
        schema["fields"] = [f for f in schema["fields"] if f["name"] != name]
        for r in rows:
            r.pop(name, None)
    return change


def more(**values):
    return lambda old: {**old, **values}


def add_partition_field(**values):
    def change(document):
        spec = document["partition-specs"][0]["fields"]
        spec.append({"name": "extra", "transform": "identity", "source-id": 2,
                     "field-id": 1002} | values)
        document["last-partition-id"] = max(document["last-partition-id"], 1002)
    return lambda table: table.meta(change)


def rename_avro(rows, schema, header):
    schema["name"] = "something"


def entry_of_manifest_with(status, path, value):
    """The same for an entry of this status, in whichever manifest has one."""
    def do(table):
        with open(table.list_path(), "rb") as file:
            rows = list(fastavro.reader(file))
        count = {0: "existing_files_count", 2: "deleted_files_count"}[status]
        which = next(i for i, r in enumerate(rows) if r[count])

        def change(entries, schema, header):
            at = next(e for e in entries if e["status"] == status)
            *parents, last = path.split("/")
            for part in parents:
                at = at[part]
            at[last] = value
        table.manifest(change, which)
    return do


def text_days(rows, schema, header):
    """Days as text, in schema and rows."""
    def visit(node):
        if isinstance(node, dict):
            if node.get("name") == "at_day":
                node["type"] = ["null", "string"]
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)
    visit(schema)
    for r in rows:
        r["data_file"]["partition"]["at_day"] = str(r["data_file"]["partition"]["at_day"])


LONG = 10 ** 15
CASES = [
    # metadata.json
    ("metadata-exists", raw(lambda t: t.metadata, lambda p: p.unlink())),
    ("metadata-json", bytes_of(lambda t: t.metadata, lambda b: b[:-20])),
    ("metadata-json", bytes_of(lambda t: t.metadata, lambda b: b"[]")),
    ("metadata-name", named("current.json")),
    ("metadata-loads", meta("last-updated-ms", 2 ** 62 + 1)),
    ("duplicate-member", bytes_of(lambda t: t.metadata,
                                  lambda b: b'{"last-column-id":1,' + b[1:])),
    ("format-version", meta("format-version", 3)),
    ("required-member", meta("last-sequence-number", None)),
    ("required-member", meta("sort-orders", None)),
    ("member-type", meta("schemas", {})),
    ("member-range", meta("last-updated-ms", -1)),
    ("table-uuid", meta("table-uuid", "not-a-uuid")),
    ("location", meta("location", lambda old: old + "/")),
    ("location", meta("location", "tables/posts")),
    ("location-in-lake", meta("location", "file:///elsewhere/tables/posts")),
    ("properties-strings", meta("properties", {"a": 1})),
    ("schemas-not-empty", meta("schemas", [])),
    ("schema-id-unique", meta("schemas", lambda old: old + old)),
    ("schema-struct", meta("schemas/0/type", "record")),
    ("current-schema", meta("current-schema-id", 9)),
    ("column-id", meta("schemas/0/fields/0/id", 0)),
    ("column-id", meta("schemas/0/fields/0/id", 2147483646)),
    ("column-id-unique", meta("schemas/0/fields/1/id", 1)),
    ("column-name", meta("schemas/0/fields/1/name", "platform")),
    ("column-name", meta("schemas/0/fields/1/name", "")),
    ("column-required", meta("schemas/0/fields/1/required", None)),
    ("column-type", meta("schemas/0/fields/1/type", "bigint")),
    ("column-type", meta("schemas/0/fields/4/type", "decimal(9,2)")),
    ("column-type", meta("schemas/0/fields/5/type", {"type": "set"})),
    ("column-type-change", lambda t: t.meta(lambda d: d["schemas"].append(
        {"type": "struct", "schema-id": 5, "fields": [
            {"id": 2, "name": "id", "required": False, "type": "string"}]}))),
    ("identifier-column", meta("schemas/0/identifier-field-ids", [4])),
    ("identifier-column", meta("schemas/0/identifier-field-ids", [99])),
    ("last-column-id", meta("last-column-id", 3)),
    ("specs-not-empty", meta("partition-specs", [])),
    ("spec-id-unique", meta("partition-specs", lambda old: old + old)),
    ("default-spec", meta("default-spec-id", 9)),
    ("partition-field-id", meta("partition-specs/0/fields/0/field-id", 7)),
    ("partition-field-id", meta("partition-specs/0/fields/1/field-id", 1000)),
    ("partition-field-name", meta("partition-specs/0/fields/1/name", "platform")),
    ("partition-field-name", meta("partition-specs/0/fields/1/name", "note")),
    ("partition-source", meta("partition-specs/0/fields/0/source-id", 99)),
    ("partition-transform", meta("partition-specs/0/fields/0/transform", "sha1")),
    ("partition-transform", meta("partition-specs/0/fields/0/transform", "day")),
    ("partition-transform", add_partition_field(**{"source-id": 6})),
    ("last-partition-id", meta("last-partition-id", 999)),
    ("sort-orders-not-empty", meta("sort-orders", [])),
    ("default-sort-order", meta("default-sort-order-id", 4)),
    ("sort-order-id", meta("sort-orders", [{"order-id": 0, "fields": [
        {"transform": "identity", "source-id": 1, "direction": "asc",
         "null-order": "nulls-first"}]}])),
    ("sort-order-id", meta("sort-orders", lambda old: old + old)),
    ("sort-field", lambda t: t.meta(lambda d: d["sort-orders"].append({"order-id": 1, "fields": [
        {"transform": "identity", "source-id": 1, "direction": "up",
         "null-order": "nulls-first"}]}))),
    ("current-snapshot", meta("current-snapshot-id", 4)),
    ("current-snapshot", lambda t: t.meta(lambda d: d.update({"current-snapshot-id": None}))),
    ("snapshot-id", lambda t: t.meta(lambda d: d["snapshots"].append(d["snapshots"][0]))),
    ("snapshot-id", meta("snapshots/0/snapshot-id", -5)),
    ("snapshot-parent", meta("snapshots/0/parent-snapshot-id", -1)),
    ("snapshot-parent", lambda t: t.meta(lambda d: d["snapshots"][1].update(
        {"parent-snapshot-id": d["snapshots"][2]["snapshot-id"]}))),
    ("snapshot-sequence", meta("snapshots/1/sequence-number", 1)),
    ("snapshot-schema-id", snapshot("schema-id", None)),
    ("snapshot-schema", snapshot("schema-id", 7)),
    ("last-sequence-number", meta("last-sequence-number", 1)),
    ("summary-strings", total("total-records", 120)),
    ("summary-operation", total("operation", None)),
    ("summary-operation", total("operation", "insert")),
    ("summary-totals", total("total-records", None)),
    ("summary-sum", total("total-records", "121")),
    ("summary-counts", total("added-data-files", "9")),
    ("ref-snapshot", lambda t: t.meta(lambda d: d["refs"].update(
        {"old": {"snapshot-id": 4, "type": "tag"}}))),
    ("ref-type", meta("refs/main/type", "trunk")),
    ("ref-main", lambda t: t.meta(lambda d: d["refs"]["main"].update(
        {"snapshot-id": d["snapshots"][0]["snapshot-id"]}))),
    ("snapshot-log-snapshot", meta("snapshot-log/0/snapshot-id", 4)),
    ("snapshot-log-end", meta("snapshot-log", lambda old: old[:-1])),
    ("log-order", meta("snapshot-log/0/timestamp-ms", lambda old: old + LONG)),
    ("last-updated", meta("last-updated-ms", 5)),
    ("metadata-log-self", lambda t: t.meta(lambda d: d["metadata-log"].append(
        {"timestamp-ms": d["last-updated-ms"], "metadata-file": f"file://{t.metadata}"}))),
    ("metadata-log-file", meta("metadata-log/0/metadata-file", lambda old: old + "x")),
    ("metadata-log-length", meta("properties", {"write.metadata.previous-versions-max": "1"})),
    ("statistics-snapshot", meta("statistics", [{"snapshot-id": 4}])),
    ("version-hint", raw(hint, lambda p: p.write_text("00000-nothing"))),
    ("version-hint", raw(hint, lambda p: p.write_text(p.read_text() + "\n"))),
    # manifest lists
    ("list-path", snapshot("manifest-list", lambda old: old.replace("/metadata", "//metadata"))),
    ("list-exists", raw(lambda t: t.list_path(), lambda p: p.unlink())),
    ("list-readable", bytes_of(lambda t: t.list_path(), lambda b: b[:-9])),
    ("list-readable", bytes_of(lambda t: t.list_path(), lambda b: b"PAR1" + b[4:])),
    ("list-header", header("format-version", None, "list")),
    ("list-header", header("snapshot-id", "4", "list")),
    ("list-header", header("sequence-number", "1", "list")),
    ("list-header", header("parent-snapshot-id", None, "list")),
    ("avro-root", lambda t: t.list(rename_avro)),
    ("avro-field", lambda t: t.list(drop_field("sequence_number"))),
    ("avro-field-id", field("added_rows_count", lambda f: f.pop("field-id"), "list")),
    ("avro-required", field("content", lambda f: f.update(type=["null", "int"]), "list")),
    ("avro-type", field("added_files_count", lambda f: f.update(type="long"), "list")),
    ("manifest-path", row("manifest_path", lambda old: old.removeprefix("file://"))),
    ("manifest-exists", row("manifest_path", lambda old: old + "x")),
    ("manifest-length", row("manifest_length", lambda old: old + 1)),
    ("manifest-file-counts", row("added_files_count", lambda old: old + 1)),
    ("manifest-row-counts", row("added_rows_count", lambda old: old + 1)),
    ("manifest-min-sequence", row("min_sequence_number", lambda old: old + 1)),
    ("manifest-sequence", row("sequence_number", lambda old: old + 7)),
    ("manifest-snapshot", row("added_snapshot_id", 4)),
    ("manifest-spec", row("partition_spec_id", 9)),
    ("manifest-once", lambda t: t.list(twice)),
    ("file-once", lambda t: t.manifest(twice)),
    ("manifest-same", lambda t: t.list(lambda rows, s, h: rows[1].update(
        sequence_number=rows[1]["sequence_number"] - 1))),
    ("summary-fields", row("partitions", lambda old: old[:1])),
    ("summary-null", summary(0, contains_null=True)),
    ("summary-nan", summary(0, contains_nan=True)),
    ("summary-lower", summary(0, lower_bound=b"tiktok!")),
    ("summary-lower", summary(0, lower_bound=None, upper_bound=None)),
    ("summary-upper", summary(0, upper_bound=b"x!")),
    ("summary-upper", summary(1, upper_bound=b"\0" * 8)),
    # manifests
    ("manifest-readable", bytes_of(first_manifest, lambda b: b[:-30])),
    ("manifest-not-empty", lambda t: t.manifest(lambda rows, s, h: rows.clear())),
    ("manifest-header-schema", header("schema", None)),
    ("manifest-header-schema", header("schema", '{"type":"struct","fields":[{"id":99}]}')),
    ("manifest-header-schema", header("schema-id", "7")),
    ("manifest-header-spec", header("partition-spec", "[]")),
    ("manifest-header-spec", header("partition-spec-id", "3")),
    ("manifest-header-version", header("format-version", "1")),
    ("manifest-header-content", header("content", "deletes")),
    ("avro-root", lambda t: t.manifest(rename_avro)),
    ("avro-map", field("value_counts", lambda f: f["type"][1].pop("logicalType"))),
    ("avro-field-id", field("status", lambda f: f.update({"field-id": 77}))),
    ("avro-required", field("file_path", lambda f: f.update(type=["null", "string"]))),
    ("avro-partition", field("at_day", lambda f: f.update({"field-id": 1007}))),
    ("avro-partition", lambda t: (
        meta("schemas/0/fields/0/required", False)(t),
        field("platform", lambda f: (f.update(type="string"), f.pop("default")))(t))),
    ("entry-status", entry("status", 3)),
    ("entry-snapshot", entry("snapshot_id", 4)),
    ("entry-sequence", entry("sequence_number", 99)),
    ("entry-sequence", entry("file_sequence_number", 1)),
    ("file-content", entry("data_file/content", 1)),
    ("file-format", entry("data_file/file_format", "parquet")),
    ("file-path", entry("data_file/file_path", lambda old: old.removeprefix("file://"))),
    ("file-path", entry("data_file/file_path", lambda old: old.replace("/data/", "/data//"))),
    ("file-exists", entry("data_file/file_path", lambda old: old + "x")),
    ("file-exists", raw(lambda t: t.data_file(), lambda p: p.unlink())),
    ("file-size", entry("data_file/file_size_in_bytes", lambda old: old + 1)),
    ("file-size", bytes_of(lambda t: t.data_file(), lambda b: b[:-1])),
    ("file-parquet", bytes_of(lambda t: t.data_file(), lambda b: b[:-4] + b"RAP1")),
    ("file-counts", entry("data_file/record_count", -1)),
    ("file-equality-ids", entry("data_file/equality_ids", [1])),
    ("file-sort-order", entry("data_file/sort_order_id", 5)),
    ("split-offsets", entry("data_file/split_offsets", [4, 4])),
    ("split-offsets", entry("data_file/split_offsets", [10 ** 9])),
    ("parquet-footer", raw(first_file, lambda path: path.write_bytes(
        path.read_bytes()[:-40] + b"\xff" * 32 + path.read_bytes()[-8:]))),
    ("parquet-rows", entry("data_file/record_count", lambda n: n + 1)),
    ("parquet-splits", entry("data_file/split_offsets", [5])),
    ("parquet-splits", entry("data_file/split_offsets", [4, 5])),
    ("parquet-field-id", rewritten(lambda field: field.remove_metadata())),
    ("parquet-field-id", rewritten(lambda field: field.with_metadata(
        {"PARQUET:field_id": "77"} if field.name == "note" else field.metadata))),
    ("parquet-values", metric("value_counts", 2, lambda n: n - 1)),
    ("parquet-nulls", metric("null_value_counts", 7, lambda n: n - 1)),
    ("parquet-bounds", metric("upper_bounds", 2, bytes(8))),
    ("parquet-bounds", metric("lower_bounds", 4, struct.pack("<d", 1.0))),
    ("parquet-bounds", metric("lower_bounds", 5, (250).to_bytes(2, "big"))),
    ("parquet-bounds", metric("lower_bounds", 7, b"no")),
    ("parquet-sort-order", sorted_by("asc", None)),
    ("parquet-sort-order", sorted_by("asc", pq.SortingColumn(1, descending=True))),
    ("partition-bounds", entry("data_file/partition/platform", "y")),
    ("partition-bounds", entry("data_file/partition/platform", None)),
    ("partition-value", lambda t: t.manifest(text_days)),
    ("metric-column", metric("value_counts", 99, 1)),
    ("metric-once", lambda t: t.manifest(lambda rows, s, h: rows[0]["data_file"][
        "value_counts"].append(rows[0]["data_file"]["value_counts"][0]))),
    ("metric-negative", metric("null_value_counts", 2, -1)),
    ("column-sizes", metric("column_sizes", 2, 10 ** 9)),
    ("value-count", metric("value_counts", 2, 1)),
    ("null-count", metric("null_value_counts", 4, 1000)),
    ("null-count-missing", metric("null_value_counts", 2, None)),
    ("null-in-required", metric("null_value_counts", 2, 1)),
    ("nan-count", metric("nan_value_counts", 2, 0)),
    ("nan-count", metric("nan_value_counts", 4, 1000)),
    ("bound-bytes", metric("lower_bounds", 2, b"\0\0\0")),
    ("bound-nan", metric("lower_bounds", 4, b"\0\0\0\0\0\0\xf8\x7f")),
    ("bound-utf8", metric("upper_bounds", 1, b"\xf0\x9f")),
    ("bound-order", metric("lower_bounds", 2, b"\xff" * 7 + b"\x7f")),
    ("bound-nested", metric("lower_bounds", 6, b"a")),
    ("bound-of-nulls", lambda t: (metric("null_value_counts", 5, 10 ** 3)(t),
                                  metric("value_counts", 5, 10 ** 3)(t))),
]
MIXED = [
    ("entry-snapshot", entry_of_manifest_with(2, "snapshot_id", None)),
    ("entry-sequence", entry_of_manifest_with(2, "sequence_number", None)),
    ("entry-sequence", entry_of_manifest_with(0, "file_sequence_number", None)),
    ("entry-snapshot", entry_of_manifest_with(0, "snapshot_id", None)),
]


def ids(cases):
    return [f"{i}-{rule}" for i, (rule, _) in enumerate(cases)]


def check_broken(folder, rule, change):
    table = Broken(folder)
    try:
        change(table)
        found = table.rules()
        assert rule in found, found
        assert len(found) <= 12, found  # one mistake is not the end of everything
    finally:
        table.restore()
    return found[rule]


@pytest.mark.parametrize("rule, change", CASES, ids=ids(CASES))
def test_a_broken_table_is_named(base, rule, change):
    assert check_broken(base, rule, change)


@pytest.mark.parametrize("rule, change", MIXED, ids=ids(MIXED))
def test_a_broken_table_of_two_writers_is_named(mixed, rule, change):
    assert check_broken(mixed, rule, change)


def test_every_rule_has_a_case():
    source = "".join(p.read_text() for p in (ROOT / "src/iceberg").glob("lint*.c"))
    rules = set(re.findall(r'pl_iceberg__(?:say|read)\(\s*[^",]*,\s*"([a-z0-9-]+)"', source))
    covered = {rule for rule, _ in CASES + MIXED}
    assert len(covered) >= 60
    assert rules - covered == set()
    assert covered - rules == set()


# ---- sound tables -----------------------------------------------------------------------------

def register(plumb, name, metadata):
    """Name a table's metadata in plumb.db, as a catalog of another engine would."""
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("INSERT INTO iceberg_tables VALUES ('plumb', 'default', ?, ?, NULL, 'TABLE')",
                   (name, f"file://{metadata}"))


def sound(folder, *words):
    answer = Plumb(folder).json("verify", *words)
    assert answer["sound"] and answer["findings"] == [] and answer["more"] == 0
    return {t["table"]: t for t in answer["tables"]}


def test_a_table_of_plumb_is_sound(base):
    posts = sound(base)["posts"]
    assert (posts["snapshots"], posts["manifests"], posts["files"]) == (3, 3, 6)


def test_a_table_pyiceberg_deleted_from_is_sound(mixed):
    hint = mixed / "lake/tables/posts/metadata/version-hint.text"
    before = hint.read_text()
    [finding] = Plumb(mixed).json("verify", code=1)["findings"]
    assert finding["rule"] == "version-hint"  # theirs are not kept by PyIceberg
    hint.unlink()
    try:
        assert sound(mixed)["posts"]["snapshots"] >= 5
    finally:
        hint.write_text(before)


def test_a_table_of_pyiceberg_is_sound(tmp_path):
    plumb = make_base(tmp_path)
    schema = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "name", StringType()), NestedField(3, "f", FloatType()),
        NestedField(4, "d", DoubleType()), NestedField(5, "n", IntegerType()),
        NestedField(6, "at", TimestampType()), NestedField(7, "atz", TimestamptzType()),
        NestedField(8, "t", TimeType()), NestedField(9, "u", UUIDType()),
        NestedField(10, "b", BinaryType()), NestedField(11, "x", FixedType(20)),
        NestedField(12, "p", DecimalType(20, 3)),
        NestedField(13, "l", ListType(14, StringType(), element_required=False)),
        NestedField(15, "m", MapType(16, StringType(), 17, DoubleType(), value_required=False)),
        NestedField(18, "s", StructType(NestedField(19, "a", LongType()),
                                        NestedField(20, "b", StringType()))))
    spec = PartitionSpec(PartitionField(12, 1000, IdentityTransform(), "p"))
    catalog = lake.catalog(plumb)
    table = catalog.create_table("default.theirs", schema, partition_spec=spec)
    sound(tmp_path)  # empty
    rows = [{"id": i, "name": [None, "", "\U0001f600" * 30, "z"][i % 4], "f": i / 3,
             "d": [float("nan"), -0.0, 2.5][i % 3], "n": None, "b": bytes([i] * 30),
             "p": [None, decimal.Decimal("-1.280"), decimal.Decimal(7)][i % 3],
             "x": bytes([255 - i] * 20), "l": [str(i), None], "m": {"k": i / 2},
             "s": {"a": i, "b": "b" * i}} for i in range(20)]
    data = pa.Table.from_pylist(rows, schema=table.schema().as_arrow())
    table.append(data)
    table.append(data.slice(3, 5))
    table.delete("id > 15")
    table.overwrite(data.slice(0, 2), overwrite_filter="name == 'z'")
    with table.update_schema() as update:
        update.rename_column("name", "title")
        update.update_column("n", LongType())
        update.delete_column("t")
        update.add_column("new", StringType())
    table.append(data.slice(1, 1).drop_columns(["t"]).rename_columns(
        ["title" if c == "name" else c for c in data.column_names if c != "t"]).set_column(
            4, "n", pa.array([2 ** 40])))
    assert sound(tmp_path)["theirs"]["snapshots"] >= 4


def test_tables_of_spark_are_sound(tmp_path, spark):
    plumb = make_base(tmp_path)
    folder = tmp_path / "lake/tables"
    columns = ("id BIGINT NOT NULL, name STRING, f FLOAT, d DOUBLE, n INT, at TIMESTAMP,"
               " nt TIMESTAMP_NTZ, day DATE, b BINARY, p DECIMAL(20, 3), l ARRAY<STRING>,"
               " m MAP<STRING, DOUBLE>, s STRUCT<a: BIGINT, b: STRING>")
    values = ("SELECT id, nullif(concat(repeat('\U0001f600', 20), id), ''), id / 3.0,"
              " double('NaN'),"
              " CAST(NULL AS INT), timestamp_seconds(id * 40000), CAST(timestamp_seconds(-id) AS"
              " TIMESTAMP_NTZ), date_add(DATE '1969-12-30', CAST(id AS INT)), CAST(CAST(id AS"
              " STRING) AS BINARY), id * 1.5, array(CAST(id AS STRING), NULL), map('k', id / 2.0),"
              " struct(id, 'x') FROM range({}, {})")
    statements = []
    for name, transforms, more in [
            ("plain", "", ""),
            ("days", "PARTITIONED BY (days(at), bucket(4, id), truncate(2, name), years(nt))", ""),
            ("mor", "PARTITIONED BY (day)",
             ", 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read'")]:
        table = f"c.{name}"
        statements += [
            f"CREATE TABLE {table} ({columns}) USING iceberg {transforms}"
            f" TBLPROPERTIES ('format-version'='2'{more})",
            f"INSERT INTO {table} {values.format(0, 30)}",
            f"INSERT INTO {table} {values.format(30, 45)}",
            f"DELETE FROM {table} WHERE id % 7 = 3",
            f"UPDATE {table} SET name = 'new' WHERE id = 5",
            f"ALTER TABLE {table} ADD COLUMN more STRING",
            f"ALTER TABLE {table} ALTER COLUMN n TYPE BIGINT",
            f"INSERT INTO {table} SELECT *, 'm' FROM ({values.format(50, 52)})"]
    statements += ["CALL c.system.rewrite_data_files(table => 'plain',"
                   " options => map('rewrite-all', 'true'))",
                   "CALL c.system.rewrite_manifests('days')",
                   "ALTER TABLE c.days ADD PARTITION FIELD day",
                   f"INSERT INTO c.days SELECT *, 'm' FROM ({values.format(60, 62)})"]
    python = ROOT / ".deps/venv-spark/bin/python"
    done = subprocess.run([python, ROOT / "test/readers/spark_write.py", folder, *statements],
                          capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    for name in ("plain", "days", "mor"):
        current = (folder / name / "metadata/version-hint.text").read_text()
        register(plumb, name, folder / name / f"metadata/v{current}.metadata.json")
    tables = sound(tmp_path)
    assert {t: tables[t]["snapshots"] for t in ("plain", "days", "mor")} == {
        "plain": 6, "days": 7, "mor": 5}


def test_metadata_verdicts_of_the_java_library(tmp_path):
    folder = lake.data("peers", "iceberg-metadata")
    verdicts = json.loads((folder / "truth.json").read_text())["expected"]
    plumb = make_base(tmp_path)
    judged = 0
    for name, verdict in verdicts.items():
        path = folder / name
        if not path.exists() or "View" in name:
            continue  # views are no tables
        table = name.removesuffix(".json").lower()
        target = tmp_path / f"lake/tables/{table}/metadata"
        target.mkdir(parents=True)
        target /= "00000-9c12d441-03fe-4693-9a96-a0705ddf69c1.metadata.json"
        target.write_bytes(path.read_bytes())
        register(plumb, table, target)
        rules = {f["rule"] for f in plumb.json("verify", table, code=1)["findings"]}
        # They lie in a bucket nobody has, and lack what only other readers insist on.
        rules -= {"location-in-lake", "list-exists", "summary-totals", "snapshot-schema-id"}
        if json.loads(path.read_text()).get("format-version") != 2:
            assert rules == {"format-version"}  # plumb knows version 2 alone
        else:
            assert (rules == set()) == (verdict == "accept"), (name, rules)
        judged += 1
    assert judged >= 12
