"""Joins of parts over one stream, by keys or by being one of the values of another query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from translator.fidelity import Diagnostic
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, Items, Subquery, conjuncts, const, negation, walk
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.pipeline.language import WRITTEN, Value
from translator.targets.pipeline.relations import subqueries_of, with_others
from translator.targets.pipeline.walk.context import Context
from translator.targets.pipeline.walk.parts import Above, Part

_SIDES = {
    "inner": "inner", "innerunique": "innerunique", "leftouter": "leftouter", "rightouter": "rightouter", "leftsemi": "leftsemi",
    "rightsemi": "rightsemi", "leftanti": "leftanti", "anti": "leftanti", "leftantisemi": "leftanti", "rightanti": "rightanti",
    "rightantisemi": "rightanti",
}  # fmt: skip


_MADE = 10**9
"""Columns of the walk's own have numbers below this, negated."""


_OF_ONE = {"has_any": "has"}
"""Operators on a text and several values, and what they ask of one."""


@dataclass(frozen=True, slots=True)
class _Membership:
    """``of``: that a value is, or is not, one of those of another query; or, ``within`` an operator, that it has one for some of them."""

    of: Expr
    value: Expr
    subquery: Subquery
    cased: bool
    negated: bool
    within: str = ""


@dataclass(frozen=True, slots=True)
class _Matching:
    """Rows of a part that is ``kept``, by their partners in an ``other``.

    Attributes:
        node: what asks for partners.
        kind: how it joins.
        mine: the keys of the part that is kept.
        theirs: those of the other, in the same order.
        below: what the other part is made of.
        wanted: what is read above of the other part.
        partners: ``one`` at most for each row, ``each`` of several makes a row, or ``any`` of several will do.
        counts: what is to be how many there are.
    """

    node: o.Relation | Subquery
    kind: str
    kept: Part
    mine: list[Expr]
    other: Part
    theirs: list[Expr]
    below: o.Relation
    wanted: Above
    partners: Literal["one", "each", "any"]
    counts: Column | None = None

    @property
    def outer(self) -> bool:
        """Whether a row without a partner stays."""
        return self.kind.endswith("outer")


@dataclass(frozen=True, slots=True)
class _Held:
    """A ``value`` of a part that is read above a join, ``same`` as which key, and whether it ``decides`` about rows."""

    expr: Expr
    value: Value
    same: Value | None
    decides: bool


@dataclass(frozen=True, slots=True)
class _Carried:
    """What a join carries over to the rows that are kept.

    ``gathered``: names for values of the other part, by their texts. ``values``: what is read, by what it was there. ``lengths``: how many
    elements lists among it have.
    """

    gathered: dict[str, tuple[str, Value]] = field(default_factory=dict)
    values: dict[Expr, Value] = field(default_factory=dict)
    lengths: dict[int, Value] = field(default_factory=dict)


def joined(ctx: Context, node: o.Join, above: Above) -> Part:
    """A join as the rows of one side, with what the other one has for them.

    Raises:
        Cannot: for a kind of join that has no words here, for one without keys, and for a further condition where rows stay that have no
            partner.
    """
    kind = _SIDES.get(node.kind)
    left, right = ctx.part(node.left, above), ctx.part(node.right, above)
    pairs = [(simplify(a), simplify(b)) for a, b in node.on]
    if kind is None or not pairs or (node.condition is not None and kind not in ("inner", "innerunique")):
        raise Cannot(Diagnostic("unsupported-join", f"kind={node.kind} is not supported here", node.span))
    alone = [_is_told(part, side) for part, side in zip((left, right), zip(*pairs, strict=True), strict=True)]
    several = False
    match kind:
        case "leftsemi" | "leftanti":
            keeps_left = True
        case "rightsemi" | "rightanti":
            keeps_left = False
        case "innerunique":
            keeps_left = False
        case "inner" if alone[1] or alone[0]:
            keeps_left = alone[1]
        case "leftouter" if alone[1]:
            keeps_left = True
        case "rightouter" if alone[0]:
            keeps_left = False
        case _:
            keeps_left, several = kind != "rightouter", True
    sides = [(left, node.left, [a for a, _ in pairs]), (right, node.right, [b for _, b in pairs])]
    (kept, _, mine), (other, below, theirs) = sides if keeps_left else sides[::-1]
    wanted = Above() if kind.endswith(("semi", "anti")) else above
    partners: Literal["one", "each", "any"] = "each" if several else "one" if alone[1 if keeps_left else 0] else "any"
    found = _matched(ctx, _Matching(node, kind, kept, mine, other, theirs, below, wanted, partners))
    if node.condition is not None:
        ctx.keep(found, [ctx.values().holds(simplify(p)) for p in conjuncts(node.condition)])
    return found


def _is_told(part: Part, keys: Iterable[Expr]) -> bool:
    """Whether no two rows of a part have the same keys."""
    return part.unique is not None and part.unique <= {x.column.id for x in keys if isinstance(x, ColumnRef)}


def with_memberships(ctx: Context, below: o.Relation, predicate: Expr, above: Above) -> Part:
    """A condition on the values of other queries: that one has a value, or what is made of several such."""
    memberships = [m for n in walk(predicate) if (m := _membership_of(n)) is not None]
    if len(memberships) < len(subqueries_of(predicate)):
        raise Cannot(Diagnostic("unsupported-expression", "a condition on another query is not supported here", predicate.span))
    kept = ctx.part(below, above)
    others = [ctx.part(m.subquery.relation, above) for m in memberships]
    alone = _is_alone(predicate)
    counted: dict[int, Expr] = {}
    for number, (membership, other) in enumerate(zip(memberships, others, strict=True)):
        column, value = membership.subquery.column, membership.value
        assert column is not None
        if membership.within:
            listed = Column(-_MADE - len(ctx.commands) - number, column.name, Type.DYNAMIC)
            counted[id(membership.of)], kept = _within(ctx, membership, column, other, kept, listed)
            alone = 0
            continue
        named: Expr = ColumnRef(membership.subquery.span, column.type, column)
        if not membership.cased:
            value, named = (Apply(x.span, Type.STRING, "tolower", (x,)) for x in (value, named))
        kind = ("leftanti" if alone < 0 else "leftsemi") if alone else "leftouter"
        count = Column(-_MADE - len(ctx.commands) - number, "count", Type.LONG)
        read = membership.subquery
        keys = [simplify(value)], [simplify(named)]
        kept = _matched(ctx, _Matching(read, kind, kept, keys[0], other, keys[1], read.relation, Above(), "one", count))
        present = Apply(membership.of.span, Type.BOOL, ">", (ColumnRef(membership.of.span, Type.LONG, count), const(0)))
        counted[id(membership.of)] = negation(present) if membership.negated else present
    if not alone:
        ctx.keep(kept, [ctx.values().holds(simplify(with_others(predicate, counted)))])
    return kept


def _within(ctx: Context, asked: _Membership, column: Column, other: Part, kept: Part, listed: Column) -> tuple[Expr, Part]:
    """What an operator asks of a text and the values of another query, which all rows get as a column of several values."""
    node, span, flag = asked.subquery, asked.of.span, other.flag
    if flag is None:
        raise Cannot(Diagnostic("unsupported-expression", "a search for the values of another query is not supported here", span))
    ctx.made_of_events(other, node)
    if other.tied:
        ctx.single(other, node)
    value = ctx.values().simplest(ColumnRef(node.span, column.type, column))
    if value.kind != "text":
        raise ctx.values().refuse(asked.of)
    name = ctx.named(listed)
    ctx.gathered(name, value.text, flag, [])
    ctx.columns[listed.id] = Value(ctx.quoted(name), "list", False, simple=True)  # known before rows that stand several times are made one
    del ctx.open[flag]
    kept = _without_others(ctx, kept, [])
    if asked.within in ctx.language.of_lists:
        if ctx.language.most_of_lists:
            ctx.say("memory-limit", f"of values that have more than {ctx.language.most_of_lists} together none is found", span)
        return Apply(span, Type.BOOL, asked.within, (asked.value, ColumnRef(node.span, Type.DYNAMIC, listed))), kept
    one = replace(listed, type=Type.STRING)
    ctx.columns[one.id] = Value(ctx.quoted(name), "text", False, simple=True)
    satisfied = ctx.values().holds(Apply(span, Type.BOOL, _OF_ONE[asked.within], (asked.value, ColumnRef(node.span, Type.STRING, one))))
    count = replace(listed, type=Type.LONG)
    ctx.columns[count.id] = Value(ctx.quoted(ctx.counted_among(name, satisfied, node)), "int", False, True, simple=True)
    return Apply(span, Type.BOOL, ">", (ColumnRef(node.span, Type.LONG, count), const(0))), kept


def _matched(ctx: Context, match: _Matching) -> Part:
    """One part with the partners that it has, or has not, in another."""
    node, kept, mine, other, theirs = match.node, match.kept, match.mine, match.other, match.theirs
    if kept.flag is None or other.flag is None:
        raise Cannot(Diagnostic("unsupported-join", "a join with the whole stream is not supported here", node.span))
    other_flag = other.flag
    if kept.of_list and (match.outer or match.kind.endswith("anti")):
        raise Cannot(Diagnostic("unsupported-join", "rows of a list that no event has to have is not supported here", node.span))
    if other.always and match.kind in ("inner", "innerunique", "leftouter", "rightouter") and _are_constant(ctx, mine, theirs):
        ctx.made_of_events(kept, node)
        del ctx.open[other_flag]
        return _without_others(ctx, kept, [])
    for part in (kept, other):
        ctx.made_of_events(part, node)
    # Of rows that are tied the KQL has one: they may have other partners, or be partners of others.
    if kept.tied and match.partners == "each":
        kept = ctx.single(kept, node)
    if other.tied and not _is_told(other, theirs):
        other = ctx.single(other, node)
        match = replace(match, other=other)
    by = [_key(ctx, a, b, kept, other, node) for a, b in zip(mine, theirs, strict=True)]
    across = [k.text for k in by]
    if match.partners == "each":
        partner = _partnered(ctx, kept, other, by, node)
        match, across = replace(match, other=replace(other, spread=None, tied=False)), [partner]
        kept = replace(kept, unique=None, spread=None if kept.spread is None else (*kept.spread, partner))
    number = ctx.named(Column(-1, f"{other.flag}_count", Type.LONG))
    equal: dict[Expr | str, Value] = dict(zip(theirs, by, strict=True))
    equal |= {ctx.values().simplest(x).text: key for x, key in zip(theirs, by, strict=True)}
    if len(ctx.open) == 2:
        for expr, key in zip(mine, by, strict=True):
            if isinstance(expr, ColumnRef) and expr.column.id in ctx.columns:
                ctx.columns[expr.column.id] = key
    if match.kind == "innerunique" and match.partners == "any":
        match = _with_one_row(ctx, match, equal, across)
    carried = _carried(ctx, match, equal)
    renamed = carried.values
    ctx.across(other_flag, number, list(carried.gathered.values()), across)
    if match.outer:
        renamed = _filled(ctx, carried)
    ctx.columns |= carried.lengths
    for expr, value in renamed.items():
        if isinstance(expr, ColumnRef) and expr.column.id in ctx.columns:
            ctx.columns[expr.column.id] = value
        if expr in ctx.fields:
            ctx.fields[expr] = value
    conditions = [] if match.outer else [ctx.values().between(ctx.quoted(number), "==" if match.kind.endswith("anti") else ">", "0")]
    if match.counts is not None:
        ctx.columns[match.counts.id] = Value(ctx.quoted(number), "int", False, True, simple=True)
    del ctx.open[other_flag]
    return _without_others(ctx, kept, conditions)


def _held(ctx: Context, match: _Matching, equal: Mapping[Expr | str, Value]) -> Iterator[_Held]:
    """What is read above a join of the part that is left; ``equal``: its keys by what has their values."""
    columns, fields = _offered(ctx, match.below, match.wanted.read)
    deciding = {x for side in _offered(ctx, match.below, match.wanted.decides) for x in side}
    values = ctx.values()
    for expr in [*(ColumnRef(None, c.type, c) for c in columns), *fields]:
        with suppress(Cannot):
            value = values.shown(expr)
            same = equal.get(expr) or equal.get(value.text)
            same = same if same is not None and same.kind == value.kind and not match.outer else None
            yield _Held(expr, value, same, expr in deciding or (isinstance(expr, ColumnRef) and expr.column in deciding))


def _with_one_row(ctx: Context, match: _Matching, equal: Mapping[Expr | str, Value], by: list[str]) -> _Matching:
    """A join that keeps one row of its left side for each key, of which all that is read is of one there."""
    read = [h for h in _held(ctx, match, equal) if h.same is None]
    if any(h.decides for h in read):
        ctx.say("one-row-per-key", "this filters after a join that keeps one row of its left side for each key", match.node.span)
    elif read:
        ctx.say("columns-differ", "a join that keeps one row of its left side for each key may keep another one here", match.node.span)
    scattered = any(h.value.nullable or h.value.kind == "list" for h in read)
    if not scattered and (ctx.keeps_rows or len({h.value.text for h in read}) < 2):
        return match
    return replace(match, other=ctx.single(replace(match.other, spread=tuple(by)), match.node), partners="one")


def _carried(ctx: Context, match: _Matching, equal: Mapping[Expr | str, Value]) -> _Carried:
    """What is read above a join of the part that is left, for the rows that are kept; ``equal``: its keys by what has their values."""
    node, other, outer, found = match.node, match.other, match.outer, _Carried()
    for held in _held(ctx, match, equal):
        expr, value = held.expr, held.value
        if held.same is not None:
            found.values[expr] = held.same
            continue
        if value.nullable and (match.partners == "any" or other.tied):
            if held.decides:
                raise Cannot(Diagnostic("unsupported-join", "columns of any one row that may be missing are not supported here", node.span))
            ctx.say("columns-differ", "where one of several rows is shown it may be another one for each column", node.span)
        if value.text not in found.gathered:
            name = expr.column.name if isinstance(expr, ColumnRef) else "value"
            found.gathered[value.text] = ctx.named(Column(-1, name, Type.UNKNOWN)), value
        name, _ = found.gathered[value.text]
        if isinstance(expr, ColumnRef) and (length := ctx.columns.get(-expr.column.id - 1)) is not None:
            size, _ = found.gathered.setdefault(length.text, (ctx.free(f"{name}_count"), length))
            found.lengths[-expr.column.id - 1] = replace(length, text=ctx.quoted(size), nullable=length.nullable or outer)
        nullable = value.nullable or (outer and value.kind != "list")
        found.values[expr] = replace(value, text=ctx.quoted(name), simple=True, nullable=nullable, texts="", ordered=False)
    return found


def _filled(ctx: Context, carried: _Carried) -> dict[Expr, Value]:
    """The values that a join carries over, where texts of rows without a partner are made empty ones."""
    texts = {r.text for r in carried.values.values() if r.kind in WRITTEN}
    empty = f"{{0}}, {ctx.language.string('')}"
    filled = [
        (name, ctx.language.functions["coalesce"].words.format(empty.format(ctx.quoted(name))))
        for name, _ in carried.gathered.values()
        if ctx.quoted(name) in texts
    ]
    if filled:
        ctx.commands.append(ctx.eval(filled))
    return {e: replace(v, nullable=False) if v.kind in WRITTEN else v for e, v in carried.values.items()}


def _partnered(ctx: Context, kept: Part, other: Part, by: list[Value], node: o.Relation | Subquery) -> str:
    """Makes a row of ``kept`` for each row of another part that has its keys. Returns the field that tells which row that is."""
    assert kept.flag is not None and other.flag is not None
    mine, theirs = kept.flag, other.flag
    ctx.separate()
    alike = other.spread is not None  # rows of one group, which have the columns of the group, are one partner
    ctx.single(other, node, alike)
    row, name = ctx.numbered(node, [theirs], alike), ctx.free("partner")
    partners, none = ctx.free("partners"), ctx.language.string("0")
    ctx.gathered(partners, row, theirs, [k.text for k in by])
    found = ctx.language.functions["coalesce"].words.format(f"{ctx.quoted(partners)}, {none}")
    chosen = ctx.language.chosen([(ctx.present(mine), found), (ctx.present(theirs), row)], none)
    ctx.commands.append(ctx.eval([(name, chosen)]))
    ctx.expanded(name)
    return ctx.quoted(name)


def _are_constant(ctx: Context, mine: list[Expr], theirs: list[Expr]) -> bool:
    """Whether the keys of a join are the same constants on both sides."""
    values = ctx.values()
    pairs = [(values.simplest(a), values.simplest(b)) for a, b in zip(mine, theirs, strict=True)]
    return all(a.text == b.text and not a.nullable and a.kind in ("int", "text") and ctx.name_of(a) is None for a, b in pairs)


def _without_others(ctx: Context, kept: Part, conditions: list[str]) -> Part:
    """A part that was joined, of which it is asked that conditions hold; where it is the last one it is the stream."""
    assert kept.flag is not None
    if len(ctx.open) > 1:
        ctx.changed.add(kept.flag)  # rows of the other part alone are of none that is left
        if conditions:
            ctx.keep(kept, conditions)
        return kept
    ctx.commands.append(ctx.where(" AND ".join([ctx.present(kept.flag), *conditions])))
    ctx.untold = {None} if ctx.untold & {kept.flag, None} else set()
    if kept.spread is not None:
        ctx.once(kept.spread)
    return replace(kept, flag=None, spread=None, tied=False)


def _key(ctx: Context, mine: Expr, theirs: Expr, kept: Part, other: Part, node: o.Relation | Subquery) -> Value:
    """The field that both sides of a join are told by."""
    a, b = (ctx.values().simplest(x) for x in (mine, theirs))
    if (mine.type == Type.GUID) != (theirs.type == Type.GUID):  # a text is equal to an identifier in any case of its letters
        raise Cannot(Diagnostic("unsupported-join", "a join of identifiers with texts is not supported here", node.span))
    if a.kind != b.kind or a.nullable or b.nullable or not (a.kind in ("text", "int") or (a.rounded and b.rounded)):
        raise Cannot(Diagnostic("unsupported-join", "a join by this key is not supported here", node.span))
    if a.text == b.text and ctx.name_of(a) is not None:
        return a
    assert kept.flag is not None and other.flag is not None
    if a.text != b.text and ctx.may_meet(kept.flag, other.flag):
        ctx.separate()
    name = ctx.named(mine.column if isinstance(mine, ColumnRef) else Column(-1, "join_key", mine.type))
    values = ctx.values()
    mine_, theirs_ = (values.alike(x, {x.kind}) for x in (a, b))
    text = a.text if a.text == b.text else ctx.language.chosen([(ctx.present(kept.flag), mine_)], theirs_)
    ctx.commands.append(ctx.eval([(name, text)]))
    return replace(a, text=ctx.quoted(name), simple=True)


def _offered(ctx: Context, below: o.Relation, wanted: tuple[Expr, ...]) -> tuple[list[Column], list[Expr]]:
    """The columns that a relation has made, and the stored fields of it, that are read above it."""
    ids, sources = set[int](), set[int | None]()
    for part in o.parts(below):
        if isinstance(part, Column):
            ids.add(part.id)
        elif isinstance(part, o.Source):
            sources.add(part.id)

    def is_inside(expr: Expr) -> bool:
        return isinstance(expr, ColumnRef) and (expr.column.id in ids or expr.column.source in sources)

    columns, fields = dict[int, Column](), dict[Expr, None]()
    for expr in wanted:
        for node in walk(simplify(expr)):
            if node in ctx.fields and any(map(is_inside, walk(node))):
                fields[node] = None
            elif isinstance(node, ColumnRef) and node.column.id in ctx.columns and is_inside(node):
                columns[node.column.id] = node.column
    return list(columns.values()), list(fields)


def _membership_of(expr: Expr) -> _Membership | None:
    match expr:
        case Apply(function="in" | "in~" | "!in" | "!in~" as function, args=(value, Items(items=(Subquery(scalar=False) as subquery,)))):
            return _Membership(expr, value, subquery, not function.endswith("~"), function.startswith("!"))
        case Apply(function="has_any" as function, args=(value, Items(items=(Subquery(scalar=False) as subquery,)))):
            return _Membership(expr, value, subquery, False, False, function)
    return None


def _is_alone(predicate: Expr) -> int:
    """Whether a condition is nothing but a membership (1), or that there is none (-1)."""
    match predicate:
        case Apply(function="not", args=(inner,)):
            return -_is_alone(inner)
    found = _membership_of(predicate)
    return 0 if found is None else -1 if found.negated else 1
