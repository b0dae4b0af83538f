"""The documents that the selectors of a detection select: indexes, conditions, lists, and the values that are read of them."""

from __future__ import annotations

import functools
from collections.abc import Container, Sequence

from translator.detection.model import Detection, Selector
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import is_field
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import Apply, ColumnRef, Expr, conjuncts, walk
from translator.plan.types import Type
from translator.targets.base import VALUE, Cannot
from translator.targets.computed import Texts
from translator.targets.discrimination import told_apart
from translator.targets.elastic import dataset, field, indices, string
from translator.targets.elastic.esql.predicates import EsqlPredicates, json_extract
from translator.targets.elastic.versions import needed
from translator.targets.elastic.words import ATOMS, FINDS_ANY, TEXTS
from translator.targets.lists import Lists
from translator.targets.names import ORIGINALS, Names, free_of, key_names, read_by
from translator.targets.predicates import balanced, either_of, shared_of
from translator.targets.repeated import Repeated, hint_of_place
from translator.targets.selection import Selection
from translator.targets.sides import with_own_names


class Events:
    """The documents of the selectors of a detection: what selects them, and what is read of them."""

    def __init__(self, names: Names, detection: Detection, wanted: Container[str] = (), repeated: Repeated | None = None) -> None:
        """``wanted`` are the columns that an alert is made of."""
        self.names, self.wanted = names, wanted
        self.repeated = repeated = repeated or Repeated()
        self.keys = key_names(detection, names, self.wanted_keys(detection))
        stored = {*names.all_of(read_by(detection))}
        self.fields = {*stored, *self.keys}
        self.detection = with_own_names(detection, self.own)
        self.columns = dict(zip(detection.group_by, self.keys, strict=True))
        self.lists = Lists(names)
        listed = {"expand_cs": self.lists.spelling(False, "{0} IS NOT NULL"), "expand": self.lists.spelling(True, "{0} IS NOT NULL")}
        for function, caseless in (("expand_last", True), ("expand_cs_last", False)):
            listed[function] = self.lists.last(caseless, "{0} IS NOT NULL", _last_part)
        atoms = {**ATOMS, **listed}
        self.predicates = EsqlPredicates(names, atoms, field, "{0} IS NULL", "{0} IS NOT NULL", '{0} == ""', '{0} != ""', "true", "false")
        self.predicates.missing_differs_from_none = True
        self.predicates.finds_any = FINDS_ANY
        self.predicates.number = "TO_LONG({0})"
        self.predicates.as_text = "TO_STRING({0})"
        self.predicates.inside = lambda holder, path: repeated.of(json_extract(holder, path), hint_of_place(path))
        self.predicates.named = repeated.of
        self.predicates.computed = lambda expr: self.texts.of(expr)
        self.texts = Texts(self.predicates, TEXTS, self.names.readable, repeated)
        shown = {name for s in detection.selectors for name, _ in s.outputs}
        self.fields |= repeated.name(stored, {*self.keys, *shown, *detection.group_by}, lambda name: field(name) == name)
        self.predicates.equal_fields = {
            "==": 'COALESCE(TO_STRING({0}), "") == COALESCE(TO_STRING({1}), "")',
            "=~": 'TO_LOWER(COALESCE(TO_STRING({0}), "")) == TO_LOWER(COALESCE(TO_STRING({1}), ""))',
        }
        self.predicates.limit = "@timestamp {0} NOW() - {1} seconds"
        self.predicates.ingested = "event.ingested {0} NOW() - {1} seconds"
        self.predicates.moments = {
            "hourofday": 'DATE_EXTRACT("hour_of_day", @timestamp)',
            "dayofweek": '(DATE_EXTRACT("day_of_week", @timestamp) % 7)',  # of ISO: Sunday is 7
        }

    def own(self, name: str) -> str:
        """A column that the query makes for itself."""
        return free_of(name, self.fields)

    def wanted_keys(self, detection: Detection) -> tuple[str, ...]:
        """What alerts call the keys: the product's own field where all events have the key there, so that alerts are found by it.

        What fills a list has the name that the list has for it.
        """
        names = list(detection.group_by)
        if self.names.options.fields == "source" or names == [VALUE]:
            return tuple(names)
        for number, guaranteed in enumerate(detection.guaranteed):
            given = [s.keys[number] for s in detection.selectors]
            if not all(is_field(x) and self.names.showable(x) and self.names.is_column(x) for x in given):
                continue
            stored = {self.names.field(x) for x in given}
            plain = all(self.names.is_text(x) for x in given) or (guaranteed and len(given) == 1)
            if len(stored) == 1 and plain and not stored & {*names} and not any(self.names.is_multivalue(x) for x in given):
                names[number] = stored.pop()
        return tuple(names)

    def looked_up(self) -> list[str]:
        """The commands that compute what stands in several places and look values up in lists, once all conditions are written."""
        lookups = [f"EVAL {name} = {words}" for words, name in self.repeated.names.items()]
        for (name, field_, caseless), found in self.lists.found.items():
            computed = caseless or "(" in field_ or field_.startswith('"')
            if computed:
                lookups.append(f"EVAL {found}_key = {f'TO_LOWER({field_})' if caseless else field_}")
            lookups.append(f"ENRICH {name} ON {f'{found}_key' if computed else field_} WITH {found} = listed")
        return lookups

    def alerted(self, query: Selection) -> list[str]:
        """The command that gives each document what is computed of it for an alert, by the names that the rule has for that.

        Where fields have what it is made of, that is no reason for ``query`` to need a younger product than it does.
        """
        asked = needed("\n| ".join((query.base, *query.rest))).keys()
        computed = {name: text for name, (text, _) in self.gathered_fields().items() if text != field(name)}
        in_record = {name for s in self.detection.shown for name, x in s.outputs if any(map(_is_in_record, walk(x)))}
        for name, text in [*computed.items()]:
            if name not in self.wanted or (name not in in_record and not needed(text).keys() <= asked):
                del computed[name], self.columns[name]
        pairs = [f"{field(name)} = {text}" for name, text in computed.items()]
        return [f"EVAL {', '.join(pairs)}"] if pairs else []

    def source(self, metadata: bool) -> str:
        """The command ``FROM`` with the indexes of all selectors; ``metadata`` adds what identifies a document."""
        indexes = dict.fromkeys(pattern for s in self.detection.selectors for pattern in indices(self.names, s))
        return f"FROM {', '.join(indexes)}" + (" METADATA _id, _index, _version" if metadata else "")

    def conditions(self, selector: Selector) -> list[str]:
        """All that is asked of the events of a selector, as they stand between ANDs."""
        parts, tables = list[str](), {s.table for s in self.detection.selectors}
        data_set = dataset(self.names, selector)
        if data_set and (len(tables) > 1 or self.names.home(selector) is not None):
            parts.append(f"event.dataset == {string(data_set)}")
        asked = list(conjuncts(selector.predicate))
        with self.names.within(self.detection.place_of(selector)):
            if len(asked) == 1 and not parts:
                return [self.predicates.render(asked[0])]
            return parts + self.predicates.parts(asked)

    @functools.cached_property
    def asked(self) -> list[list[str]]:
        """All that is asked of each selector."""
        return [self.conditions(s) for s in self.detection.selectors]

    def filtered(self, metadata: bool = True) -> Selection:
        """The commands that select the documents."""
        first, every = self.repeated.asked_first(self.asked, self.lists.found.values())
        condition = either_of(every)
        asked = (f"WHERE {' AND '.join(first)}",) if first else ()
        return Selection(self.source(metadata), asked, (f"WHERE {condition}",) if condition else ())

    def by_selector(self, spelled: list[str], selectors: Sequence[Selector] | None = None) -> str:
        """One expression that is each selector's spelling for its events."""
        if len(set(spelled)) == 1:
            return spelled[0]
        every = self.detection.selectors
        conditions = [self.told_each[every.index(s)] for s in selectors or every]
        return f"CASE({', '.join(f'{c}, {text}' for c, text in zip(conditions, spelled, strict=True))})"

    @functools.cached_property
    def told_each(self) -> list[str]:
        """What tells the events of each selector from those of all others."""
        return self.told(range(len(self.asked)))

    def told(self, groups: Sequence[int]) -> list[str]:
        """What tells the events of each selector from those of other groups, once all are selected; ``true`` where nothing has to."""
        sets = [dataset(self.names, s) for s in self.detection.selectors]
        places = [{"event.dataset": (found,)} if found else dict[str, tuple[str, ...]]() for found in sets]

        def of_set(selector: Selector, fields: list[str]) -> list[str]:
            return [f"event.dataset == {string(dataset(self.names, selector))}"] if fields else []

        def has_several(subject: Expr) -> bool:
            return isinstance(subject, ColumnRef) and EsqlPredicates.is_array(subject.column)

        found = told_apart(self.detection, self.predicates, places, of_set, groups, has_several)
        if found is not None:
            return found
        shared = shared_of(self.asked)
        return [balanced([c for c in own if c not in shared], " AND ") or "true" for own in self.asked]

    def key(self, number: int) -> str:
        """The key of this number as a text, for each event by its selector; empty where the event lacks it, as KQL has it."""
        form = "TO_STRING({0})" if self.detection.guaranteed[number] else 'COALESCE(TO_STRING({0}), "")'
        return self.by_selector([form.format(self.named(s.keys[number])) for s in self.detection.selectors])

    def gathered_fields(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """What gives the columns that an alert shows, by their names, with the names of the selectors that have it."""
        spelled: dict[str, dict[str, dict[str, None]]] = {}
        fields: dict[str, str] = {}
        for selector, name, expr in [(s.name, *pair) for s in self.detection.shown for pair in s.outputs]:
            with self.names.within(Place.SHOWN):
                if is_field(expr):
                    plain = self.names.showable(expr) and self.names.is_column(expr)
                    stored_ = self.names.field(expr) if plain else ""
                    text = field(stored_) if plain else self.predicates.spelled(expr) if self.names.readable(expr) else ""
                    fields[text] = stored_ if self.names.options.fields != "source" else ""
                else:
                    text = (self.names.options.fields != "source" and self.texts.shown(expr)) or ""
                if text:
                    spelled.setdefault(name, {}).setdefault(text, {})[selector] = None
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        for name, texts in spelled.items():
            if len(texts) != 1 or name in self.detection.group_by or name in self.keys or "@timestamp" in texts:
                continue
            ((text, of),) = texts.items()
            stored = fields.get(text, "") if len({fields.get(t) for t in texts}) == 1 else ""
            own = stored or name
            self.columns[name] = own
            if own not in self.keys:
                found[own] = text, tuple(dict.fromkeys((*found.get(own, ("", ()))[1], *of)))
        return found

    def named(self, expr: Expr) -> str:
        """A key or a counted value: a field, or what is computed of fields. Raises Cannot."""
        with self.names.within(Place.BOTH):
            if isinstance(expr, Apply) and expr.function == JSON_TEXT:
                found = self.names.in_json(expr.args[0], named=True)
                text = None if found is None else self.repeated.of(json_extract(*found), hint_of_place(found[1]))
            elif isinstance(expr, Apply) and expr.type == Type.BOOL:
                text = f'CASE({self.predicates.render(expr)}, "true", "false")'
            else:
                text = self.predicates.spelled(expr) if is_field(expr) else self.texts.of(expr)
                if isinstance(expr, ColumnRef) and expr.column.stored and expr.column.several:
                    what = f"{self.names.field(expr)} has several values, which are read in their own order, each once"
                    self.names.say("array-compared", f"{what}; the KQL groups or counts by their text", expr.span)
        if text is None:
            raise Cannot(Diagnostic("unsupported-expression", "this value has no column here", expr.span))
        return text


def _is_in_record(expr: Expr) -> bool:
    """Whether a field is none of the document's, but stands in the event as it came."""
    return isinstance(expr, ColumnRef) and expr.column.stored in ORIGINALS


def _last_part(name: str, mark: str) -> str:
    """The last part of a field. Raises Cannot for a mark of several bytes, which SPLIT does not take ("ES|QL string functions")."""
    if not mark.isascii():
        raise Cannot(Diagnostic("target-cannot", f"ES|QL splits texts by marks of one byte, not by {mark!r}", None))
    return f"MV_LAST(SPLIT({name}, {string(mark)}))"
