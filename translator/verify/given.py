"""Texts that somebody else wrote, and where they look for events.

A table may be kept in several places, of which outputs read the catalog's first; a text that asks for another one is tried there.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from lark import Token, Tree
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule

from translator import catalog
from translator.catalog.filled import may_fill, type_of
from translator.catalog.site_files import FAMILY_OF
from translator.catalog.splunk_macros import definition
from translator.fidelity import Diagnostic, FilledList, ReadList, Verdict, verdict_of
from translator.pipeline import Conversion
from translator.targets.base import Options, Output
from translator.targets.choice import chosen_name, homes_of
from translator.targets.names import ORIGINALS
from translator.verify import sigma
from translator.verify.eql import syntax as eql
from translator.verify.esql import parse as parse_esql
from translator.verify.esql import syntax as esql
from translator.verify.named_lists import lists_named
from translator.verify.reading import NotReadable
from translator.verify.spl.syntax import Command, expanded, name_of, worded
from translator.verify.taken_apart import nodes_of, searches

_Kept = TypeVar("_Kept")

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
    own = conversion.outputs.get(target)
    try:
        asked = [*_ASKED[target](text)] if options.fields != "source" else []
    except NotReadable:
        asked = []
    for name in conversion.tables if asked else ():
        table, usual = catalog.table(name), homes_of(name, family, options)
        every = (*usual, *(table.homes.get(family, ()) if table is not None else ()))
        read = [h for h in every if any(_reads(h.marks, one, family) for one in asked)]
        if own is not None and (also := [n for h in read if (n := chosen_name(name, h)) in own.homes]):
            homes += also  # where this project's own translation reads the table as well
        elif not any(h in usual for h in read):
            homes += [chosen_name(name, h) for h in read]
        elif "event.original" in text and not any(map(_has_original, usual)):
            homes += [chosen_name(name, h) for h in read if _has_original(h)]
        if every and not read and any(asked):
            wanted = " or ".join(" ".join(f"{key}={'/'.join(sorted(values))}" for key, values in one.items()) for one in asked if one)
            where = ", ".join(dict.fromkeys(map(str, usual)))
            what = f"the text looks in {wanted}; events of {name} are known in {where}, unless a mapping says where a site has them"
            diagnostics.append(Diagnostic("place-unknown", what))
    found = Output(target, (text,), tuple(diagnostics), lane=GIVEN, homes=tuple(homes))
    return _with_lists(found, own)


def _has_original(home: catalog.Home) -> bool:
    """Whether a site keeps in a home what integrations drop of their events' texts unless they are told otherwise."""
    return any(isinstance(column, catalog.Stored) and column.type in ORIGINALS for column in home.columns.values())


def _with_lists(found: Output, own: Output | None) -> Output:
    """A text with the lists of this project's own translation, of which it is known what they are to hold.

    Those are lists that it names as that does; or the one that it names otherwise, where that has one as well.
    """
    if own is None:
        return found
    said = tuple(d for d in own.diagnostics if isinstance(d.fact, FilledList | ReadList))
    names = sorted({d.fact.name for d in said if isinstance(d.fact, FilledList | ReadList)})
    if not names or verdict_of(said) not in (Verdict.EXACT, Verdict.SAME_ALERTS):
        return found
    named = {name for text in found.texts for name in lists_named(found.target, text)}
    known = {name for name in names if any(re.search(rf"\b{re.escape(name)}\b", text) for text in found.texts)}
    if not known and len(names) == 1 and len(named) == 1:
        own, said = _renamed(own, said, *names, *named)
    elif not known:
        return found
    diagnostics = (*found.diagnostics, *said)
    return dataclasses.replace(found, diagnostics=diagnostics, lookups=own.lookups, tables=own.tables, histories=own.histories)


def _renamed(own: Output, said: tuple[Diagnostic, ...], name: str, other: str) -> tuple[Output, tuple[Diagnostic, ...]]:
    """An output and what it says of its list, with the list by another name."""
    facts = (d.fact for d in said)
    renamed = (dataclasses.replace(f, name=other) if isinstance(f, FilledList | ReadList) else f for f in facts)

    def keyed(of: Mapping[str, _Kept]) -> dict[str, _Kept]:
        return {other if key == name else key: kept for key, kept in of.items()}

    output = dataclasses.replace(own, lookups=keyed(own.lookups), tables=keyed(own.tables), histories=keyed(own.histories))
    return output, tuple(dataclasses.replace(d, fact=fact) for d, fact in zip(said, renamed, strict=True))


def lists_of(output: Output) -> list[str]:
    """The names of the lists of an output."""
    return sorted({d.fact.name for d in output.diagnostics if isinstance(d.fact, FilledList | ReadList)})


@functools.lru_cache(maxsize=64)
def fields_asked(target: str, text: str) -> Mapping[str, str]:
    """The fields that a text compares with values, each with one of them, and those by which it groups events, with none."""
    read = {"splunk": _fields_of_spl, "sigma": _fields_of_sigma, "eql": _fields_of_eql, "esql": _fields_of_esql}
    found = dict[str, str]()
    with suppress(NotReadable):
        for name, values in read[target](text):
            found[name] = found.get(name) or min(values, default="")
    return MappingProxyType(found)


def may_be_mapped(text: str) -> dict[str, str]:
    """The types of fields that a text of ES|QL names and that integrations fill by rules of their own, whether they do so or not."""
    with suppress(NotReadable):  # which is said where it is run
        return {name: type_of(name) for name in _columns_of_esql(nodes_of(parse_esql(text))) if may_fill("elastic", name)}
    return {}


def says_categories(text: str) -> bool:
    """Whether a text of EQL asks for events of a category, as a rule does that has its index pattern beside the text."""
    try:
        return all(node.category is not None for node in nodes_of(eql.parse(text)) if isinstance(node, eql.Filter))
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
    for read in searches(text):
        found = dict[str, frozenset[str]]()
        for command in read:
            for field, values in (*_terms_of(command), *_settings_of(command)):
                if field in _PLACES:
                    found[field] = found.get(field, frozenset()) | values
        yield found


def terms_of_searches(text: str) -> Iterator[list[tuple[str, frozenset[str]]]]:
    """Of each search of a text of SPL without macros, subsearches too, the fields and values that its terms ask for.

    Raises:
        NotReadable: where it cannot be taken apart.
    """
    for read in searches(text):
        yield [term for command in read for term in _terms_of(command)]


def _terms_of(command: Command) -> Iterator[tuple[str, frozenset[str]]]:
    """The fields and values that the terms of a command ask for."""
    for part in _parts_of(command):
        words = [str(c) for c in part.children]
        match part.data, words:
            case "comparison", [field, "=" | "==", value]:
                yield name_of(field), frozenset({worded(value)})
            case "membership", [field, _, *values]:
                yield name_of(field), frozenset(map(worded, values))


def _settings_of(command: Command) -> Iterator[tuple[str, frozenset[str]]]:
    """What a command says beside its terms, such as the data model that it searches."""
    for part in _parts_of(command):
        if part.data in ("option", "setting"):
            name, _, value = str(part.children[0]).partition("=")
            yield name, frozenset({worded(value)})


def _parts_of(command: Command) -> Iterator[Tree[Token]]:
    """The parts of a command that searches."""
    if command.name in ("search", "tstats"):
        yield from command.tree("search" if command.name == "search" else "accelerated").iter_subtrees()


def _fields_of_spl(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    for read in searches(text):
        for command in read:
            yield from ((field, values) for field, values in _terms_of(command) if field not in _PLACES)
            if command.name in ("stats", "tstats"):
                by = command.tree("accelerated" if command.name == "tstats" else "statistics").find_data("by")
                yield from ((name_of(str(key.children[0])), frozenset()) for part in by for key in part.find_data("key"))


def _fields_of_sigma(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    for rule in sigma.parse(text).rules:
        waiting: list[object] = [*rule.detection.detections.values()] if isinstance(rule, SigmaRule) else []
        while waiting:
            match waiting.pop():
                case SigmaDetection(detection_items=items):
                    waiting += items
                case SigmaDetectionItem(field=str(field), value=values):
                    yield field, frozenset(map(str, values))


def _fields_of_eql(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    return _compared(nodes_of(eql.parse(text)))


def _fields_of_esql(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Those that may be in the mapping whatever is known of it: a query that names others is refused."""
    nodes = [*nodes_of(parse_esql(text))]
    made = {node.name for node in nodes if isinstance(node, esql.Named) and not isinstance(node.expression, esql.Column)}
    keys = (key.expression for node in nodes if isinstance(node, esql.Stats) for key in node.keys)
    grouped = ((key.name, frozenset[str]()) for key in keys if isinstance(key, esql.Column))
    for name, values in (*_compared(nodes), *grouped):
        if name not in made and may_fill("elastic", name):
            yield name, values


def _columns_of_esql(nodes: Iterable[Any]) -> Iterator[str]:
    """The columns that a text reads or keeps, also those that it makes itself."""
    for node in nodes:
        match node:
            case esql.Column(name=name) | esql.Pattern(name=name, wild=False) | esql.MvExpand(column=name):
                yield name


_DATASETS = frozenset({"event.dataset", "data_stream.dataset"})


def _of_esql(text: str) -> Iterator[Asked]:
    nodes = [*nodes_of(parse_esql(text))]
    patterns = frozenset(
        p.strip() for n in nodes if isinstance(n, esql.From) for s in n.sources if isinstance(s, str) for p in s.split(",")
    )
    yield {"index": patterns, **_datasets(nodes)}


def _of_eql(text: str) -> Iterator[Asked]:
    yield _datasets([*nodes_of(eql.parse(text))])


def _datasets(nodes: Iterable[Any]) -> Asked:
    """The data sets that conditions compare with."""
    found = frozenset(value for name, values in _compared(nodes) if name in _DATASETS for value in values)
    return {"dataset": found} if found else {}


def _compared(nodes: Iterable[Any]) -> Iterator[tuple[str, frozenset[str]]]:
    """The fields that conditions of ES|QL and EQL compare with texts, and these."""
    for node in nodes:
        match node:
            case esql.Binary(operator="==", left=esql.Column(name=name), right=esql.Literal(value=str(value))):
                yield name, frozenset({value})
            case esql.In(subject=esql.Column(name=name), values=values):
                yield name, frozenset(str(v.value) for v in values if isinstance(v, esql.Literal))
            case eql.Comparison(operator="==", left=eql.Field(name=name), right=eql.Literal(value=str(value))):
                yield name, frozenset({value})
            case eql.Among(subject=eql.Field(name=name), values=values):
                yield name, frozenset(str(v.value) for v in values if isinstance(v, eql.Literal))
            case eql.Pattern(subject=eql.Field(name=name), patterns=patterns):
                yield name, frozenset(patterns)


_ASKED: Mapping[str, Callable[[str], Iterator[Asked]]] = {"sigma": _of_sigma, "splunk": _of_spl, "esql": _of_esql, "eql": _of_eql}
