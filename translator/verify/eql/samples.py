"""Samples of EQL: for each key that all filters have, one event of each, all different.

Facts: EQL syntax reference, "Samples"; SampleIterator.java of Elasticsearch (one sample for each key unless ``max_samples_per_key`` says
more; keys in their order); a field of several values stands for each of them, as in any composite aggregation.
"""

from __future__ import annotations

from translator.verify.eql.conditions import Conditions
from translator.verify.eql.documents import Document
from translator.verify.eql.sequences import Key, keys_of, shown
from translator.verify.eql.syntax import Sample
from translator.verify.reading import Row


def run(query: Sample, conditions: Conditions, found: list[Document]) -> list[Row]:
    """The samples of a query. Which of several events stands in one is the server's choice: here the first that can."""
    members: list[dict[Key, list[Document]]] = []
    for member in query.members:
        keyed: dict[Key, list[Document]] = {}
        for document in conditions.chosen(found, member.filter):
            for key in keys_of(document, member.keys):
                keyed.setdefault(key, []).append(document)
        members.append(keyed)
    rows: list[Row] = []
    for key in sorted(set(members[0]).intersection(*members[1:]), key=shown):
        # As many events as there are filters are enough to find different ones among them.
        chosen = _different([m[key][: len(members)] for m in members], [])
        if chosen is not None:
            rows.append({"events": [d.row for d in chosen], "join_keys": list(key)})
    return rows


def _different(candidates: list[list[Document]], chosen: list[Document]) -> list[Document] | None:
    """One document of each list, none twice."""
    if len(chosen) == len(candidates):
        return chosen
    for document in candidates[len(chosen)]:
        if all(document is not other for other in chosen):
            found = _different(candidates, [*chosen, document])
            if found is not None:
                return found
    return None
