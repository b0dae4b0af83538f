"""Arrays, property bags and what parses text into them."""

from __future__ import annotations

import itertools
import re
from typing import Any

from translator.plan.functions.declare import Family
from translator.plan.functions.values import Dynamic, text_of

F = Family("dynamics")
F.declare("pack_array(value: scalar+) -> dynamic", "pack_array(value: scalar) -> dynamic", compiled=True)
F.declare("bag_pack(key: string+, value: scalar+) -> dynamic", compiled=True)
F.alias("pack", "bag_pack")
F.alias("pack_dictionary", "bag_pack")
F.declare("bag_pack_columns(value: scalar+) -> dynamic", compiled=True, columns=True)
F.declare("pack_all(ignore_null_empty: constant scalar?) -> dynamic", compiled=True)


@F.scalar("array_length(array: array) -> long", duckdb="CASE WHEN JSON_TYPE($1) = 'ARRAY' THEN JSON_ARRAY_LENGTH($1) END")
def array_length(array: Dynamic) -> int | None:
    return len(array) if isinstance(array, list) else None


F.alias("arraylength", "array_length")


def _list(value: Dynamic) -> list[Any]:
    return value if isinstance(value, list) else []


def _key(value: Dynamic) -> str:
    """A text that only equal values have: a real that is whole is the same as the whole number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return f"{type(value).__name__}:{value!r}"
    return f"n:{int(value)}" if isinstance(value, float) and value.is_integer() else f"n:{value!r}"


def distinct(values: list[Any]) -> list[Any]:
    """``values`` without repetitions, in the order of their first occurrence."""
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(_key(value), value)
    return list(found.values())


def _order(value: Dynamic) -> tuple[int, Any]:
    """The place of a value among its kind, and of the kind: numbers, texts, all else."""
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (3, text_of(value))


def _sorted(arrays: tuple[Any, ...], reverse: bool) -> Dynamic:
    nulls_last = True
    if arrays and isinstance(arrays[-1], bool):
        arrays, nulls_last = arrays[:-1], arrays[-1]
    first = arrays[0]
    if not isinstance(first, list):
        return None
    filled = [i for i, v in enumerate(first) if v is not None]
    nulls = [i for i, v in enumerate(first) if v is None]
    filled.sort(key=lambda i: _order(first[i]), reverse=reverse)
    filled.sort(key=lambda i: _order(first[i])[0])  # kinds stand the same way in both directions
    order = filled + nulls if nulls_last else nulls + filled
    out = [[a[i] for i in order] if isinstance(a, list) and len(a) == len(first) else None for a in arrays]
    return out[0] if len(out) == 1 else out


@F.scalar("array_sort_asc(arrays: array+, nulls_last: constant bool?) -> dynamic", named="_sorted")
def array_sort_asc(*arrays: Dynamic) -> Dynamic:
    return _sorted(arrays, False)


@F.scalar("array_sort_desc(arrays: array+, nulls_last: constant bool?) -> dynamic", named="_sorted")
def array_sort_desc(*arrays: Dynamic) -> Dynamic:
    return _sorted(arrays, True)


@F.scalar("array_concat(array: array+) -> dynamic")
def array_concat(*arrays: Dynamic) -> Dynamic:
    return [v for a in arrays for v in (a if isinstance(a, list) else [a])]


@F.scalar("array_iff(condition_array: array, when_true: scalar, when_false: scalar) -> dynamic", nulls=True)
def array_iff(condition: Dynamic, then: Dynamic, otherwise: Dynamic) -> Dynamic:
    def pick(values: Dynamic, index: int) -> Dynamic:
        return (values[index] if index < len(values) else None) if isinstance(values, list) else values

    if not isinstance(condition, list):
        return None
    truths = [bool(c) if isinstance(c, bool | int | float) else None for c in condition]
    return [None if t is None else pick(then if t else otherwise, i) for i, t in enumerate(truths)]


F.alias("array_iif", "array_iff")


@F.scalar("array_index_of(array: array, value: scalar, start: integer?, length: integer?, occurrence: integer?) -> long")
def array_index_of(array: Dynamic, value: Dynamic, start: int = 0, length: int = -1, occurrence: int = 1) -> int | None:
    if not isinstance(array, list) or occurrence < 1 or length < -1:
        return None
    start = max(0, len(array) + start) if start < 0 else start
    end = len(array) if length < 0 else min(len(array), start + length)
    found = [i for i in range(start, end) if _key(array[i]) == _key(value)]
    return found[occurrence - 1] if len(found) >= occurrence else -1


@F.scalar("array_slice(array: array, start: integer, end: integer) -> first")
def array_slice(array: Dynamic, start: int, end: int) -> Dynamic:
    if not isinstance(array, list):
        return None
    size = len(array)
    low, high = (max(0, size + p) if p < 0 else p for p in (start, end))
    return array[low : high + 1]


@F.scalar("array_split(array: array, index: integer) -> first", "array_split(array: array, indices: array) -> first")
def array_split(array: Dynamic, index: Dynamic) -> Dynamic:
    if not isinstance(array, list):
        return None
    cuts = [i + len(array) if i < 0 else i for i in (index if isinstance(index, list) else [index])]
    bounds = [0, *cuts, len(array)]
    return [array[a:b] for a, b in itertools.pairwise(bounds)]


@F.scalar("array_shift_left(array: array, shift_count: integer, default_value: scalar?) -> first", nulls=True)
def array_shift_left(array: Dynamic, count: int, default: Dynamic = None) -> Dynamic:
    if not isinstance(array, list):
        return None
    size = len(array)
    if default is None and array and all(isinstance(v, str) for v in array):
        default = ""
    return [array[i + count] if 0 <= i + count < size else default for i in range(size)]


@F.scalar("array_shift_right(array: array, shift_count: integer, default_value: scalar?) -> first", nulls=True)
def array_shift_right(array: Dynamic, count: int, default: Dynamic = None) -> Dynamic:
    return array_shift_left(array, -count, default)


@F.scalar("array_rotate_left(array: array, rotate_count: integer) -> first")
def array_rotate_left(array: Dynamic, count: int) -> Dynamic:
    if not isinstance(array, list) or not array:
        return array if isinstance(array, list) else None
    count %= len(array)
    return array[count:] + array[:count]


@F.scalar("array_rotate_right(array: array, rotate_count: integer) -> first")
def array_rotate_right(array: Dynamic, count: int) -> Dynamic:
    return array_rotate_left(array, -count)


@F.scalar("array_reverse(value: array) -> first")
def array_reverse(array: Dynamic) -> Dynamic:
    return array[::-1] if isinstance(array, list) else None


@F.scalar("array_sum(array: array) -> real")
def array_sum(array: Dynamic) -> float | None:
    numbers = [v for v in _list(array) if isinstance(v, int | float) and not isinstance(v, bool)]
    return float(sum(numbers)) if len(numbers) == len(_list(array)) else None


@F.scalar("zip(array_1: array, array: array+) -> dynamic")
def zip_(*arrays: Dynamic) -> Dynamic:
    columns = [a if isinstance(a, list) else [a] for a in arrays]
    size = max(map(len, columns))
    return [[c[i] if i < len(c) else None for c in columns] for i in range(size)]


@F.scalar("repeat(value: scalar, count: long) -> dynamic", nulls=True, named="repeat_")
def repeat(value: Dynamic, count: int) -> Dynamic:
    if count is not None and count > 1 << 20:
        raise ValueError(f"an array has 1,048,576 elements at most, and repeat() is asked for {count:,}")
    return None if count is None or count < 0 else [value] * count


F.declare("range(start: summable, stop: summable, step: summable?) -> dynamic", compiled=True)


@F.scalar("set_union(set_1: array, set: array+) -> dynamic")
def set_union(*sets: Dynamic) -> Dynamic:
    return distinct([v for s in sets for v in _list(s)])


@F.scalar("set_intersect(set_1: array, set: array+) -> dynamic")
def set_intersect(*sets: Dynamic) -> Dynamic:
    keys = [{_key(v) for v in _list(s)} for s in sets[1:]]
    return [v for v in distinct(_list(sets[0])) if all(_key(v) in k for k in keys)]


@F.scalar("set_difference(set_1: array, set: array+) -> dynamic")
def set_difference(*sets: Dynamic) -> Dynamic:
    keys = {_key(v) for s in sets[1:] for v in _list(s)}
    return [v for v in distinct(_list(sets[0])) if _key(v) not in keys]


@F.scalar("set_has_element(set: array, value: scalar) -> bool")
def set_has_element(set_: Dynamic, value: Dynamic) -> bool:
    return any(_key(v) == _key(value) for v in _list(set_))


@F.scalar("set_equals(set1: array, set2: array) -> bool")
def set_equals(first: Dynamic, second: Dynamic) -> bool:
    return {_key(v) for v in _list(first)} == {_key(v) for v in _list(second)}


@F.scalar("jaccard_index(set_1: array, set_2: array) -> dynamic")
def jaccard_index(first: Dynamic, second: Dynamic) -> float:
    a, b = {_key(v) for v in _list(first)}, {_key(v) for v in _list(second)}
    return len(a & b) / len(a | b) if a | b else float("nan")


@F.scalar("bag_keys(object: bag) -> dynamic")
def bag_keys(bag: Dynamic) -> Dynamic:
    return list(bag) if isinstance(bag, dict) else None


@F.scalar("bag_merge(bag_1: bag, bag: bag+) -> dynamic")
def bag_merge(*bags: Dynamic) -> Dynamic:
    out: dict[str, Any] = {}
    for bag in bags:
        for key, value in bag.items() if isinstance(bag, dict) else ():
            out.setdefault(key, value)
    return out


_STEP = re.compile(r"\.([\w\-]+)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")


def steps_of(path: str) -> list[str | int] | None:
    """The steps of a JSONPath such as ``$.a.b[0]['c']``; None where it is none."""
    if not path.startswith("$"):
        return None
    found: list[str | int] = []
    index = 1
    while index < len(path):
        match = _STEP.match(path, index)
        if match is None:
            return None
        found.append(int(match[4]) if match[4] is not None else next(g for g in match.groups()[:3] if g is not None))
        index = match.end()
    return found


def at(value: Dynamic, steps: list[str | int]) -> Dynamic:
    """What ``steps`` lead to, None where they lead nowhere."""
    for step in steps:
        if isinstance(step, int) and isinstance(value, list):
            value = value[step] if -len(value) <= step < len(value) else None
        elif isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _without(value: Dynamic, steps: list[str | int]) -> Dynamic:
    if not isinstance(value, dict) or not steps or steps[0] not in value:
        return value
    copy = dict(value)
    if len(steps) == 1:
        del copy[str(steps[0])]
    else:
        copy[str(steps[0])] = _without(copy[str(steps[0])], steps[1:])
    return copy


@F.scalar("bag_remove_keys(bag: bag, keys: array) -> dynamic")
def bag_remove_keys(bag: Dynamic, keys: Dynamic) -> Dynamic:
    for key in _list(keys):
        steps: list[str | int] | None = steps_of(str(key)) if str(key).startswith("$") else [str(key)]
        bag = _without(bag, steps or [])
    return bag if isinstance(bag, dict) else None


@F.scalar("bag_has_key(bag: bag, key: string) -> bool")
def bag_has_key(bag: Dynamic, key: str) -> bool | None:
    if not isinstance(bag, dict):
        return None
    steps: list[str | int] | None = steps_of(key) if key.startswith("$") else [key]
    if not steps:
        return False
    parent = at(bag, steps[:-1])
    return isinstance(parent, dict) and steps[-1] in parent


@F.scalar("bag_set_key(bag: bag, key: constant string, value: scalar) -> dynamic", nulls=True)
def bag_set_key(bag: Dynamic, key: str, value: Dynamic) -> Dynamic:
    if not isinstance(bag, dict):
        return None
    steps = (steps_of(key) if key.startswith("$") else [key]) or []
    out = dict(bag)
    place = out
    for step in steps[:-1]:
        inner = place.get(str(step))
        place[str(step)] = dict(inner) if isinstance(inner, dict) else {}
        place = place[str(step)]
    if steps:
        place[str(steps[-1])] = value
    return out


@F.scalar("bag_zip(keys: array, values: array) -> dynamic")
def bag_zip(keys: Dynamic, values: Dynamic) -> Dynamic:
    padded = _list(values) + [None] * len(_list(keys))
    return {text_of(k): v for k, v in zip(_list(keys), padded, strict=False) if isinstance(k, str)}


@F.scalar("treepath(object: bag) -> dynamic", named="tree_")
def treepath(value: Dynamic) -> Dynamic:
    """The paths that values stand at, each once: all elements of an array stand at its first place."""
    found: dict[str, None] = {}

    def visit(part: Dynamic, path: str) -> None:
        steps = part.items() if isinstance(part, dict) else ((0, v) for v in part) if isinstance(part, list) else ()
        for step, inner in steps:
            place = f"{path}['{step}']" if isinstance(part, dict) else f"{path}[{step}]"
            found[place] = None
            visit(inner, place)

    visit(value, "")
    return list(found)


@F.scalar("parse_csv(csv_text: string) -> dynamic", named="argument", shapes=True)
def parse_csv(text: str) -> Dynamic:
    """The first record, which a line break inside quotes does not end."""
    import csv
    import io

    return next(csv.reader(io.StringIO(text, newline="")), [])


@F.scalar(
    "extract_json(jsonPath: constant string, jsonText: string) -> string",
    "extract_json(jsonPath: constant string, jsonText: string, type: type) -> literal",
)
def extract_json(path: str, text: Dynamic) -> str:
    import json

    steps = steps_of(path)
    if isinstance(text, str):
        try:
            text = json.loads(text)
        except ValueError:
            return ""
    return "" if steps is None else text_of(at(text, steps))


F.alias("extractjson", "extract_json")


@F.scalar("parse_xml(xml_text: string) -> dynamic", named="argument", shapes=True)
def parse_xml(text: str) -> Dynamic:
    """XML as a property bag: attributes with ``@``, text with ``#text``, repeated elements as arrays."""
    import xml.etree.ElementTree as tree

    if "<!DOCTYPE" in text or "<!ENTITY" in text or len(text.encode()) > 1 << 20:
        return None
    try:
        root = tree.fromstring(text)
    except tree.ParseError:
        return None

    def name(tag: str) -> str:
        return tag.rsplit("}", 1)[-1]

    def convert(element: tree.Element) -> Dynamic:
        bag: dict[str, Any] = {f"@{name(k)}": v for k, v in element.attrib.items()}
        for child in element:
            key, value = name(child.tag), convert(child)
            if key in bag:
                bag[key] = [*(bag[key] if isinstance(bag[key], list) else [bag[key]]), value]
            else:
                bag[key] = value
        content = (element.text or "").strip()
        if not bag:
            return content or None
        if content:
            bag["#text"] = content
        return bag

    return {name(root.tag): convert(root)}


def _decoded_query(text: str) -> dict[str, str]:
    pairs = [p.partition("=") for p in text.split("&") if p]
    return {k: v for k, _, v in pairs}


@F.scalar("parse_urlquery(query: string) -> dynamic")
def parse_urlquery(query: str) -> Dynamic:
    return {"Query Parameters": _decoded_query(query)}


F.alias("parseurlquery", "parse_urlquery")


@F.scalar("parse_url(url: string) -> dynamic")
def parse_url(url: str) -> Dynamic:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    name, port = (host, "") if host.endswith("]") or ":" not in host else tuple(host.rsplit(":", 1))
    return {
        "Scheme": parts.scheme, "Host": name, "Port": port, "Path": parts.path, "Username": user, "Password": password,
        "Query Parameters": _decoded_query(parts.query), "Fragment": parts.fragment,
    }  # fmt: skip


F.alias("parseurl", "parse_url")


@F.scalar("parse_path(path: string) -> dynamic")
def parse_path(path: str) -> Dynamic:
    scheme, separator, rest = path.partition("://")
    if not separator:
        scheme, rest = "", path
    elif scheme == "file":
        rest = rest.lstrip("/")
    drive = rest[:2] if re.match(r"[A-Za-z]:", rest) else ""
    cut = max(rest.rfind("\\"), rest.rfind("/"))
    folder, last = (rest[:cut], rest[cut + 1 :]) if cut >= 0 else ("", rest)
    name, _, stream = last.partition(":")
    extension = name.rsplit(".", 1)[1] if "." in name else ""
    return {
        "Scheme": scheme, "RootPath": drive, "DirectoryPath": folder,
        "DirectoryName": re.split(r"[\\/]", folder)[-1] if folder else "", "Filename": name, "Extension": extension,
        "AlternateDataStreamName": stream,
    }  # fmt: skip


F.unsupported(
    """
    parse_user_agent(user_agent: string, look_for: scalar?) -> dynamic
    """
)
