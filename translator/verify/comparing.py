"""What both sides find compared: rows, entities or events, as far as it is known that they mean the same.

A column is compared where its values follow from the events: not where the query may take any of several values, nor where the product
spells what is stored in its own way. Kinds are those of the KQL's column: a time is a moment, a number its value, and a text what it says;
several values have no order. What is empty and what is missing are the same.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import yaml

from translator import catalog
from translator.catalog import ByValue, Computed, Counterpart, Stored
from translator.fidelity import Verdict
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, walk
from translator.plan.functions.values import text_of
from translator.plan.types import Type
from translator.targets.pipeline.reading import all_made, behind
from translator.verify.eql.syntax import Events, parse
from translator.verify.reading import CARRIED, NotReadable, Row, moment_of

ROW = CARRIED
"""A field of events that says which row of the KQL's tables each stands for."""

_ARBITRARY = (
    "take_any",
    "any",
    "anyif",
    "arg_max",
    "arg_min",
    "percentile",
    "hll",
    "tdigest",
    "rand",
    "new_guid",
    "row_",
    "prev",
    "next",
    "make_bag",
)
"""How functions begin whose values the events do not settle, or whose readers may round in their own way."""  # fmt: skip

_NUMBERS = frozenset({Type.LONG, Type.INT, Type.REAL, Type.DECIMAL})


class Compared(Enum):
    """What of both sides was compared where both alert."""

    ROWS = "rows"
    ENTITIES = "entities"
    EVENTS = "events"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class Difference:
    """What one side finds and the other does not.

    Attributes:
        errs: the direction in which the text errs.
        lacking: what the KQL alone finds.
        surplus: what the text alone finds.
    """

    errs: Verdict
    lacking: tuple[Row, ...] = ()
    surplus: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the KQL finds in a world.

    Attributes:
        rows: its rows, by the names of their columns.
        events: the marks of the rows of its tables that it finds; None where its rows are no events.
    """

    rows: tuple[Row, ...] = ()
    events: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is compared of a text.

    Attributes:
        columns: the names of the KQL's columns whose values are compared, each with the names that the text may have for it.
        whole: whether each row of the one side is a row of the other.
        untold: the texts of columns of which the product's events have no field, as a hyphen in the place of a user.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    whole: bool = False
    untold: Mapping[str, frozenset[str]] = field(default_factory=dict)


_KEPT_SIDES = {"leftouter": 0, "rightouter": 1}
"""The number of the side whose keys tell the rows of an outer join: the other one's are empty where it has no row."""


class Columns:
    """The columns of a query's result, and what may be asked of them.

    Args:
        family: whose names the events have.
        places: where a text reads the events of tables, as its deployment names them; anywhere where it names none.
    """

    def __init__(self, plan: o.Plan, family: str, places: Iterable[tuple[str, str]] = ()) -> None:
        self.plan, self.family, self.places = plan, family, frozenset(places)
        self.made = all_made(plan)
        self.named: dict[str, Column] = dict(plan.names)
        self.limited = any(isinstance(p, o.Limit) for p in o.parts(plan.root))
        self.unsettled = _unsettled(plan)
        parts = list(o.parts(plan.root))
        pairs = [(p.kind, pair) for p in parts if isinstance(p, o.Join) for pair in p.on]
        kept = [x for kind, pair in pairs for n, x in enumerate(pair) if n == _KEPT_SIDES.get(kind, n)]
        joined = [x.column for x in kept if isinstance(x, ColumnRef)]
        grouped = [c for p in parts if isinstance(p, o.Aggregate) for c, _ in p.keys]
        distinct = [c for p in parts if isinstance(p, o.Distinct) for c in p.columns]
        self.grouping = frozenset(c.id for c in (*joined, *grouped, *distinct))
        self.read = frozenset(p.name for p in parts if isinstance(p, Column) and p.table is not None)
        self.keys = frozenset(n for n, c in plan.names if c.type != Type.DATETIME and self.is_key(c))

    def is_key(self, column: Column) -> bool:
        """Whether rows are grouped or joined by a column of the result."""
        ids = self.grouping
        seen = set[int]()
        while column.id not in ids:
            made = self.made.get(column.id)
            if not isinstance(made, ColumnRef) or column.id in seen:
                return False
            seen.add(column.id)
            column = made.column
        return True

    def wanted(self, entities: Iterable[str], own: Mapping[str, str], whole: bool, as_stored: bool = False) -> Wanted:
        """What is compared of a text.

        Args:
            entities: the columns that an alert is about.
            own: what the rows of the text call the columns of the query, as far as it says that itself.
            whole: whether it claims to have the same rows.
            as_stored: whether it computes no columns, so that a field of the name of a computed one is the one that the product stores.
        """
        if whole and not self.limited:
            return Wanted({n: (f,) for n, f in own.items() if self.settled(n, True)}, True)
        about = sorted(n for n in {*entities, *self.keys} if self.settled(n, False) and self.named[n].type != Type.DATETIME)
        if as_stored:
            about = [n for n in about if n in own or self.stored(self.named[n]) is not None or n not in self.read]
        of_others = {n: {field for other, field in own.items() if other != n and field != own.get(n)} for n in about}
        names = {
            n: tuple(dict.fromkeys(f for f in (*((own[n],) if n in own else ()), n, *self.names(n)) if f not in of_others[n]))
            for n in about
        }
        return Wanted(names, untold={n: found for n in about if (found := self.untold(n))})

    def untold(self, name: str) -> frozenset[str]:
        """The texts of a column of the result that are no field in the product."""
        column = self.stored(self.named[name]) if self.family != "source" else None
        known = self.counterparts(column) if column is not None else []
        return frozenset(s.missing for c in known for s in _leaves(c) if isinstance(s, Stored) and s.missing)

    def stored(self, column: Column) -> Column | None:
        """The stored column that a column of the result is, by another name or not."""
        seen = set[int]()
        while column.table is None:
            made = self.made.get(column.id)
            if isinstance(made, Apply) and made.function == "tostring" and len(made.args) == 1:
                made = made.args[0]
            if not isinstance(made, ColumnRef) or column.id in seen:
                return None
            seen.add(column.id)
            column = made.column
        return column

    def settled(self, name: str, whole: bool) -> bool:
        """Whether the values of a column follow from the events, and are the same in the product.

        Args:
            whole: whether empty values count; one that is computed of several fields is never empty.
        """
        column = self.named.get(name)
        if column is None or self.limited or column.type == Type.TIMESPAN:
            return False
        ids = behind(self.plan, [ColumnRef(None, column.type, column)])
        if ids & self.unsettled:
            return False
        if self.family == "source":
            return True
        read = [p for p in o.parts((self.plan.root, tuple(c for _, c in self.plan.names))) if isinstance(p, Column) and p.id in ids]
        return not any(_is_spelled_otherwise(x, whole) for c in read if c.table is not None for x in self.counterparts(c))

    def names(self, name: str) -> tuple[str, ...]:
        """What events of the product call a stored column that a column of the result is."""
        column = self.stored(self.named[name])
        if column is None:
            return ()
        counterparts = self.counterparts(column)
        if self.family == "source" or not counterparts:
            return (column.name,)
        return tuple(dict.fromkeys(s.name for c in counterparts for s in _leaves(c) if isinstance(s, Stored)))

    def counterparts(self, column: Column) -> list[Counterpart]:
        """What the product has for a stored column, where the text reads its table."""
        known = catalog.table(column.table or "")
        homes = known.homes.get(self.family, ()) if known is not None else ()
        read = [h for h in homes if (column.table, str(h)) in self.places] or homes
        return [h.columns[column.name] for h in read if column.name in h.columns]


def _leaves(counterpart: Counterpart) -> Iterator[Counterpart]:
    todo = [counterpart]
    while todo:
        match todo.pop():
            case ByValue(of=of, otherwise=otherwise):
                todo += [*(c for _, c in of), otherwise]
            case found:
                yield found


def _is_spelled_otherwise(counterpart: Counterpart, whole: bool) -> bool:
    """Whether a product has, or may have, other values for a column than the table."""
    for found in _leaves(counterpart):
        match found:
            case Computed(deviates=deviates, file_of=file_of, lowered=lowered) if whole or deviates or file_of or lowered:
                return True
            case Stored() as s if (
                s.values
                or s.case
                or s.lowered
                or s.prefixes
                or s.form
                or s.differs
                or s.longer
                or s.deviates
                or s.setting
                or s.within
                or s.array
            ):
                return True
    return False


def _unsettled(plan: o.Plan) -> frozenset[int]:
    """The columns that hold one of several values, whichever it is."""
    found = {c for c, x in all_made(plan).items() if any(_is_arbitrary(n) for n in walk(x))}
    columns = [p for p in o.parts((plan.root, tuple(c for _, c in plan.names))) if isinstance(p, Column)]
    for part in o.parts(plan.root):
        match part:
            case o.Join(kind="innerunique", left=left, on=on):  # one row of each key of its left side, any of them
                kept = {c.id for one, _ in on for n in walk(one) if isinstance(n, ColumnRef) for c in (n.column,)}
                sources = {n.id for n in o.relations(left) if isinstance(n, o.Source)}
                stored = {c.id for c in columns if c.source in sources}
                found |= ({c.id for c in o.parts(left) if isinstance(c, Column)} | stored) - kept
            case o.Number(column=column):
                found.add(column.id)
            case o.Expand(items=items):
                found |= {c.id for c, _ in items}
            case o.Parse(pattern=pattern):
                found |= {c.id for c in pattern if isinstance(c, Column)}
    return frozenset(found)


def _is_arbitrary(expr: Expr) -> bool:
    return isinstance(expr, Apply) and expr.function.startswith(_ARBITRARY)


class _Untold(Exception):
    """A value that cannot be compared."""


def compared(
    answer: Answer, rows: Sequence[Row], wanted: Wanted, kinds: Mapping[str, Type]
) -> tuple[Difference | None, Compared]:  # fmt: skip
    """What differs where both sides find something, and what was compared.

    Args:
        rows: what the text finds.
        kinds: the types of the KQL's columns.
    """
    told = [n for n, names in wanted.columns.items() if _is_told(n, names, answer, rows, kinds[n], wanted.whole)]
    ours = [tuple(_value(r.get(n), kinds[n]) for n in told) for r in answer.rows]
    theirs = [tuple(_value(_of(r, wanted.columns[n]), kinds[n]) for n in told) for r in rows]
    if wanted.whole:
        return _of_counts(told, Counter(ours), Counter(theirs)), Compared.ROWS
    marks = [r.get(ROW) for r in rows]
    if answer.events is not None and all(isinstance(m, str) for m in marks):
        return _of_sets((ROW,), {(m,) for m in answer.events}, {(m,) for m in marks}), Compared.EVENTS
    # What has no value identifies nothing, and is no alert of its own.
    nothing = [wanted.untold.get(n, frozenset[str]()) | {""} for n in told]
    one, other = (
        {_caseless(values) for values in side if not any(v in none for v, none in zip(values, nothing, strict=True))}
        for side in (ours, theirs)
    )
    if told and (found := _of_sets(told, one, other)) is not None and not _alike_by_column(ours, theirs, nothing):
        return found, Compared.ENTITIES
    if not told and not any(ROW in r for r in rows) and (found := _lacking_by_value(answer, rows, wanted, kinds)) is not None:
        return found, Compared.ENTITIES
    for name in (n for n, names in wanted.columns.items() if n not in told and _is_gathered(n, names, answer, rows, kinds[n])):
        # Which of them stands beside which of another column is not told.
        one, other = ({_caseless((_value(v, kinds[name]),)) for v in side} for side in _gathered(name, answer, rows, wanted.columns[name]))
        if (found := _of_sets((name,), one - {("",)}, other - {("",)})) is not None:
            return found, Compared.ENTITIES
    return None, Compared.ENTITIES if told else Compared.ALERTS


def _lacking_by_value(answer: Answer, rows: Sequence[Row], wanted: Wanted, kinds: Mapping[str, Type]) -> Difference | None:
    """What a text lacks that shows some of the values of a column, and no other, under a name of its own."""
    for name in wanted.columns:
        try:
            ours = {_caseless((_value(r.get(name), kinds[name]),)) for r in answer.rows} - {("",)}
            shown: dict[str, set[tuple[object, ...]]] = {}
            for row in rows:
                for field_, value in row.items():
                    texts = [v for v in _several(value) if isinstance(v, str)]  # how many there are is the value of no column
                    shown.setdefault(field_, set()).update(_caseless((_value(v, kinds[name]),)) for v in texts)
        except _Untold:
            continue
        theirs = [values for values in shown.values() if values & ours]
        if len(ours) > 1 and theirs and all(values < ours for values in theirs):
            return _of_sets((name,), ours, set.union(*theirs))
    return None


def _alike_by_column(
    ours: Sequence[tuple[object, ...]], theirs: Sequence[tuple[object, ...]], nothing: Sequence[Container[object]]
) -> bool:
    """Whether rows of the KQL that lack some values each are rows of the text that gather them: each column has the same ones."""
    lacks = [[v in none for v, none in zip(values, nothing, strict=True)] for values in ours]
    if not any(any(row) and not all(row) for row in lacks):
        return False
    for number, none in enumerate(nothing):
        one, other = ({_caseless((values[number],)) for values in side if values[number] not in none} for side in (ours, theirs))
        if one != other:
            return False
    return True


def _gathered(name: str, answer: Answer, rows: Sequence[Row], names: Sequence[str]) -> tuple[list[object], list[object]]:
    """The values of a column on both sides, where a row of the text may show several."""
    return [r.get(name) for r in answer.rows], [v for r in rows for v in _several(_of(r, names))]


def _several(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else (value,)


def _is_told(name: str, names: Sequence[str], answer: Answer, rows: Sequence[Row], kind: Type, whole: bool) -> bool:
    """Whether a column can be compared; as what an alert is about it has to be there, and to be one value."""
    try:
        found = [_value(r.get(name), kind) for r in answer.rows] + [_value(_of(r, names), kind) for r in rows]
    except _Untold:
        return False
    # Beside events, an alert of a correlation says nothing of a column that it does not show.
    shown = not any(ROW in r for r in rows) or all(ROW in r or any(n in r for n in names) for r in rows)
    return whole or (shown and any(n in r for r in rows for n in names) and not any(isinstance(v, tuple) for v in found))


def _is_gathered(name: str, names: Sequence[str], answer: Answer, rows: Sequence[Row], kind: Type) -> bool:
    """Whether a column has one value in each row of the KQL and may have several in those of the text."""
    if kind in (Type.DYNAMIC, Type.UNKNOWN) or not all(any(n in r for n in names) for r in rows):
        return False
    try:
        found = [_value(v, kind) for side in _gathered(name, answer, rows, names) for v in side]
    except _Untold:
        return False
    return not any(isinstance(v, tuple) for v in found)


def _of(row: Row, names: Iterable[str]) -> object:
    return next((row[n] for n in names if n in row), None)


def _caseless(values: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(v.lower() if isinstance(v, str) else v for v in values)


def _of_counts(names: Sequence[str], ours: Counter[tuple[object, ...]], theirs: Counter[tuple[object, ...]]) -> Difference | None:
    lacking, surplus = ours - theirs, theirs - ours
    return _difference(names, list(lacking.elements()), list(surplus.elements()))


def _of_sets(names: Sequence[str], ours: set[tuple[object, ...]], theirs: set[tuple[object, ...]]) -> Difference | None:
    return _difference(names, sorted(ours - theirs, key=repr), sorted(theirs - ours, key=repr))


def _difference(names: Sequence[str], lacking: Sequence[tuple[object, ...]], surplus: Sequence[tuple[object, ...]]) -> Difference | None:
    if not lacking and not surplus:
        return None
    errs = Verdict.DIFFERS if lacking and surplus else Verdict.NARROWER if lacking else Verdict.BROADER
    one, other = (tuple(dict(zip(names, values, strict=True)) for values in side) for side in (lacking, surplus))
    return Difference(errs, one, other)


def _value(value: object, kind: Type) -> object:
    """A value as both sides can have it.

    Raises:
        _Untold: for one that has parts, and one that is none of its kind.
    """
    if isinstance(value, dict):
        raise _Untold
    if isinstance(value, list | tuple) or kind in (Type.DYNAMIC, Type.UNKNOWN):
        kept = sorted({_member(v) for v in (value if isinstance(value, list | tuple) else (value,))} - {""})
        if len(kept) > 1 and kind not in (Type.DYNAMIC, Type.UNKNOWN):
            raise _Untold
        return kept[0] if len(kept) == 1 else tuple(kept) if kept else ""
    if value is None or value == "" or value != value:
        return ""
    if isinstance(value, dt.timedelta):
        raise _Untold
    if kind == Type.DATETIME or isinstance(value, dt.datetime):
        return _second(value)
    if kind == Type.BOOL or isinstance(value, bool):
        return str(value if isinstance(value, str | bool) else bool(value)).lower()
    if kind in _NUMBERS:
        try:
            return float(f"{float(str(value)):.9g}")
        except ValueError as error:
            raise _Untold from error
    return text_of(value)


def _member(value: object) -> str:
    """A value of which the kind is not known, as a text: numbers by their value, times in seconds."""
    if value is None or value == "" or value != value:
        return ""
    if isinstance(value, dt.datetime):
        return f"{_second(value):.9g}"  # as what a field of the product has, which may be the number
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float) or (isinstance(value, str) and value[:1] in "[{"):
        raise _Untold
    try:
        return f"{float(value):.9g}"
    except ValueError:
        return text.lower() if (text := str(value)).lower() in ("true", "false") else text


def _second(value: object) -> float:
    try:
        moment = moment_of(value)
    except NotReadable as error:
        raise _Untold from error
    assert moment is not None
    return round(moment / 1_000_000, 3)


def named_rows(target: str, text: str, rows: Sequence[Row]) -> list[Row]:
    """The rows of a text with their keys by the names of the fields that these are of."""
    if target == "eql":
        query = parse(text)
        if isinstance(query, Events):
            return list(rows)
        found = []
        for row in rows:
            keys = row.get("join_keys")
            assert isinstance(keys, list)
            found.append({k.name: v for m in query.members for k, v in zip(m.keys, keys, strict=True)})
        return found
    if target == "sigma":
        names: dict[str, set[str]] = {}
        for document in yaml.safe_load_all(text):
            correlation = document.get("correlation") if isinstance(document, dict) else None
            for alias, of in (correlation.get("aliases") or {}).items() if isinstance(correlation, dict) else ():
                names.setdefault(alias, set()).update(of.values())
        return [row | {f: v for a, v in row.items() for f in names.get(a, ())} for row in rows]
    return list(rows)
