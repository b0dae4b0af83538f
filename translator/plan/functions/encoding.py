"""Encodings and hashes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from translator.plan.functions.declare import Family
from translator.plan.functions.values import Dynamic

F = Family("encoding")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@F.scalar("base64_decode_tostring(base64_string: string) -> string")
def base64_decode_tostring(text: str) -> str:
    found = _decoded(text)
    try:
        return found.decode() if found is not None else ""
    except UnicodeDecodeError:
        return ""


F.alias("base64_decodestring", "base64_decode_tostring")


@F.scalar("base64_encode_tostring(string: string) -> string")
def base64_encode_tostring(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


F.alias("base64_encodestring", "base64_encode_tostring")


@F.scalar("base64_decode_toarray(base64_string: string) -> dynamic")
def base64_decode_toarray(text: str) -> Dynamic:
    found = _decoded(text)
    return None if found is None else list(found)


@F.scalar("base64_encode_fromarray(base64_string_decoded_as_array: array) -> string")
def base64_encode_fromarray(values: Dynamic) -> str:
    try:
        return base64.b64encode(bytes(values)).decode()
    except (TypeError, ValueError):
        return ""


@F.scalar("base64_encode_fromguid(guid: guid) -> string")
def base64_encode_fromguid(value: str) -> str:
    import uuid

    return base64.b64encode(uuid.UUID(value).bytes_le).decode()


@F.scalar("base64_decode_toguid(base64_string: string) -> guid")
def base64_decode_toguid(text: str) -> str | None:
    import uuid

    found = _decoded(text)
    if found is None:
        return None
    if len(found) == 16:
        return str(uuid.UUID(bytes_le=found))
    try:
        return str(uuid.UUID(found.decode()))
    except ValueError:
        return None


@F.scalar("url_decode(encoded_url: string) -> string")
def url_decode(text: str) -> str:
    from urllib.parse import unquote_plus

    return unquote_plus(text)


def _quoted(text: str, safe: str) -> str:
    import re
    from urllib.parse import quote

    return re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), quote(text, safe=safe))


@F.scalar("url_encode_component(url: string) -> string")
def url_encode_component(text: str) -> str:
    return _quoted(text, "-_.!*()")


@F.scalar("url_encode(url: string) -> string")
def url_encode(text: str) -> str:
    return _quoted(text, " -_.!*()").replace(" ", "+")


def _digest(algorithm: str) -> Callable[[str], str]:
    def call(source: str) -> str:
        """The digest of a value's text, none of an empty one: Microsoft's emulator was seen to do so."""
        import hashlib

        return hashlib.new(algorithm, source.encode(), usedforsecurity=False).hexdigest() if source else ""

    return call


for _algorithm in ("sha256", "sha1", "md5"):
    F.scalar(f"hash_{_algorithm}(source: line) -> string")(_digest(_algorithm))


_MASK = 0xFFFF_FFFF_FFFF_FFFF
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def _rotl(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & _MASK


def _xxhash64(data: bytes) -> int:
    """XXH64 with seed 0, as its specification has it (github.com/Cyan4973/xxHash, doc/xxhash_spec.md)."""

    def lane(acc: int, part: int) -> int:
        return _rotl(acc + part * _P2 & _MASK, 31) * _P1 & _MASK

    size, index = len(data), 0
    if size >= 32:
        lanes = [_P1 + _P2 & _MASK, _P2, 0, -_P1 & _MASK]
        while index + 32 <= size:
            for i in range(4):
                lanes[i] = lane(lanes[i], int.from_bytes(data[index + 8 * i : index + 8 * i + 8], "little"))
            index += 32
        acc = sum(_rotl(v, b) for v, b in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for value in lanes:
            acc = ((acc ^ lane(0, value)) * _P1 + _P4) & _MASK
    else:
        acc = _P5
    acc = acc + size & _MASK
    while index + 8 <= size:
        acc = (_rotl(acc ^ lane(0, int.from_bytes(data[index : index + 8], "little")), 27) * _P1 + _P4) & _MASK
        index += 8
    if index + 4 <= size:
        acc = (_rotl(acc ^ int.from_bytes(data[index : index + 4], "little") * _P1 & _MASK, 23) * _P2 + _P3) & _MASK
        index += 4
    for byte in data[index:]:
        acc = _rotl(acc ^ byte * _P5 & _MASK, 11) * _P1 & _MASK
    acc = (acc ^ acc >> 33) * _P2 & _MASK
    acc = (acc ^ acc >> 29) * _P3 & _MASK
    return acc ^ acc >> 32


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


@F.scalar("hash_xxhash64(source: notdynamic, mod: integer?) -> long")
def hash_xxhash64(source: Dynamic, mod: int | None = None) -> int:
    data = source.to_bytes(8, "little", signed=True) if isinstance(source, int) else str(source).encode()
    value = _signed(_xxhash64(data))
    return value if not mod else abs(value) % mod


@F.scalar("hash(source: notdynamic, mod: integer?) -> long")
def hash_(source: Dynamic, mod: int | None = None) -> int:
    return hash_xxhash64(source, mod)


@F.scalar("gzip_decompress_from_base64_string(string: string) -> string")
def gzip_decompress_from_base64_string(text: str) -> str:
    return _inflated(text, 31)


@F.scalar("zlib_decompress_from_base64_string(string: string) -> string")
def zlib_decompress_from_base64_string(text: str) -> str:
    return _inflated(text, 15)


_LARGEST = 16 * 1024 * 1024
"""How many bytes a compressed text may hold before it is taken for an attack on memory."""


def _inflated(text: str, bits: int) -> str:
    import zlib

    found = _decoded(text)
    if found is None:
        return ""
    try:
        return zlib.decompressobj(bits).decompress(found, _LARGEST).decode()
    except (zlib.error, UnicodeDecodeError):
        return ""


F.unsupported(
    """
    zlib_compress_to_base64_string(string: string) -> string
    gzip_compress_to_base64_string(string: string) -> string
    __lz4_compress_dynamic_array_to_base64_string(dynamic: array) -> string
    __hash_crc32(source: notdynamic, mod: integer, seed: integer) -> long
    __hash_djb2(source: notdynamic, mod: integer?) -> long
    __hash_xxh64(source: notdynamic, mod: integer, seed: integer) -> long
    hash_combine(source_1: scalar, source: scalar+) -> long
    hash_many(source: notdynamic+) -> long
    __hash_many_crc32(arg: scalar+) -> long
    """
)
