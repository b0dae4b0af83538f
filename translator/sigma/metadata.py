"""What a Sigma document says of itself besides its logic: references and tags."""

from __future__ import annotations

import re
from collections.abc import Iterable

from translator import attack
from translator.rulepack.model import Rule
from translator.targets.names import Names

LEVELS = frozenset({"informational", "low", "medium", "high", "critical"})


def without_links(text: str) -> tuple[str, list[str]]:
    """A description without the addresses of pages in it, which SigmaHQ keeps among the references, and these addresses.

    A link of Markdown is its text. Lines lose the spaces at their ends: YAML could only quote such a text.
    """
    text = re.sub(r"\[([^\[\]]+)\]\((https?://[^\s()]+)\)", r"\1 \2", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    links = [link.rstrip(".,;:'\")]>") for link in re.findall(r"https?://\S+", text)]
    for link in links:
        text = text.replace(link, "(see references)")
    return text, links


def shared_links(links: list[str]) -> tuple[list[str], list[str]]:
    """References as SigmaHQ keeps them, and the links that became others: ATT&CK is told by tags, a file on GitHub by its folder.

    A link to a file on a branch does not last; one with the commit, which only its author knows, is kept.
    """
    kept, moved = list[str](), list[str]()
    for link in dict.fromkeys(links):
        file = re.fullmatch(r"(https://github\.com/[^/]+/[^/]+)/blob/([^/]+)/(.*/)?[^/]*\.\w{1,3}", link)
        if link.startswith("https://attack.mitre.org/"):
            continue
        if file is not None and not re.search(r"/[0-9a-z]{40}/", link):
            kept.append(f"{file[1]}/tree/{file[2]}/{file[3] or ''}".rstrip("/"))
            moved.append(link)
            continue
        kept.append(link)
    return list(dict.fromkeys(kept)), moved


def _attack_links(links: Iterable[str]) -> list[str]:
    """Identifiers of the techniques that links to ATT&CK name."""
    found = (re.search(r"attack\.mitre\.org/techniques/(T\d{4})(?:/(\d{3}))?", link) for link in links)
    return [f"{m[1]}.{m[2]}" if m[2] else m[1] for m in found if m is not None]


def tags(rule: Rule, names: Names) -> list[str]:
    """``attack.*`` tags in Sigma's spelling; a revoked technique is followed to the one that replaced it, and said."""
    found = []
    for name in rule.tactics:
        tactic = attack.tactic(name)
        if tactic is None:
            names.say("unknown-technique", f"ATT&CK {attack.version()} has no tactic {name}")
        else:
            found.append(f"attack.{tactic.shortname}")
    for identifier in (*rule.techniques, *_attack_links((*rule.references, *without_links(rule.description)[1]))):
        technique = attack.technique(identifier)
        if technique is None:
            names.say("unknown-technique", f"ATT&CK {attack.version()} has no technique {identifier}")
            if re.fullmatch(r"[Tt]\d{4}(\.\d{3})?", identifier):
                found.append(f"attack.{identifier.lower()}")
        else:
            found.append(f"attack.{technique.id.lower()}")
    return list(dict.fromkeys(found))
