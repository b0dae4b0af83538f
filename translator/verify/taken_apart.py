"""Texts taken apart: the searches of SPL, and the trees of ES|QL and EQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from translator.verify.spl.syntax import Command, commands


def searches(text: str) -> Iterator[list[Command]]:
    """The commands of each search of a text of SPL, subsearches too; macros are passed over.

    Raises:
        NotReadable: where it cannot be taken apart.
    """
    waiting = [(text, True)]
    while waiting:
        search, top = waiting.pop()
        read = commands(search, macros_pass=True, top=top)
        waiting += [(inner.text, False) for command in read for inner in command.inner.values()]
        yield read


def nodes_of(node: object) -> Iterator[Any]:
    """A node of a tree of dataclasses and all below it."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += part
        elif dataclasses.is_dataclass(part):
            yield part
            waiting += [getattr(part, f.name) for f in dataclasses.fields(part)]
