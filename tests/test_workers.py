"""Work in processes: what hangs, crashes or takes too much is stopped and said, and nothing else is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from translator.workers import Done, Interrupted, Limits, Standby, carried_out

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of a process, and ends it with its parent")


def work(item: str) -> Iterator[str]:
    yield f"{item} begun"
    match item:
        case "hangs":
            time.sleep(600)
        case "loops":
            while True:
                pass
        case "is killed":
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        case "exits":
            os._exit(7)
        case "takes memory":
            held = bytearray(400_000_000)
            time.sleep(600)
            del held
        case "fails":
            raise ValueError("no")
        case "gives too much":
            yield "a" * 2_000_000
    if item.startswith("/"):  # dies where nobody has before
        place = Path(item)
        if not place.exists():
            place.touch()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(600)
    yield f"{item} done"


class Shy:
    """What goes out of a process and does not come in again."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("none",)


def shy(item: str) -> Iterator[object]:
    yield Shy() if item == "in" else (lambda: None) if item == "out" else item


def whole(item: str) -> Done[str]:
    return Done((f"{item} begun", f"{item} done"))


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("hangs", "stopped after 1 s"),
        ("loops", "stopped after 1 s"),
        ("is killed", "its process was killed"),
        ("exits", "its process ended with the status 7"),
        ("fails", "internal error, please report it: ValueError: no"),
    ],
)
def test_one_item_is_lost_alone_and_keeps_what_it_found(item: str, why: str, jobs: int) -> None:
    items = ["a", item, "b", item, "c"]
    lost = Done((f"{item} begun",), why, item == "fails")
    assert list(carried_out(work, items, jobs, Limits(1))) == [whole("a"), lost, whole("b"), lost, whole("c")]


@LINUX
def test_the_processor_has_a_limit_that_waiting_does_not_reach() -> None:
    lost = Done(("loops begun",), "stopped after 0.5 s of the processor")
    waits = Done(("hangs begun",), "stopped after 1 s")
    # On a machine that does much else half a second of the processor may take many of the clock.
    assert list(carried_out(work, ["loops", "a"], 2, Limits(60, processor=0.5))) == [lost, whole("a")]
    assert list(carried_out(work, ["hangs", "a"], 2, Limits(1, processor=0.5))) == [waits, whole("a")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_an_item_gives_has_a_limit(jobs: int) -> None:
    lost = Done(("gives too much begun",), "stopped, since it gives more than 1 MB", True)
    found = list(carried_out(work, ["a", "gives too much", "b"], jobs, Limits(60, found=1)))
    assert found == [whole("a"), lost, whole("b")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_item_whose_process_dies_is_tried_once_more(jobs: int, tmp_path: Path) -> None:
    place = str(tmp_path / "died")
    assert list(carried_out(work, ["a", place, "b"], jobs, Limits(60))) == [whole("a"), whole(place), whole("b")]


@pytest.mark.parametrize("where", ["in", "out"])
def test_what_cannot_be_passed_on_is_one_item_that_fails(where: str) -> None:
    a, lost, b = carried_out(shy, ["a", where, "b"], 2, Limits(60))
    assert (a.found, lost.found, b.found) == (("a",), (), ("b",))
    assert lost.stopped.startswith("internal error, please report it: ")


def test_an_interruption_leaves_what_has_ended() -> None:
    ended: list[int] = []

    def tick() -> None:
        if len(ended) == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        list(carried_out(work, ["hangs", "a", "b", "hangs"], 2, Limits(60), lambda number, done: ended.append(number), tick))
    assert ended == [1, 2]


@LINUX
def test_memory_has_a_limit() -> None:
    held = bytearray(400_000_000)  # what this process has is not what the work takes
    found = list(carried_out(work, ["takes memory", "a"], 1, Limits(60, 300)))
    assert len(held) and found == [Done(("takes memory begun",), "stopped, since it took more than 300 MB"), whole("a")]


def test_what_runs_in_this_process_says_the_same() -> None:
    assert list(carried_out(work, ["a", "fails"])) == list(carried_out(work, ["a", "fails"], 2))


def test_the_order_is_that_of_the_items_and_ends_are_told_at_once() -> None:
    ended: list[int] = []
    found = carried_out(work, ["hangs", "a", "b"], 2, Limits(1), lambda number, done: ended.append(number))
    assert [d.found[0] for d in found] == ["hangs begun", "a begun", "b begun"]
    assert ended == [1, 2, 0]


def test_processes_end_with_the_iteration() -> None:
    found = carried_out(_own_number, ["a", "b", "c"], 2, Limits(60))
    (process,) = next(found).found
    found.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_other_threads_hold_nothing_up() -> None:
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert list(carried_out(work, ["a", "b"], 2, Limits(60))) == [whole("a"), whole("b")]
    finally:
        stop.set()
        other.join()


def _own_number(item: str) -> Iterator[int]:
    yield os.getpid()


SCRIPT = """
import sys, time
from tests.test_workers import work, Limits, carried_out
if __name__ == "__main__":
    for done in carried_out(work, ["a", "loops", "hangs"], 2, Limits(300)):
        print(done.found, flush=True)
"""


@LINUX
@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_processes_never_outlive_their_parent(ended_by: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None and b"a begun" in parent.stdout.readline()
        assert _until(lambda: len(_children(parent.pid)) == 2)
        children = _children(parent.pid)
        os.kill(parent.pid, ended_by)
        parent.wait(10)
    assert _until(lambda: not any(_runs(c) for c in children))


def _children(process: int) -> list[int]:
    return [int(c) for c in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def standby() -> Iterator[Standby[str, str]]:
    made = Standby(work, ready)
    yield made
    made.end()


def ready() -> None:
    """What items find loaded."""
    os.environ["STANDS_BY"] = "yes"


def test_a_process_that_stands_by_has_items_one_after_another(standby: Standby[str, str]) -> None:
    lost = Done(("hangs begun",), "stopped after 1 s")
    assert [standby.done(item, Limits(1)) for item in ("a", "hangs", "b")] == [whole("a"), lost, whole("b")]
    killed = standby.done("is killed", Limits(60))
    assert killed.stopped == "its process was killed" and standby.done("c", Limits(60)) == whole("c")


def test_an_item_that_nobody_wants_any_more_is_ended_alone(standby: Standby[str, str]) -> None:
    def tick() -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        standby.done("hangs", Limits(60), tick)
    assert standby.done("a", Limits(60)) == whole("a")


@LINUX
def test_items_find_what_the_process_that_stands_by_has_loaded() -> None:
    made = Standby(loaded, ready)
    assert made.done("STANDS_BY", Limits(60)).found == ("yes",) and "STANDS_BY" not in os.environ
    made.end()


def loaded(item: str) -> Iterator[str]:
    yield os.environ[item]


def test_a_process_that_stands_by_begins_again_where_it_is_killed(standby: Standby[str, str]) -> None:
    assert standby.done("a", Limits(60)) == whole("a")
    standby.process.kill()
    assert [standby.done(item, Limits(60)) for item in "bc"] == [whole("b"), whole("c")]


@LINUX
def test_nothing_outlives_who_stands_by(standby: Standby[str, str]) -> None:
    begun = set[int]()

    def tick() -> None:
        begun.update(found := _children(standby.process.pid))
        if found:
            standby.process.kill()

    assert standby.done("hangs", Limits(60), tick).stopped == "its process was killed"
    assert begun and all(_gone(number) for number in begun)


def _children(process: int | None) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]
    except OSError:
        return []


def _gone(process: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False
