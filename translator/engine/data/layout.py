"""What readers of formats give: the columns that files have, and SQL that reads them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.plan.types import Type

Columns: TypeAlias = Mapping[str, Type]

SAMPLE = 2 << 20
"""Bytes of a file that its form and its columns are told by."""

LARGEST = 512 << 20
"""Bytes of the largest answer that is read as a whole; files of one event a line may have any size."""

PLACE = "kql file"
"""The column with a row's file, where an origin is asked for it."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column as files have it.

    Attributes:
        value: SQL over the origin.
        held: DuckDB's type of that; VARCHAR and JSON are converted by their text.
        kind: the type that the sample's values look like.
        zone: the time zone of times that name none: UTC, an offset such as ``+05:30``, or a name of the IANA database.
        order: ``mdy`` or ``dmy`` for times such as ``1/5/2026 13:05``, which tell it by their sample alone; empty where there are none.
        refused: why the column cannot be read.
        text: SQL that gives the text of a JSON value, where that is quicker than by way of ``value``.
    """

    value: str
    held: str
    kind: Type
    zone: str = "UTC"
    order: str = ""
    refused: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Files of one form.

    Attributes:
        form: what the files are, in the words of a message.
        origin: the SQL text behind FROM; True asks for the column ``PLACE`` besides.
        complete: whether the sample was all, so that a column that is not in ``fields`` is in no row.
        seen: for each file the ``fields`` that its sample has, where that is not all of them.
        stands: columns that another one stands for, by its name.
        line_of: the line that a row (from 1) begins at, None where the rows of the form are not lines.
        broken: what looks for the first place where the files are no JSON, and says it with its line; None where they are.
        notes: what is to be said of the files.
        plain: whether other engines read the files as they are: their columns are the table's.
    """

    form: str
    paths: tuple[Path, ...]
    fields: Mapping[str, Field]
    origin: Callable[[bool], str]
    complete: bool = True
    line_of: Callable[[Path, int], int] | None = None
    broken: Callable[[], str | None] = lambda: None
    notes: tuple[str, ...] = ()
    plain: bool = False
    seen: Mapping[Path, frozenset[str]] = field(default_factory=dict)
    stands: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file: its text (empty for a binary form) and whether that is all of it."""

    path: Path
    packed: bool
    text: str
    whole: bool
    binary: bytes = b""

    @property
    def compression(self) -> str:
        return "gzip" if self.packed else "none"

    def room(self) -> int:
        """Bytes that one object of the file may take.

        Raises:
            EngineError: where that is more than is read at once.
        """
        size = self.path.stat().st_size * (20 if self.packed else 1)
        if not self.packed and size > LARGEST:
            raise EngineError(
                f"{self.path} is one answer of {size >> 20} MB; up to {LARGEST >> 20} MB are read: split it, or export one event a line"
            )
        return max(16 << 20, min(LARGEST, size + 1024))


@dataclass(frozen=True, slots=True)
class Sample:
    """What a format's reader found in one file: files with the same ``key`` are read together.

    Attributes:
        kinds: the columns of the sample, each with the type that its values look like.
        facts: what the reader needs again to lay out the files.
    """

    head: Head
    key: tuple[object, ...]
    kinds: Mapping[str, Type]
    facts: Mapping[str, object] = field(default_factory=dict)


def literal(text: str) -> str:
    """A text as a literal of DuckDB."""
    return exp.Literal.string(text).sql(dialect="duckdb")


def identifier(text: str) -> str:
    """A name as a quoted one of DuckDB."""
    return exp.to_identifier(text, quoted=True).sql(dialect="duckdb")


def listed(paths: tuple[Path, ...]) -> str:
    """Paths as a list of DuckDB."""
    return "[" + ", ".join(literal(str(p)) for p in paths) + "]"


def pointer(*steps: str) -> str:
    """A JSON pointer (RFC 6901) as an SQL literal."""
    return literal("".join("/" + s.replace("~", "~0").replace("/", "~1") for s in steps))


def member(source: str, steps: Sequence[str], kind: Type, order: str = "") -> Field:
    """A column out of JSON: what ``source`` has behind ``steps``."""
    place = pointer(*steps)
    return Field(f"JSON_EXTRACT({source}, {place})", "JSON", kind, order=order, text=f"JSON_EXTRACT_STRING({source}, {place})")


def opened(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where it is a gzip archive."""
    stream = path.open("rb")
    packed = stream.read(2) == b"\x1f\x8b"
    if packed:
        stream.close()
        return cast(BinaryIO, gzip.open(path))
    stream.seek(0)
    return stream


def head_of(path: Path) -> Head:
    """The beginning of a file.

    Raises:
        EngineError: for what is no regular file, or is neither text in UTF-8 or UTF-16 nor a form that is known.
    """
    if not path.is_file():
        raise EngineError(f"{path} is no file that can be read" if path.exists() else f"{path} does not exist")
    try:
        with opened(path) as stream:
            packed = isinstance(stream, gzip.GzipFile)
            data = stream.read(SAMPLE)
            whole = len(data) < SAMPLE or not stream.read(1)
    except (OSError, EOFError, zlib.error) as error:
        raise EngineError(f"{path} cannot be read: {error}") from error
    if data[:4] == b"PAR1":
        return Head(path, packed, "", whole, data[:4])
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise EngineError(f"{path} is in UTF-16; save it in UTF-8 (for example: iconv -f UTF-16 -t UTF-8)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if whole or error.start < len(data) - 4:
            line = data.count(b"\n", 0, error.start) + 1
            raise EngineError(f"{path}, line {line}: no text in UTF-8 (byte {data[error.start]:#04x}); save the file in UTF-8") from error
        text = data[: error.start].decode("utf-8-sig")
    return Head(path, packed, text, whole)
