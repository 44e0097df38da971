"""The network of a fleet: a bridge in its own namespace, one cable to every host, and faults.

Faults are made where they would happen: a cut takes the port of the bridge down, loss and one-way
cuts are nftables rules on that port (this kernel has no netem).
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

PREFIX_V4 = "10.77.0."
PREFIX_V6 = "fd00:77::"
SWITCH_ADDRESS = f"{PREFIX_V4}254"
SWITCH_PORT = 4500


def run(*command: str, check: bool = True, stdin: str | None = None) -> str:
    """Run a command and return what it wrote; raises with its error output when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, input=stdin)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Network:
    """The bridge of the fleet `fleet`; ports are numbered like the hosts, from 1."""

    fleet: str

    @property
    def namespace(self) -> str:
        """The network namespace that holds the bridge."""
        return f"rm-{self.fleet}"

    def up(self) -> None:
        """Make the bridge."""
        run("ip", "netns", "add", self.namespace)
        self._ip("link", "set", "lo", "up")
        bridge = ("stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
        self._ip("link", "add", "br0", "type", "bridge", *bridge)
        self._ip("link", "set", "br0", "up")
        # The power switch listens here; hosts that are cut off do not reach it.
        self._ip("addr", "add", f"{SWITCH_ADDRESS}/24", "dev", "br0")
        self._nft("add table bridge faults")
        self._nft("add chain bridge faults forward { type filter hook forward priority 0; }")

    def inside(self) -> tuple[str, ...]:
        """Return the command prefix that runs something beside the bridge."""
        return ("ip", "netns", "exec", self.namespace)

    def down(self) -> None:
        """Remove the bridge and every cable; nothing happens where there is none."""
        if self.namespace in run("ip", "netns", "list"):
            run("ip", "netns", "del", self.namespace)

    def plug(self, number: int, pid: int) -> None:
        """Run a cable from port `number` to ``eth0`` of the host whose first process is `pid`."""
        port = f"p{number}"
        # A host that went down took its end of the cable with it, and so the whole cable.
        self._ip("link", "del", port, check=False)
        self._ip("link", "add", port, "type", "veth", "peer", "name", f"e{number}")
        self._ip("link", "set", f"e{number}", "netns", str(pid))
        self._ip("link", "set", port, "master", "br0", "up")
        inside = ("nsenter", "-t", str(pid), "-n", "ip")
        run(*inside, "link", "set", "lo", "up")
        # A machine keeps its hardware address over a boot; neighbours remember it.
        hardware = f"02:00:00:77:00:{number:02x}"
        run(*inside, "link", "set", f"e{number}", "name", "eth0", "address", hardware)
        run(*inside, "addr", "add", f"{PREFIX_V4}{number}/24", "dev", "eth0")
        run(*inside, "-6", "addr", "add", f"{PREFIX_V6}{number}/64", "dev", "eth0", "nodad")
        run(*inside, "link", "set", "eth0", "up")

    def cut(self, number: int) -> None:
        """Take the host's port down, both ways."""
        self._ip("link", "set", f"p{number}", "down")

    def cut_one_way(self, number: int, *, to_host: bool) -> None:
        """Drop what goes to the host, or what comes from it; the other way stays open."""
        self._rule(f"{'oifname' if to_host else 'iifname'} p{number} drop")

    def lose(self, number: int, percent: float) -> None:
        """Drop that share of the frames at random, to the host and from it."""
        share = round(percent * 100)
        for side in ("iifname", "oifname"):
            self._rule(f"{side} p{number} numgen random mod 10000 < {share} drop")

    def heal(self, number: int) -> None:
        """Take back every cut and loss of the host's port; a host that is off has no cable."""
        self._ip("link", "set", f"p{number}", "up", check=False)
        listing = self._nft("-a list chain bridge faults forward")
        for line in listing.splitlines():
            rule, _, handle = line.partition("# handle ")
            if f'"p{number}"' in rule:
                self._nft(f"delete rule bridge faults forward handle {handle.strip()}")

    def _rule(self, rule: str) -> None:
        self._nft(f"add rule bridge faults forward {rule}")

    def _nft(self, command: str) -> str:
        options = ("-a",) if command.startswith("-a ") else ()
        return run(
            *(*self.inside(), "nft", *options),
            command.removeprefix("-a "),
        )

    def _ip(self, *arguments: str, check: bool = True) -> None:
        run("ip", "-n", self.namespace, *arguments, check=check)
