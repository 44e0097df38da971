"""Log lines: a constant message and fields, one line each, on standard error (the journal's form).

error: someone must act; warning: it may come to that; info: the state changed; debug: the rest.
Pacemaker's variables set level and file (features 26.3, 26.4, 26.5): ``PCMK_logpriority``,
``PCMK_debug``, ``PCMK_logfile``.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler

_PRIORITY = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}


class Log:
    """Writes ``message key=value …``; cores have none of this, the runner logs for them."""

    def __init__(self, daemon: str) -> None:
        """Name the daemon whose lines these are."""
        self._logger = logging.getLogger(daemon)

    def error(self, message: str, **fields: object) -> None:
        """Someone must act."""
        self._logger.error(_line(message, fields))

    def warning(self, message: str, **fields: object) -> None:
        """It may come to that."""
        self._logger.warning(_line(message, fields))

    def info(self, message: str, **fields: object) -> None:
        """The state changed."""
        self._logger.info(_line(message, fields))

    def debug(self, message: str, **fields: object) -> None:
        """The rest."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._logger.debug(_line(message, fields))


def _line(message: str, fields: dict[str, object]) -> str:
    return " ".join([message, *(f"{key}={_value(value)}" for key, value in fields.items())])


def _value(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(c.isspace() or c == "=" for c in text) else text


class _Formatter(logging.Formatter):
    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.name}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if self._journal:
            return f"<{_PRIORITY.get(record.levelno, 6)}>{text}"
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return f"{at} {record.levelname.lower()} {text}"


_LEVELS = {
    **dict.fromkeys(("emerg", "alert", "crit", "critical", "error", "err"), "error"),
    **dict.fromkeys(("warning", "warn"), "warning"),
    **dict.fromkeys(("notice", "info"), "info"),
    **dict.fromkeys(("debug", "trace"), "debug"),
}
_YES = ("yes", "y", "true", "on", "1")


def level_by(environment: Mapping[str, str], program: str) -> str:
    """Return the lowest level that `program` logs; a word that is not known counts as info."""
    debug = environment.get("PCMK_debug", "").lower()
    if debug in _YES or program in debug.split(","):
        return "debug"
    return _LEVELS.get(environment.get("PCMK_logpriority", "").lower(), "info")


def start_logging(level: str = "info", file: str = "") -> None:
    """Send everything to standard error, and to `file` where one is named ("none": nowhere else).

    `level` is error, warning, info or debug. A file that cannot be written is told and done
    without; one that is rotated away is opened anew.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setFormatter(_Formatter(journal="JOURNAL_STREAM" in os.environ))
    problem = ""
    if file and file != "none":
        try:
            handlers.append(WatchedFileHandler(file))
            handlers[-1].setFormatter(_Formatter(journal=False))
        except OSError as error:
            problem = error.strerror or str(error)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    for noisy in ("pysyncobj", "asyncio", "grpc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if problem:
        Log("raftmaker").warning("no log file", file=file, reason=problem)
