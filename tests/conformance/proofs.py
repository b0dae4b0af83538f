"""Every output of a folder of rules, by ``kql2sigma verify``: how many claims of the same alerts are proven, and which are contradicted.

Rules that cannot be read are none of this script's. Exit status 1 where an output is contradicted.
"""

from __future__ import annotations

import argparse
import collections
import json
import subprocess
import sys
from pathlib import Path

GOOD = ("exact", "same-alerts")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", type=Path)
    options = parser.parse_args()
    command = [sys.executable, "-m", "translator.cli", "verify", str(options.rules), "--format", "json"]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    counts: collections.Counter[tuple[bool, str]] = collections.Counter()
    for rule in json.loads(run.stdout):
        for proof in rule["proofs"]:
            counts[proof["claim"] in GOOD, proof["outcome"]] += 1
            if proof["outcome"] == "contradicted":
                print(f"{rule['source']}: {proof['target']} claims {proof['claim']}: {proof['why']}")
    good = {outcome: n for (claims, outcome), n in counts.items() if claims}
    contradicted = sum(n for (_, outcome), n in counts.items() if outcome == "contradicted")
    proven, claimed = good.get("proven", 0), sum(good.values())
    share = 100 * proven / max(1, claimed)
    print(f"{claimed} claims of the same alerts, {proven} proven ({share:.1f}%); {counts.total()} outputs, {contradicted} contradicted")
    return 1 if contradicted or not claimed else 0


if __name__ == "__main__":
    sys.exit(main())
