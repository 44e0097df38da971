"""What a simulated controller asks of its node's executor and of fencers, with their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from crmd.fsa import effects as fx
from crmd.fsa import events as ev
from crmd.fsa.executor import Inventory
from raftmaker.vocabulary.ids import BootId, NodeName, Token
from raftmaker.vocabulary.membership import LogPlace
from stonithd.fencing.events import FenceRequested
from stonithd.fencing.setup import FenceAction
from tests.sim.configurations import DEVICE
from tests.sim.executor import Executor, Taken, TokenRefused
from tests.sim.fencer import Fenced

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster
    from tests.sim.controller import Controller

Reply = Callable[[object], None]
RPC_TIMEOUT_MS = 1_000


def ask_executor(
    controller: Controller,
    cluster: Cluster,
    effect: fx.Execute | fx.Cancel | fx.Forget | fx.RaiseToken | fx.AskExecutor,
) -> None:
    """Put a request to the executor of the controller's node; its answer is an event."""
    executor = cluster.executors[controller.machine.name]

    def refused(reason: str) -> None:
        controller.take_event(
            ev.ExecutionRefused(at_ms=controller.at_ms, request=effect.request, reason=reason)
        )

    def answered(value: object) -> None:
        match value:
            case Taken():
                controller.take_event(
                    ev.Executed(
                        at_ms=controller.at_ms,
                        request=effect.request,
                        call_id=value.call_id,
                        found=value.found,
                    )
                )
            case TokenRefused():
                refused(f"a higher token {value.highest} was seen")
            case Inventory():
                controller.take_event(
                    ev.ExecutorState(
                        at_ms=controller.at_ms, request=effect.request, inventory=value
                    )
                )
            case _:
                raise AssertionError(f"no answer of an executor: {value}")

    def ask() -> None:
        controller.call(
            executor,
            lambda reply: _executor_call(executor, effect, reply),
            answered=answered,
            failed=refused,
            timeout_ms=RPC_TIMEOUT_MS,
        )

    if isinstance(effect, fx.RaiseToken):
        raise_fencer(controller, cluster, effect.token, ask)
    else:
        ask()


def ask_store(
    controller: Controller, cluster: Cluster, effect: fx.AskToGoAlone | fx.GoAlone
) -> None:
    """Ask the store of the controller's node about going on alone; its answer is an event."""
    store = cluster.stores[controller.machine.name]

    def must_not(reason: str) -> ev.Event:
        return ev.MustNotGoAlone(at_ms=controller.at_ms, request=effect.request, reason=reason)

    def answered(value: object) -> None:
        match value:
            case (LogPlace() as place, str() as peer, str() as boot_id):
                event: ev.Event = ev.MayGoAlone(
                    at_ms=controller.at_ms,
                    request=effect.request,
                    place=place,
                    peer=NodeName(peer),
                    boot_id=BootId(boot_id),
                )
            case True:
                event = ev.WentAlone(at_ms=controller.at_ms, request=effect.request)
            case _:
                event = must_not(str(value))
        controller.take_event(event)

    def ask(reply: Reply) -> None:
        match effect:
            case fx.AskToGoAlone():
                store.survivor.may(reply)
            case fx.GoAlone():
                store.survivor.go(effect.place, effect.proof, reply)

    controller.call(
        store,
        ask,
        answered=answered,
        failed=lambda reason: controller.take_event(must_not(reason)),
        timeout_ms=3 * RPC_TIMEOUT_MS,
    )


def raise_fencer(
    controller: Controller, cluster: Cluster, token: Token, go_on: Callable[[], None] | None
) -> None:
    """Raise the fencer's token; one that does not answer holds nothing up and is asked again."""
    if token < controller.fencer_token:
        if go_on is not None:
            go_on()
        return
    controller.fencer_token = token
    fencer = cluster.fencers[controller.machine.name]

    def answered(value: object) -> None:
        if go_on is not None:
            go_on()

    def failed(reason: str) -> None:
        answered(reason)
        controller.later(RPC_TIMEOUT_MS, lambda: raise_fencer(controller, cluster, token, None))

    controller.call(
        fencer,
        lambda reply: fencer.raise_token(token, reply),
        answered=answered,
        failed=failed,
        timeout_ms=RPC_TIMEOUT_MS // 2,
    )


def fencing_ended(
    controller: Controller,
    cluster: Cluster,
    effect: fx.RunFencing,
    confirmed: bool = False,
    devices: tuple[str, ...] = (),
    reason: str = "too late",
) -> ev.Event:
    """Return the event that ends a fencing."""
    return ev.FencingEnded(
        at_ms=controller.at_ms,
        request=effect.request,
        confirmed=confirmed,
        now_s=cluster.wall_us() // 1_000_000,
        devices=devices,
        reason=reason,
    )


def run_fencing(controller: Controller, cluster: Cluster, effect: fx.RunFencing) -> None:
    """Have the fencer of a node run the devices; how it ends is an event."""

    def answered(value: object) -> None:
        assert isinstance(value, Fenced)
        controller.take_event(
            fencing_ended(controller, cluster, effect, value.confirmed, value.devices, value.reason)
        )

    if _is_alone(controller) and not cluster.rules.survivor_needs_device:
        ended = fencing_ended(controller, cluster, effect, True, (DEVICE,))
        controller.later(20, lambda: controller.take_event(replace(ended, at_ms=controller.at_ms)))
        return
    fencer = cluster.fencers[effect.at]
    request = FenceRequested(
        at_ms=0,
        request=0,
        token=effect.token,
        target=effect.target,
        boot_id=effect.boot_id,
        session=effect.session,
        action=FenceAction(effect.action),
        timeout_ms=effect.timeout_ms,
        delay_ms=effect.delay_ms,
        client=effect.client,
        afresh=effect.afresh,
    )
    # The one of two that is to survive is in contact with nobody: what it may do is looked at where
    # its device runs.
    if effect.at != controller.machine.name or not _is_alone(controller):
        cluster.checkers.order_sent(controller, effect.token)
    controller.call(
        fencer,
        lambda reply: fencer.fence(request, reply),
        answered=answered,
        failed=lambda reason: controller.take_event(
            fencing_ended(controller, cluster, effect, reason=reason)
        ),
        timeout_ms=effect.timeout_ms * 2 + 5_000,
    )


def _is_alone(controller: Controller) -> bool:
    return controller.state is not None and controller.state.survival is not None


def _executor_call(
    executor: Executor,
    effect: fx.Execute | fx.Cancel | fx.Forget | fx.RaiseToken | fx.AskExecutor,
    reply: Reply,
) -> None:
    match effect:
        case fx.Execute():
            executor.execute(effect.operation, reply)
        case fx.Cancel():
            executor.cancel(
                effect.token, effect.resource, effect.operation, effect.interval_ms, reply
            )
        case fx.Forget():
            executor.forget(
                effect.token,
                effect.resource,
                effect.operation,
                effect.interval_ms,
                effect.failure,
                reply,
            )
        case fx.RaiseToken():
            executor.raise_token(effect.token, reply)
        case fx.AskExecutor():
            reply(executor.inventory())


def order_event(
    target: Controller, call: int, effect: fx.SendOrder | fx.SendCancel | fx.SendForget
) -> ev.Event:
    """Return the event by which a member takes an order of a DC."""
    match effect:
        case fx.SendOrder():
            return ev.OrderReceived(
                at_ms=target.at_ms,
                call=call,
                boot_id=effect.boot_id,
                join_number=effect.join_number,
                operation=effect.operation,
            )
        case fx.SendCancel():
            return ev.CancelReceived(
                at_ms=target.at_ms,
                call=call,
                token=effect.token,
                resource=effect.resource,
                operation=effect.operation,
                interval_ms=effect.interval_ms,
            )
        case fx.SendForget():
            return ev.ForgetReceived(
                at_ms=target.at_ms,
                call=call,
                token=effect.token,
                resource=effect.resource,
                operation=effect.operation,
                interval_ms=effect.interval_ms,
                failure=effect.failure,
            )
