"""Small clusters of every sort, as CIBs, and damage to them."""

from __future__ import annotations

from hypothesis import strategies as st

from cib_store.document.element import Element

NODES = ("n1", "n2", "n3")
RESOURCES = ("a", "b", "c", "d")
_KEY = "1:0:{expected}:11111111-2222-3333-4444-555555555555"


def nvpairs(owner: str, tag: str, values: dict[str, str]) -> Element:
    """Build one set of pairs."""
    pairs = tuple(
        Element("nvpair", {"id": f"{owner}-{name}", "name": name, "value": value})
        for name, value in values.items()
    )
    return Element(tag, {"id": f"{owner}-set"}, pairs)


def _primitive(name: str, meta: dict[str, str]) -> Element:
    monitor = Element("op", {"id": f"{name}-mon", "name": "monitor", "interval": "10s"})
    return Element(
        "primitive",
        {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Dummy"},
        (nvpairs(name, "meta_attributes", meta), Element("operations", {}, (monitor,))),
    )


def _fence_device() -> Element:
    return Element("primitive", {"id": "fencer", "class": "stonith", "type": "fence_x"})


def _operation(name: str, task: str, interval: int, code: int, call: int) -> Element:
    expected = 0 if task == "start" or interval else 7
    key = _KEY.format(expected=expected)
    return Element(
        "lrm_rsc_op",
        {
            "id": f"{name}_{'last' if not interval else task}_{interval}",
            "operation_key": f"{name}_{task}_{interval}",
            "operation": task,
            "crm_feature_set": "3.20.0",
            "transition-key": key,
            "transition-magic": f"0:{code};{key}",
            "call-id": str(call),
            "rc-code": str(code),
            "op-status": "0",
            "interval": str(interval),
        },
    )


def _history(name: str, *, active: bool, failed: bool) -> Element:
    entries: tuple[Element, ...] = (_operation(name, "monitor", 0, 7, 1),)
    if active:
        started = _operation(name, "start", 0, 0, 2)
        watched = _operation(name, "monitor", 10000, 7 if failed else 0, 3)
        entries = (started, watched)
    given = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
    return Element("lrm_resource", given, entries)


def _node_state(name: str, condition: str, histories: tuple[Element, ...]) -> Element:
    up = condition == "up"
    given = {
        "id": name,
        "uname": name,
        "in_ccm": "true" if up else "false",
        "crmd": "online" if up else "offline",
        "join": "down" if condition == "down" else "member",
        "expected": "down" if condition == "down" else "member",
    }
    lrm = Element("lrm", {"id": name}, (Element("lrm_resources", {}, histories),))
    return Element("node_state", given, () if condition == "down" else (lrm,))


@st.composite
def clusters(draw: st.DrawFn) -> Element:
    """Draw a cluster whose primitives are active at most once; one node may be lost."""
    conditions = dict.fromkeys(NODES, "up")
    conditions["n3"] = draw(st.sampled_from(["up", "down", "lost"]))
    names = RESOURCES[: draw(st.integers(1, len(RESOURCES)))]
    where = {name: draw(st.sampled_from([None, *NODES])) for name in names}
    failed = {name: draw(st.booleans()) and draw(st.booleans()) for name in names}
    states = tuple(
        _node_state(
            node,
            conditions[node],
            tuple(
                _history(name, active=where[name] == node, failed=failed[name]) for name in names
            ),
        )
        for node in NODES
    )
    options = {"stonith-enabled": "true", "no-quorum-policy": "stop"}
    options["symmetric-cluster"] = draw(st.sampled_from(["true", "true", "true", "false"]))
    nodes = tuple(Element("node", {"id": name, "uname": name}) for name in NODES)
    configuration = Element(
        "configuration",
        {},
        (
            Element("crm_config", {}, (nvpairs("opt", "cluster_property_set", options),)),
            Element("nodes", {}, nodes),
            Element("resources", {}, (_fence_device(), *draw(_resources(names)))),
            Element("constraints", {}, draw(_constraints(names))),
        ),
    )
    root = {"validate-with": "pacemaker-4.0", "have-quorum": "1", "dc-uuid": "n1"}
    return Element("cib", root, (configuration, Element("status", {}, states)))


@st.composite
def _resources(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[Element, ...]:
    primitives = []
    for name in names:
        meta: dict[str, str] = {}
        role = draw(st.sampled_from([None, None, "Started", "Stopped"]))
        if role is not None:
            meta["target-role"] = role
        meta["resource-stickiness"] = str(draw(st.sampled_from([0, 100])))
        meta["priority"] = str(draw(st.sampled_from([0, 5])))
        primitives.append(_primitive(name, meta))
    grouped = draw(st.integers(0, len(names)))
    if grouped < 2:
        return tuple(primitives)
    group = Element("group", {"id": "g"}, tuple(primitives[:grouped]))
    return (group, *primitives[grouped:])


@st.composite
def _constraints(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[Element, ...]:
    found: list[Element] = []
    scores = st.sampled_from(["INFINITY", "-INFINITY", "100", "-100", "0"])
    for number in range(draw(st.integers(0, 3))):
        given = {"id": f"l{number}", "rsc": draw(st.sampled_from(names))}
        given |= {"node": draw(st.sampled_from(NODES)), "score": draw(scores)}
        found.append(Element("rsc_location", given))
    # Against the order of a group, or in a circle, no order can ever be met.
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(
        lambda pair: names.index(pair[0]) < names.index(pair[1])
    )
    for number in range(draw(st.integers(0, 2)) if len(names) > 1 else 0):
        first, then = draw(pairs)
        if draw(st.booleans()):
            given = {"id": f"o{number}", "first": first, "then": then}
            given["kind"] = draw(st.sampled_from(["Mandatory", "Optional", "Serialize"]))
            found.append(Element("rsc_order", given))
        else:
            given = {"id": f"c{number}", "rsc": then, "with-rsc": first, "score": draw(scores)}
            found.append(Element("rsc_colocation", given))
    return tuple(found)


JUNK = st.sampled_from(
    ["", "x", "-1", "0", "INFINITY", "-INFINITY", "99999999999999999999", "1.5", "true", "\u00e9",
     "a", "b", "n1", "PT1H", "10s", "#uname", "%", "2:1", "::", "_", "a_start_0", "a:0"]
)  # fmt: skip
TAGS = st.sampled_from(
    ["clone", "group", "bundle", "primitive", "rsc_order", "resource_set", "resource_ref", "rule",
     "op", "node", "nvpair", "lrm_rsc_op", "docker", "network", "template", "tag"]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> Element:
    """Draw a cluster with one to six elements broken in some way."""
    cib = draw(clusters())
    for _ in range(draw(st.integers(1, 6))):
        count = sum(1 for _ in cib.walk())
        if count < 2:
            break
        cib = _damage(cib, draw(st.integers(1, count - 1)), draw)[0]
    return cib


def _damage(element: Element, at: int, draw: st.DrawFn) -> tuple[Element, int]:
    """Break the element number `at` below `element`; return it and how many were passed."""
    children: list[Element] = []
    passed = 1
    for child in element.children:
        size = sum(1 for _ in child.walk())
        if passed == at:
            children += _broken(child, draw)
        elif passed < at < passed + size:
            children.append(_damage(child, at - passed, draw)[0])
        else:
            children.append(child)
        passed += size
    return element.with_children(tuple(children)), passed


def _broken(element: Element, draw: st.DrawFn) -> list[Element]:
    match draw(st.sampled_from(["remove", "double", "retag", "value", "attribute", "empty"])):
        case "remove":
            return []
        case "double":
            return [element, element]
        case "retag":
            tag = draw(TAGS)
            return [Element(tag, element.attributes, element.children)]
        case "empty":
            return [element.with_children(())]
        case "value" if element.attributes:
            name = draw(st.sampled_from(sorted(element.attributes)))
            return [element.with_attributes({name: draw(JUNK)})]
        case _ if element.attributes:
            name = draw(st.sampled_from(sorted(element.attributes)))
            return [element.with_attributes({name: None})]
        case _:
            return [element]
