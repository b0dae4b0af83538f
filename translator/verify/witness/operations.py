"""The operators and functions of KQL that values are looked for with, each over the values of its arguments.

``OWN`` has those that are written here, by name; all others are the registry's. Values are as ``scalars`` has them.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from translator.engine.python.conversions import datetime_of, json_of, number_of_value, real_of_value, truth_of_value, whole_of_value
from translator.engine.python.times import day_of_week
from translator.plan.functions.values import TICKS, pattern, text_of, timespan_of, timespan_text
from translator.plan.types import Type
from translator.regex.terms import LETTERS, around
from translator.verify.witness.model import NotKnown

_FIRST = dt.datetime(1, 1, 1)
_UNITS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}

Operation: TypeAlias = Callable[[Type, list[Type], list[Any]], Any]
"""The value of a call: of the type of its result, the types of its arguments and their values."""


def moment_at(ticks: int) -> dt.datetime:
    """A datetime from its ticks, to the microsecond."""
    return _FIRST + dt.timedelta(microseconds=ticks // 10)


def ticks_at(moment: dt.datetime) -> int:
    """How many ticks of 100 ns a datetime is behind the year 1."""
    return (moment - _FIRST) // dt.timedelta(microseconds=1) * 10


def element(value: Any, step: str | int) -> Any:
    """What is at a step of a dynamic value; null where there is nothing."""
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
        return value[step]
    return None


def as_type(value: Any, kind: Type) -> Any:
    """A dynamic value as a scalar of a type."""
    match kind:
        case Type.STRING:
            return text_of(value)
        case Type.LONG:
            return _whole(value)
        case Type.INT:
            found = _whole(value)
            return found if found is None or -(1 << 31) <= found < 1 << 31 else None
        case Type.REAL | Type.DECIMAL:
            return real_of_value(value)
        case Type.BOOL:
            return truth_of_value(value)
        case Type.DATETIME:
            return value if isinstance(value, dt.datetime) else datetime_of(value) if isinstance(value, str) else None
        case Type.TIMESPAN:
            return timespan_of(value) if isinstance(value, str) else value if isinstance(value, int) else None
    return value


def _whole(value: Any) -> Any:
    return whole_of_value(value) if not isinstance(value, dt.datetime) else ticks_at(value)


def span_of(ticks: Any) -> dt.timedelta:
    """A timespan of so many ticks; of none where they are null."""
    return dt.timedelta(microseconds=(ticks or 0) // 10)


# --- comparisons


def _text(value: Any, kind: Type) -> str:
    return timespan_text(value) if kind == Type.TIMESPAN and isinstance(value, int) else text_of(value)


def equal(left: Any, right: Any, kinds: tuple[Type, Type]) -> bool | None:
    """``==`` of two values."""
    if left is None and kinds[0] == Type.STRING:
        left = ""
    if right is None and kinds[1] == Type.STRING:
        right = ""
    if isinstance(left, str) != isinstance(right, str):
        if Type.STRING not in kinds and (left is None or right is None):
            return None
        if isinstance(left, dt.datetime) or isinstance(right, dt.datetime):
            one, other = (datetime_of(v) if isinstance(v, str) else v for v in (left, right))
            return None if one is None or other is None else bool(one == other)
        if isinstance(left, bool) or isinstance(right, bool):
            return text_of(left).lower() == text_of(right).lower()
        return text_of(left) == text_of(right)
    if left is None or right is None:
        return None
    return bool(left == right)


def _equality(result: Type, types: list[Type], values: list[Any]) -> Any:
    return equal(values[0], values[1], (types[0], types[1]))


def _difference(result: Type, types: list[Type], values: list[Any]) -> Any:
    found = equal(values[0], values[1], (types[0], types[1]))
    return None if found is None else not found


def _order(compare: Callable[[Any, Any], bool]) -> Operation:
    def ordered(result: Type, types: list[Type], values: list[Any]) -> Any:
        pair = list(values)
        for index, other in ((0, 1), (1, 0)):
            if isinstance(pair[index], str) and not isinstance(pair[other], str):
                pair[index] = as_type(
                    pair[index],
                    Type.DATETIME
                    if isinstance(pair[other], dt.datetime)
                    else types[other]
                    if types[other] in (Type.TIMESPAN,)
                    else Type.REAL,
                )
        try:
            return None if None in pair else compare(pair[0], pair[1])
        except TypeError:
            return None

    return ordered


def _folded(result: Type, types: list[Type], values: list[Any]) -> bool:
    return _text(values[0], types[0]).lower() == _text(values[1], types[1]).lower()


def flat_values(value: Any) -> Iterator[Any]:
    """The values of a list, those of lists in it among them: a subquery may give arrays."""
    for inner in value if isinstance(value, list) else ():
        yield from flat_values(inner) if isinstance(inner, list) else (inner,)


def _among(caseless: bool, negated: bool) -> Operation:
    def among(result: Type, types: list[Type], values: list[Any]) -> bool:
        flat = list(flat_values(values[1:]))
        if caseless:
            found = _text(values[0], types[0]).lower() in {text_of(i).lower() for i in flat}
        elif isinstance(values[0], dt.datetime):
            found = values[0] in [datetime_of(i) if isinstance(i, str) else i for i in flat]
        else:
            found = _text(values[0], types[0]) in {text_of(i) for i in flat}
        return found != negated

    return among


@lru_cache(maxsize=4096)
def _term(term: str, prefix: bool, suffix: bool, caseless: bool) -> Any:
    before, after = around(term, prefix, suffix)
    return re.compile(
        f"{f'(?<![{LETTERS}])' if before else ''}{re.escape(term)}{f'(?![{LETTERS}])' if after else ''}", re.IGNORECASE if caseless else 0
    )


def has_term(text: str, term: str, caseless: bool = True, prefix: bool = False, suffix: bool = False) -> bool:
    """Whether a text has a term, as ``has`` and its relatives see it."""
    return _term(term, prefix, suffix, caseless).search(text) is not None


def _found(text: str, part: str, operator: str, caseless: bool) -> bool:
    if operator in ("has", "hasprefix", "hassuffix"):
        return has_term(text, part, caseless, operator == "hasprefix", operator == "hassuffix")
    if caseless:
        text, part = text.lower(), part.lower()
    return part in text if operator == "contains" else text.startswith(part) if operator == "startswith" else text.endswith(part)


def _search(operator: str, caseless: bool, negated: bool) -> Operation:
    def searched(result: Type, types: list[Type], values: list[Any]) -> bool:
        return _found(_text(values[0], types[0]), text_of(values[1]), operator, caseless) != negated

    return searched


def _listed(every: bool) -> Operation:
    def listed(result: Type, types: list[Type], values: list[Any]) -> bool:
        text = _text(values[0], types[0])
        parts = map(text_of, flat_values(values[1:]))
        return (all if every else any)(has_term(text, p) for p in parts)

    return listed


def matches(regex: str, text: str, caseless: bool = False) -> bool:
    """Whether a text has what a regular expression of KQL finds.

    Raises:
        NotKnown: for one that Python cannot read.
    """
    try:
        return pattern(f"(?i){regex}" if caseless else regex).search(text) is not None
    except ValueError as error:
        raise NotKnown(f"the regular expression {regex}") from error


# --- arithmetic


def _plus(sign: int) -> Operation:
    def added(result: Type, types: list[Type], values: list[Any]) -> Any:
        left, right = values
        if left is None or right is None:
            return None
        if isinstance(left, dt.datetime) and isinstance(right, dt.datetime):
            return ticks_at(left) - ticks_at(right) if sign < 0 else None
        if isinstance(left, dt.datetime):
            return left + sign * span_of(right)
        if isinstance(right, dt.datetime):
            return right + span_of(left)
        one, other = _number(left), _number(right)
        return None if one is None or other is None else one + sign * other

    return added


def _number(value: Any) -> Any:
    return number_of_value(value) if isinstance(value, str) else value


def _times(result: Type, types: list[Type], values: list[Any]) -> Any:
    left, right = map(_number, values)
    if left is None or right is None:
        return None
    found = left * right
    return round(found) if result == Type.TIMESPAN else found


def _over(result: Type, types: list[Type], values: list[Any]) -> Any:
    left, right = map(_number, values)
    if left is None or right is None or right == 0:
        return None
    if result in (Type.LONG, Type.INT):
        return math.trunc(left / right)
    return round(left / right) if result == Type.TIMESPAN else left / right


def _modulo(result: Type, types: list[Type], values: list[Any]) -> Any:
    left, right = (ticks_at(v) if isinstance(v, dt.datetime) else _number(v) for v in values)
    return None if left is None or not right else left % abs(right)


def _binned(result: Type, types: list[Type], values: list[Any]) -> Any:
    value, size = (*values, 1)[:2]  # floor() of a number alone
    if value is None or not size:
        return None
    if isinstance(value, dt.datetime):
        return moment_at(ticks_at(value) // size * size)
    found = math.floor(_number(value) / size) * size
    return found


def _start(unit: str) -> Operation:
    def start(result: Type, types: list[Type], values: list[Any]) -> Any:
        moment = values[0]
        if not isinstance(moment, dt.datetime):
            return None
        amount = values[1] if len(values) > 1 else 0
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        last = unit.startswith("end")
        match unit.removeprefix("end").removeprefix("start"):
            case "ofday":
                found = day + dt.timedelta(days=amount + last)
            case "ofweek":
                found = day - dt.timedelta(days=(day.weekday() + 1) % 7) + dt.timedelta(days=7 * (amount + last))
            case "ofmonth":
                months = day.year * 12 + day.month - 1 + amount + last
                found = day.replace(year=months // 12, month=months % 12 + 1, day=1)
            case _:
                found = day.replace(year=day.year + amount + last, month=1, day=1)
        return found - dt.timedelta(microseconds=1) if last else found

    return start


def _hours(result: Type, types: list[Type], values: list[Any]) -> Any:
    return values[0].hour if isinstance(values[0], dt.datetime) else None


def _weekday(result: Type, types: list[Type], values: list[Any]) -> Any:
    return day_of_week(values[0]) * 86_400 * TICKS if isinstance(values[0], dt.datetime) else None


def _between_times(result: Type, types: list[Type], values: list[Any]) -> Any:
    unit, later, earlier = values
    size = _UNITS.get(str(unit).lower().removesuffix("s"))
    if size is None:
        raise NotKnown(f"datetime_diff of {unit}")
    if not isinstance(later, dt.datetime) or not isinstance(earlier, dt.datetime):
        return None
    return ticks_at(later) // (size * TICKS) - ticks_at(earlier) // (size * TICKS)


def _between(negated: bool) -> Operation:
    def between(result: Type, types: list[Type], values: list[Any]) -> Any:
        subject, low, high = values
        if isinstance(low, dt.datetime) and not isinstance(high, dt.datetime) and high is not None:
            high = low + span_of(high)
        if isinstance(subject, str) and not isinstance(low, str):
            subject = datetime_of(subject) if isinstance(low, dt.datetime) else _number(subject)
        if None in (subject, low, high):
            return None
        try:
            return (low <= subject <= high) != negated
        except TypeError:
            return None

    return between


# --- texts and dynamic values


def _parsed(result: Type, types: list[Type], values: list[Any]) -> Any:
    return json_of(values[0]) if isinstance(values[0], str) else values[0]


def _is_empty(result: Type, types: list[Type], values: list[Any]) -> bool:
    return values[0] is None or values[0] == ""


def _is_null(result: Type, types: list[Type], values: list[Any]) -> bool:
    return values[0] is None and types[0] != Type.STRING


def _written(result: Type, types: list[Type], values: list[Any]) -> str:
    return _text(values[0], types[0])


def _packed(result: Type, types: list[Type], values: list[Any]) -> Any:
    return {text_of(k): _json(x) for k, x in zip(values[::2], values[1::2], strict=False)}


def _converted(kind: Type) -> Operation:
    def converted(result: Type, types: list[Type], values: list[Any]) -> Any:
        value = values[0]
        if kind in (Type.INT, Type.LONG) and isinstance(value, float):
            return math.trunc(value)
        return as_type(value, kind)

    return converted


OWN: Mapping[str, Operation] = {
    "==": _equality, "!=": _difference, "=~": _folded, "!~": lambda r, t, v: not _folded(r, t, v),
    "<": _order(lambda a, b: a < b), "<=": _order(lambda a, b: a <= b), ">": _order(lambda a, b: a > b), ">=": _order(lambda a, b: a >= b),
    "in": _among(False, False), "in~": _among(True, False), "!in": _among(False, True), "!in~": _among(True, True),
    **{
        f"{'!' if negated else ''}{operator}{'' if caseless else '_cs'}": _search(operator, caseless, negated)
        for operator in ("contains", "startswith", "endswith", "has", "hasprefix", "hassuffix")
        for caseless in (True, False)
        for negated in (True, False)
    },
    "has_any": _listed(False), "has_all": _listed(True),
    "matches regex": lambda r, t, v: matches(text_of(v[1]), _text(v[0], t[0])),
    "+": _plus(1), "-": _plus(-1), "*": _times, "/": _over, "%": _modulo, "bin": _binned, "floor": _binned,
    "neg": lambda r, t, v: None if v[0] is None else -v[0],
    **{f"{side}of{unit}": _start(f"{side}of{unit}") for side in ("start", "end") for unit in ("day", "week", "month", "year")},
    "hourofday": _hours, "dayofweek": _weekday, "datetime_diff": _between_times, "between": _between(False), "!between": _between(True),
    "parse_json": _parsed, "todynamic": _parsed, "dynamic": _parsed, "isempty": _is_empty,
    "isnotempty": lambda r, t, v: not _is_empty(r, t, v),
    "isnull": _is_null, "isnotnull": lambda r, t, v: not _is_null(r, t, v), "tostring": _written,
    "strcat": lambda r, t, v: "".join(_text(x, k) for x, k in zip(v, t, strict=True)),
    "tolower": lambda r, t, v: text_of(v[0]).lower(), "toupper": lambda r, t, v: text_of(v[0]).upper(),
    "strlen": lambda r, t, v: len(text_of(v[0])), "reverse": lambda r, t, v: text_of(v[0])[::-1],
    "toint": _converted(Type.INT), "tolong": _converted(Type.LONG), "todouble": _converted(Type.REAL), "toreal": _converted(Type.REAL),
    "todecimal": _converted(Type.DECIMAL), "tobool": _converted(Type.BOOL), "todatetime": _converted(Type.DATETIME),
    "totimespan": _converted(Type.TIMESPAN), "abs": lambda r, t, v: None if v[0] is None else abs(v[0]),
    "array_length": lambda r, t, v: len(v[0]) if isinstance(v[0], list) else None,
    **dict.fromkeys(("bag_pack", "pack", "pack_dictionary"), _packed),
    "pack_array": lambda r, t, v: [_json(x) for x in v], "[]": lambda r, t, v: element(v[0], v[1]),
    "max_of": lambda r, t, v: max((x for x in v if x is not None), default=None),
    "min_of": lambda r, t, v: min((x for x in v if x is not None), default=None),
}  # fmt: skip


def _json(value: Any) -> Any:
    return text_of(value) if isinstance(value, dt.datetime) else value


def json_text(value: Any) -> str:
    """A dynamic value as its text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=text_of)


def element_of(name: str, value: Any) -> str:
    """An element of XML as ``parse_xml`` reads it: attributes by names with ``@``, an own text as ``#text``."""
    if isinstance(value, list):
        return "".join(element_of(name, v) for v in value)
    if not isinstance(value, dict):
        return f"<{name}>{_escaped(value)}</{name}>"
    attributes = "".join(f' {k[1:]}="{_escaped(v)}"' for k, v in value.items() if k.startswith("@"))
    inner = "".join(_escaped(v) if k == "#text" else element_of(k, v) for k, v in value.items() if not k.startswith("@"))
    return f"<{name}{attributes}>{inner}</{name}>"


def _escaped(value: Any) -> str:
    return text_of(value if value is not None else "part").replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
