"""Where rules come from: files, folders, zip archives and standard input, and the texts in them."""

from __future__ import annotations

import fnmatch
import functools
import io
import os
import re
import signal
import sys
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath

from translator.rulepack.model import RuleFileError, Unread

SELDOM = (".csv", ".tsv", ".html", ".htm", ".xhtml", ".ipynb", ".tf", ".tofu", ".hcl", ".tfstate", ".bicep", ".mdx")
"""What a file is called that may hold rules, and mostly holds something else."""

SUFFIXES = (".yaml", ".yml", ".json", ".jsonl", ".ndjson", ".kql", ".csl", ".kusto", ".txt", ".md", ".markdown", *SELDOM, "")
"""What a file below a folder may be called that is looked into."""

OTHER_ARCHIVES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zst"})
_OTHER_ARCHIVE = "an archive of this kind is not looked into: unpack it, or pack it as .zip"

ASIDE = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__"})
"""Folders that tools keep for themselves."""

MAX_BYTES = 10_000_000
"""How large a file may be."""

MAX_MEMBERS = 50_000
"""How many files an archive may hold."""

MAX_WITHIN, MAX_ARCHIVE, MAX_ALL_WITHIN = 3, 100_000_000, 1_000_000_000
"""How deep archives may stand in archives, how large one of those may be, and all of them together."""

_UNREADABLE = (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error)
"""What is raised for a file or an archive that is none, has a password, or is packed in a way that Python does not know."""

MAX_GUESSED = 0.1
"""How much of a text may be no ASCII that is in no encoding of Unicode: beyond, it is another alphabet, or no text."""

STANDARD_INPUT = Path("-")

_LINE_END = re.compile(r"(\r+)(\n?)")
"""The end of a line as Windows has it, ends of lines as old systems have them, and one as tools leave it that add one to the other."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file, a member of an archive, or what came in by standard input or a request.

    Attributes:
        named: whether it was asked for by its own name.
        data: what it holds, or its archive, where that is not to be read at its path.
        within: the archives that stand in that archive, each in the one before, the last of which has the member.
    """

    path: Path
    member: str = ""
    named: bool = False
    data: bytes | None = field(default=None, repr=False)
    within: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return visible("/".join((str(self.path), *self.within, self.member)) if self.member else str(self.path))

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.member or self.path.name).suffix.lower()

    @property
    def stem(self) -> str:
        return "stdin" if self.path == STANDARD_INPUT else visible(PurePosixPath(self.member or self.path.name).stem)

    @property
    def bare(self) -> bool:
        """Whether a text alone was given, and no name that tells what it is."""
        return self.data is not None and not (self.member or self.suffix)


def visible(name: str) -> str:
    """The name of a file as it can be written: bytes that are no UTF-8, line breaks and other controls as Python escapes them."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _left_out(path: Path, why: str, fault: bool = False) -> Unread:
    return Unread(visible(str(path)), visible(path.name), why, fault=fault)


def sources(path: Path, excluded: tuple[str, ...] = ()) -> Iterator[Source | Unread]:
    """What there is to read at a path, in a stable order, and what is left aside: pictures, folders of tools, what is excluded.

    Args:
        path: a file, a folder, or ``-`` for standard input.
        excluded: patterns (``*``, ``?``) of paths below ``path``, or of names of files or folders, that are not looked into.
    """
    if path == STANDARD_INPUT and sys.stdin is None:
        yield _left_out(path, "standard input is closed", fault=True)
    elif path == STANDARD_INPUT:
        yield from _held_in(path, _standard_input(), excluded)
    elif path.is_dir():
        yield from _below(path, excluded)
    elif path.exists():
        yield from _members(path, excluded, named=True) if _is_archive(path) else (Source(path, named=True),)
    else:
        yield _left_out(path, "there is no such file or folder", fault=True)


def _standard_input() -> bytes:
    """All of standard input, up to more than is read. Who waits for it is ended by one signal: there is nothing to keep yet."""
    if threading.current_thread() is not threading.main_thread():
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    terminate = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, terminate)


def given(name: str, data: bytes) -> Iterator[Source | Unread]:
    """What there is to read in the content of a file, or of an archive, whose name is known; it may be any name."""
    yield from _held_in(Path(PurePosixPath(name.replace("\\", "/")).name or "rules"), data)


def _held_in(path: Path, data: bytes, excluded: tuple[str, ...] = ()) -> Iterator[Source | Unread]:
    if (path.suffix.lower() == ".zip" or data.startswith(b"PK\3\4")) and len(data) <= MAX_BYTES:
        yield from _members(path, excluded, data=data)
    else:
        yield Source(path, named=True, data=data)


def _below(folder: Path, excluded: tuple[str, ...]) -> Iterator[Source | Unread]:
    found: list[tuple[Path, str]] = []
    unreadable: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=unreadable.append):
        at = Path(here)
        for name in sorted(folders):
            link = "a link to a folder is not followed" if (at / name).is_symlink() else ""
            apart = _excluded((at / name).relative_to(folder), excluded)
            if why := "a folder that a tool keeps for itself" if name in ASIDE else link or apart:
                folders.remove(name)
                found.append((at / name, why))
        found.extend((at / name, _excluded((at / name).relative_to(folder), excluded)) for name in files)
    for path, why in sorted(found):
        suffix = path.suffix.lower()
        if why:
            yield _left_out(path, why)
        elif not path.is_file():
            what = "a pipe or a device" if path.exists() else "a link to nothing"
            yield _left_out(path, f"this is no file: {what}", fault=suffix in SUFFIXES[:-1])
        elif _is_archive(path):
            yield from _members(path, excluded)
        elif why := _passed_over(path):
            yield _left_out(path, why)
        else:
            yield Source(path)
    for error in unreadable:
        yield _left_out(Path(str(error.filename)), f"this folder cannot be read: {error.strerror}", fault=True)


def _excluded(relative: PurePath, patterns: tuple[str, ...]) -> str:
    for pattern in patterns:
        bare = pattern.rstrip("/")
        if fnmatch.fnmatchcase(relative.as_posix(), bare) or fnmatch.fnmatchcase(relative.name, bare):
            return f"excluded by {pattern}"
    return ""


def _passed_over(path: PurePath) -> str:
    """Why a file is not looked into, by its name."""
    if path.name.startswith("."):
        return "a file whose name begins with a dot is left aside"
    suffix = path.suffix.lower()
    if suffix in OTHER_ARCHIVES:
        return _OTHER_ARCHIVE
    return "" if suffix in SUFFIXES else f"files called {visible(suffix)} hold no rules"


def _is_archive(path: Path) -> bool:
    try:
        return path.suffix.lower() == ".zip" or (path.is_file() and zipfile.is_zipfile(path) and not path.suffix)
    except OSError:
        return False


def _members(path: Path, excluded: tuple[str, ...], named: bool = False, data: bytes | None = None) -> Iterator[Source | Unread]:
    """The files of an archive and of those in it; the first of too many ends them."""
    for number, found in enumerate(_members_of(Source(path, named=named, data=data), excluded, [MAX_ALL_WITHIN])):
        if number > MAX_MEMBERS:
            yield _left_out(path, f"this archive and those in it hold more than {MAX_MEMBERS:,} files: the rest is not read", fault=True)
            return
        yield found


def _members_of(archive: Source, excluded: tuple[str, ...], left: list[int]) -> Iterator[Source | Unread]:
    """The same without that end; archives in it may have as many bytes together as are ``left``."""
    path = Path("/".join((str(archive.path), *archive.within)))
    try:
        members = [info for info in _opened(archive).infolist() if not info.is_dir()]
    except _UNREADABLE as error:
        yield _left_out(path, f"this archive cannot be read: {getattr(error, 'strerror', None) or error}", fault=True)
        return
    if len(members) > MAX_MEMBERS:
        yield _left_out(path, f"this archive holds {len(members):,} files, of {MAX_MEMBERS:,} at most", fault=True)
        return
    if not members:
        yield _left_out(path, "this archive is empty")
    sizes = {info.filename: info.file_size for info in members}
    for name, times in sorted(Counter(info.filename for info in members).items()):
        member, whole = PurePosixPath(name), Path(f"{path}/{name}")
        if times > 1:
            yield _left_out(whole, f"this archive holds {times} files of this name, of which the last one is read")
        aside = any(part in ASIDE for part in member.parts)
        apart = (_excluded(part, excluded) for part in (member, *member.parents[:-1]))
        why = "in a folder that a tool keeps for itself" if aside else next(filter(None, apart), "")
        suffix = member.suffix.lower()
        if not why and suffix == ".zip":
            left[0] -= sizes[name]
            if len(archive.within) < MAX_WITHIN and left[0] >= 0:
                yield from _members_of(replace(archive, within=(*archive.within, name)), excluded, left)
                continue
            deep = f"an archive that stands in {MAX_WITHIN + 1} others is not read"
            why = deep if left[0] >= 0 else f"archives in an archive are read up to {MAX_ALL_WITHIN // 1_000_000:,} MB together"
        why = why or _passed_over(member)
        yield _left_out(whole, why) if why else replace(archive, member=name, named=False)


def _with_line_ends(text: str) -> str:
    return _LINE_END.sub(lambda found: found[2] or "\n" * len(found[1]), text) if "\r" in text else text


class Guessed(str):
    """A text that is in no encoding of Unicode and is read as Windows-1252: a letter of it beyond ASCII may be another one."""

    __slots__ = ()


def text_of(source: Source) -> str | Unread:
    """The text of a file, or why there is none: UTF-8, UTF-16 and UTF-32 as their first bytes tell, else what it may be."""

    def refused(message: str, line: int = 1) -> Unread:
        return Unread(source.name, source.stem, message, line, fault=source.named or source.suffix not in SELDOM)

    try:
        data = _bytes(source)
    except _UNREADABLE as error:
        return refused(f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if len(data) > MAX_BYTES:
        return refused(f"this file is larger than {MAX_BYTES // 1_000_000} MB, which is more than rules take")
    encoding = _encoding(data)
    if source.suffix in OTHER_ARCHIVES:
        return refused(_OTHER_ARCHIVE)
    if encoding == "utf-8-sig" and b"\0" in data[:8192]:
        return refused("this is a binary file, not a rule")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        others = sum(byte > 0x7F for byte in data)
        if encoding == "utf-8-sig" and others <= MAX_GUESSED * len(data):
            return Guessed(_with_line_ends(data.decode("cp1252", "replace")))
        why = f"this file is not {encoding[:6].upper().rstrip('-')} text: save it as UTF-8"
        return refused(why, data.count(b"\n", 0, error.start) + 1)
    if not text.strip():
        return refused("this file is empty")
    return _with_line_ends(text)


def read_text(path: Path) -> str:
    """The text of a file, or of standard input, which is called ``-``.

    Raises:
        RuleFileError: where there is none, with the reason.
    """
    source = next(sources(path)) if path == STANDARD_INPUT else Source(path, named=True)
    found = text_of(replace(source, member="", within=())) if isinstance(source, Source) else source
    if isinstance(found, Unread):
        raise RuleFileError(found.source, found.message, found.line, found.column)
    if isinstance(found, Guessed):
        raise RuleFileError(visible(str(path)), "this file is not UTF-8 text: save it as UTF-8")
    return found


def _bytes(source: Source) -> bytes:
    if source.member:
        with _opened(source).open(source.member) as file:
            return file.read(MAX_BYTES + 1)
    if source.data is not None:
        return source.data
    with source.path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _opened(source: Source) -> zipfile.ZipFile:
    """The archive that has a source, or is one."""
    if source.within:
        archive = _opened(replace(source, member="", within=source.within[:-1]))
        return _inner(archive, source.within[-1])
    if source.data is not None:
        return _held(source.data)
    return _archive(source.path, source.path.stat().st_mtime_ns, os.getpid())


@functools.lru_cache(1)
def _archive(path: Path, changed: int, process: int) -> zipfile.ZipFile:
    """An archive whose list of files each process reads once: forked ones would share their place in its file."""
    return zipfile.ZipFile(path)


@functools.lru_cache(1)
def _held(data: bytes) -> zipfile.ZipFile:
    """The same of an archive that is no file."""
    return zipfile.ZipFile(io.BytesIO(data))


@functools.lru_cache(MAX_WITHIN)
def _inner(archive: zipfile.ZipFile, name: str) -> zipfile.ZipFile:
    """The same of an archive that stands in another."""
    with archive.open(name) as file:
        data = file.read(MAX_ARCHIVE + 1)
    if len(data) > MAX_ARCHIVE:
        raise ValueError(f"it is larger than {MAX_ARCHIVE // 1_000_000} MB")
    return zipfile.ZipFile(io.BytesIO(data))


def _encoding(data: bytes) -> str:
    """The encoding of a text, as its mark says it, or the nulls beside its first characters where it has none."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:512]
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if len(head) >= 8 and odd > 0.4 * half and even < 0.1 * half:
        return "utf-16-le"
    if len(head) >= 8 and even > 0.4 * half and odd < 0.1 * half:
        return "utf-16-be"
    return "utf-8-sig"
