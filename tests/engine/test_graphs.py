"""Graphs: what patterns match, what is told along edges of variable length, and what is refused.

Sources: learn.microsoft.com/kusto/query/graph-match-operator, graph-shortest-paths-operator, make-graph-operator,
graph-mark-components-operator and graph-to-table-operator.
"""

from __future__ import annotations

from typing import Any

import pytest

import translator
from translator.engine import EngineError
from translator.plan.binder.problems import BindError

LOOP = "datatable(s:int, t:int)[1, 2, 2, 3, 3, 1, 3, 4] | make-graph s --> t with_node_id=n"
PAIR = "datatable(s:string, t:string, w:long)['a', 'b', 1, 'b', 'c', 2, 'a', 'c', 9] | make-graph s --> t with (datatable(k:string, v:long)['a', 5, 'z', 6]) on k"

MATCHES: list[tuple[str, list[tuple[Any, ...]]]] = [
    (f"{PAIR} | graph-match (p)-[e]->(q) project p.k, to = q.k, e.w, p.v", [("a", "b", 1, 5), ("a", "c", 9, 5), ("b", "c", 2, None)]),
    (f"{PAIR} | graph-match (q)<-[e]-(p) where p.v == 5 and e.w > 1 project p.k, q.k", [("a", "c")]),
    (f"{PAIR} | graph-match (p)-[e]->(q), (p)-->(r)<--(q) project p.k, q.k, r.k", [("a", "b", "c")]),
    (f"{PAIR} | graph-match (p) where p.v > 5 project p.k", [("z",)]),
    (f"{PAIR} | graph-match (p)-[e*1..2]->(q) project q.k, e.w, map(inner_nodes(e), k)",
     [("b", [1], []), ("c", [1, 2], ["b"]), ("c", [2], []), ("c", [9], [])]),
    (f"{PAIR} | graph-match (p)-[e*1..2]->(q) where all(e, w < 3) and p.k != 'b' project x = map(e, strcat(s, t)), array_length(e)",
     [(["ab"], 1), (["ab", "bc"], 2)]),
    (f"{PAIR} | graph-match (p)-[e*1..2]->(q) where any(e, w == 2) project m = map(e, w)", [([1, 2],), ([2],)]),
    (f"{PAIR} | graph-match (p)<-[e*2..2]-(q) where e.w < 3 project p.k, m = map(e, s), q.k", [("c", ["b", "a"], "a")]),
    (f"{PAIR} | graph-match (p)-[e]->(q) where node_degree_out(p) == 2 project node_id(q), d = node_degree_in(q)", [("b", 1), ("c", 2)]),
    ("datatable(s:int, t:int)[1, 2, 2, 3] | make-graph s --> t with_node_id=n | graph-match (a)--(b)--(c) project a.n, b.n, c.n",
     [(1, 2, 3), (3, 2, 1)]),
    (f"{LOOP} | graph-match (a)-[e*3..4]->(b) where a.n == 1 project b.n, l = array_length(e)", [(1, 3), (4, 3)]),
    (f"{LOOP} | graph-match cycles=all (a)-[e*4..4]->(b) where a.n == 1 project b.n", [(2,)]),
    (f"{LOOP} | graph-match cycles=none (a)-[e*3..4]->(b) where a.n == 1 project b.n", [(4,)]),
    (f"{LOOP} | graph-match (a)-[e*0..1]->(b) where a.n == 1 project b.n, m = map(e, t)", [(1, []), (2, [2])]),
    ("datatable(s:string, t:string)['a', 'b', 'b', 'd', 'a', 'c', 'c', 'd', 'd', 'a'] | make-graph s --> t with_node_id=n"
     " | graph-shortest-paths output=all (x)-[e*1..9]->(y) where x.n == 'a' and y.n == 'd' project m = map(inner_nodes(e), n)",
     [(["b"],), (["c"],)]),
    ("datatable(s:string, t:string)['a', 'b', 'b', 'd', 'a', 'c', 'c', 'd', 'd', 'a'] | make-graph s --> t with_node_id=n"
     " | graph-shortest-paths (x)-[e*1..9]->(y) where x.n == 'a' and y.n == 'd' project m = map(e, t)", [(["b", "d"],)]),
    ("datatable(s:int, t:int)[1, 2, 2, 1, 2, 3, 4, 5] | make-graph s --> t with_node_id=n | graph-mark-components kind=strong with_component_id=c"
     " | graph-mark-components | graph-to-table nodes", [(1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 2, 1), (5, 3, 1)]),
    ("datatable(s:int, t:int)[1, 2, 2, 3] | make-graph s --> t with (datatable(n:int, v:string)[1, 'x', 9, 'y']) on n,"
     " (datatable(n:int, w:string)[1, 'q']) on n | graph-to-table nodes", [(1, "x", "q"), (2, "", ""), (3, "", ""), (9, "y", "")]),
    ("datatable(s:int, t:int)[1, 2, 2, 3] | make-graph s --> t | graph-to-table edges", [(1, 2), (2, 3)]),
    ("datatable(s:int, t:int)[1, 2, 2, 3] | make-graph s --> t with_node_id=n | graph-to-table nodes as N, edges as E;"
     " N | join kind=inner (E | where t == 3) on $left.n == $right.s", [(2, 2, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "rows"), MATCHES)
def test_what_a_pattern_matches(query: str, rows: list[tuple[Any, ...]]) -> None:
    assert sorted(translator.run(query).rows, key=str) == sorted(rows, key=str)


REFUSALS = [
    (f"{LOOP}", "a graph is no table"),
    (f"{LOOP} | graph-to-table nodes with_node_id=h", "hashes"),
    (f"{LOOP} | graph-match (a)-[e]->(b) project a", "'a' is no value"),
    (f"{LOOP} | graph-match (a)-[e]->(b) project a.n + 1", "needs a name"),
    (f"{LOOP} | graph-match (a)-[e*1..2]->(b) project x = strcat(e.s, 'x')", "variable length"),
    (f"{LOOP} | graph-match (a)-[e*1..2]->(b)-[f*1..2]->(c) where e.s == f.s project a.n", "variable length"),
    (f"{LOOP} | graph-match cycles=none (a)-->(b)-->(a) project a.n", "a cycle itself"),
    (f"{LOOP} | graph-match cycles=some (a)-->(b) project a.n", "cycles=some"),
    (f"{LOOP} | graph-match cycles=all (a)-[e*1..2000]->(b) project a.n", "1,000 edges"),
    (f"{LOOP} | graph-shortest-paths (a)-[e*1..5]->(b) project a.n", "leads back"),
    ("range i from 1 to 99 step 1 | extend a = i % 9, b = i % 7 | make-graph a --> b with_node_id=n | graph-match (a)-[e*1..9]->(b) project a.n",
     "300,000 paths"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "message"), REFUSALS)
def test_what_is_not_documented_of_graphs_is_refused(query: str, message: str) -> None:
    with pytest.raises((EngineError, BindError), match=message):
        translator.run(query)
