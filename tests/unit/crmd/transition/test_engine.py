"""The transition engine: begins what is ready, counts what is done, aborts, ends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crmd.scheduler.graph import ActionKind, Graph, GraphAction
from crmd.transition.engine import INFINITY, step, transition_of
from crmd.transition.values import (
    Aborted,
    ActionDone,
    ActionFailed,
    Begun,
    DeadlinePassed,
    Effect,
    Ending,
    Event,
    Limits,
    LimitsChanged,
    NodeGone,
    StartAction,
    TransitionEnded,
    TransitionState,
)


def operation(
    number: int,
    *inputs: int,
    node: str = "a",
    task: str = "start",
    priority: int = 0,
    **attributes: str,
) -> GraphAction:
    return GraphAction(
        id=number,
        kind=ActionKind.RESOURCE,
        operation=task,
        operation_key=f"r{number}_{task}_0",
        on_node=node,
        inputs=inputs,
        priority=priority,
        attributes=attributes,
    )


def pseudo(number: int, *inputs: int) -> GraphAction:
    return replace(operation(number, *inputs, task="done"), kind=ActionKind.PSEUDO)


class Run:
    """A graph under way, and what began."""

    def __init__(self, *actions: GraphAction, limits: Limits | None = None, **graph: str) -> None:
        self.state: TransitionState = transition_of(
            Graph(actions=actions, **graph),  # type: ignore[arg-type]  # text options
            1,
            limits or Limits(),
        )
        self.begun: list[int] = []
        self.ended: TransitionEnded | None = None

    def ending(self) -> TransitionEnded | None:
        """Return how the graph ended; a method, as a type checker would not let it change."""
        return self.ended

    def take(self, *happened: Event) -> list[int]:
        new: list[int] = []
        for event in happened:
            self.state, effects = step(self.state, event)
            for effect in effects:
                self._note(effect, new)
        self.begun += new
        return new

    def _note(self, effect: Effect, new: list[int]) -> None:
        if isinstance(effect, StartAction):
            new.append(effect.action.id)
        else:
            assert self.ended is None, "ended twice"
            self.ended = effect


def test_actions_begin_when_their_inputs_are_done() -> None:
    """features 16.28"""
    run = Run(operation(1), operation(2, 1), operation(3, 1, 2), operation(4))
    assert run.take(Begun(0)) == [1, 4]
    assert run.take(ActionDone(1, 1)) == [2]
    assert run.take(ActionDone(2, 4), ActionDone(2, 2)) == [3]
    run.take(ActionDone(3, 3))
    assert run.ending() == TransitionEnded(Ending.COMPLETE, "")


def test_pseudo_events_are_done_at_once_and_never_started() -> None:
    """features 16.29"""
    run = Run(pseudo(1), pseudo(2, 1), operation(3, 2))
    assert run.take(Begun(0)) == [3]


def test_an_empty_graph_is_complete() -> None:
    run = Run()
    run.take(Begun(0))
    assert run.ending() == TransitionEnded(Ending.COMPLETE, "")


def test_a_failure_aborts_and_waits_for_what_runs() -> None:
    """features 16.31, 16.32"""
    run = Run(operation(1), operation(2), operation(3, 2))
    run.take(Begun(0))
    assert run.take(ActionFailed(1, 1, "exit code 1")) == []
    assert run.ending() is None
    assert run.take(ActionDone(2, 2)) == []
    end = run.ending()
    assert end is not None
    assert end.ending is Ending.ABORTED
    assert run.begun == [1, 2]


def test_a_failure_that_may_happen_counts_as_done() -> None:
    run = Run(operation(1, CRM_meta_can_fail="true"), operation(2, 1))
    run.take(Begun(0))
    assert run.take(ActionFailed(1, 1, "")) == [2]


def test_an_abort_lets_more_urgent_synapses_begin() -> None:
    """features 16.32"""
    run = Run(operation(1), operation(2, 1), operation(3, 1, priority=INFINITY))
    run.take(Begun(0), Aborted(1, INFINITY, "configuration changed"))
    assert run.take(ActionDone(2, 1)) == [3]


def test_a_lower_abort_does_not_replace_a_higher_one() -> None:
    run = Run(operation(1), operation(2, 1, priority=10))
    run.take(Begun(0), Aborted(1, 20, "first"), Aborted(2, 5, "second"), ActionDone(3, 1))
    assert run.ending() == TransitionEnded(Ending.ABORTED, "first")


def test_actions_run_out_of_time_after_timeout_and_cluster_delay() -> None:
    """features 16.31, 2.29"""
    run = Run(operation(1, CRM_meta_timeout="20000"), cluster_delay="5s")
    run.take(Begun(1_000))
    assert run.state.deadline_ms == 26_000
    run.take(DeadlinePassed(25_999))
    assert run.ending() is None
    run.take(DeadlinePassed(26_000))
    end = run.ending()
    assert end is not None
    assert "no result in time" in end.reason


def test_what_runs_on_a_remote_node_has_failed_with_it_and_with_its_router() -> None:
    """features 16.30"""
    for gone in ("far", "b"):
        run = Run(replace(operation(1, node="far"), router_node="b"))
        run.take(Begun(0), NodeGone(1, "a"))
        assert run.ending() is None
        run.take(NodeGone(2, gone))
        end = run.ending()
        assert end is not None
        assert f"{gone} is gone" in end.reason


def test_what_runs_on_a_lost_node_has_failed() -> None:
    run = Run(operation(1, node="a"), operation(2, node="b"))
    run.take(Begun(0), NodeGone(1, "b"))
    assert run.ending() is None
    run.take(ActionDone(2, 1))
    end = run.ending()
    assert end is not None
    assert end.ending is Ending.ABORTED


@pytest.mark.parametrize(
    ("limits", "begun"),
    [
        (Limits(), [1, 2, 3, 4]),
        (Limits(batch=2), [1, 2]),
        (Limits(jobs_per_node=1), [1, 3]),
        (Limits(jobs_per_node=2, jobs_of_node={"b": 1}), [1, 2, 3]),
        (Limits(migrations_per_node=1), [1, 2, 3, 4]),
    ],
)
def test_limits(limits: Limits, begun: list[int]) -> None:
    """features 2.31-2.33, 16.35"""
    run = Run(
        operation(1, node="a"),
        operation(2, node="a"),
        operation(3, node="b"),
        operation(4, node="b"),
        limits=limits,
    )
    assert run.take(Begun(0)) == begun


def test_limits_that_change_count_from_then_on() -> None:
    """features 16.36: what runs goes on."""
    run = Run(operation(1), operation(2), operation(3), limits=Limits(jobs_per_node=2))
    assert run.take(Begun(0)) == [1, 2]
    assert run.take(LimitsChanged(1, Limits(jobs_per_node=1)), ActionDone(2, 1)) == []
    assert run.take(LimitsChanged(3, Limits())) == [3]


def test_migrations_are_limited_per_node() -> None:
    """features 2.33"""
    run = Run(
        operation(1, task="migrate_to"),
        operation(2, task="migrate_to"),
        operation(3),
        limits=Limits(migrations_per_node=1),
    )
    assert run.take(Begun(0)) == [1, 3]
    assert run.take(ActionDone(1, 1)) == [2]


def test_more_urgent_actions_go_first_where_only_some_may_begin() -> None:
    run = Run(operation(1), operation(2, priority=5), limits=Limits(batch=1))
    assert run.take(Begun(0)) == [2]


def test_an_action_that_nobody_waits_for_is_done_when_sent() -> None:
    run = Run(operation(1, CRM_meta_op_no_wait="true"), operation(2, 1))
    assert run.take(Begun(0)) == [1, 2]


def test_actions_in_a_loop_terminate_the_graph() -> None:
    """features 16.34"""
    run = Run(operation(1, 2), operation(2, 1), operation(3))
    run.take(Begun(0), ActionDone(1, 3))
    end = run.ending()
    assert end is not None
    assert end.ending is Ending.TERMINATED


def test_a_graph_that_is_over_takes_nothing_in() -> None:
    run = Run(operation(1))
    run.take(Begun(0), ActionDone(1, 1))
    before = run.state
    run.take(ActionDone(2, 1), ActionFailed(2, 1, ""), Aborted(2, 1, ""), Begun(2))
    assert run.state is before


def test_a_result_is_counted_once() -> None:
    run = Run(operation(1), operation(2), operation(3, 1, 2))
    run.take(Begun(0), ActionDone(1, 1))
    assert run.take(ActionDone(2, 1)) == []
