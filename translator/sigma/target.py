"""Sigma as a target: the documents of a detection, and the filters beside them."""

from __future__ import annotations

from translator.detection.model import Detection, Selector
from translator.plan.expressions import Expr
from translator.rulepack.model import Rule
from translator.sigma.documents import check, dump
from translator.sigma.emit import documents_of, spells
from translator.sigma.filters import filters
from translator.sigma.listed import without_empty
from translator.targets.base import Cannot, Options, Output
from translator.targets.homes import Placed
from translator.targets.names import Names
from translator.targets.protocols import Target
from translator.targets.relaxation import translated


class Sigma(Target):
    """Sigma rules and correlation rules, checked by pySigma before they are given out."""

    name = "sigma"
    family = "sigma"
    extension = "yml"
    tells_time = False
    computes = False
    reads_json = False
    keeps: frozenset[str] = frozenset({"odd-schedule"})

    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        def written(detection: Detection) -> Output:
            names = Names(self.family, options, placed.homes)
            try:
                documents = documents_of(rule, detection, names)
                check(documents)
            except Cannot as refused:
                return names.output(self.name, (), (*detection.diagnostics, *names.said, refused.diagnostic), "portable")
            text = "---\n".join(dump(d) for d in documents)
            beside = filters(rule, detection, options) if rule.exclusions else ""
            kept = (d for d in detection.diagnostics if not (detection.open and d.code == "bound-included"))
            return names.output(self.name, (text,), (*kept, *names.said), "portable", beside)

        def spell(selector: Selector, part: Expr) -> None:
            spells(Names(self.family, options, placed.homes), selector, part)

        return translated(without_empty(rule, placed.detection), written, spell)
