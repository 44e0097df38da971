"""Inputs for the scheduler's bench: large clusters that run, and one node that was just lost.

Of every 20 primitives 8 prefer two nodes, 10 are in two groups, 2 are colocated and ordered; one
interleaved clone for every 50 primitives runs everywhere. The status is complete: what runs has
its start and monitor, everything else its probe, on every node.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from cib_store.document.codec import render
from cib_store.document.element import Element

_OPTIONS = {"stonith-enabled": "true", "have-watchdog": "false"}
_RUN_DIGEST, _MONITOR_DIGEST = (
    "f2317cad3d54cec5d7d7aa7d0bf35cf8",
    "4811cef7f7f94e3a35a70be7916cb2fd",
)
_UUID = "01234567-89ab-cdef-0123-456789abcdef"
_UNIT = 20
_SINCE = "1700000000"


@dataclass(slots=True)
class _Plan:
    """What is configured, and where it runs."""

    nodes: list[str]
    resources: list[Element] = field(default_factory=list)
    constraints: list[Element] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    clones: list[str] = field(default_factory=list)

    def constrain(self, tag: str, id_: str, **given: str) -> None:
        """Add a constraint; ``_`` stands for ``-`` in names."""
        named = {name.replace("_", "-"): value for name, value in given.items()}
        self.constraints.append(Element(tag, {"id": id_, **named}))

    def prefer(self, rsc: str, node: int, score: int) -> None:
        """Add a preference."""
        name = self.nodes[node % len(self.nodes)]
        self.constrain("rsc_location", f"l-{rsc}-{score}", rsc=rsc, node=name, score=str(score))


def cluster(nodes: int, primitives: int, *, lost: bool = True) -> Element:
    """Return the CIB of a cluster, its first node just lost (or not)."""
    plan = _Plan([f"node{number:03}" for number in range(1, nodes + 1)])
    clones = max(1, primitives // 50)
    plain = primitives - clones
    for unit, start in enumerate(range(0, plain, _UNIT)):
        _unit(plan, unit, [f"r{at:05}" for at in range(start, min(start + _UNIT, plain))])
    for number in range(clones):
        _clone(plan, f"c{number:04}")
    return _document(plan, lost=lost)


def _primitive(name: str) -> Element:
    monitor = {"id": f"{name}-m", "name": "monitor", "interval": "10s", "timeout": "20s"}
    given = {"id": name, "class": "ocf", "provider": "heartbeat", "type": "Dummy"}
    return Element("primitive", given, (Element("operations", {}, (Element("op", monitor),)),))


def _unit(plan: _Plan, unit: int, names: list[str]) -> None:
    at = unit * 7
    for name in names[:8]:
        plan.place[name] = at % len(plan.nodes)
        plan.resources.append(_primitive(name))
        plan.prefer(name, at, 200)
        plan.prefer(name, at + 1, 100)
        at += 1
    for members in (names[8:13], names[13:18]):
        if members:
            plan.place |= dict.fromkeys(members, at % len(plan.nodes))
            parts = tuple(map(_primitive, members))
            plan.resources.append(Element("group", {"id": f"g-{members[0]}"}, parts))
            plan.prefer(f"g-{members[0]}", at, 50)
            at += 1
    pair = names[18:20]
    for name in pair:
        plan.place[name] = at % len(plan.nodes)
        plan.resources.append(_primitive(name))
    if len(pair) == 2:
        one, two = pair
        plan.prefer(one, at, 50)
        plan.constrain("rsc_colocation", f"c-{one}", rsc=two, with_rsc=one, score="INFINITY")
        plan.constrain("rsc_order", f"o-{one}", first=one, then=two, kind="Mandatory")


def _clone(plan: _Plan, name: str) -> None:
    pair = Element("nvpair", {"id": f"{name}-i", "name": "interleave", "value": "true"})
    meta = Element("meta_attributes", {"id": f"{name}-meta"}, (pair,))
    plan.resources.append(Element("clone", {"id": f"cl-{name}"}, (meta, _primitive(name))))
    if len(plan.clones) % 2:
        before = f"cl-{plan.clones[-1]}"
        plan.constrain("rsc_order", f"oc-{name}", first=before, then=f"cl-{name}", kind="Mandatory")
    plan.clones.append(name)


def _document(plan: _Plan, *, lost: bool) -> Element:
    options = tuple(
        Element("nvpair", {"id": f"o-{name}", "name": name, "value": value})
        for name, value in _OPTIONS.items()
    )
    sticky = Element("nvpair", {"id": "rd-s", "name": "resource-stickiness", "value": "100"})
    fence = Element("primitive", {"id": "fence", "class": "stonith", "type": "fence_x"})
    nodes = tuple(
        Element("node", {"id": str(number), "uname": name})
        for number, name in enumerate(plan.nodes, 1)
    )
    configuration = Element(
        "configuration",
        {},
        (
            Element("crm_config", {}, (Element("cluster_property_set", {"id": "o"}, options),)),
            Element("nodes", {}, nodes),
            Element("resources", {}, (fence, *plan.resources)),
            Element("constraints", {}, tuple(plan.constraints)),
            Element("rsc_defaults", {}, (Element("meta_attributes", {"id": "rd"}, (sticky,)),)),
        ),
    )
    states = tuple(
        _state(plan, number, lost=lost and number == 0) for number in range(len(plan.nodes))
    )
    root = {
        "crm_feature_set": "3.16.1",
        "validate-with": "pacemaker-3.9",
        "epoch": "10",
        "num_updates": "1",
        "admin_epoch": "0",
        "have-quorum": "1",
        "dc-uuid": "2",
    }
    return Element("cib", root, (configuration, Element("status", {}, states)))


def _state(plan: _Plan, number: int, *, lost: bool) -> Element:
    given = {
        "id": str(number + 1),
        "uname": plan.nodes[number],
        "in_ccm": "false" if lost else "true",
        "crmd": "offline" if lost else "online",
        "join": "down" if lost else "member",
        "expected": "member",
    }
    histories = Element("lrm_resources", {}, tuple(_histories(plan, number, lost=lost)))
    return Element("node_state", given, (Element("lrm", {"id": str(number + 1)}, (histories,)),))


def _histories(plan: _Plan, number: int, *, lost: bool) -> Iterator[Element]:
    call = 0
    for name in ("fence", *plan.place, *plan.clones):
        fencer = name == "fence"
        here = (number == 1) if fencer else plan.place.get(name, number) == number
        if lost and not here:
            continue
        given = {"id": name, "class": "stonith", "type": "fence_x"}
        if not fencer:
            given |= {"class": "ocf", "provider": "heartbeat", "type": "Dummy"}
        call += 2
        results = (
            [_result(name, "start", 0, 0, call)] if here else [_result(name, "monitor", 0, 7, call)]
        )
        if here and not fencer:
            results.append(_result(name, "monitor", 10000, 0, call + 1))
        yield Element("lrm_resource", given, tuple(results))


def _result(name: str, task: str, interval: int, code: int, call: int) -> Element:
    expected = 7 if task == "monitor" and not interval else 0
    key = f"{call % 900}:1:{expected}:{_UUID}"
    return Element(
        "lrm_rsc_op",
        {
            "id": f"{name}_{'monitor_10000' if interval else 'last_0'}",
            "operation_key": f"{name}_{task}_{interval}",
            "operation": task,
            "crm_feature_set": "3.16.1",
            "transition-key": key,
            "transition-magic": f"0:{code};{key}",
            "call-id": str(call),
            "rc-code": str(code),
            "op-status": "0",
            "interval": str(interval),
            "last-rc-change": _SINCE,
            "exec-time": "20",
            "queue-time": "0",
            "op-digest": _MONITOR_DIGEST if interval else _RUN_DIGEST,
        },
    )


if __name__ == "__main__":
    sys.stdout.write(render(cluster(int(sys.argv[1]), int(sys.argv[2])), indent=0))
