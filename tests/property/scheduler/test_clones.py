"""What clones never do, whatever their settings and state (features 9.5 to 9.25)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.simulate.execution import execute, execution_order
from crmd.scheduler.pipeline import decide, read_cluster
from crmd.scheduler.state.resource import Resource
from raftmaker.vocabulary.roles import Role
from tests.golden.scheduler.case_file import Case, cib_of
from tests.golden.scheduler.histories import NOW

_NODES = ("n1", "n2", "n3")
_ROUNDS = 6


class Cluster(Struct, frozen=True, kw_only=True):
    """A storage clone, a promotable database clone upon it, and where they are."""

    clone_max: int
    promoted_max: int
    flags: tuple[str, ...]
    interleave: bool
    online: tuple[str, ...]
    standby: str | None
    scores: tuple[int, ...]
    storage: tuple[str, ...]
    database: tuple[str, ...]
    promoted: tuple[str, ...]

    def cib(self) -> Element:
        """Build the CIB."""
        flags = " ".join(self.flags)
        neighbours = "interleave=true" if self.interleave else ""
        state = [f"{name} {self._said(at, name)}" for at, name in enumerate(_NODES)]
        for word, rsc, nodes in (
            ("started", "fs", self.storage),
            ("started", "db", self.database),
            ("promoted", "db", self.promoted),
        ):
            if nodes:
                state.append(f"{rsc} {word} on {' '.join(nodes)}")
        cluster = f"""
            primitive fs ocf:heartbeat:Dummy
            primitive db ocf:heartbeat:Stateful
            clone storage fs meta {flags or "ordered=false"}
            clone database db meta promotable=true clone-max={self.clone_max} \\
                promoted-max={self.promoted_max} {neighbours} {flags}
            order up Mandatory: storage database
            colocation together inf: database storage
        """
        states = "\n".join(state)
        return cib_of(Case.read(f"Drawn\n== cluster\n{cluster}\n== state\n{states}\n"))

    def _said(self, at: int, name: str) -> str:
        standby = " standby=true" if name == self.standby else ""
        kind = "online" if name in self.online else "down"
        return f"{kind} master-db={self.scores[at]}{standby}"


def _nodes_of(nodes: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from(nodes)).map(lambda found: tuple(sorted(found)))


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Draw a cluster whose promoted instances are not more than there may be."""
    online = draw(_nodes_of(_NODES).filter(bool))
    promoted_max = draw(st.integers(1, 2))
    database = draw(_nodes_of(online))
    promoted = database[: draw(st.integers(0, promoted_max))]
    flags = draw(st.sets(st.sampled_from(("notify=true", "ordered=true"))))
    return Cluster(
        clone_max=draw(st.integers(1, 3)),
        promoted_max=promoted_max,
        flags=tuple(sorted(flags)),
        interleave=draw(st.booleans()),
        online=online,
        standby=draw(st.none() | st.sampled_from(_NODES)),
        scores=tuple(draw(st.integers(-1, 3)) for _ in _NODES),
        storage=draw(_nodes_of(online)),
        database=tuple(node for node in database if node not in promoted),
        promoted=promoted,
    )


def _rounds(cib: Element) -> Iterator[tuple[Element, list[tuple[str, str, str]]]]:
    """Decide and carry out until nothing is left; yield each CIB, and what is done to it."""
    for at in range(_ROUNDS):
        run = read_cluster(cib, Moment(NOW + at))
        graph = decide(run).graph
        steps = [
            (action.operation, action.resource.id, action.on_node or "")
            for action in execution_order(graph)
            if action.resource is not None
        ]
        yield cib, steps
        if not graph.actions:
            return
        cib = execute(run, cib, graph, when=NOW + at).cib
    raise AssertionError("the cluster does not settle")


def _instances(cib: Element, clone_id: str) -> list[Resource]:
    run = read_cluster(cib, Moment(NOW))
    (clone,) = [rsc for rsc in run.resources if rsc.id == clone_id]
    return clone.children


def _where(cib: Element, clone_id: str, role: Role | None = None) -> list[str]:
    return [
        node.name
        for instance in _instances(cib, clone_id)
        if role is None or instance.role is role
        for node in instance.active_on
    ]


@given(clusters())
@settings(max_examples=40)
def test_a_settled_cluster_is_within_the_limits(cluster: Cluster) -> None:
    """Settled: no node twice, no more than clone-max and promoted-max, none on standby."""
    *_, (cib, steps) = _rounds(cluster.cib())
    assert steps == []
    database = _where(cib, "database")
    assert len(set(database)) == len(database) <= cluster.clone_max
    assert len(_where(cib, "database", Role.PROMOTED)) <= cluster.promoted_max
    assert cluster.standby not in database
    assert set(database) <= set(_where(cib, "storage"))


@given(clusters())
@settings(max_examples=40)
def test_never_more_promoted_than_allowed(cluster: Cluster) -> None:
    """Demotions come before promotions: at no step are more promoted than promoted-max."""
    for cib, steps in _rounds(cluster.cib()):
        promoted = set(_where(cib, "database", Role.PROMOTED))
        for task, rsc, node in steps:
            if task == "promote":
                promoted.add(node)
            elif task in ("demote", "stop") and rsc.startswith("db"):
                promoted.discard(node)
            assert len(promoted) <= cluster.promoted_max, (task, node)


@given(clusters())
@settings(max_examples=40)
def test_nothing_starts_before_what_it_stands_on(cluster: Cluster) -> None:
    """An instance starts only while the storage on its node is there, and stops before it."""
    for cib, steps in _rounds(cluster.cib()):
        storage, database = set(_where(cib, "storage")), set(_where(cib, "database"))
        for task, rsc, node in steps:
            there = database if rsc.startswith("db") else storage
            if task == "start":
                there.add(node)
                assert there is storage or node in storage, (task, node)
            elif task == "stop":
                assert there is database or node not in database, (task, node)
                there.discard(node)


@given(clusters(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_the_status_does_not_matter_to_the_plan(
    cluster: Cluster, random: Random
) -> None:
    """Node states in another order give the same steps on the same nodes.

    Of more instances than there may be, the first in the status keep their number, and of equals
    the one of the lowest number is promoted: there the order counts, as it does for the reference.
    """
    assume(len(cluster.database) + len(cluster.promoted) <= cluster.clone_max)
    cib = cluster.cib()
    status = cib.children[1]
    states = list(status.children)
    random.shuffle(states)
    shuffled = cib.with_children((cib.children[0], status.with_children(tuple(states))))
    plans = [sorted(next(_rounds(each))[1]) for each in (cib, shuffled)]
    if cluster.promoted_max < len(_NODES) and len(set(cluster.scores)) < len(cluster.scores):
        plans = [sorted((task, rsc, "") for task, rsc, _ in plan) for plan in plans]
    assert plans[0] == plans[1]
