"""Plans whose rows read those before or behind them, as joins with these: events of two rows that stand side by side.

No more is said than what may make the one row satisfy the query beside the other: whether it does is for the engine to say, which sees
them in their order.
"""

from __future__ import annotations

from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Const, Expr
from translator.plan.rewriting import renewed, rewritten
from translator.plan.types import Type

_BESIDE = ("prev", "next")


def with_rows_beside(plan: o.Plan) -> o.Plan | None:
    """A plan with a join in the place of the rows that the first of its operators reads beside a row; None where none reads such."""
    reading = [r for r in o.relations(plan.root) if isinstance(r, o.Filter | o.Compute) and _reads(r)]
    first = next((r for r in reading if not any(map(_reads, o.relations(r.input)))), None)
    if first is None:
        return None
    made = _joined(first, next(o.unused_ids(plan)))
    return replace(plan, root=rewritten(plan.root, lambda node: made if node is first else node))


def _reads(relation: o.Relation) -> bool:
    """Whether the expressions of an operator itself read a row beside theirs."""
    return any(_beside(part) for expr in _expressions(relation) for part in o.parts(expr))


def _expressions(relation: o.Relation) -> tuple[Expr, ...]:
    match relation:
        case o.Filter(predicate=predicate):
            return (predicate,)
        case o.Compute(items=items) | o.Project(items=items):
            return tuple(x for _, x in items)
    return ()


def _beside(part: object) -> bool:
    return isinstance(part, Apply) and part.function in _BESIDE


def _joined(relation: o.Filter | o.Compute, free: int) -> o.Relation:
    parts = [*o.parts(relation.input)]
    sources = {p.id: p.id + free for p in parts if isinstance(p, o.Source)}
    own = {p for p in o.parts(relation) if isinstance(p, Column) and p.source in sources}  # of an open table also what is named first here
    made = {p for p in parts if isinstance(p, Column)} | own
    columns = {p.id: replace(p, id=p.id + free, source=None if p.source is None else p.source + free) for p in made}
    names = [p.function for expr in _expressions(relation) for p in o.parts(expr) if isinstance(p, Apply) and p.function in _BESIDE]
    earlier = names[0] == "prev"
    order = [k for p in parts if isinstance(p, o.Sort) for k in p.keys if k.expr.type == Type.DATETIME]
    condition = None
    for key in order[:1]:
        operator = "<" if earlier is not key.descending else ">"
        condition = Apply(relation.span, Type.BOOL, operator, (renewed(key.expr, columns, sources), key.expr))
    both = o.Join(relation.span, relation.input, renewed(relation.input, columns, sources), "inner", (), condition)

    def read(node: object) -> object:
        match node:
            case Apply(function="prev" | "next", args=(value,) | (value, Const(value=1)) | (value, Const(value=1), _)):
                return renewed(value, columns, sources)
        return node

    changed = rewritten(relation, read)
    return replace(changed, input=both)
