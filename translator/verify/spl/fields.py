"""Commands that choose, name and change fields: table, fields, rename, fillnull, mvexpand, makemv, replace, convert and their kin.

Facts: Search Reference, the page of each command; its section stands beside what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from translator.verify.reading import Row
from translator.verify.spl import times
from translator.verify.spl.arguments import Words, count_of, truth
from translator.verify.spl.regexes import pattern
from translator.verify.spl.running import Maker, Reader, Run, Step
from translator.verify.spl.syntax import Command, name_of, unquoted, worded
from translator.verify.spl.values import (
    Delimited,
    Value,
    columns,
    named,
    numeric,
    one,
    public,
    put,
    several,
    spelled,
    text,
    whole,
    wildcard,
)


def table(command: Command, read: Reader) -> Step:
    """Only the fields that it names ("table", Required arguments)."""
    words = Words(command)
    names = words.names()
    words.end()
    if not names:
        raise command.refuse("no fields")

    def shown(rows: list[Row], run: Run) -> list[Row]:
        kept = list(dict.fromkeys([*named(names, columns(rows)), run.carried]))
        return [{k: r[k] for k in kept if k in r} for r in rows]

    return shown


def fields(command: Command, read: Reader) -> Step:
    """Keeps fields, with all internal ones, or removes some ("fields", Usage)."""
    words = Words(command)
    first = words.peek()
    sign = "+"
    if first is not None and first.type == "WORD" and first[:1] in ("+", "-"):
        sign = first[0]
        if first in ("+", "-"):
            words.next()
    names = [n.lstrip("+-") if i == 0 and n[:1] in ("+", "-") else n for i, n in enumerate(words.names())]
    words.end()
    if not names:
        raise command.refuse("no fields")

    def kept(rows: list[Row], run: Run) -> list[Row]:
        chosen = set(named(names, columns(rows)))
        if sign == "-":
            return [{k: v for k, v in r.items() if k not in chosen} for r in rows]
        return [{k: v for k, v in r.items() if k in chosen or k.startswith("_") or k == run.carried} for r in rows]

    return kept


def rename(command: Command, read: Reader) -> Step:
    """Names fields anew; what had the new name is no more, even where nothing takes its place ("rename", Usage)."""
    words = Words(command)
    pairs: list[tuple[str, str]] = []
    while words.peek() is not None:
        if words.taken("COMMA"):
            continue
        old = words.name()
        if not words.keyword("as"):
            raise command.refuse(f"{old} without AS")
        pairs.append((old, words.name()))
    if not pairs:
        raise command.refuse("no fields")
    if len({a for a, _ in pairs}) < len(pairs):
        raise command.refuse("a field with two new names")
    if any(a.count("*") != b.count("*") for a, b in pairs):
        raise command.refuse("wildcards that differ in number")

    def renamed(rows: list[Row], run: Run) -> list[Row]:
        new = _renamings(columns(rows), pairs)
        goals = list(new.values())
        if len(set(goals)) < len(goals) or (set(goals) & set(new)) - {k for k, v in new.items() if k == v}:
            raise command.refuse("a name that is given and taken")
        there = set(goals)
        return [
            {new.get(k, k): v for k, v in r.items() if k in new or k not in there} for r in rows
        ]  # fmt: skip

    return renamed


def _renamings(there: list[str], pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for old, new in pairs:
        if "*" not in old:
            found[old] = new
            continue
        pattern_of = re.compile("(.*?)".join(map(re.escape, old.split("*"))))
        for name in there:
            match = pattern_of.fullmatch(name)
            if match and not (name.startswith("_") and not old.startswith("_")):
                parts = iter(match.groups())
                found[name] = "".join(next(parts) if c == "*" else c for c in new)
    return found


def fillnull(command: Command, read: Reader) -> Step:
    """Gives fields that are missing a value: those that are named, or all that any result has ("fillnull", Optional arguments)."""
    words = Words(command)
    options = words.options({"value": "0"})
    names = words.names()
    options = words.options(options)
    words.end()

    def filled(rows: list[Row], run: Run) -> list[Row]:
        wanted = named(names, columns(rows)) if names else columns(rows)
        return [r | {n: options["value"] for n in wanted if n not in r} for r in rows]

    return filled


def filldown(command: Command, read: Reader) -> Step:
    """Gives fields that are missing the latest value before ("filldown", Description)."""
    words = Words(command)
    names = words.names()
    words.end()

    def filled(rows: list[Row], run: Run) -> list[Row]:
        latest: Row = {}
        for row in rows:
            for name in named(names or ["*"], columns(rows)):
                if name in row:
                    latest[name] = row[name]
                elif name in latest:
                    row[name] = latest[name]
        return rows

    return filled


# --- several values


def mvexpand(command: Command, read: Reader) -> Step:
    """A result for each value of a field ("mvexpand", Optional arguments)."""
    words = Words(command)
    name, options = words.name_among({"limit": "0"})
    limit = count_of(command, options["limit"]) or None

    def expanded(rows: list[Row], run: Run) -> list[Row]:
        return [made for r in rows for made in ([r | {name: v} for v in several(r[name])[:limit]] if name in r else [r])]

    return expanded


def makemv(command: Command, read: Reader) -> Step:
    """Splits a value at a delimiter, or takes what a regular expression finds ("makemv", Optional arguments)."""
    words = Words(command)
    name, options = words.name_among({"delim": "", "allowempty": "false", "setsv": "false", "tokenizer": ""})
    if truth(command, "setsv", options["setsv"]):
        raise command.refuse("setsv")
    keeps = truth(command, "allowempty", options["allowempty"])
    split: Callable[[str], list[str]] = lambda told: told.split(options["delim"] or " ")  # noqa: E731
    if options["tokenizer"]:
        wanted = pattern(options["tokenizer"])
        split = lambda told: [m[1] if m.re.groups else m[0] for m in wanted.matches(told)]  # noqa: E731

    def made(rows: list[Row], run: Run) -> list[Row]:
        for row in rows:
            if name in row:
                put(row, name, [p for v in several(row[name]) for p in split(text(v)) if p or keeps])
        return rows

    return made


def mvcombine(command: Command, read: Reader) -> Step:
    """Makes one result of those that only differ in one field ("mvcombine", Usage)."""
    words = Words(command)
    name, options = words.name_among({"delim": " "})

    def combined(rows: list[Row], run: Run) -> list[Row]:
        groups: dict[str, list[Row]] = {}
        for number, row in enumerate(rows):
            others = sorted((k, str(v)) for k, v in row.items() if k != name)
            groups.setdefault(str(others) if name in row else str(number), []).append(row)
        found = []
        for members in groups.values():
            values = [v for m in members for v in several(m.get(name))]
            found.append(members[0] | ({name: Delimited(values, options["delim"])} if len(values) > 1 else {}))
        return found

    return combined


def nomv(command: Command, read: Reader) -> Step:
    """Makes several values one, with line breaks or the delimiter of mvcombine between them ("nomv", Description)."""
    words = Words(command)
    name = words.name()
    words.end()

    def joined(rows: list[Row], run: Run) -> list[Row]:
        for row in rows:
            value = row.get(name)
            if isinstance(value, list):
                row[name] = (value.delimiter if isinstance(value, Delimited) else "\n").join(map(spelled, value))
        return rows

    return joined


# --- values


def replace(command: Command, read: Reader) -> Step:
    """Replaces whole values; what wildcards stand for is kept ("replace", Required arguments)."""
    words = Words(command)
    pairs: list[tuple[str, str]] = []
    while (token := words.peek()) is not None and not (token.type == "WORD" and token.lower() == "in"):
        if words.taken("COMMA"):
            continue
        wanted = worded(words.next())
        if not words.keyword("with"):
            raise command.refuse(f"{wanted} without WITH")
        pairs.append((wanted, worded(words.next())))
    names = words.names() if words.keyword("in") else []
    words.end()
    if not pairs:
        raise command.refuse("nothing to replace")

    def replaced(rows: list[Row], run: Run) -> list[Row]:
        for row in rows:
            for name in names or public(row):
                if name in row:
                    put(row, name, [_replaced(command, v, pairs) for v in several(row[name])])
        return rows

    return replaced


def _replaced(command: Command, value: Value, pairs: list[tuple[str, str]]) -> Value:
    told = text(value)
    fitting = [(a, b) for a, b in pairs if wildcard(a, cased=False).fullmatch(told)]
    if len(fitting) > 1 or any(not wildcard(a).fullmatch(told) for a, _ in fitting):
        raise command.refuse("a value that several wildcards match, or one in another case")
    for wanted, other in fitting:
        parts = re.compile("(.*?)".join(map(re.escape, wanted.split("*"))), re.DOTALL).fullmatch(told)
        if parts is None or other.count("*") > wanted.count("*"):
            raise command.refuse("more wildcards in what replaces")
        kept = iter(parts.groups())
        return "".join(next(kept) if c == "*" else c for c in other)
    return value


def strcat(command: Command, read: Reader) -> Step:
    """Joins fields and texts in quotes into a field ("strcat", Required arguments)."""
    words = Words(command)
    options = words.options({"allrequired": "false"})
    parts = []
    while words.peek() is not None:
        parts.append(words.next())
    if len(parts) < 3:
        raise command.refuse("fewer than two sources")
    *sources, goal = parts
    required = truth(command, "allrequired", options["allrequired"])

    def joined(rows: list[Row], run: Run) -> list[Row]:
        for row in rows:
            values = [worded(s) if s.type == "STRING" else row.get(name_of(s)) for s in sources]
            if any(isinstance(v, list) for v in values):
                raise command.refuse("several values")
            if not (required and None in values):
                row[name_of(goal)] = "".join(spelled(v) for v in values if v is not None)
        return rows

    return joined


def addtotals(command: Command, read: Reader) -> Step:
    """Adds the sum of the numbers of each result, and a result with that of each column ("addtotals", Optional arguments)."""
    words = Words(command)
    options = words.options({"row": "true", "col": "false", "fieldname": "Total", "labelfield": "", "label": "Total"})
    names = words.names()
    options = words.options(options)
    words.end()
    row_total, col_total = truth(command, "row", options["row"]), truth(command, "col", options["col"])

    def totalled(rows: list[Row], run: Run) -> list[Row]:
        wanted = named(names, columns(rows)) if names else [c for c in columns(rows) if not c.startswith("_")]
        if row_total:
            for row in rows:
                numbers = [n for c in wanted if (n := numeric(row.get(c))) is not None]
                row[options["fieldname"]] = whole(sum(numbers))
        if not col_total:
            return rows
        summed = [*wanted, *([options["fieldname"]] if row_total else [])]
        last: Row = {}
        for name in summed:
            values = [row[name] for row in rows if name in row]
            numbers = [n for v in values if (n := numeric(v)) is not None]
            if numbers and len(numbers) < len(values):
                raise command.refuse("a column of numbers and texts")
            if numbers:
                last[name] = whole(sum(numbers))
        if options["labelfield"]:
            last[options["labelfield"]] = options["label"]
        return [*rows, last]

    return totalled


def convert(command: Command, read: Reader) -> Step:
    """Converts values ("convert", Convert functions)."""
    words = Words(command)
    options = words.options({"timeformat": "%m/%d/%Y %H:%M:%S"})
    told: list[tuple[str, str, str]] = []
    while words.peek() is not None:
        if words.taken("COMMA"):
            continue
        function = words.name().lower()
        if function not in ("ctime", "mktime", "num", "none", "rmcomma", "rmunit", "auto", "dur2sec", "mstime", "memk"):
            raise command.refuse(function)
        if words.taken("OPEN") is None:
            raise command.refuse(f"{function} without parentheses")
        name = words.name()
        if words.taken("CLOSE") is None:
            raise command.refuse("a parenthesis that does not close")
        told.append((function, name, words.name() if words.keyword("as") else ""))

    if not told:
        raise command.refuse("no function")

    def converted(rows: list[Row], run: Run) -> list[Row]:
        there = columns(rows)
        for row in rows:
            skipped = {n for f, name, _ in told if f == "none" for n in named([name], there)}
            for function, name, goal in told:
                for source in named([name], there):
                    if source in row and function != "none" and source not in skipped:
                        value = one([_converted(command, function, v, options["timeformat"]) for v in several(row[source])])
                        put(row, goal.replace("*", source) if goal else source, value)
        return rows

    return converted


def _converted(command: Command, function: str, value: Value, form: str) -> Value:
    number = numeric(value)
    match function:
        case "ctime" if number is not None:
            return times.formatted(number, form)
        case "mktime" if isinstance(value, str):
            moment = times.read(value, form)
            if moment is not None:
                return whole(moment)
        case "num" if number is not None:
            return number
        case "rmcomma":
            return text(value).replace(",", "")
        case "dur2sec" if found := re.fullmatch(r"(?:(\d+)\+)?(\d+):(\d+):(\d+)", text(value)):
            days, hours, minutes, seconds = (int(g or 0) for g in found.groups())
            return days * 86400 + hours * 3600 + minutes * 60 + seconds
        case "memk" if found := re.fullmatch(r"(\d+(?:\.\d+)?)([kmgKMG]?)", text(value)):
            return whole(float(found[1]) * {"": 1, "k": 1, "m": 1024, "g": 1024 * 1024}[found[2].lower()])
    raise command.refuse(f"{function} of {value!r}")


# --- extraction of a field


def rex(command: Command, read: Reader) -> Step:
    """Makes fields of named groups, or changes a field as sed does ("rex", Optional arguments, Sed expression)."""
    words = Words(command)
    defaults = {"field": "_raw", "max_match": "1", "mode": "", "offset_field": ""}
    options = words.options(defaults)
    token = words.next()
    options = words.options(options)
    words.end()
    if token.type != "STRING":
        raise command.refuse("a regular expression without quotes")
    if options["offset_field"]:
        raise command.refuse("offset_field")
    field = name_of(options["field"])
    if options["mode"]:
        if options["mode"] != "sed":
            raise command.refuse(f"mode={options['mode']}")
        return _sed(command, field, unquoted(token))
    wanted, limit = pattern(unquoted(token)), count_of(command, options["max_match"])
    if not wanted.groups:
        raise command.refuse("a regular expression without named groups")

    def extracted(rows: list[Row], run: Run) -> list[Row]:
        for row in rows:
            matches = [m for v in several(row.get(field)) for m in wanted.matches(text(v))][: limit or None]
            for name in wanted.groups:
                if values := [m[name] for m in matches if m[name]]:
                    put(row, name, values)
        return rows

    return extracted


def _sed(command: Command, field: str, script: str) -> Step:
    """``s/regex/replacement/flags`` with ``g`` or a number, or ``y/characters/others/``."""
    kind, separator = script[:1], script[1:2]
    parts = re.split(rf"(?<!\\){re.escape(separator)}", script[2:]) if separator else []
    if kind not in ("s", "y") or len(parts) != 3:
        raise command.refuse(f"the sed expression {script}")
    wanted, other, flags = parts
    if kind == "y":
        if len(wanted) != len(other) or flags:
            raise command.refuse(f"the sed expression {script}")
        characters = str.maketrans(wanted, other)
    elif not re.fullmatch(r"g?i?|i?g?", flags):
        raise command.refuse(f"the flags {flags} of sed")
    regex = pattern("" if kind == "y" else ("(?i)" if "i" in flags else "") + wanted)
    if "&" in other and kind == "s":
        raise command.refuse("& in the replacement of sed")

    def changed(rows: list[Row], run: Run) -> list[Row]:
        for row in rows:
            if field in row:
                values = [
                    text(v).translate(characters)
                    if kind == "y"
                    else regex.replaced(text(v), other.replace("\\" + separator, separator), 0 if "g" in flags else 1)
                    for v in several(row[field])
                ]
                put(row, field, values)
        return rows

    return changed


MAKERS: Mapping[str, Maker] = {
    "table": table, "fields": fields, "rename": rename, "fillnull": fillnull, "filldown": filldown, "mvexpand": mvexpand, "makemv": makemv,
    "mvcombine": mvcombine, "nomv": nomv, "replace": replace, "strcat": strcat, "addtotals": addtotals, "convert": convert, "rex": rex,
}  # fmt: skip
