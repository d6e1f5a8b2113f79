# SPDX-License-Identifier: Apache-2.0
"""What `plumb drift` says is what happens: findings of real runs, the change it shows put into the
files by patch(1), and rows that are those shadow has foretold."""
import json
import shutil
import subprocess

import pytest

import drift_books as books
from lake import project, read

CONTRACT = books.CONTRACT.replace("  rate:    double\n", "  rate:    double\n  flag:    string\n")
MAPPING = books.MAPPING + "  flag:    flag\n"


def post(i, n):
    return {"id": f"p{i}", "stats": {"likes": i * 977 % 5000 + 3 * n,
                                     "views": i * 7919 % 90000 + 10 * n},
            "rate": (i % 40) / 128, "flag": ["on", "off"][i % 2]}


def land(plumb, number, change=lambda record: record):
    lines = [json.dumps(change(post(i, number))) for i in range(200)]
    plumb("ingest", "tiktok", "-", "--received", f"2026-11-20T{number:02}:00:00Z",
          input="\n".join(lines) + "\n")


@pytest.fixture
def story(plumb):
    project(plumb, {"post_metrics": CONTRACT}, {"tiktok": MAPPING})
    for number in range(3):
        land(plumb, number)
    plumb("run")
    return plumb


def moved(old, new):
    def change(record):
        record["stats"][new] = record["stats"].pop(old)
        return record
    return change


def figures(plumb, column):
    values = [v for v in read(plumb, "post_metrics", column)[column].to_pylist() if v is not None]
    return {"filled": len(values), "sum": sum(values), "min": str(min(values)),
            "max": str(max(values))}


@pytest.mark.skipif(not shutil.which("patch"), reason="needs patch")
def test_a_held_rename_is_settled_by_what_is_shown(story):
    for number in (3, 4):
        land(story, number, moved("likes", "like_count"))
    story("run", code=3)
    found, = story.json("drift", code=3)
    assert (found["class"], found["state"], found["path"], found["to_path"]) == (
        "renamed", "held", "$.stats.likes", "$.stats.like_count")
    shown = story.json("drift", "show", found["id"])
    assert shown["held"]["objects"] == shown["concerns"]["objects"] == 2
    assert shown["held"]["records"] == shown["concerns"]["records"] == 400
    foretold = story.json("drift", "shadow", found["id"], "--all")
    assert (foretold["records"], foretold["differ"]) == (1000, 400)
    subprocess.run(["patch", "-p0"], input=shown["proposal"]["diff"], text=True, check=True,
                   cwd=story.dir, stdout=subprocess.DEVNULL)
    story("run")
    likes, = [c["proposed"] for c in foretold["columns"] if c["column"] == "likes"]
    assert {k: likes[k] for k in ("filled", "sum", "min", "max")} == figures(story, "likes")
    assert likes["nulls"] == 0 and story("drift").stdout == "No findings are open.\n"
    settled = story.json("drift", "show", found["id"])
    assert settled["state"] == "accepted" and settled["text"]["todo"] == "Nothing has to be done."
    assert [e["to"] for e in story.json("drift", "events")] == ["accepted", "held"]


@pytest.mark.skipif(not shutil.which("patch"), reason="needs patch")
def test_a_rename_a_rule_resolved_can_be_written_into_the_file(story):
    land(story, 3, moved("views", "view_count"))
    story("run")
    found, = story.json("drift")
    assert (found["class"], found["state"], found["column"]) == ("renamed", "provisional", "views")
    shown = story.json("drift", "show", found["id"])
    assert "the change lies over it" in shown["text"]["now"] and shown["held"] is None
    assert shown["concerns"]["not_published"] == 0 and shown["concerns"]["records"] == 200
    foretold = story.json("drift", "shadow", found["id"], "--all")
    views, = [c for c in foretold["columns"] if c["column"] == "views"]
    assert (views["now"]["nulls"], views["proposed"]["nulls"], views["differ"]) == (200, 0, 200)
    before = figures(story, "views")
    assert {k: views["proposed"][k] for k in before} == before
    subprocess.run(["patch", "-p0"], input=shown["proposal"]["diff"], text=True, check=True,
                   cwd=story.dir, stdout=subprocess.DEVNULL)
    land(story, 4, moved("views", "view_count"))
    story("run")
    shown = story.json("drift", "show", found["id"])
    assert shown["proposal"] is None and shown["text"]["todo"] == "Nothing has to be done."
    assert figures(story, "views")["filled"] == 1000


def test_what_nobody_decides_is_published_at_the_limit(story):
    land(story, 3, lambda record: {k: v for k, v in record.items() if k != "rate"})
    story("run", code=3)
    found, = story.json("drift", code=3)
    assert (found["class"], found["state"], found["column"]) == ("removed", "held", "rate")
    until = story.json("drift", "holds", code=3)[0]["until"]
    shown = story.json("drift", "show", found["id"])
    assert shown["held"]["until"] == until
    day, time = until[:10], until[11:19]
    assert f"they wait until {day} {time}Z and not longer (90 minutes)" in shown["text"]["now"]
    with books.books(story) as db:
        db.execute("UPDATE holds SET since_us = since_us - 5400000000")
    story("run")
    shown = story.json("drift", "show", found["id"])
    assert (shown["state"], shown["held"]) == ("deprecated", None)
    assert "column rate is NULL in new rows" in shown["text"]["now"]
    assert story("drift").returncode == 0 and figures(story, "rate")["filled"] == 600
