# SPDX-License-Identifier: Apache-2.0
"""The 60 seconds of the README, typed as they are written there."""
import gzip
import os
import re
import subprocess
import sys

from conftest import BUILD, ROOT, program


def blocks(language):
    tour = (ROOT / "README.md").read_text().split("## In 60 seconds")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", tour, re.DOTALL)


def bash(script, folder):
    paths = [os.path.dirname(program("plumb")), os.environ["PATH"]]
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, text=True,
                          capture_output=True, timeout=240, stdin=subprocess.DEVNULL,
                          env={**os.environ, "PATH": os.pathsep.join(paths)})


def test_the_tour_of_the_readme_works_as_written(samples, tmp_path):
    first, second = blocks("sh")
    (tmp_path / "build").symlink_to(BUILD)
    script = "\n".join(t for t in first.splitlines() if not t.startswith("make"))
    done = bash(script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rows" in done.stdout

    shop = tmp_path / "shop"
    more = samples(platform="youtube", posts=70, seed=2)
    (shop / "more.json.gz").write_bytes(gzip.compress(more))
    done = bash(second, shop)
    assert done.returncode == 0, done.stdout + done.stderr

    program_text = blocks("python")[0].replace("/path/to/shop", str(shop))
    done = subprocess.run([sys.executable, "-c", program_text.replace(".to_arrow()", ".count()")],
                          capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "5070", done.stderr


def test_every_file_the_documents_point_to_exists():
    for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text()
        for path in re.findall(r"`((?:src|test|tools|examples)/[\w./-]+)`", text):
            assert (ROOT / path).exists(), f"{name} names {path}"
        for path in re.findall(r"\]\(([\w./-]+)\)", text):
            assert (ROOT / path).exists(), f"{name} links {path}"
