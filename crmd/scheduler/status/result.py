"""One operation result: what it says about its resource (features section 7)."""

from __future__ import annotations

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.scores import INFINITY
from cib_store.model.values import seconds_of
from crmd.scheduler.actions.book import operation
from crmd.scheduler.actions.fencing import can_fence, fence_action
from crmd.scheduler.actions.operations import (
    find_operation,
    is_probe,
    on_fail_of,
    operation_meta,
    role_after_failure,
)
from crmd.scheduler.digests import DigestResult, compare
from crmd.scheduler.parameters import reached_through_host
from crmd.scheduler.placement.ledger import noted
from crmd.scheduler.scoring import add_score, ban
from crmd.scheduler.state.action import FIRST_IMPLIES_THEN, OnFail, order
from crmd.scheduler.state.contribution import Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import DeferredCheck, FailedOperation, Run
from crmd.scheduler.status import migrations
from crmd.scheduler.status.entries import (
    expected_code,
    history_key,
    interval_of,
    masks_failure,
    number,
)
from crmd.scheduler.status.failcounts import clear_failures, failures, is_recorded
from crmd.scheduler.status.reading import RELEVANT
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.roles import Role

_NEVER_EXPIRES = frozenset(
    (
        OcfCode.OK,
        OcfCode.NOT_RUNNING,
        OcfCode.PROMOTED,
        OcfCode.DEGRADED,
        OcfCode.DEGRADED_PROMOTED,
    )
)


class Story(Struct):
    """What the entries read so far, oldest first, amount to for one resource on one node."""

    newest: Element | None = None
    """The last entry of all, read already or not."""
    last_failure: Element | None = None
    on_fail: OnFail = OnFail.IGNORE


class Result(Struct, kw_only=True):
    """An entry while it is judged; status and code may be seen differently than recorded."""

    run: Run
    rsc: Resource
    node: Node
    entry: Element
    task: str
    interval_ms: int
    status: int
    code: int
    expected: int

    @property
    def is_probe(self) -> bool:
        """Whether it is a probe's."""
        return is_probe(self.task, self.interval_ms)


def read_result(run: Run, rsc: Resource, node: Node, entry: Element, story: Story) -> None:
    """Take one entry into account."""
    task = entry.attributes.get("operation")
    status, code = number(entry, "op-status"), number(entry, "rc-code")
    if not entry.id or task not in RELEVANT:
        return
    if status is None or not OpStatus.PENDING <= status <= OpStatus.NO_SECRETS:
        return
    if status == OpStatus.CANCELLED or code is None or not 0 <= code <= 255:
        return
    result = Result(
        run=run,
        rsc=rsc,
        node=node,
        entry=entry,
        task=task,
        interval_ms=interval_of(entry),
        status=status,
        code=code,
        expected=expected_code(entry),
    )
    expired = not _is_unanswered(result, story.newest) and _is_expired(result)
    recorded_code = result.code
    _reinterpret(result, story, expired)
    if expired and _forget_expired(result, recorded_code):
        return
    if rsc.bundle is None and masks_failure(entry):
        _treat_as_not_running(result, story)
        return
    match result.status:
        case OpStatus.PENDING:
            _note_pending(result, story)
        case OpStatus.DONE:
            _apply_success(result, result.code, story)
        case _:
            _apply_failure(result, story)


def _is_expired(result: Result) -> bool:
    """Whether ``failure-timeout`` has passed; may order the failcount to be cleared."""
    run, rsc, node, entry = result.run, result.rsc, result.node, result.entry
    is_last_failure = entry.id.endswith("_last_failure_0")
    if result.status == OpStatus.NOT_INSTALLED:
        return False
    expired = clear = False
    if not is_last_failure and _went_well(result) and not is_recorded(rsc, node):
        # Nothing to expire, so that the time does not matter.
        return False
    seconds = seconds_of(rsc.failure_timeout_ms)
    changed = number(entry, "last-rc-change")
    if seconds > 0 and changed is not None:
        now = run.clock(rsc)
        expired = now >= changed + seconds and not _waits_for_remote_fencing(result)
        unexpired, last = failures(run, rsc, node, entry=entry)
        if unexpired and now < last + seconds + 1:
            run.note_recheck(last + seconds + 1)
        counted = failures(run, rsc, node, effective=False, entry=entry)[0]
        if counted and not unexpired:
            # The count has expired before this entry, and is cleared when that has, too.
            run.note_recheck(changed + seconds)
        if expired:
            if counted:
                clear = unexpired == 0
                expired = clear
            elif is_last_failure and rsc.reconnect_interval_ms > 0:
                clear = True
    if not expired and is_last_failure and _parameters_changed(result):
        clear = True
    if clear:
        action = clear_failures(run, rsc, node)
        remote = run.find_node(rsc.id)
        if run.fencing_enabled and rsc.reconnect_interval_ms > 0 and remote is not None:
            fencing = fence_action(run, remote, optional=True, reason=None)
            order(fencing, action, FIRST_IMPLIES_THEN)
    return expired and not (result.is_probe and result.code in _NEVER_EXPIRES)


def _is_unanswered(result: Result, newest: Element | None) -> bool:
    """Whether it is a failed start of a remote node's connection that nothing was done about yet.

    However old, it is what is known of the connection: by the entries before it the node would be
    taken for connected, and be sent what cannot reach it. Of any other resource the monitor, which
    is ordered anew then, finds out.
    """
    if result.task != "start" or _went_well(result) or newest is None:
        return False
    entry, node = result.entry, result.run.find_node(result.rsc.id)
    if node is None or node.remote is not result.rsc:
        return False
    return (history_key(entry), entry.get("call-id")) == (
        history_key(newest),
        newest.get("call-id"),
    )


def _went_well(result: Result) -> bool:
    return result.status == OpStatus.DONE and result.code == result.expected


def _waits_for_remote_fencing(result: Result) -> bool:
    rsc = result.rsc
    if not (rsc.reconnect_interval_ms > 0 and result.run.fencing_enabled and result.interval_ms):
        return False
    node = result.run.find_node(rsc.id) if result.task == "monitor" else None
    return node is not None and not node.remote_fenced


def _parameters_changed(result: Result) -> bool:
    if result.task not in ("start", "monitor"):
        return False
    run, rsc = result.run, result.rsc
    if reached_through_host(run, rsc):
        run.deferred_checks.append(DeferredCheck(rsc, result.node, result.entry, True))
        return False
    comparison, _ = compare(run, rsc, result.entry, result.node)
    return comparison in (DigestResult.MISMATCH, DigestResult.RESTART)


def record_failed(result: Result) -> None:
    """List an operation among the failed ones, once a node."""
    run, node = result.run, result.node
    if not node.online:
        return
    key = history_key(result.entry)
    for known in run.failed:
        if history_key(known.entry) == key and known.node == node.name:
            return
    run.failed.append(FailedOperation(result.entry, node.name, result.rsc.id))


def _reinterpret(result: Result, story: Story, expired: bool) -> None:
    """See status and code for what they mean (features 5.30-5.41)."""
    rsc, node = result.rsc, result.node
    if result.code in (OcfCode.DEGRADED, OcfCode.DEGRADED_PROMOTED):
        healthy = result.code == OcfCode.DEGRADED
        result.code = OcfCode.OK if healthy else OcfCode.PROMOTED
        if not expired and (not node.shutdown or node.online):
            record_failed(result)
    if rsc.bundle is None and masks_failure(result.entry):
        result.status = OpStatus.DONE
        result.code = OcfCode.NOT_RUNNING
    if result.status in (OpStatus.NO_FENCE_DEVICE, OpStatus.NO_SECRETS):
        result.status = OpStatus.ERROR_HARD
        return
    if result.status not in (OpStatus.DONE, OpStatus.ERROR):
        return
    as_expected = result.expected >= 0 and result.code == result.expected
    result.status = OpStatus.DONE if as_expected else OpStatus.ERROR
    _reinterpret_code(result, story, expired)


def _reinterpret_code(result: Result, story: Story, expired: bool) -> None:
    rsc = result.rsc
    match result.code:
        case OcfCode.OK:
            if result.is_probe and result.expected == OcfCode.NOT_RUNNING:
                result.status = OpStatus.DONE
        case OcfCode.NOT_RUNNING:
            if result.is_probe or result.expected == result.code or not rsc.managed:
                result.status = OpStatus.DONE
                rsc.role = Role.STOPPED
                story.on_fail = OnFail.IGNORE
                rsc.next_role = Role.UNKNOWN
        case OcfCode.PROMOTED:
            if result.is_probe and result.code != result.expected:
                result.status = OpStatus.DONE
            if not expired or result.code == result.expected:
                rsc.role = Role.PROMOTED
        case OcfCode.FAILED_PROMOTED:
            if not expired:
                rsc.role = Role.PROMOTED
            result.status = OpStatus.ERROR
        case OcfCode.NOT_CONFIGURED:
            result.status = OpStatus.ERROR_FATAL
        case OcfCode.UNIMPLEMENTED if result.interval_ms > 0:
            result.status = OpStatus.NOT_SUPPORTED
        case OcfCode.UNIMPLEMENTED | OcfCode.NOT_INSTALLED | OcfCode.ARGS | OcfCode.PERM:
            if not expired:
                _block_if_unrecoverable(result)
            result.status = OpStatus.ERROR_HARD
        case _:
            if result.status == OpStatus.DONE:
                result.status = OpStatus.ERROR


def _block_if_unrecoverable(result: Result) -> None:
    """A failed stop that fencing cannot mend leaves the resource to the administrator."""
    if result.task == "stop" and not can_fence(result.run, result.node):
        result.rsc.managed = False
        result.rsc.blocked = True


def _forget_expired(result: Result, recorded_code: int) -> bool:
    """Handle an expired result; True where there is nothing more to do with it."""
    rsc, node = result.rsc, result.node
    if rsc.bundle is None and masks_failure(result.entry) and recorded_code != result.expected:
        if rsc.role <= Role.STOPPED:
            rsc.role = Role.UNKNOWN
        return True
    if result.code == result.expected:
        return False
    if result.interval_ms == 0:
        return True
    if node.online and not node.unclean:
        result.run.rescheduled.add((rsc, node, result.entry.id))
        return True
    return False


def _treat_as_not_running(result: Result, story: Story) -> None:
    """A probe found that the resource cannot be there: ban it there (features 7.x)."""
    rsc = result.rsc if result.rsc.unique else result.rsc.top
    _apply_success(result, result.expected, story)
    record_failed(result)
    _ban_there(result, rsc)


def set_active(rsc: Resource) -> None:
    """Take the resource as running, in the lowest role it can have."""
    rsc.role = Role.UNPROMOTED if rsc.top.promotable else Role.STARTED


def _failure_is_newer(result: Result, failure: Element | None) -> bool:
    if failure is None or failure.get("operation") != result.task:
        return False
    if number(failure, "interval") != result.interval_ms:
        return False
    this = number(result.entry, "last-rc-change")
    that = number(failure, "last-rc-change")
    return this is not None and that is not None and that >= this


def _note_pending(result: Result, story: Story) -> None:
    rsc = result.rsc
    if _failure_is_newer(result, story.last_failure):
        return
    if result.task == "start":
        rsc.start_pending = True
        set_active(rsc)
    elif result.task == "promote":
        rsc.role = Role.PROMOTED
    elif result.task == "migrate_to" and result.node.unclean:
        target = result.run.find_node(result.entry.attributes.get("migrate_target"))
        if target is not None:
            operation(result.run, rsc, "stop", target, optional=False)
    if rsc.pending_task is None and not result.is_probe:
        rsc.pending_task = result.task
        rsc.pending_node = result.node


def _apply_success(result: Result, code: int, story: Story) -> None:
    """Take the operation as having gone as `code` says."""
    rsc, run = result.rsc, result.run
    clears = False
    if code == OcfCode.NOT_INSTALLED or (rsc.bundle is None and masks_failure(result.entry)):
        rsc.role = Role.STOPPED
    elif code == OcfCode.NOT_RUNNING:
        clears = True
    else:
        match result.task:
            case "monitor":
                failure = story.last_failure
                clears = failure is not None and history_key(failure) == history_key(result.entry)
                if rsc.role < Role.STARTED:
                    set_active(rsc)
            case "start" | "migrate_from":
                rsc.role = Role.STARTED
                clears = True
            case "stop":
                rsc.role = Role.STOPPED
                clears = True
            case "promote":
                rsc.role = Role.PROMOTED
                clears = True
            case "demote":
                clears = story.on_fail is OnFail.DEMOTE
                rsc.role = Role.UNPROMOTED
            case "migrate_to":
                migrations.after_success(run, rsc, result.node, result.entry)
            case _:
                if rsc.role < Role.STARTED:
                    set_active(rsc)
    if clears:
        _clear_past_failure(rsc, story)


def _clear_past_failure(rsc: Resource, story: Story) -> None:
    match story.on_fail:
        case OnFail.STOP | OnFail.BAN | OnFail.STANDBY | OnFail.FENCE:
            return
        case OnFail.RESET_REMOTE if rsc.reconnect_interval_ms != 0:
            return
        case _:
            story.on_fail = OnFail.IGNORE
            rsc.next_role = Role.UNKNOWN


def _apply_failure(result: Result, story: Story) -> None:
    run, rsc, node = result.run, result.rsc, result.node
    banned = rsc if rsc.unique else rsc.top
    if result.status == OpStatus.NOT_CONNECTED and node.is_remote_kind:
        assert node.remote is not None
        if node.remote.managed:
            node.remote.failed = node.remote.stop_if_failed = True
    config = find_operation(rsc, result.task, result.interval_ms, disabled_too=True)
    meta = operation_meta(run, rsc, node, result.task, result.interval_ms, config)
    strategy = on_fail_of(run, rsc, result.task, result.interval_ms, meta.get("on-fail"))
    fail_role = role_after_failure(rsc, result.task, strategy)
    if result.status == OpStatus.NOT_INSTALLED:
        if strategy is OnFail.IGNORE:
            story.on_fail = OnFail.BAN
        _ban_there(result, banned)
        _fail(result, strategy, fail_role, story)
        return
    if strategy is OnFail.IGNORE or (
        strategy is OnFail.RESTART_CONTAINER and result.task == "stop"
    ):
        _apply_success(result, result.expected, story)
        rsc.ignore_failure = True
        record_failed(result)
        if strategy is OnFail.RESTART_CONTAINER and story.on_fail.value <= OnFail.RESTART.value:
            story.on_fail = strategy
        return
    _fail(result, strategy, fail_role, story)
    if result.status == OpStatus.ERROR_HARD:
        _ban_there(result, banned)
    elif result.status == OpStatus.ERROR_FATAL:
        with noted(run, banned, Origin.FAILURES, _failure_text(result)):
            ban(run, banned)


def _ban_there(result: Result, banned: Resource) -> None:
    """Ban what failed, or its clone, from the node of the failure."""
    with noted(result.run, banned, Origin.FAILURES, _failure_text(result)):
        add_score(banned, result.node, -INFINITY)


def _failure_text(result: Result) -> str:
    """Say which operation ended how."""
    return f"{history_key(result.entry)} on {result.node.name} ended with {result.code}"


def _fail(result: Result, strategy: OnFail, fail_role: Role, story: Story) -> None:
    run, rsc, node = result.run, result.rsc, result.node
    story.last_failure = result.entry
    if run.symmetric or result.code != OcfCode.NOT_INSTALLED:
        record_failed(result)
    if story.on_fail.value < strategy.value:
        story.on_fail = strategy
    match result.task:
        case "stop":
            _ban_there(result, rsc)
        case "migrate_to":
            migrations.after_failed_to(run, rsc, node, result.entry)
        case "migrate_from":
            migrations.after_failed_from(run, rsc, node, result.entry)
        case "promote":
            rsc.role = Role.PROMOTED
        case "demote":
            if strategy is OnFail.BLOCK:
                rsc.role = Role.PROMOTED
                rsc.next_role = Role.STOPPED
            elif result.code == OcfCode.NOT_RUNNING:
                rsc.role = Role.STOPPED
            else:
                rsc.role = Role.UNPROMOTED
    if result.is_probe and result.code == OcfCode.NOT_INSTALLED:
        rsc.role = Role.STOPPED
    elif rsc.role < Role.STARTED:
        set_active(rsc)
    if fail_role is not Role.STARTED and rsc.next_role < fail_role:
        rsc.next_role = fail_role
    if fail_role is Role.STOPPED:
        _ban_everywhere(result)


def _ban_everywhere(result: Result) -> None:
    rsc = result.rsc
    if rsc.parent is not None and rsc.top.is_anonymous_clone:
        rsc = rsc.top
    with noted(result.run, rsc, Origin.FAILURES, _failure_text(result)):
        rsc.scores = dict.fromkeys(result.run.nodes, -INFINITY)
