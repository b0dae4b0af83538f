"""What the commands share."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from translator.rulepack import Unread

if TYPE_CHECKING:
    from rich.progress import Progress


class UsageProblem(Exception):
    """The command was called in a way that cannot be carried out: exit status 2."""


_WIDEST = 100_000


def console_of_tables() -> Console:
    """Standard output for tables: as wide as a terminal; in a pipe or a file as wide as a table is, so that a row is a line."""
    console = Console(emoji=False, highlight=False)
    return console if console.is_terminal or os.environ.get("COLUMNS") else Console(emoji=False, highlight=False, width=_WIDEST)


def shown(text: str) -> str:
    """A text of a rule or of data as a screen may have it: what would control it, or is no character, as Python's escapes.

    Tabs and the ends of lines stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\t\n" or unicodedata.category(c) == "Zs" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def line(text: str) -> str:
    """The same for what is to be one line."""
    return shown(text).replace("\n", "\\n").replace("\t", "\\t")


def cell(text: str, style: str = "") -> Text:
    """The same for a cell of a table, or a line that rich lays out."""
    return Text(shown(text), style)


def print_heading(console: Console, text: str, style: str = "") -> None:
    """A line that begins a part, drawn out to the width of the screen. A longer one is printed whole: its end says what came of a rule."""
    title = cell(line(text), style)
    if title.cell_len > console.width - 2:
        console.print(title.append(" --" if console.options.ascii_only else " ──", "rule.line"))
    else:
        console.rule(title, align="left")


_INVISIBLE = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]")
"""What JSON need not escape, and a screen would take for a command, or any encoding refuse."""


def json_text(data: object, ascii_only: bool = False) -> str:
    """Data as JSON that can be shown and encoded."""
    return "".join(_laid_out(data, ascii_only))


def _laid_out(data: object, ascii_only: bool) -> Iterator[str]:
    """JSON with an item a line; an object by its members and those of their lists, since Python holds each token of what it writes."""

    def text(part: object, indent: str = "") -> str:
        found = _INVISIBLE.sub(lambda found: json.dumps(found[0])[1:-1], json.dumps(part, indent=2, ensure_ascii=ascii_only))
        return found.replace("\n", f"\n{indent}") if indent else found

    if not (isinstance(data, dict) and data):
        yield text(data) + "\n"
        return
    before = "{\n  "
    for key, value in data.items():
        yield f"{before}{text(str(key))}: "
        before = ",\n  "
        if isinstance(value, list) and value:
            opening = "[\n    "
            for item in value:
                yield opening + text(item, "    ")
                opening = ",\n    "
            yield "\n  ]"
        else:
            yield text(value, "  ")
    yield "\n}\n"


def write_json(data: object) -> None:
    """Prints data as JSON, which stays JSON in whatever encoding the output has."""
    utf = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    sys.stdout.write(json_text(data, ascii_only=not utf))


def write_text(text: str) -> None:
    """Prints a text that is data: as it is, but for what would control a terminal that it is printed on."""
    sys.stdout.write(shown(text) if on_terminal() else text)
    sys.stdout.flush()  # what is said on the other stream stands where it belongs


def on_terminal() -> bool:
    """Whether what is printed goes to a terminal."""
    return sys.stdout.isatty()


class Progressing:
    """How far work on rules has come: a bar on a terminal, else a line each half minute.

    It draws when it is told of something, and has no thread of its own, so that processes can be forked beside it.
    """

    PAUSE = 30.0
    """Seconds between two lines."""

    def __init__(self, console: Console, what: str, quiet: bool = False) -> None:
        self.console, self.what = console, what
        self.quiet = quiet
        self.bar = _bar(console) if console.is_terminal and not quiet else None
        self.task = self.bar.add_task(what, total=None, rate="", told="") if self.bar is not None else None
        self.begun = self.said = self.drawn = time.monotonic()
        self.resumed: int | None = None

    def __enter__(self) -> Progressing:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leaves the screen to what is printed meanwhile."""
        if self.bar is not None:
            self.bar.stop()
        yield
        if self.bar is not None:
            self.bar.start()

    def at(self, done: int, total: int, told: str = "") -> None:
        """Says that ``done`` of ``total`` are done, and what came of them."""
        if self.quiet:
            return
        now = time.monotonic()
        if self.resumed is None:
            self.resumed = done - 1  # what was found by an earlier run took no time of this one
        rate = (done - self.resumed) / max(now - self.begun, 0.001)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, total=total, rate=f"{rate:.1f}/s", told=told, refresh=now - self.drawn > 0.2)
            self.drawn = now if now - self.drawn > 0.2 else self.drawn
        elif now - self.said > self.PAUSE and 0 < done < total:
            self.said = now
            left = round((total - done) / max(rate, 0.001))
            # The long ones come first: what the first few took says nothing of the others.
            soon = f", {left // 60}:{left % 60:02} left" if done * 10 >= total else ""
            said = f"{self.what}: {done} of {total}, {rate:.1f} a second{soon}" + (f"; {told}" if told else "")
            self.console.print(said, markup=False, highlight=False, soft_wrap=True)


def _bar(console: Console) -> Progress:
    """A bar that draws when it is told to. What makes it is imported here: most runs have no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}", markup=False),
    )
    return Progress(*columns, console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)


_SHOWN = 3
"""How many files are named of those that have one reason."""


def print_unread(unread: Iterable[Unread], console: Console) -> None:
    """Says what was met and is no rule, or one again: counted, with the reason and the first places of each."""
    reasons: dict[str, list[Unread]] = {}
    for item in unread:
        reasons.setdefault(item.message, []).append(item)
    for reason, items in reasons.items():
        places = [f"{i.source}:{i.line}:{i.column}" if i.line > 1 else i.source for i in items[:_SHOWN]]
        more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        told = f"{'read again' if items[0].again else 'not read'}: {', '.join(places)}{more}: {reason}"
        console.print(line(told), markup=False, highlight=False, soft_wrap=True)
