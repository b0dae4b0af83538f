"""Plans in SPL, command by command.

Facts: Splunk Search Reference, stats (events without a by-field are left out; ``list`` keeps 100 values, ``values`` all), sort (``0`` is
all results; 10,000 without), head, dedup (the first event of each combination stays), "Statistical eval functions".
"""

from __future__ import annotations

from dataclasses import replace

from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Const, Expr
from translator.plan.simplify import TEXT_OPERATORS, simplify
from translator.targets.base import Cannot
from translator.targets.pipeline.values import WALKED, Command, Language, Value, Values
from translator.targets.pipeline.walk import Part, Walk
from translator.targets.splunk.functions import FUNCTIONS, OF_COLUMNS, TEXTS
from translator.targets.splunk.words import ATOMS, bucket_of, column, field, moment_of, string


def _chosen(pairs: list[tuple[str, str]], otherwise: str) -> str:
    if len(pairs) == 1:
        return f"if({pairs[0][0]}, {pairs[0][1]}, {otherwise})"
    told = ", ".join(f"{condition}, {value}" for condition, value in pairs)
    return f"case({told}, true(), {otherwise})" if pairs else otherwise


SPL = Language(
    string=string, atoms=ATOMS, functions=FUNCTIONS, true="true()", false="false()", null="null()", missing="isnull({0})",
    present="isnotnull({0})", equal='("_".{0})==("_".{1})', caseless='("_".lower({0}))==("_".lower({1}))',
    joined=lambda texts: f"({'.'.join(texts)})",
    chosen=_chosen, now="now()", moment=lambda seconds: f"{seconds:.7f}".rstrip("0").rstrip("."), of_columns=OF_COLUMNS,
    texts=TEXTS, moment_of_text=moment_of, length="coalesce(mvcount(split({0}, {1})), 1)",
)  # fmt: skip


class _Values(Values):
    def bucket(self, moment: str, seconds: int) -> str:
        return bucket_of(seconds, moment)


_OF_NUMBERS = {"min": "min({0})", "max": "max({0})", "avg": "avg({0})", "stdev": "stdev({0})", "variance": "var({0})", "sum": "sum({0})"}
_CONDITIONAL = {
    "countif": "count", "sumif": "sum", "dcountif": "dcount", "avgif": "avg", "minif": "min", "maxif": "max", "make_set_if": "make_set",
    "make_list_if": "make_list", "take_anyif": "take_any", "stdevif": "stdev", "varianceif": "variance",
}  # fmt: skip
_UNLIMITED = 1_048_576
"""From this number of elements on KQL keeps no more of a set or a list: learn.microsoft.com/kusto/query/make-set-aggregation-function."""


class SplWalk(Walk):
    def values(self) -> Values:
        return _Values(SPL, self.columns, self.fields)

    def quoted(self, name: str) -> str:
        return field(name)

    def where(self, condition: str) -> Command:
        return Command("where", f"where {condition}")

    def eval(self, pairs: list[tuple[str, str]]) -> Command:
        return Command("eval", "eval " + ", ".join(f"{column(n)}={text}" for n, text in pairs))

    def sort(self, keys: list[tuple[str, bool]]) -> Command:
        return Command("sort", "sort 0 " + " ".join(("-" if descending else "+") + name for name, descending in keys))

    def limit(self, count: int) -> Command:
        return Command("head", f"head {count}")

    def distinct(self, names: list[str]) -> Command:
        return Command("dedup", "dedup " + " ".join(names))

    def once(self, names: tuple[str, ...]) -> None:
        self.commands.append(self.distinct(list(names)) if names else self.limit(1))

    def across(self, count: tuple[str, str], kept: list[tuple[str, Value, str]], by: list[str]) -> None:
        """``eventstats``, which adds to every row of a key what it finds of all of them."""
        before, terms = list[tuple[str, str]](), [f"count({count[1]}) as {column(count[0])}"]
        for name, value, flag in kept:
            source = self.free(f"{name}_of")
            before.append((source, f"if(isnotnull({field(flag)}), {value.text}, null())"))
            terms.append(f"{'values' if value.kind == 'list' else 'first'}({source}) as {column(name)}")
        if before:
            self.commands.append(self.eval(before))
        self.commands.append(Command("eventstats", f"eventstats {' '.join(terms)} by {' '.join(by)}"))

    def aggregate(self, node: o.Aggregate, part: Part) -> Part:
        """``stats``, with what it needs computed before it and what it leaves missing filled behind it.

        Beside the events of other parts it is ``eventstats``, which leaves each event of the part as a row of its group.
        """
        before: list[tuple[str, str]] = []
        by: list[tuple[str, Column, Value]] = []
        behind: list[tuple[str, str]] = []
        values = self.values()
        for made, expr in node.keys:
            value = values.simplest(expr)
            if value.kind in ("list", "part"):
                raise Cannot(Diagnostic("unsupported-expression", "a group by an array or an object is not supported here", expr.span))
            name = self.name_of(value)
            if name is None or value.nullable or name in {n for n, _, _ in by}:
                name = self.named(made)
                before.append((name, f'coalesce({value.text}, "")' if value.nullable else value.text))
            if value.nullable:
                behind.append((name, f'if({field(name)}=="", null(), {field(name)})'))
            by.append((name, made, value))
        unique = frozenset(made.id for _, made, _ in by)
        names = tuple(column(n) for n, _, _ in by)
        whole = Part(None, part.tables, unique) if part.flag is None else replace(part, unique=unique, spread=names, tied=False)
        if part.spread is not None:
            raise Cannot(Diagnostic("unsupported-operator", "a summary of a summary beside other events is not supported here", node.span))
        if (latest := self.one_of_each(node)) is not None:
            others = [(c, x) for c, x in node.aggregates if not _is_of_row(x, latest)]
            kept = [(c, x) for c, x in node.aggregates if _is_of_row(x, latest)]
            if others:
                if not by or any(v.nullable for *_, v in by):
                    raise values.refuse(latest[1])
                self.beside(replace(node, aggregates=tuple(others)), before, by, part)
                before = []
            self.latest(replace(node, aggregates=tuple(kept)), latest, before, by, part)
            return replace(whole, tied=part.flag is not None)
        terms: list[str] = []
        found = dict[int, Value]()
        for made, expr in node.aggregates:
            if not self.needed(made):
                continue
            try:
                found |= self.term(made, expr, values, before, terms, behind, bool(by), part.flag)
            except Cannot:
                if self.is_vital(made):
                    raise
        if before:
            self.commands.append(self.eval(before))
        grouped = " by " + " ".join(names) if by else ""
        if part.flag is not None:
            if not by:
                raise Cannot(
                    Diagnostic("unsupported-operator", "a summary of all rows beside other events is not supported here", node.span)
                )
            if terms:
                self.commands.append(Command("eventstats", f"eventstats {' '.join(terms)}{grouped}"))
            if behind:
                self.commands.append(self.eval(behind))
            self.columns |= {made.id: replace(value, text=field(name), simple=True) for name, made, value in by} | found
            return whole
        if not terms or (not by and not any(t.startswith("count as ") for t in terms)):  # one row, of no events too
            terms.append(f"count as {self.free('events')}")
        self.commands.append(Command("stats", f"stats {' '.join(terms)}{grouped}"))
        if behind:
            self.commands.append(self.eval(behind))
        self.fields = {}
        self.columns = {
            made.id: Value(field(name), value.kind, value.nullable, value.natural, value.positive, True) for name, made, value in by
        } | found  # fmt: skip
        return whole

    def terms(
        self, node: o.Aggregate, values: Values, before: list[tuple[str, str]], behind: list[tuple[str, str]], grouped: bool,
        flag: str | None,
    ) -> tuple[list[str], dict[int, Value]]:  # fmt: skip
        """The terms of ``stats`` for aggregates, and the columns that they make."""
        terms, found = list[str](), dict[int, Value]()
        for made, expr in node.aggregates:
            if not self.needed(made):
                continue
            try:
                found |= self.term(made, expr, values, before, terms, behind, grouped, flag)
            except Cannot:
                if self.is_vital(made):
                    raise
        return terms, found

    def beside(
        self, node: o.Aggregate, before: list[tuple[str, str]], by: list[tuple[str, Column, Value]], part: Part,
        behind: list[tuple[str, str]] | None = None,
    ) -> None:  # fmt: skip
        """A summary of each group on all of its rows."""
        behind = [] if behind is None else behind
        terms, found = self.terms(node, self.values(), before, behind, True, part.flag)
        if before:
            self.commands.append(self.eval(before))
        if terms:
            self.commands.append(Command("eventstats", f"eventstats {' '.join(terms)} by {' '.join(column(n) for n, _, _ in by)}"))
        if behind:
            self.commands.append(self.eval(behind))
        self.columns |= found

    def name_of(self, value: Value) -> str | None:
        name = value.text.strip("'")
        return name if value.simple and field(name) == value.text and not name[:1].isdigit() and not value.text.startswith('"') else None

    def term(
        self, made: Column, expr: Expr, values: Values, before: list[tuple[str, str]], terms: list[str], behind: list[tuple[str, str]],
        grouped: bool, flag: str | None,
    ) -> dict[int, Value]:  # fmt: skip
        """The term of ``stats`` for an aggregate of the rows that have a flag, and the columns that it makes."""
        if not isinstance(expr, Apply):
            raise Cannot(Diagnostic("unsupported-expression", "this aggregate is not supported here", expr.span))
        function, args, condition = expr.function, list(expr.args), None
        if function in _CONDITIONAL:
            place = 0 if function == "countif" else 1
            condition = values.holds(simplify(args.pop(place)))
            function = _CONDITIONAL[function]
        if function == "count" and not args:
            name = self.named(made)
            if condition is None:
                terms.append(f"count{'' if flag is None else f'({flag})'} as {column(name)}")
                return {made.id: Value(field(name), "int", False, True, grouped, True)}
            counted = self.free(f"{name}_if")
            before.append((counted, f"if({_both(flag, condition)}, 1, null())"))
            terms.append(f"count({counted}) as {column(name)}")
            return {made.id: Value(field(name), "int", False, True, False, True)}
        if not args or any(not isinstance(a, Const) for a in args[1:]):
            raise values.refuse(expr)
        value = values.simplest(args[0])
        source = self.name_of(value)
        chosen = _both(flag, condition)
        if chosen or source is None or "'" in value.text:
            source = self.free(f"{made.name}_of")
            before.append((source, f"if({chosen}, {value.text}, null())" if chosen else value.text))
        nullable = value.nullable or condition is not None or not grouped
        name = self.named(made)
        whole = Value(field(name), value.kind, nullable, value.natural, value.positive and not nullable, True)
        match function, args[1:]:
            case ("min" | "max" | "avg" | "stdev" | "variance" | "sum", []) if value.kind in ("int", "real", "time", "span"):
                if value.kind == "time" and function not in ("min", "max"):
                    raise values.refuse(expr)
                if function in ("stdev", "variance"):
                    whole = replace(whole, kind="real", nullable=True, undefined=True)
                    if made.id in self.decides:  # of one value, and of none, products differ
                        raise values.refuse(expr)
                if function == "sum":
                    if nullable:
                        behind.append((name, f"coalesce({field(name)}, 0)"))
                    whole = replace(whole, nullable=False)
                if function == "avg":
                    whole = replace(whole, kind="real" if value.kind == "int" else value.kind, undefined=nullable)
                terms.append(f"{_OF_NUMBERS[function].format(source)} as {column(name)}")
                return {made.id: whole}
            case ("percentile", [Const(value=int(rank))]) if value.kind in ("int", "real", "span") and 0 < rank <= 100:
                terms.append(f"exactperc{rank}({source}) as {column(name)}")
                matters = Place.PLAIN if made.id in self.decides else Place.SHOWN
                self.say("percentile-method", "percentiles are exact here, and estimates in KQL", expr.span, matters)
                return {made.id: whole}
            case ("dcount" | "count_distinct", _) if value.kind not in ("list", "part"):
                terms.append(f"dc({source}) as {column(name)}")
                certain = grouped and not value.nullable and condition is None
                return {made.id: Value(field(name), "int", False, True, certain, True)}
            case ("make_set" | "make_list", limit) if value.kind != "list" and (value.kind != "part" or made.id not in self.decides):
                limited = any(isinstance(x, Const) and isinstance(x.value, int) and x.value < _UNLIMITED for x in limit)
                if limited and made.id in self.decides:
                    raise values.refuse(expr)
                if limited or function == "make_list":
                    self.say("columns-differ", "a list has 100 elements at most here, and a set all of its own", expr.span)
                terms.append(f"{'values' if function == 'make_set' else 'list'}({source}) as {column(name)}")
                found = {made.id: Value(field(name), "list", False, simple=True)}
                if made.id in self.lengths:
                    size = self.free(f"{name}_count")
                    terms.append(f"{'dc' if function == 'make_set' else 'count'}({source}) as {size}")
                    found[-made.id - 1] = Value(size, "int", False, True, False, True)
                return found
            case ("take_any" | "any", []) if made.id not in self.decides:
                terms.append(f"first({source}) as {column(name)}")
                return {made.id: whole}
        self.taken.discard(name)
        raise values.refuse(expr)

    def one_of_each(self, node: o.Aggregate) -> tuple[str, Expr] | None:
        """``arg_max`` or ``arg_min`` with what it goes by, where one row of each group has it all."""
        found = {(x.function, x.args[0]) for _, x in node.aggregates if isinstance(x, Apply) and x.function in ("arg_max", "arg_min")}
        return found.pop() if len(found) == 1 else None

    def latest(
        self, node: o.Aggregate, chosen: tuple[str, Expr], before: list[tuple[str, str]], by: list[tuple[str, Column, Value]], part: Part
    ) -> None:  # fmt: skip
        """The last or the first event of each group, with all its columns."""
        function, expr = chosen
        values = self.values()
        key = values.simplest(expr)
        source = self.name_of(key)
        if source is None or key.kind not in ("int", "real", "time", "span") or not by or any(v.nullable for *_, v in by):
            raise values.refuse(expr)
        if key.nullable and part.flag is not None:  # where none has it, any row will do
            raise values.refuse(expr)
        if part.flag is not None:
            moment, best = self.free(f"{source}_of"), self.free(f"{source}_best")
            before.append((moment, f"if({_both(part.flag, None)}, {key.text}, null())"))
            self.commands.append(self.eval(before))
            term = f"{'max' if function == 'arg_max' else 'min'}({moment}) as {best}"
            self.commands.append(Command("eventstats", f"eventstats {term} by {' '.join(column(n) for n, _, _ in by)}"))
            self.keep(part, [f"{moment}=={best}"])
        else:
            if before:
                self.commands.append(self.eval(before))
            self.commands.append(self.sort([(column(source), function == "arg_max")]))
            self.commands.append(self.distinct([column(n) for n, _, _ in by]))
        self.columns |= {made.id: replace(value, text=field(name), simple=True) for name, made, value in by}
        values = self.values()
        pairs: list[tuple[str, str]] = []
        made_ = dict[int, Value]()
        for made, aggregate in node.aggregates:
            if not self.needed(made):
                continue
            assert isinstance(aggregate, Apply)
            try:
                value = values.simplest(aggregate.args[-1])
            except Cannot:
                if self.is_vital(made):
                    raise
                continue
            if (name := self.name_of(value)) is None:
                name = self.named(made)
                pairs.append((name, value.text))
            made_[made.id] = replace(value, text=field(name), simple=True)
        if pairs:
            self.commands.append(self.eval(pairs))
        self.columns |= made_


def _is_of_row(expr: Expr, latest: tuple[str, Expr]) -> bool:
    """Whether an aggregate is of the row that ``arg_max`` or ``arg_min`` finds by the same value."""
    function, by = latest
    match expr:
        case Apply(function="arg_max" | "arg_min"):
            return True
        case Apply(function="max" | "min" as name, args=(value,)):
            return f"arg_{name}" == function and value == by
    return False


def _both(flag: str | None, condition: str | None) -> str:
    """That a row has a flag, where there is one, and that a condition holds, where there is one."""
    parts = [] if flag is None else [f"isnotnull({field(flag)})"]
    if condition is not None:
        parts.append(f"({condition})" if parts and " OR " in condition else condition)
    return " AND ".join(parts)


SPELLED = frozenset(
    {*WALKED, *FUNCTIONS, *TEXTS.calls, *(f"{no}{name}" for name in TEXT_OPERATORS & {*ATOMS} for no in ("", "!"))}
    | {"matches regex", "extract", "replace_string", "replace_regex", "substring", "split"}
    | {*_OF_NUMBERS, *_CONDITIONAL, "count", "dcount", "count_distinct", "make_set", "make_list", "take_any", "percentile"}
    | {"arg_max", "arg_min"}
)
"""The functions, operators and aggregates of KQL that the pipeline lane has words for in SPL, on operands of the usual types."""

__all__ = ["SPELLED", "SPL", "SplWalk"]
