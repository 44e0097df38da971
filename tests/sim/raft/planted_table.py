"""For each guard a seed that finds it when it is switched off, and the surroundings it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.sim.raft.campaign import voters_of
from tests.sim.raft.plan import Guards, Plan


@dataclass(frozen=True, slots=True)
class Planted:
    """One guard that is off; the run of `seed` breaks the rule `found_by`."""

    guard: str
    seed: int
    found_by: str
    focus: tuple[str, ...] = ()
    voters: int = 0

    def plan(self, *, broken: bool = True) -> Plan:
        """Return the run; not `broken`: the same with all guards on."""
        guards = replace(Guards(), **{self.guard: False}) if broken else Guards()
        voters = self.voters or voters_of(self.seed)
        return Plan(seed=self.seed, voters=voters, focus=self.focus, guards=guards)


CUTS = ("one-way", "isolate", "partition")

TABLE = (
    Planted("synced", 1, "commit-on-disk"),
    Planted("leader_waits_for_its_disk", 1, "commit-on-disk"),
    Planted("follower_waits_for_its_disk", 1, "durable-majority"),
    Planted("found_is_stored_again", 13, "commit-on-disk", voters=3),
    Planted("damage_refused", 2, "commit-on-disk", ("flip-bit",), voters=3),
    Planted("checksums", 1, "same-state", ("flip-bit",), voters=3),
    Planted("failed_sync_ends", 9, "commit-on-disk", voters=3),
    Planted("pre_vote", 7, "undisturbed", CUTS, voters=3),
    Planted("minority_steps_down", 3, "steps-down", CUTS, voters=3),
    Planted("reads_wait", 1, "linearizable", CUTS, voters=3),
    Planted("requests_run_once", 2, "exactly-once", CUTS, voters=3),
)

UNSEEN = {
    "votes_stored": "45 seeds of three voters; seed 8 breaks another rule (a store cannot start)",
    "votes_wait_for_disk": "60 seeds",
    "stuck_leader_steps_down": "12 seeds; no check asks for it alone",
    "newer_entries_kept": "36 seeds",
    "snapshot_commits_nothing": "15 seeds",
    "snapshot_proves_its_part": "not searched yet",
    "snapshot_checked": "not searched yet",
    "late_snapshot_dropped": "not searched yet",
    "only_conflicts_truncate": "not searched yet",
    "answers_name_their_term": "not searched yet",
    "votes_count_once": "not searched yet",
    "batches_are_large": "not searched yet",
}
"""Guards that no seed has found out when they were off, and how long was searched: a debt."""
