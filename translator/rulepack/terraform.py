"""Terraform: its own language (HCL) and what is the same in JSON, its plans and its states, with the rules of Azure's providers in them.

Sources: developer.hashicorp.com/terraform/language/syntax/configuration, expressions/strings, syntax/json, internals/json-format;
registry.terraform.io/providers/hashicorp/azurerm, sentinel_alert_rule_scheduled and its like; registry.terraform.io/providers/azure/azapi.
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Iterator
from dataclasses import replace

from translator.rulepack import json_text
from translator.rulepack.code_text import MAX_REFERENCES, MAX_TEXT, MODULE, NAME, NUMBER, Code, Names, text_of
from translator.rulepack.model import TextMap, shown
from translator.rulepack.tree import Fields, Items, Leaf, Misread, Odd, Place, Tree

SUFFIXES = (".tf", ".hcl", ".tofu")
_BLOCK = re.compile(r'^(?:resource|data|module|variable|provider|output) +"[\w.-]+"(?: +"[\w.-]+")? *\{', re.M)

_RULES = "azurerm_sentinel_alert_rule_"
_KINDS = {
    "scheduled": "Scheduled", "nrt": "NRT", "fusion": "Fusion", "ms_security_incident": "MicrosoftSecurityIncidentCreation",
    "machine_learning_behavior_analytics": "MLBehaviorAnalytics", "threat_intelligence": "ThreatIntelligence",
}  # fmt: skip
_TYPES = {
    "azurerm_log_analytics_saved_search": "Microsoft.OperationalInsights/savedSearches",
    "azurerm_log_analytics_query_pack_query": "Microsoft.OperationalInsights/queryPacks/queries",
}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_HEREDOC = re.compile(r"<<(-?)(\w+)\r?\n")
_CHARACTERS = re.compile(r'[^"\\$%\n]+')
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})")
_MARKS = re.compile(r"\$\$\{|%%\{|[$%]\{")


def recognizes(suffix: str, text: str) -> bool:
    """Whether a text is written in Terraform's language."""
    return suffix in SUFFIXES or (not suffix and _BLOCK.search(text) is not None)


def document(text: str) -> Tree:
    """What a text declares, as Terraform's JSON has it.

    Raises:
        Misread: where it cannot be read, with its place.
    """
    try:
        return _Reader(text).body(top=True)
    except RecursionError as error:
        raise Misread("this nests too deeply to be read", (1, 1)) from error


class _Reader(Code):
    def body(self, top: bool = False) -> Fields:
        """What stands between braces, or in the whole file: settings, and blocks by their labels."""
        entries: dict[str, Tree] = {}
        faults: list[Odd] = []
        place = self.place()
        while True:
            self.blanks()
            if self.at >= len(self.text) or (not top and self.text[self.at] == "}"):
                break
            at = self.at
            name = self.take(NAME) or text_of(self.text_at() if self.begins_text() else None)
            self.blanks(lines=False)
            if name and self.text[self.at : self.at + 1] in "=:" and not self.text.startswith("==", self.at):
                self.at += 1
                entries[name] = self.value()
                self.blanks(lines=False)
                self.take(",")
                continue
            labels = []
            while name and (self.begins_text() or NAME.match(self.text, self.at)):
                labels.append(self.take(NAME) or text_of(self.text_at()) or "")
                self.blanks(lines=False)
            if not name or not self.take("{"):
                raise Misread("this cannot be read as Terraform: expected a setting or a block", self.place(at))
            inside = self.nested(self.body)
            if not self.take("}"):
                raise Misread(f"this block of Terraform, {shown(name)}, has no end", self.place(at))
            if name == "dynamic":
                faults.append(Odd(f"{' '.join(labels)} is left out: only a deployment knows what a dynamic block makes", self.place(at)))
            else:
                _put(entries, [name, *labels], inside)
        return Fields(entries, place, tuple(faults))

    def primary(self) -> Tree:
        start = self.at
        if self.begins_text():
            return self.text_at()
        if self.take("["):
            return self.items(start)
        if self.take("{"):
            found: Tree = self.body()
            return found if self.take("}") else self.skipped(start)
        if number := self.take(NUMBER):
            return self.leaf(number, start)
        name = self.take(NAME)
        if name in ("true", "false", "null"):
            return self.leaf(None if name == "null" else name, start)
        if name == "jsonencode" and self.take("("):
            found = self.value()
            self.blanks()
            return found if self.take(")") else self.skipped(start)
        while self.take("."):
            name += "." + self.take(NAME)
        if name.startswith(("var.", "local.")) and self.ended():
            return Odd(f"only a deployment knows '{shown(name)}'", self.place(start), name)
        return self.skipped(start)

    def items(self, start: int) -> Tree:
        found: list[Tree] = []
        while True:
            self.blanks()
            if self.take("]"):
                return Items(tuple(found), self.place(start))
            at = self.at
            found.append(self.value())
            self.blanks()
            if self.at == at or (not self.take(",") and self.text[self.at : self.at + 1] != "]"):
                return self.skipped(start)

    def begins_text(self) -> bool:
        return self.text[self.at : self.at + 1] == '"' or _HEREDOC.match(self.text, self.at) is not None

    def text_at(self) -> Tree:
        start = self.at
        if found := _HEREDOC.match(self.text, self.at):
            end = re.compile(rf"^[ \t]*{found[2]}[ \t]*\r?$", re.M).search(self.text, found.end())
            if end is None:
                raise Misread(f"this text has no end: expected a line {found[2]}", self.place(start))
            self.at = end.end()
            written = self.text[found.end() : end.start()]
            return self.made(textwrap.dedent(written) if found[1] else written, start, self.place(start)[0])
        self.at += 1
        parts: list[str] = []
        while not self.take('"'):
            if part := self.take(_CHARACTERS):
                parts.append(part)
            elif escape := _UNICODE.match(self.text, self.at):
                self.at = escape.end()
                parts.append(chr(min(int(escape[1] or escape[2], 16), 0x10FFFF)))
            elif self.take("\\"):
                parts.append(_ESCAPES.get(self.text[self.at : self.at + 1], "\\" + self.text[self.at : self.at + 1]))
                self.at += 1
            elif mark := self.take(_MARKS):
                parts.append(mark + (self.closed("{}") if len(mark) == 2 else ""))
            elif self.text[self.at : self.at + 1] in ("", "\n"):
                raise Misread("this text of Terraform has no end", self.place(start))
            else:
                parts.append(self.text[self.at])
                self.at += 1
        return self.made("".join(parts), start, None)

    def made(self, text: str, start: int, first: int | None) -> Tree:
        """A text; what it inserts is worked out when the file is read."""
        if _MARKS.search(text):
            return Odd(f"only a deployment knows '{shown(' '.join(text.split()))}'", self.place(start), text)
        if first is not None:
            return self.block(text, start, first)
        raw, place = self.text[start + 1 : self.at - 1], self.place(start)
        return Leaf(text, place, lambda query: json_text.text_map(query, raw, place))


def _put(entries: dict[str, Tree], labels: list[str], inside: Tree) -> None:
    """A block under its labels; several of the same are a list."""
    *above, last = labels
    for label in above:
        found = entries.get(label)
        made = dict(found.entries) if isinstance(found, Fields) else {}
        entries[label] = Fields(made, inside.place)
        entries = made
    before = entries.get(last)
    if before is None:
        entries[last] = inside
    else:
        entries[last] = Items((*(before.items if isinstance(before, Items) else (before,)), inside), before.place)


def is_one(tree: Fields) -> bool:
    """Whether a tree is what Terraform declares, plans or keeps."""
    return isinstance(tree.get("resource"), Fields | Items) or "terraform_version" in tree.entries


def resources(tree: Fields) -> Iterator[Fields]:
    """The resources in it, those that are rules as Azure's REST interface has them."""
    values = _Values(tree)
    for kind, name, attributes in _declared(tree):
        yield _resource(kind, name, values.resolved(attributes, 0))
    for kind, name, attributes in _known(tree):
        yield _resource(kind, name, attributes)
    for name, module in (named for b in _each(tree.get("module")) for named in b.entries.items()):
        for found in _each(module):
            source = found.get("source") or _said(name, found.place)
            yield Fields({"type": _said(MODULE, found.place), "source": source}, found.place)


def _each(tree: Tree | None) -> Iterator[Fields]:
    for item in tree.items if isinstance(tree, Items) else (tree,):
        if isinstance(item, Fields):
            yield item


def _declared(tree: Fields) -> Iterator[tuple[str, str, Fields]]:
    for kinds in _each(tree.get("resource")):
        for kind, names in kinds.entries.items():
            for named in _each(names):
                for name, found in named.entries.items():
                    yield from ((kind, name, attributes) for attributes in _each(found))


def _known(tree: Fields) -> Iterator[tuple[str, str, Fields]]:
    """The resources of a plan or a state, whose values stand there as they are."""
    for resource in _each(tree.get("resources")):
        for instance in _each(resource.get("instances")):
            yield resource.leaf("type"), resource.leaf("name"), instance.inside("attributes")
    for planned in ("values", "planned_values"):
        yield from _of_module(tree.inside(planned).inside("root_module"))


def _of_module(module: Fields) -> Iterator[tuple[str, str, Fields]]:
    for resource in _each(module.get("resources")):
        yield resource.leaf("type"), resource.leaf("name"), resource.inside("values")
    for child in _each(module.get("child_modules")):
        yield from _of_module(child)


def _said(text: str, place: Place) -> Leaf:
    return Leaf(text, place, lambda query: TextMap(((0, *place),)))


def _resource(kind: str, name: str, attributes: Fields) -> Fields:
    place = attributes.place
    said = functools.partial(_said, place=place)
    if kind == "azapi_resource":
        body = attributes.get("body")
        if isinstance(body, Leaf) and body.text:
            body = next((t for t in json_text.documents(body.text) if isinstance(t, Fields)), None)
        inside = body.entries if isinstance(body, Fields) else {}
        called = {k: v for k, v in attributes.entries.items() if k == "name"}
        return Fields({**inside, **called, "type": said(attributes.leaf("type").partition("@")[0])}, place, attributes.faults)
    rule = _KINDS.get(kind.removeprefix(_RULES)) if kind.startswith(_RULES) else None
    if rule is None and kind not in _TYPES:
        return Fields({"type": said(kind)}, place)
    named = {k: v for k, v in attributes.entries.items() if k in ("name", "id")}
    inside = {k: v for k, v in attributes.entries.items() if k not in named}
    if not {"name", "id"} & named.keys():
        named = {"name": said(name)}
    called = {"type": said(_TYPES.get(kind, "Microsoft.SecurityInsights/alertRules")), **({"kind": said(rule)} if rule else {}), **named}
    if attributes.leaf("count") == "0":
        called["condition"] = said("false")
    return Fields({**called, "properties": Fields(inside, place)}, place, attributes.faults)


class _Values(Names):
    """The variables of a file by their defaults, and its locals."""

    def __init__(self, tree: Fields) -> None:
        variables = {name: v.get("default") for b in _each(tree.get("variable")) for name, v in b.entries.items() if isinstance(v, Fields)}
        super().__init__({f"var.{name}": found for name, found in variables.items() if found is not None})
        for listed in _each(tree.get("locals")):
            self.known.update((f"local.{name}", found) for name, found in listed.entries.items())

    def resolved(self, fields: Fields, depth: int) -> Fields:
        return replace(fields, entries={name: self.filled(value, depth) for name, value in fields.entries.items()})

    def filled(self, tree: Tree, depth: int) -> Tree:
        match tree:
            case Items(items, place):
                return Items(tuple(self.filled(item, depth) for item in items), place)
            case Fields():
                return self.resolved(tree, depth)
            case Odd(_, place, written) if written in self.known and depth < MAX_REFERENCES:
                found = self.value(written, depth)
                return replace(found, place=place) if isinstance(found, Leaf | Odd) else found or tree
            case Leaf(text) if text and "${" in text and tree.place[0]:
                return self._inserted(tree, text, depth)
            case Odd(_, place, written) if "${" in written and depth < MAX_REFERENCES:
                return self._inserted(tree, written, depth)
        return tree

    def _inserted(self, tree: Leaf | Odd, text: str, depth: int) -> Tree:
        """A text with the variables that it inserts; the same where it inserts something else."""
        missing = False

        def value(found: re.Match[str]) -> str:
            nonlocal missing
            if len(found[0]) == 3:
                return found[0][1:]
            named = re.match(r"\{\s*([\w.-]+)\s*\}", text[found.start() + 1 :])
            of = self.value(named[1], depth) if named else None
            missing = missing or not isinstance(of, Leaf) or of.text is None or found[0][0] == "%"
            return f"{of.text}" if isinstance(of, Leaf) else ""

        made = re.sub(r"\$\$\{|%%\{|[$%]\{(?:\s*[\w.-]+\s*\})?", value, text)
        line, column = tree.place
        if missing or len(made) > MAX_TEXT:
            return Odd(f"only a deployment knows '{shown(' '.join(text.split()))}'", tree.place, text)
        return Leaf(made, tree.place, lambda query: TextMap(((0, line, column),)))
