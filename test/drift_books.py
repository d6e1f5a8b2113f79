# SPDX-License-Identifier: Apache-2.0
"""A project whose registry says that something drifted: findings and holds are put there by hand,
so that every class can be shown in every state.

    id = finding(plumb, "renamed", "$.stats.likes", "$.stats.like_count", "likes", state="held")
    hold(plumb, why="likes is NULL in all of 2 rows")
"""
import json
import sqlite3

from lake import project

CONTRACT = """\
table: post_metrics
key: [post_id]
columns:
  post_id: string!
  likes:   long
  views:   long
  rate:    double
critical: [post_id, likes]
"""
MAPPING = """\
source: tiktok
into: post_metrics
map:
  post_id: id
  likes:   stats.likes        # of the post
  views:   stats.views
  rate:    rate
"""
RECEIVED = ["2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z", "2026-11-22T10:05:00Z",
            "2026-11-22T10:10:00Z"]
SINCE_US = 1795341900_000000  # the third one, as the registry has it


def landed(plumb, contract=CONTRACT, mapping=MAPPING):
    """Two objects that are published; of a third and a fourth, which say like_count, none is."""
    project(plumb, {"post_metrics": contract}, {"tiktok": mapping})
    for n, received in enumerate(RECEIVED):
        key = "likes" if n < 2 else "like_count"
        lines = [json.dumps({"id": f"p{i}", "stats": {key: 10 * n + i, "views": 100 * n + i},
                             "rate": i / 8}) for i in range(3)]
        if n == 2:
            plumb("run")
        plumb("ingest", "tiktok", "-", "--received", received, input="\n".join(lines) + "\n")
    return plumb


def other(plumb):
    """Another source, and another table, of which nothing is known."""
    (plumb.dir / "contracts/other.yml").write_text("table: other\ncolumns:\n  id: string\n")
    (plumb.dir / "sources/other.yml").write_text(
        "source: other\ninto: other\nmap:\n  id: id\n")


def overlay(plumb, text):
    with books(plumb) as db:
        db.execute("INSERT INTO mapping_uses VALUES ('tiktok', 'post_metrics', 0, ?, 1)", [text])


def books(plumb):
    return sqlite3.connect(plumb.dir / "lake/plumb.db", isolation_level=None)


def objects(plumb):
    with books(plumb) as db:
        return [row[0] for row in db.execute("SELECT id FROM objects ORDER BY id")]


def hold(plumb, why="likes is NULL in all of 6 rows, before in none of 6", critical=True,
         released="", since=SINCE_US):
    waiting = objects(plumb)[2:]
    with books(plumb) as db:
        for object in waiting:
            db.execute("INSERT INTO states VALUES ('post_metrics', ?, 'staged', '', 0, 0)",
                       [object])
        db.execute("INSERT INTO holds(source, tbl, first_object, since_us, alerted_us, run,"
                   " objects, records, critical, released, why, document)"
                   " VALUES ('tiktok', 'post_metrics', ?, ?, 0, '', ?, ?, ?, ?, ?, x'')",
                   [waiting[0], since, len(waiting), 3 * len(waiting), critical, released, why])


def finding(plumb, class_, before, after, column="", state="open", strength="strong", why="",
            critical=False, flips=0, **evidence):
    """Its id. `evidence` are members of the document."""
    document = {"fingerprint": f"{class_} {before} {after}", "class": class_, "strength": strength,
                "before": before or None, "after": after or None, "root": True, "beneath": 0,
                "confidence": 0.98, "factor": 1, "why": why, **evidence}
    with books(plumb) as db:
        row = db.execute(
            "INSERT INTO findings(source, tbl, fingerprint, class, strength, before, after, col,"
            " critical, state, first_us, opened_us, changed_us, first_object, run, records, flips,"
            " logged, document) VALUES ('tiktok', 'post_metrics', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
            " ?, '', 6, ?, '', ?)",
            [document["fingerprint"], class_, strength, before, after, column, critical, state,
             SINCE_US, SINCE_US + 60_000000, SINCE_US + 60_000000, objects(plumb)[2], flips,
             json.dumps(document)])
        event = {"finding": row.lastrowid, "source": "tiktok", "class": class_, "before": before,
                 "after": after, "column": column, "from": None, "to": state, "note": None}
        db.execute("INSERT INTO events(at_us, kind, who, tbl, text) VALUES (?, ?, 'plumb',"
                   " 'post_metrics', ?)",
                   [SINCE_US + 60_000000, f"drift.{state}", json.dumps(event)])
        return row.lastrowid
