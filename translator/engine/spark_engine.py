"""Apache Spark: the same SQL on a cluster, the functions in Python sent along."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from translator.engine.data import Tables
from translator.engine.dialects import SPARK, told_apart
from translator.engine.errors import EngineError
from translator.engine.relations import Compiled
from translator.plan.types import Type


class SparkEngine:
    """Runs compiled queries in a Spark session.

    Args:
        master: the master's URL: ``local[2]``, ``spark://host:7077``, ...

    Raises:
        EngineError: without pyspark or Java.
    """

    dialect = SPARK

    def __init__(self, data: Tables, master: str) -> None:
        try:
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise EngineError("Spark needs the package pyspark: pip install 'kql2sigma[spark]'") from error
        if master.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.appName("kql2sigma").master(master)
        settings = {
            "spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "false", "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4", "spark.sql.parser.escapedStringLiterals": "false",
        }  # fmt: skip
        for key, value in settings.items():
            builder = builder.config(key, value)
        try:
            self.session = builder.getOrCreate()
        except Exception as error:
            raise EngineError(f"Spark does not start: {str(error).splitlines()[0]}") from error
        self.session.sparkContext.setLogLevel("OFF")
        self.session.sparkContext.addPyFile(str(_package()))
        self.data = data
        self.registered: set[str] = set()

    def execute(self, compiled: Compiled) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            EngineError: what Spark refuses, in its words.
        """
        for table in compiled.tables:
            self._expose(table)
        for function in compiled.functions:
            if function.name not in self.registered:
                self.registered.add(function.name)
                self.session.udf.register(
                    function.name, function, "string" if function.result == Type.REAL else _NATIVE.get(function.result, "string")
                )
        try:
            return [tuple(row) for row in self.session.sql(compiled.sql(self.dialect)).collect()]
        except Exception as error:
            raise EngineError(str(error).split("\n")[0][:300]) from error

    def _expose(self, table: str) -> None:
        """A table as a view of the session: rows in memory as they are, files through the reader of their kind."""
        source, columns = self.data.sources[table], self.data.stored(table)
        if isinstance(source, list):
            text = [json.dumps({c: row.get(c) for c in columns}, default=str) for row in source]
            layout = ", ".join(f"`{c}` string" for c in columns)
            frame = self.session.read.schema(layout).json(self.session.sparkContext.parallelize(text))
        else:
            frame = self._frame(table)
        held, names = dict(frame.dtypes), told_apart(columns)
        items = []
        for column, kind in columns.items():
            name = f"`{column.replace('`', '``')}`"
            value = f"to_json({name})" if held.get(column, "").startswith(("struct", "array", "map")) else name
            shown = names[column].replace("`", "``")
            items.append(f"CAST({value} AS {_NATIVE.get(kind, 'string')}) AS `{shown}`")
        frame.selectExpr(*items).createOrReplaceTempView(table)

    def _frame(self, table: str) -> Any:
        """The files of a table as Spark reads them by itself.

        Raises:
            EngineError: files that are not plain: answers, records, headers with time zones.
        """
        layouts = self.data.layouts(table)
        (first,) = layouts if len(layouts) == 1 else (None,)
        if first is None or not first.plain or any(f.zone != "UTC" or f.order or f.refused for f in first.fields.values()):
            forms = " and ".join(dict.fromkeys(x.form for x in layouts))
            raise EngineError(f"Spark does not read the data of {table} ({forms}) as they are: the engine duckdb does")
        paths = [str(p) for p in first.paths]
        if first.form == "Parquet":
            return self.session.read.parquet(*paths)
        if first.form == "CSV":
            return self.session.read.csv(paths, header=True).toDF(*first.fields)
        return self.session.read.json(paths, primitivesAsString=True, multiLine=first.line_of is None)


def _package() -> Path:
    """This package as a zip file: the workers of a cluster do not have it."""
    root = Path(__file__).parents[1]
    target = Path(tempfile.mkdtemp(prefix="kql2sigma")) / "translator.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*.py")):
            archive.write(path, Path("translator") / path.relative_to(root))
    return target


_NATIVE = {
    Type.BOOL: "boolean", Type.INT: "int", Type.LONG: "bigint", Type.REAL: "double", Type.DECIMAL: "decimal(38, 0)", Type.DATETIME: "timestamp",
    Type.TIMESPAN: "bigint",
}  # fmt: skip
