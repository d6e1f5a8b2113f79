# SPDX-License-Identifier: Apache-2.0
"""What `plumb drift` tells of findings that stand in the registry, whoever put them there: lists,
exit codes, and the whole text of every class, from which somebody new must know what to do. The
texts are in test/drift_texts.txt."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

import pytest

import drift_books as books
from conftest import ROOT
from lake import project, tree

LIKES = dict(before="$.stats.likes", column="likes", critical=True)
VIEWS = dict(before="$.stats.views", column="views")
RATE = dict(before="$.rate", column="rate")
CONTINUE = "812 of 812 entities seen before and after continue or grow, 14201 bits of evidence"
CASES = {
    "renamed, held": dict(
        LIKES, class_="renamed", after="$.stats.like_count", state="held", confidence=0.998,
        why=f"$.stats.likes is now $.stats.like_count: {CONTINUE}", from_="int", to="int",
        proposal="stats.like_count | stats.likes", before_values="0, 1, 10, 11",
        after_values="20, 21, 30, 31", against="3 entities do not"),
    "renamed, provisional": dict(
        VIEWS, class_="renamed", after="$.stats.view_count", state="provisional", confidence=1,
        why=f"$.stats.views is now $.stats.view_count: {CONTINUE}",
        proposal="stats.view_count | stats.views", before_values="0, 1", after_values="200, 201"),
    "renamed, medium": dict(
        RATE, class_="renamed", after="$.rates", state="held", strength="medium", confidence=0.7,
        why="$.rate is gone and may be $.rates: no entity was seen before and after, but the names "
            "are alike and the values are distributed alike (0.97 of 1)", proposal="rates | rate",
        before_values="0, 0.125", after_values="0.25"),
    "renamed, and another scale": dict(
        VIEWS, class_="renamed", after="$.stats.view_millis", state="held", factor=1000,
        confidence=0.99, why=f"$.stats.views is now $.stats.view_millis: {CONTINUE}; all by a "
        "factor of 1000", proposal="", before_values="1, 2", after_values="1000, 2000"),
    "removed, held": dict(
        LIKES, class_="removed", after="", state="held", strength="certain", confidence=1,
        why="$.stats.likes is gone: 6 of 6 objects of $.stats had it, none of 6 have it now",
        before_values="0, 1"),
    "removed, and something came": dict(
        VIEWS, class_="removed", after="", state="held", strength="certain", confidence=1,
        why="views is NULL in 2 of 2 rows, before in none of 6", rival="$.stats.view_count"),
    "removed, required": dict(
        class_="removed", before="$.id", after="", column="post_id", critical=True, state="held",
        strength="certain", confidence=1, before_values='"p1", "p2"',
        why="$.id is gone: 6 of 6 records had it, none of 6 have it now"),
    "removed, open": dict(
        VIEWS, class_="removed", after="", strength="certain", confidence=1,
        why="$.stats.views is gone: 6 of 6 objects of $.stats had it, none of 6 have it now"),
    "no records": dict(
        class_="removed", before="$", after="", state="held", strength="certain", confidence=1,
        critical=True,
        why="no record in any of 2 raw objects, before in 2 of 2"),
    "added": dict(
        class_="added", before="", after="$.stats.saves", strength="certain", confidence=1,
        why="$.stats.saves is new: 6 of 6 objects of $.stats have it, integer", to="int",
        type="long", after_values="1, 2"),
    "added, seen": dict(
        class_="added", before="", after="$.lang", state="seen", strength="certain", confidence=1,
        why="$.lang is new: 1 of 6 records has it, text", to="string", type="string",
        after_values='"en"'),
    "map": dict(
        class_="map", before="", after="$.stats.by_day", strength="certain", confidence=1,
        why="$.stats.by_day has data for keys: 120 new keys of one kind, which are better one "
            "column than so many"),
    "retyped, lossless": dict(
        VIEWS, class_="retyped", after="$.stats.views", state="provisional", strength="lossless",
        why="$.stats.views has another type: integer before, text now; all 200 new values read as "
            "the old type without loss", to="string", confidence=1, before_values="0, 1",
        after_values='"1", "2"'),
    "retyped, a parser": dict(
        RATE, class_="retyped", after="$.rate", state="held", strength="lossy", confidence=1,
        why="$.rate has another type: decimal before, text now; 6 of 6 new values do not read as "
            "the old type", to="percent", before_values="0, 0.125", after_values='"4.7%", "2%"'),
    "retyped, lossy": dict(
        LIKES, class_="retyped", after="$.stats.likes", state="held", strength="lossy",
        why="$.stats.likes has another type: integer before, text now; 6 of 6 new values do not "
            "read as the old type", to="string", confidence=1, before_values="0, 1",
        after_values='"many", "few"'),
    "rescaled": dict(
        VIEWS, class_="rescaled", after="$.stats.views", state="held", factor=1000, confidence=1,
        why="$.stats.views has another scale: 812 of 812 entities seen before and after have 1000 "
            "times the old value", before_values="1, 2", after_values="1000, 2000"),
    "meaning": dict(
        RATE, class_="meaning", after="$.rate", confidence=1, before_values="true",
        why="$.rate says the opposite now: 6 of 6 entities seen before and after are inverted, "
            "30 bits of evidence", after_values="false"),
    "nobody reads it": dict(
        class_="removed", before="$.author.age", after="", state="auto", strength="certain",
        why="$.author.age is gone: 6 of 6 objects of $.author had it, none of 6 have it now",
        confidence=1),
    "resolved": dict(
        VIEWS, class_="removed", after="", state="resolved", strength="certain", confidence=1,
        why="$.stats.views is gone: 6 of 6 objects of $.stats had it, none of 6 have it now"),
}


@pytest.fixture(scope="module")
def texts():
    found = {}
    for part in (ROOT / "test/drift_texts.txt").read_text().split("\n##### ")[1:]:
        name, _, text = part.partition("\n")
        found[name] = text
    return found


def same(text, id):
    """What differs from one time to the next, by its name, and paragraphs as one line each."""
    lines = [""]
    for line in text.splitlines():
        starts = not re.match(r"  \S", line) or re.match("  (before|after):", line)
        if starts or not re.match(r"  \S", lines[-1]):
            lines.append(line)
        else:
            lines[-1] += line[1:]
    text = re.sub(r"01[0-9A-Z]{24}", "OBJECT", "\n".join(lines[1:]) + "\n")
    text = re.sub(r"\(\d+ \w+ ago\)", "(AGO)", text).replace(f"Finding {id}:", "Finding N:")
    text = re.sub(r", [\d.]+ KiB as stored", ", BYTES as stored", text)
    text = re.sub(r"recent runs, about [\d.]+ m?s to map", "recent runs, about TIME to map", text)
    return re.sub(rf"(shadow|approve|reject|promote) {id}'", r"\1 N'", text)


@pytest.mark.parametrize("name", CASES)
def test_a_finding_is_told_whole(plumb, texts, name):
    books.landed(plumb)
    case = dict(CASES[name])
    case["from"] = case.pop("from_", None)
    id = books.finding(plumb, **case)
    if case.get("state") == "held":
        books.hold(plumb, critical=case.get("critical", False))
    if name == "renamed, provisional":
        books.overlay(plumb, "views: stats.view_count | stats.views\n")
    told = same(plumb("drift", "show", id).stdout, id)
    if os.environ.get("PLUMB_WRITE_TEXTS"):  # to look at them, not to believe them
        with open(ROOT / "test/drift_texts.txt", "a") as file:
            file.write(f"\n##### {name}\n{told}")
        return
    assert told == texts[name]


def test_a_file_that_reads_the_new_path_is_said_to(plumb):
    books.landed(plumb)
    ids = [books.finding(plumb, **{k: v for k, v in CASES[name].items() if k != "from_"})
           for name in ("renamed, held", "renamed, provisional")]
    books.hold(plumb)
    told = plumb.json("drift", "show", ids[1])["text"]
    assert told["now"] == ("No rule was changed for it: rows are published as the mapping makes "
                           "them.")
    (plumb.dir / "sources/tiktok.yml").write_text(
        books.MAPPING.replace("stats.likes", "stats.like_count | stats.likes")
        .replace("stats.views", "stats.view_count | stats.views"))
    held, provisional = (plumb.json("drift", "show", id) for id in ids)
    assert held["text"]["todo"] == (
        "sources/tiktok.yml reads $.stats.like_count by now. Run 'plumb run': what waits is mapped "
        "so, and looked at anew.")
    assert held["proposal"] is None
    assert provisional["text"]["now"] == (
        "sources/tiktok.yml reads $.stats.view_count as well, so rows are published as they "
        "should be.")
    assert provisional["text"]["todo"] == "Nothing has to be done."


def test_a_parser_that_reads_both_units_needs_no_change(plumb):
    books.landed(plumb, books.CONTRACT.replace("  rate:", "  at:      timestamp\n  rate:"),
                 books.MAPPING + "  at: at parse(epoch)\n")
    id = books.finding(plumb, "rescaled", "$.at", "$.at", "at", proposal="at parse(epoch)",
                       why="$.at has another scale", factor=1000)
    said = plumb.json("drift", "show", id)["text"]
    assert said["changed"] == ("$.at has another scale. Column at reads both: its parser, epoch, "
                               "goes by the size of each value.")
    assert (said["todo"], said["later"]) == ("Nothing has to be done.", "It stays as it is.")


def several(plumb):
    """Three findings of which one is held, and one is closed."""
    books.landed(plumb)
    names = "renamed, held", "added", "resolved"
    return [books.finding(plumb, **{k: v for k, v in CASES[name].items() if k != "from_"})
            for name in names]


def test_open_findings_are_listed_below_what_is_held(plumb):
    held, added, resolved = several(plumb)
    books.hold(plumb)
    lines = plumb("drift", code=3).stdout.splitlines()
    assert lines == [
        "held: tiktok -> post_metrics, 2 objects, 6 records since 2026-11-22 10:05:00Z: "
        "likes is NULL in all of 6 rows, before in none of 6; they wait for you",
        "",
        "id  state  since                 class    source -> table.column        what              "
        "                   records   sure",
        " 2  open   2026-11-22 10:05:00Z  added    tiktok -> post_metrics        $.stats.saves     "
        "                         6  100 %",
        " 1  held   2026-11-22 10:05:00Z  renamed  tiktok -> post_metrics.likes  $.stats.likes -> "
        "$.stats.like_count        6  100 %",
        "",
        "'plumb drift show ID' explains one, and says what you can do."]
    assert plumb("drift", "ls", code=3).stdout.splitlines() == lines
    books.other(plumb)
    for words, ids in (([], [added, held]), (["--all"], [resolved, added, held]),
                       (["--source", "tiktok", "--table", "post_metrics"], [added, held]),
                       (["--source", "other"], []), (["--table", "other"], [])):
        code = 3 if held in ids else 0
        assert [f["id"] for f in plumb.json("drift", "ls", *words, code=code)] == ids
    assert "No findings are open" in plumb("drift", "--source", "other").stdout


def test_one_document_says_what_programs_need(plumb):
    held, added, resolved = several(plumb)
    found = {f["id"]: f for f in plumb.json("drift", "--all", code=3)}
    first = books.objects(plumb)[2]
    evidence = found[held].pop("evidence")
    assert found[held] == {
        "id": held, "source": "tiktok", "table": "post_metrics", "class": "renamed",
        "path": "$.stats.likes", "to_path": "$.stats.like_count", "column": "likes",
        "critical": True, "state": "held", "confidence": 0.998, "records": 6,
        "first_seen": "2026-11-22T10:05:00Z", "first_object": first,
        "opened": "2026-11-22T10:06:00Z", "changed": "2026-11-22T10:06:00Z", "run": "", "flips": 0}
    assert (evidence["against"], evidence["strength"]) == ("3 entities do not", "strong")
    assert (found[added]["path"], found[added]["to_path"], found[added]["column"]) == (
        "$.stats.saves", None, None)
    books.hold(plumb)
    shown = plumb.json("drift", "show", held)
    assert {k: shown[k] for k in found[held]} == found[held] and shown["evidence"] == evidence
    hold, = plumb.json("drift", "holds", code=3)
    assert shown["held"] == hold == {
        "source": "tiktok", "table": "post_metrics", "first_object": first,
        "since": "2026-11-22T10:05:00Z", "objects": 2, "records": 6, "critical": True,
        "until": None, "released": False, "kind": "drift",
        "why": "likes is NULL in all of 6 rows, before in none of 6"}
    concerns = shown["concerns"]
    assert (concerns["objects"], concerns["not_published"], concerns["records"]) == (2, 2, 6)
    sizes = [p.stat().st_size for p in (plumb.dir / "lake/raw").rglob("*.gz")
             if p.name[:26] >= first]
    assert concerns["stored_bytes"] == sum(sizes) and 0 < concerns["seconds"] < 60
    assert "+  likes:   stats.like_count | stats.likes" in shown["proposal"]["diff"]
    assert shown["why_no_proposal"] is None
    assert list(shown["text"]) == ["changed", "since", "sure", "now", "todo", "cost", "later"]
    assert plumb.json("drift", "show", resolved)["proposal"] is None


def test_exit_code_3_while_something_waits(plumb):
    books.landed(plumb)
    assert plumb("drift").stdout == "No findings are open.\n"
    assert plumb("drift", "--all").stdout == plumb("drift", "events").stdout == (
        "Nothing was found yet.\n")
    assert plumb("drift", "holds").stdout == "Nothing is held.\n"
    books.finding(plumb, **CASES["added"])
    assert plumb("drift").returncode == 0
    books.hold(plumb, critical=False)
    assert plumb("drift", code=3).stdout.splitlines()[0].endswith(
        "; published as they are from 2026-11-22 11:35:00Z on")
    assert plumb.json("drift", "holds", code=3)[0]["until"] == "2026-11-22T11:35:00Z"
    books.other(plumb)
    assert plumb("drift", "--table", "other").returncode == 0


def test_every_change_of_state_is_a_line(plumb):
    held, added, resolved = several(plumb)
    seen = plumb.json("drift", "events")
    assert [(e["finding"], e["from"], e["to"], e["at"], e["who"]) for e in seen] == [
        (id, None, state, "2026-11-22T10:06:00Z", "plumb")
        for id, state in ((resolved, "resolved"), (added, "open"), (held, "held"))]
    assert seen[2]["text"] == "its source waits, a person is needed"
    lines = plumb("drift", "events").stdout.splitlines()
    assert len(lines) == 4 and re.fullmatch(
        r"2026-11-22 10:06:00Z +1  held +renamed  tiktok -> post_metrics.likes  \$.stats.likes -> "
        r"\$.stats.like_count  plumb  its source waits, a person is needed", lines[3])
    assert len(plumb("drift", "events", "--limit", "1").stdout.splitlines()) == 2


@pytest.mark.parametrize("words, said", [
    (["list"], "'list' is not one of ls, holds, events, show, shadow"),
    (["show"], "show needs the ID of a finding"),
    (["show", "1", "2"], "unexpected argument '2'"),
    (["ls", "1"], "unexpected argument '1'"),
    (["events", "--source", "s"], "--source is not for events"),
    (["ls", "--limit", "3"], "--limit is not for ls"),
])
def test_wrong_usage_is_said(plumb, words, said):
    books.landed(plumb)
    assert plumb("drift", *words, code=2).stderr.startswith(f"plumb drift: {said}")


def test_a_finding_that_is_not_there(plumb):
    books.landed(plumb)
    for id in ("7", "0", "x", "1x", "9" * 30):
        assert plumb("drift", "show", id, code=1).stderr == (
            f"plumb: cannot find finding '{id}': no such id\n"
            "  hint: 'plumb drift ls --all' lists them.\n")


def test_data_cannot_drive_the_terminal(plumb):
    books.landed(plumb)
    id = books.finding(plumb, "added", "", '$["\x1b[31m"]', why="\x1b[2J is new",
                       after_values="\x1b[0m")
    for words in (["ls"], ["show", id], ["events"]):
        said = plumb("drift", *words).stdout
        assert "\x1b" not in said and "\\x1b" in said


def on_terminal(plumb, columns, *words):
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen([plumb.exe, *map(str, words)], cwd=plumb.dir, stdout=child,
                               stderr=subprocess.DEVNULL)
    os.close(child)
    said = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        said += part
    os.close(parent)
    process.wait()
    return re.sub(r"\x1b\[\d*m", "", said.decode().replace("\r\n", "\n"))


def test_lines_fit_a_terminal(plumb):
    held, *_ = several(plumb)
    wide = on_terminal(plumb, 200, "drift")
    assert wide == plumb("drift", code=3).stdout
    for columns in 60, 40:
        for words in (["ls"], ["events"], ["show", held]):
            said = on_terminal(plumb, columns, "drift", *words)
            lines = [x for x in said.split("\n")
                     if not x.startswith(("    ", "tiktok ->", "'plumb"))]
            assert max(map(len, lines)) <= columns


def test_findings_that_hold_the_same_objects_know_of_each_other(plumb):
    books.landed(plumb)
    books.hold(plumb)
    ids = [books.finding(plumb, **{k: v for k, v in CASES[name].items() if k != "from_"})
           for name in ("renamed, held", "rescaled", "retyped, a parser")]
    text = " ".join(plumb("drift", "show", ids[0]).stdout.split())
    assert ("The same objects wait for 2 other findings as well ('plumb drift'): settle those, too."
            in text)


# ---- shadow ------------------------------------------------------------------------------------


def everything(plumb):
    """Files of the lake, and what the registry says."""
    return tree(plumb.dir / "lake"), list(books.books(plumb).iterdump())


def columns(document):
    return {c["column"]: c for c in document["columns"]}


def test_shadow_says_what_a_change_does_to_real_rows(plumb):
    held, added, _ = several(plumb)
    books.hold(plumb)
    before = everything(plumb)
    scratch = plumb.dir / "scratch"
    scratch.mkdir()
    done = plumb.json("drift", "shadow", held, env={"TMPDIR": str(scratch)})
    assert list(scratch.iterdir()) == []
    assert everything(plumb) == before
    side = {"rows": 12, "quarantined": 0, "filtered": 0, "lost": 0, "coerced": 0, "conflicts": 0}
    assert {k: v for k, v in done.items() if k != "columns"} == {
        "finding": held, "objects": 4, "objects_before": 2, "objects_damaged": 0, "records": 12,
        "differ": 6, "now": side, "proposed": side}
    seen = columns(done)
    assert list(seen) == ["post_id", "likes", "views", "rate"]
    old = [10 * n + i for n in (0, 1) for i in range(3)]
    new = [10 * n + i for n in range(4) for i in range(3)]
    assert seen["likes"] == {
        "column": "likes", "differ": 6,
        "now": {"filled": 6, "nulls": 6, "sum": sum(old), "min": "0", "max": str(max(old))},
        "proposed": {"filled": 12, "nulls": 0, "sum": sum(new), "min": "0", "max": str(max(new))}}
    same = {"filled": 12, "nulls": 0, "different": 3}
    assert seen["post_id"] == {"column": "post_id", "differ": 0, "now": same, "proposed": same}
    text = plumb("drift", "shadow", held).stdout
    assert text == (
        f"Finding {held}, tried on 4 raw objects, 2 of them from before it: 12 records.\n\n"
        "             now  with the change\n"
        "rows          12               12\n"
        "quarantined    0                0\n\n"
        "column                     now  with the change\n"
        "likes   NULL              50 %              0 %\n"
        "        sum                 36              192\n"
        "        least                0                0\n"
        "        most                12               32\n"
        "        rows that differ                      6\n\n"
        "3 columns are the same in every row. 6 of 12 records become another row, or a row on one "
        "side only.\n"
        f"Nothing was written; the change is in 'plumb drift show {held}'.\n")
    saves = columns(plumb.json("drift", "shadow", added))["saves"]
    assert saves == {"column": "saves", "differ": 0, "now": None,
                     "proposed": {"filled": 0, "nulls": 12, "sum": 0.0}}


def test_shadow_takes_the_newest_objects_of_both_sides(plumb):
    held, *_ = several(plumb)
    for words, objects, older in (([], 4, 2), (["--objects", "2"], 2, 1),
                                  (["--objects", "1"], 1, 0), (["--objects", "3"], 3, 1),
                                  (["--all"], 4, 2)):
        done = plumb.json("drift", "shadow", held, *words)
        assert (done["objects"], done["objects_before"]) == (objects, older)
    first = columns(plumb.json("drift", "shadow", held, "--objects", "2"))["likes"]
    assert (first["now"]["min"], first["now"]["max"]) == ("10", "12")
    assert (first["proposed"]["min"], first["proposed"]["max"]) == ("10", "32")
    assert "do not go together" in plumb("drift", "shadow", held, "--all", "--objects", "2",
                                         code=2).stderr


def test_shadow_tells_lost_values_texts_and_lists(plumb):
    project(plumb, {"t": "table: t\nkey: [id]\ncolumns:\n  id: string!\n  n: double\n"
                         "  s: string\n  l: list(long)\n  at: timestamp\n"},
            {"tiktok": "source: tiktok\ninto: t\nmap:\n  id: id\n  n: n\n  s: s\n  l: l\n"
                       "  at: at parse(epoch)\n"})
    lines = [{"id": i, "n": f"{i}%", "s": f"s{i % 3}", "l": [i, None], "at": 1763805600 + i}
             for i in range(10)] + [{"id": None}, {"id": "x", "n": 1}]
    plumb("ingest", "tiktok", "-", input="\n".join(map(json.dumps, lines)) + '\n{"broken\n')
    plumb("run")
    plumb("ingest", "tiktok", "-", input='{"id":"y","n":"7%"}\n')
    with books.books(plumb) as db:
        object, = db.execute("SELECT max(id) FROM objects").fetchone(),
        document = {"class": "retyped", "strength": "lossy", "before": "$.n", "after": "$.n",
                    "to": "percent", "why": "w"}
        db.execute("INSERT INTO findings(source, tbl, fingerprint, class, strength, before, after,"
                   " col, critical, state, first_us, opened_us, changed_us, first_object, run,"
                   " records, flips, logged, document) VALUES ('tiktok', 't', 'f', 'retyped',"
                   " 'lossy', '$.n', '$.n', 'n', 0, 'open', 1, 1, 1, ?, '', 1, 0, '', ?)",
                   [object[0], json.dumps(document)])
    done = plumb.json("drift", "shadow", 1)
    assert (done["objects"], done["objects_before"], done["records"], done["differ"]) == (
        2, 1, 14, 11)
    assert (done["now"]["rows"], done["now"]["quarantined"], done["now"]["lost"]) == (12, 2, 11)
    assert done["proposed"]["lost"] == 0
    seen = columns(done)
    assert seen["n"]["now"] == {"filled": 1, "nulls": 11, "sum": 1.0, "min": "1.0", "max": "1.0"}
    assert seen["n"]["proposed"]["sum"] == pytest.approx(0.45 + 0.07 + 1)
    assert (seen["s"]["now"]["different"], seen["l"]["now"]["filled"]) == (3, 10)
    assert seen["l"]["differ"] == seen["s"]["differ"] == seen["at"]["differ"] == 0
    assert seen["at"]["now"]["min"].startswith("2025-11-22T10:00:00")


def test_shadow_without_a_proposal_tries_what_somebody_wrote(plumb):
    books.landed(plumb)
    id = books.finding(plumb, **CASES["meaning"])
    assert plumb("drift", "shadow", id, code=1).stderr == (
        f"plumb: cannot try finding {id}: no change of the files is proposed\n"
        f"  hint: Edit sources/tiktok.yml first ('plumb drift show {id}' says how): shadow then "
        "tries that.\n")
    (plumb.dir / "sources/tiktok.yml").write_text(books.MAPPING.replace("  rate:    rate\n", ""))
    seen = columns(plumb.json("drift", "shadow", id))
    assert (seen["rate"]["now"]["nulls"], seen["rate"]["proposed"]["nulls"]) == (0, 12)
    assert [c for c in seen if seen[c]["differ"]] == ["rate"]


def test_shadow_that_is_stopped_leaves_nothing(plumb):
    held, *_ = several(plumb)
    lines = "".join(f'{{"id":"{i}","stats":{{"like_count":{i}}}}}\n' for i in range(300_000))
    plumb("ingest", "tiktok", "-", input=lines)
    before = everything(plumb)
    scratch = plumb.dir / "scratch"
    scratch.mkdir()
    process = subprocess.Popen([plumb.exe, "drift", "shadow", str(held)], cwd=plumb.dir,
                               env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert (process.returncode, out) == (130, b"") or process.returncode == -signal.SIGINT
    assert list(scratch.iterdir()) == []
    assert everything(plumb) == before
