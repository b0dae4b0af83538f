"""Splunk SPL.

Facts: ``search`` compares without case and takes ``*`` as a wildcard, ``where`` and ``eval`` compare exactly; a comparison with a
missing field is null, which counts as false (Splunk Search Reference: search, where, eval, "Comparison and conditional functions").
Texts are greater than numbers ("Statistical eval functions", max); ``tonumber`` of what is no number is null ("Conversion functions").
``mvfilter`` keeps the values of a field for which a condition holds, and is null where none is left ("Multivalue eval functions").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from translator import catalog
from translator.catalog import Home, Stored
from translator.detection.model import Detection, Selector, Side, Threshold, Trigger, counts_missing
from translator.detection.windows import is_time
from translator.fidelity import Diagnostic, Place
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Items, Path, conjuncts, const, walk
from translator.plan.simplify import is_field
from translator.rulepack.model import Rule
from translator.targets.base import Cannot, Options, Output
from translator.targets.computed import Texts
from translator.targets.homes import Placed
from translator.targets.lists import Lists
from translator.targets.names import SPLUNK_JSON, Names, free_of, json_path, key_names, read_by
from translator.targets.pipeline.cases import Head, PipelineCase, fields_of
from translator.targets.pipeline.language import Command
from translator.targets.pipeline.walk.results import finish
from translator.targets.predicates import Predicates
from translator.targets.relaxing import translated
from translator.targets.sides import holds_of_none, refuse_finer_counts, sides_present, with_own_names
from translator.targets.splunk.functions import TEXTS
from translator.targets.splunk.pipeline import SPL, SplWalk
from translator.targets.splunk.words import (
    ATOMS,
    IN_TEXT,
    NUMBER,
    OR_EMPTY,
    WORDS,
    binned,
    bucket_of,
    column,
    field,
    is_network,
    is_plain,
    json_extract,
    literal,
    moment_of,
    string,
)

MOST_LISTED = 25
"""Values of a list that stands in the search as well as in ``where``."""

MEASURES = {"event_count": "count", "value_count": "dc({0})", "value_sum": "sum({0})", "value_avg": "avg({0})"}
"""Functions of ``stats`` by type of correlation."""


def measured(threshold: Threshold, value: str) -> str:
    """The function of ``stats`` that a threshold compares, over a field. Percentiles are exact ones."""
    if threshold.percentile is not None:
        return f"exactperc{threshold.percentile}({value})"
    return MEASURES[threshold.kind].format(value)


DEFAULT_FIELDS = frozenset({"_time", "host", "source", "sourcetype"})
"""Inherited fields, which tstats knows without the name of a data set (Knowledge Manager Manual, "Add fields to data models")."""
NO_VALUE = "(none)"
"""What stands for a missing value between tstats, which would drop the row, and the conditions."""


class Splunk:
    name = "splunk"
    family = "splunk"
    extension = "spl"
    tells_time = True
    computes = True
    reads_json = True
    shows_rows = True
    keeps = frozenset(
        {"suppression", "grouping-single", "grouping-each", "custom-details", "title", "title-of-column", "description", "no-incidents"}
    )

    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        def written(detection: Detection) -> Output:
            names = Names(self.family, options, placed.homes, json=SPLUNK_JSON)
            writer = _Writer(names, detection, rule.alert_columns)
            try:
                texts: tuple[str, ...] = (writer.text(),)
            except Cannot as refused:
                texts, names.said = (), [*names.said, refused.diagnostic]
            output = names.output(self.name, texts, (*detection.diagnostics, *names.said))
            return replace(output, macros=writer.macros, columns=writer.columns, lookups=writer.lists.kinds)

        def spell(_: Selector, part: Expr) -> object:
            return _Writer(Names(self.family, options, placed.homes, json=SPLUNK_JSON), placed.detection).predicates.render(part)

        return translated(placed.detection, written, spell)

    def pipe(self, case: PipelineCase, options: Options) -> Output:
        """A plan command by command, over the events of a head.

        Raises:
            Cannot: where something that decides has no words in SPL.
        """
        names = Names(self.family, options, case.placed.homes, json=SPLUNK_JSON)
        writer = _Writer(names, case.placed.detection)
        walk = SplWalk(case, writer.head(case))
        walk.run()
        columns = finish(walk)
        text = "\n| ".join(c.text for c in walk.commands)
        output = names.output(self.name, (text,), (*case.placed.detection.diagnostics, *names.said, *walk.said), "pipeline")
        return replace(output, macros=writer.macros, columns=columns, lookups=writer.lists.kinds, tables=walk.tables)

    def with_rows(self, output: Output, trigger: Trigger, keys: tuple[str, ...]) -> Output:
        text = output.text + row_condition(trigger)
        said = (Diagnostic("rows-differ", "the output shows how many rows there are, in one row"),) if trigger.holds_for_none else ()
        return replace(output, texts=(text,), trigger=trigger, diagnostics=(*output.diagnostics, *said))


def row_condition(trigger: Trigger) -> str:
    """The end of a search that finds something where the number of its rows is as asked for: all rows, or their number where none will do.

    Source: Splunk Search Reference, stats: without a by clause there is one row, even of no events; eventstats adds to each row.
    """
    command = "stats" if trigger.holds_for_none else "eventstats"
    return f"\n| {command} count as result_count\n| where result_count{trigger.operator}{trigger.count}"


FORMS = {"text": OR_EMPTY, "part": OR_EMPTY, "bool": "lower({0})"}
"""A field as a value of each kind, where it is not the value itself."""


class _Writer:
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

    def text(self) -> str:
        """The search, with what it looks up before anything else that is done with its events.

        Raises:
            Cannot: where SPL has no words for it.
        """
        if self.models() != {""}:
            return self.modelled()
        base, *rest = self.search().split("\n| ")
        return "\n| ".join([base, *self.looked_up(), *rest])

    def head(self, case: PipelineCase) -> Head:
        """The commands that select events and give their fields the names that the rest of a pipeline has for them.

        A text is never missing there, as in KQL. Fields whose values are no texts, numbers or times of the event have no names there.
        """
        detection = self.detection
        models = self.models()
        if len(models) > 1:
            raise Cannot(Diagnostic("target-cannot", "a data model is searched by itself, not beside other events", None))
        (self.model,) = models
        if len(detection.selectors) > 1 and (places := {k for s in detection.selectors for k in self.place(s)} & {*self.keys}):
            raise Cannot(Diagnostic("target-cannot", f"{', '.join(sorted(places))} tells the tables apart, and names a column", None))
        selecting = self.filtered()
        pairs, found = fields_of(case, self.keys, "_time", field, lambda number, kind: self.typed(number, kind, case))
        flags, (base, *rest) = self.flagged(case) if case.flagged else ((), self.filtered() if self.mark else selecting)
        lines = [base, *self.known(), *self.looked_up(), *rest]
        if pairs:
            lines.append("eval " + ", ".join(f"{column(n)}={text}" for n, text in pairs))
        commands = tuple(Command(line.split(" ", 1)[0] if n else "search", line) for n, line in enumerate(lines))
        times = {name for name, fact in zip(self.keys, case.fields, strict=True) if fact in found and found[fact].text == "_time"}
        taken = {*self.names.all_of([s.predicate for s in detection.selectors]), *self.fields, *self.keys, "_time"} - times
        typed = {fact: text for number, fact in enumerate(case.fields) if fact in found and (text := self.with_type(number, case))}
        return Head(commands, found, frozenset({*taken, *flags}), flags, typed)

    def with_type(self, number: int, case: PipelineCase) -> str:
        """What stands at a place in JSON, twice in an array; empty where a key is no such place.

        Source: Splunk Search Reference, "JSON functions", json_extract of several paths.
        """
        owners = case.selectors[case.owners[number]]
        places = {self.place_in_json(s, s.keys[number], case.fields[number]) for s in self.detection.selectors if s.name in owners}
        place = places.pop() if len(places) == 1 else None
        if place is None or IN_TEXT.search(place[1]):
            return ""
        return f"json_extract({field(place[0])}, {string(place[1])}, {string(place[1])})"

    def typed(self, number: int, kind: str, case: PipelineCase) -> str | None:
        """A key as a value of the kind that it has in KQL; None where a time is that of the event in one part of a union only, and of
        an object or an array whose JSON is not to be had."""
        owners = case.selectors[case.owners[number]]
        keys = [s.keys[number] for s in self.detection.selectors if s.name in owners]
        if kind == "json" and not all(isinstance(k, Apply) and k.function == JSON_TEXT for k in keys):
            return None
        text = self.key(number, FORMS.get(kind, "{0}"), owners)
        if kind != "time":
            return text
        if all(map(is_time, keys)):
            return "_time"
        return text if text == "_time" else None if "_time" in text else moment_of(text)

    def place_in_json(self, selector: Selector, key: Expr, fact: Expr) -> tuple[str, str] | None:
        """The field that holds a place, and its path there; None where it is in no JSON. A value in an event that is JSON has its path."""
        if isinstance(key, Apply) and key.function == JSON_TEXT:
            key = key.args[0]
        home = self.names.home(selector)
        if isinstance(key, ColumnRef) and isinstance(fact, Path) and isinstance(fact.base, ColumnRef) and home is not None:
            stored = home.columns.get(fact.base.column.name)
            named = isinstance(stored, Stored) and stored.type == "json" and json_path(fact.steps) is not None
            return ("_raw", key.column.name) if named else None
        return self.names.in_json(key, named=True)

    def flagged(self, case: PipelineCase) -> tuple[tuple[str, ...], list[str]]:
        """The commands that select the events of several heads, and the fields that are there on the events of each."""
        flags, pairs, selectors = list[str](), list[str](), list(self.detection.selectors)
        if self.mark:
            pairs.append(f"{self.mark}=case({', '.join(f'{self.condition(s, True)}, {n}' for n, s in enumerate(selectors, 1))})")
        for names in case.selectors:
            own = [s for s in selectors if s.name in names]
            table = own[0].table.lower()
            flag = free_of(f"is_{table if is_plain(table) else 'event'}", {*self.fields, *flags})
            flags.append(flag)
            if self.mark:
                told = f"in({self.mark}, {', '.join(str(selectors.index(s) + 1) for s in own)})"
            else:
                conditions = [self.condition(s, True) for s in own]
                told = conditions[0] or "true()" if len(conditions) == 1 else " OR ".join(f"({c})" for c in conditions)
            pairs.append(f"{flag}=if({told}, 1, null())")
        there = " OR ".join(f"isnotnull({flag})" for flag in flags)
        return tuple(flags), [self.searched(), "eval " + ", ".join(pairs), f"where {there}"]

    def known(self) -> list[str]:
        """The command that takes what a data model has for missing values away (CIM manual, "fillnull" of each model's fields)."""
        if not self.model:
            return []
        pairs = [f'{column(name)}=nullif({field(name)}, "unknown")' for name in self.asked() if name not in DEFAULT_FIELDS]
        return [f"eval {', '.join(pairs)}"] if pairs else []

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

    def modelled(self) -> str:
        """A search of a data model of the CIM, which gives its events by those of their fields that are asked for, and how many these are.

        Source: Splunk Search Reference, tstats; in a model what is empty is "unknown" (CIM manual, "fillnull" of each model's fields).
        """
        detection = self.detection
        models = self.models()
        if len(models) != 1 or "" in models or detection.kind not in ("event", "event_count", "value_count"):
            raise Cannot(Diagnostic("target-cannot", "a data model is searched by itself, not beside other events", None))
        (model,) = models
        self.predicates.empty = '({0}=="" OR {0}=="unknown")'
        self.predicates.not_empty = '{0}!="" AND {0}!="unknown"'
        condition = " OR ".join(f"({self.whole(s)})" if len(detection.selectors) > 1 else self.whole(s) for s in detection.selectors)
        lines = [f"where {condition}"] if condition else []
        if detection.kind != "event":
            lines += self.groups("sum(events)")
        asked = self.asked()
        if self.lists.found:
            raise Cannot(Diagnostic("target-cannot", "a list beside a data model is not supported here yet", None))
        prefix = model.rpartition(".")[2]
        by = " ".join(name if name in DEFAULT_FIELDS else f"{prefix}.{name}" for name in asked)
        self.names.say("rows-merged", "events of one second that agree in all that is asked for are one row with their number")
        tstats = f"| tstats summariesonly=false fillnull_value={NO_VALUE} count as events from datamodel={model} by _time span=1s {by}"
        absent = "eval " + ", ".join(f'{name}=nullif({name}, "{NO_VALUE}")' for name in asked)
        return "\n| ".join([tstats.rstrip(), f'rename "{prefix}.*" as *', *([absent] if by else []), *lines])

    def models(self) -> set[str]:
        """The data models whose events the selectors select, empty for other events."""
        return {self.place(s).get("datamodel", "") for s in self.detection.selectors}

    def asked(self) -> list[str]:
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

    def search(self) -> str:
        match self.detection.kind:
            case "event":
                return self.events()
            case "temporal" | "temporal_ordered":
                return self.temporal()
            case _:
                return self.counted()

    # --- the base search

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

    def told_by_search(self, part: Expr) -> bool:
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
            asked = conjuncts(selector.predicate)
            parts = self.predicates.parts(p for p in asked if with_table or self.model or not self.told_by_search(p))
        if with_table and not self.model:
            parts = [*self.place_conditions(selector), *parts]
        return " AND ".join(parts)

    # --- kinds

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

    def events(self) -> str:
        return "\n| ".join([*self.filtered(), *self.alerted()])

    def alerted(self) -> list[str]:
        """The command that gives each event the columns that its alert is made of, by the names that the rule has for them."""
        pairs = []
        for name, texts in self.shown().items():
            if name not in self.wanted or texts == ["_time"] or field(name) != name:
                continue
            self.columns[name] = name
            if texts != [name]:
                pairs.append(f"{name}=" + (texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"))
        return [f"eval {', '.join(pairs)}"] if pairs else []

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

    def counted(self) -> str:
        lines, groups = self.filtered(), self.groups("count")
        return "\n| ".join([*(self.filtered() if self.mark else lines), *groups])

    def groups(self, measure: str) -> list[str]:
        """The commands that count the events of a threshold and compare the number."""
        detection, threshold = self.detection, self.detection.threshold
        assert threshold is not None
        counted_value, number = self.own("counted_value"), self.own(threshold.kind)
        if threshold.fields:
            measure = measured(threshold, counted_value)
        lines: list[str] = []
        for index, (name, guaranteed) in enumerate(zip(self.keys, detection.guaranteed, strict=True)):
            spelled_key = self.key(index, "{0}" if guaranteed else OR_EMPTY)
            if spelled_key != field(name):
                lines.append(f"eval {column(name)}={spelled_key}")
        by = list(map(column, self.keys))
        if detection.bin:
            lines.append(binned(detection.bin))
            by.append("_time")
        if threshold.fields:
            lines.append(f"eval {counted_value}={self.by_selector(self.measured_values(threshold))}")
        commands, terms = self.gathered()
        lines += commands
        lines.append(f"stats {measure} as {number}{terms}{' by ' + ' '.join(by) if by else ''}")
        lines.append(f"where {number}{threshold.operator}{threshold.count}")
        return lines

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

    def temporal(self) -> str:
        detection = self.detection
        selectors = detection.selectors
        refuse_finer_counts(detection)
        self.refuse_overlaps()
        lines = [self.searched()]
        for selector in selectors:
            lines.append(f"eval {selector.name}=if({self.condition(selector, True)}, 1, 0)")
        for index, (name, guaranteed) in enumerate(zip(self.keys, detection.guaranteed, strict=True)):
            form = "{0}" if guaranteed else OR_EMPTY
            pairs = ", ".join(f"{s.name}==1, {self.spelled_key(s.keys[index], form)}" for s in selectors)
            lines.append(f"eval {column(name)}=case({pairs})")
        lines.append("where " + " OR ".join(f"{s.name}==1" for s in selectors))
        by = list(map(column, self.keys))
        if detection.bin:
            bucket = self.own("time_bucket")
            lines.append(f"eval {bucket}={bucket_of(detection.bin)}")
            by.append(bucket)
        flagged = [side for side in detection.sides if side.threshold is None or holds_of_none(side.threshold)]
        flags = " ".join(f"max({s.name}) as {s.name}" for side in flagged for s in side.selectors)
        for side in detection.sides:
            if side.threshold is not None:
                command, term = self.counted_side(side, side.threshold)
                lines.append(command)
                flags += f" {term}"
        commands, terms = self.gathered()
        lines += commands
        first, last, earlier, later, paired = map(self.own, ("first_time", "last_time", "earlier", "later", "paired"))
        times = f"min(_time) as {first} max(_time) as {last}"
        if detection.kind == "temporal_ordered" or detection.within is not None:
            for name, side in zip((earlier, later), detection.sides, strict=True):
                lines.append(f"eval {name}=if({' OR '.join(f'{s.name}==1' for s in side.selectors)}, _time, null())")
            times = f"min({earlier}) as {first} max({later}) as {last}"
        if detection.within is not None:
            lines += self.paired(detection.within, by, earlier, later, paired)
            times += f" max({paired}) as {paired}"
        lines.append(f"stats {times} {flags}{terms} by {' '.join(by)}")
        sides = sides_present(detection, "{}==1", "{}_measure{}{}")
        if detection.within is not None:
            sides.append(f"{paired}==1")
        elif detection.kind == "temporal_ordered":
            sides.append(f"{first}<{last}" if detection.strict else f"{first}<={last}")
        lines.append("where " + " AND ".join(sides))
        return "\n| ".join(lines)

    def paired(self, within: int, by: list[str], earlier: str, later: str, paired: str) -> list[str]:
        """The commands that mark events of one side whose last one of the other side is at most ``within`` seconds before.

        Where any two are so close, two neighbours are, of which one is of each side: the event before each is enough, which
        streamstats finds among any number (without a window it looks back over 10,000: limits.conf, max_stream_window).
        Of events of the same moment those come first that, where these are in order, another of that moment must not follow.
        """
        ordered, strict = self.detection.kind == "temporal_ordered", self.detection.strict
        at_once, last_earlier, last_later = map(self.own, ("at_once", "last_earlier", "last_later"))
        first = f"isnotnull({later})" if ordered and strict else f"isnotnull({earlier})"
        last = f"max({earlier}) as {last_earlier}" + ("" if ordered else f" max({later}) as {last_later}")
        close = f"{later}-{last_earlier}<={within}" + ("" if ordered else f" OR {earlier}-{last_later}<={within}")
        window = "current=false window=1" if ordered and strict else "window=2"
        return [
            f"eval {at_once}=if({first}, 0, 1)",
            f"sort 0 _time {at_once}",
            f"streamstats {window} global=false {last} by {' '.join(by)}",
            f"eval {paired}=if({close}, 1, 0)",
        ]

    def counted_side(self, side: Side, threshold: Threshold) -> tuple[str, str]:
        """The command that marks what a side counts, and the term of ``stats`` that counts it: null is no event to it."""
        forms = ["1"] * len(side.selectors)
        if threshold.fields:
            forms = self.measured_values(threshold)
        pairs = ", ".join(f"{s.name}==1, {form}" for s, form in zip(side.selectors, forms, strict=True))
        value = self.own(f"{side.name}_value")
        command = f"eval {value}=case({pairs})"
        function = f"count({value})" if threshold.kind == "event_count" else measured(threshold, value)
        return command, f"{function} as {side.name}_measure"

    def measured_values(self, threshold: Threshold) -> list[str]:
        """What a threshold measures, for each selector."""
        named = [(x, self.named(x)) for x in threshold.fields]
        return [OR_EMPTY.format(f) if threshold.kind == "value_count" and counts_missing(x) else f for x, f in named]

    def refuse_overlaps(self) -> None:
        """An event can count for two sides only where both take the same key from it."""
        seen: list[Selector] = []
        for side in self.detection.sides:
            for selector in side.selectors:
                for other in seen:
                    if other.table == selector.table and self.spelled_keys(other) != self.spelled_keys(selector):
                        raise Cannot(Diagnostic("target-cannot", f"two sides of the join read {selector.table} by different keys", None))
            seen.extend(side.selectors)

    def spelled_keys(self, selector: Selector) -> list[str]:
        return [self.named(k) for k in selector.keys]

    def gathered(self) -> tuple[list[str], str]:
        """The columns of the query: commands that compute them, and the terms of ``stats`` that gather the values of each.

        They are computed before ``stats``, whose functions take no quoted field names. What an alert is made of comes from the events of
        the sides that have it.
        """
        spelled, selectors = self.shown(), self.detection.selectors
        own = {*self.detection.group_by, *self.keys, *(s.name for s in self.detection.selectors), *self.own_names}
        commands: list[str] = []
        terms: list[str] = []
        words = {other: set(re.findall(r"[\w.]+", texts[0])) for other, texts in spelled.items() if texts}
        readers = Counter(word for found in words.values() for word in found)
        for name, texts in spelled.items():
            if len(texts) > 1 and (key := self.key_named(name)) is not None:
                self.columns[name] = key
            if len(texts) != 1 or name in own or texts[0] == "_time" or field(name) != name:
                continue
            of = [s.name for s in self.detection.shown if name in dict(s.outputs)]
            apart = self.detection.kind.startswith("temporal") and len(of) < len(selectors)
            read = readers[name] > (name in words[name])
            if texts[0] != name and read:
                continue
            if apart and not read:
                commands.append(f"eval {name}=if({' OR '.join(f'{s}==1' for s in of)}, {texts[0]}, null())")
            elif texts[0] != name:
                commands.append(f"eval {name}={texts[0]}")
            terms.append(f" values({name}) as {name}")
            self.columns[name] = name
        return commands, "".join(terms)

    def key_named(self, name: str) -> str | None:
        """What a column of the query is called that is a key wherever there is one: each side has it in a field of its own."""
        found = [(s.keys, value) for s in self.detection.shown if (value := dict(s.outputs).get(name)) is not None]
        for number, key in enumerate(self.keys):
            if all(number < len(keys) and keys[number] == value for keys, value in found):
                return column(key)
        return None

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
    asked = ((" OR ".join(f"{key}={string(v)}" for v in values), len(values)) for key, values in home.places.items())
    terms = " ".join(f"({term})" if count > 1 else term for term, count in asked)
    return macro_of(selector.table, home), terms if "index" in home.place else f"index=* {terms}"


def macro_of(table: str, home: Home) -> str:
    """The name of the macro that selects a table's events in a home."""
    known = catalog.table(table)
    default = known is not None and known.homes.get("splunk", ())[:1] == (home,)
    return f"kql_{table.lower()}" if default or home.name == "site" else f"kql_{table.lower()}_{home.name}"


def _caseless(operand: Expr) -> bool:
    return isinstance(operand, Const) and isinstance(operand.value, str) and operand.value.lower() == operand.value.upper()


__all__ = ["ATOMS", "Splunk", "column", "field", "literal", "string"]
