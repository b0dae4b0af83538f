"""What is built for installation has all that the commands read, wherever it is unpacked."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_converts_as_the_checkout_does(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    rule, out = ROOT / "rules" / "threshold.yaml", tmp_path / "out"
    command = [
        sys.executable,
        "-c",
        "from translator.cli import main; main()",
        "convert",
        str(rule),
        "-o",
        str(out),
        "--no-cache",
        "--jobs",
        "1",
    ]
    installed = os.environ | {"PYTHONPATH": str(tmp_path / "installed"), "KQL2SIGMA_CACHE": str(tmp_path / "cache")}
    subprocess.run(command, cwd=tmp_path, env=installed, check=True, capture_output=True)
    texts = [p for p in out.glob("*/*.*") if p.parent.name in ("sigma", "splunk", "eql", "esql") and p.suffix != ".gz"]
    assert {p.parent.name for p in texts} >= {"sigma", "splunk", "esql"}
    for path in texts:
        assert path.read_bytes() == (ROOT / "outputs" / path.relative_to(out)).read_bytes()
    assert (out / "report.html").exists() and (out / "splunk" / "app").is_dir()
    assert not [p for p in (tmp_path / "installed").rglob("*") if p.name in ("rules", "tests", "outputs")]
