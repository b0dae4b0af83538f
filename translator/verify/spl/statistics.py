"""Statistical commands: stats, eventstats, streamstats, tstats, chart, timechart, top and rare.

Facts: Search Reference, the page of each command; its section stands beside what it says. Events without a field after BY are left out,
and one of several values is in a group for each ("stats", Usage).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lark import Token, Tree

from translator.verify.reading import NotReadable, Row
from translator.verify.spl import aggregates
from translator.verify.spl.arguments import Words, count_of, truth
from translator.verify.spl.expressions import Expression, expression_of
from translator.verify.spl.filtering import bucket_of
from translator.verify.spl.running import Maker, Reader, Run, Step
from translator.verify.spl.syntax import Command, name_of, parsed
from translator.verify.spl.terms import Condition, node_condition
from translator.verify.spl.times import seconds_of
from translator.verify.spl.values import Value, columns, named, numeric, put, several, text, whole

INDEXED = frozenset({"index", "sourcetype", "source", "host", "_time", "splunk_server"})
"""The fields that are in the index of every event ("tstats", Description; Knowledge Manager Manual, "Use default fields")."""


@dataclass(frozen=True, slots=True)
class Term:
    """A statistic.

    Attributes:
        function: its name.
        field: what it is of: a field, perhaps with wildcards, or an expression; None for the events themselves.
        goal: the name of its column.
        certain: whether that name is certain.
    """

    function: str
    field: str | Expression | None
    goal: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Statistics:
    """The arguments of a statistical command."""

    options: Mapping[str, str]
    terms: tuple[Term, ...]
    by: tuple[str, ...]
    over: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    condition: Condition | None = None


def statistics_of(command: Command, read: Reader, kind: str = "statistics") -> Statistics:
    """The arguments of a statistical command.

    Raises:
        NotReadable: for a function that is not known.
    """
    options: dict[str, str] = {}
    terms: list[Term] = []
    names: dict[str, list[str]] = {"by": [], "over": [], "from": []}
    condition = None
    for part in command.tree("accelerated" if kind == "accelerated" else "statistics").children:
        if not isinstance(part, Tree):
            continue
        match part.data:
            case "option":
                options |= _option(part)
            case "term":
                terms.append(_term(command, part))
            case "by" | "over" | "from":
                for child in part.children:
                    assert isinstance(child, Tree)
                    if child.data == "setting":
                        options |= _option(child)
                    elif child.data == "key":
                        names[str(part.data)].append(name_of(str(child.children[0])))
            case "macro":
                continue  # run refuses macros
            case _:
                condition = node_condition(part, lambda token: read(command.subsearch(token)))
    return Statistics(options, tuple(terms), tuple(names["by"]), tuple(names["over"]), tuple(names["from"]), condition)


def _option(tree: Tree[Token]) -> dict[str, str]:
    name, _, value = str(tree.children[0]).partition("=")
    return {name.lower(): name_of(value)}


def _term(command: Command, tree: Tree[Token]) -> Term:
    function, *others = tree.children
    assert isinstance(function, Token)
    called = str(function).lower()
    if not aggregates.is_known(called):
        raise NotReadable(f"the function {function}", command.position + (function.start_pos or 0))
    field: str | Expression | None = None
    shown = ""
    goal = None
    for other in others:
        assert isinstance(other, Tree)
        if other.data == "name":
            goal = name_of(str(other.children[0]))
            continue
        (*_, inside) = other.children
        if isinstance(inside, Tree) and inside.data == "name":
            shown = name_of(str(inside.children[0]))
            field = shown
        else:
            field, shown = expression_of(inside), "eval"
    if called not in ("count", "c") and field is None:
        raise NotReadable(f"{function} of nothing", command.position + (function.start_pos or 0))
    name = f"{called}({shown})" if shown else called
    return Term(called, field, goal or name, goal is not None or not (shown == "eval" or aggregates.is_alias(called)))


def _know(command: Command, told: Statistics, *known: str) -> None:
    if others := sorted(set(told.options) - set(known)):
        raise command.refuse(f"the option {others[0]}")
    if not told.terms:
        raise command.refuse("no function")


def terms_for(command: Command, told: Statistics, rows: Sequence[Row]) -> list[Term]:
    """The terms with wildcards as a term for each field that they stand for ("stats", Required arguments)."""
    found: list[Term] = []
    there = [c for c in columns(rows) if c not in told.by]
    for term in told.terms:
        if not term.certain:
            raise command.refuse(f"the name of {term.function} without AS")
        if not isinstance(term.field, str) or "*" not in term.field:
            found.append(term)
            continue
        if term.goal.count("*") != 1 or term.field.count("*") != 1:
            raise command.refuse(f"the wildcards of {term.goal}")
        before, after = term.field.split("*")
        for name in named([term.field], there):
            goal = term.goal.replace("*", name[len(before) : len(name) - len(after)])
            found.append(Term(term.function, name, goal, True))
    if len({t.goal for t in found}) < len(found):
        raise command.refuse("two columns of one name")
    return found


def computed(term: Term, rows: Sequence[Row], run: Run) -> Value:
    """A statistic of rows."""
    if term.field is None:
        return len(rows)
    if isinstance(term.field, str):
        field = term.field
        return aggregates.computed(term.function, rows, lambda row: row.get(field))
    expression = term.field
    return aggregates.computed(term.function, rows, lambda row: _counted(term.function, expression(row, run)))


def _counted(function: str, value: Value) -> Value:
    """What a function has of an eval expression: a count is of what is true ("Use stats with eval expressions and functions")."""
    if isinstance(value, bool):
        if function in ("count", "c"):
            return 1 if value else None
        raise NotReadable(f"{function} of a condition")
    return value


def keys_of(row: Row, by: Sequence[str]) -> list[tuple[Value, ...]]:
    """The groups that a row is in: none without a field, several for one of several values."""
    keys: list[tuple[Value, ...]] = [()]
    for field in by:
        keys = [(*key, value) for key in keys for value in several(row.get(field))]
    return keys


def grouped(rows: Sequence[Row], by: Sequence[str], once: bool = False) -> list[tuple[tuple[Value, ...], list[Row]]]:
    """Rows by their groups, in the order in which those come up; one of no fields for no rows.

    Args:
        rows: the rows.
        by: the fields.
        once: whether a row is once in a group that it belongs to twice ("stats", dedup_splitvals).
    """
    groups: dict[tuple[str, ...], list[Row]] = {} if by else {(): []}
    shown: dict[tuple[str, ...], tuple[Value, ...]] = {(): ()}
    for row in rows:
        keys = [(tuple(map(text, key)), key) for key in keys_of(row, by)]
        for group, key in dict(keys).items() if once else keys:
            shown.setdefault(group, key)
            groups.setdefault(group, []).append(row)
    return [(shown[group], members) for group, members in groups.items()]


def _row(by: Sequence[str], key: Sequence[Value], terms: Sequence[Term], members: Sequence[Row], run: Run) -> Row:
    row: Row = dict(zip(by, key, strict=True))
    for term in terms:
        put(row, term.goal, computed(term, members, run))
    return row


def stats(command: Command, read: Reader) -> Step:
    """A result for each combination of the fields behind ``by``, with what is computed of its events ("stats", Description)."""
    told = statistics_of(command, read)
    _know(command, told, "dedup_splitvals", "partitions")
    once = truth(command, "dedup_splitvals", told.options.get("dedup_splitvals", "false"))

    def summed(rows: list[Row], run: Run) -> list[Row]:
        terms = terms_for(command, told, rows)
        return [_row(told.by, key, terms, members, run) for key, members in grouped(rows, told.by, once)]

    return summed


def eventstats(command: Command, read: Reader) -> Step:
    """What stats finds, on each event that it was found of ("eventstats", Description)."""
    told = statistics_of(command, read)
    _know(command, told)

    def added(rows: list[Row], run: Run) -> list[Row]:
        if any(isinstance(r.get(f), list) for r in rows for f in told.by):
            raise command.refuse("a field of several values after BY")
        terms = terms_for(command, told, rows)
        results: list[tuple[Row, Row]] = []
        for _, members in grouped(rows, told.by):
            found: Row = {term.goal: computed(term, members, run) for term in terms}
            results += [(member, found) for member in members]
        for member, found in results:
            for name, value in found.items():
                put(member, name, value)
        return rows

    return added


def streamstats(command: Command, read: Reader) -> Step:
    """Statistics of the events so far; 10,000 of them at most (limits.conf, max_stream_window)."""
    told = statistics_of(command, read)
    _know(command, told, "time_window", "window", "global", "current", "reset_on_change", "reset_before", "reset_after")
    options = told.options
    size = count_of(command, options.get("window", "0"))
    seconds = seconds_of(options["time_window"]) if "time_window" in options else None
    current = truth(command, "current", options.get("current", "true"))
    resets = truth(command, "reset_on_change", options.get("reset_on_change", "false"))
    before, after = (_condition(command, told.options.get(option)) for option in ("reset_before", "reset_after"))
    of_all = size > 0 and bool(told.by) and truth(command, "global", options.get("global", "true"))
    if of_all and (resets or before or after or seconds is not None):
        raise command.refuse("a window over the events of all groups, with a time or a reset")

    def added(rows: list[Row], run: Run) -> list[Row]:
        terms = terms_for(command, told, rows)
        earlier: dict[tuple[str, ...], list[Row]] = {}
        last: tuple[str, ...] | None = None
        results = []
        for number, row in enumerate(rows):
            keys = [tuple(map(text, key)) for key in keys_of(row, told.by)]
            if len(keys) > 1:
                raise command.refuse("a field of several values after BY")
            found: Row = {}
            if before and before(row, run) is True:
                earlier.clear()
            for key in keys:
                if resets and key != last:
                    earlier[key] = []
                last = key
                seen = earlier.setdefault(key, [])
                members = [*seen, row] if current else list(seen)
                if seconds is not None:
                    members = [m for m in members if abs(_moment(command, row) - _moment(command, m)) <= seconds]
                if of_all:  # one window for all groups ("streamstats", global)
                    passed = rows[: number + current][-size:]
                    members = [m for m in passed if key in {tuple(map(text, k)) for k in keys_of(m, told.by)}]
                members = members[-size:] if size else members
                if len(members) > 10_000:
                    raise command.refuse("more than 10,000 events (limits.conf, max_stream_window)")
                found = {term.goal: computed(term, members, run) for term in terms}
                seen.append(row)
            if after and after(_with(row, found), run) is True:
                earlier.clear()
            results.append((row, found))
        return [_with(row, found) for row, found in results]

    return added


def _condition(command: Command, told: str | None) -> Expression | None:
    """The expression of reset_before or reset_after ("streamstats", Optional arguments)."""
    return None if told is None else expression_of(parsed("condition", told, command.position))


def _with(row: Row, found: Row) -> Row:
    row = dict(row)
    for name, value in found.items():
        put(row, name, value)
    return row


def _moment(command: Command, row: Row) -> float:
    moment = numeric(row.get("_time"))
    if moment is None:
        raise command.refuse("an event without _time")
    return moment


def tstats(command: Command, read: Reader) -> Step:
    """Statistics of fields in the index, or of a data set of a data model ("tstats", Description and Optional arguments).

    An event says in its field ``datamodel`` which data set it is in; fields of these have the name of the data set before theirs. With
    ``summariesonly=false`` what is not summarized counts as well, and how old summaries are makes no difference; ``fillnull_value``
    stands for keys that an event lacks, and events that lack one are left out without it.
    """
    told = statistics_of(command, read, "accelerated")
    if not told.terms:
        raise command.refuse("no function")

    def summed(rows: list[Row], run: Run) -> list[Row]:
        if told.source:
            raise command.refuse(f"the data in {' '.join(told.source)}")
        model = told.options.get("datamodel", "")
        known = {"span", "datamodel", "fillnull_value"} if model else {"span"}
        if told.options.get("summariesonly", "false").lower() in ("false", "f", "0"):
            known |= {"summariesonly", "allow_old_summaries"}
        if others := sorted(set(told.options) - known):
            raise command.refuse(f"the option {others[0]}")
        if model and "." not in model:
            raise command.refuse(f"the data model {model} without a data set")
        found = [dict(e) for e in run.events if not model or text(e.get("datamodel")) == model]
        used = [*told.by, *(t.field for t in told.terms if isinstance(t.field, str))]
        within = f"{model.rpartition('.')[2]}." if model else ""
        if others := sorted(f for f in used if f not in INDEXED and not (within and f.startswith(within))):
            raise command.refuse(f"{others[0]}, which may not be in the {'data set' if model else 'index'}")
        if "fillnull_value" in told.options:
            found = [{**dict.fromkeys(set(told.by) - {"_time"}, told.options["fillnull_value"]), **e} for e in found]
        if told.condition is not None:
            found = [e for e in found if told.condition(e, run)]
        if "_time" in told.by:
            if "span" not in told.options:
                raise command.refuse("_time without a span")
            for event in found:
                event["_time"] = bucket_of(command, "_time", _moment(command, event), told.options["span"])
        terms = terms_for(command, told, found)
        groups = [_row(told.by, key, terms, members, run) for key, members in grouped(found, told.by)]
        return sorted(groups, key=lambda r: [text(r[f]) for f in told.by]) if told.by else groups

    return summed


def chart(command: Command, read: Reader) -> Step:
    """Statistics in a table: a row for each value of a field, and a column for each of another ("chart", Usage)."""
    told = statistics_of(command, read)
    if command.name == "timechart":
        known = {"span", "cont", "limit", "useother", "usenull", "fixedrange", "partial"}
    else:
        known = {"limit", "useother", "usenull", "cont"}
    if others := sorted(set(told.options) - known):
        raise command.refuse(f"the option {others[0]}")
    timed = command.name == "timechart"
    fields = ["_time", *told.by] if timed else [*told.over, *told.by]
    if not 1 <= len(fields) <= 2 or not told.terms:
        raise command.refuse(f"{len(fields)} fields")

    def charted(rows: list[Row], run: Run) -> list[Row]:
        if timed:
            if told.options.get("cont", "true").lower() not in ("f", "false", "0") or "span" not in told.options:
                raise command.refuse("rows for the times between, which depend on the range of the search")
            rows = [r | {"_time": bucket_of(command, "_time", _moment(command, r), told.options["span"])} for r in rows]
        terms = terms_for(command, told, rows)
        if len(fields) == 1:
            return _by_key([_row(fields, key, terms, members, run) for key, members in grouped(rows, fields)], fields[0])
        if any(fields[1] not in r for r in rows if fields[0] in r):
            raise command.refuse(f"rows without {fields[1]}")
        return _crossed(command, rows, fields, terms, run, told.options)

    return charted


def _by_key(rows: list[Row], field: str) -> list[Row]:
    keys = [numeric(r[field]) for r in rows]
    if any(k is None for k in keys) and any(k is not None for k in keys):
        raise NotReadable("the order of numbers and texts in a chart")
    return sorted(rows, key=lambda r: (0, numeric(r[field]) or 0, "") if keys[0] is not None else (1, 0, text(r[field])))


def _crossed(
    command: Command, rows: list[Row], fields: Sequence[str], terms: Sequence[Term], run: Run, options: Mapping[str, str]
) -> list[Row]:
    over, by = fields
    names = sorted({text(v) for r in rows for v in several(r.get(by))})
    limit = options.get("limit", "10")
    if not limit.isdigit() or (0 < int(limit) < len(names)):
        raise command.refuse("more columns than its limit")
    found: list[Row] = []
    for (key,), members in grouped(rows, [over]):
        row: Row = {over: key}
        for name in names:
            inside = [m for m in members if name in map(text, several(m[by]))]
            for term in terms:
                put(row, name if len(terms) == 1 else f"{term.goal}: {name}", computed(term, inside, run))
        found.append(row)
    return _by_key(found, over)


def top(command: Command, read: Reader) -> Step:
    """The most or least frequent values with their counts and percentages ("top" and "rare", Top options)."""
    words = Words(command)
    defaults = {
        "limit": "10",
        "countfield": "count",
        "percentfield": "percent",
        "showcount": "true",
        "showperc": "true",
        "useother": "false",
    }
    token = words.peek()
    if token is not None and token.type == "WORD" and token.isdigit():
        defaults["limit"] = str(words.next())
    options = words.options(defaults)
    fields = words.names({"by"})
    by = words.names() if words.keyword("by") else []
    options = words.options(options)
    words.end()
    if not fields:
        raise command.refuse("no fields")
    limit = count_of(command, options["limit"]) or None
    shown = [truth(command, o, options[o]) for o in ("showcount", "showperc")]
    if truth(command, "useother", options["useother"]):
        raise command.refuse("useother")

    def counted(rows: list[Row], run: Run) -> list[Row]:
        found: list[Row] = []
        for key, members in grouped(rows, by):
            counts = [(k, len(m)) for k, m in grouped(members, fields)]
            counts.sort(key=lambda c: -c[1] if command.name == "top" else c[1])
            if limit and len(counts) > limit and counts[limit - 1][1] == counts[limit][1]:
                raise command.refuse("equal counts at its limit")
            total = sum(c for _, c in counts)
            for values, count in counts[:limit]:
                row: Row = dict(zip([*by, *fields], [*key, *values], strict=True))
                if shown[0]:
                    row[options["countfield"]] = count
                if shown[1]:
                    row[options["percentfield"]] = f"{count * 100 / total:.6f}"
                found.append(row)
        return found

    return counted


def _moving(name: str) -> Callable[[Command, Reader], Step]:
    """accum and delta: the sum so far, and the difference from the result before ("accum", "delta")."""

    def make(command: Command, read: Reader) -> Step:
        words = Words(command)
        field = words.name()
        goal = words.name() if words.keyword("as") else field if name == "accum" else f"delta({field})"
        words.end()

        def moved(rows: list[Row], run: Run) -> list[Row]:
            before: float | None = 0 if name == "accum" else None
            for row in rows:
                number = numeric(row.get(field))
                if number is None:
                    raise command.refuse(f"{field} that is no number")
                if name == "accum":
                    before = (before or 0) + number
                    row[goal] = whole(before)
                else:
                    if before is not None:
                        row[goal] = whole(number - before)
                    before = number
            return rows

        return moved

    return make


MAKERS: Mapping[str, Maker] = {
    "stats": stats, "eventstats": eventstats, "streamstats": streamstats, "tstats": tstats, "chart": chart, "timechart": chart, "top": top,
    "rare": top, "accum": _moving("accum"), "delta": _moving("delta"),
}  # fmt: skip
