"""What a pack came to as a whole: totals, what stands in the way, and what survives of the ATT&CK techniques that it covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from translator import attack
from translator.fidelity import Verdict
from translator.pack import Entry
from translator.pipeline import Conversion
from translator.report.wanted import wanted
from translator.targets.base import Readiness

TARGETS = {"sigma": "Sigma", "splunk": "Splunk", "eql": "EQL", "esql": "ES|QL", "sql": "SQL"}
"""What people call the targets."""

UNTRIED = "not tried"

WORDS: dict[str, tuple[str, str]] = {
    "exact": ("=", "exact"),
    "same-alerts": ("\u2248", "same alerts"),
    "broader": ("\u2283", "broader"),
    "narrower": ("\u2282", "narrower"),
    "differs": ("\u2260", "differs"),
    "none": ("\u00d7", "none"),
    "failed": ("!", "failed"),
    "note": ("i", "note"),
    "ready": ("\u25cf", "ready"),
    "set-up": ("\u25d0", "set-up"),
    "names": ("\u25cb", "names"),
    "proven": ("\u2713", "proven"),
    "contradicted": ("\u2717", "contradicted"),
    "not executable": ("?", "not executable"),
    UNTRIED: ("\u2013", "not tried"),
}
"""The sign and the word of each verdict, readiness and outcome, and of what deviates nowhere: no colour says alone what it is."""

_TACTICS = (
    "reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "defense-evasion",
    "credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
)  # fmt: skip
"""The order of the tactics in ATT&CK's matrix (attack.mitre.org/matrices/enterprise)."""


@dataclass(frozen=True, slots=True)
class Part:
    """How many there are of one kind, and where it stands in a bar, in percent."""

    kind: str
    count: int
    at: float
    share: float


@dataclass(frozen=True, slots=True)
class Total:
    """What came of the rules in one target: the parts by verdict, by readiness and by proof."""

    verdict: list[Part]
    readiness: list[Part]
    proof: list[Part]


def totals(content: Mapping[str, Any], targets: Iterable[str]) -> dict[str, Total]:
    """The totals of a report by target."""
    summary, found = content["summary"], {}
    for target in targets:
        outputs = [r["outputs"][target] for r in content["rules"] if target in r["outputs"]]
        tried = Counter(o["proof"]["outcome"] if "proof" in o else UNTRIED for o in outputs)
        outcomes = ["proven", "contradicted", "not executable", UNTRIED]
        found[target] = Total(
            _parts(summary["verdicts"].get(target, {}), [v.value for v in Verdict]),
            _parts(summary["readiness"].get(target, {}), [r.value for r in Readiness]),
            _parts(tried, outcomes) if len(tried) > 1 or not tried[UNTRIED] else [],
        )
    return found


def _parts(counts: Mapping[str, int], kinds: Iterable[str]) -> list[Part]:
    found, at, whole = [], 0, sum(counts.values())
    for kind in kinds:
        if count := counts.get(kind, 0):
            found.append(Part(kind, count, round(100 * at / whole, 3), round(100 * count / whole, 3)))
            at += count
    return found


@dataclass
class Obstacle:
    """A code that keeps outputs from alerting as their rules do; rules are numbers of entries.

    Attributes:
        rules: those that it concerns, by target.
        freed: those of which nothing else deviates, by target.
    """

    code: str
    advice: str
    directions: set[str] = field(default_factory=set)
    rules: dict[str, set[int]] = field(default_factory=dict)
    freed: dict[str, set[int]] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)

    @property
    def concerns(self) -> int:
        return len(set[int]().union(*self.rules.values()))

    @property
    def frees(self) -> int:
        return len(set[int]().union(*self.freed.values()))

    @property
    def examples(self) -> list[tuple[str, int]]:
        """What is said most often."""
        return sorted(self.messages.items(), key=lambda item: (-item[1], item[0]))[:3]

    @property
    def worst(self) -> list[str]:
        """The directions in which outputs err for it, the worst last."""
        return [v.value for v in Verdict if v.value in self.directions]


def obstacles(entries: Sequence[Entry], targets: Iterable[str]) -> list[Obstacle]:
    """What stands in the way, that first which would free most rules of all deviations."""
    found: dict[str, Obstacle] = {}
    for number, entry in enumerate(entries):
        if not isinstance(entry.result, Conversion):
            continue
        messages = set[tuple[str, str]]()
        for target in targets:
            output = entry.result.outputs.get(target)
            deviating = [d for d in output.diagnostics if d.direction.rank >= Verdict.BROADER.rank] if output is not None else []
            codes = {d.code for d in deviating}
            for d in deviating:
                one = found.setdefault(d.code, Obstacle(d.code, d.advice))
                one.directions.add(d.direction.value)
                one.rules.setdefault(target, set()).add(number)
                if len(codes) == 1:
                    one.freed.setdefault(target, set()).add(number)
                messages.add((d.code, d.message))
        for code, message in messages:
            found[code].messages[message] += 1
    return sorted(found.values(), key=lambda one: (-one.frees, -one.concerns, one.code))


@dataclass(frozen=True, slots=True)
class Missing:
    """What a target lacks of a table: of how many rules, and how many it would make ready; ``columns`` with the rules that ask for each."""

    target: str
    table: str
    place: bool
    columns: list[tuple[str, int]]
    rules: int
    ready: int


def missing(entries: Sequence[Entry], targets: Iterable[str]) -> list[Missing]:
    """The names that are missing, those first that would make most rules ready."""
    found = [
        Missing(target, table, one.place, sorted(one.columns.items(), key=lambda item: (-item[1], item[0])), one.rules, one.ready)
        for target in targets
        for table, one in wanted(entries, target).items()
    ]
    return sorted(found, key=lambda one: (-one.ready, -one.rules, one.table))


def set_up(rules: Iterable[Mapping[str, Any]], targets: Iterable[str]) -> list[tuple[str, str, int]]:
    """What has to be set up in each target, with the number of rules that need it, most first."""
    names = {*targets}
    counts = Counter(
        (target, what)
        for r in rules
        for target, o in r["outputs"].items()
        if target in names
        for what in dict.fromkeys(o.get("set_up", ()))
    )
    return sorted(((target, what, n) for (target, what), n in counts.items()), key=lambda one: (-one[2], one[1], one[0]))


@dataclass
class Survival:
    """What one target keeps of some rules.

    Attributes:
        kept: it alerts wherever the rule does, and runs there.
        waiting: the same, once names that are not known are given.
        missing: it may miss what the rule finds.
        lost: there is no output.
    """

    kept: int = 0
    waiting: int = 0
    missing: int = 0
    lost: int = 0

    def add(self, output: Mapping[str, Any] | None) -> None:
        """Counts one output of a rule, None where there is none."""
        match output["verdict"] if output is not None else "none":
            case "none":
                self.lost += 1
            case "narrower" | "differs":
                self.missing += 1
            case _ if output is not None and output.get("readiness") == Readiness.NAMES.value:
                self.waiting += 1
            case _:
                self.kept += 1

    @property
    def state(self) -> str:
        """How much of the rules alerts there: all, some, little (what waits for names, or may miss something), or nothing."""
        if not (self.waiting or self.missing or self.lost):
            return "all"
        return "some" if self.kept else "little" if self.waiting or self.missing else "nothing"


@dataclass
class Technique:
    """A technique of a tactic, or the tactic alone where ``id`` is empty."""

    id: str
    name: str
    rules: int = 0
    targets: dict[str, Survival] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The techniques that rules name, by tactic.

    Attributes:
        tactics: by the tactic's short name, its name and its techniques.
        unnamed: how many rules name neither.
    """

    version: str
    tactics: dict[str, tuple[str, list[Technique]]]
    unnamed: int


def matrix(rules: Sequence[Mapping[str, Any]], targets: Sequence[str]) -> Matrix:
    """What survives of the techniques that rules name."""
    found: dict[str, dict[str, Technique]] = {}
    unnamed = 0
    for rule in rules:
        places = places_of(rule)
        unnamed += not places
        for tactic, technique in places:
            known = attack.technique(technique)
            name = known.name if known is not None else "not in ATT&CK Enterprise" if technique else "no technique named"
            one = found.setdefault(tactic, {}).setdefault(technique, Technique(technique, name))
            one.rules += 1
            for target in targets:
                one.targets.setdefault(target, Survival()).add(rule["outputs"].get(target))
    order = {tactic: number for number, tactic in enumerate(_TACTICS)}
    ordered = {}
    for tactic in sorted(found, key=lambda t: (order.get(t, len(order)), t)):
        named = attack.tactic(tactic)
        name = named.name if named is not None else tactic or "No tactic"
        ordered[tactic] = name, sorted(found[tactic].values(), key=lambda one: (not one.id, one.id))
    return Matrix(attack.version(), ordered, unnamed)


def places_of(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The tactics of what a rule claims, each with a technique: those of the technique's own that the rule names, else all of its own.

    A tactic alone comes with an empty technique.
    """
    claims = rule.get("attack", {"tactics": [], "techniques": []})
    named, found = claims["tactics"], list[tuple[str, str]]()
    for technique in claims["techniques"]:
        known = attack.technique(technique)
        own = known.tactics if known is not None else ()
        found += [(tactic, technique) for tactic in [t for t in own if t in named] or own or named or [""]]
    return found + [(t, "") for t in named if all(t != tactic for tactic, _ in found)]
