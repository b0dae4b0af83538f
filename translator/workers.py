"""Work on many items in processes that can be stopped: one item that hangs, crashes or takes all memory loses no other.

Neither Python's own pools nor loky (BSD) can stop a call, and where a process of theirs dies, the pool is broken. Pebble (LGPL) has limits
of time, and none of memory; its processes share one pipe, and outlive a parent that is killed. So each process here has a pipe of its own,
and one item at a time.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Generic, TypeVar

from translator.garbage import collect_rarely

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")

_TICK = 0.1
"""Seconds between two looks at what the processes take."""

_STILLBORN = 5
"""How many processes in a row may end before they take an item."""

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_PR_SET_PDEATHSIG = 1
"""The option of prctl(2) that names the signal a process gets when its parent ends."""


def cores() -> int:
    """How many processors this process may use, at most 64."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 64)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may take; 0 for as much as it wants.

    Attributes:
        seconds: of the clock.
        megabytes: of resident memory of its process beyond what that begins with, which is looked at where the system tells (Linux).
        processor: seconds of the processor, which are looked at where the system tells (Linux): on a machine that does much else, the clock
            says little of what an item takes.
        found: megabytes of each thing that it gives, as it is passed on.
    """

    seconds: float = 0
    megabytes: int = 0
    found: int = 0
    processor: float = 0


class Interrupted(Exception):
    """What a tick raises to end the work: what is under way is stopped, and no other item begins."""


@dataclass(frozen=True, slots=True)
class Done(Generic[_Found]):
    """What came of an item.

    Attributes:
        found: what it gave, as far as it came.
        stopped: why it did not come to its end; empty where it did.
        failed: whether that was an error of its own, which it would meet again.
    """

    found: tuple[_Found, ...]
    stopped: str = ""
    failed: bool = False


def carried_out(
    function: Callable[[_Item], Iterator[_Found]],
    items: Sequence[_Item],
    jobs: int = 1,
    limits: Limits = Limits(),
    finished: Callable[[int, Done[_Found]], None] = lambda number, done: None,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Done[_Found]]:
    """What a function gives for each item, in the order of the items whatever ``jobs`` is.

    The processes end with the iteration, also where an exception (Ctrl-C) ends it, and on Linux with this process however it ends. One job
    without limits runs in this process.

    Args:
        function: what is done; it and the items can be pickled where processes are not forked.
        jobs: how many processes there are.
        finished: is told of each item when it ends, in the order of their ends, with its number.
        tick: is called now and then; what it raises ends the work.

    An item whose process dies, of whatever cause, is tried once more, in another process.
    """
    if jobs == 1 and limits == Limits():
        for number, item in enumerate(items):
            done = _here(function, item)
            finished(number, done)
            tick()
            yield done
        return
    with _Crew(function, items, min(jobs, len(items)), limits) as crew:
        yield from _in_order(iter(crew.ended, None), len(items), finished, tick)


def _in_order(
    rounds: Iterator[Iterable[tuple[int, Done[_Found]]]], total: int, finished: Callable[[int, Done[_Found]], None],
    tick: Callable[[], None],
) -> Iterator[Done[_Found]]:  # fmt: skip
    """What has ended in each of some rounds, with its number, in the order of the items."""
    ready: dict[int, Done[_Found]] = {}
    following = 0
    while following < total:
        for number, done in next(rounds):
            finished(number, done)
            ready[number] = done
        tick()
        while following in ready:
            yield ready.pop(following)
            following += 1


_CHUNK = 8
"""Items that a task of an executor has: a process is made for them, which costs more than a small one of them."""


def executed(
    executor: Executor,
    function: Callable[[_Item], Iterator[_Found]],
    items: Sequence[_Item],
    limits: Limits = Limits(),
    finished: Callable[[int, Done[_Found]], None] = lambda number, done: None,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Done[_Found]]:
    """The same as :func:`carried_out` by an executor, whose workers keep to the limits by processes of their own.

    What a task of it fails with, as where its worker is lost, costs no item: those are carried out in a process here.
    """
    tasks = {
        executor.submit(_chunk, function, items[first : first + _CHUNK], limits): range(first, min(first + _CHUNK, len(items)))
        for first in range(0, len(items), _CHUNK)
    }
    waiting: set[Future[list[Done[_Found]]]] = set(tasks)

    def ended() -> Iterator[tuple[int, Done[_Found]]]:
        nonlocal waiting
        those, waiting = wait_for(waiting, _TICK, FIRST_COMPLETED)
        for task in those:
            numbers = tasks[task]
            try:
                came = task.result()
            except (Exception, CancelledError):
                came = list(carried_out(function, [items[n] for n in numbers], 1, limits, tick=tick))
            yield from zip(numbers, came, strict=True)

    try:
        yield from _in_order(iter(ended, None), len(items), finished, tick)
    finally:
        for task in waiting:
            task.cancel()


def _chunk(function: Callable[[_Item], Iterator[_Found]], items: Sequence[_Item], limits: Limits) -> list[Done[_Found]]:
    return list(carried_out(function, items, 1, limits))


def _here(function: Callable[[_Item], Iterator[_Found]], item: _Item) -> Done[_Found]:
    found: list[_Found] = []
    try:
        found.extend(function(item))
    except Exception as error:
        return Done(tuple(found), internal_error(error), failed=True)
    return Done(tuple(found))


def internal_error(error: Exception) -> str:
    """An error that nobody foresaw, in words."""
    return f"internal error, please report it: {type(error).__name__}: {error}"


@dataclass(slots=True)
class _Worker:
    """A process, this end of its pipe, how much memory it began with, and the item that it has."""

    process: BaseProcess
    pipe: Connection
    megabytes: float
    number: int | None = None
    since: float = 0
    spent: float = 0
    """Seconds of the processor that it had used before its item."""
    found: list[Any] = field(default_factory=list)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


class _Crew(Generic[_Item, _Found]):
    """Processes that work on items, each on one at a time."""

    def __init__(self, function: Callable[[_Item], Iterator[_Found]], items: Sequence[_Item], jobs: int, limits: Limits) -> None:
        self.function, self.items, self.jobs, self.limits = function, items, jobs, limits
        # Forked processes begin at once; but what another thread holds at that moment, they wait for without end.
        forked = sys.platform == "linux" and threading.active_count() == 1
        self.context: BaseContext = multiprocessing.get_context("fork" if forked else "spawn")
        self.workers: list[_Worker] = []
        self.next = 0
        self.again: list[int] = []
        """The items that are tried once more."""
        self.died: set[int] = set()
        self.stillborn = 0

    def __enter__(self) -> _Crew[_Item, _Found]:
        return self

    def __exit__(self, *raised: object) -> None:
        for worker in self.workers:
            worker.end()

    def ended(self) -> Iterator[tuple[int, Done[_Found]]]:
        """The items that ended since, by their numbers, after a moment at most; who has none gets the next one."""
        while len(self.workers) < self.jobs and (self.again or self.next < len(self.items)):
            try:
                self.workers.append(self.started())
            except OSError:  # the system has no place for another process
                if not self.workers:
                    raise
                break
        for pipe in wait([w.pipe for w in self.workers], _TICK):
            worker = next(w for w in self.workers if w.pipe is pipe)
            try:
                what, given = worker.pipe.recv()
            except (EOFError, OSError):
                yield from self.died_at(worker)
                continue
            except Exception as error:  # what was given cannot be put together again
                yield from self.replaced(worker, internal_error(error))
                continue
            if what == "found":
                worker.found.append(given)
                continue
            if worker.number is not None:
                yield worker.number, Done(tuple(worker.found), given, failed=bool(given))
            self.give(worker)
        for worker in list(self.workers):
            if worker.number is not None and (why := self.beyond(worker)):
                yield from self.replaced(worker, why)

    def started(self) -> _Worker:
        here, there = self.context.Pipe()
        arguments = (there, self.function, os.getpid(), self.limits.found)
        process = self.context.Process(target=_work, args=arguments, daemon=True)  # type: ignore[attr-defined]
        with _parental():
            process.start()
        there.close()
        return _Worker(process, here, _megabytes(process.pid))

    def give(self, worker: _Worker) -> None:
        worker.found, worker.number = [], None
        self.stillborn = 0
        if self.again or self.next < len(self.items):
            if self.again:
                worker.number = self.again.pop()
            else:
                worker.number = self.next
                self.next += 1
            worker.since, worker.spent = time.monotonic(), _processor(worker.process.pid)
            with suppress(OSError):  # where it is dead its pipe ends, which is found when that is read
                worker.pipe.send(self.items[worker.number])
        else:
            self.workers.remove(worker)
            worker.end()

    def replaced(self, worker: _Worker, why: str) -> Iterator[tuple[int, Done[_Found]]]:
        """Ends a process; the next call starts another one."""
        worker.end()
        self.workers.remove(worker)
        if worker.number is not None:
            yield worker.number, Done(tuple(worker.found), why)

    def died_at(self, worker: _Worker) -> Iterator[tuple[int, Done[_Found]]]:
        """Replaces a process that died; its item is another's first, since what kills a process may have nothing to do with it."""
        why = self.ending(worker)
        if worker.number is None:
            self.stillborn += 1
            if self.stillborn > _STILLBORN:
                raise RuntimeError(f"a process to work with cannot be started: {why}")
        elif worker.number not in self.died:
            self.died.add(worker.number)
            self.again.append(worker.number)
            worker.number = None
        yield from self.replaced(worker, why)

    def ending(self, worker: _Worker) -> str:
        worker.process.join(1)
        code = worker.process.exitcode
        how = "was killed" if code in (None, -signal.SIGTERM, -getattr(signal, "SIGKILL", 9)) else f"ended with the status {code}"
        return f"its process {how}"

    def beyond(self, worker: _Worker) -> str:
        """The limit that an item is beyond; empty where it is within all."""
        if self.limits.seconds and time.monotonic() - worker.since > self.limits.seconds:
            return f"stopped after {self.limits.seconds:g} s"
        if self.limits.processor and _processor(worker.process.pid) - worker.spent > self.limits.processor:
            return f"stopped after {self.limits.processor:g} s of the processor"
        if self.limits.megabytes and _megabytes(worker.process.pid) - worker.megabytes > self.limits.megabytes:
            return f"stopped, since it took more than {self.limits.megabytes} MB"
        return ""


_GRACE = 5.0
"""Seconds within which a process that stands by answers beyond the limits of its item."""


class Standby(Generic[_Item, _Found]):
    """A process that stays and has loaded what items need, so that each, in a process forked from it, begins at once.

    It has one item at a time. Where processes are not forked, each item's loads what it needs by itself. It ends with this process, however
    that ends.

    Args:
        function: what is done; it and the items can be pickled.
        ready: loads what the items need, in the process that stays.
    """

    def __init__(self, function: Callable[[_Item], Iterator[_Found]], ready: Callable[[], object]) -> None:
        self.function, self.ready, self.ended = function, ready, False
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=_stand_by, args=(there, self.function, self.ready), daemon=True)
        with _parental(), _undisturbed():
            self.process.start()
        there.close()

    def end(self) -> None:
        """Ends the process, and that of the item that it has."""
        self.ended = True
        self._end()

    def _end(self) -> None:
        self.pipe.close()
        self.process.join(1)
        self.process.kill()
        self.process.join()

    def done(self, item: _Item, limits: Limits, tick: Callable[[], None] = lambda: None) -> Done[_Found]:
        """What comes of an item.

        Args:
            tick: is called now and then; what it raises ends the item, and nothing else.
        """
        for _ in range(2):  # what kills the process that stays may have nothing to do with the item
            try:
                return self._asked(item, limits, tick)
            except (EOFError, OSError):
                self._again()
            except BaseException:
                self._stop()
                raise
        return Done((), "its process was killed")

    def _asked(self, item: _Item, limits: Limits, tick: Callable[[], None]) -> Done[_Found]:
        until = time.monotonic() + limits.seconds + 2 * _GRACE if limits.seconds else float("inf")
        self.pipe.send((item, limits))
        while not self.pipe.poll(_TICK):
            tick()
            if time.monotonic() > until:
                self._again()
                return Done((), f"stopped after {limits.seconds:g} s")
        return self.pipe.recv()  # type: ignore[no-any-return]

    def _stop(self) -> None:
        """Ends the item under way."""
        try:
            self.pipe.send(None)
            if self.pipe.poll(_GRACE):
                self.pipe.recv()
                return
        except (EOFError, OSError):
            pass
        self._again()

    def _again(self) -> None:
        if not self.ended:
            self.process.kill()
            self._end()
            self._begin()


def _stand_by(pipe: Connection, function: Callable[[Any], Iterator[Any]], ready: Callable[[], object]) -> None:
    """What a process that stands by does: items come in with their limits, and what came of each goes out; None ends one under way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    ready()

    def tick() -> None:
        if pipe.poll():  # another message, or the end of the parent
            raise Interrupted

    with suppress(EOFError, OSError):
        while True:
            asked = pipe.recv()
            if asked is None:  # for an item that had ended
                continue
            item, limits = asked
            done: Done[Any] = Done((), "interrupted")
            with suppress(Interrupted):
                (done,) = carried_out(function, [item], limits=limits, tick=tick)
            pipe.send(done)


@contextmanager
def _parental() -> Iterator[None]:
    """Lets a process have children that is to end with its parent, as a worker of Dask is: these children end with it too."""
    configuration: dict[str, Any] = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    before = configuration.get("daemon")
    configuration["daemon"] = False
    try:
        yield
    finally:
        configuration["daemon"] = before


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Lets a process begin without Ctrl-C, which a terminal sends to all of them: it imports for a while before it can ignore that."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which, where it begins, lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _megabytes(process: int | None) -> float:
    """The resident memory of a process; 0 where the system does not tell. Source: proc_pid_statm(5)."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1]) * _PAGE / 1_000_000
    except (OSError, IndexError):
        return 0


def _processor(process: int | None) -> float:
    """The seconds of the processor that a process has used; 0 where the system does not tell. Source: proc_pid_stat(5)."""
    try:
        used = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0


def _work(pipe: Connection, function: Callable[[Any], Iterator[Any]], parent: int, most: int) -> None:
    """What a process does: items come in, and for each what was found, then why it failed, or nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its processes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    collect_rarely()
    gc.freeze()  # what the parent has is looked at by none, and stays in memory that both share
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return
    with suppress(EOFError, OSError):
        pipe.send(("ended", ""))
        while True:
            item = pipe.recv()
            why = ""
            try:
                for found in function(item):
                    data = ForkingPickler.dumps(("found", found))
                    if most and len(data) > most * 1_000_000:
                        why = f"stopped, since it gives more than {most} MB"
                        break
                    pipe.send_bytes(data)
            except Exception as error:
                why = internal_error(error)
            pipe.send(("ended", why))
