"""Lists kept outside of the logs, as placeholders: watchlists, externaldata, threat indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from translator.detection.idioms.threat_intel import INDICATORS
from translator.detection.naming import snake
from translator.detection.shapes import Listed, Shape
from translator.fidelity import FilledList
from translator.plan.expressions import (
    Apply,
    ColumnRef,
    Expr,
    Span,
    const,
    negation,
)
from translator.plan.types import Type

if TYPE_CHECKING:
    from translator.detection.lifting import Lifting


def joined_with_list(
    lifting: Lifting, shape: Shape, values: Listed, pairs: tuple[tuple[Expr, Expr], ...], negated: bool, span: Span | None
) -> Shape:
    """A join with a list, as a placeholder for each key."""
    if isinstance(shape, Listed):
        raise lifting.block("unsupported-detection", "lists alone hold no events", span)
    code = "indicator-list" if values == INDICATORS else "list-placeholder"
    lifting.say("columns-differ", "the columns of the list are not in the events", span)
    for subject, listed in pairs:
        column = listed.column.name if isinstance(listed, ColumnRef) else ""
        # A pack fills one list of addresses for all of its rules, and another of file names.
        name = lifting.lists.name(f"{values.name}_{snake(column)}" if column and values == INDICATORS else values.name, column)
        of_column = f"{column} in " if column else ""
        message = f"fill the placeholder %{name}% with the values of {of_column}that {values.kind}, but no empty ones"
        lifting.say(code, message, span, fact=FilledList(name, column, nonempty=True))
        shape = lifting.filtered(shape, in_list(lifting, subject, name, True, negated, span), span)
    return shape


def in_list(lifting: Lifting, subject: Expr, name: str, cased: bool, negated: bool, span: Span | None) -> Expr:
    """That ``subject`` is among the values of the list ``name``, or, negated, is not.

    Raises:
        Blocked: for times, which texts spell in many ways.
    """
    if subject.type in (Type.DATETIME, Type.TIMESPAN):
        raise lifting.block("unsupported-expression", "a time is not looked up in a list, whose values are texts", span)
    listed: Expr = Apply(span, Type.BOOL, "expand_cs" if cased else "expand", (subject, const(name)))
    return negation(listed) if negated else listed
