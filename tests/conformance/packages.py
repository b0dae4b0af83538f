"""The packages of a folder of rules, given to the tools of those who take them: Splunk's AppInspect and contentctl.

Each tool has an environment of its own, since its pins do not agree with this project's. Exit status 1 where one finds a failure, or
a rule is in no package through a fault of this project.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TAGS = ("cloud", "private_app", "self_service")


def inspected(appinspect: str, app: Path, folder: Path) -> bool:
    """Whether AppInspect finds no failure and no error in an app under any of the tags of Splunk Cloud."""
    good = True
    for tag in TAGS:
        report = folder / f"{tag}.json"
        command = [appinspect, "inspect", str(app), "--mode", "precert", "--included-tags", tag, "--skip-trusted-libraries-update"]
        subprocess.run([*command, "--data-format", "json", "--output-file", str(report)], capture_output=True, check=False, timeout=300)
        summary = json.loads(report.read_text())["summary"] if report.exists() else {"error": 1, "failure": 0, "success": 0}
        print(f"appinspect {tag}: {summary['failure']} failures, {summary['error']} errors, {summary['success']} checks passed")
        good = good and not summary["failure"] and not summary["error"] and bool(summary["success"])
    return good


def built(contentctl: str, project: Path) -> bool:
    """Whether contentctl validates and builds a project."""
    for step in ("validate", "build"):
        run = subprocess.run(
            [contentctl, step], cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=600
        )
        print(f"contentctl {step}: {'passed' if run.returncode == 0 else run.stdout[-2000:]}")
        if run.returncode:
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=Path, default=Path("rules"))
    parser.add_argument("--appinspect", required=True, help="the command splunk-appinspect")
    parser.add_argument("--contentctl", required=True, help="the command contentctl")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = ["--package", "splunk-app", "--package", "contentctl", "--date", "2026-01-01"]
        command = [sys.executable, "-c", "from translator.cli import main; main()", "convert", str(given.rules), "-o", str(folder / "out")]
        converted = subprocess.run([*command, *packages, "--jobs", "2"], capture_output=True, text=True, check=False, timeout=900)
        if lost := [line for line in converted.stderr.splitlines() if "internal error" in line]:
            print("\n".join(lost))
            return 1
        (app,) = (folder / "out/splunk").glob("*.tar.gz")
        return int(not (inspected(given.appinspect, app, folder) & built(given.contentctl, folder / "out/contentctl")))


if __name__ == "__main__":
    raise SystemExit(main())
