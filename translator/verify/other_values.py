"""Values that a text asks for and its rule does not: events with them show what somebody added to a translation, or took from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import yaml

from translator.verify.given import terms_of_searches
from translator.verify.reading import NotReadable
from translator.verify.witness.texts import matching

_QUOTED = re.compile(r'"""(.*?)"""|"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.S)
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_WILDCARDS = "*%"
_REGEX = re.compile(r"[\[(|+^$]|\.[*+?]|\\[.dws]")
_CHOICE = re.compile(r"\[([^\]^\\-]{2,6}|-[^\]^\\-]{1,5}|[^\]^\\-]{1,5}-)\]")
"""A class of a pattern that lists a few characters, each of which somebody looks for."""
_SAMPLES = 4
_MOST = 32
"""How many values are tried: a text that lists hundreds of names is tried on the first ones."""


def other_values(target: str, texts: Iterable[str], query: str) -> list[str]:
    """The values of texts in the language of a target that no text or number of the query is, without the wildcards around them."""
    known, read = {*_written(query)}, {"sigma": _of_sigma, "splunk": _of_spl}.get(target, _written)
    found = (v for text in texts for written in read(text) for v in _meant(written))
    return list(dict.fromkeys(v for v in found if v and v not in known))[:_MOST]


def _written(text: str) -> Iterator[str]:
    """The texts between quotes, and the whole numbers."""
    for match in _QUOTED.finditer(text):
        yield next(m for m in match.groups() if m is not None)
    yield from _NUMBER.findall(_QUOTED.sub("", text))


def _of_spl(text: str) -> Iterator[str]:
    """The same, and the words that terms ask for."""
    yield from _written(text)
    with suppress(NotReadable):
        for terms in terms_of_searches(text):
            yield from (value for _, values in terms for value in sorted(values))


def _of_sigma(text: str) -> Iterator[str]:
    """The values of the detections of a file, those of ``windash`` with a slash for the dash as well."""
    try:
        documents = [d for d in yaml.safe_load_all(text) if isinstance(d, dict)]
    except yaml.YAMLError:
        return
    for document in documents:
        detection = document.get("detection")
        for name, item in detection.items() if isinstance(detection, dict) else ():
            if name != "condition":
                yield from _leaves(item, "")


def _leaves(item: Any, key: str) -> Iterator[str]:
    match item:
        case dict():
            for name, value in item.items():
                yield from _leaves(value, str(name))
        case list():
            for value in item:
                yield from _leaves(value, key)
        case str() | int() if not isinstance(item, bool):
            yield str(item)
            if "windash" in key.split("|"):
                yield str(item).replace("-", "/", 1)


def _meant(written: str) -> Iterator[str]:
    """What is looked for by a text: what is between wildcards, the name at the end of a path, samples of a pattern."""
    bare = re.sub(r"^(\(\?\w+\)|\^|\.\*)+|(\$|\.\*)+$", "", written).strip(_WILDCARDS)
    if _REGEX.search(bare):
        choices = [bare[: m.start()] + re.escape(c) + bare[m.end() :] for m in _CHOICE.finditer(bare) for c in m[1]]
        for pattern in (bare, *choices):
            yield from islice(matching(pattern), _SAMPLES)
        return
    plain = re.sub(r"\\(.)", r"\1", bare)
    yield re.sub(r"[?*]", "x", plain)
    if written[-1:] in tuple(_WILDCARDS) and plain[-1:].isdigit():
        yield f"{plain}1"  # a number goes on in digits
    if name := re.split(r"[\\/]", plain)[-1]:
        yield name
