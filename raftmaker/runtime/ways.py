"""One channel over several addresses of a daemon: calls go by an address that is connected.

All addresses are kept connected, and a connection on which nothing is acknowledged for half a
second ends; so a call that fails because its address went away succeeds when it is made again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import grpc.aio

_UP = (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.IDLE)
_FAILED = grpc.ChannelConnectivity.TRANSIENT_FAILURE
_LOOK_S = 0.005
FIRST_WAY_S = 0.5
"""How long a new channel waits for a way: some round trips, also over a long distance."""
_Make = Callable[[grpc.aio.Channel], Any]


def alive_options(silence_ms: int) -> tuple[tuple[str, int], ...]:
    """Return what ends a connection on which nothing came back for so long: asked every second.

    Else whoever only listens on it, to a machine that lost its power, would do so for ever.
    """
    return (
        # Sets TCP_USER_TIMEOUT too: how long what was sent may stay unacknowledged.
        ("grpc.keepalive_timeout_ms", silence_ms),
        # For a process that stands still: its kernel goes on to acknowledge.
        ("grpc.http2.ping_timeout_ms", silence_ms),
        ("grpc.keepalive_time_ms", 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    )


ONE_WAY = alive_options(1000)
SEVERAL_WAYS = alive_options(500)
SERVE_OPTIONS = (
    # Such pings are welcome; by default a server ends a connection that sends many.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 200),
    ("grpc.http2.max_ping_strikes", 0),
)


class Ways(grpc.aio.Channel):
    """Channels to the same daemon, in order of preference."""

    def __init__(self, channels: Sequence[grpc.aio.Channel]) -> None:
        """Take over the channels."""
        self._channels = tuple(channels)
        self._current = 0

    def chosen(self) -> int:
        """Return the way for the next call: the present one while it is up, else one that is."""
        states = [channel.get_state(try_to_connect=True) for channel in self._channels]
        count = len(states)
        order = [(self._current + step) % count for step in range(count)]
        ready = [way for way in order if states[way] is grpc.ChannelConnectivity.READY]
        hopeful = [way for way in order if states[way] in _UP] or [
            way for way in order if states[way] is grpc.ChannelConnectivity.CONNECTING
        ]
        # Where none is known to be good, not the same one for ever.
        self._current = next(iter([*ready, *hopeful]), order[-1])
        return self._current

    async def __aenter__(self) -> Ways:
        """Look for a moment which way is connected first.

        Without that whoever dials anew after each failure would take the first address each time,
        also while it is the one that is dead.
        """
        ends_at = time.monotonic() + FIRST_WAY_S
        while time.monotonic() < ends_at:
            states = [channel.get_state(try_to_connect=True) for channel in self._channels]
            if grpc.ChannelConnectivity.READY in states or all(
                state is _FAILED for state in states
            ):
                break
            await asyncio.sleep(_LOOK_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Close all."""
        await asyncio.gather(*(channel.close(grace) for channel in self._channels))

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return the state of the way that a call would take."""
        return self._channels[self.chosen()].get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the present way's state is another one."""
        await self._channels[self._current].wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until one way is connected."""
        waiting = [asyncio.ensure_future(channel.channel_ready()) for channel in self._channels]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    def _by_way(self, make: _Make) -> Callable[..., Any]:
        callables = [make(channel) for channel in self._channels]
        return lambda *arguments, **options: callables[self.chosen()](*arguments, **options)

    def unary_unary(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As of any channel."""
        return self._by_way(lambda channel: channel.unary_unary(method, *arguments, **options))

    def unary_stream(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As of any channel."""
        return self._by_way(lambda channel: channel.unary_stream(method, *arguments, **options))

    def stream_unary(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As of any channel."""
        return self._by_way(lambda channel: channel.stream_unary(method, *arguments, **options))

    def stream_stream(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As of any channel."""
        return self._by_way(lambda channel: channel.stream_stream(method, *arguments, **options))
