"""Functions over the neighbours of a row: they need serialized rows."""

from __future__ import annotations

from translator.plan.expressions import Apply, Expr, walk
from translator.plan.functions.declare import Family

F = Family("windows")
WINDOWS = ("prev", "next", "row_number", "row_cumsum", "row_rank_dense", "row_rank_min", "row_window_session")
WITHIN = "within-partition"
"""``within-partition(f(), k)``: a function over the neighbours among the rows with the same ``k``. Nobody writes it: ``partition`` and
``mv-apply`` mean it."""

for _name in (
    "prev(column: scalar, offset: long?, default_value: constant scalar?) -> first",
    "next(column: scalar, offset: long?, default_value: constant scalar?) -> first",
    "row_number(startingIndex: long?, restart: bool?) -> long",
    "row_cumsum(term: number, restart: bool?) -> first",
    "row_rank_dense(term: notdynamic, restart: bool?) -> long",
    "row_rank_min(term: notdynamic, restart: bool?) -> long",
    "row_window_session(expr: datetime, maxDistanceFromFirst: timespan, maxDistanceBetweenNeighbors: timespan, restart: bool?) -> first",
):
    F.declare(_name, compiled=True, columns=_name.startswith(("prev(", "next(")))
F.alias("row_rank", "row_rank_dense")


F.unsupported(
    """
    row_id() -> string
    """
)


def innermost_window(expr: Expr) -> Apply | None:
    """The first of the functions over neighbours in an expression that has none in its arguments; None where there is none."""
    for node in walk(expr):
        if isinstance(node, Apply) and (node.function in (*WINDOWS, WITHIN) or node.function == "row_rank"):
            within = node.args[0].args if node.function == WITHIN and isinstance(node.args[0], Apply) else node.args
            inner = next((w for a in within if (w := innermost_window(a)) is not None), None)
            return inner if inner is not None else node
    return None
