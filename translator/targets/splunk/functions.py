"""Functions of KQL in SPL's eval.

Source of each row: Splunk Search Reference, "Evaluation functions", the page named in the heading of its group. Times are seconds of the
epoch, so that their parts are told by arithmetic: ``strftime`` goes by the time zone of the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from translator.regex.writers import pcre
from translator.targets.computed import Functions
from translator.targets.pipeline import Function
from translator.targets.splunk.words import OR_EMPTY, string


def _day(moment: str = "{0}") -> str:
    return f"(floor({moment}/86400)*86400)"


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        # Text functions
        "tolower": Function(("text",), "text", "lower({0})", False),
        "toupper": Function(("text",), "text", "upper({0})", False),
        "strlen": Function(("text",), "int", "len({0})", False, natural=True),
        # Conversion functions
        "tostring": Function(("int",), "text", "tostring({0})", False),
        # Mathematical functions
        "abs": Function(("int|real|span",), "real", "abs({0})", natural=True),
        "floor": Function(("real|int",), "int", "floor({0})"),
        "ceiling": Function(("real|int",), "int", "ceiling({0})"),
        "sqrt": Function(("int",), "real", "sqrt({0})", True),
        # Comparison and conditional functions
        "coalesce": Function((), "text", "coalesce({0})"),
        # Date and time by arithmetic; the first day of the epoch was a Thursday
        "hourofday": Function(("time",), "int", "floor(({0}%86400)/3600)", natural=True),
        "dayofweek": Function(("time",), "span", "(((floor({0}/86400)+4)%7)*86400)", natural=True),
        "startofday": Function(("time",), "time", _day()),
        "startofweek": Function(("time",), "time", "((floor(({0}/86400+4)/7)*7-4)*86400)"),
    }
)
"""Those that need no more than their arguments. ``iff``, ``case``, ``strcat``, ``bin`` and arithmetic are the walk's own."""


def _chosen(pairs: list[tuple[str, str]]) -> str:
    return "case(" + ", ".join(f"{guard}, {value}" for guard, value in pairs) + ")"


TEXTS = Functions(
    string,
    OR_EMPTY,
    lambda texts: f"({'.'.join(texts)})",
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
)
"""Text functions of eval (Search Reference, "Text functions": substr counts from 1, replace takes the groups of its expression as \\1)."""
