"""The safety rules of the protocols, each of which a simulation can break to see it found out.

The cores know nothing of this: `planted.py` breaks a rule from outside, by showing a core what it
would have to see to let the thing pass. So no switch exists in production.
"""

from __future__ import annotations

from msgspec import Struct


class Rules(Struct, frozen=True, kw_only=True):
    """One switch a rule; off means the planted fault."""

    # Identity
    foreign_cluster_refused: bool = True
    lower_generation_refused: bool = True
    # Liveness
    reporter_stops_answering: bool = True
    """A voter that reported a session's silence answers it no more."""
    majority_reports: bool = True
    """A loss needs a majority of voters that report silence."""
    both_daemons_silent: bool = True
    """A node is lost only when its store and its controller are silent."""
    new_leader_hears_itself: bool = True
    """A new leader judges by its own last-heard times."""
    new_leader_doubts_losses: bool = True
    """It judges what earlier leaders left in its log before that can take effect."""
    term_current: bool = True
    """A loss that names another term than the current one changes nothing."""
    stall_rearms: bool = True
    """After a stall of its own a voter drains its input and re-arms its deadlines."""
    minority_steps_down: bool = True
    """A leader about to declare a majority lost steps down instead."""
    boot_current: bool = True
    """A fact that names another boot id changes nothing."""
    session_current: bool = True
    """A fact that names another session changes nothing."""
    controller_fence_delay: bool = True
    """A node whose controller alone is lost is not fenced for ten seconds."""
    # DC
    dc_fresh: bool = True
    """A DC orders and writes only while its newest answered beat is younger than the dead time."""
    store_checks_token: bool = True
    executor_checks_arrival: bool = True
    executor_checks_fork: bool = True
    executor_keeps_token: bool = True
    """The token is on disk before the first order under it is carried out."""
    fencer_checks_arrival: bool = True
    fencer_checks_fork: bool = True
    fencer_keeps_token: bool = True
    order_names_boot: bool = True
    """An order for another boot of the node is refused."""
    joins_first: bool = True
    """A new DC raises the token on every member it reaches and takes stock before it schedules."""
    first_dc_waits: bool = True
    """After a cold start a DC is elected when all are there, or after `dc-deadtime`."""
    # Fencing
    intent_first: bool = True
    """The intent is committed before any device runs."""
    confirmation_first: bool = True
    """Nothing of a lost node starts elsewhere before its fencing is committed."""
    intent_bars_return: bool = True
    """After an intent the session cannot be renewed."""
    return_plans_anew: bool = True
    """A fenced node that returns before the graph that fenced it has ended is planned for."""
    # Without quorum
    isolated_stops: bool = True
    """An isolated node acts by `no-quorum-policy` one dead time after its newest answered beat."""
    takeover_waits: bool = True
    """With fencing off the majority waits dead time and grace before it takes over."""
    return_resyncs: bool = True
    """On return the executor's state replaces the node's `lrm`."""
    # Two nodes
    survivor_was_together: bool = True
    """Who goes on alone has been in a quorum of both since it booted."""
    survivor_needs_device: bool = True
    """A device confirmed the end of the other one."""
    # Commands
    retries_run_once: bool = True
    unknown_client_refused: bool = True
    preconditions_hold: bool = True


ALL_RULES = Rules()
