"""Where templates and the configurations made from them are kept: the package, and a person's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from crm_shell.preferences import file_of
from crm_shell.templates.template import BadTemplate, Template, read_template

SHIPPED = Path(__file__).with_name("shipped")
_NAME = re.compile(r"[\w][\w.-]*")


class Library(Struct, frozen=True):
    """The templates that there are, and one person's configurations."""

    own: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Library:
        """Return the library of who has this environment."""
        return cls(file_of(environment).parent)

    def templates(self) -> dict[str, Template]:
        """Return all templates by name; a person's own go before those of the package.

        Raises `BadTemplate`, which says in which file.
        """
        found: dict[str, Template] = {}
        for directory in (SHIPPED, self.own / "templates"):
            for path in sorted(directory.iterdir()) if directory.is_dir() else ():
                try:
                    template = read_template(path.read_text("utf-8"))
                except (BadTemplate, UnicodeDecodeError) as error:
                    raise BadTemplate(f"{path}: {error}") from None
                found[template.name] = template
        return found

    def names(self) -> tuple[str, ...]:
        """Return the configurations that there are, sorted."""
        directory = self.own / "configurations"
        found = directory.iterdir() if directory.is_dir() else ()
        return tuple(sorted(each.name for each in found))

    def path(self, name: str) -> Path:
        """Return the file of a configuration. Raises `BadTemplate` for what is no name."""
        if not _NAME.fullmatch(name):
            raise BadTemplate(f"{name!r} is no name: letters, digits, . _ -")
        return self.own / "configurations" / name

    def unused(self, template: str) -> str:
        """Return a name for a configuration of that template."""
        number, taken = 1, self.names()
        while (name := f"{template}-{number}" if number > 1 else template) in taken:
            number += 1
        return name
