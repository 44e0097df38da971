"""Reads the metadata that OCF agents print (OCF 1.0 and 1.1; features 5.13-5.16)."""

from __future__ import annotations

from lxml import etree
from msgspec import Struct

from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.roles import Role


class ParameterMetadata(Struct, frozen=True, kw_only=True):
    """One parameter that an agent takes (features 5.14)."""

    name: str
    type: str = "string"
    default: str = ""
    required: bool = False
    unique: bool = False
    unique_group: str = ""
    reloadable: bool = False
    private: bool = False
    """A secret: it must not be shown, nor enter digests that everyone may read."""
    deprecated: bool = False
    obsoletes: str = ""
    """The older name of the same parameter, as fence agents tell it."""
    shortdesc: str = ""
    longdesc: str = ""


class ActionMetadata(Struct, frozen=True, kw_only=True):
    """One action that an agent offers (features 5.15). Times are as written, with units."""

    name: str
    timeout: str = ""
    interval: str = ""
    start_delay: str = ""
    role: Role | None = None
    depth: str = ""
    automatic: bool = False
    """Of a fence agent's ``on``: to be run for a node that joins (features 17.19)."""


class AgentMetadata(Struct, frozen=True, kw_only=True):
    """What an agent says of itself."""

    name: str
    version: str = ""
    ocf_version: str = "1.0"
    shortdesc: str = ""
    longdesc: str = ""
    deprecated: bool = False
    replaced_with: tuple[str, ...] = ()
    """For a deprecated agent: those to use instead, as ``class:[provider:]type``."""
    parameters: tuple[ParameterMetadata, ...] = ()
    actions: tuple[ActionMetadata, ...] = ()

    def has_action(self, name: str) -> bool:
        """Whether the agent offers that action."""
        return any(action.name == name for action in self.actions)


_ROLES = {
    "master": Role.PROMOTED,
    "promoted": Role.PROMOTED,
    "slave": Role.UNPROMOTED,
    "unpromoted": Role.UNPROMOTED,
    "started": Role.STARTED,
    "stopped": Role.STOPPED,
}


def read_metadata(xml: str) -> AgentMetadata:
    """Read what an agent printed. Raises `HaError` where it is no agent's metadata."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(xml.strip().encode(), parser)
    except etree.XMLSyntaxError as error:
        raise HaError(f"the agent's metadata is no XML: {error}") from None
    if root.tag != "resource-agent":
        raise HaError(f"the agent's metadata begins with <{root.tag}>, not <resource-agent>")
    return AgentMetadata(
        name=root.get("name", ""),
        version=root.get("version", ""),
        ocf_version=(root.findtext("version") or "1.0").strip(),
        shortdesc=_text(root, "shortdesc"),
        longdesc=_text(root, "longdesc"),
        deprecated=root.find("deprecated") is not None,
        replaced_with=tuple(_replacement(one) for one in root.iterfind("deprecated/replaced-with")),
        parameters=tuple(_parameter(one) for one in root.iterfind("parameters/parameter")),
        actions=tuple(_action(one) for one in root.iterfind("actions/action")),
    )


def _replacement(element: etree._Element) -> str:
    parts = (element.get(name, "") for name in ("standard", "provider", "type"))
    return ":".join(part for part in parts if part)


def _parameter(element: etree._Element) -> ParameterMetadata:
    content = element.find("content")
    return ParameterMetadata(
        name=element.get("name", ""),
        type="string" if content is None else content.get("type", "string"),
        default="" if content is None else content.get("default", ""),
        required=_is_true(element.get("required")),
        unique=_is_true(element.get("unique")),
        unique_group=element.get("unique-group", ""),
        reloadable=_is_true(element.get("reloadable")),
        private=_is_true(element.get("private")),
        deprecated=_is_true(element.get("deprecated")) or element.find("deprecated") is not None,
        obsoletes=element.get("obsoletes", ""),
        shortdesc=_text(element, "shortdesc"),
        longdesc=_text(element, "longdesc"),
    )


def _action(element: etree._Element) -> ActionMetadata:
    return ActionMetadata(
        name=element.get("name", ""),
        timeout=element.get("timeout", ""),
        interval=element.get("interval", ""),
        start_delay=element.get("start-delay", ""),
        role=_ROLES.get(element.get("role", "").lower()),
        depth=element.get("depth", ""),
        automatic=_is_true(element.get("automatic")),
    )


def _text(element: etree._Element, tag: str) -> str:
    """Return the text of a child: English where there are several, else the first."""
    found = element.findall(tag)
    english = [one for one in found if one.get("lang", "en").startswith("en")]
    chosen = english or found
    return (chosen[0].text or "").strip() if chosen else ""


def _is_true(text: str | None) -> bool:
    """Read a boolean as everywhere (features 1.1)."""
    return (text or "").strip().lower() in ("1", "yes", "y", "on", "true")
