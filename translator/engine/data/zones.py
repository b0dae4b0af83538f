"""The time zone that a column's header names: ``TimeGenerated [UTC]``, as portals export it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import duckdb

_HEADER = re.compile(r"(?P<column>[A-Za-z_][\w .()-]*?)\s*\[(?P<zone>[^\[\]]+)\]")

_AMERICAN = {
    "hawaii": "Pacific/Honolulu", "alaska": "America/Anchorage", "arizona": "America/Phoenix", "indiana (east)": "America/Indianapolis",
    "pacific time": "America/Los_Angeles", "mountain time": "America/Denver", "central time": "America/Chicago",
    "eastern time": "America/New_York", "atlantic time": "America/Halifax", "newfoundland": "America/St_Johns",
}  # fmt: skip
"""What Windows and the portals call the zones of North America: Unicode CLDR, supplemental/windowsZones.xml."""

_WINDOWS = {
    "w. europe": "Europe/Berlin", "romance": "Europe/Paris", "central europe": "Europe/Budapest", "central european": "Europe/Warsaw",
    "gmt": "Europe/London", "fle": "Europe/Kiev", "gtb": "Europe/Bucharest", "e. europe": "Europe/Chisinau", "turkey": "Europe/Istanbul",
    "israel": "Asia/Jerusalem", "egypt": "Africa/Cairo", "south africa": "Africa/Johannesburg", "russian": "Europe/Moscow",
    "arabian": "Asia/Dubai", "arab": "Asia/Riyadh", "india": "Asia/Calcutta", "singapore": "Asia/Singapore", "china": "Asia/Shanghai",
    "taipei": "Asia/Taipei", "tokyo": "Asia/Tokyo", "korea": "Asia/Seoul", "aus eastern": "Australia/Sydney",
    "w. australia": "Australia/Perth", "new zealand": "Pacific/Auckland", "e. south america": "America/Sao_Paulo",
    "argentina": "America/Buenos_Aires", "hawaiian": "Pacific/Honolulu", "alaskan": "America/Anchorage",
    "us mountain": "America/Phoenix", "us eastern": "America/Indianapolis", "pacific": "America/Los_Angeles", "mountain": "America/Denver",
    "central": "America/Chicago", "eastern": "America/New_York", "atlantic": "America/Halifax",
}  # fmt: skip
"""Windows' identifiers without "Standard Time" behind them: the same file."""


def column_of(header: str) -> tuple[str, str | None]:
    """A column's name, and what its header says of the time zone; None where it says nothing."""
    found = _HEADER.fullmatch(header.strip())
    return (found["column"], found["zone"].strip()) if found else (header, None)


@functools.cache
def _names() -> tuple[frozenset[str], Mapping[str, str]]:
    """The names of the IANA database, and those that end in a city, by the city in lower case."""
    rows = duckdb.connect().execute("SELECT name FROM pg_timezone_names() ORDER BY name").fetchall()
    names = [str(row[0]) for row in rows]
    cities = {
        n.rsplit("/", 1)[1].replace("_", " ").lower(): n for n in names if re.match(r"(Africa|America|Asia|Australia|Europe|Pacific)/", n)
    }
    return frozenset(names), cities


def zone_of(text: str) -> str | None:
    """The zone that a header's words name: ``UTC``, an offset as ``+05:30``, an IANA name; None where they do not tell it.

    ``(UTC+01:00) Amsterdam, Berlin`` is the zone of its cities, with their summer time; ``UTC+01:00`` alone is that offset the whole year.
    """
    plain = re.sub(r"^\((?:UTC|GMT)[^)]*\)\s*(?=\S)", "", text.strip()).strip()
    if re.fullmatch(r"(?i)utc|gmt|z|utc\s?[+-]?0+(:00)?|coordinated universal time|universal time \(utc\)|\(utc\)", plain):
        return "UTC"
    offset = re.fullmatch(r"(?i)\(?(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?(\d\d))?\)?", plain)
    if offset:
        return f"{offset[1]}{int(offset[2]):02}:{offset[3] or '00'}"
    names, cities = _names()
    if plain in names and ("/" in plain):
        return plain
    words = plain.lower().replace("&", "and")
    if words.startswith("local"):
        return None
    windows = re.fullmatch(r"(.+?) (?:standard|daylight|summer) time", words)
    if windows and windows[1] in _WINDOWS:
        return _WINDOWS[windows[1]]
    for start, zone in _AMERICAN.items():
        if words.startswith(start) and ("mexico" not in words and "america" not in words.replace("us and canada", "")):
            return zone
    found = [cities[c.strip()] for c in words.split(",") if c.strip() in cities]
    return found[0] if found else None
