"""How often a resource has failed on a node, as the status section counts (features 8.20)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.scores import add_scores, parse_score
from crm_shell.actions.pairs import find_pairs, of_status, transient_owner


def failcount(
    cib: Element, node_id: str, resource: str, operation: str = "", interval_ms: int = 0
) -> int:
    """Return the sum of a resource's fail counts on a node, or the count of one operation."""
    only = f"{operation}_{interval_ms}" if operation else ""
    prefix = f"fail-count-{resource}#{only}"
    total = 0
    for _, pair in find_pairs(of_status(node_id), transient_owner(cib, node_id), ""):
        if pair.get("name").startswith(prefix):
            total = add_scores(total, parse_score(pair.get("value")))
    return total
