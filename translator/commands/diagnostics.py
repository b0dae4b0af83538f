"""``kql2sigma diagnostics``: every code that an output can carry, what it does, what it means, and what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

from translator.fidelity import CODES, Effect
from translator.kql.errors import suggestion

EFFECTS: Mapping[Effect, tuple[str, str]] = {
    Effect.REFUSED: ("no output", "There is no output, or none of this part: the verdict is `none` where nothing else is left."),
    Effect.EITHER: ("more and fewer events", "Some events pass that should not, and some do not that should: `differs`."),
    Effect.MORE: ("more events", "More events pass where this was made: `broader`, and `narrower` below a negation."),
    Effect.FEWER: ("fewer events", "Fewer events pass where this was made: `narrower`, and `broader` below a negation."),
    Effect.ROWS: ("other rows or columns", "The same entities alert, with other rows or columns: `same-alerts`."),
    Effect.NOTE: ("none", "Nothing deviates, as long as what the note says is so. The verdict stays what it is."),
}  # fmt: skip
"""What each effect is called, and what it does to a verdict; the worst first."""

MEANINGS: Mapping[str, str] = {
    "absence-anchoring": "The KQL wants no such event in its whole window, Sigma none after the other event.",
    "adjacent-rows": "`prev()` and `next()` want events next to each other; the output lets others stand between.",
    "address-alone": "The KQL also reads addresses with a prefix or with spaces around, the output plain ones.",
    "alternative-dropped": "A part of a union, or of an `or`, has no form in the target and is left out.",
    "array-compared": "A field may hold an array or an object: the KQL compares its whole text, the output each value.",
    "array-element": "The KQL reads one element of an array, the output any of them.",
    "ascii-case": "The target ignores the case of the letters A to Z, the KQL that of all letters.",
    "ascii-classes": r"`\w`, `\d` and `\s` are classes of ASCII characters in the target, of all Unicode in KQL.",
    "backend-differs": "The pySigma backend writes something else than the Sigma says.",
    "bound-included": "Two events exactly so far apart count in the output, and not in the KQL.",
    "bucket-widened": "The KQL counts in buckets of time, the output over a longer or a sliding time.",
    "case-ignored": "The KQL compares with case; the target does not, or the product keeps the value in one case.",
    "column-left-out": "The product has no field for a column that the query only shows.",
    "columns-differ": "The output shows other columns than the query, or spells their values in another way.",
    "computed-column": "A column is computed from others by a formula that does not always give its value.",
    "condition-dropped": "A condition has no form in the target and is left out.",
    "constant-branch-dropped": "A part whose key is a constant that no key on the other side can equal is left out.",
    "constant-key": "Events whose key the query sets to a constant are left out.",
    "count-approximate": "The target counts many different values by estimate.",
    "count-weakened": "The target cannot count there: the output asks for what there must be at least.",
    "counted-field": "The KQL counts values that it computes from a field, the output those of the field.",
    "counted-twice": "An event that is in two parts of a union counts twice in the KQL, once in the output.",
    "element-negated": "The KQL asks for an element that differs, the output for none that is equal.",
    "elastic-version": "The query needs the version of Elasticsearch that the message names.",
    "entities-gathered": "An entity is taken from all events of a key, the query takes it from those that it joins.",
    "elements-apart": "Several conditions on one element of an array: the output takes them from any elements.",
    "empty-array": "An event whose array is empty is no row in the query, and is found by the output.",
    "empty-entity": "Events without the key are a group in KQL, and none in the output; they name no entity.",
    "empty-join-key": "Events without the join key match each other in KQL, and are left out of the output.",
    "empty-key-group": "Events without the key are one group in KQL: a correlation of their own is written for them.",
    "empty-listed": "Events without the value are found among what was seen in KQL, and not in the list.",
    "enrichment-dropped": "A join that only adds columns is left out.",
    "entity-in-events": "An entity of the rule is in the events of the alert, not in its key.",
    "address-spelling": "The KQL compares the text of an address, and the product has the address itself, spelled in one way.",
    "array-assumed": "An array is taken apart, which stands there in every event as the table is documented.",
    "equal-times": "The KQL takes events of one moment for ordered; of these Sigma says nothing.",
    "event-data-columns": "The query makes columns of the data of an event; the output reads the product's fields of these names.",
    "events-elsewhere": "The place that is read lacks some events of the table.",
    "events-more": "The place that is read has other events as well, which nothing documented tells apart.",
    "expanded-rows": "The query gives a row for each element of an array, the output one for the event.",
    "false-predicate": "A condition is never true, as `tolower(x) == \"A\"`.",
    "few-anchoring": "`fewer than`: the KQL counts its whole window, Sigma at each event what came before it.",
    "first-match": "The KQL asks the first place where a pattern matches, the output any.",
    "first-seen-dropped": "That something was not seen in an earlier window has no form in the target and is left out.",
    "first-seen-list": "What was seen in an earlier window is a list, which a search has to renew.",
    "ignored-operator": "An operator that does not decide what alerts, as `sort`, is left out.",
    "indicator-list": "Threat indicators are a list, which the platform that holds them has to fill.",
    "input-setting": "The field has the column's values only where the input of the product is set so.",
    "joined-with-itself": "One event that satisfies both sides of a join is joined with itself in KQL, not in the output.",
    "json-field": "A text that holds JSON is read as if its parts were fields.",
    "json-in-string": "A text that holds JSON has to be parsed when it comes in, and is not found as long as it is not.",
    "key-case": "The KQL compares or groups by a value without case, the output with it.",
    "key-dropped": "A computed key is left out: the output groups by the other keys.",
    "key-finer": "A key is computed from fields: the output groups by the fields.",
    "level-assumed": "The rule states no severity.",
    "line-feed-at-end": "`$` in a pattern of the target is also before a line feed that ends the value.",
    "list-at-ingest": "EQL looks nothing up: an enrich processor has to add what the list says as events come in.",
    "list-case": "The query never finds values of the list that are in another case.",
    "list-condition": "A condition on a list is left to whoever keeps the list.",
    "list-dropped": "A list has no form there and is left out.",
    "list-lookup": "A list is looked up in the product: it has to be there.",
    "list-placeholder": "A list is a placeholder of the Sigma, which a pipeline has to fill.",
    "list-rows": "The rows of a list are read from a lookup: it has to be filled.",
    "list-terms": "The KQL searches a text for the values of a list as whole terms, the output for any part.",
    "logsource-dropped": "The pySigma backend leaves the log source out.",
    "long-history": "Each run reads a long time of events.",
    "measured-twice": "An event that is in two parts of a union is measured twice in the KQL, once in the output.",
    "memory-limit": "A command of Splunk works as far as the memory goes that its limits allow.",
    "missing-negated": "The pySigma backend leaves out events that lack the field, under `not` as well.",
    "missing-value": "Events without the counted field count as one more value in KQL.",
    "missing-value-group": "Events without the counted field are one more value in KQL: a correlation of their own is written for them.",
    "now-in-query": "A part of the query has a window of its own, which ends at the time of the run.",
    "number-in-text": "The KQL reads a number in a text, of which the output knows the plain spelling.",
    "number-in-value": "The KQL reads a number in a value, which the output compares as the product does.",
    "object-as-text": "The KQL searches the text of a JSON value, which the product has no field for.",
    "one-event-of-group": "The KQL asks one event of each group, as the latest one, the output any of them.",
    "one-row-per-key": "The query filters behind a join that keeps one row of its left side for each key, the output filters all.",
    "operator-dropped": "A part of the query has no words in the target. What is left is a start for a person.",
    "order-dropped": "The pySigma backend leaves the order of the events out.",
    "path-for-name": "A file name is compared as the end of a path.",
    "percentile-method": "The target computes percentiles in another way.",
    "period-limits": "The query asks for older events than the rule's period leaves it.",
    "row-limit": "`take` or `top` keeps some of the rows, the output has all.",
    "rows-differ": "The output has other rows, of the same entities.",
    "rows-merged": "Rows that agree in all that is asked for are one, with their number.",
    "rows-repeated": "An event that several parts of a union find is several rows in the query, one in the output.",
    "setting-lost": "A setting of the rule has no place in the product.",
    "sum-of-none": "A sum or an average of no values is a group in KQL, and none in the output.",
    "table-left-out": "A part of a union is left out, since no place is known for its table.",
    "target-cannot": "The target has no way to say this.",
    "term-as-text": "The KQL looks for a whole term, the output for its text anywhere.",
    "term-as-value": "The KQL searches a text for values, the output compares them with the whole of it.",
    "time-rounded": "`datetime_diff()` counts the units that begin between two times, the output how far they are apart.",
    "too-large": "The query would be too long, since its columns are computed from each other.",
    "tried-broader": "A proof found events for which the output alerts and the KQL does not.",
    "tried-differs": "A proof found events for both: it alerts where the KQL does not, and does not where the KQL does.",
    "tried-narrower": "A proof found events for which the KQL alerts and the output does not.",
    "trigger-absence": "The rule alerts where there are no rows, which this target cannot ask.",
    "trigger-condition": "The rule alerts on few rows, which the output does not ask.",
    "trigger-threshold": "The rule alerts at a number of rows, which the output does not ask.",
    "type-assumed": "The type of a field is not known: it is taken for a text.",
    "unknown-technique": "ATT&CK has no tactic or technique of that name.",
    "unsupported-detection": "The query as a whole has no form in the target.",
    "unsupported-expression": "A condition that decides has no form in the target.",
    "unsupported-join": "A join has no form in the target.",
    "unsupported-operator": "An operator, a plugin or a function has no form in the target.",
    "unsupported-series": "Series and anomalies have no form in the target.",
    "unverified-dialect": "The SQL was written for a product and not run there.",
    "value-case": "The KQL counts values without case, the output with it.",
    "value-differs": "The product's field does not always have the value that the column has.",
    "value-longer": "The product's field has more behind the value.",
    "value-within": "The product's field holds the value among other text.",
    "values-merged": "Events that have one value of the column have no field, as those without any.",
    "values-of-one-case": "The product keeps a value in one case: values that differ by case alone are one.",
    "window-anchoring": "The KQL counts in fixed buckets of time; where a window begins, Sigma leaves to its backend.",
    "window-assumed": "Neither the query nor the rule states a window.",
    "window-at-run": "The output looks at the time before each run, the KQL at all windows of its period.",
    "window-bucketed": "The pySigma backend counts in fixed buckets of time.",
    "window-dropped": "A window of time is left out.",
    "window-elsewhere": "The SQL has no filter for the rule's period.",
    "window-in-search": "The search limits the time of its parts, and has to be run over all of it.",
    "window-of-days": "The window of the query goes by whole days, that of the output by its run.",
    "window-of-search": "The query looks at the time that a hunting search is given.",
    "window-shifted": "The query looks only at events that are older than the time of the search.",
    "window-since": "The query, of a rule without a period, asks for events since a moment of the calendar.",
    "window-widened": "Parts of the query look back differently far; the output takes the longest window for all.",
}  # fmt: skip
"""What each code says of an output; the message at its place says it of the rule."""


def print_diagnostics(names: tuple[str, ...], form: str) -> int:
    """Prints all codes, or those of ``names``. The exit status: 1 where a code is unknown."""
    known = [code for code in names or CODES if code in CODES]
    if form == "json":
        facts = [{"code": c, "effect": CODES[c].effect.value, "meaning": MEANINGS[c], "advice": CODES[c].advice} for c in known]
        sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    elif form == "markdown":
        sys.stdout.write("\n".join([*rows(known), ""]) if names else diagnostics_page())
    else:
        table = Table("code", "lets through", "meaning", "advice", highlight=False)
        for code in known:
            table.add_row(code, EFFECTS[CODES[code].effect][0], MEANINGS[code].replace("[", "\\["), CODES[code].advice.replace("[", "\\["))
        Console(emoji=False).print(table)
    missing = [name for name in names if name not in CODES]
    for name in missing:
        Console(emoji=False, stderr=True, highlight=False).print(f"{name} is no code{suggestion(name, CODES)}", markup=False)
    return 1 if missing else 0


def rows(codes: Iterable[str]) -> list[str]:
    """A table of these codes as lines of Markdown."""
    cells = ((f"`{c}`", EFFECTS[CODES[c].effect][0], MEANINGS[c], CODES[c].advice) for c in codes)
    return [
        "| code | lets through | meaning | what to do |",
        "|---|---|---|---|",
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells),
    ]


def diagnostics_page() -> str:
    """docs/diagnostics.md, generated from the table of codes."""
    out = [
        "# Diagnostics", "",
        "Generated from the table of codes by `kql2sigma diagnostics --format markdown`; `kql2sigma diagnostics CODE` shows one.",
        "A diagnostic stands at a place of the rule, and its message says what is so there. Its direction follows from the effect of its",
        "code and from that place: below a `not`, on the absent side of an anti-join or under a threshold from above, more events are",
        "fewer alerts. Where a part is only shown, a deviation changes columns alone.",
    ]  # fmt: skip
    for effect, (name, meaning) in EFFECTS.items():
        out += ["", f"## Lets through: {name}", "", meaning, "", *rows(sorted(c for c, code in CODES.items() if code.effect is effect))]
    return "\n".join([*out, ""])
