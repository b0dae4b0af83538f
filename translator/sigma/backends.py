"""Any installed pySigma backend as a target: ``-t pysigma:NAME``.

What a backend cannot say it refuses, and its refusal is a diagnostic. So is what it loses in silence (``losses``).
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import yaml

from translator.fidelity import Diagnostic
from translator.rulepack.model import Rule
from translator.sigma.losses import losses
from translator.sigma.target import Sigma
from translator.targets.base import Options, Output
from translator.targets.homes import Placed
from translator.targets.protocols import Target


def unusable(backend: str, pipelines: tuple[str, ...]) -> str:
    """Why a pySigma backend, or a processing pipeline for it, cannot be used; empty where nothing is known against it."""
    from sigma.plugins import InstalledSigmaPlugins

    plugins = InstalledSigmaPlugins.autodiscover()
    if backend not in plugins.backends:
        return _no_backend(backend, plugins.backends)
    try:
        plugins.get_pipeline_resolver().resolve(list(pipelines))
    except Exception as error:  # of others' code, which may raise anything
        return str(error).split("\n")[0] or type(error).__name__
    return ""


def _no_backend(backend: str, installed: Iterable[str]) -> str:
    return f"no pySigma backend {backend} is installed; there are {', '.join(sorted(installed))}"


class Backend(Target):
    """The portable lane: the rule's Sigma, converted by a pySigma backend of that name."""

    extension = "txt"
    family = "sigma"
    tells_time = False
    computes = False
    reads_json = False
    keeps: frozenset[str] = frozenset({"odd-schedule"})

    def __init__(self, name: str) -> None:
        self.backend = name
        self.name = f"pysigma:{name}"

    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        from sigma.collection import SigmaCollection
        from sigma.plugins import InstalledSigmaPlugins

        sigma = Sigma().translate(rule, placed, options)
        if not sigma.texts:
            return Output(self.name, (), sigma.diagnostics, "portable")
        plugins = InstalledSigmaPlugins.autodiscover()
        make = plugins.backends.get(self.backend)
        if make is None:
            return Output(self.name, (), (Diagnostic("target-cannot", _no_backend(self.backend, plugins.backends)),))
        documents = list(yaml.safe_load_all(sigma.text))

        def convert(documents: list[dict[str, Any]]) -> list[str]:
            pipeline = plugins.get_pipeline_resolver().resolve(list(options.pipelines)) if options.pipelines else None
            backend: Any = make
            return [str(q) for q in backend(processing_pipeline=pipeline).convert(SigmaCollection.from_dicts(deepcopy(documents)))]

        try:
            queries = convert(documents)
        except Exception as error:  # of others' code, which may raise anything
            reason = str(error).split("\n")[0] or type(error).__name__
            refusal = Diagnostic("target-cannot", f"the backend {self.backend} refuses this rule: {reason}")
            return Output(self.name, (), (*sigma.diagnostics, refusal), "portable")
        found = [d.below(placed.detection.place) for d in losses(self.backend, documents, queries, convert)]
        return Output(self.name, tuple(queries), tuple(dict.fromkeys((*sigma.diagnostics, *found))), "portable")
