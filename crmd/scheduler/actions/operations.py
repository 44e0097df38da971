"""Configured operations: which one applies to an action, and its meta-attributes (features 7)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.dates import parse_moment
from cib_store.model.rules import RuleInput
from cib_store.model.values import (
    interval_ms,
    parse_boolean,
    parse_duration_ms,
    seconds_of,
)
from crmd.scheduler.configuration.options import section
from crmd.scheduler.parameters import parameters_on
from crmd.scheduler.state.action import Needs, OnFail
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role, parse_role

TIMEOUT_DEFAULT_MS = 20_000
_INT_MAX = 2**31 - 1
_ON_FAIL = {
    "block": OnFail.BLOCK,
    "fence": OnFail.FENCE,
    "standby": OnFail.STANDBY,
    "ignore": OnFail.IGNORE,
    "nothing": OnFail.IGNORE,
    "migrate": OnFail.BAN,
    "stop": OnFail.STOP,
    "restart": OnFail.RESTART,
    "restart-container": OnFail.RESTART_CONTAINER,
    "demote": OnFail.DEMOTE,
}


def is_probe(task: str, interval: int) -> bool:
    """Whether an operation is a probe: a monitor that does not recur."""
    return interval == 0 and task == "monitor"


def is_enabled(operation: Element) -> bool:
    """Whether a configured operation is enabled."""
    return parse_boolean(operation.attributes.get("enabled")) is not False


def find_operation(
    rsc: Resource, task: str, interval: int, *, disabled_too: bool
) -> Element | None:
    """Return the configured operation for an action (features 7.x)."""
    found = _find_exact(rsc, task, interval, disabled_too)
    if found is None and task in ("migrate_to", "migrate_from"):
        found = _find_exact(rsc, "migrate", 0, disabled_too)
    return found


def _find_exact(rsc: Resource, task: str, interval: int, disabled_too: bool) -> Element | None:
    for operation in rsc.operations:
        attributes = operation.attributes
        if (
            attributes.get("name") == task
            and interval_ms(attributes.get("interval")) == interval
            and (disabled_too or is_enabled(operation))
        ):
            return operation
    return None


def find_notify(rsc: Resource) -> Element | None:
    """Return the configured ``notify`` operation."""
    return _find_exact(rsc, "notify", 0, True)


def operation_meta(
    run: Run, rsc: Resource, node: Node | None, task: str, interval: int, config: Element | None
) -> dict[str, str]:
    """Merge the meta-attributes of an operation, with defaults (features 7.x).

    Precedence: attributes of ``op``, its meta-attributes, (probes) the timeout of the most
    frequent monitor, op_defaults.
    """
    defaults = section(run.cib, "op_defaults")
    given: RuleInput | None = None
    meta: dict[str, str] = {}
    if defaults is not None or (config is not None and config.children):
        given = _rule_input(run, rsc, task, interval)
    if config is not None:
        if config.children:
            run.pairs(config, "meta_attributes", given, into=meta)
        meta.update(config.attributes)
    if is_probe(task, interval) and "timeout" not in meta:
        monitor = _most_frequent_monitor(rsc)
        if monitor is not None and "timeout" in monitor.attributes:
            meta["timeout"] = monitor.attributes["timeout"]
    run.pairs(defaults, "meta_attributes", given, into=meta)
    meta.pop("id", None)
    if interval > 0:
        meta["interval"] = str(interval)
    else:
        meta.pop("interval", None)
    if rsc.fence_device and (task == "start" or is_probe(task, interval)):
        timeout = parameters_on(run, rsc, node).get("pcmk_monitor_timeout")
        if timeout is not None:
            meta["timeout"] = timeout
    meta["timeout"] = str(_timeout_ms(meta.get("timeout")))
    _validate_on_fail(rsc, task, config, meta)
    _set_start_delay(run, rsc, meta, interval)
    return meta


def _rule_input(run: Run, rsc: Resource, task: str, interval: int) -> RuleInput:
    attributes = rsc.element.attributes
    return RuleInput(
        now=run.now,
        standard=attributes.get("class"),
        provider=attributes.get("provider"),
        agent=attributes.get("type"),
        operation=task,
        interval_ms=interval,
    )


def _timeout_ms(text: str | None) -> int:
    value = parse_duration_ms(text)
    return TIMEOUT_DEFAULT_MS if value is None or value <= 0 else min(value, _INT_MAX)


def _most_frequent_monitor(rsc: Resource) -> Element | None:
    best: Element | None = None
    shortest = 0
    for operation in rsc.operations:
        if operation.get("name") != "monitor" or not is_enabled(operation):
            continue
        interval = interval_ms(operation.attributes.get("interval"))
        if interval and (best is None or interval < shortest):
            best, shortest = operation, interval
    return best


def _set_start_delay(run: Run, rsc: Resource, meta: dict[str, str], interval: int) -> None:
    delay = meta.get("start-delay")
    if delay is not None:
        value = parse_duration_ms(delay)
        meta["start-delay"] = str(min(max(value or 0, 0), _INT_MAX))
        return
    origin = parse_moment(meta.get("interval-origin")) if interval else None
    seconds = seconds_of(interval)
    if origin is not None and seconds:
        since = run.clock(rsc) - origin.epoch
        # Truncating division, as the reference computes the remainder of a negative span.
        past = abs(since) % seconds * (1 if since >= 0 else -1)
        meta["start-delay"] = str(((0 if past <= 0 else seconds) - past) * 1000)


def _is_promoted_monitor(operation: Element) -> bool:
    return (
        operation.get("name") == "monitor"
        and parse_role(operation.attributes.get("role")) is Role.PROMOTED
        and interval_ms(operation.attributes.get("interval")) > 0
    )


def _validate_on_fail(
    rsc: Resource, task: str, config: Element | None, meta: dict[str, str]
) -> None:
    """Replace an ``on-fail`` that the task does not allow (features 7.x)."""
    value = meta.get("on-fail")
    folded = value.lower() if value is not None else ""
    if task == "stop" and folded in ("standby", "demote", "stop"):
        del meta["on-fail"]
    elif task == "demote" and value is None:
        for operation in rsc.operations:
            promote_on_fail = operation.attributes.get("on-fail")
            if (
                promote_on_fail is not None
                and promote_on_fail.lower() != "demote"
                and is_enabled(operation)
                and _is_promoted_monitor(operation)
            ):
                meta["on-fail"] = promote_on_fail
    elif task == "lrm_delete":
        meta["on-fail"] = "ignore"
    elif folded == "demote" and (
        config is None or not (config.get("name") == "promote" or _is_promoted_monitor(config))
    ):
        del meta["on-fail"]


def requirement(rsc: Resource, task: str) -> Needs:
    """What must be given before an action may start."""
    if task not in ("start", "promote"):
        return Needs.NOTHING
    if rsc.needs_fencing:
        return Needs.FENCING
    return Needs.QUORUM if rsc.needs_quorum else Needs.NOTHING


def on_fail_of(run: Run, rsc: Resource, task: str, interval: int, value: str | None) -> OnFail:
    """What a failure of the operation brings about (features 7.x)."""
    choice = _ON_FAIL.get(value.lower()) if value is not None else None
    if choice is OnFail.FENCE and not run.fencing_enabled:
        choice = OnFail.STOP
    if choice is OnFail.RESTART_CONTAINER and rsc.launcher is None:
        choice = None
    resets_remote = False
    node = run.find_node(rsc.id) if rsc.remote_connection else None
    if node is not None and node.is_remote and not is_probe(task, interval) and task != "start":
        resets_remote = True
        if not rsc.managed:
            choice = None
    if choice is not None:
        return choice
    if rsc.launcher is not None:
        return OnFail.RESTART_CONTAINER
    if resets_remote:
        return OnFail.RESET_REMOTE if rsc.managed else OnFail.STOP
    if task == "stop":
        return OnFail.FENCE if run.fencing_enabled else OnFail.BLOCK
    return OnFail.RESTART


def role_after_failure(rsc: Resource, task: str, on_fail: OnFail) -> Role:
    """The role a resource is left with when an operation fails."""
    if on_fail is OnFail.STOP or (
        on_fail is OnFail.RESET_REMOTE and rsc.reconnect_interval_ms != 0
    ):
        return Role.STOPPED
    return Role.UNPROMOTED if task == "promote" else Role.STARTED
