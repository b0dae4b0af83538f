"""The names and types of a query's columns, and the names that are not there, as the official binder has them (Kusto.Language 12.4.1)."""

from __future__ import annotations

import pytest

from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.bags import with_bags_searched
from translator.plan.binder import bind, examine
from translator.plan.binder.problems import BindError
from translator.plan.expressions import Apply, ColumnRef
from translator.plan.uniqueness import determines, without_needless_distinct, without_needless_keys

SCHEMA = {
    "Doors": {"At": "datetime", "Door": "string", "Badge": "long"},
    "DoorFaults": {"At": "datetime", "Door": "string", "Badge": "string", "Fault": "string"},
    "Lifts": {"At": "datetime", "Lift": "string", "Load": "real"},
}
T = "datatable(t:datetime, s:string, n:long, d:dynamic)[]"


def columns(kql: str) -> str:
    return " ".join(f"{name}:{kind}" for name, kind in bind(parse(kql), SCHEMA).columns)


@pytest.mark.parametrize(
    ("kql", "expected"),
    [
        # what is read from every known table
        ("union * | summarize count() by Door, Lift", "Door:string Lift:string count_:long"),
        ("union Door* | project At, Badge_long, Fault", "At:datetime Badge_long:long Fault:string"),
        ("union withsource=From Door* | summarize count() by From", "From:string count_:long"),
        ("search 'x' | summarize max(At) by $table", "$table:string max_At:datetime"),
        ("search in (Doors, DoorFaults) 'x' | project-keep Badge*", "Badge_long:long Badge_string:string"),
        ("Doors | search 'x'", "$table:string At:datetime Door:string Badge:long"),
        ("find in (Doors, DoorFaults) where Door == 'x'", "source_:string At:datetime Door:string Badge:dynamic pack_:dynamic"),
        ("find withsource=W in (Doors, Lifts) where Door == 'x' project Door, Load", "W:string Door:string Load:real"),
        # unions: types are told apart where the first two tables differ
        ("union (datatable(a:string)[]), (datatable(a:long)[]), (datatable(a:real)[])", "a_string:string a_long:long a_real:real"),
        ("union (datatable(a:string)[]), (datatable(a:string)[]), (datatable(a:long)[])", "a:string"),
        (
            "union isfuzzy=true (datatable(a:string)[]), (Nowhere | extend b = a | where c == 1)",
            "a_string:string a_unknown:unknown b:unknown c:unknown",
        ),
        # the name of an index is free of the columns that are there, and a parameter may be a name in brackets
        (f"{T} | project s, d | mv-expand with_itemindex=s d", "s:string d:dynamic s1:long"),
        (f"{T} | project s, d | mv-apply with_itemindex=x x=d on (where true)", "s:string d:dynamic x:dynamic x1:long"),
        (f"{T} | make-series count() on t step 1h by bin(t, 1d)", "t:datetime count_:dynamic t1:dynamic"),
        ('union withsource=["From where"] Doors', "From where:string At:datetime Door:string Badge:long"),
        (f"{T} | project array_sort_asc(d, pack_array(1))", "d_sorted:dynamic array1_sorted:dynamic"),
        (f"{T} | project hll_merge(d, d), tdigest_merge(d, d)", "hll_merged_result:dynamic tdigests_merge_result:dynamic"),
        (f"{T} | summarize hll_merge(d)", "hll_merge_d:dynamic"),
        (f"let rank = 99.5; {T} | summarize percentile(n, rank)", "percentile_n_99_5:long"),
        (f"let ends = false; {T} | project array_sort_asc(d, ends), array_sort_asc(d, 1 > 2)", "d_sorted:dynamic d_sorted1:dynamic"),
        (f"{T} | project array_sort_desc(dynamic([1]))", "array0_sorted:dynamic"),
        # a name that the query gives is numbered where an unnamed column before has it, but for keys
        (f"{T} | project bin(t, 1h), t=1", "t:datetime t1:long"),
        (f"{T} | project n + 1, Column1='x'", "Column1:long Column11:string"),
        (f"{T} | summarize arg_max(t, *), s=count()", "t:datetime s:string n:long d:dynamic s1:long"),
        (f"{T} | summarize sum(n), sum_n=count() by s", "s:string sum_n:long sum_n1:long"),
        (f"{T} | summarize by bin(t, 1h), t=s", "t:string"),
        (f"{T} | distinct bin(t, 1h), t=s", "t:string"),
        # the key of the right table is left out of a lookup by its name, and what joins two tables is no column of either
        (f"{T} | lookup ({T} | project s, x=s, n) on $left.s == $right.x", "t:datetime s:string n:long d:dynamic s1:string n1:long"),
        (
            "union Nowhere, Elsewhere | where b == 1 | lookup (print k=1) on $left.a == $right.k",
            "a:unknown b:unknown",
        ),
        ("union Nowhere, Elsewhere | mv-expand with_itemindex=i x", "x:dynamic i:long"),
        # plugins whose columns their names and arguments tell
        (f"{T} | evaluate session_count(s, t, ago(9d), now(), 1d, 2d, n)", "t:datetime n:long count_sessions:long"),
        (f"{T} | evaluate sequence_detect(t, 1h, 2h, a=(n == 1), b=(n == 2), s)", "s:string a_t:datetime b_t:datetime Duration:timespan"),
        (
            f"{T} | evaluate funnel_sequence(s, t, ago(9d), now(), 1d, 1h, n, dynamic([1]))",
            "t:datetime prev:long next:long dcount:long samples:dynamic",
        ),
        (
            f"{T} | evaluate funnel_sequence_completion(s, t, ago(9d), now(), 1d, n, dynamic([1]), dynamic([1h]))",
            "t:datetime n:string Period:timespan dcount:long",
        ),
        (f"{T} | project s | evaluate ai_embed_text(s, 'x', dynamic({{}}), true)", "s:string s_embedding:dynamic s_embedding_error:string"),
        (f"{T} | project s | evaluate identity()", "s:string"),
        ("evaluate infer_storage_schema(dynamic({}))", "CslSchema:string"),
        ("evaluate sql_request('a', 'b') : (x:long) | where x > 1", "x:long"),
        (f"{T} | project s | evaluate geo_polygon_lookup({T}, d, 1.0, 2.0)", "s:string t:datetime s1:string n:long"),
        (
            f"{T} | project s | evaluate geo_line_lookup({T}, d, 1.0, 2.0, 9, return_lookup_key=true)",
            "s:string t:datetime s1:string n:long d:dynamic",
        ),
        # literals and the types of what is made of them
        ("print a = dynamic('x'), b = dynamic(1) + dynamic(2), c = dynamic(1) + 2.5", "a:dynamic b:dynamic c:real"),
        (f"{T} | project a = t / 1d, b = t / t, c = 1d - t, d = t - d", "a:real b:real c:datetime d:timespan"),
        ("range x from 1 to 2.5 step 1", "x:real"),
        ("range x from int(1) to int(2) step int(1)", "x:int"),
        # numbers of names
        (f"{T} | extend n + 1 | extend n + 2", "t:datetime s:string n:long d:dynamic Column1:long Column2:long"),
        (f"{T} | summarize sum(n) + 1 by t + 1d", "Column1:datetime Column2:long"),
        (f"let A = {T} | project n + 1; {T} | project n + 2 | union A", "Column2:long Column1:long"),
        ("let F = (x:long) { print a = x | extend a + 1 }; F(1) | extend a + 2", "a:long Column1:long Column2:long"),
        ("print print_1 = 1, 2", "print_1:long print_11:long"),
        (f"{T} | project s, n | serialize n = row_number(), s, s = 1", "s:string n:long n1:long s1:long"),
        # joins: a suffix is free of both sides
        ("datatable(a:int, b:int)[] | join kind=inner (datatable(a:int, a1:int)[]) on a", "a:int b:int a2:int a1:int"),
        ("datatable(a:int, b:int)[] | lookup (datatable(a:int, b:int, b1:int)[]) on a", "a:int b:int b2:int b1:int"),
        # plugins
        (f"{T} | evaluate pivot(s, count(), n, t)", "n:long t:datetime"),
        ("Nowhere | evaluate pivot(s, count(), n, t)", "n:unknown t:unknown"),
        (f"{T} | evaluate bag_unpack(d) : (*, s:long, x:real)", "t:datetime n:long s:long x:real"),
        (f"{T} | project s, n | evaluate narrow()", "Row:long Column:string Value:string"),
        (f"{T} | project s | evaluate python(typeof(*, x:long), 'result = df')", "s:string x:long"),
        (f"{T} | evaluate r(typeof(x:long, ['a b']:real), 'result <- df')", "x:long a b:real"),
        (f"{T} | project s, n | evaluate r(typeof(x:dynamic, *), 'x')", "x:dynamic s:string n:long"),
        (f"{T} | project s, n | evaluate r(typeof(x:dynamic, *, y:long), 'x')", "x:dynamic s:string n:long y:long"),
        # values without a type in common
        ("print a = iff(1 == 1, 1, 'x'), b = case(1 == 2, 'x', 1 == 1, 1, 2.0), c = iff(1 == 1, 1, 2.0)", "a:dynamic b:dynamic c:real"),
        ("union (print a = dynamic(null)), (print a = dynamic([1]))", "a:dynamic"),
        # a column that is there already
        (f"{T} | project s, n | parse s with 'x' n:real 'y' | extend z = 1", "s:string n:long n1:real z:long"),
        (f"{T} | project s, n | parse s with 'x' n:long 'y' | where n > 1", "s:string n:long n:long"),
        # names of functions
        (f"{T} | summarize arg_max(t, tostring(n), strcat(s, 'x'), n)", "t:datetime n:string max_t_arg2:string n1:long"),
        (f"{T} | project t, n | summarize arg_max(t, tostring(n), *)", "t:datetime n:string n1:long"),
        (f"{T} | project t, n | summarize arg_min(t, *, n + 1)", "t:datetime n:long min_t_arg2:long"),
        (f"{T} | summarize arg_max(n, *) by t | extend n + 1", "t:datetime n:long s:string d:dynamic Column1:long"),
        (f"{T} | summarize take_any(tolower(s), n), sum(n) + 1", "any_arg0:string n:long Column1:long"),
        (f"{T} | summarize any(n, tolower(s)), any(tolower(s))", "any_n:long any_arg1:string any_:string"),
        (f"{T} | summarize argmax(n, s, strcat(s, 'x')), argmin(n, *) by t",
         "t:datetime max_n:long max_n_s:string max_n_arg2:string min_n:long min_n_s:string min_n_d:dynamic"),
        (f"{T} | project tostring(parse_url(s).Host), parse_url(s)['Query Parameters'].x, parse_json(s).x",
         "Host:string Query Parameters_x:dynamic s_x:dynamic"),
        (f"{T} | project s, column_ifexists('s', ''), n + 1, column_ifexists('none', s)", "s:string s1:string Column1:long Column2:string"),
        (f"{T} | summarize count() by column_ifexists('n', 0), n + 1", "n:long Column1:long count_:long"),
        (f"{T} | extend i = toint(n) | summarize percentile(i, 5), percentiles(i, 50)", "percentile_i_5:long percentile_i_50:long"),
        (f"{T} | top-nested 2 of s by count(), top-nested 2 of s by x = max(n)", "s:string aggregated_s:long s1:string x:long"),
        (f"{T} | top-nested 2 of s by x = count(), top-nested of n by x = max(t)", "s:string x:long n:long x1:datetime"),
        ("union A_CL, B_CL | where x in ((C_CL | project y)) and z == 'a'", "x:unknown z:unknown"),
        ("union A_CL, B_CL | where x == 'a' | as Q | union Q", "x:unknown"),
        ("union A_CL, B_CL | where n > toscalar(C_CL | summarize max(m))", "n:unknown"),
        (f"{T} | project n, s | distinct s, * | extend n + 1", "s:string n:long Column1:long"),
        (f"{T} | make-series max(n), max(n) on t step 1h by max_n = s", "max_n:string max_n1:dynamic max_n2:dynamic t:dynamic"),
        (f"{T} | extend r = 1.0 | top-hitters 2 of s by r", "s:string approximate_sum_r:real"),
        (f"{T} | project n, pack_array(*)", "n:long Column1:dynamic"),
        # beside * no column stands twice
        (f"{T} | summarize arg_max(n, *, x = s) by t", "t:datetime n:long s:string d:dynamic"),
        (f"{T} | summarize arg_max(n, x = s, *, y = s, *) by t", "t:datetime n:long x:string d:dynamic"),
        (f"{T} | summarize arg_max(n, x = n, t, *, y = strlen(s)) by t", "t:datetime n:long s:string d:dynamic y:long"),
        (f"{T} | summarize (m, p) = arg_max(n, *, x = s) by t", "t:datetime m:long p:string d:dynamic"),
        (f"{T} | summarize arg_max(n, s, x = s) by t", "t:datetime n:long s:string x:string"),
        (f"{T} | summarize count() by bin_auto(t)", "t:datetime count_:long"),
        (f"{T} | summarize percentilesw_array(n, n, 5, 50), percentilew(n, n, 5)", "percentiles_n:dynamic percentile_n_5:long"),
        (f"{T} | project format_datetime(t, 'yyyy'), make_datetime(s), make_datetime(1, 2, 3)", "t:string s:datetime Column1:datetime"),
        (f"{T} | evaluate bag_unpack(s) | project n", "n:long"),
        ("declare pattern p = (a:string)[b:string] { ('x').['y'] = { print v = 1 }; }; p('x').y", "v:long"),
        (f"{T} | partition by s (top-nested 1 of n by x = count())", "n:long x:long"),
        (f"{T} | project n, s | partition by s (join (datatable(n:long, b:bool)[]) on n)", "n:long s:string n1:long b:bool"),
        ("print i = int(1) | extend j = -i, k = +i, l = -1.0", "i:int j:long k:long l:real"),
        ("datatable(X:int, b:int, A:int, a10:int, a2:int)[] | project-reorder X, * asc", "X:int A:int a10:int a2:int b:int"),
        ("datatable(X:int, b:int, A:int, a10:int, a2:int)[] | project-reorder a* granny-desc", "a10:int a2:int X:int b:int A:int"),
        # scan and graphs
        (f"{T} | project n | scan declare (n:real) with (step a: n > 1;)", "n:long n:real match_id:long"),
        (f"{T} | project n | scan with_match_id=m with (step a: n > 1;)", "n:long m:long"),
        (
            "datatable(a:string, b:string, w:int)[] | make-graph a --> b with (datatable(k:string, v:real)[]) on k "
            "| graph-match (x)-[e]->(y) project x.k, far = y.v, e.w",
            "x_k:string far:real e_w:int",
        ),
        (
            "datatable(a:string, b:string, w:int)[] | make-graph a --> b with_node_id=id "
            "| graph-match (x)-[e*1..3]->(y) project x.id, e.w",
            "x_id:string e_w:dynamic",
        ),
    ],
)  # fmt: skip
def test_columns(kql: str, expected: str) -> None:
    assert columns(kql) == expected


def found(kql: str) -> str:
    """What is wrong with the names of a query: severity, code and text at each place."""
    return "; ".join(f"{'warning' if p.warns else 'error'} {p.code} {kql[slice(*p.span)]}" for p in examine(parse(kql), SCHEMA)[1])


@pytest.mark.parametrize(
    ("kql", "expected"),
    [
        # parts of what an operator names
        ("Doors | scan declare (c:long=0) with (step a: Door == 'x' => c = a.c + c; step b: Badge > a.Badge => At = b.At;)", ""),
        ("Lifts | project Load | scan with (step a: a.Loud > 1 => d = a.Load;)", "error unknown-column a.Loud; error unknown-column d"),
        (
            "datatable(a:long, b:long)[] | make-graph a --> b with Lifts on Load | graph-match (x)-[e*1..2]->(y)"
            " where x.Lift == 'u' and all(e, a > 1) and any(inner_nodes(e), Load > 2) project y.Load, e.c, node_degree_in(x)",
            "error unknown-column e.c",
        ),
        (
            "datatable(a:long, b:long)[] | make-graph a --> b with_node_id=n | graph-match (x)-->(y) project x.n, x.m",
            "error unknown-column x.m",
        ),
        ("Doors | partition by Door (scan with (step a: At > a.At;) | top-nested 1 of Badge by max(At)) | project Badge", ""),
        ("Doors | search 'x' | where Door == 'y' and $table == 'Doors'", ""),
        # columns that are gone
        ("Doors | summarize count() by Door | where Badge == 1", "error unknown-column Badge"),
        ("Doors | project Door | where Badge == 1 or Badge == 2", "error unknown-column Badge; error unknown-column Badge"),
        ("Doors | project-away Door | where Door == 'x'", "error unknown-column Door"),
        ("Nowhere | project-away Do*, Lift | where Lift == 'x'", "error unknown-column Lift"),
        ("Doors | project-rename Gate = Door | where Door == 'x'", "error unknown-column Door"),
        ("Doors | project-away Door | extend Door = 'x' | where Door == 'x'", ""),
        ("Doors | project-away Badge | join kind=inner (Doors) on Door | where Badge == 1", ""),
        ("Nowhere | project-away Badge | join kind=inner (Elsewhere) on Door | where Badge == 1", ""),
        ("Doors | distinct Door | sort by At", "error unknown-column At"),
        ("Nowhere | project Door | where Colour == 'x'", "error unknown-column Colour"),
        ("Doors | reduce by Door | where Badge == 1", "error unknown-column Badge"),
        ("Doors | reduce kind=source by Door | where Badge == 1", ""),
        ("union Doors, DoorFaults | where Badge == 1", "error unknown-column Badge"),
        ("datatable(a:int, name:string)[1, 'x'] | where nam == 'x'", "error unknown-column nam"),
        ("print x = nowhere", "error unknown-column nowhere"),
        ("Doors | join kind=inner (Lifts | distinct Lift) on $left.Door == $right.Loft", "error unknown-column Loft"),
        ("Doors | project-rename Gate = strcat(Door, 'x')", "error unknown-column strcat(Door, 'x')"),
        # columns that a documented table may have all the same
        ("Doors | where door == 'x'", "error unknown-column door"),
        ("Doors | where Colour == 'x' or Colour == 'y'", "warning unlisted-column Colour"),
        ("Doors | summarize arg_max(At, *) by Door | where Colour == 'x'", "warning unlisted-column Colour"),
        ("union Doors, DoorFaults | where Colour == 'x' | project Colour", "warning unlisted-column Colour"),
        ("Doors | join kind=inner (Lifts) on Door", "warning unlisted-column Door"),
        ("Doors | where TimeGenerated > ago(1h) and _ResourceId == 'x'", ""),
        # tables that nothing is known of may have any
        ("Nowhere | where Colour == 'x'", ""),
        ("union Doors, Nowhere | where Colour == 'x'", ""),
        ("Doors | join kind=inner (Nowhere) on Door | where Colour == 'x'", ""),
        ("Nowhere | summarize take_any(*) by Door | join kind=inner (Doors) on Door | where Colour == 'x'", ""),
        ("Doors | evaluate bag_unpack(Bag) | where Colour == 'x'", "warning unlisted-column Bag"),
        ("Doors | evaluate bag_unpack(Bag, OutputColumnPrefix='x', columnsConflict='keep_source', ignoredProperties=dynamic([]))",
         "warning unlisted-column Bag"),
        ("_GetWatchlist('doors') | where Colour == 'x'", ""),
        # names of lets
        ("Doors | where Door has_any (stop_list)", "error unknown-name stop_list"),
        ("Doors | where 'x' in (stop_list)", "warning unlisted-column stop_list"),
        ("Doors | where Door in (Lifts)", ""),
        ("let F = (x:long) { x + y }; Doors | where F(Badge) > 1", "error unknown-name y"),
        ("let stopped = dynamic(['x']); Doors | where Door in (stoped)", "error unknown-name stoped"),
        ("let day = 1d; Doors | where At > ago(2 * dya)", "error unknown-name dya"),
        ("Nowhere | where At > ago(dya) and Door in (dya)", "error unknown-name dya"),
        ("let since = ago(dya); Doors | where At > since", "error unknown-name dya"),
        ("let Open = Doors | where Badge > 1; Opn | count", "error unknown-table Opn"),
        ("let Open = Doors | where Badge > 1; Opn_CL | count", ""),
        ("doors | count", "error unknown-table doors"),
        ("union isfuzzy=true (doors | where Badge == 1), Doors", "warning unknown-table doors"),
        ("DoorFault | count", "warning unlisted-table DoorFault"),
        ("DoorFaulty | count", "warning unlisted-table DoorFaulty"),
        ("DoorEvents | count", ""),
        # what nothing uses, and functions as they are written
        ("let unused = Doors | project Door | where Badge == 1; Doors", "error unknown-column Badge"),
        ("let unused = Doors | where door == 'x'; let also = unused | count; Doors", "error unknown-column door"),
        ("let unused = Doors | evaluate narrow(); Doors", ""),
        ("let F = (x:string) { y }; Doors | where Door == F('x')", "error unknown-name y"),
        ("let F = (x:string) { Nowhere | where Colour == x }; Doors", ""),
        ("let F = (d:(Door:string)) { d | where Badge == 1 and Door == 'x' }; F(Doors)", "error unknown-column Badge"),
        ("let F = (d:(*)) { d | where Door == 'x' }; Doors | invoke F()", "error unknown-column Door"),
        ("let F = (d:(*)) { d | count }; F(Doors)", ""),
        ("let F = (x:long) { let g = (y:long) { x + y + z }; g(1) }; print F(1)", "error unknown-name z"),
        # parts of what has none
        ("Doors | where Door.colour == 'x' or Door[0] == 'x'", "error no-parts colour; error no-parts [0]"),
        ("Nowhere | where Door.colour == 'x' and parse_json(Door).colour == 'x'", ""),
        ("Nowhere | where isempty(column_ifexists('Door', '')) | mv-expand Door | where Door.colour == 'x'", ""),
        ("let F = (x:long) { x.y }; Doors | where Badge == F(1)", "error no-parts y"),
        # types of operands and arguments
        ("Doors | where At > ago(1)", "error argument-type 1"),
        ("Doors | where At > 1d", "error operand-types At > 1d"),
        ("Doors | where Door > 5 and Badge > 5.5", "error operand-types Door > 5"),
        ("Doors | where Door < 'x'", "error operand-types Door < 'x'"),
        ("Doors | where At between (1d .. now())", "error operand-types At between (1d .. now())"),
        ("Doors | where At between (ago(1d) .. 1h) and Badge between (1 .. 2.5)", ""),
        ("Doors | where Badge has '5' or tostring(Badge) has '5'", "error operand-types Badge"),
        ("Doors | where Badge in~ ('5') or Badge in ('5') or Badge == '5'", "error operand-types Badge"),
        ("Doors | where Door", "error argument-type Door"),
        ("Doors | where Door and Badge == 1", "error operand-types Door"),
        ("Doors | extend x = -Door, z = At - 1d, w = now() - At, v = 1d * 2", "error operand-types -Door"),
        ("Doors | extend y = Door + 1", "error operand-types Door + 1"),
        ("Doors | extend x = (now() - At) / 1h > 5, y = bin(At, 1)", "error argument-type 1"),
        ("Doors | extend x = strlen(Badge), y = tolower(Badge)", "error argument-type Badge"),
        ("Doors | extend x = case(Badge > 1, 'a', Badge > 2, 'b', 'c')", ""),
        ("Doors | extend y = case(Badge > 1, 'a', Door, 'b', 'c')", "error argument-type Door"),
        ("Doors | extend x = iff(Badge, 1, 2), y = array_length(Door)", "error argument-type Badge; error argument-type Door"),
        ("Doors | summarize sum(Door), max(Door), avg(At), avgif(At, Badge > 1)", "error argument-type Door"),
        ("Doors | summarize count(Door), count(Badge > 1)", "warning argument-type Door"),
        ("Doors | summarize count() by parse_json(Door)", "error argument-type parse_json(Door)"),
        ("Doors | extend d = parse_json(Door) | sort by d | top 1 by Badge", "error argument-type d"),
        ("Doors | mv-expand Door | mv-expand Door", "error argument-type Door"),
        ("Doors | join kind=inner (Lifts) on $left.Badge == $right.Lift", "error operand-types $left.Badge == $right.Lift"),
        ("Doors | extend x = tolower(), z = strcat('a')", "error argument-count tolower()"),
        ("Doors | extend y = substring(Door)", "error argument-count substring(Door)"),
        # values of one type, values that no row changes, arrays and objects as they are written
        ("Doors | extend x = coalesce(Badge, Door), y = coalesce(Badge, 1.5)", "error argument-type coalesce(Badge, Door)"),
        ("Doors | extend x = max_of(1, 'a'), y = min_of(At, now())", "error argument-type max_of(1, 'a')"),
        ("Doors | extend x = coalesce(parse_json(Door).a, 'a'), y = coalesce(Nothing, 'a')",
         "error argument-type coalesce(parse_json(Door).a, 'a'); warning unlisted-column Nothing"),
        ("Doors | extend x = trim(Door, 'a'), y = trim(strcat('a', 'b'), Door), z = round(1.5, Badge)",
         "error argument-type Door; error argument-type Badge"),
        ("let F = (x:string) { trim(x, 'a') }; let c = toscalar(Doors | project Door); Doors | extend y = F(Door), z = trim(c, Door)", ""),
        ("Doors | extend x = array_length(dynamic({'a': 1})), y = bag_keys(dynamic([1]))",
         "error argument-type dynamic({'a': 1}); error argument-type dynamic([1])"),
        ('Doors | extend x = trim("a", dynamic([1])), y = tostring(dynamic([1]))', "error argument-type dynamic([1])"),
        ("Doors | extend x = bag_pack('a', 1, 'b'), y = case(Badge > 1, 1, Badge > 2, 2)",
         "error argument-count bag_pack('a', 1, 'b'); error argument-count case(Badge > 1, 1, Badge > 2, 2)"),
        ("Doors | extend x = parse_json(), y = series_fft()", "error argument-count parse_json(); error argument-count series_fft()"),
        ("Doors | extend x = parse_json(Badge), y = hash_md5(parse_json(Door))",
         "error argument-type Badge; error argument-type parse_json(Door)"),
        ("Doors | summarize arg_max(parse_json(Door), Badge), percentiles(Badge, true)",
         "error argument-type parse_json(Door); error argument-type true"),
        # aggregates and single rows
        ("Doors | where count() > 5 | extend x = max(Badge)", "error misplaced count(); error misplaced max(Badge)"),
        ("Doors | top 5 by count() | project dcount(Door)", "error misplaced count(); error misplaced dcount(Door)"),
        ("Doors | where Badge in ((Lifts | summarize count())) and Badge > toscalar(Lifts | summarize max(Load))", ""),
        ("let count = () { 5 }; Doors | where Badge > count()", ""),
        ("print count()", "error misplaced count()"),
        ("Doors | summarize max(count()) by dcount(Door)", "error misplaced count(); error misplaced dcount(Door)"),
        ("Doors | summarize Door, count() + Badge by Badge", "error misplaced Door; error misplaced Badge"),
        ("let F = (x:long) { x + 1 }; let c = 5; Doors | summarize F(count()), max(Badge) - min(Badge), c, make_list(Door)[0]", ""),
        ("Doors | summarize tostring(pack_all()) by Door", ""),
        ("Doors | join kind=inner (Lifts) on tostring($left.Badge) == $right.Lift",
         "error binding tostring($left.Badge) == $right.Lift"),
        ("Doors | take 1.5 | top '5' by Badge | take toint(5)", "error argument-type 1.5; error argument-type '5'"),
        ("let F = (x:string) { strcat(x, 'a') }; print F('a', 'b')", "error argument-count F('a', 'b')"),
        # what is not known for certain fits everywhere
        ("Nowhere | where At > ago(1d) and At > 5 and At has 'x' and At", ""),
        ("Nowhere | extend x = now() - At, y = Load / 1h | where y > 5 and x > 1h", ""),
        ("Nowhere | extend z = bin(At, 1h) | join kind=inner (Doors) on $left.z == $right.At", ""),
        ("union Nowhere, (Doors | project At) | where At > 5", ""),
        # conditions over several tables, branches and names with an asterisk
        ("Doors | project Door | search Badge == 1", "error unknown-column Badge"),
        ("search in (Doors, Lifts) Load > 1 and door == 'x'", "error unknown-column door"),
        ("find in (Doors, Lifts) where Colour == 'x' and Load > 1 project Door", "warning unlisted-column Colour"),
        ("search in (Doors, Nowhere) Colour == 'x'", ""),
        ("search Colour == 'x'", ""),
        ("search kind=case_sensitive * has 'x'", ""),
        ("Doors | project Door | fork (where Badge == 1) (where Door == 'x' | count)", "error unknown-column Badge"),
        ("Doors | project Door | facet by Badge", "error unknown-column Badge"),
        ("Doors | project Door | project-away Ba*", "error unknown-column Ba*"),
        ("Doors | project-keep Door, Co*", "warning unlisted-column Co*"),
        ("Nowhere | project-away Co*", ""),
        # functions and plugins
        ("Doors | extend y = tolowr(Door)", "error unknown-function tolowr(Door)"),
        ("Doors | summarize Count() by Door", "error unknown-function Count()"),
        ("Doors | extend y = _ASIM_Something(Door)", "error saved-function _ASIM_Something(Door)"),
        ("let Fine = (x:long) { Doors | take x }; Fin(1)", "error unknown-function Fin(1)"),
        ("let Fine = (x:long) { Doors | take x }; Saved(1) | where x == 1", "error saved-function Saved(1)"),
        ("Doors | invoke Saved() | where x == 1", "error saved-function Saved()"),
        ("Doors | where Door in (Saved()) and Badge == toscalar(Saved2())", "error saved-function Saved(); error saved-function Saved2()"),
        ("union isfuzzy=true Doors, Saved()", "warning saved-function Saved()"),
        ("let x = tolowr('A'); Doors | where Door == x", "error unknown-function tolowr('A')"),
        ("let x = 5; Doors | where Badge == x()", "error unknown-function x()"),
        ("let Open = Doors | where Badge == 1; Doors | join kind=inner Open () on Door", "warning unknown-function Open ()"),
        ("Doors | invoke FileProfile(Door, 1000) | where GlobalPrevalence < 1 and Door == 'x'", ""),
        ("Doors | invoke FileProfile('x') | where Colour == 1", "warning unlisted-column 'x'; warning unlisted-column Colour"),
        ("_Im_Dsn() | count", "error unknown-function _Im_Dsn()"),
        ("Doors | evaluate pivto(Door)", "error binding pivto(Door)"),
        # names that are given twice, and more names than values
        ("let x = 1; let x = 2; print x", "error repeated-name x"),
        ("Doors | make-series At = count() on At step 1h", "error repeated-name At"),
        ("let F = (x:long) { let x = 2; x }; let y = 1; let G = () { let y = 2; y }; print F(1) + G() + y", "error repeated-name x"),
        ("Doors | project Door, Door = Badge, tostring(At), tostring(At)", "error repeated-name Door"),
        ("Doors | extend x = 1, x = 2", "error repeated-name x"),
        ("Doors | summarize Door = max(Badge), max(At), max(At) by Door", "error repeated-name Door"),
        ("Doors | distinct Door, Door", "error repeated-name Door"),
        ("Doors | project-rename Door = Badge", "error repeated-name Door"),
        ("Doors | parse Door with 'a' x 'b' x", "error repeated-name x"),
        ("datatable(a:long, a:long)[1, 2]", "error repeated-name a"),
        ("datatable(a:long, b:long)[1, 2, 3]", "error binding 3"),
        ("Doors | extend (a, b) = split(Door, ',')", "error binding b"),
        ("Doors | summarize (a, b, c) = arg_max(At, Door) by Badge", "error binding c"),
        # words that an operator or a function knows
        ("Doors | extend x = datetime_part('days', At), y = datetime_diff('Day', At, At)", "error argument-type 'days'"),
        ("Doors | extend x = datetime_part('week', At), y = datetime_add('week', 1, At), z = datetime_diff(Door, At, At)",
         "error argument-type 'week'; error argument-type Door"),
        ("Doors | extend x = countof(Door, 'a', 'x')", "error argument-type 'x'"),
        ("Doors | join kind=left (Doors) on Door", "error binding left"),
        ("Doors | lookup kind=rightouter (Doors) on Door", "error binding rightouter"),
        ("Doors | union kind=inner (Doors) | union kind=both (Doors)", "error binding both"),
        ("Doors | parse kind=simpel Door with 'a' x", "error binding simpel"),
        ("Doors | mv-expand d = parse_json(Door) to typeof(text)", "error binding d = parse_json(Door) to typeof(text)"),
        # what operators take
        ("Doors | parse Door with x y", "error binding y"),
        ("Doors | parse Door with x:long 'a' y 'b' *", ""),
        ("Doors | parse Door with * x", "error binding x"),
        ("Doors | parse Door with 'a' x *", "error binding *"),
        ("Doors | parse Door with 'a' x:long *", ""),
        ("Doors | parse-kv Door as (a:string) with (pair_delimiter=' ') | where a == 'x'", ""),
        ("Doors | join kind=inner (Doors) on $right.Door == $left.Door", "error binding $right.Door == $left.Door"),
        ("Doors | take Door", "error argument-type Door"),
        ("Doors | top-hitters 'a' of Door by At", "error argument-type 'a'; error argument-type At"),
        ("Doors | top-nested 2 of Door by Badge", "error misplaced Badge"),
        ("Doors | sample-distinct 3 of tolower(Door)", "error argument-type tolower(Door)"),
        ("Doors | make-series count() on At step 1", "error argument-type 1"),
        ("Doors | make-series count() on At from 1 to now() step 1h by Door", "error argument-type 1"),
        ("Doors | make-series count() on Badge from 1 to 5 step 1", ""),
        ("Doors | evaluate bag_unpack(parse_json(Door))", "error argument-type parse_json(Door)"),
        ("Doors | evaluate pivot(tolower(Door))", "error argument-type tolower(Door)"),
        ("Doors | evaluate pivot(Door, Badge)", "error misplaced Badge"),
        ("Doors | evaluate narrow(Door)", "error argument-count narrow(Door)"),
        ("Doors | invoke strlen()", "error unknown-function strlen()"),
        ("Doors | sort by At | extend x = prev(tolower(Door)), y = prev(Door, 1, 'a')", "error argument-type tolower(Door)"),
        ("Doors | where isempty(*)", "error argument-type *"),
        ("Doors | extend d = parse_json(Door) | extend x = d[At], y = d[Badge], z = d[Door]", "error argument-type At"),
        ("Doors | extend x = split(Door, ',')[Door], y = dynamic([1])['a']", "error argument-type 'a'"),
        ("Doors | fork (count) (take 1) | project Door", "error unknown-column Door"),
        ("Doors | consume | project Door", "error unknown-column Door"),
        ("range x from 1 to 5 step 1h", "error operand-types 1h"),
        ("let D = Doors; Doors | extend x = D, y = toscalar(D)", "error argument-type D"),
        ("Doors | make-series count() on At step Badge", "error argument-type Badge"),
        ("Doors | search 1h | partition by At (take 1) | search 'x'", "error argument-type 1h"),
        ("Doors | extend d = parse_json(Door) | partition by d (take 1)", "error argument-type d"),
        # what Kusto takes, though it looks wrong
        ("let F = (x:string) { strcat(x, 'a') }; Doors | invoke F()", ""),
        ("Doors | make-series count() on At step dynamic(1)", ""),
        ("Doors | extend d = parse_json(Door) | make-series count() on d step d", ""),
        ("let F = (x:long) { x + 1 }; Doors | extend y = F(Door)", ""),
        ("let F = (x:string='a') { x }; Doors | extend y = F", ""),
        ("let c = 1; c | count", ""),
        ("declare query_parameters(x:long); Doors | where Badge == x", ""),
        ("Doors | extend x = pack_all(1), y = strlen(dynamic([1])), z = array_sort_asc(dynamic([1]), parse_json(Door))", ""),
        # once, however often a let is used
        ("let D = Doors | project Door | where Badge == 1; D | union D", "error unknown-column Badge"),
    ],
)  # fmt: skip
def test_names_that_are_not_there(kql: str, expected: str) -> None:
    assert found(kql) == expected
    if "error" in expected:
        with pytest.raises(BindError):
            bind(parse(kql), SCHEMA)
    else:
        bind(parse(kql), SCHEMA)


@pytest.mark.parametrize(
    ("kql", "meant"),
    [
        ("Doors | project Door | where Dor == 'x'", "Door"),
        ("Doors | where door == 'x'", "Door"),
        ("Doors | where Bagde == 1", "Badge"),
        ("let stopped = dynamic(['x']); Doors | where Door in (stoped)", "stopped"),
        ("Doors | extend y = ToLower(Door)", "tolower"),
        ("DoorFault | count", "DoorFaults"),
        ("_Im_Dsn() | count", "_Im_Dns"),
        ("Doors | evaluate pivto(Door)", "pivot"),
    ],
)
def test_what_was_meant(kql: str, meant: str) -> None:
    _, (problem,) = examine(parse(kql), SCHEMA)
    assert problem.message.endswith(f": did you mean {meant}?")


@pytest.mark.parametrize(
    ("word", "searched"),
    [("ann", True), ("<b>", True), ("10", False), ("oor", False), ('a"b', False), ("a,b", False), ("nul", False), ("T0", False)],
)
def test_a_text_of_a_bag_is_searched_where_its_texts_may_have_the_word(word: str, searched: bool) -> None:
    kql = f"Doors | project At, Door, Badge | extend b = tostring(pack_all()) | where b contains '{word}' | project Door"
    root = with_bags_searched(bind(parse(kql), SCHEMA).root)
    (found,) = (n.predicate for n in o.relations(root) if isinstance(n, o.Filter))
    assert isinstance(found, Apply) and isinstance(found.args[0], ColumnRef) and (found.args[0].column.name == "Door") == searched


@pytest.mark.parametrize(
    ("kql", "source"),
    [
        ("Own | where A == 1 | join (Own | summarize c = count() by K, B) on K | project B", "Own"),
        ("Own | where A == 1 | summarize by K | join (Own | summarize c = count() by K, B) on K | project B", None),
        ("Other | where A == 1 | join (Own | summarize c = count() by K, B) on K | project B", None),
    ],
)
def test_a_column_that_is_read_of_a_table_is_one_of_its_other_rows_too(kql: str, source: str | None) -> None:
    assert bind(parse(kql), SCHEMA).names[0][1].table == source


def test_a_column_that_is_read_behind_file_profile_is_one_of_each_part_of_a_union() -> None:
    plan = bind(parse("union A, B | invoke FileProfile(SHA1) | where SHA256 == 'x' and Name == 'y' and GlobalPrevalence < 9"))
    (union,) = (n for n in o.relations(plan.root) if isinstance(n, o.Union))
    read = {(column.name, *(part.table for part in parts if part)) for column, parts in union.columns}
    assert read == {("SHA1", "A", "B"), ("SHA256", "A", "B"), ("Name", "A", "B")}


@pytest.mark.parametrize(
    ("kql", "left"),
    [
        ("Doors | summarize c = count() by Door | distinct Door, c", 0),
        ("Doors | summarize c = count() by Door, Badge | where c > 1 | extend b = Badge | distinct Door, b", 0),
        ("Doors | summarize s = make_set(Door) by Badge | mv-expand s | extend t = tostring(s) | distinct t, Badge", 0),
        ("Doors | distinct Door, Badge | sort by Door | distinct Door, Badge", 1),
        ("Doors | summarize s = make_set(Door) by Badge | extend t = tostring(s) | distinct t, Badge", 1),
        ("Doors | summarize c = count() by Door, Badge | distinct Door, c", 1),
        ("Doors | summarize l = make_list(Door) by Badge | mv-expand l | extend t = tostring(l) | distinct t, Badge", 1),
        ("Doors | summarize c = count() by Door | extend d = tolower(Door) | distinct d, c", 1),
        ("Doors | summarize c = count() by Door | join kind=inner DoorFaults on Door | distinct Door, c", 1),
        ("Doors | distinct Door, Badge", 1),
    ],
)
def test_rows_that_are_told_apart_need_no_distinct(kql: str, left: int) -> None:
    plan = bind(parse(kql), SCHEMA)
    found = without_needless_distinct(plan.root, [c for _, c in plan.names])
    assert sum(isinstance(n, o.Distinct) for n in o.relations(found)) == left


@pytest.mark.parametrize(
    ("kql", "keys", "column", "found"),
    [
        ("Doors | summarize c = count() by Door, Badge", "Door, Badge", "c", True),
        ("Doors | summarize c = count() by Door, Badge", "Door", "c", False),
        ("Doors | extend d = strcat(Door, '!')", "Door", "d", True),
        ("Doors | extend d = strcat(Door, rand())", "Door", "d", False),
        ("Doors | serialize | extend d = prev(Door)", "Door", "d", False),
        ("Doors | summarize m = max(Badge) by Door | join kind=inner Doors on Door", "Door1", "m", True),
        ("Doors | summarize m = max(Badge) by Door | join kind=rightouter Doors on Door", "Door1", "m", False),
        ("Doors | summarize m = max(Badge) by Door | summarize k = any(m), n = count() by Door, m", "Door", "k", True),
        ("Doors | summarize m = max(Badge) by Door | summarize k = any(m), n = count() by Door, m", "Door", "n", False),
        ("Doors | project Door, Badge", "Door", "Badge", False),
    ],
)
def test_columns_are_determined_by_others(kql: str, keys: str, column: str, found: bool) -> None:
    plan = bind(parse(kql), SCHEMA)
    named = dict(plan.names)
    assert determines(plan.root, frozenset(named[k].id for k in keys.split(", ")), named[column]) == found


@pytest.mark.parametrize(
    ("left", "right", "kept"),
    [
        ("extend a = tolower(Door)", "extend a = tolower(Door)", 1),
        ("parse Door with * '-' Door | extend a = strcat(Door, '!')", "parse Door with * '-' Door | extend a = strcat(Door, '!')", 1),
        ("extend a = Door", "extend a = Door", 1),
        ("extend a = tolower(Door)", "extend a = toupper(Door)", 2),
        ("extend a = tostring(Badge)", "extend a = Badge", 2),
        ("extend a = strcat(Door, rand())", "extend a = strcat(Door, rand())", 2),
    ],
)
def test_keys_that_follow_from_others_are_none(left: str, right: str, kept: int) -> None:
    root = bind(parse(f"Doors | {left} | join kind=leftanti (DoorFaults | {right}) on Door, a"), SCHEMA).root
    found = [n for n in o.relations(without_needless_keys(root)) if isinstance(n, o.Join)]
    assert [len(n.on) for n in found] == [kept]


@pytest.mark.parametrize(("identifying", "left"), [("Badge", 0), ("t", 1), ("x", 1)])
def test_a_distinct_by_the_text_of_a_list_is_only_needed_where_that_identifies_rows(identifying: str, left: int) -> None:
    kql = "Doors | summarize s = make_set(Door) by Badge | extend t = tostring(s) | distinct t, Badge | extend x = strcat(t, '!')"
    plan = bind(parse(kql), SCHEMA)
    found = without_needless_distinct(plan.root, [c for n, c in plan.names if n == identifying])
    assert sum(isinstance(n, o.Distinct) for n in o.relations(found)) == left


@pytest.mark.parametrize(
    ("kql", "uses"),
    [
        ("Doors | as T | where Badge > 1 | join kind=inner (T | where Badge < 1) on Door", 2),
        ("Doors | summarize c = count() by Door | as T | join kind=inner (T | where c > 1) on Door", 2),
        ("let f = (T:(Door:string)) { T | join kind=leftanti (T | where Door == 'x') on Door }; Doors | invoke f()", 2),
        ("Doors | partition by Door (as T | where Badge > 1 | join kind=inner (T | where Badge < 1) on At)", 1),
    ],
)
def test_each_use_of_a_table_with_a_name_is_its_own(kql: str, uses: int) -> None:
    plan = bind(parse(kql), SCHEMA)
    (join,) = (n for n in o.relations(plan.root) if isinstance(n, o.Join))
    known = [n for n in o.relations(plan.root) if isinstance(n, o.Source) and n.table != o.UNKNOWN_TABLE]
    assert [n.table for n in known] == ["Doors"] * uses and len({n.id for n in known}) == uses
    assert not {x.column.id for x, _ in join.on} & {x.column.id for _, x in join.on}
