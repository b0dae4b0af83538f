"""Running a plan: one compilation to SQL, DuckDB in process and Spark on a cluster.

Nothing is imported before it is used: Spark's workers import the functions in Python alone, and need neither DuckDB nor sqlglot for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from translator.engine.errors import EngineError
    from translator.engine.runner import Result, execute

__all__ = ["EngineError", "Result", "execute"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        import importlib

        return getattr(importlib.import_module("translator.engine.errors" if name == "EngineError" else "translator.engine.runner"), name)
    raise AttributeError(f"module 'translator.engine' has no attribute {name!r}")
