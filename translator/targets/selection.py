"""The commands with which a query begins that selects events, in the parts between which others are put."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Selection:
    """The commands that select events, and what is done with these.

    Attributes:
        base: the command that all begins with.
        first: those that ask what is asked before anything is computed.
        rest: those behind what is computed of events, and looked up for them.
    """

    base: str
    first: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()

    def then(self, commands: Iterable[str]) -> Selection:
        """The same with further commands at the end."""
        return replace(self, rest=(*self.rest, *commands))

    def with_computed(self, commands: Iterable[str]) -> list[str]:
        """All commands, with those that compute values of events, and look them up, in their place."""
        return [self.base, *self.first, *commands, *self.rest]
