# SPDX-License-Identifier: Apache-2.0
"""Versions of a mapping: an edit is the next one, rows know theirs, one may be pinned."""
import random

import pytest

import lake

CONTRACT = """\
table: posts
columns:
  id: long!
  likes: long
"""
FILE = """\
source: shop
into: posts
map:
  id: id
  likes: a
"""


@pytest.fixture
def shop(plumb):
    lake.project(plumb, {"posts": CONTRACT}, {"shop": FILE})
    return plumb


def land(plumb, *records):
    (plumb.dir / "in.json").write_text("\n".join(records))
    plumb("ingest", "shop", "in.json")


def edit(plumb, old, new):
    path = plumb.dir / "sources/shop.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def rows(plumb):
    return [tuple(r.values()) for r in
            plumb.json("query", "SELECT id, likes, _mapping FROM posts ORDER BY id")]


@pytest.fixture
def edited(shop):
    """Two objects by version 1, the file edited since, a third object waiting."""
    land(shop, '{"id": 1, "a": 10, "b": 100}')
    shop("run")
    land(shop, '{"id": 2, "a": 20, "b": 200}', '{"id": 3, "a": 30}')
    shop("run")
    edit(shop, "likes: a", "likes: b | a")
    land(shop, '{"id": 4, "a": 40, "b": 400}')
    return shop


def test_an_edit_is_the_next_version_for_new_objects_only(edited):
    told = edited("run").stdout
    assert ("3 rows of posts, of 2 raw objects, were made by other versions of sources/shop.yml\n"
            "  plumb replay posts --source shop --all maps them again\n"
            in told)
    assert rows(edited) == [(1, 10, 1), (2, 20, 1), (3, 30, 1), (4, 400, 2)]
    again = edited.json("run")
    assert again["state"] == "nothing"
    assert again["mappings"] == [{
        "source": "shop", "table": "posts", "file": "sources/shop.yml", "version": 2,
        "pinned": False, "other_rows": 3, "other_objects": 2,
        "replay": "plumb replay posts --source shop --all"}]


def test_the_hint_comes_with_the_edit_and_goes_with_it(edited):
    edited("run")
    edit(edited, "likes: b | a", "likes: b")
    assert edited.json("run")["mappings"][0] == {
        "source": "shop", "table": "posts", "file": "sources/shop.yml", "version": None,
        "pinned": False, "other_rows": 4, "other_objects": 3,
        "replay": "plumb replay posts --source shop --all"}
    edit(edited, "likes: b", "likes: a")  # version 1 again
    assert edited.json("run")["mappings"][0]["version"] == 1
    assert edited.json("run")["mappings"][0]["other_rows"] == 1


def test_what_the_hint_says_can_be_done(edited):
    edited("run")
    for name in "contracts/posts.yml", "sources/shop.yml":
        path = edited.dir / name
        path.write_text(path.read_text().replace("posts", "posts2"))
    edited("run")
    got = edited.json("query", "SELECT id, likes FROM posts2 ORDER BY id")
    assert got == [{"id": 1, "likes": 100}, {"id": 2, "likes": 200}, {"id": 3, "likes": 30},
                   {"id": 4, "likes": 400}]


def test_a_pinned_version_is_used_and_waits_for_a_person(edited):
    used = edited("mapping", "shop", "--use", "1")
    assert used.stdout == ("runs use version 1 for new objects of source shop into table posts\n"
                           "sources/shop.yml differs:\n"
                           "  -   5    likes: a\n"
                           "  +   5    likes: b | a\n")
    done = edited("run", code=3)
    assert ("sources/shop.yml is not used for posts: version 1 is pinned. The file differs:\n"
            "  -   5    likes: a\n"
            "  +   5    likes: b | a\n"
            "  plumb mapping shop --table posts --use file takes the file again\n") in done.stdout
    assert rows(edited)[-1] == (4, 40, 1)
    nothing = edited("run", "--json", code=3)
    assert '"state":"nothing"' in nothing.stdout and '"pinned":true' in nothing.stdout
    assert '"diff":[{"op":"-","line":5,"text":"  likes: a"}' in nothing.stdout
    listed = edited.json("mapping", "shop")[0]
    assert [v["pinned"] for v in listed["versions"]] == [True]
    assert "pinned: runs use it, not the file" in edited("mapping", "shop").stdout
    edited("mapping", "shop", "--use", "file")
    land(edited, '{"id": 5, "a": 50, "b": 500}')
    edited("run")
    assert rows(edited)[-1] == (5, 500, 2)
    assert edited.json("verify")["sound"]


def test_a_file_that_says_what_is_pinned_ends_the_wait(edited):
    edited("mapping", "shop", "--use", "1")
    edited("run", code=3)
    edit(edited, "likes: b | a", "likes: a")
    assert edited("run").stdout == "nothing new to map\n"


def test_parts_of_a_run_use_the_pinned_version_too(edited):
    edited("mapping", "shop", "--use", "1")
    plan = edited.json("plan")
    for task in plan["tasks"]:
        edited("work", plan["run"], task["task"])
    edited("commit", plan["run"], code=3)
    assert rows(edited)[-1] == (4, 40, 1)


def test_a_pin_survives_a_rebuild(edited):
    edited("mapping", "shop", "--use", "1")
    edited("run", code=3)
    for name in "plumb.db", "plumb.db-wal", "plumb.db-shm":
        (edited.dir / "lake" / name).unlink(missing_ok=True)
    edited("rebuild")
    edited("run", code=3)
    assert rows(edited) == [(1, 10, 1), (2, 20, 1), (3, 30, 1), (4, 40, 1)]


def test_a_pinned_version_that_fits_no_longer_is_refused(edited):
    edited("mapping", "shop", "--use", "1")
    contract = edited.dir / "contracts/posts.yml"
    contract.write_text(CONTRACT.replace("  likes: long\n", ""))
    edit(edited, "  likes: b | a\n", "")
    done = edited("run", code=2)
    assert done.stderr.splitlines() == [
        "plumb: cannot use mapping 'sources/shop.yml (version 1)': line 5: table 'posts' has no "
        "column 'likes'",
        "  hint: Change contracts/posts.yml back, or take the file: "
        "plumb mapping shop --table posts --use file",
        "  Nothing of source 'shop' is mapped for table 'posts' until then."]
    edited("mapping", "shop", "--use", "file")
    edited("run")


def test_mistakes_of_use_and_diff(edited):
    def fails(code, *words):
        return edited("mapping", *words, code=code).stderr.splitlines()[0]
    assert fails(2, "shop", "--use", "one") == (
        "plumb mapping: --use takes 'file' or the number of a version")
    assert fails(1, "shop", "--use", "9") == (
        "plumb: cannot find version 9 of the mapping of source 'shop' into table 'posts'")
    assert edited("mapping", "shop", "--use", "9", code=1).stderr.splitlines()[1] == (
        "  hint: 'plumb mapping shop' lists the versions there are.")
    assert fails(2, "shop", "--use", "1", "--diff") == (
        "plumb mapping: --diff and --use do not go together")
    assert fails(2, "shop", "--diff", "1") == (
        "plumb mapping: --diff compares two versions, or none is named")
    assert fails(2, "shop", "1") == "plumb mapping: only --diff takes versions behind the source"
    (edited.dir / "contracts/more.yml").write_text(CONTRACT.replace("posts", "more"))
    (edited.dir / "sources/shop.more.yml").write_text(FILE.replace("posts", "more"))
    assert fails(2, "shop", "--use", "1") == (
        "plumb mapping: source 'shop' fills several tables: say which one with --table T")
    edited("mapping", "shop", "--use", "1", "--table", "posts")


def test_a_diffs_lines_make_one_text_of_the_other(edited):
    """Random texts of few different lines: what went and what came turn one into the other."""
    path = edited.dir / "sources/shop.yml"
    rng = random.Random(3)
    edited("run")
    for _ in range(40):
        old = path.read_text().splitlines()
        new = [line for line in old if not line.startswith("#") or rng.random() < 0.6]
        for _ in range(rng.randrange(6)):
            new.insert(rng.randrange(len(new) + 1), f"# {rng.randrange(3)}")
        path.write_text("\n".join(new) + "\n")
        diff = edited.json("mapping", "shop", "--diff", "2", "file")["diff"]
        first = edited.json("mapping", "shop", "--diff", "2", "2")["diff"]
        assert first == []
        gone = {d["line"]: d["text"] for d in diff if d["op"] == "-"}
        came = {d["line"]: d["text"] for d in diff if d["op"] == "+"}
        base = FILE.replace("likes: a", "likes: b | a").splitlines()
        assert all(base[n - 1] == text for n, text in gone.items())
        assert all(new[n - 1] == text for n, text in came.items())
        assert ([text for n, text in enumerate(base, 1) if n not in gone]
                == [text for n, text in enumerate(new, 1) if n not in came])
        assert len(came) == len(new) - len(base) + len(gone)
