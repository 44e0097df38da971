"""The plan of a proposed change: what starts, stops, moves or is fenced, in order, and why. Pure.

The scheduler decides twice, on the CIB as it is and on the CIB as it would be. What it would do
anyway is told apart, so that a change is not blamed for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.proposal.reasons import reason_of
from crm_shell.simulate.execution import execution_order
from crmd.scheduler.graph import GraphAction
from crmd.scheduler.pipeline import decide, read_cluster
from crmd.scheduler.schedule import Change, NodeChange, ResourceChange, Schedule
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role

_DISTURBING = frozenset(
    (
        Change.STOP,
        Change.MOVE,
        Change.MIGRATE,
        Change.RESTART,
        Change.RECOVER,
        Change.DEMOTE,
        Change.REPROMOTE,
    )
)


class Step(Struct, frozen=True, kw_only=True):
    """One thing that would happen."""

    verb: str
    """``start``, ``stop``, ``move``, ``fence`` and so on."""
    subject: str
    """The resource or node."""
    place: str
    """``on a``, ``from a to b``, ``(reboot)``."""
    reason: str
    disturbs: bool
    """Something that runs stops, restarts, moves or is demoted."""
    blocked: bool = False
    names: tuple[str, ...] = ()
    """The resource with all around it, and the nodes it leaves: who asked for one of these asked
    for this step."""

    def __str__(self) -> str:
        verb = f"not {self.verb}, though it should," if self.blocked else self.verb
        reason = f" ({self.reason})" if self.reason else ""
        return f"{verb} {self.subject} {self.place}{reason}".rstrip()

    @property
    def is_same_as(self) -> tuple[str, str, str]:
        """What makes it the same step in two decisions."""
        return self.verb, self.subject, self.place


class Plan(Struct, frozen=True, kw_only=True):
    """What a change would do. `steps` come in the order in which they begin."""

    steps: tuple[Step, ...] = ()
    anyway: tuple[Step, ...] = ()
    """What the cluster does, or would do, without the change."""
    problems: tuple[str, ...] = ()
    """What would be wrong with the configuration, and is not now."""

    def unasked(self, asked: Iterable[str]) -> tuple[Step, ...]:
        """Return the steps that disturb what runs and that nobody named in `asked`."""
        wanted = frozenset(asked)
        return tuple(
            step for step in self.steps if step.disturbs and not wanted.intersection(step.names)
        )


class Decision(Struct, frozen=True):
    """What the scheduler makes of one CIB, with its reasons."""

    run: Run
    schedule: Schedule


def decided(cib: Element, now: Moment, *, scores: bool = False, uses: bool = False) -> Decision:
    """Decide; `scores` and `uses` fill the schedule's score lines."""
    run = read_cluster(cib, now, show_scores=scores, show_utilization=uses, explained=True)
    return Decision(run, decide(run))


def proposed(before: Element, after: Element, now: Moment) -> Plan:
    """Return what changes when the CIB `before` becomes `after`."""
    new = decided(after, now)
    if not (new.schedule.resource_changes or new.schedule.node_changes or new.schedule.reports):
        return Plan()
    return plan_of(decided(before, now), new)


def plan_of(old: Decision | None, new: Decision) -> Plan:
    """Return the plan of `new`; what `old` has as well would be done anyway."""
    steps = _steps(old, new)
    known = {step.is_same_as for step in _steps(None, old)} if old is not None else set()
    reported = set(old.schedule.reports) if old is not None else set()
    return Plan(
        steps=tuple(step for step in steps if step.is_same_as not in known),
        anyway=tuple(step for step in steps if step.is_same_as in known),
        problems=tuple(str(each) for each in new.schedule.reports if each not in reported),
    )


def _steps(old: Decision | None, new: Decision) -> list[Step]:
    begins = _begins(new.schedule)
    last = len(begins)
    found = [
        (begins.get(each.node.split(" ")[0], last), _node_step(each))
        for each in new.schedule.node_changes
        if each.reason is not None
    ]
    for change in new.schedule.resource_changes:
        reason = reason_of(change, old.run if old is not None else None, new.run)
        step = _resource_step(change, new.run, reason)
        found.append((begins.get(change.resource, last), step))
    return [step for _, step in sorted(found, key=lambda each: each[0])]


def _begins(schedule: Schedule) -> dict[str, int]:
    """Return when the first thing happens to each resource, and to each fenced node."""
    begins: dict[str, int] = {}
    for at, action in enumerate(execution_order(schedule.graph)):
        for name in _subjects(action):
            begins.setdefault(name, at)
    return begins


def _subjects(action: GraphAction) -> tuple[str, ...]:
    if action.operation in ("stonith", "do_shutdown"):
        return (action.on_node or "",)
    rsc = action.resource
    if rsc is None or action.operation in ("monitor", "notify", "cancel", "lrm_delete"):
        return ()
    return (rsc.id, rsc.long_id or rsc.id)


def _node_step(each: NodeChange) -> Step:
    word, _, detail = each.task.partition(" ")
    node = each.node.split(" ")[0]
    return Step(
        verb="fence" if word == "Fence" else "shut down",
        subject=each.node,
        place=detail,
        reason=each.reason or "",
        disturbs=True,
        names=(node,),
    )


def _resource_step(change: ResourceChange, run: Run, reason: str) -> Step:
    verb, place = _words(change)
    names = tuple(name for name in (change.resource, change.origin) if name)
    rsc = run.find_resource(change.resource)
    return Step(
        verb=verb,
        subject=change.resource,
        place=place,
        reason=reason,
        disturbs=change.change in _DISTURBING and not change.blocked,
        blocked=change.blocked,
        names=(*names, *(_holders(rsc) if rsc is not None else ())),
    )


def _holders(rsc: Resource) -> tuple[str, ...]:
    found: list[str] = []
    at: Resource | None = rsc
    while at is not None:
        found += [at.id, at.xml_id]
        at = at.parent
    return tuple(dict.fromkeys(found))


def _words(change: ResourceChange) -> tuple[str, str]:
    origin, destination = change.origin, change.destination
    role = f" as {change.next_role.value}" if change.next_role is Role.PROMOTED else ""
    match change.change:
        case Change.START:
            return "start", f"on {destination}{role}"
        case Change.MOVE:
            return "move", f"from {origin} to {destination}{role}"
        case Change.MIGRATE:
            return "migrate", f"live from {origin} to {destination}{role}"
        case Change.RECOVER if destination not in (None, origin):
            return "recover", f"from {origin} to {destination}{role}"
        case Change.PROMOTE if origin is None:
            return "start and promote", f"on {destination}"
        case Change.DEMOTE if destination not in (None, origin):
            return "demote and move", f"from {origin} to {destination}"
        case other:
            return other.value.lower(), f"on {origin or destination}"
