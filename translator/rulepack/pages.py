"""Pages that hold queries: blocks of code, with what the page around them says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from translator.rulepack import documents
from translator.rulepack.content import Content
from translator.rulepack.kql_file import bare, parts
from translator.rulepack.model import Function, Rule, TextMap, Unread
from translator.rulepack.queries import Found, begun, described, goes_on, judged, split
from translator.rulepack.sentinel import SEVERITIES
from translator.rulepack.tree import Fields, Misread, Settings

TAGS = frozenset({"kql", "kusto", "kusto-query-language", "csl", "kustoquery", "kustoql"})
"""What a block is called that holds KQL, whatever it says."""

_DOCUMENTS = {
    "": "", "json": "", "jsonc": "", "json5": "", "yaml": "", "yml": "",
    "bicep": ".bicep", "terraform": ".tf", "hcl": ".tf", "tf": ".tf",
}  # fmt: skip
"""What a block is called that may hold a rule as a file does, and what that would be called where only its name tells what it is."""

_TECHNIQUE, _TACTIC = re.compile(r"\bT\d{4}(?:\.\d{3})?\b"), re.compile(r"\bTA\d{4}\b")
_ABOUT_ATTACK = re.compile(r"mitre|att&ck|technique|tactic", re.I)
_ABOUT_QUERY = re.compile(r"description|summary|overview|hypothesis|goal|objective", re.I)
_ABOUT_SOURCES = re.compile(r"reference|further reading|sources?$", re.I)
_ABOUT_ALARMS = re.compile(r"false.?positive", re.I)
_ID, _AUTHOR = re.compile(r"^ID:\s*(\S+)\s*$", re.M), re.compile(r"^(?:Author|Name):\s*(.+?)\s*$", re.M)
_TACTICS = re.compile(r"^Tactics?:\s*(.+?)\s*$", re.M)


@dataclass(slots=True)
class Section:
    """A heading, what stands under it until the next one, and the addresses that it links to."""

    heading: str
    lines: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code: its tag, its text, the file's line that this begins on (from 0), its headings, and the prose before it.

    ``text_map`` tells where a text stands that is no lines of the file.
    """

    tag: str
    text: str
    first: int
    headings: tuple[str, ...]
    prose: str
    text_map: TextMap | None = None


@dataclass(slots=True)
class Chapter:
    """What stands under a heading of the first level."""

    sections: list[Section] = field(default_factory=lambda: [Section("")])
    blocks: list[Block] = field(default_factory=list)

    def about(self, pattern: re.Pattern[str]) -> list[Section]:
        return [section for section in self.sections if pattern.search(section.heading)]


class Page:
    """What a page says, put together as it is read from its top.

    Args:
        title: what the page is called, where it has no heading of the first level.
        about: what it says of its rules in a form of its own.
    """

    def __init__(self, title: str = "", about: Fields | None = None) -> None:
        self.chapters = [Chapter()]
        self.headings: list[tuple[int, str]] = [(1, title)] if title else []
        self.about = about
        self.in_prose = 0
        """How many queries stand in prose, which are not read, up to the last heading or block."""
        self._prose: list[str] = []
        self._lines: list[str] = []

    def heading(self, level: int, text: str) -> None:
        if level == 1:
            self.chapters.append(Chapter())
        self.end()
        self.headings = [h for h in self.headings if h[0] < level] + [(level, text)]
        self.chapters[-1].sections.append(Section(text))
        self._prose = []

    def prose(self, text: str, links: list[str], codes: Sequence[str] = ()) -> None:
        """A text of one or more lines; ``codes`` are those in it that stand there as code."""
        self._prose.append(text)
        self._lines.append("" if codes else text)
        self.in_prose += sum(map(goes_on, codes))
        section = self.chapters[-1].sections[-1]
        section.lines.append(text)
        section.links.extend(links)

    def block(self, tag: str, text: str, first: int, text_map: TextMap | None = None) -> None:
        self.end()
        said = "\n".join(p for p in self._prose if p.strip()).strip()
        self.chapters[-1].blocks.append(Block(tag, text, first, tuple(h for _, h in self.headings), said, text_map))
        self._prose = []

    def end(self) -> None:
        """Counts what stands in lines of prose that follow each other."""
        self.in_prose += begun("\n".join(self._lines))
        self._lines = []


def read(content: Content, page: Page) -> Iterator[Rule | Function | Unread]:
    """A rule for each query in a block that is called KQL, or is KQL and reads a table that is known."""
    others: Counter[str] = Counter()
    found = False
    for chapter in page.chapters:
        rules: list[tuple[Block, Rule]] = []
        for block in chapter.blocks:
            found = True
            suffix = _DOCUMENTS.get(block.tag)
            if suffix is not None and (Content("", "", "", block.text).may_be_document or (suffix and "query" in block.text)):
                inside = Content(content.name, f"{content.stem}-{block.first}", suffix, "\n" * block.first + block.text)
                if documents.recognizes(inside) or documents.is_broken(inside):
                    yield from documents.read(inside)
                    continue
            if block.tag not in TAGS:
                kind = judged(block.text, anything=not block.tag)
                if kind.problem is not None:
                    rule = _bare(content, block, split(block.text)[0], "")
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
            for part in parts(content, block.text, block.first):
                if isinstance(part, Found):
                    rules.append((block, _bare(content, block, part, block.prose or described(part.text))))
                else:
                    yield part
        yield from _told(content, page, chapter, rules)
    for tag, count in others.items():
        what = f"{'a block' if count == 1 else f'{count} blocks'} of {tag or 'code'}"
        yield Unread(content.name, content.stem, f"{what} {'is' if count == 1 else 'are'} no query", fault=False)
    if not found:
        yield Unread(content.name, content.stem, "no block of code stands in this text", fault=False)
    page.end()
    if page.in_prose:
        what = "a query that stands" if page.in_prose == 1 else f"{page.in_prose} queries that stand"
        yield Unread(content.name, content.stem, f"{what} in prose: blocks of code alone are read", fault=False)


def _bare(content: Content, block: Block, query: Found, description: str) -> Rule:
    rule = bare(content, query, "", description, block.first)
    return rule if block.text_map is None else replace(rule, text_map=block.text_map.part(block.text, query.offset))


def _title(block: Block, content: Content) -> str:
    return block.headings[0] if block.headings else content.stem.replace("_", " ")


def _told(content: Content, page: Page, chapter: Chapter, rules: list[tuple[Block, Rule]]) -> Iterator[Rule | Unread]:
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
    notes: list[Misread] = []
    own = Settings(page.about or Fields({}, (1, 1)), notes)
    identifier = named[1] if named else own.line("id")
    techniques = (*_TECHNIQUE.findall(attack), *own.names("relevantTechniques", "techniques"))
    tactics += own.names("tactics")
    severity = own.choice("severity", SEVERITIES)
    for (_, rule), name in zip(rules, names, strict=True):
        seen[name] += 1
        yield replace(
            rule,
            id=identifier if len(rules) == 1 else "",
            name=name if seen[name] == 1 else f"{name} {seen[name]}",
            description=rule.description or told or own.text("description").strip(),
            severity=severity,
            techniques=tuple(dict.fromkeys(techniques)),
            tactics=tuple(dict.fromkeys(t.strip() for t in tactics if t.strip())),
            references=links,
            false_positives=alarms,
            author=author[1] if author else own.line("author"),
        )
    if rules:
        yield from (Unread(content.name, rules[0][1].name, note.message, *note.place, fault=False) for note in notes)
