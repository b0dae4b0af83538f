"""kql2sigma: KQL detections as Sigma, Splunk SPL, Elastic EQL and ES|QL.

The names below are the public interface; each is imported when it is first used, so that ``import translator`` is cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt

    from translator.engine import Result
    from translator.kql.errors import KqlSyntaxError
    from translator.kql.syntax import Query
    from translator.pipeline import Conversion
    from translator.plan.binder.context import Schema
    from translator.plan.operators import Plan
    from translator.rulepack.model import Rule
    from translator.targets.base import Options
    from translator.verify.proof import Proof

__version__ = "0.2.0"
__all__ = ["KqlSyntaxError", "Options", "bind", "convert", "parse", "prove", "read_rules", "run"]


def parse(kql: str) -> Query:
    """The syntax tree of a query.

    Raises:
        KqlSyntaxError: where the text is no KQL.
    """
    from translator.kql.parser import parse as parse_text

    return parse_text(kql)


def bind(kql: str, schema: Schema | None = None) -> Plan:
    """The plan of a query; ``schema`` gives column types by table and column, else pysigma-backend-kusto's tables do, name by name.

    Raises:
        KqlSyntaxError: where the text is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
    """
    from translator import catalog
    from translator.garbage import uncollected
    from translator.kql.parser import parse as parse_text
    from translator.plan.binder import bind as bind_tree

    known = catalog.schemas(marked=True) if schema is None else schema
    with uncollected():
        return bind_tree(parse_text(kql), known)


def run(
    kql: str, tables: Mapping[str, Any] | str | Path | None = None, engine: str = "duckdb", now: dt.datetime | None = None,
    schema: Schema | None = None,
) -> Result:  # fmt: skip
    """The result of a query: ``.columns`` as (name, type), ``.rows`` as tuples, ``.warnings`` on where data and tables do not agree.

    Args:
        tables: a folder with a file or folder for each table, a file that is named after its table, or tables by name: a path, a list of
            dictionaries, a data frame.
        engine: ``duckdb``, or ``spark`` with pyspark installed.
        now: what ``now()`` and ``ago()`` count from; the clock's time unless given.
        schema: column types by table; the documented Microsoft tables unless given.

    Raises:
        KqlSyntaxError: where the text is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
        translator.engine.EngineError: what the engine cannot do, or data that it cannot read, by name.
    """
    from translator import catalog
    from translator.engine import execute
    from translator.kql.parser import parse as parse_text

    known = schema if schema is not None else catalog.schemas() if tables is not None else {}
    return execute(parse_text(kql), tables, engine, now, known)


def convert(
    rule: Rule | str, targets: str | Iterable[str] = ("sigma", "splunk", "eql", "esql"), options: Options | None = None
) -> Conversion:  # fmt: skip
    """A rule (or a bare query) in every target, or in one: ``.outputs[target].text``, ``.verdict``, ``.diagnostics``.

    Raises:
        KqlSyntaxError: where the query is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
        ValueError: for a target that there is none of.
    """
    from translator.pipeline import convert as convert_rule
    from translator.rulepack.model import Rule as RuleModel
    from translator.rulepack.model import TextMap

    if isinstance(rule, str):
        rule = RuleModel(source="<query>", id="", name="query", query=rule, text_map=TextMap.locate(rule, rule.split("\n"), 0))
    return convert_rule(rule, (targets,) if isinstance(targets, str) else tuple(targets), options)


def prove(
    rule: Rule | str, target: str, text: str | None = None, data: str | Path | None = None, options: Options | None = None
) -> Proof:  # fmt: skip
    """Tries what is written of a rule for a target on events made from the rule, or on real ones, beside its KQL.

    Args:
        rule: a rule, or the KQL of one.
        target: sigma, splunk, eql or esql.
        text: a translation that somebody else wrote, which is then tried instead.
        data: real events, as ``run`` reads them: a file named after its table, or a folder with one for each.

    Raises:
        KqlSyntaxError: where the query cannot be read.
        translator.plan.binder.problems.BindError: where it has no meaning.
        translator.engine.EngineError: data that cannot be read, or have nothing that the rule looks at.
        ValueError: for a target that there is no reader of.
    """
    from translator.targets.base import Options as TargetOptions
    from translator.verify.data import Real
    from translator.verify.given import given
    from translator.verify.proof import prove as prove_conversion
    from translator.verify.running import LANGUAGES, no_reader_of

    if target not in LANGUAGES:
        raise no_reader_of(target)

    conversion = convert(rule, (target,), options)
    if data is None:
        return prove_conversion(conversion, target, text, options)
    options = options or TargetOptions()
    output = conversion.outputs[target] if text is None else given(conversion, target, text, options)
    return Real(conversion, options, Path(data)).prove(target, output)


def read_rules(path: str | Path) -> Iterator[Rule]:
    """The rules at a file, below a folder or in an archive; what is no rule (a picture, a text without a query) is passed over.

    Raises:
        translator.rulepack.RuleFileError: where there is a rule that cannot be read, or no rule in a file that is named.
    """
    from translator.rulepack import read

    yield from read(Path(path))


def __getattr__(name: str) -> Any:
    if name == "KqlSyntaxError":
        from translator.kql.errors import KqlSyntaxError

        return KqlSyntaxError
    if name == "Options":
        from translator.targets.base import Options

        return Options
    if name == "verify":
        from importlib import import_module

        return import_module("translator.verify")
    raise AttributeError(f"module 'translator' has no attribute {name!r}")
