"""What packages need of a rule that takes work on its query, made where that work can be stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from translator.package.kibana import Chosen


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
