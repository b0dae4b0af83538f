"""Queries in Markdown: blocks of code, with what the page around them says.

The blocks are found by markdown-it, so that every style of fence is one: of backticks or tildes, indented, quoted, in lists, with
attributes. Source: spec.commonmark.org/0.31.2, 4.4 and 4.5.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from translator.rulepack import documents
from translator.rulepack.content import Content
from translator.rulepack.kql_file import bare
from translator.rulepack.model import Function, Rule, Unread
from translator.rulepack.queries import described, judged, split

if TYPE_CHECKING:
    from markdown_it.token import Token

SUFFIXES = (".md", ".markdown")
_TAGS = frozenset({"kql", "kusto", "kusto-query-language", "csl", "kustoquery"})
"""What a block is called that holds KQL, whatever it says."""

_DOCUMENTS = frozenset({"json", "yaml", "yml"})

MAX_CHARACTERS = 1_000_000
"""How long a text of Markdown may be: markdown-it takes the square of the columns of a table, and of nested emphasis."""

_FENCE = re.compile(r"^[ >\t]*(?:```|~~~)", re.M)
_TECHNIQUE, _TACTIC = re.compile(r"\bT\d{4}(?:\.\d{3})?\b"), re.compile(r"\bTA\d{4}\b")
_ABOUT_ATTACK = re.compile(r"mitre|att&ck|technique|tactic", re.I)
_ABOUT_QUERY = re.compile(r"description|summary|overview|hypothesis|goal|objective", re.I)
_ABOUT_SOURCES = re.compile(r"reference|further reading|sources?$", re.I)
_ABOUT_ALARMS = re.compile(r"false.?positive", re.I)
_ID, _AUTHOR = re.compile(r"^ID:\s*(\S+)\s*$", re.M), re.compile(r"^(?:Author|Name):\s*(.+?)\s*$", re.M)
_TACTICS = re.compile(r"^Tactics?:\s*(.+?)\s*$", re.M)


@dataclass(slots=True)
class _Section:
    """A heading, what stands under it until the next one, and the addresses that it links to."""

    heading: str
    lines: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of code: its tag, its text, the file's line that this begins on (from 0), its headings, and the prose before it."""

    tag: str
    text: str
    first: int
    headings: tuple[str, ...]
    prose: str


@dataclass(slots=True)
class _Chapter:
    """What stands under a heading of the first level."""

    sections: list[_Section] = field(default_factory=lambda: [_Section("")])
    blocks: list[_Block] = field(default_factory=list)

    def about(self, pattern: re.Pattern[str]) -> list[_Section]:
        return [section for section in self.sections if pattern.search(section.heading)]


def holds_fence(content: Content) -> bool:
    """Whether a text holds a fenced block of code."""
    return _FENCE.search(content.text) is not None


def read(content: Content) -> Iterator[Rule | Function | Unread]:
    """A rule for each query in a block that is called KQL, or is KQL and reads a table that is known."""
    if len(content.text) > MAX_CHARACTERS:
        told = f"this text is too long to be read as Markdown: it has {len(content.text):,} characters, of {MAX_CHARACTERS:,} at most"
        yield Unread(content.name, content.stem, told)
        return
    others: Counter[str] = Counter()
    found = False
    for chapter in _chapters(content):
        rules: list[tuple[_Block, Rule]] = []
        for block in chapter.blocks:
            found = True
            if block.tag in _DOCUMENTS:
                inside = Content(content.name, f"{content.stem}-{block.first}", "", "\n" * block.first + block.text)
                if documents.recognizes(inside):
                    yield from documents.read(inside)
                    continue
            if block.tag not in _TAGS:
                kind = judged(block.text, anything=not block.tag)
                if kind.problem is not None:
                    rule = bare(content, split(block.text)[0], content.stem, "", block.first)
                    line, column = rule.place(kind.problem.offset)
                    told = f"a block that reads a table is no KQL: {kind.problem.message}"
                    yield Unread(content.name, _title(block, content), told, line, column)
                    continue
                if not kind.query:
                    others[block.tag] += 1
                    continue
            if not block.text.strip():
                others["nothing"] += 1
                continue
            said = block.prose
            for query in split(block.text):
                rules.append((block, bare(content, query, "", said or described(query.text), block.first)))
        yield from _told(content, chapter, rules)
    for tag, count in others.items():
        what = f"{'a block' if count == 1 else f'{count} blocks'} of {tag or 'code'}"
        yield Unread(content.name, content.stem, f"{what} {'is' if count == 1 else 'are'} no query", fault=False)
    if not found:
        yield Unread(content.name, content.stem, "no block of code stands in this text", fault=False)


def _title(block: _Block, content: Content) -> str:
    return block.headings[0] if block.headings else content.stem.replace("_", " ")


def _told(content: Content, chapter: _Chapter, rules: list[tuple[_Block, Rule]]) -> Iterator[Rule]:
    """The rules of a chapter, with their names and what the chapter says of them."""
    names = [_title(b, content) if len(rules) == 1 or len(b.headings) < 2 else f"{b.headings[0]} - {b.headings[-1]}" for b, _ in rules]
    seen: Counter[str] = Counter()
    whole = "\n".join(section.text for section in chapter.sections)
    attack = "\n".join(section.text + " " + " ".join(section.links) for section in chapter.about(_ABOUT_ATTACK))
    opening = chapter.sections[:2] if len({b.headings[:1] for b, _ in rules}) == 1 else []
    told = next((s.text for s in (*chapter.about(_ABOUT_QUERY), *opening) if s.text), "")
    links = tuple(dict.fromkeys(link for section in chapter.about(_ABOUT_SOURCES) for link in section.links))
    alarms = tuple(s.text for s in chapter.about(_ABOUT_ALARMS) if s.text)
    named, author = _ID.search(whole), _AUTHOR.search("\n".join(s.text for s in chapter.about(re.compile("author", re.I))))
    tactics = [t for line in _TACTICS.findall(attack) for t in line.split(",")] + _TACTIC.findall(attack)
    for (_, rule), name in zip(rules, names, strict=True):
        seen[name] += 1
        yield replace(
            rule,
            id=named[1] if named and len(rules) == 1 else "",
            name=name if seen[name] == 1 else f"{name} {seen[name]}",
            description=rule.description or told,
            techniques=tuple(dict.fromkeys(_TECHNIQUE.findall(attack))),
            tactics=tuple(dict.fromkeys(t.strip() for t in tactics if t.strip())),
            references=links,
            false_positives=alarms,
            author=author[1] if author else "",
        )


def _chapters(content: Content) -> list[_Chapter]:
    from markdown_it import MarkdownIt

    chapters = [_Chapter()]
    headings: list[tuple[int, str]] = []
    level, prose = 0, list[str]()
    for token in MarkdownIt("commonmark", {"maxNesting": 20}).enable("table").parse(content.text):
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "inline" and level:
            if level == 1:
                chapters.append(_Chapter())
            headings = [h for h in headings if h[0] < level] + [(level, _plain(token))]
            chapters[-1].sections.append(_Section(headings[-1][1]))
            level, prose = 0, []
        elif token.type == "inline":
            text = _plain(token)
            prose.append(text)
            section = chapters[-1].sections[-1]
            section.lines.append(text)
            section.links.extend(_links(token))
        elif token.type in ("fence", "code_block"):
            first = (token.map or [0])[0] + (token.type == "fence")
            tag = re.search(r"[\w+#-]+", token.info.lower())
            said = "\n".join(p for p in prose if p.strip()).strip()
            chapters[-1].blocks.append(
                _Block(tag[0] if tag else "", token.content.rstrip("\n"), first, tuple(text for _, text in headings), said)
            )
            prose = []
    return chapters


def _plain(token: Token) -> str:
    """The text of a line without its markup."""
    parts = []
    for child in token.children or ():
        parts.append("\n" if child.type in ("softbreak", "hardbreak") else child.content if child.type != "html_inline" else "")
    return "".join(parts).strip()


def _links(token: Token) -> list[str]:
    linked = [str(child.attrs.get("href", "")) for child in token.children or () if child.type == "link_open"]
    return [*linked, *(url for url in re.findall(r"https?://[^\s<>\"')\]]+", token.content) if url not in linked)]
