"""The people: they change the configuration, sometimes two at once, and clean up failures.

A change is made as the store's proposer makes it: looked up first, proposed a moment later with a
precondition on what it relied on, so that a change in between is not overwritten.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from cib_store.document.element import Element
from cib_store.document.path import find
from crmd.fsa import events as ev
from raftmaker.vocabulary.commands import (
    CibChange,
    CibOperation,
    Command,
    OperationKind,
    Origin,
    Precondition,
)
from tests.sim.configurations import PRIMITIVES
from tests.sim.loop import MS

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster


class Operator:
    """Acts now and then, through any node."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self._cluster = cluster
        self._random = random

    def act(self) -> None:
        """Do one thing."""
        random = self._random
        kind = random.randrange(4)
        if kind == 0:
            self._set_standby(random.choice(self._cluster.nodes), random.random() < 0.4)
        elif kind == 1:
            self._set_role(random.choice(PRIMITIVES), random.random() < 0.3)
        elif kind == 2:
            self._cleanup()
        else:
            # Two people at once, about the same thing.
            node = random.choice(self._cluster.nodes)
            self._set_standby(node, True)
            self._set_standby(node, False)

    def leave(self, node: str) -> None:
        """Ask a node to leave in good order; its supervisor starts it again afterwards."""
        controller = next(one for name, one in self._cluster.controllers.items() if name == node)
        now_s = self._cluster.wall_us() // 1_000_000
        controller.take(
            lambda: controller.called(
                lambda call: ev.LeaveRequested(at_ms=controller.at_ms, call=call, now_s=now_s),
                lambda answer: None,
            )
        )

    def is_right(self) -> bool:
        """Whether every node is online and every resource wanted."""
        cib = self._cluster.log.newest.state.cib
        return not any(
            (one.get("name"), one.get("value")) in (("standby", "on"), ("target-role", "Stopped"))
            for one in cib.walk()
        )

    def put_right(self) -> None:
        """Every node online, every resource wanted."""
        for node in self._cluster.nodes:
            self._change(*self._standby(node, False), careful=False)
        for resource in PRIMITIVES:
            self._change(*self._role(resource, False), careful=False)

    def _set_standby(self, node: str, standby: bool) -> None:
        self._change(*self._standby(node, standby))

    def _set_role(self, resource: str, stopped: bool) -> None:
        self._change(*self._role(resource, stopped))

    def _standby(self, node: str, standby: bool) -> tuple[str, str]:
        value = "on" if standby else "off"
        xml = (
            f'<node id="{node}"><instance_attributes id="{node}-attributes">'
            f'<nvpair id="{node}-standby" name="standby" value="{value}"/>'
            "</instance_attributes></node>"
        )
        return f"/cib/configuration/nodes/node[@id='{node}']", xml

    def _role(self, resource: str, stopped: bool) -> tuple[str, str]:
        value = "Stopped" if stopped else "Started"
        xml = (
            f'<primitive id="{resource}"><meta_attributes id="{resource}-meta">'
            f'<nvpair id="{resource}-role" name="target-role" value="{value}"/>'
            "</meta_attributes></primitive>"
        )
        group = "/group[@id='g']" if resource in ("x", "y") else ""
        return f"/cib/configuration/resources{group}/primitive[@id='{resource}']", xml

    def _change(self, path: str, xml: str, *, careful: bool = True) -> None:
        cluster = self._cluster
        stores = [store for store in cluster.stores.values() if store.runs]
        if not stores:
            return
        store = self._random.choice(stores)
        there: Element | None = find(cluster.log.applied[store.replica.applied].state.cib, path)
        if there is None:
            return
        conditions = (Precondition(path=path, digest=there.digest),) if careful else ()
        command = Command(
            body=CibChange(
                operations=(CibOperation(kind=OperationKind.MODIFY, path=path, xml=xml),),
                preconditions=conditions,
            ),
            cluster_id=cluster.cluster_id,
            generation=store.generation,
            origin=Origin(
                node=store.machine.name, client="operator", user="root", at_us=cluster.wall_us()
            ),
        )
        cluster.loop.after(
            self._random.randrange(1, 400 * MS),
            lambda: store.take(lambda: store.propose(command, lambda outcome: None)),
        )

    def _cleanup(self) -> None:
        resource = self._random.choice(("", *PRIMITIVES))
        refresh = self._random.random() < 0.2
        running = [one for one in self._cluster.controllers.values() if one.runs]
        if not running:
            return
        controller = self._random.choice(running)
        controller.take(
            lambda: controller.called(
                lambda call: ev.CleanupRequested(
                    at_ms=controller.at_ms, call=call, resource=resource, refresh=refresh
                ),
                lambda answer: None,
            )
        )
