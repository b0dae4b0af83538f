"""A cut of a plan whose heads are placed: where a product keeps the events, and what the fields of them are that the operators read.

The operators are written over fields that the head has given the names of the query's columns. A query of several tables has several
heads, of which one search finds the events.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace

from translator import catalog
from translator.catalog import ByValue, Home, Stored
from translator.detection.model import Detection, Selector, Threshold
from translator.detection.overlaps import may_overlap
from translator.detection.shapes import by_name
from translator.fidelity import Diagnostic, Place, Verdict, combine
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, Path, Same, children, const, walk
from translator.plan.types import Type
from translator.targets.base import Cannot, mixed
from translator.targets.homes import Placed, share_events
from translator.targets.names import free_of
from translator.targets.pipeline.cuts import Cut
from translator.targets.pipeline.language import WRITTEN, Command, Value
from translator.targets.pipeline.reading import Reading, is_told, kind_of
from translator.targets.pipeline.relations import way_to
from translator.targets.stored_values import OTHER_VALUES, REWRITTEN


@dataclass(frozen=True, slots=True)
class Head:
    """The commands that select the events, and the value of each stored field that they give.

    ``flags`` are the fields, one for each of several heads, that are there on the events of it; none where there is one head. ``typed``
    are expressions of an array of JSON whose elements are what stands at a place, by stored field: they tell texts from numbers.
    """

    commands: tuple[Command, ...]
    fields: Mapping[Expr, Value]
    taken: frozenset[str]
    flags: tuple[str, ...] = ()
    typed: Mapping[Expr, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PipelineCase:
    """A plan that is to be written command by command.

    ``placed`` is the events of all heads as a detection of groups of them by ``fields``, which are the stored fields that the operators
    read; ``owners`` says of which head each is, ``selectors`` what the selectors of each head are called. ``decides`` are the columns that
    decide about rows, ``shown`` those that only show; ``names`` are the names of the result.
    """

    cut: Cut
    placed: Placed
    fields: tuple[Expr, ...]
    owners: tuple[int, ...]
    selectors: tuple[frozenset[str], ...]
    decides: set[int]
    shown: set[int]
    names: o.Names
    loose: bool = False
    """Whether what has no words is left out, and that is said."""
    mixed: tuple[Diagnostic, ...] = ()
    """What is to be said of events that heads of different tables find in one place."""

    @property
    def flagged(self) -> bool:
        """Whether the stream holds rows of several parts, which flags tell apart."""
        return len(self.selectors) + len(self.cut.lists()) > 1


def overlaps(case: PipelineCase) -> frozenset[frozenset[int]]:
    """The pairs of heads that may select one event."""
    selectors = {s.name: s for s in case.placed.detection.selectors}
    heads = [[selectors[name] for name in names] for names in case.selectors]

    def may_meet(a: int, b: int) -> bool:
        return any(_may_meet(case.placed, x, y) for x in heads[a] for y in heads[b])

    return frozenset(frozenset(pair) for pair in itertools.combinations(range(len(heads)), 2) if may_meet(*pair))


def _may_meet(placed: Placed, a: Selector, b: Selector) -> bool:
    """Whether one event may be selected by both: it is of one table, or lies where the events of several are."""
    if a.table != b.table:
        homes = [placed.homes.get((s.table, s.home)) for s in (a, b)]
        first, second = (home.marks if home is not None else {} for home in homes)
        apart = (
            key
            for key, values in first.items()
            if key not in ("index", "tag", "datamodel") and key in second and not {*values} & {*second[key]}
        )
        if None in homes or any(apart):
            return False
    return may_overlap(by_name(a.predicate), by_name(b.predicate))


def fields_of(
    case: PipelineCase, names: Sequence[str], time: str, quoted: Callable[[str], str], spell: Callable[[int, str], str | None]
) -> tuple[list[tuple[str, str]], dict[Expr, Value]]:  # fmt: skip
    """What a head computes of the fields that a case reads, by name, and the value of each.

    Args:
        names: what the head calls them.
        time: the field with the time of an event, which needs no other name.
        spell: what gives a field, told by its number, as a value of a kind; None where it has no words. A text is never missing then.
            May raise Cannot for the same.
    """
    pairs, found, named = list[tuple[str, str]](), dict[Expr, Value](), dict[str, str]()
    for number, (name, fact) in enumerate(zip(names, case.fields, strict=True)):
        text = None
        if (kind := kind_of(fact)) is not None:
            with suppress(Cannot):  # what is missing is said where it is read
                if fact.type == Type.UNKNOWN and spell(number, "time") == time:
                    kind = "time"
                text = spell(number, kind)
        if kind is None or text is None:
            continue
        if kind == "time" and text == time:
            found[fact] = Value(time, kind, False, simple=True)
            continue
        own = named.setdefault(text, name)
        if own == name and text != quoted(name):
            pairs.append((name, text))
        filled = isinstance(fact, ColumnRef) and catalog.is_filled(fact.column.table or "", fact.column.name)
        filled = filled or is_told(fact)
        found[fact] = Value(quoted(own), kind, kind not in WRITTEN and not filled, simple=True)
    return pairs, found


def as_events(head: o.Relation, fields: list[Expr]) -> o.Plan:
    """A head as a query of its own that shows these fields, by number."""
    items = tuple((Column(_FIRST + n, str(n), x.type), x) for n, x in enumerate(fields))
    return o.Plan(o.Project(head.span, head, items), tuple((c.name, c) for c, _ in items), False)


_FIRST = 10**9
"""The first number of columns that no query has."""


def as_groups(detection: Detection, names: Sequence[str], wanted: Sequence[int]) -> Detection | None:
    """A detection of events as one of groups of them by the fields that they show; None where one of those is not to be had."""
    if detection.kind != "event" or detection.others or detection.histories or len(detection.sides) != 1 or detection.trigger is not None:
        return None
    side = detection.sides[0]
    tables = [s.table for s in side.selectors]
    if len(set(tables)) < len(tables):  # an event that both select would count twice
        return None
    selectors = []
    for selector in side.selectors:
        shown = dict(selector.outputs)
        if not all(str(n) in shown for n in wanted):
            return None
        selectors.append(replace(selector, keys=tuple(shown[str(n)] for n in wanted), outputs=()))
    diagnostics = tuple(d for d in detection.diagnostics if d.code not in ("columns-differ", "ignored-operator"))
    return replace(
        detection, kind="event_count", sides=(replace(side, selectors=tuple(selectors)),), group_by=tuple(names),
        guaranteed=(False,) * len(names), threshold=Threshold("event_count", ">", 0), diagnostics=diagnostics,
    )  # fmt: skip


SHOWING = frozenset({"columns-differ", "column-left-out", "event-data-columns", "table-left-out", "values-of-one-case"})
"""What may be said of the rows of a head that are counted, sorted or limited behind it."""


def is_faithful(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether what these are said of is good, and of the rows that are counted none is another one."""
    directed = [(d, d.direction) for d in diagnostics]
    return combine(direction for _, direction in directed).rank <= Verdict.SAME_ALERTS.rank and not any(
        direction is Verdict.SAME_ALERTS and d.place is not Place.SHOWN and d.code not in SHOWING | {"arbitrary-row"}
        for d, direction in directed
    )


Lift = Callable[[o.Plan], Detection | None]
"""What a plan detects, None where it is no detection."""


Move = Callable[[Detection, tuple[str, ...], tuple[int, ...]], Placed | None]
"""A detection of events, as one of groups of them (``as_groups``), where a product keeps its events; None where it is none."""


def case_of(
    plan: o.Plan,
    cut: Cut,
    shown: set[int],
    reading: Reading,
    lift: Lift,
    move: Move,
    source: bool,
    timed: bool,
    loose: bool = False,
) -> PipelineCase | None:
    """A plan cut in two, whose heads are placed; None where one is no selection of events that has all that decides, as the KQL has it.

    Args:
        shown: the columns that an analyst looks at.
        reading: what the operators over the heads read for them.
        source: whether the KQL's own names are fields.
        timed: whether the events of a head that is lifted have limits of their own on their time.
        loose: whether what has no words is left out.
    """
    must = frozenset[Expr]() if loose else reading.must
    heads = _as_queries(Same(cut), Same(reading), loose)
    # To place a head takes the most by far: what refuses any, or all of them together, is asked first.
    selected = list[Detection]()
    for fields, query in heads:
        detection = lift(query)
        if detection is None or must & set(fields) - {fields[n] for n in _to_be_had(detection, fields)}:
            return None
        selected.append(detection)
    if len({d.lookback for d in selected}) > 1 and not timed:
        return None
    found = list[tuple[Placed, list[Expr]]]()
    for head, (fields, _), detection in zip(cut.heads, heads, selected, strict=True):
        placed = _placed(head, fields, detection, must, reading, lift, move, source)
        # What is said of a head is said of all that is written over it.
        if placed is None or not (loose or is_faithful(placed[0].detection.diagnostics)):
            return None
        found.append(placed)
    together, selectors = _together([p for p, _ in found])
    owners = tuple(n for n, (_, kept) in enumerate(found) for _ in kept)
    return PipelineCase(
        cut, together, tuple(f for _, kept in found for f in kept), owners, selectors, reading.decides, shown, plan.names, loose,
        tuple(_of_several_tables(together, selectors)),
    )  # fmt: skip


@functools.lru_cache(maxsize=16)
def _as_queries(cut: Same[Cut], reading: Same[Reading], loose: bool) -> tuple[tuple[list[Expr], o.Plan], ...]:
    """The stored fields, and columns of a union, that are read of the events of each head, and these as a query that shows them."""
    heads, fields = cut.node.heads, reading.node.fields
    own = [fields] if len(heads) == 1 and not loose else _fields_of(heads, fields)
    return tuple((of, as_events(head, of)) for head, of in zip(heads, own, strict=True))


def _fields_of(heads: Iterable[o.Relation], fields: list[Expr]) -> Iterator[list[Expr]]:
    """Those of some fields that the events of each head have."""
    columns = [(f, next(n.column for n in walk(f) if isinstance(n, ColumnRef))) for f in fields]
    for head in heads:
        first = way_to(head)[0]
        merged = {c.id for c, _ in first.columns} if isinstance(first, o.Union) else set[int]()
        sources = {n.id for n in o.relations(first) if isinstance(n, o.Source)}
        yield [f for f, column in columns if column.id in merged or column.source in sources]


def _to_be_had(detection: Detection, fields: list[Expr]) -> list[int]:
    """The numbers of the fields that all events of a detection tell."""
    outputs = set.intersection(*({n for n, _ in s.outputs} for s in detection.selectors)) if detection.selectors else set[str]()
    return [n for n in range(len(fields)) if str(n) in outputs]


def _placed(
    head: o.Relation, fields: list[Expr], detection: Detection, must: Set[Expr], reading: Reading, lift: Lift, move: Move, source: bool
) -> tuple[Placed, list[Expr]] | None:  # fmt: skip
    """The events of a head in groups of fields that they have, and these; None where one is lacking that ``must`` be there.

    Args:
        detection: what the head selects, with these fields.
    """
    kept = _to_be_had(detection, fields)
    if must & set(fields) - {fields[n] for n in kept}:
        return None

    @functools.cache
    def placed(*numbers: int) -> Placed | None:
        names = list[str]()
        for n in numbers:
            names.append(free_of(_name_of(fields[n]), names))
        return move(detection, tuple(names), numbers)

    everything = placed(*kept)
    needed = [n for n in kept if fields[n] in must]
    if everything is None or any(_may_meet(everything, *pair) for pair in itertools.combinations(_of_tables(everything), 2)):
        return None  # an event that two tables have would be one row
    other = {kept[n] for n in _spelled_otherwise(everything)} | _told_alike(everything, fields)
    if wrong := {number for number in other if fields[number] in reading.compared}:
        if any(fields[n] in must | reading.tell for n in wrong):
            return None
        rest = [f for n, f in enumerate(fields) if n not in wrong]
        again = lift(as_events(head, rest))
        return None if again is None else _placed(head, rest, again, must, reading, lift, move, source)
    if len(needed) < len(kept):
        # What is said of fields that only show is said of what is shown, unless entities are made of them. They do not decide where events
        # are looked for.
        alone = placed(*needed)
        assert alone is not None
        told = {*needed, *_asked(detection, kept)}
        unplaced = not everything.homes  # a site names the fields, of which an alert needs those of its entities
        told |= {n for n in kept if unplaced and fields[n] in reading.tell}
        present = [n for n, number in enumerate(kept) if source or number in told or _is_stored(everything.detection, n)]
        kept = [kept[n] for n in present]
        if everything.homes.keys() != alone.homes.keys():
            kept = [n for n in kept if n in needed or ((one := placed(*needed, n)) is not None and one.homes.keys() == alone.homes.keys())]
        everything = placed(*kept)
        assert everything is not None
        entities = placed(*(n for n in kept if n in needed or fields[n] in reading.tell))
        of_all = {*alone.detection.diagnostics}
        of_all |= {d for d in entities.detection.diagnostics if d.code in OTHER_VALUES} if entities is not None else set()
        diagnostics = tuple(d if d in of_all else replace(d, place=Place.SHOWN) for d in everything.detection.diagnostics)
        everything = replace(everything, detection=replace(everything.detection, diagnostics=diagnostics))
    diagnostics = tuple(d.below(Place.BOTH) for d in everything.detection.diagnostics)
    if spelled := [_name_of(fields[number]) for number in kept if number in other]:
        diagnostics += (Diagnostic("columns-differ", f"{', '.join(spelled)}: shown as the product spells it", None, place=Place.SHOWN),)
    for text in (fields[kept[n]] for n in _rewritten(everything) if fields[kept[n]] in reading.as_text):
        place = Place.BOTH if text in must else Place.SHOWN
        diagnostics += (Diagnostic("value-differs", REWRITTEN.format(_name_of(text)), text.span, place=place),)
    return replace(everything, detection=replace(everything.detection, diagnostics=diagnostics)), [fields[n] for n in kept]


def _asked(detection: Detection, numbers: list[int]) -> set[int]:
    """The numbers of the fields that the events are selected by, so that they have them."""
    asked = [(dict(s.outputs), set(walk(s.predicate))) for s in detection.selectors]
    return {n for n in numbers if all(outputs[str(n)] in read for outputs, read in asked)}


def _of_tables(placed: Placed) -> list[Selector]:
    """A selector of each table."""
    return list({s.table: s for s in placed.detection.selectors}.values())


def _spelled_otherwise(placed: Placed) -> set[int]:
    """The numbers of the keys in whose fields the product has other values than the KQL has in its columns."""
    found = set[int]()
    for selector in placed.detection.selectors:
        home = placed.homes.get((selector.table, selector.home))
        otherwise_spelled, alike = _fields_by_spelling(Same(home))
        for number, key in enumerate(selector.keys):
            # A place inside of a column may be a field of its own.
            names = [n.column.name for n in _values_in(key) if isinstance(n, ColumnRef)]
            inside = (name for name in names if name not in alike for other in otherwise_spelled if name.startswith(f"{other}."))
            if any(name in otherwise_spelled for name in names) or any(inside):
                found.add(number)
    return found


def _rewritten(placed: Placed) -> list[int]:
    """The numbers of the keys that are texts of JSON of which the product has the JSON in another layout."""
    found = dict[int, None]()
    for selector in placed.detection.selectors:
        home = placed.homes.get((selector.table, selector.home))
        if home is not None and home.rewrites_json:
            texts = {c.name for c in home.columns.values() if isinstance(c, Stored) and c.type == "json"}
            keys = [(n, k.column.name) for n, k in enumerate(selector.keys) if isinstance(k, ColumnRef) and k.type == Type.STRING]
            found |= dict.fromkeys(n for n, name in keys if name in texts)
    return list(found)


@functools.lru_cache(maxsize=256)
def _fields_by_spelling(home: Same[Home | None]) -> tuple[Set[str], Set[str]]:
    """The fields of a home that have other values than the KQL has in its columns, and those that have the same."""
    todo, otherwise_spelled, alike = list(home.node.columns.values()) if home.node is not None else [], set[str](), set[str]()
    while todo:
        match todo.pop():
            case ByValue(of=of, otherwise=otherwise):
                todo += [*(c for _, c in of), otherwise]
            case Stored() as stored:
                differs = stored.values or stored.case or stored.prefixes or stored.form or stored.differs
                (otherwise_spelled if differs else alike).add(stored.name)
    return otherwise_spelled, alike


def _values_in(expr: Expr) -> Iterator[Expr]:
    """What a value is made of, each once, without the conditions that choose it: these ask for the values that the product has."""
    todo, seen = [expr], set[int]()
    while todo:
        part = todo.pop()
        if id(part) not in seen and not (isinstance(part, Apply) and part.type == Type.BOOL):
            seen.add(id(part))
            yield part
            todo += children(part)


def _told_alike(placed: Placed, fields: list[Expr]) -> set[int]:
    """The numbers of the fields that are computed otherwise than the KQL's columns, and do no more than tell events apart as these do."""
    shown = [d.message for d in placed.detection.diagnostics if d.code == "computed-column" and d.place is Place.SHOWN]
    return {n for n, x in enumerate(fields) if isinstance(x, ColumnRef) and any(m.startswith(f"{x.column.name}: ") for m in shown)}


def _of_several_tables(placed: Placed, heads: Sequence[frozenset[str]]) -> Iterator[Diagnostic]:
    """A word on events that heads of different tables select, since the product has those of both in one place: each is one row alone."""
    selectors = {s.name: s for s in placed.detection.selectors}
    for names, others in itertools.permutations(heads, 2):
        for a, b in itertools.product((selectors[n] for n in names), (selectors[n] for n in others)):
            home, place = placed.homes.get((a.table, a.home)), placed.homes.get((b.table, b.home))
            if a.table == b.table or home is None or place is None:
                continue
            if share_events(a.table, home, b.table, place):
                yield Diagnostic("events-more", mixed(a.table, home.name, b.table), None, Place.BOTH)


def _together(parts: list[Placed]) -> tuple[Placed, tuple[frozenset[str], ...]]:
    """The events of all heads as one detection of groups by the fields of all of them, and the names of the selectors of each."""
    if len(parts) == 1:
        return parts[0], (frozenset(s.name for s in parts[0].detection.selectors),)
    names = list[str]()
    for name in (n for part in parts for n in part.detection.group_by):
        names.append(free_of(name, names))
    selectors, owned, at = list[Selector](), list[frozenset[str]](), 0
    for number, part in enumerate(parts, 1):
        count = len(part.detection.group_by)
        before, after = (_NOTHING,) * at, (_NOTHING,) * (len(names) - at - count)
        renamed = [replace(s, name=f"{s.name}_{number}", keys=(*before, *s.keys, *after)) for s in part.detection.selectors]
        selectors += renamed
        owned.append(frozenset(s.name for s in renamed))
        at += count
    first = parts[0].detection
    found = replace(
        first, sides=(replace(first.sides[0], selectors=tuple(selectors)),), group_by=tuple(names), guaranteed=(False,) * len(names),
        diagnostics=tuple(dict.fromkeys(d for p in parts for d in p.detection.diagnostics)),
        lookback=_lookback([p.detection for p in parts]), timespan=max(p.detection.timespan for p in parts),
    )  # fmt: skip
    return Placed(found, {key: home for p in parts for key, home in p.homes.items()}), tuple(owned)


def _lookback(parts: list[Detection]) -> int:
    """How far the search looks back: farther than the limits of its parts where some have none of their own."""
    unlimited = [d.lookback for d in parts if any(s.code == "window-assumed" for s in d.diagnostics)]
    limited = [d.lookback for d in parts if all(s.code != "window-assumed" for s in d.diagnostics)]
    return max(limited, default=0) + max(unlimited, default=0)


_NOTHING = const("")
"""What stands for the fields of the events of other heads."""


def _is_stored(detection: Detection, number: int) -> bool:
    """Whether a product has all that a key is made of."""
    return all(n.column.stored for s in detection.selectors for n in walk(s.keys[number]) if isinstance(n, ColumnRef))


def _name_of(expr: Expr) -> str:
    match expr:
        case ColumnRef(column=column):
            return column.name
        case Path(steps=steps) if isinstance(steps[-1], str):
            return steps[-1]
        case Apply(function="dynamic_to_json", args=(place,)):
            return _name_of(place)
        case Apply(args=(place, *_)) if is_told(expr):
            return f"{_name_of(place)}_told"
    return "value"
