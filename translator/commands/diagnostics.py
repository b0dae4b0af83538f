"""``kql2sigma diagnostics``: every code that an output can carry, what it does, what it means, and what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Column, Table

from translator.commands.common import console_of_tables
from translator.fidelity.codes import CODES, Effect
from translator.kql.errors import suggestion

EFFECTS: Mapping[Effect, tuple[str, str]] = {
    Effect.REFUSED: ("no output", "There is no output, or none of this part: the verdict is `none` where nothing else is left."),
    Effect.EITHER: ("more and fewer events", "Some events pass that should not, and some do not that should: `differs`."),
    Effect.MORE: ("more events", "More events pass where this was made: `broader`, and `narrower` below a negation."),
    Effect.FEWER: ("fewer events", "Fewer events pass where this was made: `narrower`, and `broader` below a negation."),
    Effect.ROWS: ("other rows or columns", "The same entities alert, with other rows or columns: `same-alerts`."),
    Effect.NOTE: ("none", "Nothing deviates, as long as what the note says is so. The verdict stays what it is."),
}  # fmt: skip
"""What each effect is called, and what it does to a verdict; the worst first."""


def print_diagnostics(names: tuple[str, ...], form: str) -> int:
    """Prints all codes, or those of ``names``. The exit status: 1 where a code is unknown."""
    known = [code for code in names or CODES if code in CODES]
    if form == "json":
        facts = [{"code": c, "effect": CODES[c].effect.value, "meaning": CODES[c].meaning, "advice": CODES[c].advice} for c in known]
        sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    elif form == "markdown":
        sys.stdout.write("\n".join([*rows(known), ""]) if names else diagnostics_page())
    elif known:
        table = Table(*(Column(name, overflow="fold") for name in ("code", "lets through", "meaning", "advice")), highlight=False)
        for code in known:
            table.add_row(
                code, EFFECTS[CODES[code].effect][0], CODES[code].meaning.replace("[", "\\["), CODES[code].advice.replace("[", "\\[")
            )
        console_of_tables().print(table)
    missing = [name for name in names if name not in CODES]
    for name in missing:
        Console(emoji=False, stderr=True, highlight=False).print(f"{name} is no code{suggestion(name, CODES)}", markup=False)
    return 1 if missing else 0


def rows(codes: Iterable[str]) -> list[str]:
    """A table of these codes as lines of Markdown."""
    cells = ((f"`{c}`", EFFECTS[CODES[c].effect][0], CODES[c].meaning, CODES[c].advice) for c in codes)
    return [
        "| code | lets through | meaning | what to do |",
        "|---|---|---|---|",
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells),
    ]


def diagnostics_page() -> str:
    """docs/diagnostics.md, generated from the table of codes."""
    out = [
        "# Diagnostics", "",
        "Generated from the table of codes by `kql2sigma diagnostics --format markdown`; `kql2sigma diagnostics CODE` shows one.",
        "A diagnostic stands at a place of the rule, and its message says what is so there. Its direction follows from the effect of its",
        "code and from that place: below a `not`, on the absent side of an anti-join or under a threshold from above, more events are",
        "fewer alerts. Where a part is only shown, a deviation changes columns alone.",
    ]  # fmt: skip
    for effect, (name, meaning) in EFFECTS.items():
        out += ["", f"## Lets through: {name}", "", meaning, "", *rows(sorted(c for c, code in CODES.items() if code.effect is effect))]
    return "\n".join([*out, ""])
