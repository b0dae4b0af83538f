"""What a pySigma backend loses of a rule in silence: drops, or writes as something else.

What it drops is found by experiment, with any backend: where it writes the same query for a rule that says something else, it has
dropped the difference. What it writes wrongly stands in ``LOSSES``, each entry held against the backend by a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from copy import deepcopy
from typing import Any

from translator.fidelity import Diagnostic

Document = dict[str, Any]

_REGEX = "backend-differs", "compares a regular expression with the whole value, and reads its anchors and flags as text"
_CASE = "backend-differs", "compares text with case, in fields of type keyword at least, where Sigma ignores case"
_BUCKETS = "window-bucketed", "counts in fixed buckets of time, not in sliding windows"
_EVENT_IDS = "backend-differs", "counts the values of EventID instead of the rules"

LOSSES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("splunk", "window"): _BUCKETS,
    ("esql", "window"): _BUCKETS,
    ("eql", "several-counted"): ("backend-differs", "wants an event of every rule in order, where any of them counts"),
    ("eql", "distinct"): ("backend-differs", "counts events with one value, not the different values"),
    ("eql", "ordered"): ("backend-differs", "asks the last event of a sequence to repeat"),
    ("esql", "negation"): ("missing-negated", "leaves out events that lack the field wherever it compares, under not as well"),
    ("kusto", "null"): ("backend-differs", "asks isnull() of a field, which no string is"),
    ("lucene", "regex"): _REGEX,
    ("elastalert", "regex"): _REGEX,
    ("opensearch_lucene", "regex"): _REGEX,
    ("esql", "regex"): _REGEX,
    ("eql", "regex"): _REGEX,
    ("loki", "regex"): ("backend-differs", "compares a regular expression with the whole value"),
    ("open_search_ppl", "regex"): ("backend-differs", "writes match(), which in PPL searches for words"),
    ("lucene", "text"): _CASE,
    ("elastalert", "text"): _CASE,
    ("opensearch_lucene", "text"): _CASE,
    ("esql", "text"): _CASE,
    ("open_search_ppl", "text"): _CASE,
    ("qradar", "text"): ("backend-differs", "writes =, of which AQL's documentation does not say that it ignores case as Sigma does"),
    ("open_search_ppl", "temporal"): _EVENT_IDS,
    ("open_search_ppl", "ordered"): _EVENT_IDS,
    ("secops", "several-values"): ("backend-differs", "looks for the values anywhere in the field, where Sigma compares with all of it"),
    ("splunk_spl2", "or-within-and"): ("backend-differs", "leaves out the parentheses of an OR within an AND"),
}
"""Code and message by backend and feature of the Sigma: what stock backends write as something else.

Source: the output of pysigma-backend-splunk 2.1.0, -elasticsearch 2.1.1, -kusto 1.0.1, -loki 0.15.1, -opensearch 2.0.3, -qradar 0.3.3,
-secops 1.0.0, read with the documentation of their languages: LogQL, Log queries ("fully anchored"); Elasticsearch, Regexp syntax (no
anchors); OpenSearch PPL, Relevance functions (MATCH); AQL, Logical and comparison operators.
"""


def features(documents: list[Document]) -> set[str]:
    """What ``LOSSES`` may hold a backend to: windows, order, regular expressions, text, missing fields, negation, alternatives."""
    found: set[str] = set()
    for document in documents:
        correlation = document.get("correlation")
        if correlation is not None:
            found.add("window")
            kind = correlation["type"]
            found |= {"temporal_ordered": {"ordered"}, "temporal": {"temporal"}, "value_count": {"distinct"}}.get(kind, set())
            if kind == "event_count" and len(correlation["rules"]) > 1:
                found.add("several-counted")
            continue
        condition = str(document["detection"]["condition"])
        found |= {"negation"} if _NOT.search(condition) else set()
        items = list(_detected(document))
        for key, value in items:
            _, *modifiers = key.split("|")
            values = value if isinstance(value, list) else [value]
            texts = [v for v in values if isinstance(v, str) and v]
            if None in values:
                found.add("null")
            if "re" in modifiers:
                found.add("regex")
            elif not {"cased", "cidr", "fieldref", "expand"} & {*modifiers}:
                found |= {"text"} if any(t.lower() != t.upper() for t in texts) else set()
                found |= {"several-values"} if len(texts) > 1 and not {"contains", "startswith", "endswith"} & {*modifiers} else set()
        spelled_out = any(isinstance(v, list) and ("|" in key or None in v) for key, v in items)  # others are lists in the query, too
        if len(items) > 1 and (" or " in condition or spelled_out):
            found.add("or-within-and")
    return found


def _items(block: Any) -> Iterator[tuple[str, Any]]:
    """The fields with modifiers and their values, of a detection that is a map or a list of maps."""
    for member in block if isinstance(block, list) else [block]:
        if isinstance(member, dict):
            yield from member.items()


_NOT = re.compile(r"\bnot\b")
"""The word in a condition of Sigma; names have only letters, digits and underscores."""


def losses(backend: str, documents: list[Document], written: list[str], convert: Callable[[list[Document]], list[str]]) -> list[Diagnostic]:
    """What of ``documents`` is not in what the backend has ``written``.

    Args:
        convert: What the backend writes for other documents. Whatever it raises is taken for a difference.
    """
    known = [LOSSES[backend, f] for f in sorted(features(documents)) if (backend, f) in LOSSES]
    found = [Diagnostic(code, f"the backend {backend} {what}") for code, what in known]
    for code, what, change in _changes(documents, _ALWAYS_SAID | ({"cased"} if LOSSES.get((backend, "text")) == _CASE else set())):
        changed = deepcopy(documents)
        for document in changed:
            change(document)
        if changed == documents:
            continue
        try:
            same = convert(changed) == written
        except Exception:
            continue
        if same:
            found.append(Diagnostic(code, f"the backend {backend} leaves out {what}"))
    return found


Change = Callable[[Document], None]


_ALWAYS_SAID = {"cidr"}
"""Modifiers that need no word: query languages read the text of a network as one, wherever the field is an address."""


def _changes(documents: list[Document], said: Set[str]) -> Iterator[tuple[str, str, Change]]:
    """Other things that the documents might say, the modifiers ``said`` apart: the code and the name of what tells them apart."""
    for part in ("product", "category", "service"):
        yield "logsource-dropped", f"the {part} of the log source", _elsewhere(part)
    yield "window-dropped", "the window of time", _within("timespan", lambda span: f"{int(span[:-1]) + 1}{span[-1]}")
    yield "order-dropped", "the order of the events", _within("type", lambda kind: kind.removesuffix("_ordered"))
    yield "backend-differs", "the keys that the events have in common", _without("group-by")
    yield "backend-differs", "which fields of the rules are the same key", _without("aliases")
    yield "backend-differs", "the threshold", _within("condition", _other_threshold)
    for modifier in sorted({m for d in documents for key, _ in _detected(d) for m in key.split("|")[1:]} - said):
        yield "backend-differs", f"the modifier {modifier}", _unmodified(modifier)
    yield "backend-differs", "that an empty field is not a missing one", _never_missing
    for number in range(max((len(_NOT.findall(c)) for d in documents for _, c in _conditions(d)), default=0)):
        yield "backend-differs", "a negation", _affirmed(number)


def _detected(document: Document) -> Iterator[tuple[str, Any]]:
    for name, block in document.get("detection", {}).items():
        if name != "condition":
            yield from _items(block)


def _conditions(document: Document) -> Iterator[tuple[Document, str]]:
    """The parts of a document that have a condition in words, with it."""
    for part in (document.get("detection", {}), document.get("correlation", {})):
        if isinstance(condition := part.get("condition"), str):
            yield part, condition


def _elsewhere(part: str) -> Change:
    def change(document: Document) -> None:
        if part in document.get("logsource", {}):
            document["logsource"][part] = "another"

    return change


def _within(key: str, other: Callable[[Any], Any]) -> Change:
    def change(document: Document) -> None:
        correlation = document.get("correlation", {})
        if key in correlation:
            correlation[key] = other(correlation[key])

    return change


def _without(key: str) -> Change:
    def change(document: Document) -> None:
        document.get("correlation", {}).pop(key, None)

    return change


def _other_threshold(condition: Any) -> Any:
    if not isinstance(condition, dict):
        return condition
    return {k: v + 1 if isinstance(v, int | float) else v for k, v in condition.items()}


def _unmodified(modifier: str) -> Change:
    def spelled(key: str) -> str:
        name, *modifiers = key.split("|")
        return "|".join([name, *(m for m in modifiers if m != modifier)])

    return _each_map(lambda block: {spelled(k): v for k, v in block.items()})


def _never_missing(document: Document) -> None:
    def present(value: Any) -> Any:
        return [v for v in value if v is not None] if isinstance(value, list) and None in value else value

    _each_map(lambda block: {k: present(v) for k, v in block.items()})(document)


def _each_map(other: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    def change(document: Document) -> None:
        detection = document.get("detection", {})
        for name, block in detection.items():
            if isinstance(block, dict):
                detection[name] = other(block)
            elif isinstance(block, list):
                detection[name] = [other(m) if isinstance(m, dict) else m for m in block]

    return change


def _affirmed(number: int) -> Change:
    """The condition without its ``number``-th ``not``."""

    def change(document: Document) -> None:
        for part, condition in _conditions(document):
            if number < len(found := list(_NOT.finditer(condition))):
                part["condition"] = condition[: found[number].start()] + condition[found[number].end() :]

    return change
