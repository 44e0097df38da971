"""What a seed decides, and which guards of the engine are off."""

from __future__ import annotations

from msgspec import Struct, field


class Guards(Struct, frozen=True, kw_only=True):
    """One switch a guard; off means the planted fault (`planted` says how)."""

    # The disk (1 to 5; numbers are the hazards of the design note on Raft)
    synced: bool = True
    """Journal, votes and snapshots are synced (1)."""
    leader_waits_for_its_disk: bool = True
    """The leader counts itself only for what is on its disk (1)."""
    follower_waits_for_its_disk: bool = True
    """A follower acknowledges only what is on its disk (1)."""
    votes_stored: bool = True
    """Term and vote outlive the process."""
    votes_wait_for_disk: bool = True
    """Nothing that depends on a vote is sent before it is on disk."""
    found_is_stored_again: bool = True
    """What is read at start is put on disk before anything depends on it."""
    failed_sync_ends: bool = True
    """After a sync that failed the process ends."""
    stuck_leader_steps_down: bool = True
    """A leader whose disk is full or takes nothing steps down."""
    newer_entries_kept: bool = True
    """Lining up with a snapshot keeps what follows it in the journal (2)."""
    damage_refused: bool = True
    """A damaged snapshot refuses to start; it does not start empty (3)."""
    checksums: bool = True
    """A flipped bit is seen (4)."""
    decay_told: bool = True
    """A last record that has decayed is not taken for a torn one (4)."""
    # The protocol
    snapshot_commits_nothing: bool = True
    """A snapshot does not advance the commit index over a tail (6)."""
    snapshot_proves_its_part: bool = True
    """After a snapshot only what is inside is known to match (6)."""
    snapshot_checked: bool = True
    """What arrives is checked before it takes the place of the file."""
    late_snapshot_dropped: bool = True
    """A snapshot older than what is applied changes nothing."""
    only_conflicts_truncate: bool = True
    """An append cuts nothing off without a conflict (7)."""
    answers_name_their_term: bool = True
    """An acknowledgement of an older term does not count (7)."""
    votes_count_once: bool = True
    """A vote counts once a voter and term (7)."""
    refusals_go_back: bool = True
    """Catching up does not stand still with a tail in conflict (8)."""
    pre_vote: bool = True
    """Who hears a majority but no leader does not raise the term (10)."""
    minority_steps_down: bool = True
    """A leader that no majority answers steps down (10)."""
    # What is built on it
    reads_wait: bool = True
    """A read waits for a barrier (10)."""
    requests_run_once: bool = True
    """A request that is asked again is not done again (12)."""


class Plan(Struct, frozen=True, kw_only=True):
    """One run. `focus`: the only faults there are, by name; empty means all."""

    seed: int
    voters: int = 3
    spares: int = 0
    """Machines that are not members at the beginning; with any, members come and go."""
    seconds: float = 10.0
    """Virtual seconds of faults; then all is mended, and it must settle."""
    compact_bytes: int = 6_000
    focus: tuple[str, ...] = ()
    guards: Guards = field(default_factory=Guards)
