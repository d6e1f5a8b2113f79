# SPDX-License-Identifier: Apache-2.0
"""Local times of named zones: random ones of two centuries go through ingest and run, and what
PyIceberg reads back is what Python's zoneinfo, another reader of the same files, says.

Zoneinfo guesses where we do not. A local time is an instant only if zoneinfo reads exactly one
instant back as that local time. Half of the times stand within three hours of a change of clocks.
1,000 times per zone; PLUMB_FULL=1 makes it 50,000.
"""
import datetime
import json
import random
import zoneinfo

import pytest

from lake import FULL, figures, project, read

COUNT = 50_000 if FULL else 1_000
FOLDER = "/usr/share/zoneinfo"
UTC = datetime.timezone.utc
FIRST, LAST = datetime.datetime(1900, 1, 1), datetime.datetime(2100, 12, 31, 23, 59, 59)
SECOND, DAY = datetime.timedelta(seconds=1), datetime.timedelta(days=1)
ZONES = ["Europe/Berlin", "Europe/Dublin", "Europe/Moscow", "Europe/Amsterdam", "America/New_York",
         "America/Sao_Paulo", "America/St_Johns", "America/Caracas", "America/Nuuk",
         "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham",
         "Pacific/Kiritimati", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Jerusalem",
         "Africa/Casablanca", "Africa/Monrovia", "Antarctica/Troll", "Etc/GMT+12"]


def judge(zone, local):
    """The instants that clocks of the zone show as `local`."""
    found = set()
    for fold in 0, 1:
        instant = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None, fold=0) == local:
            found.add(instant)
    return found


def changes(zone):
    """What clocks show just before each change, 1900 to 2100: found by halving four days."""
    def offset(at):
        return at.replace(tzinfo=UTC).astimezone(zone).utcoffset()

    at, found = FIRST + DAY, []
    while at < LAST - 5 * DAY:
        low, high = at, at + 4 * DAY
        if offset(low) != offset(high):
            while high - low > SECOND:
                middle = low + (high - low) // (2 * SECOND) * SECOND
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(low + offset(low))
        at += 4 * DAY
    return found


def locals_of(rng, zone):
    near = changes(zone)
    for i in range(COUNT):
        if i % 2 and near:
            yield rng.choice(near) + rng.randrange(-10_800, 10_801) * SECOND
        else:
            yield FIRST + rng.randrange((LAST - FIRST) // SECOND) * SECOND


def test_local_times_are_the_instants_that_zoneinfo_says(plumb):
    zoneinfo.reset_tzpath([FOLDER])
    rng = random.Random(1884)
    zones = [zoneinfo.ZoneInfo(name) for name in ZONES]
    times = [list(locals_of(rng, zone)) for zone in zones]
    columns = "".join(f"  z{i}: timestamp\n" for i in range(len(ZONES)))
    rules = "".join(f"""  z{i}: 'z{i} parse(time("%Y-%m-%d %H:%M:%S", {name}))'\n"""
                    for i, name in enumerate(ZONES))
    project(plumb, {"t": f"table: t\ncolumns:\n  n: long!\n{columns}"},
            {"s": f"source: s\ninto: t\nmap:\n  n: n\n{rules}"})
    lines = [json.dumps({"n": n, **{f"z{i}": str(local) for i, local in enumerate(row)}})
             for n, row in enumerate(zip(*times))]
    plumb("ingest", "s", "-", input="\n".join(lines) + "\n")
    plumb("run")

    rows = read(plumb, "t").sort_by("n").to_pydict()
    assert len(rows["n"]) == COUNT
    skipped = twice = 0
    for i, zone in enumerate(zones):
        for n, local in enumerate(times[i]):
            want, got = judge(zone, local), rows[f"z{i}"][n]
            place = f"{local} in {ZONES[i]}"
            if len(want) == 1:
                assert got == next(iter(want)), place
            else:
                assert got is None, place
                assert f"z{i}:lost" in rows["_flags"][n], place
                skipped, twice = skipped + (not want), twice + bool(want)
    assert skipped > COUNT / 10 and twice > COUNT / 10
    figures("Local times of named zones",
            f"{len(ZONES)} zones, {COUNT} local times each, 1900 to 2100: all equal to zoneinfo;"
            f" {skipped} skipped and {twice} shown twice, all of them lost and none guessed")


@pytest.mark.parametrize("zone", ["Europe/Berlni", "../../../etc/passwd"])
def test_an_unknown_zone_is_a_mistake_with_its_place(plumb, zone):
    project(plumb, {"t": "table: t\ncolumns:\n  at: timestamp\n"},
            {"s": f"""source: s\ninto: t\nmap:\n  at: 'a parse(time("%F", {zone}))'\n"""})
    assert plumb("run", code=2).stderr == (
        f"plumb: sources/s.yml:4:27: unknown time zone '{zone}'\n"
        "  hint: Write a name such as Europe/Berlin, UTC, or an offset such as +01:00.\n")
