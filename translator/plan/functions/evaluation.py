"""Plugins of ``evaluate``."""

from __future__ import annotations

from translator.plan.functions.declare import Family

F = Family("plugins")


for _texts in (
    ("active_users_count(IdColumn: notdynamic, TimelineColumn: summable, Start: summable, End: summable, LookbackWindow: summable, Period: summable, ActivePeriods: summable, Step: summable, Dimension: notdynamic*) -> table",),
    ("activity_counts_metrics(IdColumn: notdynamic, TimelineColumn: summable, Start: summable, End: summable, Step: summable, Dimension: notdynamic*) -> table",),
    ("activity_engagement(IdColumn: notdynamic, TimelineColumn: summable, InnerActivityWindow: summable, OuterActivityWindow: summable) -> table", "activity_engagement(IdColumn: notdynamic, TimelineColumn: summable, Start: summable, End: summable, InnerActivityWindow: summable, OuterActivityWindow: summable, Dimension: notdynamic*) -> table",),
    ("activity_metrics(IdColumn: scalar, TimelineColumn: summable, Start: summable, End: summable, Step: summable, Dimension: notdynamic*) -> table", "activity_metrics(IdColumn: scalar, TimelineColumn: summable, Start: summable?, End: summable?) -> table",),
    ("bag_unpack(Column: scalar, OutputColumnPrefix: string?, columnsConflict: string?, ignoredProperties: dynamic?) -> table",),
    ("dcount_intersect(hll_1: array, hll: array+) -> table",),
    ("geo_line_lookup(LookupTable: table, LookupLineKey: bag, SourceLongitude: scalar, SourceLatitude: scalar, radius: real, return_unmatched: bool?, lookup_area_radius: real?, return_lookup_key: bool?) -> table",),
    ("geo_polygon_lookup(LookupTable: table, LookupPolygonKey: bag, SourceLongitude: scalar, SourceLatitude: scalar, radius: real?, return_unmatched: bool?, lookup_area_radius: real?, return_lookup_key: bool?) -> table",),
    ("ipv4_lookup(LookupTable: table, SourceIPv4Key: scalar, IPv4LookupKey: scalar, ExtraKey: scalar*, return_unmatched: bool?) -> table",),
    ("ipv6_lookup(LookupTable: table, SourceIPv6Key: scalar, IPv6LookupKey: scalar, return_unmatched: bool?) -> table",),
    ("new_activity_metrics(IdColumn: notdynamic, TimelineColumn: summable, Start: summable, End: summable, Window: scalar, Cohort: scalar?, Dimension: notdynamic*, lookback: table?) -> table",),
    ("pivot(pivotColumn: notdynamic, aggregateFunction: scalar?, columnName: scalar*) -> table",),
    ("rolling_percentile(ValueColumn: summable, Percentile: number, IndexColumn: summable, BinSize: summable, BinsPerWindow: integer, Dimension: notdynamic*) -> table",),
    ("rows_near(Condition: bool, NumRows: integer, NumRowsAfter: integer?) -> table",),
    ("schema_merge(PreserveOrder: bool?) -> table",),
    ("sliding_window_counts(IdColumn: notdynamic, TimelineColumn: summable, Start: summable, End: summable, LookBackWindow: summable, Step: summable, Dimension: notdynamic*) -> table",),
):  # fmt: skip
    F.declare(*_texts, kind="plugin", compiled=True)

F.unsupported(
    """
    azure_digital_twins_query_request(endpoint: string, sql_query: string) -> table
    autocluster(SizeWeight: real?, WeightColumn: scalar?, NumSeeds: integer?, CustomWildcard: scalar*) -> table
    basket(Threshold: real?, WeightColumn: scalar?, MaxDimensions: integer?, CustomWildcard: scalar*) -> table
    cosmosdb_sql_request(connection_string: string, sql_query: string, sql_parameters: bag?, options: bag?) -> table
    csharp(OutputSchema: type, Script: string, Arguments: bag?) -> table
    diffpatterns(SplitColumn: scalar, SplitValueA: string, SplitValueB: string, WeightColumn: scalar?, Threshold: real?, MaxDimensions: integer?, CustomWildcard: scalar*) -> table
    estimate_rows_count() -> table
    execute_show_command(connection_string: string, command: string) -> table
    execute_query(connection_string: string, query: string) -> table
    external_datatable() -> table
    funnel_sequence(IdColumn: notdynamic, TimelineColumn: summable, Start: summable, End: summable, MaxWindowSizeBetweenSteps: summable, Step: summable, StateColumn: notdynamic, Sequence: array) -> table
    funnel_sequence_completion(IdColumn: notdynamic, TimelineColumn: summable, Start: summable, End: summable, BinSize: summable, StateColumn: notdynamic, Sequence: array, MaxSequencePeriods: array) -> table
    http_request(Uri: string, RequestHeaders: bag?, Options: bag?) -> table
    http_request_post(Uri: string, RequestHeaders: bag?, Options: bag?, Content: string?) -> table
    identity() -> table
    identity_v3(mode: string, exceptionText: string) -> table
    infer_storage_schema(Options: bag) -> table
    infer_storage_schema_with_suggestions(Options: bag) -> table
    narrow() -> table
    preview(NumberOfRows: integer) -> table
    python(OutputSchema: type, Script: string, Arguments: bag?, Artifacts: bag?) -> table
    r(OutputSchema: type, Script: string, Arguments: bag?) -> table
    session_count(IdColumn: notdynamic, TimelineColumn: summable, Start: summable, End: summable, Bin: summable, LookBackWindow: summable, Dimension: notdynamic*) -> table
    sequence_detect(TimelineColumn: summable, MaxSeqeunceStepWindow: summable, MaxSequenceSpan: summable, Expr: bool+, Dimension: notdynamic*) -> table
    sql_request(connection_string: string, sql_query: string, sql_parameters: bag?, options: bag?) -> table
    mysql_request(connection_string: string, sql_query: string, sql_parameters: bag?, options: bag?) -> table
    postgresql_request(connection_string: string, sql_query: string, sql_parameters: bag?, options: bag?) -> table
    dax_request(connection_string: string, dax_query: string, dax_parameters: bag?, options: bag?) -> table
    ai_embed_text(Text: scalar, ConnectionString: string, Options: bag?, IncludeErrorMessages: bool?) -> table
    ai_chat_completion(Prompt: array, ConnectionString: string, Options: bag?, IncludeErrorMessages: bool?) -> table
    ai_chat_completion_prompt(Prompt: string, ConnectionString: string, Options: bag?, IncludeErrorMessages: bool?) -> table
    ai_embeddings(Text: scalar, ConnectionString: string, Options: bag?, IncludeErrorMessages: bool?) -> table
    """,
    kind="plugin",
)
