"""The lane itself: which cut of a query is written.

The faithful way writes the rows and columns that the query has, or nothing. The loose way is for queries that no lane has words for: it
writes what can be said of the main line of the query, and says what is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

from translator.detection.model import Detection, NoDetection, Trigger
from translator.detection.windows import windows_decide
from translator.fidelity import Diagnostic, Verdict, verdict_of
from translator.plan import operators as o
from translator.plan.expressions import TRUE
from translator.plan.simplify import TooLarge
from translator.targets.base import Cannot, Options, Output
from translator.targets.pipeline.cases import Move, case_of, is_faithful
from translator.targets.pipeline.cuts import Cut, loose_cuts
from translator.targets.pipeline.reading import Reading
from translator.targets.protocols import CountsRows, Pipes

Lifted = Callable[[bool, o.Plan], Detection | NoDetection]
"""What a plan detects; with a window of its own for each of its parts, or one for all."""

Written = tuple[Detection, Output, tuple[Diagnostic, ...]]
"""The events of heads, what is written over them, and what is to be said of events that several tables have in one place."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A rule on its way to a target whose language is a pipeline.

    Attributes:
        cuts: the ways to cut the plan.
        shown: the columns that an analyst looks at.
        read: tells what the operators over the heads of a cut read for them, or of that what the heads can tell; and what they read where
            keys that only tell rows apart decide nothing. None where there is none of that.
        trigger: what the rule asks of the number of rows.
        lift: tells what events a head selects.
        move: moves these to where the product keeps them.
        said: what is to be said of any output.
    """

    target: Pipes
    plan: o.Plan
    cuts: tuple[Cut, ...]
    shown: set[int]
    read: Callable[[Cut, bool, bool], Reading | None]
    trigger: Trigger | None
    lift: Lifted
    move: Move
    options: Options
    said: tuple[Diagnostic, ...]

    def faithful(self) -> Output | None:
        """The plan operator by operator, from the first cut whose heads are told as they are; None where there is none."""
        for apart, cut in itertools.product((False, True), self.cuts):
            heads: list[Detection | NoDetection] = []
            for timed in (False, True):
                if timed and not (self.target.tells_time and windows_decide(heads)):
                    continue
                written = self.written(cut, timed, False, heads.append, apart)
                if written is not None and is_faithful(written[1].diagnostics):
                    return self.counted(*written, timed)
        return None

    def loose(self) -> Output | None:
        """What can be said of the main line of the plan; None where that is less than one condition."""
        for cut in loose_cuts(self.plan.root):
            written = self.written(cut, False, True)
            if written is None or written[1].verdict.rank <= Verdict.SAME_ALERTS.rank:
                continue  # what the faithful way refuses is not made good by saying less
            head, output, _ = written
            # A line that begins so is a command: literals have no line breaks.
            if "\n| where " in output.text.lower() or any(s.predicate != TRUE for s in head.selectors):
                return self.counted(*written, False)
        return None

    def written(
        self, cut: Cut, timed: bool, loose: bool, lifted: Callable[[Detection | NoDetection], None] = lambda found: None,
        apart: bool = False,
    ) -> Written | None:  # fmt: skip
        """The events of a cut's heads, and what is written over them; None where that cannot be told. ``lifted`` is told of the heads."""
        for told in (False,) if loose else (False, True):
            reading = self.read(cut, told, apart)
            found = None if reading is None else self._written(cut, reading, timed, loose, lifted)
            if found is not None:
                return found
        return None

    def _written(
        self, cut: Cut, reading: Reading, timed: bool, loose: bool, lifted: Callable[[Detection | NoDetection], None]
    ) -> Written | None:
        def lift(part: o.Plan) -> Detection | None:
            found = self.lift(timed, part)
            lifted(found)
            if not isinstance(found, Detection):
                return None
            return found if loose or verdict_of(found.diagnostics).rank <= Verdict.SAME_ALERTS.rank else None

        try:
            source = self.options.fields == "source"
            case = case_of(self.plan, cut, self.shown, reading, lift, self.move, source, timed, loose)
            return None if case is None else (case.placed.detection, self.target.pipe(case, self.options), case.mixed)
        except (Cannot, TooLarge):
            return None

    def counted(self, head: Detection, output: Output, mixed: tuple[Diagnostic, ...], timed: bool) -> Output | None:
        """An output that asks for as many rows as the rule does; None where it cannot."""
        said = (*output.diagnostics, *mixed, *self.said)
        output = replace(output, head=head, lookback=head.lookback, timed=timed, diagnostics=said)
        if self.trigger is None:
            return output
        if not isinstance(self.target, CountsRows) or "result_count" in output.columns:
            return None
        counted = self.target.with_rows(output, self.trigger, ())
        return replace(counted, columns={}) if self.trigger.holds_for_none else counted
