#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuse an #include that tools/layers.txt does not allow."""
import pathlib
import re
import sys

may, outside = {}, {}
for line in open("tools/layers.txt"):
    name, colon, rest = line.split("#")[0].partition(":")
    if colon:
        inner, _, outer = rest.partition("|")
        may[name.strip()], outside[name.strip()] = set(inner.split()), set(outer.split())
fenced = set().union(*outside.values())  # third-party headers with one home

bad = 0
for path in sorted(pathlib.Path("src").rglob("*.[ch]")):
    home = path.parts[1]
    for number, text in enumerate(open(path), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)', text)
        if not match:
            continue
        header = match[1]
        folder = header.split("/")[0]
        why = None
        if folder in may and "/" in header:
            if folder != home and folder not in may[home]:
                why = f"{home}/ may not use {folder}/"
            elif folder != home and header.endswith("_int.h"):
                why = f"private to {folder}/"
        elif header in fenced and header not in outside[home]:
            why = f"only {[f for f in outside if header in outside[f]]} may include it"
        if why:
            bad += 1
            print(f"{path}:{number}: {header}: {why}")
sys.exit(1 if bad else 0)
