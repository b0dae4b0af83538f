"""MITRE ATT&CK Enterprise, offline. The version and the source stand in ``enterprise.json``."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Tactic:
    """``id`` is ATT&CK's (``TA0001``), ``shortname`` what Sigma and layers call it (``initial-access``)."""

    id: str
    name: str
    shortname: str

    @property
    def url(self) -> str:
        """The page of MITRE that describes it."""
        return f"https://attack.mitre.org/tactics/{self.id}/"


@dataclass(frozen=True, slots=True)
class Technique:
    """``tactics`` are the short names of the tactics that ATT&CK lists it under."""

    id: str
    name: str
    tactics: tuple[str, ...]

    @property
    def url(self) -> str:
        """The page of MITRE that describes it."""
        return f"https://attack.mitre.org/techniques/{self.id.replace('.', '/')}/"


@functools.cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "enterprise.json").read_text(encoding="utf-8"))
    return loaded


def version() -> str:
    """The version of ATT&CK Enterprise that is read here, such as ``18.1``."""
    return str(_data()["version"])


@functools.cache
def _tactics_by_id() -> dict[str, Tactic]:
    return {found["id"]: Tactic(found["id"], found["name"], short) for short, found in _data()["tactics"].items()}


def tactic(name: str) -> Tactic | None:
    """The tactic of that name in any spelling (``InitialAccess``, ``initial-access``, ``Initial Access``) or identifier (``TA0001``)."""
    if (identifier := name.strip().upper()) in (named := _tactics_by_id()):
        return named[identifier]
    letters = re.sub(r"[ _-]", "", name).lower()
    short = next((short for short in _data()["tactics"] if short.replace("-", "") == letters), "")
    found = _data()["tactics"].get(short)
    return Tactic(found["id"], found["name"], short) if found else None


def technique(identifier: str) -> Technique | None:
    """The technique of that identifier, the one that replaced it where it was revoked; None where ATT&CK has none."""
    known = _data()["techniques"]
    key = identifier.strip().upper()
    seen: set[str] = set()
    while key in known and known[key].get("revoked_by") and key not in seen:
        seen.add(key)
        key = known[key]["revoked_by"]
    found = known.get(key)
    return Technique(key, found["name"], tuple(found["tactics"])) if found else None
