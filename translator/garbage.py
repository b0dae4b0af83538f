"""Python's search for cycles of objects that nothing else holds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def collect_rarely() -> None:
    """Has Python look for cycles less often: trees of many small nodes live as long as what is made of them, and hold next to none.

    By default they are all looked at after each 700 more, which takes a tenth of the time of a conversion.
    """
    gc.set_threshold(50_000, 10, 10)


@contextmanager
def uncollected() -> Iterator[None]:
    """No search while a tree is made whose nodes all stay; who finds the search switched off leaves it so."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()
