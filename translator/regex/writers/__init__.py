r"""What each language writes for a regular expression of KQL, so that it finds the same, or why it cannot.

Source: learn.microsoft.com/kusto/query/regex (KQL), github.com/google/re2/wiki/Syntax (RE2), docs.python.org/3/library/re.html (Python),
pcre.org/current/doc/html/pcre2pattern.html (PCRE2), docs.oracle.com, java.util.regex.Pattern (Java).
"""

from __future__ import annotations

import functools

from translator.regex.syntax import Node
from translator.regex.writers.base import Inexpressible, Kql, case_of
from translator.regex.writers.engines import Java, Python, Re2
from translator.regex.writers.portable import END, MAX_RANGES, OfLines, Pcre, Portable

__all__ = [
    "END", "MAX_RANGES", "Inexpressible", "case_of", "java", "java_portable", "kql", "kql_without_case", "pcre", "python", "re2", "sigma",
]  # fmt: skip


def kql(node: Node) -> str:
    """A pattern as KQL reads it."""
    return Kql().pattern(node)


def kql_without_case(node: Node) -> str:
    """A pattern whose letters are all read without case, as KQL reads it with case."""
    modes, body = Kql().parts(node)
    rest = str(modes).replace("i", "")
    return f"(?{rest}){body}" if rest else body


def re2(node: Node) -> str:
    """A pattern for DuckDB. Raises Inexpressible."""
    return Re2().pattern(node)


def python(node: Node) -> str:
    """A pattern for Python's ``re`` that finds just what KQL finds. Raises Inexpressible."""
    return Python().pattern(node)


def java(node: Node) -> str:
    """A pattern for Spark. Raises Inexpressible."""
    return Java().pattern(node)


@functools.lru_cache(maxsize=1024)
def java_portable(node: Node) -> str:
    """A pattern for REPLACE in ES|QL, without flags of Java alone. Raises Inexpressible."""
    return OfLines().pattern(node)


@functools.lru_cache(maxsize=1024)
def pcre(node: Node) -> str:
    """A pattern for Splunk's ``match``, ``replace`` and ``rex``. Raises Inexpressible."""
    return Pcre().pattern(node)


@functools.lru_cache(maxsize=1024)
def sigma(node: Node) -> tuple[str, str]:
    """The modifiers behind ``|re`` (``|i``, ``|m``, ``|s``) and the pattern of a Sigma rule. Raises Inexpressible."""
    modes, body = Portable().parts(node)
    return "".join(f"|{f}" for f in str(modes)), body
