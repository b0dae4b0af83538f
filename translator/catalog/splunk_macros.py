"""The macros that rules of splunk/security_content are written with, as they are before a site changes them.

Outputs have none of these; the rules that people write for Splunk begin and end with them.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

_CALL = re.compile(r"([\w*]+)\s*(?:\((.*)\))?", re.S)


def definition(called: str) -> str | None:
    """What stands for a macro, by all that is written between its back quotes; None where that is not known."""
    call = _CALL.fullmatch(called)
    if call is None:
        return None
    given = [a.strip().strip('"') for a in call[2].split(",")] if call[2] else []
    for pattern, (names, text) in _definitions().items():
        if fnmatchcase(call[1], pattern) and len(names) == len(given):
            for name, value in zip(names, given, strict=True):
                text = text.replace(f"${name}$", value)
            return text
    return None


@functools.cache
def _definitions() -> Mapping[str, tuple[tuple[str, ...], str]]:
    """By the name of each macro the names of its arguments and what stands for it."""
    told = json.loads((Path(__file__).parent / "splunk_macros.json").read_text(encoding="utf-8"))
    found = {}
    for macros in told["sources"].values():
        for written, text in macros.items():
            name, _, arguments = written.rstrip(")").partition("(")
            found[name] = (tuple(a.strip() for a in arguments.split(",") if a.strip()), text)
    return found
