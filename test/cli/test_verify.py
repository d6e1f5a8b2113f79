# SPDX-License-Identifier: Apache-2.0
"""`plumb verify` beside the tables' own rules (readers/test_lint.py): raw, ledger, registry."""
import gzip
import json
import os
import re
import sqlite3

import pyarrow.parquet as pq
import pytest

import lake
from conftest import Plumb

CONTRACT = "table: posts\nkey: [id]\npartition: []\ncolumns:\n  id: long!\n  v: string\n"
SOURCE = "source: shop\ninto: posts\nmap:\n  id: id\n  v: v\n"


@pytest.fixture
def shop(plumb):
    """Two objects published, one of them with a record in quarantine."""
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    for text in '{"id":1,"v":"a"}\n{"id":"x"}\n', '{"id":2}\n{"id":3}\n':
        (plumb.dir / "in.json").write_text(text)
        plumb("ingest", "shop", "in.json")
        plumb("run")
    return plumb


def raw(plumb):
    return sorted((plumb.dir / "lake/raw").rglob("*.gz"))


def change(plumb, statement, *values):
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("PRAGMA ignore_check_constraints = 1")
        db.execute(statement, values)
    db.close()


def found(plumb):
    answer = plumb.json("verify", code=1)
    assert not answer["sound"]
    return [(f["area"], f["rule"], f["what"]) for f in answer["findings"]]


def test_a_sound_lake_says_so(shop):
    done = shop("verify")
    size = sum(p.stat().st_size for p in raw(shop))
    assert done.stdout == f"1 table, 2 snapshots, 2 data files, 2 raw objects of {size} B: sound\n"
    assert done.stderr == ""
    assert shop("verify", "posts").stdout == "1 table, 2 snapshots, 2 data files: sound\n"
    answer = shop.json("verify")
    assert answer["sound"] and answer["raw"] == {"objects": 2, "bytes": size}


def test_pages_are_read_when_asked_for(shop):
    path = next((shop.dir / "lake/tables").rglob("*.parquet"))
    assert shop("verify", "--pages").returncode == 0
    content = bytearray(path.read_bytes())
    chunk = pq.read_metadata(path).row_group(0).column(0)
    first = chunk.dictionary_page_offset or chunk.data_page_offset
    content[first + chunk.total_compressed_size - 1] ^= 1  # in a page: no statistic tells
    path.chmod(0o644)
    path.write_bytes(content)
    assert shop("verify").returncode == 0
    answer = shop.json("verify", "--pages", code=1)
    [finding] = answer["findings"]
    assert finding["rule"] == "file-pages" and finding["place"] == f"file://{path}"
    assert re.search(r"row group 0, column '\w+', byte \d+: a page", finding["what"])


def test_an_empty_lake_is_sound_and_stays_empty(plumb):
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    assert plumb("verify").stdout == "0 tables, 0 snapshots, 0 data files: sound\n"
    assert not (plumb.dir / "lake").exists()


def test_a_table_nobody_declared(shop):
    done = shop("verify", "nothing", code=1)
    assert done.stderr.startswith("plumb: cannot find table 'nothing': no contract declares it\n")


def test_one_flipped_bit_of_raw_is_found(shop):
    path = raw(shop)[0]
    content = path.read_bytes()
    members = [m.start() for m in re.finditer(b"\x1f\x8b\x08", content)]
    _, payload, *trailers = members
    os.chmod(path, 0o644)
    silent = set()
    for at in range(len(content)):
        broken = bytearray(content)
        broken[at] ^= 1 << at % 8
        path.write_bytes(broken)
        answer = shop.json("verify", code=None)
        if answer["sound"]:
            silent.add(at)
        else:
            [finding] = answer["findings"]
            assert finding["rule"] in {"raw-content", "raw-identity", "raw-head"}
    # Of the members around it, only what nothing reads may change unseen: times, spare keys.
    assert not silent & set(range(payload, trailers[0]))
    assert len(silent) < len(content) - (trailers[0] - payload)


def test_raw_that_is_gone_longer_or_another_gzip(shop):
    path = raw(shop)[0]
    os.chmod(path, 0o644)
    content = path.read_bytes()
    path.write_bytes(content + b"\0")
    assert found(shop)[0][:2] == ("raw", "raw-size")
    path.write_bytes(gzip.compress(b"{}" * 99)[:len(content)].ljust(len(content), b"\0"))
    assert found(shop)[0][:2] == ("raw", "raw-content")
    other = raw(shop)[1].read_bytes()
    path.write_bytes(other)
    change(shop, "UPDATE objects SET stored_bytes = ? WHERE key LIKE ?", len(other),
           f"%{path.name}")
    assert found(shop)[0][1] in ("raw-identity", "raw-content")
    path.unlink()
    [(area, rule, what)] = found(shop)
    assert (area, rule) == ("raw", "raw-exists") and what.endswith("no such object")


def test_raw_the_registry_does_not_know(shop):
    path = raw(shop)[0]
    path.with_name("01JD0000000000000000000000.json.gz").write_bytes(path.read_bytes())
    size = path.stat().st_size
    assert found(shop) == [("raw", "raw-known",
                            f"the registry does not know this object of {size} bytes")]


def test_a_ledger_that_does_not_balance(shop):
    change(shop, "UPDATE ledger SET records = records + 1 WHERE quarantined = 1")
    # The database itself notices what its own rules forbid.
    rules = {rule for _, rule, _ in found(shop)}
    assert "ledger-balance" in rules and rules <= {"ledger-balance", "registry-file"}


def test_a_ledger_that_counts_other_rows_than_the_table(shop):
    change(shop, "UPDATE ledger SET records = records + 1, curated = curated + 1"
                 " WHERE quarantined = 1")
    assert found(shop) == [("ledger", "ledger-rows",
                            "the table has 3 rows, and the ledger counts 4 published")]


def test_a_state_of_a_snapshot_that_is_not_there(shop):
    change(shop, "UPDATE states SET snapshot = 4 WHERE snapshot = (SELECT max(snapshot)"
                 " FROM states)")
    assert found(shop) == [("registry", "state-snapshot", "it is published by snapshot 4, which "
                            "the table does not have")]


def test_an_object_that_waits_has_no_rows_but_a_hold(shop):
    (shop.dir / "in.json").write_text('{"id":4}\n')
    shop("ingest", "shop", "in.json")
    change(shop, "INSERT INTO states SELECT 'posts', max(id), 'staged', 'R', 0, 0 FROM objects")
    assert found(shop) == [("registry", "state-hold", "it is staged, and nothing of source 'shop' "
                            "waits that begins with it or before it")]
    change(shop, "INSERT INTO holds SELECT 1, 'shop', 'posts', max(id), 1, 0, 'R', 1, 1, 0, '',"
                 " 'v is gone', x'', 0, 0 FROM objects")
    assert shop.json("verify")["sound"]


def test_files_the_registry_has_other_figures_for_or_none(shop):
    change(shop, "UPDATE files SET rows = 9 WHERE rows = 1")
    [(area, rule, what)] = found(shop)
    assert (area, rule) == ("registry", "file-same") and "says 1 rows" in what
    change(shop, "DELETE FROM files WHERE rows = 9")
    assert [f[:2] for f in found(shop)] == [("registry", "file-known")]


def test_findings_are_lines_for_people(shop):
    path = next((shop.dir / "lake/tables/posts/data").rglob("*.parquet"))
    path.unlink()
    lines = shop("verify", code=1).stdout.splitlines()
    key = path.relative_to(shop.dir / "lake")
    assert len(lines) == 2
    assert lines[0].startswith("file-exists  tables/posts/metadata/")
    assert lines[0].endswith(f"cannot read object '{key}': no such object")
    assert lines[1].endswith(": 1 finding")


def test_another_engine_may_add_to_the_table(shop):
    import pyarrow as pa
    table = lake.table(shop, "posts")
    names = {f.name: f.field_id for f in table.schema().fields}
    row = {name: None for name in names} | {"id": 9, "_object": "01J", "_record": 1, "_mapping": 1}
    table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
    assert [f[1] for f in found(shop)] == ["version-hint"]  # that engine keeps no hint
    (shop.dir / "in.json").write_text(json.dumps({"id": 5}))
    shop("ingest", "shop", "in.json")
    shop("run")
    assert Plumb(shop.dir).json("verify")["sound"]
