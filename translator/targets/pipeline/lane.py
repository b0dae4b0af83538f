"""The lane itself: which cut of a query is written.

The faithful way writes the rows and columns that the query has, or nothing. The loose way is for queries that no lane has words for: it
writes what can be said of the main line of the query, and says what is left out.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

from translator.detection.model import Detection, NoDetection, Trigger
from translator.fidelity import Place, Verdict, verdict_of
from translator.plan import operators as o
from translator.plan.expressions import TRUE
from translator.targets.base import Cannot, Options, Output
from translator.targets.pipeline.cases import SHOWING, Move, case_of, cuts, loose_cuts, read_columns
from translator.targets.protocols import CountsRows, Pipes

Lifted = Callable[[bool, o.Plan], Detection | NoDetection]
"""What a plan detects; with a window of its own for each of its parts, or one for all."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A rule on its way to a target whose language is a pipeline.

    Attributes:
        wanted: the columns of the result that an alert is made of.
        trigger: what the rule asks of the number of rows.
        lift: tells what events a head selects.
        move: moves these to where the product keeps them.
    """

    target: Pipes
    plan: o.Plan
    wanted: tuple[str, ...]
    trigger: Trigger | None
    lift: Lifted
    move: Move
    options: Options

    def faithful(self) -> Output | None:
        """The plan operator by operator, from the first cut whose heads are told as they are; None where there is none."""

        def selected(part: o.Plan, timed: bool) -> Detection | None:
            found = self.lift(timed, part)
            return found if isinstance(found, Detection) and verdict_of(found.diagnostics).rank <= Verdict.SAME_ALERTS.rank else None

        decides, shown = read_columns(self.plan, self.wanted)
        source = self.options.fields == "source"
        for cut, timed in itertools.product(cuts(self.plan.root), (False, True) if self.target.tells_time else (False,)):
            try:
                lift = functools.partial(selected, timed=timed)
                case = case_of(self.plan, cut, decides, shown, lift, self.move, source, timed)
                output = self.target.pipe(case, self.options) if case is not None else None
            except Cannot:
                continue
            if case is None or output is None or output.verdict.rank > Verdict.SAME_ALERTS.rank:
                continue
            if any(d.direction is Verdict.SAME_ALERTS and d.place is not Place.SHOWN and d.code not in SHOWING for d in output.diagnostics):
                continue  # other rows than those that are counted
            return self.counted(output, case.placed.detection, timed)
        return None

    def loose(self) -> Output | None:
        """What can be said of the main line of the plan; None where that is less than one condition."""

        def selected(part: o.Plan) -> Detection | None:
            found = self.lift(False, part)
            return found if isinstance(found, Detection) else None

        decides, shown = read_columns(self.plan, self.wanted)
        source = self.options.fields == "source"
        for cut in loose_cuts(self.plan.root):
            try:
                case = case_of(self.plan, cut, decides, shown, selected, self.move, source, False, True)
                output = self.target.pipe(case, self.options) if case is not None else None
            except Cannot:
                continue
            if case is None or output is None or output.verdict.rank <= Verdict.SAME_ALERTS.rank:
                continue  # what the faithful way refuses is not made good by saying less
            detection = case.placed.detection
            if "where" in output.text.lower() or any(s.predicate != TRUE for s in detection.selectors):
                return self.counted(output, detection, False)
        return None

    def counted(self, output: Output, head: Detection, timed: bool) -> Output | None:
        """An output that asks for as many rows as the rule does; None where it cannot."""
        output = replace(output, head=head, lookback=head.lookback, timed=timed)
        if self.trigger is None:
            return output
        if not isinstance(self.target, CountsRows) or "result_count" in output.columns:
            return None
        counted = self.target.with_rows(output, self.trigger, ())
        return replace(counted, columns={}) if self.trigger.holds_for_none else counted
