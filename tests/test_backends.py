"""Sigma through other people's backends: what they lose in silence is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from sigma.plugins import InstalledSigmaPlugins

import translator
from tests.rules import rule
from translator.sigma.losses import LOSSES, features
from translator.targets.base import Options, Output

COUNTED = "union (A | where n > 1), (B | where n > 2) | where isnotempty(k) | summarize c = count() by k | where c > 5"
JOINED = "A | where x =~ 'a' | extend t = TimeGenerated | join kind=inner (B | where y =~ 'b' | extend u = TimeGenerated) on k"

SHOWN = {
    "window": (COUNTED, ("timebucket", "bin _time span")),
    "temporal": (JOINED, ("dc(EventID)",)),
    "several-counted": (COUNTED, ("] \n [any where n > 2",)),
    "distinct": ("A | where isnotempty(k) and isnotempty(v) | summarize c = dcount(v) by k | where c > 5", ("] by v with runs=",)),
    "ordered": (f"{JOINED} | where u between (t .. (t + 5m))", ("runs=2", "dc(EventID)")),
    "negation": ("A | where x !~ 'a'", ("where not x==",)),
    "null": ("A | where isempty(x)", ("isnull(x)",)),
    "regex": ("A | where x has 'a'", ("(?i)(^|",)),
    "text": ("A | where x =~ 'a'", ("x:a", 'x=="a"', 'x="a"', "\"x\"='a'")),
    "several-values": ("A | where x in~ ('a', 'b')", ("x = /a|b/",)),
    "or-within-and": ("A | where (x =~ 'a' or y =~ 'b') and z =~ 'c'", ('z="c" AND x="a" OR y="b"',)),
}
"""A query whose Sigma has the feature, and what the output of a backend shows where it is lost."""

DROPPED = [
    ("splunk", "A | where x =~ 'a'", "logsource-dropped", "the product of the log source"),
    ("loki", "SigninLogs | where ResultType =~ 'a'", "logsource-dropped", "the service of the log source"),
    ("eql", SHOWN["temporal"][0], "window-dropped", "the window of time"),
    ("open_search_ppl", SHOWN["distinct"][0], "window-dropped", "the window of time"),
    ("open_search_ppl", SHOWN["ordered"][0], "order-dropped", "the order of the events"),
    ("loki", "let w = _GetWatchlist('w') | project SearchKey; A | where x in~ (w)", "backend-differs", "the modifier expand"),
    ("secops", "A | where isnotempty(x)", "backend-differs", "a negation"),
]
"""A backend, a query, and the diagnostic of what the backend leaves out of its Sigma."""


def written(backend: str, kql: str, **options: object) -> Output:
    if backend not in InstalledSigmaPlugins.autodiscover().backends:
        pytest.skip(f"the pySigma backend {backend} is not installed; `make conformance` runs this with it")
    return translator.convert(rule(kql), (f"pysigma:{backend}",), Options(**options)).outputs[f"pysigma:{backend}"]  # type: ignore[arg-type]


@pytest.mark.parametrize(("backend", "feature"), sorted(LOSSES))
def test_a_known_loss_is_what_the_backend_does(backend: str, feature: str) -> None:
    kql, shown = SHOWN[feature]
    output = written(backend, kql, prefer="exact" if feature == "regex" else "portable")
    assert output.texts, [d.message for d in output.diagnostics]
    assert LOSSES[backend, feature][0] in {d.code for d in output.diagnostics}
    assert any(s in output.text for s in shown), output.text


@pytest.mark.parametrize(("backend", "kql", "code", "what"), DROPPED)
def test_what_a_backend_leaves_out_is_found_by_experiment(backend: str, kql: str, code: str, what: str) -> None:
    output = written(backend, kql)
    assert output.texts, [d.message for d in output.diagnostics]
    assert any(d.code == code and f"leaves out {what}" in d.message for d in output.diagnostics), output.diagnostics


def test_a_pipeline_that_says_where_the_events_are_is_heard(tmp_path: Path) -> None:
    pipeline = tmp_path / "index.yml"
    index = {"id": "index", "type": "add_condition", "conditions": {"index": "azure"}}
    azure = {"rule_conditions": [{"type": "logsource", "product": "azure"}]}
    pipeline.write_text(yaml.safe_dump({"name": "site", "priority": 10, "transformations": [index | azure]}))
    output = written("splunk", "SigninLogs | where ResultType =~ 'a'", pipelines=(str(pipeline),))
    assert 'index="azure"' in output.text
    dropped = [d.message for d in output.diagnostics if d.code == "logsource-dropped"]
    assert len(dropped) == 1 and "the service of" in dropped[0]  # the pipeline goes by the product alone


def test_a_refusal_is_a_diagnostic() -> None:
    output = written("lucene", "A | where x == 'a'")
    assert output.verdict.value == "none"
    assert "refuses" in output.diagnostics[-1].message
    missing = translator.convert(rule("A | where x =~ 'a'"), ("pysigma:nosuch",)).outputs["pysigma:nosuch"]
    assert "no pySigma backend nosuch" in missing.diagnostics[-1].message


def test_features_of_sigma() -> None:
    text = translator.convert(rule("A | where x !has 'a' and isempty(y)"), ("sigma",)).outputs["sigma"].text
    assert features(list(yaml.safe_load_all(text))) == {"negation", "regex", "null", "or-within-and"}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (lambda: translator.convert("SigninLogs", "spl"), "no target spl: there are sigma, splunk,"),
        (lambda: translator.prove("SigninLogs", "sql"), "no reader of sql: there are splunk,"),
        (lambda: translator.Options(fields="targets"), "fields is target or source, not 'targets'"),
        (lambda: translator.Options(prefer=""), "prefer is exact or portable, not ''"),
    ],
)
def test_words_that_are_none_are_refused_with_those_that_there_are(asked: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        asked()


def test_one_target_is_given_by_its_name() -> None:
    assert list(translator.convert("SigninLogs | where ResultType == '1'", "splunk").outputs) == ["splunk"]
