"""The rule's own condition on the number of rows, which counts as much as the query.

Source: learn.microsoft.com/azure/sentinel/scheduled-rules-overview, "Alert threshold".
"""

from __future__ import annotations

from dataclasses import replace

from translator.detection.model import Detection, Side, Threshold
from translator.fidelity import Diagnostic

_MORE, _OTHER = ("gt", "greaterthan"), ("ne", "notequal")
_OTHER_ROWS = frozenset({"columns-differ", "expanded-rows", "row-limit", "enrichment-dropped"})
"""Codes of what makes the rows of the query other things than the events that are selected."""


def with_trigger(detection: Detection, operator: str, count: int) -> Detection:
    """``detection`` with the condition that its rows are more than ``count``, where these are events; said where it cannot be kept.

    Args:
        operator: as the rule writes it: gt or GreaterThan, and so on; empty is gt.
    """
    operator = operator.strip().lower()
    if count == 0 and operator in ("", *_MORE, *_OTHER):
        return detection
    events = detection.kind == "event" and not detection.others and not {d.code for d in detection.diagnostics} & _OTHER_ROWS
    if operator in ("", *_MORE) and events:
        (side,) = detection.sides
        plain = Side(side.name, tuple(replace(s, keys=()) for s in side.selectors))
        return replace(detection, kind="event_count", sides=(plain,), threshold=Threshold("event_count", ">", count))
    code = "trigger-threshold" if operator in ("", *_MORE) else "trigger-condition"
    said = Diagnostic(code, f"the rule alerts where the number of rows is {operator or 'gt'} {count}")
    return replace(detection, diagnostics=(*detection.diagnostics, said))
