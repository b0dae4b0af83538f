"""Values separated by commas, tabs or semicolons, with a line of names: exports of portals, of Kusto.Explorer, of spreadsheets."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from translator.engine.data.layout import PLACE, Columns, Field, Head, Layout, Sample, listed, literal, opened
from translator.engine.data.values import kind_of_text, order_of
from translator.engine.errors import EngineError
from translator.plan.types import Type

LINE = 16 << 20
"""Bytes that one row may take."""

ROWS = 20_480
"""Rows of the sample."""

_ABOVE = re.compile(r"(?:#TYPE [^\r\n]*|sep=(.))\r?\n")
"""A line above the names, as Export-Csv of Windows PowerShell and Excel write it: the second says what stands between values."""


def _begin(text: str) -> tuple[bool, str]:
    """Whether a text has a line above the names, and what stands between its values."""
    above = _ABOVE.match(text)
    first = (text[above.end() :] if above else text).lstrip("\r\n").split("\n", 1)[0]
    return above is not None, (above and above[1]) or max(",\t;|", key=first.count)


@contextlib.contextmanager
def _long_values() -> Iterator[None]:
    """Lets Python's reader take values as long as a row may be; how long they may be is one setting for all of its users."""
    before = csv.field_size_limit(LINE)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@_long_values()
def sampled(head: Head) -> Sample | None:
    """The columns of a file with a line of names; None for what is no such file.

    Raises:
        EngineError: for a row of the sample with more or fewer values than there are names.
    """
    if head.binary or head.text.lstrip()[:1] in ("{", "["):
        return None
    above, delimiter = _begin(head.text)
    rows = []
    reader = csv.reader(io.StringIO(head.text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > ROWS + above:
                break
    except csv.Error as error:
        if head.whole:
            raise EngineError(f"{head.path}, line {reader.line_num}: no row of values ({error})") from error
    full = head.whole or len(rows) > ROWS + above
    rows = rows[above:]
    if not rows:
        return None
    names, body = rows[0], rows[1:] if full else rows[1:-1]
    for index, row in enumerate(body, 1):
        if len(row) != len(names):
            raise _ragged(head.path, _line_of(head.path, index + above, delimiter), len(names), len(row))
    columns = list(zip(*body, strict=True)) if body else [()] * len(names)
    kinds = {name: kind_of_text(values) for name, values in zip(names, columns, strict=True)}
    orders = tuple(order_of(values) for values in columns)
    return Sample(head, ("csv", tuple(names), delimiter, orders, head.compression, above), kinds)


def _ragged(path: Path, line: int, expected: int, found: int) -> EngineError:
    return EngineError(f"{path}, line {line}: {found} values, and the first line names {expected} columns")


def laid_out(samples: Sequence[Sample], table: str, given: Columns) -> Layout:
    """The layout of files with the same columns."""
    first = samples[0]
    _, names, delimiter, orders, compression, above = first.key
    assert isinstance(names, tuple) and isinstance(orders, tuple)
    paths = tuple(s.head.path for s in samples)
    for path in paths:
        _refuse_long(path)
    held = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    options = (
        f"auto_detect = false, header = true, skip = {int(bool(above))}, delim = {literal(str(delimiter))}, quote = '\"', escape = '\"', columns = {{{held}}}, "
        f"max_line_size = {LINE}, buffer_size = {2 * LINE}, compression = '{compression}'"
    )
    fields: dict[str, Field] = {}
    twice = sorted(n for n, count in Counter(names).items() if n and count > 1)
    notes = (f"{paths[0]} names a column twice: {', '.join(twice[:8])}; the first one counts",) if twice else ()
    for index, name in enumerate(names):
        if name and name not in fields:
            kinds = {s.kinds[name] for s in samples}
            fields[name] = Field(f"c{index}", "VARCHAR", kinds.pop() if len(kinds) == 1 else Type.STRING, order=orders[index])

    def origin(placed: bool) -> str:
        return f"read_csv({listed(paths)}, {options}" + (f", filename = '{PLACE}')" if placed else ")")

    def line_of(path: Path, row: int) -> int:
        return _line_of(path, row + bool(above), str(delimiter))

    return Layout(
        "CSV", paths, fields, origin, True, line_of, notes=notes, plain=delimiter == "," and not above and len(fields) == len(names)
    )


def _refuse_long(path: Path) -> None:
    """Looks for lines that are longer than a row may be, at which DuckDB loses rows in silence. Of a plain file it reads a few bytes here and there.

    Raises:
        EngineError: at the first one.
    """
    try:
        short = _is_short(path)
    except (OSError, EOFError, zlib.error) as error:
        raise EngineError(f"{path} cannot be read: {error}") from error
    if not short:
        for _ in _lines(path):
            pass


def _is_short(path: Path) -> bool:
    """Whether every stretch of half a row's length has the end of a line in it."""
    half = LINE // 2
    with opened(path) as stream:
        if isinstance(stream, gzip.GzipFile):
            while len(data := stream.read(half)) == half:
                if b"\n" not in data:
                    return False
            return True
        for start in range(0, path.stat().st_size - half, half):
            stream.seek(start + half - 4096)
            if b"\n" not in stream.read(4096):
                stream.seek(start)
                if b"\n" not in stream.read(half):
                    return False
    return True


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file.

    Raises:
        EngineError: at a line that is longer than a row may be, or that is no text.
    """
    number = 1
    try:
        with io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="") as stream:
            while line := stream.readline(LINE):
                if len(line) == LINE:
                    raise EngineError(f"{path}, line {number}: expected a row of less than {LINE >> 20} MB")
                yield line
                number += 1
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise EngineError(f"{path}, behind line {number - 1}: no text in UTF-8 (byte {byte:#04x}); save the file in UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise EngineError(f"{path} cannot be read: {error}") from error


@_long_values()
def _line_of(path: Path, row: int, delimiter: str) -> int:
    """The line that a row begins at; rows are counted from 1, without that of the names."""
    number = -1
    reader = csv.reader(_lines(path), delimiter=delimiter)
    before = 0
    try:
        for cells in reader:
            number += bool(cells)
            if number == row:
                return before + 1
            before = reader.line_num
    except csv.Error:
        pass
    return row + 1


@_long_values()
def rewritten(path: Path, target: Path) -> None:
    """A file with its rows as DuckDB reads them: line breaks of one kind within and between rows.

    Raises:
        EngineError: at a row with more or fewer values than there are names.
    """
    lines = _lines(path)
    first = next(lines, "")
    names = next(lines, "") if (above := _ABOVE.match(first)) else first
    reader = csv.reader(itertools.chain([names], lines), delimiter=_begin(first + names)[1], strict=True)
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        width, before = 0, 0
        try:
            for row in reader:
                if row and width and len(row) != width:
                    raise _ragged(path, before + 1 + bool(above), width, len(row))
                width = width or len(row)
                if row:
                    writer.writerow([cell.replace("\r\n", "\n") for cell in row])
                before = reader.line_num
        except csv.Error as error:
            raise EngineError(f"{path}, line {before + 1 + bool(above)}: no row of values ({error})") from error
