"""SQL as text, for lakes and warehouses: the engine's own compilation, in the dialect of the product.

DuckDB's and Spark's text is what ``kql2sigma run`` executes; the other dialects are written by the same rules and were not run.
"""

from __future__ import annotations

from translator.detection.windows import duration, window_of
from translator.engine.dialects import DIALECTS
from translator.engine.errors import EngineError
from translator.engine.relations import compile_plan
from translator.fidelity import Diagnostic
from translator.plan.expressions import columns_of, conjuncts
from translator.plan.operators import Filter, Plan, Source, relations
from translator.rulepack.model import Rule
from translator.targets.base import Options, Output
from translator.targets.protocols import PlanTarget

EXECUTED = frozenset({"duckdb", "spark", "databricks"})


def _unlimited(plan: Plan, period: int) -> list[str]:
    """The tables of which the query may read events that are older than so many seconds."""
    found = relations(plan.root)
    limited = {
        column.source
        for r in found
        if isinstance(r, Filter)
        for condition in conjuncts(r.predicate)
        if (window := window_of(condition)) is not None and not window.start.of_search and 0 < window.start.back <= period
        for column in columns_of(condition)
    }
    return list(dict.fromkeys(r.table for r in found if isinstance(r, Source) and r.id not in limited))


class Sql(PlanTarget):
    """Writes a plan in SQL: it needs no detection."""

    name = "sql"
    extension = "sql"

    def translate_plan(self, rule: Rule, plan: Plan, options: Options) -> Output:
        dialect = DIALECTS[options.dialect]
        try:
            compiled = compile_plan(plan, dialect, None)
        except EngineError as error:
            return Output(self.name, (), (Diagnostic("unsupported-expression", f"{dialect.title}: {error.message}", error.span),))
        if compiled.functions:
            names = ", ".join(sorted({f.name.split("_")[1] for f in compiled.functions}))
            reason = f"{dialect.title} needs functions in Python for this query ({names}): run it with kql2sigma run"
            return Output(self.name, (), (Diagnostic("target-cannot", reason),))
        notes = []
        if options.dialect not in EXECUTED:
            notes.append(Diagnostic("unverified-dialect", f"the SQL was written for {dialect.title} and not run there"))
        if rule.period and (unlimited := _unlimited(plan, rule.period)):
            what = f"the rule looks back {duration(rule.period)}: the query does not limit {', '.join(unlimited)} to that"
            notes.append(Diagnostic("window-elsewhere", what))
        return Output(self.name, (compiled.sql(dialect, pretty=True),), tuple(notes))
