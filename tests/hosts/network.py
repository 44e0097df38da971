"""The network of a fleet: two bridges in a namespace, a cable of every host to each, and faults.

Faults are made where they would happen: a cut takes the port of a bridge down, loss and one-way
cuts are nftables rules on that port, a delay is a relay between the port and its bridge (this
kernel has no netem).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

CABLES = (0, 1)
"""Cable N of each host is its ``ethN``, in the networks 10.77.0.0/24 and fd00:77::/64, or 78."""
_PORTS = "pq"
SWITCH_ADDRESS = "10.77.0.254"
SWITCH_PORT = 4500


def address_v4(number: int, cable: int = 0) -> str:
    """Return a host's IPv4 address on a cable."""
    return f"10.{77 + cable}.0.{number}"


def address_v6(number: int, cable: int = 0) -> str:
    """Return a host's IPv6 address on a cable."""
    return f"fd00:{77 + cable}::{number}"


def port_of(number: int, cable: int) -> str:
    """Return the name of the bridge's end of a cable."""
    return f"{_PORTS[cable]}{number}"


def run(*command: str, check: bool = True, stdin: str | None = None) -> str:
    """Run a command and return what it wrote; raises with its error output when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, input=stdin)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Network:
    """The bridges of the fleet `fleet`; ports are numbered like the hosts, from 1."""

    fleet: str

    @property
    def namespace(self) -> str:
        """The network namespace that holds the bridges."""
        return f"rm-{self.fleet}"

    def up(self) -> None:
        """Make the bridges."""
        run("ip", "netns", "add", self.namespace)
        self._ip("link", "set", "lo", "up")
        for cable in CABLES:
            self.add_bridge(f"br{cable}")
            # Else a bridge takes the lowest address of its ports, and another one as hosts come and
            # go: who knew the switch by the old one would not reach it for half a minute.
            own = f"02:00:00:{77 + cable}:00:fe"
            self._ip("link", "set", f"br{cable}", "address", own)
        # The power switch listens here; hosts that are cut off do not reach it.
        self._ip("addr", "add", f"{SWITCH_ADDRESS}/24", "dev", "br0")
        self._nft("add table bridge faults")
        self._nft("add chain bridge faults forward { type filter hook forward priority 0; }")

    def add_bridge(self, name: str) -> None:
        """Make a bridge that forwards at once."""
        bridge = ("stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
        self._ip("link", "add", name, "type", "bridge", *bridge)
        self._ip("link", "set", name, "up")

    def inside(self) -> tuple[str, ...]:
        """Return the command prefix that runs something beside the bridges."""
        return ("ip", "netns", "exec", self.namespace)

    def down(self) -> None:
        """Remove bridges and cables; nothing happens where there are none."""
        if self.namespace in run("ip", "netns", "list"):
            run("ip", "netns", "del", self.namespace)

    def plug(self, number: int, pid: int) -> None:
        """Run the cables to the host whose first process is `pid`."""
        run("nsenter", "-t", str(pid), "-n", "ip", "link", "set", "lo", "up")
        for cable in CABLES:
            self._plug_one(number, cable, pid)

    def _plug_one(self, number: int, cable: int, pid: int) -> None:
        port, there, name = port_of(number, cable), f"e{number}", f"eth{cable}"
        # A host that went down took its end of the cable with it, and so the whole cable.
        self._ip("link", "del", port, check=False)
        self._ip("link", "add", port, "type", "veth", "peer", "name", there)
        self._ip("link", "set", there, "netns", str(pid))
        self._ip("link", "set", port, "up")
        self.attach(port, delayed_bridge(port) if self._has(delayed_bridge(port)) else f"br{cable}")
        inside = ("nsenter", "-t", str(pid), "-n", "ip")
        # A machine keeps its hardware address over a boot; neighbours remember it.
        hardware = f"02:00:00:{77 + cable}:00:{number:02x}"
        run(*inside, "link", "set", there, "name", name, "address", hardware)
        v4, v6 = f"{address_v4(number, cable)}/24", f"{address_v6(number, cable)}/64"
        run(*inside, "addr", "add", v4, "dev", name)
        run(*inside, "-6", "addr", "add", v6, "dev", name, "nodad")
        # Else the kernel takes it away with the carrier, and with it what is bound to it.
        keep = f"net.ipv6.conf.{name}.keep_addr_on_down=1"
        run("nsenter", "-t", str(pid), "-n", "sysctl", "-qw", keep)
        run(*inside, "link", "set", name, "up")

    def attach(self, port: str, bridge: str) -> None:
        """Plug a port into a bridge."""
        self._ip("link", "set", port, "master", bridge)

    def _has(self, name: str) -> bool:
        return bool(run("ip", "-n", self.namespace, "link", "show", name, check=False))

    def cut(self, number: int, cables: Iterable[int] = CABLES) -> None:
        """Take the host's ports down, both ways."""
        for cable in cables:
            self._ip("link", "set", port_of(number, cable), "down")

    def cut_one_way(self, number: int, *, to_host: bool) -> None:
        """Drop what goes to the host, or what comes from it; the other way stays open."""
        for cable in CABLES:
            self._rule(f"{'oifname' if to_host else 'iifname'} {port_of(number, cable)} drop")

    def cut_between(self, source: int, target: int) -> None:
        """Drop what goes from one host to another; all other ways stay open."""
        for cable in CABLES:
            ways = f"iifname {port_of(source, cable)} oifname {port_of(target, cable)}"
            self._rule(f"{ways} drop")

    def lose(self, number: int, percent: float) -> None:
        """Drop that share of the frames at random, to the host and from it."""
        share = round(percent * 100)
        for cable in CABLES:
            for side in ("iifname", "oifname"):
                port = port_of(number, cable)
                self._rule(f"{side} {port} numgen random mod 10000 < {share} drop")

    def block(self, number: int, what: str) -> None:
        """Drop what the host sends or gets that matches, in nftables' words: ``udp dport 5405``."""
        for cable in CABLES:
            for side in ("iifname", "oifname"):
                self._rule(f"{side} {port_of(number, cable)} meta l4proto {what} drop")

    def heal(self, number: int) -> None:
        """Take back every cut, loss and delay of the host; one that is off has no cable."""
        ports = [port_of(number, cable) for cable in CABLES]
        for port in ports:
            self._ip("link", "set", port, "up", check=False)
        self.straighten(number)
        listing = self._nft("-a list chain bridge faults forward")
        for line in listing.splitlines():
            rule, _, handle = line.partition("# handle ")
            if any(f'"{port}"' in rule for port in ports):
                self._nft(f"delete rule bridge faults forward handle {handle.strip()}")

    def straighten(self, number: int) -> None:
        """Plug the host's ports into their bridges again after a relay has ended. Idempotent."""
        for cable in CABLES:
            port = port_of(number, cable)
            if self._has(delayed_bridge(port)):
                if self._has(port):
                    self.attach(port, f"br{cable}")
                self._ip("link", "del", delayed_bridge(port))

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


def delayed_bridge(port: str) -> str:
    """Return the bridge between a port and the relay that delays it."""
    return f"d{port}"
