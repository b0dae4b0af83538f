"""What a condition on a summary measures, in the words of Sigma's correlations."""

from __future__ import annotations

from dataclasses import dataclass

from translator.detection.model import grows, place_of_number
from translator.fidelity import Place
from translator.plan.expressions import TRUE, Expr

MANY, FEW = (">", ">="), ("<", "<=")


@dataclass(frozen=True, slots=True)
class Measure:
    """``operator`` compares with ``count`` what ``kind`` makes of the events that satisfy ``only``, or of their ``value``.

    ``kind`` is a type of Sigma correlation, or ``exists`` or ``absent``: whether there is any such event.
    """

    condition: Expr
    kind: str
    operator: str = ">="
    count: int | float = 1
    value: Expr | None = None
    only: Expr = TRUE
    percentile: int | None = None

    @property
    def grows(self) -> bool:
        """Whether more events can only bring what is measured nearer to the threshold."""
        return grows(self.kind, self.operator)

    @property
    def place(self) -> Place:
        """The place of the number that it compares, or of the events that it asks for."""
        return Place.TURNED if self.kind == "absent" else Place.PLAIN if self.kind == "exists" else place_of_number(self.operator)

    @property
    def of_events(self) -> Place:
        """The place of the events that it takes, of which no group is made."""
        return self.place if self.kind in ("exists", "absent", "event_count", "value_count") else Place.BOTH

    @property
    def holds_of_none(self) -> bool:
        """Whether a summary of no events satisfies it, as there is one where nothing is grouped by."""
        return self.kind == "absent" or self.operator in FEW or self.count == 0

    @property
    def holds_of_zero(self) -> bool:
        """Whether zero satisfies it."""
        return {"<": self.count > 0, "<=": self.count >= 0, "==": self.count == 0, ">": self.count < 0, ">=": self.count <= 0}[
            self.operator
        ]

    @property
    def seen(self) -> Measure | None:
        """This, where a correlation sees it: a group without any of some events is none to it, and may be one to the KQL."""
        of_none = self.operator in FEW or (self.kind in ("event_count", "value_count", "value_sum") and self.holds_of_zero)
        return None if self.only != TRUE and of_none else self


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition that compares an aggregate with a number; ``only`` are the events that the aggregate takes, ``args`` its operands."""

    condition: Expr
    operator: str
    number: int | float
    function: str
    args: tuple[Expr, ...]
    only: Expr = TRUE

    @property
    def is_none(self) -> bool:
        """Whether a count satisfies it only where there is nothing to count."""
        return (self.operator, self.number) in (("==", 0), ("<", 1), ("<=", 0))

    @property
    def of_any(self) -> Measure | None:
        """That there is a group, where any count satisfies it; None where one may not."""
        always = (self.operator == ">=" and self.number <= 0) or (self.operator in (">", "!=") and self.number < 0)
        return Measure(self.condition, "exists", count=0) if always else None
