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
    return text.find(part, max(start - 1, 0)) + 1


def _split(text: str, delimiter: str) -> Value:
    if len(delimiter.encode()) != 1:
        raise NotReadable("SPLIT by a delimiter that is not one byte")
    return one_or_several(text.split(delimiter))


def _replace(text: str, pattern: str, new: str) -> str:
    return regex.java(pattern).sub(lambda found: regex.replacement(new, found), text)


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

_DECODER = json.JSONDecoder()


def _past_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found is not None else at


def _members(text: str, at: int) -> Iterator[tuple[str | int, int]]:
    """The names, or numbers, of what an object, or an array, in a JSON text holds, each with where its value begins.

    Raises:
        ValueError: where the text is no JSON.
    """
    ending, number = {"{": "}", "[": "]"}.get(text[at : at + 1], ""), 0
    if not ending:
        return
    named, at = ending == "}", _past_blanks(text, at + 1)
    while text[at : at + 1] != ending:
        name: str | int = number
        if named:
            if text[at : at + 1] != '"':
                raise ValueError("a name is missing")
            name, at = _DECODER.raw_decode(text, at)
            at = _past_blanks(text, at)
            if text[at : at + 1] != ":":
                raise ValueError("a colon is missing")
            at = _past_blanks(text, at + 1)
        yield name, at
        at = _past_blanks(text, _DECODER.raw_decode(text, at)[1])
        if text[at : at + 1] == ",":
            at = _past_blanks(text, at + 1)
        elif text[at : at + 1] != ending:
            raise ValueError("a comma is missing")
        number += 1


def _json_extract(text: str, path: str) -> str | None:
    """What a path names in a JSON text: a text as it is, all else as it is written there; of equal names the first.

    Source: JsonExtract.java (extractCurrentValue, navigateToField).

    Raises:
        NotReadable: for a path that is not known.
    """
    steps = re.fullmatch(r"\$?((?:\.?[A-Za-z_][\w-]*|\[\d+\]|\['[^']*'\]|\[\"[^\"]*\"\])*)", path)
    if steps is None:
        raise NotReadable(f"the path {path} of JSON_EXTRACT")
    at = _past_blanks(text, 0)
    try:
        for key, index, quoted in re.findall(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[(?:'|\")([^'\"]*)(?:'|\")\]", steps[1]):
            wanted = int(index) if index else key or quoted
            found = next((where for name, where in _members(text, at) if name == wanted), None)
            if found is None:
                return None
            at = found
        value, end = _DECODER.raw_decode(text, at)
    except ValueError:
        return None
    return value if value is None or isinstance(value, str) else text[at:end]


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
        scalar("JSON_EXTRACT(json, text) keyword", _json_extract),
        scalar("LEFT(text, integer) keyword", lambda t, n: t[: max(n, 0)]),
        scalar("LENGTH(text) integer", len),
        scalar("LOCATE(text, text, integer?) integer", _locate),
        scalar("LTRIM(text) keyword", lambda t: t.lstrip()),
        scalar("MD5(text) keyword", lambda t: _hash("md5", t)),
        scalar("REPEAT(text, integer) keyword", _repeat),
        scalar("REPLACE(text, text, text) keyword", _replace),
        scalar("REVERSE(text) keyword", lambda t: t[::-1]),
        scalar("RIGHT(text, integer) keyword", lambda t, n: t[max(len(t) - n, 0) :] if n > 0 else ""),
        scalar("RTRIM(text) keyword", lambda t: t.rstrip()),
        scalar("SHA1(text) keyword", lambda t: _hash("sha1", t)),
        scalar("SHA256(text) keyword", lambda t: _hash("sha256", t)),
        scalar("SPACE(integer) keyword", _space),
        scalar("STARTS_WITH(text, text) boolean", lambda t, start: t.startswith(start)),
        scalar("SUBSTRING(text, integer, integer?) keyword", _substring),
        scalar("TO_BASE64(text) keyword", lambda t: base64.b64encode(t.encode()).decode()),
        scalar("TRIM(text) keyword", lambda t: t.strip()),
        scalar("URL_DECODE(text) keyword", _url_decode),
        scalar("URL_ENCODE(text) keyword", lambda t: urllib.parse.quote_plus(t, safe="*-._").replace("~", "%7E")),
        scalar(
            "URL_ENCODE_COMPONENT(text) keyword", lambda t: urllib.parse.quote_plus(t, safe="*-._").replace("~", "%7E").replace("+", "%20")
        ),
        ("SPLIT", _split_function),
        ("CIDR_MATCH", _cidr_match),
        ("FIELD_EXTRACT", _field_extract),
    ],
    **refused(*_REFUSED.split()),
)
