"""Plugins of ``evaluate`` that count ids along a timeline: what each is given, and the columns that it gives.

Source of the parameters: learn.microsoft.com/kusto/query, the page of each plugin; of the order of the columns, where page and official
binder disagree, the binder (Kusto.Language 12.4.1): the dimensions stand behind the timeline.
"""

from __future__ import annotations

from dataclasses import dataclass

from translator.plan.types import Type


@dataclass(frozen=True, slots=True)
class Timeline:
    """One such plugin.

    Attributes:
        parameters: its required arguments in order: columns, and constants. Dimensions may follow them.
        metrics: the columns behind timeline and dimensions.
        prefixes: a timeline column for each.
        cohort: whether a constant may follow the required arguments, and a table of ids the dimensions.
    """

    parameters: tuple[str, ...]
    metrics: tuple[tuple[str, Type], ...]
    prefixes: tuple[str, ...] = ("",)
    cohort: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The parameters that are no constants."""
        return tuple(role for role in self.parameters if role in ("id", "value", "time"))


_RATES = (("retention_rate", Type.REAL), ("churn_rate", Type.REAL))
TIMELINES = {
    "active_users_count": Timeline(
        ("id", "time", "start", "end", "lookback", "period", "least", "step"), (("dcount", Type.LONG),)
    ),
    "activity_engagement": Timeline(
        ("id", "time", "start", "end", "inner", "outer"),
        (("dcount_activities_inner", Type.LONG), ("dcount_activities_outer", Type.LONG), ("activity_ratio", Type.REAL)),
    ),
    "activity_metrics": Timeline(
        ("id", "time", "start", "end", "step"), (("dcount_values", Type.LONG), ("dcount_newvalues", Type.LONG), *_RATES)
    ),
    "new_activity_metrics": Timeline(
        ("id", "time", "start", "end", "step"),
        (("dcount_new_values", Type.LONG), ("dcount_retained_values", Type.LONG), ("dcount_churn_values", Type.LONG), *_RATES),
        prefixes=("from_", "to_"), cohort=True,
    ),
    "rolling_percentile": Timeline(("value", "percentile", "time", "step", "bins"), ()),
    "sliding_window_counts": Timeline(
        ("id", "time", "start", "end", "lookback", "step"), (("Count", Type.LONG), ("Dcount", Type.LONG))
    ),
}  # fmt: skip
