"""Templates of Azure Resource Manager: their resources, with the expressions worked out that need no deployment.

Sources: learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions, syntax, linked-templates;
learn.microsoft.com/azure/templates/microsoft.securityinsights/contenttemplates.
"""

from __future__ import annotations

import base64
import functools
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import lark
from lark.exceptions import LarkError

from translator.grammar import grammar_text
from translator.rulepack.model import TextMap, shown
from translator.rulepack.tree import Fields, Items, Leaf, Odd, Tree

MAX_EXPRESSION = 24_576
"""How many characters an expression may have, by the documentation."""

MAX_DEPTH = 40
"""How deep expressions may refer to parameters and variables that are expressions, and templates may stand in templates."""

MAX_COPIES = 800
"""How many copies a resource may have, by the documentation (learn.microsoft.com/azure/azure-resource-manager/templates/copy-resources)."""

MAX_RESOURCES = 10_000
"""How many resources are made of a template, whose copies may stand in copies."""

MAX_LOOPED = 50_000
"""How many values the loops of a template's lists may make together."""

MAX_TEXT = 1_000_000
"""How long what an expression makes may be."""


_UNKNOWN = " cannot be worked out here: "


class Unknown(Exception):
    """What only a deployment knows, in words."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the expressions of a template see: the values given for its parameters, their defaults, and its variables."""

    given: Mapping[str, Tree]
    parameters: Fields
    variables: Fields
    functions: Mapping[str, Fields] = field(default_factory=dict)
    """The template's own, by their full names in small letters."""

    copies: Mapping[str, int] = field(default_factory=dict)
    """Which copy this is, by the names of loops; the innermost has none."""

    known: dict[tuple[str, str], Tree] = field(default_factory=dict, compare=False)
    """What was worked out already, by kind and name."""

    left: list[int] = field(default_factory=lambda: [MAX_LOOPED], compare=False)
    """How many values loops may still make, in this template and in those that stand in it."""

    @classmethod
    def of(cls, template: Fields, given: Fields | None = None, outer: tuple[Scope, ...] = ()) -> Scope:
        values = {n.lower(): v.entries["value"] for n, v in _members(given) if isinstance(v, Fields) and "value" in v.entries}
        spaces = template.get("functions")
        own = {
            f"{space.leaf('namespace')}.{name}".lower(): function
            for space in (spaces.items if isinstance(spaces, Items) else ())
            if isinstance(space, Fields)
            for name, function in _members(space.inside("members"))
            if isinstance(function, Fields)
        }
        made = cls(values, template.inside("parameters"), template.inside("variables"), own)
        return replace(made, left=outer[0].left) if outer else made


def _members(fields: Fields | None) -> Iterator[tuple[str, Tree]]:
    yield from fields.entries.items() if fields is not None else ()


def resources(template: Fields) -> Iterator[Tree]:
    """The resources of a template, those of nested templates and of packaged content in their place, with their values worked out."""
    for number, found in enumerate(_resources(template, (Scope.of(template),), 0)):
        if number == MAX_RESOURCES:
            yield Odd(f"this template makes more than {MAX_RESOURCES:,} resources: the others are not read", template.place)
            return
        yield found


def is_packaged(item: Fields) -> bool:
    """Whether a thing is packaged content as the REST interface answers with it: a template in its properties."""
    return isinstance(item.inside("properties").inside("mainTemplate").get("resources"), Items)


def packaged(item: Fields) -> Iterator[Fields]:
    """The resources of packaged content."""
    yield from _resource(item, (), 0)


def _resources(template: Fields, scopes: tuple[Scope, ...], depth: int) -> Iterator[Fields]:
    found = template.get("resources")
    listed = found.items if isinstance(found, Items) else tuple(found.entries.values()) if isinstance(found, Fields) else ()
    for resource in listed:
        if isinstance(resource, Fields):
            for copied in _copies(resource, scopes):
                yield from _resource(resource, copied, depth)


def _copies(resource: Fields, scopes: tuple[Scope, ...]) -> Iterator[tuple[Scope, ...]]:
    """What the expressions of a resource see, once for each copy of it; once where their number is not known."""
    loop = resource.inside("copy")
    count = _count(loop, scopes[-1], 0) if scopes else None
    if count is None:
        yield scopes
        return
    for number in range(count):
        yield (*scopes[:-1], replace(scopes[-1], copies={**scopes[-1].copies, "": number, loop.leaf("name").lower(): number}))


def _resource(resource: Fields, scopes: tuple[Scope, ...], depth: int) -> Iterator[Fields]:
    properties = resource.inside("properties")
    for key in ("mainTemplate", "template"):
        inner = properties.get(key)
        if isinstance(inner, Fields) and inner.get("resources") is not None and depth < MAX_DEPTH:
            given = _seen(properties.inside("parameters"), scopes)
            own = Scope.of(inner, given if isinstance(given, Fields) else None, scopes)
            outer = properties.inside("expressionEvaluationOptions").leaf("scope").lower() == "outer"
            # Packaged content is a value of the outer template, worked out first there and once more where it is installed.
            within = (*scopes, own) if key == "mainTemplate" else scopes if outer else (own,)
            condition = _seen(resource.entries.get("condition", Fields({}, resource.place)), scopes)
            for found in _resources(inner, within, depth + 1):
                yield replace(found, entries={**found.entries, "condition": condition}) if _is_false(condition) else found
            return
    children = resource.get("resources")
    if isinstance(children, Items) and children.items and depth < MAX_DEPTH:
        yield from _resources(resource, scopes, depth + 1)
        if not properties.entries:
            return
        resource = replace(resource, entries={k: v for k, v in resource.entries.items() if k != "resources"})
    made = _seen(resource, scopes)
    if isinstance(made, Fields):
        yield made


def _seen(tree: Tree, scopes: tuple[Scope, ...]) -> Tree:
    """A tree with its expressions worked out by one template after the other."""
    for scope in scopes:
        tree = resolved(tree, scope)
    return tree


def is_left_out(resource: Fields) -> bool:
    """Whether its template does not deploy a resource.

    Source: learn.microsoft.com/azure/azure-resource-manager/templates/conditional-resource-deployment.
    """
    return _is_false(resource.get("condition"))


def _is_false(condition: Tree | None) -> bool:
    return isinstance(condition, Leaf) and (condition.text or "").lower() == "false"


def resolved(tree: Tree, scope: Scope) -> Tree:
    """A tree in which expressions are what they make; one that only a deployment can work out is odd."""
    return _resolved(tree, scope, 0)


def _resolved(tree: Tree, scope: Scope, depth: int) -> Tree:
    match tree:
        case Leaf(text) if text and text.startswith("["):
            return _worked_out(tree, text, scope, depth)
        case Items(items, place):
            return Items(tuple(_resolved(item, scope, depth) for item in items), place)
        case Fields(entries, place, faults):
            loops = _loops(tree)
            made = {name: _resolved(value, scope, depth) for name, value in entries.items() if not (loops and name == "copy")}
            return Fields({**made, **{name: _list_of(loop, scope, depth) for name, loop in loops.items()}}, place, faults)
    return tree


def _loops(fields: Fields) -> dict[str, Fields]:
    """The loops that make lists for a mapping, each by the name of its list.

    Source: learn.microsoft.com/azure/azure-resource-manager/templates/copy-properties, copy-variables.
    """
    found = fields.entries.get("copy")
    listed = found.items if isinstance(found, Items) else ()
    return {loop.leaf("name"): loop for loop in listed if isinstance(loop, Fields) and "input" in loop.entries and loop.leaf("name")}


def _list_of(loop: Fields, scope: Scope, depth: int) -> Tree:
    """The list that a loop makes."""
    count = _count(loop, scope, depth)
    if count is None:
        return Odd("only a deployment knows how many values this loop makes", loop.place)
    if count > scope.left[0]:
        return Odd(f"loops of this template make more than {MAX_LOOPED:,} values", loop.place)
    scope.left[0] -= count
    within = (replace(scope, copies={**scope.copies, loop.leaf("name").lower(): number}) for number in range(count))
    return Items(tuple(_resolved(loop.entries["input"], copied, depth) for copied in within), loop.place)


def _count(loop: Fields, scope: Scope, depth: int) -> int | None:
    """How often a loop goes round; None where that is not known, or too often."""
    count = loop.get("count")
    count = _resolved(count, scope, depth) if count is not None else None
    text = count.text or "" if isinstance(count, Leaf) else ""
    return int(text) if text.isdecimal() and int(text) <= MAX_COPIES else None


def _worked_out(leaf: Leaf, text: str, scope: Scope, depth: int) -> Tree:
    if not text.endswith("]"):
        return leaf
    if text.startswith("[["):
        return replace(leaf, text=text[1:], text_map=lambda query: _one_later(leaf.text_map(query)))
    try:
        if len(text) > MAX_EXPRESSION:
            raise Unknown(f"an expression has {MAX_EXPRESSION:,} characters at most")
        found = _value(_parser().parse(text[1:-1]), scope, depth)
    except Unknown as error:
        return Odd(f"the expression '{shown(text)}'{_UNKNOWN}{error}", leaf.place, text)
    except LarkError:
        return Odd(f"'{shown(text)}' is no expression that is read", leaf.place, text)
    except RecursionError:
        return Odd(f"the expression '{shown(text)}' nests too deeply", leaf.place, text)
    if isinstance(found, str):
        line, column = leaf.place
        return Leaf(found, leaf.place, lambda query: TextMap(((0, line, column),)))
    return found


def _one_later(found: TextMap) -> TextMap:
    return replace(found, pieces=tuple((max(0, at - 1), line, column) for at, line, column in found.pieces))


@functools.cache
def _parser() -> lark.Lark:
    return lark.Lark(grammar_text("arm"), parser="lalr")


def _value(node: lark.Tree[lark.Token] | lark.Token, scope: Scope, depth: int) -> Tree | str:
    assert isinstance(node, lark.Tree)
    if depth > MAX_DEPTH:
        raise Unknown("it refers to itself, or through too many others")
    parts = node.children
    if node.data == "text":
        return str(parts[0])[1:-1].replace("''", "'")
    if node.data == "number":
        return str(parts[0])
    if node.data == "call":
        return _call(str(parts[0]).lower(), parts[1:], scope, depth)
    if node.data == "own_call":
        return _call(f"{parts[0]}.{parts[1]}".lower(), parts[2:], scope, depth)
    base = _value(parts[0], scope, depth)
    key = str(parts[1]) if node.data == "member" else _text(_value(parts[1], scope, depth))
    if isinstance(base, Items) and re.fullmatch(r"\d{1,6}", key) and int(key) < len(base.items):
        return base.items[int(key)]
    if isinstance(base, Fields):
        found = next((v for name, v in base.entries.items() if name.lower() == key.lower()), None)
        if found is not None:
            return found
    raise Unknown(f"there is no '{shown(key)}' in it")


def _call(name: str, arguments: Sequence[lark.Tree[lark.Token] | lark.Token | None], scope: Scope, depth: int) -> Tree | str:
    given = [a for a in arguments if a is not None]
    if name in scope.functions:
        return _own(scope.functions[name], [_tree(_value(a, scope, depth)) for a in given], scope, depth)
    if name == "if" and len(given) == 3:
        chosen = given[1] if _text(_value(given[0], scope, depth)).lower() == "true" else given[2]
        return _value(chosen, scope, depth)
    if name not in _FUNCTIONS and name not in _OF_VALUES and name not in ("parameters", "variables", "copyindex"):
        raise Unknown(f"only a deployment knows {name}()")
    values = [_value(a, scope, depth) for a in given]
    if name == "copyindex":
        return _copy_index([_text(v) for v in values], scope)
    if name in _OF_VALUES:
        try:
            return _bounded(name, _OF_VALUES[name](values))
        except (IndexError, ValueError, ZeroDivisionError) as error:
            raise Unknown(f"{name}() has other values than it takes") from error
    if name in _FUNCTIONS:
        texts = [_text(v) for v in values]
        if not texts or sum(map(len, texts)) > MAX_TEXT:
            raise Unknown(f"{name}() takes texts, and not as long ones")
        try:
            made = _FUNCTIONS[name](texts)
        except (IndexError, ValueError) as error:
            raise Unknown(f"{name}() has other values than it takes") from error
        return _bounded(name, made)
    wanted = _text(values[0]) if values else ""
    if name == "parameters":
        if wanted.lower() in scope.given:
            return scope.given[wanted.lower()]
        declared = _named(scope.parameters, wanted)
        found = declared.get("defaultValue") if isinstance(declared, Fields) else None
    else:
        found = _named(scope.variables, wanted)
    key = (name, wanted.lower())
    if key in scope.known:
        return scope.known[key]
    loop = {k.lower(): v for k, v in _loops(scope.variables).items()}.get(wanted.lower()) if name == "variables" else None
    if loop is not None:
        scope.known[key] = _list_of(loop, scope, depth + 1)
    elif found is not None:
        scope.known[key] = _resolved(found, scope, depth + 1)
    else:
        raise Unknown(f"there is no value of the {name[:-1]} '{shown(wanted)}'")
    return scope.known[key]


def _bounded(name: str, made: Tree | str) -> Tree | str:
    if isinstance(made, str) and len(made) > MAX_TEXT:
        raise Unknown(f"{name}() makes too long a text")
    return made


def _own(function: Fields, values: list[Tree], scope: Scope, depth: int) -> Tree | str:
    """What a function of the template gives, which sees its parameters alone."""
    declared = function.get("parameters")
    names = [p.leaf("name").lower() for p in (declared.items if isinstance(declared, Items) else ()) if isinstance(p, Fields)]
    nothing = Fields({}, function.place)
    inner = Scope(dict(zip(names, values, strict=False)), nothing, nothing, scope.functions, left=scope.left)
    found = function.inside("output").get("value")
    if found is None or len(names) != len(values):
        raise Unknown("a function of the template has other values than it takes")
    return _resolved(found, inner, depth + 1)


def _copy_index(texts: list[str], scope: Scope) -> str:
    named = [t for t in texts if not t.lstrip("-").isdecimal()]
    offset = sum(int(t) for t in texts if t.lstrip("-").isdecimal())
    index = scope.copies.get(named[0].lower() if named else "")
    if index is None:
        raise Unknown("only a deployment knows copyIndex()")
    return str(index + offset)


def _named(fields: Fields, wanted: str) -> Tree | None:
    return next((v for name, v in fields.entries.items() if name.lower() == wanted.lower()), None)


def _text(value: Tree | str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Odd):
        raise Unknown(value.message.rpartition(_UNKNOWN)[2])
    if isinstance(value, Leaf) and value.text is not None:
        return value.text
    raise Unknown("a text was expected")


def _format(texts: list[str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if not found[1]:
            raise Unknown(f"format() is asked for '{shown(found[0])}'")
        number = int(found[1])
        if number + 1 >= len(texts):
            raise Unknown("format() has too few values")
        return texts[number + 1]

    return re.sub(r"\{\{|\}\}|\{(\d{1,3})\}|\{[^}]*\}?", value, texts[0])


def _replace(texts: list[str]) -> str:
    if len(texts) != 3 or not texts[1]:
        raise Unknown("replace() takes three texts")
    return texts[0].replace(texts[1], texts[2])


_FUNCTIONS: Mapping[str, Callable[[list[str]], str]] = {
    "base64": lambda texts: base64.b64encode(texts[0].encode()).decode(),
    "base64tostring": lambda texts: base64.b64decode(texts[0], validate=True).decode(),
    "bool": lambda texts: texts[0].lower(),
    "concat": "".join,
    "endswith": lambda texts: _truth(texts[0].lower().endswith(texts[1].lower())),
    "format": _format,
    "int": lambda texts: str(int(texts[0])),
    "replace": _replace,
    "startswith": lambda texts: _truth(texts[0].lower().startswith(texts[1].lower())),
    "string": "".join,
    "substring": lambda texts: texts[0][int(texts[1]) :][: int(texts[2]) if len(texts) > 2 else None],
    "tolower": lambda texts: texts[0].lower(),
    "toupper": lambda texts: texts[0].upper(),
    "trim": lambda texts: texts[0].strip(),
    "uricomponent": lambda texts: urllib.parse.quote(texts[0], safe="~()*!'"),
    "uricomponenttostring": lambda texts: urllib.parse.unquote(texts[0], errors="strict"),
}
"""The functions that need no deployment, over texts. Source: learn.microsoft.com, "ARM template functions"."""


def _truth(holds: bool) -> str:
    return "true" if holds else "false"


def _tree(value: Tree | str) -> Tree:
    return Leaf(value, (0, 0), lambda query: TextMap(((0, 1, 1),))) if isinstance(value, str) else value


def _listed(value: Tree | str) -> tuple[Tree, ...]:
    if not isinstance(value, Items):
        raise Unknown("a list was expected")
    return value.items


def _items(values: Sequence[Tree | str]) -> Items:
    return Items(tuple(map(_tree, values)), (0, 0))


def _length(value: Tree | str) -> int:
    return len(value.items) if isinstance(value, Items) else len(value.entries) if isinstance(value, Fields) else len(_text(value))


def _equal(values: Sequence[Tree | str]) -> bool:
    one, other = (v.text if isinstance(v, Leaf) else v for v in values)
    return one == other


def _joined(values: list[Tree | str]) -> Tree | str:
    """Lists behind one another; of texts one text."""
    if any(isinstance(v, Items) for v in values):
        return _items([item for v in values for item in _listed(v)])
    return _FUNCTIONS["concat"]([_text(v) for v in values])


_OF_VALUES: Mapping[str, Callable[[list[Tree | str]], Tree | str]] = {
    "and": lambda values: _truth(all(_text(v).lower() == "true" for v in values)),
    "array": lambda values: values[0] if isinstance(values[0], Items) else _items(values),
    "coalesce": lambda values: next((v for v in values if not (isinstance(v, Leaf) and v.text is None)), values[0]),
    "concat": _joined,
    "createarray": _items,
    "empty": lambda values: _truth(not _length(values[0])),
    "equals": lambda values: _truth(_equal(values)),
    "false": lambda values: "false",
    "first": lambda values: values[0].items[0] if isinstance(values[0], Items) else _text(values[0])[:1],
    "join": lambda values: _text(values[1]).join(map(_text, _listed(values[0]))),
    "last": lambda values: values[0].items[-1] if isinstance(values[0], Items) else _text(values[0])[-1:],
    "length": lambda values: str(_length(values[0])),
    "not": lambda values: _truth(_text(values[0]).lower() != "true"),
    "or": lambda values: _truth(any(_text(v).lower() == "true" for v in values)),
    "split": lambda values: _items(list(_text(values[0]).split(_text(values[1])))),
    "true": lambda values: "true",
}
"""The same over values of any type."""

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def identifier(*named: Tree | None) -> str:
    """The id of a resource by its name or its id: the GUID in the first that has one, else the last part of the first's path."""
    texts = [n.text or "" if isinstance(n, Leaf) else n.written if isinstance(n, Odd) else "" for n in named]
    for text in texts:
        if found := GUID.findall(text):
            return str(found[-1])
    paths = [t for t, n in zip(texts, named, strict=True) if t and isinstance(n, Leaf)]
    return paths[0].rstrip("/").rpartition("/")[2] if paths else ""
