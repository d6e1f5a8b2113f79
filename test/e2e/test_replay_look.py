# SPDX-License-Identifier: Apache-2.0
"""`replay --dry-run` compares rows that stand in the table with those a replay would make: the same
difference as Python finds between the table before and after that replay."""
import hashlib
import random

from held import CONTRACT, MAPPING, land, post, start
from lake import read


def edit(plumb, old, new, source="shop"):
    file = plumb.dir / "sources" / f"{source}.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def look(plumb, *words):
    (compared,) = plumb.json("replay", "posts", "--all", "--dry-run", *words)["compared"]
    return compared


def rows(plumb):
    return {(r["_object"], r["_record"]): r for r in read(plumb, "posts", "*", "_object", "_record")
            .to_pylist()}


def files(plumb):
    return {p: hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted((plumb.dir / "lake" / "tables").rglob("*")) if p.is_file()}


def differences(before, after):
    """By column: values that differ, and of those NULL before, NULL after."""
    found = {}
    for key in before.keys() & after.keys():
        for column in before[key]:
            old, new = before[key][column], after[key][column]
            if column[0] == "_" or old == new:
                continue
            counts = found.setdefault(column, [0, 0, 0])
            counts[0] += 1
            counts[1] += old is None
            counts[2] += new is None
    return found


def check(plumb, said):
    """Replay, and count again what was said to come of it."""
    before = rows(plumb)
    plumb("replay", "posts", "--all")
    after = rows(plumb)
    found = differences(before, after)
    assert {c["column"]: [c["differ"], c["filled"], c["emptied"]] for c in said["columns"]} == found
    assert (said["rows_before"], said["rows_after"]) == (len(before), len(after))
    assert (said["came"], said["went"]) == (len(after.keys() - before), len(before.keys() - after))
    assert said["differ"] == sum(any(before[k][c] != after[k][c] for c in before[k] if c[0] != "_")
                                 for k in before.keys() & after)
    for column in said["columns"]:
        for sums, side in ((column["sum_before"], before), (column["sum_after"], after)):
            if sums is not None:
                want = sum(r[column["column"]] or 0 for r in side.values())
                assert abs(sums - want) <= 1e-9 * abs(want)
    for s in said["samples"]:
        place = s["object"], s["record"]
        assert str(before[place][s["column"]]) == str(s["before"])
        assert str(after[place][s["column"]]) == str(s["after"])


def test_nothing_differs(plumb):
    start(plumb, "shop")
    was = files(plumb)
    said = look(plumb)
    assert (said["objects"], said["objects_total"], said["records"]) == (2, 2, 800)
    assert (said["differ"], said["came"], said["went"], said["columns"]) == (0, 0, 0, [])
    assert ("\nshop: compared with what stands in the table, 2 of 2 objects (" in
            plumb("replay", "posts", "--all", "--dry-run").stdout)
    assert files(plumb) == was


def test_other_rules(plumb):
    start(plumb, "shop")
    edit(plumb, "stats.likes", "stats.shares")
    edit(plumb, "stats.rate parse(percent)", "stats.rat parse(percent)")
    said = look(plumb)
    assert {c["column"] for c in said["columns"]} >= {"likes", "rate"}
    assert [s["column"] for s in said["samples"]] == ["likes", "rate", "likes", "rate"]
    told = plumb("replay", "posts", "--all", "--dry-run").stdout
    assert "): 800 rows would differ, 0 come and 0 go\n\ncolumn  differ  was NULL" in told
    assert "\nobject                      record  column  is " in told
    check(plumb, said)


def test_records_come_and_go_and_files_are_shared(plumb):
    start(plumb, "shop")
    rng = random.Random(5)
    edit(plumb, "map:", "where: stats.likes > 1000\nmap:")
    for n in range(5):
        land(plumb, "shop", f"m{n}.json", [post(rng.randrange(900), 4) for _ in range(50)])
    plumb("run")
    plumb("compact", "posts")
    edit(plumb, "where: stats.likes > 1000", "where: stats.likes < 1500")
    said = look(plumb)
    assert said["came"] > 0 and said["went"] > 0 and said["objects"] == 7
    check(plumb, said)


def test_budget(plumb):
    start(plumb, "shop")
    for n in range(10):
        land(plumb, "shop", f"m{n}.json", [post(k, n + 3) for k in range(100)])
    plumb("run")
    edit(plumb, "stats.likes", "stats.shares")
    few = look(plumb, "--compare", "60KB")
    assert 1 <= few["objects"] < 12 and few["objects_total"] == 12
    assert "  --compare all looks at every one\n" in \
        plumb("replay", "posts", "--all", "--dry-run", "--compare", "60KB").stdout
    assert look(plumb, "--compare", "all")["records"] == 1800
    none = plumb.json("replay", "posts", "--all", "--dry-run", "--compare", "none")
    assert none["compared"] == []
    assert "--compare is only for --dry-run" in \
        plumb("replay", "posts", "--all", "--compare", "all", code=2).stderr


def test_a_column_that_the_contract_has_lost_would_be_null(plumb):
    start(plumb, "shop")
    file = plumb.dir / "contracts" / "posts.yml"
    file.write_text(file.read_text().replace("  shares:  long\n", ""))
    edit(plumb, "  shares:  stats.shares\n", "")
    (column,) = look(plumb)["columns"]
    assert (column["column"], column["differ"], column["emptied"]) == ("shares", 800, 800)
