"""The command line: arguments in, exit status out. No logic of its own."""

from __future__ import annotations

import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from translator import __version__
from translator.commands.options import (
    DEFAULT_PACKAGES,
    DEFAULT_TARGETS,
    DIALECT_NAMES,
    EXCLUDED,
    PACKAGES,
    PATHS,
    SOURCES,
    TARGET_NAMES,
    VERDICT_NAMES,
    TargetName,
    code_names,
    cores_here,
    executor_option,
    format_option,
    function_names,
    jobs_option,
    names_argument,
    rule_timeout_option,
    site_options,
    table_names,
)
from translator.garbage import collect_rarely


class _Subcommand(click.Command):
    """What a command returns is its exit status; what it cannot carry out as it was called is told with its usage."""

    def invoke(self, ctx: click.Context) -> object:
        from translator.commands.common import UsageProblem

        try:
            status = super().invoke(ctx)
        except UsageProblem as problem:
            raise click.UsageError(str(problem), ctx) from problem
        ctx.exit(status or 0)


class _Commands(click.Group):
    """Ctrl-C, a closed pipe, a full disk and what nobody foresaw end the command without a traceback."""

    command_class = _Subcommand

    def invoke(self, ctx: click.Context) -> object:
        collect_rarely()
        for stream in (sys.stdout, sys.stderr):  # what the encoding of a terminal lacks is an escape there
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            sys.stderr.close()
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(128 + signal.SIGINT)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from translator.commands.common import line
            from translator.workers import internal_error

            said = f"{error.filename or ''}: {error.strerror}".removeprefix(": ") if isinstance(error, OSError) else internal_error(error)
            click.echo(line(f"error: {said}"), err=True)
            ctx.exit(1)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="To begin: kql2sigma convert my-rules/ -o out/, then open out/report.html.",
)
@click.version_option(__version__, prog_name="kql2sigma")
def main() -> None:
    """Translate KQL detections to Sigma, Splunk SPL, Elastic EQL and ES|QL."""


@main.command()
@PATHS
@click.option(
    "-t",
    "--target",
    "targets",
    multiple=True,
    type=TargetName(),
    help=f"{', '.join(TARGET_NAMES)}, or pysigma:NAME for a pySigma backend; all but sql by default. It may be given several times.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to; else to the screen.")
@EXCLUDED
@jobs_option()
@executor_option()
@rule_timeout_option(None, "60, and 20 of the processor; 240 and 60 for what --verify tries")
@click.option("--quiet", is_flag=True, help="No progress and no summary: errors alone.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where the files of -o are not what would be written.")
@click.option("--prune", is_flag=True, help="Remove files that earlier runs wrote and this one does not, unless they have changed since.")
@click.option("--resume", is_flag=True, help="Go on where an interrupted run into -o ended: what it has converted is taken as it is.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Take what earlier runs made of the same rules again.")
@click.option("--no-html", "html", is_flag=True, flag_value=False, default=True, help="No page for people, report.html.")
@click.option("--verify", is_flag=True, help="Try what is written on events, as the command verify does; fail where that contradicts it.")
@click.option(
    "--fail-on",
    type=click.Choice(VERDICT_NAMES[1:]),
    help="Exit with 1 where an output has this verdict or a worse one, none where there is no output; unless given, no verdict fails.",
)
@format_option("text", "json", "sarif", name="format")
@site_options
@click.option("--timespan", default="1d", show_default=True, help="Window for rules that state none, such as 1d or 4h.")
@click.option(
    "--prefer",
    type=click.Choice(("exact", "portable")),
    default="exact",
    show_default=True,
    help="Sigma that keeps case and terms, or what every backend can say.",
)
@click.option("--pipeline", "pipelines", multiple=True, help="pySigma processing pipeline for pysigma:NAME; a name or a file.")
@click.option("--dialect", type=click.Choice(DIALECT_NAMES), default="duckdb", show_default=True, help="Dialect of -t sql.")
@click.option(
    "--package",
    "packages",
    multiple=True,
    type=click.Choice(PACKAGES),
    default=DEFAULT_PACKAGES,
    show_default=True,
    help="Files that a product imports.",
)
@click.option("--enable", is_flag=True, help="Package what is ready switched on; else all of it is off.")
@click.option("--ingest-delay", default="", help="How long packaged searches wait for late events, such as 5m.")
@click.option("--author", default="", help="The author of rules that name none.")
@click.option("--date", default="", help="The date of rules that state none, such as 2026-01-31.")
def convert(targets: tuple[str, ...], executor: str, **given: Any) -> int:
    """Convert rules and say how faithful each output is.

    PATHS are files, folders and zip archives, or - for standard input. The status is 1 where a rule cannot be read, a file cannot be
    written, --verify contradicts an output, or an output has the verdict of --fail-on or a worse one; 2 where the command cannot begin.
    """
    from translator.commands.convert import ConvertRequest, run_convert
    from translator.commands.executing import executor_of

    with executor_of(executor) as workers:
        return run_convert(ConvertRequest(targets=targets or DEFAULT_TARGETS, executor=workers, **given))


@main.command()
@PATHS
@format_option("text", "json", "sarif")
@click.option(
    "--strict",
    is_flag=True,
    help="What is not documented is an error: columns, and tables with a name close to that of one that is.",
)
@EXCLUDED
@jobs_option()
@rule_timeout_option(None, "60, and 20 of the processor")
def check(paths: tuple[Path, ...], form: str, strict: bool, excluded: tuple[str, ...], jobs: int, rule_timeout: float | None) -> int:
    """Check the syntax of rules, and the names and types in them.

    PATHS are as for convert. It also warns of what is legal and surely wrong. The status is 1 where there are errors; warnings leave it
    at 0.
    """
    from translator.commands.check import as_json, as_sarif, check_paths
    from translator.commands.common import line, shown, write_json
    from translator.pack import Effort

    findings = []
    for finding in check_paths(paths, strict, Effort.within(jobs, rule_timeout), excluded):
        findings.append(finding)
        if form == "text":
            click.echo(line(str(finding)))
            if finding.excerpt:
                click.echo("\n".join(f"    {shown(text)}" for text in finding.excerpt.split("\n")))
    if form != "text":
        write_json(as_json(findings) if form == "json" else as_sarif(findings))
    return 1 if any(f.severity == "error" for f in findings) else 0


@main.command()
@PATHS
@click.option("-w", "--write", is_flag=True, help="Write the files instead of printing them.")
@click.option("--check", "only_check", is_flag=True, help="Exit with 1 where a file would change; write nothing.")
def fmt(paths: tuple[Path, ...], write: bool, only_check: bool) -> int:
    """Format .kql files, comments kept.

    PATHS are files, or - for standard input. What is formatted is printed, unless -w or --check is given.
    """
    from translator.commands.fmt import format_files

    return format_files(paths, write, only_check)


@main.command()
@format_option("text", "json")
def targets(form: str) -> None:
    """List the targets that -t takes.

    Besides, pysigma:NAME is any pySigma backend that is installed.
    """
    from translator.pipeline.registry import TARGETS

    names = list(TARGETS)
    click.echo(json.dumps(names) if form == "json" else "\n".join(names))


@main.command()
@PATHS
@click.option("-t", "--target", required=True, type=click.Choice(("splunk", "esql", "eql", "sigma")), help="Whose names are wanted.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write to; else to the screen.")
@click.option(
    "--mapping", "mappings", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), help="What is named already."
)
@EXCLUDED
@jobs_option()
def mapping(
    paths: tuple[Path, ...], target: str, output: Path | None, mappings: tuple[Path, ...], excluded: tuple[str, ...], jobs: int
) -> int:
    """Write what a site has to name so that its rules can run.

    PATHS are as for convert. The file is for --mapping, and is ranked by the rules that each name would make ready.
    """
    from rich.console import Console

    from translator.commands.common import write_text
    from translator.commands.convert import converted, site_of
    from translator.commands.mapping import require_unfilled, write_mapping
    from translator.commands.summary import print_failures
    from translator.pack import Effort
    from translator.targets.base import Options

    if output is not None:
        require_unfilled(output)
    options = Options(site=site_of(mappings, ()))
    console = Console(emoji=False, stderr=True)
    entries = converted(console, paths, (target,), options, Effort.within(jobs, None), excluded)
    write_text(write_mapping(entries, target, output))
    return print_failures(entries, console)


@main.command()
@click.argument("old", type=click.Path(path_type=Path, exists=True))
@click.argument("new", type=click.Path(path_type=Path, exists=True))
@format_option("text", "json")
def diff(old: Path, new: Path, form: str) -> int:
    """Say which rules changed between two outputs, and why.

    OLD and NEW are output folders of convert, or their report.json. Verdict, readiness and text are compared. The status is 1 where
    something changed.
    """
    from translator.commands.diff import print_diff

    return print_diff(old, new, form)


@main.command()
@names_argument("names", table_names)
@format_option("table", "json", "markdown")
def tables(names: tuple[str, ...], form: str) -> int:
    """List where each product has the events of a table.

    With NAMES of tables, also what it has for each of their columns.
    """
    from translator.commands.tables import print_tables

    return print_tables(names, form)


@main.command()
@click.argument("query")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A file named after its table, or a folder with a file or folder for each: CSV, JSON, answers, records, Parquet, any in gzip.",
)
@click.option(
    "--schema",
    "schemas",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Column types: JSON, or the CSV of getschema, TABLE.csv.",
)
@click.option("--engine", default="duckdb", show_default=True, help="duckdb, or spark or the URL of a Spark master (extra spark).")
@click.option("--now", help="What now() is, such as 2026-05-01T12:00:00Z; else the clock's time.")
@format_option("table", "json", "csv")
def run(query: str, data: Path | None, schemas: tuple[Path, ...], engine: str, now: str | None, form: str) -> int:
    """Run a KQL query over data on this machine.

    QUERY is its text, a file of one query or one rule, or - for the text on standard input.
    """
    from translator.commands.run import RunRequest, run_query

    return run_query(RunRequest(query, data, schemas, engine, now, form))


@main.command()
@click.argument("paths", nargs=-1, type=SOURCES)
@click.option("-t", "--target", "targets", multiple=True, type=click.Choice(DEFAULT_TARGETS), help="Targets; all by default.")
@click.option(
    "--text",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A translation of the one rule for the one -t, whoever wrote it.",
)
@site_options
@click.option("--seed", type=int, default=0, show_default=True, help="A number; another one makes other events.")
@click.option("--save", type=click.Path(path_type=Path, file_okay=False), help="Write the events, with what must alert, as a kit.")
@click.option(
    "--replay", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Try the rules of a kit on the events saved in it."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="Real events, as run reads them: a file, or a folder with one for each table.",
)
@click.option("--now", help="When the rules run on --data; else a second after the newest event that they read.")
@click.option("--sample", default="", help="How many events of a table are picked from --data for each reason, 50 unless said; or all.")
@click.option("--beside", is_flag=True, help="Try the events that are made from the rules as well as those of --data.")
@EXCLUDED
@jobs_option()
@executor_option()
@rule_timeout_option(None, "240, and 60 of the processor")
@click.option(
    "--resume",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file that keeps what was found: what it has of the same rule, options and tool is not tried again.",
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write what was found as a page for people, too.")
@format_option("text", "json", name="format")
def verify(targets: tuple[str, ...], executor: str, replay: Path | None, **given: Any) -> int:
    """Prove or contradict translations by running both sides.

    PATHS are as for convert. The KQL of each rule and what is written for it are run on the same events, made from the rule or real. An
    output is proven, contradicted, or not executable here. The status is 1 where one is contradicted or a rule cannot be read, and 3 where
    the translation in --text cannot be run.
    """
    from translator.commands.executing import executor_of
    from translator.commands.verify import VerifyRequest
    from translator.commands.verify import verify as verify_paths

    chosen = targets or (() if replay is not None else DEFAULT_TARGETS)
    with executor_of(executor) as workers:
        return verify_paths(VerifyRequest(targets=chosen, executor=workers, replay=replay, **given))


@main.command()
@names_argument("names", function_names)
@format_option("table", "json", "markdown")
def functions(names: tuple[str, ...], form: str) -> int:
    """List KQL's functions and how each is supported.

    Aggregates, operators and plugins are listed as well.
    """
    from translator.commands.functions import print_functions

    return print_functions(names, form)


@main.command()
@names_argument("codes", code_names)
@format_option("table", "json", "markdown")
def diagnostics(codes: tuple[str, ...], form: str) -> int:
    """List the codes of diagnostics, and what to do about each.

    For each: what it does to an output, what it means, and what to do. CODES choose some.
    """
    from translator.commands.diagnostics import print_diagnostics

    return print_diagnostics(codes, form)


@main.command()
@PATHS
@click.option("-t", "--target", "targets", multiple=True, type=click.Choice(TARGET_NAMES), help="Targets; all but sql by default.")
@site_options
@click.option("--verify", is_flag=True, help="Try each output on events, as the command verify does.")
@EXCLUDED
@jobs_option()
@rule_timeout_option(None, "60, and 20 of the processor; 240 and 60 with --verify")
def explain(
    paths: tuple[Path, ...], targets: tuple[str, ...], verify: bool, excluded: tuple[str, ...], jobs: int, rule_timeout: float | None,
    **site: Any,
) -> int:  # fmt: skip
    """Show how rules are understood and where outputs deviate.

    PATHS are as for convert. For each rule: its plan, its detection, and every deviation of every output beside the source lines.
    """
    from translator.commands.convert import options_of_site
    from translator.commands.explain import explain as explain_paths
    from translator.pack import Effort

    options = options_of_site(**site)
    effort = Effort.within(jobs, rule_timeout, proving=verify)
    return explain_paths(paths, targets or DEFAULT_TARGETS, options, verify, effort, excluded)


@main.command()
@PATHS
@EXCLUDED
def attack(paths: tuple[Path, ...], excluded: tuple[str, ...]) -> int:
    """List the ATT&CK techniques that rules cover.

    PATHS are as for convert.
    """
    from translator.commands.attack import coverage

    return coverage(paths, excluded)


@main.command()
def schema() -> None:
    """Print the JSON Schema of report.json.

    What convert --format json prints has the same form.
    """
    from translator.report import SCHEMA

    click.echo(SCHEMA.read_text("utf-8"), nl=False)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens: an address or a name of this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Its port; 0 for any that is free.")
@click.option("--name", "names", multiple=True, help="Another name that browsers call it by, such as that of a proxy.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=lambda: min(cores_here(), 4),
    show_default="one for each core, 4 at most",
    help="Processes to work with, each of which keeps some 150 MB.",
)
def serve(host: str, port: int, names: tuple[str, ...], jobs: int) -> None:
    """Serve a page that converts KQL as it is typed.

    It shows the translations with verdict, readiness and proof.
    """
    from translator.commands.serve import serve as serve_page

    serve_page(host, port, names, jobs)


@main.command()
def mcp() -> None:
    """Serve check, convert, explain and verify to assistants.

    By the Model Context Protocol, on standard input and output. It needs the extra mcp.
    """
    from translator.commands.mcp import serve

    serve()
