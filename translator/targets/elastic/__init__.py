"""Elastic: EQL and ES|QL, and what both share."""

from __future__ import annotations

import re

from translator.detection.model import Selector
from translator.fidelity import Diagnostic
from translator.plan.expressions import Apply, Expr
from translator.plan.patterns import searched
from translator.regex.lucene import Case, lucene
from translator.regex.parser import RegexError
from translator.regex.syntax import Node
from translator.regex.writers import Inexpressible
from translator.targets.base import Cannot
from translator.targets.names import IN_DOCUMENT, WHOLE, Names
from translator.targets.text import writable


def string(value: str) -> str:
    """A string literal of EQL and of ES|QL; no value can end it. Raises Cannot for one with control characters."""
    out = writable(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + out.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def literal(value: str | int | float | bool) -> str:
    """A constant of EQL and of ES|QL. Raises Cannot for a text with control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return string(value) if isinstance(value, str) else repr(value)


KEEPS = frozenset({"odd-schedule", "suppression", "grouping-each", "custom-details", "title-of-column", "severity-column"})
"""Settings that a rule of Kibana keeps: alert_suppression, investigation_fields, rule_name_override, severity_mapping."""

UNREADABLE = {
    "esql": frozenset({"flattened", *IN_DOCUMENT, "object", WHOLE, "geo_point", "conflict"}),
    "query": frozenset({*IN_DOCUMENT, WHOLE}),
    "eql": frozenset({"text", "match_only_text", *IN_DOCUMENT, "flattened", WHOLE, "conflict"}),
}
"""Types of fields that a language has no conditions on (the pages "Limitations" of ES|QL and of EQL; "Kibana Query Language" has words
of its own for nested fields)."""

_PLAIN = re.compile(r"[A-Za-z_@][A-Za-z0-9_@]*(\.[A-Za-z_@][A-Za-z0-9_@]*)*")


_WORDS = frozenset(
    """
    and any as asc by case desc false first in is join last like maxspan metadata not null nulls of on or regex rlike runs sample
    sequence true until where with
    """.split()
)
"""Words of EQL's and ES|QL's grammars (EqlBase.g4, EsqlBaseLexer.g4), none of which may be a field's name, or a part of one, as it is."""


def field(name: str) -> str:
    """A field name, in backquotes unless each of its parts is a plain word."""
    plain = _PLAIN.fullmatch(name) and not _WORDS & {*name.lower().split(".")}
    return name if plain else "`" + name.replace("`", "``") + "`"


def among_listed(name: str, field_name: str, caseless: bool) -> str:
    """That a field has a value of a list in EQL, which looks nothing up: the values are to be written where the name of the list is."""
    return f"{field_name} {'in~' if caseless else 'in'} ({string(f'%{name}%')})"


def dataset(names: Names, selector: Selector) -> str:
    """What ``event.dataset`` holds for the events of a selector's table; empty where these are not told by it."""
    found = names.home(selector)
    return found.place.get("dataset", "") if found else selector.table


def indices(names: Names, selector: Selector) -> tuple[str, ...]:
    """The index patterns of the events of a selector's table."""
    found = names.home(selector)
    return found.places["index"] if found else (re.sub(r"[^a-z0-9_.-]", "_", selector.table.lower()),)


LONGEST_PATTERN = 1_000
"""Characters of a regular expression that an index is asked for (Elasticsearch reference, Index modules, index.max_regex_length)."""


def changes_case(text: str) -> bool:
    """Whether a text is a bare TO_LOWER or TO_UPPER, of which the server makes a comparison without case on what is below it."""
    return text.startswith(("TO_LOWER(", "TO_UPPER("))


def apart(text: str) -> str:
    """A text as the server takes it, and not what is below it."""
    return f'CONCAT({text}, "")'


def rlike(text: str, pattern: str) -> str:
    """That a text as a whole is a pattern of Lucene's.

    Of a bare TO_LOWER the server makes a pattern without case on the field itself, which does not hold for ranges of letters, and nothing
    of one in which a capital stands (ReplaceStringCasingWithInsensitiveRegexMatch of Elasticsearch, since 9.1): it stands in CONCAT. So
    does a field where the index would refuse the pattern.
    """
    subject = apart(text) if changes_case(text) or len(pattern) > LONGEST_PATTERN else text
    return f"{subject} RLIKE {string(pattern)}"


def lucene_of(node: Apply, case: Case = "kept") -> str:
    """The regular expression of ``matches regex`` as Lucene's. Raises Cannot where it has none."""
    try:
        return lucene_text(searched(node), node, case)
    except RegexError as error:
        raise Cannot(Diagnostic("target-cannot", f"this is no regular expression: {error}", node.span)) from None


def lucene_text(tree: Node, node: Expr, case: Case = "kept") -> str:
    """A regular expression at ``node`` as Lucene's. Raises Cannot where it has none."""
    try:
        return lucene(tree, case)
    except Inexpressible as error:
        raise Cannot(Diagnostic("target-cannot", f"Lucene's regular expressions cannot say {error}", node.span)) from None
