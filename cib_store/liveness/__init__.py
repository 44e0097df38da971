"""A voter's view of who lives: which beats it answers, whose silence it reports, who is lost."""

from cib_store.liveness.values import (
    Acknowledge,
    BeatHeard,
    Daemon,
    Effect,
    Event,
    FactsCommitted,
    LeadershipChanged,
    Propose,
    Silence,
    StepDown,
    Ticked,
    Voter,
)
from cib_store.liveness.voter import silences, step

__all__ = [
    "Acknowledge",
    "BeatHeard",
    "Daemon",
    "Effect",
    "Event",
    "FactsCommitted",
    "LeadershipChanged",
    "Propose",
    "Silence",
    "StepDown",
    "Ticked",
    "Voter",
    "silences",
    "step",
]
