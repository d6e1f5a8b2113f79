#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Read a table with PyIceberg and nothing of plumb: read_table.py LAKE TABLE."""
import pathlib
import sys

from pyiceberg.catalog.sql import SqlCatalog

lake, name = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
catalog = SqlCatalog("plumb", uri=f"sqlite:///{lake}/plumb.db", warehouse=f"file://{lake}/tables")
table = catalog.load_table(f"default.{name}")
rows = table.scan().to_arrow()

print(f"PyIceberg: default.{name}, {len(table.snapshots())} snapshots, {rows.num_rows} rows")
for platform in sorted(set(rows["platform"].to_pylist())):
    scan = table.scan(row_filter=f"platform = '{platform}'", selected_fields=("post_id", "likes"))
    some = scan.to_arrow().sort_by([("likes", "descending")])
    print(f"  {platform:10} {some.num_rows:6} rows, most liked post {some['post_id'][0]}")
