"""Queries in Markdown.

The blocks are found by markdown-it, so that every style of fence is one: of backticks or tildes, indented, quoted, in lists, with
attributes. Source: spec.commonmark.org/0.31.2, 4.4 and 4.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from translator.rulepack import pages, web_page, yaml_text
from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, Unread
from translator.rulepack.spelling import spelled
from translator.rulepack.tree import Fields

if TYPE_CHECKING:
    from markdown_it.token import Token

SUFFIXES = (".md", ".markdown", ".mdx")

MAX_CHARACTERS = 1_000_000
"""How long a text of Markdown may be: markdown-it takes the square of the columns of a table, and of nested emphasis."""

_FENCE = re.compile(r"^[ >\t]*(?:```|~~~)", re.M)
_FIRST_FENCE = re.compile(r"\s*(?:```|~~~)")
_FRONT = re.compile(r"---[ \t]*\n(.*?\n)---[ \t]*(?:\n|$)", re.S)
"""What tools that make pages of Markdown keep above them (jekyllrb.com/docs/front-matter)."""


def holds_fence(content: Content) -> bool:
    """Whether a text holds a fenced block of code."""
    return _FENCE.search(content.text) is not None


def is_fenced(content: Content) -> bool:
    """Whether a text begins as a block of code, as programs of chat give it, or is called Markdown and holds one."""
    return _FIRST_FENCE.match(content.text) is not None or (content.suffix in SUFFIXES and holds_fence(content))


def read(content: Content) -> Iterator[Rule | Function | Unread]:
    """A rule for each query in a block that is called KQL, or is KQL and reads a table that is known."""
    if len(content.text) > MAX_CHARACTERS:
        told = f"this text is too long to be read as Markdown: it has {len(content.text):,} characters, of {MAX_CHARACTERS:,} at most"
        yield Unread(content.name, content.stem, told)
        return
    text, about = content.text, None
    if front := _FRONT.match(text):
        found = next((spelled(tree) for tree in yaml_text.documents(front[1]) if isinstance(tree, Fields)), None)
        about = found if isinstance(found, Fields) else None
        text = "\n" * front[0].count("\n") + text[front.end() :]
    page = pages.Page((about.leaf("title") or about.leaf("name")) if about else "", about)
    add(page, text)
    yield from pages.read(content, page)


def add(page: pages.Page, text: str) -> None:
    """Adds a text to a page."""
    from markdown_it import MarkdownIt

    level = 0
    for token in MarkdownIt("commonmark", {"maxNesting": 20}).enable("table").parse(text):
        first = (token.map or [0])[0]
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "inline" and level:
            page.heading(level, _plain(token))
            level = 0
        elif token.type == "inline":
            page.prose(_plain(token), _links(token))
        elif token.type in ("fence", "code_block"):
            tag = re.search(r"[\w+#-]+", token.info.lower())
            page.block(tag[0] if tag else "", token.content.rstrip("\n"), first + (token.type == "fence"))
        elif token.type == "html_block" and "<pre" in token.content.lower():
            web_page.add(page, token.content, first)


def _plain(token: Token) -> str:
    """The text of a line without its markup."""
    parts = []
    for child in token.children or ():
        parts.append("\n" if child.type in ("softbreak", "hardbreak") else child.content if child.type != "html_inline" else "")
    return "".join(parts).strip()


def _links(token: Token) -> list[str]:
    linked = [str(child.attrs.get("href", "")) for child in token.children or () if child.type == "link_open"]
    return [*linked, *(url for url in re.findall(r"https?://[^\s<>\"')\]]+", token.content) if url not in linked)]
