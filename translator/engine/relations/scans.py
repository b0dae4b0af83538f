"""scan as SQL: a recursion that goes through the rows in their order and carries the state of the steps along.

Source: learn.microsoft.com/kusto/query/scan-operator, "Scan logic". A match number grows where the first step begins a sequence: where it
has none that goes on, as the page's example of sessions shows.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.scalars import comparisons, conversions
from translator.engine.scalars.writing import column_name
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type

LIMIT = 20_000
"""Rows of a partition: each is a turn of the recursion, which reads all rows again; this many take ten seconds."""


def scan(compiler: Compiling, relation: o.Scan) -> Relational:
    """The rows that the steps of ``relation`` put out, their columns by id, and their order.

    Raises:
        EngineError: where the dialect has no recursion, or no step puts anything out.
    """
    return _Scan(compiler, relation).query()


class _Step:
    """What a step holds between rows, as columns: whether it has a sequence, that sequence's number, and what was seen on the way to it."""

    def __init__(self, compiler: Compiling, relation: o.Scan, number: int) -> None:
        self.active, self.match = compiler.column(Type.BOOL), compiler.column(Type.LONG)
        self.seen = {state: compiler.column(state.type) for step, _, state in relation.states if step <= number}

    def columns(self) -> list[e.Column]:
        return [self.active, self.match, *self.seen.values()]


class _Scan:
    def __init__(self, compiler: Compiling, relation: o.Scan) -> None:
        self.compiler, self.relation, self.scalars = compiler, relation, compiler.scalars
        self.defaults: dict[e.Column, e.Expr] = dict(relation.declared)
        self.origins = {state: (step, column) for step, column, state in relation.states}
        assert relation.input is not None
        self.input = compiler.relation(relation.input)
        self.place, self.turn, self.at, self.counter = (compiler.column(Type.LONG) for _ in range(4))
        self.partition = [(compiler.column(c.type), c) for c in relation.partition]
        self.steps = [_Step(compiler, relation, number) for number in range(len(relation.steps))]
        self.hits = [compiler.column(Type.BOOL) for _ in relation.steps]
        self.made = [{c: compiler.column(c.type) for c, _ in relation.declared} for _ in relation.steps]
        self.rows, self.states = compiler.shared_name(), compiler.shared_name()

    def ref(self, column: e.Column, table: str | None = None) -> exp.Column:
        return exp.column(column_name(column), table=table, quoted=True)

    def carried(self) -> list[e.Column]:
        """The columns of the recursion, in order."""
        held = [c for step in self.steps for c in step.columns()]
        return [
            *(c for c, _ in self.partition),
            self.at,
            self.counter,
            *held,
            *self.hits,
            *(c for made in self.made for c in made.values()),
        ]

    def query(self) -> Relational:
        compiler = self.compiler
        compiler.only_duckdb("scan", self.relation.span)
        number = exp.Window(this=exp.RowNumber(), order=compiler.order_of(self.input))
        numbered = compiler.over(self.input, compiler.named(number, self.place))
        turn = exp.Window(
            this=exp.RowNumber(),
            partition_by=[self.ref(c) for _, c in self.partition],
            order=exp.Order(expressions=[exp.Ordered(this=self.ref(self.place))]),
        )
        rows = exp.select(exp.Star(), compiler.named(turn, self.turn)).from_(numbered.subquery("n"))
        recursion = exp.Union(this=self.before_all(), expression=self.after_row(), distinct=False)
        found: exp.Query | None = None
        step = compiler.column(Type.LONG)
        for number_, _ in enumerate(self.relation.steps):
            if (part := self.output(number_, step)) is not None:
                found = part if found is None else exp.Union(this=found, expression=part, distinct=False)
        if found is None:
            raise EngineError("no step of this scan puts anything out", self.relation.span)
        select = exp.select(exp.Star()).from_(found.subquery("o"))
        select = select.with_(self.rows, as_=rows, materialized=True, recursive=True).with_(self.states, as_=recursion, recursive=True)
        columns = {**self.input.columns, **{c.id: c for c in self.defaults}, self.place.id: self.place, step.id: step}
        if self.relation.match is not None:
            columns[self.relation.match.id] = self.relation.match
        order = [exp.Ordered(this=self.ref(self.place)), exp.Ordered(this=self.ref(step), desc=True)]
        return Relational(select, columns, order)

    def default(self, column: e.Column) -> exp.Expr:
        """What stands for a column that nothing was seen of."""
        known = self.defaults.get(column)
        return conversions.typed(self.scalars, known, column.type) if known is not None else self.scalars.null(column.type)

    def before_all(self) -> exp.Select:
        """The state before the first row, of each partition."""
        values: dict[e.Column, exp.Expr] = {self.at: exp.Literal.number(0), self.counter: exp.Literal.number(0)}
        for made, original in self.partition:
            values[made] = self.ref(original)
        for step, hit, assigned in zip(self.steps, self.hits, self.made, strict=True):
            values |= {step.active: exp.false(), step.match: exp.Literal.number(-1), hit: exp.false()}
            values |= {column: self.default(self.origins[state][1]) for state, column in step.seen.items()}
            values |= {column: self.default(declared) for declared, column in assigned.items()}
        select = exp.select(*(self.cast(values[c], c) for c in self.carried()))
        return select.from_(self.rows).distinct() if self.partition else select

    def cast(self, value: exp.Expr, column: e.Column) -> exp.Expr:
        return self.compiler.named(self.scalars.cast(value, column.type), column)

    def after_row(self) -> exp.Select:
        """The state after one more row."""
        more = self.scalars.sql(
            f"CASE WHEN $1 < {LIMIT} THEN $1 + 1 ELSE ERROR('scan goes through {LIMIT:,} rows of a partition at most') END",
            self.ref(self.at, "q"),
        )
        same = [exp.NullSafeEQ(this=self.ref(a, "q"), expression=self.ref(b, "r")) for a, b in self.partition]
        condition = exp.and_(exp.EQ(this=self.ref(self.turn, "r"), expression=self.scalars.cast(more, Type.LONG)), *same)
        query = exp.select(exp.Star()).from_(exp.table_(self.states, alias="q")).join(exp.table_(self.rows, alias="r"), on=condition)
        final: dict[e.Column, exp.Expr] = {c: self.ref(c) for c, _ in self.partition}
        final |= {self.at: self.ref(self.turn), self.counter: self.ref(self.counter)}
        left: e.Column | None = None
        for number in reversed(range(len(self.steps))):
            query, left = self.step(query, number, left, final)
        return exp.select(*(self.cast(final[c], c) for c in self.carried())).from_(query.subquery("z"))

    def step(self, query: exp.Select, number: int, left: e.Column | None, final: dict[e.Column, exp.Expr]) -> tuple[exp.Select, e.Column]:
        """One step over the row. ``left`` says whether the next step has just taken this one's sequence over."""
        compiler, scalars, step = self.compiler, self.scalars, self.steps[number]
        before = self.steps[number - 1] if number else None

        def further(query: exp.Select, values: Mapping[e.Column, exp.Expr]) -> exp.Select:
            return exp.select(exp.Star(), *(self.cast(v, c) for c, v in values.items())).from_(query.subquery("x"))

        def either(*branches: tuple[exp.Expr, exp.Expr], otherwise: exp.Expr) -> exp.Expr:
            return exp.Case(ifs=[exp.If(this=c, true=v) for c, v in branches], default=otherwise)

        def read(expr: e.Expr, view: Mapping[e.Column, e.Expr]) -> e.Expr:
            return e.transform(expr, lambda n: view.get(n.column, n) if isinstance(n, e.ColumnRef) else n)

        def reference(column: e.Column) -> e.Expr:
            return e.ColumnRef(None, column.type, column)

        going = compiler.column(Type.BOOL)
        held = {state: compiler.column(state.type) for state in step.seen}
        gone = self.ref(left) if left else exp.false()
        query = further(
            query,
            {going: exp.and_(self.ref(step.active), exp.not_(gone))}
            | {held[s]: either((gone, self.default(self.origins[s][1])), otherwise=self.ref(c)) for s, c in step.seen.items()},
        )
        own = {s: reference(c) for s, c in held.items()}
        condition = self.relation.steps[number].condition
        taken, kept = compiler.column(Type.BOOL), compiler.column(Type.BOOL)
        passed: dict[e.Column, e.Expr] = {}
        if before is not None:
            for state in step.seen:
                origin = self.origins[state][1]
                unseen = self.defaults.get(origin) or e.Const(None, origin.type, None)
                passed[state] = reference(before.seen[state]) if state in before.seen else unseen
            query = further(query, {taken: exp.and_(self.ref(before.active), comparisons.predicate(scalars, read(condition, passed)))})
        else:
            query = further(query, {taken: exp.false()})
        able = exp.not_(self.ref(taken)) if before is None else exp.and_(exp.not_(self.ref(taken)), self.ref(going))
        query = further(query, {kept: exp.and_(able, comparisons.predicate(scalars, read(condition, own)))})
        values: dict[e.Column, exp.Expr] = {}
        for declared, column in self.made[number].items():
            assigned = dict(self.relation.steps[number].assignments).get(declared)
            values[column] = self.default(declared)
            if assigned is not None:
                kinds = [(taken, passed)] if before is not None else []
                branches = [
                    (self.ref(c), conversions.typed(scalars, read(assigned, view), declared.type)) for c, view in (*kinds, (kept, own))
                ]
                values[column] = either(*branches, otherwise=values[column])
        made = {c: compiler.column(c.type) for c in values}
        query = further(query, {made[c]: v for c, v in values.items()})
        hit = exp.or_(self.ref(taken), self.ref(kept))
        final |= {self.hits[number]: hit, step.active: exp.or_(self.ref(going), hit.copy())}
        final |= {c: self.ref(m) for c, m in made.items()}
        for state, column in step.seen.items():
            at, origin = self.origins[state]
            if at == number:
                latest = self.ref(made[self.made[number][origin]]) if origin in self.made[number] else self.ref(origin)
                final[column] = either((hit.copy(), latest), otherwise=self.ref(held[state]))
            elif before is not None:
                final[column] = either((self.ref(taken), self.ref(before.seen[state])), otherwise=self.ref(held[state]))
        if before is not None:
            final[step.match] = either((self.ref(taken), self.ref(before.match)), otherwise=self.ref(step.match))
        else:
            begins = exp.and_(self.ref(kept), exp.not_(self.ref(going)))
            final[step.match] = either((begins, self.ref(self.counter)), otherwise=self.ref(step.match))
            final[self.counter] = scalars.sql("$1 + CASE WHEN $2 THEN 1 ELSE 0 END", self.ref(self.counter), begins.copy())
        return query, taken

    def output(self, number: int, place: e.Column) -> exp.Query | None:
        """The rows that a step puts out."""
        compiler, step = self.compiler, self.steps[number]
        kind = self.relation.steps[number].output
        if kind == "none":
            return None
        if kind not in ("all", "last"):
            raise EngineError(f"scan has no output={kind}: there are all, last and none", self.relation.span)
        shown = [compiler.named(self.ref(m, "q"), c) for c, m in self.made[number].items()]
        if self.relation.match is not None:
            shown.append(compiler.named(self.ref(step.match, "q"), self.relation.match))
        kept = [self.ref(c, "r") for c in (*self.input.columns.values(), self.place)]
        same = [exp.NullSafeEQ(this=self.ref(a, "q"), expression=self.ref(b, "r")) for a, b in self.partition]
        condition = exp.and_(exp.EQ(this=self.ref(self.turn, "r"), expression=self.ref(self.at, "q")), *same)
        select = exp.select(*kept, *shown, compiler.named(exp.Literal.number(number), place)).from_(exp.table_(self.states, alias="q"))
        select = select.join(exp.table_(self.rows, alias="r"), on=condition).where(self.ref(self.hits[number], "q"))
        if kind == "last":
            latest = exp.Window(
                this=exp.RowNumber(),
                partition_by=[*(self.ref(c, "q") for c, _ in self.partition), self.ref(step.match, "q")],
                order=exp.Order(expressions=[exp.Ordered(this=self.ref(self.at, "q"), desc=True)]),
            )
            select = select.qualify(exp.EQ(this=latest, expression=exp.Literal.number(1)))
        return select
