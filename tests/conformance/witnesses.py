"""Witness events for a folder of rules, run on the engine: how many rules alert, and whether worlds show what they are meant to.

Exit status 1 where no rule could be run.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import sys
import time
from pathlib import Path

import translator
from translator.engine import EngineError
from translator.kql.errors import KqlSyntaxError
from translator.plan.binder.problems import BindError
from translator.rulepack import Unread, rules_at
from translator.verify.witness import made, reached
from translator.verify.witness.judging import judged

NOW = dt.datetime(2026, 5, 1, 12, 0)


class Figures:
    """What was counted over all rules."""

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.why: collections.Counter[str] = collections.Counter()
        self.seconds: collections.Counter[str] = collections.Counter()
        self.slowest = (0.0, "")

    def share(self, part: str, whole: str) -> str:
        return f"{self.counts[part]} of {self.counts[whole]} ({100 * self.counts[part] / max(1, self.counts[whole]):.1f}%)"


def measure(name: str, kql: str, figures: Figures, seed: int, verbose: bool) -> None:
    """Makes the worlds of one rule and runs them."""
    counts = figures.counts
    try:
        plan = translator.bind(kql)
    except (KqlSyntaxError, BindError):
        counts["not bindable"] += 1
        return
    counts["rules"] += 1
    begun = time.perf_counter()
    found = made(plan, NOW, seed)
    making = time.perf_counter() - begun
    figures.slowest = max(figures.slowest, (making, name))
    begun = time.perf_counter()
    verdicts = judged(kql, found.worlds, NOW)
    running = time.perf_counter() - begun
    begun = time.perf_counter()
    coverage = reached(plan, found.worlds, NOW)
    for what, spent in (("making", making), ("running", running), ("coverage", time.perf_counter() - begun)):
        figures.seconds[what] += spent  # type: ignore[assignment]
    errors = [v for v in verdicts if isinstance(v, EngineError)]
    counts["worlds"] += len(found.worlds)
    counts["events"] += sum(len(w.events) for w in found.worlds)
    counts["worlds not run"] += len(errors)
    alerting = any(v is True for v in verdicts)
    counts["alerting"] += alerting
    if errors and len(errors) == len(verdicts):
        counts["rules not run"] += 1
        figures.why[f"engine: {str(errors[0])[:70]}"] += 1
    elif not alerting:
        figures.why[next((f"{u.why[:70]}" for u in found.unreached), "no reason given")] += 1
    if verbose and not alerting:
        print(f"no alert: {name}: {str(errors[0])[:100] if errors else [u.why[:90] for u in found.unreached[:2]]}")
    for world, verdict in zip(found.worlds, verdicts, strict=True):
        if isinstance(verdict, EngineError):
            continue
        kind = {True: "hits", False: "misses", None: "unknown"}[world.hits]
        counts[kind] += 1
        if world.hits is not None:
            counts[f"{kind} as meant"] += verdict is world.hits
            if verbose and verdict is not world.hits:
                print(f"not as meant ({kind}): {name}: {world.about}")
    counts["atoms"] += len(coverage.atoms)
    counts["atoms both ways"] += sum(a.true and a.false for a in coverage.atoms)
    counts["atoms one way"] += sum(a.true != a.false for a in coverage.atoms)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", type=Path, help="a folder of rules")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="0/1", help="N/M: each M-th rule, from the N-th on")
    parser.add_argument("--verbose", action="store_true", help="name the rules that do not alert, and the worlds that are not as meant")
    options = parser.parse_args()
    first, step = map(int, options.part.split("/"))
    figures = Figures()
    for item in rules_at(options.rules)[first::step]:
        if isinstance(item, Unread):
            figures.counts["not readable"] += item.fault
        else:
            measure(Path(item.source).name, item.query, figures, options.seed, options.verbose)
    counts = figures.counts
    for why, number in figures.why.most_common(12):
        print(f"  no alert: {number} {why}")
    print(f"rules that alert: {figures.share('alerting', 'rules')}, {counts['rules not run']} that the engine cannot run")
    print(f"worlds meant to alert that do: {figures.share('hits as meant', 'hits')}")
    print(
        f"near misses that do not alert: {figures.share('misses as meant', 'misses')}; {counts['unknown']} worlds of which it is not known"
    )
    print(f"atoms reached both ways: {figures.share('atoms both ways', 'atoms')}, one way {counts['atoms one way']}")
    print(f"{counts['worlds']} worlds, {counts['events']} events, {counts['worlds not run']} worlds not run")
    each = {w: f"{s / max(1, counts['rules']):.3f} s" for w, s in figures.seconds.items()}
    print(f"a rule: {each}, the slowest was made in {figures.slowest[0]:.2f} s ({figures.slowest[1]})")
    return 0 if counts["alerting"] else 1


if __name__ == "__main__":
    sys.exit(main())
