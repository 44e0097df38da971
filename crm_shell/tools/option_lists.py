"""Lists of options, for people and as the XML of an agent's metadata (27.6, 27.11, 27.35)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.described import CLUSTER, FENCING, PRIMITIVE, Described
from cib_store.model.option_metadata import metadata
from crm_shell.status.xml import framed
from crm_shell.tools.frame import ToolFailed
from raftmaker import __version__
from raftmaker.vocabulary.codes import ExitCode

LISTS = {"cluster": CLUSTER, "primitive": PRIMITIVE, "fencing": FENCING}
_TITLES = {
    "cluster": "Cluster options",
    "primitive": "Meta-attributes of primitive resources",
    "fencing": "Parameters of every fence device",
}


def listing(which: str, allowed: tuple[str, ...], *, advanced: bool, output_as: str) -> str:
    """Return a list as text or XML. Raises `ToolFailed` for one that is not `allowed`."""
    if which not in allowed:
        raise ToolFailed(
            f"no options of {which!r}; there are: {', '.join(allowed)}", ExitCode.USAGE
        )
    if output_as == "xml":
        return framed(f"--list-options={which}", (_metadata(which),))
    shown = [each for each in LISTS[which] if advanced or not each.advanced]
    return "\n".join([f"{_TITLES[which]}:", *(_text(each) for each in shown)])


def _metadata(which: str) -> Element:
    return metadata(f"{which}-options", _TITLES[which].lower(), LISTS[which], version=__version__)


def _text(option: Described) -> str:
    kind, _, values = option.kind.partition(":")
    allowed = f", one of {values.replace(',', ', ')}" if values else ""
    default = f", default {option.default}" if option.default else ""
    managed = "; set by the cluster itself" if option.managed else ""
    return f"  * {option.name}: {option.text} ({kind}{allowed}{default}{managed})"
