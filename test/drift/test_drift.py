# SPDX-License-Identifier: Apache-2.0
"""What the classifier must reach, on recorded API versions and on made-up upgrades.

Made-up upgrades: 40 cases and 25 series, without entities by the thousand, and ten through the
whole program; PLUMB_FULL=1 makes it 1,000 of each, and 270.
"""
import contextlib
import io
import pathlib

import pytest

import lake
from conftest import BUILD
from drift import pipeline, recorded, upgrades


def printed(title, print_tables, *words):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print_tables(*words)
    lake.figures(title, *out.getvalue().splitlines())


def test_recorded_api_versions():
    lake.data()
    sets, total = recorded.play(BUILD, lake.SHARED)
    printed("Recorded API versions", recorded.print_paths, sets, total)
    printed("Renames in recorded API versions", recorded.print_renames, sets, total)
    assert total.found >= 0.99 * total.strong
    assert total.right >= 0.98 * total.said
    there, found, said, right = recorded.rename_rates(total, recorded.THRESHOLD)
    assert right == said
    assert found >= 0.80 * there


def reached(results, least, most=10 ** 9):
    there, _, recall, _, precision = upgrades.rates(
        [r for r in results if least <= r["entities"] < most])
    return there, recall, precision


@pytest.mark.timeout(3600)
def test_renames_among_decoys(tmp_path):
    shared = lake.SHARED if lake.DATA.exists() else None
    results = upgrades.play_renames(BUILD, shared, 1000 if lake.FULL else 40, tmp_path,
                                    upgrades.ENTITIES if lake.FULL else upgrades.ENTITIES[:7])
    printed("Made-up upgrades", upgrades.print_renames, results)
    assert reached(results, 100)[2] >= 0.995
    assert reached(results, 100)[1] >= (0.95 if lake.FULL else 0.85)
    assert reached(results, 20, 50)[1] >= (0.80 if lake.FULL else 0.5)
    assert upgrades.rates(results)[4] >= (0.995 if lake.FULL else 0.97)


@pytest.mark.timeout(3600)
def test_levels_move_without_a_unit(tmp_path: pathlib.Path):
    wrong = upgrades.play_series(BUILD, 1000 if lake.FULL else 25, tmp_path)
    assert wrong == []


SHORT = 0, 4, 16, 21, 33, 37, 47, 56, 59, 68


@pytest.mark.timeout(3600)
@pytest.mark.plain_build
def test_nothing_wrong_is_published(tmp_path):
    shared = lake.SHARED if lake.DATA.exists() else None
    results = pipeline.play_all(BUILD, shared, range(270) if lake.FULL else SHORT, tmp_path)
    printed("Upgrades through the whole program", pipeline.print_table, results)
    assert [r["number"] for r in results if r["nulls"] or r["absent"] or r["mistaken"]] == []
    assert [r["number"] for r in results if r["wrong"]] == []
    units = [r for r in results if r["kind"] in pipeline.UNITS and r["held"]]
    assert [r["number"] for r in units if "rescaled" not in r["classes"]] == []
    assert [r["number"] for r in results if r["false_holds"]] == []
    assert [r["number"] for r in results if r["unaccounted"]] == []
