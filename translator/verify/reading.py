"""What the readers of all languages share: the rows that they give, and how they refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Row: TypeAlias = dict[str, object]
"""A row or an event: values by the names of fields. Several values of one field are a list; a field that is missing is not there."""

Lists: TypeAlias = Mapping[str, Sequence[Mapping[str, object]]]
"""The lists that a text looks values up in, by the names that it knows them by: lookups, inputlookups, indices of enrichment."""


class NotReadable(Exception):
    """A text that a reader cannot run: its syntax is wrong, or it has what the reader does not know.

    Attributes:
        what: the command, function, option or character, by name.
        position: where it stands, an offset in characters; None where that is not known.
    """

    def __init__(self, what: str, position: int | None = None) -> None:
        super().__init__(what)
        self.what, self.position = what, position
