"""How the other conformance scripts put cases to sqlite_judge.py."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

JUDGE = Path(__file__).with_name("sqlite_judge.py")


def judged(judge: str, data: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The cases whose Sigma gave something else, and those that were refused. ``judge`` is the Python that has pysigma-backend-sqlite."""
    done = subprocess.run([judge, str(JUDGE)], input=json.dumps(data), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return [f for f in found if "refused" not in f], [f for f in found if "refused" in f]
