"""Searches in the text of a bag, as searches in the texts that it holds, and places in bags that a query makes.

Source: learn.microsoft.com/kusto/query/pack-function, .../query/scalar-data-types/dynamic: the text of a bag is its JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Path, const, disjunction, negation
from translator.plan.rewriting import rewritten
from translator.plan.text_parts import PARTS_OF_PATH
from translator.plan.types import Type
from translator.regex.parser import parsed
from translator.regex.syntax import groups

_PLAIN = re.compile(r'[^"\\:,{}\[\]\x00-\x1f]+')
"""What stands in JSON as it does in a text, and reaches over no mark between two (RFC 8259, sections 2 and 7)."""

_PACKING = frozenset({"bag_pack", "pack"})

_URL = frozenset({"parse_url", "parseurl"})

_HOST = r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#]*@)?([^/?#@]*?)(?::[^:/?#@\]]*)?(?:[/?#]|$)"
"""What is the host of an address: between the name of a user, if there is one, and a port (RFC 3986, appendix B and section 3.2)."""

_PATH = r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^?#]*)"
"""What is the path of an address (RFC 3986, appendix B)."""

_PLACES = {
    **{(function, name): regex for function in _URL for name, regex in (("Host", _HOST), ("Path", _PATH))},
    **{("parse_path", name): regex for name, regex in PARTS_OF_PATH.items()},
}
"""What a function of a text finds in it, by the name of the place: learn.microsoft.com/kusto/query/parse-url-function."""

_LETTERS = {
    Type.DATETIME: re.compile(r"[-0-9TZtz.]+"), Type.INT: re.compile("[-0-9]+"), Type.LONG: re.compile("[-0-9]+"),
    Type.BOOL: re.compile("[a-z]+", re.IGNORECASE),
}  # fmt: skip
"""What the JSON of values of other types is made of."""


def with_bags_searched(root: o.Relation) -> o.Relation:
    """A relation that searches no text of a bag for what may only stand in one of its texts."""
    if "bag_pack" not in o.functions(root):
        return root
    made = o.computed(root)

    def bag(expr: Expr) -> tuple[Expr, ...] | None:
        match expr:
            case ColumnRef(column=column) if column.id in made:
                return bag(made[column.id])
            case Apply(function="tostring", args=(Apply(function="bag_pack", args=pairs),)):
                return pairs
        return None

    def spelled(node: object) -> object:
        match node:
            case Apply(function="contains" | "contains_cs" | "!contains" | "!contains_cs", args=(text, Const(value=str(word)))):
                pairs = bag(text)
                if pairs and (values := _texts(pairs, word)) is not None:
                    asked = [Apply(node.span, Type.BOOL, node.function.lstrip("!"), (v, node.args[1])) for v in values]
                    found = disjunction(*asked)
                    return negation(found) if node.function.startswith("!") else found
        return node

    return rewritten(root, spelled)


OF_KEY = "value_of_key"
"""The aggregate that is a value of any one row for which a condition holds, as make_bag has it of several with one key."""


def with_keys_of_bags(root: o.Relation, fresh: Iterator[int]) -> o.Relation:
    """A relation whose summaries find what it reads of the bags that they make.

    Source: learn.microsoft.com/kusto/query/make-bag-aggregation-function: of a key of several rows it has any one of their values.
    """
    if "make_bag" not in o.functions(root):
        return root
    bags = {
        column.id: packed.args
        for node in o.relations(root)
        if isinstance(node, o.Aggregate)
        for column, expr in node.aggregates
        if isinstance(expr, Apply) and expr.function == "make_bag" and len(expr.args) == 1  # of which no key is left out
        if isinstance(packed := expr.args[0], Apply) and packed.function in _PACKING
    }
    found = dict[int, dict[Expr, tuple[Column, Expr]]]()

    of_key = dict[int, tuple[int, Apply]]()

    def read(bag: int, name: str, aggregate: Apply) -> Expr:
        column, _ = found.setdefault(bag, {}).setdefault(aggregate, (Column(next(fresh), name, aggregate.type), aggregate))
        of_key[column.id] = bag, aggregate
        return ColumnRef(aggregate.span, aggregate.type, column)

    def spelled(node: object) -> object:
        match node:
            case Apply(function="bag_has_key", args=(ColumnRef(column=column), Const(value=str(name)))) if (
                column.id in bags and (told := _of_key(bags[column.id], name)) is not None
            ):
                count = read(column.id, f"has_{name}", Apply(node.span, Type.LONG, "countif", (told[0],)))
                return Apply(node.span, Type.BOOL, ">", (count, const(0)))
            case Path(base=ColumnRef(column=column), steps=(str(name), *steps)) if (
                column.id in bags and (told := _of_key(bags[column.id], name)) is not None
            ):
                value = _place(told[1], tuple(steps), {})
                if value is None or (isinstance(value, Apply) and value.function in _PACKING):
                    return node
                return read(column.id, str(node.steps[-1]), Apply(node.span, node.type, OF_KEY, (value, told[0])))
            case Apply(function="tostring", args=(ColumnRef(column=column),)) if column.id in of_key:
                bag, aggregate = of_key[column.id]
                return read(bag, column.name, replace(aggregate, type=Type.STRING))
        return node

    def made(node: object) -> object:
        if not isinstance(node, o.Aggregate):
            return node
        added = [pair for column, _ in node.aggregates for pair in found.get(column.id, {}).values()]
        return replace(node, aggregates=(*node.aggregates, *added)) if added else node

    return rewritten(rewritten(root, spelled), made)


def _of_key(pairs: tuple[Expr, ...], key: str) -> tuple[Expr, Expr] | None:
    """When a row has a key in the bag of its own that it adds to another, and the value; None where that is not known."""
    match pairs:
        case (name, value) if name.type == Type.STRING:
            return Apply(name.span, Type.BOOL, "==", (name, const(key))), value
    return None


def with_places_of_bags(root: o.Relation) -> o.Relation:
    """A relation that reads no places of bags that it has made: it reads what it has put there."""
    if o.functions(root).isdisjoint(_PACKING | {"extract_all"} | {function for function, _ in _PLACES}):
        return root
    made = {c.id: x for n in o.relations(root) if isinstance(n, o.Compute | o.Project) for c, x in n.items if c.type == Type.DYNAMIC}

    def spelled(node: object) -> object:
        return _place(node.base, node.steps, made) or node if isinstance(node, Path) else node

    return rewritten(root, spelled)


def _place(bag: Expr, steps: tuple[str | int, ...], made: Mapping[int, Expr]) -> Expr | None:
    """What stands at a place of a value; None where that is no bag that the query makes, with keys that it names."""
    match bag:
        case _ if not steps:
            return bag
        case ColumnRef(column=column) if column.id in made:
            return _place(made[column.id], steps, made)
        case Const(value=None):
            return bag
        case Apply(function="split", args=(_, Const())) if len(steps) == 1 and isinstance(steps[0], int):
            return Path(bag.span, Type.DYNAMIC, bag, steps)
        case Apply(function="parse_json", args=(Apply(function="tostring", args=(inner,)),)):
            return _place(inner, steps, made)
        case Apply(function=function, args=(text,)) if len(steps) == 1 and (regex := _PLACES.get((function, str(steps[0])))):
            return Apply(bag.span, Type.STRING, "extract", (const(regex), const(1), text))
        case Apply(function="extract_all", args=(Const(value=str(regex)), text)) if (
            steps == (0,) and (tree := parsed(regex)) is not None and groups(tree) == 1
        ):
            return Apply(bag.span, Type.STRING, "extract", (bag.args[0], const(1), text))
        case Apply(function=function, args=pairs) if function in _PACKING:
            return _held(bag, pairs, steps, made)
        case Apply(function="iff" | "iif", args=(condition, *values)):
            places = [_place(v, steps, made) for v in values]
            return None if None in places else replace(bag, args=(condition, *(p for p in places if p is not None)))
        case Apply(function="case", args=(*branches, otherwise)):
            places = [_place(v, steps, made) for v in (*branches[1::2], otherwise)]
            found = [p for p in places if p is not None]
            if len(found) < len(places):
                return None
            pairs_ = [x for pair in zip(branches[::2], found, strict=False) for x in pair]
            return replace(bag, args=(*pairs_, found[-1]))
    return None


def _held(bag: Apply, pairs: tuple[Expr, ...], steps: tuple[str | int, ...], made: Mapping[int, Expr]) -> Expr | None:
    """What a bag holds at a place: of a key that is computed, where it is that name."""
    named = {k.value: v for k, v in zip(pairs[::2], pairs[1::2], strict=True) if isinstance(k, Const)}
    computed = [(k, v) for k, v in zip(pairs[::2], pairs[1::2], strict=True) if not isinstance(k, Const)]
    if len(named) + len(computed) < len(pairs) // 2 or len(computed) > 1 or (computed and steps[0] in named):
        return None  # the later one of two counts
    nothing = Const(bag.span, Type.DYNAMIC, None)
    if not computed:
        return _place(named[steps[0]], steps[1:], made) if steps[0] in named else nothing
    (key, value), name = computed[0], Const(bag.span, Type.STRING, steps[0])
    held = _place(value, steps[1:], made) if isinstance(steps[0], str) and key.type == Type.STRING else None
    asked = Apply(bag.span, Type.BOOL, "==", (key, name))
    return None if held is None else Apply(bag.span, Type.DYNAMIC, "iff", (asked, held, nothing))


def _texts(pairs: tuple[Expr, ...], word: str) -> list[Expr] | None:
    """The texts of a bag that may hold a word; None where it may stand elsewhere in its JSON."""
    found = list[Expr]()
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(key, Const) or word.lower() in str(key.value).lower() or not _PLAIN.fullmatch(word):
            return None
        if value.type == Type.STRING:
            found.append(value)
        elif value.type not in _LETTERS or _LETTERS[value.type].fullmatch(word) or word.lower() in "null":
            return None
    return found or None
