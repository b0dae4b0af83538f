"""Plugins of ``evaluate`` in SQL: their rows and constants as JSON, handed to the Python of ``timelines``."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from translator.engine import timelines
from translator.engine.scalars import conversions
from translator.engine.scalars.context import Values
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.timelines import TIMELINES
from translator.plan.types import Type


def timeline_rows(scalars: Values, relation: o.Evaluation) -> exp.Expr:
    """An aggregate over the input of a plugin: an array of the rows that it gives.

    Raises:
        EngineError: what the dialect cannot do.
    """
    known, given = TIMELINES[relation.name], dict(relation.arguments)
    subjects = [given.pop(role) for role in known.columns]
    joined = exp.GroupConcat(this=array_text(scalars, [*subjects, *relation.dimensions]), separator=exp.Literal.string(","))
    rows = scalars.sql("'[' || COALESCE($1, '') || ']'", joined)
    names, kinds = tuple(given), tuple(x.type for x in subjects)
    compute = timelines.PLUGINS[relation.name]

    def call(rows: list[Any], constants: list[Any]) -> list[list[Any]]:
        return compute(timelines.Input(rows, kinds, dict(zip(names, constants, strict=True))))

    key = "_".join([relation.name, *(k.value for k in kinds), *names])
    return scalars.python(key, call, (Type.DYNAMIC, Type.DYNAMIC), Type.DYNAMIC, (rows, array_text(scalars, list(given.values()))))


def array_text(scalars: Values, values: list[e.Expr]) -> exp.Expr:
    """Values as a JSON array: times and timespans as their ticks."""
    parts: list[exp.Expr] = []
    for value in values:
        found: exp.Expr
        if value.type == Type.DATETIME:
            found = scalars.cast(scalars.ticks(scalars.value(value)), Type.STRING)
        elif value.type == Type.TIMESPAN:
            found = scalars.cast(scalars.value(value), Type.STRING)
        else:
            found = conversions.to_dynamic(scalars, value)
        parts.append(exp.Coalesce(this=found, expressions=[exp.Literal.string("null")]))
    places = " || ',' || ".join(f"${i}" for i in range(1, len(parts) + 1))
    return scalars.sql(f"'[' || {places} || ']'", *parts) if parts else exp.Literal.string("[]")
