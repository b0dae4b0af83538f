"""Literals, names and conditions of SPL.

Facts: ``where`` and ``eval`` compare exactly; a comparison with a missing field is null, which counts as false (Splunk Search Reference:
where, eval, "Comparison and conditional functions").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_network

from translator.detection.model import DAY
from translator.fidelity import Diagnostic
from translator.plan.expressions import Apply, Expr
from translator.plan.patterns import searched
from translator.regex.parser import RegexError
from translator.regex.writers import END, Inexpressible, pcre
from translator.targets.base import Cannot
from translator.targets.names import json_path, texts_within
from translator.targets.predicates import Spelling, text_of, texts_of, values
from translator.targets.sides import YEAR_ONE
from translator.targets.text import any_of, escape, has_any_pattern, writable

LETTERS = "the KQL ignores the case of all letters, and the product is not known to do so beyond ASCII"
"""What is said of such a condition: no page of the manual says what ``search``, ``lower`` and ``(?i)`` do there."""


def string(value: str) -> str:
    """An SPL string literal; no value can end it. Raises Cannot for one with control characters."""
    escaped = writable(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\r", "\\r").replace("\n", "\\n") + '"'


def is_network(text: str) -> bool:
    """Whether a text is a range of addresses in CIDR notation."""
    try:
        return "/" in text and bool(ip_network(text, strict=False))
    except ValueError:
        return False


def literal(value: str | int | float | bool) -> str:
    """A constant as ``where`` and ``eval`` take it; a truth is the text that Splunk has of it."""
    if isinstance(value, bool):
        return string("true" if value else "false")
    return string(value) if isinstance(value, str) else repr(value)


def field(name: str) -> str:
    """A field in eval and where: in single quotes unless it is a plain word (Search Manual, "Quotes and escaping characters").

    Raises:
        Cannot: where the name would end its quotes.
    """
    return name if is_plain(name) else f"'{_quotable(name)}'"


def column(name: str) -> str:
    """A field that ``eval`` makes, and in commands without expressions: in double quotes unless it is a plain word."""
    return name if is_plain(name) else f'"{_quotable(name)}"'


WORDS = frozenset("and as by false in like not null or true where xor".split())


def is_plain(name: str) -> bool:
    """Whether a field's name may stand in an expression without quotes."""
    return name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit() and name.lower() not in WORDS


def _quotable(name: str) -> str:
    if not name.isprintable() or any(c in name for c in "'\"\\"):
        raise Cannot(Diagnostic("unsupported-expression", f"SPL has no way to write the name of the field {name!r}", None))
    return name


def by_clause(columns: Iterable[str]) -> str:
    """The end of a command that works in groups: nothing without columns, for a ``by`` has to name some."""
    found = " ".join(columns)
    return f" by {found}" if found else ""


def bucket_of(seconds: int, moment: str = "_time") -> str:
    """The beginning of the bucket of an event, as Kusto counts buckets: from the first moment of the year 1."""
    shift = YEAR_ONE % seconds
    return f"floor({moment}/{seconds})*{seconds}" if not shift else f"floor(({moment}+{shift})/{seconds})*{seconds}-{shift}"


def moment_of(text: str) -> str:
    """The seconds of the epoch of a time in UTC as Azure's logs have it, with up to seven digits behind the second (ISO 8601).

    Source: Splunk Search Reference, "Date and Time functions", strptime; "Date and time format variables" for ``%z``.
    """
    second = f'strptime(substr({text}, 1, 19)."+0000", "%Y-%m-%dT%H:%M:%S%z")'
    fraction = f"replace({text}, " + string(r"^.{19}(\.\d+)?.*$") + ", " + string(r"0\1") + ")"
    return f"({second}+coalesce(tonumber({fraction}), 0))"


def binned(seconds: int) -> str:
    """The command that puts events into buckets: bin does as Kusto where buckets divide a day, and begins longer ones by the user's time.

    Source: Splunk Search Reference, bin, "span" and "aligntime".
    """
    return f"bin _time span={seconds}s" if seconds < DAY and DAY % seconds == 0 else f"eval _time={bucket_of(seconds)}"


def _match(pattern: str, caseless: bool) -> str:
    return string(("(?i)" if caseless else "") + pattern)


def _regex(name: str, rest: tuple[Expr, ...], node: Apply) -> str:
    try:
        return f"match({name}, {string(pcre(searched(node)))})"
    except (RegexError, Inexpressible) as error:
        raise Cannot(Diagnostic("unsupported-expression", f"the regular expressions of SPL cannot say {error}", node.span)) from None


def _text(before: str, after: str, caseless: bool) -> Spelling:
    return lambda name, rest, node: f"match({name}, {_match(before + any_of(list(map(escape, texts_of(rest, node)))) + after, caseless)})"


def _term(caseless: bool, prefix: bool = False, suffix: bool = False) -> Spelling:
    return lambda name, rest, node: f"match({name}, {_match(has_any_pattern(texts_of(rest, node), prefix, suffix), caseless)})"


NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"0|-?[1-9]\d*")


def _is_odd_number(value: object, computed: bool) -> bool:
    """Whether a text is a number that is also written otherwise: ``where`` may find "1" equal to "1.0" (Search Reference, where).

    What is ``computed`` of parts may be any spelling of a number, a field has the plain one.
    """
    return isinstance(value, str) and NUMBER.fullmatch(value) is not None and (computed or _PLAIN_NUMBER.fullmatch(value) is None)


def _any_of(name: str, items: list[str | int | float | bool], caseless: bool) -> str:
    """That a field is one of some values; the text of one that is written like a number is matched, not compared."""
    computed = "(" in name and not name.startswith("'")
    odd = [escape(str(v)) for v in items if _is_odd_number(v, computed)]
    rest = [literal(v.lower() if caseless and isinstance(v, str) else v) for v in items if not _is_odd_number(v, computed)]
    subject = f"lower({name})" if caseless else name
    found = [f"{subject}=={rest[0]}"] if len(rest) == 1 else [f"in({subject}, {', '.join(rest)})"] if rest else []
    if odd:
        written = odd[0] if len(odd) == 1 else "(" + "|".join(odd) + ")"
        found.append(f"match({name}, {_match('^' + written + END, caseless)})")
    return found[0] if len(found) == 1 else f"({' OR '.join(found)})"


def _equals(name: str, rest: tuple[Expr, ...], node: Apply) -> str:
    value = values(rest[0])[0]
    if isinstance(value, bool):
        return f"lower({name})=={literal(value)}"
    return _any_of(name, [value], False)


def _compare(operator: str) -> Spelling:
    return lambda name, rest, node: f"{name}{operator}{literal(values(rest[0])[0])}"


ATOMS: dict[str, Spelling] = {
    "==": _equals,
    "=~": lambda name, rest, node: _any_of(name, [text_of(rest, node)], True),
    "in": lambda name, rest, node: _any_of(name, values(rest[0]), False),
    "in~": lambda name, rest, node: _any_of(name, values(rest[0]), True),
    "contains": _text("", "", True),
    "contains_cs": _text("", "", False),
    "startswith": _text("^", "", True),
    "startswith_cs": _text("^", "", False),
    "endswith": _text("", END, True),
    "endswith_cs": _text("", END, False),
    "has": _term(True),
    "has_cs": _term(False),
    "hasprefix": _term(True, prefix=True),
    "hasprefix_cs": _term(False, prefix=True),
    "hassuffix": _term(True, suffix=True),
    "hassuffix_cs": _term(False, suffix=True),
    "matches regex": _regex,
    "matches regex~": _regex,
    "is_ipv4": lambda name, rest, node: f'cidrmatch("0.0.0.0/0", {name})',
    "cidr": lambda name, rest, node: "(" + " OR ".join(f"cidrmatch({literal(v)}, {name})" for v in values(rest[0])) + ")",
    "<": _compare("<"),
    "<=": _compare("<="),
    ">": _compare(">"),
    ">=": _compare(">="),
}
"""How ``where`` spells each operator."""

FINDS_ANY = frozenset(
    "contains contains_cs startswith startswith_cs endswith endswith_cs has has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs".split()
)
"""The operators that one pattern says of any of several texts."""


OR_EMPTY = 'coalesce({0}, "")'
"""A field that counts as empty where it is missing, as KQL's strings do."""


def json_extract(text: str, path: str) -> str:
    """What stands at a path in a text that holds JSON, missing where nothing does (Search Reference, "JSON functions", json_extract).

    A path does not lead into a text that is a value there: that is read by itself, which finds the same where it is no text.
    """
    for part in texts_within(path):
        text = f"json_extract({text}, {string(part)})"
    return text


def twice_in_json(text: str, path: str) -> str:
    """What stands at a path in a text that holds JSON, twice in an array, which tells texts from numbers.

    Source: Splunk Search Reference, "JSON functions", json_extract of several paths.
    """
    *before, last = texts_within(path)
    for part in before:
        text = f"json_extract({text}, {string(part)})"
    return f"json_extract({text}, {string(last)}, {string(last)})"


def inside(text: str, steps: tuple[str | int, ...]) -> str:
    """The same of a place, whose names may be any.

    Raises:
        Cannot: where the place is counted from the end of an array.
    """
    path = json_path(steps)
    if path is not None and all(isinstance(s, str) or s >= 0 for s in steps):
        return json_extract(text, path)
    for step in steps:
        if isinstance(step, int) and step < 0:
            raise Cannot(Diagnostic("unsupported-expression", "a place from the end of an array is not supported here", None))
        text = json_extract(text, f"{{{step}}}") if isinstance(step, int) else f"json_extract_exact({text}, {string(step)})"
    return text
