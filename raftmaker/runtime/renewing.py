"""A channel that shows the certificate of now: when that is exchanged, new calls go by a new one.

Calls under way end where they are, by the connection that they began on; so nothing breaks while
certificates are exchanged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio

from raftmaker.runtime.endpoint import Credentials, ShowsCredentials

_Make = Callable[[grpc.aio.Channel], Any]


class Renewing(grpc.aio.Channel):
    """One address of a peer, dialled anew whenever the credentials are others."""

    def __init__(
        self, source: ShowsCredentials, connect: Callable[[Credentials], grpc.aio.Channel]
    ) -> None:
        """`connect` makes a channel that shows these credentials."""
        self._source, self._connect = source, connect
        self._shown = source.now()
        self._channel = connect(self._shown)
        self._former: list[grpc.aio.Channel] = []

    def current(self) -> grpc.aio.Channel:
        """Return the channel for new calls."""
        now = self._source.now()
        if now is not self._shown:
            self._former.append(self._channel)
            self._shown, self._channel = now, self._connect(now)
        return self._channel

    async def __aenter__(self) -> Renewing:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Close it, and those of before."""
        channels = (*self._former, self._channel)
        await asyncio.gather(*(channel.close(grace) for channel in channels))

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """As of any channel."""
        return self.current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """As of any channel."""
        await self.current().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """As of any channel."""
        await self.current().channel_ready()

    def _renewed(self, make: _Make) -> Callable[..., Any]:
        channel = self.current()
        callable_there = make(channel)

        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal channel, callable_there
            if self.current() is not channel:
                channel = self._channel
                callable_there = make(channel)
            return callable_there(*arguments, **options)

        return call

    def unary_unary(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As of any channel."""
        return self._renewed(lambda channel: channel.unary_unary(method, *arguments, **options))

    def unary_stream(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As of any channel."""
        return self._renewed(lambda channel: channel.unary_stream(method, *arguments, **options))

    def stream_unary(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As of any channel."""
        return self._renewed(lambda channel: channel.stream_unary(method, *arguments, **options))

    def stream_stream(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As of any channel."""
        return self._renewed(lambda channel: channel.stream_stream(method, *arguments, **options))
