"""Running a plan: one compilation to SQL, DuckDB in process and Spark on a cluster."""

from __future__ import annotations

from translator.engine.errors import EngineError
from translator.engine.runner import Result, execute

__all__ = ["EngineError", "Result", "execute"]
