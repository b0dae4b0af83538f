"""Rule files of every form, read into one model."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from translator.rulepack import sentinel_yaml, web_text
from translator.rulepack.model import Connector, EntityMapping, Rule, RuleFileError, TextMap, read_text, seconds

__all__ = ["Connector", "EntityMapping", "Rule", "RuleFileError", "TextMap", "read", "rule_files", "seconds"]

SUFFIXES = (".yaml", ".yml", ".kql", ".csl", ".txt", ".md")
_FENCE = re.compile(r"^```[ \t]*(?:kql|kusto|kusto-query-language)[ \t]*\n(.*?)^```", re.S | re.M | re.I)


def _raised(error: RuleFileError) -> None:
    raise error


def rule_files(path: Path, unread: Callable[[RuleFileError], None] = _raised) -> Iterator[Path]:
    """The rule files at ``path``: itself, or those below a folder, in a stable order.

    Args:
        unread: is told of a path without anything, a folder that cannot be read, and what is named as a rule file and is none, such as a
            named pipe, which would be waited for without end.

    Raises:
        RuleFileError: for the first of these, unless ``unread`` is given.
    """
    if os.path.isdir(path):
        files = list[Path]()
        for folder, _, names in os.walk(path, onerror=lambda error: unread(_unreadable(error))):
            files += (Path(folder, name) for name in names if name != "README.md" and Path(name).suffix.lower() in SUFFIXES)
        for file in sorted(files):
            if os.path.isfile(file):
                yield file
            else:
                unread(
                    RuleFileError(
                        str(file), "this is no file: " + ("a link to nothing" if not os.path.exists(file) else "a pipe or a device")
                    )
                )
    elif os.path.exists(path):
        yield path
    else:
        unread(RuleFileError(str(path), "there is no such file or folder"))


def _unreadable(error: OSError) -> RuleFileError:
    return RuleFileError(str(error.filename), f"this folder cannot be read: {error.strerror}")


def read(path: Path) -> list[Rule]:
    """The rules in one file.

    Raises:
        RuleFileError: where the file holds none, with line and column.
    """
    text, name, suffix = read_text(path), str(path), path.suffix.lower()
    if suffix in (".kql", ".csl"):
        return [_bare(name, text, path.stem, 0, text.split("\n"))]
    if suffix in (".yaml", ".yml"):
        return [sentinel_yaml.read(name, text)]
    if web_text.looks_like(text):
        return [web_text.read(name, text)]
    lines = text.split("\n")
    found = list(_FENCE.finditer(text))
    rules = []
    for number, match in enumerate(found):
        first = text.count("\n", 0, match.start(1))
        stem = path.stem if len(found) == 1 else f"{path.stem}-{number + 1}"
        rules.append(_bare(name, match[1].rstrip("\n"), stem, first, lines))
    if not rules:
        raise RuleFileError(name, "no rule was found: expected YAML, a .kql file, a rule's web page as text, or a fenced kql block")
    return rules


def _bare(path: str, query: str, stem: str, first: int, lines: list[str]) -> Rule:
    return Rule(source=path, id="", name=stem.replace("_", " "), query=query, text_map=TextMap.locate(query, lines, first))
