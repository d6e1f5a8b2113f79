# SPDX-License-Identifier: Apache-2.0
"""The shapes that plumb sees against those that a slow program sees: made-up posts in every form,
and real data. PLUMB_FULL=1 takes more posts and every file."""
import gzip
import json
import math
import subprocess

import pytest

import shape_reference as reference
from conftest import BUILD
from lake import DATA, FULL, data

POSTS = BUILD / "bench" / "plumb-posts"


def check(plumb, path, lines):
    errors = []
    wrong = reference.compare(reference.of_lines(lines), plumb.json("shape", path), errors)
    assert not wrong, f"{path}: {len(wrong)} wrong, such as " + "; ".join(sorted(wrong)[:5])
    return errors


@pytest.mark.parametrize("variant", ["words", "text", "shuffle", "sparse", "escaped", "spaced"])
def test_posts_have_the_shape_the_reference_sees(plumb, variant):
    if not POSTS.exists():
        pytest.skip("needs bench/plumb-posts")
    made = subprocess.run([POSTS, "--posts", "20000" if FULL else "1500", "--variant", variant],
                          check=True, capture_output=True).stdout
    (plumb.dir / "posts.ndjson").write_bytes(made)
    errors = check(plumb, "posts.ndjson", made.decode().splitlines())
    assert len(errors) > 5
    spread = math.sqrt(sum(e * e for e in errors) / len(errors))
    assert spread < 2 * reference.DISTINCT_ERROR


def test_recorded_data_has_the_shape_the_reference_sees(plumb):
    data("INDEX.md")
    files = sorted(f for f in DATA.rglob("*.jsonl*") if f.name.endswith((".jsonl", ".jsonl.gz")))
    compared, errors = 0, []
    for path in files if FULL else files[::10]:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8",
                                                          newline="\n") as text:
            lines = text.read().split("\n")
        if not any(line.strip() for line in lines):
            continue
        errors += check(plumb, path, lines)
        compared += 1
    assert compared >= 20
    if len(errors) > 20:
        spread = math.sqrt(sum(e * e for e in errors) / len(errors))
        assert spread < 1.5 * reference.DISTINCT_ERROR


ODD = [
    '{"k":1,"k":"2","":{"a.b":[[],[[]],{}]},"\\u00e9\\ud83d\\ude00":null}',
    '{"n":[-0,0.0,1e400,-1e-400,9007199254740993,18446744073709551616,5,5.0,"5","5.00"]}',
    '{"t":["4.7%","-3 %","2026-11-22","2026-11-22T10:00:00.5Z","Sat Nov 22 10:00:00 +0100 2025",'
    '"Sat, 22 Nov 2025 10:00:00 GMT","2025-11-22 10:00:00 UTC","2025-02-30","24:00"]}',
    '{"e":[1763805600,1763805600.0,"1763805600123",1763805600123456,978307199,4133980800]}',
    '{"w":["true","True","a b","x","","00000000-0000-0000-0000-000000000000","ftp://x","://"]}',
    '[1,{"in":2}]', '"text"', '17', 'null',
]


def test_odd_records_have_the_shape_the_reference_sees(plumb):
    (plumb.dir / "odd.ndjson").write_text("\n".join(ODD) + "\n")
    check(plumb, "odd.ndjson", ODD)


def test_the_reference_notices_every_wrong_figure(plumb):
    lines = ['{"a":%d,"b":"x%d"}' % (i * 7, i) for i in range(300)]
    (plumb.dir / "a.ndjson").write_text("\n".join(lines))
    document = plumb.json("shape", "a.ndjson")
    shape = reference.of_lines(lines)
    assert reference.compare(shape, document, []) == []
    for index, fact, value in ((1, "seen", 299), (1, "chances", 301), (1, "kinds", {"int": 299}),
                               (1, "classes", {"number": 299}), (1, "max", 2094.0),
                               (1, "min", None), (1, "fractions", 1), (1, "distinct", 360.0),
                               (1, "distinct_exact", True), (1, "quantiles", {"0.5": 1060.0}),
                               (2, "text_min", 1), (2, "text_max", 5)):
        paths = [dict(p) for p in document["paths"]]
        paths[index][fact] = value
        assert len(reference.compare(shape, {"paths": paths}, [])) == 1, fact
    assert reference.compare(shape, {"paths": document["paths"][:2]}, []) == ["$.b: missing"]


def test_who_looks_at_envelopes_is_told_how_to_look_at_their_records(plumb):
    posts = [[{"id": f"{n}-{i}", "likes": (n * 9 + i) * 7919 % 10007} for i in range(9)]
             for n in range(4)]
    pages = [{"at": n, "data": {"posts": some}} for n, some in enumerate(posts)]
    (plumb.dir / "a.json").write_text("\n".join(map(json.dumps, pages)))
    (plumb.dir / "b.json").write_text("\n".join(map(json.dumps, pages)).replace("likes", "hearts"))
    hint = ("If these are envelopes: --records 'data.posts[]' takes the 36 objects in them "
            "instead.\n")
    assert plumb("shape", "a.json").stdout.endswith("\n\n" + hint)
    assert plumb("shape", "--diff", "a.json", "b.json").stdout.endswith("\n\n" + hint)
    words = "shape", "--diff", "a.json", "b.json", "--records", "data.posts[]"
    said = plumb(*words).stdout
    assert "renamed   $.likes -> $.hearts" in said and "envelopes" not in said
    assert [f["class"] for f in plumb.json(*words)["findings"]] == ["renamed"]
