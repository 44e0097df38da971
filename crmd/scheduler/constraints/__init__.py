"""Stage 3: constraints of the configuration, bound to resources and nodes (features 12)."""

from __future__ import annotations

from crmd.scheduler.configuration.options import section
from crmd.scheduler.constraints.colocations import read_colocation
from crmd.scheduler.constraints.locations import read_location
from crmd.scheduler.constraints.orders import read_order
from crmd.scheduler.constraints.tickets import read_ticket
from crmd.scheduler.state.run import Run
from crmd.scheduler.state.trail import Stage


def read_constraints(run: Run) -> None:
    """Bind all constraints, in the order of the configuration."""
    constraints = section(run.cib, "constraints")
    for element in constraints.each() if constraints is not None else ():
        if not element.id:
            run.ignore("no-id", f"Ignoring a <{element.tag}> constraint without id")
            continue
        run.trail.place = (Stage.CONSTRAINTS, element.id)
        match element.tag:
            case "rsc_order":
                read_order(run, element)
            case "rsc_colocation":
                read_colocation(run, element)
            case "rsc_location":
                read_location(run, element)
            case "rsc_ticket":
                read_ticket(run, element)
            case _:
                run.ignore("unknown-constraint", f"Unsupported constraint type: {element.tag}")
