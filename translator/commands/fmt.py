"""``kql2sigma fmt``: one uniform layout for .kql files, comments kept."""

from __future__ import annotations

from pathlib import Path

import click

from translator.commands.common import UsageProblem, line, shown, write_text
from translator.kql.errors import KqlSyntaxError
from translator.kql.formatter import format_kql
from translator.rulepack.kql_file import SUFFIXES as KQL
from translator.rulepack.model import RuleFileError
from translator.rulepack.sources import SUFFIXES, read_text

OTHERS = frozenset(SUFFIXES) - {*KQL, ".txt", ""}
"""What a file is called that holds more than KQL."""


def format_files(paths: tuple[Path, ...], write: bool, only_check: bool) -> int:
    """Prints, writes or only checks the layout of files. The exit status: 1 where one is no KQL, or would change in a check."""
    status = 0
    if write and only_check:
        raise UsageProblem("--write writes and --check writes nothing: give one of them")
    for path in paths:
        if path.is_dir() or path.suffix.lower() in OTHERS:
            what = "and takes no folders" if path.is_dir() else "and no queries within other files"
            click.echo(shown(f"{path}: error: fmt lays out files of KQL, {what}"), err=True)
            status = 1
            continue
        try:
            text = read_text(path)
            formatted = format_kql(text)
        except (KqlSyntaxError, RuleFileError) as error:
            found = (
                [(e.line, e.column, e.told) for e in error.errors]
                if isinstance(error, KqlSyntaxError)
                else [(error.line, error.column, error.message)]
            )
            for row, column, told in found:
                click.echo(shown(f"{path}:{row}:{column}: error: {told}"), err=True)
            status = 1
            continue
        if only_check:
            if formatted != text:
                click.echo(line(f"{path} would change"))
                status = 1
        elif write and str(path) != "-":
            if formatted != text:
                path.write_text(formatted, encoding="utf-8", newline="\n")
        else:
            write_text(formatted)
    return status
