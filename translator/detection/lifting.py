"""What the idioms share while a plan is lifted: what was said, the windows, and the conditions on the events of a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias, cast

from translator.detection.approximations import approximated, is_custom_text
from translator.detection.event_data import SAID_OF_DATA, by_position, named_element
from translator.detection.model import Detection, History, Selector, Side, Threshold, counts_missing
from translator.detection.naming import is_of_history
from translator.detection.overlaps import repeated
from translator.detection.placeholders import in_one_case, placeholder
from translator.detection.shapes import Branch, Events, Shape, foreign
from translator.detection.windows import SEARCH, back_of, human, is_given, is_of_days, limits_of, limits_of_ingestion, window_of
from translator.fidelity import CODES, Notes, Place, Verdict, direction_of
from translator.plan import operators as o
from translator.plan.expressions import (
    ELEMENT,
    FALSE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Path,
    Span,
    and_also,
    columns_of,
    conjunction,
    conjuncts,
    negated_in,
    negation,
    substitute,
    transform,
    walk,
)
from translator.plan.monotonicity import Above
from translator.plan.pins import Pins, pins_of
from translator.plan.simplify import LISTS, address_test, fields_of, is_field, is_presence, is_present, pushed, simplify
from translator.plan.types import Type

FieldTest: TypeAlias = Callable[[str, str], bool]
FilledTest: TypeAlias = Callable[[str, str, Pins], bool]
"""Whether a table's field holds IP addresses."""


class Blocked(Exception):
    """What was said last stands in the way of a detection."""


class Lifting(Notes, ABC):
    """A plan on its way to a detection.

    ``lists_indicators`` takes tables of indicators for lists, ``ventures`` a row and the one beside it for two sides, and an outer join
    that a condition decides for one with partners or without, and ``ventured`` says that this was done. ``timed`` keeps the window of each
    part as conditions on the time of its events. ``above`` are the relations that read the one
    that is lifted, ``windows`` are those stated so far in seconds, ``listed`` the ids of the columns that lists brought in, ``lists`` what
    each name of a list was given to, ``order`` is that of the last ``sort``, and ``rows`` are the ids of the columns that number the rows
    that ``mv-apply`` expands.
    """

    def __init__(
        self,
        plan: o.Plan,
        period: int | None,
        default: int,
        is_address: FieldTest,
        is_filled: FilledTest,
        lists_indicators: bool = True,
        ventures: bool = True,
        timed: bool = False,
    ) -> None:
        super().__init__()
        self.lists_indicators, self.ventures, self.timed = lists_indicators, ventures, timed
        self.ventured = False
        self.listed: set[int] = set()
        self.lists: dict[str, list[object]] = {}
        self.plan, self.period, self.default = plan, period, default
        self.is_address, self.is_filled = is_address, is_filled
        self.above: tuple[Above, ...] = ()
        self.windows: list[int] = []
        self.bin: int | None = None
        self.expanded: dict[int, list[Expr]] = {}
        self.order: tuple[o.Ordering, ...] = ()
        self.rows: set[int] = set()
        self.histories: list[History] = []

    @abstractmethod
    def shape(self, relation: o.Relation) -> Shape:
        """What ``relation`` comes to. Raises Blocked."""

    @abstractmethod
    def filtered(self, shape: Shape, predicate: Expr, span: Span | None) -> Shape:
        """``shape`` where ``predicate`` holds. Raises Blocked."""

    @abstractmethod
    def as_events(self, shape: Shape, what: str, span: Span | None) -> Events:
        """``shape`` as plain events; ``what`` is done with it, for the reason where it is none. Raises Blocked."""

    @abstractmethod
    def detection(self, shape: Shape) -> Detection:
        """The detection that ``shape`` is. Raises Blocked."""

    @contextmanager
    def below(self, relation: o.Relation, place: Place | None = None) -> Iterator[None]:
        """The walk in what ``relation`` reads, at a ``place`` of its own where it is another."""
        above, outer = self.above, self.place
        self.above, self.place = (*above, (relation, outer)), place or outer
        try:
            yield
        finally:
            self.above, self.place = above, outer

    def broadens(self, code: str) -> bool:
        """Whether what ``code`` says lets more alert here: what has no form may be left out, or stand in a weaker one."""
        return direction_of(CODES[code].effect, self.place) is Verdict.BROADER

    def list_name(self, name: str, values: object) -> str:
        """A name for a list of these ``values``: lists that differ are told apart by a number."""
        known = self.lists.setdefault(name, [])
        if values not in known:
            known.append(values)
        number = known.index(values) + 1
        return name if number == 1 else f"{name}_{number}"

    def block(self, code: str, message: str, span: Span | None) -> Blocked:
        self.say(code, message, span)
        return Blocked()

    def constrain(self, branch: Branch, predicate: Expr) -> None:
        """Adds ``predicate`` to a branch, taking out what only restricts the time."""
        value = simplify(substitute(predicate, branch.env))
        if (named := by_position(branch, value)) != value:
            self.say("event-data-columns", SAID_OF_DATA, predicate.span)
            value = simplify(named)
        for name, case in in_one_case(value) if self.lists else ():
            self.say("list-case", f"leave out of %{name}% what is not in {case} case: the query never finds it", predicate.span)
        value = transform(value, placeholder)
        if (joined := foreign(value, branch)) is not None:
            what = f"this condition reads {joined}, a column that the join only adds"
            if not self.broadens("condition-dropped") or not narrows(branch.predicate):
                raise self.block("unsupported-join", what, predicate.span)
            self.say("condition-dropped", f"{what}, and is left out", predicate.span)
            return
        added = list[Expr]()
        for part in conjuncts(pushed(value)):
            if (filled := named_element(branch, part)) is not None:
                self.say("event-data-columns", SAID_OF_DATA, predicate.span)
                branch.predicate = and_also(branch.predicate, filled)
                continue
            part = self.approximation(part)
            window = window_of(part)
            if window is not None and (arrival := limits_of_ingestion(part, window)) is not None:
                added.append(arrival)
                continue
            if window is not None:
                branch.windows.append(window)
                given = is_given(part)
                if given:
                    self.say("window-of-search", "the query looks at the time that a hunting search is given", part.span)
                if is_of_days(part):
                    self.say("window-of-days", "the window of the query goes by whole days, that of the output by its run", part.span)
                self.windows.append(back_of(window, (self.period or self.default) if given else None))
                if window[1] != 0 and window[0] != SEARCH and not self.timed:
                    what = "before the time of the search" if given else f"of at least {human(window[1])} ago"
                    self.say("window-shifted", f"the query looks at events {what} only", part.span)
                if self.timed:
                    limits = limits_of(part, window)
                    if limits is None:
                        raise self.block("unsupported-detection", "this window is not known to the second", part.span)
                    added.append(limits)
                continue
            part = self.address(part)
            self.note_elements(branch, part)
            if part == FALSE:
                self.say("false-predicate", "this condition is never true", predicate.span)
            added.append(part)
        branch.predicate = and_also(branch.predicate, conjunction(*added))

    def approximation(self, part: Expr) -> Expr:
        """``part``, or where more may alert what stands for it on fields."""
        return approximated(part, self.say) if self.broadens("condition-dropped") else part

    def address(self, part: Expr) -> Expr:
        """Tests of addresses as one operator. Of what is no address KQL's tests are null, and so are their negations."""

        def change(node: Expr) -> Expr:
            match node:
                case Apply(function="==", args=(Apply() as test, Const(value=bool(wanted)))) if address_test(test) is not test:
                    return address_test(test) if wanted else refused(test)
                case Apply(function="==", args=(Apply() as test, Const(value=str(wanted)))) if address_test(test) is not test:
                    if wanted.lower() not in ("true", "false"):
                        return node
                    return address_test(test) if wanted.lower() == "true" else refused(test)
                case Apply(function="not", args=(Apply() as test,)) if address_test(test) is not test:
                    return refused(test)
                case Apply(function="and" | "or", args=args):
                    return Apply(node.span, node.type, node.function, tuple(change(a) for a in args))
                case _:
                    return address_test(node)

        def refused(test: Expr) -> Expr:
            found = address_test(test)
            assert isinstance(found, Apply)
            return conjunction(Apply(test.span, Type.BOOL, "is_ipv4", found.args[:1]), negation(found))

        found = change(part)
        if found != part and not all(
            self.is_address(f.column.table or "", f.column.name) for f in fields_of(part) if isinstance(f, ColumnRef)
        ):
            self.say("address-alone", "the KQL also takes addresses with a prefix, as in 10.0.0.1/24, or with spaces around", part.span)
        return found

    def note_elements(self, branch: Branch, part: Expr) -> None:
        """What conditions on the elements of an array mean where these are not rows of their own."""
        bases = {n.base: n.steps[: n.steps.index(ELEMENT) + 1] for n in walk(part) if isinstance(n, Path) and ELEMENT in n.steps}
        if not bases:
            return
        if any(isinstance(n, Apply) and n.function == "not" and not is_presence(n) for n in walk(part)) or any(
            isinstance(n, Apply) and n.function in ("isempty", "isnull") for n in walk(part) if not _inside_presence(n, part)
        ):
            self.say("element-negated", "the KQL asks for one element that differs, the output for none that is equal", part.span)
        known = self.expanded.setdefault(id(branch), [])
        if any(b in known for b in bases):
            self.say("elements-apart", "the KQL wants these conditions to hold for one element of the array, the output for any", part.span)
        known.extend(bases)

    def note_types(self, selector: Selector, place: Place) -> None:
        """What the equality of two fields of unknown types takes for granted. The negation excludes events without both in any case."""
        negated = negated_in(selector.predicate)
        for node in walk(selector.predicate):
            match node:
                case Apply(function="==", args=(left, right)) if is_field(left) and is_field(right) and id(node) not in negated:
                    untyped = left.type == right.type == Type.UNKNOWN and not (is_custom_text(left) and is_custom_text(right))
                    if untyped and not any(is_present(f, selector.predicate) for f in (left, right)):
                        self.say("type-assumed", "events without both fields satisfy this only if the fields are texts", node.span, place)

    def has_always(self, key: Expr, predicate: Expr) -> bool:
        """Whether each event that ``predicate`` selects has the key, by what it asks or by what its table says."""
        filled = isinstance(key, ColumnRef) and self.is_filled(key.column.table or "", key.column.name, pins_of(predicate))
        return filled or is_present(key, predicate)

    def reads_list(self, shape: Shape, predicate: Expr) -> bool:
        """Whether a predicate reads columns that a list brought in."""
        if not self.listed:
            return False
        env = shape.branches[0].env if isinstance(shape, Events) and shape.branches else getattr(shape, "env", {})
        return any(c.id in self.listed for c in columns_of(substitute(predicate, env)))

    def finish(
        self, kind: str, sides: tuple[Side, ...], keys: tuple[str, ...], guaranteed: tuple[bool, ...], threshold: Threshold | None,
        within: int | None = None,
    ) -> Detection:  # fmt: skip
        """The detection, with what is said of its thresholds and its window; ``within`` is how far apart its events may be, in seconds."""
        thresholds = [t for t in (threshold, *(s.threshold for s in sides)) if t is not None]
        if any(t.percentile is not None for t in thresholds):
            self.say("percentile-method", "the KQL estimates the percentile, products interpolate it in ways of their own", None)
        for side in sides:
            counted = side.threshold or threshold
            if (kind == "event" or counted is not None) and (said := repeated(side, counted)) is not None:
                self.say(*said, None, Place.PLAIN if counted is None else counted.measured)
            for selector in side.selectors:
                self.note_types(selector, side.place(threshold, bool(keys or self.bin)))
                self.note_empty_listed(selector, side.place(threshold, bool(keys or self.bin)))
        found = Detection(kind, sides, keys, guaranteed, threshold, 0, self.bin, (), within, histories=tuple(self.histories))
        timespan, lookback = self.timespans(found)
        return replace(found, timespan=timespan, lookback=lookback, diagnostics=tuple(self.said))

    def note_empty_listed(self, selector: Selector, place: Place) -> None:
        """Says that events without a value are never among what was seen before, as the empty text may be in KQL."""
        if not any(map(is_of_history, self.lists)):
            return
        parts = list(conjuncts(selector.predicate))
        for part in parts:
            negated = negated_in(part)
            for node in walk(part):
                if not (isinstance(node, Apply) and node.function in LISTS and is_of_history(str(cast(Const, node.args[1]).value))):
                    continue
                beside = conjunction(*(p for p in parts if p is not part))
                if any(not counts_missing(f) or self.has_always(f, beside) for f in fields_of(node.args[0])):
                    continue
                what = "events without the value are not found in the list, as they are in the earlier window of the query"
                self.say("empty-listed", what, node.span, (Place.TURNED if id(node) in negated else Place.PLAIN).below(place))

    def timespans(self, detection: Detection) -> tuple[int, int]:
        """The window of the correlation, and how far its events may lie back."""
        kind, sides, within = detection.kind, detection.sides, detection.within
        windows = [w for w in self.windows if w]
        dated = all(s.dated for side in sides for s in side.selectors)
        if windows and self.period and not dated:
            windows.append(self.period)  # what the query does not limit is limited by the rule
        lookback = min(max(windows), self.period or max(windows)) if windows else self.period or self.default
        if self.timed:
            if not dated and self.period is None:
                raise self.block("unsupported-detection", "how far a part of the query looks back is not known", None)
            said = f"the search itself limits the time of each part: run it over {human(self.period or lookback)}"
            self.say("window-in-search", said, None)
        if within is not None:
            return within, lookback
        if self.bin and kind != "event":
            return self.bin, max(self.bin, lookback)
        if len(set(windows)) > 1 and not self.timed:
            lengths = ", ".join(map(human, sorted(set(windows))))
            self.say("window-widened", f"windows of {lengths} become one of {human(lookback)}", None, detection.place)
        if not windows and not self.period and kind != "event":
            self.say("window-assumed", f"neither the query nor the rule states a time window: {human(lookback)} is assumed", None)
        return lookback, lookback


def narrows(predicate: Expr) -> bool:
    """Whether a predicate asks for more than that fields are there: enough to stand without a further condition."""
    return not all(is_presence(p) for p in conjuncts(predicate))


def _inside_presence(node: Expr, whole: Expr) -> bool:
    return any(is_presence(n) and isinstance(n, Apply) and n.args[0] == node for n in walk(whole))
