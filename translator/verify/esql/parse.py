"""Text of ES|QL to nodes.

Facts: "ES|QL syntax reference" (elastic.co/docs/reference/query-languages/esql/esql-syntax): keywords do not mind case; names that do not
start with a letter, ``_`` or ``@``, or have other characters, take back quotes; literals of text, their escapes and three quotes; numeric
literals; comments. The words that are no names: lexer/Expression.g4 of Elasticsearch.
"""

from __future__ import annotations

import functools
import re
from functools import cache
from typing import Any, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError
from lark.tree import Meta
from lark.visitors import v_args

from translator.grammar import grammar_text
from translator.verify.esql import syntax as s
from translator.verify.esql.times import UNITS, Span
from translator.verify.reading import NotReadable

RESERVED = (
    "and as asc by desc false first in is last like not null nulls on or rlike true where with"  # lexer/Expression.g4
).split()
_WORD = rf"(?!(?:{'|'.join(RESERVED)})(?![A-Za-z0-9_]))(?:[A-Za-z]|[_@](?=[A-Za-z0-9_]))[A-Za-z0-9_]*"
_PART = rf"(?:{_WORD}|as(?![A-Za-z0-9_])|`(?:[^`]|``)+`)"  # source.as.number is a field of ECS, and rules of Elastic write it so
_PATTERN = r"(?:[A-Za-z0-9_@*]|`(?:[^`]|``)+`)+"
_TERMINALS = rf"""
NAME: /(?:{_WORD}|(?:first|last)(?=\s*\())(?:\.{_PART})*/i
QUOTED: /`(?:[^`]|``)+`(?:\.{_PART})*/i
PATTERN: /{_PATTERN}(?:\.{_PATTERN})*/
STRING: /\"{{3}}[^\r\n]*?\"{{3}}\"?\"?|"(?:[^"\\\r\n]|\\[tnr"\\])*"/
%ignore /(\s|\/\/[^\r\n]*|\/\*[\s\S]*?\*\/)+/
"""


@cache
def _parser() -> Lark:
    return Lark(grammar_text("esql") + _TERMINALS, parser="lalr", propagate_positions=True, maybe_placeholders=False)


@functools.lru_cache(maxsize=64)
def parse(text: str) -> s.Query:
    """The nodes of a query.

    Raises:
        NotReadable: with the offset at which it is no ES|QL, or where it has what is not read here.
    """
    try:
        tree = _parser().parse(text)
        return cast(s.Query, _Builder(text).transform(tree))
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        position = len(text) if ended or error.pos_in_stream is None else error.pos_in_stream
        found = text[position : position + 20].split("\n")[0]
        raise NotReadable(f"syntax: {found!r} is not expected" if found else "syntax: the query ends too early", position) from None
    except VisitError as error:
        if isinstance(error.orig_exc, NotReadable):
            raise error.orig_exc from None
        raise


def text_of(token: str) -> str:
    """What a literal of text stands for."""
    if token.startswith('"""'):
        return token[3:-3]
    return re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n", "r": "\r"}.get(m[1], m[1]), token[1:-1])


def name_of(token: str) -> str:
    """A name without its back quotes."""
    return re.sub(r"`((?:[^`]|``)+)`", lambda m: m[1].replace("``", "`"), token)


def whole(value: int) -> tuple[str, int | float]:
    """The type of a literal that is a whole number, and its value ("Numeric literals": the smallest type that has it)."""
    if -(2**31) <= value < 2**31:
        return "integer", value
    if -(2**63) <= value < 2**63:
        return "long", value
    return ("unsigned_long", value) if 0 <= value < 2**64 else ("double", float(value))


def _at(meta: Meta) -> tuple[int, int]:
    return (0, 0) if meta.empty else (meta.start_pos, meta.end_pos)


@v_args(meta=True)
class _Builder(Transformer[Token, Any]):
    """A method for every rule and alias that makes a node."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.written = text

    def __default__(self, data: str, children: list[Any], meta: Meta) -> Any:
        return s.Unknown(*_at(meta), str(data).upper())

    # --- the query and its source

    def start(self, meta: Meta, children: list[Any]) -> s.Query:
        if len(children) > 1:
            raise NotReadable("SET", _at(meta)[0])
        return cast(s.Query, children[-1])

    def query(self, meta: Meta, children: list[s.Command]) -> s.Query:
        return s.Query(*_at(meta), tuple(children))

    def from_(self, meta: Meta, children: list[Any]) -> s.From:
        sources = [c if isinstance(c, s.Query) else self._source(c) for c in children if isinstance(c, Token | s.Query)]
        return s.From(*_at(meta), tuple(sources), tuple(c.name for c in children if isinstance(c, s.Column)))

    def _source(self, token: Token) -> str:
        found = text_of(token) if token.startswith('"') else str(token)
        if "::" in found:
            raise NotReadable("a selector of an index's component", token.start_pos)
        return found

    def row(self, meta: Meta, children: list[Any]) -> s.Row:
        return s.Row(*_at(meta), children[0])

    # --- commands

    def where(self, meta: Meta, children: list[Any]) -> s.Where:
        return s.Where(*_at(meta), children[0])

    def eval(self, meta: Meta, children: list[Any]) -> s.Eval:
        return s.Eval(*_at(meta), children[0])

    def fields(self, _: Meta, children: list[s.Named]) -> tuple[s.Named, ...]:
        return tuple(children)

    def field(self, meta: Meta, children: list[Any]) -> s.Named:
        expression = children[-1]
        start, end = _at(meta)
        if len(children) == 2:
            return s.Named(start, end, children[0].name, expression)
        return s.Named(start, end, expression.name if isinstance(expression, s.Column) else self.written[start:end], expression)

    def aggregate(self, meta: Meta, children: list[Any]) -> s.Named:
        named, *conditions = children
        start, end = _at(meta)
        stated = isinstance(named.expression, s.Column) or named.name != self.written[named.start : named.end]
        name = named.name if stated or not conditions else self.written[start:end]
        return s.Named(start, end, name, named.expression, conditions[0] if conditions else None)

    def aggregates(self, _: Meta, children: list[s.Named]) -> list[s.Named]:
        return children

    def stats_body(self, _: Meta, children: list[Any]) -> tuple[tuple[s.Named, ...], tuple[s.Named, ...]]:
        aggregates = next((tuple(c) for c in children if isinstance(c, list)), ())
        return aggregates, next((c for c in children if isinstance(c, tuple)), ())

    def stats(self, meta: Meta, children: list[Any]) -> s.Stats:
        return s.Stats(*_at(meta), False, *children[-1])

    def inline_stats(self, meta: Meta, children: list[Any]) -> s.Stats:
        return s.Stats(*_at(meta), True, *children[-1])

    def sort(self, meta: Meta, children: list[s.Order]) -> s.Sort:
        return s.Sort(*_at(meta), tuple(children))

    def order(self, meta: Meta, children: list[Any]) -> s.Order:
        words = {c.type: c.upper() for c in children[1:]}
        descending = words.get("DIRECTION") == "DESC"  # "SORT": nulls are the largest of all values unless it says otherwise
        return s.Order(*_at(meta), children[0], descending, words["NULLS_AT"] == "FIRST" if "NULLS_AT" in words else descending)

    def limit(self, meta: Meta, children: list[Any]) -> s.Limit:
        return s.Limit(*_at(meta), int(children[0]), tuple(children[1:]))

    def keep(self, meta: Meta, children: list[s.Pattern]) -> s.Keep:
        return s.Keep(*_at(meta), tuple(children))

    def drop(self, meta: Meta, children: list[s.Pattern]) -> s.Drop:
        return s.Drop(*_at(meta), tuple(children))

    def rename(self, meta: Meta, children: list[tuple[s.Pattern, s.Pattern]]) -> s.Rename:
        return s.Rename(*_at(meta), tuple(children))

    def renamed_as(self, _: Meta, children: list[s.Pattern]) -> tuple[s.Pattern, s.Pattern]:
        return children[0], children[1]

    def renamed_from(self, _: Meta, children: list[s.Pattern]) -> tuple[s.Pattern, s.Pattern]:
        return children[1], children[0]

    def option(self, meta: Meta, children: list[Any]) -> str:
        if children[0].upper() != "APPEND_SEPARATOR" or children[1].type != "keyword":
            raise NotReadable(f"the option {children[0]} of DISSECT", _at(meta)[0])
        return cast(str, children[1].value)

    def dissect(self, meta: Meta, children: list[Any]) -> s.Dissect:
        return s.Dissect(*_at(meta), children[0], text_of(children[1]), children[2] if len(children) > 2 else "")

    def grok(self, meta: Meta, children: list[Any]) -> s.Grok:
        return s.Grok(*_at(meta), children[0], tuple(text_of(c) for c in children[1:]))

    def mv_expand(self, meta: Meta, children: list[s.Column]) -> s.MvExpand:
        return s.MvExpand(*_at(meta), children[0].name)

    def enriching(self, _: Meta, children: list[s.Pattern]) -> tuple[str, str]:
        return children[0].name, children[-1].name

    def enrich(self, meta: Meta, children: list[Any]) -> s.Enrich:
        on = next((c for c in children if isinstance(c, s.Pattern)), None)
        policy = text_of(children[0]) if children[0].startswith('"') else str(children[0])
        return s.Enrich(*_at(meta), policy.rpartition(":")[2], on, tuple(c for c in children if isinstance(c, tuple)))

    def joined(self, _: Meta, children: list[Token]) -> str:
        return text_of(children[0]) if children[0].startswith('"') else str(children[0])

    def lookup_join(self, meta: Meta, children: list[Any]) -> s.LookupJoin:
        return s.LookupJoin(*_at(meta), children[0], tuple(children[1:]))

    def branch(self, _: Meta, children: list[s.Command]) -> tuple[s.Command, ...]:
        return tuple(children)

    def fork(self, meta: Meta, children: list[tuple[s.Command, ...]]) -> s.Fork:
        return s.Fork(*_at(meta), tuple(children))

    # --- expressions

    def or_(self, meta: Meta, children: list[Any]) -> s.Logical:
        return s.Logical(*_at(meta), True, *children)

    def and_(self, meta: Meta, children: list[Any]) -> s.Logical:
        return s.Logical(*_at(meta), False, *children)

    def not_(self, meta: Meta, children: list[Any]) -> s.Not:
        return s.Not(*_at(meta), children[0])

    def _maybe_not(self, meta: Meta, children: list[Any], node: s.Expression) -> s.Expression:
        negated = any(isinstance(c, Token) and c.type == "NOT" for c in children)
        return s.Not(*_at(meta), node) if negated else node

    def in_(self, meta: Meta, children: list[Any]) -> s.Expression:
        values = tuple(c for c in children[1:] if not isinstance(c, Token))
        return self._maybe_not(meta, children, s.In(*_at(meta), children[0], values))

    def is_null(self, meta: Meta, children: list[Any]) -> s.Expression:
        return self._maybe_not(meta, children, s.IsNull(*_at(meta), children[0]))

    def like(self, meta: Meta, children: list[Any]) -> s.Expression:
        word = next(c for c in children[1:] if c.type == "LIKE")
        patterns = tuple(text_of(c) for c in children[1:] if c.type == "STRING")
        return self._maybe_not(meta, children, s.Like(*_at(meta), word.upper() == "RLIKE", children[0], patterns))

    def match(self, meta: Meta, children: list[Any]) -> s.Match:
        return s.Match(*_at(meta), children[0])

    def binary(self, meta: Meta, children: list[Any]) -> s.Binary:
        return s.Binary(*_at(meta), str(children[1]), children[0], children[2])

    def signed(self, meta: Meta, children: list[Any]) -> s.Expression:
        sign, operand = children
        match operand:
            case s.Literal(type="integer" | "long" | "unsigned_long" | "double", value=int() | float() as value) if sign == "-":
                return s.Literal(*_at(meta), *(whole(-value) if isinstance(value, int) else ("double", -value)))
            case s.Literal(value=Span() as span) if sign == "-":
                return s.Literal(*_at(meta), operand.type, -span)
        return s.Negative(*_at(meta), operand) if sign == "-" else operand

    def cast(self, meta: Meta, children: list[Any]) -> s.Cast:
        return s.Cast(*_at(meta), children[0], children[1].lower())

    def inner(self, _: Meta, children: list[Any]) -> Any:
        return children[0]

    def call(self, meta: Meta, children: list[Any]) -> s.Call:
        star = any(isinstance(c, Token) for c in children[1:])
        options = next((c for c in children if isinstance(c, dict)), {})
        args = tuple(c for c in children[1:] if not isinstance(c, Token | dict))
        return s.Call(*_at(meta), name_of(children[0]).upper(), args, star, tuple(options.items()))

    def map(self, _: Meta, children: list[Any]) -> dict[str, Any]:
        return {text_of(key): value for key, value in zip(children[::2], children[1::2], strict=True)}

    def column(self, _: Meta, children: list[s.Column]) -> s.Column:
        return children[0]

    def name(self, meta: Meta, children: list[Token]) -> s.Column:
        return s.Column(*_at(meta), name_of(children[0]))

    def pattern(self, meta: Meta, children: list[Token]) -> s.Pattern:
        bare = re.sub(r"`(?:[^`]|``)+`", "", children[0])
        if "*" not in bare and {part.lower() for part in bare.split(".")} & {"null", "true", "false"}:
            raise NotReadable(f"{children[0]} is no name unless it is quoted", _at(meta)[0])
        return s.Pattern(*_at(meta), name_of(children[0]), "*" in bare)

    # --- literals

    def text(self, meta: Meta, children: list[Token]) -> s.Literal:
        return s.Literal(*_at(meta), "keyword", text_of(children[0]))

    def yes(self, meta: Meta, _: list[Token]) -> s.Literal:
        return s.Literal(*_at(meta), "boolean", True)

    def never(self, meta: Meta, _: list[Token]) -> s.Literal:
        return s.Literal(*_at(meta), "boolean", False)

    def null(self, meta: Meta, _: list[Token]) -> s.Literal:
        return s.Literal(*_at(meta), "null", None)

    def parameter(self, meta: Meta, _: list[Token]) -> s.Literal:
        raise NotReadable("a parameter", _at(meta)[0])

    def integer(self, meta: Meta, children: list[Token]) -> s.Literal:
        return s.Literal(*_at(meta), *whole(int(children[0])))

    def decimal(self, meta: Meta, children: list[Token]) -> s.Literal:
        return s.Literal(*_at(meta), "double", float(children[0]))

    def number(self, _: Meta, children: list[s.Literal]) -> s.Literal:
        return children[0]

    def signed_number(self, meta: Meta, children: list[Any]) -> s.Literal:
        return cast(s.Literal, self.signed(meta, children)) if len(children) == 2 else cast(s.Literal, children[0])

    def span(self, meta: Meta, children: list[Token]) -> s.Literal:
        unit = UNITS.get(children[1].lower())
        if unit is None:
            raise NotReadable(f"the unit {children[1]}", _at(meta)[0])
        span = unit * int(children[0])
        return s.Literal(*_at(meta), span.type, span)

    def several(self, meta: Meta, children: list[s.Literal]) -> s.Literal:
        wanted = ("integer", "long", "unsigned_long", "double")
        kinds = {c.type for c in children}
        if len(kinds) > 1 and not kinds <= set(wanted):
            raise NotReadable(f"values of {' and '.join(sorted(kinds))} in one list", _at(meta)[0])
        kind = max(kinds, key=lambda k: wanted.index(k) if k in wanted else 0)
        values = tuple(float(cast(float, c.value)) if kind == "double" else c.value for c in children)
        return s.Literal(*_at(meta), kind, values if len(values) > 1 else values[0])
