"""Queries in Jupyter notebooks: cells of KQL, and texts of KQL in those of Python.

Sources: nbformat.readthedocs.io/en/latest/format_description.html; github.com/microsoft/jupyter-kqlmagic;
learn.microsoft.com/azure-data-studio/notebooks/notebooks-kusto-kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from translator.rulepack import markdown, pages
from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, TextMap, Unread
from translator.rulepack.queries import judged
from translator.rulepack.tree import Fields, Items, Leaf, Tree

_MAGIC = re.compile(r"\s*(?:%%?|#!)(?:kql|kusto)\b(?:[^\n|]*\n|[ \t]+(?=[^\n]*\|))", re.I)
_QUOTED = re.compile(r"""(?<!\w)[rR]?(\"\"\"|''')(.*?)\1""", re.S)


def recognizes(content: Content) -> bool:
    """Whether a text is a notebook."""
    return content.is_json and '"nbformat"' in content.text and any(map(_is_notebook, content.trees))


def _is_notebook(tree: object) -> bool:
    return isinstance(tree, Fields) and "nbformat" in tree.entries and isinstance(tree.get("cells"), Items)


def read(content: Content) -> Iterator[Rule | Function | Unread]:
    """A rule for each query in the cells of a notebook."""
    page = pages.Page()
    for notebook in content.trees:
        if isinstance(notebook, Fields):
            about = notebook.inside("metadata")
            languages = {about.inside(part).leaf(name).lower() for part in ("kernelspec", "language_info") for name in ("language", "name")}
            cells = notebook.get("cells")
            for cell in cells.items if isinstance(cells, Items) else ():
                if isinstance(cell, Fields):
                    _add(page, cell, bool(languages & pages.TAGS))
    yield from pages.read(content, page)


def _add(page: pages.Page, cell: Fields, kusto: bool) -> None:
    text, text_map = _source(cell.get("source"))
    if cell.leaf("cell_type") == "markdown":
        markdown.add(page, text[: markdown.MAX_CHARACTERS])
        return
    if cell.leaf("cell_type") != "code" or not text.strip():
        return
    first = cell.place[0] - 1
    inside = cell.inside("metadata")
    said = inside.leaf("language") or inside.inside("vscode").leaf("languageId") or inside.inside("polyglot_notebook").leaf("kernelName")
    if magic := _MAGIC.match(text):
        page.block("kql", text[magic.end() :].rstrip(), first, text_map.part(text, magic.end()))
    elif (kusto or said.lower() in pages.TAGS) and not text.lstrip().startswith(("%", "#!")):
        page.block("kql", text.rstrip(), first, text_map)
    else:
        queries = [found for found in _QUOTED.finditer(text) if judged(found[2]).query]
        for found in queries:
            start = found.end(2) - len(found[2].lstrip())
            page.block("kql", found[2].strip(), first, text_map.part(text, start))
        if not queries:
            page.block(said.lower() or "python", text.rstrip(), first, text_map)


def _source(tree: Tree | None) -> tuple[str, TextMap]:
    """The text of a cell, which may be a list of its lines, and where it stands."""
    pieces: list[tuple[int, int, int]] = []
    parts: list[str] = []
    at = 0
    for leaf in tree.items if isinstance(tree, Items) else (tree,):
        if isinstance(leaf, Leaf) and leaf.text:
            pieces.extend((at + start, line, column) for start, line, column in leaf.text_map(leaf.text).pieces)
            parts.append(leaf.text)
            at += len(leaf.text)
    return "".join(parts), TextMap(tuple({piece[0]: piece for piece in pieces}.values()) or ((0, 1, 1),))
