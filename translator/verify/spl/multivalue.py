"""Functions of several values.

Facts: Search Reference, "Multivalue eval functions" (positions count from 0, and from the end where they are negative).
"""

from __future__ import annotations

from collections.abc import Mapping

from translator.verify.reading import NotReadable
from translator.verify.spl.regexes import pattern
from translator.verify.spl.running import Run
from translator.verify.spl.times import seconds_of
from translator.verify.spl.values import Value, numeric, one, several, spelled, text, whole

_MANY = 10_000

COUNTS: Mapping[str, tuple[int, int]] = {
    "mvappend": (1, _MANY), "mvcount": (1, 1), "mvdedup": (1, 1), "mvfind": (2, 2), "mvindex": (2, 3), "mvjoin": (2, 2), "mvrange": (2, 3),
    "mvsort": (1, 1), "mvzip": (2, 3), "split": (2, 2), "tomv": (1, 1),
}  # fmt: skip
"""The functions, and how many arguments each takes at least and at most."""


def call(name: str, values: list[Value], run: Run) -> Value:
    """What a function gives; null of a null.

    Raises:
        NotReadable: for arguments of which the documentation does not tell what they give.
    """
    if any(isinstance(v, bool) for v in values):
        raise NotReadable(f"{name} of a Boolean")
    if name == "mvappend":
        return one([m for v in values for m in several(v)])
    if None in values:
        return None
    if any(isinstance(v, list) for v in values[1:]) and name != "mvzip":
        raise NotReadable(f"{name} with several values as an option")
    members = several(values[0])
    match name:
        case "mvcount":
            return len(members)
        case "mvdedup":
            first = {text(m): m for m in reversed(members)}  # of equal values the first
            return one([first.pop(text(m)) for m in members if text(m) in first])
        case "mvfind":
            wanted = pattern(text(values[1]))
            return next((n for n, m in enumerate(members) if wanted.found(text(m))), None)
        case "mvindex":
            return _at(members, values[1:])
        case "mvjoin":
            return text(values[1]).join(map(spelled, members))
        case "mvsort":
            return one(sorted(members, key=text))
        case "mvzip":
            between = text(values[2]) if len(values) > 2 else ","
            return one([f"{spelled(a)}{between}{spelled(b)}" for a, b in zip(members, several(values[1]), strict=False)])
        case "mvrange":
            return _range(values)
        case "split":
            return _split(values[0], text(values[1]))
    raise NotReadable(f"the function {name}")


def _at(members: list[object], bounds: list[Value]) -> Value:
    numbers = [numeric(b) for b in bounds]
    if any(n is None or n != int(n) for n in numbers):
        raise NotReadable("mvindex of what is no whole number")
    first, *others = [int(n) if n >= 0 else len(members) + int(n) for n in numbers if n is not None]
    last = others[0] if others else first
    if first > last or first < 0 or first >= len(members):
        return None
    if last >= len(members):  # the documentation only says that an index out of range is null
        raise NotReadable("mvindex to behind the last value")
    return one(members[first : last + 1])


def _range(values: list[Value]) -> Value:
    """From a number to before another; the step is a number, or a span of time in seconds."""
    step = values[2] if len(values) > 2 else 1
    by = numeric(step)
    by = seconds_of(text(step)) if by is None else by
    first, end = numeric(values[0]), numeric(values[1])
    if first is None or end is None or by <= 0:
        raise NotReadable("mvrange of what is no number")
    found: list[object] = []
    while first < end:
        if len(found) >= 100_000:
            raise NotReadable("mvrange of more than 100,000 values")
        found.append(whole(first))
        first += by
    return one(found)


def _split(value: Value, separator: str) -> Value:
    if isinstance(value, list):
        raise NotReadable("split of several values")
    told = spelled(value)
    return one(list(told.split(separator) if separator else told or [""]))
