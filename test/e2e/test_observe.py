# SPDX-License-Identifier: Apache-2.0
"""What a task notes of its records' shapes against what a slow program sees in the same files:
counts of all records, values of the sampled ones. PLUMB_FULL=1 takes more posts."""
import json
import math
import shutil
import subprocess
import sys

import pytest

import shape_reference as reference
import shape_stored as stored
from conftest import BUILD, ROOT
from lake import FULL, project

sys.path.insert(0, str(ROOT / "bench"))
import contenders  # noqa: E402

POSTS = BUILD / "bench" / "plumb-posts"
MAPPING = contenders.MAPPING
MANY, FEW = 60000 if FULL else 5000, 900


def named(parent, path):
    if parent is None:
        return "$"
    if "items" in path:
        return parent + "[*]"
    key = path["key"]
    return parent + ("." + key if reference.BARE.fullmatch(key) else
                     "[" + reference.quoted(key) + "]")


def entity(line):
    """What the record is about, as bytes; of one without an id the record itself."""
    record = json.loads(line, parse_int=reference.Literal, parse_float=reference.Literal)
    value = record.get("id")
    if value is None or isinstance(value, (dict, list)):
        return line.strip(" \t\r").encode()
    return json.dumps(value).encode() if isinstance(value, bool) else str(value).encode()


def expected(lines, few):
    """The reference: kinds of all records, values of the sampled ones."""
    sampled = [line for line in lines if few or stored.is_sampled(entity(line))]
    shape, values = reference.of_lines(lines), reference.of_lines(sampled)
    for name, path in shape.items():
        some = values.get(name) or reference.Path(None)
        for fact in ("classes", "numbers", "fractions", "texts", "different"):
            setattr(path, fact, getattr(some, fact))
    return shape, len(sampled)


def observed(plumb, *words):
    """Windows of every task of a plan, its documents as they lie in the lake."""
    run = plumb.json("plan", *words)
    windows = []
    for task in run["tasks"]:
        plumb("work", run["run"], task["task"])
        path = plumb.dir / "lake/.plumb/runs" / run["run"] / f"{task['task']}.json"
        windows += json.loads(path.read_text())["windows"]
    return windows


def land(plumb, variant, counts, mapping=MAPPING):
    """Files of so many posts each; their lines."""
    if not POSTS.exists():
        pytest.skip("needs bench/plumb-posts")
    project(plumb, {"posts": contenders.CONTRACT}, {"feed": mapping})
    lines, first = [], 0
    for number, count in enumerate(counts):
        made = subprocess.run([POSTS, "--first", str(first), "--posts", str(count), "--variant",
                               variant], check=True, capture_output=True).stdout
        (plumb.dir / f"{number}.ndjson").write_bytes(made)
        lines += made.decode().split("\n")
        first += count
        plumb("ingest", "feed", f"{number}.ndjson")
    return [line for line in lines if line]


def check(windows, lines, few):
    shape, sampled = expected(lines, few)
    got, errors = stored.Shape(), []
    for window in windows:
        got.add(window["shape"], named)
    wrong = reference.compare(shape, got.shown(), errors)
    assert not wrong, f"{len(wrong)} wrong, such as " + "; ".join(sorted(wrong)[:5])
    assert (got.records, got.sampled) == (len(lines), sampled)
    return got, errors


@pytest.mark.parametrize("variant", ["words", "text", "shuffle", "sparse", "escaped", "spaced"])
def test_a_task_sees_what_the_reference_sees(plumb, variant):
    lines = land(plumb, variant, [MANY // 2, MANY // 4, MANY - MANY // 2 - MANY // 4])
    windows = observed(plumb, "--tasks", "1")
    assert [w["objects"] for w in windows] == [[0, 1], [1, 1], [2, 1]]
    got, errors = check(windows, lines, few=False)
    assert got.objects == 3 and max(got.seen_in.values()) == 3
    if len(errors) > 5:
        assert math.sqrt(sum(e * e for e in errors) / len(errors)) < 2 * reference.DISTINCT_ERROR


@pytest.mark.parametrize("variant", ["text", "sparse"])
def test_every_record_of_a_small_task_is_sampled(plumb, variant):
    lines = land(plumb, variant, [FEW, 1, 17])
    check(observed(plumb), lines, few=True)


def test_records_that_are_left_out_are_seen_too(plumb):
    where = MAPPING + "where: platform == \"tiktok\"\n"
    lines = land(plumb, "text", [FEW], where)
    lines += ['{"id": "1", "platform": null, "created_at": "never", "odd": [{"x": 1.5}]}']
    (plumb.dir / "odd.ndjson").write_text("\n".join([lines[-1], "{not json}", "[1]", ""]))
    plumb("ingest", "feed", "odd.ndjson")
    check(observed(plumb), lines, few=True)


def test_no_shape_goes_through_the_plan(plumb):
    land(plumb, "text", [50])
    assert observed(plumb, "--no-shape") == []
    plumb("run", "--no-shape")


def test_shapes_that_find_no_room_are_read_again(plumb):
    """Six sources of sixteen windows each, and the least memory: what is known of them in the end
    is what is known with plenty of it."""
    if not POSTS.exists():
        pytest.skip("needs bench/plumb-posts")
    sources = {f"feed{n}": MAPPING.replace("source: feed", f"source: feed{n}") for n in range(6)}
    known = []
    for memory in "128MiB", "4GiB":
        project(plumb, {"posts": contenders.CONTRACT}, sources, f"memory: {memory}\n")
        for number, source in enumerate(sources):
            names = []
            for part in range(16):
                first = (number * 16 + part) * 250
                names.append(f"{source}-{part}.ndjson")
                (plumb.dir / names[-1]).write_bytes(subprocess.run(
                    [POSTS, "--first", str(first), "--posts", "250", "--variant", "text"],
                    check=True, capture_output=True).stdout)
            plumb("ingest", source, "--received", "2026-11-22", *names)
        plumb("run")
        known.append({s: plumb.json("shape", s)["paths"] for s in sources})
        shutil.rmtree(plumb.dir / "lake")
    assert known[0] == known[1]
    assert [paths[0]["seen"] for paths in known[0].values()] == [4000] * 6
