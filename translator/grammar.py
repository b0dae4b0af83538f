"""The grammars for Lark that come with the package."""

from __future__ import annotations

from pathlib import Path


def grammar_text(name: str) -> str:
    """The text of ``grammars/NAME.lark``, from the wheel or from a checkout.

    Raises:
        FileNotFoundError: where the installation lacks it.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "grammars", here.parent / "grammars"):
        path = folder / f"{name}.lark"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"grammars/{name}.lark is missing from this installation of kql2sigma")
