"""One row put into the event of one home.

Facts: Splunk, Search Reference, "spath" (objects in JSON are names with dots, the elements of an array all values of one name with ``{}``);
Elasticsearch reference, "Arrays" and "Object field type" (an array is several values, one of objects is several values of each part), "Data
streams" (``data_stream.type``, ``data_stream.dataset`` and ``data_stream.namespace`` make the name); CIM manual, "Approaches to using the
CIM" (searches by tstats name fields with their data set before).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from xml.sax.saxutils import escape

from translator import catalog
from translator.catalog import Computed, Stored
from translator.catalog.filled import derived, written
from translator.detection.windows import TIME_COLUMNS
from translator.plan.expressions import ELEMENT, Const, conjuncts
from translator.sigma.selections import ALWAYS_PRESENT
from translator.targets.base import TIMES
from translator.targets.formulas import parsed, selected
from translator.targets.java import java_text, without_empty
from translator.targets.names import ORIGINAL_TEXT, ORIGINALS
from translator.targets.splunk.models import TAGS
from translator.verify.reading import Row
from translator.verify.shaping.home_conditions import fulfilling, holds
from translator.verify.shaping.making import FILLER
from translator.verify.shaping.nested_values import data_of, leaves, named, nested, read_json, refuse_strange
from translator.verify.shaping.raws import raw_of
from translator.verify.shaping.shapes import Unfit
from translator.verify.shaping.sites import OWN, Place, Site, Way, absent, way_of
from translator.verify.shaping.values import (
    OBJECTS,
    in_elastic,
    in_sigma,
    in_splunk,
    is_missing,
    iso,
    moment_of,
    text_of,
)

LOG_SOURCE = "logsource"
"""The field of events for Sigma with what tells their log source: product, category, service."""

INGESTED = "$IngestionTime"
"""The column in which the engine has what ``ingestion_time()`` gives."""

_SINGLE = re.compile(r"(<Data Name=)[\"']([^\"'>]*)[\"']>")
"""The name of a value in the data of a Windows event, which is rendered with single quotes."""

_INGESTED = {"splunk": "_indextime", "elastic": "event.ingested"}


class EventBuilder:
    """The event of a row in a home, as it grows.

    Args:
        own: columns that have their own names where the home has no field for them.
        read: the fields of what a query looks at, which say what rows say of them and nothing else.

    Attributes:
        event: its fields by their names, parts with dots.
        by: which column each field is of.
        lacking: why columns, or places inside of them, have no field.
    """

    def __init__(self, site: Site, row: Row, own: Collection[str] = (), read: Collection[str] = ()) -> None:
        self.site, self.row, self.own, self.read = site, row, own, read
        self.event: Row = frame(site)
        self.by: dict[str, str] = {}
        self.lacking: dict[str, str] = {}
        self.parts: dict[str, list[tuple[int, str]]] = {}
        self.document: dict[str, object] = {}
        self.original: dict[str, object] = {}

    def column(self, column: str) -> None:
        """Puts what a row has in a column.

        Raises:
            Unfit: where no event can have that.
        """
        value = self.row.get(column)
        if value is None or (value == "" and catalog.is_omitted(self.site.table, column)):
            return
        if column.startswith(OWN):
            self.set(column[1:], value, "text", column)
            return
        if column == INGESTED:
            self.ingested(value)
            return
        if isinstance(value, str) and "/" in value and catalog.is_address(self.site.table, column):
            raise Unfit("an address stands there in every row, no network")
        if column in catalog.schemas().get(self.site.table, {}) and catalog.schemas()[self.site.table][column] == "dynamic":
            value = read_json(value)
        if self.site.family == "sigma" and column in TIME_COLUMNS and (moment := moment_of(value)) is not None:
            self.event[TIMES["sigma"]] = iso(moment)
        place = self.site.place(column, (), self.row)
        stored = place.counterpart if place is not None and isinstance(place.counterpart, Stored) else None
        of_object = stored is not None and stored.type in OBJECTS - {ORIGINAL_TEXT}
        around = isinstance(value, str) and value[:1].isspace() and read_json(value.strip()) != value.strip()
        if around and (of_object or self.site.has_parts(column)):
            raise Unfit("the table has the text of an object there, without anything around it")
        if column == "EventData" and self.site.has_parts(column) and (data := data_of(value)) is not None:
            self.inside(column, data)
            if place is not None and place.name == catalog.DATA_IN_XML:
                self.set(place.name, value, "text", column)
            return
        if self.site.has_parts(column) and isinstance(inner := read_json(value), dict | list):
            self.inside(column, inner)
            if stored is None or not isinstance(value, str):
                return
        if isinstance(value, str) and of_object:
            value = read_json(value)  # the table has as a text what the product has as an object
        if isinstance(value, dict | list):
            self.whole(column, value, place)
        else:
            self.plain(column, (), value, place)

    def plain(self, column: str, steps: Way, value: object, place: Place | None) -> None:
        """Puts a plain value that stands in a column, or at a place inside of it."""
        where, stored = named(column, steps), self.stored(column, steps, value, place)
        if stored is None or place is None or (stored.within and raw_of(self.site.home, self.row)):  # made of all of its parts
            return
        name = place.name
        if stored.type in ORIGINALS:
            self.original |= {} if place.below else {name: value}
            return
        if place.below:
            if stored.type not in OBJECTS and self.site.family != "sigma":
                self.lack(where, f"{name} holds no parts", value)
                return
            name = self.under(name, column, place)
        several = stored.array or "{}" in name or (any(isinstance(s, int) for s in steps) and "{n}" not in stored.name)
        given = value_in(stored, value) if not place.below else value
        kind = "" if place.below else stored.type
        if stored.form and not is_missing(value):
            self.listed(name, stored.form, text_of(value), where, list(self.site.home.columns).index(column) if not steps else 0)
        else:
            self.set(name, given, kind, where, several)
        if self.site.of_any_name and not steps and column not in self.event:  # rules have the names of the source as well
            self.set(column, value, "", column)

    def stored(self, column: str, steps: Way, value: object, place: Place | None) -> Stored | None:
        """The field of a place; None where there is none that has its value, which is told. A column of no place has its own name.

        Raises:
            Unfit: for a place that has one value in all rows, which is another.
        """
        if why := absent(place):
            self.lack(named(column, steps), why, value)
            if (place is None or column in self.own) and not steps:
                self.set(column, value, "", column)
            return None
        assert place is not None
        stored = place.counterpart
        if isinstance(stored, Stored) and stored.differs:
            self.lack(named(column, steps), stored.differs, value)
            if column in self.own and not steps:
                self.set(column, value, "", column)
            return None
        always = parsed(self.site.table, stored.expression) if steps and isinstance(stored, Computed) else None
        if isinstance(always, Const) and not is_missing(value) and text_of(value) != text_of(always.value):
            raise Unfit(f"every row has {always.value!r} here, and not {value!r}")
        if isinstance(stored, Computed) and column in self.own and not steps:  # the text cannot compute it
            self.set(column, value, "", column)
        return stored if isinstance(stored, Stored) else None

    def under(self, name: str, column: str, place: Place) -> str:
        """The name of a field below an object, or below one whose elements are fields by their numbers."""
        if self.site.family == "splunk":
            return name + "".join("{}" if isinstance(s, int) else f".{s}" for s in place.below)
        for length, step in enumerate(place.below):
            if isinstance(step, int) and self.site.is_keyed(column, (*place.steps, *place.below[:length])):
                raise Unfit("the product names the elements of this array in its own way")
        return ".".join([name, *(s for s in place.below if isinstance(s, str))])

    def whole(self, column: str, value: object, place: Place | None) -> None:
        """Puts an object or an array."""
        stored = self.stored(column, (), value, place)
        if stored is None:
            return
        if stored.type in OBJECTS or self.site.family == "sigma":
            self.inside(column, value)
        elif isinstance(value, list) and not any(isinstance(m, dict | list) for m in value):
            if self.site.family == "splunk" and not (stored.array or "{}" in stored.name):
                self.set(stored.name, text_of(value), stored.type, column)
            for member in value:
                if self.site.family != "splunk" or stored.array or "{}" in stored.name:
                    self.set(stored.name, value_in(stored, member), stored.type, column, several=True)
        elif self.site.family == "splunk":
            self.set(stored.name, text_of(value), stored.type, column)
        else:
            raise Unfit(f"{stored.name} takes no object")

    def inside(self, column: str, value: object) -> None:
        """Puts the plain values inside of an object or an array, each where the home has it."""
        whole = self.site.place(column, (), self.row)
        if (
            whole is not None
            and isinstance(whole.counterpart, Stored)
            and whole.counterpart.type == {"splunk": "json", "elastic": "nested"}.get(self.site.family)
            and isinstance(value, dict | list)
        ):
            self.document[whole.name] = value
        if whole is not None and isinstance(whole.counterpart, Stored) and whole.counterpart.type in ORIGINALS:
            self.original[whole.name] = text_of(value) if whole.counterpart.type == ORIGINAL_TEXT else value
        refuse_strange(self.site.table, column, value)
        for steps, leaf in leaves(value):
            self.plain(column, steps, leaf, self.site.place(column, steps, self.row))

    def listed(self, name: str, form: str, value: str, where: str, order: int) -> None:
        """Puts a value into the text of a field that has several, in the order of the catalog's columns.

        Raises:
            Unfit: for what is no hash where hashes stand.
        """
        for kind, digits in _DIGITS.items():
            if where.upper().endswith(kind) and (len(value) > digits or value != value.lower()):
                raise Unfit(f"a hash of this kind has {digits} digits, in lower case")
        parts = self.parts.setdefault(name, [])
        parts.append((order, form.replace("{value}", value)))
        self.event[name] = ",".join(text for _, text in sorted(parts))
        self.by[name] = where

    def set(self, name: str, value: object, kind: str, where: str, several: bool = False) -> None:
        """Gives a field a value.

        Raises:
            Unfit: where it has another one, or cannot have this one.
        """
        match self.site.family:
            case "splunk":
                given = in_splunk(value, kind, self.site.in_json) if not isinstance(value, dict | list) else value
                if self.site.home.in_xml and isinstance(given, str):
                    given = _SINGLE.sub(r"\1'\2'>", given) if name == catalog.DATA_IN_XML else escape(given)
            case "elastic":
                given = in_elastic(value, kind)
            case _:
                given = in_sigma(value)
        if given is None:
            return
        known = self.event.get(name)
        if known is not None and several and where == self.by.get(name):
            self.event[name] = [*(known if isinstance(known, list) else [known]), given]
        elif known is not None and known != given:
            raise Unfit(f"{name} has {known!r} already" + (f", of {self.by[name]}" if name in self.by else ""))
        else:
            self.event[name] = given
            self.by.setdefault(name, where)

    def ingested(self, value: object) -> None:
        """Puts when the event was taken in where the product keeps that; nothing for what is no moment."""
        moment, name = moment_of(value), _INGESTED.get(self.site.family)
        if moment is not None and name is not None:
            self.event[name] = moment.timestamp() if self.site.family == "splunk" else iso(moment)

    def lack(self, where: str, why: str, value: object) -> None:
        if where not in TIME_COLUMNS and not is_missing(value):
            self.lacking.setdefault(where, why)

    def selected(self) -> None:
        """Makes the event one that the home has, by fields that no column has filled.

        Raises:
            Unfit: where it is none.
        """
        if not self.site.home.select:
            return
        raw = raw_of(self.site.home, self.row)
        whole = {} if raw is None else {"_raw": raw}
        for part in conjuncts(selected(self.site.home.select)):
            if holds(part, {**whole, **self.event}):
                continue
            for name, value in fulfilling(part):
                if name not in self.event:
                    self.event[name] = value
                    break
            if not holds(part, {**whole, **self.event}):
                raise Unfit(f"the events of the table that {self.site.home.name} has are those with {self.site.home.select}")

    def texts(self, places: Iterable[str]) -> None:
        """Gives places inside of columns, which rules of Sigma ask under their own names, the text of what is there."""
        for column, name, steps in map(self.way, places):
            held = self.row.get(column)
            plain = isinstance(held, str) or any(map(_is_index, steps))
            texts = [text_of(v) if isinstance(v, dict | list) else v for v in _at(held, steps, plain)]
            if texts:
                whole = ".".join([name, *(str(s) for s in steps if s != ELEMENT)])
                self.event[whole] = texts[0] if ELEMENT not in steps else texts

    def way(self, place: str) -> tuple[str, str, Way]:
        """The column of a place, its name in the product, and the steps to the place; the column's own name where the home has none."""
        for column in self.row:
            name = found.name if (found := self.site.place(column, (), self.row)) is not None else ""
            if name and place.startswith((f"{name}.", f"{name}[")):
                return column, name, way_of(f"_{place.removeprefix(name)}")[1]
        column, steps = way_of(place)
        return column, column, steps

    def with_texts(self, record: dict[str, object]) -> dict[str, object]:
        """A record with texts for those of its objects that its stream has as such, which then are fields without parts."""
        for name in catalog.texts_of_json():
            *outer, last = name.split(".")
            holder: object = record
            for step in outer:
                holder = holder.get(step) if isinstance(holder, dict) else None
            if isinstance(holder, dict) and isinstance(found := holder.get(last), dict | list):
                holder[last] = self.event[name] = text_of(found)
                for inner in [n for n in self.event if n.startswith((f"{name}.", f"{name}{{}}"))]:
                    del self.event[inner]
        return record

    def finished(self) -> Row:
        """The event, with what products keep of it as a whole, and with what every event of a Sigma category has."""
        site, home = self.site, self.site.home
        if site.family == "splunk":
            if "_raw" not in self.event and (raw := raw_of(home, self.row)) is not None:
                self.event["_raw"] = raw
            elif site.in_json and "datamodel" not in home.place:
                inner = tuple(f"{name}{mark}" for name in self.document for mark in (".", "{}"))
                outer = {n: v for n, v in self.event.items() if n in self.by and n != TIMES["splunk"] and not n.startswith(inner)}
                self.event["_raw"] = text_of(self.with_texts(nested({**outer, **self.document})))
            if model := home.place.get("datamodel"):
                prefix = model.rpartition(".")[2]
                self.event |= {"tag": list(TAGS[model])} if model in TAGS else {}
                self.event |= {f"{prefix}.{name}": value for name, value in self.event.items() if name in self.by and name != "_time"}
        if self.original:
            self.event["event.original"] = text_of(nested(self.original))
        if site.family == "elastic":
            self.event = {**written(site.table, home.place.get("dataset", ""), self.row), **self.event}
        model = home.place.get("datamodel", "").rpartition(".")[2]
        made = derived(site.family, home.place, self.event).items()
        self.event = {**{name: v for name, v in made if name.removeprefix(f"{model}.") not in self.read}, **self.event}
        if site.family == "elastic" and self.document:
            inner = tuple(f"{name}." for name in self.document)
            self.event["_source"] = text_of(nested({**{n: v for n, v in self.event.items() if not n.startswith(inner)}, **self.document}))
        elif site.family == "sigma" and (always := ALWAYS_PRESENT.get(home.place.get("category", ""))):
            told = (c for name, c in home.columns.items() if name in self.row)  # what a row says of it is not changed
            if not any(isinstance(c, Stored) and c.name == always for c in told):
                self.event.setdefault(always, FILLER)
        return self.event


_DIGITS = {"MD5": 32, "SHA1": 40, "SHA256": 64, "SHA512": 128, "IMPHASH": 32}
"""How many hexadecimal digits a hash has, by how names of columns with such end.

Sources: RFC 1321, 3; FIPS 180-4, figure 1; that of imports is an MD5. Tables have them in lower case, as the examples of
learn.microsoft.com/azure/sentinel/normalization-schema-file-event show.
"""


def frame(site: Site) -> Row:
    """What an event has by the place that it is in."""
    place: Mapping[str, str] = site.home.place
    match site.family:
        case "splunk":
            return {"index": "main", **{key: values[0] for key, values in site.home.marks.items()}}
        case "elastic":
            kind, _, dataset = place.get("index", "logs-").rstrip("-*").partition("-")
            dataset = place.get("dataset", dataset)
            # "generic" is the data set of what names none (Elastic, "Data streams", naming scheme)
            own: Row = {"event.dataset": dataset, "data_stream.dataset": dataset} if dataset else {"_index": f"{kind}-generic-default"}
            return {**own, "data_stream.type": kind, "data_stream.namespace": "default"}
    return {LOG_SOURCE: dict(place)}


def time_field(family: str) -> str:
    """The field with the time of an event."""
    return TIMES[family]


def value_in(stored: Stored, value: object) -> object:
    """A value as the product has it: by the table of values, in its case, with its own beginnings.

    Raises:
        Unfit: for a value of which it is not known what the product has, or which no row has.
    """
    if is_missing(value):
        return "-" if stored.hyphen else value
    text = text_of(value)
    if stored.hyphen and text == "-":
        raise Unfit(f"a hyphen in {stored.name} stands for no value")
    if stored.lowered:
        if text != text.lower():
            raise Unfit(f"the table has {stored.name} in lower case")
        return text.upper()
    if stored.missing == text:
        return None
    if stored.parts:
        if not isinstance(read := read_json(value), dict | list) and '"' in text:
            raise Unfit(f"every row has an object in JSON here, and not {text!r}")
        kept = without_empty(read)
        return None if kept is None else java_text(kept)
    if stored.scale and isinstance(value, int):
        return value * stored.scale
    if stored.values:
        key = text if text in stored.values else next((k for k in stored.values if k.lower() == text.lower()), "")
        if key == text:
            return stored.values[key]
        if key or stored.complete:
            raise Unfit(f"no row has {text!r} here: {stored.name} tells {', '.join(list(stored.values)[:4])}")
        if not stored.others:
            raise Unfit(f"it is not known what {stored.name} has for {text!r}")
        if text in map(str, stored.values.values()):
            raise Unfit(f"{text!r} stands for another value in {stored.name}")
        text = text.replace(" ", stored.blanks or " ")
    for before in sorted(stored.prefixes, key=len, reverse=True):
        if text.lower().startswith(before.lower()):
            return stored.prefixes[before] + text[len(before) :]
    if stored.case:
        if stored.spelled and text not in stored.spelled and any(text.lower() == s.lower() for s in stored.spelled):
            raise Unfit(f"no row has {text!r} in this case")
        return text.lower() if stored.case == "lower" else text.upper()
    return value


def _is_index(step: str | int) -> bool:
    return isinstance(step, int)


def _at(value: object, steps: Way, plain: bool) -> Iterator[object]:
    """What stands at a place inside of a value, of every element where the place is one of any; ``plain``: also where it has no parts."""
    if not steps:
        if value is not None and (plain or isinstance(value, dict | list)):
            yield value
        return
    inner, step = read_json(value) if isinstance(value, str) else value, steps[0]
    match inner:
        case list() if step == ELEMENT:
            for member in inner:
                yield from _at(member, steps[1:], plain)
        case list() if isinstance(step, int) and step < len(inner):
            yield from _at(inner[step], steps[1:], plain)
        case dict() if isinstance(step, str):
            yield from _at(inner.get(step), steps[1:], plain)
