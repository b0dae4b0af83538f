"""Names: what KQL calls the columns that a query leaves unnamed, and which names a pattern means.

Source: learn.microsoft.com/kusto/query/summarize-operator and extend-operator, checked with the official binder.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from translator.kql import syntax as s
from translator.plan.functions import canonical, find, functions


def automatic_name(node: s.Node) -> str:
    """The name KQL gives to an unnamed column; empty where it numbers it."""
    match node:
        case s.NameReference(name=name):
            return name
        case s.Member(base=base, name=s.Name(value=key)) | s.Element(base=base, index=s.Literal(value=key)):
            named = automatic_name(base)
            return f"{named}_{key}" if named else f"{key}"
        case s.Element(base=base):
            return f"{automatic_name(base)}_"
        case s.Named(names=(name, *_)):
            return name.value
        case s.Parenthesized(value=value):
            return automatic_name(value)
        case s.Call(name=name, arguments=arguments):
            return _of_call(name, arguments)
        case _:
            return ""


def _of_call(name: str, arguments: tuple[s.Node, ...]) -> str:
    known = find(name)
    if known is not None and not known.takes(len(arguments)):
        known = functions().get(name, known)  # some aggregates are functions too
    if known is None or known.named is None:
        return ""
    inner = automatic_name(arguments[0]) if arguments else ""
    if known.named == "argument" or (name in ("take_any", "take_anyif") and arguments):
        return inner
    if known.named == "only":
        return inner if len(arguments) == 1 else ""
    if known.named.startswith("="):
        return known.named[1:]
    if known.named == "_sorted":
        return f"{inner or 'array0'}_sorted"
    extra = ""
    if name in ("percentile", "percentilew"):
        extra = "_" + "".join(f"{a.value}".replace(".", "_") for a in arguments[-1:] if isinstance(a, s.Literal))
    return known.named + inner + extra


def numbered(*nodes: s.Node) -> dict[int, int]:
    """The numbers of the columns that KQL calls Column1, Column2, ..., by the identity of their items.

    They are counted over the whole query, a let where it is written, in the order in which operators are done; the body of a function
    counts its own.
    """
    inward: list[s.Node] = []
    bodies: list[tuple[s.Node, ...]] = []
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, s.Function):
            bodies.append(node.body)
            continue
        inward.append(node)
        stack.extend(node.children())
    found, number = dict[int, int](), 1
    for item in (item for node in reversed(inward) for item in _named_by(node) if not _has_name(item)):
        found[id(item)] = number
        number += not is_asked_for(item)
    for body in bodies:
        found |= numbered(*body)
    return found


def is_asked_for(item: s.Node) -> bool:
    """Whether an item is a column that may be there, which then has its name and takes no number."""
    return isinstance(item, s.Call) and canonical(item.name) == "column_ifexists"


def _has_name(item: s.Node) -> bool:
    """Whether an item is named, by the query or by KQL. Functions that carry columns along name each of them."""
    while isinstance(item, s.Parenthesized):
        item = item.value
    named = isinstance(item, s.Named) or bool(automatic_name(item))
    return named or (isinstance(item, s.Call) and canonical(item.name) in ("arg_max", "arg_min", "take_any"))


def _named_by(node: s.Node) -> tuple[s.Node, ...]:
    """The items of an operator that become columns."""
    match node:
        case s.Extend(items=items) | s.Project(items=items) | s.Serialize(items=items) | s.Distinct(items=items):
            return tuple(item for item in items if not isinstance(item, s.Star))
        case s.Summarize(by=by, aggregates=aggregates):
            return (*by, *aggregates)
        case s.MakeSeries(by=by, aggregates=aggregates, on=on):
            return (*by, *(a.value for a in aggregates), on)
        case s.MvExpand(items=items) | s.MvApply(items=items):
            return tuple(item.value for item in items)
        case s.GraphMatch(project=project):
            return tuple(item for item in project or () if isinstance(item, s.Call))
        case _:
            return ()


def fresh(name: str, taken: Container[str]) -> str:
    """A name that is not taken: the name itself, else with the first number that makes it one."""
    number, out = 0, name
    while out in taken:
        number += 1
        out = f"{name}{number}"
    return out


def like(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a text with asterisks means."""
    regex = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    return [n for n in names if regex.fullmatch(n)]


def matches(pattern: s.Node, name: str) -> bool:
    """Whether a name is the one that is meant, or is of the pattern, with ``*`` for any letters."""
    if isinstance(pattern, s.NameReference):
        return pattern.name == name
    if isinstance(pattern, s.Wildcard):
        import fnmatch

        return fnmatch.fnmatchcase(name, pattern.pattern)
    return False
