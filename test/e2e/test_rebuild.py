# SPDX-License-Identifier: Apache-2.0
"""A lost registry of many raw objects is made again, row for row, and costs what they are. A few
hundred; PLUMB_FULL=1 makes them 100,000."""
import json

import pytest

from conftest import SANITIZED
from lake import FULL, books, figures, lose, measured, project

OBJECTS = 100_000 if FULL else 800
BATCH = 5000  # in one command line
MEMORY = 160  # MiB

# Of an object that no log entry has, the time it landed is that of its id, to the millisecond. A
# shape is as its version began (registry/drift.h).
BOOKS = {
    "objects": "id, source, key, format, name, sha256, received_us, landed_us / 1000, stored_bytes,"
               " content_bytes, broken, again",
    "states": "tbl, object, state, run, snapshot, mapping",
    "publications": "tbl, object, run, snapshot, mapping", "ledger": "*", "tallies": "*",
    "files": "tbl, path, snapshot, run, rows, bytes, objects", "quarantine": "*",
    "snapshots": "tbl, snapshot_id, parent, run, metadata_location, rows, files, created_us",
    "tasks": "run, task, result", "iceberg_tables": "table_name, metadata_location",
    "mappings": "source, tbl, version, text", "contracts": "tbl, version, text",
    "shapes WHERE logged <> '-'": "source, tbl, version, since_us", "findings": "*",
    "mapping_uses": "*"}


def registry(plumb):
    kept = {name: sorted(books(plumb, f"SELECT {columns} FROM {name}"), key=repr)
            for name, columns in BOOKS.items()}
    kept["runs"] = books(plumb, "SELECT id, state, started_us, finished_us, counts FROM runs"
                                " WHERE state = 'done' ORDER BY id")
    return kept


def land(plumb, first, last):
    for start in range(first, last, BATCH):
        names = []
        for i in range(start, min(start + BATCH, last)):
            name = f"{i}.json"
            (plumb.dir / name).write_text("".join(
                json.dumps({"id": 3 * i + k if i % 50 or k else "odd", "text": f"{i}"}) + "\n"
                for k in range(3)))
            names.append(name)
        plumb("ingest", "shop", *names)
        for name in names:
            (plumb.dir / name).unlink()


def rebuilt(plumb):
    before = registry(plumb)
    lose(plumb)
    used = measured(plumb, "rebuild", timeout=1200)
    after = registry(plumb)
    assert [name for name in before if before[name] != after[name]] == []
    assert SANITIZED or used[1] < MEMORY
    return used


@pytest.mark.timeout(3600)
def test_a_registry_of_many_objects_is_made_again(plumb):
    project(plumb, {"posts": "table: posts\nkey: [id]\ncolumns:\n  id: long!\n  text: string\n"},
            {"shop": "source: shop\ninto: posts\nmap:\n  id: id\n  text: text\n"})
    quarter = OBJECTS // 4
    land(plumb, 0, quarter)
    plumb("run")
    few = rebuilt(plumb)
    land(plumb, quarter, 3 * quarter)
    plumb("run")
    land(plumb, 3 * quarter, OBJECTS)  # new: only the raw zone has them
    all_of = rebuilt(plumb)
    assert not FULL or all_of[0] < 6 * few[0]
    plumb("run")
    plumb("verify")
    assert plumb.json("status")["sources"][0]["published"] == OBJECTS
    figures("rebuild", *(f"{count:,} raw objects: {seconds:.1f} s of processor, {mib:.0f} MiB"
                         for count, (seconds, mib) in ((quarter, few), (OBJECTS, all_of))))
