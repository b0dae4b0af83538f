"""``kql2sigma mapping``: what a site has to name so that its rules can run, ranked by the rules that each table would make ready."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from translator.catalog.site_files import FAMILY_OF, PLACES, SiteFileError, has_column, mappings
from translator.commands.common import UsageProblem
from translator.pack import Entry
from translator.report.wanted import Wanted, wanted

_FIRST = "# What kql2sigma does not know of this site: fill in the names and pass the file with --mapping."
"""The first line of what is written."""


def template(found: Mapping[str, Wanted], target: str) -> str:
    """A mapping file for a site to fill in."""
    family = FAMILY_OF[target]
    lines = [
        _FIRST,
        "# Empty lines are left out. A column may also be {field: NAME, type: TYPE}.",
        f"{family}:" if found else f"{family}:  # the rules lack no name",
    ]
    for table, facts in found.items():
        if facts.rules == 1:
            who, alone = "1 rule lacks this", f"it lacks {'nothing else' if facts.ready else 'something else as well'}"
        else:
            who = f"{facts.rules} rules lack this"
            alone = f"{facts.ready} of them lack nothing else" if facts.ready else "each of them lacks something else as well"
        lines += [f"  # {who}; {alone}", f"  {_quoted(table)}:"]
        if facts.place:
            lines += ["    place:", *(f"      {key}:" for key in PLACES[family][: 3 if family == "sigma" else 2])]
        if facts.columns:
            known = [(c, n) for c, n in facts.columns.most_common() if has_column(table, c)]
            lines += ["    columns:", *(f"      {_quoted(c)}:  # {n}" for c, n in known)] if known else []
            lines += [
                f"    # {table} has no column {c}, which {n} rule{'s ask' if n > 1 else ' asks'} for"
                for c, n in facts.columns.most_common()
                if not has_column(table, c)
            ]
    return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    """A YAML key, in quotes unless it is a plain word."""
    return name if name.replace("_", "a").replace(".", "a").isalnum() and not name[0].isdigit() else "'" + name.replace("'", "''") + "'"


def require_unfilled(path: Path) -> None:
    """Refuses a file that is there and is more than a template that nobody has filled in: a site's names are not to be had again.

    Raises:
        UsageProblem: where it says anything else.
    """
    try:
        text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
        named = [table for tables in mappings([path]).values() for table in tables.values()] if text.startswith(_FIRST) else []
    except (OSError, SiteFileError) as error:
        raise UsageProblem(f"{path} is there, and cannot be read as what this command writes: name another file by -o") from error
    if text.strip() and not text.startswith(_FIRST):
        raise UsageProblem(f"{path} is there, and is not what this command writes: name another file by -o")
    if any(table.place or table.columns for table in named):
        raise UsageProblem(f"{path} has names that would be lost: name another file by -o, and give both by --mapping")


def write_mapping(entries: Iterable[Entry], target: str, output: Path | None) -> str:
    """Writes the file, or returns its text where there is no file to write.

    Raises:
        UsageProblem: where the file cannot be written.
    """
    text = template(wanted(entries, target), target)
    if output is None:
        return text
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageProblem(f"{output} cannot be written: {error.strerror}") from error
    return ""
