"""The pages of the documentation: the README and ``docs/``, what their blocks are, and the parts of them that are generated.

``python -m tests.doc_pages`` writes the generated parts anew. A comment before a block says what it is:

``file NAME``: a file that is there from here on. ``file written NAME``: what commands wrote; ``part of NAME``: lines of it.
``in FILE below LINE`` and ``in FILE for LINE``: a change of the package, which is then a copy of its own.
``printed``: in what the last command or the last Python printed. ``status N``: the exit status of the commands of the block, else 0.

Every command in a block called ``sh`` or ``console`` is run, but where ``# not tried: REASON`` stands behind it, or on a line before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from translator.commands.diagnostics import diagnostics_page, rows
from translator.commands.functions import functions_page
from translator.commands.tables import tables_page
from translator.fidelity.codes import CODES

ROOT = Path(__file__).resolve().parents[1]
SHELLS = ("sh", "console")
NOT_TRIED = "# not tried: "


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what the comment before it says, its language, its text and its first line in the page."""

    says: str
    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """A line of a shell: ``reason`` says why no test runs it, where there is one."""

    text: str
    reason: str


def pages() -> tuple[str, ...]:
    """All pages by their path from the root of the project."""
    return ("README.md", *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").rglob("*.md")))


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page in their order."""
    fence = r"^(?:<!-- (?P<says>[^\n]*?) -->\n)?(?P<fence>````?)(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=fence)$"
    for found in re.finditer(fence, text, re.S | re.M):
        yield Block(found["says"] or "", found["language"], found["text"], text.count("\n", 0, found.start("text")) + 1)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a block for a shell, a line that ends with a backslash together with the next; a prompt is no part of them."""
    of_all = ""
    for line in block.text.replace("\\\n", "").splitlines():
        text, _, reason = line.removeprefix("$ ").partition(NOT_TRIED)
        if not text.strip():
            of_all = reason.strip()
        elif not text.startswith("#"):
            yield Command(re.sub(r"\s+#\s.*$", "", text).strip(), reason.strip() or of_all)


def not_tried() -> str:
    """The commands that no test runs, as a table."""
    found = [(page, c) for page in pages() for b in blocks(text_of(page)) if b.language in SHELLS for c in commands(b) if c.reason]
    cells = [(f"`{page}`", f"`{c.text}`".replace("|", "\\|"), c.reason) for page, c in found]
    return "\n".join(["| page | command | why it is not tried |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in cells)])


def codes_of(page: str) -> str:
    """The diagnostics that a page speaks of, as a table."""
    spoken = set(re.findall(r"`([a-z-]+)`", _without_generated(page))) & set(CODES)
    return "\n".join(rows(code for code in CODES if code in spoken))


PARTS: Mapping[str, Callable[[str], str]] = {"commands that are not tried": lambda page: not_tried(), "codes": codes_of}
"""What stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``, from the text of its page."""

WHOLE: Mapping[str, Callable[[], str]] = {
    "docs/diagnostics.md": diagnostics_page,
    "docs/functions.md": functions_page,
    "docs/tables.md": tables_page,
}
"""Pages that are generated as a whole."""

_GENERATED = re.compile(r"(?<=^<!-- generated: )(?P<name>[^\n]*)( -->\n)(?P<text>.*?)(?=^<!-- end -->$)", re.S | re.M)


def _without_generated(text: str) -> str:
    return _GENERATED.sub("", text)


def generated(page: str) -> str:
    """A page with its generated parts as they have to be."""
    if page in WHOLE:
        return WHOLE[page]()
    text = text_of(page)
    return _GENERATED.sub(lambda m: f"{m['name']} -->\n\n{PARTS[m['name']](text)}\n\n", text)


if __name__ == "__main__":
    for name in pages():
        (ROOT / name).write_text(generated(name), encoding="utf-8")
