# SPDX-License-Identifier: Apache-2.0
"""What the look commands show of a lake with a published table, a filtered and two quarantined
records, seen as JSON and as text; and that other programs open plumb.db as a catalog."""
import os
import re
import sqlite3
import subprocess

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from small import MAPPING, project

INPUT = (b'{"id":"1","likes":3}\n{"id":"2","likes":"many"}\n{"id":null}\n'
         b'{"id":"5","likes":9}\n{"id":"\x1b[31m\n')


@pytest.fixture
def lake(plumb):
    project(plumb.dir)
    plumb("ingest", "tiktok", "-", input=INPUT)
    plumb("run")
    return plumb


def test_before_anything_was_landed(plumb):
    project(plumb.dir)
    assert "Nothing was run yet" in plumb("status").stdout
    assert "Nothing was run yet" in plumb("runs").stdout
    assert "Nothing was mapped yet" in plumb("ledger").stdout
    assert plumb("quarantine").stdout == "Nothing is quarantined.\n"
    assert plumb("history", "post_metrics").stdout == "Nothing is published in post_metrics yet.\n"
    assert "Not created yet" in plumb("describe", "post_metrics").stdout
    for words in (["runs"], ["ledger"], ["quarantine"], ["history", "post_metrics"]):
        assert plumb.json(*words) == []
    assert [t["rows"] for t in plumb.json("tables")] == [0]


def test_status_counts_objects_and_records(lake):
    seen = lake.json("status")
    source = seen["sources"][0]
    assert (source["source"], source["table"]) == ("tiktok", "post_metrics")
    assert [source[k] for k in ("objects", "new", "staged", "published", "withdrawn")] == [
        1, 0, 0, 1, 0]
    assert [source[k] for k in ("records", "curated", "quarantined", "filtered")] == [5, 3, 2, 0]
    assert source["lost"] == 1
    assert seen["last_run"]["state"] == "done"
    assert seen["running"] is False and seen["waits"] is False
    lake("ingest", "tiktok", "-", input=b'{"id":"9"}\n')
    assert lake.json("status")["sources"][0]["new"] == 1
    text = lake("status").stdout
    assert "1 new object waits for 'plumb run'." in text
    assert "2 records could not become rows: 'plumb quarantine'." in text


def test_status_says_what_is_held(lake):
    assert lake.json("status")["holds"] == []
    for _ in range(2):
        lake("ingest", "tiktok", "-", input=os.urandom(8).hex().encode() + b"\n")
    with sqlite3.connect(lake.dir / "lake/plumb.db") as db:
        ids = [row[0] for row in db.execute("SELECT id FROM objects ORDER BY id")][1:]
        db.executemany("INSERT INTO states VALUES ('post_metrics', ?, 'staged', 'R', 0, 0)",
                       [(id,) for id in ids])
        db.execute("INSERT INTO holds VALUES (1, 'tiktok', 'post_metrics', ?, 1795000000000000, 0,"
                   " 'R', 2, 2, 1, '', 'likes is \x1b gone', x'00', 0, 0)", ids[:1])
    db.close()
    seen = lake.json("status")
    assert seen["holds"] == [{
        "source": "tiktok", "table": "post_metrics", "why": "likes is \x1b gone",
        "since": "2026-11-18T11:06:40Z", "objects": 2, "records": 2, "first_object": ids[0],
        "critical": True, "released": False, "kind": "drift"}]
    assert seen["waits"] and seen["sources"][0]["staged"] == 2 and seen["sources"][0]["new"] == 0
    line = "2 objects of tiktok for post_metrics since 2026-11-18 11:06:40Z (likes is \\x1b gone), "
    assert f"\nheld: {line}see 'plumb drift ls'.\n" in lake("status").stdout
    with sqlite3.connect(lake.dir / "lake/plumb.db") as db:
        db.execute("UPDATE holds SET released = ?", ids[1:])
    db.close()
    assert f"\nreleased: {line}'plumb run' publishes them.\n" in lake("status").stdout
    assert lake.json("status")["holds"][0]["released"] is True


def test_tables_and_history_agree_with_the_tables_metadata(lake):
    table = lake.json("tables")[0]
    assert (table["table"], table["rows"], table["files"], table["snapshots"]) == (
        "post_metrics", 3, 1, 1)
    snapshot = lake.json("history", "post_metrics")[0]
    assert snapshot["snapshot"] == table["snapshot"]
    assert (snapshot["operation"], snapshot["added_rows"], snapshot["rows"]) == ("append", 3, 3)
    assert snapshot["run"] == lake.json("runs")[0]["run"]
    assert snapshot["current"] is True
    lake("ingest", "tiktok", "-", input=b'{"id":"9"}\n')
    lake("run")
    assert [s["rows"] for s in lake.json("history", "post_metrics")] == [4, 3]
    assert len(lake.json("history", "post_metrics", "--limit", "1")) == 1
    lines = lake("history", "post_metrics").stdout.splitlines()
    assert lines[1].endswith("current") and len(lines) == 3


def test_describe_shows_columns_as_other_engines_see_them(lake):
    seen = lake.json("describe", "post_metrics")
    columns = {c["name"]: c for c in seen["columns"]}
    assert columns["post_id"] == {"name": "post_id", "type": "string", "required": True,
                                  "key": True, "critical": False, "declared": True, "id": 2}
    assert columns["likes"]["type"] == "long" and not columns["likes"]["required"]
    assert columns["_object"]["declared"] is False
    assert seen["sources"] == ["tiktok"]
    assert seen["doc"] == "One row per post."
    assert seen["location"].startswith("file:///")
    assert re.search(r"^post_id +string! +key$", lake("describe", "post_metrics").stdout, re.M)


def test_an_unknown_table_or_source_is_named_with_the_known_ones(lake):
    for command in ("describe", "history"):
        assert lake(command, "posts", code=1).stderr == (
            "plumb: cannot find table 'posts': no contract declares it\n"
            "  hint: Declared are: post_metrics.\n")
    assert lake("ledger", "--table", "posts", code=1).stderr.startswith("plumb: cannot find table")
    assert lake("mapping", "tok", code=1).stderr == (
        "plumb: cannot find source 'tok': no file in sources/ names it\n"
        "  hint: Named are: tiktok.\n")
    # A typing mistake is not an empty list.
    for command in (["run"], ["plan"], ["drift"], ["drift", "holds"], ["checks"], ["quarantine"],
                    ["quarantine", "retry"], ["replay", "post_metrics", "--all"]):
        assert lake(*command, "--source", "tok", code=1).stderr == (
            "plumb: cannot find source 'tok': no file in sources/ names it\n"
            "  hint: Named are: tiktok.\n")
    for command in (["drift"], ["quarantine"], ["quarantine", "retry"]):
        assert lake(*command, "--table", "posts", code=1).stderr.startswith(
            "plumb: cannot find table 'posts'")
    assert lake("mapping", "tiktok", "--table", "posts", code=1).stderr == (
        "plumb: cannot find mapping of source 'tiktok' into table 'posts'\n")
    assert lake("checks", "--check", "null").stdout.startswith("There is no result of such a check")


def test_a_source_whose_file_is_gone_is_still_found(lake):
    (lake.dir / "sources/tiktok.yml").rename(lake.dir / "sources/tiktok.old")
    assert len(lake.json("quarantine", "--source", "tiktok")) == 2


def test_runs(lake):
    run = lake.json("runs")[0]
    assert (run["command"], run["state"]) == ("run", "done")
    assert run["records"] == {"raw": 5, "curated": 3, "quarantined": 2, "filtered": 0}
    assert run["started"] <= run["finished"]
    assert run["run"] in lake("runs").stdout


def test_ledger_balances_and_takes_the_beginning_of_an_id(lake):
    lake("ingest", "tiktok", "-", input=b'{"id":"9"}\n')
    lake("run")
    rows = lake.json("ledger")
    assert len(rows) == 2 and rows[0]["object"] > rows[1]["object"]
    for row in rows:
        assert row["records"] == row["curated"] + row["quarantined"] + row["filtered"]
        assert row["state"] == "published"
    one = rows[1]["object"]
    assert lake.json("ledger", one) == [rows[1]]
    assert lake.json("ledger", one.lower()) == [rows[1]]
    assert lake.json("ledger", one[:5]) == rows
    assert "The newest 1 are shown" in lake("ledger", "--limit", "1").stdout
    assert lake("ledger", "ZZZ", code=1).stderr == (
        "plumb: cannot find object 'ZZZ': no run mapped one with this id\n"
        "  hint: 'plumb ledger' lists them.\n")


def test_quarantine_points_at_the_bytes_as_they_came(lake):
    rows = lake.json("quarantine")
    assert [r["record"] for r in rows] == [2, 4]
    assert [r["column"] for r in rows] == ["post_id", ""]
    for row in rows:
        first = row["byte_first"]
        came = INPUT[first:first + row["byte_count"]]
        shown = lake.json("quarantine", "show", row["id"])["bytes"]
        assert shown == came.decode().replace("\x1b", "\\x1b").replace("\n", "\\n")
    text = lake("quarantine", "show", rows[1]["id"]).stdout
    assert "\x1b" not in text and '{"id":"\\x1b[31m' in text
    assert len(lake.json("quarantine", "--table", "post_metrics", "--limit", "1")) == 1
    assert len(lake.json("quarantine", "--object", rows[0]["object"])) == 2
    for wrong in ("99", "x", "-1", "1x"):
        done = lake("quarantine", "show", "--", wrong, code=1)
        assert done.stderr == (f"plumb: cannot find quarantine entry '{wrong}': no such id\n"
                               "  hint: 'plumb quarantine' lists them.\n")


def test_mapping_shows_its_versions(lake):
    seen = lake.json("mapping", "tiktok")[0]
    assert (seen["version"], seen["file"], seen["text"]) == (1, "sources/tiktok.yml", MAPPING)
    assert [v["objects"] for v in seen["versions"]] == [1]
    (lake.dir / "sources/tiktok.yml").write_text(MAPPING.replace("id\n", "id | pid\n"))
    assert lake.json("mapping", "tiktok")[0]["version"] is None
    assert "becomes version 2 with the next run" in lake("mapping", "tiktok").stdout


def test_doctor_finds_a_sound_lake(lake):
    checks = {c["check"]: c for c in lake.json("doctor", code=None)["checks"]}
    for name in ("plumb", "sqlite", "project", "lake", "registry", "run lock", "table"):
        assert checks[name]["state"] == "ok", checks[name]
    assert checks["table"]["detail"] == "post_metrics: metadata and 1 file readable"


def test_doctor_names_what_is_broken(lake):
    for path in (lake.dir / "lake/tables/post_metrics/metadata").glob("*.metadata.json"):
        path.chmod(0o644)
        path.write_text("{}")
    done = lake("doctor", "--json", code=1)
    assert '"check":"table","state":"bad"' in done.stdout
    assert '"ok":false' in done.stdout


def test_backup_is_a_whole_registry(lake):
    lake("doctor", "--backup", "copy.db")
    assert lake("doctor", "--backup", "copy.db", code=1).stderr.startswith(
        "plumb: cannot write backup 'copy.db': it exists already\n")
    assert lake("doctor", "--backup", "nowhere/copy.db", code=1).stderr == (
        "plumb: cannot write backup 'nowhere/copy.db': its folder is missing or may not be written"
        " to\n")
    before = lake.json("ledger")
    for name in ("plumb.db", "plumb.db-wal", "plumb.db-shm"):
        (lake.dir / "lake" / name).unlink()
    (lake.dir / "copy.db").rename(lake.dir / "lake/plumb.db")
    assert lake.json("ledger") == before


@pytest.mark.skipif(os.getuid() != 0, reason="another user is needed")
def test_looking_needs_no_write_permission(lake, tmp_path_factory):
    folder, top = lake.dir, tmp_path_factory.getbasetemp().parent  # pytest's own, closed to others
    while folder.is_relative_to(top):
        folder.chmod(0o755)
        folder = folder.parent
    (lake.dir / "lake").chmod(0o555)
    want = lake.json("status")
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", lake.exe,
                           "status", "--json"], cwd=lake.dir, capture_output=True, text=True)
    if "Permission denied" in done.stderr and not done.stdout:
        pytest.skip("the build is in a folder other users may not enter")
    assert done.returncode == 0, done.stderr
    assert f'"curated":{want["sources"][0]["curated"]}' in done.stdout


def test_pyiceberg_opens_plumb_db_as_a_catalog(lake):
    catalog = SqlCatalog("plumb", uri=f"sqlite:///{lake.dir}/lake/plumb.db")
    assert catalog.list_namespaces() == [("default",)]
    assert catalog.list_tables("default") == [("default", "post_metrics")]
    assert catalog.load_namespace_properties("default") == {"exists": "true"}
    table = catalog.load_table("default.post_metrics")
    assert table.metadata_location == lake.json("tables")[0]["metadata"]
    assert table.scan().to_arrow().num_rows == 3


def test_the_catalog_tables_are_the_standard_ones(lake):
    with sqlite3.connect(lake.dir / "lake/plumb.db") as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(iceberg_tables)")]
        assert columns == ["catalog_name", "table_namespace", "table_name", "metadata_location",
                           "previous_metadata_location", "iceberg_type"]
        assert db.execute("SELECT catalog_name, table_namespace, table_name, iceberg_type"
                          " FROM iceberg_tables").fetchall() == [
            ("plumb", "default", "post_metrics", "TABLE")]
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_newer_registry_is_refused(lake):
    with sqlite3.connect(lake.dir / "lake/plumb.db") as db:
        db.execute("PRAGMA user_version = 7")
    assert lake("status", code=1).stderr == (
        "plumb: cannot open registry './lake/plumb.db': a newer plumb wrote it (schema 7, this one "
        "knows 5)\n  hint: Use the newer plumb, or name another file with 'state:' in "
        "plumb.yaml.\n")
