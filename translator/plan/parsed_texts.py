"""Columns and places in JSON that hold texts of JSON: ``parse_json(tostring(x.a))`` is the text ``v`` where ``x.a`` is ``v`` or ``"v"``.

Products keep the text as it came, so that conditions on what is parsed of it have to know both; what else reads it is told. Sources:
learn.microsoft.com/kusto/query/parse-json-function (what is no JSON is a text); learn.microsoft.com/graph/api/resources/modifiedproperty
(values "in JSON format").
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace

from translator.fidelity import Place
from translator.plan import operators as o
from translator.plan.expressions import (
    Apply,
    ColumnRef,
    Const,
    Expr,
    Items,
    Path,
    Subquery,
    children,
    conjunction,
    conjuncts,
    const,
    disjunction,
    items_of,
    negation,
)
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

_MARKS = {
    **dict.fromkeys(("contains", "contains_cs", "has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs"), ("", "")),
    **dict.fromkeys(("startswith", "startswith_cs"), ('"', "")),
    **dict.fromkeys(("endswith", "endswith_cs"), ("", '"')),
}
"""What stands before and behind a text in its JSON, where an operator asks for a part of it."""

_EMPTY = ('""', "null")
"""JSON of which the text is empty."""

_OF_ARRAYS = ("array_", "set_", "bag_", "zip")
"""How functions of arrays and objects begin, which take no text for one, with its quotes or without."""


def with_parsed_texts(plan: o.Plan) -> o.Plan:
    """A plan whose conditions on such texts know them as texts of JSON as well."""
    if "parse_json" not in o.functions(plan.root):
        return plan
    made = o.computed(plan.root)

    def known(part: object) -> object:
        of_both = _of_both(part, made) if isinstance(part, Apply) else None
        return part if of_both is None else of_both

    return replace(plan, root=rewritten(plan.root, known))


def misread(plan: o.Plan, identifying: Container[str]) -> Iterator[tuple[Expr, Place]]:
    """What reads such a text otherwise, where what a product keeps has the quotes of JSON, and the place of it.

    Args:
        plan: as it is before ``with_parsed_texts``.
        identifying: the names of the columns that tell one alert from another.
    """
    if "parse_json" not in o.functions(plan.root):
        return
    texts = _Texts(plan)
    for relation in o.relations(plan.root):
        for expr in (part for x in _deciding(relation) for part in conjuncts(x)):
            if texts.reads(expr):
                yield expr, Place.PLAIN
    for name, column in plan.names:
        shown = ColumnRef(plan.root.span, column.type, column)
        if (name in identifying or not texts.shows_parsed(shown)) and texts.reads(shown):
            yield texts.made.get(column.id, shown), Place.PLAIN if name in identifying else Place.SHOWN


def _deciding(relation: o.Relation) -> Iterator[Expr]:
    """The expressions of a relation that decide which rows there are; what only makes columns is followed from where these are read."""
    match relation:
        case o.Compute() | o.Project() | o.Expand() | o.Union() | o.Sort():
            return
        case o.Aggregate(keys=keys):
            yield from (x for _, x in keys)
        case o.Distinct(columns=columns):
            yield from (ColumnRef(relation.span, c.type, c) for c in columns)
        case o.Parse(pattern=(None, *_, None)):  # of which the quotes are what is skipped
            return
        case o.Plugin(arguments=arguments) if relation.name == "bag_unpack":  # which takes nothing but objects
            yield from (a for a in arguments if a.type != Type.DYNAMIC)
        case _:
            yield from _expressions([getattr(relation, name) for name in o.inner_fields(relation)])


def _expressions(part: object) -> Iterator[Expr]:
    match part:
        case Expr():
            yield part
        case tuple() | list():
            for inner in part:
                yield from _expressions(inner)
        case o.Ordering() | o.ScanStep() | o.GraphHop() | o.TopNestedPart():
            yield from _expressions([getattr(part, name) for name in o.inner_fields(part)])


class _Texts:
    """What reads the texts of a plan that are parsed of JSON."""

    def __init__(self, plan: o.Plan) -> None:
        self.computed = o.computed(plan.root)
        self.made = dict(self.computed)
        for node in o.relations(plan.root):
            match node:
                case o.Aggregate(keys=keys, aggregates=aggregates):
                    self.made |= {c.id: x for c, x in (*keys, *aggregates)}
                case o.Union(columns=columns):
                    refs = ((c, [ColumnRef(None, b.type, b) for b in below if b is not None]) for c, below in columns)
                    self.made |= {c.id: Items(None, c.type, tuple(found)) for c, found in refs}
        self.known: dict[int, bool] = {}

    def shows_parsed(self, column: ColumnRef) -> bool:
        """Whether a column is such a dynamic value of one row, of which quotes tell no more than that it is a text."""
        found: Expr = column
        while True:
            match found:
                case ColumnRef(column=of) if of.id in self.made:
                    found = self.made[of.id]
                case Apply(function="arg_max" | "arg_min" | "take_any" | "any", args=(*_, value)):
                    found = value
                case _:
                    return found.type == Type.DYNAMIC and _is_parsed(found, self.computed)

    def reads(self, expr: Expr) -> bool:
        """Whether an expression depends on the quotes that such a text has as JSON."""
        if _is_parsed(expr, self.computed):
            return True
        match expr:
            case ColumnRef(column=column):
                if column.id not in self.known:
                    self.known[column.id] = False  # what an engine alone carries out may read itself
                    made = self.made.get(column.id)
                    self.known[column.id] = made is not None and self.reads(made)
                return self.known[column.id]
            case Apply() if _of_both(expr, self.computed) is not None:
                return False
            case Path(base=base) if _is_parsed(base, self.computed):
                return False
            case Apply(function=function, args=args) if function.startswith(_OF_ARRAYS):
                return any(self.reads(a) for a in args if a.type == Type.STRING or not _is_parsed(a, self.computed))
            case Subquery(column=column) if column is not None:
                return self.reads(ColumnRef(expr.span, column.type, column))
        return any(self.reads(c) for c in children(expr))


def _is_parsed(expr: Expr, made: dict[int, Expr]) -> bool:
    """Whether a value is what a text of a table, or one inside JSON, is as JSON."""
    found = _followed(expr, made)
    while isinstance(found, Apply) and found.function in ("tostring", "tolower", "toupper"):
        found = _followed(found.args[0], made)
    if not (isinstance(found, Apply) and found.function == "parse_json"):
        return False
    text = _followed(found.args[0], made)
    while isinstance(text, Apply) and text.function in ("tostring", "parse_json"):
        text = _followed(text.args[0], made)
    return isinstance(text, Path) or (isinstance(text, ColumnRef) and text.column.table is not None and text.type == Type.STRING)


def _followed(expr: Expr, made: dict[int, Expr]) -> Expr:
    """What a column is made of."""
    while isinstance(expr, ColumnRef) and expr.column.id in made:
        expr = made[expr.column.id]
    return expr


def _of_both(atom: Apply, made: dict[int, Expr]) -> Expr | None:
    """A condition on such a text, of it as it is or as JSON; None for what is none, and for one that no condition of both says."""
    match atom:
        case Apply(function="==" | "=~", args=(Const() as constant, subject)):
            atom = replace(atom, args=(subject, constant))
    if not atom.args or not _is_parsed(atom.args[0], made):
        return None
    name, (_, *rest) = atom.function, atom.args
    texts = [x.value if isinstance(x, Const) and isinstance(x.value, str) else None for x in _listed(rest[0])] if len(rest) == 1 else []
    known = [t for t in texts if t is not None]
    match name:
        case "isempty" | "isnotempty" if not rest:
            return _empty(atom) if name == "isempty" else negation(_empty(atom))
        case "==" | "=~" | "in" | "in~" if len(known) == len(texts) > 0:
            values = [v for t in known if t for v in ((_as_json(t),) if _reads_otherwise(t) else (t, _as_json(t)))]
            found = [_among(atom, "in~" if "~" in name else "in", dict.fromkeys(values))] if values else []
            return disjunction(*found, *([_empty(atom)] if "" in known else []))
        case "has_any" | "has_all" if len(known) == len(texts) > 0:
            each = [_with_part(atom, "has", t) for t in known]
            ways = [w for w in each if w is not None]
            return None if len(ways) < len(each) else disjunction(*ways) if name == "has_any" else conjunction(*ways)
        case _ if name in _MARKS and len(known) == len(texts) == 1:
            return _with_part(atom, name, known[0])
    return None


def _listed(operand: Expr) -> list[Expr]:
    """The values of a list, or the one value that an operand is."""
    return [a for x in items_of(operand) for a in (x.args if isinstance(x, Apply) and x.function == "pack_array" else (x,))]


def _with_part(atom: Apply, name: str, text: str) -> Expr | None:
    """That a text has a part somewhere; None where the quotes of JSON may be that part, or null, of which the text is empty."""
    if not text or text.lower() in "null" or '"' in (text[0], text[-1]):
        return None
    before, after = _MARKS[name]
    ways = dict.fromkeys((text, f"{before}{_as_json(text)[1:-1]}{after}"))
    return disjunction(*(replace(atom, function=name, args=(atom.args[0], const(t, Type.STRING, atom.span))) for t in ways))


def _reads_otherwise(text: str) -> bool:
    """Whether a text is JSON of another text."""
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return found is None or isinstance(found, str)


def _empty(atom: Apply) -> Expr:
    return disjunction(replace(atom, function="isempty", args=atom.args[:1]), _among(atom, "in", _EMPTY))


def _among(atom: Apply, function: str, texts: Iterable[str]) -> Apply:
    values = tuple(const(t, Type.STRING, atom.span) for t in texts)
    return replace(atom, function=function, args=(atom.args[0], Items(atom.span, Type.DYNAMIC, values)))


def _as_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
