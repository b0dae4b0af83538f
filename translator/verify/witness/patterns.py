"""The pattern of ``parse`` as a regular expression (learn.microsoft.com/kusto/query/parse-operator)."""

from __future__ import annotations

import re

from translator.plan import operators as o
from translator.plan.types import Type
from translator.verify.witness.model import NotKnown


def pieces(parse: o.Parse) -> re.Pattern[str]:
    """What matches the whole text, with a group for each column; a number is read from digits alone.

    Raises:
        NotKnown: for kinds of patterns other than plain texts.
    """
    if parse.kind not in ("simple", "relaxed"):
        raise NotKnown("parse with a regular expression", parse.span)
    out = []
    last = len(parse.pattern) - 1
    for number, step in enumerate(parse.pattern):
        match step:
            case str():
                out.append(re.escape(step))
            case None:
                out.append(".*" if number == last else ".*?")
            case _ if step.type in (Type.LONG, Type.INT):
                out.append(r"\s*(-?\d+)")
            case _:
                out.append("(.*)" if number == last else "(.*?)")
    return re.compile("".join(out), re.S)
