"""The version of a CIB, read from and written to the attributes of its root (features 3.3)."""

from __future__ import annotations

from cib_store.document.element import Element
from raftmaker.vocabulary.outcomes import CibVersion

NAMES = ("admin_epoch", "epoch", "num_updates")


def _number(text: str) -> int:
    # Bounded, so that no text makes the numbers grow without limit.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def version_of(element: Element) -> CibVersion:
    """Read the version from the root (or a patchset's source or target); what is no number is 0."""
    return CibVersion(
        _number(element.get("admin_epoch")),
        _number(element.get("epoch")),
        _number(element.get("num_updates")),
    )


def version_attributes(version: CibVersion) -> dict[str, str]:
    """Return the version as attributes of the root."""
    values = (version.admin_epoch, version.epoch, version.num_updates)
    return {name: str(value) for name, value in zip(NAMES, values, strict=True)}


def with_version(cib: Element, version: CibVersion) -> Element:
    """Return the CIB with this version."""
    return cib.with_attributes(version_attributes(version))
