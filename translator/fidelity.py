"""Verdicts, the diagnostics that explain them, and how they combine.

A verdict is never set by hand: it is what the directions of all diagnostics on the way of a rule to a target come to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Code:
    """What a diagnostic code stands for: its direction and what a user can do."""

    direction: Verdict
    advice: str


CODES: dict[str, Code] = {
    # --- notes: the output means the same
    "window-assumed": Code(Verdict.EXACT, "set queryPeriod in the rule, or pass --timespan"),
    "window-anchoring": Code(
        Verdict.EXACT, "Sigma states the length of the window only; choose a backend that slides it rather than one that buckets"
    ),
    "window-of-days": Code(Verdict.EXACT, "run the output at midnight where whole days matter"),
    "window-of-search": Code(Verdict.EXACT, "give the output the time to look at where it is run"),
    "period-limits": Code(Verdict.EXACT, "lengthen queryPeriod in the rule: the source looks no farther back either"),
    "now-in-query": Code(
        Verdict.EXACT, "run the rule on its schedule: in a manual run over another range NOW() is still the time of the run"
    ),
    "long-history": Code(Verdict.EXACT, "keep the history in a list or a summary index where the search takes too long"),
    "window-in-search": Code(Verdict.EXACT, "schedule the search over no less than the time in the message"),
    "equal-times": Code(Verdict.EXACT, "nothing to do, unless both events are logged with the same coarse time"),
    "constant-branch-dropped": Code(Verdict.EXACT, "nothing to do: the constant can never equal the key it is joined with"),
    "json-field": Code(Verdict.EXACT, "map these fields to the parsed JSON in the processing pipeline"),
    "level-assumed": Code(Verdict.EXACT, "set severity in the rule"),
    "unknown-technique": Code(Verdict.EXACT, "check the identifier against attack.mitre.org; it is kept as written"),
    "false-predicate": Code(Verdict.EXACT, "compare with a literal in lower case"),
    "list-placeholder": Code(Verdict.EXACT, "give the placeholder its values with a processing pipeline when the Sigma is converted"),
    "empty-key-group": Code(Verdict.EXACT, "leave out the documents of events without the key where these are of no interest"),
    "path-for-name": Code(Verdict.EXACT, "nothing to do: the end of the path is compared instead of the name"),
    "address-alone": Code(Verdict.EXACT, "nothing to do where the field holds nothing but addresses"),
    "list-lookup": Code(
        Verdict.EXACT,
        "Splunk: a lookup of that name with a column value; ES|QL: an enrich policy of that name that matches value and adds listed",
    ),
    "list-at-ingest": Code(
        Verdict.NARROWER,
        "an enrich processor in the ingest pipeline, as the message has it; the ES|QL looks lists up itself",
    ),
    "list-at-ingest-negated": Code(
        Verdict.BROADER,
        "an enrich processor in the ingest pipeline, as the message has it; the ES|QL looks lists up itself",
    ),
    "missing-value-group": Code(Verdict.EXACT, "leave out its documents where events without the field are of no interest"),
    "ignored-operator": Code(Verdict.EXACT, "nothing to do: it only arranges the result"),
    # --- other columns, the same entities
    "column-computed": Code(Verdict.SAME_ALERTS, "nothing to do, unless a playbook compares this column"),
    "column-left-out": Code(Verdict.SAME_ALERTS, "nothing to do, unless a playbook reads them; --mapping FILE gives the site's names"),
    "event-data-columns": Code(
        Verdict.SAME_ALERTS, "nothing to do where the events are stored with a field for each named value of theirs"
    ),
    "columns-differ": Code(Verdict.SAME_ALERTS, "nothing to do, unless a playbook reads the missing columns"),
    "entity-in-events": Code(
        Verdict.SAME_ALERTS, "read the entity from the events of the alert; the alert is keyed by the group-by fields"
    ),
    "setting-lost": Code(Verdict.SAME_ALERTS, "set this up in the product by hand where the alerts are handled"),
    "rows-differ": Code(Verdict.SAME_ALERTS, "nothing to do, unless a playbook reads the missing columns or counts the rows"),
    "rows-merged": Code(Verdict.SAME_ALERTS, "nothing to do, unless a playbook counts the rows"),
    "rows-repeated": Code(Verdict.SAME_ALERTS, "nothing to do, unless a playbook counts the rows"),
    "expanded-rows": Code(Verdict.SAME_ALERTS, "nothing to do, unless a playbook counts the rows"),
    "indicator-list": Code(Verdict.SAME_ALERTS, "fill the list from the platform that holds the indicators, and renew it as they expire"),
    "list-condition": Code(Verdict.SAME_ALERTS, "keep out of the list what does not satisfy the condition, expired indicators above all"),
    "element-negated": Code(Verdict.DIFFERS, "check how this product compares arrays"),
    "first-match": Code(Verdict.BROADER, "nothing to do where the pattern matches one place of the text as a rule"),
    "number-in-text": Code(Verdict.NARROWER, "nothing to do where numbers are stored without signs, spaces, fractions and other bases"),
    "number-in-value": Code(Verdict.DIFFERS, "nothing to do where the value is stored as a number"),
    "bound-included": Code(Verdict.BROADER, "nothing to do, unless it matters that events are not exactly that far apart"),
    "key-finer": Code(Verdict.BROADER, "count by the computed key where the product can compute it"),
    "counted-field": Code(Verdict.BROADER, "raise the threshold, or count the computed value where the product can compute it"),
    "key-dropped": Code(Verdict.BROADER, "add the computed key where the product can compute it"),
    "absence-anchoring": Code(Verdict.BROADER, "nothing to do where the absent event follows the other one; else use the native output"),
    "few-anchoring": Code(
        Verdict.BROADER, "use the native output, or a backend that counts over whole windows: few events so far may be many at the end"
    ),
    "adjacent-rows": Code(Verdict.BROADER, "nothing to do where it does not matter what happens in between"),
    "one-event-of-group": Code(Verdict.BROADER, "nothing to do where it does not change from event to event; else check the latest event"),
    "elements-apart": Code(Verdict.BROADER, "nothing to do where an array has one element as a rule"),
    "first-seen-list": Code(
        Verdict.SAME_ALERTS,
        "keep the list with a scheduled search over the earlier window; an empty value belongs in it where events there lacked the field",
    ),
    "first-seen-dropped": Code(
        Verdict.BROADER, "alert on new values only: a new_terms rule in Elastic, a lookup of known values in Splunk"
    ),
    "type-assumed": Code(Verdict.BROADER, "add isnotempty(...) for the field to the KQL, unless the field is a text"),
    "type-assumed-measured": Code(Verdict.DIFFERS, "add isnotempty(...) for one of the fields to the KQL, unless they are texts"),
    "list-terms": Code(Verdict.BROADER, "keep no values in the list that are parts of longer words"),
    "list-terms-negated": Code(Verdict.NARROWER, "keep no values in the list that are parts of longer words"),
    "list-dropped": Code(
        Verdict.BROADER, "add the list by hand before this is switched on: all that passes the other conditions alerts without it"
    ),
    "condition-dropped": Code(Verdict.BROADER, "add this condition by hand where the product can say it"),
    "time-rounded": Code(Verdict.BROADER, "compare the difference of the times with a timespan in the KQL"),
    "count-weakened": Code(Verdict.BROADER, "use the output in SPL or ES|QL, which counts"),
    "row-limit": Code(Verdict.BROADER, "the output has no such limit on its rows"),
    # --- deviations
    "values-merged": Code(Verdict.BROADER, "nothing to do where the other values do not come with the rest of the conditions"),
    "values-merged-negated": Code(Verdict.NARROWER, "nothing to do where the other values do not come with the rest of the conditions"),
    "events-elsewhere": Code(Verdict.NARROWER, "ask for the events that are meant in the KQL, or choose another home with --home"),
    "events-elsewhere-negated": Code(Verdict.BROADER, "ask for the events that are meant in the KQL, or choose another home with --home"),
    "value-longer": Code(Verdict.NARROWER, "compare with the beginning of the value where the product has more behind it"),
    "value-longer-negated": Code(Verdict.BROADER, "compare with the beginning of the value where the product has more behind it"),
    "value-differs": Code(Verdict.DIFFERS, "compare the values of a few events with those of the table"),
    "events-more": Code(Verdict.BROADER, "add what tells the events that are meant, or choose another home with --home"),
    "events-more-negated": Code(Verdict.NARROWER, "add what tells the events that are meant, or choose another home with --home"),
    "computed-column": Code(Verdict.DIFFERS, "compare the formula with a few events: how Azure computes this column is not documented"),
    "trigger-threshold": Code(Verdict.BROADER, "the rule alerts at a number of rows only; set that number where the output is scheduled"),
    "trigger-condition": Code(Verdict.DIFFERS, "the rule alerts on few rows; set that condition where the output is scheduled"),
    "trigger-turns": Code(Verdict.DIFFERS, "read the other deviations the other way round: fewer events alert more"),
    "window-widened": Code(Verdict.BROADER, "the parts of the query look back differently far; the output uses the longest window for all"),
    "bucket-widened": Code(Verdict.BROADER, "use the output for a rule whose period is as long as the buckets of the summary"),
    "bucket-widened-few": Code(Verdict.DIFFERS, "use the output for a rule whose period is as long as the buckets of the summary"),
    "window-bucketed": Code(Verdict.NARROWER, "choose a backend whose windows slide, or the native output"),
    "window-at-run": Code(Verdict.NARROWER, "run it more often than that window is long: what falls between two runs is missed"),
    "window-dropped": Code(Verdict.BROADER, "limit the search to the window where it is scheduled"),
    "logsource-dropped": Code(Verdict.BROADER, "pass --pipeline, or name the index or source of the events by hand"),
    "order-dropped": Code(Verdict.BROADER, "check the order of the events in the alert"),
    "missing-negated": Code(Verdict.NARROWER, "use the native output, which asks for missing fields as well"),
    "backend-differs": Code(Verdict.DIFFERS, "use the native output, or another backend"),
    "case-ignored": Code(Verdict.BROADER, "pass --prefer exact, for backends that know Sigma's cased"),
    "case-ignored-negated": Code(Verdict.NARROWER, "pass --prefer exact, for backends that know Sigma's cased"),
    "term-as-text": Code(Verdict.BROADER, "pass --prefer exact: the term is then a regular expression"),
    "term-as-text-negated": Code(Verdict.NARROWER, "pass --prefer exact: the term is then a regular expression"),
    "term-as-value": Code(Verdict.NARROWER, "nothing to do where the field holds nothing but such a value, as an identifier does"),
    "term-as-value-negated": Code(Verdict.BROADER, "nothing to do where the field holds nothing but such a value, as an identifier does"),
    "window-shifted": Code(Verdict.DIFFERS, "run the search over that earlier window"),
    "one-row-per-key": Code(
        Verdict.BROADER, "write kind=inner: with the default kind, KQL filters one arbitrary row of each key, the output all of them"
    ),
    "empty-entity": Code(Verdict.SAME_ALERTS, "nothing to do: an alert whose only entity is empty identifies nothing"),
    "joined-with-itself": Code(
        Verdict.NARROWER, "use the output in SPL or ES|QL; or nothing, where one event can never satisfy both sides of the join"
    ),
    "absent-itself": Code(
        Verdict.BROADER, "use the output in SPL or ES|QL; or nothing, where one event can never satisfy both sides of the join"
    ),
    "empty-join-key": Code(Verdict.NARROWER, "add isnotempty(...) for the join key to the KQL: an empty key never identifies anything"),
    "key-case": Code(Verdict.NARROWER, "normalize the case of these fields when they are ingested"),
    "key-case-negated": Code(Verdict.BROADER, "normalize the case of these fields when they are ingested"),
    "key-case-measured": Code(Verdict.DIFFERS, "normalize the case of these fields when they are ingested"),
    "missing-value": Code(
        Verdict.NARROWER, "KQL counts the empty value of events that lack the field as one more distinct value; lower the threshold by one"
    ),
    "missing-value-exact": Code(
        Verdict.DIFFERS,
        "KQL counts the empty value of events that lack the field as one more distinct value; add isnotempty(...) to the KQL",
    ),
    "missing-value-few": Code(
        Verdict.BROADER, "KQL counts the empty value of events that lack the field as one more distinct value; lower the threshold by one"
    ),
    "array-element": Code(Verdict.DIFFERS, "check how this product stores the array, and name the field with --mapping FILE"),
    "sum-of-none": Code(Verdict.NARROWER, "add isnotnull(...) for the value to the KQL, unless such groups matter"),
    "alternative-dropped": Code(Verdict.NARROWER, "make a rule of its own of the part that is left out, or rewrite that part"),
    "counted-twice": Code(Verdict.NARROWER, "make the parts of the union exclude each other, or lower the threshold"),
    "measured-twice": Code(Verdict.DIFFERS, "make the parts of the union exclude each other"),
    "constant-key": Code(Verdict.NARROWER, "the branch that sets the key to a constant is left out; filter it in the KQL"),
    "object-as-text": Code(Verdict.NARROWER, "keep the text of the JSON value in a field of that name, or search in its parts"),
    "object-as-text-negated": Code(Verdict.BROADER, "keep the text of the JSON value in a field of that name, or search in its parts"),
    "json-in-string": Code(Verdict.NARROWER, "the field must be parsed as JSON when it is ingested"),
    "percentile-method": Code(Verdict.DIFFERS, "expect alerts to differ where the percentile is close to the threshold"),
    "unverified-dialect": Code(Verdict.DIFFERS, "compare its rows with those of kql2sigma run on the same data before it is relied on"),
    "window-elsewhere": Code(Verdict.BROADER, "give the query the rule's window where it is scheduled"),
    "table-left-out": Code(Verdict.SAME_ALERTS, "nothing to do, unless the site has these events: name their place with --mapping FILE"),
    "enrichment-dropped": Code(Verdict.SAME_ALERTS, "join the enrichment where the alert is handled"),
    # --- blockers
    "trigger-absence": Code(Verdict.NONE, "use the output in SPL or ES|QL, which count what is not there"),
    "unsupported-operator": Code(Verdict.NONE, "rewrite the query without this operator"),
    "unsupported-series": Code(
        Verdict.NONE, "Elastic: a machine-learning job (high_count, rare); Splunk: anomalydetection, or its Machine Learning Toolkit"
    ),
    "unsupported-expression": Code(Verdict.NONE, "rewrite the condition on stored fields"),
    "unsupported-join": Code(Verdict.NONE, "join on one common set of keys, with kind=inner"),
    "unsupported-detection": Code(Verdict.NONE, "no equivalent in this target"),
    "target-cannot": Code(Verdict.NONE, "use another target for this rule"),
}
"""Every code, in one table: a message is written where the deviation is found, its direction and advice stand here."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One deviation or note. ``span`` are offsets into the KQL text, None where it concerns the rule as a whole."""

    code: str
    message: str
    span: Span | None = None

    @property
    def direction(self) -> Verdict:
        return CODES[self.code].direction

    @property
    def advice(self) -> str:
        return CODES[self.code].advice


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
