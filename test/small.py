# SPDX-License-Identifier: Apache-2.0
"""The smallest project there is: one table, one source."""
import pathlib

CONTRACT = """\
table: post_metrics
doc: One row per post.
key: [platform, post_id]
columns:
  platform: string!
  post_id:  string!
  likes:    long
"""
MAPPING = """\
source: tiktok
into: post_metrics
map:
  platform: = "tiktok"
  post_id:  id
  likes:    likes
"""


def project(folder):
    for name, text in {"plumb.yaml": "lake: ./lake\n", "contracts/post_metrics.yml": CONTRACT,
                       "sources/tiktok.yml": MAPPING}.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
