# SPDX-License-Identifier: Apache-2.0
"""The raw zone as others see it: zcat and gzip read our objects, `ingest` says what it did."""
import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import time

import pyarrow
import pytest

CONTRACT = "table: post\ncolumns:\n  id: long\n"
MAPPING = "source: shop\ninto: post\nmap:\n  id: id\n"
TEXT = b'{"id": 1}\n{"id": 2}\n'


@pytest.fixture
def shop(plumb):
    """A project with one source, written by hand."""
    for name, text in {"plumb.yaml": "lake: ./lake\n", "contracts/post.yml": CONTRACT,
                       "sources/shop.yml": MAPPING}.items():
        path = plumb.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return plumb


def write(shop, name, data):
    (shop.dir / name).write_bytes(data)
    return name


def land(shop, name, data, *words):
    """Ingest one file; the object's JSON and its path."""
    one, = shop.json("ingest", "shop", write(shop, name, data), *words)["objects"]
    return one, shop.dir / "lake" / one["key"]


def tree(shop):
    return sorted(str(p.relative_to(shop.dir / "lake")) for p in (shop.dir / "lake").rglob("*")
                  if p.is_file() and not p.name.startswith("plumb.db"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_gzip_reader_sees_the_content_alone(shop, pack):
    one, path = land(shop, "a.json", pack(TEXT), "--received", "2026-11-22T03:04:05Z")
    assert one["state"] == "landed" and one["format"] == "ndjson" and not one["broken"]
    assert one["sha256"] == hashlib.sha256(TEXT).hexdigest()
    assert one["content_bytes"] == len(TEXT) and one["bytes"] == path.stat().st_size
    assert one["received"] == "2026-11-22T03:04:05Z"
    assert one["key"] == ("raw/source=shop/year=2026/month=11/day=22/hour=03/"
                          + one["object"] + ".json.gz")
    assert path.stat().st_mode & 0o7777 == 0o444
    assert gzip.decompress(path.read_bytes()) == TEXT
    with gzip.open(path) as file:
        assert file.read() == TEXT
    assert subprocess.run(["zcat", path], capture_output=True, check=True).stdout == TEXT
    assert subprocess.run(["gzip", "-t", path]).returncode == 0
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"SELECT sum(id) FROM read_json('{path}')").fetchone() == (3,)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_large_input_at_every_level(shop, level):
    (shop.dir / "plumb.yaml").write_text(f"lake: ./lake\nraw: {{level: {level}}}\n")
    rows = random.Random(7)
    text = b"".join(b'{"id": %d}\n' % rows.randrange(10**12) for _ in range(200_000))
    _, path = land(shop, "big.json", text)
    assert gzip.decompress(path.read_bytes()) == text
    assert (path.stat().st_size < len(text) * 0.7) == (level > 0)


def test_same_content_is_landed_once_however_compressed(shop):
    first, _ = land(shop, "a.json", TEXT)
    before = tree(shop)
    for name, data in {"b.json": TEXT, "c.gz": gzip.compress(TEXT, 9),
                       "d.gz": gzip.compress(TEXT[:10]) + gzip.compress(TEXT[10:])}.items():
        one, _ = land(shop, name, data)
        assert (one["state"], one["object"]) == ("known", first["object"])
    assert tree(shop) == before
    said = shop("ingest", "shop", "b.json").stdout
    assert said.startswith(f"b.json: already there as {first['object']}, from a.json, landed ")
    again, _ = land(shop, "b.json", TEXT, "--again")
    assert again["state"] == "landed" and again["object"] > first["object"]
    assert len(tree(shop)) == len(before) + 1


def test_several_files_and_a_missing_one(shop):
    for i in range(3):
        write(shop, f"{i}.json", b'{"id": %d}\n' % i)
    done = shop("ingest", "shop", "0.json", "none.json", "1.json", "2.json", "0.json", code=1)
    assert done.stdout.splitlines()[-1] == "3 landed, 1 already there, 1 failed"
    assert done.stderr == "plumb: cannot open file 'none.json': No such file or directory\n"
    done = shop("ingest", "shop", "none.json", "--json", code=1)
    assert json.loads(done.stdout)["objects"] == [
        {"object": None, "source": "shop", "file": "none.json", "state": "failed",
         "error": "cannot open file 'none.json': No such file or directory"}]


def test_standard_input(shop):
    done = shop("ingest", "shop", "-", "--json", "--received", "1795316645", input=TEXT)
    one, = json.loads(done.stdout)["objects"]
    assert (one["file"], one["state"]) == ("-", "landed")
    assert one["received"] == "2026-11-22T03:04:05Z"


def test_received_mtime(shop):
    write(shop, "a.json", TEXT)
    os.utime(shop.dir / "a.json", (86400, 86400))
    one, = shop.json("ingest", "shop", "a.json", "--received", "mtime")["objects"]
    assert "/year=1970/month=01/day=02/hour=00/" in one["key"]


@pytest.mark.parametrize("text, format", [
    (b"[1]", "array"), (b'{"id": 1}', "ndjson"), (b'{\n"id": 1\n}\n', "document"),
    (b"\xef\xbb\xbf\n [", "array"), (b"", "ndjson"), (b"garbage", "ndjson")])
def test_format_is_seen(shop, text, format):
    assert land(shop, "a", text)[0]["format"] == format
    assert land(shop, "b", gzip.compress(text), "--again")[0]["format"] == format
    assert land(shop, "c", text, "--again", "--format", "document")[0]["format"] == "document"


def test_an_empty_input_is_landed_and_said(shop):
    said = shop("ingest", "shop", "-", input="")
    assert said.stderr == "plumb: warning: file '-' is empty, landed as it is\n"
    assert shop("ingest", "shop", "-", input="").stderr == ""


def test_broken_gzip_is_kept_whole_and_said(shop):
    packed = gzip.compress(os.urandom(1000) * 50)
    for cut in (2, 10, 11, 500, len(packed) - 8, len(packed) - 1):
        done = shop("ingest", "shop", write(shop, "a.gz", packed[:cut]), "--json")
        one, = json.loads(done.stdout)["objects"]
        assert one["broken"]
        assert done.stderr.startswith(
            f"plumb: warning: file 'a.gz': its gzip data is broken at byte {cut} (truncated")
        stored = (shop.dir / "lake" / one["key"]).read_bytes()
        assert stored.endswith(packed[:cut])
        assert one["sha256"] == hashlib.sha256(b"broken\n" + packed[:cut]).hexdigest()
        assert shop.json("ingest", "shop", "a.gz")["objects"][0]["state"] == "known"


@pytest.mark.plain_build
def test_a_gzip_bomb_takes_time_but_no_memory(shop):
    write(shop, "bomb.gz", gzip.compress(bytes(256 << 20), 9))
    done = subprocess.run(["bash", "-c", "ulimit -v 400000; exec \"$0\" ingest shop bomb.gz --json",
                           shop.exe], cwd=shop.dir, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["objects"][0]["content_bytes"] == 256 << 20


def test_a_file_that_grows_is_refused(shop):
    write(shop, "a.json", b'{"id": 1}\n' * 3_000_000)
    with subprocess.Popen([shop.exe, "ingest", "shop", "a.json"], cwd=shop.dir, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        with open(shop.dir / "a.json", "ab") as file:
            while running.poll() is None:
                file.write(b'{"id": 2}\n')
                file.flush()
                time.sleep(0.001)
        assert running.returncode == 1
        message = running.stderr.read()
    assert message.startswith("plumb: cannot ingest file 'a.json': it changed while it was read (")
    assert "hint: Ingest it again once its writer is done; nothing of it was landed." in message
    assert not [p for p in tree(shop) if p.startswith(("raw", ".tmp"))]


def test_usage(shop):
    write(shop, "a.json", TEXT)
    assert shop("ingest", "shp", "a.json", code=2).stderr == (
        "plumb: unknown source 'shp'\n  hint: Did you mean 'shop'?\n")
    for words, text in {("--received", "noon"): "--received 'noon' ",
                        ("--format", "xml"): "unknown format 'xml'; it is one of auto, ndjson, "
                                             "array, document"}.items():
        assert text in shop("ingest", "shop", "a.json", *words, code=2).stderr
    assert "'-' may be given only once" in shop("ingest", "shop", "-", "-", code=2).stderr
    done = shop("ingest", "shop", ".", code=1)
    assert done.stderr == ("plumb: cannot ingest '.': it is a directory\n"
                           "  hint: Name the files in it.\n")
    done = shop("ingest", "shop", write(shop, "a.bz2", b"BZh9...."), code=1)
    assert done.stderr.startswith(
        "plumb: cannot ingest file 'a.bz2': bzip2 compression is not read yet\n")


def test_zstd_is_recompressed_and_the_same_content_is_known(shop):
    text = b"".join(b'{"id": %d}\n' % i for i in range(20000))
    packed = pyarrow.compress(text, "zstd", asbytes=True)
    (landed,) = shop.json("ingest", "shop", write(shop, "a.zst", packed))["objects"]
    assert landed["format"] == "ndjson"
    (stored,) = (shop.dir / "lake/raw").rglob("*.gz")
    assert gzip.decompress(stored.read_bytes()) == text
    (again,) = shop.json("ingest", "shop", write(shop, "a.json", text))["objects"]
    assert again["object"] == landed["object"]
    done = shop("ingest", "shop", write(shop, "cut.zst", packed[:-5]), code=1)
    assert done.stderr == (
        f"plumb: cannot ingest file 'cut.zst': zstd input is broken at byte {len(packed) - 5}: "
        "truncated\n"
        "  hint: Nothing of it was landed: it cannot be kept as gzip. Compress it again.\n")
    assert len(list((shop.dir / "lake/raw").rglob("*.gz"))) == 1


def test_killed_at_any_moment_nothing_is_half_or_twice(shop):
    rows = random.Random(5)
    text = b"".join(b'{"id": %d}\n' % rows.randrange(10**12) for _ in range(100_000))
    write(shop, "a.json", text)
    started = time.monotonic()
    shop("ingest", "shop", "a.json")
    whole = time.monotonic() - started
    for turn in range(12):
        write(shop, "a.json", b'{"id": -%d}\n' % turn + text)
        running = subprocess.Popen([shop.exe, "ingest", "shop", "a.json"], cwd=shop.dir,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * rows.random() * 1.1)
        running.send_signal(signal.SIGKILL)
        running.wait()
        shop("ingest", "shop", "a.json")
    objects = [p for p in tree(shop) if p.startswith("raw/")]
    assert len(objects) == 13
    assert not [p for p in tree(shop) if p.startswith(".tmp")]
    sizes = {len(gzip.decompress((shop.dir / "lake" / p).read_bytes())) for p in objects}
    assert all(size >= len(text) for size in sizes)


def test_many_at_once_land_the_same_content_once(shop):
    write(shop, "a.json", TEXT * 10000)
    shop("ingest", "shop", write(shop, "first.json", b"{}"))
    all_ = [subprocess.Popen([shop.exe, "ingest", "shop", "a.json", "--json"], cwd=shop.dir,
                             stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = [json.loads(p.communicate()[0])["objects"][0] for p in all_]
    assert [p.returncode for p in all_] == [0] * 6
    assert sorted(one["state"] for one in said) == ["known"] * 5 + ["landed"]
    assert len({one["object"] for one in said}) == 1
    assert len([p for p in tree(shop) if p.startswith("raw/")]) == 2


def test_read_only_lake(shop):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    land(shop, "a.json", TEXT)
    raw = shop.dir / "lake/raw/source=shop"
    raw.chmod(0o555)
    done = shop("ingest", "shop", write(shop, "b.json", b"{}"), "--received", "0", code=1)
    raw.chmod(0o755)
    assert "Permission denied" in done.stderr
