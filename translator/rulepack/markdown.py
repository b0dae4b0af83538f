"""Queries in Markdown.

The blocks are found by markdown-it, so that every style of fence is one: of backticks or tildes, indented, quoted, in lists, with
attributes. Source: spec.commonmark.org/0.31.2, 4.4 and 4.5.
"""

from __future__ import annotations

import bisect
import re
import textwrap
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
_TAG = re.compile(r"(?:^|[\s{.,:])(?:lang(?:uage)?-)?([a-z][\w+#-]*)")
"""What a block is called: its first word, also as a class among attributes (``{#first .kql}``, ``language-kql``)."""

_PRE, _PRE_END, _CODE = (
    re.compile(pattern, re.I) for pattern in (r"<(?:pre|textarea)\b", r"</(?:pre|textarea)\b", r"<(?:pre|code|textarea)\b")
)
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


def add(page: pages.Page, text: str, above: int | None = None) -> None:
    """Adds a text to a page. ``above`` is the file's line, from 0, on which a text begins that stands in another one's code."""
    from markdown_it import MarkdownIt

    lines = text.split("\n")
    ends = [n for n, line in enumerate(lines) if _PRE_END.search(line) or _FENCE.match(line)] if _PRE.search(text) else []
    start = above or 0
    level = behind = 0
    for token in MarkdownIt("commonmark", {"maxNesting": 20}).enable("table").parse(text):
        first = (token.map or [0])[0]
        if token.map and first < behind:
            continue
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "inline" and level:
            page.heading(level, _plain(token))
            level = 0
        elif (token.type == "html_block" and _CODE.search(token.content)) or _holds_pre(token):
            behind = _end_of_pre(token, lines, ends)
            web_page.add(page, "\n".join(lines[first:behind]) if behind else token.content, start + first)
        elif token.type == "inline":
            page.prose(_plain(token), _links(token), [child.content for child in token.children or () if child.type == "code_inline"])
        elif token.type == "code_block" and above is None and _FIRST_FENCE.match(token.content):
            add(page, textwrap.dedent(token.content), first)  # a fence that stands too far in for one
        elif token.type in ("fence", "code_block"):
            tag = _TAG.search(token.info.lower())
            page.block(tag[1] if tag else "", token.content.rstrip("\n"), start + first + (token.type == "fence"))


def _holds_pre(token: Token) -> bool:
    return any(child.type == "html_inline" and _PRE.match(child.content) for child in token.children or ())


def _end_of_pre(token: Token, lines: list[str], ends: list[int]) -> int:
    """The line behind the code of HTML that a part of a text begins, where that goes on behind it; else 0.

    Markdown ends HTML at an empty line where it does not begin with ``<pre>`` itself (CommonMark 0.31.2, 4.6).

    Args:
        ends: the lines with the end of such code, or a fence.
    """
    opened = [found.end() for found in _PRE.finditer(token.content)]
    if token.level > (token.type == "inline") or not opened or _PRE_END.search(token.content, opened[-1]) or token.map is None:
        return 0
    at = bisect.bisect_left(ends, token.map[1])
    return ends[at] + 1 if at < len(ends) and not _FENCE.match(lines[ends[at]]) else 0


def _plain(token: Token) -> str:
    """The text of a line without its markup."""
    parts = []
    for child in token.children or ():
        parts.append("\n" if child.type in ("softbreak", "hardbreak") else child.content if child.type != "html_inline" else "")
    return "".join(parts).strip()


def _links(token: Token) -> list[str]:
    linked = [str(child.attrs.get("href", "")) for child in token.children or () if child.type == "link_open"]
    return [*linked, *(url for url in re.findall(r"https?://[^\s<>\"')\]]+", token.content) if url not in linked)]
