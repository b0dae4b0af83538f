"""Commands that bring results together: lookup, inputlookup, join, append, union, subsearches, and those that turn tables.

Facts: Search Reference, the page of each command; its section stands beside what it says. Knowledge Manager Manual, "Add field matching
rules to your lookup configuration" (a lookup gives the values of up to 1000 matches).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from translator.verify.reading import Row, ValueNotTold
from translator.verify.spl.arguments import Words, count_of, truth
from translator.verify.spl.objects import as_value, at
from translator.verify.spl.running import Maker, Reader, Run, Search, Step
from translator.verify.spl.syntax import Command, Inner, name_of, parsed
from translator.verify.spl.terms import Condition, formatted, node_condition
from translator.verify.spl.values import (
    Value,
    address_of,
    columns,
    named,
    network_of,
    one,
    public,
    put,
    several,
    text,
    whole,
    wildcard,
    within,
)  # fmt: skip


def lookup(command: Command, read: Reader) -> Step:
    """Gives events the values of a list's rows that match ("lookup", Optional arguments)."""
    words = Words(command)
    words.options({"local": "", "update": "", "event_time_field": ""})
    table = words.name()
    if words.peek() is None:
        raise command.refuse("no field")
    pairs = _pairs(words, {"output", "outputnew"})
    kind = words.keyword("output", "outputnew")
    outputs = _pairs(words, set()) if kind else []
    words.end()

    def looked(rows: list[Row], run: Run) -> list[Row]:
        listed = run.listed(table)
        chosen = outputs if kind else [(c, c) for c in columns(listed) if c not in {a for a, _ in pairs}]
        for row in rows:
            if kind == "outputnew" and all(goal in row for _, goal in chosen):
                continue
            found = _matching(command, row, listed, pairs)
            if kind == "outputnew" and any(goal in row for _, goal in chosen):
                raise command.refuse("OUTPUTNEW where only some of its fields are there")
            for source, goal in chosen:
                if not found and goal in row:
                    raise command.refuse(f"{goal}, which is there where nothing matches")
                values = [v for f in found for v in several(_shown(f, source, row, pairs))]
                if values:
                    put(row, goal, values)
        return rows

    return looked


def _shown(found: Row, source: str, row: Row, pairs: Sequence[tuple[str, str]]) -> Value:
    """The value of a column; of one that was matched by a wildcard the value that matched, as this reader's callers expect."""
    field = dict(pairs).get(source)
    return text(row[field]) if field is not None and "*" in text(found.get(source, "")) else found.get(source)


def _pairs(words: Words, stop: set[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while (token := words.peek()) is not None and not (token.type == "WORD" and token.lower() in stop):
        if words.taken("COMMA"):
            continue
        name = words.name()
        found.append((name, words.name() if words.keyword("as") else name))
    return found


def _matching(command: Command, row: Row, listed: Sequence[Row], pairs: Sequence[tuple[str, str]]) -> list[Row]:
    found = []
    for entry in listed:
        for column, field in pairs:
            value = row.get(field)
            if isinstance(value, list):
                raise command.refuse(f"{field} of several values")
            if value is None or column not in entry or not _fits(command, text(entry[column]), text(value)):
                break
        else:
            found.append(entry)
    if len(found) > 1000:
        raise command.refuse("more than 1000 matches")
    return found


def _fits(command: Command, held: str, value: str) -> bool:
    """Whether a value of an event is that of a list; one with ``*`` is a wildcard, which is without case (transforms.conf, match_type)."""
    if held == value:
        return True
    if "*" in held:
        return wildcard(held, cased=False).fullmatch(value) is not None
    network = network_of(held)
    if network is not None and address_of(value) is not None and within(value, network):
        raise command.refuse("whether its list is matched by CIDR (transforms.conf, match_type)")
    return False


def inputlookup(command: Command, read: Reader) -> Step:
    """The rows of a list ("inputlookup", Optional arguments)."""
    told, condition = _where(command, read)
    words = Words(told)
    defaults = {"append": "false", "start": "0", "max": "1000000000", "strict": "false"}
    options = words.options(defaults)
    table = words.name()
    options = words.options(options)
    words.end()
    appends, first = truth(command, "append", options["append"]), count_of(command, options["start"])
    count = count_of(command, options["max"])

    def listed(rows: list[Row], run: Run) -> list[Row]:
        found: list[Row] = [dict(r) for r in run.listed(table)]
        found = [r for r in found if condition is None or condition(r, run)]
        return [*(rows if appends else []), *found[first : first + count]]

    return listed


_DATA_SET = re.compile(r"""\s*(datamodel|inputlookup|lookup)\s*:\s*("?)([\w.]+)\2\s*""", re.I)


def from_(command: Command, read: Reader) -> Step:
    """The events of a data set of a data model, by its own names of fields, or the rows of a list ("from", Required arguments).

    An event says in its field ``datamodel`` which data set it is in.
    """
    found = _DATA_SET.fullmatch(command.text)
    if found is None:
        raise command.refuse(f"the data set{command.text}")
    kind, _, name = found.groups()
    if kind.lower() != "datamodel":
        return lambda rows, run: [dict(r) for r in run.listed(name)]
    if "." not in name:
        raise command.refuse(f"the data model {name} without a data set")
    return lambda rows, run: [dict(e) for e in run.events if text(e.get("datamodel")) == name]


def _where(command: Command, read: Reader) -> tuple[Command, Condition | None]:
    before, word, after = command.text.partition(" where ")
    if not word:
        before, word, after = command.text.partition(" WHERE ")
    if not word:
        return command, None
    tree = parsed("search", after, command.position + len(before) + len(word))
    parts = [node_condition(c, lambda token: _refused(command)) for c in tree.children]
    return Command(command.name, before, command.position), lambda row, run: all(p(row, run) for p in parts)


def _refused(command: Command) -> Search:
    raise command.refuse("a subsearch after WHERE")


# --- several searches


def _inner(command: Command, words: Words, read: Reader) -> Search:
    token = words.next()
    if token.type != "SUBSEARCH":
        raise command.refuse(f"{str(token)!r} for a subsearch")
    return read(command.subsearch(token))


def join(command: Command, read: Reader) -> Step:
    """Joins each result with the first that a subsearch finds of the same values, or with so many ("join", Optional arguments)."""
    words = Words(command)
    defaults = {"type": "inner", "max": "1", "overwrite": "true", "usetime": "false", "earlier": "true", "left": "", "right": ""}
    options = words.options(defaults)
    fields = words.names()
    options = words.options(options)
    search = _inner(command, words, read)
    words.end()
    if options["type"] not in ("inner", "left", "outer"):
        raise command.refuse(f"type={options['type']}")
    most = count_of(command, options["max"]) or None
    over = truth(command, "overwrite", options["overwrite"])

    def joined(rows: list[Row], run: Run) -> list[Row]:
        if options["left"] or options["right"] or truth(command, "usetime", options["usetime"]):
            raise command.refuse("aliases or usetime")
        others = search.results(run)
        if len(others) > 50_000:
            raise command.refuse("more than 50,000 results of a subsearch")
        keys = fields or sorted({n for r in rows for n in public(r)} & {n for r in others for n in public(r)})
        if not keys or any(isinstance(r.get(k), list) for r in (*rows, *others) for k in keys):
            raise command.refuse("no common field, or one of several values")
        found = []
        for row in rows:
            fitting = [o for o in others if all(k in row and k in o and text(row[k]) == text(o[k]) for k in keys)][:most]
            for other in fitting:
                if any(n.startswith("_") and n != "_raw" and other[n] != row.get(n) for n in other):
                    raise command.refuse("internal fields of a subsearch that differ")
                added = {n: v for n, v in other.items() if not n.startswith("_") and n not in keys}
                found.append(row | added if over else added | row)
            if not fitting and options["type"] != "inner":
                found.append(row)
        return found

    return joined


def append(command: Command, read: Reader) -> Step:
    """Results of a subsearch behind those before ("append", Description)."""
    words = Words(command)
    defaults = {"extendtimerange": "false", "maxtime": "", "maxout": "50000", "timeout": ""}
    options = words.options(defaults)
    search = _inner(command, words, read)
    words.end()

    def appended(rows: list[Row], run: Run) -> list[Row]:
        found = search.results(run)
        if len(found) > count_of(command, options["maxout"]):
            raise command.refuse("more results than maxout")
        return [*rows, *found]

    return appended


def appendpipe(command: Command, read: Reader) -> Step:
    """What commands make of the results, behind them ("appendpipe", Description)."""
    words = Words(command)
    words.options({"run_in_preview": ""})
    search = _inner(command, words, read)
    words.end()
    return lambda rows, run: [*rows, *search.applied([dict(r) for r in rows], run)]


def appendcols(command: Command, read: Reader) -> Step:
    """Fields of a subsearch's results beside those before, one result after the other ("appendcols", Optional arguments)."""
    words = Words(command)
    options = words.options({"override": "false", "maxtime": "", "maxout": "50000", "timeout": ""})
    search = _inner(command, words, read)
    words.end()
    override = truth(command, "override", options["override"])

    def beside(rows: list[Row], run: Run) -> list[Row]:
        found = [{k: v for k, v in r.items() if not k.startswith("_")} for r in search.results(run)]
        padded: list[Row] = [*rows, *({} for _ in found[len(rows) :])]
        others = [*found, *({} for _ in padded[len(found) :])]
        return [r | o if override else o | r for r, o in zip(padded, others, strict=True)]

    return beside


def union(command: Command, read: Reader) -> Step:
    """Results of several searches, those of events the newest first ("union" and "multisearch", Usage)."""
    words = Words(command)
    words.options({"maxtime": "", "maxout": "", "timeout": ""})
    searches = []
    while words.peek() is not None:
        if not words.taken("COMMA"):
            searches.append(_inner(command, words, read))
    if not searches or (command.name == "multisearch" and len(searches) < 2):
        raise command.refuse("too few searches")

    def together(rows: list[Row], run: Run) -> list[Row]:
        found = [*rows, *(r for s in searches for r in s.results(run))]
        moments = [r.get("_time") for r in found]
        if all(isinstance(m, int | float) for m in moments):
            return sorted(found, key=lambda r: -_time(r))
        return found

    return together


def _time(row: Row) -> float:
    moment = row.get("_time")
    return float(moment) if isinstance(moment, int | float) else 0


def format_(command: Command, read: Reader) -> Step:
    """Results as one text of search terms ("format", Required and optional arguments)."""
    words = Words(command)
    options = words.options({"mvsep": "OR", "maxresults": "0", "emptystr": "NOT()"})
    marks = [name_of(t) for t in words.tokens[words.at :]]
    if options["mvsep"] != "OR" or len(marks) not in (0, 6):
        raise command.refuse("its arguments")
    begin, begin_row, column, end_row, between, end = marks or ["(", "(", "AND", ")", "OR", ")"]
    most = count_of(command, options["maxresults"]) or None
    order = (begin, begin_row, column, end_row, between, end)
    return lambda rows, run: [{"search": formatted(rows[:most], order, options["emptystr"])}]


def return_(command: Command, read: Reader) -> Step:
    """Values of the first results as search terms ("return", Description): ``$field`` gives values alone."""
    words = Words(command)
    token = words.peek()
    count = int(words.next()) if token is not None and token.isdigit() else 1
    told: list[tuple[str, str, bool]] = []
    while (token := words.peek()) is not None:
        if words.taken("COMMA"):
            continue
        name = words.name()
        if words.taken("EQUALS"):
            told.append((name, words.name(), False))
        else:
            told.append((name.removeprefix("$"), name.removeprefix("$"), name.startswith("$")))

    def returned(rows: list[Row], run: Run) -> list[Row]:
        parts = []
        for row in rows[:count]:
            terms = []
            for alias, name, alone in told:
                if name in row:
                    value = text(row[name])
                    terms.append(value if alone else formatted([{alias: value}], ("", "", "", "", "", "")).strip())
            if terms:
                parts.append(f"({' '.join(terms)})")
        return [{"search": " OR ".join(parts) or "NOT()"}]

    return returned


def makeresults(command: Command, read: Reader) -> Step:
    """Results with the time of the search ("makeresults", Optional arguments)."""
    words = Words(command)
    options = words.options({"count": "1", "annotate": "false"})
    words.end()
    count = count_of(command, options["count"])
    if truth(command, "annotate", options["annotate"]):
        raise command.refuse("annotate")
    return lambda rows, run: [{"_time": whole(run.now() // 1)} for _ in range(count)]


def foreach(command: Command, read: Reader) -> Step:
    """Commands for each field that a name with wildcards stands for ("foreach", Multiple fields mode): ``<<FIELD>>`` is its name."""
    words = Words(command)
    options = words.options({"mode": "multifield", "fieldstr": "<<FIELD>>"})
    names = words.names()
    token = words.next()
    words.end()
    if token.type != "SUBSEARCH" or not names:
        raise command.refuse("no commands in brackets")
    inner = command.subsearch(token)

    def each(rows: list[Row], run: Run) -> list[Row]:
        if options["mode"] != "multifield" or "<<MATCH" in inner.text or "<<ITEM>>" in inner.text:
            raise command.refuse("what it matches, or its mode")
        for field in named(names, columns(rows)):
            rows = read(Inner(inner.text.replace(options["fieldstr"], field), inner.position)).applied(rows, run)
        return rows

    return each


# --- tables turned


def untable(command: Command, read: Reader) -> Step:
    """A result for each cell: what it is of, the name of its column, its value ("untable", Description)."""
    words = Words(command)
    names = words.names()
    words.end()
    if len(names) != 3:
        raise command.refuse(f"{len(names)} fields")
    of, name, value = names
    return lambda rows, run: [{of: r[of], name: c, value: r[c]} for r in rows if of in r for c in public(r) if c != of]


def xyseries(command: Command, read: Reader) -> Step:
    """A result for each value of a field, with a column for each of another ("xyseries", Description)."""
    words = Words(command)
    options = words.options({"grouped": "false", "sep": ": ", "format": ""})
    names = words.names()
    words.end()
    if len(names) < 3 or options["format"] or truth(command, "grouped", options["grouped"]):
        raise command.refuse("its arguments")
    of, name, *values = names

    def turned(rows: list[Row], run: Run) -> list[Row]:
        found: dict[str, Row] = {}
        for row in rows:
            if of not in row or name not in row:
                raise command.refuse(f"a result without {of} or {name}")
            line = found.setdefault(text(row[of]), {of: row[of]})
            for value in values:
                goal = text(row[name]) if len(values) == 1 else f"{value}{options['sep']}{text(row[name])}"
                if value in row and goal in line:
                    raise command.refuse("two values for one cell")
                put(line, goal, row.get(value))
        keys = list(found.values())
        return sorted(keys, key=lambda r: text(r[of])) if all(isinstance(r[of], str) for r in keys) else keys

    return turned


def spath(command: Command, read: Reader) -> Step:
    """The value at a path of a JSON text, or a field for each of its values ("spath", Optional arguments)."""
    words = Words(command)
    options = words.options({"input": "_raw", "output": "", "path": ""})
    token = words.peek()
    path = options["path"] or (words.name() if token is not None else "")
    options = words.options(options)
    words.end()
    if options["output"] and not path:
        raise command.refuse("output without path")

    def taken(rows: list[Row], run: Run) -> list[Row]:
        for row in rows:
            told = row.get(options["input"])
            if told is None:
                continue
            if isinstance(told, list) or text(told).lstrip().startswith("<"):
                raise command.refuse("several values, or XML")
            try:
                value = json.loads(text(told))
            except ValueError:
                continue
            if path:
                put(
                    row,
                    options["output"] or path,
                    one([as_value(v) for v in at(value, path)]) if at(value, path) else row.get(options["output"]),
                )
            elif len(text(told)) > 5000:
                raise command.refuse("a text of more than 5000 characters (limits.conf, extraction_cutoff)")
            else:
                found: dict[str, list[Value]] = {}
                _leaves(value, "", found)
                for name, values in found.items():
                    put(row, name, values)
        return rows

    return taken


def _leaves(value: object, name: str, found: dict[str, list[Value]]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _leaves(inner, f"{name}.{key}" if name else str(key), found)
    elif isinstance(value, list):
        for member in value:
            _leaves(member, f"{name}{{}}", found)
    elif value is None:
        raise ValueNotTold("spath: a null of JSON as a value")
    else:
        found.setdefault(name, []).append(as_value(value))


MAKERS: Mapping[str, Maker] = {
    "lookup": lookup, "inputlookup": inputlookup, "from": from_, "join": join, "append": append, "appendpipe": appendpipe,
    "appendcols": appendcols, "union": union, "multisearch": union, "format": format_, "return": return_, "makeresults": makeresults,
    "foreach": foreach, "untable": untable, "xyseries": xyseries, "spath": spath,
}  # fmt: skip
