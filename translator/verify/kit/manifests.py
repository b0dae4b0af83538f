"""The manifest of a rule's folder: what was saved, and whether it is still what was saved."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translator.rulepack.model import AlertDetails, Connector, EntityMapping, Incidents, Rule, TextMap
from translator.verify.stage import NoWorlds

MANIFEST = "manifest.json"

FORM = 1
"""The number of the form of manifests; another one is not read."""


class BrokenKit(NoWorlds):
    """A kit that cannot be replayed, in words."""


@dataclass(frozen=True, slots=True)
class Kit:
    """A rule's folder, read and found to be as it was saved.

    Attributes:
        folder: where it is.
        data: the manifest.
        files: the texts of the files, by their path in the folder.
    """

    folder: Path
    data: Mapping[str, Any]
    files: Mapping[str, str]

    @property
    def rule(self) -> Rule:
        """The rule as it was.

        Raises:
            BrokenKit: where it has what rules do not have in this version.
        """
        try:
            return _rule_of(self.data["rule"])
        except (TypeError, KeyError) as error:
            raise self.broken(f"the rule in it is not of this version of the tool ({error})") from error

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that were tried when it was saved."""
        return tuple(self.data["targets"])

    @property
    def now(self) -> dt.datetime:
        """When everything is run."""
        return dt.datetime.fromisoformat(self.data["now"]).replace(tzinfo=None)

    def broken(self, what: str) -> BrokenKit:
        """What is wrong with it, to be raised."""
        return BrokenKit(f"{self.folder / MANIFEST}: {what}")


def manifest_of(data: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """The text of a manifest, which vouches for the files beside it and for itself."""
    told = {"kit": FORM, **data, "files": {name: _digest(text) for name, text in sorted(files.items())}}
    return json.dumps({**told, "digest": _digest_of(told)}, ensure_ascii=False, indent=1) + "\n"


def rule_folders(folder: Path) -> list[Path]:
    """The folders of rules in a kit: the folder itself where it has a manifest, else those in it.

    Raises:
        BrokenKit: where there is none, or a folder has no manifest.
    """
    if (folder / MANIFEST).is_file():
        return [folder]
    found = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")) if folder.is_dir() else []
    if not found:
        raise BrokenKit(f"{folder} is no kit: it has no {MANIFEST}, and no folders")
    return found


def read_kit(folder: Path) -> Kit:
    """A rule's folder.

    Raises:
        BrokenKit: where the manifest is not there, is none, or does not fit itself or the files.
    """
    kit = Kit(folder, {}, {})
    try:
        data = json.loads(_text(folder / MANIFEST))
    except (ValueError, RecursionError) as error:
        raise kit.broken(f"it is no JSON: {error}") from error
    if not isinstance(data, dict) or "kit" not in data:
        raise kit.broken("it is no manifest of a kit")
    if data["kit"] != FORM:
        raise kit.broken(f"it is of form {data['kit']!r}, and this version reads form {FORM}: save the kit again")
    digest = data.pop("digest", None)
    if digest != _digest_of(data):
        raise kit.broken("it was changed after it was saved: what must alert cannot be relied on; save the kit again")
    files = {}
    for name, wanted in data["files"].items():
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise kit.broken(f"it names a file outside of its folder: {name}")
        files[name] = _text(folder / name)
        if _digest(files[name]) != wanted:
            raise kit.broken(f"{name} was changed after it was saved; save the kit again")
    return Kit(folder, data, files)


def kit_files(folder: Path) -> set[str]:
    """The files in a folder that the manifest there names, and that are in the folder; none where there is no manifest."""
    try:
        named = json.loads(_text(folder / MANIFEST))["files"]
        return {name for name in named if (folder / name).resolve().is_relative_to(folder.resolve())}
    except (BrokenKit, ValueError, KeyError, TypeError):
        return set()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise BrokenKit(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BrokenKit(f"{path} is no text in UTF-8") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_of(data: Mapping[str, Any]) -> str:
    return _digest(json.dumps(data, ensure_ascii=True, sort_keys=True))


def digest_of_files(paths: Iterable[Path]) -> str:
    """What tells the contents of files from others; empty where there are none."""
    return _digest("".join(_digest(_text(path)) for path in paths)) if (paths := list(paths)) else ""


def rule_data(rule: Rule) -> dict[str, Any]:
    """A rule as JSON has it."""
    return json.loads(json.dumps(dataclasses.asdict(rule)))  # type: ignore[no-any-return]


def _rule_of(data: Mapping[str, Any]) -> Rule:
    told: dict[str, Any] = {k: _tuples(v) for k, v in data.items()}
    return Rule(
        **{
            **told,
            "text_map": TextMap(_tuples(data["text_map"]["pieces"])),
            "entities": tuple(EntityMapping(**e) for e in data["entities"]),
            "connectors": tuple(Connector(**{k: _tuples(v) for k, v in c.items()}) for c in data["connectors"]),
            "details": AlertDetails(**{k: _tuples(v) for k, v in data["details"].items()}),
            "incidents": Incidents(**data["incidents"]),
        }
    )


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
