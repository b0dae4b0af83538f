"""Exclusions of a rule as exceptions that Kibana imports: lists, and items of what is equal to a value or is one of some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translator import catalog
from translator.detection.lift import lift
from translator.detection.model import Detection
from translator.engine.constant_folding import fold_constants
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.pipeline import Conversion
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.plan.conditions import is_field, pushed
from translator.plan.expressions import Apply, Expr, conjunction, conjuncts, negation, walk
from translator.plan.simplify import simplify
from translator.rulepack.model import Rule
from translator.sigma.identity import stable_id
from translator.targets.base import Options
from translator.targets.homes import Placed, placed
from translator.targets.names import Names
from translator.targets.predicates import values

Excepted = tuple[int, str, list[dict[str, Any]]]
"""An exclusion by its number, with its text and the entries of an exception."""


def excepted(conversion: Conversion) -> tuple[Excepted, ...]:
    """The exclusions of a rule that exceptions can say: of what is equal to a value, or is one of some."""
    items = []
    for number, text in enumerate(conversion.rule.exclusions, 1):
        for table in conversion.tables:
            if (entries := _entries(table, text)) is not None:
                items.append((number, text, entries))
                break
    return tuple(items)


def exception_list(rule: Rule, items: tuple[Excepted, ...], name: str, shared: bool) -> list[dict[str, Any]]:
    """The list of a rule's exclusions, and an item for each.

    Args:
        name: the rule's as the product shows it.
        shared: whether it is a list of several rules, which the default list of one is not.
    """
    if not items:
        return []
    identifier = stable_id(rule, "exceptions")
    common = {"list_id": identifier, "namespace_type": "single", "tags": []}
    container = {
        **common,
        "type": "detection" if shared else "rule_default",
        "name": f"Exclusions of {name}",
        "description": "Exclusions of the rule's author",
    }
    return [
        container,
        *(
            {
                **common,
                "item_id": f"{identifier}-{number}",
                "type": "simple",
                "name": f"Exclusion {number}",
                "description": " ".join(text.split()),
                "entries": entries,
                "comments": [],
            }
            for number, text, entries in items
        ),
    ]


def reference_to(container: Mapping[str, Any]) -> dict[str, str]:
    """How a rule of Kibana's names the exception list that belongs to it."""
    return {"id": container["list_id"], **{k: container[k] for k in ("list_id", "type", "namespace_type")}}


def _entries(table: str, text: str) -> list[dict[str, Any]] | None:
    """What an exclusion takes out, as entries that all have to hold; None where an exception cannot say it."""

    def conditions(where: str) -> tuple[Names, list[Expr]] | None:
        kept = lift(fold_constants(bind(parse(f"['{table}']{where}"), catalog.schemas())))
        if not isinstance(kept, Detection) or len(kept.selectors) != 1:
            return None
        moved: Placed = placed(kept, "elastic", Options(), None, computes=False)
        return Names("elastic", Options(), moved.homes), list(conjuncts(moved.detection.selectors[0].predicate))

    try:
        every, asked = conditions(""), conditions(f" | where {text}")
    except (KqlSyntaxError, BindError):
        return None
    if every is None or asked is None:
        return None
    names, wanted = asked
    own = conjunction(*(p for p in wanted if p not in every[1]))
    entries = [_entry(names, part) for part in conjuncts(pushed(simplify(negation(own))))]
    return [e for e in entries if e is not None] if all(entries) and not names.missing else None


def _entry(names: Names, part: Expr) -> dict[str, Any] | None:
    match part:
        case Apply(function="==" | "in", args=(subject, operand)) if is_field(subject) and not any(is_field(n) for n in walk(operand)):
            wanted = [str(v) for v in values(operand)]
            one = len(wanted) == 1
            return {
                "field": names.field(subject), "operator": "included", "type": "match" if one else "match_any",
                "value": wanted[0] if one else wanted,
            }  # fmt: skip
    return None
