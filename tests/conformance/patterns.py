"""Random regular expressions and terms, run by the engine, beside the Sigma, SPL, ES|QL and EQL written for them, on the same texts.

The texts have letters of several scripts, and line feeds at their end: what languages of patterns disagree on. Exit status
1 where an output finds other events than its verdict says.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
import sys
from collections.abc import Iterator
from typing import Any

import yaml
from sigma.conditions import ConditionAND, ConditionIdentifier, ConditionNOT, ConditionOR, SigmaCondition
from sigma.rule import SigmaDetections

import translator
from tests.conformance.query_filters import RUNS
from tests.rules import rule
from translator.engine.errors import EngineError
from translator.plan.binder.problems import BindError
from translator.targets.base import Options
from translator.verify.reading import NotReadable

Event = dict[str, Any]

TERMS = ["ab", "Ab", "é", "aé", "éa", "b-a", "-b", "a.", "бо", "ab\n", "7", "٣", "名", "á"]
AROUND = ["", "", "a", "B", "é", "É", "б", "名", "。", "٣", "7", "_", "-", " ", "\n", "×", "\u2028", "\x85", "K"]
"""Without what Python folds or takes for no letter in its own way, İ and combining marks, and what TO_LOWER leaves alone, ſ."""

ATOMS = r"""a b é É \. . \d \D \w \W \s \S [a-c] [^a-c] [[:alpha:]] [[:^alpha:]] [[:space:]] [\w&&[^a]] [a-z--b] [\d_] [^\w.] \n (?i:b)
(?i:É) (a|é) (?:ab|b) (?P<n>b) [é-я] \x{e9} \Q.+\E (?s:.) \pL \p{Greek} [\s\S] \- (?-u:\w) (?-u:[a-z])""".split()
OPENINGS = ["", "", "^", r"\A", "(?i)", "(?s)", "(?m)^", "(?im)^", r"\b", "(^|-)", "(?i)^", "^(?:", "(?U)"]
ENDINGS = ["", "", "$", r"\z", r"\b", "(-|$)", r"\B", "+$", "*", "{2}", "+?$"]
OPERATORS = "has !has has_cs hasprefix hassuffix hasprefix_cs !hassuffix endswith endswith_cs startswith contains has_any".split()


def texts(pick: random.Random, count: int) -> list[Event]:
    around, within = (lambda: pick.choice(AROUND)), [*TERMS, "", "enc", "a_b"]
    found = ["".join([around(), pick.choice(within), around(), *(around() for _ in range(pick.randint(0, 2)))]) for _ in range(count)]
    return [{"id": n, "x": text} for n, text in enumerate(["", "\n", "ab\n", "ab\n\n", "é", *found])]


def condition(pick: random.Random) -> str:
    if pick.random() < 0.4:
        operator, term = pick.choice(OPERATORS), json.dumps(pick.choice(TERMS), ensure_ascii=False)
        return f"x {operator} ({term})" if operator == "has_any" else f"x {operator} {term}"
    opening = pick.choice(OPENINGS)
    body = "".join(pick.choice(ATOMS) + pick.choice(["", "", "", "*", "+", "?", "{1,2}", "+?"]) for _ in range(pick.randint(1, 3)))
    regex = opening + body + (")" if opening.endswith("(?:") else "") + pick.choice(ENDINGS)
    found = f"x matches regex {json.dumps(regex, ensure_ascii=False)}"
    return f"not({found})" if pick.random() < 0.3 else found


def by_sigma(text: str, events: list[Event]) -> list[int]:
    """The events of a rule whose condition names its items one by one."""
    (document,) = yaml.safe_load_all(text)
    detection = document["detection"]
    asked = SigmaCondition(detection["condition"], SigmaDetections.from_dict(detection)).parse(postprocess=False)
    return [e["id"] for e in events if _asked(asked, detection, e["x"])]


def _asked(condition: Any, detection: dict[str, Any], text: str) -> bool:
    match condition:
        case ConditionIdentifier(args=[name]):
            return _all_hold(detection[name], text)
        case ConditionNOT(args=[negated]):
            return not _asked(negated, detection, text)
        case ConditionAND(args=parts):
            return all(_asked(part, detection, text) for part in parts)
        case ConditionOR(args=parts):
            return any(_asked(part, detection, text) for part in parts)
    raise NotImplementedError(type(condition).__name__)


def _all_hold(items: dict[str, Any], text: str) -> bool:
    """Whether all conditions of an item hold for a text."""
    return all(_holds(key.split("|")[1:], value if isinstance(value, list) else [value], text) for key, value in items.items())


def _holds(modifiers: list[str], values: list[Any], text: str) -> bool:
    folded = (lambda t: t) if "cased" in modifiers else str.lower
    if "re" in modifiers:
        flags = re.RegexFlag(sum(getattr(re, f.upper()) for f in modifiers if f in ("i", "m", "s")))
        return any(re.search(v, text, flags) for v in values)
    wanted = [re.sub(r"\\([\\*?])", r"\1", folded(str(v))) for v in values]
    tests = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}
    test = next((tests[m] for m in modifiers if m in tests), str.__eq__)
    return any(test(folded(text), w) for w in wanted)


def claims(seed: int, count: int, seen: collections.Counter[tuple[str, str]]) -> Iterator[tuple[str, str, str, str, list[str]]]:
    """Target, KQL, output, verdict and the texts that the output finds, or leaves out, against its verdict; none where it holds."""
    pick = random.Random(seed)
    events = texts(pick, 300)
    logged = [{"sourcetype": "T", "event": {"dataset": "T"}, "_time": e["id"], **e} for e in events]
    for _ in range(count):
        kql = f"T | where {condition(pick)}"
        try:
            rows = translator.run(f"{kql} | project id", {"T": events}).rows
        except (BindError, EngineError):
            seen["all", "refused"] += 1
            continue
        wanted = {row[0] for row in rows}
        for target, output in translator.convert(rule(kql), ("sigma", *RUNS), Options(fields="source")).outputs.items():
            verdict = output.verdict.value
            seen[target, verdict] += 1
            if not output.texts or any(d.code == "condition-dropped" for d in output.diagnostics):
                continue
            runs = [by_sigma] if target == "sigma" else RUNS[target]
            for run in runs:
                try:
                    found = {row if target == "sigma" else row["id"] for query in output.texts for row in run(query, logged)}
                except (re.error, NotReadable):
                    # properties of Unicode, which Python's patterns lack, and \\w beyond ASCII
                    seen[target, "unread"] += 1
                    continue
                more, fewer = found - wanted, wanted - found
                wrong = (more if verdict in ("exact", "same-alerts", "narrower") else set()) | (
                    fewer if verdict in ("exact", "same-alerts", "broader") else set()
                )
                yield target, kql, output.text, verdict, [events[n]["x"] for n in sorted(wrong)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    run = list(claims(options.seed, options.count, seen))
    wrong = [c for c in run if c[4]]
    for target, kql, text, verdict, others in wrong[:8]:
        print(target, kql, text, verdict, others[:6], sep="\n", end="\n\n")
    print(f"{len(run)} claims, {len(wrong)} wrong;", ", ".join(f"{t} {v} {n}" for (t, v), n in sorted(seen.items())))
    return 1 if wrong or not run else 0


if __name__ == "__main__":
    sys.exit(main())
