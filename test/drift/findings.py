# SPDX-License-Identifier: Apache-2.0
"""What `plumb shape --diff FILE FILE --json` finds, and what values prove independent of it."""
import collections
import json
import math
import os
import subprocess


def findings(build, before, after):
    command = os.environ.get("PLUMB_DIFF", f"{build}/src/cli/plumb shape --diff --json").split()
    done = subprocess.run([*command, str(before), str(after)], capture_output=True, text=True,
                          check=False)
    if done.returncode not in (0, 3) or not done.stdout:
        raise SystemExit(f"{' '.join(command)} {before} {after}: {done.stderr}")
    return json.loads(done.stdout)["findings"]


def keep(records, path):
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path


def parts(path):
    """'$.a["b.c"][*]' as its keys: ('.a', '.b.c', '[*]')."""
    found, at = [], 1
    while at < len(path):
        if path.startswith("[*]", at):
            found.append("[*]")
            at += 3
        elif path[at] == "[":
            key, at = json.JSONDecoder().raw_decode(path, at + 1)
            found.append("." + key)
            at += 1
        else:
            end = at + 1
            while end < len(path) and path[end] not in ".[":
                end += 1
            found.append(path[at:end])
            at = end
    return tuple(found)


def values(record, path):
    """All values at a path of keys, in order."""
    found = [record]
    for key in path:
        if key == "[*]":
            found = [item for value in found if isinstance(value, list) for item in value]
        else:
            found = [value[key[1:]] for value in found
                     if isinstance(value, dict) and key[1:] in value]
    return found


def scalars(record, path=()):
    """Every (path, value) of a record that is a scalar and not null."""
    if isinstance(record, dict):
        for key, value in record.items():
            yield from scalars(value, (*path, "." + key))
    elif isinstance(record, list):
        for value in record:
            yield from scalars(value, (*path, "[*]"))
    elif record is not None:
        yield path, record


def room(value):
    """Bits that a value of this kind has room for: what a single agreement proves at most."""
    if isinstance(value, bool) or value == "":
        return 1.0
    if isinstance(value, (int, float)):
        return min(1 + math.log2(abs(value) + 1) + (10 if value != int(value) else 0), 32)
    text = str(value)
    if text.isdigit():
        return min(1 + math.log2(int(text) + 1), 32)
    return min(max(1.5 * len(text), 3), 32)


def bits(agreeing):
    """What these values, one of each entity, prove if all of them agree."""
    times, count = collections.Counter(map(str, agreeing)), len(agreeing)
    total = 0.0
    for value in agreeing:
        least = 2 ** -room(value)
        chance = (times[str(value)] - 1 + least) / count
        total += -math.log2(min(max(chance, min(least, 1 / count)), 1))
    return total
