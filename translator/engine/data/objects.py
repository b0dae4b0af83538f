"""Events as JSON objects: one a line, one behind the other, or in an array; also in the array of an envelope."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translator.engine.data.layout import PLACE, Columns, Field, Head, Layout, Sample, identifier, listed, literal, member
from translator.engine.data.values import kind_of_value, merged, order_of
from translator.engine.data.zones import column_of
from translator.engine.errors import EngineError
from translator.plan.types import Type

ROWS = 20_480
"""Events of the sample of a file that it is all of."""

FIRST, PLACES, STRETCH = 4096, 16, 64 << 10
"""Events that the sample of a longer file begins with, and the places of equal distance that it looks into besides, of as many bytes."""

_DECODER = json.JSONDecoder()


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
    at = _space(text, 0)
    if head.binary or text[at : at + 1] not in ("{", "["):
        return None
    array = text[at] == "["
    items: list[Any] = []
    lines, complete = not array, True
    at = _space(text, at + 1) if array else at
    while at < len(text) and len(items) < (ROWS if head.whole else FIRST):
        if array and text[at] == "]":
            at = _space(text, at + 1)
            if at < len(text):
                raise _broken(head, at, "there is more behind the array")
            break
        try:
            value, end = _DECODER.raw_decode(text, at)
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
        at = _space(text, end)
        if array and at < len(text):
            if text[at] not in ",]":
                raise _broken(head, at, "expected a comma between elements")
            at = _space(text, at + 1) if text[at] == "," else at
    return Beginning(array, tuple(items), {}, lines, complete and head.whole and at >= len(text))


def _space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _broken(head: Head, at: int, why: str) -> EngineError:
    return EngineError(f"{head.path}, line {head.text.count(chr(10), 0, at) + 1}: no JSON ({why})")


def _members(text: str, at: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = _space(text, at + 1)
    try:
        while text[at] == '"':
            name, at = _DECODER.raw_decode(text, at)
            found[name] = None
            at = _space(text, _space(text, at) + 1)
            if text[at] == "[":
                # The beginning of an array is enough to know an envelope by.
                found[name] = []
            value, at = _DECODER.raw_decode(text, at)
            found[name] = value
            at = _space(text, _space(text, at) + 1)
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
        plain=form != "unstructured" and compression == "none", absent=frozenset(names) - kinds.keys(),
    )  # fmt: skip


def _line_of(path: Path, row: int) -> int:
    """The line of an event: empty lines count, and are none."""
    import gzip

    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as lines:
        number = 0
        for line, content in enumerate(lines, 1):
            number += bool(content.strip())
            if number == row:
                return line
    return row


def first_broken(path: Path) -> str | None:
    """The first place where a file of JSON is none, None where it is: DuckDB does not count lines as people do."""
    import gzip

    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig") as lines:
            if lines.read(1) == "[":
                lines.seek(0)
                try:
                    json.load(lines)
                except ValueError as error:
                    return f"{path}, line {getattr(error, 'lineno', 1)}: no JSON ({error})"
                return None
            lines.seek(0)
            for number, line in enumerate(lines, 1):
                try:
                    json.loads(line) if line.strip() else None
                except ValueError as error:
                    return f"{path}, line {number}: no JSON ({error})"
    except (OSError, EOFError, UnicodeDecodeError) as error:
        return f"{path} cannot be read: {error}"
    except RecursionError:
        return f"{path}: no JSON (it is nested too deeply)"
    return None
