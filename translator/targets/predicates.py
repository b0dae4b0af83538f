"""Conditions in a target's words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from translator.detection.model import DAY
from translator.detection.windows import is_time
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import INGESTED, LIMITS, LISTS, MOMENTS, TEXT_SEARCHES, is_field
from translator.plan.expressions import FALSE, TRUE, Apply, Const, Expr, Items, items_of, negation
from translator.plan.functions.values import TICKS, finds_nothing_in_empty
from translator.plan.patterns import searched
from translator.plan.types import Type
from translator.regex.ascii import asciified
from translator.regex.parser import RegexError
from translator.targets.base import Cannot
from translator.targets.names import Names

Spelling = Callable[[str, tuple[Expr, ...], Apply], str]


WIDEST = 64
"""Members of a chain that stand side by side: parsers nest each in the one before (ES|QL takes 400 levels, EQL and Splunk fewer)."""


def balanced(parts: list[str], operator: str) -> str:
    """A chain of conditions, in groups where it is long, so that its tree is flat."""
    while len(parts) > WIDEST:
        parts = [f"({operator.join(parts[n : n + WIDEST])})" for n in range(0, len(parts), WIDEST)]
    return operator.join(parts)


def shared_of(every: Iterable[Collection[str]]) -> list[str]:
    """The conditions that all of some conjunctions have."""
    first, *others = every
    return [c for c in first if all(c in conditions for conditions in others)]


def either_of(every: Sequence[Sequence[str]]) -> str:
    """Any of some conjunctions, with what they share said once; empty where nothing is asked."""
    if not every:
        return ""
    shared = shared_of(every)
    rests = [[c for c in conditions if c not in shared] for conditions in every]
    if [] in rests:
        return balanced(shared, " AND ")
    texts = {balanced(rest, " AND "): len(rest) for rest in rests}
    either = " OR ".join(text if count == 1 else f"({text})" for text, count in texts.items())
    return balanced([*shared, f"({either})"], " AND ") if shared else either


@dataclass
class Predicates:
    """Renders predicates in normal form. A target gives its spelling of every atom and of missing fields.

    ``atoms`` map an operator to a function of the field's spelling and the other operands. ``missing`` spells "this field is
    absent". Negated atoms hold where the field is missing, since KQL's strings are never null: the guard is added here, once.
    """

    names: Names
    atoms: Mapping[str, Spelling]
    quote: Callable[[str], str]
    missing: str
    present: str
    empty: str
    not_empty: str
    true: str
    false: str
    and_: str = " AND "
    or_: str = " OR "
    not_: str = "NOT "
    equal_fields: Mapping[str, str] = field(default_factory=dict)
    """How two fields are compared, missing ones as empty texts, by operator."""
    element: str = "{0}"
    """How a condition on any of several values is spelled, around the condition on one."""
    number: str = "{0}"
    """How a number that is stored as a text is read."""
    untyped: str = "{0}"
    """How a value that may be a text is read as a number; a column of unknown type is a number where KQL compares it with one."""
    moments: Mapping[str, str] = field(default_factory=dict)
    """Parts of the time of an event in UTC, by the function of KQL: the hour of the day, and the days since Sunday."""
    limit: str = ""
    ingested: str = ""
    """How the time of an event is compared with that of so many seconds ago; empty where it cannot be."""
    as_text: str = "{0}"
    """How a value of another type is read as a text."""
    tells_missing: Callable[[Apply], bool] = lambda atom: False
    """Whether what is written of a condition says itself what holds of events without the field."""
    of_addresses: frozenset[str] = frozenset()
    """Operators that the target compares an address by as it is, with texts of addresses."""
    inside: Callable[[str, str], str] | None = None
    """How a place is read inside a text that is JSON, by the field with the text and its path."""
    classes: str = ""
    r"""The letters of ``\d``, ``\s`` and ``\w`` that the target's regular expressions write out as those of Unicode."""
    missing_differs_from_none: bool = False
    """Whether a missing field is unequal to no value, the empty one included: what compares it is not true."""
    finds_any: frozenset[str] = frozenset()
    """The operators that take several texts, of which any satisfies them."""
    computed: Callable[[Expr], str | None] = lambda expr: None
    """How a value that is no field is computed; None where the target cannot."""
    named: Callable[[str, str], str] = lambda words, hint: words
    """What a computed value is called where it has a name, by its words and what it might be called."""

    def spelled(self, expr: Expr) -> str:
        """A stored field, quoted, or the way to a value that the target has no field of.

        What is said of it is said of the events that have a value.
        """
        place = self.names.in_json(expr)
        return self.inside(*place) if place is not None and self.inside is not None else self.quote(self.names.field(expr))

    def tested(self, expr: Expr) -> str:
        """A stored field or object, of which is asked whether it is there."""
        place = self.names.in_json(expr, named=True)
        with self.names.within(Place.TURNED):
            return self.inside(*place) if place is not None and self.inside is not None else self.spelled(expr)

    def tested_text(self, expr: Expr) -> str:
        """The same as a text. That of an object is its JSON, since there is no field of its name."""
        in_json = self.inside is not None and self.names.in_json(expr, named=True) is not None
        return self.tested(expr) if in_json else self.text(expr)

    def render(self, predicate: Expr, nested: bool = False, known: frozenset[Expr] = frozenset()) -> str:
        """``predicate`` in the target's words, in parentheses where ``nested`` and needed; ``known`` fields are present."""
        if predicate == TRUE:
            return self.true
        if predicate == FALSE:
            return self.false
        if isinstance(predicate, Apply) and predicate.function == "and":
            text = balanced(self.parts(predicate.args, known), self.and_)
            return f"({text})" if nested else text
        if isinstance(predicate, Apply) and predicate.function == "or":
            alternatives = gathered(predicate.args, self.finds_any)
            if len(alternatives) == 1:
                return self.render(alternatives[0], nested, known)
            text = balanced([self.render(a, True, known) for a in alternatives], self.or_)
            return f"({text})" if nested else text
        if isinstance(predicate, Apply) and predicate.function == "not":
            with self.names.within(Place.TURNED):
                return self.negated(predicate.args[0], known)
        return self.atom(predicate)

    def parts(self, conjuncts: Iterable[Expr], known: frozenset[Expr] = frozenset()) -> list[str]:
        """The members of a conjunction. A field that one of them requires needs no guard in the others."""
        found = list(conjuncts)
        for part in found:
            match part:
                case Apply(function="not", args=(Apply(function="isempty" | "isnull", args=(present,)),)):
                    known = known | {present}
                case Apply(function="is_ipv4", args=(present,)):
                    known = known | {present}
        return [self.render(p, True, known) for p in gathered(found, self.finds_any, refused=True)]

    def negated(self, predicate: Expr, known: frozenset[Expr]) -> str:
        """A predicate under a ``not``, which in KQL holds of events that lack the field; ``known`` are fields that are there."""
        if isinstance(predicate, Apply) and predicate.function in ("isempty", "isnull"):
            subject = predicate.args[0]
            if predicate.function == "isempty" and not is_field(subject) and (value := self.computed(subject)) is not None:
                return self.not_empty.format(value)
            name = self.tested(subject)
            if predicate.function == "isnull" or self.names.never_empty(predicate.args[0]):
                return self.present.format(name)
            filled = self.not_empty.format(self.tested_text(subject))
            return filled if self.missing_differs_from_none else f"{self.present.format(name)}{self.and_}{filled}"
        if (compared := self.fields_compared(predicate)) is not None:
            return self.refused(f"({compared})")
        told = isinstance(predicate, Apply) and (takes_empty(predicate) or self.tells_missing(predicate))
        fields = [] if told else [self.spelled(a) for a in _fields(predicate) if a not in known]
        guards = [self.missing.format(f) for f in dict.fromkeys(fields)]
        text = self.or_.join([*guards, self.refused(self.atom(predicate))])
        return f"({text})" if guards else text

    def refused(self, text: str) -> str:
        """A negation."""
        return self.not_ + text

    def fields_compared(self, predicate: Expr) -> str | None:
        """A comparison of two fields that hold texts, true or false of every event; None where ``predicate`` is something else."""
        match predicate:
            case Apply(function=function, args=(left, right)) if function in self.equal_fields and is_field(left) and is_field(right):
                if {left.type, right.type} <= {Type.STRING, Type.UNKNOWN}:
                    return self.equal_fields[function].format(*(self.text(f) for f in (left, right)))
        return None

    def text(self, field_: Expr) -> str:
        """A stored field as a text."""
        name = self.spelled(field_)
        return name if self.names.is_text(field_) else self.as_text.format(name)

    def atom(self, predicate: Expr) -> str:
        """A single comparison of a field, or of what is computed of fields."""
        if (compared := self.fields_compared(predicate)) is not None:
            return compared
        if is_field(predicate):
            predicate = Apply(predicate.span, predicate.type, "==", (predicate, TRUE))
        if isinstance(predicate, Apply) and predicate.function in ("matches regex", "matches regex~"):
            tell_of_ascii(self.names, predicate, self.written_classes(predicate))
        if isinstance(predicate, Apply) and predicate.args and is_field(predicate.args[0]):
            asked = predicate.function in ("isempty", "isnull")
            with self.names.within(Place.TURNED if takes_empty(predicate) else Place.PLAIN):
                name = self.tested(predicate.args[0]) if asked else self.spelled(predicate.args[0])
            if predicate.function == "isempty" and self.names.never_empty(predicate.args[0]):
                return self.missing.format(name)
            if predicate.function == "isempty":
                return f"({self.missing.format(name)}{self.or_}{self.empty.format(self.tested_text(predicate.args[0]))})"
            if predicate.function == "isnull":
                return self.missing.format(name)
            spelling = self.atoms.get(predicate.function)
            untold = not self.names.stored(predicate.args[0]) and _has_text(predicate)
            as_text = predicate.function in _SEARCHES and not self.compares_addresses(predicate)
            if (as_text or untold) and not self.names.is_text(predicate.args[0]):
                name = self.as_text.format(name)
            if predicate.function in ("<", "<=", ">", ">="):
                name = self.number_of(predicate.args[0]).format(name)
            if spelling is not None and all(isinstance(a, Const | Items) for a in predicate.args[1:]):
                text = spelling(name, predicate.args[1:], predicate)
                subject = predicate.args[0]
                if self.names.is_multivalue(subject):
                    text = self.element.format(text)
                return f"({self.missing.format(name)}{self.or_}{text})" if takes_empty(predicate) else text
        if isinstance(predicate, Apply) and (moment := self.moment(predicate)) is not None:
            return moment
        if isinstance(predicate, Apply) and (found := self.of_computed(predicate)) is not None:
            return found
        match predicate:
            case Apply(function=limit, args=(Const(value=int(seconds)),)) if limit in LIMITS and self.limit:
                return self.limit.format(LIMITS[limit], seconds)
            case Apply(function=limit, args=(Const(value=int(seconds)),)) if limit in INGESTED and self.ingested:
                return self.ingested.format(INGESTED[limit], seconds)
        what = f"'{predicate.function}' of these operands" if isinstance(predicate, Apply) else "this condition"
        raise Cannot(Diagnostic("unsupported-expression", f"{what} is not supported here", predicate.span))

    def compares_addresses(self, predicate: Apply) -> bool:
        """Whether a condition is of an address that the target compares with texts as it is."""
        return predicate.function in self.of_addresses and self.names.stored(predicate.args[0]) == "ip"

    def written_classes(self, predicate: Apply) -> str:
        """The letters of the classes that are written out as those of Unicode."""
        return self.classes

    def number_of(self, expr: Expr) -> str:
        """How a stored field is read as a number."""
        stored = self.number if self.names.number_as_text(expr) else "{0}"
        return self.untyped if expr.type in (Type.STRING, Type.DYNAMIC) else stored

    def of_computed(self, predicate: Apply) -> str | None:
        """A condition on a computed text, which is empty where it has no value; None where the target cannot compute it."""
        spelling = self.atoms.get(predicate.function)
        if not predicate.args or not all(isinstance(a, Const | Items) for a in predicate.args[1:]):
            return None
        if (spelling is None and predicate.function != "isempty") or predicate.function in MOMENTS:
            return None
        value = self.computed(predicate.args[0])
        if value is None:
            return None
        return spelling(value, predicate.args[1:], predicate) if spelling is not None else self.empty.format(value)

    def moment(self, predicate: Apply) -> str | None:
        """A condition on the hour or the day of an event, which always has a time; None where it is something else."""
        match predicate:
            case Apply(function="==" | "<" | "<=" | ">" | ">=" | "in" as operator, args=(Apply(function=part, args=(time,)), operand)) if (
                part in self.moments and (is_time(time) or self.names.stored(time) in ("time", "date"))
            ):
                items = items_of(operand)
            case _:
                return None
        numbers = [_units(i, part) for i in items]
        if any(n is None for n in numbers):
            return None
        sign = "==" if operator == "in" else operator
        text = self.or_.join(f"{self.moments[part]} {sign} {n}" for n in numbers)
        return f"({text})" if len(numbers) > 1 else text


def gathered(parts: Iterable[Expr], finds_any: Container[str], refused: bool = False) -> list[Expr]:
    """Alternatives, of which those that find a text in one value are one that finds any; or what all are ``refused``.

    Args:
        finds_any: the functions that the target can say of several texts at once.
    """
    found: dict[tuple[str, Expr] | int, list[Expr]] = {}
    for number, part in enumerate(parts):
        match negation(part) if refused else part:
            case Apply(function=function, args=(subject, Const(value=str()))) if function in finds_any:
                found.setdefault((function, subject), []).append(part)
            case _:
                found[number] = [part]
    return [together[0] if len(together) == 1 else _any_of(together, refused) for together in found.values()]


def _any_of(parts: list[Expr], refused: bool) -> Expr:
    atoms = [a for part in parts if isinstance(a := negation(part) if refused else part, Apply)]
    texts = dict.fromkeys(a.args[1] for a in atoms)
    found = replace(atoms[0], args=(atoms[0].args[0], Items(None, Type.DYNAMIC, tuple(texts))))
    return negation(found) if refused else found


def _units(operand: Expr, part: str) -> int | None:
    """The hours or whole days that a literal stands for; None where it is none."""
    match operand:
        case Const(type=Type.INT | Type.LONG, value=int(number)) if part == "hourofday":
            return number
        case Const(type=Type.TIMESPAN, value=int(ticks)) if part == "dayofweek" and ticks % (DAY * TICKS) == 0:
            return ticks // (DAY * TICKS)
    return None


_SEARCHES = TEXT_SEARCHES | {"matches regex", "matches regex~", "=~", "in~", *LISTS}
"""Operators that are functions of text in every target."""


def _has_text(predicate: Apply) -> bool:
    """Whether a field is compared with a text."""
    items = [x for a in predicate.args[1:] for x in items_of(a)]
    return any(isinstance(x, Const) and isinstance(x.value, str) for x in items)


def tell_of_ascii(names: Names, predicate: Apply, written: str = "") -> None:
    """Says which classes of a regular expression hold ASCII characters alone in the output, but for those that are ``written`` out."""
    try:
        found = asciified(searched(predicate), written)
    except RegexError:
        return
    if found:
        more = frozenset().union(*found.values())
        place = Place.BOTH if len(more) > 1 else Place.TURNED if True in more else Place.PLAIN
        text = f"the output's regular expressions know {' and '.join(found)} of ASCII characters alone, KQL's of all Unicode"
        names.say("ascii-classes", text, predicate.span, place)


def takes_empty(predicate: Apply) -> bool:
    """Whether a missing field satisfies a regular expression, being the empty string."""
    regex = predicate.args[1] if predicate.function in ("matches regex", "matches regex~") else None
    try:
        return isinstance(regex, Const) and isinstance(regex.value, str) and not finds_nothing_in_empty(regex.value)
    except ValueError:
        return False


def _fields(predicate: Expr) -> list[Expr]:
    if is_field(predicate):
        return [predicate]
    return [a for a in predicate.args if is_field(a)] if isinstance(predicate, Apply) else []


def values(operand: Expr) -> list[str | int | float | bool]:
    """The constants of a literal or of a list of literals."""
    found: list[str | int | float | bool] = []
    for item in items_of(operand):
        if not isinstance(item, Const) or item.value is None or str(item.type) in ("datetime", "timespan"):
            raise Cannot(Diagnostic("unsupported-expression", "this list is not made of plain literals", operand.span))
        found.append(item.value)
    return found


def text_of(rest: tuple[Expr, ...], node: Apply) -> str:
    """The string that a text operator compares with."""
    (value,) = texts_of(rest, node)
    return value


def texts_of(rest: tuple[Expr, ...], node: Apply) -> list[str]:
    """The strings of which a text operator finds any; a whole number is its digits."""
    texts = [str(v) for v in values(rest[0]) if isinstance(v, str) or type(v) is int]
    if len(texts) < len(items_of(rest[0])):
        raise Cannot(Diagnostic("unsupported-expression", f"'{node.function}' needs a string here", node.span))
    return texts
