"""``report.html``: what a conversion came to, as one page that needs nothing else.

The template, the style sheet and the script are files beside this module, put together when a page is written. What a rule's view shows is
data within the page, which the script makes a view of when it is asked for; the totals and the list of rules are there without it.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from translator.pack import Entry
from translator.report.html.rules import rules_data
from translator.report.html.summary import TARGETS, WORDS, matrix, missing, obstacles, set_up, totals

if TYPE_CHECKING:
    from translator.verify.proof import Proof

PAGE = "report.html"

_FOLDER = Path(__file__).parent

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What is no character to see, and may hide or turn around the others."""


def page(
    entries: Sequence[Entry], content: Mapping[str, Any], proofs: Mapping[tuple[str, str], Proof] = MappingProxyType({})
) -> bytes:  # fmt: skip
    """The page of a pack, in UTF-8.

    Args:
        entries: the rules, as they were converted.
        content: what ``report.json`` says of them, in the same order.
        proofs: what was tried of outputs, by slug and target.
    """
    rules = content["rules"]
    targets = list(dict.fromkeys(t for r in rules for t in r["outputs"]))
    data = rules_data(entries, rules, proofs)
    names = {t: TARGETS.get(t, t) for t in targets}
    shared = common_folder([rule["source"] for rule in rules])
    listed = [(entry.slug, rule["source"].removeprefix(shared), rule) for entry, rule in zip(entries, rules, strict=True)]
    return rendered(
        _FOLDER,
        summary=content["summary"],
        stopped=content.get("stopped", ""),
        targets=names,
        words=WORDS,
        totals=totals(content, targets),
        obstacles=obstacles(entries, targets),
        failures=[one for one in listed if one[2]["status"] == "failed"],
        skipped=content.get("skipped", ()),
        missing=missing(entries, targets),
        set_up=set_up(rules, targets),
        matrix=matrix(rules, targets),
        shared=shared,
        rules=listed,
        data=embedded({"targets": names, "words": WORDS, **data}),
    )


def common_folder(sources: Sequence[str]) -> str:
    """The folder that all files are in, with its slash; nothing where there is none that is worth a word of its own."""
    folders = [source.split("/")[:-1] for source in sources]
    shared = itertools.takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))
    found = "".join(f"{names[0]}/" for names in shared)
    return found if len(sources) > 1 and found != "/" else ""


def rendered(folder: Path, **given: object) -> bytes:
    """A page that needs nothing else: ``page.html`` of a folder, with its style sheet and its script behind those that all pages share.

    It is put together in UTF-8: one character beyond the basic plane makes a text four times as large in memory.

    Args:
        given: the values of the template, beside ``style``, ``script`` and the digests of both.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, finalize=_visible
    )
    made = bytearray()
    for piece in environment.get_template("page.html").generate(**_texts(folder), **digests(folder), **given):
        made += piece.encode("utf-8", "backslashreplace")
    return bytes(made)


def _texts(folder: Path) -> dict[str, str]:
    files = {"style": [_FOLDER / "page.css", folder / "page.css"], "script": [_FOLDER / "view.js", folder / "page.js"]}
    return {name: "".join(p.read_text(encoding="utf-8") for p in dict.fromkeys(paths)) for name, paths in files.items()}


def digests(folder: Path) -> dict[str, str]:
    """What a policy of contents calls ``style`` and ``script`` of the page of a folder."""
    return {f"{name}_digest": _digest(text) for name, text in _texts(folder).items()}


def _visible(value: object) -> object:
    """A text as it is shown: what cannot be seen as a replacement character."""
    return _CONTROLS.sub("\ufffd", value) if type(value) is str else value


def _digest(text: str) -> str:
    """What a page's policy of contents calls a script or style (www.w3.org/TR/CSP3, section 2.3.1, hash-source)."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def embedded(data: Mapping[str, Any]) -> Iterator[str]:
    """Data as JSON that is no markup wherever it stands in a page, a line for each rule, in small pieces; an iterator becomes a list."""
    before = "{"
    for key, value in data.items():
        yield f"{before}{_unmarked(key)}:"
        before = ",\n"
        if isinstance(value, list | Iterator):
            opening = "[\n"
            for item in value:
                yield f"{opening}{_unmarked(item)}"
                opening = ",\n"
            yield "\n]" if opening == ",\n" else "[\n\n]"
        else:
            yield _unmarked(value)
    yield "}"


def _unmarked(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return _CONTROLS.sub(lambda found: json.dumps(found[0])[1:-1], text)
