# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the runs that hold a source back, that let objects join, and that let them go on: the
next run ends where an undisturbed one does, in the table and in the books.

The places are those of test_kill.py: just before a change to the lake. In the long form each one is
tried, and every second time the run that repairs is killed as well.
"""
import collections
import random
import re
import sqlite3
import time

import pytest

from dying import draw, killed, watched
from held import land, post, renamed, start
from lake import FULL, books, figures, found, keep, listed, read, restore

KILLS = 3  # of each case, in the short form


def limit(plumb):
    (plumb.dir / "plumb.yaml").write_text((plumb.dir / "plumb.yaml").read_text()
                                          + "drift: {limit: 1s}\n")


def stages(plumb):
    land(plumb, "shop", "3.json", [renamed(n, 3, "views", "view_count") for n in range(200)])
    land(plumb, "mall", "m3.json", [post(n, 3) for n in range(200)])


def joins(plumb):
    stages(plumb)
    plumb("run", code=3)
    land(plumb, "shop", "4.json", [renamed(n, 4, "views", "view_count") for n in range(200)])
    land(plumb, "mall", "m4.json", [post(n, 4) for n in range(200)])


def heals(plumb):
    land(plumb, "shop", "3.json", [post(5, 3, shares=None)])
    plumb("run", code=3)
    land(plumb, "shop", "4.json", [post(n, 4) for n in range(300)])


def overlay(plumb):
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    land(plumb, "mall", "m3.json", [post(n, 3) for n in range(200)])


def over_time(plumb):
    limit(plumb)
    land(plumb, "shop", "3.json", [post(n, 3, shares=None) for n in range(200)])
    plumb("run", code=3)
    land(plumb, "shop", "4.json", [post(n, 4, shares=None) for n in range(200)])
    time.sleep(1.1)


def edited(plumb):
    joins(plumb)
    file = next((plumb.dir / "sources").glob("shop*"))
    file.write_text(file.read_text().replace("stats.views", "stats.view_count | stats.views"))


def checked(plumb):
    """A critical check fails; the posts are new ones, so no drift is seen in them."""
    file = plumb.dir / "contracts" / "posts.yml"
    file.write_text(file.read_text() + "checks: {nulls: {shares: 5% critical}}\n")
    land(plumb, "shop", "3.json", [post(n, 3, shares=None if n % 10 == 0 else n + 5000)
                                   for n in range(200)])
    land(plumb, "mall", "m3.json", [post(n, 3) for n in range(200)])


def accepted(plumb):
    checked(plumb)
    plumb("run", code=3)
    land(plumb, "shop", "4.json", [post(n, 4) for n in range(200)])
    with sqlite3.connect(plumb.dir / "lake" / "plumb.db") as db:
        db.execute("UPDATE holds SET accepted = 1, released = first_object")


CASES = {stages: (3, 1800), joins: (3, 2000), heals: (0, 1901), overlay: (0, 2200),
         over_time: (0, 2000), edited: (0, 2400), checked: (3, 1800), accepted: (0, 2200)}
hit = collections.Counter()


def drift(plumb):
    """The books of what waits and of what was found; no run's name, no time."""
    plain = re.compile(r"(\d{4}-\d\d-\d\dT[0-9:.]+Z|[0-9A-HJKMNP-TV-Z]{26})")
    events = [(kind, who, plain.sub("#", text)) for kind, who, text in books(
        plumb, "SELECT kind, who, text FROM events WHERE kind LIKE 'drift.%' ORDER BY id")]
    return (events,
            books(plumb, "SELECT source, tbl, fingerprint, class, strength, col, critical, state,"
                         " first_object, records, flips FROM findings ORDER BY 1, 2, 3"),
            books(plumb, "SELECT source, tbl, first_object, objects, records, critical, released,"
                         " why FROM holds ORDER BY 1"),
            books(plumb, "SELECT tbl, object, state FROM states ORDER BY 1, 2"),
            books(plumb, "SELECT DISTINCT source, name, col, critical, outcome, measured, total,"
                         " allowed FROM checks ORDER BY 1, 2, 3, 5, 6"),
            books(plumb, "SELECT source, overlay FROM mapping_uses ORDER BY 1"),
            books(plumb, "SELECT source, tbl, version, records FROM shapes ORDER BY 1, 2, 3"),
            books(plumb, "SELECT tbl, object, records, curated, quarantined FROM ledger"
                         " ORDER BY 1, 2"))


def check(plumb, rows):
    """Each record once, and nothing lies about."""
    now = read(plumb, "posts", "_object", "_record")
    places = list(zip(now["_object"].to_pylist(), now["_record"].to_pylist()))
    assert len(places) == len(set(places)) == rows
    assert sum(line["curated"] for line in plumb.json("ledger")) == rows
    assert listed(plumb, "posts") == found(plumb, "tables/posts/data/**/*.parquet")
    assert found(plumb, ".plumb/runs/**/*") == []
    assert books(plumb, "SELECT count(*) FROM runs WHERE state = 'working'") == [(0,)]
    assert plumb.json("verify")["sound"]


@pytest.mark.timeout(1800 if FULL else 240)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_next_run_ends_where_an_undisturbed_one_does(quick, case):
    code, rows = CASES[case]
    start(quick, "shop", "mall")
    case(quick)
    keep(quick)
    changes = watched(quick, ["run", "--threads", "1"], code)
    check(quick, rows)
    wanted = drift(quick)
    rng = random.Random(len(changes))
    places = range(1, len(changes) + 1) if FULL else [draw(rng, changes) for _ in range(KILLS)]
    died = again = 0
    for at in places:
        restore(quick)
        restore(quick)
        if killed(quick, ["run", "--threads", "1"], at):
            died += 1
            state, = books(quick, "SELECT max(id), state FROM runs")
            waits, = books(quick, "SELECT count(*), sum(released != '') FROM holds")
            hit[f"{case.__name__}: run {state[1]}, {waits[0]} waits, {waits[1] or 0} released"] += 1
            if at % 2 == 0:
                again += killed(quick, ["run", "--threads", "1"], draw(rng, changes))
        quick("run", code=code)
        assert drift(quick) == wanted, f"killed before change {at}, {changes[at - 1]}"
        check(quick, rows)
        assert quick.json("run", code=code)["run"] is None  # nothing was left to do
    assert died
    figures(f"{case.__name__}: {len(changes)} changes, {died} kills, {again} of what repaired",
            *(f"{where}: {times}" for where, times in sorted(hit.items())
              if where.startswith(f"{case.__name__}:")))
