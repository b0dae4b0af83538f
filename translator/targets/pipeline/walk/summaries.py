"""The terms of a summary: what its aggregates measure, and what has to be computed around them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
from translator.plan.bags import OF_KEY
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.plan.uniqueness import determines
from translator.targets.base import Cannot
from translator.targets.pipeline.language import CONDITIONAL, IN_ANY_ORDER, NUMBERS, ORDERED, WRITTEN, Value
from translator.targets.pipeline.values import Values
from translator.targets.pipeline.values.branches import first_of
from translator.targets.pipeline.walk.context import Context
from translator.targets.pipeline.walk.parts import Measure

_OF_NUMBERS = frozenset({"sum", "avg", "stdev", "stdevp", "variance", "variancep", "percentile"})
"""Aggregates that KQL has of numbers alone, so that a column of unknown type is one."""


UNLIMITED = 1_048_576
"""From this number of elements on KQL keeps no more of a set or a list: learn.microsoft.com/kusto/query/make-set-aggregation-function."""


@dataclass(slots=True)
class Summary:
    """The terms of a summary, what is computed before them and filled in behind them, and the columns that they make."""

    terms: list[str] = field(default_factory=list)
    before: list[tuple[str, str]] = field(default_factory=list)
    behind: list[tuple[str, str]] = field(default_factory=list)
    columns: dict[int, Value] = field(default_factory=dict)


_OF_VALUES = frozenset({"min", "max", "dcount", "count_distinct", "make_set", "take_any", "any"})
"""Aggregates that ask which values there are, not how many rows have them."""


def is_of_values(ctx: Context, node: o.Aggregate) -> bool:
    """Whether a summary is the same however often each of its rows stands."""
    needed = [x for made, x in node.aggregates if ctx.needed(made)]
    return all(isinstance(x, Apply) and CONDITIONAL.get(x.function, x.function) in _OF_VALUES for x in needed)


def summary(ctx: Context, node: o.Aggregate, grouped: bool, flag: str | None) -> Summary:
    """The aggregates that are needed, of the rows that have a flag, and the columns that they make."""
    found, values = Summary(), ctx.values()
    for made, expr in node.aggregates:
        if not ctx.needed(made):
            continue
        try:
            measure, whole = _measured(ctx, made, expr, values, grouped, _is_of_group(node, expr))
            term, before = ctx.term(measure, flag)
        except Cannot:
            if ctx.is_vital(made):
                raise
            continue
        found.terms.append(term)
        found.before += before
        if (most := _most_of(expr)) is not None and whole.set_of and ctx.language.list_start and made.id in ctx.decides:
            found.behind.append((measure.name, ctx.language.list_start.format(ctx.quoted(measure.name), most, most - 1)))
        if isinstance(expr, Apply) and expr.function == OF_KEY:  # of no row it is empty
            found.behind.append(
                (measure.name, ctx.language.functions["coalesce"].words.format(f"{ctx.quoted(measure.name)}, {ctx.language.string('')}"))
            )
        if measure.function == "sum" and whole.nullable:  # which is zero of nothing in KQL
            found.behind.append((measure.name, first_of(values, [whole, values.number(0, whole.kind)], expr).text))
            whole = replace(whole, nullable=False)
        found.columns[made.id] = whole
        if (corrected := ctx.language.deviations.get(measure.function)) is not None:
            found.behind.append((measure.name, corrected.format(ctx.quoted(measure.name), ctx.quoted(measure.length))))
        elif measure.length:
            found.columns[-made.id - 1] = Value(ctx.quoted(measure.length), "int", False, True, False, True)
    return found


def _is_of_group(node: o.Aggregate, expr: Expr) -> bool:
    """Whether what any row of a group has all rows of it have."""
    match expr:
        case Apply(function="take_any" | "any", args=(ColumnRef(column=column),)):
            keys = frozenset(x.column.id for _, x in node.keys if isinstance(x, ColumnRef))
            return bool(keys) and determines(node.input, keys, column)
    return False


def _measured(ctx: Context, made: Column, expr: Expr, values: Values, grouped: bool, one: bool) -> tuple[Measure, Value]:
    """What an aggregate measures, and the column that it makes; ``one``: all rows of a group have one value."""
    if not isinstance(expr, Apply):
        raise Cannot(Diagnostic("unsupported-expression", "this aggregate is not supported here", expr.span))
    function, args, condition = expr.function, list(expr.args), None
    if function in CONDITIONAL:
        condition = values.holds(simplify(args.pop(0 if function == "countif" else 1)))
        function = CONDITIONAL[function]
    function = "take_any" if function == "any" else function  # its older name
    everywhere, decides = grouped and condition is None, made.id < 0 or made.id in ctx.decides
    if function == "count" and not args:
        name = ctx.named(made)
        return Measure(name, function, None, condition), Value(ctx.quoted(name), "int", False, True, everywhere, True)
    if not args or function not in ctx.language.aggregates or any(not isinstance(a, Const) for a in args[1:]):
        raise values.refuse(expr)
    value, rank = values.simplest(args[0]), 0
    if function in _OF_NUMBERS:
        value = values.like(value, simplify(args[0]), Value("", "real"))
    kind, nullable = value.kind, value.nullable or not everywhere
    if kind == "moment" and function not in ("dcount", "count_distinct"):
        raise values.refuse(expr)
    whole = replace(value, nullable=nullable, positive=value.positive and not nullable)
    match function, args[1:]:
        case ("min" | "max", []) if kind in ORDERED:
            pass
        case ("sum", []) if kind in ORDERED - {"time"}:
            pass
        case ("avg", []) if kind in ORDERED - {"time"}:
            whole = replace(whole, kind="real" if kind == "int" else kind, undefined=nullable)
        case ("stdev" | "stdevp" | "variance" | "variancep", []) if kind in NUMBERS:
            whole = Value("", "real", False, True)
        case ("percentile", [Const(value=int(rank))]) if kind in ORDERED - {"time"} and 0 < rank <= 100:
            ctx.say("percentile-method", ctx.percentiles, expr.span, Place.PLAIN if decides else Place.SHOWN)
            whole = replace(whole, kind="real" if ctx.language.fraction else kind)
        case ("dcount" | "count_distinct", _) if kind not in ("list", "part", "json"):
            whole = Value("", "int", False, True, not nullable)
        case ("make_set" | "make_list", further) if kind not in ("list", "json") and not (kind == "part" and decides):
            limited = any(isinstance(x, Const) and isinstance(x.value, int) and x.value < UNLIMITED for x in further)
            set_of = kind == "text" and function == "make_set" and condition is None
            if limited and decides and (not set_of or not ctx.language.list_start or made.id in ctx.lengths):
                raise values.refuse(expr)
            if limited and decides:
                ctx.say("arbitrary-row", "the query keeps some values of the set, any ones, and so does the output", expr.span)
            elif limited or function == "make_list":
                ctx.say("columns-differ", ctx.lists, expr.span)
            if kind == "part":
                ctx.say("columns-differ", "a place without a value and an empty text there are not told apart in a list here", expr.span)
            whole = Value("", "list", False, of_texts=kind == "text" and function == "make_set" and not limited, set_of=set_of)
        case ("take_any", []) if expr.function == OF_KEY:
            if kind not in WRITTEN - {"json"} or not ctx.keeps_rows:
                raise values.refuse(expr)
            what = "of several values of a key the bag of the query has any one, and the output the first"
            ctx.say("arbitrary-row", what, expr.span, Place.PLAIN if decides else Place.SHOWN)
            whole = Value("", "text" if made.type == Type.STRING else "part", False)
        case ("take_any", []) if one and value.set_of:
            function, whole = "make_set", Value("", "list", False, of_texts=value.of_texts, set_of=True)
        case ("take_any", []) if not decides or (one and kind != "list"):
            pass
        case _:
            raise values.refuse(expr)
    name = ctx.named(made)
    counted = function in ctx.language.deviations or (whole.kind == "list" and made.id in ctx.lengths)
    length = ctx.free(f"{name}_count") if counted else ""
    whole = replace(whole, text=ctx.quoted(name), simple=True)
    texts = ""
    if function == "make_list" and value.kind == "text" and ctx.language.list_text and made.id in ctx.searched:
        apart = ctx.language.aggregates["make_list"] != ctx.language.aggregates["make_set"]
        texts = ctx.free(f"{name}_texts") if apart else ""
        whole = replace(whole, texts=ctx.quoted(texts or name))
    return Measure(name, function, value, condition, rank, length, decides, texts), whole


def _most_of(expr: Expr) -> int | None:
    """How many values a set has at most, where KQL keeps no more of them than the query says."""
    match expr:
        case Apply(function="make_set", args=(_, Const(value=int(most)))) if most < UNLIMITED:
            return most
    return None


def one_of_each(node: o.Aggregate) -> tuple[str, Expr] | None:
    """``arg_max`` or ``arg_min`` with what it goes by, where one row of each group has it all."""
    found = {(x.function, x.args[0]) for _, x in node.aggregates if isinstance(x, Apply) and x.function in ("arg_max", "arg_min")}
    return found.pop() if len(found) == 1 else None


def note_ties(ctx: Context, latest: tuple[str, Expr]) -> None:
    """A word on rows of a group that have the same in what the one is chosen by; of moments few have."""
    _, by = latest
    if by.type != Type.DATETIME:
        ctx.say("arbitrary-row", "of rows that are equal in this the query keeps any one, and so does the output", by.span)


def is_of_row(expr: Expr, latest: tuple[str, Expr]) -> bool:
    """Whether an aggregate is of the row that ``arg_max`` or ``arg_min`` finds by the same value."""
    function, by = latest
    match expr:
        case Apply(function="arg_max" | "arg_min"):
            return True
        case Apply(function="max" | "min" as name, args=(value,)):
            return f"arg_{name}" == function and value == by
    return False


def counted_column(node: object) -> Column | None:
    """The column whose number of elements is asked for."""
    match node:
        case Apply(function="array_length", args=(ColumnRef(column=column),)):
            return column
    return None


def searched_column(node: object) -> Column | None:
    """The column that is searched for a text wherever that stands in it."""
    match node:
        case Apply(function=function, args=(ColumnRef(column=column), *_)) if function.lstrip("!") in IN_ANY_ORDER | {"has_any", "has_all"}:
            return column
    return None
