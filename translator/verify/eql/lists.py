"""Lists in the text of a query: ``in ("%NAME%")`` stands for the values of the list NAME, which are written there before it is run.

So does ``like ("*%NAME%")``, with each of the values behind the ``*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from translator.verify.eql.functions import is_address
from translator.verify.eql.syntax import Among, And, Events, Expression, Field, Filter, Literal, Member, Not, Or, Pattern, Query, Sequence
from translator.verify.reading import Lists

_NAMED = re.compile("%([^%]+)%")


def filled(query: Query, lists: Lists, kinds: Mapping[str, str]) -> Query:
    """``query`` with the values of the lists that are known by their names; of those for an address what are addresses.

    Args:
        kinds: the types of fields.
    """

    def condition(node: Expression) -> Expression:
        match node:
            case Among(subject=subject, values=values):
                of_address = isinstance(subject, Field) and kinds.get(subject.name) == "ip"
                return replace(node, values=tuple(written for value in values for written in texts(value, of_address)))
            case Pattern(kind="like", patterns=patterns):
                return replace(node, patterns=tuple(written for text in patterns for written in _written(text, lists)))
            case Not(part=part):
                return replace(node, part=condition(part))
            case And(parts=parts) | Or(parts=parts):
                return replace(node, parts=tuple(map(condition, parts)))
        return node

    def texts(node: Expression, of_address: bool) -> Iterator[Expression]:
        match node:
            case Literal(value=str(text)):
                yield from (Literal(w, node.at) for w in _written(text, lists) if not of_address or w == text or is_address(w))
            case _:
                yield node

    def chosen(wanted: Filter) -> Filter:
        return replace(wanted, condition=condition(wanted.condition))

    def member(one: Member) -> Member:
        return replace(one, filter=chosen(one.filter))

    if isinstance(query, Events):
        return replace(query, filter=chosen(query.filter))
    whole = replace(query, members=tuple(map(member, query.members)))
    return replace(whole, until=member(whole.until)) if isinstance(whole, Sequence) and whole.until is not None else whole


def _written(text: str, lists: Lists) -> Iterator[str]:
    """A text with each of the values of the list that it names; as it is where it names none that is known."""
    named = _NAMED.search(text)
    if named is None or named[1] not in lists:
        yield text
        return
    yield from (f"{text[: named.start()]}{row['value']}{text[named.end() :]}" for row in lists[named[1]])
