"""Which losses a leader that was just elected finds in its log (docs/internals.md)."""

from __future__ import annotations

from cib_store.doubts import doubted
from cib_store.messages.commands import encode
from raftmaker.vocabulary.commands import ControllerLost, LeaderStarted, NodeLost, RenewSession
from raftmaker.vocabulary.ids import Session, Term
from tests.unit.cib_store.stories import BOOT, A, B, C, command

LOST = NodeLost(node=B, boot_id=BOOT, session=Session(1), term=Term(1))
CONTROLLER = ControllerLost(node=C, boot_id=BOOT, session=Session(1), term=Term(1))


def test_each_loss_is_found_once_and_in_order() -> None:
    renewed = RenewSession(node=B, boot_id=BOOT, session=Session(1))
    bodies = (CONTROLLER, LeaderStarted(Term(2), A), LOST, renewed, LOST)
    assert doubted(encode(command(body)) for body in bodies) == (CONTROLLER, LOST)


def test_what_is_no_command_is_passed_over() -> None:
    entry = encode(command(LOST))
    unknown = entry.replace(b"\x08\x01", b"\x08\x7f", 1)  # another format
    assert doubted((b"\xff", unknown, entry)) == (LOST,)
