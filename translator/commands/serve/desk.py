"""Where requests wait for their turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from translator.commands.serve.work import EXAMPLES, Asked, answered, loaded
from translator.pack import PROOF_PROCESSOR, PROOF_SECONDS, RULE_MEGABYTES, RULE_OUTPUT, RULE_PROCESSOR, RULE_SECONDS
from translator.workers import Limits, Standby

CONVERTING = Limits(RULE_SECONDS, RULE_MEGABYTES, RULE_OUTPUT, RULE_PROCESSOR)
PROVING = Limits(PROOF_SECONDS, RULE_MEGABYTES, RULE_OUTPUT, PROOF_PROCESSOR)
"""What the work on a request may take."""

_LOOK = 0.2
"""Seconds between two looks at whether a request that waits is still wanted."""


class Refused(Exception):
    """A request that gets no answer: the status of HTTP that says so (RFC 9110, section 15), and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Desk:
    """Processes that stand by, and the requests that wait for them, which have their turn in the order in which they came.

    Of several processes one is never taken by a proof, so that those who type do not wait for those who prove.

    Args:
        jobs: how many processes there are.
        waiting: how many requests may wait, proofs apart from the others.
        patience: seconds that a request may wait.
        limits, of_proofs: what the work on a request may take.
    """

    def __init__(
        self,
        jobs: int,
        waiting: int = 64,
        patience: float = 60,
        limits: Limits = CONVERTING,
        of_proofs: Limits = PROVING,
    ) -> None:
        self.patience, self.limits, self.of_proofs = patience, limits, of_proofs
        self.most_waiting, self.most_proofs = waiting, max(1, jobs - 1)
        self.all = [Standby(answered, loaded) for _ in range(jobs)]
        self.free = list(self.all)
        self.proofs = 0
        self.waiting: list[Asked] = []
        self.changed = threading.Condition()
        self.of_examples: dict[Asked, bytes] = {}

    def end(self) -> None:
        """Ends the processes."""
        for one in self.all:
            one.end()

    def answer(self, asked: Asked, wanted: Callable[[], None]) -> bytes:
        """The answer to a request.

        Args:
            wanted: is called now and then; what it raises where nobody waits for the answer any more ends the work.

        Raises:
            Refused: where too many wait already, or the work is beyond its limits.
        """
        if asked in self.of_examples:
            return self.of_examples[asked]
        with self._turn(asked, wanted) as one:
            if asked in self.of_examples:
                return self.of_examples[asked]
            done = one.done(asked, self.of_proofs if asked.prove else self.limits, wanted)
        if done.stopped:
            raise Refused(500 if done.failed else 422, f"the work on this was not finished: {done.stopped}")
        if asked in EXAMPLES:
            self.of_examples[asked] = done.found[0]
        return done.found[0]

    @contextmanager
    def _turn(self, asked: Asked, wanted: Callable[[], None]) -> Iterator[Standby[Asked, bytes]]:
        until = time.monotonic() + self.patience
        with self.changed:
            others = sum(w.prove == asked.prove for w in self.waiting)
            if others >= self.most_waiting and not self._has_place(asked):
                raise Refused(503, f"{others} others wait already: try again in a moment")
            self.waiting.append(asked)
            try:
                while not self._is_next(asked):
                    self.changed.wait(_LOOK)
                    wanted()
                    if time.monotonic() > until:
                        raise Refused(503, f"others took all of {self.patience:g} s: try again in a moment")
                one = self.free.pop()
                self.proofs += asked.prove
            finally:
                self.waiting = [w for w in self.waiting if w is not asked]
                self.changed.notify_all()
        try:
            yield one
        finally:
            with self.changed:
                self.free.append(one)
                self.proofs -= asked.prove
                self.changed.notify_all()

    def _has_place(self, asked: Asked) -> bool:
        return bool(self.free) and not (asked.prove and self.proofs >= self.most_proofs)

    def _is_next(self, asked: Asked) -> bool:
        return self._has_place(asked) and next(w for w in self.waiting if self._has_place(w)) is asked
