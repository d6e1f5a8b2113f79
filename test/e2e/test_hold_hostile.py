# SPDX-License-Identifier: Apache-2.0
"""What waits, while the world goes on: plans made before and after, raw that is gone, two tables of
one source, pinned mappings, a lost registry, runs that do not look."""
import gzip
import shutil

from held import CONTRACT, MAPPING, land, post, renamed, start
from lake import books, found, listed, lose, project, read, tree


def count(plumb, table="posts"):
    now = read(plumb, table, "_object", "_record")
    places = set(zip(now["_object"].to_pylist(), now["_record"].to_pylist()))
    assert len(places) == len(now)
    return len(now)


def states(plumb, source="shop"):
    return dict(books(plumb, "SELECT state, count(*) FROM states s JOIN objects o ON o.id = object"
                             f" WHERE source = '{source}' GROUP BY 1"))


def found_of(plumb):
    return books(plumb, "SELECT class, col, state, records FROM findings ORDER BY id")


def worked(plumb, *words):
    """A plan whose work is done."""
    plan = plumb.json("plan", *words)
    for task in plan["tasks"]:
        plumb("work", plan["run"], task["task"])
    return plan["run"]


def sound(plumb):
    assert listed(plumb, "posts") == found(plumb, "tables/posts/data/**/*.parquet")
    assert found(plumb, ".plumb/runs/**/*") == []
    assert plumb.json("verify")["sound"]


def edit(plumb, source="shop"):
    """Somebody reads both keys."""
    file = plumb.dir / "sources" / f"{source}.yml"
    file.write_text(file.read_text().replace("stats.views", "stats.view_count | stats.views"))


def views(plumb, name, day, source="shop", number=200):
    land(plumb, source, name, [renamed(n, day, "views", "view_count") for n in range(number)])


# ---- plan, work, commit ------------------------------------------------------------------------
def test_commit_of_a_suspect_source_publishes_nothing_of_its_plan(plumb):
    start(plumb, "shop", "mall")
    views(plumb, "3.json", 3)
    land(plumb, "mall", "m3.json", [post(n, 3) for n in range(200)])
    said = plumb("commit", worked(plumb), code=3).stdout
    assert said.startswith("nothing was published\nheld: 1 object of shop waits before posts, ")
    assert said.endswith("this plan is over: plumb plan makes a new one of all that may go on\n")
    assert count(plumb) == 1600 and states(plumb) == {"published": 2, "staged": 1}
    sound(plumb)
    again = plumb.json("commit", worked(plumb), code=3)
    assert again["state"] == "published" and not again["again"]
    assert count(plumb) == 1800
    assert plumb.json("plan")["run"] is None


def test_commit_of_what_a_rule_resolves_wants_a_new_plan(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    said = plumb.json("commit", worked(plumb), code=3)
    assert said["again"] and [hold["released"] for hold in said["holds"]] == [True]
    assert plumb.json("commit", worked(plumb))["holds"] == []
    assert count(plumb) == 1200 and states(plumb) == {"published": 3}


def test_joining_by_commit(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    plumb("run", code=3)
    views(plumb, "4.json", 4)
    said = plumb.json("commit", worked(plumb), code=3)
    assert not said["again"] and said["holds"][0]["objects"] == 2
    edit(plumb)
    plumb("commit", worked(plumb))
    assert count(plumb) == 1200
    sound(plumb)


def test_plan_from_before_a_hold_is_stale(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    run = worked(plumb)
    other = worked(plumb)
    plumb("run", code=3)
    for stale in run, other:
        assert "its plan is stale, source 'shop' waits before table 'posts'\n" in plumb(
            "commit", stale, code=1).stderr
    assert count(plumb) == 800 and states(plumb) == {"published": 2, "staged": 1}
    plumb("run", code=3)
    sound(plumb)


def test_two_plans_of_one_suspect_object(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    first, second = worked(plumb), worked(plumb)
    plumb("commit", first, code=3)
    assert plumb("commit", second, code=1).stderr == (
        f"plumb: cannot publish run '{second}': its plan is stale, source 'shop' waits before"
        " table 'posts'\n"
        "  hint: Make a new plan with 'plumb plan'; nothing of this one was published.\n")
    assert states(plumb) == {"published": 2, "staged": 1}
    assert [row[2:] for row in found_of(plumb)] == [("held", 200)]
    plumb("run", code=3)
    sound(plumb)


def test_plan_of_joining_objects_is_stale_once_they_may_go(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    plumb("run", code=3)
    views(plumb, "4.json", 4)
    joining = worked(plumb)
    edit(plumb)
    going = worked(plumb)  # knows of the edit
    assert plumb("commit", joining, code=1).stderr == (
        f"plumb: cannot publish run '{joining}': its plan is stale, source 'shop' does not wait"
        " any more before table 'posts'\n"
        "  hint: Make a new plan with 'plumb plan'; nothing of this one was published.\n")
    plumb("commit", going)
    assert count(plumb) == 1200 and states(plumb) == {"published": 4}
    assert [row[2] for row in found_of(plumb)] == ["accepted"]
    sound(plumb)


def test_suspect_plan_after_its_mapping_was_edited(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    run = worked(plumb)
    edit(plumb)
    plumb("commit", run, code=3)  # judged by what it was planned with
    plumb("run")
    assert count(plumb) == 1000
    sound(plumb)


def test_accepted_finding_mutes_nothing(plumb):
    """Renamed, read under both names, and renamed once more: that waits, too."""
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    plumb("run", code=3)
    edit(plumb)
    plumb("run")
    for day in 4, 5:
        land(plumb, "shop", f"{day}.json",
             [renamed(n, day, "views", "views_total") for n in range(200)])
        plumb("run", code=3)
    assert count(plumb) == 1000
    assert None not in read(plumb, "posts", "views")["views"].to_pylist()


# ---- the world goes on -------------------------------------------------------------------------
def test_other_source_is_not_held_up(plumb):
    start(plumb, "shop", "mall")
    views(plumb, "3.json", 3)
    land(plumb, "mall", "m3.json", [post(n, 3) for n in range(200)])
    plumb("run", "--source", "mall")
    assert count(plumb) == 1800
    plumb("run", "--source", "shop", code=3)
    plumb("run", "--source", "mall")
    plumb("run", code=3)
    edit(plumb)
    plumb("run", "--source", "mall")
    assert count(plumb) == 1800
    plumb("run", "--source", "shop")
    assert count(plumb) == 2000


def test_hold_before_one_table_does_not_hold_another(plumb):
    contract, mapping = (text.replace("posts", "reach") for text in (CONTRACT, MAPPING))
    contract = "".join(line + "\n" for line in contract.splitlines()
                       if not line.startswith(("  likes", "  shares", "  rate")))
    mapping = "".join(line + "\n" for line in mapping.splitlines()
                      if not line.startswith(("  likes", "  shares", "  rate")))
    project(plumb, {"posts": CONTRACT, "reach": contract},
            {"shop": MAPPING.format(source="shop"), "reach": mapping.format(source="shop")})
    for day in 1, 2:
        land(plumb, "shop", f"{day}.json", [post(n, day) for n in range(400)])
    plumb("run")
    land(plumb, "shop", "3.json", [post(n, 3, shares=None) for n in range(200)])
    assert [h["table"] for h in plumb.json("run", code=3)["holds"]] == ["posts"]
    assert count(plumb) == 800 and count(plumb, "reach") == 1000
    land(plumb, "shop", "4.json", [post(n, 4, shares=None) for n in range(200)])
    plumb("run", code=3)
    assert count(plumb) == 800 and count(plumb, "reach") == 1200
    file = plumb.dir / "sources/shop.yml"
    file.write_text(file.read_text().replace("  shares:  stats.shares\n", ""))
    plumb("run")
    assert count(plumb) == count(plumb, "reach") == 1200
    assert plumb.json("run")["run"] is None


def test_raw_that_is_gone_while_it_waits(plumb):
    start(plumb, "shop")
    for day in (3, 4, 5):
        views(plumb, f"{day}.json", day)
    plumb("run", code=3)
    assert states(plumb) == {"published": 2, "staged": 3}
    keys = [key for key, in books(plumb, "SELECT key FROM objects ORDER BY id")]
    lost, broken = (plumb.dir / "lake" / keys[at] for at in (4, 3))
    shutil.copy(lost, plumb.dir / "lost")
    shutil.copy(broken, plumb.dir / "broken")
    lost.unlink()
    broken.write_bytes(gzip.compress(b'{"id": "p1"}\n'))
    assert plumb.json("run", code=3)["holds"][0]["objects"] == 3  # nobody reads what waits
    edit(plumb)
    said = plumb("run", code=1)
    assert said.stderr.count("plumb: cannot map raw object") == 2
    assert count(plumb) == 1000 and found_of(plumb)[0][2] == "accepted"
    shutil.copy(plumb.dir / "lost", lost)
    shutil.copy(plumb.dir / "broken", broken)
    plumb("commit", worked(plumb))
    assert count(plumb) == 1400 and states(plumb) == {"published": 5}
    sound(plumb)


def test_damaged_object_among_those_that_join(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    views(plumb, "4.json", 4)
    *_, bad = (plumb.dir / "lake" / k for k, in books(plumb, "SELECT key FROM objects ORDER BY id"))
    whole = bad.read_bytes()
    bad.write_bytes(whole[:-9])
    plumb("run", code=1)
    views(plumb, "5.json", 5)
    plumb("run", code=1)
    assert states(plumb) == {"published": 2, "staged": 2}
    assert plumb.json("drift", "holds", code=3)[0]["objects"] == 2
    bad.write_bytes(whole)
    assert plumb.json("run", code=3)["holds"][0]["objects"] == 3
    edit(plumb)
    plumb("run")
    assert count(plumb) == 1400
    sound(plumb)


def test_quarantined_records_are_retried_while_others_wait(plumb):
    start(plumb, "shop")
    records = [post(n, 3) for n in range(200)]
    records[7]["id"] = None
    land(plumb, "shop", "3.json", records)
    plumb("run")
    views(plumb, "4.json", 4)
    plumb("run", code=3)
    edit(plumb)
    file = plumb.dir / "sources/shop.yml"
    file.write_text(file.read_text().replace("post_id: id", "post_id: id | day"))
    plumb("quarantine", "retry")
    assert count(plumb) == 1000 and states(plumb) == {"published": 3, "staged": 1}
    plumb("run")
    assert count(plumb) == 1200
    sound(plumb)


def test_pinned_mapping_while_objects_wait(plumb):
    start(plumb, "shop")
    file = plumb.dir / "sources/shop.yml"
    first = file.read_text()
    edit(plumb)
    land(plumb, "shop", "3.json", [post(n, 3) for n in range(200)])
    plumb("run")
    file.write_text(first)
    views(plumb, "4.json", 4)
    plumb("run", code=3)
    plumb("mapping", "shop", "--use", "2")
    assert plumb.json("run", code=3)["holds"] == []  # the file says something else
    assert count(plumb) == 1200
    plumb("mapping", "shop", "--use", "1")
    views(plumb, "5.json", 5)
    assert plumb.json("run", code=3)["holds"][0]["objects"] == 1
    assert count(plumb) == 1200
    plumb("mapping", "shop", "--use", "file")
    plumb("run", code=3)
    edit(plumb)
    plumb("run")
    assert count(plumb) == 1400


def test_pinned_mapping_gets_no_overlay(plumb):
    start(plumb, "shop")
    plumb("mapping", "shop", "--use", "1")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    plumb("run", code=3)
    assert count(plumb) == 800 and [row[2] for row in found_of(plumb)] == ["held"]
    plumb("mapping", "shop", "--use", "file")
    plumb("run", code=None)
    assert states(plumb)


def test_lost_registry(plumb):
    start(plumb, "shop", "mall")
    views(plumb, "3.json", 3)
    land(plumb, "mall", "m3.json", [post(n, 3) for n in range(200)])
    plumb("run", code=3)
    views(plumb, "4.json", 4)
    lose(plumb)
    plumb("rebuild")
    assert states(plumb) == {"published": 2}
    assert plumb.json("run", code=3)["holds"][0]["objects"] == 2
    assert count(plumb) == 1800 and [row[2] for row in found_of(plumb)] == ["held"]
    lose(plumb)
    plumb("rebuild")
    edit(plumb)
    plumb("run")
    assert count(plumb) == 2200
    sound(plumb)


def test_lake_that_moved(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    plumb("run", code=3)
    (plumb.dir / "lake").rename(plumb.dir / "lake2")
    settings = plumb.dir / "plumb.yaml"
    settings.write_text(settings.read_text().replace("./lake", "./lake2"))
    plumb("relocate")
    assert plumb.json("run", code=3)["holds"][0]["objects"] == 1
    edit(plumb)
    plumb("run")
    assert states_in(plumb, "lake2") == 3


def states_in(plumb, lake):
    (plumb.dir / lake).rename(plumb.dir / "lake")
    return states(plumb)["published"]


def test_looking_changes_nothing(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    plumb("run", code=3)
    before = tree(plumb.dir / "lake"), books(plumb, "SELECT * FROM holds")
    for words, code in ((["status"], 3), (["drift"], 3), (["drift", "holds"], 3),
                        (["drift", "events"], 0), (["drift", "show", "1"], None), (["runs"], 0),
                        (["ledger"], 0), (["verify"], 0), (["shape", "shop"], None),
                        (["doctor"], None), (["tables"], 0)):
        plumb(*words, code=None)
    assert (tree(plumb.dir / "lake"), books(plumb, "SELECT * FROM holds")) == before


def test_runs_that_do_not_look_keep_the_order(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [post(5, 3, shares=None)])
    plumb("run", code=3)
    land(plumb, "shop", "4.json", [post(n, 4) for n in range(300)])
    said = plumb.json("run", "--no-shape", code=3)
    assert said["holds"][0]["objects"] == 2 and count(plumb) == 800
    assert plumb.json("run", "--no-shape", code=3)["run"] is None
    land(plumb, "shop", "5.json", [post(n, 5) for n in range(300)])
    plumb("run")
    assert count(plumb) == 1401 and {row[2] for row in found_of(plumb)} == {"resolved"}


def test_what_was_released_may_go_unseen(plumb):
    start(plumb, "shop")
    views(plumb, "3.json", 3)
    plumb("run", "--no-shape")
    assert count(plumb) == 1000  # nobody looked
    views(plumb, "4.json", 4)
    plumb("run", code=3)
    edit(plumb)
    plumb("run", "--no-shape")
    assert count(plumb) == 1200 and [row[2] for row in found_of(plumb)] == ["accepted"]
    assert books(plumb, "SELECT count(*) FROM holds") == [(0,)]
