"""Conditions on the events of a table: windows taken out of them, and what they mean where a target has no rows for elements of arrays."""

from __future__ import annotations

from translator.detection.approximations import approximated
from translator.detection.arrays import arrays_in, asks_several
from translator.detection.event_data import SAID_OF_DATA, by_position, named_element
from translator.detection.lifting import Lifting
from translator.detection.placeholders import in_one_case, placeholder
from translator.detection.shapes import Branch, foreign
from translator.detection.windows import (
    NOW,
    duration,
    is_given,
    is_of_days,
    is_of_future,
    is_time,
    limits_of,
    limits_of_ingestion,
    window_of,
)
from translator.fidelity import CaseOfList
from translator.plan.addresses import address_test
from translator.plan.conditions import fields_of, is_presence, pushed
from translator.plan.expressions import (
    FALSE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    and_also,
    conjunction,
    conjuncts,
    negation,
    substitute,
    transform,
    walk,
)
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.regex import classes
from translator.regex.parser import parsed
from translator.regex.syntax import Alternation, Anchor, Class, Concat, Group, Literal, Node, Repeat
from translator.regex.syntax import walk as in_regex


def constrain(lifting: Lifting, branch: Branch, predicate: Expr) -> None:
    """Adds ``predicate`` to a branch, taking out what only restricts the time."""
    value = simplify(substitute(predicate, branch.env))
    if (named := by_position(branch, value)) != value:
        lifting.say("event-data-columns", SAID_OF_DATA, predicate.span)
        value = simplify(named)
    for name, case in in_one_case(value) if lifting.lists.given else ():
        message = f"leave out of %{name}% what is not in {case} case: the query never finds it"
        lifting.say("list-case", message, predicate.span, fact=CaseOfList(name, case))
    value = transform(value, placeholder)
    if (joined := foreign(value, branch)) is not None:
        what = f"this condition reads {joined}, a column that the join only adds"
        if not lifting.broadens("condition-dropped") or not narrows(branch.predicate):
            raise lifting.block("unsupported-join", what, predicate.span)
        lifting.say("condition-dropped", f"{what}, and is left out", predicate.span)
        return
    added = list[Expr]()
    for part in conjuncts(pushed(simplify(transform(value, _presence_of_time)))):
        if (filled := named_element(branch, part)) is not None:
            lifting.say("event-data-columns", SAID_OF_DATA, predicate.span)
            _demand(lifting, branch, filled)
            continue
        part = FALSE if is_of_future(part) else _approximation(lifting, part)
        window = window_of(part)
        if window is not None and (arrival := limits_of_ingestion(part, window)) is not None:
            added.append(arrival)
            continue
        if window is not None:
            branch.windows.append(window)
            if is_given(part):
                lifting.say("window-of-search", "the query looks at the range of time that whoever hunts chooses", part.span)
            if is_of_days(part):
                lifting.say("window-of-days", "the window of the query goes by whole days, that of the output by its run", part.span)
            lifting.findings.windows.append(window.reach(lifting.period or lifting.default))
            if window.end != NOW and not lifting.timed:
                what = "before the time of the search" if window.end.of_search else f"of at least {duration(window.end.back)} ago"
                lifting.say("window-shifted", f"the query looks at events {what} only", part.span)
            if lifting.timed:
                limits = limits_of(part, window)
                if limits is None:
                    raise lifting.block("unsupported-detection", "this window is not known to the second", part.span)
                added.append(limits)
            continue
        part = _address(lifting, part)
        _note_elements(lifting, branch, part)
        if part == FALSE:
            lifting.say("false-predicate", "this condition is never true", predicate.span)
        added.append(part)
    _demand(lifting, branch, conjunction(*added))


def _presence_of_time(node: Expr) -> Expr:
    """No event lacks its time."""
    match node:
        case Apply(function="isnull" | "isempty", args=(time,)) if is_time(time):
            return FALSE
    return node


def _demand(lifting: Lifting, branch: Branch, part: Expr) -> None:
    """Adds a condition on stored fields to what the events of a branch satisfy; there may be thousands of them."""
    before, members = lifting.members.pop(id(branch.predicate), (None, set[Expr]()))
    if before is not branch.predicate:
        members = set(conjuncts(branch.predicate))
    branch.predicate = and_also(branch.predicate, part, members)
    lifting.members[id(branch.predicate)] = branch.predicate, members


def _approximation(lifting: Lifting, part: Expr) -> Expr:
    """``part``, or where more may alert what stands for it on fields."""
    return approximated(part, lifting.say) if lifting.broadens("condition-dropped") else part


def _address(lifting: Lifting, part: Expr) -> Expr:
    """Tests of addresses as one operator. Of what is no address KQL's tests are null, and so are their negations."""

    def change(node: Expr) -> Expr:
        match node:
            case Apply(function="==", args=(Apply() as test, Const(value=bool(wanted)))) if address_test(test) is not test:
                return address_test(test) if wanted else refused(test)
            case Apply(function="==", args=(Apply() as test, Const(value=str(wanted)))) if address_test(test) is not test:
                if wanted.lower() not in ("true", "false"):
                    return node
                return address_test(test) if wanted.lower() == "true" else refused(test)
            case Apply(function="not", args=(Apply() as test,)) if address_test(test) is not test:
                return refused(test)
            case Apply(function="and" | "or", args=args):
                return Apply(node.span, node.type, node.function, tuple(change(a) for a in args))
            case _:
                return address_test(node)

    def refused(test: Expr) -> Expr:
        found = address_test(test)
        assert isinstance(found, Apply)
        return conjunction(Apply(test.span, Type.BOOL, "is_ipv4", found.args[:1]), negation(found))

    found = change(part)
    bare = {f for test in walk(found) if isinstance(test, Apply) and test.function == "cidr" for f in _bare(test.args[0])}
    if found != part and not all(
        f in bare or lifting.is_address(f.column.table or "", f.column.name) for f in fields_of(part) if isinstance(f, ColumnRef)
    ):
        lifting.say("address-alone", "the KQL also takes addresses with a prefix, as in 10.0.0.1/24, or with spaces around", part.span)
    return found


def _bare(subject: Expr) -> list[Expr]:
    """The fields of a text that is found in them without what KQL takes around an address: the prefix of a network, and spaces."""
    match subject:
        case Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(number)), text, *_)):
            groups = [n for n in in_regex(parsed(regex) or Concat()) if isinstance(n, Group) and n.index == number]
            if groups and not any(map(_takes_more, in_regex(groups[0]))):
                return fields_of(text)
    return []


def _takes_more(node: Node) -> bool:
    """Whether a part of a regular expression takes a slash or a space."""
    around = classes.joined([(ord("/"), ord("/")), *classes.WHITE_SPACE])
    match node:
        case Literal(character=character):
            return bool(classes.both(((ord(character), ord(character)),), around))
        case Class():
            try:
                return bool(classes.both(classes.ranges_of(node), around))
            except classes.Unlisted:
                return True
    return not isinstance(node, Group | Repeat | Concat | Alternation | Anchor)


def _note_elements(lifting: Lifting, branch: Branch, part: Expr) -> None:
    """What conditions on the elements of an array mean where these are not rows of their own."""
    bases = dict(arrays_in(part))
    if not bases:
        return
    if any(isinstance(n, Apply) and n.function == "not" and not is_presence(n) for n in walk(part)) or any(
        isinstance(n, Apply) and n.function in ("isempty", "isnull") for n in walk(part) if not _inside_presence(n, part)
    ):
        lifting.say("element-negated", "the KQL asks for one element that differs, the output for none that is equal", part.span)
    if any(b in branch.expanded or asks_several(part, b) for b in bases):
        lifting.say("elements-apart", "the KQL wants these conditions to hold for one element of the array, the output for any", part.span)
    branch.expanded += tuple(bases)


def narrows(predicate: Expr) -> bool:
    """Whether a predicate asks for more than that fields are there: enough to stand without a further condition."""
    return not all(is_presence(p) for p in conjuncts(predicate))


def _inside_presence(node: Expr, whole: Expr) -> bool:
    return any(is_presence(n) and isinstance(n, Apply) and n.args[0] == node for n in walk(whole))
