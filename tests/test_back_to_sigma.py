"""Sigma made Defender KQL by pysigma-backend-kusto, and made Sigma again: it comes back with its own log source and fields."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from sigma.backends.kusto import KustoBackend
from sigma.collection import SigmaCollection
from sigma.pipelines.microsoftxdr import microsoft_xdr_pipeline

import translator
from tests.rules import rule


def there_and_back(logsource: dict[str, str], selection: dict[str, Any]) -> list[dict[str, Any]]:
    document = {"title": "t", "logsource": logsource, "detection": {"selection": selection, "condition": "selection"}}
    (kql,) = KustoBackend(processing_pipeline=microsoft_xdr_pipeline()).convert(SigmaCollection.from_dicts([document]))
    return list(yaml.safe_load_all(translator.convert(rule(str(kql)), ("sigma",)).outputs["sigma"].text))


@pytest.mark.parametrize(
    ("logsource", "selection"),
    [
        ({"category": "process_creation", "product": "windows"}, {"Image|endswith": "\\whoami.exe", "CommandLine|contains": "/all"}),
        ({"category": "process_creation", "product": "windows"}, {"ParentImage|endswith": "\\winword.exe", "Image|endswith": "\\cmd.exe"}),
        ({"category": "process_creation", "product": "windows"}, {"Hashes|contains": "SHA256=e3b0c442"}),
        ({"category": "process_creation", "product": "linux"}, {"Image|endswith": "/nc", "CommandLine|contains": "-e"}),
        ({"category": "file_event", "product": "windows"}, {"TargetFilename|endswith": ".lnk", "Image|endswith": "\\cmd.exe"}),
        ({"category": "file_delete", "product": "windows"}, {"TargetFilename|endswith": "\\backup.vhd"}),
        ({"category": "registry_set", "product": "windows"}, {"TargetObject|contains": "\\CurrentVersion\\Run", "Details|contains": "x"}),
        ({"category": "image_load", "product": "windows"}, {"ImageLoaded|endswith": "\\evil.dll", "Image|endswith": "\\cmd.exe"}),
        ({"category": "network_connection", "product": "windows"}, {"DestinationPort": 4444, "Image|endswith": "\\cmd.exe"}),
    ],
)
def test_a_rule_comes_back_with_its_own_log_source_and_fields(logsource: dict[str, str], selection: dict[str, Any]) -> None:
    (document,) = there_and_back(logsource, selection)
    category, given = logsource["category"], document["logsource"]
    # The backend drops what kind of file event it was, and the table has processes of every system.
    assert given["category"] == ("file_event" if category.startswith("file_") else category)
    assert given.get("product", logsource["product"]) == logsource["product"]
    fields = {key.split("|")[0] for name, part in document["detection"].items() if name != "condition" for key in part}
    assert fields == {key.split("|")[0] for key in selection}
