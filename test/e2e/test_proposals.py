# SPDX-License-Identifier: Apache-2.0
"""Renames proposed for generated mapping files: the diff has the lines of the rules concerned, the
files read back, and a run under the overlay fills a column from the new key and from the old one.

PyYAML reads the files, and the rules wanted are made here by replacing text.
"""
import json
import random
import re
import sqlite3
import subprocess

from conftest import BUILD
from lake import FULL, figures, project, read
from mapping_files import COLUMNS, Writer, loaded, node_lines

FILES = 2000 if FULL else 200
RULES = ["id", "a | b | c", 'data[name="likes"].values[0].value', '$["a.b"].c', "= \"tiktok\"",
         "$source", "stats.x parse(text) | id | = null", "stats.deep.y | stats.x", "data[3].values",
         '$["it\'s"] | b', '$["caf\u00e9"].id', "$[\"a: b\"].c | $[\"a #b\"].c", "b|stats.x",
         "x | \U0001f600 | stats.x", "stat.x", "statsx", "l.m | a"]
# Path before and after, and the same for the text of a rule's term.
RENAMES = [("$.id", "$.pid", r"id$", "pid"),
           ("$.stats", "$.metrics", r"stats(?=\.)", "metrics"),
           ("$.stats.x", "$[\"x y\"].z", r"stats\.x(?=$| )", '$["x y"].z'),
           ("$.data", "$.feed.data", r"data(?=\[)", "feed.data"),
           ("$.data[*].values", "$.data[*].points", r"(data\[[^]]*\])\.values", r"\1.points"),
           ("$.data[*].name", "$.data[*].title", r"data\[name=", "data[title="),
           ("$[\"a.b\"].c", "$.ab", r'\$\["a\.b"\]\.c$', "ab"),
           ("$[\"it's\"]", "$.its", r'\$\["it\'s"\]$', "its"),
           ("$.b", "$[\"\\u00e9 #\"]", r"b$", '$["\u00e9 #"]'),
           ("$.l", "$.k", r"l(?=\.)", "k"),
           ("$.nothing", "$.something", r"nothing", "something")]
CONTRACT = ("table: post_metrics\ncolumns:\n" + "".join(f"  {c}: string\n" for c in COLUMNS))


class MappingWriter(Writer):
    def long_form(self):
        return self.rng.choice(["{path: l.m}", "[l.m, {path: l.n}]", "{literal: '\"x, y\"'}"])


def wanted(rule, rename):
    """The rule with the new term in front of each that reads the old path."""
    _, _, pattern, new = rename
    terms = re.split(r"\s*\|\s*", rule.strip())
    out = rule
    for term in terms:
        made, count = re.subn("^" + pattern, new, term)
        if count:
            out = re.sub(r"(^|\|\s*)" + re.escape(term) + r"(?=\s*(\||$))",
                         lambda m, made=made, term=term: f"{m[1]}{made} | {term}", out, count=1)
    return out


def split(text):
    """Lines with their ends; only a line feed is one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def apply(diff, text):
    """The text under a unified diff without context."""
    old, at, new, last = split(text), 0, [], ""
    for line in split(diff)[2:]:
        if line[0] == "@":
            first, count = re.match(r"@@ -(\d+)(?:,(\d+))? ", line).groups()
            start = int(first) - (count != "0")
            new += old[at:start]
            at = start
        elif line[0] == "-":
            assert old[at].rstrip("\n") == line[1:].rstrip("\n")
            at += 1
        elif line[0] == "+":
            new.append(line[1:])
        else:
            assert line == "\\ No newline at end of file\n"
            if last == "+":
                new[-1] = new[-1][:-1]
        last = line[0]
    return "".join(new + old[at:])


def propose(tmp_path, text, rename, overlay=""):
    (tmp_path / "file.yml").write_bytes(text.encode())
    (tmp_path / "contract.yml").write_text(CONTRACT)
    done = subprocess.run([BUILD / "test/tools/propose", tmp_path / "file.yml",
                           tmp_path / "contract.yml", rename[0], rename[1], overlay],
                          capture_output=True)
    assert done.returncode == 0, (done.stderr.decode(), text)
    return json.loads(done.stdout)


def check(tmp_path, text, rename):
    rules = {name: rule for name, rule in loaded(text)["map"].items() if isinstance(rule, str)}
    want = {name: wanted(rule, rename) for name, rule in rules.items()}
    concerned = [name for name in rules if want[name] != rules[name]]
    made = propose(tmp_path, text, rename)
    if made["why_not"] is not None:
        assert not concerned or "long form" in made["why_not"], (rename, text)
        return made["why_not"]
    assert sorted(made["columns"]) == sorted(concerned), text
    after = loaded(made["mapping"])
    expected = loaded(text)
    expected["map"].update({name: want[name] for name in concerned})
    assert after == expected, (rename, text)
    assert loaded(made["under"]) == after
    assert loaded(made["overlay"]) == {name: want[name] for name in concerned}
    assert apply(made["diff"], text) == made["mapping"], (made["diff"], text)
    allowed = set()
    for name in concerned:
        first, last = node_lines(text, name)
        allowed |= set(range(first - 1, last + 1))
    for match in re.finditer(r"^@@ -(\d+)(?:,(\d+))? ", made["diff"], re.M):
        start, count = int(match[1]) - 1, int(match[2] or 1)
        assert set(range(start, start + count)) <= allowed, (made["diff"], text)
    return None


def some_rename(rng, rules):
    """One that most often changes a rule."""
    order = rng.sample(RENAMES, len(RENAMES))
    texts = [rule for rule in rules if isinstance(rule, str)]
    reading = [r for r in order if any(wanted(rule, r) != rule for rule in texts)]
    return reading[0] if reading and rng.random() < 0.95 else order[0]


def test_renames_in_generated_files_change_the_lines_of_their_rules(tmp_path):
    rng, made, long_form = random.Random(5), 0, 0
    for _ in range(FILES):
        columns = rng.sample(COLUMNS, rng.randint(3, len(COLUMNS)))
        rules = [(name, rng.choice(RULES) if rng.random() < 0.9 else None) for name in columns]
        text = MappingWriter(rng).file(rules)
        rename = some_rename(rng, loaded(text)["map"].values())
        why_not = check(tmp_path, text, rename)
        if why_not is None:
            made += 1
        elif rename[0] == "$.l" and "long form" in why_not:
            long_form += 1
        else:
            assert why_not == f"no rule of file.yml has to change for {rename[0]}", (why_not, text)
    assert made > FILES * 3 / 4
    figures("renames in generated mapping files",
            f"{FILES} files: {made} proposed, the diff has the lines of their rules alone; "
            f"{long_form} in the long form; {FILES - made - long_form} with nothing to change")


def test_a_second_rename_is_laid_over_the_first(tmp_path):
    text = "source: s\ninto: post_metrics\nmap:\n  post_id: id\n  likes: stats.x\n"
    first = propose(tmp_path, text, ("$.stats", "$.metrics"))
    second = propose(tmp_path, text, ("$.metrics.x", "$.likes"), first["overlay"])
    assert second["overlay"] == "likes: likes | metrics.x | stats.x\n"
    third = propose(tmp_path, text, ("$.id", "$.pid"), second["overlay"])
    assert third["overlay"] == second["overlay"] + "post_id: pid | id\n"
    assert loaded(third["under"])["map"] == {"post_id": "pid | id",
                                             "likes": "likes | metrics.x | stats.x"}


def test_a_run_under_an_overlay_reads_the_new_key_and_the_old_one(plumb, tmp_path):
    mapping = "source: s\ninto: post_metrics\nmap:\n  post_id: id\n  likes: stats.x\n"
    project(plumb, {"post_metrics": CONTRACT + "key: [post_id]\n"}, {"s": mapping})

    def run(name, *records):
        (plumb.dir / name).write_text("".join(json.dumps(r) + "\n" for r in records))
        plumb("ingest", "s", name)
        plumb("run")
        rows = read(plumb, "post_metrics", "post_id", "likes", "_mapping").to_pylist()
        return {row["post_id"]: (row["likes"], row["_mapping"]) for row in rows}

    before = run("1.json", {"id": "a", "stats": {"x": "1"}})
    assert before == {"a": ("1", 1)}
    overlay = propose(tmp_path, mapping, ("$.stats", "$.metrics"))["overlay"]
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("INSERT INTO mapping_uses VALUES('s', 'post_metrics', 0, ?, 0)", (overlay,))
    rows = run("2.json", {"id": "b", "metrics": {"x": "2"}}, {"id": "c", "stats": {"x": "3"}},
               {"id": "d", "metrics": {"x": "4"}, "stats": {"x": "5"}},
               {"id": "e", "metrics": {"x": None}, "stats": {"x": "6"}})
    assert rows == before | {"b": ("2", 2), "c": ("3", 2), "d": ("4", 2), "e": ("6", 2)}
    # The file as proposed is the version that ran.
    text = propose(tmp_path, mapping, ("$.stats", "$.metrics"))["mapping"]
    (plumb.dir / "sources/s.yml").write_text(text)
    with sqlite3.connect(plumb.dir / "lake/plumb.db") as db:
        db.execute("DELETE FROM mapping_uses")
    assert run("3.json", {"id": "f", "metrics": {"x": "7"}})["f"] == ("7", 2)
