"""Golden cases of the scheduler: one text file each, cluster and expected plan.

The first line says what the case proves. Then, each after a line of its own:

``== cluster``: the configuration in crm syntax. Nodes come from the next part. Fencing is off
unless the text says otherwise.

``== state``: a line for each node, ``NODE online|down|lost|joining|unseen [attribute=value ...]``
(lost: failed without a word, down: left in order, joining: a member for 1000 s whose controller
has not joined, unseen: it has no state; attributes are transient; the first node is the DC), and a
line for what is not stopped, ``RESOURCE started|promoted|failed on NODE ...``, or longer (see
`histories`). ``removed RESOURCE CLASS[:PROVIDER]:TYPE`` names one that is no longer configured,
``ticket T granted|revoked|standby`` says how a ticket stands, and ``without quorum`` that this part
of the cluster has no majority.

``== then`` (may be left out): what happens once the cluster has carried out its plans (see
`settling`); the plan is the one after that.

``== plan``: the transition summary, and the actions in the order in which they are carried out.

``== sent`` (may be left out): what some of the actions are given, ``KEY [on NODE]: NAME=VALUE,
...``; a name without a value is not among it, and ``recheck-by=SECONDS`` is when the decision is
made again, from now.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.values import is_true
from crm_shell.edit.apply import Mode, apply
from crm_shell.simulate.changes_text import summary_lines
from crm_shell.simulate.execution import event_text, execute
from crm_shell.syntax import parse
from crmd.scheduler.configuration.templates import expanded
from crmd.scheduler.graph import Graph
from crmd.scheduler.pipeline import decide, read_cluster
from tests.golden.scheduler.histories import NOW, Said, history, read_line
from tests.golden.scheduler.settling import after, settled

_EMPTY = Element(
    "configuration",
    {},
    tuple(Element(tag) for tag in ("crm_config", "nodes", "resources", "constraints")),
)
_NODE_STATES = {
    "online": ("online", "true", "member", "member"),
    "down": ("offline", "false", "down", "down"),
    "lost": ("offline", "false", "down", "member"),
    "joining": ("0", str(NOW - 1000), "down", "down"),
}
_TICKETS = {
    "granted": {"granted": "true", "standby": "false"},
    "standby": {"granted": "true", "standby": "true"},
    "revoked": {"granted": "false", "standby": "false"},
}


class Case(Struct, frozen=True, kw_only=True):
    """One golden case, taken apart."""

    title: str
    cluster: str
    state: str
    then: str = ""
    plan: str = ""
    sent: str = ""

    @classmethod
    def read(cls, text: str) -> Case:
        """Take the text of a case apart."""
        title, *parts = text.split("\n== ")
        named = dict(part.split("\n", 1) for part in parts)
        return cls(title=title.strip(), **{name: said.strip("\n") for name, said in named.items()})

    def text(self) -> str:
        """Write the case as `read` reads it."""
        parts = {"cluster": self.cluster, "state": self.state, "then": self.then}
        parts |= {"plan": self.plan, "sent": self.sent}
        written = (f"== {name}\n{said}\n" for name, said in parts.items() if said)
        return "\n".join((self.title + "\n", *written))

    def decided(self) -> Case:
        """Return the case with the plan that the scheduler makes."""
        cib = cib_of(self)
        run = read_cluster(cib, Moment(NOW))
        schedule = decide(run)
        changes = [line.rstrip() for line in summary_lines(schedule)]
        events = execute(run, cib, schedule.graph, when=NOW).events
        steps = [event_text(event) for event in events]
        plan = "\n".join((*(changes or ["  nothing"]), "", *(steps or ["  nothing"])))
        sent = "\n".join(_sent(line, schedule.graph) for line in self.sent.splitlines())
        return replace(self, plan=plan, sent=sent)


def _sent(line: str, graph: Graph) -> str:
    """Return what an action is given of what a line asks for."""
    if line.startswith("recheck-by"):
        return f"recheck-by={graph.recheck_by - NOW if graph.recheck_by is not None else 'never'}"
    head, asked = line.split(": ", 1)
    key, _, node = head.partition(" on ")
    given = next(
        (
            action.attributes
            for action in graph.actions
            if action.operation_key == key and (action.on_node or "") == node
        ),
        None,
    )
    if given is None:
        return f"{head}: not done"
    names = [each.partition("=")[0] for each in asked.split(", ")]
    return f"{head}: " + ", ".join(
        f"{name}={given[name]}" if name in given else name for name in names
    )


class _State(Struct):
    """What the state part says."""

    nodes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    resources: dict[tuple[str, str], Said] = field(default_factory=dict)
    """By resource and node."""
    removed: dict[str, Element] = field(default_factory=dict)
    tickets: dict[str, str] = field(default_factory=dict)
    quorate: bool = True

    @classmethod
    def read(cls, text: str) -> _State:
        state = cls()
        for line in text.splitlines():
            if line:
                state._read_line(line.split())
        return state

    def _read_line(self, words: list[str]) -> None:
        if words == ["without", "quorum"]:
            self.quorate = False
        elif words[0] == "ticket":
            self.tickets[words[1]] = words[2]
        elif words[0] == "removed":
            standard, *provider, kind = words[2].split(":")
            agent = {"class": standard, "type": kind}
            agent |= {"provider": provider[0]} if provider else {}
            self.removed[words[1]] = Element("primitive", {"id": words[1]} | agent)
        elif "on" in words:
            nodes, said = read_line(words[1:])
            self.resources |= {(words[0], node): said for node in nodes}
        else:
            pairs = dict(word.split("=", 1) for word in words[2:])
            self.nodes[words[0]] = words[1], pairs


def cib_of(case: Case) -> Element:
    """Build the CIB that a case describes."""
    state = _State.read(case.state)
    text = "\n".join(f"node {at}: {name}" for at, name in enumerate(state.nodes, 1))
    parsed = parse(f"property fencing-enabled=false\n{text}\n{case.cluster}")
    edited = apply(_EMPTY, parsed, Mode.UPDATE)
    assert not edited.faults, [str(fault) for fault in edited.faults]
    histories = _history_names(edited.configuration, len(state.nodes)) | state.removed
    unknown = {name for name, _ in state.resources} - set(histories)
    assert not unknown, f"no such resources: {unknown}"
    states = tuple(
        _node_state(at, name, state, histories)
        for at, (name, (kind, _)) in enumerate(state.nodes.items(), 1)
        if kind != "unseen"
    )
    status = Element("status", {}, (*_tickets(state), *states))
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
        history(rsc, primitive, state.resources.get((rsc, name)), name)
        for rsc, primitive in histories.items()
        if _has_history(rsc, name, state)
    )
    lrm = Element("lrm", {"id": str(number)}, (Element("lrm_resources", {}, resources),))
    facts = {"crmd": crmd, "in_ccm": in_ccm, "join": join, "expected": expected}
    return Element("node_state", {"id": str(number), "uname": name} | facts, (*children, lrm))


def _has_history(rsc: str, node: str, state: _State) -> bool:
    said = state.resources.get((rsc, node))
    if said is None:
        return state.nodes[node][0] == "online" and rsc not in state.removed
    return said.steps != ()


def _tickets(state: _State) -> Iterator[Element]:
    if state.tickets:
        held = (
            Element("ticket_state", {"id": name} | _TICKETS[how])
            for name, how in state.tickets.items()
        )
        yield Element("tickets", {}, tuple(held))
