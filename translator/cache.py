"""What earlier runs made, in a folder of the user's own, each thing under a name that holds all that it depends on.

What is kept is unpickled, so nobody else may plant any: a folder that others can write, or that is another user's, is not used. Each file
is written as a whole or not at all, and begins with a digest of what it holds, so that processes can share the folder.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import translator

LIMIT = 500_000_000
"""How many bytes the folder may hold before its oldest files are deleted."""

OLD = 86_400.0
"""Seconds after which nobody still writes a file that was there for a while only: its process was killed."""

_PART = ".part"

_DIGEST = hashlib.sha256().digest_size


class Corrupt(Exception):
    """A file of the cache does not hold what was written."""


def folder() -> Path | None:
    """Where it is: ``KQL2SIGMA_CACHE``, else below ``XDG_CACHE_HOME`` or ``~/.cache``; None where that is not this user's alone."""
    chosen = os.environ.get("KQL2SIGMA_CACHE")
    try:
        base = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kql2sigma"
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = base.stat()
    except (OSError, RuntimeError):
        return None
    if hasattr(os, "getuid") and (facts.st_uid != os.getuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        return None
    return base


def kept(path: Path) -> bytes | None:
    """What a file of the cache holds; None where it is not there.

    Raises:
        Corrupt: where it is not what was written.
    """
    try:
        with path.open("rb") as stored:
            digest, data = stored.read(_DIGEST), stored.read()
    except OSError:
        return None
    if hashlib.sha256(data).digest() != digest:
        raise Corrupt(str(path))
    return data


def keep(path: Path, data: bytes) -> None:
    """Writes a file of the cache; what cannot be written is not kept."""
    with suppress(OSError):
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=_PART, delete=False) as part:
            part.write(hashlib.sha256(data).digest() + data)
        os.replace(part.name, path)


def prune(base: Path, limit: int = LIMIT) -> None:
    """Deletes the oldest files of a folder until the others hold no more than ``limit`` bytes, and parts of files whose process is gone."""
    found, before = [], time.time() - OLD
    with suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            with suppress(OSError):  # another process deletes too
                if entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(_PART) and facts.st_mtime < before:
                        os.unlink(entry.path)
                        continue
                    found.append((facts.st_mtime_ns, facts.st_size, entry.path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            break
        with suppress(OSError):
            os.unlink(path)
        total -= size


def key_of(*parts: object) -> str:
    """A key of things that are written in full by ``repr``, and of this tool as it is."""
    return hashlib.sha256("\n".join([tool(), *map(repr, parts)]).encode("utf-8", "backslashreplace")).hexdigest()


@functools.cache
def tool() -> str:
    """The tool's version, a digest of its files, since two states of a working copy have one version, and what is installed beside it."""
    digest, root = hashlib.sha256(f"{translator.__version__}\n{sys.version}\n{_installed()}".encode()), Path(translator.__file__).parent
    grammars = (path for path in _files(str(root.parent / "grammars")) if path.endswith(".lark"))
    for path in sorted((*_files(str(root)), *grammars)):
        with open(path, "rb") as file:
            digest.update(os.path.basename(path).encode() + file.read())
    return digest.hexdigest()


def _files(folder: str) -> Iterator[str]:
    """The files below a folder that a person or an installer has written there."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            elif not entry.name.endswith(".pyc"):
                yield entry.path


def _installed() -> list[str]:
    """Names and versions of all packages, as their folders have them: Python's own reader takes longer to import than a rule to convert.

    Source: packaging.python.org/specifications/recording-installed-packages.
    """
    found = set[str]()
    for place in sys.path[1:]:  # the first is where the script is, or where it is run
        with suppress(OSError):
            found.update(name for name in os.listdir(place) if name.endswith((".dist-info", ".egg-info")))
    return sorted(found)


class Made:
    """What was made of things before, by what they hold.

    Args:
        base: the folder; None keeps nothing.
        parts: all else that it depends on, written in full by ``repr``.
        extension: of the names of its files.
    """

    def __init__(self, base: Path | None, *parts: object, extension: str = "made") -> None:
        self.base, self.of, self.extension = base, key_of(*parts) if base is not None else "", extension
        self.corrupt = self.new = 0

    def path(self, content: object) -> Path | None:
        """The file of what is made of ``content``; None where nothing is kept."""
        if self.base is None:
            return None
        key = hashlib.sha256(f"{self.of}\n{content!r}".encode("utf-8", "backslashreplace")).hexdigest()
        return self.base / f"{key}.{self.extension}"

    def get(self, content: object) -> object | None:
        """What was made of something; None where nothing was, and where that cannot be read again, which is counted."""
        path = self.path(content)
        if path is None:
            return None
        try:
            data = kept(path)
            return None if data is None else pickle.loads(data)
        except Exception:  # a pickle of another kind may raise anything
            self.corrupt += 1
            return None

    def put(self, content: object, made: object) -> None:
        """Keeps what was made of something."""
        if (path := self.path(content)) is not None:
            keep(path, pickle.dumps(made, pickle.HIGHEST_PROTOCOL))
            self.new += 1

    def close(self) -> None:
        """Makes room where the folder holds too much."""
        if self.base is not None and self.new:
            prune(self.base)
