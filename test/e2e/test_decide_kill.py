# SPDX-License-Identifier: Apache-2.0
"""kill -9 in a decision, just before any change to a file of the project: said once more, it ends
where an undisturbed one does, in files, books and rows, and nothing is left beside them. In the
long form each place is tried."""
import random
import sqlite3

import pytest

from dying import draw, killed, watched
from held import compact, land, post, renamed, start
from lake import FULL, books, figures, found, keep, listed, read, restore

KILLS = 4  # of each case, in the short form


def renames(plumb):
    land(plumb, "shop", "3.json", [renamed(n, 3, "views", "view_count") for n in range(200)])
    plumb("run", code=3)


def rule(plumb):
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    plumb("run")


def comes(plumb):
    with open(plumb.dir / "plumb.yaml", "a") as file:
        file.write("drift: {added: hold}\n")
    for day in (3, 4, 5):
        land(plumb, "shop", f"{day}.json", [post(n, day, saves=n % 17) for n in range(30)])
        plumb("run")


def goes(plumb):
    land(plumb, "shop", "3.json", [post(n, 3, shares=None) for n in range(200)])
    plumb("run", code=3)


def retypes(plumb):
    land(plumb, "shop", "3.json", [compact(n, 3) for n in range(1000)])
    plumb("run", code=3)


def tried(plumb):
    retypes(plumb)
    plumb("drift", "approve", 1, "--parallel")


def old(plumb):
    goes(plumb)
    plumb("drift", "approve", 1)
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("UPDATE findings SET changed_us = changed_us - 31 * 24 * 3600 * 1000000")


def came(plumb):
    comes(plumb)
    plumb("drift", "approve", "1")


CASES = [(renames, "approve"), (renames, "reject"), (rule, "approve"), (rule, "reject"),
         (came, "reject"), (comes, "approve"), (goes, "approve"), (goes, "reject"),
         (old, "approve"), (retypes, "approve"), (retypes, "approve --parallel"),
         (tried, "promote"), (tried, "reject")]


def state(plumb):
    """Files, findings and rows; no run's name, no time."""
    rows = read(plumb, "posts")
    names = [n for n in rows.column_names if not n.startswith("_") or n == "_rest"]
    texts = {p.name: p.read_text() for p in plumb.dir.glob("[cs]*s/*.yml")}
    return (texts,
            sorted(map(str, rows.select(names).to_pylist())),
            books(plumb, "SELECT fingerprint, state, muted_records FROM findings ORDER BY 1"),
            books(plumb, "SELECT kind, count(*) FROM events WHERE kind LIKE 'drift.%'"
                         " GROUP BY 1 ORDER BY 1"),
            books(plumb, "SELECT source, overlay FROM mapping_uses WHERE overlay <> ''"),
            books(plumb, "SELECT count(*) FROM holds"),
            books(plumb, "SELECT tbl, object, state FROM states ORDER BY 1, 2"))


@pytest.mark.timeout(1800 if FULL else 240)
@pytest.mark.parametrize("case, word", CASES, ids=lambda c: getattr(c, "__name__", c))
def test_said_once_more_it_ends_where_an_undisturbed_one_does(quick, case, word):
    start(quick, "shop")
    case(quick)
    keep(quick)
    words = ["drift", *word.split(), "1"]
    changes = watched(quick, words, under=".")
    wanted = state(quick)
    rng = random.Random(len(changes))
    places = range(1, len(changes) + 1) if FULL else [draw(rng, changes) for _ in range(KILLS)]
    died = 0
    for at in places:
        restore(quick)
        died += killed(quick, words, at, under=".")
        said = quick(*words, code=None)  # 1: all of it was done, or the ordinary run did the rest
        assert said.returncode in (0, 1), said.stderr
        quick("run")
        assert state(quick) == wanted, f"killed before change {at}, {changes[at - 1]}"
        assert set(listed(quick, "posts")) <= set(found(quick, "tables/posts/data/**/*.parquet"))
        assert quick.json("verify")["sound"]
        assert found(quick, ".plumb/runs/**/*") == []
        assert [*quick.dir.glob("sources/.*"), *quick.dir.glob("contracts/.*")] == []
    assert died
    figures(f"{word}, {case.__name__}: {len(changes)} changes, {died} kills")
