"""Functions of JSON, and the paths of spath.

Facts: Search Reference, "JSON functions" (positions in arrays count from 0; what json_extract finds of several paths is an array),
"spath" (``{}`` stands for all of an array, ``{0}`` for its first value), "mv_to_json_array" in "Multivalue eval functions".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from translator.verify.reading import NotReadable, ValueNotTold
from translator.verify.spl.running import Run
from translator.verify.spl.values import Value, numeric, one, several, text

_MANY = 10_000

COUNTS: Mapping[str, tuple[int, int]] = {
    "json": (1, 1), "json_array": (0, _MANY), "json_array_to_mv": (1, 2), "json_extract": (1, _MANY), "json_extract_exact": (1, _MANY),
    "json_keys": (1, 1), "json_object": (0, _MANY), "json_valid": (1, 1), "json_set": (3, _MANY), "json_append": (3, _MANY),
    "json_extend": (3, _MANY), "json_delete": (2, _MANY), "json_has_key_exact": (2, 2), "json_entries": (1, 1),
    "json_set_exact": (3, _MANY),
    "mv_to_json_array": (1, 2), "spath": (2, 2), "isarray": (1, 1), "isobject": (1, 1), "toarray": (1, 1), "toobject": (1, 1),
}  # fmt: skip
"""The functions, and how many arguments each takes at least and at most."""

_UNSURE = frozenset("json_append json_extend json_delete json_set_exact json_entries isarray isobject toarray toobject".split())


def call(name: str, values: list[Value], run: Run) -> Value:
    """What a function gives.

    Raises:
        NotReadable: for arguments of which the documentation does not tell what they give.
    """
    if name in _UNSURE:
        raise NotReadable(f"the function {name}")
    if name in ("json_array", "json_object"):
        return _made(name, values)
    if None in values:
        return None
    first, *others = values
    if name == "mv_to_json_array":
        typed = bool(others) and others[0] is True
        return written([_typed(m) if typed else text(m) for m in several(first)])
    if any(isinstance(v, list | bool) for v in values[:1]) or any(isinstance(v, list) for v in others):
        raise NotReadable(f"{name} of several values")
    if name == "json_valid":
        return _json_in(first)[0]
    valid, parsed = _json_in(first)
    if name == "spath":
        return one([as_value(v) for v in at(parsed, text(others[0]))]) if valid else None
    if not valid:
        return None
    match name:
        case "json":
            return text(first)
        case "json_extract" | "json_extract_exact":
            return _extracted(parsed, [text(o) for o in others], name.endswith("exact"))
        case "json_keys":
            return written(list(parsed)) if isinstance(parsed, Mapping) else None
        case "json_has_key_exact":
            return isinstance(parsed, Mapping) and text(others[0]) in parsed
        case "json_array_to_mv":
            if not isinstance(parsed, list) or others:
                raise NotReadable("json_array_to_mv of what is no array")
            return one([as_value(v) for v in parsed])
        case "json_set":
            return _set(parsed, others)
    raise NotReadable(f"the function {name}")


def written(value: object) -> str:
    """JSON as Splunk's functions write it: without spaces, as in the examples of "JSON functions"."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _json_in(value: Value) -> tuple[bool, object]:
    try:
        return True, json.loads(text(value))
    except ValueError:
        return False, None


def _typed(value: Value) -> object:
    if value is None or isinstance(value, bool):
        return value
    number = numeric(value)
    if number is None:
        return text(value)
    if isinstance(value, str):
        raise NotReadable("whether a text that looks like a number is one in JSON")
    return number


def _made(name: str, values: list[Value]) -> Value:
    if any(isinstance(v, list) for v in values):
        raise NotReadable(f"{name} of several values")
    members = [_typed(v) for v in values]
    if any(isinstance(m, str) and m[:1] in ("{", "[") for m in members):
        raise NotReadable(f"{name} of a text that is JSON")
    if name == "json_array":
        return written(members)
    if len(members) % 2 or not all(isinstance(k, str) for k in members[::2]):
        raise NotReadable("json_object of what is no pair of a key and a value")
    return written(dict(zip(map(str, members[::2]), members[1::2], strict=True)))


def _set(parsed: object, others: list[Value]) -> Value:
    if not isinstance(parsed, dict) or len(others) % 2:
        raise NotReadable("json_set of what is no object")
    for key, value in zip(others[::2], others[1::2], strict=True):
        if re.search(r"[.{}]", text(key)):
            raise NotReadable("json_set at a path")
        parsed[text(key)] = _typed(value)
    return written(parsed)


def _extracted(parsed: object, paths: list[str], exact: bool) -> Value:
    if not paths:
        return written(parsed)
    found = [[parsed[p]] if exact and isinstance(parsed, Mapping) and p in parsed else [] if exact else _once(parsed, p) for p in paths]
    if len(paths) > 1:
        return written([f[0] if f else None for f in found])
    return as_value(found[0][0]) if found[0] else None


def _once(parsed: object, path: str) -> list[object]:
    """What json_extract finds at a path: an array of all for ``{}``."""
    found = at(parsed, path)
    return [found] if "{}" in path and found else found


def as_value(value: object) -> Value:
    """A value of JSON as a field has it: objects and arrays are their text, Booleans are texts.

    Raises:
        NotReadable: for null: what a field has of it is not documented.
    """
    if value is None:
        raise ValueNotTold("a null of JSON as a value")
    if isinstance(value, bool):
        return str(value).lower()
    return written(value) if isinstance(value, list | Mapping) else value


def at(parsed: object, path: str) -> list[object]:
    """All that stands at a path.

    Raises:
        NotReadable: for a path of XML attributes.
    """
    if "@" in path:
        raise NotReadable(f"the path {path}")
    found = [parsed]
    for step in re.finditer(r"\{(?P<index>-?\d*)\}|(?P<key>[^.{}]+)|\.", path):
        if step["key"]:
            found = [f[step["key"]] for f in found if isinstance(f, Mapping) and step["key"] in f]
        elif step["index"]:
            place = int(step["index"])
            found = [f[place] for f in found if isinstance(f, list) and -len(f) <= place < len(f)]
        elif step["index"] == "":
            found = [m for f in found if isinstance(f, list) for m in f]
    return found
