"""What cron can say of how often a rule runs."""

from __future__ import annotations

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800


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
