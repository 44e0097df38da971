"""What the metadata of fence agents means for a configuration (features 7.15, 17.15).

An agent may say that nodes are to be turned on by it when they join. The scheduler reads the CIB
alone, so the configuration has to say so too, as ``provides=unfencing`` of the device.
"""

from __future__ import annotations

from collections.abc import Collection

from cib_store.document.element import Element
from crm_shell.agents.catalogue import Catalogue
from crm_shell.agents.uses import uses
from lrmd.client import AgentMetadata
from raftmaker.client import Cluster


async def unfencing_devices(
    cluster: Cluster, configuration: Element, *, before: Element
) -> tuple[str, ...]:
    """Return the devices, new or changed since `before`, that unfence and do not say so yet.

    Raises `HaError` when the executor cannot be asked.
    """
    known = uses(before)
    silent = [
        use
        for name, use in uses(configuration).items()
        if use.agent.startswith("stonith:") and not use.provides and known.get(name) != use
    ]
    told = await Catalogue(cluster).all_metadata({use.agent for use in silent})
    return tuple(use.resource for use in silent if _unfences(told[use.agent]))


def _unfences(metadata: AgentMetadata | str) -> bool:
    return isinstance(metadata, AgentMetadata) and any(
        action.name == "on" and action.automatic for action in metadata.actions
    )


def providing(element: Element, devices: Collection[str]) -> Element:
    """Return the configuration with these devices said to provide unfencing."""
    if element.tag == "primitive" and element.id in devices:
        return _provides(element)
    changed = tuple(providing(child, devices) for child in element.children)
    same = all(one is other for one, other in zip(changed, element.children, strict=True))
    return element if same else element.with_children(changed)


def _provides(primitive: Element) -> Element:
    plain = [each for each in primitive.each("meta_attributes") if each.child("rule") is None]
    there = next((each for each in plain if not each.get("id-ref")), None)
    held = there or Element("meta_attributes", {"id": f"{primitive.id}-meta_attributes"})
    pair = {"id": f"{held.id}-provides", "name": "provides", "value": "unfencing"}
    more = held.with_children((*held.children, Element("nvpair", pair)))
    if there is None:
        return primitive.with_children((more, *primitive.children))
    kept = (more if each is there else each for each in primitive.children)
    return primitive.with_children(tuple(kept))
