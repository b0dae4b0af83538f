"""The move of one selector to one home: its conditions, its keys and what it shows, over the fields of the product."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from translator import catalog
from translator.catalog import Computed, Counterpart, Home, Stored
from translator.catalog.site import Site
from translator.detection.model import Selector
from translator.detection.windows import is_time
from translator.fidelity import CaseOfColumn, Diagnostic, Notes, Place
from translator.plan.conditions import LISTS, MOMENTS, is_field, pushed
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import (
    ELEMENT,
    FALSE,
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Items,
    Path,
    Same,
    children,
    columns_of,
    conjunction,
    conjuncts,
    const,
    negation,
    rebuild,
    transform,
    walk,
)
from translator.plan.missing import rejects_missing
from translator.plan.pins import constants
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.rulepack.model import Rule
from translator.targets.base import Options, some_of
from translator.targets.choice import allowed, events_of, has_all, homes_of, lacks_required, pins_among, possible, selector_pins, untold
from translator.targets.counterparts import Fields, at_place, column_number, is_value
from translator.targets.formulas import parsed, selected
from translator.targets.literals import EQUALITIES, merged, typed
from translator.targets.names import (
    ESQL_JSON,
    IN_DOCUMENT,
    IN_UNITS,
    ORIGINAL,
    PLAIN_TEXTS,
    SPLUNK_JSON,
    are_plain_keys,
    is_logical,
    path_of,
)
from translator.targets.objects import is_plain, note_whole, with_parts
from translator.targets.paths import file_name, on_path
from translator.targets.stored_values import (
    by_value,
    column_name,
    formed,
    in_double_quotes,
    in_either_word,
    in_map,
    in_one_case,
    in_several_words,
    in_xml,
    note_address,
    prefixed,
    scaled,
    spelled_otherwise,
    with_missing,
    with_quotes,
    without_entities,
)

MAX_HOMES = 8
"""In how many homes a selector is looked for that does not tell its events from those of others."""


class Moving(Notes):
    """One detection on its way to the fields of a product. ``homes`` are those that its selectors were moved to."""

    def __init__(self, family: str, options: Options, rule: Rule | None, computes: bool, reads_json: bool) -> None:
        super().__init__()
        self.family, self.options, self.computes, self.reads_json = family, options, computes, reads_json
        self.entities = {e.column for e in rule.entities} if rule is not None else set()
        self.wanted = {*rule.alert_columns} if rule is not None else set()
        self.homes: dict[tuple[str, str], Home] = {}
        self.alone = False
        self.read: dict[Expr, CaseOfColumn] = {}
        """The column of each value that is read of a field, and the case in which the product has it; empty where that is as it came."""


def further_homes(moving: Moving, selector: Selector, home: Home | None, measured: list[Expr]) -> list[tuple[Home, bool]]:
    """The further homes that may have events of a selector that does not tell them, and whether it is written for them too.

    None beside a home that says itself what it lacks: it is what rules of the table mean.
    """
    pins = selector_pins(selector)
    if home is None or home.lacks or allowed(home, pins):
        return []
    found = {events_of(home): home}
    for other in homes_of(selector.table, moving.family, moving.options):
        if (
            other.when
            and other.within != home.name
            and possible(other, pins)
            and not lacks_required(other, selector.predicate, in_table=True)
        ):
            found.setdefault(events_of(other), other)
    several = list(found.values())[1:]
    if not 0 < len(several) < MAX_HOMES:
        return [(other, False) for other in several]
    read = {c for x in (selector.predicate, *selector.keys, *measured) for c in columns_of(x)}
    return [(other, has_all(other, read)) for other in several]


def shown_columns(selector: Selector, wanted: Container[str] = ()) -> list[tuple[str, Expr]]:
    """The columns that an analyst looks at: those that the query chooses; of a whole table those of its conditions and those ``wanted``."""
    columns = catalog.schemas().get(selector.table, {})
    # Behind a join, columns of the other side may have taken their names.
    held = {x.column.name for _, x in selector.outputs if isinstance(x, ColumnRef)}
    if not columns or not held | {name for name, _ in selector.outputs} >= set(columns):
        return list(selector.outputs)
    asked = {n for n in walk(selector.predicate) if is_field(n)}

    def identifies(name: str, x: Expr) -> bool:
        known = not isinstance(x, ColumnRef) or x.column.name in columns
        return known and (name in wanted or name.endswith("CustomEntity"))

    return [(name, x) for name, x in selector.outputs if x in asked or identifies(name, x)]


_OF_WHOLE = EQUALITIES | {"startswith", "endswith"}
"""Operators that compare a text as a whole, or tell where it begins or ends."""

_OF_PARTS = frozenset({"contains", "has", "hasprefix", "hassuffix"})
"""Operators that find in a text what they find in a part of it that marks set off."""


class _Known:
    """What is known of the events that a condition selects in a home: the moves of a rule ask that again and again, each for other keys.

    Attributes:
        looked_up: what the home has for fields, by these, whether they are asked for as places, and the place of the walk.
        moved: what became of expressions and what was said of them, by what was done, which expression it is, and the place of the walk.
    """

    __slots__ = ("fields", "looked_up", "moved")

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.looked_up: dict[tuple[Expr, bool, Place], tuple[Expr, Counterpart | None]] = {}
        self.moved: dict[tuple[str, Same[Expr], Place], tuple[Expr, list[Diagnostic]]] = {}


@lru_cache(maxsize=64)
def _known(
    predicate: Same[Expr], table: str, home: Same[Home | None], site: Same[Site], family: str, names: str, computes: bool, reads_json: bool
) -> _Known:
    inventory = site.node.inventory.get(family, {})
    return _Known(Fields(home.node, family, pins_among(predicate, table), inventory, reads_json))


class Move:
    """One selector on its way to one home; None where the product has none of its table."""

    def __init__(self, mover: Moving, selector: Selector, home: Home | None, measured: list[Expr]) -> None:
        self.mover, self.chosen, self.home, self.measured = mover, selector, home, measured
        self.family, options = mover.family, mover.options
        self.known = _known(
            Same(selector.predicate), selector.table, Same(home), Same(options.site), mover.family, options.fields, mover.computes,
            mover.reads_json,
        )  # fmt: skip
        self.fields = self.known.fields
        self.inventory, self.pins = self.fields.inventory, self.fields.pins
        self.done: dict[int, tuple[Expr, Expr]] = {}

    @contextmanager
    def apart(self) -> Iterator[list[Diagnostic]]:
        """Moves that nothing else knows of. Gives what is said there."""
        before = self.mover.said, self.done
        self.mover.said, self.done = said, _ = list[Diagnostic](), dict[int, tuple[Expr, Expr]]()
        try:
            yield said
        finally:
            self.mover.said, self.done = before

    def once(self, what: str, expr: Expr, move: Callable[[Expr], Expr]) -> Expr:
        """What ``move`` makes of an expression, worked out once for all moves of its condition to the home; ``what`` is its name."""
        asked = what, Same(expr), self.mover.place
        known = self.known.moved.get(asked)
        if known is None:
            with self.apart() as said:
                known = self.known.moved[asked] = move(expr), said
        moved, said = known
        for diagnostic in said:
            self.mover.note(diagnostic)
        return moved

    def selector(self) -> Selector:
        selector = self.chosen
        shown = shown_columns(selector, self.mover.wanted)
        parts = self.once("parts", selector.predicate, lambda x: with_parts(x, self.reads_whole, self.family == "elastic", self.mover))
        selector = replace(selector, predicate=parts, keys=tuple(map(self.whole_key, selector.keys)))
        for value in (*selector.keys, *self.measured):
            if not self.reads_whole(value) and not self.is_object(value):
                note_whole(value, self.mover)
        if self.mover.options.fields == "source":
            return replace(selector, outputs=tuple(shown))
        if self.home is not None:
            self.mover.homes[selector.table, self.home.name] = self.home
            if self.home.setting:
                self.mover.say("input-setting", f"{selector.table} in {self.home.name} needs {self.home.setting}", None)
            if self.home.more:
                self.mover.say("events-more", f"{selector.table} in {self.home.name}: {self.home.more}", None)
            for lacking in self.elsewhere(self.home):
                self.mover.say("events-elsewhere", f"{selector.table} in {self.home.name}: {lacking}", None)
        self.note_shared(selector)
        predicate = self.once("condition", selector.predicate, self.condition)
        if self.home is not None and self.home.select:
            predicate = conjunction(transform(selected(self.home.select), self.listed), *conjuncts(predicate))
        keys = tuple(self.key(k, selector.keys) for k in selector.keys)
        outputs = [(name, self.shown(name, x)) for name, x in shown]
        known = [(name, x) for name, x in outputs if not self.lacks(x)]
        lost = [name for (name, x), (_, given) in zip(outputs, shown, strict=True) if self.lacks(x) and not self.computes(given)]
        if lost:
            self.mover.say("column-left-out", f"{selector.table} has no field here for {some_of(lost)}, which the query only shows", None)
        return replace(selector, predicate=predicate, keys=keys, outputs=tuple(known), home=self.home.name if self.home else "")

    def elsewhere(self, home: Home) -> Iterator[str]:
        """Which events of the table are not in the home, though the selector may ask for them."""
        if allowed(home, self.pins):
            return
        if home.lacks:
            yield home.lacks
            return
        apart = [other.name for other, written in further_homes(self.mover, self.chosen, home, self.measured) if not written]
        if apart:
            yield f"the rule does not tell its events from those that are in {', '.join(apart)}"
        known, chosen = catalog.table(self.chosen.table), self.mover.options.homes
        homes = homes_of(self.chosen.table, self.family, self.mover.options)
        if known is not None and home.name not in chosen and (columns := untold(homes, known.all_told)):
            yield f"no place is known for its events with other values of {' and '.join(columns)}, which the rule does not rule out"

    def whole_key(self, key: Expr) -> Expr:
        """A place that may hold an object as the text that KQL has of it, where the target reads that in an event that is JSON."""
        if not self.mover.reads_json or not is_field(key) or is_plain(key) or self.reads_whole(key):
            return key
        found = self.looked_up(key, entire=True)[0]
        base, steps = (found.base, found.steps) if isinstance(found, Path) else (found, ())
        readable = isinstance(base, ColumnRef) and ELEMENT not in steps and self.in_json(base)
        return Apply(key.span, Type.STRING, JSON_TEXT, (key,)) if readable else key

    def key(self, key: Expr, keys: tuple[Expr, ...]) -> Expr:
        """A value that events are grouped by: where the other keys tell all that it is computed of, the groups are the same without it."""
        with self.mover.within(Place.SHOWN if self.mover.alone and self.follows(key, keys) else Place.PLAIN):
            return self.value(key)

    def follows(self, key: Expr, keys: tuple[Expr, ...]) -> bool:
        """Whether a column is computed of some of the other keys alone, or tells events apart as it does, and identifies no alert."""
        if not isinstance(key, ColumnRef) or key.column.name in self.mover.entities:
            return False
        counterpart, *_ = self.fields.counterpart(key.column, ())
        if not isinstance(counterpart, Computed) or not counterpart.expression:
            return False
        if counterpart.apart:
            return True
        read = {c.name for c in columns_of(parsed(key.column.table or "", counterpart.expression))}
        return bool(read) and read <= {k.column.name for k in keys if isinstance(k, ColumnRef) and k != key}

    def shown(self, name: str, expr: Expr) -> Expr:
        """A value that is only shown: where Azure computes it in its own way, the alert is the same, unless it is an entity of it."""
        with self.mover.within(Place.BOTH if name in self.mover.entities else Place.SHOWN):
            return self.value(expr)

    def computes(self, expr: Expr) -> bool:
        """Whether a column is one that the home's fields tell, if not as a field."""
        return is_field(expr) and isinstance(self.looked_up(expr)[1], Computed)

    def reads_whole(self, expr: Expr, asked: bool = False, loose: bool = False) -> bool:
        """Whether the target reads the text of an object or an array inside a column.

        Splunk does in a text. In events that are JSON it knows whether anything is there, which is ``asked``, and reads what is there as it
        is laid out, which is enough for a ``loose`` question; those of a table without a home are taken for such events.
        """
        if self.family == "sigma" and is_field(expr):
            return self.is_text(expr)
        if not self.mover.reads_json:
            return False
        found = expr if self.mover.options.fields == "source" or not is_field(expr) else self.looked_up(expr)[0]
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
        brackets = (SPLUNK_JSON if self.family == "splunk" else ESQL_JSON).brackets
        return self.in_json(base) and are_plain_keys(steps, brackets) and (asked or (loose and whole))

    def is_text(self, expr: Expr) -> bool:
        """Whether a place is a field by a name that no taxonomy binds, with its text; elements that are asked one by one have none."""
        found, counterpart = self.looked_up(expr)
        base, steps = (found.base, found.steps) if isinstance(found, Path) else (found, ())
        if counterpart is not None or not isinstance(base, ColumnRef) or not is_logical(self.family, self.mover.options, base.column):
            return False
        reads = (self.chosen.predicate, *self.chosen.keys, *self.measured)
        ways = [n.steps for x in reads for n in walk(x) if isinstance(n, Path) and isinstance(n.base, ColumnRef) and n.base == base]
        if ELEMENT in steps or any(ELEMENT in way[len(steps) :] for way in ways if way[: len(steps)] == steps):
            return False
        if not is_plain(expr):
            what = f"{path_of(base.column.name, steps)} may be an object or an array, of which the field holds the text"
            self.mover.say("place-as-field", what, expr.span)
        return True

    def in_json(self, base: ColumnRef) -> bool:
        """Whether a column is an object in an event that is JSON."""
        homeless = self.home is None and base.type == Type.DYNAMIC and self.mover.options.fields != "source"
        return homeless or base.column.stored in (IN_DOCUMENT if self.family == "elastic" else {"json"})

    def is_object(self, value: Expr) -> bool:
        """Whether a value is a whole object of Elastic's, of which there are fields of its parts alone."""
        if self.family != "elastic" or not isinstance(value, ColumnRef) or value.type != Type.DYNAMIC:
            return False
        found = self.looked_up(value)[0]
        return isinstance(found, ColumnRef) and found.column.stored in {"object", "flattened", *IN_DOCUMENT}

    def lacks(self, expr: Expr) -> bool:
        """Whether a value reads a column that the home does not have; of a table without a home nothing is known."""
        return self.home is not None and any(isinstance(n, ColumnRef) and n.column.table and not n.column.stored for n in walk(expr))

    def leaves_out(self, field: Expr, value: str) -> bool:
        """Whether the selector asks for events that have another value in a field of the table."""

        def filled_in(node: Expr) -> Expr:
            return const(value) if node == field else node

        return any(simplify(transform(part, filled_in)) == FALSE for part in conjuncts(self.chosen.predicate) if field in walk(part))

    def is_told(self, field: Expr, stored: Stored) -> bool:
        """Whether the selector asks for events that have the field, also of those that have none for one of its values."""
        return self.leaves_out(field, "") and self.leaves_out(field, stored.missing)

    def is_filled(self, expr: Expr) -> bool:
        """Whether no event that the selector asks for leaves a column empty."""
        return isinstance(expr, ColumnRef) and catalog.is_filled(self.chosen.table, expr.column.name, self.pins)

    def with_value_for_none(self, expr: Expr, moved: Expr, stored: Stored) -> Expr:
        """A value that events are grouped by, or counted, where those with one of its values may have no field."""
        if not stored.missing or self.leaves_out(expr, stored.missing):
            return moved
        what = f"{column_name(expr)} is missing here for {stored.missing}"
        base = expr.base if isinstance(expr, Path) else expr
        assert isinstance(base, ColumnRef)
        if not self.is_filled(expr) and not self.leaves_out(expr, ""):
            groups = expr in self.chosen.keys and bool(self.mover.entities) and base.column.name not in self.mover.entities
            one = self.mover.computes and groups  # else the alert is one of another value, or EQL has none
            self.mover.say("values-merged" if one else "value-differs", f"{what}, as for events without one: both are one value", expr.span)
        elif self.mover.computes:
            empty = Apply(expr.span, Type.BOOL, "isempty", (moved,))
            return Apply(expr.span, Type.STRING, "iff", (empty, const(stored.missing), moved))
        else:
            self.mover.say("empty-join-key", f"{what}, and events without it are left out", expr.span)
        return moved

    def condition(self, predicate: Expr) -> Expr:
        """A condition over the fields of the home, in normal form."""
        predicate = self.without_implied(predicate)
        fields = dict.fromkeys(n for n in walk(predicate) if is_field(n)) if self.mover.options.fields != "source" else ()
        for field in fields:
            stored = self.looked_up(field)[1]
            if isinstance(stored, Stored) and stored.missing and self.is_told(field, stored):
                predicate = conjunction(predicate, negation(Apply(field.span, Type.BOOL, "isempty", (field,))))
        moved = pushed(simplify(self.moved(predicate)))
        return merged(moved) if self.family == "elastic" else moved

    def without_implied(self, predicate: Expr) -> Expr:
        """A condition that does not ask for a value where another part of it does, of a field that may be missing where KQL has one."""
        parts = conjuncts(predicate)

        def is_implied(part: Expr) -> bool:
            match part:
                case Apply(function="not", args=(Apply(function="isempty", args=(ColumnRef(column=column) as asked,)),)):
                    found = self.looked_up(asked)[1]
                    others = (p for p in parts if p is not part)
                    lacks = isinstance(found, Stored) and bool(found.missing)
                    return lacks and any(rejects_missing(p, lambda c: c == column) for p in others)
            return False

        return conjunction(*(p for p in parts if not is_implied(p)))

    def value(self, expr: Expr) -> Expr:
        """A value over the fields of the home."""
        return expr if self.mover.options.fields == "source" else self.once("value", expr, self.moved_value)

    def moved_value(self, expr: Expr) -> Expr:
        """The same where there are fields of a home."""
        before = len(self.mover.said)
        moved, counterpart = self.field(expr) if is_field(expr) else (self.moved(expr), None)
        if isinstance(counterpart, Stored) and (why := counterpart.differs or counterpart.deviates or in_several_words(counterpart)):
            self.note_other(expr, why)
        if isinstance(counterpart, Stored) and self.mover.place is not Place.SHOWN:
            moved = self.with_value_for_none(expr, moved, counterpart)
        if isinstance(counterpart, Stored):
            if moved != (moved := self.unescaped(moved, counterpart)) and self.mover.place is Place.SHOWN:
                self.mover.say("columns-differ", f"{column_name(expr)} has entities and quotes as the rendered event has them", expr.span)
                moved = self.field(expr)[0]
            self.mover.read[moved] = CaseOfColumn(column_name(expr), counterpart.case)
            if counterpart.case:
                said = f"{column_name(expr)} is in {counterpart.case} case here: values that differ by case alone are one"
                self.mover.say("values-of-one-case", said, fact=self.mover.read[moved])
        found = simplify(moved)
        if self.mover.computes or is_field(found) or isinstance(found, Const) or not is_field(expr) or joined_fields(found):
            return found
        del self.mover.said[before:]
        return expr

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
            moved, counterpart = self.field(expr)
            if isinstance(counterpart, Stored):
                self.note_computed(expr, moved, counterpart)
                moved = self.unescaped(moved, counterpart)
            return moved
        known = self.done.get(id(expr))
        if known is None:
            known = self.done[id(expr)] = (expr, rebuild(expr, tuple(self.moved(a) for a in children(expr))))
        return known[1]

    def is_address(self, field: Expr) -> bool:
        """Whether the product keeps a field as an address, not as its text."""
        return self.family == "elastic" and isinstance(field, ColumnRef) and field.column.stored == "ip"

    def is_escaped(self, stored: Stored) -> bool:
        """Whether a field holds the text of XML."""
        return self.home is not None and self.home.in_xml and stored.type == "text"

    def unescaped(self, field: Expr, stored: Stored) -> Expr:
        """A field as a value: what it says, where it may hold any text of XML."""
        if not self.is_escaped(stored):
            return field
        if stored.name == catalog.DATA_IN_XML:
            return in_double_quotes(field)
        return without_entities(field) if stored.name in catalog.FREE_TEXTS else field

    def note_shared(self, selector: Selector) -> None:
        """A word on columns that are one field here, where more is asked of them than that any of them has a value."""
        values = [_fields_in(x) for x in (*selector.keys, *self.measured)]
        parts = {part: _fields_in(part) for part in conjuncts(selector.predicate)}
        found: dict[str, dict[str, Expr]] = {}
        for column in dict.fromkeys(itertools.chain(*parts.values(), *values)):
            stored = self.looked_up(column)[1]
            if isinstance(stored, Stored):
                found.setdefault(stored.name, {}).setdefault(column_name(column), column)
        for name, columns in found.items():
            if len(columns) > 1 and not self.is_any_of(values, parts, columns.values()):
                what = f"{' and '.join(columns)} are one field here, {name}"
                self.mover.say("value-differs", what, next(iter(columns.values())).span, Place.BOTH)

    def is_any_of(
        self, values: Iterable[Mapping[Expr, None]], parts: Mapping[Expr, Mapping[Expr, None]], columns: Collection[Expr]
    ) -> bool:
        """Whether some columns stand for each other: in one value, or in alternatives of which each asks one of them for a value.

        Args:
            values: the fields of each value.
            parts: the same of each condition.
        """
        wanted = {*columns}
        return all(wanted <= of.keys() or wanted.isdisjoint(of) for of in values) and all(
            (wanted <= of.keys() and self.asks_any(part, wanted)) or wanted.isdisjoint(of) for part, of in parts.items()
        )

    def asks_any(self, part: Expr, columns: Set[Expr]) -> bool:
        """Whether a condition has alternatives, each of which asks one of some columns, and refuses none."""
        if not (isinstance(part, Apply) and part.function == "or"):
            return False
        for asked in part.args:
            match asked:
                case Apply(function="not", args=(Apply(function="isempty" | "isnull"),)):
                    pass
                case Apply(function=function) if function in EQUALITIES | _OF_PARTS | {"startswith", "endswith"}:
                    pass
                case _:
                    return False
            if sum(n in columns for n in walk(asked)) > 1:
                return False
        return True

    def note_other(self, expr: Expr, why: str) -> None:
        """A word on a value that is computed with, or that events are grouped by, whose field does not hold what the column does."""
        if why and self.mover.place is not Place.SHOWN:
            self.mover.say("value-differs", f"{column_name(expr)}: {why}", expr.span)

    def note_computed(self, expr: Expr, field: Expr, stored: Stored, in_one_case: bool = False) -> None:
        """A word on a value that is computed with, where the field spells it otherwise than the column.

        Args:
            in_one_case: whether its case is of no matter to what is computed.
        """
        case = f"the product has it in {stored.case} case" if stored.case and not in_one_case else ""
        self.note_other(expr, spelled_otherwise(stored) or case)
        if self.is_address(field):
            self.mover.say("address-spelling", f"{column_name(expr)} is computed with in its canonical spelling", expr.span)

    def atom(self, atom: Apply) -> Expr:
        """A condition or a function of a field."""
        operands = atom.args[1:]
        if atom.args[0].type in (Type.INT, Type.LONG):
            operands = tuple(transform(x, _written_number) for x in operands)
        before = len(self.mover.said)
        if (value := self.formula(atom.args[0])) is not None:
            if atom.function == "isempty" and (parts := joined_fields(value)):
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
        if isinstance(counterpart, Stored) and counterpart.scale:
            found = scaled(plain, counterpart.scale)
            return found if self.mover.computes or found != plain else atom
        if isinstance(subject, Apply):
            found = plain if atom.function in LISTS and self.family != "sigma" else on_path(plain, self.fields.separators)
            if found != plain and atom.function in LISTS:
                what = f"{column_name(atom.args[0])} is the end of a path here: leave paths out of the list"
                self.mover.say("list-names", what, atom.span)
            return found if self.mover.computes or found != plain else atom
        if not isinstance(counterpart, Stored):
            return plain
        if atom.type != Type.BOOL or not all(isinstance(x, Const | Items) for x in operands):
            self.note_computed(atom.args[0], subject, counterpart, in_one_case=atom.function in ("tolower", "toupper", "strlen"))
            return replace(plain, args=(self.unescaped(subject, counterpart), *rest))
        asked = constants(operands[0]) if operands else None
        only_missing = asked == [counterpart.missing]
        if asked and counterpart.either and (named := in_either_word(self.mover, atom, subject, counterpart)) is not None:
            return named
        if counterpart.deviates and atom.function not in ("isempty", "isnull") and not only_missing:
            self.mover.say("value-differs", f"{column_name(atom.args[0])}: {counterpart.deviates}", atom.span)
        if counterpart.within:
            what = f"{column_name(atom.args[0])} is a part of what the field holds: {counterpart.within}"
            self.mover.say("value-within" if atom.function.removesuffix("_cs") in _OF_PARTS else "value-differs", what, atom.span)
        if counterpart.setting and atom.function not in ("isempty", "isnull"):
            self.mover.say("input-setting", f"{column_name(atom.args[0])} needs {counterpart.setting}", atom.span)
        if counterpart.array and not counterpart.values and atom.function.removesuffix("_cs") in _OF_WHOLE:
            self.mover.say(
                "array-element", f"{column_name(atom.args[0])} has several values, of which the KQL compares the text", atom.span
            )
        if counterpart.differs:
            return Apply(atom.span, atom.type, atom.function, atom.args)
        if counterpart.parts and operands:
            plain = in_map(self.mover, plain)
        if counterpart.values and len(operands) == 1:
            return by_value(self.mover, self.family, atom, subject, counterpart)
        if counterpart.form and len(operands) == 1:
            return formed(atom, subject, counterpart)
        if counterpart.case and len(operands) == 1:
            plain = in_one_case(self.mover, plain, counterpart)
        if counterpart.prefixes and len(operands) == 1:
            plain = prefixed(plain, counterpart)
        if self.is_escaped(counterpart) and len(operands) == 1:
            whole = counterpart.name == catalog.DATA_IN_XML
            plain = with_quotes(plain) if whole else in_xml(plain, counterpart.name in catalog.FREE_TEXTS)
        if counterpart.longer and atom.function.removesuffix("_cs") in (*EQUALITIES, "endswith"):
            self.mover.say("value-longer", f"{column_name(atom.args[0])}: {counterpart.longer}", atom.span)
        if self.is_address(subject):
            note_address(self.mover, atom)
        found = typed(plain, subject) if self.family == "elastic" else plain
        if not counterpart.missing or self.is_told(atom.args[0], counterpart):
            return found
        return with_missing(self.mover, found, atom, subject, counterpart, self.is_filled(atom.args[0]))

    def looked_up(self, expr: Expr, entire: bool = False) -> tuple[Expr, Counterpart | None]:
        """The same as ``field`` for a question about a place that is not moved there: nothing is said of it."""
        asked = expr, entire, self.mover.place
        known = self.known.looked_up.get(asked)
        if known is None:
            with self.apart():
                known = self.known.looked_up[asked] = self.field(expr, entire)
        return known

    def field(self, expr: Expr, entire: bool = False) -> tuple[Expr, Counterpart | None]:
        """A stored column, or a place inside one, as what the home has for it; ``entire``: as a place, also where that has a field."""
        base = expr.base if isinstance(expr, Path) else expr
        assert isinstance(base, ColumnRef)
        column = base.column
        counterpart, name, rest = self.fields.counterpart(column, self.steps(expr))
        match counterpart:
            case Stored() if self.fields.has("event.original" if counterpart.type == ORIGINAL else name):
                kind = self.inventory.get(name, counterpart.type) or "text"
                # Places of one column that are fields of their own are columns of their own: columns are told apart by their numbers.
                if isinstance(expr, Path) and rest and self.family == "splunk" and not entire and is_value(column, expr.steps):
                    kind, name, rest = "text", path_of(name, rest), ()
                number = column_number(column, name) if isinstance(expr, Path) else column.id
                several = counterpart.array or (self.family == "splunk" and name.endswith("{}"))
                line = not isinstance(expr, Path) and catalog.is_one_line(column.table or "", column.name)
                moved = replace(column, id=number, name=name, stored=kind, several=several, one_line=line)
                ref = ColumnRef(expr.span, expr.type, moved)
                if counterpart.scale:
                    return Apply(expr.span, expr.type, IN_UNITS, (ref, const(counterpart.scale))), counterpart
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
        if of_any == expr.steps or at_place(columns, name, expr.steps) is not None or at_place(columns, name, of_any) is None:
            return expr.steps
        whole = columns.get(name)
        if self.family == "elastic" and self.mover.reads_json and isinstance(whole, Stored) and whole.type in IN_DOCUMENT:
            return expr.steps
        if any(s != 0 for s in expr.steps if isinstance(s, int)) or not catalog.is_single(self.chosen.table, name, self.pins):
            self.mover.say("array-element", f"{name} is an array of which the KQL reads one element, the output all", expr.span)
        return of_any

    def listed(self, node: Expr) -> Expr:
        """A field that selects the events of the home, as one that is missing where the site has not listed it."""
        if not isinstance(node, ColumnRef) or self.fields.has(node.column.name):
            return node
        return replace(node, column=replace(node.column, stored="", table=self.chosen.table))

    def formula(self, expr: Expr) -> Expr | None:
        """What a computed column is, over the columns of the table, with conditions that the selector decides decided; None for others."""
        base = expr.base if isinstance(expr, Path) else expr
        assert isinstance(base, ColumnRef)
        column, steps = base.column, expr.steps if isinstance(expr, Path) else ()
        counterpart, *_ = self.fields.counterpart(column, steps)
        if not isinstance(counterpart, Computed) or counterpart.file_of:
            return None
        if counterpart.deviates:
            self.mover.say("computed-column", f"{column.name}: {counterpart.deviates}", expr.span)
        table = column.table or ""

        def own(node: Expr) -> Expr:
            match node:
                case ColumnRef(column=other):
                    stored = replace(other, id=column_number(column, other.name), table=table, source=column.source)
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


def _fields_in(expr: Expr) -> dict[Expr, None]:
    """The stored fields that stand in an expression, those inside of others too."""
    return dict.fromkeys(n for n in walk(expr) if is_field(n))


def _computes(predicate: Expr) -> bool:
    """Whether a condition asks for a text that is computed of fields."""
    texts = ("strcat", "file_name", "iff", "case", "tolower", "toupper", "substring", "extract", "split")
    return any(isinstance(n, Apply) and n.function in texts for n in walk(predicate))


def joined_fields(expr: Expr) -> tuple[Expr, ...]:
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
