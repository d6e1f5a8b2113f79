# SPDX-License-Identifier: Apache-2.0
"""Rollback: back, forward, back again, and what is published after; read by PyIceberg each time."""
import json
import random
import re
import textwrap

import pytest

import lake
from dying import killed, watched
from lake import FULL, books, figures, found, keep, lose, read, restore, write

CONTRACT = """
    table: posts
    key: [id]
    partition: [p]
    columns:
      p: string
      id: long!
      likes: long
"""
SOURCE = """
    source: shop
    into: posts
    map:
      p: p
      id: id
      likes: likes
"""


def land(plumb, first, count=3, **more):
    (plumb.dir / "in.json").write_text("\n".join(json.dumps(
        {"p": "ab"[i % 2], "id": i, "likes": i * 2, **more}) for i in range(first, first + count)))
    plumb("ingest", "shop", "in.json")


def publish(plumb, first, count=3, code=0, **more):
    land(plumb, first, count, **more)
    return plumb.json("run", code=code)


def ids(plumb, snapshot=None):
    return sorted(read(plumb, "posts", "id", snapshot=snapshot)["id"].to_pylist())


def head(plumb):
    return lake.table(plumb, "posts").current_snapshot().snapshot_id


def states(plumb):
    return [state for _, state in books(plumb, "SELECT object, state FROM states ORDER BY object")]


def all_books(plumb):
    return [books(plumb, sql) for sql in (
        "SELECT tbl, object, state, run, snapshot, mapping FROM states ORDER BY 1, 2",
        "SELECT tbl, object, run, snapshot, mapping FROM publications ORDER BY 1, 2, 3",
        "SELECT tbl, source, state, objects, records, curated FROM tallies WHERE objects > 0"
        " ORDER BY 1, 2, 3",
        "SELECT source, tbl, pinned, overlay FROM mapping_uses ORDER BY 1, 2",
        "SELECT id, state, command FROM runs ORDER BY 1",
        "SELECT tbl, snapshot, metadata_location FROM heads",
        "SELECT kind, who, tbl, text FROM events ORDER BY 1, 4",
        "SELECT table_name, metadata_location FROM iceberg_tables")]


@pytest.fixture
def shop(plumb):
    """Ids 0 to 8 in three snapshots."""
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    for first in (0, 3, 6):
        publish(plumb, first)
    return plumb


def test_back_forward_and_on(shop):
    newest = head(shop)
    said = shop("rollback", "posts", "--to", "previous", "--why", "wrong unit").stdout
    plain = re.sub(r"\d{10,}|\d{4}-\d\d-\d\d [\d:]+Z|01[0-9A-Z]{24}", "#", said)
    assert plain.splitlines()[1:] == [
        "undone  #  #  append       +3     +2  #", "",
        "posts is at snapshot # of #: 6 rows, there were 9",
        "1 raw object is withdrawn: runs leave it alone",
        *[line for line in said.splitlines() if "plumb replay" in line],
        "forward again: plumb rollback posts --to before-rollback-1"]
    assert ids(shop) == list(range(6))
    assert states(shop) == ["published", "published", "withdrawn"]
    tag = lake.table(shop, "posts").metadata.refs["before-rollback-1"]
    assert (tag.snapshot_id, tag.max_ref_age_ms) == (newest, 90 * 24 * 3600 * 1000)
    assert ids(shop, newest) == list(range(9))
    assert "1 object is withdrawn from posts by a rollback" in shop("run", code=3).stdout
    assert shop.json("status")["waits"]
    assert ("1 object of shop withdrawn from posts by a rollback: 'plumb replay posts --withdrawn'."
            in shop("status").stdout)

    publish(shop, 20, code=3)  # on the older head
    assert ids(shop) == [0, 1, 2, 3, 4, 5, 20, 21, 22]
    done = shop.json("rollback", "posts", "--to", "before-rollback-1")
    assert (done["tag"], len(done["undone"]), len(done["returned"])) == ("before-rollback-2", 1, 1)
    assert done["objects"] == {"withdrawn": 1, "published_again": 1, "moved": 0}
    assert ids(shop) == list(range(9)) and head(shop) == newest
    assert states(shop) == ["published"] * 3 + ["withdrawn"]
    assert set(lake.table(shop, "posts").metadata.refs) == {"main", "before-rollback-2"}
    before = all_books(shop)
    lose(shop)
    shop("rebuild")
    assert all_books(shop) == before
    assert shop.json("verify")["sound"]


def test_where_to(shop):
    table = lake.table(shop, "posts")
    first, second, third = (s.snapshot_id for s in table.snapshots())
    dry = shop.json("rollback", "posts", "--to", first, "--dry-run")
    assert (dry["state"], dry["rows_before"], dry["rows"]) == ("dry-run", 9, 3)
    assert [s["snapshot"] for s in dry["undone"]] == [third, second] and head(shop) == third
    assert shop.json("rollback", "posts", "--to", third)["state"] == "nothing"
    assert shop.json("rollback", "posts", "--to", "now")["state"] == "nothing"
    assert shop("rollback", "posts", "--to", "7", code=1).stderr.startswith(
        "plumb: cannot roll back table 'posts': it has no snapshot 7\n"
        f"  hint: The oldest snapshot there is: {first}, of ")
    rounded = int(float(second)) if int(float(second)) != second else second + 1  # as jq 1.6 has it
    assert shop("rollback", "posts", "--to", rounded, code=1).stderr == (
        f"plumb: cannot roll back table 'posts': it has no snapshot {rounded}\n"
        f"  hint: Did you mean {second}? What read it from JSON has rounded it to a double.\n")
    assert "it has no tag 'nope'" in shop("rollback", "posts", "--to", "nope", code=1).stderr
    assert "no snapshot of 1999-01-01T00:00:00Z is left" in shop(
        "rollback", "posts", "--to", "1999-01-01", code=1).stderr
    shop("rollback", "posts", "--to", first)
    assert "there is nothing before its first snapshot" in shop(
        "rollback", "posts", "--to", "previous", code=1).stderr
    assert "where to?" in shop("rollback", "posts", code=2).stderr
    assert ids(shop) == [0, 1, 2]
    shop("rollback", "posts", "--to", second)  # forward, part of the way
    assert ids(shop) == list(range(6)) and states(shop) == ["published"] * 2 + ["withdrawn"]


def test_history_tells_it_all(shop):
    shop("rollback", "posts", "--to", "previous", "--why", "wrong unit")
    told = shop.json("history", "posts")
    assert [t["operation"] for t in told] == ["rollback", "append", "append", "append"]
    assert (told[0]["why"], told[0]["snapshot"]) == ("wrong unit", told[2]["snapshot"])
    assert told[0]["who"] and told[0]["detail"]["withdrawn"] == 1
    assert (told[1]["undone"], told[1]["tags"]) == (True, ["before-rollback-1"])
    assert (told[2]["current"], told[2]["undone"], told[2]["command"]) == (True, False, "run")
    lines = shop("history", "posts").stdout.splitlines()
    assert lines[1].rstrip().endswith("tagged before-rollback-1, 1 object withdrawn (wrong unit)")
    assert lines[2].rstrip().endswith("undone, before-rollback-1")
    assert lines[3].rstrip().endswith("current")


def test_schema_and_mapping_go_along(shop):
    columns = CONTRACT + "      lang: string\n"
    write(shop.dir / "contracts/posts.yml", columns)
    source = shop.dir / "sources/shop.yml"
    source.write_text(source.read_text().replace("likes: likes", "likes: likes\n  lang: lang"))
    publish(shop, 9, lang="de")
    assert "lang" in read(shop, "posts").column_names
    done = shop.json("rollback", "posts", "--to", "previous")
    assert done["schema_changed"] and done["mappings"] == [
        {"source": "shop", "file": "sources/shop.yml", "version": 1, "pinned": True}]
    table = lake.table(shop, "posts")
    assert "lang" not in [f.name for f in table.schema().fields]
    assert table.metadata.last_column_id == max(
        f.field_id for s in table.schemas().values() for f in s.fields)
    assert shop.json("verify")["sound"]
    said = shop("run", code=3).stdout
    assert "sources/shop.yml is not used for posts: version 1 is pinned" in said
    publish(shop, 12, code=3, lang="fr")
    rows = read(shop, "posts", "id", "lang").to_pylist()
    assert [r["lang"] for r in rows if r["id"] >= 12] == [None] * 3  # as version 1 makes them
    shop("mapping", "shop", "--use", "file")
    publish(shop, 15, code=3, lang="fr")  # one object is still withdrawn
    assert {r["lang"] for r in read(shop, "posts", "id", "lang").to_pylist() if r["id"] >= 15} == {
        "fr"}
    done = shop.json("rollback", "posts", "--to", "before-rollback-1")
    assert done["mappings"] == []  # the file it is, as then
    assert ids(shop) == list(range(12))
    assert {r["lang"] for r in read(shop, "posts").to_pylist() if r["id"] >= 9} == {"de"}
    assert shop.json("verify")["sound"]


def column_ids(plumb):
    fields = lake.table(plumb, "posts").schema().fields
    return {f.name: (f.field_id, str(f.field_type)) for f in fields}


def declare(plumb, **columns):
    """The contract and the mapping of then, and these columns."""
    write(plumb.dir / "contracts/posts.yml", CONTRACT + "".join(
        f"      {name}: {kind}\n" for name, kind in columns.items()))
    (plumb.dir / "sources/shop.yml").write_text(textwrap.dedent(SOURCE) + "".join(
        f"  {name}: {name}\n" for name in columns))


def test_a_column_that_comes_again_has_its_id(shop):
    """Both heads have rows of it, and either can be read by the other's schema."""
    old = column_ids(shop)
    declare(shop, lang="string", tags="list(string)")
    publish(shop, 9, lang="de", tags=["x"])
    with_lang = column_ids(shop)
    last = lake.table(shop, "posts").metadata.last_column_id
    left = head(shop)
    shop("rollback", "posts", "--to", "previous")
    shop("mapping", "shop", "--use", "file")
    assert column_ids(shop) == old
    publish(shop, 12, code=3, lang="fr", tags=["y", "z"])
    assert column_ids(shop) == with_lang
    metadata = lake.table(shop, "posts").metadata
    assert metadata.last_column_id == last and len(metadata.schemas) == 2

    def langs(snapshot=None):
        rows = read(shop, "posts", "id", "lang", "tags", snapshot=snapshot).to_pylist()
        return {(r["lang"], *(r["tags"] or ())) for r in rows if r["id"] >= 9}

    assert langs() == {("fr", "y", "z")} and langs(left) == {("de", "x")}
    right = head(shop)
    shop("rollback", "posts", "--to", "before-rollback-1")
    assert langs() == {("de", "x")} and langs(right) == {("fr", "y", "z")}
    shop("rollback", "posts", "--to", "before-rollback-2")
    publish(shop, 15, code=3, lang="it")
    assert langs() == {("fr", "y", "z"), ("it",)} and column_ids(shop) == with_lang
    assert shop.json("verify")["sound"]


def test_a_column_of_another_type_is_another_one(shop):
    declare(shop, lang="string", n="int")
    publish(shop, 9, lang="de", n=1)
    before = column_ids(shop)
    shop("rollback", "posts", "--to", "previous")
    shop("mapping", "shop", "--use", "file")
    declare(shop, lang="long", n="long")  # one is what was rolled back for, one is only wider
    publish(shop, 12, code=3, lang=5, n=2**40)
    assert column_ids(shop)["lang"][0] > max(i for i, _ in before.values())
    assert column_ids(shop)["n"] == (before["n"][0], "long")
    shop("rollback", "posts", "--to", "before-rollback-1")
    assert {(r["lang"], r["n"]) for r in read(shop, "posts").to_pylist() if r["id"] >= 9} == {
        ("de", 1)}
    assert shop.json("verify")["sound"]


def test_a_column_that_was_widened_is_as_wide_as_then(shop):
    write(shop.dir / "contracts/posts.yml", CONTRACT.replace("likes: long", "likes: int"))
    (shop.dir / "lake").rename(shop.dir / "other")
    publish(shop, 0)
    write(shop.dir / "contracts/posts.yml", CONTRACT)
    publish(shop, 2**31)
    shop("rollback", "posts", "--to", "previous")
    assert column_ids(shop)["likes"][1] == "int" and shop.json("verify")["sound"]
    publish(shop, 10, code=3)
    assert column_ids(shop)["likes"][1] == "long" and shop.json("verify")["sound"]


def test_what_a_person_dropped_is_not_brought_back(shop):
    declare(shop, lang="string")
    publish(shop, 9, lang="de")
    dropped = column_ids(shop)["lang"][0]
    with lake.table(shop, "posts").update_schema() as change:
        change.delete_column("lang")
    publish(shop, 12, lang="fr")
    assert column_ids(shop)["lang"][0] > dropped
    rows = read(shop, "posts", "id", "lang").to_pylist()
    assert {r["lang"] for r in rows if r["id"] < 12} == {None}
    assert {r["lang"] for r in rows if r["id"] >= 12} == {"fr"}


def test_a_rollback_by_another_program_is_noticed(shop):
    first = lake.table(shop, "posts").snapshots()[0].snapshot_id
    lake.table(shop, "posts").manage_snapshots().rollback_to_snapshot(first).commit()
    shop("run", code=3)
    assert states(shop) == ["published", "withdrawn", "withdrawn"]
    publish(shop, 9, code=3)
    assert ids(shop) == [0, 1, 2, 9, 10, 11]
    lake.table(shop, "posts").manage_snapshots().rollback_to_snapshot(first).commit()
    publish(shop, 12, code=3)  # noticed by what publishes on it
    assert states(shop) == ["published"] + ["withdrawn"] * 3 + ["published"]
    [(who, text)] = books(shop, "SELECT who, text FROM events WHERE kind = 'follow' LIMIT 1")
    assert who == "another program" and json.loads(text)["withdrawn"] == 2
    before = all_books(shop)
    lose(shop)
    shop("rebuild")
    assert all_books(shop)[:3] == before[:3]


def usual(plumb, source="shop"):
    """Of how many records it is known what is usual."""
    return plumb.json("shape", source, "--table", "posts")["records"]


def test_what_is_usual_follows_the_table(shop):
    """Run by run within an hour, back, forward and on; and so it is in a rebuilt registry."""
    assert usual(shop) == 9
    dry = shop.json("rollback", "posts", "--to", "previous", "--dry-run")["baselines"]
    assert [(b["source"], b["version"], b["exact"]) for b in dry] == [("shop", 2, True)]
    shop("rollback", "posts", "--to", "previous")
    assert usual(shop) == 6
    publish(shop, 20, code=3)
    assert usual(shop) == 9  # 6 of the snapshot and 3 that came
    first = lake.table(shop, "posts").snapshots()[0].snapshot_id
    done = shop.json("rollback", "posts", "--to", first)
    assert [(b["version"], b["exact"]) for b in done["baselines"]] == [(1, True)]
    assert usual(shop) == 3
    lose(shop)
    shop("rebuild")
    assert usual(shop) == 3
    shop("rollback", "posts", "--to", "before-rollback-1")  # its version was not in the log
    assert usual(shop) == 6  # the newest that is not later
    shop("rollback", "posts", "--to", first)
    shop("replay", "posts", "--withdrawn")
    assert usual(shop) == 12 and len(ids(shop)) == 12
    shop("replay", "posts", "--all")
    assert usual(shop) == 12  # it knows them already
    shop("rollback", "posts", "--to", first)
    assert usual(shop) == 3
    shop("rollback", "posts", "--to", "before-rollback-4")
    assert usual(shop) == 12


def test_a_source_that_was_not_there_yet_begins_anew(shop):
    write(shop.dir / "sources/other.yml", SOURCE.replace("source: shop", "source: other"))
    (shop.dir / "in.json").write_text(json.dumps({"p": "a", "id": 50, "likes": 1}))
    shop("ingest", "other", "in.json")
    shop("run")
    assert (usual(shop), usual(shop, "other")) == (9, 1)
    done = shop.json("rollback", "posts", "--to", "previous")
    assert done["baselines"] == [{"source": "other", "version": None, "at": None, "exact": True}]
    assert (usual(shop), usual(shop, "other")) == (9, 0)
    (shop.dir / "in.json").write_text("\n".join(json.dumps({"p": "a", "id": i}) for i in range(99)))
    shop("ingest", "other", "in.json")
    assert shop.json("run", code=3)["records"]["curated"] == 99  # its first: nothing is usual
    assert usual(shop, "other") == 99
    shop("rollback", "posts", "--to", "before-rollback-1")
    assert (usual(shop), usual(shop, "other")) == (9, 1)


def test_of_older_runs_the_nearest_is_told(shop):
    for first in range(9, 36, 3):
        publish(shop, first)
    snapshots = lake.table(shop, "posts").snapshots()
    kept = {v["version"]: v["records"] for v in shop.json("shape", "shop", "--versions")}
    assert set(kept) >= {1, *range(5, 13)} and 3 not in kept and usual(shop) == 36
    said = shop("rollback", "posts", "--to", snapshots[2].snapshot_id).stdout
    assert re.search(r"\nwhat is usual for shop is known as of .*Z: of older runs not every "
                     r"one's is kept\n", said), said
    assert usual(shop) == 6
    shop("rollback", "posts", "--to", snapshots[8].snapshot_id)
    assert usual(shop) == 27


def test_a_young_lake_is_rebuilt_with_most_of_what_it_knew(shop):
    for first in range(9, 36, 3):
        publish(shop, first)
    lose(shop)
    shop("rebuild")
    assert 18 < usual(shop) <= 36


def test_retried_records_go_and_come(shop):
    (shop.dir / "in.json").write_text('{"p":"a","id":9,"likes":1}\n{"p":"a","id":"x","likes":1}\n')
    shop("ingest", "shop", "in.json")
    shop("run")
    source = shop.dir / "sources/shop.yml"
    source.write_text(source.read_text().replace("id: id", "id: id | likes"))
    shop("quarantine", "retry")
    assert ids(shop) == sorted([*range(10), 1])
    ledger = "SELECT l.curated, l.quarantined FROM ledger l JOIN states s USING (tbl, object, run)"
    shop("rollback", "posts", "--to", "previous")
    assert ids(shop) == list(range(10)) and (1, 1) in books(shop, ledger)
    assert len(shop.json("quarantine")) == 1 and states(shop) == ["published"] * 4
    shop("rollback", "posts", "--to", "before-rollback-1")
    assert ids(shop) == sorted([*range(10), 1]) and (2, 0) in books(shop, ledger)
    assert shop.json("quarantine") == [] and shop.json("verify")["sound"]


STEPS = 120 if FULL else 14


@pytest.mark.timeout(3600 if FULL else 300)
@pytest.mark.parametrize("seed", range(8 if FULL else 2))
def test_a_model_predicts_the_table(plumb, seed):
    rng = random.Random(seed)
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    content, parent, tags, at = {}, {}, {}, None  # per snapshot: ids, and what it was made on
    first, made, taken = 0, {}, 0
    for step in range(STEPS):
        what = rng.choice(["publish", "publish", "back", "forward", "any"]) if at else "publish"
        if what == "publish":
            publish(plumb, first, code=None)
            new = head(plumb)
            content[new], parent[new] = content.get(at, []) + list(range(first, first + 3)), at
            made[first], at, first = new, new, first + 3
        else:
            to = {"back": parent[at] or at, "forward": rng.choice(list(tags.values()) or [at]),
                  "any": rng.choice(list(content))}[what]
            name = next((t for t, s in tags.items() if s == to), to)
            done = plumb.json("rollback", "posts", "--to", name)
            assert (done["state"] == "nothing") == (to == at)
            if to != at:
                ancestors, walk = set(), to
                while walk:
                    ancestors.add(walk)
                    walk = parent[walk]
                if at not in tags.values() and at not in ancestors:
                    taken += 1
                    tags[f"before-rollback-{taken}"] = at
                tags = {t: s for t, s in tags.items() if s != to}
            at = to
        assert head(plumb) == at and ids(plumb) == content[at]
        assert {t: r.snapshot_id for t, r in lake.table(plumb, "posts").metadata.refs.items()
                if t != "main"} == tags
        assert states(plumb) == ["published" if number in content[at] else "withdrawn"
                                 for number in sorted(made)]
        for snapshot in rng.sample(list(content), min(2, len(content))):
            assert ids(plumb, snapshot) == content[snapshot]
    assert plumb.json("verify")["sound"]
    before = all_books(plumb)
    lose(plumb)
    plumb("rebuild")
    assert all_books(plumb) == before


@pytest.mark.timeout(1800 if FULL else 300)
def test_killed_at_every_step_it_happened_or_not(quick):
    lake.project(quick, {"posts": CONTRACT}, {"shop": SOURCE})
    for first in (0, 3):
        publish(quick, first)
    keep(quick)
    words = ["rollback", "posts", "--to", "previous"]
    changes = watched(quick, words)
    places = range(1, len(changes) + 1)
    outcomes = {True: 0, False: 0}
    for at in places if FULL else sorted(random.Random(1).sample(places, 8)):
        restore(quick)
        restore(quick)
        if not killed(quick, words, at):
            continue
        rolled = ids(quick) == [0, 1, 2]
        assert rolled or ids(quick) == list(range(6))
        outcomes[rolled] += 1
        quick("run", code=3 if rolled else 0)
        assert states(quick) == ["published", "withdrawn" if rolled else "published"]
        assert quick.json("verify")["sound"]
        assert len(found(quick, "tables/posts/data/**/*.parquet")) == 4
        before = all_books(quick)
        lose(quick)
        quick("rebuild")
        assert all_books(quick) == before, changes[at - 1]
    assert outcomes[True] and outcomes[False]
    figures("rollback killed", f"{len(changes)} changes; {outcomes[False]} kills before and "
            f"{outcomes[True]} after it happened")
