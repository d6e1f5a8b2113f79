# SPDX-License-Identifier: Apache-2.0
"""Edits of generated mapping files: every kind of quote, flow and block, CRLF, comments everywhere.

PyYAML is the judge: the edited file says what it said, but for the one value; and the lines that
differ are the lines of that value.
"""
import random
import subprocess

import pytest
import yaml

from conftest import BUILD
from lake import FULL, figures

FILES = 1000 if FULL else 200
COLUMNS = ["post_id", "likes", "views", "published_at", "rate", "tags", "note", "x", "y_2"]
RULES = ["id", "a | b | c", "create_time parse(epoch)", '= "tiktok"', "$received",
         'data[name="likes"].values[0].value', '$["a.b"].c', "= null", "= 12.50",
         'at parse(time("%a %b %d %H:%M:%S %z %Y", "Europe/Berlin"))', '$["it\'s"]',
         'money parse(number("1.234,5"))', '= "a: b # c"', '$["caf\u00e9"] | \U0001f600', "true",
         "~", "0x1F", "1:30", '= "\\\\ back \\" slash"', "- a", "? b", "a:b", "#c", "= ''", "%a",
         "@x", "`y`", "!t", "&n", "*n", "[a]", "{a: b}", "'", '"', "a  b", "= \"a  b\"", "null"]
COMMENTS = ["# plain", "# likes: not a rule", "#", "# 'quote", '# "both" \'kinds\'', "# \u00fc",
            "#  {flow: [", "# | pipe"]


class Writer:
    """Text of a mapping file in a style of its own."""

    def __init__(self, rng):
        self.rng = rng
        self.line_end = rng.choice(["\n", "\n", "\r\n"])
        self.indent = " " * rng.choice([1, 2, 2, 4, 7])
        self.width = rng.choice([0, 0, 16, 24])

    def maybe(self, share):
        return self.rng.random() < share

    def comment(self):
        return " " * self.rng.choice([1, 2, 5]) + self.rng.choice(COMMENTS)

    def rest_of_line(self):
        return self.comment() if self.maybe(0.4) else " " * self.rng.choice([0, 0, 0, 1, 3])

    def between(self, indent):
        lines = []
        while self.maybe(0.3):
            lines.append(self.rng.choice(["", "   ", indent + self.rng.choice(COMMENTS),
                                          self.rng.choice(COMMENTS)]))
        return lines

    def scalar(self, text, flow):
        """The text as YAML, in a random one of the forms that can hold it."""
        single = "'" + text.replace("'", "''") + "'"
        double = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        forms = [single, double]
        try:
            plain = yaml.load(f"[{text}]" if flow else f"k: {text}", yaml.BaseLoader)
            if plain in ([text], {"k": text}):
                forms += [text] * 3
        except yaml.YAMLError:
            pass
        if not flow and text == text.strip() and text[0] not in " #" and "  " not in text:
            forms.append(">-" + self.line_end + self.indent * 2 + text)
            forms.append("|-" + self.line_end + self.indent * 2 + text)
        return self.rng.choice(forms)

    def key(self, name):
        return self.rng.choice([name] * 6 + [f"'{name}'", f'"{name}"'])

    def long_form(self):
        return self.rng.choice(["{path: a.b, parse: epoch}", "{literal: '\"x, y\"'}",
                                "[a, 'b parse(epoch)', {path: c}]"])

    def block(self, rules):
        lines = ["map:" + self.rest_of_line()]
        for name, rule in rules:
            lines += self.between(self.indent)
            key = self.key(name) + ":"
            value = self.long_form() if rule is None else self.scalar(rule, False)
            tail = "" if value[:2] in (">-", "|-") else self.rest_of_line()
            lines.append(self.indent + key.ljust(self.width) + " " + value + tail)
        return lines

    def flow(self, rules):
        parts = [f"{self.key(n)}: {self.long_form() if r is None else self.scalar(r, True)}"
                 for n, r in rules]
        if self.maybe(0.5):
            return ["map: {" + ", ".join(parts) + "}" + self.rest_of_line()]
        lines = ["map: {" + self.rest_of_line()]
        for i, part in enumerate(parts):
            comma = "," if i + 1 < len(parts) or self.maybe(0.3) else ""
            lines += [self.indent + part + comma + self.rest_of_line()] + self.between(self.indent)
        return [*lines, self.indent + "}" + self.rest_of_line()]

    def file(self, rules):
        head = [["source: tiktok" + self.rest_of_line()],
                ["into: 'post_metrics'" + self.rest_of_line()]]
        if self.maybe(0.5):
            head.append(["records: data.list[]" + self.rest_of_line()])
        body = self.block(rules) if self.maybe(0.7) else self.flow(rules)
        parts = [*head, body]
        if self.maybe(0.5):
            self.rng.shuffle(parts)
        lines = [line for part in parts for line in [*self.between(""), *part]] + self.between("")
        text = self.line_end.join(lines) + (self.line_end if self.maybe(0.8) else "")
        return ("\ufeff" if self.maybe(0.1) else "") + text


def loaded(text):
    return yaml.load(text, yaml.BaseLoader)


def node_lines(text, name):
    """First and last line of the entry's value, from 0; None if there is no such entry."""
    root = yaml.compose(text, yaml.BaseLoader)
    (section,) = [v for k, v in root.value if k.value == "map"]
    for key, value in section.value:
        if key.value == name:
            end = value.end_mark
            return value.start_mark.line, end.line - (end.column == 0 and end.line > 0)
    return None


def changed(old, new):
    """The range of lines of `old` that is not in `new`, and the lines that `new` has there."""
    a, b = old.split("\n"), new.split("\n")
    first = 0
    while first < min(len(a), len(b)) and a[first] == b[first]:
        first += 1
    last = 0
    while last < min(len(a), len(b)) - first and a[-1 - last] == b[-1 - last]:
        last += 1
    return first, len(a) - last, b[first:len(b) - last]


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
