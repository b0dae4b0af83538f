"""Any text, run by the reader of its language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from translator.verify import eql, esql, sigma, spl
from translator.verify.reading import Lists, Row

LANGUAGES = ("splunk", "esql", "eql", "sigma")


def run_text(
    language: str,
    text: str,
    events: Iterable[Mapping[str, object]],
    now: float | None = None,
    lists: Lists | None = None,
    types: Mapping[str, str] | None = None,
) -> list[Row]:
    """The rows that a text finds, as the reader of its language gives them.

    Args:
        language: splunk, esql, eql or sigma.
        events: as the product has them; their time is in ``_time`` for splunk and in ``@timestamp`` for the others.
        now: when the text is run, in seconds since 1970.
        lists: what the text looks values up in, by name.
        types: the types of fields in ES|QL and EQL, where the events do not tell them.

    Raises:
        NotReadable: where the text is none of its language, or has what the reader does not know.
        ValueError: for a language that there is no reader of.
    """
    match language:
        case "splunk":
            return spl.run(text, events, now, lists)
        case "esql":
            return esql.run(text, events, now, lists, types)
        case "eql":
            return eql.run(text, events, now, lists=lists, mapped=types or ())
        case "sigma":
            return sigma.run(text, events, lists=lists)
    raise no_reader_of(language)


def no_reader_of(language: str) -> ValueError:
    """What is raised for a language that there is no reader of."""
    return ValueError(f"no reader of {language}: there are {', '.join(LANGUAGES)}")
