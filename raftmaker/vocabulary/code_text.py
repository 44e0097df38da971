"""What exit codes of agents and the ends of operations are called (features 5.30-5.38, 28)."""

from __future__ import annotations

_CODES = {
    0: "OK", 1: "Error occurred", 2: "Invalid parameter", 3: "Unimplemented",
    4: "Insufficient privileges", 5: "Not installed", 6: "Not configured", 7: "Not running",
    8: "Promoted", 9: "Failed in promoted role",
    190: "Service is active but might fail soon",
    191: "Service is promoted but might fail soon",
    193: "No exit status available",
}  # fmt: skip
_STATUSES = {
    -1: "Pending", 0: "Done", 1: "Cancelled", 2: "Timed Out", 3: "Unsupported", 4: "Error",
    5: "Hard error", 6: "Internal communication failure", 7: "Not installed", 8: "Not connected",
    9: "Requirements not met", 10: "No fence device", 11: "CIB secrets unavailable",
}  # fmt: skip


def code_text(code: int) -> str:
    """Return what an agent's exit code means."""
    return _CODES.get(code, f"Unknown exit status {code}")


def status_text(status: int) -> str:
    """Return how an operation ended, as far as the executor is concerned."""
    return _STATUSES.get(status, str(status))
