"""Clusters of all kinds of resource, and what happens to them, drawn from a seed.

A story keeps the identity of what does not change, as the store does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from cib_store.document.element import Element
from crmd.scheduler.parameter_digest import digest_of
from tests.property.scheduler.clusters import nvpairs

START = 1_700_000_000
_KEY = "1:0:{expected}:11111111-2222-3333-4444-555555555555"
_SCORES = ("INFINITY", "-INFINITY", "100", "50", "-100", "0")

Edit = Callable[[Element], Element]


def result(rsc: str, task: str, interval: int, code: int, call: int, **given: str) -> Element:
    """Build one operation result."""
    expected = 0 if task != "monitor" or interval else 7
    key = _KEY.format(expected=expected)
    status = given.pop("status", "0")
    parameters = {} if rsc == "fencer" else {"level": "1"}
    if interval:
        parameters["CRM_meta_timeout"] = "20000"
    suffix = given.pop("suffix", f"{task}_{interval}" if interval else "last_0")
    return Element(
        "lrm_rsc_op",
        {
            "id": f"{rsc}_{suffix}",
            "operation_key": f"{rsc}_{task}_{interval}",
            "operation": task,
            "crm_feature_set": "3.20.0",
            "transition-key": key,
            "transition-magic": f"{status}:{code};{key}",
            "call-id": str(call),
            "rc-code": str(code),
            "op-status": status,
            "interval": str(interval),
            "last-rc-change": str(START),
            "op-digest": digest_of(parameters),
            **given,
        },
    )


def at_path(root: Element, path: tuple[int, ...], edit: Edit) -> Element:
    """Change one element far below `root`; all else stays the same objects."""
    if not path:
        return edit(root)
    below = at_path(root.children[path[0]], path[1:], edit)
    return root.with_child(path[0], below)


def paths(root: Element, *tags: str, at: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield the way to every element of these tags."""
    for number, child in enumerate(root.children):
        if child.tag in tags:
            yield (*at, number)
        yield from paths(child, *tags, at=(*at, number))


class Story:
    """One cluster, from its beginning through whatever happens to it."""

    def __init__(self, seed: int, *, calm: bool = False) -> None:
        """Draw the cluster as it is at first.

        In a calm story everything runs well, but for nodes that are lost, fenced and back again.
        """
        self.chance = Random(seed)
        self.calm = calm
        self.now_s = START
        self.calls = 10
        self.nodes = [f"n{at}" for at in range(1, self.chance.randint(3, 5) + 1)]
        self.primitives: list[str] = []
        self.tops: list[str] = []
        self.cloned: set[str] = set()
        self.cib = self._cib()

    def _rarely(self, share: float = 0.1) -> bool:
        drawn = self.chance.random() < share
        return drawn and not (self.calm and share < 0.4)

    def _cib(self) -> Element:
        chance = self.chance
        options = {
            "stonith-enabled": "false" if self._rarely(0.2) else "true",
            "no-quorum-policy": chance.choice(("stop", "stop", "freeze", "ignore", "demote")),
            "symmetric-cluster": "false" if self._rarely() else "true",
            "concurrent-fencing": chance.choice(("true", "false")),
            "start-failure-is-fatal": chance.choice(("true", "false")),
        }
        if self._rarely(0.02):
            options["placement-strategy"] = chance.choice(("balanced", "utilization", "minimal"))
        if self._rarely(0.02):
            options["shutdown-lock"] = "true"
        if self._rarely(0.02):
            options["priority-fencing-delay"] = "15s"
        resources = [Element("primitive", {"id": "fencer", "class": "stonith", "type": "fence_x"})]
        self.tops.append("fencer")
        self.primitives.append("fencer")
        for _ in range(chance.randint(3, 9)):
            resources.append(self._resource())
        constraints = [self._constraint(at) for at in range(chance.randint(0, len(self.tops)))]
        defaults: tuple[Element, ...] = ()
        if self._rarely(0.5):
            given = {"resource-stickiness": "100"}
            if self._rarely(0.5):
                given |= {"failure-timeout": "60s", "migration-threshold": "2"}
            defaults = (nvpairs("defaults", "meta_attributes", given),)
        nodes = tuple(Element("node", {"id": name, "uname": name}) for name in self.nodes)
        configuration = Element(
            "configuration",
            {},
            (
                Element("crm_config", {}, (nvpairs("opt", "cluster_property_set", options),)),
                Element("nodes", {}, nodes),
                Element("resources", {}, tuple(resources)),
                Element("constraints", {}, tuple(constraints)),
                Element("rsc_defaults", {}, defaults),
            ),
        )
        root = {"validate-with": "pacemaker-4.0", "have-quorum": "1", "dc-uuid": "n2"}
        return Element("cib", root, (configuration, Element("status", {}, self._status())))

    def _primitive(self, *, promotable: bool = False) -> Element:
        chance = self.chance
        name = f"r{len(self.primitives)}"
        self.primitives.append(name)
        meta: dict[str, str] = {}
        for key, values, share in (
            ("resource-stickiness", ("0", "1", "100", "INFINITY"), 0.4),
            ("priority", ("0", "5", "10"), 0.3),
            ("target-role", ("Started", "Stopped"), 0.15),
            ("migration-threshold", ("1", "2"), 0.2),
            ("failure-timeout", ("30s", "5min"), 0.2),
            ("allow-migrate", ("true",), 0.2),
            ("is-managed", ("false",), 0.07),
            ("requires", ("nothing", "quorum", "fencing"), 0.15),
            ("multiple-active", ("block", "stop_only", "stop_unexpected"), 0.1),
        ):
            if self._rarely(share):
                meta[key] = chance.choice(values)
        operations = [Element("op", {"id": f"{name}-mon", "name": "monitor", "interval": "10s"})]
        if promotable:
            given = {"id": f"{name}-pro", "name": "monitor", "interval": "9s", "role": "Promoted"}
            operations.append(Element("op", given))
        if self._rarely(0.15):
            given = {"id": f"{name}-fail", "name": chance.choice(("stop", "start", "monitor"))}
            given["interval"] = "11s" if given["name"] == "monitor" else "0"
            given["on-fail"] = chance.choice(("block", "ignore", "standby", "fence", "restart"))
            operations.append(Element("op", given))
        return Element(
            "primitive",
            {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Stateful"},
            (
                nvpairs(name, "meta_attributes", meta),
                nvpairs(f"{name}-p", "instance_attributes", {"level": "1"}),
                Element("operations", {}, tuple(operations)),
            ),
        )

    def _resource(self) -> Element:
        chance, number = self.chance, len(self.tops)
        kind = chance.choice(("primitive",) * 4 + ("group", "group", "clone", "promotable"))
        if self._rarely(0.005):
            kind = "remote"
        if kind == "primitive":
            made = self._primitive()
        elif kind == "remote":
            name = f"r{len(self.primitives)}"
            self.primitives.append(name)
            given = {"class": "ocf", "provider": "pacemaker", "type": "remote"}
            made = Element("primitive", {"id": name, **given})
        elif kind == "group":
            members = tuple(self._primitive() for _ in range(chance.randint(1, 3)))
            made = Element("group", {"id": f"g{number}"}, members)
        else:
            meta = {
                "interleave": chance.choice(("true", "false")),
                "ordered": chance.choice(("true", "false")),
                "notify": chance.choice(("true", "false", "false")),
            }
            if self._rarely(0.2):
                meta["clone-max"] = "2"
            if self._rarely(0.03):
                meta |= {"globally-unique": "true", "clone-node-max": "2"}
            if kind == "promotable":
                meta["promotable"] = "true"
            child = self._primitive(promotable=kind == "promotable")
            self.cloned.add(child.id)
            made = Element(
                "clone",
                {"id": f"c{number}"},
                (nvpairs(f"c{number}", "meta_attributes", meta), child),
            )
        self.tops.append(made.id)
        return made

    def _constraint(self, number: int) -> Element:
        chance = self.chance
        tops = [top for top in self.tops if top != "fencer"]
        if self._rarely(0.5) or len(tops) < 2:
            given = {"id": f"l{number}", "rsc": chance.choice(tops)}
            given |= {"node": chance.choice(self.nodes), "score": chance.choice(_SCORES)}
            if self._rarely(0.15):
                return self._rule(number, given["rsc"])
            return Element("rsc_location", given)
        first, then = sorted(chance.sample(range(len(tops)), 2))
        if self._rarely(0.1):
            given = {"id": f"o{number}", "kind": chance.choice(("Mandatory", "Serialize"))}
            refs = tuple(Element("resource_ref", {"id": tops[at]}) for at in (first, then))
            more = {"require-all": "false", "sequential": "false"} if self._rarely(0.5) else {}
            sets = [Element("resource_set", {"id": f"s{number}", **more}, refs)]
            if tops[-1] not in (tops[first], tops[then]):
                last = (Element("resource_ref", {"id": tops[-1]}),)
                sets.append(Element("resource_set", {"id": f"t{number}"}, last))
            return Element("rsc_order", given, tuple(sets))
        if self._rarely(0.05):
            given = {"id": f"t{number}", "rsc": tops[first], "ticket": "t", "loss-policy": "stop"}
            return Element("rsc_ticket", given)
        if self._rarely(0.5):
            given = {"id": f"o{number}", "first": tops[first], "then": tops[then]}
            given["kind"] = chance.choice(("Mandatory", "Optional", "Serialize"))
            return Element("rsc_order", given)
        given = {"id": f"c{number}", "rsc": tops[then], "with-rsc": tops[first]}
        return Element("rsc_colocation", {**given, "score": chance.choice(_SCORES)})

    def _rule(self, number: int, rsc: str) -> Element:
        if self._rarely(0.1):
            day = {"id": f"d{number}", "operation": "gt", "start": "2023-11-14 22:14:00Z"}
            condition = Element("date_expression", day)
        else:
            given = {"id": f"e{number}", "attribute": "pingd", "operation": "defined"}
            condition = Element("expression", given)
        rule = Element("rule", {"id": f"u{number}", "score": "200"}, (condition,))
        return Element("rsc_location", {"id": f"l{number}", "rsc": rsc}, (rule,))

    def _status(self) -> tuple[Element, ...]:
        where = {
            name: self.chance.choice((None, *self.nodes, *self.nodes)) for name in self.primitives
        }
        return tuple(self._node_state(node, where) for node in self.nodes)

    def _node_state(self, node: str, where: dict[str, str | None]) -> Element:
        given = {"id": node, "uname": node, "in_ccm": "true", "crmd": "online"}
        given |= {"join": "member", "expected": "member"}
        histories = []
        for name in self.primitives:
            active = where[name] == node or (name in self.cloned and not self._rarely(0.2))
            if active or not self._rarely(0.02):
                histories.append(self.history(name, active=active))
        resources = Element("lrm_resources", {}, tuple(histories))
        return Element("node_state", given, (Element("lrm", {"id": node}, (resources,)),))

    def history(self, name: str, *, active: bool) -> Element:
        """Build the history of a resource that runs, or of one that does not."""
        given = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Stateful"}
        if name == "fencer":
            given = {"id": name, "class": "stonith", "type": "fence_x"}
        self.calls += 2
        if not active:
            return Element("lrm_resource", given, (result(name, "monitor", 0, 7, self.calls),))
        entries = [result(name, "start", 0, 0, self.calls)]
        if name != "fencer":
            entries.append(result(name, "monitor", 10000, 0, self.calls + 1))
        return Element("lrm_resource", given, tuple(entries))

    def go_on(self) -> str:
        """Let something happen; return what."""
        chance = self.chance
        if self.calm:
            return chance.choice((self._node, self._node, self._operation))()
        happening: Callable[[], str] = chance.choice(
            (self._operation,) * 6
            + (self._node,) * 3
            + (self._attribute, self._attribute, self._edit, self._time, self._removal)
        )
        return happening()

    def _change(self, path: tuple[int, ...], edit: Edit) -> None:
        self.cib = at_path(self.cib, path, edit)

    def _operation(self) -> str:
        found = list(paths(self.cib, "lrm_resource"))
        if not found:
            return "nothing"
        path = self.chance.choice(found)
        history = self.cib
        for at in path:
            history = history.children[at]
        name = history.id
        self.calls += 1
        when = {"last-rc-change": str(self.now_s)}
        kind = self.chance.choice(("fails", "stops", "starts", "waits", "stop fails", "probed",
                                   "migrates", "start fails"))  # fmt: skip
        if self.calm:
            kind = self.chance.choice(("probed", "starts"))
        match kind:
            case "fails":
                new = (*history.children, result(name, "monitor", 10000, 1, self.calls,
                                                 suffix="last_failure_0", **when))  # fmt: skip
            case "stops":
                new = (result(name, "stop", 0, 0, self.calls, **when),)
            case "starts":
                new = self.history(name, active=True).children
            case "waits":
                new = (result(name, "start", 0, 193, -1, status="-1", **when),)
            case "stop fails":
                new = (*history.children, result(name, "stop", 0, 1, self.calls,
                                                 suffix="last_failure_0", **when))  # fmt: skip
            case "start fails":
                new = (result(name, "start", 0, 1, self.calls, suffix="last_failure_0", **when),)
            case "migrates":
                target = {"migrate_source": self.nodes[0], "migrate_target": self.nodes[1]}
                new = (result(name, "migrate_to", 0, 0, self.calls, **when, **target),)
            case _:
                new = self.history(name, active=False).children
        self._change(path, lambda old: old.with_children(tuple(new)))
        return f"{name} {kind} ({path})"

    def _node(self) -> str:
        path = self.chance.choice(list(paths(self.cib, "node_state")))
        kind = self.chance.choice(("lost", "lost", "fenced", "leaves", "back", "process lost"))
        if self.calm:
            kind = self.chance.choice(("lost", "lost", "fenced", "back"))
        down = {"in_ccm": "false", "crmd": "offline"}
        gone = {**down, "join": "down", "expected": "down"}
        up = {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}

        def edit(old: Element) -> Element:
            match kind:
                case "lost":
                    return old.with_attributes(down)
                case "process lost":
                    return old.with_attributes({"crmd": "offline"})
                case "fenced":
                    return Element(old.tag, {**old.attributes, **gone})
                case "leaves":
                    return old.with_attributes(gone)
                case _:
                    return old.with_attributes(up)

        self._change(path, edit)
        if self._rarely():
            self.cib = self.cib.with_attributes({"dc-uuid": self.chance.choice(self.nodes)})
        if self._rarely(0.05):
            self.cib = self.cib.with_attributes({"have-quorum": self.chance.choice(("0", "1"))})
        return f"{kind} {path}"

    def _attribute(self) -> str:
        path = self.chance.choice(list(paths(self.cib, "node_state")))
        rsc = self.chance.choice(self.primitives)
        name, value = self.chance.choice(
            (
                (f"fail-count-{rsc}#monitor_10000", self.chance.choice(("1", "3", "INFINITY"))),
                (f"last-failure-{rsc}#monitor_10000", str(self.now_s)),
                (f"master-{rsc}", self.chance.choice(("5", "10"))),
                ("pingd", "100"),
                ("standby", self.chance.choice(("on", "off"))),
                ("maintenance", self.chance.choice(("true", "false"))),
                ("shutdown", self.chance.choice(("0", str(self.now_s)))),
                ("terminate", self.chance.choice(("true", "false", "false"))),
            )
        )

        def edit(old: Element) -> Element:
            kept = [child for child in old.children if child.tag != "transient_attributes"]
            known = old.child("transient_attributes")
            pairs = list(known.children[0].children) if known is not None else []
            pairs = [pair for pair in pairs if pair.get("name") != name]
            if not self._rarely(0.2):
                pairs.append(
                    Element("nvpair", {"id": f"{old.id}-{name}", "name": name, "value": value})
                )
            sets = Element("instance_attributes", {"id": f"{old.id}-i"}, tuple(pairs))
            return old.with_children(
                (*kept, Element("transient_attributes", {"id": old.id}, (sets,)))
            )

        self._change(path, edit)
        return f"{name}={value} {path}"

    def _edit(self) -> str:
        found = list(paths(self.cib, "nvpair"))
        chosen = self.chance.choice(("pair", "pair", "drop", "add", "swap"))
        if chosen == "pair" and found:
            path = self.chance.choice(found)
            value = self.chance.choice(("0", "1", "true", "false", "100", "Stopped", "30s"))
            self._change(path, lambda old: old.with_attributes({"value": value}))
            return f"{path} is {value}"
        (path,) = paths(self.cib, "constraints")
        section = self.cib.children[path[0]].children[path[1]]
        if chosen == "drop" and section.children:
            at = self.chance.randrange(len(section.children))
            rest = (*section.children[:at], *section.children[at + 1 :])
            self._change(path, lambda old: old.with_children(rest))
            return f"constraint {at} goes"
        if chosen == "swap" and len(section.children) > 1:
            turned = tuple(reversed(section.children))
            self._change(path, lambda old: old.with_children(turned))
            return "constraints turn around"
        self.calls += 1
        added = self._constraint(1000 + self.calls)
        self._change(path, lambda old: old.with_children((*old.children, added)))
        return f"{added}"

    def _time(self) -> str:
        self.now_s += self.chance.choice((1, 20, 60, 400))
        return f"it is {self.now_s - START}"

    def _removal(self) -> str:
        """A history is erased, as by a cleanup, or a whole node's as by its fencing."""
        found = list(paths(self.cib, "lrm_resource", "lrm"))
        if not found:
            return "nothing"
        path = self.chance.choice(found)
        self._change(
            path[:-1],
            lambda old: old.with_children(
                (*old.children[: path[-1]], *old.children[path[-1] + 1 :])
            ),
        )
        return f"erased {path}"
