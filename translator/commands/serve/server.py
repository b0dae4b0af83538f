"""The server: one page, and the requests that it makes.

Connections are threads of the standard library's server, which only read, wait and write. Each has so many seconds to say what it wants,
whatever its pace, and there are so many at once. Who may ask: a page that this server gave, by a name of this server, since a page of
another site could have its name lead here (DNS rebinding), or post a form to here.
"""

from __future__ import annotations

import base64
import binascii
import io
import ipaddress
import json
import re
import socket
import socketserver
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from translator import __version__
from translator.commands.serve.desk import Desk, Refused
from translator.commands.serve.work import EXAMPLE, TARGETS, Asked
from translator.pack import whole
from translator.report.html import digests, embedded, rendered
from translator.report.html.summary import TARGETS as NAMES
from translator.report.html.summary import WORDS
from translator.workers import Interrupted, internal_error

MOST_BYTES = 2_000_000
"""How large the body of a request may be."""

SECONDS_TO_ASK, SECONDS_TO_TAKE = 10.0, 20.0
"""How long a client may take to say what it wants, and to take the answer."""

MOST_CONNECTIONS = 128
"""How many connections there may be at once."""

_REST = 8_000_000
"""How many bytes of a body that is refused are read all the same: a client that still writes would not read why."""

_FOLDER = Path(__file__).parent
_METHODS = {"/": "GET, HEAD", "/convert": "POST"}


class Server(ThreadingHTTPServer):
    """Serves the page and the requests to a desk.

    Args:
        address: host and port; port 0 for any that is free.
        names: what this server is called, beside ``localhost`` and addresses.

    Raises:
        OSError: where it cannot listen there.
    """

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, address: tuple[str, int], desk: Desk, names: tuple[str, ...] = ()) -> None:
        self.desk = desk
        self.given_names = frozenset(n.lower() for n in names)
        self.names = self.given_names | {"localhost", address[0].lower()}
        self.page, self.policy = _page(), _policy()
        self.places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.seconds_to_ask = SECONDS_TO_ASK
        found = socket.getaddrinfo(address[0] or None, address[1], type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = found[0][0]
        super().__init__(found[0][4][:2], _Handler)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # which, unlike its heir, asks no network for the name of this host
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        """The address that a browser on this machine opens."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.places.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.setblocking(False)
            request.send(_FULL)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: who went away needs no answer, and what fails within a request is said there."""


_FULL_SAYS = b'{"problem":"too many connections at once: try again in a moment"}'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_FULL_SAYS), _FULL_SAYS)
)


def _page() -> bytes:
    given = {"targets": {t: NAMES[t] for t in TARGETS}, "words": WORDS, "example": EXAMPLE, "most": MOST_BYTES}
    return rendered(_FOLDER, data=embedded(given), words=WORDS)


def _policy() -> str:
    """What the page may do (www.w3.org/TR/CSP3, w3c.github.io/trusted-types): run and show what it is, and ask this server."""
    script, style = (digests(_FOLDER)[f"{name}_digest"] for name in ("script", "style"))
    return (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


class _Timed(io.RawIOBase):
    """What comes from a client, until a moment."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.connection, self.until = connection, time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    """One request of one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # what says no version gets headers as well: without its policy the page is nobody's
    disable_nagle_algorithm = True
    HEADERS: ClassVar = {
        "Cache-Control": "no-store",
        "Connection": "close",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }

    def setup(self) -> None:
        super().setup()
        self.reading = _Timed(self.connection, self.server.seconds_to_ask)
        self.rfile = io.BufferedReader(self.reading)
        self.rest = 0

    def version_string(self) -> str:
        return f"kql2sigma/{__version__}"

    def do_GET(self) -> None:
        self._carried_out()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: rules are nobody else's business."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library says of a request that is none, in words of JSON."""
        self._refuse(Refused(int(code), message or self.responses.get(int(code), ("refused", ""))[0]))

    def _carried_out(self) -> None:
        self.close_connection = True
        try:
            self.rest = self._length()
            self._checked()
            if self.command == "POST":
                self._send(200, self.server.desk.answer(self._asked(), self._wanted), "application/json")
            else:
                self._send(200, self.server.page, "text/html; charset=utf-8", {"Content-Security-Policy": self.server.policy})
        except Refused as refused:
            self._refuse(refused)
        except TimeoutError:
            self._refuse(Refused(408, f"a request has {self.server.seconds_to_ask:g} s to come"))
        except (Interrupted, ConnectionError):
            pass  # nobody is there any more
        except Exception as error:
            self._refuse(Refused(500, internal_error(error)))

    def _length(self) -> int:
        """How long the body is that comes with the request. Raises Refused where that is not said."""
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,12}", n) for n in lengths):
            self.rest = _REST
            raise Refused(411, "a request says the length of its body by one Content-Length")
        return int(lengths[0]) if lengths else 0

    def _checked(self) -> None:
        """Raises Refused for a request that is none of this page's."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            raise Refused(403, "this server is not called so: --name adds a name")
        path = self.path.partition("?")[0]
        if path not in _METHODS:
            raise Refused(404, "there is nothing here: the page is at /")
        if self.command not in _METHODS[path].split(", "):
            raise Refused(405, f"this takes {_METHODS[path]}")
        if self.command != "POST":
            return
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        if not self._is_own_page(self.headers.get("Origin"), hosts[0]) or site not in ("same-origin", "none"):
            raise Refused(403, "this is a request of another site")
        if self.headers.get_content_type() != "application/json":  # which no page of another site may send without asking
            raise Refused(415, "a request is application/json")

    def _is_own(self, host: str) -> bool:
        """Whether a server may be called so: by its names, or by an address, which no other site can make its own."""
        found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?", host)
        if found is None:
            return False
        with suppress(ValueError):
            return bool(ipaddress.ip_address(found[1] or found[2]))
        return (found[2] or "").lower().rstrip(".") in self.server.names

    def _is_own_page(self, origin: str | None, host: str) -> bool:
        """Whether a request is of a page that this server gave, be it through a proxy that calls the server by another name."""
        if origin is None:
            return True
        scheme, _, name = origin.lower().partition("://")
        return scheme in ("http", "https") and (name == host.lower() or name.partition(":")[0] in self.server.given_names)

    def _asked(self) -> Asked:
        if self.rest > MOST_BYTES:
            raise Refused(413, f"a request is {MOST_BYTES:,} bytes at most: `kql2sigma convert` takes larger ones")
        body, self.rest = self.rfile.read(self.rest), 0
        try:
            given = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"this is no JSON: {error}") from error
        return asked_of(given)

    def _wanted(self) -> None:
        """Raises Interrupted where the client is gone."""
        self.connection.settimeout(0)
        try:
            gone = not self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            gone = False
        except OSError:
            gone = True
        if gone:
            raise Interrupted

    def _refuse(self, refused: Refused) -> None:
        more = (
            {"Retry-After": "5"}
            if refused.status == 503
            else {"Allow": _METHODS[self.path.partition("?")[0]]}
            if refused.status == 405
            else {}
        )
        with suppress(OSError):
            self._send(refused.status, json.dumps({"problem": refused.why}).encode("ascii"), "application/json", more)
            self._read_rest()

    def _send(self, status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.close_connection = True
        self.connection.settimeout(SECONDS_TO_TAKE)
        self.send_response(status)
        for name, value in {**self.HEADERS, **(more or {}), "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _read_rest(self) -> None:
        """Reads what is left of a body for a moment: where it is not read, the system takes back the answer."""
        self.connection.shutdown(socket.SHUT_WR)
        self.reading.until = min(self.reading.until, time.monotonic() + 2)
        left = min(self.rest, _REST)
        while left > 0 and (read := self.rfile.read1(65_536)):
            left -= len(read)


_KEYS: dict[str, type] = {"name": str, "text": str, "data": str, "mapping": str, "fields": str, "prove": bool}


def asked_of(given: object) -> Asked:
    """A request as its JSON says it: ``text``, or ``data`` in base64, of a file of that ``name``; ``mapping``, ``fields``, ``prove``.

    Raises:
        Refused: where it says something else.
    """
    if not isinstance(given, dict) or ("text" in given) == ("data" in given):
        raise Refused(400, "a request is an object with a 'text', or with 'data'")
    for key, value in given.items():
        if key not in _KEYS:
            raise Refused(400, f"'{key}' is none of {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise Refused(400, f"'{key}' is {'true or false' if _KEYS[key] is bool else 'a text'}")
    if given.get("fields", "target") not in ("target", "source"):
        raise Refused(400, "'fields' is target or source")
    try:
        data = base64.b64decode(given["data"], validate=True) if "data" in given else whole(given["text"]).encode()
    except binascii.Error as error:
        raise Refused(400, f"'data' is no base64: {error}") from error
    mapping, fields = whole(given.get("mapping", "")), given.get("fields", "target")
    return Asked(whole(given.get("name") or "pasted")[:200], data, mapping, fields, given.get("prove", False))
