"""What a home has for the columns and places that a selector reads: a field, a formula over fields, or nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from translator import catalog
from translator.catalog import Computed, Counterpart, Home, Stored
from translator.catalog.site import Site
from translator.detection.model import Selector
from translator.fidelity import CaseOfColumn, Diagnostic, Notes, Place
from translator.plan.conditions import is_field
from translator.plan.expressions import (
    ELEMENT,
    FALSE,
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Path,
    Same,
    conjuncts,
    const,
    transform,
    walk,
)
from translator.plan.pins import constants
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.rulepack.model import Rule
from translator.targets.base import Options
from translator.targets.choice import folded, pins_among
from translator.targets.counterparts import Fields, at_place, column_number, is_value
from translator.targets.formulas import parsed
from translator.targets.names import (
    IN_DOCUMENT,
    IN_UNITS,
    ORIGINALS,
    PLAIN_TEXTS,
    SPLUNK_JSON,
    are_plain_keys,
    is_logical,
    names_elements,
    path_of,
    quoted_path,
)
from translator.targets.objects import is_plain
from translator.targets.paths import file_name


class DetectionMapping(Notes):
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
    predicate: Same[Expr],
    table: str,
    home: Same[Home | None],
    site: Same[Site],
    family: str,
    names: tuple[str, str],
    computes: bool,
    reads_json: bool,
) -> _Known:
    inventory = site.node.inventory.get(family, {})
    return _Known(Fields(home.node, family, pins_among(predicate, table), inventory, reads_json))


class FieldLookup(ABC):
    """The fields of one home, asked for one selector; the home is None where the product has none of its table."""

    def __init__(self, mover: DetectionMapping, selector: Selector, home: Home | None, measured: list[Expr]) -> None:
        self.mover, self.chosen, self.home, self.measured = mover, selector, home, measured
        self.family, options = mover.family, mover.options
        self.known = _known(
            Same(selector.predicate), selector.table, Same(home), Same(options.site), mover.family, (options.fields, options.prefer),
            mover.computes, mover.reads_json,
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

    @abstractmethod
    def moved(self, expr: Expr) -> Expr:
        """An expression over the columns of the table as one over the fields of the home."""

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
            case Stored() if self.fields.has("event.original" if counterpart.type in ORIGINALS else name):
                kind = self.inventory.get(name, counterpart.type) or "text"
                # Places of one column that are fields of their own are columns of their own: columns are told apart by their numbers.
                named = self.family == "splunk" and kind == "json" and not entire
                if isinstance(expr, Path) and rest and named and is_value(column, expr.steps):
                    kind, name, rest = "text", path_of(name, rest), ()
                number = column_number(column, name) if isinstance(expr, Path) else column.id
                several = counterpart.array or (self.family == "splunk" and name.endswith("{}"))
                line = not isinstance(expr, Path) and catalog.is_one_line(column.table or "", column.name)
                moved = replace(column, id=number, name=name, stored=kind, several=several, one_line=line)
                # Below a field of the product that is no JSON itself, a text holds it.
                in_text = bool(rest) and self.mover.reads_json and kind in PLAIN_TEXTS
                ref = ColumnRef(expr.span, Type.STRING if in_text else expr.type, moved)
                if counterpart.scale:
                    return Apply(expr.span, expr.type, IN_UNITS, (ref, const(counterpart.scale))), counterpart
                return (Path(expr.span, expr.type, ref, rest) if rest else ref), counterpart
            case Computed(file_of=path, alone=alone) if path:
                whole, _ = self.field(replace(base, column=replace(column, name=path)))
                return file_name(whole, alone), counterpart
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
            if names_elements(self.family, self.mover.options):
                return expr.steps
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
        if counterpart.setting:
            self.mover.say("input-setting", f"{column.name} needs {counterpart.setting}", expr.span)
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
        if steps and base.type == Type.STRING and (not base.column.stored or base.column.stored in PLAIN_TEXTS):
            return True
        in_document = self.family == "elastic" and base.column.stored in IN_DOCUMENT
        whole = in_document or not steps or any(isinstance(s, int) for s in steps)
        readable = are_plain_keys(steps, SPLUNK_JSON.brackets) if self.family == "splunk" else quoted_path(steps) is not None
        return self.in_json(base) and readable and (asked or (loose and whole))

    def is_text(self, expr: Expr) -> bool:
        """Whether a place is a field by a name that no taxonomy binds, with its text; elements that are asked one by one have none."""
        found, _ = self.looked_up(expr)
        base, steps = (found.base, found.steps) if isinstance(found, Path) else (found, ())
        if not isinstance(base, ColumnRef) or not is_logical(self.family, self.mover.options, base.column, steps):
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

    def is_address(self, field: Expr) -> bool:
        """Whether the product keeps a field as an address, not as its text."""
        return self.family == "elastic" and isinstance(field, ColumnRef) and field.column.stored == "ip"

    def lacks(self, expr: Expr) -> bool:
        """Whether a value reads a column that the home does not have; of a table without a home nothing is known."""
        return self.home is not None and any(isinstance(n, ColumnRef) and n.column.table and not n.column.stored for n in walk(expr))

    def leaves_out(self, field: Expr, value: str) -> bool:
        """Whether the selector asks for events that have another value in a field of the table, or that have none but others there."""
        if isinstance(field, ColumnRef) and folded(value) not in map(folded, self.pins.get(field.column.name, (value,))):
            return True

        def filled_in(node: Expr) -> Expr:
            return const(value) if node == field else node

        return any(simplify(transform(part, filled_in)) == FALSE for part in conjuncts(self.chosen.predicate) if field in walk(part))

    def is_told(self, field: Expr, stored: Stored) -> bool:
        """Whether the selector asks for events that have the field, also of those that have none for one of its values."""
        return self.leaves_out(field, "") and self.leaves_out(field, stored.missing)

    def is_filled(self, expr: Expr) -> bool:
        """Whether no event that the selector asks for leaves a column empty."""
        return isinstance(expr, ColumnRef) and catalog.is_filled(self.chosen.table, expr.column.name, self.pins)


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
