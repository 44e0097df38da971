"""Lists of options, for people and as the XML of an agent's metadata (27.6, 27.11, 27.35)."""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.document.element import Element
from cib_store.model.described import CLUSTER, FENCING, PRIMITIVE, Described
from crm_shell.status.xml import framed
from crm_shell.tools.frame import ToolFailed
from crm_shell.xml_text import xml_lines
from raftmaker import __version__
from raftmaker.vocabulary.codes import ExitCode

LISTS = {"cluster": CLUSTER, "primitive": PRIMITIVE, "fencing": FENCING}
_TITLES = {
    "cluster": "Cluster options",
    "primitive": "Meta-attributes of primitive resources",
    "fencing": "Parameters of every fence device",
}
_KINDS = {"duration": "time", "timeout": "time", "score": "string", "port": "integer"}
"""What metadata of agents calls kinds of values, where that is another word."""


def listing(which: str, allowed: tuple[str, ...], *, advanced: bool, output_as: str) -> str:
    """Return a list as text or XML. Raises `ToolFailed` for one that is not `allowed`."""
    if which not in allowed:
        raise ToolFailed(
            f"no options of {which!r}; there are: {', '.join(allowed)}", ExitCode.USAGE
        )
    if output_as == "xml":
        return framed(f"--list-options={which}", (metadata(which, which, LISTS[which]),))
    shown = [each for each in LISTS[which] if advanced or not each.advanced]
    return "\n".join([f"{_TITLES[which]}:", *(_text(each) for each in shown)])


def _text(option: Described) -> str:
    kind, _, values = option.kind.partition(":")
    allowed = f", one of {values.replace(',', ', ')}" if values else ""
    default = f", default {option.default}" if option.default else ""
    managed = "; set by the cluster itself" if option.managed else ""
    return f"  * {option.name}: {option.text} ({kind}{allowed}{default}{managed})"


def metadata(name: str, short: str, options: Iterable[Described]) -> Element:
    """Return options as an agent's metadata has parameters."""
    parameters = Element("parameters", {}, tuple(map(_parameter, options)))
    return Element(
        "resource-agent",
        {"name": name, "version": __version__},
        (
            Element("version", {}, (), "1.1"),
            Element("longdesc", {"lang": "en"}, (), f"Options of {short}"),
            Element("shortdesc", {"lang": "en"}, (), short),
            parameters,
        ),
    )


def _parameter(option: Described) -> Element:
    kind, _, values = option.kind.partition(":")
    content = {"type": _KINDS.get(kind, kind)}
    if option.default:
        content["default"] = option.default
    choices = tuple(Element("option", {"value": each}) for each in values.split(",") if each)
    attributes = {"name": option.name}
    if option.advanced:
        attributes["advanced"] = "1"
    if option.managed:
        attributes["generated"] = "1"
    return Element(
        "parameter",
        attributes,
        (
            Element("longdesc", {"lang": "en"}, (), option.text),
            Element("shortdesc", {"lang": "en"}, (), option.text),
            Element("content", content, choices),
        ),
    )


def document(element: Element) -> str:
    """Return metadata as a document."""
    return "\n".join(('<?xml version="1.0"?>', *xml_lines(element)))
