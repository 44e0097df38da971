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


TABLE = (
    Planted("synced", 1, "commit-on-disk"),
    Planted("leader_waits_for_its_disk", 3, "commit-on-disk"),
    Planted("follower_waits_for_its_disk", 1, "durable-majority"),
    Planted("votes_stored", 12, "one-vote"),
    Planted("found_is_stored_again", 9, "commit-on-disk"),
    Planted("failed_sync_ends", 9, "commit-on-disk"),
)

UNSEEN: dict[str, str] = {}
