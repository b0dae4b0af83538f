"""Events as an index of Elasticsearch has them, and the types of their fields.

Facts: Elasticsearch reference, "Arrays" and "null_value" (nulls and empty lists are no values, a field may have several, objects in lists
are taken apart), "date" (milliseconds); ECS for the fields that are of type ip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from translator.verify.reading import Row, Value, fields_of, moment_of, row_of

TIME = "@timestamp"
_ADDRESS = re.compile(r"(^|\.)(\w+_)?ip$")
_DATES = frozenset((TIME, "event.ingested", "event.created", "event.start", "event.end"))


@dataclass(frozen=True, slots=True)
class Document:
    """An event: its fields by their names with dots, all values of each.

    Attributes:
        row: what a query returns of it; a field of several values is a list.
        number: its place among the events, which orders those of one time.
        moment: ``@timestamp`` in milliseconds since 1970, None where it lacks one.
    """

    row: Row
    values: Mapping[str, tuple[Value, ...]]
    number: int
    moment: int | None

    @property
    def order(self) -> tuple[int, int]:
        """Its place in time; one without a time comes last."""
        return (self.moment if self.moment is not None else 2**63, self.number)


def documents(events: Iterable[Mapping[str, object]]) -> list[Document]:
    """Events in the order of their time, those of one time in the order in which they were given.

    Args:
        events: mappings, nested or with names with dots; ``@timestamp`` a datetime (UTC unless it says), a text of ISO 8601 or the seconds
            since 1970.

    Raises:
        NotReadable: for a time that is none.
    """
    found = []
    for number, event in enumerate(events):
        values = fields_of(event)
        moment = moment_of(event.get(TIME))
        found.append(Document(row_of(values), values, number, None if moment is None else moment // 1000))
    return sorted(found, key=lambda d: d.order)


def kinds_of(found: Iterable[Document]) -> dict[str, str]:
    """The types of fields after their values, where these are of one type: text, number, bool; date and ip after ECS."""
    seen: dict[str, set[str]] = {}
    for document in found:
        for name, values in document.values.items():
            seen.setdefault(name, set()).update(kind_of(v) for v in values)
    kinds = {name: next(iter(k)) for name, k in seen.items() if len(k) == 1}
    kinds |= {name: "ip" for name, k in seen.items() if _ADDRESS.search(name) and k == {"text"}}
    return kinds | {name: "date" for name in seen if name in _DATES}


def kind_of(value: Value) -> str:
    """The type of a value in EQL's words, where no mapping says it."""
    return "bool" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
