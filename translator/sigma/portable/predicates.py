"""What the portable backends share: conditions as boolean expressions that are true or false of every event, and correlations as a tree.

Sigma's ``not`` takes events that lack the field, where SPL's ``where``, EQL and ES|QL make a comparison with a missing field null:
below a ``not`` every comparison also asks that the field is there.
Source: github.com/SigmaHQ/sigma-specification, specification/sigma-rules-specification.md and sigma-correlation-rules-specification.md.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionItem, ConditionNOT, ConditionOR
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)


@dataclass(frozen=True)
class Member:
    """A rule of a correlation: ``rule`` is an event rule, or itself a correlation whose tree is ``inner``."""

    name: str
    rule: SigmaRule | SigmaCorrelationRule
    inner: Correlation | None = None

    @property
    def event(self) -> SigmaRule:
        """The event rule that this is. Raises SigmaFeatureNotSupportedByBackendError for a correlation."""
        if not isinstance(self.rule, SigmaRule):
            raise unsupported("a correlation of correlations")
        return self.rule


@dataclass(frozen=True)
class Correlation:
    """A correlation rule over its members. ``expression`` is its extended condition, None where all members are wanted."""

    rule: SigmaCorrelationRule
    members: tuple[Member, ...]
    expression: Any = None

    @property
    def kind(self) -> str:
        """The type in Sigma's words, as event_count."""
        return str(self.rule.type.name).lower()

    @property
    def seconds(self) -> int:
        """The timespan."""
        return int(self.rule.timespan.seconds)

    @property
    def group_by(self) -> list[str]:
        """The names of its keys, as the rule says them."""
        return list(self.rule.group_by or [])

    @property
    def threshold(self) -> SigmaCorrelationCondition:
        """The condition on a number. Raises SigmaFeatureNotSupportedByBackendError where there is none."""
        if not isinstance(self.rule.condition, SigmaCorrelationCondition):
            raise unsupported(f"a {self.kind} correlation without a number")
        return self.rule.condition

    def field_of(self, name: str, member: str) -> str:
        """The field of a member's events behind a name of ``group-by`` or ``field``, which may be an alias."""
        for alias in self.rule.aliases:
            if alias.alias == name:
                for reference, field in alias.mapping.items():
                    if reference.reference == member:
                        return str(field)
        return name

    def leaves(self) -> Iterator[Member]:
        """The event rules below, each once."""
        seen = set()
        for member in self.members:
            for leaf in member.inner.leaves() if member.inner else (member,):
                if leaf.name not in seen:
                    seen.add(leaf.name)
                    yield leaf

    @property
    def negated(self) -> frozenset[str]:
        """The members that the condition wants absent."""
        return frozenset(_negated(self.expression, False))


def _negated(expression: Any, inside: bool) -> Iterator[str]:
    match expression:
        case SigmaRuleReference():
            if inside:
                yield expression.reference
        case CorrelationConditionNOT():
            yield from _negated(expression.args[0], not inside)
        case CorrelationConditionAND() | CorrelationConditionOR():
            for part in expression.args:
                yield from _negated(part, inside)


OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "EQ": "==", "NEQ": "!="}


def operator(condition: SigmaCorrelationCondition) -> str:
    """How a threshold compares."""
    return OPERATORS[condition.op.name]


def tree(rule: SigmaCorrelationRule) -> Correlation:
    """A correlation rule with its references resolved."""
    members = []
    for reference in rule.rules or rule.referenced_rules:
        referred = reference.rule
        inner = tree(referred) if isinstance(referred, SigmaCorrelationRule) else None
        members.append(Member(reference.reference, referred, inner))
    extended = rule.condition if isinstance(rule.condition, SigmaExtendedCorrelationCondition) else None
    return Correlation(rule, tuple(members), extended.parsed if extended else None)


def expressed(expression: Any, member: dict[str, str], and_: str, or_: str, not_: str) -> str:
    """An extended condition with each member spelt as ``member`` has it."""
    match expression:
        case SigmaRuleReference():
            return member[expression.reference]
        case CorrelationConditionNOT():
            return f"{not_}({expressed(expression.args[0], member, and_, or_, not_)})"
        case CorrelationConditionAND():
            return "(" + and_.join(expressed(a, member, and_, or_, not_) for a in expression.args) + ")"
        case CorrelationConditionOR():
            return "(" + or_.join(expressed(a, member, and_, or_, not_) for a in expression.args) + ")"
    raise unsupported("this condition of a correlation")


def unsupported(what: str) -> SigmaFeatureNotSupportedByBackendError:
    """What a backend raises for what its language cannot say."""
    return SigmaFeatureNotSupportedByBackendError(f"{what} is not supported")


def spelled(value: SigmaString, many: str, one: str, text: Callable[[str], str] = str) -> str:
    """A Sigma string with its wildcards as ``many`` and ``one`` write them, and its texts as ``text`` does."""
    marks = {SpecialChars.WILDCARD_MULTI: many, SpecialChars.WILDCARD_SINGLE: one}
    return "".join(marks[part] if isinstance(part, SpecialChars) else text(str(part)) for part in value.s)


def pattern(value: SigmaString) -> str:
    """A Sigma string with wildcards as a regular expression over the whole of the text."""
    return spelled(value, ".*", ".", lambda t: "".join(f"\\{c}" if c in "\\^$.|?*+()[]{}" else c for c in t))


class PredicateBackend(TextQueryBackend):
    """A backend whose conditions are boolean expressions. A language gives its spelling of each kind of comparison."""

    requires_pipeline: ClassVar[bool] = True
    precedence: ClassVar[tuple[type[ConditionItem], type[ConditionItem], type[ConditionItem]]] = (ConditionNOT, ConditionAND, ConditionOR)
    group_expression: ClassVar[str | None] = "({expr})"
    token_separator: str = " "
    or_token: ClassVar[str] = "OR"
    and_token: ClassVar[str] = "AND"
    not_token: ClassVar[str] = "NOT"
    eq_token: ClassVar[str] = "=="
    convert_or_as_in: ClassVar[bool] = False
    convert_and_as_in: ClassVar[bool] = False
    correlation_methods: ClassVar[dict[str, str] | None] = {"default": "The window of the correlation, not buckets of it"}
    default_correlation_method: ClassVar[str] = "default"

    @abstractmethod
    def quoted(self, field: str) -> str:
        """The name of a field as the language writes it."""

    @abstractmethod
    def present(self, field: str) -> str:
        """That an event has the field."""

    @abstractmethod
    def missing(self, field: str) -> str:
        """That an event lacks the field."""

    @abstractmethod
    def equal(self, field: str, text: str, cased: bool) -> str:
        """That the field is this text."""

    @abstractmethod
    def alike(self, field: str, value: SigmaString, cased: bool) -> str:
        """That the field matches a text with wildcards."""

    @abstractmethod
    def matching(self, field: str, regex: str, caseless: bool) -> str:
        """That a regular expression is found in the field."""

    @abstractmethod
    def compared(self, field: str, operator: str, value: str) -> str:
        """That the field stands so to a value, which is written already."""

    @abstractmethod
    def same(self, field: str, other: str) -> str:
        """That two fields hold the same text without case, as Sigma compares texts."""

    @abstractmethod
    def within(self, field: str, network: str) -> str:
        """That the field is an address of a network in CIDR's notation."""

    # --- conditions

    def convert_condition_field_eq_val(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        text = super().convert_condition_field_eq_val(cond, state)
        if isinstance(cond.value, SigmaNull | SigmaExists) or not cond.parent_condition_chain_contains(ConditionNOT):
            return text
        return f"({self.present(self.quoted(cond.field))} {self.and_token} {text})"

    def convert_condition_field_eq_val_str(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        return self.text_condition(cond, False)

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        return self.text_condition(cond, True)

    def text_condition(self, cond: ConditionFieldEqualsValueExpression, cased: bool) -> str:
        value = cond.value
        assert isinstance(value, SigmaString)
        field = self.quoted(cond.field)
        if value.contains_placeholder():
            return self.listed(cond.field, value, cased)
        return self.alike(field, value, cased) if value.contains_special() else self.equal(field, spelled(value, "", ""), cased)

    def listed(self, field: str, value: SigmaString, cased: bool) -> str:
        """That the field is one of the values that stand for a placeholder, where no pipeline has put them there."""
        raise unsupported("a placeholder without values")

    def convert_condition_field_eq_val_num(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        assert isinstance(cond.value, SigmaNumber)
        return self.compared(self.quoted(cond.field), self.eq_token, str(cond.value))

    def convert_condition_field_eq_val_bool(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        assert isinstance(cond.value, SigmaBool)
        return self.boolean(self.quoted(cond.field), cond.value.boolean)

    def boolean(self, field: str, value: bool) -> str:
        """That the field is true, or false."""
        return self.compared(field, self.eq_token, "true" if value else "false")

    def convert_condition_field_eq_val_re(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        value = cond.value
        assert isinstance(value, SigmaRegularExpression)
        flags = {SigmaRegularExpressionFlag.MULTILINE: "m", SigmaRegularExpressionFlag.DOTALL: "s"}
        others = "".join(letter for flag, letter in flags.items() if flag in value.flags)
        regex = f"(?{others}){value.regexp}" if others else str(value.regexp)
        return self.matching(self.quoted(cond.field), regex, SigmaRegularExpressionFlag.IGNORECASE in value.flags)

    def convert_condition_field_eq_val_cidr(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        assert isinstance(cond.value, SigmaCIDRExpression)
        return self.within(self.quoted(cond.field), str(cond.value.cidr))

    def convert_condition_field_compare_op_val(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        assert isinstance(cond.value, SigmaCompareExpression)
        return self.compared(self.quoted(cond.field), OPERATORS[cond.value.op.name], str(cond.value.number))

    def convert_condition_field_eq_field(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        value = cond.value
        assert isinstance(value, SigmaFieldReference)
        if value.starts_with or value.ends_with:
            raise unsupported("a part of another field")
        return self.same(self.quoted(cond.field), self.quoted(value.field))

    def convert_condition_field_eq_val_null(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        return self.missing(self.quoted(cond.field))

    def convert_condition_field_exists(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        return self.present(self.quoted(cond.field))

    def convert_condition_field_not_exists(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        return self.missing(self.quoted(cond.field))

    def convert_condition_field_eq_expansion(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        assert isinstance(cond.value, SigmaExpansion)
        either = ConditionOR([ConditionFieldEqualsValueExpression(cond.field, v) for v in cond.value.values])
        either.parent = cond.parent
        for arg in either.args:
            if arg is not None:
                arg.parent = either
        return f"({self.convert_condition_or(either, state)})"

    def convert_condition_val_str(self, cond: Any, state: ConversionState) -> Any:
        raise unsupported("a value without a field")

    convert_condition_val_num = convert_condition_val_str
    convert_condition_val_re = convert_condition_val_str

    # --- correlations

    def condition_of(self, rule: SigmaRule) -> str:
        """The condition of an event rule that the pipeline was applied to; several conditions are alternatives."""
        found = [str(self.convert_condition(c.parsed, ConversionState())) for c in rule.detection.parsed_condition]
        return found[0] if len(found) == 1 else " ".join(["", self.or_token, ""]).join(f"({c})" for c in found)

    def convert_correlation_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str | None = None, callback: Any = None
    ) -> list[Any]:
        self.last_processing_pipeline.apply(rule)
        queries = self.correlation_queries(tree(rule))
        state = ConversionState(processing_state=dict(self.last_processing_pipeline.state))
        chosen = output_format or self.default_format
        found = [self.finalize_query(rule, query, number, state, chosen) for number, query in enumerate(queries)]
        rule.set_conversion_result(found)
        rule.set_conversion_states([state] * len(found))
        return found if rule._output else []

    @abstractmethod
    def correlation_queries(self, correlation: Correlation) -> list[str]:
        """The queries of a correlation. Raises SigmaFeatureNotSupportedByBackendError."""


def word(name: str) -> str:
    """A name of letters, digits and underscores."""
    return re.sub(r"\W+", "_", name)
