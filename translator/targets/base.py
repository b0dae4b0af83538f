"""What the targets share: names of fields, the rendering of predicates, and the result of a translation."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Protocol, runtime_checkable

from translator import catalog
from translator.detection.model import DAY, Detection, Selector, Side
from translator.detection.windows import TICKS, is_time
from translator.fidelity import Diagnostic, Verdict, verdict_of
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
    conjunction,
    conjuncts,
    const,
    transform,
    walk,
)
from translator.plan.operators import Plan
from translator.plan.simplify import LIMITS, LISTS, is_field, is_presence
from translator.plan.types import Type
from translator.rulepack.model import Rule


@dataclass(frozen=True, slots=True)
class Options:
    """``fields`` is ``target`` or ``source``; ``mapping`` gives field names by target, table and column; ``dialect`` is that of SQL.

    ``prefer`` is ``exact`` or ``portable``: whether Sigma keeps case and terms, or what every backend can say; ``pipelines`` are
    pySigma's processing pipelines for ``pysigma:NAME`` targets.
    """

    fields: str = "target"
    timespan: int = 86_400
    mapping: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    dialect: str = "duckdb"
    prefer: str = "exact"
    pipelines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """What one target got: query texts (one a file), the verdict, and why."""

    target: str
    texts: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    lane: str = "native"
    filters: str = ""
    """Sigma filters from the exclusions that the rule brings; they are no part of what the verdict is about."""
    lookback: int | None = None
    """Seconds that the search has to look back, where that is not its detection's."""

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.diagnostics) if self.texts else Verdict.NONE

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


class Target(Protocol):
    """Writes a detection in one language. ``name`` is what ``-t`` takes, ``extension`` the suffix of its files.

    ``tells_time`` says that its searches can ask how long ago an event was, so that each part of a detection may have a window of its own.
    """

    name: str
    extension: str
    tells_time: bool

    def translate(self, rule: Rule, detection: Detection, options: Options) -> Output: ...


@runtime_checkable
class PlanTarget(Protocol):
    """Writes any plan, detection or not."""

    name: str
    extension: str

    def translate_plan(self, rule: Rule, plan: Plan, options: Options) -> Output: ...


def translated(detection: Detection, write: Callable[[Detection], Output], spell: Callable[[Selector, Expr], object]) -> Output:
    """What ``write`` makes of ``detection``, or of as much of it as can be said where it cannot write the whole.

    ``spell`` writes one condition, or raises Cannot.
    """

    def accepts(selector: Selector, part: Expr) -> bool:
        try:
            spell(selector, part)
        except Cannot:
            return False
        return True

    output = write(detection)
    if not output.texts and (less := relaxed(detection, accepts)) is not None and (again := write(less)).texts:
        return again
    return output


def relaxed(detection: Detection, accepts: Callable[[Selector, Expr], bool]) -> Detection | None:
    """``detection`` without the conditions that a target cannot say, each of them said; None where too little would be left.

    Members of conjunctions go where that lets more events alert, whole alternatives where no member of theirs can be said and others
    remain: not on an absent side, not below a threshold that few events pass. Of each selector at least one condition stays that asks
    for more than that a field is there.
    """
    if detection.threshold is not None and not detection.threshold.grows:
        return None
    said: list[Diagnostic] = []
    sides, remaining = [], list[bool]()
    for side in detection.sides:
        if side.threshold is not None and not side.threshold.grows:
            return None
        selectors: list[Selector | None] = []
        for selector in side.selectors:
            parts = conjuncts(selector.predicate)
            kept = [p for p in parts if accepts(selector, p)]
            if len(kept) < len(parts):
                if side.absent:
                    return None
                if all(is_presence(p) for p in kept):
                    kept = []
                said += [_left_out(p, bool(kept)) for p in parts if p not in kept]
            selectors.append(replace(selector, predicate=conjunction(*kept)) if kept else None)
        if not any(selectors):
            return None
        sides.append(_only(side, selectors))
        remaining += [s is not None for s in selectors]
    if not said:
        return None
    threshold = detection.threshold
    if threshold is not None and threshold.fields:
        threshold = replace(threshold, fields=tuple(compress(threshold.fields, remaining)))
    return replace(detection, sides=tuple(sides), threshold=threshold, diagnostics=(*detection.diagnostics, *dict.fromkeys(said)))


def refuse_finer_counts(detection: Detection) -> None:
    """Raises Cannot where a side of a correlation counts by other fields than the correlation groups by: that takes two passes."""
    for side in detection.sides:
        if side.threshold is not None and any(set(g) != set(s.keys) for s, g in zip(side.selectors, side.grouping, strict=True)):
            raise Cannot(Diagnostic("target-cannot", "a join with a summary by more than the key is not supported here yet", None))


def sides_present(detection: Detection, flag: str, measure: str) -> list[str]:
    """A condition for each side, that its events are there, absent, or as many as it needs.

    ``flag`` tells it of a selector, whose name stands for ``{}``; ``measure`` of a side that counts, with operator and number.
    """
    found = []
    for side in detection.sides:
        if side.threshold is not None:
            found.append(measure.format(side.name, side.threshold.operator, side.threshold.count))
            continue
        text = " OR ".join(flag.format(s.name) for s in side.selectors)
        found.append(f"NOT ({text})" if side.absent else f"({text})" if " OR " in text else text)
    return found


def _left_out(part: Expr, others: bool) -> Diagnostic:
    if not others:
        return Diagnostic("alternative-dropped", "this alternative has no spelling here, and is left out", part.span)
    for node in walk(part):
        if isinstance(node, Apply) and node.function in LISTS and isinstance(node.args[1], Const):
            return Diagnostic("list-dropped", f"the list {node.args[1].value} has no spelling here, and is left out", part.span)
    return Diagnostic("condition-dropped", "this condition has no spelling here, and is left out", part.span)


def _only(side: Side, selectors: list[Selector | None]) -> Side:
    """``side`` with these selectors, and what it says of each of them; None stands for one that is left out."""
    remaining = [s is not None for s in selectors]
    threshold = side.threshold
    if threshold is not None and threshold.fields:
        threshold = replace(threshold, fields=tuple(compress(threshold.fields, remaining)))
    return replace(
        side,
        selectors=tuple(s for s in selectors if s is not None),
        threshold=threshold,
        grouping=tuple(compress(side.grouping, remaining)),
    )


def shown_columns(selector: Selector, entities: Container[str] = ()) -> list[tuple[str, Expr]]:
    """The columns that an analyst looks at: those that the query chooses; of a whole table those of its conditions and the ``entities``."""
    columns = catalog.schemas().get(selector.table, {})
    if not columns or not {n for n, _ in selector.outputs} >= set(columns):
        return list(selector.outputs)
    asked = {n for n in walk(selector.predicate) if is_field(n)}

    def identifies(name: str, x: Expr) -> bool:
        known = not isinstance(x, ColumnRef) or x.column.name in columns
        return known and (name in entities or name.endswith("CustomEntity"))

    return [(name, x) for name, x in selector.outputs if x in asked or identifies(name, x)]


class Cannot(Exception):
    """The target has no spelling for this: the output is refused, with this diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass
class Names:
    """Field names of one target, and what there is to say about them."""

    target: str
    options: Options
    said: list[Diagnostic] = field(default_factory=list)
    unmapped: dict[str, list[str]] = field(default_factory=dict)

    def say(self, code: str, message: str, span: tuple[int, int] | None = None) -> None:
        diagnostic = Diagnostic(code, message, span)
        if diagnostic not in self.said:
            self.said.append(diagnostic)

    def table(self, name: str) -> catalog.Target | None:
        """Where the target keeps a table, None where it is searched under its own name."""
        if self.options.fields == "source":
            return None
        known = catalog.tables().get(name)
        found = known.targets.get(self.target) if known else None
        if found is None or not found.selects:
            self.say("unmapped-table", f"no place in {self.target} is known for {name}: it is searched under that name")
            return None
        return found

    def field(self, expr: Expr) -> str:
        """The target's name of a stored field, parts joined by dots."""
        match expr:
            case ColumnRef(column=column) if is_field(expr):
                steps: tuple[str | int, ...] = ()
            case Path(base=ColumnRef(column=column), steps=steps) if is_field(expr):
                pass
            case _:
                raise Cannot(Diagnostic("unsupported-expression", "this computed value cannot be searched for", expr.span))
        name = column.name
        if steps and column.type == Type.STRING:
            # Sigma's fields are logical: what they are called where the logs are is the pipeline's business.
            code = "json-field" if self.target == "sigma" and self.options.fields != "source" else "json-in-string"
            self.say(code, f"{name} is a string that holds JSON, and is read as if its parts were fields", expr.span)
        if self.target == "elastic" and ELEMENT in steps:
            self.say("array-element", f"{name} is an array, whose elements EQL and ES|QL do not compare one by one", expr.span)
        if self.options.fields != "source":
            if self.target != "sigma" and any(isinstance(step, int) for step in steps):
                self.say("array-element", f"{name} is an array of which the KQL reads one element", expr.span)
            own = self.options.mapping.get(self.target, {}).get(column.table or "", {})
            known = catalog.tables().get(column.table or "")
            fields = known.targets[self.target].fields if known else {}
            if name in own:
                name = own[name]
            elif name in fields:
                name = fields[name]
            elif known is not None and self.target != "sigma":
                listed = self.unmapped.setdefault(column.table or "", [])
                if name not in listed:
                    listed.append(name)
        if ELEMENT in steps and self.target == "splunk" and self.options.fields != "source":
            return ".".join([name, *(str(s) for s in steps)]).replace(".[]", "{}")
        return ".".join([name, *(str(s) for s in steps if s != ELEMENT)])

    def as_stored(self, atom: Apply) -> Apply:
        """A comparison with numbers as one with texts, where the target stores these numbers as texts."""
        if not self.number_as_text(atom.args[0]) or atom.function not in ("==", "in"):
            return atom
        return Apply(atom.span, atom.type, atom.function, (atom.args[0], *(transform(a, _as_text) for a in atom.args[1:])))

    def number_as_text(self, expr: Expr) -> bool:
        """Whether ``expr`` is a number that the target stores as a text."""
        if not isinstance(expr, ColumnRef) or self.options.fields == "source":
            return False
        column = expr.column
        known = catalog.tables().get(column.table or "")
        own = self.options.mapping.get(self.target, {}).get(column.table or "", {})
        return (
            known is not None
            and column.name not in own
            and self.target in known.targets
            and column.name in known.targets[self.target].texts
        )

    def never_empty(self, expr: Expr) -> bool:
        """Whether the target's field has a type without an empty value, as Elastic's ``ip`` has none."""
        return self.target == "elastic" and self.field(expr).endswith(".ip")

    def showable(self, expr: Expr) -> bool:
        """Whether a column that only informs can be read as a field: an element of an array cannot under a product's own names."""
        return not (self.options.fields != "source" and isinstance(expr, Path) and any(isinstance(x, int) for x in expr.steps))

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        notes = [
            Diagnostic("unmapped-field", f"no {self.target} name is known for {table}: {', '.join(names)}")
            for table, names in sorted(self.unmapped.items())
        ]
        return (*self.said, *notes)


def _as_text(node: Expr) -> Expr:
    return const(str(node.value)) if isinstance(node, Const) and isinstance(node.value, int) else node


Spelling = Callable[[str, tuple[Expr, ...], Apply], str]


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
    """How the time of an event is compared with that of so many seconds ago; empty where it cannot be."""

    def render(self, predicate: Expr, nested: bool = False, known: frozenset[Expr] = frozenset()) -> str:
        """``predicate`` in the target's words, in parentheses where ``nested`` and needed; ``known`` fields are present."""
        if predicate == TRUE:
            return self.true
        if predicate == FALSE:
            return self.false
        if isinstance(predicate, Apply) and predicate.function == "and":
            text = self.and_.join(self.parts(predicate.args, known))
            return f"({text})" if nested else text
        if isinstance(predicate, Apply) and predicate.function == "or":
            text = self.or_.join(self.render(a, True, known) for a in predicate.args)
            return f"({text})" if nested else text
        if isinstance(predicate, Apply) and predicate.function == "not":
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
        return [self.render(p, True, known) for p in found]

    def negated(self, predicate: Expr, known: frozenset[Expr]) -> str:
        if isinstance(predicate, Apply) and predicate.function in ("isempty", "isnull"):
            name = self.quote(self.names.field(predicate.args[0]))
            if predicate.function == "isnull" or self.names.never_empty(predicate.args[0]):
                return self.present.format(name)
            return f"{self.present.format(name)}{self.and_}{self.not_empty.format(name)}"
        if (compared := self.fields_compared(predicate)) is not None:
            return f"{self.not_}({compared})"
        holds_of_empty = isinstance(predicate, Apply) and takes_empty(predicate)
        fields = [] if holds_of_empty else [self.quote(self.names.field(a)) for a in _fields(predicate) if a not in known]
        guards = [self.missing.format(f) for f in dict.fromkeys(fields)]
        text = self.or_.join([*guards, self.not_ + self.atom(predicate)])
        return f"({text})" if guards else text

    def fields_compared(self, predicate: Expr) -> str | None:
        """A comparison of two fields that hold texts, true or false of every event; None where ``predicate`` is something else."""
        match predicate:
            case Apply(function=function, args=(left, right)) if function in self.equal_fields and is_field(left) and is_field(right):
                if {left.type, right.type} <= {Type.STRING, Type.UNKNOWN}:
                    return self.equal_fields[function].format(*(self.quote(self.names.field(f)) for f in (left, right)))
        return None

    def atom(self, predicate: Expr) -> str:
        if (compared := self.fields_compared(predicate)) is not None:
            return compared
        if is_field(predicate):
            predicate = Apply(predicate.span, predicate.type, "==", (predicate, TRUE))
        if isinstance(predicate, Apply) and predicate.args and is_field(predicate.args[0]):
            name = self.quote(self.names.field(predicate.args[0]))
            if predicate.function == "isempty" and self.names.never_empty(predicate.args[0]):
                return self.missing.format(name)
            if predicate.function == "isempty":
                return f"({self.missing.format(name)}{self.or_}{self.empty.format(name)})"
            if predicate.function == "isnull":
                return self.missing.format(name)
            spelling = self.atoms.get(predicate.function)
            predicate = self.names.as_stored(predicate)
            if predicate.function in ("<", "<=", ">", ">="):
                stored = self.number if self.names.number_as_text(predicate.args[0]) else "{0}"
                name = (self.untyped if predicate.args[0].type in (Type.STRING, Type.DYNAMIC) else stored).format(name)
            if spelling is not None and all(isinstance(a, Const | Items) for a in predicate.args[1:]):
                text = spelling(name, predicate.args[1:], predicate)
                subject = predicate.args[0]
                if isinstance(subject, Path) and ELEMENT in subject.steps:
                    text = self.element.format(text)
                return f"({self.missing.format(name)}{self.or_}{text})" if takes_empty(predicate) else text
        if isinstance(predicate, Apply) and (moment := self.moment(predicate)) is not None:
            return moment
        match predicate:
            case Apply(function=limit, args=(Const(value=int(seconds)),)) if limit in LIMITS and self.limit:
                return self.limit.format(LIMITS[limit], seconds)
        what = f"'{predicate.function}'" if isinstance(predicate, Apply) else "this condition"
        raise Cannot(Diagnostic("unsupported-expression", f"{what} on these operands is not supported here", predicate.span))

    def moment(self, predicate: Apply) -> str | None:
        """A condition on the hour or the day of an event, which always has a time; None where it is something else."""
        match predicate:
            case Apply(function="==" | "<" | "<=" | ">" | ">=" | "in" as operator, args=(Apply(function=part, args=(time,)), operand)) if (
                part in self.moments and is_time(time)
            ):
                items = operand.items if isinstance(operand, Items) else (operand,)
            case _:
                return None
        numbers = [_units(i, part) for i in items]
        if any(n is None for n in numbers):
            return None
        sign = "==" if operator == "in" else operator
        text = self.or_.join(f"{self.moments[part]} {sign} {n}" for n in numbers)
        return f"({text})" if len(numbers) > 1 else text


def _units(operand: Expr, part: str) -> int | None:
    """The hours or whole days that a literal stands for; None where it is none."""
    match operand:
        case Const(type=Type.INT | Type.LONG, value=int(number)) if part == "hourofday":
            return number
        case Const(type=Type.TIMESPAN, value=int(ticks)) if part == "dayofweek" and ticks % (DAY * TICKS) == 0:
            return ticks // (DAY * TICKS)
    return None


def takes_empty(predicate: Apply) -> bool:
    """Whether a missing field satisfies a regular expression, being the empty string."""
    pattern = predicate.args[1] if predicate.function in ("matches regex", "matches regex~") else None
    try:
        return isinstance(pattern, Const) and isinstance(pattern.value, str) and re.search(pattern.value, "") is not None
    except re.error:
        return False


def _fields(predicate: Expr) -> list[Expr]:
    if is_field(predicate):
        return [predicate]
    return [a for a in predicate.args if is_field(a)] if isinstance(predicate, Apply) else []


def values(operand: Expr) -> list[str | int | float | bool]:
    """The constants of a literal or of a list of literals."""
    found: list[str | int | float | bool] = []
    for item in operand.items if isinstance(operand, Items) else (operand,):
        if not isinstance(item, Const) or item.value is None or str(item.type) in ("datetime", "timespan"):
            raise Cannot(Diagnostic("unsupported-expression", "this list is not made of plain literals", operand.span))
        found.append(item.value)
    return found


def text_of(rest: tuple[Expr, ...], node: Apply) -> str:
    """The string that a text operator compares with."""
    value = values(rest[0])[0]
    if not isinstance(value, str):
        raise Cannot(Diagnostic("unsupported-expression", f"'{node.function}' needs a string here", node.span))
    return value


@dataclass
class Lists:
    """Lists that an output looks up, each with the field that holds whether a value is in it. A placeholder's name is the list's."""

    names: Names
    found: dict[tuple[str, str, bool], str] = field(default_factory=dict)

    def spelling(self, caseless: bool, present: str) -> Spelling:
        """How an operator on a list is spelt: that the field of the looked up value is there."""

        how = ", in lower case," if caseless else ""
        return lambda name, rest, node: present.format(self.looked_up((text_of(rest, node), name, caseless), how, node))

    def within(self, present: str) -> Spelling:
        """How it is spelt that any value of a list is part of a text: by a lookup that knows wildcards and no case."""
        how = ", with WILDCARD(value), without case, and with * around each value,"
        return lambda name, rest, node: present.format(self.looked_up((f"{text_of(rest, node)}_within", name, False), how, node))

    def looked_up(self, key: tuple[str, str, bool], how: str, node: Apply) -> str:
        if key not in self.found:
            self.found[key] = f"listed_{len(self.found) + 1}"
            self.names.say("list-lookup", f"the list {key[0]} is looked up{how} in the product", node.span)
        return self.found[key]


def duration(seconds: int) -> str:
    """``1d``, ``90m``: the largest unit that divides the seconds."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0 and seconds:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
