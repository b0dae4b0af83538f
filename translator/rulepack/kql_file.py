"""Bare KQL: a file of one query, or of several."""

from __future__ import annotations

from collections.abc import Iterator

from translator.kql.parser import scan
from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, TextMap, Unread, shown
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
    found = list(parts(content, content.text))
    several = sum(isinstance(part, Found) for part in found) > 1
    number = 0
    for part in found:
        if isinstance(part, Found):
            number += 1
            stem = f"{content.stem}-{number}" if several else content.stem
            yield bare(content, part, stem.replace("_", " "), described(part.text))
        else:
            yield part


def parts(content: Content, text: str, first: int = 0) -> Iterator[Found | Function | Unread]:
    """The queries of a text and the functions that it creates. Other commands, and comments alone, are no queries.

    Source: learn.microsoft.com/kusto/management: a command is a request of its own, whose text begins with a dot.

    Args:
        first: the file's line that the text begins on, from 0.
    """
    functions, rest = created(content.name, text)
    for function in functions:
        yield function
        yield Unread(content.name, function.name, "a function, which rules call: no rule by itself", fault=False)
    for found in map(_without_blanks, split(rest)) if functions else split(rest):
        offset = next((begin for kind, begin, _ in scan(found.text) if kind not in ("space", "comment")), None)
        if offset is None and not functions:
            yield Unread(content.name, content.stem, "comments alone stand here, and no query", first + found.line + 1, fault=False)
        elif offset is not None and found.text[offset] == ".":
            command = found.text[offset:].split(maxsplit=1)[0]
            line = first + found.line + found.text.count("\n", 0, offset) + 1
            yield Unread(content.name, content.stem, f"this is a management command ({shown(command)}), not a query", line, fault=False)
        elif offset is not None:
            yield found


def _without_blanks(found: Found) -> Found:
    """A query without the empty lines around it, which may be those of a function that stood there."""
    lead = found.text.rfind("\n", 0, len(found.text) - len(found.text.lstrip())) + 1
    return Found(found.text[lead:].rstrip(), found.offset + lead, found.line + found.text.count("\n", 0, lead))


def bare(content: Content, query: Found, name: str, description: str = "", first: int = 0) -> Rule:
    """A rule that is a query alone. The text that it was found in begins on the file's line ``first``, from 0."""
    text_map = TextMap.locate(query.text, content.lines, first + query.line)
    return Rule(source=content.name, id="", name=name, query=query.text, text_map=text_map, description=description)
