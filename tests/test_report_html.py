"""``report.html``: it says what ``report.json`` says, texts of rules stay texts, and a browser shows it to everybody."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules import rule
from translator.cli import main
from translator.fidelity import Diagnostic
from translator.pack import Entry, Failure
from translator.pipeline import Conversion, convert
from translator.report import report
from translator.report.html import common_folder, page, rules, summary
from translator.rulepack.model import Unread
from translator.verify.proof import Proof, prove

ROOT = Path(__file__).resolve().parents[1]
MODULES = Path(os.environ.get("BROWSER_MODULES", ROOT / ".node/node_modules"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SIGNIN = 'SigninLogs | where ResultType == "0" and tolower(UserPrincipalName) == "a@b.c" | project IPAddress'
HOSTILE = "<script>alert(1)</script>"


class Page(HTMLParser):
    """What a page has: its elements, the texts of names, scripts and styles, and the counts of the totals."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.scripts: list[str] = []
        self.names: list[str] = []
        self.counts: dict[tuple[str, str, str], int] = {}
        self.policy = ""
        self.within: list[tuple[str, dict[str, str | None]]] = []
        self.counted: tuple[str, str, str] = ("", "", "")
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        if tag == "script":
            self.scripts.append("")
        if found.get("class") == "name":
            self.names.append("")
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"] or ""
        if "data-filter" in found:
            self.counted = (found["data-target"] or "", found["data-filter"] or "", found["data-value"] or "")
        self.within.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        while self.within and self.within.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, found = self.within[-1] if self.within else ("", {})
        if tag == "script":
            self.scripts[-1] += data
        if found.get("class") == "name":
            self.names[-1] += data
        if found.get("class") == "count":
            self.counts[self.counted] = int(data)

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found


def entry(kql: str, slug: str = "a-rule", **facts: Any) -> Entry:
    return Entry(slug, convert(rule(kql, **facts)))


def page_of(entries: list[Entry], proofs: dict[tuple[str, str], Proof] | None = None, unread: tuple[Unread, ...] = ()) -> str:
    return page(entries, report(entries, {}, proofs=proofs or {}, unread=unread), proofs or {}).decode()


BASE = entry(SIGNIN)
PLAIN = Page(page_of([BASE]))
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MARKUP = st.sampled_from(
    (HOSTILE, "</script><img src=x onerror=alert(1)>", "<!--<script>", "]]>", "&lt;b&gt;", '" onclick="alert(1)', "{{ 7 * 7 }}", "\u2028")
)
TEXTS = st.one_of(ANY, MARKUP, st.tuples(ANY, MARKUP, ANY).map("".join))


@settings(max_examples=60, deadline=None)
@given(name=TEXTS, source=TEXTS, described=TEXTS, told=TEXTS, written=TEXTS, query=TEXTS)
def test_texts_of_rules_stay_texts(name: str, source: str, described: str, told: str, written: str, query: str) -> None:
    """No text of a rule makes an element, an attribute or an end of the data, and the data has each as it is."""
    assert isinstance(BASE.result, Conversion)
    outputs = {
        t: replace(o, texts=(written,), diagnostics=(Diagnostic("row-limit", told, (0, 1)),)) for t, o in BASE.result.outputs.items()
    }
    changed = replace(BASE.result.rule, name=name, source=source, description=described, query=query, techniques=(told,))
    entries = [
        Entry("a", replace(BASE.result, rule=changed, outputs=outputs, tables=(told,))),
        Entry("b", Failure(source, name, told, 1, 1, told)),
    ]
    found = Page(page_of(entries))
    assert set(found.elements) <= set(PLAIN.elements) | {"p", "td", "th", "tr", "table", "caption", "tbody", "thead", "strong"}
    assert found.elements["script"] == 2 and found.elements["style"] == 1 and found.elements["a"] == PLAIN.elements["a"] + 2
    assert not {"onclick", "onerror", "src", "style"} & set(found.attributes)
    first, second = found.data["rules"]
    assert (first["name"], first["source"], first["description"], first["kql"]) == (name, source, described, query.rstrip())
    assert [d["message"] for d in first["said"]] == [told] and {o["texts"][0] for o in first["outputs"].values()} == {written}
    assert (second["name"], second["error"]["message"]) == (name, told)
    if name.isprintable() and name.strip():
        assert found.names == [name, name]


def test_what_hides_or_turns_around_text_is_shown_as_a_mark() -> None:
    text = page_of([replace(BASE, result=Failure("a\x1b[2J", "gpj\u202eexe\x00", "", 1, 1, "\x9b2J"))])
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert Page(text).names == ["gpj\ufffdexe\ufffd"] and Page(text).data["rules"][0]["name"] == "gpj\u202eexe\x00"


def test_totals_are_those_of_the_report() -> None:
    content = json.loads((ROOT / "outputs/report.json").read_text("utf-8"))
    found = Page((ROOT / "outputs/report.html").read_text("utf-8"))
    wanted = {
        (target, name, value): count
        for name, key in (("verdict", "verdicts"), ("readiness", "readiness"))
        for target, counts in content["summary"][key].items()
        for value, count in counts.items()
    }
    assert found.counts == wanted
    assert found.names == [r["name"] for r in content["rules"]]
    for shown, told in zip(found.data["rules"], content["rules"], strict=True):
        assert {t: o["verdict"] for t, o in shown["outputs"].items()} == {t: o["verdict"] for t, o in told["outputs"].items()}
        for target, output in told["outputs"].items():
            said = [shown["said"][n] for n in shown["outputs"][target]["said"]]
            assert [(d["code"], d["message"], *d["place"]) for d in said] == [
                (d["code"], d["message"], d["line"], d["column"]) for d in output["diagnostics"]
            ]
            texts = [(ROOT / "outputs" / path).read_text("utf-8") for path in output["paths"]]
            assert [t.rstrip("\n") for t in shown["outputs"][target]["texts"]] == [t.rstrip("\n") for t in texts]


def test_same_pack_gives_the_same_page() -> None:
    assert page_of([BASE, entry("T | take 5", "b")]) == page_of([entry(SIGNIN), entry("T | take 5", "b")])


def test_page_needs_nothing_of_the_network_and_runs_nothing_else() -> None:
    text = page_of([BASE])
    assert "://" not in text and not re.search(
        r"url\(|@import|\bfetch\(|XMLHttpRequest|innerHTML|outerHTML|insertAdjacentHTML|\beval\(", text
    )
    found = Page(text)
    digest = base64.b64encode(hashlib.sha256(found.scripts[1].encode()).digest()).decode()
    assert "default-src 'none'" in found.policy and f"script-src 'sha256-{digest}'" in found.policy


@pytest.mark.parametrize("before", ["", "// \U0001f600 é\n", "let unused = '\U0001f600';\n"])
def test_places_are_counted_as_scripts_count(before: str) -> None:
    query = f"{before}SecurityEvent | join kind=innerunique (SecurityEvent | where EventID == 1) on Account"
    found = Page(page_of([entry(query)])).data["rules"][0]
    units = found["kql"].encode("utf-16-le")
    placed = [d for d in found["said"] if d["span"]]
    assert placed
    texts = {units[2 * d["span"][0] : 2 * d["span"][1]].decode("utf-16-le") for d in placed}
    assert any(t.startswith("join kind=innerunique (") for t in texts) and all(not t[:1].isspace() for t in texts)


def test_texts_are_cut_where_a_pack_is_over_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(f"T | where A in ({', '.join(repr(f'value{n}') for n in range(400))})", f"r{m}") for m in range(3)]
    whole = Page(page_of(entries)).data["rules"]
    assert not any(r["kql"].endswith("…") for r in whole)
    monkeypatch.setattr(rules, "BUDGET", 9_000)
    cut = Page(page_of(entries)).data["rules"]
    assert all(r["kql"].endswith("…") for r in cut)
    assert sum(len(r["kql"]) + sum(len(t) for o in r["outputs"].values() for t in o["texts"]) for r in cut) <= 9_000 + 100


def test_obstacles_are_ranked_by_what_they_free() -> None:
    assert isinstance(BASE.result, Conversion)
    output = replace(BASE.result.outputs["splunk"], diagnostics=())

    def with_codes(slug: str, *codes: str) -> Entry:
        assert isinstance(BASE.result, Conversion)
        said = tuple(Diagnostic(code, f"{code} in {slug}") for code in codes)
        return Entry(slug, replace(BASE.result, outputs={"splunk": replace(output, diagnostics=said)}))

    entries = [with_codes("a", "row-limit", "key-case"), with_codes("b", "row-limit", "key-case"), with_codes("c", "row-limit", "key-case"),
               with_codes("d", "key-dropped", "rows-differ"), with_codes("e", "key-case", "window-assumed")]  # fmt: skip
    found = summary.obstacles(entries, ["splunk"])
    assert [(o.code, o.frees, o.concerns, o.worst) for o in found] == [
        ("key-case", 1, 4, ["narrower"]),
        ("key-dropped", 1, 1, ["broader"]),
        ("row-limit", 0, 3, ["broader"]),
    ]


def test_matrix_tells_what_survives() -> None:
    def claims(verdict: str, readiness: str = "ready", **named: list[str]) -> dict[str, Any]:
        attack = {"tactics": [], "techniques": [], **named}
        return {"attack": attack, "outputs": {"eql": {"verdict": verdict, "readiness": readiness}}}

    both = {"tactics": ["persistence"], "techniques": ["T1078"]}
    found = summary.matrix(
        [
            claims("broader", **both),
            claims("narrower", **both),
            claims("exact", "names", **both),
            claims("none", **both),
            claims("exact", tactics=["discovery"]),
            claims("exact", techniques=["T9999"]),
            claims("exact"),
            {"outputs": {}},
        ],
        ["eql"],
    )
    assert [*found.tactics] == ["persistence", "discovery", ""] and found.unnamed == 2
    valid = found.tactics["persistence"][1][0]
    assert (valid.id, valid.name, valid.rules) == ("T1078", "Valid Accounts", 4)
    assert valid.targets["eql"] == summary.Survival(kept=1, waiting=1, missing=1, lost=1) and valid.targets["eql"].state == "some"
    assert found.tactics["discovery"][1][0].targets["eql"].state == "all"


def test_convert_writes_the_page_unless_told_not_to(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "a.yaml").write_text(f"name: '{HOSTILE}'\nquery: SigninLogs | take 5\n")
    (pack / "b.yaml").write_text("name: broken\nquery: SigninLogs | where (\n")
    CliRunner().invoke(main, ["convert", str(pack), "-o", str(tmp_path / "out"), "-t", "splunk"])
    found = Page((tmp_path / "out/report.html").read_text("utf-8"))
    assert found.names == [HOSTILE, "broken"] and found.elements["script"] == 2
    assert "report.html" in json.loads((tmp_path / "out/report.json").read_text())["files"]
    CliRunner().invoke(main, ["convert", str(pack), "-o", str(tmp_path / "bare"), "-t", "splunk", "--no-html"])
    assert (tmp_path / "bare/report.json").exists() and not (tmp_path / "bare/report.html").exists()


def test_verify_writes_the_page_of_its_proofs(tmp_path: Path) -> None:
    rule_file, text = tmp_path / "a.yaml", tmp_path / "text.spl"
    rule_file.write_text("name: cleared\nquery: SecurityEvent | where EventID == 1102\n")
    text.write_text("search EventCode=*")
    asked = ["verify", str(rule_file), "-t", "splunk", "--text", str(text), "--html", str(tmp_path / "new/page.html")]
    CliRunner().invoke(main, asked)
    found = Page((tmp_path / "new/page.html").read_text("utf-8"))
    output = found.data["rules"][0]["outputs"]["splunk"]
    assert output["texts"] == ["search EventCode=*"] and output["proof"]["outcome"] == "contradicted" and output["verdict"] == "broader"
    assert output["proof"]["contradiction"]["events"]["count"] and not output["proof"]["contradiction"]["kql"]
    assert found.counts["splunk", "proof", "contradicted"] == 1
    assert [*output["proof"]["contradiction"]["rows"]["SecurityEvent"]["times"]] == [1]
    refused = CliRunner().invoke(main, ["verify", "--replay", str(tmp_path), "--html", str(tmp_path / "x.html")])
    assert refused.exit_code == 2 and "--html" in refused.output


def test_a_page_that_cannot_be_written_is_said_before_anything_is_proved(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "a.yaml").write_text("name: cleared\nquery: SecurityEvent | where EventID == 1102\n")
    refused = CliRunner().invoke(main, ["verify", str(tmp_path / "a.yaml"), "-t", "eql", "--html", str(tmp_path / "file/page.html")])
    assert refused.exit_code == 2 and "cannot be written" in refused.output and "proven" not in refused.output


def test_proof_has_the_events_on_which_both_alert() -> None:
    assert isinstance(BASE.result, Conversion)
    proof = prove(BASE.result, "splunk")
    shown = Page(page_of([BASE], {("a-rule", "splunk"): proof})).data["rules"][0]["outputs"]["splunk"]["proof"]
    assert proof.outcome.value == shown["outcome"] == "proven" and shown["branches"] == [*proof.branches]
    assert [r["UserPrincipalName"].lower() for r in shown["example"]["rows"]["SigninLogs"]["rows"]] == ["a@b.c"]
    assert shown["example"]["kql"] and shown["example"]["events"]["count"] == 1


def test_events_that_are_alike_are_shown_once() -> None:
    rows = [{"a": "x", "b": None}, {"a": "y"}, {"a": "x"}, {"a": "z"}]
    assert rules._rows(rows, 2) == {"count": 4, "different": 3, "rows": [{"a": "x"}, {"a": "y"}], "times": [2, 1]}


@pytest.mark.skipif(CHROMIUM is None or shutil.which("node") is None, reason="chromium and node are not installed")
@pytest.mark.skipif(not (MODULES / "axe-core").exists(), reason="make .node/.ready brings playwright-core and axe-core")
def test_page_in_a_browser(tmp_path: Path) -> None:
    query = 'AuditLogs | where OperationName == "Add\u202e" | join kind=leftanti (AuditLogs | where OperationName == "Undo") on Identity'
    first = entry(query, "a", name=HOSTILE)
    second = entry(SIGNIN, "b", name="Sign-in of somebody", tactics=("InitialAccess",), techniques=("T1078",))
    assert isinstance(first.result, Conversion) and isinstance(second.result, Conversion)
    entries = [first, second, Entry("c", Failure("c.yaml", "A broken one", "", 3, 7, "no such table"))]
    file, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    unread = tuple(Unread(f"{n}.txt", "", "no rule") for n in range(20))
    file.write_text(page_of(entries, {("b", "splunk"): prove(second.result, "splunk")}, unread), "utf-8")
    done = subprocess.run(
        ["node", str(ROOT / "tests/browser/report_page.cjs"), str(file), str(CHROMIUM), str(printed)],
        env={**os.environ, "NODE_PATH": str(MODULES)}, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["errors"] == [] and set(found["requests"]) == {file.as_uri()} and found["wide"] == []
    assert len(found["axe"]) == 8 and all(a["passes"] > 10 and a["violations"] == [] for a in found["axe"]), found["axe"]
    assert found["all"] == found["plain"] == [HOSTILE, "Sign-in of somebody", "A broken one"] and not found["form"]
    assert (found["searched"], found["told"], found["failed"]) == (["Sign-in of somebody"], "1 of 3", ["A broken one"])
    assert found["rows"] == [20, 12, 20] and found["unfolded"] == [0, "true"]
    assert found["ordered"] == [HOSTILE, "A broken one", "Sign-in of somebody"]
    assert found["address"] == found["returned"] == "#rules?text=a+broken&verdict=failed&order=name"
    assert found["linked"] == [["A broken one"], "failed", "name"] and found["unknown"] == ["Sign-in of somebody"]
    assert (found["title"], found["focused"], found["back"], found["closed"]) == (HOSTILE, "rule-title", HOSTILE, HOSTILE)
    assert found["stayed"] and any("join kind=leftanti" in mark for mark in found["marked"]) and found["led"].startswith("said-")
    assert found["next"].startswith("Splunk") and found["first"].startswith("Sigma") and found["texts"]
    assert found["copied"] == first.result.outputs["sigma"].text and "\\u202e" in found["texts"][0] and "\u202e" in found["copied"]
    assert printed.read_bytes().startswith(b"%PDF") and printed.stat().st_size > 5_000


@pytest.mark.parametrize(
    ("sources", "folder"),
    [
        (["rules/a.yaml", "rules/b.yaml"], "rules/"),
        (["/x/rules/a.yaml", "/x/rules/sub/b.yaml"], "/x/rules/"),
        (["rules/a.yaml", "rules-old/b.yaml"], ""),
        (["/x/a.yaml", "/y/b.yaml"], ""),
        (["rules/a.yaml", "b.yaml"], ""),
        (["rules/a.yaml"], ""),
        ([], ""),
    ],
)
def test_the_folder_of_all_rules_is_said_once(sources: list[str], folder: str) -> None:
    assert common_folder(sources) == folder
