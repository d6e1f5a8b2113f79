# SPDX-License-Identifier: Apache-2.0
"""What was decided about drift, and a rollback behind the decision: it is reverted, and holds again
with what came of it."""
import getpass
import sqlite3

from held import land, post, renamed, start
from lake import books, lose, read


def state(plumb):
    return books(plumb, "SELECT state FROM findings WHERE id = 1")[0][0]


def changed(plumb, name, old, new):
    number = int(name.split(".")[0])
    land(plumb, "shop", name, [renamed(n, number, old, new) for n in range(400)])


def decided(plumb):
    """views is renamed, a person approved, all is published."""
    start(plumb, "shop")
    changed(plumb, "3.json", "views", "view_count")
    plumb("run", code=3)
    plumb("drift", "approve", 1)
    assert state(plumb) == "accepted" and filled(plumb, "views") == (1200, 1200)


def filled(plumb, column):
    """Of how many rows, how many."""
    values = read(plumb, "posts", column)[column]
    return len(values) - values.null_count, len(values)


def test_what_was_accepted_is_reverted_and_waits_again(plumb):
    decided(plumb)
    dry = plumb.json("rollback", "posts", "--to", "previous", "--dry-run")
    assert dry["findings"] == [{"id": 1, "source": "shop", "from": "accepted", "to": "reverted"}]
    assert state(plumb) == "accepted"
    said = plumb("rollback", "posts", "--to", "previous").stdout
    assert "\nfinding 1 (shop, renamed) is reverted, it was accepted\n" in said
    assert state(plumb) == "reverted" and filled(plumb, "views") == (800, 800)
    event = plumb.json("drift", "events")[0]
    assert (event["from"], event["to"], event["who"]) == (
        "accepted", "reverted", getpass.getuser())
    assert event["note"].startswith("table posts went to snapshot ")
    assert "The table was rolled back behind it; should it show again, it waits again." in (
        " ".join(plumb("drift", "show", 1).stdout.split()))
    changed(plumb, "4.json", "views", "view_count")
    plumb("run", code=3)  # by the mapping of then
    assert state(plumb) == "held" and filled(plumb, "views") == (800, 800)
    plumb("mapping", "shop", "--use", "file")
    plumb("run", code=3)  # the first object is still withdrawn
    assert filled(plumb, "views") == (1200, 1200)
    plumb("replay", "posts", "--withdrawn")
    assert filled(plumb, "views") == (1600, 1600) and plumb.json("verify")["sound"]


def test_going_forward_and_the_file_give_decisions_back(plumb):
    decided(plumb)
    plumb("rollback", "posts", "--to", "previous")
    done = plumb.json("rollback", "posts", "--to", "before-rollback-1")
    assert done["findings"] == [{"id": 1, "source": "shop", "from": "reverted", "to": "accepted"}]
    assert state(plumb) == "accepted"
    plumb("rollback", "posts", "--to", "previous")
    lose(plumb)
    plumb("rebuild")
    assert state(plumb) == "reverted"
    plumb("mapping", "shop", "--use", "file")
    assert state(plumb) == "accepted"
    assert plumb.json("drift", "events")[0]["note"] == "the mapping file is used again"
    plumb("mapping", "shop", "--use", "file")  # nothing more comes back
    assert [e["to"] for e in plumb.json("drift", "events")][:4] == [
        "accepted", "reverted", "accepted", "reverted"]


def test_what_a_rule_did_is_reverted_too(plumb):
    start(plumb, "shop")
    changed(plumb, "3.json", "likes", "like_count")
    plumb("run")
    assert state(plumb) == "provisional" and filled(plumb, "likes") == (1200, 1200)
    plumb("rollback", "posts", "--to", "previous")
    assert state(plumb) == "reverted"
    plumb("rollback", "posts", "--to", "before-rollback-1")
    assert state(plumb) == "provisional" and filled(plumb, "likes") == (1200, 1200)
    plumb("drift", "approve", 1)
    assert state(plumb) == "accepted"


def test_a_column_beside_another_goes_and_comes(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json",  # numbers that prove nothing
         [post(n, 3, shares=f"{n % 90 + 1}.{n % 9}K") for n in range(400)])
    plumb("run", code=3)
    plumb("drift", "approve", 1)
    assert state(plumb) == "parallel" and filled(plumb, "shares__next")[0]
    plumb("rollback", "posts", "--to", "previous")
    assert state(plumb) == "reverted"
    assert "shares__next" not in read(plumb, "posts").column_names
    plumb("rollback", "posts", "--to", "before-rollback-1")
    assert state(plumb) == "parallel" and filled(plumb, "shares__next")[0]
    assert plumb.json("verify")["sound"]


def test_what_was_decided_before_the_snapshot_stays(plumb):
    decided(plumb)
    changed(plumb, "4.json", "views", "view_count")
    plumb("run")
    assert plumb.json("rollback", "posts", "--to", "previous")["findings"] == []
    assert state(plumb) == "accepted"


def test_what_a_person_took_back_stays_so(plumb):
    start(plumb, "shop")
    changed(plumb, "3.json", "likes", "like_count")
    plumb("run")
    plumb("drift", "reject", 1)
    assert state(plumb) == "reverted"
    plumb("rollback", "posts", "--to", "previous")
    assert state(plumb) == "reverted"


def test_what_waited_by_an_older_version_is_a_rules_again(plumb):
    """The file never said it, so nobody accepted it."""
    start(plumb, "shop")
    changed(plumb, "3.json", "likes", "like_count")
    plumb("run")
    plumb("rollback", "posts", "--to", "previous")
    changed(plumb, "4.json", "likes", "like_count")
    plumb("run", code=3)
    assert state(plumb) == "held"
    plumb("mapping", "shop", "--use", "file")
    plumb("run", code=3)  # the first object is still withdrawn
    assert state(plumb) == "provisional" and filled(plumb, "likes") == (1200, 1200)
    plumb("replay", "posts", "--withdrawn")
    plumb("drift", "reject", 1)
    assert state(plumb) == "reverted" and filled(plumb, "likes") == (800, 1600)


def test_what_waited_for_a_pin_is_over_with_it(plumb):
    start(plumb, "shop")
    changed(plumb, "3.json", "likes", "like_count")
    plumb("run")
    plumb("mapping", "shop", "--use", 1)
    changed(plumb, "4.json", "likes", "like_count")
    plumb("run", code=3)
    plumb("mapping", "shop", "--use", "file")
    plumb("run")
    assert books(plumb, "SELECT id, state FROM findings ORDER BY id") == [
        (1, "provisional"), (2, "resolved")]


def test_what_a_person_wrote_is_accepted_beside_a_rule(plumb):
    start(plumb, "shop")
    changed(plumb, "3.json", "likes", "like_count")
    plumb("run")
    land(plumb, "shop", "4.json", [
        {**r, "stats": {"view_count" if k == "views" else k: v for k, v in r["stats"].items()}}
        for r in (renamed(n, 4, "likes", "like_count") for n in range(400))])
    plumb("run", code=3)
    source = plumb.dir / "sources/shop.yml"
    source.write_text(source.read_text().replace(
        "stats.views", "stats.view_count | stats.views"))
    plumb("run")
    assert sorted(books(plumb, "SELECT id, state FROM findings")) == [
        (1, "provisional"), (2, "accepted")]
    assert filled(plumb, "views") == filled(plumb, "likes") == (1600, 1600)


def test_a_rule_that_is_used_again_has_its_finding_again(plumb):
    """By the pinned version it was gone already, and something else waited."""
    start(plumb, "shop")
    changed(plumb, "3.json", "likes", "like_count")
    plumb("run")
    plumb("rollback", "posts", "--to", "previous")
    changed(plumb, "4.json", "likes", "like_count")
    plumb("run", code=3)
    plumb("replay", "posts", "--withdrawn")  # as the pinned version makes them
    changed(plumb, "5.json", "likes", "like_count")
    plumb("run", code=3)
    assert state(plumb) == "resolved"
    plumb("mapping", "shop", "--use", "file")
    plumb("run")
    assert books(plumb, "SELECT id, state FROM findings ORDER BY id") == [
        (1, "provisional"), (2, "resolved")]
    plumb("drift", "reject", 1)
    assert filled(plumb, "likes") == (800, 2000)


def test_a_rule_that_stays_in_use_keeps_its_finding(plumb):
    """The rows of then were made by it as well: nothing is pinned, and nothing reverted."""
    start(plumb, "shop")
    changed(plumb, "3.json", "likes", "like_count")
    plumb("run")
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:  # it was said once more since
        db.execute("UPDATE findings SET changed_us = changed_us + 60 * 1000000")
    changed(plumb, "4.json", "likes", "like_count")
    plumb("run")
    done = plumb.json("rollback", "posts", "--to", "previous")
    assert (done["mappings"], done["findings"]) == ([], [])
    assert state(plumb) == "provisional"
    plumb("drift", "reject", 1)
    assert state(plumb) == "reverted" and filled(plumb, "likes") == (800, 1200)
