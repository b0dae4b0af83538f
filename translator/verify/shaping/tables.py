"""Rows of one table as the events that a product has of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from translator import catalog
from translator.catalog import ByValue, Computed, Home, Stored, filled
from translator.catalog.model import may_stand_alone
from translator.engine import execute
from translator.kql.parser import parse
from translator.plan.expressions import Apply
from translator.plan.types import Type, type_of
from translator.targets.base import Options
from translator.targets.choice import only_value
from translator.targets.formulas import parsed
from translator.targets.names import ORIGINALS
from translator.verify.reading import Row
from translator.verify.shaping.event_builder import EventBuilder, time_field
from translator.verify.shaping.making import FILLER, made_of
from translator.verify.shaping.nested_values import read_json
from translator.verify.shaping.raws import RAWS, raw_of
from translator.verify.shaping.shapes import Shape, Unfit, Unshaped
from translator.verify.shaping.sites import OWN, Site, Sites, each, way_of, without_home
from translator.verify.shaping.values import as_kql, esql_type, is_missing, moment_of, text_of


@dataclass
class _Draft:
    """A row on its way.

    Attributes:
        strange: what it has in a column that tells kinds of rows, where it has what another kind has, by whose rules it is put.
        said: what its events do not say, by row 0 where it has none for that.
    """

    given: Mapping[str, object]
    row: Row
    sites: Sequence[Site] = ()
    events: tuple[Row, ...] = ()
    failed: bool = False
    strange: dict[str, object] = field(default_factory=dict)
    said: list[Unshaped] = field(default_factory=list)


class TableShaping:
    """The rows of one table.

    Args:
        wanted: the columns that matter.
        own: those that have their own names where there is no field, or of which places have one.
        unread: those at which a query does not look: events have of them what other columns of a row say.
        shown: those that a query does no more than show.
    """

    def __init__(
        self, table: str, family: str, options: Options, wanted: frozenset[str],
        own: Collection[str], unread: Collection[str], shown: Collection[str],
    ) -> None:  # fmt: skip
        self.table, self.family, self.wanted, self.places, self.unread, self.shown = table, family, wanted, own, unread, shown
        self.own = {way_of(place)[0] for place in own}
        self.sites = Sites(table, family, options)
        self.nowhere = without_home(table, family)
        self.schema = catalog.schemas().get(table, {})
        self.known = catalog.table(table)
        self.files = self._files()
        self.lowered = self._lowered()
        self.types: dict[str, str] = {}
        self.needs: dict[str, list[str]] = {}
        self.read: dict[str, frozenset[str]] = {}
        self.drafts: dict[str, _Draft] = {}
        """Those of all rows that it was asked for, by what these have."""

    def _files(self) -> tuple[tuple[str, str], ...]:
        """Columns with names of files, each with one of their paths: where some home makes the one of the other, the table has both."""
        homes = [home for of_family in (self.known.homes.values() if self.known is not None else ()) for home in of_family]
        pairs = ((name, c) for home in homes for name, counterpart in home.columns.items() for c in each([counterpart]))
        files = [(name, c.file_of) for name, c in pairs if isinstance(c, Computed) and c.alone != "any" and c.file_of in self.schema]
        return tuple(dict.fromkeys(files))

    def _lowered(self) -> frozenset[str]:
        """The columns that have in lower case what some home has as it is, so that no row of the table has capital letters there."""
        homes = [home for of_family in (self.known.homes.values() if self.known is not None else ()) for home in of_family]
        pairs = ((name, c) for home in homes for name, counterpart in home.columns.items() for c in each([counterpart]))
        return frozenset(name for name, c in pairs if isinstance(c, Computed | Stored) and c.lowered)

    def shapes(self, rows: Sequence[Mapping[str, object]]) -> tuple[list[Shape], list[Unshaped]]:
        """Each row with its events, and what these do not say."""
        keys = [repr(row) for row in rows]
        new = {key: _Draft(row, dict(row)) for key, row in zip(keys, rows, strict=True) if key not in self.drafts}
        for draft in new.values():
            self.placed(draft)
        drafts = [new[key] if key in new else self.drafts[key] for key in keys]
        homes = {site.home.name: site for draft in drafts for site in draft.sites}
        if self.family == "elastic":
            others = (self.sites.site(home) for home in self.sites.homes if home.name not in homes)
            for site in (*others, *homes.values()):
                self.map(site)
        for site in homes.values():
            self.compute(site, [d for d in new.values() if site in d.sites and not d.failed])
        self.drafts |= new
        said = [replace(u, row=n) if u.row is not None else u for n, draft in enumerate(drafts) for u in draft.said]
        return [self.shape(draft) for draft in drafts], said

    def map(self, site: Site) -> None:
        """Keeps the types of the fields that a home has, whether any event has them or not."""
        kinds = {name: kind for name, stored in site.types.items() if (kind := esql_type(stored))}
        around = {name: catalog.flattened_around(name) or name for name, kind in kinds.items() if kind == "flattened"}
        self.types |= {around.get(name, name): kind for name, kind in kinds.items()}
        self.types |= {name: filled.type_of(name) for name in filled.derivations(self.family, site.home.place) if name not in self.types}
        self.types |= {"event.original": "keyword"} if ORIGINALS & {*site.types.values()} else {}

    def shape(self, draft: _Draft) -> Shape:
        """A row with the events that stand for it, which are strange where it has what only rows of another kind have by the catalog."""
        row = {
            name: value
            for name, value in {**draft.row, **draft.strange}.items()
            if name in draft.given or (not name.startswith(OWN) and (name in self.schema or name in self.wanted))
        }
        added = frozenset(name for name in row if is_missing(draft.given.get(name)) and not is_missing(row[name]))
        events = () if draft.failed else draft.events
        return Shape(row, (), added, events) if draft.strange else Shape(row, events, added)

    def fail(self, draft: _Draft, column: str, why: str, instead: object = None) -> None:
        """Says why no event stands for a row."""
        draft.failed = True
        draft.said.append(Unshaped(self.table, column, why, 0, instead))

    # --- where a row is

    def placed(self, draft: _Draft) -> None:
        """Finds the homes of a row and puts it there."""
        try:
            self._converted(draft)
            self._of_one_kind(draft)
            self._with_whole_paths(draft)
            draft.row |= dict(self.paired(draft.row))
            self._at_home(draft)
            self._filled(draft)
            self._put(draft)
        except _Refused as refused:
            self.fail(draft, refused.column, refused.why, refused.instead)

    def _converted(self, draft: _Draft) -> None:
        """Gives values the types of their columns; what has none of its column is left out where the query does not ask for it."""
        for column in list(draft.row):
            try:
                draft.row[column] = as_kql(draft.row[column], self.schema.get(column, ""))
            except Unfit as unfit:
                if column in self.wanted:
                    raise _Refused(column, str(unfit)) from None
                del draft.row[column]
        for column in self.lowered:
            if (value := text_of(draft.row.get(column) or "")) != value.lower():
                raise _Refused(column, "the table has it in lower case", value.lower())

    def _of_one_kind(self, draft: _Draft) -> None:
        """Makes the row one of the kind that its columns tell, and gives it what all rows of that kind have."""
        for kind in self.known.kinds if self.known is not None else ():
            if any(not is_missing(draft.row.get(column)) for column in kind.only):
                if is_missing(draft.row.get(kind.column)):
                    draft.row[kind.column] = min(kind.values, key=str)
                elif text_of(draft.row[kind.column]) not in map(text_of, kind.values):
                    filled = next(c for c in sorted(kind.only) if not is_missing(draft.row.get(c)))
                    why = f"only rows with {kind.column} {', '.join(map(text_of, kind.values))} have it"
                    draft.said.append(Unshaped(self.table, filled, why, 0))
                    draft.strange[kind.column] = draft.row[kind.column]
                    as_kind = {**draft.row, kind.column: min(kind.values, key=str)}
                    if not any(kind.column in site.home.when for site in self.sites_of(as_kind)):  # else its rows are elsewhere
                        draft.row = as_kind
            if text_of(draft.row.get(kind.column)).lower() in {text_of(v).lower() for v in kind.values}:
                for column, known in kind.has.items():
                    if is_missing(draft.row.get(column)):
                        draft.row[column] = min(known, key=str)
                    elif text_of(draft.row[column]).lower() not in {text_of(v).lower() for v in known}:
                        raise _Refused(column, f"rows with this {kind.column} have {', '.join(sorted(map(text_of, known)))}")

    def _with_whole_paths(self, draft: _Draft) -> None:
        """Makes a file's name and path say the same, where the query does not ask for both."""
        for name, path in self.files:
            last, whole = (text_of(draft.row.get(column) or "") for column in (name, path))
            if not last and path in self.unread and name not in self.unread:  # a file that has no name has no path
                draft.row.pop(path, None)
                continue
            if whole and not re.search(r"[\\/]", whole) and not may_stand_alone(whole, "without-extension"):
                whole = draft.row[path] = f"C:\\{whole}"  # files are named by their full paths
            told = not {path, name} & {*self.unread, *self.shown}  # by the query, which may ask for what is not so
            if whole and last and not told and re.split(r"[\\/]", whole)[-1].lower() != last.lower():
                draft.row[path] = (whole[: max(map(whole.rfind, "\\/")) + 1] or "C:\\") + last

    def _at_home(self, draft: _Draft) -> None:
        """Finds the homes of the row, and gives it what tells them."""
        draft.sites = self.sites_of(draft.row)
        if not draft.sites:
            columns = sorted({column for home in self.sites.homes for column in home.when})
            raise _Refused(columns[0], f"no home has rows with {', '.join(f'{c} {draft.row.get(c)!r}' for c in columns)}")
        for column, values in (*draft.sites[0].home.when.items(), *self.telling(draft.sites[0], draft.row).items()):
            if is_missing(draft.row.get(column)):
                draft.row[column] = values[0]
        draft.sites = self.sites_of(draft.row)

    def _filled(self, draft: _Draft) -> None:
        """Gives the row what no row of its table lacks."""
        pins = {c: {v} for c, v in draft.row.items() if isinstance(v, str | int)}
        for column in sorted(self.wanted):
            is_left = is_missing(draft.row.get(column)) and self.schema.get(column) != "datetime"  # a time may be that of another column
            if is_left and column in draft.given and not draft.strange and catalog.is_filled(self.table, column, pins):
                raise _Refused(column, "no row of the table leaves it empty")
            held = read_json(draft.row.get(column))
            if isinstance(held, list) and len(held) != 1 and catalog.is_single(self.table, column, pins):
                raise _Refused(column, "there is one element in each of these events")
        for site in draft.sites:
            self.turned_around(site, draft.row, self.needed(site))
        # A column that is computed is filled by what it is computed of.
        for column in sorted({need for site in draft.sites for need in self.needed(site)}):
            if column in draft.given or not catalog.is_filled(self.table, column, pins):
                continue
            if (value := self.something(column, draft)) is not None:  # else a field of another column has it, as that of the time
                draft.row.setdefault(column, value)
        draft.sites = self.sites_of(draft.row) or draft.sites

    def _put(self, draft: _Draft) -> None:
        """Makes the event of each home, which keeps what is strange for the kind of the row as it was given."""
        events = []
        for site in draft.sites:
            events.append(self.event(site, draft))
            if draft.strange and self.family == "elastic":  # what the integration says of the event is said of what it is given
                dataset, as_given = site.home.place.get("dataset", ""), {**draft.row, **draft.strange}
                kind, given = (filled.written(self.table, dataset, row) for row in (draft.row, as_given))
                events[-1] = {**{n: v for n, v in events[-1].items() if n not in kind or v != kind[n]}, **given}
            for column, value in draft.strange.items():
                place = site.place(column, (), draft.row)
                if place is None or not isinstance(place.counterpart, Stored) or place.name not in events[-1]:
                    draft.failed = True
                    return
                events[-1][place.name] = text_of(value) if isinstance(events[-1][place.name], str) else value
        draft.events = tuple(events)

    def sites_of(self, row: Row) -> Sequence[Site]:
        """Where a row is: in homes of its table, or under the table's own name where it has none.

        In Sigma what no log source of the taxonomy has keeps the table's own, and so does what has another value than the log source's
        events have in a column that keeps its own name, since the rule asks for it there.
        """
        if not self.sites.homes:
            return (self.nowhere,)
        found = self.sites.of(row)
        if self.family != "sigma" or (found and not any(self.rules_out(found[0].home, row, column) for column in self.own)):
            return found
        return (self.nowhere,)

    def rules_out(self, home: Home, row: Row, column: str) -> bool:
        """Whether no event of a home has a row's value in a column."""
        only = only_value(home, self.table, column) if isinstance(home.columns.get(column), Computed) else None
        return only is not None and not is_missing(row.get(column)) and row[column] != only.value

    def telling(self, site: Site, row: Row) -> dict[str, tuple[str, ...]]:
        """The columns that matter and that a home has no field for, since other homes in its place have one value of them each."""
        beside = [home for home in self.sites.homes if home.place == site.home.place and home.name != site.home.name]
        told = {column: values for home in reversed(beside) for column, values in home.when.items()}
        return {c: v for c, v in told.items() if c in self.wanted - self.own and site.place(c, (), row) is None}

    def something(self, column: str, draft: _Draft) -> object:
        """A value for a column that no row leaves empty, and of which a row says nothing; None where no value is at hand."""
        places = [site.place(column, (), draft.row) for site in draft.sites]
        if any(place is not None and not isinstance(place.counterpart, Stored) for place in places):
            return None
        if places[0] is not None and isinstance(places[0].counterpart, Stored) and places[0].counterpart.values:
            return next(iter(places[0].counterpart.values))
        if catalog.is_address(self.table, column):
            return "192.0.2.1"  # RFC 5737: for documentation
        return {Type.STRING: FILLER, Type.INT: 1, Type.LONG: 1}.get(type_of(self.schema.get(column, "string")))

    def needed(self, site: Site) -> list[str]:
        """The columns that matter in a home: those that are asked for, and those that they are computed of."""
        if site.home.name not in self.needs:
            self.needs[site.home.name] = sorted(self.wanted | {need for column in self.wanted for need in site.needs(column)})
        return self.needs[site.home.name]

    def event(self, site: Site, draft: _Draft) -> Row:
        """The event of a row in a home, with what the row gets by it.

        Raises:
            _Refused: where there is none.
        """
        needed = self.needed(site)
        self.turned_around(site, draft.row, needed)
        for column in needed:
            place, whole = site.place(column, (), draft.row), f"{{{draft.row.get(column)}}}"
            keeps_map = place is not None and isinstance(place.counterpart, Stored) and place.counterpart.parts
            if keeps_map and isinstance(read_json(whole), dict):  # a member of an object's text makes one
                draft.row[column] = whole
        putting = EventBuilder(site, draft.row, self.own, self.fields_read(site))
        for column in needed:
            try:
                putting.column(column)
            except Unfit as unfit:
                raise _Refused(column, str(unfit)) from None
        for column in draft.row:
            if column not in needed:
                with suppress(Unfit):
                    putting.column(column)
        for twin, column in self.known.alike.items() if self.known is not None else ():
            holder, (member,) = way_of(twin)
            if holder in self.unread and is_missing(draft.row.get(holder)) and (value := text_of(draft.row.get(column) or "")):
                with suppress(Unfit):
                    putting.inside(holder, {member: int(value) if value.isdigit() else value})
        for column in self.telling(site, draft.row):
            raise _Refused(column, f"the events in the place of {site.home.name} are those with the values that tell its homes")
        if self.family == "sigma":
            putting.texts(self.places)
        try:
            putting.selected()
        except Unfit as unfit:
            raise _Refused("", str(unfit)) from None
        for column in needed:
            if not column.startswith(OWN) and is_missing(draft.row.get(column)):
                told = self.shared_value(site, column, draft.row, putting)
                draft.row |= {} if told is None else {column: told}
        for where, why in putting.lacking.items():
            column = re.split(r"[.\[]", where)[0]
            if column not in self.wanted:
                continue
            told = column not in self.own and not is_missing(draft.given.get(column))
            if told and any(home.name != site.home.name and _keeps(home, where) for home in self.sites.homes):
                raise _Refused(where, f"it is a column of rows that are elsewhere: {why}")
            draft.said.append(Unshaped(self.table, where, why))
        return putting.finished()

    def fields_read(self, site: Site) -> frozenset[str]:
        """The fields of a home that stand for what the query looks at."""
        if site.home.name not in self.read:
            read = [c for path, c in site.home.columns.items() if way_of(path)[0] not in self.unread]
            self.read[site.home.name] = frozenset(c.name for c in each(read) if isinstance(c, Stored))
        return self.read[site.home.name]

    def paired(self, row: Row) -> Iterator[tuple[str, str]]:
        """The names of files whose paths alone rows tell, and the paths of those whose names they tell, where the query does not look."""
        names = [name for name, _ in self.files]
        for name, path in self.files:
            held, whole = (text_of(row.get(column) or "") for column in (name, path))
            if name in self.unread and not held and (last := re.split(r"[\\/]", whole)[-1]):
                yield name, last
            elif path in self.unread and not whole and held and names.count(name) == 1:
                yield path, held if may_stand_alone(held, "without-extension") else f"C:\\{held}"

    def shared_value(self, site: Site, column: str, row: Row, putting: EventBuilder) -> object:
        """What a row has in a column whose field another column has filled; None where that is not told."""
        place = site.place(column, (), row)
        if (
            place is None
            or not isinstance(stored := place.counterpart, Stored)
            or stored.form
            or stored.differs
            or stored.prefixes
            or stored.scale
            or stored.parts
        ):
            return None
        value = putting.event.get(place.name)
        if value is None or (stored.hyphen and value == "-") or isinstance(value, list | dict) or self.schema.get(column) == "dynamic":
            return None
        if stored.values:
            keys = [k for k, v in stored.values.items() if text_of(v) == text_of(value)]
            if not keys:
                return value if stored.others else None
            return keys[0] if len(keys) == 1 or stored.spellings else None
        if place.name == time_field(self.family):
            return next((row[c] for c in putting.row if moment_of(row[c]) is not None and putting.by.get(place.name) == c), None)
        try:
            return as_kql(value, self.schema.get(column, ""))
        except Unfit:
            return None

    # --- what is computed

    def turned_around(self, site: Site, row: Row, needed: Iterable[str]) -> None:
        """Gives the columns that others are computed of what makes these."""
        made = {column: computed for column in needed if (computed := site.formula(column, row))}
        for column, computed in sorted(made.items(), key=lambda one: bool(one[1].file_of)):  # a domain comes before its account
            value = row.get(column)
            if is_missing(value):
                continue
            if computed.file_of:
                name, held = text_of(value).upper() if computed.lowered else text_of(value), row.get(computed.file_of)
                whole = "" if is_missing(held) else text_of(held)
                if whole and computed.alone == "any" and not whole.lower().endswith(name.lower()):
                    row[computed.file_of] = f"{whole}{site.separators[0]}{name}"
                elif not whole:
                    row[computed.file_of] = name if may_stand_alone(name, computed.alone) else f"C:{site.separators[0]}{name}"
                continue
            found = made_of(site.expanded(computed, row), value, row)
            row |= {name: v for name, v in (found or {}).items() if name not in RAWS}
        formulas = [c for n in needed if (c := site.formula(n, row)) and not c.file_of]
        for raw in RAWS & {name for c in formulas for name in site.reads(c)}:
            row[raw] = raw_of(site.home, row)

    def compute(self, site: Site, drafts: Sequence[_Draft]) -> None:
        """Gives rows what the catalog computes of their other columns, and says where they have something else."""
        needed = self.needed(site)
        for _ in range(_PASSES):
            values = self.computed(site, drafts, needed)
            added = False
            for draft, column, value in values:
                if is_missing(draft.row.get(column)) and not is_missing(value):
                    draft.row[column] = value
                    added = True
            if not added:
                break
        for draft, column, value in values:
            if not draft.failed and not _agree(draft.row.get(column), value):
                why = f"by {site.home.name} it is {value!r} in such a row, and not {draft.row.get(column)!r}"
                self.fail(draft, column, why, _as_word(site, draft, column) or value)

    def computed(self, site: Site, drafts: Sequence[_Draft], needed: Iterable[str]) -> list[tuple[_Draft, str, object]]:
        """By draft and column what the formulas give."""
        asked = [(d, c, computed) for d in drafts if not d.failed for c in needed if (computed := site.formula(c, d.row)) is not None]
        found: list[tuple[_Draft, str, object]] = []
        for draft, column, computed in asked:
            if computed.file_of and not is_missing(path := draft.row.get(computed.file_of)):
                *folders, name = re.split("|".join(map(re.escape, site.separators)), text_of(path))
                if not folders and not may_stand_alone(name, computed.alone):
                    self.fail(draft, computed.file_of, f"{site.home.name} has files by their full paths", f"C:{site.separators[0]}{name}")
                    continue
                found.append((draft, column, name.lower() if computed.lowered else name))
        formulas = {c.expression: c for _, _, c in asked if not c.file_of}
        if not formulas:
            return found
        read = {name for formula in formulas.values() for name in site.reads(formula)}
        schema = {name: self.schema.get(name, "string") for name in sorted(read)}
        rows = [{name: draft.row.get(name) for name in schema} for draft in drafts]
        made = ", ".join(f"made_{number} = {text}" for number, text in enumerate(formulas))
        query = parse(f"rows_of_a_table | project {made}")
        results = execute(query, {"rows_of_a_table": rows}, schema={"rows_of_a_table": schema}).rows
        by_draft = {id(draft): dict(zip(formulas, result, strict=True)) for draft, result in zip(drafts, results, strict=True)}
        for draft, column, computed in asked:
            if not computed.file_of:
                own = site.reads(computed)
                nothing = bool(own) and all(is_missing(draft.row.get(name)) for name in own)
                value = by_draft[id(draft)][computed.expression]
                # Nothing is joined where there is nothing to join.
                joined = isinstance(e := parsed(self.table, computed.expression), Apply) and e.function == "strcat"
                found.append((draft, column, None if nothing and joined else value))
        return found


_PASSES = 4
"""How often formulas are computed of what formulas have given."""


class _Refused(Exception):
    """No event stands for a row, for what it has in a column; ``instead``: what it may have there."""

    def __init__(self, column: str, why: str, instead: object = None) -> None:
        super().__init__(why)
        self.column, self.why, self.instead = column, why, instead


def _keeps(home: Home, column: str) -> bool:
    found = home.columns.get(column)
    return isinstance(found, ByValue) or (isinstance(found, Stored) and not found.differs)


def _as_word(site: Site, draft: _Draft, column: str) -> str:
    """What a line that is split at blanks has for a text with blanks, as IIS writes it; empty for other columns and texts."""
    formula, text = site.formula(column, draft.row), text_of(draft.row.get(column))
    read = RAWS & site.reads(formula) if formula is not None and not formula.file_of else None
    return text.replace(" ", "+") if read and " " in text and site.family == "elastic" else ""


def _agree(given: object, value: object) -> bool:
    if is_missing(given) or is_missing(value):
        return is_missing(given) and is_missing(value)
    if isinstance(value, dt.datetime):
        return moment_of(given) == moment_of(value)
    return text_of(given) == text_of(value)
