"""Lists that an output looks up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from translator.plan.expressions import Apply, Const, Expr
from translator.targets.names import Names
from translator.targets.predicates import Spelling, text_of

OF_CASE = {True: "_lower", False: "_cased"}
"""What follows the name of a list that is looked up without case, or with it, where another condition looks it up otherwise."""


@dataclass
class Lists:
    """Lists that an output looks up, each with the field that holds whether a value is in it. A placeholder's name is the list's."""

    names: Names
    found: dict[tuple[str, str, bool], str] = field(default_factory=dict)
    folded: dict[str, bool] = field(default_factory=dict)
    """Whether a list is looked up without case: one that is looked up in both ways is two lists, of which one holds lower case alone."""

    def spelling(self, caseless: bool, present: str) -> Spelling:
        """How an operator on a list is spelt: that the field of the looked up value is there."""

        how = ", in lower case," if caseless else ""
        return lambda name, rest, node: present.format(self.looked_up((text_of(rest, node), name, caseless), how, node))

    def within(self, present: str) -> Spelling:
        """How it is spelt that any value of a list is part of a text: by a lookup that knows wildcards and no case."""
        how = ", with WILDCARD(value), without case, and with * around each value,"
        return lambda name, rest, node: present.format(self.looked_up((f"{text_of(rest, node)}_within", name, False), how, node))

    def last(self, caseless: bool, present: str, part: Callable[[str, str], str]) -> Spelling:
        """How it is spelled that the last part of a text is in a list; ``part`` spells that of a field whose parts a mark separates."""

        def spell(name: str, rest: tuple[Expr, ...], node: Apply) -> str:
            listed, mark = rest
            assert isinstance(listed, Const) and isinstance(mark, Const)
            key = (str(listed.value), part(name, str(mark.value)), caseless)
            return present.format(self.looked_up(key, ", in lower case," if caseless else "", node))

        return spell

    @property
    def kinds(self) -> dict[str, str]:
        """How values are found in each list: see ``Output.lookups``."""
        return {name: "within" if name.endswith("_within") else "caseless" if folded else "exact" for name, _, folded in self.found}

    def looked_up(self, key: tuple[str, str, bool], how: str, node: Apply) -> str:
        name, value, folded = key
        if self.folded.setdefault(name, folded) != folded:
            key = f"{name}{OF_CASE[folded]}", value, folded
        if key not in self.found:
            self.found[key] = f"listed_{len(self.found) + 1}"
            self.names.say("list-lookup", f"the list {key[0]} is looked up{how} in the product", node.span)
        return self.found[key]
