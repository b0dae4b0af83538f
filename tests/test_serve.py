"""``kql2sigma serve``: what its page does in a browser, what the server answers, and what it refuses."""

from __future__ import annotations

import base64
import http.client
import inspect
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from translator.cli import main
from translator.commands.serve import server as serving
from translator.commands.serve.desk import CONVERTING, PROVING, Desk, Refused
from translator.commands.serve.server import Server, asked_of
from translator.commands.serve.work import EXAMPLE, EXAMPLES, MOST_RULES, Asked, answered
from translator.workers import Interrupted, Limits

ROOT = Path(__file__).resolve().parents[1]
MODULES = Path(os.environ.get("BROWSER_MODULES", ROOT / ".node/node_modules"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "<script>alert(1)</script>"
LOGONS = 'SigninLogs\n| where ResultType == "50126" and UserPrincipalName startswith "admin"\n'
GATE = 'Gate_CL\n| where result_s == "refused"\n'
MAPPING = "splunk:\n  Gate_CL:\n    place:\n      index: building\n    columns:\n      result_s: outcome\n"


# --- what is made of a request, without a server


def answer(text: str | bytes, name: str = "pasted", **asked: Any) -> dict[str, Any]:
    (found,) = answered(Asked(name, text.encode() if isinstance(text, str) else text, **asked))
    return json.loads(found)  # type: ignore[no-any-return]


def test_the_example_is_proven_in_every_target() -> None:
    found = answer(EXAMPLE, prove=True)
    (rule,) = found["rules"]
    assert {t: o["proof"]["outcome"] for t, o in rule["outputs"].items()} == dict.fromkeys(("sigma", "splunk", "eql", "esql"), "proven")
    assert any(d["at"] for d in rule["said"]) and {o["readiness"] for o in rule["outputs"].values()} == {"ready"}


def test_the_answer_has_the_report_and_the_files_that_convert_writes(tmp_path: Path) -> None:
    file = tmp_path / "a rule.yaml"
    file.write_text(f"name: A rule\nid: one\nquery: |\n  {LOGONS.replace('| w', '  | w')}", "utf-8")
    CliRunner().invoke(main, ["convert", str(file), "-o", str(tmp_path / "out"), "--no-cache"])
    found = answer(file.read_bytes(), file.name)
    assert found["files"] and {p: (tmp_path / "out" / p).read_text("utf-8") for p in found["files"]} == found["files"]
    written = json.loads((tmp_path / "out/report.json").read_text("utf-8"))["rules"][0]
    (told,) = found["report"]["rules"]
    assert told["source"] == "a rule.yaml" and told["outputs"] == written["outputs"]
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads((ROOT / "translator/report/report.schema.json").read_text("utf-8"))
    jsonschema.validate(found["report"], schema)


def between(text: str, at: list[int]) -> str:
    """What a script has between two places of a text."""
    return text.encode("utf-16-le")[2 * at[0] : 2 * at[1]].decode("utf-16-le")


@pytest.mark.parametrize("before", ["", "// \U0001f600 é\r\n"])
@pytest.mark.parametrize(
    "file",
    [
        ("pasted", "{query}"),
        ("a.yaml", "name: \U0001f600\nquery: |\n    {indented}\n"),
        ("a.md", "# \U0001f600\n\n```kql\n{query}\n```\n"),
    ],
)
def test_places_are_those_of_the_text_that_was_typed(file: tuple[str, str], before: str) -> None:
    query = f"{before}SecurityEvent\n| join kind=innerunique (SecurityEvent | where EventID == 1) on Account"
    text = file[1].format(query=query, indented=query.replace("\n", "\n    "))
    (rule,) = answer(text, file[0])["rules"]
    placed = [between(text.replace("\r\n", "\n"), d["at"]) for d in rule["said"] if d["at"]]
    assert placed and any(p.startswith("join kind=innerunique (") and p.endswith("on Account") for p in placed)


@pytest.mark.parametrize("ascii_only", [True, False])
def test_places_within_json_are_those_of_what_is_escaped_there(ascii_only: bool) -> None:
    wide = 'UserAgent has "\U0001f600 é"'
    rule = {"displayName": "A", "query": f"SigninLogs\n| where AppId == '\\\\ \U0001f600'\n| where {wide}\n| take 5"}
    times = {"queryFrequency": "PT1H", "queryPeriod": "PT1H", "triggerOperator": "GreaterThan", "triggerThreshold": 0}
    resource = {"kind": "Scheduled", "name": "x", "type": "Microsoft.SecurityInsights/alertRules", "properties": {**rule, **times}}
    text = json.dumps(resource, ensure_ascii=ascii_only)
    (told,) = answer(text, "a.json")["rules"]
    placed = {d["code"]: between(text, d["at"]) for d in told["said"] if d["at"]}
    assert placed["row-limit"] == "take 5" and placed["ascii-case"] == json.dumps(wide, ensure_ascii=ascii_only)[1:-1]


def test_errors_and_warnings_have_their_places() -> None:
    (rule,) = answer("SigninLogs\n| wehre x == 1")["rules"]
    assert (rule["status"], rule["outputs"], rule["error"]["line"], rule["error"]["column"]) == ("failed", {}, 2, 3)
    assert rule["error"]["at"] == [13, 25] and [f["severity"] for f in rule["findings"]] == ["error"]
    (rule,) = answer("SigninLogs | join (AuditLogs) on CorrelationId")["rules"]
    assert rule["status"] != "failed" and [f["severity"] for f in rule["findings"]] == ["warning"]


def test_what_a_site_names_is_used_and_what_it_lacks_is_told() -> None:
    bare, mapped = answer(GATE), answer(GATE, mapping=MAPPING)
    assert (
        "Gate_CL:" in bare["wanted"]["splunk"]
        and "splunk" not in mapped["wanted"]
        and set(bare["wanted"]) == {"splunk", "elastic", "sigma"}
    )
    assert mapped["files"]["splunk/pasted.spl"].startswith('index="building" outcome="refused"')
    wrong = answer(GATE, mapping="splunk:\n  SigninLog: {IPAddress: src}\n")
    assert wrong == {"mapping": {"line": 2, "message": wrong["mapping"]["message"]}} and "SigninLogs" in wrong["mapping"]["message"]


@pytest.mark.parametrize("text", ["/etc/passwd", "", "\0\0", '{"a": [' * 5_000, "- " * 50_000, HOSTILE, "splunk: &a [*a]"])
def test_what_is_no_rule_is_told_in_words(text: str) -> None:
    found = answer(text)
    told = found.get("problem") or found["rules"][0]["error"]["message"]
    assert told and "Traceback" not in told and "root:" not in str(found)


@pytest.mark.parametrize(
    "query",
    [
        "let x = toscalar(['{file}'] | project secret); SigninLogs | where ResultType == x",
        "['{file}'] | where secret != ''",
        "let x = externaldata(secret:string)[@'file://{file}'] with(format='csv'); SigninLogs | where ResultType in (x)",
        "externaldata(secret:string)[@'{file}'] | where secret has 'a'",
    ],
)
def test_files_of_the_server_are_not_read(query: str, tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("secret\nEZKAPED\n", "utf-8")
    assert "EZKAPED" not in json.dumps(answer(query.replace("{file}", str(file)), prove=True))


def test_archives_are_read_and_many_rules_are_too_many(tmp_path: Path) -> None:
    packed = tmp_path / "rules.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.kql", LOGONS)
        archive.writestr("../../b.yaml", f"name: '{HOSTILE}'\nquery: SigninLogs | take 5\n")
    found = answer(packed.read_bytes(), "rules.zip")
    assert {r["name"] for r in found["rules"]} == {"a", HOSTILE} and all(d["at"] is None for r in found["rules"] for d in r["said"])
    assert all(re.fullmatch(r"\w+/[\w.-]+", path) for path in found["files"])
    many = "\n---\n".join(f"name: A{n}\nquery: T | where x == {n}" for n in range(MOST_RULES + 1))
    assert "at most" in answer(many)["problem"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "object"),
        ({}, "'text'"),
        ({"text": "a", "data": "YQ=="}, "'text'"),
        ({"text": 1}, "'text' is a text"),
        ({"text": "a", "prove": "yes"}, "'prove' is true or false"),
        ({"text": "a", "fields": "all"}, "'fields' is target or source"),
        ({"text": "a", "path": "/etc/passwd"}, "'path' is none of name, text,"),
        ({"data": "!"}, "base64"),
    ],
)
def test_what_is_no_request_is_told_in_words(given: object, told: str) -> None:
    with pytest.raises(Refused) as refused:
        asked_of(given)
    assert refused.value.status == 400 and told in refused.value.why


def test_texts_that_are_no_unicode_are_read() -> None:
    asked = asked_of({"text": "SigninLogs | where a == '\ud83d'", "name": "\ud83d", "mapping": "\ude00"})
    assert json.loads(next(answered(asked)))


# --- a server


@dataclass
class Running:
    """A server as a user has it, and the address it has printed."""

    process: subprocess.Popen[str]
    host: str
    port: int

    def ask(self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any, str]:
        """The status, the headers and the text of an answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        try:
            connection.request(
                method, path, body, {"Content-Type": "application/json", **(headers or {})} if body is not None else headers or {}
            )
            found = connection.getresponse()
            return found.status, found.headers, found.read().decode()
        finally:
            connection.close()

    def convert(self, headers: dict[str, str] | None = None, **asked: Any) -> tuple[int, dict[str, Any]]:
        status, _, text = self.ask("POST", "/convert", json.dumps(asked), headers)
        return status, json.loads(text)

    def raw(self, data: bytes, wait: float = 60) -> bytes:
        """What comes back for some bytes, until the server ends the connection."""
        with socket.create_connection((self.host, self.port), timeout=wait) as connection:
            connection.sendall(data)
            found = b""
            while more := connection.recv(65_536):
                found += more
            return found


def started(*arguments: str) -> Running:
    process = subprocess.Popen(
        [sys.executable, "-m", "translator", "serve", "--port", "0", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    told = re.search(r"http://([\d.]+):(\d+)/", process.stdout.readline())
    assert told, process.stderr.read() if process.stderr else ""
    return Running(process, told[1], int(told[2]))


def ended(running: Running) -> int:
    running.process.send_signal(signal.SIGTERM)
    running.process.communicate(timeout=60)
    return running.process.returncode


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    made = started("--jobs", "2", "--name", "rules.example")
    yield made
    assert ended(made) == 0


def test_the_page_needs_nothing_else_and_may_do_nothing_else(running: Running) -> None:
    status, headers, text = running.ask("GET", "/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "://" not in text and not re.search(r"url\(|@import|XMLHttpRequest|innerHTML|outerHTML|insertAdjacentHTML|\beval\(", text)
    assert running.ask("HEAD", "/")[2] == ""


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "told"),
    [
        ("GET", "/../../etc/passwd", None, {}, 404, "nothing here"),
        ("GET", "/convert", None, {}, 405, "POST"),
        ("POST", "/", "{}", {}, 405, "GET"),
        ("PUT", "/convert", "{}", {}, 405, "POST"),
        ("OPTIONS", "/convert", None, {"Origin": "http://evil.example"}, 405, "POST"),
        ("BREW", "/", None, {}, 501, "BREW"),
        ("POST", "/convert", "{", {}, 400, "no JSON"),
        ("POST", "/convert", "[" * 100_000, {}, 400, "no JSON"),
        ("POST", "/convert", b"\xff", {}, 400, "no JSON"),
        ("POST", "/convert", None, {"Content-Type": "application/json"}, 400, "no JSON"),
        ("POST", "/convert", "{}", {"Content-Type": "text/plain"}, 415, "application/json"),
        ("POST", "/convert", "{}", {"Origin": "http://evil.example"}, 403, "another site"),
        ("POST", "/convert", "{}", {"Origin": "null"}, 403, "another site"),
        ("POST", "/convert", "{}", {"Sec-Fetch-Site": "cross-site"}, 403, "another site"),
        ("GET", "/", None, {"Host": "evil.example"}, 403, "not called so"),
        ("GET", "/", None, {"Host": "127.0.0.1@evil.example"}, 403, "not called so"),
        ("POST", "/convert", "{}", {"Host": "localhost.evil.example"}, 403, "not called so"),
        ("POST", "/convert", b"a" * (serving.MOST_BYTES + 1), {}, 413, "at most"),
        ("POST", "/convert", iter([b"{}"]), {}, 411, "Content-Length"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused_in_words(
    running: Running, method: str, path: str, body: Any, headers: dict[str, str], status: int, told: str
) -> None:
    found, of, text = running.ask(method, path, body, headers)
    assert (found, of["Content-Type"]) == (status, "application/json") and told in json.loads(text)["problem"]
    assert "Access-Control-Allow-Origin" not in of and (status != 405 or of["Allow"])


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://rules.example", 200),  # a proxy may call the server by its address
        ("http://rules.example:8080", 200),
        ("http://localhost:1", 403),
        ("http://192.0.2.7", 403),
        ("https://rules.example.evil.example", 403),
        ("file://rules.example", 403),
    ],
)
def test_pages_of_the_server_may_ask(running: Running, origin: str, status: int) -> None:
    assert running.convert({"Origin": origin}, text="no rule")[0] == status


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]", "192.0.2.7", "rules.example:443"])
def test_names_and_addresses_of_the_server_are_its_own(running: Running, host: str) -> None:
    assert running.ask("GET", "/", None, {"Host": host})[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n",
        b"POST /convert HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_of_a_browser_is_refused(running: Running, data: bytes) -> None:
    found = running.raw(data)
    assert found.startswith(b"HTTP/1.1 4") and b"problem" in found and b"nosniff" in found


def test_one_site_asks_and_is_answered(running: Running) -> None:
    origin = {"Origin": f"http://{running.host}:{running.port}", "Sec-Fetch-Site": "same-origin"}
    status, found = running.convert(origin, text=LOGONS)
    assert status == 200 and found["rules"][0]["outputs"]["splunk"]["verdict"] in ("exact", "same-alerts")
    packed = base64.b64encode(b"name: A\nquery: SigninLogs | take 5\n").decode()
    assert running.convert(data=packed, name="a.yaml")[1]["rules"][0]["name"] == "A"


def test_the_request_of_the_documentation_is_answered(running: Running) -> None:
    page = (ROOT / "docs/serve.md").read_text("utf-8")
    ((path, header, body),) = re.findall(r"^curl http://127.0.0.1:8765(\S+) -H '(.*?)' -d '(.*?)'$", page, re.M)
    status, _, text = running.ask("POST", path, body, dict([header.split(": ")]))
    (rule,) = json.loads(text)["rules"]
    assert status == 200 and rule["outputs"]["splunk"]["proof"]["outcome"] == "proven"


def test_the_documentation_tells_the_limits() -> None:
    page = " ".join((ROOT / "docs/serve.md").read_text("utf-8").split())
    parameters = inspect.signature(Desk).parameters
    for told in (
        f"{serving.MOST_BYTES // 1_000_000} MB", f"| rules in it | {MOST_RULES} |", f"{serving.MOST_CONNECTIONS} connections",
        f"| {serving.SECONDS_TO_ASK:g} s, at whatever pace; {serving.SECONDS_TO_TAKE:g} s for",
        f"{parameters['waiting'].default} others wait",
        f"its turn | {parameters['patience'].default} s |", f"{CONVERTING.megabytes // 1000} GB",
        f"| {CONVERTING.seconds:g} s, and {CONVERTING.processor:g} of the processor; {PROVING.seconds:g} s, and "
        f"{PROVING.processor:g} of the processor, to try",
    ):  # fmt: skip
        assert told in page, told


# --- many at once, and those who are slow


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(1, waiting=1, limits=Limits(60, 2_000, 20))
    yield made
    made.end()


def test_who_does_not_say_what_it_wants_holds_nothing(desk: Desk) -> None:
    with Server(("127.0.0.1", 0), desk) as server:
        server.seconds_to_ask = 1
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = "127.0.0.1", server.server_port
        head = b"POST /convert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
        silent = [socket.create_connection((host, port), timeout=30) for _ in range(20)]
        for number, connection in enumerate(silent):
            connection.sendall(head if number % 2 else head[:20])
        running = Running(None, host, port)  # type: ignore[arg-type]
        assert running.convert(text=LOGONS)[0] == 200
        for number, connection in enumerate(silent):
            for _ in range(40) if number == 1 else ():  # a byte now and then is no way to stay
                time.sleep(0.05)
                try:
                    connection.sendall(b"a")
                except OSError:
                    break
            told = b"" if number == 1 else connection.recv(65_536)
            assert number == 1 or (b"408" in told and b"problem" in told if number % 2 else not told)
            connection.close()
        server.shutdown()


class Waiting:
    """A desk whose work has no end, but that nobody wants it any more."""

    def __init__(self) -> None:
        self.begun, self.left = threading.Event(), threading.Event()

    def answer(self, asked: Asked, wanted: Callable[[], None]) -> bytes:
        self.begun.set()
        try:
            while not self.left.wait(0.01):
                wanted()
        finally:
            self.left.set()
        return b""


def test_a_client_that_goes_away_is_noticed() -> None:
    waiting = Waiting()
    with Server(("127.0.0.1", 0), waiting) as server:  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        connection.request("POST", "/convert", '{"text": ""}', {"Content-Type": "application/json"})
        assert waiting.begun.wait(30) and not waiting.left.wait(0.3)
        connection.close()
        assert waiting.left.wait(30)
        server.shutdown()


def test_more_connections_than_there_are_places_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 3)
    with Server(("127.0.0.1", 0), Waiting()) as server:  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running = Running(None, "127.0.0.1", server.server_port)  # type: ignore[arg-type]
        silent = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(3)]
        status, headers, text = running.ask("GET", "/")
        assert status == 503 and headers["Retry-After"] and "too many" in json.loads(text)["problem"]
        for connection in silent:
            connection.close()
        while running.ask("GET", "/")[0] != 200:
            time.sleep(0.05)
        server.shutdown()


def test_who_goes_away_ends_its_work_and_a_full_desk_refuses(desk: Desk) -> None:
    begun, gone = threading.Event(), threading.Event()

    def leaves() -> None:
        begun.set()
        if gone.is_set():
            raise Interrupted

    hangs = Asked("pasted", ("T | where " + " and ".join(f"a{n} has 'b'" for n in range(4_000))).encode(), prove=True)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(desk.answer, hangs, leaves)
        assert begun.wait(60)
        second = pool.submit(desk.answer, Asked("pasted", LOGONS.encode()), lambda: None)
        while not desk.waiting:
            time.sleep(0.01)
        with pytest.raises(Refused) as refused:
            desk.answer(Asked("pasted", LOGONS.encode()), lambda: None)
        assert refused.value.status == 503 and "try again" in refused.value.why
        gone.set()
        with pytest.raises(Interrupted):
            first.result(60)
        assert b"50126" in second.result(60)
    assert len(desk.free) == 1 and not desk.waiting and not desk.proofs


def test_the_example_is_worked_on_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(1)
    try:
        found = desk.answer(EXAMPLES[0], lambda: None)
        with monkeypatch.context() as patched:
            patched.setattr(desk.all[0], "done", None)
            assert desk.answer(EXAMPLES[0], lambda: None) == found
        others = Asked("pasted", LOGONS.encode())
        assert desk.answer(others, lambda: None) != found and {*desk.of_examples} == {EXAMPLES[0]}
    finally:
        desk.end()


def test_work_beyond_its_limits_is_stopped_and_told() -> None:
    desk = Desk(1, limits=Limits(0.001))
    try:
        with pytest.raises(Refused) as refused:
            desk.answer(Asked("pasted", LOGONS.encode()), lambda: None)
        assert refused.value.status == 422 and "stopped after" in refused.value.why
    finally:
        desk.end()


def test_fifty_at_once_are_answered_or_refused_and_nothing_outlives_the_server() -> None:
    running = started("--jobs", "2")
    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(lambda n: running.convert(text=f"{LOGONS}| where AppId == '{n}'", prove=n % 10 == 0), range(50)))
    answers = [(n, told) for n, (status, told) in enumerate(found) if status == 200]
    assert answers and all(f'"{n}"' in told["files"]["splunk/pasted.spl"] for n, told in answers)
    assert all(told["problem"] for status, told in found if status != 200) and {s for s, _ in found} <= {200, 503}
    assert running.convert(text=LOGONS)[0] == 200
    family = descendants(running.process.pid)
    assert all(peak(p) < 600 for p in (running.process.pid, *family))
    assert not sys.platform.startswith("linux") or len(family) >= 2
    assert ended(running) == 0
    until = time.monotonic() + 20
    while (left := [p for p in family if Path(f"/proc/{p}/cmdline").exists() and b"spawn" in _command(p)]) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def peak(process: int) -> float:
    """The most resident memory that a process has had, in megabytes; 0 where the system does not tell. Source: proc_pid_status(5)."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text("utf-8"))
    except OSError:
        return 0
    return int(found[1]) / 1000 if found else 0


def descendants(process: int) -> list[int]:
    try:
        own = [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]
    except OSError:
        return []
    return [*own, *(d for child in own for d in descendants(child))]


@pytest.mark.skipif(sys.platform == "win32", reason="a signal is sent to a group of processes")
def test_ctrl_c_while_processes_begin_ends_the_server_without_a_word_of_theirs() -> None:
    """A terminal sends it to all processes, which import for a while before they can ignore it."""
    command = [sys.executable, "-m", "translator", "serve", "--port", "0", "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None and "until Ctrl-C" in process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "ended\n" and process.returncode == 0


def test_an_address_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = CliRunner().invoke(main, ["serve", "--port", str(taken.getsockname()[1]), "--jobs", "1"])
    assert found.exit_code == 2 and "in use" in found.output


# --- in a browser


@pytest.mark.skipif(CHROMIUM is None or shutil.which("node") is None, reason="chromium and node are not installed")
@pytest.mark.skipif(not (MODULES / "axe-core").exists(), reason="make .node/.ready brings playwright-core and axe-core")
def test_the_page_in_a_browser(running: Running, tmp_path: Path) -> None:
    file, archive, saved = tmp_path / "dropped.yaml", tmp_path / "two.zip", tmp_path / "saved.zip"
    file.write_text(f"name: '{HOSTILE}'\nid: one\nquery: |\n  AuditLogs\n  | take 5\n", "utf-8")
    (other := tmp_path / "other.kql").write_text(LOGONS, "utf-8")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.kql", LOGONS)
        packed.writestr("b.yaml", "name: The second\nquery: SigninLogs | take 5\n")
    given = {
        "typed": 'AuditLogs\n| where OperationName == "Add"\n| join kind=leftanti (AuditLogs | where OperationName == "Undo") on Identity',
        "hostile": f"name: '{HOSTILE}<img src=x onerror=alert(1)>'\nquery: SigninLogs | where AppId == '</script>{HOSTILE}'",
        "mapped": GATE, "mapping": MAPPING, "file": str(file), "other": str(other), "archive": str(archive),
        "saved": str(saved),
    }  # fmt: skip
    url = f"http://{running.host}:{running.port}/"
    done = subprocess.run(
        ["node", str(ROOT / "tests/browser/serve_page.cjs"), url, str(CHROMIUM), json.dumps(given), os.environ.get("PICTURES", "")],
        env={**os.environ, "NODE_PATH": str(MODULES)}, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["errors"] == [] and set(found["requests"]) <= {url, f"{url}convert", "data:,"} and found["wide"] == []
    assert len(found["axe"]) == 7 and all(a["passes"] > 10 and a["violations"] == [] for a in found["axe"]), found["axe"]
    assert len(found["example"]) == 4 and all("proven" in tab and "ready" in tab for tab in found["example"])
    assert len(found["untried"]) == 4 and not any("proven" in tab for tab in found["untried"])
    assert found["chosen"].startswith("Splunk") and found["last"].startswith("ES|QL") and "Undo" in found["texts"][0]
    assert "title:" in found["sigma"][0] and any("join kind=leftanti" in mark for mark in found["marked"])
    assert (
        found["hovered"]
        and found["here"]
        and found["lit"]
        and found["selected"] in "".join(found["marked"])
        and found["focused"] == "source"
    )
    assert found["template"].startswith("# What kql2sigma does not know") and "Gate_CL:" in found["template"]
    assert found["wrong"].startswith("line 2: ") and found["without"] == 0
    assert found["mapped"][0].startswith('index="building" outcome="refused"') and found["before"] != found["mapped"]
    names, texts = found["source"]
    assert len(names) == 4 and not any("names" in tab or "ready" in tab for tab in names) and "result_s" in texts[0]
    assert (found["dropped"], found["name"], found["hostile"]) == (HOSTILE, "dropped.yaml", f"{HOSTILE}<img src=x onerror=alert(1)>")
    assert any("take 5" in mark for mark in found["marks"]) and found["scripts"] == 2
    assert found["several"] == [HOSTILE, "other"]
    assert found["archived"] == ["a", "The second"] and found["second"] == "The second" and "Nothing" in found["nothing"]
    assert "failed" in found["failed"] and found["faults"]
    assert found["refused"] == "Refused: 32 others wait already." and found["gone"] == "The server does not answer."
    assert found["waited"] == "1 rule converted." and found["again"] == ["1 rule converted.", False]
    assert found["download"] == "pasted.zip"
    with zipfile.ZipFile(saved) as packed:
        assert packed.testzip() is None and packed.read("mapping.yaml").decode() == MAPPING
        assert (
            packed.read("splunk/pasted.spl").decode().startswith('index="building"') and packed.read("source/pasted.kql").decode() == GATE
        )
        report = json.loads(packed.read("report.json"))
    assert report["version"] == 1 and {p for o in report["rules"][0]["outputs"].values() for p in o["paths"]} <= set(
        zipfile.ZipFile(saved).namelist()
    )
