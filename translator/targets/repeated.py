"""Values that a query computes of its events more than once, which it computes in one place and calls by a name everywhere else.

A query is written twice: once to see which of these there are, and once with their names, where there are any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from translator.plan.expressions import Apply, Expr, Path
from translator.targets.names import texts_within
from translator.targets.predicates import shared_of

if TYPE_CHECKING:
    from translator.targets.base import Output

_LONG = 40
"""How many characters a value has that may have a name."""

_SAVED = 100
"""How many characters a name saves at least: a command more is to make a query easier to read."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a value might be called; whether a column of the query that is nothing but the value is called so."""

    name: str
    is_column: bool = False


class Repeated:
    """The computed values of one query by their words, and the names of those that stand there more than once.

    Attributes:
        hints: what the values of the query might be called, by their words.
        names: what those are called that have a name, by their words; the words of those that hold others have the names of these.
    """

    def __init__(self, hints: Mapping[str, Hint] | None = None) -> None:
        """``hints`` are of those that are to have a name, of which none comes before one that it holds."""
        self._wanted = dict(hints or {})
        self.hints: dict[str, Hint] = {}
        self.names: dict[str, str] = {}

    def name(self, stored: Container[str], columns: Container[str], is_plain: Callable[[str], bool]) -> frozenset[str]:
        """Gives each value that is to have a name its own, and tells which there are.

        Args:
            stored: the fields of the events that the query reads.
            columns: what the query calls other values.
            is_plain: whether a name stands in a query without quotes.
        """
        for words, hint in self._wanted.items():
            name = hint.name
            own = name if hint.is_column else None
            while name in stored or name in self.names.values() or (name in columns and name != own) or not is_plain(name):
                name = f"{name}_value"
            self.names[self._with_names(words)] = name
        return frozenset(self.names.values())

    def of(self, words: str, hint: str) -> str:
        """A value by its words, or by its name where it has one.

        Args:
            hint: what it might be called.
        """
        if words in self.names:
            return self.names[words]
        if len(words) > _LONG and not self._wanted and _stands_alone(words):
            self.hints.setdefault(words, Hint(hint))
        return words

    def suggest(self, words: str, name: str) -> None:
        """Tells that a column of the query has this name and this value for all events."""
        if words in self.hints:
            self.hints[words] = Hint(name, True)

    def standing_again(self, text: str) -> dict[str, Hint]:
        """The hints of the values that a query has more than once, each behind those that it holds."""
        found = {}
        for words in sorted(self.hints, key=len, reverse=True):
            if (text.count(words) - 1) * len(words) > _SAVED:
                found[words] = self.hints[words]
                text = "\n".join((text.replace(words, ""), words[1:]))  # what it holds is computed once in its own words
        return dict(sorted(found.items(), key=lambda pair: len(pair[0])))

    def asked_first(self, every: Sequence[Sequence[str]], looked_up: Collection[str]) -> tuple[list[str], list[list[str]]]:
        """The conditions of all of some conjunctions that read nothing computed, and what is left of each; none where nothing has a name.

        Args:
            looked_up: what the query calls values that it looks up.
        """
        if not self.names:
            return [], [[*conditions] for conditions in every]
        computed = {*self.names.values(), *looked_up}
        first = [c for c in shared_of(every) if not any(name in c for name in computed)]
        return first, [[c for c in conditions if c not in first] for conditions in every]

    def _with_names(self, words: str) -> str:
        for held in sorted(self.names, key=len, reverse=True):
            words = words.replace(held, self.names[held])
        return words


def written_once(write: Callable[[Repeated], Output]) -> Output:
    """A query in which each value of the events that is long to compute stands once.

    Args:
        write: writes it, telling the values that it computes, with the names of those that have one.
    """
    told = Repeated()
    output = write(told)
    again = told.standing_again("\n".join(output.texts)) if told.hints else {}
    return write(Repeated(again)) if again else output


def hint_of(expr: Expr) -> str:
    """What a value might be called: by its place in an object, or by what makes it."""
    match expr:
        case Path(steps=(*_, str(step))):
            return hint_of_place(step)
        case Apply(function="extract"):
            return "extracted"
        case Apply(function="replace_string" | "replace_regex"):
            return "replaced"
        case Apply(function="tolower" | "toupper" | "tostring", args=(inner, *_)):
            return hint_of(inner)
    return "computed"


def hint_of_place(path: str) -> str:
    """The same of a place by its path: the last word of its last name, such as ``upn`` of an address with slashes."""
    words = re.findall(r"[A-Za-z_][A-Za-z_0-9]*", texts_within(path)[-1].rpartition(".")[2])
    return words[-1] if words else "computed"


def _stands_alone(words: str) -> bool:
    """Whether a value is one call of a function or in parentheses, so that it is the same in any place."""
    name, opening, _ = words.partition("(")
    if not opening or not words.endswith(")") or not f"a{name}".replace("_", "a").isalnum():
        return False
    depth, quoted, escaped = 0, False, False
    for number, letter in enumerate(words):
        if quoted:
            quoted = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        elif letter in "()":
            depth += 1 if letter == "(" else -1
            if depth == 0 and number < len(words) - 1:
                return False
    return depth == 0 and not quoted
