"""A reader of SPL: runs searches on events in memory, by Splunk's documentation.

It is no Splunk. What is not known, and what the documentation leaves open, is refused by name; but for what a null is under NOT, AND and
OR in expressions and whether two texts that look like numbers are compared as such: the caller says which, and a search that is right
must be right with both.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from translator.verify.reading import CARRIED, Lists, NotReadable, Row
from translator.verify.spl import fields, filtering, joining, statistics, transactions
from translator.verify.spl.running import FIRST, Maker, Run, Search, Step
from translator.verify.spl.syntax import Inner, commands, expanded
from translator.verify.spl.values import Generated, braced, event_of, numeric

__all__ = ["parse", "run"]

MAKERS: Mapping[str, Maker] = {**filtering.MAKERS, **fields.MAKERS, **statistics.MAKERS, **joining.MAKERS, **transactions.MAKERS}
"""The commands that are known."""


def run(
    text: str,
    events: Iterable[Mapping[str, object]],
    now: float | None = None,
    lists: Lists | None = None,
    unknown: bool = False,
    *,
    texts_are_numbers: bool | None = None,
    macros: Mapping[str, str] | None = None,
    any_index: bool = False,
) -> list[Row]:
    """What a search finds.

    Args:
        text: the search.
        events: what is stored, with ``_time`` in seconds of the epoch; what is nested is JSON that Splunk extracts. Without ``_raw``
            their text is that JSON.
        now: when the search is run, in seconds of the epoch.
        lists: the rows of each lookup, by the name of its definition. A value with ``*`` is a wildcard without case.
        unknown: whether a null under NOT, AND and OR is unknown; else AND and OR take it for false and NOT makes it true.
        texts_are_numbers: whether expressions compare two texts as numbers where both look like numbers; None refuses where it counts.
        macros: what stands for each macro, by all that is written between its back quotes.
        any_index: whether the events are in each index that the search asks for: a site names its indexes.

    Returns:
        Its results: the newest events first, as Splunk gives them, unless the search sorts them.

    Raises:
        NotReadable: for what is not known, with its position where that is known.
    """
    told = expanded(text, (macros or {}).get)
    search = _read(told, 0, macros_pass=False, top=True)
    arrays = braced(told)
    stored = [event_of(e, arrays) for e in events]
    stored.sort(key=lambda e: -(numeric(e.get("_time")) or 0))
    rows = search.results(Run(stored, lists or {}, now, unknown, texts_are_numbers, any_index, CARRIED))
    if "_raw" in told:
        return rows
    return [{k: v for k, v in r.items() if not isinstance(v, Generated)} for r in rows]


def parse(text: str) -> tuple[str, ...]:
    """The commands of a search that can be read; macros are passed over.

    Raises:
        NotReadable: where its syntax is wrong or it has what is not known, with its position where that is known.
    """
    return _read(text, 0, macros_pass=True, top=True).names


@functools.lru_cache(maxsize=64)
def _read(text: str, position: int, macros_pass: bool, top: bool = False) -> Search:
    def inner(found: Inner) -> Search:
        return _read(found.text, found.position, macros_pass)

    names: list[str] = []
    steps: list[Step] = []
    for command in commands(text, position, macros_pass, top):
        if command.macros is not None:
            raise NotReadable(f"the macro {command.macros[0]}", command.macros[1])
        maker = MAKERS.get(command.name)
        if maker is None:
            raise NotReadable(f"the command {command.name}", command.position)
        if names and command.name in FIRST:
            raise NotReadable(f"{command.name} behind other commands", command.position)
        names.append(command.name)
        steps.append(maker(command, inner))
    return Search(tuple(names), tuple(steps), top)
