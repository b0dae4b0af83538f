"""Verdicts, the diagnostics that explain them, and how they combine.

A verdict is never set by hand: it is what the directions of all diagnostics on the way of a rule to a target come to. Nor is a
direction: a code says what a deviation does where it is made, and its place what that does to the alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum

Span = tuple[int, int]


class Verdict(Enum):
    """How an output relates to its KQL, best first. The same words say in which direction one diagnostic deviates."""

    EXACT = "exact"
    SAME_ALERTS = "same-alerts"
    BROADER = "broader"
    NARROWER = "narrower"
    DIFFERS = "differs"
    NONE = "none"

    @property
    def rank(self) -> int:
        """0 for exact, growing with the deviation; broader and narrower rank alike."""
        return {"exact": 0, "same-alerts": 1, "broader": 2, "narrower": 2, "differs": 3, "none": 4}[self.value]


class Effect(Enum):
    """What a deviation does where it is made: it lets more events through there, fewer, or some others.

    A note deviates nowhere; ``ROWS`` are other rows or columns of the same alerts; what is ``REFUSED`` is not translated.
    """

    NOTE = "note"
    ROWS = "rows"
    MORE = "more"
    FEWER = "fewer"
    EITHER = "either"
    REFUSED = "refused"


class Place(Enum):
    """What more events somewhere in a query do to what alerts: more of it, less, or either.

    Negations, absent sides, ``!in (subquery)`` and thresholds from above each turn it around. What is only ``SHOWN`` decides nothing.
    """

    PLAIN = "plain"
    TURNED = "turned"
    BOTH = "both"
    SHOWN = "shown"

    @property
    def turned(self) -> Place:
        """The place below a negation."""
        return {Place.PLAIN: Place.TURNED, Place.TURNED: Place.PLAIN}.get(self, self)

    def below(self, outer: Place) -> Place:
        """This place, seen from ``outer``, within which, rather than within the whole query, it was found."""
        if Place.SHOWN in (self, outer):
            return Place.SHOWN
        if Place.BOTH in (self, outer):
            return Place.BOTH
        return self.turned if outer is Place.TURNED else self

    def beside(self, other: Place | None) -> Place:
        """The place of events that decide in two ways."""
        return self if other is None or other is self else Place.BOTH


def direction_of(effect: Effect, place: Place) -> Verdict:
    """What a deviation with this effect does to the alert."""
    if effect in (Effect.NOTE, Effect.ROWS, Effect.REFUSED):
        return {Effect.NOTE: Verdict.EXACT, Effect.ROWS: Verdict.SAME_ALERTS, Effect.REFUSED: Verdict.NONE}[effect]
    if place is Place.SHOWN:
        return Verdict.SAME_ALERTS
    if effect is Effect.EITHER or place is Place.BOTH:
        return Verdict.DIFFERS
    return Verdict.BROADER if (effect is Effect.MORE) == (place is Place.PLAIN) else Verdict.NARROWER


@dataclass(frozen=True, slots=True)
class Code:
    """What a diagnostic code stands for: its effect and what a user can do."""

    effect: Effect
    advice: str


CODES: dict[str, Code] = {
    # --- notes: the output means the same
    "window-assumed": Code(Effect.NOTE, "set queryPeriod in the rule, or pass --timespan"),
    "window-anchoring": Code(
        Effect.NOTE, "Sigma states the length of the window only; choose a backend that slides it rather than one that buckets"
    ),
    "window-of-days": Code(Effect.NOTE, "run the output at midnight where whole days matter"),
    "window-of-search": Code(Effect.NOTE, "give the output the time to look at where it is run"),
    "period-limits": Code(Effect.NOTE, "lengthen queryPeriod in the rule: the source looks no farther back either"),
    "operator-dropped": Code(Effect.EITHER, "write this part by hand, or use another target for this rule"),
    "memory-limit": Code(Effect.NOTE, "give the search more memory where it looks at very many events"),
    "elastic-version": Code(Effect.NOTE, "run it on that version or a later one"),
    "now-in-query": Code(
        Effect.NOTE, "run the rule on its schedule: in a manual run over another range NOW() is still the time of the run"
    ),
    "long-history": Code(Effect.NOTE, "keep the history in a list or a summary index where the search takes too long"),
    "window-in-search": Code(Effect.NOTE, "schedule the search over no less than the time in the message"),
    "address-spelling": Code(
        Effect.NOTE, "nothing to do where the source writes IPv6 as RFC 5952 has it, and IPv4 without ::ffff: before it"
    ),
    "array-assumed": Code(Effect.NOTE, "nothing to do where no event has a text or a lone object there, which mv-expand takes otherwise"),
    "equal-times": Code(Effect.NOTE, "nothing to do, unless both events are logged with the same coarse time"),
    "constant-branch-dropped": Code(Effect.NOTE, "nothing to do: the constant can never equal the key it is joined with"),
    "json-field": Code(Effect.NOTE, "map these fields to the parsed JSON in the processing pipeline"),
    "level-assumed": Code(Effect.NOTE, "set severity in the rule"),
    "unknown-technique": Code(Effect.NOTE, "check the identifier against attack.mitre.org; it is kept as written"),
    "false-predicate": Code(Effect.NOTE, "compare with a literal in lower case"),
    "list-placeholder": Code(Effect.NOTE, "give the placeholder its values with a processing pipeline when the Sigma is converted"),
    "list-case": Code(Effect.NOTE, "nothing to do where all values of the list are in that case"),
    "empty-key-group": Code(Effect.NOTE, "leave out the documents of events without the key where these are of no interest"),
    "path-for-name": Code(Effect.NOTE, "nothing to do: the end of the path is compared instead of the name"),
    "list-lookup": Code(
        Effect.NOTE,
        "Splunk: a lookup of that name with a column value; ES|QL: an enrich policy of that name that matches value and adds listed",
    ),
    "input-setting": Code(
        Effect.NOTE, "set it where the events are taken in, or name fields that have the values anyway with --mapping FILE"
    ),
    "list-rows": Code(Effect.NOTE, "fill the lookup of that name, and again whenever the list changes where it comes from"),
    "list-at-ingest": Code(
        Effect.FEWER,
        "an enrich processor in the ingest pipeline, as the message has it; the ES|QL looks lists up itself",
    ),
    "missing-value-group": Code(Effect.NOTE, "leave out its documents where events without the field are of no interest"),
    "ignored-operator": Code(Effect.NOTE, "nothing to do: it only arranges the result"),
    # --- other columns, the same entities
    "values-of-one-case": Code(Effect.ROWS, "nothing to do where no two hosts, accounts or files have names that differ by case alone"),
    "column-left-out": Code(Effect.ROWS, "nothing to do, unless a playbook reads them; --mapping FILE gives the site's names"),
    "event-data-columns": Code(Effect.ROWS, "nothing to do where the events are stored with a field for each named value of theirs"),
    "columns-differ": Code(Effect.ROWS, "nothing to do, unless a playbook reads the missing columns"),
    "entity-in-events": Code(Effect.ROWS, "read the entity from the events of the alert; the alert is keyed by the group-by fields"),
    "setting-lost": Code(Effect.ROWS, "set this up in the product by hand where the alerts are handled"),
    "rows-differ": Code(Effect.ROWS, "nothing to do, unless a playbook reads the missing columns or counts the rows"),
    "rows-merged": Code(Effect.ROWS, "nothing to do, unless a playbook counts the rows"),
    "rows-repeated": Code(Effect.ROWS, "nothing to do, unless a playbook counts the rows"),
    "expanded-rows": Code(Effect.ROWS, "nothing to do, unless a playbook counts the rows"),
    "empty-array": Code(Effect.MORE, "nothing to do where the array has elements as a rule; else ask for one of them in the KQL"),
    "indicator-list": Code(Effect.ROWS, "fill the list from the platform that holds the indicators, and renew it as they expire"),
    "list-condition": Code(Effect.ROWS, "keep out of the list what does not satisfy the condition, expired indicators above all"),
    "element-negated": Code(Effect.EITHER, "check how this product compares arrays"),
    "first-match": Code(Effect.MORE, "nothing to do where the pattern matches one place of the text as a rule"),
    "number-in-text": Code(Effect.FEWER, "nothing to do where numbers are stored without signs, spaces, fractions and other bases"),
    "number-in-value": Code(Effect.EITHER, "nothing to do where the value is stored as a number"),
    "bound-included": Code(Effect.MORE, "nothing to do, unless it matters that events are not exactly that far apart"),
    "key-finer": Code(Effect.MORE, "count by the computed key where the product can compute it"),
    "counted-field": Code(Effect.MORE, "raise the threshold, or count the computed value where the product can compute it"),
    "key-dropped": Code(Effect.MORE, "add the computed key where the product can compute it"),
    "absence-anchoring": Code(Effect.MORE, "nothing to do where the absent event follows the other one; else use the native output"),
    "few-anchoring": Code(
        Effect.MORE, "use the native output, or a backend that counts over whole windows: few events so far may be many at the end"
    ),
    "adjacent-rows": Code(Effect.MORE, "nothing to do where it does not matter what happens in between"),
    "one-event-of-group": Code(Effect.MORE, "nothing to do where it does not change from event to event; else check the latest event"),
    "entities-gathered": Code(Effect.MORE, "read the entity from the events of the alert where several are shown"),
    "elements-apart": Code(Effect.MORE, "nothing to do where an array has one element as a rule"),
    "first-seen-list": Code(
        Effect.ROWS,
        "keep the list with a scheduled search over the earlier window; an empty value belongs in it where events there lacked the field",
    ),
    "first-seen-dropped": Code(Effect.MORE, "alert on new values only: a new_terms rule in Elastic, a lookup of known values in Splunk"),
    "type-assumed": Code(Effect.MORE, "add isnotempty(...) for the field to the KQL, unless the field is a text"),
    "list-terms": Code(Effect.MORE, "keep no values in the list that are parts of longer words"),
    "list-dropped": Code(
        Effect.MORE, "add the list by hand before this is switched on: all that passes the other conditions alerts without it"
    ),
    "condition-dropped": Code(Effect.MORE, "add this condition by hand where the product can say it"),
    "time-rounded": Code(Effect.MORE, "compare the difference of the times with a timespan in the KQL"),
    "count-weakened": Code(Effect.MORE, "use the output in SPL or ES|QL, which counts"),
    "row-limit": Code(Effect.MORE, "the output has no such limit on its rows"),
    # --- deviations
    "ascii-classes": Code(Effect.FEWER, "nothing to do where the values are of ASCII characters; [0-9] and [[:word:]] say that in the KQL"),
    "line-feed-at-end": Code(Effect.MORE, "nothing to do, unless values end with a line feed"),
    "values-merged": Code(Effect.MORE, "nothing to do where the other values do not come with the rest of the conditions"),
    "events-elsewhere": Code(Effect.FEWER, "ask for the events that are meant in the KQL, or choose another home with --home"),
    "value-within": Code(Effect.MORE, "nothing to do where what is looked for stands in this part of the text alone"),
    "value-longer": Code(Effect.FEWER, "compare with the beginning of the value where the product has more behind it"),
    "value-differs": Code(Effect.EITHER, "compare the values of a few events with those of the table"),
    "events-more": Code(Effect.MORE, "add what tells the events that are meant, or choose another home with --home"),
    "computed-column": Code(Effect.EITHER, "compare the formula with a few events: how Azure computes this column is not documented"),
    "trigger-threshold": Code(Effect.MORE, "the rule alerts at a number of rows only; set that number where the output is scheduled"),
    # --- what a proof has seen
    "tried-broader": Code(Effect.MORE, "kql2sigma verify shows the events"),
    "tried-narrower": Code(Effect.FEWER, "kql2sigma verify shows the events"),
    "tried-differs": Code(Effect.EITHER, "kql2sigma verify shows the events"),
    # ---
    "trigger-condition": Code(Effect.EITHER, "the rule alerts on few rows; set that condition where the output is scheduled"),
    "window-widened": Code(Effect.MORE, "the parts of the query look back differently far; the output uses the longest window for all"),
    "bucket-widened": Code(Effect.MORE, "use the output for a rule whose period is as long as the buckets of the summary"),
    "window-bucketed": Code(Effect.FEWER, "choose a backend whose windows slide, or the native output"),
    "window-at-run": Code(Effect.FEWER, "run it more often than that window is long: what falls between two runs is missed"),
    "window-since": Code(Effect.FEWER, "set queryPeriod in the rule, or pass --timespan"),
    "window-dropped": Code(Effect.MORE, "limit the search to the window where it is scheduled"),
    "logsource-dropped": Code(Effect.MORE, "pass --pipeline, or name the index or source of the events by hand"),
    "order-dropped": Code(Effect.MORE, "check the order of the events in the alert"),
    "missing-negated": Code(Effect.FEWER, "use the native output, which asks for missing fields as well"),
    "backend-differs": Code(Effect.EITHER, "use the native output, or another backend"),
    "case-ignored": Code(Effect.MORE, "pass --prefer exact, for backends that know Sigma's cased"),
    "term-as-text": Code(Effect.MORE, "pass --prefer exact: the term is then a regular expression"),
    "term-as-value": Code(Effect.FEWER, "nothing to do where the field holds nothing but such a value, as an identifier does"),
    "window-shifted": Code(Effect.EITHER, "run the search over that earlier window"),
    "one-row-per-key": Code(
        Effect.MORE, "write kind=inner: with the default kind, KQL filters one arbitrary row of each key, the output all of them"
    ),
    "empty-entity": Code(Effect.ROWS, "nothing to do: an alert whose only entity is empty identifies nothing"),
    "joined-with-itself": Code(
        Effect.FEWER, "use the output in SPL or ES|QL; or nothing, where one event can never satisfy both sides of the join"
    ),
    "empty-listed": Code(Effect.FEWER, "add isnotempty(...) for the key to the KQL: an empty key never identifies anything"),
    "empty-join-key": Code(Effect.FEWER, "add isnotempty(...) for the join key to the KQL: an empty key never identifies anything"),
    "key-case": Code(Effect.FEWER, "normalize the case of these fields when they are ingested"),
    "ascii-case": Code(Effect.FEWER, "give the word in each case that it comes in"),
    "value-case": Code(Effect.MORE, "normalize the case of this field when it is ingested"),
    "missing-value": Code(
        Effect.FEWER, "add isnotempty(...) to the KQL, or lower the threshold by one: it counts a missing text as one more distinct value"
    ),
    "array-element": Code(Effect.EITHER, "check how this product stores the array, and name the field with --mapping FILE"),
    "sum-of-none": Code(Effect.FEWER, "add isnotnull(...) for the value to the KQL, unless such groups matter"),
    "alternative-dropped": Code(Effect.FEWER, "make a rule of its own of the part that is left out, or rewrite that part"),
    "counted-twice": Code(Effect.FEWER, "make the parts of the union exclude each other, or lower the threshold"),
    "measured-twice": Code(Effect.EITHER, "make the parts of the union exclude each other"),
    "constant-key": Code(Effect.FEWER, "the branch that sets the key to a constant is left out; filter it in the KQL"),
    "object-as-text": Code(Effect.FEWER, "keep the text of the JSON value in a field of that name, or search in its parts"),
    "address-alone": Code(Effect.FEWER, "nothing to do where the field holds nothing but addresses"),
    "array-compared": Code(Effect.MORE, "nothing to do where the field has one value; else check how this product compares several"),
    "json-in-string": Code(Effect.FEWER, "the field must be parsed as JSON when it is ingested"),
    "count-approximate": Code(Effect.EITHER, "expect alerts to differ where the count is close to the threshold"),
    "percentile-method": Code(Effect.EITHER, "expect alerts to differ where the percentile is close to the threshold"),
    "unverified-dialect": Code(Effect.EITHER, "compare its rows with those of kql2sigma run on the same data before it is relied on"),
    "window-elsewhere": Code(Effect.MORE, "give the query the rule's window where it is scheduled"),
    "table-left-out": Code(Effect.ROWS, "nothing to do, unless the site has these events: name their place with --mapping FILE"),
    "enrichment-dropped": Code(Effect.ROWS, "join the enrichment where the alert is handled"),
    # --- blockers
    "trigger-absence": Code(Effect.REFUSED, "use the output in SPL or ES|QL, which count what is not there"),
    "unsupported-operator": Code(Effect.REFUSED, "rewrite the query without this operator"),
    "unsupported-series": Code(
        Effect.REFUSED, "Elastic: a machine-learning job (high_count, rare); Splunk: anomalydetection, or its Machine Learning Toolkit"
    ),
    "unsupported-expression": Code(Effect.REFUSED, "rewrite the condition on stored fields"),
    "unsupported-join": Code(Effect.REFUSED, "join on one common set of keys, with kind=inner"),
    "too-large": Code(Effect.REFUSED, "compute these columns in fewer steps, each from fewer of the others"),
    "unsupported-detection": Code(Effect.REFUSED, "no equivalent in this target"),
    "target-cannot": Code(Effect.REFUSED, "use another target for this rule"),
}
"""Every code, in one table: a message is written where the deviation is found, its effect and advice stand here."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One deviation or note, and the place where it was made.

    ``span`` are offsets into the KQL text, None where it concerns the rule as a whole.
    """

    code: str
    message: str
    span: Span | None = None
    place: Place = Place.PLAIN

    @property
    def direction(self) -> Verdict:
        return direction_of(CODES[self.code].effect, self.place)

    @property
    def advice(self) -> str:
        return CODES[self.code].advice

    def below(self, outer: Place) -> Diagnostic:
        """The same, of a query that stands at ``outer`` in another one."""
        return self if outer is Place.PLAIN else replace(self, place=self.place.below(outer))


@dataclass
class Notes:
    """What is said on one stage of the way, each at the place where the walk is then."""

    said: list[Diagnostic] = field(default_factory=list, kw_only=True)
    place: Place = field(default=Place.PLAIN, kw_only=True)

    def say(self, code: str, message: str, span: Span | None = None, place: Place = Place.PLAIN) -> None:
        """Says something of a ``place`` within the one where the walk is, which matters for what deviates in a direction."""
        directed = CODES[code].effect not in (Effect.NOTE, Effect.ROWS)
        self.note(Diagnostic(code, message, span, place.below(self.place) if directed else Place.PLAIN))

    def note(self, diagnostic: Diagnostic) -> None:
        """Adds what is not said yet."""
        if not any(d.span == diagnostic.span and d == diagnostic for d in self.said):  # spans tell most of them apart, and sooner
            self.said.append(diagnostic)

    @contextmanager
    def within(self, place: Place) -> Iterator[None]:
        """The walk at a ``place`` within the one where it is."""
        outer, self.place = self.place, place.below(self.place)
        try:
            yield
        finally:
            self.place = outer


def combine(directions: Iterable[Verdict]) -> Verdict:
    """What several deviations come to: the worst of them, and ``differs`` where some are broader and some narrower."""
    worst, seen = Verdict.EXACT, set()
    for direction in directions:
        seen.add(direction)
        if direction.rank > worst.rank:
            worst = direction
    if worst.rank == Verdict.BROADER.rank and {Verdict.BROADER, Verdict.NARROWER} <= seen:
        return Verdict.DIFFERS
    return worst


def verdict_of(diagnostics: Iterable[Diagnostic]) -> Verdict:
    return combine(d.direction for d in diagnostics)
