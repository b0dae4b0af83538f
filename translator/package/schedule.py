"""The searches that a rule comes to: when they run and how far they look back. All lengths are seconds."""

from __future__ import annotations

from dataclasses import dataclass

from translator.detection.model import Detection
from translator.rulepack.cron import MINUTE
from translator.rulepack.model import Rule
from translator.targets.base import Output


@dataclass(frozen=True, slots=True)
class Schedule:
    """A search that runs each ``every`` over the ``back`` before, without the last ``delay``; one that nobody runs has no ``every``.

    ``alerting`` is how long the time is in which events alert, where the search looks farther back.
    """

    every: int | None
    back: int
    delay: int = 0
    alerting: int = 0

    def overlaps(self, every: int) -> bool:
        """Whether an event may alert in several of the runs that come ``every`` so many seconds."""
        return self.every is not None and (self.alerting or self.back) > every


def schedule_of(rule: Rule, detection: Detection, output: Output, delay: int) -> Schedule:
    """When a rule runs: as it says, each minute for NRT, not at all for a hunting query. It looks as far back as its query does.

    Args:
        delay: how long a run waits for events that come late.
    """
    every = MINUTE if rule.kind == "nrt" else rule.frequency
    if detection.kind == "event" and rule.period is None and every and not output.timed:
        return Schedule(every, every, delay)
    return Schedule(every, output.lookback or max(part.lookback for part in detection.alternatives), delay, output.alerting)


def numbered(output: Output) -> list[tuple[str, str]]:
    """The searches of an output, each with what tells it from the others in a name."""
    count = len(output.texts)
    return [(text, "" if count == 1 else f" ({number} of {count})") for number, text in enumerate(output.texts, 1)]
