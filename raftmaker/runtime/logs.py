"""Log lines: a constant message and fields, one line each, on standard error (the journal's form).

error: someone must act; warning: it may come to that; info: the state changed; debug: the rest.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime

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
    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.name}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if "JOURNAL_STREAM" in os.environ:
            return f"<{_PRIORITY.get(record.levelno, 6)}>{text}"
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return f"{at} {record.levelname.lower()} {text}"


def start_logging(level: str = "info") -> None:
    """Send everything to standard error; `level` is error, warning, info or debug."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("pysyncobj", "asyncio", "grpc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
