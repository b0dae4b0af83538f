"""Elastic EQL.

Facts (elastic.co/docs/reference/query-languages/eql/eql-syntax): ``==`` and ``in`` keep case, ``:`` and functions with ``~`` do not;
a comparison with a missing field is null, so ``not`` of it is too; ``sample by`` joins events without order and drops those that
lack the key.
"""

from __future__ import annotations

import itertools

from translator.detection.model import Detection, Selector
from translator.fidelity import Diagnostic
from translator.plan.expressions import TRUE, Apply, Expr
from translator.rulepack.model import Rule
from translator.targets.base import Cannot, Names, Options, Output, Predicates, text_of, translated, values
from translator.targets.elastic import dataset, field, literal, lucene, lucene_of, string
from translator.targets.text import term

MAX_QUERIES = 16
"""How many queries one rule may need: the alternatives of all sides multiplied."""


def _call(name: str):  # type: ignore[no-untyped-def]
    return lambda f, rest, node: f"{name}({f}, {string(text_of(rest, node))})"


def _regex(operator: str):  # type: ignore[no-untyped-def]
    return lambda f, rest, node: f"{f} {operator} {string(lucene_of(rest, node, operator.endswith('~')))}"


def _has(operator: str, prefix: bool = False, suffix: bool = False):  # type: ignore[no-untyped-def]
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        value = text_of(rest, node)
        before, _, after = term(value)
        head = "(.*[^A-Za-z0-9])?" if before and not suffix else ".*"
        tail = "([^A-Za-z0-9].*)?" if after and not prefix else ".*"
        return f"{f} {operator} {string(head + lucene.escape(value) + tail)}"

    return spell


def _compare(operator: str):  # type: ignore[no-untyped-def]
    return lambda f, rest, node: f"{f} {operator} {literal(values(rest[0])[0])}"


def _in(operator: str):  # type: ignore[no-untyped-def]
    return lambda f, rest, node: f"{f} {operator} ({', '.join(map(literal, values(rest[0])))})"


ATOMS = {
    "==": _compare("=="),
    "=~": _in("in~"),
    "in": _in("in"),
    "in~": _in("in~"),
    "contains": _call("stringContains~"),
    "contains_cs": _call("stringContains"),
    "startswith": _call("startsWith~"),
    "startswith_cs": _call("startsWith"),
    "endswith": _call("endsWith~"),
    "endswith_cs": _call("endsWith"),
    "has": _has("regex~"),
    "has_cs": _has("regex"),
    "hasprefix": _has("regex~", prefix=True),
    "hasprefix_cs": _has("regex", prefix=True),
    "hassuffix": _has("regex~", suffix=True),
    "hassuffix_cs": _has("regex", suffix=True),
    "matches regex": _regex("regex"),
    "matches regex~": _regex("regex~"),
    "cidr": lambda f, rest, node: f"cidrMatch({f}, {', '.join(map(literal, values(rest[0])))})",
    "<": _compare("<"),
    "<=": _compare("<="),
    ">": _compare(">"),
    ">=": _compare(">="),
}
"""``=~`` is a list of one, since ``:`` would read ``*`` and ``?`` in the literal as wildcards."""


class Eql:
    name = "eql"
    extension = "eql"

    def translate(self, rule: Rule, detection: Detection, options: Options) -> Output:
        return translated(
            detection, lambda d: self.written(d, options), lambda _, part: _Writer(Names("elastic", options)).predicates.render(part)
        )

    def written(self, detection: Detection, options: Options) -> Output:
        names = Names("elastic", options)
        writer = _Writer(names)
        try:
            texts = writer.texts(detection)
        except Cannot as refused:
            return Output(self.name, (), (*detection.diagnostics, *names.diagnostics(), refused.diagnostic))
        return Output(self.name, texts, (*detection.diagnostics, *names.diagnostics()))


class _Writer:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.predicates = Predicates(
            names, ATOMS, field, "{0} == null", "{0} != null", '{0} == ""', '{0} != ""', "true", "false", " and ", " or ", "not "
        )

    def texts(self, detection: Detection) -> tuple[str, ...]:
        if detection.kind == "event":
            return tuple(self.event(s) for s in detection.selectors)
        if detection.kind not in ("temporal", "temporal_ordered"):
            raise Cannot(Diagnostic("target-cannot", "EQL does not count events", None))
        if any(side.threshold for side in detection.sides):
            raise Cannot(Diagnostic("target-cannot", "EQL does not count events", None))
        if detection.bin:
            raise Cannot(Diagnostic("target-cannot", "an EQL sample has no fixed buckets of time", None))
        if any(side.absent for side in detection.sides):
            raise Cannot(Diagnostic("target-cannot", "an EQL sample cannot ask for events that are absent", None))
        if not all(detection.guaranteed):
            self.names.say("empty-join-key", "events without the join key match each other in KQL, and are left out here")
        orders = [detection.sides]
        if detection.within is not None and detection.kind == "temporal":
            orders.append(detection.sides[::-1])
        every = itertools.chain(*(itertools.product(*(side.selectors for side in sides)) for sides in orders))
        combinations = list(itertools.islice(every, MAX_QUERIES + 1))
        if len(combinations) > MAX_QUERIES:
            raise Cannot(Diagnostic("target-cannot", f"this rule needs more than {MAX_QUERIES} queries in EQL", None))
        in_order = detection.kind == "temporal_ordered" or detection.within is not None
        head = f"sequence with maxspan={detection.within or detection.timespan}s" if in_order else "sample"
        return tuple(self.sample(c, head) for c in combinations)

    def where(self, selector: Selector) -> str:
        condition = f"event.dataset == {string(dataset(self.names, selector.table))}"
        if selector.predicate != TRUE:
            nested = isinstance(selector.predicate, Apply) and selector.predicate.function == "or"
            condition += " and " + self.predicates.render(selector.predicate, nested)
        return f"any where {condition}"

    def event(self, selector: Selector) -> str:
        return self.where(selector)

    def sample(self, selectors: tuple[Selector, ...], head: str) -> str:
        lines = [head]
        for selector in selectors:
            keys = ", ".join(field(self.names.field(k)) for k in selector.keys)
            lines.append(f"  [{self.where(selector)}] by {keys}")
        return "\n".join(lines)
