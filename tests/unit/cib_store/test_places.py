"""Which of several stores a client speaks to: home while that answers (features 4.17)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import grpc.aio

from cib_store.places import HOME_FIRST_S, HOME_LAST_S, Places
from raftmaker.runtime.endpoint import Target
from raftmaker.runtime.rpc import Service, serve
from raftmaker.wire import store_pb2_grpc
from tests.unit.raftmaker.test_rpc import MINE, Echo, free_endpoint

SERVICE = Service(
    name="raftmaker.v1.Store",
    servicer=Echo(),
    register=store_pb2_grpc.add_StoreServicer_to_server,
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def at_two(story: Callable[[Places, Clock, Sequence[Target]], Awaitable[None]]) -> None:
    """Run a story with two stores that are there."""

    async def scenario(directory: str) -> None:
        targets = [free_endpoint(), free_endpoint()]
        servers: list[grpc.aio.Server] = []
        for number, endpoint in enumerate(targets):
            path = Path(directory) / f"{number}.sock"
            servers.append(await serve([SERVICE], identity=MINE, socket=path, endpoints=[endpoint]))
        clock = Clock()
        places = Places(targets, MINE, clock)
        try:
            await story(places, clock, targets)
        finally:
            await places.close()
            for server in servers:
                await server.stop(None)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(directory))


async def connected(places: Places) -> None:
    async with asyncio.timeout(60):
        while not places.may_go_home():
            await asyncio.sleep(0.01)


def test_home_is_left_when_it_fails_and_taken_again_after_a_pause() -> None:
    async def story(places: Places, clock: Clock, targets: Sequence[Target]) -> None:
        assert places.choose().target == targets[0]
        places.failed(places.choose())
        assert places.choose().target == targets[1]
        assert not places.is_home
        clock.now_s += HOME_FIRST_S
        await connected(places)
        assert places.choose().target == targets[0]

    at_two(story)


def test_a_home_that_fails_again_and_again_is_tried_after_ever_longer_pauses() -> None:
    async def story(places: Places, clock: Clock, targets: Sequence[Target]) -> None:
        pause_s = HOME_FIRST_S
        for _ in range(9):
            places.failed(places.choose())
            clock.now_s += pause_s - 0.01
            assert not places.may_go_home()
            clock.now_s += 0.01
            await connected(places)
            assert places.choose().target == targets[0]
            pause_s = min(2 * pause_s, HOME_LAST_S)
        places.answered(places.choose())
        places.failed(places.choose())
        clock.now_s += HOME_FIRST_S
        await connected(places)

    at_two(story)


def test_a_home_that_lags_is_not_taken_again_for_long_though_it_answers() -> None:
    async def story(places: Places, clock: Clock, targets: Sequence[Target]) -> None:
        home = places.choose()
        places.failed(home, lags=True)
        places.answered(home)  # what was under way
        clock.now_s += HOME_LAST_S - 0.01
        assert places.choose().target == targets[1]
        clock.now_s += 0.01
        await connected(places)

    at_two(story)


def test_a_failure_of_a_store_that_was_left_already_moves_nobody_on() -> None:
    """Several calls fail at once when a store ends."""

    async def story(places: Places, clock: Clock, targets: Sequence[Target]) -> None:
        home = places.choose()
        places.failed(home)
        places.failed(home)
        assert places.choose().target == targets[1]

    at_two(story)


def test_other_targets_keep_the_one_that_is_spoken_to() -> None:
    async def story(places: Places, clock: Clock, targets: Sequence[Target]) -> None:
        places.failed(places.choose())
        second = places.choose()
        places.retarget([free_endpoint(), targets[1]])
        assert places.choose() is second
        places.retarget([targets[0]])
        assert places.choose().target == targets[0]
        assert len(places) == 1

    at_two(story)
