"""The events that the selectors of a detection select: search terms, conditions, lists, and the values that are read of them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from translator import catalog
from translator.catalog import Home
from translator.detection.model import Detection, Selector
from translator.fidelity import Diagnostic, Place
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Items, conjuncts, const, walk
from translator.plan.simplify import is_field
from translator.targets.base import Cannot
from translator.targets.computed import Texts
from translator.targets.lists import Lists
from translator.targets.names import Names, free_of, key_names, read_by
from translator.targets.predicates import Predicates
from translator.targets.sides import with_own_names
from translator.targets.splunk.functions import TEXTS
from translator.targets.splunk.pipeline import SPL
from translator.targets.splunk.words import (
    ATOMS,
    NUMBER,
    OR_EMPTY,
    WORDS,
    column,
    field,
    is_network,
    is_plain,
    json_extract,
    literal,
    string,
)

DEFAULT_FIELDS = frozenset({"_time", "host", "source", "sourcetype"})
"""Inherited fields, which tstats knows without the name of a data set (Knowledge Manager Manual, "Add fields to data models")."""


MOST_LISTED = 25
"""Values of a list that stands in the search as well as in ``where``."""


class Events:
    """The events of the selectors of a detection: what selects them, and what is read of them."""

    def __init__(self, names: Names, detection: Detection, wanted: tuple[str, ...] = ()) -> None:
        self.names, self.wanted = names, wanted
        self.macros: dict[str, str] = {}
        self.keys = key_names(detection, names, detection.group_by)
        self.fields = {*names.all_of(read_by(detection)), *self.keys}
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
            equal_fields={
                "==": 'coalesce({0}, "")==coalesce({1}, "")',
                "=~": 'lower(coalesce({0}, ""))==lower(coalesce({1}, ""))',
            },
            element="isnotnull(mvfilter({0}))",
            untyped="tonumber({0})",
            # By arithmetic, since strftime goes by the time zone of the user; the first day of _time was a Thursday.
            inside=lambda holder, path: json_extract(field(holder), path),
            computed=lambda expr: self.texts.of(expr),
            classes=SPL.classes,
            limit="_time{0}now()-{1}",
            ingested="_indextime{0}now()-{1}",
            moments={"hourofday": "floor((_time%86400)/3600)", "dayofweek": "((floor(_time/86400)+4)%7)"},
        )

        self.texts = Texts(self.predicates, TEXTS, lambda expr: True)

    def own(self, name: str) -> str:
        """A field that the search makes for itself."""
        free = free_of(name, self.fields)
        self.own_names.add(free)
        return free

    def looked_up(self) -> list[str]:
        """The commands that look values up in lists, once all conditions are written."""
        lookups: list[str] = []
        for (name, field_, caseless), found in self.lists.found.items():
            computed = caseless or not (is_plain(field_) or field_.startswith("'"))
            if computed:
                lookups.append(f"eval {found}_key={f'lower({field_})' if caseless else field_}")
            looked_up = f"{found}_key" if computed else field_.replace("'", '"')
            lookups.append(f"lookup {name} value as {looked_up} OUTPUT value as {found}")
        return lookups

    def models(self) -> set[str]:
        """The data models whose events the selectors select, empty for other events."""
        return {self.place(s).get("datamodel", "") for s in self.detection.selectors}

    def fields_read(self) -> list[str]:
        """The fields that are read of the events, but for their time, by their names."""
        read = {n.column.name for s in self.detection.selectors for x in self.read_by(s) for n in walk(x) if isinstance(n, ColumnRef)}
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

    def place_conditions(self, selector: Selector) -> list[str]:
        """The same behind the base search, where a set of indexes is no condition."""
        found = self.names.home(selector)
        places = found.places if found else {key: (value,) for key, value in self.place(selector).items()}
        one = [f"{field(k)}=={string(v[0])}" for k, v in places.items() if k != "index" and len(v) == 1]
        return one + [f"in({field(k)}, {', '.join(map(string, v))})" for k, v in places.items() if len(v) > 1]

    def place_terms(self, selector: Selector) -> str:
        """The search terms of a selector's table. Where it has a home, they are what a package calls by a macro."""
        if self.names.home(selector) is None:
            return " ".join(f"{k}={string(v)}" for k, v in self.place(selector).items())
        name, terms = macro_terms(self.names, selector)
        self.macros[name] = terms
        return terms

    def base(self, selector: Selector) -> str:
        """The search terms of a selector: its table, and what ``search`` can tell faster than ``where``, which repeats the rest."""
        terms = [self.place_terms(selector)]
        for part in conjuncts(selector.predicate):
            with self.names.within(self.detection.place_of(selector)):
                term = self.term(part)
            if term and term not in terms:
                terms.append(term)
        return " ".join(terms)

    def term(self, part: Expr) -> str | None:
        """A search term that every event satisfying ``part`` matches, or None."""
        if not (isinstance(part, Apply) and part.args and is_field(part.args[0]) and len(part.args) == 2):
            return None
        operand = part.args[1]
        if isinstance(operand, Items) and part.function == "in":
            return self.numbers_listed(part, operand)
        if not (isinstance(operand, Const) and isinstance(operand.value, str) and operand.value):
            return None
        if (
            self.names.in_json(part.args[0]) is not None
            or any(c in operand.value for c in '*\\"\n\r?')
            or operand.value != operand.value.strip()
        ):
            return None
        if is_network(operand.value):  # which search takes for all of its addresses (Search Reference, search, "CIDR notation")
            return None
        wild = {"==": "{}", "=~": "{}", "endswith": "*{}", "endswith_cs": "*{}", "startswith": "{}*", "startswith_cs": "{}*"}.get(
            part.function
        )
        name = self.names.field(part.args[0])
        if wild is None or name.lower() in WORDS or not all(c.isalnum() or c in "._" for c in name):
            return None
        return f"{name}={string(wild.format(operand.value))}"

    def numbers_listed(self, part: Apply, listed: Items) -> str | None:
        """A list of texts among which are numbers, which ``where`` may compare as such; the search compares their texts."""
        texts = [i.value for i in listed.items if isinstance(i, Const) and isinstance(i.value, str)]
        if len(texts) != len(listed.items) or len(texts) > MOST_LISTED or not any(map(NUMBER.fullmatch, texts)):
            return None
        terms = [self.term(Apply(part.span, part.type, "==", (part.args[0], const(text)))) for text in texts]
        if None in terms:
            return None
        name = self.names.field(part.args[0])
        return f"{name} IN ({', '.join(map(string, texts))})"

    def is_whole_in_search(self, part: Expr) -> bool:
        """Whether the search term says the whole of ``part``: both ignore case."""
        return (
            isinstance(part, Apply)
            and part.function in ("=~", "endswith", "startswith", "==")
            and self.term(part) is not None
            and (part.function != "==" or _caseless(part.args[1]))
        )

    def searched(self) -> str:
        """The base search; of a data model its command (Search Reference, from: fields have no name of the data set before theirs)."""
        selectors = self.detection.selectors
        if self.model:
            return f"| from datamodel:{string(self.model)}"
        if len(selectors) == 1:
            return self.base(selectors[0])
        return " OR ".join(dict.fromkeys(f"({self.base(s)})" for s in selectors))

    def condition(self, selector: Selector, with_table: bool) -> str:
        with self.names.within(self.detection.place_of(selector)):
            parts = self.predicates.parts(
                p for p in conjuncts(selector.predicate) if with_table or self.model or not self.is_whole_in_search(p)
            )
        if with_table and not self.model:
            parts = [*self.place_conditions(selector), *parts]
        return " AND ".join(parts)

    def filtered(self) -> list[str]:
        """The commands that select events; where something else is to be told by selectors, they leave the number of each."""
        selectors = self.detection.selectors
        lines = [self.searched()]
        if self.mark:
            numbered = ", ".join(f"{self.condition(s, True)}, {n}" for n, s in enumerate(selectors, 1))
            return [*lines, f"eval {self.mark}=case({numbered})", f"where isnotnull({self.mark})"]
        if len(selectors) == 1:
            condition = self.condition(selectors[0], False)
        else:
            condition = " OR ".join(f"({self.condition(s, True)})" for s in selectors)
        if condition:
            lines.append(f"where {condition}")
        return lines

    def shown(self) -> dict[str, list[str]]:
        """What gives the columns of the query, each as often as its selectors differ."""
        spelled: dict[str, list[str]] = {}
        for selector in self.detection.shown:
            for name, expr in selector.outputs:
                with self.names.within(Place.SHOWN):
                    text = self.value(expr)
                if text is not None and text not in spelled.setdefault(name, []):
                    spelled[name].append(text)
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
        if len({s.table for s in every}) < len(every):  # an event may be of several
            return f"case({', '.join(f'{self.condition(s, True)}, {text}' for s, text in zip(selectors, spelled, strict=True))})"
        self.mark = self.mark or self.own("part")
        numbers = [every.index(s) + 1 for s in selectors]
        return f"case({', '.join(f'{self.mark}=={n}, {text}' for n, text in zip(numbers, spelled, strict=True))})"

    def named(self, expr: Expr) -> str:
        """A key or a counted value: a field, or what is computed of fields. Raises Cannot."""
        with self.names.within(Place.BOTH):
            if is_field(expr):
                return self.predicates.spelled(expr)
            if isinstance(expr, Apply) and expr.function == JSON_TEXT:
                return self.json_of(expr.args[0])
            computed = self.texts.of(expr)
        if computed is None:
            raise Cannot(Diagnostic("unsupported-expression", "this computed value cannot be searched for", expr.span))
        return computed

    def json_of(self, place: Expr) -> str:
        """The JSON of a place, empty where there is none. Raises Cannot."""
        found = self.names.in_json(place, named=True)
        if found is None:
            raise Cannot(Diagnostic("unsupported-expression", "the JSON of this place cannot be searched for", place.span))
        self.predicates.spelled(place)
        return OR_EMPTY.format(json_extract(*found))

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
    conditions = ((" OR ".join(f"{key}={string(v)}" for v in values), len(values)) for key, values in home.places.items())
    terms = " ".join(f"({term})" if count > 1 else term for term, count in conditions)
    return macro_of(selector.table, home), terms if "index" in home.place else f"index=* {terms}"


def macro_of(table: str, home: Home) -> str:
    """The name of the macro that selects a table's events in a home."""
    known = catalog.table(table)
    default = known is not None and known.homes.get("splunk", ())[:1] == (home,)
    return f"kql_{table.lower()}" if default or home.name == "site" else f"kql_{table.lower()}_{home.name}"


def _caseless(operand: Expr) -> bool:
    return isinstance(operand, Const) and isinstance(operand.value, str) and operand.value.lower() == operand.value.upper()
