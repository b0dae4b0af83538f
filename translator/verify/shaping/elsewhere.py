"""Events as they are where a product keeps other things: in all but what selects those of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translator.catalog import Home
from translator.catalog.filled import told_by_table
from translator.plan.expressions import ColumnRef, conjuncts, walk
from translator.targets.base import Options
from translator.targets.formulas import selected
from translator.verify.reading import Row
from translator.verify.shaping.event_builder import LOG_SOURCE, frame
from translator.verify.shaping.home_conditions import holds
from translator.verify.shaping.shapes import Unfit
from translator.verify.shaping.sites import Sites

ELSEWHERE = "elsewhere"
"""What stands in the fields that select, which no table's events have there."""


def elsewhere(
    table: str, family: str, options: Options, events: Sequence[Row], selected_by_values: bool = False
) -> Iterator[tuple[str, tuple[Row, ...]]]:  # fmt: skip
    """The events of a table with another value in one of the fields that its homes select by: that field, and what they are then.

    Nothing where no home is known, where a data model selects, and where some home of the table has such events as well.

    Args:
        selected_by_values: whether the events have what no other event in their places has, so that no condition has to select them there.
    """
    sites = Sites(table, family, options)
    # What selects the events of a home is told, and not what each of them has besides: no source of Windows events is of another type.
    homes = [(home, {k: v for k, v in frame(sites.site(home)).items() if family != "splunk" or k in home.place}) for home in sites.homes]
    if not events or any("datamodel" in home.place for home, _ in homes):
        return
    if family == "elastic":
        told = all("dataset" in home.place for home, _ in homes)  # else any data set has such events
        fields: tuple[tuple[str, ...], ...] = (("event.dataset", "data_stream.dataset", "_index"),) if told else ()
    elif family == "sigma":
        fields = ((LOG_SOURCE,),)
    else:
        fields = tuple((name,) for name in dict.fromkeys(n for home, _ in homes for n in home.place) if name != "index")
    selects = {home.select for home, _ in homes if home.select and not selected_by_values}
    asked = {n.column.name for select in selects for n in walk(selected(select)) if isinstance(n, ColumnRef)}
    follows = ("event.category",) if any(told_by_table(home.place.get("dataset", "")) for home, _ in homes) else ()
    for names in (*fields, *((name, *follows) for name in sorted(asked))):
        if not all(any(name in event for name in names) for event in events):
            continue
        other = tuple({k: _other(v) if k in names else v for k, v in event.items()} for event in events)
        if not any(_is_of(home, place, event) for home, place in homes for event in other):
            yield names[0], other


def _other(value: object) -> object:
    return {"product": ELSEWHERE, "service": ELSEWHERE} if isinstance(value, dict) else ELSEWHERE


def _is_of(home: Home, place: Row, event: Row) -> bool:
    """Whether an event is one of a home; as well where that cannot be told."""
    if any(event.get(name) != value for name, value in place.items()):
        return False
    try:
        return not home.select or all(holds(part, event) for part in conjuncts(selected(home.select)))
    except Unfit:
        return True
