"""The pass that moves a detection to where a product keeps its events.

Every column becomes a field of the product, or an expression over such fields, with literals of the field's type; what has no
counterpart keeps its KQL name, which the writers note. Afterwards writers only quote names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

from translator.catalog import Home
from translator.detection.model import Detection, Selector, Side, Threshold
from translator.detection.overlaps import may_overlap
from translator.fidelity import CaseOfColumn, Place
from translator.plan.expressions import (
    FALSE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Items,
    Value,
    conjunction,
    conjuncts,
    const,
    transform,
    walk,
)
from translator.plan.pins import Pins, pins_of
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.rulepack.model import Rule
from translator.targets.base import Options, mixed
from translator.targets.choice import allowed, home_for, homes_of, lacks_required, selector_pins
from translator.targets.field_lookup import DetectionMapping
from translator.targets.selector_mapping import SelectorMapping, further_homes, joined_fields

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Placed:
    """A detection over the fields of a product, and the places of its selectors by table and home."""

    detection: Detection
    homes: Mapping[tuple[str, str], Home]


def placed(
    detection: Detection, family: str, options: Options, rule: Rule | None = None, computes: bool = True, reads_json: bool = False
) -> Placed:  # fmt: skip
    """``detection`` moved to the homes of its tables; as it is, but for columns that nobody looks at, where names are the KQL's own.

    Args:
        family: whose fields: splunk, elastic or sigma.
        rule: whose alerts are made of columns, which are shown of a whole table.
        computes: whether the target can compute texts of fields; else what no condition on fields says keeps its KQL name.
        reads_json: whether it reads what stands in a text that holds JSON, and in the JSON of an event.
    """
    mover = _DetectionMapping(family, options, rule, computes, reads_json)
    moved = mover.detection(detection)
    return Placed(moved, MappingProxyType(mover.homes))


class _DetectionMapping(DetectionMapping):
    """Moves the sides of a detection, their selectors each to its homes."""

    def detection(self, detection: Detection) -> Detection:
        self.alone = len(detection.selectors) == 1
        sides, fields = [], list[Expr]()
        given = iter(detection.threshold.fields if detection.threshold else ())
        for side in detection.sides:
            own = [next(given) for _ in side.selectors] if detection.threshold and detection.threshold.fields else []
            with self.within(side.place(detection.threshold, detection.grouped)):
                moved, counted = self.side(side, own)
            sides.append(moved)
            fields += counted
        threshold = replace(detection.threshold, fields=tuple(fields)) if detection.threshold is not None else None
        for side in sides:
            with self.within(side.place(detection.threshold, detection.grouped)):
                self.note_mixed(side, [s for other in sides if other is not side for s in other.selectors])
        sides = self.in_one_case(sides)
        self.note_keys([s for side in sides for s in side.selectors])
        moved_ = replace(detection, sides=tuple(sides), threshold=threshold, diagnostics=(*detection.diagnostics, *self.said))
        return moved_ if self.computes else _with_plain_keys(moved_)

    def note_mixed(self, side: Side, others: list[Selector]) -> None:
        """A word on events of another table that a selector finds too, since the product has those of both in one place."""

        def named(node: Expr) -> Expr:
            """The same for fields of one name, whatever table they are of, and whatever type its column has."""
            if not isinstance(node, ColumnRef):
                return node
            return replace(node, type=Type.UNKNOWN, column=replace(node.column, id=int.from_bytes(node.column.name.encode(), "big")))

        for selector in side.selectors:
            home = self.homes.get((selector.table, selector.home))
            if home is None:
                continue
            for other in (*side.selectors, *others):
                place = self.homes.get((other.table, other.home))
                if place is None or other.table == selector.table:
                    continue
                if other not in side.selectors and _is_one_kind(home, place):
                    if may_overlap(transform(selector.predicate, named), transform(other.predicate, named)):
                        self.say("events-more", mixed(selector.table, home.name, other.table), None)
                        break
                    continue
                if not share_events(selector.table, home, other.table, place):
                    continue
                if other not in side.selectors or transform(other.predicate, named) != transform(selector.predicate, named):
                    self.say("events-more", mixed(selector.table, home.name, other.table), None)
                    break

    def in_one_case(self, sides: list[Side]) -> list[Side]:
        """Sides whose keys are in one case where the product has some of them so; a word on that where the target computes none."""
        selectors = [s for side in sides for s in side.selectors if s.keys]
        functions = dict[int, str]()
        for number, keys in enumerate(zip(*(s.keys for s in selectors), strict=False)):
            read = {self.read[key] for key in keys if key in self.read}
            cases, names = {r.case for r in read}, " and ".join(sorted(r.column for r in read))
            if len(cases) < 2 and (not any(cases) or all(key in self.read or isinstance(key, Const) for key in keys)):
                continue
            if not self.computes:
                with self.within(Place.BOTH):
                    self.say("value-differs", f"{names}: the product has one of these in one case, and others as they came", None)
                continue
            case = "lower" if "lower" in cases else "upper"
            functions[number] = f"to{case}"
            for one in sorted({r.column for r in read if not r.case}):
                said = f"{one} is compared in {case} case here: values that differ by case alone are one"
                self.say("values-of-one-case", said, fact=CaseOfColumn(one, case))

        def folded(number: int, key: Expr) -> Expr:
            return simplify(Apply(key.span, Type.STRING, functions[number], (key,))) if number in functions else key

        def changed(selector: Selector) -> Selector:
            return replace(selector, keys=tuple(folded(n, k) for n, k in enumerate(selector.keys)))

        return [replace(side, selectors=tuple(map(changed, side.selectors))) for side in sides] if functions else sides

    def note_keys(self, selectors: list[Selector]) -> None:
        """A word on keys of which some are addresses to the product, and others the texts of such."""
        for keys in zip(*(s.keys for s in selectors if s.keys), strict=False):
            kinds = {key.column.stored for key in keys if isinstance(key, ColumnRef)}
            if "ip" in kinds and len(kinds) > 1 and self.family == "elastic":
                names = ", ".join(dict.fromkeys(key.column.name for key in keys if isinstance(key, ColumnRef)))
                self.say("address-spelling", f"{names}: the one is an address to the product, spelled in one way, the other a text", None)

    def side(self, side: Side, counted: list[Expr]) -> tuple[Side, list[Expr]]:
        """A side with its selectors moved, each perhaps to several, and what is counted of them."""
        found = list[tuple[Selector, tuple[Expr, ...], Expr | None, Expr | None]]()
        measured = counted or (list(side.threshold.fields) if side.threshold is not None else [])
        sited = [(n, selector, list(self.parts(selector, measured[n : n + 1]))) for n, selector in enumerate(side.selectors)]
        somewhere = any(home is not None for _, _, parts in sited for _, home in parts)
        for number, selector, parts in sited:
            if selector.tolerated and somewhere and self.options.fields != "source" and all(home is None for _, home in parts):
                self.say(
                    "table-left-out", f"no place is known for {selector.table}, which the union does without where there is none", None
                )
                continue
            for part, home in parts:
                name = selector.name if len(parts) == 1 or home is None else f"{selector.name}_{home.name}"
                move = SelectorMapping(self, part, home, measured[number : number + 1])
                one = replace(move.selector(), name=name)
                keys = tuple(map(move.value, side.grouping[number])) if side.grouping else ()
                field = move.value(counted[number]) if counted else None
                value = move.value(side.threshold.fields[number]) if side.threshold is not None and side.threshold.fields else None
                found.append((one, keys, field, value))
        for table, asked in {s.table: s.predicate for s in side.selectors}.items():
            if asked != FALSE and {one.predicate for one, *_ in found if one.table == table} == {FALSE}:
                self.say("false-predicate", f"{table} never has the values that are asked for here", asked.span)
        # An alternative that no event satisfies in this home is none.
        kept = [x for x in found if x[0].predicate != FALSE] or found
        own = tuple(value for *_, value in kept if value is not None)
        threshold = replace(side.threshold, fields=own) if isinstance(side.threshold, Threshold) else None
        grouping = tuple(keys for _, keys, *_ in kept) if side.grouping else ()
        moved = replace(side, selectors=tuple(one for one, *_ in kept), threshold=threshold, grouping=grouping)
        return moved, [field for *_, field, _ in kept if field is not None]

    def parts(self, selector: Selector, measured: list[Expr]) -> Iterator[tuple[Selector, Home | None]]:
        """A selector with its home, or its parts where its events are in several homes; ``measured`` is what is counted of them."""
        if self.options.fields == "source":
            yield selector, None
            return
        homes = homes_of(selector.table, self.family, self.options)
        pins = selector_pins(selector)
        home = home_for(homes, pins)
        if home is not None and home.when and not allowed(home, pins):
            home = home_for(tuple(h for h in homes if not lacks_required(h, selector.predicate)), pins) or home
        if (home is None or not allowed(home, pins)) and (several := self.several(selector, homes, pins)):
            yield from several
            return
        if home is not None and lacks_required(home, selector.predicate, told=True):
            home = None
        yield selector, home
        for other, complete in further_homes(self, selector, home, measured):
            if complete:
                yield selector, other

    def several(self, selector: Selector, homes: tuple[Home, ...], pins: Pins) -> list[tuple[Selector, Home | None]]:
        """The parts of a selector that pins a column to values of several homes; none where it does not."""
        for column in dict.fromkeys(c for h in homes for c in h.when):
            if column not in pins:
                continue
            found: dict[str, tuple[Home | None, list[Value]]] = {}
            for value in sorted(pins[column], key=str):
                one = {**pins, column: frozenset({value})}
                home = home_for(homes, one)
                found.setdefault(home.name if home else "", (home, []))[1].append(value)
            if len(found) < 2 or not any(home and home.when for home, _ in found.values()):
                continue
            subject = next(n for n in walk(selector.predicate) if isinstance(n, ColumnRef) and n.column.name == column)
            out: list[tuple[Selector, Home | None]] = []
            for home, values in found.values():
                only = Items(None, Type.DYNAMIC, tuple(const(v) for v in values))
                condition = simplify(Apply(None, Type.BOOL, "in", (subject, only)))
                kept = [p for p in conjuncts(selector.predicate) if column not in pins_of(p)]
                out.append((replace(selector, predicate=conjunction(*kept, condition)), home))
            return out
        return []


def share_events(table: str, home: Home, other: str, place: Home) -> bool:
    """Whether what selects the events of two tables does not tell them apart, where each is one of a table alone.

    The rows of functions, whose names begin with an underscore, are those of other tables.
    """
    if home.places != place.places and (table.startswith("_") or other.startswith("_")):
        return False
    aparts = {home.apart(table), place.apart(other)}
    return (home.lies_in(place) or place.lies_in(home)) and (len(aparts) == 1 or "" in aparts)


def _is_one_kind(home: Home, other: Home) -> bool:
    """Whether an event may be of both places, each of which is a kind of events of any source: no key that both have tells them apart.

    Source: the categories of SigmaHQ's taxonomy, sigmahq.io/docs/basics/log-sources.html.
    """
    return "category" in home.place.keys() & other.place.keys() and all(
        other.place[key] == value for key, value in home.place.items() if key in other.place
    )


def _with_plain_keys(detection: Detection) -> Detection:
    """``detection`` with two keys for one that joins two fields of all its events, and none for one of a single value: the same groups."""
    given = [tuple(s.keys[n] for s in detection.selectors if s.keys) for n in range(len(detection.group_by))]
    split = [bool(of) and all(map(joined_fields, of)) for of in given]
    single = [len(set(of)) == 1 and isinstance(of[0], Const) for of in given]
    if not any((*split, *single)):
        return detection

    def keys(given: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(k for n, x in enumerate(given) if not single[n] for k in (joined_fields(x) if split[n] else (x,)))

    def grouped(given: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(k for x in given if not isinstance(x, Const) for k in (joined_fields(x) or (x,)))

    def kept(items: tuple[_T, ...], second: Callable[[_T], _T]) -> tuple[_T, ...]:
        return tuple(y for n, x in enumerate(items) if not single[n] for y in ((x, second(x)) if split[n] else (x,)))

    sides = []
    for side in detection.sides:
        selectors = tuple(replace(s, keys=keys(s.keys)) for s in side.selectors)
        sides.append(replace(side, selectors=selectors, grouping=tuple(map(grouped, side.grouping))))
    names = kept(detection.group_by, lambda name: f"{name}_2")
    return replace(detection, sides=tuple(sides), group_by=names, guaranteed=kept(detection.guaranteed, lambda known: known))
