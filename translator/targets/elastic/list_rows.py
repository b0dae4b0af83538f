"""The rows of lists in ES|QL, which are those of lookup indices.

Facts: elastic.co/docs/reference/query-languages/esql/commands/lookup-join (a row for each document with the keys, or one; columns of the
index take the place of others of their names), elastic.co/docs/reference/query-languages/esql/esql-lookup-join ("Limitations").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from translator.fidelity import Diagnostic, ReadList
from translator.plan import operators as o
from translator.plan.expressions import ColumnRef, Expr
from translator.plan.types import Type
from translator.targets.base import LISTED, Cannot
from translator.targets.elastic import field, string
from translator.targets.pipeline.cuts import Cut
from translator.targets.pipeline.language import Command, Value
from translator.targets.pipeline.walk import Walk
from translator.targets.pipeline.walk.lists import named_list
from translator.targets.pipeline.walk.parts import Part

Found = tuple[o.Relation, o.External, tuple[tuple[Expr, Expr], ...], bool]
"""What a list is joined to, the list, the keys of both, and whether rows without one stay."""


def found_by_keys(node: o.Join) -> Found | None:
    """A join that asks for the rows of a list with the keys of its other side; None where it is another one."""
    sides = [(node.left, node.right, node.on), (node.right, node.left, tuple((b, a) for a, b in node.on))]
    for number, (below, listed, on) in enumerate(sides):
        kinds = ("inner", "rightouter" if number else "leftouter")
        if isinstance(listed, o.External) and node.kind in kinds and node.condition is None:
            return below, listed, on, node.kind != "inner"
    return None


def beside(cut: Cut) -> list[o.External]:
    """The lists of a cut whose rows stand beside events: all but those that are found by keys."""
    joined = [found_by_keys(r) for r in cut.operators() if isinstance(r, o.Join)]
    by_keys = {id(found[1]) for found in joined if found is not None}
    return [listed for listed in cut.lists() if id(listed) not in by_keys]


def rows_of_list(walk: Walk, node: o.External, name: str, flag: str) -> None:
    """All rows of a list, joined to one row that is made beside the first document, so that there are none where there is no document.

    A column that is the same in all rows of the list is their key.
    """
    heads = [f for f in walk.open if f not in walk.flag_of.values()]
    columns = [c.name for c in node.columns]
    set_aside(walk, [*columns, LISTED[0]])
    row, first, mark = walk.numbered(node, heads), walk.free("first_row"), field(LISTED[0])
    present = " OR ".join(walk.present(f) for f in heads)
    alone = present if len(heads) == 1 else f"({present})"
    walk.commands += [
        Command("INLINE STATS", f"INLINE STATS {field(first)} = MIN({row}) WHERE {present}"),
        walk.eval([(LISTED[0], f'SPLIT(CONCAT("no", CASE({alone} AND {row} == {field(first)}, ",{LISTED[1]}", "")), ",")')]),
        Command("MV_EXPAND", f"MV_EXPAND {mark}"),
        walk.eval([(f, f'CASE({mark} == "no", {field(f)})') for f in walk.open]),
        Command("LOOKUP JOIN", f"LOOKUP JOIN {name} ON {mark}"),
        walk.eval([(flag, f"CASE({mark} == {string(LISTED[1])} AND {walk.present(columns[0])}, 1)")]),
    ]
    walk.untold.add(flag)


def set_aside(walk: Walk, names: list[str]) -> None:
    """Gives columns other names that the columns of a list take the place of.

    Raises:
        Cannot: where more is made of one than a column of its own.
    """
    values = [*walk.columns.values(), *walk.fields.values(), *(v for _, v in walk.elements.values())]
    computed = [v.text for v in values if walk.name_of(v) is None]
    moved = dict[str, str]()
    for name in names:
        is_column = any(v.text == field(name) for v in values)
        if (name in walk.taken and not is_column) or any(re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", c) for c in computed):
            raise Cannot(Diagnostic("unsupported-join", f"{name} is another column here", None))
        if is_column:
            moved[field(name)] = walk.free(name)
    if moved:
        walk.commands.append(Command("EVAL", "EVAL " + ", ".join(f"{field(new)} = {old}" for old, new in moved.items())))
        walk.taken -= {name for name in names if field(name) in moved}
        walk.columns |= _renamed(walk.columns, moved)
        walk.fields |= _renamed(walk.fields, moved)


Key = TypeVar("Key")


def _renamed(held: Mapping[Key, Value], moved: Mapping[str, str]) -> dict[Key, Value]:
    return {key: replace(v, text=field(moved[v.text])) for key, v in held.items() if v.text in moved}


def looked_up(walk: Walk, kept: Part, listed: o.External, on: tuple[tuple[Expr, Expr], ...], outer: bool) -> Part:
    """A part with the columns of the rows of a list that have its keys; ``outer``: rows without one stay."""
    name, where = named_list(walk, listed)
    own_keys = {x.column.name for mine, x in on if isinstance(x, ColumnRef) and walk.values().simplest(mine).text == field(x.column.name)}
    set_aside(walk, [c.name for c in listed.columns if kept.flag is not None or c.name not in own_keys])
    keys, pairs = list[str](), list[tuple[str, str]]()
    others = {c.name for c in listed.columns}
    for mine, theirs in on:
        key = walk.values().simplest(mine)
        if not isinstance(theirs, ColumnRef) or theirs.column not in listed.columns or key.kind != "text" or theirs.type != Type.STRING:
            raise Cannot(Diagnostic("unsupported-join", "a join with a list by this key is not supported here", mine.span))
        others.discard(theirs.column.name)
        own = walk.quoted(theirs.column.name)
        if key.text != own or kept.flag is not None:
            text = key.text if kept.flag is None else walk.language.chosen([(walk.present(kept.flag), key.text)], walk.language.null)
            pairs.append((theirs.column.name, text))
        keys.append(own)
    filled = next((c for c in listed.columns if c.name in others and c.type == Type.STRING), None)
    if filled is None and not outer:
        raise Cannot(Diagnostic("unsupported-join", "a list whose columns are not told from others here", listed.span))
    if pairs:
        walk.commands.append(walk.eval(pairs))
    walk.commands.append(Command("LOOKUP JOIN", f"LOOKUP JOIN {name} ON {', '.join(keys)}"))
    columns = ", ".join(c.name for c in listed.columns)
    message = f"fill the list {name} with the columns {columns}{where}; an empty text where one has nothing"
    walk.say("list-rows", message, listed.span, fact=ReadList(name))
    walk.taken |= {c.name for c in listed.columns if c.type == Type.STRING}
    for column in listed.columns:
        if column.type != Type.STRING:
            continue  # what reads it says that it is not there
        text = walk.quoted(column.name)
        if not outer:
            walk.columns[column.id] = Value(text, "text", False, simple=True)
        elif column.name in others:
            walk.columns[column.id] = Value(f'COALESCE({text}, "")', "text", False)
        elif filled is not None:  # the key is the row's own, whether or not the list has it
            there = walk.language.chosen([(walk.language.present.format(walk.quoted(filled.name)), text)], string(""))
            walk.columns[column.id] = Value(there, "text", False)
    if filled is not None and not outer:
        walk.keep(kept, [walk.language.present.format(walk.quoted(filled.name))])
    if kept.spread is not None:
        raise Cannot(Diagnostic("unsupported-join", "a summary beside events with a list is not supported here", listed.span))
    walk.several = True
    return replace(kept, unique=None)
