# SPDX-License-Identifier: Apache-2.0
"""Functions called in a process with mounts of its own: what it mounts goes with it, whatever
happens, and nobody else sees it. Who is not root becomes it in a user namespace.

    inside("test_disk", "fill", folder, 20)      # test_disk.fill(folder, "20"), arguments as text
"""
import functools
import os
import subprocess
import sys

import pytest

from conftest import ROOT

TRY = 'mkdir "$0/tried" && mount -t tmpfs -o size=65536 none "$0/tried" && umount "$0/tried"'


@functools.cache
def apart(folder):
    """Words before a command that give it mounts of its own; the test is skipped without them."""
    words = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid():
        words = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        tried = subprocess.run([*words, "sh", "-c", TRY, folder], capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no mounts of our own here: {error}")
    if tried.returncode:
        pytest.skip(f"no mounts of our own here: {tried.stderr.strip()}")
    return words


def inside(module, function, folder, *words, timeout=600):
    """Call function(folder, *words) of a test module there; what it prints is given back."""
    paths = [str(ROOT / "test"), str(ROOT / "test/e2e")]
    script = (f"import sys; sys.path[:0] = {paths}\nimport {module}\n"
              f"{module}.{function}(*sys.argv[1:])")
    done = subprocess.run([*apart(str(folder)), sys.executable, "-c", script, str(folder),
                           *map(str, words)], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout


def mount(folder, *options):
    subprocess.run(["mount", *options, str(folder)], check=True)


def unmount(folder):
    """Also while PyIceberg, in this process, still has a database in it open."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
