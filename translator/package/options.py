"""What a user asks of the packages, and what an earlier run left of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PACKAGES = ("splunk-app", "kibana", "contentctl", "detection-rules")
DEFAULT = ("splunk-app", "kibana")


def _nothing(path: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """``kinds`` are among ``PACKAGES``; ``enable`` switches on what runs as it is; ``delay`` is how many seconds a run waits.

    ``author`` and ``date`` (as 2026-01-31) stand for those that a rule does not state. ``previous`` reads a file of the output folder as it
    is, None where there is none: versions rise when what they are of has changed.
    """

    kinds: tuple[str, ...] = DEFAULT
    enable: bool = False
    delay: int = 0
    author: str = ""
    date: str = ""
    previous: Callable[[str], str | None] = field(default=_nothing, repr=False)


def changed(options: PackageOptions, folder: str, files: Mapping[str, str]) -> bool:
    """Whether some of these files, below a folder, are not what they were."""
    return any(options.previous(f"{folder}/{path}") != text for path, text in files.items())
