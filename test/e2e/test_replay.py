# SPDX-License-Identifier: Apache-2.0
"""plumb replay: rows of chosen objects go, and those mapped from raw anew come, in one snapshot.
What the table holds then is what a fresh lake holds that never knew another mapping.
"""
import json
import os
import random
import shutil
import signal
import subprocess

import duckdb
import pyarrow.compute
import pytest

from dying import asleep, draw, killed, watched
from lake import (FULL, books, found, keep, listed, lose, project, read, restore, table,
                  write)

CONTRACT = """
    table: posts
    key: [id]
    partition: [place, day(at)]
    sort: [at, id]
    columns:
      id:    long!
      place: string!
      at:    timestamp!
      likes: long
      rate:  double
      price: decimal(12, 3)
      tags:  list(string)
      extra: json
    """
OLD = """
    source: shop
    into: posts
    map:
      id:    id
      place: place
      at:    at
      likes: likes
      rate:  rate
      price: price
      tags:  tags
      extra: extra
    """
# Metrics under another name, rows in other partitions, one kept out, others no longer quarantined.
NEW = OLD.replace("likes: likes", "likes: likes | like_count").replace(
    "place: place", "place: region | place").replace(
    "at:    at", "at:    at | seen").replace("map:", "where: kind != \"ad\"\n    map:")
SETTINGS = "lake: ./lake\ndrift: {lost_share: 100%, lost_share_critical: 100%}\n"
FILES, RECORDS = 6, 300
DAY = "2026-11-{:02}T{:02}:00:00Z"


def records(number, count=RECORDS):
    """NDJSON with all that may go wrong between two files: NULL, NaN never, lists, decimals, lost
    values, duplicates, records that one mapping takes and the other does not."""
    rng = random.Random(number)
    lines = []
    for i in range(count):
        line = {"id": (number * count + i % (count - 5)) * 2654435761 % 2**31,
                "place": rng.choice("abc")}
        when = DAY.format(1 + rng.randrange(4), rng.randrange(24))
        line["seen" if i % 41 == 0 else "at"] = when
        line[rng.choice(["likes", "like_count"])] = rng.choice([1, 2**53 + 1, None, "7", "many"])
        line["rate"] = rng.choice([0.1, -0.0, 1e300, 3, None, "x"])
        line["price"] = rng.choice(["12.345", "-0.001", None, "1234567.1", "1.23456"])
        line["tags"] = rng.choice([None, [], ["a"], ["b", None, "ü" * 20]])
        line["extra"] = rng.choice([None, {"deep": [1, {"x": "y"}]}, "text"])
        if i % 3 == 0:
            line["region"] = rng.choice("abcd")
        if i % 37 == 0:
            line["kind"] = "ad"
        lines.append(json.dumps(line))
    return "\n".join(lines) + "\n"


def lay(plumb, mapping, contract=CONTRACT):
    project(plumb, {"posts": contract}, {"shop": mapping, "mall": mapping.replace(
        "source: shop", "source: mall")}, SETTINGS)


def objects(plumb):
    return [row[0] for row in books(plumb, "SELECT id FROM objects ORDER BY id")]


def filled(plumb, mapping=OLD):
    """Two files a run, each of them in files that the other one has rows in, too."""
    lay(plumb, mapping)
    for number in range(FILES):
        write(plumb.dir / f"{number}.json", "").write_text(records(number))
        plumb("ingest", "mall" if number == 5 else "shop", f"{number}.json",
              "--received", f"2026-11-1{number}T00:00:00Z")
        if number % 2:
            plumb("run")
    assert books(plumb, "SELECT DISTINCT state FROM states") == [("published",)]
    return objects(plumb)


def rows_by(plumb, *wanted, name="posts"):
    """Count and order-free hash of all columns but _mapping, of these objects or all."""
    rows = read(plumb, name)  # PyIceberg
    columns = ", ".join(f'"{c}"' for c in sorted(rows.column_names) if c != "_mapping")
    only = " OR ".join(f"_object = '{o}'" for o in wanted) or "true"
    with duckdb.connect() as db:
        db.register("t", rows)
        return db.execute(f"SELECT count(*), sum(hash(({columns}))::HUGEINT) FROM t"
                          f" WHERE {only}").fetchone()


def fresh(plumb, mapping, contract=CONTRACT):
    """The same raw objects in a lake that only ever knew this mapping."""
    name = f"{plumb.dir.name}-fresh-{abs(hash(mapping + contract))}"
    other = type(plumb)(plumb.dir.parent / name)
    if not other.dir.exists():
        lay(other, mapping, contract)
        shutil.copytree(plumb.dir / "lake/raw", other.dir / "lake/raw")
        other("rebuild")
        other("run")
    return other


def ledger_of(plumb):
    return {line.pop("object"): line for line in plumb.json("ledger") if line.pop("run")}


def check(plumb, chosen, rest, new=NEW, old=OLD, contract=CONTRACT):
    """The chosen objects' rows are the new mapping's, all others' the old one's; books and lint."""
    if chosen:
        assert rows_by(plumb, *chosen) == rows_by(fresh(plumb, new, contract), *chosen)
    if rest:
        assert rows_by(plumb, *rest) == rows_by(fresh(plumb, old, contract), *rest)
    rows = read(plumb, "posts", "_object", "_record")
    pairs = list(zip(rows["_object"].to_pylist(), rows["_record"].to_pylist()))
    assert len(pairs) == len(set(pairs))
    ledger = ledger_of(plumb)
    for mapping, some in (new, chosen), (old, rest):
        expected = ledger_of(fresh(plumb, mapping, contract)) if some else {}
        assert {one: ledger[one] for one in some} == {one: expected[one] for one in some}
    assert sum(line["curated"] for line in ledger.values()) == len(pairs)
    plumb("verify")
    assert books(plumb, "SELECT count(*) FROM runs WHERE state = 'working'") == [(0,)]
    for file in listed(plumb, "posts"):
        assert (plumb.dir / "lake" / file).exists()


SELECTORS = {
    "all": (["--all"], range(6)),
    "source": (["--all", "--source", "mall"], [5]),
    "since": (["--since", "2026-11-13"], [3, 4, 5]),
    "object": (["--object", 1], [1]),
    "objects": (["--object", 0, "--object", 2, "--object", 4], [0, 2, 4]),
    "place": (["--where", "place=c"], range(6)),
    "day": (["--where", "place=a/day=2026-11-02", "--source", "shop"], range(5)),
}


@pytest.mark.parametrize("how", SELECTORS)
def test_rows_are_those_of_a_fresh_lake(plumb, how):
    ids = filled(plumb)
    words, numbers = SELECTORS[how]
    words = [ids[w] if isinstance(w, int) else w for w in words]
    chosen = [ids[n] for n in numbers]
    before = table(plumb, "posts").metadata.current_snapshot_id
    lay(plumb, NEW)
    looked = plumb.json("replay", "posts", *words, "--dry-run")
    assert table(plumb, "posts").metadata.current_snapshot_id == before
    said = plumb.json("replay", "posts", *words)
    assert said["objects"] == looked["objects"] == len(chosen)
    assert said["files"] == looked["files"] and said["partitions"] == looked["partitions"]
    assert said["rows"]["before"] == looked["rows"]["before"] == rows_by(
        fresh(plumb, OLD), *chosen)[0]
    assert said["rows"]["after"] == said["records"]["curated"]
    now = table(plumb, "posts")
    assert now.current_snapshot().parent_snapshot_id == before  # one snapshot
    assert now.current_snapshot().summary.operation.value == "overwrite"
    check(plumb, chosen, [i for i in ids if i not in chosen])
    lose(plumb)
    plumb("rebuild")
    check(plumb, chosen, [i for i in ids if i not in chosen])


def test_after_compaction_and_many_objects_of_one_file(plumb):
    """Files are put together, to the row the same; then one object of many in each is swapped."""
    ids = filled(plumb)
    before, files = rows_by(plumb), listed(plumb, "posts")
    looked = plumb.json("compact", "posts", "--dry-run")
    assert listed(plumb, "posts") == files
    said = plumb.json("compact", "posts")
    assert said["files"] == looked["files"] and said["files"]["before"] == len(files)
    assert said["rows"] == before[0] and rows_by(plumb) == before
    assert len(listed(plumb, "posts")) == said["files"]["after"] == len(said["partitions"]) == 12
    assert table(plumb, "posts").current_snapshot().summary.operation.value == "replace"
    plumb("verify")
    head = table(plumb, "posts").metadata_location
    assert plumb.json("compact", "posts")["state"] == "nothing"
    assert table(plumb, "posts").metadata_location == head
    for file in listed(plumb, "posts"):  # sorted as a whole
        name = plumb.dir / "lake" / file
        with duckdb.connect() as db:
            at = db.execute(f"SELECT epoch_us(\"at\"), id FROM '{name}'").fetchall()
        assert at == sorted(at)
    lay(plumb, NEW)
    said = plumb.json("replay", "posts", "--object", ids[2])
    assert said["files"]["rewritten"] == 12 and said["files"]["removed"] == 0
    check(plumb, [ids[2]], [i for i in ids if i != ids[2]])
    plumb("compact", "posts")
    lose(plumb)
    plumb("rebuild")
    said = plumb.json("replay", "posts", "--all")
    assert said["files"]["rewritten"] == 0
    check(plumb, ids, [])


def test_columns_that_came_since_are_read_as_they_are_now(plumb):
    """Copied rows have no value in a column their file does not know; promoted ones keep theirs."""
    contract = CONTRACT.replace("likes: long", "likes: int")
    lay(plumb, OLD, contract)
    for number in range(2):
        (plumb.dir / f"{number}.json").write_text(records(number).replace(str(2**53 + 1), "5"))
        plumb("ingest", "shop", f"{number}.json")
    plumb("run")
    before = read(plumb, "posts")
    lay(plumb, NEW.rstrip() + "\n      kind:  kind\n",
        CONTRACT.rstrip() + "\n      kind:  string\n")
    first, second = objects(plumb)
    plumb("replay", "posts", "--object", second)
    rows = read(plumb, "posts")
    assert str(rows.schema.field("likes").type) == "int64" and "kind" in rows.column_names
    kept = rows.filter(of_object(rows, first))
    assert set(kept["kind"].to_pylist()) == {None}
    assert same(kept, before.filter(of_object(before, first)))
    plumb("verify")


def of_object(rows, wanted):
    return pyarrow.compute.equal(rows["_object"], wanted)


def same(rows, others):
    names = [n for n in others.column_names if n != "kind"]
    return sorted(map(repr, zip(*(rows[n].to_pylist() for n in names)))) == sorted(
        map(repr, zip(*(others[n].to_pylist() for n in names))))


def test_what_cannot_take_part_is_named_and_keeps_its_rows(plumb):
    ids = filled(plumb)
    gone, = books(plumb, f"SELECT key FROM objects WHERE id = '{ids[1]}'")
    (plumb.dir / "lake" / gone[0]).unlink()
    lay(plumb, NEW)
    (plumb.dir / "new.json").write_text(records(9))
    plumb("ingest", "shop", "new.json")
    fresh_id = objects(plumb)[-1]
    said = plumb("replay", "posts", "--object", ids[1], "--object", fresh_id, code=1)
    assert f"cannot replay object '{ids[1]}' of source 'shop': " in said.stderr
    assert f"object '{fresh_id}' of source 'shop': it is new: the next run publishes it" \
        in said.stderr
    said = plumb.json("replay", "posts", "--all", "--source", "shop", code=1)
    assert [r["object"] for r in said["refused"]] == [ids[1]] and said["objects"] == 4
    for one in ids[0], ids[2], ids[3], ids[4]:
        assert rows_by(plumb, one) != (0, None)
    assert rows_by(plumb, ids[1])[0] == ledger_of(plumb)[ids[1]]["curated"]
    for words, why in (
            (["posts", "--object", "00"], "cannot replay object '00': there is none"),
            (["posts", "--object", ids[0][:4]],
             f"cannot replay object '{ids[0][:4]}': more than one begins so"),
            (["posts", "--where", "nobody=1"],
             "cannot replay table 'posts': it has no partition 'nobody=1'"),
            (["posts", "--finding", "77"], "cannot find finding '77'"),
            (["posts", "--all", "--mapping", "1"],
             "cannot replay table 'posts' by version 1 of its mapping: it has more than one")):
        assert why in plumb("replay", *words, code=None).stderr
    assert "has to say which objects" in plumb("replay", "posts", code=2).stderr
    assert "only one of" in plumb("replay", "posts", "--all", "--withdrawn", code=2).stderr
    assert plumb.json("replay", "posts", "--withdrawn")["state"] == "nothing"


def test_by_an_older_mapping_and_to_no_rows_at_all(plumb):
    ids = filled(plumb)
    lay(plumb, NEW)
    plumb("replay", "posts", "--all")
    check(plumb, ids, [])
    plumb("replay", "posts", "--all", "--source", "shop", "--mapping", "1")
    assert rows_by(plumb, *ids[:5]) == rows_by(fresh(plumb, OLD), *ids[:5])
    assert rows_by(plumb, ids[5]) == rows_by(fresh(plumb, NEW), ids[5])
    lay(plumb, NEW.replace('kind != "ad"', 'kind == "nothing"'))
    said = plumb.json("replay", "posts", "--all")
    assert said["rows"]["after"] == 0 and listed(plumb, "posts") == []
    assert len(read(plumb, "posts")) == 0
    plumb("verify")
    lay(plumb, NEW)
    plumb("replay", "posts", "--all")
    check(plumb, ids, [])


def test_a_reader_sees_before_or_after(plumb):
    """While replays go on, every scan of a head is all of one version or all of the other."""
    filled(plumb)
    versions = set()
    for mapping in NEW, OLD:
        lay(plumb, mapping)
        process = subprocess.Popen([plumb.exe, "replay", "posts", "--all"], cwd=plumb.dir,
                                   stdout=subprocess.DEVNULL)
        while process.poll() is None:
            rows = read(plumb, "posts", "_mapping", "_object")
            made = set(rows["_mapping"].to_pylist())
            assert len(made) == 1 and len(set(rows["_object"].to_pylist())) == FILES
            versions |= made
        assert process.returncode == 0
    assert len(set(read(plumb, "posts", "_mapping")["_mapping"].to_pylist())) == 1


def test_another_writer_in_between(plumb):
    """A foreign commit while a replay works: it is looked again, and both are there."""
    ids = filled(plumb)
    lay(plumb, NEW)
    stopped = asleep(plumb, ["replay", "posts", "--all"], ".metadata.json")
    now = table(plumb, "posts")
    with now.transaction() as change:
        change.set_properties({"somebody": "else"})
    os.kill(stopped.pid, signal.SIGCONT)
    assert stopped.wait() == 0
    assert table(plumb, "posts").properties["somebody"] == "else"
    check(plumb, ids, [])


KILLS = 60 if FULL else 6


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("words", [["replay", "posts", "--since", "2026-11-13"],
                                   ["compact", "posts"]], ids=lambda words: words[0])
def test_killed_anywhere_the_same_command_again_finishes_it(quick, words):
    """A replay, or a compaction, is killed before a drawn change; whoever looks then sees all of it
    or nothing, and the same command again, or a run, leaves what an undisturbed one leaves."""
    plumb, rng = quick, random.Random(words[0])
    ids = filled(plumb)
    before = rows_by(plumb)
    lay(plumb, NEW)
    chosen = ids[3:] if words[0] == "replay" else []
    rest = [i for i in ids if i not in chosen]
    keep(plumb)
    changes = watched(plumb, words)
    after = rows_by(plumb)
    for kill in range(KILLS):
        restore(plumb)
        if not killed(plumb, words, draw(rng, changes)):
            continue
        assert rows_by(plumb) in (before, after)  # an independent reader
        if kill % 3 == 2:
            plumb("run")
            assert rows_by(plumb) in (before, after)
        plumb(*words)
        assert rows_by(plumb) == after
        check(plumb, chosen, rest)
        known = {path.split("/lake/", 1)[1] for path, in books(plumb, "SELECT path FROM files")}
        assert set(found(plumb, "tables/posts/data/**/*.parquet")) <= known
        lose(plumb)
        plumb("rebuild")
        check(plumb, chosen, rest)


def test_what_a_rollback_took_out_comes_again(plumb):
    ids = filled(plumb)
    before = rows_by(plumb)
    plumb("rollback", "posts", "--to", "previous", code=None)
    withdrawn = [line["object"] for line in plumb.json("ledger", code=None)
                 if line["state"] == "withdrawn"]
    assert withdrawn == sorted(withdrawn, reverse=True) and set(withdrawn) == set(ids[4:])
    said = plumb.json("replay", "posts", "--withdrawn")
    assert said["objects"] == 2 and said["rows"]["before"] == 0
    assert rows_by(plumb) == before
    check(plumb, [], ids)
    lose(plumb)
    plumb("rebuild")
    check(plumb, [], ids)
