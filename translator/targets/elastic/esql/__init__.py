"""Elastic ES|QL: a detection as a query, or a plan command by command."""

from __future__ import annotations

from dataclasses import replace

from translator.detection.model import Detection, Trigger
from translator.fidelity import Diagnostic
from translator.rulepack.model import Rule
from translator.targets.base import Cannot, Options, Output
from translator.targets.elastic import KEEPS, UNREADABLE, field
from translator.targets.elastic.esql.events import Events
from translator.targets.elastic.esql.heads import head
from translator.targets.elastic.esql.queries import query_of
from translator.targets.elastic.functions import MOST_PRECISE
from translator.targets.elastic.pipeline import EsqlWalk
from translator.targets.elastic.versions import OF_BASE_16, needed
from translator.targets.homes import Placed
from translator.targets.names import ESQL_JSON, Names
from translator.targets.pipeline.cases import PipelineCase
from translator.targets.pipeline.walk.results import finish
from translator.targets.protocols import CountsRows, LooksBack, Pipes
from translator.targets.relaxation import rendering, translated
from translator.targets.repeated import Repeated, written_once

MOST_ROWS = "\n| LIMIT 10000"
"""A query gives 1,000 rows unless it asks for more, and 10,000 at most (the page "Limitations" of ES|QL)."""


def tell_of(names: Names, text: str) -> None:
    """Says what a query needs beside its events."""
    if "NOW()" in text:
        names.say("now-in-query", "a part of the query has a window of its own, which ends at the time of the run")
    for words, (major, minor) in needed(text).items():
        name = "TO_LONG of a base" if words == OF_BASE_16 else words.rstrip(" (")
        what = f"{name} is a {'command' if words.endswith(' ') else 'function'}"
        names.say("elastic-version", f"{what} of Elasticsearch {major}.{minor} and later")


class Esql(Pipes, CountsRows, LooksBack):
    """Elastic ES|QL, from detections or operator by operator; the attributes are those of ``translator.targets.protocols``."""

    name = "esql"
    family = "elastic"
    extension = "esql"
    tells_time = True
    computes = True
    reads_json = True
    shows_rows = False
    chooses = True
    keeps = KEEPS

    def names(self, placed: Placed, options: Options) -> Names:
        """The fields of a detection, with what ES|QL alone reads: text of JSON, and ``flattened`` fields."""
        return Names(self.family, options, placed.homes, UNREADABLE["esql"], json=ESQL_JSON, flattened=True)

    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        def attempted(detection: Detection, repeated: Repeated) -> Output:
            names = self.names(placed, options)
            writer = Events(names, detection, rule.alert_columns, repeated)
            try:
                texts: tuple[str, ...] = (query_of(writer) + MOST_ROWS,)
            except Cannot as refused:
                texts, names.said = (), [*names.said, refused.diagnostic]
            for threshold in (detection.threshold, *(side.threshold for side in detection.sides)):
                if threshold is not None and threshold.kind == "value_count" and threshold.count > MOST_PRECISE:
                    names.say("count-approximate", f"ES|QL counts more than {MOST_PRECISE:,} different values by estimate")
            tell_of(names, "".join(texts))
            output = names.output(self.name, texts, (*detection.diagnostics, *names.said))
            return replace(output, columns=writer.columns, lookups=writer.lists.kinds) if texts else output

        def written(detection: Detection) -> Output:
            return written_once(lambda repeated: attempted(detection, repeated))

        return translated(placed.detection, written, rendering(lambda: Events(self.names(placed, options), placed.detection).predicates))

    def pipe(self, case: PipelineCase, options: Options) -> Output:
        """A plan command by command, over the events of its heads.

        Raises:
            Cannot: where something that decides has no words in ES|QL.
        """
        return written_once(lambda repeated: self._piped(case, options, repeated))

    def _piped(self, case: PipelineCase, options: Options, repeated: Repeated, places_told: bool = False) -> Output:
        """``places_told``: whether rows that are made of one event have numbers, which takes commands that few queries need."""
        names = self.names(case.placed, options)
        writer = Events(names, case.placed.detection, repeated=repeated)
        walk = EsqlWalk(case, head(writer, case), places_told)
        try:
            walk.run()
        except Cannot:
            if walk.wants_places and not places_told:
                return self._piped(case, options, repeated, True)
            raise
        columns = finish(walk)
        text = "\n| ".join(c.text for c in walk.commands)
        tell_of(names, text)
        if walk.commands[-1].verb != "LIMIT":
            text += MOST_ROWS
        output = names.output(self.name, (text,), (*case.placed.detection.diagnostics, *names.said, *walk.said), "pipeline")
        return replace(output, columns=columns, lookups=writer.lists.kinds, tables=walk.tables)

    def since(self, output: Output, moment: float) -> Output:
        """A query that states the moment in a condition of its own; no other window is in its text."""
        return replace(output, since=moment)

    def with_rows(self, output: Output, trigger: Trigger, keys: tuple[str, ...]) -> Output:
        named = [field(output.columns.get(k, k)) for k in keys]
        kept = "" if trigger.holds_for_none else "".join(f", {name} = VALUES({name})" for name in named)
        condition = f"\n| STATS result_count = COUNT(*){kept}\n| WHERE result_count {trigger.operator} {trigger.count}"
        said = Diagnostic("rows-differ", "the output shows how many rows there are, in one row")
        return replace(
            output, texts=(output.text.removesuffix(MOST_ROWS) + condition,), trigger=trigger, diagnostics=(*output.diagnostics, said)
        )
