"""Sigma filters from the exclusions that a rule brings beside its query.

They stand in a file of their own: the Sigma of the rule says what its query says, and a site decides which exclusions hold for it.
Source: github.com/SigmaHQ/sigma-specification, specification/sigma-filters-specification.md.
"""

from __future__ import annotations

from typing import Any

from translator import catalog
from translator.detection.lift import lift
from translator.detection.model import Detection
from translator.engine.constant_folding import fold_constants
from translator.kql import syntax as s
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.rulepack.model import Rule
from translator.sigma.documents import dump
from translator.sigma.emit import source_of
from translator.sigma.identity import stable_id
from translator.sigma.selections import Selections
from translator.targets.base import Cannot, Options
from translator.targets.homes import placed
from translator.targets.names import Names


def filters(rule: Rule, detection: Detection, options: Options) -> str:
    """The filter documents of a rule as YAML, empty where it has none; exclusions that cannot be read stand in as comments."""
    documents: list[str] = []
    comments: list[str] = []
    schemas = catalog.schemas()
    for number, text in enumerate(rule.exclusions, 1):
        found = False
        for table in dict.fromkeys(selector.table for selector in detection.selectors):
            try:
                kept = lift(fold_constants(bind(parse(f"['{table}'] | where {text}"), schemas)))
                if not isinstance(kept, Detection) or not _names_columns(table, text, schemas):
                    continue
                moved = placed(kept, "sigma", options)
                names, selector = Names("sigma", options, moved.homes), moved.detection.selectors[0]
                body = Selections(names, selector).detection()
            except (KqlSyntaxError, BindError, Cannot):
                continue
            found = True
            document: dict[str, Any] = {
                "title": f"{rule.name} - exclusion {number} for {table}"[:250],
                "id": stable_id(rule, f"exclusion {number} {table}"),
                "description": f"Keeps events of {table} that satisfy: {text}",
                "logsource": source_of(names, rule, selector),
                "filter": {"rules": [stable_id(rule, _role(detection, s.name)) for s in detection.selectors if s.table == table], **body},
            }
            documents.append(dump(document))
        if not found:
            comments.append(f"# exclusion {number} has no form as a filter: {' '.join(text.split())}\n")
    return "".join(comments) + "---\n".join(documents)


def _role(detection: Detection, name: str) -> str:
    alone = detection.kind == "event" and len(detection.selectors) == 1
    return detection.part + ("rule" if alone else name)


def _names_columns(table: str, text: str, schemas: Any) -> bool:
    """Whether the exclusion names columns of this table: an exclusion for another of the rule's tables says nothing about it."""
    columns = schemas.get(table)
    names = [n.name for n in s.walk(parse(text)) if isinstance(n, s.NameReference)]
    return columns is None or all(n in columns for n in names)
