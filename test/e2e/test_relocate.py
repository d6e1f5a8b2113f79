# SPDX-License-Identifier: Apache-2.0
"""plumb relocate: a project that was moved or copied. Every command says so, and afterwards every
reader finds every snapshot at the new place, with the ids it had.
"""
import collections
import json
import pathlib
import random
import shutil
import signal

import fastavro
import pyarrow
import pytest

from conftest import Plumb
from dying import asleep, draw, killed, watched
from lake import (FULL, books, catalog, duckdb_iceberg, figures, found, keep, lose, project, read,
                  restore, table, tree)
from posts import CONTRACT, MAPPING, lines

KILLS = 60 if FULL else 8


def publish(plumb, first, count):
    (plumb.dir / f"{first}.json").write_text(lines(first, count))
    plumb("ingest", "shop", f"{first}.json")
    plumb("run")


def make(plumb, runs=4):
    plumb.dir.mkdir(parents=True, exist_ok=True)
    project(plumb, {"posts": CONTRACT}, {"shop": MAPPING})
    for k in range(runs):
        publish(plumb, k * 10, 10)
    return plumb


@pytest.fixture
def shop(tmp_path):
    return make(Plumb(tmp_path / "old place"))


def move(plumb, name="new"):
    there = Plumb(plumb.dir.parent / name)
    plumb.dir.rename(there.dir)
    return there


def by_duckdb(metadata, snapshot):
    rows = duckdb_iceberg(f"SELECT id FROM iceberg_scan('{metadata}', "
                          f"snapshot_from_id = {snapshot})")
    return [(id,) for id in rows["id"].to_pylist()]


def history(plumb):
    """Everything of every snapshot but where its files are."""
    now = table(plumb, "posts")
    snapshots = [(s.snapshot_id, s.parent_snapshot_id, s.sequence_number, s.timestamp_ms,
                  s.schema_id, str(s.summary)) for s in now.snapshots()]
    files = [(s.snapshot_id, sorted(str({
        **{k: v for k, v in row.items() if k != "data_file"},
        **{k: v for k, v in row["data_file"].items() if k != "file_path"},
        "name": row["data_file"]["file_path"].rsplit("/lake/", 1)[1]})
        for row in now.inspect.entries(s.snapshot_id).to_pylist())) for s in now.snapshots()]
    return (now.metadata.table_uuid, now.schema(), now.spec(), now.metadata.last_sequence_number,
            now.metadata.last_column_id, now.metadata.refs, now.metadata.snapshot_log, snapshots,
            files)


def ids(plumb, snapshot=None):
    return sorted(read(plumb, "posts", "id", snapshot=snapshot)["id"].to_pylist())


def check(plumb, runs=4):
    """Every reader, every snapshot."""
    now = table(plumb, "posts")
    lake = f"file://{plumb.dir}/lake/"
    assert now.metadata_location.startswith(lake) and now.location() == f"{lake}tables/posts"
    assert [len(ids(plumb, s.snapshot_id)) for s in now.snapshots()] == [
        10 * k for k in range(1, runs + 1)]
    assert all(file.file.file_path.startswith(lake) for file in now.scan().plan_files())
    assert all(log.metadata_file.startswith(lake) for log in now.metadata.metadata_log)
    hint = plumb.dir / "lake/tables/posts/metadata/version-hint.text"
    assert now.metadata_location.endswith(f"/{hint.read_text()}.metadata.json")
    plumb("verify")


def untouched(plumb):
    """Raw and data files."""
    return {name: it for name, it in tree(plumb.dir / "lake").items()
            if name.startswith("raw/") or "/data/" in name}


# moved
def test_a_moved_lake_is_named_relocated_and_goes_on(shop):
    files, past = untouched(shop), history(shop)
    old = f"file://{shop.dir}/lake/"
    shop = move(shop)
    new = f"file://{shop.dir}/lake/"
    told = (f"plumb: warning: the lake was moved, and its tables still name '{old}';"
            " 'plumb relocate' rewrites them\n")
    before = tree(shop.dir / "lake")
    for words in (["status"], ["tables"], ["describe", "posts"], ["history", "posts"], ["ledger"],
                  ["query", "SELECT count(*) FROM posts"]):
        assert shop(*words).stderr == told, words
    at = past[7][1][0]
    assert json.loads(shop("query", "--at", at, "--format", "json",
                           "SELECT count(*) AS n FROM posts").stdout) == [{"n": 20}]
    for words in ["run"], ["plan"], ["quarantine", "retry"]:
        assert shop(*words, code=2).stderr == (
            f"plumb: cannot use the tables of lake '{new}': it was moved, they still name '{old}'\n"
            "  hint: 'plumb relocate' makes them name this place.\n"), words
    (finding,) = shop.json("verify", code=1)["findings"]
    assert (finding["rule"], "plumb relocate" in finding["what"]) == ("moved", True)
    (place,) = (c for c in shop.json("doctor")["checks"] if c["check"] == "place")
    assert place["state"] == "warn" and f"still name '{old}': 'plumb relocate'" in place["detail"]
    look = shop.json("relocate", "--dry-run")
    assert (look["state"], look["run"], look["tables"][0]["metadata"]) == ("dry-run", None, None)
    assert tree(shop.dir / "lake") == before

    done = shop.json("relocate")
    assert (done["state"], done["target_prefix"]) == ("relocated", new)
    (posts,) = done["tables"]
    assert {**posts, "metadata": None} == look["tables"][0]
    assert (posts["source_prefix"], posts["snapshots"], posts["manifests"]) == (old, 4, 4)
    assert untouched(shop) == files
    assert history(shop) == past
    check(shop)
    after = tree(shop.dir / "lake")
    assert all(after[name] == it for name, it in before.items() if "version-hint" not in name)
    assert shop.json("relocate")["state"] == "nothing"
    assert not any(c["check"] == "place" for c in shop.json("doctor")["checks"])
    assert tree(shop.dir / "lake") == after
    for snapshot in past[7]:
        assert len(by_duckdb(posts["metadata"], snapshot[0])) == len(ids(shop, snapshot[0]))
    publish(shop, 40, 10)
    assert json.loads(shop("query", "SELECT count(*) AS n FROM posts", "--format", "json").stdout) \
        == [{"n": 50}]
    check(shop, 5)


def test_a_copy_is_a_lake_of_its_own(shop):
    copy = Plumb(shop.dir.parent / "copy")
    shutil.copytree(shop.dir, copy.dir)
    before = tree(shop.dir / "lake")
    assert copy.json("relocate", "--from", shop.dir / "lake/")["state"] == "relocated"
    publish(copy, 40, 10)
    check(copy, 5)
    assert tree(shop.dir / "lake") == before
    check(shop)
    assert ids(shop) == list(range(40))


def test_moved_twice_and_back(shop):
    at = move(shop, "b")
    at("relocate")
    at = move(at, "c")
    at("relocate")
    publish(at, 40, 10)
    at = move(at, "old place")
    (posts,) = at.json("relocate")["tables"]
    assert posts["snapshots"] == 5
    check(at, 5)
    assert [run["command"] for run in at.json("runs")][:2] == ["relocate", "run"]


def test_readers_may_see_it_under_another_path(shop):
    elsewhere = shop.dir.parent / "mnt"
    done = shop.json("relocate", "--to", elsewhere)
    assert done["target_prefix"] == f"file://{elsewhere}/"
    assert "'plumb relocate' rewrites" in shop("status").stderr
    shutil.copytree(shop.dir / "lake", elsewhere)
    from pyiceberg.catalog.sql import SqlCatalog
    there = SqlCatalog("plumb", uri=f"sqlite:///{elsewhere}/plumb.db", warehouse="")
    assert len(there.load_table("default.posts").scan().to_arrow()) == 40
    shutil.rmtree(elsewhere)
    assert shop.json("relocate")["tables"][0]["source_prefix"] == f"file://{elsewhere}/"
    check(shop)


def test_rebuilt_before_and_after(shop):
    shop = move(shop, "b")
    ledger = shop.json("ledger")
    rebuild(shop)
    (finding,) = shop.json("verify", code=1)["findings"]
    assert finding["rule"] == "moved"
    shop("relocate")
    check(shop)
    publish(shop, 40, 10)
    rebuild(shop)
    check(shop, 5)
    assert shop.json("ledger")[1:] == ledger
    shop = move(shop, "c")
    shop("relocate")
    rebuild(shop)
    check(shop, 5)


def rebuild(plumb):
    lose(plumb)
    plumb("rebuild")


# tables of others
def test_a_table_of_another_writer_moves_whatever_it_holds(shop):
    rows = pyarrow.table({"k": [1, 2], "m": [[("a", 1)], [("b", 2)]], "s": [{"x": 1}, {"x": 2}]},
                         schema=pyarrow.schema([
                             ("k", pyarrow.int32()),
                             ("m", pyarrow.map_(pyarrow.string(), pyarrow.int64())),
                             ("s", pyarrow.struct([("x", pyarrow.float64())]))]))
    other = catalog(shop).create_table("default.other", rows.schema)
    other.append(rows)
    other.append(rows)
    other.delete("k = 1")
    want = other.scan().to_arrow()
    shop = move(shop)
    assert [t["table"] for t in shop.json("relocate")["tables"]] == ["other", "posts"]
    moved = table(shop, "other")
    assert moved.scan().to_arrow() == want
    assert [len(moved.scan(snapshot_id=s.snapshot_id).to_arrow()) for s in moved.snapshots()][:2] \
        == [2, 4]
    assert moved.metadata.location == f"file://{shop.dir}/lake/tables/default/other"
    moved.append(rows)
    assert len(table(shop, "other").scan().to_arrow()) == 4
    check(shop)


def edit_lists(plumb, **members):
    """Change every row of the current manifest list, as another program would have written it."""
    path = table(plumb, "posts").current_snapshot().manifest_list.removeprefix("file://")
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        rows, meta = list(reader), reader.metadata
        schema = reader.writer_schema
    for row in rows:
        row.update({name: value(row) for name, value in members.items()})
    meta = {k: v for k, v in meta.items() if not k.startswith("avro.")}
    pathlib.Path(path).chmod(0o644)
    with open(path, "wb") as file:
        fastavro.writer(file, schema, rows, metadata=meta)


@pytest.mark.parametrize("members, why", [
    ({"content": lambda row: 1},
     "another writer deleted rows in it by delete files, which hold paths"),
    ({"key_metadata": lambda row: b"secret"}, "a manifest is encrypted"),
    ({"manifest_path": lambda row: "file:///elsewhere/m.avro"},
     "manifest 'file:///elsewhere/m.avro' is below neither"),
], ids=["deletes", "encrypted", "elsewhere"])
def test_what_cannot_be_rewritten_is_refused_and_nothing_changes(shop, members, why):
    edit_lists(shop, **members)
    shop = move(shop)
    before = shop.json("runs"), table_row(shop)
    said = shop("relocate", code=1).stderr
    assert said.startswith("plumb: cannot relocate table 'posts': ") and why in said
    assert (shop.json("runs"), table_row(shop)) == before


def table_row(plumb):
    return books(plumb, "SELECT * FROM iceberg_tables")


# others
def test_one_at_a_time(shop):
    shop = move(shop)
    holder = asleep(shop, ["relocate"], ".avro")
    said = shop("relocate", "--wait", "100ms", code=1).stderr
    assert str(holder.pid) in said and "relocate" in said
    assert shop.json("relocate", "--dry-run")["state"] == "dry-run"
    holder.send_signal(signal.SIGCONT)
    assert holder.wait() == 0
    assert shop.json("relocate")["state"] == "nothing"
    check(shop)


def test_mistakes_are_told(shop):
    assert shop("relocate", "--from", "old", code=2).stderr.splitlines()[0] == \
        "plumb relocate: 'old' is not an absolute path"
    shop = move(shop)
    assert shop("relocate", "--from", "/no/such/lake", code=1).stderr.splitlines()[0] == \
        "plumb: cannot relocate from 'file:///no/such/lake/': no table names it"
    empty = Plumb(shop.dir.parent / "empty")
    empty.dir.mkdir()
    project(empty, {"posts": CONTRACT}, {"shop": MAPPING})
    assert empty.json("relocate")["state"] == "nothing"


# death
@pytest.mark.timeout(900)
def test_killed_anywhere_it_did_all_or_nothing(quick):
    made = make(Plumb(quick.dir.parent / "made"), runs=3)
    past = history(made)
    quick.dir.rmdir()
    made.dir.rename(quick.dir)
    old = f"file://{made.dir}/lake/"
    keep(quick)
    manifests = len(found(quick, "tables/posts/metadata/*.avro"))
    rng, places = random.Random(4), collections.Counter()
    changes = watched(quick, ["relocate"])
    for kill in range(KILLS):
        restore(quick)
        assert killed(quick, ["relocate"], draw(rng, changes))
        (row,) = books(quick, "SELECT metadata_location FROM iceberg_tables")
        done = not row[0].startswith(old)
        metadata = found(quick, "tables/posts/metadata/*.metadata.json")
        avro = found(quick, "tables/posts/metadata/*.avro")
        places["committed" if done else "metadata written" if len(metadata) > 3 else
               "manifests written" if len(avro) > manifests else "before"] += 1
        if not done:
            quick("run", code=2)
        quick("relocate")
        quick("run")
        assert history(quick) == past
        check(quick, 3)
        publish(quick, 30, 10)
        check(quick, 4)
        rebuild(quick)
        check(quick, 4)
    figures("relocate killed", *(f"- {where}: {n}" for where, n in sorted(places.items())))
    assert set(places) == {"before", "manifests written", "metadata written", "committed"} \
        or not FULL
