"""Python's search for cycles of objects that nothing else holds."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """Has Python look for cycles less often: trees of many small nodes live as long as what is made of them, and hold next to none.

    By default they are all looked at after each 700 more, which takes a tenth of the time of a conversion.
    """
    gc.set_threshold(50_000, 10, 10)
