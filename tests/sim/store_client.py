"""How a daemon uses the store: one watch, and commands that are executed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

from cib_store.document.element import Element
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Body, Command, OpenClient, Origin
from raftmaker.vocabulary.ids import ClientId, NodeName, Token
from raftmaker.vocabulary.membership import Facts
from raftmaker.vocabulary.outcomes import Outcome

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster
    from tests.sim.machine import Process
    from tests.sim.store import Store

ATTEMPT_MS = 5_000
GIVE_UP_MS = 10_000
RETRY_MS = 100
KEEPALIVE_MS = 1_000
Done = Callable[[ExitCode | None, int], None]


class Watched(Struct, frozen=True):
    """One step of a watch."""

    index: int
    cib: Element
    facts: Facts


@dataclass(eq=False, slots=True)
class _Request:
    body: Body
    token: Token | None
    sequence: int
    done: Done
    deadline_ms: int
    about: NodeName | None = None


class StoreClient:
    """One process's access to the store: its own node's, or any other voter's."""

    def __init__(self, process: Process, cluster: Cluster, name: str) -> None:
        self._process = process
        self._cluster = cluster
        self._name = f"{name}/{process.incarnation}"
        self._incarnation = process.incarnation
        self._clients = 1
        self._sequence = 0
        self._is_open = False
        self._opening = False
        self._queue: list[_Request] = []
        self._target: Store | None = None
        self._connection = 0
        self._missed = 0
        self._on_step: Callable[[Watched], None] = lambda watched: None
        self._on_lost: Callable[[], None] = lambda: None
        self.facts = Facts()

    @property
    def _client_id(self) -> ClientId:
        return ClientId(f"{self._name}/{self._clients}")

    # -- the watch ------------------------------------------------------------

    def watch(self, on_step: Callable[[Watched], None], on_lost: Callable[[], None]) -> None:
        """Follow the CIB and the facts for as long as the process runs."""
        self._on_step, self._on_lost = on_step, on_lost
        self._connect()
        self._process.later(KEEPALIVE_MS, self._keepalive)

    def close(self) -> None:
        """The process ended."""
        if self._target is not None:
            self._target.unwatch(self)
            self._target = None

    def _stores(self) -> list[Store]:
        mine = self._process.machine.name
        names = [mine, *(name for name in self._cluster.nodes if name != mine)]
        return [self._cluster.stores[name] for name in names]

    def _reaches(self, store: Store) -> bool:
        network, mine = self._cluster.network, self._process.machine.name
        other = store.machine.name
        return store.runs and store.serves and network.up(mine, other) and network.up(other, mine)

    def _connect(self) -> None:
        if self._target is not None:
            return
        for store in self._stores():
            if self._reaches(store):
                self._target, self._missed = store, 0
                self._connection += 1
                store.watch(self)
                return
        self._process.later(300, self._connect)

    def _keepalive(self) -> None:
        self._process.later(KEEPALIVE_MS, self._keepalive)
        target = self._target
        if target is None:
            return
        key = self.stream_key
        broken = self._cluster.streams.is_broken(key)
        self._missed = self._missed + 1 if broken or not self._reaches(target) else 0
        if self._missed >= 2:
            self.lost(target)

    @property
    def stream_key(self) -> tuple[str, int]:
        """Names the present connection."""
        return (self._name, self._connection)

    def step(self, watched: Watched, connection: int) -> None:
        """The store sends a step of the watch; it arrives unless the connection is gone."""

        def arrive() -> None:
            process = self._process
            if process.incarnation == self._incarnation:
                process.take(take)

        def take() -> None:
            if self._connection == connection and self._target is not None:
                self.facts = watched.facts
                self._on_step(watched)

        store = self._target
        assert store is not None
        self._cluster.streams.send(
            (self._name, connection), store.machine.name, self._process.machine.name, arrive
        )

    def lost(self, store: Store) -> None:
        """The connection broke: say so, and find another store."""
        if self._target is not store:
            return
        self._cluster.streams.close(self.stream_key)
        store.unwatch(self)
        self._target = None

        def tell() -> None:
            if self._target is None:
                self._on_lost()
                self._connect()

        self._process.later(5, tell)

    @property
    def connection(self) -> int:
        """The number of the present connection."""
        return self._connection

    # -- commands ------------------------------------------------------------

    def record(
        self, body: Body, token: Token | None, done: Done, about: NodeName | None = None
    ) -> None:
        """Commit `body` once; `done` gets the code and index, or None when its fate is unknown."""
        self._sequence += 1
        deadline_ms = self._process.at_ms + GIVE_UP_MS
        request = _Request(body, token, self._sequence, done, deadline_ms, about)
        if self._is_open:
            self._attempt(request)
            return
        self._queue.append(request)
        if not self._opening:
            self._open()

    def _open(self) -> None:
        self._opening = True

        def opened(outcome: Outcome | None) -> None:
            if outcome is None or outcome.code is not ExitCode.OK:
                self._give_up_late()
                self._process.later(RETRY_MS, self._open)
                return
            self._is_open, self._opening = True, False
            queue, self._queue = self._queue, []
            for request in queue:
                self._attempt(request)

        self._send(self._command(OpenClient(self._client_id), None, 0), opened)

    def _give_up_late(self) -> None:
        """Requests that waited for a session too long were certainly not executed."""
        late = [one for one in self._queue if self._process.at_ms >= one.deadline_ms]
        self._queue = [one for one in self._queue if one not in late]
        for request in late:
            request.done(None, 0)

    def _attempt(self, request: _Request) -> None:
        client = self._clients

        def answered(outcome: Outcome | None) -> None:
            if outcome is not None and outcome.code is ExitCode.DISCONNECT:
                # The session is not known any more: nothing was executed now, perhaps before.
                if self._clients == client:
                    self._clients += 1
                    self._is_open = False
                request.done(None, 0)
            elif outcome is not None:
                request.done(outcome.code, outcome.index)
            elif self._process.at_ms >= request.deadline_ms:
                request.done(None, 0)
            else:
                self._process.later(RETRY_MS, lambda: self._send(command, answered))

        command = self._command(request.body, request.token, request.sequence, request.about)
        self._send(command, answered)

    def _command(
        self, body: Body, token: Token | None, sequence: int, about: NodeName | None = None
    ) -> Command:
        return Command(
            body=body,
            cluster_id=self._cluster.cluster_id,
            generation=self.facts.generation,
            client_id=self._client_id,
            sequence=sequence,
            origin=Origin(
                node=about or self._process.machine.name,
                client=self._process.name,
                at_us=self._cluster.wall_us(),
            ),
            token=token,
        )

    def _send(self, command: Command, answered: Callable[[Outcome | None], None]) -> None:
        stores = [one for one in self._stores() if one.up and one.serves] or self._stores()
        store = stores[0]
        if self._target is not None and self._target.up:
            store = self._target

        def take(value: object) -> None:
            assert value is None or isinstance(value, Outcome)
            answered(value)

        self._process.call(
            store,
            lambda reply: store.propose(command, reply),
            answered=take,
            failed=lambda reason: answered(None),
            timeout_ms=ATTEMPT_MS,
        )
