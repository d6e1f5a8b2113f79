# SPDX-License-Identifier: Apache-2.0
"""plumb shape: the tree, the JSON, the differences, and what it refuses."""
import gzip
import json
import os
import pty
import subprocess
import termios

import pytest

from conftest import program

POSTS = [
    {"id": "p1", "stats": {"likes": 5, "rate": "4.5%"}, "tags": ["a", "b"],
     "at": "2026-11-20T10:00:00Z", "a.b": None},
    {"id": "p2", "stats": {"likes": None}, "tags": [], "at": "2026-11-22T10:00:00Z"},
    {"id": "p3", "stats": None, "tags": ["c"], "at": "2026-11-21T10:00:00Z", "flag": True},
]


def lines(path, records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def cells(text):
    """{path: its line} of a tree."""
    return {line.split()[0]: " ".join(line.split()) for line in text.splitlines() if line}


def test_tree_says_presence_kinds_range_and_samples(plumb):
    lines(plumb.dir / "a.ndjson", POSTS)
    text = plumb("shape", "a.ndjson").stdout
    assert text.startswith("3 records\n\npath ")
    seen = cells(text)
    assert seen["id"].startswith("id 100 % string word 2 bytes 3 ")
    assert sorted(seen["id"].split()[8:]) == ['"p1"', '"p2"', '"p3"']
    assert seen["stats"] == "stats 100 % object 33.3 %"
    assert seen["likes"] == "likes 100 % int 50 % 5 1 5"
    assert seen["rate"] == 'rate 50 % string percent 4.5 % 1 "4.5%"'
    assert seen["[*]"].startswith("[*] 1.0 each string word 1 byte 3 ")
    assert "2026-11-20 .. 2026-11-22 3" in seen["at"]
    assert seen["a.b"] == "a.b 33.3 % null 100 %"
    assert seen["flag"] == "flag 33.3 % bool 1 true"
    assert max(map(len, text.splitlines())) <= 140 and "\x1b" not in text


def test_every_format_gives_the_same_shape(plumb):
    lines(plumb.dir / "a.ndjson", POSTS)
    (plumb.dir / "a.json").write_text(json.dumps(POSTS, indent=1))
    (plumb.dir / "b.json").write_text(json.dumps({"data": {"list": POSTS}}))
    with gzip.open(plumb.dir / "a.gz", "wt") as out:
        out.write(json.dumps(POSTS))
    want = plumb.json("shape", "a.ndjson")
    assert plumb.json("shape", "a.json") == plumb.json("shape", "a.gz") == want
    assert plumb.json("shape", "b.json", "--records", "data.list[]") == want
    assert plumb.json("shape", "b.json")["records"] == 1
    twice = plumb.json("shape", "a.ndjson", "a.json")
    assert (twice["records"], twice["sampled"]) == (6, 6)


def test_objects_with_data_for_keys_are_shortened(plumb):
    lines(plumb.dir / "m.ndjson", [{"m": {f"k{i}": i for i in range(100)}, "z": 1}])
    text = plumb("shape", "m.ndjson").stdout
    assert "  ... 80 more keys\n" in text and "k19" in text and "k20" not in text
    assert "k99" in plumb("shape", "--all", "m.ndjson").stdout
    lines(plumb.dir / "m.ndjson", [{f"k{i}": {}} for i in range(2100)])
    root = plumb.json("shape", "m.ndjson")["paths"][0]
    assert (root["path"], root["overflow"]) == ("$", 100)


def test_control_characters_and_long_keys_stay_inside_their_cell(plumb):
    lines(plumb.dir / "a.ndjson", [{"\x1b[31m": "\x1b]0;x\x07", "k" * 90: "v" * 90,
                                       "é" * 50: "é" * 60}])
    text = plumb("shape", "a.ndjson").stdout
    assert "\x1b" not in text and "\x07" not in text
    assert "k" * 33 + "..." in text and "k" * 34 not in text
    assert max(map(len, text.splitlines())) <= 140


def test_no_line_is_wider_than_the_terminal(plumb):
    lines(plumb.dir / "a.ndjson", POSTS)
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (30, 60))
    done = subprocess.Popen([program("plumb"), "shape", "a.ndjson"], cwd=plumb.dir, stdout=child)
    os.close(child)
    text = b""
    try:
        while chunk := os.read(parent, 4096):
            text += chunk
    except OSError:  # the other end is closed
        pass
    os.close(parent)
    assert done.wait() == 0
    plain = text.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\r", "")
    assert 40 < max(map(len, plain.splitlines())) <= 60


def test_diff_tells_a_rename_by_the_records_that_are_in_both(plumb):
    before = [{"post": f"p{i}", "likes": i * 977 + 13, "gone": 1} for i in range(30)]
    after = [{"post": r["post"], "like_count": r["likes"], "new": "x"} for r in before]
    lines(plumb.dir / "a.ndjson", before)
    lines(plumb.dir / "b.ndjson", after)
    for key in ([], ["--key", "post"]):
        doc = plumb.json("shape", "--diff", "a.ndjson", "b.ndjson", *key)
        assert doc["before"] == {"file": "a.ndjson", "records": 30, "paths": 4}
        found = {(f["class"], f["before"], f["after"]): f for f in doc["findings"]}
        assert set(found) == {("renamed", "$.likes", "$.like_count"), ("removed", "$.gone", None),
                              ("added", None, "$.new")}
        renamed = found["renamed", "$.likes", "$.like_count"]
        assert (renamed["strength"], renamed["shared"], renamed["agreed"]) == ("strong", 30, 30)
        assert renamed["before_kinds"] == renamed["after_kinds"] == {"int": 30}
        assert len(renamed["before_samples"]) == 4 and renamed["why"]
    text = plumb("shape", "--diff", "a.ndjson", "b.ndjson").stdout
    assert text.startswith("30 records before, 30 after: 3 changes.\n")
    assert "\nrenamed   $.likes -> $.like_count  (strong, " in text
    assert plumb("shape", "--diff", "a.ndjson", "a.ndjson").stdout == (
        "30 records before, 30 after: nothing changed.\n")


@pytest.mark.parametrize("words, message", [
    (["x.json"], "plumb: cannot open file 'x.json': No such file or directory\n"),
    (["empty.json"], "plumb: cannot find records in file 'empty.json': it is empty\n"
     "  hint: It takes objects as NDJSON, in an array or in one document; --records says "
     "where in it they stand.\n"),
    (["--diff", "a.json"], "plumb shape: --diff compares two files\n"
                           "  hint: 'plumb shape --help' shows how it is used.\n"),
    (["a.json", "--key", "id"], "plumb shape: --key goes with --diff\n"
                                "  hint: 'plumb shape --help' shows how it is used.\n"),
    (["a.json", "--records", "data"],
     "plumb: cannot read option '--records': records 'data' does not end in []\n"
     "  hint: Write records: data.list[], or $[] for documents that are arrays.\n"),
    (["--diff", "a.json", "a.json", "--key", "a[0]"],
     "plumb: cannot use option '--key': a path of keys only names an entity\n"),
    (["--diff", "a.json", "empty.json", "--key", "no"],
     "plumb: cannot use option '--key': no record of 'a.json' has it\n"),
    (["--diff", "a.json", "b.json", "--key", "id"],
     "plumb: warning: no record of 'b.json' has the key: it may have another name now\n"),
])
def test_mistakes_are_told(plumb, words, message):
    lines(plumb.dir / "a.json", POSTS)
    (plumb.dir / "b.json").write_text('{"post": "p1"}')
    (plumb.dir / "empty.json").write_text("")
    assert plumb("shape", *words, code=None).stderr == message


def test_broken_records_are_left_out_and_told(plumb):
    (plumb.dir / "a.ndjson").write_text('{"a":1}\n{"a":\n{"a":2}\n')
    done = plumb("shape", "a.ndjson", "--json")
    assert json.loads(done.stdout)["records"] == 2
    assert done.stderr.startswith("plumb: warning: 1 record of 'a.ndjson' left out: ")
