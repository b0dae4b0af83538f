"""Events as JSON objects: one a line, one behind the other, or in an array; also in the array of an envelope."""

from __future__ import annotations

import functools
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from translator.engine.data.layout import PLACE, SAMPLE, Columns, Field, Head, Layout, Sample, identifier, listed, literal, member, opened
from translator.engine.data.values import kind_of_value, merged, order_of
from translator.engine.data.zones import column_of
from translator.engine.errors import EngineError
from translator.plan.types import Type

ROWS = 20_480
"""Events of the sample of a file that it is all of."""

FIRST, PLACES, STRETCH = 4096, 16, 64 << 10
"""Events that the sample of a longer file begins with, and the places of equal distance that it looks into besides, of as many bytes."""

LONGEST = 16 << 20
"""Characters of the longest event that is looked at for what is wrong with it."""

DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a JSON file begins with.

    Attributes:
        array: whether it is an array.
        items: its first items: elements, or values one behind the other.
        members: of a single object that is longer than the sample, what it begins with: names, and values where they are whole.
        lines: whether each item is on a line of its own.
        complete: whether ``items`` are all.
    """

    array: bool
    items: tuple[Any, ...]
    members: Mapping[str, Any]
    lines: bool
    complete: bool


@functools.lru_cache(maxsize=1)
def beginning(head: Head) -> Beginning | None:
    """What a file begins with; None where it is no JSON.

    Raises:
        EngineError: where the JSON breaks off or breaks down within the sample.
    """
    text = head.text
    at = space(text, 0)
    if head.binary or text[at : at + 1] not in ("{", "["):
        return None
    array = text[at] == "["
    items: list[Any] = []
    lines, complete = not array, True
    at = space(text, at + 1) if array else at
    while at < len(text) and len(items) < (ROWS if head.whole else FIRST):
        if array and text[at] == "]":
            at = space(text, at + 1)
            if at < len(text):
                raise _broken(head, at, "there is more behind the array")
            break
        try:
            value, end = DECODER.raw_decode(text, at)
        except RecursionError as error:
            raise _broken(head, at, "it is nested too deeply") from error
        except ValueError as error:
            if head.whole:
                raise _broken(head, getattr(error, "pos", at), getattr(error, "msg", str(error))) from error
            complete = False
            if not items and text[at] == "{":
                return Beginning(array, (), _members(text, at), False, False)
            break
        lines = lines and "\n" not in text[at:end].strip()
        items.append(value)
        at = space(text, end)
        if array and at < len(text):
            if text[at] not in ",]":
                raise _broken(head, at, "expected a comma between elements")
            at = space(text, at + 1) if text[at] == "," else at
    return Beginning(array, tuple(items), {}, lines, complete and head.whole and at >= len(text))


def space(text: str, at: int) -> int:
    """Where the white space of JSON (RFC 8259, section 2) ends that begins at a place."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _broken(head: Head, at: int, why: str) -> EngineError:
    return EngineError(f"{head.path}, line {head.text.count(chr(10), 0, at) + 1}: no JSON ({why})")


def _members(text: str, at: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = space(text, at + 1)
    try:
        while text[at] == '"':
            name, at = DECODER.raw_decode(text, at)
            found[name] = None
            at = space(text, space(text, at) + 1)
            if text[at] == "[":
                # The beginning of an array is enough to know an envelope by.
                found[name] = []
            value, at = DECODER.raw_decode(text, at)
            found[name] = value
            at = space(text, space(text, at) + 1)
    except (ValueError, IndexError, RecursionError):
        pass
    return found


def objects_of(head: Head, items: Iterable[Any]) -> list[Mapping[str, Any]]:
    """The items, each of which is an event.

    Raises:
        EngineError: where one is no object.
    """
    found: list[Mapping[str, Any]] = []
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise EngineError(f"{head.path}, row {number}: an event is a JSON object, not {json.dumps(item)[:40]}")
        found.append(item)
    return found


def kinds_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Type]:
    """The type that the values of each member look like."""
    found: dict[str, set[Type]] = {}
    for row in rows:
        for name, value in row.items():
            kinds = found.setdefault(name, set())
            kind = kind_of_value(value)
            if kind is not None:
                kinds.add(kind)
    return {name: merged(kinds, Type.DYNAMIC) for name, kinds in found.items()}


def orders_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The order of the slashed dates of each column, where that is a guess: see ``order_of``."""
    texts: dict[str, list[str]] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str) and "/" in value[:3]:
                texts.setdefault(name, []).append(value)
    return {name: order for name, values in texts.items() if (order := order_of(values))}


def sampled(head: Head) -> Sample | None:
    """Events as objects; None for what is no JSON."""
    found = beginning(head)
    if found is None:
        return None
    if not found.items and found.members:
        raise EngineError(
            f"{head.path}: one object that begins with {', '.join(list(found.members)[:5])} and holds no events in a form that is known"
        )
    rows = objects_of(head, found.items)
    if found.lines and not head.whole and not head.packed:
        rows.extend(_farther(head.path))
    form = "array" if found.array else "newline_delimited" if found.lines else "unstructured"
    facts = {"rows": len(rows), "complete": found.complete, "orders": orders_of(rows)}
    return Sample(head, ("json", form, head.compression), kinds_of(rows), facts)


def _farther(path: Path) -> Iterator[Mapping[str, Any]]:
    """Events from all over a long file: what each of them has shall be known, though not each is read before the query."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        for place in range(1, PLACES):
            stream.seek(size * place // PLACES)
            for line in stream.read(STRETCH).split(b"\n")[1:-1]:
                try:
                    event = json.loads(line)
                except (ValueError, RecursionError):
                    continue  # The query that comes upon it tells the line.
                if isinstance(event, dict):
                    yield event


def laid_out(samples: Sequence[Sample], table: str, given: Columns, repeated: bool = False) -> Layout:
    """The layout of files of objects: what the sample has, and where it is not all, what the table is known to have.

    Args:
        repeated: whether objects name a member twice, which DuckDB takes in no column: the first one counts then.
    """
    _, form, compression = samples[0].key
    paths = tuple(s.head.path for s in samples)
    found: dict[str, set[Type]] = {}
    orders: dict[str, str] = {}
    for sample in samples:
        for name, kind in sample.kinds.items():
            found.setdefault(name, set()).add(kind)
        known = sample.facts["orders"]
        assert isinstance(known, dict)
        orders.update(known)
    complete = all(s.facts["complete"] for s in samples)
    kinds = {name: merged(k, Type.DYNAMIC) for name, k in found.items()}
    bare = {column_of(name)[0] for name in kinds}
    names = list(kinds) + ([] if complete else [c for c in given if c not in bare])
    twice = repeated or max(Counter(name.lower() for name in names).values(), default=1) > 1
    reader = f"{listed(paths)}, format = '{form}', compression = '{compression}'"
    fields: dict[str, Field] = {}
    for name in names:
        kind = kinds.get(name, given.get(name, Type.STRING))
        dynamic = given.get(name, kind) in (Type.DYNAMIC, Type.UNKNOWN)
        order = orders.get(name, "")
        fields[name] = (
            member("json", (name,), kind, order) if twice else Field(identifier(name), "JSON" if dynamic else "VARCHAR", kind, order=order)
        )
    # DuckDB's names know no case: where that makes two members one, each is taken out of the whole object.
    held = ", ".join(f"{literal(n)}: '{f.held}'" for n, f in fields.items()) or "'kql nothing': 'VARCHAR'"

    def origin(placed: bool) -> str:
        place = f", filename = '{PLACE}')" if placed else ")"
        return f"read_json_objects({reader}{place}" if twice else f"read_json({reader}, columns = {{{held}}}{place}"

    return Layout(
        "JSON", paths, fields, origin, complete, _line_of if form == "newline_delimited" else None,
        lambda: broken_of(paths, form == "newline_delimited"), plain=form != "unstructured" and compression == "none", seen={s.head.path: frozenset(s.kinds) for s in samples},
    )  # fmt: skip


def _line_of(path: Path, row: int) -> int:
    """The line of an event: empty lines count, and are none."""
    with opened(path) as lines:
        number, line = 0, 1
        while content := lines.readline(LONGEST):
            number += bool(content.strip())
            if number == row:
                return line
            line += content.endswith(b"\n")
    return row


def first_broken(path: Path, lines: bool, name: Path | None = None, line: int = 1) -> str | None:
    """The first place where a file of JSON is none, None where it is: DuckDB does not count lines as people do.

    Args:
        lines: whether each event is on a line of its own; else they are elements of an array, or follow each other.
        name: what the file is called, if not as it is; ``line`` is then the one of its first line.
    """
    try:
        with io.TextIOWrapper(opened(path), encoding="utf-8-sig") as stream:
            found = _broken_line(stream) if lines else _broken_element(stream)
    except (OSError, EOFError, zlib.error) as error:
        return f"{name or path} cannot be read: {error}"
    except UnicodeDecodeError as error:
        return f"{name or path}: no text in UTF-8 (byte {error.object[error.start]:#04x}); save the file in UTF-8"
    return f"{name or path}, line {found[0] + line}: no JSON ({found[1]})" if found else None


def _broken_line(stream: TextIO) -> tuple[int, str] | None:
    number = 0
    while text := stream.readline(LONGEST):
        if len(text) == LONGEST:
            return number, f"expected an event of less than {LONGEST >> 20} MB"
        try:
            json.loads(text) if text.strip() else None
        except ValueError as error:
            return number, getattr(error, "msg", str(error))
        except RecursionError:
            return number, "it is nested too deeply"
        number += 1
    return None


def _broken_element(stream: TextIO) -> tuple[int, str] | None:
    """The first element that is none, and the lines before it. Of the text no more is held than the element that it is at."""
    text, at, before = "", 0, 0
    ends = begun = array = between = False

    def broken_at(place: int, why: str) -> tuple[int, str]:
        return before + text.count("\n", 0, place), why

    while True:
        at = space(text, at)
        if 2 * at >= len(text) and not ends:
            more = stream.read(SAMPLE)
            before, text, at, ends = before + text.count("\n", 0, at), text[at:] + more, 0, not more
        elif at == len(text):
            return broken_at(at, "expected a bracket that closes the array") if array else None
        elif not begun:
            begun, array = True, text[at] == "["
            at += array
        elif array and text[at] == "]":
            return None
        elif array and between:
            if text[at] != ",":
                return broken_at(at, "expected a comma between elements")
            between, at = False, at + 1
        else:
            try:
                _, at = DECODER.raw_decode(text, at)
                between = True
            except RecursionError:
                return broken_at(at, "it is nested too deeply")
            except ValueError as error:
                if ends:
                    return broken_at(getattr(error, "pos", at), getattr(error, "msg", str(error)))
                if len(text) - at > LONGEST:
                    return broken_at(at, f"expected an event of less than {LONGEST >> 20} MB")
                more = stream.read(len(text))
                text, ends = text + more, not more


def broken_of(paths: Sequence[Path], lines: bool) -> str | None:
    """The first place where one of several files is no JSON."""
    return next((text for path in paths if (text := first_broken(path, lines))), None)
