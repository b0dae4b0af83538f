"""What the page has of each rule: what ``report.json`` says, with the texts of the rule and of its outputs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from translator.fidelity import Diagnostic
from translator.pack import Entry
from translator.pipeline import Conversion
from translator.report.html.summary import places_of
from translator.report.values import plain
from translator.rulepack.model import Rule
from translator.targets.base import Output

if TYPE_CHECKING:
    from translator.verify.proof import Counterexample, Proof

BUDGET, BUDGET_OF_EXAMPLES = 14_000_000, 3_000_000
"""Characters that a page has at the most: of rules and outputs, and of the events of proofs that contradict nothing."""

_LENGTHS = (40_000, 20_000, 10_000, 6_000, 4_000, 3_000, 2_000, 1_000, 500, 0)
"""How many characters of each text there may be: the first with which a pack is within the budget."""

_EXAMPLES = (12, 4, 1, 0)
"""The same for the events of each example."""

_EVENTS, _VALUE, _CONDITIONS, _MESSAGE = 12, 300, 20, 2_000
"""How many events of a contradiction and conditions of a proof there are, and how many characters of a value and of a message."""


def rules_data(
    entries: Sequence[Entry], rules: Sequence[Mapping[str, Any]], proofs: Mapping[tuple[str, str], Proof]
) -> dict[str, Any]:  # fmt: skip
    """``rules``, one for each entry as they are asked for, and the ``advice`` for the codes that they have."""
    conversions = [e.result for e in entries if isinstance(e.result, Conversion)]
    advice = {d.code: d.advice for c in conversions for o in c.outputs.values() for d in o.diagnostics}
    return {"advice": dict(sorted(advice.items())), "rules": _rules(entries, rules, proofs)}


def _rules(
    entries: Sequence[Entry], rules: Sequence[Mapping[str, Any]], proofs: Mapping[tuple[str, str], Proof]
) -> Iterator[dict[str, Any]]:  # fmt: skip
    length = _most(_LENGTHS, [len(text) for entry in entries for text in _texts(entry)], BUDGET)
    events = _events(proofs)
    for entry, rule in zip(entries, rules, strict=True):
        data = {
            "slug": entry.slug,
            "tactics": list(dict.fromkeys(t for t, _ in places_of(rule))),
            **{k: v for k, v in rule.items() if k not in ("outputs", "connectors")},
        }
        if isinstance(entry.result, Conversion):
            data |= _converted(entry.slug, entry.result, rule["outputs"], proofs, length, events)
        else:
            data["outputs"] = {}
            data |= _failed(entry.result.rule, length) if entry.result.rule is not None else {}
        yield data


def _texts(entry: Entry) -> Iterable[str]:
    if isinstance(entry.result, Conversion):
        yield entry.result.rule.query
        for output in entry.result.outputs.values():
            yield from output.texts
    elif entry.result.rule is not None:
        yield entry.result.rule.query


def _most(limits: Sequence[int], lengths: Sequence[int], budget: int) -> int:
    return next(most for most in limits if sum(min(n, most) for n in lengths) <= budget or not most)


def _events(proofs: Mapping[tuple[str, str], Proof]) -> int:
    """How many events of each example there may be."""
    sides = [rows for p in proofs.values() if p.example is not None for rows in (*p.example.rows.values(), p.example.events)]
    sizes = [[len(repr(row)) for row in rows[: _EXAMPLES[0]]] for rows in sides]
    return next(most for most in _EXAMPLES if sum(sum(side[:most]) for side in sizes) <= BUDGET_OF_EXAMPLES)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}\u2026"


def _converted(
    slug: str, conversion: Conversion, reported: Mapping[str, Any], proofs: Mapping[tuple[str, str], Proof], length: int,
    events: int,
) -> dict[str, Any]:  # fmt: skip
    """The texts of a rule, each of its diagnostics once, and its outputs, which have these by number."""
    rule, said, outputs = conversion.rule, dict[Diagnostic, int](), {}
    query = _cut(rule.query.rstrip(), length)
    for target, output in conversion.outputs.items():
        numbers = [said.setdefault(d, len(said)) for d in output.diagnostics]
        told = {k: v for k, v in reported[target].items() if k not in ("diagnostics", "proof")}
        outputs[target] = {**told, "texts": [_cut(t, length) for t in output.texts], "said": numbers, **_exclusions(output, length)}
        if (proof := proofs.get((slug, target))) is not None:
            outputs[target]["proof"] = _proof(proof, events)
    return {
        "severity": rule.severity,
        "description": _cut(rule.description, _MESSAGE),
        "kql": query,
        "cut": any(len(text) > length for text in (rule.query, *(t for o in conversion.outputs.values() for t in o.texts))),
        "lines": _lines(rule, query),
        "said": [_diagnostic(d, query, rule.place(d.span[0] if d.span else 0)) for d in said],
        "outputs": outputs,
    }


def _failed(rule: Rule, length: int) -> dict[str, Any]:
    """The text of a rule that nothing became of."""
    query = _cut(rule.query.rstrip(), length)
    return {"severity": rule.severity, "kql": query, "lines": _lines(rule, query), "said": []}


def _lines(rule: Rule, query: str) -> list[int]:
    """The line of its file that each line of a rule's query is."""
    return [rule.place(start)[0] for start in (0, *(n + 1 for n, character in enumerate(query) if character == "\n"))]


def _exclusions(output: Output, length: int) -> dict[str, str]:
    return {"filters": _cut(output.filters, length)} if output.filters else {}


def _diagnostic(diagnostic: Diagnostic, query: str, place: tuple[int, int]) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "direction": diagnostic.word,
        "message": _cut(diagnostic.message, _MESSAGE),
        "place": place,
        "span": _span(diagnostic.span, query),
    }


def _span(span: tuple[int, int] | None, query: str) -> tuple[int, int] | None:
    """A place in a query as scripts count it: in units of UTF-16 (tc39.es/ecma262, section 6.1.4)."""
    if span is None or span[0] >= len(query):
        return None
    start, end = (len(query[:at].encode("utf-16-le", "surrogatepass")) // 2 for at in span)
    return start, end


def _proof(proof: Proof, events: int) -> dict[str, Any]:
    half = [a for a in proof.coverage.atoms if not (a.true and a.false)]
    return {
        "outcome": proof.outcome.value,
        "claim": proof.claim.value,
        "why": _cut(proof.why, _MESSAGE),
        "errs": proof.errs.value if proof.errs is not None else "",
        "worlds": proof.worlds,
        "alerting": proof.alerting,
        "events": proof.events,
        "branches": proof.branches,
        "compared": proof.compared.value,
        "missing": [_cut(m, _VALUE) for m in proof.missing[:_EVENTS]],
        "half": [{"text": _cut(a.text, _VALUE), "true": a.true, "false": a.false} for a in half[:_CONDITIONS]],
        **({"contradiction": _world(proof.counterexample, _EVENTS)} if proof.counterexample is not None else {}),
        **({"example": _world(proof.example, events)} if proof.example is not None and events else {}),
    }


def _world(world: Counterexample, most: int) -> dict[str, Any]:
    return {
        "about": _cut(world.about, _MESSAGE),
        "kql": world.kql,
        "rows": {table: _rows(rows, most) for table, rows in world.rows.items()},
        "events": _rows(world.events, most),
        "lacking": _rows(world.lacking, most),
        "surplus": _rows(world.surplus, most),
    }


def _rows(rows: Sequence[Mapping[str, Any]], most: int) -> dict[str, Any]:
    """The first of the different ones of some rows, without what they lack, each with how often it is there, and how many there are."""
    times = Counter(json.dumps({k: plain(v) for k, v in row.items() if v is not None}) for row in rows)
    shown = [{k: _cut(v, _VALUE) if isinstance(v, str) else v for k, v in json.loads(text).items()} for text in [*times][:most]]
    return {"count": len(rows), "different": len(times), "rows": shown, "times": [*times.values()][:most]}
