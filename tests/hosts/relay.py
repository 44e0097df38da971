"""Delays a host's frames: stands between its ports and their bridges, with TAP devices.

``python -m tests.hosts.relay FLEET NUMBER DELAY_MS JITTER_MS`` runs inside the fleet's namespace
until killed; `Network.straighten` then plugs the ports in again. Frames of one direction stay in
order.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import selectors
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass, field

from tests.hosts.network import CABLES, Network, delayed_bridge, port_of, run

_TUNSETIFF, _TAP, _NO_HEADER = 0x400454CA, 0x0002, 0x1000
_FRAME_BYTES = 65536
QUEUED_MAX = 10_000
"""Frames that wait in one direction; what comes beyond is dropped, as a switch would."""


@dataclass(slots=True)
class Way:
    """One direction: frames with the time at which they are due."""

    into: int
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self, frame: bytes, due: float) -> None:
        if len(self.waiting) < QUEUED_MAX:
            last = self.waiting[-1][0] if self.waiting else 0.0
            self.waiting.append((max(due, last), frame))

    def let_go(self, now: float) -> float:
        """Pass on what is due; return when the next is."""
        while self.waiting and self.waiting[0][0] <= now:
            frame = self.waiting.popleft()[1]
            # The other end may be down: a frame lost, as on a real wire.
            with contextlib.suppress(OSError):
                os.write(self.into, frame)
        return self.waiting[0][0] if self.waiting else float("inf")


def tap(name: str) -> int:
    """Make a TAP device and return its descriptor; it goes with this process."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", name.encode(), _TAP | _NO_HEADER)
    fcntl.ioctl(descriptor, _TUNSETIFF, request)
    run("ip", "link", "set", name, "up")
    return descriptor


def ways_of(network: Network, number: int) -> dict[int, Way]:
    """Put the relay between each port and its bridge; return the way that begins at each end."""
    ways: dict[int, Way] = {}
    for cable in CABLES:
        port = port_of(number, cable)
        near, far = tap(f"n{port}"), tap(f"f{port}")
        network.add_bridge(delayed_bridge(port))
        network.attach(f"n{port}", delayed_bridge(port))
        network.attach(f"f{port}", f"br{cable}")
        network.attach(port, delayed_bridge(port))
        ways[near], ways[far] = Way(far), Way(near)
    return ways


def relay(ways: dict[int, Way], delay_s: float, jitter_s: float) -> None:
    """Pass frames on, each after its delay, for ever."""
    chance = random.Random()
    waiting = selectors.DefaultSelector()
    for descriptor in ways:
        waiting.register(descriptor, selectors.EVENT_READ)
    while True:
        now = time.monotonic()
        next_due = min(way.let_go(now) for way in ways.values())
        timeout = max(0.0, next_due - time.monotonic()) if next_due != float("inf") else None
        for key, _ in waiting.select(timeout):
            try:
                frame = os.read(key.fd, _FRAME_BYTES)
            except BlockingIOError:
                continue
            late = delay_s + chance.random() * jitter_s
            ways[key.fd].take(frame, time.monotonic() + late)


def main() -> None:
    """Run until killed."""
    name, number, delay_ms, jitter_ms = sys.argv[1:]
    ways = ways_of(Network(name), int(number))
    print("relaying", flush=True)
    relay(ways, float(delay_ms) / 1000, float(jitter_ms) / 1000)


if __name__ == "__main__":
    main()
