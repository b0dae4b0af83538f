"""Plans in ES|QL, command by command.

Facts: the ES|QL reference (elastic.co/docs/reference/query-languages/esql), STATS (null is a group of its own; without BY there is one
row), INLINE STATS (since 9.2).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from translator.fidelity import Diagnostic
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Const, Expr, Subquery
from translator.plan.patterns import searched
from translator.plan.types import Type
from translator.regex.ascii import asciified
from translator.regex.parser import RegexError
from translator.targets.base import LISTED, Cannot
from translator.targets.elastic import field, string
from translator.targets.elastic.functions import AGGREGATES, ESQL, MOST_PRECISE
from translator.targets.elastic.list_rows import beside, found_by_keys, looked_up, rows_of_list
from translator.targets.elastic.words import by_clause, java_finds
from translator.targets.pipeline.cases import Head, PipelineCase
from translator.targets.pipeline.language import ORDERED, Command, Value, grouped, spelled
from translator.targets.pipeline.values import Values
from translator.targets.pipeline.walk import Walk
from translator.targets.pipeline.walk.columns import compute, group, telling
from translator.targets.pipeline.walk.expansions import rolled_out
from translator.targets.pipeline.walk.parts import Above, Measure, Part
from translator.targets.pipeline.walk.summaries import is_of_row, is_of_values, note_ties, one_of_each, summary
from translator.targets.sides import YEAR_ONE

MOST_FIRST = 10_000
"""How many values TOP is asked for at most: each row has all of them, and a query gives no more rows."""


class _Values(Values):
    def refuse_classes(self, expr: Apply) -> None:
        """What may find nothing at all, RLIKE has to tell, with classes of ASCII characters."""
        super().refuse_classes(expr)
        with suppress(RegexError):
            tree = searched(expr)
            if asciified(tree) and java_finds(tree) is None:
                raise self.refuse(expr, "a class of characters of Unicode")

    def since(self, later: Value, earlier: Value) -> str:
        return f"(TO_LONG({later.text}) - TO_LONG({earlier.text})) / 1000.0"

    def moved(self, moment: Value, operator: str, span: Value) -> str:
        if span.text.isdigit():  # else it is no time span to the language, which knows only written ones
            return f"{grouped(moment)} {operator} {span.text} seconds"
        return f"TO_DATETIME(TO_LONG({moment.text}) {operator} TO_LONG({grouped(span)} * 1000))"

    def units(self, moment: Value, seconds: int) -> str:
        return f"TO_LONG({moment.text}) / {seconds * 1000}"

    def bucket(self, moment: str, seconds: int) -> str:
        """Counted in whole seconds from the year 1, as Kusto does, by arithmetic: BUCKET and DATE_TRUNC know calendars."""
        shift, size = (YEAR_ONE % seconds) * 1000, seconds * 1000
        if not shift:
            return f"TO_DATETIME(TO_LONG({moment}) / {size} * {size})"
        return f"TO_DATETIME((TO_LONG({moment}) + {shift}) / {size} * {size} - {shift})"


class EsqlWalk(Walk):
    """A plan as commands of ES|QL. What a method writes, the one of :class:`Walk` that it replaces says."""

    language = ESQL
    percentiles = "percentiles are estimated in another way here"
    lists = "a list has each of its values once here, and a set all of its own"
    row_kind = "text"
    list_mark = LISTED[0]

    copies: tuple[str, ...] = ()
    """The fields that tell rows of one document apart."""

    groups: tuple[str, ...] | None = None
    """The fields that tell rows apart which are groups; None where they are documents."""

    wants_places = False
    """Whether it was refused for want of what tells the rows apart that are made of one event."""

    def __init__(self, case: PipelineCase, head: Head, places_told: bool = False) -> None:
        """``places_told``: rows that are made of one event have numbers."""
        super().__init__(case, head)
        self.places_told = places_told

    def values(self) -> Values:
        return _Values(ESQL, self.columns, self.fields, self.positive)

    def quoted(self, name: str) -> str:
        return field(name)

    def name_of(self, value: Value) -> str | None:
        name = value.text.strip("`")
        return name if value.simple and field(name) == value.text and name not in ("true", "false", "null") else None

    def where(self, condition: str) -> Command:
        return Command("WHERE", f"WHERE {condition}")

    def eval(self, pairs: list[tuple[str, str]]) -> Command:
        return Command("EVAL", "EVAL " + ", ".join(f"{field(n)} = {text}" for n, text in pairs))

    def sort(self, keys: list[tuple[str, bool]]) -> Command:
        return Command("SORT", "SORT " + ", ".join(f"{name} {'DESC' if descending else 'ASC'}" for name, descending in keys))

    def limit(self, count: int) -> Command:
        return Command("LIMIT", f"LIMIT {count}")

    def distinct(self, names: list[str]) -> Command:
        self.grouped(names)
        self.forget(names)
        return Command("STATS", f"STATS BY {', '.join(names)}")

    def forget(self, kept: Collection[str]) -> None:
        """Nothing is left of the rows but some fields."""
        self.columns = {c: v for c, v in self.columns.items() if v.text in kept or _is_literal(v.text)}
        self.fields = {x: v for x, v in self.fields.items() if v.text in kept}

    def grouped(self, keys: list[str]) -> None:
        """From here on a row is a group, which has no document and no index."""
        self.groups, self.copies, self.untold, self.several = tuple(keys), (), set(), False

    def shown_as(self, value: Value) -> str | None:
        """A field of the product that analysts know by its name."""
        name = self.name_of(value)
        return name if name and "." in name else None

    def once(self, names: tuple[str, ...]) -> None:
        """Rows that stand several times, each once, with all of their columns."""
        kept = {v.text: v for v in (*self.columns.values(), *self.fields.values()) if self.name_of(v) and v.text not in names}
        terms = ", ".join(f"{text} = {'VALUES' if v.kind == 'list' else 'MAX'}({text})" for text, v in kept.items())
        self.stats([terms] if terms else [], list(names))
        self.grouped(list(names))
        self.forget({*kept, *names})

    def stats(self, terms: list[str], keys: list[str]) -> None:
        """``STATS`` of ``terms`` by ``keys``; the command wants one of them."""
        if not terms and not keys:
            terms = [f"{field(self.free('events'))} = COUNT(*)"]
        self.sorted = ()
        self.commands.append(Command("STATS", f"STATS {', '.join(terms)}{by_clause(keys)}" if terms else f"STATS{by_clause(keys)}"))

    def copied(self, marks: list[tuple[str, str]]) -> str:
        name = self.free("part")
        listed = ", ".join(f'CASE({condition}, ",{mark}", "")' for condition, mark in marks)
        self.commands.append(self.eval([(name, f'SPLIT(CONCAT("0", {listed}), ",")')]))
        self.expanded(name)
        self.commands.append(self.where(f'{field(name)} != "0"'))
        return field(name)

    def numbered(self, node: o.Relation | Subquery, flags: Collection[str] = (), alike: bool = False) -> str:
        """The id of the document, or the keys of the group, with what tells its rows apart."""
        first = self.commands[0]
        untold = not alike and self.untold & {*(flags or self.untold)}
        if untold or self.several or (None in self.untold and not alike) or first.verb != "FROM":
            self.wants_places = bool(self.untold) and not self.several
            raise Cannot(Diagnostic("unsupported-join", "rows that are no events cannot be told apart here", node.span))
        if self.groups is None:
            source, _, metadata = first.text.partition(" METADATA ")
            read = dict.fromkeys(("_id", "_index", *filter(None, metadata.split(", "))))
            self.commands[0] = Command(first.verb, f"{source} METADATA {', '.join(read)}")
            told = ["_index", '"/"', "_id"]
        else:  # with its length before each text, so that no two groups are told alike
            texts = [f'COALESCE(TO_STRING({key}), "")' for key in self.groups]
            told = [part for text in texts[:-1] for part in (f"TO_STRING(LENGTH({text}))", '"/"', text)] + texts[-1:]
        told += [part for copy in self.copies for part in ('"/"', copy)]
        name = self.free("row")
        self.commands.append(self.eval([(name, f"CONCAT({', '.join(told)})" if len(told) > 1 else "".join(told) or string(""))]))
        return name

    def single(self, part: Part, node: o.Relation | Subquery, alike: bool = False) -> Part:
        """The rows of the first documents of those that stand for one."""
        if part.spread is None or part.flag is None:
            return part
        row, first, present = self.numbered(node, [part.flag], alike), self.free("first_row"), self.present(part.flag)
        self.inline([f"{field(first)} = MIN({row}) WHERE {present}"], list(part.spread))
        self.commands.append(self.eval([(part.flag, f"CASE({present} AND {row} == {field(first)}, 1)")]))
        self.changed.add(part.flag)
        return replace(part, spread=None, tied=False)

    def first(self, count: int, order: list[tuple[str, bool]], part: Part, node: o.Relation) -> None:
        """The rows before the last value of ``TOP``, and of those that have it as many as are left, those of the first documents.

        Source: elastic.co/docs/reference/query-languages/esql/functions-operators/aggregation-functions/top (repeated values count).
        """
        if part.flag is None or len(order) != 1 or not 0 < count <= MOST_FIRST:
            return super().first(count, order, part, node)
        (value, descending), present, row = order[0], self.present(part.flag), field(self.numbered(node, [part.flag]))
        last, before, tied, fit = (field(self.free(name)) for name in ("last_value", "rows_before", "tied_rows", "last_row"))
        way, ahead = ("DESC", ">") if descending else ("ASC", "<")
        self.inline([f"{last} = TOP({value}, {count}, {string(way)}) WHERE {present}"], [])
        self.commands.append(Command("EVAL", f"EVAL {last} = {'MV_MIN' if descending else 'MV_MAX'}({last})"))
        alike = f"{value} == {last}"
        terms = [f"{before} = COUNT(*) WHERE {present} AND {value} {ahead} {last}"]
        self.inline([*terms, f'{tied} = TOP({row}, {count}, "ASC") WHERE {present} AND {alike}'], [])
        self.commands.append(Command("EVAL", f"EVAL {fit} = MV_MAX(MV_SLICE(MV_SORT({tied}), 0, TO_INTEGER({count - 1} - {before})))"))
        self.keep(part, [f"{value} {ahead} {last} OR ({alike} AND {row} <= {fit})"])
        return None

    def gathered(self, name: str, value: str, flag: str, by: list[str]) -> None:
        self.inline([f"{field(name)} = VALUES({value}) WHERE {self.present(flag)}"], by)

    def expanded(self, name: str, distinct: bool = True, flag: str | None = None) -> None:
        if self.places_told and not distinct:
            return self.placed(name)
        self.commands.append(Command("MV_EXPAND", f"MV_EXPAND {field(name)}"))
        self.copies = (*self.copies, field(name))
        if not distinct:
            self.untold.add(flag)

    def placed(self, name: str) -> None:
        """A row for each value, with its place among them, whose digits in base 100 are made rows one after the other."""
        values, base, place = field(name), field(self.free("base")), ""
        self.commands.append(Command("EVAL", f"EVAL {base} = [{', '.join(map(str, range(100)))}]"))
        for size in (10_000, 100, 1):
            digits = field(self.free("digits"))
            last = f"(MV_COUNT({values}) - 1) / {size}" if size > 1 else f"MV_COUNT({values}) - 1"
            most = f"LEAST(99, {last} - {place} * 100)" if place else last
            self.commands.append(Command("EVAL", f"EVAL {digits} = MV_SLICE({base}, 0, {most})"))
            self.commands.append(Command("MV_EXPAND", f"MV_EXPAND {digits}"))
            place = f"({place} * 100 + {digits})" if place else digits
        at = self.free("place")
        self.commands.append(self.eval([(name, f"MV_SLICE({values}, {place}, {place})"), (at, f"TO_STRING({place})")]))
        self.copies = (*self.copies, field(at))

    def counted_among(self, name: str, satisfied: str, node: o.Relation | Subquery) -> str:
        """A row for each value, which are counted, of which one is left. Nothing is found where there is no value."""
        row, copies, one = field(self.numbered(node)), self.copies, field(name)
        count, first = self.free("found"), field(self.free("first_value"))
        self.expanded(name)
        self.inline([f"{field(count)} = COUNT(*) WHERE {satisfied}", f"{first} = MIN({one})"], [row])
        self.commands.append(self.where(f"{one} == {first} OR {one} IS NULL"))
        self.copies = copies
        return count

    def across(self, flag: str, number: str, kept: list[tuple[str, Value]], by: list[str]) -> None:
        present = self.present(flag)
        terms = [f"{field(number)} = COUNT(*) WHERE {present}"]
        terms += [f"{field(name)} = {'VALUES' if v.kind == 'list' else 'MAX'}({v.text}) WHERE {present}" for name, v in kept]
        self.inline(terms, by)

    def inline(self, terms: list[str], by: list[str]) -> None:
        """A summary beside its rows, which are sorted behind it: 9.2 has none behind SORT (the page on INLINE STATS, "Limitations").

        Raises Cannot behind LIMIT, where no version has one.
        """
        if any(command.verb == "LIMIT" for command in self.commands):
            raise Cannot(Diagnostic("unsupported-operator", "a summary beside the first rows is not supported here", None))
        sorts = [command for command in self.commands if command.verb == "SORT"]
        self.commands[:] = [command for command in self.commands if command.verb != "SORT"]
        self.commands.append(Command("INLINE STATS", f"INLINE STATS {', '.join(terms)}{' BY ' + ', '.join(by) if by else ''}"))
        self.commands += sorts[-1:]

    def opened(self, node: o.External) -> str:
        """Those of lists that are no more than looked up by keys stand in no part of the stream."""
        return super().opened(node) if any(node is listed for listed in beside(self.cut)) else ""

    def listed(self, node: o.External, name: str, flag: str) -> None:
        rows_of_list(self, node, name, flag)

    def part(self, node: o.Relation, above: Above) -> Part:
        part = super().part(node, above)
        return replace(part, of_list=True) if isinstance(node, o.External) else part

    def joined(self, node: o.Join, above: Above) -> Part:
        """``LOOKUP JOIN`` where one side of a join is a list: a row for each row of the list with the keys, or one."""
        if (found := found_by_keys(node)) is None:
            return super().joined(node, above)
        below, listed, on, outer = found
        return looked_up(self, self.part(below, above), listed, on, outer)

    def aggregate(self, node: o.Aggregate, part: Part) -> Part:
        """``STATS``; beside the events of other parts ``INLINE STATS``, which leaves each event of the part as a row of its group."""
        part = self.made_of_events(part, node)
        part = part if is_of_values(self, node) and not part.tied else self.single(part, node)
        latest = one_of_each(node)
        beside = part.flag is not None or id(node) in self.unrolled or latest is not None
        node = rolled_out(self, node)
        by: list[tuple[str, Column, Value]] = []
        for made, expr in node.keys:
            value = group(self, expr)
            name = self.name_of(value)
            if beside and value.nullable:  # null is no value by which a row is found again
                name = self.named(made)
                self.commands.append(self.eval([(name, f'COALESCE(TO_STRING({value.text}), "")')]))
            elif name is None or name in {n for n, _, _ in by}:
                name = self.named(made)
                if beside or "(" not in value.text:
                    self.commands.append(self.eval([(name, value.text)]))
                    value = replace(value, text=field(name), simple=True)
            by.append((name, made, value))
        names, unique = tuple(field(n) for n, _, _ in by), telling(self, node.keys)
        of_groups = tuple(a for a in node.aggregates if latest is None or not is_of_row(a[1], latest))
        found = summary(self, replace(node, aggregates=of_groups), bool(by), part.flag)
        if not beside:
            self.stats(found.terms, [field(n) if v.text == field(n) else f"{field(n)} = {v.text}" for n, _, v in by])
            self.grouped(list(names))
            self.fields, self.columns = {}, {}
        elif found.terms:
            self.inline(found.terms, list(names))
        if found.behind:
            self.commands.append(self.eval(found.behind))
        for name, made, value in by:
            own = value if beside and value.nullable else replace(value, text=field(name), simple=True)
            self.columns[made.id] = own
        self.columns |= found.columns
        if latest is not None:
            note_ties(self, latest)
            again = self.one_of_group(node, latest, list(names), part)
            return replace(part, unique=unique, spread=names if again else None, tied=False)
        if not beside:
            return Part(None, unique)
        return replace(part, unique=unique, spread=names, tied=False, always=not by)

    def one_of_group(self, node: o.Aggregate, chosen: tuple[str, Expr], by: list[str], part: Part) -> bool:
        """Leaves of each group the last or the first document, or one of those that are it, with all its columns.

        Returns whether the row may stand several times, as one that is made of a document may.
        """
        function, expr = chosen
        key = self.values().simplest(expr)
        if key.kind not in ORDERED | {"text"} or key.nullable:  # where none has it, any row will do
            raise self.values().refuse(node.aggregates[0][1] if node.aggregates else expr)
        again = bool(by) and part.flag in self.untold
        flags = [part.flag] if part.flag is not None else []
        row, of_part = self.numbered(node, flags, again), f" WHERE {self.present(part.flag)}" if part.flag is not None else ""
        for wanted, value in (("MAX" if function == "arg_max" else "MIN", key.text), ("MIN", field(row))):
            best = field(self.free("best"))
            self.inline([f"{best} = {wanted}({value}){of_part}"], by)
            self.keep(part, [f"{value} == {best}"])
        if again and not {*self.copies} <= {*by}:
            self.say("arbitrary-row", "of the rows of one event the query keeps any one, and so does the output", expr.span)
        if again and part.flag is None:
            values = [*self.columns.values(), *self.fields.values()]
            if not all(self.name_of(v) and (v.kind != "list" or (v.set_of and not v.ordered)) for v in values):
                raise Cannot(Diagnostic("unsupported-operator", "rows that stand several times cannot be made one here", node.span))
            self.once(tuple(by))
        compute(self, tuple((made, x.args[-1]) for made, x in node.aggregates if isinstance(x, Apply) and is_of_row(x, chosen)))
        return again and part.flag is not None

    def term(self, measure: Measure, flag: str | None) -> tuple[str, list[tuple[str, str]]]:
        conditions = [] if flag is None else [self.present(flag)]
        if (condition := measure.condition) is not None:
            conditions.append(f"({condition})" if " OR " in condition and conditions else condition)
        chosen = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        if (value := measure.value) is None:
            return f"{field(measure.name)} = COUNT(*){chosen}", []
        if value.kind == "list" and measure.function != "make_set":
            raise Cannot(Diagnostic("unsupported-expression", "any one of several lists is not supported here", None))
        precise, terms = f"{value.text}, {MOST_PRECISE}", list[str]()
        if measure.function == "count_distinct" and any(map(_is_beyond, o.parts(self.cut.root))):
            self.say("count-approximate", f"ES|QL counts more than {MOST_PRECISE:,} different values by estimate")
        of = precise if measure.exact and measure.function in ("dcount", "count_distinct") else value.text
        terms.append(f"{field(measure.name)} = {AGGREGATES[measure.function].format(of, measure.rank)}{chosen}")
        if measure.length:
            counted = ("dcount", precise) if measure.function == "make_set" else ("count", value.text)
            terms.append(f"{field(measure.length)} = {AGGREGATES[counted[0]].format(counted[1])}{chosen}")
        return ", ".join(terms), []


def _is_literal(text: str) -> bool:
    """Whether a value reads no field: it is nothing but a text, a number, or the time that one of these is."""
    return not re.sub(r'"(\\.|[^"\\])*"|null|true|false|TO_DATETIME|NOW|[^A-Za-z_`@]', "", text)


def _is_beyond(node: object) -> bool:
    """Whether a number is one that COUNT_DISTINCT only comes near to."""
    match node:
        case Const(type=Type.INT | Type.LONG | Type.REAL | Type.DECIMAL, value=int() | float() as number):
            return number > MOST_PRECISE
    return False


SPELLED = spelled(ESQL) | {"arg_max", "arg_min"}
"""What the lane has words for in ES|QL."""
