"""What outputs need of a site that nothing is known of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from translator.pack import Entry
from translator.pipeline import Conversion


@dataclass
class Wanted:
    """What one table lacks: ``place`` says that nothing is known of where its events are; rules are counted."""

    place: bool = False
    columns: Counter[str] = field(default_factory=Counter)
    rules: int = 0
    ready: int = 0


def wanted(entries: Iterable[Entry], target: str) -> dict[str, Wanted]:
    """What the outputs for ``target`` lack, by table, those first that would make most rules ready, with no more to set up."""
    found: dict[str, Wanted] = {}
    for entry in entries:
        output = entry.result.outputs.get(target) if isinstance(entry.result, Conversion) else None
        deployment = (output.instead or output.deployment) if output is not None else None
        if deployment is None:
            continue
        homeless = {r.table for r in deployment.reads if not r.home}
        missing = dict(deployment.missing)
        lacking = sorted(homeless | missing.keys())
        for table in lacking:
            known = found.setdefault(table, Wanted())
            known.place |= table in homeless
            known.columns.update(name for name in missing.get(table, ()))
            known.rules += 1
            known.ready += len(lacking) == 1
    return dict(sorted(found.items(), key=lambda item: (-item[1].ready, -item[1].rules, item[0])))
