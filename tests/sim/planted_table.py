"""For each rule the surroundings in which breaking it shows soon, and what should find it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from tests.sim.cluster import Plan
from tests.sim.nemesis import DEAF_LEADER
from tests.sim.rules import Rules


class Planted(Struct, frozen=True, kw_only=True):
    """One broken rule. `found_by` names the checkers of which one must find it."""

    rule: str
    found_by: tuple[str, ...]
    focus: tuple[str, ...] = ()
    nodes: int = 3
    fencing: bool | None = None
    late: float = 0.004
    minutes: float = 2.0
    pace_ms: int = 0
    seed: int = 0
    """The one seed to try, where chance alone would take long to find it; 0: any."""

    def plan(self, seed: int, *, broken: bool = True) -> Plan:
        """Return the plan of one seed; not `broken`: the same with all rules on."""
        return Plan(
            seed=seed,
            nodes=self.nodes,
            minutes=self.minutes,
            fencing=self.fencing,
            rules=replace(Rules(), **{self.rule: False}) if broken else Rules(),
            focus=self.focus,
            late=self.late,
            pace_ms=self.pace_ms,
        )

    def plans(self, seeds: range) -> Iterator[Plan]:
        """Return the plans of many seeds."""
        return (self.plan(seed) for seed in ((self.seed,) if self.seed else seeds))


REPLAYS = ("replay", "operator")
CUTS = ("isolate", "one-way", "partition")
TAKEOVERS = ("pause-controller", "isolate", "crash-controller", "election")
LOSSES = ("cut-link", "one-way", "election", "pause-store", "crash-store")

TABLE = (
    Planted(rule="foreign_cluster_refused", found_by=("foreign-cluster",), focus=REPLAYS),
    Planted(rule="lower_generation_refused", found_by=("generation",), focus=REPLAYS),
    Planted(rule="reporter_stops_answering", found_by=("answered-or-lost",), focus=LOSSES),
    Planted(
        rule="majority_reports", found_by=("majority-silent", "answered-or-lost"), focus=LOSSES
    ),
    Planted(
        rule="both_daemons_silent",
        found_by=("majority-silent",),
        focus=("crash-controller", "pause-controller"),
        fencing=True,
    ),
    Planted(
        rule="new_leader_hears_itself",
        found_by=("majority-silent", "answered-or-lost"),
        focus=("cut-link", "election"),
    ),
    Planted(
        rule="new_leader_doubts_losses",
        found_by=("answered-or-lost",),
        focus=("stall-all", "pause-node", DEAF_LEADER),
        fencing=True,
        minutes=6.0,
        pace_ms=900,
    ),
    Planted(rule="term_current", found_by=("term",), focus=REPLAYS),
    Planted(
        rule="stall_rearms",
        found_by=("majority-silent", "answered-or-lost"),
        focus=("stall-all", "pause-store", "pause-node"),
        fencing=True,
    ),
    Planted(rule="minority_steps_down", found_by=("minority-steps-down",), focus=CUTS),
    Planted(rule="boot_current", found_by=("boot",), focus=REPLAYS),
    Planted(rule="session_current", found_by=("session",), focus=(*REPLAYS, "isolate")),
    Planted(
        rule="controller_fence_delay",
        found_by=("controller-fence-delay",),
        focus=("crash-controller", "pause-controller"),
        fencing=True,
    ),
    Planted(rule="dc_fresh", found_by=("dc-fresh",), focus=CUTS, fencing=True),
    Planted(rule="store_checks_token", found_by=("store-token",), focus=REPLAYS),
    Planted(
        rule="executor_checks_arrival",
        found_by=("executor-token",),
        focus=TAKEOVERS,
        fencing=True,
        late=0.2,
    ),
    Planted(
        rule="executor_checks_fork",
        found_by=("executor-token",),
        focus=(*TAKEOVERS, "operator", "service-dies"),
        fencing=True,
        late=0.15,
    ),
    Planted(
        rule="executor_keeps_token",
        found_by=("executor-token",),
        focus=(*TAKEOVERS, "crash-executor"),
        fencing=True,
        late=0.2,
    ),
    Planted(
        rule="fencer_checks_arrival",
        found_by=("fencer-token",),
        focus=("pause-controller", "isolate", "power-fails", "pause-fencer"),
        fencing=True,
        late=0.3,
    ),
    Planted(
        rule="fencer_checks_fork",
        found_by=("fencer-token",),
        focus=(*TAKEOVERS, "crash-machine", "power-fails"),
        fencing=True,
        late=0.1,
    ),
    Planted(
        rule="fencer_keeps_token",
        found_by=("fencer-token",),
        focus=(*TAKEOVERS, "crash-fencer"),
        fencing=True,
        late=0.3,
    ),
    Planted(
        rule="order_names_boot",
        found_by=("order-names-boot",),
        focus=("crash-member", "operator", "service-dies", "quick-boots"),
        fencing=True,
        late=0.25,
        pace_ms=2_500,
        minutes=4.0,
    ),
    Planted(
        rule="joins_first",
        found_by=("active-once",),
        focus=("crash-controller", "operator", "service-dies", "slow-agents"),
        fencing=True,
    ),
    Planted(rule="first_dc_waits", found_by=("first-dc-waits",)),
    Planted(
        rule="intent_first", found_by=("intent-first",), focus=("crash-machine",), fencing=True
    ),
    Planted(
        rule="confirmation_first",
        found_by=("confirmation-first", "active-once"),
        focus=CUTS,
        fencing=True,
    ),
    Planted(
        rule="intent_bars_return",
        found_by=("intent-bars-return",),
        focus=("crash-machine", "isolate"),
        fencing=True,
    ),
    Planted(
        rule="return_plans_anew",
        found_by=("idle",),
        focus=("crash-member", "slow-agents", "quick-boots"),
        fencing=True,
        pace_ms=12_000,
        minutes=4.0,
    ),
    Planted(
        rule="isolated_stops",
        found_by=("active-once",),
        focus=("isolate",),
        fencing=False,
        pace_ms=9_000,
        minutes=4.0,
    ),
    Planted(
        rule="takeover_waits",
        found_by=("takeover-waits", "active-once"),
        focus=CUTS,
        fencing=False,
    ),
    Planted(rule="return_resyncs", found_by=("return-resyncs",), focus=CUTS),
    Planted(
        rule="survivor_was_together",
        found_by=("one-history", "active-once"),
        focus=("outage", "isolate"),
        nodes=2,
    ),
    Planted(
        rule="survivor_needs_device",
        found_by=("one-history", "active-once"),
        focus=("isolate",),
        nodes=2,
    ),
    Planted(rule="retries_run_once", found_by=("once",), focus=REPLAYS),
    Planted(rule="unknown_client_refused", found_by=("unknown-client",), focus=REPLAYS),
    Planted(rule="preconditions_hold", found_by=("precondition",), focus=REPLAYS),
)
