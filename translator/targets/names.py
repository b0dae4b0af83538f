"""Names of fields in a target, and what there is to say about them."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from translator import catalog
from translator.catalog import Absent, Home, Stored
from translator.detection.model import Detection, Selector
from translator.detection.windows import is_time
from translator.fidelity import Diagnostic, Notes
from translator.plan.conditions import fields_of, is_field
from translator.plan.expressions import ELEMENT, Column, ColumnRef, Expr, Path
from translator.plan.types import Type
from translator.targets.base import TIMES, Cannot, Deployment, Options, Output, Read, by_table

TEXTS = frozenset({"keyword", "wildcard", "constant_keyword", "text", "match_only_text", "flattened", "object", "json", "unknown"})
"""Types of a product's fields that hold texts, or what compares as one."""

PLAIN_TEXTS = TEXTS - {"flattened", "object", "json"}
"""Those of a text that is kept as it came."""

_AS_TEXT = frozenset({Type.STRING, Type.UNKNOWN, Type.GUID})
"""Types of KQL whose values are texts in any product that keeps them under their own names."""

_NUMBERS = frozenset({Type.INT, Type.LONG, Type.REAL, Type.DECIMAL})

WHOLE = "object of fields"
"""The type of an object of Elastic's, which is no field: its parts are."""

ORIGINAL = "original"
"""The type of what an integration of Elastic's keeps in the event as it came alone, which is JSON."""

ORIGINAL_TEXT = "original text"
"""The type of what such an event has as a text that holds JSON."""

ORIGINALS = frozenset({ORIGINAL, ORIGINAL_TEXT})

IN_DOCUMENT = frozenset({"nested", *ORIGINALS})
"""Types of Elastic's that no query reads but as JSON."""

IN_UNITS = "in_units"
"""The function by which a field of smaller units is read: how many whole ones of so many it has. Such a field is never negative."""

_TO_SET_UP = frozenset(
    {
        "input-setting",
        "list-lookup",
        "list-placeholder",
        "list-in-text",
        "indicator-list",
        "first-seen-list",
        "list-rows",
        "place-as-field",
    }
)
"""Diagnostics that name something which the product must have before the output runs."""


def path_of(name: str, steps: tuple[str | int, ...]) -> str:
    """A place inside a column, as the catalog and mapping files write it: ``A.b``, ``A[].b`` for any element, ``A[0].b``."""
    return name + "".join("[]" if s == ELEMENT else f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)


def is_logical(family: str, options: Options, column: Column, steps: tuple[str | int, ...]) -> bool:
    """Whether a place has a name of Sigma's that no taxonomy binds: what holds it where the logs are, the pipeline says.

    Those are the places in columns that no log source is known to have, and in one element of an array.
    """
    element = names_elements(family, options) and any(isinstance(step, int) for step in steps)
    return family == "sigma" and options.fields != "source" and (not column.stored or element)


def names_elements(family: str, options: Options) -> bool:
    """Whether one element of an array has a name of its own, where the log source has one for all of them."""
    return family == "sigma" and options.prefer == "exact" and options.fields != "source"


def key_names(detection: Detection, names: Names, wanted: Sequence[str]) -> tuple[str, ...]:
    """What a search calls the keys: as ``wanted``, but for names of fields that it still reads once they are those of the keys."""
    selected = [x for s in detection.selectors for x in (s.predicate, *s.keys)]
    counted = [*(x for side in detection.sides for group in side.grouping for x in group), *_measured(detection)]
    each = {id(x): x for x in (*selected, *counted, *(x for s in detection.shown for _, x in s.outputs))}
    told = dict(zip(each, names.of_each(each.values()), strict=True))

    def read_of(exprs: Iterable[Expr]) -> set[str]:
        return set[str]().union(*(told[id(x)] for x in exprs))

    read_anywhere = read_of(each.values())
    of_any = read_of(selected) if len(detection.selectors) > 1 else set[str]()
    found: list[str] = []
    for number, name in enumerate(wanted):
        if name not in read_anywhere:
            found.append(name)
            continue
        own = [s.keys[number] for s in detection.selectors]
        others = [x for s in detection.selectors for n, x in enumerate(s.keys) if n != number] if not of_any else []
        others += [x for x in counted if x not in own]
        others += [x for s in detection.shown for shown, x in s.outputs if shown != name]
        read = of_any | read_of(others) if read_of(own) != {name} else set()
        found.append(free_of(f"{name}_key", read) if name in read else name)
    return tuple(found)


def _measured(detection: Detection) -> list[Expr]:
    """What the thresholds of a detection, and those of its sides, are of."""
    thresholds = [detection.threshold, *(side.threshold for side in detection.sides)]
    return [x for t in thresholds if t is not None for x in t.fields]


def read_by(detection: Detection) -> list[Expr]:
    """All that a search which groups events reads of them; nothing for one that gives them as they are."""
    if detection.kind == "event" and not detection.group_by:
        return []
    of_events = [x for s in detection.selectors for x in (s.predicate, *s.keys, *(x for _, x in s.outputs))]
    of_groups = [x for side in detection.sides for group in side.grouping for x in group]
    return [*of_events, *of_groups, *_measured(detection)]


def free_of(wanted: str, taken: Container[str]) -> str:
    """``wanted``, with a number where it is taken."""
    number = 1
    while (name := wanted if number == 1 else f"{wanted}_{number}") in taken:
        number += 1
    return name


def json_path(steps: tuple[str | int, ...], brackets: str = "{}") -> str | None:
    """A place in a text of JSON, with numbers in ``brackets``, as Splunk's json_extract takes it; None where a name would be several."""
    if not all(isinstance(s, int) or s.isidentifier() for s in steps):
        return None
    opened, closed = brackets[0], brackets[1]
    return "".join(f"{opened}{s}{closed}" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".")


def quoted_path(steps: Iterable[str | int]) -> str | None:
    """A place in JSON by the subset of JSONPath that ES|QL reads; None where a step has no words.

    Source: elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions/json_extract.
    """
    path = ""
    for step in steps:
        if isinstance(step, int):
            if step < 0:
                return None
            path += f"[{step}]"
        elif _NAME.fullmatch(step):
            path += f".{step}"
        elif "'" in step and '"' in step:
            return None
        else:
            path += f"['{step}']" if "'" not in step else f'["{step}"]'
    return path.removeprefix(".")


_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def are_plain_keys(steps: tuple[str | int, ...], brackets: str) -> bool:
    """Whether no name on the way to a place in JSON has a mark in it that parts the names of a path."""
    return not any(isinstance(s, str) and s != ELEMENT and {*s} & {".", *brackets} for s in steps)


_END_OF_TEXT = "\u241f"
"""Stands in a path behind what is a text that holds JSON: a mark that no name has."""


@functools.cache
def _ends_of_texts() -> re.Pattern[str]:
    """The values of a property that was changed are texts (learn.microsoft.com/graph/api/resources/modifiedproperty), and what the catalog
    says to be one.
    """
    texts = "".join(rf"|(?<=^{re.escape(name)})(?=[.{{])" for name in catalog.texts_of_json())
    return re.compile(rf"{_END_OF_TEXT}|(?<=\.newValue)(?=[.{{])|(?<=\.oldValue)(?=[.{{])" + texts)


def texts_within(path: str) -> list[str]:
    """A path in an event as one in its JSON and others, each in the JSON of a text that stands where the one before leads."""
    first, *rest = _ends_of_texts().split(path)
    return [first, *(r.removeprefix(".") for r in rest)]


@dataclass(frozen=True, slots=True)
class Json:
    """How a language reads JSON.

    Attributes:
        event: the field with the text of a whole event.
        brackets: what stands around the number of an element in a path.
        types: the product's types of columns that stand in JSON alone, each with the field that holds this.
        of_names: whether only what has no name in the event is read so, since names are fields.
    """

    event: str
    brackets: str
    types: Mapping[str, str]
    of_names: bool


SPLUNK_JSON = Json("_raw", "{}", {"json": "_raw"}, True)
# Objects of Elastic's integrations have other names than those of Azure, and fields where these have arrays.
ESQL_JSON = Json("_source", "[]", {"nested": "_source", **dict.fromkeys(ORIGINALS, "event.original")}, False)


@dataclass
class Names(Notes):
    """The names of one writer. ``homes`` are the places of the selectors by table and home; what is named is noted here.

    ``unreadable`` are types of fields that the target has no conditions on; ``arrays`` says that it compares fields of several values;
    ``json`` is how it reads JSON, None where it does not, ``flattened`` whether it reads places in fields of that type.
    """

    family: str
    options: Options
    homes: Mapping[tuple[str, str], Home] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    arrays: bool = True
    json: Json | None = None
    flattened: bool = False
    missing: dict[str, list[str]] = field(default_factory=dict)
    read: dict[tuple[str, str], Read] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    """The product's types of the fields that were named, where these are known."""
    places: dict[str, dict[str, None]] = field(default_factory=dict)
    """By table the places inside of the product's fields that are fields of their own."""

    def home(self, selector: Selector) -> Home | None:
        """Where the events of a selector are; None where they are searched under the table's own name."""
        if self.options.fields == "source":
            return None
        found = self.homes.get((selector.table, selector.home))
        if found is None:
            self.read[selector.table, ""] = Read(selector.table)
        else:
            self.read[selector.table, found.name] = Read(
                selector.table, found.brings, str(found), found.place.get("dataset", ""), found.apart(selector.table)
            )
        return found

    def field(self, expr: Expr) -> str:
        """The name of a stored field, parts joined by dots.

        Raises:
            Cannot: for what is no stored field, or one of a type that the target does not read.
        """
        match expr:
            case ColumnRef(column=column) as base if is_field(expr):
                steps: tuple[str | int, ...] = ()
            case Path(base=ColumnRef(column=column) as base, steps=steps) if is_field(expr):
                pass
            case _:
                raise Cannot(Diagnostic("unsupported-expression", "this computed value cannot be searched for", expr.span))
        name, source = column.name, self.options.fields == "source"
        if source and self._is_moment(expr):
            return TIMES[self.family]
        if column.several and not self.arrays:
            raise Cannot(
                Diagnostic("target-cannot", f"{name} has several values, which are not compared one by one on this way", expr.span)
            )
        if not self.readable(expr):
            raise Cannot(Diagnostic("target-cannot", f"{name} is of the type {column.stored}, which is not read here", expr.span))
        if steps and base.type == Type.STRING and not column.stored:
            # Sigma's fields are logical: what they are called where the logs are is the pipeline's business.
            code = "json-field" if self.family == "sigma" and not source else "json-in-string"
            self.say(code, f"{name} is a string that holds JSON, and is read as if its parts were fields", expr.span)
        if self.family == "elastic" and ELEMENT in steps:
            self.say("array-element", f"{name} is an array, whose elements EQL and ES|QL do not compare one by one", expr.span)
        if any(isinstance(step, int) for step in steps) and is_logical(self.family, self.options, column, steps):
            self.say("place-as-field", f"{path_of(name, steps)} is one element of an array, or in one", expr.span)
            if column.stored:
                self.places.setdefault(column.table or "", {})[path_of(name, steps)] = None
        elif any(isinstance(step, int) for step in steps) and (self.family != "splunk" or source or not column.stored):
            self.say("array-element", f"{name} is an array of which the KQL reads one element", expr.span)
        if not source and not column.stored:
            self.lacks(column.table, path_of(name, steps))
        if ELEMENT in steps and self.family == "splunk" and "{}" not in name:
            if any(isinstance(step, int) for step in steps):
                self.say("array-element", f"{name} is an array of which the KQL reads one element", expr.span)
            before = steps[: steps.index(ELEMENT)]
            if not column.stored and not catalog.is_array(column.table or "", name, before):
                what = f"{path_of(name, before)} is read as an array: a value that stands there alone has a field of another name"
                self.say("lone-element", what, expr.span)
            found = name + "".join("{}" if s == ELEMENT or isinstance(s, int) else f".{s}" for s in steps)
            if column.stored and len(texts_within(found)) > 1:
                raise Cannot(Diagnostic("target-cannot", f"{name} is a text there, of whose elements there are no fields", expr.span))
            return found
        if self.family == "splunk" and not source and column.stored and any(isinstance(s, int) for s in steps):
            raise Cannot(Diagnostic("unsupported-expression", f"there is no field of one element of {name}", expr.span))
        whole = ".".join([name, *(str(s) for s in steps if s != ELEMENT)])
        if column.stored and not source:
            self.used[self.flattened_around(whole) or whole if column.stored == "flattened" else whole] = column.stored
        return whole

    def flattened_around(self, name: str) -> str | None:
        """The field of the type flattened that a name is a place in; None where the target reads none, or it is not known."""
        return catalog.flattened_around(name) if self.flattened else None

    def lacks(self, table: str | None, name: str) -> None:
        """Notes a name of the KQL of which it is not known what the product calls it."""
        listed = self.missing.setdefault(table or "", [])
        if name not in listed:
            listed.append(name)

    def all_of(self, exprs: Iterable[Expr]) -> set[str]:
        """The names of the fields that some values read. Nothing is said of them."""
        return set[str]().union(*self.of_each(exprs))

    def of_each(self, exprs: Iterable[Expr]) -> Iterator[set[str]]:
        """The same of each of them."""
        quiet = replace(self, said=[], missing={}, read={}, used={}, places={})
        for expr in exprs:
            found = set()
            for node in fields_of(expr):
                with suppress(Cannot):
                    found.add(quiet.field(node))
            yield found

    def stored(self, expr: Expr) -> str:
        """The product's type of a stored field; empty where it is not known."""
        match expr:
            case ColumnRef(column=column) | Path(base=ColumnRef(column=column)):
                return column.stored if self.options.fields != "source" else "date" if self._is_moment(expr) else ""
        return ""

    def _is_moment(self, expr: Expr) -> bool:
        """Whether a field is the time of an event, which Splunk and Elasticsearch have under a name of their own, whatever else is kept."""
        return self.family in ("splunk", "elastic") and is_time(expr)

    def readable(self, expr: Expr) -> bool:
        """Whether the target has conditions on a field of this type, or reads it in another one."""
        stored = self.stored(expr)
        if stored == "flattened" and isinstance(column := expr.base if isinstance(expr, Path) else expr, ColumnRef):
            root = self.flattened_around(column.column.name)
            return root is not None and (root != column.column.name or isinstance(expr, Path))
        return stored not in self.unreadable or self.in_json(expr) is not None

    def is_column(self, expr: Expr) -> bool:
        """Whether a stored field is one that the target has under its name, and does not read in another one."""
        return self.readable(expr) and self.stored(expr) != "flattened" and self.in_json(expr) is None

    def is_text(self, expr: Expr) -> bool:
        """Whether the product keeps a field as a text, as far as is known."""
        stored = self.stored(expr)
        if stored or (self.family == "elastic" and self.in_json(expr) is not None):
            return not stored or stored in TEXTS | IN_DOCUMENT
        match expr:
            case ColumnRef(column=column):
                return column.type in _AS_TEXT
            case Path(base=ColumnRef(column=column), steps=steps):
                known = catalog.table(column.table or "")
                found = known.columns("elastic").get(path_of(column.name, steps)) if known is not None else None
                return isinstance(found, Absent) or (isinstance(found, Stored) and found.type in TEXTS - {"flattened", "object"})
        return False

    def is_multivalue(self, expr: Expr) -> bool:
        """Whether ``expr`` is what Splunk has as a field of several values."""
        match expr:
            case ColumnRef(column=column):
                return column.several
            case Path(base=ColumnRef(column=column), steps=steps):
                return ELEMENT in steps or column.several
        return False

    def number_as_text(self, expr: Expr) -> bool:
        """Whether ``expr`` is a number that Elastic stores as a text."""
        return self.family == "elastic" and bool(self.stored(expr)) and self.is_text(expr) and expr.type in _NUMBERS

    def never_empty(self, expr: Expr) -> bool:
        """Whether the target's field has a type without an empty value, as Elastic's ``ip`` has none."""
        stored = self.stored(expr)
        numbers = isinstance(expr, ColumnRef) and expr.column.type not in _AS_TEXT and expr.column.type != Type.DYNAMIC
        return self.family == "elastic" and (stored not in TEXTS | IN_DOCUMENT if stored else numbers)

    def in_json(self, expr: Expr, named: bool = False) -> tuple[str, str] | None:
        """The field and the path of a value that Splunk has no field of, but in the text of another; None for other values.

        That is the whole event for an element of an array, a text for what the KQL reads in it as JSON. ``named`` asks for a place with a
        name in the event as well: Splunk has fields of values alone, none of the objects around them. Events of a table without a home are
        taken for JSON, as fields inside of its columns are.
        """
        if (json := self.json) is None:
            return None
        match expr:
            case ColumnRef(column=column) as base:
                steps: tuple[str | int, ...] = ()
            case Path(base=ColumnRef(column=column) as base, steps=steps):
                pass
            case _:
                return None
        if ELEMENT in steps:
            return None
        source = self.options.fields == "source"
        if steps and base.type == Type.STRING and (not column.stored or column.stored in PLAIN_TEXTS):
            path = json_path(steps, json.brackets) if json.of_names else quoted_path(steps)
            if path is not None and not column.stored and not source:
                self.lacks(column.table, column.name)
            return (column.name, path) if path is not None else None
        by_name = bool(steps) and not any(isinstance(s, int) for s in steps)
        homeless = not column.stored and base.type == Type.DYNAMIC and column.table not in {table for table, _ in self.homes}
        opened, closed = json.brackets[0], json.brackets[1]
        inner = "".join(f"{opened}{s}{closed}" if isinstance(s, int) else f".{s}" for s in steps) if json.of_names else quoted_path(steps)
        if inner is None:
            return None
        ends = _END_OF_TEXT if steps and column.stored == ORIGINAL_TEXT else "." if inner[:1] not in (".", opened, "") else ""
        path = f"{column.name}{ends}{inner}"
        within = json.of_names and bool(column.stored) and len(texts_within(path)) > 1
        if source or not (column.stored in json.types or homeless or within):
            return None
        if by_name and (homeless or json.of_names) and not within and not named:
            return None
        if json.of_names and not are_plain_keys(steps, json.brackets):
            what = f"a key with a dot or one of {json.brackets} in JSON is not supported here"
            raise Cannot(Diagnostic("unsupported-expression", what, expr.span))
        if homeless:
            self.lacks(column.table, column.name)
        return json.types.get(column.stored, json.event), path

    def showable(self, expr: Expr) -> bool:
        """Whether a column that only informs can be read as a field: an element of an array cannot under a product's own names."""
        with suppress(Cannot):
            if self.options.fields == "source" or self.in_json(expr) is not None:
                return True
            return not (isinstance(expr, Path) and any(isinstance(x, int) for x in expr.steps))
        return False

    def shown(self, expr: Expr) -> str:
        """The field that events show for a column that only informs; empty where they have none of one value."""
        with suppress(Cannot):
            return self.field(expr) if self.showable(expr) else ""
        return ""

    def output(
        self, target: str, texts: tuple[str, ...], diagnostics: tuple[Diagnostic, ...], lane: str = "native", filters: str = "",
    ) -> Output:  # fmt: skip
        """The output of a writer that used these names."""
        everything = tuple(dict.fromkeys(diagnostics))
        deployment = None
        if self.options.fields != "source":
            missing = tuple((table, tuple(names)) for table, names in sorted(self.missing.items()))
            set_up = tuple(dict.fromkeys(d.message for d in everything if d.code in _TO_SET_UP))
            places = by_table((table, tuple(found)) for table, found in sorted(self.places.items()))
            deployment = Deployment(tuple(self.read[k] for k in sorted(self.read)), missing, set_up, places)
        return Output(target, texts, everything, lane, filters, deployment=deployment, fields=dict(self.used))
