"""SigmaHQ's own checks of the sample pack's Sigma, with the exceptions and their reasons."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from translator.sigma.metadata import without_links

ROOT = Path(__file__).resolve().parents[1]
JUDGE = Path(os.environ.get("SIGMA_JUDGE", "nosuch"))

EXCEPTIONS = {
    "SigmahqTitleCaseIssue": "a rule keeps the name by which its users know it",
    "SigmahqAuthorExistenceIssue": "no author is invented for a rule that names none",
    "SigmahqDateExistenceIssue": "no date is invented for a rule that has none",
    "SigmahqFieldsExistenceIssue": "fields are what the query shows to an analyst, and Sigma's specification has them",
    "SigmahqCorrelationGroupByExistenceIssue": "a query that summarizes without keys has none",
    "SigmahqTitleLengthIssue": "a rule keeps the name by which its users know it",
    "SpecificInsteadOfGenericLogsourceIssue": "the logsource is the table that the query reads",
    "SigmahqTitleStartIssue": "a rule keeps the name by which its users know it",
    "SigmahqSpaceFieldNameIssue": "a field keeps the name that its events have",
    "SigmahqFieldUserIssue": "the KQL names that account, and no other",
    "SigmahqGithubLinkIssue": "a link is the author's",
    "SigmahqMitreLinkIssue": "a link is the author's; techniques are tags as well",
    "NumberAsStringIssue": "the column is a string in the KQL, and so is its value",
    "EscapedWildcardIssue": "an asterisk in the KQL is no wildcard",
}


@pytest.mark.skipif(not JUDGE.exists(), reason="SIGMA_JUDGE names no Python that has pysigma-validators-sigmahq")
def test_sigmahqs_checks_pass_but_for_the_exceptions() -> None:
    files = sorted(map(str, (ROOT / "outputs" / "sigma").glob("*.yml")))
    done = subprocess.run([JUDGE, ROOT / "tests" / "conformance" / "sigmahq.py", *files], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["checks"] > 40, result["offline"]
    assert {k: v[0] for k, v in result["found"].items() if k not in EXCEPTIONS} == {}


def test_documents_of_one_rule_have_ids_and_names_of_their_own() -> None:
    for path in (ROOT / "outputs" / "sigma").glob("*.yml"):
        found = list(yaml.safe_load_all(path.read_text("utf-8")))
        for key in ("id", "title"):
            values = [d[key] for d in found]
            assert len(set(values)) == len(values), path


@pytest.mark.parametrize(
    ("text", "kept", "links"),
    [
        ("See https://a.example/x.", "See (see references).", ["https://a.example/x"]),
        ("[this page](https://c.example/) \nsays", "this page (see references)\nsays", ["https://c.example/"]),
        ("(Ref: http://b.example/y?z=1)", "(Ref: (see references))", ["http://b.example/y?z=1"]),
        ("no link", "no link", []),
    ],
)
def test_links_go_from_the_description_to_the_references(text: str, kept: str, links: list[str]) -> None:
    assert without_links(text) == (kept, links)
