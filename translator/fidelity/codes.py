"""The codes of diagnostics: what each does where it is made, says of an output, and advises. A table, as long as there are codes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


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


@dataclass(frozen=True, slots=True)
class Code:
    """What a diagnostic code stands for: its effect, what it says of an output, and what a user can do."""

    effect: Effect
    meaning: str
    advice: str


Words: TypeAlias = dict[str, tuple[str, str]]
"""Codes of one effect: what each says of an output, and advises."""

_NOTES: Words = {
    "window-assumed": ("Neither the query nor the rule states a window.", "set queryPeriod in the rule, or pass --timespan"),
    "window-anchoring": (
        "The KQL counts in fixed buckets of time; where a window begins, Sigma leaves to its backend.",
        "Sigma states the length of the window only; choose a backend that slides it rather than one that buckets",
    ),
    "window-bound": (
        "Events exactly as far apart as a window is long are in none of the KQL's; whether they are in one, Sigma leaves to its backend.",
        "nothing to do, unless it matters that events are not exactly that far apart",
    ),
    "window-of-search": (
        "The query looks at the range of time that whoever hunts chooses.",
        "choose the range where the output is run",
    ),
    "period-limits": (
        "The query asks for older events than the rule's period leaves it.",
        "lengthen queryPeriod in the rule: the source looks no farther back either",
    ),
    "other-workspace": (
        "The query reads a table of another workspace, cluster or database, the output where the product has it.",
        "nothing to do where the product has the events of those that the query reads, and of no other; else narrow the place",
    ),
    "memory-limit": (
        "A command works as far as the memory goes that the limits of the product allow.",
        "give the search more memory where it looks at very many events, and keep lists short whose values are looked for in texts",
    ),
    "elastic-version": (
        "The query needs the version of Elasticsearch that the message names.",
        "run it on that version or a later one",
    ),
    "now-in-query": (
        "A part of the query has a window of its own, which ends at the time of the run.",
        "run the rule on its schedule: in a manual run over another range NOW() is still the time of the run",
    ),
    "long-history": (
        "Each run reads the events of a long time, which may be slow.",
        "where it takes too long, keep the history in a list or a summary index",
    ),
    "window-in-search": (
        "The search limits the time of its parts, and has to be run over all of it.",
        "schedule the search over no less than the time in the message",
    ),
    "address-spelling": (
        "The KQL reads the text of an address, and the product has the address itself, spelled in one way.",
        "nothing to do where the source writes IPv6 as RFC 5952 has it, and IPv4 without ::ffff: before it",
    ),
    "array-assumed": (
        "An array is taken apart, which stands there in every event as the table is documented.",
        "nothing to do where no event has a text or a lone object there, which mv-expand takes otherwise",
    ),
    "equal-times": (
        "The KQL says which of two events of one moment comes first; Sigma says nothing of it, EQL goes by how they are stored.",
        "nothing to do, unless both events are logged with the same coarse time",
    ),
    "constant-branch-dropped": (
        "A part whose key is a constant that no key on the other side can equal is left out.",
        "nothing to do: the constant can never equal the key it is joined with",
    ),
    "json-field": (
        "A text that holds JSON is read as if its parts were fields.",
        "map these fields to the parsed JSON in the processing pipeline",
    ),
    "place-as-field": (
        "One element of an array, or the text of an object, is a field of its own.",
        "map this field to the place inside of the JSON in the processing pipeline",
    ),
    "place-unknown": (
        "A text that is checked looks for events where none of the rule's tables is known to have them.",
        "where the site has them there, say so in a mapping",
    ),
    "level-assumed": ("The rule has no severity: the Sigma has the level medium.", "set severity in the rule"),
    "unknown-technique": (
        "ATT&CK has no tactic or technique of that name.",
        "check the identifier against attack.mitre.org; it is kept as written",
    ),
    "false-predicate": (
        'A condition is never true: `tolower(x) == "A"`, a value that the source never has, one of an empty list.',
        "ask for what can be so, or fill the list in the KQL: as it is the rule stays silent, there as here",
    ),
    "list-placeholder": (
        "A list is a placeholder of the Sigma, which a pipeline has to fill.",
        "give the placeholder its values with a processing pipeline when the Sigma is converted",
    ),
    "list-case": (
        "The query never finds values of the list that are in another case.",
        "nothing to do where all values of the list are in that case",
    ),
    "list-names": (
        "The list holds names of files, with which the paths of the events end.",
        "nothing to do where no value of the list has a separator of paths",
    ),
    "empty-key-group": (
        "Events without the key are one group in KQL: a correlation of their own is written for them.",
        "leave out the documents of events without the key where these are of no interest",
    ),
    "path-for-name": (
        "A file name is compared as the end of a path.",
        "nothing to do: the end of the path is compared instead of the name",
    ),
    "list-lookup": (
        "A list is looked up in the product: it has to be there.",
        "Splunk: a lookup of that name with the column value; ES|QL: an enrich policy of that name, which matches value and adds listed",
    ),
    "input-setting": (
        "A setting of the product decides whether the field has the column's values, or the place all events of the table.",
        "switch on what the message names where the events are taken in, or name other fields with --mapping FILE",
    ),
    "list-rows": (
        "The rows of a list are read from a lookup: it has to be filled.",
        "fill the lookup of that name, and again whenever the list changes where it comes from",
    ),
    "list-in-text": (
        "EQL looks nothing up: the values of a list are to be written into the query.",
        "each value as a text of its own: 65,536 at most, some thousands where case is ignored; the ES|QL looks lists up itself",
    ),
    "missing-value-group": (
        "Events without the counted field are one more value in KQL: a correlation of their own is written for them.",
        "leave out its documents where events without the field are of no interest",
    ),
    "ignored-operator": (
        "An operator that does not decide what alerts, such as `sort`, is left out.",
        "nothing to do: it only arranges the result",
    ),
}

_OTHER_ROWS: Words = {
    "values-of-one-case": (
        "The product keeps a value in one case: values that differ by case alone are one.",
        "nothing to do where no two hosts, accounts or files have names that differ by case alone",
    ),
    "column-left-out": (
        "The product has no field for a column that the query shows: the output shows the others.",
        "nothing to do, unless a playbook reads it: then name the site's field with --mapping FILE",
    ),
    "event-data-columns": (
        "The query makes columns of the data of an event; the output reads the product's fields of these names.",
        "nothing to do where the events are stored with a field for each named value of theirs",
    ),
    "columns-differ": (
        "The output shows other columns than the query, or spells their values in another way.",
        "nothing to do, unless a playbook reads the missing columns",
    ),
    "entity-in-events": (
        "An entity of the rule is in the events of the alert, not in its key.",
        "read the entity from the events of the alert; the alert is keyed by the group-by fields",
    ),
    "setting-lost": (
        "A setting of the rule has no place in the product.",
        "set this up in the product by hand where the alerts are handled",
    ),
    "rows-differ": (
        "The output has other rows, of the same entities.",
        "nothing to do, unless a playbook reads the missing columns or counts the rows",
    ),
    "rows-merged": (
        "Rows that agree in all that is asked for are one, with their number.",
        "nothing to do, unless a playbook counts the rows",
    ),
    "rows-repeated": (
        "An event that several parts of a union find is several rows in the query, one in the output.",
        "nothing to do, unless a playbook counts the rows",
    ),
    "expanded-rows": (
        "The query gives a row for each element of an array, the output one for the event.",
        "nothing to do, unless a playbook counts the rows",
    ),
    "indicator-list": (
        "Threat indicators are a list, which the platform that holds them has to fill.",
        "fill the list from the platform that holds the indicators, and renew it as they expire",
    ),
    "list-condition": (
        "A condition on a list is left to whoever keeps the list.",
        "keep out of the list what does not satisfy the condition, expired indicators above all",
    ),
    "first-seen-list": (
        "What was seen in an earlier window is a list, which a search has to renew.",
        "keep the list with a scheduled search over the earlier window; an empty value belongs in it where events there lacked the field",
    ),
    "arbitrary-row": (
        "The query takes any values of a set up to a limit, or of a key that a bag has of several rows, or rows sorted alike in any order; "
        "the output takes those it finds first.",
        "write a greater limit in the KQL where each of them is to be there, and sort by what tells rows apart",
    ),
    "empty-entity": (
        "Events without the key are a group in KQL, and none in the output; they name no entity.",
        "nothing to do: an alert whose only entity is empty identifies nothing",
    ),
    "table-left-out": (
        "A part of a union is left out, since no place is known for its table.",
        "nothing to do, unless the site has these events: name their place with --mapping FILE",
    ),
    "enrichment-dropped": ("A join that only adds columns is left out.", "join the enrichment where the alert is handled"),
}

_MORE_EVENTS: Words = {
    "scope-dropped": (
        "The rule looks at groups of devices alone, and no event says which group its device is in.",
        "nothing to do where the product has those devices alone; else ask for them by their names in the KQL",
    ),
    "empty-array": (
        "An event whose array is empty is no row in the query, and is found by the output.",
        "nothing to do where the array has elements as a rule; else ask for one of them in the KQL",
    ),
    "first-match": (
        "The KQL asks something of the first place where a pattern matches, the output of any.",
        "nothing to do where the pattern matches one place of the text as a rule",
    ),
    "bound-included": (
        "Two events exactly so far apart count in the output, and not in the KQL.",
        "nothing to do, unless it matters that events are not exactly that far apart",
    ),
    "key-finer": (
        "A key is computed from fields: the output groups by the fields.",
        "count by the computed key where the product can compute it",
    ),
    "counted-field": (
        "The KQL counts values that it computes from a field, the output those of the field.",
        "raise the threshold, or count the computed value where the product can compute it",
    ),
    "key-dropped": (
        "A computed key is left out: the output groups by the other keys.",
        "add the computed key where the product can compute it",
    ),
    "absence-anchoring": (
        "The KQL wants no such event in its whole window, Sigma none after the other event.",
        "nothing to do where the absent event follows the other one; else use the native output",
    ),
    "few-anchoring": (
        "`fewer than`: the KQL counts its whole window, Sigma at each event what came before it.",
        "use the native output, or a backend that counts over whole windows: few events so far may be many at the end",
    ),
    "adjacent-rows": (
        "`prev()` and `next()` want events next to each other; the output lets others stand between.",
        "nothing to do where it does not matter what happens in between",
    ),
    "one-event-of-group": (
        "The KQL asks something of one event of each group, such as the latest, the output of any of them.",
        "nothing to do where it does not change from event to event; else check the latest event",
    ),
    "entities-gathered": (
        "An entity is taken from all events of a key, the query takes it from those that it joins, or from one of a group.",
        "read the entity from the events of the alert where several are shown; of a group the latest, where the query takes that",
    ),
    "elements-apart": (
        "The KQL asks several conditions of one element of an array, the output each of any element.",
        "nothing to do where an array has one element as a rule",
    ),
    "first-seen-dropped": (
        "That something was not seen in an earlier window has no form in the target and is left out.",
        "alert on new values only: a new_terms rule in Elastic, a lookup of known values in Splunk",
    ),
    "type-assumed": (
        "The type of a field is not known: it is taken for a text.",
        "add isnotempty(...) for the field to the KQL, unless the field is a text",
    ),
    "list-terms": (
        "The KQL searches a text for the values of a list as whole terms, the output for any part.",
        "keep no values in the list that are parts of longer words",
    ),
    "list-dropped": (
        "A list has no form there and is left out.",
        "add the list by hand before this is switched on: all that passes the other conditions alerts without it",
    ),
    "condition-dropped": (
        "A condition has no form in the target and is left out.",
        "add this condition by hand where the product can say it",
    ),
    "time-rounded": (
        "`datetime_diff()` counts the units that begin between two times, the output how far they are apart.",
        "compare the difference of the times with a timespan in the KQL",
    ),
    "count-weakened": (
        "The target cannot count there: the output asks for what there must be at least.",
        "use the output in SPL or ES|QL, which counts",
    ),
    "row-limit": ("`take` or `top` keeps some of the rows, the output has all.", "expect more rows, or limit them in the product"),
    "line-feed-at-end": (
        "`$` in a pattern of the target is also before a line feed that ends the value.",
        "nothing to do, unless values end with a line feed",
    ),
    "values-merged": (
        "The product has one value, or no field, for several values of the column: events with the others are found too.",
        "nothing to do where events with the other values do not satisfy the other conditions",
    ),
    "value-within": (
        "The product's field holds the value among other text.",
        "nothing to do where what is looked for stands in this part of the text alone",
    ),
    "events-more": (
        "The place that is read has other events as well, which nothing documented tells apart.",
        "add what tells the events that are meant, or choose another home with --home",
    ),
    "trigger-threshold": (
        "The rule alerts from a number of rows on, which the output does not ask for.",
        "set the number of results at which it alerts where the output is scheduled",
    ),
    "tried-broader": ("A proof found events for which the output alerts and the KQL does not.", "kql2sigma verify shows the events"),
    "window-widened": (
        "Parts of the query look back differently far; the output takes the longest window for all.",
        "use an output that keeps the window of each part, as SPL and ES|QL do as a rule; else expect alerts for older events",
    ),
    "bucket-widened": (
        "The KQL counts in buckets of time, the output over a longer or a sliding time.",
        "use the output for a rule whose period is as long as the buckets of the summary",
    ),
    "window-dropped": ("A window of time is left out.", "limit the search to the window where it is scheduled"),
    "logsource-dropped": (
        "The pySigma backend leaves the log source out.",
        "pass --pipeline, or name the index or source of the events by hand",
    ),
    "order-dropped": ("The pySigma backend leaves the order of the events out.", "check the order of the events in the alert"),
    "case-ignored": (
        "The KQL compares with case; the target does not, or the product keeps the value in one case.",
        "Sigma: pass --prefer exact, for backends that know cased; else give the value in each case that it comes in, or do nothing"
        " where no other value differs from it by case alone",
    ),
    "term-as-text": (
        "The KQL looks for a whole term, the output for its text anywhere.",
        "pass --prefer exact: the term is then a regular expression",
    ),
    "one-row-per-key": (
        "The query filters or counts behind a join that keeps one row of its left side for each key, the output all of them.",
        "write kind=inner: with the default kind, KQL filters or counts one arbitrary row of each key, the output all of them",
    ),
    "value-case": ("The KQL counts values without case, the output with it.", "normalize the case of this field when it is ingested"),
    "array-compared": (
        "A field may hold an array or an object: the KQL compares its whole text, the output each value.",
        "nothing to do where the field has one value; else check how this product compares several",
    ),
    "window-elsewhere": ("The SQL has no filter for the rule's period.", "give the query the rule's window where it is scheduled"),
}

_FEWER_EVENTS: Words = {
    "number-in-text": (
        "The KQL reads a number in a text, of which the output knows the plain spelling.",
        "nothing to do where numbers are stored without signs, spaces, fractions and other bases",
    ),
    "entities-missed": (
        "An alert has some of the events that the query shows: in EQL one of each side, or none of what is joined for its columns alone.",
        "look for the other events of the key, or use the output in SPL or ES|QL, which gathers their entities",
    ),
    "ascii-classes": (
        "`\\w`, `\\d` and `\\s` are classes of ASCII characters in the target, of all Unicode in KQL.",
        "nothing to do where the values are of ASCII characters; [0-9] and [[:word:]] say that in the KQL",
    ),
    "events-elsewhere": (
        "The place that is read lacks some events of the table.",
        "ask for the events that are meant in the KQL, or choose another home with --home",
    ),
    "value-longer": (
        "The product's field has more behind the value.",
        "compare with the beginning of the value where the product has more behind it",
    ),
    "tried-narrower": ("A proof found events for which the KQL alerts and the output does not.", "kql2sigma verify shows the events"),
    "window-bucketed": (
        "The pySigma backend counts in fixed buckets of time.",
        "choose a backend whose windows slide, or the native output",
    ),
    "window-at-run": (
        "The output looks at the time before each run, the KQL at all windows of its period.",
        "run it more often than that window is long: what falls between two runs is missed",
    ),
    "window-since": (
        "The query, of a rule without a period, asks for events since a moment of the calendar, or before one.",
        "set queryPeriod in the rule, or pass --timespan",
    ),
    "missing-negated": (
        "The pySigma backend leaves out events that lack the field, under `not` as well.",
        "use the native output, which asks for missing fields as well",
    ),
    "term-as-value": (
        "The KQL searches a text for values, the output compares them with the whole of it.",
        "nothing to do where the field holds nothing but such a value, as an identifier does",
    ),
    "joined-with-itself": (
        "One event that satisfies both sides of a join is joined with itself in KQL, not in the output.",
        "use the output in SPL or ES|QL; or nothing, where one event can never satisfy both sides of the join",
    ),
    "empty-listed": (
        "Events without the value are found among what was seen in KQL, and not in the list.",
        "add isnotempty(...) for the key to the KQL: an empty key never identifies anything",
    ),
    "empty-join-key": (
        "Events without the join key match each other in KQL; the output leaves them out, or those whose key is empty and not missing.",
        "add isnotempty(...) for the join key to the KQL: an empty key never identifies anything",
    ),
    "key-case": (
        "The KQL compares or groups by a value without case, the output with it.",
        "normalize the case of these fields when they are ingested",
    ),
    "ascii-case": (
        "The target ignores the case of the letters A to Z, the KQL that of all letters.",
        "give the word in each case that it comes in",
    ),
    "missing-value": (
        "Events without the counted field count as one more value in KQL.",
        "add isnotempty(...) to the KQL, or lower the threshold by one: it counts a missing text as one more distinct value",
    ),
    "lone-element": (
        "The KQL takes apart what need not be an array, of which a value that stands there alone is a row too; the output finds arrays.",
        "nothing to do where an array stands there in every event",
    ),
    "sum-of-none": (
        "A sum or an average of no values is a group in KQL, and none in the output.",
        "add isnotnull(...) for the value to the KQL, unless such groups matter",
    ),
    "alternative-dropped": (
        "A part of a union, or of an `or`, has no form in the target and is left out.",
        "make a rule of its own of the part that is left out, or rewrite that part",
    ),
    "counted-twice": (
        "An event that is in two parts of a union counts twice in the KQL, once in the output.",
        "make the parts of the union exclude each other, or lower the threshold",
    ),
    "constant-key": (
        "Events whose key the query sets to a constant are left out.",
        "make a rule of its own of the events whose key is the constant",
    ),
    "object-as-text": (
        "The KQL searches the text of a JSON value, which the product has no field for.",
        "keep the text of the JSON value in a field of that name, or search in its parts",
    ),
    "address-alone": (
        "The KQL also reads addresses with a prefix or with spaces around, the output plain ones.",
        "nothing to do where the field holds nothing but addresses",
    ),
    "json-in-string": (
        "A text that holds JSON has to be parsed when it comes in, and is not found as long as it is not.",
        "parse the field as JSON where it is taken in",
    ),
}

_OTHER_EVENTS: Words = {
    "operator-dropped": (
        "A part of the query has no words in the target. What is left is a start for a person.",
        "do not rely on it as it is: write this part by hand, or use another target for this rule",
    ),
    "element-negated": (
        "The KQL asks for an element that differs, the output for none that is equal.",
        "ask in the KQL for the values that are wanted: an array that holds the excluded one beside others is missed",
    ),
    "number-in-value": (
        "The KQL reads a number in a value, which the output compares as the product does.",
        "nothing to do where the value is stored as a number",
    ),
    "value-differs": (
        "The product's field does not always have the value that the column has.",
        "compare the values of a few events with those of the table",
    ),
    "computed-column": (
        "A column is computed from others by a formula that does not always give its value.",
        "compare the formula with a few events: how Azure computes this column is not documented",
    ),
    "tried-differs": (
        "A proof found events for both: it alerts where the KQL does not, and does not where the KQL does.",
        "kql2sigma verify shows the events",
    ),
    "trigger-condition": (
        "The rule alerts where there are few rows, or exactly so many, which the output does not ask for.",
        "set the number of results at which it alerts where the output is scheduled",
    ),
    "backend-differs": ("The pySigma backend writes something else than the Sigma says.", "use the native output, or another backend"),
    "window-of-days": (
        "The window of the query goes by whole days, that of the output by its run.",
        "run the output at midnight where whole days matter",
    ),
    "window-shifted": (
        "The query looks only at events that are older than the time of the search.",
        "run the search over that earlier window",
    ),
    "array-element": (
        "The KQL reads one element of an array, the output any of them.",
        "check how this product stores the array, and name the field with --mapping FILE",
    ),
    "measured-twice": (
        "An event that is in two parts of a union is measured twice in the KQL, once in the output.",
        "make the parts of the union exclude each other",
    ),
    "text-of-json": (
        "The KQL parses a text that may be JSON itself; the output reads it as it is stored, with its quotes.",
        "compare it with texts by ==, in, has, contains, startswith or endswith, which know both, or name the rule's entities otherwise",
    ),
    "count-approximate": (
        "The target counts many different values by estimate.",
        "expect alerts to differ where the count is close to the threshold",
    ),
    "percentile-method": (
        "The target computes percentiles in another way.",
        "expect alerts to differ where the percentile is close to the threshold",
    ),
    "unverified-dialect": (
        "The SQL was written for a product and not run there.",
        "compare its rows with those of kql2sigma run on the same data before it is relied on",
    ),
}

_REFUSALS: Words = {
    "trigger-absence": (
        "The rule alerts where there are no rows, which this target cannot ask for.",
        "use the output in SPL or ES|QL, which count what is not there",
    ),
    "unsupported-operator": (
        "An operator, a plugin or a function has no form in the target.",
        "rewrite the query without this operator",
    ),
    "unsupported-series": (
        "Series and anomalies have no form in the target.",
        "Elastic: a machine-learning job (high_count, rare); Splunk: anomalydetection, or its Machine Learning Toolkit",
    ),
    "unsupported-expression": ("A condition that decides has no form in the target.", "rewrite the condition on stored fields"),
    "unsupported-join": ("A join has no form in the target.", "join on one common set of keys, with kind=inner"),
    "too-large": (
        "The query would be too long, since its columns are computed from each other.",
        "compute these columns in fewer steps, each from fewer of the others",
    ),
    "unsupported-detection": ("The query as a whole has no form in the target.", "use the output in SPL or ES|QL, which say more"),
    "target-cannot": ("The target has no way to say this.", "use another target for this rule"),
}

CODES = {
    code: Code(effect, meaning, advice)
    for effect, codes in (
        (Effect.NOTE, _NOTES), (Effect.ROWS, _OTHER_ROWS), (Effect.MORE, _MORE_EVENTS), (Effect.FEWER, _FEWER_EVENTS),
        (Effect.EITHER, _OTHER_EVENTS), (Effect.REFUSED, _REFUSALS),
    )
    for code, (meaning, advice) in codes.items()
}  # fmt: skip
"""Every code, in one table: a message is written where the deviation is found, its effect and advice stand here."""
