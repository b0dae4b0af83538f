"""What the README and the pages of docs/ show is what the tool does: every command in them is run."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tests import doc_pages
from tests.doc_pages import ROOT, SHELLS, Block, pages, text_of
from translator.cli import main
from translator.fidelity.codes import CODES
from translator.pack import Effort
from translator.workers import Limits

MY_RULES = ("threshold.yaml", "plain-filter.yaml", "watchlist.yaml")
"""The rules of a reader, who has a folder of them; few, so that they are converted soon."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is converted on one page is not converted again on another."""
    return tmp_path_factory.mktemp("conversions")


@pytest.fixture
def desk(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a reader follows a page: the sample pack with its outputs, the export of the tutorial, and a few rules."""
    monkeypatch.setenv("KQL2SIGMA_CACHE", str(cache))
    monkeypatch.setenv("COLUMNS", "80")  # a reader's terminal
    monkeypatch.setattr(Effort, "limits", Limits())  # without processes of their own, whose beginnings take most of the time
    monkeypatch.setattr("translator.workers.cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    for name in ("rules", "outputs"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "docs/tutorial/Azure_Sentinel_analytics_rules.json", tmp_path)
    (tmp_path / "my-rules").mkdir()
    for name in MY_RULES:
        shutil.copy(ROOT / "rules" / name, tmp_path / "my-rules" / name)
    return tmp_path


def _run(command: str, status: int) -> str:
    """What a command prints; it may end with ``> FILE``."""
    arguments = shlex.split(command)
    target = None
    if len(arguments) > 2 and arguments[-2] == ">":
        target, arguments = arguments[-1], arguments[:-2]
    assert arguments[0] == "kql2sigma", f"{command}: another program, which has to say why no test runs it ({doc_pages.NOT_TRIED.strip()})"
    if Path("translator").is_dir():
        copy = subprocess.run([sys.executable, "-m", "translator", *arguments[1:]], capture_output=True, encoding="utf-8")
        assert copy.returncode == status, f"{command}: {copy.stdout}{copy.stderr}"
        return copy.stdout
    found = CliRunner().invoke(main, arguments[1:])
    assert found.exit_code == status, f"{command}: {found.output}"
    if target is not None:
        Path(target).write_text(found.stdout, encoding="utf-8")
    return found.output


def _trimmed(text: str) -> str:
    """A text without spaces at the ends of its lines, which tables have."""
    return re.sub(r" +$", "", text, flags=re.M)


def _python(code: str, names: dict[str, object]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "page", "exec"), names)
    return printed.getvalue()


def _change(file: str, how: str, line: str, text: str) -> None:
    """Puts a text below a line of a file of the package, or there for it."""
    lines = Path(file).read_text("utf-8").splitlines(keepends=True)
    (number,) = [n for n, found in enumerate(lines) if found.strip() == line]
    lines[number : number + 1] = [lines[number], text] if how == "below" else [text]
    Path(file).write_text("".join(lines), encoding="utf-8")


def _follow(block: Block, printed: str, names: dict[str, object]) -> str:
    """Does what one block asks. What was printed last."""
    status = int(block.says.removeprefix("status ") or 0) if block.says.startswith("status ") else 0
    if re.match(r"(file|in) translator/", block.says) and not Path("translator").is_dir():  # changes are made in a copy of the package
        for name in ("translator", "grammars"):
            shutil.copytree(ROOT / name, name, ignore=shutil.ignore_patterns("__pycache__"))
    match block.says.split(" "):
        case ["in", path, "below" | "for" as how, *line]:
            _change(path, how, " ".join(line), block.text)
        case ["file", "written", path]:
            assert Path(path).read_text("utf-8") == block.text
        case ["part", "of", path]:
            assert block.text in Path(path).read_text("utf-8")
        case ["file", path]:
            Path(path).parent.mkdir(exist_ok=True, parents=True)
            Path(path).write_text(block.text, encoding="utf-8")
        case ["printed"]:
            assert _trimmed(block.text) in _trimmed(printed)
        case [""] | ["status", _] if block.language in SHELLS:
            tried = [c.text for c in doc_pages.commands(block) if not c.reason]
            return "".join(_run(command, status) for command in tried) if tried else printed
        case [""] if block.language == "python":
            return _python(block.text, names)
        case [""]:
            pass
        case _:
            raise AssertionError(f"line {block.line}: <!-- {block.says} --> is not known here")
    return printed


@pytest.mark.parametrize("page", pages())
def test_a_reader_who_follows_a_page_finds_what_it_shows(page: str, desk: Path) -> None:
    printed, names = "", dict[str, object](__name__="__main__")  # as in a script
    for block in doc_pages.blocks(text_of(page)):
        try:
            printed = _follow(block, printed, names)
        except AssertionError as error:
            raise AssertionError(f"{page}, line {block.line}: {error}") from error


@pytest.mark.parametrize("page", pages())
def test_what_is_generated_is_up_to_date(page: str) -> None:
    assert text_of(page) == doc_pages.generated(page), "run: python -m tests.doc_pages"


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.S | re.M)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, part = link.partition("#")
        if "://" in path:
            continue
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {link}"
        if part:
            titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.M)
            assert part in {re.sub(r"[^\w -]", "", t.lower()).strip().replace(" ", "-") for t in titles}, f"{page}: {link}"


def test_a_page_that_speaks_of_codes_says_what_they_mean() -> None:
    for page in (p for p in pages() if p.startswith("docs/") and p not in doc_pages.WHOLE):
        spoken = set(re.findall(r"`([a-z-]+)`", text_of(page))) & set(CODES)
        assert bool(spoken) == ("<!-- generated: codes -->" in text_of(page)), (page, spoken)


def test_the_pages_name_no_code_that_is_not_there() -> None:
    """Words in code marks that look like a code and are close to one."""
    from translator.kql.errors import suggestion

    known = {*CODES, *(p.stem for p in (ROOT / "rules").iterdir())}
    for page in pages():
        for word in set(re.findall(r"`([a-z]+-[a-z-]+)`", text_of(page))) - known:
            assert not suggestion(word, CODES, 0.9), f"{page}: {word}{suggestion(word, CODES, 0.9)}"


def test_every_page_stands_in_the_table_of_contents() -> None:
    listed = str(yaml.safe_load((ROOT / "docs/site/mkdocs.yml").read_text("utf-8"))["nav"])
    for page in pages()[1:]:
        assert f"'{page.removeprefix('docs/')}'" in listed, page


def test_commands_within_sentences_have_the_options_that_they_show() -> None:
    for page in pages():
        for name, rest in re.findall(r"`kql2sigma ([a-z]+)([^`]*)`", text_of(page)):
            assert name in main.commands, f"{page}: kql2sigma {name}"
            known = {option for parameter in main.commands[name].params for option in parameter.opts}
            shown = re.findall(r"(?<!\S)(--?\w[\w-]*)", re.sub(r"'[^']*'", "", rest))
            assert set(shown) <= known, f"{page}: kql2sigma {name}{rest}"


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="the extra docs is not installed")
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", "docs/site/mkdocs.yml", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert built.returncode == 0, built.stderr
    assert not re.search(r'<(script|link)[^>]* (src|href)="https?://', (tmp_path / "index.html").read_text("utf-8"))


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in pages():
        for target in re.findall(r"^make (\w+)", text_of(page), re.M):
            assert re.search(rf"^{target}:", makefile, re.M), f"{page}: make {target}"
