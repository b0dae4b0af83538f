"""DISSECT and GROK: columns that a pattern takes from a text.

Facts: "Process data with DISSECT and GROK" (elastic.co/docs/reference/query-languages/esql/esql-process-data-with-dissect-grok: modifiers
of keys, reference keys are not read, types of GROK), "Dissect processor" (append order, padding, named skip keys), "Grok processor" (the
syntax of patterns; a name that is captured more than once has several values). A text that does not match has nulls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from translator.verify.esql import regex
from translator.verify.esql.types import Value, double_of
from translator.verify.reading import NotReadable

Extractor = Callable[[str], Mapping[str, Value] | None]
"""The columns of a text, None where it does not match."""


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    order: int
    appended: bool
    padded: bool
    delimiter: str


def _key(text: str, delimiter: str) -> _Key:
    found = re.fullmatch(r"([+?]?)([^+?&*/>-][^/>]*?)?(?:/(\d+))?(->)?", text)
    if found is None:
        raise NotReadable(f"the key {text} of DISSECT")
    name = "" if found[1] == "?" else found[2] or ""
    return _Key(name, int(found[3] or 0), found[1] == "+", bool(found[4]), delimiter)


@cache
def dissected(pattern: str, separator: str) -> tuple[tuple[str, ...], Extractor]:
    """The columns of a pattern of DISSECT, and what takes them from a text. Raises NotReadable for a key that is not known."""
    prefix, *parts = re.split(r"%\{", pattern)
    if not parts or any("}" not in part for part in parts):
        raise NotReadable(f"the pattern {pattern} of DISSECT")
    keys = [_key(*part.split("}", 1)) for part in parts]
    if any(not key.delimiter for key in keys[:-1]):
        raise NotReadable(f"keys without a delimiter in the pattern {pattern} of DISSECT")
    names = tuple(dict.fromkeys(key.name for key in keys if key.name))

    def extract(text: str) -> Mapping[str, Value] | None:
        if not text.startswith(prefix):
            return None
        position, found = len(prefix), []
        for key in keys:
            end = text.find(key.delimiter, position) if key.delimiter else len(text)
            if end < 0:
                return None
            found.append((key, text[position:end]))
            position = end + len(key.delimiter)
            while key.padded and key.delimiter and text.startswith(key.delimiter, position):
                position += len(key.delimiter)
        ordered = sorted(found, key=lambda pair: pair[0].order)
        return {name: separator.join(v for key, v in ordered if key.name == name) for name in names}

    return names, extract


_INT = r"(?:[+-]?(?:[0-9]+))"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HEX = "[0-9A-Fa-f]{1,4}"
_V4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_V6 = "|".join(
    [rf"(?:{_HEX}:){{7}}(?:{_HEX}|:)", rf"(?:{_HEX}:){{6}}(?::{_HEX}|{_V4}|:)"]
    + [rf"(?:{_HEX}:){{{n}}}(?:(?::{_HEX}){{1,{7 - n}}}|(?::{_HEX}){{0,{5 - n}}}:{_V4}|:)" for n in range(5, -1, -1) if n]
    + [rf":(?:(?::{_HEX}){{1,7}}|(?::{_HEX}){{0,5}}:{_V4}|:)"]
)
"""The texts of an address of IPv6 (RFC 4291, section 2.2)."""

_GROK = {
    "IPV6": rf"(?:{_V6})(?:%\w+)?", "IP": "(?:%{IPV6}|%{IPV4})",
    "USERNAME": r"[a-zA-Z0-9._-]+", "USER": "%{USERNAME}", "INT": _INT, "POSINT": r"\b(?:[1-9][0-9]*)\b",
    "NONNEGINT": r"\b(?:[0-9]+)\b", "BASE10NUM": r"(?<![0-9.+-])(?:[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))", "NUMBER": "(?:%{BASE10NUM})",
    "BASE16NUM": r"(?<![0-9A-Fa-f])(?:[+-]?(?:0x)?(?:[0-9A-Fa-f]+))", "WORD": r"\b\w+\b", "NOTSPACE": r"\S+", "SPACE": r"\s*",
    "DATA": ".*?", "GREEDYDATA": ".*", "QUOTEDSTRING": r'(?:"(?:\\.|[^\\"])*"|\'(?:\\.|[^\\\'])*\')', "QS": "%{QUOTEDSTRING}",
    "UUID": r"[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}", "IPV4": rf"(?<![0-9])(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9])",
    "HOSTNAME": r"\b(?:[0-9A-Za-z][0-9A-Za-z-]{0,62})(?:\.(?:[0-9A-Za-z][0-9A-Za-z-]{0,62}))*(?:\.?|\b)",
    "EMAILLOCALPART": r"[a-zA-Z][a-zA-Z0-9_.+=:-]+", "EMAILADDRESS": "%{EMAILLOCALPART}@%{HOSTNAME}",
    "MONTHNUM": "(?:0?[1-9]|1[0-2])", "MONTHDAY": "(?:(?:0[1-9])|(?:[12][0-9])|(?:3[01])|[1-9])", "YEAR": r"(?:\d\d){1,2}",
    "HOUR": "(?:2[0123]|[01]?[0-9])", "MINUTE": "(?:[0-5][0-9])", "SECOND": r"(?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?)",
    "TIME": "(?!<[0-9])%{HOUR}:%{MINUTE}(?::%{SECOND})(?![0-9])", "ISO8601_TIMEZONE": "(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))",
    "TIMESTAMP_ISO8601": "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?",
    "UNIXPATH": r"(?:/[\w_%!$@:.,+~-]*)+", "WINPATH": r"(?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+", "PATH": "(?:%{UNIXPATH}|%{WINPATH})",
}  # fmt: skip
"""Patterns by name, those that stand on their own ("Grok basics"; github.com/elastic/elasticsearch, libs/grok, ecs-v1/grok-patterns)."""

_TYPES: dict[str, tuple[str, Callable[[str], Value]]] = {
    "": ("keyword", str), "string": ("keyword", str), "int": ("integer", lambda t: int(t) if abs(int(t)) < 2**31 else None),
    "integer": ("integer", lambda t: int(t) if abs(int(t)) < 2**31 else None), "long": ("long", int), "float": ("double", double_of),
    "double": ("double", double_of), "boolean": ("boolean", lambda t: t.lower() == "true"),
}  # fmt: skip
_PIECE = re.compile(r"%\{(\w+)(?::([\w.@\[\]-]+))?(?::(\w+))?\}|\(\?<([A-Za-z_][\w.]*)>")


@cache
def grokked(pattern: str) -> tuple[dict[str, str], Extractor]:
    """The columns of a pattern of GROK with their types, and what takes them from a text.

    Raises:
        NotReadable: for a named pattern or a type that is not known here.
    """
    columns: dict[str, str] = {}
    groups: list[tuple[str, str]] = []

    def capture(name: str, kind: str) -> str:
        if kind not in _TYPES:
            raise NotReadable(f"the type {kind} of GROK")
        columns[name] = _TYPES[kind][0]
        groups.append((name, kind))
        return f"(?<g{len(groups) - 1}>"

    def piece(found: re.Match[str]) -> str:
        if found[4]:
            return capture(found[4], "")
        if found[1] not in _GROK:
            raise NotReadable(f"the pattern {found[1]} of GROK")
        inner = _PIECE.sub(piece, _GROK[found[1]])
        return f"{capture(found[2], found[3] or '')}{inner})" if found[2] else f"(?:{inner})"

    made = regex.java(_PIECE.sub(piece, pattern), grok=True)

    def extract(text: str) -> Mapping[str, Value] | None:
        found = made.search(text)
        if found is None:
            return None
        values: dict[str, list[Value]] = {}
        for number, (name, kind) in enumerate(groups):
            captured = found[f"g{number}"]
            if captured is not None:
                try:
                    values.setdefault(name, []).append(_TYPES[kind][1](captured))
                except ValueError:
                    values.setdefault(name, []).append(None)
        return {name: v[0] if len(v) == 1 else v for name, v in values.items()}

    return columns, extract
