"""The targets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from translator.targets.protocols import PlanTarget, Target


def _targets() -> Mapping[str, Callable[[], Target | PlanTarget]]:
    def sigma() -> Target:
        from translator.sigma.target import Sigma

        return Sigma()

    def splunk() -> Target:
        from translator.targets.splunk import Splunk

        return Splunk()

    def eql() -> Target:
        from translator.targets.elastic.eql import Eql

        return Eql()

    def esql() -> Target:
        from translator.targets.elastic.esql import Esql

        return Esql()

    def sql() -> PlanTarget:
        from translator.targets.sql import Sql

        return Sql()

    return MappingProxyType({"sigma": sigma, "splunk": splunk, "eql": eql, "esql": esql, "sql": sql})


TARGETS = _targets()
"""The targets by name, each imported when it is first used."""


def target_of(name: str) -> Target | PlanTarget:
    """The target of that name; ``pysigma:NAME`` is whatever pySigma backend is installed under NAME.

    Raises:
        ValueError: for an unknown name.
    """
    if name.startswith("pysigma:"):
        from translator.sigma.backends import Backend

        return Backend(name.removeprefix("pysigma:"))
    if name not in TARGETS:
        raise ValueError(f"no target {name}: there are {', '.join(TARGETS)} and pysigma:NAME")
    return TARGETS[name]()
