# SPDX-License-Identifier: Apache-2.0
"""Hold first: what looks as if its source had changed waits, everything else is published, and
what waits goes on by itself once it is understood."""
import json
import time

import duckdb

from held import CONTRACT, MAPPING, land, post, renamed, start
from lake import books, project, read


def run(plumb, code):
    return plumb.json("run", code=code)


def count(plumb, where="true"):
    rows = read(plumb, "posts")
    return duckdb.sql(f"SELECT count(*) FROM rows WHERE {where}").fetchone()[0] + 0 * len(rows)


def states(plumb):
    return sorted(books(plumb, "SELECT class, before, after, col, state FROM findings"))


def test_first_run_opens_no_finding(plumb):
    start(plumb, "shop")
    assert states(plumb) == []
    assert count(plumb) == 800


def test_renamed_key_is_read_at_once(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    said = run(plumb, 0)
    assert said["holds"] == [] and said["findings"] == [1]
    assert count(plumb) == 1200 and count(plumb, "likes IS NULL") == 0
    assert run(plumb, 0)["findings"] == []  # told once
    assert states(plumb) == [("renamed", "$.stats.likes", "$.stats.like_count", "likes",
                              "provisional")]


def test_run_tells_of_what_a_rule_took_care_of(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    assert ("finding 1: shop -> posts.likes renamed, $.stats.likes -> $.stats.like_count: taken "
            "care of by a rule, until a person looks at it\n"
            "  plumb drift ls lists them, plumb drift show ID tells of one\n") in \
        plumb("run").stdout


def test_old_key_of_a_rename_is_no_finding_of_its_own(plumb):
    start(plumb, "shop")
    for day in (3, 4, 5):
        land(plumb, "shop", f"{day}.json",
             [renamed(n, day, "likes", "like_count") for n in range(400)])
        assert run(plumb, 0)["holds"] == []
    assert count(plumb) == 2000 and count(plumb, "likes IS NULL") == 0
    assert [s[0] for s in states(plumb)] == ["renamed"]


def enveloped(plumb, name, key, records):
    (plumb.dir / name).write_text(json.dumps({"data": {key: records}, "page": 1}))
    plumb("ingest", "shop", name)


def test_renamed_envelope_waits_and_an_empty_day_does_not(plumb):
    mapping = MAPPING.format(source="shop").replace("map:", "records: data.list[]\nmap:")
    project(plumb, {"posts": CONTRACT}, {"shop": mapping})
    for day in (1, 2, 3, 4):
        enveloped(plumb, f"{day}.json", "list", [post(n, day) for n in range(50)])
    run(plumb, 0)
    enveloped(plumb, "5.json", "list", [])
    assert run(plumb, 0)["holds"] == []
    enveloped(plumb, "6.json", "items", [post(n, 6) for n in range(50)])
    assert [h["why"] for h in run(plumb, 3)["holds"]] == \
        ["the raw object has no array where the records were, and none of 4 lacked it before"]
    assert states(plumb) == [("removed", "$", "", "", "held")]
    assert books(plumb, "SELECT count(*) FROM quarantine") == [(0,)]
    file = next((plumb.dir / "sources").glob("shop*"))
    file.write_text(file.read_text().replace("data.list[]", "data.items[]"))
    assert run(plumb, 0)["holds"] == []
    assert count(plumb) == 250 and states(plumb)[0][4] == "accepted"


def test_limit_does_not_let_a_source_without_records_go_dark(plumb):
    mapping = MAPPING.format(source="shop").replace("map:", "records: data.list[]\nmap:")
    project(plumb, {"posts": CONTRACT.replace("critical: [views]\n", "")}, {"shop": mapping})
    (plumb.dir / "plumb.yaml").write_text((plumb.dir / "plumb.yaml").read_text()
                                          + "drift: {limit: 1s}\n")
    for day in (1, 2, 3, 4):
        enveloped(plumb, f"{day}.json", "list", [post(n, day) for n in range(50)])
    run(plumb, 0)
    enveloped(plumb, "5.json", "items", [post(n, 5) for n in range(50)])
    assert run(plumb, 3)["holds"][0]["until"] is None
    time.sleep(1.1)
    run(plumb, 3)  # no document of it can be a row: it waits for a person
    assert books(plumb, "SELECT count(*) FROM quarantine") == [(0,)]
    assert "so they wait until somebody decides." in plumb("drift", "show", 1).stdout.replace(
        "\n  ", " ")
    said = plumb("drift", "reject", 1).stdout
    assert "Documents without the array of records go to quarantine." in said
    enveloped(plumb, "6.json", "items", [post(n, 6) for n in range(50)])
    run(plumb, 0)
    assert count(plumb) == 200 and books(plumb, "SELECT count(*) FROM quarantine") == [(2,)]


def test_critical_column_waits_and_other_sources_are_published(plumb):
    start(plumb, "shop", "mall")
    land(plumb, "shop", "3.json", [renamed(n, 3, "views", "view_count") for n in range(400)])
    land(plumb, "mall", "m3.json", [post(n, 3) for n in range(400)])
    said = run(plumb, 3)
    assert [(h["source"], h["objects"], h["records"], h["until"]) for h in said["holds"]] == \
        [("shop", 1, 400, None)]
    assert count(plumb) == 2000 and count(plumb, "views IS NULL") == 0
    assert states(plumb) == [("renamed", "$.stats.views", "$.stats.view_count", "views", "held")]
    # Nothing new: it still waits. What lands later joins it, also when it looks as before.
    assert run(plumb, 3)["holds"][0]["objects"] == 1
    land(plumb, "shop", "4.json", [renamed(n, 4, "views", "view_count") for n in range(400)])
    assert run(plumb, 3)["holds"][0]["objects"] == 2
    assert count(plumb) == 2000
    # A person edits the mapping: all of it is published.
    file = next((plumb.dir / "sources").glob("shop*"))
    file.write_text(file.read_text().replace("stats.views", "stats.view_count | stats.views"))
    assert run(plumb, 0)["holds"] == []
    assert count(plumb) == 2800 and count(plumb, "views IS NULL") == 0
    assert [s[4] for s in states(plumb)] == ["accepted"]


def test_one_record_is_enough(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(5, 3, "views", "view_count")])
    run(plumb, 3)
    assert count(plumb) == 800


def test_source_that_heals_is_published(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(5, 3, shares=None)])
    assert run(plumb, 3)["holds"][0]["records"] == 1
    land(plumb, "shop", "4.json", [post(n, 4) for n in range(300)])
    assert run(plumb, 0)["holds"] == []
    assert count(plumb) == 1101 and count(plumb, "shares IS NULL") == 1
    assert {s[4] for s in states(plumb)} == {"resolved"}


def test_limit_publishes_what_is_not_critical(plumb):
    start(plumb, "shop")
    (plumb.dir / "plumb.yaml").write_text((plumb.dir / "plumb.yaml").read_text()
                                          + "drift: {limit: 1s}\n")
    land(plumb, "shop", "3.json", [post(n, 3, shares=None) for n in range(400)])
    assert run(plumb, 3)["holds"][0]["records"] == 400
    time.sleep(1.1)
    assert run(plumb, 0)["holds"] == []
    assert count(plumb, "shares IS NULL") == 400
    # It is known by now: the next one is not held.
    land(plumb, "shop", "4.json", [post(n, 4, shares=None) for n in range(400)])
    assert run(plumb, 0)["holds"] == []
    assert count(plumb, "shares IS NULL") == 800
    assert states(plumb) == [("removed", "$.stats.shares", "", "shares", "deprecated")]


def test_other_unit_waits(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 2, shares=(3000 + 11 * n + 2) * 1000)
                                   for n in range(400)])
    run(plumb, 3)
    assert count(plumb) == 800
    assert [s[0] for s in states(plumb)] == ["rescaled"]


def test_drift_inside_one_landing(plumb):
    """Two years of history landed in one go show their drift inside one run."""
    project(plumb, {"posts": CONTRACT}, {"shop": MAPPING.format(source="shop")})
    for day in range(1, 7):
        make = post if day < 4 else lambda n, d: renamed(n, d, "views", "view_count")
        land(plumb, "shop", f"{day}.json", [make(n, day) for n in range(200)])
    said = run(plumb, 3)
    assert said["holds"][0]["objects"] == 3
    assert count(plumb) == 600 and count(plumb, "views IS NULL") == 0


def test_strict_policy_holds_what_would_be_read_until_somebody_decides(plumb):
    start(plumb, "shop")
    (plumb.dir / "plumb.yaml").write_text((plumb.dir / "plumb.yaml").read_text()
                                          + "policy: strict\ndrift: {limit: 1s}\n")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    assert run(plumb, 3)["holds"][0]["until"] is None
    time.sleep(1.1)
    run(plumb, 3)
    assert count(plumb) == 800
    assert [(s[0], s[4]) for s in states(plumb)] == [("renamed", "held")]
    # Told again, once in each limit.
    assert books(plumb, "SELECT count(*) FROM events WHERE kind = 'drift.held'") == [(2,)]


def test_fallback_does_not_hide_a_renamed_key(plumb):
    mapping = MAPPING.format(source="shop").replace("stats.likes", "stats.likes | stats.shares")
    project(plumb, {"posts": CONTRACT}, {"shop": mapping})
    for day in (1, 2):
        land(plumb, "shop", f"{day}.json", [post(n, day) for n in range(400)])
    plumb("run")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    assert run(plumb, 0)["holds"] == []
    assert count(plumb) == 1200 and count(plumb, "likes >= 3000") == 0
    assert ("renamed", "$.stats.likes", "$.stats.like_count", "likes", "provisional") \
        in states(plumb)


def test_new_key_becomes_a_column_and_nothing_waits(plumb):
    start(plumb, "shop")
    for day in (3, 4, 5):
        land(plumb, "shop", f"{day}.json", [post(n, day, saves=n % 17) for n in range(30)])
        assert run(plumb, 0)["holds"] == []
    assert states(plumb) == [("added", "", "$.stats.saves", "saves", "accepted")]


def test_required_key_renamed_is_held_not_quarantined(plumb):
    start(plumb, "shop")
    records = [post(n, 3) for n in range(300)]
    for record in records:
        record["post_id"] = record.pop("id")
    land(plumb, "shop", "3.json", records)
    assert run(plumb, 3)["holds"][0]["until"] is None  # or all would be quarantined then
    assert count(plumb) == 800
    assert books(plumb, "SELECT count(*) FROM quarantine") == [(0,)]


def test_what_waits_is_no_sample_of_a_drill(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "views", "view_count") for n in range(400)])
    plumb("run", code=3)
    assert plumb.json("drill", "shop", "--cases", "1")["sources"] == \
        [{"source": "shop", "records": 800, "objects": 2}]


def test_who_replays_under_a_pinned_mapping_is_told(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "views", "view_count") for n in range(400)])
    plumb("run", code=3)
    plumb("drift", "approve", "1")
    plumb("rollback", "posts", "--to", "previous")
    told = ("sources/shop.yml is not used: version 1 is pinned, so rows of shop are as that makes "
            "them\n  plumb mapping shop --table posts --use file takes the file again\n")
    assert told in plumb("replay", "posts", "--withdrawn", "--dry-run").stdout
    plumb("mapping", "shop", "--use", "file")
    assert "pinned" not in plumb("replay", "posts", "--withdrawn").stdout
    assert count(plumb) == 1200 and count(plumb, "views IS NULL") == 0


def gap(plumb):
    """300 posts without likes, which wait."""
    start(plumb, "shop")
    without = [post(n, 3) for n in range(300)]
    for one in without:
        one["stats"].pop("likes")
    land(plumb, "shop", "3.json", without)
    run(plumb, 3)


def test_a_gap_waits_also_when_the_key_is_back(plumb):
    """Rows that have no value are not published because the next ones have: not before those of the
    gap are few, or the time is over, or somebody says so. It is one finding all the while."""
    gap(plumb)
    land(plumb, "shop", "4.json", [post(n, 4) for n in range(300)])
    said = run(plumb, 3)
    assert [h["why"] for h in said["holds"]] == [
        "column 'likes' is NULL in 300 of 600 rows, and was filled in 800 of 800 before"]
    assert states(plumb) == [("removed", "$.stats.likes", "", "likes", "held")]
    assert count(plumb) == 800 and count(plumb, "likes IS NULL") == 0
    land(plumb, "shop", "5.json", [post(n, 5) for n in range(6000)])
    assert run(plumb, 0)["holds"] == []
    assert states(plumb) == [("removed", "$.stats.likes", "", "likes", "resolved")]
    assert count(plumb) == 7400 and count(plumb, "likes IS NULL") == 300


def test_a_gap_waits_also_when_the_key_goes_on_under_another_name(plumb):
    gap(plumb)
    land(plumb, "shop", "4.json", [renamed(n, 4, "likes", "like_count") for n in range(300)])
    run(plumb, 3)
    assert states(plumb) == [
        ("removed", "$.stats.likes", "", "likes", "held"),
        ("renamed", "$.stats.likes", "$.stats.like_count", "likes", "provisional")]
    assert count(plumb) == 800 and count(plumb, "likes IS NULL") == 0
    # A person lets the gap through: what came under the new name is filled.
    removed = books(plumb, "SELECT id FROM findings WHERE class = 'removed'")[0][0]
    plumb("drift", "approve", removed)
    assert run(plumb, 0)["holds"] == []
    assert count(plumb) == 1400 and count(plumb, "likes IS NULL") == 300


def test_a_name_of_long_ago_does_not_explain_values_of_another_kind(plumb):
    """The first name is gone for good, the second one's values cannot be read: that is one finding,
    and whoever agrees that the first is gone lets nothing through."""
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "hearts") for n in range(400)])
    run(plumb, 0)
    other = [renamed(n, 4, "likes", "hearts") for n in range(400)]
    for one in other:
        one["stats"]["hearts"] = f"about {one['stats']['hearts']}"
    land(plumb, "shop", "4.json", other)
    run(plumb, 3)
    assert [(s[0], s[1], s[4]) for s in states(plumb)] == [
        ("renamed", "$.stats.likes", "provisional"), ("retyped", "$.stats.hearts", "held")]


def test_another_word_in_some_records_waits(plumb):
    """Metrics in an array, found by name: half of the servers say another name."""
    contract = ("table: posts\ncolumns:\n  id: {type: string, required: true}\n"
                "  likes: long\nkey: [id]\n")
    mapping = "source: shop\ninto: posts\nmap:\n  id: id\n  likes: data[name=\"likes\"].value\n"

    def insights(n, day, name="likes"):
        return {"id": f"p{n}", "data": [{"name": name, "value": n * 31 + day},
                                        {"name": "saves", "value": n + day}]}

    project(plumb, {"posts": contract}, {"shop": mapping})
    for day in (1, 2, 3):
        land(plumb, "shop", f"{day}.json", [insights(n, day) for n in range(300)])
        run(plumb, 0)
    land(plumb, "shop", "4.json",
         [insights(n, 4, "hearts" if n % 2 else "likes") for n in range(300)])
    assert [h["why"] for h in run(plumb, 3)["holds"]] == [
        "column 'likes' is NULL in 150 of 300 rows, and was filled in 900 of 900 before; "
        "$.data[*].name says \"hearts\", which it never did"]
    assert states(plumb) == [("removed", "$.data[*].value", "", "likes", "held")]
    file = plumb.dir / "sources/shop.yml"
    file.write_text(file.read_text() + "         | data[name=\"hearts\"].value\n")
    assert run(plumb, 0)["holds"] == []
    assert count(plumb) == 1200 and count(plumb, "likes IS NULL") == 0
