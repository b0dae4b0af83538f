"""What a run into a folder came to, kept under all that it depends on: the next one of the same only looks whether its files are there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from translator import cache
from translator.commands.summary import Report, brief
from translator.commands.writing import REPORT, OutputFolder
from translator.pack import met_at
from translator.rulepack import Source
from translator.rulepack.sources import STANDARD_INPUT


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a run wrote, with digests, and said: of its report what is printed, and what it printed of that, by the screen."""

    files: Mapping[str, str]
    folders: tuple[str, ...]
    content: Report
    printed: Mapping[str, str]


class Unchanged:
    """Where it is kept what a run comes to.

    Args:
        base: the folder of the cache; None keeps nothing.
        folder: what the run writes.
        paths, excluded: where its rules are, and what of them is left aside.
        depends: all else that its files depend on, written in full by ``repr``.
    """

    def __init__(
        self, base: Path | None, folder: OutputFolder, paths: tuple[Path, ...], excluded: tuple[str, ...], depends: tuple[object, ...]
    ) -> None:
        self.base, self.folder, self.paths, self.excluded, self.depends = base, folder, paths, excluded, depends
        self.key = self._key()

    def _key(self) -> str:
        """What tells a run from others; empty where what it reads cannot be read twice, or not at all."""
        if self.base is None or any(path == STANDARD_INPUT or not (path.is_file() or path.is_dir()) for path in self.paths):
            return ""
        digests: dict[Path, str] = {}
        read: list[object] = []
        try:
            for met in met_at(self.paths, self.excluded, self.folder.owned(self.paths)):
                if isinstance(met, Source):
                    if met.path not in digests:
                        with met.path.open("rb") as file:
                            digests[met.path] = hashlib.file_digest(file, "sha256").hexdigest()
                    read.append((str(met.path), met.member, met.named, digests[met.path]))
                else:
                    read.append(met)
        except OSError:
            return ""
        return cache.key_of(str(self.folder.root), *map(str, self.paths), *self.depends, read)

    @property
    def _path(self) -> Path | None:
        return self.base / f"{self.key}.run" if self.base is not None and self.key else None

    def earlier(self) -> Earlier | None:
        """What the same run came to before, where all its files are as it has written them; else None."""
        if self._path is None:
            return None
        try:
            found = Earlier(**json.loads(cache.kept(self._path) or b"{}"))
            return found if self.folder.holds(found.files, found.folders) else None
        except (cache.Corrupt, ValueError, TypeError):
            return None

    def keep(self, content: Report, printed: Mapping[str, str]) -> None:
        """Keeps what the run came to, unless its rules have changed meanwhile."""
        if self._key() == self.key:
            files = {**self.folder.digests, REPORT: self.folder.reported}
            self.kept(Earlier(files, tuple(self.folder.folders), brief(content), printed))

    def kept(self, earlier: Earlier) -> None:
        """Keeps the same as it is given."""
        if self._path is not None:
            cache.keep(self._path, json.dumps(dataclasses.asdict(earlier)).encode())
