"""A sample of what ``tests.conformance.directions`` runs at length."""

from __future__ import annotations

import collections

import pytest

from tests.conformance.directions import findings
from translator.fidelity import Diagnostic, Notes, Place, Verdict, combine, direction_of
from translator.fidelity.codes import Effect


@pytest.mark.parametrize("seed", range(1))
def test_planted_deviations_err_in_the_direction_that_is_said(seed: int) -> None:
    counts: collections.Counter[str] = collections.Counter()
    assert list(findings(seed, 50, counts)) == []
    assert sum(n for said, n in counts.items() if not said.endswith("nothing said")) > 100


@pytest.mark.parametrize(
    ("inner", "outer", "seen"),
    [
        (Place.PLAIN, Place.PLAIN, Place.PLAIN),
        (Place.PLAIN, Place.TURNED, Place.TURNED),
        (Place.TURNED, Place.PLAIN, Place.TURNED),
        (Place.TURNED, Place.TURNED, Place.PLAIN),
        (Place.BOTH, Place.PLAIN, Place.BOTH),
        (Place.BOTH, Place.TURNED, Place.BOTH),
        (Place.PLAIN, Place.BOTH, Place.BOTH),
        (Place.TURNED, Place.BOTH, Place.BOTH),
        (Place.SHOWN, Place.BOTH, Place.SHOWN),
        (Place.BOTH, Place.SHOWN, Place.SHOWN),
        (Place.PLAIN, Place.SHOWN, Place.SHOWN),
        (Place.SHOWN, Place.TURNED, Place.SHOWN),
    ],
)
def test_a_place_below_another(inner: Place, outer: Place, seen: Place) -> None:
    assert inner.below(outer) is seen
    notes = Notes()
    with notes.within(outer):
        notes.say("condition-dropped", "this", place=inner)
        notes.say("window-assumed", "that", place=inner)
    assert [d.place for d in notes.said] == [seen, Place.PLAIN]  # what deviates in no direction is nowhere turned
    assert Diagnostic("condition-dropped", "this", place=inner).below(outer).place is seen


@pytest.mark.parametrize(
    ("effect", "directions"),
    [
        (Effect.MORE, ("broader", "narrower", "differs", "same-alerts")),
        (Effect.FEWER, ("narrower", "broader", "differs", "same-alerts")),
        (Effect.EITHER, ("differs", "differs", "differs", "same-alerts")),
        (Effect.NOTE, ("exact",) * 4),
        (Effect.ROWS, ("same-alerts",) * 4),
        (Effect.REFUSED, ("none",) * 4),
    ],
)
def test_what_an_effect_does_at_each_place(effect: Effect, directions: tuple[str, ...]) -> None:
    places = (Place.PLAIN, Place.TURNED, Place.BOTH, Place.SHOWN)
    assert tuple(direction_of(effect, place).value for place in places) == directions


@pytest.mark.parametrize(
    ("directions", "verdict"),
    [
        ((), "exact"),
        (("exact", "same-alerts"), "same-alerts"),
        (("same-alerts", "broader"), "broader"),
        (("narrower", "narrower"), "narrower"),
        (("broader", "narrower"), "differs"),
        (("narrower", "same-alerts", "broader"), "differs"),
        (("differs", "narrower"), "differs"),
        (("broader", "none", "narrower"), "none"),
    ],
)
def test_what_deviations_come_to(directions: tuple[str, ...], verdict: str) -> None:
    found = [Verdict(d) for d in directions]
    assert combine(found).value == combine(reversed(found)).value == verdict


def test_the_word_of_what_deviates_nowhere_is_note() -> None:
    assert [Diagnostic(code, "").word for code in ("window-assumed", "condition-dropped")] == ["note", "broader"]


def test_the_same_is_said_once_at_each_place() -> None:
    notes = Notes()
    for span, message in (((0, 5), "a"), ((0, 5), "a"), ((6, 9), "a"), ((0, 5), "b")):
        notes.say("condition-dropped", message, span)
    assert [(d.span, d.message) for d in notes.said] == [((0, 5), "a"), ((6, 9), "a"), ((0, 5), "b")]
