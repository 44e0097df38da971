"""What ``stonith_admin`` answers, as lines for people and as elements for programs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from msgspec import Struct

from cib_store.document.element import Element
from crm_shell.status.fencing_text import detailed_text, event_element, moment_text
from crm_shell.tools.frame import ToolFailed
from raftmaker.vocabulary.codes import ExitCode, OpStatus
from stonithd.client import DeviceInfo, FencingInfo, ProbeAnswer


class Answer(Struct, frozen=True, kw_only=True):
    """The same in two forms, and the exit code."""

    lines: tuple[str, ...] = ()
    elements: tuple[Element, ...] = ()
    code: int = 0


def note(text: str) -> Answer:
    """Return a sentence, or nothing."""
    return Answer(lines=(text,) if text else ())


def _listed(title: str, noun: str, names: Iterable[str], *, quiet: bool, tag: str) -> Answer:
    found = tuple(names)
    lines = found if quiet else (*found, _count(len(found), noun))
    named = {"name": tag} if tag else {}
    items = tuple(Element("item", named, (), name) for name in found)
    held = Element("list", {"name": title, "count": str(len(found))}, items)
    return Answer(lines=lines, elements=(held,))


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'} found"


def devices(found: Sequence[DeviceInfo], *, quiet: bool) -> Answer:
    """Return the devices, and how many there are."""
    names = (each.id for each in found)
    return _listed("registered fence devices", "fence device", names, quiet=quiet, tag="device")


def agents(found: Sequence[str], *, quiet: bool) -> Answer:
    """Return the installed agents, and how many there are."""
    return _listed("installed fence devices", "fence device", found, quiet=quiet, tag="device")


def targets(found: Sequence[str], *, quiet: bool) -> Answer:
    """Return the nodes that a device can fence."""
    return _listed("fence targets", "fence target", found, quiet=quiet, tag="")


def no_device(name: str, known: Sequence[DeviceInfo]) -> ToolFailed:
    """Return the failure that there is no such device."""
    there = ", ".join(each.id for each in known) or "none"
    return ToolFailed(f"no fence device {name!r}; devices: {there}", ExitCode.NOSUCH)


def query(name: str, found: ProbeAnswer) -> Answer:
    """Return nothing where the device works. Raises `ToolFailed`."""
    if found.status is OpStatus.DONE and found.code == 0:
        return Answer()
    code = ExitCode.TIMEOUT if found.status is OpStatus.TIMEOUT else ExitCode.ERROR
    said = f": {found.output}" if found.output else ""
    raise ToolFailed(f"{name} does not work ({_how(found)}){said}", code)


def _how(found: ProbeAnswer) -> str:
    if found.status is OpStatus.DONE:
        return f"exit code {found.code}"
    return found.status.name.lower().replace("_", " ")


def metadata(xml: str) -> Answer:
    """Return what an agent says of itself."""
    return Answer(lines=(xml.rstrip("\n"),), elements=(Element("metadata", {}, (), xml),))


def validation(agent: str, device: str, found: ProbeAnswer, *, quiet: bool) -> Answer:
    """Return what an agent says of parameters."""
    ok = found.status is OpStatus.DONE and found.code == 0
    where = f" on {device}" if device else ""
    lines = [f"Validation of {agent}{where} {'succeeded' if ok else 'failed'}"]
    if found.output:
        lines.append(found.output)
    attributes = {"agent": agent, "valid": "true" if ok else "false"}
    if device:
        attributes["device"] = device
    code = {"code": str(found.code)}
    said = Element("output", {"source": "stderr" if not ok else "stdout"}, (), found.output)
    command = Element("command", code, (said,) if found.output else ())
    return Answer(
        lines=() if quiet else tuple(lines),
        elements=(Element("validate", attributes, (command,)),),
        code=0 if ok else int(ExitCode.ERROR),
    )


def history(fencings: Sequence[FencingInfo], *, quiet: bool, verbose: bool) -> Answer:
    """Return the newest fencing that succeeded; all of them where it is to be `verbose`.

    Quiet, only its moment in seconds since 1970. `fencings` is the newest first.
    """
    latest = next((each for each in fencings if each.state == "confirmed"), None)
    if quiet:
        seconds = str(latest.at_us // 1_000_000) if latest is not None else ""
        return Answer(lines=(seconds,) if seconds else (), elements=_events(fencings))
    if verbose:
        lines = [detailed_text(each, fencings, full=True) for each in fencings]
    else:
        lines = [detailed_text(latest, fencings, full=False)] if latest is not None else []
    shown = fencings if verbose else (latest,) if latest is not None else ()
    return Answer(lines=(*lines, _count(len(lines), "event")), elements=_events(shown))


def _events(fencings: Sequence[FencingInfo]) -> tuple[Element, ...]:
    return (Element("fence_history", {}, tuple(event_element(each) for each in fencings)),)


def last(target: str, fencings: Sequence[FencingInfo]) -> Answer:
    """Return when a node was fenced last."""
    for each in fencings:
        if each.state == "confirmed" and each.action != "on":
            when = time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(each.at_us // 1_000_000))
            named = {"target": target, "when": moment_text(each.at_us)}
            return Answer(
                lines=(f"Node {target} last fenced at: {when}",),
                elements=(Element("last-fenced", named),),
            )
    return Answer(lines=(f"Node {target} has never been fenced",))


def has_succeeded(fencings: Sequence[FencingInfo], action: str, since_us: int) -> bool:
    """Whether the same was done since then (wall clock), so that it need not be done again.

    (features 17.39)
    """
    return any(
        each.state == "confirmed" and each.action == action and each.at_us > since_us
        for each in fencings
    )
