"""Expressions and literals, of the reductions of their rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lark import Token

from translator.kql import syntax as s
from translator.kql.literals import decode_long, decode_string, decode_timespan, decode_typed
from translator.kql.reductions import (
    Children,
    Clause,
    Refused,
    clause_in,
    is_true,
    listed,
    literal,
    named_type,
    nodes_in,
    span_of,
)
from translator.kql.reserved import RESERVED, RESERVED_BEFORE_EQUALS


@dataclass(frozen=True, slots=True)
class _Index(s.Name):
    """``[0]`` or ``[key]`` where a name can stand: behind a dot it is an index, and ``key`` a value like any other."""

    index: s.Expression | None = field(default=None, compare=False)


class Expressions:
    """Callbacks for Lark; stateless."""

    def named(self, c: Children) -> Any:
        return s.Named(span_of(c), (c[0],), c[2])

    def named_list(self, c: Children) -> Any:
        return s.Named(span_of(c), tuple(n for n in c[:-1] if isinstance(n, s.Name)), c[-1], True)

    def logical(self, c: Children) -> Any:
        return s.Logical(span_of(c), str(c[1]), tuple(c[::2]))

    def binary(self, c: Children) -> Any:
        left, operator, right = c
        return s.Binary((left.span[0], right.span[1]), str(operator), left, right)

    def membership(self, c: Children) -> Any:
        return s.Membership(span_of(c), str(c[1]), c[0], nodes_in(c[2:]))

    def between(self, c: Children) -> Any:
        return s.Between(span_of(c), str(c[1]), c[0], c[3], c[5])

    def negation(self, c: Children) -> Any:
        return s.Unary((c[0].start_pos, c[1].span[1]), str(c[0]), c[1])

    def member(self, c: Children) -> Any:
        span = (c[0].span[0], c[2].span[1])
        if isinstance(c[2], _Index) and c[2].index is not None:
            return s.Element(span, c[0], c[2].index, True)
        return s.Member(span, c[0], c[2])

    def method(self, c: Children) -> Any:
        return s.Method((c[0].span[0], c[2].span[1]), c[0], c[2])

    def element(self, c: Children) -> Any:
        return s.Element(span_of(c), c[0], c[-2], len(c) == 5)

    def call(self, c: Children) -> Any:
        name, quoted = _name_of(c[0])
        if (not quoted and name in ("typeof", "kind", "with_source", "withsource")) or (name in RESERVED and not quoted):
            raise _reserved(c[0].start_pos, name)
        return s.Call((c[0].span[0] if quoted else c[0].start_pos, c[-1].end_pos), name, nodes_in(c[2:]), quoted)

    def parenthesized(self, c: Children) -> Any:
        return s.Parenthesized((c[0].start_pos, c[2].end_pos), c[1])

    def tabular_call(self, c: Children) -> Any:
        kind = str(c[1].value.name) if isinstance(c[1], s.Parameter) and isinstance(c[1].value, s.NameReference) else None
        return s.TabularCall(span_of(c), str(c[0]), c[-2], kind)

    def scoped_name(self, c: Children) -> Any:
        return s.ScopedName(span_of(c), c[0].name, c[1].items[0])

    def client_parameter(self, c: Children) -> Any:
        return s.ClientParameter((c[0].start_pos, c[0].end_pos), c[0][1:-1])

    def name_reference(self, c: Children) -> Any:
        token = c[0]
        if isinstance(token, Token):
            value = str(token)
            start, end = token.start_pos or 0, token.end_pos or 0
            if value in RESERVED:
                raise _reserved(start, value)
            return s.NameReference((start, end), value)
        return s.NameReference(token.span, token.value, True)

    def name(self, c: Children) -> Any:
        first: Any = c[0]
        if first.__class__ is Token and first in RESERVED:
            raise _reserved(first.start_pos, str(first))
        return _as_name(c[0])

    def extended_name(self, c: Children) -> Any:
        first: Any = c[0]
        if first.__class__ is Token and first in RESERVED_BEFORE_EQUALS:
            raise _reserved(first.start_pos, str(first))
        return _as_name(c[0])

    def bracketed(self, c: Children) -> Any:
        if c[1].type == "LONG":
            return _Index(span_of(c), str(c[1]), True, self.long(c[1:2]))
        if c[1].type == "IDENTIFIER":
            return _Index(span_of(c), str(c[1]), True, s.NameReference((c[1].start_pos, c[1].end_pos), str(c[1])))
        return s.Name(span_of(c), decode_string(c[1]), True)

    def star(self, c: Children) -> Any:
        return s.Star(span_of(c))

    def wildcard(self, c: Children) -> Any:
        return s.Wildcard(span_of(c), str(c[0]))

    def datatable(self, c: Children) -> Any:
        return s.Datatable(span_of(c), c[1], c[2], nodes_in(c[3:]))

    def externaldata(self, c: Children) -> Any:
        properties = clause_in(c, Clause)
        sources = tuple(n for n in c if isinstance(n, s.Literal))
        return s.ExternalData(span_of(c), c[1], c[2], sources, properties.items if properties else ())

    def contextual_datatable(self, c: Children) -> Any:
        return s.ContextualDatatable(span_of(c), str(c[1]), c[2])

    def materialized_view_combine(self, c: Children) -> Any:
        return s.MaterializedViewCombine(span_of(c), *nodes_in(c))

    # --- literals

    long = literal("long", decode_long)
    real = literal("real", float)
    timespan = literal("timespan", decode_timespan)
    boolean = literal("bool", is_true)

    def typed(self, c: Children) -> Any:
        kind, value = decode_typed(c[0])
        return s.Literal((c[0].start_pos, c[0].end_pos), kind, value, str(c[0]))

    def raw_guid(self, c: Children) -> Any:
        raise Refused(c[0].start_pos, "a guid cannot stand bare here", f"write guid({c[0]})")

    def type_of(self, c: Children) -> Any:
        return s.TypeOf(span_of(c), named_type(c[0]))

    def schema_of(self, c: Children) -> Any:
        return s.SchemaOf(span_of(c), c[1])

    def string(self, c: Children) -> Any:
        token = c[0]
        if len(c) == 1:
            return s.Literal((token.start_pos, token.end_pos), "string", decode_string(token), str(token))
        return s.Literal(span_of(c), "string", "".join(map(decode_string, c)), " ".join(c))

    string_token = string
    json_string = string

    def bad_string(self, c: Children) -> Any:
        token = c[0]
        quote = token.lstrip("hH@")[:3] if token.lstrip("hH@")[:3] in ("```", "~~~") else token.lstrip("hH@")[0]
        raise Refused(
            token.start_pos,
            f"this string does not end, or has an escape that KQL does not know (expected {quote})",
            'write a backslash as \\\\, or put @ before the opening quote: @"C:\\Windows"',
        )

    def signed_number(self, c: Children) -> Any:
        number: s.Literal = c[1]
        value = number.value
        if c[0] == "-" and isinstance(value, int | float):
            value = -value
        return s.Literal(span_of(c), number.kind, value, f"{c[0]}{number.text}")

    json_number = signed_number
    signed_literal_value = signed_number

    def dynamic(self, c: Children) -> Any:
        return s.Dynamic(span_of(c), c[1])

    def json_null(self, c: Children) -> Any:
        return s.Literal(span_of(c), "null", None, "null")

    json_array = listed(s.JsonArray)
    json_object = listed(s.JsonObject)

    def json_pair(self, c: Children) -> Any:
        return s.JsonPair(span_of(c), decode_string(c[0]), c[2])


def _name_of(child: Any) -> tuple[str, bool]:
    return (str(child), False) if child.__class__ is Token else (child.value, True)


def _as_name(child: Any) -> s.Name:
    if isinstance(child, Token):
        return s.Name((child.start_pos or 0, child.end_pos or 0), str(child))
    name: s.Name = child
    return name


def _reserved(offset: int | None, word: str) -> Refused:
    return Refused(offset or 0, f"'{word}' is a keyword and cannot be a name here", f"write ['{word}'] to use it as a name")
