"""The member: joins, takes orders under one token only, and tells results in order."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cib_store.document.codec import parse
from cib_store.document.element import Element
from crmd.fsa import effects, events
from crmd.fsa.executor import AgentTraits, Inventory, PendingOperation
from crmd.fsa.state import Name
from lrmd.operations.values import OperationRequest
from raftmaker.vocabulary.codes import ExitCode, OpStatus
from raftmaker.vocabulary.commands import AcquireDc, CibChange, OpenSession, ReleaseDc
from raftmaker.vocabulary.ids import BootId, ResourceId, Session, Token
from tests.unit.crmd.fsa.world import DUMMY, A, B, C, World, boot, request, result_of


def order(world: World, operation: OperationRequest, *, call: int = 5, join: int = 0) -> None:
    world.take(
        events.OrderReceived(
            at_ms=world.at_ms,
            call=call,
            boot_id=boot(A),
            join_number=join or world.core.member.join_number,
            operation=operation,
        )
    )


def run(world: World, operation: OperationRequest, call_id: int = 1) -> None:
    """Order an operation and let the executor take it."""
    order(world, operation)
    execute = world.last(effects.Execute)
    world.take(events.Executed(at_ms=world.at_ms, request=execute.request, call_id=call_id))
    for asked in world.take_all(effects.ReadMetadata):
        world.take(events.MetadataRead(at_ms=world.at_ms, agent=asked.agent, traits=AgentTraits()))


def end(world: World, operation: OperationRequest, serial: int = 1, **how: object) -> None:
    """Let the executor report a result, and the batch go."""
    result = result_of(operation, serial=serial, call_id=serial, **how)  # type: ignore[arg-type]  # the tests name real fields
    world.take(events.ExecutorResult(at_ms=world.at_ms, result=result))
    world.pass_time(30)


def test_an_order_goes_to_the_executor_and_is_answered_with_its_call() -> None:
    world = World()
    token = world.become_member()
    run(world, request(token=token), call_id=9)
    assert world.last(effects.OrderTaken) == effects.OrderTaken(call=5, call_id=9)


@pytest.mark.parametrize("fault", ["boot", "older token", "newer token", "join", "isolated"])
def test_what_an_order_must_not_be(fault: str) -> None:
    """protocols, DC"""
    world = World()
    token = world.become_member()
    boot_id, join = boot(A), world.core.member.join_number
    match fault:
        case "boot":
            boot_id = BootId("another")
        case "older token":
            token = replace(token, counter=token.counter - 1)
        case "newer token":
            token = replace(token, counter=token.counter + 1)
        case "join":
            join -= 1
        case _:
            world.pass_time(700, beats=False)
    world.take(
        events.OrderReceived(
            at_ms=world.at_ms, call=5, boot_id=boot_id, join_number=join,
            operation=request(token=token),
        )
    )  # fmt: skip
    assert not world.found(effects.Execute)
    assert world.last(effects.Refused).code is ExitCode.TEMPFAIL


def test_an_old_dcs_late_order_is_refused_once_a_new_dc_is_known() -> None:
    """protocols, DC"""
    world = World()
    old = world.become_member()
    world.commit(OpenSession(node=C, boot_id=boot(C), controller_start=1))
    world.commit(ReleaseDc(old))
    world.commit(AcquireDc(node=C, boot_id=boot(C), session=Session(1)))
    world.show()
    order(world, request(token=old))
    assert not world.found(effects.Execute)


def test_a_repeated_order_is_executed_once() -> None:
    world = World()
    token = world.become_member()
    operation = request(token=token)
    order(world, operation, call=5)
    order(world, operation, call=6)
    (execute,) = world.found(effects.Execute)
    world.take(events.Executed(at_ms=world.at_ms, request=execute.request, call_id=3))
    order(world, operation, call=7)
    assert [one.call for one in world.found(effects.OrderTaken)] == [5, 6, 7]
    assert len(world.found(effects.Execute)) == 1


def test_a_join_raises_the_token_before_it_is_answered() -> None:
    """protocols, DC"""
    world = World()
    world.commit(OpenSession(node=B, boot_id=boot(B), controller_start=1))
    world.commit(AcquireDc(node=B, boot_id=boot(B), session=Session(1)))
    world.start(B)
    token = world.store.facts.token
    world.request_join(token, dc=B)
    assert world.last(effects.RaiseToken).token == token
    assert not world.found(effects.JoinAccepted)
    world.answer_executor()
    assert world.found(effects.JoinAccepted)


def test_a_join_with_an_older_token_is_refused() -> None:
    world = World()
    token = world.become_member()
    world.sent.clear()
    world.request_join(replace(token, counter=0), dc=C)
    assert not world.found(effects.RaiseToken)
    assert world.found(effects.Refused)


def test_a_join_that_the_executor_holds_up_is_refused_in_time() -> None:
    world = World()
    token = world.become_member()
    world.request_join(token, dc=B, call=8)
    world.pass_time(700)
    assert world.last(effects.Refused).call == 8


def test_what_began_is_shown_as_pending_until_it_ends() -> None:
    """features 8.11, 3.17"""
    world = World()
    operation = request(token=world.become_member())
    run(world, operation)
    world.pass_time(30)
    assert world.ops(A)["web_last_0"].get("op-status") == "-1"
    end(world, operation)
    assert world.ops(A)["web_last_0"].get("op-status") == "0"
    assert world.last(effects.ConfirmResults).serial == 1


def test_a_result_that_is_faster_than_its_acceptance_stays() -> None:
    world = World()
    operation = request(token=world.become_member())
    order(world, operation)
    world.take(events.MetadataRead(at_ms=world.at_ms, agent=DUMMY, traits=AgentTraits()))
    end(world, operation)
    execute = world.last(effects.Execute)
    world.take(events.Executed(at_ms=world.at_ms, request=execute.request, call_id=1))
    world.pass_time(50)
    assert world.ops(A)["web_last_0"].get("op-status") == "0"


def test_results_of_20_ms_go_in_one_change() -> None:
    """protocols, Commands"""
    world = World()
    token = world.become_member()
    operations = [
        request(resource=f"r{number}", token=token, key=f"{number}:1:0:x") for number in range(5)
    ]
    for number, operation in enumerate(operations):
        run(world, operation, call_id=number + 1)
    world.pass_time(50)
    before = len(world.recorded)
    for number, operation in enumerate(operations):
        result = result_of(operation, serial=number + 1, call_id=number + 1)
        world.take(events.ExecutorResult(at_ms=world.at_ms, result=result))
    world.pass_time(30)
    assert len(world.recorded) == before + 1
    assert world.last(effects.ConfirmResults).serial == 5


def test_a_failure_is_counted_in_the_same_change() -> None:
    """features 8.17, 8.20, 15.17"""
    world = World()
    token = world.become_member()
    monitor = request("monitor", interval_ms=10_000, token=token)
    run(world, monitor)
    end(world, monitor, code=7, at_s=1_700_000_100)
    assert world.attributes(A) == {
        "fail-count-web#monitor_10000": "1",
        "last-failure-web#monitor_10000": "1700000100",
    }
    end(world, monitor, serial=2, code=1, at_s=1_700_000_200)
    assert world.attributes(A)["fail-count-web#monitor_10000"] == "2"


def test_a_failure_of_what_is_not_managed_is_counted_too() -> None:
    """features 35.18: nothing is done about it, and the fail count rises"""
    world = World()
    token = world.become_member()
    web = (
        '<resources><primitive id="web" class="ocf" provider="heartbeat" type="Dummy">'
        '<meta_attributes id="m"><nvpair id="n" name="is-managed" value="false"/></meta_attributes>'
        "</primitive></resources>"
    )

    def unmanaged(cib: Element) -> Element:
        configuration, status = cib.children
        parts = (parse(web) if one.tag == "resources" else one for one in configuration.children)
        return cib.with_children((configuration.with_children(tuple(parts)), status))

    world.configure(unmanaged)
    monitor = request("monitor", interval_ms=10_000, token=token)
    run(world, monitor)
    for serial in (1, 2):
        end(world, monitor, serial=serial, code=7, at_s=1_700_000_000 + serial)
    assert world.attributes(A)["fail-count-web#monitor_10000"] == "2"


def test_a_result_that_is_sent_again_counts_once() -> None:
    world = World()
    monitor = request("monitor", interval_ms=10_000, token=world.become_member())
    run(world, monitor)
    end(world, monitor, code=7)
    end(world, monitor, code=7)
    assert world.attributes(A)["fail-count-web#monitor_10000"] == "1"


def test_a_failure_known_from_a_join_still_counts() -> None:
    world = World()
    token = world.become_member()
    monitor = request("monitor", interval_ms=10_000, token=token)
    run(world, monitor)
    failed = result_of(monitor, code=7)
    world.request_join(token, dc=B)
    inventory = Inventory(boot_id=boot(A), incarnation="i1", token=token, history=(failed,))
    world.answer_executor(inventory)
    world.store_join()
    world.take(events.ExecutorResult(at_ms=world.at_ms, result=failed))
    world.pass_time(30)
    assert world.attributes(A)["fail-count-web#monitor_10000"] == "1"
    world.take(events.ExecutorResult(at_ms=world.at_ms, result=replace(failed, serial=2)))
    world.pass_time(30)
    assert world.attributes(A)["fail-count-web#monitor_10000"] == "1"


def test_no_result_goes_between_a_joins_inventory_and_its_write() -> None:
    """The DC's write would put an older history in its place."""
    world = World()
    token = world.become_member()
    operation = request(token=token)
    run(world, operation)
    world.pass_time(50)
    world.request_join(token, dc=B)
    pending = PendingOperation(call_id=1, request=operation)
    inventory = Inventory(boot_id=boot(A), incarnation="i1", token=token, pending=(pending,))
    world.answer_executor(inventory)
    end(world, operation)
    assert world.ops(A)["web_last_0"].get("op-status") == "-1"
    world.store_join()
    world.pass_time(30)
    assert world.ops(A)["web_last_0"].get("op-status") == "0"


def test_what_was_pending_is_not_told_after_a_join_that_told_how_it_ended() -> None:
    """The write that would show it failed, and the start ended before the next DC took stock."""
    world = World()
    operation = request(token=world.become_member())
    world.silent_store = True
    run(world, operation)
    world.pass_time(30)
    (lost,) = world.drop_records()
    started = result_of(operation, serial=1, call_id=1)
    world.take(events.ExecutorResult(at_ms=world.at_ms, result=started))
    world.request_join(operation.token, dc=B, call=9)
    world.answer_executor(
        Inventory(boot_id=boot(A), incarnation="i1", token=operation.token, history=(started,))
    )
    world.store_join()
    world.silent_store = False
    world.take(events.Recorded(at_ms=world.at_ms, request=lost.request, code=ExitCode.OLD, index=0))
    world.pass_time(1_000)
    assert world.ops(A)["web_last_0"].get("op-status") == "0"


def test_a_batch_that_was_believed_lost_and_comes_late_changes_nothing() -> None:
    """The model is a proposal that is delayed past what followed it."""
    world = World()
    token = world.become_member()
    stop = request("stop", token=token, key="1:1:0:x")
    run(world, stop)
    world.pass_time(50)
    world.silent_store = True
    end(world, stop)
    (late,) = world.drop_records()
    world.silent_store = False
    world.take(events.Recorded(at_ms=world.at_ms, request=late.request, code=None))
    world.pass_time(300)
    start = request("start", token=token, key="2:1:0:x")
    run(world, start)
    end(world, start, serial=2)
    assert world.ops(A)["web_last_0"].get("operation") == "start"
    assert isinstance(late.body, CibChange)
    assert world.commit(late.body, None, A) is ExitCode.OLD
    assert world.ops(A)["web_last_0"].get("operation") == "start"


def test_a_result_waits_for_its_agents_metadata() -> None:
    """features 3.19"""
    world = World()
    operation = request(token=world.become_member(), state="/tmp/x", delay="1", passwd="x")
    order(world, operation)
    execute = world.last(effects.Execute)
    world.take(events.Executed(at_ms=world.at_ms, request=execute.request, call_id=1))
    end(world, operation)
    assert world.ops(A)["web_last_0"].get("op-status") == "-1"
    traits = AgentTraits(
        reloads=True, reloadable=frozenset(("delay",)), parameters=("state", "delay", "passwd")
    )
    world.take(events.MetadataRead(at_ms=world.at_ms, agent=DUMMY, traits=traits))
    world.pass_time(30)
    entry = world.ops(A)["web_last_0"]
    assert entry.get("op-force-restart") == " passwd  state "
    assert entry.get("op-secure-params") == " passwd "
    assert len({entry.get(name) for name in _DIGESTS}) == 3


_DIGESTS = ("op-digest", "op-restart-digest", "op-secure-digest")


def test_a_forgotten_resource_is_forgotten_by_the_executor_first() -> None:
    """features 8.23"""
    world = World()
    token = world.become_member()
    operation = request(token=token)
    run(world, operation)
    end(world, operation)
    forget = events.ForgetReceived(
        at_ms=world.at_ms, call=6, token=token, resource=ResourceId("web")
    )
    world.take(forget)
    assert "web_last_0" in world.ops(A)
    asked = world.last(effects.Forget)
    world.take(events.Executed(at_ms=world.at_ms, request=asked.request, found=True))
    world.pass_time(30)
    assert "web_last_0" not in world.ops(A)
    assert world.last(effects.Ended).call == 6


def test_a_cancelled_monitor_leaves_the_history() -> None:
    world = World()
    token = world.become_member()
    monitor = request("monitor", interval_ms=10_000, token=token)
    run(world, monitor)
    end(world, monitor)
    cancel = events.CancelReceived(
        at_ms=world.at_ms, call=6, token=token, resource=ResourceId("web"),
        operation="monitor", interval_ms=10_000,
    )  # fmt: skip
    world.take(cancel)
    asked = world.last(effects.Cancel)
    world.take(events.Executed(at_ms=world.at_ms, request=asked.request, found=True))
    end(world, monitor, serial=2, code=193, status=OpStatus.CANCELLED)
    assert "web_monitor_10000" not in world.ops(A)


def test_a_cancellation_alone_commits_nothing() -> None:
    """What changes nothing is no step of the watch: awaiting it would hold up the next result."""
    world = World()
    token = world.become_member()
    monitor = request("monitor", interval_ms=10_000, token=token)
    run(world, monitor)
    end(world, monitor)
    recorded = len(world.recorded)
    end(world, monitor, serial=2, code=193, status=OpStatus.CANCELLED)
    assert len(world.recorded) == recorded
    assert world.last(effects.ConfirmResults).serial == 2


def test_an_executor_that_came_back_anew_is_joined_anew() -> None:
    world = World()
    token = world.become_member()
    world.take(events.ExecutorLost(at_ms=world.at_ms))
    world.take(events.ExecutorReturned(at_ms=world.at_ms, incarnation="i2"))
    assert world.node_state(A).get("join") == "pending"
    order(world, request(token=token))
    assert not world.found(effects.Execute)


def test_a_lost_connection_to_the_same_executor_changes_nothing() -> None:
    world = World()
    token = world.become_member()
    world.take(events.ExecutorLost(at_ms=world.at_ms))
    world.take(events.ExecutorReturned(at_ms=world.at_ms, incarnation="i1"))
    order(world, request(token=token))
    assert world.found(effects.Execute)
    assert world.name() is Name.S_NOT_DC


def test_what_the_executor_may_or_may_not_have_taken_needs_a_new_inventory() -> None:
    world = World()
    token = world.become_member()
    order(world, request(token=token))
    world.take(events.ExecutorLost(at_ms=world.at_ms))
    world.take(events.ExecutorReturned(at_ms=world.at_ms, incarnation="i1"))
    assert world.core.member.joined is None
    assert world.node_state(A).get("join") == "pending"


def test_a_restarted_controller_shows_that_it_has_to_be_joined() -> None:
    world = World()
    world.become_member()
    state = world.node_state(A)
    assert state.get("join") == "member"
    again = World()
    again.store = world.store
    again.core = replace(again.core, config=replace(again.core.config, controller_start=2))
    again.start()
    assert again.node_state(A).get("join") != "member"
    assert Token() < again.store.facts.token
