"""For each guard a seed that finds it when it is switched off, and the surroundings it needs."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from tests.sim.raft.campaign import voters_of
from tests.sim.raft.plan import Guards, Plan


class Planted(Struct, frozen=True):
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
    Planted("leader_waits_for_its_disk", 4, "commit-on-disk"),
    Planted("follower_waits_for_its_disk", 1, "durable-majority"),
    Planted("found_is_stored_again", 13, "commit-on-disk", voters=3),
    Planted("damage_refused", 92, "leader-completeness", ("flip-bit",), voters=3),
    Planted("decay_told", 41001, "leader-completeness", voters=3),
    Planted("checksums", 15, "same-state", ("flip-bit",), voters=3),
    Planted("failed_sync_ends", 9, "commit-on-disk", voters=3),
    Planted("pre_vote", 7, "undisturbed", CUTS, voters=3),
    Planted("minority_steps_down", 3, "steps-down", CUTS, voters=3),
    Planted("reads_wait", 1, "linearizable", CUTS, voters=3),
    Planted("requests_run_once", 2, "exactly-once", CUTS, voters=3),
    Planted("only_conflicts_truncate", 1, "durable-majority", ("noise", "step-down"), voters=3),
)

_GUARDS = "tests/sim/raft/test_guards.py"
_STORE, _JOURNAL = (
    f"tests/unit/cib_store/test_{name}.py" for name in ("snapshot_store", "journal")
)
TESTS = {
    "votes_stored": f"{_JOURNAL}::test_a_journal_that_vanished_after_a_vote_refuses_to_start",
    "votes_wait_for_disk": f"{_JOURNAL}::test_term_and_vote_survive_and_damage_of_them_refuses",
    "newer_entries_kept": f"{_STORE}::test_a_gap_between_snapshot_and_journal_refuses_to_start",
    "snapshot_checked": f"{_STORE}::test_a_hole_leaves_the_good_file_in_place",
    "stuck_leader_steps_down": f"{_GUARDS}::test_a_leader_with_a_full_disk_leaves_it_to_another",
    "snapshot_commits_nothing": (
        f"{_GUARDS}::test_a_snapshot_that_arrives_commits_nothing_that_is_held"
    ),
    "snapshot_proves_its_part": (
        f"{_GUARDS}::test_after_a_snapshot_only_what_is_inside_is_acknowledged"
    ),
    "answers_name_their_term": (
        f"{_GUARDS}::test_an_acknowledgement_of_an_older_term_does_not_count"
    ),
    "votes_count_once": f"{_GUARDS}::test_a_vote_that_arrives_twice_counts_once",
    "refusals_go_back": (
        f"{_GUARDS}::test_catching_up_does_not_stand_still_with_a_tail_in_conflict"
    ),
    "late_snapshot_dropped": f"{_STORE}::test_a_snapshot_that_comes_late_is_not_installed",
}
"""Guards that no seed has found out, and the test that does."""
