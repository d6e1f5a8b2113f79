# SPDX-License-Identifier: Apache-2.0
"""plumb drill: what it counts when nobody looks for drift is known exactly, what it reports when
plumb does look, and that nothing of the project is touched or left behind."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

import lake
from conftest import ROOT

CONTRACT = """
    table: posts
    key: [id, seen]
    columns:
      id:    string!
      seen:  timestamp!
      at:    timestamp
      kind:  string
      likes: long
      views: long
      rate:  double
"""
MAPPING = """
    source: shop
    into: posts
    {records}
    map:
      id:    id
      seen:  $received
      at:    at parse(epoch)
      kind:  kind
      likes: stats.likes
      views: stats.views
      rate:  rate
"""
POSTS, POLLS = 120, 5
BEFORE = 360  # of 600: three fifths
SHARED = ("plumb.db-shm",)  # the memory of those who have it open


def poll(number):
    """The same posts once more; likes and views have grown."""
    return [{"id": f"p{n}", "at": 1700000000 + n, "kind": ["video", "photo", "story"][n % 3],
             "rate": round(0.001 * (n * 7 % 900), 3),
             "stats": {"likes": n * 31 % 977 + number * (n % 9), "views": 2000 + n * 97 + number}}
            for n in range(POSTS)]


def make(plumb, form, polls=POLLS):
    records = {"lines": "", "array": "records: $[]", "envelope": "records: data.list[]"}[form]
    mapping = MAPPING.replace("{records}", records)
    if not records:
        mapping = mapping.replace("    \n", "")
    lake.project(plumb, {"posts": CONTRACT}, {"shop": mapping})
    for number in range(polls):
        posts = poll(number)
        text = {"lines": "\n".join(map(json.dumps, posts)), "array": json.dumps(posts),
                "envelope": json.dumps({"code": 0, "data": {"list": posts, "more": False}})}[form]
        (plumb.dir / "poll.json").write_text(text)
        plumb("ingest", "shop", "poll.json", "--received", f"2026-11-{number + 1:02}T00:00:00Z")
    (plumb.dir / "poll.json").unlink(missing_ok=True)


def drill(plumb, *words, code):
    """Its document; and see that it left nothing behind and touched nothing."""
    scratch = pathlib.Path(os.environ["TMPDIR"])
    before = lake.tree(plumb.dir, but=SHARED)
    found = plumb.json("drill", *words, code=code)
    assert lake.tree(plumb.dir, but=SHARED) == before
    assert list(scratch.iterdir()) == []
    return found


def by_change(found):
    return {case["change"]: case for case in found["cases"]}


def one(cases, *parts):
    fit = [case for change, case in cases.items() if all(part in change for part in parts)]
    assert fit, (parts, list(cases))
    return fit[0]


VERDICTS = "published", "healed", "held", "quarantined", "missed", "false alarm"
RECORDED = {
    "mastodon": "social/mastodon-2.0-to-4.6/status_v4.6.4.jsonl",
    "x": "social/x-twitter-generations/v1.1_2015-2016.jsonl.gz",
    "instagram": "social/instagram-generations/gen1_legacy_api_2011-2017.jsonl",
    "instagram_graph": "social/instagram-generations/gen2_graph_api_2018-2024.jsonl",
    "snapchat": "social/airbyte-snapchat-marketing/raw/v05_2024-02-27_5a8f43a3.jsonl.gz",
    "nginx": "events/nginx-plus-status-json/nginxplus_json_logs.jsonl.gz",
    "github": "events/github-webhooks-2020-to-2025/api_2025-06-01.jsonl.gz",
    "klaviyo": "events/airbyte-klaviyo/raw/v13_2023-12-05_de8ae478.jsonl.gz",
}


def line(name, found):
    """One line of a table: how many upgrades ended how."""
    counts = [sum(c["verdict"] == v for c in found["cases"]) for v in VERDICTS]
    unchanged = sum(c["kind"] == "unchanged" and c["verdict"] == "published"
                    for c in found["cases"])
    counts[0] -= unchanged
    wrong, nulls, absent = (sum(c[k] for c in found["cases"])
                            for k in ("wrong", "nulls", "absent"))
    return (f"| {name} | {sum(s['records'] for s in found['sources']):,} | {sum(counts)} | "
            + " | ".join(map(str, counts)) + f" | {wrong:,} | {nulls:,} | {absent:,} |")


def table(title, lines, missed):
    lake.figures(title, "| set | records | upgrades | " + " | ".join(VERDICTS)
                 + " | wrong values | NULLs | missing rows |", "| --- |" + " ---: |" * 11,
                 *lines, *missed)


def misses(name, found):
    return [f"- {name}, {c['table']}: {c['change']}: {c['verdict']}, {c['wrong']} wrong,"
            f" {c['nulls']} NULLs, {c['absent']} missing, {c['held']} held;"
            f" found {c['findings'][:3]}"
            for c in found["cases"] if c["verdict"] in ("missed", "false alarm")]


def check_looking(found):
    """What holds of every set: nothing is held for nothing, and what is gone is never a NULL."""
    assert found["false_alarms"] == 0
    for case in found["cases"]:
        sudden = (case["kind"] in ("renamed", "moved", "removed")
                  and "by and by" not in case["change"])
        assert not (sudden and case["nulls"]), case


@pytest.fixture
def project(quick, monkeypatch):
    """In memory, like the scratch lakes: there are hundreds of syncs."""
    scratch = quick.dir.parent / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    return quick


@pytest.mark.parametrize("form", ["lines", "array", "envelope"])
def test_without_looking_for_drift_all_of_it_is_missed(project, form):
    make(project, form)
    found = drill(project, "shop", "--no-shape", code=3)
    cases = by_change(found)
    rows = POSTS * POLLS - BEFORE
    rest = [post for number in range(POLLS) for post in poll(number)][BEFORE:]
    assert found["sources"] == [{"source": "shop", "records": POSTS * POLLS, "objects": POLLS}]

    assert cases["nothing changed"] == {
        "source": "shop", "table": "posts", "kind": "unchanged", "change": "nothing changed",
        "verdict": "published", "rows": rows, "right": rows, "held": 0, "quarantined": 0,
        "wrong": 0, "nulls": 0, "absent": 0, "findings": []}
    removed = one(cases, "removed ")
    assert (removed["verdict"], removed["nulls"], removed["wrong"]) == ("missed", rows, 0)
    both = one(cases, "renamed object stats")
    assert (both["nulls"], both["right"]) == (2 * rows, 0)
    decoys = one(cases, "new beside it")
    assert (decoys["nulls"], decoys["wrong"]) == (rows, 0)
    hundred = one(cases, "times 100")
    key = hundred["change"].split(":")[0]
    nonzero = sum(1 for post in rest if (post["stats"] | post)[key.removeprefix("stats.")])
    assert (hundred["wrong"], hundred["right"]) == (nonzero, rows - nonzero)
    gradual = one(cases, "by and by")
    assert 0 < gradual["right"] < rows and gradual["nulls"] == rows - gradual["right"]
    words = one(cases, "1.2K")
    assert words["nulls"] == rows  # all of the views are above 1,000
    meaning = one(cases, "kind: other words")
    assert (meaning["wrong"], meaning["verdict"]) == (rows, "missed")
    for harmless in "milliseconds", "number <-> text", "added ":
        assert one(cases, harmless)["verdict"] == "published", harmless
        assert one(cases, harmless)["right"] == rows
    if form == "envelope":
        array = one(cases, "where the records are")
        assert array["verdict"] == "missed"
        assert array["absent"] + array["quarantined"] == rows and array["right"] == 0
    missed = [case for case in found["cases"] if case["verdict"] == "missed"]
    assert found["missed"] == len(missed) >= 8
    for case in found["cases"]:
        assert (case["verdict"] == "missed") == bool(
            case["wrong"] or case["nulls"] or case["absent"]), case


def test_who_looks_publishes_nothing_wrong(project):
    """Every metric is seen again after the upgrade, so that renames are proven."""
    make(project, "envelope")
    found = drill(project, "shop", code=None)
    cases = by_change(found)
    assert cases["nothing changed"]["verdict"] == "published"
    assert found["false_alarms"] == 0
    assert one(cases, "removed ")["verdict"] == "held"
    for case in found["cases"]:
        assert case["nulls"] == 0, case
    renamed = [c for c in found["cases"] if c["kind"] == "renamed"]
    assert {c["verdict"] for c in renamed} <= {"healed", "held"}
    assert any(f["class"] == "renamed" for c in renamed for f in c["findings"])


def test_the_seed_decides(project):
    make(project, "lines")
    words = "shop", "--no-shape", "--cases", "6", "--seed"
    one, again, other = (drill(project, *words, seed, code=3) for seed in (5, 5, 6))
    for found in one, again, other:
        found.pop("seconds")
        assert len(found["cases"]) == 7  # and nothing changed
    assert one == again
    assert [c["change"] for c in one["cases"]] != [c["change"] for c in other["cases"]]


def test_a_source_that_landed_too_little(project):
    make(project, "lines", polls=0)
    assert project("drill", code=1).stderr == (
        "plumb: cannot drill: nothing was landed yet\n"
        "  hint: Land some of it with 'plumb ingest SOURCE FILE'.\n")
    (project.dir / "few.json").write_text('{"id": "a"}\n' * 12)
    project("ingest", "shop", "few.json")
    assert project("drill", "shop", code=1).stderr == (
        "plumb: cannot drill source 'shop': its newest raw objects have 12 records to play with,"
        " and it takes 30\n"
        "  hint: Land more of it with 'plumb ingest shop FILE'.\n")
    done = project("drill", code=0)
    assert "12 records" in done.stderr and "0 upgrades played" in done.stdout
    assert "no mapping in sources/ has it" in project("drill", "nobody", code=1).stderr


def test_stopped_it_leaves_nothing_behind(project):
    make(project, "lines")
    scratch = project.dir.parent / "scratch"
    before = lake.tree(project.dir, but=SHARED)
    running = subprocess.Popen([project.exe, "drill", "--cases", "500"], cwd=project.dir,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 30
    while not any(scratch.glob("*/*/raw")) and time.monotonic() < end:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    told = running.communicate(timeout=60)[1]
    assert running.returncode == 130, told
    assert list(scratch.iterdir()) == []
    assert lake.tree(project.dir, but=SHARED) == before


def test_it_reads_like_a_report(project):
    make(project, "envelope")
    text = project("drill", "shop", "--no-shape", "--cases", "4", code=3).stdout
    assert text.startswith("shop: 600 records of 5 raw objects;")
    assert ("  published    nothing changed\n"
            "               published: 240 rows right, 0 wrong values, 0 NULLs\n") in text
    assert "  MISSED       renamed " in text
    assert text.endswith("4 upgrades played: 4 missed. Nothing of the project was touched.\n")


@pytest.mark.skipif(not lake.FULL, reason="the long form: make drill")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("look", [True, False], ids=["looking", "blind"])
def test_upgrades_of_recorded_data(project, look):
    lines, missed = [], []
    for name, path in RECORDED.items():
        file = lake.data(path)
        plumb = type(project)(project.dir / name)
        project("init", name, "--from", file, "--source", name, "--table", "records")
        for _ in range(3):  # polled again
            plumb("ingest", name, file, "--again")
        found = drill(plumb, name, *([] if look else ["--no-shape"]), "--cases", 40, code=None)
        lines.append(line(name, found))
        missed += misses(name, found) if look else []
        if look:
            check_looking(found)
        shutil.rmtree(plumb.dir)
    table(f"Upgrades of recorded data, {'looking for drift' if look else 'not looking'}",
          lines, missed)


@pytest.mark.skipif(not lake.FULL, reason="the long form: make drill")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("look", [True, False], ids=["looking", "blind"])
def test_upgrades_of_made_up_posts(project, samples, look):
    lines, missed = [], []
    shutil.copytree(ROOT / "examples/social", project.dir, dirs_exist_ok=True)
    for day in range(1, 8):
        for platform in "tiktok", "instagram", "youtube", "x", "linkedin":
            (project.dir / "in.json").write_bytes(
                samples(platform=platform, posts=1000, start=f"2026-11-{day:02}"))
            project("ingest", platform, "in.json", "--received", f"2026-11-{day:02}T23:59:59Z")
    for platform in "tiktok", "instagram", "youtube", "x", "linkedin":
        found = drill(project, platform, *([] if look else ["--no-shape"]), "--cases", 40,
                      code=None)
        lines.append(line(platform, found))
        missed += misses(platform, found) if look else []
        if look:
            check_looking(found)
    table(f"Upgrades of made-up posts, {'looking for drift' if look else 'not looking'}",
          lines, missed)
