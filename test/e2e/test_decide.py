# SPDX-License-Identifier: Apache-2.0
"""What a person says of a finding, and what comes of it: approve, reject, class by class. What is
in the table afterwards is what a fresh lake has that was mapped by the files as they are then."""
import fcntl
import getpass
import json
import sqlite3
import subprocess
import time

import pytest

from held import CONTRACT, MAPPING, fresh, land, post, renamed, rows, start
from lake import books, project, read, tree


def decide(plumb, word, *ids, code=0, **how):
    return plumb.json("drift", word, *ids, code=code, **how)


def state(plumb, id=1):
    return books(plumb, f"SELECT state FROM findings WHERE id = {id}")[0][0]


def mapping(plumb, source="shop"):
    return next((plumb.dir / "sources").glob(source + "*"))


def holds_renamed(plumb, old="views", new="view_count"):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, old, new) for n in range(400)])
    plumb("run", code=3)


def test_approved_rename_is_written_and_published(plumb):
    holds_renamed(plumb)
    before = mapping(plumb).read_text()
    said = plumb("drift", "approve", 1, "--why", "their changelog says so").stdout
    assert mapping(plumb).read_text() == before.replace(
        "  views:   stats.views", "  views:   stats.view_count | stats.views")
    assert said == (
        "finding 1 is accepted: shop -> posts.views: renamed, $.stats.views -> "
        "$.stats.view_count\n\n"
        "    --- sources/shop.yml\n    +++ sources/shop.yml\n    @@ -8 +8 @@\n"
        "    -  views:   stats.views\n    +  views:   stats.view_count | stats.views\n\n"
        "  sources/shop.yml is changed; runs read it so from now on. What waited is published: 400 "
        "rows.\n"
        "  Nothing more has to be done.\n")
    table = read(plumb, "posts", "views", "_mapping").to_pylist()
    assert len(table) == 1200 and all(row["views"] for row in table)
    assert {row["_mapping"] for row in table} == {1, 2}
    assert books(plumb, "SELECT overlay FROM mapping_uses") in ([], [("",)])
    assert plumb.json("run")["run"] is None


def test_why_who_and_both_sides_are_kept(plumb):
    holds_renamed(plumb)
    plumb("drift", "approve", 1, "--why", "their changelog says so")
    event = plumb.json("drift", "events")[0]
    assert (event["from"], event["to"], event["note"]) == (
        "held", "accepted", "their changelog says so")
    assert event["who"] == getpass.getuser()
    assert (event["decision"], event["mapping"]) == ("approve", {"before": 1, "after": 2})
    assert "+  views:   stats.view_count | stats.views" in event["diff"]
    # The log has it at once, in an entry of its own.
    entries = [json.loads(p.read_text()) for p in (plumb.dir / "lake/log").glob("*.json")]
    entry, = [e for e in entries if e["runs"][0]["command"] == "approve"]
    assert [e["kind"] for e in entry["events"]][-1] == "drift.accepted"
    assert all(len(p.read_text().splitlines()) == 1
               for p in (plumb.dir / "lake/log").glob("*.json"))
    (plumb.dir / "lake/plumb.db").rename(plumb.dir / "lost.db")
    plumb("rebuild")
    assert plumb.json("drift", "events")[0] == event


def test_medium_rename_is_approved(plumb, tmp_path_factory):
    start(plumb, "shop")
    records = [renamed(n, 3, "shares", "shares_n") for n in range(400)]
    for record in records:
        record["id"] = "q" + record["id"]
    land(plumb, "shop", "3.json", records)
    plumb("run", code=3)
    found, = books(plumb, "SELECT id, class, strength FROM findings WHERE state = 'held'")
    assert found[1:] == ("renamed", "medium")
    decide(plumb, "approve", found[0])
    assert "shares:  stats.shares_n | stats.shares" in mapping(plumb).read_text()
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def provisional(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    plumb("run")
    assert state(plumb) == "provisional"


def test_rows_from_before_a_rule_are_not_told_of(plumb):
    """It reads a path that they do not have, and then as before."""
    provisional(plumb)
    assert plumb.json("run")["mappings"] == []
    for file in (plumb.dir / "lake").glob("plumb.db*"):
        file.unlink()
    plumb("rebuild")
    assert plumb.json("run")["mappings"] == [] and "other versions" not in plumb("run").stdout
    land(plumb, "shop", "4.json", [post(n, 4) for n in range(400)])
    assert plumb.json("run")["mappings"] == []
    edited = mapping(plumb).read_text().replace("stats.shares", "stats.shares | shared")
    mapping(plumb).write_text(edited)
    told, = plumb.json("run")["mappings"]
    assert told["other_rows"] == 1600


def test_approved_rule_changes_no_row(plumb, tmp_path_factory):
    provisional(plumb)
    snapshots = books(plumb, "SELECT count(*) FROM snapshots")
    said = decide(plumb, "approve", 1)
    assert said["decisions"][0]["to"] == "accepted" and said["run"] is None
    assert said["decisions"][0]["text"] == (
        "sources/shop.yml says now what the rule over it said, so no row changes. Nothing more has "
        "to be done.")
    assert "likes:   stats.like_count | stats.likes" in mapping(plumb).read_text()
    assert books(plumb, "SELECT overlay FROM mapping_uses") == [("",)]
    assert books(plumb, "SELECT count(*) FROM snapshots") == snapshots
    land(plumb, "shop", "4.json", [renamed(n, 4, "likes", "like_count") for n in range(400)])
    plumb("run")
    assert books(plumb, "SELECT max(version) FROM mappings") == [(2,)]
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def test_rejected_set_is_published_as_it_is_and_muted(plumb, tmp_path_factory):
    holds_renamed(plumb)
    before = mapping(plumb).read_text()
    said = decide(plumb, "reject", 1, "--why", "another thing")["decisions"][0]
    assert (said["to"], mapping(plumb).read_text()) == ("rejected", before)
    assert "column views is NULL in them, and _rest keeps what no column takes" in said["text"]
    table = read(plumb, "posts", "views", "_rest").to_pylist()
    assert len(table) == 1200
    gone = [row for row in table if row["views"] is None]
    assert len(gone) == 400 and all("view_count" in row["_rest"] for row in gone)
    # The same once more waits for nobody, until it is ten times as much.
    for day in (4, 5):
        land(plumb, "shop", f"{day}.json",
             [renamed(n, day, "views", "view_count") for n in range(400)])
        assert plumb.json("run")["holds"] == []
    assert state(plumb) == "rejected"
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("UPDATE findings SET muted_records = 40")
    land(plumb, "shop", "6.json", [renamed(n, 6, "views", "view_count") for n in range(400)])
    assert plumb.json("run", code=3)["holds"][0]["objects"] == 1
    assert books(plumb, "SELECT id FROM findings WHERE state = 'held'") == [(1,)]  # asked again
    # Somebody has changed their mind: all of it is filled.
    decide(plumb, "approve", 1)
    assert "stats.view_count | stats.views" in mapping(plumb).read_text()
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def test_a_mute_ends_after_its_days(plumb):
    holds_renamed(plumb)
    decide(plumb, "reject", 1)
    until, since = books(plumb, "SELECT muted_until_us, changed_us FROM findings")[0]
    assert until - since == 30 * 24 * 3600 * 10 ** 6
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("UPDATE findings SET muted_until_us = 1")
    land(plumb, "shop", "4.json", [renamed(n, 4, "views", "view_count") for n in range(400)])
    plumb("run", code=3)


def test_rejected_rule_is_taken_back(plumb):
    provisional(plumb)
    said = decide(plumb, "reject", 1)["decisions"][0]
    assert said["to"] == "reverted"
    assert books(plumb, "SELECT overlay FROM mapping_uses") == [("",)]
    # And does not come again by itself.
    land(plumb, "shop", "4.json", [renamed(n, 4, "likes", "like_count") for n in range(400)])
    assert plumb.json("run")["holds"] == []
    assert state(plumb) == "reverted"
    assert books(plumb, "SELECT overlay FROM mapping_uses") == [("",)]
    likes = read(plumb, "posts", "likes", "_object").to_pylist()
    assert sum(row["likes"] is None for row in likes) == 800


def test_values_that_mean_something_else_are_taken_as_they_come(plumb):
    contract = CONTRACT + "  kind:    string\n"
    project(plumb, {"posts": contract}, {"shop": MAPPING.format(source="shop") + "  kind: kind\n"})
    for day in (1, 2):
        land(plumb, "shop", f"{day}.json",
             [dict(post(n, day), kind=("on", "off")[n % 2]) for n in range(400)])
    plumb("run")
    land(plumb, "shop", "3.json",
         [dict(post(n, 3), kind=("public", "private", "hidden")[n % 3]) for n in range(400)])
    plumb("run", code=3)
    (id, class_), = books(plumb, "SELECT id, class FROM findings WHERE state = 'held'")
    assert class_ == "meaning"
    before = mapping(plumb).read_text()
    said = decide(plumb, "approve", id)["decisions"][0]
    assert (said["to"], mapping(plumb).read_text()) == ("accepted", before)
    assert read(plumb, "posts").num_rows == 1200
    land(plumb, "shop", "4.json",
         [dict(post(n, 4), kind=("public", "private", "hidden")[n % 3]) for n in range(400)])
    assert plumb.json("run")["holds"] == []


def test_another_unit_without_a_parser_is_refused_and_can_be_rejected(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 2, shares=(3000 + 11 * n + 2) * 1000)
                                   for n in range(400)])
    plumb("run", code=3)
    refused = plumb("drift", "approve", 1, code=1).stderr
    assert refused == (
        "plumb: cannot approve finding '1': no rule turns the new values into what the old ones "
        "were\n  hint: 'plumb drift show 1' says what you can do by hand; 'plumb drift reject 1' "
        "publishes rows as they come.\n")
    assert state(plumb) == "held"
    decide(plumb, "reject", 1)
    assert read(plumb, "posts").num_rows == 1200


def shown(n, way):
    """A count as platforms show it to people; each is exact."""
    n = 3003 + 11 * n
    if way == "compact":
        return f"{n / 1000}K" if n % 3 else f"{n:,}"
    if way == "grouped":
        return f"{n:,}"
    return f"{n:,}".replace(",", ".") + ",0"


@pytest.mark.parametrize("way, parser", [
    ("compact", "compact"), ("grouped", "number"), ("german", 'number("1.234,5")')])
def test_a_parser_for_new_values_is_put_in_front(plumb, tmp_path_factory, way, parser):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 3, shares=shown(n, way)) for n in range(400)])
    plumb("run", code=3)
    (id, class_), = books(plumb, "SELECT id, class FROM findings WHERE state = 'held'")
    assert class_ == "retyped"
    decide(plumb, "approve", id)
    assert f"stats.shares parse({parser}) | stats.shares" in mapping(plumb).read_text()
    assert read(plumb, "posts", "shares")["shares"].to_pylist().count(3003 + 11 * 7) == 1
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def test_a_parser_that_somebody_wrote_meanwhile_is_agreed_to(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 3, shares=shown(n, "compact")) for n in range(400)])
    plumb("run", code=3)
    text = mapping(plumb).read_text().replace(
        "stats.shares\n", "stats.shares parse(compact) | stats.shares\n")
    assert "compact" in text
    mapping(plumb).write_text(text)
    said = decide(plumb, "approve", 1)["decisions"][0]
    assert (said["to"], said["mapping"], mapping(plumb).read_text()) == ("accepted", None, text)
    assert read(plumb, "posts").num_rows == 1200 and plumb.json("run")["holds"] == []


@pytest.mark.parametrize("text", ["1.2345K", "12 apples", "1,23", "K", "1.2KK", "-", "1,2,3", ""])
def test_no_parser_is_proposed_where_a_value_would_not_be_exact(plumb, text):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 3, shares=text or " " * n) for n in range(400)])
    plumb("run", code=3)
    id = books(plumb, "SELECT id FROM findings WHERE state = 'held'")[0][0]
    said = plumb("drift", "approve", id, code=1).stderr
    assert "no parser is known that reads the new values" in said


def removed(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 3, shares=None) for n in range(400)])
    plumb("run", code=3)


def test_column_that_is_gone_is_deprecated_then_retired(plumb, tmp_path_factory):
    removed(plumb)
    said = decide(plumb, "approve", 1)["decisions"][0]
    assert said["to"] == "deprecated" and said["mapping"] is None
    assert read(plumb, "posts").num_rows == 1200
    since, = books(plumb, "SELECT changed_us FROM findings")[0]
    assert said["retire_from"] is not None
    listed = plumb("drift", "ls").stdout
    assert "deprecated" in listed
    early = plumb("drift", "approve", 1, code=1).stderr
    assert "finding '1': column 'shares' is deprecated, and goes not before " in early
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("UPDATE findings SET changed_us = changed_us - 31 * 24 * 3600 * 1000000")
    declared = (plumb.dir / "contracts/posts.yml").read_text()
    assert decide(plumb, "approve", 1)["decisions"][0]["to"] == "retired"
    contract = (plumb.dir / "contracts/posts.yml").read_text()
    assert "shares" not in mapping(plumb).read_text() and "shares" not in contract
    plumb("compact", "posts")
    land(plumb, "shop", "4.json", [post(n, 4, shares=None) for n in range(400)])
    assert plumb.json("run")["holds"] == []
    assert read(plumb, "posts", "shares").num_rows == 1600  # the table has it still
    assert plumb("drift", "approve", 1, code=1).stderr.startswith(
        "plumb: cannot approve finding '1': it is retired since ")
    plumb("rollback", "posts", "--to", "previous")  # decided by then, mapped before
    (plumb.dir / "contracts/posts.yml").write_text(declared)
    land(plumb, "shop", "5.json", [post(n, 5, shares=None) for n in range(400)])
    assert plumb.json("run", code=3)["holds"] == []  # it is known to be gone
    assert read(plumb, "posts", "shares").num_rows == 1600


@pytest.mark.parametrize("word", ["approve", "reject"])
def test_object_that_is_gone_with_all_its_columns_is_one_decision(plumb, word):
    start(plumb, "shop")
    bare = [[{k: v for k, v in post(n, day).items() if k != "stats"} for n in range(400)]
            for day in (3, 4)]
    land(plumb, "shop", "3.json", bare[0])
    plumb("run", code=3)
    told = plumb.json("drift", "show", 1)["text"]["changed"]
    assert "Columns likes, shares, views and rate read $.stats; without it, they are NULL" in told
    said = " ".join(plumb("drift", word, 1).stdout.split())
    assert "olumns likes, shares, views and rate are NULL in " in said
    assert "What waited is published: 400 rows." in said
    land(plumb, "shop", "4.json", bare[1])
    assert plumb.json("run")["holds"] == []
    assert read(plumb, "posts").num_rows == 1600
    assert "finding 1, shop.likes removed" in plumb("history", "posts").stdout
    # The object is back, but not all of it: what else is missing now was not what was decided.
    land(plumb, "shop", "5.json", [post(n, 5, shares=None, likes=None) for n in range(400)])
    held, = plumb.json("run", code=3)["holds"]
    assert held["why"].startswith("column 'shares' is NULL in 400 of 400 rows")


def test_object_that_is_gone_is_retired_with_all_its_columns(plumb):
    """But for one that has values from elsewhere."""
    start(plumb, "shop")
    file, contract = mapping(plumb), plumb.dir / "contracts/posts.yml"
    file.write_text(file.read_text().replace("stats.views", "stats.views | seen"))
    for day in (3, 4):
        land(plumb, "shop", f"{day}.json",
             [{k: v for k, v in post(n, day).items() if k != "stats"} for n in range(400)])
        plumb("run", code=3 if day == 3 else 0)
        if day == 3:
            said = " ".join(plumb("drift", "approve", 1).stdout.split())
            assert "takes the rules of columns likes, shares and rate out." in said
    assert "takes the rules of likes, shares and rate out of sources/shop.yml; the table keeps " \
        "the columns." in plumb.json("drift", "show", 1)["text"]["todo"]
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("UPDATE findings SET changed_us = changed_us - 31 * 24 * 3600 * 1000000")
    said = " ".join(plumb("drift", "approve", 1).stdout.split())
    assert ("Columns likes, shares and rate have no rule any more. The table keeps them and their "
            "values; should $.stats come back, that is a new finding.") in said
    left = file.read_text() + contract.read_text()
    assert not any(name in left for name in ("likes", "shares", "rate:"))
    assert "views:   stats.views | seen" in left and "stats" not in left.replace("stats.views", "")
    assert plumb.json("run")["holds"] == [] and read(plumb, "posts", "likes").num_rows == 1600


def test_column_that_has_another_term_is_not_called_null(plumb):
    start(plumb, "shop")
    file = mapping(plumb)
    file.write_text(file.read_text().replace("stats.shares", "stats.shares | stats.likes"))
    land(plumb, "shop", "3.json", [post(n, 3, shares=None, reshared=n) for n in range(400)])
    plumb("run", code=3)
    id, = books(plumb, "SELECT id FROM findings WHERE state = 'held'")[0]
    text = plumb.json("drift", "show", id)["text"]
    assert "without it, it is left to its other terms in new rows." in text["changed"]
    assert "is NULL" not in text["changed"] + text["todo"] + text["later"]


def test_retiring_keeps_the_values_of_rows_from_before(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(n, 3, shares=None) for n in range(10)])
    plumb("run", code=3)
    land(plumb, "shop", "4.json", [post(n, 4) for n in range(400)])
    plumb("run")  # it was nothing; but the finding has been there since then
    land(plumb, "shop", "5.json", [post(n, 5, shares=None) for n in range(400)])
    plumb("run", code=3)
    decide(plumb, "approve", 1)
    columns = "post_id", "day", "shares"  # the last one goes behind those of the contract
    before = read(plumb, "posts", *columns).to_pylist()
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("UPDATE findings SET changed_us = 1")
    assert decide(plumb, "approve", 1)["decisions"][0]["to"] == "retired"
    assert sorted(map(str, read(plumb, "posts").select(columns).to_pylist())) == sorted(
        map(str, before))


def test_renamed_twice(plumb, tmp_path_factory):
    """So large that a poll's growth does not tell one old name from the other: time does."""
    holds_renamed(plumb)
    decide(plumb, "approve", 1)
    land(plumb, "shop", "4.json", [renamed(n, 4, "views", "view_total") for n in range(400)])
    plumb("run", code=3)
    held, = books(plumb, "SELECT id, class, before, after FROM findings WHERE state = 'held'")
    assert held[1:] == ("renamed", "$.stats.view_count", "$.stats.view_total")
    decide(plumb, "approve", held[0])
    assert "stats.view_total | stats.view_count | stats.views" in mapping(plumb).read_text()
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def test_new_key_becomes_a_column(plumb, tmp_path_factory):
    start(plumb, "shop")
    with open(plumb.dir / "plumb.yaml", "a") as file:
        file.write("drift: {added: hold}\n")
    for day in (3, 4, 5):
        land(plumb, "shop", f"{day}.json", [post(n, day, saves=n % 17) for n in range(30)])
        plumb("run")
    said = decide(plumb, "approve", 1)["decisions"][0]
    assert (said["mapping"], said["contract"]) == ("sources/shop.yml", "contracts/posts.yml")
    assert (plumb.dir / "contracts/posts.yml").read_text() == CONTRACT + "  saves:   long\n"
    land(plumb, "shop", "6.json", [post(n, 6, saves=n % 17) for n in range(30)])
    assert plumb.json("run")["holds"] == []
    saves = read(plumb, "posts", "saves")["saves"].to_pylist()
    assert sum(s is not None for s in saves) == 120
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def test_much_raw_is_replayed_only_when_asked(plumb, tmp_path_factory):
    provisional(plumb)
    with open(plumb.dir / "plumb.yaml", "a") as file:
        file.write("drift: {auto_replay: 1k}\n")
    said = decide(plumb, "reject", 1)["decisions"][0]
    assert said["refill"]["state"] == "pending" and said["refill"]["objects"] == 1
    assert "'plumb replay posts --finding 1' maps them anew" in said["text"]
    assert sum(v is None for v in read(plumb, "posts")["likes"].to_pylist()) == 0
    # Said once more it does what is left, or the command it named.
    (plumb.dir / "plumb.yaml").write_text((plumb.dir / "plumb.yaml").read_text()
                                          .replace("1k", "1GiB"))
    said = decide(plumb, "reject", 1)["decisions"][0]
    assert (said["again"], said["refill"]["state"], said["refill"]["rows"]) == (True, "done", 400)
    assert sum(v is None for v in read(plumb, "posts")["likes"].to_pylist()) == 400
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


# ---- what stands in the way ----------------------------------------------------------------------

def test_dry_run_changes_nothing(plumb):
    holds_renamed(plumb)
    before = tree(plumb.dir)
    said = plumb("drift", "approve", 1, "--dry-run").stdout
    assert "finding 1 would be accepted: " in said and "+  views:   stats.view_count" in said
    assert said.endswith("Nothing was changed: this was only a look.\n")
    assert tree(plumb.dir) == before and state(plumb) == "held"


def test_what_is_decided_is_not_decided_again(plumb):
    holds_renamed(plumb)
    decide(plumb, "approve", 1)
    for word in ("approve", "reject"):
        assert plumb("drift", word, 1, code=1).stderr.startswith(
            f"plumb: cannot {word} finding '1': it is accepted since ")
    assert plumb("drift", "approve", 9, code=1).stderr.startswith(
        "plumb: cannot find finding '9': no such id\n")
    assert plumb("drift", "approve", code=2).stderr.startswith(
        "plumb drift: approve needs the ID of a finding\n")


def test_a_file_that_may_not_be_written_is_left_alone(plumb):
    holds_renamed(plumb)
    file = mapping(plumb)
    file.chmod(0o444)
    before = file.read_text()
    assert plumb("drift", "approve", 1, code=1).stderr.startswith(
        "plumb: cannot approve finding '1': sources/shop.yml may not be written\n")
    assert (file.read_text(), state(plumb)) == (before, "held")
    file.chmod(0o640)
    decide(plumb, "approve", 1)
    assert file.stat().st_mode & 0o777 == 0o640


def test_links_stay_links(plumb):
    holds_renamed(plumb)
    file = mapping(plumb)
    (plumb.dir / "elsewhere").mkdir()
    file.rename(plumb.dir / "elsewhere/shop.yml")
    file.symlink_to("../elsewhere/shop.yml")
    decide(plumb, "approve", 1)
    assert file.is_symlink() and "stats.view_count" in file.read_text()


def test_a_pinned_version_is_let_go_of_first(plumb):
    holds_renamed(plumb)
    plumb("mapping", "shop", "--use", 1)
    assert plumb("drift", "approve", 1, code=1).stderr == (
        "plumb: cannot approve finding '1': version 1 of sources/shop.yml is pinned, so runs do "
        "not use the file\n"
        "  hint: Let go of it first: plumb mapping shop --table posts --use file\n")


def test_two_findings_of_one_column_are_both_written(plumb, tmp_path_factory):
    provisional(plumb)
    land(plumb, "shop", "4.json",
         [post(n, 4, likes=None, like_count=f"{(104 + 7 * n) / 1000}K") for n in range(400)])
    plumb("run", code=3)
    ids = [id for id, in books(plumb, "SELECT id FROM findings WHERE class IN"
                                 " ('renamed', 'retyped') ORDER BY 1")]
    assert len(ids) == 2
    decide(plumb, "approve", *ids)
    rule = next(line for line in mapping(plumb).read_text().splitlines() if "likes:" in line)
    assert rule.split(":")[1].split(" | ") == [
        "   stats.like_count parse(compact)", "stats.like_count", "stats.likes"]
    assert books(plumb, "SELECT overlay FROM mapping_uses") == [("",)]
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))


def test_another_run_is_waited_for(plumb):
    holds_renamed(plumb)
    with open(plumb.dir / "lake/.plumb/run.lock", "a") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        refused = plumb("drift", "approve", 1, "--wait", "1s", code=1).stderr
    assert "run lock" in refused and state(plumb) == "held"


def test_a_file_edited_meanwhile_is_left_alone(plumb):
    """The change was made of what the file said before: then it is refused."""
    holds_renamed(plumb)
    with open(plumb.dir / "lake/.plumb/run.lock", "a") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen([plumb.exe, "drift", "approve", "1"], cwd=plumb.dir, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(2)  # it has read the files, and waits
        with open(mapping(plumb), "a") as file:
            file.write("# somebody was here\n")
    said = waiting.communicate(timeout=60)
    assert waiting.returncode == 1 and said[1] == (
        "plumb: cannot approve finding '1': sources/shop.yml was edited meanwhile\n"
        "  hint: Decide once more: the change is then made of what the file says now.\n")
    assert state(plumb) == "held"
    decide(plumb, "approve", 1)
    assert mapping(plumb).read_text() == MAPPING.format(source="shop").replace(
        "stats.views", "stats.view_count | stats.views") + "# somebody was here\n"


def test_approved_medium_and_critical_rows_are_those_of_a_fresh_lake(plumb, tmp_path_factory):
    """A platform renames a critical metric and a plain one in one release: the plain one heals by
    itself, the critical one waits for a word, and then nothing of either is NULL."""
    start(plumb, "shop")
    for day in (3, 4):
        records = [renamed(n, day, "views", "view_count") for n in range(400)]
        for record in records:
            record["stats"]["like_count"] = record["stats"].pop("likes")
        land(plumb, "shop", f"{day}.json", records)
        plumb("run", code=3)
    states = dict(books(plumb, "SELECT col, state FROM findings"))
    assert states == {"views": "held", "likes": "provisional"}
    decide(plumb, "approve", *(id for id, in books(plumb, "SELECT id FROM findings")))
    assert rows(plumb) == fresh(plumb, tmp_path_factory.mktemp("fresh"))
    found = read(plumb, "posts", "likes", "views").to_pylist()
    assert len(found) == 1600 and all(row["likes"] and row["views"] for row in found)


def test_what_is_not_possible_is_said(plumb):
    start(plumb, "shop")
    records = [post(n, 3) for n in range(300)]
    for record in records:
        del record["id"]
    land(plumb, "shop", "3.json", records)
    plumb("run", code=3)
    id, = books(plumb, "SELECT id FROM findings WHERE col = 'post_id'")[0]
    assert plumb("drift", "approve", id, code=1).stderr == (
        f"plumb: cannot approve finding '{id}': column 'post_id' is required, so no record without "
        "it is a row\n  hint: Take the '!' off it in contracts/posts.yml, and its rule out of "
        "sources/shop.yml.\n")
    assert state(plumb, id) == "held"


def test_what_a_person_wrote_is_not_under_the_rule_any_more(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    plumb("run")
    file = mapping(plumb)
    file.write_text(file.read_text().replace(
        "stats.likes", "stats.like_count | stats.thumbs | stats.likes"))
    said = decide(plumb, "approve", 1)["decisions"][0]
    assert (said["to"], said["mapping"]) == ("accepted", None)
    land(plumb, "shop", "4.json", [renamed(n, 4, "likes", "thumbs") for n in range(400)])
    plumb("run")
    assert read(plumb, "posts", "likes")["likes"].null_count == 0
    assert books(plumb, "SELECT overlay FROM mapping_uses") == [("",)]


def test_what_was_accepted_and_taken_out_again_is_a_rules(plumb):
    start(plumb, "shop")
    file = mapping(plumb)
    before = file.read_text()
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(120)])
    plumb("run")
    decide(plumb, "approve", 1)
    file.write_text(before)
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:  # what is usual knows no like_count
        db.execute("DELETE FROM shapes WHERE version > 1")
    land(plumb, "shop", "4.json", [renamed(n, 4, "likes", "like_count") for n in range(400)])
    plumb("run")
    assert books(plumb, "SELECT overlay FROM mapping_uses") == [
        ("likes: stats.like_count | stats.likes\n",)]
    assert books(plumb, "SELECT state FROM findings") == [("provisional",)]
    assert decide(plumb, "reject", 1)["decisions"][0]["to"] == "reverted"


@pytest.mark.parametrize("column, code", [("views", 3), ("likes", 0)])
def test_a_rename_that_is_none_is_one_notice(plumb, column, code):
    """Held or done by a rule; the old key is gone either way, and who said no knows that."""
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, column, "other") for n in range(400)])
    plumb("run", code=code)
    decide(plumb, "reject", 1)
    for day in (4, 5, 6):
        land(plumb, "shop", f"{day}.json", [renamed(n, day, column, "other") for n in range(400)])
        plumb("run")
    assert "No findings are open." in plumb("drift", "ls").stdout
    assert books(plumb, "SELECT id, class, state FROM findings ORDER BY id")[1:] == [
        (2, "removed", "seen")]
    assert decide(plumb, "approve", 2)["decisions"][0]["to"] == "deprecated"
