"""Conditions on fields that keep a value otherwise than its table: in one case, by other words, with others, or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from xml.sax.saxutils import escape

from translator.catalog import Stored
from translator.fidelity import Notes, Place
from translator.plan.conditions import CASE_PAIRS, EQUALITIES, ORDERS, TEXT_OPERATORS, TEXT_SEARCHES
from translator.plan.expressions import (
    FALSE,
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Path,
    conjunction,
    const,
    disjunction,
    items_of,
    negation,
    transform,
)
from translator.plan.functions.values import pattern
from translator.plan.patterns import searched
from translator.plan.pins import constants
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.regex.writers import kql
from translator.regex.writers.base import has_case
from translator.targets.choice import folded
from translator.targets.java import in_java
from translator.targets.literals import canonical_address, numeric, one_of, typed

OTHER_VALUES = frozenset({"value-differs", "computed-column"})
"""What says that a field may hold another value than its column, so that an entity of it is another one."""


def in_one_case(notes: Notes, atom: Apply, stored: Stored) -> Apply:
    """A condition on a field that the product keeps in one case; a word where the KQL tells cases apart."""
    what = "the product keeps this value in one case, the KQL compares it as it came"
    if atom.function == "matches regex":
        if has_case(searched(atom)):
            notes.say("case-ignored", what, atom.span)
        return Apply(atom.span, atom.type, "matches regex~", atom.args)
    caseless = CASE_PAIRS.get(atom.function)
    values = constants(atom.args[1])
    if values is None or caseless is None:
        return atom
    whole = atom.function.removesuffix("_cs") in EQUALITIES
    if any(folded(v) != str(v).upper() and not (whole and v in stored.spelled) for v in values):
        notes.say("case-ignored", what, atom.span)
    return Apply(atom.span, atom.type, caseless, atom.args)


def in_either_word(notes: Notes, atom: Apply, subject: Expr, stored: Stored) -> Expr | None:
    """A condition on a field that may have another word for some values; None where that makes no difference to it, or is said."""
    asked = constants(atom.args[1]) or []
    if atom.function in EQUALITIES:
        if not stored.either.keys() & {*asked} or (stored.setting and not stored.either.keys() >= {*asked}):
            return None
        words = dict.fromkeys(str(w) for value in asked for w in (value, stored.either.get(str(value), value)))
        return one_of(subject, tuple(map(const, words)), atom, "~" if "~" in atom.function else "")
    if not stored.setting and any(_holds(atom, word) != _holds(atom, value) for value, word in stored.either.items()):
        notes.say("value-differs", f"{column_name(atom.args[0])}: {in_several_words(stored)}", atom.span)
    return None


def in_several_words(stored: Stored) -> str:
    """That a field has several words for one value of its column, where nothing that is set decides which; empty where it has not."""
    words = ", ".join(f"{value} and {word}" for value, word in stored.either.items())
    return f"the product has several words for one value: {words}" if words and not stored.setting else ""


def by_value(notes: Notes, family: str, atom: Apply, subject: Expr, stored: Stored) -> Expr:
    """A condition on a field that has other values in the product; as it was, without a field, where one of them is not known."""
    if atom.function in ("isempty", "isnull"):
        return Apply(atom.span, atom.type, atom.function, (subject,))
    wanted = constants(atom.args[1])
    if wanted is None:
        return atom
    chosen: list[str] | None
    rest = list[str]()
    if atom.function in EQUALITIES:
        lowered = {k.lower(): k for k in stored.values}
        chosen = []
        for value in wanted:
            key = str(value).lower() if isinstance(value, bool) else str(value)
            loose = atom.function in ("=~", "in~") or stored.complete
            listed = key if key in stored.values else lowered.get(key.lower()) if loose else None
            if listed is None and stored.complete:
                continue
            if listed is None and not stored.others:
                return atom
            if listed is None and (stored.case or stored.blanks):
                rest.append(key)
            elif listed is None or listed == key or atom.function in ("=~", "in~"):
                chosen.append(listed or key)
    elif atom.function in TEXT_OPERATORS and stored.complete:
        tests = [(k, _holds(atom, k)) for k in stored.values]
        chosen = [k for k, test in tests if test == TRUE]
        if any(not isinstance(test, Const) for _, test in tests):
            return atom
    elif atom.function in TEXT_OPERATORS and stored.others:
        return _among_others(notes, atom, subject, stored)
    else:
        return atom
    unlisted = _unlisted(notes, atom, subject, rest, stored)
    targets = list(dict.fromkeys(stored.values.get(k, k) for k in chosen))
    if not targets:
        return unlisted
    meant = {k.lower() for k in chosen} if atom.function in ("=~", "in~") else set[str]()
    others = {target for k, target in stored.values.items() if k not in chosen and k.lower() not in meant}
    if others & set(targets) and not stored.spellings:
        notes.say("values-merged", f"the product has one value for this and others of {column_name(atom.args[0])}", atom.span)
    words = {str(v) for v in stored.values.values()}
    # Not every backend of Sigma knows cased, which says nothing of a field whose values are all known.
    told = family == "sigma" and stored.complete and len({folded(w) for w in words}) == len(words)
    caseless = stored.any_case or told or (atom.function in ("=~", "in~") and any(k not in stored.values for k in chosen))
    test = one_of(subject, tuple(const(t) for t in targets), atom, "~" if caseless else "")
    return disjunction(typed(test, subject) if family == "elastic" else numeric(test, subject), unlisted)


def _unlisted(notes: Notes, atom: Apply, subject: Expr, values: list[str], stored: Stored) -> Expr:
    """A test for values of which it is only known how the product writes any."""
    if not values:
        return FALSE
    written = [_blanked(value, stored) for value in values]
    if {w.lower() for w in written} & {str(v).lower() for v in stored.values.values()} and not stored.spellings:
        notes.say("values-merged", f"the product has one value for this and others of {column_name(atom.args[0])}", atom.span)
    test = one_of(subject, tuple(map(const, written)), atom, "~" if atom.function in ("=~", "in~") else "")
    return in_one_case(notes, test, stored) if stored.case and isinstance(test, Apply) else test


def _blanked(value: str, stored: Stored) -> str:
    return value.replace(" ", stored.blanks) if stored.blanks else value


def with_missing(notes: Notes, found: Expr, atom: Apply, subject: Expr, stored: Stored, filled: bool) -> Expr:
    """A condition on a field that the product may not have where the column has a certain value, which stands for no value.

    ``filled``: where no event leaves the column empty.
    """
    tests = [_holds(atom, value) for value in (stored.missing, "")]
    if not all(isinstance(test, Const) for test in tests):
        notes.say("value-differs", f"the product may have no {column_name(atom.args[0])} for {stored.missing}", atom.span)
        return found
    wanted, of_none = (test == TRUE for test in tests)
    nothing = Apply(atom.span, Type.BOOL, "isempty", (subject,))
    if filled and of_none and not wanted and notes.place is Place.TURNED:
        return conjunction(found, negation(nothing))
    if wanted != of_none and not (filled and wanted):
        what = f"the product may have no {column_name(atom.args[0])} for {stored.missing}, as for events without one"
        notes.say("values-merged", what, atom.span)
    return disjunction(found, nothing) if wanted else found


def with_hyphen(notes: Notes, found: Expr, atom: Apply, subject: Expr) -> Expr:
    """A condition on a field that may have a hyphen where the column has no value: there it holds as for an empty text."""
    of_hyphen, of_none = (_holds(atom, value) for value in ("-", ""))
    if of_hyphen == of_none or atom.function in ("cidr", "is_ipv4"):  # neither is an address
        return found
    if not isinstance(of_hyphen, Const) or not isinstance(of_none, Const):
        notes.say("value-differs", f"the product may have a hyphen where {column_name(atom.args[0])} is empty", atom.span)
        return found
    is_hyphen = Apply(atom.span, Type.BOOL, "==", (subject, const("-")))
    return disjunction(found, is_hyphen) if of_none == TRUE else conjunction(found, negation(is_hyphen))


def _holds(atom: Apply, value: str) -> Expr:
    """A condition on a field for one value of it, decided where that is known."""
    match atom:
        case Apply(function="matches regex" | "matches regex~", args=(_, Const(value=str()))):
            try:
                return TRUE if pattern(kql(searched(atom))).search(value) else FALSE
            except ValueError:
                pass
    return simplify(Apply(None, Type.BOOL, atom.function, (const(value), *atom.args[1:])))


REWRITTEN = "the product has the JSON of {} written anew"
"""What is said of a column."""


def note_rewritten(notes: Notes, atom: Apply, stored: Stored) -> None:
    """A word on a condition on a text of which the product has the JSON written anew, where another layout makes a difference."""
    if not isinstance(atom.args[0], ColumnRef) or atom.function in ("isempty", "isnull"):
        return
    values = constants(atom.args[1]) if len(atom.args) > 1 else None
    searches = atom.function.removesuffix("_cs") in ("contains", "has", "hasprefix", "hassuffix", "has_any", "has_all")
    texts = [str(v) for v in values or ()]
    if stored.type == "json":
        alike = searches and values is not None and all(map(_UNQUOTED.fullmatch, texts))
    else:
        alike = atom.function not in EQUALITIES or not any(map(_is_rewritten, texts))
    if not alike:
        notes.say("value-differs", REWRITTEN.format(column_name(atom.args[0])), atom.span)


_UNQUOTED = re.compile(r"[A-Za-z0-9@._-]+")
"""What stands in a text of JSON as it is, however that is laid out."""


def _is_rewritten(text: str) -> bool:
    """Whether a text is JSON of another spelling, as a number with an exponent."""
    try:
        return json.dumps(json.loads(text)) != text
    except (ValueError, RecursionError):
        return False


def in_map(notes: Notes, atom: Apply) -> Apply:
    """A condition on the text of JSON, of which the field has the text of Java's map: other marks, and no order of members."""
    searches = atom.function in TEXT_SEARCHES and atom.function.removesuffix("_cs") not in ("startswith", "endswith")
    values = constants(atom.args[1]) if searches else None
    if values is None or not all(isinstance(v, str) for v in values):
        notes.say("value-differs", "the field has {name=value} where the KQL compares the JSON text", atom.span)
        return atom
    written = {str(v): in_java(str(v)) for v in values}
    if None in written.values():
        notes.say("value-differs", "the field has {name=value} where the KQL searches the JSON text", atom.span)
        return atom
    if any(w != v for v, w in written.items()):
        notes.say("value-within", "the field has {name=value}, without the quotes around names and values", atom.span)

    def turned(node: Expr) -> Expr:
        return const(written[str(node.value)], span=node.span) if isinstance(node, Const) else node

    return Apply(atom.span, atom.type, atom.function, (atom.args[0], transform(atom.args[1], turned), *atom.args[2:]))


def _among_others(notes: Notes, atom: Apply, subject: Expr, stored: Stored) -> Expr:
    """A condition on a text that some values have otherwise in the product, and all others as they are."""
    tests = {v: _holds(atom, str(v)) for v in (*stored.values, *stored.values.values())}
    if not all(isinstance(test, Const) for test in tests.values()):
        return atom
    holds = {v: test == TRUE for v, test in tests.items()}
    renamed = [v for k, v in stored.values.items() if holds[k]]
    if set(renamed) & {v for k, v in stored.values.items() if not holds[k]} and not stored.spellings:
        notes.say("values-merged", f"the product has one value for this and others of {column_name(atom.args[0])}", atom.span)
    asked = transform(atom.args[1], lambda x: const(_blanked(str(x.value), stored), span=x.span) if isinstance(x, Const) else x)
    plain = Apply(atom.span, Type.BOOL, atom.function, (subject, asked))
    found: Expr = in_one_case(notes, plain, stored) if stored.case else plain
    # What the product has in place of other values satisfies the condition by its own spelling.
    if spelled := [v for v in dict.fromkeys(stored.values.values()) if holds[v] and v not in renamed]:
        found = conjunction(found, negation(one_of(subject, tuple(map(const, spelled)), atom)))
    added = [const(v) for v in dict.fromkeys(renamed) if not holds[v]]
    return disjunction(found, *([one_of(subject, tuple(added), atom)] if added else []))


def spelled_otherwise(stored: Stored) -> str:
    """How a field spells the values of its column, where it does so otherwise; empty where it does not."""
    if any(str(k) != str(v) for k, v in stored.values.items()) or stored.prefixes or stored.form or stored.parts:
        return held_otherwise(stored) or "the product spells its values otherwise"
    return held_otherwise(stored)


def held_otherwise(stored: Stored) -> str:
    """Why a field holds other values than its column; empty where it holds the same, spelled as they are or otherwise."""
    return stored.differs or stored.deviates or stored.within or stored.longer


_COMPARISONS = EQUALITIES | ORDERS


def scaled(atom: Apply, scale: int) -> Apply:
    """A condition on a number that the product has in another unit: on the field itself where the literals can be turned instead."""
    match atom.args[0]:
        case Apply(args=(field, Const())) if atom.function in (*_COMPARISONS, "isnull"):
            pass
        case _:
            return atom
    literals = [n for x in atom.args[1:] for n in items_of(x)]
    turned: dict[Expr, Expr] = {}
    for literal in literals:
        if not isinstance(literal, Const) or isinstance(literal.value, bool) or not isinstance(literal.value, int | float):
            return atom
        unit = literal.value * scale
        turned[literal] = const(int(unit) if unit == int(unit) else unit, span=literal.span)
    return Apply(atom.span, atom.type, atom.function, (field, *(transform(x, lambda n: turned.get(n, n)) for x in atom.args[1:])))


def note_address(notes: Notes, atom: Apply) -> None:
    """A word on a condition on the text of an address, of which the field has one spelling, where the literals tell spellings apart."""
    values = [v for v in constants(atom.args[1]) or () if isinstance(v, str)] if len(atom.args) > 1 else []
    name, caseless = column_name(atom.args[0]), not atom.function.endswith(("_cs", "==", "in", "regex"))
    if atom.function in EQUALITIES:
        given = {v: canonical_address(v) for v in values}
        if any(a is not None and a != (v.lower() if caseless else v) for v, a in given.items()):
            notes.say("values-merged", f"the product has one value for all spellings of an address in {name}", atom.span)
        elif any(a is not None and ":" in a for a in given.values()):
            notes.say("address-spelling", f"{name} has addresses in their canonical spelling, as the KQL writes this one", atom.span)
    elif atom.function in TEXT_SEARCHES or atom.function in ("matches regex", "matches regex~"):
        if any(":" in v and _OTHERWISE.search(v.lower() if caseless else v) for v in values):
            what = f"the KQL looks in {name} for a spelling of addresses that the product does not keep"
            notes.say("value-differs", what, atom.span)
        else:
            notes.say("address-spelling", f"the KQL compares the text of {name}, which the product has in canonical spelling", atom.span)
    elif atom.function in ("cidr", "is_ipv4"):
        notes.say(
            "address-spelling", f"the KQL takes {name} for IPv4 where it is written so, the product also with ::ffff: before", atom.span
        )


_OTHERWISE = re.compile(
    r"(?<![0-9a-fA-F.\\])0[0-9a-fA-F]|(?<![0-9a-fA-F])0:0(?![0-9a-fA-F])|:ffff:|[A-F](?=[0-9a-fA-F]*:)|(?<=:)[0-9a-f]*[A-F]"
)
"""What stands in no address that a field of the type ip gives back: zeros before a group or in place of ``::``, capitals, mapped IPv4."""


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
"""How XML writes the characters that a text of it cannot hold (W3C, XML 1.0, "Character Data and Markup")."""


def in_xml(atom: Apply, free: bool) -> Apply:
    """A condition on the text of XML: its values escaped, or the text without escapes where a value might be found in one of these.

    Args:
        free: whether the text may have any characters, so that a pattern may tell an escape from what it stands for.
    """
    values = constants(atom.args[1])
    if values is None or atom.function not in TEXT_OPERATORS:
        return atom
    if atom.function.startswith("matches regex"):
        plain = not any(c in str(v).replace("(?<", "").replace("(?P<", "") for v in values for c in _ENTITIES)
        return atom if plain and not free else replace(atom, args=(without_entities(atom.args[0]), *atom.args[1:]))
    if any(_is_in_entity(escape(str(v)), atom.function.removesuffix("_cs")) for v in values):
        return replace(atom, args=(without_entities(atom.args[0]), *atom.args[1:]))

    def changed(node: Expr) -> Expr:
        if not (isinstance(node, Const) and isinstance(node.value, str)):
            return node
        return const(escape(node.value), node.type, node.span)

    return replace(atom, args=(atom.args[0], transform(atom.args[1], changed)))


def without_entities(text: Expr) -> Expr:
    """What the text of XML says."""
    return _replaced(text, [(entity, character) for character, entity in reversed(_ENTITIES.items())])


def in_double_quotes(data: Expr) -> Expr:
    """The data of an event as XML with its names in double quotes, as Azure has them; no ``<`` and no ``>`` stands in a value."""
    return _replaced(data, [("<Data Name='", '<Data Name="'), ("'>", '">')])


def _replaced(text: Expr, pairs: Iterable[tuple[str, str]]) -> Expr:
    for old, new in pairs:
        text = Apply(text.span, Type.STRING, "replace_string", (text, const(old), const(new)))
    return text


def with_quotes(atom: Apply) -> Apply:
    """A condition on the data of an event as XML: where it asks for quotes, on the text that has double ones around names."""
    values = constants(atom.args[1])
    quoted = values is None or any(c in str(v) for v in values for c in "\"'")
    if not quoted and not atom.function.startswith("matches regex"):
        return atom
    return replace(atom, args=(in_double_quotes(atom.args[0]), *atom.args[1:]))


def _is_in_entity(escaped: str, function: str) -> bool:
    """Whether an operator may find a text within what stands for one character."""
    if function in EQUALITIES or function == "startswith":
        return False
    rests = [entity[n:] for entity in _ENTITIES.values() for n in range(1, len(entity))]
    given = escaped.lower()
    if function == "endswith":
        return any(given.startswith(rest) for rest in rests)
    return any(given.startswith(rest) or rest.startswith(given) for rest in rests)


_DIGESTS = {"MD5={value}": (32,), "SHA1={value}": (40,), "SHA256={value}": (64,), "IMPHASH={value}": (32,), "{value}": (32, 40, 64, 128)}
"""Digits of a hash by the form that it stands in: what has so many is the whole of it (RFC 1321, FIPS 180-4)."""


def formed(notes: Notes, atom: Apply, subject: Expr, stored: Stored) -> Expr:
    """A condition on a value that stands in a field with others, as ``SHA256=...`` among hashes: on what the field contains."""
    name, mark = column_name(atom.args[0]), stored.form.removesuffix("{value}")
    if atom.function in ("isempty", "isnull"):
        if mark:
            return negation(_contains(atom, subject, mark))
        notes.say("value-differs", f"{name} stands with others in a field, which has these where it is empty", atom.span)
    values = constants(atom.args[1]) if len(atom.args) == 2 else None
    if not mark and atom.function in TEXT_OPERATORS - EQUALITIES:
        return Apply(atom.span, Type.BOOL, atom.function, (subject, *atom.args[1:]))
    if values is None or not stored.form.endswith("{value}"):
        return Apply(atom.span, Type.BOOL, atom.function, (subject,)) if len(atom.args) == 1 else atom
    whole = {v for v in values if re.fullmatch("[0-9A-Fa-f]+", str(v)) and len(str(v)) in _DIGESTS.get(stored.form, ())}
    known = (*EQUALITIES, "startswith", *(("contains", "has", "endswith") if whole.issuperset(values) else ()))
    function = atom.function.removesuffix("_cs")
    if function not in known:
        return atom
    if atom.function in CASE_PAIRS and any(str(v) != str(v).lower() for v in values):
        notes.say("case-ignored", f"{name} stands in a field that is searched without case", atom.span)
    if function in EQUALITIES and not mark and not whole.issuperset(values):
        notes.say("value-within", f"{name} is a part of what the field holds, which is searched", atom.span)
    found = []
    for value in values:
        text = f"{mark}{value}"
        if function in EQUALITIES and mark and value not in whole:  # what is shorter than a hash is the beginning of others
            found += [_contains(atom, subject, f"{text},"), Apply(atom.span, Type.BOOL, "endswith", (subject, const(text)))]
        else:
            found.append(_contains(atom, subject, text))
    return disjunction(*found)


def _contains(atom: Apply, subject: Expr, text: str) -> Expr:
    return Apply(atom.span, Type.BOOL, "contains", (subject, const(text)))


def prefixed(atom: Apply, stored: Stored) -> Apply:
    """A condition on a text that begins otherwise in the product; such a beginning stands nowhere else in it."""

    def changed(node: Expr) -> Expr:
        if not (isinstance(node, Const) and isinstance(node.value, str)):
            return node
        for before in sorted(stored.prefixes, key=len, reverse=True):
            if node.value.lower().startswith(before.lower()):
                return const(stored.prefixes[before] + node.value[len(before) :], Type.STRING, node.span)
        return node

    operand = transform(atom.args[1], changed)
    if operand == atom.args[1] or atom.function.removesuffix("_cs") not in (*EQUALITIES, "startswith", "contains"):
        return atom
    starts = {"contains": "startswith", "contains_cs": "startswith_cs"}
    return Apply(atom.span, atom.type, starts.get(atom.function, atom.function), (atom.args[0], operand))


def column_name(expr: Expr) -> str:
    """The column that an expression is, or is a place inside of; empty for what is computed."""
    base = expr.base if isinstance(expr, Path) else expr
    return base.column.name if isinstance(base, ColumnRef) else ""
