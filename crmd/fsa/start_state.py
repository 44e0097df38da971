"""In which state this node joins: what `PCMK_node_start_state` says (features 26.7).

Invariant: the node answers no join before the attribute ``standby`` is as its settings want it, so
no DC plans anything here by the state of before. Only the first start of the controller in a boot
forces it: one that is started again leaves alone what people have said since.
"""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.model.values import is_true
from crmd.fsa.config import StartState
from crmd.fsa.lease import may_ask, on_asked
from crmd.fsa.purpose import ForcingState
from crmd.fsa.turn import Turn
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange, CibOperation, OperationKind
from raftmaker.vocabulary.ids import NodeName

_STANDBY = "standby"
_LATER = (ExitCode.OK, ExitCode.OLD, ExitCode.TEMPFAIL, None)
"""How a commit can end that may be asked for again."""


def is_forced(turn: Turn) -> bool:
    """Tell whether nothing has to be written any more."""
    if turn.standing.has_start_state or turn.config.controller_start > 1:
        return True
    if turn.config.start_state is StartState.DEFAULT:
        return True
    pair = _pair(turn.view.cib, turn.node)
    standby = pair is not None and is_true(pair.get("value"))
    return standby is (turn.config.start_state is StartState.STANDBY)


def advance_start_state(turn: Turn) -> None:
    """Have the attribute written, once this process has its session."""
    if turn.standing.has_start_state or not turn.in_session:
        return
    if is_forced(turn):
        turn.standing = replace(turn.standing, has_start_state=True)
    elif turn.is_fresh and may_ask(turn) and not turn.is_recording(ForcingState):
        turn.record(CibChange(operations=(_forced(turn),)), ForcingState())


def on_forced(turn: Turn, code: ExitCode | None, index: int) -> None:
    """Ask again where that may help; a node whose wish is refused joins as it is."""
    on_asked(turn, code, index)
    if code not in _LATER:
        turn.standing = replace(turn.standing, has_start_state=True)


def _node(cib: Element | None, node: NodeName) -> Element | None:
    configuration = cib.child("configuration") if cib is not None else None
    nodes = configuration.child("nodes") if configuration is not None else None
    entries = nodes.each("node") if nodes is not None else ()
    return next((entry for entry in entries if entry.get("uname") == node), None)


def _pair(cib: Element | None, node: NodeName) -> Element | None:
    entry = _node(cib, node)
    sets = entry.each("instance_attributes") if entry is not None else ()
    pairs = (pair for each in sets for pair in each.each("nvpair"))
    return next((pair for pair in pairs if pair.get("name") == _STANDBY), None)


def _forced(turn: Turn) -> CibOperation:
    """Return the change of the pair that is there, or one that makes it as `crm node` would."""
    node, entry = turn.node, _node(turn.view.cib, turn.node)
    value = "on" if turn.config.start_state is StartState.STANDBY else "off"
    set_id, pair_id = f"nodes-{node}", f"nodes-{node}-{_STANDBY}"
    for each in entry.each("instance_attributes") if entry is not None else ():
        for pair in each.each("nvpair"):
            if pair.get("name") == _STANDBY:
                set_id, pair_id = each.id, pair.id
    wanted = Element("nvpair", {"id": pair_id, "name": _STANDBY, "value": value})
    held = Element("instance_attributes", {"id": set_id}, (wanted,))
    name = {"id": entry.id if entry is not None else node, "uname": node}
    nodes = Element("nodes", {}, (Element("node", name, (held,)),))
    return CibOperation(
        kind=OperationKind.MODIFY,
        path="/cib/configuration/nodes",
        xml=render(nodes, indent=0),
        all=True,
    )
