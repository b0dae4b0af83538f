"""What is known of a row only beside the others: sessions, merged schemas, components of a graph."""

from __future__ import annotations

from typing import Any


def sessions_of(rows: list[list[Any]]) -> list[int | None]:
    """``row_window_session``: where the session of each row starts, from its time, the two distances, and whether it restarts."""
    found: list[int | None] = []
    start = before = None
    for time, from_first, between, restart in rows:
        if time is None:
            start = None
        elif (
            start is None
            or restart
            or (from_first is not None and time >= start + from_first)
            or (before is not None and between is not None and time >= before + between)
        ):
            start = time
        before = time
        found.append(start)
    return found


def merged_schema(rows: Any, ordered: Any) -> Any:
    """schema_merge: rows of name, ordinal and two types as those of one schema.

    Raises:
        ValueError: what the page does not say: which type several types become, and where columns of equal ordinals stand.
    """
    places: dict[str, list[int]] = {}
    kinds: dict[str, list[str]] = {}
    for name, place, *kind in rows:
        if kinds.setdefault(name, kind) != kind:
            raise ValueError(f"which type schema_merge makes of {kinds[name][1]} and {kind[1]} is not documented")
        places.setdefault(name, []).append(place)
    moved = [n for n, p in places.items() if ordered and len(set(p)) > 1]
    kept = sorted((n for n in places if n not in moved), key=lambda n: max(places[n]))
    if [max(places[n]) for n in kept] != list(range(len(kept))):
        raise ValueError("where schema_merge puts columns of several schemas that stand at one place is not documented")
    wrong = "ERROR(columns are out of order)"
    return [[n, i, *kinds[n]] for i, n in enumerate(kept)] + [[n, -1, f"ERROR(unknown CSL type:{wrong})", wrong] for n in moved]


def components_of(pairs: Any, size: Any, strong: Any) -> Any:
    """graph-mark-components: for each of ``size`` nodes, counted from 1, the number of its component, in the order of their first nodes.

    Args:
        pairs: the nodes that each edge connects.
        strong: whether the edges lead one way only.
    """
    onward: list[list[int]] = [[] for _ in range(size)]
    backward: list[list[int]] = [[] for _ in range(size)]
    for start, end in pairs:
        onward[start - 1].append(end - 1)
        backward[end - 1].append(start - 1)
    numbers = [-1] * size

    def reached(origin: int, *ways: list[list[int]]) -> set[int]:
        """What is reached from a node without a number over nodes without one."""
        found, stack = {origin}, [origin]
        while stack:
            node = stack.pop()
            for near in (n for way in ways for n in way[node]):
                if near not in found and numbers[near] < 0:
                    found.add(near)
                    stack.append(near)
        return found

    count = 0
    for node in range(size):
        if numbers[node] < 0:
            members = reached(node, onward) & reached(node, backward) if strong else reached(node, onward, backward)
            for member in members:
                numbers[member] = count
            count += 1
    return numbers
