"""Rules in YAML and JSON: what a document holds, and what each part of it is.

Sources: learn.microsoft.com/azure/templates/microsoft.securityinsights/alertrules, microsoft.operationalinsights/workspaces/savedsearches,
microsoft.operationalinsights/querypacks/queries; github.com/wortell/AzSentinel, docs;
github.com/Azure/Azure-Sentinel, Parsers/ASim.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from translator.rulepack import arm, defender, terraform
from translator.rulepack.code_text import MODULE
from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, TextMap, Unread, shown
from translator.rulepack.queries import split
from translator.rulepack.sentinel import query_of, rule_from
from translator.rulepack.spelling import spelled
from translator.rulepack.tree import Fields, Items, Leaf, Misread, Odd, Settings, Tree

_ANALYTIC = frozenset(
    """severity tactics relevantTechniques queryFrequency queryPeriod triggerOperator triggerThreshold entityMappings
    requiredDataConnectors""".split()
)
_WITHOUT_QUERY = frozenset({"fusion", "mlbehavioranalytics", "microsoftsecurityincidentcreation", "threatintelligence"})
"""Kinds of analytic rules that Microsoft runs by itself."""

_OTHER_LANGUAGES = frozenset({"eql", "esql", "kuery", "lucene"})
"""What rules of Elastic Security say that their query is written in (elastic.co/docs/api, "Create a detection rule")."""

_GROUPS = {
    "scheduled": "Scheduled", "nrt": "NRT", "fusion": "Fusion", "mlbehavioranalytics": "MLBehaviorAnalytics",
    "microsoftsecurityincidentcreation": "MicrosoftSecurityIncidentCreation", "analytics": "", "hunting": "Hunting",
}  # fmt: skip
"""Lists of rules as AzSentinel writes them, and the kind of those in each."""

MAX_WRAPPED = 3
"""How deep rules may stand in what is none, as under a key ``rules``."""


_QUERY = re.compile(r"""(?:^|["'{,\s])query(?:Text)?["']?\s*:""")

SUFFIXES = (".json", ".jsonl", ".ndjson", ".yaml", ".yml")
"""What a file is called that is a document, whatever it holds."""


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of thing in a document. ``read`` raises Misread for one that cannot be read."""

    recognizes: Callable[[Fields], bool]
    read: Callable[[str, Fields, str], Iterator[Rule | Function | Unread]]


def recognizes(content: Content) -> bool:
    """Whether a text is YAML or JSON with something in it that is known here, or is called so."""
    if content.suffix in SUFFIXES or content.is_code:
        return True
    return content.may_be_document and any(
        isinstance(t, Fields) and _form(t) is not None for found in content.trees if not isinstance(found, Misread) for t in _items(found)
    )


def is_broken(content: Content) -> bool:
    """Whether a text begins as a document with a query in it does, and cannot be read as one."""
    return content.may_be_document and _QUERY.search(content.text) is not None and any(isinstance(t, Misread) for t in content.trees)


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
            if isinstance(item, Odd):
                yield Unread(content.name, stem, item.message, *item.place)
            elif not isinstance(item, Fields):
                counted["this is no rule: expected a mapping with a key 'query'"] += 1
            elif _form(item) is None:
                counted[_what(item)] += 1
            else:
                yield from read_one(content, item, stem)
    for what, count in counted.items():
        yield Unread(content.name, content.stem, what if count == 1 else f"{count} times: {what}", fault=False)


def read_one(content: Content, item: Fields, stem: str) -> Iterator[Rule | Function | Unread]:
    """The rules of one thing in a document, called ``stem`` where it has no name."""
    form = _form(item)
    try:
        if form is None:
            raise Misread(_what(item), item.place)
        yield from form.read(content.name, item, stem)
    except Misread as error:
        name = " ".join((_properties(item).leaf("displayName") or item.leaf("name") or stem).split())
        yield Unread(content.name, name, error.message, *error.place)


def _what(item: Fields) -> str:
    kind = item.leaf("type")
    if _is_workbook(item):
        return "a workbook is no rule: its queries show data"
    if kind == MODULE:
        return f"the module {shown(item.leaf('source'))} is a file of its own: what it makes of its values is not read here"
    if kind:
        return f"a resource of the type {shown(kind)} is no rule"
    return "this is no rule: it has no key 'query'"


def _items(tree: Tree) -> Iterator[Tree]:
    """The things that a document lists, whatever it keeps them in, with the names that settings have here."""
    yield from map(spelled, _listed_in(tree, 0))


def _listed_in(tree: Tree, depth: int) -> Iterator[Tree]:
    match tree:
        case Items(items):
            for item in items:
                within = isinstance(item, Fields) or (isinstance(item, Items) and depth < MAX_WRAPPED)
                yield from _listed_in(item, depth + isinstance(item, Items)) if within else (item,)
        case Fields() if terraform.is_one(tree):
            yield from terraform.resources(tree)
        case Fields() if isinstance(tree.get("resources"), Items | Fields):
            yield from arm.resources(tree)
        case Fields() if arm.is_packaged(tree):
            yield from arm.packaged(tree)
        case Fields() if isinstance(listed := tree.get("value"), Items):
            yield from _listed_in(listed, depth)
        case Fields(entries) if (
            entries and any(isinstance(v, Items) for v in entries.values()) and all(k.lower() in _GROUPS for k in entries)
        ):
            for key, group in entries.items():
                for item in group.items if isinstance(group, Items) else ():
                    yield _of_group(item, _GROUPS[key.lower()]) if isinstance(item, Fields) else item
        case Fields(entries) if depth < MAX_WRAPPED and _form(tree) is None and not _is_workbook(tree):
            called = bool(entries) and all(isinstance(v, Fields) and "query" in v.entries for v in entries.values())
            inside = [found for key, value in entries.items() for found in _wrapped(key if called else "", value, depth)]
            yield from inside or (tree,)
        case _:
            yield tree


def _wrapped(name: str, value: Tree, depth: int) -> Iterator[Tree]:
    """The rules that stand under a key of something else: a list of them, or one that is called as the key is."""
    if name and isinstance(value, Fields) and not {"name", "displayName"} & value.entries.keys():
        value = replace(value, entries={"name": Leaf(name, value.place, lambda query: TextMap(((0, 1, 1),))), **value.entries})
    listed = value.items if isinstance(value, Items) else (value,)
    found = [item for part in listed if isinstance(part, Fields) for item in _listed_in(part, depth + 1)]
    if any(isinstance(item, Fields) and _is_rule(item) for item in found):
        yield from found


def _is_workbook(item: Fields) -> bool:
    return item.leaf("version").startswith("Notebook/") or item.leaf("type").lower() == "microsoft.insights/workbooks"


def _is_rule(item: Fields) -> bool:
    """Whether something is a rule beyond doubt: it has a query, and what else rules have."""
    item = spelled(item)  # type: ignore[assignment]
    inside = _properties(item)
    about = _ANALYTIC | {"name", "displayName"}
    return defender.recognizes(item) or ("query" in inside.entries and bool(about & inside.entries.keys()))


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
    kind, of = item.leaf("kind").lower(), _type(item)
    return (
        "query" in inside.entries
        or "/alertrule" in of
        or kind in _WITHOUT_QUERY
        or (bool(_ANALYTIC & inside.entries.keys()) and not of.startswith("microsoft."))
    )


def _is_function(item: Fields) -> bool:
    return "ParserQuery" in item.entries or "FunctionQuery" in item.entries


def _analytic(path: str, item: Fields, stem: str) -> Iterator[Rule | Function | Unread]:
    item = _as_resource(item)
    inside, odd = _properties(item), item.get("properties")
    if isinstance(odd, Odd):
        raise Misread(f"the settings of this rule cannot be read: {odd.message}", odd.place)
    kind = item.leaf("kind") or inside.leaf("kind")
    if kind.lower() in _WITHOUT_QUERY and "query" not in inside.entries:
        name = inside.leaf("displayName") or arm.identifier(item.get("name"), item.get("id")) or stem
        yield Unread(path, name, f"a rule of the kind {kind} has no query", *item.place, fault=False)
        return
    if (language := inside.leaf("language").lower()) in _OTHER_LANGUAGES:
        yield Unread(path, inside.leaf("name") or stem, f"a query in {language} is no KQL", *item.place, fault=False)
        return
    query, text_map = query_of(inside)
    if inside is not item:
        said = {k: v for k, v in item.entries.items() if k in ("kind", "metadata", "version")}
        own = () if item.entries.keys() & {"id", "name"} else ("id", "name")
        made = {k: v for k, v in inside.entries.items() if k in own or k not in ("id", "name") or not v.place[0]}
        inside = replace(inside, entries={**said, **made})
    notes = [Misread(fault.message, fault.place) for fault in (item.faults if inside is item else (*item.faults, *inside.faults))]
    rule = rule_from(path, Settings(inside, notes), query, text_map, stem)
    if "/alertruletemplates" in _type(item):
        rule = replace(rule, enabled=True)  # what is offered is always switched off, and becomes a rule when somebody takes it
    if inside is not item and not rule.id:
        rule = replace(rule, id=arm.identifier(item.get("name"), item.get("id")))
    if arm.is_left_out(item):
        rule = replace(rule, enabled=False)
        notes.append(Misread("its condition is false, so that this rule is not deployed: it is packaged switched off", item.place))
    yield rule
    yield from _notes(path, rule, notes)


def _as_resource(item: Fields) -> Fields:
    """A rule of Azure whose properties stand beside its name and id, as the Azure CLI and PowerShell show it, in the form of a resource."""
    name, path = item.leaf("name"), item.leaf("id")
    if item.get("displayName") is None or not (arm.GUID.fullmatch(name) or "/" in path):
        return item
    named = {key: value for key, value in item.entries.items() if key in ("name", "id", "type", "kind")}
    rest = {key: value for key, value in item.entries.items() if key not in named}
    return Fields({**named, "properties": replace(item, entries=rest)}, item.place)


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
