# SPDX-License-Identifier: Apache-2.0
"""Generated mapping files, each in a style of its own, and where in such a text an entry stands."""
import yaml

COLUMNS = ["post_id", "likes", "views", "published_at", "rate", "tags", "note", "x", "y_2"]
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
