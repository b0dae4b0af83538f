"""The portable backends: Sigma to SPL, EQL and ES|QL, conditions and every kind of correlation."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError

import translator
from tests.rules import rule
from translator.sigma.portable.elastic import EqlSequenceBackend, EsqlWindowBackend
from translator.sigma.portable.splunk import SplunkSlidingBackend


def event_rule(name: str, detection: dict[str, Any]) -> dict[str, Any]:
    return {"title": name, "name": name, "logsource": {"category": "test"}, "detection": {"condition": "s", **detection}}


def correlation(kind: str, rules: list[str], **parts: Any) -> dict[str, Any]:
    body = {"type": kind, "rules": rules, "group-by": ["user"], "timespan": "10m", **parts}
    return {"title": kind, "name": kind, "correlation": {k.replace("_", "-"): v for k, v in body.items()}}


def converted(backend: type[Any], *documents: dict[str, Any]) -> list[str]:
    return list(backend().convert(SigmaCollection.from_dicts(list(documents))))


@pytest.mark.parametrize(
    ("item", "condition", "spl", "esql", "eql"),
    [
        ({"f": "Abc"}, "s", 'lower(f)=="abc"', 'TO_LOWER(f) == "abc"', 'f in~ ("Abc")'),
        ({"f|cased": "Abc"}, "s", 'f=="Abc"', 'f == "Abc"', 'f == "Abc"'),
        ({"f|contains": "a.c"}, "s", r'match(f, "(?i)a\\.c")', 'TO_LOWER(f) LIKE "*a.c*"', 'f like~ "*a.c*"'),
        ({"f|endswith|cased": "X"}, "s", 'match(f, "X$")', 'f LIKE "*X"', 'f like "*X"'),
        ({"f|contains": r"a\*c"}, "s", r'match(f, "(?i)a\\*c")', r'TO_LOWER(f) LIKE "*a\\*c*"', r'f regex~ ".*a\\*c.*"'),
        ({"f|re": "^a+$"}, "s", 'match(f, "^a+$")', 'f RLIKE "a+"', 'f regex "a+"'),
        ({"f|re|i": "Ab"}, "s", 'match(f, "(?i)Ab")', 'CONCAT(TO_LOWER(f), "") RLIKE ".*ab.*"', 'f regex~ ".*Ab.*"'),
        ({"f": 5}, "s", "f==5", "f == 5", "f == 5"),
        ({"f|gte": 5}, "s", "f>=5", "f >= 5", "f >= 5"),
        ({"f": None}, "s", "isnull(f)", "f IS NULL", "f == null"),
        ({"f|exists": True}, "s", "isnotnull(f)", "f IS NOT NULL", "f != null"),
        ({"f|cidr": "10.0.0.0/8"}, "s", 'cidrmatch("10.0.0.0/8", f)', 'CIDR_MATCH(TO_IP(f), "10.0.0.0/8")', 'cidrMatch(f, "10.0.0.0/8")'),
        ({"f|cased": "A"}, "not s", 'NOT (isnotnull(f) AND f=="A")', 'NOT (f IS NOT NULL AND f == "A")', 'not (f != null and f == "A")'),
    ],
)
def test_conditions(item: dict[str, Any], condition: str, spl: str, esql: str, eql: str) -> None:
    rule = event_rule("one", {"s": item, "condition": condition})
    assert converted(SplunkSlidingBackend, rule)[0].split("\n| where ")[1] == spl
    assert converted(EsqlWindowBackend, rule)[0].split("\n| WHERE ")[1] == esql
    assert converted(EqlSequenceBackend, rule)[0] == f"any where {eql}"


def test_two_fields() -> None:
    rule = event_rule("one", {"s": {"f|fieldref": "g"}})
    assert converted(SplunkSlidingBackend, rule)[0].endswith("where lower(f)==lower(g)")
    assert converted(EsqlWindowBackend, rule)[0].endswith("WHERE TO_LOWER(TO_STRING(f)) == TO_LOWER(TO_STRING(g))")
    assert converted(EqlSequenceBackend, rule) == ["any where (f != null and g != null and startsWith~(f, g) and startsWith~(g, f))"]


def test_search_repeats_only_what_every_event_satisfies() -> None:
    rule = event_rule(
        "one", {"s": {"a": "x", "b|startswith": "y"}, "o": [{"c": "1"}, {"d|re": "z"}], "condition": "s and o and not f", "f": {"e": 1}}
    )
    assert converted(SplunkSlidingBackend, rule)[0].split("\n")[0] == 'a="x" b="y*"'


ONE, TWO = event_rule("one", {"s": {"x": 1}}), event_rule("two", {"s": {"y": 2}})


@pytest.mark.parametrize(
    ("kind", "parts", "spl", "esql", "eql"),
    [
        (
            "event_count",
            {"condition": {"gt": 5}, "rules": ["one"]},
            "streamstats time_window=600s count(alert_value) as alert_measure by alert_user",
            "STATS measure = COUNT(*) WHERE rule_1 == 1 BY key_1\n| WHERE measure > 5",
            "sequence by user with maxspan=600s\n  [any where (x == 1)] with runs=6",
        ),
        (
            "value_count",
            {"condition": {"gte": 5, "field": "ip"}, "rules": ["one"]},
            "streamstats time_window=600s dc(alert_value) as alert_measure by alert_user",
            "measure = COUNT_DISTINCT(measure_value)",
            None,
        ),
        (
            "value_percentile",
            {"condition": {"gte": 5, "field": "n", "percentile": 90}, "rules": ["one"]},
            "exactperc90(alert_value)",
            "PERCENTILE(measure_value, 90)",
            None,
        ),
        (
            "temporal",
            {},
            "count(rule_1) as alert_rule_1_count count(rule_2) as alert_rule_2_count by alert_user",
            "WHERE member_1 > 0 AND member_2 > 0",
            "sequence with maxspan=600s\n  [any where y == 2] by user\n  [any where x == 1] by user",
        ),
        (
            "temporal",
            {"condition": "one and not two"},
            "sort 0 -_time\n| streamstats time_window=600s",
            "WHERE (member_1 > 0 AND NOT (member_2 > 0))",
            "sequence with maxspan=600s\n  [any where x == 1] by user\n  ![any where y == 2] by user",
        ),
        (
            "temporal_ordered",
            {"aliases": {"user": {"one": "src", "two": "dst"}}},
            "case(rule_1==1, src, rule_2==1, dst)",
            "first_time < last_time",
            "sequence with maxspan=600s\n  [any where x == 1] by src\n  [any where y == 2] by dst",
        ),
    ],
)
def test_correlations(kind: str, parts: dict[str, Any], spl: str, esql: str, eql: str | None) -> None:
    rules = parts.get("rules", ["one", "two"])
    documents = [d for d in (ONE, TWO) if d["name"] in rules] + [
        correlation(kind, rules, **{k: v for k, v in parts.items() if k != "rules"})
    ]
    assert spl in "\n".join(converted(SplunkSlidingBackend, *documents))
    assert esql in "\n".join(converted(EsqlWindowBackend, *documents))
    if eql is None:
        with pytest.raises(SigmaFeatureNotSupportedByBackendError):
            converted(EqlSequenceBackend, *documents)
    else:
        assert eql in "\n".join(converted(EqlSequenceBackend, *documents))


def test_a_correlation_of_correlations_marks_the_events_that_complete_it() -> None:
    counted = correlation("event_count", ["one"], condition={"gt": 5})
    both = correlation("temporal", ["event_count", "two"])
    (spl,) = [q for q in converted(SplunkSlidingBackend, ONE, TWO, counted, both) if "alert_rule_2_count" in q]
    assert "eval alert_3=if((rule_1==1) AND alert_3_measure>5 AND isnotnull(alert_3_user), 1, null())" in spl
    assert "count(alert_3) as alert_alert_3_count count(rule_2) as alert_rule_2_count by alert_user" in spl


@pytest.mark.parametrize("bad", ['a" OR 1=1', "b\\", 'c"\n| delete'])
def test_no_value_ends_its_quotes(bad: str) -> None:
    rule = yaml.safe_dump(event_rule("one", {"s": {"f|cased": bad.replace("\\", "\\\\")}}))
    for backend, quote in ((SplunkSlidingBackend, "f=="), (EsqlWindowBackend, "f == "), (EqlSequenceBackend, "f == ")):
        (query,) = backend().convert(SigmaCollection.from_yaml(rule))
        text = query.split(quote)[1]
        assert re.fullmatch(r'"(?:[^"\\\n]|\\.)*"', text), text


@pytest.mark.parametrize("count", ["c > 5", "dcount_v > 3"])
def test_what_the_native_writer_refuses_goes_through_sigma(count: str) -> None:
    kql = f"A | where x =~ 'a' and isnotempty(k) and isnotempty(v) | summarize c = count(), dcount(v) by k | where {count}"
    made = rule(kql)
    outputs = translator.convert(made).outputs
    assert {t: outputs[t].lane for t in ("splunk", "esql")} == {"splunk": "native", "esql": "native"}
    assert (outputs["eql"].lane, outputs["eql"].verdict.value) == ("portable", "same-alerts" if count == "c > 5" else "broader")


def test_lists_are_looked_up() -> None:
    kql = "A | where user in~ ((_GetWatchlist('vip') | project SearchKey)) and x == 'a'"
    outputs = translator.convert(rule(kql)).outputs
    assert "| lookup vip value as listed_1_key OUTPUT value as listed_1\n" in outputs["splunk"].text
    assert "| ENRICH vip ON listed_1_key WITH listed_1 = listed\n" in outputs["esql"].text
    assert 'user in~ ("%vip%")' in outputs["eql"].text
    (said,) = (d for d in outputs["eql"].diagnostics if d.code == "list-in-text")
    assert 'the list vip in place of "%vip%"' in said.message


WATCHED = "user in ((_GetWatchlist('vip') | project SearchKey))"


@pytest.mark.parametrize(
    ("kql", "text"),
    [
        (f"A | where {WATCHED}", ' and user in ("%vip%")'),
        (f"A | where not({WATCHED})", ' and (user == null or not user in ("%vip%"))'),
        (f"A | where {WATCHED} | summarize c = count() by k | where c > 3", ' and user in ("%vip%"))] with runs=4'),
        (f"A | where x == 'a' | join kind=leftanti (A | where {WATCHED}) on k", ' and user in ("%vip%")] by k'),
        ("A | where last_part in~ ((_GetWatchlist('vip') | project SearchKey))", '(user in~ ("%vip%") or user like~ ("*.%vip%"))'),
        ("A | where x == 'a' and user has_any ((_GetWatchlist('vip') | project SearchKey))", 'user like~ ("*%vip%*")'),
        ("SigninLogs | where IPAddress in~ ((_GetWatchlist('vip') | project SearchKey))", 'source.ip in ("%vip%")'),
        (
            "SigninLogs | where IPAddress in~ ((_GetWatchlist('vip') | project SearchKey))"
            " | summarize c = count() by UserPrincipalName | where c > 3",
            'source.ip in ("%vip%")',
        ),
    ],
)
def test_a_query_in_eql_is_to_have_the_values_of_a_list(kql: str, text: str) -> None:
    kql = kql.replace("where last_part", "extend last_part = tostring(split(user, '.')[-1]) | where last_part")
    output = translator.convert(rule(kql), ("eql",)).outputs["eql"]
    assert text in output.text
    assert {d.direction.value for d in output.diagnostics if d.code == "list-in-text"} == {"exact"}


@pytest.mark.parametrize(
    ("earlier", "asked"),
    [
        ("x == 'a'", 'not (user in ("%seen_user_in_a%") or user == null and "" in ("%seen_user_in_a%"))'),
        ("x == 'a' and isnotempty(user)", '(user == null or not user in ("%seen_user_in_a%"))'),
    ],
)
def test_a_list_of_what_was_seen_may_have_an_empty_text_for_events_without_the_field(earlier: str, asked: str) -> None:
    kql = (
        f"let seen = A | where TimeGenerated > ago(14d) | where {earlier} | summarize make_set(user);\n"
        "A | where TimeGenerated > ago(1d) | where x == 'b' and user !in (seen)"
    )
    output = translator.convert(rule(kql), ("eql",)).outputs["eql"]
    assert output.text == f'any where event.dataset == "A" and x == "b" and {asked}'
    assert "empty-listed" not in {d.code for d in output.diagnostics}


def test_eql_asks_a_list_for_a_text_that_is_joined_of_fields_which_may_be_missing() -> None:
    kql = "A | where x == 'b' and isnotempty(k) and strcat(user, '-', k) !in ((_GetWatchlist('vip') | project SearchKey))"
    text = translator.convert(rule(kql), ("eql",)).outputs["eql"].text
    assert 'not (user != null and k != null and concat(user, "-", k) in ("%vip%") or ' in text
    assert ' or user == null and k != null and concat("-", k) in ("%vip%") or ' in text


@pytest.mark.parametrize(
    ("condition", "esql", "eql"),
    [
        ("EventID == 4624", 'event.code == "4624"', 'event.code == "4624"'),
        ("EventID in (1, 2)", 'event.code IN ("1", "2")', 'event.code in ("1", "2")'),
        ("LogonType > 3", "TO_LONG(winlog.event_data.LogonType) > 3", "number(winlog.event_data.LogonType) > 3"),
    ],
)
def test_numbers_that_elastic_stores_as_texts(condition: str, esql: str, eql: str) -> None:
    """ECS keeps codes as keywords, which ES|QL does not compare with numbers (elastic.co/docs/reference/ecs/ecs-conventions)."""
    outputs = translator.convert(rule(f"SecurityEvent | where {condition}")).outputs
    assert outputs["esql"].text.endswith(f"AND {esql}\n| LIMIT 10000") and outputs["eql"].text.endswith(f"and {eql}")


def test_numbers_stored_as_texts_are_texts_by_way_of_sigma_as_well() -> None:
    kql = "SecurityEvent | where EventID == 4624 and LogonType > 3 | summarize c = count() by Computer | where c > 2"
    eql = translator.convert(rule(kql)).outputs["eql"]
    assert eql.lane == "portable" and 'event.code == "4624"' in eql.text
    assert "condition-dropped" in {d.code for d in eql.diagnostics}
    summed = translator.convert(rule("SecurityEvent | summarize c = sum(KeyLength) by Computer | where c > 2")).outputs["esql"]
    assert "EVAL counted_value = TO_LONG(winlog.event_data.KeyLength)" in summed.text


def test_no_target_reads_a_column_that_the_query_makes() -> None:
    kql = (
        "A | where x == 'a' and isnotempty(k) | join kind=leftouter (B | summarize made = count() by k) on k | where isnotempty(made)"
        " | summarize d = count() by k | where d > 3"
    )
    for output in translator.convert(rule(kql), ("sigma", "eql")).outputs.values():
        assert output.verdict.value == "broader" and "condition-dropped" in {d.code for d in output.diagnostics}
        assert "made" not in output.text
