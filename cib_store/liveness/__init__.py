"""A voter's view of who lives: which beats it answers, whose silence it reports, who is lost."""

from cib_store.liveness.values import (
    Acknowledge,
    BeatHeard,
    Daemon,
    Effect,
    Elected,
    Event,
    FactsCommitted,
    LeadershipChanged,
    PeerReports,
    Propose,
    Silence,
    StepDown,
    Ticked,
    Voter,
    VotersChanged,
)
from cib_store.liveness.voter import next_silence_ms, silences, step

__all__ = [
    "Acknowledge",
    "BeatHeard",
    "Daemon",
    "Effect",
    "Elected",
    "Event",
    "FactsCommitted",
    "LeadershipChanged",
    "PeerReports",
    "Propose",
    "Silence",
    "StepDown",
    "Ticked",
    "Voter",
    "VotersChanged",
    "next_silence_ms",
    "silences",
    "step",
]
