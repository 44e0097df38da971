"""Which nodes are online, clean, in standby or maintenance, shutting down (features section 5)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.options import NoQuorum
from cib_store.model.scores import INFINITY
from cib_store.model.values import is_true, parse_boolean, parse_integer, seconds_of
from crmd.scheduler.actions.fencing import fence_node
from crmd.scheduler.configuration.nodes import read_attributes
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def find_state_node(run: Run, state: Element) -> Node | None:
    """Return the node a ``node_state`` is about, by id and then by name."""
    id_ = state.attributes.get("id")
    if id_ is not None:
        folded = id_.lower()
        for node in run.nodes:
            if node.id.lower() == folded:
                return node
    return run.find_node(state.attributes.get("uname"))


def shutdown_requested(node: Node) -> bool:
    """Whether the node asked to be shut down."""
    return node.attributes.get("shutdown", "0") != "0"


def read_node_state(run: Run, state: Element) -> None:
    """Judge one node by its state."""
    if "id" not in state.attributes:
        run.ignore("no-id", "Ignoring a <node_state> without id")
        return
    node = find_state_node(run, state)
    if node is None:
        return
    if node.is_remote_kind:
        node.remote_fenced = (parse_integer(state.attributes.get("node_fenced")) or 0) != 0
        return
    read_attributes(run, node, state.child("transient_attributes"), overwrite=True)
    if is_true(node.attributes.get("standby")):
        node.standby = True
    if is_true(node.attributes.get("maintenance")):
        node.maintenance = True
    node.unclean = False
    node.seen = True
    _judge(run, state, node)
    if not run.quorate and node.online and run.no_quorum is NoQuorum.FENCE:
        fence_node(run, node, "cluster does not have quorum")


def _judge(run: Run, state: Element, node: Node) -> None:
    node.shutdown = shutdown_requested(node)
    if not node.shutdown and state.get("expected").lower() == "member":
        node.expected_up = True
    if run.fencing_enabled:
        node.online = _online_with_fencing(run, state, node)
    else:
        node.online = _online_without_fencing(run, state, node)
    if not node.online or node.shutdown:
        node.score = -INFINITY


def _member_since(run: Run, state: Element) -> int:
    """When the node became a member (epoch); 0 if it is none, -1 if never seen."""
    text = state.attributes.get("in_ccm")
    if text is None:
        return -1
    member = parse_boolean(text)
    if member is None:
        when = parse_integer(text)
        return -1 if when is None or when < 0 else when
    return run.now.epoch if member else 0


def _process_since(state: Element) -> int:
    """When the node's controller came online (epoch or 1); 0 if it is not."""
    text = state.get("crmd", "offline").lower()
    if text in ("offline", "online"):
        return int(text == "online")
    return max(parse_integer(text) or 0, 0)


def _online_without_fencing(run: Run, state: Element, node: Node) -> bool:
    if _member_since(run, state) <= 0:
        return False
    if _process_since(state) > 0:
        return state.get("join").lower() == "member"
    if node.expected_up:
        fence_node(run, node, "peer is unexpectedly down")
    return False


def _asks_for_fencing(node: Node) -> bool:
    text = node.attributes.get("terminate")
    flag = parse_boolean(text)
    return flag if flag is not None else (parse_integer(text) or 0) > 0


def _pending_too_long(run: Run, member: int, process: int) -> bool:
    if run.node_pending_ms > 0 and member > 0 and process <= 0:
        deadline = member + seconds_of(run.node_pending_ms)
        if run.now.epoch >= deadline:
            return True
        run.note_recheck(deadline)
    return False


def _online_with_fencing(run: Run, state: Element, node: Node) -> bool:
    """First match wins: each line is one thing that makes a node suspect (features 13.x)."""
    member = _member_since(run, state)
    process = _process_since(state)
    join = state.get("join")
    if node.shutdown:
        return process > 0
    if member < 0:
        fence_node(run, node, "peer has not been seen by the cluster")
        return False
    if join == "banned":
        fence_node(run, node, "peer failed Pacemaker membership criteria")
    elif _asks_for_fencing(node):
        if member <= 0 and process <= 0 and join == "down":
            return False
        fence_node(run, node, "fencing was requested")
    elif state.get("expected", "down") == "down":
        if _pending_too_long(run, member, process):
            fence_node(run, node, "peer pending timed out on joining the process group")
        elif member > 0 or process > 0:
            node.standby = node.pending = True
    elif member <= 0:
        fence_node(run, node, "peer is no longer part of the cluster", priority_delay=True)
    elif process <= 0:
        fence_node(run, node, "peer process is no longer available")
    elif join in ("pending", "down"):
        node.standby = node.pending = True
    elif join != "member":
        fence_node(run, node, "peer was in an unknown state")
    return member > 0


def judge_remote(node: Node) -> None:
    """Judge a remote or guest node by its connection (features section 16)."""
    rsc = node.remote
    if rsc is None:
        node.online = False
        return
    launcher = rsc.launcher
    host = rsc.active_on[0] if launcher is not None and len(rsc.active_on) == 1 else None
    if rsc.role is Role.STARTED:
        node.online = True
        if rsc.next_role is Role.STOPPED:
            node.shutdown = True
    if launcher is not None and launcher.failed:
        node.online = False
        node.remote_reset = True
    elif rsc.failed:
        node.online = False
    elif rsc.role is Role.STOPPED or (launcher is not None and launcher.role is Role.STOPPED):
        node.online = False
        node.remote_reset = False
    elif host is not None and not host.online and host.unclean:
        node.online = False
        node.remote_reset = True


def read_remote_state(run: Run, state: Element, node: Node) -> None:
    """Read what the status section holds about a remote or guest node."""
    node.remote_maintenance = (parse_integer(state.attributes.get("node_in_maintenance")) or 0) != 0
    if not node.remote_reset:
        node.unclean = False
        node.seen = True
    read_attributes(run, node, state.child("transient_attributes"), overwrite=True)
    if shutdown_requested(node):
        node.shutdown = True
    if is_true(node.attributes.get("standby")):
        node.standby = True
    if is_true(node.attributes.get("maintenance")) or (
        node.remote is not None and not node.remote.managed
    ):
        node.maintenance = True
    discovery = node.attributes.get("resource-discovery-enabled")
    if discovery is not None and not is_true(discovery):
        node.probes_allowed = node.is_remote and not run.fencing_enabled
