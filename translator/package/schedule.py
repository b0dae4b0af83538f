"""The searches that a rule comes to: when they run and how far they look back. All lengths are seconds."""

from __future__ import annotations

from dataclasses import dataclass

from translator.detection.model import Detection
from translator.rulepack.model import Rule
from translator.targets.base import Output

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800


@dataclass(frozen=True, slots=True)
class Schedule:
    """A search that runs each ``every`` over the ``back`` before, without the last ``delay``; one that nobody runs has no ``every``."""

    every: int | None
    back: int
    delay: int = 0

    @property
    def overlaps(self) -> bool:
        """Whether an event is seen by several runs."""
        return self.every is not None and self.back > self.every


def schedule_of(rule: Rule, detection: Detection, output: Output, delay: int = 0) -> Schedule:
    """When a rule runs: as it says, each minute for NRT, not at all for a hunting query. It looks as far back as its query does.

    Args:
        delay: how long a run waits for events that come late.
    """
    every = MINUTE if rule.kind == "nrt" else rule.frequency
    if detection.kind == "event" and rule.period is None and every:
        return Schedule(every, every, delay)
    return Schedule(every, output.lookback or max(part.lookback for part in (detection, *detection.others)), delay)


def numbered(output: Output) -> list[tuple[str, str]]:
    """The searches of an output, each with what tells it from the others in a name."""
    count = len(output.texts)
    return [(text, "" if count == 1 else f" ({number} of {count})") for number, text in enumerate(output.texts, 1)]


def cron(seconds: int) -> tuple[str, int]:
    """A cron expression for a run every so many seconds, and every how many seconds that is: what divides the hour, the day or the week."""
    minutes = max(1, seconds // MINUTE)
    if minutes < 60:
        step = max(m for m in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30) if m <= minutes)
        return ("* * * * *" if step == 1 else f"*/{step} * * * *"), step * MINUTE
    hours = minutes // 60
    if hours < 24:
        step = max(h for h in (1, 2, 3, 4, 6, 8, 12) if h <= hours)
        return ("0 * * * *" if step == 1 else f"0 */{step} * * *"), step * HOUR
    return ("0 0 * * *", DAY) if hours < 24 * 7 else ("0 0 * * 0", WEEK)
