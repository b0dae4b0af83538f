"""The terms of the command search.

Facts: Search Reference, "search" (texts without case, ``*`` as the only wildcard, addresses by a range in CIDR notation, ``=`` compares
texts, other operators numbers where both sides are; ``!=`` wants the field and NOT does not; IN stands for comparisons joined by OR);
Search Manual, "Boolean expressions" (NOT, then OR, then AND; operators are in capitals), "Use CASE() and TERM() to match phrases", "Time
modifiers"; Admin Manual, "segmenters.conf" (what stands around a term).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from lark import Token, Tree

from translator.verify.reading import NotReadable, Row
from translator.verify.spl.running import Run, Search
from translator.verify.spl.syntax import Command, Node, name_of, parsed, worded
from translator.verify.spl.times import moment_of
from translator.verify.spl.values import Value, compared, network_of, public, several, text, wildcard, within

Condition: TypeAlias = Callable[[Row, Run], bool]

Subsearch: TypeAlias = Callable[[Token], Search]

_MAJOR = re.escape("[]<>(){}|!;,'\"*\n\r \t&?+")
_BREAKER = re.escape("[]<>(){}|!;,'\"*\n\r \t&?+/:=@.-$#%\\_")


def condition_of(command: Command, subsearch: Subsearch) -> Condition:
    """The terms of a command as a condition on events.

    Args:
        command: the command.
        subsearch: reads a search in brackets.

    Raises:
        NotReadable: for what is no search term.
    """
    tree = command.tree("search")
    return _all(tree.children, subsearch)


def read_terms(words: str) -> Condition:
    """A text of search terms as a condition on events, as ``searchmatch`` and the results of a subsearch have it."""

    def refuse(token: Token) -> Search:
        raise NotReadable("a subsearch in a text of search terms")

    return _all(parsed("search", words).children, refuse)


def node_condition(node: Node, subsearch: Subsearch) -> Condition:
    """A tree of search terms as a condition on events."""
    if isinstance(node, Token):
        raise NotReadable(f"{node} in search terms", node.start_pos)
    match node.data:
        case "conjunction":
            return _all(node.children, subsearch)
        case "disjunction":
            parts = [node_condition(c, subsearch) for c in node.children]
            return lambda row, run: any(part(row, run) for part in parts)
        case "without":
            part = node_condition(node.children[0], subsearch)
            return lambda row, run: not part(row, run)
        case "negation":  # in parentheses
            return node_condition(node.children[0], subsearch)
        case "comparison":
            field, operator, value = (str(c) for c in node.children)
            return _comparison(name_of(field), operator, value)
        case "membership":
            field, word, *values = (str(c) for c in node.children)
            if not word.startswith("IN"):
                raise NotReadable("the operator in, not in capitals")
            among = [_comparison(name_of(field), "=", v) for v in values]
            return lambda row, run: any(part(row, run) for part in among)
        case "phrase" | "directive":
            return _phrase(str(node.children[0]))
        case "macro":
            (token,) = node.children
            return _refusing(f"the macro {token}")
        case "subsearch":
            (token,) = node.children
            assert isinstance(token, Token)
            return _found(subsearch(token))
    raise NotReadable(str(node.data))


def _refusing(what: str) -> Condition:
    def refuse(row: Row, run: Run) -> bool:
        raise NotReadable(what)

    return refuse


def _all(nodes: list[Tree[Token] | Token], subsearch: Subsearch) -> Condition:
    parts = [node_condition(node, subsearch) for node in nodes]
    return lambda row, run: all(part(row, run) for part in parts)


# --- comparisons


def _comparison(field: str, operator: str, value: str) -> Condition:
    if field.startswith("'") or "::" in field:
        raise NotReadable(f"the field {field} of search")
    if field in ("earliest", "latest"):
        return _moment(field, operator, value)
    if field in _MODIFIERS:
        raise NotReadable(f"the time modifier {field}")
    cased, wanted = _directed(value)
    if operator == "==":
        operator = "="
    if operator in ("=", "!="):
        matches = _matching(wanted, cased)

        def equal(row: Row, run: Run) -> bool:
            if field == "index" and run.any_index:
                return operator == "!=" or not wanted.startswith("_")
            values = several(row.get(field))
            found = {matches(v) for v in values}
            if operator == "=":
                return True in found
            if len(found) > 1:
                raise NotReadable("!= of several values")
            return False in found

        return equal

    def greater(row: Row, run: Run) -> bool:
        return any(_greater(operator, v, wanted) for v in several(row.get(field)))

    return greater


_MODIFIERS = frozenset("starttime endtime starttimeu endtimeu _index_earliest _index_latest timeformat daysago hoursago minutesago".split())


def _greater(operator: str, value: Value, wanted: str) -> bool:
    found = compared(operator, value, wanted, True)
    if found != compared(operator, text(value).lower(), wanted.lower(), True):
        raise NotReadable("the order of texts that differ in case, in search")
    return found


def _directed(value: str) -> tuple[bool, str]:
    """Whether a value is compared with case, and the value (Search Manual, "Use CASE() and TERM() to match phrases")."""
    found = re.fullmatch(r"(CASE|TERM|PREFIX)\((.*)\)", value, re.DOTALL)
    if found is None:
        return False, worded(value)
    if found[1] == "PREFIX":
        raise NotReadable("PREFIX in search")
    return found[1] == "CASE", worded(found[2].strip())


def _matching(wanted: str, cased: bool) -> Callable[[Value], bool]:
    """What a value is compared with by ``=``: an address in a range, or a text where ``*`` stands for anything."""
    if network := network_of(wanted):
        return lambda value: within(value, network)
    pattern = wildcard(wanted, cased)
    return lambda value: pattern.fullmatch(text(value)) is not None


def _moment(field: str, operator: str, value: str) -> Condition:
    """``earliest`` includes its moment, ``latest`` does not (Search Manual, "Specify time modifiers in your search")."""
    if operator != "=":
        raise NotReadable(f"{field}{operator}")

    def during(row: Row, run: Run) -> bool:
        moment, at = moment_of(worded(value), run.moment if run.moment is not None else _now(run, value)), row.get("_time")
        if not isinstance(at, int | float):
            raise NotReadable(f"{field} of an event without _time")
        return at >= moment if field == "earliest" else at < moment

    return during


def _now(run: Run, value: str) -> float:
    return 0 if re.fullmatch(r"[\d.]+|\d+/\d+/\d+:[\d:]+", worded(value)) else run.now()


# --- words and phrases


def _phrase(token: str) -> Condition:
    """A word or a phrase of the event's text: between what separates terms, without case."""
    term = token.startswith("TERM(")
    if "::" in token and not term and not token.startswith('"'):
        raise NotReadable(f"the indexed field of {token}")
    cased, wanted = _directed(token)
    if wanted == "*":
        return lambda row, run: True
    if not wanted:
        raise NotReadable("a phrase of no characters")
    narrow, wide = (_term(wanted, any_, cased, term) for any_ in (f"[^{_MAJOR}]*", ".*?"))

    def holds(row: Row, run: Run) -> bool:
        raw = row.get("_raw")
        if raw is None:
            raise NotReadable("a search of the text of results that have none")
        found = narrow.search(text(raw)) is not None
        if "*" in wanted and found != (wide.search(text(raw)) is not None):
            raise NotReadable("whether a wildcard of a phrase goes beyond a term")
        return found

    return holds


def _term(wanted: str, anything: str, cased: bool, term: bool) -> re.Pattern[str]:
    breaker = _MAJOR if term else _BREAKER
    middle = anything.join(map(re.escape, wanted.split("*")))
    before = "" if re.match(f"[{breaker}]", wanted) else f"(?<![^{breaker}])"
    after = "" if re.search(f"[{breaker}]\\Z", wanted) else f"(?![^{breaker}])"
    return re.compile(before + middle + after, re.DOTALL if cased else re.DOTALL | re.IGNORECASE)


# --- what a subsearch found

RESULTS = 10_000
"""How many results of a subsearch are used (Search Manual, "About subsearches")."""


def formatted(rows: list[Row], row_marks: tuple[str, ...] = ("(", "(", "AND", ")", "OR", ")"), empty: str = "NOT()") -> str:
    """Results as search terms (Search Reference, "format"): a field called search or query gives its value as it is.

    Args:
        rows: the results.
        row_marks: what begins all, begins a row, stands between its columns, ends it, stands between rows and ends all.
        empty: what stands for no results.
    """
    if len(rows) > RESULTS:
        raise NotReadable("more than 10,000 results of a subsearch")
    begin, begin_row, between_columns, end_row, between_rows, end = row_marks
    parts = []
    for row in rows:
        terms = []
        for name in row:
            if name.startswith("_"):
                continue
            values = [text(v) for v in several(row[name])]
            if name in ("search", "query"):
                terms += values
            elif len(values) > 1:
                terms.append("( " + " OR ".join(_spelled(name, v) for v in values) + " )")
            else:
                terms += [_spelled(name, v) for v in values]
        if terms:
            parts.append(f"{begin_row} " + f" {between_columns} ".join(terms) + f" {end_row}")
    return f"{begin} " + f" {between_rows} ".join(parts) + f" {end}" if parts else empty


def _spelled(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    shown = name if re.fullmatch(r"[\w.:{}-]+", name) else f'"{name}"'
    return f'{shown}="{escaped}"'


_COLUMNS = frozenset("fields table return format stats chart top rare inputlookup".split())
"""The commands of which at least one says which fields a subsearch gives."""


def _found(search: Search) -> Condition:
    if not _COLUMNS & set(search.names):
        return _refusing("a subsearch that gives all fields of its events")
    done: list[tuple[Run, Condition]] = []  # of the latest run, which finds it once

    def condition(row: Row, run: Run) -> bool:
        if not done or done[0][0] is not run:
            rows = search.results(run)
            words = text(rows[0]["search"]) if len(rows) == 1 and public(rows[0]) == ["search"] else formatted(rows)
            done[:] = [(run, (lambda row, run: False) if words == "NOT()" else read_terms(words))]
        return done[0][1](row, run)

    return condition
