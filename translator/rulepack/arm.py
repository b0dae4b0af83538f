"""Templates of Azure Resource Manager: their resources, with the expressions worked out that need no deployment.

Sources: learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions, syntax, linked-templates;
learn.microsoft.com/azure/templates/microsoft.securityinsights/contenttemplates.
"""

from __future__ import annotations

import functools
import re
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
    known: dict[tuple[str, str], Tree] = field(default_factory=dict, compare=False)
    """What was worked out already, by kind and name."""

    @classmethod
    def of(cls, template: Fields, given: Fields | None = None) -> Scope:
        values = {n.lower(): v.entries["value"] for n, v in _members(given) if isinstance(v, Fields) and "value" in v.entries}
        return cls(values, template.inside("parameters"), template.inside("variables"))


def _members(fields: Fields | None) -> Iterator[tuple[str, Tree]]:
    yield from fields.entries.items() if fields is not None else ()


def resources(template: Fields) -> Iterator[Fields]:
    """The resources of a template, those of nested templates and of packaged content in their place, with their values worked out."""
    yield from _resources(template, (Scope.of(template),), 0)


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
            yield from _resource(resource, scopes, depth)


def _resource(resource: Fields, scopes: tuple[Scope, ...], depth: int) -> Iterator[Fields]:
    properties = resource.inside("properties")
    for key in ("mainTemplate", "template"):
        inner = properties.get(key)
        if isinstance(inner, Fields) and inner.get("resources") is not None and depth < MAX_DEPTH:
            own = Scope.of(inner, properties.inside("parameters"))
            outer = properties.inside("expressionEvaluationOptions").leaf("scope").lower() == "outer"
            # Packaged content is a value of the outer template, worked out first there and once more where it is installed.
            within = (*scopes, own) if key == "mainTemplate" else scopes if outer else (own,)
            yield from _resources(inner, within, depth + 1)
            return
    children = resource.get("resources")
    if isinstance(children, Items) and children.items and depth < MAX_DEPTH:
        yield from _resources(resource, scopes, depth + 1)
        if not properties.entries:
            return
        resource = replace(resource, entries={k: v for k, v in resource.entries.items() if k != "resources"})
    found: Tree = resource
    for scope in scopes:
        found = resolved(found, scope)
    if isinstance(found, Fields):
        yield found


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
            return Fields({name: _resolved(value, scope, depth) for name, value in entries.items()}, place, faults)
    return tree


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
    if name not in _FUNCTIONS and name not in ("parameters", "variables"):
        raise Unknown(f"only a deployment knows {name}()")
    values = [_value(a, scope, depth) for a in arguments if a is not None]
    if name in _FUNCTIONS:
        texts = [_text(v) for v in values]
        if not texts or sum(map(len, texts)) > MAX_TEXT:
            raise Unknown(f"{name}() takes texts, and not as long ones")
        made = _FUNCTIONS[name](texts)
        if len(made) > MAX_TEXT:
            raise Unknown(f"{name}() makes too long a text")
        return made
    wanted = _text(values[0]) if values else ""
    if name == "parameters":
        if wanted.lower() in scope.given:
            return scope.given[wanted.lower()]
        declared = _named(scope.parameters, wanted)
        found = declared.get("defaultValue") if isinstance(declared, Fields) else None
    else:
        found = _named(scope.variables, wanted)
    if found is None:
        raise Unknown(f"there is no value of the {name[:-1]} '{shown(wanted)}'")
    key = (name, wanted.lower())
    if key not in scope.known:
        scope.known[key] = _resolved(found, scope, depth + 1)
    return scope.known[key]


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
        number = int(found[1])
        if number + 1 >= len(texts):
            raise Unknown("format() has too few values")
        return texts[number + 1]

    return re.sub(r"\{(\d{1,3})\}", value, texts[0])


def _replace(texts: list[str]) -> str:
    if len(texts) != 3 or not texts[1]:
        raise Unknown("replace() takes three texts")
    return texts[0].replace(texts[1], texts[2])


_FUNCTIONS: Mapping[str, Callable[[list[str]], str]] = {
    "concat": "".join,
    "format": _format,
    "replace": _replace,
    "string": "".join,
    "tolower": lambda texts: texts[0].lower(),
    "toupper": lambda texts: texts[0].upper(),
    "trim": lambda texts: texts[0].strip(),
}
"""The functions that need no deployment, over texts. Source: learn.microsoft.com, "ARM template functions"."""

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def identifier(*named: Tree | None) -> str:
    """The id of a resource by its name or its id: the GUID in the first that has one, else the last part of the first's path."""
    texts = [n.text or "" if isinstance(n, Leaf) else n.written if isinstance(n, Odd) else "" for n in named]
    for text in texts:
        if found := GUID.findall(text):
            return str(found[-1])
    paths = [t for t, n in zip(texts, named, strict=True) if t and isinstance(n, Leaf)]
    return paths[0].rstrip("/").rpartition("/")[2] if paths else ""
