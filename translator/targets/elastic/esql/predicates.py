"""Conditions on fields of several values, of the type flattened, and in JSON."""

from __future__ import annotations

from dataclasses import replace

from translator.fidelity import Diagnostic
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, const, items_of
from translator.plan.patterns import searched
from translator.regex.parser import RegexError
from translator.targets.base import Cannot
from translator.targets.elastic import field, string
from translator.targets.elastic.words import ATOMS, java_finds, like
from translator.targets.names import texts_within
from translator.targets.predicates import Predicates, balanced, values
from translator.targets.repeated import hint_of_place

ARRAYS = frozenset({"event.category", "event.type"})
"""Fields of ECS that hold several values, of which a comparison in ES|QL would make null (ECS, "Categorization fields")."""


class EsqlPredicates(Predicates):
    """Conditions in ES|QL, where one value of several is told by the text of all of them."""

    @staticmethod
    def is_array(column: Column) -> bool:
        """Whether a field of documents may have several values."""
        return bool(column.stored) and (column.several or column.name in ARRAYS)

    def single(self, expr: Expr) -> str:
        """A stored field, or the way to it in one of the type flattened.

        Source: elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions/field_extract.
        """
        name = super().spelled(expr)
        if self.names.stored(expr) != "flattened" or self.names.in_json(expr) is not None:
            return name
        whole = self.names.field(expr)
        root = self.names.flattened_around(whole) or whole
        path = whole[len(root) + 1 :]
        return self.named(f"FIELD_EXTRACT({field(root)}, {string(path)})", hint_of_place(path))

    def spelled(self, expr: Expr) -> str:
        """The values of an array one below the other, since a condition on several values at once is null."""
        name = self.single(expr)
        return f'MV_CONCAT({self.texts_of(expr)}, "\\n")' if isinstance(expr, ColumnRef) and self.is_array(expr.column) else name

    def texts_of(self, expr: Expr) -> str:
        """The values of an array as texts, which alone MV_CONCAT takes (ES|QL functions, MV_CONCAT)."""
        name = self.single(expr)
        return name if self.names.is_text(expr) else f"TO_STRING({name})"

    def atom(self, predicate: Expr) -> str:
        match predicate:
            case Apply(function="==" | "in", args=(ColumnRef(column=column) as subject, operand)) if self.is_array(column):
                joined = f'CONCAT(",", MV_CONCAT({self.texts_of(subject)}, ","), ",")'
                found = [f"{joined} LIKE {string(f'*,{like(str(v))},*')}" for v in values(operand)]
                return found[0] if len(found) == 1 else f"({balanced(found, ' OR ')})"
            case Apply(function="==" | "in" as function, args=(subject, operand)) if self.names.in_json(subject) is not None:
                return self.of_json(function, subject, operand, predicate)
        return super().atom(predicate)

    def written_classes(self, predicate: Apply) -> str:
        """REPLACE has them all."""
        try:
            return "dswb" if java_finds(searched(predicate)) is not None else ""
        except RegexError:
            return ""

    def of_json(self, function: str, subject: Expr, operand: Expr, node: Apply) -> str:
        """A comparison with what JSON has at a place, which is always read as a text."""
        name, items = self.single(subject), items_of(operand)
        texts = tuple(const(str(i.value).lower()) if isinstance(i, Const) and isinstance(i.value, bool) else i for i in items)
        numbers = [isinstance(i, Const) and isinstance(i.value, int | float) for i in texts]
        if any(numbers) and not all(numbers):
            raise Cannot(Diagnostic("unsupported-expression", "a comparison with numbers and texts is not supported here", node.span))
        name = self.number_of(subject).format(name) if all(numbers) else name
        given = replace(operand, items=texts) if isinstance(operand, Items) else texts[0]
        text: str = ATOMS[function](name, (given,), node)
        return text

    def number_of(self, expr: Expr) -> str:
        """What is read in another field is a text."""
        return super().number_of(expr) if self.names.is_column(expr) else "TO_DOUBLE({0})"


def json_extract(holder: str, path: str) -> str:
    """What stands at a place in a field that holds JSON."""
    text = field(holder)
    for part in texts_within(path):
        text = f"JSON_EXTRACT({text}, {string(part)})"
    return text


def with_document(base: str) -> str:
    """``FROM`` with the field that holds the document itself (elastic.co/docs/reference/query-languages/esql/esql-metadata-fields)."""
    return f"{base}, _source" if " METADATA " in base else f"{base} METADATA _source"
