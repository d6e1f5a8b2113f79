# SPDX-License-Identifier: Apache-2.0
"""The contract's checks: what fails a critical one waits before its table, everything else is
published; what is only warned of is told and recorded."""
import json
import time

import duckdb

from held import CONTRACT, MAPPING, land, post, renamed
from lake import books, lose, project, read

EVENTS = "SELECT kind, who, text FROM events WHERE kind LIKE 'check%' ORDER BY id"
CHECKED = CONTRACT.replace("  likes:   long\n", "  likes:   long min(0)\n")


def start(plumb, checks, *sources, contract=CHECKED):
    project(plumb, {"posts": contract + f"checks: {checks}\n"},
            {s: MAPPING.format(source=s) for s in sources})


def posts(first, count, day=1, **keys):
    return [post(n, day, **keys) for n in range(first, first + count)]


def contract(plumb, old, new):
    file = plumb.dir / "contracts" / "posts.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def count(plumb, where="true"):
    rows = read(plumb, "posts")
    return duckdb.sql(f"SELECT count(*) FROM rows WHERE {where}").fetchone()[0] + 0 * len(rows)


def results(plumb, *words, code=0):
    return {(r["source"], r["check"], r["column"]): r
            for r in plumb.json("checks", *words, code=code)}


def test_nulls_over_the_limit_stage_and_another_source_publishes(plumb):
    start(plumb, "{nulls: {views: 2%, shares: 5%}}", "shop", "mall")
    land(plumb, "shop", "1.json", posts(0, 97) + posts(97, 3, views=None))
    land(plumb, "mall", "2.json", posts(200, 97) + posts(297, 3, shares=None))
    said = plumb.json("run", code=3)
    assert [(h["source"], h["kind"], h["objects"], h["records"], h["until"], h["why"])
            for h in said["holds"]] == \
        [("shop", "checks", 1, 100, None,
          "views is NULL in 3 of 100 rows (3%), allowed are 2%")]
    assert count(plumb) == 100 and count(plumb, "views IS NULL") == 0
    assert books(plumb, "SELECT count(*) FROM findings") == [(0,)]
    now = results(plumb, code=3)
    assert now["shop", "nulls", "views"]["outcome"] == "failed"
    assert {s["source"]: s["score"] for s in plumb.json("status")["sources"]} == \
        {"shop": None, "mall": 1.0}
    assert now["mall", "nulls", "views"]["outcome"] == "passed"
    assert now["mall", "nulls", "shares"]["text"] == \
        "shares is NULL in 3 of 100 rows (3%), allowed are 5%"
    told = plumb("run", code=3).stdout
    assert ("held: 1 object of shop waits before posts, 100 records: views is NULL in 3 of 100 rows"
            " (3%), allowed are 2%\n"
            "  plumb checks posts says more; they wait until the check passes or the contract is"
            " edited;\n"
            "  plumb checks accept posts --source shop publishes them as they are\n") in told
    assert "see 'plumb checks posts'" in plumb("status").stdout
    assert "'plumb checks posts' says more" in plumb("drift", "holds", code=3).stdout


def test_what_waits_heals_with_what_comes_later(plumb):
    start(plumb, "{nulls: {views: 2%}}", "shop")
    land(plumb, "shop", "1.json", posts(0, 97) + posts(97, 3, views=None))
    plumb("run", code=3)
    land(plumb, "shop", "2.json", posts(100, 20))
    assert plumb.json("run", code=3)["holds"][0]["why"] == \
        "views is NULL in 3 of 120 rows (2.5%), allowed are 2%"
    land(plumb, "shop", "3.json", posts(120, 100))
    assert plumb.json("run")["holds"] == []
    assert count(plumb) == 220 and count(plumb, "views IS NULL") == 3
    (held, _, _), (passed, who, text) = books(plumb, EVENTS)
    assert (held, passed, who) == ("check.held", "check.passed", "plumb")
    assert json.loads(text)["why"] == "what waits passes by now"
    assert results(plumb)["shop", "nulls", "views"]["measured"] == 3


def test_edited_contract_lets_go(plumb):
    start(plumb, "{nulls: {views: 2%}}", "shop")
    land(plumb, "shop", "1.json", posts(0, 97) + posts(97, 3, views=None))
    plumb("run", code=3)
    contract(plumb, "views: 2%", "views: 4%")
    plumb("run")
    assert count(plumb) == 100


def test_person_accepts_and_what_lands_later_is_asked_again(plumb):
    start(plumb, "{nulls: {views: 2%}}", "shop")
    land(plumb, "shop", "1.json", posts(0, 97) + posts(97, 3, views=None))
    plumb("run", code=3)
    land(plumb, "shop", "2.json", posts(100, 97) + posts(197, 3, views=None))
    # The second one has landed, but was not looked at: it is none of what is accepted.
    said = plumb("checks", "accept", "posts", "--why", "they hide it", code=3).stdout
    assert said.startswith("accepted: 1 object of shop, 100 records, although views is NULL in 3 of"
                           " 100 rows (3%), allowed are 2%\n")
    assert "check accepted: shop -> posts: views is NULL in 3 of 100 rows" in said
    assert "held: 1 object of shop waits before posts, 100 records" in said
    assert count(plumb) == 100
    events = books(plumb, EVENTS)
    assert [kind for kind, _, _ in events] == ["check.held", "check.accepted", "check.held"]
    assert events[1][1] and json.loads(events[1][2])["why"] == "they hide it"
    assert plumb.json("checks", "accept", "posts", "--source", "shop")["holds"] == []
    assert count(plumb) == 200 and count(plumb, "views IS NULL") == 6
    refused = plumb("checks", "accept", "posts", code=1).stderr
    assert "cannot accept table 'posts': no check holds anything before it" in refused
    assert "  hint: What waits for another reason is listed by 'plumb drift'.\n" in refused
    assert "by plumb: shop: views is NULL in 3 of 100 rows" in plumb("history", "posts").stdout
    kept = plumb.json("checks", "posts", "--history", "--check", "nulls")
    assert [r["outcome"] for r in kept] == ["accepted", "failed", "accepted", "failed"]


def test_drift_is_not_accepted_as_a_check(plumb):
    start(plumb, "{nulls: {views: 2%}}", "shop")
    for day in (1, 2):
        land(plumb, "shop", f"{day}.json", posts(0, 400, day))
    plumb("run")
    land(plumb, "shop", "3.json", [renamed(n, 3, "views", "view_count") for n in range(400)])
    assert plumb.json("run", code=3)["holds"][0]["kind"] == "drift"
    refused = plumb("checks", "accept", "posts", "--source", "shop", code=1).stderr
    assert "cannot accept source 'shop': it waits before 'posts' for drift" in refused


def test_first_run_is_asked_but_not_for_what_is_usual(plumb):
    start(plumb, "{rows: {change: 50%, severity: critical}}", "shop")
    for day in (1, 2, 3):
        land(plumb, "shop", f"{day}.json", posts(0, 100, day))
        plumb("run")
        assert results(plumb)["shop", "change", None]["outcome"] == "skipped"
    land(plumb, "shop", "4.json", posts(0, 40, 4))
    (held,) = plumb.json("run", code=3)["holds"]
    assert held["why"] == "40 rows an object (40 in 1), usual are 50 to 150"
    assert count(plumb) == 300
    land(plumb, "shop", "5.json", posts(0, 90, 5))  # 65 an object
    plumb("run")
    assert count(plumb) == 430


def test_rows_of_a_run(plumb):
    start(plumb, "{rows: {min: 50, max: 200}}", "shop")
    land(plumb, "shop", "1.json", posts(0, 10))
    said = plumb("run").stdout  # a warning
    assert "check failed: shop -> posts: 10 rows in 1 object, allowed are 50 to 200\n" in said
    assert count(plumb) == 10


def test_repeated_keys(plumb):
    start(plumb, "{unique: key critical}", "shop")
    land(plumb, "shop", "1.json", posts(0, 50) + posts(0, 2))
    assert plumb.json("run", code=3)["holds"][0]["why"] == \
        "a key is repeated in 2 of 52 rows (3.846%), allowed is none"
    contract(plumb, "key critical", "key 5% critical")
    plumb("run")
    assert count(plumb) == 52


def test_values_out_of_bounds(plumb):
    start(plumb, "{}", "shop")
    land(plumb, "shop", "1.json", posts(0, 98) + posts(98, 2, likes=-1))
    (failed,) = plumb.json("run")["checks"]  # likes is not critical: a warning
    assert failed["text"] == "likes is out of bounds in 2 of 100 values (2%), allowed is none"
    score = results(plumb)["shop", "score", None]
    assert (score["measured"], score["total"]) == (98, 100)
    contract(plumb, "checks: {}", "checks: {ranges: {likes: 2% critical}}")
    land(plumb, "shop", "2.json", posts(0, 97, 2) + posts(97, 3, 2, likes=-1))
    assert plumb.json("run", code=3)["holds"][0]["why"] == \
        "likes is out of bounds in 3 of 100 values (3%), allowed are 2%"
    contract(plumb, "2% critical", "reject")
    plumb("run", code=0)
    assert count(plumb) == 200 and count(plumb, "likes < 0") == 2
    rows = read(plumb, "posts", "likes", "_flags", "_rest").to_pylist()
    lost = [r for r in rows if r["likes"] is None]
    assert len(lost) == 3
    assert lost[0]["_flags"] == ["likes:lost"] and '"likes":-1' in lost[0]["_rest"]


def test_rejected_value_of_a_critical_column_quarantines(plumb):
    start(plumb, "{ranges: {views: reject}}", "shop",
          contract=CONTRACT.replace("  views:   long\n", "  views:   long range(0, 5000000)\n"))
    land(plumb, "shop", "1.json", posts(0, 400) + posts(400, 1, views=9000000))
    plumb("run")
    assert count(plumb) == 400
    assert books(plumb, "SELECT col, reason FROM quarantine") == \
        [("views", "stats.views is not between 0 and 5000000")]
    score = results(plumb)["shop", "score", None]
    assert (score["measured"], score["total"]) == (400, 401)


def test_score_is_the_same_by_pyiceberg(plumb):
    start(plumb, "{nulls: {shares: 1%}}", "shop")
    records = (posts(0, 80) + posts(80, 5, likes=-3) + posts(85, 4, rate="much")
               + posts(89, 10, shares=None) + [{"id": "p", "stats": {"views": "many"}}])
    land(plumb, "shop", "1.json", records)
    plumb("run")
    rows = read(plumb, "posts").to_pylist()
    wrong = [r for r in rows if (r["likes"] or 0) < 0 or r["shares"] is None
             or any(f.endswith(":lost") for f in r["_flags"] or [])]
    score = results(plumb)["shop", "score", None]
    assert len(rows) == 99 and len(wrong) == 19
    assert (score["measured"], score["total"]) == (80, 100)
    assert plumb.json("describe", "posts")["score"] == 0.8
    assert plumb.json("status")["sources"][0]["score"] == 0.8
    assert "80%" in plumb("status").stdout
    nulls = results(plumb)["shop", "nulls", "shares"]
    assert nulls["measured"] == sum(r["shares"] is None for r in rows)
    assert nulls["total"] == len(rows) and nulls["severity"] == "warn"


def test_freshness_is_asked_without_a_run(plumb):
    start(plumb, "{freshness: 1s critical}", "shop")
    land(plumb, "shop", "1.json", posts(0, 10))
    plumb("run")
    time.sleep(2.1)
    old = results(plumb, code=3)["shop", "freshness", None]
    assert old["outcome"] == "failed" and old["measured"] > 2e6
    assert "s old, allowed are 1s" in plumb("status").stdout
    contract(plumb, "1s critical", "2d")
    assert results(plumb)["shop", "freshness", None]["outcome"] == "passed"
    assert plumb("checks").stdout.splitlines()[-1] == \
        "Score: 100% of the records published last are right."


def test_a_source_falls_silent_and_comes_back(plumb):
    start(plumb, "{freshness: 90m critical}", "shop", "mall")
    (plumb.dir / "old.json").write_text("".join(json.dumps(p) + "\n" for p in posts(0, 10)))
    plumb("ingest", "shop", "old.json", "--received", "2026-11-01T00:00:00Z")
    land(plumb, "mall", "1.json", posts(20, 10))
    said = plumb.json("run")  # it holds nothing
    assert said["holds"] == [] and count(plumb) == 20
    (told,) = said["checks"]
    assert (told["source"], told["check"], told["outcome"]) == ("shop", "freshness", "failed")
    line = plumb("run").stdout  # each run says so, also one with nothing to do
    assert line.startswith("nothing new to map\ncheck failed: shop -> posts: the newest object "
                           "published is ") and line.endswith(" old, allowed are 90m\n")
    assert plumb.json("run", "--source", "mall")["checks"] == []
    shop, mall = sorted(plumb.json("status")["sources"], key=lambda s: s["source"])[::-1]
    assert (shop["freshness"]["outcome"], mall["freshness"]["outcome"]) == ("failed", "passed")
    assert shop["freshness"]["severity"] == "critical"
    assert shop["freshness"]["allowed"] == "90m"
    assert "\nstale: shop -> posts: the newest object published is " in plumb("status").stdout
    plumb("checks", code=3)
    assert [kind for kind, _, _ in books(plumb, EVENTS)] == ["check.stale"]  # once
    land(plumb, "shop", "2.json", posts(40, 10))
    assert plumb.json("run")["checks"] == []
    plumb("checks")
    (_, who, was), (fresh, _, now) = books(plumb, EVENTS)
    assert (fresh, who) == ("check.fresh", "plumb")
    assert json.loads(was)["note"].startswith("shop: the newest object published is ")
    assert json.loads(now)["source"] == "shop" and json.loads(now)["severity"] == "critical"
    kept = plumb.json("checks", "--history", "--check", "freshness", "--source", "shop")
    assert [r["outcome"] for r in kept] == ["passed", "failed"]
    happened = plumb("history", "posts").stdout
    assert "check.stale" in happened and "check.fresh" in happened
    lose(plumb)
    plumb("rebuild")  # what came after the last publish is asked again
    assert plumb.json("checks", "--history", "--check", "freshness", "--source", "shop") == kept[1:]
    plumb("run")
    assert [kind for kind, _, _ in books(plumb, EVENTS)] == ["check.stale", "check.fresh"]


def test_results_outlive_the_registry(plumb):
    start(plumb, "{nulls: {views: 2%}}", "shop", "mall")
    land(plumb, "shop", "1.json", posts(0, 97) + posts(97, 3, views=None))
    land(plumb, "mall", "2.json", posts(200, 97))
    plumb("run", code=3)
    plumb("checks", "accept", "posts", "--why", "so it is")
    before = plumb.json("checks", "--history")
    events = books(plumb, EVENTS)
    lose(plumb)
    plumb("rebuild")
    assert plumb.json("checks", "--history") == before
    assert books(plumb, EVENTS) == events and len(events) == 2


def test_held_by_checks_is_forgotten_with_the_registry_and_found_again(plumb):
    start(plumb, "{nulls: {views: 2%}}", "shop", "mall")
    land(plumb, "mall", "2.json", posts(200, 97))
    plumb("run")
    land(plumb, "shop", "1.json", posts(0, 97) + posts(97, 3, views=None))
    plumb("run", code=3)
    lose(plumb)
    plumb("rebuild")
    assert plumb.json("status")["holds"] == []
    assert plumb.json("run", code=3)["holds"][0]["kind"] == "checks"
    assert count(plumb) == 97


def test_plan_work_and_commit_ask_too(plumb):
    start(plumb, "{nulls: {views: 2%}}", "shop", "mall")
    land(plumb, "shop", "1.json", posts(0, 97) + posts(97, 3, views=None))
    land(plumb, "mall", "2.json", posts(200, 97))
    for code in (3, 3):
        planned = plumb.json("plan")
        for task in planned["tasks"]:
            plumb("work", planned["run"], task["task"])
        said = plumb.json("commit", planned["run"], code=code)
        if not said["again"]:
            break
    assert count(plumb) == 97 and said["holds"][0]["kind"] == "checks"


def test_many_runs_of_an_accepted_set(plumb):
    start(plumb, "{nulls: {views: 2%}}", "shop")
    for n in range(5):
        land(plumb, "shop", f"{n}.json", posts(n * 100, 97) + posts(n * 100 + 97, 3, views=None))
    assert plumb.json("run", code=3)["holds"][0]["objects"] == 5
    plumb("checks", "accept", "posts")
    assert count(plumb) == 500 and books(plumb, "SELECT count(*) FROM holds") == [(0,)]


def edit(plumb, old, new):
    file = plumb.dir / "sources" / "shop.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_replay_that_fails_a_critical_check_changes_nothing(plumb):
    start(plumb, "{nulls: {shares: 2% critical}, unique: key critical, rows: {min: 500}}", "shop")
    land(plumb, "shop", "1.json", posts(0, 100))
    land(plumb, "shop", "2.json", posts(200, 100))
    plumb("run")
    before = read(plumb, "posts").to_pylist()
    edit(plumb, "stats.shares", "stats.shared")
    failed = plumb("replay", "posts", "--all", code=1)
    assert failed.stderr == (
        "plumb: cannot replay records of source 'shop' in table 'posts': shares is NULL in 200 of"
        " 200 rows (100%), allowed are 2%\n"
        "  hint: Nothing was changed. Mend the mapping, or the check in contracts/posts.yml;"
        " --accept-checks takes the rows as they are.\n")
    assert read(plumb, "posts").to_pylist() == before
    plumb("verify")
    edit(plumb, "stats.shared", "stats.shares")
    plumb("replay", "posts", "--all")  # their own old rows are no repetition
    edit(plumb, "stats.shares", "stats.shared")
    plumb("replay", "posts", "--all", "--accept-checks")
    assert count(plumb, "shares IS NULL") == 200
    edit(plumb, "stats.shared", "stats.shares")
    edit(plumb, "post_id: id", "post_id: day")
    assert "a key is repeated in 199 of 200 rows" in \
        plumb("replay", "posts", "--all", code=1).stderr


def test_retry_is_asked_too(plumb):
    start(plumb, "{nulls: {shares: 2% critical}, unique: key critical}", "shop")
    land(plumb, "shop", "1.json", posts(0, 100) + posts(100, 3, views="many", shares=None)
         + posts(99, 1, views="many"))
    plumb("run")
    assert count(plumb) == 100
    edit(plumb, "stats.views", "stats.views | stats.likes")
    contract(plumb, "critical: [views]\n", "")
    said = plumb("quarantine", "retry", code=1).stderr
    assert "cannot retry records of source 'shop' in table 'posts': shares is NULL in 3 of" in said
    assert count(plumb) == 100
    contract(plumb, "2% critical", "100% critical")
    assert "a key is repeated in 1 of 4 rows (25%), allowed is none" in \
        plumb("quarantine", "retry", code=1).stderr
    plumb("quarantine", "retry", "--accept-checks")
    assert count(plumb) == 104


def test_one_value_out_of_bounds_says_which_setting_allows_some(plumb):
    start(plumb, "{}", "shop", contract=CHECKED.replace("critical: [views]", "critical: [likes]"))
    land(plumb, "shop", "1.json", posts(0, 999) + posts(999, 1, likes=-1))
    assert plumb.json("run", code=3)["holds"][0]["why"] == (
        "likes is out of bounds in 1 of 1000 values (0.1%), allowed is none ('checks: {ranges:"
        " {likes: 1%}}' in the contract would allow some)")
    contract(plumb, "checks: {}", "checks: {ranges: {likes: 1%}}")
    plumb("run")
    assert count(plumb) == 1000
