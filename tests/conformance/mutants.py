"""Wrong translations, made on purpose: each is to be contradicted by the events of the rule.

The KQL of a rule is changed in one place (a filter dropped, ``and`` for ``or``, a threshold off by one, case lost, ``contains`` for
``has``, an alternative or a negation lost), and what is written of the changed rule is given for a translation of the right one. Prints how
many were caught, and those that were not. Exit status 1 where the score is less than asked for.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import translator
from translator.fidelity import Verdict
from translator.kql import syntax as s
from translator.kql.parser import parse
from translator.kql.printer import to_kql
from translator.rulepack.model import Rule, TextMap
from translator.targets.base import Options, Output
from translator.verify.proof import Outcome, Trial

_OPERATORS = {
    ">": ">=", ">=": ">", "<": "<=", "<=": "<", "==": "=~", "!=": "!~", "has": "contains", "!has": "!contains", "startswith": "contains",
    "endswith": "contains", "contains": "has", "=~": "!~",
}  # fmt: skip
GOOD = (Verdict.EXACT, Verdict.SAME_ALERTS)


def changed(node: Any) -> Iterator[tuple[str, Any]]:
    """The ways to change one place of a node, each with what was done."""
    match node:
        case s.Binary(operator=operator) if operator in _OPERATORS:
            yield f"{_OPERATORS[operator]} for {operator}", replace(node, operator=_OPERATORS[operator])
        case s.Logical(operator=operator):
            other = "or" if operator == "and" else "and"
            yield f"{other} for {operator}", replace(node, operator=other)
        case s.Literal(kind="long" | "int", value=int(value)):
            yield f"{value + 1} for {value}", replace(node, value=value + 1, text=str(value + 1))
        case s.Call(name="not", arguments=(inner,)):
            yield "not lost", inner
        case s.Membership(values=values) if len(values) > 1:
            yield "an alternative lost", replace(node, values=values[:-1])
        case s.Pipeline(operators=operators):
            for number, operator in enumerate(operators):
                if isinstance(operator, s.Where):
                    yield "a filter lost", replace(node, operators=operators[:number] + operators[number + 1 :])
    if isinstance(node, tuple):
        for number, part in enumerate(node):
            for what, new in changed(part):
                yield what, (*node[:number], new, *node[number + 1 :])
    elif isinstance(node, s.Node):
        for field in fields(node):
            for what, new in changed(getattr(node, field.name)):
                yield what, replace(node, **{field.name: new})


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for what, query in changed(parse(rule.query)):
        kql = to_kql(query)
        yield what, replace(rule, query=kql, text_map=TextMap.locate(kql, kql.split("\n"), 0))


def tried(rule: Rule, targets: tuple[str, ...], pick: random.Random, most: int) -> Iterator[tuple[str, str, Outcome]]:
    """Each mutant that is written with a good verdict: what was done, for which target, and what came of it."""
    right = translator.convert(rule, targets)
    wanted = [t for t in targets if right.outputs[t].verdict in GOOD]
    if not wanted:
        return
    trial = Trial(right, Options())
    proven = [t for t in wanted if trial.prove(t, right.outputs[t]).outcome is Outcome.PROVEN]
    found = list(mutants(rule))
    for what, mutant in pick.sample(found, min(most, len(found))):
        try:
            wrong = translator.convert(mutant, tuple(proven))
        except Exception:  # a change may leave no query that binds
            continue
        for target in proven:
            output = wrong.outputs[target]
            if output.verdict in GOOD and output.texts != right.outputs[target].texts:
                given = Output(target, output.texts, (), lookback=output.lookback, head=output.head)
                yield what, target, trial.prove(target, given).outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=10, help="mutants of a rule")
    parser.add_argument("--step", type=int, default=1, help="every which rule is taken")
    parser.add_argument("--need", type=float, default=0, help="the score in percent")
    given = parser.parse_args()
    pick, caught, all_ = random.Random(given.seed), collections.Counter[str](), collections.Counter[str]()
    survivors = []
    for file in sorted(given.rules.rglob("*.yaml"))[:: given.step]:
        try:
            rules = list(translator.read_rules(file))
            for rule in rules:
                for what, target, outcome in tried(rule, ("splunk", "esql", "eql", "sigma"), pick, given.most):
                    if outcome is not Outcome.NOT_EXECUTABLE:
                        all_[target] += 1
                        caught[target] += outcome is Outcome.CONTRADICTED
                        if outcome is Outcome.PROVEN:
                            survivors.append(f"{file.name}: {target}: {what}")
        except Exception as error:  # a rule that cannot be read has no mutants
            print(f"{file.name}: {type(error).__name__}: {str(error)[:120]}")
    for survivor in survivors:
        print(f"  not caught: {survivor}")
    score = 100 * caught.total() / max(1, all_.total())
    by_target = ", ".join(f"{t} {caught[t]} of {n}" for t, n in sorted(all_.items()))
    print(f"{caught.total()} of {all_.total()} wrong translations caught, {score:.1f}% ({by_target})")
    return int(score < given.need)


if __name__ == "__main__":
    sys.exit(main())
