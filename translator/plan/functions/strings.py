"""Functions on strings."""

from __future__ import annotations

import re

from translator.plan.functions.declare import Family
from translator.plan.functions.values import Dynamic, names_of, pattern, replacement, text_of

F = Family("strings")
F.declare("tolower(value: text) -> string", sql="LOWER($1)")
F.declare("toupper(value: text) -> string", sql="UPPER($1)")
F.declare("strlen(string: string) -> long", sql="LENGTH($1)", named="strlen_", shapes=True)
F.declare("strcat(arg: scalar+) -> string", compiled=True)
F.declare("reverse(value: text) -> string", sql="REVERSE($1)")
F.declare("isempty(value: scalar) -> bool", compiled=True)
F.declare("isnotempty(value: scalar) -> bool", compiled=True)
F.alias("notempty", "isnotempty")


@F.scalar("string_size(string: string) -> long", named="string_size_", shapes=True)
def string_size(source: str) -> int:
    return len(source.encode())


@F.scalar("strcat_array(array: array, delimiter: text) -> string")
def strcat_array(array: Dynamic, delimiter: str) -> str:
    def plain(value: Dynamic) -> str:
        return str(value).lower() if isinstance(value, bool) else text_of(value)

    return delimiter.join(map(plain, array)) if isinstance(array, list) else plain(array)


F.alias("array_strcat", "strcat_array")


@F.scalar("strcat_delim(delimiter: text, arg_1: text, arg: text+) -> string")
def strcat_delim(delimiter: str, *args: str) -> str:
    return delimiter.join(args)


@F.scalar("strcmp(s1: text, s2: text) -> long")
def strcmp(left: str, right: str) -> int:
    return (left > right) - (left < right)


@F.scalar("strrep(value: text, multiplier: long, delimiter: text?) -> string")
def strrep(value: str, multiplier: int, delimiter: str = "") -> str:
    return delimiter.join([value] * min(max(0, multiplier), 1024))


@F.scalar("to_utf8(value: text) -> dynamic")
def to_utf8(text: str) -> Dynamic:
    return [ord(c) for c in text]


@F.scalar("unicode_codepoints_from_string(value: text) -> dynamic")
def unicode_codepoints_from_string(text: str) -> Dynamic:
    return [ord(c) for c in text]


@F.scalar("unicode_codepoints_to_string(value: codes+) -> string")
def unicode_codepoints_to_string(*points: Dynamic) -> str:
    flat = [p for point in points for p in (point if isinstance(point, list) else [point])]
    return "".join(chr(int(p)) for p in flat)


@F.scalar("make_string(value: codes+) -> string")
def make_string(*points: Dynamic) -> str:
    return unicode_codepoints_to_string(*points)


@F.scalar("substring(string: text, start: integer, length: integer?) -> string")
def substring(text: str, start: int, length: int | None = None) -> str:
    if start < 0:
        start += len(text)
    if start < 0:
        return ""
    return text[start:] if length is None else text[start : start + length] if length >= 0 else ""


@F.scalar("regex_quote(string: text) -> string")
def regex_quote(text: str) -> str:
    return re.escape(text)


@F.scalar("indexof(string: text, match: text, start: integer?, length: integer?, occurrence: integer?) -> long")
def indexof(text: str, wanted: str, start: int = 0, length: int = -1, occurrence: int = 1) -> int | None:
    if occurrence < 1 or length < -1:
        return None
    if start < 0:
        start = max(0, len(text) + start)
    for _ in range(occurrence):
        found = text.find(wanted, start, len(text) if length == -1 else start + length)
        if found < 0:
            return -1
        start = found + 1
    return found


@F.scalar("indexof_regex(string: text, match: constant text, start: integer?, length: integer?, occurrence: integer?) -> long")
def indexof_regex(text: str, regex: str, start: int = 0, length: int = -1, occurrence: int = 1) -> int | None:
    if occurrence < 1 or length < -1 or start < 0:
        return None
    end = len(text) if length == -1 else min(len(text), start + length)
    for number, match in enumerate(pattern(regex).finditer(text[:end], start), 1):
        if number == occurrence:
            return match.start()
    return -1


@F.scalar("has_any_index(source: string, values: array) -> long", shapes=True)
def has_any_index(source: str, values: Dynamic) -> int:
    from translator.plan.functions.operators import has

    return next((i for i, v in enumerate(values) if has(source, text_of(v))), -1)


@F.scalar("split(source: text, delimiter: string, requestedIndex: integer?) -> dynamic", named="argument", duckdb=None)
def split(text: str, delimiter: str, index: int | None = None) -> Dynamic:
    parts: list[Dynamic] = list(text.split(delimiter)) if delimiter else [text]
    if index is None:
        return parts
    return [parts[index]] if 0 <= index < len(parts) else []


@F.scalar(
    "extract(regex: string, captureGroup: long, source: string) -> string",
    "extract(regex: string, captureGroup: long, source: string, typeLiteral: type) -> literal",
)
def extract(regex: str, group: int, source: str) -> str:
    match = pattern(regex).search(source)
    return (match[group] or "") if match and group <= pattern(regex).groups else ""


@F.scalar(
    "extract_all(regex: constant string, source: string) -> dynamic",
    "extract_all(regex: constant string, captureGroups: array, source: string) -> dynamic",
)
def extract_all(regex: str, groups: Dynamic, source: str | None = None) -> Dynamic:
    """Groups by their number or name; without them, all.

    Raises:
        ValueError: where the expression has no group, or not the one that is asked for.
    """
    compiled = pattern(regex)
    if not compiled.groups:
        raise ValueError(f"extract_all() takes a regular expression with a group in parentheses, and {regex!r} has none")
    text = source if source is not None else text_of(groups)
    names = names_of(regex)
    asked = groups if source is not None and isinstance(groups, list) else range(1, compiled.groups + 1)
    wanted = [names.get(g, 0) if isinstance(g, str) else g for g in asked]
    for group, given in zip(wanted, asked, strict=True):
        if not isinstance(group, int) or not 0 < group <= compiled.groups:
            raise ValueError(f"the regular expression {regex!r} has no group {given!r}")
    found: list[Dynamic] = []
    for match in compiled.finditer(text):
        values: list[Dynamic] = [match[g] or "" for g in wanted]
        found.append(values[0] if len(values) == 1 else values)
    return found or None


F.alias("extractall", "extract_all")


@F.scalar("replace_regex(source: string, lookup_regex: constant string, rewrite_pattern: constant string) -> string")
def replace_regex(source: str, regex: str, rewrite: str) -> str:
    return pattern(regex).sub(replacement(rewrite), source)


@F.scalar("replace(regex: constant string, rewrite: constant string, source: string) -> string")
def replace(regex: str, rewrite: str, source: str) -> str:
    return pattern(regex).sub(replacement(rewrite), source)


F.declare("replace_string(text: string, lookup: string, rewrite: string) -> string", sql="REPLACE($1, $2, $3)")


@F.scalar("replace_strings(text: string, lookups: array, rewrites: array) -> string")
def replace_strings(source: str, lookups: Dynamic, rewrites: Dynamic) -> str:
    """What is no text among them is left out, and replaces nothing."""
    for lookup, rewrite in zip(lookups, rewrites, strict=False) if isinstance(lookups, list) and isinstance(rewrites, list) else ():
        if isinstance(lookup, str) and isinstance(rewrite, str) and lookup:
            source = source.replace(lookup, rewrite)
    return source


@F.scalar("trim_start(regex: constant string, source: string) -> string")
def trim_start(regex: str, source: str) -> str:
    """One match at the start is cut, whatever the expression repeats itself."""
    return pattern(f"^(?:{regex})").sub("", source)


@F.scalar("trim_end(regex: constant string, source: string) -> string")
def trim_end(regex: str, source: str) -> str:
    return pattern(rf"(?:{regex})\z").sub("", source)


@F.scalar("trim(regex: constant string, source: string) -> string")
def trim(regex: str, source: str) -> str:
    return pattern(rf"^(?:{regex})|(?:{regex})\z").sub("", source)


@F.scalar("countof(source: string, search: string, kind: constant string?) -> long", words={2: ("normal", "regex")})
def countof(source: str, search: str, kind: str = "normal") -> int:
    if kind == "regex":
        return len(pattern(search).findall(source))
    return sum(source.startswith(search, i) for i in range(len(source))) if search else 0


@F.scalar("translate(searchList: string, replacementList: string, source: string) -> string")
def translate(search: str, replace: str, source: str) -> str:
    last = replace[-1:]
    table = {ord(c): replace[i] if i < len(replace) else last for i, c in enumerate(search)}
    return source.translate(table)


@F.scalar("parse_command_line(command: text, parser: string) -> dynamic")
def parse_command_line(text: str, kind: str) -> Dynamic:
    """Splits as CommandLineToArgvW does."""
    found: list[Dynamic] = []
    current, quoted, started, slashes = "", False, False, 0
    for char in text:
        if char == "\\":
            slashes += 1
            started = True
            continue
        if char == '"':
            current += "\\" * (slashes // 2)
            if slashes % 2:
                current += '"'
            else:
                quoted = not quoted
            slashes, started = 0, True
            continue
        current += "\\" * slashes
        slashes = 0
        if char in " \t" and not quoted:
            if started:
                found.append(current)
            current, started = "", False
        else:
            current, started = current + char, True
    current += "\\" * slashes
    return [*found, current] if started or current else found or None


@F.scalar("isascii(value: text) -> bool")
def isascii(text: str) -> bool:
    return text.isascii()


@F.scalar("isutf8(value: text) -> bool")
def isutf8(text: str) -> bool:
    return True


@F.scalar("punycode_from_string(string: string) -> string")
def punycode_from_string(text: str) -> str:
    return text.encode("punycode").decode()


@F.scalar("punycode_to_string(string: string) -> string")
def punycode_to_string(text: str) -> str:
    return text.encode().decode("punycode")


@F.scalar("punycode_domain_from_string(string: string) -> string")
def punycode_domain_from_string(text: str) -> str:
    return ".".join(p if p.isascii() else "xn--" + p.encode("punycode").decode() for p in text.split("."))


@F.scalar("punycode_domain_to_string(string: string) -> string")
def punycode_domain_to_string(text: str) -> str:
    return ".".join(p[4:].encode().decode("punycode") if p.startswith("xn--") else p for p in text.split("."))
