"""Times: modifiers such as ``-1d@d``, spans, and the formats of strftime and strptime.

Facts: Search Manual, "Specify time modifiers in your search"; Search Reference, "Common time format variables" and "bin". The user's time
zone is taken for UTC.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re

from translator.verify.reading import NotReadable

_UNITS = {
    **dict.fromkeys("s sec secs second seconds".split(), "s"),
    **dict.fromkeys("m min mins minute minutes".split(), "m"),
    **dict.fromkeys("h hr hrs hour hours".split(), "h"),
    **dict.fromkeys("d day days".split(), "d"),
    **dict.fromkeys("w week weeks".split(), "w"),
    **dict.fromkeys("mon month months".split(), "mon"),
    **dict.fromkeys("q qtr qtrs quarter quarters".split(), "q"),
    **dict.fromkeys("y yr yrs year years".split(), "y"),
}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

_STEP = re.compile(r"(?P<snap>@(?:w(?P<day>[0-7])(?!\w)|(?P<to>[a-z]+)))|(?P<sign>[+-])(?P<number>\d*)(?P<unit>[a-z]+)")


def seconds_of(span: str) -> float:
    """The length of a span such as ``5m``, in seconds.

    Raises:
        NotReadable: for what is no length that is always the same.
    """
    found = re.fullmatch(r"(\d+)([a-z]*)", span.strip())
    unit = _UNITS.get(found[2] or "s") if found else None
    if found is None or unit not in SECONDS:
        raise NotReadable(f"the span {span}")
    return int(found[1]) * SECONDS[unit]


def moment_of(modifier: str, now: float) -> float:
    """The moment that a modifier of a time spells, in seconds of the epoch.

    Args:
        modifier: offsets and snaps, in the order in which they are applied; ``now``; seconds of the epoch; or
            month/day/year:hour:minute:second.
        now: what they are relative to.

    Raises:
        NotReadable: for other texts.
    """
    spelled = modifier.strip().strip('"')
    if re.fullmatch(r"\d+(\.\d+)?", spelled):
        return float(spelled)
    if re.fullmatch(r"\d+/\d+/\d+:\d+:\d+:\d+", spelled):
        return dt.datetime.strptime(spelled, "%m/%d/%Y:%H:%M:%S").replace(tzinfo=dt.UTC).timestamp()
    spelled = spelled.lower()
    spelled = spelled.removeprefix("now") if spelled.startswith("now") else spelled
    at, moment = 0, now
    while at < len(spelled):
        step = _STEP.match(spelled, at)
        if step is None:
            raise NotReadable(f"the time {modifier}")
        unit = "w" if step["day"] else _UNITS.get(step["to"] or step["unit"] or "")
        if unit is None:
            raise NotReadable(f"the time {modifier}")
        if step["snap"]:
            moment = _snapped(moment, unit, int(step["day"] or 0))
        else:
            moment = _moved(moment, unit, int(step["number"] or 1) * (1 if step["sign"] == "+" else -1))
        at = step.end()
    return moment


def _snapped(moment: float, unit: str, day: int) -> float:
    """The latest beginning of a unit that is no later than a moment; weeks begin on a day, 0 and 7 for Sunday."""
    if unit in "smhd":
        return moment // SECONDS[unit] * SECONDS[unit]
    date = dt.datetime.fromtimestamp(moment // 86400 * 86400, dt.UTC)
    if unit == "w":
        date -= dt.timedelta(days=(date.isoweekday() - day) % 7)
    else:
        month = {"mon": date.month, "q": (date.month - 1) // 3 * 3 + 1, "y": 1}[unit]
        date = date.replace(month=month, day=1)
    return date.timestamp()


def _moved(moment: float, unit: str, number: int) -> float:
    if unit in SECONDS:
        return moment + number * SECONDS[unit]
    date = dt.datetime.fromtimestamp(moment, dt.UTC)
    months = date.year * 12 + date.month - 1 + number * {"mon": 1, "q": 3, "y": 12}[unit]
    year, month = divmod(months, 12)
    if date.day > calendar.monthrange(year, month + 1)[1]:
        raise NotReadable("months from a day that not every month has")
    return date.replace(year=year, month=month + 1).timestamp()


_SAME = frozenset("YmdHIMSjAaBbypeFTDRw")
"""The variables that Python's strftime fills as Splunk's."""


def formatted(moment: float, form: str) -> str:
    """A moment by a format (Search Reference, "Common time format variables").

    Args:
        moment: seconds of the epoch.
        form: the format.

    Raises:
        NotReadable: for a variable that is not known, or a moment that no calendar has.
    """
    try:
        date = dt.datetime.fromtimestamp(moment // 1, dt.UTC)
    except (OverflowError, ValueError, OSError):
        raise NotReadable(f"the moment {moment}") from None
    micros = round((moment % 1) * 1_000_000)

    def variable(found: re.Match[str]) -> str:
        letter = found[1]
        if letter in _SAME:
            return date.strftime({"F": "%Y-%m-%d", "T": "%H:%M:%S", "D": "%m/%d/%y", "R": "%H:%M"}.get(letter, "%" + letter)).rjust(
                2 if letter == "e" else 0
            )
        if digits := re.fullmatch(r"([369]?)[NQ]", letter):
            return f"{micros:06}000"[: int(digits[1] or (3 if letter == "Q" else 9))]
        match letter:
            case "%":
                return "%"
            case "s":
                return str(int(moment // 1))
            case "z":
                return "+0000"
            case ":z":
                return "+00:00"
            case "Z":
                return "UTC"
            case "k" | "l":
                return str(date.hour if letter == "k" else (date.hour + 11) % 12 + 1).rjust(2)
            case "f":
                return f"{micros:06}"
            case "V" | "G":
                return date.strftime("%" + letter)
            case "c":
                return date.strftime("%a %b %e %H:%M:%S %Y")
            case "x" | "X":
                return date.strftime("%m/%d/%Y" if letter == "x" else "%H:%M:%S")
        raise NotReadable(f"%{letter} in a format of time")

    return re.sub(r"%(:z|[369]?[NQ]|.)", variable, form, flags=re.DOTALL)


_READ = {"Y", "m", "d", "H", "I", "M", "S", "j", "A", "a", "B", "b", "y", "p", "z", "f", "%"}


def read(value: str, form: str) -> float | None:
    """The moment that a text spells by a format, in seconds of the epoch; None where it does not follow it.

    Raises:
        NotReadable: for a variable that is not known, and where what is told is no date: which one Splunk adds depends on the day.
    """
    names_zone = "%Z" in form
    form = form.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%:z", "%z").replace("%R", "%H:%M")
    form = re.sub(r"%(?:[3-9]?[NQ])", "%f", form).replace("%e", "%d").replace("%k", "%H").replace("%l", "%I").replace("%Z", "%z")
    used = set(re.findall(r"%(.)", form, re.DOTALL))
    if form == "%s":
        return float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else None
    if used - _READ:
        raise NotReadable(f"%{min(used - _READ)} in a format of time")
    if not ({"Y", "y"} & used and ("j" in used or ({"m", "b", "B"} & used and "d" in used))):
        raise NotReadable(f"a time without its date: {form}")
    if "f" in used:
        value = re.sub(r"\.(\d{6})\d+", r".\1", value)
    try:
        date = dt.datetime.strptime(value, form)
    except ValueError as error:
        if names_zone or "unconverted data remains" in str(error):
            raise NotReadable(f"{value!r} as a time of the format {form}") from None
        return None
    return (date if date.tzinfo else date.replace(tzinfo=dt.UTC)).timestamp()
