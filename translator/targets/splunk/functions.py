"""Functions of KQL in SPL's eval.

Source of each row: Splunk Search Reference, "Evaluation functions", the page named in the heading of its group. Times are seconds of the
epoch, so that their parts are told by arithmetic: ``strftime`` goes by the time zone of the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from translator.regex.terms import LETTERS
from translator.regex.writers import END, pcre
from translator.targets.computed import Functions
from translator.targets.pipeline.language import Function
from translator.targets.splunk.words import OR_EMPTY, string


def _day(moment: str = "{0}") -> str:
    return f"(floor({moment}/86400)*86400)"


def _matched(regex: str) -> str:
    """That the argument of a function matches, whose braces ``format`` is to leave alone."""
    return f"match({{0}}, {_braced(string(regex))})"


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _in_bytes(text: str) -> str:
    """A text with as many characters as it has bytes in UTF-8."""
    for size, longer in ((2, r"[\x{80}-\x{7ff}]"), (3, r"[\x{800}-\x{ffff}]"), (4, r"[\x{10000}-\x{10ffff}]")):
        text = f"replace({text}, {_braced(string(longer))}, {string('_' * size)})"
    return text


def _hexadecimal(whole: str = "{0}") -> str:
    """The hexadecimal digits of a whole number, of one below 0 those of its 64 bits; each ``%x`` has 32 bits at most."""
    high = f"floor({whole}/4294967296)"
    low = f"{whole}-{high}*4294967296"
    negative, large = f'printf("%08x%08x", {high}+4294967296, {low})', f'printf("%x%08x", {high}, {low})'
    return f'case({whole}<0, {negative}, {whole}>=4294967296, {large}, isnotnull({whole}), printf("%x", {whole}), true(), "")'


_BARE = "replace({0}, " + string(r"^\s*\+?|\s+$") + ', "")'


def _whole(digits: str, hexadecimal: str) -> str:
    """A whole number that is written in digits as these expressions say; a negative one of hexadecimal digits is none here."""
    decimal, other = _matched(rf"^\s*[+-]?0*({digits})\s*$"), _matched(rf"(?i)^\s*0x0*({hexadecimal})\s*$")
    return f'case({decimal}, tonumber({_BARE}), {other}, tonumber(replace({_BARE}, "^0[xX]", ""), 16))'


_DAY_OF_FOUR_YEARS = "((floor({0}/86400)+671)%1461)"
"""Counted from the first of March 1968 on: the day that only one of four years has is the last."""

_DAY_OF_YEAR = f"if({_DAY_OF_FOUR_YEARS}==1460, 365, {_DAY_OF_FOUR_YEARS}%365)"
_MONTH = f"floor((5*({_DAY_OF_YEAR})+2)/153)"
"""Both from March on, where the days before a month are those of months of 30.6 days."""

_DAY_OF_MONTH = f"(({_DAY_OF_YEAR})-floor((153*{_MONTH}+2)/5)+1)"
_YEAR = f"(1968+4*floor((floor({{0}}/86400)+671)/1461)+min(floor({_DAY_OF_FOUR_YEARS}/365), 3)+if({_MONTH}>9, 1, 0))"


CALENDAR: Mapping[str, Function] = MappingProxyType(
    {
        "startofmonth": Function(("time",), "time", f"({_day()}-({_DAY_OF_MONTH}-1)*86400)", rounded=True),
        "dayofmonth": Function(("time",), "int", _DAY_OF_MONTH, natural=True),
        **dict.fromkeys(("getmonth", "monthofyear"), Function(("time",), "int", f"(({_MONTH}+2)%12+1)", natural=True)),
        "getyear": Function(("time",), "int", _YEAR, natural=True),
    }
)
"""Those of the times of events, by arithmetic."""


def _of_calendar(words: str) -> str:
    """What is true from 1970 to 2099, in which each fourth year is one day longer."""
    return f"if({{0}}>=0 AND {{0}}<4102444800, {words}, null())"


_OF_64_BITS = r"\d{1,18}", "[0-9a-f]{1,13}"
_OF_32_BITS = (
    r"\d{1,9}|1\d{9}|20\d{8}|21[0-3]\d{7}|214[0-6]\d{6}|2147[0-3]\d{5}|21474[0-7]\d{4}|214748[0-2]\d{3}|2147483[0-5]\d{2}"
    r"|21474836[0-3]\d|214748364[0-7]",
    "[0-7]?[0-9a-f]{1,7}",
)
_REAL = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        # Text functions
        "tolower": Function(("text",), "text", "lower({0})", False),
        "toupper": Function(("text",), "text", "upper({0})", False),
        "strlen": Function(("text",), "int", "len({0})", False, natural=True),
        "string_size": Function(("text",), "int", f"len({_in_bytes('{0}')})", False, natural=True),
        "indexof": Function(
            ("text", "text"),
            "int",
            'case({1}=="", 0, mvcount(split({0}, {1}))>1, coalesce(len(mvindex(split({0}, {1}), 0)), 0), true(), -1)',
            False,
        ),
        "tohex": Function(("int",), "text", _hexadecimal(), False),
        # Cryptographic functions; KQL has no digest of an empty text
        **{f"hash_{name}": Function(("text",), "text", f'if({{0}}=="", "", {name}({{0}}))', False) for name in ("md5", "sha1", "sha256")},
        # Conversion functions
        "tostring": Function(("int",), "text", "tostring({0})", False),
        "tolong": Function(("text",), "int", _whole(*_OF_64_BITS), True),
        "toint": Function(("text",), "int", _whole(*_OF_32_BITS), True),
        **dict.fromkeys(
            ("todouble", "toreal"),
            Function(("text",), "real", f"if({_matched(_REAL)}, tonumber({_BARE}), null())", True),
        ),
        # Mathematical functions
        "round": Function(("int|real",), "real", "round({0})"),
        "abs": Function(("int|real|span",), "same", "abs({0})", natural=True),
        "floor": Function(("real|int",), "int", "floor({0})"),
        "ceiling": Function(("real|int",), "int", "ceiling({0})"),
        "sqrt": Function(("int|real",), "real", "if({0}>=0, sqrt({0}), null())", True),
        # Comparison and conditional functions
        "coalesce": Function((), "text", "coalesce({0})"),
        # Statistical eval functions
        "max_of": Function((), "same", "max({0})"),
        "min_of": Function((), "same", "min({0})"),
        # Date and time by arithmetic; the first day of the epoch was a Thursday
        "hourofday": Function(("time",), "int", "floor(({0}%86400)/3600)", natural=True),
        "dayofweek": Function(("time",), "span", "(((floor({0}/86400)+4)%7)*86400)", natural=True, rounded=True),
        "startofday": Function(("time",), "time", _day()),
        "startofweek": Function(("time",), "time", "((floor(({0}/86400+4)/7)*7-4)*86400)"),
        **{name: replace(f, words=_of_calendar(f.words), nullable=True) for name, f in CALENDAR.items()},
        **{
            f"unixtime_{unit}_todatetime": Function(
                ("int|real",), "time", f"if(abs({{0}}/{ones})<=62135596800, {{0}}/{ones}, null())", True
            )
            for unit, ones in (("seconds", 1), ("milliseconds", 1_000), ("microseconds", 1_000_000))
        },
    }
)
"""Those that need no more than their arguments. ``iff``, ``case``, ``strcat``, ``bin`` and arithmetic are the walk's own."""


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _sextet(place: int) -> str:
    """The number of a letter of base64, by how much of the alphabet stands before it."""
    return f'coalesce(len(mvindex(split("{_ALPHABET}", substr({{0}}, {place}, 1)), 0)), 0)'


def _byte(number: str) -> str:
    return f'"%".printf("%02x", {number})'


def _unless_padded(place: int, byte: str) -> str:
    return f'if(substr({{0}}, {place}, 1)=="=", "", {byte})'


_ENCODED = f"match({{0}}, {_braced(string('^[A-Za-z0-9+/]+={0,2}' + END))}) AND len({{0}})%4==0"
_QUARTETS = 'split(rtrim(replace({0}, "(.{{4}})", "\\1,"), ","), ",")'
_BYTES = ".".join(
    (
        _byte(f"{_sextet(1)}*4+floor({_sextet(2)}/16)"),
        _unless_padded(3, _byte(f"({_sextet(2)}%16)*16+floor({_sextet(3)}/4)")),
        _unless_padded(4, _byte(f"({_sextet(3)}%4)*64+{_sextet(4)}")),
    )
)
_NEXT = "%[89ab]."
_UTF_8 = "|".join(
    (
        "%[0-7].", f"%(c[2-9a-f]|d.){_NEXT}", f"%e0%[ab].{_NEXT}", f"%e[1-9a-cef]{_NEXT}{_NEXT}", f"%ed%[89].{_NEXT}",
        f"%f0%[9ab].{_NEXT}{_NEXT}", f"%f[1-3]{_NEXT}{_NEXT}{_NEXT}", f"%f4%8.{_NEXT}{_NEXT}",
    )
)  # fmt: skip
"""A character of UTF-8, its bytes as an address has them (RFC 3629, section 4)."""

DECODING = (
    f"if({_ENCODED}, {_QUARTETS}, null())",
    f'mvjoin(mvmap({{0}}, {_BYTES}), "")',
    f'if(replace({{0}}, "{_UTF_8}", "")=="", urldecode(replace({{0}}, "%00", "{{1}}")), "")',
)
"""What a text of base64 decodes to, step by step, each of what the one before gives: letters by fours, bytes, the text.

Source: RFC 4648, section 4; Splunk Search Reference, "Multivalue eval functions" (mvmap), "Text functions" (urldecode),
"Conversion functions" (printf).
"""


TRUTHS = (
    _matched(r"(?i)^\s*(true|[+-]?0*[1-9]\d{0,17}|0x0*[1-9a-f][0-9a-f]{0,12})\s*$"),
    _matched(r"(?i)^\s*(false|[+-]?0+|0x0+)\s*$"),
)
"""What ``tobool`` reads as true and as false: learn.microsoft.com/kusto/query/tobool-function."""


def number_inside(function: str, text: str, typed: str) -> str:
    """``toint``, ``tolong`` or ``todouble`` of what stands at a place in JSON, of its text and of an array that begins with it.

    A whole number is cut off, a text has to be one of a number, and a flag is 1 or 0: learn.microsoft.com/kusto/query/toint-function.
    """
    number = f"tonumber({text})"
    cut = number if FUNCTIONS[function].gives == "real" else f"if({number}<0, ceiling({number}), floor({number}))"
    if function == "toint":
        most, all_ = 2**31, 2**32
        wrapped = f"(({number}+{most})%{all_}+{all_})%{all_}-{most}"
        cut = f"if(match({typed}, {string('^[^,]*[.eE]')}), min(max({cut}, {-most}), {most - 1}), {wrapped})"
    written = FUNCTIONS[function].words.format(text)
    kinds = ((r'^\["', written), (r"^\[[tf]", f'if({text}=="true", 1, 0)'), (r"^\[[-0-9]", cut))
    return f"case({', '.join(f'match({typed}, {string(begins)}), {value}' for begins, value in kinds)})"


_APART = f"((?<![{LETTERS}])|(?![{LETTERS}]))"
"""A place that is not between two characters of a term."""

_TERM = f'"(?i){_APART}\\\\Q".lower({{0}})."\\\\E{_APART}"'
"""What matches a text as a term; in lower case it has no ``\\E``, which would end the quote."""

OF_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "contains": '({1}=="" OR coalesce(mvcount(split(lower({0}), lower({1}))), 0)>1)',
        "contains_cs": '({1}=="" OR coalesce(mvcount(split({0}, {1})), 0)>1)',
        "startswith": '("_".substr(lower({0}), 1, len({1})))==("_".lower({1}))',
        "startswith_cs": '("_".substr({0}, 1, len({1})))==("_".{1})',
        "has": f"match({{0}}, {_TERM.format('{1}')})",
    }
)
"""Operators on texts of which none is known before: a text that another one splits has it inside ("Multivalue eval functions", split)."""


_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_NETWORK = f"match({{1}}, {_braced(string(rf'^({_OCTET}[.]){{3}}{_OCTET}(/([0-2]?[0-9]|3[0-2]))?$'))})"
_INSIDE = 'cidrmatch(if(match({1}, "/"), {1}, {1}."/32"), {0})'

OF_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "has_any": f"isnotnull(mvmap({{1}}, if({OF_COLUMNS['has']}, 1, null())))",
        "ipv4_is_in_any_range": f"isnotnull(mvmap({{1}}, if({_NETWORK} AND {_INSIDE}, 1, null())))",
    }
)
"""The same on a text and several values ("Multivalue eval functions", mvmap)."""

NOT_OF_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "ipv4_is_in_any_range": '(isnull({1}) OR cidrmatch("0.0.0.0/0", {0})) AND '
        f"isnull(mvmap({{1}}, case(NOT {_NETWORK}, 1, {_INSIDE}, 1, true(), null())))",
    }
)
"""That they are false, where they may be null: learn.microsoft.com/kusto/query/ipv4-is-in-any-range-function."""


_OPENED, _CLOSING, _PARTED, _CLOSED = map(_braced, map(string, (r"^\Q", r"\E", r"\E\\E\Q", r"\E" + END)))
_WHOLE = f'{_OPENED}.coalesce(mvjoin(split({{0}}, {_CLOSING}), {_PARTED}), "").{_CLOSED}'
"""What matches a text alone: where it has an end of the quote, that stands between two quotes."""

OF_SETS: Mapping[str, str] = MappingProxyType(
    {
        "set_union": "mvdedup(mvappend({0}, {1}))",
        "set_difference": f"mvdedup(mvmap({{0}}, if(isnull(mvfind({{1}}, {_WHOLE})), {{0}}, null())))",
        "set_intersect": f"mvdedup(mvmap({{0}}, if(isnotnull(mvfind({{1}}, {_WHOLE})), {{0}}, null())))",
    }
)
"""Functions of two lists of texts ("Multivalue eval functions": mvfind finds the first value that matches a regular expression)."""


def _chosen(pairs: list[tuple[str, str]]) -> str:
    if len(pairs) == 2 and pairs[1][0] == "true()":
        return f"if({pairs[0][0]}, {pairs[0][1]}, {pairs[1][1]})"
    return "case(" + ", ".join(f"{guard}, {value}" for guard, value in pairs) + ")"


TEXTS = Functions(
    string,
    OR_EMPTY,
    lambda texts: f"({' . '.join(texts)})",
    _chosen,
    {"tolower": "lower({0})", "toupper": "upper({0})", "file_name": "replace({0}, " + string(r"^.*[\\/]") + ', "")'},
    "replace({0}, {1}, {2})",
    r"\{0}",
    lambda text: text.replace("\\", "\\\\"),
    'coalesce(mvindex(split({0}, {1}), {2}), "")',
    "substr({0}, {1}, {2})",
    lambda text, regex, node: f"match({text}, {string(pcre(regex))})",
    pcre,
    "true()",
    long_marks=True,
)
"""Text functions of eval (Search Reference, "Text functions": substr counts from 1, replace takes the groups of its expression as \\1)."""
