"""The commands of ES|QL, each by its page below elastic.co/docs/reference/query-languages/esql/commands.

Facts beside the pages: "Limitations" (an answer has 1,000 rows unless LIMIT says otherwise, and never more than 10,000).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from typing import Any

from translator.verify.esql import patterns, stats, tables
from translator.verify.esql import syntax as s
from translator.verify.esql import types as t
from translator.verify.esql.expressions import compiled, condition
from translator.verify.esql.tables import Table, World
from translator.verify.reading import CARRIED, NotReadable, Row

LIMIT, MOST = 1000, 10_000
"""How many rows an answer has where no LIMIT says it, and at most."""


def answer(query: s.Query, world: World) -> Table:
    """The rows of a query, cut as an answer is."""
    table = run(query.commands, world, None)
    limited = any(isinstance(c, s.Limit) for c in query.commands)
    return Table(table.columns, table.rows[: MOST if limited else LIMIT])


def run(commands: Sequence[s.Command], world: World, table: Table | None) -> Table:
    """What commands make of a table; the first of a query needs none."""
    for number, command in enumerate(commands):
        if isinstance(command, s.Stats) and command.inline and any(isinstance(c, s.Limit) for c in commands[:number]):
            raise NotReadable("INLINE STATS behind LIMIT", command.start)
        if isinstance(command, s.Where) and _sorted_and_expanded(commands[:number]):
            raise NotReadable("WHERE behind SORT and a command that makes rows, without LIMIT", command.start)
        match command:
            case s.From():
                table = _from(command, world)
            case s.Row():
                table = _eval(command.fields, Table({}, [{}]), world)
            case s.Unknown(name=name):
                raise NotReadable(f"the command {name}", command.start)
            case _:
                assert table is not None
                table = _process(command, table, world)
    assert table is not None
    return table


def _sorted_and_expanded(commands: Sequence[s.Command]) -> bool:
    """Whether rows are sorted, then expanded or joined, and not cut since: a condition then keeps the LIMIT that SORT needs from it.

    Source: "MV_EXPAND", the warning (elastic.co/docs/reference/query-languages/esql/commands/mv_expand).
    """
    ordered = expanded = False
    for command in commands:
        match command:
            case s.Sort():
                ordered, expanded = True, False
            case s.Limit() | s.Stats(inline=False):
                ordered = False
            case s.MvExpand() | s.LookupJoin() | s.Stats():
                expanded = True
    return ordered and expanded


def _process(command: s.Command, table: Table, world: World) -> Table:
    match command:
        case s.Where():
            holds = condition(command.condition, table.scope(world.now), "WHERE")
            return table.copy([r for r in table.rows if holds(r)])
        case s.Eval():
            return _eval(command.fields, table, world)
        case s.Stats():
            return stats.inline(command, table, world.now) if command.inline else stats.grouped(command, table, world.now)
        case s.Sort():
            return _sort(command, table, world)
        case s.Limit():
            if command.keys:
                raise NotReadable("LIMIT BY", command.start)
            return table.copy(table.rows[: command.count])
        case s.Keep():
            return _keep(command, table)
        case s.Drop():
            return _drop(command, table)
        case s.Rename():
            return _rename(command, table)
        case s.Dissect():
            names, extract = patterns.dissected(command.pattern, command.separator)
            return _extracted(command.subject, dict.fromkeys(names, "keyword"), [extract], table, world)
        case s.Grok():
            return _grok(command, table, world)
        case s.MvExpand():
            return _expand(command, table)
        case s.Enrich():
            return _enrich(command, table, world)
        case s.LookupJoin():
            return _lookup(command, table, world)
        case s.Fork():
            return _fork(command, table, world)
    raise NotReadable(f"the command {type(command).__name__.upper()}", command.start)


def _from(command: s.From, world: World) -> Table:
    """FROM. Subqueries are read beside the indices ("FROM", section on subqueries)."""
    parts = [run(source.commands, world, None) for source in command.sources if isinstance(source, s.Query)]
    if any(isinstance(source, str) for source in command.sources):
        parts.insert(0, tables.read(command, world))
    return parts[0] if len(parts) == 1 else tables.united(parts, command.start)


def _eval(fields: Sequence[s.Named], table: Table, world: World) -> Table:
    """EVAL: each field may read those before it."""
    made = table.copy(table.rows)
    for named in fields:
        found = compiled(named.expression, made.scope(world.now))
        made.rows = [_set(row, named.name, found.of(row)) for row in made.rows]
        made.with_column(named.name, found.type)
        if found.constant:
            made.constants[named.name] = found.value
    return made


def _set(row: Row, name: str, value: object) -> Row:
    kept = {k: v for k, v in row.items() if k != name}
    if value is not None:
        kept[name] = value
    return kept


def _sort(command: s.Sort, table: Table, world: World) -> Table:
    """SORT: of several values the least or, descending, the greatest counts."""
    rows = list(table.rows)
    for order in reversed(command.orders):
        found = compiled(order.expression, table.scope(world.now))
        if found.type in t.SPANS:
            raise t.Rejected(f"SORT by {found.type}", order.start)
        key = _sorting(found.type, order.descending)
        keyed = [(found.of(row), row) for row in rows]
        missing = [row for value, row in keyed if value is None]
        there = sorted(((key(v), row) for v, row in keyed if v is not None), key=lambda pair: pair[0], reverse=order.descending)
        ordered = [row for _, row in there]
        rows = missing + ordered if order.nulls_first else ordered + missing
    return table.copy(rows)


def _sorting(kind: str, descending: bool) -> Callable[[Any], Any]:
    pick = max if descending else min
    return lambda value: pick(t.order_of(kind, v) for v in t.several(value))


# --- names


def _matched(pattern: s.Pattern, table: Table) -> list[str]:
    """The columns of a name. Raises Rejected where there are none."""
    if pattern.wild:
        escaped = pattern.name.replace("[", "[[]").replace("?", "[?]")
        found = [name for name in table.columns if fnmatch.fnmatchcase(name, escaped)]
    else:
        if table.columns.get(pattern.name) not in ("unsupported", "unread"):
            table.scope(None).type_of(pattern.name, pattern.start)
        found = [pattern.name]
    if not found and not table.open:
        raise t.Rejected(f"no column is like {pattern.name}", pattern.start)
    return found


def _keep(command: s.Keep, table: Table) -> Table:
    """KEEP: a whole name wins over a pattern, and that over ``*``; of equal ones the last is the place of a column."""
    ranks: dict[str, int] = {}
    for pattern in command.patterns:
        rank = 3 if pattern.name == "*" and pattern.wild else 2 if pattern.wild else 1
        for name in _matched(pattern, table):
            if ranks.get(name, rank) >= rank:
                ranks.pop(name, None)
                ranks[name] = rank
    columns = {name: table.columns.get(name, "null") for name in ranks}
    columns |= {CARRIED: table.columns[CARRIED]} if CARRIED in table.columns else {}
    constants = {name: value for name, value in table.constants.items() if name in columns}
    rows = [{k: v for k, v in row.items() if k in columns} for row in table.rows]
    still_open = table.open and any(pattern.wild for pattern in command.patterns)  # a pattern may have fields that no event has
    return Table(columns, rows, still_open, table.gone | (table.columns.keys() - columns.keys()), constants)


def _drop(command: s.Drop, table: Table) -> Table:
    dropped = {name for pattern in command.patterns for name in _matched(pattern, table)}
    columns = {name: kind for name, kind in table.columns.items() if name not in dropped}
    rows = [{k: v for k, v in row.items() if k not in dropped} for row in table.rows]
    constants = {name: value for name, value in table.constants.items() if name not in dropped}
    return Table(columns, rows, table.open, table.gone | dropped, constants)


def _rename(command: s.Rename, table: Table) -> Table:
    """RENAME, one name after the other: a column that had the new name is no more."""
    for old, new in command.names:
        if old.wild or new.wild:
            raise t.Rejected("RENAME of a pattern", old.start)
        kind = table.columns.get(old.name) or table.scope(None).type_of(old.name, old.start)
        if old.name == new.name:
            continue
        columns = {new.name if n == old.name else n: k for n, k in table.columns.items() if n != new.name}
        columns.setdefault(new.name, kind)
        rows = [_set({k: v for k, v in row.items() if k != old.name}, new.name, row.get(old.name)) for row in table.rows]
        constants = {n: v for n, v in table.constants.items() if n not in (old.name, new.name)}
        if old.name in table.constants:
            constants[new.name] = table.constants[old.name]
        table = Table(columns, rows, table.open, (table.gone | {old.name}) - {new.name}, constants)
    return table


# --- columns from texts


def _extracted(
    subject: s.Expression, columns: dict[str, str], extractors: Sequence[patterns.Extractor], table: Table, world: World
) -> Table:
    """Columns that patterns take from a text, of each of several texts."""
    found = compiled(subject, table.scope(world.now))
    if found.type not in (*t.TEXTS, "null"):
        raise t.Rejected(f"DISSECT and GROK want a text, not {found.type}", subject.start)
    rows = []
    for row in table.rows:
        taken: dict[str, list[object]] = {name: [] for name in columns}
        for text in t.several(found.of(row)):
            values = next((v for extract in extractors if (v := extract(text)) is not None), None) or {}
            for name, value in values.items():
                taken[name] += t.several(value)
        kept = {k: v for k, v in row.items() if k not in columns}
        rows.append(kept | {name: v for name, values in taken.items() if (v := t.one_or_several(values)) is not None})
    made = table.copy(rows)
    for name, kind in columns.items():
        made.with_column(name, kind)
    return made


def _grok(command: s.Grok, table: Table, world: World) -> Table:
    columns: dict[str, str] = {}
    extractors = []
    for pattern in command.patterns:
        found, extract = patterns.grokked(pattern)
        if any(columns.get(name, kind) != kind for name, kind in found.items()):
            raise t.Rejected("patterns of GROK give a column different types", command.start)
        columns |= found
        extractors.append(extract)
    return _extracted(command.subject, columns, extractors, table, world)


def _expand(command: s.MvExpand, table: Table) -> Table:
    """MV_EXPAND: a row for each value; a row without one stays."""
    name = command.column
    table.scope(None).type_of(name, command.start)
    rows = [_placed(row, name, v) for row in table.rows for v in (t.several(row.get(name)) or [None])]
    made = table.copy(rows)
    made.constants.pop(name, None)
    made.columns.setdefault(name, "null")
    return made


def _placed(row: Row, name: str, value: object) -> Row:
    return {k: v for k, v in {**row, name: value}.items() if v is not None}


# --- other lists


def _enrich(command: s.Enrich, table: Table, world: World) -> Table:
    """ENRICH by a policy that matches values, several of them merged ("ENRICH", "Enrich policy types", match).

    The field that the policy matches is the one of the list that the query names behind ON, else the first of the list.
    """
    listed = tables.listed(command.policy, world, command.start, {})
    first = next(iter(listed.columns), "")
    on = command.on.name if command.on else first
    matched = on if on in listed.columns else first
    kind = table.scope(None).type_of(on, command.start)
    if kind in ("version", "unsigned_long", "date_nanos", "boolean"):
        raise t.Rejected(f"ENRICH ON {kind}", command.start)
    fields = command.fields or tuple((name, name) for name in listed.columns if name != matched)
    for _, old in fields:
        if old not in listed.columns and listed.columns:
            raise t.Rejected(f"the policy {command.policy} has no field {old}", command.start)
    by_text: dict[str, list[Row]] = {}
    for row in listed.rows:
        for value in t.several(row.get(matched)):
            by_text.setdefault(t.text_of(listed.columns[matched], value), []).append(row)
    rows = []
    for row in table.rows:
        texts = dict.fromkeys(t.text_of(kind, v) for v in t.several(row.get(on)))
        hits = [hit for text in texts for hit in by_text.get(text, [])]
        hits = [hit for n, hit in enumerate(hits) if all(hit is not h for h in hits[:n])]
        for new, old in fields:
            row = _set(row, new, t.one_or_several([v for hit in hits for v in t.several(hit.get(old))]))
        rows.append(row)
    made = table.copy(rows)
    for new, old in fields:
        made.with_column(new, listed.columns.get(old, "null"))
    return made


def _lookup(command: s.LookupJoin, table: Table, world: World) -> Table:
    """LOOKUP JOIN: a row for each that matches, or one; nulls and several values match nothing."""
    pairs = [_join_key(on) for on in command.on]
    keys = {right: table.scope(None).type_of(left, command.start) for left, right in pairs}
    listed = tables.listed(command.index, world, command.start, keys)
    if not listed.rows:  # its mapping is not known
        made = table.copy(table.rows)
        made.open = True
        return made
    for left, right in pairs:
        if left != right and (right in table.columns or left in listed.columns):
            raise t.Rejected(f"LOOKUP JOIN ON {left} == {right}: a name is one of both sides", command.start)
        found = listed.columns.get(right)
        if found is None:
            raise t.Rejected(f"the lookup index {command.index} has no field {right}", command.start)
        if t.common(keys[right], found) is None:
            raise t.Rejected(f"LOOKUP JOIN of {keys[right]} and {found}", command.start)
    by_key: dict[tuple[object, ...], list[Row]] = {}
    for row in listed.rows:
        by_key.setdefault(tuple(row.get(right) if not isinstance(row.get(right), list) else None for _, right in pairs), []).append(row)
    same = {right for left, right in pairs if left == right}
    added = [name for name in listed.columns if name not in same]
    rows: list[Row] = []
    for row in table.rows:
        key = tuple(None if isinstance(v := row.get(left), list) else v for left, _ in pairs)
        hits = [] if None in key else by_key.get(key, [])
        kept = {k: v for k, v in row.items() if k not in added}
        rows += [kept | {k: v for k, v in hit.items() if k in added} for hit in hits] or [kept]
    made = table.copy(rows)
    for name in added:
        made.with_column(name, listed.columns[name])
    return made


def _join_key(on: s.Expression) -> tuple[str, str]:
    match on:
        case s.Column(name=name):
            return name, name
        case s.Binary(operator="==", left=s.Column(name=left), right=s.Column(name=right)):
            return left, right
    raise NotReadable("LOOKUP JOIN by a condition", on.start)


def _fork(command: s.Fork, table: Table, world: World) -> Table:
    """FORK: the rows of all branches, each cut as an answer is, with the branch in ``_fork``."""
    if not 2 <= len(command.branches) <= 8:
        raise t.Rejected("FORK has two to eight branches", command.start)
    made = []
    for number, branch in enumerate(command.branches, 1):
        part = run(branch, world, table.copy(table.rows))
        limited = any(isinstance(c, s.Limit) for c in branch)
        part = Table(dict(part.columns), part.rows[: MOST if limited else LIMIT], part.open)
        part.rows = [{**row, "_fork": f"fork{number}"} for row in part.rows]
        part.with_column("_fork", "keyword")
        made.append(part)
    return tables.united(made, command.start)
