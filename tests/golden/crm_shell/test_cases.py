"""Configuration text in, configuration text and XML out: one readable file a case.

A case is three parts divided by ``==== show`` and ``==== xml``: what is loaded, what
`configure show` prints then, and the configuration's XML. ``pytest --rewrite`` is not needed: to
change a case, write what is expected.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.document.codec import parse as parse_xml
from cib_store.document.element import Element
from crm_shell.edit import Mode, apply, operations
from crm_shell.edit.show import show
from crm_shell.syntax import parse
from crm_shell.xml_text import xml_lines

CASES = sorted((Path(__file__).parent / "cases").glob("*.case"))
EMPTY = parse_xml(
    '<configuration><crm_config/><nodes><node id="n1" uname="n1"/><node id="n2" uname="n2"/>'
    "</nodes><resources/><constraints/></configuration>"
)


def loaded(text: str, configuration: Element = EMPTY, mode: Mode = Mode.UPDATE) -> Element:
    edited = apply(configuration, parse(text), mode)
    assert not edited.faults, "\n".join(map(str, edited.faults))
    return edited.configuration


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """features 30.19-30.43"""
    text, _, rest = path.read_text("utf-8").partition("==== show\n")
    shown, _, xml = rest.partition("==== xml\n")
    configuration = loaded(text)
    assert show(configuration)[0] + "\n" == shown
    assert "\n".join(xml_lines(configuration)) + "\n" == xml
    # What is shown can be loaded again and changes nothing, into nothing and into itself.
    assert show(loaded(shown))[0] + "\n" == shown
    assert operations(configuration, loaded(shown, configuration)) == ()
    assert operations(configuration, loaded(shown, configuration, Mode.PUSH)) == ()


def test_there_are_cases() -> None:
    assert len(CASES) >= 4
