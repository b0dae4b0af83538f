"""Worlds in which a join that keeps one row of each key of its left side may keep another one."""

from __future__ import annotations

import datetime as dt

import pytest

from translator.verify.witness.choices import undecided
from translator.verify.witness.model import Event, World

NOW = dt.datetime(2026, 3, 6, 12, 0)
SIGNINS = "SigninLogs | project u = UserPrincipalName, i = IPAddress, t = TimeGenerated"


def _world(*events: tuple[str, str]) -> World:
    found = [Event("SigninLogs", {"UserPrincipalName": u, "IPAddress": i}, -60.0 * n) for n, (u, i) in enumerate(events, 1)]
    return World("", (*found, Event("AuditLogs", {"Identity": "ann"}, -30.0)), None)


@pytest.mark.parametrize(
    ("kql", "several"),
    [
        (f"{SIGNINS} | join (AuditLogs | project u = Identity) on u | where i == 'a'", [False, False, True]),
        (f"{SIGNINS} | join (AuditLogs | project u = Identity) on u | where strcat(i, u1) == 'aann'", [False, True, True]),
        (f"{SIGNINS} | join kind=inner (AuditLogs | project u = Identity) on u | where i == 'a'", [False, False, False]),
        (f"{SIGNINS} | summarize c = count() by u | join (AuditLogs | project u = Identity) on u | where c > 1", [False, False, False]),
        # worlds that cannot be run together
        (
            f"{SIGNINS} | sort by t | extend n = row_number() | join (AuditLogs | project u = Identity) on u | where n > strlen(u1)",
            [False, True, True],
        ),
    ],
)
def test_worlds_with_several_rows_of_a_key_are_undecided(kql: str, several: list[bool]) -> None:
    worlds = [_world(("ann", "a"), ("bob", "a")), _world(("ann", "a"), ("ann", "b")), _world(("ann", "a"), ("ann", "a"))]
    assert undecided(kql, worlds, NOW, {}) == several
