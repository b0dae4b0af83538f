"""Types of operands and arguments: a query whose values do not fit is refused, as the official binder refuses it.

What fits is said by the signatures of the registry. What is not known for certain, such as a column of a table that no documentation
lists, fits everywhere. Data that are at hand have the types that they were read with, and nothing is asked of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from translator.kql import syntax as s
from translator.kql.errors import suggestion
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.problems import Problem
from translator.plan.binder.scopes import Scope
from translator.plan.functions import find, functions, unfitting
from translator.plan.functions.declare import ACCEPTED, Function
from translator.plan.types import Type

_NUMBERS = ACCEPTED["number"]
_WHOLE = ACCEPTED["long"]


def check_arguments(ctx: Context, node: s.Call, args: Sequence[e.Expr], scope: Scope) -> None:
    """The arguments of a function of KQL: as many as it takes, and of types that it takes together."""
    function = find(node.name)
    if function is None or _is_starred(ctx, node):
        return
    _check_words(ctx, node, function, args)
    if ctx.closed is not None:
        return
    if not function.takes(len(args)):
        function = functions().get(node.name, function)  # some aggregates are functions too
    if not function.takes(len(args)):
        ctx.problem(Problem("argument-count", node.span, f"{node.name}() takes {counted(function)}, and here are {len(args) or 'none'}"))
        return
    types = [ctx.known_type(a) for a in args]
    _check_constants(ctx, node, function, args, types, scope)
    for argument in node.arguments if any(p.repeated for p in function.signatures[0].parameters) else node.arguments[:1]:
        if function.columns:
            check_is_column(ctx, f"{node.name}() takes", argument)
    if any(p.kind == "alike" for x in function.signatures for p in x.parameters):
        _check_alike(ctx, node, types)
    found = unfitting(function, types)
    this = None
    if found is None and (found := _misshapen(function, args)) is not None:
        this = "an array" if isinstance(args[found[0]], e.Items) else "an object"
    if found is None:
        return
    place, kinds = found
    span = node.arguments[place].span
    if node.name == "count":
        # Rules that are in use have it, though the official binder refuses it.
        told = "count() takes a condition or nothing: it counts rows, whatever this value is"
        ctx.problem(Problem("argument-type", span, told, warns=True))
        return
    which = f" as its {_ordinal(place)} argument" if len(args) > 1 else ""
    told = f"{node.name}() takes {_of_kinds(kinds)}{which}, and this is {this or _a(types[place])}"
    ctx.problem(Problem("argument-type", span, told + ("" if this else _hint(kinds, types[place]))))


_STARRED = frozenset({"arg_max", "arg_min", "argmax", "argmin", "take_any", "any", "estimate_data_size", "pack_array"})
"""Functions that take ``*`` for all columns. Source: what Kusto.Language 12.4.1 refuses of others."""


def _is_starred(ctx: Context, node: s.Call) -> bool:
    """Whether a call has ``*`` among its arguments, which only some functions take."""
    star = next((a for a in node.arguments if isinstance(a, s.Star)), None)
    if star is not None and node.name not in _STARRED:
        told = f"{node.name}() does not take * for all columns: name those that are meant"
        ctx.problem(Problem("argument-type", star.span, told, warns=node.name == "count"))
    return star is not None


def _check_words(ctx: Context, node: s.Call, function: Function, args: Sequence[e.Expr]) -> None:
    """Arguments that are one of a few words, where they are constants."""
    for place, words in function.words.items():
        argument = args[place] if place < len(args) else None
        given = argument.value if isinstance(argument, e.Const) else None
        if isinstance(given, str) and given.lower() not in words:
            told = f"{node.name}() takes one of the words {', '.join(words)}, and here is {given!r}{suggestion(given, words)}"
            ctx.problem(Problem("argument-type", node.arguments[place].span, told))


def _check_constants(ctx: Context, node: s.Call, function: Function, args: Sequence[e.Expr], types: Sequence[Type], scope: Scope) -> None:
    """What has to be the same for all rows: no column, but for what a user's own function is called with."""
    signatures = function.taking(len(args))
    for place, (argument, bound) in enumerate(zip(node.arguments, args, strict=True)):
        taking = [x.parameter(place, types) for x in signatures]
        if not all(p is not None and p.constant for p in taking) or not any(isinstance(p, e.ColumnRef) for p in o.parts(bound)):
            continue
        parts = tuple(s.walk(argument))
        if any(isinstance(p, s.Pipeline) or (isinstance(p, s.Call) and p.name == "toscalar") for p in parts):
            continue
        names = [p.name for p in parts if isinstance(p, s.NameReference) and scope.find(p.name) is None]
        if names:
            wanted = f"{node.name}() takes a constant as its {_ordinal(place)} argument"
            told = f"{wanted}, and {names[0]} is a column: a let of a literal is a constant"
            ctx.problem(Problem("argument-type", argument.span, told))


def _check_alike(ctx: Context, node: s.Call, types: Sequence[Type]) -> None:
    """Arguments of which one is the result: all numbers, or all of one type."""
    known = list(dict.fromkeys(t for t in types if t is not Type.UNKNOWN))
    if len(known) > 1 and not _NUMBERS.issuperset(known):
        given = " and ".join(_a(t) for t in known)
        hint = "parse_json(...) or todynamic(...) makes a dynamic of a text" if Type.DYNAMIC in known else "bring all to one type"
        if {Type.DYNAMIC, Type.STRING} == set(known):
            hint = "tostring(...) makes a text of the dynamic"
        ctx.problem(Problem("argument-type", node.span, f"{node.name}() takes values of one type, and here are {given}: {hint}"))


def _misshapen(function: Function, args: Sequence[e.Expr]) -> tuple[int, tuple[str, ...]] | None:
    """The place and kinds of the first argument that is written as an array or an object where no signature takes one."""
    signatures = function.taking(len(args))
    types = [a.type for a in args]
    texts = set() if function.shapes else {"string"}
    for place, argument in enumerate(args):
        match argument:
            case e.Items():
                refused = texts | {"bag"}
            case e.Apply(function="bag_pack"):
                refused = texts | {"array"}
            case _:
                continue
        kinds = dict.fromkeys(x.kind(place, types) for x in signatures)
        if refused.issuperset(kinds):
            return place, tuple(kinds)
    return None


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "further")


def _ordinal(place: int) -> str:
    return _ORDINALS[min(place, len(_ORDINALS) - 1)]


_WORDS = {
    "string": "a text", "plaintext": "a text", "integer": "a whole number", "long": "a whole number", "int": "a whole number",
    "real": "a number", "decimal": "a number", "number": "a number", "summable": "a number, a datetime or a timespan",
    "orderable": "a value with an order", "array": "an array", "bag": "an object", "notdynamic": "a value that is no dynamic",
    "line": "a value that is no dynamic", "codes": "a whole number or an array of them", "number_or_bool": "a number or a bool",
}  # fmt: skip
"""What messages call a kind of the registry, where that is not its name."""


def _of_kinds(kinds: Sequence[str]) -> str:
    return " or ".join(dict.fromkeys(_WORDS.get(k, f"a {k}") for k in kinds))


def _a(kind: Type) -> str:
    return f"an {kind}" if kind is Type.INT else f"a {kind}"


def counted(function: Function) -> str:
    """How many arguments a function takes, in words."""
    least = min(x.least for x in function.signatures)
    limits = [x.most for x in function.signatures]
    if None in limits:
        if any(x.together == 2 for x in function.signatures):
            return f"{least}, {least + 2}, {least + 4}, ... arguments"
        return f"{least} argument{'s' * (least != 1)} or more"
    most = max(x for x in limits if x is not None)
    if most == 0:
        return "no arguments"
    return f"{most} argument{'s' * (most != 1)}" if least == most else f"{least} to {most} arguments"


def _hint(kinds: Sequence[str], given: Type) -> str:
    """What makes a value of one of some kinds of one of a type."""
    accepted = frozenset[Type]().union(*(ACCEPTED.get(k, frozenset()) for k in kinds))
    if Type.TIMESPAN in accepted and given in _NUMBERS:
        return ": a length of time is written 1d, 4h or 30m"
    if Type.STRING in accepted:
        return ": tostring(...) makes a text of it"
    if given in (Type.STRING, Type.DYNAMIC):
        if accepted & _NUMBERS:
            return ": tolong(...) or todouble(...) makes a number of it"
        if Type.DATETIME in accepted:
            return ": todatetime(...) makes a datetime of it"
        if Type.TIMESPAN in accepted:
            return ": totimespan(...) makes a timespan of it"
        if Type.DYNAMIC in accepted:
            return ": parse_json(...) reads one in a text"
    return ": compare it with something" if accepted == {Type.BOOL} else ""


def check_operands(ctx: Context, operator: str, operands: Sequence[e.Expr], span: e.Span) -> None:
    """The operands of an operator: of types that it is defined for together."""
    function = find(_POSITIVE.get(operator, operator.removeprefix("!")))
    if ctx.closed is not None or function is None:
        return
    types = [ctx.known_type(x) for x in operands]
    if (found := unfitting(function, types)) is None:
        return
    place, kinds = found
    sign = "-" if operator == "neg" else operator
    if len(kinds) == 1 and kinds[0] in ("string", "condition"):
        wanted = "conditions" if kinds[0] == "condition" else "texts"
        hint = _hint(("bool",) if kinds[0] == "condition" else kinds, types[place])
        ctx.problem(Problem("operand-types", operands[place].span or span, f"{sign} is for {wanted}, and this is {_a(types[place])}{hint}"))
        return
    given = " and ".join(_a(t) for t in dict.fromkeys(types) if t is not Type.UNKNOWN)
    known = {t for t in types if t is not Type.UNKNOWN}
    if known == {Type.STRING}:
        hint = "tolong(...), todouble(...) or todatetime(...) makes something of texts that has an order"
    elif Type.STRING in known:
        made = "todatetime(...) makes a datetime" if Type.DATETIME in known else "tolong(...) or todouble(...) makes a number"
        hint = f"{made} of the text"
    elif known == {Type.DATETIME, Type.TIMESPAN}:
        hint = "ago(...) is the moment that is so long ago"
    else:
        hint = "bring both to one type" if len(known) > 1 else "convert it before"
    ctx.problem(Problem("operand-types", span, f"{sign} is not defined for {given}: {hint}"))


_POSITIVE = {"!=": "==", "<>": "==", "!~": "=~", "notcontains": "contains", "notlike": "like"}
"""Operators that negate another one, beside those with an exclamation mark before its name."""


def check_index(ctx: Context, whole: e.Expr, key: e.Expr, span: e.Span) -> None:
    """What picks a part of a dynamic: a number those of an array, a text those of an object."""
    given = ctx.known_type(key)
    if ctx.closed is not None or given is Type.UNKNOWN or ctx.known_type(whole) is not Type.DYNAMIC:
        return
    match whole:
        case e.Items() if given is Type.STRING:
            wanted = "a whole number picks a part of an array"
        case e.Apply(function="bag_pack") if given in _WHOLE:
            wanted = "a text picks a part of an object"
        case _ if given not in ACCEPTED["index"]:
            wanted = "a whole number or a text picks a part of a dynamic"
        case _:
            return
    ctx.problem(Problem("argument-type", span, f"{wanted}, and this is {_a(given)}"))


def check_is(ctx: Context, what: str, value: e.Expr, kind: str, span: e.Span) -> None:
    """A value that an operator takes: it has to be of a kind of the registry; ``what`` says who takes it, as in "where takes"."""
    given = ctx.known_type(value)
    if ctx.closed is None and given is not Type.UNKNOWN and given not in ACCEPTED[kind]:
        ctx.problem(Problem("argument-type", span, f"{what} {_of_kinds([kind])}, and this is {_a(given)}{_hint([kind], given)}"))


_STEPS = {
    Type.LONG: {Type.REAL, Type.DECIMAL, Type.TIMESPAN}, Type.REAL: {Type.DECIMAL, Type.TIMESPAN}, Type.DECIMAL: {Type.TIMESPAN},
    Type.DATETIME: {*_NUMBERS}, Type.TIMESPAN: {Type.INT, Type.DATETIME}, Type.DYNAMIC: {*Type} - {Type.DYNAMIC},
}  # fmt: skip
"""Types of steps that an axis of a type does not have; one of any other type has none. Source: what Kusto.Language 12.4.1 refuses."""


def check_axis(ctx: Context, span: e.Span, on: e.Expr, bound: e.Expr) -> None:
    """Where an axis of make-series begins or ends: a value of its type."""
    axis, given = ctx.known_type(on), ctx.known_type(bound)
    wider = _NUMBERS if axis is Type.DECIMAL else ACCEPTED["real"] if axis is Type.REAL else {Type.INT, Type.LONG}
    if ctx.closed is not None or Type.UNKNOWN in (axis, given) or given == axis or (axis in _NUMBERS - {Type.INT} and given in wider):
        return
    told = f"make-series counts along {_a(axis)}, and this is {_a(given)}"
    ctx.problem(Problem("argument-type", span, told + _hint((str(axis),), given)))


def check_step(ctx: Context, on: e.Expr, step: e.Expr, span: e.Span) -> None:
    """The step of make-series: of a type that divides its axis."""
    axis, given = ctx.known_type(on), ctx.known_type(step)
    if ctx.closed is not None or Type.UNKNOWN in (axis, given):
        return
    if axis not in _STEPS:
        hint = ": tolong(...) makes one that has" if axis is Type.INT else ""
        ctx.problem(Problem("argument-type", on.span or span, f"make-series has no steps along {_a(axis)}{hint}"))
    elif given in _STEPS[axis]:
        hint = _hint(("timespan",), given) if axis is Type.DATETIME else ""
        ctx.problem(Problem("argument-type", span, f"make-series has no steps of {_a(given)} along {_a(axis)}{hint}"))


def check_is_column(ctx: Context, what: str, node: s.Node) -> None:
    """The name of a column, where an operator or a plugin takes no other value."""
    if not isinstance(node, s.NameReference):
        ctx.problem(Problem("argument-type", node.span, f"{what} the name of a column here: compute it before, with extend"))


def check_keys(ctx: Context, pair: tuple[e.Expr, e.Expr], node: s.Node) -> None:
    """The two columns that a join compares: of one type, or both whole numbers; a dynamic only where one name stands for both."""
    a, b = (ctx.known_type(x) for x in pair)
    one_name = isinstance(node, s.NameReference)
    if ctx.closed is not None or Type.UNKNOWN in (a, b) or {a, b} <= {Type.INT, Type.LONG} or (a == b and (one_name or a != Type.DYNAMIC)):
        return
    hint = "tostring(...) makes texts of them" if a == b else "bring both to one type before the join"
    ctx.problem(Problem("operand-types", node.span, f"a join does not compare {_a(a)} with {_a(b)}: {hint}"))
