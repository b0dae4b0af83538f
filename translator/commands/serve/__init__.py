"""``kql2sigma serve``: a page for people who do not install: KQL in, the outputs with verdict, readiness and proof beside it.

The server is the standard library's: two paths, no session and no state need no framework, the work is done in processes elsewhere, and
uvicorn (0.54) bounds neither how long a header nor how long a body may take to come.
"""

from __future__ import annotations

import signal
from ipaddress import ip_address
from types import FrameType

import click

from translator.commands.common import UsageProblem
from translator.commands.serve.desk import Desk
from translator.commands.serve.server import Server


def serve(host: str, port: int, names: tuple[str, ...], jobs: int) -> None:
    """Serves until a signal ends it.

    Args:
        host: where it listens: a name or an address.
        port: 0 for any that is free.
        names: what it is called, beside that.
        jobs: how many processes work.

    Raises:
        UsageProblem: where it cannot listen there.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    desk = Desk(jobs)
    try:
        try:
            server = Server((host, port), desk, names)
        except OSError as error:
            raise UsageProblem(f"{host}:{port}: {error.strerror or error}") from error
        with server:
            signal.signal(signal.SIGTERM, _interrupted)
            try:
                click.echo(f"kql2sigma is at {server.url}, until Ctrl-C")
                if not _is_loopback(str(server.server_address[0])):
                    click.echo(
                        "whoever reaches this address may use it: there is no password, and what is sent can be read on the way", err=True
                    )
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("ended", err=True)
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # the end takes a moment, and is the same for who asks twice
        desk.end()
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
