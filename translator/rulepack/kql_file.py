"""Bare KQL: a file of one query, or of several."""

from __future__ import annotations

from collections.abc import Iterator

from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, TextMap, Unread
from translator.rulepack.queries import Found, described, judged, split
from translator.rulepack.saved_functions import created

SUFFIXES = (".kql", ".csl", ".kusto")


def is_called_so(content: Content) -> bool:
    """Whether a file is called as one of KQL, and is not a rule in YAML, nor the JSON of a workbook or a dashboard."""
    return content.suffix in SUFFIXES and not content.is_json and not content.may_be_yaml


def recognizes(content: Content) -> bool:
    """Whether a text is KQL in which a table goes through operators."""
    return judged(content.text, anything=True).query


def is_called_yaml(content: Content) -> bool:
    """Whether a file is called as one of YAML, of which it has not the beginning, and is KQL."""
    return content.suffix in (".yaml", ".yml") and not content.is_json and not content.may_be_yaml and recognizes(content)


def resembles(content: Content) -> bool:
    """Whether a text begins as KQL does that reads a table which is known, and is none."""
    return judged(content.text).problem is not None


def read(content: Content) -> Iterator[Rule | Function | Unread]:
    """A rule for each query."""
    if functions := created(content.name, content.text):
        for function in functions:
            yield function
            yield Unread(content.name, function.name, "a function, which rules call: no rule by itself", fault=False)
        return
    found = split(content.text)
    for number, query in enumerate(found):
        stem = content.stem if len(found) == 1 else f"{content.stem}-{number + 1}"
        yield bare(content, query, stem.replace("_", " "), described(query.text))


def bare(content: Content, query: Found, name: str, description: str = "", first: int = 0) -> Rule:
    """A rule that is a query alone. The text that it was found in begins on the file's line ``first``, from 0."""
    text_map = TextMap.locate(query.text, content.lines, first + query.line)
    return Rule(source=content.name, id="", name=name, query=query.text, text_map=text_map, description=description)
