"""Executors of other makers: the same bytes, the same limits, and a lost worker costs nothing."""

from __future__ import annotations

import concurrent.futures as cf
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.test_workers import whole, work
from translator.cli import main
from translator.pack import Effort, convert_pack
from translator.targets.base import Options
from translator.workers import Done, Interrupted, Limits, executed

ROOT = Path(__file__).resolve().parents[1]
FORKED = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a new process does not know this module by its name")


class Lost(cf.Executor):
    """One that loses what it is given."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> cf.Future[Any]:
        future: cf.Future[Any] = cf.Future()
        future.set_exception(ConnectionError("the worker is gone"))
        return future


@FORKED
@pytest.mark.parametrize("kind", ["threads", "processes", "lost"])
def test_an_executor_keeps_to_the_limits(kind: str) -> None:
    items = ["a", "hangs", "b", "is killed", *"cdefghijklmnop"]
    told = {"hangs": "stopped after 5 s", "is killed": "its process was killed"}
    wanted = [Done((f"{item} begun",), told[item]) if item in told else whole(item) for item in items]
    executors = {"threads": lambda: cf.ThreadPoolExecutor(2), "processes": lambda: cf.ProcessPoolExecutor(2), "lost": Lost}
    ended: list[int] = []
    with executors[kind]() as executor:
        found = list(executed(executor, work, items, Limits(5), lambda number, done: ended.append(number)))
    assert found == wanted and sorted(ended) == list(range(len(items)))


def test_an_interruption_gives_up_what_waits() -> None:
    def tick() -> None:
        raise Interrupted

    with cf.ThreadPoolExecutor(1) as executor, pytest.raises(Interrupted):
        list(executed(executor, work, ["a"] * 64, Limits(60), tick=tick))


@FORKED
def test_a_worker_that_ends_with_its_parent_has_children() -> None:
    """As those of Dask are: multiprocessing refuses them any."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_daemon, args=(theirs,), daemon=True)
    process.start()
    assert ours.poll(60) and ours.recv() == [whole("a")]
    process.join()


def _daemon(pipe: Any) -> None:
    from translator.workers import carried_out

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    pipe.send(list(carried_out(work, ["a"], 1, Limits(60))))


def test_a_pack_is_the_same_by_any_executor(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"r{number}.kql").write_text(f"SecurityEvent | where EventID == {number}")
    (tmp_path / "x.kql").write_text("SecurityEvent | where")
    plain = convert_pack([tmp_path], ("sigma", "splunk"), Options(), Effort(2))
    with cf.ThreadPoolExecutor(2) as executor:
        assert convert_pack([tmp_path], ("sigma", "splunk"), Options(), Effort(executor=executor)) == plain


@pytest.mark.parametrize("name", ["dask", "dask://", "dask://host", "dask://host:port", "spark://host:1"])
def test_an_executor_that_is_none_is_said(name: str) -> None:
    result = CliRunner().invoke(main, ["convert", str(ROOT / "rules/threshold.yaml"), "--executor", name])
    assert result.exit_code == 2 and "--executor takes dask://HOST:PORT" in result.stderr


# --- Dask, in processes of its own: the threads that it leaves behind would keep those of other tests from being forked

DASK = pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is an extra that is not installed")

CLUSTER = """
import sys
from distributed import LocalCluster
with LocalCluster(2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""

LIMITED = """
import sys
from distributed import Client
from tests.test_executors import executed, work, whole, Done, Limits
with Client(sys.argv[1]) as client:
    found = list(executed(client.get_executor(), work, ["a", "hangs", "is killed", "b"], Limits(5)))
told = [Done(("hangs begun",), "stopped after 5 s"), Done(("is killed begun",), "its process was killed")]
assert found == [whole("a"), *told, whole("b")], found
"""

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def ran(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)


def kql2sigma(*arguments: str) -> subprocess.CompletedProcess[str]:
    return ran("from translator.cli import main; main()", *arguments)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cluster:
        assert cluster.stdout is not None and cluster.stdin is not None
        yield cluster.stdout.readline().strip()
        cluster.stdin.close()


@DASK
def test_a_scheduler_that_does_not_answer_is_said() -> None:
    result = kql2sigma("convert", "rules/threshold.yaml", "--executor", "dask://127.0.0.1:1")
    assert result.returncode == 2 and "no scheduler of Dask answers at 127.0.0.1:1" in result.stderr


@DASK
@FORKED
def test_a_cluster_of_dask_gives_the_same_bytes(scheduler: str, tmp_path: Path) -> None:
    rules = [f"rules/{name}.yaml" for name in ("threshold", "union", "watchlist")]
    there = ("--executor", scheduler.replace("tcp", "dask"))
    for out, more in (("here", ()), ("there", there)):
        assert kql2sigma("convert", *rules, "-o", str(tmp_path / out), *more).returncode == 0
    files = {p.relative_to(tmp_path / "here") for p in (tmp_path / "here").rglob("*") if p.is_file()}
    assert files == {p.relative_to(tmp_path / "there") for p in (tmp_path / "there").rglob("*") if p.is_file()}
    assert all((tmp_path / "here" / f).read_bytes() == (tmp_path / "there" / f).read_bytes() for f in files)
    asked = ("verify", "rules/threshold.yaml", "-t", "splunk")
    told = kql2sigma(*asked, *there).stdout
    assert told == kql2sigma(*asked).stdout and "proven" in told


@DASK
@FORKED
def test_a_cluster_of_dask_keeps_to_the_limits(scheduler: str) -> None:
    result = ran(LIMITED, scheduler)
    assert result.returncode == 0, result.stderr[-2000:]
