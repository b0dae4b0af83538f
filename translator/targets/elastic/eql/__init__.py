"""Elastic EQL.

Facts (elastic.co/docs/reference/query-languages/eql/eql-syntax): ``==`` and ``in`` keep case, ``:`` and functions with ``~`` do not;
a comparison with a missing field holds for no event, and its ``not`` for each that lacks the field; ``sample by`` joins events without
order. Both drop events that lack a key, unless it is optional (``by ?field``): then those that lack it are joined with each other
(github.com/elastic/elasticsearch, pull 79677; for samples AggregatedQueryRequest.java).
"""

from __future__ import annotations

from translator.detection.model import Detection
from translator.rulepack.model import Rule
from translator.targets.base import Cannot, Options, Output
from translator.targets.elastic import KEEPS, UNREADABLE
from translator.targets.elastic.eql.predicates import eql_predicates, with_addresses
from translator.targets.elastic.eql.queries import Queries
from translator.targets.elastic.eql.said import check_keys, eql_diagnostics
from translator.targets.homes import Placed
from translator.targets.names import Names
from translator.targets.protocols import Target
from translator.targets.relaxation import rendering, translated


class Eql(Target):
    """Elastic EQL: events, sequences and samples; see ``translator.targets.protocols.Target`` for what the attributes say."""

    name = "eql"
    family = "elastic"
    extension = "eql"
    tells_time = True
    computes = False
    reads_json = False
    samples = True
    keeps = KEEPS

    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        def written(detection: Detection) -> Output:
            names = Names(self.family, options, placed.homes, UNREADABLE["eql"])
            predicates = eql_predicates(names, {d.span for d in detection.diagnostics if d.code == "empty-listed"})
            try:
                if detection.kind == "temporal_ordered" or detection.within is not None or any(side.absent for side in detection.sides):
                    check_keys(detection, names)
                texts = Queries(names, predicates).of(detection)
                names.said += eql_diagnostics(detection, names)
            except Cannot as refused:
                texts, names.said = (), [*names.said, refused.diagnostic]
            empty = predicates.lists if texts else set()
            told = {"empty-listed": empty, "bound-included": {d.span for d in detection.diagnostics} if detection.open else set()}
            kept = (d for d in detection.diagnostics if d.span not in told.get(d.code, ()))
            return names.output(self.name, texts, (*kept, *names.said))

        spell = rendering(lambda: eql_predicates(Names(self.family, options, placed.homes, UNREADABLE["eql"])))
        return translated(with_addresses(placed.detection), written, spell)
