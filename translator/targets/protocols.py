"""What a target can do, by what it writes. A target says so by its base classes."""

from __future__ import annotations

from abc import ABC, abstractmethod

from translator.detection.model import Trigger
from translator.plan.operators import Plan
from translator.rulepack.model import Rule
from translator.targets.base import Options, Output
from translator.targets.homes import Placed
from translator.targets.pipeline.cases import PipelineCase


class Target(ABC):
    """Writes a detection in one language. ``name`` is what ``-t`` takes, ``extension`` the suffix of its files.

    ``family`` is whose field names it uses, in the catalog. ``tells_time`` says that its searches can ask how long ago an event was, so
    that each part of a detection may have a window of its own, ``computes`` that they can compute texts of fields, ``reads_json`` that
    they read what stands in texts that hold JSON, ``samples`` that an alert of several events has one of each side, ``chooses`` that its
    searches can keep one event of each group. ``keeps`` are the settings of rules (``translator.rulepack.settings``) that its package has
    a place for.
    """

    name: str
    family: str
    extension: str
    tells_time: bool
    computes: bool
    reads_json: bool
    samples: bool = False
    chooses: bool = False
    keeps: frozenset[str]

    @abstractmethod
    def translate(self, rule: Rule, placed: Placed, options: Options) -> Output:
        """What a rule is in this language; without texts where it has no words for the detection.

        Args:
            rule: for names and settings.
            placed: the detection over the product's own fields.
            options: what the user asked for.
        """


class CountsRows(ABC):
    """A target whose searches can ask how many rows they have; ``shows_rows`` says whether they still show them then."""

    shows_rows: bool

    @abstractmethod
    def with_rows(self, output: Output, trigger: Trigger, keys: tuple[str, ...]) -> Output:
        """``output``, a single search by ``keys``, that finds something only where the number of its rows is as ``trigger`` asks."""


class LooksBack(ABC):
    """A target whose searches can say themselves since when they look for events, whatever time they are run over."""

    @abstractmethod
    def since(self, output: Output, moment: float) -> Output | None:
        """``output`` that looks for events since a moment, in seconds since 1970; None where it cannot say that."""


class Pipes(Target):
    """A target whose language is a pipeline, so that it can write a plan operator by operator."""

    @abstractmethod
    def pipe(self, case: PipelineCase, options: Options) -> Output:
        """A plan written operator by operator.

        Raises:
            Cannot: where something that decides has no words.
        """


class PlanTarget(ABC):
    """Writes any plan, detection or not."""

    name: str
    extension: str

    @abstractmethod
    def translate_plan(self, rule: Rule, plan: Plan, options: Options) -> Output:
        """The plan of a rule in this language; without texts where it has no words for it."""
