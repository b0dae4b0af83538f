"""What earlier runs found, kept in a file, so that it is not found again."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from translator.commands.common import UsageProblem
from translator.report.values import plain

_Kept = TypeVar("_Kept")

_BEGINS = re.compile(r'\{"[0-9a-f]{64}": ')
"""How a file begins that was kept: its first key is a digest."""


class Kept(Generic[_Kept]):
    """A file of JSON with a line for each thing that was found, under a key that holds all that it depends on.

    A line that was not written to its end, and one of another form, are as if they were not there.

    Args:
        path: the file, made where it is not there; None keeps nothing.
        kind: the dataclass of what is kept.

    Raises:
        UsageProblem: where the file cannot be read or written, or is another one: nothing is to be written behind a rule.
    """

    def __init__(self, path: Path | None, kind: type[_Kept]) -> None:
        self.kind, self.lines = kind, dict[str, Any]()
        self.file = None
        if path is None:
            return
        try:
            held = path.read_text("utf-8") if path.exists() else ""
            if held and not _BEGINS.match(held):
                raise UsageProblem(f"{path} is there, and is not what --resume keeps: name another file")
            self.file = path.open("a", encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageProblem(f"{path} cannot be read and written: {getattr(error, 'strerror', None) or error}") from error
        for line in held.splitlines():
            try:
                self.lines |= json.loads(line)
            except (ValueError, TypeError):
                continue
        if held and not held.endswith("\n"):
            self.file.write("\n")

    def get(self, key: str) -> _Kept | None:
        """What an earlier run kept for a key; None where it kept nothing, or in a form that is no longer read."""
        try:
            return _read(self.kind, self.lines[key])  # type: ignore[no-any-return]
        except (KeyError, TypeError, ValueError):
            return None

    def keep(self, key: str, found: _Kept) -> None:
        """Keeps what was found for a key, on the disk at once: the next line may never come."""
        if self.file is not None:
            self.file.write(json.dumps({key: plain(found)}, ensure_ascii=False) + "\n")
            self.file.flush()


def _read(kind: Any, data: Any) -> Any:
    """What ``plain`` made of a value of a type; a value of any type stays as it is."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{f.name: _read(hints[f.name], data[f.name]) for f in dataclasses.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if origin in (typing.Union, types.UnionType):
        return None if data is None else _read(next(a for a in args if a is not type(None)), data)
    if origin is tuple:
        kinds = [args[0]] * len(data) if args[-1] is Ellipsis else args
        return tuple(_read(k, d) for k, d in zip(kinds, data, strict=True))
    if args and isinstance(data, dict):
        return {k: _read(args[1], v) for k, v in data.items()}
    return data
