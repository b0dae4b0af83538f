"""DuckDB in process."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

import duckdb
from duckdb.func import FunctionNullHandling

from translator.engine.data import Tables
from translator.engine.dialects import DUCKDB
from translator.engine.python import PythonFunction
from translator.engine.relations import Compiled
from translator.plan.types import Type


class DuckDbEngine:
    """Runs compiled queries in a DuckDB of its own that sees nothing but the given tables."""

    dialect = DUCKDB

    def __init__(self, data: Tables, progress: Callable[[float], None] | None = None) -> None:
        self.connection = duckdb.connect(config={"allow_unsigned_extensions": "false", "autoinstall_known_extensions": "false"})
        # DuckDB draws its bar onto standard output where Python runs without a script.
        self.connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar_print = false")
        self.data, self.progress = data, progress
        self.registered: dict[str, PythonFunction] = {}
        self.viewed: dict[str, frozenset[str]] = {}
        self.written: tuple[Compiled, str] | None = None

    def execute(self, compiled: Compiled) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            EngineError: what DuckDB refuses, in its words, or data that do not fit, by file and line.
        """
        for table, columns in compiled.reads.items():
            if table not in self.viewed or not columns <= self.viewed[table]:
                self.viewed[table] = self.viewed.get(table, frozenset()) | columns
                self.data.expose(table, self.connection, self.viewed[table])
        for function in compiled.functions:
            self.register(function)
        if self.written is None or self.written[0] is not compiled:
            self.written = compiled, compiled.sql(self.dialect)
        sql = self.written[1]
        try:
            return self._watched(sql)
        except duckdb.Error as error:
            mended = self.data.mended(compiled.tables, error)
            if not mended:
                raise self.data.explained(error, compiled.tables) from error
        for table in mended:
            self.data.expose(table, self.connection, self.viewed[table])
        try:
            return self._watched(sql)
        except duckdb.Error as error:
            raise self.data.explained(error, compiled.tables) from error

    def _watched(self, sql: str) -> list[tuple[Any, ...]]:
        if self.progress is None:
            return self.connection.execute(sql).fetchall()
        # Signals reach the main thread alone, and not while it is inside of DuckDB, which does not end at once where it is interrupted.
        rows: Future[list[tuple[Any, ...]]] = Future()

        def run() -> None:
            try:
                rows.set_result(self.connection.execute(sql).fetchall())
            except BaseException as error:
                rows.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        try:
            while not wait([rows], timeout=0.5).done:
                if (percent := self.connection.query_progress()) >= 0:
                    self.progress(percent)
        except BaseException:
            self.connection.interrupt()
            raise
        return rows.result()

    def register(self, function: PythonFunction) -> None:
        if (known := self.registered.get(function.name)) == function:
            return
        if known is not None:  # that of another query
            self.connection.remove_function(function.name)
        self.registered[function.name] = function
        kinds: list[Any] = [_NATIVE.get(k, "VARCHAR") for k in function.arguments]
        result: Any = "VARCHAR" if function.result == Type.REAL else _NATIVE.get(function.result, "VARCHAR")

        def call(*values: Any) -> Any:
            return function(*values)

        # DuckDB counts the parameters of the signature, and takes *values for one.
        parameters = [inspect.Parameter(f"v{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(len(kinds))]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        self.connection.create_function(
            function.name,
            call,
            kinds,
            result,
            null_handling=FunctionNullHandling.SPECIAL,
        )


_NATIVE = {
    Type.BOOL: "BOOLEAN", Type.INT: "BIGINT", Type.LONG: "BIGINT", Type.REAL: "DOUBLE", Type.DECIMAL: "DECIMAL(38, 0)", Type.DATETIME: "TIMESTAMP",
    Type.TIMESPAN: "BIGINT",
}  # fmt: skip
