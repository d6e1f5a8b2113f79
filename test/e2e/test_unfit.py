# SPDX-License-Identifier: Apache-2.0
"""What runs use in place of a mapping file, and a contract that has changed since: a version that
does not fit is not pinned, and a source that cannot be mapped stops no other."""
import pytest

from held import CONTRACT, MAPPING, land, post, renamed, retired, start
from lake import books, lose, project, read, write


def state(plumb):
    return books(plumb, "SELECT state FROM findings WHERE id = 1")[0][0]


def declare(plumb, **columns):
    write(plumb.dir / "contracts/posts.yml",
          CONTRACT.replace("  shares:  long\n", "") + "".join(
              f"  {name}: {kind}\n" for name, kind in columns.items()))


WHY = ("cannot use mapping 'sources/shop.yml (version 1)': "
       "line 7: table 'posts' has no column 'shares'")


def test_a_rollback_behind_a_retirement_pins_nothing_that_does_not_fit(plumb):
    retired(plumb)
    pins = [{"source": "shop", "file": "sources/shop.yml", "version": 1, "pinned": False,
             "why_not": WHY}]
    dry = plumb.json("rollback", "posts", "--to", "previous", "--dry-run")
    assert (dry["mappings"], dry["findings"]) == (pins, [])
    said = plumb("rollback", "posts", "--to", "previous").stdout
    assert ("\nsources/shop.yml: version 1 made these rows, and is not pinned, for it does not fit "
            "the contract:\n"
            f"  {WHY}\n"
            "  runs use the file, and what was decided about drift of shop stays\n"
            "  plumb mapping shop --table posts --use 1 pins it once the contract is as it was\n"
            ) in said
    assert state(plumb) == "retired" and read(plumb, "posts").num_rows == 800
    land(plumb, "shop", "4.json", [post(n, 4, shares=None) for n in range(400)])
    done = plumb.json("run", code=3)  # one object is withdrawn
    assert (done["records"]["curated"], done["holds"], done["unfit"]) == (400, [], [])
    plumb("replay", "posts", "--withdrawn")
    assert read(plumb, "posts").num_rows == 1600 and plumb.json("verify")["sound"]
    before = books(plumb, "SELECT source, pinned FROM mapping_uses")
    lose(plumb)
    plumb("rebuild")
    assert [use for use in before if use[1]] == []
    assert state(plumb) == "retired"


def test_one_that_lacks_a_required_column_is_not_pinned(plumb):
    retired(plumb)
    declare(plumb, shares="long", sent="long!")
    source = plumb.dir / "sources/shop.yml"
    source.write_text(source.read_text() + "  sent: stats.sent\n")
    pin, = plumb.json("rollback", "posts", "--to", "previous")["mappings"]
    assert not pin["pinned"] and pin["why_not"].endswith("without a rule: sent")


def test_what_is_reverted_holds_again_when_the_file_is_used_again(plumb):
    retired(plumb)
    declare(plumb, shares="long")
    plumb("rollback", "posts", "--to", "previous")
    assert state(plumb) == "reverted"
    declare(plumb)
    assert plumb.json("rollback", "posts", "--to", "before-rollback-1")["findings"]
    assert state(plumb) == "retired"


@pytest.fixture
def unfit(plumb):
    """Version 1 of shop is pinned, the contract lost a column since, mall fills another table."""
    project(plumb, {"other": CONTRACT.replace("posts", "other")},
            {"mall": MAPPING.format(source="mall").replace("posts", "other")})
    retired(plumb)
    declare(plumb, shares="long")
    plumb("rollback", "posts", "--to", "previous")
    declare(plumb)
    land(plumb, "mall", "m.json", [post(n) for n in range(40)])
    land(plumb, "shop", "4.json", [post(n, 4, shares=None) for n in range(400)])
    return plumb


HINT = ("Change contracts/posts.yml back, or take the file: "
        "plumb mapping shop --table posts --use file")
TOLD = (f"plumb: {WHY}\n  hint: {HINT}\n"
        "  Nothing of source 'shop' is mapped for table 'posts' until then.\n")


def test_no_other_source_is_stopped(unfit):
    done = unfit("run", code=2)
    assert done.stderr == TOLD and "published other: 40 rows" in done.stdout
    assert read(unfit, "other").num_rows == 40 and read(unfit, "posts").num_rows == 800
    done = unfit.json("run", code=2)
    assert (done["state"], done["unfit"]) == (
        "nothing", [{"source": "shop", "table": "posts", "error": WHY, "hint": HINT}])
    unfit("run", "--source", "mall")
    unfit("mapping", "shop", "--use", "file")
    assert unfit.json("run", code=3)["records"]["curated"] == 400
    assert read(unfit, "posts").num_rows == 1200 and state(unfit) == "retired"


def test_nor_in_other_processes(unfit):
    planned = unfit("plan", "--json")
    assert planned.stderr == TOLD and '"unfit":[{"source":"shop"' in planned.stdout
    run = unfit.json("runs")[0]["run"]
    unfit("work", run, "t1")
    assert unfit("commit", run, code=2).stderr == TOLD
    assert read(unfit, "other").num_rows == 40


def test_what_maps_anew_says_why_not(unfit):
    first = books(unfit, "SELECT min(id) FROM objects WHERE source = 'shop'")[0][0]
    assert unfit("replay", "posts", "--object", first, code=3).stderr == (
        f"plumb: cannot replay object '{first}' of source 'shop': {WHY}\n")
    unfit("replay", "posts", "--all", "--mapping", 2)  # whatever is pinned
    assert read(unfit, "posts", "likes").num_rows == 800
    assert unfit("mapping", "shop", "--use", 1, code=2).stderr == (
        f"plumb: {WHY}\n"
        "  hint: It was made for another contract. Change contracts/posts.yml first; "
        "runs go on as before.\n")


def test_a_rule_over_a_column_that_somebody_took_out_is_none(plumb):
    start(plumb, "shop")
    land(plumb, "shop", "3.json", [renamed(n, 3, "likes", "like_count") for n in range(400)])
    plumb("run")
    assert state(plumb) == "provisional"
    for file in plumb.dir / "contracts/posts.yml", plumb.dir / "sources/shop.yml":
        lines = file.read_text().splitlines(True)
        file.write_text("".join(line for line in lines if not line.startswith("  likes:")))
    land(plumb, "shop", "4.json", [renamed(n, 4, "likes", "like_count") for n in range(400)])
    assert plumb.json("run")["records"]["curated"] == 400
    assert len(plumb.json("mapping", "shop")[0]["versions"]) == 3
    plumb("drift", "reject", 1)
    assert state(plumb) == "reverted"
