"""Plans in SPL, command by command.

Facts: Splunk Search Reference, stats (events without a by-field are left out; ``list`` keeps 100 values, ``values`` all), sort (``0`` is
all results; 10,000 without; ``str`` sorts by the bytes of UTF-8), head, dedup (the first event of each combination stays), "Statistical
eval functions".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import quote

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Expr, Path, Subquery
from translator.plan.types import Type
from translator.regex import syntax
from translator.regex.writers import Inexpressible, pcre
from translator.targets.names import json_path
from translator.targets.pipeline.cases import Head, PipelineCase
from translator.targets.pipeline.json_texts import DEEPEST, QUOTED, parted, value_of_json
from translator.targets.pipeline.language import ORDERED, Command, Function, Language, Value, is_enclosed, spelled
from translator.targets.pipeline.values import Values
from translator.targets.pipeline.values.arrays import json_of
from translator.targets.pipeline.walk import Walk
from translator.targets.pipeline.walk.columns import compute, group, telling
from translator.targets.pipeline.walk.context import SHOWN_NUL
from translator.targets.pipeline.walk.expansions import rolled_out
from translator.targets.pipeline.walk.parts import Measure, Part
from translator.targets.pipeline.walk.summaries import is_of_row, is_of_values, note_ties, one_of_each, summary
from translator.targets.splunk.functions import (
    CALENDAR,
    DECODING,
    FUNCTIONS,
    NOT_OF_LISTS,
    OF_COLUMNS,
    OF_LISTS,
    OF_SETS,
    TEXTS,
    TRUTHS,
    number_inside,
)
from translator.targets.splunk.words import (
    ATOMS,
    FINDS_ANY,
    OR_EMPTY,
    bucket_of,
    by_clause,
    column,
    field,
    inside,
    is_plain,
    moment_of,
    string,
    twice_in_json,
)


def _chosen(pairs: list[tuple[str, str]], otherwise: str) -> str:
    if len(pairs) == 1:
        return f"if({pairs[0][0]}, {pairs[0][1]}, {otherwise})"
    cases = ", ".join(f"{condition}, {value}" for condition, value in pairs)
    return f"case({cases}, true(), {otherwise})" if pairs else otherwise


AGGREGATES: Mapping[str, str] = MappingProxyType(
    {
        "count": "count({0})",
        "min": "min({0})",
        "max": "max({0})",
        "avg": "avg({0})",
        "sum": "sum({0})",
        **dict.fromkeys(("stdev", "stdevp"), "stdevp({0})"),
        **dict.fromkeys(("variance", "variancep"), "varp({0})"),
        "percentile": "exactperc{1}({0})",
        "dcount": "dc({0})",
        "count_distinct": "dc({0})",
        "make_set": "values({0})",
        "make_list": "list({0})",
        "take_any": "first({0})",
    }
)
"""Functions of ``stats`` (Search Reference, "Statistical and charting functions")."""

_JSON_STRING, _JSON_NULL, _JSON_ARRAY = (
    string(regex).replace("{", "{{").replace("}", "}}") for regex in (r'^\s*"([^"\\]|\\.)*"\s*$', r"^\s*null\s*$", r"^\s*\[")
)
ELEMENTS = f"if(match({{0}}, {_JSON_ARRAY}), json_array_to_mv({{0}}), null())"
"""The elements of an array in a text that may hold one."""

_OBJECT, _LINES = (string(regex).replace("{", "{{").replace("}", "}}") for regex in (r"^\s*\{", r"[\t\n\r]"))
_APART = 'urldecode("%1E")'
"""What stands in no JSON as it is (RFC 8259, section 7)."""


def _parted(begin: str, end: str, one: str, kept: str) -> str:
    """What stands between commas in a text, as several values."""
    apart, made = (string(text).replace("{", "{{").replace("}", "}}") for text in (parted(begin, end, one), kept))
    return f'split(substr(replace(replace({{0}}, {_LINES}, " "), {apart}, {_APART}.{made}), 2), {_APART})'


_PROPERTY = f"{QUOTED} *: *(?:{value_of_json(DEEPEST)})"

MEMBERS = (
    f"case(NOT json_valid({{0}}), {{0}}, match({{0}}, {_JSON_ARRAY}), {_parted('[', ']', value_of_json(DEEPEST), chr(92) + '1')}, "
    f"match({{0}}, {_OBJECT}), {_parted('{', '}', _PROPERTY, '{' + chr(92) + '1}')}, true(), {{0}})"
)
"""The elements of an array in a text, each as its JSON, the properties of an object in one, each as an object, or the text as it is."""

JSON_LENGTH = f"if(match({{0}}, {_JSON_ARRAY}) AND json_valid({{0}}), coalesce(mvcount(json_array_to_mv({{0}})), 0), null())"

PARSED = f'case(match({{0}}, {_JSON_STRING}), json_extract("[".{{0}}."]", "{{{{0}}}}"), match({{0}}, {_JSON_NULL}), "", true(), {{0}})'
"""What ``parse_json`` reads in a text: what a JSON string holds, nothing for null, and the text itself otherwise."""

MEMBER = f"if(json_valid({{1}}) AND match({{1}}, {_JSON_ARRAY}), {PARSED.replace('{{0}}', '{{{{0}}}}')}, {{0}})"
"""What one of these is, of which JSON keeps the quotes."""


def _escaped(text: str) -> str:
    """A text as JSON has it between quotes."""
    for old, new in (("\\", "\\\\"), ('"', '\\"')):
        text = f'coalesce(mvjoin(split({text}, {string(old)}), {string(new)}), "")'
    for letter in "nrt":
        text = TEXTS.replaced.format(text, string(rf"\{letter}"), string(rf"\\{letter}"))
    return text


LIST_TEXT = f'if(isnull({{0}}), "[]", "[\\"".mvjoin(mvmap({{0}}, {_escaped("{0}")}), "\\",\\"")."\\"]")'
"""The JSON of several texts, whose quotes, backslashes and ends of lines it escapes."""

SPL = Language(
    string=string, atoms=ATOMS, finds_any=FINDS_ANY, functions=FUNCTIONS,
    true="true()", false="false()", null="null()", missing="isnull({0})",
    present="isnotnull({0})", equal='("_".{0})==("_".{1})', caseless='("_".lower({0}))==("_".lower({1}))',
    joined=lambda texts: f"({' . '.join(texts)})",
    chosen=_chosen, now="now()", moment=lambda seconds: f"{seconds:.7f}".rstrip("0").rstrip("."), finest=10,
    of_columns=OF_COLUMNS,
    of_lists=OF_LISTS, not_of_lists=NOT_OF_LISTS,
    texts=TEXTS, aggregates=AGGREGATES, moment_of_text=moment_of, inside=inside, elements=ELEMENTS, members=MEMBERS, member=MEMBER,
    numbers=("mvrange({0}, {1}, {2})", "tonumber({0})"), parsed=PARSED, split="split({0}, {1})",
    list_text=LIST_TEXT, appended=lambda texts: f"mvappend({', '.join(texts)})", list_length="coalesce(mvcount({0}), 0)",
    list_count="mvcount({0})", list_sorted="mvsort({0})", sets_sorted=True, captures=True, list_joined='coalesce(mvjoin({0}, {1}), "")',
    list_slice="mvindex({0}, 0, {1})", slice_end="if({0}<{1}, max(2*{0}-{1}, 0), {0}-{1})", of_sets=OF_SETS, truths=TRUTHS,
    list_start="if(mvcount({0})>{1}, mvindex({0}, 0, {2}), {0})", json_length=JSON_LENGTH,
    span_text='(if({0}>=86400, floor({0}/86400).".", "").tostring({0}%86400, "duration"))',
    deviations={
        "stdev": "if({1}>1, {0}*sqrt({1}/({1}-1)), 0)",
        "variance": "if({1}>1, {0}*{1}/({1}-1), 0)",
        **dict.fromkeys(("stdevp", "variancep"), "if({1}>0, {0}, 0)"),
    },
    classes="dswb", length="coalesce(mvcount(split({0}, {1})), 1)",
)  # fmt: skip


def without_parentheses(condition: str) -> str:
    """A condition that stands alone; of one with quotes nothing is told."""
    plain = condition[:1] == "(" and '"' not in condition and is_enclosed(condition)
    return condition[1:-1] if plain else condition


class _Values(Values):
    """``typed`` are the places whose JSON tells texts from numbers, as long as the events have it."""

    typed: Mapping[Expr, str] = MappingProxyType({})

    def shown(self, expr: Expr) -> Value:
        match expr:
            case Apply(function="toint" | "tolong" | "todouble" as function, args=(place,)) if (typed := self.with_type(place)) is not None:
                return Value(number_inside(function, self.value(place).text, typed), FUNCTIONS[function].gives, True)
        return super().shown(expr)

    def with_type(self, place: Expr) -> str | None:
        """What stands at a place in JSON, twice in an array, which tells texts from numbers; None where a value is no such place.

        Its text, which ``tostring`` makes of it, is another value.
        """
        match place:
            case _ if place.type == Type.STRING:
                return None
            case Path(base=base, steps=steps) if place not in self.fields and (whole := json_of(self, base)) is not None:
                path = json_path(steps) if all(isinstance(s, str) or s >= 0 for s in steps) else None
                return None if path is None else twice_in_json(whole.text, path)
        return self.typed.get(place)

    def called(self, expr: Apply, function: Function) -> Value:
        """The time of an event is one of the calendar's."""
        plain = CALENDAR.get(expr.function)
        if plain is not None and all(self.value(a).text == "_time" for a in expr.args):
            return super().called(expr, plain)
        return super().called(expr, function)

    def ticks(self, span: Value) -> str:
        """Times are floating-point numbers, whose differences are told to the microsecond."""
        return super().ticks(replace(span, text=f"round({span.text}, 6)", simple=True))

    def bucket(self, moment: str, seconds: int) -> str:
        return bucket_of(seconds, moment)


class SplWalk(Walk):
    """A plan as commands of SPL. What a method writes, the one of :class:`Walk` that it replaces says."""

    language = SPL
    percentiles = "percentiles are exact here, and estimates in KQL"
    lists = "a list has 100 elements at most here, and a set all of its own"
    chooses_lists = True
    keeps_rows = True

    def __init__(self, case: PipelineCase, head: Head) -> None:
        super().__init__(case, head)
        self.head = head

    def values(self) -> Values:
        found, head = _Values(SPL, self.columns, self.fields, self.positive), self.head
        found.typed = {place: text for place, text in head.typed.items() if self.fields.get(place) == head.fields[place]}
        return found

    def quoted(self, name: str) -> str:
        return field(name)

    def where(self, condition: str) -> Command:
        return Command("where", f"where {without_parentheses(condition)}")

    def eval(self, pairs: list[tuple[str, str]]) -> Command:
        return Command("eval", "eval " + ", ".join(f"{column(n)}={text}" for n, text in pairs))

    def sort(self, keys: list[tuple[str, bool]]) -> Command:
        return Command("sort", "sort 0 " + " ".join(("-" if descending else "+") + name for name, descending in keys))

    def limit(self, count: int) -> Command:
        return Command("head", f"head {count}")

    def distinct(self, names: list[str]) -> Command:
        return Command("dedup", "dedup " + " ".join(names))

    def once(self, names: tuple[str, ...]) -> None:
        self.commands.append(self.distinct(list(names)) if names else self.limit(1))

    def listed(self, node: o.External, name: str, flag: str) -> None:
        """``inputlookup`` with ``append``: the rows of the list behind the events, which alone have a time."""
        self.commands.append(Command("inputlookup", f"inputlookup append=true {name}"))
        others = [f"isnull({field(f)})" for f in self.flag_of.values()]
        self.commands.append(self.eval([(flag, f"if({' AND '.join(['isnull(_time)', *others])}, 1, null())")]))

    def copied(self, marks: list[tuple[str, str]]) -> str:
        """``mvexpand``, which makes as many rows as the memory for it holds (limits.conf, max_mem_usage_mb)."""
        name = self.free("part")
        listed = ", ".join(f'if({condition}, "{mark}", null())' for condition, mark in marks)
        self.commands.append(self.eval([(name, f"mvappend({listed})")]))
        self.expanded(name)
        return field(name)

    def numbered(self, node: o.Relation | Subquery, flags: Collection[str] = (), alike: bool = False) -> str:
        name = self.free("row")
        self.commands.append(Command("streamstats", f"streamstats count as {name}"))
        return name

    def shifted(self, pairs: list[tuple[str, str]], behind: bool) -> None:
        """``streamstats`` over the row before alone; over the rows in reverse order that is the one behind."""
        terms = " ".join(f"last({column(source)}) as {name}" for source, name in pairs)
        found = Command("streamstats", f"streamstats current=f window=1 {terms}")
        turned = [Command("reverse", "reverse")] if behind else []
        self.commands += [*turned, found, *turned]

    def filled(self, value: Value) -> str:
        return OR_EMPTY.format(value.text)

    def captured(self, names: list[str], field: str, tree: syntax.Node, several: bool) -> list[Command] | None:
        """``rex``, which finds no empty texts ("rex", Required arguments; a name has 32 characters at most: PCRE).

        Where it finds nothing it leaves fields of these names as they are, and events may have such: they are emptied before.
        """
        inside = next(n.node for n in syntax.walk(tree) if isinstance(n, syntax.Group))
        if not is_plain(field) or field in names or max(map(len, names)) > 32 or (several and not syntax.least_width(inside)):
            return None
        try:
            regex = string(pcre(tree))
        except Inexpressible:
            return None
        every = " max_match=0" if several else ""
        empty = "null()" if several else '""'
        return [self.eval([(name, empty) for name in names]), Command("rex", f"rex field={field}{every} {regex}")]

    def decoded(self, column: Column, text: str, nuls: bool) -> str | None:
        names = [self.free("quartets"), self.free("bytes"), self.named(column)]
        shown = quote(SHOWN_NUL, safe="").lower() if nuls else ""
        for name, step, of in zip(names, DECODING, (text, *map(self.quoted, names)), strict=False):
            self.commands.append(self.eval([(name, step.format(of, shown))]))
        return names[-1]

    def by_letters(self, name: str) -> str:
        return f"str({column(name)})"

    def limited(self, command: str) -> None:
        """Says that a command ends where its memory does (limits.conf, max_mem_usage_mb)."""
        self.say("memory-limit", f"{command} does its work as far as the memory goes that the product gives it (max_mem_usage_mb)")

    def gathered(self, name: str, value: str, flag: str, by: list[str]) -> None:
        source = self.free(f"{value}_of")
        self.computed([(source, f"if({self.present(flag)}, {value}, null())")])
        self.beside([f"values({source}) as {column(name)}"], by)

    def expanded(self, name: str, distinct: bool = True, flag: str | None = None) -> None:
        self.limited("mvexpand")
        self.commands.append(Command("mvexpand", f"mvexpand {column(name)}"))

    def single(self, part: Part, node: o.Relation | Subquery, alike: bool = False) -> Part:
        """The first of the rows that stand for one, by ``streamstats``."""
        if part.spread is None or part.flag is None:
            return part
        number = self.free("row_number")
        self.commands.append(Command("streamstats", f"streamstats count({part.flag}) as {number}{by_clause(part.spread)}"))
        self.computed([(part.flag, f"if({self.present(part.flag)} AND {number}==1, 1, null())")])
        self.changed.add(part.flag)
        return replace(part, spread=None, tied=False)

    def first(self, count: int, order: list[tuple[str, bool]], part: Part, node: o.Relation) -> None:
        """Numbers of the rows with the flag, by ``streamstats``."""
        assert part.flag is not None
        number = self.free("rank")
        self.commands.append(self.sort(order))
        self.commands.append(Command("streamstats", f"streamstats count({part.flag}) as {number}"))
        self.keep(part, [f"{number}<={count}"])

    def across(self, flag: str, number: str, kept: list[tuple[str, Value]], by: list[str]) -> None:
        """``eventstats``, which adds to every row of a key what it finds of all of them."""
        before, terms = list[tuple[str, str]](), [f"count({flag}) as {column(number)}"]
        for name, value in kept:
            source = self.free(f"{name}_of")
            before.append((source, f"if({self.present(flag)}, {value.text}, null())"))
            terms.append(f"{'values' if value.kind == 'list' else 'first'}({source}) as {column(name)}")
        self.computed(before)
        self.beside(terms, by)

    def computed(self, pairs: list[tuple[str, str]]) -> None:
        """Adds an ``eval`` of these names and their expressions, if there are any."""
        if pairs:
            self.commands.append(self.eval(pairs))

    def beside(self, terms: list[str], by: list[str]) -> None:
        """Adds an ``eventstats`` that puts aggregates beside each row of its group, if there are any."""
        if terms:
            self.limited("eventstats")
            self.commands.append(Command("eventstats", f"eventstats {' '.join(terms)}{by_clause(by)}"))

    def aggregate(self, node: o.Aggregate, part: Part) -> Part:
        """``stats``, with what it needs computed before it and what it leaves missing filled behind it.

        Beside the events of other parts it is ``eventstats``, which leaves each event of the part as a row of its group.
        """
        part = self.made_of_events(part, node)
        part = part if is_of_values(self, node) and not part.tied else self.single(part, node)
        beside = part.flag is not None or id(node) in self.unrolled
        node = rolled_out(self, node)
        before: list[tuple[str, str]] = []
        by: list[tuple[str, Column, Value]] = []
        behind: list[tuple[str, str]] = []
        for made, expr in node.keys:
            value = group(self, expr)
            name = self.name_of(value)
            if name is None or value.nullable or name in {n for n, _, _ in by}:
                name = self.named(made)
                before.append((name, f'coalesce({value.text}, "")' if value.nullable else value.text))
            if value.nullable:
                shown = self.named(made) if beside else name  # beside other rows groups are told by keys that are there
                behind.append((shown, f'if({field(name)}=="", null(), {field(name)})'))
                value = replace(value, text=field(shown), simple=True)
            by.append((name, made, value))
        names, unique = [column(n) for n, _, _ in by], telling(self, node.keys)
        keys = {made.id: value if value.nullable else replace(value, text=field(name), simple=True) for name, made, value in by}
        if (latest := one_of_each(node)) is not None:
            if not by:
                raise self.values().refuse(latest[1])
            others = replace(node, aggregates=tuple(a for a in node.aggregates if not is_of_row(a[1], latest)))
            found = summary(self, others, True, part.flag)
            self.computed([*before, *found.before])
            self.beside(found.terms, names)
            self.computed(found.behind)
            self.columns |= found.columns
            note_ties(self, latest)
            self.one_of_group(node, latest, names, part)
            self.computed(behind)
            self.columns |= keys
        else:
            found = summary(self, node, bool(by), part.flag)
            self.computed([*before, *found.before])
            if beside:
                self.beside(found.terms, names)
            else:
                if not found.terms or (not by and not any(t.startswith("count as ") for t in found.terms)):  # one row, of no events too
                    found.terms.append(f"count as {self.free('events')}")
                self.commands.append(Command("stats", f"stats {' '.join(found.terms)}{by_clause(names if by else ())}"))
                self.fields, self.columns = {}, {}
            self.computed([*behind, *found.behind])
            self.columns |= keys | found.columns
        if not beside:
            return Part(None, unique)
        return replace(part, unique=unique, spread=tuple(names), tied=latest is not None, always=not by)

    def name_of(self, value: Value) -> str | None:
        name = value.text.strip("'")
        if not value.simple or name[:1].isdigit() or value.text[:1] in ('"', "("):
            return None
        return name if field(name) == value.text else None

    def term(self, measure: Measure, flag: str | None) -> tuple[str, list[tuple[str, str]]]:
        name, value, chosen = column(measure.name), measure.value, self.both(flag, measure.condition)
        if value is None:
            if measure.condition is None:
                return f"count{'' if flag is None else f'({flag})'} as {name}", []
            source = self.free(f"{measure.name}_if")
            return f"count({source}) as {name}", [(source, f"if({chosen}, 1, null())")]
        if value.kind == "part" and measure.function in ("make_set", "make_list"):  # which leave out what is null
            value = replace(value, text=f'nullif({value.text}, "")', simple=False)
        source, before = self.name_of(value) or "", list[tuple[str, str]]()
        if chosen or not source or "'" in value.text:
            source = self.free(f"{measure.name}_of")
            before.append((source, f"if({chosen}, {value.text}, null())" if chosen else value.text))
        terms = [f"{AGGREGATES[measure.function].format(source, measure.rank)} as {name}"]
        if measure.length:
            counted = AGGREGATES["dcount" if measure.function == "make_set" else "count"].format(source)
            terms.append(f"{counted} as {column(measure.length)}")
        if measure.texts:
            terms.append(f"{AGGREGATES['make_set'].format(source)} as {column(measure.texts)}")
        return " ".join(terms), before

    def both(self, flag: str | None, condition: str | None) -> str:
        """That a row has a flag, where there is one, and that a condition holds, where there is one."""
        parts = [] if flag is None else [self.present(flag)]
        if condition is not None:
            parts.append(f"({condition})" if parts and " OR " in condition else condition)
        return " AND ".join(parts)

    def one_of_group(self, node: o.Aggregate, chosen: tuple[str, Expr], names: list[str], part: Part) -> None:
        """The last or the first event of each group, with all its columns."""
        function, expr = chosen
        values = self.values()
        key = values.simplest(expr)
        source = self.name_of(key)
        by_text = key.kind == "text" and part.flag is None
        if source is None or (key.kind not in ORDERED and not by_text) or (key.nullable and part.flag is not None):
            raise values.refuse(expr)  # where none has it, any row will do
        if part.flag is not None:
            moment, best = self.free(f"{source}_of"), self.free(f"{source}_best")
            self.computed([(moment, f"if({self.present(part.flag)}, {key.text}, null())")])
            self.beside([f"{'max' if function == 'arg_max' else 'min'}({moment}) as {best}"], names)
            self.keep(part, [f"{moment}=={best}"])
        else:
            self.commands.append(self.sort([(f"str({column(source)})" if by_text else column(source), function == "arg_max")]))
            self.commands.append(self.distinct(names))
        compute(self, tuple((made, x.args[-1]) for made, x in node.aggregates if isinstance(x, Apply) and is_of_row(x, chosen)))


SPELLED = spelled(SPL) | {"arg_max", "arg_min", "base64_decode_tostring"}
"""What the lane has words for in SPL."""

__all__ = ["SPELLED", "SPL", "SplWalk"]
