"""STATS and INLINE STATS.

Facts: "STATS", "INLINE STATS" (elastic.co/docs/reference/query-languages/esql/commands/stats-by, .../inlinestats-by: a null is a group of
its own, a row with several values is in a group for each; without BY there is one row, for no rows as well; a key hides an aggregate of its
name; expressions over aggregates; WHERE behind an aggregate).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from translator.verify.esql import syntax as s
from translator.verify.esql.aggregates import AGGREGATES, GROUPINGS, reduced
from translator.verify.esql.expressions import Scope, compiled, condition
from translator.verify.esql.functions import Compiled, Given
from translator.verify.esql.tables import Table
from translator.verify.esql.types import SPANS, Rejected, several
from translator.verify.reading import NotReadable, Row


def _replaced(node: s.Expression, replace: Callable[[s.Expression], s.Expression | None]) -> s.Expression:
    """A node with those of its parts replaced that ``replace`` has something for."""
    found = replace(node)
    if found is not None:
        return found
    changed: dict[str, Any] = {}
    for part in dataclasses.fields(node):
        value = getattr(node, part.name)
        if isinstance(value, s.Spanned):
            changed[part.name] = _replaced(cast(s.Expression, value), replace)
        elif isinstance(value, tuple) and value and isinstance(value[0], s.Spanned):
            changed[part.name] = tuple(_replaced(cast(s.Expression, v), replace) for v in value)
    return dataclasses.replace(node, **changed) if changed else node


def _bare(node: s.Expression) -> s.Expression:
    """A node without its place, for comparison with another."""

    def placeless(part: s.Expression) -> s.Expression | None:
        return None

    found = _replaced(node, placeless)
    changed: dict[str, Any] = {"start": 0, "end": 0}
    for part in dataclasses.fields(found):
        value = getattr(found, part.name)
        if isinstance(value, s.Spanned):
            changed[part.name] = _bare(cast(s.Expression, value))
        elif isinstance(value, tuple) and value and isinstance(value[0], s.Spanned):
            changed[part.name] = tuple(_bare(cast(s.Expression, v)) for v in value)
    return dataclasses.replace(found, **changed)


def _scope(table: Table, now: int | None) -> Scope:
    return dataclasses.replace(table.scope(now), grouping=True)


def _groupings(node: s.Expression) -> list[s.Call]:
    """The functions by which rows are grouped that stand in an expression, the outermost first."""
    found: list[s.Call] = []

    def noted(part: s.Expression) -> None:
        if isinstance(part, s.Call) and part.name in GROUPINGS:
            found.append(part)

    _replaced(node, noted)
    return found


class _Aggregates:
    """The aggregates of a STATS over the columns of a table, each an expression over the row of a group."""

    def __init__(self, table: Table, keys: Mapping[str, Compiled], texts: Mapping[s.Expression, str], now: int | None) -> None:
        self.scope, self.keys, self.texts, self.now = _scope(table, now), keys, texts, now

    def compiled(self, named: s.Named) -> Compiled:
        """An aggregate or an expression over aggregates and keys. Raises Rejected for a column that is neither, and for constants."""
        for node in (named.expression, *([named.condition] if named.condition is not None else [])):
            for grouping in _groupings(node):
                if _bare(grouping) not in self.texts:
                    raise Rejected(f"{grouping.name} has to stand behind BY", grouping.start)
        kept = condition(named.condition, self.scope, "WHERE") if named.condition is not None else None
        parts: dict[str, Compiled] = {}

        def replace(node: s.Expression) -> s.Expression | None:
            name = self.texts.get(_bare(node))
            if name is not None:
                return s.Column(node.start, node.end, name)
            if isinstance(node, s.Call) and node.name in AGGREGATES:
                parts[f"#{len(parts)}"] = self.aggregate(node, kept)
                return s.Column(node.start, node.end, f"#{len(parts) - 1}")
            return None

        outer = _replaced(named.expression, replace)
        if not parts and (isinstance(outer, s.Column | s.Literal) or kept is not None):
            raise Rejected(f"{named.name} is no aggregate", named.start)
        columns = {name: part.type for name, part in parts.items()} | {name: key.type for name, key in self.keys.items()}
        found = compiled(outer, Scope(columns, now=self.now))
        return Compiled(found.type, lambda group: found.of({**group, **{n: part.of(group) for n, part in parts.items()}}))

    def aggregate(self, node: s.Call, kept: Callable[[Row], bool] | None) -> Compiled:
        if node.options:
            raise NotReadable(f"options of the aggregate {node.name}", node.start)
        if node.star and node.name != "COUNT":
            raise Rejected(f"{node.name}(*)", node.start)
        args = tuple(compiled(a, self.scope) for a in node.args)
        if not args and node.name != "COUNT":
            raise Rejected(f"{node.name} has no argument", node.start)
        return reduced(node.name, Given(node.name, args, node.args, node.start, self.now), kept)


def _groups(keys: Iterable[str], rows: list[Row]) -> dict[tuple[object, ...], list[Row]]:
    """Rows by the values of the keys; without keys one group that has them all."""
    if not keys:
        return {(): rows}
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        belongs: list[tuple[object, ...]] = [()]
        for key in keys:
            belongs = [(*b, v) for b in belongs for v in (several(row.get(key)) or [None])]
        for group in dict.fromkeys(belongs):
            groups.setdefault(group, []).append(row)
    return groups


def _keys(command: s.Stats, table: Table, now: int | None) -> tuple[dict[str, Compiled], dict[s.Expression, str]]:
    """The keys by name, and the names by their expressions. A key reads the columns of the table, not keys before it."""
    keys: dict[str, Compiled] = {}
    texts: dict[s.Expression, str] = {}
    for named in command.keys:
        found = compiled(named.expression, _scope(table, now))
        if any(_groupings(arg) for grouping in _groupings(named.expression) for arg in grouping.args):
            raise Rejected("functions that group rows inside of one another", named.start)
        if found.type in SPANS:
            raise Rejected(f"STATS by {found.type}", named.start)
        keys.pop(named.name, None)
        keys[named.name] = found
        if not isinstance(named.expression, s.Column) or named.expression.name != named.name:
            texts[_bare(named.expression)] = named.name
    return keys, texts


def _with_keys(table: Table, keys: Mapping[str, Compiled]) -> Table:
    """The table that aggregates read: of a key's name they read the key (Analyzer.java, resolveAggregate)."""
    made = table.copy(
        [
            {**{k: v for k, v in r.items() if k not in keys}, **{n: v for n, k in keys.items() if (v := k.of(r)) is not None}}
            for r in table.rows
        ]
    )
    for name, key in keys.items():
        made.with_column(name, key.type)
    return made


def _made(command: s.Stats, table: Table, now: int | None) -> tuple[Table, dict[str, Compiled]]:
    if not command.aggregates and not command.keys:
        raise Rejected("STATS of nothing", command.start)
    keys, texts = _keys(command, table, now)
    read = _with_keys(table, keys)
    aggregates = _Aggregates(read, keys, texts, now)
    measures: dict[str, Compiled] = {}
    for named in command.aggregates:
        found = aggregates.compiled(named)
        measures.pop(named.name, None)
        measures[named.name] = found
    rows = []
    for group, members in _groups(keys, read.rows).items():
        own: Row = {"": members, **dict(zip(keys, group, strict=True))}
        row = {name: measure.of(own) for name, measure in measures.items() if name not in keys}
        rows.append({k: v for k, v in {**row, **dict(zip(keys, group, strict=True))}.items() if v is not None})
    columns = {name: m.type for name, m in measures.items() if name not in keys} | {name: key.type for name, key in keys.items()}
    return Table(columns, rows), keys


def grouped(command: s.Stats, table: Table, now: int | None) -> Table:
    """STATS: a row for each group."""
    return _made(command, table, now)[0]


def inline(command: s.Stats, table: Table, now: int | None) -> Table:
    """INLINE STATS: what STATS finds, on each row that it was found of.

    Raises:
        NotReadable: for a key that has several values in a row.
    """
    found, keys = _made(command, table, now)
    by_key = {tuple(row.get(k) for k in keys): row for row in found.rows}
    rows = []
    for row in table.rows:
        values = {name: key.of(row) for name, key in keys.items()}
        if any(isinstance(v, list) for v in values.values()):
            raise NotReadable("INLINE STATS by several values", command.start)
        kept = {k: v for k, v in row.items() if k not in found.columns}
        rows.append({**kept, **by_key[tuple(values.values())]})
    made = table.copy(rows)
    for name, kind in found.columns.items():
        made.with_column(name, kind)
    return made
