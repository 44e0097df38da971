"""How loaded a node is, and how much may run at once: there, and in the cluster (features 16.35).

From the load comes a mode, from the modes the numbers of jobs. A node that has not told its load
counts as one of low mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from msgspec import Struct

AVERAGE_FACTORS = (1.2, 1.6, 2.0)
"""Of the load at which throttling begins: low, medium, high. Extreme it is never by this alone."""
STORE_FACTORS = (0.8, 0.9, 1.0, 1.5)
"""Of the processor time that the store may take: low, medium, high, extreme."""
STORE_SHARE = 0.95
"""Of one processor: the store has one thread that counts, so more of them do not help it."""
STORE_SHARE_OF_SINGLE_CORE = 0.4
LOAD_OF_SINGLE_CORE = 0.6
"""Where there is one processor, a load of 1 is too much already."""


class Throttle(IntEnum):
    """By how much a node is to be spared; a greater one is worse."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    EXTREME = 4


class Sample(Struct, frozen=True, kw_only=True):
    """What a node measured; None where it could not, or not yet.

    `average`: runnable tasks of the last minute. `store`: the share of one processor that its
    store has used since the sample before.
    """

    cores: int = 1
    average: float | None = None
    store: float | None = None


class NodeLoad(Struct, frozen=True, kw_only=True):
    """What a node tells the DC. `action_limit` 0: it has no limit of its own (features 26.8)."""

    mode: Throttle = Throttle.NONE
    cores: int = 1
    action_limit: int = 0


def mode_of(sample: Sample, threshold: float) -> Throttle:
    """Return the worse of the two modes; `threshold` is `load-threshold` as a part of 1.

    A threshold of 0 leaves the load average alone.
    """
    modes = [Throttle.NONE]
    if sample.store is not None:
        modes.append(_reached(sample.store, store_limits(sample.cores, threshold)))
    if sample.average is not None and threshold > 0:
        modes.append(_reached(sample.average, average_limits(sample.cores, threshold)))
    return max(modes)


def average_limits(cores: int, threshold: float) -> tuple[float, ...]:
    """Return the load averages beyond which the modes begin (features 16.37)."""
    usual = threshold * (cores if cores > 1 else LOAD_OF_SINGLE_CORE)
    return tuple(usual * factor for factor in AVERAGE_FACTORS)


def store_limits(cores: int, threshold: float) -> tuple[float, ...]:
    """Return the shares of a processor beyond which the modes begin (features 16.40)."""
    share = STORE_SHARE if cores > 1 else STORE_SHARE_OF_SINGLE_CORE
    if 0 < threshold < share:
        share = threshold
    return tuple(share * factor for factor in STORE_FACTORS)


def _reached(load: float, limits: Sequence[float]) -> Throttle:
    return Throttle(sum(load > limit for limit in limits))


def jobs_of(load: NodeLoad | None, option: int, cores: int) -> int:
    """Return how many jobs a node may have at once (features 2.31, 16.38).

    `option` is `node-action-limit` (0: twice the processors); `cores` are those of a node that
    has not told its own.
    """
    mode, own = Throttle.LOW, 0
    if load is not None:
        mode, own, cores = load.mode, load.action_limit, load.cores
    most = own or (option if option > 0 else 2 * cores)
    match mode:
        case Throttle.NONE:
            return most
        case Throttle.LOW:
            return max(1, most // 2)
        case Throttle.MEDIUM:
            return max(1, most // 4)
        case Throttle.HIGH | Throttle.EXTREME:
            return 1


def batch_of(option: int, modes: Iterable[Throttle], peers: int) -> int | None:
    """Return how many jobs the cluster may have at once; None: any number (features 2.32, 16.39).

    `option` is `batch-limit`: 0 sets no limit but by load, below 0 there is never one. `peers` is
    the number of members.
    """
    if option < 0:
        return None
    limits = [option] if option > 0 else []
    for mode in modes:
        if mode >= Throttle.HIGH:
            part = 4 if mode is Throttle.EXTREME else 2
            limits.append(max(1, peers // part))
    return min(limits, default=None)
