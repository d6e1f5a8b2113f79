# SPDX-License-Identifier: Apache-2.0
"""plumb quarantine retry: records that could not become rows, once more with today's mapping. Each
record is a row once, wherever a retry dies; the books say what the table holds.
"""
import collections
import gzip
import random
import signal
import subprocess

import pytest

from dying import asleep, draw, killed, watched
from lake import (FULL, books, figures, found, keep, listed, lose, project, read, restore, table,
                  tree)

KILLS = 60 if FULL else 8
POSTS = """
    table: posts
    key: [id]
    partition: [place]
    columns:
      id:    long!
      place: string!
      likes: long!
    """
SHOP = """
    source: shop
    into: posts
    map:
      id:    id
      place: place
      likes: likes
    """
MENDED = SHOP.replace("likes: likes", "likes: likes | like_count")


def posts(first, count, bad=()):
    """NDJSON; the posts in `bad` have their likes under another name."""
    return "".join(f'{{"id": {i}, "place": "{"abcde"[i % 5]}",'
                   f' "{"like_count" if i in bad else "likes"}": {i * 3}}}\n'
                   for i in range(first, first + count))


def land(plumb, name, text, source="shop"):
    """Land a file; the id of its object."""
    (plumb.dir / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    plumb("ingest", source, name)
    return max(books(plumb, "SELECT id FROM objects"))[0]


def lines(rows):
    """What the table holds, as counted things: rows may be there twice."""
    return collections.Counter(zip(*(rows[name].to_pylist() for name in rows.column_names)))


def check(plumb, curated, quarantined, filtered=0, name="posts"):
    """Ledger, entries, table and lint agree, and no record is a row twice."""
    rows = read(plumb, name, "_object", "_record")
    assert len(rows) == curated and max(lines(rows).values(), default=1) == 1
    ledger = [line for line in plumb.json("ledger") if line["table"] == name]
    for column, count in (("curated", curated), ("quarantined", quarantined),
                          ("filtered", filtered)):
        assert sum(line[column] for line in ledger) == count, column
    for line in ledger:
        assert line["records"] == line["curated"] + line["quarantined"] + line["filtered"]
    entries = plumb.json("quarantine", "--table", name)
    assert sum(entry["records"] for entry in entries) == quarantined
    plumb("verify")
    assert books(plumb, "SELECT count(*) FROM runs WHERE state = 'working'") == [(0,)]


@pytest.fixture
def shop(plumb):
    project(plumb, {"posts": POSTS}, {"shop": SHOP})
    return plumb


def mend(plumb, mapping=MENDED, contract=POSTS):
    project(plumb, {"posts": contract}, {"shop": mapping})


def rebuilt(plumb):
    """The books made anew from the lake say the same."""
    before = [plumb.json(*words) for words in (("ledger",), ("quarantine",), ("mapping", "shop"))]
    lose(plumb)
    plumb("rebuild")
    assert before == [plumb.json(*words)
                      for words in (("ledger",), ("quarantine",), ("mapping", "shop"))]


# what it does
def test_records_that_map_today_become_rows_once(shop):
    one = land(shop, "a.json", posts(0, 50, bad={3, 4, 30}) + "{not json\n")
    two = land(shop, "b.json", posts(50, 50, bad={60}))
    shop("run")
    before = tree(shop.dir / "lake/tables")
    mend(shop)
    look = shop.json("quarantine", "retry", "--dry-run")
    assert (look["state"], look["run"], look["tables"]) == ("dry-run", None, [])
    assert look["records"] == {"retried": 5, "curated": 4, "quarantined": 1, "filtered": 0}
    assert tree(shop.dir / "lake/tables") == before and len(shop.json("runs")) == 1
    check(shop, 96, 5)

    done = shop.json("quarantine", "retry")
    assert done["state"] == "published" and done["records"] == look["records"]
    assert [(t["table"], t["rows"]) for t in done["tables"]] == [("posts", 4)]
    rows = read(shop, "posts").select(["_object", "_record", "id", "likes", "_mapping"])
    assert lines(rows) == collections.Counter(
        (one if i < 50 else two, i % 50, i, i * 3, 2 if i in {3, 4, 30, 60} else 1)
        for i in range(100))
    assert len(table(shop, "posts").snapshots()) == 2
    assert not before.items() - tree(shop.dir / "lake/tables").items() - {
        ("posts/metadata/version-hint.text", before["posts/metadata/version-hint.text"])}
    (entry,) = shop.json("quarantine")
    assert (entry["object"], entry["record"], entry["run"]) == (one, 50, done["run"])
    assert [run["command"] for run in shop.json("runs")] == ["retry", "run"]
    check(shop, 100, 1)

    lake = tree(shop.dir / "lake")
    again = shop.json("quarantine", "retry")
    assert (again["state"], again["records"]["retried"]) == ("nothing", 1)
    run = shop.json("run")
    assert run["state"] == "nothing"
    assert [(m["version"], m["other_rows"], m["other_objects"]) for m in run["mappings"]] == [
        (2, 96, 2)]
    assert tree(shop.dir / "lake") == lake and len(shop.json("runs")) == 2
    rebuilt(shop)
    check(shop, 100, 1)
    assert shop.json("quarantine", "retry")["state"] == "nothing"


def test_what_where_leaves_out_is_filtered(shop):
    land(shop, "a.json", posts(0, 20, bad={3, 4}))
    shop("run")
    mend(shop, SHOP.replace("    map:", "    where: likes exists\n    map:"))
    done = shop.json("quarantine", "retry")
    assert done["records"] == {"retried": 2, "curated": 0, "quarantined": 0, "filtered": 2}
    assert done["state"] == "published" and done["tables"] == []
    check(shop, 18, 0, 2)
    assert len(table(shop, "posts").snapshots()) == 1
    rebuilt(shop)
    assert shop("quarantine", "retry").stdout == "nothing to retry\n"


def test_what_still_fails_says_why_today(shop):
    land(shop, "a.json", posts(0, 9) + '{"id": 9, "place": "a", "likes": "7 pm", "n": "x"}\n' * 3)
    shop("run")
    (was,) = shop.json("quarantine")
    mend(shop, SHOP.replace("likes: likes", "likes: n"))
    assert shop.json("quarantine", "retry")["state"] == "published"
    (now,) = shop.json("quarantine")
    assert (was["sample"], now["sample"], now["records"]) == ("7 pm", "x", 3)
    check(shop, 9, 3)
    assert shop.json("quarantine", "retry")["state"] == "nothing"
    mend(shop, SHOP, POSTS.replace("likes: long!", "likes: long"))  # an optional one can be lost
    assert shop.json("quarantine", "retry")["records"]["curated"] == 3
    rows = read(shop, "posts", "id", "likes", "_rest", "_flags")
    kept = [row for row in rows.to_pylist() if row["id"] == 9]
    assert len(kept) == 3 and all(row["likes"] is None and "7 pm" in row["_rest"]
                                  and row["_flags"] == ["likes:lost"] for row in kept)
    assert sum(line["lost"] for line in shop.json("ledger")) == 3
    check(shop, 12, 0)


def test_selected_by_source_table_object_and_entry(plumb):
    likes = POSTS.replace("table: posts", "table: likes").replace("place]", "id]").replace(
        "    partition: [id]\n", "")
    two = {"shop": SHOP, "mall": SHOP.replace("shop", "mall"),
           "shop-likes": SHOP.replace("posts", "likes")}
    project(plumb, {"posts": POSTS, "likes": likes}, two)
    a = land(plumb, "a.json", posts(0, 10, bad={1, 3, 5}))
    b = land(plumb, "b.json", posts(10, 10, bad={11}))
    land(plumb, "c.json", posts(20, 10, bad={21}), "mall")
    plumb("run")
    project(plumb, {}, {name: text.replace("likes: likes", "likes: likes | like_count")
                        for name, text in two.items()})
    retried = lambda *words: plumb.json("quarantine", "retry", *words)["records"]  # noqa: E731
    assert retried("--source", "mall", "--table", "likes")["retried"] == 0
    assert retried("--source", "mall")["curated"] == 1
    assert retried("--table", "likes", "--object", b[:20].lower())["curated"] >= 1
    entry = [e for e in plumb.json("quarantine", "--table", "posts") if e["record"] == 3][0]
    assert retried(entry["id"], entry["id"]) == {"retried": 1, "curated": 1, "quarantined": 0,
                                                 "filtered": 0}
    left = plumb.json("quarantine", "--table", "posts", "--object", a)
    assert [e["record"] for e in left] == [1, 5]
    assert retried("--object", a, "--table", "posts")["curated"] == 2
    said = plumb("quarantine", "retry", entry["id"], code=3)
    assert said.stderr == f"plumb: warning: entry {entry['id']} does not stand in quarantine\n"
    assert said.stdout == "nothing to retry\n"
    assert plumb.json("quarantine", "retry", 99, code=3)["gone"] == [99]
    retried()
    check(plumb, 30, 0)
    check(plumb, 20, 0, name="likes")
    for words, told in ((("retry", "x"), "'x' is not the id of an entry"),
                        (("retry", "--limit", "3"), "--limit is not for retry"),
                        (("ls", "--dry-run"), "--dry-run is only for retry"),
                        (("rety",), "'rety' is not one of ls, show, retry")):
        assert told in plumb("quarantine", *words, code=2).stderr


# what it cannot do
def test_broken_text_stays_where_it_was(shop):
    text = "[" + ",".join(posts(0, 9, bad={2}).splitlines()) + ', {"id": 9, "pl'
    land(shop, "array.json", text)
    packed = gzip.compress(posts(10, 3000, bad={12}).encode())
    land(shop, "cut.json.gz", packed[:len(packed) * 2 // 3])
    shop("run")
    mend(shop)
    before = shop.json("quarantine")
    done = shop.json("quarantine", "retry")
    assert done["records"]["curated"] == 2
    key = lambda e: (e["object"], e["record"], e["byte_first"], e["reason"])  # noqa: E731
    assert sorted(map(key, shop.json("quarantine"))) == sorted(
        key(e) for e in before if "no path of its rule" not in e["reason"])
    rows = len(read(shop, "posts"))
    check(shop, rows, sum(e["records"] for e in shop.json("quarantine")))
    assert shop.json("quarantine", "retry")["state"] == "nothing"


def test_an_object_counted_otherwise_is_refused_if_it_has_rows(shop):
    other = MENDED.replace("    map:", "    records: items[]\n    map:")
    some = land(shop, "some.json", '{"items": [1, 2]}\n' + posts(0, 5))
    none = land(shop, "none.json", '{"items": [' + ",".join(posts(5, 7).splitlines()) + "]}")
    shop("run")
    check(shop, 5, 2)
    mend(shop, other)
    done = shop("quarantine", "retry", code=3)
    assert done.stderr == (f"plumb: cannot retry object '{some}' for table 'posts': today's mapping"
                           " counts its records otherwise (1 record)\n")
    check(shop, 12, 1)
    assert lines(read(shop, "posts").select(["_object", "_record"])) == collections.Counter(
        [(some, i) for i in range(1, 6)] + [(none, i) for i in range(7)])
    (refused,) = shop.json("quarantine", "retry", code=3)["refused"]
    assert (refused["object"], refused["records"], refused["entry"]) == (some, 1, None)
    (shop.dir / "sources/shop.yml").unlink()
    (refused,) = shop.json("quarantine", "retry", code=3)["refused"]
    assert refused["reason"] == "no mapping in sources/ sends its source to the table"
    rebuilt_ledger = shop.json("ledger")
    assert [line["records"] for line in rebuilt_ledger] == [7, 6]


def test_of_too_many_places_those_that_are_listed_are_retried(shop):
    land(shop, "a.json", posts(0, 100_020, bad=range(0, 100_020, 2)))
    shop("run")
    assert len(shop.json("quarantine")) == 50_001
    mend(shop)
    done = shop.json("quarantine", "retry", code=3)
    assert done["records"]["curated"] == 50_000
    (refused,) = done["refused"]
    assert refused["records"] == 10
    assert refused["reason"] == "it does not say which records it means"
    check(shop, 100_010, 10)
    (entry,) = shop.json("quarantine")
    assert entry["reason"].startswith("among the records from here on")


def test_of_an_object_without_rows_all_are_retried(shop):
    if not FULL:
        pytest.skip("the long form of the test above")
    text = posts(0, 100_020, bad=range(0, 100_020, 2)).replace('"likes": ', '"likes": "x", "n": ')
    land(shop, "a.json", text)
    shop("run")
    assert len(shop.json("quarantine")) == 50_001
    mend(shop, contract=POSTS.replace("likes: long!", "likes: long"))
    assert shop.json("quarantine", "retry")["records"]["curated"] == 100_020
    check(shop, 100_020, 0)


def test_damaged_raw_is_told_and_the_others_go_on(shop):
    bad = land(shop, "a.json", posts(0, 1000, bad={1}))
    land(shop, "b.json", posts(1000, 10, bad={1001}))
    shop("run")
    mend(shop)
    (path,) = (shop.dir / "lake/raw").rglob(f"{bad}*")
    kept = path.read_bytes()
    path.chmod(0o644)
    middle = len(kept) // 2
    path.write_bytes(kept[:middle] + bytes([kept[middle] ^ 1]) + kept[middle + 1:])
    done = shop("quarantine", "retry", code=1)
    assert f"cannot map raw object '{bad}' of source 'shop'" in done.stderr
    assert "Its records stay in quarantine." in done.stderr
    path.write_bytes(kept)
    check(shop, 1009, 1)
    shop("quarantine", "retry")
    check(shop, 1010, 0)


# others
def test_the_run_lock_holds_for_it(shop):
    land(shop, "a.json", posts(0, 3000, bad=range(0, 3000, 7)))
    shop("run")
    mend(shop)
    words = [shop.exe, "quarantine", "retry"]
    both = [subprocess.Popen(words, cwd=shop.dir, stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.wait() for process in both] == [0, 0, 0]
    assert len(table(shop, "posts").snapshots()) == 2
    check(shop, 3000, 0)


def test_looking_waits_for_nobody(shop):
    land(shop, "a.json", posts(0, 10, bad={1}))
    shop("run")
    mend(shop)
    holder = asleep(shop, ["quarantine", "retry"], "plan.json")
    assert shop.json("quarantine", "retry", "--dry-run")["records"]["curated"] == 1
    said = shop("quarantine", "retry", "--wait", "100ms", code=1).stderr
    assert str(holder.pid) in said and "quarantine retry" in said
    holder.send_signal(signal.SIGCONT)
    assert holder.wait() == 0
    check(shop, 10, 0)


# death
def after_death(plumb):
    """What is there to be seen of a retry that was killed."""
    ((state,),) = books(plumb, "SELECT state FROM runs ORDER BY id DESC LIMIT 1")
    ((command,),) = books(plumb, "SELECT command FROM runs ORDER BY id DESC LIMIT 1")
    if command != "retry":
        return "before it began"
    if state == "done":
        return "committed"
    return "tasks done" if found(plumb, ".plumb/runs/*/t*.json") else "working"


@pytest.mark.timeout(900)
def test_killed_anywhere_each_record_is_a_row_once(quick):
    project(quick, {"posts": POSTS}, {"shop": SHOP})
    for k in range(3):
        land(quick, f"{k}.json", posts(k * 1000, 1000, bad=range(k * 1000, k * 1000 + 1000, 3)))
    quick("run")
    mend(quick)
    keep(quick)
    rng, places, words = random.Random(9), collections.Counter(), ["quarantine", "retry"]
    changes = watched(quick, words)
    for kill in range(KILLS):
        restore(quick)
        assert killed(quick, words, draw(rng, changes))
        where = after_death(quick)
        places[where] += 1
        if kill % 2:  # what resumes may be killed, too
            killed(quick, words, draw(rng, changes))
        command = rng.choice([words, ["run"]])  # either finishes what a retry began
        quick(*command)
        quick(*words)
        check(quick, 3000, 0)
        assert len(table(quick, "posts").snapshots()) == 2
        assert listed(quick, "posts") == found(quick, "tables/posts/data/**/*.parquet")
        rebuilt(quick)
        assert quick.json(*words)["state"] == "nothing"
    figures("quarantine retry killed", *(f"- {where}: {n}" for where, n in sorted(places.items())))
    assert set(places) == {"before it began", "working", "tasks done", "committed"} or not FULL
