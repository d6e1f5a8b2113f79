# SPDX-License-Identifier: Apache-2.0
"""What holding back is tested with: sources that send posts, polled again and again, into one
table; and the ways in which they change.

    start(plumb, "shop", "mall")        # two polls of each, published: there is a baseline
    land(plumb, "shop", "3.json", [renamed(n, 3, "views", "view_count") for n in range(400)])
"""
import json
import shutil
import sqlite3

import duckdb

from lake import books, project, read

CONTRACT = """table: posts
key: [post_id]
critical: [views]
partition: []
columns:
  post_id: string!
  day:     date
  likes:   long
  shares:  long
  views:   long
  rate:    double
"""
MAPPING = """source: {source}
into: posts
map:
  post_id: id
  day:     day
  likes:   stats.likes
  shares:  stats.shares
  views:   stats.views
  rate:    stats.rate parse(percent)
"""


def post(number, day=1, **keys):
    """One post as the platform sends it; a key given as None is left out, others join."""
    stats = {"likes": 100 + 7 * number + day, "shares": 3000 + 11 * number + day,
             "views": 1000000 + 1013 * number + 97 * day, "rate": f"{number % 90 + 0.25}%"}
    stats.update(keys)
    return {"id": f"p{number}", "day": f"2026-11-{day:02}",
            "stats": {k: v for k, v in stats.items() if v is not None}}


def renamed(number, day, old, new):
    record = post(number, day)
    record["stats"] = {new if k == old else k: v for k, v in record["stats"].items()}
    return record


def compact(number, day):
    """Its shares as a platform shows them to people."""
    record = post(number, day)
    record["stats"]["shares"] = f"{record['stats']['shares'] / 1000}K"
    return record


def land(plumb, source, name, records):
    (plumb.dir / name).write_text("".join(json.dumps(r) + "\n" for r in records))
    plumb("ingest", source, name)


def start(plumb, *sources):
    project(plumb, {"posts": CONTRACT}, {s: MAPPING.format(source=s) for s in sources})
    for source in sources:
        land(plumb, source, f"{source}1.json", [post(n, 1) for n in range(400)])
        land(plumb, source, f"{source}2.json", [post(n, 2) for n in range(400)])
    plumb("run")


def retired(plumb):
    """Source shop has no shares any more: its rule is gone, and its declaration."""
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 3, shares=None) for n in range(400)])
    plumb("run", code=3)
    plumb("drift", "approve", 1)
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("UPDATE findings SET changed_us = changed_us - 31 * 86400000000")
    plumb("drift", "approve", 1)
    assert books(plumb, "SELECT state FROM findings WHERE id = 1") == [("retired",)]


def rows(plumb):
    """Every row by what raw made of it: all columns of the contract, and _rest."""
    found = read(plumb, "posts")
    names = ", ".join(n for n in found.column_names if not n.startswith("_") or n == "_rest")
    return duckdb.sql(f"SELECT {names} FROM found ORDER BY ALL").fetchall()


def fresh(plumb, folder):
    """A lake of the same raw objects, mapped by the files as they are now."""
    other = type(plumb)(folder)
    for part in ("contracts", "sources"):
        shutil.copytree(plumb.dir / part, other.dir / part)
    shutil.copy(plumb.dir / "plumb.yaml", other.dir)
    names = books(plumb, "SELECT source, name FROM objects ORDER BY id")
    for source, name in names:
        other("ingest", source, plumb.dir / name)
    other("run", "--no-shape")
    return rows(other)
