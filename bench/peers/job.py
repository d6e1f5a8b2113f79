# SPDX-License-Identifier: Apache-2.0
"""The command line that every peer's job has."""


def words(argv):
    """OUT THREADS FILE... [name=value...] as (out, threads, files, options)."""
    options = dict(w.split("=", 1) for w in argv[3:] if "=" in w.rsplit("/", 1)[-1])
    return argv[1], int(argv[2]), [w for w in argv[3:] if "=" not in w.rsplit("/", 1)[-1]], options
