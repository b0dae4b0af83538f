"""Functions of texts and addresses.

Facts: "ES|QL string functions", "ES|QL IP functions" (elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions,
ip-functions), a section a function. Positions count characters from 1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import json
import re
import urllib.parse
from collections.abc import Iterator
from functools import cache

from translator.verify.esql import regex
from translator.verify.esql.functions import Compiled, Function, Given, applied, fitted, refused, scalar
from translator.verify.esql.types import Value, ip_text, one_or_several
from translator.verify.reading import NotReadable


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    first = start - 1 if start > 0 else max(len(text) + start, 0) if start < 0 else 0
    if length is not None and length < 0:
        return None
    return text[first:] if length is None else text[first : first + length]


def _locate(text: str, part: str, start: int = 0) -> int:
    """A start below 0 counts from the end of the text, and none lies outside of it (Locate.java, indexStart)."""
    first = start - 1 if start > 0 else len(text) + start if start < 0 else 0
    return text.find(part, min(max(first, 0), len(text))) + 1


_SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x85\xa0\u2007\u202f")
"""What TRIM, LTRIM and RTRIM take away: the white space of Java's Character.isWhitespace, without what does not break (Trim.java)."""


def _split(text: str, delimiter: str) -> Value:
    if len(delimiter.encode()) != 1:
        raise NotReadable("SPLIT by a delimiter that is not one byte")
    return one_or_several(text.split(delimiter))


def _replace(text: str, pattern: str, new: str) -> str | None:
    try:
        return regex.java(pattern).sub(lambda found: regex.replacement(new, found), text)
    except ValueError:
        return None


def _hash(algorithm: str, text: str) -> str:
    name = algorithm.lower().replace("-", "")
    if name not in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
        raise NotReadable(f"the algorithm {algorithm} of HASH")
    return hashlib.new(name, text.encode()).hexdigest()


def _from_base64(text: str) -> str | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _url_decode(text: str) -> str | None:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return None
    return urllib.parse.unquote_plus(text)


_LONGEST = 1 << 20
"""How many bytes REPEAT and SPACE make at most; beyond is null, with a warning (Repeat.java, MAX_REPEATED_LENGTH)."""


def _repeat(text: str, count: int) -> str | None:
    return text * count if 0 <= count * len(text.encode()) <= _LONGEST else None


def _space(count: int) -> str | None:
    return " " * count if 0 <= count <= _LONGEST else None


_LETTERS = re.compile(r"[^\W\d_]")


_BLANKS = re.compile(r"[ \t\n\r]*")

_STEP = re.compile(
    r"""(?P<named>\.?[^.\[\]]+)
    |\[[ \t\n\r]*(?:(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<index>0|[1-9][0-9]*))[ \t\n\r]*\]""",
    re.VERBOSE | re.DOTALL,
)
"""A step of a path: a name, a name within brackets and quotes, or a number within brackets (JsonPath.java)."""


def _no_number(text: str) -> Value:
    raise ValueError(f"{text} is no JSON")


def _once_each(members: list[tuple[str, Value]]) -> Value:
    if len({name for name, _ in members}) < len(members):
        raise ValueError("an object has a name twice")
    return dict(members)


_DECODER = json.JSONDecoder(parse_constant=_no_number, object_pairs_hook=_once_each)
"""How the parser of Elasticsearch reads JSON: no NaN, no name twice in an object (JsonXContentImpl.java)."""


def _past_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found is not None else at


def _value_at(text: str, at: int) -> tuple[Value, int]:
    """The JSON value that begins here, and where it ends.

    Raises:
        ValueError: where the text is no JSON.
    """
    value, end = _DECODER.raw_decode(text, at)
    if isinstance(value, int | float) and not isinstance(value, bool) and re.match(r"[0-9.]", text[end:]):
        raise ValueError("a number is not one of JSON")
    return value, end


def _members(text: str, at: int) -> Iterator[tuple[str | int, int]]:
    """The names, or numbers, of what an object, or an array, in a JSON text holds, each with where its value begins.

    Raises:
        ValueError: where the text is no JSON.
    """
    ending, number = {"{": "}", "[": "]"}.get(text[at : at + 1], ""), 0
    if not ending:
        return
    named, at = ending == "}", _past_blanks(text, at + 1)
    names = set()
    while text[at : at + 1] != ending:
        name: str | int = number
        if named:
            if text[at : at + 1] != '"':
                raise ValueError("a name is missing")
            name, at = _DECODER.raw_decode(text, at)
            at = _past_blanks(text, at)
            if text[at : at + 1] != ":" or name in names:
                raise ValueError("a colon is missing, or a name is there twice")
            names.add(name)
            at = _past_blanks(text, at + 1)
        yield name, at
        at = _past_blanks(text, _value_at(text, at)[1])
        if text[at : at + 1] == ",":
            at = _past_blanks(text, at + 1)
        elif text[at : at + 1] != ending:
            raise ValueError("a comma is missing")
        number += 1


@cache
def _steps(path: str) -> list[str | int]:
    """The names and numbers that a path leads over; none where it is the whole text's.

    Source: JsonPath.java (normalizePath, doParse).

    Raises:
        ValueError: for a path that is none.
    """
    steps: list[str | int] = []
    rest = path.removeprefix("$") if path.startswith(("$[", "$.")) or path == "$" else path
    at = 1 if rest != path and rest.startswith(".") else 0
    if path.startswith("$") and rest == path:
        raise ValueError(f"{path!r} is no path: what follows $ is neither a dot nor a bracket")
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None or (found["named"] is not None and found["named"].startswith(".") != bool(steps)):
            raise ValueError(f"{path!r} is no path: character {at + 1}")
        if found["named"] is not None:
            steps.append(found["named"].removeprefix("."))
        elif found["quoted"] is not None:
            steps.append(re.sub(r"\\(.)", r"\1", found["quoted"][1:-1], flags=re.DOTALL))
        else:
            steps.append(int(found["index"]))
        at = found.end()
    return steps


def _json_extract(text: str, path: str) -> str | None:
    """What a path names in a JSON text: a text as it is, all else as it is written there; of equal names the first.

    Source: JsonExtract.java (extractCurrentValue, navigateToField).
    """
    at = _past_blanks(text, 0)
    try:
        for wanted in _steps(path):
            found = next((where for name, where in _members(text, at) if name == wanted), None)
            if found is None:
                return None
            at = found
        value, end = _value_at(text, at)
    except ValueError:
        return None
    return value if value is None or isinstance(value, str) else text[at:end]


def _json_extract_function(given: Given) -> Compiled:
    """A constant path that is none lets no query begin; one of a column makes null."""
    fit, kind = fitted("JSON_EXTRACT(json, text) keyword", given)
    path = given.args[1].value if given.args[1].constant else None
    if isinstance(path, str):
        try:
            _steps(path)
        except ValueError as error:
            raise given.rejected(str(error)) from None
    return applied(fit, kind, _json_extract)


def _split_function(given: Given) -> Compiled:
    fit, kind = fitted("SPLIT(text, text) keyword", given)
    return applied(fit, kind, _split)


def _cidr_match(given: Given) -> Compiled:
    """One of the ranges has the address; a range that is null does not count."""
    fit, kind = fitted("CIDR_MATCH(ip, text...) boolean", given)
    if len(given.args) < 2:
        raise given.rejected("has no range")
    subject, ranges = fit.args[0].of, [a.of for a in fit.args[1:]]

    def of(row: dict[str, object]) -> Value:
        address = subject(row)
        if address is None or isinstance(address, list):
            return None
        texts = [one for r in ranges for one in _texts(r(row))]
        if not texts:
            return None
        return any(_lies_in(address, text, given) for text in texts)

    return Compiled(kind, of)


def _field_extract(given: Given) -> Compiled:
    """The values below a field of the type flattened, by the whole name below it; it keeps each text once, in their order.

    Sources: "FIELD_EXTRACT"; "Flattened field type" (all leaf values are keywords).
    """
    if len(given.args) != 2 or given.types[0] not in ("flattened", "null"):
        raise given.rejected("argument 1 has to be flattened")
    path = given.literal(1)
    if not isinstance(path, str) or not path or re.search(r"[\[\]]", path):
        raise given.rejected("argument 2 has to be the name of a field, without brackets")
    field = given.args[0].of

    def of(row: dict[str, object]) -> Value:
        held = field(row)
        return held.get(path) if isinstance(held, dict) else None

    return Compiled("keyword", of)


def _texts(value: Value) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _lies_in(address: bytes, text: str, given: Given) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise given.rejected(f"{text!r} is no range of addresses") from None
    plain = ipaddress.ip_address(ip_text(address))
    return plain.version == network.version and plain in network


def _ip_prefix(address: bytes, four: int, six: int) -> bytes | None:
    is_four = address[:12] == b"\0" * 10 + b"\xff\xff"
    if not 0 <= four <= 32 or not 0 <= six <= 128:
        return None
    kept = 96 + four if is_four else six
    return (int.from_bytes(address, "big") >> (128 - kept) << (128 - kept)).to_bytes(16, "big") if kept else b"\0" * 16


_REFUSED = """
    CATEGORIZE CHUNK DECAY EMBEDDING EXTRACT_SNIPPETS KNN KQL MATCH MATCH_PHRASE MULTI_MATCH NETWORK_DIRECTION QSTR
    REGISTERED_DOMAIN SCORE ST_CONTAINS ST_DISJOINT ST_DISTANCE ST_ENVELOPE ST_GEOHASH ST_GEOHEX ST_GEOTILE ST_INTERSECTS ST_NPOINTS
    ST_SIMPLIFY ST_WITHIN ST_X ST_XMAX ST_XMIN ST_Y ST_YMAX ST_YMIN TBUCKET TERM TEXT_EMBEDDING TO_AGGREGATE_METRIC_DOUBLE TO_CARTESIANPOINT
    TO_CARTESIANSHAPE TO_DATE_RANGE TO_DENSE_VECTOR TO_EXPONENTIAL_HISTOGRAM TO_GEOHASH TO_GEOHEX TO_GEOPOINT TO_GEOSHAPE TO_GEOTILE
    TO_TDIGEST TOP_SNIPPETS TRANGE URI_PARTS USER_AGENT V_COSINE V_DOT_PRODUCT V_HAMMING V_L1_NORM V_L2_NORM
"""
"""Functions that are known, and not run here: of searches, places, vectors and models."""

FUNCTIONS: dict[str, Function] = dict(
    [
        scalar("BIT_LENGTH(text) integer", lambda t: len(t.encode()) * 8),
        scalar("BYTE_LENGTH(text) integer", lambda t: len(t.encode())),
        scalar("CONCAT(text, text...) keyword", lambda *parts: "".join(parts)),
        scalar("CONTAINS(text, text) boolean", lambda t, part: part in t),
        scalar("ENDS_WITH(text, text) boolean", lambda t, end: t.endswith(end)),
        scalar("FROM_BASE64(text) keyword", _from_base64),
        scalar("HASH(text, text) keyword", _hash),
        scalar("IP_PREFIX(ip, integer, integer) ip", _ip_prefix),
        scalar("LEFT(text, integer) keyword", lambda t, n: t[: max(n, 0)]),
        scalar("LENGTH(text) integer", len),
        scalar("LOCATE(text, text, integer?) integer", _locate),
        scalar("LTRIM(text) keyword", lambda t: t.lstrip(_SPACES)),
        scalar("MD5(text) keyword", lambda t: _hash("md5", t)),
        scalar("REPEAT(text, integer) keyword", _repeat),
        scalar("REPLACE(text, text, text) keyword", _replace),
        scalar("REVERSE(text) keyword", lambda t: t[::-1]),
        scalar("RIGHT(text, integer) keyword", lambda t, n: t[max(len(t) - n, 0) :] if n > 0 else ""),
        scalar("RTRIM(text) keyword", lambda t: t.rstrip(_SPACES)),
        scalar("SHA1(text) keyword", lambda t: _hash("sha1", t)),
        scalar("SHA256(text) keyword", lambda t: _hash("sha256", t)),
        scalar("SPACE(integer) keyword", _space),
        scalar("STARTS_WITH(text, text) boolean", lambda t, start: t.startswith(start)),
        scalar("SUBSTRING(text, integer, integer?) keyword", _substring),
        scalar("TO_BASE64(text) keyword", lambda t: base64.b64encode(t.encode()).decode()),
        scalar("TRIM(text) keyword", lambda t: t.strip(_SPACES)),
        scalar("URL_DECODE(text) keyword", _url_decode),
        scalar("URL_ENCODE(text) keyword", lambda t: urllib.parse.quote_plus(t, safe="*-._").replace("~", "%7E")),
        scalar(
            "URL_ENCODE_COMPONENT(text) keyword", lambda t: urllib.parse.quote_plus(t, safe="*-._").replace("~", "%7E").replace("+", "%20")
        ),
        ("SPLIT", _split_function),
        ("JSON_EXTRACT", _json_extract_function),
        ("CIDR_MATCH", _cidr_match),
        ("FIELD_EXTRACT", _field_extract),
    ],
    **refused(*_REFUSED.split()),
)
