#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keep the house rules that neither the compiler nor clang-format knows.

  - every source file carries the SPDX line within its first 40 lines
  - no line is wider than 100 columns, none ends in white space
  - no function is longer than 70 lines, unless the comment above it says `// long: why`
  - none of the banned functions is called
  - nobody leaves a note to self behind
  - src/a/b.c has test/unit/a/b_test.c, or a line `src/a/b.c  reason` in test/untwinned.txt;
    `src/a/  reason` excuses a whole folder
"""
import pathlib
import re
import subprocess
import sys

WIDTH, LENGTH, HEADER = 100, 70, 40
BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strtok|gmtime|localtime|atoi|atol"
                    r"|rand|srand|system|gets)\s*\(")
NOTE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
QUIET = re.compile(r'//.*|/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')

problems = []


def problem(path, line, what):
    problems.append(f"{path}:{line}: {what}")


def listed(*patterns):
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns],
                           capture_output=True, text=True, check=True).stdout.split("\n")
    return [pathlib.Path(n) for n in names if n and pathlib.Path(n).is_file()]


def says_long(lines, brace):
    """Whether the comment above the function whose `{` is line `brace` explains its length."""
    for at in range(brace - 1, max(brace - 30, -1), -1):
        if lines[at].startswith("// long:"):
            return True
        if not lines[at].strip() or lines[at].startswith("}"):
            return False
    return False


def check_functions(path, lines):
    start = None
    for at, text in enumerate(lines):
        if text == "{":
            start = at
        elif text.startswith("}") and start is not None:
            length = at - start + 1
            if length > LENGTH and not says_long(lines, start):
                problem(path, start, f"function of {length} lines, limit is {LENGTH}")
            start = None


def check_source(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    if not any("SPDX-License-Identifier: Apache-2.0" in t for t in lines[:HEADER]):
        problem(path, 1, "no SPDX line")
    for number, text in enumerate(lines, 1):
        if len(text) > WIDTH:
            problem(path, number, f"{len(text)} columns, limit is {WIDTH}")
        if text != text.rstrip():
            problem(path, number, "white space at the end of the line")
        if NOTE.search(text):
            problem(path, number, "a note to self")
        if path.suffix in (".c", ".h"):
            called = BANNED.search(QUIET.sub('""', text))
            if called:
                problem(path, number, f"{called[1]}() is banned")
    if path.suffix in (".c", ".h"):
        check_functions(path, lines)


def check_twins():
    excused = {}
    for number, text in enumerate(open("test/untwinned.txt", encoding="utf-8"), 1):
        words = text.split("#")[0].split(None, 1)
        if not words:
            continue
        if words[0] in excused:
            problem("test/untwinned.txt", number, f"{words[0]} is listed twice")
        excused[words[0]] = number
        if len(words) < 2:
            problem("test/untwinned.txt", number, f"no reason for {words[0]}")
        if not pathlib.Path(words[0]).exists():
            problem("test/untwinned.txt", number, f"{words[0]} does not exist")
    for path in listed("src/*.c"):
        twin = pathlib.Path("test/unit", *path.parts[1:-1], path.stem + "_test.c")
        if twin.exists():
            if str(path) in excused:
                problem("test/untwinned.txt", excused[str(path)], f"{path} has a test by now")
        elif str(path) not in excused and f"{path.parent}/" not in excused:
            problem(path, 1, f"no {twin}, and no reason in test/untwinned.txt")


for source in listed("*.c", "*.h", "*.py", "*.sh", "*meson.build", "Makefile", ".ci/run"):
    check_source(source)
check_twins()
print("\n".join(problems))
sys.exit(1 if problems else 0)
