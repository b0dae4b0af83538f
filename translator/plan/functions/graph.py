"""Functions of the graph operators."""

from __future__ import annotations

from translator.plan.functions.declare import Family

F = Family("graph")


F.unsupported(
    """
    all(pattern_element: scalar, expression: bool) -> bool
    any(pattern_element: scalar, expression: bool) -> bool
    map(pattern_element: scalar, expression: scalar) -> dynamic
    inner_nodes(edge: scalar) -> dynamic
    node_id(node: scalar?) -> string
    node_degree_in(node: scalar?) -> long
    node_degree_out(node: scalar?) -> long
    labels(pattern_element: scalar?) -> dynamic
    """
)
