# SPDX-License-Identifier: Apache-2.0
"""Medians and ratios of rounds, as a text and as Markdown: the same lines are both."""
import statistics
import sys

import datasets

# What is to be shown: (section, against, measure) -> (at least, aim). Sections of one kind begin
# alike. Ratios say how many times plumb is ahead; those marked <= are ours over theirs.
GOALS = [
    ("wall, against DuckDB with its columns declared", "The job, variant text", "duckdb", "wall",
     3.0, 4.0),
    ("wall, both outputs on disk", "The job, variant text", "duckdb", "wall, synced", 3.0, 4.0),
    ("user+sys CPU", "The job, variant text", "duckdb", "user+sys", 3.0, 4.0),
    ("random words: wall", "The job, variant words", "duckdb", "wall", 3.0, 4.0),
    ("random words: user+sys CPU", "The job, variant words", "duckdb", "user+sys", 3.0, 4.0),
    ("level 0: wall", "Raw kept", "duckdb", "wall", 3.5, 5.0),
    ("level 0: user+sys CPU", "Raw kept", "duckdb", "user+sys", 3.5, 5.0),
    ("ClickHouse, wall", "The job, variant text", "clickhouse", "wall", 3.0, 4.0),
    ("Polars, wall", "The job, variant text", "polars", "wall", 5.0, 8.0),
    ("PySpark local, wall", "The job, variant text", "spark", "wall", 8.0, 15.0),
    ("PySpark local, wall less its start", "The job, variant text", "spark", "less start", 8.0,
     15.0),
    ("shuffled keys: wall", "Hostile: shuffle", "duckdb", "wall", 2.0, 3.0),
    ("sparse, type drift: wall", "Hostile: sparse", "duckdb", "wall", 2.0, 3.0),
    ("escaped: wall", "Hostile: escaped", "duckdb", "wall", 2.0, 3.0),
    ("spaced: wall", "Hostile: spaced", "duckdb", "wall", 2.0, 3.0),
    ("peak memory", "The job, variant text", "duckdb", "memory", 4.0, 6.0),
    ("2 threads over 1, eight files", "Threads, eight", "plumb, 1 thread", "wall", 1.7, 1.9),
    ("2 threads over 1, one gzip", "Threads, one", "plumb, 1 thread", "wall", 1.6, 1.85),
    ("user CPU over the floor", "The job, variant text", "the floor", "floor", -1.6, -1.3),
    ("output bytes", "The job, variant text", "duckdb", "bytes", -1.05, -1.00),
    ("output bytes, compact", "The job, variant text", "duckdb", "bytes, compact", -0.97, -0.93),
    ("read-back", "The job, variant text", "duckdb", "read", -1.30, -1.05),
    ("read-back, compact", "The job, variant text", "duckdb", "read, compact", -1.00, -0.85),
]


def middle(values):
    """Median and range of ratios."""
    values = list(values)
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def lined(rows):
    """Rows of cells as a Markdown table whose columns line up."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in
                               enumerate(zip(row, widths))) + " |" for row in rows]
    rule = "|" + "|".join(("-" * (w + 2)) if i == 0 else "-" * (w + 1) + ":"
                          for i, w in enumerate(widths)) + "|"
    return [lines[0], rule, *lines[1:]]


def reads(one):
    return sum(one.reads.values())


# Theirs over ours, then ours over theirs: pairs of (title, function of a Round).
AHEAD = [("wall", lambda r: r.usage.wall), ("wall, synced", lambda r: r.usage.synced),
         ("user+sys", lambda r: r.usage.cpu), ("user", lambda r: r.usage.user),
         ("memory", lambda r: r.usage.peak)]
SIZE = [("bytes", lambda r: r.bytes), ("read", reads), ("read ints", lambda r: r.reads["ints"]),
        ("read texts", lambda r: r.reads["texts"])]


class Report:
    def __init__(self, options, where):
        command = "make bench " + " ".join(
            f"{name}={value}" for name, value in (
                ("PARTS", options.parts), ("POSTS", options.posts), ("ROUNDS", options.rounds),
                ("THREADS", options.threads), ("PEER", options.peer), ("VARIANT", options.variant))
            if value != "")
        self.lines, self.found = [], {}
        if not (options.append and options.markdown and options.markdown.exists()):
            self.say("# Results of `make bench`", "")
        self.say(f"`{command}`", "", *where, "",
                 f"{options.threads} threads each, medians of {options.rounds} alternating rounds; "
                 "ratios within a round, their median and in brackets their range. Peers do not "
                 "sync what they write; `synced` is the time until it was. plumb always syncs.", "")

    def say(self, *lines):
        self.lines += lines
        print("\n".join(lines), flush=True)

    def text(self):
        return "\n".join(self.lines) + "\n"

    def section(self, title, files, results):
        """One table of medians, one of ratios against the first contender."""
        packed = sum(f.stat().st_size for f in files)
        self.say(f"## {title}", "", f"{datasets.raw_bytes(files) / 1e6:.0f} MB of JSON in "
                 f"{len(files)} files of together {packed / 1e6:.0f} MB.", "")
        rows = [["", "wall s", "synced s", "user+sys s", "user s", "peak MiB", "output MB", "files",
                 "read ints s", "read texts s", "of 100 posts s"]]
        for name, rounds in results.items():
            def mid(of, form):
                return format(statistics.median(of(r) for r in rounds), form)
            if rounds[0].ingest:
                rows.append([f"{name}: ingest",
                             *(mid(lambda r, of=of: of(r.ingest), form) for of, form in (
                                 (lambda u: u.wall, ".2f"), (lambda u: u.wall, ".2f"),
                                 (lambda u: u.cpu, ".2f"), (lambda u: u.user, ".2f"),
                                 (lambda u: u.peak, ".0f"))), *[""] * 5])
            rows.append([f"{name}: run" if rounds[0].ingest else name,
                         mid(lambda r: r.usage.wall, ".2f"), mid(lambda r: r.usage.synced, ".2f"),
                         mid(lambda r: r.usage.cpu, ".2f"), mid(lambda r: r.usage.user, ".2f"),
                         mid(lambda r: r.usage.peak, ".0f"), mid(lambda r: r.bytes / 1e6, ".1f"),
                         mid(lambda r: r.files, ".0f"), mid(lambda r: r.reads["ints"], ".3f"),
                         mid(lambda r: r.reads["texts"], ".3f"),
                         f"{rounds[0].start:.2f}" if rounds[0].start else ""])
            if rounds[0].floor:
                rows.append([f"{name}: its floor", "", "", "", mid(lambda r: sum(r.floor), ".2f"),
                             *[""] * 6])
        self.say(*lined(rows), "")
        self._ratios(title, results)

    def _ratios(self, title, results):
        (name, ours), *others = results.items()
        found = self.found[title] = {}
        rows = [["against", *(n for n, _ in AHEAD), *(f"{n}, ours/theirs" for n, _ in SIZE)]]
        for other, theirs in others:
            pairs = list(zip(ours, theirs))
            values = {n: [of(b) / of(a) for a, b in pairs] for n, of in AHEAD}
            values |= {n: [of(a) / of(b) for a, b in pairs] for n, of in SIZE}
            found[other] = values
            if theirs[0].start and ours[0].start:
                values["less start"] = [(b.usage.wall - theirs[0].start) /
                                        max(a.usage.wall - ours[0].start, 1e-3) for a, b in pairs]
            rows.append([other, *(middle(values[n]) for n, _ in AHEAD + SIZE)])
            if "plumb, compact" in results and other != "plumb, compact":
                again = list(zip(results["plumb, compact"], theirs))
                for n, of in SIZE:
                    values[f"{n}, compact"] = [of(a) / of(b) for a, b in again]
        if others:
            self.say(f"{name} is ahead by:", "", *lined(rows), "")
        for n, rounds in results.items():
            if not rounds[0].floor:
                continue
            over = [r.usage.user / sum(r.floor) for r in rounds]
            found.setdefault("the floor", {}).setdefault("floor", over)
            inflating, compressing = (statistics.median(r.floor[i] for r in rounds) for i in (0, 1))
            self.say(f"{n}: user CPU over its floor {middle(over)}; the floor inflates for "
                     f"{inflating:.2f} s and compresses for {compressing:.2f} s.", "")

    def goals(self):
        """What was to be shown, and what was."""
        rows = [["", "at least", "aim", "measured", ""]]
        for what, section, other, measure, least, aim in GOALS:
            at = next((t for t in self.found if t.startswith(section)), None)
            values = self.found.get(at, {}).get(other, {}).get(measure)
            if values is None:
                continue
            value, sign = statistics.median(values), ">=" if least > 0 else "<="
            least_met, aim_met = ((value >= g if g > 0 else value <= -g) for g in (least, aim))
            rows.append([what, f"{sign} {abs(least):.2f}", f"{sign} {abs(aim):.2f}", middle(values),
                         "aim met" if aim_met else "met" if least_met else "missed"])
        if len(rows) > 1:
            self.say("## Against the goals", "", *lined(rows), "")
