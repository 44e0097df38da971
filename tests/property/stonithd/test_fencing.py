"""Safety and liveness of the fencing core under any order of events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session, Token
from stonithd.fencing.effects import Delegate, FencingEffect, GatherOffers, RunAgent, StopAgent
from stonithd.fencing.events import (
    AgentEnded,
    DelegateEnded,
    FenceRequested,
    FencingEvent,
    Offer,
    OffersGathered,
    TokenSeen,
)
from stonithd.fencing.setup import Device, FenceAction, HostCheck, TopologyLevel, Verdict
from tests.fakes.fencer import ALL, Fencer, device, level

TARGETS = (NodeName("b"), NodeName("c"))
NAMES = ("d1", "d2", "d3")
STORAGE = replace(ALL, automatic_on=True, on_target=frozenset((FenceAction.ON,)))


@st.composite
def devices(draw: st.DrawFn) -> tuple[Device, ...]:
    return tuple(
        device(
            name,
            host_list=tuple(draw(st.sets(st.sampled_from(TARGETS)))),
            host_check=draw(
                st.sampled_from((HostCheck.STATIC_LIST, HostCheck.DYNAMIC_LIST, HostCheck.NONE))
            ),
            action_limit=draw(st.sampled_from((1, 2, -1))),
            delay_base_ms=draw(st.sampled_from((0, 300))),
            banned=draw(st.sampled_from(((), (NodeName("a"),), (NodeName("b"),)))),
            abilities=draw(st.sampled_from((ALL, None, STORAGE))),
            provides_unfencing=draw(st.booleans()),
            tries={action: draw(st.integers(1, 3)) for action in (FenceAction.OFF,)},
        )
        for name in draw(st.sets(st.sampled_from(NAMES), min_size=1).map(sorted))
    )


@st.composite
def topology(draw: st.DrawFn) -> tuple[TopologyLevel, ...]:
    names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
    return tuple(
        level(number, *draw(names), target=draw(st.sampled_from(TARGETS)))
        for number in range(1, draw(st.integers(0, 3)) + 1)
    )


class Watched(Fencer):
    """Checks the rules at every effect, and knows what is under way outside the core."""

    def __init__(self, *given_devices: Device, **setup: object) -> None:
        self.agents: dict[int, RunAgent] = {}
        self.delegates: dict[int, Delegate] = {}
        self.gathering: dict[int, GatherOffers] = {}
        self.succeeded: set[tuple[NodeName, ResourceId]] = set()
        super().__init__(*given_devices, **setup)

    def send(self, event: FencingEvent) -> tuple[FencingEffect, ...]:
        answered = set(self.replies())
        effects = super().send(event)
        for effect in effects:
            match effect:
                case RunAgent():
                    assert effect.token == self.state.token
                    assert effect.timeout_ms > 0
                    self.agents[effect.run] = effect
                case Delegate():
                    assert effect.executor != "a"
                    self.delegates[effect.run] = effect
                case GatherOffers():
                    self.gathering[effect.operation] = effect
                case StopAgent(run):
                    self.agents.pop(run, None)
                    self.delegates.pop(run, None)
        fresh = [one for one in self.replies().values() if one.request not in answered]
        count = sum(type(effect).__name__ == "Reply" for effect in effects)
        assert count == len(fresh), "a request is answered once"
        self._check_concurrency()
        return effects

    def _check_concurrency(self) -> None:
        live = list(self.agents.values())
        targets = [one.target for one in live]
        targets += [one.target for one in self.delegates.values()]
        assert len(set(targets)) == len(targets), "one fencing of a target at a time"
        for one in self.state.setup.devices:
            busy = sum(agent.device == one.id for agent in live)
            assert one.action_limit < 0 or busy <= one.action_limit

    def end_one(self, ok: bool, reached: bool, number: int) -> None:
        """Whatever is under way outside, the one chosen by `number` ends."""
        pending = [*self.agents, *self.delegates, *self.gathering]
        if not pending:
            return
        chosen = pending[number % len(pending)]
        if chosen in self.agents:
            agent = self.agents.pop(chosen)
            if ok:
                self.succeeded.add((agent.target, agent.device))
            status = OpStatus.DONE if reached else OpStatus.TIMEOUT
            code = 0 if ok else 1
            if ok:
                status = OpStatus.DONE
            self.send(AgentEnded(at_ms=self.now_ms, run=chosen, code=code, status=status))
        elif chosen in self.delegates:
            peer = self.delegates.pop(chosen)
            if ok:
                self.succeeded.add((peer.target, peer.device))
            self.send(DelegateEnded(at_ms=self.now_ms, run=chosen, confirmed=ok, reached=reached))
        else:
            asked = self.gathering.pop(chosen)
            offers = tuple(Offer(name, NodeName("c")) for name in asked.devices if ok)
            self.send(OffersGathered(self.now_ms, asked.operation, offers))


steps = st.one_of(
    st.tuples(
        st.just("fence"),
        st.sampled_from(TARGETS),
        st.sampled_from((FenceAction.OFF, FenceAction.REBOOT, FenceAction.ON)),
        st.integers(1, 3),
        st.integers(1, 2),
    ),
    st.tuples(st.just("end"), st.booleans(), st.booleans(), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from((100, 1000, 30_000, 200_000))),
    st.tuples(st.just("token"), st.integers(1, 4)),
)


@given(devices(), topology(), st.lists(steps, max_size=25))
@settings(max_examples=150, deadline=None)
def test_rules_hold_and_everything_is_answered(
    given_devices: tuple[Device, ...],
    levels: tuple[TopologyLevel, ...],
    script: list[tuple[object, ...]],
) -> None:
    """features 17.9, 17.24, 17.30, 17.39; protocols, DC: tokens."""
    fencer = Watched(*given_devices, topology=levels)
    requests = 0
    for one in script:
        match one:
            case ("fence", target, FenceAction() as action, int(counter), int(session)):
                requests += 1
                fencer.send(
                    FenceRequested(
                        at_ms=fencer.now_ms,
                        request=requests,
                        token=Token(1, counter),
                        target=NodeName(str(target)),
                        boot_id=BootId("boot"),
                        session=Session(session),
                        action=action,
                        wall_us=1,
                    )
                )
            case ("end", bool(ok), bool(reached), int(number)):
                fencer.end_one(ok, reached, number)
            case ("wait", int(milliseconds)):
                fencer.advance(milliseconds)
            case ("token", int(counter)):
                fencer.send(TokenSeen(fencer.now_ms, Token(1, counter)))
    fencer.advance(100_000_000)
    replies = fencer.replies()
    assert sorted(replies) == list(range(1, requests + 1))
    assert not fencer.state.operations
    assert not fencer.state.runs
    assert not fencer.timers
    assert all(one.state.is_over for one in fencer.state.history)


@given(devices(), topology(), st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
@settings(max_examples=150, deadline=None)
def test_confirmed_only_when_every_named_device_succeeded(
    given_devices: tuple[Device, ...],
    levels: tuple[TopologyLevel, ...],
    ends: list[tuple[bool, bool]],
) -> None:
    """features 17.24."""
    fencer = Watched(*given_devices, topology=levels)
    fencer.fence(FenceAction.REBOOT)
    for ok, reached in ends:
        fencer.end_one(ok, reached, 0)
        fencer.advance(2000)
    reply = fencer.replies().get(1)
    if reply is not None and reply.confirmed:
        assert reply.devices
        assert all((NodeName("b"), name) in fencer.succeeded for name in reply.devices)


@given(devices(), topology(), st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
@settings(max_examples=150, deadline=None)
def test_unfenced_only_when_every_device_that_unfences_the_node_succeeded(
    given_devices: tuple[Device, ...],
    levels: tuple[TopologyLevel, ...],
    ends: list[tuple[bool, bool]],
) -> None:
    """features 17.40; and none is run elsewhere that only the node itself can run (17.19)."""
    target = NodeName("b")
    fencer = Watched(*given_devices, topology=levels)
    fencer.fence(FenceAction.ON)
    for ok, reached in ends:
        fencer.end_one(ok, reached, 0)
        fencer.advance(2000)
    reply = fencer.replies().get(1)
    if reply is not None and reply.confirmed:
        for one in given_devices:
            if one.unfences and one.can_fence(target) is Verdict.YES:
                assert (target, one.id) in fencer.succeeded
    for effect in fencer.effects:
        if isinstance(effect, RunAgent | Delegate):
            ran = fencer.state.setup.device(effect.device)
            assert ran is not None
            at = effect.executor if isinstance(effect, Delegate) else fencer.state.node
            assert at == target or not ran.runs_on_target(FenceAction.ON)
