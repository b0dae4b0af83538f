"""AND, OR and NOT over conditions that may be neither true nor false, for the readers of this folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from lark import Tree


class Logic(ABC):
    """Conditions on events.

    Args:
        nulls_are_false: whether NOT makes a null true, and AND and OR take it for false; else they take it for unknown.
    """

    def __init__(self, nulls_are_false: bool = False) -> None:
        self.nulls_are_false = nulls_are_false

    @abstractmethod
    def value(self, node: Any, event: dict[str, Any]) -> Any:
        """What a condition or another expression is for an event; None for null."""

    def connected(self, node: Any, event: dict[str, Any]) -> Any:
        """The value of a tree ``either``, ``both`` or ``no``."""
        values = [self.value(part, event) for part in node.children]
        match node:
            case Tree(data="no"):
                return (True if self.nulls_are_false else None) if values[0] is None else not values[0]
            case _:
                return self.joined(values, node.data == "either")

    def joined(self, values: list[Any], decisive: bool) -> Any:
        """Several conditions of which one that is ``decisive`` decides: true for OR, false for AND."""
        if decisive in values:
            return decisive
        return (False if self.nulls_are_false else None) if None in values else not decisive
