"""Sigma documents as pySigma reads them, and as YAML."""

from __future__ import annotations

from typing import Any

import yaml

from translator.fidelity import Diagnostic
from translator.targets.base import Cannot


def check(documents: list[dict[str, Any]]) -> None:
    """Has pySigma read the documents and resolve their references.

    Raises:
        Cannot: where pySigma refuses them, with its reason.
    """
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError

    try:
        SigmaCollection.from_dicts(documents).resolve_rule_references()
    except SigmaError as error:
        raise Cannot(Diagnostic("target-cannot", f"pySigma refuses the Sigma for this rule: {error}")) from error


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _string)


def dump(document: dict[str, Any]) -> str:
    """A Sigma document as YAML."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
