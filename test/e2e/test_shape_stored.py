# SPDX-License-Identifier: Apache-2.0
"""`plumb shape SOURCE`: what runs have seen, version by version, and how they differ."""
import json
import sqlite3

import pytest

import drift_books as books
from lake import project


def land(plumb, key, number, source="tiktok", count=100, **more):
    lines = [json.dumps({"id": f"p{i}", "rate": i / 128,
                         "stats": {key: i * 977 % 5000 + number, "views": 3 * i + number}, **more})
             for i in range(count)]
    plumb("ingest", source, "-", "--received", f"2026-11-20T{number:02}:00:00Z",
          input="\n".join(lines) + "\n")


@pytest.fixture
def seen(plumb):
    """Three versions: an hour passes before each run; in the last the key of likes is another."""
    project(plumb, {"post_metrics": books.CONTRACT}, {"tiktok": books.MAPPING})
    for number, key in enumerate(("likes", "likes", "like_count")):
        if key == "like_count":
            (plumb.dir / "sources/tiktok.yml").write_text(
                books.MAPPING.replace("stats.likes", "stats.like_count | stats.likes"))
        land(plumb, key, number, **({"lang": "en"} if number else {}))
        plumb("run")
        db = sqlite3.connect(plumb.dir / "lake/plumb.db")
        db.execute("UPDATE shapes SET since_us = since_us - 3600000000,"
                   " until_us = until_us - 3600000000")
        db.commit()
        db.close()
    return plumb


def paths(document):
    return {p["path"]: p for p in document["paths"]}


def test_the_newest_version_is_all_that_is_published(seen):
    shape = seen.json("shape", "tiktok")
    assert {k: shape[k] for k in ("source", "table", "version", "objects", "records")} == {
        "source": "tiktok", "table": "post_metrics", "version": 3, "objects": 3, "records": 300}
    assert shape["columns"]["likes"] == {"rows": 300, "filled": 300, "lost": 0}
    there = paths(shape)
    assert (there["$.stats.likes"]["seen"], there["$.stats.likes"]["chances"]) == (200, 300)
    assert there["$.stats.like_count"]["kinds"] == {"int": 100}
    assert there["$.lang"]["samples"] == ['"en"']
    lines = seen("shape", "tiktok").stdout.splitlines()
    assert lines[0] == ("tiktok -> post_metrics, version 3, of 3 raw objects "
                        "(2026-11-20 00:00:00Z to 2026-11-20 02:00:00Z)")
    assert lines[1] == "300 records"
    assert ["likes", "66.7", "%"] in [line.split()[:3] for line in lines]
    assert lines[-5].split() == ["column", "filled", "of", "rows", "lost"]
    assert lines[-3].split() == ["likes", "300", "300", "0"]


def test_older_versions_are_kept(seen):
    versions = seen.json("shape", "tiktok", "--versions")
    assert [(v["version"], v["records"], v["table"]) for v in versions] == [
        (3, 300, "post_metrics"), (2, 200, "post_metrics"), (1, 100, "post_metrics")]
    lines = seen("shape", "tiktok", "--versions").stdout.splitlines()
    assert len(lines) == 5 and lines[4] == (
        "The newest 8 versions are kept, then one of an hour for 2 days, then a day's last one for "
        "90 days, then a "
        "month's last one.")
    first = seen.json("shape", "tiktok", "--version", "1")
    assert first["records"] == 100 and "$.lang" not in paths(first)
    assert seen("shape", "tiktok", "--version", "4", code=1).stderr == (
        "plumb: cannot find version 4 of the shape of source 'tiktok' for table 'post_metrics'\n"
        "  hint: 'plumb shape tiktok --table post_metrics --versions' lists them.\n")


def test_versions_are_thinned_and_so_is_the_log(seen):
    """Versions 1 and 2 are of one day long ago; the run that begins version 4 removes the first."""
    def texts():
        return {path.name for path in (seen.dir / "lake/log/texts").glob("*.zst")}

    before = texts()
    db = sqlite3.connect(seen.dir / "lake/plumb.db")
    db.execute("UPDATE shapes SET since_us = 3600000000 * version - 345600000000 +"
               " (SELECT max(since_us) / 86400000000 * 86400000000 FROM shapes) WHERE version < 3")
    run, = db.execute("SELECT logged FROM shapes WHERE version = 1").fetchone()
    db.commit()
    db.close()
    (seen.dir / "lake/log/texts/other.zst").write_text("of somebody else")
    land(seen, "like_count", 5)
    seen("run")
    versions = [v["version"] for v in seen.json("shape", "tiktok", "--versions")]
    assert versions == [4, 3, 2]
    assert {name[:26] for name in before - texts()} == {run} and len(texts()) == len(before) + 1
    for path in (seen.dir / "lake").glob("plumb.db*"):
        path.unlink()
    seen("rebuild")
    assert [v["version"] for v in seen.json("shape", "tiktok", "--versions")] == versions
    assert seen.json("shape", "tiktok")["records"] == 400
    seen("verify")


def test_versions_are_compared_by_what_came_between_them(seen):
    found = seen.json("shape", "tiktok", "--diff", "2", "3")
    assert found["before"] == {"version": 2, "records": 200, "paths": 7}
    assert (found["after"]["version"], found["after"]["records"]) == (3, 100)
    assert [(f["class"], f["before"], f["after"]) for f in found["findings"]] == [
        ("renamed", "$.stats.likes", "$.stats.like_count")]
    moved = {p["path"]: (p["before"], p["after"]) for p in found["presence"]}
    assert moved == {"$.lang": (0.5, 1), "$.stats.likes": (1, 0), "$.stats.like_count": (0, 1)}
    text = seen("shape", "tiktok", "--diff", "2", "3").stdout
    assert text.startswith("200 records up to version 2, 100 from there to version 3: 1 change.\n")
    assert text.endswith("\nthere               before  after\n"
                         "$.lang                50 %  100 %\n"
                         "$.stats.likes        100 %    0 %\n"
                         "$.stats.like_count     0 %  100 %\n")
    back = seen("shape", "tiktok", "--diff", "3", "1").stdout
    assert back.startswith("300 records in version 3, 100 in version 1: ")


def test_a_name_may_be_a_file_and_a_source(seen):
    (seen.dir / "tiktok").write_text('{"a":1}\n')
    assert seen("shape", "tiktok", code=2).stderr.startswith(
        "plumb shape: 'tiktok' is a file here and a source: './tiktok' is the file, "
        "'--source tiktok' the source\n")
    assert seen.json("shape", "./tiktok")["records"] == 1
    for words in (["--source", "tiktok"], ["tiktok", "--version", "3"],
                  ["tiktok", "--table", "post_metrics"]):
        assert seen.json("shape", *words)["version"] == 3
    assert seen.json("shape", "--source", "tiktok", "--diff", "2", "3")["after"]["version"] == 3
    assert len(seen.json("shape", "--source", "tiktok", "--versions")) == 3


def test_mistakes_are_said(seen):
    usage = "\n  hint: 'plumb shape --help' shows how it is used.\n"
    for words, said in (
            (["tiktok", "--diff", "1", "x"],
             "--diff compares versions, as in 'plumb shape tiktok --diff 1 3'"),
            (["tiktok", "--version", "1", "--versions"],
             "--diff, --versions and --version do not go together"),
            (["--source", "tiktok", "--diff", "1"], "--diff compares two versions of a source"),
            (["tiktok", "a.json", "--table", "t"], "one source at a time, and no files with it"),
            (["tiktok", "--version", "1", "--key", "id"], "--key is for files"),
            ([], "it needs files, or the name of a source")):
        assert seen("shape", *words, code=2).stderr == f"plumb shape: {said}{usage}"
    assert seen("shape", "--source", "shop", code=1).stderr == (
        "plumb: cannot find source 'shop': no file in sources/ names it\n"
        "  hint: Named are: tiktok.\n")
    assert seen("shape", "shop", code=1).stderr == (
        "plumb: cannot open file 'shop': No such file or directory\n")


def test_a_source_of_several_tables_and_one_without_runs(plumb):
    project(plumb, {"post_metrics": books.CONTRACT,
                    "other": books.CONTRACT.replace("post_metrics", "other")},
            {"tiktok": books.MAPPING,
             "tiktok.other": books.MAPPING.replace("post_metrics", "other"),
             "shop": books.MAPPING.replace("source: tiktok", "source: shop")})
    assert plumb("shape", "shop", code=1).stderr == (
        "plumb: cannot show the shape of source 'shop' for table 'post_metrics': no run has seen "
        "any\n  hint: 'plumb run' keeps one of what it publishes.\n")
    assert plumb("shape", "tiktok", "--versions").stdout == (
        "No run has seen records of source tiktok yet.\n")
    land(plumb, "likes", 1)
    plumb("run")
    assert plumb("shape", "tiktok", code=2).stderr.startswith(
        "plumb shape: source 'tiktok' fills several tables: say which one with --table T "
        "(other, post_metrics)\n")
    assert plumb.json("shape", "tiktok", "--table", "other")["table"] == "other"
    assert len(plumb.json("shape", "tiktok", "--versions")) == 2
