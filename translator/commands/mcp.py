"""``kql2sigma mcp``: check, convert, explain and verify for assistants, so that their translations are judged and not believed.

A request brings the text of its rule, and nothing else is read; nothing is written. The work on each is done in a process that is stopped
when it takes too long or too much. Source of the protocol: modelcontextprotocol.io/specification, Tools and Transports (stdio).
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Literal

from translator import __version__
from translator.commands.check import as_json, check_rule
from translator.commands.common import UsageProblem
from translator.commands.explain import WIDTH, Screen, explained_rule
from translator.commands.proved import Proved, data_of
from translator.commands.proving import claiming
from translator.engine import EngineError
from translator.pack import (
    PROOF_PROCESSOR,
    PROOF_SECONDS,
    RULE_MEGABYTES,
    RULE_PROCESSOR,
    RULE_SECONDS,
    Entry,
    Failure,
    converted,
    rules_given,
    whole,
)
from translator.pipeline import Conversion
from translator.report import report
from translator.rulepack import Rule, Unread
from translator.targets.base import Options
from translator.verify.given import given
from translator.verify.proof import proofs_of, trial_of
from translator.workers import Limits, Standby, cores

Target = Literal["sigma", "splunk", "eql", "esql"]
Fields = Literal["target", "source"]
ALL: tuple[Target, ...] = ("sigma", "splunk", "eql", "esql")

MOST_CHARACTERS = 500_000
"""How long a text of a request may be, and an answer."""

MOST_RULES = 20
"""How many rules a request may have."""

_SAYS = (
    "Translates KQL detections to Sigma, Splunk SPL, Elastic EQL and ES|QL. Every output has a verdict: exact; same-alerts (other rows or "
    "columns); broader (alerts on more); narrower (misses some); differs (both); none (not translated). A translation of your own is not "
    "to be believed before verify has tried it: 'proven' holds on the events that were tried, 'contradicted' comes with events on which it "
    "fails, 'not executable' says nothing."
)

RuleText = Annotated[str, "The text of a rule file: KQL, YAML of Sentinel, an ARM template, or another form that kql2sigma reads."]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as it is given to a process."""

    rule: str
    targets: tuple[str, ...] = ALL
    text: str | None = None
    strict: bool = False
    fields: str = "target"

    @property
    def options(self) -> Options:
        return Options(fields=self.fields)


_Work = Callable[[Asked], Iterator[dict[str, Any]]]


class Refused(Exception):
    """A request that gets no answer, and why."""


class Desk:
    """What requests come to: each is done in a process of its own, no more of them at once than there are processors. They are forked
    from processes that stand by, as many as there were requests at once, and have loaded what a request needs.

    Args:
        seconds: of the clock, for all but what tries rules on events.
        proof_seconds: for that.
    """

    def __init__(self, seconds: float = RULE_SECONDS, proof_seconds: float = PROOF_SECONDS) -> None:
        self.limits = Limits(seconds, RULE_MEGABYTES, 1, RULE_PROCESSOR)
        self.of_proofs = Limits(proof_seconds, RULE_MEGABYTES, 1, PROOF_PROCESSOR)
        self.turns = threading.BoundedSemaphore(cores())
        self.free: list[Standby[tuple[_Work, Asked], dict[str, Any]]] = []

    def done(self, function: _Work, asked: Asked, limits: Limits) -> list[dict[str, Any]]:
        """What a function gives for the rules of a request.

        Raises:
            Refused: for a request that is too large, or whose work is beyond its limits, or has too much to say.
        """
        if any(len(text) > MOST_CHARACTERS for text in (asked.rule, asked.text or "")):
            raise Refused(f"a text is longer than {MOST_CHARACTERS:,} characters")
        with self.turns:
            try:
                one = self.free.pop()
            except IndexError:
                one = Standby(_answered, _loaded)
            try:
                done = one.done((function, asked), limits)
            finally:
                self.free.append(one)
        if done.stopped:
            raise Refused(done.stopped)
        if len(json.dumps(done.found)) > MOST_CHARACTERS:
            raise Refused(f"the answer is longer than {MOST_CHARACTERS:,} characters: ask for one target, or split the rule")
        return list(done.found)

    def check(self, rule: RuleText, strict: bool = False) -> dict[str, Any]:
        """Check syntax, names and types of KQL rules, and warn of what is legal and surely wrong. No findings: nothing is wrong.

        With strict, what is not documented is an error: columns, functions, and tables with a name close to a documented one.
        """
        return _answer("findings", self.done(checked, Asked(rule, strict=strict), self.limits))

    def convert(self, rule: RuleText, targets: Sequence[Target] = ALL, fields: Fields = "target") -> dict[str, Any]:
        """Translate KQL rules. Each output has its texts, its verdict, what that follows from, and what the product has to have.

        Fields named 'target' are the product's own, 'source' keeps the names of the KQL.
        """
        return _answer("rules", self.done(translated, Asked(rule, tuple(targets), fields=fields), self.limits))

    def explain(self, rule: RuleText, targets: Sequence[Target] = ALL) -> dict[str, Any]:
        """Explain KQL rules: the plan, the detection that is recognized, and every deviation of each output beside the source lines."""
        return _answer("rules", self.done(explained, Asked(rule, tuple(targets)), self.limits))

    def verify(self, rule: RuleText, target: Target, text: str | None = None, fields: Fields = "target") -> dict[str, Any]:
        """Run a KQL rule and its translation on the same events, made from the rule: proven, contradicted, or not executable.

        Text is a translation that anybody wrote, which is held to be exact; without it, kql2sigma's own is tried for what it claims.
        """
        return _answer("rules", self.done(tried, Asked(rule, (target,), text, fields=fields), self.of_proofs))


def _loaded() -> None:
    """Loads what most requests need."""
    for _ in translated(Asked("SigninLogs | where ResultType == '0'")):
        pass


def _answered(asked: tuple[_Work, Asked]) -> Iterator[dict[str, Any]]:
    work, of = asked
    return work(of)


_NOT_READ = "not read"
"""Under what an answer has what stands beside its rules and became none, or was left out of one."""


def _answer(name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    rest = [item[_NOT_READ] for item in found if _NOT_READ in item]
    return {name: [item for item in found if _NOT_READ not in item], **({_NOT_READ: rest} if rest else {})}


def _rules(text: str) -> tuple[list[Rule | Failure], list[dict[str, Any]]]:
    """The rules in a text, with what in it should be one and cannot be read, and what became none.

    Why there are no rules, or too many, is a failure.
    """
    unread: list[Unread] = []
    rules = rules_given("rule", whole(text).encode(), unread.append)
    rest = [{_NOT_READ: {"name": u.name, "line": u.line, "column": u.column, "message": u.message}} for u in unread]
    if not rules:
        why = unread[0].message if unread else ""
        return [Failure("rule", "rule", "", 1, 1, f"no rule was found here{f': {why}' if why else ''}")], rest
    if len(rules) > MOST_RULES:
        return [Failure("rule", "rule", "", 1, 1, f"these are {len(rules)} rules, of {MOST_RULES} at most")], []
    return rules, rest


def _unread(failure: Failure) -> dict[str, Any]:
    return {"name": failure.name, "failed": {"line": failure.line, "column": failure.column, "message": failure.message}}


def checked(asked: Asked) -> Iterator[dict[str, Any]]:
    """The findings of the rules of a request."""
    rules, rest = _rules(asked.rule)
    yield from rest
    for rule in rules:
        if isinstance(rule, Failure):
            yield {"line": rule.line, "column": rule.column, "severity": "error", "code": "file", "message": rule.message, "hint": ""}
        else:
            for found in as_json(list(check_rule(rule, asked.strict))):
                yield {"rule": rule.name, **{k: v for k, v in found.items() if k != "path"}}


def translated(asked: Asked) -> Iterator[dict[str, Any]]:
    """The rules of a request as ``report.json`` has them, with the texts of their outputs."""
    rules, rest = _rules(asked.rule)
    yield from rest
    for rule in rules:
        result = rule if isinstance(rule, Failure) else converted(rule, asked.targets, asked.options)
        if isinstance(result, Failure):
            yield _unread(result)
            continue
        (told,) = report([Entry("", result)], {})["rules"]
        for target, output in result.outputs.items():
            of_target = told["outputs"][target]
            del of_target["paths"]
            of_target["texts"] = list(output.texts)
        yield told


def explained(asked: Asked) -> Iterator[dict[str, Any]]:
    """The explanations of the rules of a request."""
    rules, rest = _rules(asked.rule)
    yield from rest
    for rule in rules:
        if isinstance(rule, Failure):
            yield _unread(rule)
        else:
            screen = Screen(WIDTH, None, "utf-8")
            explanation = explained_rule(rule, asked.targets, asked.options, False, screen)
            yield {"name": rule.name, "text": "".join(text for text, _ in explanation)}


def tried(asked: Asked) -> Iterator[dict[str, Any]]:
    """The proofs of the rules of a request, of what is written for them or of the text that it brings."""
    rules, rest = _rules(asked.rule)
    yield from rest
    if asked.text is not None and len(rules) != 1:
        yield _unread(Failure("rule", "rule", "", 1, 1, f"a text is a translation of one rule: these are {len(rules)}"))
        return
    for rule in rules:
        result = rule if isinstance(rule, Failure) else converted(rule, asked.targets, asked.options)
        yield _unread(result) if isinstance(result, Failure) else _proved(result, asked)


def _proved(conversion: Conversion, asked: Asked) -> dict[str, Any]:
    outputs = claiming(conversion) if asked.text is None else {t: given(conversion, t, asked.text, asked.options) for t in asked.targets}
    try:
        proofs = tuple(proofs_of(trial_of(conversion, asked.options), outputs))
    except EngineError as error:
        return _unread(Failure("rule", conversion.rule.name, "", 1, 1, error.message))
    unclaimed = {t: o.verdict.value for t, o in conversion.outputs.items() if t not in outputs}
    told = data_of(Proved(conversion.rule.source, conversion.rule.name, proofs))
    return {**told, **({"not tried": unclaimed} if unclaimed else {})}


def server(desk: Desk) -> Any:
    """The server, a ``mcp.server.mcpserver.MCPServer`` with the four tools of a desk.

    Raises:
        UsageProblem: where ``mcp`` is not installed.
    """
    try:
        library, types = import_module("mcp.server.mcpserver"), import_module("mcp.types")
        errors = import_module("mcp.server.mcpserver.exceptions")
    except ImportError as error:
        raise UsageProblem("this needs mcp 2: pip install 'kql2sigma[mcp]'") from error
    made = library.MCPServer("kql2sigma", instructions=_SAYS, version=__version__, log_level="ERROR")
    hints = types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    for tool in (desk.check, desk.convert, desk.explain, desk.verify):
        made.add_tool(_told(tool, errors.ToolError), annotations=hints)
    return made


def _told(tool: Callable[..., dict[str, Any]], problem: type[Exception]) -> Callable[..., dict[str, Any]]:
    """A tool whose refusals are the words of an answer."""

    @functools.wraps(tool)
    def answered(*given: Any, **named: Any) -> dict[str, Any]:
        try:
            return tool(*given, **named)
        except Refused as error:
            raise problem(str(error)) from error

    return answered


def serve() -> None:
    """Serves on standard input and output until that ends. Raises UsageProblem where ``mcp`` is not installed."""
    desk = Desk()
    desk.free.append(Standby(_answered, _loaded))  # which loads while the client says hello
    server(desk).run("stdio")
