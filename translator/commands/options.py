"""Options and arguments that several commands have, and the names that they take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

Command = TypeVar("Command", bound=Callable[..., Any])

TARGET_NAMES = ("sigma", "splunk", "eql", "esql", "sql")
DEFAULT_TARGETS = ("sigma", "splunk", "eql", "esql")
DIALECT_NAMES = ("duckdb", "spark", "databricks", "snowflake", "bigquery", "trino", "athena")
PACKAGES, DEFAULT_PACKAGES = ("splunk-app", "kibana", "contentctl", "detection-rules"), ("splunk-app", "kibana")
VERDICT_NAMES = ("exact", "same-alerts", "broader", "narrower", "differs", "none")


def cores_here() -> int:
    """How many processes can work at once on this machine."""
    from translator.workers import cores

    return cores()


class TargetName(click.ParamType):  # type: ignore[type-arg]
    """A target by its name."""

    name = "target"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in TARGET_NAMES and not (value.startswith("pysigma:") and value != "pysigma:"):
            self.fail(f"{value!r} is none of {', '.join(TARGET_NAMES)}, pysigma:NAME", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in TARGET_NAMES if name.startswith(incomplete)]


def names_argument(name: str, known: Callable[[], Iterable[str]]) -> Callable[[Command], Command]:
    """An argument of any number of names, which a shell completes, their case aside.

    Args:
        known: what gives the names, asked when a shell asks: what has them takes time to import.
    """

    def completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        return [found for found in known() if found.lower().startswith(incomplete.lower())]

    return click.argument(name, nargs=-1, shell_complete=completed)


def table_names() -> Iterable[str]:
    """The tables of the catalog."""
    from translator import catalog

    return catalog.table_names()


def function_names() -> Iterable[str]:
    """What is declared of KQL: functions, aggregates, operators and plugins."""
    from translator.plan.functions import declared

    return (function.name for function in declared())


def code_names() -> Iterable[str]:
    """The codes of diagnostics."""
    from translator.fidelity.codes import CODES

    return CODES


_SITE = (
    click.option(
        "--fields",
        type=click.Choice(("target", "source")),
        default="target",
        show_default=True,
        help="Field names of the target, or KQL's own.",
    ),
    click.option(
        "--mapping",
        "mappings",
        multiple=True,
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="YAML with a site's own names, as the command mapping writes it.",
    ),
    click.option(
        "--home",
        "homes",
        multiple=True,
        help="A home of the catalog to take for the tables that have it, TABLE:HOME for one alone (kql2sigma tables).",
    ),
    click.option(
        "--inventory",
        "inventories",
        multiple=True,
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The fields that a site has: Elastic's field capabilities, or Splunk's fieldsummary.",
    ),
    click.option(
        "--splunk-model",
        type=click.Choice(("none", "cim")),
        default="none",
        show_default=True,
        help="Search the CIM's data models where a table has one.",
    ),
)
SOURCES = click.Path(path_type=Path, exists=True, allow_dash=True)
PATHS = click.argument("paths", nargs=-1, required=True, type=SOURCES)
EXCLUDED = click.option(
    "--exclude",
    "excluded",
    multiple=True,
    metavar="PATTERN",
    help="Files and folders to leave aside, by name or by path below the folder: Archive, '*.md', 'Solutions/*/Workbooks'.",
)


class _Seconds(click.FloatRange):
    """A length of time, which ``nan`` and ``inf`` are not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found: float = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return found


def rule_timeout_option(default: float | None, shown: str) -> Callable[[Command], Command]:
    """--rule-timeout of one command.

    Args:
        default: seconds of the clock; None where the limits are those that ``shown`` tells.
        shown: the default, as the help says it.
    """
    return click.option(
        "--rule-timeout",
        type=_Seconds(min=0),
        default=default,
        show_default=shown,
        help="Seconds of the clock that the work on one rule may take; it may take 2 GB of memory, and give 20 MB. 0: no limits.",
    )


def executor_option() -> Callable[[Command], Command]:
    """--executor: where the work is done, here unless given."""
    return click.option(
        "--executor", default="", metavar="dask://HOST:PORT", help="A scheduler of Dask whose workers do the work (extra distributed)."
    )


def site_options(command: Command) -> Command:
    """Where a site has its logs, and what it calls their fields."""
    for option in reversed(_SITE):
        command = option(command)
    return command


def jobs_option() -> Callable[[Command], Command]:
    """--jobs: with how many processes."""
    return click.option(
        "--jobs",
        type=click.IntRange(1, 64),
        default=cores_here,
        show_default="one for each core",
        help="Processes to work with; what comes out is the same.",
    )


def format_option(*forms: str, name: str = "form") -> Callable[[Command], Command]:
    """--format: what is printed, the first of ``forms`` unless given.

    Args:
        name: the parameter that takes it.
    """
    return click.option("--format", name, type=click.Choice(forms), default=forms[0], show_default=True, help="What is printed.")
