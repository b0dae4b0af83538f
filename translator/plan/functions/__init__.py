"""What is known of KQL's functions: result types and which of them aggregate.

Source: the function pages under learn.microsoft.com/kusto/query.
"""

from __future__ import annotations

from translator.plan.types import Type

RESULT_TYPES: dict[str, Type] = {
    name: kind
    for kind, names in {
        Type.BOOL: """not isempty isnotempty isnull isnotnull isnan isfinite isinf ipv4_is_private ipv4_is_in_range
            ipv4_is_in_any_range ipv4_is_match ipv6_is_match ipv6_is_in_range tobool toboolean has_any_index
            has_ipv4 has_any_ipv4 has_ipv4_prefix has_any_ipv4_prefix set_has_element bag_has_key""",
        Type.LONG: """count countif dcount dcountif tolong array_length strlen binary_and binary_or indexof hash
            datetime_diff countof row_number array_index_of parse_ipv4 string_size count_distinct""",
        Type.INT: "toint hourofday dayofmonth dayofyear monthofyear getmonth getyear datetime_part week_of_year bitset_count_ones",
        Type.REAL: "todouble toreal avg avgif stdev stdevif variance percentile rand log exp sqrt pow round_real",
        Type.STRING: """tostring tolower toupper strcat strcat_delim strcat_array substring replace replace_string
            replace_regex trim trim_start trim_end extract reverse format_datetime format_timespan url_decode url_encode
            base64_decode_tostring base64_encode_tostring hash_sha256 hash_md5 parse_path_name gettype strrep tohex
            base64_decodestring format_ipv4 parse_ipv6 current_cluster_endpoint""",
        Type.DATETIME: """ago now todatetime startofday startofhour startofweek startofmonth startofyear endofday endofweek
            endofmonth endofyear datetime_add make_datetime ingestion_time unixtime_seconds_todatetime
            unixtime_milliseconds_todatetime datetime_utc_to_local""",
        Type.TIMESPAN: "totimespan dayofweek make_timespan",
        Type.GUID: "toguid new_guid",
        Type.DYNAMIC: """todynamic parse_json split make_set make_set_if make_list make_list_if makeset makelist make_bag
            make_bag_if pack bag_pack pack_array pack_dictionary pack_all array_concat array_sort_asc array_sort_desc array_slice
            extract_all extractjson_all bag_keys bag_merge bag_remove_keys parse_url parse_xml parse_user_agent parse_path
            parse_urlquery parse_csv set_difference set_intersect set_union geo_info_from_ip_address extract_json
            zip array_iff percentiles treepath dynamic_to_json""",
    }.items()
    for name in names.split()
}
"""Functions whose result type does not depend on their arguments."""

FIRST_ARGUMENT_TYPE = frozenset(
    """
    min max sum minif maxif sumif any take_any anyif take_anyif arg_min arg_max bin floor ceiling abs round coalesce prev next
    iff iif case min_of max_of materialize toscalar bin_at row_cumsum
    """.split()
)
"""Functions whose result has the type of a value argument."""

AGGREGATES = frozenset(
    """
    count countif count_distinct dcount dcountif sum sumif avg avgif min minif max maxif make_set make_set_if make_list
    make_list_if makeset makelist make_bag make_bag_if arg_min arg_max argmin argmax any anyif take_any take_anyif stdev stdevif
    stdevp variance varianceif variancep percentile percentiles percentilew percentilesw hll tdigest buildschema binary_all_or
    binary_all_and binary_all_xor
    """.split()
)

ALIASES = {
    "iif": "iff",
    "todynamic": "parse_json",
    "pack": "bag_pack",
    "makeset": "make_set",
    "makelist": "make_list",
    "any": "take_any",
    "argmax": "arg_max",
    "argmin": "arg_min",
    "floor": "bin",
    "toboolean": "tobool",
    "toreal": "todouble",
    "columnifexists": "column_ifexists",
}
"""Older names of functions."""
