"""Splunk SPL.

Facts: ``search`` compares without case and takes ``*`` as a wildcard, ``where`` and ``eval`` compare exactly; a comparison with a
missing field is null, which counts as false (Splunk Search Reference: search, where, eval, "Comparison and conditional functions").
Texts are greater than numbers ("Statistical eval functions", max); ``tonumber`` of what is no number is null ("Conversion functions").
``mvfilter`` keeps the values of a field for which a condition holds, and is null where none is left ("Multivalue eval functions").
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import floor

from translator.detection.model import Detection, Trigger
from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
from translator.plan.simplify import simplify
from translator.rulepack.model import Rule
from translator.targets.base import Cannot, Options, Output
from translator.targets.homes import Placed
from translator.targets.letters import letters_in, letters_in_events
from translator.targets.names import SPLUNK_JSON, Names
from translator.targets.pipeline.cases import PipelineCase
from translator.targets.pipeline.walk.results import finish
from translator.targets.protocols import CountsRows, LooksBack, Pipes
from translator.targets.relaxation import rendering, translated
from translator.targets.repeated import Repeated, written_once
from translator.targets.splunk.events import Events
from translator.targets.splunk.heads import head
from translator.targets.splunk.models import by_tags
from translator.targets.splunk.pipeline import SplWalk
from translator.targets.splunk.searches import search_of
from translator.targets.splunk.words import LETTERS


class Splunk(Pipes, CountsRows, LooksBack):
    """Splunk SPL, from detections or operator by operator; the attributes are those of ``translator.targets.protocols``."""

    name = "splunk"
    family = "splunk"
    extension = "spl"
    tells_time = True
    computes = True
    reads_json = True
    shows_rows = True
    chooses = True
    keeps = frozenset(
        {"suppression", "grouping-single", "grouping-each", "custom-details", "title", "title-of-column", "description", "no-incidents"}
    )

    def _names(self, placed: Placed, options: Options) -> Names:
        return Names(self.family, options, placed.homes, json=SPLUNK_JSON)

    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        def attempted(detection: Detection, repeated: Repeated) -> Output:
            names = self._names(placed, options)
            writer = Events(names, detection, rule.alert_columns, repeated)
            try:
                texts: tuple[str, ...] = (search_of(writer),)
            except Cannot as refused:
                texts, names.said = (), [*names.said, refused.diagnostic]
            said = (*detection.diagnostics, *names.said, *letters_in_events(detection, LETTERS))
            output = names.output(self.name, texts, said)
            return replace(output, macros=writer.macros, columns=writer.columns, lookups=writer.lists.kinds)

        def written(detection: Detection) -> Output:
            return written_once(lambda repeated: attempted(detection, repeated))

        return translated(placed.detection, written, rendering(lambda: Events(self._names(placed, options), placed.detection).predicates))

    def pipe(self, case: PipelineCase, options: Options) -> Output:
        """A plan command by command, over the events of a head.

        Raises:
            Cannot: where something that decides has no words in SPL.
        """
        case = replace(case, placed=by_tags(case.placed))
        return written_once(lambda repeated: self._piped(case, options, repeated))

    def _piped(self, case: PipelineCase, options: Options, repeated: Repeated) -> Output:
        names = self._names(case.placed, options)
        writer = Events(names, case.placed.detection, repeated=repeated)
        walk = SplWalk(case, head(writer, case))
        walk.run()
        columns = finish(walk)
        text = "\n| ".join(c.text for c in walk.commands)
        detection = case.placed.detection
        behind = (letters_in(simplify(node.predicate), Place.BOTH, LETTERS) for node in case.cut.operators() if isinstance(node, o.Filter))
        letters = (*letters_in_events(detection, LETTERS), *itertools.chain(*behind))
        output = names.output(self.name, (text,), (*detection.diagnostics, *names.said, *walk.said, *letters), "pipeline")
        return replace(output, macros=writer.macros, columns=columns, lookups=writer.lists.kinds, tables=walk.tables)

    def since(self, output: Output, moment: float) -> Output | None:
        """A search with ``earliest``, which goes before the time that it is run over.

        Source: Splunk Search Manual, "Specify time modifiers in your search"; a command that generates events has no such word.
        """
        if any(text.startswith("|") for text in output.texts):
            return None
        return replace(output, texts=tuple(f"earliest={floor(moment)} {text}" for text in output.texts), since=moment)

    def with_rows(self, output: Output, trigger: Trigger, keys: tuple[str, ...]) -> Output:
        text = output.text + row_condition(trigger)
        said = (Diagnostic("rows-differ", "the output shows how many rows there are, in one row"),) if trigger.holds_for_none else ()
        return replace(output, texts=(text,), trigger=trigger, diagnostics=(*output.diagnostics, *said))


def row_condition(trigger: Trigger) -> str:
    """The end of a search that finds something where the number of its rows is as asked for: all rows, or their number where none will do.

    Source: Splunk Search Reference, stats: without a by clause there is one row, even of no events; eventstats adds to each row.
    """
    command = "stats" if trigger.holds_for_none else "eventstats"
    return f"\n| {command} count as result_count\n| where result_count{trigger.operator}{trigger.count}"
