"""Functions in Python as SQL calls them: arguments decoded, the result encoded, nulls by KQL's rules."""

from __future__ import annotations

import datetime as dt
import json
import math
import operator
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from translator.engine.errors import EngineError
from translator.plan.functions.values import EPOCH, TICKS, pattern, text_of, timespan_of, timespan_text
from translator.plan.types import Type


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A function to register: its name in SQL, and the types it takes and gives."""

    name: str
    call: Callable[..., Any]
    arguments: tuple[Type, ...]
    result: Type
    nulls: bool

    def __call__(self, *values: Any) -> Any:
        given = [_decoded(v, t) for v, t in zip(values, self.arguments, strict=True)]
        if not self.nulls and any(g is None for g in given):
            return "" if self.result == Type.STRING else None
        return _encoded(self.call(*given), self.result)


def _decoded(value: Any, kind: Type) -> Any:
    if kind == Type.DYNAMIC and value is not None:
        return json.loads(value)
    if kind == Type.STRING and value is None:
        return ""
    return value


def dumps(value: Any) -> str | None:
    """A dynamic value as JSON text; None for null."""
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=text_of)


def _encoded(value: Any, kind: Type) -> Any:
    """A value as SQL takes it: a real as its text, since DuckDB takes NaN from Python for a null."""
    if kind == Type.DYNAMIC:
        return dumps(value)
    if kind == Type.STRING:
        return "" if value is None else value
    if value is None:
        return None
    if kind in (Type.INT, Type.LONG):
        return int(value)
    if kind == Type.REAL:
        return repr(float(value))
    if kind == Type.DATETIME and isinstance(value, str):
        return datetime_of(value)
    if kind == Type.TIMESPAN and isinstance(value, str):
        return timespan_of(value)
    return value


# --- what conversions need beyond SQL


def datetime_of(text: str) -> dt.datetime | None:
    """A datetime's text in the forms that ``todatetime`` takes: ISO 8601 and RFC 1123 above all."""
    text = text.strip().strip("\"'")
    if re.fullmatch(r"[\d\s,/-]+", text):
        text = re.sub(r"\s*([,/-])\s*", lambda m: "-" if m[1] == "," else m[1], text)
    if not text:
        return None
    plain = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    if plain:
        text = f"{plain[1]}-{plain[2]:0>2}-{plain[3]:0>2}"
    try:
        found = dt.datetime.fromisoformat(_shortened(text))
    except ValueError:
        for form in (
            "%m-%d-%Y",
            "%m/%d/%Y %I:%M:%S %p",
            "%m/%d/%Y %H:%M:%S",
            "%m/%d/%Y",
            "%a, %d %b %Y %H:%M:%S %Z",
            "%d %b %Y %H:%M:%S",
            "%d-%b-%y",
            "%Y-%m",
        ):
            try:
                found = dt.datetime.strptime(text.removesuffix(" UTC"), form)
                break
            except ValueError:
                continue
        else:
            return None
    return found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found


def _shortened(text: str) -> str:
    """Fractions of more than six digits cut: a datetime here counts microseconds."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def duration_text(ticks: int) -> str:
    return timespan_text(ticks)


def duration_of(text: str) -> int | None:
    return timespan_of(text)


def duration_of_value(value: Any) -> int | None:
    """``totimespan`` of a number is that many days, of a text the timespan that it spells."""
    if isinstance(value, bool) or value is None:
        return None
    return int(value * 86_400 * TICKS) if isinstance(value, int | float) else timespan_of(str(value))


def json_of(text: str) -> Any:
    """``parse_json``: a text that is no JSON stays a text."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def step_into(value: Any, *steps: Any) -> Any:
    from translator.plan.functions.dynamics import at

    return at(value, list(steps))


def sessions_of(rows: list[list[Any]]) -> list[int | None]:
    """``row_window_session``: where the session of each row starts, from its time, the two distances, and whether it restarts."""
    found: list[int | None] = []
    start = before = None
    for time, from_first, between, restart in rows:
        if time is None:
            start = None
        elif (
            start is None
            or restart
            or (from_first is not None and time >= start + from_first)
            or (before is not None and between is not None and time >= before + between)
        ):
            start = time
        before = time
        found.append(start)
    return found


def elements_of(value: Any, pairs: bool) -> Any:
    """What mv-expand makes of a value: the elements of an array, a bag for each key, the value itself otherwise."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [[k, v] if pairs else {k: v} for k, v in value.items()]
    return [value]


def whole_of(text: str) -> int | None:
    """``tolong`` of a text: decimal or hexadecimal digits, nothing else."""
    text = text.strip()
    if not text.isascii() or "_" in text:
        return None
    try:
        found = int(text, 16) if text.lower().startswith(("0x", "-0x")) else int(text)
    except ValueError:
        return None
    return found if -(1 << 63) <= found < 1 << 63 else None


def whole_of_value(value: Any, limit: int = (1 << 63) - 1) -> int | None:
    """``tolong`` of a dynamic value: a real beyond ``limit`` stops there."""
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return max(-limit - 1, min(limit, int(value))) if math.isfinite(value) else None
    return whole_of(value) if isinstance(value, str) else None


def int_of_value(value: Any) -> int | None:
    """``toint`` of a dynamic value: the low 32 bits of a whole number, null of a text that spells a longer one."""
    limit = (1 << 31) - 1
    found = whole_of_value(value, limit)
    if found is None or (isinstance(value, str) and not -limit - 1 <= found <= limit):
        return None
    return (found + limit + 1) % (1 << 32) - limit - 1


def real_of_value(value: Any) -> float | None:
    if isinstance(value, bool | int | float):
        return float(value)
    try:
        return float(value) if isinstance(value, str) and value.isascii() and "_" not in value else None
    except ValueError:
        return None


def number_of_value(value: Any) -> int | float | None:
    """The number that a dynamic value is or spells, a whole one with all its digits."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and (whole := whole_of(value)) is not None:
        return whole
    found = value if isinstance(value, int) else real_of_value(value)
    return int(found) if found is not None and math.isfinite(found) and found == int(found) and abs(found) < 1 << 63 else found


def whole_number(value: Any) -> int | None:
    """A dynamic operand beside a long.

    Raises:
        EngineError: for a number with a fraction: KQL types the result long, and its pages do not say what becomes of the fraction.
    """
    found = number_of_value(value)
    if isinstance(found, float):
        raise EngineError(f"{found!r} in a dynamic value stands in arithmetic of whole numbers; todouble() or tolong() says what is meant")
    return found


def beside_whole(value: Any) -> str:
    """A number as decimal digits that compare with any long as it does: what is between two whole numbers as their middle."""
    found = number_of_value(value)
    if found is None or found != found:
        return ""
    limit = 1 << 64
    if not -limit < found < limit:
        return str(limit if found > 0 else -limit)
    return f"{math.floor(found)}" if found == math.floor(found) else f"{math.floor(found) * 10 + 5}e-1"


def floor_of(value: Any) -> int | None:
    found = number_of_value(value)
    return None if found is None or not math.isfinite(found) else math.floor(found)


def _counted(call: Callable[..., int | float | None]) -> Callable[..., int | float | None]:
    """Arithmetic on numbers as that on dynamic values: null where one of them is no number."""

    def calculate(*values: Any) -> int | float | None:
        numbers = [number_of_value(v) if not isinstance(v, float) else v for v in values]
        if any(n is None for n in numbers):
            return None
        try:
            found = call(*numbers)
        except OverflowError:
            found = None
        if isinstance(found, int) and not -(1 << 63) <= found < 1 << 63:
            raise EngineError(f"Overflow: {found} does not fit into a long")
        return found

    return calculate


def _quotient(left: float, right: float) -> int | float | None:
    if isinstance(left, int) and isinstance(right, int):
        if right == 0:
            return None
        if left % right:
            raise EngineError(f"{left} / {right} in dynamic values is not a whole number; todouble() or tolong() says what is meant")
        return left // right
    if right == 0:
        return math.nan if left == 0 or left != left else math.copysign(math.inf, left)
    return left / right


ARITHMETIC: dict[str, Callable[..., int | float | None]] = {
    "+": _counted(operator.add), "-": _counted(operator.sub), "*": _counted(operator.mul), "/": _counted(_quotient),
    "%": _counted(lambda left, right: left % abs(right) if right else None), "neg": _counted(operator.neg),
}  # fmt: skip
"""The operators over dynamic values: whole numbers stay whole."""


_NUMBER, _TEXT, _TRUTH = "number", "text", "truth"
_KINDS: dict[type, str] = {bool: _TRUTH, int: _NUMBER, float: _NUMBER, str: _TEXT}


def order_of(left: Any, right: Any) -> int | None:
    """How two dynamic values stand to each other: below, at or above 0; null where they are not of one kind that has an order."""
    kind = _KINDS.get(type(left))
    if kind is None or kind != _KINDS.get(type(right)):
        return None
    return 0 if left == right else -1 if left < right else 1


def _ordered(values: list[Any]) -> list[Any]:
    """Values that have an order, without nulls.

    Raises:
        EngineError: where they are of several kinds, or arrays or bags: KQL's pages give them no order.
    """
    filled = [v for v in values if v is not None]
    kinds = {_KINDS.get(type(v), type(v).__name__) for v in filled}
    if len(kinds) > 1 or not kinds <= set(_KINDS.values()):
        names = " and ".join(sorted({"list": "array", "dict": "bag"}.get(k, k) for k in kinds))
        raise EngineError(f"dynamic values have no order where they are {names}; tolong(), tostring() and their like say what is compared")
    return filled


def greatest(*values: Any) -> Any:
    return max(_ordered(list(values)), default=None)


def least(*values: Any) -> Any:
    return min(_ordered(list(values)), default=None)


def order_key(value: Any) -> str:
    """A text in whose order values of a kind stand, the kind before it: numbers by the bits of the nearest real, then what is left."""
    (value,) = _ordered([value])
    if isinstance(value, str):
        return f"t{value}"
    if isinstance(value, bool):
        return f"b{int(value)}"
    real = float(value) + 0.0
    (bits,) = struct.unpack(">Q", struct.pack(">d", real))
    bits = bits ^ ((1 << 64) - 1) if bits >> 63 else bits | 1 << 63
    left = value - int(real) if isinstance(value, int) and abs(value) < 1 << 64 else 0
    return f"n{bits:016x}{left + (1 << 11):04x}"


def of_one_kind(least_key: str, greatest_key: str) -> bool:
    """That the keys of an order are of one kind.

    Raises:
        EngineError: where they are not.
    """
    names: dict[str, Any] = {"t": "", "b": True, "n": 0}
    _ordered([names[k[0]] for k in (least_key, greatest_key) if k])
    return True


def sum_of_array(values: list[Any]) -> int | float:
    """``sum`` over dynamic values: those that are no numbers count for nothing."""
    total: int | float = 0
    for number in map(number_of_value, values):
        total = total if number is None else ARITHMETIC["+"](total, number) or 0
    return total


OF_ARRAY: dict[str, Callable[[list[Any]], Any]] = {
    "sum": sum_of_array, "max": lambda values: greatest(*values), "min": lambda values: least(*values),
}  # fmt: skip
"""Aggregates over dynamic values."""


def truth_of_value(value: Any) -> bool | None:
    if isinstance(value, bool | int | float):
        return bool(value)
    if isinstance(value, str):
        text = value.strip().lower()
        return True if text == "true" else False if text == "false" else bool(n) if (n := whole_of(text)) is not None else None
    return None


def guid_of(text: str) -> str | None:
    """``toguid`` of a text: its first 32 digits, hyphens aside; what follows them is not looked at."""
    digits = text.strip().strip("{}()").replace("-", "").lower()[:32]
    if len(digits) != 32 or any(c not in "0123456789abcdef" for c in digits):
        return None
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def day_of_week(moment: dt.datetime) -> int:
    """The time since the last Sunday's beginning, whole days, in ticks."""
    return (moment.weekday() + 1) % 7 * 86_400 * TICKS


SERIES_LIMIT = 1_048_576
"""Values of an array: learn.microsoft.com/kusto/query/make-series-operator and range-function."""


def _split(ticks: int) -> tuple[dt.datetime, int]:
    """Ticks since 1970 as whole microseconds, and the tick that is left."""
    return EPOCH + dt.timedelta(microseconds=ticks // 10), ticks % 10


def _ticks(moment: dt.datetime) -> int:
    return (moment - EPOCH) // dt.timedelta(microseconds=1) * 10


def format_ticks(ticks: int, text: str) -> str:
    """``format_datetime`` of a time in ticks since 1970."""
    from translator.plan.functions.datetimes import format_datetime

    moment, rest = _split(ticks)
    return format_datetime(moment, text, rest)


def add_to_ticks(period: str, amount: int, ticks: int) -> int | None:
    """``datetime_add`` of a time in ticks since 1970."""
    from translator.plan.functions.datetimes import datetime_add

    if period.lower() == "nanosecond":
        return ticks + amount // 100
    moment, rest = _split(ticks)
    moved = datetime_add(period, amount, moment)
    return None if moved is None else _ticks(moved) + rest


def ticks_of(year: int, month: int, day: int, hour: int, minute: int, second: float) -> int | None:
    """``make_datetime`` in ticks since 1970."""
    from translator.plan.functions.datetimes import make_datetime

    whole = make_datetime(year, month, day, hour, minute, 0.0)
    return _ticks(whole) + round(second * TICKS) if whole is not None and 0 <= second < 60 else None


def series_of(pairs: Any, size: int, default: Any) -> Any:
    """The values of make-series from pairs of index and value."""
    if size > SERIES_LIMIT:
        raise ValueError(f"make-series gives arrays of {SERIES_LIMIT:,} values at most, and {size:,} are asked for")
    out = [default] * size
    for index, value in pairs or []:
        if 0 <= index < size:
            out[index] = value
    return out


def axis_of(start: float, step: float, size: int, kind: str) -> Any:
    """The axis of make-series, ``kind`` the type of its values; ``start`` and ``step`` in microseconds where that is datetime."""
    values = [start + i * step for i in range(size)]
    match Type(kind):
        case Type.DATETIME:
            return [text_of(EPOCH + dt.timedelta(microseconds=v)) for v in values]
        case Type.TIMESPAN:
            return [timespan_text(int(v)) for v in values]
        case Type.REAL:
            return values
    return [int(v) for v in values]


def merged_schema(rows: Any, ordered: Any) -> Any:
    """schema_merge: rows of name, ordinal and two types as those of one schema.

    Raises:
        ValueError: what the page does not say: which type several types become, and where columns of equal ordinals stand.
    """
    places: dict[str, list[int]] = {}
    kinds: dict[str, list[str]] = {}
    for name, place, *kind in rows:
        if kinds.setdefault(name, kind) != kind:
            raise ValueError(f"which type schema_merge makes of {kinds[name][1]} and {kind[1]} is not documented")
        places.setdefault(name, []).append(place)
    moved = [n for n, p in places.items() if ordered and len(set(p)) > 1]
    kept = sorted((n for n in places if n not in moved), key=lambda n: max(places[n]))
    if [max(places[n]) for n in kept] != list(range(len(kept))):
        raise ValueError("where schema_merge puts columns of several schemas that stand at one place is not documented")
    wrong = "ERROR(columns are out of order)"
    return [[n, i, *kinds[n]] for i, n in enumerate(kept)] + [[n, -1, f"ERROR(unknown CSL type:{wrong})", wrong] for n in moved]


def components_of(pairs: Any, size: Any, strong: Any) -> Any:
    """graph-mark-components: for each of ``size`` nodes, counted from 1, the number of its component, in the order of their first nodes.

    Args:
        pairs: the nodes that each edge connects.
        strong: whether the edges lead one way only.
    """
    onward: list[list[int]] = [[] for _ in range(size)]
    backward: list[list[int]] = [[] for _ in range(size)]
    for start, end in pairs:
        onward[start - 1].append(end - 1)
        backward[end - 1].append(start - 1)
    numbers = [-1] * size

    def reached(origin: int, *ways: list[list[int]]) -> set[int]:
        """What is reached from a node without a number over nodes without one."""
        found, stack = {origin}, [origin]
        while stack:
            node = stack.pop()
            for near in (n for way in ways for n in way[node]):
                if near not in found and numbers[near] < 0:
                    found.add(near)
                    stack.append(near)
        return found

    count = 0
    for node in range(size):
        if numbers[node] < 0:
            members = reached(node, onward) & reached(node, backward) if strong else reached(node, onward, backward)
            for member in members:
                numbers[member] = count
            count += 1
    return numbers


def range_of(start: Any, stop: Any, step: Any) -> Any:
    """``range()``: at most ``SERIES_LIMIT`` values."""
    if not step or (stop - start) / step < 0:
        return []
    return [start + i * step for i in range(min(SERIES_LIMIT, int((stop - start) / step + 1e-9) + 1))]


def range_of_moments(start: dt.datetime, stop: dt.datetime, step: int) -> Any:
    """``range()`` over datetimes, the step in ticks."""
    micros = step // 10
    a, b = (int((m - EPOCH) / dt.timedelta(microseconds=1)) for m in (start, stop))
    return [text_of(EPOCH + dt.timedelta(microseconds=m)) for m in range_of(a, b, micros)]


def range_of_spans(start: int, stop: int, step: int) -> Any:
    """``range()`` over timespans, all of them ticks."""
    return [timespan_text(t) for t in range_of(start, stop, step)]


def filled_bag(*parts: Any) -> Any:
    """A bag of keys and values without the null and empty ones: ``pack_all(true)``."""
    return {k: v for k, v in zip(parts[::2], parts[1::2], strict=True) if v not in (None, "")}


def pairs_of(text: str, spec: Any) -> Any:
    """parse-kv: the values of ``text`` by their keys, of a key that comes again the first.

    Source: learn.microsoft.com/kusto/query/parse-kv-operator, for each of its three modes.
    """
    if spec["regex"]:
        pairs: Iterable[tuple[str, str]] = ((m[1], m[2]) for m in pattern(spec["regex"]).finditer(text))
    elif spec["pair"]:
        pairs = _delimited_pairs(text, spec["pair"], spec["key"], spec["quotes"], spec["escapes"], spec["greedy"])
    else:
        pairs = _worded_pairs(text, spec["names"], spec["quotes"], spec["escapes"])
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key.strip(), value.strip())
    return found


def _quoted_at(text: str, start: int, quotes: list[str], escapes: list[str]) -> tuple[str, int] | None:
    """What the quotes that open at ``start`` hold, and where they end; None where none open or they never close."""
    marks = next((q for q in quotes if text.startswith(q[0], start)), None)
    if marks is None:
        return None
    held, place = "", start + 1
    while place < len(text):
        character = text[place]
        if character in escapes and place + 1 < len(text):
            held += text[place + 1]
            place += 2
        elif character == marks[-1]:
            return held, place + 1
        else:
            held += character
            place += 1
    return None


def _delimited_pairs(text: str, pair: str, key: str, quotes: list[str], escapes: list[str], greedy: bool) -> Iterator[tuple[str, str]]:
    def skipped(place: int) -> int:
        while place < len(text) and text[place].isspace() and not text.startswith((pair, key), place):
            place += 1
        return place

    def key_at(place: int) -> tuple[str, int] | None:
        """The key that starts at ``place`` and where its value does."""
        place = skipped(place)
        quoted = _quoted_at(text, place, quotes, escapes)
        if quoted is not None and text.startswith(key, skipped(quoted[1])):
            return quoted[0], skipped(quoted[1]) + len(key)
        end, break_ = text.find(key, place), text.find(pair, place)
        return None if end < 0 or -1 < break_ < end else (text[place:end], end + len(key))

    place = 0
    while place <= len(text):
        found = key_at(place)
        if found is not None:
            name, place = found
            quoted = _quoted_at(text, skipped(place), quotes, escapes)
            if quoted is not None:
                value, place = quoted
            else:
                start = place
                place = text.find(pair, place)
                while greedy and place >= 0 and key_at(place + len(pair)) is None:
                    place = text.find(pair, place + 1)
                value = text[start : len(text) if place < 0 else place]
            yield name, value
            if place < 0:
                return
        place = text.find(pair, place)
        if place < 0:
            return
        place += len(pair)


def _worded_pairs(text: str, names: list[str], quotes: list[str], escapes: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs where whatever is no letter and no digit delimits: a key is a word, and its value the next one or what quotes hold."""
    openings = "".join(q[0] for q in quotes)
    for name in names:
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            place = match.end()
            while place < len(text) and not text[place].isalnum() and text[place] != "_":
                # A quote may close the key before another opens the value.
                if text[place] in openings and (quoted := _quoted_at(text, place, quotes, escapes)) is not None and place > match.end():
                    yield name, quoted[0]
                    break
                place += 1
            else:
                word = re.compile(r"\w+").match(text, place)
                if word is None:
                    continue
                yield name, word[0]
            break


# --- what SQL of some dialects lacks


def list_of(*values: Any) -> Any:
    return list(values)


def bag_of(*parts: Any) -> Any:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def member(value: Any, items: Any) -> bool:
    return value in items if isinstance(items, list) else value == items


def member_any_case(value: Any, items: Any) -> bool:
    return str(value).lower() in [str(i).lower() for i in (items if isinstance(items, list) else [items])]


def has_any(source: str, items: Any) -> bool:
    from translator.plan.functions.operators import has
    from translator.plan.functions.values import text_of

    return any(has(source, text_of(i)) for i in (items if isinstance(items, list) else [items]))


def has_all(source: str, items: Any) -> bool:
    from translator.plan.functions.operators import has
    from translator.plan.functions.values import text_of

    return all(has(source, text_of(i)) for i in (items if isinstance(items, list) else [items]))


def quoted(value: Any) -> Any:
    return value


def json_type(value: Any) -> str:
    return "ARRAY" if isinstance(value, list) else "OBJECT" if isinstance(value, dict) else "VALUE"


def unquoted(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value) or ""


def side_by_side(*arrays: object) -> object:
    lists = [a if isinstance(a, list) else [] for a in arrays]
    size = max(map(len, lists), default=0)
    return [dumps([x[i] if i < len(x) else None for x in lists]) for i in range(size)]
