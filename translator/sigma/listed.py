"""Conditions on lists of what was seen before, of which events without a value are none, as the empty text may be in KQL."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from translator.detection.model import Detection, Selector
from translator.fidelity import Diagnostic, FilledList, Place
from translator.plan.conditions import LISTS, fields_of
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Span, conjunction, conjuncts, negation
from translator.plan.pins import fixed_columns
from translator.rulepack.model import Rule
from translator.sigma.groups import is_missing


def without_empty(rule: Rule, detection: Detection) -> Detection:
    """``detection`` of events with a value, where that is new to a list and all that identifies the alert.

    Without it the event may be new in the KQL as well, and names nothing.
    """
    earlier = {d.fact.name for d in detection.diagnostics if isinstance(d.fact, FilledList) and d.fact.earlier}
    said = {d.span for d in detection.diagnostics if d.code == "empty-listed" and d.place is Place.TURNED}
    if not said or len(detection.sides) != 1 or detection.others:
        return detection
    (side,) = detection.sides
    told = [dict(_identifying(rule, selector, earlier)) for selector in side.selectors]
    known = {span for span in said if all(span in found for found in told)}
    if not known:
        return detection
    selectors = []
    for selector, found in zip(side.selectors, told, strict=True):
        present = (negation(is_missing(field)) for span, field in found.items() if span in known)
        selectors.append(replace(selector, predicate=conjunction(selector.predicate, *present)))
    rest = [d for d in detection.diagnostics if not (d.code == "empty-listed" and d.span in known)]
    what = "events without the key may be new in the KQL, and are left out by Sigma"
    noted = (Diagnostic("empty-entity", what, d.span) for d in detection.diagnostics if d.code == "empty-listed" and d.span in known)
    return replace(detection, sides=(replace(side, selectors=tuple(selectors)),), diagnostics=(*rest, *noted))


def _new_to_lists(selector: Selector, names: Container[str]) -> Iterator[Apply]:
    """The conditions of a selector that ask some lists, of which it wants what is in none."""
    for part in conjuncts(selector.predicate):
        match part:
            case Apply(function="not", args=(Apply(function=function, args=(_, Const(value=str(name)), *_)) as node,)):
                if function in LISTS and name in names:
                    yield node


def _identifying(rule: Rule, selector: Selector, names: Container[str]) -> Iterator[tuple[Span | None, Expr]]:
    """Where a selector asks that a field is new, of those that alone identify the alert, and the field."""
    identity = _identity(rule, selector)
    for node in _new_to_lists(selector, names):
        fields = [*fields_of(node.args[0])]
        if len(fields) == 1 and fields == identity:
            yield node.span, fields[0]


def _identity(rule: Rule, selector: Selector) -> list[Expr]:
    """The values that identify the alert on events of a selector: the rule's entities, else keys, else the whole row.

    A field that the query asks for one value of identifies nothing beside others.
    """
    shown, fixed = dict(selector.outputs), fixed_columns(selector.predicate)
    columns = {e.column for e in rule.entities} or {name for name in shown if name.endswith("CustomEntity")}
    whole = [x for x in selector.keys or shown.values() if not (isinstance(x, ColumnRef) and x.column.name in fixed)]
    values = [shown.get(name) for name in columns] if columns else [*whole]
    plain = [x.args[0] if isinstance(x, Apply) and x.function in ("tolower", "toupper", "tostring") else x for x in values]
    return [] if None in plain else list(dict.fromkeys(x for x in plain if x is not None))
