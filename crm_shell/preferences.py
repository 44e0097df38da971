"""What a person has chosen for the shell, kept in a file of their own (features 30.18)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct


class Preference(Struct, frozen=True):
    """A choice: its name, default, the values that it may have (none: any), what it does."""

    name: str
    default: str
    values: tuple[str, ...]
    text: str


_SWITCH = ("yes", "no")
PREFERENCES: tuple[Preference, ...] = (
    Preference("wait", "no", _SWITCH, "after each change wait until it is carried out"),
    Preference("output", "auto", ("auto", "plain", "color", "uppercase"),
               "colours: by the terminal, none, always, or capitals in their place"),
    Preference("colorscheme", "cyan,green,magenta", (),
               "colours of keywords, ids and names of values, with commas between"),
    Preference("editor", "", (), "the editor of configure edit; VISUAL and EDITOR go before it"),
    Preference("pager", "less -FRX", (),
               "what shows an answer that is longer than the screen; PAGER goes before it; none:"
               " nothing does"),
    Preference("skill-level", "expert", ("operator", "administrator", "expert"),
               "an operator looks, starts, stops and moves; the others may do everything"),
    Preference("check-frequency", "always", ("always", "on-verify", "never"),
               "when the configuration is held against the agents: at each commit, by verify"
               " alone, or not at all"),
    Preference("check-mode", "strict", ("strict", "relaxed"),
               "whether a wrong parameter is an error, or only told"),
    Preference("sort-elements", "yes", _SWITCH,
               "show objects by kind and name, or as they stand in the configuration"),
    Preference("manage-children", "always", ("ask", "never", "always"),
               "a change of a container's target-role: whether its members' own are removed"),
)  # fmt: skip
BY_NAME: Mapping[str, Preference] = {each.name: each for each in PREFERENCES}


class Unfit(ValueError):
    """A value that a preference cannot have, or a name that is none."""


def checked(name: str, value: str) -> str:
    """Return the value as it is kept. Raises `Unfit` with what is allowed."""
    known = BY_NAME.get(name)
    if known is None:
        raise Unfit(f"no option {name!r}; there are: {', '.join(BY_NAME)}")
    if known.values == _SWITCH:
        value = {"true": "yes", "on": "yes", "false": "no", "off": "no"}.get(value, value)
    if known.values and value not in known.values:
        raise Unfit(f"{name} cannot be {value!r}; allowed: {', '.join(known.values)}")
    return value


def file_of(environment: Mapping[str, str]) -> Path:
    """Return where a person's choices are kept."""
    home = environment.get("XDG_CONFIG_HOME")
    folder = Path(home) if home else Path(environment.get("HOME", "/")) / ".config"
    return folder / "raftmaker" / "crm.toml"


class Preferences:
    """The choices in force: the file's, overruled by what this session sets."""

    def __init__(self, path: Path) -> None:
        """`path`: the file; where it is missing the defaults hold. Raises `Unfit` for a bad one."""
        self._path = path
        self._saved = _read(path)
        self._set: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Return the value in force."""
        return self._set.get(name) or self._saved.get(name) or BY_NAME[name].default

    def is_on(self, name: str) -> bool:
        """Whether a switch is on."""
        return self[name] == "yes"

    def set(self, name: str, value: str) -> None:
        """Choose for this session. Raises `Unfit`."""
        self._set[name] = checked(name, value)

    def save(self) -> Path:
        """Keep what is chosen, without the defaults; return the file. Raises `OSError`."""
        chosen = {each.name: self[each.name] for each in PREFERENCES}
        lines = [
            f"{name} = {_quoted(value)}"
            for name, value in chosen.items()
            if value != BY_NAME[name].default
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("\n".join(["# Options of the crm shell: crm options", *lines, ""]))
        self._saved, self._set = {n: chosen[n] for n in chosen}, {}
        return self._path

    def reset(self) -> None:
        """Return to the defaults, for this session until it is saved."""
        self._saved, self._set = {}, {}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read(path: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Unfit(f"{path}: {error}") from None
    try:
        return {name: checked(name, str(value)) for name, value in found.items()}
    except Unfit as error:
        raise Unfit(f"{path}: {error}") from None
