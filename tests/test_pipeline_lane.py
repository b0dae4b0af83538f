"""The pipeline lane: what is written from the plan has every row and column that the KQL has."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json
import random
import re

import pytest

import translator
from tests.conformance.rows import NOW, OPTIONS, Generator, audits, checked, events, found_by, readings, rows_of
from tests.rules import rule
from translator import catalog, pipeline
from translator.fidelity import Verdict
from translator.kql.parser import parse
from translator.pipeline import convert, piped
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.expressions import Apply, Const
from translator.plan.functions import aggregates, functions
from translator.plan.series import places
from translator.plan.union_summaries import with_alike_parts_united
from translator.rulepack.model import EntityMapping
from translator.targets.base import Options
from translator.targets.elastic import pipeline as esql
from translator.targets.pipeline.spelling import spelled_out
from translator.targets.splunk import pipeline as spl
from translator.targets.splunk.functions import number_inside
from translator.verify import spl as spl_reader
from translator.verify.proof import Outcome
from translator.verify.shaping import shaped

SIGNINS = "SigninLogs | where TimeGenerated > ago(2h)"

CHANGES = "AuditLogs | where TimeGenerated > ago(2h)"

LEAST = "minif(strlen(AppDisplayName), ResultType == '0')"
"""A number that is null where no event has the result."""

WRITTEN = [
    # between aggregates, ratios, scores
    "| summarize fails = countif(ResultType != '0'), all = count() by UserPrincipalName | where todouble(fails) / all > 0.5",
    "| summarize a = dcount(IPAddress), b = dcount(AppDisplayName) by UserPrincipalName | where a > 2 * b or a + b > 4",
    "| summarize s = make_set(IPAddress), c = count() by UserPrincipalName | where array_length(s) > 1 and c < 9",
    "| summarize f = min(TimeGenerated), t = max(TimeGenerated) by UserPrincipalName | where t - f > 10m",
    "| summarize t = max(TimeGenerated) by UserPrincipalName | where t < ago(20m)",
    # computed keys and measures
    "| extend app = tolower(AppDisplayName) | summarize d = dcount(strcat(app, IPAddress)) by app, bin(TimeGenerated, 7m) | where d > 1",
    "| summarize c = count() by hour = hourofday(TimeGenerated) | where c > 3",
    "| extend how = case(ResultType == '0', 'ok', ResultType startswith '5', 'bad', 'other') | summarize c = count() by how | where c >= 2",
    # conditions that are chosen by others, which may be null
    "| where case(ResultType == '0', true, strlen(IPAddress) > strlen(AppDisplayName), false, UserPrincipalName has 'a')"
    " | summarize c = count() by UserPrincipalName",
    f"| summarize n = {LEAST} by UserPrincipalName | where iff(n > 5, n < 20, n != 3) | project UserPrincipalName",
    f"| summarize n = {LEAST} by UserPrincipalName | where not(iff(n > 5, n < 20, n > 3)) | project UserPrincipalName",
    # the text of a number that may be null
    f"| summarize n = {LEAST} by UserPrincipalName | extend t = tostring(n) | summarize c = count() by t",
    f"| summarize n = {LEAST} by UserPrincipalName | where tostring(n) startswith '1' or strcat('x', n) == 'x' | project UserPrincipalName",
    # summaries of summaries, the latest row, the first rows
    "| summarize c = count() by UserPrincipalName, IPAddress | summarize ips = count(), most = max(c) by UserPrincipalName | where ips > 1",
    "| summarize arg_max(TimeGenerated, *) by UserPrincipalName | where ResultType != '0'",
    "| where ResultType != '0' | summarize c = count() by UserPrincipalName | sort by c | where c > 1",
    "| top 5 by TimeGenerated | summarize c = count() by ResultType",
    # rows that are sorted where they stand among those of other parts, and cut off where they stand alone
    f"| sort by TimeGenerated asc | where UserPrincipalName !in (({CHANGES} | project Identity)) | take 5 | where ResultType != '0'",
    f"| sort by TimeGenerated asc | where UserPrincipalName in (({SIGNINS} | summarize c = count() by UserPrincipalName | where c > 2"
    " | project UserPrincipalName)) | extend r = ResultType | take 3 | summarize c = count() by r",
    f"| top 20 by TimeGenerated asc | where UserPrincipalName !in (({CHANGES} | project Identity)) | take 2"
    " | summarize c = count() by ResultType",
    "| extend n = iff(ResultType == '0', strlen(AppDisplayName), int(null)) | summarize arg_max(TimeGenerated, *), c = count()"
    " by n, UserPrincipalName | where c > 0 | project n, UserPrincipalName, IPAddress, c",
    # nulls: a number that no event has, and its negation
    "| summarize m = max(strlen(AppDisplayName)) by IPAddress | where not(m > 4)",
    f"| summarize x = {LEAST} by IPAddress | extend z = x > 4 | where z == false",
    f"| summarize x = {LEAST} by IPAddress | extend z = x > 4 | where isnull(z)",
    f"| summarize x = {LEAST} by IPAddress | extend z = x > 4 | summarize c = count(), d = dcount(z) by z",
    # places in an object are null until they are texts
    "| extend b = DeviceDetail.browser | summarize c = count(), m = countif(isempty(b)) by UserPrincipalName | where c > m",
    "| summarize d = dcount(tostring(DeviceDetail.browser)), c = count() by UserPrincipalName | where d < c",
    # rows told apart
    "| distinct UserPrincipalName, IPAddress | summarize c = count() by IPAddress | where c > 1",
    "| summarize d = dcount(IPAddress), c = count() by UserPrincipalName | where c > 0 | project a = d, d = c, UserPrincipalName",
    "| project IPAddress = UserPrincipalName, UserPrincipalName = IPAddress, TimeGenerated | top 9 by TimeGenerated",
    "| extend a = tostring(split(IPAddress, '.')[3]), b = tostring(strlen(AppDisplayName)) | summarize c = count() by a, b | where a == b",
    "| summarize arg_max(TimeGenerated, *), c = count(), d = dcount(IPAddress) by UserPrincipalName | where ResultType != '0' and c > d",
    # of the rows that are made of one event, which may be the same: each is counted, and joined
    "| mv-expand a = split(strcat(UserPrincipalName, ' ', IPAddress, ' a a'), ' ') to typeof(string) | join kind=inner ("
    + CHANGES
    + " | mv-expand b = split(strcat('a ', Result, ' a'), ' ') to typeof(string)) on $left.a == $right.b"
    " | summarize c = count() by a, b, ResultType",
    "| mv-apply a = split(strcat(AppDisplayName, ' x x '), ' ') on (summarize n = count(), m = max(strlen(a)))"
    " | summarize c = count() by n, m",
    "| mv-expand a = split(IPAddress, '.') to typeof(string) | summarize arg_max(TimeGenerated, *), c = count() by a, UserPrincipalName"
    " | summarize n = count() by a, ResultType, c",
    "| mv-apply a = split(IPAddress, '.') on (where a has '0' | project a) | summarize arg_max(TimeGenerated, *), s = make_set(tostring(a))"
    " by n = strlen(AppDisplayName) | where array_length(s) > 0 | project n, TimeGenerated, UserPrincipalName",
    "| mv-expand a = split(IPAddress, '.') to typeof(string) | summarize arg_max(TimeGenerated, *) by a | join kind=inner ("
    + CHANGES
    + " | mv-expand b = split(OperationName, ' ') to typeof(string) | summarize arg_min(TimeGenerated, *) by Identity)"
    " on $left.UserPrincipalName == $right.Identity | summarize c = count(), d = dcount(a) by UserPrincipalName, Result",
    "| mv-expand a = split(IPAddress, '.') to typeof(string) | summarize arg_max(TimeGenerated, *) by a | join kind=leftanti ("
    + CHANGES
    + " | where Result == '0') on $left.UserPrincipalName == $right.Identity | summarize c = count() by UserPrincipalName, a",
    # rows of a union that stand several times, told by what tells the events of each part
    f"| where UserPrincipalName != '' | union ({CHANGES} | mv-apply a = split(Identity, 'n') to typeof(string) on (summarize n = count())"
    " | project UserPrincipalName = Identity, n) | summarize c = count() by UserPrincipalName, n",
    f"| mv-apply a = split(IPAddress, '.') to typeof(string) on (summarize n = count()) | union ({CHANGES} | mv-apply a ="
    " split(Identity, 'n') to typeof(string) on (where a != '' | summarize n = count())) | summarize c = count() by IPAddress, n",
    # a row of a group stands once before it is taken apart, whatever stands beside it
    "| summarize c = count() by IPAddress | mv-expand a = split(IPAddress, '.') to typeof(string) | where a !in (("
    + CHANGES
    + " | project Identity)) | project a, c",
    "| summarize c = count() by UserPrincipalName, IPAddress | mv-expand a = split(IPAddress, '.') to typeof(string) | join kind=inner ("
    + CHANGES
    + " | summarize n = count() by Identity) on $left.UserPrincipalName == $right.Identity | summarize m = count() by a, n",
    # of groups one is chosen, which has no document
    "| summarize c = count(), d = dcount(AppDisplayName) by UserPrincipalName, IPAddress | summarize arg_max(c, UserPrincipalName)"
    " by IPAddress | where c > 1 | project IPAddress, c",
    "| distinct UserPrincipalName, IPAddress, n = strlen(AppDisplayName) | summarize arg_min(n, *) by UserPrincipalName"
    " | summarize c = count() by n",
    "| summarize s = make_set(IPAddress) by UserPrincipalName, n = strlen(AppDisplayName) | mv-expand i = s to typeof(string)"
    " | summarize arg_max(n, i) by UserPrincipalName | project UserPrincipalName, n",
    "| where TimeGenerated >= startofday(ago(1d)) | summarize c = count(), d = dcount(IPAddress) by UserPrincipalName | where c > d",
    "| where array_length(split(IPAddress, '.')) == 4 and UserPrincipalName !contains AppDisplayName | summarize c = count() by ResultType",
    # whole numbers and others
    "| extend d = iff(ResultType == '0', 5m, 3m) | summarize c = countif(d / 2m > 2), n = count() by UserPrincipalName | where c * 2 > n",
    "| extend d = bin(todouble(AutonomousSystemNumber), 10) / 4 | summarize q = max(d), c = count() by UserPrincipalName | where q > 2.2",
    "| extend r = abs(strlen(IPAddress) - 5) / 2 | summarize c = countif(r > 1), d = count() by UserPrincipalName | where c > 0",
    "| summarize m = avg(strlen(IPAddress)), n = avgif(strlen(IPAddress), ResultType == '0') by UserPrincipalName"
    " | extend t = toint((m - 8.4) * 3000000000.5), l = tolong((8.4 - m) * 1.7), i = toint(n) | where t > l or i > 8",
    "| summarize c = count() by UserPrincipalName, bin(TimeGenerated, 5m * 2) | where c > 1",
    "| summarize m = max(strlen(AppDisplayName)), n = max(countof(IPAddress, '.')), p = min(array_length(split(IPAddress, '.')))"
    " by UserPrincipalName | extend k = m * 2000000000 + string_size(UserPrincipalName) * 1500000000 - n * p * 1000000000 | where k > 5",
    # what parse takes from texts
    "| parse IPAddress with a '.' b '.' c | summarize n = count() by a, c | where n > 1",
    "| parse IPAddress with a:long '.' b:int '.' c | extend k = isnull(a) or a > b | summarize n = count(), m = max(a) by k, c",
    "| parse-where IPAddress with a:long '.' * '.' b | summarize n = count() by a, b | where n > a",
    "| parse AppDisplayName with * 'a' x 'e' * | where isnotempty(x) | summarize n = count(), d = dcount(x) by UserPrincipalName",
    # what is cut off from texts, and parts of them at a place that is computed
    "| summarize c = count() by a = trim_start(@'[a-c]+', UserPrincipalName), b = trim_end('[a-z]', AppDisplayName),"
    " d = trim('[0-9.]', IPAddress)",
    "| extend parts = split(IPAddress, '.') | extend n = array_length(parts) - 1 | summarize c = count() by n, a = tostring(parts[n])"
    " | where c > 1",
    # days of the week and spans as texts and numbers
    "| extend d = dayofweek(TimeGenerated) | where d !in (time(2.00:00:00), time(00:00:00)) | summarize c = count() by tostring(d)",
    "| summarize a = min(TimeGenerated), b = max(TimeGenerated) by UserPrincipalName | extend d = b - a | where tolong(d) > 6000000000",
    "| summarize a = min(TimeGenerated), b = max(TimeGenerated) by UserPrincipalName | where tolong(b - a + 100ms) > 1000000"
    " | project UserPrincipalName",
    # a row for each part of a text
    "| mv-expand a = split(IPAddress, '.') | where a in ('10', '1') | summarize c = count() by tostring(a), UserPrincipalName",
    # a null is no value, and sets that a join carries over are rows again
    f"| summarize x = {LEAST}, c = count() by IPAddress, UserPrincipalName | where x != 4 and x !in (6, 7) | project IPAddress, c",
    f"| summarize c = count() by u = UserPrincipalName | join kind=leftouter ({CHANGES} | summarize n = count(),"
    " o = make_set(OperationName) by u = Identity) on u | where n != 2 | mv-expand o to typeof(string) | project u, c, n, o",
    f"| summarize c = count(), i = make_set(IPAddress, 15) by u = UserPrincipalName | join kind=inner ({CHANGES}"
    " | summarize n = count() by u = Identity) on u | mv-expand i | summarize m = sum(n) by i = tostring(i)",
    # a condition that asks for nothing
    "| summarize c = count() by u = UserPrincipalName | join kind=leftanti (datatable(u: string)[]) on u | where c % 2 == 1",
    # a row for each number or moment from one to another, and the text of a moment that only tells rows apart
    "| mv-expand n = range(strlen(IPAddress) - 7, strlen(AppDisplayName), 2) to typeof(long) | summarize c = count(), m = dcount(n)"
    " by n, UserPrincipalName | where c >= m",
    f"| project u = UserPrincipalName, k = bin(TimeGenerated, 5m), t = TimeGenerated | join kind=inner ({CHANGES} | extend"
    " k = range(bin(TimeGenerated - 10m, 5m), bin(TimeGenerated, 5m), 5m) | mv-expand k to typeof(datetime) | project u = Identity, k,"
    " o = OperationName, e = TimeGenerated) on u, k | where e > t | project u, o, t, e",
    "| extend a = tostring(bin(TimeGenerated, 10m)), b = tostring(TimeGenerated) | summarize c = count(), d = dcount(b) by a, IPAddress"
    " | where c == d | project IPAddress, c",
    # the first rows of a part that is sorted
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | sort by TimeGenerated | take 4"
    " | project u = Identity) on u",
    # places in bags that the query makes, and the host of an address
    "| extend u = strcat(iff(ResultType == '0', 'https://u@', 'http://'), IPAddress, iff(ResultType == '50126', ':80/x', ''))"
    f" | extend h = parse_url(u)['Host'] | where h !in (({SIGNINS} | where ResultType == '50053' | summarize make_list(IPAddress)))"
    " | summarize c = count() by tostring(h)",
    "| extend b = pack(AppDisplayName, split(IPAddress, '.'), 'Id', ResultType)"
    " | extend p = tostring(parse_json(tostring(b.Mail))[0]) | where p !contains '2'"
    " | summarize c = count() by p, UserPrincipalName",
    "| extend b = case(AppDisplayName has 'portal', dynamic({'k': 'P', 'n': 1}), isempty(AppDisplayName), pack('k', IPAddress, 'n', 2),"
    " pack('k', strcat(AppDisplayName, 'x'))) | extend k = tostring(b.k) | where k != 'P' or ResultType == '0'"
    " | summarize c = count() by k, UserPrincipalName",
    # summaries beside others by what may be missing
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | extend n = toint(Result)"
    " | summarize m = count() by n, u = Identity | where m > 0) on u | where c > m",
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | extend n = iff(Result == 'success', strlen(Identity),"
    " int(null)) | summarize m = count() by n, u = Identity | summarize k = count(), x = max(n), y = min(m) by u) on u | where c >= k",
    # lists that are rows again
    "| summarize x = make_list(IPAddress), t = make_list(TimeGenerated), c = count() by UserPrincipalName | where c > 2"
    " | mv-expand x to typeof(string), t to typeof(datetime) | where t > ago(1h)",
    "| summarize x = make_set(IPAddress), c = count() by UserPrincipalName | where c > 2 and array_length(x) > 1 | mv-expand x"
    " | summarize n = count(), d = dcount(UserPrincipalName) by tostring(x)",
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | summarize x = make_set(OperationName), n = count()"
    " by u = Identity | where n > 1 | mv-expand x to typeof(string)) on u",
    "| summarize c = count() by n = array_length(split(AppDisplayName, 'or')), a = tostring(split(IPAddress, '0.0')[0])",
    # parts between marks of several characters
    "| summarize c = count() by a = tostring(split(UserPrincipalName, 'n@')[0]), b = tostring(split(IPAddress, '.0')[1]),"
    " d = tostring(split(IPAddress, '0.')[2]), e = tostring(split(AppDisplayName, 're')[1])",
    "| extend t = strcat(UserPrincipalName, '->', AppDisplayName, '<<', IPAddress)"
    " | summarize c = count() by a = tostring(split(t, '->')[1]), b = tostring(split(t, '<<')[0])",
    # places in the columns of a union of more than tables
    f"| where ResultType == '0' | join kind=inner ({CHANGES} | summarize n = count() by u = Identity) on"
    f" $left.UserPrincipalName == $right.u | union ({SIGNINS} | where ResultType != '0') | extend d = todynamic(DeviceDetail)"
    " | summarize c = count() by b = tostring(d.browser), UserPrincipalName",
    "| summarize t = make_list(TimeGenerated) by UserPrincipalName | mv-expand t | extend x = todatetime(tostring(t))"
    " | summarize a = min(x), b = max(x) by UserPrincipalName | where b > a",
    # where a text stands in another one, and the digits of numbers
    "| extend a = indexof(IPAddress, '.'), b = indexof(AppDisplayName, UserPrincipalName),"
    " d = indexof(strcat(UserPrincipalName, AppDisplayName), UserPrincipalName) | summarize c = count() by a, b, d | where a >= b or d > 0",
    "| extend n = strlen(AppDisplayName) * 4294967296 - strlen(IPAddress) * 40, m = tolong(AutonomousSystemNumber)"
    " | extend x = tohex(n - 30000000000), y = tohex(n), z = tohex(m) | summarize c = count() by x, y, z",
    # one of several places and texts
    "| summarize c = count() by u = tolower(UserPrincipalName), h = tostring(iff(strlen(split(UserPrincipalName, 'n')[0]) <= 1,"
    " split(UserPrincipalName, 'n')[1], split(UserPrincipalName, 'n')[0]))",
    "| extend d = iff(ResultType == '0', DeviceDetail.browser, todynamic(AppDisplayName)) | where isempty(d) or d != 'Portal'"
    " | summarize c = count() by k = strcat(d, '!'), t = tostring(d)",
    # a key that follows from another one, and what all rows of a group have
    f"| project u = UserPrincipalName, k = tolower(UserPrincipalName), i = IPAddress | join kind=leftanti ({CHANGES}"
    " | project u = Identity, k = tolower(Identity)) on u, k",
    f"| summarize s = make_set(IPAddress), c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | project u = Identity,"
    " o = OperationName) on u | summarize s = take_any(s), c = take_any(c), n = count() by u, o"
    " | summarize s = take_any(s), k = count(), c = take_any(c) by u | where array_length(s) >= k and c > 1",
    "| summarize n = max(strlen(AppDisplayName)), f = min(TimeGenerated) by u = UserPrincipalName, IPAddress"
    " | summarize n = any(n), c = count() by u, IPAddress, f | where n > 4 or c > 1",
    # names of files, and lists of which a condition chooses one
    r"| extend f = tolower(tostring(parse_path(strcat(@'c:\x\', AppDisplayName, iff(ResultType == '0', ':s', ''))).Filename)),"
    " s = case(ResultType == '0', dynamic(['portal']), dynamic(['mail', '']))"
    " | where not(set_has_element(s, f)) | summarize c = count() by f",
    # conditions on what is computed among the events, and on other times of theirs beside some that are searched for
    f"| extend a = tolower(AppDisplayName) | where a has 'portal' and CreatedDateTime > ago(1h) | join kind=inner ({CHANGES}"
    " | where Result == 'success' | summarize n = count() by u = Identity) on $left.UserPrincipalName == $right.u"
    " | summarize c = count(), m = max(n) by a, u | where c < 40",
    "| summarize c = count() by x = strcat(AppDisplayName, ' ', IPAddress) | where has_any_ipv4(x, '10.0.0.1', '10.0.0.3')",
    "| extend a = extract('([0-9]+)', 1, IPAddress) | extend b = substring(a, 0, 1) | where b in ('1', '2') | where ResultType == '0'"
    " | summarize c = count() by b",
    # deviations, of one value and of none too; how often something is in a text, and its length in bytes
    "| summarize c = count(), a = avg(strlen(IPAddress)), e = stdev(strlen(IPAddress)) by UserPrincipalName | where e * c > a or e < 0.5",
    "| summarize e = stdevif(strlen(IPAddress), ResultType == '0'), v = variance(tolong(strlen(IPAddress))), p = stdevp(strlen(IPAddress)),"
    " w = variancep(strlen(IPAddress)) by AppDisplayName | where v >= e and p < 9 and not(w > 40)",
    "| extend n = countof(IPAddress, '.'), m = countof(UserPrincipalName, '[a-n]', 'regex'), "
    " b = string_size(strcat(AppDisplayName, 'é€😀')) | summarize c = count() by n, m, b | where n >= m",
    "| summarize c = count(), a = avg(strlen(IPAddress)) by UserPrincipalName | extend m = max_of(a * 0.5, c, 3), n = min_of(c, 4)"
    " | where m > n or n < 3",
    # lines and statistics of series
    "| make-series d = dcount(IPAddress) default = 0 on TimeGenerated from ago(2h) to now() step 7m by UserPrincipalName, ResultType"
    " | extend (r, b, v, w, i, l) = series_fit_line(d) | where b > -0.01 | project UserPrincipalName, ResultType, b, v, i, w",
    "| make-series n = count(), m = sum(strlen(IPAddress)) default = 2 on TimeGenerated in range(ago(2h), now(), 10m) by UserPrincipalName"
    " | extend (g, p, most, q, mean, e, v) = series_stats(m), (a, b, c) = series_stats(n) | where most > mean + e and a >= 0"
    " | project UserPrincipalName, g, most, mean, e, v, a, c",
    f"| make-series n = countif(ResultType != '0') on TimeGenerated from ago(1h) to now() step 5m by u = UserPrincipalName"
    f" | extend (r, b) = series_fit_line(n) | where b > 0 | project u, b | join kind=leftsemi ({CHANGES} | project u = Identity) on u",
    # the first rows of one of several parts
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | top 4 by TimeGenerated | project u = Identity) on u",
    # of several rows that are sorted alike any ones are the first
    f"| extend k = strcat('x', '') | join kind=inner ({CHANGES} | summarize n = count() by Identity | top 2 by n | summarize r = count(),"
    " a = min(n), b = max(n) by k = strcat('x', '')) on k | summarize c = count() by r, a, b",
    f"| extend k = strcat('x', '') | join kind=inner ({CHANGES} | summarize n = count() by Identity | top 3 by n asc | summarize r ="
    " count(), a = min(n), b = max(n) by k = strcat('x', '')) on k | summarize c = count() by r, a, b",
    f"| where UserPrincipalName !in (({CHANGES} | summarize n = count() by Identity, Result | top 50 by n | project Identity))",
    # the bins of the time before
    f"| extend k = bin(TimeGenerated, 5m) | join kind=inner ({SIGNINS} | extend k = range(bin(TimeGenerated - 10m, 5m),"
    " bin(TimeGenerated, 5m), 5m) | mv-expand k to typeof(datetime) | project k, IPAddress, t = TimeGenerated) on k, IPAddress"
    " | where t > TimeGenerated | summarize c = count() by UserPrincipalName, IPAddress",
    "| mv-expand k = range(bin(TimeGenerated - 20m, 10m), bin(TimeGenerated, 10m), 10m) to typeof(datetime) | summarize c = count() by k",
    f"| make-series n = count() on TimeGenerated from ago(1h) to now() step 5m by UserPrincipalName | extend (r, b) = series_fit_line(n)"
    f" | top 2 by b | join kind=inner ({SIGNINS} | summarize m = count() by UserPrincipalName, IPAddress) on UserPrincipalName"
    " | project UserPrincipalName, IPAddress, m, b | where m > 1",
    # lists as the texts that they are shown as
    r"| summarize s = make_set(strcat(iff(ResultType == '0', '\\', '\"'), IPAddress)), c = count() by UserPrincipalName"
    " | where s !contains '3' or s has '10'",
    f"| summarize s = make_set(IPAddress), c = count() by u = UserPrincipalName | join kind=inner ({SIGNINS} | where ResultType != '0'"
    " | summarize n = count() by u = AppDisplayName, i = IPAddress | extend u = 'ann') on u | where s !contains i",
    r"| extend i = strcat(iff(ResultType == '0', '\\', '\"'), IPAddress) | summarize s = make_set(i), y = max(strlen(i)) by AppDisplayName"
    r""" | extend z = iff(y > 8, @'"\\10.0.0.1', '\\"10.0.0.1') | where s contains z""",
    "| summarize l = make_list(IPAddress), c = count() by UserPrincipalName | where l has '10' and l !contains '2' | project c",
    "| summarize x = make_list(IPAddress), c = count() by UserPrincipalName | where c > 1 and x !has '3' | mv-expand x to typeof(string)"
    " | summarize n = count() by x",
    f"| summarize s = make_set(IPAddress), c = count() by u = UserPrincipalName | union ({CHANGES} | summarize s = make_set(OperationName)"
    " by u = Identity) | project u, s, c",
    # rows that are told apart already
    "| summarize s = make_set(IPAddress), c = count() by UserPrincipalName | mv-expand s | where c > 1 | extend i = tostring(s)"
    " | distinct i, UserPrincipalName, c | summarize n = count() by i",
    # the row with the last text
    "| summarize (a, b) = arg_max(IPAddress, strlen(IPAddress)), c = count() by UserPrincipalName | where b > 6 or c > 2",
    # the first part of a text is always there, and a text is never null
    "| extend a = split(UserPrincipalName, 'n')[0] | where AppDisplayName !contains a | summarize c = count() by AppDisplayName",
    "| extend a = iff(IPAddress has '10', split(AppDisplayName, 'o')[2], UserPrincipalName) | summarize c = count() by a"
    " | where isnotempty(a)",
    "| extend h = hash_md5(IPAddress), g = hash_sha256(strcat(UserPrincipalName, 'é')) | summarize c = count() by h, g",
    # what a condition leaves no less than 1 divides, and a group may be any of many
    "| where strlen(AppDisplayName) > 3 | extend r = toreal(strlen(IPAddress)) / strlen(AppDisplayName) * 10 | where r > 9"
    " | summarize c = count() by UserPrincipalName",
    "| extend a = extract('(.)(.)(.)(.)?(.)?(.)?(.)?(.)?(.)?(.)?', 10, strcat(IPAddress, AppDisplayName)) | summarize c = count() by a",
    # whole numbers are divided without their fractions, and rows that both sides of a full join have
    "| summarize c = count(), m = min(2 - strlen(IPAddress)) by UserPrincipalName | extend q = m / 3 | where c + q > 0",
    f"| summarize c = count() by u = UserPrincipalName | join kind=fullouter ({CHANGES} | summarize n = count() by u = Identity) on u"
    " | where c > n * 2 | project u, c",
    # two names of one value are one key
    f"| extend k = tolower(UserPrincipalName), m = tolower(UserPrincipalName) | join ({CHANGES} | summarize s = make_set(OperationName)"
    " by k = Identity) on k | where s !contains m | project k, m",
    # lists that are made of texts, and texts of bags
    "| extend a = dynamic([]) | extend a = iff(IPAddress has '10', array_concat(a, pack_array('ten')), a)"
    " | extend a = iff(AppDisplayName contains 'o', array_concat(a, pack_array('o\"', 'ten')), a) | where array_length(a) != 1"
    " | extend n = array_length(a) | summarize c = count() by k = tostring(a), n",
    "| project UserPrincipalName, IPAddress, TimeGenerated, n = strlen(IPAddress) | extend b = tostring(pack_all())"
    " | where b contains 'Ann' or b !contains '.0.0.1x' | summarize c = count() by UserPrincipalName",
    # what is computed of aggregates among them
    "| summarize d = tolong(avg(strlen(IPAddress))) + count(), c = count(), x = 2 * dcount(IPAddress) by UserPrincipalName | where d > x",
    r"| summarize s = make_set(strcat(UserPrincipalName, '\n', IPAddress, '\r\t')), c = count() by AppDisplayName"
    r""" | where s has 'n10' or s has 'ann' or s contains @'\r\t"' """,
    # classes of Unicode
    r"| extend n = extract(@'(\d+)', 1, IPAddress), w = replace_regex(AppDisplayName, @'\W+', ' ') | where w matches regex @'\w'"
    " | summarize c = count() by n, w",
    # rows of one moment stand next to each other in any order
    "| sort by UserPrincipalName asc, TimeGenerated asc | extend i = prev(IPAddress), u = prev(UserPrincipalName), t = prev(TimeGenerated)"
    " | where u == UserPrincipalName and i != IPAddress and TimeGenerated - t < 10m | summarize c = count() by u, i, IPAddress",
    # the values of another query beside each row, addresses in networks of those, and rows told apart by what may be missing
    f"| summarize s = make_set(IPAddress), c = count() by UserPrincipalName | extend n = set_difference(s, toscalar({SIGNINS}"
    " | where ResultType == '50126' | summarize make_set(IPAddress))) | where array_length(n) > 1 | project UserPrincipalName, c",
    f"| extend l = toscalar({SIGNINS} | where ResultType == '0' | summarize make_set(strcat(IPAddress, iff(AppDisplayName has 'portal',"
    " '/31', ''))))"
    " | where not(ipv4_is_in_any_range(IPAddress, l)) | summarize c = count() by UserPrincipalName, IPAddress",
    f"| where ipv4_is_in_any_range(IPAddress, toscalar({SIGNINS} | where ResultType == '0' and isnotempty(IPAddress)"
    " | summarize make_set(strcat(IPAddress, '/31')))) | summarize c = count() by UserPrincipalName, IPAddress",
    "| extend n = toint(AutonomousSystemNumber) | distinct n, ResultType | summarize c = count(), m = max(n) by ResultType",
    "| extend m = extract_all('([a-z]+)', AppDisplayName) | extend f = tostring(m[0]), e = tostring(extract('([0-9]).*([0-9])', 2,"
    " IPAddress)) | mv-expand m to typeof(string) | summarize c = count() by m, f, e",
    # of two tables
    f"| project u = UserPrincipalName | join ({CHANGES} | project u = Identity) on u | project u",
    f"| project u = UserPrincipalName | join kind=inner ({CHANGES} | summarize m = make_set(OperationName) by u = Identity) on u"
    " | where array_length(m) > 1",
    f"| project u = UserPrincipalName | join kind=leftouter ({CHANGES} | summarize m = make_set(OperationName) by u = Identity) on u"
    " | where array_length(m) > 1 or isnull(array_length(m))",
    f"| summarize c = count() by u = UserPrincipalName | join ({CHANGES} | summarize n = count() by u = Identity) on u | where c > n",
    f"| project TimeGenerated, u = UserPrincipalName | join kind=leftanti ({SIGNINS} | where ResultType == '0' | project"
    " u = UserPrincipalName) on u",
    f"| summarize c = count() by u = UserPrincipalName | join kind=leftouter ({CHANGES} | summarize n = count() by u = Identity) on u"
    " | extend more = c > n | where isnull(n) or more",
    f"| where UserPrincipalName !in~ (({CHANGES} | where Result == 'success' | project Identity)) | summarize c = count() by IPAddress",
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({SIGNINS} | where ResultType != '0' | summarize"
    f" f = min(TimeGenerated) by u = UserPrincipalName | join kind=leftsemi ({CHANGES} | project u = Identity) on u) on u",
    # a key that all rows have alike tells no rows apart
    f"| summarize c = count() by u = UserPrincipalName, k = 'x' | join ({CHANGES} | summarize n = count() by u = Identity) on u"
    " | where c > n",
    f"| summarize c = count() by u = UserPrincipalName, b = bin(TimeGenerated, 10m) | join kind=inner ({CHANGES}"
    " | summarize n = count() by u = Identity, b = bin(TimeGenerated, 10m)) on u, b | where c >= n",
    # other queries that collect values, several of them, and one row of everything
    f"| where IPAddress in (({SIGNINS} | where ResultType != '0' | summarize make_set(IPAddress))) | summarize c = count() by IPAddress",
    f"| where UserPrincipalName !in~ ((union ({CHANGES} | summarize s = make_set(Identity)), ({SIGNINS} | where ResultType == '1'"
    " | summarize s = make_list(UserPrincipalName)) | summarize make_set(s))) | summarize c = count() by UserPrincipalName",
    f"| where ResultType == '0' | where UserPrincipalName in (({CHANGES} | project Identity)) or not(IPAddress in~ (({SIGNINS}"
    " | where ResultType != '0' | project IPAddress))) | summarize c = count() by AppDisplayName",
    f"| summarize n = dcount(IPAddress), f = countif(ResultType == '0') | extend k = 1 | join ({CHANGES}"
    " | summarize c = count() by Identity | extend k = 1) on k | where c < n or f == 0",
    f"| summarize c = count() by UserPrincipalName | extend k = 'a' | join kind=leftouter ({CHANGES} | summarize n = count() | where n > 5"
    " | extend k = 'a') on k | where isnull(n) or c > 1",
    # rows with several partners on both sides, of two tables and of one
    f"| project TimeGenerated, u = UserPrincipalName | join kind=inner ({CHANGES} | project u = Identity, o = OperationName,"
    " t = TimeGenerated) on u | where t > TimeGenerated",
    f"| project u = UserPrincipalName, i = IPAddress | join kind=leftouter ({SIGNINS} | where ResultType != '0' | project"
    " u = AppDisplayName, r = ResultType) on u | summarize c = count(), d = dcount(r) by i",
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | summarize n = count() by u = Identity, OperationName"
    " | summarize m = max(n) by u) on u | where c > m",
    f"| project u = UserPrincipalName, r = ResultType | join kind=inner ({SIGNINS} | where ResultType == '0' | project"
    f" u = UserPrincipalName, a = IPAddress) on u | join kind=leftouter ({CHANGES} | project u = Identity, o = OperationName) on u"
    " | summarize c = count() by u, a, r, o",
    # summaries of summaries that ask which values there are
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | summarize n = count() by u = Identity, OperationName,"
    " Result | summarize d = dcount(OperationName), s = make_set(Result), m = max(n) by u) on u | where c > d",
    f"| project u = UserPrincipalName, r = ResultType | join kind=inner ({SIGNINS} | mv-expand b = split(IPAddress, '.') | summarize"
    " n = count() by u = UserPrincipalName, a = tostring(b) | summarize k = max(n), d = dcount(a) by u) on u"
    " | summarize c = count() by u, k, d, r",
    # rows that are made alike of one event in groups, which are one partner each
    f"| project u = UserPrincipalName, r = ResultType | join kind=inner ({SIGNINS} | mv-expand b = split(IPAddress, '.')"
    " | summarize n = count(), m = max(TimeGenerated) by u = UserPrincipalName, a = tostring(b)) on u"
    " | summarize c = count(), k = sum(n) by u, a, r, m",
    # rows of one event, of which nothing tells one from another: whose partners are told apart, and who are partners themselves
    f"| mv-expand a = split(IPAddress, '.') | project u = UserPrincipalName, a = tostring(a) | join kind=leftouter ({CHANGES}"
    " | project u = Identity, o = OperationName) on u | summarize c = count() by u, a, o",
    f"| project u = UserPrincipalName, r = ResultType | join kind=inner ({SIGNINS} | mv-expand a = split(IPAddress, '.')"
    " | project u = UserPrincipalName, a = tostring(a)) on u | summarize c = count() by u, a, r",
    "| mv-expand a = split(IPAddress, '.') | extend a = tostring(a), k = ResultType | union"
    f" ({CHANGES} | summarize c = count() by k = Result, UserPrincipalName = Identity | extend a = 'x')"
    " | summarize n = count() by a, k, UserPrincipalName",
    f"| where AppDisplayName has_any (({CHANGES} | summarize make_set_if(tolower(OperationName), isnotempty(OperationName))))"
    f" | where UserPrincipalName !in (({CHANGES} | summarize make_list(substring(Identity, 0, 3)))) | summarize c = count() by IPAddress",
    # a part of a text at a place that is computed, and a row for each of several values
    "| extend n = countof(IPAddress, '.') | extend p = strcat('x', split(IPAddress, '.', n)[0])"
    " | extend q = tostring(split(AppDisplayName, 'o', n)[0]) | summarize c = count() by p, q",
    "| mv-expand k = pack_array(UserPrincipalName, tostring(DeviceDetail.browser), strcat(IPAddress, '')) to typeof(string)"
    " | summarize c = count() by k, ResultType | where c > 1",
    f"| summarize c = count() by u = UserPrincipalName | join kind=inner ({CHANGES} | mv-expand n = pack_array(strlen(Identity),"
    " strlen(OperationName)) to typeof(long) | summarize m = max(n), k = sum(n) by u = Identity) on u | where m > c",
    # the row that is found of each group, of which nothing is read, and the JSON of an array as the product lays it out
    f"| summarize arg_max(TimeGenerated, *) by u = UserPrincipalName | project u | join kind=inner ({CHANGES}"
    " | summarize n = count() by u = Identity) on u",
    """| extend j = todynamic(strcat('[', iff(ResultType == '0', ' ', '"a b"'), ']')) | summarize arg_max(TimeGenerated, j)"""
    " by UserPrincipalName | where j != '[]' and j has 'a b' | project UserPrincipalName",
    """| extend d = todynamic(case(ResultType == '0', '{"k": true}', isempty(IPAddress), '{"k": "False"}', AppDisplayName == 'Mail',"""
    """ '{"k": 1}', '{"k": 0}')) | where d.k == true or (d.k == false and UserPrincipalName == 'ann')"""
    " | summarize c = count() by ResultType",
    # the values of another query as terms in a text
    f"| where AppDisplayName has_any (({CHANGES} | where isnotempty(OperationName) | project OperationName))"
    " or not(strcat(ResultType, '-', UserPrincipalName, @'\\E') has_any ("
    f"({CHANGES} | distinct x = strcat(Identity, @'\\e')))) | summarize c = count() by UserPrincipalName, AppDisplayName",
    f"| where not(AppDisplayName has_any (({CHANGES} | project OperationName))) | project UserPrincipalName, AppDisplayName",
    f"| where ResultType == '50126' or AppDisplayName has_any (({CHANGES} | where Result == 'none' | project OperationName))"
    f" | where UserPrincipalName has_any (({CHANGES} | distinct Identity)) | summarize c = count() by UserPrincipalName, ResultType",
    f"| summarize c = count() by u = UserPrincipalName | where c > 3 or u has_any (({CHANGES} | project Identity)) | project u, c",
    f"| distinct UserPrincipalName, IPAddress | where not(UserPrincipalName has_any (({CHANGES} | project Identity)))",
    f"| where IPAddress has_any (({SIGNINS} | where ResultType != '0' | extend i = substring(IPAddress, 3) | summarize make_set(i)))"
    f" | join kind=inner ({CHANGES} | summarize n = count() by u = Identity) on $left.UserPrincipalName == $right.u | project IPAddress, n",
    f"| summarize c = count() by u = UserPrincipalName, a = AppDisplayName | join kind=inner ({CHANGES} | project u = Identity,"
    " o = substring(OperationName, 4)) on u | where a has o or o == '' or u has a | summarize n = count() by u, o, a",
    # beside the one value of another query, of no events too
    f"| summarize c = count() by IPAddress | where c <= toscalar({SIGNINS} | summarize c = count() by IPAddress | summarize avg(c))",
    f"| where strlen(AppDisplayName) < toscalar({CHANGES} | where Result == 'failure' | summarize max(strlen(Identity)))"
    " | summarize c = count() by UserPrincipalName",
    f"| summarize m = max(TimeGenerated) by IPAddress | where m > toscalar({CHANGES} | where Result == 'none'"
    " | summarize t = max(TimeGenerated)) or isempty(IPAddress) | project IPAddress, m",
    f"| summarize c = count() by IPAddress | where c > toscalar({CHANGES} | where Result == 'none' | summarize n = count()) and c > 1",
    # rows next to others, of which those that stand in any order are alike
    "| sort by UserPrincipalName asc, TimeGenerated asc, IPAddress desc | extend t = next(TimeGenerated), u = next(UserPrincipalName, 1)"
    " | extend d = datetime_diff('second', t, TimeGenerated) | where u == UserPrincipalName and d > 60"
    " | summarize c = count(), m = max(d) by UserPrincipalName, IPAddress | where c > 1",
    "| extend n = strlen(AppDisplayName) | sort by UserPrincipalName desc, n asc | serialize"
    " | where prev(UserPrincipalName) == UserPrincipalName and prev(n) < n | summarize c = count() by UserPrincipalName, n",
    "| extend n = iff(ResultType == '0', strlen(IPAddress), int(null)) | sort by n asc, UserPrincipalName asc, TimeGenerated asc"
    " | extend before = prev(UserPrincipalName) | where before != UserPrincipalName | summarize c = count() by before, n",
    "| summarize ['Number of rows'] = count(), ['5%'] = dcount(IPAddress) by ['The user'] = UserPrincipalName | where ['5%'] > 1",
]


SPL_ALONE = (
    "range(strlen",
    "tohex(",
    "'or')",
    " next(",
    " prev(",
    "set_difference(",
    "ipv4_is_in_any_range(",
    "distinct n, ",
    "extract_all(",
)
"""What ES|QL has no words for."""


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize("kql", WRITTEN)
def test_rows_and_columns_are_those_of_the_query(kql: str, target: str) -> None:
    for seed in range(3):
        output, difference = checked(f"{SIGNINS} {kql}", events(random.Random(seed), 40), audits(random.Random(seed), 12), target)
        assert (output is None) == (target == "esql" and any(word in kql for word in SPL_ALONE)) and difference == ""


def test_a_summary_beside_sorted_rows_stands_before_what_sorts_them() -> None:
    latest = "| sort by TimeGenerated asc | summarize arg_max(TimeGenerated, *) by UserPrincipalName"
    output, difference = checked(f"{SIGNINS} {latest}", events(random.Random(0), 40), target="esql")
    assert output is not None and difference == ""
    assert "SORT" not in output.text.rpartition("INLINE STATS")[0]


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize(
    ("pivot", "verdict"),
    [
        ("| evaluate pivot(ResultType, count(), UserPrincipalName)", Verdict.SAME_ALERTS),
        ("| project UserPrincipalName, IPAddress, r = ResultType | evaluate pivot(r) | summarize c = count() by UserPrincipalName"
         " | where c > 1", Verdict.EXACT),
        ("| project UserPrincipalName, ResultType | evaluate pivot(ResultType) | where ['0'] > 2 | project UserPrincipalName",
         Verdict.EXACT),
        ("| evaluate pivot(ResultType, dcount(IPAddress), UserPrincipalName) : (UserPrincipalName: string, ['0']: long, ['50126']: long)"
         " | where ['0'] > 1", Verdict.EXACT),
        # the columns of the table that it keeps are not all known
        ("| evaluate pivot(ResultType)", None),
        # any value of several
        ("| evaluate pivot(ResultType, any(IPAddress), UserPrincipalName) | where ['0'] startswith '1'", None),
    ],
)  # fmt: skip
def test_pivot_has_a_row_for_what_it_keeps(pivot: str, verdict: Verdict | None, target: str) -> None:
    for seed in range(3):
        output, difference = checked(f"{SIGNINS} {pivot}", events(random.Random(seed), 40), [], target)
        assert (None if output is None else output.verdict) is verdict and difference == ""


def test_rows_of_parts_between_marks_of_several_bytes_are_refused_where_a_text_is_not_split_at_them() -> None:
    kql = "| mv-expand a = split(AppDisplayName, ', ') to typeof(string) | summarize c = count() by a"
    assert piped("esql", rule(f"{SIGNINS} {kql}"), OPTIONS) is None
    output, difference = checked(f"{SIGNINS} {kql}", events(random.Random(3), 20))
    assert output is not None and difference == ""


OF_STORED_JSON = [
    "| summarize arg_max(TimeGenerated, *) by UserPrincipalName | extend AppDisplayName = todynamic(AppDisplayName)"
    " | extend n = tostring(AppDisplayName.name), m = tostring(AppDisplayName[0]) | where isempty(m) or n == '' | project n, m, IPAddress",
    "| distinct AppDisplayName | extend d = parse_json(AppDisplayName) | summarize c = count() by n = tolower(tostring(d.name))",
    "| summarize c = count() by AppDisplayName | extend d = parse_json(AppDisplayName) | where isnotempty(d.name)"
    " | project n = tostring(d.name), c",
]


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize("kql", OF_STORED_JSON)
def test_a_stored_text_that_is_read_as_json_is_looked_into(kql: str, target: str) -> None:
    texts = ['{"name": "Ann"}', '{"name":{"b":1}}', '"{\\"name\\":1}"', '["p", 2]', "x", "", None, '{"name":true}', "{"]
    logged = [
        {"TimeGenerated": NOW - dt.timedelta(seconds=n + 1), "UserPrincipalName": str(n % 17), "IPAddress": str(n), "AppDisplayName": text}
        for n, text in enumerate(texts * 2)
    ]
    output, difference = checked(f"{SIGNINS} {kql}", logged, target=target)
    assert output is not None and difference == ""


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_a_part_without_limits_looks_back_farther_than_those_with_some(target: str) -> None:
    kql = "AuditLogs | where Identity !in ((SigninLogs | where TimeGenerated > ago(2h) | distinct UserPrincipalName)) | project Identity"
    output = piped(target, rule(kql), OPTIONS)
    assert output is not None and output.lookback == 86_400 + 7_200
    assert "window-assumed" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize("as_text", [False, True])
def test_a_column_that_no_table_knows_is_read_whatever_type_it_has(target: str, as_text: bool) -> None:
    pick = random.Random(5)
    logged = [
        {"TimeGenerated": NOW - dt.timedelta(seconds=n + 1), "User_s": pick.choice("ab"), "Bytes_d": pick.randint(1, 90)} for n in range(30)
    ]
    kql = (
        "T_CL | where TimeGenerated > ago(1h) | summarize a = toint(avg(Bytes_d)) by User_s"
        " | join kind=inner (T_CL | where TimeGenerated > ago(2h)) on User_s | where Bytes_d > a * 1.5 | project User_s, a"
    )
    output = piped(target, rule(kql), OPTIONS)
    assert output is not None
    kept = [{**e, "Bytes_d": str(e["Bytes_d"])} if as_text else e for e in logged]
    wanted = rows_of(kql, {"T_CL": logged}, sorted(output.columns))
    assert wanted and all(found == wanted for found in found_by(target, output, {"T_CL": kept}))


LISTED = "externaldata(Name: string, Tier: string, Most: long)['https://example.org/lists/KnownAccounts.csv?x=1'] with (format='csv')"

KNOWN = [("ann", "1", "2"), ("ann", "2", ""), ("bob", "", "1"), ("eve", "1", "0x3"), ("", "3", "7"), ("ANN", "2", "many")]


BESIDE_EVENTS = [
    "| join kind=rightouter {0} on $left.UserPrincipalName == $right.Name | where Tier != '3'"
    " | summarize n = count(), f = countif(ResultType != '0') by Tier, IPAddress | where n >= f",
    "| join kind=inner ({0} | where Most > 0 or Tier == '2') on $left.UserPrincipalName == $right.Name"
    " | summarize n = count(), m = max(Most) by Name, Tier",
    "| summarize n = count() by Name = UserPrincipalName | join kind=leftouter ({0} | summarize t = dcount(Tier) by Name) on Name"
    " | where isnull(t) or n > t",
    "| where UserPrincipalName !in (({0} | where isnull(Most) | project Name)) | summarize n = count() by UserPrincipalName | where n > 1",
    "| where UserPrincipalName in~ (({0} | where Most > 0 | distinct Name)) | summarize n = count() by UserPrincipalName, IPAddress",
    "| where AppDisplayName has_any ({0} | project strcat('Port', Tier)) or UserPrincipalName has_any ({0} | where Most > 5 | project Name)"
    " | summarize n = count() by UserPrincipalName, AppDisplayName",
    "| where not(UserPrincipalName has_any ({0} | where Tier == '2' | project Name)) | project UserPrincipalName, IPAddress",
    "| where UserPrincipalName has_any ({0} | where Tier == 'none' | project Name) or ResultType == '0' | project UserPrincipalName",
    # columns of the list that events have as well
    "| extend Name = AppDisplayName, Tier = IPAddress | join kind=leftanti ({0} | where Tier != '' | project UserPrincipalName = Name)"
    " on UserPrincipalName | summarize n = count() by Name, Tier",
    # of several lists, one behind the other, and rows told apart behind them
    "| where UserPrincipalName in~ (({0} | where Tier == '1' | project Name)) and UserPrincipalName !in (({0} | where Tier == '3' | project"
    " Name)) | summarize arg_max(TimeGenerated, *) by UserPrincipalName | project UserPrincipalName, IPAddress",
]

OF_SPLUNK = 2
"""Those whose rows no event has to have, and those of which several join one event."""


@pytest.mark.parametrize(("target", "kql"), [*(("splunk", q) for q in BESIDE_EVENTS), *(("esql", q) for q in BESIDE_EVENTS[OF_SPLUNK:])])
def test_rows_of_a_list_stand_beside_events(target: str, kql: str) -> None:
    text = f"{SIGNINS} {kql}"
    output = piped(target, rule(text.format(LISTED)), OPTIONS)
    assert output is not None and output.verdict.value == "exact"
    assert target == "splunk" or any(d.code == "memory-limit" for d in output.diagnostics) == ("has_any" in kql)
    mark = {"listed": "yes"} if target == "esql" else {}
    assert dict(output.tables) == {"known_accounts_rows": ("Name", "Tier", "Most", *mark)}
    assert any("downloaded from https://example.org/lists/KnownAccounts.csv" in d.message for d in output.diagnostics)
    fields = [{k: v for k, v in zip(("Name", "Tier", "Most"), row, strict=True) if v or mark} | mark for row in KNOWN]
    numbers = {"": "long(null)", "many": "long(null)", "0x3": "3"}
    cells = ", ".join(f"'{name}', '{tier}', {numbers.get(most, most)}" for name, tier, most in KNOWN)
    for seed in range(4):
        signins = events(random.Random(seed), 25)
        logged = {"SigninLogs": signins, "AuditLogs": audits(random.Random(seed), 1)}
        asked = text.format(f"datatable(Name: string, Tier: string, Most: long)[{cells}]")
        wanted = rows_of(asked, {"SigninLogs": signins}, sorted(output.columns))
        found = found_by(target, output, logged, {"known_accounts_rows": fields})
        assert wanted and found and all(rows == wanted for rows in found)


@pytest.mark.parametrize(
    "kql",
    [
        *(f"{SIGNINS} {kql}" for kql in BESIDE_EVENTS[:OF_SPLUNK]),
        "{0} | where Most > 0 | join kind=leftanti (" + SIGNINS + " | project Name = UserPrincipalName) on Name | project Name",
        "{0} | where Most > 0 | where Name !in ((" + SIGNINS + " | project UserPrincipalName)) or Tier == '2' | project Name",
        "union ({0} | where Most > 0 | project Name), (" + SIGNINS + " | project Name = UserPrincipalName) | summarize n = count() by Name",
    ],
)
def test_rows_of_a_list_that_stay_without_events_are_refused(kql: str) -> None:
    assert piped("esql", rule(kql.format(LISTED)), OPTIONS) is None


@pytest.mark.parametrize(
    "kql",
    [
        "| join kind=leftouter {0} on $left.UserPrincipalName == $right.Name | where isempty(Name) | summarize count() by IPAddress",
        "| join kind=rightouter {0} on $left.UserPrincipalName == $right.Name | where Tier != '3' and IPAddress != ''"
        " | summarize n = count(), f = countif(ResultType != '0') by Tier, IPAddress | where n >= f",
        "| join kind=inner {0} on $left.UserPrincipalName == $right.Name | summarize n = count(), d = dcount(Tier) by Name, AppDisplayName",
        "| summarize n = count() by Name = UserPrincipalName | join kind=leftouter {0} on Name | where Tier == '2' or n > 3"
        " | project Name, n, Tier",
        "| join kind=leftouter {0} on $left.UserPrincipalName == $right.Name | summarize n = count() by IPAddress, Tier | where n > 1",
        "| summarize n = count() by u = UserPrincipalName | join kind=inner (" + CHANGES + " | join kind=inner {0} on $left.Identity == "
        "$right.Name | summarize m = count() by u = Name, Tier) on u | where n >= m",
    ],
)
def test_rows_of_a_list_are_joined_to_events(kql: str) -> None:
    listed = LISTED.replace(", Most: long", "")
    text = f"{SIGNINS} {kql}"
    output = piped("esql", rule(text.format(listed)), OPTIONS)
    assert output is not None and "LOOKUP JOIN known_accounts_rows ON Name" in output.text
    assert output.verdict.rank <= Verdict.SAME_ALERTS.rank and dict(output.tables) == {"known_accounts_rows": ("Name", "Tier")}
    cells = ", ".join(f"'{name}', '{tier}'" for name, tier, _ in KNOWN)
    for seed in range(4):
        logged = {"SigninLogs": events(random.Random(seed), 25), "AuditLogs": audits(random.Random(seed), 9)}
        wanted = rows_of(text.format(f"datatable(Name: string, Tier: string)[{cells}]"), logged, sorted(output.columns))
        fields = [{"Name": name, "Tier": tier} for name, tier, _ in KNOWN]
        assert wanted and found_by("esql", output, logged, {"known_accounts_rows": fields}) == [wanted]


@pytest.mark.parametrize("run", [NOW, NOW.replace(hour=0), NOW.replace(hour=23, minute=59, second=7)])
@pytest.mark.parametrize(
    "axis",
    [
        "from ago(2h) to now() step 7m",
        "from startofday(ago(3d)) to startofday(ago(1d)) step 1h",
        "in range(startofday(ago(7d)), now(), 1d)",
        "in range(ago(14d), now(), 1d)",
        "in range(ago(14d), startofday(now()), 1d)",
        "in range(ago(6h), ago(1h), 30m)",
        "from now() - 3d to now() - 1d step 1d",
        "from datetime(2026-03-05 11:10) to datetime(2026-03-06 11:00) step 1h",
        "in range(datetime(2026-03-05 11:10), datetime(2026-03-06 11:00), 1h)",
    ],
)
def test_the_number_of_places_is_that_of_the_series(axis: str, run: dt.datetime) -> None:
    kql = f"SigninLogs | make-series n = count() on TimeGenerated {axis} by UserPrincipalName | project k = array_length(n)"
    (series,) = (n for n in o.parts(bind(parse(kql), catalog.schemas()).root) if isinstance(n, o.Series))
    assert series.start is not None and series.stop is not None and isinstance(series.step, Const) and isinstance(series.step.value, int)
    logged = [{"TimeGenerated": run - dt.timedelta(minutes=m), "UserPrincipalName": "ann"} for m in range(5, 6000, 25)]
    (row,) = translator.run(kql, {"SigninLogs": logged}, now=run).rows
    assert row == (places(series.start, series.stop, series.step.value, series.included),)


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_random_queries(target: str) -> None:
    pick, written = random.Random(11), 0
    generator = Generator(pick)
    for _ in range(60):
        output, difference = checked(generator.query(), events(pick, 20), audits(pick, 8), target)
        written += output is not None
        assert difference == ""
    assert written > 20


@pytest.mark.parametrize(
    ("kql", "reason"),
    [
        (
            "| summarize c = count(), m = avg(toint(AutonomousSystemNumber)) by UserPrincipalName | where not(m > 4)",
            "an average of nothing is NaN",
        ),
        ("| top 3 by UserPrincipalName | summarize c = count() by IPAddress", "texts are sorted in another way"),
        (
            "| summarize fails = countif(ResultType != '0'), c = countif(ResultType == '0') by IPAddress | where fails / c > 1",
            "of no number",
        ),
        ("| summarize s = make_set_if(IPAddress, ResultType == '0') by AppDisplayName | where isempty(s)", "a list is always there"),
        (
            "| extend b = DeviceDetail.browser | summarize d = dcount(b), c = count() by AppDisplayName | where d * 2 < c",
            "null is none",
        ),
        (
            "| make-series n = count() on TimeGenerated step 1h by IPAddress | extend (r, b) = series_fit_line(n) | where b > 0",
            "the places of each series are those of its events",
        ),
        (
            "| make-series n = count() on TimeGenerated from startofday(ago(1d)) to now() step 1h by IPAddress"
            " | extend (r, b) = series_fit_line(n) | where b > 0",
            "the number of places depends on the hour",
        ),
        (
            "| make-series n = max(strlen(IPAddress)) on TimeGenerated from ago(1h) to now() step 5m by IPAddress"
            " | extend (r, b) = series_fit_line(n) | where b > 0",
            "a place whose maximum is null is none of the line",
        ),
        (
            "| make-series n = count() on TimeGenerated from ago(1h) to now() step 5m by IPAddress"
            " | extend (a, s) = series_decompose_anomalies(n) | mv-expand a to typeof(long) | where a > 0",
            "no search finds the season of a series",
        ),
        (f"| extend k = 1 | join kind=leftsemi ({CHANGES} | summarize n = count() | extend k = 1) on k", "a row of no events"),
        (f"| where strlen(UserPrincipalName) in (({CHANGES} | summarize n = count()))", "a row of no events"),
        (f"| summarize c = count() | join kind=inner ({CHANGES} | summarize n = count() by Identity | extend c = 0) on c", "the same"),
        (f"| summarize n = count() | union ({CHANGES} | summarize n = count()) | where n == 0", "the same"),
        ("| mv-expand a = split(AppDisplayName, ',') to typeof(long) | where isnull(a)", "a text that is no number is null"),
        ("| summarize q = make_set(AppDisplayName) by UserPrincipalName | mv-expand q to typeof(int) | where isnull(q)", "the same"),
        ("| summarize f = countif(ResultType != '0'), c = count() by IPAddress | where f * 0.1 == c * 0.3", "last digits"),
        ("| sort by UserPrincipalName asc | extend n = strlen(prev(UserPrincipalName)) | where n > 1 and ResultType == '0'", "the same"),
        ("| sort by UserPrincipalName asc | extend p = prev(UserPrincipalName) | project p, IPAddress", "the same"),
        ("| extend p = prev(UserPrincipalName) | where p == UserPrincipalName", "rows that are not sorted"),
        ("| sort by UserPrincipalName asc | where prev(UserPrincipalName, 2) == UserPrincipalName | count", "a row farther away"),
        ("| summarize s = make_set(UserPrincipalName) by IPAddress | where s startswith '[\"ann'", "a set has no order"),
        ("| summarize s = make_set(UserPrincipalName) by IPAddress | where s contains 'ann\",\"bob'", "the same"),
        ("| summarize s = make_set(UserPrincipalName) by IPAddress | where s matches regex 'ann.*bob'", "the same"),
    ],
)
def test_what_would_be_other_rows_is_not_written(kql: str, reason: str) -> None:
    assert piped("splunk", rule(f"{SIGNINS} {kql}"), OPTIONS) is None, reason


def test_what_a_hunting_search_is_given_is_its_last_period() -> None:
    given = "SigninLogs | where TimeGenerated between (todatetime('{{StartTimeISO}}') .. todatetime('{{EndTimeISO}}'))"
    before = "SigninLogs | where TimeGenerated between (todatetime('{{StartTimeISO}}') - 7d .. todatetime('{{StartTimeISO}}'))"
    query = f"{given} | summarize n = count() by IPAddress | join kind=inner ({before} | summarize m = count() by IPAddress) on IPAddress"
    for target, limit in (("splunk", "_time>=now()-691200"), ("esql", "@timestamp >= NOW() - 691200 seconds")):
        output = translator.convert(rule(f"{query} | where n > m"), (target,), OPTIONS).outputs[target]
        assert output.verdict.rank <= 1 and limit in output.text and "window-of-search" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize(
    "parts",
    [
        f"({SIGNINS} | where ResultType != '0'), ({SIGNINS} | where AppDisplayName has 'x') | summarize c = count() by IPAddress",
        f"({SIGNINS} | summarize c = count() by k = IPAddress), ({SIGNINS} | summarize c = count() by k = UserPrincipalName)",
        f"({SIGNINS} | summarize c = count() by k = UserPrincipalName), ({CHANGES} | summarize c = count() by k = Identity)"
        " | summarize m = max(c), n = count() by k | where n > 1",
    ],
)
def test_an_event_of_two_parts_of_a_union_is_a_row_of_each(parts: str, target: str) -> None:
    for seed in range(3):
        output, difference = checked(f"union {parts}", events(random.Random(seed), 30), audits(random.Random(seed), 9), target)
        assert output is not None and difference == ""


@pytest.mark.parametrize(
    ("asked", "faithful"), [("c % 2 == 1", True), ("strcat(LogonTypeName, Account) has 'x'", False), ("LogonTypeName has 'Network'", False)]
)
def test_a_value_that_tells_events_apart_alike_is_not_compared(asked: str, faithful: bool) -> None:
    kql = "SecurityEvent | where TimeGenerated > ago(1d) and EventID == 4624 | summarize c = count() by LogonTypeName, Account"
    assert (piped("splunk", rule(f"{kql} | where c > 2 and {asked}"), Options()) is not None) == faithful


@pytest.mark.parametrize(
    "parts",
    [
        f"({SIGNINS} | summarize c = count() by k = IPAddress), ({CHANGES} | project k = Identity, c = strlen(OperationName))"
        " | where c > 1",
        f"({SIGNINS} | summarize c = count() by k = IPAddress, hourofday(TimeGenerated)),"
        f" ({CHANGES} | summarize c = count() by k = Identity),"
        f" ({SIGNINS} | where ResultType == '0' | project k = UserPrincipalName, c = 7)"
        " | summarize m = sum(c), n = count() by k | where n > 1",
    ],
)
def test_a_union_of_summaries_and_events_has_the_rows_of_both(parts: str) -> None:
    for seed in range(3):
        output, difference = checked(f"union {parts}", events(random.Random(seed), 30), audits(random.Random(seed), 9))
        assert output is not None and difference == ""


ARRAYS = (
    ["x", "identity"], ["identity"], ["identity x", 'x,"identity"'], [{"a": ["identity"]}, 5, "identity"], [["identity"]],
    [{"a": "identity"}], "identity", "[identity]", [], None, {"identity": 1}, ["Identity"], [None, "a]", "identity", {}],
)  # fmt: skip
"""Values of a dynamic column."""


@pytest.mark.parametrize("negated", [False, True])
def test_an_array_that_is_stored_has_a_text_for_an_element(negated: bool) -> None:
    kql = f"AuditLogs | where {'not' if negated else ''}(set_has_element(TargetResources, 'identity'))"
    plan = spelled_out(bind(parse(kql), catalog.schemas()))
    (asked,) = [n for n in o.parts(plan.root) if isinstance(n, Apply) and n.function == "matches regex"]
    assert isinstance(asked.args[1], Const)
    assert any(isinstance(n, Apply) and n.function == "isempty" for n in o.parts(plan.root)) == negated
    logged = [{"Identity": str(n), "TargetResources": value} for n, value in enumerate(ARRAYS)]
    found = {int(str(row[0])) for row in translator.run(f"{kql} | project Identity", {"AuditLogs": logged}).rows}
    assert found
    for spaces in (None, (",", ":"), (" ,\n", ": ")):
        texts = [json.dumps(value, separators=spaces) if value is not None else "" for value in ARRAYS]
        assert {n for n, t in enumerate(texts) if t and bool(re.search(str(asked.args[1].value), t)) != negated} == found


@pytest.mark.parametrize(("key", "written"), [("identity_claim_appid_g", True), ("other_s", False)])
def test_an_identifier_is_not_joined_with_a_text(key: str, written: bool) -> None:
    """A text in any case of its letters is equal to it."""
    known = "AzureDiagnostics | where OperationName == 'x' | summarize c = count() by k = identity_claim_appid_g"
    kql = f"AzureDiagnostics | where OperationName == 'y' | extend k = {key} | join kind=inner ({known}) on k | where c > 2 | project k"
    assert (piped("esql", rule(kql), OPTIONS) is not None) == written


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_an_array_is_searched_in_its_json(target: str) -> None:
    asked = "AuditLogs | where set_has_element(TargetResources, 'identity') and OperationName == 'x'"
    output = convert(rule(asked), (target,)).outputs[target]
    assert output.verdict.rank <= Verdict.SAME_ALERTS.rank and '"identity' in output.text.replace("\\", "")


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_what_is_shown_of_the_one_row_that_a_join_keeps_is_of_one_row(target: str) -> None:
    kql = f"{SIGNINS} | project u = UserPrincipalName, i = IPAddress, a = AppDisplayName"
    kql += f" | join kind=innerunique ({CHANGES} | project u = Identity, o = OperationName) on u | project u, i, a"
    output = piped(target, rule(kql), OPTIONS)
    assert output is not None
    tables = {"SigninLogs": events(random.Random(7), 40), "AuditLogs": audits(random.Random(7), 12)}
    rows = {tuple(e[name] or "" for name in ("AppDisplayName", "IPAddress", "UserPrincipalName")) for e in tables["SigninLogs"]}
    assert sorted(output.columns) == ["a", "i", "u"]
    assert all(found and found.keys() <= rows for found in found_by(target, output, tables))


@pytest.mark.parametrize(
    "joined",
    [
        "on u | where t > TimeGenerated | project u, i, o",
        "on u | where i has '10.0.0.2' and t > TimeGenerated - 9m | summarize c = count(), d = dcount(o) by u, i",
        "on u | extend k = strcat(i, o) | where k !has 'Portal' | project k, u",
    ],
)
def test_a_filter_of_the_one_row_that_a_join_keeps_is_not_written_as_one_of_the_newest(joined: str) -> None:
    """KQL may keep any row of a key, and what its engine keeps is the first; Splunk finds the newest one first."""
    kql = f"{SIGNINS} | project TimeGenerated, u = UserPrincipalName, i = IPAddress"
    kql += f" | join ({CHANGES} | project u = Identity, o = OperationName, t = TimeGenerated) {joined}"
    assert piped("splunk", rule(kql), OPTIONS) is None
    output = convert(rule(kql), ("splunk",), OPTIONS).outputs["splunk"]
    assert output.verdict.rank > Verdict.SAME_ALERTS.rank


def test_a_data_model_has_a_command_of_its_own() -> None:
    kql = "imAuthentication | where TimeGenerated > ago(2h) | summarize d = dcount(TargetUsername), c = count() by SrcIpAddr"
    output = translator.convert(rule(f"{kql} | where d * 2 > c"), ("splunk",)).outputs["splunk"]
    first, second, *_ = output.text.split("\n| ")
    assert output.verdict.rank <= 1 and (first, second) == (
        '| from datamodel:"Authentication.Authentication"',
        'eval src=nullif(src, "unknown"), user=nullif(user, "unknown")',
    )


@pytest.mark.parametrize(
    ("modelled", "tags"),
    [
        ("imFileEvent | where TargetFileName endswith 'x.log' | project Computer = DvcHostname", 'tag="endpoint" tag="filesystem"'),
        ("imDns | where DnsQuery has 'x.log' | project Computer = SrcIpAddr", 'tag="network" tag="resolution" tag="dns"'),
        # events that its tags do not tell, with fields that the model computes
        ("imProcessCreate | where CommandLine has 'x' | project Computer = DvcHostname", ""),
    ],
)
def test_events_of_a_data_model_beside_others_are_found_by_its_tags(modelled: str, tags: str) -> None:
    beside = "SecurityEvent | where EventID == 4663 and ObjectName endswith 'x.log' | project Computer"
    found = rule(f"union ({beside}), ({modelled}) | summarize c = count() by Computer | where c > strlen(Computer)")
    output = piped("splunk", found, Options())
    assert (output is not None) == (tags != "")
    if output is not None:
        assert tags in output.text.split("\n")[0] and "datamodel" not in output.text
        assert translator.prove(found, "splunk", text=output.text).outcome.value == "proven"


@pytest.mark.parametrize(
    ("behind", "good"),
    [
        ("", True),
        ("| where AccountCustomEntity != 'x' | sort by n", True),
        ("| where n > 3", False),
        ("| where EventVendor != 'x'", False),
        ("| extend HostCustomEntity = EventVendor", False),
        ("| top 3 by n", False),
        ("| summarize count() by AccountCustomEntity, n", False),
    ],
)
def test_a_key_that_only_tells_rows_apart_may_have_other_values(behind: str, good: bool) -> None:
    kql = "imProcessCreate | where CommandLine has 'evil' | summarize n = count() by u = CommandLine, EventVendor, EventProduct"
    output = piped("esql", rule(f"{kql} | extend AccountCustomEntity = u {behind}"), Options())
    assert (output is not None) == good and (output is None or output.verdict == Verdict.SAME_ALERTS)


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_what_the_product_spells_in_its_own_way_is_not_compared_behind_the_head(target: str) -> None:
    kql = "imAuthentication | where TimeGenerated > ago(2h) | summarize c = count(), d = dcount(SrcIpAddr) by r = EventResult"
    output = translator.convert(rule(f"{kql} | where r == 'Failure' and c > d"), (target,)).outputs[target]
    assert output.verdict.rank > 1 and "Failure" not in output.text


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize(
    "kql",
    [
        "| summarize f = countif(EventResult == 'Failure'), c = count() by SrcIpAddr | where f * 2 > c",
        "| summarize f = countif(EventResult !in~ ('failure', 'success')), c = count() by SrcIpAddr | where c - f > 1",
        "| extend s = iff(EventResult =~ 'success', 2, 1) | summarize s = sum(s), c = count() by SrcIpAddr | where s > c + 1",
    ],
)
def test_what_is_asked_of_a_text_is_told_by_the_head_in_the_words_of_the_product(kql: str, target: str) -> None:
    output = piped(target, rule(f"imAuthentication | where TimeGenerated > ago(2h) {kql}"), Options())
    assert output is not None and output.verdict.rank <= 1 and "EventResult_told" in output.text and "Failure" not in output.text


def test_what_the_head_tells_is_what_the_query_asks() -> None:
    kql = "imAuthentication | where TimeGenerated > ago(2h) | summarize f = countif(EventResult == 'Failure'), c = count() by SrcIpAddr"
    assert translator.prove(rule(f"{kql} | where f * 2 > c"), "esql").outcome.value == "proven"


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_random_queries_whose_heads_tell_what_is_asked_of_texts(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = pipeline.reading_of
    monkeypatch.setattr(pipeline, "reading_of", lambda *given: None if given[3] else read(*given[:3], True, given[4]) or read(*given))
    pick, told = random.Random(28), 0
    generator = Generator(pick)
    for _ in range(40):
        output, difference = checked(generator.query(), events(pick, 20), audits(pick, 8), target)
        told += output is not None and "_told" in output.text
        assert difference == ""
    assert told > 2


def test_a_field_that_is_joined_with_itself_may_be_spelled_in_any_way() -> None:
    seen = (
        "OfficeActivity | where TimeGenerated {0} and RecordType == 'SharePointFileOperation' | summarize c = count() by UserAgent,"
        " RecordType"
    )
    before = seen.format("between (ago(7d) .. ago(1d))")
    kql = f"{seen.format('> ago(1d)')} | join kind=leftanti ({before}) on UserAgent, {{0}} | where c > 2"
    assert piped("splunk", rule(kql.format("RecordType")), Options()) is not None
    assert piped("splunk", rule(kql.format("$left.RecordType == $right.UserAgent")), Options()) is None


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize(
    "kql",
    [
        "union (AuditLogs | where TimeGenerated > ago(2h) | project k = Identity), (SigninLogs | where TimeGenerated > ago(2h) | where"
        " ResultType == '0' | join kind=leftouter (SigninLogs | where TimeGenerated > ago(2h) | where ResultType != '0') on"
        " UserPrincipalName | project k = UserPrincipalName) | summarize c = count() by k",
        "union (union (SigninLogs | where TimeGenerated > ago(2h) | join kind=leftsemi (AuditLogs | where TimeGenerated > ago(2h)) on"
        " $left.UserPrincipalName == $right.Identity | project k = UserPrincipalName), (AuditLogs | where TimeGenerated > ago(2h) | where"
        " Result == 'q' | project k = Identity)), (AuditLogs | where TimeGenerated > ago(2h) | where Result == 'r' | project"
        " k = OperationName) | summarize c = count() by k",
        "AuditLogs | where TimeGenerated > ago(2h) | join kind=inner (union (SigninLogs | where TimeGenerated > ago(2h) | where"
        " ResultType == '0'), (SigninLogs | where TimeGenerated > ago(2h) | where AppDisplayName has 'portal')) on"
        " $left.Identity == $right.UserPrincipalName | project OperationName, IPAddress",
    ],
)
def test_rows_of_no_part_and_copies_of_events(kql: str, target: str) -> None:
    for seed in range(4):
        output, difference = checked(kql, events(random.Random(seed), 30), audits(random.Random(seed), 9), target)
        assert output is not None and difference == ""


HELD = [
    '[1, "a", null, {"b": "x"}]', "{}", " [ ] ", '{"b": [1,2], "c": "q"}', '"t"', "plain", "", None, '[[1], [], {"b":{}}]', "12", "null",
    '{"b": {"b":"\\"],["}, "*": "*"}', '["*", "a, b"]', '[{"b": [{"b":[[[1]]]}]}]', "[x", "[x, y", '[{"b": "x"}] z', '["*"], 1',
]  # fmt: skip


NUMBERS = [
    "x", " 7", "+5", "-5", "0x1F", "5.5", "3000000000", "1e3", "9223372036854775807", "9223372036854775808", "0X1f", "-0x1F", "+0x1", "- 5",
    "", None, "007", "0x7FFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFF", "0x", "-0x80000000", "0x80000000", "1_0",
]  # fmt: skip


@pytest.mark.parametrize(
    "behind",
    [
        "| summarize c = count() by n",
        "| where n < 8 or m > 30 | summarize c = count() by IPAddress",
        "| where isnull(m) and isnotnull(n) | summarize c = count() by AppDisplayName",
        "| where n == strlen(AppDisplayName) or n == m | summarize c = count() by AppDisplayName",
        "| where not(n > 7) or isnull(n) | summarize c = count() by AppDisplayName",
    ],
)
def test_a_text_is_read_as_the_whole_number_that_it_spells(behind: str) -> None:
    for seed in range(6):
        pick = random.Random(seed)
        logged = [{**event, "AppDisplayName": pick.choice(NUMBERS)} for event in events(pick, 40)]
        kql = f"{SIGNINS} | extend n = tolong(AppDisplayName), m = toint(AppDisplayName) {behind}"
        output, difference = checked(kql, logged, target="esql")
        assert output is not None and difference == "", seed


@pytest.mark.parametrize(
    "behind",
    [
        "| extend b = tostring(x.b) | summarize c = count() by b",
        "| where tostring(x) == '*' | summarize c = count() by IPAddress",
        "| where tostring(x.c) == 'q' or tostring(x) in ('a', 'plain') | summarize c = count() by IPAddress",
        "| summarize c = count() by IPAddress",
        "| mv-expand y = x.b | extend z = tostring(y.b) | summarize c = count(), n = countif(z != '') by IPAddress, z",
    ],
)
@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_what_holds_json_is_taken_apart_as_it_is(behind: str, target: str) -> None:
    for seed in range(6):
        pick = random.Random(seed)
        logged = [{**event, "AppDisplayName": pick.choice(HELD)} for event in events(pick, 40)]
        output, difference = checked(f"{SIGNINS} | extend x = parse_json(AppDisplayName) | mv-expand x {behind}", logged, target=target)
        assert output is not None and difference == "", seed


CHANGED_ALIKE = f"({SIGNINS} | project k = UserPrincipalName, v = IPAddress{{0}}), ({CHANGES} | project k = Identity, v = Result{{1}})"


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize(
    ("behind", "summaries"),
    [
        (" | summarize c = count(), d = dcount(v) by k | where c > 1 and d > 1", 1),
        (" | extend t = 'x' | summarize c = count() by k, v | summarize n = count(), c = sum(c) by k | where n > 1 | project k, n, c", 2),
        (" | summarize c = count() by k, v | where c > 1 | distinct k", 1),
        (" | summarize s = make_set(v), c = count() by k | mv-expand z = s to typeof(string) | where z != '1.1.1.1' | project k, c, z", 1),
    ],
)
def test_parts_that_summarize_two_tables_alike_are_one_summary(behind: str, summaries: int, target: str) -> None:
    kql = f"union {CHANGED_ALIKE.format(behind, behind)}"
    for seed in range(3):
        output, difference = checked(kql, events(random.Random(seed), 30), audits(random.Random(seed), 9), target)
        assert output is not None and difference == ""
        counted = [line for line in output.text.lower().splitlines() if "stats " in line and "max(c)" not in line and " c" in line]
        assert len(counted) == summaries


@pytest.mark.parametrize(("second", "keys"), [(("AuditLogs", "Result"), 2), (("_Im_Dns", "SrcIpAddr"), 3)])
def test_only_the_type_of_a_table_tells_which_one_rows_are_of(second: tuple[str, str], keys: int) -> None:
    parts = ", ".join(f"({table} | summarize c = count() by k = {key}, Type)" for table, key in (("SigninLogs", "Identity"), second))
    plan = bind(parse(f"union {parts}"), catalog.schemas())
    (united,) = (n for n in o.relations(with_alike_parts_united(plan.root, itertools.count(10_000))) if isinstance(n, o.Aggregate))
    assert len(united.keys) == keys


@pytest.mark.parametrize(
    "parts",
    [
        CHANGED_ALIKE.format(" | summarize c = count() by k | where c > 1", " | summarize c = count() by k | where c > 2"),
        CHANGED_ALIKE.format(" | summarize c = count() by k", " | summarize c = dcount(v) by k"),
        f"({SIGNINS} | summarize c = count() by IPAddress), ({SIGNINS} | where ResultType == '0' | summarize c = count() by IPAddress)",
        f"({SIGNINS} | summarize c = count(), d = count()), ({CHANGES} | summarize c = count(), d = count())",
    ],
)
def test_parts_that_differ_or_share_events_stay_apart(parts: str) -> None:
    plan = bind(parse(f"union {parts}"), catalog.schemas())
    fresh = itertools.count(10_000)
    assert any(isinstance(n, o.Union) for n in o.relations(with_alike_parts_united(plan.root, fresh)))
    united = [n for n in o.relations(with_alike_parts_united(plan.root, fresh)) if isinstance(n, o.Aggregate)]
    assert len(united) == 2


def test_terms_that_are_looked_for_in_a_computed_text_are_one_pattern() -> None:
    asked = " or ".join(f"who has '{name}'" for name in ("ann", "bob", "eve"))
    kql = f"{SIGNINS} | extend who = strcat(UserPrincipalName, '/', AppDisplayName) | summarize c = count() by who | where {asked}"
    for target in ("splunk", "esql"):
        for seed in range(3):
            output, difference = checked(kql, events(random.Random(seed), 30), target=target)
            assert output is not None and difference == "" and "(ann|bob|eve)" in output.text


def test_a_union_of_whole_tables_shows_what_is_asked_for() -> None:
    whole = "union (SigninLogs | where ResultType == '0'), AADNonInteractiveUserSignInLogs"
    counted = f"{whole} | join kind=inner (AuditLogs | summarize n = count() by Identity) on $left.UserPrincipalName == $right.Identity"
    output = piped("splunk", rule(f"{counted} | where n > 3"), Options())
    assert output is not None and "UserPrincipalName" in output.text and "correlationId" not in output.text


def test_places_that_end_in_one_name_have_names_of_their_own() -> None:
    sides = "a = tostring(InitiatedBy.user.displayName), b = tostring(InitiatedBy.app.displayName)"
    measured = (
        f"AuditLogs | extend {sides} | summarize n = count(), m = sum(strlen(a) + 2 * strlen(b)) by Result | extend r = m / n | where r > 1"
    )
    text = translator.convert(rule(measured), ("splunk",)).outputs["splunk"].text
    for name, place in (("displayName", "user"), ("displayName_2", "app")):
        assert f"{name}=coalesce('properties.initiatedBy.{place}.displayName', \"\")" in text
    assert "len(displayName)+(2*len(displayName_2))" in text


def test_tables_that_lie_in_one_place_share_events() -> None:
    parts = ", ".join(f"({t} | where TimeGenerated > ago(2h) | project u = DvcHostname)" for t in ("imProcessCreate", "imProcess"))
    output = translator.convert(rule(f"union {parts} | summarize c = count() by u | where c * 2 > 3"), ("esql",)).outputs["esql"]
    assert output.verdict.rank > 1 or "MV_EXPAND" in output.text


def test_what_no_lane_says_is_written_loosely_and_said() -> None:
    series = "make-series n = count() on TimeGenerated from ago(2h) to now() step 10m by IPAddress | mv-expand n to typeof(long)"
    kql = f"{SIGNINS} | where ResultType != '0' | {series} | where n > 3"
    for target in ("splunk", "esql"):
        output = translator.convert(rule(kql), (target,), OPTIONS).outputs[target]
        assert output.verdict.value == "differs" and "ResultType" in output.text
        assert {"operator-dropped", "condition-dropped"} <= {d.code for d in output.diagnostics}


def test_what_sorts_and_what_tells_tables_apart_keeps_its_meaning() -> None:
    ordered = piped("splunk", rule(f"{SIGNINS} | summarize d = dcount(IPAddress) by UserPrincipalName | top 3 by d asc"), OPTIONS)
    assert ordered is not None and "| sort 0 +d\n" in ordered.text  # a bare d at the end turns the order around
    parts = (
        f"({SIGNINS} | extend sourcetype = 'a', z = 'q'), (AuditLogs | where TimeGenerated > ago(2h) | extend sourcetype = 'b', z = 'r')"
    )
    output, difference = checked(
        f"union {parts} | summarize c = count(), d = dcount(z) by t = sourcetype", *(make(random.Random(1), 9) for make in (events, audits))
    )
    assert output is not None and difference == ""


@pytest.mark.parametrize(
    "kql",
    [
        "| summarize c = countif(isnotnull(Bytes)), d = countif(isnull(Bytes)) by Host",
        "| extend x = iff(isnull(Bytes), 'none', Host) | summarize c = count() by x",
        "| summarize c = count() by Bytes | where isnotnull(Bytes)",
    ],
)
def test_a_number_of_unknown_type_may_be_missing(kql: str) -> None:
    text = f"Bespoke_CL {kql}"
    output = piped("splunk", rule(text), OPTIONS)
    assert output is not None and output.verdict.value == "exact"
    rows: list[dict[str, object]] = [{"TimeGenerated": NOW - dt.timedelta(minutes=n), "Host": "h", "Bytes": n} for n in range(3)]
    rows.append({"TimeGenerated": NOW - dt.timedelta(minutes=4), "Host": "h", "Bytes": None})
    wanted = rows_of(text, {"Bespoke_CL": rows}, sorted(output.columns))
    assert wanted and found_by("splunk", output, {"Bespoke_CL": rows}) == [wanted, wanted]


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_a_column_of_unknown_type_that_is_the_time_of_an_event_is_compared_as_one(target: str) -> None:
    kql = "TeamsData | where CreationTime > ago(1d) | where AddOnName in ((TeamsData | where CreationTime > ago(14d) | project AddOnName))"
    output = convert(rule(kql), (target,)).outputs[target]
    assert output.verdict.value == "exact"
    compared = {"splunk": "_time>(now()-86400)", "esql": "@timestamp > (NOW() - 86400 seconds)"}
    assert compared[target] in output.text


@pytest.mark.parametrize(
    ("ending", "decides"), [("sort by t", False), ("top 3 by t", True), ("where t < ago(1h)", False), ("where TimeGenerated1 < t", True)]
)
def test_what_only_sorts_decides_nothing(ending: str, decides: bool) -> None:
    changes = f"{CHANGES} | project u = Identity, TimeGenerated1 = TimeGenerated"
    joined = f"project t = TimeGenerated, u = UserPrincipalName | join ({changes}) on u"
    output = piped("splunk", rule(f"{SIGNINS} | {joined} | {ending} | project t, AccountCustomEntity = u"), OPTIONS)
    assert (output is None) == decides and (output is None or output.verdict is Verdict.SAME_ALERTS)


IN_JSON = [
    2,
    -2,
    0,
    2.7,
    -2.7,
    1e9,
    3e9,
    -3e9,
    2**31,
    -(2**31) - 1,
    2**32 + 1,
    True,
    False,
    "2",
    " 0x1F ",
    "2.7",
    "true",
    "x",
    "",
    [1],
    {"a": 1},
]


def test_what_stands_in_a_text_of_json_under_any_name_is_read_by_that_name() -> None:
    held = ['{"User Account": "ann"}', '{"User Account": "bob", "x": {"a.b": "ann"}}', '{"x": {"a.b": "bob"}}', "[1]", "ann", ""]
    behind = "extend who = tostring(parse_json(AppDisplayName)['User Account']), other = tostring(parse_json(AppDisplayName).x['a.b'])"
    for seed in range(4):
        pick = random.Random(seed)
        logged = [{**event, "AppDisplayName": pick.choice(held)} for event in events(pick, 40)]
        output, difference = checked(f"{SIGNINS} | {behind} | summarize c = count() by who, other", logged)
        assert output is not None and output.verdict.rank <= Verdict.SAME_ALERTS.rank and difference == "", seed
        assert "json-in-string" not in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    "taken",
    [
        "extend user = extract(@'user (\\w+)', 1, SyslogMessage) | where user == 'ann'",
        "parse SyslogMessage with * 'user ' user ' from' * | where user == 'ann'",
        "extend user = extract_all(@'user=(\\w+)', SyslogMessage) | where array_length(user) > 0",
    ],
)
def test_a_column_that_is_taken_from_a_text_is_no_field_that_events_have_of_its_name(taken: str) -> None:
    query = f"Syslog | {taken} | project Computer, user"
    output = translator.convert(rule(query), ("splunk",), Options(fields="source")).outputs["splunk"]
    assert output.verdict in (Verdict.EXACT, Verdict.SAME_ALERTS)
    assert "rex field=SyslogMessage" in output.text
    event = {"sourcetype": "Syslog", "SyslogMessage": "closed", "user": "ann", "_time": NOW.timestamp() - 60}
    assert not spl_reader.run(output.text, [event], NOW.timestamp())


@pytest.mark.parametrize(
    "taken",
    [
        "parse AppDisplayName with * 'user ' user ' from ' address ':' port",
        "extend user = extract('(?s)user (.*)$', 1, AppDisplayName), address = extract('(b|(x)):', 2, AppDisplayName), port = 'n'",
        "extend user = extract('.*m', 0, AppDisplayName), address = extract('^user (a?)', 1, AppDisplayName), port = 'n'",
        "extend user = extract('user (.*?) ', 1, AppDisplayName), address = 'n', port = extract('', 0, Identity)",
        "extend user = extract('(?i)USER (\\\\w+)', 1, AppDisplayName), address = extract('(a*)', 1, AppDisplayName), port = 'n'",
    ],
)
@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_what_is_taken_from_one_text_by_one_expression_is_written_once(target: str, taken: str) -> None:
    behind = "extend behind = extract(@'([a-z]+)$', 1, AppDisplayName) | where user != 'eve' or behind != ''"
    texts = ["user ann from 10.0.0.1:22", "user  from :", "user bob", "", "USER eve from x:1", "user a from b:c\nd", "user a from b:c\n"]
    pick = random.Random(1)
    logged = [{**event, "AppDisplayName": pick.choice(texts)} for event in events(pick, 60)]
    query = f"{SIGNINS} | {taken} | {behind} | summarize c = count() by user, address, port, behind"
    output, difference = checked(query, logged, target=target)
    assert output is not None and output.verdict.rank <= Verdict.SAME_ALERTS.rank and difference == ""
    if "parse" in taken:
        assert (output.text.count("rex field="), "user_2" in output.text) == (2 if target == "splunk" else 0, False)


WITH_KEYS = [
    '[{"k":"a","v":"1"},{"k":"b","v":"2"}]', '[{"k":"a","v":""}]', '[{"k":"a"}]', '[{"v":"1"}]', "[]", "{}", "", "x", '{"k":"a","v":"1"}',
    '[{"k":"b","v":"A"},{"k":"A","v":"x"}]', '[{"k":"a","v":"q"},{"k":"a","v":"q"}]', '[1,"a",{"k":"a","v":"1"}]',
    '[{"k":"a","v":{"w":1}}]',    '[{"k":"a","v":"z","w":"y"},{"k":"b","v":"z","w":"z"}]',
]  # fmt: skip
BAG = "mv-apply p = parse_json(AppDisplayName) on (summarize b = make_bag(bag_pack(tostring(p.k), tostring(p.v))))"
BAG_OF_BAGS = BAG.replace("tostring(p.v)", "bag_pack('o', tostring(p.v), 'n', tostring(p.w))")


@pytest.mark.parametrize(
    "kql",
    [
        f"{BAG} | where b.a == '1' | project UserPrincipalName, AppDisplayName, x = tostring(b.b)",
        f"{BAG} | where b.a != '1' | project UserPrincipalName, AppDisplayName",
        f"{BAG} | where tostring(b.a) != tostring(b.b) | project UserPrincipalName, AppDisplayName",
        f"{BAG} | where isempty(b.a) and isnotempty(b.b) or bag_has_key(b, 'A') | project UserPrincipalName, AppDisplayName",
        f"{BAG} | where not(bag_has_key(b, 'a')) and b.b !has 'q' | project UserPrincipalName, AppDisplayName",
        f"{BAG_OF_BAGS} | where tostring(b.a.o) != tostring(b.b.n) | project UserPrincipalName, AppDisplayName",
        f"{BAG_OF_BAGS} | summarize c = count(), d = dcount(tostring(b.a.o)) by x = tostring(b.a.n) | where c >= d",
        f"mv-expand q = parse_json(AppDisplayName) | {BAG} | where q.k == 'a' and b.b == '2' | project UserPrincipalName, IPAddress",
        f"where IPAddress in ((AuditLogs | project Identity)) or ResultType == '0' | {BAG} | where b.a == '1' | project UserPrincipalName",
        "summarize b = make_bag(bag_pack(ResultType, IPAddress)) by UserPrincipalName, IPAddress | where b['0'] startswith '1'"
        " | project UserPrincipalName, IPAddress",
        "summarize b = make_bag(bag_pack(ResultType, IPAddress)) by UserPrincipalName, IPAddress | evaluate bag_unpack(b)"
        " | where ['0'] startswith '1' | project UserPrincipalName, IPAddress",
    ],
)
def test_what_a_query_reads_of_a_bag_that_it_makes_is_found_where_it_makes_it(kql: str) -> None:
    for seed in range(4):
        pick = random.Random(seed)
        logged = [{**event, "AppDisplayName": pick.choice(WITH_KEYS)} for event in events(pick, 60)]
        output, difference = checked(f"{SIGNINS} | {kql}", logged, audits(pick, 9))
        assert output is not None and output.verdict is Verdict.SAME_ALERTS and difference == "", (seed, difference)


def test_a_bag_with_a_limit_may_lack_any_key() -> None:
    made = "summarize b = make_bag(bag_pack(ResultType, IPAddress), 2) by UserPrincipalName"
    assert piped("splunk", rule(f"{SIGNINS} | {made} | where b['0'] startswith '1' | project UserPrincipalName"), OPTIONS) is None


@pytest.mark.parametrize(
    ("kql", "verdict"),
    [
        ("project UserPrincipalName, d = parse_json(AppDisplayName) | evaluate bag_unpack(d)", Verdict.SAME_ALERTS),
        ("project UserPrincipalName, d = parse_json(AppDisplayName) | evaluate bag_unpack(d) | where a == 'x' | project UserPrincipalName",
         Verdict.EXACT),
    ],
)  # fmt: skip
def test_what_is_unpacked_of_a_bag_beside_columns_that_are_all_named_is_of_the_bag(kql: str, verdict: Verdict) -> None:
    held = ['{"a":"x"}', '{"a":"y","b":1}', '{"b":2}', "{}"]
    for seed in range(3):
        pick = random.Random(seed)
        logged = [{**event, "AppDisplayName": pick.choice(held)} for event in events(pick, 40)]
        output, difference = checked(f"{SIGNINS} | {kql}", logged)
        assert output is not None and output.verdict is verdict and (verdict is Verdict.SAME_ALERTS or difference == ""), (seed, difference)


BYTES = [
    b"ann", b"annabel", b"an", b"a%00b", b"x\ny\tz", bytes(range(1, 128)), "\u00dcn\u00ef \u4e00 \U0001f600".encode(),
    "tcp $x".encode("utf-16-le"), b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe2\x82",
]  # fmt: skip
NO_BASE64 = ["", "====", "A", "AB", "ABC", "A===", "AB=C", "YW5u\n", " YW5u", "YW5u,", "YW 5", "%41%"]


@pytest.mark.parametrize(
    ("decoded", "verdict"),
    [
        ("extend d = base64_decode_tostring(AppDisplayName) | summarize c = count() by AppDisplayName, n = strlen(d), e = d has 'tcp'",
         Verdict.SAME_ALERTS),
        ("where isempty(base64_decode_tostring(AppDisplayName)) | summarize c = count() by AppDisplayName", Verdict.SAME_ALERTS),
        (r"extend d = replace_string(base64_decode_tostring(AppDisplayName), '\u0000', '') | summarize c = count() by d", Verdict.EXACT),
        (r"extend d = base64_decode_tostring(AppDisplayName) | extend t = replace(@'\0', '', d) | where t has 'tcp' or t contains 'ann'"
         " | summarize c = count() by t", Verdict.EXACT),
        # what it looks for is no character of a text here
        (r"where base64_decode_tostring(AppDisplayName) matches regex @'c\x00' | summarize c = count() by AppDisplayName", None),
    ],
)  # fmt: skip
def test_base64_is_decoded_as_far_as_it_is_some_of_a_text(decoded: str, verdict: Verdict | None) -> None:
    held = [*(base64.b64encode(b).decode() for b in BYTES), *NO_BASE64]
    for seed in range(3):
        pick = random.Random(seed)
        logged = [{**event, "AppDisplayName": pick.choice(held)} for event in events(pick, 60)]
        output, difference = checked(f"{SIGNINS} | {decoded}", logged)
        assert (None if output is None else output.verdict) is verdict and difference == "", seed


@pytest.mark.parametrize("function", ["toint", "tolong", "todouble"])
@pytest.mark.parametrize("value", IN_JSON, ids=str)
def test_a_number_in_json_is_no_text_of_digits(value: object, function: str) -> None:
    held = json.dumps({"v": value})
    wanted = translator.run(f"print x = {function}(parse_json('{held}').v)").rows[0][0]
    typed = number_inside(function, "t", 'json_extract(_raw, "v", "v")')
    event = {"_raw": held, "_time": 0}
    (row,) = spl_reader.run(f'* | eval t=coalesce(json_extract(_raw, "v"), ""), x={typed} | table x', [event], now=0)
    assert row.get("x") == wanted


@pytest.mark.parametrize(
    ("read", "place"),
    [
        (
            "OfficeActivity | extend r = toint(parse_json(Members)[0].Role) | where r == 2",
            'json_extract(_raw, "Members{0}.Role", "Members{0}.Role")',
        ),
        (
            "CloudAppEvents | extend r = todouble(RawEventData.Size), UserId = AccountId, Operation = ActionType | where r > 2",
            'json_extract(json_extract(_raw, "properties.RawEventData"), "Size", "Size")',
        ),
    ],
)
def test_a_number_at_a_place_in_json_is_read(read: str, place: str) -> None:
    output = piped("splunk", rule(f"{read} | summarize c = count(), d = dcount(UserId) by Operation | where c > d"), Options())
    assert output is not None and place in output.text


@pytest.mark.parametrize("place", ["parse_json(AppDisplayName).v", "tostring(parse_json(AppDisplayName).v)"])
@pytest.mark.parametrize("function", ["toint", "tolong", "todouble"])
def test_a_number_in_a_text_of_json_is_read_and_so_is_its_text(function: str, place: str) -> None:
    read = [value for value in IN_JSON if "tostring" not in place or value not in (1e9, 3e9, -3e9)]  # whose text has a fraction in KQL
    held = [*(json.dumps({"v": value}) for value in read), "{}", "[7]", "7", "x", ""]
    behind = f"extend n = {function}({place})"
    for seed in range(4):
        pick = random.Random(seed)
        logged = [{**event, "AppDisplayName": pick.choice(held)} for event in events(pick, 40)]
        output, difference = checked(f"{SIGNINS} | {behind} | summarize c = count(), d = dcount(n) by AppDisplayName", logged)
        assert output is not None and output.verdict.rank <= Verdict.SAME_ALERTS.rank and difference == "", (seed, difference)


@pytest.mark.parametrize(
    ("key", "asked", "faithful"),
    [
        ("CompromisedEntity", "CompromisedEntity startswith 'a' and c > d", False),
        ("CompromisedEntity", "c > d", False),
        ("Status", "c > d", True),
    ],
)
def test_a_field_that_holds_something_else_is_neither_compared_behind_the_head_nor_a_key(key: str, asked: str, faithful: bool) -> None:
    alerts = "SecurityAlert | where TimeGenerated > ago(1d) | where ProviderName == 'MDATP'"
    counted = f"summarize c = count(), d = dcount(AlertName) by {key}"
    output = piped("splunk", rule(f"{alerts} | {counted} | where {asked}"), Options())
    assert (output is not None) == faithful


@pytest.mark.parametrize(
    ("table", "key", "faithful"),
    [
        # chosen by a value that the product has another word for
        ("VMConnection", "RemoteIp", True),
        ("VMConnection", "Direction", False),
        # beside a column inside of which it is
        ("ZoomLogs", "payload_object_registrant_email_s", True),
        ("ZoomLogs", "tostring(parse_json(RoomEvents).CalendarName)", False),
    ],
)
def test_what_chooses_a_value_and_what_it_stands_in_may_be_spelled_in_any_way(table: str, key: str, faithful: bool) -> None:
    kql = f"{table} | where TimeGenerated > ago(1d) | summarize c = count() by k = {key} | where strlen(k) > c"
    assert (piped("splunk", rule(kql), Options()) is not None) == faithful


@pytest.mark.parametrize(("target", "place"), [("splunk", "cisco:asa"), ("esql", "cisco_asa.log")])
def test_what_is_only_shown_does_not_decide_where_events_are(target: str, place: str) -> None:
    kql = "CommonSecurityLog | where TimeGenerated > ago(1d) and SourceIP == '1.2.3.4' | summarize c = count(), f = take_any(FlexString1)"
    output = piped(target, rule(f"{kql} by DestinationIP | where c > strlen(DestinationIP)"), Options())
    assert output is not None and place in output.text and "events-elsewhere" not in {d.code for d in output.diagnostics}


def test_what_is_cut_off_is_said() -> None:
    listed = piped("splunk", rule(f"{SIGNINS} | summarize l = make_list(IPAddress) by UserPrincipalName"), OPTIONS)
    assert listed is not None and [d.code for d in listed.diagnostics] == ["columns-differ"]
    counted = f"{SIGNINS} | summarize result_count = count(), c = count() by IPAddress"
    assert piped("splunk", rule(counted, trigger_operator="gt", trigger_threshold=5), OPTIONS) is None


def test_the_lane_is_taken_where_no_other_one_is_as_good() -> None:
    summary = "| summarize f = countif(ResultType != '0'), c = count() by UserPrincipalName"
    ratio = translator.convert(rule(f"{SIGNINS} {summary} | where f * 2 > c"), ("splunk",), OPTIONS).outputs["splunk"]
    plain = translator.convert(rule(f"{SIGNINS} | summarize c = count() by IPAddress | where c > 3"), ("splunk",), OPTIONS).outputs[
        "splunk"
    ]
    assert (ratio.lane, ratio.verdict.value, plain.lane) == ("pipeline", "exact", "native")
    assert ratio.lookback == 7200


CALLS = {
    "tolower": "tolower(IPAddress)", "toupper": "toupper(IPAddress)", "strlen": "strlen(IPAddress)",
    "countof": "countof(IPAddress, '.')", "string_size": "string_size(IPAddress)", "tohex": "tohex(strlen(IPAddress))",
    "indexof": "indexof(IPAddress, '.')",
    "max_of": "max_of(strlen(IPAddress), 3)", "min_of": "min_of(strlen(IPAddress), 3)", "strcat": "strcat(IPAddress, '-')",
    "substring": "substring(IPAddress, 1, 2)", "split": "tostring(split(IPAddress, '.')[1])", "extract": "extract('a(.)', 1, IPAddress)",
    "replace_regex": "replace_regex(IPAddress, 'a+', 'b')", "replace_string": "replace_string(IPAddress, 'a', 'b')",
    "tostring": "tostring(strlen(IPAddress))", "todouble": "todouble(AutonomousSystemNumber) / 2",
    "replace": "replace('a+', 'b', IPAddress)", "trim": "trim('a', IPAddress)", "trim_start": "trim_start('a', IPAddress)",
    "trim_end": "trim_end('a', IPAddress)", "iff": "iff(IPAddress has 'a', 'b', 'c')",
    "case": "case(IPAddress == 'a', 'b', IPAddress has 'c', 'd', 'e')", "coalesce": "coalesce(IPAddress, AppDisplayName)",
    "now": "now() - TimeGenerated", "bin": "bin(strlen(IPAddress), 2)", "startofday": "startofday(TimeGenerated)",
    "hourofday": "hourofday(TimeGenerated)", "startofweek": "startofweek(TimeGenerated)", "dayofweek": "dayofweek(TimeGenerated) / 1d",
    "datetime_diff": "datetime_diff('minute', now(), TimeGenerated)", "abs": "abs(strlen(IPAddress) - 5)",
    "tolong": "tolong(AutonomousSystemNumber)", "toint": "toint(AutonomousSystemNumber)",
    "hash_md5": "hash_md5(IPAddress)", "hash_sha1": "hash_sha1(IPAddress)", "hash_sha256": "hash_sha256(IPAddress)",
    "ceiling": "ceiling(todouble(strlen(IPAddress)) / 2)", "sqrt": "sqrt(strlen(IPAddress))",
    "round": "tostring(tolong(round(todouble(strlen(IPAddress)) / 4, 1) * 10))", "startofmonth": "startofmonth(TimeGenerated)",
    **{name: f"{name}(TimeGenerated)" for name in ("startofyear", "dayofyear", "dayofmonth", "getmonth", "monthofyear", "getyear")},
    **{f"unixtime_{u}_todatetime": f"unixtime_{u}_todatetime(strlen(IPAddress))" for u in ("seconds", "milliseconds", "microseconds")},
    "tobool": "tobool(AutonomousSystemNumber)", "base64_decode_tostring": "base64_decode_tostring(AppDisplayName)",
    "extract_all": "tostring(extract_all('([a-z0-9]+)', AppDisplayName))",
}  # fmt: skip
"""A call of each function that documentation lists for SPL or ES|QL."""

OF_SETS = {
    "array_sort_asc": "tostring(array_sort_asc(s))", "strcat_array": "strcat_array(array_sort_asc(s), '-')",
    **{name: f"array_length({name}(s, t))" for name in ("set_union", "set_difference", "set_intersect")},
}  # fmt: skip
"""A call of each function of the sets of a summary."""

CONDITIONS = {
    "ago": "TimeGenerated > ago(30m)", "not": "not(x has 'a')", "isempty": "isempty(x)", "isnotempty": "isnotempty(x)",
    "isnull": "isnull(strlen(x))", "isnotnull": "isnotnull(strlen(x))", "array_length": "strlen(x) > 1",
}  # fmt: skip


def listed(kind: str) -> list[tuple[str, str]]:
    """The functions, or the aggregates, that documentation lists as written, with the target."""
    known = functions() if kind == "function" else aggregates()
    names = sorted(f.name for f in known.values() if f.alias is None and f.kind == kind)
    return [(name, target) for target, spelled in (("splunk", spl.SPELLED), ("esql", esql.SPELLED)) for name in names if name in spelled]


@pytest.mark.parametrize(("name", "target"), listed("function"))
def test_every_listed_function_is_written(name: str, target: str) -> None:
    made, condition = CALLS.get(name, "strcat(IPAddress, '')"), CONDITIONS.get(name, "isnotempty(tostring(strlen(IPAddress)))")
    assert name in CALLS or name in CONDITIONS or name in OF_SETS
    kql = f"{SIGNINS} | extend x = {made} | where {condition} | summarize c = count(), d = dcount(ResultType) by x | where c + d > 1"
    if name in OF_SETS:
        sets = "s = make_set(strcat(IPAddress, '\\\\E')), t = make_set_if(strcat(IPAddress, '\\\\E'), ResultType == '0')"
        kql = f"{SIGNINS} | summarize {sets} by UserPrincipalName | extend x = {OF_SETS[name]} | summarize c = count() by x"
    output, difference = checked(kql, events(random.Random(1), 40), target=target)
    assert output is not None and difference == ""
    assert name == "array_length" or f"{name}(" in kql


AGGREGATES = {
    "count": "count()", "countif": "countif(ResultType == '0')", "sum": "sum(n)", "avg": "avg(n)", "min": "min(n)", "max": "max(n)",
    "dcount": "dcount(IPAddress)", "count_distinct": "count_distinct(IPAddress)", "sumif": "sumif(n, ResultType == '0')",
    "avgif": "avgif(n, ResultType == '0')", "minif": "minif(n, ResultType == '0')", "maxif": "maxif(n, ResultType == '0')",
    "dcountif": "dcountif(IPAddress, ResultType == '0')",
    **{name: f"{name}(n)" for name in ("stdev", "stdevp", "variance", "variancep")},
    **{name: f"{name}(n, ResultType == '0')" for name in ("stdevif", "varianceif", "variancepif")},
}  # fmt: skip
SHOWN = {"take_any", "take_anyif", "percentile"}
"""Aggregates that are written where they decide nothing: products differ in them, or any value will do."""


@pytest.mark.parametrize(("name", "target"), listed("aggregate"))
def test_every_listed_aggregate_is_written(name: str, target: str) -> None:
    if name in SHOWN or name.startswith(("make_", "arg_")):
        condition = ", ResultType == '0'" if name.endswith("if") else ", 50" if name == "percentile" else ""
        term = f"{name}(TimeGenerated, *)" if name.startswith("arg_") else f"x = {name}(n{condition})"
        kql = f"{SIGNINS} | extend n = strlen(AppDisplayName) | summarize {term} by UserPrincipalName"
        output = piped(target, rule(kql), OPTIONS)
        assert output is not None and ("x" in output.columns or name.startswith("arg_"))
        return
    kql = f"{SIGNINS} | extend n = strlen(AppDisplayName) | summarize x = {AGGREGATES[name]} by UserPrincipalName | where x > 1"
    output, difference = checked(kql, events(random.Random(2), 40), target=target)
    assert output is not None and difference == ""


@pytest.mark.parametrize(
    "kql",
    [
        "AuditLogs | where OperationName =~ 'Add member to role' | mv-expand TargetResources"
        " | extend changed = parse_json(TargetResources).modifiedProperties | mv-expand changed"
        " | extend role = trim('\"', tostring(changed.newValue)) | where tostring(changed.displayName) =~ 'Role.DisplayName'"
        " | where role in~ ('admin', 'owner') | summarize c = count() by role, Identity | where c > 1",
        "AuditLogs | mv-expand target = TargetResources | where tostring(target.type) == 'User'"
        " | summarize c = count(), d = dcount(tostring(target.id)) by OperationName | where c > d",
        "AuditLogs | where OperationName == 'x' | mv-expand change = TargetResources[0].modifiedProperties"
        " | extend new = tostring(parse_json(tostring(change.newValue))[0]) | where new has 'read' | project TimeGenerated, new, Identity",
        "OfficeActivity | where Operation == 'New-InboxRule' | extend p = parse_json(Parameters) | mv-expand p"
        " | where p.Name =~ 'ForwardTo' and isnotempty(p.Value) | summarize n = count() by UserId, tostring(p.Value) | where n > 1",
        "AuditLogs | mv-expand change = iff(TargetResources[0].modifiedProperties != '[]', TargetResources[0].modifiedProperties,"
        " todynamic('NoValues')) | extend name = tostring(change.displayName) | summarize n = count() by name, Identity",
        "AuditLogs | mv-expand TargetResources | where TargetResources.type != 'User' | extend id = tostring(TargetResources.id)"
        " | join kind=inner (SigninLogs | summarize n = count() by UserId | where n > 1) on $left.id == $right.UserId"
        " | project TimeGenerated, id, n",
        # how many elements there are
        "OfficeActivity | extend n = array_length(parse_json(Parameters)), m = array_length(todynamic(UserId)) | where n >= 2"
        " | summarize c = count(), d = dcount(n) by UserId, m | where c >= d",
        # the text of an object or an array tells rows apart
        "AuditLogs | summarize c = count(), d = dcount(OperationName) by p = tostring(TargetResources[0].modifiedProperties)"
        " | where c >= d",
        # the same place by another name, of the last row, and as a whole
        "AuditLogs | extend one = TargetResources[0] | extend id = tostring(one.id), all = strcat(TargetResources)"
        " | summarize c = count(), d = dcount(all) by id | where c >= d",
        "AuditLogs | summarize c = count(), arg_max(TimeGenerated, *) by OperationName | mv-expand TargetResources"
        " | project OperationName, c, k = tostring(TargetResources.type)",
        "AuditLogs | extend t = strcat(Identity, TargetResources[0]) | summarize d = dcount(t), c = count() by OperationName | where d > 1",
        # the keys of an element as columns
        "AuditLogs | mv-expand TargetResources | extend change = TargetResources.modifiedProperties | mv-expand bagexpansion=array change"
        " | evaluate bag_unpack(change) | extend name = column_ifexists('displayName', 'none'), new = column_ifexists('newValue', 'none')"
        " | where name =~ 'Role.DisplayName' | extend role = replace('\"', '', new) | where role in~ ('admin', 'owner')"
        " | summarize c = count() by role, Identity",
    ],
)
@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_elements_of_stored_arrays_are_rows(kql: str, target: str) -> None:
    made = rule(kql)
    output = convert(made, (target,)).outputs[target]
    assert (output.lane, output.verdict.value) == ("pipeline", "exact")
    pick, rows_found = random.Random(5), 0
    for _ in range(16):
        logged = {"AuditLogs": changed(pick, 25), "OfficeActivity": administered(pick, 12), "SigninLogs": events(pick, 12)}
        read = {table: rows for table, rows in logged.items() if table in kql}
        shape = shaped(read, "splunk" if target == "splunk" else "elastic", Options(homes=output.homes))
        rows = [dict(x.row) for table in shape.shapes.values() for x in table if x.events]
        some = target == "esql" and "SigninLogs" in kql  # Elastic takes no sign-in whose address is none
        assert len(rows) == sum(map(len, read.values())) or some
        told = {table: [dict(x.row) for x in placed if x.events] for table, placed in shape.shapes.items()}
        fed = [dict(e) for placed in shape.shapes.values() for x in placed for e in x.events]
        wanted = rows_of(kql, told, sorted(output.columns))
        assert all(found == wanted for found in readings(target, output, fed))
        rows_found += wanted.total()
    assert rows_found > 3


def changed(pick: random.Random, count: int) -> list[dict[str, object]]:
    """Rows of AuditLogs whose arrays are none, empty ones, and such of one or more objects that lack some of their parts."""

    def element(depth: int) -> dict[str, object]:
        if depth == 0:
            new = pick.choice(['"admin"', '"owner"', '["Mail.read","x"]', '["user"]', "reader", ""])
            return {
                k: v for k, v in {"displayName": pick.choice(["Role.DisplayName", "x"]), "newValue": new}.items() if pick.random() < 0.9
            }
        parts = {"type": pick.choice(["User", "user", "Group"]), "id": pick.choice(["ann", "bob", "7"])}
        below = [element(0) for _ in range(pick.randint(0, 3))]
        return {**{k: v for k, v in parts.items() if pick.random() < 0.9}, **({"modifiedProperties": below} if pick.random() < 0.9 else {})}

    names = ("Add member to role", "x", "Remove")
    return [
        {
            "TimeGenerated": NOW - dt.timedelta(seconds=pick.randint(1, 3000)),
            "OperationName": pick.choice(names),
            "Identity": pick.choice(["ann", "bob"]),
            "Category": "RoleManagement",
            "TargetResources": [element(1) for _ in range(pick.choice([0, 1, 1, 2, 3]))],
        }
        for _ in range(count)
    ]


def administered(pick: random.Random, count: int) -> list[dict[str, object]]:
    def parameter() -> dict[str, str]:
        return {"Name": pick.choice(["ForwardTo", "forwardto", "Name"]), "Value": pick.choice(["a@b.c", "d@e.f", ""])}

    return [
        {
            "TimeGenerated": NOW - dt.timedelta(seconds=pick.randint(1, 3000)),
            "Operation": pick.choice(["New-InboxRule", "New-InboxRule", "x"]),
            "UserId": pick.choice(["ann", "bob"]),
            "Parameters": json.dumps([parameter() for _ in range(pick.randint(0, 3))]),
        }
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("kql", "reason"),
    [
        ("AuditLogs | mv-expand TargetResources | summarize c = count() by tostring(TargetResources)", "JSON is written in other ways"),
        ("AuditLogs | mv-expand x = TargetResources, AdditionalDetails | summarize c = count() by tostring(x.id)", "side by side"),
        ("AuditLogs | mv-expand with_itemindex = i TargetResources | where i > 1 | summarize c = count() by Identity", "places"),
        ("AuditLogs | extend t = strcat('x', TargetResources) | where t has 'User' and t matches regex 'a.c'", "how JSON is laid out"),
        ("AuditLogs | mv-expand TargetResources limit 1 | summarize c = count() by tostring(TargetResources.id)", "a limit"),
    ],
)
@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_elements_that_would_be_others_are_not_written(kql: str, reason: str, target: str) -> None:
    output = convert(rule(kql), (target,)).outputs[target]
    assert output.verdict.value not in ("exact", "same-alerts"), reason


def test_of_two_outputs_that_alert_alike_the_one_with_the_entities_is_written() -> None:
    kql = """SecurityEvent | where EventID == 4688 | summarize n = count() by NewProcessName | where n > 300
| join kind=inner (SecurityEvent | where EventID == 4688) on NewProcessName
| project Computer, NewProcessName
"""
    by_name = convert(rule(kql, entities=(EntityMapping("Process", "ProcessName", "NewProcessName"),)), ("splunk", "esql")).outputs
    by_host = convert(rule(kql, entities=(EntityMapping("Host", "HostName", "Computer"),)), ("splunk", "esql")).outputs
    for target in ("splunk", "esql"):
        assert by_name[target].lane == "native" and "Computer" not in by_name[target].columns
        assert by_host[target].lane == "pipeline" and "Computer" in by_host[target].columns


@pytest.mark.parametrize(
    ("target", "name", "shown"),
    [
        ("splunk", "Last record", 'eval "Last record"='),
        ("esql", "Last record", "EVAL `Last record` = "),
        ("splunk", "Host's", ""),
        ("esql", "Host`s", "EVAL `Host``s` = "),
    ],
)
def test_columns_have_the_names_of_the_query(target: str, name: str, shown: str) -> None:
    output = piped(target, rule(f'SecurityEvent | summarize ["{name}"] = max(TimeGenerated) - 1h by Computer'), Options())
    assert output is not None and shown in output.text and (name in output.columns) == bool(shown)


def test_rows_are_told_apart_where_the_document_itself_is_read() -> None:
    created = "AzureDevOpsAuditing | where OperationName == 'a' | extend Feed = tostring(Data.FeedId)"
    changed = "AzureDevOpsAuditing | where OperationName == 'b' | extend Feed = tostring(Data.FeedId)"
    output = piped("esql", rule(f"{created} | join kind=leftouter ({changed}) on Feed | summarize count() by ActorUPN1"), Options())
    assert output is not None and {"_id", "_index", "_source"} <= {*output.text.partition("\n")[0].replace(",", "").split()}


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_a_column_that_only_the_result_names_is_its_own(target: str) -> None:
    query = "T | where op == 'a' | where toscalar(T | where op == 'b' | summarize count()) > 1 | project k"
    made = convert(rule(query), (target,), Options(fields="source")).outputs[target]
    told = [{"sourcetype": "T", "op": op, "k": "bob"} for op in ("a", "b", "b")]
    assert {row["k"] for text in made.texts for row in translator.verify.run_text(target, text, told)} == {"bob"}


def test_a_field_gets_its_type_in_kql_behind_what_is_computed_of_the_one_that_is_stored() -> None:
    counted = "summarize Cleared = count() by Account, EventID, Activity | extend AccountCustomEntity = Account"
    kql = f"SecurityEvent | where EventID == 1102 | {counted}"
    proof = translator.prove(kql, "esql")
    assert (proof.outcome, proof.why) == (Outcome.PROVEN, "")


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "between"])
@pytest.mark.parametrize("last", ["2026-03-06T10:59:59.9999999Z", "2026-03-06T11:00:00.0000001Z"])
def test_a_moment_between_two_of_the_products_parts_the_same_events(target: str, operator: str, last: str) -> None:
    moment = f"datetime({last})"
    turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator)
    condition = f"TimeGenerated {operator} {moment} and {moment} {turned} TimeGenerated"
    if turned is None:
        condition = f"TimeGenerated between (datetime(2026-03-06) .. {moment})"
    around = [dt.datetime(2026, 3, 6, 11) + dt.timedelta(milliseconds=n) for n in range(-2, 3)]
    signins = [{"TimeGenerated": when, "UserPrincipalName": f"u{n}", "ResultType": "0"} for n, when in enumerate(around)]
    output, wrong = checked(f"SigninLogs | where {condition} | summarize c = count() by UserPrincipalName", signins, target=target)
    assert output is not None and not wrong


def test_the_last_moment_of_all_is_written() -> None:
    query = "SigninLogs | where TimeGenerated <= datetime(9999-12-31T23:59:59.9999999Z) | summarize c = count() by UserPrincipalName"
    assert '"9999-12-31T23:59:59.999Z"' in convert(rule(query), ("esql",)).outputs["esql"].text


@pytest.mark.parametrize(("by", "said"), [("c", True), ("t", False)])
@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_of_rows_that_tie_any_one_is_kept(target: str, by: str, said: bool) -> None:
    groups = f"{SIGNINS} | summarize c = count(), t = max(TimeGenerated) by UserPrincipalName, IPAddress"
    output = piped(target, rule(f"{groups} | summarize arg_max({by}, *) by IPAddress | where c > 2"), OPTIONS)
    assert output is not None and ("arbitrary-row" in {d.code for d in output.diagnostics}) is said
