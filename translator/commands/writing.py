"""Files of an output folder, each written as a whole or not at all, and what a folder has of earlier runs."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from translator.cache import OLD
from translator.commands.common import UsageProblem, json_text

REPORT = "report.json"

SHARED = ("report.csv", "attack/", "sigma/filters/", "splunk/app/", "elastic/", "contentctl/", "detection-rules/")
"""Where files are of which a report does not say which rule they are of."""

_OWN = ".kql2sigma-"
"""How the names of files begin that are there while a run goes on."""

_FOR_A_WHILE = re.compile(re.escape(_OWN) + "[a-z0-9_]{8}")
"""The names of those that are renamed when they are whole. Source: Python's tempfile, ``_RandomNameSequence``."""

UNFINISHED = "the run has not come to its end"


class CannotWrite(Exception):
    """A file that cannot be written, and why."""

    def __init__(self, path: Path | str, why: str) -> None:
        super().__init__(f"{path} cannot be written: {why}")


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Writes files below a folder. Raises UsageProblem for one that cannot be written."""
    try:
        for name, content in files.items():
            write_file(folder.resolve(), name, content)
    except CannotWrite as problem:
        raise UsageProblem(str(problem)) from problem


def require_writable(path: Path) -> None:
    """Tries what writes a file that comes at the end of a long run. Raises UsageProblem where it could not be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_OWN):
            pass
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror or error}") from error


def _held(folder: Path) -> int | None:
    """A folder that no other run can begin to write until this is closed, or its process ends; None where the system holds none.

    Raises:
        UsageProblem: where another run writes it.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    found: int | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = os.open(folder, os.O_RDONLY)
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        if found is not None:
            os.close(found)
        raise UsageProblem(f"another run writes into {folder}: wait for its end, or name another folder") from error
    except OSError:  # what cannot be written at all is said of the first file
        pass
    return found


def write_file(root: Path, name: str, content: str | bytes) -> None:
    """Writes a file below a folder; a name that ends with a slash is a folder.

    Args:
        root: the folder, resolved.

    Raises:
        CannotWrite: where it cannot be written, or would be outside of the folder.
    """
    path, temporary = below(root, name), ""
    try:
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_OWN, delete=False) as file:
                temporary = file.name
                file.write(_bytes(content))
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error


def below(root: Path, name: str) -> Path:
    """A path below a folder. Raises CannotWrite for one that is not, also by a link."""
    try:
        path = (root / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise CannotWrite(name, str(error)) from error
    if not path.is_relative_to(root):
        raise CannotWrite(path, f"it is outside of {root}")
    return path


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")


def digest(name: str, content: str | bytes) -> str:
    """What tells a content from others; of an archive what it holds, whose compressor may be another elsewhere."""
    data = _bytes(content)
    if name.endswith(".gz"):
        with suppress(OSError, EOFError):
            data = gzip.decompress(data)
    return hashlib.sha256(data).hexdigest()


def read_report(path: Path) -> dict[str, Any]:
    """A report as a run has written it, of its folder or its file.

    Raises:
        UsageProblem: where it cannot be read, or is none.
    """
    file = path / REPORT if path.is_dir() else path
    try:
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UsageProblem(f"{path} has no {REPORT}: name a folder that convert -o has written") from error
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageProblem(f"{file} is no report: {error}") from error
    if not isinstance(data, dict) or data.get("version") != 1 or not isinstance(data.get("rules"), list):
        raise UsageProblem(f"{file} is no report that this version writes")
    return data


class OutputFolder:
    """A folder that a run writes, or only compares with what it would write.

    Attributes:
        root: the folder, resolved.
        checks: whether nothing is written.
        known: what earlier runs have written, by name, with the digests that it had.
        digests: what this run has written, in the same way.
        folders: the names of the folders that it has made, whatever is in them.
        reported: the digest of its report.
        differing: the names of what is not there as it would be written, with a word for why.
        lost: the names of what could not be written.
    """

    RESERVES = (131_072, 16_384)
    """Bytes that are kept free for the report where the disk becomes full: the most that there is place for."""

    PAUSE, SHARE = 5.0, 50
    """Seconds between two reports of a run that goes on, and how many times as long as it takes to write one."""

    def __init__(self, path: Path, checks: bool = False) -> None:
        self.root, self.checks = path.resolve(), checks
        self.digests: dict[str, str] = {}
        self.folders: set[str] = set()
        self.reported = ""
        self.differing: dict[str, str] = {}
        self.lost: list[str] = []
        self.reserve = ""
        self.next = time.monotonic() + self.PAUSE
        self.held: int | None = None

    @functools.cached_property
    def earlier(self) -> Mapping[str, Any]:
        """The report of the last run."""
        try:
            return read_report(self.root / REPORT) if (self.root / REPORT).is_file() else {}
        except (UsageProblem, OSError):
            return {}

    @functools.cached_property
    def known(self) -> Mapping[str, str]:
        """The files of earlier runs, each with the checksum of what was written into it."""
        return {**_texts(self.earlier.get("stale")), **_texts(self.earlier.get("files"))}

    def _unfinished(self, content: Mapping[str, Any]) -> str:
        return json_text({**content, "stopped": UNFINISHED, "stale": self.known})

    def _keep_free(self) -> None:
        for size in self.RESERVES:
            try:
                with tempfile.NamedTemporaryFile(dir=self.root, prefix=_OWN, delete=False) as file:
                    self.reserve = file.name
                    file.write(bytes(size))
                return
            except OSError:
                self._set_free()

    def _set_free(self) -> None:
        if self.reserve:
            with suppress(OSError):
                os.unlink(self.reserve)
            self.reserve = ""

    def __enter__(self) -> OutputFolder:
        """Begins to write. Raises UsageProblem where that cannot be done."""
        unfinished = self._unfinished({"version": 1, "summary": {}, "rules": []})
        if not self.checks:
            self.held = _held(self.root)
            write_files(self.root, {REPORT: unfinished})
            self._keep_free()
        return self

    def __exit__(self, *raised: object) -> None:
        self._set_free()
        if not self.checks:
            self.tidy((*self.digests, *self.known))
        if self.held is not None:
            os.close(self.held)

    def owned(self, given: Iterable[Path]) -> Callable[[Path], bool]:
        """Whether a file is one that runs have written here, so that it is no rule; their report and what they write for a while are, too.

        Args:
            given: where rules are looked for. What is in this folder is written by runs, unless rules are looked for in it as such.
        """
        places = [path.resolve() for path in given]
        if any(place.is_relative_to(self.root) for place in places):
            mine = {*self.known, REPORT}
            return lambda path: (
                (found := path.resolve()).is_relative_to(self.root)
                and (found.name.startswith(_OWN) or found.relative_to(self.root).as_posix() in mine)
            )
        if any(self.root.is_relative_to(place) for place in places):
            return lambda path: path.resolve().is_relative_to(self.root)
        return lambda path: False

    def with_kept(self, rules: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Rules as a report has them; those that fail now with the files that they had, which are not stale: ``kept``."""
        earlier: dict[tuple[str, str], set[str]] = {}
        for rule in self.earlier.get("rules", ()):
            if not isinstance(rule, dict):
                continue
            paths, source = list(_paths(rule)), str(rule.get("source") or "")
            above = [source[: found.start()] for found in re.finditer("/", source)]  # a folder or an archive that cannot be read now
            for key in (*(("source", s) for s in (source, *above)), ("id", str(rule.get("id") or ""))):
                earlier.setdefault(key, set()).update(paths)
        found = []
        for rule in rules:
            kept = list[str]()
            if rule["status"] == "failed":
                had = set[str]().union(*(earlier.get((name, rule[name]), ()) for name in ("source", "id") if rule[name]))
                kept = sorted(p for p in had if p not in self.digests and self._is_file(p))
            found.append({**rule, **({"kept": kept} if kept else {})})
        return found

    def of_failed(self, rules: Iterable[Mapping[str, Any]]) -> Set[str]:
        """What is not to be removed, since there are rules that fail now: the files that they had, and what packages may share with them.

        Args:
            rules: the rules of this run, with what they keep.
        """
        rules = list(rules)
        failed = [r for r in rules if r["status"] == "failed"]
        if len(failed) == len(rules):  # the rules are elsewhere, which is no reason to remove what they came to
            return self.stale().keys()
        kept = {p for r in failed for p in r.get("kept", ())}
        if failed and "stopped" in self.earlier:  # which rule had which files is not known
            return self.stale().keys()
        return kept | {name for name in self.stale() if kept and name.startswith(SHARED)}

    def put(self, name: str, content: str | bytes) -> None:
        """Writes a file, unless it is there as it is. Raises CannotWrite."""
        found = "" if name.endswith("/") else self._compared(name, content)
        if self.checks:
            if found:
                self.differing[name] = found
        elif found or name.endswith("/"):
            try:
                write_file(self.root, name, content)
            except CannotWrite:
                self.lost.append(name)
                raise
        if name.endswith("/"):
            self.folders.add(name)
        else:
            self.digests[name] = digest(name, content)

    def tidy(self, names: Iterable[str]) -> None:
        """Removes what runs that were killed have left beside files of these names: files of their own that are older than any run."""
        before = time.time() - OLD
        for place in {"", *(name.rpartition("/")[0] for name in names)}:
            with suppress(OSError, CannotWrite), os.scandir(below(self.root, place)) as entries:
                for entry in entries:
                    own = _FOR_A_WHILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                    if own and entry.stat(follow_symlinks=False).st_mtime < before:
                        os.unlink(entry.path)

    def holds(self, files: Mapping[str, str], folders: Iterable[str]) -> bool:
        """Whether files are there with these digests, and folders."""
        return all((self.root / name).is_dir() for name in folders) and all(
            (there := self._there(name)) is not None and digest(name, there) == of for name, of in files.items()
        )

    def _there(self, name: str) -> bytes | None:
        """What a file holds; None where there is none: a pipe in its place might never say anything."""
        try:
            path = below(self.root, name)
            return path.read_bytes() if path.is_file() else None
        except (OSError, CannotWrite):
            return None

    def _compared(self, name: str, content: str | bytes) -> str:
        there = self._there(name)
        return "is not there" if there is None else "" if there == _bytes(content) else "differs"

    def previous(self, name: str) -> str | None:
        """The text of a file as it is; None where there is none."""
        with suppress(UnicodeDecodeError):
            return None if (there := self._there(name)) is None else there.decode("utf-8")
        return None

    def go_on(self, content: Callable[[], Mapping[str, Any]]) -> None:
        """Writes what a report has so far, now and then, for whoever finds the folder of a run that was killed."""
        if self.checks or (begun := time.monotonic()) < self.next:
            return
        with suppress(CannotWrite):
            write_file(self.root, REPORT, self._unfinished(content()))
        self.next = time.monotonic() + max(self.PAUSE, self.SHARE * (time.monotonic() - begun))

    def finish(self, content: Mapping[str, Any]) -> str:
        """Writes the report; where there is no place for all of it, without what is said of each output. Raises CannotWrite."""
        self._set_free()
        text = json_text(content)
        self.reported = digest(REPORT, text)
        if self.checks:
            if found := self._compared(REPORT, text):
                self.differing[REPORT] = found
            return text
        try:
            write_file(self.root, REPORT, text)
        except CannotWrite:
            write_file(self.root, REPORT, json_text(_shortened(content)))
            self.lost.append(REPORT)
        return text

    def stale(self) -> dict[str, str]:
        """The files that earlier runs have written, this one has not, and that are still there, with their digests."""
        return {name: of for name, of in sorted(self.known.items()) if name not in self.digests and self._is_file(name)}

    def _is_file(self, name: str) -> bool:
        try:
            return below(self.root, name).is_file() and not (self.root / name).is_symlink()
        except (OSError, CannotWrite):
            return False

    def prune(self, kept: Set[str]) -> tuple[list[str], list[str]]:
        """Removes what is stale: the files that are as they were written. What of others has changed since, or cannot be removed, stays.

        Args:
            kept: names that stay.

        Returns:
            The names of what was removed, and of what stays though it is stale.
        """
        removed, stays = list[str](), list[str]()
        for name, of in self.stale().items():
            if name in kept:
                continue
            path = self.root / name
            try:
                same = digest(name, path.read_bytes()) == of
                if same:
                    path.unlink()
                (removed if same else stays).append(name)
            except OSError:
                stays.append(name)
        return removed, stays


def _texts(found: object) -> dict[str, str]:
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)} if isinstance(found, dict) else {}


def _paths(rule: Mapping[str, Any]) -> Iterator[str]:
    """The files of a rule of a report, whoever wrote that."""
    outputs = rule.get("outputs")
    for output in outputs.values() if isinstance(outputs, dict) else ():
        found = output.get("paths") if isinstance(output, dict) else None
        yield from (p for p in found if isinstance(p, str)) if isinstance(found, list) else ()
    kept = rule.get("kept")
    yield from (p for p in kept if isinstance(p, str)) if isinstance(kept, list) else ()


def _shortened(content: Mapping[str, Any]) -> dict[str, Any]:
    """A report without what is said of each output."""
    rules = []
    for rule in content["rules"]:
        told = {k: rule[k] for k in ("id", "name", "source", "status", "error") if k in rule}
        rules.append({**told, "outputs": {t: {k: o[k] for k in ("verdict", "paths")} for t, o in rule["outputs"].items()}})
    return {**{k: v for k, v in content.items() if k not in ("files", "stale")}, "rules": rules}
