"""Stable identifiers: the same source rule gives the same UUIDs, on every machine and in every version."""

from __future__ import annotations

import uuid

from translator.rulepack.model import Rule

NAMESPACE = uuid.UUID("8a4f6f8e-2d0c-5c1b-9c55-6b1d7f1f3a90")


def source_key(rule: Rule) -> str:
    """What identifies a rule: its id, else its name and text."""
    return rule.id or f"{rule.name}\n{rule.own_query}"


def stable_id(rule: Rule, role: str) -> str:
    """The UUIDv5 of the document with that role (``correlation``, a selector's name) in what a rule becomes."""
    return str(uuid.uuid5(NAMESPACE, f"{source_key(rule)}|{role}"))


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID, in any of the forms that Python reads."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
