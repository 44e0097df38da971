"""The version of a CIB: admin_epoch, epoch and num_updates, compared in that order (features 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

from cib_store.document.element import Element

NAMES = ("admin_epoch", "epoch", "num_updates")


@dataclass(frozen=True, slots=True, order=True)
class CibVersion:
    """``admin_epoch.epoch.num_updates``."""

    admin_epoch: int = 0
    epoch: int = 0
    num_updates: int = 0

    def __str__(self) -> str:
        return f"{self.admin_epoch}.{self.epoch}.{self.num_updates}"

    @property
    def attributes(self) -> dict[str, str]:
        """The version as attributes of the root."""
        values = (self.admin_epoch, self.epoch, self.num_updates)
        return {name: str(value) for name, value in zip(NAMES, values, strict=True)}


def _number(text: str) -> int:
    # Bounded, so that no text makes the numbers grow without limit.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def version_of(element: Element) -> CibVersion:
    """Read the version from the root (or a patchset's source or target); what is no number is 0."""
    return CibVersion(*(_number(element.get(name)) for name in NAMES))


def with_version(cib: Element, version: CibVersion) -> Element:
    """Return the CIB with this version."""
    return cib.with_attributes(version.attributes)
