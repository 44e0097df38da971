"""Whatever happens in whatever order: inputs first, each once, nothing after an abort."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmd.scheduler.graph import ActionKind, Graph, GraphAction
from crmd.transition.engine import INFINITY, step, transition_of
from crmd.transition.values import (
    Aborted,
    ActionDone,
    ActionFailed,
    Begun,
    Effect,
    Limits,
    NodeGone,
    Progress,
    StartAction,
    TransitionEnded,
    TransitionState,
)

NODES = ("a", "b")
Happened = Begun | ActionDone | ActionFailed | NodeGone | Aborted


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(0, 8))
    actions = tuple(
        GraphAction(
            id=number,
            kind=draw(st.sampled_from((ActionKind.RESOURCE, ActionKind.PSEUDO))),
            operation=draw(st.sampled_from(("start", "stop", "migrate_to"))),
            operation_key=f"k{number}",
            on_node=draw(st.sampled_from(NODES)),
            inputs=tuple(sorted(draw(st.sets(st.integers(0, number - 1))))) if number else (),
            priority=draw(st.sampled_from((0, 10, INFINITY))),
        )
        for number in range(count)
    )
    return Graph(actions=actions)


LIMITS = st.builds(
    Limits,
    batch=st.none() | st.integers(1, 3),
    jobs_per_node=st.none() | st.integers(1, 2),
    migrations_per_node=st.none() | st.integers(0, 1),
)


class Watched:
    """Checks the rules at every effect."""

    def __init__(self, graph: Graph, limits: Limits) -> None:
        self.state: TransitionState = transition_of(graph, 1, limits)
        self.begun: set[int] = set()
        self.ended = False
        self.aborted = 0

    def take(self, event: Happened) -> None:
        if isinstance(event, Aborted):
            self.aborted = max(self.aborted, event.priority)
        self.state, effects = step(self.state, event)
        for effect in effects:
            self._check(effect)

    def _check(self, effect: Effect) -> None:
        assert not self.ended, "something after the end"
        if isinstance(effect, TransitionEnded):
            assert not self.state.running
            self.ended = True
            return
        assert isinstance(effect, StartAction)
        action = effect.action
        assert action.kind is not ActionKind.PSEUDO
        assert action.id not in self.begun, "begun twice"
        self.begun.add(action.id)
        assert all(self.state.progress[one] is Progress.DONE for one in action.inputs)
        assert action.priority >= self.aborted
        limit = self.state.limits.batch
        assert limit is None or len(self.state.running) <= limit


@given(graphs(), LIMITS, st.data())
def test_the_rules_hold_and_the_graph_ends(
    graph: Graph, limits: Limits, data: st.DataObject
) -> None:
    """features 16.28-16.35"""
    watched = Watched(graph, limits)
    watched.take(Begun(0))
    for at_ms in range(60):
        running = sorted(watched.state.running)
        if not running:
            break
        action = data.draw(st.sampled_from(running))
        happened: tuple[Happened, ...] = (
            ActionDone(at_ms, action),
            ActionDone(at_ms, action),
            ActionFailed(at_ms, action, "failed"),
            NodeGone(at_ms, "a"),
            Aborted(at_ms, 10, "changed"),
        )
        watched.take(data.draw(st.sampled_from(happened)))
    assert watched.ended
