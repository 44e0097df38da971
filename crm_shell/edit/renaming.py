"""Give an object another id, and change every reference to it."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.edit.pool import Pool
from crm_shell.edit.rewriting import rewritten

_REFERENCES = ("rsc", "with-rsc", "first", "then", "template", "id-ref")


def renamed(configuration: Element, old: str, new: str) -> Element:
    """Return the configuration with `old` called `new` everywhere.

    Raises LookupError when there is no `old`, ValueError when there is a `new` or `old` is a node.
    """
    pool = Pool.of(configuration)
    found = pool.find(old)
    if found is None:
        raise LookupError(f"no object has the id {old!r}")
    if found.tag == "node":
        raise ValueError(f"{old!r} is a node; its name is set in its raftmaker.toml")
    if any(each.id == new for each in configuration.walk()):
        raise ValueError(f"the id {new!r} is in use")
    return rewritten(configuration, lambda each: _renamed(each, old, new))


def _renamed(element: Element, old: str, new: str) -> Element:
    changes: dict[str, str | None] = {
        name: new for name in ("id", *_REFERENCES) if element.get(name) == old
    }
    if element.tag == "fencing-level" and old in element.get("devices").split(","):
        devices = [new if each == old else each for each in element.get("devices").split(",")]
        changes["devices"] = ",".join(devices)
    return element.with_attributes(changes) if changes else element
