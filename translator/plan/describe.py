"""Plans and expressions as text that people read, in KQL's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from translator.plan import operators as o
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Items, Path, Subquery
from translator.plan.functions.values import timespan_text
from translator.plan.types import Type

_INFIX = frozenset(
    """
    == =~ < <= > >= + - * / % in in~ has has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs contains contains_cs startswith
    startswith_cs endswith endswith_cs has_any has_all
    """.split()
) | {"matches regex"}


def expression(expr: Expr, nested: bool = False) -> str:
    """``expr`` in KQL's words."""
    match expr:
        case ColumnRef(column=column):
            return column.name or f"#{column.id}"
        case Const(value=None):
            return f"{expr.type}(null)"
        case Const(type=Type.TIMESPAN, value=int(ticks)):
            return f"timespan({timespan_text(ticks)})"
        case Const(value=bool(value)):
            return "true" if value else "false"
        case Const(value=str(value)) if expr.type in (Type.STRING, Type.UNKNOWN):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case Const(value=value):
            return f"{expr.type}({value})" if expr.type in (Type.DATETIME, Type.GUID, Type.DECIMAL) else str(value)
        case Items(items=items):
            return "(" + ", ".join(expression(i) for i in items) + ")"
        case Path(base=base, steps=steps):
            return expression(base, True) + "".join(f"[{s}]" if isinstance(s, int) else s if s == "[]" else f".{s}" for s in steps)
        case Subquery(scalar=scalar):
            return "toscalar(...)" if scalar else "(a query)"
        case Apply(function="and" | "or" as function, args=args):
            text = f" {function} ".join(expression(a, True) for a in args)
            return f"({text})" if nested else text
        case Apply(function="between", args=(subject, low, high)):
            return f"{expression(subject, True)} between ({expression(low)} .. {expression(high)})"
        case Apply(function=function, args=(left, right)) if function in _INFIX:
            text = f"{expression(left, True)} {function} {expression(right, True)}"
            return f"({text})" if nested else text
        case Apply(function=function, args=args):
            return f"{function}({', '.join(expression(a) for a in args)})"
    return type(expr).__name__


_OPERATORS: Mapping[type[o.Relation], str] = MappingProxyType(
    {
        o.Rows: "datatable", o.Range: "range", o.Filter: "where", o.Compute: "extend", o.Project: "project", o.Distinct: "distinct",
        o.Aggregate: "summarize", o.Join: "join", o.Union: "union", o.Sort: "sort", o.Number: "row_number()", o.Expand: "mv-expand",
        o.Parse: "parse", o.ParsePairs: "parse-kv", o.Series: "make-series",
    }
)  # fmt: skip


def operator_word(node: o.Relation) -> str:
    """What KQL calls an operator of a plan."""
    if isinstance(node, o.Limit | o.Arrange):
        return node.operator
    return _OPERATORS.get(type(node), type(node).__name__.lower())


def relation(node: o.Relation, depth: int = 0) -> list[str]:
    """The operators from the source down, inputs indented."""
    pad = "  " * depth
    lines: list[str] = []
    match node:
        case o.Join(left=left, right=right, kind=kind, on=on):
            lines += relation(left, depth)
            keys = ", ".join(f"{expression(a)} == {expression(b)}" for a, b in on)
            lines.append(f"{pad}join kind={kind} on {keys}")
            lines += relation(right, depth + 1)
            return lines
        case o.Union(inputs=inputs):
            lines.append(f"{pad}union")
            for part in inputs:
                lines += relation(part, depth + 1)
            return lines
    inner = getattr(node, "input", None)
    if isinstance(inner, o.Relation):
        lines += relation(inner, depth)
    match node:
        case o.Source(table=table):
            lines.append(f"{pad}{table}")
        case o.Filter(predicate=predicate):
            lines.append(f"{pad}where {expression(predicate)}")
        case o.Compute(items=computed) | o.Project(items=computed):
            lines.append(f"{pad}compute {', '.join(f'{c.name} = {expression(x)}' for c, x in computed)}")
        case o.Aggregate(keys=group, aggregates=aggregates):
            found = ", ".join(f"{c.name} = {expression(x)}" for c, x in aggregates[:6]) + (", ..." if len(aggregates) > 6 else "")
            lines.append(f"{pad}summarize {found} by {', '.join(c.name for c, _ in group)}".rstrip())
        case o.Distinct(columns=columns):
            lines.append(f"{pad}distinct {', '.join(c.name for c in columns)}")
        case o.Sort(keys=order):
            lines.append(f"{pad}sort by {', '.join(expression(k.expr) + (' desc' if k.descending else ' asc') for k in order)}")
        case o.Limit(operator=operator, count=count):
            lines.append(f"{pad}{operator} {expression(count)}")
        case o.Expand(items=items):
            lines.append(f"{pad}mv-expand {', '.join(f'{c.name} = {expression(x)}' for c, x in items)}")
        case o.Parse(value=value):
            lines.append(f"{pad}parse {expression(value)}")
        case o.External(kind=kind, name=name):
            lines.append(f"{pad}{kind} {name}")
        case o.Arrange(operator=operator):
            lines.append(f"{pad}{operator}")
        case o.Unsupported(reason=reason):
            lines.append(f"{pad}? {reason}")
        case _:
            lines.append(f"{pad}{type(node).__name__.lower()}")
    return lines
