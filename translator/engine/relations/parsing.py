"""Columns that parse and parse-kv read out of a text."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.python import conversions as python_conversions
from translator.engine.python import pairs as python_pairs
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.relations.windows import computed
from translator.engine.scalars import conversions, texts
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.patterns import regex_of
from translator.plan.types import Type


def parse(compiler: Compiling, relation: o.Parse) -> Relational:
    """``parse`` and ``parse-where``, by a regular expression.

    A part that is no value of its type makes the row one that does not match, but with ``kind=relaxed``.
    """
    query = compiler.relation(relation.input)
    regex, columns = regex_of(relation)
    subject = compiler.column(Type.STRING)
    query = computed(compiler, query, ((subject, e.Apply(None, Type.STRING, "tostring", (relation.value,))),))
    reference, pattern = compiler.reference(subject), e.const(regex)
    if relation.filters:
        query = compiler.filtered(query, texts.matching(compiler.scalars, reference, pattern))
    strict = relation.kind != "relaxed" and any(c.type != Type.STRING for _, c in columns)
    made = [(compiler.column(c.type) if strict else c, number) for number, c in columns]
    items: list[tuple[e.Column, exp.Expr]] = []
    for column, number in made:
        text = compiler.scalars.never_null(texts.captured(compiler.scalars, pattern, e.const(number), reference), Type.STRING)
        items.append((column, conversions.from_text(compiler.scalars, text, column.type)))
    query = compiler.extended(query, *items)
    if not strict:
        return query
    converted = exp.and_(
        *(exp.Not(this=exp.Is(this=compiler.reference(c), expression=exp.Null())) for c, _ in made if c.type != Type.STRING)
    )
    if relation.filters:
        query = compiler.filtered(query, converted)
    whole = "CASE WHEN $1 THEN $2 ELSE $3 END"
    shown = (
        (c, compiler.scalars.sql(whole, converted, compiler.reference(m), compiler.scalars.null(c.type)))
        for (m, _), (_, c) in zip(made, columns, strict=True)
    )
    return compiler.extended(query, *shown)


def parse_pairs(compiler: Compiling, relation: o.ParsePairs) -> Relational:
    """``parse-kv``, by a function of Python that gives a bag."""
    query = compiler.relation(relation.input)
    bag = compiler.column(Type.DYNAMIC)
    spec = {
        "pair": relation.pair, "key": relation.key, "quotes": relation.quotes, "escapes": relation.escapes, "greedy": relation.greedy,
        "regex": relation.regex, "names": [c.name for c in relation.columns],
    }  # fmt: skip
    literal = exp.Literal.string(python_conversions.dumps(spec) or "{}")
    found = compiler.scalars.python(
        "pairs_of",
        python_pairs.pairs_of,
        (Type.STRING, Type.DYNAMIC),
        Type.DYNAMIC,
        (conversions.to_text(compiler.scalars, relation.value), literal),
    )
    query = compiler.extended(query, (bag, found))
    items = tuple((c, e.Path(None, c.type, e.ColumnRef(None, Type.DYNAMIC, bag), (c.name,))) for c in relation.columns)
    return computed(compiler, query, items)
