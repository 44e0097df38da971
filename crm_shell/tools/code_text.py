"""What exit codes mean, in words (features section 28)."""

from __future__ import annotations

import signal

from raftmaker.vocabulary.codes import ExitCode

CODE_TEXT = {
    ExitCode.OK: "OK",
    ExitCode.ERROR: "Error occurred",
    ExitCode.INVALID_PARAM: "Invalid parameter",
    ExitCode.UNIMPLEMENT_FEATURE: "Not implemented",
    ExitCode.INSUFFICIENT_PRIV: "Insufficient privileges",
    ExitCode.NOT_INSTALLED: "Not installed",
    ExitCode.NOT_CONFIGURED: "Not configured",
    ExitCode.NOT_RUNNING: "Not running",
    ExitCode.PROMOTED: "Promoted",
    ExitCode.FAILED_PROMOTED: "Failed in promoted role",
    ExitCode.USAGE: "Incorrect usage",
    ExitCode.DATAERR: "Bad data given",
    ExitCode.NOINPUT: "Input file not available",
    ExitCode.NOUSER: "User does not exist",
    ExitCode.NOHOST: "Host does not exist",
    ExitCode.UNAVAILABLE: "Necessary service unavailable",
    ExitCode.SOFTWARE: "Internal software bug",
    ExitCode.OSERR: "Operating system error occurred",
    ExitCode.OSFILE: "System file not available",
    ExitCode.CANTCREAT: "Cannot create output file",
    ExitCode.IOERR: "I/O error occurred",
    ExitCode.TEMPFAIL: "Temporary failure, try again",
    ExitCode.PROTOCOL: "Protocol violated",
    ExitCode.NOPERM: "Insufficient permission",
    ExitCode.CONFIG: "Invalid configuration",
    ExitCode.FATAL: "Fatal error occurred, will not respawn",
    ExitCode.PANIC: "System panic required",
    ExitCode.DISCONNECT: "Not connected",
    ExitCode.OLD: "Update was older than existing configuration",
    ExitCode.DIGEST: "Digest mismatch",
    ExitCode.NOSUCH: "No such object",
    ExitCode.QUORUM: "Quorum required",
    ExitCode.UNSAFE: "Operation not safe",
    ExitCode.EXISTS: "Requested item already exists",
    ExitCode.MULTIPLE: "Multiple items match request",
    ExitCode.EXPIRED: "Requested item has expired",
    ExitCode.NOT_YET_IN_EFFECT: "Requested item is not yet in effect",
    ExitCode.INDETERMINATE: "Could not determine status",
    ExitCode.UNSATISFIED: "Not applicable under current conditions",
    ExitCode.NO_DC: "DC is not yet elected",
    ExitCode.TIMEOUT: "Timeout occurred",
    ExitCode.DEGRADED: "Service is active but might fail soon",
    ExitCode.DEGRADED_PROMOTED: "Service is promoted but might fail soon",
    ExitCode.NONE: "No exit status available",
    ExitCode.MAX: "Error occurred",
}
_SIGNALS_AFTER = 128


def name_of(code: int) -> str:
    """Return an exit code's name; empty where it has none."""
    try:
        return ExitCode(code).name
    except ValueError:
        number = code - _SIGNALS_AFTER
        return signal.Signals(number).name if number in signal.valid_signals() else ""


def text_of(code: int) -> str:
    """Return an exit code in words; those after 128 that have no name of ours are signals."""
    try:
        return CODE_TEXT[ExitCode(code)]
    except ValueError:
        name, number = name_of(code), code - _SIGNALS_AFTER
        return f"Interrupted by signal {number} ({name})" if name else "Unknown exit status"
