"""The kinds of resource: one table of behaviour each, and nowhere else do they differ."""

from __future__ import annotations

from collections.abc import Mapping

from crmd.scheduler.kinds.bundle import BUNDLE
from crmd.scheduler.kinds.clone import CLONE
from crmd.scheduler.kinds.group import GROUP
from crmd.scheduler.kinds.primitive import PRIMITIVE
from crmd.scheduler.state.behaviour import Behaviour
from crmd.scheduler.state.resource import Variant

KINDS: Mapping[Variant, Behaviour] = {
    Variant.PRIMITIVE: PRIMITIVE,
    Variant.GROUP: GROUP,
    Variant.CLONE: CLONE,
    Variant.BUNDLE: BUNDLE,
}
