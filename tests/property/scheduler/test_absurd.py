"""However much a configuration asks for, a decision comes, and soon: what is cut is reported."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler import limits
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident.scheduler import Resident
from crmd.scheduler.schedule import Schedule
from tests.property.scheduler.clusters import NODES, nvpairs

_NOW = Moment(1_700_000_000)
_ACTIONS_MAX = 5_000
_NUMBERS = ("1000000", "99999999999999999999", "9" * 5000, "-" + "9" * 5000, "0", "-1", "1e9")
_COUNTS = (
    "clone-max",
    "clone-node-max",
    "promoted-max",
    "promoted-node-max",
    "clone-min",
    "priority",
    "resource-stickiness",
    "migration-threshold",
    "failure-timeout",
)
_FLAGS = ("globally-unique", "promotable", "notify", "interleave", "ordered")


def _primitive(name: str, *parts: Element) -> Element:
    given = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
    return Element("primitive", given, parts)


def _clone(name: str, meta: dict[str, str], size: int = 1) -> Element:
    members = tuple(_primitive(f"{name}-{number}") for number in range(size))
    child = members[0] if size == 1 else Element("group", {"id": f"{name}-group"}, members)
    return Element("clone", {"id": name}, (nvpairs(name, "meta_attributes", meta), child))


def _bundle(name: str, given: dict[str, str]) -> Element:
    network = Element("network", {"ip-range-start": "10.0.0.1", "control-port": "3121"})
    technology = Element("podman", {"image": "x", **given})
    return Element("bundle", {"id": name}, (technology, network, _primitive(f"{name}-inside")))


def _cluster(
    resources: tuple[Element, ...],
    constraints: tuple[Element, ...] = (),
    options: dict[str, str] | None = None,
) -> Element:
    wanted = {"fencing-enabled": "false", **(options or {})}
    state = {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}
    parts = (
        Element("crm_config", {}, (nvpairs("opt", "cluster_property_set", wanted),)),
        Element("nodes", {}, tuple(Element("node", {"id": n, "uname": n}) for n in NODES)),
        Element("resources", {}, resources),
        Element("constraints", {}, constraints),
    )
    states = tuple(Element("node_state", {"id": n, "uname": n, **state}) for n in NODES)
    root = {"validate-with": "pacemaker-4.0", "have-quorum": "1", "dc-uuid": "n1"}
    return Element(
        "cib", root, (Element("configuration", {}, parts), Element("status", {}, states))
    )


def _decided(cib: Element) -> Schedule:
    decision = schedule(cib, _NOW)
    assert len(decision.graph.actions) + len(decision.graph.absent) < _ACTIONS_MAX
    assert all(report.what for report in decision.reports)
    assert all(report.where and report.mend for report in decision.reports if _is_cut(report.code))
    return decision


def _is_cut(code: str) -> bool:
    return code in limits.CUT


@given(
    meta=st.dictionaries(st.sampled_from(_COUNTS), st.sampled_from(_NUMBERS), min_size=1),
    flags=st.sets(st.sampled_from(_FLAGS)),
    size=st.sampled_from([1, 1, 60]),
)
@settings(max_examples=12, deadline=None)
def test_no_number_of_a_clone_keeps_a_decision_from_coming(
    meta: dict[str, str], flags: set[str], size: int
) -> None:
    """features 9.7: as many instances as there is use for, and a report about the rest."""
    cluster = _cluster((_clone("c", meta | dict.fromkeys(sorted(flags), "true"), size=size),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SURPLUS_MAX", 60)  # so that many can be tried
        decision = _decided(cluster)
    if meta.get("clone-max", "0")[0] in "19" and meta["clone-max"] != "1e9":
        cut = [each for each in decision.reports if each.code == limits.TOO_MANY_INSTANCES]
        assert [each.where for each in cut] == ["c"]
        assert "clone-max" in cut[0].what
        assert "set clone-max" in cut[0].mend


@given(
    st.dictionaries(
        st.sampled_from(["replicas", "replicas-per-host", "promoted-max"]),
        st.sampled_from(_NUMBERS),
        min_size=1,
    )
)
@settings(max_examples=8, deadline=None)
def test_no_number_of_a_bundle_keeps_a_decision_from_coming(counts: dict[str, str]) -> None:
    """features 11.3: a bundle has as many replicas as there is use for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SURPLUS_MAX", 60)
        _decided(_cluster((_bundle("b", counts),)))


@given(
    name=st.sampled_from(
        ["batch-limit", "cluster-delay", "node-pending-timeout", "load-threshold"]
    ),
    number=st.sampled_from(_NUMBERS),
)
@settings(max_examples=15, deadline=None)
def test_no_number_of_an_option_is_too_long(name: str, number: str) -> None:
    """A number may have any length; what has no room counts as the largest that has."""
    times = {"id": "op", "name": "monitor", "interval": number, "timeout": number}
    operations = Element("operations", {}, (Element("op", times),))
    place = Element("rsc_location", {"id": "l", "rsc": "a", "node": "n1", "score": number})
    _decided(_cluster((_primitive("a", operations),), (place,), {name: number}))


def _mesh(count: int, tag: str) -> Element:
    names = [f"r{number}" for number in range(count)]
    pairs = [(one, other) for one in names for other in names if one != other]
    ends = ("rsc", "with-rsc") if tag == "rsc_colocation" else ("first", "then")
    score = {"score": "100"} if tag == "rsc_colocation" else {}
    constraints = tuple(
        Element(tag, {"id": f"{one}-{other}", ends[0]: one, ends[1]: other, **score})
        for one, other in pairs
    )
    return _cluster(tuple(_primitive(name) for name in names), constraints)


def test_a_mesh_of_colocations_ends_with_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve resources all colocated with each other: there are 12! ways to ask them all."""
    monkeypatch.setattr(limits, "COLOCATION_WORK_MAX", 20_000)
    mesh = _mesh(12, "rsc_colocation")
    decision = _decided(mesh)
    assert [report.code for report in decision.reports] == [limits.TOO_MANY_COLOCATIONS]
    assert len({change.destination for change in decision.resource_changes}) == 1
    resident = Resident()
    assert resident.graph(mesh, _NOW) == decision.graph
    assert resident.graph(mesh, _NOW) == decision.graph
    assert resident.last_run is None, "what was cut in one part would be cut elsewhere in another"
    assert resident.cuts == decision.reports


def test_a_mesh_of_orders_ends() -> None:
    """Every resource after every other one: none can start first, and that is found out."""
    assert not _decided(_mesh(15, "rsc_order")).reports


def test_a_mistake_in_one_clone_takes_nothing_from_another() -> None:
    """What is cut is the clone that asks for too much, not its neighbour."""
    mistaken = _clone("mistaken", {"clone-max": "1000000"})
    other = _clone("other", {"clone-max": "9", "clone-node-max": "3", "globally-unique": "true"})
    decision = _decided(_cluster((mistaken, other)))
    assert [report.where for report in decision.reports] == ["mistaken"]
    started = [each for each in decision.resource_changes if each.resource.startswith("other")]
    assert len(started) == 9


_CIRCLES = {
    "a template of itself": (
        Element("template", {"id": "t", "class": "ocf", "type": "x", "template": "t"}),
        Element("primitive", {"id": "p", "template": "t"}),
    ),
    "two templates of each other": (
        Element("template", {"id": "t", "template": "u"}),
        Element("template", {"id": "u", "template": "t"}),
        Element("primitive", {"id": "p", "template": "t"}),
    ),
    "groups in groups": (
        Element("group", {"id": "g"}, (Element("group", {"id": "g"}, (_primitive("p"),)),)),
    ),
    "a clone of itself": (Element("clone", {"id": "c"}, (_primitive("c"),)),),
    "guests of each other": tuple(
        _primitive(one, nvpairs(one, "meta_attributes", {"remote-node": other}))
        for one, other in (("p", "q"), ("q", "p"), ("s", "s"))
    ),
    "containers of each other": tuple(
        _primitive(one, nvpairs(one, "meta_attributes", {"container": other}))
        for one, other in (("p", "q"), ("q", "p"), ("s", "s"))
    ),
    "sets that name themselves": (
        _primitive(
            "p",
            Element("meta_attributes", {"id": "m", "id-ref": "m"}),
            Element("operations", {"id": "o", "id-ref": "o"}),
        ),
    ),
}


@pytest.mark.parametrize("name", _CIRCLES)
def test_resources_that_lead_back_to_themselves_end(name: str) -> None:
    """A reference in a circle is no endless one."""
    _decided(_cluster(_CIRCLES[name]))


def test_tags_that_hold_each_other_end() -> None:
    """A tag of tags names resources only as far as it holds any."""
    tags = Element(
        "tags",
        {},
        (
            Element("tag", {"id": "t"}, (Element("obj_ref", {"id": "u"}),)),
            Element("tag", {"id": "u"}, (Element("obj_ref", {"id": "t"}),)),
        ),
    )
    constraints = (
        Element("rsc_colocation", {"id": "c", "rsc": "t", "with-rsc": "p", "score": "1"}),
        Element("rsc_order", {"id": "o", "first": "t", "then": "p"}),
        Element("rsc_location", {"id": "l", "rsc": "u", "node": "n1", "score": "1"}),
    )
    cib = _cluster((_primitive("p"),), constraints)
    configuration = cib.children[0]
    changed = configuration.with_children((*configuration.children, tags))
    _decided(cib.with_children((changed, *cib.children[1:])))
