"""Rules in YAML and JSON: what a document holds, and what each part of it is.

Sources: learn.microsoft.com/azure/templates/microsoft.securityinsights/alertrules, microsoft.operationalinsights/workspaces/savedsearches,
microsoft.operationalinsights/querypacks/queries; github.com/wortell/AzSentinel, docs;
github.com/Azure/Azure-Sentinel, Parsers/ASim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from translator.rulepack import arm, defender
from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, TextMap, Unread, shown
from translator.rulepack.queries import split
from translator.rulepack.sentinel import query_of, rule_from
from translator.rulepack.tree import Fields, Items, Leaf, Misread, Settings, Tree

_ANALYTIC = frozenset(
    """severity tactics relevantTechniques queryFrequency queryPeriod triggerOperator triggerThreshold entityMappings
    requiredDataConnectors""".split()
)
_WITHOUT_QUERY = frozenset({"fusion", "mlbehavioranalytics", "microsoftsecurityincidentcreation", "threatintelligence"})
"""Kinds of analytic rules that Microsoft runs by itself."""

_GROUPS = {
    "scheduled": "Scheduled", "nrt": "NRT", "fusion": "Fusion", "mlbehavioranalytics": "MLBehaviorAnalytics",
    "microsoftsecurityincidentcreation": "MicrosoftSecurityIncidentCreation", "analytics": "", "hunting": "Hunting",
}  # fmt: skip
"""Lists of rules as AzSentinel writes them, and the kind of those in each."""


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of thing in a document. ``read`` raises Misread for one that cannot be read."""

    recognizes: Callable[[Fields], bool]
    read: Callable[[str, Fields, str], Iterator[Rule | Function | Unread]]


def recognizes(content: Content) -> bool:
    """Whether a text is YAML or JSON with something in it that is known here, or is called so."""
    if content.suffix in (".json", ".yaml", ".yml"):
        return True
    if not content.is_json and not content.may_be_yaml:
        return False
    return any(
        isinstance(t, Fields) and _form(t) is not None for found in content.trees if not isinstance(found, Misread) for t in _items(found)
    )


def read(content: Content) -> Iterator[Rule | Function | Unread]:
    """The rules and functions of a document, and why there are no others."""
    found = list(content.trees)
    counted: Counter[str] = Counter()
    several = sum(1 for _ in (t for d in found if not isinstance(d, Misread) for t in _items(d))) > 1
    number = 0
    for document in found:
        if isinstance(document, Misread):
            yield Unread(content.name, content.stem, document.message, *document.place)
            continue
        for item in _items(document):
            number += 1
            stem = f"{content.stem}-{number}" if several else content.stem
            if not isinstance(item, Fields):
                counted["this is no rule: expected a mapping with a key 'query'"] += 1
                continue
            form = _form(item)
            if form is None:
                counted[_what(item)] += 1
                continue
            try:
                yield from form.read(content.name, item, stem)
            except Misread as error:
                name = " ".join((item.leaf("name") or _properties(item).leaf("displayName") or item.leaf("displayName") or stem).split())
                yield Unread(content.name, name, error.message, *error.place)
    for what, count in counted.items():
        yield Unread(content.name, content.stem, what if count == 1 else f"{count} times: {what}", fault=False)


def _what(item: Fields) -> str:
    kind = item.leaf("type")
    if kind:
        return f"a resource of the type {shown(kind)} is no rule"
    return "this is no rule: it has no key 'query'"


def _items(tree: Tree) -> Iterator[Tree]:
    """The things that a document lists, whatever it keeps them in."""
    match tree:
        case Items(items):
            for item in items:
                yield from _items(item) if isinstance(item, Fields) else (item,)
        case Fields() if isinstance(tree.get("resources"), Items | Fields):
            yield from arm.resources(tree)
        case Fields() if isinstance(listed := tree.get("value"), Items):
            for item in listed.items:
                yield from _items(item) if isinstance(item, Fields) else (item,)
        case Fields(entries) if (
            entries and any(isinstance(v, Items) for v in entries.values()) and all(k.lower() in _GROUPS for k in entries)
        ):
            for key, group in entries.items():
                for item in group.items if isinstance(group, Items) else ():
                    yield _of_group(item, _GROUPS[key.lower()]) if isinstance(item, Fields) else item
        case _:
            yield tree


def _of_group(item: Fields, kind: str) -> Fields:
    said = Leaf(kind or None, item.place, lambda query: TextMap(((0, 1, 1),)))
    return replace(item, entries={"kind": said, **item.entries})


def _properties(item: Fields) -> Fields:
    """The settings of a resource, which stand in it or in its properties."""
    found = item.get("properties")
    return found if isinstance(found, Fields) else item


def _type(item: Fields) -> str:
    return item.leaf("type").lower() or item.leaf("id").lower()


def _is_saved_search(item: Fields) -> bool:
    inside = _properties(item)
    plain = not _ANALYTIC & inside.entries.keys()
    return "/savedsearches" in _type(item) or (inside is not item and plain and "query" in inside.entries and "category" in inside.entries)


def _is_pack_query(item: Fields) -> bool:
    inside = _properties(item)
    return "/querypacks/queries" in _type(item) or (inside is not item and "body" in inside.entries and "displayName" in inside.entries)


def _is_analytic(item: Fields) -> bool:
    inside = _properties(item)
    kind = item.leaf("kind").lower()
    return "query" in inside.entries or bool(_ANALYTIC & inside.entries.keys()) or "/alertrule" in _type(item) or kind in _WITHOUT_QUERY


def _is_function(item: Fields) -> bool:
    return "ParserQuery" in item.entries or "FunctionQuery" in item.entries


def _analytic(path: str, item: Fields, stem: str) -> Iterator[Rule | Function | Unread]:
    inside = _properties(item)
    kind = item.leaf("kind") or inside.leaf("kind")
    if kind.lower() in _WITHOUT_QUERY and "query" not in inside.entries:
        name = inside.leaf("displayName") or arm.identifier(item.get("name"), item.get("id")) or stem
        yield Unread(path, name, f"a rule of the kind {kind} has no query", *item.place, fault=False)
        return
    query, text_map = query_of(inside)
    if inside is not item:
        said = {k: v for k, v in item.entries.items() if k in ("kind", "metadata", "version")}
        inside = replace(inside, entries={**said, **{k: v for k, v in inside.entries.items() if k not in ("id", "name") or not v.place[0]}})
    notes = [Misread(fault.message, fault.place) for fault in (item.faults if inside is item else (*item.faults, *inside.faults))]
    made = rule_from(path, Settings(inside, notes), query, text_map, stem)
    if "/alertruletemplates" in _type(item):
        made = replace(made, enabled=True)  # what is offered is always switched off, and becomes a rule when somebody takes it
    if inside is not item and not made.id:
        made = replace(made, id=arm.identifier(item.get("name"), item.get("id")))
    yield made
    yield from _notes(path, made, notes)


def _each_query(rule: Rule) -> Iterator[Rule]:
    """The rules that a saved text is: editors keep several queries in one."""
    found = split(rule.query)
    for number, query in enumerate(found):
        if len(found) == 1:
            yield rule
        else:
            identifier = f"{rule.id}-{number + 1}" if rule.id else ""
            text_map = rule.text_map.part(rule.query, query.offset)
            yield replace(rule, id=identifier, name=f"{rule.name} {number + 1}", query=query.text, text_map=text_map)


def _notes(path: str, rule: Rule, notes: list[Misread]) -> Iterator[Unread]:
    yield from (Unread(path, rule.name, note.message, *note.place, fault=False) for note in notes)


def _saved_search(path: str, item: Fields, stem: str) -> Iterator[Rule | Function | Unread]:
    notes: list[Misread] = []
    inside = Settings(_properties(item), notes)
    query, text_map = query_of(inside.fields)
    alias = inside.line("functionAlias")
    if alias:
        yield from _function(path, alias, inside.text("functionParameters"), query, item)
        return
    tags = {t.line("name").lower(): t.text("value") for t in inside.rows("tags")}
    made = Rule(
        source=path,
        id=arm.identifier(item.get("name"), item.get("id")),
        name=inside.line("displayName") or stem,
        query=query,
        text_map=text_map,
        description=tags.get("description", "").strip(),
        tactics=_listed(tags.get("tactics", "")),
        techniques=_listed(tags.get("techniques", "") or tags.get("relevanttechniques", "")),
        kind="hunting",
    )
    yield from _each_query(made)
    yield from _notes(path, made, notes)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pack_query(path: str, item: Fields, stem: str) -> Iterator[Rule | Function | Unread]:
    notes: list[Misread] = []
    inside = Settings(_properties(item), notes)
    query, text_map = query_of(inside.fields, "body")
    made = Rule(
        source=path,
        id=arm.identifier(inside.fields.get("id"), item.get("name"), item.get("id")),
        name=inside.line("displayName") or stem,
        query=query,
        text_map=text_map,
        description=inside.text("description").strip(),
        author=inside.line("author"),
        kind="hunting",
    )
    yield from _each_query(made)
    yield from _notes(path, made, notes)


def _parser(path: str, item: Fields, stem: str) -> Iterator[Rule | Function | Unread]:
    """A function as the files of ASIM and of solutions declare it."""
    data = Settings(item, [])
    asim = "ParserQuery" in item.entries
    query, _ = query_of(item, "ParserQuery" if asim else "FunctionQuery")
    listed = []
    for row in data.rows("ParserParams") if asim else ():
        default = row.text("Default")
        listed.append(f"{row.line('Name')}:{row.line('Type')}" + (f"={default}" if default else ""))
    names = [data.line("ParserName")] if asim else [data.line("FunctionAlias"), data.line("FunctionName")]
    for name in dict.fromkeys(n for n in names if n):
        yield Function(path, name, ", ".join(listed), query)
    yield from _named_function(path, next((n for n in names if n), stem), item)


def _function(path: str, name: str, parameters: str, body: str, item: Fields) -> Iterator[Function | Unread]:
    yield Function(path, name, parameters, body)
    yield from _named_function(path, name, item)


def _named_function(path: str, name: str, item: Fields) -> Iterator[Unread]:
    yield Unread(path, name, "a function, which rules call: no rule by itself", *item.place, fault=False)


_FORMS = (
    Form(defender.recognizes, defender.read),
    Form(_is_function, _parser),
    Form(_is_saved_search, _saved_search),
    Form(_is_pack_query, _pack_query),
    Form(_is_analytic, _analytic),
)


def _form(item: Fields) -> Form | None:
    return next((form for form in _FORMS if form.recognizes(item)), None)
