"""Queries a second over a corpus (one JSON object with a ``query`` a line): ``python tests/perf/speed.py FILE``.

Prints the time against that of Lark's own plain tree over the same texts, so that a busy machine does not matter.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import lark

from translator.grammar import grammar_text
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse


def main() -> None:
    queries = [json.loads(line)["query"] for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    plain = lark.Lark(grammar_text("kql"), parser="lalr", lexer="contextual", keep_all_tokens=True, maybe_placeholders=False)
    parse("T")

    def run(read: object) -> float:
        assert callable(read)
        start = time.perf_counter()
        for query in queries:
            try:
                read(query)
            except (KqlSyntaxError, lark.exceptions.LarkError):
                continue
        return time.perf_counter() - start

    ours, theirs = run(parse), run(plain.parse)
    print(f"{len(queries) / ours:.0f} queries/s, {ours / theirs:.2f} of the time of Lark's plain tree")


if __name__ == "__main__":
    main()
