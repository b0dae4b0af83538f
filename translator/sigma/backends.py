"""Any installed pySigma backend as a target: ``-t pysigma:NAME``.

What a backend cannot say it refuses, and its refusal is a diagnostic. What it drops or changes in silence stands in ``LOSSES``, each
entry held against the backend by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from translator.detection.model import Detection
from translator.fidelity import Diagnostic
from translator.rulepack.model import Rule
from translator.sigma.emit import Sigma
from translator.targets.base import Options, Output

LOSSES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("splunk", "window"): ("window-bucketed", "the Splunk backend counts in fixed buckets of time, not in sliding windows"),
    ("esql", "window"): ("window-bucketed", "the ES|QL backend counts in fixed buckets of time, not in sliding windows"),
    ("eql", "temporal"): ("window-dropped", "an EQL sample has no time window of its own"),
    ("eql", "several-counted"): ("backend-differs", "the EQL backend wants an event of every rule in order, where any of them counts"),
    ("eql", "ordered"): ("backend-differs", "the EQL backend asks the last event of a sequence to repeat"),
    ("esql", "negation"): ("missing-negated", "ES|QL's comparisons leave out events that lack the field, negated ones as well"),
    ("kusto", "null"): ("backend-differs", "the Kusto backend asks isnull() of a field, which no string is"),
    ("lucene", "regex-case"): ("backend-differs", "Lucene has no (?i): it reads the flag as text"),
    ("elastalert", "regex-case"): ("backend-differs", "Lucene has no (?i): it reads the flag as text"),
    ("esql", "regex-case"): ("backend-differs", "RLIKE has no (?i): it reads the flag as text"),
    ("eql", "regex-case"): ("backend-differs", "EQL's regex has no (?i): it reads the flag as text"),
}
"""Code and message by backend and feature of the Sigma: what stock backends lose without a word.

Source: the backends' own output, pysigma-backend-splunk 2.1, -elasticsearch 2.1, -kusto 1.0.
"""


def features(documents: list[dict[str, Any]]) -> set[str]:
    """What a backend must keep: windows, order, case, missing fields."""
    found: set[str] = set()
    for document in documents:
        correlation = document.get("correlation")
        if correlation:
            found.add("window")
            kind = correlation["type"]
            found |= {"ordered"} if kind == "temporal_ordered" else {"temporal"} if kind == "temporal" else set()
            if kind == "event_count" and len(correlation["rules"]) > 1:
                found.add("several-counted")
            continue
        detection = document["detection"]
        if "not " in str(detection["condition"]):
            found.add("negation")
        for items in detection.values():
            for key, value in items.items() if isinstance(items, dict) else ():
                if value is None or (isinstance(value, list) and None in value):
                    found.add("null")
                if key.endswith("|re|i"):
                    found.add("regex-case")
    return found


class Backend:
    """The portable lane: the rule's Sigma, converted by a pySigma backend of that name."""

    extension = "txt"

    def __init__(self, name: str) -> None:
        self.backend = name
        self.name = f"pysigma:{name}"

    def translate(self, rule: Rule, detection: Detection, options: Options) -> Output:
        from sigma.collection import SigmaCollection
        from sigma.exceptions import SigmaError
        from sigma.plugins import InstalledSigmaPlugins

        sigma = Sigma().translate(rule, detection, options)
        if not sigma.texts:
            return Output(self.name, (), sigma.diagnostics, "portable")
        plugins = InstalledSigmaPlugins.autodiscover()
        make = plugins.backends.get(self.backend)
        if make is None:
            known = ", ".join(sorted(plugins.backends))
            return Output(
                self.name, (), (Diagnostic("target-cannot", f"no pySigma backend {self.backend} is installed; there are {known}"),)
            )
        diagnostics = list(sigma.diagnostics)
        documents = list(yaml.safe_load_all(sigma.text))
        wanted = features(documents)
        diagnostics += [Diagnostic(*LOSSES[self.backend, f]) for f in sorted(wanted) if (self.backend, f) in LOSSES]
        try:
            pipeline = plugins.get_pipeline_resolver().resolve(list(options.pipelines)) if options.pipelines else None
            backend: Any = make
            queries = backend(processing_pipeline=pipeline).convert(SigmaCollection.from_dicts(documents))
        except (SigmaError, NotImplementedError, ValueError) as error:
            reason = str(error).split("\n")[0]
            refusal = Diagnostic("target-cannot", f"the backend {self.backend} refuses this rule: {reason}")
            return Output(self.name, (), (*diagnostics, refusal), "portable")
        return Output(self.name, tuple(str(q) for q in queries), tuple(dict.fromkeys(diagnostics)), "portable")
