"""Files that a product imports, made of query texts and the rule's metadata."""

from __future__ import annotations

from translator.pack import Entry
from translator.package.kibana import ndjson
from translator.package.splunk_app import app_files
from translator.pipeline import Conversion


def package_files(entries: list[Entry]) -> dict[str, str]:
    """Content by path, relative to the output folder, for every target that has something to import."""
    conversions = [(e.slug, e.result) for e in entries if isinstance(e.result, Conversion)]
    files: dict[str, str] = {}
    splunk = [(slug, c) for slug, c in conversions if c.outputs.get("splunk") and c.outputs["splunk"].texts]
    if splunk:
        files.update({f"splunk/app/{path}": text for path, text in app_files(splunk).items()})
    elastic = ndjson([c for _, c in conversions])
    if elastic:
        files["elastic/rules.ndjson"] = elastic
    return files
