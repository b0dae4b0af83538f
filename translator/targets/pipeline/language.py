"""What a language says of itself, and the values that are written in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from translator.plan.bags import OF_KEY
from translator.plan.conditions import TEXT_OPERATORS
from translator.plan.types import Type
from translator.targets.computed import Functions
from translator.targets.predicates import Spelling


@dataclass(frozen=True, slots=True)
class Value:
    """A value in the target's words.

    ``kind`` is text, int, real, bool, time (seconds of the epoch), moment: a time in the place of its text, span (seconds), list,
    json: a text that holds the JSON of a dynamic value, or nothing, or part: a place inside of an object, written as a
    text, which is null in KQL where it is empty here, until ``tostring``. ``nullable``: it may be missing. ``natural``:
    it is no less than 0, and ``positive``: no less than 1. ``simple``: it is a name or a literal, which needs no parentheses.
    ``undefined``: where it is missing it is no null in KQL but NaN, of which ``not(x > 1)`` is true: an average of nothing.
    ``rounded``: it is a moment, or a span, that has no fractions of a second, which products keep or not. ``of_texts``: it is a list of
    all texts that there are, which may be shown as the text of its JSON. ``digits``: it is a text of decimal digits, or empty.
    ``narrow``: it is a whole number of 32 bits where the language has such, whose products may be none. ``texts``: what has all the texts
    of a list that holds some of them alone, to search there. ``ordered``: it is a list of all texts in the order that they have in KQL.
    ``laid_out``: it is a text with JSON in it, whose layout is the product's. ``set_of``: it is a list that has each of some texts once.
    ``parsed``: it is a text as it is stored, which KQL has read as JSON.
    """

    text: str
    kind: str
    nullable: bool = True
    natural: bool = False
    positive: bool = False
    simple: bool = False
    undefined: bool = False
    rounded: bool = False
    of_texts: bool = False
    digits: bool = False
    narrow: bool = False
    texts: str = ""
    ordered: bool = False
    laid_out: bool = False
    set_of: bool = False
    parsed: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a pipeline: its verb, and its whole text."""

    verb: str
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """How a language spells a function of KQL: the kinds of its arguments and of what it gives, and its words around them.

    ``gives`` may be ``same``, which is the kind of the first argument.

    The source of every row is the page on that function in the language's reference, which the table of the language names.
    """

    takes: tuple[str, ...]
    gives: str
    words: str
    nullable: bool | None = None
    """None where the result is missing as soon as an argument is."""
    natural: bool = False
    rounded: bool = False
    narrow: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """What the walk needs to know of a language to write values and conditions in it."""

    string: Callable[[str], str]
    atoms: Mapping[str, Spelling]
    functions: Mapping[str, Function]
    true: str
    false: str
    null: str
    missing: str
    present: str
    equal: str
    caseless: str
    joined: Callable[[list[str]], str]
    chosen: Callable[[list[tuple[str, str]], str], str]
    now: str
    length: str
    """In how many parts a text is split."""
    moment: Callable[[float], str]
    """A moment, of its seconds since the epoch."""
    finest: int
    """How many of KQL's ticks, of 100 ns, are the shortest time by which moments differ."""
    moment_of_text: Callable[[str], str]
    """A moment, of a text that has it as Azure's logs do."""
    of_columns: Mapping[str, str]
    """Operators on texts whose second operand is no constant."""
    texts: Functions
    """What functions make of texts."""
    aggregates: Mapping[str, str]
    """The functions of summaries, over a value and, of a percentile, its rank; ``count`` is over values that are there."""
    deviations: Mapping[str, str]
    """What KQL has for an aggregate of deviations, of what the language has for it and the number of its values: of one, and of none, 0."""
    of_lists: Mapping[str, str] = field(default_factory=dict)
    """Operators on a text and several values, of which one is to satisfy them, where the language has words for it."""
    most_of_lists: str = ""
    """How much such values may be together, where there is a limit beyond which none of them is found."""
    not_of_lists: Mapping[str, str] = field(default_factory=dict)
    """That these are false, where they may be null."""
    finds_any: frozenset[str] = frozenset()
    """The atoms that find any of several texts at once."""
    negated: str = "NOT {0}"
    gap: str = ""
    """What stands on both sides of an operator."""
    real: str = "{0}"
    """A whole number as one with fractions, where the language tells them apart."""
    whole: str = "{0}"
    """A whole number of the width that all of them have."""
    narrow: str = "{0}"
    """A whole number that counts elements."""
    fraction: bool = False
    """Whether a number with fractions is written with some."""
    classes: str = ""
    r"""The letters of ``\d``, ``\s`` and ``\w`` that its regular expressions write out as those of Unicode."""
    split: str = ""
    """The parts of a text as several values, where the language keeps all of them."""
    span_text: str = ""
    """The text of a span of whole seconds, as ``tostring`` has it, where the language has words for it."""
    inside: Callable[[str, tuple[str | int, ...]], str] | None = None
    """The text of a place in a text that holds JSON, missing where there is none; None where the language has no words for it."""
    parsed: str = ""
    """What a text that may hold JSON is read as: the text of a JSON string, otherwise the text as it is, where the language has words."""
    digits: Mapping[str, str] = field(default_factory=dict)
    """How ``toint`` and ``tolong`` read a text of decimal digits, where the language has no words for all that KQL reads."""
    wholes: Mapping[str, str] = field(default_factory=dict)
    """How ``toint`` and ``tolong`` read any text, where the language has words for all that KQL reads."""
    list_text: str = ""
    """The JSON of several texts, where the language has words for it."""
    appended: Callable[[list[str]], str] | None = None
    """Several values of those that each of some has, in their order, where the language has words for it."""
    list_start: str = ""
    """The first ones of several values, as many as it says, or all where there are no more, where it has."""
    list_length: str = ""
    """How many values there are of several, where it has."""
    list_count: str = ""
    """The same, missing where the list is."""
    list_sorted: str = ""
    """Several texts by their letters, where it has."""
    sets_sorted: bool = False
    """Whether the values of a summary are sorted so."""
    list_joined: str = ""
    """Several texts behind each other with another one between two, empty where there is none, where it has."""
    captures: bool = False
    """Whether it has a command for all that a regular expression finds in a text."""
    list_slice: str = ""
    """The first ones of several values up to the place of one, which counts from the end where it is negative, where it has."""
    slice_end: str = ""
    """The last place of a slice that leaves out some of so many values."""
    of_sets: Mapping[str, str] = field(default_factory=dict)
    """What functions make of several texts in two fields, where it has words for it."""
    truths: tuple[str, str] = ("", "")
    """That ``tobool`` reads a text as true, and as false, where the language has words for that."""
    json_length: str = ""
    """How many elements an array in a text that holds JSON has, missing where it holds none, where the language has words for it."""
    numbers: tuple[str, str] = ("", "")
    """The whole numbers from one to before another by steps, as several values, and one of them as a number; empty for no words."""
    elements: str = ""
    """The elements of an array in a text that holds JSON, as several values, where the language has words for it."""
    element: str = ""
    """What one of these is, of which ``elements`` gives the JSON."""
    members: str = ""
    """What ``mv-expand`` makes of a text that may hold JSON: the elements of an array, the properties of an object, or the text itself."""
    member: str = ""
    """What one of these is, and the text that it is of."""


CONDITIONAL: Mapping[str, str] = MappingProxyType(
    {
        "countif": "count",
        "sumif": "sum",
        "dcountif": "dcount",
        "avgif": "avg",
        "minif": "min",
        "maxif": "max",
        "make_set_if": "make_set",
        "make_list_if": "make_list",
        "take_anyif": "take_any",
        OF_KEY: "take_any",
        "stdevif": "stdev",
        "varianceif": "variance",
        "variancepif": "variancep",
    }
)
"""Aggregates over the rows for which a condition holds, and those that they are of all rows."""


WALKED = frozenset(
    "== != =~ !~ < <= > >= and or in !in in~ !in~ between !between + - * / % not ago now strcat tostring todouble toreal bin iff iif case "
    "coalesce array_length countof datetime_diff isempty isnotempty isnull isnotnull has_any has_all".split()
)
"""What the walk itself writes of functions and operators, in every language."""


_OF_TEXTS = frozenset(
    {"matches regex", "extract", "replace_string", "replace_regex", "replace", "trim", "trim_start", "trim_end", "substring", "split"}
)


def spelled(language: Language) -> frozenset[str]:
    """The functions, operators and aggregates of KQL that the lane has words for in a language, on operands of the usual types."""
    negatable = {f"{no}{name}" for name in TEXT_OPERATORS & {*language.atoms} for no in ("", "!")}
    conditional = {name for name, plain in CONDITIONAL.items() if plain in language.aggregates}
    lists = {"array_sort_asc", "strcat_array"} if language.list_sorted else set[str]()
    lists |= {"extract_all"} if language.captures else set[str]()
    lists |= {*language.of_sets} | ({"tobool"} if language.truths[0] else set())
    return WALKED | _OF_TEXTS | lists | {*language.functions, *language.texts.calls, *language.aggregates} | negatable | conditional


KINDS: Mapping[Type, str] = {
    Type.STRING: "text", Type.GUID: "text", Type.UNKNOWN: "text", Type.INT: "int", Type.LONG: "int", Type.REAL: "real",
    Type.DECIMAL: "real",
    Type.BOOL: "bool", Type.DATETIME: "time", Type.TIMESPAN: "span", Type.DYNAMIC: "list",
}  # fmt: skip  # fmt: skip


WRITTEN = frozenset({"text", "part", "json"})
"""The kinds whose values are texts in the language, which are empty where KQL has none."""


IN_ANY_ORDER = frozenset({"has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "contains", "contains_cs"})
"""Operators that find a text in an element of a list wherever that stands."""


NUMBERS = frozenset({"int", "real"})


ORDERED = frozenset({"int", "real", "time", "span"})


_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|\'[^\']*\'|[()]|.', re.DOTALL)
"""Literals and names in quotes, parentheses, and all else by its characters."""

_OPENING = re.compile(r"\w*\(")


def grouped(value: Value) -> str:
    """A value as an operand."""
    plain = (
        value.simple or value.text.replace("_", "a").replace(".", "a").isalnum() or (value.text[:1] == "'" and value.text.count("'") == 2)
    )
    return value.text if plain or is_enclosed(value.text) else f"({value.text})"


def is_enclosed(text: str) -> bool:
    """Whether a text is one call of a function, or stands in parentheses as a whole."""
    if _OPENING.match(text) is None:
        return False
    depth = 0
    for found in _TOKEN.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if found[0] == ")" and depth == 0:
            return found.end() == len(text)
    return False
