"""Log lines: a constant message and fields, one line each, on standard error (the journal's form).

error: someone must act; warning: it may come to that; info: the state changed; debug: the rest.
Pacemaker's variables set level, file and facility (features 26.2-26.5): ``PCMK_logpriority``,
``PCMK_debug``, ``PCMK_logfile``, ``PCMK_logfile_mode``, ``PCMK_logfacility``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from io import TextIOWrapper
from logging.handlers import SysLogHandler, WatchedFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import assert_never

SYSLOG = "/dev/log"
_NOTHING: Mapping[str, str] = MappingProxyType({})
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


class _Form(Enum):
    """What a line begins with."""

    FILE = "time and level"
    JOURNAL = "priority"
    """As systemd reads it from standard error (sd-daemon(3))."""
    SYSLOG = "nothing"
    """The handler puts facility and priority there."""


class _Formatter(logging.Formatter):
    def __init__(self, form: _Form) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.name}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        match self._form:
            case _Form.SYSLOG:
                return text
            case _Form.JOURNAL:
                return f"<{_PRIORITY.get(record.levelno, 6)}>{text}"
            case _Form.FILE:
                at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
                return f"{at} {record.levelname.lower()} {text}"
            case _:
                assert_never(self._form)


class _ModedFileHandler(WatchedFileHandler):
    """Makes its file with a mode, also after a rotation."""

    def __init__(self, file: str, mode: int) -> None:
        self._mode = mode
        super().__init__(file)

    def _open(self) -> TextIOWrapper:
        with contextlib.suppress(FileExistsError):  # another daemon of this node was first
            handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self._mode)
            os.fchmod(handle, self._mode)  # whatever the umask is
            os.close(handle)
        return super()._open()


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


def start_logging(level: str = "info", environment: Mapping[str, str] = _NOTHING) -> None:
    """Send everything to the system log and to the file that is named.

    `level` is error, warning, info or debug; `environment` has Pacemaker's variables. What cannot
    be written to is told and done without; a file that is rotated away is opened anew.
    """
    problems: list[str] = []
    made = (_system_log(environment, problems), _detailed_log(environment, problems))
    handlers = [handler for handler in made if handler is not None]
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    for noisy in ("pysyncobj", "asyncio", "grpc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for problem in problems:
        Log("raftmaker").warning(problem)


def _system_log(environment: Mapping[str, str], problems: list[str]) -> logging.Handler | None:
    """Return what writes to standard error, or with a facility where one is named."""
    facility = environment.get("PCMK_logfacility", "")
    if facility == "none":
        return None
    if facility in SysLogHandler.facility_names:
        if Path(SYSLOG).is_socket():
            syslog = SysLogHandler(SYSLOG, SysLogHandler.facility_names[facility])
            syslog.setFormatter(_Formatter(_Form.SYSLOG))
            return syslog
        problems.append(f"there is no system log at {SYSLOG}")
    elif facility:
        problems.append(f"PCMK_logfacility={facility} is no facility of the system log")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(_Form.JOURNAL if "JOURNAL_STREAM" in os.environ else _Form.FILE)
    )
    return handler


def _detailed_log(environment: Mapping[str, str], problems: list[str]) -> logging.Handler | None:
    """Return what writes to the file that is named ("none": to no file)."""
    file = environment.get("PCMK_logfile", "none")
    if file in ("", "none"):
        return None
    word = environment.get("PCMK_logfile_mode", "0660")
    if not re.fullmatch("0?[0-7]{3}", word):
        problems.append(f"PCMK_logfile_mode={word} is not the mode of a file: 0660 is taken")
        word = "0660"
    try:
        handler = _ModedFileHandler(file, int(word, 8))
    except OSError as error:
        problems.append(f"no log file {file}: {error.strerror or error}")
        return None
    handler.setFormatter(_Formatter(_Form.FILE))
    return handler
