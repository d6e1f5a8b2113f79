# SPDX-License-Identifier: Apache-2.0
"""Columns of a contract renamed, removed and added while the table has rows."""
import json

import pytest

import lake

CONTRACT = """\
table: posts
key: [id]
partition: [platform]
columns:
  platform: string!
  id: long!
  likes: int
  note: string
"""
SOURCE = """\
source: shop
into: posts
map:
  platform: p
  id: id
  likes: likes
  note: note
"""


def land(plumb, **record):
    (plumb.dir / "in.json").write_text(json.dumps(record))
    plumb("ingest", "shop", "in.json")


@pytest.fixture
def shop(plumb):
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    land(plumb, p="x", id=1, likes=5, note="a")
    plumb("run")
    return plumb


def contract(plumb, old, new):
    path = plumb.dir / "contracts/posts.yml"
    path.write_text(path.read_text().replace(old, new))


def mapping(plumb, old, new):
    path = plumb.dir / "sources/shop.yml"
    path.write_text(path.read_text().replace(old, new))


def test_a_renamed_column_has_its_old_rows_everywhere(shop):
    contract(shop, "  likes: int", "  like_count: long was(likes)")
    mapping(shop, "  likes: likes", "  like_count: likes")
    land(shop, p="x", id=2, likes=2 ** 40, note="b")
    shop("run")
    rows = lake.read(shop, "posts", "id", "like_count").sort_by("id").to_pylist()
    assert rows == [{"id": 1, "like_count": 5}, {"id": 2, "like_count": 2 ** 40}]
    assert shop.json("query", "SELECT id, like_count FROM posts ORDER BY id") == rows
    ids = {f.name: f.field_id for f in lake.table(shop, "posts").schema().fields}
    assert ids["like_count"] == 3 and "likes" not in ids
    first = lake.table(shop, "posts").history()[0].snapshot_id
    assert shop.json("query", "SELECT likes FROM posts", "--at", first) == [{"likes": 5}]
    assert shop.json("verify")["sound"]


def test_the_source_of_a_partition_may_be_renamed(shop):
    contract(shop, "  platform: string!", "  network: string! was(platform)")
    contract(shop, "partition: [platform]", "partition: [network]")
    mapping(shop, "  platform: p", "  network: p")
    land(shop, p="y", id=2)
    shop("run")
    table = lake.table(shop, "posts")
    assert table.scan("network == 'y'").to_arrow()["id"].to_pylist() == [2]
    assert table.scan("network == 'x'").to_arrow()["id"].to_pylist() == [1]
    assert len(list(table.scan("network == 'x'").plan_files())) == 1
    assert shop.json("query", "SELECT network FROM posts ORDER BY 1") == [{"network": "x"},
                                                                          {"network": "y"}]
    assert shop.json("verify")["sound"]
    contract(shop, " was(platform)", "")
    contract(shop, "  id: long!", "  platform: string\n  id: long!")
    land(shop, p="z", id=3)
    done = shop("run", code=2)
    assert done.stderr.splitlines()[-2:] == [
        "plumb: contracts/posts.yml:6:3: cannot name a column of table 'posts' 'platform': its "
        "partition has a field of that name",
        "  hint: Choose another name for the column."]


def test_a_rename_is_never_guessed(shop):
    before = lake.table(shop, "posts").metadata_location
    contract(shop, "  likes: int", "  like_count: int")
    mapping(shop, "  likes: likes", "  like_count: likes")
    land(shop, p="x", id=2, likes=1)
    done = shop("run", code=2)
    assert done.stderr.splitlines()[-2:] == [
        "plumb: contracts/posts.yml:7:3: cannot change table 'posts': column 'likes' is gone and "
        "'like_count' is new, which may be one column renamed or two changes",
        "  hint: If it is the same column, write was(likes) behind the type of 'like_count'; if "
        "not, remove 'likes' first, run, and then add 'like_count'."]
    assert lake.table(shop, "posts").metadata_location == before


def test_a_removed_column_stays_empty_and_another_may_come_later(shop):
    contract(shop, "  likes: int\n", "")
    mapping(shop, "  likes: likes\n", "")
    land(shop, p="x", id=2, likes=9, note="b")
    shop("run")
    rows = lake.read(shop, "posts", "id", "likes").sort_by("id").to_pylist()
    assert rows == [{"id": 1, "likes": 5}, {"id": 2, "likes": None}]
    contract(shop, "  note: string", "  note: string\n  lang: string")
    mapping(shop, "  note: note", "  note: note\n  lang: lang")
    land(shop, p="x", id=3, lang="de")
    shop("run")
    assert [f.name for f in lake.table(shop, "posts").schema().fields][-1] == "likes"
    assert lake.read(shop, "posts", "lang")["lang"].to_pylist().count("de") == 1
    assert shop.json("verify")["sound"]


def refusal(shop):
    """What a run of the edited contract says, and that it published nothing."""
    before = lake.table(shop, "posts").metadata_location
    land(shop, p="x", id=2)
    done = shop("run", code=2)
    assert lake.table(shop, "posts").metadata_location == before
    return done.stderr.splitlines()[-2:]


def test_another_partition_is_refused_with_what_to_do(shop):
    contract(shop, "partition: [platform]", "partition: [platform, 'bucket(4, id)']")
    assert refusal(shop) == [
        "plumb: contracts/posts.yml:3:12: cannot change the partition of table 'posts' from "
        "[platform] to [platform, bucket(4, id)]: its files are laid out by the old one",
        "  hint: Write partition: [platform] again, or give contract and mapping a new table name: "
        "it is filled from all raw objects."]
    contract(shop, "partition: [platform, 'bucket(4, id)']\n", "")
    assert refusal(shop)[0] == (
        "plumb: contracts/posts.yml:1:1: cannot change the partition of table 'posts' from "
        "[platform] to []: its files are laid out by the old one")


@pytest.mark.parametrize("key, place, to", [
    ("key: [platform, id]\n", "2:6", "platform, id"), ("key: platform\n", "2:6", "platform"),
    ("", "1:1", "")])
def test_another_key_is_refused_with_what_to_do(shop, key, place, to):
    contract(shop, "key: [id]\n", key)
    assert refusal(shop) == [
        f"plumb: contracts/posts.yml:{place}: cannot change the key of table 'posts' from [id] to "
        f"[{to}]: its rows were told apart by the old one",
        "  hint: Write key: [id] again, or give contract and mapping a new table name: it is "
        "filled from all raw objects."]


def test_a_key_for_rows_that_had_none_is_refused_too(plumb):
    lake.project(plumb, {"posts": CONTRACT.replace("key: [id]\n", "")}, {"shop": SOURCE})
    land(plumb, p="x", id=1)
    plumb("run")
    (plumb.dir / "contracts/posts.yml").write_text(CONTRACT)
    assert refusal(plumb) == [
        "plumb: contracts/posts.yml:2:6: cannot change the key of table 'posts' from [] to [id]: "
        "its rows were told apart by the old one",
        "  hint: Remove key:, or give contract and mapping a new table name: it is filled from all "
        "raw objects."]


def test_a_key_may_be_reordered_and_its_columns_renamed(plumb):
    lake.project(plumb, {"posts": CONTRACT.replace("key: [id]", "key: [id, platform]")},
                 {"shop": SOURCE})
    land(plumb, p="x", id=1)
    plumb("run")
    contract(plumb, "key: [id, platform]", "key: [platform, post]")
    contract(plumb, "  id: long!", "  post: long! was(id)")
    mapping(plumb, "  id: id", "  post: id")
    land(plumb, p="x", id=2)
    plumb("run")
    land(plumb, p="x", id=3)
    plumb("run")  # the version with was() is the last one now
    assert sorted(lake.read(plumb, "posts", "post")["post"].to_pylist()) == [1, 2, 3]
    contract(plumb, " was(id)", "")
    land(plumb, p="x", id=4)
    plumb("run")


def test_a_key_without_rows_may_be_any(plumb):
    lake.project(plumb, {"posts": CONTRACT}, {"shop": SOURCE})
    (plumb.dir / "in.json").write_text('{"id": "no number"}')
    plumb("ingest", "shop", "in.json")
    assert plumb.json("run")["records"]["quarantined"] == 1
    contract(plumb, "key: [id]", "key: [platform, id]")
    land(plumb, p="x", id=1)
    plumb("run")


TYPES = {"boolean": "int", "int": "string", "long": "int", "float": "long", "double": "float",
         "decimal(9, 2)": "decimal(9, 3)", "date": "timestamp", "timestamp": "date",
         "string": "long", "list(int)": "list(string)", "decimal(8, 2)": "decimal(7, 2)"}


@pytest.mark.parametrize("old, new", TYPES.items())
def test_another_type_is_refused_with_what_to_do(plumb, old, new):
    text = CONTRACT.replace("likes: int", f"likes: {old}")
    lake.project(plumb, {"posts": text}, {"shop": SOURCE})
    land(plumb, p="x", id=1)
    plumb("run")
    contract(plumb, f"  likes: {old}", f"  likes: {new}")
    assert refusal(plumb) == [
        f"plumb: contracts/posts.yml:7:3: cannot change column 'likes' of table 'posts' from {old} "
        f"to {new}: rows already written could not be read",
        "  hint: Only int to long, float to double and more decimal digits are possible: keep "
        f"{old}, or give the new type a new column name."]


LEGAL = [("int", "long", 5, 2**40), ("float", "double", 0.5, 1e300),
         ("decimal(4, 2)", "decimal(38, 2)", 1.25, 12345678.25),
         ("list(int)", "list(long)", [1], [2**40]),
         ("list(list(float))", "list(list(double))", [[0.5], None], [[1e300]])]


@pytest.mark.parametrize("old, new, first, second", LEGAL)
def test_a_legal_promotion_comes_with_the_next_run(plumb, old, new, first, second):
    lake.project(plumb, {"posts": CONTRACT.replace("likes: int", f"likes: {old}")},
                 {"shop": SOURCE})
    land(plumb, p="x", id=1, likes=first)
    plumb("run")
    contract(plumb, f"  likes: {old}", f"  likes: {new}")
    plumb("run")  # nothing new to map: the table follows all the same
    types = {c["name"]: c["type"] for c in plumb.json("describe", "posts")["columns"]}
    assert types["likes"] == new
    land(plumb, p="x", id=2, likes=second)
    plumb("run")
    got = lake.read(plumb, "posts", "id", "likes").sort_by("id")["likes"].to_pylist()
    assert got == [first, second]
    assert plumb.json("verify")["sound"]


def test_field_ids_are_new_for_new_columns_and_never_used_again(shop):
    def ids():
        return {f.name: f.field_id for f in lake.table(shop, "posts").schema().fields}
    before = ids()
    contract(shop, "  note: string", "  note: string\n  tags: list(string)")
    shop("run")
    added = ids()
    assert added["tags"] > max(before.values())
    element = lake.table(shop, "posts").schema().find_type("tags").element_id
    contract(shop, "\n  tags: list(string)", "")
    shop("run")
    contract(shop, "  note: string", "  note: string\n  lang: string")
    shop("run")
    later = ids()
    assert later["lang"] > element > added["tags"] == later["tags"]
    assert {name: later[name] for name in before} == before
    contract(shop, "  lang: string", "  lang: string\n  tags: list(string)")
    shop("run")
    assert ids() == later  # the same column again
    assert shop.json("verify")["sound"]


def test_a_removed_column_is_called_deprecated(shop):
    contract(shop, "  likes: int\n", "")
    mapping(shop, "  likes: likes\n", "")
    shop("run")
    (line,) = [x for x in shop("describe", "posts").stdout.splitlines() if x.startswith("likes")]
    assert line.split() == ["likes", "int", "deprecated"]
    columns = {c["name"]: c["declared"] for c in shop.json("describe", "posts")["columns"]}
    assert columns["likes"] is False and columns["note"] is True
