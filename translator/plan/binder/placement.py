"""Aggregates where there are groups of rows, columns where there are single rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan.binder.context import Context
from translator.plan.binder.problems import Problem
from translator.plan.binder.scopes import TABULAR, Scope
from translator.plan.functions import aggregates, functions

_GROUPS = s.Summarize | s.MakeSeries | s.TopNested | s.Evaluate | s.GraphMatch
"""Operators that take aggregates in places of their own."""

_OF_OTHER_ROWS = TABULAR | s.Operator | s.Function
"""What stands in an expression and has rows of its own."""


def check_single_rows(ctx: Context, node: s.Node, scope: Scope) -> None:
    """No aggregate stands where an operator looks at one row after the other."""
    within: Iterable[s.Node] = (
        node.by if isinstance(node, s.Summarize | s.MakeSeries) else () if isinstance(node, _GROUPS) else node.children()
    )
    for call in _aggregates_in(within, scope):
        hint = "summarize it, and look at its column behind that"
        ctx.problem(Problem("misplaced", call.span, f"{call.name}() is of many rows, and here is one at a time: {hint}"))


def check_grouped(ctx: Context, item: s.Node, value: e.Expr, scope: Scope) -> None:
    """What summarize computes is made of aggregates and constants, and an aggregate of rows alone."""
    for call in _aggregates_in((item,), scope):
        for inner in _aggregates_in(call.arguments, scope):
            ctx.problem(Problem("misplaced", inner.span, f"{inner.name}() stands inside {call.name}(): compute it in a summarize before"))
    if any(isinstance(n, s.Call) and n.name == "pack_all" for n in s.walk(item)):
        return  # The official binder lets it through.
    stack = [value]
    while stack:
        match stack.pop():
            case e.ColumnRef(span=span, column=column) if span is not None:
                hint = f"take_any({column.name}) picks one, and behind by it makes groups"
                told = f"the column '{column.name}' has many values in a group: {hint}"
                ctx.problem(Problem("misplaced", span, told))
            case e.Apply(function=name) if name in aggregates():
                pass
            case e.Apply(args=args):
                stack.extend(args)
            case e.Path(base=base):
                stack.append(base)


def _aggregates_in(nodes: Iterable[s.Node], scope: Scope) -> Iterator[s.Call]:
    """The calls of aggregates in expressions, the outermost, without those of queries inside."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, s.Call) and node.name in aggregates() and node.name not in functions() and scope.find(node.name) is None:
            yield node
        elif not isinstance(node, _OF_OTHER_ROWS):
            stack.extend(node.children())
