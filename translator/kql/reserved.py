"""Words that KQL reserves, and where a bare name cannot be one of them."""

from __future__ import annotations

RESERVED = frozenset(
    """
    __contextual_datatable __crossCluster __crossDB __executeAndCache __id __isFuzzy __noWithSource __packedColumn
    __projectAway __sourceColumnIndex accumulate and anomalychart areachart as asc bagexpansion barchart between bin_legacy
    boolean by card columnchart contains contains_cs containscs datascope datatable date datetime decimal decodeblocks desc
    double dynamic endswith endswith_cs expandoutput external_data externaldata find first flags float has has_all has_any
    has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs hotcache in int int16 int32 int64 int8 invoke isfuzzy ladderchart
    last like likecs linechart long materialize nooptimization notcontains notcontainscs notlike notlikecs of or others
    piechart pivotchart print project real relaxed sample scatterchart search set simple stackedareachart startswith
    startswith_cs string time timechart timeline timepivot timespan title to toscalar totable treemap uint uint16 uint32
    uint64 uint8 ulong union uniqueid where with_itemindex with_match_id with_step_name true false True False TRUE FALSE
    """.split()
)
"""Words that cannot be a bare name where a value stands. Asked of Kusto.Language 12.4.1, word by word."""

RESERVED_BEFORE_EQUALS = RESERVED - frozenset(
    """
    accumulate as by contains datatable externaldata find has in invoke materialize of print sample search set title to
    toscalar totable where
    """.split()
) | {"cycles", "kind", "with_source", "withsource"}
"""Words that cannot be a bare name where a column or parameter is named. Same source."""
