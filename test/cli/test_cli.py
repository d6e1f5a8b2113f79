# SPDX-License-Identifier: Apache-2.0
"""The frame of commands: help, options, exit codes, where a project is found, what goes where."""
import os
import pathlib
import pty
import re
import shutil
import subprocess

import pytest

from small import MAPPING, project


@pytest.fixture
def made(plumb):
    project(plumb.dir)
    return plumb


def commands(plumb):
    """The names `plumb help` lists."""
    lines = plumb("help").stdout.split("\nOptions of every command")[0].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


# help
def test_alone_it_says_how_to_begin(plumb):
    out = plumb().stdout
    first = [line.strip().split("  ")[0] for line in out.splitlines() if line.startswith("  plumb")]
    assert first == ["plumb init shop --from events.jsonl", "plumb -C shop run",
                     "plumb -C shop query 'SELECT ...'"]


def test_version(plumb):
    assert plumb("--version").stdout.startswith("plumb 0.")
    assert plumb("-V").stdout == plumb("--version").stdout


def test_every_command_explains_itself_with_an_example(plumb):
    names = commands(plumb)
    assert {"status", "tables", "quarantine", "doctor"} <= set(names)
    for name in names:
        text = plumb(name, "--help").stdout
        assert text == plumb("help", name).stdout == plumb(name, "-h").stdout
        assert text.startswith(f"plumb {name}: ")
        assert f"\nUsage: plumb {name}" in text
        assert "Example" in text
        assert all(len(line) <= 100 for line in text.splitlines()), name


def names_in(value):
    """Of every object in a JSON document; what another file says inside of it is not ours."""
    if isinstance(value, list):
        return set().union(*map(names_in, value))
    if isinstance(value, dict):
        return set(value).union(*(names_in(v) for k, v in value.items() if k != "detail"))
    return set()


def test_help_names_what_json_gives(made):
    (made.dir / "in.json").write_text('{"id": "a", "likes": 1}\n{"likes": 2}\n')
    given = {}

    def ask(name, *words):
        given[name] = names_in(made.json(name, *words, code=None))

    ask("ingest", "tiktok", "in.json")
    made("run")
    (made.dir / "in.json").write_text('{"id": "b", "likes": 3}\n')
    made("ingest", "tiktok", "in.json")
    planned = made.json("plan")
    given["plan"] = names_in(planned)
    ask("work", planned["run"], "t1")
    made("commit", planned["run"])
    for words in (["init", "new"], ["runs"], ["ledger"], ["tables"], ["describe", "post_metrics"],
                  ["mapping", "tiktok"], ["quarantine"], ["verify"], ["doctor"],
                  ["expire", "post_metrics"], ["relocate"],
                  ["rollback", "post_metrics", "--to", "previous"], ["history", "post_metrics"]):
        ask(*words)
    optional = {"init": {"columns", "left_out", "records", "records_path"},
                "verify": {"area", "rule", "place", "what"},  # of what it found
                "relocate": {"table", "source_prefix", "snapshots", "manifests", "files",
                             "metadata"},
                "rollback": {"source", "file", "version", "pinned"}}  # of what it pins
    wrong = []
    for name, printed in given.items():
        said = made(name, "--help").stdout.split("\nJSON: ")[1].split("\n\n")[0]
        named = set(re.findall(r'"(\w+)"', said))
        wrong += [(name, key) for key in printed - named]
        wrong += [(name, key) for key in named - printed - optional.get(name, set())]
    assert wrong == []


def test_help_needs_no_project_and_no_arguments(plumb):
    assert "Usage: plumb describe TABLE" in plumb("describe", "--help").stdout
    assert "Usage: plumb describe TABLE" in plumb("describe", "a", "b", "c", "--help").stdout


# mistakes in the call
@pytest.mark.parametrize("words, error", [
    (["stauts"], "plumb: unknown command 'stauts'\n  hint: Did you mean 'plumb status'?\n"),
    (["frobnicate"],
     "plumb: unknown command 'frobnicate'\n  hint: 'plumb help' lists the commands.\n"),
    (["--frob"], "plumb: unknown option '--frob'\n  hint: 'plumb help' lists the commands.\n"),
    (["-C"], "plumb: -C needs a value: the project's folder\n"),
    (["ledger", "--tabel=x"],
     "plumb ledger: unknown option '--tabel'\n  hint: Did you mean '--table'?\n"),
    (["ledger", "--jsn"], "plumb ledger: unknown option '--jsn'\n  hint: Did you mean '--json'?\n"),
    (["ledger", "--frobnicate"], "plumb ledger: unknown option '--frobnicate'\n"
                                 "  hint: 'plumb ledger --help' shows how it is used.\n"),
    (["ledger", "-x"], "plumb ledger: unknown option '-x'\n"
                       "  hint: 'plumb ledger --help' shows how it is used.\n"),
    (["ledger", "--table"], "plumb ledger: --table needs a value: T\n"
                            "  hint: 'plumb ledger --help' shows how it is used.\n"),
    (["ledger", "--table=a", "--table=b"], "plumb ledger: --table is given twice\n"
                                           "  hint: 'plumb ledger --help' shows how it is used.\n"),
    (["ledger", "--limit", "ten"],
     "plumb ledger: --limit takes a whole number from 1 up, not 'ten'\n"
     "  hint: 'plumb ledger --help' shows how it is used.\n"),
    (["ledger", "a", "b"], "plumb ledger: unexpected argument 'b'\n"
                           "  hint: 'plumb ledger --help' shows how it is used.\n"),
    (["describe"], "plumb describe: too few arguments: plumb describe TABLE"
                   " [--at SNAPSHOT|TIME] [--json]\n"
                   "  hint: 'plumb describe --help' shows how it is used.\n"),
    (["quarantine", "retyr"], "plumb quarantine: 'retyr' is not one of ls, show, retry; "
                              "did you mean 'retry'?\n"
                              "  hint: 'plumb quarantine --help' shows how it is used.\n"),
    (["drift", "shw"], "plumb drift: 'shw' is not one of ls, holds, events, show, shadow, approve, "
                       "promote, reject; did you mean 'show'?\n"
                       "  hint: 'plumb drift --help' shows how it is used.\n"),
    (["help", "stauts"], "plumb help: there is no command 'stauts'; did you mean 'status'?\n"
                         "  hint: 'plumb help --help' shows how it is used.\n"),
    (["completion", "tcsh"], "plumb completion: no completion for shell 'tcsh': bash, zsh and fish "
                             "have one\n  hint: 'plumb completion --help' shows how it is used.\n"),
])
def test_a_mistake_in_the_call_exits_with_2(made, words, error):
    done = made(*words, code=2)
    assert done.stderr == error
    assert done.stdout == ""


def test_control_bytes_of_an_argument_are_escaped(made):
    assert "unknown command '\\x1b[31mred'" in made("\x1b[31mred", code=2).stderr


def test_options_stand_anywhere_and_in_both_forms(made):
    for words in (["ledger", "--limit", "3", "--json"], ["ledger", "--json", "--limit=3"],
                  ["-C", made.dir, "ledger", "--json"], [f"-C{made.dir}", "ledger", "--json"],
                  ["ledger", "-C", made.dir, "--json"]):
        assert made(*words).stdout == "[]\n"
    assert "cannot find object '--JSON'" in made("ledger", "--", "--json", code=1).stderr


# the project
def test_without_a_project_it_says_how_to_get_one(plumb):
    done = plumb("status", code=2)
    assert done.stderr == (
        f"plumb: cannot find a project: no plumb.yaml in '{plumb.dir}' or any folder above\n"
        "  hint: Make one with 'plumb init DIR', or name one with -C DIR.\n")
    assert plumb("-C", "gone", "status", code=2).stderr == (
        "plumb: cannot open project 'gone': no plumb.yaml in it\n"
        "  hint: Make one with 'plumb init gone'.\n")


def test_the_nearest_parent_with_a_project_is_used(made):
    deep = made.dir / "a" / "b"
    deep.mkdir(parents=True)
    assert made.json("status", cwd=deep)["project"] == str(made.dir)
    project(made.dir / "a")
    assert made.json("status", cwd=deep)["project"] == str(made.dir / "a")
    assert made.json("-C", made.dir, "status", cwd=deep)["project"] == str(made.dir)


def test_all_mistakes_of_the_files_are_printed_at_once(made):
    (made.dir / "sources/tiktok.yml").write_text(MAPPING.replace("likes:    likes",
                                                                 "lkes:     likes parse(percnt)"))
    done = made("status", code=2)
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("plumb: sources/")]
    assert len(lines) >= 1
    assert all(line.startswith("plumb: sources/tiktok.yml:6:") for line in lines)
    assert "percnt" in done.stderr or "lkes" in done.stderr


def test_looking_makes_nothing(made):
    before = sorted(made.dir.rglob("*"))
    for words in (["status"], ["tables"], ["describe", "post_metrics"], ["history", "post_metrics"],
                  ["runs"], ["ledger"], ["quarantine"], ["mapping", "tiktok"]):
        made(*words)
        made(*words, "--json")
    made("doctor", code=None)
    assert sorted(made.dir.rglob("*")) == before


# output
def on_terminal(plumb, *words, env):
    """What it prints when stdout is a terminal."""
    master, slave = pty.openpty()
    subprocess.run([plumb.exe, *words], cwd=plumb.dir, stdout=slave, check=True,
                   env={**os.environ, "TERM": "xterm", **env})
    os.close(slave)
    text = b""
    try:
        while piece := os.read(master, 65536):
            text += piece
    except OSError:  # the other end is closed and all was read
        pass
    os.close(master)
    return text.decode()


def test_color_only_on_a_terminal_that_wants_it(made):
    assert "\x1b[" in on_terminal(made, "tables", env={})
    assert "\x1b[" not in on_terminal(made, "tables", env={"NO_COLOR": "1"})
    assert "\x1b[" not in on_terminal(made, "tables", env={"TERM": "dumb"})
    assert "\x1b[" not in made("tables").stdout


def test_a_reader_that_stops_early_is_no_failure(made):
    done = subprocess.run(f"{made.exe} help | head -1; echo ${{PIPESTATUS[0]}}", shell=True,
                          executable="/bin/bash", capture_output=True, text=True, cwd=made.dir)
    assert done.stdout == "Usage: plumb [-C DIR] COMMAND ...\n0\n"
    assert done.stderr == ""


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_a_failure(made):
    with open("/dev/full", "w") as full:
        done = subprocess.run([made.exe, "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                              cwd=made.dir)
    assert done.returncode == 1
    assert done.stderr == "plumb: cannot write output: No space left on device\n"


# completion
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_valid_and_knows_every_command(plumb, shell):
    script = plumb("completion", shell).stdout
    for name in commands(plumb):
        assert name in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_completes_commands_and_options(plumb):
    script = plumb("completion", "bash").stdout
    for words, want in {"plumb qua": "quarantine", "plumb -C x sta": "status",
                        "plumb ledger --ta": "--table"}.items():
        listed = words.split()
        done = subprocess.run(
            ["bash", "-c", f"{script}\nCOMP_WORDS=({words}); COMP_CWORD={len(listed) - 1}; _plumb; "
             'echo "${COMPREPLY[@]}"'], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == want
