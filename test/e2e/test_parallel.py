# SPDX-License-Identifier: Apache-2.0
"""A rule for values of another kind or unit: what raw says of it, and what comes of that. In one
step, or in a column of its own beside the old one until it is promoted."""
import json

import duckdb

from held import CONTRACT, MAPPING, compact, land, post, start
from lake import books, project, read, tree

RULE = "stats.shares parse(compact) | stats.shares"


def files(plumb):
    return ((plumb.dir / "sources/shop.yml").read_text(),
            (plumb.dir / "contracts/posts.yml").read_text())


def state(plumb, id=1):
    return books(plumb, f"SELECT state FROM findings WHERE id = {id}")[0][0]


def holds_compact(plumb, count=1000):
    """There are 400 entities, so that many of them are new."""
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [compact(n, 3) for n in range(count)])
    plumb("run", code=3)


def holds_nonsense(plumb):
    """What comes are other numbers: each parses, and none continues what was there."""
    start(plumb, "shop")
    land(plumb, "shop", "3.json",
         [post(n, 3, shares=f"{n % 90 + 1}.{n % 9}K") for n in range(400)])
    plumb("run", code=3)


def shares(plumb, day=3):
    """(shares, shares__next) of a day, by number of the post."""
    table = read(plumb, "posts")
    rows = duckdb.sql(f"SELECT * FROM \"table\" WHERE day = DATE '2026-11-0{day}'").fetchall()
    names = table.column_names
    at = [names.index(name) for name in ("shares", "shares__next") if name in names]
    return {row[names.index("post_id")]: tuple(row[i] for i in at) for row in rows}


# ---- in one step ---------------------------------------------------------------------------------

def test_a_rule_that_raw_proves_is_taken_in_one_step(plumb):
    holds_compact(plumb)
    said = plumb("drift", "approve", 1).stdout
    assert said == (
        "finding 1 is accepted: shop -> posts.shares: retyped, $.stats.shares\n\n"
        "    --- sources/shop.yml\n    +++ sources/shop.yml\n    @@ -7 +7 @@\n"
        f"    -  shares:  stats.shares\n    +  shares:  {RULE}\n\n"
        "  sources/shop.yml is changed; runs read it so from now on. It is proven on 1,000 rows of "
        "raw.\n  What waited is published: 1,000 rows. Nothing more has to be done.\n\n"
        "gate                measured                              asked\n"
        "rows        passed  1,000                                 1,000 or more\n"
        "parse       passed  100 % of 1,000 values                 99.5 % or more\n"
        "NULL        passed  0 % of rows before, 0 % since         within 0.5 points\n"
        "continuity  passed  100 % of 400 entities; distance 0.60  98 % of 100 entities, or "
        "distance 0.05\n"
        "agreement   passed  in 800 of 800 rows                    in every row with both values\n")
    assert shares(plumb) == {f"p{n}": (3003 + 11 * n,) for n in range(1000)}
    assert state(plumb) == "accepted"


def test_too_little_raw_is_no_reason_to_wait(plumb):
    holds_compact(plumb, 20)
    one, = plumb.json("drift", "approve", 1)["decisions"]
    assert one["text"] == (
        "sources/shop.yml is changed; runs read it so from now on. 20 rows of raw are too little "
        "to prove it, and nothing in them speaks against it: your word counts. What waited is "
        "published: 20 rows. Nothing more has to be done.")
    assert (one["to"], one["beside"], one["gate"]["word"]) == ("accepted", None, "open")
    assert {c["name"]: c["word"] for c in one["gate"]["criteria"]} == {
        "rows": "open", "parse": "passed", "NULL": "passed", "continuity": "open",
        "agreement": "passed"}
    assert all(value is not None for value, in shares(plumb).values())


def test_now_asks_nothing(plumb):
    holds_nonsense(plumb)
    one, = plumb.json("drift", "approve", 1, "--now")["decisions"]
    assert (one["to"], one["gate"]) == ("accepted", None)
    assert f"  shares:  {RULE}\n" in files(plumb)[0]


def test_another_unit_is_asked_by_rows_from_before(plumb):
    mapping = MAPPING.format(source="shop") + "  at: at parse(epoch(s))\n"
    project(plumb, {"posts": CONTRACT + "  at: timestamp\n"}, {"shop": mapping})
    for day in (1, 2):
        land(plumb, "shop", f"{day}.json",
             [dict(post(n, day), at=1700000000 + 60 * n) for n in range(400)])
    plumb("run")
    land(plumb, "shop", "3.json",
         [dict(post(n, 3), at=(1700000000 + 60 * n) * 1000) for n in range(1000)])
    plumb("run", code=3)
    id, = books(plumb, "SELECT id FROM findings WHERE col = 'at' AND state = 'held'")[0]
    gate = plumb.json("drift", "approve", id, "--dry-run")["decisions"][0]["gate"]
    assert gate["word"] == "passed", gate
    plumb("drift", "approve", id, "--parallel")
    gate = plumb.json("drift", "show", id)["gate"]
    assert gate["word"] == "passed" and gate["figures"]["both"] == 800
    plumb("drift", "promote", id)
    times = read(plumb, "posts", "at")["at"].cast("int64").to_pylist()
    assert sorted(times) == sorted(
        (1700000000 + 60 * n) * 10 ** 6 for n in [*range(400), *range(400), *range(1000)])


# ---- beside --------------------------------------------------------------------------------------

def test_a_rule_that_raw_speaks_against_is_tried_beside(plumb):
    holds_nonsense(plumb)
    said = plumb("drift", "approve", 1).stdout
    assert said == (
        "finding 1 is parallel: shop -> posts.shares: retyped, $.stats.shares\n\n"
        "    --- contracts/posts.yml\n    +++ contracts/posts.yml\n    @@ -9,0 +10 @@\n"
        "    +  shares__next: long\n"
        "    --- sources/shop.yml\n    +++ sources/shop.yml\n    @@ -9,0 +10 @@\n"
        f"    +  shares__next: {RULE}\n\n"
        "  Raw speaks against the new rule: continuity: 9.25 % of 400 entities; distance 0.93, "
        "asked is\n  98 % of 100 entities, or distance 0.05. So it is tried in column "
        "shares__next, beside column\n  shares, which keeps its own: NULL where that cannot take "
        "a value. 'plumb drift promote 1'\n  gives column shares the rule once the gate is "
        "passed; 'plumb drift reject 1' takes\n  shares__next away. What waited is published: "
        "400 rows.\n\n"
        "gate                        measured                               asked\n"
        "rows        too little yet  400                                    1,000 or more\n"
        "parse       passed          100 % of 400 values                    99.5 % or more\n"
        "NULL        passed          0 % of rows before, 0 % since          within 0.5 points\n"
        "continuity  FAILED          9.25 % of 400 entities; distance 0.93  98 % of 100 entities, "
        "or distance 0.05\n"
        "agreement   passed          in 800 of 800 rows                     in every row with both "
        "values\n")
    assert shares(plumb)["p7"] == (None, 8700)
    refused = plumb("drift", "promote", 1, code=1).stderr
    assert refused == (
        "plumb: cannot promote finding '1': the gate is not passed: rows: 400, asked is 1,000 or "
        "more; continuity: 9.25 % of 400 entities; distance 0.93, asked is 98 % of 100 entities, "
        "or distance 0.05\n"
        "  hint: 'plumb drift show 1' says how it stands; 'plumb drift promote 1 --now' does it "
        "all the same; 'plumb drift reject 1' takes shares__next away.\n")
    assert state(plumb) == "parallel"


def test_both_columns_are_filled_until_the_gate_is_passed(plumb):
    holds_compact(plumb, 400)
    before = files(plumb)
    one, = plumb.json("drift", "approve", 1, "--parallel", "--why", "to be seen")["decisions"]
    assert (one["from"], one["to"], one["beside"]) == ("held", "parallel", "shares__next")
    assert one["text"].startswith(
        "The new rule is tried in column shares__next, beside column shares")
    mapping, contract = files(plumb)
    assert mapping == before[0] + f"  shares__next: {RULE}\n"
    assert contract == before[1].replace("  shares:  long\n",
                                         "  shares:  long\n  shares__next: long\n")
    assert shares(plumb) == {f"p{n}": (None, 3003 + 11 * n) for n in range(400)}
    row, = duckdb.from_arrow(read(plumb, "posts", "post_id", "day", "_flags", "_rest")).filter(
        "post_id = 'p0' AND day = DATE '2026-11-03'").fetchall()
    assert "shares:lost" in row[2] and row[3] is None  # a column has it
    # Nothing waits for it any more.
    for day in (4, 5):
        land(plumb, "shop", f"{day}.json", [compact(n, day) for n in range(400)])
        assert plumb.json("run")["holds"] == []
    assert [f["state"] for f in plumb.json("drift", "ls")] == ["parallel"]
    shown = plumb.json("drift", "show", 1)
    assert shown["gate"]["word"] == "passed" and shown["gate"]["figures"]["rows"] == 1200
    assert shown["text"]["now"].endswith("The gate, asked of 5 raw objects just now:")
    assert shown["text"]["todo"].startswith("'plumb drift promote 1' gives column shares the new ")
    assert "promoting maps them anew" in shown["text"]["cost"]
    # It is; the columns become one.
    said = plumb("drift", "promote", 1, "--why", "it was").stdout
    assert (
        "  Column shares is filled by the new rule from now on, and shares__next is out of the "
        "files. It\n  is proven on 1,200 rows of raw. 3 objects that were published before are "
        "mapped anew: 1,200\n  rows.\n") in said
    assert files(plumb) == (before[0].replace("stats.shares\n", f"{RULE}\n"), before[1])
    for day in (3, 4, 5):
        assert shares(plumb, day) == {f"p{n}": (3000 + 11 * n + day, None) for n in range(400)}
    assert state(plumb) == "accepted"
    events = plumb.json("drift", "events")
    assert [(e["from"], e["to"], e["note"]) for e in events[:3]] == [
        ("promoted", "accepted", "rows since the change have the rule's values"),
        ("parallel", "promoted", "it was"), ("held", "parallel", "to be seen")]
    assert events[1]["decision"] == "promote"
    land(plumb, "shop", "6.json", [compact(n, 6) for n in range(400)])
    assert plumb.json("run")["holds"] == []
    assert shares(plumb, 6)["p1"] == (3017, None)
    assert plumb.json("verify")["sound"]
    kinds = [row["kind"] if "kind" in row else row.get("operation")
             for row in plumb.json("history", "posts")]
    assert {"drift.parallel", "drift.promoted"} <= set(kinds), kinds


def test_rejected_what_was_tried_goes_again(plumb):
    holds_compact(plumb, 400)
    before = files(plumb)
    plumb("drift", "approve", 1, "--parallel")
    one, = plumb.json("drift", "reject", 1)["decisions"]
    assert (one["from"], one["to"], one["beside"]) == ("parallel", "rejected", "shares__next")
    assert one["text"].startswith(
        "Column shares__next is out of the files, and column shares keeps its rule: NULL where it "
        "cannot take a value, which _rest keeps. Nothing waits for it until ")
    assert files(plumb) == before
    land(plumb, "shop", "4.json", [compact(n, 4) for n in range(400)])
    assert plumb.json("run")["holds"] == []
    for day in (3, 4):
        assert set(shares(plumb, day).values()) == {(None, None)}
    kept = read(plumb, "posts", "_rest")["_rest"].to_pylist()
    assert sum(json.loads(rest or "{}") == {"stats": {"shares": "3.003K"}} for rest in kept) == 1
    # And yes after all.
    plumb("drift", "approve", 1)
    assert shares(plumb, 4)["p2"] == (3026, None) and shares(plumb, 3)["p2"] == (3025, None)
    assert plumb("drift", "reject", 1, code=1).stderr.startswith(
        "plumb: cannot reject finding '1': it is accepted since ")


def test_what_is_tried_is_not_approved_again(plumb):
    holds_compact(plumb, 400)
    plumb("drift", "approve", 1, "--parallel")
    assert plumb("drift", "approve", 1, code=1).stderr.endswith(
        "\n  hint: 'plumb drift promote 1' puts shares__next in the place of shares once the gate "
        "is passed; 'plumb drift show 1' says how it stands.\n")
    before = tree(plumb.dir)
    assert "would be promoted" in plumb("drift", "promote", 1, "--dry-run", "--now").stdout
    assert tree(plumb.dir) == before


def test_somebody_has_taken_it_out_by_hand(plumb):
    holds_compact(plumb, 400)
    before = files(plumb)
    plumb("drift", "approve", 1, "--parallel")
    (plumb.dir / "sources/shop.yml").write_text(before[0])
    (plumb.dir / "contracts/posts.yml").write_text(before[1])
    assert plumb("drift", "promote", 1, code=1).stderr == (
        "plumb: cannot promote finding '1': sources/shop.yml does not fill column 'shares__next'\n"
        "  hint: If it was not written yet, 'plumb drift approve 1' does so; if you took it out, "
        "'plumb drift reject 1' closes the finding, and sources/shop.yml stays as it is.\n")
    assert "sources/shop.yml does not fill shares__next any more." in plumb(
        "drift", "show", 1).stdout
    plumb("drift", "reject", 1)
    assert files(plumb) == before and state(plumb) == "rejected"


def test_only_what_is_tried_is_promoted(plumb):
    holds_compact(plumb, 400)
    refused = plumb("drift", "promote", 1, code=1).stderr
    assert refused.startswith("plumb: cannot promote finding '1': it is held since ")
    assert refused.endswith("\n  hint: First it is approved: 'plumb drift approve 1'.\n")
    assert plumb("drift", "approve", 1, "--now", "--parallel", code=2).stderr.startswith(
        "plumb drift: --now and --parallel do not go together\n")
    assert plumb("drift", "reject", 1, "--now", code=2).stderr.startswith(
        "plumb drift: --now is not for reject\n")


def test_a_critical_column_has_none_beside_it(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 3, views=f"{n % 90 + 1}.{n % 9}M") for n in range(400)])
    plumb("run", code=3)
    before = tree(plumb.dir)
    assert plumb("drift", "approve", 1, code=1).stderr == (
        "plumb: cannot approve finding '1': raw speaks against its rule (continuity: 2.25 % of 400 "
        "entities; distance 0.99, asked is 98 % of 100 entities, or distance 0.05)\n"
        "  hint: It cannot be tried beside the old one: column 'views' is critical, so a record "
        "whose value it does not take is no row. 'plumb drift approve 1 --now' takes the rule all "
        "the same; 'plumb drift reject 1' publishes rows as they come.\n")
    assert plumb("drift", "approve", 1, "--parallel", "--dry-run", code=1).stderr.startswith(
        "plumb: cannot approve finding '1': raw speaks against its rule (")
    assert tree(plumb.dir) == before and state(plumb) == "held"
    plumb("drift", "approve", 1, "--now")
    assert read(plumb, "posts").num_rows == 1200


def test_what_goes_while_it_is_tried_is_seen(plumb):
    holds_compact(plumb, 400)
    plumb("drift", "approve", 1, "--parallel")
    land(plumb, "shop", "4.json", [post(n, 4, shares=None, shared=f"{n}.5K") for n in range(400)])
    hold, = plumb.json("run", code=3)["holds"]
    assert "shares__next" in hold["why"]


def test_two_sources_try_it_in_one_column(plumb):
    start(plumb, "shop", "mall")
    for source in ("shop", "mall"):
        land(plumb, source, f"{source}3.json",
             [dict(compact(n, 3), id=f"{source}{n}") for n in range(400)])
    plumb("run", code=3)
    before = files(plumb)
    ids = [id for id, in books(plumb, "SELECT id FROM findings WHERE state = 'held' ORDER BY 1")]
    plumb("drift", "approve", *ids, "--parallel")
    declared = files(plumb)[1]
    assert declared.count("shares__next") == 1
    # One of them is promoted, while the other goes on.
    plumb("drift", "promote", ids[0], "--now")
    assert files(plumb)[1] == declared
    assert plumb.json("run")["run"] is None
    plumb("drift", "reject", ids[1])
    assert files(plumb)[1] == before[1]
    found = read(plumb, "posts")
    assert duckdb.sql("SELECT count(*), count(shares), count(shares__next) FROM found"
                      " WHERE day = DATE '2026-11-03'").fetchall() == [(800, 400, 0)]


def test_what_is_proven_is_promoted_without_a_person_if_that_is_wanted(plumb):
    holds_compact(plumb, 400)
    with open(plumb.dir / "plumb.yaml", "a") as file:
        file.write("drift: {auto_promote: true}\n")
    plumb("drift", "approve", 1, "--parallel")
    land(plumb, "shop", "4.json", [compact(n, 4) for n in range(400)])
    assert plumb.json("run")["findings"] == [] and state(plumb) == "parallel"  # 800 rows
    land(plumb, "shop", "5.json", [compact(n, 5) for n in range(400)])
    assert (
        "finding 1: shop -> posts.shares retyped, $.stats.shares: the second column has taken the "
        "old one's place\n") in plumb("run").stdout
    assert state(plumb) == "accepted" and f"  shares:  {RULE}\n" in files(plumb)[0]
    for day in (3, 4, 5):
        assert shares(plumb, day)["p9"] == (3099 + day, None)
    event = plumb.json("drift", "events")[1]
    assert (event["who"], event["note"], event["to"]) == ("plumb", "the gate is passed", "promoted")
    land(plumb, "shop", "6.json", [compact(n, 6) for n in range(400)])
    assert plumb.json("run")["findings"] == []


# ---- what is not a finding's ---------------------------------------------------------------------

def test_what_waits_for_checks_is_left_alone(plumb):
    """The old column is NULL where a rule is tried beside it, and a check forbids that."""
    start(plumb, "shop")
    contract = plumb.dir / "contracts/posts.yml"
    contract.write_text(contract.read_text() + "checks: {nulls: {shares: 2% critical}}\n")
    land(plumb, "shop", "3.json", [compact(n, 3) for n in range(400)])
    plumb("run", code=3)
    plumb("drift", "approve", 1, "--parallel", code=3)
    hold = "SELECT checks, released FROM holds"
    assert books(plumb, hold) == [(1, "")]
    plumb("drift", "reject", 1, code=3)
    assert books(plumb, hold) == [(1, "")]
    assert read(plumb, "posts").num_rows == 800
    plumb("drift", "approve", 1)
    assert books(plumb, hold) == [] and read(plumb, "posts").num_rows == 1200


def test_hidden_files_of_the_killed_are_swept(plumb):
    holds_compact(plumb, 400)
    left = [plumb.dir / "sources/.0123456789abcdef.tmp",
            plumb.dir / "contracts/.00000000000000aa.tmp"]
    kept = [plumb.dir / "sources/.mine.tmp", plumb.dir / "sources/.0123456789abcde.tmp"]
    for file in left + kept:
        file.write_text("x")
    plumb("drift", "approve", 1, "--dry-run")
    assert all(file.exists() for file in left)
    plumb("drift", "approve", 1)
    assert [file.exists() for file in left + kept] == [False, False, True, True]
