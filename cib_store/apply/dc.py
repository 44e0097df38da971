"""The DC lease and its token, which only grows (protocols, DC)."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.apply.membership import Recorded, current, not_now, settled, stale
from cib_store.document.element import Element
from cib_store.document.refusal import Refusal, refused
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import AcquireDc, ReleaseDc
from raftmaker.vocabulary.ids import Token
from raftmaker.vocabulary.membership import DcLease, Facts, FencePhase


def acquire_dc(facts: Facts, cib: Element, body: AcquireDc) -> Recorded | Refusal:
    """Grant the vacant lease, with the next token, to a present node that is not to be fenced."""
    there = current(facts, body.node, body.boot_id, body.session)
    if isinstance(there, Refusal):
        return there
    if not there.is_present:
        return stale("the node or its controller is lost, or has left", body.node)
    if there.fencing is FencePhase.INTENDED:
        return not_now(
            "fencing-is-intended", "the node is to be fenced", body.node, "leave it to another"
        )
    if facts.dc is not None:
        if facts.dc.node == body.node:
            return Recorded(facts, cib)
        return refused(
            ExitCode.EXISTS,
            "dc-exists",
            facts.dc.node,
            f"{facts.dc.node} is DC with token {facts.dc.token}",
            "wait until its lease ends",
        )
    token = Token(facts.generation, facts.token.counter + 1)
    lease = DcLease(node=body.node, boot_id=body.boot_id, session=body.session, token=token)
    return settled(replace(facts, dc=lease, token=token), cib)


def release_dc(facts: Facts, cib: Element, body: ReleaseDc) -> Recorded | Refusal:
    """Give the lease back; the token stays the highest granted."""
    if facts.dc is None or facts.dc.token != body.token:
        return stale(f"token {body.token} holds no lease", "dc")
    return settled(replace(facts, dc=None), cib)
