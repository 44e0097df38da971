"""PySyncObj's transport on our streams: the border between event loop and engine thread.

Everything that PySyncObj sees happens on its tick thread, as it demands: what arrives is put into
an inbox, its poller is woken, and the next tick begins by taking it in. What it sends is kept until
the tick's end, then handed over at once: nothing is sent before the journal is on disk (one sync
for all of it), and every message is stamped with the sender's term.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from pysyncobj.node import Node
from pysyncobj.pipe_notifier import PipeNotifier
from pysyncobj.transport import Transport

from cib_store.raft.links import Links
from cib_store.raft.messages import Message, decode, encode
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage

if TYPE_CHECKING:
    from cib_store.raft.guarded import GuardedSyncObj


class StreamTransport(Transport):  # type: ignore[misc]  # pysyncobj has no types
    """One voter's transport; made by PySyncObj, destroyed on its thread."""

    def __init__(
        self,
        engine: GuardedSyncObj,
        _self_node: Node,
        other_nodes: list[Node],
        *,
        links: Links,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Start the streams; their events wait until the engine ticks."""
        super().__init__(engine, _self_node, other_nodes)
        self._engine = engine
        self._links = links
        self._loop = loop
        self._nodes: dict[str, Node] = {node.id: node for node in other_nodes}
        self._inbox: deque[tuple[NodeName, RaftMessage | bool]] = deque()
        self._outbox: dict[NodeName, list[RaftMessage]] = {}
        self._up: set[NodeName] = set()
        self._notifier = PipeNotifier(engine._poller)
        engine.addOnTickCallback(self.flush)
        links.start(received=self._arrived, connected=self._arrived)

    def _arrived(self, peer: NodeName, what: RaftMessage | bool) -> None:
        """On the event loop: a message, or whether the stream to the peer is up."""
        first = not self._inbox
        self._inbox.append((peer, what))
        if first:
            self._notifier.notify()

    def drain(self) -> None:
        """Take in what has arrived; called at the start of a tick."""
        while self._inbox:
            peer, what = self._inbox.popleft()
            node = self._nodes[peer]
            if isinstance(what, RaftMessage):
                message = decode(what)
                if message is not None and peer in self._up:
                    self._onMessageReceived(node, message)
            elif what:
                self._up.add(peer)
                self._onNodeConnected(node)
            else:
                self._up.discard(peer)
                self._onNodeDisconnected(node)

    def send(self, node: Node, message: Message) -> bool:
        """Stamp the message and keep it until the end of the tick."""
        peer = NodeName(node.id)
        if peer not in self._up:
            return False
        stamped = {**message, "sent_term": self._engine.raftCurrentTerm}
        queue = self._outbox.setdefault(peer, [])
        wire = encode(stamped)
        if not (queue and _merged(queue[-1], wire)):
            queue.append(wire)
        return True

    def flush(self) -> None:
        """Hand everything to the event loop, once what it depends on is on disk."""
        if not self._outbox:
            return
        self._engine.journal.sync()
        outbox, self._outbox = self._outbox, {}
        for peer, messages in outbox.items():
            try:
                self._loop.call_soon_threadsafe(self._links.send, peer, messages)
            except RuntimeError:  # The loop is closed: the daemon is ending.
                return

    def destroy(self) -> None:
        """Forget the callbacks; the engine's owner closes the streams."""
        self.setOnMessageReceivedCallback(None)
        self.setOnNodeConnectedCallback(None)
        self.setOnNodeDisconnectedCallback(None)


def _merged(last: RaftMessage, new: RaftMessage) -> bool:
    """Put `new` into the unsent `last` where one message can say both: one sync, one answer."""
    if last.sent_term != new.sent_term:
        return False
    if last.HasField("append") and new.HasField("append"):
        held, more = last.append, new.append
        end = held.entries[-1].index if held.entries else held.previous_index
        if held.term != more.term or more.previous_index != end:
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
