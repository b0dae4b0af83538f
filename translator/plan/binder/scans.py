"""The operator scan, whose steps read what each of them has seen last."""

from __future__ import annotations

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.names import named_column, unknown_column
from translator.plan.binder.parameters import word
from translator.plan.binder.parsing import parsed
from translator.plan.binder.problems import BindError
from translator.plan.binder.projections import orderings
from translator.plan.binder.scopes import Record, Scope, Table
from translator.plan.binder.sources import unsupported_with
from translator.plan.types import Type, type_of


def scan(ctx: Context, table: Table, node: s.Scan, scope: Scope) -> Table:
    """scan: its steps read the row, and by a step's name what that step has seen last."""
    relation = table.relation
    if node.order:
        relation = o.Sort(node.span, relation, orderings(ctx, table, node.order, scope))
    keys = [ctx.expression(x, table, scope) for x in node.partition]
    computed = [(ctx.column("", x.type), x) for x in keys if not isinstance(x, e.ColumnRef)]
    if computed:
        relation = o.Compute(node.span, relation, tuple(computed))
    partition = [x.column for x in keys if isinstance(x, e.ColumnRef)] + [c for c, _ in computed] + ([table.row] if table.row else [])
    declared: dict[str, tuple[e.Column, e.Expr]] = {}
    for parameter in node.declared:
        kind = type_of(parameter.type) if isinstance(parameter.type, str) else Type.UNKNOWN
        default = ctx.expression(parameter.default, None, scope) if parameter.default is not None else e.Const(None, kind, None)
        if ctx.closed is not None and parameter.name.value in table.names:
            raise BindError(f"scan declares a column '{parameter.name.value}', which is there already", node.span)
        declared[parameter.name.value] = (ctx.column(parameter.name.value, kind), default)
    states: dict[tuple[int, e.Column], e.Column] = {}
    seen = [step.name.value for step in node.steps]
    if len(set(seen)) < len(seen):
        raise BindError("the steps of scan need names of their own", node.span)

    def record(step: int, reader: int) -> Record:
        def part(name: str, span: e.Span) -> e.Expr:
            if step > reader:
                raise BindError(f"the step {seen[reader]} of scan cannot read {seen[step]}.{name}", span)
            column = declared[name][0] if name in declared else named_column(ctx, table, name, span, scope)
            if column is None:
                return unknown_column(name, span)
            state = states.setdefault((step, column), ctx.column(name, column.type))
            return e.ColumnRef(span, state.type, state)

        return Record(part)

    # The official binder knows a declared column by its bare name, of which the page says nothing.
    bare = {n: c for n, (c, _) in declared.items()} if ctx.closed is None else {}
    inner = table.over(relation, {**{n: c for n, c in table.names.items() if n not in declared}, **bare})
    steps = []
    for number, step in enumerate(node.steps):
        if step.optional:
            return unsupported_with(ctx, table, node, {n: c.type for n, (c, _) in declared.items()})
        values: dict[str, e.Expr | Table | Record] = {name: record(i, number) for i, name in enumerate(seen)}
        within = Scope(parent=scope, values=values)
        assignments = []
        for assignment in step.assignments:
            target, value = assignment.names[0], ctx.expression(assignment.value, inner, within)
            if target.value in declared:
                assignments.append((declared[target.value][0], value))
            elif ctx.closed is not None:
                raise BindError(
                    f"what scan makes of a column that is none of the declared, '{target.value}', is not documented", target.span
                )
            else:
                named_column(ctx, table, target.value, target.span, scope)
        steps.append(o.ScanStep(step.output or "all", ctx.expression(step.condition, inner, within), tuple(assignments)))
    # The official binder shows match_id where nothing asks for it; the page, and so the engine, does not.
    wanted = next((word(p.value) for p in node.parameters if p.name == "with_match_id"), None if ctx.closed is not None else "match_id")
    match = ctx.column(wanted, Type.LONG) if wanted else None
    relation = o.Scan(
        node.span, relation, "the operator scan is not supported yet", tuple(partition), tuple(declared.values()), tuple(steps),
        tuple((step, column, state) for (step, column), state in states.items()), match,
    )  # fmt: skip
    return parsed(ctx, table, relation, {n: c for n, (c, _) in declared.items()} | ({wanted: match} if wanted and match else {}))
