# SPDX-License-Identifier: Apache-2.0
"""An event of another pipeline's SDK through a mapping file, against the row that pipeline expects:
what a mapping says is equal, and what it cannot say is listed with the reason. Which columns matter
is counted over every event row that pipeline's tests expect.
"""
import collections
import json

from lake import data, figures, project, read

RULES = {  # column: (type, rule)
    "event_timestamp": ("long!", "timestamp"),
    "event_id": ("string!", "event_id"),
    "event_time_msec": ("long", "timestamp"),
    "event_name": ("string", "event_type"),
    "device_mobile_brand_name": ("string", "brand"),
    "device_mobile_model_name": ("string", "model"),
    "device_manufacturer": ("string", "make"),
    "device_carrier": ("string", "carrier"),
    "device_network_type": ("string", "network_type"),
    "device_operating_system": ("string", "platform"),
    "device_operating_system_version": ("string", "os_version"),
    "device_vendor_id": ("string", "device_id"),
    "device_advertising_id": ("string", "device_unique_id"),
    "device_system_language": ("string", "system_language"),
    "device_screen_width": ("long", "screen_width"),
    "device_screen_height": ("long", "screen_height"),
    "geo_locale": ("string", "locale"),
    "user_first_touch_time_msec": ("long", "user._user_first_touch_timestamp.value"),
    "app_package_id": ("string", "app_package_name"),
    "app_version": ("string", "app_version"),
    "app_title": ("string", "app_title"),
    "platform": ("string", "platform"),
    "project_id": ("string", '= "test_project_id"'),
    "app_id": ("string", "app_id"),
    "screen_view_engagement_time_msec": ("long", "attributes._engagement_time_msec"),
    "page_view_page_referrer": ("string", "attributes._page_referrer"),
    "page_view_page_title": ("string", "attributes._page_title"),
    "page_view_page_url": ("string", "attributes._page_url"),
    "page_view_hostname": ("string", "host_name"),
    "user_id": ("string", "user._user_id.value"),
    "user_pseudo_id": ("string", "unique_id"),
    "session_id": ("string", "attributes._session_id"),
    "session_start_time_msec": ("long", "attributes._session_start_timestamp"),
    "session_duration": ("long", "attributes._session_duration"),
    "sdk_version": ("string", "sdk_version"),
    "sdk_name": ("string", "sdk_name"),
}

CLASSIFIED = "worked out from referrer and page by a table of known sites"
MISSING = {
    "ingest_time_msec": "the clock of the peer's own test",
    "device_time_zone_offset_seconds": "milliseconds to seconds: no parser changes a unit",
    "device_ua": "of the request around the event, not in it",
    "traffic_source_source": CLASSIFIED,
    "traffic_source_medium": CLASSIFIED,
    "traffic_source_campaign": CLASSIFIED,
    "traffic_source_channel_group": CLASSIFIED,
    "traffic_source_category": CLASSIFIED,
    "page_view_page_url_path": "a part of a text: no parser takes URLs apart",
    "custom_parameters": "every attribute no column took, as text: here that is _rest",
    "process_info": "file name and time of the peer's own job",
}
ELSEWHERE = {  # in other events
    "custom_parameters_json_str": "the same as custom_parameters, as another type",
}


def ranked(folder):
    """Columns of all expected event rows by how many of those have a value, and the rows."""
    counts, rows = collections.Counter(), 0
    for path in sorted(folder.rglob("expected/*.json")):
        text = path.read_text()
        try:
            documents = [json.loads(text)]
        except ValueError:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        for row in documents:
            if isinstance(row, dict) and "event_time_msec" in row:  # an event, of the newer schema
                rows += 1
                counts.update(name for name, value in row.items() if value is not None)
    return sorted(counts, key=lambda name: (-counts[name], name)), counts, rows


def test_the_most_frequent_expected_columns_are_produced_or_have_a_reason():
    order, counts, rows = ranked(data("events", "aws-clickstream-analytics"))
    at = [i for i, name in enumerate(order, 1) if name in RULES][29]  # where 30 are produced
    assert rows == 25 and at <= 42
    why_not = MISSING | ELSEWHERE
    reasons = {name: why_not[name] for name in order[:at] if name not in RULES}
    most = [name for name in order[:30] if name in RULES]
    figures("clickstream: expected event columns",
            f"{rows} expected event rows; of the 30 most frequent columns {len(most)} are produced",
            f"30 are produced within the {at} most frequent; the others among those:",
            *(f"- {name} ({counts[name]} of {rows}): {why}" for name, why in reasons.items()))
    assert len(most) == 21 and len(reasons) == at - 30


def test_an_event_gives_the_columns_its_own_pipeline_expects(plumb):
    folder = data("events", "aws-clickstream-analytics", "etl-common")
    expected = json.loads((folder / "expected/test_screen_view_engagement_time.json").read_text())
    columns = "".join(f"  {name}: {kind}\n" for name, (kind, _) in RULES.items())
    rules = "".join(f"  {name}: {rule}\n" for name, (_, rule) in RULES.items())
    project(plumb, {"events": f"table: events\ncolumns:\n{columns}"},
            {"sdk": f"source: sdk\ninto: events\nmap:\n{rules}"})
    plumb("ingest", "sdk", str(folder / "screen_view_engagement_time.json"))
    assert plumb.json("run")["records"] == {"raw": 1, "curated": 1, "quarantined": 0,
                                            "filtered": 0}
    (row,) = read(plumb, "events").to_pylist()
    produced = {name: row[name] for name in RULES}
    assert produced == {name: expected[name] for name in RULES}
    assert len(produced) >= 30
    assert {name for name, value in expected.items() if value is not None} - set(RULES) == \
        set(MISSING)
