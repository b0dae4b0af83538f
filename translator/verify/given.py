"""Texts that somebody else wrote, and where they look for events.

A table may be kept in several places, of which outputs read the catalog's first; a text that asks for another one is tried there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from sigma.rule import SigmaRule

from translator import catalog
from translator.catalog.site_files import FAMILY_OF
from translator.catalog.splunk_macros import definition
from translator.fidelity import Diagnostic
from translator.pipeline import Conversion
from translator.targets.base import Options, Output
from translator.targets.choice import chosen_name, homes_of
from translator.verify import sigma
from translator.verify.eql import syntax as eql
from translator.verify.esql import parse as parse_esql
from translator.verify.esql import syntax as esql
from translator.verify.reading import NotReadable
from translator.verify.spl.syntax import Command, commands, expanded, name_of, worded

GIVEN = "given"
"""The lane of a text that somebody else wrote."""

Asked: TypeAlias = Mapping[str, frozenset[str]]
"""What one search asks of the place of its events: by key the values, of which ``*`` stands for any text."""


def given(conversion: Conversion, target: str, text: str, options: Options) -> Output:
    """A text that somebody else wrote, as an output; it says nothing of its rows, so that it has to be exact.

    It reads the homes that it asks for; where none of those that a table has is one, that is said. Macros that are known are expanded.
    """
    if target == "splunk":
        text = expanded(text, definition)
    family, homes, diagnostics = FAMILY_OF[target], list[str](), list[Diagnostic]()
    try:
        asked = [*_ASKED[target](text)] if options.fields != "source" else []
    except NotReadable:
        asked = []
    for name in conversion.tables if asked else ():
        table, usual = catalog.table(name), homes_of(name, family, options)
        every = (*usual, *(table.homes.get(family, ()) if table is not None else ()))
        read = [h for h in every if any(_reads(h.marks, one, family) for one in asked)]
        if not any(h in usual for h in read):
            homes += [chosen_name(name, h) for h in read]
        if every and not read and any(asked):
            wanted = " or ".join(" ".join(f"{key}={'/'.join(sorted(values))}" for key, values in one.items()) for one in asked if one)
            where = ", ".join(dict.fromkeys(map(str, usual)))
            what = f"the text looks in {wanted}; events of {name} are known in {where}, unless a mapping says where a site has them"
            diagnostics.append(Diagnostic("place-unknown", what))
    return Output(target, (text,), tuple(diagnostics), lane=GIVEN, homes=tuple(homes))


def says_categories(text: str) -> bool:
    """Whether a text of EQL asks for events of a category, as a rule does that has its index pattern beside the text."""
    try:
        return all(node.category is not None for node in _nodes(eql.parse(text)) if isinstance(node, eql.Filter))
    except NotReadable:  # which is said where it is run
        return False


def _reads(place: Mapping[str, Sequence[str]], asked: Asked, family: str) -> bool:
    """Whether a search finds what is in a place: all that it asks for is there, or what it asks of the keys that the place has."""
    keys = asked.keys() if family == "sigma" else asked.keys() & place.keys()
    return bool(keys) and all(any(_is_like(has, value) for has in place.get(key, ("",)) for value in asked[key]) for key in keys)


def _is_like(value: str, wanted: str) -> bool:
    return fnmatchcase(value.lower().replace("*", "default"), wanted.lower())


# --- what each language asks for


def _of_sigma(text: str) -> Iterator[Asked]:
    for rule in sigma.parse(text).rules:
        if isinstance(rule, SigmaRule):
            yield {k: frozenset({v}) for k, v in rule.logsource.to_dict().items() if k in ("category", "product", "service") and v}


_PLACES = frozenset({"sourcetype", "source", "category", "datamodel"})
"""What places of the catalog say of Splunk's events, but for the index, which a site names."""


def _of_spl(text: str) -> Iterator[Asked]:
    for terms in terms_of_searches(text):
        found = dict[str, frozenset[str]]()
        for field, values in terms:
            if field in _PLACES:
                found[field] = found.get(field, frozenset()) | values
        yield found


def terms_of_searches(text: str) -> Iterator[list[tuple[str, frozenset[str]]]]:
    """Of each search of a text of SPL without macros, subsearches too, the fields and values that its terms ask for.

    Raises:
        NotReadable: where it cannot be taken apart.
    """
    waiting = [(text, True)]
    while waiting:
        search, top = waiting.pop()
        read = commands(search, macros_pass=True, top=top)
        waiting += [(inner.text, False) for command in read for inner in command.inner.values()]
        yield [term for command in read for term in _terms_of(command)]


def _terms_of(command: Command) -> Iterator[tuple[str, frozenset[str]]]:
    """The fields and values that the terms of a command ask for."""
    if command.name not in ("search", "tstats"):
        return
    for part in command.tree("search" if command.name == "search" else "accelerated").iter_subtrees():
        words = [str(c) for c in part.children]
        match part.data, words:
            case "comparison", [field, "=" | "==", value]:
                yield name_of(field), frozenset({worded(value)})
            case "membership", [field, _, *values]:
                yield name_of(field), frozenset(map(worded, values))
            case "option" | "setting", [word]:
                name, _, value = word.partition("=")
                yield name, frozenset({worded(value)})


_DATASETS = frozenset({"event.dataset", "data_stream.dataset"})


def _of_esql(text: str) -> Iterator[Asked]:
    nodes = [*_nodes(parse_esql(text))]
    patterns = frozenset(
        p.strip() for n in nodes if isinstance(n, esql.From) for s in n.sources if isinstance(s, str) for p in s.split(",")
    )
    yield {"index": patterns, **_datasets(nodes)}


def _of_eql(text: str) -> Iterator[Asked]:
    yield _datasets([*_nodes(eql.parse(text))])


def _datasets(nodes: Iterable[Any]) -> Asked:
    """The data sets that conditions compare with."""
    found = set[str]()
    for node in nodes:
        match node:
            case esql.Binary(operator="==", left=esql.Column(name=name), right=esql.Literal(value=str(value))) if name in _DATASETS:
                found.add(value)
            case esql.In(subject=esql.Column(name=name), values=values) if name in _DATASETS:
                found |= {str(v.value) for v in values if isinstance(v, esql.Literal)}
            case eql.Comparison(operator="==", left=eql.Field(name=name), right=eql.Literal(value=str(value))) if name in _DATASETS:
                found.add(value)
            case eql.Among(subject=eql.Field(name=name), values=values) if name in _DATASETS:
                found |= {str(v.value) for v in values if isinstance(v, eql.Literal)}
            case eql.Pattern(subject=eql.Field(name=name), patterns=patterns) if name in _DATASETS:
                found |= {*patterns}
    return {"dataset": frozenset(found)} if found else {}


def _nodes(node: object) -> Iterator[Any]:
    """A node of a tree of dataclasses and all below it."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += part
        elif dataclasses.is_dataclass(part):
            yield part
            waiting += [getattr(part, f.name) for f in dataclasses.fields(part)]


_ASKED: Mapping[str, Callable[[str], Iterator[Asked]]] = {"sigma": _of_sigma, "splunk": _of_spl, "esql": _of_esql, "eql": _of_eql}
