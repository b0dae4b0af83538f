"""A sample of what ``tests.conformance.directions`` runs at length."""

from __future__ import annotations

import collections

import pytest

from tests.conformance.directions import findings
from translator.fidelity import Place, Verdict, direction_of
from translator.fidelity.codes import Effect


@pytest.mark.parametrize("seed", range(1))
def test_planted_deviations_err_in_the_direction_that_is_said(seed: int) -> None:
    counts: collections.Counter[str] = collections.Counter()
    assert list(findings(seed, 50, counts)) == []
    assert sum(n for said, n in counts.items() if not said.endswith("nothing said")) > 100


@pytest.mark.parametrize(
    ("effect", "places", "direction"),
    [
        (Effect.MORE, [], Verdict.BROADER),
        (Effect.FEWER, [], Verdict.NARROWER),
        (Effect.MORE, [Place.TURNED], Verdict.NARROWER),
        (Effect.MORE, [Place.TURNED, Place.TURNED], Verdict.BROADER),
        (Effect.FEWER, [Place.TURNED, Place.PLAIN], Verdict.BROADER),
        (Effect.MORE, [Place.BOTH, Place.TURNED], Verdict.DIFFERS),
        (Effect.EITHER, [Place.TURNED], Verdict.DIFFERS),
        (Effect.EITHER, [Place.TURNED, Place.SHOWN], Verdict.SAME_ALERTS),
        (Effect.NOTE, [Place.BOTH], Verdict.EXACT),
        (Effect.ROWS, [Place.TURNED], Verdict.SAME_ALERTS),
        (Effect.REFUSED, [Place.SHOWN], Verdict.NONE),
    ],
)
def test_what_an_effect_is_at_a_place(effect: Effect, places: list[Place], direction: Verdict) -> None:
    place = Place.PLAIN
    for outer in places:
        place = place.below(outer)
    assert direction_of(effect, place) is direction
