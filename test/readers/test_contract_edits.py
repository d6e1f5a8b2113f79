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


def test_another_partition_is_refused_with_what_to_do(shop):
    contract(shop, "partition: [platform]", "partition: [id]")
    land(shop, p="x", id=2)
    done = shop("run", code=2)
    assert done.stderr.splitlines()[-2:] == [
        "plumb: contracts/posts.yml:1:1: cannot change the partition of table 'posts'",
        "  hint: Give the contract a new table name, or restore its partition line; changing the "
        "partition of an existing table is not done by this version."]


def test_another_type_is_refused_with_what_to_do(shop):
    contract(shop, "  likes: int", "  likes: string")
    land(shop, p="x", id=2)
    assert "cannot change column 'likes' of table 'posts' from int to string" in shop(
        "run", code=2).stderr
