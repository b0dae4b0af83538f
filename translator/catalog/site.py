"""What a site says of its own logs: names that the catalog lacks, or has otherwise, and the fields that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SiteTable:
    """A table at a site: ``place`` selects its events, empty where it stays the catalog's; ``columns`` are fields with their types."""

    place: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """``tables`` by family of products and name; ``inventory`` are the types of all fields by family, where the site has listed them."""

    tables: Mapping[str, Mapping[str, SiteTable]] = field(default_factory=dict)
    inventory: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
