"""JSON as the text that Java makes of the map that it is read into, which ingest pipelines of Elastic's keep.

Sources: java.util.AbstractMap.toString and AbstractCollection.toString (``{name=value, other=[1, 2]}``, texts without quotes), and the
pipeline of elastic/integrations, packages/aws/data_stream/cloudtrail, which drops what is null or empty before.
"""

from __future__ import annotations

import re

_WORDS = re.compile(r"[^\"\\:,={}\[\]]*")
"""What may stand in a name or a value, and is written alike in both."""

_MEMBER = re.compile(r'"?([^"\\:,={}\[\] ]+)":("?)([^"\\:,={}\[\]]+)"?')
"""One member of an object with a plain value, or its end and its beginning, in JSON without spaces."""


def in_java(text: str) -> str | None:
    """A part of a text of JSON as it stands in the text of the map; None where that is not told."""
    if _WORDS.fullmatch(text):
        return None if text.lower() == "null" else text
    found = _MEMBER.fullmatch(text)
    if found is None or found[3].lower() == "null" or (not found[2] and text.endswith('"')):
        return None
    return f"{found[1]}={found[3]}"


def java_text(value: object) -> str:
    """The text that Java makes of a value of JSON."""
    match value:
        case dict():
            return f"{{{', '.join(f'{k}={java_text(v)}' for k, v in value.items())}}}"
        case list():
            return f"[{', '.join(map(java_text, value))}]"
        case bool():
            return "true" if value else "false"
    return str(value)


def without_empty(value: object) -> object:
    """A value of JSON without what is null or empty inside of it; None where nothing is left."""
    match value:
        case dict():
            return {k: kept for k, v in value.items() if (kept := without_empty(v)) is not None} or None
        case list():
            return [kept for v in value if (kept := without_empty(v)) is not None] or None
    return None if value == "" else value
