"""Unions: which columns of their inputs are one, and tables that a wildcard means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from translator.kql import syntax as s
from translator.kql.printer import to_kql
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder import file_profile
from translator.plan.binder.context import Context
from translator.plan.binder.lets import named_table
from translator.plan.binder.names import lacks, resolve
from translator.plan.binder.parameters import check_words, words
from translator.plan.binder.scopes import Scope, Table, column_types
from translator.plan.binder.sources import unsupported
from translator.plan.naming import fresh, matches
from translator.plan.types import Type, type_of


@dataclass
class OpenUnion(Table):
    """A union with open inputs: a name that comes up later is a column of each of them."""

    inputs: list[Table] = field(default_factory=list)
    add: Callable[[str], e.Column] = lambda name: e.Column(-1, name, Type.UNKNOWN)
    columns: list[tuple[e.Column, tuple[e.Column | None, ...]]] = field(default_factory=list)


def union(
    ctx: Context, node: s.Union, tables: tuple[s.Expression, ...], first: Table | None, scope: Scope, before: s.Expression | None = None
) -> Table:
    """The union of ``tables`` with ``first``, which ``before`` denotes."""
    check_words(ctx, node)
    inputs = [first] if first else []
    parameters = words(node.parameters)
    fuzzy = parameters.get("isfuzzy") in ("True", "true")
    listed: list[s.Expression] = []
    for item in tables:
        pattern = item if isinstance(item, s.Wildcard) else None
        if pattern is not None and (meant := tables_like(ctx, pattern, scope)):
            listed += [s.NameReference(item.span, n) for n in meant]
        elif pattern is not None and fuzzy and ctx.closed is not None:
            continue
        elif pattern is not None or (isinstance(item, s.Member) and isinstance(item.name, s.Wildcard)):
            named = parameters.get("withsource")
            shown = {named: Type.STRING} if named else {}
            several = [*([column_types(first)] if first else []), *types_of_tables(ctx, tables, scope)]
            return several_tables(ctx, item, "a union over a wildcard of tables is not supported", shown | merged_types(ctx, several))
        else:
            listed.append(item)
    if not parameters.get("withsource"):
        listed = _of_one_place(ctx, listed, before, scope)
    kept_tables: list[s.Expression] = []
    for item in listed:
        ctx.fuzzy += fuzzy
        table = ctx.table(item, scope)
        ctx.fuzzy -= fuzzy
        if fuzzy and is_missing(ctx, table):
            continue
        kept_tables.append(item)
        inputs.append(table)
    tables = tuple(kept_tables)
    if not inputs:
        return unsupported(ctx, first, node, "none of the tables of this union exists")
    source = parameters.get("withsource")
    if source:
        legs = [*([before] if first else []), *tables]
        inputs = [_with_source(ctx, i, leg_name(t) or f"union_arg{n}", source) for n, (i, t) in enumerate(zip(inputs, legs, strict=True))]
    return _united(ctx, node, inputs, parameters.get("kind") == "inner", fuzzy)


def _of_one_place(ctx: Context, listed: list[s.Expression], before: s.Expression | None, scope: Scope) -> list[s.Expression]:
    """The parts of a union, of those that say the same of several workspaces the first: together they are all events of the product."""
    seen: dict[str, set[str]] = {}
    kept: list[s.Expression] = []
    for item in [*([before] if before is not None else []), *listed]:
        text, place, name = _with_place(item, scope)
        places = seen.setdefault(text, set())
        if text and places and place not in places:
            if place:
                ctx.elsewhere[item.span] = f"{place}.{name}"
            continue
        places.add(place)
        kept.append(item)
    return [item for item in kept if item is not before]


_OF_EACH_ROW = (s.Where, s.Extend, s.Project, s.ProjectAway, s.ProjectKeep, s.ProjectRename, s.ProjectReorder, s.Parse)


def _with_place(node: s.Node, scope: Scope) -> tuple[str, str, str]:
    """What a part of a union says of each row of a table, the workspace that it reads this of, and its name; empty texts for others."""
    match node:
        case s.Parenthesized(value=value):
            return _with_place(value, scope)
        case s.Pipeline(source=source, operators=operators) if source and all(isinstance(x, _OF_EACH_ROW) for x in operators):
            text, place, name = _with_place(source, scope)
            return (to_kql(replace(node, source=s.NameReference(node.span, name))) if text and operators else text, place, name)
        case s.NameReference(name=name) if scope.find(name) is None:
            return name, "", name
        case s.Member(name=s.Name(value=name), base=s.Method() | s.Call() as base):
            return name, to_kql(base), name
    return "", "", ""


def _united(ctx: Context, node: s.Union, inputs: list[Table], inner: bool, fuzzy: bool) -> Table:
    """The rows of ``inputs`` one after the other, in the columns that they make together; ``inner``: in those that all of them have."""
    inputs = [replace(t, names=ctx.own_columns(t)) for t in inputs] if ctx.twins else inputs
    names = types_by_name(ctx, map(column_types, inputs))
    kept = [n for n in names if all(n in t.names for t in inputs)] if inner else list(names)
    merged: dict[str, e.Column] = {}
    columns: list[tuple[e.Column, tuple[e.Column | None, ...]]] = []
    conflicting = {n: kinds for n, kinds in names.items() if len(kinds) > 1}
    hidden: dict[str, e.Column | None] = {}

    def add(name: str) -> e.Column:
        origins = tuple(
            t.names[name] if name in t.names else None if name in names and lacks(ctx, t, name) else resolve(ctx, t, name) for t in inputs
        )
        kinds = names.get(name) or list({c.type for c in origins if c is not None} - {Type.UNKNOWN})
        taken = fresh(name, merged)
        column = merged[taken] = ctx.column(taken, kinds[0] if len(kinds) == 1 else Type.UNKNOWN)
        if any(c is not None and ctx.known_type(e.ColumnRef(None, c.type, c)) is Type.UNKNOWN for c in origins):
            ctx.uncertain.add(column)
        columns.append((column, origins))
        return column

    # The engine leaves its name to a column of one type, the official binder gives it to the first.
    reserved = {n for n in kept if n not in conflicting} if ctx.closed is not None else set()
    for name in kept:
        if name not in conflicting:
            add(name)
            continue
        # A column of two types becomes a column for each: learn.microsoft.com/kusto/query/union-operator.
        hidden[name] = None
        if Type.UNKNOWN in conflicting[name] and ctx.closed is None:
            others = [k for k in conflicting[name] if k != Type.UNKNOWN]
            hidden[name] = whole = ctx.column(name, others[0] if len(others) == 1 else Type.UNKNOWN)
            ctx.uncertain.add(whole)
            columns.append((whole, tuple(t.names.get(name) for t in inputs)))
        for kind in conflicting[name]:
            found = tuple(c if (c := t.names.get(name)) is not None and c.type == kind else None for t in inputs)
            split_name = fresh(f"{name}_{kind}", {*merged, *reserved})
            split = merged[split_name] = ctx.column(split_name, kind)
            columns.append((split, found))
    relation = o.Union(node.span, tuple(t.relation for t in inputs), tuple(columns), fuzzy)
    sources = tuple(source for t in inputs for source in t.sources)
    behind = tuple(source for t in inputs for source in t.behind)
    if sources:
        return OpenUnion(relation, merged, sources, hidden=hidden, behind=behind, inputs=inputs, add=add, columns=columns)
    return Table(relation, merged, hidden=hidden, behind=behind)


def widened(ctx: Context, table: OpenUnion, operators: Sequence[s.Operator], scope: Scope) -> Table:
    """A union of open tables with the columns that ``operators`` name added: nothing else says that they exist."""
    for name in sorted(_named_before_others(operators) - {*table.names, *table.hidden}):
        if scope.find(name) is None and name not in ctx.schema:
            table.names[name] = table.add(name)
            table.guessed.add(name)
    first = table.relation
    assert isinstance(first, o.Union)
    widened = o.Union(first.span, first.inputs, tuple(table.columns), first.fuzzy)
    return replace(table, relation=widened)


def _named_before_others(operators: Sequence[s.Operator]) -> set[str]:
    """The names that ``operators`` read, as far as these pass on the columns that they are given, without those that they define."""
    found, defined = set[str](), set[str]()
    for operator in operators:
        read = (operator.conditions or ()) if isinstance(operator, s.Join | s.Lookup) else (operator,)
        found |= {name for part in read for name in _named(part)} - defined
        match operator:
            case s.Extend(items=items) | s.Serialize(items=items):
                defined |= {name.value for item in items if isinstance(item, s.Named) for name in item.names}
            case s.Parse(pattern=pattern):
                defined |= {part.name.value for part in pattern if isinstance(part, s.Column)}
            case s.Invoke(call=s.Call(name=file_profile.NAME)):
                defined |= file_profile.ADDED.keys()
            case s.Where() | s.Sort() | s.Take() | s.As() | s.ProjectAway() | s.ProjectReorder():
                pass
            case _:
                break
    return found


def _named(node: s.Node) -> Iterator[str]:
    """The names that a part of an operator reads of its table, without those of other tables that stand there."""
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, s.NameReference):
            yield part.name
        elif isinstance(part, s.Member) and isinstance(part.base, s.NameReference) and part.base.name in ("$left", "$right"):
            if part.base.name == "$left" and isinstance(part.name, s.Name):
                yield part.name.value
        elif not isinstance(part, s.Union | s.Parameter) and not (isinstance(part, s.Pipeline) and part.source is not None):
            stack.extend(part.children())


def types_by_name(ctx: Context, tables: Iterable[Mapping[str, Type]]) -> dict[str, list[Type]]:
    """The types that the columns of one name have in a union, one where they become one column.

    The official binder tells the types of a name apart only where the first two tables that have it differ; the engine always does.
    """
    found: dict[str, list[Type]] = {}
    whole = set[str]()
    for types in tables:
        for name, kind in types.items():
            kinds = found.get(name)
            if kinds is None:
                found[name] = [kind]
            elif kind not in kinds and name not in whole:
                kinds.append(kind)
            elif len(kinds) == 1 and ctx.closed is None:
                whole.add(name)
    return found


def merged_types(ctx: Context, tables: Iterable[Mapping[str, Type]]) -> dict[str, Type]:
    """The columns of a union of such tables."""
    merged: dict[str, Type] = {}
    for name, kinds in types_by_name(ctx, tables).items():
        for kind in kinds:
            merged[fresh(name if len(kinds) == 1 else f"{name}_{kind}", merged)] = kind
    return merged


def tables_like(ctx: Context, pattern: s.Wildcard, scope: Scope) -> list[str]:
    """Views and known tables whose names a wildcard means; stored tables only where all of them are known."""
    names: list[str] = []
    current: Scope | None = scope
    while current is not None:
        names += [n for n, (node, _) in current.lets.items() if isinstance(node, s.Function) and node.view]
        current = current.parent
    names += sorted(ctx.closed or ())
    return [n for n in dict.fromkeys(reversed(names)) if matches(pattern, n)]


def types_of_tables(ctx: Context, tables: tuple[s.Expression, ...], scope: Scope) -> list[dict[str, Type]]:
    """The columns of tables that are listed, for a wildcard those of each known table that it means; without a list of all."""
    found: list[dict[str, Type]] = []
    for item in tables or (s.Wildcard((0, 0), "*"),):
        node = item.table if isinstance(item, s.FindSource) else item
        if isinstance(node, s.Wildcard):
            found += [{c: type_of(k) for c, k in columns.items()} for name, columns in ctx.schema.items() if matches(node, name)]
            found += [column_types(named_table(ctx, name, node.span, scope)) for name in tables_like(ctx, node, scope)]
        else:
            found.append(column_types(ctx.table(node, scope)))
    return found


def several_tables(ctx: Context, node: s.Node, reason: str, columns: Mapping[str, Type], open: bool = True) -> Table:
    """What is read from many tables at once is not carried out; ``columns`` are those that are known."""
    out = unsupported(ctx, None, node, reason)
    return Table(out.relation, {n: ctx.column(n, k) for n, k in columns.items()}, out.sources if open else ())


def is_missing(ctx: Context, table: Table) -> bool:
    """Whether a table of a fuzzy union does not exist; it is then left out."""
    if ctx.closed is None:
        return False
    return any(source.table not in ctx.closed for source in table.sources)


def _with_source(ctx: Context, table: Table, leg: str, name: str) -> Table:
    """``table`` with a first column that says which leg its rows come from."""
    column = ctx.column(name, Type.STRING)
    relation = o.Compute(None, table.relation, ((column, e.const(leg, Type.STRING)),))
    return table.over(relation, {name: column, **{n: c for n, c in table.names.items() if n != name}})


def leg_name(node: s.Node | None) -> str | None:
    """What withsource says of a leg of a union: the name that ``as`` gives it, else that of the table it starts from."""
    while node is not None:
        match node:
            case s.Parenthesized(value=value):
                node = value
            case s.Pipeline(source=source, operators=operators):
                given = [operator.name.value for operator in operators if isinstance(operator, s.As)]
                if given:
                    return given[-1]
                node = source
            case s.NameReference(name=name) | s.Member(name=s.Name(value=name)):
                return name
            case _:
                return None
    return None
