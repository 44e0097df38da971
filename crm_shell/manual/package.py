"""Write what a package holds beside the code: the commands, their manual pages, the completion.

``python -m crm_shell.manual.package --root DIRECTORY --home /usr/lib/raftmaker``; the commands are
those of the ``pyproject.toml`` in the current directory.
"""

from __future__ import annotations

import argparse
import gzip
import os
from pathlib import Path

from crm_shell.manual.commands import Program, programs
from crm_shell.manual.completion import script
from crm_shell.manual.pages import SECTION, page_of, shell_page

_COMMAND = """\
#!{home}/bin/python3 -I
import sys

from {module} import {function}

sys.exit({function}())
"""


def main() -> None:
    """Write into the package's root directory."""
    parser = argparse.ArgumentParser(prog="crm_shell.manual.package")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--home", required=True, help="where the environment will be")
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    found = programs(Path("pyproject.toml"))
    write_commands(found, options.root, options.home)
    write_pages(found, options.root, options.version)
    completions = options.root / "usr/share/bash-completion/completions"
    completions.mkdir(parents=True, exist_ok=True)
    (completions / "crm").write_text(script(found), "utf-8")
    for program in found:
        if program.parser is not None:
            (completions / program.name).symlink_to("crm")


def write_commands(found: tuple[Program, ...], root: Path, home: str) -> None:
    """Write a script for each command, and its link in ``/usr/sbin``."""
    scripts, links = root / home.lstrip("/") / "bin", root / "usr/sbin"
    for directory in (scripts, links):
        directory.mkdir(parents=True, exist_ok=True)
    for program in found:
        module, _, function = program.entry.partition(":")
        path = scripts / program.name
        path.write_text(_COMMAND.format(home=home, module=module, function=function), "utf-8")
        path.chmod(0o755)
        os.symlink(f"{home}/bin/{program.name}", links / program.name)


def write_pages(found: tuple[Program, ...], root: Path, version: str) -> None:
    """Write a manual page for each command."""
    pages = root / f"usr/share/man/man{SECTION}"
    pages.mkdir(parents=True, exist_ok=True)
    for program in found:
        text = (
            shell_page(version)
            if program.parser is None
            else page_of(program.name, program.parser, version)
        )
        (pages / f"{program.name}.{SECTION}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
