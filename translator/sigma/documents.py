"""Sigma documents as pySigma reads them, and as YAML."""

from __future__ import annotations

from typing import Any

import yaml

from translator.fidelity import Diagnostic
from translator.regex.terms import FEW_LETTERS, LETTERS
from translator.targets.base import Cannot


def check(documents: list[dict[str, Any]]) -> None:
    """Has pySigma read the documents and resolve their references.

    Raises:
        Cannot: where pySigma refuses them, with its reason.
    """
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError

    try:
        try:
            SigmaCollection.from_dicts(_with_few_letters(documents)).resolve_rule_references()
        except SigmaError:  # told with the documents as they are
            SigmaCollection.from_dicts(documents).resolve_rule_references()
    except SigmaError as error:
        raise Cannot(Diagnostic("target-cannot", f"pySigma refuses the Sigma for this rule: {error}")) from error


def _with_few_letters(value: Any) -> Any:
    """The same for who only asks whether regular expressions can be read: Python takes a millisecond to read the set of all letters."""
    match value:
        case str():
            return value.replace(LETTERS, FEW_LETTERS)
        case dict():
            return {k: _with_few_letters(v) for k, v in value.items()}
        case list():
            return [_with_few_letters(v) for v in value]
        case _:
            return value


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if "\n" not in value else "|" if value.strip("\n") else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


def dump(document: dict[str, Any]) -> str:
    """A Sigma document as YAML."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
