"""A side of a join is not asked what its partners imply: the same rows, without another query in a condition."""

from __future__ import annotations

import pytest

import translator
from translator.engine.constant_folding import fold_constants
from translator.plan import operators as o
from translator.plan.expressions import Subquery

LISTED = "let L = Known | where isnotempty(Name) and Active == true | summarize arg_max(Day, *) by Id;"
NAMES = "let N = toscalar(L | where isnotempty(Name) | summarize make_set(Name));"
KNOWN = [{"Id": n, "Name": name, "Day": n, "Active": n != 4} for n, name in enumerate(["a.b", "c", "", "e-", "f"])]
SEEN = [{"Host": host} for host in ("a.b", "x.a.b", "c", "C", "", "e-", "f", "g")]


@pytest.mark.parametrize(
    ("kql", "without"),
    [
        (f"{LISTED} {NAMES} L | join kind=inner (Seen | where Host has_any (N)) on $left.Name == $right.Host", True),
        (f"{LISTED} {NAMES} L | where Day > 0 | join kind=inner (Seen | where Host in (N) | extend x = 1)"
         " on $left.Name == $right.Host", True),
        (f"{LISTED} Seen | where Host in~ ((L | project Name)) | join kind=leftsemi L on $left.Host == $right.Name", True),
        (f"{LISTED} {NAMES} L | join kind=rightanti (Seen | where Host has_any (N)) on $left.Name == $right.Host", False),
        (f"{LISTED} {NAMES} L | join kind=inner (Seen | where Host !in (N)) on $left.Name == $right.Host", False),
        (f"{LISTED} {NAMES} Known | join kind=inner (Seen | where Host has_any (N)) on $left.Name == $right.Host", False),
        (f"{LISTED} let N = toscalar(L | where Day > 2 | summarize make_set(Name)); L | join kind=inner"
         " (Seen | where Host has_any (N)) on $left.Name == $right.Host", False),
        (f"{LISTED} {NAMES} L | join kind=inner (Seen | extend h = tolower(Host) | where h in (N)) on $left.Name == $right.Host", False),
    ],
)  # fmt: skip
def test_a_partner_is_one_of_the_values(kql: str, without: bool) -> None:
    tables = {"Known": KNOWN, "Seen": SEEN}
    schemas = {"Known": {"Id": "long", "Name": "string", "Day": "long", "Active": "bool"}, "Seen": {"Host": "string"}}
    plan = translator.bind(kql, schemas)
    folded = fold_constants(plan)
    assert any(isinstance(part, Subquery) for part in o.parts(folded.root)) != without
    assert any(isinstance(part, Subquery) for part in o.parts(plan.root))
    asked = kql.replace("has_any (N)", "!has '#'").replace("Host in (N)", "true").replace("Host in~ ((L | project Name))", "true")
    rows, others = (sorted(map(str, translator.run(query, tables, schema=schemas).rows)) for query in (kql, asked))
    assert not without or (rows and rows == others)
