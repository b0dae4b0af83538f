"""Lists of rules as spreadsheets and scripts export them: CSV with a rule in each row, one column of which is its query.

Sources: rfc-editor.org/rfc/rfc4180; learn.microsoft.com/powershell/module/microsoft.powershell.utility/export-csv.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace

from translator.rulepack import documents, json_text
from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, TextMap, Unread, shown
from translator.rulepack.spelling import name_of
from translator.rulepack.tree import Fields, Items, Leaf, Misread, Odd, Tree

SUFFIXES = (".csv", ".tsv")
_ABOVE = re.compile(r"(?:[ \t]*\n)*(?:(?:#TYPE [^\n]*|sep=(.))\n)?")
"""What Windows PowerShell and Excel write above the names of the columns, and empty lines."""

_NAMES = {
    "kql": "query", "kqlquery": "query", "kustoquery": "query", "rulequery": "query", "querytext": "query", "detectionquery": "query",
    "rulename": "name", "ruledisplayname": "displayName", "alertname": "name", "title": "name", "rule": "name", "ruleid": "id",
    "guid": "id",
    "mitretactics": "tactics", "mitretechniques": "techniques", "ruledescription": "description", "ruleseverity": "severity",
    "frequency": "queryFrequency", "ruletype": "kind", "isenabled": "enabled",
}  # fmt: skip
"""What a column is called, in letters alone, and which setting it is."""

_END = "\x1f"
"""What is set behind a list, as a row of its own: where a text in quotes has no end, it stands in that text."""

_LISTED = frozenset({"tactics", "techniques", "relevantTechniques", "subTechniques"})
_OBJECT = re.compile(r"(?:System|Microsoft\.Azure)\.[\w.]+(?:\[\]|`1\[.*\])?")


def _header(content: Content) -> tuple[int, str, list[str]] | None:
    """Where the names of the columns begin, what stands between them, and the settings that they are."""
    above = _ABOVE.match(content.text)
    start = above.end() if above else 0
    line = content.text[start : start + 20_000].split("\n", 1)[0]
    delimiter = (above and above[1]) or max(",;\t", key=line.count)
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return None
    return start, delimiter, [_setting(name) for name in names]


def _setting(column: str) -> str:
    letters = re.sub(r"[^a-z]", "", column.lower())
    return _NAMES.get(letters, name_of(letters))


def recognizes(content: Content) -> bool:
    """Whether a text is called a list, or is one of rules."""
    if content.suffix in SUFFIXES:
        return True
    found = _header(content) if content.suffix in ("", ".txt") else None
    return found is not None and "query" in found[2] and bool({"name", "displayName", "severity", "id"} & set(found[2]))


def read(content: Content) -> Iterator[Rule | Function | Unread]:
    """A rule for each row that has a query."""
    header = _header(content)
    if header is None or "query" not in header[2]:
        yield Unread(content.name, content.stem, "this list is none of rules: no column of it is called 'query'", fault=False)
        return
    start, delimiter, names = header
    csv.field_size_limit(max(csv.field_size_limit(), len(content.text)))
    above = content.text.count("\n", 0, start)
    file = io.StringIO(f"{content.text[start:]}\n{_END}", newline="")
    rows = csv.reader(file, delimiter=delimiter, skipinitialspace=delimiter != "\t")
    try:
        next(rows)
        end = rows.line_num
        for number, row in enumerate(rows, 1):
            line, end = above + end + 1, rows.line_num
            if row == [_END]:
                return
            if row and row[-1].endswith(_END):
                told = "a text in quotes that begins in this row does not end: it and what follows are not read"
                yield Unread(content.name, f"{content.stem}-{number}", told, line)
            elif any(cell.strip() for cell in row[len(names) :]):
                told = f"this row has {len(row)} values, of {len(names)} columns: a text that holds '{delimiter}' has to stand in quotes"
                yield Unread(content.name, f"{content.stem}-{number}", told, line)
            elif any(cell.strip() for cell in row):
                yield from documents.read_one(content, _fields(content, names, row, line), f"{content.stem}-{number}")
    except csv.Error as error:
        yield Unread(content.name, content.stem, f"this list cannot be read any further: {error}", above + rows.line_num)


def _fields(content: Content, names: list[str], row: list[str], line: int) -> Fields:
    place = (line, 1)
    entries: dict[str, Tree] = {}
    faults: list[Odd] = []
    for name, cell in zip(names, row, strict=False):
        text = cell.strip()
        if not text or name in entries:
            continue
        if _OBJECT.fullmatch(text):
            faults.append(Odd(f"{name} is left out: '{shown(text)}' is what PowerShell writes for a list; export it as JSON", place))
        elif text[0] in "[{" and name != "query":
            found = next(json_text.documents(text), None)
            entries[name] = found if found is not None and not isinstance(found, Misread) else _leaf(content, text, place)
        elif name in _LISTED:
            entries[name] = Items(tuple(_leaf(content, part.strip(), place) for part in re.split(r"[,;\n]", text) if part.strip()), place)
        else:
            entries[name] = _leaf(content, cell, place)
    found = Fields(entries, place, tuple(faults))
    if {"name", "displayName"} <= entries.keys():
        entries.setdefault("id", entries["name"])
        found = replace(found, entries={k: v for k, v in entries.items() if k != "name"})
    return found


def _leaf(content: Content, text: str, place: tuple[int, int]) -> Leaf:
    return Leaf(text, place, lambda query: TextMap.locate(query, content.lines, place[0] - 1))
