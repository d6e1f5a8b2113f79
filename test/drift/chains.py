# SPDX-License-Identifier: Apache-2.0
"""Version chains of recorded APIs: pairs of files, and what is known to differ between them.

A pair is (set, name, before, after, truth): two NDJSON files and the entry of truth.json.
"""
import gzip
import json
import pathlib

from drift.findings import keep


def _lines(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        text = file.read()
    if path.suffix == ".json":
        return [json.loads(text)]
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _groups(truth):
    if "streams" in truth:
        return [(g["stream"], g["pairs"]) for g in truth["streams"]]
    if "entities" in truth:
        return [(g["entity"], g["pairs"]) for g in truth["entities"]]
    return [("", truth.get("pairs", []))]


def _examples(folder, pair):
    """Example payloads of one event that have the same name on both sides."""
    sides = [_lines(folder / pair[side]) for side in ("from", "to")]
    for event in pair["events"]:
        named = [[r for r in side if r["event"] == event["event"]] for side in sides]
        both = {r["name"] for r in named[0]} & {r["name"] for r in named[1]}
        yield (event["event"], [[r["payload"] for r in side if r["name"] in both]
                                for side in named], event)


def pairs(shared, scratch):
    scratch, number = pathlib.Path(scratch), 0
    for path in sorted(pathlib.Path(shared, "data").glob("*/*/truth.json")):
        truth = json.loads(path.read_text())
        if path.parent.name == "snowplow-iglu-central":
            continue  # declared schemas, no records
        for group, found in _groups(truth):
            for pair in found:
                if not isinstance(pair, dict) or "from" not in pair:
                    continue
                span = "first to last" if pair.get("first_to_last") else pair["from"].split("/")[-1]
                if "events" in pair:
                    both = [(e, r, t) for e, r, t in _examples(path.parent, pair)]
                else:
                    both = [(group, [_lines(path.parent / pair[s]) for s in ("from", "to")], pair)]
                for name, (before, after), entry in both:
                    if not before or not after:
                        continue
                    number += 1
                    yield (path.parent.name, f"{name} {span}",
                           keep(before, scratch / f"{number}.before.jsonl"),
                           keep(after, scratch / f"{number}.after.jsonl"), entry)
