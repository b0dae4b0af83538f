"""Arrays out of large JSON documents, as files of their own: an answer's rows, the records of an envelope.

DuckDB reads the elements of an array one by one, in little memory; a document that holds the array it reads at once, in twenty times the time.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from translator.engine.data.layout import SAMPLE, Head, head_of, literal, opened
from translator.engine.data.objects import DECODER, first_broken, space
from translator.engine.errors import EngineError

CHUNK = 1 << 20

LARGEST = 16 << 30
"""Bytes of the largest array that is taken out."""

REST = 16 << 20
"""Bytes that a document may have behind its array."""

_OTHERS = bytes(set(range(256)) - set(b'[]{}"'))
_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MARK = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Array:
    """An array of a document.

    Attributes:
        document: the document's file.
        path: a file that holds the array alone, as long as this object lives.
        line: the line of the document that the array begins at.
        rest: the document with an empty array in its place.
    """

    document: Path
    path: Path
    line: int
    rest: Any

    def elements(self) -> str:
        """SQL that reads the elements, as ``json``."""
        return f"read_json_objects({literal(str(self.path))}, format = 'array', compression = 'none')"

    def head(self) -> Head:
        """The beginning of the array, under the name of the document."""
        return replace(head_of(self.path), path=self.document)

    def broken(self) -> str | None:
        """The first place where the array is no JSON."""
        return first_broken(self.path, False, self.document, self.line)


def array_of(head: Head, *steps: str) -> Array:
    """The array that a document has behind ``steps``: names of members, or 0 for the first element.

    Raises:
        EngineError: where the document breaks off or breaks down, the array is none that is near its beginning, or the disk has no room.
    """
    start = _start(head.text, steps)
    if start is None:
        raise EngineError(f"{head.path}: expected an array {'.'.join(steps)} that begins within the first {SAMPLE >> 20} MB")
    folder = Path(tempfile.mkdtemp(prefix="kql2sigma"))
    before, line = head.text[:start], head.text.count("\n", 0, start) + 1
    try:
        with opened(head.path) as source, (folder / "array.json").open("wb") as target:
            mark = 3 if source.read(3) == b"\xef\xbb\xbf" else 0
            source.seek(mark + len(before.encode()) + 1)
            target.write(b"[")
            after = _copied(head, source, target)
        rest = json.loads(f"{before}[]{after.decode()}")
    except (OSError, EOFError, zlib.error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise EngineError(f"{head.path} cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise EngineError(f"{head.path}: no JSON behind the array {'.'.join(steps)} that begins at line {line}") from error
    except EngineError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    array = Array(head.path, folder / "array.json", line, rest)
    weakref.finalize(array, shutil.rmtree, folder, True)
    return array


def _start(text: str, steps: Sequence[str]) -> int | None:
    """Where the array behind ``steps`` begins."""
    at = space(text, 0)
    try:
        for step in steps:
            opening, at = text[at], space(text, at + 1)
            while opening == "{" or step != "0":
                name, at = DECODER.raw_decode(text, at)
                at = space(text, space(text, at) + 1)
                if name == step:
                    break
                at = space(text, space(text, DECODER.raw_decode(text, at)[1]) + 1)
        return at if text[at] == "[" else None
    except (ValueError, IndexError, RecursionError):
        return None


def _copied(head: Head, source: BinaryIO, target: BinaryIO) -> bytes:
    """Copies up to the bracket that closes the array; gives what stands behind it.

    Raises:
        EngineError: where there is no such bracket, or too much before or behind it.
    """
    room = min(LARGEST, shutil.disk_usage(Path(target.name).parent).free // 2)
    depth, inside, size, held = 1, False, 0, b""
    while data := source.read(CHUNK):
        data, held = held + data, b""
        if (len(data) - len(data.rstrip(b"\\"))) % 2:
            data, held = data[:-1], b"\\"
        # Two quotes side by side, be they of one text or of two, change nothing for the brackets before and behind them.
        marks = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _OTHERS).replace(b'""', b"")
        parts = marks.split(b'"')
        lowest, change = _depths(b"".join(parts[inside::2]))
        if depth + lowest <= 0:
            end = _end(data, depth, inside)
            target.write(data[:end])
            after = data[end:] + held + source.read(REST)
            if len(after) > REST:
                raise EngineError(f"{head.path}: expected no more than {REST >> 20} MB behind its rows")
            return after
        target.write(data)
        depth, inside, size = depth + change, inside ^ (len(parts) % 2 == 0), size + len(data)
        if size > room:
            raise EngineError(f"{head.path}: its rows take more than {room >> 20} MB, and the temporary folder has no room for them")
    raise EngineError(f"{head.path} breaks off within its rows: expected a bracket that closes them")


def _depths(text: bytes) -> tuple[int, int]:
    """The lowest depth that brackets lead to, and the last one."""
    for _ in range(8):
        text = text.replace(b"[]", b"").replace(b"{}", b"")
    depth = lowest = 0
    for mark in text:
        depth += 1 if mark in b"[{" else -1
        lowest = min(lowest, depth)
    return lowest, depth


def _end(data: bytes, depth: int, inside: bool) -> int:
    """Where the array is closed."""
    string = _STRING.match(data) if inside else None
    for found in _MARK.finditer(data, string.end() if string else 0):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(data)
