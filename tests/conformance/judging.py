"""How the other conformance scripts put cases to sqlite_judge.py."""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

JUDGE = Path(__file__).with_name("sqlite_judge.py")


def judged(judge: str, data: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The cases whose Sigma gave something else, and those that were refused; one without a relation claims nothing.

    Args:
        judge: the Python that has pysigma-backend-sqlite.
    """
    data = {**data, "cases": [c for c in data["cases"] if c.get("relation", "same") is not None]}
    done = subprocess.run([judge, str(JUDGE)], input=json.dumps(data), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return [f for f in found if "refused" not in f], [f for f in found if "refused" in f]


def options(description: str | None, size: str = "--count", default: int = 400, help: str | None = None) -> argparse.Namespace:
    """The options of a script that puts generated cases to the judge: ``judge``, ``seed``, and how many by the name of ``size``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--judge", required=True, help="the Python that has pysigma-backend-sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(size, type=int, default=default, help=help)
    return parser.parse_args()
