"""The language's closed sets of words, and what old words are called today."""

from __future__ import annotations

MEMBER = "#member"
"""Tag of a loose element that stands for a resource defined by another statement."""

EXPRESSION_TYPES = ("string", "integer", "number", "version")
OPERATORS_BINARY = ("lt", "gt", "lte", "gte", "eq", "ne")
OPERATORS_UNARY = ("defined", "not_defined")
DATE_PARTS = (
    "seconds", "minutes", "hours", "days", "monthdays", "weekdays", "yeardays", "yearsdays",
    "months", "weeks", "years", "weekyears",
)  # fmt: skip
ROLES = ("Stopped", "Started", "Promoted", "Unpromoted")
ACTIONS = ("start", "stop", "promote", "demote")
CLASSES = ("ocf", "stonith", "systemd", "lsb", "service", "nagios", "upstart")
OP_ATTRIBUTES = (
    "interval", "timeout", "role", "on-fail", "start-delay", "interval-origin", "enabled",
    "record-pending", "description", "requires",
)  # fmt: skip
LOSS_POLICIES = ("stop", "demote", "fence", "freeze")

NVSETS = {
    "params": "instance_attributes",
    "meta": "meta_attributes",
    "utilization": "utilization",
}
"""Words of the shell and the elements they make, in resources."""

_OLD_ROLES = {"master": "Promoted", "slave": "Unpromoted"}
_OLD_META = {"master-max": "promoted-max", "master-node-max": "promoted-node-max"}


def modern_role(text: str) -> str:
    """Return today's name and case of a role; an unknown one stays as it is (features 1.14)."""
    if text.lower() in _OLD_ROLES:
        return _OLD_ROLES[text.lower()]
    for role in ROLES:
        if role.lower() == text.lower():
            return role
    return text


def modern_date_part(name: str) -> str:
    """Return the name that counts of a part of a date; crmsh writes one that nothing reads."""
    return "yeardays" if name == "yearsdays" else name


def modern_meta(name: str) -> str:
    """Return today's name of a meta-attribute of promotable clones (features 9)."""
    return _OLD_META.get(name, name)
