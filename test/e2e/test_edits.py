# SPDX-License-Identifier: Apache-2.0
"""Edits of generated mapping files: every kind of quote, flow and block, CRLF, comments everywhere.

PyYAML is the judge: the edited file says what it said, but for the one value; and the lines that
differ are the lines of that value.
"""
import random
import subprocess

import pytest

from conftest import BUILD
from lake import FULL, figures
from mapping_files import COLUMNS, Writer, changed, loaded, node_lines

FILES = 1000 if FULL else 200
RULES = ["id", "a | b | c", "create_time parse(epoch)", '= "tiktok"', "$received",
         'data[name="likes"].values[0].value', '$["a.b"].c', "= null", "= 12.50",
         'at parse(time("%a %b %d %H:%M:%S %z %Y", "Europe/Berlin"))', '$["it\'s"]',
         'money parse(number("1.234,5"))', '= "a: b # c"', '$["caf\u00e9"] | \U0001f600', "true",
         "~", "0x1F", "1:30", '= "\\\\ back \\" slash"', "- a", "? b", "a:b", "#c", "= ''", "%a",
         "@x", "`y`", "!t", "&n", "*n", "[a]", "{a: b}", "'", '"', "a  b", "= \"a  b\"", "null"]


@pytest.fixture
def edit(tmp_path):
    tool = BUILD / "test/tools/yaml_edit"

    def run(kind, text, name, value, after=""):
        path = tmp_path / "file.yml"
        path.write_bytes(text.encode())
        done = subprocess.run([tool, kind, path, "map", name, value, after], capture_output=True)
        return done.stdout.decode() if done.returncode == 0 else None, done.stderr.decode().strip()
    return run


def test_edits_of_generated_files_change_one_value_and_its_lines(edit):
    rng = random.Random(20261122)
    counts = dict.fromkeys(["set", "insert", "refused long form"], 0)
    for _ in range(FILES):
        names = rng.sample(COLUMNS, rng.randrange(2, 7))
        rules = [(n, None if rng.random() < 0.15 else rng.choice(RULES)) for n in names]
        text = Writer(rng).file(rules)
        before = loaded(text)
        assert list(before["map"]) == names
        for name, rule in rng.sample(rules, 2):  # replace
            value = rng.choice(RULES)
            new, why = edit("set", text, name, value)
            if rule is None:
                assert why == f"cannot edit '{name}' in 'file.yml': it is written in the long form"
                counts["refused long form"] += 1
                continue
            assert new is not None, (why, value, text)
            want = dict(before, map=dict(before["map"], **{name: value}))
            assert loaded(new) == want, (value, text, new)
            first, end, _ = changed(text, new)
            node = node_lines(text, name)
            assert new == text or node[0] <= first and end <= node[1] + 1, (value, text, new)
            counts["set"] += 1
        name = rng.choice([c for c in [*COLUMNS, "brand_new"] if c not in names])
        value, after = rng.choice(RULES), rng.choice([*names, ""])
        new, why = edit("insert", text, name, value, after)
        assert new is not None, (why, value, text)
        got = loaded(new)
        assert got == dict(before, map=dict(before["map"], **{name: value})), (value, text, new)
        place = names.index(after) + 1 if after else len(names)
        assert list(got["map"]) == names[:place] + [name] + names[place:]
        first, end, lines = changed(text, new)
        assert end - first <= 1 and len(lines) <= 2 - (end == first), (value, text, new)
        counts["insert"] += 1
    assert counts["set"] > FILES and counts["insert"] == FILES
    figures("edits of generated mapping files", f"{FILES} files: " + ", ".join(
        f"{count} {what}" for what, count in counts.items()) + "; no other line, PyYAML agrees")
