"""The rule's own condition on the number of rows, which counts as much as the query.

Source: learn.microsoft.com/azure/sentinel/scheduled-rules-overview, "Alert threshold".
"""

from __future__ import annotations

from dataclasses import replace

from translator.detection.model import Detection, NoDetection, Side, Threshold, Trigger
from translator.fidelity import Diagnostic
from translator.rulepack.model import OPERATORS

_OTHER_ROWS = frozenset(
    {"rows-differ", "rows-merged", "rows-repeated", "expanded-rows", "row-limit", "enrichment-dropped", "adjacent-rows", "one-row-per-key"}
)
"""Codes of what makes the rows of the query other things than those of an output."""


def trigger_of(operator: str, count: int | None) -> Trigger | None:
    """What a rule asks of the number of rows, as it writes it: gt or GreaterThan, and so on, empty is gt; None where any row will do."""
    found = Trigger(OPERATORS.get(operator.strip().lower(), ">"), count or 0)
    return None if found in (Trigger(">", 0), Trigger("!=", 0)) else found


def with_trigger(detection: Detection, trigger: Trigger | None, rows: str) -> Detection | NoDetection:
    """``detection`` with what the rule asks of the number of its rows.

    Args:
        rows: what a target can do with the rows of its searches: ``kept`` where it can ask for their number and show them,
            ``counted`` where it shows the number instead of them, empty where it can do neither.
    """
    if trigger is None:
        return detection
    alike = not {d.code for d in detection.diagnostics} & _OTHER_ROWS and not detection.others
    events = alike and detection.kind == "event"
    what = f"the rule alerts where the number of rows is {trigger.operator} {trigger.count}"
    if rows and not detection.others and (alike or trigger.for_none_only) and not (events and trigger.grows and rows == "counted"):
        return replace(detection, trigger=trigger)
    if trigger.holds_for_none:
        return NoDetection((Diagnostic("trigger-absence", what),))
    if events and trigger.grows:
        (side,) = detection.sides
        plain = Side(side.name, tuple(replace(s, keys=()) for s in side.selectors))
        shown = Diagnostic("rows-differ", "the output shows how many rows there are")
        count = Threshold("event_count", trigger.operator, trigger.count)
        return replace(
            detection, kind="event_count", sides=(plain,), threshold=count, diagnostics=(*detection.diagnostics, shown)
        )  # fmt: skip
    said = Diagnostic("trigger-threshold" if trigger.grows else "trigger-condition", what)
    return replace(detection, diagnostics=(*detection.diagnostics, said))
