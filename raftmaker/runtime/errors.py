"""What a shell may raise when the world fails or a request is refused, and the gRPC codes for it.

Cores never raise these: there, a failure is data in an event (house style, Errors).
"""

from __future__ import annotations

from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.reports import Report as Report


class HaError(Exception):
    """Base of all failures that a caller may see; `exit_code` is what a command ends with."""

    exit_code = ExitCode.ERROR


class Unreachable(HaError):
    """Nobody answers there. The message says where, and what to run."""

    exit_code = ExitCode.DISCONNECT


class NotLeader(HaError):
    """No leader was found in time: what was asked was not done, or its outcome is unknown."""

    exit_code = ExitCode.QUORUM


class TimedOut(HaError):
    """No answer in time: whether it was done is not known; the same request may be asked again."""

    exit_code = ExitCode.TIMEOUT


class CannotListen(HaError):
    """A daemon can listen at none of its addresses now; whoever starts it again tries once more."""

    exit_code = ExitCode.OSERR


class Refused(HaError):
    """The other side does not speak with us: other cluster, other protocol, smaller token."""

    exit_code = ExitCode.PROTOCOL


class Fatal(HaError):
    """A daemon cannot run, and a restart does not mend it: a person has to decide (features 28.6).

    Whoever starts daemons does not start one again that ends so. Whatever may mend itself (a peer
    that does not answer, a full disk, a port in use) is another failure.
    """

    exit_code = ExitCode.FATAL


class NotPermitted(HaError):
    """The caller has no right to what it asks for (features 20.11)."""

    exit_code = ExitCode.INSUFFICIENT_PRIV


class Rejected(HaError):
    """A request was refused and nothing changed; `reports` says all that is wrong with it."""

    def __init__(self, code: ExitCode, reports: tuple[Report, ...]) -> None:
        """Keep the exit code and all reports."""
        super().__init__("\n".join(str(report) for report in reports) or code.name)
        self.exit_code = code
        self.reports = reports
