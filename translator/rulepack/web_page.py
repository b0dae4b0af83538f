"""Queries in web pages: what stands there as code.

Sources: html.spec.whatwg.org, 4.4.3 "The pre element", 4.5.15 "The code element";
confluence.atlassian.com/doc/confluence-storage-format, "Code Block Macro".
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from translator.rulepack import pages
from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, Unread

SUFFIXES = (".html", ".htm", ".xhtml")
_BEGIN = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S)
_LANGUAGE = re.compile(r"(?:lang(?:uage)?|brush|highlight(?:-source)?)[-:]\s*([\w+#-]+)", re.I)
MAX_CHARACTERS = 1_000_000
"""How long a page may be: Python's reader of HTML takes the square of what does not end."""

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ASIDE = frozenset({"script", "style", "noscript", "svg", "nav", "button"})
_PARTS = frozenset({"p", "div", "li", "td", "th", "section", "article", "br", "tr"})
_CODE = frozenset({"pre", "code", "textarea"})
_KEPT = "<![CDATA["
_PARAMETER = "ac:parameter"


def recognizes(content: Content) -> bool:
    """Whether a text is a web page, or is called one."""
    return content.suffix in SUFFIXES or _BEGIN.match(content.text) is not None


def read(content: Content) -> Iterator[Rule | Function | Unread]:
    """A rule for each query in the code of a page."""
    if len(content.text) > MAX_CHARACTERS:
        told = f"this page is too long to be read: it has {len(content.text):,} characters, of {MAX_CHARACTERS:,} at most"
        yield Unread(content.name, content.stem, told, fault=False)
        return
    page = pages.Page()
    add(page, content.text)
    yield from pages.read(content, page)


def add(page: pages.Page, text: str, first: int = 0) -> None:
    """Adds the text of a page that begins on the file's line ``first``, from 0."""
    reader = _Reader(page, first)
    reader.feed(_without_comments(_with_code_of_wikis(text)))
    reader.close()
    if "".join(reader.code).strip() and reader.depth:
        reader.end_code("pre")
    reader.end_prose()


def _with_code_of_wikis(text: str) -> str:
    """A text in which what Confluence keeps as it is, its blocks of code, are those of HTML."""
    parts, at = list[str](), 0
    while (begin := text.find(_KEPT, at)) >= 0 and (end := text.find("]]>", begin)) >= 0:
        parts += [text[at:begin], "<pre>", html.escape(text[begin + len(_KEPT) : end]), "</pre>"]
        at = end + 3
    return "".join((*parts, text[at:]))


def _without_comments(text: str) -> str:
    """A text whose comments are lines without anything, one without an end up to that of the text, and behind whose last tag none begins.

    Python's reader looks for the end of each again and again.
    """
    parts, at = list[str](), 0
    while (begin := text.find("<!--", at)) >= 0:
        end = text.find("-->", begin + 4)
        stop = len(text) if end < 0 else end + 3
        parts += [text[at:begin], "\n" * text.count("\n", begin, stop)]
        at = stop
    parts.append(text[at:])
    whole = "".join(parts)
    end = whole.rfind(">") + 1
    return whole[:end] + whole[end:].replace("<", " ")


class _Reader(HTMLParser):
    def __init__(self, page: pages.Page, first: int) -> None:
        super().__init__(convert_charrefs=True)
        self.page, self.first = page, first
        self.said: list[str] = []
        self.links: list[str] = []
        self.code: list[str] = []
        self.depth, self.begin = 0, 0
        """How many elements of code are open, and on which line the outer one begins."""
        self.tag = self.outer = ""
        """What the code, and what an element around it, says that it is."""
        self.heading = self.aside = ""
        """The open element of these kinds."""
        self.parameter: str | None = None
        """What an open parameter of Confluence's is called."""
        self.words: list[str] = []
        """The code in a line of prose."""

    def parse_html_declaration(self, i: int) -> int:
        try:
            return super().parse_html_declaration(i)
        except AssertionError:  # what Python's own reader has for a section that HTML does not have
            return self.parse_bogus_comment(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        found = _LANGUAGE.search(" ".join(named.get(name, "") for name in ("class", "data-lang", "lang")))
        said = (named.get("data-lang") or (found[1] if found else "")).lower()
        if self.depth:
            self.depth += tag in _CODE
            self.tag = self.tag or said
            if tag == "br" or (tag in _PARTS and self.code and not self.code[-1].endswith("\n")):
                self.code.append("\n")
        elif tag in _CODE:
            if tag != "code":
                self.end_prose()
            self.depth, self.begin, self.code = 1, self.getpos()[0], []
            self.tag = said or self.outer
        elif tag in _ASIDE:
            self.aside = self.aside or tag
        elif tag == _PARAMETER:
            self.parameter = named.get("ac:name", "")
        elif tag in _HEADINGS or tag == "title":
            self.end_prose()
            self.heading = tag
        elif tag == "a" and named.get("href", "").startswith("http"):
            self.links.append(named["href"])
        elif tag in _PARTS:
            self.end_prose()
            self.outer = said if tag == "div" else self.outer

    def handle_endtag(self, tag: str) -> None:
        if self.depth and tag in _CODE:
            self.depth -= 1
            if not self.depth:
                self.end_code(tag)
        elif tag == self.aside:
            self.aside = ""
        elif tag == _PARAMETER:
            self.parameter = None
        elif tag == self.heading:
            text, self.said, self.heading = " ".join("".join(self.said).split()), [], ""
            if tag == "title":
                self.page.headings = self.page.headings or [(1, text)]
            elif text:
                self.page.heading(int(tag[1]), text)
        elif tag in _PARTS and not self.depth:
            self.end_prose()

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.code.append(data)
        elif self.parameter is not None:
            self.outer = data.strip().lower() if self.parameter == "language" else self.outer
        elif not self.aside:
            self.said.append(data)

    def end_code(self, tag: str) -> None:
        text = "".join(self.code).replace("\xa0", " ")
        if tag == "code" and "\n" not in text.strip() and not (self.tag in pages.TAGS and "|" in text):
            self.said.append(text)  # a word in a sentence
            self.words.append(text)
            return
        before = len(text) - len(text.lstrip("\n"))
        self.page.block(self.tag, text.strip("\n"), self.first + self.begin - 1 + before)
        self.outer = ""

    def end_prose(self) -> None:
        text = " ".join("".join(self.said).split())
        if text or self.links:
            self.page.prose(text, self.links, self.words)
        self.said, self.links, self.words = [], [], []
