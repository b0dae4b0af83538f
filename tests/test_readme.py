"""The first screen of the README; what it shows and runs is in test_docs.py."""

from __future__ import annotations

import re

from tests.doc_pages import ROOT, blocks, text_of

README = text_of("README.md")


def test_the_kql_shown_is_the_rules() -> None:
    (block,) = (b.text for b in blocks(README) if b.language == "kql")
    rule = (ROOT / "rules" / "threshold.yaml").read_text("utf-8")
    assert "".join(f"  {line}\n" for line in block.splitlines()) in rule


def test_the_first_screen_has_an_input_its_outputs_and_the_two_commands() -> None:
    screen = README.split("\n## ")[0]
    assert [b.language for b in blocks(screen)] == ["kql", "sh", "", "", "yaml", "sh", ""]
    assert re.findall(r"^kql2sigma (\w+)", screen, re.M) == ["convert", "verify"]
