# SPDX-License-Identifier: Apache-2.0
"""Expire: old snapshots go, files go later, and nothing anybody still needs goes at all."""
import json
import os
import random
import time

import pytest

import lake
from dying import killed, watched
from lake import FULL, books, figures, found, keep, listed, lose, read, restore

CONTRACT = """
    table: posts
    key: [id]
    columns:
      id: long!
      likes: long
"""
SOURCE = """
    source: shop
    into: posts
    map:
      id: id
      likes: likes
"""
ALL = "--older-than", "0s", "--grace", "0s"
DATA = "tables/posts/data/**/*.parquet"


def publish(plumb, first, code=0):
    (plumb.dir / "in.json").write_text("\n".join(
        json.dumps({"id": i, "likes": 2 * i}) for i in range(first, first + 3)))
    plumb("ingest", "shop", "in.json")
    return plumb.json("run", code=code)


def ids(plumb, snapshot=None):
    return sorted(read(plumb, "posts", "id", snapshot=snapshot)["id"].to_pylist())


def metadata_files(plumb):
    """Manifests and lists that lie there."""
    return found(plumb, "tables/posts/metadata/*.avro")


def reachable(plumb):
    """Manifests and lists a snapshot leads to, by PyIceberg."""
    table = lake.table(plumb, "posts")
    names = set()
    for snapshot in table.snapshots():
        names.add(snapshot.manifest_list)
        names |= {m.manifest_path for m in snapshot.manifests(table.io)}
    return sorted(name.split("/lake/", 1)[1] for name in names)


@pytest.fixture
def shop(plumb):
    """Ids 0 to 8 in three snapshots, then the first object's rows swapped."""
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    for first in (0, 3, 6):
        publish(plumb, first)
    first, = books(plumb, "SELECT min(id) FROM objects")
    plumb("replay", "posts", "--object", first[0])
    return plumb


def test_nothing_young_goes(shop):
    assert shop("expire", "posts").stdout == "no snapshot of posts is old enough\n"
    assert len(lake.table(shop, "posts").snapshots()) == 4


def test_snapshots_go_then_files(shop):
    dry = shop.json("expire", "posts", "--older-than", "0s", "--dry-run")
    assert (dry["snapshots"], dry["snapshots_left"], dry["data_files"]) == (3, 1, 1)
    assert len(lake.table(shop, "posts").snapshots()) == 4
    done = shop.json("expire", "posts", "--older-than", "0s")  # readers have an hour
    assert done["deleted"] == 0 and done["waiting"] > 1
    assert len(found(shop, DATA)) == 4 and len(lake.table(shop, "posts").snapshots()) == 1
    done = shop.json("expire", "posts", *ALL)
    assert done["state"] == "nothing" and done["waiting"] == 0
    assert found(shop, DATA) == listed(shop, "posts") and len(found(shop, DATA)) == 3
    assert metadata_files(shop) == reachable(shop)
    assert ids(shop) == list(range(9)) and shop.json("verify")["sound"]
    assert books(shop, "SELECT count(*) FROM files") == [(3,)]
    publish(shop, 9)
    assert ids(shop) == list(range(12))
    assert {s for s, in books(shop, "SELECT state FROM states")} == {"published"}


def test_what_was_expired_is_refused_by_name(shop):
    old = lake.table(shop, "posts").snapshots()[0].snapshot_id
    shop("expire", "posts", *ALL)
    assert shop("rollback", "posts", "--to", old, code=1).stderr.startswith(
        f"plumb: cannot roll back table 'posts': it has no snapshot {old}, it was expired\n"
        "  hint: The oldest snapshot there is: ")
    assert "the snapshot before the current one was expired" in shop(
        "rollback", "posts", "--to", "previous", code=1).stderr


def test_tags_and_their_files_stay(shop):
    shop("rollback", "posts", "--to", lake.table(shop, "posts").snapshots()[0].snapshot_id)
    tag = lake.table(shop, "posts").metadata.refs["before-rollback-1"].snapshot_id
    publish(shop, 20, code=3)
    shop("expire", "posts", *ALL)
    assert {s.snapshot_id for s in lake.table(shop, "posts").snapshots()} == {
        tag, lake.table(shop, "posts").current_snapshot().snapshot_id}
    assert ids(shop, tag) == list(range(9)) and ids(shop) == [0, 1, 2, 20, 21, 22]
    assert metadata_files(shop) == reachable(shop) and shop.json("verify")["sound"]
    shop("rollback", "posts", "--to", "before-rollback-1")
    assert ids(shop) == list(range(9))
    states = [state for state, in books(shop, "SELECT state FROM states ORDER BY object")]
    assert states == ["published"] * 3 + ["withdrawn"]  # by parents that are only in the books


def test_a_foreign_tag_keeps_its_snapshot_too(shop):
    first = lake.table(shop, "posts").snapshots()[0].snapshot_id
    lake.table(shop, "posts").manage_snapshots().create_tag(first, "audit").commit()
    shop("expire", "posts", *ALL)
    assert ids(shop, first) == [0, 1, 2] and shop.json("verify")["sound"]


def put(plumb, name, days):
    """A file of that age in the lake."""
    path = plumb.dir / "lake/tables/posts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PAR1")
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return str(path.relative_to(plumb.dir / "lake"))


def test_old_files_that_nothing_leads_to_go(shop):
    old = [put(shop, "data/x/part-0.parquet", 4), put(shop, "metadata/snap-1-x.avro", 4),
           put(shop, "metadata/00009-x.metadata.json", 4)]
    stay = [put(shop, "data/young.parquet", 2), put(shop, "data/NOTES.txt", 99),
            put(shop, "notes/x.parquet", 99)]
    there = found(shop, "tables/**/*")
    dry = shop.json("expire", "posts", "--dry-run")
    assert (dry["orphans"], dry["orphan_bytes"], dry["state"]) == (3, 12, "dry-run")
    assert found(shop, "tables/**/*") == there
    assert shop("expire", "posts").stdout == (
        "no snapshot of posts is old enough\n"
        "deleted 3 files (12 B) that nothing leads to\n")
    assert found(shop, "tables/**/*") == sorted(set(there) - set(old)) and set(stay) <= set(there)
    done = shop.json("expire", "posts", "--orphans", "1d")
    assert (done["orphans"], done["deleted"], done["run"]) == (1, 0, None)
    assert ids(shop) == list(range(9)) and shop.json("verify")["sound"]
    for snapshot in lake.table(shop, "posts").snapshots():
        assert ids(shop, snapshot.snapshot_id)


def test_files_of_a_plan_are_no_orphans(shop):
    (shop.dir / "in.json").write_text('{"id": 99, "likes": 1}')
    shop("ingest", "shop", "in.json")
    planned = shop.json("plan")
    for task in planned["tasks"]:
        shop("work", planned["run"], task["task"])
    assert len(found(shop, DATA)) == len(listed(shop, "posts")) + 2  # and what the replay swapped
    assert shop.json("expire", "posts", "--orphans", "0s")["orphans"] == 0
    shop("commit", planned["run"])
    assert ids(shop) == [*range(9), 99] and shop.json("verify")["sound"]


def test_files_written_by_others_stay_however_they_are_addressed(shop):
    """PyIceberg adds a file whose address has no scheme."""
    import pyarrow
    import pyarrow.parquet
    name = shop.dir / "lake/tables/posts/data/theirs.parquet"
    table = lake.table(shop, "posts")
    rows = table.scan().to_arrow().slice(0, 1)
    pyarrow.parquet.write_table(pyarrow.table(rows.columns, schema=table.schema().as_arrow()), name)
    table.add_files([str(name)])
    os.utime(name, (0, 0))
    assert shop.json("expire", "posts", "--orphans", "0s")["orphans"] == 0
    assert len(ids(shop)) == 10


def test_a_rebuild_knows_what_waits_to_be_deleted(shop):
    shop("expire", "posts", "--older-than", "0s")
    doomed = books(shop, "SELECT * FROM doomed ORDER BY path")
    assert len(doomed) > 3 and len(found(shop, DATA)) == 4
    lose(shop)
    shop("rebuild")
    assert books(shop, "SELECT * FROM doomed ORDER BY path") == doomed
    assert shop.json("expire", "posts", "--orphans", "0s")["orphans"] == 0  # each has its time
    assert shop.json("expire", "posts", *ALL)["deleted"] == len(doomed)
    assert found(shop, DATA) == listed(shop, "posts") and metadata_files(shop) == reachable(shop)
    lose(shop)
    shop("rebuild")
    assert books(shop, "SELECT count(*) FROM doomed") == [(0,)]
    assert books(shop, "SELECT count(*) FROM files") == [(3,)] and shop.json("verify")["sound"]


@pytest.mark.timeout(1800 if FULL else 300)
def test_killed_at_every_step_the_next_one_goes_on(quick):
    lake.project(quick, {"posts": CONTRACT}, {"shop": SOURCE})
    for first in (0, 3):
        publish(quick, first)
    quick("replay", "posts", "--all")
    put(quick, "data/left.parquet", 4)
    put(quick, "metadata/left-m0.avro", 4)
    keep(quick)
    words = ["expire", "posts", *ALL]
    changes = watched(quick, words)
    places = range(1, len(changes) + 1)
    died = 0
    for at in places if FULL else sorted(random.Random(2).sample(places, 6)):
        restore(quick)
        restore(quick)
        died += killed(quick, words, at)
        assert ids(quick) == list(range(6))
        quick(*words)
        quick("run")
        assert found(quick, DATA) == listed(quick, "posts")
        assert metadata_files(quick) == reachable(quick), changes[at - 1]
        assert books(quick, "SELECT count(*) FROM doomed") == [(0,)]
        assert len(lake.table(quick, "posts").snapshots()) == 1 and quick.json("verify")["sound"]
    assert died
    figures("expire killed", f"{len(changes)} changes, {died} kills")
