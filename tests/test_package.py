"""What products import: when packaged rules run, what they look at and how they alert, and that names from strangers break nothing."""

from __future__ import annotations

import functools
import gzip
import io
import json
import re
import tarfile
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests import conf_reader
from tests.rules import rule
from translator import prove
from translator.detection.model import Detection
from translator.pack import Entry, slugs_of, whole
from translator.package import conf, kibana, packaged, prepared
from translator.package.detection_rules import schema
from translator.package.options import PackageOptions
from translator.package.splunk_app import app_files, archive
from translator.pipeline import Conversion, convert
from translator.report import report
from translator.rulepack import RuleFileError, read
from translator.rulepack.cron import cron
from translator.rulepack.model import AlertDetails, EntityMapping, Incidents, Rule
from translator.targets.base import Options
from translator.verify.proof import Outcome

PLAIN = "SecurityEvent | where EventID == 4720"
SUMMARY = f"{PLAIN} | summarize n = count() by Computer | where n > 10"
HOUR, DAY = 3_600, 86_400
ID = "11111111-2222-3333-4444-555555555555"


def scheduled(kql: str = PLAIN, **facts: Any) -> Rule:
    return replace(rule(kql, "A rule"), **{"id": ID, "kind": "scheduled", "frequency": HOUR, "period": HOUR, "severity": "high", **facts})


def app(made: Rule, options: PackageOptions | None = None, others: tuple[Rule, ...] = ()) -> dict[str, dict[str, dict[str, str]]]:
    """The configuration files of the app, by name, as Splunk reads them."""
    conversions: list[tuple[str, Conversion]] = [(f"r{n}", convert(r)) for n, r in enumerate((made, *others))]
    files, _ = app_files(conversions, options or PackageOptions())
    return {path.rpartition("/")[2]: conf_reader.read(text) for path, text in files.items() if path.endswith(".conf")}


def search(made: Rule, options: PackageOptions | None = None) -> dict[str, str]:
    (only,) = app(made, options)["savedsearches.conf"].values()
    return only


def kibana_rule(made: Rule, options: PackageOptions | None = None) -> dict[str, Any]:
    (found,) = kibana.rules([("r", convert(made))], Options(), options or PackageOptions())
    return found.rules[0]


# --- when


@pytest.mark.parametrize(
    ("made", "splunk", "elastic"),
    [
        # the rule's settings; cron, earliest and latest; interval and from
        (scheduled(), ("0 * * * *", "-1h@m", "@m"), ("1h", "now-3600s")),
        (scheduled(frequency=300, period=300), ("*/5 * * * *", "-5m@m", "@m"), ("5m", "now-300s")),
        # the query's own window is narrower than the period
        (scheduled(f"{PLAIN} | where TimeGenerated > ago(1h)", period=14 * DAY), ("0 * * * *", "-1h@m", "@m"), ("1h", "now-3600s")),
        (
            scheduled(f"{PLAIN} | where TimeGenerated between (ago(1d) .. now())", frequency=DAY, period=14 * DAY),
            ("0 0 * * *", "-1d@m", "@m"),
            ("1d", "now-86400s"),
        ),
        (scheduled(frequency=DAY, period=14 * DAY), ("0 0 * * *", "-14d@m", "@m"), ("1d", "now-1209600s")),
        # history: the whole period, of which the parts are limited
        (
            scheduled(
                "SigninLogs | where TimeGenerated > ago(1d) and ResultType == '0' | join kind=leftanti (SigninLogs | where TimeGenerated"
                " between (ago(14d) .. ago(1d)) and ResultType == '0') on IPAddress, AppDisplayName",
                frequency=DAY, period=14 * DAY,
            ),
            ("0 0 * * *", "-14d@m", "@m"),
            ("1d", "now-1209600s"),
        ),
        (rule(PLAIN, kind="nrt"), ("* * * * *", "-1d@m", "now"), ("1m", "now-60s")),
        (rule(PLAIN, kind="hunting"), (None, "-1d@m", "now"), ("1d", "now-86400s")),
    ],
)  # fmt: skip
def test_windows_and_schedules(made: Rule, splunk: tuple[str | None, str, str], elastic: tuple[str, str]) -> None:
    settings, built = search(made), kibana_rule(made)
    assert (settings.get("cron_schedule"), settings["dispatch.earliest_time"], settings["dispatch.latest_time"]) == splunk
    assert settings["enableSched"] == ("0" if made.kind == "hunting" else "1")
    assert (built["interval"], built["from"]) == elastic
    assert settings["disabled"] == "1" and built["enabled"] is False


def test_a_rule_of_kibana_looks_since_the_moment_that_its_query_states() -> None:
    made = rule("SigninLogs | where TimeGenerated > datetime(2023-11-14) | where ResultType == '0' | project IPAddress", kind="hunting")
    built = kibana_rule(made)
    assert (built["type"], built["from"], built["enabled"]) == ("esql", "2023-11-14T00:00:00.000Z", False)


def test_near_real_time_goes_by_the_time_of_ingestion() -> None:
    settings = search(rule(PLAIN, kind="nrt"))
    assert (settings["dispatch.index_earliest"], settings["dispatch.index_latest"]) == ("-1m@m", "@m")
    assert "schedule_window" not in settings
    assert kibana_rule(rule(PLAIN, kind="nrt"))["timestamp_override"] == "event.ingested"


@pytest.mark.parametrize("seconds", [60, 300, 420, 900, HOUR, 5 * HOUR, 7 * HOUR, DAY, 2 * DAY, 7 * DAY])
def test_a_cron_expression_never_runs_less_often_than_the_rule(seconds: int) -> None:
    assert cron(seconds)[1] <= seconds


def test_late_events_are_waited_for_on_request() -> None:
    settings = search(scheduled(), PackageOptions(delay=300))
    assert (settings["dispatch.earliest_time"], settings["dispatch.latest_time"]) == ("-65m@m", "-5m@m")
    assert kibana_rule(scheduled(), PackageOptions(delay=300))["to"] == "now-300s"


def test_only_what_runs_as_it_is_is_enabled_and_only_on_request() -> None:
    unknown = scheduled("NobodyKnows_CL | where x_s == 'a'")
    for made, enabled in ((scheduled(), True), (unknown, False)):
        assert search(made, PackageOptions(enable=True))["disabled"] == ("0" if enabled else "1")
        assert kibana_rule(made, PackageOptions(enable=True))["enabled"] is enabled


# --- how many rows


@pytest.mark.parametrize(
    ("kql", "operator", "count", "relation", "quantity", "in_search"),
    [
        (PLAIN, "gt", 0, "greater than", "0", ""),
        (PLAIN, "gt", 5, "greater than", "5", ""),
        (SUMMARY, "GreaterThan", 3, "greater than", "3", ""),
        (SUMMARY, "ne", 3, "greater than", "0", "where result_count!=3"),
        (PLAIN, "eq", 0, "greater than", "0", "where result_count==0"),
        (PLAIN, "lt", 3, "greater than", "0", "where result_count<3"),
    ],
)
def test_a_threshold_stands_once(kql: str, operator: str, count: int, relation: str, quantity: str, in_search: str) -> None:
    made = scheduled(kql, trigger_operator=operator, trigger_threshold=count)
    settings = search(made)
    assert (settings["counttype"], settings["relation"], settings["quantity"]) == ("number of events", relation, quantity)
    assert ("result_count" in settings["search"]) == bool(in_search) and in_search in settings["search"]
    if operator in ("gt", "GreaterThan") and count:
        assert f"where result_count>{count}" in convert(made).outputs["splunk"].text, "the file stands alone"


# --- settings


def test_suppression_and_grouping() -> None:
    resting = search(scheduled(suppression=5 * HOUR))
    assert (resting["alert.suppress"], resting["alert.suppress.period"]) == ("1", "5h") and "alert.suppress.fields" not in resting
    assert search(scheduled(grouping="each"))["alert.digest_mode"] == "0"
    assert search(scheduled(grouping="single"))["alert.digest_mode"] == "1"
    built = kibana_rule(scheduled(suppression=5 * HOUR))["alert_suppression"]
    assert built == {"group_by": ["event.dataset"], "duration": {"value": 5, "unit": "h"}, "missing_fields_strategy": "suppress"}


def test_runs_that_see_the_same_groups_alert_once() -> None:
    overlapping = scheduled(SUMMARY, period=DAY)
    settings, built = search(overlapping), kibana_rule(overlapping)
    assert (settings["alert.suppress.fields"], settings["alert.suppress.period"]) == ("Computer", "1d")
    assert built["alert_suppression"]["duration"] == {"value": 24, "unit": "h"}
    apart = scheduled(SUMMARY)
    assert "alert.suppress" not in search(apart) and "alert_suppression" not in kibana_rule(apart)


def test_findings_name_what_they_are_about() -> None:
    made = scheduled(
        f"{PLAIN} | project Computer, User = SubjectUserName, What = TargetUserName",
        entities=(EntityMapping("Host", "HostName", "Computer"), EntityMapping("Account", "Name", "User")),
        custom_details=(("Target", "What"),),
        details=AlertDetails("{{User}} made {{What}} for $5", "on {{Computer}}, {{Nowhere}}"),
        tactics=("Persistence",), techniques=("T1136",),
    )  # fmt: skip
    settings = search(made)
    assert json.loads(settings["action.risk.param._risk"]) == [
        {"risk_object_field": "Computer", "risk_object_type": "system", "risk_score": 75},
        {"risk_object_field": "User", "risk_object_type": "user", "risk_score": 75},
    ]
    assert settings["action.notable.param.rule_title"] == "$User$ made $What$ for 5"
    assert settings["action.notable.param.rule_description"] == "on $Computer$, Nowhere"
    assert settings["action.notable.param.severity"] == "high" and settings["alert.severity"] == "4"
    assert settings["action.notable.param.nes_fields"] == "Computer,User,What"
    annotations = json.loads(settings["action.correlationsearch.annotations"])
    assert annotations["mitre_attack"] == ["T1136"] and all(annotations.values())
    for field in ("Computer", "User", "What"):
        assert f"{field}=" in settings["search"] or field == "Computer"
    assert kibana_rule(made)["investigation_fields"] == {"field_names": ["winlog.computer_name", "winlog.event_data.SubjectUserName"]}


PROCESS = (
    "DeviceProcessEvents | where FileName =~ 'psexec.exe' | project DeviceName, Who = AccountName, Line = ProcessCommandLine, Level = 'x'"
)


def test_rules_of_events_name_what_they_are_about_by_their_fields() -> None:
    made = scheduled(
        PROCESS, entities=(EntityMapping("Host", "HostName", "DeviceName"), EntityMapping("Account", "Name", "Who")),
        custom_details=(("Command", "Line"), ("Other", "Nowhere")), details=AlertDetails("{{Who}}", severity="Level"),
        tags=("Solorigate",),
    )  # fmt: skip
    built = kibana_rule(made)
    assert built["type"] == "eql" and built["investigation_fields"] == {"field_names": ["host.name", "user.name"]}
    assert built["note"].split("\n")[2:] == [
        "- Host (HostName): `host.name`", "- Account (Name): `user.name`",
        "- Command: `process.command_line`", "- Other: `Nowhere` of the KQL",
    ]  # fmt: skip
    assert built["tags"][-2:] == ["Use Case: Threat Detection", "Solorigate"]
    assert built["rule_name_override"] == "user.name" and "severity_mapping" not in built
    (entry,) = packaged(pack(made), Options(), PackageOptions()).with_remarks(pack(made))
    assert isinstance(entry.result, Conversion)
    said = [d.message for d in entry.result.outputs["eql"].diagnostics if d.code == "setting-lost"]
    assert said == ["alerts of Kibana have no field for Level, Nowhere, which the details of the alert name"]


def test_an_entity_of_a_type_that_queries_do_not_read_is_named_by_its_column() -> None:
    kql = "GCP_IAM | where PayloadMethodname has 'Delete' | extend Who = PayloadRequestAccountId"
    made = scheduled(kql, entities=(EntityMapping("Account", "FullName", "Who"),))
    assert kibana_rule(made)["note"].endswith("- Account (FullName): `Who` of the KQL")


def test_a_number_of_rows_is_about_no_field() -> None:
    made = scheduled(PROCESS, entities=(EntityMapping("Host", "HostName", "DeviceName"),), trigger_operator="eq", trigger_threshold=0)
    built = kibana_rule(made)
    assert "investigation_fields" not in built and built["note"].endswith("- Host (HostName): `DeviceName` of the KQL")


@pytest.mark.parametrize(
    "entities, risk, threats",
    [
        ([("Account", "Name"), ("Account", "UPNSuffix"), ("IP", "Address")], {"user": 1}, ["ip_address"]),
        ([("IP", "Address")], {"system": 1}, []),
        ([("AzureResource", "ResourceId"), ("IP", "Address")], {"other": 1, "system": 1}, []),
        ([("Host", "HostName"), ("Host", "DnsDomain"), ("Process", "CommandLine"), ("Process", "ProcessId")], {"system": 1}, ["process"]),
        ([("FileHash", "Algorithm"), ("FileHash", "Value"), ("URL", "Url")], {"other": 2}, []),
        ([("Account", "NTDomain")], {}, []),
    ],
)
def test_risk_is_added_to_what_is_acted_on(entities: list[tuple[str, str]], risk: dict[str, int], threats: list[str]) -> None:
    stored = ["Computer", "SubjectUserName", "TargetUserName", "CommandLine"][: len(entities)]
    columns = [f"{entity}{identifier}" for entity, identifier in entities]
    made = scheduled(
        f"{PLAIN} | project {', '.join(f'{c} = {x}' for c, x in zip(columns, stored, strict=True))}",
        entities=tuple(EntityMapping(*e, c) for e, c in zip(entities, columns, strict=True)),
    )
    settings = search(made)
    objects = json.loads(settings.get("action.risk.param._risk", "[]"))
    assert Counter(o["risk_object_type"] for o in objects if "risk_object_type" in o) == risk
    assert [o["threat_object_type"] for o in objects if "threat_object_type" in o] == threats
    assert settings["action.notable.param.nes_fields"] == ",".join(columns)
    asked = re.findall(r"\$(\w+)\|s\$", settings.get("action.notable.param.drilldown_searches", ""))
    assert asked == [c for c in columns if not re.search(r"UPNSuffix|Domain|ProcessId|Algorithm", c)]
    files = packaged(pack(made), Options(), PackageOptions(("contentctl",))).files
    (detection,) = (yaml.safe_load(text) for path, text in files.items() if path.startswith("contentctl/detections/") and text)
    assert [o["type"] for o in detection.get("rba", {"threat_objects": []})["threat_objects"]] == threats


def test_a_rule_without_incidents_makes_no_finding() -> None:
    assert "action.notable" not in search(scheduled(incidents=Incidents(created=False)))


def test_what_has_no_place_is_said() -> None:
    made = scheduled(
        suppression=HOUR, grouping="single", custom_details=(("a", "Computer"),), details=AlertDetails(tactics="Computer"),
        incidents=Incidents(True, True, HOUR, "AllEntities"),
    )  # fmt: skip
    said = {name: sum(d.code == "setting-lost" for d in o.diagnostics) for name, o in convert(made).outputs.items()}
    assert said == {"sigma": 5, "splunk": 2, "eql": 3, "esql": 3}
    assert not any(d.code == "setting-lost" for o in convert(scheduled()).outputs.values() for d in o.diagnostics)


def test_exclusions_are_the_sites_to_change() -> None:
    made = scheduled(exclusions=('Computer != "dc1"', 'EventID != 4720 or Computer startswith "x"'))
    found = app(made)
    (text,) = (s["search"] for s in found["savedsearches.conf"].values())
    assert text.endswith("\n| `a_rule_filter`")
    assert 'Computer=="dc1"' in found["macros.conf"]["a_rule_filter"]["definition"]
    assert app(scheduled())["macros.conf"]["a_rule_filter"]["definition"] == "search *"
    (built,) = kibana.rules([("r", convert(made))], Options(), PackageOptions())
    container, item = built.exceptions
    assert built.rules[0]["exceptions_list"][0]["list_id"] == container["list_id"] == item["list_id"]
    (entry,) = item["entries"]
    assert (entry["operator"], entry["type"], entry["value"]) == ("included", "match", "dc1")


def test_lists_are_shipped_with_their_header() -> None:
    made = scheduled("SigninLogs | where IPAddress in ((_GetWatchlist('Bad IPs') | project SearchKey))")
    conversion = convert(made)
    files, _ = app_files([("r", conversion)], PackageOptions())
    (name,) = conversion.outputs["splunk"].lookups
    assert conf_reader.read(files["default/transforms.conf"])[name]["filename"] == f"{name}.csv"
    assert files[f"lookups/{name}.csv"] == "value,note\n"
    found = packaged([Entry("r", conversion)], Options(), PackageOptions()).files
    assert "elastic/lookups/requests.http" in found or "enrich" not in conversion.outputs["esql"].text.lower()


# --- names are data from strangers


HOSTILE = [
    "default", "DEFAULT", "a[b]c", "A (b) c", "a/b", "x" * 300, "x" * 299 + "y", "] \\", "tail \\", "new\nline", "\x1b[31mred", "#comment",
    "= equals", "`macro`", "$token$", "ünïcode", "", "  ", "a\u2028b",
]  # fmt: skip


def test_names_are_told_apart_as_splunk_reads_them() -> None:
    rules = [replace(scheduled(), name=name) for name in HOSTILE]
    stanzas = app(rules[0], others=tuple(rules[1:]))["savedsearches.conf"]
    assert len(stanzas) == len(HOSTILE) == len({name.lower() for name in stanzas})
    assert all(0 < len(name) <= 80 and name == name.strip() and name.lower() != "default" for name in stanzas)
    assert all(s["enableSched"] == "1" and s["search"].endswith("_filter`") for s in stanzas.values())


TEXT = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from([*HOSTILE, "\\\\\n\\", "a\\\n[b]\nc = d", "\r\n# x"])


@given(TEXT, TEXT, TEXT)
def test_no_value_swallows_or_makes_a_setting(name: str, description: str, title: str) -> None:
    (stanza,) = conf.names([(name, "")])
    text = conf.stanza(stanza, {"first": description, "second": title, "third": "1"}) + conf.stanza("next", {"a": "b"})
    found = conf_reader.read(text)
    assert list(found) == [stanza, "next"] and list(found[stanza]) == ["first", "second", "third"]
    assert found[stanza]["third"] == "1"


@given(st.text(st.sampled_from('abc "|=()*$\\\n'), max_size=80))
def test_a_search_is_read_back_as_it_was(text: str) -> None:
    wanted = "\n".join(line.rstrip() for line in f"search x{text}\n| `f`".splitlines())
    found = conf_reader.read(conf.stanza("s", {"search": wanted}))["s"]["search"]
    assert "\n".join(line.rstrip() for line in found.split("\n")) == wanted


ANY = st.text(max_size=40) | st.sampled_from(
    [*HOSTILE, "a\\\n[b]\nc = d", "\r\n# x", "\ud800", "\ud83d\ude00", "..", "/a/b", "COM1", "n\0ul"]
)
METADATA = st.fixed_dictionaries(
    {
        "name": ANY, "id": ANY, "description": ANY, "author": ANY, "tactics": st.tuples(ANY), "techniques": st.tuples(ANY),
        "references": st.tuples(ANY), "tags": st.tuples(ANY), "severity": ANY, "version": ANY, "date": ANY,
    }
)  # fmt: skip
CONVERTED = functools.cache(lambda: convert(scheduled()))


def lines_of(text: str) -> list[str]:
    """The lines of a value as a file of Splunk's keeps them: without control characters and the blanks at their ends."""
    return [line.rstrip() for line in conf.plain(text).strip().splitlines()] or [""]


@of_hypothesis(deadline=None, max_examples=200)
@given(METADATA, METADATA)
def test_whatever_is_said_of_rules_the_packages_can_be_read(one: dict[str, Any], other: dict[str, Any]) -> None:
    rules = [whole(replace(CONVERTED().rule, **facts)) for facts in (one, other)]
    slugs = slugs_of(rules)
    assert len(set(slugs)) == 2 and all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,99}", slug) for slug in slugs)
    conversions = [(slug, replace(CONVERTED(), rule=rule)) for slug, rule in zip(slugs, rules, strict=True)]
    _, searches = app_files(conversions, PackageOptions())
    found = packaged(
        [Entry(slug, c) for slug, c in conversions], Options(), PackageOptions(("splunk-app", "kibana", "contentctl", "detection-rules"))
    )
    assert not found.failed
    for path, content in found.files.items():
        assert ".." not in path.split("/") and not path.startswith("/") and "\\" not in path
        assert content if isinstance(content, bytes) else content.encode() is not None
    stanzas = conf_reader.read(str(found.files["splunk/app/default/savedsearches.conf"]))
    assert len({name.casefold() for name in stanzas}) == 2 and "default" not in {name.casefold() for name in stanzas}
    for search in searches:
        read_back = stanzas[search.name]
        assert read_back.keys() == search.settings.keys()
        for key, text in search.settings.items():
            *head, last = lines_of(text)
            wanted = [*head, last.rstrip("\\ ") if last.endswith("\\") else last]
            assert [line.rstrip() for line in read_back[key].split("\n")] == wanted
    made = [json.loads(line) for line in str(found.files["elastic/rules.ndjson"]).split("\n") if line]
    assert len(made) == len({m["rule_id"] for m in made}) == len({m["name"].lower() for m in made}) == 2
    for path, content in found.files.items():
        if path.endswith(".yml"):
            yaml.safe_load(str(content))
        if path.endswith(".toml"):
            tomllib.loads(str(content))


def test_the_archive_is_one_folder_and_always_the_same() -> None:
    files, _ = app_files([("r", convert(scheduled()))], PackageOptions())
    data = archive(files)
    assert data == archive(files)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
        names = tar.getnames()
        assert {n.split("/")[0] for n in names} == {"kql2sigma_detections"} and not any(n.startswith(".") for n in names)
        assert all(m.mode == (0o755 if m.isdir() else 0o644) for m in tar.getmembers())


# --- imported again


def test_versions_rise_when_the_text_changes_and_only_then(tmp_path: Path) -> None:
    def run(made: Rule) -> tuple[str, int, str]:
        def previous(path: str) -> str | None:
            return (tmp_path / path).read_text() if (tmp_path / path).exists() else None

        files = packaged([Entry("r", convert(made))], Options(), PackageOptions(previous=previous)).files
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        built = json.loads((tmp_path / "elastic/rules.ndjson").read_text().splitlines()[0])
        return conf_reader.read((tmp_path / "splunk/app/default/app.conf").read_text())["id"]["version"], built["version"], built["rule_id"]

    first, again, changed = run(scheduled()), run(scheduled()), run(scheduled(PLAIN + " and Computer == 'x'"))
    assert first[:2] == again[:2] == ("1.0.0", 1) and changed[:2] == ("1.0.1", 2)
    assert first[2] == again[2] == changed[2]


# --- kinds of Kibana's rules


@pytest.mark.parametrize(
    ("kql", "kind", "settings"),
    [
        (PLAIN, "query", {"query": 'event.dataset:"system.security" and event.code:"4720"', "language": "kuery"}),
        ("SecurityEvent | where EventID == 4688 and CommandLine has 'x'", "eql", {"index": ["logs-system.security-*"]}),
        (
            "SigninLogs | where ResultType == '50126' and isnotempty(IPAddress) | summarize n = count() by IPAddress | where n > 10",
            "threshold",
            {"threshold": {"field": ["source.ip"], "value": 11, "cardinality": []}},
        ),
        (
            "SigninLogs | where isnotempty(IPAddress) and isnotempty(UserPrincipalName)"
            " | summarize n = dcount(UserPrincipalName) by IPAddress | where n >= 5",
            "threshold",
            {
                "threshold": {
                    "field": ["source.ip"], "value": 1,
                    "cardinality": [{"field": "azure.signinlogs.properties.user_principal_name", "value": 5}],
                }
            },
        ),
        (
            "AuditLogs | where TimeGenerated > ago(1d) and OperationName == 'Add user' and isnotempty(Identity) | join kind=leftanti"
            " (AuditLogs | where TimeGenerated between (ago(14d) .. ago(1d)) and OperationName == 'Add user') on Identity, OperationName",
            "new_terms",
            {"history_window_start": "now-1209600s", "from": "now-86400s"},
        ),
        (
            "let ti = ThreatIntelligenceIndicator | where isnotempty(NetworkIP); ti | join kind=innerunique"
            " (SigninLogs | where ResultType == '0') on $left.NetworkIP == $right.IPAddress",
            "threat_match",
            {"threat_mapping": [{"entries": [{"field": "source.ip", "type": "mapping", "value": "threat.indicator.ip"}]}]},
        ),
        # not all events are one value of a text: the count is left to ES|QL
        (f"{SUMMARY.replace('by Computer', 'by bin(TimeGenerated, 1h), Computer')}", "esql", {}),
    ],
)  # fmt: skip
def test_the_kind_that_fits(kql: str, kind: str, settings: dict[str, Any]) -> None:
    built = kibana_rule(scheduled(kql, frequency=DAY, period=14 * DAY if "14d" in kql else DAY))
    assert built["type"] == kind
    assert {k: built[k] for k in settings} == settings


def test_a_rule_is_what_detection_rules_takes() -> None:
    """Names, queries and authors as that repository's schema and its checks of ES|QL have them."""
    buckets = SUMMARY.replace("by Computer", "by bin(TimeGenerated, 1h), Computer")
    built = kibana_rule(replace(scheduled(buckets, period=DAY), name="(odd) name!"))
    assert built["name"] == "odd) name" and built["author"] == ["kql2sigma"]
    assert "METADATA" in built["query"] or " BY " in built["query"]
    assert built["query"].endswith("| KEEP *")
    assert built["related_integrations"][0]["package"] == "system"


# --- against a clock


SENTINEL_WAITS = 300
"""Seconds by which a scheduled rule runs later than its window ends (learn.microsoft.com/azure/sentinel/scheduled-rules-overview)."""

CRONS = {"* * * * *": 60, "*/5 * * * *": 300, "0 * * * *": HOUR, "0 */4 * * *": 4 * HOUR, "0 0 * * *": DAY}


def relative(text: str) -> int:
    """Seconds before now of a time of Splunk's or Kibana's, as ``-65m@m`` or ``now-300s``."""
    found = re.fullmatch(r"(?:now)?(?:-(\d+)([smhdw]))?(?:@m)?", text)
    assert found is not None, text
    return int(found[1] or 0) * {"s": 1, "m": 60, "h": HOUR, "d": DAY, "w": 7 * DAY, None: 0}[found[2]]


def runs_that_alert(events: list[tuple[int, int]], every: int, back: int, ends: int, waits: int, by_arrival: bool) -> list[int]:
    """The times of the runs of two days that see an event, of events by their time and that of their arrival."""
    return [
        now
        for now in range(every, 2 * DAY + 1, every)
        if any(a <= now + waits and now - back <= (a if by_arrival else t) < now - ends for t, a in events)
    ]


def counted(made: Rule, events: list[tuple[int, int]], options: PackageOptions) -> tuple[int, int, int]:
    """How many runs alert in Sentinel, in Splunk without those that are throttled, and in Kibana without those that are suppressed."""
    every = 60 if made.kind == "nrt" else made.frequency or 0
    window = min(made.period or 60, HOUR if "ago(1h)" in made.query else DAY * 365)
    nrt = made.kind == "nrt"
    sentinel = runs_that_alert(events, every, window, 0, 0 if nrt else SENTINEL_WAITS, nrt)
    settings, built = search(made, options), kibana_rule(made, options)
    kind = "index_" if "dispatch.index_earliest" in settings else ""
    bounds = ("index_earliest", "index_latest") if kind else ("earliest_time", "latest_time")
    back, ends = (relative(settings[f"dispatch.{name}"]) for name in bounds)
    found = runs_that_alert(events, CRONS[settings["cron_schedule"]], back, ends, 0, bool(kind))
    splunk = rested(found, settings.get("alert.suppress.period"))
    assert built["timestamp_override"] == "event.ingested"
    step = relative(f"now-{built['interval']}")
    elastic = runs_that_alert(events, step, relative(built["from"]), relative(built.get("to", "now")), 0, True)
    resting = built.get("alert_suppression", {}).get("duration")
    return len(sentinel), len(splunk), len(rested(elastic, f"{resting['value']}{resting['unit']}" if resting else None))


def rested(alerts: list[int], period: str | None) -> list[int]:
    """The alerts of one thing that are left where it rests after each."""
    found: list[int] = []
    for now in alerts:
        if period is None or not found or now - found[-1] >= relative(f"now-{period}"):
            found.append(now)
    return found


HOURLY = [(t, t) for t in range(1_800, 2 * DAY, 5 * HOUR)]
LATE = [(t + HOUR - 1_830, t + HOUR - 1_830 + 120) for t, _ in HOURLY]
"""Events half a minute before a run, which arrive two minutes after they happened."""


@pytest.mark.parametrize(
    ("made", "events", "options", "same"),
    [
        # which of Splunk and Kibana alert as often as Sentinel
        (scheduled(), HOURLY, PackageOptions(), "both"),
        (scheduled(f"{PLAIN} | where TimeGenerated > ago(1h)", period=14 * DAY), HOURLY, PackageOptions(), "both"),
        (scheduled(frequency=300, period=300), HOURLY, PackageOptions(), "both"),
        (scheduled(frequency=DAY, period=DAY), HOURLY, PackageOptions(), "both"),
        (rule(PLAIN, kind="nrt"), LATE, PackageOptions(), "both"),
        # Splunk goes by the time of the event, and waits for late ones on request
        (scheduled(), LATE, PackageOptions(), "kibana"),
        (scheduled(), LATE, PackageOptions(delay=300), "both"),
        # windows that overlap alert again and again in Sentinel, and rest in the products
        (scheduled(SUMMARY, period=DAY), HOURLY[:1], PackageOptions(), "once"),
    ],
)
def test_packaged_rules_alert_as_often_as_the_rule(
    made: Rule, events: list[tuple[int, int]], options: PackageOptions, same: str
) -> None:  # fmt: skip
    sentinel, splunk, elastic = counted(made, events, options)
    said = packaged([Entry("r", convert(made))], Options(), options).alerts["r"]
    if same == "once":
        assert sentinel == 24 and (splunk, elastic) == (1, 1)
        assert said["splunk"]["alert.suppress.period"] == "1d" and "alert_suppression" in said["kibana"]
    else:
        assert sentinel == elastic > 0
        assert (splunk == sentinel) == (same == "both")
        assert said["splunk"]["ingest_delay"] == options.delay


# --- what is read


@pytest.mark.parametrize(
    ("text", "line"), [("queryFrequency: often\n", 1), ("queryFrequency: 1h\nqueryPeriod: -5\n", 2), ("queryPeriod: 1x\n", 1)]
)
def test_a_length_of_time_that_is_none_is_named_with_its_place(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "r.yaml").write_text(f"{text}name: x\nquery: SecurityEvent\n")
    with pytest.raises(RuleFileError, match="expected a length of time") as found:
        read(tmp_path / "r.yaml")
    assert found.value.line == line


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1h", HOUR), ("PT1H", HOUR), ("01:00:00", HOUR), ("12:00:00", 12 * HOUR), ("1.00:00:00", DAY), ("P1D", DAY), ("P1W", 7 * DAY),
        ("14d", 14 * DAY),
    ],
)  # fmt: skip
def test_lengths_of_time_in_every_form(tmp_path: Path, written: str, seconds: int) -> None:
    (tmp_path / "r.yaml").write_text(f"name: x\nqueryPeriod: {written}\nquery: SecurityEvent\n")
    assert read(tmp_path / "r.yaml")[0].period == seconds


# --- packages of content repositories


def pack(*rules: Rule) -> list[Entry]:
    return [Entry(f"r{n}", convert(made)) for n, made in enumerate(rules)]


KINDS_OF_RULES = (
    scheduled(),
    scheduled(SUMMARY, suppression=HOUR),
    scheduled("SecurityEvent | where EventID == 4688 and CommandLine has 'x'", tactics=("InitialAccess",), techniques=("T1059.001",)),
    scheduled("SigninLogs | where ResultType == '1' and isnotempty(IPAddress) | summarize n = count() by IPAddress | where n > 10"),
    scheduled("SigninLogs | where IPAddress in ((_GetWatchlist('Bad IPs') | project SearchKey))"),
    scheduled("NobodyKnows_CL | where x_s == 'a'"),
)


@pytest.mark.parametrize(
    ("name", "kibana_name", "repository_name"),
    [
        ("Überwachung gelöscht von Größe", "Überwachung gelöscht von Größe", "berwachung gelöscht von Größe"),
        ("ログイン失敗", "ログイン失敗", "Detection rule"),
        ("- (ログイン失敗) -", "ログイン失敗)", "Detection rule"),
        ("ß", "ß rule", "rule"),
    ],
)
def test_names_keep_the_letters_of_their_script_in_kibana(name: str, kibana_name: str, repository_name: str) -> None:
    """The repository's pattern for names is one of ASCII, Kibana has none; both want names apart."""
    rules = [replace(scheduled(), name=name, id=identifier) for identifier in ("1", "2")]
    files = packaged(pack(*rules), Options(), PackageOptions(("kibana", "detection-rules"))).files
    made = [json.loads(line)["name"] for line in str(files["elastic/rules.ndjson"]).splitlines()]
    assert made == [kibana_name, f"{kibana_name} (2)"]
    written = [tomllib.loads(str(text))["rule"]["name"] for path, text in files.items() if path.endswith(".toml")]
    assert written[0] == repository_name and len(set(written)) == 2
    for found in written:
        Draft202012Validator(schema()["properties"]["name"]).validate(found)


def test_every_rule_is_of_kibanas_schema() -> None:
    validator = Draft202012Validator(schema())
    for path in (Path(__file__).resolve().parents[1] / "outputs/elastic/rules.ndjson",):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "rule_id" in (built := json.loads(line)):
                validator.validate(built)
    for made in KINDS_OF_RULES:
        validator.validate(kibana_rule(made))


def test_detection_rules_get_what_is_imported_as_toml() -> None:
    found = packaged(pack(*KINDS_OF_RULES), Options(), PackageOptions(("detection-rules",), date="2026-01-31")).files
    assert len(found) == len(KINDS_OF_RULES) and all(path.startswith("detection-rules/rules/") for path in found)
    names = set()
    for text in found.values():
        assert isinstance(text, str)
        document = tomllib.loads(text)
        assert document["metadata"]["creation_date"] == "2026/01/31" and document["metadata"]["min_stack_version"] == "8.19.0"
        Draft202012Validator(schema()).validate({k: v for k, v in document["rule"].items() if k != "new_terms"})
        names.add(document["rule"]["name"])
    assert len(names) == len(found)


@pytest.mark.parametrize(("words", "version"), [("JSON_EXTRACT(a, b)", (9, 4, 0)), ("a", (8, 14, 0)), ("a\n| INLINE STATS x", (9, 2, 0))])
def test_a_rule_needs_the_version_of_what_its_query_uses(words: str, version: tuple[int, int, int]) -> None:
    assert kibana.stack_version({"type": "esql", "query": f"FROM a | WHERE {words}"}) == version


def test_contentctl_gets_what_its_objects_have() -> None:
    """Names, files, macros and risk as the models of contentctl 5.6 have them; `make conformance` runs the tool itself."""
    files = packaged(pack(*KINDS_OF_RULES), Options(), PackageOptions(("contentctl",), author="x", date="2026-01-31")).files
    detections = {path: yaml.safe_load(text) for path, text in files.items() if path.startswith("contentctl/detections/") and text}
    assert len(detections) == len(KINDS_OF_RULES) == len({d["id"] for d in detections.values()})
    for path, found in detections.items():
        stem = path.rpartition("/")[2].removesuffix(".yml")
        assert stem == re.sub(r"[ \-./]", "_", found["name"]).lower() and len(found["name"]) <= 67
        assert f"`{stem}_filter`" in found["search"]
        for macro in re.findall(r"`(\w+)`", found["search"]):
            assert macro == f"{stem}_filter" or f"contentctl/macros/{macro}.yml" in files
        assert all(f"contentctl/data_sources/{name.lower()}.yml" in files for name in found["data_source"])
        assert ("rba" in found) == (found["type"] == "TTP") and found["date"] == "2026-01-31"
        assert all(o["field"].lower() in found["search"].lower() for o in found.get("rba", {}).get("risk_objects", ()))
    for kind in ("stories", "baselines", "playbooks", "dashboards", "removed"):
        assert f"contentctl/{kind}/" in files


# --- lists of what was seen before


SEEN = (
    "SigninLogs | where TimeGenerated > ago(1d) and ResultType == '0' and isnotempty(IPAddress)"
    " | summarize n = count() by IPAddress, UserPrincipalName | where n > 3"
    " | join kind=leftanti (SigninLogs | where TimeGenerated between (ago(14d) .. ago(1d)) and ResultType == '%s' | summarize by IPAddress)"
    " on IPAddress"
)


def test_a_list_of_what_was_seen_comes_with_the_search_that_fills_it() -> None:
    """Two rules that fill a list with other events have a list each, those that fill it with the same share it."""
    rules = [replace(scheduled(SEEN % code, frequency=DAY, period=14 * DAY), name=f"rule {n}") for n, code in enumerate("010")]
    files, _ = app_files([(f"r{n}", convert(made)) for n, made in enumerate(rules)], PackageOptions())
    stanzas = conf_reader.read(files["default/savedsearches.conf"])
    filled = {name.removeprefix("History - "): s for name, s in stanzas.items() if "outputlookup" in s["search"]}
    assert list(filled) == ["seen_ip_address", "seen_ip_address_2"]
    for (name, settings), code in zip(filled.items(), "01", strict=True):
        assert f'resultType="{code}"' in settings["search"] and "_time>=now()-1209600 AND _time<=now()-86400" in settings["search"]
        assert settings["search"].endswith(f"| outputlookup override_if_empty=false {name}")
        assert (settings["dispatch.earliest_time"], settings["cron_schedule"], settings["disabled"]) == ("-14d@m", "0 0 * * *", "1")
        assert f"lookups/{name}.csv" in files and name in conf_reader.read(files["default/transforms.conf"])
    reading = [s["search"] for s in stanzas.values() if "| lookup " in s["search"]]
    read_by = [text.split("| lookup ")[1].split(" ")[0] for text in reading]
    assert read_by == ["seen_ip_address", "seen_ip_address_2", "seen_ip_address"]


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_a_search_that_fills_a_list_names_the_values_as_the_list_does(target: str) -> None:
    known = "SigninLogs | where TimeGenerated > ago(14d) and isnotempty(UserAgent) | summarize make_set(UserAgent)"
    proof = prove(rule(f"SigninLogs | where UserAgent !in (({known}))"), target)
    assert proof.outcome is Outcome.PROVEN, proof.counterexample


def test_a_rule_of_the_name_of_such_a_search_is_told_apart_from_it() -> None:
    seen = replace(scheduled(SEEN % "0", frequency=DAY, period=14 * DAY), name="seen")
    stanzas = app(seen, others=(replace(scheduled(), name="history - seen_IP_address"),))["savedsearches.conf"]
    assert len({name.lower() for name in stanzas}) == 3 and "outputlookup" in stanzas["History - seen_ip_address"]["search"]


# --- what together went wrong


def test_exclusions_are_taken_out_before_rows_are_counted() -> None:
    """The filter macro holds the exclusions alone, and stands before what asks for a number of rows."""
    excluded = {"exclusions": ('Computer != "dc1"',), "trigger_operator": "gt"}
    found = app(scheduled(trigger_threshold=5, **excluded))
    assert "result_count" not in found["macros.conf"]["a_rule_filter"]["definition"]
    (settings,) = found["savedsearches.conf"].values()
    assert settings["quantity"] == "5" and settings["search"].endswith("`a_rule_filter`")
    absent = search(scheduled(trigger_threshold=1, **{**excluded, "trigger_operator": "lt"}))
    assert absent["search"].endswith("| `a_rule_filter` \n| stats count as result_count \n| where result_count<1")
    assert "action.risk" not in absent and absent["quantity"] == "0", "no row, no entity"


@pytest.mark.parametrize(("kql", "text"), [(SUMMARY, 'Computer != "x"'), (PLAIN, "this is no condition (")])
def test_exclusions_that_a_package_cannot_say_are_said(kql: str, text: str) -> None:
    entries = [Entry("r", convert(scheduled(kql, exclusions=(text,))))]
    (told,) = packaged(entries, Options(), PackageOptions()).with_remarks(entries)
    assert isinstance(told.result, Conversion)
    assert any(d.code == "setting-lost" and "exclusion" in d.message for d in told.result.outputs["splunk"].diagnostics)


def test_macros_of_names_that_splunk_writes_alike_are_told_apart() -> None:
    rules = [replace(scheduled(exclusions=(f'Computer != "{n}"',)), name=name) for n, name in enumerate(("a+b", "a b", "规则", "用户"))]
    found = app(rules[0], others=tuple(rules[1:]))
    called = [s["search"].rsplit("`", 2)[1] for s in found["savedsearches.conf"].values()]
    assert len(set(called)) == 4
    assert [found["macros.conf"][name]["definition"] for name in called] == [f'search NOT Computer="{n}"' for n in range(4)]


def test_a_schedule_that_cron_cannot_say_is_said_and_alerts_once() -> None:
    made = scheduled(SUMMARY, frequency=5 * HOUR, period=5 * HOUR)
    settings = search(made)
    assert settings["cron_schedule"] == "0 */4 * * *" and settings["alert.suppress.period"] == "5h"
    outputs = convert(made).outputs
    assert {n for n, o in outputs.items() if any("cron cannot say" in d.message for d in o.diagnostics)} == {"splunk"}
    assert kibana_rule(made)["interval"] == "5h"


def test_what_was_before_does_not_prolong_the_rest_after_an_alert() -> None:
    seen = (
        "SigninLogs | where TimeGenerated > ago(1d) and ResultType == '0' and isnotempty(IPAddress) | join kind=leftanti"
        " (SigninLogs | where TimeGenerated between (ago(14d) .. ago(1d)) and ResultType == '0') on IPAddress, AppDisplayName"
    )
    settings = search(scheduled(seen, frequency=DAY, period=14 * DAY))
    assert settings["dispatch.earliest_time"] == "-14d@m" and "alert.suppress" not in settings
    hourly = search(scheduled(seen, frequency=HOUR, period=14 * DAY))
    assert hourly["alert.suppress.period"] == "1d"
    # A part of the search goes by the moment of the run: it neither waits for late events nor for a better moment.
    waiting = search(scheduled(seen, frequency=DAY, period=14 * DAY), PackageOptions(delay=600))
    assert (waiting["dispatch.latest_time"], waiting["schedule_window"], waiting["allow_skew"]) == ("@m", "0", "0")


def test_details_that_the_rows_lack_are_said() -> None:
    made = scheduled(SUMMARY, details=AlertDetails("{{Computer}} and {{Nowhere}}"), custom_details=(("a", "Missing"),))
    said = [d.message for d in convert(made).outputs["splunk"].diagnostics if d.code == "setting-lost"]
    assert said == ["the rows have no Missing, Nowhere, which the details of the alert name"]


def test_contentctl_has_no_condition_of_its_own() -> None:
    def detection(made: Rule) -> dict[str, Any]:
        files = packaged(pack(made), Options(), PackageOptions(("contentctl",), date="2026-01-31")).files
        (text,) = (t for p, t in files.items() if p.startswith("contentctl/detections/") and t)
        found: dict[str, Any] = yaml.safe_load(text)
        return found

    assert detection(scheduled(trigger_operator="gt", trigger_threshold=5))["search"].endswith("| where result_count>5")
    assert detection(rule(PLAIN, kind="nrt"))["deployment"]["scheduling"]["earliest_time"] == "-2m@m"
    assert "notable" in detection(scheduled())["deployment"]["alert_action"]
    unread = scheduled("NobodyKnows_CL | where x_s == 'DNS lookup failed'")
    files = packaged(pack(unread), Options(), PackageOptions(("contentctl",))).files
    assert not any(p.startswith("contentctl/detections/") and p.endswith(".yml") for p in files), "it would refuse the whole project"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("queryPeriod: 1mo\n", "expected a length of time"),
        ("queryPeriod: 1ms\n", "expected a length of time"),
        ("triggerThreshold: many\n", "expected a whole number"),
        ("triggerThreshold: true\n", "expected a whole number"),
        ("triggerOperator: around\n", "expected gt, lt, eq or ne"),
    ],
)
def test_settings_that_are_none_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "r.yaml").write_text(f"{text}name: x\nquery: SecurityEvent\n")
    with pytest.raises(RuleFileError, match=says):
        read(tmp_path / "r.yaml")


def test_settings_in_other_forms(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "name: x\nquery: SecurityEvent\ntriggerThreshold: '5'\nenabled: 'false'\nqueryPeriod: 2 days\n"
        "incidentConfiguration: {createIncident: 'false'}\ndescription: Runs \"whoami\"\n"
    )
    (made,) = read(tmp_path / "r.yaml")
    assert (made.trigger_threshold, made.enabled, made.period, made.incidents.created) == (5, False, 2 * DAY, False)
    assert made.description == 'Runs "whoami"'
    assert search(replace(made, kind="scheduled", frequency=HOUR), PackageOptions(enable=True))["disabled"] == "1"


# --- queries of Kibana


@pytest.mark.parametrize(
    ("condition", "language", "query"),
    [
        ("ResultType == 'a\"b\\\\c'", "kuery", r'azure.signinlogs.result_type:"a\"b\\c"'),
        ("UserPrincipalName =~ 'bob'", "lucene", "azure.signinlogs.properties.user_principal_name:/[bB][oO][bB]/"),
        # a slash ends an expression, and so would a backslash before the last one
        ("AppDisplayName contains 'a/b'", "lucene", r"app_display_name:/.*[aA]\/[bB].*/"),
        ("AppDisplayName endswith @'x\\'", "lucene", r"app_display_name:/.*[xX][\\]/"),
        # of nothing but negations Lucene finds nothing, beside others they take away from all
        ("AppDisplayName !~ 'x' or ResultType == '1'", "lucene", "(*:* AND NOT azure.signinlogs.properties.app_display_name:/[xX]/)"),
    ],
)
def test_conditions_as_queries(condition: str, language: str, query: str) -> None:
    made = scheduled(f"SigninLogs | where {condition} and isnotempty(IPAddress) | summarize n = count() by IPAddress | where n > 3")
    built = kibana_rule(made)
    assert (built["type"], built["language"]) == ("threshold", language)
    assert query in built["query"]


@pytest.mark.parametrize(
    "kql",
    [
        # an address is no text, which an expression could search in
        "SigninLogs | where IPAddress startswith '10.' and isnotempty(IPAddress) | summarize n = count() by IPAddress | where n > 3",
        # an alert has the fields of its threshold alone
        "SigninLogs | where isnotempty(IPAddress) | summarize n = count(), who = take_any(UserPrincipalName) by IPAddress | where n > 3",
        # any count is a threshold of no event
        "SigninLogs | where isnotempty(IPAddress) | summarize n = count() by IPAddress | where n >= 0",
    ],
)
def test_what_a_threshold_rule_cannot_say_is_left_to_another(kql: str) -> None:
    made = scheduled(kql, entities=(EntityMapping("Account", "Name", "who"),) if "who" in kql else ())
    assert kibana_rule(made)["type"] in ("eql", "esql", "query")


def test_conditions_on_indicators_are_not_lost() -> None:
    """An indicator match searches all indicators of the integrations that hold."""
    match = (
        "let ti = ThreatIntelligenceIndicator | where isnotempty(NetworkIP) and %s; ti | join kind=innerunique"
        " (SigninLogs | where ResultType == '0') on $left.NetworkIP == $right.IPAddress"
    )
    assert kibana_rule(scheduled(match % "Active == true and ExpirationDateTime > now()"))["type"] == "threat_match"
    assert kibana_rule(scheduled(match % "ThreatType == 'Botnet'"))["type"] == "esql"


def test_what_was_seen_is_no_longer_ago_than_the_rule_looks() -> None:
    seen = (
        "AuditLogs | where TimeGenerated > ago(1d) and OperationName == 'x' and isnotempty(Identity) | join kind=leftanti"
        " (AuditLogs | where TimeGenerated between (ago(30d) .. ago(1d)) and OperationName == 'x') on Identity, OperationName"
    )
    assert kibana_rule(scheduled(seen, frequency=DAY, period=7 * DAY))["history_window_start"] == "now-604800s"


def test_alerts_of_groups_rest_by_their_keys() -> None:
    made = scheduled(
        "SigninLogs | summarize n = count() by UserPrincipalName, AppDisplayName, bin(TimeGenerated, 1h) | where n > 3",
        period=DAY, entities=(EntityMapping("Account", "Name", "UserPrincipalName"),),
    )  # fmt: skip
    keys = ["azure.signinlogs.properties.user_principal_name", "azure.signinlogs.properties.app_display_name"]
    assert kibana_rule(made)["alert_suppression"]["group_by"] == [*keys, "time_bucket"], "a later hour is another row"
    assert search(made)["alert.suppress.fields"] == "UserPrincipalName,AppDisplayName,_time"


def test_exclusions_of_several_parts_are_one_list() -> None:
    parts = "(SigninLogs | where ResultType == '1' | summarize c = count() by IPAddress | where c > 5)"
    kql = f"union {parts}, {parts.replace('SigninLogs', 'AADNonInteractiveUserSignInLogs')}"
    (found,) = kibana.rules([("r", convert(scheduled(kql, exclusions=('IPAddress != "10.0.0.1"',))))], Options(), PackageOptions())
    container = found.exceptions[0]
    assert container["type"] == "detection" and len(found.rules) == 2
    assert all(r["exceptions_list"][0]["list_id"] == container["list_id"] for r in found.rules)


def test_lists_that_a_site_filled_stay() -> None:
    made = scheduled("SigninLogs | where IPAddress in ((_GetWatchlist('Bad IPs') | project SearchKey))")
    files = packaged(pack(made), Options(), PackageOptions()).files
    (path,) = (p for p in files if p.startswith("elastic/lookups/") and p.endswith(".ndjson"))
    again = packaged(pack(made), Options(), PackageOptions(previous=lambda p: "mine" if p == path else None)).files
    assert again[path] == "mine"


def test_a_list_whose_rows_are_all_found_has_what_they_are_found_by() -> None:
    made = scheduled("SigninLogs | where AppDisplayName has_any (_GetWatchlist('Bad Apps') | where Level == '1' | project SearchKey)")
    files = packaged(pack(made), Options(), PackageOptions()).files
    (path,) = (p for p in files if p.startswith("elastic/lookups/") and p.endswith("_rows.ndjson"))
    row = json.loads(str(files[path]).splitlines()[1])
    assert (
        row["listed"] == "yes"
        and row["SearchKey"] == "replace me"
        and '"listed": {"type": "keyword"}' in files["elastic/lookups/requests.http"]
    )


def test_alternatives_with_windows_of_their_own_keep_them() -> None:
    """They are searches of their own in one package, which are run over the longest window."""
    kql = (
        "union (SigninLogs | where TimeGenerated > ago(1h) and ResultType == '1' | summarize c = count() by IPAddress | where c > 5),"
        " (SigninLogs | where TimeGenerated >= ago(10m) and ResultType == '5')"
    )
    outputs = convert(scheduled(kql)).outputs
    assert "_time>=now()-600" in outputs["splunk"].texts[1] and "NOW() - 600 seconds" in outputs["esql"].texts[1]
    assert {n for n, o in outputs.items() if any(d.code == "window-widened" for d in o.diagnostics)} == {"eql"}


@pytest.mark.parametrize(
    "kql",
    [
        f"{PLAIN} | where TimeGenerated between (ago(3h) .. ago(2h)) | summarize n = count() by Computer | where n > 3",
        f"{PLAIN} | where ingestion_time() > ago(1h) | summarize n = count() by Computer | where n > 3",
    ],
)
def test_windows_that_do_not_overlap_need_no_rest(kql: str) -> None:
    made = scheduled(kql, period=DAY)
    assert "alert.suppress" not in search(made) and "alert_suppression" not in kibana_rule(made)


def test_rows_of_a_summary_are_counted_by_the_columns_that_it_has() -> None:
    made = scheduled(f"{PLAIN} | summarize n = count() by Computer | where n > 10", trigger_operator="gt", trigger_threshold=3)
    text = convert(made).outputs["esql"].text
    assert "BY winlog.computer_name" in text and "winlog.computer_name = VALUES(winlog.computer_name)" in text


@pytest.mark.parametrize(
    "text",
    [
        "requiredDataConnectors: 5",
        "entityMappings: [{entityType: Account, fieldMappings: 5}]",
        "entityMappings: 3",
        "alertDetailsOverride: {alertDynamicProperties: true}",
        "customDetails: [1]",
        "incidentConfiguration: yes",
        "date: '2020-13-45'",
        "tactics: {a: b}",
    ],
)
def test_settings_of_another_shape_lose_no_rule(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.yaml").write_text(f"{text}\nname: x\nquery: {PLAIN}\n")
    (made,) = read(tmp_path / "r.yaml")
    files = packaged(pack(made), Options(), PackageOptions(("splunk-app", "kibana", "contentctl", "detection-rules"))).files
    assert made.day == "" and "elastic/rules.ndjson" in files


def test_an_earlier_file_that_cannot_be_read_is_written_anew() -> None:
    kinds = ("splunk-app", "kibana", "contentctl", "detection-rules")
    files = packaged(pack(scheduled()), Options(), PackageOptions(kinds, previous=lambda path: "<<<<<<< HEAD\n: [")).files
    assert any(path.startswith("contentctl/detections/") and path.endswith(".yml") for path in files)


def test_what_contentctl_would_misread_is_said() -> None:
    entries = pack(scheduled("SigninLogs | where AppDisplayName == 'DNS lookup failed'"))
    (told,) = packaged(entries, Options(), PackageOptions(("contentctl",))).with_remarks(entries)
    assert isinstance(told.result, Conversion)
    assert any("contentctl" in d.message for d in told.result.outputs["splunk"].diagnostics)


def test_the_title_of_an_absence_names_no_field() -> None:
    made = scheduled(trigger_operator="eq", trigger_threshold=0, details=AlertDetails("None on {{Computer}}"))
    assert search(made)["action.notable.param.rule_title"] == "None on Computer"


def test_packages_and_reports_read_no_more_of_a_detection_than_its_outline() -> None:
    kinds = ("splunk-app", "kibana", "contentctl", "detection-rules")
    options, rules = PackageOptions(kinds, date="2026-01-31"), read(Path("rules"))
    conversions = [convert(made) for made in rules]
    entries = [Entry(slug, c, prepared(c, Options(), kinds)) for slug, c in zip(slugs_of(rules), conversions, strict=True)]
    outlines = [e.outline() for e in entries]
    assert not any(d.sides for c in conversions if isinstance(d := c.outline().detection, Detection))
    assert packaged(outlines, Options(), options) == packaged(entries, Options(), options)
    assert report(outlines, {}) == report(entries, {})
