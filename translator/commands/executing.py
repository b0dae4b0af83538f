"""Executors by name: whose processes do the work of a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from translator.commands.common import UsageProblem

SECONDS = 10
"""How long a scheduler is waited for."""


@contextmanager
def executor_of(name: str) -> Iterator[Executor | None]:
    """The executor of a name, ``dask://HOST:PORT`` for a scheduler of Dask; None for the empty name, which is processes here.

    Raises:
        UsageProblem: for another name, a scheduler that does not answer, and where ``distributed`` is not installed.
    """
    if not name:
        yield None
        return
    found = re.fullmatch(r"dask://(\[[0-9A-Fa-f:.]+\]|[^/:\s]+):(\d{1,5})", name)
    if found is None:
        raise UsageProblem(f"--executor takes dask://HOST:PORT, not '{name}'")
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise UsageProblem("--executor dask:// needs distributed: pip install 'kql2sigma[distributed]'") from error
    try:
        client = distributed.Client(f"tcp://{found[1]}:{found[2]}", timeout=SECONDS)
    except Exception as error:  # of whatever cause, nobody is there to work
        raise UsageProblem(f"no scheduler of Dask answers at {found[1]}:{found[2]}: {type(error).__name__}") from error
    with client:
        yield client.get_executor()
