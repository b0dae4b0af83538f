"""Splunk SPL with sliding windows, case, missing fields and all kinds of correlations.

Every condition is one of ``where``, which compares exactly; the base search repeats of it what ``search`` can tell faster. Correlations
slide: ``streamstats time_window`` looks back from each event. Each correlation becomes a mark on the events that complete it, so one
correlation can refer to another. Where rules name their fields differently, an event is repeated for each rule that it matches.
Source: Splunk Search Reference: where, streamstats (``time_window`` wants events in order of time; ``max_stream_window`` of limits.conf
bounds how many it holds), mvexpand, "Comparison and conditional functions".
"""

from __future__ import annotations

from typing import Any, ClassVar

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionOR
from sigma.conversion.state import ConversionState
from sigma.correlations import SigmaCorrelationRule
from sigma.types import SigmaCasedString, SigmaNumber, SigmaString, SpecialChars

from translator.sigma.portable.predicates import (
    Correlation,
    Member,
    PredicateBackend,
    expressed,
    operator,
    pattern,
    spelled,
    unsupported,
    word,
)
from translator.targets.base import Cannot
from translator.targets.splunk.words import by_clause
from translator.targets.splunk.words import field as quoted_field
from translator.targets.splunk.words import string as literal

MEASURES = {"event_count": "count", "value_count": "dc", "value_sum": "sum", "value_avg": "avg", "value_median": "median"}


class SplunkSlidingBackend(PredicateBackend):
    """Sigma to SPL whose correlations slide over the events instead of counting in buckets of time.

    Attributes:
        ordered_at_once: whether events of the same moment are in any order, of which Sigma says nothing.
    """

    ordered_at_once = False

    name: ClassVar[str] = "Splunk SPL, sliding windows"
    formats: ClassVar[dict[str, str]] = {"default": "Plain SPL queries"}

    # --- conditions of where

    def quoted(self, field: str) -> str:
        try:
            return quoted_field(field)
        except Cannot:
            raise unsupported(f"the field name {field!r}") from None

    def present(self, field: str) -> str:
        return f"isnotnull({field})"

    def missing(self, field: str) -> str:
        return f"isnull({field})"

    def equal(self, field: str, text: str, cased: bool) -> str:
        if cased or text.lower() == text.upper():
            return f"{field}=={literal(text)}"
        return f"lower({field})=={literal(text.lower())}"

    def alike(self, field: str, value: SigmaString, cased: bool) -> str:
        return self.matching(field, searched(pattern(value)), not cased)

    def matching(self, field: str, regex: str, caseless: bool) -> str:
        return f"match({field}, {literal(('(?i)' if caseless else '') + regex)})"

    def compared(self, field: str, operator: str, value: str) -> str:
        return f"{field}{operator}{value}"

    def boolean(self, field: str, value: bool) -> str:
        return f"lower({field})=={literal('true' if value else 'false')}"

    def same(self, field: str, other: str) -> str:
        return f"lower({field})==lower({other})"

    def within(self, field: str, network: str) -> str:
        return f"cidrmatch({literal(network)}, {field})"

    # --- event rules

    def finalize_query_default(self, rule: Any, query: str, index: int, state: ConversionState) -> str:
        if isinstance(rule, SigmaCorrelationRule):
            return query
        terms = search_terms(rule.detection.parsed_condition[index].parsed)
        return f"{terms or '*'}\n| where {query}"

    # --- correlations

    def correlation_queries(self, correlation: Correlation) -> list[str]:
        leaves = list(correlation.leaves())
        marks = {leaf.name: f"rule_{number + 1}" for number, leaf in enumerate(leaves)}
        found = [f"if({self.condition_of(leaf.event)}, {literal(marks[leaf.name])}, null())" for leaf in leaves]
        lines = [self.searched(leaves), f"eval rule=mvappend({', '.join(found)})", "where isnotnull(rule)"]
        if len(leaves) > 1:
            lines.append("mvexpand rule")
        lines += [f"eval {mark}=if(rule=={literal(mark)}, 1, null())" for mark in marks.values()]
        lines.append("sort 0 _time")
        mark, keys = self.marked(correlation, "alert", marks, lines)
        lines.append(f"where {mark}==1")
        by = by_clause(keys)
        lines.append(f"stats min(_time) as first_time max(_time) as last_time count as alerts{by}")
        if keys:
            for key in correlation.group_by:
                self.quoted(key)  # refuses a name that would end its quotes
            names = (f'{own} as "{key}"' for own, key in zip(keys, correlation.group_by, strict=True))
            lines.append(f"rename {', '.join(names)}")
        else:
            lines.append("where alerts>0")  # stats without by gives a row for no events as well
        return ["\n| ".join(lines)]

    def searched(self, leaves: list[Member]) -> str:
        """What ``search`` can tell of the events of all rules."""
        found: list[str] = []
        for leaf in leaves:
            for condition in leaf.event.detection.parsed_condition:
                terms = search_terms(condition.parsed)
                if terms is None:
                    return "*"
                found.append(f"({terms})")
        return " OR ".join(dict.fromkeys(found))

    def marked(self, correlation: Correlation, name: str, marks: dict[str, str], lines: list[str]) -> tuple[str, list[str]]:
        """The field that marks the events which complete a correlation, and its keys, by commands that are added to ``lines``.

        ``marks`` are the fields that mark what is below.
        """
        for member in correlation.members:
            if member.inner is not None and member.name not in marks:
                inner = f"{name}_{len(marks) + 1}"
                marks[member.name] = self.marked(member.inner, inner, marks, lines)[0]
        own = {member.name: marks[member.name] for member in correlation.members}
        keys = [f"{name}_{word(key)}" for key in correlation.group_by]
        for key, field in zip(correlation.group_by, keys, strict=True):
            lines.append(f"eval {field}={self.by_rule(correlation, key, marks)}")
        by = by_clause(keys)
        spell = {"temporal": self.temporal, "temporal_ordered": self.ordered}.get(correlation.kind)
        condition = spell(correlation, name, own, by, lines) if spell else self.counted(correlation, name, marks, by, lines)
        keyed = "".join(f" AND isnotnull({key})" for key in keys)
        lines.append(f"eval {name}=if({condition}{keyed}, 1, null())")
        return name, keys

    def by_rule(self, correlation: Correlation, key: str, marks: dict[str, str]) -> str:
        """The value of a key or of a counted field, which the rules may call differently."""
        pairs: dict[str, list[str]] = {}
        for member in correlation.members:
            field = correlation.field_of(key, member.name)
            value = self.by_rule(member.inner, field, marks) if member.inner else self.quoted(field)
            leaves = [leaf.name for leaf in member.inner.leaves()] if member.inner else [member.name]
            pairs.setdefault(value, []).extend(f"{marks[leaf]}==1" for leaf in leaves)
        if len(pairs) == 1:
            return next(iter(pairs))
        return "case(" + ", ".join(f"{' OR '.join(tests)}, {value}" for value, tests in pairs.items()) + ")"

    def counted(self, correlation: Correlation, name: str, marks: dict[str, str], by: str, lines: list[str]) -> str:
        """The condition on what a threshold is about.

        Args:
            name: the prefix of the fields that are made for it.
            marks: for each member the field that is 1 for its events.
            by: the clause with the keys.
            lines: the commands before, to which those that measure are added.

        Raises:
            SigmaFeatureNotSupportedByBackendError: for what SPL cannot count.
        """
        threshold = correlation.threshold
        own = " OR ".join(f"{marks[member.name]}==1" for member in correlation.members)
        value = f"{name}_value"
        if correlation.kind == "event_count":
            lines.append(f"eval {value}=if({own}, 1, null())")
        elif isinstance(threshold.fieldref, str):
            lines.append(f"eval {value}=if({own}, {self.by_rule(correlation, threshold.fieldref, marks)}, null())")
        else:
            raise unsupported("a count of several fields")
        function = f"exactperc{threshold.percentile}" if correlation.kind == "value_percentile" else MEASURES[correlation.kind]
        lines.append(f"streamstats time_window={correlation.seconds}s {function}({value}) as {name}_measure{by}")
        return f"({own}) AND {name}_measure{operator(threshold)}{threshold.count}"

    def temporal(self, correlation: Correlation, name: str, marks: dict[str, str], by: str, lines: list[str]) -> str:
        """The members within the window; one that must be absent is looked for from the others on, in events sorted backwards."""
        terms = " ".join(f"count({mark}) as {name}_{mark}_count" for mark in marks.values())
        positive = [mark for member, mark in marks.items() if member not in correlation.negated]
        if not positive:
            raise unsupported("a correlation of absent events alone")
        if correlation.negated:
            lines.append("sort 0 -_time")
        lines.append(f"streamstats time_window={correlation.seconds}s {terms}{by}")
        if correlation.negated:
            lines.append("sort 0 _time")
        counts = {member: f"{name}_{mark}_count>0" for member, mark in marks.items()}
        wanted = correlation.expression
        text = " AND ".join(counts.values()) if wanted is None else expressed(wanted, counts, " AND ", " OR ", "NOT ")
        return f"({' OR '.join(f'{mark}==1' for mark in positive)}) AND {text}"

    def ordered(self, correlation: Correlation, name: str, marks: dict[str, str], by: str, lines: list[str]) -> str:
        """Each member after the one before it: when the latest chain of them that ends here began is carried from one to the next."""
        if correlation.expression is not None:
            raise unsupported("an order of alternatives")
        places = range(1, len(marks) + 1) if self.ordered_at_once else range(len(marks), 0, -1)
        position = ", ".join(f"{mark}==1, {place}" for place, mark in zip(places, marks.values(), strict=True))
        lines += [f"eval {name}_position=case({position})", f"sort 0 _time {name}_position"]
        started = ""
        for number, mark in enumerate(marks.values()):
            start = f"{name}_start_{number + 1}"
            lines.append(f"eval {start}=if({mark}==1, {started or '_time'}, null())")
            if number + 1 < len(marks):
                started = f"{name}_chain_{number + 1}"
                lines.append(f"streamstats time_window={correlation.seconds}s max({start}) as {started}{by}")
        return f"_time-{start}<={correlation.seconds}"


def searched(whole: str) -> str:
    """A pattern of the whole of a text as one to search for."""
    before, after = whole.startswith(".*"), whole.endswith(".*") and not whole.endswith("\\.*")
    body = whole[2 if before else 0 : len(whole) - 2 if after else None]
    return ("" if before else "^") + body + ("" if after else "$") if ".*" not in body else f"(?s)^{whole}$"


def search_terms(condition: Any) -> str | None:
    """Terms of ``search`` that every event satisfying a condition matches; None where there are none to give."""
    match condition:
        case ConditionAND():
            found = [t for t in map(search_terms, condition.args) if t]
            return " ".join(dict.fromkeys(found)) or None
        case ConditionOR():
            either = list(map(search_terms, condition.args))
            return None if None in either else "(" + " OR ".join(dict.fromkeys(map(str, either))) + ")"
        case ConditionFieldEqualsValueExpression(field=field, value=value) if all(c.isalnum() or c in "._" for c in field):
            return _term(field, value)
    return None


def _term(field: str, value: Any) -> str | None:
    if isinstance(value, SigmaNumber):
        return f"{field}={value}"
    if not isinstance(value, SigmaString | SigmaCasedString) or value.contains_placeholder():
        return None
    if SpecialChars.WILDCARD_SINGLE in value.s:
        return None
    text, literals = spelled(value, "*", ""), spelled(value, "", "")
    if not literals.strip() or any(c in literals for c in '*\\"?\r\n') or text != text.strip():
        return None
    return f'{field}="{text}"'


__all__ = ["SplunkSlidingBackend", "search_terms"]
