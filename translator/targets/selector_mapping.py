"""The move of one selector to one home: its conditions, its keys and what it shows, over the fields of the product."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import replace

from translator import catalog
from translator.catalog import Computed, Home, Stored
from translator.detection.model import Selector
from translator.detection.windows import is_time
from translator.fidelity import CaseOfColumn, Place
from translator.plan.conditions import CASE_PAIRS, EQUALITIES, LISTS, MOMENTS, is_field, pushed
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import (
    ELEMENT,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Items,
    Path,
    children,
    columns_of,
    conjunction,
    conjuncts,
    const,
    items_of,
    negation,
    rebuild,
    transform,
    walk,
)
from translator.plan.missing import rejects_missing
from translator.plan.pins import constants
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.targets.base import some_of
from translator.targets.choice import allowed, events_of, has_all, homes_of, is_chosen, lacks_required, possible, selector_pins, untold
from translator.targets.field_lookup import DetectionMapping, FieldLookup
from translator.targets.formulas import parsed, selected
from translator.targets.literals import merged, typed
from translator.targets.objects import is_plain, note_whole, with_parts
from translator.targets.paths import on_path
from translator.targets.shared_fields import OF_PARTS, shared_fields
from translator.targets.stored_values import (
    OTHER_VALUES,
    by_value,
    column_name,
    formed,
    held_otherwise,
    in_double_quotes,
    in_either_word,
    in_map,
    in_one_case,
    in_several_words,
    in_xml,
    note_address,
    note_rewritten,
    prefixed,
    scaled,
    spelled_otherwise,
    with_hyphen,
    with_missing,
    with_quotes,
    without_entities,
)

MAX_HOMES = 8
"""In how many homes a selector is looked for that does not tell its events from those of others."""


def further_homes(moving: DetectionMapping, selector: Selector, home: Home | None, measured: list[Expr]) -> list[tuple[Home, bool]]:
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


def shown_columns(selector: Selector, wanted: Container[str]) -> list[tuple[str, Expr]]:
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


def _implies(condition: Expr, other: Expr) -> bool:
    """Whether a field has one of the values that another condition wants of it, whatever their case."""
    one, more = _wanted(condition), _wanted(other)
    return one is not None and more is not None and more[1].endswith("~") and one[0] == more[0] and one[2] <= more[2]


def _wanted(condition: Expr) -> tuple[str, str, frozenset[str]] | None:
    """The field, the operator and the texts of a condition that it is one of them, in lower case; None of other conditions."""
    match condition:
        case Apply(function="==" | "=~" | "in" | "in~" as function, args=(ColumnRef(column=column), operand)):
            items = items_of(operand)
            texts = frozenset(i.value.lower() for i in items if isinstance(i, Const) and isinstance(i.value, str))
            return (column.name, function, texts) if len(texts) == len({*items}) else None
    return None


_OF_WHOLE = EQUALITIES | {"startswith", "endswith"}
"""Operators that compare a text as a whole, or tell where it begins or ends."""


class SelectorMapping(FieldLookup):
    """One selector on its way to one home; None where the product has none of its table."""

    held = False
    """Whether what is moved identifies alerts, made of what fields hold in the events where the target does not compute it."""

    def selector(self) -> Selector:
        """The selector over the product's fields; what its home lacks, or has otherwise, is said."""
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
            asked = conjuncts(predicate)
            own = conjuncts(transform(selected(self.home.select), self.listed))
            predicate = conjunction(*(c for c in own if not any(_implies(a, c) for a in asked)), *asked)
        keys = tuple(self.key(k, selector.keys) for k in selector.keys)
        outputs = [(name, self.shown(name, x)) for name, x in shown]
        known = [(name, x) for name, x in outputs if not self.lacks(x)]
        lost = [name for (name, x), (_, given) in zip(outputs, shown, strict=True) if self.lacks(x) and not self.computes(given)]
        if lost:
            self.mover.say("column-left-out", f"{some_of(lost)}: not shown, since {selector.table} has no such field here", None)
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
        table, options = self.chosen.table, self.mover.options
        known, homes = catalog.table(table), homes_of(table, self.family, options)
        if known is not None and not is_chosen(table, home, options) and (columns := untold(homes, known.all_told)):
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
        entity = name in self.mover.entities
        with self.mover.within(Place.BOTH if entity else Place.SHOWN):
            return self.value(expr, "entity" if entity else "value")

    def with_value_for_none(self, expr: Expr, moved: Expr, stored: Stored) -> Expr:
        """A value that events are grouped by, or counted, where those with one of its values may have no field."""
        if stored.hyphen and not self.leaves_out(expr, ""):
            self.mover.say("value-differs", f"{column_name(expr)} is a hyphen here where the table has none", expr.span)
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
        """A condition that does not ask for a value where another part of it asks for a certain one."""
        parts = conjuncts(predicate)
        certain = [p for p in parts if not any(isinstance(n, Apply) and n.function in ("isempty", "isnull") for n in walk(p))]

        def is_implied(part: Expr) -> bool:
            match part:
                case Apply(function="not", args=(Apply(function="isempty", args=(ColumnRef(column=column),)),)):
                    return any(rejects_missing(p, lambda c: c == column) for p in certain)
            return False

        return conjunction(*(p for p in parts if not is_implied(p)))

    def value(self, expr: Expr, what: str = "value") -> Expr:
        """A value over the fields of the home; ``what``: "entity" of one that identifies alerts and is only shown."""
        if self.mover.options.fields == "source":
            return expr
        return self.once(what, expr, self.moved_entity if what == "entity" else self.moved_value)

    def moved_entity(self, expr: Expr) -> Expr:
        """The same where there are fields of a home; where the target cannot compute it, it is made of what these hold in the event."""
        before = self.held
        self.held = True
        try:
            return self.moved_value(expr)
        finally:
            self.held = before

    def take_back(self, before: int) -> None:
        """Unsays what was said of a formula that is not written, but not that fields hold other values than what it is made of."""
        self.mover.said[before:] = [d for d in self.mover.said[before:] if self.held and d.code in OTHER_VALUES]

    def moved_value(self, expr: Expr) -> Expr:
        """The same where there are fields of a home."""
        before = len(self.mover.said)
        moved, counterpart = self.field(expr) if is_field(expr) else (self.moved(expr), None)
        found = simplify(self.stored_value(expr, moved, counterpart) if isinstance(counterpart, Stored) else moved)
        if self.mover.computes or is_field(found) or isinstance(found, Const) or not is_field(expr) or joined_fields(found):
            return found
        self.take_back(before)
        return expr

    def stored_value(self, expr: Expr, field: Expr, stored: Stored) -> Expr:
        """The value of a field as that of its column; what it holds otherwise is said."""
        name = column_name(expr)
        if why := held_otherwise(stored) or in_several_words(stored):
            self.note_other(expr, why)
        elif stored.form and self.held:  # what an alert is about can be read there
            self.mover.say("columns-differ", f"{name} is shown with other values of its field", expr.span)
        elif stored.form:
            self.note_other(expr, "it stands with other values in one field")
        shown = self.mover.place is Place.SHOWN
        value = field if shown else self.with_value_for_none(expr, field, stored)
        if shown and self.unescaped(field, stored) != field:
            self.mover.say("columns-differ", f"{name} has entities and quotes as the rendered event has them", expr.span)
        elif not shown:
            value = self.unescaped(value, stored)
        self.mover.read[value] = case = CaseOfColumn(name, stored.case)
        if stored.case:
            what = f"{name} is in {stored.case} case here: values that differ by case alone are one"
            self.mover.say("values-of-one-case", what, fact=case)
        return value

    def moved(self, expr: Expr) -> Expr:
        """A condition over the product's fields. What deviates is said at its place, turned around below ``not``."""
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
        values = (*selector.keys, *self.measured)
        for name, columns, first in shared_fields(selector.predicate, values, lambda column: self.looked_up(column)[1]):
            self.mover.say("value-differs", f"{' and '.join(columns)} are one field here, {name}", first.span, Place.BOTH)

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
            of = column_name(expr).lstrip("=")  # the mark of a product's own field in a formula
            self.mover.say("address-spelling", f"what is computed of {of} reads the address in its canonical spelling", expr.span)

    def atom(self, atom: Apply) -> Expr:
        """A condition or a function of a field."""
        atom = self._whatever_case(atom)
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
            self.take_back(before)
            return atom
        subject, counterpart = self.field(atom.args[0])
        if atom.function == "isempty" and isinstance(counterpart, Computed) and counterpart.file_of and isinstance(atom.args[0], ColumnRef):
            path = replace(atom.args[0], column=replace(atom.args[0].column, name=counterpart.file_of))
            return self.atom(replace(atom, args=(path,)))
        rest = tuple(self.moved(a) for a in operands)
        plain = Apply(atom.span, atom.type, atom.function, (subject, *rest))
        if isinstance(counterpart, Stored) and counterpart.scale:
            if atom.type == Type.BOOL:
                self._note_stored(atom, counterpart)
            found = scaled(plain, counterpart.scale)
            return found if self.mover.computes or found != plain else atom
        if isinstance(subject, Apply):
            return self._on_computed(atom, plain)
        if not isinstance(counterpart, Stored):
            return plain
        if atom.type != Type.BOOL or not all(isinstance(x, Const | Items) for x in operands):
            self.note_computed(atom.args[0], subject, counterpart, in_one_case=atom.function in ("tolower", "toupper", "strlen"))
            return replace(plain, args=(self.unescaped(subject, counterpart), *rest))
        named = (
            in_either_word(self.mover, atom, subject, counterpart) if counterpart.either and operands and constants(operands[0]) else None
        )
        if named is not None:
            return named
        self._note_stored(atom, counterpart)
        return self._compared(atom, plain, counterpart)

    def _whatever_case(self, atom: Apply) -> Apply:
        """A condition on a column that has in lower case what the product has as it is, as one that ignores case."""
        base = atom.args[0].base if isinstance(atom.args[0], Path) else atom.args[0]
        if atom.function not in CASE_PAIRS or not isinstance(base, ColumnRef):
            return atom
        counterpart, *_ = self.fields.counterpart(base.column, self.steps(atom.args[0]))
        if not isinstance(counterpart, Stored | Computed) or not counterpart.lowered:
            return atom
        values = constants(atom.args[1])
        if values is None or any(str(v) != str(v).lower() for v in values):
            what = f"{column_name(atom.args[0])}: the table has it in lower case alone, the product as it is"
            self.mover.say("value-differs", what, atom.span)
        return replace(atom, function=CASE_PAIRS[atom.function])

    def _on_computed(self, atom: Apply, plain: Apply) -> Expr:
        """A condition on what is computed of a field; ``plain`` is the same over the product's."""
        found = plain if atom.function in LISTS and self.family != "sigma" else on_path(plain, self.fields.separators)
        if found != plain and atom.function in LISTS:
            what = f"{column_name(atom.args[0])} is the end of a path here: leave paths out of the list"
            self.mover.say("list-names", what, atom.span)
        return found if self.mover.computes or found != plain else atom

    def _note_stored(self, atom: Apply, stored: Stored) -> None:
        """A word on a condition on a column that a field holds otherwise than the table."""
        name, asks_value = column_name(atom.args[0]), atom.function not in ("isempty", "isnull")
        only_missing = len(atom.args) > 1 and constants(atom.args[1]) == [stored.missing]
        if stored.deviates and asks_value and not only_missing:
            self.mover.say("value-differs", f"{name}: {stored.deviates}", atom.span)
        if stored.within:
            what = f"{name} is a part of what the field holds: {stored.within}"
            self.mover.say("value-within" if atom.function.removesuffix("_cs") in OF_PARTS else "value-differs", what, atom.span)
        if self.home is not None and self.home.rewrites_json:
            note_rewritten(self.mover, atom, stored)
        if stored.setting and asks_value:
            self.mover.say("input-setting", f"{name} needs {stored.setting}", atom.span)
        if stored.array and not stored.values and atom.function.removesuffix("_cs") in _OF_WHOLE:
            self.mover.say("array-element", f"{name} has several values, of which the KQL compares the text", atom.span)

    def _compared(self, atom: Apply, plain: Apply, stored: Stored) -> Expr:
        """A condition that compares a field with what is known, by the values that the field has; ``plain`` is by those of the table."""
        subject, has_operand = plain.args[0], len(plain.args) == 2
        if stored.differs:
            return self._by_its_own_name(atom, stored)
        if stored.parts and len(plain.args) > 1:
            plain = in_map(self.mover, plain)
        if stored.values and has_operand:
            found = by_value(self.mover, self.family, atom, subject, stored)
            return self._by_its_own_name(atom, stored) if found is atom else found
        if stored.form:
            return formed(self.mover, atom, subject, stored)
        if stored.case and has_operand:
            plain = in_one_case(self.mover, plain, stored)
        if stored.prefixes and has_operand:
            plain = prefixed(plain, stored)
        if self.is_escaped(stored) and has_operand:
            plain = with_quotes(plain) if stored.name == catalog.DATA_IN_XML else in_xml(plain, stored.name in catalog.FREE_TEXTS)
        if stored.longer and atom.function not in ("isempty", "isnull"):
            self.mover.say(_of_longer(atom.function), f"{column_name(atom.args[0])}: {stored.longer}", atom.span)
        if self.is_address(subject):
            note_address(self.mover, atom)
        found = typed(plain, subject) if self.family == "elastic" else plain
        if stored.hyphen:
            return with_hyphen(self.mover, found, atom, subject)
        if not stored.missing or self.is_told(atom.args[0], stored):
            return found
        return with_missing(self.mover, found, atom, subject, stored, self.is_filled(atom.args[0]))

    def _by_its_own_name(self, atom: Apply, stored: Stored) -> Expr:
        """A condition on the column for which a site has to bring a field; a word where the product has another field of that name."""
        name = column_name(atom.args[0])
        is_emptiness = name == stored.name and atom.function in ("isempty", "isnull")
        if not is_emptiness and self.home is not None and self.home.has_field(name):
            why = stored.differs or f"{stored.name} has other values, of which not all are known"
            self.mover.say("value-differs", f"the product has a field {name} of its own: {why}", atom.span)
        return atom


def _of_longer(function: str) -> str:
    """The code of an operator on a field that has more behind the value."""
    plain = function.removesuffix("_cs")
    if plain in (*EQUALITIES, "endswith"):
        return "value-longer"
    return "value-within" if plain in OF_PARTS | {"startswith"} else "value-differs"


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
