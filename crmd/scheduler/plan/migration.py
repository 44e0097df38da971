"""Live migration (features section 14)."""

from __future__ import annotations

from crmd.scheduler.actions.book import operation
from crmd.scheduler.constraints.ordering import order_resources
from crmd.scheduler.state.action import (
    FIRST_ELSE_THEN,
    MIGRATABLE,
    MIGRATION_ABORT,
    ORDERED,
    PSEUDO,
    UNMIGRATABLE_THEN_BLOCKS,
    Action,
)
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def can_migrate(rsc: Resource, current: Node | None) -> bool:
    """Whether a resource may move without being stopped."""
    return (
        rsc.migratable
        and rsc.managed
        and not rsc.failed
        and not rsc.start_pending
        and current is not None
        and not current.unclean
        and rsc.assigned is not None
        and not rsc.assigned.unclean
    )


def abort_dangling_migration(run: Run, rsc: Resource, source: Node) -> None:
    """Stop what a completed migration left behind on its source."""
    stop = operation(run, rsc, "stop", source, optional=False)
    stop.flags |= MIGRATION_ABORT


def create_migration_actions(run: Run, rsc: Resource, current: Node) -> None:
    """Register migrate_to and migrate_from; stop and start become parts of the migration."""
    start = operation(run, rsc, "start", rsc.assigned, optional=True)
    stop = operation(run, rsc, "stop", current, optional=True)
    migrate_to: Action | None = None
    fresh = rsc.migration_target is None
    if fresh:
        migrate_to = operation(run, rsc, "migrate_to", current, optional=True)
    migrate_from = operation(run, rsc, "migrate_from", rsc.assigned, optional=True)
    start.flags |= MIGRATABLE | PSEUDO
    stop.flags |= MIGRATABLE
    migrate_from.flags |= MIGRATABLE
    if migrate_to is not None:
        migrate_to.flags |= MIGRATABLE
        migrate_to.needs = start.needs
        order_resources(run, rsc, "monitor", rsc, "migrate_to", ORDERED)
        order_resources(
            run, rsc, "migrate_to", rsc, "migrate_from", ORDERED | UNMIGRATABLE_THEN_BLOCKS
        )
    else:
        migrate_from.needs = start.needs
        order_resources(run, rsc, "monitor", rsc, "migrate_from", ORDERED)
    order_resources(run, rsc, "migrate_from", rsc, "stop", ORDERED | UNMIGRATABLE_THEN_BLOCKS)
    order_resources(
        run,
        rsc,
        "migrate_from",
        rsc,
        "start",
        ORDERED | UNMIGRATABLE_THEN_BLOCKS | FIRST_ELSE_THEN,
    )
    assert rsc.assigned is not None
    partners = {"migrate_source": current.name, "migrate_target": rsc.assigned.name}
    if migrate_to is not None:
        migrate_to.meta |= partners
        if not rsc.remote_connection:
            migrate_to.meta["record-pending"] = "true"
    migrate_from.meta |= partners
