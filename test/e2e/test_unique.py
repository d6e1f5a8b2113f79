# SPDX-License-Identifier: Apache-2.0
"""`checks: {unique: key}`: rows that repeat a key of the table, of another source of the run, or of
another raw object, counted again with Python."""
import os
import random

import pytest

from held import CONTRACT, MAPPING, land, post
from lake import project, read

KEYED = CONTRACT.replace("key: [post_id]", "key: [post_id, day]")
PARTED = KEYED.replace("partition: []", "partition: [day]")


def start(plumb, check="key", *sources, contract=KEYED):
    project(plumb, {"posts": contract + f"checks: {{unique: {check}}}\n"},
            {s: MAPPING.format(source=s) for s in sources or ["shop"]})


def posts(first, count, day=1):
    return [post(n, day) for n in range(first, first + count)]


def unique(plumb):
    return {r["source"]: (r["measured"], r["total"]) for r in plumb.json("checks")
            if r["check"] == "unique"}


def test_other_objects_of_the_run_and_rows_of_the_table(plumb):
    start(plumb)
    land(plumb, "shop", "1.json", posts(0, 50))
    land(plumb, "shop", "2.json", posts(45, 50))
    (failed,) = plumb.json("run")["checks"]
    assert failed["text"] == "a key is repeated in 5 of 100 rows (5%), allowed is none"
    land(plumb, "shop", "3.json", posts(90, 20) + posts(109, 1))
    plumb("run")
    assert unique(plumb) == {"shop": (6, 21)}
    land(plumb, "shop", "4.json", posts(0, 50, day=2))  # the day is part of the key
    plumb("run")
    assert unique(plumb) == {"shop": (0, 50)}


def test_critical_one_waits_for_what_another_run_published(plumb):
    start(plumb, "key critical")
    land(plumb, "shop", "1.json", posts(0, 50))
    plumb("run")
    land(plumb, "shop", "2.json", posts(0, 50)[:2] + posts(50, 8))
    assert plumb.json("run", code=3)["holds"][0]["why"] == \
        "a key is repeated in 2 of 10 rows (20%), allowed is none"
    assert len(read(plumb, "posts")) == 50
    assert plumb.json("checks", "accept", "posts")["holds"] == []
    assert len(read(plumb, "posts")) == 60


def test_sources_of_one_run(plumb):
    start(plumb, "key", "shop", "mall")
    land(plumb, "shop", "1.json", posts(0, 50))
    land(plumb, "mall", "2.json", posts(40, 50))
    plumb("run")
    assert sorted(unique(plumb).values()) == [(0, 50), (10, 50)]


@pytest.mark.parametrize("contract", [KEYED, PARTED], ids=["whole", "parted"])
def test_as_python_counts(plumb, contract):
    rng = random.Random(7)
    start(plumb, contract=contract)
    seen = set()
    for run in range(6):
        repeated = rows = 0
        for file in range(3):
            batch = [post(rng.randrange(400), rng.randrange(1, 5)) for _ in range(60)]
            land(plumb, "shop", f"{run}-{file}.json", batch)
            for record in batch:
                key = record["id"], record["day"]
                repeated += key in seen
                seen.add(key)
                rows += 1
        plumb("run")
        assert unique(plumb) == {"shop": (repeated, rows)}
        if run == 3:
            plumb("compact", "posts")


@pytest.mark.skipif(not os.environ.get("PLUMB_FULL"), reason="long form")
def test_little_memory_reads_more_than_once(plumb):
    start(plumb)
    file = plumb.dir / "plumb.yaml"
    file.write_text(file.read_text() + "memory: 128MiB\n")  # a million keys at once
    for at in range(0, 2400000, 300000):
        land(plumb, "shop", f"{at}.json", posts(at - at // 300000 * 1000, 300000))
    plumb("run")
    assert unique(plumb) == {"shop": (7000, 2400000)}


def test_first_and_last_are_refused(plumb):
    project(plumb, {"posts": CONTRACT + "duplicates: first\n"}, {"shop": MAPPING.format(
        source="shop")})
    assert ("duplicates: first is not done by this version: rows with one key are counted, and all"
            " kept\n") in plumb("run", code=2).stderr
