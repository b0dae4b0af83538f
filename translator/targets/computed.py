"""Texts that a target computes of fields: what functions of KQL become in SPL and in ES|QL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from translator.plan.conditions import alternatives, is_field
from translator.plan.expressions import Apply, Const, Expr, Path
from translator.plan.texts import literally
from translator.plan.types import Type
from translator.regex import syntax
from translator.regex.lucene import is_any_text
from translator.regex.parser import parsed
from translator.regex.syntax import Perl
from translator.regex.writers import Inexpressible
from translator.targets.base import Cannot
from translator.targets.names import IN_UNITS, json_path
from translator.targets.predicates import Predicates
from translator.targets.repeated import Repeated, hint_of

_ANYTHING = syntax.Class((Perl("s"), Perl("s", True)))

_PIECE = r"[\s\S]*?"
"""What stands before a mark: as few characters as there can be."""

_MOST_GROUPS = 9
"""A reference to a group in a replacement has one digit that is sure."""

_TO_THE_END = 10_000_000
"""More characters than a text has."""

MAX_DEPTH = 40
"""How deep computed texts may nest: each level is a call in the target's words."""


@dataclass(frozen=True, slots=True)
class Functions:
    """A language's spelling of texts.

    ``empty`` makes a missing one empty; ``joined`` puts several together, ``chosen`` gives the text behind the first condition that holds;
    ``replaced`` is what a regular expression finds replaced, ``group`` a reference to a group in the replacement, ``plain`` makes a text
    safe there; ``element`` is an element of a text that is split, ``part`` so many characters from a place, counted from 1;
    ``found`` says that a regular expression is found in a text, or raises Cannot, and ``pattern`` is one where texts are
    replaced; ``inside`` is a place in a text that holds JSON.
    """

    string: Callable[[str], str]
    empty: str
    joined: Callable[[list[str]], str]
    chosen: Callable[[list[tuple[str, str]]], str]
    calls: Mapping[str, str]
    replaced: str
    group: str
    plain: Callable[[str], str]
    element: str
    part: str
    found: Callable[[str, syntax.Node, Expr], str]
    pattern: Callable[[syntax.Node], str]
    true: str
    inside: Callable[[str, str], str] | None = None
    long_marks: bool = False
    """Whether a text can be split by more than one byte."""
    unset_is_empty: bool = False
    """Whether a replacement has nothing for a group that takes no part in the match."""
    units: str = ""
    """How many whole units of so many a field of whole numbers has."""

    def splits(self, mark: str) -> bool:
        """Whether a text can be split at a mark."""
        return bool(mark) and (self.long_marks or len(mark.encode()) == 1)


class Texts:
    """The computed texts of one output."""

    def __init__(
        self,
        predicates: Predicates,
        functions: Functions,
        readable: Callable[[Expr], bool],
        repeated: Repeated | None = None,
    ) -> None:
        self.predicates, self.functions, self.readable, self.repeated = predicates, functions, readable, repeated
        self.depth = 0

    def of(self, expr: Expr) -> str | None:
        """A text, empty where it has no value; None where the target cannot compute it."""
        return self._of(expr, True)

    def shown(self, expr: Expr) -> str | None:
        """A text that is only shown, missing where its fields are."""
        return self._of(expr, False)

    def _of(self, expr: Expr, empty: bool) -> str | None:
        self.depth += 1
        try:
            text = self._spelled(expr, empty) if self.depth < MAX_DEPTH else None
            return text if text is None or self.repeated is None else self.repeated.of(text, hint_of(expr))
        except Cannot:
            return None
        finally:
            self.depth -= 1

    def _spelled(self, expr: Expr, empty: bool) -> str | None:
        functions = self.functions
        if is_field(expr):
            if not self.readable(expr) or (empty and expr.type == Type.DATETIME):  # KQL's text of a time has seven digits of a second
                return None
            text = self.predicates.text(expr)
            return functions.empty.format(text) if empty else text
        if found := alternatives(expr):  # of which the first counts whose condition holds
            pairs = [(self.predicates.render(guard), self._of(value, empty)) for guard, value in found]
            return functions.chosen([(g, v) for g, v in pairs if v is not None]) if all(v is not None for _, v in pairs) else None
        match expr:
            case Apply(function="coalesce", args=args) if args and {a.type for a in args} <= {Type.STRING, Type.UNKNOWN}:
                texts = [t for a in args if (t := self._of(a, True)) is not None]
                there = [(self.predicates.not_empty.format(t), t) for t in texts[:-1]]
                return functions.chosen([*there, (functions.true, texts[-1])]) if len(texts) == len(args) else None
        return self.made(expr, empty)

    def made(self, expr: Expr, empty: bool) -> str | None:
        """What a function makes of texts; None where it is none of those that are known here."""
        functions = self.functions
        match expr:
            case Const(value=str(text)):
                return functions.string(text)
            case Apply(function=function, args=(inner, Const(value=int(units)))) if function == IN_UNITS and functions.units:
                return functions.units.format(self.predicates.spelled(inner), units)
            case Apply(function="tostring", args=(inner,)):
                return self._of(inner, empty)
            case Apply(function=function, args=(inner, *_)) if function in functions.calls:
                text_ = self._of(inner, empty)
                return None if text_ is None else functions.calls[function].format(text_)
            case Apply(function="strcat", args=args):
                texts = [t for a in args if (t := self._of(a, True)) is not None]
                return functions.joined(texts) if len(texts) == len(args) else None
            case Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), inner)):
                return self._extracted(regex, group, inner, expr)
            case Apply(function="replace_string", args=(inner, Const(value=str(old)), Const(value=str(new)))) if old:
                return self._replaced(inner, literally(old), functions.plain(new), empty)
            case Apply(function="replace_regex", args=(inner, Const(value=str(regex)), Const(value=str(new)))) if "\\" not in new:
                written = self._written(parsed(regex))
                return None if written is None else self._replaced(inner, written, functions.plain(new), empty)
            case Apply(function="substring", args=(inner, Const(value=int(start)), Const(value=int(length)))) if start >= 0 < length:
                text_ = self._of(inner, empty)
                return None if text_ is None else functions.part.format(text_, start + 1, length)
            case Apply(function="substring", args=(inner, Const(value=int(start)))) if start >= 0:
                text_ = self._of(inner, empty)
                return None if text_ is None else functions.part.format(text_, start + 1, _TO_THE_END)
            case Path(base=Apply(function="parse_json", args=(inner,)), steps=steps) if functions.inside and (path := json_path(steps)):
                text_ = self._of(inner, False)
                found_ = None if text_ is None else functions.inside(text_, path)
                return found_ if found_ is None or not empty else functions.empty.format(found_)
            case Path(base=Apply(function="split", args=(inner, Const(value=str(mark)))), steps=(int(index),)) if functions.splits(mark):
                text_ = self._of(inner, True)
                return None if text_ is None else functions.element.format(text_, functions.string(mark), index)
            case Path(base=Apply(function="split", args=(inner, Const(value=str(mark)))), steps=(0,)) if mark:
                written = self._written(parsed(f"{literally(mark)}[\\s\\S]*"))
                return None if written is None else self._replaced(inner, written, "", empty)
            case Path(base=Apply(function="split", args=(inner, Const(value=str(mark)))), steps=(int(index),)) if mark and index > 0:
                before = f"(?:{_PIECE}{literally(mark)}){{{index}}}"
                return self._extracted(f"^{before}({_PIECE})(?:{literally(mark)}|$)", 1, inner, expr)
        return None

    def _written(self, tree: syntax.Node | None) -> str | None:
        """A regular expression in the target's language; None where it has no words for it."""
        try:
            return None if tree is None else self.functions.pattern(tree)
        except Inexpressible:
            return None

    def _replaced(self, inner: Expr, regex: str, by: str, empty: bool) -> str | None:
        text = self._of(inner, empty)
        return None if text is None else self.functions.replaced.format(text, self.functions.string(regex), self.functions.string(by))

    def _extracted(self, regex: str, group: int, inner: Expr, expr: Expr) -> str | None:
        """What a group of a regular expression holds in its first match: all else is replaced by nothing."""
        text = self._of(inner, True)
        tree = parsed(regex)
        if text is None or tree is None or not 0 <= group <= syntax.groups(tree):
            return None
        if group > _MOST_GROUPS:
            tree, group = syntax.capturing(tree, {group: None}), 1
        before, behind = (syntax.Repeat(_ANYTHING, 0, None, greedy) for greedy in (False, True))
        found_ = syntax.Group(tree, 1) if group == 0 else tree
        parts = [*found_.parts] if isinstance(found_, syntax.Concat) else [found_]
        if parts[:1] == [syntax.Anchor("start")]:
            del parts[0]
        elif not any(map(is_any_text, parts[:1])):
            parts.insert(0, before)
        if syntax.Anchor("end") not in parts[-1:]:
            parts.append(behind)
        around = syntax.concat(*parts)
        tried = syntax.alternation(around, behind) if self.functions.unset_is_empty else around
        whole = self._written(syntax.concat(syntax.Anchor("start"), tried))
        if whole is None:
            return None
        string, reference = self.functions.string, self.functions.group.format(group or 1)
        kept = self.functions.replaced.format(text, string(whole), string(reference))
        if self.functions.unset_is_empty:
            return kept
        found = self.functions.found(text, tree, expr)
        return self.functions.chosen([(found, kept), (self.functions.true, string(""))])
