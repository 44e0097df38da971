"""Which beats a voter takes: of boots that introduced themselves, and none that is out of date.

A datagram proves only that somebody of the cluster signed it once. So its boot must have opened a
stream, where certificates prove who calls now; and the time of sending is a sequence number, which
only grows within a boot, over a daemon's restart too: nothing recorded can be played again.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from cib_store.liveness.values import Daemon
from raftmaker.vocabulary.ids import BootId, NodeName


class Admission(Struct, frozen=True):
    """The boot that each node introduced last, and the newest beat of each of its daemons."""

    boots: Mapping[NodeName, BootId] = field(default_factory=dict)
    newest_us: Mapping[tuple[NodeName, Daemon], int] = field(default_factory=dict)

    def introduced(self, node: NodeName, boot_id: BootId) -> Admission:
        """Return what holds after a daemon of this boot opened a stream."""
        if self.boots.get(node) == boot_id:
            return self
        newest = {key: sent for key, sent in self.newest_us.items() if key[0] != node}
        return replace(self, boots={**self.boots, node: boot_id}, newest_us=newest)

    def admits(
        self, node: NodeName, boot_id: BootId, daemon: Daemon, sent_us: int, *, again: bool
    ) -> bool:
        """Whether a beat counts. `again`: so does the newest one once more (from a stream)."""
        newest = self.newest_us.get((node, daemon), -1)
        return self.boots.get(node) == boot_id and (
            sent_us > newest or (again and sent_us == newest)
        )

    def admitted(self, node: NodeName, daemon: Daemon, sent_us: int) -> Admission:
        """Return what holds after that beat was taken."""
        return replace(self, newest_us={**self.newest_us, (node, daemon): sent_us})
