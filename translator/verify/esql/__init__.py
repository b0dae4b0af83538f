"""A reader of ES|QL: runs a query on events in memory, by Elastic's documentation.

It is no Elasticsearch: what is not written here is refused by name, never guessed. What Elasticsearch itself refuses for its types, columns
or literals is ``Rejected``. Each module names the pages that its rules come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from translator.verify.esql.commands import answer
from translator.verify.esql.parse import parse
from translator.verify.esql.tables import Table, world
from translator.verify.esql.types import Rejected, shown
from translator.verify.reading import Lists, Row

__all__ = ["Rejected", "parse", "run", "table"]


def run(
    text: str,
    events: Iterable[Mapping[str, object]],
    now: float | None = None,
    lists: Lists | None = None,
    types: Mapping[str, str] | None = None,
) -> list[Row]:
    """The rows of a query.

    Args:
        text: the query.
        events: what the indices have; names with dots or objects. A field of type date is seconds since 1970 or a text in ISO form, also
            ``@timestamp``. An event is in the index that its ``_index`` names, else in the data stream of its ``event.dataset`` or an index
            of that name, and in every index where it names neither.
        now: the time in seconds since 1970; None refuses a query that asks for it.
        lists: what ENRICH and LOOKUP JOIN read, by the names of policies and indices.
        types: the mapping, ES|QL's or Elasticsearch's types by the names of fields; in the name of a dynamic template ``{n}`` is any number
            and ``{name}`` any name. A field that is neither there nor in an event is an error. Where it is None the types are derived from
            the events (see ``types.derived``), and a field of no event is null.

    Returns:
        The rows, without what is null; dates are seconds since 1970, addresses texts, several values a list.

    Raises:
        Rejected: where Elasticsearch refuses the query: its types do not fit, or a column is not there.
        NotReadable: where the text is no ES|QL, or has what is not read here.
    """
    found = table(text, events, now, lists, types)
    return [{name: shown(found.columns[name], value) for name, value in row.items()} for row in found.rows]


def table(
    text: str,
    events: Iterable[Mapping[str, object]],
    now: float | None = None,
    lists: Lists | None = None,
    types: Mapping[str, str] | None = None,
) -> Table:
    """The same with the types of the columns, and values as ``types.py`` has them."""
    return answer(parse(text), world(text, events, now, lists, types))
