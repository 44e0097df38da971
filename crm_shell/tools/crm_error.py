"""``crm_error``: what exit codes and error numbers mean (features 27.29, section 28)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from crm_shell.tools.code_text import name_of, text_of
from crm_shell.tools.frame import ToolParser, write
from raftmaker.vocabulary.codes import ExitCode

_NAME_WIDTH = 24
_EXIT_PREFIX = "CRM_EX_"
"""What Pacemaker's own table has before the names."""


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("crm_error", "tell what an exit code or an error number means")
    parser.flag("-n", "--name", dest="name", text="with the code's name")
    parser.flag("-l", "--list", dest="list", text="all of them")
    parser.flag("-X", "--exit", dest="exit", text="exit codes of the tools and daemons (default)")
    parser.flag("-r", "--rc", dest="rc", text="numbers of the system's errors, below 0 as well")
    parser.add_argument("codes", nargs="*", type=int, metavar="CODE")
    options = parser.parse_args()
    if options.exit and options.rc:
        parser.error("-X and -r are different tables: give one")
    if bool(options.codes) is options.list:
        parser.error("give codes, or --list for all")
    known: Iterable[int] = sorted(errno.errorcode) if options.rc else ExitCode
    for code in known if options.list else options.codes:
        name, text = _error(code) if options.rc else _exit(code)
        write(_line(int(code), name, text, named=options.name, listed=options.list))
    return 0


def _exit(code: int) -> tuple[str, str]:
    name = name_of(code)
    return (f"{_EXIT_PREFIX}{name}" if name and not name.startswith("SIG") else name, text_of(code))


def _error(code: int) -> tuple[str, str]:
    name = errno.errorcode.get(abs(code), "")
    return name, os.strerror(abs(code))


def _line(code: int, name: str, text: str, *, named: bool, listed: bool) -> str:
    if listed:
        return f"{code:5}: {name:<{_NAME_WIDTH}} {text}" if named else f"{code:5}: {text}"
    return f"{name} - {text}" if named and name else text
