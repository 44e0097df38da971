"""Options of a command of the shell, by argparse; a wrong one is a usage error, not an exit."""

from __future__ import annotations

import argparse
from typing import NoReturn

from crm_shell.commands.session import Misused


class OptionParser(argparse.ArgumentParser):
    """Options of one command. `parse_args` raises `Misused` for what the command cannot take."""

    def __init__(self, usage: str) -> None:
        super().__init__(prog="crm", usage=usage, add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line."""
        raise Misused(f"{message}; usage: {self.usage}")
