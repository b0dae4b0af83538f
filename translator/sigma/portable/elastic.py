"""Elastic EQL and ES|QL with case, missing fields and all that they can say of correlations.

ES|QL has no window that slides: a query looks at the correlation's window before now, and slides with its schedule. EQL has sequences:
a count is a run of events, a correlation without order a sequence in each order.
Source: elastic.co/docs/reference/query-languages/eql/eql-syntax, elastic.co/docs/reference/query-languages/esql.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

from sigma.conversion.state import ConversionState
from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationRule,
    SigmaRuleReference,
)
from sigma.types import Placeholder, SigmaString

from translator.detection.model import Threshold
from translator.regex.lucene import lucene
from translator.regex.parser import RegexError, parse
from translator.regex.syntax import caseless as without_case
from translator.regex.writers import END, Inexpressible
from translator.sigma.portable.predicates import Correlation, Member, PredicateBackend, expressed, operator, pattern, spelled, unsupported
from translator.targets.elastic import among_listed, rlike, string
from translator.targets.elastic import field as quoted_field
from translator.targets.elastic.esql.statistics import measured
from translator.targets.elastic.functions import MOST_PRECISE

MAX_QUERIES = 16
MAX_RUNS = 100
"""How many events in a row one item of a sequence may ask for (elastic.co/docs/reference/query-languages/eql/eql-syntax, with runs)."""

MAX_EVENTS = 6 * MAX_RUNS
"""How many events a sequence is written for, of which each takes a search of its own."""


class ElasticBackend(PredicateBackend):
    """What EQL and ES|QL share. The index comes from the pipeline's state ``index``."""

    lowers: ClassVar[str] = ""

    def quoted(self, field: str) -> str:
        return quoted_field(field)

    def compared(self, field: str, operator: str, value: str) -> str:
        return f"{field} {operator} {value}"

    def automaton(self, regex: str, caseless: bool, lowered: bool) -> str:
        try:
            tree = parse(regex.replace(END, r"\z"))
            return lucene(without_case(tree) if caseless else tree, "lowered" if lowered else "ignored" if caseless else "kept")
        except (Inexpressible, RegexError) as error:
            raise unsupported(f"{error}, which Lucene's regular expressions lack,") from error


def wildcards(value: SigmaString, lowered: bool) -> str:
    """A Sigma string as one where ``*`` and ``?`` are wildcards and ``\\`` escapes."""

    def escaped(text: str) -> str:
        return "".join(f"\\{c}" if c in "*?\\" else c for c in (text.lower() if lowered else text))

    return spelled(value, "*", "?", escaped)


class EsqlWindowBackend(ElasticBackend):
    """Sigma to ES|QL over the window of a correlation, without buckets of time."""

    name: ClassVar[str] = "ES|QL, whole windows"
    formats: ClassVar[dict[str, str]] = {"default": "Plain ES|QL queries"}

    def present(self, field: str) -> str:
        return f"{field} IS NOT NULL"

    def missing(self, field: str) -> str:
        return f"{field} IS NULL"

    def equal(self, field: str, text: str, cased: bool) -> str:
        if cased or text.lower() == text.upper():
            return f"{field} == {string(text)}"
        return f"TO_LOWER({field}) == {string(text.lower())}"

    def alike(self, field: str, value: SigmaString, cased: bool) -> str:
        return f"{field if cased else f'TO_LOWER({field})'} LIKE {string(wildcards(value, not cased))}"

    def matching(self, field: str, regex: str, caseless: bool) -> str:
        return rlike(f"TO_LOWER({field})" if caseless else field, self.automaton(regex, caseless, caseless))

    def same(self, field: str, other: str) -> str:
        return f"TO_LOWER(TO_STRING({field})) == TO_LOWER(TO_STRING({other}))"

    def within(self, field: str, network: str) -> str:
        return f"CIDR_MATCH(TO_IP({field}), {string(network)})"

    def source(self, state: ConversionState) -> str:
        """The indexes that a rule is asked of: all where its pipeline names none."""
        return str(state.processing_state.get("index", "*"))

    def finalize_query_default(self, rule: Any, query: str, index: int, state: ConversionState) -> str:
        if isinstance(rule, SigmaCorrelationRule):
            return f"FROM {self.source(state)}\n| {query}"
        return f"FROM {self.source(state)} METADATA _id, _index, _version\n| WHERE {query}"

    def correlation_queries(self, correlation: Correlation) -> list[str]:
        leaves = list(correlation.leaves())
        marks = {leaf.name: f"rule_{number + 1}" for number, leaf in enumerate(leaves)}
        conditions = {leaf.name: self.condition_of(leaf.event) for leaf in leaves}
        lines = [
            f"WHERE @timestamp >= NOW() - {correlation.seconds} seconds",
            "WHERE " + " OR ".join(f"({c})" for c in conditions.values()),
        ]
        keys = [f"key_{number + 1}" for number in range(len(correlation.group_by))]
        values = [self.by_rule(correlation, key, marks) for key in correlation.group_by]
        sources = {(s.category, s.product, s.service) for s in (leaf.event.logsource for leaf in leaves)}
        if len(sources) < len(leaves) and any(v.startswith("CASE(") for v in values):
            # An event of several rules is a row for each of them, since its keys differ.
            named = ", ".join(f"CASE({condition}, {string(marks[name] + ',')}, {string('')})" for name, condition in conditions.items())
            lines += [f'EVAL rule = SPLIT(CONCAT({named}), ",")', "MV_EXPAND rule"]
            conditions = {name: f"rule == {string(marks[name])}" for name in conditions}
        lines += [f"EVAL {marks[name]} = CASE({condition}, 1, 0)" for name, condition in conditions.items()]
        lines += [f"EVAL {own} = {value}" for own, value in zip(keys, values, strict=True)]
        if keys:
            lines.append("WHERE " + " AND ".join(f"{key} IS NOT NULL" for key in keys))
        terms, condition = self.wanted(correlation, marks, lines)
        by = f" BY {', '.join(keys)}" if keys else ""
        lines += [f"STATS {', '.join(terms)}{by}", f"WHERE {condition}"]
        renamed = [f"{own} AS {quoted_field(key)}" for own, key in zip(keys, correlation.group_by, strict=True)]
        if renamed:
            lines.append(f"RENAME {', '.join(renamed)}")
        return ["\n| ".join(lines)]

    def by_rule(self, correlation: Correlation, key: str, marks: dict[str, str], form: str = "TO_STRING({0})") -> str:
        """The value of a key or of a counted field, which the rules may call differently."""
        pairs: dict[str, list[str]] = {}
        for member in correlation.members:
            name = correlation.field_of(key, member.name)
            value = self.by_rule(member.inner, name, marks, form) if member.inner else form.format(quoted_field(name))
            leaves = [leaf.name for leaf in member.inner.leaves()] if member.inner else [member.name]
            pairs.setdefault(value, []).extend(f"{marks[leaf]} == 1" for leaf in leaves)
        if len(pairs) == 1:
            return next(iter(pairs))
        both = set.intersection(*(set(tests) for tests in pairs.values()))
        if both:
            raise unsupported("one rule with two fields for a key")
        return "CASE(" + ", ".join(f"{' OR '.join(tests)}, {value}" for value, tests in pairs.items()) + ")"

    def wanted(self, correlation: Correlation, marks: dict[str, str], lines: list[str]) -> tuple[list[str], str]:
        """The terms of STATS and the condition on them."""
        if correlation.kind not in ("temporal", "temporal_ordered"):
            term, condition = self.counted(correlation, "measure", marks, lines)
            return [term], condition
        terms, wanted = [], {}
        for number, member in enumerate(correlation.members):
            name = f"member_{number + 1}"
            if member.inner is None:
                terms.append(f"{name} = COUNT(*) WHERE {marks[member.name]} == 1")
                wanted[member.name] = f"{name} > 0"
                continue
            inner = member.inner
            if inner.kind in ("temporal", "temporal_ordered") or self.keys_of(inner) != self.keys_of(correlation):
                raise unsupported("a correlation within another, by other keys,")
            term, wanted[member.name] = self.counted(inner, name, marks, lines)
            terms.append(term)
        if correlation.expression is not None:
            condition = expressed(correlation.expression, wanted, " AND ", " OR ", "NOT ")
        else:
            condition = " AND ".join(wanted.values())
        if correlation.kind == "temporal_ordered":
            if len(correlation.members) != 2 or correlation.expression is not None or any(m.inner for m in correlation.members):
                raise unsupported("an order of more than two events")
            first, second = (marks[m.name] for m in correlation.members)
            terms += [f"first_time = MIN(@timestamp) WHERE {first} == 1", f"last_time = MAX(@timestamp) WHERE {second} == 1"]
            condition += " AND first_time < last_time"
        return terms, condition

    def keys_of(self, correlation: Correlation) -> list[str]:
        """The fields of the documents by which a correlation groups."""
        return sorted({correlation.field_of(key, m.name) for key in correlation.group_by for m in correlation.members})

    def counted(self, correlation: Correlation, name: str, marks: dict[str, str], lines: list[str]) -> tuple[str, str]:
        """The terms of STATS that measure what a threshold is about, and the condition on them.

        Args:
            name: the prefix of the columns that are made for it.
            marks: for each member the column that is 1 for its documents.
            lines: the commands before, to which what the measure needs is added.

        Raises:
            SigmaFeatureNotSupportedByBackendError: for what ES|QL cannot count.
        """
        threshold = correlation.threshold
        if any(m.inner for m in correlation.members):
            raise unsupported("a count of correlations")
        own = " OR ".join(f"{marks[m.name]} == 1" for m in correlation.members)
        if correlation.kind == "event_count":
            term = f"COUNT(*) WHERE {own}"
        else:
            if not isinstance(threshold.fieldref, str):
                raise unsupported("a count of several fields")
            form = "TO_STRING({0})" if correlation.kind == "value_count" else "{0}"
            lines.append(f"EVAL {name}_value = CASE({own}, {self.by_rule(correlation, threshold.fieldref, marks, form)})")
            if correlation.kind == "value_count" and threshold.count > MOST_PRECISE:
                raise unsupported(f"a count of more than {MOST_PRECISE:,} different values")
            term = measured(Threshold(correlation.kind, "", threshold.count, percentile=threshold.percentile), f"{name}_value")
        return f"{name} = {term}", f"{name} {operator(threshold)} {threshold.count}"


@dataclass(frozen=True, slots=True)
class _Window:
    """What a sequence spans at most, and the condition that tells the events of some buckets of time from others, if any."""

    span: str
    condition: str = ""

    def asked(self, condition: str) -> str:
        """Events of these buckets that satisfy a condition."""
        return f"any where {self.condition} and ({condition})" if self.condition else f"any where {condition}"


class EqlSequenceBackend(ElasticBackend):
    """Sigma to EQL: sequences, runs and missing events, within the correlation's window."""

    name: ClassVar[str] = "EQL, sequences"
    formats: ClassVar[dict[str, str]] = {"default": "Plain EQL queries"}
    and_token: ClassVar[str] = "and"
    or_token: ClassVar[str] = "or"
    not_token: ClassVar[str] = "not"

    def present(self, field: str) -> str:
        return f"{field} != null"

    def missing(self, field: str) -> str:
        return f"{field} == null"

    def equal(self, field: str, text: str, cased: bool) -> str:
        if cased or text.lower() == text.upper():
            return f"{field} == {string(text)}"
        return f"{field} in~ ({string(text)})"

    def alike(self, field: str, value: SigmaString, cased: bool) -> str:
        if any(isinstance(part, str) and ("*" in part or "?" in part) for part in value.s):
            return self.matching(field, f"(?s)^{pattern(value)}$", not cased)
        text = spelled(value, "*", "?")
        return f"{field} {'like' if cased else 'like~'} {string(text)}"

    def matching(self, field: str, regex: str, caseless: bool) -> str:
        return f"{field} {'regex~' if caseless else 'regex'} {string(self.automaton(regex, caseless, False))}"

    def within(self, field: str, network: str) -> str:
        return f"cidrMatch({field}, {string(network)})"

    def listed(self, field: str, value: SigmaString, cased: bool) -> str:
        match value.s:
            case (Placeholder(name=name),):
                return among_listed(name, self.quoted(field), not cased)
        return super().listed(field, value, cased)

    def same(self, field: str, other: str) -> str:
        """The operators compare with literals alone, functions take a second field."""
        return f"({self.present(field)} and {self.present(other)} and startsWith~({field}, {other}) and startsWith~({other}, {field}))"

    bucket: int = 0
    """The seconds of the buckets of time that events are counted in; 0 where any span as long as the window will do."""

    bucketed: bool = False
    """Whether the queries keep to them."""

    def finalize_query_default(self, rule: Any, query: str, index: int, state: ConversionState) -> str:
        return query if isinstance(rule, SigmaCorrelationRule) else f"any where {query}"

    def correlation_queries(self, correlation: Correlation) -> list[str]:
        queries = self.sequences(correlation, _Window(f"{correlation.seconds}s"))
        every = every_other(self.bucket)
        if not every or any("![any" in q or not q.startswith("sequence") for q in queries) or len(every) * len(queries) > MAX_QUERIES:
            return queries
        self.bucketed = True
        windows = [_Window(f"{1000 * self.bucket - 1}ms", condition) for condition in every]
        return [query for window in windows for query in self.sequences(correlation, window)]

    def sequences(self, correlation: Correlation, window: _Window) -> list[str]:
        """The queries that say a correlation within a window.

        Raises:
            SigmaFeatureNotSupportedByBackendError: for what EQL has no words for.
        """
        if any(member.inner for member in correlation.members):
            raise unsupported("a correlation of correlations")
        match correlation.kind:
            case "event_count":
                return [self.run(correlation, window)]
            case "temporal_ordered" if correlation.expression is None:
                return [self.sequence(correlation, window, [(m, False) for m in correlation.members])]
            case "temporal":
                return self.temporal(correlation, window)
        raise unsupported(f"a {correlation.kind} correlation")

    def run(self, correlation: Correlation, window: _Window) -> str:
        """So many events in a row, of any of the rules."""
        threshold = correlation.threshold
        runs = threshold.count + (threshold.op.name == "GT")
        if threshold.op.name not in ("GT", "GTE") or not 1 <= runs <= MAX_EVENTS:
            raise unsupported(f"a count that is not of 1 to {MAX_EVENTS} events or more")
        fields = {tuple(correlation.field_of(key, m.name) for key in correlation.group_by) for m in correlation.members}
        if len(fields) != 1:
            raise unsupported("a run of events with different names for a key")
        by = "".join(f" by {', '.join(map(quoted_field, f))}" for f in fields if f)
        condition = " or ".join(f"({self.condition_of(m.event)})" for m in correlation.members)
        if runs == 1:
            return f"any where {condition}"
        sizes = [min(MAX_RUNS, runs - before) for before in range(0, runs, MAX_RUNS)]
        items = [f"  [{window.asked(condition)}]" + (f" with runs={size}" if size > 1 else "") for size in sizes]
        return "\n".join([f"sequence{by} with maxspan={window.span}", *items])

    def temporal(self, correlation: Correlation, window: _Window) -> list[str]:
        """A sequence for each order of the events; what must be absent does not follow the first of them."""
        members = {m.name: m for m in correlation.members}
        choices = [list(members)] if correlation.expression is None else list(alternatives(correlation.expression))
        queries = []
        for names in choices:
            wanted = [members[n] for n in names if not n.startswith("!")]
            absent = [members[n[1:]] for n in names if n.startswith("!")]
            if not wanted or (absent and len(wanted) > 1):
                raise unsupported("an absent event beside several others")
            if len(wanted) == 1 and not absent:
                queries.append(f"any where {self.condition_of(wanted[0].event)}")
                continue
            for order in itertools.permutations(wanted):
                queries.append(self.sequence(correlation, window, [*((m, False) for m in order), *((m, True) for m in absent)]))
                if len(queries) > MAX_QUERIES:
                    raise unsupported(f"a correlation that takes more than {MAX_QUERIES} sequences")
        return queries

    def sequence(self, correlation: Correlation, window: _Window, members: list[tuple[Member, bool]]) -> str:
        """The members in their order by the keys; of each it is said whether it must be absent."""
        lines = [f"sequence with maxspan={window.span}"]
        for member, absent in members:
            keys = ", ".join(quoted_field(correlation.field_of(key, member.name)) for key in correlation.group_by)
            lines.append(f"  {'!' if absent else ''}[{window.asked(self.condition_of(member.event))}]" + (f" by {keys}" if keys else ""))
        return "\n".join(lines)


def every_other(seconds: int) -> tuple[str, ...]:
    """Conditions on the time of an event, each for buckets of so many seconds between which others lie; none where there are none such.

    Events of two such buckets are more than a bucket apart, so that those within one bucket's time are of one bucket. A time is a text
    of ISO 8601 in UTC there (ToStringFunctionProcessor.java of Elasticsearch: the toString of a ZonedDateTime).
    """
    for unit, places, round_ in ((60, "14, 16", 60), (3600, "11, 13", 24)):
        length = seconds // unit
        part = f"number(substring(string(`@timestamp`), {places}))"
        if length and seconds % unit == 0 and round_ % (2 * length) == 0:
            return f"modulo({part}, {2 * length}) < {length}", f"modulo({part}, {2 * length}) >= {length}"
        if length and seconds % unit == 0 and round_ == 3 * length:
            return f"{part} < {length}", f"{part} >= {length} and {part} < {2 * length}", f"{part} >= {2 * length}"
    return ()


def alternatives(expression: Any, negated: bool = False) -> list[list[str]]:
    """An extended condition as alternatives of members; ``!`` stands before one that must be absent."""
    match expression:
        case SigmaRuleReference():
            return [[("!" if negated else "") + expression.reference]]
        case CorrelationConditionNOT():
            return alternatives(expression.args[0], not negated)
        case CorrelationConditionAND() | CorrelationConditionOR():
            parts = [alternatives(a, negated) for a in expression.args]
            if isinstance(expression, CorrelationConditionOR) != negated:
                return [choice for part in parts for choice in part]
            return [list(itertools.chain(*choice)) for choice in itertools.product(*parts)]
    raise unsupported("this condition of a correlation")
