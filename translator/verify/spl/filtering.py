"""Commands that choose, order and compute: search, where, eval, head, tail, sort, dedup, regex, bin and their kin.

Facts: Search Reference, the page of each command; its section stands beside what it says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from lark import Token, Tree

from translator.verify.reading import Row
from translator.verify.spl.arguments import Words, count_of, truth
from translator.verify.spl.expressions import expression_of
from translator.verify.spl.regexes import pattern
from translator.verify.spl.running import Maker, Reader, Run, Step
from translator.verify.spl.syntax import Command, name_of, parsed, unquoted
from translator.verify.spl.terms import condition_of
from translator.verify.spl.times import seconds_of
from translator.verify.spl.values import Value, address_of, numeric, ordered, put, several, text, whole


def search(command: Command, read: Reader) -> Step:
    """Keeps the events that satisfy a condition ("search", Description)."""
    condition = condition_of(command, lambda token: read(command.subsearch(token)))
    return lambda rows, run: [r for r in rows if condition(r, run)]


def where(command: Command, read: Reader) -> Step:
    """Keeps what is true ("where", Usage)."""
    condition = expression_of(command.tree("condition"))

    def keep(rows: list[Row], run: Run) -> list[Row]:
        kept = []
        for row in rows:
            found = condition(row, run)
            if found is not None and not isinstance(found, bool):
                raise command.refuse("a condition that is no Boolean")
            if found:
                kept.append(row)
        return kept

    return keep


def evaluate(command: Command, read: Reader) -> Step:
    """Computes fields, one after the other ("eval", "Multiple eval operations"); null removes a field."""
    pairs = []
    for assignment in command.tree("assignments").children:
        assert isinstance(assignment, Tree)
        target, tree = assignment.children
        name = name_of(str(target))
        if isinstance(target, Token) and target.type == "TARGET" and "{" in name.replace("{}", ""):
            raise command.refuse(f"the computed name {name}")
        pairs.append((name, expression_of(tree)))

    def compute(rows: list[Row], run: Run) -> list[Row]:
        for row in rows:
            for name, expression in pairs:
                value = expression(row, run)
                if isinstance(value, bool):
                    raise command.refuse("a Boolean as the value of a field")
                put(row, name, value)
        return rows

    return compute


def fieldformat(command: Command, read: Reader) -> Step:
    """How values are shown, which does not change them ("fieldformat", Usage)."""
    evaluate(command, read)
    return lambda rows, run: rows


def head(command: Command, read: Reader) -> Step:
    """The first results: so many, or until an expression is not true ("head", Optional arguments)."""
    if "(" in command.text or re.search(r"[<>!]|==", command.text):
        return _while_true(command)
    words = Words(command)
    options = words.options({"limit": ""})
    token = words.taken("WORD")
    words.end()
    count = count_of(command, str(token) if token else options["limit"] or "10")
    return lambda rows, run: rows[:count]


def _while_true(command: Command) -> Step:
    options = {"null": "false", "keeplast": "false"}
    told = command.text
    for found in re.finditer(r"\b(null|keeplast|limit)=(\w+)", command.text):
        options[found[1]] = found[2]
        told = told.replace(found[0], " " * len(found[0]))
    if "limit" in options:
        raise command.refuse("limit beside an expression")
    condition = expression_of(parsed("condition", told, command.position))
    null, keeplast = (truth(command, name, options[name]) for name in ("null", "keeplast"))

    def keep(rows: list[Row], run: Run) -> list[Row]:
        for number, row in enumerate(rows):
            found = condition(row, run)
            if found is False or (found is None and not null):
                return rows[: number + keeplast]
        return rows

    return keep


def tail(command: Command, read: Reader) -> Step:
    """The last results, the last one first ("tail", Description)."""
    words = Words(command)
    token = words.taken("WORD")
    words.end()
    count = count_of(command, str(token or "10"))
    return lambda rows, run: rows[::-1][:count]


def reverse(command: Command, read: Reader) -> Step:
    """Turns the order of the results around ("reverse", Description)."""
    Words(command).end()
    return lambda rows, run: rows[::-1]


def regex(command: Command, read: Reader) -> Step:
    """Keeps what matches, or what does not ("regex", Required arguments); the text of the event where no field is named."""
    words = Words(command)
    follower = words.peek(1)
    field, sign = "_raw", "="
    if follower is not None and follower.type == "EQUALS":
        field, sign = words.name(), str(words.next())
    token = words.next()
    words.end()
    if token.type != "STRING":
        raise command.refuse("a regular expression without quotes")
    wanted = pattern(unquoted(token))

    def keep(rows: list[Row], run: Run) -> list[Row]:
        if sign == "!=" and any(field not in r for r in rows):
            raise command.refuse(f"!= of {field}, which is missing")
        return [r for r in rows if any(wanted.found(text(v)) for v in several(r.get(field))) == (sign == "=")]

    return keep


# --- sort and dedup


def _orders(command: Command, words: Words) -> list[tuple[str, bool, str]]:
    """The fields to sort by, whether from the largest down, and how they are compared ("sort", Sort field options)."""
    found: list[tuple[str, bool, str]] = []
    sign = ""
    while (token := words.peek()) is not None:
        if words.taken("COMMA"):
            continue
        if token.type == "WORD" and token.lower() in ("d", "desc") and found and words.peek(1) is None:
            words.next()
            return [(field, not down, kind) for field, down, kind in found]
        word = words.name()
        if token.type == "WORD" and word in ("+", "-"):
            sign = word
            continue
        if token.type == "WORD" and word[:1] in ("+", "-"):
            sign, word = word[0], word[1:]
        how = "auto"
        if words.peek() is not None and words.tokens[words.at].type == "OPEN":
            how = word
            if how not in ("auto", "ip", "num", "str"):
                raise command.refuse(how)
            words.next()
            word = words.name()
            if words.taken("CLOSE") is None:
                raise command.refuse("a parenthesis that does not close")
        found.append((word, sign == "-", how))
        sign = ""
    if not found:
        raise command.refuse("no field")
    # a sign with a space is for all fields or for the next, which the manual leaves open
    alone = [t for t in words.tokens if t in ("-", "+")]
    if alone and len(found) > 1:
        raise command.refuse("a sign with a space before several fields")
    return found


def sort(command: Command, read: Reader) -> Step:
    """Sorts; missing values are last in both directions; 10,000 results unless it says otherwise ("sort", Optional arguments)."""
    words = Words(command)
    options = words.options({"limit": ""})
    count = 10_000
    token = words.peek()
    if token is not None and token.type == "WORD" and token.isdigit():
        count = int(words.next())
    elif options["limit"]:
        count = count_of(command, options["limit"])
    orders = _orders(command, words)
    return lambda rows, run: _sorted(command, rows, orders)[: count or None]


def _sorted(command: Command, rows: list[Row], orders: list[tuple[str, bool, str]]) -> list[Row]:
    for name, down, how in reversed(orders):
        there = [r for r in rows if name in r]
        missing = [r for r in rows if name not in r]
        if any(isinstance(r[name], list) for r in there):
            raise command.refuse(f"{name} of several values")
        keys = _keys(command, [r[name] for r in there], how)
        order = sorted(range(len(there)), key=lambda i, keys=keys: keys[i], reverse=down)  # type: ignore[misc]
        rows = [*(there[i] for i in order), *missing]
    return rows


def _keys(command: Command, values: list[Value], how: str) -> list[tuple[int, object]]:
    if how == "str":
        return [(1, text(v)) for v in values]
    addresses = [address_of(v) if isinstance(v, str) else None for v in values]
    if how == "ip" or (how == "auto" and any(addresses)):
        if not all(addresses):
            raise command.refuse("addresses among other values")
        return [(a.version, int(a)) for a in addresses if a]
    keys = [ordered(v) for v in values]
    if how == "num" and any(k[0] for k in keys):
        raise command.refuse("texts as numbers")
    if {k[0] for k in keys} == {0, 1} and any(k[0] and str(k[1])[:1].isdigit() for k in keys):
        raise command.refuse("texts that begin with a digit, among numbers")
    return keys


def dedup(command: Command, read: Reader) -> Step:
    """The first results of each combination of values ("dedup", Optional arguments)."""
    defaults = {"keepempty": "false", "keepevents": "false", "consecutive": "false"}
    words = Words(command)
    token = words.peek()
    count = int(words.next()) if token is not None and token.type == "WORD" and token.isdigit() else 1
    options = words.options(defaults)
    fields = words.names({"sortby"})
    options = words.options(options)
    orders: list[tuple[str, bool, str]] = []
    if words.keyword("sortby"):
        orders = _orders(command, words)
    words.end()
    if not fields or count < 1 or any("*" in f for f in fields):
        raise command.refuse("no fields, or no number of results")
    keepempty, keepevents, consecutive = (truth(command, o, options[o]) for o in defaults)

    def keep(rows: list[Row], run: Run) -> list[Row]:
        if orders:
            rows = _sorted(command, rows, orders)
        seen: dict[tuple[tuple[str, ...], ...], int] = {}
        kept = []
        for row in rows:
            key = tuple(tuple(map(text, several(row.get(f)))) for f in fields)
            if () in key:
                kept += [row] if keepempty else []
                continue
            if consecutive and key not in seen:
                seen.clear()
            seen[key] = seen.get(key, 0) + 1
            if seen[key] <= count:
                kept.append(row)
            elif keepevents:
                kept.append({k: v for k, v in row.items() if k not in fields})
        return kept

    return keep


# --- bin


def bin_(command: Command, read: Reader) -> Step:
    """Puts values into buckets; those of time count from the epoch ("bin", Bin options, Span options)."""
    words = Words(command)
    names = {"span": "", "minspan": "", "bins": "", "start": "", "end": "", "aligntime": ""}
    options = words.options(names)
    field = words.name()
    options = words.options(options)
    target = words.name() if words.keyword("as") else field
    options = words.options(options)
    words.end()

    def bucket(rows: list[Row], run: Run) -> list[Row]:
        if others := sorted(o for o, value in options.items() if value and o != "span"):
            raise command.refuse(", ".join(others))
        for row in rows:
            if field not in row:
                continue
            if (number := numeric(row[field])) is None:
                raise command.refuse("a value that is no number")
            row[target] = bucket_of(command, field, number, options["span"])
        return rows

    return bucket


def bucket_of(command: Command, field: str, number: float, span: str) -> Value:
    """The beginning of the bucket of a moment, or the bounds of that of another number.

    Raises:
        NotReadable: for buckets of which the documentation does not tell where they begin.
    """
    if field != "_time":
        raise command.refuse(f"buckets of {field}, which is no time")
    found = re.fullmatch(r"(\d+)([a-z]*)", span)
    seconds = seconds_of(span) if found else 0
    if not seconds:
        raise command.refuse(f"span={span}")
    if seconds > 86400 or (found and found[2][:1] in ("d", "w") and seconds != 86400):
        raise command.refuse("where buckets of several days begin")
    return whole(math.floor(number / seconds) * seconds)


def passed(command: Command, read: Reader) -> Step:
    """A command that changes how a search runs or where its results are kept, and not the results."""
    return lambda rows, run: rows


MAKERS: Mapping[str, Maker] = {
    "search": search, "where": where, "eval": evaluate, "fieldformat": fieldformat, "head": head, "tail": tail, "reverse": reverse,
    "regex": regex, "sort": sort, "dedup": dedup, "bin": bin_, "bucket": bin_, "localop": passed, "noop": passed,
}  # fmt: skip
