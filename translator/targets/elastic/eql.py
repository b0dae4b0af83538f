"""Elastic EQL.

Facts (elastic.co/docs/reference/query-languages/eql/eql-syntax): ``==`` and ``in`` keep case, ``:`` and functions with ``~`` do not;
a comparison with a missing field holds for no event, and its ``not`` for each that lacks the field; ``sample by`` joins events without
order. Both drop events that lack a key, unless it is optional (``by ?field``): then those that lack it are joined with each other
(github.com/elastic/elasticsearch, pull 79677; for samples AggregatedQueryRequest.java).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterator
from dataclasses import replace

from translator.detection.model import Detection, Selector, Side
from translator.detection.overlaps import may_overlap
from translator.detection.shapes import by_name
from translator.detection.windows import moments_of
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import CASE_PAIRS, LIMITS, LISTS, is_field, is_present
from translator.plan.expressions import TRUE, Apply, ColumnRef, Const, Expr, Items, Span, conjunction, conjuncts, const, negation, transform
from translator.plan.patterns import searched
from translator.plan.types import Type
from translator.regex.lucene import Case, escape
from translator.regex.parser import RegexError
from translator.regex.syntax import Alternation, Node
from translator.regex.terms import BOUND, around
from translator.rulepack.model import Rule
from translator.targets.base import Cannot, Options, Output
from translator.targets.elastic import KEEPS, LONGEST_PATTERN, UNREADABLE, among_listed, dataset, field, literal, lucene_text, string
from translator.targets.homes import Placed
from translator.targets.names import Names
from translator.targets.predicates import Predicates, text_of, values
from translator.targets.protocols import Target
from translator.targets.relaxation import translated

MAX_QUERIES = 16
"""How many queries one rule may need: the alternatives of all sides multiplied."""


def _call(name: str):  # type: ignore[no-untyped-def]
    return lambda f, rest, node: f"{name}({f}, {string(text_of(rest, node))})"


def _regex(operator: str):  # type: ignore[no-untyped-def]
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        try:
            found = _patterns(searched(node), node, "ignored" if operator.endswith("~") else "kept")
        except RegexError as error:
            raise Cannot(Diagnostic("target-cannot", f"this is no regular expression: {error}", node.span)) from None
        text = " or ".join(f"{f} {operator} {string(pattern)}" for pattern in found)
        return f"({text})" if len(found) > 1 else text

    return spell


def _patterns(tree: Node, node: Apply, case: Case) -> list[str]:
    """Patterns of which a value matches any where the expression finds something: one, or several where it is too much for one."""
    try:
        pattern = lucene_text(tree, node, case)
        if len(pattern) <= LONGEST_PATTERN:
            return [pattern]
        refused = Cannot(Diagnostic("target-cannot", f"Elasticsearch refuses patterns of over {LONGEST_PATTERN} characters", node.span))
    except Cannot as too_complex:
        refused = too_complex
    if not isinstance(tree, Alternation) or len(tree.options) < 2:
        raise refused
    middle = len(tree.options) // 2
    parts = (Alternation(tree.options[:middle]), Alternation(tree.options[middle:]))
    return [pattern for part in parts for pattern in _patterns(part.options[0] if len(part.options) == 1 else part, node, case)]


def _has(operator: str, prefix: bool = False, suffix: bool = False):  # type: ignore[no-untyped-def]
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        value = text_of(rest, node)
        before, after = around(value, prefix, suffix)
        head, tail = f"(.*{BOUND})?" if before else ".*", f"({BOUND}.*)?" if after else ".*"
        return f"{f} {operator} {string(head + escape(value) + tail)}"

    return spell


def _compare(operator: str):  # type: ignore[no-untyped-def]
    return lambda f, rest, node: f"{f} {operator} {literal(values(rest[0])[0])}"


def _in(operator: str):  # type: ignore[no-untyped-def]
    return lambda f, rest, node: f"{f} {operator} ({', '.join(map(literal, values(rest[0])))})"


def _listed(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    return among_listed(text_of(rest, node), f, node.function == "expand")


def _listed_or_empty(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    """The same where the list may have an empty text, which an event without the field has in KQL."""
    nothing = among_listed(text_of(rest, node), string(""), False)
    return f"({_listed(f, rest, node)} or {f} == null and {nothing})"


def _listed_at_end(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    """That the last part of a text is in a list: it is the whole text, or the text ends with it behind the mark that separates parts."""
    name, mark = (str(x.value) for x in rest if isinstance(x, Const))
    caseless = node.function == "expand_last"
    ending = string(f"*{mark}%{name}%")
    return f"({among_listed(name, f, caseless)} or {f} {'like~' if caseless else 'like'} ({ending}))"


def _listed_within(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    return f"{f} like~ ({string(f'*%{text_of(rest, node)}%*')})"


ATOMS = {
    "==": _compare("=="),
    "=~": _in("in~"),
    "in": _in("in"),
    "in~": _in("in~"),
    "contains": _call("stringContains~"),
    "contains_cs": _call("stringContains"),
    "startswith": _call("startsWith~"),
    "startswith_cs": _call("startsWith"),
    "endswith": _call("endsWith~"),
    "endswith_cs": _call("endsWith"),
    "has": _has("regex~"),
    "has_cs": _has("regex"),
    "hasprefix": _has("regex~", prefix=True),
    "hasprefix_cs": _has("regex", prefix=True),
    "hassuffix": _has("regex~", suffix=True),
    "hassuffix_cs": _has("regex", suffix=True),
    "matches regex": _regex("regex"),
    "matches regex~": _regex("regex~"),
    "is_ipv4": lambda f, rest, node: f'cidrMatch({f}, "0.0.0.0/0")',
    "cidr": lambda f, rest, node: f"cidrMatch({f}, {', '.join(map(literal, values(rest[0])))})",
    "expand": _listed,
    "expand_cs": _listed,
    "expand_last": _listed_at_end,
    "expand_cs_last": _listed_at_end,
    "expand_within": _listed_within,
    "<": _compare("<"),
    "<=": _compare("<="),
    ">": _compare(">"),
    ">=": _compare(">="),
}
"""``=~`` is a list of one, since ``:`` would read ``*`` and ``?`` in the literal as wildcards."""


def with_addresses(detection: Detection) -> Detection:
    """``detection`` with the lists that addresses are looked up in asked for with case: ``in~`` takes texts alone."""

    def cased(node: Expr) -> Expr:
        match node:
            case Apply(function="expand", args=(ColumnRef(column=column), _)) if column.stored == "ip":
                return replace(node, function="expand_cs")
        return node

    def changed(side: Side) -> Side:
        return replace(side, selectors=tuple(replace(s, predicate=transform(s.predicate, cased)) for s in side.selectors))

    return replace(detection, sides=tuple(map(changed, detection.sides)))


def lists_in_text(detection: Detection, names: Names) -> Iterator[Diagnostic]:
    """What is said of the lists that a detection reads, whose values the query has to have."""
    for side in detection.sides:
        for selector in side.selectors:
            for atom, place in _atoms(selector.predicate, detection.place_of(selector)):
                if atom.function not in LISTS or not isinstance(atom.args[1], Const):
                    continue
                name, kind = values(atom.args[1])[0], " that are addresses" if names.stored(atom.args[0]) == "ip" else ""
                how = f'write the values of the list {name}{kind} in place of "%{name}%", again whenever they change'
                message = f"EQL looks nothing up: {how}"
                yield Diagnostic("list-in-text", message, atom.span, place)


_KINDS = {
    **dict.fromkeys(("keyword", "constant_keyword", "wildcard"), "string"),
    **dict.fromkeys(("long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float"), "number"),
}


def check_keys(detection: Detection, names: Names) -> None:
    """Raises Cannot for keys of several types, such as an address and a text, by which Elasticsearch joins no sequence (a sample it does).

    Source: org.elasticsearch.xpack.eql.analysis.Verifier, checkJoinKeyTypes ("is incompatible with key").
    """
    for one, other in itertools.combinations(detection.sides if detection.kind in ("temporal", "temporal_ordered") else (), 2):
        for s, t in itertools.product(one.selectors, other.selectors):
            for pair in zip(s.keys, t.keys, strict=False):
                kinds = [_KINDS.get(stored, stored) for key in pair if (stored := names.stored(key))]
                if len(set(kinds)) > 1:
                    told = " and ".join(f"{names.field(key)} ({kind})" for key, kind in zip(pair, kinds, strict=True))
                    raise Cannot(Diagnostic("target-cannot", f"EQL has no sequences by fields of different types: {told}"))


def self_joins(detection: Detection) -> Iterator[Diagnostic]:
    """What is said where one event may be of two sides, of which the members of an EQL sequence or sample are different events."""
    if (detection.kind == "temporal_ordered" and detection.strict) or _after_absence(detection):
        return
    for one, other in itertools.combinations(detection.sides, 2):
        both = ((s, t) for s in one.selectors for t in other.selectors if s.table == t.table)
        if any(may_overlap(by_name(s.predicate), by_name(t.predicate)) for s, t in both):
            place = Place.TURNED if one.absent or other.absent else Place.PLAIN
            what = "an event that satisfies two sides of the join is joined with itself in KQL, not here"
            yield Diagnostic("joined-with-itself", what, None, place)


def cases_of_others(detection: Detection) -> Iterator[Diagnostic]:
    """What is said where case is ignored, which Elasticsearch does for the letters of ASCII alone.

    Source: org.elasticsearch.common.lucene.search.AutomatonQueries, toCaseInsensitiveChar.
    """
    for side in detection.sides:
        for selector in side.selectors:
            for atom, place in _atoms(selector.predicate, detection.place_of(selector)):
                operands = [x for a in atom.args[1:] for x in (a.items if isinstance(a, Items) else (a,))]
                texts = [x.value for x in operands if isinstance(x, Const) and isinstance(x.value, str)]
                if atom.function in _CASELESS and any(not c.isascii() and c.lower() != c.upper() for text in texts for c in text):
                    yield Diagnostic("ascii-case", "EQL ignores the case of ASCII's letters only, the KQL of all", atom.span, place)


def arrays_in_keys(detection: Detection, names: Names) -> Iterator[Diagnostic]:
    """What is said of keys with several values, each of which is a key of its own in a sequence or sample.

    Source: github.com/elastic/elasticsearch/pull/89965, of 8.6; an array in a key is an error before.
    """
    if detection.kind == "event":
        return
    for selector in detection.selectors:
        for key in selector.keys:
            if isinstance(key, ColumnRef) and key.column.stored and key.column.several:
                message = f"{names.field(key)} has several values, by whose text the KQL groups, the output by each value"
                yield Diagnostic("array-compared", message, key.span, Place.BOTH)


def _after_absence(detection: Detection) -> list[Selector]:
    """The selectors of the one side that is there, where all that is absent is of an earlier time; none where it is not."""
    absent = [s for side in detection.sides if side.absent for s in side.selectors]
    present = [side for side in detection.sides if not side.absent]
    if not absent or len(present) != 1 or detection.kind != "temporal" or detection.within is not None:
        return []
    found = [_apart(s, absent, detection.lookback) for s in present[0].selectors]
    return found if all(_is_before(a, s) for a in absent for s in found) else []


def _is_before(earlier: Selector, later: Selector) -> bool:
    """Whether the events of one selector are none of a later time than those of the other, by what both ask of their time."""
    ends, begins = moments_of(earlier.predicate, "until", "before"), moments_of(later.predicate, "since", "after")
    return bool(ends and begins) and max(ends) >= min(begins)


def _apart(selector: Selector, earlier: list[Selector], lookback: int) -> Selector:
    """A selector without those of its events that are of an earlier window as well.

    Where that window begins no later, and asks no more of its events, these are absent from it none.
    """
    asked = {*conjuncts(by_name(selector.predicate))}
    for other in earlier:
        rest = [p for p in conjuncts(by_name(other.predicate)) if not (isinstance(p, Apply) and p.function in LIMITS)]
        ends = moments_of(other.predicate, "until", "before")
        begins, began = (min(moments_of(s.predicate, "since", "after"), default=lookback) for s in (selector, other))
        if not ends or (other.table, other.home) != (selector.table, selector.home) or not asked.issuperset(rest):
            continue
        alike = [by_name(k) for k in selector.keys] == [by_name(k) for k in other.keys]
        begun = max(ends) == begins and (moments_of(other.predicate, "before") or moments_of(selector.predicate, "after"))
        if alike and not begun and max(ends) <= begins <= began and not (begins == began and moments_of(other.predicate, "after")):
            later = Apply(None, Type.BOOL, "since" if moments_of(other.predicate, "before") else "after", (const(max(ends)),))
            parts = [p for p in conjuncts(selector.predicate) if not (isinstance(p, Apply) and p.function in ("since", "after"))]
            selector = replace(selector, predicate=conjunction(later, *parts))
    return selector


def _meet(earlier: Selector, later: Selector) -> bool:
    """Whether an event may be of the moment at which the one window ends and the other begins."""
    ends, begins = moments_of(earlier.predicate, "until"), moments_of(later.predicate, "since")
    return (
        bool(ends and begins)
        and max(ends) == min(moments_of(later.predicate, "since", "after"))
        and not moments_of(earlier.predicate, "before")
    )


def _with_keys(selector: Selector, lacking: tuple[bool | None, ...]) -> Selector:
    """A selector whose events have its keys, but for those that they lack."""
    asked = [
        Apply(None, Type.BOOL, "isempty" if key.type in (Type.STRING, Type.DYNAMIC, Type.UNKNOWN) else "isnull", (key,))
        for key, lacks in zip(selector.keys, lacking, strict=True)
        if lacks is not None
    ]
    wanted = [x if lacks else negation(x) for x, lacks in zip(asked, (x for x in lacking if x is not None), strict=True)]
    return replace(selector, predicate=conjunction(selector.predicate, *wanted))


_CASELESS = frozenset(CASE_PAIRS.values()) | {"matches regex~"}


def _atoms(predicate: Expr, place: Place) -> Iterator[tuple[Apply, Place]]:
    """The atoms of a condition, each with its place."""
    if not isinstance(predicate, Apply):
        return
    if predicate.function not in ("and", "or", "not"):
        yield predicate, place
        return
    for arg in predicate.args:
        yield from _atoms(arg, place.turned if predicate.function == "not" else place)


def _longest(detection: Detection) -> str:
    """How long a sequence may take: Elasticsearch keeps times by the millisecond.

    Source: elastic.co/docs/reference/elasticsearch/mapping-reference/date.
    """
    seconds = detection.within or detection.timespan
    return f"{1000 * seconds - 1}ms" if detection.open and detection.within else f"{seconds}s"


def ties(detection: Detection) -> Iterator[Diagnostic]:
    """What is said of events of one moment, which a sequence takes in the order in which they are stored."""
    if detection.kind == "temporal_ordered" or (detection.kind == "temporal" and detection.within is not None and not detection.strict):
        taken = "does not take events of one moment for ordered" if detection.strict else "takes events of one moment for ordered"
        yield Diagnostic("equal-times", f"the KQL {taken}, EQL goes by the order in which they are stored")


def eql_diagnostics(detection: Detection, names: Names) -> tuple[Diagnostic, ...]:
    """What is said of every way to write a detection in EQL."""
    found = (
        lists_in_text(detection, names), self_joins(detection), cases_of_others(detection), arrays_in_keys(detection, names),
        ties(detection),
    )  # fmt: skip
    return tuple(dict.fromkeys(itertools.chain(*found)))


class Eql(Target):
    """Elastic EQL: events, sequences and samples; see ``translator.targets.protocols.Target`` for what the attributes say."""

    name = "eql"
    family = "elastic"
    extension = "eql"
    tells_time = True
    computes = False
    reads_json = False
    samples = True
    keeps = KEEPS

    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        def written(detection: Detection) -> Output:
            names, empty = Names(self.family, options, placed.homes, UNREADABLE["eql"]), set[Span | None]()
            try:
                if detection.kind == "temporal_ordered" or detection.within is not None or any(side.absent for side in detection.sides):
                    check_keys(detection, names)
                writer = _Writer(names, {d.span for d in detection.diagnostics if d.code == "empty-listed"})
                texts = writer.queries(detection)
                empty = writer.empty
                names.said += eql_diagnostics(detection, names)
            except Cannot as refused:
                texts, names.said = (), [*names.said, refused.diagnostic]
            told = {"empty-listed": empty, "bound-included": {d.span for d in detection.diagnostics} if detection.open else set()}
            kept = (d for d in detection.diagnostics if d.span not in told.get(d.code, ()))
            return names.output(self.name, texts, (*kept, *names.said))

        asked = functools.cache(lambda: _Writer(Names(self.family, options, placed.homes, UNREADABLE["eql"])))

        def spell(_: Selector, part: Expr) -> object:
            return asked().predicates.render(part)

        return translated(with_addresses(placed.detection), written, spell)


MAX_JOINED = 3
"""How many fields a text may be joined of, each of which may be missing or not."""


class _Conditions(Predicates):
    """Conditions on fields, and those that ask a list for a text that is joined of fields, which is no text where one of them is missing.

    Source: elastic.co/docs/reference/query-languages/eql/eql-function-ref, "concat".
    """

    joined: set[Span | None]
    """The places of the latter."""

    def of_computed(self, predicate: Apply) -> str | None:
        match predicate:
            case Apply(function="expand" | "expand_cs" as function, args=(subject, Const(value=str(name)))) if parts := joined_parts(
                subject
            ):
                self.joined.add(predicate.span)
                return self.of_joined(parts, name, function == "expand")
        return super().of_computed(predicate)

    def of_joined(self, parts: tuple[Expr, ...], name: str, caseless: bool) -> str:
        fields = list(dict.fromkeys(p for p in parts if is_field(p)))
        ways = []
        for lacking in itertools.product((False, True), repeat=len(fields)):
            missing = dict(zip(fields, lacking, strict=True))
            asked = [(self.missing if lacks else self.present).format(self.spelled(f)) for f, lacks in missing.items()]
            words = [
                string(p.value) if isinstance(p, Const) and isinstance(p.value, str) else self.spelled(p)
                for p in parts
                if not missing.get(p)
            ]
            whole = f"concat({', '.join(words)})" if len(words) > 1 else words[0] if words else string("")
            ways.append(self.and_.join([*asked, among_listed(name, whole, caseless)]))
        return f"({self.or_.join(ways)})"


def joined_parts(expr: Expr) -> tuple[Expr, ...]:
    """The fields and constants that a text is joined of; none where it is another, or of too many fields."""
    match expr:
        case Apply(function="strcat", args=parts) if all(is_field(p) or (isinstance(p, Const) and isinstance(p.value, str)) for p in parts):
            return parts if len({p for p in parts if is_field(p)}) <= MAX_JOINED else ()
    return ()


class _Writer:
    def __init__(self, names: Names, empty: Collection[Span | None] = ()) -> None:
        """``empty``: the places of conditions on lists that may have an empty text; ``self.empty`` has those that are written so."""
        self.names, self.empty = names, set[Span | None]()

        def may_be_empty(node: Apply) -> bool:
            return node.function in ("expand", "expand_cs") and node.span in empty and names.is_text(node.args[0])

        def tells_missing(node: Apply) -> bool:
            return may_be_empty(node) or (node.function in ("expand", "expand_cs") and bool(joined_parts(node.args[0])))

        def listed(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
            if not may_be_empty(node):
                return _listed(f, rest, node)
            self.empty.add(node.span)
            return _listed_or_empty(f, rest, node)

        self.predicates = _Conditions(
            names,
            {**ATOMS, "expand": listed, "expand_cs": listed},
            field,
            "{0} == null",
            "{0} != null",
            '{0} == ""',
            '{0} != ""',
            "true",
            "false",
            " and ",
            " or ",
            "not ",
        )
        self.predicates.joined = self.empty
        self.predicates.tells_missing = tells_missing
        self.predicates.number = "number({0})"
        self.predicates.as_text = "string({0})"
        self.predicates.of_addresses = frozenset({"expand_cs"})
        self.predicates.limit = '`@timestamp` {0} "now-{1}s"'
        self.predicates.ingested = 'event.ingested {0} "now-{1}s"'
        same = '(({0} == null or {0} == "") and ({1} == null or {1} == "") or {0} != null and {1} != null and %s)'
        self.predicates.equal_fields = {
            "==": same % "startsWith({0}, {1}) and startsWith({1}, {0})",
            "=~": same % "startsWith~({0}, {1}) and startsWith~({1}, {0})",
        }

    def queries(self, detection: Detection) -> tuple[str, ...]:
        if detection.kind == "event":
            return tuple(self.where(s) for s in detection.selectors)
        if detection.kind not in ("temporal", "temporal_ordered"):
            raise Cannot(Diagnostic("target-cannot", "EQL does not count events", None))
        if any(side.threshold for side in detection.sides):
            raise Cannot(Diagnostic("target-cannot", "EQL does not count events", None))
        if detection.bin:
            raise Cannot(Diagnostic("target-cannot", "an EQL sample has no fixed buckets of time", None))
        if any(side.absent for side in detection.sides):
            return tuple(self.absences(detection))
        if any(
            not sure and not all(self.names.never_empty(s.keys[n]) for s in detection.selectors)
            for n, sure in enumerate(detection.guaranteed)
        ):
            self.names.say("empty-join-key", "an event with an empty key and one without any match each other in KQL, and do not here")
        orders = [detection.sides]
        if detection.within is not None and detection.kind == "temporal":
            orders.append(detection.sides[::-1])
        every = itertools.chain(*(itertools.product(*(side.selectors for side in sides)) for sides in orders))
        combinations = list(itertools.islice(every, MAX_QUERIES + 1))
        if len(combinations) > MAX_QUERIES:
            raise Cannot(Diagnostic("target-cannot", f"this rule needs more than {MAX_QUERIES} queries in EQL", None))
        in_order = detection.kind == "temporal_ordered" or detection.within is not None
        head = f"sequence with maxspan={_longest(detection)}" if in_order else "sample"
        return tuple(self.sample(c, head, detection.guaranteed) for c in combinations)

    def absences(self, detection: Detection) -> Iterator[str]:
        """Sequences of what is not there before an event, one for each selection of keys that the event lacks.

        Events without a key match each other in KQL. No sequence joins a missing key with an empty one, nor says ``?`` of a key beside what
        is absent: such events have a sequence of their own, without that key.
        """
        absent, found = [s for side in detection.sides if side.absent for s in side.selectors], _after_absence(detection)
        if not found:
            raise Cannot(Diagnostic("target-cannot", "an EQL sequence can ask only that events are absent before one other", None))
        head = f"sequence with maxspan={max(detection.timespan, detection.lookback)}s"
        texts = list[str]()
        for selector in found:
            if any(_meet(a, selector) for a in absent):
                self.names.say(
                    "equal-times", "an event of the moment at which the earlier window ends is in both of the KQL, and here in the later"
                )
            for lacking in itertools.product(*(self.ways(n, selector, absent, sure) for n, sure in enumerate(detection.guaranteed))):
                asked = [_with_keys(s, lacking) for s in (*absent, selector)]
                members = [f"  ![{self.where(s)}]{self.by(s, lacking)}" for s in asked[:-1]]
                texts.append("\n".join([head, *members, f"  [{self.where(asked[-1])}]{self.by(asked[-1], lacking)}"]))
                if len(texts) > MAX_QUERIES:
                    raise Cannot(Diagnostic("target-cannot", f"this rule needs more than {MAX_QUERIES} queries in EQL", None))
        yield from texts

    def ways(self, number: int, selector: Selector, absent: list[Selector], guaranteed: bool) -> tuple[bool | None, ...]:
        """Whether the events of a selector may lack a key, as no and yes; None where there is nothing to be asked."""
        guarded = any(is_present(a.keys[number], a.predicate) for a in absent)
        alike = all(a.table == selector.table for a in absent) and not guarded
        return (None,) if is_present(selector.keys[number], selector.predicate) or (guaranteed and alike) else (False, True)

    def by(self, selector: Selector, lacking: tuple[bool | None, ...]) -> str:
        with self.names.within(Place.BOTH):
            keys = [field(self.names.field(key)) for key, lacks in zip(selector.keys, lacking, strict=True) if not lacks]
        return f" by {', '.join(keys)}" if keys else ""

    def where(self, selector: Selector) -> str:
        told = dataset(self.names, selector)
        parts = [f"event.dataset == {string(told)}"] if told else []
        if selector.predicate != TRUE:
            nested = bool(parts) and isinstance(selector.predicate, Apply) and selector.predicate.function == "or"
            parts.append(self.predicates.render(selector.predicate, nested))
        return f"any where {' and '.join(parts) or 'true'}"

    def sample(self, selectors: tuple[Selector, ...], head: str, guaranteed: tuple[bool, ...]) -> str:
        lines = [head]
        for selector in selectors:
            with self.names.within(Place.BOTH):
                pairs = zip(selector.keys, guaranteed, strict=True)
                keys = ", ".join(("" if sure else "?") + field(self.names.field(key)) for key, sure in pairs)
            lines.append(f"  [{self.where(selector)}] by {keys}")
        return "\n".join(lines)
