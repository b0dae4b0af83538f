"""The pass that moves a detection to where a product keeps its events.

Every column becomes a field of the product, or an expression over such fields, with literals of the field's type; what has no
counterpart keeps its KQL name, which the writers note. Afterwards writers only quote names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

from translator import catalog
from translator.catalog import Absent, ByValue, Computed, Counterpart, Home, Stored
from translator.detection.model import Detection, Selector, Side, Threshold
from translator.detection.windows import TIME_COLUMNS, is_time
from translator.fidelity import Notes, Place
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import (
    ELEMENT,
    FALSE,
    TRUE,
    Apply,
    Column,
    ColumnRef,
    Const,
    Expr,
    Items,
    Path,
    Value,
    children,
    columns_of,
    conjunction,
    conjuncts,
    const,
    disjunction,
    negation,
    rebuild,
    transform,
    walk,
)
from translator.plan.functions.values import pattern
from translator.plan.patterns import searched
from translator.plan.pins import Pins, constants, pins_of
from translator.plan.simplify import CASE_PAIRS, MOMENTS, TEXT_OPERATORS, is_field, pushed, simplify
from translator.plan.types import Type
from translator.regex.writers import kql
from translator.rulepack.model import Rule
from translator.targets.base import Options
from translator.targets.choice import (
    allowed,
    events_of,
    folded,
    has_all,
    home_for,
    homes_of,
    lacks_required,
    possible,
    told,
)
from translator.targets.formulas import parsed, selected
from translator.targets.literals import EQUALITIES, merged, numeric, one_of, typed
from translator.targets.names import PLAIN_TEXTS, path_of
from translator.targets.objects import is_plain, note_whole, with_parts
from translator.targets.paths import SEPARATORS, file_name, on_path

_T = TypeVar("_T")

TIMES: Mapping[str, str] = MappingProxyType({"splunk": "_time", "elastic": "@timestamp", "sigma": "@timestamp"})
"""The field with the time of an event, by family of products."""


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
    mover = _Mover(family, options, rule, computes, reads_json)
    moved = mover.detection(detection)
    return Placed(moved, MappingProxyType(mover.homes))


def shown_columns(selector: Selector, wanted: Container[str] = ()) -> list[tuple[str, Expr]]:
    """The columns that an analyst looks at: those that the query chooses; of a whole table those of its conditions and those ``wanted``."""
    columns = catalog.schemas().get(selector.table, {})
    if not columns or not {n for n, _ in selector.outputs} >= set(columns):
        return list(selector.outputs)
    asked = {n for n in walk(selector.predicate) if is_field(n)}

    def identifies(name: str, x: Expr) -> bool:
        known = not isinstance(x, ColumnRef) or x.column.name in columns
        return known and (name in wanted or name.endswith("CustomEntity"))

    return [(name, x) for name, x in selector.outputs if x in asked or identifies(name, x)]


MAX_HOMES = 4
"""In how many homes a selector is looked for that does not tell its events from those of others."""


class _Mover(Notes):
    """One detection on its way. ``homes`` are those that its selectors were moved to."""

    def __init__(self, family: str, options: Options, rule: Rule | None, computes: bool, reads_json: bool) -> None:
        super().__init__()
        self.family, self.options, self.computes, self.reads_json = family, options, computes, reads_json
        self.entities = {e.column for e in rule.entities} if rule is not None else set()
        self.wanted = {*rule.alert_columns} if rule is not None else set()
        self.homes: dict[tuple[str, str], Home] = {}
        self.alone = False

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
        moved_ = replace(detection, sides=tuple(sides), threshold=threshold, diagnostics=(*detection.diagnostics, *self.said))
        return moved_ if self.computes else _with_plain_keys(moved_)

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
                name = selector.name if part is selector or home is None else f"{selector.name}_{home.name}"
                move = _Move(self, part, home, measured[number : number + 1])
                one = replace(move.selector(), name=name)
                keys = tuple(map(move.value, side.grouping[number])) if side.grouping else ()
                field = move.value(counted[number]) if counted else None
                value = move.value(side.threshold.fields[number]) if side.threshold is not None and side.threshold.fields else None
                found.append((one, keys, field, value))
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
        pins = told(selector)
        home = home_for(homes, pins)
        if home is not None and home.when and not allowed(home, pins):
            home = home_for(tuple(h for h in homes if not lacks_required(h, selector.predicate)), pins) or home
        if (home is None or not allowed(home, pins)) and (several := self.several(selector, homes, pins)):
            yield from several
            return
        yield selector, home
        for other, complete in self.besides(selector, home, measured):
            if complete:
                yield selector, other

    def besides(self, selector: Selector, home: Home | None, measured: list[Expr]) -> list[tuple[Home, bool]]:
        """The further homes that may have events of a selector that does not tell them, and whether it is written for them too.

        None beside a home that says itself what it lacks: it is what rules of the table mean.
        """
        pins = told(selector)
        if home is None or home.lacks or allowed(home, pins):
            return []
        found = {events_of(home): (home, True)}
        for other in homes_of(selector.table, self.family, self.options):
            if other.when and other.within != home.name and possible(other, pins) and not lacks_required(other, selector.predicate):
                found.setdefault(events_of(other), (other, has_all(other, [selector.predicate, *selector.keys, *measured])))
        several = list(found.values())[1:]
        return several if len(several) < MAX_HOMES else [(other, False) for other, _ in several]

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


_OF_WHOLE = EQUALITIES | {"startswith", "endswith"}
"""Operators that compare a text as a whole, or tell where it begins or ends."""


_OF_PARTS = frozenset({"contains", "has", "hasprefix", "hassuffix"})
"""Operators that find in a text what they find in a part of it that marks set off."""


class _Move:
    """One selector on its way to one home; None where the product has none of its table."""

    def __init__(self, mover: _Mover, selector: Selector, home: Home | None, measured: list[Expr]) -> None:
        self.mover, self.chosen, self.home, self.measured = mover, selector, home, measured
        self.family, self.inventory = mover.family, mover.options.site.inventory.get(mover.family, {})
        self.pins = told(selector)
        self.done: dict[int, tuple[Expr, Expr]] = {}

    def selector(self) -> Selector:
        selector = self.chosen
        shown = shown_columns(selector, self.mover.wanted)
        selector = replace(selector, predicate=with_parts(selector.predicate, self.reads_whole, self.family == "elastic", self.mover))
        selector = replace(selector, keys=tuple(map(self.whole_key, selector.keys)))
        for value in (*selector.keys, *self.measured):
            if not self.reads_whole(value):
                note_whole(value, self.mover)
        if self.mover.options.fields == "source":
            return replace(selector, outputs=tuple(shown))
        if self.home is not None:
            self.mover.homes[selector.table, self.home.name] = self.home
            if self.home.more:
                self.mover.say("events-more", f"{selector.table} in {self.home.name}: {self.home.more}", None)
            for lacking in self.elsewhere(self.home):
                self.mover.say("events-elsewhere", f"{selector.table} in {self.home.name}: {lacking}", None)
        predicate = self.condition(selector.predicate)
        if self.home is not None and self.home.select:
            predicate = conjunction(transform(selected(self.home.select), self.listed), *conjuncts(predicate))
        keys = tuple(self.key(k, selector.keys) for k in selector.keys)
        outputs = [(name, self.shown(name, x)) for name, x in shown]
        known = [(name, x) for name, x in outputs if not self.lacks(x)]
        lost = ", ".join(name for (name, x), (_, given) in zip(outputs, shown, strict=True) if self.lacks(x) and not self.computes(given))
        if lost:
            self.mover.say("column-left-out", f"{selector.table} has no field here for {lost}, which the query only shows", None)
        return replace(selector, predicate=predicate, keys=keys, outputs=tuple(known), home=self.home.name if self.home else "")

    def elsewhere(self, home: Home) -> Iterator[str]:
        """Which events of the table are not in the home, though the selector may ask for them."""
        if allowed(home, self.pins):
            return
        if home.lacks:
            yield home.lacks
            return
        apart = [other.name for other, written in self.mover.besides(self.chosen, home, self.measured) if not written]
        if apart:
            yield f"the rule does not tell its events from those that are in {', '.join(apart)}"

    def whole_key(self, key: Expr) -> Expr:
        """A place that may hold an object as the text that KQL has of it, where the target reads that in an event that is JSON."""
        if self.family != "splunk" or not is_field(key) or is_plain(key) or self.reads_whole(key):
            return key
        before = len(self.mover.said)
        found = self.field(key, entire=True)[0]
        del self.mover.said[before:]
        base, steps = (found.base, found.steps) if isinstance(found, Path) else (found, ())
        readable = isinstance(base, ColumnRef) and ELEMENT not in steps and self.in_json(base)
        return Apply(key.span, Type.STRING, JSON_TEXT, (key,)) if readable else key

    def key(self, key: Expr, keys: tuple[Expr, ...]) -> Expr:
        """A value that events are grouped by: where the other keys tell all that it is computed of, the groups are the same without it."""
        with self.mover.within(Place.SHOWN if self.mover.alone and self.follows(key, keys) else Place.PLAIN):
            return self.value(key)

    def follows(self, key: Expr, keys: tuple[Expr, ...]) -> bool:
        """Whether a column is computed of some of the other keys alone, and identifies no alert."""
        if not isinstance(key, ColumnRef) or key.column.name in self.mover.entities:
            return False
        counterpart, *_ = self.counterpart(key.column, ())
        if not isinstance(counterpart, Computed) or not counterpart.expression:
            return False
        read = {c.name for c in columns_of(parsed(key.column.table or "", counterpart.expression))}
        return bool(read) and read <= {k.column.name for k in keys if isinstance(k, ColumnRef) and k != key}

    def shown(self, name: str, expr: Expr) -> Expr:
        """A value that is only shown: where Azure computes it in its own way, the alert is the same, unless it is an entity of it."""
        with self.mover.within(Place.BOTH if name in self.mover.entities else Place.SHOWN):
            return self.value(expr)

    def computes(self, expr: Expr) -> bool:
        """Whether a column is one that the home's fields tell, if not as a field."""
        before = len(self.mover.said)
        found = is_field(expr) and isinstance(self.field(expr)[1], Computed)
        del self.mover.said[before:]
        return found

    def reads_whole(self, expr: Expr, asked: bool = False, loose: bool = False) -> bool:
        """Whether the target reads the text of an object or an array inside a column.

        Splunk does in a text. In events that are JSON it knows whether anything is there, which is ``asked``, and reads what is there as it
        is laid out, which is enough for a ``loose`` question; those of a table without a home are taken for such events.
        """
        if not self.mover.reads_json:
            return False
        before = len(self.mover.said)
        found = expr if self.mover.options.fields == "source" or not is_field(expr) else self.field(expr)[0]
        del self.mover.said[before:]
        base, steps = (found.base, found.steps) if isinstance(found, Path) else (found, ())
        if not isinstance(base, ColumnRef) or ELEMENT in steps:
            return False
        if (
            steps
            and base.type == Type.STRING
            and (not base.column.stored or (self.family == "elastic" and base.column.stored in PLAIN_TEXTS))
        ):
            return True
        whole = not steps or any(isinstance(s, int) for s in steps)
        return self.in_json(base) and (asked or (loose and whole))

    def in_json(self, base: ColumnRef) -> bool:
        """Whether a column is an object in an event that is JSON."""
        homeless = self.home is None and base.type == Type.DYNAMIC and self.mover.options.fields != "source"
        return homeless or base.column.stored == "json"

    def lacks(self, expr: Expr) -> bool:
        """Whether a value reads a column that the home does not have; of a table without a home nothing is known."""
        return self.home is not None and any(isinstance(n, ColumnRef) and n.column.table and not n.column.stored for n in walk(expr))

    def condition(self, predicate: Expr) -> Expr:
        """A condition over the fields of the home, in normal form."""
        moved = pushed(simplify(self.moved(predicate)))
        return merged(moved) if self.family == "elastic" else moved

    def value(self, expr: Expr) -> Expr:
        """A value over the fields of the home."""
        if self.mover.options.fields == "source":
            return expr
        before = len(self.mover.said)
        moved, counterpart = self.field(expr) if is_field(expr) else (self.moved(expr), None)
        if isinstance(counterpart, Stored) and counterpart.case:
            said = f"{_name(expr)} is in {counterpart.case} case here: values that differ by case alone are one"
            self.mover.say("values-of-one-case", said)
        found = simplify(moved)
        if self.mover.computes or is_field(found) or isinstance(found, Const) or not is_field(expr) or _joined(found):
            return found
        del self.mover.said[before:]
        return expr

    # --- the walk

    def moved(self, expr: Expr) -> Expr:
        if isinstance(expr, Apply) and expr.function == "not":
            with self.mover.within(Place.TURNED):
                return rebuild(expr, (self.moved(expr.args[0]),))
        if isinstance(expr, Apply) and expr.function in ("and", "or"):
            return rebuild(expr, tuple(map(self.moved, expr.args)))
        if isinstance(expr, Apply) and (expr.function in MOMENTS or (expr.type != Type.BOOL and any(is_time(a) for a in expr.args[:1]))):
            return expr if self.family != "sigma" else rebuild(expr, tuple(self.moved(a) for a in expr.args))
        if isinstance(expr, Apply) and expr.function == JSON_TEXT and is_field(expr.args[0]):
            return rebuild(expr, (self.field(expr.args[0], entire=True)[0],))
        if isinstance(expr, Apply) and expr.args and is_field(expr.args[0]):
            return self.atom(expr)
        if is_field(expr):
            return self.field(expr)[0]
        known = self.done.get(id(expr))
        if known is None:
            known = self.done[id(expr)] = (expr, rebuild(expr, tuple(self.moved(a) for a in children(expr))))
        return known[1]

    def atom(self, atom: Apply) -> Expr:
        """A condition or a function of a field."""
        operands = atom.args[1:]
        if atom.args[0].type in (Type.INT, Type.LONG):
            operands = tuple(transform(x, _written_number) for x in operands)
        before = len(self.mover.said)
        if (value := self.formula(atom.args[0])) is not None:
            if atom.function == "isempty" and (parts := _joined(value)):
                # Nothing is joined where there is nothing to join.
                return self.moved(conjunction(*(Apply(atom.span, Type.BOOL, "isempty", (part,)) for part in parts)))
            found = self.moved(simplify(Apply(atom.span, atom.type, atom.function, (value, *operands))))
            if self.mover.computes or not _computes(found):
                return found
            del self.mover.said[before:]
            return atom
        subject, counterpart = self.field(atom.args[0])
        rest = tuple(self.moved(a) for a in operands)
        plain = Apply(atom.span, atom.type, atom.function, (subject, *rest))
        if isinstance(subject, Apply):
            found = on_path(plain, self.separators)
            return found if self.mover.computes or found != plain else atom
        if not isinstance(counterpart, Stored) or atom.type != Type.BOOL or not all(isinstance(x, Const | Items) for x in operands):
            return plain
        asked = constants(operands[0]) if operands else None
        only_missing = asked == [counterpart.missing]
        if asked and atom.function in EQUALITIES and counterpart.either.keys() >= {*asked}:
            both = [v for value in asked for v in (value, counterpart.either[str(value)])]
            return one_of(subject, tuple(map(const, both)), atom, "~" if "~" in atom.function else "")
        if counterpart.deviates and atom.function not in ("isempty", "isnull") and not only_missing:
            self.mover.say("value-differs", f"{_name(atom.args[0])}: {counterpart.deviates}", atom.span)
        if counterpart.within:
            what = f"{_name(atom.args[0])} is a part of what the field holds: {counterpart.within}"
            self.mover.say("value-within" if atom.function.removesuffix("_cs") in _OF_PARTS else "value-differs", what, atom.span)
        if counterpart.setting and atom.function not in ("isempty", "isnull"):
            self.mover.say("input-setting", f"{_name(atom.args[0])} needs {counterpart.setting}", atom.span)
        if counterpart.array and not counterpart.values and atom.function.removesuffix("_cs") in _OF_WHOLE:
            self.mover.say("array-element", f"{_name(atom.args[0])} has several values, of which the KQL compares the text", atom.span)
        if counterpart.differs:
            return Apply(atom.span, atom.type, atom.function, atom.args)
        if counterpart.values and len(operands) == 1:
            return self.by_value(atom, subject, counterpart)
        if counterpart.form and len(operands) == 1:
            return _formed(atom, subject, counterpart)
        if counterpart.case and len(operands) == 1:
            plain = self.folded(plain, counterpart)
        if counterpart.prefixes and len(operands) == 1:
            plain = _prefixed(plain, counterpart)
        if counterpart.longer and atom.function.removesuffix("_cs") in (*EQUALITIES, "endswith"):
            self.mover.say("value-longer", f"{_name(atom.args[0])}: {counterpart.longer}", atom.span)
        found = typed(plain, subject) if self.family == "elastic" else plain
        return self.with_missing(found, atom, subject, counterpart) if counterpart.missing else found

    def with_missing(self, found: Expr, atom: Apply, subject: Expr, stored: Stored) -> Expr:
        """A condition on a field that the product may not have where the column has a certain value, which stands for no value."""
        filled = isinstance(atom.args[0], ColumnRef) and catalog.is_filled(atom.args[0].column.table or "", atom.args[0].column.name)
        tests = [_holds(atom, value) for value in (stored.missing, "")]
        if not all(isinstance(test, Const) for test in tests):
            self.mover.say("value-differs", f"the product may have no {_name(atom.args[0])} for {stored.missing}", atom.span)
            return found
        wanted, of_none = (test == TRUE for test in tests)
        nothing = Apply(atom.span, Type.BOOL, "isempty", (subject,))
        if filled and of_none and not wanted and self.mover.place is Place.TURNED:
            return conjunction(found, negation(nothing))
        if wanted != of_none and not (filled and wanted):
            what = f"the product may have no {_name(atom.args[0])} for {stored.missing}, as for events without one"
            self.mover.say("values-merged", what, atom.span)
        return disjunction(found, nothing) if wanted else found

    def field(self, expr: Expr, entire: bool = False) -> tuple[Expr, Counterpart | None]:
        """A stored column, or a place inside one, as what the home has for it; ``entire``: as a place, also where that has a field."""
        base = expr.base if isinstance(expr, Path) else expr
        assert isinstance(base, ColumnRef)
        column = base.column
        counterpart, name, rest = self.counterpart(column, self.steps(expr))
        match counterpart:
            case Stored() if self.has(name):
                kind = self.inventory.get(name, counterpart.type) or "text"
                # Places of one column that are fields of their own are columns of their own: columns are told apart by their numbers.
                if isinstance(expr, Path) and rest and self.family == "splunk" and not entire and _is_value(column, expr.steps):
                    kind, name, rest = "text", path_of(name, rest), ()
                number = _number(column, name) if isinstance(expr, Path) else column.id
                several = counterpart.array or (self.family == "splunk" and name.endswith("{}"))
                line = not isinstance(expr, Path) and catalog.is_one_line(column.table or "", column.name)
                moved = replace(column, id=number, name=name, stored=kind, several=several, one_line=line)
                ref = ColumnRef(expr.span, expr.type, moved)
                return (Path(expr.span, expr.type, ref, rest) if rest else ref), counterpart
            case Computed(file_of=path) if path:
                whole, _ = self.field(replace(base, column=replace(column, name=path)))
                return file_name(whole), counterpart
            case Computed():
                value = self.formula(expr)
                assert value is not None
                return self.moved(value), counterpart
        if column.name in self.inventory:
            own = ColumnRef(base.span, base.type, replace(column, stored=self.inventory[column.name]))
            return (replace(expr, base=own) if isinstance(expr, Path) else own), None
        return expr, counterpart

    def steps(self, expr: Expr) -> tuple[str | int, ...]:
        """The way from a column to a place inside it; that to any element where the product has one field for all of them."""
        if not isinstance(expr, Path):
            return ()
        if not isinstance(expr.base, ColumnRef) or self.home is None:
            return expr.steps
        name, columns = expr.base.column.name, self.home.columns
        of_any = tuple(ELEMENT if isinstance(s, int) else s for s in expr.steps)
        if of_any == expr.steps or _at(columns, name, expr.steps) is not None or _at(columns, name, of_any) is None:
            return expr.steps
        whole = columns.get(name)
        if self.family == "elastic" and self.mover.reads_json and isinstance(whole, Stored) and whole.type == "nested":
            return expr.steps
        if any(s != 0 for s in expr.steps if isinstance(s, int)) or not catalog.is_single(self.chosen.table, name, self.pins):
            self.mover.say("array-element", f"{name} is an array of which the KQL reads one element, the output all", expr.span)
        return of_any

    def listed(self, node: Expr) -> Expr:
        """A field that selects the events of the home, as one that is missing where the site has not listed it."""
        if not isinstance(node, ColumnRef) or self.has(node.column.name):
            return node
        return replace(node, column=replace(node.column, stored="", table=self.chosen.table))

    def has(self, name: str) -> bool:
        """Whether the site has a field, as far as it has listed them."""
        if not self.inventory or name in self.inventory or name.startswith("_"):
            return True
        return any(listed.startswith((f"{name}.", f"{name}{{")) for listed in self.inventory)

    def formula(self, expr: Expr) -> Expr | None:
        """What a computed column is, over the columns of the table, with conditions that the selector decides decided; None for others."""
        base = expr.base if isinstance(expr, Path) else expr
        assert isinstance(base, ColumnRef)
        column, steps = base.column, expr.steps if isinstance(expr, Path) else ()
        counterpart, *_ = self.counterpart(column, steps)
        if not isinstance(counterpart, Computed) or counterpart.file_of:
            return None
        if counterpart.deviates:
            self.mover.say("computed-column", f"{column.name}: {counterpart.deviates}", expr.span)
        table = column.table or ""

        def own(node: Expr) -> Expr:
            match node:
                case ColumnRef(column=other):
                    stored = replace(other, id=_number(column, other.name), table=table, source=column.source)
                    return ColumnRef(expr.span, node.type, stored)
                case Apply(function="==" | "in", args=(ColumnRef(column=other), operand)) if other.name in self.pins:
                    values = constants(operand)
                    if values is not None and self.pins[other.name] <= set(values):
                        return TRUE
                    if values is not None and not self.pins[other.name] & set(values):
                        return FALSE
            return node

        value = _decided(simplify(transform(parsed(table, counterpart.expression), own)))
        return simplify(Path(None, Type.DYNAMIC, value, steps)) if steps else value

    def counterpart(
        self, column: Column, steps: tuple[str | int, ...]
    ) -> tuple[Counterpart | None, str, tuple[str | int, ...]]:  # fmt: skip
        """What the home has for a place inside a column, the name of the field, and the steps that remain below it."""
        columns = self.home.columns if self.home is not None else {}
        if column.name.startswith("="):
            return Stored(column.name[1:], "text"), column.name[1:], ()
        for length in range(len(steps), -1, -1):
            found = _at(columns, column.name, steps[:length])
            if found is None:
                continue
            counterpart, name, elements = found
            rest = steps[length:]
            if isinstance(counterpart, ByValue):
                counterpart = self.by(counterpart)
                name = counterpart.name if isinstance(counterpart, Stored) else name
            if not isinstance(counterpart, Stored):
                return (counterpart, name, ()) if not rest or not isinstance(counterpart, Absent) else (None, name, ())
            in_text = self.family == "elastic" and self.mover.reads_json and counterpart.type in PLAIN_TEXTS | {"nested"}
            if rest and counterpart.type not in ("json", "object", "flattened") and not in_text and self.family != "sigma":
                return None, name, ()
            if rest and counterpart.type in ("object", "flattened") and self.family == "elastic" and ELEMENT not in rest:
                return counterpart, ".".join([name, *map(str, rest)]), ()
            return counterpart, name, (*elements, *rest)
        if column.name in TIME_COLUMNS and not steps:
            return Stored(TIMES[self.family], {"splunk": "time", "elastic": "date"}.get(self.family, "time")), TIMES[self.family], ()
        if column.name == "Type" and not steps and column.table in catalog.schemas():
            return Computed(f"'{column.table}'"), "", ()
        pattern = columns.get("EventData.{name}")
        if isinstance(pattern, Stored) and not steps and column.name not in catalog.schemas().get(column.table or "", {}):
            return self.of_event_data(column.name) or (pattern, pattern.name.replace("{name}", column.name), ())
        if self.lenient:
            return Stored(column.name, "text"), column.name, steps
        return None, column.name, ()

    def of_event_data(self, name: str) -> tuple[Counterpart | None, str, tuple[str | int, ...]] | None:
        """What the home has for a value in the data of a Windows event by its name, where it is not kept by that name."""
        found = _at(self.home.columns if self.home is not None else {}, "EventData", (name,))
        if found is None:
            return None
        counterpart, stored, _ = found
        if isinstance(counterpart, ByValue):
            counterpart = self.by(counterpart)
            stored = counterpart.name if isinstance(counterpart, Stored) else stored
        return counterpart, stored, ()

    @property
    def separators(self) -> tuple[str, ...]:
        """What stands before the name of a file in the paths of the home."""
        return SEPARATORS[:1] if self.home is not None and self.home.place.get("product") == "windows" else SEPARATORS

    @property
    def lenient(self) -> bool:
        """Whether the log source takes any field: those of Sigma that no taxonomy binds keep the names of the source."""
        place = self.home.place if self.home is not None else {"category": ""}
        return self.family == "sigma" and "category" not in place and place.get("product") != "windows"

    def by(self, counterpart: ByValue) -> Counterpart:
        """The alternative that the selector's value of the deciding column has, else that of all other values."""
        pinned = self.pins.get(counterpart.column)
        for values, found in counterpart.of:
            if pinned is not None and pinned <= {*values, *map(str, values)}:
                return found
        if isinstance(counterpart.otherwise, Computed):
            return counterpart.otherwise
        if pinned is None or any(pinned & {*values, *map(str, values)} for values, _ in counterpart.of):
            return Absent(f"its field depends on {counterpart.column}, which the rule does not pin to values of one field")
        return counterpart.otherwise

    # --- values

    def folded(self, atom: Apply, stored: Stored) -> Apply:
        """A condition on a field that the product keeps in one case."""
        caseless = CASE_PAIRS.get(atom.function)
        values = constants(atom.args[1])
        if values is None or caseless is None:
            return atom
        whole = atom.function.removesuffix("_cs") in EQUALITIES
        if any(folded(v) != str(v).upper() and not (whole and v in stored.spelled) for v in values):
            self.mover.say("case-ignored", "the product keeps this value in one case, the KQL compares it as it came", atom.span)
        return Apply(atom.span, atom.type, caseless, atom.args)

    def by_value(self, atom: Apply, subject: Expr, stored: Stored) -> Expr:
        """A condition on a field that has other values in the product; as it was, without a field, where one of them is not known."""
        if atom.function in ("isempty", "isnull"):
            return Apply(atom.span, atom.type, atom.function, (subject,))
        wanted = constants(atom.args[1])
        if wanted is None:
            return atom
        chosen: list[str] | None
        if atom.function in EQUALITIES:
            folded = {k.lower(): k for k in stored.values}
            chosen = []
            for value in wanted:
                key = str(value).lower() if isinstance(value, bool) else str(value)
                loose = atom.function in ("=~", "in~") or stored.complete
                known = key if key in stored.values else folded.get(key.lower()) if loose else None
                if known is None and stored.complete:
                    continue
                if known is None and not stored.others:
                    return atom
                if known is None or known == key or atom.function in ("=~", "in~"):
                    chosen.append(known or key)
        elif atom.function in TEXT_OPERATORS and stored.complete:
            tests = [(k, simplify(Apply(None, Type.BOOL, atom.function, (const(k), atom.args[1])))) for k in stored.values]
            chosen = [k for k, test in tests if test == TRUE]
            if any(not isinstance(test, Const) for _, test in tests):
                return atom
        elif atom.function in TEXT_OPERATORS and stored.others:
            renamed = [k for k in stored.values if simplify(Apply(None, Type.BOOL, atom.function, (const(k), atom.args[1]))) == TRUE]
            found = Apply(atom.span, Type.BOOL, atom.function, (subject, atom.args[1]))
            return disjunction(found, *(one_of(subject, (const(stored.values[k]),), atom) for k in renamed))
        else:
            return atom
        targets = list(dict.fromkeys(stored.values.get(k, k) for k in chosen))
        if not targets:
            return FALSE
        others = {stored.values[k] for k in stored.values if k not in chosen}
        if others & set(targets) and not stored.spellings:
            self.mover.say("values-merged", f"the product has one value for this and others of {_name(atom.args[0])}", atom.span)
        caseless = atom.function in ("=~", "in~") and any(k not in stored.values for k in chosen)
        test = one_of(subject, tuple(const(t) for t in targets), atom, "~" if caseless else "")
        return typed(test, subject) if self.family == "elastic" else numeric(test, subject)


def _holds(atom: Apply, value: str) -> Expr:
    """A condition on a field for one value of it, decided where that is known."""
    match atom:
        case Apply(function="matches regex" | "matches regex~", args=(_, Const(value=str()))):
            try:
                return TRUE if pattern(kql(searched(atom))).search(value) else FALSE
            except ValueError:
                pass
    return simplify(Apply(None, Type.BOOL, atom.function, (const(value), *atom.args[1:])))


def _computes(predicate: Expr) -> bool:
    """Whether a condition asks for a text that is computed of fields."""
    texts = ("strcat", "file_name", "iff", "case", "tolower", "toupper", "substring", "extract", "split")
    return any(isinstance(n, Apply) and n.function in texts for n in walk(predicate))


def _joined(expr: Expr) -> tuple[Expr, ...]:
    """The fields of which a text is joined, with a mark between them; none where it is another."""
    match expr:
        case Apply(function="strcat", args=(left, Const(value=str(mark)), right)) if is_field(left) and is_field(right) and mark:
            return left, right
    return ()


def _written_number(node: Expr) -> Expr:
    """A whole number that is written as a text, which KQL compares with a column of numbers as the number that it is."""
    match node:
        case Const(value=str(text)) if re.fullmatch(r"-?\d{1,18}", text):
            return const(int(text))
    return node


def _with_plain_keys(detection: Detection) -> Detection:
    """``detection`` with two keys for one that joins two fields of all its events, and none for one of a single value: the same groups."""
    given = [tuple(s.keys[n] for s in detection.selectors if s.keys) for n in range(len(detection.group_by))]
    split = [bool(of) and all(map(_joined, of)) for of in given]
    single = [len(set(of)) == 1 and isinstance(of[0], Const) for of in given]
    if not any((*split, *single)):
        return detection

    def keys(given: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(k for n, x in enumerate(given) if not single[n] for k in (_joined(x) if split[n] else (x,)))

    def grouped(given: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(k for x in given if not isinstance(x, Const) for k in (_joined(x) or (x,)))

    def kept(items: tuple[_T, ...], second: Callable[[_T], _T]) -> tuple[_T, ...]:
        return tuple(y for n, x in enumerate(items) if not single[n] for y in ((x, second(x)) if split[n] else (x,)))

    sides = []
    for side in detection.sides:
        selectors = tuple(replace(s, keys=keys(s.keys)) for s in side.selectors)
        sides.append(replace(side, selectors=selectors, grouping=tuple(map(grouped, side.grouping))))
    names = kept(detection.group_by, lambda name: f"{name}_2")
    return replace(detection, sides=tuple(sides), group_by=names, guaranteed=kept(detection.guaranteed, lambda known: known))


def _name(expr: Expr) -> str:
    base = expr.base if isinstance(expr, Path) else expr
    return base.column.name if isinstance(base, ColumnRef) else ""


def _is_value(column: Column, steps: tuple[str | int, ...]) -> bool:
    """Whether a place inside a column is known to hold a value, no object: some product has a field of it."""
    known = catalog.table(column.table or "")
    if known is None or not all(isinstance(s, str) and s != ELEMENT for s in steps):
        return False
    path = path_of(column.name, steps)
    found = next((home.columns[path] for home in known.homes["elastic"] if path in home.columns), None)
    return isinstance(found, Stored) and found.type not in ("object", "flattened", "nested")


def _number(column: Column, name: str) -> int:
    """A number for a column of the same events that a formula of the catalog reads: the same for one name, and no other's."""
    return -1 - int.from_bytes(f"{column.source} {column.table} {name}".encode(), "big")


def _decided(expr: Expr) -> Expr:
    """``iff`` and ``case`` whose conditions are known as the branch that is taken."""

    def decide(node: Expr) -> Expr:
        match node:
            case Apply(function="iff" | "iif", args=(Const(value=bool(taken)), then, otherwise)):
                return then if taken else otherwise
            case Apply(function="case", args=args):
                pairs = [(args[n], args[n + 1]) for n in range(0, len(args) - 1, 2) if args[n] != FALSE]
                if not pairs or pairs[0][0] == TRUE:
                    return pairs[0][1] if pairs else args[-1]
                kept: list[Expr] = []
                for guard, value in pairs:
                    if guard == TRUE:
                        return Apply(node.span, node.type, "case", (*kept, value))
                    kept += [guard, value]
                return Apply(node.span, node.type, "case", (*kept, args[-1]))
        return node

    return simplify(transform(expr, decide))


def _at(
    columns: Mapping[str, Counterpart], name: str, steps: tuple[str | int, ...]
) -> tuple[Counterpart, str, tuple[str | int, ...]] | None:  # fmt: skip
    """What stands for a place, by its whole path; ``[n]`` and ``{n}`` stand for an index, ``[]`` for any element, which stays a step."""
    exact = path_of(name, steps)
    found = columns.get(exact)
    if found is not None:
        return found, found.name if isinstance(found, Stored) else "", (ELEMENT,) if ELEMENT in steps else ()
    if any(isinstance(s, int) for s in steps):
        found = columns.get(re.sub(r"\[\d+\]", "[n]", exact))
        if isinstance(found, Stored) and found.name.count("{n}") == sum(isinstance(s, int) for s in steps):
            field_name = found.name
            for step in steps:
                field_name = field_name.replace("{n}", str(step), 1) if isinstance(step, int) else field_name
            return found, field_name, ()
    return None


def _formed(atom: Apply, subject: Expr, stored: Stored) -> Expr:
    """A value that stands in a field with others, as ``SHA256=...`` among hashes: the field contains it."""
    values = constants(atom.args[1])
    if stored.form == "{value}" and atom.function in TEXT_OPERATORS - EQUALITIES:
        return Apply(atom.span, Type.BOOL, atom.function, (subject, *atom.args[1:]))
    if atom.function.removesuffix("_cs") not in (*EQUALITIES, "startswith") or values is None or not stored.form.endswith("{value}"):
        return atom
    texts = [stored.form.replace("{value}", str(v)) for v in values]
    return disjunction(*(Apply(atom.span, Type.BOOL, "contains", (subject, const(t))) for t in texts))


def _prefixed(atom: Apply, stored: Stored) -> Apply:
    """A condition on a text that begins otherwise in the product; such a beginning stands nowhere else in it."""

    def changed(node: Expr) -> Expr:
        if not (isinstance(node, Const) and isinstance(node.value, str)):
            return node
        for before in sorted(stored.prefixes, key=len, reverse=True):
            if node.value.lower().startswith(before.lower()):
                return const(stored.prefixes[before] + node.value[len(before) :], Type.STRING, node.span)
        return node

    operand = transform(atom.args[1], changed)
    if operand == atom.args[1] or atom.function.removesuffix("_cs") not in (*EQUALITIES, "startswith", "contains"):
        return atom
    starts = {"contains": "startswith", "contains_cs": "startswith_cs"}
    return Apply(atom.span, atom.type, starts.get(atom.function, atom.function), (atom.args[0], operand))
