"""The fleet's power switch: listens on the bridge, and cuts a host's power when a host asks.

``python -m tests.hosts.switch FLEET`` runs inside the fleet's network namespace. One line a
connection: ``off h2``, ``on h2``, ``status h2`` or ``list``; the answer is one line, beginning with
``ok`` or ``error``. Like a real switch it knows nothing of clusters.
"""

from __future__ import annotations

import contextlib
import socketserver
import sys
from collections.abc import Callable

from tests.hosts.fleet import Fleet, HostError
from tests.hosts.network import SWITCH_ADDRESS, SWITCH_PORT


def carry_out(fleet: Fleet, line: str, answer: Callable[[str], None]) -> None:
    """Carry out one request and answer it, as soon as what was asked for is so."""
    verb, _, name = line.partition(" ")
    if verb == "list":
        answer("ok " + ",".join(host.name for host in fleet))
        return
    host = fleet.host(name)
    match verb:
        case "off":
            host.power_off(when_off=lambda: answer("ok off"))
        case "on":
            if host.pid is None:
                host.power_on()
            answer("ok on")
        case "status":
            answer("ok on" if host.pid is not None else "ok off")
        case _:
            answer(f"error: {verb!r} is not known: off, on, status, list")


def main() -> None:
    """Serve until killed."""
    fleet = Fleet.found(sys.argv[1])

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                carry_out(fleet, self.rfile.readline().decode().strip(), self._say)
            except HostError as error:
                self._say(f"error: {error}")

        def _say(self, text: str) -> None:
            with contextlib.suppress(OSError):  # Who asked may be off by now.
                self.wfile.write(text.encode() + b"\n")

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer((SWITCH_ADDRESS, SWITCH_PORT), Handler) as server:
        print("listening", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
