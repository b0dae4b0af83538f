"""Functions, aggregates and texts of JSON in ES|QL.

Facts: the ES|QL reference (elastic.co/docs/reference/query-languages/esql), "Operators" (whole numbers divide without fractions), the
pages of the functions named below; MV_SLICE (which ends with the last value that there is), MV_APPEND; COUNT_DISTINCT is close to exact up
to its precision, 40,000 at most; STD_DEV is of all values, not of a sample. Times are dates; a span is a number of seconds.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from translator.fidelity import Diagnostic
from translator.regex.terms import LETTERS
from translator.targets.base import Cannot
from translator.targets.elastic import string
from translator.targets.elastic.versions import OF_BASE_16
from translator.targets.elastic.words import ATOMS, FINDS_ANY, TEXTS
from translator.targets.names import quoted_path
from translator.targets.pipeline.json_texts import DEEPEST, QUOTED, parted, value_of_json
from translator.targets.pipeline.language import Function, Language

MOST_PRECISE = 40_000
"""The most different values that COUNT_DISTINCT counts nearly exactly."""

_REAL = string("[+\\-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+\\-]?[0-9]+)?")

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        # String functions
        "tolower": Function(("text",), "text", "TO_LOWER({0})", False),
        "toupper": Function(("text",), "text", "TO_UPPER({0})", False),
        "hash_md5": Function(("text",), "text", 'CASE({0} != "", MD5({0}), "")', False),
        "hash_sha1": Function(("text",), "text", 'CASE({0} != "", SHA1({0}), "")', False),
        "hash_sha256": Function(("text",), "text", 'CASE({0} != "", SHA256({0}), "")', False),
        "strlen": Function(("text",), "int", "LENGTH({0})", False, natural=True, narrow=True),
        "string_size": Function(("text",), "int", "BYTE_LENGTH({0})", False, natural=True, narrow=True),
        "indexof": Function(("text", "text"), "int", "(LOCATE({0}, {1}) - 1)", False, narrow=True),
        # Type conversion functions
        "tostring": Function(("int",), "text", "TO_STRING({0})", False),
        **dict.fromkeys(
            ("todouble", "toreal"), Function(("text",), "real", f"CASE(TRIM({{0}}) RLIKE {_REAL}, TO_DOUBLE(TRIM({{0}})))", True)
        ),
        # Mathematical functions
        "abs": Function(("int|real|span",), "same", "ABS({0})", natural=True),
        "floor": Function(("real|int",), "int", "TO_LONG(FLOOR({0}))"),
        "ceiling": Function(("real|int",), "int", "TO_LONG(CEIL({0}))"),
        "sqrt": Function(("int|real",), "real", "SQRT({0})", True),
        "round": Function(("int|real",), "real", "ROUND({0})"),
        # Conditional functions
        "coalesce": Function((), "text", "COALESCE({0})"),
        "max_of": Function((), "same", "GREATEST({0})"),
        "min_of": Function((), "same", "LEAST({0})"),
        # Date-time functions: a week of DATE_TRUNC begins on Monday, and Sunday is the seventh day of DATE_EXTRACT
        "hourofday": Function(("time",), "int", 'DATE_EXTRACT("hour_of_day", {0})', natural=True),
        "dayofweek": Function(("time",), "span", '((DATE_EXTRACT("day_of_week", {0}) % 7) * 86400)', natural=True, rounded=True),
        "startofday": Function(("time",), "time", "DATE_TRUNC(1 day, {0})", rounded=True),
        "startofweek": Function(("time",), "time", "(DATE_TRUNC(1 week, {0} + 1 day) - 1 day)", rounded=True),
        "startofmonth": Function(("time",), "time", "DATE_TRUNC(1 month, {0})", rounded=True),
        "startofyear": Function(("time",), "time", "DATE_TRUNC(1 year, {0})", rounded=True),
        "dayofmonth": Function(("time",), "int", 'DATE_EXTRACT("day_of_month", {0})', natural=True),
        "dayofyear": Function(("time",), "int", 'DATE_EXTRACT("day_of_year", {0})', natural=True),
        **dict.fromkeys(("getmonth", "monthofyear"), Function(("time",), "int", 'DATE_EXTRACT("month_of_year", {0})', natural=True)),
        "getyear": Function(("time",), "int", 'DATE_EXTRACT("year", {0})', natural=True),
        **{
            f"unixtime_{unit}_todatetime": Function(
                ("int",), "time", f"CASE(ABS({{0}} / {ones}) <= 62135596800, TO_DATETIME({{0}} * {1_000 // ones}))", True
            )
            for unit, ones in (("seconds", 1), ("milliseconds", 1_000))
        },
    }
)
"""Those that need no more than their arguments, each with the reference's page on the function."""

_MARK = "\u241f"
"""Stands between the texts of a list until these are escaped or quoted: the picture of the separator of units, which no log has."""

_APART = f"((?<![{LETTERS}])|(?![{LETTERS}]))"
"""A place that is not between two characters of a term."""

_TERM = f"CONCAT({string(_APART + chr(92) + 'Q')}, TO_LOWER({{1}}), {string(chr(92) + 'E' + _APART)})"
"""What matches a text as a term; in lower case it has no ``\\E``, which would end the quote."""

OF_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "has": f'({{1}} == "" OR REPLACE(TO_LOWER({{0}}), {_TERM}, "") != TO_LOWER({{0}}))',
        "contains": "LOCATE(TO_LOWER({0}), TO_LOWER({1})) > 0",
        "contains_cs": "LOCATE({0}, {1}) > 0",
        "startswith": "STARTS_WITH(TO_LOWER({0}), TO_LOWER({1}))",
        "startswith_cs": "STARTS_WITH({0}, {1})",
        "endswith": "ENDS_WITH(TO_LOWER({0}), TO_LOWER({1}))",
        "endswith_cs": "ENDS_WITH({0}, {1})",
    }
)
"""Operators on texts of which none is known before; an empty text is found at the first place (LOCATE).

The expression that REPLACE looks for may be any text: its page, and Replace.java of Elasticsearch, which compiles it for each row.
"""

_NEXT_TERM = f"REPLACE(TO_LOWER(MV_CONCAT({{1}}, {string(_MARK)})), {string(_MARK)}, {string(chr(92) * 2 + 'E|' + chr(92) * 2 + 'Q')})"

_TERMS = f"CONCAT({string(_APART + '(' + chr(92) + 'Q')}, {_NEXT_TERM}, {string(chr(92) + 'E)' + _APART)})"
"""What matches several texts as terms: each within a quote of its own."""

OF_LISTS: Mapping[str, str] = MappingProxyType(
    {"has_any": f'COALESCE(MV_MIN({{1}}) == "" OR REPLACE(TO_LOWER({{0}}), {_TERMS}, "") != TO_LOWER({{0}}), false)'}
)
"""The same on a text and several values, which are none where none is found; an empty one is the least of them.

Their pattern is null, with a warning, where it is longer than a text may be that CONCAT or REPLACE makes (ScalarFunction.java of
Elasticsearch, MAX_BYTES_REF_RESULT_SIZE).
"""


def _chosen(pairs: list[tuple[str, str]], otherwise: str) -> str:
    cases = ", ".join(f"{condition}, {value}" for condition, value in pairs)
    if not pairs:
        return otherwise
    return f"CASE({cases})" if otherwise == "null" else f"CASE({cases}, {otherwise})"


def _moment(seconds: float) -> str:
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(seconds * 1000))).isoformat(timespec="milliseconds")
    return f"TO_DATETIME({string(text.removesuffix('+00:00') + 'Z')})"


AGGREGATES: Mapping[str, str] = MappingProxyType(
    {
        "count": "COUNT({0})",
        "min": "MIN({0})",
        "max": "MAX({0})",
        "avg": "AVG({0})",
        "sum": "SUM({0})",
        **dict.fromkeys(("stdev", "stdevp", "variance", "variancep"), "STD_DEV({0})"),
        "percentile": "PERCENTILE({0}, {1})",
        "dcount": "COUNT_DISTINCT({0})",
        "count_distinct": "COUNT_DISTINCT({0})",
        "make_set": "VALUES({0})",
        "make_list": "VALUES({0})",
        "take_any": "MAX({0})",
    }
)
"""Functions of STATS (the reference's pages on aggregate functions)."""


def _list_text() -> str:
    """The JSON of several texts, whose quotes, backslashes and ends of lines it escapes."""
    text = f"MV_CONCAT({{0}}, {string(_MARK)})"
    for old, new in ((r"\\", r"\\\\"), ('"', r"\\" + '"'), *((rf"\{c}", rf"\\{c}") for c in "nrt"), (_MARK, '","')):
        text = f"REPLACE({text}, {string(old)}, {string(new)})"
    return f'COALESCE(CONCAT({string("[" + chr(34))}, {text}, {string(chr(34) + "]")}), "[]")'


_BLANKS = "[ \t\n\r]*"

_JSON_STRING, _JSON_NULL = (
    string(regex).replace("{", "{{").replace("}", "}}") for regex in (rf"{_BLANKS}\"([^\"\\]|\\.)*\"{_BLANKS}", f"{_BLANKS}null{_BLANKS}")
)

PARSED = f'CASE({{0}} RLIKE {_JSON_STRING}, JSON_EXTRACT(CONCAT("[", {{0}}, "]"), "[0]"), {{0}} RLIKE {_JSON_NULL}, "", {{0}})'
"""What ``parse_json`` reads in a text: what a JSON string holds, nothing for null, and the text itself otherwise."""


def _elements() -> str:
    """The elements of an array in a text that holds one, each as its JSON: what stands behind the bracket, and behind each comma."""
    return _parted("[", "]", value_of_json(), "$1")


def _parted(begin: str, end: str, one: str, kept: str) -> str:
    """What stands between commas in a text, as several values.

    Sources: elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions, REPLACE (Java's expressions), SPLIT.
    """
    apart = string(parted(begin, end, one)).replace("{", "{{").replace("}", "}}")
    ends = string("[\t\n\r]")
    return f'SPLIT(SUBSTRING(REPLACE(REPLACE({{0}}, {ends}, " "), {apart}, "\\n{kept}"), 2), "\\n")'


_ARRAY, _EMPTY_ARRAY = (string(regex) for regex in (rf"{_BLANKS}\[.*", rf"{_BLANKS}\[{_BLANKS}\]{_BLANKS}"))

_IS_JSON = 'JSON_EXTRACT(CONCAT("[", {0}, ",0]"), "[1]") == "0"'
"""Whether a text is JSON to its end: JSON_EXTRACT reads as far as the place that is asked for, so that what follows the text is.

Source: elastic/elasticsearch, JsonExtract.java (navigateToIndex).
"""

ELEMENTS = f"CASE({{0}} RLIKE {_ARRAY} AND {_IS_JSON}, {_elements()})"
"""The elements of an array in a text that may hold one."""

_OBJECT = string(rf"{_BLANKS}\{{.*").replace("{", "{{").replace("}", "}}")

MEMBERS = (
    f"CASE(NOT COALESCE({_IS_JSON}, false), {{0}}, "
    f"{{0}} RLIKE {_ARRAY}, {_parted('[', ']', value_of_json(DEEPEST), '$1')}, "
    f"{{0}} RLIKE {_OBJECT}, {_parted('{', '}', f'{QUOTED} *: *(?:{value_of_json(DEEPEST)})', '{{$1}}')}, {{0}})"
)
"""The elements of an array in a text, the properties of an object in one, each as an object, or the text as it is."""

JSON_LENGTH = f"TO_LONG(CASE({{0}} RLIKE {_EMPTY_ARRAY}, 0, {{0}} RLIKE {_ARRAY} AND {_IS_JSON}, MV_COUNT({_elements()})))"
"""How many elements an array has in a text that may hold one; missing where it holds none."""


def inside(text: str, steps: tuple[str | int, ...]) -> str:
    """What stands at a place in a text that holds JSON, missing where nothing does.

    Raises:
        Cannot: where the place is counted from the end of an array, or a name in it has a quote.
    """
    if (path := quoted_path(steps)) is None:
        way = "".join(f"[{step!r}]" for step in steps)
        raise Cannot(Diagnostic("unsupported-expression", f"the place {way} in an object or array is not supported here", None))
    return f"JSON_EXTRACT({text}, {string(path)})"


_DECIMAL, _HEXADECIMAL = string("[+\\-]?[0-9]+"), string("-?0[xX][0-9A-Fa-f]+")

WHOLE = (
    f"CASE(TRIM({{0}}) RLIKE {_DECIMAL}, TO_LONG(TRIM({{0}})), TRIM({{0}}) RLIKE {_HEXADECIMAL}, TO_LONG(REPLACE(TRIM({{0}}){OF_BASE_16})"
)
"""The whole number that a text of decimal or hexadecimal digits is; what is beyond 64 bits is none (the page on TO_LONG)."""

_OF_64_BITS = "0*[1-9a-fA-F][0-9a-fA-F]{0,14}|0*[1-7][0-9a-fA-F]{15}"


def _truth(word: str, decimal: str, hexadecimal: str) -> str:
    """That a text is a word, or a whole number: of what is beyond 64 bits TO_LONG makes nothing."""
    spelled = "".join(f"[{c}{c.upper()}]" for c in word)
    whole, others = string(f"{spelled}|-?0[xX]({hexadecimal})").replace("{", "{{").replace("}", "}}"), string("[+-]?[0-9]+")
    return f"(TRIM({{0}}) RLIKE {whole} OR COALESCE(CASE(TRIM({{0}}) RLIKE {others}, TO_LONG(TRIM({{0}})) {decimal} 0), false))"


TRUTHS = _truth("true", "!=", _OF_64_BITS), _truth("false", "==", "0+")
"""What ``tobool`` reads as true and as false: learn.microsoft.com/kusto/query/tobool-function."""

_WHOLE_LIMIT = f"CASE({WHOLE} >= -2147483648 AND {WHOLE} <= 2147483647, {WHOLE})"

SPAN_TEXT = 'CONCAT(CASE({0} >= 86400, CONCAT(TO_STRING({0} / 86400), "."), ""), DATE_FORMAT("HH:mm:ss", TO_DATETIME({0} % 86400 * 1000)))'
"""The text of whole seconds, as hours, minutes and seconds behind the days, where there are some."""


_MOST_MISSING = 6
"""How many values of a list may be missing: with each the text of the list doubles."""


def _appended(texts: list[str]) -> str:
    """Known texts are a list as they stand. Of what is missing MV_APPEND makes nothing, where KQL has an empty list.

    Raises:
        Cannot: where too many of them may be missing.
    """
    parts: list[tuple[str, bool]] = []
    for known, run in itertools.groupby(texts, lambda text: text.startswith('"')):
        held = list(run)
        parts += [(f"[{', '.join(held)}]" if len(held) > 1 else held[0], True)] if known else [(text, False) for text in held]
    if sum(not known for _, known in parts) > _MOST_MISSING:
        raise Cannot(Diagnostic("unsupported-expression", "a list of so many values, of which each may be missing, is too long", None))
    (whole, filled), *rest = parts
    for text, known in rest:
        alone = (whole,) if filled else (text,) if known else (whole, text)
        whole, filled = f"COALESCE({', '.join((f'MV_APPEND({whole}, {text})', *alone))})", filled or known
    return whole


ESQL = Language(
    string=string, atoms=ATOMS, finds_any=FINDS_ANY, functions=FUNCTIONS, true="true", false="false", null="null", missing="{0} IS NULL",
    present="{0} IS NOT NULL", equal="{0} == {1}", caseless="TO_LOWER({0}) == TO_LOWER({1})",
    joined=lambda texts: texts[0] if len(texts) == 1 else f"CONCAT({', '.join(texts)})",
    chosen=_chosen, now="NOW()", moment=_moment, finest=10_000, of_columns=OF_COLUMNS, of_lists=OF_LISTS, most_of_lists="1 MB", texts=TEXTS,
    aggregates=AGGREGATES,
    moment_of_text=lambda text: f"TO_DATETIME({text})",
    list_text=_list_text(), inside=inside, parsed=PARSED, elements=ELEMENTS, json_length=JSON_LENGTH,
    element='JSON_EXTRACT(CONCAT("[", {0}, "]"), "[0]")', members=MEMBERS,
    member=f'CASE({_IS_JSON.format("{1}")} AND {{1}} RLIKE {_ARRAY}, JSON_EXTRACT(CONCAT("[", {{0}}, "]"), "[0]"), {{0}})',
    digits={"tolong": "TO_LONG({0})", "toint": "CASE(TO_LONG({0}) >= -2147483648 AND TO_LONG({0}) <= 2147483647, TO_LONG({0}))"},
    wholes={"tolong": WHOLE, "toint": _WHOLE_LIMIT},
    deviations={
        "stdev": "CASE({1} > 1, {0} * SQRT({1} / ({1} - 1.0)), 0.0)",
        "stdevp": "CASE({1} > 0, {0}, 0.0)",
        "variance": "CASE({1} > 1, {0} * {0} * {1} / ({1} - 1.0), 0.0)",
        "variancep": "CASE({1} > 0, {0} * {0}, 0.0)",
    },
    classes="dswb", split="SPLIT({0}, {1})", span_text=SPAN_TEXT, list_start="MV_SLICE({0}, 0, {2})",
    appended=_appended, list_length="COALESCE(MV_COUNT({0}), 0)", list_count="MV_COUNT({0})", list_sorted="MV_SORT({0})",
    list_joined='COALESCE(MV_CONCAT({0}, {1}), "")', truths=TRUTHS,
    length="MV_COUNT(SPLIT({0}, {1}))", gap=" ", real="TO_DOUBLE({0})", whole="TO_LONG({0})", narrow="TO_INTEGER({0})", fraction=True,
)  # fmt: skip
