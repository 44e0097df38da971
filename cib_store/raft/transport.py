"""PySyncObj's transport on our streams, all on the event loop.

What arrives waits until the next tick takes it in. What a tick sends is kept until its end, then
handed over at once. Every message is stamped with the sender's term. Those that depend on the term
or vote of this node being on disk wait until they are; acknowledgements of entries never say more
than what is on disk (see `guarded`), and nothing else depends on the disk: heartbeats never wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from pysyncobj.transport import Transport

from cib_store.raft import ticking
from cib_store.raft.configuration import Card, Configuration
from cib_store.raft.links import Links
from cib_store.raft.messages import Message, decode, encode
from cib_store.raft.node import Node
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage

if TYPE_CHECKING:
    from cib_store.raft.guarded import GuardedSyncObj

_WAIT_FOR_VOTE = frozenset({"request_vote", "response_vote", "next_node_idx"})


class StreamTransport(Transport):  # type: ignore[misc]  # pysyncobj has no types
    """One voter's transport; made by PySyncObj."""

    def __init__(
        self,
        engine: GuardedSyncObj,
        _self_node: Node,
        other_nodes: list[Node],
        *,
        links: Links,
        wake: Callable[[], None],
    ) -> None:
        """Start the streams; their events wait until the engine ticks, which `wake` asks for."""
        super().__init__(engine, _self_node, other_nodes)
        self._engine = engine
        self._links = links
        self._wake = wake
        self._inbox: deque[tuple[NodeName, RaftMessage | Card | None]] = deque()
        self._outbox: dict[NodeName, list[RaftMessage]] = {}
        self._held: list[tuple[NodeName, RaftMessage]] = []
        self._up: set[NodeName] = set()
        self._nodes: dict[NodeName, Node] = {}
        engine.seats.on_change = self._seated
        links.start(engine.seats.card, engine.seats.current, self._arrived)

    @property
    def greets(self) -> bool:
        """Whether the peers are still being asked if the cluster goes on without this store."""
        return self._links.greets

    def _seated(self, configuration: Configuration) -> None:
        seats = self._engine.seats
        self._up &= {seat.name for seat in configuration.seats} | seats.leaving
        self._links.seat(seats.card, configuration, seats.leaving)

    def begin_anew(self) -> None:
        """Cut off every peer: what a new generation leaves behind is not heard on an old stream."""
        self._inbox.clear()
        self._outbox.clear()
        self._held.clear()
        for peer in sorted(self._up):
            self._onNodeDisconnected(Node(peer))
        self._up.clear()
        self._links.cut_off()

    def _arrived(self, peer: NodeName, what: RaftMessage | Card | None) -> None:
        """A message; or the peer's card when its stream is up, None when it is down."""
        self._inbox.append((peer, what))
        self._wake()

    @property
    def has_news(self) -> bool:
        """Whether something has arrived that was not taken in."""
        return bool(self._inbox)

    def drain(self) -> None:
        """Take in what has arrived; called at the start of a tick."""
        while self._inbox:
            peer, what = self._inbox.popleft()
            node = self._nodes.get(peer) or self._nodes.setdefault(peer, Node(peer))
            if isinstance(what, RaftMessage):
                message = decode(what)
                if message is not None and peer in self._up:
                    self._onMessageReceived(node, message)
            elif what is not None:
                self._up.add(peer)
                self._engine.seats.met(peer, what)
                self._onNodeConnected(node)
            else:
                self._up.discard(peer)
                self._outbox.pop(peer, None)
                self._held = [held for held in self._held if held[0] != peer]
                self._onNodeDisconnected(node)

    def send(self, node: Node, message: Message) -> bool:
        """Stamp the message and keep it until the end of the tick, or until the vote is stored."""
        peer = NodeName(node.id)
        if peer not in self._up:
            return False
        wire = encode({**message, "sent_term": self._engine.raftCurrentTerm})
        if message["type"] in _WAIT_FOR_VOTE and not self._engine.journal.votes_are_stored:
            self._held.append((peer, wire))
            return True
        queue = self._outbox.setdefault(peer, [])
        if not (queue and _merged(queue[-1], wire)):
            queue.append(wire)
        return True

    def flush(self) -> bool:
        """Hand everything over that may be sent, and tell whether there was anything.

        Called at the end of a tick.
        """
        if self._held and self._engine.journal.votes_are_stored:
            held, self._held = self._held, []
            for peer, wire in held:
                self._outbox.setdefault(peer, []).append(wire)
        outbox, self._outbox = self._outbox, {}
        for peer, messages in outbox.items():
            self._links.send(peer, messages)
        return bool(outbox)

    def destroy(self) -> None:
        """Forget the callbacks; the engine's owner closes the streams."""
        self.setOnMessageReceivedCallback(None)
        self.setOnNodeConnectedCallback(None)
        self.setOnNodeDisconnectedCallback(None)


def _merged(last: RaftMessage, new: RaftMessage) -> bool:
    """Put `new` into the unsent `last` where one message can say both: one answer for both."""
    if last.sent_term != new.sent_term:
        return False
    if last.HasField("append") and new.HasField("append"):
        held, more = last.append, new.append
        end = held.entries[-1].index if held.entries else held.previous_index
        if held.term != more.term or more.previous_index != end:
            return False
        if more.entries and last.ByteSize() + new.ByteSize() > ticking.BATCH_BYTES:
            return False
        held.entries.extend(more.entries)
        held.commit_index = max(held.commit_index, more.commit_index)
        return True
    if last.HasField("progress") and new.HasField("progress"):
        both = last.progress.success and new.progress.success
        if both and not (last.progress.reset or new.progress.reset):
            last.progress.next_index = max(last.progress.next_index, new.progress.next_index)
            return True
    return False
