"""The fleet's power switch: listens on the bridge, and cuts a host's power when a host asks.

``python -m tests.hosts.switch FLEET`` runs inside the fleet's network namespace. One line a
connection: ``off h2``, ``on h2``, ``status h2`` or ``list``; the answer is one line, beginning with
``ok`` or ``error``. Like a real switch it knows nothing of clusters.
"""

from __future__ import annotations

import socketserver
import sys

from tests.hosts.fleet import Fleet, HostError
from tests.hosts.network import SWITCH_ADDRESS, SWITCH_PORT


def answer(fleet: Fleet, line: str) -> str:
    """Carry out one request."""
    verb, _, name = line.partition(" ")
    if verb == "list":
        return "ok " + ",".join(host.name for host in fleet)
    host = fleet.host(name)
    match verb:
        case "off":
            host.power_off()
        case "on":
            if host.pid is None:
                host.power_on()
        case "status":
            pass
        case _:
            return f"error: {verb!r} is not known: off, on, status, list"
    return "ok on" if host.pid is not None else "ok off"


def main() -> None:
    """Serve until killed."""
    fleet = Fleet.found(sys.argv[1])

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                text = answer(fleet, self.rfile.readline().decode().strip())
            except HostError as error:
                text = f"error: {error}"
            self.wfile.write(text.encode() + b"\n")

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer((SWITCH_ADDRESS, SWITCH_PORT), Handler) as server:
        print("listening", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
