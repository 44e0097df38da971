"""Is an alert's agent on this node, and can it be run? (features 19.1)"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cib_store.document.element import Element
from crm_shell.agents.checks import Finding


def alert_findings(configuration: Element, before: Element | None = None) -> Iterator[Finding]:
    """Yield warnings about agents that nothing will come of; with `before` only of new paths."""
    known = dict(_paths(before)) if before is not None else {}
    for alert, path in _paths(configuration):
        if known.get(alert) != path and (what := _problem(path)):
            yield Finding(resource=alert, what=what, is_error=False)


def _paths(configuration: Element) -> Iterator[tuple[str, str]]:
    section = configuration.child("alerts")
    for alert in section.each("alert") if section is not None else ():
        yield alert.id, alert.get("path")


def _problem(path: str) -> str:
    if not Path(path).is_file():
        return f"there is no file {path} on this node; the agent must be on every node"
    if not os.access(path, os.X_OK):
        return f"{path} is not executable on this node (chmod +x)"
    return ""
