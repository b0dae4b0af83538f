"""Functions on the cluster, its tables, and the columns of a query."""

from __future__ import annotations

from translator.plan.functions.declare import Family

F = Family("system")
F.declare("table(name: string, query_data_scope: string?) -> table", compiled=True)
F.declare("column_names_of(table: table) -> dynamic", compiled=True)
F.declare("estimate_data_size(column: scalar+) -> long", compiled=True, columns=True)


@F.scalar("new_guid() -> guid")
def new_guid() -> str:
    import uuid

    return str(uuid.uuid4())


F.unsupported(
    """
    cluster(name: string) -> table
    database(name: string?) -> table
    external_table(name: string, mapping: string?) -> table
    external_table(name: string, max_age: timespan) -> table
    materialized_view(name: string, max_age: timespan?) -> table
    entity_group(name: string) -> table
    stored_query_result(name: string) -> table
    stored_query_result(name: string, index: long) -> table
    stored_query_result(name: string, table_name: string) -> table
    graph(name: string, snapshot: string?) -> table
    graph(name: string, volatile: bool) -> table
    current_cluster_endpoint() -> string
    current_database() -> string
    current_principal() -> string
    current_principal_details() -> dynamic
    current_principal_is_member_of(group: scalar+) -> bool
    extent_id() -> guid
    extentid() -> guid
    extent_tags() -> dynamic
    current_node_id() -> string
    cursor_after(cursor: string) -> bool
    cursor_before_or_at(cursor: string) -> bool
    cursor_current() -> string
    current_cursor() -> string
    rowstore_ordinal_range() -> dynamic
    __invoke(name: string, type: type, arg: scalar*) -> literal
    __cast(type: type, value: scalar) -> literal
    """
)
