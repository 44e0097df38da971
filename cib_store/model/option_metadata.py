"""Options as the metadata of an agent, as daemons print it with ``metadata`` (features 27.35)."""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.model.described import CLUSTER, FENCING, Described

_KINDS = {"duration": "time", "timeout": "time", "score": "string", "port": "integer"}
"""What metadata of agents calls kinds of values, where that is another word."""
_STORE = frozenset(("enable-acl",))
_OF_DAEMON: dict[str, tuple[str, tuple[Described, ...]]] = {
    "raftmaker-cib": ("the store", tuple(each for each in CLUSTER if each.name in _STORE)),
    "raftmaker-crmd": (
        "the controller and its scheduler",
        tuple(each for each in CLUSTER if each.name not in _STORE),
    ),
    "raftmaker-stonithd": ("every fence device", FENCING),
    "raftmaker-lrmd": ("the executor", ()),
}


def of_daemon(program: str, version: str) -> str:
    """Return a daemon's options as a document."""
    short, options = _OF_DAEMON[program]
    body = render(metadata(program, short, options, version=version))
    return f'<?xml version="1.0"?>\n{body}'.rstrip("\n")


def metadata(name: str, short: str, options: Iterable[Described], *, version: str) -> Element:
    """Return options as an agent's metadata has parameters."""
    return Element(
        "resource-agent",
        {"name": name, "version": version},
        (
            Element("version", {}, (), "1.1"),
            Element("longdesc", {"lang": "en"}, (), f"Options of {short}"),
            Element("shortdesc", {"lang": "en"}, (), f"Options of {short}"),
            Element("parameters", {}, tuple(map(_parameter, options))),
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
