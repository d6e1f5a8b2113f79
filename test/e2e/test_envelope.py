# SPDX-License-Identifier: Apache-2.0
"""What stands around records, in the documents they come in: it is part of the source's shape, and
a change of it that a column needs waits as one in the records does."""
import json

import pytest

from lake import books, project, read

CONTRACT = """\
table: posts
columns:
  id: {type: string, required: true}
  likes: {type: long}
  region: {type: string}
  owner: {type: string}
key: [id]
"""
MAPPING = """\
source: shop
into: posts
records: data.list[]
map:
  id: id
  likes: likes
  region: $doc.meta.region
  owner: $parent.owner
"""


def document(day, records=20):
    posts = [{"id": f"p{n}", "likes": n * 7 + day} for n in range(records)]
    return {"meta": {"region": f"eu-{day % 3}", "took": day * 1.5,
                     "next": None if day % 2 else "x"},
            "data": {"owner": "acme", "list": posts, "users": [{"name": "u"}]}}


def land(plumb, name, *documents):
    (plumb.dir / name).write_text("".join(json.dumps(d) + "\n" for d in documents))
    plumb("ingest", "shop", name)


def start(plumb, mapping=MAPPING, days=8):
    project(plumb, {"posts": CONTRACT}, {"shop": mapping})
    for day in range(days):
        land(plumb, f"{day}.json", document(day), document(day + 100, records=day))
    plumb("run")


def around(plumb):
    """path -> (seen, chances, kinds) of what is around the records."""
    shape = plumb.json("shape", "shop")
    return {p["path"]: (p["seen"], p["chances"], p["kinds"]) for p in shape["paths"]
            if p["path"].startswith("$doc")}


def states(plumb):
    return books(plumb, "SELECT class, before, after, col, state FROM findings")


def test_the_shape_has_every_document(plumb):
    start(plumb)
    assert around(plumb) == {
        "$doc": (16, 16, {"object": 16}),
        "$doc.data": (16, 16, {"object": 16}),
        "$doc.meta": (16, 16, {"object": 16}),
        "$doc.data.list": (16, 16, {"array": 16}),
        "$doc.data.owner": (16, 16, {"string": 16}),
        "$doc.data.users": (16, 16, {"array": 16}),  # what is in it may be another table's
        "$doc.meta.next": (16, 16, {"null": 8, "string": 8}),
        "$doc.meta.region": (16, 16, {"string": 16}),
        "$doc.meta.took": (16, 16, {"float": 16}),
    }
    tree = plumb("shape", "shop").stdout
    assert "\n$doc        16 documents  object" in tree and '"eu-0"' in tree


def test_objects_between_document_and_records_are_counted(plumb):
    mapping = MAPPING.replace("data.list[]", "pages[].list[]").replace("$doc.meta.region",
                                                                       "$parent.region")
    project(plumb, {"posts": CONTRACT}, {"shop": mapping})
    pages = [{"owner": "acme", "region": r, "list": [{"id": r, "likes": 1}] * 2} for r in "abc"]
    land(plumb, "1.json", {"pages": pages, "n": 1})
    plumb("run")
    assert around(plumb) == {
        "$doc": (1, 1, {"object": 1}),
        "$doc.n": (1, 1, {"int": 1}),
        "$doc.pages": (1, 1, {"array": 1}),
        "$doc.pages[*]": (3, 3, {"object": 3}),
        "$doc.pages[*].list": (3, 3, {"array": 3}),
        "$doc.pages[*].owner": (3, 3, {"string": 3}),
        "$doc.pages[*].region": (3, 3, {"string": 3}),
    }


@pytest.mark.parametrize("key, path, column, rule", [
    ("meta", "$doc.meta.region", "region", "$doc.meta.area | $doc.meta.region"),
    ("data", "$doc.data.owner", "owner", "$parent.area | $parent.owner")])
def test_a_key_that_a_column_reads_is_missed(plumb, key, path, column, rule):
    start(plumb)
    changed = document(9)
    changed[key]["area"] = changed[key].pop(column)
    land(plumb, "9.json", changed)
    said = plumb.json("run", code=3)
    assert [h["why"] for h in said["holds"]] == [
        f"column '{column}' is NULL in 20 of 20 rows, and was filled in 188 of 188 before"]
    assert states(plumb) == [("removed", path, "", column, "held")]
    assert f"Column {column} reads {path}" in " ".join(plumb("drift", "show", "1").stdout.split())
    file = plumb.dir / "sources/shop.yml"
    file.write_text(file.read_text().replace(rule.split(" | ")[1], rule))
    assert plumb.json("run")["holds"] == []
    table = read(plumb, "posts", column)
    assert table.num_rows == 208 and table[column].null_count == 0


def test_a_value_of_another_kind_waits(plumb):
    start(plumb)
    changed = document(9)
    changed["meta"]["region"] = {"name": "eu", "zone": 1}
    land(plumb, "9.json", changed)
    plumb("run", code=3)
    assert [f[:4] for f in states(plumb)] == [
        ("retyped", "$doc.meta.region", "", "region")]
    assert read(plumb, "posts", "region")["region"].null_count == 0


def test_a_new_key_is_told_and_no_column(plumb):
    start(plumb)
    files = [(plumb.dir / name).read_text() for name in ("contracts/posts.yml", "sources/shop.yml")]
    for day in (10, 11, 12, 13):
        documents = [document(day + n) for n in range(10)]
        for one in documents:
            one["meta"]["cost"] = day / 4
        land(plumb, f"{day}.json", *documents)
        assert plumb.json("run")["columns"] == []
    assert states(plumb) == [("added", "", "$doc.meta.cost", "", "open")]
    assert files == [(plumb.dir / name).read_text()
                     for name in ("contracts/posts.yml", "sources/shop.yml")]
    # Who wants it says so.
    plumb("drift", "approve", "1")
    assert "  cost:" in (plumb.dir / "contracts/posts.yml").read_text()
    assert "  cost:  $doc.meta.cost\n" in (plumb.dir / "sources/shop.yml").read_text()
    costs = read(plumb, "posts", "cost")["cost"]
    assert len(costs) - costs.null_count == 800


def test_documents_that_were_not_looked_at_before_are_nothing_new(plumb):
    """A mapping that takes records out of documents from now on."""
    mapping = MAPPING.replace("records: data.list[]\n", "").replace("$doc.meta.", "").replace(
        "$parent.", "")
    project(plumb, {"posts": CONTRACT}, {"shop": mapping})
    for day in range(4):
        land(plumb, f"{day}.json", *[{"id": f"p{n}", "likes": n, "region": "eu-1", "owner": "acme"}
                                     for n in range(50)])
    plumb("run")
    (plumb.dir / "sources/shop.yml").write_text(MAPPING)
    for day in range(4, 8):
        land(plumb, f"{day}.json", *[document(4) for _ in range(10)])
        plumb("run")
    assert [f for f in states(plumb) if "$doc" in f[1] + f[2]] == []
