# SPDX-License-Identifier: Apache-2.0
"""plumb replay: rows of chosen objects go, and those mapped from raw anew come, in one snapshot.
What the table holds then is what a fresh lake holds that never knew another mapping.
"""
import json
import random
import shutil

import duckdb
import pytest

from lake import books, listed, lose, project, read, table, write

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
