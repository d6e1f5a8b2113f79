# SPDX-License-Identifier: Apache-2.0
"""A disk that loses power: what test/tools/power_recorder.c wrote down, replayed up to any point,
and every folder that may be found there afterwards.

The disk keeps no more promises than POSIX makes:

  - A write, a new size or a mode of a file is safe after an fsync of that file. Until then each may
    be kept, lost or, of a write, torn: some of its 512-byte sectors. What a lost write leaves out
    within a file's size is zeros, or what was there.
  - A name made, removed or moved is safe after an fsync of its folder. Until then each may be kept
    or lost, in any combination. A rename from one folder to another is two such changes, so the
    file may be found under both names or under none; within a folder it is one.
  - An fsync of a file does not save its name, nor one of a folder the folder's own name.
  - SQLite's -shm is never kept: it is mapped memory, and SQLite makes it anew.

Leaving out every fsync of one place in the program (`skip`) gives the disk of a program without it.
"""
import bisect
import hashlib
import os
import random
import shutil
import struct
import subprocess
from collections import namedtuple
from pathlib import Path

OPS = "create write size mode sync mkdir rmdir unlink rename link".split()
HEAD = struct.Struct("=IIQQIIII")
MARK = len(OPS)  # not of the recorder: a command ended here, acknowledged
SECTOR = 512

Op = namedtuple("Op", "kind mode inode offset path other chain data")


# ---- the log -------------------------------------------------------------------------------------
def mark(log, label):
    with open(log, "ab") as out:
        out.write(HEAD.pack(MARK, 0, 0, 0, len(label), 0, 0, 0) + label.encode())


def read_log(log):
    content, at, ops = Path(log).read_bytes(), 0, []
    while at < len(content):
        kind, mode, inode, offset, *sizes = HEAD.unpack_from(content, at)
        at += HEAD.size
        parts = []
        for size in sizes:
            parts.append(content[at:at + size])
            at += size
        path, other, chain = (os.fsdecode(part) for part in parts[:3])
        ops.append(Op("mark" if kind == MARK else OPS[kind], mode, inode, offset,
                      path.removesuffix(" (deleted)"), other, chain.split(), parts[3]))
    return ops


class Symbols:
    """Names for the addresses of a call chain, as far as the files of code have any."""

    def __init__(self):
        self.files = {}

    def name(self, address):
        file, offset = address.rsplit("+", 1)
        if file not in self.files:
            lines = subprocess.run(["nm", "--defined-only", file], text=True,
                                   capture_output=True).stdout.split("\n")
            self.files[file] = sorted((int(words[0], 16), words[2]) for words in
                                      map(str.split, lines) if len(words) == 3 and
                                      words[1] in "tTwW")
        at = bisect.bisect_left(self.files[file], (int(offset, 16), ""))
        return self.files[file][at - 1][1] if at else os.path.basename(file)


# ---- the disk ------------------------------------------------------------------------------------
def change(content, op):
    """One change of a file, made to a bytearray."""
    kind, at, data = op
    if kind == "size":
        del content[at:]
        content.extend(bytes(at - len(content)))
    elif kind == "write":
        content.extend(bytes(max(0, at - len(content))))
        content[at:at + len(data)] = data


class Node:
    """A file or a folder: what is safe of it, and the changes since."""

    def __init__(self, names=None, content=b"", mode=0o644):
        self.names = names      # of a folder: name -> Node; None: a file
        self.content = content  # of a file
        self.mode = mode
        self.pending = []       # folder: {name: Node or None}; file: (kind, offset, data)
        self.live = dict(names) if names is not None else None
        self.digest = None

    def sync(self):
        self.names, self.content, self.mode = self.after(self.pending)
        self.pending, self.digest = [], None

    def after(self, ops):
        """What is there once these changes have reached the disk."""
        if self.names is not None:
            names = dict(self.names)
            for op in ops:
                names.update(op)
            return {name: node for name, node in names.items() if node}, b"", self.mode
        if not ops:
            return None, self.content, self.mode
        content, mode = bytearray(self.content), self.mode
        for op in ops:
            if op[0] == "mode":
                mode = op[1]
            else:
                change(content, op)
        return None, bytes(content), mode


class Disk:
    """The folder `root` as it is now, everything safe; then apply() what was recorded."""

    def __init__(self, root, skip=()):
        self.skip = skip  # call chains whose fsync is not in the program
        self.missed = {}  # id of a node -> how many of its changes would be safe with it
        self.inodes = {}
        self.root = self.load(Path(root))
        self.unsafe = {}  # id -> Node with changes

    def load(self, path):
        if path.is_dir():
            node = Node({p.name: self.load(p) for p in path.iterdir()}, mode=0o755)
        else:
            node = Node(content=path.read_bytes(), mode=path.stat().st_mode & 0o7777)
        self.inodes[path.stat().st_ino] = node
        return node

    def find(self, path):
        node = self.root
        for name in path.split("/") if path else []:
            node = node.live[name]
        return node

    def alter(self, node, op):
        node.pending.append(op)
        self.unsafe[id(node)] = node
        if node.names is not None:
            node.live.update(op)
            node.live = {name: child for name, child in node.live.items() if child}

    def enter(self, path, node):
        folder, _, name = path.rpartition("/")
        self.alter(self.find(folder), {name: node})

    def move(self, op):
        (folder, _, name), (to, _, new) = op.path.rpartition("/"), op.other.rpartition("/")
        node = self.find(op.path)
        if folder == to:
            self.alter(self.find(folder), {name: None, new: node})
        else:
            self.enter(op.other, node)
            self.enter(op.path, None)

    def apply(self, op):
        if op.kind in ("create", "mkdir"):
            made = self.inodes[op.inode] = Node({} if op.kind == "mkdir" else None, mode=op.mode)
            made.mode = 0o755 if op.kind == "mkdir" else op.mode
            self.enter(op.path, made)
        elif op.kind in ("unlink", "rmdir"):
            self.enter(op.path, None)
        elif op.kind == "rename":
            self.move(op)
        elif op.kind == "link":
            self.enter(op.other, self.find(op.path))
        elif op.kind == "sync":
            node = self.inodes[op.inode]
            if key(op) in self.skip:
                self.missed[id(node)] = len(node.pending)
            else:
                node.sync()
                self.unsafe.pop(id(node), None)
                self.missed.pop(id(node), None)
        elif op.kind != "mark":
            self.alter(self.inodes[op.inode],
                       (op.kind, op.mode if op.kind == "mode" else op.offset, op.data))

    def state(self, chosen):
        """{path: (content, mode)} when of each node only the changes `chosen(node)` are kept; a
        folder's content is None."""
        found = {}

        def walk(node, path):
            names, content, mode = (node.after(chosen(node)) if node.pending else
                                    (node.names, node.content, node.mode))
            if names is None:
                found[path] = (content, mode)
                return
            if path:
                found[path] = (None, mode)
            for name, child in names.items():
                if not name.endswith("-shm"):
                    walk(child, f"{path}/{name}" if path else name)
        walk(self.root, "")
        return found


def key(op):
    """What tells one place of an fsync from another: the calls that led there."""
    return "\n".join(op.chain)


# ---- what is lost --------------------------------------------------------------------------------
def everything(node):
    return node.pending


def nothing(node):
    return []


def sizes(node):
    """Names and sizes reached the disk, data did not."""
    if node.names is not None:
        return node.pending
    ops, size = [], len(node.content)
    for kind, at, data in node.pending:
        size = at if kind == "size" else max(size, at + len(data)) if kind == "write" else size
        ops += [("size", size, b"")] if kind != "mode" else []
    return ops


def torn(op, rng):
    """Some sectors of a write."""
    kind, at, data = op
    cuts = [0, *range(SECTOR - at % SECTOR, len(data), SECTOR), len(data)]
    if rng.random() < 0.5:  # the first ones
        return [(kind, at, data[:rng.choice(cuts)])]
    return [(kind, at + a, data[a:b]) for a, b in zip(cuts, cuts[1:]) if rng.random() < 0.5]


def some(rng):
    """Each change kept, lost or torn by chance, with other odds each time."""
    odds, picked = rng.choice((0.2, 0.5, 0.8, 0.95)), {}

    def choose(node):
        if id(node) not in picked:
            ops = picked[id(node)] = []
            for op in node.pending:
                if rng.random() < odds:
                    ops.append(op)
                elif node.names is None and op[0] == "write" and rng.random() < 0.5:
                    ops += torn(op, rng)
        return picked[id(node)]
    return choose


def only(nodes, these, others):
    """`these` for the given nodes, `others` for all the rest."""
    return lambda node: (these if id(node) in nodes else others)(node)


def variants(disk, seed, draws, each):
    """(name, choice): the extremes, `draws` by chance, and with `each` every unsafe node alone lost
    or alone kept."""
    yield "all kept", everything
    yield "nothing kept", nothing
    yield "only names and sizes", sizes
    rng = random.Random(seed)
    for _ in range(draws):
        yield "by chance", some(rng)
    for node in list(disk.unsafe.values()) if each else ():
        yield "one lost", only({id(node)}, nothing, everything)
        yield "one without data", only({id(node)}, sizes, everything)
        yield "one kept", only({id(node)}, everything, nothing)


def losses(nodes):
    """(name, choice) of losing these nodes alone, given as Disk.missed."""
    yield "these lost", only(nodes, nothing, everything)
    yield "only these lost what they had", only(
        nodes, lambda node: node.pending[nodes[id(node)]:], everything)
    yield "only sizes of these", only(nodes, sizes, everything)
    yield "only these lost their last", only(nodes, lambda node: node.pending[:-1], everything)
    yield "all but these as they were", only(nodes, nothing, sizes)
    yield "nothing kept", nothing


def fingerprint(state):
    total = hashlib.blake2b(digest_size=16)
    for path in sorted(state):
        content, mode = state[path]
        total.update(f"{path}\0{mode}\0{-1 if content is None else len(content)}\0".encode())
        total.update(content or b"")
    return total.digest()


def rebuild(state, root):
    """Make the folder what the state says."""
    root = Path(root)
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path, (content, mode) in sorted(state.items()):
        if content is None:
            (root / path).mkdir()
        else:
            with open(root / path, "wb") as out:
                out.write(content)
            os.chmod(root / path, mode)
