# SPDX-License-Identifier: Apache-2.0
"""`plumb init --from` on every file of records somebody else wrote: what was guessed must run."""
import concurrent.futures
import json
import re
import shlex
import subprocess

import pytest

from conftest import Plumb, program
from lake import DATA, data, figures


def every_file():
    return sorted(p for p in DATA.rglob("*")
                  if p.name.endswith((".jsonl", ".jsonl.gz"))) if DATA.exists() else []


def guess_and_run(file, folder):
    """One project from one file: what the ledger says of it."""
    plumb = Plumb(folder)
    plumb("init", "p", "--from", file)
    plumb.dir = folder / "p"
    done = plumb.json("run")
    assert done["state"] == "published", done
    books = plumb.json("ledger")
    assert len(books) == 1
    assert books[0]["records"] == books[0]["curated"] + books[0]["quarantined"]
    assert books[0]["records"] == done["records"]["raw"]
    reasons = [f"{e['column'] or 'record'}: {e['reason']}" for e in plumb.json("quarantine")]
    counts = [books[0][k] for k in ("records", "curated", "quarantined", "lost")]
    return counts, reasons


def test_init_then_run_on_every_file_of_records(tmp_path):
    files = every_file() or data("none")
    sets, failed, worst = {}, [], []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = []
        for i, file in enumerate(files):
            (tmp_path / str(i)).mkdir()
            jobs.append((file, pool.submit(guess_and_run, file, tmp_path / str(i))))
        for file, job in jobs:
            name = "/".join(file.relative_to(DATA).parts[:2])
            try:
                counts, reasons = job.result()
            except (pytest.fail.Exception, AssertionError, json.JSONDecodeError) as error:
                failed.append(f"{file.relative_to(DATA)}: {error}")
                continue
            total = sets.setdefault(name, [0, 0, 0, 0, 0])
            for k, n in enumerate((1, *counts)):
                total[k] += n
            if counts[2] > counts[0] / 100:
                worst.append(f"{file.relative_to(DATA)}: {counts}: {reasons[:3]}")
    total = [sum(column) for column in zip(*sets.values())]
    figures("init --from, then run", "| set | files | records | rows | quarantined | values lost |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *(f"| {name} | {' | '.join(map(str, n))} |" for name, n in sorted(sets.items())),
            f"| all | {' | '.join(map(str, total))} |",
            *(["more than 1 % quarantined:"] + worst if worst else []))
    assert not failed, "\n".join(failed)
    assert not worst, "\n".join(worst)
    assert total[3] <= total[1] / 100


@pytest.mark.parametrize("text, why", [
    (b"", "no document is there"), (b"[]", "no document is there"),
    (b"a,b\n1,2\n", "not JSON at byte 0: a value is expected here")])
def test_a_sample_without_json_is_told(plumb, text, why):
    (plumb.dir / "a.json").write_bytes(text)
    said = plumb("init", "p", "--from", "a.json", code=1).stderr
    assert said == f"plumb: cannot infer a table from sample 'a.json': {why}\n"
    said = plumb("init", "p", "--from", "a.json", "--from", "a.json", code=1).stderr
    assert said == f"plumb: cannot infer a table from sample 'a.json' and 1 more: {why}\n"
    assert not (plumb.dir / "p").exists()


def test_the_commands_init_prints_work_in_a_row(plumb, samples):
    (plumb.dir / "posts.json").write_bytes(samples(platform="youtube", posts=200))
    said = plumb("init", "shop", "--from", "posts.json", "--source", "youtube", "--table",
                 "videos").stdout
    commands = re.findall(r"^\s+(plumb .*|cd .*)$", said, re.M)
    assert len([c for c in commands if c.startswith("plumb")]) >= 2, said
    script = "set -e\n" + "\n".join(commands)
    path = program("plumb").rsplit("/", 1)[0]
    done = subprocess.run(["bash", "-c", f"PATH={shlex.quote(path)}:$PATH\n{script}"],
                          cwd=plumb.dir, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_empty_name_is_not_the_root_folder(plumb):
    assert plumb("init", "", code=2).stderr.startswith(
        "plumb init: '' is no folder; '.' is this one\n")
