"""Functions of single values: texts, numbers, types, times, and codes.

Facts: Search Reference, "Evaluation functions": "Text functions", "Mathematical functions", "Trig and Hyperbolic functions", "Conversion
functions", "Informational functions", "Cryptographic functions", "Date and Time functions", "Bitwise functions", "Statistical eval
functions".
"""

from __future__ import annotations

import hashlib
import math
import re
import urllib.parse
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal

from translator.verify.reading import NotReadable, ValueNotTold
from translator.verify.spl import times
from translator.verify.spl.regexes import pattern
from translator.verify.spl.running import Run
from translator.verify.spl.values import Value, address_of, numeric, one, ordered, several, spelled, text, whole

_MANY = 10_000

COUNTS: Mapping[str, tuple[int, int]] = {
    "len": (1, 1), "lower": (1, 1), "upper": (1, 1), "trim": (1, 2), "ltrim": (1, 2), "rtrim": (1, 2), "replace": (3, 3), "substr": (2, 3),
    "length": (1, 1), "urldecode": (1, 1), "abs": (1, 1), "ceil": (1, 1), "ceiling": (1, 1), "exact": (1, 1), "exp": (1, 1),
    "floor": (1, 1),
    "ln": (1, 1),
    "log": (1, 2), "pi": (0, 0), "pow": (2, 2), "round": (1, 2), "sqrt": (1, 1), "sin": (1, 1), "cos": (1, 1), "tan": (1, 1),
    "asin": (1, 1),
    "acos": (1, 1), "atan": (1, 1), "atan2": (2, 2), "sinh": (1, 1), "cosh": (1, 1), "tanh": (1, 1), "asinh": (1, 1), "acosh": (1, 1),
    "atanh": (1, 1), "hypot": (2, 2), "tonumber": (1, 2), "tostring": (1, 2), "toint": (1, 1), "todouble": (1, 1), "printf": (1, _MANY),
    "ipmask": (2, 2), "typeof": (1, 1), "isnum": (1, 1), "isint": (1, 1), "isstr": (1, 1), "isbool": (1, 1), "ismv": (1, 1), "md5": (1, 1),
    "sha1": (1, 1), "sha256": (1, 1), "sha512": (1, 1), "relative_time": (2, 2), "strftime": (2, 2), "strptime": (2, 2),
    "bit_and": (2, _MANY),
    "bit_or": (2, _MANY), "bit_xor": (2, _MANY), "bit_not": (1, 2), "bit_shift_left": (2, 2), "bit_shift_right": (2, 2), "max": (1, _MANY),
    "min": (1, _MANY), "sum": (1, _MANY), "avg": (1, _MANY), "sigfig": (1, 1), "random": (0, 0), "time": (0, 0), "lookup": (2, _MANY),
    "cluster": (2, _MANY), "getfields": (0, 1), "tobool": (1, 1), "commands": (1, 1), "isdouble": (1, 1),
}  # fmt: skip
"""The functions, and how many arguments each takes at least and at most."""

_UNSURE = {
    "sigfig": "the digits that sigfig counts", "random": "random", "time": "time()", "lookup": "the function lookup", "cluster": "cluster",
    "getfields": "getfields", "tobool": "tobool", "commands": "the function commands", "isdouble": "isdouble",
}  # fmt: skip
"""What gives other results every time, or what the documentation does not settle."""

_EACH = frozenset("lower upper trim ltrim rtrim replace urldecode".split())
"""The functions of texts that work on each of several values (Search Reference, "Text functions": multivalue fields)."""

_MATH: Mapping[str, Callable[[float], float]] = {
    name: getattr(math, name) for name in "exp sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt".split()
} | {"ln": math.log}


def call(name: str, values: list[Value], run: Run) -> Value:
    """What a function gives.

    Raises:
        NotReadable: for arguments of which the documentation does not tell what they give.
    """
    if name in _UNSURE:
        raise NotReadable(_UNSURE[name])
    match name:
        case "pi":
            return math.pi
        case "typeof" | "isnum" | "isint" | "isstr" | "isbool" | "ismv":
            return _kind(name, values[0])
        case "tostring" if isinstance(values[0], bool):
            return str(values[0])
        case "max" | "min" | "sum" | "avg":
            return _statistic(name, values)
    if None in values:
        return None
    if any(isinstance(v, list) for v in values):
        if name in _EACH and not any(isinstance(v, list) for v in values[1:]):
            return one([call(name, [v, *values[1:]], run) for v in several(values[0])])
        raise NotReadable(f"{name} of several values")
    if any(isinstance(v, bool) for v in values):
        raise NotReadable(f"{name} of a Boolean")
    if name in ("relative_time", "strftime", "strptime"):
        return _time(name, values)
    if name in _TEXTS:
        return _TEXTS[name](*values)
    return _number(name, values)


# --- texts


def like(subject: str, wanted: str) -> bool:
    """Whether a text is like another with ``%`` for any characters and ``_`` for one (Search Reference, "like")."""
    if "\\" in wanted:
        raise NotReadable("a backslash in a pattern of like")
    return re.fullmatch("".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in wanted), subject, re.DOTALL) is not None


def _substr(value: Value, start: Value, length: Value = None) -> Value:
    """Positions count from 1, or from the end where they are negative."""
    told, first, count = spelled(value), _integer(start), None if length is None else _integer(length)
    if count is not None and count < 0:
        raise NotReadable("substr of a negative length")
    if first == 0 or first < -len(told):
        raise NotReadable(f"substr from {first}")
    first = first - 1 if first > 0 else len(told) + first
    return told[first:] if count is None else told[first : first + count]


def _integer(value: Value) -> int:
    number = numeric(value)
    if number is None or number != int(number):
        raise NotReadable(f"{value!r} as a whole number")
    return int(number)


def _trimmed(side: str) -> Callable[..., Value]:
    def trim(value: Value, characters: Value = " \t") -> Value:
        return str(getattr(text(value), side)(text(characters)))

    return trim


def _hashed(name: str) -> Callable[[Value], Value]:
    return lambda value: hashlib.new(name, spelled(value).encode()).hexdigest()


def _tonumber(value: Value, base: Value = 10) -> Value:
    """The number that a text spells; null where it spells none, also for spaces around it."""
    radix = _integer(base)
    if radix == 10:
        return numeric(value)
    found = text(value)
    digits = found.lower().removeprefix("0x") if radix == 16 else found
    return int(digits, radix) if re.fullmatch(r"-?[0-9A-Za-z]+", digits) and all(int(c, 36) < radix for c in digits.lstrip("-")) else None


def _tostring(value: Value, form: Value = None) -> Value:
    if form is None:
        return spelled(value)
    number = numeric(value)
    if number is None:
        raise NotReadable(f"tostring of {value!r} as {form}")
    match form:
        case "hex" | "binary" if number == int(number) and number >= 0:
            return f"0x{int(number):X}" if form == "hex" else f"{int(number):b}"
        case "commas":
            return f"{int(number):,}" if number == int(number) else f"{Decimal(repr(number)).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
        case "duration" if 0 <= number < 86400 and number == int(number):
            return f"{int(number) // 3600:02}:{int(number) // 60 % 60:02}:{int(number) % 60:02}"
    raise NotReadable(f"tostring of {value!r} as {form}")


def _printf(form: Value, *values: Value) -> Value:
    left = list(values)

    def variable(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        flags, kind = found[1], found[2]
        if "'" in flags or "*" in flags or not left:
            raise NotReadable(f"{found[0]} in printf")
        value = left.pop(0)
        if kind == "s":
            return f"%{flags}s" % spelled(value)
        number = numeric(value)
        if number is None or (kind in "diuoxX" and number != int(number)):
            raise NotReadable(f"{value!r} as {found[0]} in printf")
        return f"%{flags}{'d' if kind in 'iu' else kind}" % (int(number) if kind in "diuoxX" else number)

    done = re.sub(r"%%|%([-+ 0#'*\d.]*)([a-zA-Z])", variable, text(form))
    if left:
        raise NotReadable("more values than printf has variables")
    return done


def _ipmask(mask: Value, address: Value) -> Value:
    parts = [address_of(mask), address_of(address)]
    if any(p is None or p.version != 4 for p in parts):
        raise NotReadable("ipmask of what is no IPv4 address")
    first, second = (p.packed for p in parts if p)
    return ".".join(str(a & b) for a, b in zip(first, second, strict=True))


_TEXTS: Mapping[str, Callable[..., Value]] = {
    "len": lambda value: len(spelled(value)),
    "length": lambda value: len(spelled(value)),
    "lower": lambda value: spelled(value).lower(),
    "upper": lambda value: spelled(value).upper(),
    "trim": _trimmed("strip"),
    "ltrim": _trimmed("lstrip"),
    "rtrim": _trimmed("rstrip"),
    "replace": lambda value, wanted, other: pattern(text(wanted)).replaced(spelled(value), text(other)),
    "substr": _substr,
    "urldecode": lambda value: urllib.parse.unquote(text(value)),
    "md5": _hashed("md5"),
    "sha1": _hashed("sha1"),
    "sha256": _hashed("sha256"),
    "sha512": _hashed("sha512"),
    "tonumber": _tonumber,
    "tostring": _tostring,
    "printf": _printf,
    "ipmask": _ipmask,
}


# --- types


def _kind(name: str, value: Value) -> Value:
    if name == "ismv":
        return isinstance(value, list)
    if isinstance(value, list):
        raise NotReadable(f"{name} of several values")
    number = numeric(value)
    match name:
        case "isbool":
            return isinstance(value, bool)
        case "isnum":
            return number is not None
        case "isint":
            return number is not None and number == int(number)
        case "isstr":
            if isinstance(value, str) and number is not None:
                raise NotReadable("isstr of a text that looks like a number")
            return isinstance(value, str)
    return "Invalid" if value is None else "Boolean" if isinstance(value, bool) else "Number" if number is not None else "String"


# --- times


def _time(name: str, values: list[Value]) -> Value:
    subject, form = values[0], text(values[1])
    if name == "strptime":
        return times.read(text(subject), form)
    moment = numeric(subject)
    if moment is None:
        return None
    if name == "strftime":
        return times.formatted(moment, form)
    return whole(times.moment_of(form, moment))


# --- numbers


def rounded(number: float, digits: int) -> float | int:
    """A number with so many decimals, halves away from zero (Search Reference, "round": 2.555 gives 2.56)."""
    return whole(float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)))


def _number(name: str, values: list[Value]) -> Value:
    numbers = [numeric(v) for v in values]
    if any(n is None for n in numbers):
        return None
    first, *others = [n for n in numbers if n is not None]
    if name.startswith("bit_"):
        return _bits(name, [_integer(v) for v in values])
    try:
        match name:
            case "abs" | "exact":
                return abs(first) if name == "abs" else first
            case "ceil" | "ceiling" | "floor":
                return math.floor(first) if name == "floor" else math.ceil(first)
            case "toint":
                return math.trunc(first)
            case "todouble":
                return first
            case "round":
                return rounded(first, int(others[0]) if others else 0)
            case "log":
                base = others[0] if others else 10
                return whole(math.log10(first) if base == 10 else math.log2(first) if base == 2 else math.log(first, base))
            case "pow":
                return whole(math.pow(first, others[0]))
            case "atan2" | "hypot":
                return whole(math.atan2(first, others[0]) if name == "atan2" else math.hypot(first, others[0]))
        return whole(_MATH[name](first))
    except (ValueError, OverflowError, ZeroDivisionError):
        raise NotReadable(f"{name} of {', '.join(map(text, values))}") from None


def _bits(name: str, numbers: list[int]) -> Value:
    if min(numbers) < 0 or max(numbers) >= 2**53:
        raise NotReadable(f"{name} beyond 53 bits")
    found = numbers[0]
    match name:
        case "bit_not":
            return ~found & (numbers[1] if len(numbers) > 1 else 2**53 - 1)
        case "bit_shift_left" | "bit_shift_right":
            found = found << numbers[1] if name == "bit_shift_left" else found >> numbers[1]
            if found >= 2**53:
                raise NotReadable(f"{name} beyond 53 bits")
            return found
    for number in numbers[1:]:
        found = found & number if name == "bit_and" else found | number if name == "bit_or" else found ^ number
    return found


def _statistic(name: str, values: list[Value]) -> Value:
    """``max`` and ``min``: texts are greater than numbers; ``sum`` and ``avg`` of what are numbers ("Statistical eval functions")."""
    members = [m for v in values for m in several(v)]
    if name in ("max", "min"):
        if None in values or not members:
            raise ValueNotTold(f"{name} of a null")
        return (max if name == "max" else min)(members, key=ordered)
    numbers = [n for m in members if (n := numeric(m)) is not None]
    if not numbers:
        raise ValueNotTold(f"{name} of no numbers")
    return whole(sum(numbers) if name == "sum" else sum(numbers) / len(numbers))
