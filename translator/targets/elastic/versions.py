"""What of ES|QL is younger than Elasticsearch 9.0, the oldest version that queries are written for."""

from __future__ import annotations

from collections.abc import Mapping

OF_BASE_16 = ', "0[xX]", ""), 16)'
"""How a query reads digits of base 16, without what stands before them: by ``TO_LONG`` of a base."""

SINCE: Mapping[str, tuple[int, int]] = {
    "LOOKUP JOIN ": (9, 1),
    "INLINE STATS ": (9, 2),
    OF_BASE_16: (9, 3),
    "JSON_EXTRACT(": (9, 4),
    "FIELD_EXTRACT(": (9, 5),
}
"""The version since which there is what is younger, by how a query has it (the badges of the pages of commands and functions)."""


def needed(text: str) -> dict[str, tuple[int, int]]:
    """What of a query is younger, with the version that it needs."""
    return {words: version for words, version in SINCE.items() if words in text}
