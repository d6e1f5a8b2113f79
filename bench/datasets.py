# SPDX-License-Identifier: Apache-2.0
"""Data sets of plumb-posts, made once and kept."""
import concurrent.futures
import os
import subprocess


def raw_bytes(files):
    """Bytes of JSON in them: gzip's last four say it, modulo 4 GiB."""
    total = 0
    for path in files:
        if path.suffix != ".gz":
            total += path.stat().st_size
            continue
        with open(path, "rb") as file:
            file.seek(-4, os.SEEK_END)
            total += int.from_bytes(file.read(), "little")
    return total


def _make(exe, path, first, count, variant, more):
    partial = path.with_name(path.name + ".part")
    words = [str(exe), "--first", str(first), "--posts", str(count), "--variant", variant, *more]
    with open(partial, "wb") as out:
        if path.suffix != ".gz":
            subprocess.run(words, stdout=out, check=True)
        else:
            maker = subprocess.Popen(words, stdout=subprocess.PIPE)
            subprocess.run(["gzip", "-6"], stdin=maker.stdout, stdout=out, check=True)
            if maker.wait() != 0:
                raise SystemExit(f"bench: {' '.join(words)} failed")
    partial.rename(path)


def made(options, variant, packed=True, count=None, posts=None, more=()):
    """The files of a data set: `posts` posts in `count` files."""
    count, posts = count or options.files, posts or options.posts
    name = "-".join([variant, str(posts), str(count), *more, *([] if packed else ["plain"])])
    folder = options.cache / name.replace("--", "")
    folder.mkdir(parents=True, exist_ok=True)
    exe = options.build / "bench/plumb-posts"
    bounds = [posts * i // count for i in range(count + 1)]
    files = [folder / f"{i:03}.json{'.gz' * packed}" for i in range(count)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda i: files[i].exists() or _make(
            exe, files[i], bounds[i], bounds[i + 1] - bounds[i], variant, more), range(count)))
    return files
