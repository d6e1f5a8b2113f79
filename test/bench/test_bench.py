# SPDX-License-Identifier: Apache-2.0
"""`make bench`: a small one runs, and what it compares it really compares."""
import argparse
import json
import subprocess
import sys

import duckdb
import pytest

from conftest import BUILD, ROOT

pytestmark = pytest.mark.plain_build

sys.path.insert(0, str(ROOT / "bench"))
import bench  # noqa: E402  a folder of scripts, not a package
import compare  # noqa: E402
import contenders  # noqa: E402

VARIANTS = ["words", "text", "shuffle", "sparse", "escaped", "spaced"]


def posts(variant, count=300, first=0):
    return subprocess.run([BUILD / "bench/plumb-posts", "--posts", str(count), "--first",
                           str(first), "--variant", variant], capture_output=True,
                          check=True).stdout


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_json_with_posts_of_their_own(variant):
    made = posts(variant)
    found = [json.loads(line) for line in made.splitlines()]
    assert len({p["id"] for p in found}) == 300
    assert made == posts(variant)
    later = {json.loads(line)["id"] for line in posts(variant, first=300).splitlines()}
    assert not later & {p["id"] for p in found}


def test_a_style_changes_no_value():
    plain = [json.loads(line) for line in posts("text").splitlines()]
    for variant in ("shuffle", "escaped", "spaced"):
        assert posts(variant) != posts("text")
        assert [json.loads(line) for line in posts(variant).splitlines()] == plain


def written(folder, name, change=""):
    """A file of 50 rows with every column, `change` made to row 7."""
    folder.mkdir()
    columns = {**{c: f"'{c} ' || i" for c in compare.TEXTS}, **{c: "i" for c in compare.INTS},
               **{c: "i / 8" for c in compare.DOUBLES}, "verified": "i % 2 = 0",
               "published_at": "TIMESTAMP '2026-11-01' + to_seconds(i)",
               "hashtags": "[['a', 'b'], ['ab'], [], NULL][i % 4 + 1]"}
    if change:
        column, value = change.split("=", 1)
        columns[column] = f"CASE WHEN i = 7 THEN {value} ELSE {columns[column]} END"
    listed = ", ".join(f"{value} AS {column}" for column, value in columns.items())
    duckdb.execute(f"COPY (SELECT {listed} FROM range(50) t(i) ORDER BY hash(i + {len(name)})) "
                   f"TO '{folder}/{name}.parquet' (FORMAT parquet)")
    return compare.facts(folder.glob("*.parquet"))


def test_order_and_file_names_are_no_difference(tmp_path):
    one, other = written(tmp_path / "a", "x"), written(tmp_path / "b", "other")
    assert one["rows"] == 50 and compare.differences(one, other) == []


@pytest.mark.parametrize("change", [
    "likes=8", "likes=NULL", "caption='caption  7'", "caption=NULL", "verified=NULL",
    "published_at=TIMESTAMP '2026-11-01 00:00:07.000001'", "hashtags=['a,b']", "hashtags=[]",
    "engagement_rate=0.8750000000000001", "location_lat=-0.0", "platform='platform 8'"])
def test_a_planted_difference_is_found(tmp_path, change):
    lines = compare.differences(written(tmp_path / "a", "x"), written(tmp_path / "b", "x", change))
    assert any(line.startswith("whole rows:") for line in lines)
    assert any(line.startswith(change.split("=")[0]) for line in lines)


def test_rows_that_swapped_a_value_are_found(tmp_path):
    files = []
    for name, order in (("a", ""), ("b", "ORDER BY i DESC")):
        written(tmp_path / name, "x")
        duckdb.execute(f"COPY (SELECT * EXCLUDE (likes), row_number() OVER ({order}) AS likes FROM "
                       f"(SELECT *, row_number() OVER () AS i FROM '{tmp_path}/{name}/x.parquet') "
                       f"ORDER BY i) TO '{tmp_path}/{name}/y.parquet'")
        files.append(compare.facts([tmp_path / name / "y.parquet"]))
    assert [line.split(":")[0] for line in compare.differences(*files)] == ["whole rows"]


def small(tmp_path, *words):
    return subprocess.run([sys.executable, ROOT / "bench/bench.py", "--build", BUILD, "--posts",
                           "2000", "--rounds", "1", "--peer", "duckdb", "--cache",
                           tmp_path / "data", "--work", tmp_path / "work", "--markdown",
                           tmp_path / "results.md", *words], capture_output=True, text=True)


def test_a_small_bench_of_every_part_runs(tmp_path):
    done = small(tmp_path, "--variant", "sparse")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results.md").read_text() == done.stdout
    for title in ("## The job, variant sparse", "## Raw kept at level 0", "## Hostile: sparse",
                  "## Threads, eight files", "## Threads, one gzip file", "## Against the goals"):
        assert title in done.stdout
    assert "user CPU over its floor" in done.stdout


def test_other_rows_are_no_result(tmp_path):
    for name in ("0", "1"):
        (tmp_path / f"{name}.json").write_bytes(posts("text", first=300 * int(name)))
    files = sorted(tmp_path.glob("*.json"))
    options = argparse.Namespace(build=BUILD, work=tmp_path / "work", threads=2, rounds=1,
                                 floor=False)
    options.work.mkdir()
    ours, theirs = contenders.Plumb(BUILD, 2), contenders.peers(BUILD, 2)["duckdb"]
    assert bench.alternate([(ours, files), (theirs, files)], options)
    with pytest.raises(contenders.Failed, match="duckdb has other rows:\n  rows: 300 here, 600"):
        bench.alternate([(ours, files), (theirs, files[:1])], options)
