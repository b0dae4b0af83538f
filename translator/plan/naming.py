"""Names: what KQL calls the columns that a query leaves unnamed, and which names a pattern means.

Source: learn.microsoft.com/kusto/query/summarize-operator and extend-operator, checked with the official binder.
"""

from __future__ import annotations

from collections.abc import Iterable

from translator.kql import syntax as s
from translator.plan.functions import aggregates, find


def automatic_name(node: s.Node) -> str:
    """The name KQL gives to an unnamed column; empty where it numbers it."""
    match node:
        case s.NameReference(name=name):
            return name
        case s.Member(base=base, name=s.Name(value=name)):
            return f"{automatic_name(base)}_{name}"
        case s.Element(base=base, index=s.Literal(value=key)):
            return f"{automatic_name(base)}_{key}"
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
    known = aggregates().get(name) or find(name)
    if known is None or known.named is None:
        return ""
    inner = automatic_name(arguments[0]) if arguments else ""
    if known.named == "argument" or (name in ("take_any", "take_anyif") and arguments):
        return inner
    if known.named == "_sorted":
        return f"{inner}_sorted"
    extra = ""
    if name in ("percentile", "percentilew"):
        extra = "".join(f"_{a.value}".replace(".", "_") for a in arguments[-1:] if isinstance(a, s.Literal))
    if known.named.startswith("covariance") and len(arguments) > 1:
        extra = f"_{automatic_name(arguments[1])}"
    return known.named + inner + extra


def fresh(name: str, taken: Iterable[str]) -> str:
    known, number, out = set(taken), 0, name
    while out in known:
        number += 1
        out = f"{name}{number}"
    return out


def matches(pattern: s.Node, name: str) -> bool:
    if isinstance(pattern, s.NameReference):
        return pattern.name == name
    if isinstance(pattern, s.Wildcard):
        import fnmatch

        return fnmatch.fnmatchcase(name, pattern.pattern)
    return False
