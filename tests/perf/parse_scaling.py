"""How parsing cost grows with the text: ``python tests/perf/parse_scaling.py [LARGEST_KB]`` prints the table of docs/performance.md.

The figure to read is the ratio: seconds a kilobyte, against those of the 10 KB text of the same shape. Near 1 is linear.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from translator.kql.parser import parse

SHAPES: dict[str, Callable[[int], str]] = {
    "long `in` list": lambda n: "T | where a in (" + ",".join(f'"v{i:08d}"' for i in range(n // 12)) + ")",
    "long `or` chain": lambda n: "T | where " + " or ".join(f"a{i:06d} == {i}" for i in range(n // 20)),
    "many operators": lambda n: "T" + "".join(f' | where a == "x{i:06d}"' for i in range(n // 25)),
    "many statements": lambda n: "".join(f"let x{i:06d} = {i};\n" for i in range(n // 22)) + "T",
}
NESTED: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "T | where " + "(" * n + "a" + ")" * n,
    "calls": lambda n: "T | where " + "f(" * n + "a" + ")" * n,
    "joins": lambda n: "T | join (" * n + "T" + ") on a" * n,
}


def seconds(text: str) -> float:
    best = float("inf")
    for _ in range(3 if len(text) < 200_000 else 1):
        start = time.perf_counter()
        parse(text)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    parse("T")
    print("| text | size | KB/s | cost a KB against 10 KB |\n|---|---:|---:|---:|")
    for name, make in SHAPES.items():
        base = None
        for size in (1, 10, 100, 1_000, 10_000):
            if size > largest:
                continue
            text = make(size * 1024)
            spent = seconds(text) / (len(text) / 1024)
            base = spent if size == 10 else base
            ratio = f"{spent / base:.2f}" if base else ""
            print(f"| {name} | {size:,} KB | {1 / spent:,.0f} | {ratio} |")
    print("\n| nested | levels | ms | cost a level against 100 levels |\n|---|---:|---:|---:|")
    for name, make in NESTED.items():
        base = None
        for levels in (10, 100, 1_000):
            spent = seconds(make(levels))
            base = spent / levels if levels == 100 else base
            print(f"| {name} | {levels:,} | {1000 * spent:.2f} | {f'{spent / levels / base:.2f}' if base else ''} |")


if __name__ == "__main__":
    main()
