"""The operators search and find, which look for terms and conditions in several tables."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.expressions import TERM_OPERATORS, _name, as_text
from translator.plan.binder.names import check_column
from translator.plan.binder.operand_types import check_is
from translator.plan.binder.parameters import check_words, operator_name, word
from translator.plan.binder.placement import check_single_rows
from translator.plan.binder.problems import BindError
from translator.plan.binder.scopes import Scope, Table, column_types
from translator.plan.binder.unions import is_missing, leg_name, merged_types, several_tables, tables_like, types_of_tables, union
from translator.plan.functions import CONVERSIONS, common
from translator.plan.patterns import escaped
from translator.plan.types import Type, type_of


def search(ctx: Context, node: s.Search | s.Find, table: Table | None, scope: Scope, named: str | None = None) -> Table:
    """``search`` and ``find``: where not all tables are known, their columns alone."""
    reason = f"the operator {operator_name(node)} is not supported yet"
    check_words(ctx, node)
    check_single_rows(ctx, node, scope)
    condition = node.predicate
    term = isinstance(condition, s.Literal) and condition.kind == "string"
    if table is not None and not term and isinstance(condition, s.NameReference | s.Call | s.Literal):
        check_is(ctx, f"{operator_name(node)} takes", ctx.expression(condition, table, scope), "bool", condition.span)
    if ctx.closed is not None:
        return _searched(ctx, node, table, scope, named) if isinstance(node, s.Search) else _find(ctx, node, table, scope)
    _check_searched(ctx, node, table, scope)
    if isinstance(node, s.Search):
        if table is not None and not node.tables:
            out = several_tables(ctx, node, reason, {"$table": Type.STRING, **column_types(table)}, bool(table.sources or table.behind))
            return replace(out, relation=o.Unsupported(node.span, table.relation, reason))
        return several_tables(ctx, node, reason, {"$table": Type.STRING} | merged_types(ctx, types_of_tables(ctx, node.tables, scope)))
    source = next((w for p in node.parameters if p.name == "withsource" and (w := word(p.value))), "source_")
    tables = [column_types(table)] if table is not None else types_of_tables(ctx, node.tables, scope)
    shown = {source: Type.STRING} | _found(ctx, node, tables)
    away = {a.name for a in node.away if isinstance(a, s.NameReference)}
    if any(isinstance(a, s.Star) for a in node.away):
        away = set(shown) - {source}
    shown = {n: k for n, k in shown.items() if n not in away}
    return several_tables(ctx, node, reason, shown, open=not node.columns)


def _check_searched(ctx: Context, node: s.Search | s.Find, table: Table | None, scope: Scope) -> None:
    """The columns that the condition of ``search`` or ``find`` names, where the tables are listed: one of them has to have each."""
    listed = [x.table if isinstance(x, s.FindSource) else x for x in node.tables]
    if not listed if table is None else listed:
        return
    if any(isinstance(x, s.Wildcard) or (isinstance(x, s.Member) and isinstance(x.name, s.Wildcard)) for x in listed):
        return
    tables = [ctx.table(x, scope) for x in listed] if table is None else [table]
    every = replace(tables[0], names={n: c for x in reversed(tables) for n, c in x.names.items()})
    every.sources, every.behind = tuple(y for x in tables for y in x.sources), tuple(y for x in tables for y in x.behind)
    every.hidden = {}
    for part in s.walk(node.predicate):
        if isinstance(part, s.NameReference) and scope.find(part.name) is None and not every.has(part.name):
            check_column(ctx, every, part.name, part.span, scope)


def _searched(ctx: Context, node: s.Search, table: Table | None, scope: Scope, named: str | None) -> Table:
    """The rows in which search finds its terms. Source: learn.microsoft.com/kusto/query/search-operator.

    Args:
        named: the name of the table that is searched, None where the page calls it system-generated: it cannot be shown then.
    """
    if table is None or node.tables:
        if table is not None:
            raise BindError("search reads the tables that it lists, or what comes before it, and not both", node.span)
        source = s.Parameter(node.span, "withsource", s.NameReference(node.span, "$table"))
        tables = node.tables or (s.Wildcard(node.span, "*"),)
        table = union(ctx, s.Union(node.span, (source,), tables), tables, None, scope)
    else:
        column = ctx.column("$table", Type.STRING)
        relation = o.Compute(node.span, table.relation, ((column, e.const(named)),)) if named is not None else table.relation
        table = table.over(relation, {"$table": column, **table.names})
    kind = next((word(p.value) for p in node.parameters if p.name == "kind"), None) or "default"
    if kind not in ("default", "case_insensitive", "case_sensitive"):
        raise BindError(f"search has no kind={kind}", node.span)
    columns = {n: c for n, c in table.names.items() if n != "$table"}
    predicate = _search_condition(ctx, node.predicate, table, columns, scope, kind == "case_sensitive")
    return table.over(o.Filter(node.span, table.relation, predicate), table.names)


def _search_condition(ctx: Context, node: s.Node, table: Table, columns: Mapping[str, e.Column], scope: Scope, cased: bool) -> e.Expr:
    def sub(part: s.Node) -> e.Expr:
        return _search_condition(ctx, part, table, columns, scope, cased)

    match node:
        case s.Parenthesized(value=value):
            return sub(value)
        case s.Star():
            return e.TRUE
        case s.Logical(operator=operator, operands=operands):
            return e.conjunction(*map(sub, operands)) if operator == "and" else e.disjunction(*map(sub, operands))
        case s.Call(name="not", arguments=(argument,)):
            return e.negation(sub(argument))
        case s.Literal(value=str(term), kind="string"):
            return e.disjunction(*(_term(e.ColumnRef(node.span, c.type, c), term, node.span, cased) for c in columns.values()))
        case s.Binary(operator=":", left=left, right=s.Literal(value=str(term), kind="string")):
            return _term(ctx.expression(left, table, scope), term, node.span, cased)
        case s.Binary(operator=":") | s.Literal():
            raise BindError("search for what is no text is not supported", node.span)
    found = ctx.expression(node, table, scope)
    if cased and any(isinstance(x, e.Apply) and x.function in TERM_OPERATORS for x in e.walk(found)):
        raise BindError("operators on texts beside kind=case_sensitive are not supported", node.span)
    return found


def _term(subject: e.Expr, term: str, span: e.Span, cased: bool) -> e.Expr:
    """What a term of search asks of a value: the asterisks at its ends and within say by which operator."""
    inner = term.strip("*")
    start, end = term[:1] == "*", term[-1:] == "*"
    if not inner or len(term) != start + len(inner) + end or ("*" in inner and (start or end)):
        raise BindError(f"search for {term!r} is not supported", span)
    subject = as_text(subject)
    if "*" in inner:
        regex = rf"\b{'.*'.join(map(escaped, inner.split('*')))}\b"
        return e.Apply(span, Type.BOOL, "matches regex", (subject, e.const(regex if cased else f"(?i){regex}")))
    operator = "contains" if start and end else "hassuffix" if start else "hasprefix" if end else "has"
    return e.Apply(span, Type.BOOL, f"{operator}_cs" if cased else operator, (subject, e.const(inner)))


def _find(ctx: Context, node: s.Find, table: Table | None, scope: Scope) -> Table:
    """The rows of several tables for which a condition holds. Source: learn.microsoft.com/kusto/query/find-operator.

    What the page leaves open is refused: columns of several types, and ``pack_all()`` beside other columns, of which its text packs all
    and its example the rest.
    """
    if table is not None or node.away:
        raise BindError("find reads the tables that it lists, and has no project-away", node.span)
    legs: list[tuple[s.Expression, tuple[s.As, ...]]] = []
    for item in node.tables or (s.Wildcard(node.span, "*"),):
        expression, aliases = (item.table, item.aliases) if isinstance(item, s.FindSource) else (item, ())
        several = tables_like(ctx, expression, scope) if isinstance(expression, s.Wildcard) else []
        legs += [(s.NameReference(expression.span, n), aliases) for n in several] or [(expression, aliases)]
    tables = [ctx.table(expression, scope) for expression, _ in legs]
    read = {n.name for n in s.walk(node.predicate) if isinstance(n, s.NameReference) and any(n.name in t.names for t in tables)}
    kept = [(*leg, t.names) for leg, t in zip(legs, tables, strict=True) if not read or not read.isdisjoint(t.names) or is_missing(ctx, t)]
    condition = _with_terms(node.predicate)
    if len(kept) < len(legs) and any(isinstance(x, s.Star) for x in s.walk(condition)):
        raise BindError("which tables find leaves out where it looks at any column is not documented", node.span)
    listed = {c.name.value: c for c in node.columns or () if isinstance(c, s.Column)}
    packs = any(isinstance(c, s.PackAll) for c in node.columns or ())
    if packs and listed:
        raise BindError("what pack_all() packs beside other columns of find is documented in two ways", node.span)
    shown = list(listed) if node.columns else list(_found(ctx, node, [{n: c.type for n, c in names.items()} for *_, names in kept]))
    shown = [n for n in shown if node.columns or n != "pack_"]
    for name in {*shown, *read}:
        if len({names[name].type for *_, names in kept if name in names}) > 1:
            raise BindError(f"find over a column of several types, '{name}', is not supported", node.span)
    bag = "pack_" if packs or (not node.columns and any(n not in shown for *_, names in kept for n in names)) else None
    source = next((w for p in node.parameters if p.name == "withsource" and (w := word(p.value))), "source_")
    if any(n in names for *_, names in kept for n in (source, "pack_")):
        raise BindError(f"find makes the columns {source} and pack_, and one of them is there already", node.span)
    inputs = [s.Pipeline(x.span, x, (*aliases, *_packed(x.span, bag, names, shown))) for x, aliases, names in kept]
    if len(kept) < len(legs) and any(leg_name(x) is None for x in inputs):
        raise BindError("how find numbers tables without a name beside one that it leaves out is not documented", node.span)
    parameter = s.Parameter(node.span, "withsource", s.NameReference(node.span, source))
    rows = union(ctx, s.Union(node.span, (parameter,), tuple(inputs)), tuple(inputs), None, scope)
    inner = rows.over(rows.relation, {n: c for n, c in rows.names.items() if n not in (source, bag)})
    found = o.Filter(node.span, rows.relation, ctx.expression(condition, inner, scope))
    values = {source: _name(ctx, source, node.span, rows, scope)}
    for name in shown:
        values[name] = _name(ctx, name, node.span, inner, scope)
        if name in listed and listed[name].type and (kind := type_of(listed[name].type)) != values[name].type:
            if kind not in CONVERSIONS:
                raise BindError(f"find casts no column to {kind}", node.span)
            values[name] = e.Apply(node.span, kind, CONVERSIONS[kind], (values[name],))
    if bag is not None:
        values[bag] = _name(ctx, bag, node.span, rows, scope)
    items = tuple((ctx.column_of(n, x), x) for n, x in values.items())
    return Table(o.Project(node.span, found, items), {c.name: c for c, _ in items})


def _found(ctx: Context, node: s.Find, tables: list[dict[str, Type]]) -> dict[str, Type]:
    """The columns that ``find`` gives: those listed, else what all tables with columns of its condition have, the rest in a bag.

    Source: learn.microsoft.com/kusto/query/find-operator, "Returns", checked with the official binder.
    """
    kinds: dict[str, list[Type]] = {}
    for types in tables:
        for name, kind in types.items():
            kinds.setdefault(name, []).append(kind)

    def one(name: str) -> Type:
        found = list(dict.fromkeys(kinds.get(name, [Type.UNKNOWN])))
        return found[0] if len(found) == 1 else common(found) if set(found) <= _NUMBERS else Type.DYNAMIC

    if node.columns:
        listed = {c.name.value: type_of(c.type) if c.type else one(c.name.value) for c in node.columns if isinstance(c, s.Column)}
        return listed | ({"pack_": Type.DYNAMIC} if any(isinstance(c, s.PackAll) for c in node.columns) else {})
    read = list(dict.fromkeys(n.name for n in s.walk(node.predicate) if isinstance(n, s.NameReference)))
    meant = [t for t in tables if not read or any(n in t for n in read)]
    shown = {n: one(n) for t in meant[:1] for n in t if all(n in other for other in meant)}
    shown |= {n: one(n) for n in read if n not in shown and n in kinds}
    return shown | ({"pack_": Type.DYNAMIC} if any(n not in shown for t in meant for n in t) else {})


_NUMBERS = frozenset({Type.INT, Type.LONG, Type.REAL, Type.DECIMAL})


def _packed(span: e.Span, bag: str | None, names: Iterable[str], shown: Container[str]) -> tuple[s.Extend, ...]:
    """What adds a column with those among ``names`` that are not shown."""
    if bag is None:
        return ()
    parts = (x for n in names if n not in shown for x in (s.Literal(span, "string", n, n), s.NameReference(span, n)))
    return (s.Extend(span, (s.Named(span, (s.Name(span, bag),), s.Call(span, "bag_pack", tuple(parts))),)),)


def _with_terms(node: s.Expression) -> s.Expression:
    """The condition of find with what a term alone stands for: any column has it."""
    match node:
        case s.Literal(kind="string", value=str(term), span=span):
            if "*" in term:
                raise BindError(f"find for {term!r} is not supported", span)
            return s.Binary(span, "has", s.Star(span), node)
        case s.Parenthesized(value=value):
            return _with_terms(value)
        case s.Logical(operands=operands):
            return replace(node, operands=tuple(map(_with_terms, operands)))
        case s.Call(name="not", arguments=(s.Expression() as argument,)):
            return replace(node, arguments=(_with_terms(argument),))
        case _:
            return node
