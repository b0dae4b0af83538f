"""Wrong translations, made on purpose: each is to be contradicted by the events of the rule.

The KQL of a rule is changed in one place, and what is written of the changed rule is given for a translation of the right one. A change
that changes nothing is not made: the case of values without letters, parts for words that have marks at both ends. Prints how many were
caught, by target and by kind, and those that were not, with a reason; of these it tells apart those that are no other rule as far as the
events of the changed rule show. Exit status 1 where the score of a target is less than asked for, or where what is written of a changed
rule claims more than its own events allow.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import translator
from translator.fidelity import Verdict
from translator.kql import syntax as s
from translator.kql.parser import parse
from translator.kql.printer import to_kql
from translator.pipeline import Conversion
from translator.rulepack.model import Rule, TextMap
from translator.targets.base import Options, Output
from translator.verify.proof import Outcome, Proof, Trial
from translator.verify.witness import Worlds

_OF_CASE = {
    "==": "=~",
    "!=": "!~",
    "has_cs": "has",
    "contains_cs": "contains",
    "startswith_cs": "startswith",
    "endswith_cs": "endswith",
    "in": "in~",
}
_LONGER = {"has": "contains", "!has": "!contains", "startswith": "contains", "endswith": "contains", "contains": "has", "has_any": "in~"}
_BEYOND = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}
_TURNED = {
    ">": "<",
    ">=": "<=",
    "<": ">",
    "<=": ">=",
    "==": "!=",
    "=~": "!~",
    "has": "!has",
    "contains": "!contains",
    "in": "!in",
    "in~": "!in~",
}
_NEGATED = frozenset({"!=", "!~", "!has", "!contains", "!startswith", "!endswith", "!in", "!in~"})
GOOD = (Verdict.EXACT, Verdict.SAME_ALERTS)


def changed(node: Any) -> Iterator[tuple[str, Any]]:
    """The ways to change one place of a node, each with its kind."""
    match node:
        case s.Binary() | s.Membership() | s.Between():
            yield from _of_condition(node)
        case s.Logical(operator=operator, operands=operands):
            yield "and/or swapped", replace(node, operator="or" if operator == "and" else "and")
            for place in range(len(operands)) if len(operands) > 1 else ():
                rest = operands[:place] + operands[place + 1 :]
                kind = "a condition lost" if operator == "and" else "an alternative lost"
                yield kind, rest[0] if len(rest) == 1 else replace(node, operands=rest)
        case s.Call(name="not", arguments=(inner,)):
            yield "a direction not turned", inner
        case s.Call(name="hourofday" | "startofday" | "dayofweek", arguments=(inner,)):
            yield "time zone", replace(node, arguments=(s.Binary(inner.span, "+", inner, _span(inner, "2h")),))
        case s.Pipeline(operators=operators):
            for number, operator in enumerate(operators):
                if isinstance(operator, s.Where):
                    yield "a filter lost", replace(node, operators=operators[:number] + operators[number + 1 :])
        case s.Summarize(by=by):
            for number, key in enumerate(by):
                kind = "a bin lost" if _is_bin(key) else "a key lost"
                yield kind, replace(node, by=by[:number] + by[number + 1 :])
            if by and not any(map(_is_bin, by)):
                time = s.NameReference(node.span, "TimeGenerated")
                yield "tumbling for sliding", replace(node, by=(*by, s.Call(node.span, "bin", (time, _span(node, "1h")))))
        case s.Join(conditions=conditions) if conditions is not None:
            for number, condition in enumerate(conditions):
                if len(conditions) > 1:
                    yield "wrong join key", replace(node, conditions=conditions[:number] + conditions[number + 1 :])
                other = s.NameReference(condition.span, "Type")
                if isinstance(condition, s.NameReference):
                    yield "wrong join key", replace(node, conditions=(*conditions[:number], other, *conditions[number + 1 :]))
    if isinstance(node, tuple):
        for number, part in enumerate(node):
            for what, new in changed(part):
                yield what, (*node[:number], new, *node[number + 1 :])
    elif isinstance(node, s.Node):
        for field in fields(node):
            for what, new in changed(getattr(node, field.name)):
                yield what, replace(node, **{field.name: new})


def _of_condition(node: s.Binary | s.Membership | s.Between) -> Iterator[tuple[str, Any]]:
    operator, left = node.operator, node.left
    others = [node.right] if isinstance(node, s.Binary) else list(node.values) if isinstance(node, s.Membership) else []
    values = [o.value for o in others if isinstance(o, s.Literal)]
    texts = [v for v in values if isinstance(v, str) and any(c.isalpha() for c in v)]
    if operator in _OF_CASE and (texts or (operator == "==" and not values)):
        yield "case lost", replace(node, operator=_OF_CASE[operator])
    if operator in _LONGER and (operator not in ("has", "!has", "contains") or any(v[:1].isalnum() or v[-1:].isalnum() for v in texts)):
        yield f"{_LONGER[operator]} for {operator}", replace(node, operator=_LONGER[operator])
    if operator in _TURNED and isinstance(node, s.Binary) and not values and operator in _BEYOND:
        yield "order swapped", replace(node, operator=_TURNED[operator])
    elif operator in _TURNED:
        yield "a direction not turned", replace(node, operator=_TURNED[operator])
    if operator in _BEYOND:
        yield "threshold off by one", replace(node, operator=_BEYOND[operator])
    if operator in _NEGATED and values:
        there = s.Call(left.span, "isnotempty", (left,))
        yield "missing field under a negation", s.Parenthesized(node.span, s.Logical(node.span, "and", (there, node)))
    if isinstance(node, s.Membership) and len(node.values) > 1:
        yield "an alternative lost", replace(node, values=node.values[:-1])
        yield "an alternative lost", replace(node, values=node.values[1:])
    if isinstance(node, s.Binary):
        right = node.right
        if isinstance(right, s.Literal) and isinstance(right.value, int) and right.kind in ("long", "int"):
            number = right.value + 1
            yield "threshold off by one", replace(node, right=replace(right, value=number, text=str(number)))
        if isinstance(right, s.Literal) and isinstance(right.value, str) and (wild := _unescaped(operator, right)) is not None:
            yield "unescaped wildcard", replace(node, operator="matches regex", right=wild)
        if operator in _BEYOND and isinstance(right, s.Call) and right.name == "ago":
            later = s.Binary(right.span, "+", right, _span(right, "1h"))
            yield "time zone", replace(node, right=s.Parenthesized(right.span, later))


def _unescaped(operator: str, right: s.Literal) -> s.Literal | None:
    """A pattern in which the wildcards of a text stand for anything; None where it has none."""
    text = str(right.value)
    frame = {"contains": ("", ""), "startswith": ("^", ""), "==": ("^", "$"), "=~": ("^", "$")}.get(operator)
    if frame is None or not ({"*", "?"} & set(text)):
        return None
    pattern = "".join(
        ".*" if c == "*" else "." if c == "?" else f"[{c}]" if not c.isalnum() and c not in "\\^]" else f"\\{c}" if not c.isalnum() else c
        for c in text
    )
    flags = "" if operator == "==" else "(?i)"
    pattern = f"{flags}{frame[0]}{pattern}{frame[1]}"
    return replace(right, value=pattern, text="@'" + pattern.replace("'", "''") + "'")


def _span(node: s.Node, text: str) -> s.Literal:
    found = parse(f"print {text}")
    literals = [n for n in _nodes(found) if isinstance(n, s.Literal)]
    return replace(literals[0], span=node.span)


def _nodes(node: Any) -> Iterator[s.Node]:
    if isinstance(node, s.Node):
        yield node
        for field in fields(node):
            yield from _nodes(getattr(node, field.name))
    elif isinstance(node, tuple):
        for part in node:
            yield from _nodes(part)


def _is_bin(key: s.Node) -> bool:
    return any(isinstance(n, s.Call) and n.name in ("bin", "startofday", "startofhour") for n in _nodes(key))


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong translation on one target: what was done, with what in the KQL, and what came of it.

    Attributes:
        apart: the right rule and the changed one, by the events of the latter.
    """

    kind: str
    target: str
    kql: str
    output: Output
    proof: Proof
    apart: Apart

    @property
    def is_told(self) -> bool:
        """Whether its own events tell it from the right one."""
        return self.apart.tell(self.target, self.output)


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for what, query in changed(parse(rule.query)):
        kql = to_kql(query)
        yield what, replace(rule, query=kql, text_map=TextMap.locate(kql, kql.split("\n"), 0))


def tried(rule: Rule, targets: tuple[str, ...], pick: random.Random, most: int) -> Iterator[Mutant]:
    """Each mutant that is written with a good verdict."""
    right = translator.convert(rule, targets)
    wanted = [t for t in targets if right.outputs[t].verdict in GOOD]
    if not wanted:
        return
    trial = Trial(right, Options())
    proven = [t for t in wanted if trial.prove(t, right.outputs[t]).outcome is Outcome.PROVEN]
    if not proven:
        return
    found = list(mutants(rule))
    for what, mutant in pick.sample(found, min(most, len(found))):
        try:
            wrong = translator.convert(mutant, tuple(proven))
            apart = Apart(right, wrong)
        except Exception:  # a change may leave no query that binds
            continue
        for target in proven:
            output = wrong.outputs[target]
            if output.verdict in GOOD and output.texts != right.outputs[target].texts:
                given = Output(target, output.texts, (), lookback=output.lookback, head=output.head, lane="given")
                yield Mutant(what, target, mutant.query, given, trial.prove(target, given), apart)


class Apart:
    """A rule and a changed one, by the events of the changed one."""

    def __init__(self, right: Conversion, wrong: Conversion) -> None:
        self.wrong = wrong
        self.changed = Trial(wrong, Options())
        self.trial = Trial(right, Options(), worlds=Worlds(self.changed.worlds))

    def tell(self, target: str, output: Output) -> bool:
        """Whether any of these events tell a translation of the changed rule from one of the right rule."""
        return self.trial.prove(target, output).outcome is Outcome.CONTRADICTED

    def contradict(self, target: str) -> bool:
        """Whether they contradict what is claimed of the translation of the changed rule, which is none of the right one."""
        return self.changed.prove(target, self.wrong.outputs[target]).outcome is Outcome.CONTRADICTED


def _reason(proof: Proof) -> str:
    """Why a mutant may have survived, as far as the proof tells."""
    unreached = [a for a in proof.coverage.atoms if not (a.true and a.false)]
    if unreached:
        return f"no world reaches both answers of {unreached[0].text[:60]}"
    return f"each condition was reached both ways; compared: {proof.compared.value}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=16, help="mutants of a rule")
    parser.add_argument("--step", type=int, default=1, help="every which rule is taken")
    parser.add_argument("--need", type=float, default=0, help="the score that each target needs, in percent")
    parser.add_argument("--own", action="store_true", help="each is tried as a translation of the changed rule as well")
    parser.add_argument("--show", action="store_true", help="the changed KQL of those that were not caught")
    given = parser.parse_args()
    claimed = 0
    pick, caught, all_, same = random.Random(given.seed), *(collections.Counter[tuple[str, str]]() for _ in range(3))
    for file in sorted(given.rules.rglob("*.yaml"))[:: given.step]:
        try:
            for rule in translator.read_rules(file):
                for one in tried(rule, ("splunk", "esql", "eql", "sigma"), pick, given.most):
                    if one.proof.outcome is Outcome.NOT_EXECUTABLE:
                        continue
                    keys = (("target", one.target), ("kind", one.kind))
                    for key in keys:
                        all_[key] += 1
                        caught[key] += one.proof.outcome is Outcome.CONTRADICTED
                    if given.own and one.apart.contradict(one.target):
                        print(f"  claims too much: {file.name}: {one.target}: {' '.join(one.kql.split())}", flush=True)
                        claimed += 1
                    if one.proof.outcome is Outcome.PROVEN:
                        told = one.is_told
                        for key in () if told else keys:
                            same[key] += 1
                        why = _reason(one.proof) if told else "its own events do not tell it from the right one either"
                        print(f"  not caught: {file.name}: {one.target}: {one.kind}: {why}", flush=True)
                        if given.show:
                            print("    " + " ".join(one.kql.split()))
        except Exception as error:  # a rule that cannot be read has no mutants
            print(f"{file.name}: {type(error).__name__}: {str(error)[:120]}")
    scores = {key: 100 * caught[key] / number for key, number in all_.items()}
    for (of, name), number in sorted(all_.items()):
        print(f"  {of} {name}: {caught[of, name]} of {number}, {scores[of, name]:.1f}%")
    total, good, alike = (sum(n for (of, _), n in counted.items() if of == "target") for counted in (all_, caught, same))
    print(f"{good} of {total} wrong translations caught, {100 * good / max(1, total):.1f}%")
    print(
        f"{alike} of the others are told from the right ones by no events at all: {100 * good / max(1, total - alike):.1f}% without these"
    )
    return int(claimed > 0 or any(score < given.need for (of, _), score in scores.items() if of == "target"))


if __name__ == "__main__":
    sys.exit(main())
