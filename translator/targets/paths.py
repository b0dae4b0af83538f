"""Names of files as ends of paths, for taxonomies that have the path alone.

``FileName == "cmd.exe"`` is that the path ends with ``\\cmd.exe`` or ``/cmd.exe``; ``FileName == "System"``, a program without a file, may
be all that stands for the path.
"""

from __future__ import annotations

from translator.catalog.model import Alone, may_stand_alone
from translator.plan.expressions import Apply, Const, Expr, const, disjunction, items_of
from translator.plan.types import Type
from translator.regex.terms import BOUND, LETTERS, around
from translator.targets.text import escape

SEPARATORS = ("\\", "/")
_ONLY_NAME = r"[^\\/]*$"


def file_name(path: Expr, alone: Alone) -> Expr:
    """The name of the file at the end of a path; ``alone`` says which may be all of it."""
    return Apply(path.span, Type.STRING, "file_name", (path, const(alone)))


def on_path(node: Expr, separators: tuple[str, ...] = SEPARATORS) -> Expr:
    """A condition on the name of a file as one on the path that ends with it, where it has such a form.

    ``separators`` are what may stand before the name in the paths of the events.
    """
    match node:
        case Apply(args=(Apply(function="file_name", args=(whole, Const(value=("none" | "without-extension" | "any") as alone))), *_)):
            pass
        case _:
            return node
    if node.function in ("isempty", "isnotempty"):
        return Apply(node.span, node.type, node.function, (whole,))
    if node.function in ("expand", "expand_cs"):
        return disjunction(*(Apply(node.span, Type.BOOL, f"{node.function}_last", (whole, node.args[1], const(s))) for s in separators))
    items = items_of(node.args[1]) if len(node.args) == 2 else ()
    texts = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, str) and i.value]
    if not items or len(texts) != len(items) or any(s in t for s in SEPARATORS for t in texts):
        return node

    def condition(function: str, *values: str) -> Expr:
        return disjunction(*(Apply(node.span, Type.BOOL, function, (whole, const(v))) for v in values))

    cased = node.function in ("==", "in") or node.function.endswith("_cs")
    regex = "matches regex" if cased else "matches regex~"
    match node.function.removesuffix("_cs"):
        case "==" | "=~" | "in" | "in~":
            ending = condition("endswith_cs" if cased else "endswith", *(s + t for t in texts for s in separators))
            bare = [t for t in texts if may_stand_alone(t, alone)]
            return disjunction(ending, condition("==" if cased else "=~", *bare)) if bare else ending
        case "endswith":
            return condition(node.function, *texts)
        case "startswith":
            return condition(regex, *(rf"(?:^|[\\/]){escape(t)}{_ONLY_NAME}" for t in texts))
        case "contains":
            return condition(regex, *(escape(t) + _ONLY_NAME for t in texts))
        case "has":
            return condition(regex, *map(_term, texts))
    return node


def _term(text: str) -> str:
    bounded, closed = around(text)
    before = f"(?:^|{BOUND})" if bounded else ""
    after = rf"(?:[^{LETTERS}\\/][^\\/]*)?$" if closed else _ONLY_NAME
    return before + escape(text) + after
