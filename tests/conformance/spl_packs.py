"""How many searches of detections the reader of SPL can read: YAML files with the key ``search``, as splunk/security_content has them.

    python -m tests.conformance.spl_packs DIR [--all]

Counts the searches of the commands that detections are made of (COMMANDS), macros passed over, and prints what the others are refused
for; ``--all`` counts searches of any commands.
"""

from __future__ import annotations

import collections
import re
import sys
from pathlib import Path

import yaml

from translator.verify import spl
from translator.verify.reading import NotReadable

COMMANDS = frozenset(
    "search where eval stats eventstats streamstats rex table fields rename sort dedup head bin bucket lookup mvexpand spath fillnull"
    " tstats join append".split()
)


def names(search: str) -> set[str]:
    """The commands that stand behind a pipe outside of quotes and macros."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"|```.*?```|`[^`]*`', "_", search, flags=re.DOTALL)
    return set(re.findall(r"[|\[]\s*([a-z]\w*)", bare))


def main(folder: str, *flags: str) -> int:
    read, told, first = 0, collections.Counter[str](), dict[str, str]()
    for path in sorted(Path(folder).rglob("*.yml")):
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        search = found.get("search") if isinstance(found, dict) else None
        if not isinstance(search, str) or ("--all" not in flags and names(search) - COMMANDS):
            continue
        try:
            spl.parse(search)
            read += 1
        except NotReadable as error:
            told[error.what] += 1
            first.setdefault(error.what, f"{path.name}: {search[max((error.position or 0) - 40, 0) :][:80]!r}")
    total = read + told.total()
    for what, count in told.most_common(40):
        print(f"{count:4} {what}   ({first[what]})")
    print(f"{read} of {total} searches can be read: {read / max(total, 1):.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
