"""The ``detection`` section of a Sigma rule: conditions as maps of fields, modifiers and values.

Source: github.com/SigmaHQ/sigma-specification, sigma-modifiers (appendix).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from translator import catalog
from translator.detection.model import Selector, compares
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import TEXT_OPERATORS, is_field, pushed
from translator.plan.expressions import (
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Items,
    conjunction,
    const,
    disjunction,
    negation,
    transform,
    walk,
)
from translator.plan.patterns import searched
from translator.plan.types import Type
from translator.regex.endings import ending, takes_line_feed, takes_no_line_feed, without_tail
from translator.regex.parser import RegexError
from translator.regex.writers import END, Inexpressible, kql, sigma
from translator.sigma.groups import is_missing
from translator.targets.base import TIMES, Cannot
from translator.targets.names import Names
from translator.targets.predicates import takes_empty, tell_of_ascii, values
from translator.targets.text import has_pattern

EXACT = frozenset({"==", "in"})
"""Comparisons that any type of field takes."""

ALWAYS_PRESENT: Mapping[str, str] = MappingProxyType(
    {
        "antivirus": "Signature",
        "dns": "query",
        "dns_query": "QueryName",
        "firewall": "src_ip",
        "network_connection": "DestinationIp",
        "process_creation": "Image",
        "ps_script": "ScriptBlockText",
        **dict.fromkeys(("file_event", "file_change", "file_delete", "file_rename"), "TargetFilename"),
        **dict.fromkeys(("image_load", "driver_load"), "ImageLoaded"),
        **dict.fromkeys(("proxy", "webserver"), "cs-method"),
        **dict.fromkeys(("registry_event", "registry_set", "registry_add", "registry_delete"), "TargetObject"),
    }
)
"""By category of a log source: a field that all of its events have (Sigma specification, appendix taxonomy, "Fields")."""


def escape(value: str) -> str:
    r"""``value`` as a Sigma string: ``*`` and ``?`` are wildcards there, and ``\`` escapes where it stands before one of them."""
    return re.sub(r"\\(?=[\\*?]|$)", r"\\\\", value).replace("*", "\\*").replace("?", "\\?")


def _cased(items: list[Any]) -> str:
    return "|cased" if any(isinstance(v, str) and v.lower() != v.upper() for v in items) else ""


def _values(items: list[Any]) -> Any:
    escaped = list(dict.fromkeys(escape(v) if isinstance(v, str) else v for v in items))
    return escaped[0] if len(escaped) == 1 else escaped


def _plain(modifier: str, cased: bool) -> Callable[[str, list[Any]], tuple[str, Any]]:
    def spell(field: str, items: list[Any]) -> tuple[str, Any]:
        return f"{field}{modifier}{_cased(items) if cased else ''}", _values(items)

    return spell


def _pattern(flags: str, make: Callable[[str], str]) -> Callable[[str, list[Any]], tuple[str, Any]]:
    def spell(field: str, items: list[Any]) -> tuple[str, Any]:
        patterns = [make(str(v)) for v in items]
        return f"{field}|re{flags}", patterns[0] if len(patterns) == 1 else patterns

    return spell


def _placeholder(modifier: str) -> Callable[[str, list[Any]], tuple[str, Any]]:
    def spell(field: str, items: list[Any]) -> tuple[str, Any]:
        return f"{field}{modifier}|expand", f"%{items[0]}%"

    return spell


_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

IPV4 = rf"^{_OCTET}(\.{_OCTET}){{3}}$"
"""What an IPv4 address looks like."""

ATOMS: dict[str, Callable[[str, list[Any]], tuple[str, Any]]] = {
    "==": _plain("", True),
    "in": _plain("", True),
    "=~": _plain("", False),
    "in~": _plain("", False),
    "contains": _plain("|contains", False),
    "contains_cs": _plain("|contains", True),
    "startswith": _plain("|startswith", False),
    "startswith_cs": _plain("|startswith", True),
    "endswith": _plain("|endswith", False),
    "endswith_cs": _plain("|endswith", True),
    "has": _pattern("|i", has_pattern),
    "has_cs": _pattern("", has_pattern),
    "hasprefix": _pattern("|i", lambda v: has_pattern(v, prefix=True)),
    "hasprefix_cs": _pattern("", lambda v: has_pattern(v, prefix=True)),
    "hassuffix": _pattern("|i", lambda v: has_pattern(v, suffix=True)),
    "hassuffix_cs": _pattern("", lambda v: has_pattern(v, suffix=True)),
    "expand": _placeholder(""),
    "expand_cs": _placeholder("|cased"),
    "expand_within": _placeholder("|contains"),
    "expand_end": lambda field, items: (f"{field}|endswith|expand", items[0]),
    "expand_cs_end": lambda field, items: (f"{field}|endswith|cased|expand", items[0]),
    "cidr": _plain("|cidr", False),
    "<": _plain("|lt", False),
    "<=": _plain("|lte", False),
    ">": _plain("|gt", False),
    ">=": _plain("|gte", False),
}
"""Key and value of a detection item for every operator. Sigma compares without case unless ``cased``; ``re`` keeps case."""


def _field_to_field(node: Expr) -> Expr:
    """Two fields that are equal as the modifier ``fieldref``, which knows nothing of missing ones: in KQL these are equal as well."""
    match node:
        case Apply(function="==" | "=~" as function, args=(left, right)) if (
            is_field(left) and is_field(right) and {left.type, right.type} <= {Type.STRING, Type.UNKNOWN}
        ):
            same = Apply(node.span, Type.BOOL, "fieldref" if function == "=~" else "fieldref_cs", (left, right))
            return disjunction(same, conjunction(is_missing(left), is_missing(right)))
    return node


def _ending_with(node: Expr) -> Expr:
    """That the last part of a text is in a list as the text that ends so: Sigma has no parts of texts."""
    match node:
        case Apply(function="expand_last" | "expand_cs_last" as function, args=(source, Const(value=name), Const(value=mark))):
            whole = function.removesuffix("_last")
            ending = Apply(node.span, Type.BOOL, f"{whole}_end", (source, const(f"{mark}%{name}%")))
            return disjunction(Apply(node.span, Type.BOOL, whole, (source, const(name))), ending)
    return node


def _as_endings(node: Expr, cased: bool) -> Expr:
    """A regular expression of the texts that a value ends with, as these texts; ``cased`` says whether the output may ask for case.

    One that may end with more is the texts, or a pattern with that.
    """
    match node:
        case Apply(function="matches regex" | "matches regex~", args=(subject, Const())) if is_field(subject):
            try:
                tree = searched(node)
            except RegexError:
                return node
            found, further = ending(tree), list[Expr]()
            if found is None and not _is_one_line(subject) and (apart := without_tail(tree)) is not None:
                found = ending(apart[0])
                further = [Apply(node.span, Type.BOOL, "matches regex", (subject, const(kql(apart[1]))))]
            if found is None or not (cased or found.caseless):
                return node
            whole, ends = ([const(text) for text in texts] for texts in (found.whole, found.ends))
            equal, ends_with = ("in~", "endswith") if found.caseless else ("in", "endswith_cs")
            is_whole = [Apply(node.span, Type.BOOL, equal, (subject, Items(None, Type.DYNAMIC, tuple(whole))))] if whole else []
            return disjunction(*is_whole, *(Apply(node.span, Type.BOOL, ends_with, (subject, text)) for text in ends), *further)
    return node


def _to_its_end(node: Expr) -> Expr:
    """A regular expression up to the end of a value, with that no line feed ends it, before which a pattern's end is in Sigma as well."""
    match node:
        case Apply(function="matches regex" | "matches regex~", args=(subject, Const())) if is_field(subject) and not _is_one_line(subject):
            try:
                tree = searched(node)
            except RegexError:
                return node
            if takes_no_line_feed(tree):
                return conjunction(node, negation(Apply(node.span, Type.BOOL, "endswith_cs", (subject, const("\n")))))
    return node


def _with_value(node: Expr, names: Names) -> Expr:
    """That one of several values is not empty as a pattern of any letter: a denied condition denies all of them."""
    match node:
        case Apply(function="not", args=(Apply(function="isempty", args=(field,)),)) if is_field(field) and names.is_multivalue(field):
            return Apply(node.span, Type.BOOL, "matches regex", (field, const("(?s).")))
    return node


def _is_one_line(field: Expr) -> bool:
    """Whether a field is known to have no line feed."""
    match field:
        case ColumnRef(column=column):
            return column.one_line or (not column.stored and catalog.is_one_line(column.table or "", column.name))
    return False


def _hours(atom: Apply) -> tuple[Expr, list[int]] | None:
    """The time and the hours of the day that a condition on ``hourofday`` allows; None where it is another."""
    match atom:
        case Apply(function=function, args=(Apply(function="hourofday", args=(time,)), Const(value=int(hour)))) if is_field(
            time
        ) and function in ("==", "<", "<=", ">", ">="):
            if found := [h for h in range(24) if compares(function, h, hour)]:
                return time, found
    return None


MOST_PATTERNS = 1_000
"""How many regular expressions a selection may have: pySigma compiles each, several times, for a hundredth of a second."""


class Selections:
    """The ``detection`` section of one selector: named maps and the condition over them."""

    def __init__(self, names: Names, selector: Selector) -> None:
        predicate = transform(selector.predicate, lambda n: _ending_with(_field_to_field(n)))
        if names.family == "sigma":
            predicate = transform(predicate, lambda n: _as_endings(n, names.options.prefer == "exact"))
            predicate = transform(predicate, lambda n: _with_value(_to_its_end(n), names))
        for node in walk(predicate):
            if _with_value(node, names) != node:
                names.say("element-negated", "the KQL asks for one value that is not empty, the output for none that is", node.span)
        predicate = pushed(predicate)
        self.names, self.selector = names, replace(selector, predicate=predicate)
        self.maps: dict[str, dict[str, Any]] = {}
        self.names_of_maps: dict[str, str] = {}
        self.numbers = Counter[str]()
        self.patterns = 0

    def detection(self) -> dict[str, Any]:
        """The section, ready for YAML; a selector without conditions asks that there is a time.

        Raises:
            Cannot: where a condition has no form in Sigma.
        """
        if self.selector.predicate == TRUE:
            return {"selection": {f"{self.time()}|exists": True}, "condition": "selection"}
        condition = self.condition()
        return {**self.maps, "condition": condition}

    def time(self) -> str:
        """The field with the time of an event, which every event has."""
        if self.names.family == "elastic":
            return "event.dataset"  # EQL takes no name with an @ without quotes
        if self.names.options.fields == "source":
            return "Timestamp" if "Timestamp" in catalog.schemas().get(self.selector.table, {}) else "TimeGenerated"
        home = self.names.home(self.selector)
        if home is not None and (always := ALWAYS_PRESENT.get(home.place.get("category", ""))):
            return always
        known = home.columns.get("TimeGenerated") if home is not None else None
        if isinstance(known, catalog.Stored):
            return known.name
        if home is not None and "category" in home.place:
            self.names.missing.setdefault(self.selector.table, []).append("TimeGenerated")
        return TIMES[self.names.family]

    def condition(self) -> str:
        """The condition over the maps that it fills. Raises Cannot."""
        return self.text(self.selector.predicate, False)

    def add(self, kind: str, items: dict[str, Any]) -> str:
        """Keeps a map, each once, and gives the name by which the condition calls it: ``selection``, ``selection_2``, ``filter_1``."""
        key = repr(items)
        if key not in self.names_of_maps:
            self.numbers[kind] += 1
            number = self.numbers[kind]
            name = kind if number == 1 and kind == "selection" else f"{kind}_{number}"
            self.maps[name], self.names_of_maps[key] = items, name
        return self.names_of_maps[key]

    def text(self, predicate: Expr, nested: bool) -> str:
        """A predicate over named maps, in parentheses where it stands ``nested`` in another one and needs them."""
        if isinstance(predicate, Apply) and predicate.function == "and":
            return self.conjunction(predicate.args, nested)
        if isinstance(predicate, Apply) and predicate.function == "or":
            return self.disjunction(predicate.args, nested)
        if isinstance(predicate, Apply) and predicate.function == "not":
            with self.names.within(Place.TURNED):
                key, value = self.item(predicate.args[0])
            return f"not {self.add('filter', {key: value})}"
        return self.conjunction((predicate,), nested)

    def conjunction(self, parts: tuple[Expr, ...], nested: bool) -> str:
        """Fields that all have to match share one map; a field that stands twice begins another."""
        items: dict[str, Any] = {}
        rest, texts = [], []
        for part in parts:
            if isinstance(part, Apply) and part.function in ("and", "or", "not"):
                rest.append(part)
                continue
            key, value = self.item(part)
            if key in items:
                texts.append(self.add("selection", {key: value}))
            else:
                items[key] = value
        if items:
            texts.insert(0, self.add("selection", items))
        texts += [self.text(part, True) for part in rest]
        text = " and ".join(dict.fromkeys(texts))
        return f"({text})" if nested and len(texts) > 1 and " and " in text else text

    def disjunction(self, parts: tuple[Expr, ...], nested: bool) -> str:
        """A map for each field, with all values that it may have."""
        merged: dict[str, dict[Any, None]] = {}
        texts = []
        for part in parts:
            if isinstance(part, Apply) and part.function in ("and", "or", "not"):
                texts.append(self.text(part, True))
                continue
            key, value = self.item(part)
            merged.setdefault(key, {}).update(dict.fromkeys(value if isinstance(value, list) else [value]))
        for key, found in ((key, [*values_]) for key, values_ in merged.items()):
            texts.append(self.add("selection", {key: found[0] if len(found) == 1 else found}))
        text = " or ".join(dict.fromkeys(texts))
        return f"({text})" if nested and len(texts) > 1 else text

    def portable(self, key: str, value: Any, atom: Apply) -> tuple[str, Any]:
        """An item without what few backends know: case is ignored, a term is looked for as text."""
        if "|cased" in key:
            self.names.say("case-ignored", "the KQL compares these values with case, the output without", atom.span)
            key = key.replace("|cased", "")
        if atom.function.removesuffix("_cs") in ("has", "hasprefix", "hassuffix"):
            self.names.say("term-as-text", "the KQL looks for a whole term, the output for its text anywhere", atom.span)
            field = key.split("|")[0]
            return f"{field}|contains", _values(values(atom.args[1]))
        return key, value

    def regex(self, field: str, atom: Apply) -> tuple[str, Any]:
        """A regular expression, in Sigma's own rules without looking ahead: pySigma 2 takes those of RE2 alone (sigma.types, policies)."""
        try:
            tree = searched(atom)
            flags, pattern = sigma(tree)
        except (RegexError, Inexpressible) as error:
            raise Cannot(Diagnostic("unsupported-expression", f"a portable regular expression cannot say {error}", atom.span)) from None
        if self.names.family == "sigma":  # where spaces may end the text, so may a line feed
            pattern = pattern.removesuffix(rf"\s*{END}") + r"\s*$" if pattern.endswith(rf"\s*{END}") else pattern
        if self.names.family == "sigma" and END in pattern:
            if not _is_one_line(atom.args[0]) and not (takes_no_line_feed(tree) or takes_line_feed(tree)):
                self.names.say("line-feed-at-end", "the pattern's end is also before a line feed that ends the value", atom.span)
            pattern = pattern.replace(END, "$")
        if self.names.family == "sigma" and re.search(r"\(\?<?[=!]", pattern):
            raise Cannot(Diagnostic("unsupported-expression", "a portable regular expression cannot look ahead", atom.span))
        tell_of_ascii(self.names, atom)
        return f"{field}|re{flags}", pattern

    def count(self, patterns: int, atom: Apply) -> None:
        """Counts regular expressions. Raises Cannot where they are too many."""
        self.patterns += patterns
        if self.patterns > MOST_PATTERNS:
            what = f"a selection of more than {MOST_PATTERNS:,} regular expressions is not written in Sigma"
            raise Cannot(Diagnostic("target-cannot", what, atom.span))

    def item(self, atom: Expr) -> tuple[str, Any]:
        """A field with its modifiers, and what it is compared with.

        Raises:
            Cannot: where Sigma has no modifier for the comparison.
        """
        if is_field(atom):
            return self.names.field(atom), True
        if isinstance(atom, Apply) and atom.function in ("fieldref", "fieldref_cs"):
            if atom.function == "fieldref_cs":
                text = "the KQL compares these fields with case, which Sigma has no way to ask for"
                self.names.say("case-ignored", text, atom.span)
            return f"{self.names.field(atom.args[0])}|fieldref", self.names.field(atom.args[1])
        if isinstance(atom, Apply) and (hours := _hours(atom)) is not None:
            time, allowed = hours
            return f"{self.names.field(time)}|hour", allowed
        if isinstance(atom, Apply) and takes_empty(atom):
            raise Cannot(Diagnostic("unsupported-expression", "this pattern also matches events that lack the field", atom.span))
        if isinstance(atom, Apply) and atom.args and is_field(atom.args[0]):
            with self.names.within(Place.TURNED if atom.function in ("isempty", "isnull") else Place.PLAIN):
                field = self.names.field(atom.args[0])
            if any(c in field for c in "|{}"):
                raise Cannot(Diagnostic("target-cannot", "Sigma has no way to write this field's name", atom.span))
            if atom.function == "isempty":
                return field, None if self.names.never_empty(atom.args[0]) else [None, ""]
            if atom.function == "isnull":
                return field, None
            if atom.function == "is_ipv4":
                # Backends without networks make a wildcard of this one, which any text matches; a target's own field may be no text.
                return (f"{field}|re", IPV4) if self.names.family == "sigma" else (f"{field}|cidr", "0.0.0.0/0")
            spell = ATOMS.get(atom.function)
            if self.names.family != "sigma" and atom.function in TEXT_OPERATORS - EXACT and not self.names.is_text(atom.args[0]):
                raise Cannot(Diagnostic("unsupported-expression", f"{field} holds no text, which the Sigma of this would need", atom.span))
            if atom.function in ("<", "<=", ">", ">=") and self.names.number_as_text(atom.args[0]):
                raise Cannot(Diagnostic("unsupported-expression", f"{field} holds numbers as texts, which Sigma does not order", atom.span))
            if atom.function in ("matches regex", "matches regex~"):
                self.count(1, atom)
                return self.regex(field, atom)
            if spell is not None and len(atom.args) == 2:
                found = values(atom.args[1])
                key, value = spell(field, found)
                if "|re" in key:
                    self.count(len(value) if isinstance(value, list) else 1, atom)
                return self.portable(key, value, atom) if self.names.options.prefer == "portable" else (key, value)
        if isinstance(atom, Apply):
            what = "a value that is looked up in a list" if atom.function.startswith("expand") else f"'{atom.function}' of these operands"
        else:
            what = "this condition"
        raise Cannot(Diagnostic("unsupported-expression", f"{what} has no Sigma spelling yet", atom.span))
