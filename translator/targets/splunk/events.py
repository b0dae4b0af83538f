"""The events that the selectors of a detection select: search terms, conditions, lists, and the values that are read of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace

from translator import catalog
from translator.catalog import Home
from translator.detection.model import Detection, Selector
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import is_field
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path, conjuncts, walk
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.computed import Texts
from translator.targets.discrimination import told_apart
from translator.targets.lists import Lists
from translator.targets.names import Names, free_of, json_path, key_names, read_by
from translator.targets.predicates import Predicates, either_of, shared_of
from translator.targets.repeated import Repeated, hint_of_place
from translator.targets.selection import Selection
from translator.targets.sides import with_own_names
from translator.targets.splunk.functions import TEXTS
from translator.targets.splunk.pipeline import SPL
from translator.targets.splunk.terms import Term, alternatives, term_of
from translator.targets.splunk.words import (
    ATOMS,
    FINDS_ANY,
    OR_EMPTY,
    column,
    field,
    inside,
    is_plain,
    json_extract,
    literal,
    string,
)

DEFAULT_FIELDS = frozenset({"_time", "host", "source", "sourcetype"})
"""Inherited fields, which tstats knows without the name of a data set (Knowledge Manager Manual, "Add fields to data models")."""


class Events:
    """The events of the selectors of a detection: what selects them, and what is read of them."""

    def __init__(self, names: Names, detection: Detection, wanted: tuple[str, ...] = (), repeated: Repeated | None = None) -> None:
        self.names, self.wanted = names, wanted
        self.repeated = repeated = repeated or Repeated()
        self.macros: dict[str, str] = {}
        self.keys = key_names(detection, names, detection.group_by)
        stored = {*names.all_of(read_by(detection))}
        self.fields = {*stored, *self.keys}
        self.own_names = {"_time"}
        self.mark = self.model = ""
        self.detection = with_own_names(detection, self.own)
        self.columns = dict(zip(detection.group_by, map(column, self.keys), strict=True))
        self.lists = Lists(names)
        listed = {"expand_cs": self.lists.spelling(False, "isnotnull({0})"), "expand": self.lists.spelling(True, "isnotnull({0})")}
        for function, caseless in (("expand_last", True), ("expand_cs_last", False)):
            listed[function] = self.lists.last(caseless, "isnotnull({0})", lambda name, mark: f"mvindex(split({name}, {string(mark)}), -1)")
        listed["expand_within"] = self.lists.within("isnotnull({0})")
        self.predicates = Predicates(
            names,
            {**ATOMS, **listed},
            field,
            "isnull({0})",
            "isnotnull({0})",
            '{0}==""',
            '{0}!=""',
            "true()",
            "false()",
            missing_differs_from_none=True,
            finds_any=FINDS_ANY,
            equal_fields={
                "==": 'coalesce({0}, "")==coalesce({1}, "")',
                "=~": 'lower(coalesce({0}, ""))==lower(coalesce({1}, ""))',
            },
            element="isnotnull(mvfilter({0}))",
            untyped="tonumber({0})",
            # By arithmetic, since strftime goes by the time zone of the user; the first day of _time was a Thursday.
            inside=lambda holder, path: repeated.of(json_extract(field(holder), path), hint_of_place(path)),
            computed=lambda expr: self.texts.of(expr),
            classes=SPL.classes,
            limit="_time{0}now()-{1}",
            ingested="_indextime{0}now()-{1}",
            moments={"hourofday": "floor((_time%86400)/3600)", "dayofweek": "((floor(_time/86400)+4)%7)"},
        )

        self.texts = Texts(self.predicates, TEXTS, lambda expr: True, repeated)
        shown = {name for s in detection.selectors for name, _ in s.outputs}
        self.fields |= repeated.name(stored, {*self.keys, *shown, *wanted, *self.own_names}, is_plain)

    def own(self, name: str) -> str:
        """A field that the search makes for itself."""
        free = free_of(name, self.fields)
        self.own_names.add(free)
        return free

    def looked_up(self) -> list[str]:
        """The commands that compute what stands in several places and look values up in lists, once all conditions are written."""
        lookups = self.computed()
        for (name, field_, caseless), found in self.lists.found.items():
            computed = caseless or not (is_plain(field_) or field_.startswith("'"))
            if computed:
                lookups.append(f"eval {found}_key={f'lower({field_})' if caseless else field_}")
            looked_up = f"{found}_key" if computed else field_.replace("'", '"')
            lookups.append(f"lookup {name} value as {looked_up} OUTPUT value as {found}")
        return lookups

    def computed(self) -> list[str]:
        """The commands that compute what stands in several places."""
        return [f"eval {name}={words}" for words, name in self.repeated.names.items()]

    def models(self) -> set[str]:
        """The data models whose events the selectors select, empty for other events."""
        return {self.place(s).get("datamodel", "") for s in self.detection.selectors}

    def fields_read(self) -> list[str]:
        """The fields that are read of the events, but for their time, by their names."""
        read = {
            n.column.name
            for s in self.detection.selectors
            for x in self.read_by(s)
            for n in walk(x)
            if isinstance(n, ColumnRef) and n.column.table
        }
        return sorted(read - {"_time"})

    def whole(self, selector: Selector) -> str:
        """All conditions of a selector."""
        with self.names.within(self.detection.place_of(selector)):
            return " AND ".join(self.predicates.parts(conjuncts(selector.predicate)))

    def read_by(self, selector: Selector) -> list[Expr]:
        """All that a search reads of the events of a selector."""
        threshold = self.detection.threshold
        return [selector.predicate, *selector.keys, *(x for _, x in selector.outputs), *(threshold.fields if threshold else ())]

    def place(self, selector: Selector) -> Mapping[str, str]:
        """What tells the events of a selector's table."""
        found = self.names.home(selector)
        return found.place if found else {"sourcetype": selector.table}

    def places(self, selector: Selector) -> Mapping[str, tuple[str, ...]]:
        """The same, of which any of several values may tell them."""
        found = self.names.home(selector)
        return found.places if found else {key: (value,) for key, value in self.place(selector).items()}

    def place_conditions(self, selector: Selector, only: Container[str] | None = None) -> list[str]:
        """The same behind the base search, where a set of indexes is no condition; ``only`` of these fields."""
        places = {k: v for k, v in self.places(selector).items() if k not in ("index", "tag") and (only is None or k in only)}
        tags = self.place(selector).get("tag", "").split() if only is None else []
        one = [f"isnotnull(mvfind(tag, {string(f'^{tag}$')}))" for tag in tags]
        one += [f"{field(k)}=={string(v[0])}" for k, v in places.items() if len(v) == 1]
        return one + [f"in({field(k)}, {', '.join(map(string, v))})" for k, v in places.items() if len(v) > 1]

    def place_terms(self, selector: Selector) -> str:
        """The search terms of a selector's table. Where it has a home, they are what a package calls by a macro."""
        if self.names.home(selector) is None:
            return " ".join(f"{k}={string(v)}" for k, v in self.place(selector).items())
        name, terms = macro_terms(self.names, selector)
        self.macros[name] = terms
        return terms

    @functools.cached_property
    def asked(self) -> dict[int, list[tuple[Expr, Term | None]]]:
        """The conditions of each selector, by its identity, with what ``search`` can tell of them: several may have one name."""
        found = {}
        for selector in self.detection.selectors:
            with self.names.within(self.detection.place_of(selector)):
                found[id(selector)] = [(part, term_of(self.names, part)) for part in conjuncts(selector.predicate)]
        return found

    def is_all_searched(self) -> bool:
        """Whether the search tells all that is asked of events."""
        return not self.model and all(term is not None and term.whole for found in self.asked.values() for _, term in found)

    @functools.cached_property
    def terms(self) -> tuple[list[str], list[list[Term]]]:
        """The search terms that all selectors have, and those that each has beside them: what ``search`` can tell faster than ``where``."""
        every = []
        for selector in self.detection.selectors:
            found = (term for _, term in self.asked[id(selector)] if term is not None)
            every.append({t.text: t for t in (Term(self.place_terms(selector), True), *found)})
        shared = shared_of(every)
        return shared, [[t for text, t in terms.items() if text not in shared] for terms in every]

    def searched(self) -> str:
        """The base search; of a data model its command (Search Reference, from: fields have no name of the data set before theirs)."""
        if self.model:
            return f"| from datamodel:{string(self.model)}"
        shared, every = self.terms
        if [] in every:
            return " ".join(shared)
        found = alternatives(every)
        either = " OR ".join(found)
        if not shared:
            return either
        either = either if len(found) == 1 else f"({either})"
        told_by_table = self.place_terms(self.detection.selectors[0]) in shared
        return " ".join([*shared, either] if told_by_table else [either, *shared])

    def conditions(self, selector: Selector, among_others: bool) -> list[str]:
        """The conditions of a selector that the search does not tell, or that tell its events from others of the search."""
        shared = self.terms[0] if among_others and not self.model else None

        def is_searched(term: Term | None) -> bool:
            return term is not None and term.whole and (shared is None or term.text in shared)

        asked = [(p, None) for p in conjuncts(selector.predicate)] if self.model else self.asked[id(selector)]
        left = [part for part, term in asked if not is_searched(term)]
        apart = shared is not None and self.place_terms(selector) not in shared
        with self.names.within(self.detection.place_of(selector)):
            if len(left) == 1 and not apart:
                return [self.predicates.render(left[0])]
            conditions = self.predicates.parts(left)
        return [*self.place_conditions(selector), *conditions] if apart else conditions

    def holds(self, selector: Selector) -> str:
        """What is true of those events of the search that a selector selects."""
        return " AND ".join(self.conditions(selector, True)) or self.predicates.true

    @functools.cached_property
    def told_each(self) -> list[str] | None:
        """What tells the events of each selector from those of all others; None where some are of several."""
        return self.told(range(len(self.detection.selectors)))

    def told(self, groups: Sequence[int]) -> list[str] | None:
        """What tells the events of each selector from those of other groups, once all are selected; None where some are of several."""
        if self.model:
            return None
        places = [{k: v for k, v in self.places(s).items() if k not in ("index", "tag")} for s in self.detection.selectors]
        return told_apart(self.detection, self.predicates, places, self.place_conditions, groups)

    def filtered(self) -> Selection:
        """The commands that select events."""
        selectors = self.detection.selectors
        base, every = self.searched(), [self.conditions(s, False) for s in selectors]
        if self.model or any(set(conditions) != set(every[0]) for conditions in every):
            every = [self.conditions(s, True) for s in selectors]
        first, every = self.repeated.asked_first(every, self.lists.found.values())
        condition = either_of(every)
        asked = (f"where {' AND '.join(first)}",) if first else ()
        return Selection(base, asked, (f"where {condition}",) if condition else ())

    def filtered_before(self, write: Callable[[], Iterable[str]]) -> Selection:
        """The commands that select events, and others behind them.

        Args:
            write: writes these. Where they tell events by selectors, what selects these leaves the number of each.
        """
        found = self.filtered()
        behind = list(write())
        return (self.marked(found) if self.mark else found).then(behind)

    def marked(self, selection: Selection) -> Selection:
        """The same events, each with the number of its selector."""
        return replace(selection, rest=(f"eval {self.numbered()}", f"where isnotnull({self.mark})"))

    def numbered(self) -> str:
        """What gives events the number of their selector."""
        return f"{self.mark}=case({', '.join(f'{self.holds(s)}, {n}' for n, s in enumerate(self.detection.selectors, 1))})"

    def shown(self) -> dict[str, list[str]]:
        """What gives the columns of the query, each as often as its selectors differ."""
        return {name: list(dict.fromkeys(text for _, text in of)) for name, of in self.shown_by_selector().items()}

    def shown_by_selector(self) -> dict[str, list[tuple[Selector, str]]]:
        """What gives each column of the query, of the selectors that have it."""
        spelled: dict[str, list[tuple[Selector, str]]] = {}
        for selector in self.detection.shown:
            for name, expr in selector.outputs:
                with self.names.within(Place.SHOWN):
                    text = self.value(expr)
                if text is not None:
                    spelled.setdefault(name, []).append((selector, text))
        return spelled

    def key(self, index: int, form: str, names: Container[str] | None = None) -> str:
        """A key in the words of all selectors, or of those of these names."""
        selectors = [s for s in self.detection.selectors if names is None or s.name in names]
        return self.by_selector([self.spelled_key(s.keys[index], form) for s in selectors], selectors)

    def spelled_key(self, key: Expr, form: str) -> str:
        """A key, in a form for missing ones: what is computed of fields is never missing."""
        if isinstance(key, Const) and isinstance(key.value, bool):
            return literal(key.value)
        return (form if is_field(key) else "{0}").format(self.named(key))

    def by_selector(self, spelled: list[str], selectors: Sequence[Selector] | None = None) -> str:
        """One expression that is each selector's spelling for its events."""
        if len(set(spelled)) == 1:
            return spelled[0]
        every = self.detection.selectors
        selectors = every if selectors is None else selectors
        told = self.told_each
        if told is not None or len({s.table for s in every}) < len(every):  # or an event may be of several
            conditions = [told[every.index(s)] if told is not None else self.holds(s) for s in selectors]
            return f"case({', '.join(f'{c}, {text}' for c, text in zip(conditions, spelled, strict=True))})"
        self.mark = self.mark or self.own("part")
        numbers = [every.index(s) + 1 for s in selectors]
        return f"case({', '.join(f'{self.mark}=={n}, {text}' for n, text in zip(numbers, spelled, strict=True))})"

    def named(self, expr: Expr) -> str:
        """A key or a counted value: a field, or what is computed of fields. Raises Cannot."""
        with self.names.within(Place.BOTH):
            if is_field(expr):
                return self.inside_of_text(expr) or self.predicates.spelled(expr)
            if isinstance(expr, Apply) and expr.function == JSON_TEXT:
                return self.json_of(expr.args[0])
            if isinstance(expr, Apply) and expr.type == Type.BOOL:
                return f'if({self.predicates.render(expr)}, "true", "false")'
            computed = self.texts.of(expr)
        if computed is None:
            raise Cannot(Diagnostic("unsupported-expression", "this computed value cannot be searched for", expr.span))
        return computed

    def inside_of_text(self, place: Expr) -> str | None:
        """What stands in a text of JSON under names that no path has, each of which is asked for by itself; None for other places."""
        match place:
            case Path(base=ColumnRef(type=Type.STRING, column=column), steps=steps) if not column.stored and json_path(steps) is None:
                if self.names.options.fields != "source":
                    self.names.lacks(column.table, column.name)
                return inside(field(column.name), steps)
        return None

    def json_of(self, place: Expr) -> str:
        """The JSON of a place, empty where there is none. Raises Cannot."""
        found = self.names.in_json(place, named=True)
        if found is None:
            raise Cannot(Diagnostic("unsupported-expression", "the JSON of this place cannot be searched for", place.span))
        self.predicates.spelled(place)
        return OR_EMPTY.format(self.repeated.of(json_extract(*found), hint_of_place(found[1])))

    def value(self, expr: Expr) -> str | None:
        """A value that is shown; None where SPL is not known to have it."""
        if is_field(expr):
            if not self.names.showable(expr):
                return None
            if self.names.in_json(expr) is not None:
                return self.predicates.spelled(expr)
            name = self.names.field(expr)
            return field(name) if all(c.isalnum() or c in "._@{}" for c in name) else None
        return self.texts.shown(expr)


def macro_terms(names: Names, selector: Selector) -> tuple[str, str]:
    """The macro that selects the events of a selector's home, and what it stands for: all indexes, unless the home names one."""
    home = names.home(selector)
    assert home is not None
    places = {k: v for k, v in home.places.items() if k != "tag"}
    conditions = [(" OR ".join(f"{key}={string(v)}" for v in values), len(values)) for key, values in places.items()]
    conditions += [(f"tag={string(tag)}", 1) for tag in home.place.get("tag", "").split()]
    terms = " ".join(f"({term})" if count > 1 else term for term, count in conditions)
    return macro_of(selector.table, home), terms if "index" in home.place else f"index=* {terms}"


def macro_of(table: str, home: Home) -> str:
    """The name of the macro that selects a table's events in a home."""
    known = catalog.table(table)
    default = known is not None and known.homes.get("splunk", ())[:1] == (home,)
    return f"kql_{table.lower()}" if default or home.name == "site" else f"kql_{table.lower()}_{home.name}"
