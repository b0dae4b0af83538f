"""Signals that ask a run to end: what it has is kept, and what is under way is stopped."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from translator.workers import Interrupted

_SIGNALS = tuple(s for name in ("SIGINT", "SIGTERM", "SIGHUP") if (s := getattr(signal, name, None)) is not None)


class Stopping:
    """While it is entered, a first signal is only noted, and a second one ends the command at once.

    Attributes:
        signal: the number of the signal that came; 0 for none.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():  # elsewhere signals are for others
            self._before = {s: signal.signal(s, self._noted) for s in _SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for of, handler in self._before.items():
            signal.signal(of, handler)

    def _noted(self, number: int, frame: FrameType | None) -> None:
        if self.signal:
            raise KeyboardInterrupt
        self.signal = number

    @property
    def status(self) -> int:
        """The exit status of a command that a signal ended."""
        return 128 + self.signal

    def tick(self) -> None:
        """Raises Interrupted where a signal has come."""
        if self.signal:
            raise Interrupted
