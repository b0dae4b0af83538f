"""What packages need of a rule that takes work on its query, made where that work can be stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from translator.fidelity import Diagnostic, Verdict
from translator.targets.base import Output, Readiness


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a rule becomes in Kibana: its ``kind``, the settings of each of its parts, and what these make of the KQL."""

    kind: str
    parts: tuple[tuple[Mapping[str, Any], str], ...]
    verdict: Verdict
    readiness: Readiness | None
    diagnostics: tuple[Diagnostic, ...]
    keys: tuple[str, ...]
    lookback: int | None
    reads: tuple[str, ...] = ()
    output: Output | None = None
    rows: tuple[str, ...] = ()
    """The fields that tell the rows of groups apart."""
    fields: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    """The fields that the alert has for columns of the query."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known of one rule before names are given.

    Attributes:
        narrowed: the definition of its filter macro in Splunk, and the exclusions that it does not say; None where no package asks.
        chosen: what it becomes in Kibana; None where it becomes nothing, or no package asks.
        excepted: its exclusions that an exception of Kibana can say: their numbers, their texts and their entries.
    """

    narrowed: tuple[str, tuple[str, ...]] | None = None
    chosen: Chosen | None = None
    excepted: tuple[tuple[int, str, list[dict[str, Any]]], ...] = ()

    def outline(self) -> Prepared:
        """The same with no more of a detection than packages read."""
        if self.chosen is None or self.chosen.output is None:
            return self
        return replace(self, chosen=replace(self.chosen, output=self.chosen.output.outline()))
