"""Pre-vote: a voter asks whether it would win before it raises the term (raft.md, hazard 10).

PySyncObj campaigns as soon as it is connected to anyone, so a voter that hears a majority but not
the leader would raise the term for ever, and each time cost the cluster its leader. Here it first
asks all voters; each grants when it too misses the leader and the asker's log is not behind its
own. Only a majority of grants, the asker's own included, lets the election begin. Nothing is
stored: a round that fails leaves no trace.

Rounds follow each other quickly, as questions are lost; an answer counts although its round is not
the newest. Where a message takes longer there and back than a round, nobody would be elected else.
"""

from __future__ import annotations

from msgspec import Struct, field


class LogEnd(Struct, frozen=True, order=True):
    """Term and index of a voter's last entry, compared as Raft compares logs."""

    term: int
    index: int


GRANT_S = 1.0
"""How old a question may be whose answer counts: who misses the leader may hear it again."""


class PreVote(Struct):
    """The rounds of one voter. Times are in seconds of the engine's clock."""

    voters: int
    """How many there are, this one included."""
    silence_s: float
    """A leader not heard for this long is missed: the shortest election timeout."""
    heard_leader_at: float = float("-inf")
    round: int = 0
    asked_for_term: int = 0
    _asked_at: dict[int, float] = field(default_factory=dict)
    _grants: dict[str, float] = field(default_factory=dict)
    """By voter, when the round was begun that it granted last."""

    def heard_leader(self, now: float) -> None:
        """A message of a current leader arrived: whatever was being asked is void."""
        self.heard_leader_at = now
        self._void()
        self.asked_for_term = 0

    def _void(self) -> None:
        self._asked_at.clear()
        self._grants.clear()

    def misses_leader(self, now: float) -> bool:
        """Tell whether the leader has been silent long enough to want another."""
        return now - self.heard_leader_at >= self.silence_s

    def ask(self, term: int, now: float) -> int:
        """Begin a round for the election of `term`; return its number."""
        if term != self.asked_for_term:
            self._void()
        oldest = now - GRANT_S
        self._asked_at = {number: at for number, at in self._asked_at.items() if at >= oldest}
        self._grants = {voter: at for voter, at in self._grants.items() if at >= oldest}
        self.round += 1
        self.asked_for_term = term
        self._asked_at[self.round] = now
        return self.round

    def grants(self, *, term: int, own_term: int, asker: LogEnd, own: LogEnd, now: float) -> bool:
        """Tell whether this voter would vote for the asker in `term`."""
        return term > own_term and asker >= own and self.misses_leader(now)

    def count(self, voter: str, round_number: int) -> None:
        """Count a grant; one of a round that is over does not count."""
        if round_number in self._asked_at and self.asked_for_term:
            self._grants[voter] = self._asked_at[round_number]

    def won(self, current_term: int) -> bool:
        """Tell whether a majority, this voter included, would vote for the next term."""
        current = self.asked_for_term == current_term + 1
        return self.voters == 1 or (current and 2 * (len(self._grants) + 1) > self.voters)
