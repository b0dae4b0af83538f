"""The searches that a rule comes to: when they run and how far they look back. All lengths are seconds."""

from __future__ import annotations

from translator.detection.model import Detection
from translator.rulepack.model import Rule
from translator.targets.base import Output

HOUR = 3_600


def frequency(rule: Rule) -> int:
    """How often the rule runs: as it says, hourly for a hunting query that says nothing."""
    return rule.frequency or HOUR


def lookback(rule: Rule, detection: Detection, output: Output) -> int:
    """How far one run looks back: as far as the query does, within the rule's period; where neither says, as far as its last run."""
    if detection.kind == "event" and rule.period is None and rule.frequency:
        return rule.frequency
    return output.lookback or max(part.lookback for part in (detection, *detection.others))


def numbered(output: Output) -> list[tuple[str, str]]:
    """The searches of an output, each with what tells it from the others in a name."""
    count = len(output.texts)
    return [(text, "" if count == 1 else f" ({number} of {count})") for number, text in enumerate(output.texts, 1)]


def cron(seconds: int) -> str:
    """A cron expression for a run every so many seconds, rounded to what cron can say."""
    minutes = max(1, seconds // 60)
    if minutes < 60:
        return (
            f"*/{minutes} * * * *"
            if 60 % minutes == 0
            else f"*/{max(m for m in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30) if m <= minutes)} * * * *"
        )
    hours = minutes // 60
    if hours < 24:
        return "0 * * * *" if hours == 1 else f"0 */{max(h for h in (1, 2, 3, 4, 6, 8, 12) if h <= hours)} * * *"
    return "0 0 * * *" if hours < 24 * 7 else "0 0 * * 0"
