"""From Lark's reductions to syntax nodes: a method for every rule and alias of ``grammars/kql.lark``.

Lark calls these while it parses, each with the children of its rule: tokens, nodes, and tuples for lists. The span of a
node runs from its first child to its last.
"""

from __future__ import annotations

from typing import Any

from translator.kql import syntax as s
from translator.kql.builder.expressions import Expressions
from translator.kql.builder.operators import Operators
from translator.kql.reductions import Children, Clause, Refused, after, listed, nodes_in, span_of


class Builder(Operators, Expressions):
    """Callbacks for Lark; stateless. Those of statements and sources stand here."""

    # --- statements

    def start(self, c: Children) -> s.Query:
        nodes = nodes_in(c)
        return s.Query(span_of(c) if c else (0, 0), nodes)

    def command(self, c: Children) -> Any:
        raise Refused(
            c[0].start_pos,
            f"this is a management command ({c[0].split()[0]}), not a query",
            "only queries can be translated; remove the line that starts with a dot",
        )

    def pipeline_statement(self, c: Children) -> Any:
        return s.ExpressionStatement(c[0].span, c[0])

    def let(self, c: Children) -> Any:
        return s.Let(span_of(c), c[1], c[3])

    def materialized(self, c: Children) -> Any:
        return s.TabularCall(span_of(c), "materialize", c[2])

    def set_option(self, c: Children) -> Any:
        return s.SetOption(span_of(c), c[1], c[3] if len(c) > 2 else None)

    declare_parameters = listed(s.DeclareParameters)

    def declare_pattern(self, c: Children) -> Any:
        if len(c) == 3:
            return s.DeclarePattern(span_of(c), c[2], (), None, ())
        signature: Clause = c[3]
        return s.DeclarePattern(span_of(c), c[2], signature.items, signature.extra, nodes_in(c[4:]))

    def pattern_signature(self, c: Children) -> Any:
        path = after(c, "LSQB")
        return Clause(span_of(c), tuple(p for p in nodes_in(c) if p is not path), path)

    def pattern_rule(self, c: Children) -> Any:
        path, body = after(c, "LSQB"), c[-2]
        arguments = tuple(n for n in nodes_in(c) if n is not path and n is not body)
        return s.PatternRule(span_of(c), arguments, path, body.items)

    restrict_access = listed(s.RestrictAccess)

    def alias_database(self, c: Children) -> Any:
        return s.AliasDatabase(span_of(c), c[2], c[4])

    def function(self, c: Children) -> Any:
        nodes = nodes_in(c)
        return s.Function(span_of(c), nodes[:-1], nodes[-1].items, c[0].type == "VIEW")

    def body(self, c: Children) -> Any:
        items = tuple(s.ExpressionStatement(n.span, n) if isinstance(n, s.Expression) else n for n in nodes_in(c))
        return Clause(span_of(c), items)

    def parameter(self, c: Children) -> Any:
        kind = c[2] if isinstance(c[2], s.RowSchema) else str(c[2])
        return s.FunctionParameter(span_of(c), c[0], kind, c[4] if len(c) > 3 else None)

    def row_schema(self, c: Children) -> Any:
        nodes = nodes_in(c)
        star = next((n for n, x in enumerate(nodes) if isinstance(x, s.Star)), None)
        return s.RowSchema(span_of(c), tuple(n for n in nodes if isinstance(n, s.Column)), star is not None, star or 0)

    def column(self, c: Children) -> Any:
        return s.Column(span_of(c), c[0], str(c[2]))

    # --- pipelines and sources

    def pipeline(self, c: Children) -> Any:
        return s.Pipeline(span_of(c), c[0], nodes_in(c[1:]))

    contextual_pipeline = pipeline

    def sub_pipeline(self, c: Children) -> Any:
        return s.Pipeline(span_of(c), None, nodes_in(c))

    print = listed(s.Print)

    def range(self, c: Children) -> Any:
        return s.Range(span_of(c), c[1], c[3], c[5], c[7])

    def macro_expand(self, c: Children) -> Any:
        nodes = nodes_in(c)
        return s.MacroExpand(span_of(c), nodes[0], nodes[1], nodes[2], nodes[3:])

    entity_group = listed(s.EntityGroup)
