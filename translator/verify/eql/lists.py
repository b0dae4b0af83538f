"""Lists in the text of a query: ``in ("%NAME%")`` stands for the values of the list NAME, which are written there before it is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from translator.verify.eql.syntax import Among, And, Events, Expression, Filter, Literal, Member, Not, Or, Query, Sequence
from translator.verify.reading import Lists


def filled(query: Query, lists: Lists) -> Query:
    """``query`` with the values of the lists that are known by their names."""

    def condition(node: Expression) -> Expression:
        match node:
            case Among(values=values):
                return replace(node, values=tuple(written for value in values for written in texts(value)))
            case Not(part=part):
                return replace(node, part=condition(part))
            case And(parts=parts) | Or(parts=parts):
                return replace(node, parts=tuple(map(condition, parts)))
        return node

    def texts(node: Expression) -> Iterator[Expression]:
        match node:
            case Literal(value=str(text)) if len(text) > 2 and text[0] == text[-1] == "%" and text[1:-1] in lists:
                yield from (Literal(str(row["value"]), node.at) for row in lists[text[1:-1]])
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
