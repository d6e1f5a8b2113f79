# SPDX-License-Identifier: Apache-2.0
"""What comes and goes: it waits and goes on each time, and nobody is told of each time."""
import sqlite3
import time

import duckdb
import pytest

from held import land, post, start
from lake import books, read

HOURS = 3600 * 1000000


def lack(plumb, day, key="shares"):
    """Some records without the key: their source waits."""
    land(plumb, "shop", f"lack{day}.json", [post(n, day, **{key: None}) for n in range(10)])


def fill(plumb, day):
    land(plumb, "shop", f"fill{day}.json", [post(n, day) for n in range(300)])


def events(plumb):
    """Of each state the number of events."""
    return dict(books(plumb, "SELECT kind, count(*) FROM events WHERE kind LIKE 'drift.%'"
                             " GROUP BY 1"))


def finding(plumb):
    (state, flips), = books(plumb, "SELECT state, flips FROM findings")
    return state, flips


def ago(plumb, hours):
    """Everything that was found happened that much earlier."""
    db = sqlite3.connect(plumb.dir / "lake/plumb.db")
    db.execute("UPDATE events SET at_us = at_us - ?", (hours * HOURS,))
    db.execute("UPDATE findings SET changed_us = changed_us - ?1, opened_us = opened_us - ?1,"
               " run = '01ARZ3NDEKTSV4RRFFQ69G5FAV'", (hours * HOURS,))
    db.commit()
    db.close()


def come_and_go(plumb, times, first=1, key="shares", hours=0):
    for day in range(first, first + times):
        lack(plumb, day, key)
        plumb("run", code=3)
        fill(plumb, day)
        plumb("run")
        if hours:
            ago(plumb, hours)


@pytest.fixture
def flapping(plumb):
    start(plumb, "shop")
    come_and_go(plumb, 3)
    assert finding(plumb) == ("resolved", 2)
    assert events(plumb) == {"drift.held": 3, "drift.resolved": 3}
    lack(plumb, 4)
    assert plumb.json("run", code=3)["findings"] == [1]
    assert finding(plumb) == ("flapping", 3)
    return plumb


def test_each_time_waits_and_one_event_says_that_it_flaps(flapping):
    plumb = flapping
    shown = plumb.json("drift", "show", "1")
    assert "they wait until" in shown["text"]["now"] and (
        "It came back 3 times, so nobody is told of each time any more." in shown["text"]["now"])
    fill(plumb, 4)
    assert plumb.json("run")["findings"] == []
    come_and_go(plumb, 3, 5)
    assert finding(plumb) == ("flapping", 6)
    assert events(plumb) == {"drift.held": 3, "drift.resolved": 3, "drift.flapping": 1}
    rows = read(plumb, "posts")
    assert duckdb.sql("SELECT count(*), count(*) FILTER (shares IS NULL) FROM rows").fetchone() == (
        800 + 7 * 310, 70) and len(rows)
    shown = plumb.json("drift", "show", "1")
    assert shown["held"] is None and shown["text"]["now"] == (
        "It came back 6 times, so nobody is told of each time any more. It is over once it did not "
        "show for a day.")
    # Joined objects do not count what waits twice.
    lack(plumb, 8)
    plumb("run", code=3)
    before, = books(plumb, "SELECT records FROM findings")
    lack(plumb, 9)
    plumb("run", code=3)
    assert books(plumb, "SELECT records FROM findings") == [(before[0] + 10,)]


def test_a_calm_day_ends_it(flapping):
    plumb = flapping
    fill(plumb, 4)
    plumb("run")
    ago(plumb, 23)
    fill(plumb, 5)
    plumb("run")
    assert finding(plumb)[0] == "flapping"
    ago(plumb, 2)
    fill(plumb, 6)
    assert plumb.json("run")["findings"] == [1]
    assert finding(plumb)[0] == "resolved"
    lack(plumb, 7)
    plumb("run", code=3)
    assert finding(plumb) == ("held", 1)  # those of the day before do not count


def test_what_comes_once_a_day_does_not_flap(plumb):
    start(plumb, "shop")
    come_and_go(plumb, 6, hours=13)
    assert finding(plumb) == ("resolved", 2)
    assert events(plumb) == {"drift.held": 6, "drift.resolved": 6}


def test_the_limit_and_reminders_hold_for_it_too(flapping):
    plumb = flapping
    file = plumb.dir / "plumb.yaml"
    file.write_text(file.read_text() + "drift: {limit: 1s}\n")
    time.sleep(1.1)
    plumb("run")
    assert finding(plumb)[0] == "deprecated" and events(plumb)["drift.deprecated"] == 1


def test_somebody_is_reminded_of_a_critical_column(plumb):
    start(plumb, "shop")
    file = plumb.dir / "plumb.yaml"
    come_and_go(plumb, 3, key="views")
    lack(plumb, 4, "views")
    plumb("run", code=3)
    assert finding(plumb)[0] == "flapping"
    file.write_text(file.read_text() + "drift: {limit: 1s}\n")
    time.sleep(1.1)
    plumb("run", code=3)
    assert events(plumb)["drift.flapping"] == 2 and finding(plumb)[0] == "flapping"
