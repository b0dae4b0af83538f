"""What a conversion came to, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from translator import attack
from translator.fidelity import CaseOfColumn, CaseOfList, Fact, FilledList, ReadList, Verdict
from translator.pack import Entry, Failure
from translator.pipeline import Conversion, place
from translator.rulepack.model import Rule, Unread
from translator.rulepack.settings import settings_of
from translator.targets.base import Output, Readiness

if TYPE_CHECKING:
    from translator.verify.proof import Proof

SCHEMA = Path(__file__).parent / "report.schema.json"
"""The JSON Schema (draft 2020-12) of what ``report`` gives, with what an output folder adds to it."""


def report(
    entries: list[Entry],
    paths: Mapping[tuple[str, str], list[str]],
    alerts: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    kibana: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    proofs: Mapping[tuple[str, str], Proof] = MappingProxyType({}),
    unread: Iterable[Unread] = (),
) -> dict[str, Any]:
    """The content of ``report.json``. ``paths`` are the files written, by slug and target, ``alerts`` what packages say of a rule's alerts,
    by slug and product, ``kibana`` which kind of rule each became there, ``proofs`` what was tried of outputs, by slug and target,
    ``unread`` what was met and is no rule.
    """
    verdicts: dict[str, Counter[str]] = {}
    readiness: dict[str, Counter[str]] = {}
    rules = []
    for entry in entries:
        found = _rule(entry, paths, alerts.get(entry.slug, {}), proofs)
        rules.append({**found, "kibana": kibana[entry.slug]} if entry.slug in kibana else found)
        if isinstance(entry.result, Conversion):
            for target, output in entry.result.outputs.items():
                verdicts.setdefault(target, Counter())[output.verdict.value] += 1
                if output.readiness is not None:
                    readiness.setdefault(target, Counter())[output.readiness.value] += 1
    failed = sum(isinstance(e.result, Failure) for e in entries)
    summary = {
        "rules": len(entries),
        "failed": failed,
        "verdicts": {t: _ordered(c) for t, c in verdicts.items()},
        "readiness": {t: {r.value: c[r.value] for r in Readiness if c[r.value]} for t, c in readiness.items()},
    }
    skipped = [
        {
            "source": u.source,
            "name": u.name,
            "line": u.line,
            "column": u.column,
            "reason": u.message,
            **({"again": True} if u.again else {}),
        }
        for u in unread
    ]
    return {"version": 1, "summary": summary, **({"skipped": skipped} if skipped else {}), "rules": rules}


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {v.value: counts[v.value] for v in Verdict if counts[v.value]}


def _rule(
    entry: Entry, paths: Mapping[tuple[str, str], list[str]], alerts: Mapping[str, Any], proofs: Mapping[tuple[str, str], Proof]
) -> dict[str, Any]:
    result = entry.result
    if isinstance(result, Failure):
        return {
            "id": result.id,
            "name": result.name,
            "source": result.source,
            "status": "failed",
            "error": {"line": result.line, "column": result.column, "message": result.message},
            **({"attack": attack_of(result.rule)} if result.rule is not None else {}),
            "outputs": {},
        }
    rule, outputs = result.rule, {}
    for target, output in result.outputs.items():
        found = []
        for diagnostic in output.diagnostics:
            line, column = place(rule, diagnostic)
            found.append(
                {
                    "code": diagnostic.code,
                    "direction": diagnostic.direction.value,
                    "message": diagnostic.message,
                    "line": line,
                    "column": column,
                    "advice": diagnostic.advice,
                    **({"about": _fact(diagnostic.fact)} if diagnostic.fact else {}),
                }
            )
        outputs[target] = {
            "verdict": output.verdict.value,
            "lane": output.lane,
            "paths": paths.get((entry.slug, target), []),
            **_deployment(output),
            **({"proof": _proof(proofs[entry.slug, target])} if (entry.slug, target) in proofs else {}),
            "diagnostics": found,
        }
    some = [o.verdict for o in result.outputs.values()]
    return {
        "id": rule.id,
        "name": rule.name,
        "source": rule.source,
        "status": "ok" if all(v != Verdict.NONE for v in some) else "partial",
        "tables": list(result.tables),
        "attack": attack_of(rule),
        "entities": [{"type": e.type, "identifier": e.identifier, "column": e.column} for e in rule.entities],
        "connectors": [{"id": c.id, "tables": list(c.data_types)} for c in rule.connectors],
        "alert": {"source": alert_of(rule), **alerts},
        "outputs": outputs,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    """What a diagnostic says in words, for programs."""
    match fact:
        case FilledList(name, column, earlier, nonempty):
            return {"list": name, **({"column": column} if column else {}), "earlier": earlier, "nonempty": nonempty}
        case ReadList(name, mark):
            return {"list": name, **({"mark": mark} if mark else {})}
        case CaseOfList(name, case):
            return {"list": name, "case": case}
        case CaseOfColumn(column, case):
            return {"column": column, "case": case}


def alert_of(rule: Rule) -> dict[str, Any]:
    """When a rule runs, what it looks at and how it alerts, as its author wrote it; lengths of time in seconds."""
    trigger = f"{rule.trigger_operator or 'gt'} {rule.trigger_threshold or 0}"
    settings = {s.name: s.what for s in settings_of(rule)}
    found = {"kind": rule.kind, "frequency": rule.frequency, "period": rule.period, "trigger": trigger}
    return {**found, **({"settings": settings} if settings else {})}


def _deployment(output: Output) -> dict[str, Any]:
    """What an output needs of its product; nothing where names are the KQL's own."""
    found = output.deployment
    if found is None or output.readiness is None:
        return {}
    return {
        "readiness": output.readiness.value,
        "reads": [{"table": r.table, "home": r.home, "place": r.place} for r in found.reads],
        "missing": [{"table": table, "fields": list(names)} for table, names in found.missing],
        "set_up": list(found.set_up),
    }


def _proof(proof: Proof) -> dict[str, Any]:
    """What came of trying an output; its ``claim`` is the verdict that it had before."""
    found: dict[str, Any] = {"outcome": proof.outcome.value, "claim": proof.claim.value, "events": proof.events}
    return {**found, "branches": list(proof.branches), **({"why": proof.why} if proof.why else {})}


def attack_of(rule: Rule) -> dict[str, list[str]]:
    """Tactics by short name and techniques by identifier, as ATT&CK has them now; what it does not know stays as written."""
    tactics = [known.shortname if (known := attack.tactic(t)) else t for t in rule.tactics]
    techniques = [found.id if (found := attack.technique(t)) else t for t in rule.techniques]
    return {"tactics": list(dict.fromkeys(tactics)), "techniques": list(dict.fromkeys(techniques))}
