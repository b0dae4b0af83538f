"""The plugins of evaluate, as far as their columns are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from translator.kql import syntax as s
from translator.kql.errors import suggestion
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.items import named_items
from translator.plan.binder.joins import address_lookup, both_sides, side_by_side
from translator.plan.binder.names import named_column, resolve
from translator.plan.binder.operand_types import check_is, check_is_column, counted
from translator.plan.binder.parameters import constant
from translator.plan.binder.placement import check_grouped
from translator.plan.binder.problems import BindError, Problem
from translator.plan.binder.scopes import Scope, Table, column_types
from translator.plan.binder.sources import unsupported, unsupported_with
from translator.plan.binder.summaries import grouped
from translator.plan.functions import CONVERSIONS, canonical, plugins, result_type
from translator.plan.naming import automatic_name
from translator.plan.plugins import ANSWERS, ANSWERS_BESIDE, PIVOTED, activity_counts, of_value
from translator.plan.timelines import TIMELINES
from translator.plan.types import Type, type_of


def evaluate(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> Table:
    """Plugins: their columns, where these do not depend on the data; what they do is not carried out but for a few."""
    call, schema = node.call, node.schema
    name, arguments = call.name, call.arguments
    reason = f"the plugin {name} is not supported yet"
    if name not in plugins():
        raise BindError(f"there is no plugin {name}{suggestion(name, plugins())}", call.span)
    if ctx.closed is None and not (known := plugins()[name]).takes(len(arguments)):
        told = f"{name} takes {counted(known)}, and here are {len(arguments) or 'none'}"
        ctx.problem(Problem("argument-count", call.span, told))
    if name in ("bag_unpack", "pivot") and arguments:
        check_is_column(ctx, f"{name} takes", arguments[0].value if isinstance(arguments[0], s.Named) else arguments[0])
    if name == "pivot":
        _check_pivot(ctx, table, node, scope)
    if name == "bag_unpack":
        return _bag_unpack(ctx, table, node, scope)
    if name == "pivot" and (ctx.discover is not None if schema is None else not schema.open):
        return _pivot(ctx, table, node, scope)
    if schema is not None:
        declared = {c.name.value: type_of(c.type) for c in schema.columns}
        given = evaluate(ctx, table, replace(node, schema=None), scope).names if schema.open else {}
        kept = {n: c for n, c in given.items() if n not in declared}
        return unsupported_with(ctx, Table(table.relation, kept), node, declared, reason)
    first = arguments[0] if arguments else None
    if isinstance(first, s.SchemaOf):
        declared = {c.name.value: type_of(c.type) for c in first.schema.columns}
        kept = {n: c for n, c in table.names.items() if n not in declared} if first.schema.open else {}
        result = unsupported_with(ctx, Table(table.relation, kept), node, declared, reason)
        ahead = [c.name.value for c in first.schema.columns[: first.schema.before]]
        return replace(result, names={n: result.names[n] for n in (*ahead, *(n for n in result.names if n not in ahead))})
    match name:
        case "pivot" if isinstance(first, s.NameReference):
            used = {automatic_name(x) for a in arguments[1:2] if isinstance(a, s.Call) for x in a.arguments}
            wanted = [a for a in arguments[2:] if isinstance(a, s.NameReference)]
            names = {a.name: c for a in wanted if (c := named_column(ctx, table, a.name, a.span, scope)) is not None}
            is_told = bool(names) or not table.sources
            names = names or {n: c for n, c in table.names.items() if n != first.name and n not in used}
            values = tuple(ctx.expression(a, table, scope) for a in arguments[:2])
            plugin = o.Plugin(node.span, table.relation, reason, name, values, ctx.unknown_source(node.span))
            if not names or not is_told:
                return Table(plugin, names, (plugin.source,))
            # What is kept has columns of its own: they are the keys of its rows.
            items = tuple((ctx.column(n, c.type), e.ColumnRef(node.span, c.type, c)) for n, c in names.items())
            return Table(o.Compute(node.span, plugin, items), {c.name: c for c, _ in items}, (plugin.source,))
        case "autocluster" | "basket" | "diffpatterns":
            counts = ("CountA", "CountB", "PercentA", "PercentB", "PercentDiffAB") if name == "diffpatterns" else ("Count", "Percent")
            added = {"SegmentId": Type.LONG} | {c: Type.LONG if c.startswith("Count") else Type.REAL for c in counts}
            return unsupported_with(ctx, Table(table.relation, {}), node, added | column_types(table), reason)
        case "dcount_intersect" if len(arguments) > 1:
            return _dcount_intersect(ctx, table, node, scope)
        case "rows_near" if 1 < len(arguments) < 4:
            values = tuple(ctx.expression(a, table, scope) for a in arguments)
            named = tuple(zip(("condition", "before", "after"), (*values, values[-1]), strict=False))
            return table.over(o.Evaluation(node.span, table.relation, reason, name, named), table.names)
        case _ if name in TIMELINES and len(arguments) > 2:
            return _timeline(ctx, table, node, scope, reason)
        case "ipv4_lookup" | "ipv6_lookup" if len(arguments) > 2 and first is not None:
            return address_lookup(ctx, table, node, scope)
        case "geo_line_lookup" | "geo_polygon_lookup" if len(arguments) > 3:
            return _geo_lookup(ctx, table, node, scope)
        case "activity_counts_metrics" if len(arguments) >= 5:
            id, start, end, step = (ctx.expression(arguments[i], table, scope) for i in (0, 2, 3, 4))
            timeline, *sliced = named_items(ctx, table, (arguments[1], *arguments[5:]), scope)
            return Table(*activity_counts(node.span, table.relation, id, timeline, start, end, step, sliced, ctx.column))
        case "schema_merge" if ctx.closed is not None:
            return _schema_merge(ctx, table, node, scope)
        case "identity" | "identity_v3":
            return unsupported(ctx, table, node, reason)
        case _ if (answered := _answered(ctx, table, node, scope)) is not None:
            beside = table.names if name in ANSWERS_BESIDE else {}
            return unsupported_with(ctx, Table(table.relation, beside), node, answered, reason)
    return unsupported(ctx, Table(table.relation, {}, (ctx.unknown_source(node.span),)), node, reason)


def _answered(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> Mapping[str, Type] | None:
    """The columns that a plugin gives, where its name and its arguments alone tell them."""
    name, arguments = node.call.name, node.call.arguments

    def column(place: int) -> tuple[str, Type]:
        check_is_column(ctx, f"{name} takes", arguments[place])
        ((named, value),) = named_items(ctx, table, arguments[place : place + 1], scope)
        return named, value.type

    if name in ANSWERS_BESIDE and arguments:
        added = automatic_name(arguments[0]) + ANSWERS_BESIDE[name][0]
        tells_errors = len(arguments) > 3 and constant(ctx.expression(arguments[3], None, scope), "")
        return {added: ANSWERS_BESIDE[name][1]} | ({f"{added}_error": Type.STRING} if tells_errors else {})
    match name:
        case "session_count" if len(arguments) > 5:
            sliced = dict(column(i) for i in range(6, len(arguments)))
            return dict([column(1)]) | sliced | {"count_sessions": Type.LONG}
        case "funnel_sequence" if len(arguments) > 7:
            state = column(6)[1]
            return dict([column(1)]) | {"prev": state, "next": state, "dcount": Type.LONG, "samples": Type.DYNAMIC}
        case "funnel_sequence_completion" if len(arguments) > 7:
            return dict([column(1)]) | {column(5)[0]: Type.STRING, "Period": Type.TIMESPAN, "dcount": Type.LONG}
        case "sequence_detect" if len(arguments) > 4:
            time, kind = column(0)
            items = named_items(ctx, table, arguments[3:], scope)
            steps = {f"{n}_{time}": kind for n, x in items if x.type == Type.BOOL}
            return {n: x.type for n, x in items if x.type != Type.BOOL} | steps | {"Duration": Type.TIMESPAN}
    return ANSWERS.get(name)


def _check_pivot(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> None:
    """What pivot spreads, summarizes and keeps: a column of plain values, an aggregate, columns."""
    spread, second, *rest = (*node.call.arguments, None, None)
    if isinstance(spread, s.NameReference):
        check_is(ctx, "pivot spreads", ctx.expression(spread, table, scope), "notdynamic", spread.span)
    if second is not None:
        check_grouped(ctx, second, ctx.expression(second, table, scope), scope)
    for kept in rest:
        if kept is not None:
            check_is_column(ctx, "pivot keeps", kept)


def _timeline(ctx: Context, table: Table, node: s.Evaluate, scope: Scope, reason: str) -> Table:
    """A plugin that counts ids along a timeline: its constants, the dimensions that slice it, and its columns."""
    name, given = node.call.name, list(node.call.arguments)
    declaration = TIMELINES[name]
    last = ctx.expression(given[-1], table, scope)
    lookback = ctx.table(given.pop(), scope) if declaration.cohort and isinstance(last, e.Subquery) and not last.scalar else None
    items = named_items(ctx, table, tuple(given), scope)
    roles = declaration.parameters
    if declaration.cohort and len(items) > len(roles) and not e.columns_of(items[len(roles)][1]):
        roles = (*roles, "cohort")
    arguments = {role: expr for role, (_, expr) in zip(roles, items, strict=False)}
    dimensions = items[len(roles) :]
    (subject, ids), (time, moment) = items[0], items[min(declaration.parameters.index("time"), len(items) - 1)]
    metrics = declaration.metrics
    if name == "rolling_percentile":
        rank, bins = (x.value if isinstance(x, e.Const) else "" for x in map(arguments.get, ("percentile", "bins")))
        metrics = ((f"rolling_{bins}_percentile_{subject}_{rank}", ids.type),)
    shown = [(prefix + time, moment.type) for prefix in declaration.prefixes] + [(n, x.type) for n, x in dimensions] + [*metrics]
    columns = tuple(ctx.column(n, kind) for n, kind in shown)
    names = {c.name: c for c in columns}
    if len(arguments) < len(roles) or any(e.columns_of(x) for role, x in arguments.items() if role not in declaration.columns):
        constants = ", ".join(role for role in declaration.parameters if role not in declaration.columns)
        return Table(o.Unsupported(node.span, table.relation, f"{name} needs constants here: {constants}"), names)
    if lookback is not None:
        column = lookback.names.get(subject)
        if column is None:
            raise BindError(f"the table of ids has no column '{subject}'", node.call.arguments[-1].span)
        seen = ctx.column("seen", Type.DYNAMIC)
        made = e.Apply(node.span, Type.DYNAMIC, "make_set", (e.ColumnRef(node.span, column.type, column),))
        listed = o.Aggregate(node.span, lookback.relation, (), ((seen, made),))
        arguments["seen"] = e.Subquery(node.span, Type.DYNAMIC, listed, True, seen)
    found = o.Evaluation(node.span, table.relation, reason, name, tuple(arguments.items()), tuple(x for _, x in dimensions), columns)
    return Table(found, names)


def _pivot(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> Table:
    """pivot: a column for each value of one, with an aggregate of its rows. Source: learn.microsoft.com/kusto/query/pivot-plugin."""
    arguments = node.call.arguments
    first = arguments[0] if arguments else None
    pivoted = resolve(ctx, table, first.name) if isinstance(first, s.NameReference) else None
    call = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], s.Call) else None
    others = arguments[1 if call is None else 2 :]
    if pivoted is None or not all(isinstance(a, s.NameReference) for a in others):
        raise BindError("pivot takes a column, an aggregate, and the columns to keep", node.span)
    function = canonical(call.name) if call is not None else "count"
    if function not in PIVOTED:
        raise BindError(f"pivot has no aggregate {function}(): it has {', '.join(PIVOTED)}", node.span)
    subjects = tuple(ctx.expression(a, table, scope) for a in call.arguments) if call is not None else ()
    used = {pivoted, *(c for x in subjects for c in e.columns_of(x))}
    kept = [(a.name, resolve(ctx, table, a.name)) for a in others if isinstance(a, s.NameReference)]
    kept = kept or [(n, c) for n, c in table.names.items() if c not in used]
    keys = tuple((ctx.column(n, c.type), e.ColumnRef(node.span, c.type, c)) for n, c in kept if c is not None)
    spread = e.ColumnRef(node.span, pivoted.type, pivoted)
    if node.schema is not None:
        values = [c.name.value for c in node.schema.columns if c.name.value not in dict(kept)]
    else:
        column, text = ctx.column("text", Type.STRING), e.Apply(node.span, Type.STRING, "tostring", (spread,))
        named = o.Distinct(node.span, o.Compute(node.span, table.relation, ((column, text),)), (column,))
        assert ctx.discover is not None
        values = [value for value, _ in ctx.discover(named, "pivot", (e.ColumnRef(node.span, column.type, column),))]
    if taken := [v for v in values if not v or v in dict(kept)]:
        raise BindError(f"pivot makes no column of the value {taken[0]!r}: it is empty, or the name of another column", node.span)
    kind = result_type(function, [x.type for x in subjects])
    found = [(ctx.column(value, kind), of_value(node.span, spread, value, function, subjects, kind)) for value in values]
    names = [c.name for c, _ in (*keys, *found)]
    result = grouped(ctx, table, node.span, keys, tuple(found), names)
    if node.schema is not None:
        declared = {c.name.value: type_of(c.type) for c in node.schema.columns}
        if {n: c.type for n, c in result.names.items()} != declared:
            if ctx.discover is None:  # types of columns may be unknown
                return unsupported_with(ctx, Table(table.relation, {}), node, declared, "the columns of pivot are not those declared")
            shown = ", ".join(f"{n}:{c.type}" for n, c in result.names.items())
            raise BindError(f"the schema of pivot is another than that of what it makes: {shown}", node.span)
        result.names.update({n: result.names.pop(n) for n in declared})
    return result


def _dcount_intersect(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> Table:
    """dcount_intersect: how many values the first sets have in common, one more each. hll() keeps the values themselves here."""
    sets = tuple(ctx.expression(a, table, scope) for a in node.call.arguments)
    computed = []
    for number in range(len(sets)):
        common = e.Apply(node.span, Type.DYNAMIC, "set_intersect", (sets[0], *sets[: number + 1]))
        computed.append((ctx.column(f"s{number}", Type.LONG), e.Apply(node.span, Type.LONG, "array_length", (common,))))
    names = {**table.names, **{c.name: c for c, _ in computed}}
    return table.over(o.Compute(node.span, table.relation, tuple(computed)), names)


def _bag_unpack(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> Table:
    """bag_unpack: a column for each key. Source: learn.microsoft.com/kusto/query/bag-unpack-plugin."""
    given = _plugin_arguments(ctx, node, ("Column", "OutputColumnPrefix", "columnsConflict", "ignoredProperties"))
    bag = given.get("Column")
    if not isinstance(bag, s.NameReference):
        return unsupported(ctx, Table(table.relation, {}), node, "bag_unpack of what is no column is not supported")
    column = named_column(ctx, table, bag.name, bag.span, scope)
    if ctx.closed is not None and column is not None and column.type not in (Type.DYNAMIC, Type.UNKNOWN):
        raise BindError(f"bag_unpack unpacks a dynamic column, and '{bag.name}' is of type {column.type}", bag.span)
    options = {n: ctx.expression(x, None, scope) for n, x in given.items() if n != "Column"}
    prefix = str(constant(options.get("OutputColumnPrefix"), ""))
    conflict = constant(options.get("columnsConflict"), "error")
    if conflict not in ("error", "replace_source", "keep_source"):
        raise BindError(f"columnsConflict is 'error', 'replace_source' or 'keep_source', and not {conflict!r}", node.span)
    listed = options.get("ignoredProperties")
    ignored = {x.value for x in listed.items if isinstance(x, e.Const)} if isinstance(listed, e.Items) else set()
    rest = {n: c for n, c in table.names.items() if n != bag.name}
    reason = "the columns that bag_unpack makes depend on the data"
    if node.schema is not None and column is not None:
        keys = [
            (name.removeprefix(prefix) if name.startswith(prefix) else None, name, type_of(c.type))
            for c in node.schema.columns
            if (name := c.name.value) not in rest or conflict != "error" or node.schema.open
        ]
    elif column is None or (
        ctx.discover is None and (conflict == "replace_source" or any(source.table not in ctx.schema for source in table.open_sources))
    ):
        # Nothing tells the table's own columns from those of the bag, or which of them it takes the place of.
        return unsupported(ctx, Table(table.relation, rest, (ctx.unknown_source(node.span),)), node, reason)
    elif ctx.discover is None:
        arguments = (ctx.expression(bag, table, scope), *([options["OutputColumnPrefix"]] if prefix else []))
        plugin = o.Plugin(node.span, table.relation, reason, "bag_unpack", arguments, ctx.unknown_source(node.span))
        return Table(plugin, rest, (plugin.source,), hidden=dict.fromkeys(f"{prefix}{key}" for key in ignored))
    else:
        found = ctx.discover(table.relation, "bag_unpack", (e.ColumnRef(bag.span, column.type, column),))
        keys = [(key, prefix + key, kind) for key, kind in found if key not in ignored]
    reference = e.ColumnRef(bag.span, column.type, column)
    computed: list[tuple[e.Column, e.Expr]] = []
    for key, name, kind in keys:
        if name in rest and conflict == "error" and ctx.discover is not None:
            raise BindError(f"bag_unpack makes a column '{name}', which is there already: columnsConflict says which to keep", node.span)
        if name in rest and conflict == "keep_source":
            continue
        made = ctx.column(name, kind)
        path: e.Expr = e.Const(None, Type.DYNAMIC, None)
        if key is not None and key not in ignored:
            path = e.Path(bag.span, Type.DYNAMIC, reference, (key,))
        computed.append((made, path if kind == Type.DYNAMIC else e.Apply(bag.span, kind, CONVERSIONS[kind], (path,))))
    declared = {c.name: c for c, _ in computed}
    names = {**{n: c for n, c in rest.items() if n not in declared}, **declared}
    if node.schema is not None and not node.schema.open:
        names = {c.name.value: names[c.name.value] for c in node.schema.columns}
    return table.over(o.Compute(node.span, table.relation, tuple(computed)), names, open=node.schema is not None and node.schema.open)


def _geo_lookup(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> Table:
    """geo_polygon_lookup and geo_line_lookup: a join with the shapes that hold a place or are near it. ``lookup_area_radius`` is no matter.

    Source: learn.microsoft.com/kusto/query/geo-polygon-lookup-plugin, geo-line-lookup-plugin, "Returns".
    """
    given = _plugin_arguments(ctx, node, (*_GEO_LOOKUP, *_GEO_LOOKUP_OPTIONS))
    lookup, key, *place = (given[n] for n in _GEO_LOOKUP)
    right = ctx.table(lookup, scope)
    check_is_column(ctx, f"{node.call.name} takes", key)
    shape = ctx.expression(key, right, scope)
    at = [ctx.expression(x, table, scope) for x in place]
    options = {n: ctx.expression(given[n], None, scope) for n in _GEO_LOOKUP_OPTIONS if n in given}
    kind = node.call.name.removeprefix("geo_").removesuffix("_lookup")
    if (radius := options.get("radius")) is not None:
        distance = e.Apply(node.span, Type.REAL, f"geo_distance_point_to_{kind}", (*at, shape))
        found = e.Apply(node.span, Type.BOOL, "<=", (distance, radius))
    else:
        found = e.Apply(node.span, Type.BOOL, f"geo_point_in_{kind}", (*at, shape))
    shown = [n for n, c in right.names.items() if not (isinstance(shape, e.ColumnRef) and c == shape.column)]
    shown += [n for n in right.names if n not in shown and constant(options.get("return_lookup_key"), "")]
    how = "leftouter" if constant(options.get("return_unmatched"), "") else "inner"
    names = side_by_side(table.names, {n: right.names[n] for n in shown})
    return both_sides(ctx, table, right, o.Join(node.span, table.relation, right.relation, how, (), found), names)


_GEO_LOOKUP = ("LookupTable", "LookupKey", "SourceLongitude", "SourceLatitude")
_GEO_LOOKUP_OPTIONS = ("radius", "return_unmatched", "lookup_area_radius", "return_lookup_key")


def _schema_merge(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> Table:
    given = _plugin_arguments(ctx, node, ("PreserveOrder",))
    ordered = ctx.expression(given["PreserveOrder"], None, scope) if given else e.TRUE
    read = tuple(c for n in SCHEMA_COLUMNS if (c := resolve(ctx, table, n)) is not None)
    if len(read) < len(SCHEMA_COLUMNS):
        raise BindError("schema_merge reads what getschema gives", node.span)
    columns = tuple(ctx.column(n, k) for n, k in SCHEMA_COLUMNS.items())
    reason = "the plugin schema_merge is not supported yet"
    return Table(o.SchemaMerge(node.span, table.relation, reason, read, columns, ordered), {c.name: c for c in columns})


SCHEMA_COLUMNS = {"ColumnName": Type.STRING, "ColumnOrdinal": Type.LONG, "DataType": Type.STRING, "ColumnType": Type.STRING}
"""The columns of getschema."""


def _plugin_arguments(ctx: Context, node: s.Evaluate, parameters: Sequence[str]) -> dict[str, s.Node]:
    """The arguments of a plugin by the names of its parameters: an unnamed one is that of its place."""
    given: dict[str, s.Node] = {}
    unnamed = iter(parameters)
    for argument in node.call.arguments:
        if isinstance(argument, s.Named) and argument.names[0].value in parameters:
            given[argument.names[0].value] = argument.value
        elif (name := next((n for n in unnamed if n not in given), None)) is not None:
            given[name] = argument
        else:
            raise BindError(f"{node.call.name} takes {len(parameters)} arguments at most: {', '.join(parameters)}", argument.span)
    return given
