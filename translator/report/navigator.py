"""Layers of the ATT&CK Navigator: which techniques each target covers, and how faithfully.

Source: github.com/mitre-attack/attack-navigator, layers/spec/v4.5/layerformat.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translator import attack
from translator.fidelity import Verdict

_SCORES = {
    Verdict.EXACT: (100, "#1a9850"),
    Verdict.SAME_ALERTS: (90, "#91cf60"),
    Verdict.BROADER: (60, "#fee08b"),
    Verdict.NARROWER: (50, "#fdae61"),
    Verdict.DIFFERS: (30, "#f46d43"),
    Verdict.NONE: (0, "#bdbdbd"),
}
"""Score and colour of a technique, by the best verdict that a rule of it has."""

_NAMED = 20
"""How many rules the comment of a technique names."""


def layers(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The layers of a report by target; none where no rule names a technique.

    A technique has the best verdict of its rules. What ATT&CK has no technique of by now, and rules that failed, the description tells.
    """
    rules = [r for r in report["rules"] if r.get("attack", {}).get("techniques")]
    targets = dict.fromkeys(target for rule in rules for target in rule["outputs"])
    return {target: _layer(target, rules, report["summary"]["failed"]) for target in targets}


def _layer(target: str, rules: list[dict[str, Any]], failed: int) -> dict[str, Any]:
    covered: dict[str, list[tuple[Verdict, str]]] = {}
    unknown = set[str]()
    for rule in rules:
        for identifier in rule["attack"]["techniques"] if target in rule["outputs"] else ():
            if attack.technique(identifier) is None:
                unknown.add(identifier)
            else:
                covered.setdefault(identifier, []).append((Verdict(rule["outputs"][target]["verdict"]), rule["name"]))
    told = [f"The best verdict of the rules that name a technique, as they are for {target}."]
    told += [f"{failed} {'rule' if failed == 1 else 'rules'} failed."] if failed else []
    told += [f"Not in ATT&CK {attack.version()}: {', '.join(sorted(unknown))}."] if unknown else []
    return {
        "name": f"kql2sigma: {target}",
        "versions": {"attack": attack.version().partition(".")[0], "navigator": "5.2.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": " ".join(told),
        "layout": {"layout": "side", "expandedSubtechniques": "annotated"},
        "techniques": [_technique(identifier, found) for identifier, found in sorted(covered.items())],
        "gradient": {"colors": [_SCORES[Verdict.DIFFERS][1], _SCORES[Verdict.EXACT][1]], "minValue": 0, "maxValue": 100},
        "legendItems": [{"label": verdict.value, "color": colour} for verdict, (_, colour) in _SCORES.items()],
    }


def _technique(identifier: str, found: list[tuple[Verdict, str]]) -> dict[str, Any]:
    ordered = sorted(found, key=lambda one: (-_SCORES[one[0]][0], one[1]))
    score, colour = _SCORES[ordered[0][0]]
    lines = [f"{verdict.value}: {name}" for verdict, name in ordered[:_NAMED]]
    more = [f"and {len(ordered) - _NAMED} more"] if len(ordered) > _NAMED else []
    return {"techniqueID": identifier, "score": score, "color": colour, "comment": "\n".join(lines + more)}
