"""Plans in ES|QL, command by command.

Facts: the ES|QL reference (elastic.co/docs/reference/query-languages/esql), STATS (null is a group of its own; without BY there is one
row), INLINE STATS (since 9.2), "Operators" (whole numbers divide without fractions), the pages of the functions named below; COUNT_DISTINCT
is close to exact up to its precision, 40,000 at most. Times are dates; a span is a number of seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Const, Expr
from translator.plan.simplify import TEXT_OPERATORS, simplify
from translator.targets.base import Cannot
from translator.targets.elastic import field, string
from translator.targets.elastic.words import ATOMS, TEXTS
from translator.targets.pipeline.values import WALKED, Command, Function, Language, Value, Values, grouped
from translator.targets.pipeline.walk import Part, Walk
from translator.targets.sides import YEAR_ONE

MOST_PRECISE = 40_000

_REAL = string("[+\\-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+\\-]?[0-9]+)?")

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        # String functions
        "tolower": Function(("text",), "text", "TO_LOWER({0})", False),
        "toupper": Function(("text",), "text", "TO_UPPER({0})", False),
        "strlen": Function(("text",), "int", "LENGTH({0})", False, natural=True),
        # Type conversion functions
        "tostring": Function(("int",), "text", "TO_STRING({0})", False),
        **dict.fromkeys(
            ("todouble", "toreal"), Function(("text",), "real", f"CASE(TRIM({{0}}) RLIKE {_REAL}, TO_DOUBLE(TRIM({{0}})))", True)
        ),
        # Mathematical functions
        "abs": Function(("int|real|span",), "same", "ABS({0})", natural=True),
        "floor": Function(("real|int",), "int", "TO_LONG(FLOOR({0}))"),
        "ceiling": Function(("real|int",), "int", "TO_LONG(CEIL({0}))"),
        "sqrt": Function(("int",), "real", "SQRT({0})", True),
        # Conditional functions
        "coalesce": Function((), "text", "COALESCE({0})"),
        # Date-time functions: a week of DATE_TRUNC begins on Monday, and Sunday is the seventh day of DATE_EXTRACT
        "hourofday": Function(("time",), "int", 'DATE_EXTRACT("hour_of_day", {0})', natural=True),
        "dayofweek": Function(("time",), "span", '((DATE_EXTRACT("day_of_week", {0}) % 7) * 86400)', natural=True),
        "startofday": Function(("time",), "time", "DATE_TRUNC(1 day, {0})"),
        "startofweek": Function(("time",), "time", "(DATE_TRUNC(1 week, {0} + 1 day) - 1 day)"),
    }
)
"""Those that need no more than their arguments, each with the reference's page on the function."""

OF_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "contains": "LOCATE(TO_LOWER({0}), TO_LOWER({1})) > 0",
        "contains_cs": "LOCATE({0}, {1}) > 0",
        "startswith": "STARTS_WITH(TO_LOWER({0}), TO_LOWER({1}))",
        "startswith_cs": "STARTS_WITH({0}, {1})",
        "endswith": "ENDS_WITH(TO_LOWER({0}), TO_LOWER({1}))",
        "endswith_cs": "ENDS_WITH({0}, {1})",
    }
)
"""Operators on texts of which none is known before; an empty text is found at the first place (LOCATE)."""


def _chosen(pairs: list[tuple[str, str]], otherwise: str) -> str:
    told = ", ".join(f"{condition}, {value}" for condition, value in pairs)
    if not pairs:
        return otherwise
    return f"CASE({told})" if otherwise == "null" else f"CASE({told}, {otherwise})"


def _moment(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return f"TO_DATETIME({string(text.removesuffix('+00:00') + 'Z')})"


ESQL = Language(
    string=string, atoms=ATOMS, functions=FUNCTIONS, true="true", false="false", null="null", missing="{0} IS NULL",
    present="{0} IS NOT NULL", equal="{0} == {1}", caseless="TO_LOWER({0}) == TO_LOWER({1})",
    joined=lambda texts: texts[0] if len(texts) == 1 else f"CONCAT({', '.join(texts)})",
    chosen=_chosen, now="NOW()", moment=_moment, of_columns=OF_COLUMNS, texts=TEXTS, moment_of_text=lambda text: f"TO_DATETIME({text})",
    length="MV_COUNT(SPLIT({0}, {1}))", gap=" ", real="TO_DOUBLE({0})", whole="TO_LONG({0})", fraction=True,
)  # fmt: skip


class _Values(Values):
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


_OF_NUMBERS = {"min": "MIN({0})", "max": "MAX({0})", "avg": "AVG({0})", "sum": "SUM({0})", "stdev": "STD_DEV({0})"}
_CONDITIONAL = {
    "countif": "count", "sumif": "sum", "dcountif": "dcount", "avgif": "avg", "minif": "min", "maxif": "max", "make_set_if": "make_set",
    "make_list_if": "make_list", "take_anyif": "take_any", "stdevif": "stdev",
}  # fmt: skip


class EsqlWalk(Walk):
    def values(self) -> Values:
        return _Values(ESQL, self.columns, self.fields)

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
        return Command("STATS", f"STATS BY {', '.join(names)}")

    def shown_as(self, value: Value) -> str | None:
        """A field of the product that analysts know by its name."""
        name = self.name_of(value)
        return name if name and "." in name else None

    def once(self, names: tuple[str, ...]) -> None:
        """Rows that stand several times, each once, with all of their columns."""
        there = {v.text: v for v in (*self.columns.values(), *self.fields.values()) if self.name_of(v) and v.text not in names}
        terms = ", ".join(f"{text} = {'VALUES' if v.kind == 'list' else 'MAX'}({text})" for text, v in there.items())
        self.stats([terms] if terms else [], list(names))

    def stats(self, terms: list[str], keys: list[str]) -> None:
        if not terms and not keys:
            terms = [f"{field(self.free('events'))} = COUNT(*)"]
        grouped_by = f"BY {', '.join(keys)}" if keys else ""
        self.commands.append(Command("STATS", " ".join(filter(None, ["STATS", ", ".join(terms), grouped_by]))))

    def across(self, count: tuple[str, str], kept: list[tuple[str, Value, str]], by: list[str]) -> None:
        terms = [f"{field(count[0])} = COUNT(*) WHERE {self.present(count[1])}"]
        for name, value, flag in kept:
            function = "VALUES" if value.kind == "list" else "MAX"
            terms.append(f"{field(name)} = {function}({value.text}) WHERE {self.present(flag)}")
        self.inline(terms, by)

    def inline(self, terms: list[str], by: list[str]) -> None:
        self.say("elastic-version", "INLINE STATS is a command of Elasticsearch 9.2 and later")
        self.commands.append(Command("INLINE STATS", f"INLINE STATS {', '.join(terms)} BY {', '.join(by)}"))

    def aggregate(self, node: o.Aggregate, part: Part) -> Part:
        """``STATS``; beside the events of other parts ``INLINE STATS``, which leaves each event of the part as a row of its group."""
        by: list[tuple[str, Column, Value]] = []
        values = self.values()
        for made, expr in node.keys:
            value = values.simplest(expr)
            if value.kind in ("list", "part"):
                raise Cannot(Diagnostic("unsupported-expression", "a group by an array or an object is not supported here", expr.span))
            name = self.name_of(value)
            if name is None or name in {n for n, _, _ in by}:
                name = self.named(made)
                if part.flag is not None or "(" not in value.text:
                    self.commands.append(self.eval([(name, value.text)]))
                    value = replace(value, text=field(name), simple=True)
            by.append((name, made, value))
        unique = frozenset(made.id for _, made, _ in by)
        names = tuple(field(n) for n, _, _ in by)
        terms, behind, found = list[str](), list[tuple[str, str]](), dict[int, Value]()
        for made, expr in node.aggregates:
            if not self.needed(made):
                continue
            try:
                found |= self.term(made, expr, values, terms, behind, bool(by), part.flag)
            except Cannot:
                if self.is_vital(made):
                    raise
        if part.flag is not None:
            if not by or part.spread is not None or any(v.nullable for *_, v in by):
                raise Cannot(Diagnostic("unsupported-operator", "this summary beside other events is not supported here", node.span))
            if terms:
                self.inline(terms, list(names))
        else:
            self.stats(terms, [field(n) if v.text == field(n) else f"{field(n)} = {v.text}" for n, _, v in by])
            self.fields, self.columns = {}, {}
        if behind:
            self.commands.append(self.eval(behind))
        self.columns |= {made.id: replace(value, text=field(name), simple=True) for name, made, value in by} | found
        return Part(None, part.tables, unique) if part.flag is None else replace(part, unique=unique, spread=names, tied=False)

    def term(
        self, made: Column, expr: Expr, values: Values, terms: list[str], behind: list[tuple[str, str]], grouped_: bool, flag: str | None
    ) -> dict[int, Value]:  # fmt: skip
        """The term of ``STATS`` for an aggregate of the rows that have a flag, and the columns that it makes."""
        if not isinstance(expr, Apply):
            raise Cannot(Diagnostic("unsupported-expression", "this aggregate is not supported here", expr.span))
        function, args, conditions = expr.function, list(expr.args), [] if flag is None else [self.present(flag)]
        if function in _CONDITIONAL:
            condition = values.holds(simplify(args.pop(0 if function == "countif" else 1)))
            conditions.append(f"({condition})" if " OR " in condition and conditions else condition)
            function = _CONDITIONAL[function]
        partly = len(conditions) > (flag is not None)
        told = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        if function == "count" and not args:
            name = self.named(made)
            terms.append(f"{field(name)} = COUNT(*){told}")
            return {made.id: Value(field(name), "int", False, True, grouped_ and not partly, True)}
        if not args or any(not isinstance(a, Const) for a in args[1:]):
            raise values.refuse(expr)
        value = values.simplest(args[0])
        nullable = value.nullable or partly or not grouped_
        name = self.named(made)
        whole = Value(field(name), value.kind, nullable, value.natural, value.positive and not nullable, True)
        match function, args[1:]:
            case ("min" | "max" | "avg" | "sum" | "stdev", []) if value.kind in ("int", "real", "time", "span"):
                if value.kind == "time" and function not in ("min", "max"):
                    raise values.refuse(expr)
                if function == "stdev":
                    whole = replace(whole, kind="real", nullable=True, undefined=True)
                    if made.id in self.decides:  # of a sample in KQL, of all there are here
                        raise values.refuse(expr)
                if function == "sum":
                    if nullable:
                        total = f"{field(name)}, TO_LONG(0)" if value.kind == "int" else f"TO_DOUBLE({field(name)}), 0.0"
                        behind.append((name, f"COALESCE({total})"))
                    whole = replace(whole, nullable=False)
                if function == "avg":
                    whole = replace(whole, kind="real" if value.kind == "int" else value.kind, undefined=nullable)
                terms.append(f"{field(name)} = {_OF_NUMBERS[function].format(value.text)}{told}")
                return {made.id: whole}
            case ("percentile", [Const(value=int(rank))]) if value.kind in ("int", "real", "span") and 0 < rank <= 100:
                terms.append(f"{field(name)} = PERCENTILE({value.text}, {rank}){told}")
                matters = Place.PLAIN if made.id in self.decides else Place.SHOWN
                self.say("percentile-method", "percentiles are estimated in another way here", expr.span, matters)
                return {made.id: replace(whole, kind="real")}
            case ("dcount" | "count_distinct", _) if value.kind not in ("list", "part"):
                precise = f", {MOST_PRECISE}" if made.id in self.decides else ""
                terms.append(f"{field(name)} = COUNT_DISTINCT({value.text}{precise}){told}")
                return {made.id: Value(field(name), "int", False, True, grouped_ and not value.nullable and not partly, True)}
            case ("make_set" | "make_list", limit) if value.kind != "list" and (value.kind != "part" or made.id not in self.decides):
                limited = any(isinstance(x, Const) and isinstance(x.value, int) and x.value < 1_048_576 for x in limit)
                if limited and made.id in self.decides:
                    raise values.refuse(expr)
                if limited or function == "make_list":
                    self.say("columns-differ", "a list has each of its values once here, and a set all of its own", expr.span)
                terms.append(f"{field(name)} = VALUES({value.text}){told}")
                found = {made.id: Value(field(name), "list", False, simple=True)}
                if made.id in self.lengths:
                    size = self.free(f"{name}_count")
                    counted = f"COUNT_DISTINCT({value.text}, {MOST_PRECISE})" if function == "make_set" else f"COUNT({value.text})"
                    terms.append(f"{size} = {counted}{told}")
                    found[-made.id - 1] = Value(size, "int", False, True, False, True)
                return found
            case ("take_any" | "any", []) if made.id not in self.decides and value.kind not in ("list",):
                terms.append(f"{field(name)} = MAX({value.text}){told}")
                return {made.id: whole}
        self.taken.discard(name)
        raise values.refuse(expr)


SPELLED = frozenset(
    {*WALKED, *FUNCTIONS, *TEXTS.calls, *(f"{no}{name}" for name in TEXT_OPERATORS & {*ATOMS} for no in ("", "!"))}
    | {"matches regex", "extract", "replace_string", "replace_regex", "substring", "split"}
    | {*_OF_NUMBERS, *_CONDITIONAL, "count", "dcount", "count_distinct", "make_set", "make_list", "take_any", "percentile"}
)
"""The functions, operators and aggregates of KQL that the pipeline lane has words for in ES|QL, on operands of the usual types."""

__all__ = ["ESQL", "SPELLED", "EsqlWalk"]
