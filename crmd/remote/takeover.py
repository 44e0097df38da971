"""A controller begins to attend to a remote node: what the cluster knows of it is made true first.

As for a member that joins: the executor's own inventory takes the place of the history. So what
ran there goes on, whoever attended before, and of a boot that is over nothing is believed.
"""

from __future__ import annotations

from cib_store.document.element import Element
from crmd.fsa.cib import (
    attribute_removals,
    attributes_with,
    lrm_path,
    merge_status,
    node_state,
    remove_at,
    state_path,
    state_with,
)
from crmd.fsa.executor import Inventory
from crmd.fsa.failures import failure_attributes
from crmd.fsa.history import lrm_of
from crmd.fsa.joins import with_known_entries
from crmd.fsa.options import flag
from crmd.fsa.reconciling import reconciled
from crmd.remote.nodes import BOOT, REMOTE
from lrmd.operations.values import Result
from raftmaker.vocabulary.commands import CibChange, CibOperation, Precondition
from raftmaker.vocabulary.ids import BootId, NodeName


def takeover_change(
    cib: Element | None, node: NodeName, inventory: Inventory, boot_id: BootId
) -> CibChange:
    """Return the change by which the CIB shows what a remote node's executor knows.

    `boot_id` is the boot of the controller that writes it: the store refuses it once that is over.
    """
    old = node_state(cib, node)
    same_boot = old is not None and old.get(BOOT) == inventory.boot_id
    lrm = lrm_of(node, inventory.history, (one.request for one in inventory.pending))
    lrm = with_known_entries(lrm, old)
    marks = {REMOTE: "true", BOOT: inventory.boot_id, "in_ccm": "1", "node_fenced": "0"}
    there = old.child("lrm") if old is not None else None
    path = lrm_path(node)
    return CibChange(
        operations=(
            remove_at(path),
            *_outdated(old, node, same_boot=same_boot),
            merge_status(state_with(node, marks, lrm)),
            *_uncounted(cib, old, node, inventory, same_boot=same_boot),
        ),
        preconditions=(Precondition(path=path, digest=there.digest if there else b""),),
        status=True,
        boot_id=boot_id,
    )


def _outdated(old: Element | None, node: NodeName, *, same_boot: bool) -> tuple[CibOperation, ...]:
    """Transient attributes end with the boot; the wish to leave ends with coming back."""
    if old is None or old.child("transient_attributes") is None:
        return ()
    if same_boot:
        return attribute_removals(old, frozenset({"shutdown"}))
    return (remove_at(f"{state_path(node)}/transient_attributes[@id='{node}']"),)


def _uncounted(
    cib: Element | None,
    old: Element | None,
    node: NodeName,
    inventory: Inventory,
    *,
    same_boot: bool,
) -> tuple[CibOperation, ...]:
    """Failures that happened while nobody attended, and that nobody is about to count."""
    start_is_fatal = flag(cib, "start-failure-is-fatal")
    judged = reconciled(old if same_boot else None, inventory, start_is_fatal=start_is_fatal)

    def counted(failure: Result) -> CibOperation:
        values = failure_attributes(failure, start_is_fatal=start_is_fatal)
        return merge_status(state_with(node, {}, attributes_with(node, values)), score=True)

    return tuple(counted(failure) for failure in judged.uncounted)
