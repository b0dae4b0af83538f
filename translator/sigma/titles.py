"""Titles as SigmaHQ takes them.

Source: github.com/SigmaHQ/sigma-specification, specification/sigma-rules-specification.md, "Title"; SigmaHQ's validators of titles: no word
of small letters but a few, no more than 120 characters, no "Detects" in front, no full stop behind.
"""

from __future__ import annotations

import re

LONGEST = 120

SMALL = frozenset("a an and as at by for from in of on or the to via with without".split())
"""Words that keep their small letters within a title."""

SPELLED = {
    word.lower(): word
    for word in (
        "AAD AD ADFS AI API APIs APT ASIM AWS AV CLI CPU CVE DC DCOM DLL DLLs DNS EC2 FTP GCP GitHub HTTP HTTPS IAM ID"
        " IDs IIS IoC IoCs IoT IP IPs JSON KQL LDAP LSASS MDE MFA NTLM NRT O365 OAuth OS OTP PDF PIM PowerShell RBAC RDP"
        " S3 SAM SAML SID SIDs SMB SMTP SNMP SQL SSH SSO SSL TI TLS TOR UAC UI UPN URI URIs URL URLs USB VBS VM VMs VPC"
        " VPN WAF WMI XML DevOps"
    ).split()
}
"""Words that are spelled in one way."""

_CORE = re.compile(r"^(\W*)(.*?)(\W*)$", re.S)


def titled(text: str) -> str:
    """A title of the words of ``text``, each with a capital letter but for small ones and for names of files and fields."""
    words = re.sub(r"^(detects?\s+)+", "", " ".join(text.split()), flags=re.I).rstrip(". ").split(" ")
    found = []
    for number, word in enumerate(words):
        first = number == 0 or words[number - 1].endswith(":") or words[number - 1] in ("-", "–")
        found.append(_word(word, first))
    return " ".join(found) or "Untitled"


def shortened(stem: str, suffix: str) -> str:
    """A title of a stem and what tells it from the rule's other documents, which stays whole as long as it leaves room for the stem."""
    room = LONGEST - len(suffix)
    if room < 40:
        suffix = suffix[: LONGEST - 40].rsplit(" ", 1)[0].rstrip(" (")
        room = LONGEST - len(suffix)
    if len(stem) > room:
        stem = stem[:room].rsplit(" ", 1)[0].rstrip(" -,(")
    return stem + suffix


def _word(word: str, first: bool) -> str:
    match = _CORE.match(word)
    assert match is not None
    before, core, after = match.groups()
    if not core:
        return word
    known = SPELLED.get(core.lower())
    if known is not None and (core.islower() or known in ("PowerShell", "GitHub", "DevOps")):
        return f"{before}{known}{after}"
    if core in SMALL and not first and not before:
        return word
    if not core.islower() or "_" in core or "." in core or core[0].isdigit():
        return word
    pieces = re.split(r"([-/])", core)
    return before + "".join(SPELLED.get(p, p[:1].upper() + p[1:]) for p in pieces) + after
