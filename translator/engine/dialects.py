"""How each SQL dialect spells what standard SQL has no words for.

Sources: the function references of each product (duckdb.org/docs/sql/functions, spark.apache.org/docs/latest/api/sql,
docs.snowflake.com/en/sql-reference, cloud.google.com/bigquery/docs/reference/standard-sql, trino.io/docs/current/functions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from translator.plan.types import Type


@dataclass(frozen=True, slots=True)
class Dialect:
    """``words`` are templates by the primitive's name; ``python`` says that functions in Python can be called.

    Only a dialect to which NaN is a number, the greatest and equal to itself, has the word ``is_nan``; only one that ``ticks`` counts times
    in 100 ns as KQL does, from 1970, and has the words for it.
    """

    name: str
    title: str
    words: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[Type, str] = field(default_factory=dict)
    python: bool = False
    ticks: bool = False

    def type(self, kind: Type) -> str:
        """The name of the type that holds values of a type of KQL."""
        return self.types.get(kind) or _TYPES[kind]


def told_apart(columns: Iterable[str]) -> dict[str, str]:
    """What the columns of a table are called in SQL, whose names know no case: those of KQL do."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        name, number = column, 1
        while name.lower() in taken:
            number += 1
            name = f"{column} {number}"
        taken.add(name.lower())
        found[column] = name
    return found


_TYPES = {
    Type.BOOL: "BOOLEAN", Type.INT: "INTEGER", Type.LONG: "BIGINT", Type.REAL: "DOUBLE", Type.DECIMAL: "DECIMAL(38, 18)", Type.STRING: "TEXT",
    Type.DATETIME: "TIMESTAMP", Type.TIMESPAN: "BIGINT", Type.GUID: "TEXT", Type.DYNAMIC: "TEXT", Type.UNKNOWN: "TEXT",
}  # fmt: skip
"""Timespans are ticks of 100 ns, dynamic values JSON text."""

_LOOSE = r"(?i)nan|inf|,\s*[\]}]"
"""What DuckDB reads as JSON outside of texts, and JSON does not have: numbers that are none, and commas before an end."""


def is_json(text: str) -> str:
    """DuckDB's SQL that says whether a text is JSON, for the SQL of the text."""
    bare = rf"REGEXP_REPLACE({text}, '\"(\\.|[^\"\\])*\"', '', 'g')"
    return f"JSON_VALID({text}) AND NOT (REGEXP_MATCHES({text}, '{_LOOSE}') AND REGEXP_MATCHES({bare}, '{_LOOSE}'))"


DUCKDB = Dialect(
    "duckdb",
    "DuckDB",
    {
        "micros": "EPOCH_US($1)",
        "moment": "MAKE_TIMESTAMP($1)",
        "quotient": "$1 // NULLIF($2, 0)",
        "real_quotient": "CAST($1 AS DOUBLE) / $2",
        "matches": "REGEXP_MATCHES($1, $2)",
        "group": "REGEXP_EXTRACT($1, $2, $3)",
        "contains": "CONTAINS($1, $2)",
        "starts": "STARTS_WITH($1, $2)",
        "ends": "ENDS_WITH($1, $2)",
        "json": "CAST(TO_JSON($1) AS TEXT)",
        "json_array": "CAST(JSON_ARRAY($*) AS TEXT)",
        "json_object": "JSON_OBJECT",
        "embed": "CAST($1 AS JSON)",
        "step": "NULLIF(CAST(JSON_EXTRACT(CAST($1 AS JSON), $2) AS TEXT), 'null')",
        "unquoted": "JSON_EXTRACT_STRING(CAST($1 AS JSON), '$')",
        "step_text": "JSON_EXTRACT_STRING(CAST($1 AS JSON), $2)",
        "json_type": "JSON_TYPE(CAST($1 AS JSON))",
        "valid_json": is_json("$1"),
        "elements": "CAST(FROM_JSON(CAST($1 AS JSON), '[\"JSON\"]') AS TEXT[])",
        "keys": "JSON_KEYS(CAST($1 AS JSON))",
        "time_text": "STRFTIME($1, '%Y-%m-%dT%H:%M:%S.%f') || '0Z'",
        "arg_max": "FIRST($2 ORDER BY $1 DESC NULLS LAST)",
        "arg_min": "FIRST($2 ORDER BY $1 ASC NULLS LAST)",
        "percentile": "QUANTILE_DISC($1, $2 / 100.0)",
        "first": "ANY_VALUE($1)",
        "is_nan": "ISNAN($1)",
    },
    python=True,
)
DUCKDB_TICKS = replace(
    DUCKDB,
    words={
        **DUCKDB.words,
        "ticks": "EPOCH_NS($1) // 100",
        "moment_of_ticks": "MAKE_TIMESTAMP_NS(($1) * 100)",
        "time_text": "LEFT(STRFTIME($1, '%Y-%m-%dT%H:%M:%S.%n'), 27) || 'Z'",
    },
    types={Type.DATETIME: "TIMESTAMP_NS"},
    ticks=True,
)
"""DuckDB for a query that speaks of fractions of a microsecond, which the common type of times lacks: from 1678 to 2262 alone."""
SPARK = Dialect(
    "spark",
    "Apache Spark",
    {
        "micros": "UNIX_MICROS($1)",
        "moment": "TIMESTAMP_MICROS($1)",
        "quotient": "$1 DIV NULLIF($2, 0)",
        "real_quotient": "CASE WHEN $2 <> 0 THEN CAST($1 AS DOUBLE) / $2 WHEN $1 = 0 THEN CAST('NaN' AS DOUBLE) "
        "WHEN $1 > 0 THEN CAST('Infinity' AS DOUBLE) WHEN $1 < 0 THEN CAST('-Infinity' AS DOUBLE) END",
        "matches": "$1 RLIKE $2",
        "group": "REGEXP_EXTRACT($1, $2, $3)",
        "contains": "CONTAINS($1, $2)",
        "starts": "STARTSWITH($1, $2)",
        "ends": "ENDSWITH($1, $2)",
        "arg_max": "ELEMENT_AT(COALESCE(MAX_BY(ARRAY($2), $1), FIRST(ARRAY($2))), 1)",
        "arg_min": "ELEMENT_AT(COALESCE(MIN_BY(ARRAY($2), $1), FIRST(ARRAY($2))), 1)",
        "first": "FIRST($1, TRUE)",
        "is_nan": "ISNAN($1)",
        "time_text": "CONCAT(DATE_FORMAT($1, 'yyyy-MM-dd'), 'T', DATE_FORMAT($1, 'HH:mm:ss.SSSSSS'), '0Z')",
    },
    {Type.STRING: "STRING", Type.GUID: "STRING", Type.DYNAMIC: "STRING", Type.UNKNOWN: "STRING"},
    python=True,
)
_SNOWFLAKE = Dialect(
    "snowflake",
    "Snowflake",
    {
        "micros": "DATE_PART(EPOCH_MICROSECOND, $1)",
        "moment": "TO_TIMESTAMP_NTZ($1, 6)",
        "quotient": "TRUNC($1 / NULLIF($2, 0))",
        "matches": "REGEXP_INSTR($1, $2) > 0",
        "group": "COALESCE(REGEXP_SUBSTR($1, $2, 1, 1, 'e', $3), '')",
        "contains": "CONTAINS($1, $2)",
        "starts": "STARTSWITH($1, $2)",
        "ends": "ENDSWITH($1, $2)",
        "step_text": "CAST(GET_PATH(PARSE_JSON($1), $2) AS TEXT)",
        "first": "ANY_VALUE($1)",
    },
    {Type.STRING: "TEXT", Type.DATETIME: "TIMESTAMP_NTZ"},
)
_BIGQUERY = Dialect(
    "bigquery",
    "BigQuery",
    {
        "micros": "UNIX_MICROS($1)",
        "moment": "TIMESTAMP_MICROS($1)",
        "quotient": "DIV($1, NULLIF($2, 0))",
        "matches": "REGEXP_CONTAINS($1, $2)",
        "contains": "STRPOS($1, $2) > 0",
        "starts": "STARTS_WITH($1, $2)",
        "ends": "ENDS_WITH($1, $2)",
        "step_text": "JSON_VALUE($1, $2)",
        "first": "ANY_VALUE($1)",
    },
    {Type.STRING: "STRING", Type.GUID: "STRING", Type.DYNAMIC: "STRING", Type.UNKNOWN: "STRING", Type.INT: "INT64", Type.LONG: "INT64",
     Type.REAL: "FLOAT64", Type.TIMESPAN: "INT64", Type.BOOL: "BOOL", Type.DECIMAL: "BIGNUMERIC"},
)  # fmt: skip
_TRINO = Dialect(
    "trino",
    "Trino and Athena",
    {
        "micros": "CAST(TO_UNIXTIME($1) * 1000000 AS BIGINT)",
        "moment": "CAST(FROM_UNIXTIME_NANOS($1 * 1000) AS TIMESTAMP)",
        "quotient": "$1 / NULLIF($2, 0)",
        "matches": "REGEXP_LIKE($1, $2)",
        "group": "COALESCE(REGEXP_EXTRACT($1, $2, $3), '')",
        "contains": "STRPOS($1, $2) > 0",
        "starts": "STARTS_WITH($1, $2)",
        "ends": "SUBSTR($1, -LENGTH($2)) = $2",
        "step_text": "JSON_EXTRACT_SCALAR($1, $2)",
        "arg_max": "MAX_BY($2, $1)",
        "arg_min": "MIN_BY($2, $1)",
        "first": "ARBITRARY($1)",
    },
    {Type.STRING: "VARCHAR", Type.GUID: "VARCHAR", Type.DYNAMIC: "VARCHAR", Type.UNKNOWN: "VARCHAR"},
)
_DATABRICKS = Dialect("databricks", "Databricks", SPARK.words, SPARK.types)
DIALECTS = {d.name: d for d in (DUCKDB, SPARK, _DATABRICKS, _SNOWFLAKE, _BIGQUERY, _TRINO)} | {"athena": _TRINO}
"""Dialects by the name that ``--dialect`` takes. Only DuckDB and Spark are run here; of the others, text is written."""
