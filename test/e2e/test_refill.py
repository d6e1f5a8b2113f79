# SPDX-License-Identifier: Apache-2.0
"""Rows from before a decision: mapped anew with it, or a check refuses that, or it is too much to
be done unasked. The decision stands either way, and who decided is told what is left to do."""
import json

from held import land, post, renamed, start
from lake import books, read

REASON = ("cannot replay records of source 'shop' in table 'posts': "
          "day is NULL in 100 of 400 rows (25%), allowed are 5%")
LEFT = ("was published before and keeps the rows it has: " + REASON + ". The decision stands; once "
        "that is mended, 'plumb replay posts --finding 1' maps them anew, or as they are with "
        "--accept-checks.")


def no_day(records):
    for record in records[:100]:
        record.pop("day")
    return records


def checked(plumb):
    """From now on, a day is wanted."""
    file = plumb.dir / "contracts/posts.yml"
    file.write_text(file.read_text().replace("critical: [views]", "critical: [views, day]")
                    + "checks: {nulls: {day: 5%}}\n")


def state(plumb):
    return books(plumb, "SELECT state FROM findings WHERE id = 1")[0][0]


def filled(plumb, column):
    values = read(plumb, "posts", column)[column]
    return len(values) - values.null_count


def decide(plumb, word, *more, code):
    done = plumb("drift", word, 1, *more, "--json", code=code)
    assert done.stderr == ""
    return json.loads(done.stdout)["decisions"][0]


def test_an_approval_stands_where_a_check_refuses_its_rows(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json",
         no_day([renamed(n, 3, "views", "view_count") for n in range(400)]))
    plumb("run", code=3)
    plumb("drift", "reject", 1)
    checked(plumb)
    said = decide(plumb, "approve", code=3)
    assert (said["to"], said["refill"]["state"], said["refill"]["refused"]) == (
        "accepted", "refused", REASON)
    assert said["text"].endswith(LEFT) and filled(plumb, "views") == 800
    assert state(plumb) == "accepted"
    again = decide(plumb, "approve", code=3)  # a person tries once more
    assert again["text"].startswith("The files are as it was decided. 1 object with 400 records")
    plumb("replay", "posts", "--finding", 1, "--accept-checks")
    assert filled(plumb, "views") == 1200
    assert "it is accepted since" in plumb("drift", "approve", 1, code=1).stderr


def test_so_does_a_rejection_of_what_a_rule_did(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json",
         no_day([renamed(n, 3, "likes", "like_count") for n in range(400)]))
    plumb("run")
    checked(plumb)
    said = decide(plumb, "reject", code=3)
    assert said["to"] == "reverted" and said["text"].endswith(LEFT)
    assert (state(plumb), filled(plumb, "likes")) == ("reverted", 1200)
    plumb("replay", "posts", "--finding", 1, "--accept-checks")
    assert filled(plumb, "likes") == 800


def parallel(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json",  # numbers that prove nothing
         no_day([post(n, 3, shares=f"{n % 90 + 1}.{n % 9}K") for n in range(400)]))
    plumb("run", code=3)
    plumb("drift", "approve", 1)
    assert state(plumb) == "parallel"


def test_and_a_promotion_until_its_rows_follow(plumb):
    parallel(plumb)
    checked(plumb)
    said = decide(plumb, "promote", "--now", code=3)
    assert said["to"] == "promoted" and said["text"].endswith(LEFT)
    assert (state(plumb), filled(plumb, "shares")) == ("promoted", 800)
    assert ("\nfinding 1 is promoted, but not for all rows from before:\n"
            "  plumb replay posts --finding 1 maps them anew\n") in plumb("drift", "ls").stdout
    shown = " ".join(plumb("drift", "show", 1).stdout.split())
    assert ("What you can do 1 raw object with 400 records was published before, and keeps the "
            "rows it has: 'plumb replay posts --finding 1' maps it anew, and that settles it. "
            "If nobody does anything New rows have the rule's values, and rows from before keep "
            "theirs.") in shown
    plumb("replay", "posts", "--finding", 1, code=1)
    plumb("replay", "posts", "--finding", 1, "--accept-checks")
    assert (state(plumb), filled(plumb, "shares")) == ("accepted", 1200)
    settled = plumb.json("drift", "events")[0]
    assert settled["note"] == "rows since the change have the rule's values"
    assert "No findings are open." in plumb("drift", "ls").stdout


def test_what_is_too_much_to_be_done_unasked_is_settled_by_who_does_it(plumb):
    with open(plumb.dir / "plumb.yaml", "w") as file:
        file.write("lake: ./lake\ndrift: {auto_replay: 1KiB}\n")
    settings = (plumb.dir / "plumb.yaml").read_text()
    parallel(plumb)
    (plumb.dir / "plumb.yaml").write_text(settings)
    said = decide(plumb, "promote", "--now", code=0)
    assert (said["to"], said["refill"]["state"]) == ("promoted", "pending")
    plumb("replay", "posts", "--all", "--mapping", 1)  # not by the rule
    assert state(plumb) == "promoted"
    plumb("replay", "posts", "--all")
    assert (state(plumb), filled(plumb, "shares")) == ("accepted", 1200)


def test_a_run_that_fails_does_not_stop_the_telling(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "views", "view_count") for n in range(400)])
    plumb("run", code=3)
    plumb("drift", "reject", 1)
    file = plumb.dir / "contracts/posts.yml"
    file.write_text(file.read_text().replace("key: [post_id]", "key: [post_id, day]"))
    done = plumb("drift", "approve", 1, code=1)
    assert "cannot change the key of table 'posts'" in done.stderr
    assert done.stderr.endswith("  The decision stands; 'plumb run' goes on with what waited.\n")
    assert "'plumb replay posts --finding 1' maps them anew." in " ".join(done.stdout.split())
    assert state(plumb) == "accepted"
