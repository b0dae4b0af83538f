"""Elastic ES|QL: a detection as a query."""

from __future__ import annotations

from dataclasses import replace

from translator.detection.model import Detection, Selector, Side, Threshold, Trigger, counts_missing
from translator.detection.windows import is_time
from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import TRUE, Apply, Column, ColumnRef, Const, Expr, Items, columns_of, const
from translator.plan.patterns import searched
from translator.plan.simplify import is_field, is_present
from translator.plan.types import NULLABLE
from translator.regex.parser import RegexError
from translator.rulepack.model import Rule
from translator.targets.base import Cannot, Options, Output, duration
from translator.targets.computed import Texts
from translator.targets.elastic import KEEPS, UNREADABLE, dataset, field, index, string
from translator.targets.elastic.pipeline import MOST_PRECISE, EsqlWalk
from translator.targets.elastic.words import ATOMS, TEXTS, java_finds, like
from translator.targets.homes import Placed
from translator.targets.lists import Lists
from translator.targets.names import ESQL_JSON, Names, free_of, key_names, read_by
from translator.targets.pipeline.cases import Head, PipelineCase, fields_of
from translator.targets.pipeline.language import Command, Value
from translator.targets.pipeline.walk.results import finish
from translator.targets.predicates import Predicates, values
from translator.targets.relaxing import translated
from translator.targets.sides import YEAR_ONE, holds_of_none, refuse_finer_counts, sides_present, with_own_names

MEASURES = {
    "event_count": "COUNT(*)",
    "value_count": "COUNT_DISTINCT({0})",
    "value_sum": "SUM({0})",
    "value_avg": "AVG({0})",
    "value_median": "MEDIAN({0})",
}
"""Functions of STATS by type of correlation."""


PRECISION = 3_000
"""Up to how many values COUNT_DISTINCT is close to exact, as it is and at most (ES|QL functions, COUNT_DISTINCT)."""

MOST_ROWS = "\n| LIMIT 10000"
"""A query gives 1,000 rows unless it asks for more, and 10,000 at most (the page "Limitations" of ES|QL)."""


def measured(threshold: Threshold, value: str) -> str:
    """The function of STATS that a threshold compares, over a column."""
    if threshold.percentile is not None:
        return f"PERCENTILE({value}, {threshold.percentile})"
    if threshold.kind == "value_count" and threshold.count > PRECISION:
        return f"COUNT_DISTINCT({value}, {MOST_PRECISE})"
    return MEASURES[threshold.kind].format(value)


SINCE = {
    "LOOKUP JOIN ": "LOOKUP JOIN is a command of Elasticsearch 9.1 and later",
    "INLINE STATS ": "INLINE STATS is a command of Elasticsearch 9.2 and later",
    "JSON_EXTRACT(": "JSON_EXTRACT is a function of Elasticsearch 9.4 and later",
    "FIELD_EXTRACT(": "FIELD_EXTRACT is a function of Elasticsearch 9.5 and later",
}
"""What is younger than Elasticsearch 9.0, by how a query has it (the badges of the pages of commands and functions)."""


def tell_of(names: Names, text: str) -> None:
    """Says what a query needs beside its events."""
    if "NOW()" in text:
        names.say("now-in-query", "a part of the query has a window of its own, which ends at the time of the run")
    for words, version in SINCE.items():
        if words in text:
            names.say("elastic-version", version)


class Esql:
    name = "esql"
    family = "elastic"
    extension = "esql"
    tells_time = True
    computes = True
    reads_json = True
    shows_rows = False
    keeps = KEEPS

    def names(self, placed: Placed, options: Options) -> Names:
        return Names(self.family, options, placed.homes, UNREADABLE["esql"], json=ESQL_JSON, flattened=True)

    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        def written(detection: Detection) -> Output:
            names = self.names(placed, options)
            writer = _Writer(names, detection)
            try:
                texts: tuple[str, ...] = (writer.text() + MOST_ROWS,)
            except Cannot as refused:
                texts, names.said = (), [*names.said, refused.diagnostic]
            for threshold in (detection.threshold, *(side.threshold for side in detection.sides)):
                if threshold is not None and threshold.kind == "value_count" and threshold.count > MOST_PRECISE:
                    names.say("count-approximate", f"ES|QL counts more than {MOST_PRECISE:,} different values by estimate")
            tell_of(names, "".join(texts))
            output = names.output(self.name, texts, (*detection.diagnostics, *names.said))
            return replace(output, columns=writer.shown_as(), lookups=writer.lists.kinds) if texts else output

        def spell(_: Selector, part: Expr) -> object:
            return _Writer(self.names(placed, options), placed.detection).predicates.render(part)

        return translated(placed.detection, written, spell)

    def pipe(self, case: PipelineCase, options: Options) -> Output:
        """A plan command by command, over the events of its heads.

        Raises:
            Cannot: where something that decides has no words in ES|QL.
        """
        names = self.names(case.placed, options)
        writer = _Writer(names, case.placed.detection)
        walk = EsqlWalk(case, writer.head(case))
        walk.run()
        columns = finish(walk)
        text = "\n| ".join(c.text for c in walk.commands)
        tell_of(names, text)
        if walk.commands[-1].verb != "LIMIT":
            text += MOST_ROWS
        output = names.output(self.name, (text,), (*case.placed.detection.diagnostics, *names.said, *walk.said), "pipeline")
        return replace(output, columns=columns, lookups=writer.lists.kinds, tables=walk.tables)

    def with_rows(self, output: Output, trigger: Trigger, keys: tuple[str, ...]) -> Output:
        named = [field(output.columns.get(k, k)) for k in keys]
        kept = "" if trigger.holds_for_none else "".join(f", {name} = VALUES({name})" for name in named)
        condition = f"\n| STATS result_count = COUNT(*){kept}\n| WHERE result_count {trigger.operator} {trigger.count}"
        said = Diagnostic("rows-differ", "the output shows how many rows there are, in one row")
        return replace(
            output, texts=(output.text.removesuffix(MOST_ROWS) + condition,), trigger=trigger, diagnostics=(*output.diagnostics, said)
        )


WHOLE = frozenset({"long", "integer", "short", "byte"})
"""The types of whole numbers."""

ARRAYS = frozenset({"event.category", "event.type"})
"""Fields of ECS that hold several values, of which a comparison in ES|QL would make null (ECS, "Categorization fields")."""


class _Predicates(Predicates):
    """Conditions in ES|QL, where one value of several is told by the text of all of them."""

    @staticmethod
    def is_array(column: Column) -> bool:
        return bool(column.stored) and (column.several or column.name in ARRAYS)

    def single(self, expr: Expr) -> str:
        """A stored field, or the way to it in one of the type flattened.

        Source: elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions/field_extract.
        """
        name = super().spelled(expr)
        if self.names.stored(expr) != "flattened" or self.names.in_json(expr) is not None:
            return name
        whole = self.names.field(expr)
        root = self.names.flattened_around(whole) or whole
        return f"FIELD_EXTRACT({field(root)}, {string(whole[len(root) + 1 :])})"

    def spelled(self, expr: Expr) -> str:
        """The values of an array one below the other, since a condition on several values at once is null."""
        name = self.single(expr)
        return f'MV_CONCAT({self.texts_of(expr)}, "\\n")' if isinstance(expr, ColumnRef) and self.is_array(expr.column) else name

    def texts_of(self, expr: Expr) -> str:
        """The values of an array as texts, which alone MV_CONCAT takes (ES|QL functions, MV_CONCAT)."""
        name = self.single(expr)
        return name if self.names.is_text(expr) else f"TO_STRING({name})"

    def atom(self, predicate: Expr) -> str:
        match predicate:
            case Apply(function="==" | "in", args=(ColumnRef(column=column) as subject, operand)) if self.is_array(column):
                joined = f'CONCAT(",", MV_CONCAT({self.texts_of(subject)}, ","), ",")'
                found = [f"{joined} LIKE {string(f'*,{like(str(v))},*')}" for v in values(operand)]
                return found[0] if len(found) == 1 else f"({' OR '.join(found)})"
            case Apply(function="==" | "in" as function, args=(subject, operand)) if self.names.in_json(subject) is not None:
                return self.of_json(function, subject, operand, predicate)
        return super().atom(predicate)

    def written_classes(self, predicate: Apply) -> str:
        """REPLACE has them all."""
        try:
            return "dsw" if java_finds(searched(predicate)) is not None else ""
        except RegexError:
            return ""

    def of_json(self, function: str, subject: Expr, operand: Expr, node: Apply) -> str:
        """A comparison with what JSON has at a place, which is always read as a text."""
        name, items = self.single(subject), operand.items if isinstance(operand, Items) else (operand,)
        texts = tuple(const(str(i.value).lower()) if isinstance(i, Const) and isinstance(i.value, bool) else i for i in items)
        numbers = [isinstance(i, Const) and isinstance(i.value, int | float) for i in texts]
        if any(numbers) and not all(numbers):
            raise Cannot(Diagnostic("unsupported-expression", "a comparison with numbers and texts is not supported here", node.span))
        name = self.number_of(subject).format(name) if all(numbers) else name
        given = replace(operand, items=texts) if isinstance(operand, Items) else texts[0]
        text: str = ATOMS[function](name, (given,), node)
        return text

    def number_of(self, expr: Expr) -> str:
        """What is read in another field is a text."""
        return super().number_of(expr) if self.names.is_column(expr) else "TO_DOUBLE({0})"


def json_extract(holder: str, path: str) -> str:
    """What stands at a place in a field that holds JSON."""
    return f"JSON_EXTRACT({field(holder)}, {string(path)})"


def with_document(base: str) -> str:
    """``FROM`` with the field that holds the document itself (elastic.co/docs/reference/query-languages/esql/esql-metadata-fields)."""
    return f"{base}, _source" if " METADATA " in base else f"{base} METADATA _source"


def _last_part(name: str, mark: str) -> str:
    """The last part of a field. Raises Cannot for a mark of several bytes, which SPLIT does not take ("ES|QL string functions")."""
    if not mark.isascii():
        raise Cannot(Diagnostic("target-cannot", f"ES|QL splits texts by marks of one byte, not by {mark!r}", None))
    return f"MV_LAST(SPLIT({name}, {string(mark)}))"


class _Writer:
    def __init__(self, names: Names, detection: Detection) -> None:
        self.names = names
        self.keys = key_names(detection, names, self.wanted_keys(detection))
        self.fields = {*names.all_of(read_by(detection)), *self.keys}
        self.detection = with_own_names(detection, self.own)
        self.columns = dict(zip(detection.group_by, self.keys, strict=True))
        self.lists = Lists(names)
        listed = {"expand_cs": self.lists.spelling(False, "{0} IS NOT NULL"), "expand": self.lists.spelling(True, "{0} IS NOT NULL")}
        for function, caseless in (("expand_last", True), ("expand_cs_last", False)):
            listed[function] = self.lists.last(caseless, "{0} IS NOT NULL", _last_part)
        atoms = {**ATOMS, **listed}
        self.predicates = _Predicates(names, atoms, field, "{0} IS NULL", "{0} IS NOT NULL", '{0} == ""', '{0} != ""', "true", "false")
        self.predicates.number = "TO_LONG({0})"
        self.predicates.as_text = "TO_STRING({0})"
        self.predicates.inside = json_extract
        self.predicates.computed = lambda expr: self.texts.of(expr)
        self.texts = Texts(self.predicates, TEXTS, self.names.readable)
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
        """What alerts call the keys: the product's own field where all events have the key there, so that alerts are found by it."""
        names = list(detection.group_by)
        if self.names.options.fields == "source":
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

    def text(self) -> str:
        """The query, with what it looks up before anything else that is done with its events."""
        query = self.looked_up(self.query())
        if "(_source, " not in query:
            return query
        base, *rest = query.split("\n| ")
        return "\n| ".join([with_document(base), *rest, *(["DROP _source"] if self.detection.kind == "event" else [])])

    def looked_up(self, query: str) -> str:
        base, *rest = query.split("\n| ")
        lookups: list[str] = []
        for (name, field_, caseless), found in self.lists.found.items():
            computed = caseless or "(" in field_
            if computed:
                lookups.append(f"EVAL {found}_key = {f'TO_LOWER({field_})' if caseless else field_}")
            lookups.append(f"ENRICH {name} ON {f'{found}_key' if computed else field_} WITH {found} = listed")
        return "\n| ".join([base, *lookups, *rest])

    def shown_as(self) -> dict[str, str]:
        """What the rows call the columns of the query that they show."""
        if self.detection.kind == "event":
            self.gathered_fields()
        return self.columns

    def head(self, case: PipelineCase) -> Head:
        """The commands that select events and give their fields the names that the rest of a pipeline has for them.

        A text is never missing there, as in KQL. Fields with several values, and those that hold no texts, numbers or times, have no names.
        """
        if "@timestamp" in self.keys:
            raise Cannot(Diagnostic("target-cannot", "@timestamp is the time of an event, and names a column", None))
        detection, grouped = self.detection, any(isinstance(r, o.Aggregate | o.Distinct) for r in case.cut.operators())
        flags, lines = self.flagged(case, not grouped) if len(case.selectors) > 1 else ((), self.filtered(not grouped))
        pairs, found = fields_of(case, self.keys, "@timestamp", field, lambda number, kind: self.merged(number, kind, case))
        found |= {f: replace(found[f], digits=True) for n, f in enumerate(case.fields) if f in found and self.is_whole(n, found[f], case)}
        base, *rest = self.looked_up("\n| ".join(lines)).split("\n| ")
        if pairs:
            rest.append("EVAL " + ", ".join(f"{field(n)} = {text}" for n, text in pairs))
        if any("(_source, " in line for line in rest):
            base = with_document(base)
            rest.append("DROP _source")
        commands = [Command("FROM", base), *(Command(line.partition(" ")[0], line) for line in rest)]
        taken = {*self.names.all_of([s.predicate for s in detection.selectors]), *self.fields, *self.keys, *flags, "@timestamp"}
        return Head(tuple(commands), found, frozenset(taken), flags)

    def flagged(self, case: PipelineCase, metadata: bool) -> tuple[tuple[str, ...], list[str]]:
        """The commands that select the events of several heads, and the fields that are there on the events of each."""
        detection, flags = self.detection, list[str]()
        told, lines = list[str](), [self.source(metadata)]
        sets = [{dataset(self.names, s) for s in detection.selectors if s.name in owned} for owned in case.selectors]
        by_set = all(map(all, sets)) and sum(map(len, sets)) == len(set[str]().union(*sets))
        for owned, found_in in zip(case.selectors, sets, strict=True):
            own = [s for s in detection.selectors if s.name in owned]
            table = own[0].table.lower()
            flag = free_of(f"is_{table if table.isidentifier() and table.isascii() else 'event'}", {*self.fields, *flags})
            flags.append(flag)
            conditions = [f"event.dataset == {string(d)}" for d in sorted(found_in)] if by_set else [self.condition(s) for s in own]
            whole = conditions[0] if len(conditions) == 1 else " OR ".join(f"({c})" for c in conditions)
            told.append(f"{field(flag)} = CASE({whole}, 1)")
        lines += [f"WHERE {self.any_selector()}"] if by_set else []
        lines.append(f"EVAL {', '.join(told)}")
        lines += [] if by_set else [f"WHERE {' OR '.join(f'{field(f)} IS NOT NULL' for f in flags)}"]
        return tuple(flags), lines

    def is_whole(self, number: int, value: Value, case: PipelineCase) -> bool:
        """Whether a text is that of a whole number, as the product keeps it."""
        owners = case.selectors[case.owners[number]]
        keys = [s.keys[number] for s in self.detection.selectors if s.name in owners]
        return value.kind == "text" and all(is_field(x) and self.names.stored(x) in WHOLE for x in keys)

    def merged(self, number: int, kind: str, case: PipelineCase) -> str | None:
        """A key of the selectors of one head as a value of a kind; None where it has several values."""
        selectors = [s for s in self.detection.selectors if s.name in case.selectors[case.owners[number]]]
        keys = [s.keys[number] for s in selectors]
        if any(_Predicates.is_array(c) for x in keys for c in columns_of(x)) or any(map(self.names.is_multivalue, keys)):
            return None
        if kind == "time" and all(is_time(x) or self.named(x) == "@timestamp" for x in keys):
            return "@timestamp"
        texts = [self.typed(x, kind) for x in keys]
        if len(set(texts)) == 1:
            return texts[0]
        return f"CASE({', '.join(f'{self.condition(s)}, {x}' for s, x in zip(selectors, texts, strict=True))})"

    def typed(self, expr: Expr, kind: str) -> str:
        """A key as a value of the kind that it has in KQL, whatever type the product keeps it in. A text is never missing."""
        if isinstance(expr, Const) and isinstance(expr.value, bool):
            return string("true" if expr.value else "false")
        text, stored = self.named(expr), self.names.stored(expr)
        as_text = not is_field(expr) or self.names.is_text(expr)
        match kind:
            case "int":
                return text if stored in WHOLE or not (stored or as_text) else f"TO_LONG({text})"
            case "real":
                return text if stored in ("double", "float") else f"TO_DOUBLE({text})"
            case "bool":
                return f"TO_LOWER(TO_STRING({text}))"
            case "time":
                return text if stored in ("date", "date_nanos") else f"TO_DATETIME({text})"
            case "json":
                raise Cannot(Diagnostic("target-cannot", "the JSON of an object or an array is not stored", expr.span))
        return f'COALESCE({text if as_text else f"TO_STRING({text})"}, "")'

    def query(self) -> str:
        match self.detection.kind:
            case "event":
                return "\n| ".join(self.filtered())
            case "temporal" | "temporal_ordered":
                return self.temporal()
            case _:
                return self.counted()

    def source(self, metadata: bool) -> str:
        indexes = dict.fromkeys(index(self.names, s) for s in self.detection.selectors)
        return f"FROM {', '.join(indexes)}" + (" METADATA _id, _index, _version" if metadata else "")

    def condition(self, selector: Selector) -> str:
        parts = []
        tables = {s.table for s in self.detection.selectors}
        told = dataset(self.names, selector)
        if told and (len(tables) > 1 or self.names.home(selector) is not None):
            parts.append(f"event.dataset == {string(told)}")
        if selector.predicate != TRUE:
            nested = isinstance(selector.predicate, Apply) and selector.predicate.function == "or"
            with self.names.within(self.detection.place_of(selector)):
                parts.append(self.predicates.render(selector.predicate, nested and bool(parts)))
        return " AND ".join(parts) or "true"

    def any_selector(self) -> str:
        found = [self.condition(s) for s in self.detection.selectors]
        return found[0] if len(found) == 1 else " OR ".join(f"({c})" for c in found)

    def filtered(self, metadata: bool = True) -> list[str]:
        lines = [self.source(metadata)]
        condition = self.any_selector()
        if condition != "true":
            lines.append(f"WHERE {condition}")
        return lines

    def by_selector(self, spelled: list[str]) -> str:
        if len(set(spelled)) == 1:
            return spelled[0]
        pairs = [f"{self.condition(s)}, {text}" for s, text in zip(self.detection.selectors, spelled, strict=True)]
        return f"CASE({', '.join(pairs)})"

    def key(self, number: int) -> str:
        form = "TO_STRING({0})" if self.detection.guaranteed[number] else 'COALESCE(TO_STRING({0}), "")'
        return self.by_selector([form.format(self.named(s.keys[number])) for s in self.detection.selectors])

    def counted(self) -> str:
        detection, threshold = self.detection, self.detection.threshold
        assert threshold is not None
        lines = self.filtered(False)
        by = []
        for number, name in enumerate(self.keys):
            if (key := self.key(number)) != f"TO_STRING({field(name)})":
                lines.append(f"EVAL {field(name)} = {key}")
            by.append(field(name))
        if detection.bin:
            by.append(self.bucket(detection.bin))
        value, measured_as = self.own("counted_value"), self.own(threshold.kind)
        if threshold.fields:
            lines.append(f"EVAL {value} = {self.by_selector(self.counted_values(threshold))}")
        measure = f"{measured_as} = {measured(threshold, value)}"
        lines.append(f"STATS {measure}{self.gathered()}{' BY ' + ', '.join(by) if by else ''}")
        lines.append(f"WHERE {measured_as} {threshold.operator} {threshold.count}")
        return "\n| ".join(lines)

    def bucket(self, seconds: int) -> str:
        """The beginning of the bucket of an event, which Kusto counts from the year 1 and BUCKET from 1970.

        Source: elastic.co/docs/reference/query-languages/esql/functions-operators/grouping-functions, BUCKET.
        """
        name, shift = self.own("time_bucket"), YEAR_ONE % seconds
        if not shift:
            return f"{name} = BUCKET(@timestamp, {seconds} seconds)"
        return f"{name} = BUCKET(@timestamp + {shift} seconds, {seconds} seconds) - {shift} seconds"

    def temporal(self) -> str:
        detection = self.detection
        finer = self.finer_side()
        if finer is None:
            refuse_finer_counts(detection)
        lines = self.filtered(False)
        seen: dict[str, list[str]] = {}
        for selector in detection.selectors:
            lines.append(f"EVAL {selector.name} = CASE({self.condition(selector)}, 1, 0)")
        for side in detection.sides:
            for selector in side.selectors:
                keys = [self.named(k) for k in selector.keys]
                if seen.get(selector.table, keys) != keys and len(side.selectors) == 1:
                    raise Cannot(Diagnostic("target-cannot", f"two sides of the join read {selector.table} by different keys", None))
            for selector in side.selectors:
                seen[selector.table] = [self.named(k) for k in selector.keys]
        for number, (name, guaranteed) in enumerate(zip(self.keys, detection.guaranteed, strict=True)):
            form = "TO_STRING({0})" if guaranteed else 'COALESCE(TO_STRING({0}), "")'
            keys_of = [form.format(self.named(s.keys[number])) for s in detection.selectors]
            if name not in detection.group_by and len(set(keys_of)) == 1:
                lines += [] if guaranteed else [f"EVAL {field(name)} = {keys_of[0]}"]
                continue
            pairs = ", ".join(f"{s.name} == 1, {key}" for s, key in zip(detection.selectors, keys_of, strict=True))
            lines.append(f"EVAL {field(name)} = CASE({pairs})")
        numbers = [field(name) for n, name in enumerate(self.keys) if detection.guaranteed[n] and self.is_nullable(n)]
        if numbers:  # of which a missing one equals no other
            lines.append("WHERE " + " AND ".join(f"{name} IS NOT NULL" for name in numbers))
        counted = [self.counted_side(side, side.threshold) for side in detection.sides if side.threshold is not None]
        lines += [command for command, _ in counted if command]
        flagged = [side for side in detection.sides if side.threshold is None or holds_of_none(side.threshold)]
        plain = [f"{s.name} = COUNT(*) WHERE {s.name} == 1" for side in flagged for s in side.selectors]
        counts = ", ".join([*plain, *(term for _, term in counted)])
        if detection.within is not None:
            apart = duration(detection.within)
            self.names.say("window-dropped", f"the KQL wants these events at most {apart} apart, of which STATS knows nothing")
        begun, ended = self.own("first_time"), self.own("last_time")
        if detection.kind == "temporal_ordered":
            earlier, later = (" OR ".join(f"{s.name} == 1" for s in side.selectors) for side in detection.sides)
            counts += f", {begun} = MIN(@timestamp) WHERE {earlier}, {ended} = MAX(@timestamp) WHERE {later}"
        by = [field(name) for name in self.keys]
        if detection.bin:
            by.append(self.bucket(detection.bin))
        if finer is None:
            lines.append(f"STATS {counts}{self.gathered()} BY {', '.join(by)}")
        else:
            lines += self.counted_finer(finer, counts, by)
        sides = sides_present(detection, "{} > 0", "{}_measure {} {}")
        if detection.kind == "temporal_ordered":
            sides.append(f"{begun} < {ended}" if detection.strict else f"{begun} <= {ended}")
        lines.append("WHERE " + " AND ".join(sides))
        return "\n| ".join(lines)

    def is_nullable(self, number: int) -> bool:
        """Whether a key is no text of some event, and may be missing."""
        return any(s.keys[number].type in NULLABLE and not is_present(s.keys[number], s.predicate) for s in self.detection.selectors)

    def finer_side(self) -> Side | None:
        """The one side that counts, where it counts groups within those of the key, of which one has to be large or small enough."""
        counting = [side for side in self.detection.sides if side.threshold is not None]
        if self.detection.kind != "temporal" or len(counting) != 1:
            return None
        (side,) = counting
        assert side.threshold is not None
        within = all(set(g) > set(s.keys) for s, g in zip(side.selectors, side.grouping, strict=True))
        return side if within and (side.threshold.grows or side.threshold.operator in ("<", "<=")) else None

    def counted_finer(self, side: Side, counts: str, by: list[str]) -> list[str]:
        """Counts of the groups of a side, and of these the largest for each key, or the smallest of those that have events."""
        assert side.threshold is not None
        rows = [[x for x in group if x not in s.keys] for s, group in zip(side.selectors, side.grouping, strict=True)]
        lines, finer = [], []
        for number, fields in enumerate(zip(*rows, strict=True), 1):
            pairs = (f'{s.name} == 1, COALESCE(TO_STRING({self.named(f)}), "")' for s, f in zip(side.selectors, fields, strict=True))
            lines.append(f"EVAL finer_{number} = CASE({', '.join(pairs)})")
            finer.append(f"finer_{number}")
        measure, few = f"{side.name}_measure", holds_of_none(side.threshold)
        lines.append(f"STATS {counts}{self.gathered()} BY {', '.join([*by, *finer])}")
        if few:
            lines.append(f"EVAL {measure} = CASE({' OR '.join(f'{s.name} > 0' for s in side.selectors)}, {measure})")
        plain = [s.name for other in self.detection.sides if other != side or few for s in other.selectors]
        again = [*(f"{name} = SUM({name})" for name in plain), f"{measure} = {'MIN' if few else 'MAX'}({measure})"]
        again += [f"{field(name)} = VALUES({field(name)})" for name in self.gathered_fields()]
        return [*lines, f"STATS {', '.join(again)} BY {', '.join(by)}"]

    def counted_values(self, threshold: Threshold) -> list[str]:
        named = [(x, self.named(x)) for x in threshold.fields]
        if threshold.kind == "value_count":
            return [f'COALESCE(TO_STRING({f}), "")' if counts_missing(x) else f for x, f in named]
        return [self.predicates.number.format(f) if self.names.number_as_text(x) else f for x, f in named]

    def counted_side(self, side: Side, threshold: Threshold) -> tuple[str, str]:
        """The command that marks what a side counts, where it counts values, and the term of STATS that counts it."""
        found = " OR ".join(f"{s.name} == 1" for s in side.selectors)
        if not threshold.fields:
            return "", f"{side.name}_measure = COUNT(*) WHERE {found}"
        pairs = ", ".join(f"{s.name} == 1, {v}" for s, v in zip(side.selectors, self.counted_values(threshold), strict=True))
        value = self.own(f"{side.name}_value")
        return f"EVAL {value} = CASE({pairs})", f"{side.name}_measure = {measured(threshold, value)}"

    def gathered(self) -> str:
        """The terms of STATS that gather the columns of the query; those of some sides only, of the events of these."""
        owners: dict[str, dict[str, None]] = {}
        fields = self.gathered_fields()
        for selector in self.detection.shown:
            for name, _ in selector.outputs:
                owners.setdefault(self.columns.get(name, name), {})[selector.name] = None
        terms, every = "", len(self.detection.selectors)
        for name, text in fields.items():
            of = owners.get(name, {})
            apart = self.detection.kind.startswith("temporal") and 0 < len(of) < every
            terms += f", {field(name)} = VALUES({text})" + (f" WHERE {' OR '.join(f'{s} == 1' for s in of)}" if apart else "")
        return terms

    def gathered_fields(self) -> dict[str, str]:
        """What gives the columns that an alert shows, by their names."""
        spelled: dict[str, list[str]] = {}
        fields: dict[str, str] = {}
        for name, expr in [pair for selector in self.detection.shown for pair in selector.outputs]:
            with self.names.within(Place.SHOWN):
                if is_field(expr):
                    plain = self.names.showable(expr) and self.names.is_column(expr)
                    stored_ = self.names.field(expr) if plain else ""
                    text = field(stored_) if plain else self.predicates.spelled(expr) if self.names.readable(expr) else ""
                    fields[text] = stored_ if self.names.options.fields != "source" else ""
                else:
                    text = (self.names.options.fields != "source" and self.texts.shown(expr)) or ""
                if text and text not in spelled.setdefault(name, []):
                    spelled[name].append(text)
        found: dict[str, str] = {}
        for name, texts in spelled.items():
            if len(texts) != 1 or name in self.detection.group_by or name in self.keys or texts[0] == "@timestamp":
                continue
            (text,) = texts
            stored = fields.get(text, "") if len({fields.get(t) for t in texts}) == 1 else ""
            own = stored or name
            self.columns[name] = own
            if own not in self.keys:
                found[own] = text
        return found

    def named(self, expr: Expr) -> str:
        """A key or a counted value: a field, or what is computed of fields. Raises Cannot."""
        with self.names.within(Place.BOTH):
            if isinstance(expr, Apply) and expr.function == JSON_TEXT:
                found = self.names.in_json(expr.args[0], named=True)
                text = None if found is None else json_extract(*found)
            else:
                text = self.predicates.spelled(expr) if is_field(expr) else self.texts.of(expr)
        if text is None:
            raise Cannot(Diagnostic("unsupported-expression", "this value has no column here", expr.span))
        return text


__all__ = ["Esql"]
