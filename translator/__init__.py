"""kql2sigma: KQL detections as Sigma, Splunk SPL, Elastic EQL and ES|QL.

The names below are the public interface; each is imported when it is first used, so that ``import translator`` is cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from translator.kql.errors import KqlSyntaxError
    from translator.kql.syntax import Query
    from translator.pipeline import Conversion
    from translator.plan.binder import Schema
    from translator.plan.operators import Plan
    from translator.rulepack.model import Rule
    from translator.targets.base import Options

__version__ = "0.1.0"
__all__ = ["KqlSyntaxError", "bind", "convert", "parse", "read_rules"]


def parse(kql: str) -> Query:
    """The syntax tree of a query.

    Raises:
        KqlSyntaxError: where the text is no KQL.
    """
    from translator.kql.parser import parse as parse_text

    return parse_text(kql)


def bind(kql: str, schema: Schema | None = None) -> Plan:
    """The plan of a query; ``schema`` gives column types by table and column, else the documented Microsoft tables do.

    Raises:
        KqlSyntaxError: where the text is no KQL.
        translator.plan.binder.BindError: where it has no meaning.
    """
    from translator import catalog
    from translator.kql.parser import parse as parse_text
    from translator.plan.binder import bind as bind_tree

    return bind_tree(parse_text(kql), catalog.schemas() if schema is None else schema)


def convert(rule: Rule | str, targets: tuple[str, ...] = ("sigma", "splunk", "eql", "esql"), options: Options | None = None) -> Conversion:
    """A rule (or a bare query) in every target: ``.outputs[target].text``, ``.verdict``, ``.diagnostics``.

    Raises:
        KqlSyntaxError: where the query is no KQL.
        translator.plan.binder.BindError: where it has no meaning.
    """
    from translator.pipeline import convert as convert_rule
    from translator.rulepack.model import Rule as RuleModel
    from translator.rulepack.model import TextMap

    if isinstance(rule, str):
        rule = RuleModel(source="<query>", id="", name="query", query=rule, text_map=TextMap.locate(rule, rule.split("\n"), 0))
    return convert_rule(rule, targets, options)


def read_rules(path: str | Path) -> Iterator[Rule]:
    """The rules at a file or below a folder.

    Raises:
        translator.rulepack.RuleFileError: at the first file that holds no rule.
    """
    from translator.rulepack import read, rule_files

    for file in rule_files(Path(path)):
        yield from read(file)


def __getattr__(name: str) -> Any:
    if name == "KqlSyntaxError":
        from translator.kql.errors import KqlSyntaxError

        return KqlSyntaxError
    raise AttributeError(f"module 'translator' has no attribute {name!r}")
