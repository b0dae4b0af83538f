"""Data sets of the CIM beside other events: one search finds both by the tags that the data set asks for.

Facts: Splunk CIM manual, "Endpoint" and "Network Resolution (DNS)", "Tags used with ... event datasets" and the expressions of "Fields
for ... event datasets", which say "unknown" where an event has no value. ``vendor_product`` alone is put together, and only shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from translator.catalog import Home
from translator.fidelity import Diagnostic
from translator.targets.base import Cannot
from translator.targets.homes import Placed

TAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Endpoint.Filesystem": ("endpoint", "filesystem"),
        "Endpoint.Registry": ("endpoint", "registry"),
        "Network_Resolution.DNS": ("network", "resolution", "dns"),
    }
)
"""The tags of the events of data sets that ask for nothing else, and whose fields are those of the events."""


def by_tags(placed: Placed) -> Placed:
    """Events of which some are in a data set and others are not, or in another one, with the tags of data sets as their places.

    Raises:
        Cannot: for a data set that asks for more than tags, or computes what its fields have.
    """
    places = [home.place if home is not None else {} for s in placed.detection.selectors for home in [placed.homes.get((s.table, s.home))]]
    if len({place.get("datamodel", "") for place in places}) < 2:
        return placed
    return replace(placed, homes={key: _tagged(home) for key, home in placed.homes.items()})


def _tagged(home: Home) -> Home:
    model = home.place.get("datamodel")
    if model is None:
        return home
    if model not in TAGS:
        raise Cannot(Diagnostic("target-cannot", "a data model is searched by itself, not beside other events", None))
    return replace(home, place={"tag": " ".join(TAGS[model])})
