"""The figures of the README: ``python -m tests.conformance.figures REPORT.json``, of what ``kql2sigma convert RULES -o out`` wrote.

With ``--proofs FILE`` those of ``kql2sigma verify RULES --format json`` as well (exit status 1 where one is contradicted), and with
``--uncoder FOLDER RULES`` of how many rules Uncoder IO makes something
(https://github.com/UncoderIO/Uncoder_IO, its folder ``uncoder-core``), in an environment with its requirements.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

GOOD = ("exact", "same-alerts")
TARGETS = {"sigma": "Sigma", "splunk": "SPL", "eql": "EQL", "esql": "ES|QL"}
PEERS = {"sigma": "sigma", "splunk": "splunk-spl-query", "eql": "elastic-eql-query", "esql": "elastic-esql-query"}
"""What Uncoder calls the targets."""


def shares(rules: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """In how many of a hundred rules each target has an output that is good, good and ready, and any at all."""

    def share(outputs: Iterable[Mapping[str, Any]]) -> int:
        return round(100 * sum(1 for _ in outputs) / len(rules))

    found: dict[str, list[int]] = {"exact or same-alerts": [], "of these `ready`": [], "some output": []}
    for target in TARGETS:
        outputs = [r["outputs"][target] for r in rules if target in r.get("outputs", {})]
        good = [o for o in outputs if o["verdict"] in GOOD]
        found["exact or same-alerts"].append(share(good))
        found["of these `ready`"].append(share(o for o in good if o.get("readiness") == "ready"))
        found["some output"].append(share(o for o in outputs if o["verdict"] != "none"))
    return found


def proofs(rules: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """What came of the claims to be good."""
    return Counter(p["outcome"] for r in rules for p in r["proofs"] if p["claim"] in GOOD)


def peer(uncoder: Path, folder: Path) -> dict[str, int]:
    """Of how many Sentinel rules in YAML Uncoder gives something, by target."""
    import yaml

    sys.path.insert(0, str(uncoder))
    logging.disable()
    from app.translator.translator import app_translator  # type: ignore[import-not-found]

    found: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.y*ml")):
        query = yaml.safe_load(path.read_text("utf-8"))["query"]
        for target, name in PEERS.items():
            done, text = app_translator.translate_one(query, source="sentinel-kql-query", target=name)
            found[target] += bool(done and text)
    return {target: found[target] for target in TARGETS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", nargs="?", type=Path)
    parser.add_argument("--proofs", type=Path)
    parser.add_argument("--uncoder", nargs=2, type=Path, metavar=("FOLDER", "RULES"))
    given = parser.parse_args()
    wrong = list[str]()
    if given.report:
        rules = json.loads(given.report.read_text("utf-8"))["rules"]
        print(f"{len(rules)} rules: {', '.join(TARGETS.values())}")
        for what, numbers in shares(rules).items():
            print(f"{what}: {' '.join(f'{n}%' for n in numbers)}")
    if given.proofs:
        tried = json.loads(given.proofs.read_text("utf-8"))
        print(dict(proofs(tried)))
        wrong = [f"{r['source']}: {p['target']}, {p['claim']}" for r in tried for p in r["proofs"] if p["outcome"] == "contradicted"]
        print("\n".join(["contradicted:", *wrong]) if wrong else "none contradicted")
    if given.uncoder:
        print("Uncoder IO:", peer(*given.uncoder))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
