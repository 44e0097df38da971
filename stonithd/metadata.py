"""A fence agent's metadata XML, read into what the core asks (features 17.3, 17.15-17.19)."""

from __future__ import annotations

from lxml import etree

from stonithd.fencing.setup import Abilities, FenceAction

_KNOWN = {action.value: action for action in FenceAction}
_TARGET_PARAMETERS = ("port", "plug")


class BadMetadata(ValueError):
    """The text is no metadata; the message says why."""


def abilities_of(text: str) -> Abilities:
    """Read metadata. Raises `BadMetadata`."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadMetadata(f"not readable as XML: {error}") from None
    if root.tag != "resource-agent":
        raise BadMetadata(f"the root element is {root.tag}, not resource-agent")
    actions = {str(action.get("name")): action for action in root.iterfind("actions/action")}
    names = {str(parameter.get("name")) for parameter in root.iterfind("parameters/parameter")}
    on = actions.get("on")
    return Abilities(
        actions=frozenset(_KNOWN[name] for name in actions if name in _KNOWN),
        automatic_on=on is not None and on.get("automatic") == "1",
        on_target=frozenset(
            _KNOWN[name]
            for name, action in actions.items()
            if name in _KNOWN and action.get("on_target") == "1"
        ),
        target_parameter=next((name for name in _TARGET_PARAMETERS if name in names), ""),
    )
