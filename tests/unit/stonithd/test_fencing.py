"""The fencing core, case by case."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import NodeName, ResourceId, Session, Token
from stonithd.fencing.effects import (
    Delegate,
    GatherOffers,
    PersistToken,
    Reply,
    RunAgent,
    SetTimer,
    StopAgent,
)
from stonithd.fencing.events import (
    AgentEnded,
    Configured,
    DelegateEnded,
    Offer,
    OffersGathered,
    TokenSeen,
)
from stonithd.fencing.history import FencingState
from stonithd.fencing.setup import Abilities, FenceAction, HostCheck, Setup
from tests.fakes.fencer import ALL, NODES, Fencer, device, level

FABRIC = Abilities(
    actions=frozenset({FenceAction.ON, FenceAction.OFF, FenceAction.STATUS}),
    automatic_on=True,
    target_parameter="plug",
)


def test_one_device_confirms_and_the_answer_names_it() -> None:
    fencer = Fencer(device("d1"))
    fencer.fence()
    assert fencer.done() == [("d1", "off")]
    assert not fencer.replies()
    fencer.now_ms += 40
    fencer.ends()
    assert fencer.replies()[1] == Reply(
        request=1, confirmed=True, devices=(ResourceId("d1"),), took_ms=40
    )
    assert [record.state for record in fencer.state.history] == [FencingState.CONFIRMED]
    assert not fencer.state.operations
    assert not fencer.state.runs
    assert not fencer.timers


def test_without_any_device_the_answer_says_so() -> None:
    fencer = Fencer(device("d1", host_list=(NodeName("c"),)))
    fencer.fence()
    assert not fencer.replies()[1].confirmed
    assert "no usable device can fence b" in fencer.replies()[1].reason


@pytest.mark.parametrize(
    ("token", "word"),
    [(Token(1, 4), "older"), (Token(0, 9), "older"), (Token(), "only the DC")],
)
def test_a_smaller_token_is_refused_on_arrival(token: Token, word: str) -> None:
    """protocols, DC."""
    fencer = Fencer(device("d1"))
    fencer.send(TokenSeen(fencer.now_ms, Token(1, 5)))
    fencer.fence(token=token)
    assert fencer.replies()[1].refused
    assert word in fencer.replies()[1].reason
    assert not fencer.forked()
    assert not fencer.state.history


def test_the_token_is_persisted_before_anything_runs() -> None:
    fencer = Fencer(device("d1"))
    effects = fencer.fence(token=Token(1, 7))
    assert effects[0] == PersistToken(Token(1, 7))
    assert any(isinstance(effect, RunAgent) for effect in effects[1:])
    assert fencer.state.token == Token(1, 7)


def test_the_token_is_checked_again_before_the_fork() -> None:
    """protocols, DC: a delayed order of an old DC meets a higher token and forks nothing."""
    fencer = Fencer(device("d1", delay_base_ms=5000))
    fencer.fence()
    fencer.send(TokenSeen(fencer.now_ms, Token(1, 2)))
    fencer.advance(5000)
    assert not fencer.forked()
    assert fencer.replies()[1].refused


def test_a_retry_also_checks_the_token() -> None:
    fencer = Fencer(device("d1"))
    fencer.fence()
    fencer.ends(code=1)
    fencer.send(TokenSeen(fencer.now_ms, Token(1, 2)))
    fencer.advance(1000)
    assert len(fencer.forked()) == 1
    assert fencer.replies()[1].refused


def test_an_equal_request_joins_and_its_newer_token_carries_on() -> None:
    """features 17.39."""
    fencer = Fencer(device("d1", delay_base_ms=1000))
    fencer.fence()
    fencer.fence(request=2, token=Token(1, 2))
    fencer.advance(1000)
    assert len(fencer.forked()) == 1
    fencer.ends()
    assert fencer.replies()[1].confirmed
    assert fencer.replies()[2].confirmed


def test_one_that_must_run_afresh_waits_for_an_equal_one_and_runs_then() -> None:
    """features 25.11: what was asked for before proves nothing for who asks now."""
    fencer = Fencer(device("d1"))
    fencer.fence()
    fencer.fence(request=2, afresh=True)
    assert len(fencer.forked()) == 1
    fencer.ends()
    assert fencer.replies()[1].confirmed
    assert 2 not in fencer.replies()
    assert len(fencer.forked()) == 2
    fencer.ends()
    assert fencer.replies()[2].confirmed


def test_another_session_of_the_target_waits_for_the_first() -> None:
    fencer = Fencer(device("d1"))
    fencer.fence()
    fencer.fence(request=2, session=Session(2))
    assert len(fencer.forked()) == 1
    fencer.ends()
    assert len(fencer.forked()) == 2
    assert 2 not in fencer.replies()
    fencer.ends()
    assert fencer.replies()[2].confirmed


def test_a_failed_device_is_tried_twice_then_the_next() -> None:
    """features 17.12, 17.27."""
    fencer = Fencer(device("d1"), device("d2"), members=(NodeName("a"),))
    fencer.fence()
    fencer.ends(code=1)
    fencer.advance(1000)
    fencer.ends(code=1)
    assert fencer.done() == [("d1", "off"), ("d1", "off"), ("d2", "off")]
    fencer.ends()
    assert fencer.replies()[1].confirmed
    assert "d1 on a: off failed with exit code 1" in fencer.replies()[1].reason


def test_tries_are_configurable() -> None:
    """features 17.12."""
    fencer = Fencer(device("d1", tries={FenceAction.OFF: 1}), members=(NodeName("a"),))
    fencer.fence()
    fencer.ends(code=1)
    assert not fencer.replies()[1].confirmed


def test_no_second_try_after_a_timeout_or_late() -> None:
    fencer = Fencer(device("d1"), members=(NodeName("a"),))
    fencer.fence()
    fencer.ends(status=OpStatus.TIMEOUT)
    assert len(fencer.forked()) == 1
    fencer = Fencer(device("d1"), members=(NodeName("a"),))
    fencer.fence(timeout_ms=10_000)
    fencer.advance(7000)
    fencer.ends(code=1)
    assert not fencer.replies()[1].confirmed


def test_devices_with_higher_priority_come_first() -> None:
    """features 17.16."""
    fencer = Fencer(device("d1"), device("d2", priority=5))
    fencer.fence()
    assert fencer.done() == [("d2", "off")]


def test_a_level_needs_all_its_devices_and_the_next_level_follows_a_failure() -> None:
    """features 17.21, 17.24, 17.25."""
    fencer = Fencer(
        device("d1"), device("d2"), device("d3"), topology=(level(2, "d3"), level(1, "d1", "d2"))
    )
    fencer.fence()
    fencer.ends()
    fencer.ends(status=OpStatus.TIMEOUT)
    fencer.ends()
    assert fencer.done() == [("d1", "off"), ("d2", "off"), ("d3", "off")]
    assert fencer.replies()[1].confirmed
    assert fencer.replies()[1].devices == ("d3",)


def test_half_a_level_confirms_nothing() -> None:
    """features 17.24."""
    fencer = Fencer(device("d1"), device("d2"), topology=(level(1, "d1", "d2"),))
    fencer.fence()
    fencer.ends()
    assert not fencer.replies()
    fencer.ends(status=OpStatus.TIMEOUT)
    assert not fencer.replies()[1].confirmed


def test_a_reboot_by_several_devices_is_all_off_then_all_on_and_confirmed_when_off() -> None:
    """features 17.26."""
    fencer = Fencer(device("d1"), device("d2"), topology=(level(1, "d1", "d2"),))
    fencer.fence(FenceAction.REBOOT)
    fencer.ends()
    assert not fencer.replies()
    fencer.ends()
    assert fencer.replies()[1].confirmed
    fencer.ends(status=OpStatus.TIMEOUT)
    fencer.ends()
    assert fencer.done() == [("d1", "off"), ("d2", "off"), ("d1", "on"), ("d2", "on")]
    assert fencer.state.history[-1].state is FencingState.CONFIRMED
    assert "on did not end" in fencer.state.history[-1].reason
    assert not fencer.state.operations


def test_an_agent_that_unfences_by_itself_is_not_turned_on() -> None:
    """features 17.15, 17.26."""
    fencer = Fencer(device("d1"), device("d2", abilities=FABRIC), topology=(level(1, "d1", "d2"),))
    fencer.fence(FenceAction.REBOOT)
    fencer.ends()
    fencer.ends()
    fencer.ends()
    assert fencer.done() == [("d1", "off"), ("d2", "off"), ("d1", "on")]
    assert not fencer.state.operations


def test_an_agent_without_reboot_is_asked_for_off() -> None:
    """features 17.26."""
    fencer = Fencer(device("d1", abilities=FABRIC, timeouts_ms={FenceAction.OFF: 7000}))
    fencer.fence(FenceAction.REBOOT)
    assert fencer.done() == [("d1", "off")]
    assert fencer.running().timeout_ms == 7000


def test_the_delays_add_up_and_the_requested_one_is_for_the_first_device() -> None:
    """features 17.7, 17.8, 17.32."""
    fencer = Fencer(
        device("d1", delay_base_ms=1000, delay_max_ms=3000),
        device("d2", delay_by_target_ms={NodeName("b"): 500}),
        topology=(level(1, "d1", "d2"),),
    )
    fencer.fence(delay_ms=4000, jitter=0.5)
    fencer.advance(5999)
    assert not fencer.forked()
    fencer.advance(1)
    assert fencer.done() == [("d1", "off")]
    fencer.ends()
    fencer.advance(499)
    assert len(fencer.forked()) == 1
    fencer.advance(1)
    assert len(fencer.forked()) == 2


def test_a_negative_delay_switches_off_every_delay() -> None:
    """features 17.32."""
    fencer = Fencer(device("d1", delay_base_ms=9000))
    fencer.fence(delay_ms=-1)
    assert len(fencer.forked()) == 1


def test_a_busy_device_makes_the_next_fencing_wait() -> None:
    """features 17.9."""
    fencer = Fencer(device("d1"))
    fencer.fence()
    fencer.fence(request=2, target=NodeName("c"))
    assert len(fencer.forked()) == 1
    fencer.ends()
    assert [run.target for run in fencer.forked()] == ["b", "c"]
    unlimited = Fencer(device("d1", action_limit=-1))
    unlimited.fence()
    unlimited.fence(request=2, target=NodeName("c"))
    assert len(unlimited.forked()) == 2


def test_the_whole_fencing_has_a_deadline_that_kills_its_agent() -> None:
    """features 17.30: limits add up, and a fifth more (17.13)."""
    fencer = Fencer(device("d1"), device("d2"), members=(NodeName("a"),))
    fencer.fence(timeout_ms=1000)
    first = fencer.running().run
    assert fencer.running().timeout_ms == 1000
    fencer.advance(2399)
    assert not fencer.replies()
    fencer.advance(1)
    assert not fencer.replies()[1].confirmed
    assert StopAgent(first) in fencer.effects
    assert fencer.ends() == ()


def test_a_device_monitored_on_a_peer_is_run_there() -> None:
    """features 17.28."""
    fencer = Fencer(device("d1"), monitored=((ResourceId("d1"), NodeName("c")),))
    effects = fencer.fence()
    delegated = [effect for effect in effects if isinstance(effect, Delegate)]
    assert [(one.executor, one.device) for one in delegated] == [("c", "d1")]
    fencer.send(DelegateEnded(at_ms=fencer.now_ms, run=delegated[0].run, confirmed=True))
    assert fencer.replies()[1].confirmed
    assert fencer.state.history[-1].delegate == "c"


def test_a_peer_that_cannot_be_reached_is_followed_by_this_node() -> None:
    """features 17.28."""
    fencer = Fencer(
        device("d1"),
        monitored=((ResourceId("d1"), NodeName("c")),),
        topology=(level(1, "d1"),),
    )
    fencer.fence()
    run = next(effect.run for effect in fencer.effects if isinstance(effect, Delegate))
    fencer.send(
        DelegateEnded(
            at_ms=fencer.now_ms, run=run, confirmed=False, reached=False, reason="not there"
        )
    )
    assert fencer.done() == [("d1", "off")]


def test_a_banned_node_does_not_run_the_device() -> None:
    """features 17.2."""
    fencer = Fencer(device("d1", banned=(NodeName("a"),)))
    fencer.fence()
    executors = [one.executor for one in fencer.effects if isinstance(one, Delegate)]
    assert executors == ["c"]


def test_a_peers_request_runs_one_device_and_stays_out_of_the_history() -> None:
    fencer = Fencer(device("d1"), device("d2"))
    fencer.fence(device=ResourceId("d2"))
    assert fencer.done() == [("d2", "off")]
    fencer.ends()
    assert fencer.replies()[1].confirmed
    assert not fencer.state.history


@pytest.mark.parametrize(
    "one",
    [
        device("d1", enabled=False, reason="is stopped"),
        device("d1", banned=NODES),
        device("d1", abilities=None),
        device("other"),
    ],
)
def test_a_peers_request_for_what_cannot_run_here_is_refused(one: object) -> None:
    """features 17.2."""
    fencer = Fencer(one)  # type: ignore[arg-type]  # parametrized
    fencer.fence(device=ResourceId("d1"))
    assert fencer.replies()[1].refused
    assert fencer.replies()[1].reason


def test_a_dynamic_list_is_asked_for_before_planning() -> None:
    """features 17.6."""
    fencer = Fencer(device("d1", host_list=(), host_check=HostCheck.DYNAMIC_LIST))
    effects = fencer.fence()
    asked = next(effect for effect in effects if isinstance(effect, GatherOffers))
    assert asked.devices == ("d1",)
    offer = Offer(ResourceId("d1"), NodeName("a"))
    fencer.send(OffersGathered(fencer.now_ms, asked.operation, (offer,)))
    fencer.ends()
    assert fencer.replies()[1].confirmed


def test_the_agent_is_told_action_target_and_parameters() -> None:
    """features 17.3, 17.4, 17.10, 17.18."""
    fencer = Fencer(
        device(
            "d1",
            host_list=(),
            host_map={NodeName("b"): "2,3"},
            words={FenceAction.OFF: "poweroff"},
            parameters={"ip": "192.0.2.1", "username": "fence"},
        )
    )
    fencer.fence()
    assert fencer.running().options == (
        ("action", "poweroff"),
        ("nodename", "b"),
        ("port", "2,3"),
        ("ip", "192.0.2.1"),
        ("username", "fence"),
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"host_argument": "none"}, {}),
        ({"host_argument": "vm"}, {"vm": "b"}),
        ({"parameters": {"port": "7"}}, {"port": "7"}),
        ({"parameters": {"port": "dynamic"}}, {"port": "b"}),
    ],
)
def test_which_parameter_names_the_target(
    fields: dict[str, object], expected: dict[str, str]
) -> None:
    """features 17.3."""
    fencer = Fencer(device("d1", **fields))
    fencer.fence()
    options = dict(fencer.running().options)
    assert {key: value for key, value in options.items() if key in ("port", "vm")} == expected


def test_a_device_removed_while_its_fencing_waits_fails_it() -> None:
    fencer = Fencer(device("d1", delay_base_ms=1000), members=(NodeName("a"),))
    fencer.fence()
    fencer.send(Configured(fencer.now_ms, Setup()))
    fencer.advance(1000)
    assert not fencer.replies()[1].confirmed
    assert "removed" in fencer.replies()[1].reason


def test_the_late_end_of_an_agent_changes_nothing() -> None:
    fencer = Fencer(device("d1"))
    before = fencer.state
    fencer.send(AgentEnded(at_ms=fencer.now_ms, run=77, code=0))
    assert fencer.state == before


def test_abilities_of_an_agent_that_is_not_installed_leave_it_to_the_peers() -> None:
    fencer = Fencer(device("d1", abilities=None))
    fencer.fence()
    assert [one.executor for one in fencer.effects if isinstance(one, Delegate)] == ["c"]


def test_delays_are_timers() -> None:
    fencer = Fencer(device("d1", delay_base_ms=250, abilities=ALL))
    effects = fencer.fence()
    assert 1250 in [effect.at_ms for effect in effects if isinstance(effect, SetTimer)]


def test_a_second_try_has_only_the_time_that_is_left() -> None:
    """features 17.11, 17.31."""
    fencer = Fencer(device("d1"), members=(NodeName("a"),))
    fencer.fence(timeout_ms=10_000)
    fencer.advance(3000)
    fencer.ends(code=1)
    fencer.advance(1000)
    assert [run.timeout_ms for run in fencer.forked()] == [10_000, 6000]


def test_a_fencing_that_ran_out_of_time_frees_its_device() -> None:
    """features 17.9."""
    fencer = Fencer(device("d1"), members=(NodeName("a"),))
    fencer.fence(timeout_ms=1000)
    fencer.fence(request=2, target=NodeName("c"), timeout_ms=100_000)
    assert len(fencer.forked()) == 1
    fencer.advance(1200)
    assert [run.target for run in fencer.forked()] == ["b", "c"]


def test_what_was_delegated_to_a_node_that_is_gone_is_run_by_another() -> None:
    """features 17.28."""
    monitored = ((ResourceId("d1"), NodeName("c")),)
    fencer = Fencer(device("d1"), monitored=monitored, topology=(level(1, "d1"),))
    fencer.fence()
    run = next(effect.run for effect in fencer.effects if isinstance(effect, Delegate))
    left = replace(fencer.state.setup, members=(NodeName("a"),))
    fencer.send(Configured(fencer.now_ms, left))
    assert StopAgent(run) in fencer.effects
    assert fencer.done() == [("d1", "off")]


def test_a_peers_request_is_refused_when_the_agent_vanished() -> None:
    fencer = Fencer(device("d1"))
    fencer.fence(device=ResourceId("d1"))
    fencer.ends(status=OpStatus.NOT_INSTALLED)
    assert fencer.replies()[1].refused


@pytest.mark.parametrize("action", [FenceAction.STATUS, FenceAction.LIST, FenceAction.METADATA])
def test_what_is_no_fencing_is_refused(action: FenceAction) -> None:
    fencer = Fencer(device("d1"))
    fencer.fence(action)
    assert fencer.replies()[1].refused


def test_the_target_runs_a_device_only_when_nobody_else_can() -> None:
    """features 17.27."""
    fencer = Fencer(device("d1"), members=(NodeName("a"), NodeName("b")))
    fencer.fence(target=NodeName("a"))
    assert [one.executor for one in fencer.effects if isinstance(one, Delegate)] == ["b"]
    alone = Fencer(device("d1"), members=(NodeName("a"),))
    alone.fence(target=NodeName("a"))
    assert alone.done() == [("d1", "off")]
