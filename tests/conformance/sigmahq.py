"""The checks of pysigma-validators-sigmahq over Sigma files; what it finds as JSON, by kind of finding.

Runs in an environment of its own, since that package needs pySigma 2. Checks that download data when they run are left out, and named.
"""

from __future__ import annotations

import collections
import json
import sys
from pathlib import Path


def main() -> None:
    from sigma.collection import SigmaCollection
    from sigma.plugins import InstalledSigmaPlugins
    from sigma.validation import SigmaValidator

    validators = dict(InstalledSigmaPlugins.autodiscover().validators)
    for name in ("attacktag", "d3_fendtag"):
        validators.pop(name, None)
    offline: list[str] = []
    found: dict[str, list[str]] = collections.defaultdict(list)
    for path in map(Path, sys.argv[1:]):
        collection = SigmaCollection.from_yaml(path.read_text("utf-8"))
        collection.resolve_rule_references()
        for name, validator in list(validators.items()):
            try:
                for issue in SigmaValidator([validator]).validate_rules(collection):
                    found[type(issue).__name__].append(f"{path.name}: {issue}")
            except RuntimeError:
                del validators[name]
                offline.append(name)
    json.dump({"offline": offline, "checks": len(validators), "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
