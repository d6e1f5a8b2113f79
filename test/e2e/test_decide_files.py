# SPDX-License-Identifier: Apache-2.0
"""Renames approved in generated mapping files: `diff` shows the lines of the rules concerned and no
others, PyYAML reads what was wanted, and what was not possible left file and finding alone."""
import json
import random
import re
import sqlite3
import subprocess

from e2e.test_proposals import CONTRACT, RULES, MappingWriter, some_rename, wanted
from lake import FULL, books, figures, project
from mapping_files import COLUMNS, loaded, node_lines

FILES = 200 if FULL else 40


def opened(plumb, rename):
    """One finding, as the judge writes it; everything else is as it was."""
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        for table in ("findings", "mapping_uses", "events"):
            db.execute(f"DELETE FROM {table}")
        object, = db.execute("SELECT max(id) FROM objects").fetchone()
        before, after = rename[:2]
        document = {"fingerprint": f"renamed {before} {after}", "class": "renamed",
                    "strength": "strong", "before": before, "after": after, "root": True,
                    "confidence": 1, "factor": 1}
        db.execute("INSERT INTO findings(source, tbl, fingerprint, class, strength, before, after,"
                   " col, critical, state, first_us, opened_us, changed_us, first_object, run,"
                   " records, flips, logged, document) VALUES ('tiktok', 'post_metrics', ?,"
                   " 'renamed', 'strong', ?, ?, '', 0, 'open', 1, 1, 1, ?, '', 6, 0, '', ?)",
                   [document["fingerprint"], before, after, object, json.dumps(document)])
        return db.execute("SELECT max(id) FROM findings").fetchone()[0]


def differs(old, new):
    """The lines of the old file that diff(1) shows as changed, from 0."""
    shown = subprocess.run(["diff", "--text", old, new], capture_output=True).stdout.decode()
    lines = set()
    for first, last, kind in re.findall(r"^(\d+)(?:,(\d+))?([acd])\d", shown, re.M):
        start = int(first) - (kind != "a")
        lines |= set(range(start, int(last or first)))
    return lines


def test_diff_shows_only_the_lines_of_the_finding(plumb, tmp_path):
    rng, made, refused = random.Random(9), 0, 0
    project(plumb, {"post_metrics": CONTRACT},
            {"tiktok": "source: tiktok\ninto: post_metrics\nmap:\n  post_id: id\n"})
    (plumb.dir / "a.json").write_text('{"id": "a"}\n')
    plumb("ingest", "tiktok", "a.json")
    file = plumb.dir / "sources/tiktok.yml"
    kept = tmp_path / "kept.yml"
    for _ in range(FILES):
        columns = rng.sample(COLUMNS, rng.randint(3, len(COLUMNS)))
        text = MappingWriter(rng).file(
            [(name, rng.choice(RULES) if rng.random() < 0.9 else None) for name in columns])
        rename = some_rename(rng, loaded(text)["map"].values())
        file.write_bytes(text.encode())
        kept.write_bytes(text.encode())
        id = opened(plumb, rename)
        done = plumb("drift", "approve", id, "--no-replay", code=None)
        state, = books(plumb, "SELECT state FROM findings")[0]
        if done.returncode:
            refused += 1
            assert (done.returncode, state) == (1, "open"), done.stderr
            assert file.read_bytes() == kept.read_bytes()
            assert "by hand" in done.stderr or "no rule of" in done.stderr, (done.stderr, text)
            continue
        made += 1
        after, expected, allowed = loaded(file.read_bytes().decode()), loaded(text), set()
        for name, rule in expected["map"].items():
            if isinstance(rule, str) and wanted(rule, rename) != rule:
                expected["map"][name] = wanted(rule, rename)
                first, last = node_lines(text, name)
                allowed |= set(range(first - 1, last + 1))
        assert (after, state) == (expected, "accepted"), text
        assert differs(kept, file) <= allowed, (text, file.read_text())
    assert made > FILES / 2
    figures("approvals in generated mapping files",
            f"{FILES} files: {made} approved, diff shows the lines of their rules alone; "
            f"{refused} refused with the reason, file and finding as they were")
