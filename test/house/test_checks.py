# SPDX-License-Identifier: Apache-2.0
"""The checks of `make check`, on a toy tree: each rule is broken once and named once."""
import subprocess
import sys

from conftest import ROOT

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


def check(tool, folder, files):
    (folder / "test").mkdir()
    (folder / "test/untwinned.txt").write_text("")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    done = subprocess.run([sys.executable, ROOT / "tools" / tool], cwd=folder,
                          capture_output=True, text=True)
    assert done.returncode == (1 if done.stdout.strip() else 0), done.stderr
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def test_tidy_is_silent_about_a_tidy_tree(tmp_path):
    assert check("tidy.py", tmp_path, {"src/a/b.c": SPDX + "int a;\n",
                                       "test/unit/a/b_test.c": SPDX}) == []


def test_tidy_names_every_broken_rule_with_its_place(tmp_path):
    long = "void f(void)\n{\n" + "    ;\n" * 70 + "}\n"
    excused = "\n// long: a table of cases\nvoid g(void)\n{\n" + "    ;\n" * 70 + "}\n"
    note = "// TO" + "DO\n"
    assert check("tidy.py", tmp_path, {
        "src/a/bare.c": "int a;\n",
        "src/a/wide.c": SPDX + "//" + "w" * 99 + "\n",
        "src/a/tail.c": SPDX + "int a; \n",
        "src/a/note.c": SPDX + note,
        "src/a/call.c": SPDX + 'int f(char *t) { return atoi(t); } // atoi("1")\n',
        "src/a/long.c": SPDX + long + excused,
        "test/untwinned.txt": "src/a/bare.c  x\nsrc/a/wide.c  x\nsrc/a/tail.c\nsrc/a/note.c  x\n"
                              "src/a/call.c  x\nsrc/a/gone.c  x\nsrc/a/bare.c  x\n",
    }) == [
        "src/a/bare.c:1: no SPDX line",
        "src/a/call.c:2: atoi() is banned",
        "src/a/long.c:2: function of 72 lines, limit is 70",
        "src/a/note.c:2: a note to self",
        "src/a/tail.c:2: white space at the end of the line",
        "src/a/wide.c:2: 101 columns, limit is 100",
        "test/untwinned.txt:3: no reason for src/a/tail.c",
        "test/untwinned.txt:6: src/a/gone.c does not exist",
        "test/untwinned.txt:7: src/a/bare.c is listed twice",
        "src/a/long.c:1: no test/unit/a/long_test.c, and no reason in test/untwinned.txt",
    ]


def test_layers_refuses_what_points_up_or_strays(tmp_path):
    files = {
        "tools/layers.txt": "base:\njson: base | yaml.h\nquery: base json\n",
        "src/base/a.c": '#include "json/json.h"\n',
        "src/json/a.c": '#include "base/base.h"\n#include <yaml.h>\n',
        "src/query/a.c": '#include "json/json_int.h"\n#include <yaml.h>\n',
    }
    assert check("layers.py", tmp_path, files) == [
        "src/base/a.c:1: json/json.h: base/ may not use json/",
        "src/query/a.c:1: json/json_int.h: private to json/",
        "src/query/a.c:2: yaml.h: only ['json'] may include it",
    ]
