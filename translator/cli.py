"""The command line: arguments in, exit status out. No logic of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from translator import __version__

TARGET_NAMES = ("sigma", "splunk", "eql", "esql")
VERDICT_NAMES = ("exact", "same-alerts", "broader", "narrower", "differs", "none")


class _Commands(click.Group):
    """Ctrl-C and a closed pipe end the command without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            sys.stderr.close()
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kql2sigma")
def main() -> None:
    """Translate KQL detections to Sigma, Splunk SPL, Elastic EQL and ES|QL."""


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-t", "--target", "targets", multiple=True, type=click.Choice(TARGET_NAMES), help="Targets; all by default.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to; else to the screen.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes to convert with.")
@click.option(
    "--fail-on", type=click.Choice(VERDICT_NAMES), default="none", show_default=True, help="Exit with 1 at this verdict or worse."
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True, help="What is printed.")
@click.option(
    "--fields",
    type=click.Choice(("target", "source")),
    default="target",
    show_default=True,
    help="Field names of the target, or KQL's own.",
)
@click.option(
    "--mapping",
    "mappings",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="YAML with field names: target, table, column.",
)
@click.option("--timespan", default="1d", show_default=True, help="Window for rules that state none, such as 1d or 4h.")
def convert(
    paths: tuple[Path, ...], targets: tuple[str, ...], output: Path | None, jobs: int, fail_on: str, form: str, fields: str,
    mappings: tuple[Path, ...], timespan: str,
) -> None:  # fmt: skip
    """Convert rules (files or folders) and say how faithful each output is."""
    from translator.commands import ConvertRequest, UsageProblem, run_convert

    try:
        status = run_convert(ConvertRequest(paths, targets or TARGET_NAMES, output, jobs, fail_on, form, fields, mappings, timespan))
    except UsageProblem as problem:
        raise click.UsageError(str(problem)) from problem
    raise SystemExit(status)


@main.command()
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def targets(form: str) -> None:
    """List the targets."""
    from translator.pipeline import TARGETS

    names = list(TARGETS)
    click.echo(json.dumps(names) if form == "json" else "\n".join(names))


if __name__ == "__main__":
    main()
