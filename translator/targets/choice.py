"""Which home of a table has the events that a selector asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from translator import catalog
from translator.catalog import Absent, Computed, Counterpart, Home, Stored
from translator.catalog.site import SiteTable
from translator.detection.model import Selector
from translator.detection.windows import TIME_COLUMNS
from translator.plan.conditions import is_present
from translator.plan.expressions import (
    FALSE,
    Apply,
    Column,
    ColumnRef,
    Const,
    Expr,
    Path,
    Same,
    Value,
    columns_of,
    conjuncts,
    const,
    transform,
    walk,
)
from translator.plan.pins import Pins, pins_of
from translator.plan.simplify import TooLarge, simplify
from translator.targets.base import Options
from translator.targets.formulas import parsed
from translator.targets.predicates import takes_empty


def homes_of(name: str, family: str, options: Options) -> tuple[Home, ...]:
    """The homes of a table, the site's own first, then those that the options name.

    Raises:
        ValueError: where the options name fields of a table whose place nobody knows.
    """
    known = catalog.table(name)
    homes = known.homes.get(family, ()) if known is not None else ()
    chosen = tuple(h for h in homes if is_chosen(name, h, options))
    if family == "splunk" and options.splunk_model == "cim":
        homes = tuple(sorted(homes, key=lambda h: "datamodel" not in h.place))
    homes = chosen or tuple(h for h in homes if not h.optional or ("datamodel" in h.place and options.splunk_model == "cim"))
    site = options.site.tables.get(family, {}).get(name)
    own = options.mapping.get(family, {}).get(name, {})
    if site is None and not own:
        return homes
    if site is None and not homes:
        raise ValueError(f"{name} has no home in {family} that is known, so that a mapping of its columns alone finds nothing: give a site")
    site = site or SiteTable()
    fields = {**{c: (f, "") for c, f in own.items()}, **site.columns}
    columns: dict[str, Counterpart] = {c: Stored(f, kind or "text") for c, (f, kind) in fields.items()}
    if site.place and homes and site.place.keys() <= {"index"}:
        # An index narrows the places that are known.
        rest = [{key: value for key, value in h.place.items() if key not in site.place} for h in homes]
        return tuple(replace(h, place={**site.place, **r}, columns={**h.columns, **columns}) for h, r in zip(homes, rest, strict=True))
    if site.place:
        base = homes[0].columns if homes and _same_place(homes[0], site.place) else {}
        return (Home("site", "the site's own mapping", "", site.place, columns={**base, **columns}),)
    return tuple(replace(h, columns={**h.columns, **columns}) for h in homes)


def chosen_name(table: str, home: Home) -> str:
    """What options call the home of one table alone; its own name is that of the homes of all tables."""
    return f"{table}:{home.name}"


def is_chosen(table: str, home: Home, options: Options) -> bool:
    """Whether options name a home of a table."""
    return home.name in options.homes or chosen_name(table, home) in options.homes


def told_apart(tables: Collection[str], family: str, options: Options) -> tuple[str, ...]:
    """The homes with the events of one table alone that stand for those where the product has the events of another of ``tables`` too."""
    known = {name: table for name in tables if (table := catalog.table(name)) is not None}
    if options.fields == "source":
        return ()

    def there(homes: Iterable[Home], place: Home) -> Iterator[Home]:
        return (h for h in homes if h.select and not h.when and not h.setting and h.places == place.places)

    found = dict[str, None]()
    for name, table in known.items():
        for home in homes_of(name, family, options):
            beside = any(next(there(homes_of(other, family, options), home), None) for other in known if other != name)
            if beside and not (home.select or home.when or is_chosen(name, home, options)):
                found |= dict.fromkeys(h.name for h in there(table.homes[family], home))
    return tuple(found)


def _same_place(home: Home, place: Mapping[str, str]) -> bool:
    """Whether a site's own place holds the events as the catalog's home has them, so that the catalog's names go on holding."""
    key = "dataset" if "dataset" in home.place else "sourcetype" if "sourcetype" in home.place else "source"
    return key in place and place[key] == home.place.get(key)


def selector_pins(selector: Selector) -> Pins:
    """What a selector pins columns to: by its conditions, and by columns that it asks for and that only some events have."""
    return pins_among(Same(selector.predicate), selector.table)


@lru_cache(maxsize=64)
def pins_among(same: Same[Expr], table: str) -> Pins:
    """The same of a condition on the events of a table."""
    predicate = same.node
    known = catalog.table(table)
    found = {**pins_of(predicate), **_words_of(predicate, known.words if known is not None else frozenset())}
    for kind in known.kinds if known is not None else ():
        if kind.column in found and {folded(v) for v in found[kind.column]} <= {folded(v) for v in kind.values}:
            found = {**kind.has, **found}
        asked = {n for n in walk(predicate) if isinstance(n, ColumnRef) and n.column.table and n.column.name in kind.only}
        if any(is_present(field, predicate) for field in asked):
            values: frozenset[Value] = frozenset(kind.values)
            found[kind.column] = found.get(kind.column, values) & values
    return found


def _words_of(predicate: Expr, words: Container[str]) -> Pins:
    """What columns of single words are pinned to by terms that are searched for: such a value is the term."""
    found: Pins = {}
    for part in conjuncts(predicate):
        match part:
            case Apply(function="has" | "has_cs", args=(ColumnRef(column=column), Const(value=str(term)))):
                if column.name in words and term.isascii() and term.isalnum():
                    found[column.name] = frozenset({term})
    return found


def folded(value: Value) -> str:
    """A value as the values of homes are compared: as text, without case."""
    return str(value).lower()


def allowed(home: Home, pins: Pins) -> bool:
    """Whether a selector tells that all it can find is in a home."""
    pinned = (column in pins and {folded(v) for v in pins[column]} <= {folded(v) for v in values} for column, values in home.when.items())
    return bool(home.when) and all(pinned)


def possible(home: Home, pins: Pins) -> bool:
    """Whether something that a selector can find may be in a home."""
    return all(
        column not in pins or {folded(v) for v in pins[column]} & {folded(v) for v in values} for column, values in home.when.items()
    )


def home_for(homes: tuple[Home, ...], pins: Pins) -> Home | None:
    """The home that a selector tells, else the one that asks for nothing, else the first that it does not rule out."""
    nowhere = any(
        not any(possible(h, {column: pins[column]}) for h in told) for column, told in _told_alone(homes).items() if column in pins
    )
    ways: tuple[Callable[[Home], bool], ...] = (
        lambda h: allowed(h, pins),
        lambda h: not h.when,
        lambda h: not nowhere and possible(h, pins),
    )
    return next((h for fits in ways for h in homes if fits(h)), None)


def _told_alone(homes: tuple[Home, ...]) -> dict[str, list[Home]]:
    """The homes that values of one column tell, by the column."""
    found: dict[str, list[Home]] = {}
    for home in homes:
        if len(home.when) == 1:
            found.setdefault(next(iter(home.when)), []).append(home)
    return found


def untold(homes: tuple[Home, ...], all_told: Container[str]) -> list[str]:
    """The columns whose other values no home is known for; none where a home asks for nothing.

    Args:
        all_told: the columns of whose values the homes have all.
    """
    columns = dict.fromkeys(column for home in homes for column in home.when)
    return [] if not all(h.when for h in homes) or any(c in all_told for c in columns) else list(columns)


def lacks_required(home: Home, predicate: Expr, told: bool = False, in_table: bool = False) -> bool:
    """Whether no event of a home satisfies a predicate, by what it has none or one value of.

    Args:
        told: whether to go by the latter alone, but for ``Type``, which has one value in all events of the table.
        in_table: whether to go by what the table has of the home's events, though the product has none of it.
    """
    return _lacks_required(Same(home), Same(predicate), told, in_table)


@lru_cache(maxsize=1024)
def _lacks_required(same_home: Same[Home], same: Same[Expr], told: bool, in_table: bool) -> bool:
    """The same: the moves of a selector ask it again and again, each for other keys."""
    home, predicate = same_home.node, same.node
    stored = {c for c in columns_of(predicate) if c.table is not None}
    stored = {c for c in stored if not told or not (c.name == "Type" or isinstance(home.columns.get(c.name), Absent))}
    if in_table:
        stored = {c for c in stored if not (isinstance(found := home.columns.get(c.name), Absent) and found.filled)}
    fixed = {c: value for c in stored if (value := only_value(home, c.table or "", c.name)) is not None}

    def filled_in(node: Expr) -> Expr:
        match node:
            case ColumnRef(column=column) if column in fixed:
                return fixed[column]
            case Path(base=Const(value="")):
                return const("")
        return node

    def fails(part: Expr) -> bool:
        try:
            found = simplify(transform(part, filled_in))
        except TooLarge:
            return False
        if isinstance(found, Apply) and found.function in ("matches regex", "matches regex~"):
            return found.args[0] == const("") and not takes_empty(found)
        return found == FALSE

    return bool(fixed) and any(fails(part) for part in conjuncts(predicate) if fixed.keys() & columns_of(part))


def only_value(home: Home, table: str, column: str) -> Const | None:
    """The value that a column has in all events of a home, empty where it has none; None where it may have several."""
    match home.columns.get(column):
        case Absent():
            return const("")
        case Computed(expression=text) if text and isinstance(value := parsed(table, text), Const):
            return value
    return None


def has_all(home: Home, columns: Iterable[Column]) -> bool:
    """Whether a home has all stored ones of some columns, with the values that the table has."""

    def has(name: str) -> bool:
        found = home.columns.get(name)
        return isinstance(found, Computed) or (isinstance(found, Stored) and not found.differs)

    return all(has(c.name) or c.name in TIME_COLUMNS for c in columns if c.table)


def events_of(home: Home) -> tuple[object, ...]:
    """What decides which events a home has."""
    return *sorted(home.place.items()), home.select
