"""What a run has converted, kept in its output folder until it comes to its end, so that the next one need not do it again."""

from __future__ import annotations

import dataclasses
import os
import pickle
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

from translator.cache import key_of
from translator.pack import Earlier, Entry
from translator.pipeline import Conversion
from translator.rulepack import Rule

FILE = ".kql2sigma-journal"

_VALUES = {("datetime", n) for n in ("datetime", "date", "timedelta")} | {("decimal", "Decimal")}
"""What a conversion may hold beside this project's own dataclasses and enumerations."""


class _Reader(pickle.Unpickler):
    """Reads conversions and nothing else, since anybody may have written the file. Source: Python's pickle, "Restricting Globals"."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "translator" or (module, name) in _VALUES:
            found = super().find_class(module, name)
            if isinstance(found, type) and (dataclasses.is_dataclass(found) or issubclass(found, Enum) or (module, name) in _VALUES):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a conversion")


class Journal:
    """The journal of an output folder, for runs without a cache. A run begins one when it has lasted for a while, where there is place.

    Attributes:
        path: the file.
    """

    PAUSE = 5.0
    """Seconds from which on it pays."""

    def __init__(self, root: Path, depends: Iterable[object]) -> None:
        """``depends`` are what conversions depend on beside their rules."""
        self.path, self.depends = root / FILE, tuple(depends)
        self.begun = time.monotonic()
        self.pending: list[Entry] = []
        self.opened = False

    def earlier(self) -> Earlier:
        """What an earlier run has converted of rules that are the same, with the same tool and options, and has left here."""
        found = dict(self._read())

        def entry_of(rule: Rule) -> Entry | None:
            entry = found.get(self._key(rule)) if found else None
            if entry is None or not isinstance(entry.result, Conversion):
                return None
            return replace(entry, result=replace(entry.result, rule=rule))

        return entry_of

    def _key(self, rule: Rule) -> str:
        return key_of(replace(rule, source=""), *self.depends)

    def _read(self) -> Iterator[tuple[str, Entry]]:
        if not self.path.is_file():  # a pipe in its place might never say anything
            return
        with (
            suppress(Exception),
            self.path.open("rb") as file,
        ):  # what is damaged, or was not written to its end, is as if it were not there
            while True:
                key, entry = _Reader(file).load()
                if not (isinstance(key, str) and isinstance(entry, Entry)):
                    return
                yield key, entry

    def keep(self, entry: Entry) -> None:
        """Adds a conversion, once the run has lasted for a while."""
        if isinstance(entry.result, Conversion):
            self.pending.append(entry)
        if time.monotonic() - self.begun >= self.PAUSE:
            self.flush()

    def flush(self) -> None:
        """Writes what was added."""
        pending, self.pending = self.pending, []
        with suppress(OSError, pickle.PicklingError, RecursionError):
            careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            flags = os.O_WRONLY | os.O_CREAT | careful | (os.O_APPEND if self.opened else os.O_TRUNC)
            with os.fdopen(os.open(self.path, flags, 0o600), "ab" if self.opened else "wb") as file:
                self.opened = True
                for entry in pending:
                    if isinstance(entry.result, Conversion):
                        file.write(pickle.dumps((self._key(entry.result.rule), entry)))

    def end(self) -> None:
        """Takes the file away."""
        with suppress(OSError):
            self.path.unlink()
