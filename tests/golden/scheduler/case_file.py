"""Golden cases of the scheduler: one text file each, cluster and expected plan.

The first line says what the case proves. Then, each after a line of its own:

``== cluster``: the configuration in crm syntax. Nodes come from the next part. Fencing is off
unless the text says otherwise.

``== state``: a line for each node, ``NODE online|down|lost|unseen [attribute=value ...]`` (lost:
failed without a word, down: left in order, unseen: it has no state; attributes are transient;
the first node is the DC), and a line for what is not
stopped, ``RESOURCE started|promoted|failed on NODE ...``. ``RESOURCE unknown on NODE`` leaves out
the result of the probe, which any other resource has on every node that is online. ``without
quorum`` says that this part of the cluster has no majority.

``== then`` (may be left out): what happens once the cluster has carried out its plans (see
`settling`); the plan is the one after that.

``== plan``: the transition summary, and the actions in the order in which they are carried out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.values import is_true
from crm_shell.edit.apply import Mode, apply
from crm_shell.simulate.changes_text import summary_lines
from crm_shell.simulate.execution import event_text, execute
from crm_shell.syntax import parse
from crmd.scheduler.actions.operations import TIMEOUT_DEFAULT_MS
from crmd.scheduler.configuration.templates import expanded
from crmd.scheduler.parameter_digest import digest_of
from crmd.scheduler.pipeline import decide, read_cluster
from tests.golden.scheduler.settling import after, settled

NOW = 1_700_000_000
_EMPTY = Element(
    "configuration",
    {},
    tuple(Element(tag) for tag in ("crm_config", "nodes", "resources", "constraints")),
)
_NODE_STATES = {
    "online": ("online", "true", "member", "member"),
    "down": ("offline", "false", "down", "down"),
    "lost": ("offline", "false", "down", "member"),
}
_RESULTS = {"started": ("start", 0, 0), "promoted": ("promote", 0, 0), "failed": ("monitor", 1, 0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One golden case, taken apart."""

    title: str
    cluster: str
    state: str
    then: str
    plan: str

    @classmethod
    def read(cls, text: str) -> Case:
        """Take the text of a case apart."""
        head, *parts = text.split("\n== ")
        named = dict(part.split("\n", 1) for part in parts)
        plan = named.get("plan", "").strip("\n")
        return cls(
            title=head.strip(),
            cluster=named["cluster"],
            state=named["state"],
            then=named.get("then", ""),
            plan=plan,
        )

    def with_plan(self, plan: str) -> str:
        """Return the text of the case with another plan."""
        then = f"== then\n{self.then.strip()}\n\n" if self.then else ""
        return (
            f"{self.title}\n\n== cluster\n{self.cluster.strip()}\n\n"
            f"== state\n{self.state.strip()}\n\n{then}== plan\n{plan}\n"
        )


@dataclass(slots=True)
class _State:
    """What the state part says."""

    nodes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    resources: dict[tuple[str, str], str] = field(default_factory=dict)
    """By resource and node: started, promoted, failed, unknown."""
    quorate: bool = True

    @classmethod
    def read(cls, text: str) -> _State:
        state = cls()
        for line in text.splitlines():
            words = line.split()
            if words == ["without", "quorum"]:
                state.quorate = False
            elif len(words) > 2 and words[2] == "on":
                for node in words[3:]:
                    state.resources[words[0], node] = words[1]
            elif words:
                pairs = dict(word.split("=", 1) for word in words[2:])
                state.nodes[words[0]] = words[1], pairs
        return state


def cib_of(case: Case) -> Element:
    """Build the CIB that a case describes."""
    state = _State.read(case.state)
    text = "\n".join(f"node {at}: {name}" for at, name in enumerate(state.nodes, 1))
    parsed = parse(f"property fencing-enabled=false\n{text}\n{case.cluster}")
    edited = apply(_EMPTY, parsed, Mode.UPDATE)
    assert not edited.faults, [str(fault) for fault in edited.faults]
    histories = _history_names(edited.configuration, len(state.nodes))
    unknown = {name for name, _ in state.resources} - set(histories)
    assert not unknown, f"no such resources: {unknown}"
    states = tuple(
        _node_state(at, name, state, histories)
        for at, (name, (kind, _)) in enumerate(state.nodes.items(), 1)
        if kind != "unseen"
    )
    status = Element("status", {}, states)
    facts = {"have-quorum": str(int(state.quorate)), "dc-uuid": next(iter(state.nodes))}
    cib = Element("cib", facts, (edited.configuration, status))
    return after(settled(cib, NOW), case.then) if case.then else cib


def _history_names(configuration: Element, nodes: int) -> dict[str, Element]:
    """Return the names under which histories know the primitives, and the primitives."""
    resources = configuration.child("resources")
    assert resources is not None
    found: dict[str, Element] = {}
    templates = {each.id: each for each in resources.each("template")}
    for top in resources.each("primitive", "group", "clone"):
        meta = {pair.get("name"): pair.get("value") for pair in top.walk() if pair.tag == "nvpair"}
        unique = top.tag == "clone" and is_true(meta.get("globally-unique"))
        for primitive in top.walk():
            if primitive.tag == "primitive" and unique:
                for number in range(int(meta.get("clone-max", nodes))):
                    found[f"{primitive.id}:{number}"] = primitive
            elif primitive.tag == "primitive":
                found[primitive.id] = expanded(primitive, templates) or primitive
    return found


def _node_state(number: int, name: str, state: _State, histories: dict[str, Element]) -> Element:
    kind, attributes = state.nodes[name]
    crmd, in_ccm, join, expected = _NODE_STATES[kind]
    children = []
    if attributes:
        pairs = tuple(
            Element("nvpair", {"id": f"status-{number}-{key}", "name": key, "value": value})
            for key, value in attributes.items()
        )
        holder = Element("instance_attributes", {"id": f"status-{number}"}, pairs)
        children.append(Element("transient_attributes", {"id": str(number)}, (holder,)))
    resources = tuple(
        _history(rsc, primitive, state.resources.get((rsc, name)))
        for rsc, primitive in histories.items()
        if state.resources.get((rsc, name)) != "unknown"
        and (kind == "online" or (rsc, name) in state.resources)
    )
    lrm = Element("lrm", {"id": str(number)}, (Element("lrm_resources", {}, resources),))
    facts = {"crmd": crmd, "in_ccm": in_ccm, "join": join, "expected": expected}
    return Element("node_state", {"id": str(number), "uname": name} | facts, (*children, lrm))


def _history(name: str, primitive: Element, said: str | None) -> Element:
    results = [("monitor", 7, 7)] if said is None else [("start", 0, 0), _RESULTS[said]]
    entries = tuple(
        _entry(name, primitive, call, task, code, expected)
        for call, (task, code, expected) in enumerate(dict.fromkeys(results), 1)
    )
    agent = {key: primitive.get(key) for key in ("class", "provider", "type") if primitive.get(key)}
    return Element("lrm_resource", {"id": name} | agent, entries)


def _entry(
    name: str, primitive: Element, call: int, task: str, code: int, expected: int
) -> Element:
    interval = 10_000 if code == 1 else 0
    given = {
        pair.get("name"): pair.get("value")
        for each in primitive.each("instance_attributes")
        for pair in each.each("nvpair")
    }
    if interval:
        given["CRM_meta_timeout"] = str(TIMEOUT_DEFAULT_MS)
    key = f"{call}:1:{expected}:01234567-89ab-cdef-0123-456789abcdef"
    return Element(
        "lrm_rsc_op",
        {
            "id": f"{name}_{task}_{interval}_{call}",
            "operation_key": f"{name}_{task}_{interval}",
            "operation": task,
            "interval": str(interval),
            "call-id": str(call),
            "rc-code": str(code),
            "op-status": "0" if code != 1 else "4",
            "transition-key": key,
            "transition-magic": f"0:{code};{key}",
            "last-rc-change": str(NOW - 1000),
            "op-digest": digest_of(given),
        },
    )


def plan_of(cib: Element) -> str:
    """Decide, and return the plan as text."""
    run = read_cluster(cib, Moment(NOW))
    schedule = decide(run)
    changes = [line.rstrip() for line in summary_lines(schedule)]
    events = execute(run, cib, schedule.graph, when=NOW).events
    steps = [event_text(event) for event in events]
    return "\n".join((*(changes or ["  nothing"]), "", *(steps or ["  nothing"])))
