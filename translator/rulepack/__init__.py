"""Rule files of every form, read into one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from translator.rulepack import documents, kql_file, markdown, notebook, rule_list, web_page, web_text
from translator.rulepack.content import Content
from translator.rulepack.model import Connector, EntityMapping, Function, Rule, RuleFileError, TextMap, Unread, seconds
from translator.rulepack.queries import uncertain
from translator.rulepack.saved_functions import linked
from translator.rulepack.sources import Guessed, Source, given, sources, text_of, visible

__all__ = [
    "Connector", "EntityMapping", "Function", "Rule", "RuleFileError", "Source", "TextMap", "Unread", "given", "pack_of", "read",
    "read_source", "rules_at", "seconds", "sources", "text_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reader:
    """A way to write rules down: whether a text is written so, and what is in it."""

    recognizes: Callable[[Content], bool]
    read: Callable[[Content], Iterator[Rule | Function | Unread]]


READERS = (
    Reader(markdown.is_fenced, markdown.read),
    Reader(kql_file.is_called_so, kql_file.read),
    Reader(kql_file.is_called_yaml, kql_file.read),
    Reader(notebook.recognizes, notebook.read),
    Reader(rule_list.recognizes, rule_list.read),
    Reader(web_page.recognizes, web_page.read),
    Reader(documents.recognizes, documents.read),
    Reader(lambda content: web_text.recognizes(content) and not markdown.holds_fence(content), web_text.read),
    Reader(lambda content: content.suffix in markdown.SUFFIXES, markdown.read),
    Reader(kql_file.recognizes, kql_file.read),
    Reader(markdown.holds_fence, markdown.read),
    Reader(lambda content: kql_file.resembles(content) or content.bare, kql_file.read),
)
"""The forms of rules; a text is read by the first that recognizes it."""

_NOTHING = "no rule was found here"


def read_source(source: Source, text: str | Unread | None = None) -> Iterator[Rule | Function | Unread]:
    """The rules and functions of a file, and what in it became none. A file that was asked for and holds nothing else is a fault.

    Args:
        text: what it holds, as :func:`text_of` has it, where that is known already.
    """
    text = text_of(source) if text is None else text
    if isinstance(text, Unread):
        yield text
        return
    content = Content(source.name, source.stem, source.suffix, text, source.bare)
    reader = next((r for r in READERS if r.recognizes(content)), None)
    if reader is None:
        why = "no rule was found: this is no form of rules that is known (docs/reading.md lists them)"
        yield Unread(content.name, content.stem, why, fault=source.named)
        return
    held: list[Unread] | None = []
    found = reader.read(content)
    for item in _certain(content, found) if isinstance(text, Guessed) else found:
        if held is not None and isinstance(item, Unread) and not item.fault:
            held.append(item)
            continue
        yield from held or ()
        held = None
        yield item
    yield from (replace(item, fault=source.named) for item in held or ())


def _certain(content: Content, found: Iterator[Rule | Function | Unread]) -> Iterator[Rule | Function | Unread]:
    """What is read of a text whose encoding is not known, without queries that depend on it."""
    first = next(n for n, line in enumerate(content.lines, 1) if not line.isascii())
    for item in found:
        if isinstance(item, Rule | Function) and (at := uncertain(item.query if isinstance(item, Rule) else item.body)) is not None:
            line, column = item.place(at) if isinstance(item, Rule) else (first, 1)
            told = "the query holds a letter beyond ASCII, and this file is not UTF-8 text: save it as UTF-8"
            yield Unread(item.source, item.name, told, line, column)
        else:
            yield item
    told = "this file is not UTF-8 text: letters beyond ASCII, in comments and descriptions, are read as Windows-1252; save it as UTF-8"
    yield Unread(content.name, content.stem, told, first, fault=False)


def pack_of(found: Iterable[Rule | Function | Unread], *paths: Path) -> list[Rule | Unread]:
    """What was read of a pack at some paths, in its order, the rules with the functions that they call.

    No rule at all is a fault; of several paths, a folder that holds nothing is named.
    """
    items = list(found)
    held = [item for item in items if not isinstance(item, Unread) or item.fault]
    if paths and all(isinstance(item, Function) for item in held):
        where = ", ".join(str(path) for path in paths)
        items.append(Unread(visible(where), visible(paths[0].stem), _NOTHING))
    else:
        folders = {folder for item in held for folder in PurePath(item.source).parents}
        empty = (visible(str(path)) for path in paths if path.is_dir())
        items.extend(Unread(name, PurePath(name).stem, _NOTHING, fault=False) for name in empty if PurePath(name) not in folders)
    rules = linked([i for i in items if isinstance(i, Rule)], [i for i in items if isinstance(i, Function)])
    return [next(rules) if isinstance(item, Rule) else item for item in items if not isinstance(item, Function)]


def rules_at(path: Path, excluded: tuple[str, ...] = ()) -> list[Rule | Unread]:
    """Everything at a file, below a folder, in an archive or in standard input: the rules, and what became none."""
    found = (item for s in sources(path, excluded) for item in ((s,) if isinstance(s, Unread) else read_source(s)))
    return pack_of(found, path)


def read(path: Path) -> list[Rule]:
    """The rules in one file or folder.

    Raises:
        RuleFileError: where something there should be one and cannot be read, with line and column.
    """
    found = rules_at(path)
    for item in found:
        if isinstance(item, Unread) and item.fault:
            raise RuleFileError(item.source, item.message, item.line, item.column)
    return [item for item in found if isinstance(item, Rule)]
