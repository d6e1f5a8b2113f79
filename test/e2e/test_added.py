# SPDX-License-Identifier: Apache-2.0
"""New keys become columns without a person: declared, mapped, filled back to the first record, and
taken back by one command. What is in the table is what a fresh lake has that was mapped by the
files as they are then."""
import random
import sqlite3

import pytest

from dying import draw, killed, watched
from held import fresh, land, post, retired, rows, start
from lake import FULL, books, found, keep, listed, read, restore


def settings(plumb, text):
    with open(plumb.dir / "plumb.yaml", "a") as file:
        file.write(text + "\n")


def comes(plumb, days=(3, 4, 5), source="shop", **keys):
    """A run a day; what the last one says."""
    for day in days:
        land(plumb, source, f"{source}{day}.json",
             [post(n, day, **{k: v(n) if callable(v) else v for k, v in keys.items()})
              for n in range(30)])
        said = plumb.json("run")
    return said


def findings(plumb):
    return dict(books(plumb, "SELECT after, state FROM findings WHERE class IN ('added', 'map')"))


def flat(text):
    return " ".join(text.split())


def files(plumb):
    return [(plumb.dir / name).read_text() for name in ("contracts/posts.yml", "sources/shop.yml")]


# ---- what comes of it ----------------------------------------------------------------------------

def test_a_key_that_stays_is_a_column_filled_back(plumb, tmp_path_factory):
    start(plumb, "shop")
    contract, mapping = files(plumb)
    said = comes(plumb, (3, 4), saves=lambda n: n % 17)
    assert said["columns"] == [] and files(plumb) == [contract, mapping]
    land(plumb, "shop", "5.json", [post(n, 5, saves=n % 17) for n in range(30)])
    text = plumb("run").stdout
    assert ("new column posts.saves (long) from $.stats.saves of shop, 90 rows from before mapped "
            "anew\n  plumb drift reject 1 takes it back\nrun ") in text and "finding" not in text
    assert files(plumb) == [contract + "  saves:   long\n", mapping + "  saves:   stats.saves\n"]
    table = read(plumb, "posts", "saves", "_rest")
    assert sum(v is not None for v in table["saves"].to_pylist()) == 90
    assert not any("saves" in (rest or "") for rest in table["_rest"].to_pylist())
    # Everybody else's rows are as they were, and nobody is told to map them anew.
    assert plumb("run").stdout == "nothing new to map\n"
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))
    said = comes(plumb, (6,), saves=7)
    assert (said["holds"], said["columns"], said["mappings"]) == ([], [], [])


def test_each_step_is_one_event_with_who_and_why(plumb):
    start(plumb, "shop")
    said = comes(plumb, saves=1)
    assert said["columns"] == [dict(
        finding=1, source="shop", table="posts", path="$.stats.saves", column="saves", type="long",
        why_not=None, objects=3, rows=90, replay=None)]
    events = plumb.json("drift", "events")[::-1]
    assert [(e["from"], e["to"], e["who"], e["note"]) for e in events] == [
        (None, "seen", "plumb", None), ("seen", "open", "plumb", None),
        ("open", "auto", "plumb", "policy: auto"),
        ("auto", "accepted", "plumb", "rows from before have it as well")]
    assert events[2]["mapping"] == {"before": 1, "after": 2} and "saves" in events[2]["diff"]
    shown = flat(plumb("drift", "show", 1).stdout)
    assert "column saves of posts takes it; it is NULL in rows that do not have it." in shown
    assert "Nothing has to be done. 'plumb drift reject 1' takes the column back." in shown
    # A lost registry has it, too, and nothing is done twice.
    comes(plumb, (6,), saves=1)
    (plumb.dir / "lake/plumb.db").rename(plumb.dir / "lost.db")
    plumb("rebuild")
    assert findings(plumb) == {"$.stats.saves": "accepted"}
    assert plumb("run").stdout == "nothing new to map\n"


def test_the_type_covers_every_value_and_not_the_first_ones(plumb):
    start(plumb, "shop")
    comes(plumb, (3,), a=1, b=2, c=3, d=[1], e={"x": 1}, f=9007199254740993)
    comes(plumb, (4,), a=1.5, b="x", c=3, d=[2, 3], e={"y": [2]}, f=9007199254740993)
    said = comes(plumb, (5,), a=2, b="x", c=True, d=[], e={}, f=1)
    assert {c["column"]: c["type"] for c in said["columns"]} == {
        "a": "double", "b": "json", "c": "json", "d": "list(long)", "e": "json", "f": "long"}
    table = read(plumb, "posts").to_pylist()
    assert {v["f"] for v in table} == {None, 9007199254740993, 1}
    assert books(plumb, "SELECT sum(lost) FROM ledger") == [(0,)]


def test_taken_back_it_is_as_if_it_never_was(plumb):
    start(plumb, "shop")
    before = files(plumb)
    comes(plumb, saves=3)
    assert files(plumb) != before
    said = plumb("drift", "reject", 1).stdout
    assert said.startswith("finding 1 is reverted: shop -> posts.saves: added, $.stats.saves\n")
    assert ("  No rule reads $.stats.saves any more: _rest keeps it. The table keeps column saves, "
            "NULL in\n  new rows. ") in said
    assert files(plumb) == before
    table = read(plumb, "posts", "saves", "_rest").to_pylist()
    assert all(row["saves"] is None for row in table)
    assert sum("saves" in (row["_rest"] or "") for row in table) == 90
    # It stays so, however often it comes; and a person may think again.
    comes(plumb, (6, 7, 8), saves=3)
    assert files(plumb) == before and findings(plumb) == {"$.stats.saves": "reverted"}
    assert "'plumb drift approve 1' makes it one:" in flat(plumb("drift", "show", 1).stdout)
    plumb("drift", "approve", 1)
    assert read(plumb, "posts", "saves")["saves"].to_pylist().count(3) == 180


def test_taken_back_it_is_in_nobodys_way(plumb):
    start(plumb, "shop")
    comes(plumb, saves=3)
    plumb("drift", "reject", 1, "--no-replay")
    comes(plumb, (6,), saves=3, marks="x")
    assert [c["column"] for c in comes(plumb, (7, 8), saves=3, marks="x")["columns"]] == ["marks"]
    comes(plumb, (9,), saves=3, marks="x")
    assert read(plumb, "posts", "marks")["marks"].to_pylist().count("x") == 120


def test_a_column_the_table_still_has_of_another_type_is_not_taken(plumb):
    start(plumb, "shop")
    kept = files(plumb)
    for path, more in (("contracts/posts.yml", "  saves: string\n"),
                       ("sources/shop.yml", "  saves: stats.other\n")):
        (plumb.dir / path).write_text((plumb.dir / path).read_text() + more)
    comes(plumb, (2,), other="x")
    for path, text in zip(("contracts/posts.yml", "sources/shop.yml"), kept):
        (plumb.dir / path).write_text(text)
    said = comes(plumb, (3, 4, 5), saves=3)
    assert said["columns"][0]["why_not"] == (
        "the table could not take it: cannot change column 'saves' of table 'posts' from string to "
        "long: rows already written could not be read")
    assert files(plumb) == kept
    comes(plumb, (6,), saves=3)


def test_a_rule_that_somebody_changed_is_not_taken_back(plumb):
    start(plumb, "shop")
    comes(plumb, saves=3)
    path = plumb.dir / "sources/shop.yml"
    path.write_text(path.read_text().replace("stats.saves", "stats.saves | stats.stored"))
    assert plumb("drift", "reject", 1, code=1).stderr == (
        "plumb: cannot reject finding '1': the rule of sources/shop.yml that reads $.stats.saves "
        "was changed since\n  hint: Change it by hand and run 'plumb run'.\n")


def test_many_columns_are_one_replay(plumb, tmp_path_factory):
    start(plumb, "shop")
    said = comes(plumb, **{f"k{n}": n for n in range(12)})
    assert [c["column"] for c in said["columns"]] == [f"k{n}" for n in range(12)]
    assert books(plumb, "SELECT count(*) FROM runs WHERE command = 'replay'") == [(1,)]
    assert plumb("run").stdout == "nothing new to map\n"
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def test_names_are_free_ones(plumb, tmp_path_factory):
    start(plumb, "shop")
    said = comes(plumb, **{"Views": 1, "_rest": 2, "Day": "x", "Größe in €": 3, "select": 4,
                           "a.b": 5, "2fast": 6, "x" * 300: 7, "\x1b[31m": 8, "Likes ": 9, "": 10})
    columns = {c["path"]: c["column"] for c in said["columns"] if not c["why_not"]}
    assert len(set(columns.values())) == len(columns)
    assert not {"views", "likes", "day", "_rest", "rate"} & set(columns.values())
    assert columns["$.stats.Views"] == "stats_views"
    assert all("\x1b" not in path for path in columns)
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def test_a_column_of_another_source_is_filled_not_made_twice(plumb):
    start(plumb, "shop", "mall")
    comes(plumb, saves=3)
    said = comes(plumb, source="mall", saves=4)
    assert [(c["column"], c["why_not"]) for c in said["columns"]] == [("saves", None)]
    assert "saves" in (plumb.dir / "sources/mall.yml").read_text()
    assert files(plumb)[0].count("saves") == 1
    # Taken back from one, it stays the other's.
    plumb("drift", "reject", 1)
    assert files(plumb)[0].count("saves") == 1
    assert read(plumb, "posts", "saves")["saves"].to_pylist().count(4) == 90


def test_a_retired_column_that_returns_is_the_same_column(plumb):
    retired(plumb)
    assert "shares" not in "".join(files(plumb))
    comes(plumb, (4, 5))
    back, = books(plumb, "SELECT id FROM findings WHERE class = 'added'")[0]
    assert "$.stats.shares is back; column shares was retired." in flat(
        plumb("drift", "show", back).stdout)
    # Both tables of columns have it once, by its old id, with the values from before.
    assert "  shares:  long\n" in files(plumb)[0] and "  shares:  stats.shares\n" in files(plumb)[1]
    shares = read(plumb, "posts", "shares")["shares"].to_pylist()
    assert len(shares) == 1260 and sum(v is not None for v in shares) == 860
    assert findings(plumb) == {"$.stats.shares": "accepted"}
    assert comes(plumb, (6,))["columns"] == []


# ---- what is left to a person --------------------------------------------------------------------

@pytest.mark.parametrize("where", ["plumb.yaml", "sources/shop.yml"])
@pytest.mark.parametrize("action, state", [("hold", "open"), ("ignore", None)])
def test_it_can_be_left_to_a_person_or_nobody(plumb, where, action, state):
    start(plumb, "shop")
    with open(plumb.dir / where, "a") as file:
        file.write(f"drift: {{added: {action}}}\n")
    before = files(plumb)
    said = comes(plumb, saves=3)
    assert said["columns"] == [] and files(plumb) == before
    assert findings(plumb) == ({"$.stats.saves": state} if state else {})


def test_strict_leaves_it_automatic(plumb):
    start(plumb, "shop")
    settings(plumb, "policy: strict")
    assert [c["column"] for c in comes(plumb, saves=3)["columns"]] == ["saves"]


def test_more_than_a_days_worth_waits_for_a_person(plumb):
    start(plumb, "shop")
    settings(plumb, "drift: {added_per_day: 3}")
    said = comes(plumb, a=1, b=2, c=3, d="x", e=5)
    assert [c["column"] for c in said["columns"] if not c["why_not"]] == ["a", "b", "c"]
    assert {c["why_not"] for c in said["columns"][3:]} | {None} == {
        None, "3 new columns a day of one source are the most (drift: added_per_day)"}
    assert sorted(findings(plumb).values()) == ["accepted"] * 3 + ["open"] * 2
    # Told once; the next day another one has its turn, and these still wait.
    assert comes(plumb, (6,), a=1, b=2, c=3, d="x", e=5)["columns"] == []
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("UPDATE findings SET opened_us = opened_us - 90000000000")
    said = comes(plumb, (7, 8, 9), a=1, b=2, c=3, d="x", e=5, f=6)
    assert [c["column"] for c in said["columns"]] == ["f"]
    assert sorted(findings(plumb).values()) == ["accepted"] * 4 + ["open"] * 2


def test_keys_that_are_data_are_no_columns(plumb):
    start(plumb, "shop")
    before = files(plumb)
    said = comes(plumb, **{f"city_{n:04}": n for n in range(60)})
    assert said["columns"] == [] and files(plumb) == before
    assert set(findings(plumb).values()) == {"open"}, findings(plumb)


@pytest.mark.parametrize("file", ["contracts/posts.yml", "sources/shop.yml"])
def test_files_that_may_not_be_written_are_left_alone(plumb, file):
    start(plumb, "shop")
    (plumb.dir / file).chmod(0o444)
    before = files(plumb)
    comes(plumb, (3, 4), saves=3)
    land(plumb, "shop", "5.json", [post(n, 5, saves=3) for n in range(30)])
    assert (f"new in shop: $.stats.saves, no column of posts by itself: {file} may not be written\n"
            "  plumb drift approve 1 makes it one, reject 1 says no\n") in plumb("run").stdout
    assert files(plumb) == before and findings(plumb) == {"$.stats.saves": "open"}
    assert plumb("run").stdout == "nothing new to map\n"  # told once
    (plumb.dir / file).chmod(0o644)
    assert "new column posts.saves" in plumb("run").stdout


def test_a_pinned_version_stays(plumb):
    start(plumb, "shop")
    plumb("mapping", "shop", "--use", 1)
    said = comes(plumb, saves=3)
    assert said["columns"][0]["why_not"] == (
        "version 1 of sources/shop.yml is pinned, so runs do not use the file")
    assert findings(plumb) == {"$.stats.saves": "open"}


def test_while_the_source_waits_nothing_is_changed(plumb):
    start(plumb, "shop")
    comes(plumb, (3, 4), saves=3)
    land(plumb, "shop", "5.json", [post(n, 5, saves=3) for n in range(30)])
    land(plumb, "shop", "6.json", [post(n, 6, saves=3, views=None) for n in range(30)])
    before = files(plumb)
    plumb("run", code=3)
    assert files(plumb) == before and findings(plumb) == {"$.stats.saves": "open"}
    plumb("drift", "reject", books(plumb, "SELECT id FROM findings WHERE state = 'held'")[0][0])
    assert [c["column"] for c in plumb.json("run")["columns"]] == ["saves"]


def test_much_raw_is_filled_when_asked(plumb, tmp_path_factory):
    start(plumb, "shop")
    settings(plumb, "drift: {auto_replay: 1k}")
    said = comes(plumb, (3, 4, 5), saves=lambda n: n * 7919 % 1000)
    assert said["columns"][0]["replay"] == "plumb replay posts --finding 1"
    comes(plumb, (6,), saves=3)
    assert sum(v is not None for v in read(plumb, "posts", "saves")["saves"].to_pylist()) == 30
    plumb(*said["columns"][0]["replay"].split()[1:])
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))
    assert plumb("run").stdout == "nothing new to map\n"


def test_links_and_comments_stay(plumb):
    start(plumb, "shop")
    path = plumb.dir / "sources/shop.yml"
    path.write_text("# ours\r\n" + path.read_text().replace("\n", "  # kept\r\n"))
    before = path.read_bytes()
    comes(plumb, saves=3)
    assert path.read_bytes() == before + b"  saves:   stats.saves\r\n"


# ---- parts of a run, and death -------------------------------------------------------------------

def test_plan_work_commit_do_the_same(plumb):
    start(plumb, "shop")
    comes(plumb, (3, 4), saves=3)
    land(plumb, "shop", "5.json", [post(n, 5, saves=3) for n in range(30)])
    plan = plumb.json("plan")
    for task in plan["tasks"]:
        plumb("work", plan["run"], task["task"])
    assert [c["column"] for c in plumb.json("commit", plan["run"])["columns"]] == ["saves"]


def state(plumb):
    table = read(plumb, "posts")
    names = [n for n in table.column_names if not n.startswith("_") or n == "_rest"]
    return (files(plumb), sorted(map(str, table.select(names).to_pylist())), findings(plumb),
            books(plumb, "SELECT kind, count(*) FROM events WHERE kind LIKE 'drift.%' GROUP BY 1"
                         " ORDER BY 1"),
            books(plumb, "SELECT overlay FROM mapping_uses WHERE overlay <> ''"))


@pytest.mark.timeout(1800 if FULL else 240)
def test_killed_anywhere_the_next_run_ends_where_an_undisturbed_one_does(quick):
    start(quick, "shop")
    comes(quick, (3, 4), saves=3, tags=["a"])
    land(quick, "shop", "5.json", [post(n, 5, saves=3, tags=["b"]) for n in range(30)])
    keep(quick)
    changes = watched(quick, ["run"], under=".")
    wanted = state(quick)
    assert wanted[2] == {"$.stats.saves": "accepted", "$.stats.tags": "accepted"}
    rng = random.Random(len(changes))
    places = range(1, len(changes) + 1) if FULL else [draw(rng, changes) for _ in range(10)]
    died = 0
    for at in places:
        restore(quick)
        died += killed(quick, ["run"], at, under=".")
        quick("run")
        assert state(quick) == wanted, f"killed before change {at}, {changes[at - 1]}"
        assert quick("run").stdout == "nothing new to map\n"
        assert set(listed(quick, "posts")) <= set(found(quick, "tables/posts/data/**/*.parquet"))
    assert died
